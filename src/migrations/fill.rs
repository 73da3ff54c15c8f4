//! Generated rows for the tables of a database in memory, so that a migration is rehearsed on tables that hold rows.
//!
//! Values are candidates that come from a column's type, its name and the literals of its constraints; the engine
//! decides which of them a table takes. Generated keys stay clear of the literals in the files. Nothing here touches a
//! database of the project.

mod candidates;
mod depends;
mod empty;
mod form;
mod insert;
mod literals;
mod plan;
mod refusing;
mod solve;
mod table;
mod variations;

use std::collections::{HashMap, HashSet};

use crate::db::{Db, DbError, Query};
use crate::history::{may_be_another_tools, not_the_applications};
use crate::schema::{TableKind, shape_of};
use crate::sql::{Kind, Value, What, has_name, identifier, kind};

pub(super) use depends::{Depends, depends};
pub(super) use literals::Literals;
use table::Table;
pub(super) use variations::Focus;

/// Rows that a rehearsal puts into the tables of a database in memory.
#[derive(Debug)]
pub(super) struct Fill {
    literals: Literals,
    focus: Focus,
    /// The version of the schema when it was last looked at, and its statements.
    seen: Option<(i64, String)>,
    /// Tables that hold generated rows, in lower case.
    filled: HashSet<String>,
    /// Those of them whose rows have keys that files write or look for, and cannot be told from rows of files.
    held: HashSet<String>,
    /// Tables that could not be filled, in lower case, with the reason that was reported and their parents.
    unfilled: HashMap<String, (String, Vec<String>)>,
    /// Tables that there were at the first filling, in lower case.
    first: Option<HashSet<String>>,
    /// Tables that had no rows at a later one, and were not there at the first, in lower case.
    late: HashSet<String>,
}

/// A table that no generated row fits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unfilled {
    /// Its name.
    pub(super) table: String,
    /// Why, in words.
    pub(super) reason: String,
    /// The tables that it refers to, in lower case.
    pub(super) parents: Vec<String>,
}

/// What separates two statements of the schema, and is in no statement.
const BETWEEN: &str = "\u{1e}\u{1f}";

/// The version of the schema and its statements, or NULL where the version is `?1`.
const CHANGES: &str = "\
SELECT v.schema_version, CASE v.schema_version WHEN ?1 THEN NULL ELSE
  (SELECT group_concat(sql, char(30, 31)) FROM sqlite_schema WHERE type IN ('table', 'index', 'trigger')) END
FROM pragma_schema_version v";

impl Fill {
    /// No table is filled yet. Generated keys stay clear of `literals`, which are those of all files.
    pub(super) fn new(literals: Literals) -> Fill {
        Fill {
            literals,
            focus: Focus::default(),
            seen: None,
            filled: HashSet::new(),
            held: HashSet::new(),
            unfilled: HashMap::new(),
            first: None,
            late: HashSet::new(),
        }
    }

    /// The same, and the tables that new versions are about get more rows.
    pub(super) fn focused(literals: Literals, focus: Focus) -> Fill {
        Fill {
            focus,
            ..Fill::new(literals)
        }
    }

    /// Whether a table was made after the first filling, so that only an application can have written rows to it.
    pub(super) fn is_late(&self, table: &str) -> bool {
        self.late.contains(&table.to_ascii_lowercase())
    }

    /// The tables that could not be filled, in lower case, and were there at the first filling.
    pub(super) fn unfilled(&self) -> impl Iterator<Item = &str> {
        let unfilled = self.unfilled.keys().map(String::as_str);
        unfilled.filter(|table| !self.late.contains(*table))
    }

    /// Whether a table has generated rows that [`Fill::empty`] cannot remove.
    pub(super) fn holds_any(&self) -> bool {
        !self.held.is_empty()
    }

    /// Whether a statement names such a table.
    pub(super) fn holds_one_of(&self, statement: &str) -> bool {
        self.held.iter().any(|table| has_name(statement, table))
    }

    /// As before the first filling of another database that is built in the same way.
    pub(super) fn restart(&mut self) {
        self.filled.clear();
        self.held.clear();
        self.unfilled.clear();
        self.seen = None;
    }

    /// Fills each table that has no rows, and again only where its definition has changed since. A table that holds
    /// rows is left unchanged. Returns the tables that could not be filled, each reason once.
    ///
    /// # Errors
    /// As [`Db::query`] and [`Db::run`].
    pub(super) async fn before(&mut self, db: &Db) -> Result<Vec<Unfilled>, DbError> {
        let changed = self.changed(db).await?;
        let named = || changed.iter().map(|it| it.to_ascii_lowercase()).collect();
        let first = self.first.get_or_insert_with(named).clone();
        if changed.is_empty() {
            return Ok(Vec::new());
        }
        let empty = self.to_be_filled(db, changed).await?;
        let names = empty.iter().map(|it| it.shape.name.to_ascii_lowercase());
        self.late.extend(names.filter(|it| !first.contains(it)));
        let outcome = insert::fill(db, &self.literals, &self.focus, empty, &first).await?;
        let held = outcome.held.iter().map(|it| it.to_ascii_lowercase());
        self.held.extend(held);
        for table in outcome.filled {
            let name = table.to_ascii_lowercase();
            self.unfilled.remove(&name);
            self.filled.insert(name);
        }
        let mut news = Vec::new();
        for unfilled in outcome.unfilled {
            let name = unfilled.table.to_ascii_lowercase();
            let (reason, parents) = (unfilled.reason.clone(), unfilled.parents.clone());
            let known = self.unfilled.insert(name, (reason, parents));
            if known.is_none_or(|(known, _)| known != unfilled.reason) {
                news.push(unfilled);
            }
        }
        Ok(news)
    }

    /// Removes the generated rows, and rows that were made of them, but for those of tables that it holds.
    ///
    /// # Errors
    /// As [`Db::query`] and [`Db::run`].
    pub(super) async fn empty(&mut self, db: &Db) -> Result<(), DbError> {
        empty::empty(db, &self.literals, &self.filled).await?;
        self.filled.clear();
        // Every table is looked at again the next time.
        self.seen = None;
        Ok(())
    }

    /// Names of the tables whose statement, index or trigger is new since the last time.
    async fn changed(&mut self, db: &Db) -> Result<Vec<String>, DbError> {
        let seen = self.seen.as_ref().map_or(-1, |(version, _)| *version);
        let query = Query {
            sql: CHANGES.to_owned(),
            args: vec![Value::Integer(seen)],
        };
        let [version, now] = db.ask(query).await?.row()?;
        let Value::Text(now) = now else {
            return Ok(Vec::new());
        };
        let before = self.seen.take().map(|(_, text)| text).unwrap_or_default();
        let mut tables = new_tables(&before, &now);
        let named: HashSet<String> = tables.iter().map(|it| it.to_ascii_lowercase()).collect();
        for (table, (_, parents)) in &self.unfilled {
            if !named.contains(table) && parents.iter().any(|parent| named.contains(parent)) {
                tables.push(table.clone());
            }
        }
        self.seen = version.as_i64().map(|version| (version, now));
        Ok(tables)
    }

    /// Those of these tables that are the application's, keep rows and have none.
    async fn to_be_filled(&self, db: &Db, changed: Vec<String>) -> Result<Vec<Table>, DbError> {
        let others = match changed.iter().any(|table| may_be_another_tools(table)) {
            true => not_the_applications(db).await?,
            false => Vec::new(),
        };
        let chosen: HashSet<String> = changed
            .iter()
            .filter(|table| {
                let is_it = |other: &String| other.eq_ignore_ascii_case(table);
                !db.history_table().is(table) && !db.ignores(table) && !others.iter().any(is_it)
            })
            .map(|table| table.to_ascii_lowercase())
            .collect();
        let shape = shape_of(db, &changed).await?;
        let tables = shape
            .tables
            .into_iter()
            .filter(|table| table.kind == TableKind::Ordinary)
            .filter(|table| chosen.contains(&table.name.to_ascii_lowercase()))
            .map(|table| {
                let name = identifier(&table.name);
                let query = Query::new(format!("SELECT EXISTS (SELECT 1 FROM {name})"));
                (table, query)
            })
            .collect::<Vec<_>>();
        let mut empty = Vec::new();
        for (table, reply) in db.ask(tables).await? {
            if reply.count()? == 0 {
                empty.push(table);
            }
        }
        table::read(db, &self.literals, empty).await
    }
}

/// Names of the tables that statements of `now` and not of `before` are about.
fn new_tables(before: &str, now: &str) -> Vec<String> {
    let mut before = before.split(BETWEEN).peekable();
    let mut now = now.split(BETWEEN).peekable();
    while before.peek().is_some() && before.peek() == now.peek() {
        before.next();
        now.next();
    }
    let before: HashSet<&str> = before.collect();
    let mut tables: Vec<String> = now
        .filter(|statement| !before.contains(statement))
        .filter_map(|statement| match kind(statement) {
            Kind::Create(object) => match object.what {
                What::Table => Some(object.name),
                What::Index | What::Trigger => object.table,
                What::View | What::VirtualTable | What::Other => None,
            },
            _ => None,
        })
        .collect();
    tables.sort_unstable();
    tables.dedup();
    tables
}

#[cfg(test)]
mod tests;
