//! drizzle: `{tag}.sql` as `meta/_journal.json` lists them, or one folder for each migration, `{n}_{words}/migration.sql`.
//! Pure.
//!
//! `--> statement-breakpoint` divides a file into statements, wherever it stands, and may be the only thing that does
//! (`drizzle-orm/src/migrator.ts`).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;

use super::text::{Blanked, whole_file};
use super::{Claim, File, LaidOut, name};
use crate::diagnostic::{Diagnostic, Location};
use crate::script::{Atomicity, Origin, Source};
use crate::sql::{TokenKind, tokens};

/// What divides statements.
pub(super) const BREAKPOINT: &str = "--> statement-breakpoint";

/// A text whose breakpoints are semicolons, where the statement before has none; `None` where it has no breakpoint. A
/// breakpoint is a comment; in a string it is none, and [`in_a_text`] finds it.
pub(super) fn with_semicolons(whole: &str) -> Option<String> {
    if !whole.contains(BREAKPOINT) {
        return None;
    }
    let mut blanked = Blanked::whole(whole);
    // What follows in the same line is a statement.
    let mut from = 0;
    while let Some((at, end)) = next(whole, from) {
        blanked.replace(at..at + BREAKPOINT.len(), end);
        from = at + BREAKPOINT.len();
    }
    Some(blanked.text())
}

/// The next breakpoint from here on that is a comment, and what ends the statement before it: nothing where there is none
/// or where it has its semicolon.
fn next(whole: &str, from: usize) -> Option<(usize, &'static str)> {
    let rest = &whole[from..];
    let mut is_open = false;
    for token in tokens(rest).map_while(Result::ok) {
        let text = token.text(rest);
        match token.kind {
            TokenKind::Comment if text.starts_with(BREAKPOINT) => {
                let end = if is_open { ";" } else { "" };
                return Some((from + token.span.start, end));
            }
            TokenKind::Comment | TokenKind::Space => {}
            kind => is_open = kind != TokenKind::Semicolon,
        }
    }
    None
}

/// A breakpoint in a string or in another comment: drizzle would divide the text there.
fn in_a_text(file: &File) -> Option<Diagnostic> {
    let divided = with_semicolons(&file.text)?;
    let at = divided.find(BREAKPOINT)?;
    let source = Arc::new(Source {
        name: file.path.clone(),
        text: file.text.clone(),
    });
    let span = at..at + BREAKPOINT.len();
    let message = "drizzle divides the file here, inside of a text or a comment";
    Some(
        Diagnostic::problem("bad-section", message)
            .at(Origin { source, span })
            .help("take the breakpoint out of the text"),
    )
}

/// `meta/_journal.json`.
#[derive(Debug, Deserialize)]
pub(crate) struct Journal {
    #[serde(default)]
    pub(crate) dialect: Option<String>,
    pub(crate) entries: Vec<Entry>,
}

/// One migration of a journal.
#[derive(Debug, Deserialize)]
pub(crate) struct Entry {
    /// Its number.
    pub(crate) idx: i64,
    /// When it was generated, in milliseconds since 1970: what drizzle records. Files by hand have fractions.
    pub(crate) when: serde_json::Number,
    /// The name of its file, without `.sql`.
    pub(crate) tag: String,
}

impl Entry {
    /// When it was generated, in whole milliseconds.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "milliseconds of a year far away"
    )]
    fn millis(&self) -> Option<i64> {
        self.when
            .as_i64()
            .or_else(|| self.when.as_f64().map(|millis| millis as i64))
    }

    /// The words of its name.
    pub(crate) fn words(&self) -> &str {
        name::loosely_numbered(&self.tag).map_or(&*self.tag, |(_, words)| words)
    }
}

/// The dialects that a SQLite database can take.
const DIALECTS: [&str; 3] = ["sqlite", "turso", "libsql"];

/// Reads them. Other names were sorted out before.
pub(super) fn read(files: Vec<File>, out: &mut LaidOut) {
    out.problems.extend(files.iter().filter_map(in_a_text));
    let mut by_path: BTreeMap<String, File> = files
        .into_iter()
        .map(|file| (file.path.clone(), file))
        .collect();
    let journals: Vec<String> = by_path
        .keys()
        .filter(|path| super::has_contents(path) && path.ends_with(".json"))
        .cloned()
        .collect();
    for path in &journals {
        let Some(journal) = by_path.remove(path) else {
            continue;
        };
        if !of_journal(&journal, &mut by_path, out) {
            return;
        }
    }
    for (path, file) in by_path {
        if name::last(&path) == "migration.sql" {
            let folder = name::folder(&path).to_owned();
            if let Some((digits, words)) = super::prisma::parse(&folder) {
                match name::version(&path, digits) {
                    Ok(version) => {
                        out.claims
                            .push(claim(version, words, file, stamp_millis(digits)))
                    }
                    Err(problem) => out.problems.push(*problem),
                }
            }
        } else if name::stem(name::last(&path)).is_some() {
            out.problems.push(
                Diagnostic::problem("bad-name", "meta/_journal.json does not list this file, so drizzle does not run it")
                    .in_file(path)
                    .help("let drizzle-kit generate it (`drizzle-kit generate --custom`), or move it out of this folder"),
            );
        }
    }
}

/// Whether the journal could be read.
fn of_journal(file: &File, by_path: &mut BTreeMap<String, File>, out: &mut LaidOut) -> bool {
    let journal: Journal = match serde_json::from_str(&file.text) {
        Ok(journal) => journal,
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            out.problems.push(
                Diagnostic::problem(
                    "bad-journal",
                    format!("the journal of drizzle cannot be read: {error}"),
                )
                .at(Location::File {
                    file: file.path.clone(),
                    line: u32::try_from(line).ok().map(|line| line as _),
                    column: u32::try_from(column).ok().map(|column| column as _),
                })
                .help(
                    "a merge may have left its marks in it: correct it, or bring it back with git",
                ),
            );
            return false;
        }
    };
    if let Some(dialect) = journal
        .dialect
        .filter(|it| !DIALECTS.contains(&it.as_str()))
    {
        out.problems.push(
            Diagnostic::problem(
                "bad-journal",
                format!("these migrations are written for {dialect}, not for SQLite"),
            )
            .in_file(&file.path)
            .help(
                "name the folder whose journal has `\"dialect\": \"sqlite\"`: `--migrations DIR`",
            ),
        );
        return false;
    }
    let root = name::folder(name::folder(&file.path));
    for entry in journal.entries {
        let path = match root {
            "" => format!("{}.sql", entry.tag),
            root => format!("{root}/{}.sql", entry.tag),
        };
        match by_path.remove(&path) {
            Some(file) => out.claims.push(claim(entry.idx, entry.words(), file, entry.millis())),
            None if out.claims.iter().any(|claim| claim.up.source.name == path) => out.problems.push(
                Diagnostic::problem("duplicate", format!("the journal lists {} twice", entry.tag))
                    .in_file(&file.path)
                    .help("remove one of the entries"),
            ),
            None => out.problems.push(
                Diagnostic::problem("missing-file", format!("the journal lists {path}, and there is no such file"))
                    .in_file(&file.path)
                    .help("bring the file back with git; or let drizzle-kit drop the entry: `drizzle-kit drop`"),
            ),
        }
    }
    true
}

/// The time that begins the name of a folder, `YYYYMMDDHHMMSS` in UTC: what drizzle records of it.
fn stamp_millis(digits: &str) -> Option<i64> {
    let format = time::macros::format_description!("[year][month][day][hour][minute][second]");
    let time = time::PrimitiveDateTime::parse(digits, format).ok()?;
    time.assume_utc().unix_timestamp().checked_mul(1000)
}

fn claim(version: i64, words: &str, file: File, generated_at: Option<i64>) -> Claim {
    let text = with_semicolons(&file.text);
    Claim {
        version,
        words: words.to_owned(),
        up: whole_file(file, text, Atomicity::default()),
        down: None,
        generated_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breakpoint_ends_the_statement_before_it_once() {
        for (written, expect) in [
            (
                "SELECT 1;--> statement-breakpoint\nSELECT 2;",
                "SELECT 1; \nSELECT 2;",
            ),
            (
                "SELECT 1;\n--> statement-breakpoint\nSELECT 2",
                "SELECT 1;\n \nSELECT 2",
            ),
            (
                "SELECT 1 -- ;\n--> statement-breakpoint\nSELECT 2",
                "SELECT 1 -- ;\n;\nSELECT 2",
            ),
            (
                "--> statement-breakpoint\n--> statement-breakpoint\nSELECT ';'--> statement-breakpoint",
                " \n \nSELECT ';';",
            ),
            ("SELECT 1;", ""),
        ] {
            let blanks = " ".repeat(BREAKPOINT.len() - 1);
            let found = with_semicolons(written).unwrap_or_default();
            // What is left of each breakpoint are blanks, so that places stay.
            let short = found.replace(&blanks, "");
            assert_eq!(short, expect, "{written}");
        }
    }
}
