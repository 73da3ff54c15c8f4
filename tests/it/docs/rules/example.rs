//! The sections of the page, and the examples in them. `docs/lint.md` says what the marks in an example mean.

use super::super::{Block, Page};

/// The section of a rule.
pub(super) struct Section {
    pub(super) code: String,
    pub(super) text: String,
    /// The examples before the safe way.
    pub(super) harms: Vec<Example>,
    /// The examples of the safe way. They begin with the database of the first harm.
    pub(super) safe: Vec<Example>,
}

/// One example.
#[derive(Default, Clone)]
pub(super) struct Example {
    /// The line of the page on which it begins.
    pub(super) line: usize,
    pub(super) before: String,
    pub(super) file: String,
    /// The name of the file, where that matters: `R__plans.sql`, `seeds/roles.sql`.
    pub(super) name: Option<String>,
    /// The flags that `lint` gets: `--runner sqlx`.
    pub(super) flags: String,
    /// What the engine says of the file.
    pub(super) error: Option<String>,
    /// The file as it is after an edit.
    pub(super) edited: Option<Edited>,
    pub(super) down: Option<String>,
    /// A file of queries: its path, its text.
    pub(super) queries: Option<(String, String)>,
    pub(super) after: Vec<Shown>,
    pub(super) after_undo: Vec<Shown>,
}

/// A text that takes the place of another one.
#[derive(Clone)]
pub(super) enum Edited {
    /// Of the file before: it is applied already.
    Before(String),
    /// Of the file, which is run again.
    File(String),
    /// Of the file, in which `lint` finds nothing.
    Hidden(String),
}

/// A statement, and what comes of it.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) sql: String,
    pub(super) expected: Expected,
}

/// What comes of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expected {
    /// Values joined by `|`.
    Rows(Vec<String>),
    /// An error with these words.
    Error(String),
}

impl Example {
    pub(super) fn shows_something(&self) -> bool {
        self.error.is_some()
            || matches!(self.edited, Some(Edited::Hidden(_)))
            || !self.after.is_empty()
            || !self.after_undo.is_empty()
    }

    /// The value of a flag.
    pub(super) fn flag(&self, flag: &str) -> Option<&str> {
        let mut words = self.flags.split_whitespace();
        words.find(|word| *word == flag)?;
        words.next()
    }
}

pub(super) fn sections(page: &Page) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut line = 1;
    for part in page.text.split("\n### ") {
        let (heading, text) = part.split_once('\n').unwrap_or((part, ""));
        if let Some((code, _)) = heading.split_once(": ").filter(|_| line > 1) {
            sections.push(section(code, text, line));
        }
        line += part.matches('\n').count() + 1;
    }
    sections
}

fn section(code: &str, text: &str, line: usize) -> Section {
    let text = text.split("\n## ").next().unwrap_or(text);
    let page = Page {
        path: code.to_owned(),
        text: text.to_owned(),
    };
    let safe_from = text.find("**The safe way.**").unwrap_or(text.len());
    let safe_from = text[..safe_from].matches('\n').count();
    let (mut harms, mut safe) = (Vec::<Example>::new(), Vec::new());
    for block in page.blocks().iter().filter(|it| it.language == "sql") {
        let at = line + block.line;
        match harms.first().filter(|_| block.line > safe_from) {
            Some(first) => safe.push(example(block, at, Some(first))),
            None => harms.push(example(block, at, None)),
        }
    }
    Section {
        code: code.to_owned(),
        text: text.to_owned(),
        harms,
        safe,
    }
}

/// The words with which a mark begins.
const MARKS: [&str; 6] = [
    "-- before",
    "-- file",
    "-- same file",
    "-- after",
    "-- down",
    "-- queries/",
];

fn example(block: &Block, line: usize, first: Option<&Example>) -> Example {
    let mut found = Example {
        line,
        before: first.map_or(String::new(), |it| it.before.clone()),
        ..Example::default()
    };
    let mut parts: Vec<(String, String)> = vec![("-- file".to_owned(), String::new())];
    for line in block.text.lines() {
        match MARKS.iter().any(|mark| line.starts_with(mark)) {
            true => parts.push((line.to_owned(), String::new())),
            false => parts.last_mut().unwrap().1.extend([line, "\n"]),
        }
    }
    for (mark, text) in parts {
        let is_same = mark.starts_with("-- same");
        if text.is_empty() && !is_same {
            continue;
        }
        let (sql, error) = with_error(&text);
        // Errors behind the file are of its statements.
        if !mark.starts_with("-- after") {
            found.error = error.or(found.error.take());
        }
        match mark.trim_start_matches("-- ") {
            "before" => found.before = sql,
            "before, edited" => found.edited = Some(Edited::Before(sql)),
            "file, edited" => found.edited = Some(Edited::File(sql)),
            "file, edited: lint finds nothing" => found.edited = Some(Edited::Hidden(sql)),
            "down" => found.down = Some(sql),
            "after" => found.after = shown(&text),
            "after undo" => found.after_undo = shown(&text),
            mark if mark.starts_with("queries/") => {
                found.queries = Some((mark.to_owned(), sql));
            }
            mark => {
                let words = mark.trim_start_matches("same ").trim_start_matches("file");
                let (name, flags) = match words.find("--") {
                    Some(at) => words.split_at(at),
                    None => (words, ""),
                };
                found.name = Some(name.trim().to_owned()).filter(|name| !name.is_empty());
                found.flags = flags.trim().to_owned();
                found.file = match first.filter(|_| is_same) {
                    Some(first) => first.file.clone(),
                    None => sql,
                };
            }
        }
    }
    found
}

/// A text without the error at its end.
fn with_error(text: &str) -> (String, Option<String>) {
    let mut error = None;
    let mut sql = String::new();
    for line in text.lines() {
        match line.strip_prefix("-- error: ") {
            Some(words) => error = Some(words.to_owned()),
            None => sql.extend([line, "\n"]),
        }
    }
    (sql, error)
}

fn shown(text: &str) -> Vec<Shown> {
    let mut found: Vec<Shown> = Vec::new();
    for line in text.lines() {
        match line.strip_prefix("-- ") {
            Some(said) => {
                let last = found.last_mut().expect("a statement before its rows");
                match (said.strip_prefix("error: "), &mut last.expected) {
                    (Some(words), expected) => *expected = Expected::Error(words.to_owned()),
                    (None, Expected::Rows(rows)) => rows.push(said.to_owned()),
                    (None, Expected::Error(_)) => panic!("rows below an error: {text}"),
                }
            }
            None => found.push(Shown {
                sql: line.to_owned(),
                expected: Expected::Rows(Vec::new()),
            }),
        }
    }
    found
}
