//! The parts of a path that layouts read: a number and words. Pure.

use crate::diagnostic::Diagnostic;

/// The last part of a path.
pub(super) fn last(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The folder of a path, without a slash at its end; empty for a path of one part.
pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// A path without `.sql`, in any letter case.
pub(super) fn stem(name: &str) -> Option<&str> {
    let at = name.len().checked_sub(4)?;
    let ending = name.get(at..)?;
    ending.eq_ignore_ascii_case(".sql").then(|| &name[..at])
}

/// The digits that a name begins with, and what follows behind the separator.
pub(super) fn numbered(name: &str) -> Option<(&str, &str)> {
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = name.split_at(digits);
    let words = rest.strip_prefix('_')?;
    (digits > 0).then_some((number, words))
}

/// The same where any sign, or none, may follow the digits: dbmate and sql-migrate take the digits alone.
pub(super) fn loosely_numbered(name: &str) -> Option<(&str, &str)> {
    let digits = name.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = name.split_at(digits);
    (digits > 0).then(|| (number, rest.trim_start_matches(['_', '-', '.', ' '])))
}

/// The number of digits in the name of a file.
pub(super) fn version(file: &str, digits: &str) -> Result<i64, Box<Diagnostic>> {
    digits.parse().map_err(|_| {
        let message = format!(
            "the number {digits} is above {}, the highest version",
            i64::MAX
        );
        let problem = Diagnostic::problem("bad-name", message).in_file(file);
        Box::new(problem.help("give the file a lower number, above those of the others"))
    })
}
