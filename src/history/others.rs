//! Histories of other tools in a database: which there are, and how far they have come. It looks and never writes.

use super::adoptable::ADOPTABLE;
use super::layout::ADOPTED_FROM;
use super::other_tools::{COMPANIONS, OTHER_TOOLS, OtherTool, PREFIXES, Recorded};
use super::read::{History, Row};
use crate::db::{Db, DbError, Query};
use crate::sql::Value;

/// The history of another tool, which holds at least one migration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct OtherHistory {
    /// The tool.
    pub tool: &'static str,
    /// Its table.
    pub table: String,
    /// What its newest migration is called there.
    pub newest: String,
    /// What it calls a migration that has begun and not finished, or failed.
    pub unfinished: Option<String>,
    /// The versions that it has applied, where numbers are what it calls them; ascending.
    pub versions: Vec<i64>,
    /// Whether it records each migration.
    pub recorded: Recorded,
}

impl OtherHistory {
    /// Whether `adopt` can take this history over.
    pub fn is_adoptable(&self) -> bool {
        ADOPTABLE.iter().any(|it| it.tool == self.tool)
    }

    /// Whether it has applied this version.
    pub fn has(&self, version: i64) -> bool {
        match self.recorded {
            Recorded::Each => self.versions.contains(&version),
            Recorded::Newest => self.versions.last().is_some_and(|last| version <= *last),
        }
    }
}

/// The tables that are perhaps those of other tools with their columns, and those that no application made. One row for
/// each column.
pub(super) fn question() -> String {
    let beside = COMPANIONS.iter().map(|(_, table)| *table);
    let names: Vec<String> = OTHER_TOOLS
        .iter()
        .map(|tool| tool.table)
        .chain(beside)
        .map(|table| format!("'{}'", table.to_ascii_lowercase()))
        .collect();
    let prefixes: Vec<String> = PREFIXES
        .iter()
        .map(|prefix| {
            format!(
                " OR substr(lower(t.name), 1, {}) = '{prefix}'",
                prefix.len()
            )
        })
        .collect();
    // A schema argument would be refused by some engines: https://sqlite.org/pragma.html#pragfunc
    format!(
        "SELECT t.name, lower(c.name) FROM sqlite_schema t, pragma_table_info(t.name) c \
         WHERE t.type = 'table' AND (lower(t.name) IN ({}){}) ORDER BY t.name",
        names.join(", "),
        prefixes.concat()
    )
}

/// Tables that are not the application's, by the answer to [`question`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Found {
    /// Those of known tools.
    tools: Vec<(&'static OtherTool, String)>,
    /// All of them.
    tables: Vec<String>,
}

impl Found {
    /// The names of the tools, with their tables.
    pub(super) fn tools(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.tools
            .iter()
            .map(|(tool, table)| (tool.name, table.as_str()))
    }

    /// The tables that are not the application's.
    pub(super) fn tables(&self) -> &[String] {
        &self.tables
    }
}

pub(super) fn found(rows: &[[Value; 2]]) -> Found {
    let mut tables: Vec<(&str, Vec<&str>)> = Vec::new();
    for row in rows {
        let [Value::Text(table), Value::Text(column)] = row else {
            continue;
        };
        match tables.last_mut() {
            Some((name, columns)) if *name == table => columns.push(column),
            _ => tables.push((table, vec![column])),
        }
    }
    let exists = |table: &str| {
        tables
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case(table))
    };
    let mut found = Found::default();
    for (table, columns) in &tables {
        let is_it =
            |tool: &&OtherTool| tool.table.eq_ignore_ascii_case(table) && tool.has(columns, exists);
        if let Some(tool) = OTHER_TOOLS.iter().find(is_it) {
            found.tools.push((tool, (*table).to_owned()));
        }
    }
    let lower = |name: &str| name.to_ascii_lowercase();
    for (table, _) in &tables {
        let name = lower(table);
        let is_tools = |table: &str| found.tools.iter().any(|(_, of)| lower(of) == table);
        let comes_along = COMPANIONS
            .iter()
            .any(|(of, beside)| *beside == name && is_tools(of));
        let prefixed = PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        if is_tools(&name) || comes_along || prefixed {
            found.tables.push((*table).to_owned());
        }
    }
    found
}

/// The histories of other tools, where this one has no migration, or has taken one of them over: a database that was
/// migrated by one of them is not empty. It costs a request where there is such a table, and none otherwise.
pub(super) async fn others(
    db: &Db,
    history: &History,
    found: Found,
) -> Result<Vec<OtherHistory>, DbError> {
    let is_adopted = |row: &Row| row.detail.contains_key(ADOPTED_FROM);
    if history.has_migrations() && !history.rows.iter().any(is_adopted) {
        return Ok(Vec::new());
    }
    let mut found = found.tools;
    found.retain(|(_, table)| !db.ignores(table));
    let questions = found.into_iter().map(|it| {
        let query = Query::new(it.0.applied);
        (it, query)
    });
    let mut others = Vec::new();
    for ((tool, table), reply) in db.ask(questions.collect::<Vec<_>>()).await? {
        others.extend(other(tool, table, &reply.rows()?));
    }
    Ok(others)
}

/// Whether a table of this name may be another tool's; [`not_the_applications`] decides, by its columns too.
pub(crate) fn may_be_another_tools(table: &str) -> bool {
    let table = table.to_ascii_lowercase();
    let is_it = |name: &str| name.eq_ignore_ascii_case(&table);
    OTHER_TOOLS.iter().any(|tool| is_it(tool.table))
        || COMPANIONS.iter().any(|(_, beside)| is_it(beside))
        || PREFIXES.iter().any(|prefix| table.starts_with(prefix))
}

/// The tables among these that no application made: histories of known tools, and what belongs to them. Each comes with
/// its columns, both as they are written.
pub(crate) fn of_other_tools<'a>(
    tables: impl Iterator<Item = (&'a str, Vec<&'a str>)>,
) -> Vec<String> {
    let rows: Vec<[Value; 2]> = tables
        .flat_map(|(table, columns)| {
            let row = move |column: &str| {
                let column = column.to_ascii_lowercase();
                [Value::Text(table.to_owned()), Value::Text(column)]
            };
            columns.into_iter().map(row)
        })
        .collect();
    found(&rows).tables
}

/// Tables and views of this database that are not its application's, so that its migrations do not make them: those of known tools,
/// and those that were named when the database was opened. Those of the engine itself are in no schema.
///
/// # Errors
/// As [`Db::query`].
pub(crate) async fn not_the_applications(db: &Db) -> Result<Vec<String>, DbError> {
    let named = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')";
    let queries = [&question(), named].map(Query::new);
    let [of_tools, named] = db.ask(queries).await?;
    let mut tables = found(&of_tools.rows()?).tables;
    for [name] in named.rows()? {
        let Value::Text(table) = name else {
            continue;
        };
        if db.ignores(&table) && !tables.contains(&table) {
            tables.push(table);
        }
    }
    Ok(tables)
}

/// What a tool has recorded; none where that is no migration.
fn other(tool: &OtherTool, table: String, rows: &[[Value; 2]]) -> Option<OtherHistory> {
    let name = |value: &Value| match value {
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Text(text) => without_control_characters(text),
        Value::Null | Value::Blob(_) => "?".to_owned(),
    };
    let mut newest: Option<String> = None;
    let mut unfinished = None;
    let mut versions = Vec::new();
    for [called, finished] in rows {
        let called = name(called);
        // A boolean is a number or, to some drivers, a word.
        match finished {
            Value::Integer(1..) => versions.extend(version(&called)),
            Value::Text(word) if word.eq_ignore_ascii_case("true") => {
                versions.extend(version(&called));
            }
            _ => unfinished = Some(called.clone()),
        }
        // Rows are in the order of their text, or of when they ran: neither is that of their numbers.
        if newest
            .as_ref()
            .is_none_or(|newest| numbers(newest) <= numbers(&called))
        {
            newest = Some(called);
        }
    }
    versions.sort_unstable();
    Some(OtherHistory {
        tool: tool.name,
        table,
        newest: newest?,
        unfinished,
        versions,
        recorded: tool.rows,
    })
}

/// Any program can have written the name, and it is shown on a terminal.
fn without_control_characters(name: &str) -> String {
    let shown = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    name.chars().map(shown).collect()
}

/// The numbers that a name begins with, for comparison: `10_a` and `1.10` are more than `9_a` and `1.9`. None of another
/// name is more than of any other.
fn numbers(called: &str) -> Vec<(usize, &str)> {
    let end = called.find(|c: char| !c.is_ascii_digit() && c != '.');
    let numbers = called[..end.unwrap_or(called.len())].split('.');
    numbers
        .map(|number| number.trim_start_matches('0'))
        .take_while(|number| !number.is_empty())
        .map(|number| (number.len(), number))
        .collect()
}

/// The number at the beginning of what a tool calls a migration: `3`, `0003_users`, `20240504_users.sql`.
fn version(called: &str) -> Option<i64> {
    let digits = called.len()
        - called
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .len();
    let (number, rest) = called.split_at(digits);
    let ends = rest.is_empty() || rest.starts_with('_');
    ends.then(|| number.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_is_that_of_the_highest_number_or_else_the_last() {
        let tool = &OTHER_TOOLS[0];
        for (names, expect) in [
            (vec!["10_b.sql", "9_a.sql"], "10_b.sql"),
            (vec!["10", "9"], "10"),
            (vec!["010", "9"], "010"),
            (vec!["1.10", "1.2", "1.9.5"], "1.10"),
            (vec!["1.10", "2"], "2"),
            (vec!["2", "R__views.sql"], "2"),
            (vec!["b", "a"], "a"),
            (vec!["20240504-b.js", "20240504-c.js"], "20240504-c.js"),
            (
                vec!["99999999999999999998", "100000000000000000000"],
                "100000000000000000000",
            ),
            (vec!["1\u{1b}[2J\n2"], "1\\u{1b}[2J\\n2"),
        ] {
            let row = |name: &&str| [Value::Text((*name).to_owned()), Value::Integer(1)];
            let rows: Vec<_> = names.iter().map(row).collect();
            let found = other(tool, "t".to_owned(), &rows).unwrap();
            assert_eq!(found.newest, expect, "{names:?}");
        }
    }

    #[test]
    fn the_number_of_a_migration_is_what_its_name_begins_with() {
        for (called, expect) in [
            ("3", Some(3)),
            ("0003_users.sql", Some(3)),
            ("20240504090241_init", Some(20_240_504_090_241)),
            ("1975ea83b712", None),
            ("1.2", None),
            ("users.0001_initial", None),
            ("99999999999999999999", None),
            ("", None),
        ] {
            assert_eq!(version(called), expect, "{called}");
        }
    }
}
