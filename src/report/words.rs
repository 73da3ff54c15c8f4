//! Counts, times, lists and commands in words. It knows nothing of what they are about.

use std::time::Duration;

use crate::script::Key;

/// How many keys a list names before it counts the rest.
const NAMED: usize = 8;

/// The commands that suggestions may name.
const COMMANDS: &[&str] = &[
    "backup",
    "adopt",
    "baseline",
    "check",
    "completions",
    "config",
    "copy",
    "doctor",
    "drift",
    "explain",
    "export",
    "import",
    "init",
    "inspect",
    "lint",
    "migrate",
    "new",
    "renumber",
    "repair",
    "redo",
    "replica",
    "reset",
    "restore",
    "seed",
    "status",
    "sync",
    "test-db",
    "undo",
    "verify",
];

/// Puts the program before every command that stands between backticks, and its global flags behind it: `` `repair 3` ``
/// becomes `` `cargo xtask repair 3 --database app.db` ``, which can be copied and means the same database. A command
/// that names its databases itself gets no flags.
pub fn as_typed(text: &str, program: &str) -> String {
    let name = program.split(" --").next().unwrap_or(program);
    let flags = &program[name.len()..];
    let mut typed = String::with_capacity(text.len());
    let mut words_before = "";
    // Whether the text between backticks is a name of the project, which may be that of a command.
    let mut is_name = false;
    for (number, part) in text.split('`').enumerate() {
        if number > 0 {
            typed.push('`');
        }
        if number % 2 == 0 {
            words_before = part;
            typed.push_str(part);
            continue;
        }
        is_name = NAMES_FOLLOW
            .iter()
            .any(|words| words_before.ends_with(words))
            || is_name && BETWEEN_NAMES.contains(&words_before);
        let first = part.split(' ').next().unwrap_or_default();
        let is_command = COMMANDS.contains(&first) && !(is_name && part == first);
        if is_command {
            typed.push_str(name);
            typed.push(' ');
        }
        typed.push_str(part);
        if is_command && first != "copy" && !part.contains("--database") {
            typed.push_str(match first {
                "new" => without_database(flags),
                _ => flags,
            });
        }
    }
    typed
}

/// The flags of a command that writes a file and opens no database. That of the database comes first.
fn without_database(flags: &str) -> &str {
    let Some(value) = flags.strip_prefix(" --database ") else {
        return flags;
    };
    // A value is quoted where it holds a space, and never holds one flag in front of another.
    value.find(" --").map_or("", |end| &value[end..])
}

/// Behind these words stands a name, or a list of names.
const NAMES_FOLLOW: [&str; 4] = ["did you mean ", "there is ", "there are ", "it has "];

/// The separator between the names of a list.
const BETWEEN_NAMES: [&str; 3] = [", ", " and ", " or "];

/// An error and its causes, in one line.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

/// `1 statement`, `2 statements`.
pub fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!(
            "{} {noun}s",
            grouped(u64::try_from(number).unwrap_or(u64::MAX))
        ),
    }
}

/// `9999`, `10,000`, `1,234,567`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `V1, V2 and V3`; a long list is counted from the ninth on.
pub(super) fn keys<'a>(keys: impl IntoIterator<Item = &'a Key>) -> String {
    let mut names: Vec<String> = keys.into_iter().map(Key::to_string).collect();
    let more = names.len().saturating_sub(NAMED);
    if more > 0 {
        names.truncate(NAMED);
        return format!("{} and {more} more", names.join(", "));
    }
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// `3 ms`, `1.2 s`, `10 s`, `2 min 5 s`, `1 h 2 min`, `2 d 3 h`.
pub(super) fn duration(milliseconds: i64) -> String {
    let seconds = milliseconds / 1000;
    if milliseconds < 1_000 {
        return format!("{milliseconds} ms");
    }
    match (seconds, milliseconds % 1000 / 100) {
        (..60, 0) => format!("{seconds} s"),
        (..60, tenths) => format!("{seconds}.{tenths} s"),
        (60..3_600, _) => format!("{} min {} s", seconds / 60, seconds % 60),
        (..172_800, _) => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        (_, _) => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// The same for a duration.
pub(super) fn in_words(waited: Duration) -> String {
    duration(i64::try_from(waited.as_millis()).unwrap_or(i64::MAX))
}

/// `512 B`, `4.0 KB`, `42.3 MB`: as the file systems count, by 1024.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 4] = ["KB", "MB", "GB", "TB"];
    if number < 1024 {
        return format!("{number} B");
    }
    let mut tenths = number.saturating_mul(10) / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// `the database is at V3`, and what that means where nothing is applied.
pub(super) fn database_is_at(version: Option<i64>) -> String {
    match version {
        Some(version) => format!("the database is at V{version}"),
        None => "no version is applied".to_owned(),
    }
}

/// Text on one line of a terminal: what would move the cursor is shown as `\u{fffd}`, but for tabs, which SQL is full of.
pub(super) fn printable(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    text.replace('\t', "    ")
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// The same for text of several lines.
pub(super) fn printable_lines(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(printable).collect();
    lines.join("\n")
}

/// A name of `most` characters at most, with `…` in its middle where that is not all: the rows of a pattern differ at
/// their ends.
pub(super) fn shortened_inside(name: &str, most: usize) -> String {
    let length = name.chars().count();
    if length <= most {
        return printable(name);
    }
    let end = most / 2;
    let first: String = name.chars().take(most - end - 1).collect();
    let last: String = name.chars().skip(length - end).collect();
    format!("{}…{}", printable(&first), printable(&last))
}

/// The first `most` characters of the first line, and `…` where that is not all.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let line = text.lines().next().unwrap_or_default();
    let cut = line
        .char_indices()
        .nth(most)
        .map_or(line.len(), |(at, _)| at);
    let all = cut == text.trim_end().len();
    let mut short = printable(&line[..cut]);
    if !all {
        short.truncate(short.trim_end().len());
        short.push_str(" …");
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_between_backticks_get_the_program_and_nothing_else_does() {
        for (text, expect) in [
            ("`repair 3`", "`cargo xtask repair 3`"),
            (
                "`undo` and `--retry`, not undo",
                "`cargo xtask undo` and `--retry`, not undo",
            ),
            ("`SELECT 1;` ` status", "`SELECT 1;` ` status"),
            // Names of tables and columns are no commands.
            ("did you mean `status`?", "did you mean `status`?"),
            (
                "it has `id`, `check` and `sync`; `check` tries it",
                "it has `id`, `check` and `sync`; `cargo xtask check` tries it",
            ),
            (
                "did you mean `seed --env dev`?",
                "did you mean `cargo xtask seed --env dev`?",
            ),
            ("", ""),
        ] {
            assert_eq!(as_typed(text, "cargo xtask"), expect);
        }
        let program = "seedbed --database 'my app.db' --seeds s";
        for (text, expect) in [
            (
                "`repair 3` and `SELECT 1`",
                "`seedbed repair 3 --database 'my app.db' --seeds s` and `SELECT 1`",
            ),
            ("`copy a.db b.db`", "`seedbed copy a.db b.db`"),
            ("`new NAME`", "`seedbed new NAME --seeds s`"),
            (
                "`export FILE --database FROM`",
                "`seedbed export FILE --database FROM`",
            ),
        ] {
            assert_eq!(as_typed(text, program), expect);
        }
    }

    #[test]
    fn durations_have_two_units_at_most() {
        for (milliseconds, expect) in [
            (0, "0 ms"),
            (-5, "-5 ms"),
            (999, "999 ms"),
            (1_290, "1.2 s"),
            (10_000, "10 s"),
            (59_999, "59.9 s"),
            (125_000, "2 min 5 s"),
            (3_720_000, "1 h 2 min"),
            (183_700_000, "2 d 3 h"),
        ] {
            assert_eq!(duration(milliseconds), expect);
        }
    }

    #[test]
    fn sizes_have_one_digit_behind_the_point() {
        for (number, expect) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (4096, "4.0 KB"),
            (1024 * 1024 - 1, "1023.9 KB"),
            (44_354_765, "42.3 MB"),
            (9 << 30, "9.0 GB"),
            (u64::MAX, "1677721.5 TB"),
        ] {
            assert_eq!(bytes(number), expect);
        }
    }

    #[test]
    fn lists_end_with_and_and_long_ones_are_counted() {
        let list = |last| keys(&(1..=last).map(Key::Migration).collect::<Vec<_>>());
        assert_eq!(list(0), "");
        assert_eq!(list(1), "V1");
        assert_eq!(list(3), "V1, V2 and V3");
        assert_eq!(list(10), "V1, V2, V3, V4, V5, V6, V7, V8 and 2 more");
    }

    #[test]
    fn text_is_shortened_to_a_line_that_moves_no_cursor() {
        assert_eq!(shortened("SELECT 1;", 60), "SELECT 1;");
        assert_eq!(shortened("SELECT\n  1;", 60), "SELECT …");
        assert_eq!(shortened("SELECT 12345", 8), "SELECT 1 …");
        assert_eq!(shortened("日本語", 2), "日本 …");
        assert_eq!(shortened("a\u{1b}[2J", 60), "a\u{fffd}[2J");
        assert_eq!(shortened("", 60), "");
    }
}
