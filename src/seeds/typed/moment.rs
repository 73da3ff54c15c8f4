//! Dates and times in the forms that SQLite's date functions read. Pure.
//! <https://sqlite.org/lang_datefunc.html#time_values>

/// Whether a text is a date, a time, or a date and a time. Numbers are times too, and are read before.
pub(super) fn is_moment(text: &str) -> bool {
    let text = text.trim_end();
    let split = text.split_once(['T', ' ']);
    match split {
        Some((date, time)) => is_date(date) && is_time(time.trim_start()),
        None => is_date(text) || is_time(text),
    }
}

fn is_date(text: &str) -> bool {
    // Years before the year 0.
    let parts: Vec<&str> = text.strip_prefix('-').unwrap_or(text).split('-').collect();
    let [year, month, day] = parts.as_slice() else {
        return false;
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2))
    else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        _ => return false,
    };
    (1..=days).contains(&day)
}

fn is_time(text: &str) -> bool {
    let text = text.strip_suffix(['Z', 'z']).unwrap_or(text).trim_end();
    let text = match text.rfind(['+', '-']) {
        Some(zone) => {
            let Some((hours, minutes)) = text[zone + 1..].split_once(':') else {
                return false;
            };
            if !is_below(hours, 15) || !is_below(minutes, 60) {
                return false;
            }
            text[..zone].trim_end()
        }
        None => text,
    };
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        [hours, minutes] => is_below(hours, 25) && is_below(minutes, 60),
        [hours, minutes, seconds] => {
            let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
            is_below(hours, 25)
                && is_below(minutes, 60)
                && is_below(seconds, 60)
                && !fraction.is_empty()
                && fraction.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    }
}

fn number(text: &str, digits: usize) -> Option<u32> {
    let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

fn is_below(text: &str, limit: u32) -> bool {
    number(text, 2).is_some_and(|number| number < limit)
}

#[cfg(test)]
mod tests {
    use super::is_moment;
    use crate::db::{Db, Options, Query};

    #[tokio::test]
    async fn what_the_engine_reads_as_a_time_is_one() {
        let db = Db::memory(Options::default()).await.unwrap();
        for text in [
            "2024-02-29",
            "-0044-03-15",
            "2024-02-29 12:30",
            "2024-02-29T12:30:59",
            "2024-02-29 12:30:59.123456789",
            "2024-02-29T12:30:59Z",
            "2024-02-29T12:30:59.5z",
            "2024-02-29 12:30:59 Z",
            "2024-02-29 12:30:59+02:00",
            "2024-02-29 12:30:59 -14:30",
            "2024-02-29T12:30+00:00",
            "2024-02-29 24:00",
            "12:30",
            "12:30:59.5",
            "12:30Z",
            "2024-02-29 ",
        ] {
            let sql = format!("SELECT julianday('{text}') IS NOT NULL");
            let rows = db.rows::<1>(Query::new(sql)).await.unwrap();
            assert_eq!(rows[0][0].as_i64(), Some(1), "{text}");
            assert!(is_moment(text), "{text}");
        }
        for text in [
            "",
            "soon",
            "2024-2-9",
            "2024-02-30",
            "29.02.2024",
            "2024/02/29",
            "2024-02-29 12",
            "2024-02-29 12:60",
            "2024-02-29 12:30:59.",
            "2024-02-29 12:30:59 UTC",
            "2024-02-29 12:30:59+0200",
            "36:00:00",
            "2024-02-29T",
        ] {
            assert!(!is_moment(text), "{text}");
        }
    }
}
