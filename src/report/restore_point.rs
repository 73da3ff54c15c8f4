//! The moment before a change, and the command that would bring it back.

use std::time::SystemTime;

use time::OffsetDateTime;
use time::macros::format_description;

/// The line that is printed before the first change to a database on Turso, which can be restored to about any moment:
/// <https://docs.turso.tech/features/point-in-time-recovery>. `name` is what Turso calls the database.
pub fn restore_point(name: &str, now: SystemTime) -> String {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    // Only a year beyond 9999 cannot be written.
    let now = OffsetDateTime::from(now).format(format).unwrap_or_default();
    format!(
        "restore point: {now} (turso db create {name}-restored --from-db {name} --timestamp {now})"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn the_command_can_be_copied() {
        let now = UNIX_EPOCH + Duration::from_millis(1_795_299_171_900);
        assert_eq!(
            restore_point("my-app", now),
            "restore point: 2026-11-21T22:12:51Z (turso db create my-app-restored --from-db my-app --timestamp \
             2026-11-21T22:12:51Z)"
        );
    }
}
