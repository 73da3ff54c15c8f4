//! Which versions are taken, and which comes next. Pure: the time is an argument.

use std::time::SystemTime;

use time::macros::format_description;
use time::{Date, Duration, Month, OffsetDateTime, Time, UtcDateTime};

use super::file::{FileName, parse_name};

/// Versions that are times, `YYYYMMDDHHMMSS`.
const TIMES: std::ops::RangeInclusive<i64> = 19_700_101_000_000..=29_991_231_235_999;

/// How a new migration gets its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Numbering {
    /// As the newest file has it: one more, or the time if that one's is a time.
    #[default]
    AsNewest,
    /// The UTC time, `YYYYMMDDHHMMSS`.
    Timestamp,
}

/// What the name of a file says, if it says anything.
pub(super) fn parsed(file: &str) -> Option<FileName> {
    parse_name(file.rsplit('/').next().unwrap_or(file)).ok()
}

/// The version in the name of a file.
pub(super) fn version(file: &str) -> Option<i64> {
    parsed(file)?.version()
}

/// The version that comes after `newest` (0 where there is none), or `None` where that is the last there can be.
pub(super) fn next_version(newest: i64, numbering: Numbering, now: SystemTime) -> Option<i64> {
    let next = newest.checked_add(1)?;
    if numbering == Numbering::Timestamp || TIMES.contains(&newest) {
        // Clocks differ, and two may come in one second.
        return Some(next_second(newest).unwrap_or(next).max(timestamp(now)));
    }
    Some(next)
}

/// The second after a version that is a time; none where it is no time, as where others have counted on.
fn next_second(version: i64) -> Option<i64> {
    let part = |from: i64, digits: u32| u8::try_from(version / from % 10_i64.pow(digits)).ok();
    let year = i32::try_from(version / 10_000_000_000).ok()?;
    let month = Month::try_from(part(100_000_000, 2)?).ok()?;
    let date = Date::from_calendar_date(year, month, part(1_000_000, 2)?).ok()?;
    let time = Time::from_hms(part(10_000, 2)?, part(100, 2)?, part(1, 2)?).ok()?;
    let next = UtcDateTime::new(date, time).checked_add(Duration::SECOND)?;
    let format = format_description!("[year][month][day][hour][minute][second]");
    next.format(&format).ok()?.parse().ok()
}

/// `YYYYMMDDHHMMSS`, in UTC; 0 for years that have other than four digits.
fn timestamp(now: SystemTime) -> i64 {
    let now = UtcDateTime::from(OffsetDateTime::from(now));
    let format = format_description!("[year][month][day][hour][minute][second]");
    now.format(&format)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(newest: i64, numbering: Numbering, expect: Option<i64>) {
        // 2026-03-04 05:06:07 UTC.
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_772_600_767);
        assert_eq!(next_version(newest, numbering, now), expect);
    }

    #[test]
    fn counters_count_on_and_times_follow_the_clock() {
        check(0, Numbering::AsNewest, Some(1));
        check(41, Numbering::AsNewest, Some(42));
        check(41, Numbering::Timestamp, Some(20_260_304_050_607));
        // Two in one second: the next one is a time too.
        check(
            20_260_304_050_659,
            Numbering::AsNewest,
            Some(20_260_304_050_700),
        );
        check(
            20_261_231_235_959,
            Numbering::AsNewest,
            Some(20_270_101_000_000),
        );
        // What an earlier version has counted on is no time.
        check(
            20_260_304_050_663,
            Numbering::AsNewest,
            Some(20_260_304_050_664),
        );
        check(
            20_250_101_000_000,
            Numbering::AsNewest,
            Some(20_260_304_050_607),
        );
    }

    #[test]
    fn the_next_version_is_always_above_the_newest() {
        check(
            20_260_304_050_607,
            Numbering::AsNewest,
            Some(20_260_304_050_608),
        );
        check(
            20_991_231_235_959,
            Numbering::AsNewest,
            Some(21_000_101_000_000),
        );
        check(i64::MAX - 1, Numbering::Timestamp, Some(i64::MAX));
        check(i64::MAX, Numbering::AsNewest, None);
    }
}
