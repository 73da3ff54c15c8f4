//! SD001 to SD003: files of seeds, and repeatable migrations, which run again. Pure.
//!
//! Seedbed's own seeds are YAML, and a second run of one changes nothing. The files of SQL in their folder are run by other
//! tools, with foreign keys on, each time that they are called.

use std::sync::Arc;

use super::file::{File, finding};
use super::recipe::block;
use super::statement::{Statement, statements};
use crate::diagnostic::Diagnostic;
use crate::migrations::unused_allow;
use crate::script::{Key, Origin, Source};
use crate::seeds::{Mode, PROD, SeedFile};
use crate::sql::{Kind, What, identifier};

/// A file of seeds.
#[derive(Debug, Clone)]
pub enum Seed {
    /// Statements.
    Sql {
        /// The file.
        source: Arc<Source>,
        /// Whether production gets its rows.
        environment: Environment,
    },
    /// A seed of production with `mode: sync`, and the place of that.
    Sync(Origin),
}

/// Whose rows a file of seeds has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// Those of production.
    Production,
    /// Those of another environment, or of all.
    Other,
}

impl Seed {
    /// A file of Seedbed's own, where a rule is about it.
    pub fn of(file: &SeedFile) -> Option<Seed> {
        if !file.is_for(PROD) || file.settings.mode != Mode::Sync {
            return None;
        }
        let text = &file.source.text;
        let span = text.match_indices("mode:").find_map(|(at, word)| {
            let from = at + word.len();
            let rest = text[from..].trim_start();
            let begin = text.len() - rest.len();
            rest.starts_with("sync")
                .then(|| begin..begin + "sync".len())
        });
        Some(Seed::Sync(file.origin(&span.unwrap_or(0..0))))
    }

    /// The file.
    pub fn name(&self) -> &str {
        match self {
            Seed::Sql { source, .. } => &source.name,
            Seed::Sync(origin) => &origin.source.name,
        }
    }
}

/// What is found in a file of seeds.
pub(super) fn check(seed: &Seed) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let source = match seed {
        Seed::Sql {
            source,
            environment,
        } => {
            let statements = statements(source);
            again(&statements, "this file is called", &mut found);
            schema(&statements, &mut found);
            if *environment == Environment::Production {
                deletes(&statements, &mut found);
            }
            source
        }
        Seed::Sync(origin) => {
            found.push(
                finding(
                    "SD003",
                    "production gets this seed, and its mode deletes rows",
                )
                .at(origin.clone())
                .note("`mode: sync` deletes the rows that the seed made and no longer has")
                .help("write `mode: upsert`, and delete rows by a migration"),
            );
            &origin.source
        }
    };
    found.retain(|it| unused_allow(source, it.code).is_none());
    found.sort_by_key(|it| it.origin().map(|origin| origin.span.start));
    found
}

/// A repeatable migration runs again when it is edited.
pub(super) fn repeatable(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    if matches!(file.stage.migration.key, Key::Repeatable(_)) {
        again(&file.statements, "this file is edited", found);
    }
}

/// The first `INSERT` into each table that a second run repeats.
fn again(statements: &[Statement<'_>], when: &str, found: &mut Vec<Diagnostic>) {
    let mut reported: Vec<String> = Vec::new();
    for (at, statement) in statements.iter().enumerate() {
        if statement.kind != Kind::Insert || !statement.are(0, &["INSERT", "INTO"]) {
            continue;
        }
        let Some((table, behind)) = statement.name(2) else {
            continue;
        };
        // A command to a search index has the name of the table in the place of a column.
        let columns = statement.names_in(behind).map(|it| it.0);
        let columns = columns.unwrap_or_default();
        let is_command = columns
            .first()
            .is_some_and(|it| it.eq_ignore_ascii_case(&table));
        let is_safe = statement.has(&["ON", "CONFLICT"])
            || statement.has(&["WHERE"])
            || statement.has(&["EXCEPT"]);
        let makes_room = |it: &Statement<'_>| match &it.kind {
            Kind::Delete => it.names(&table),
            Kind::Drop(object) | Kind::Create(object) if object.what == What::Table => {
                object.name.eq_ignore_ascii_case(&table)
                    && (matches!(it.kind, Kind::Drop(_)) || !object.if_exists)
            }
            _ => false,
        };
        let is_known = reported.iter().any(|it| it.eq_ignore_ascii_case(&table));
        if is_command || is_safe || is_known || statements[..at].iter().any(makes_room) {
            continue;
        }
        let message = format!(
            "each time that {when}, these rows are inserted into {table} again, or the statement fails"
        );
        let quoted = identifier(&table);
        found.push(finding("SD001", message).at(statement.origin()).help(block(
            "write the key of each row, and what happens to a row that is there:",
            &[format!(
                "INSERT INTO {quoted} (…) VALUES (…) ON CONFLICT (…) DO UPDATE SET …;"
            )],
        )));
        reported.push(table);
    }
}

/// The first change to the schema.
fn schema(statements: &[Statement<'_>], found: &mut Vec<Diagnostic>) {
    let mut changes = statements.iter().filter(|it| match &it.kind {
        Kind::Create(object) | Kind::Drop(object) => !object.is_temporary(),
        Kind::Alter => true,
        _ => false,
    });
    let Some(first) = changes.next() else {
        return;
    };
    let more = changes.count();
    let message = "this seed changes the schema, and no migration has the change";
    let mut diagnostic = finding("SD002", message)
        .at(first.origin())
        .help("move the statement into a migration");
    if more > 0 {
        diagnostic = diagnostic.note(format!("the file has {more} more of them"));
    }
    found.push(diagnostic);
}

fn deletes(statements: &[Statement<'_>], found: &mut Vec<Diagnostic>) {
    let deletes = statements.iter().filter(|it| it.kind == Kind::Delete);
    for statement in deletes {
        let begin = if statement.are(0, &["DELETE", "FROM"]) {
            2
        } else {
            1
        };
        let table = statement
            .name(begin)
            .map_or("a table".to_owned(), |it| it.0);
        let message = format!(
            "this deletes rows of {table} in production; with foreign keys on, rows that refer to them may follow"
        );
        found.push(
            finding("SD003", message)
                .at(statement.origin())
                .help("change the rows that are there with ON CONFLICT, and delete by a migration"),
        );
    }
}
