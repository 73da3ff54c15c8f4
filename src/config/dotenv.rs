//! `.env` text to the variables that are ours, each with its line.
//!
//! The process environment is never changed, and no value is quoted in a problem: a line that cannot
//! be read may be the token's. Variables that are not ours are not kept.
//!
//! The syntax is dotenvy's: `NAME=value`, `export NAME=value`, quotes, `#` comments, and `$NAME` or
//! `${NAME}` outside single quotes, which dotenvy takes from the process environment, then from the
//! lines above. The file is often shared with other programs, whose readers take more: only the lines
//! of our variables have to be readable here. A line of another variable that dotenvy cannot read has
//! the value that the readers for Node and Python give it: the rest of the line.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::PathBuf;

use super::origin::Place;
use super::problem::problem;
use super::variables;
use crate::diagnostic::Diagnostic;

/// One `.env` file as far as it is ours.
pub struct DotEnv {
    pub(super) path: PathBuf,
    pub(super) variables: BTreeMap<&'static str, Variable>,
    /// Everything that is not ours, for seeds that name a variable.
    pub(super) others: BTreeMap<String, String>,
    pub(super) problems: Vec<Diagnostic>,
}

pub(super) struct Variable {
    pub(super) value: String,
    /// The line that it starts on, from 1.
    pub(super) line: u32,
}

impl DotEnv {
    /// Reads `text`; `path` is how messages name the file. Lines that cannot be read are problems
    /// that [`resolve`](super::resolve) reports with the rest.
    ///
    /// Empty values count as unset. A variable of ours that is set twice is a problem, as tools do
    /// not agree on which one holds.
    pub fn parse(path: impl Into<PathBuf>, text: &str) -> Self {
        let mut file = Self {
            path: path.into(),
            variables: BTreeMap::new(),
            others: BTreeMap::new(),
            problems: Vec::new(),
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        // dotenvy takes a space before the very end for an unfinished line.
        let text = readable(&(text.replace("\r\n", "\n") + "\n"));
        let lines: Vec<&str> = text.lines().collect();

        let handed_out = Cell::new(0);
        let reader = LineByLine {
            rest: text.as_bytes(),
            handed_out: &handed_out,
        };
        let mut before = 0;
        for item in dotenvy::from_read_iter(reader) {
            let read = &lines[before..handed_out.get().min(lines.len())];
            match item {
                Ok((name, value)) => {
                    let at = read.iter().position(|line| self::name(line) == Some(&name));
                    file.keep(&name, value, number(before + at.unwrap_or(0)));
                }
                Err(_) => {
                    let at = read.iter().position(|line| !is_blank(line)).unwrap_or(0);
                    let problem = unreadable(&read[at..]);
                    let place = file.place(number(before + at));
                    file.problems.push(problem.at(place));
                }
            }
            before = handed_out.get().min(lines.len());
        }
        file
    }

    fn keep(&mut self, name: &str, value: String, line: u32) {
        let value = value.trim();
        let Some(name) = variables::IN_DOTENV.into_iter().find(|ours| *ours == name) else {
            self.others.insert(name.to_owned(), value.to_owned());
            return;
        };
        if value.is_empty() {
            return;
        }
        if let Some(first) = self.variables.get(name) {
            let problem = problem(format!("{name} is set here and in line {}", first.line))
                .at(self.place(line))
                .help("keep one: tools do not agree on which of the two holds");
            self.problems.push(problem);
            return;
        }
        let value = value.to_owned();
        self.variables.insert(name, Variable { value, line });
    }

    fn place(&self, line: u32) -> Place {
        Place {
            file: self.path.clone(),
            line: Some(line),
            column: None,
        }
    }
}

/// The text with each line of another program that dotenvy cannot read replaced by one that it can, so that the lines
/// around it keep their numbers and their meaning.
fn readable(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let mut readable = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let name = name(line);
        let taken = match name {
            _ if is_blank(line) => 1,
            _ if begins_with_a_name_of_ours(line) => lines_of_entry(&lines[at..]).1,
            _ => match lines_of_entry(&lines[at..]) {
                (Ok(_), lines) if lines == 1 || value(line).starts_with(['"', '\'']) => lines,
                _ => {
                    if let Some(name) = name {
                        readable += &format!("{name}={}", quoted(unquoted_value(line)));
                    }
                    readable.push('\n');
                    at += 1;
                    continue;
                }
            },
        };
        for line in &lines[at..at + taken] {
            readable += line;
            readable.push('\n');
        }
        at += taken;
    }
    readable
}

/// What dotenvy makes of the first entry of these lines, and how many lines it takes for it: at least one.
fn lines_of_entry(lines: &[&str]) -> (Result<(String, String), dotenvy::Error>, usize) {
    let text = lines.join("\n") + "\n";
    let handed_out = Cell::new(0);
    let reader = LineByLine {
        rest: text.as_bytes(),
        handed_out: &handed_out,
    };
    let entry = dotenvy::from_read_iter(reader).next();
    let entry = entry.unwrap_or_else(|| Ok(Default::default()));
    (entry, handed_out.get().clamp(1, lines.len()))
}

/// The word that a line begins with, behind `export`, and the rest.
fn first_word(line: &str) -> (&str, &str) {
    let line = line.trim_start();
    let exported = line.strip_prefix("export").map(str::trim_start);
    // `exported=1` is a name of its own.
    let line = exported
        .filter(|rest| line.len() > "export".len() + rest.len())
        .unwrap_or(line);
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    line.split_at(end.unwrap_or(line.len()))
}

/// Whether a line sets one of our variables, or means to.
fn begins_with_a_name_of_ours(line: &str) -> bool {
    variables::IN_DOTENV.contains(&first_word(line).0)
}

/// The name that a line sets.
fn name(line: &str) -> Option<&str> {
    let (name, rest) = first_word(line);
    let is_name = !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit());
    (is_name && rest.trim_start().starts_with('=')).then_some(name)
}

/// The text after the `=` of a line.
fn value(line: &str) -> &str {
    line.split_once('=').map_or("", |(_, value)| value).trim()
}

/// The value of a line in which quotes mean nothing: up to a comment.
fn unquoted_value(line: &str) -> &str {
    let value = value(line);
    value.split(" #").next().unwrap_or(value).trim_end()
}

/// A value as dotenvy reads it back unchanged.
fn quoted(value: &str) -> String {
    let mut quoted = String::from('"');
    for c in value.chars() {
        if matches!(c, '"' | '\\' | '$') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted + "\""
}

/// Gives at most one line per read, so that the number of lines given out is that of the lines that
/// the parser has seen: it does not tell.
struct LineByLine<'a> {
    rest: &'a [u8],
    handed_out: &'a Cell<usize>,
}

impl Read for LineByLine<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let line = self.rest.iter().position(|byte| *byte == b'\n');
        let whole = line.map_or(self.rest.len(), |end| end + 1);
        let length = whole.min(buffer.len());
        let (now, later) = self.rest.split_at(length);
        buffer[..length].copy_from_slice(now);
        self.rest = later;
        if now.ends_with(b"\n") {
            self.handed_out.set(self.handed_out.get() + 1);
        }
        Ok(length)
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index + 1).unwrap_or(u32::MAX)
}

fn is_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

/// Why dotenvy could not read these lines, from their shape alone.
fn unreadable(lines: &[&str]) -> Diagnostic {
    let first = lines.first().copied().unwrap_or_default();
    if lines.len() > 1 {
        return problem("a quote is opened in this line and never closed")
            .help("close it; a quote that belongs to the value is written \\\" or \\'");
    }
    if !first.contains('=') {
        return problem("this line is not NAME=value").help("put # before it if it is a comment");
    }
    problem("this line cannot be read: a bad name, or a value that needs quotes")
        .help("put the value in single quotes if it has spaces, quotes, backslashes or $ in it")
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::DotEnv;

    fn check(text: &str, expect: Expect) {
        let file = DotEnv::parse(".env", text);
        let mut shown = String::new();
        for (name, variable) in &file.variables {
            shown += &format!("{}: {name} = {:?}\n", variable.line, variable.value);
        }
        for problem in &file.problems {
            shown += &format!("{problem}\n");
        }
        expect.assert_eq(&shown);
    }

    #[test]
    fn values_keep_the_line_they_start_on() {
        check(
            "# comment\n\nUSE_TURSO=YES # why\nexport DATABASE_FILE = 'my app.db'\nOTHER=1\n\
             SEEDBED_ENV=\"te\nst\"\nTURSO_DATABASE_URL=libsql://a.turso.io",
            expect![[r#"
                4: DATABASE_FILE = "my app.db"
                6: SEEDBED_ENV = "te\nst"
                8: TURSO_DATABASE_URL = "libsql://a.turso.io"
                3: USE_TURSO = "YES"
            "#]],
        );
    }

    #[test]
    fn windows_files_read_the_same() {
        check(
            "\u{feff}USE_TURSO=YES\r\nDATABASE_FILE=\"a.db\" \r\n\r\nSEEDBED_ENV=dev ",
            expect![[r#"
                2: DATABASE_FILE = "a.db"
                4: SEEDBED_ENV = "dev"
                1: USE_TURSO = "YES"
            "#]],
        );
    }

    #[test]
    fn an_empty_value_is_unset() {
        check("USE_TURSO=\nUSE_TURSO=''\nUSE_TURSO=\" \"\n", expect![""]);
    }

    #[test]
    fn every_bad_line_of_ours_is_named_and_none_is_quoted() {
        check(
            "TURSO_AUTH_TOKEN=eyJ hidden\nUSE_TURSO=NO\nTURSO_DATABASE_URL hidden\n\nDATABASE_FILE=C:\\data\\a.db\n\
             # c\nTURSO_AUTH_TOKEN='eyJ hidden\nSEEDBED_ENV=dev\n",
            expect![[r#"
                2: USE_TURSO = "NO"
                .env:1: this line cannot be read: a bad name, or a value that needs quotes
                .env:3: this line is not NAME=value
                .env:5: this line cannot be read: a bad name, or a value that needs quotes
                .env:7: a quote is opened in this line and never closed
            "#]],
        );
    }

    #[test]
    fn a_line_of_another_program_stops_nothing_and_hides_no_line_of_ours() {
        let text = "APP_NAME=My App # shown\nJSON={\"a\": 1}\nNAME=it's\nUSE_TURSO=NO\nOTHER=don't\n\
                    PATH_TO=C:\\data\nOPEN=\"never closed\nDATABASE_FILE=${APP_NAME}.db\nbroken-name=a b\n\
                    COST=5$ a day\nKEY=\"one\ntwo\"\nSEEDBED_ENV=dev\nat all\n";
        check(
            text,
            expect![[r#"
                13: SEEDBED_ENV = "dev"
                4: USE_TURSO = "NO"
            "#]],
        );
        let others: Vec<_> = DotEnv::parse(".env", text).others.into_iter().collect();
        let others: Vec<String> = others.iter().map(|(n, v)| format!("{n} = {v:?}")).collect();
        expect![[r#"
            APP_NAME = "My App"
            JSON = "{\"a\": 1}"
            NAME = "it's"
            OPEN = "never closed\nDATABASE_FILE=My App.db\nbroken-name=a b\nCOST=5 a day\nKEY=one"
            OTHER = "don't"
            PATH_TO = "C:\\data""#]]
        .assert_eq(&others.join("\n"));
    }

    #[test]
    fn ours_twice_is_refused_and_theirs_is_not_looked_at() {
        check(
            "A=1\nA=2\nUSE_TURSO=YES\nUSE_TURSO=NO\n",
            expect![[r#"
                3: USE_TURSO = "YES"
                .env:4: USE_TURSO is set here and in line 3
            "#]],
        );
    }
}
