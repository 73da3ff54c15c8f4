//! What a statement of a dump becomes for the database that it goes to. Pure.
//!
//! The envelope of a dump (`BEGIN`, `PRAGMA foreign_keys`) is replaced by the import's own; what an engine does not take
//! is left out with a word; the tables that a virtual table has made already are cleared instead of made again.

use super::clash::Event;
use super::tally::Before;
use crate::db::{Engine, HistoryTable};
use crate::dump::{Item, Object, Rows, Statement, What};
use crate::history;
use crate::sql::{identifier, is_autoincrement};

/// The table that remembers how far an import has come.
pub(super) const CHECKPOINT: &str = history::UNFINISHED;

/// The engine's own table of the last values of `AUTOINCREMENT`: <https://sqlite.org/autoinc.html>.
pub(super) const SEQUENCE: &str = "sqlite_sequence";

/// What the rows go into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tables {
    /// Tables that the dump makes; none of them may exist.
    #[default]
    New,
    /// Tables that exist already, for dumps without a schema.
    Existing,
}

/// What the database holds beside the dump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beside {
    /// Nothing: the dump makes the file.
    Nothing,
    /// Whatever it held before.
    Others {
        /// Whether it has a `sqlite_sequence`.
        has_sequence: bool,
    },
}

/// Something of a dump that is not in the database, and need not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LeftOut {
    /// `ANALYZE` and `sqlite_stat1`, which servers keep to themselves.
    Statistics,
    /// `PRAGMA application_id`, which servers do not take.
    ApplicationId,
    /// The table in which an unfinished import was remembered.
    Checkpoint,
    /// `_migrations`, where the database has its own.
    History,
}

/// What is to be done with an item.
#[derive(Debug)]
pub(super) enum Deed<'a> {
    /// Run these.
    Run(Vec<String>),
    /// Write these rows.
    Rows(&'a Rows),
    /// These are rows of `sqlite_sequence`, and the database may have others.
    Sequences(&'a Rows),
    Nothing,
}

/// What was seen of a dump so far, as far as it matters for what comes.
#[derive(Debug, Clone)]
pub(super) struct Translator {
    engine: Engine,
    pub(super) history: HistoryTable,
    into: Tables,
    beside: Beside,
    /// Whether there is a `sqlite_sequence`: the engine makes it with the first table that has `AUTOINCREMENT`.
    has_sequence: bool,
    virtual_tables: Vec<Virtual>,
    /// The other tables that it makes.
    tables: Vec<String>,
    pub(super) left_out: Vec<LeftOut>,
    /// Whether the dump holds a table of the history.
    pub(super) has_history: bool,
    /// What was made beside tables.
    pub(super) made: Vec<Made>,
}

/// Something that a dump has made beside its tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) object: Object,
    pub(super) name: String,
    /// Of a virtual table.
    pub(super) module: Option<String>,
    /// The table of a trigger, and what the trigger runs for.
    pub(super) trigger: Option<(String, Event)>,
}

#[derive(Debug, Clone)]
struct Virtual {
    name: String,
    /// The tables that its content is in, as far as is known of its module; else all that begin with its name.
    shadows: &'static [&'static str],
}

/// The tables behind the virtual tables of the engine's own modules, without the name that they begin with:
/// <https://sqlite.org/fts5.html>, <https://sqlite.org/fts3.html>, <https://sqlite.org/rtree.html>.
const SHADOWS: &[(&str, &[&str])] = &[
    ("fts5", &["data", "idx", "content", "docsize", "config"]),
    ("fts4", FTS3),
    ("fts3", FTS3),
    ("rtree", RTREE),
    ("rtree_i32", RTREE),
    ("geopoly", RTREE),
];

const FTS3: &[&str] = &["content", "segments", "segdir", "docsize", "stat"];

const RTREE: &[&str] = &["node", "rowid", "parent"];

impl Translator {
    pub(super) fn new(
        engine: Engine,
        history: &HistoryTable,
        into: Tables,
        beside: Beside,
    ) -> Translator {
        Translator {
            engine,
            history: history.clone(),
            into,
            beside,
            has_sequence: beside == Beside::Others { has_sequence: true },
            virtual_tables: Vec::new(),
            tables: Vec::new(),
            left_out: Vec::new(),
            has_history: false,
            made: Vec::new(),
        }
    }

    /// This was made by what came before.
    pub(super) fn remind(&mut self, tables: Vec<String>, made: Vec<Made>) {
        self.tables.extend(tables);
        let virtual_tables = made
            .iter()
            .filter(|made| made.object == Object::VirtualTable);
        self.virtual_tables
            .extend(virtual_tables.map(|made| Virtual {
                name: made.name.clone(),
                shadows: shadows(made.module.as_deref()),
            }));
        self.made.extend(made);
    }

    /// What becomes of an item.
    pub(super) fn deed<'a>(&mut self, item: &'a Item) -> Deed<'a> {
        match item {
            Item::Rows(rows) => self.rows(rows),
            Item::Statement(statement) => self.statement(statement),
        }
    }

    fn rows<'a>(&mut self, rows: &'a Rows) -> Deed<'a> {
        let table = &rows.target.table;
        if self.is_left_out(table) {
            return Deed::Nothing;
        }
        match self.beside {
            _ if !is(table, SEQUENCE) => Deed::Rows(rows),
            // No table has AUTOINCREMENT, so the rows count nothing, and there is no table for them.
            _ if !self.has_sequence => Deed::Nothing,
            Beside::Nothing => Deed::Rows(rows),
            Beside::Others { .. } => Deed::Sequences(rows),
        }
    }

    fn statement(&mut self, statement: &Statement) -> Deed<'static> {
        match &statement.what {
            // The import's own envelope stands in their place; that a dump is complete is known to its reader.
            What::ForeignKeys
            | What::WritableSchema
            | What::Begin
            | What::Commit
            | What::Rollback => Deed::Nothing,
            What::Analyze if self.engine == Engine::Server => self.leave_out(LeftOut::Statistics),
            What::Analyze => run("ANALYZE sqlite_schema"),
            What::Number { pragma, .. }
                if self.engine == Engine::Server && *pragma == "application_id" =>
            {
                self.leave_out(LeftOut::ApplicationId)
            }
            What::Number { pragma, value } => run(format!("PRAGMA {pragma} = {value}")),
            What::Clear { table } => self.clear(table),
            What::Create {
                object,
                name,
                table,
                sql,
            } => self.create(*object, name, table, sql),
        }
    }

    fn clear(&mut self, table: &str) -> Deed<'static> {
        let keeps = !self.has_sequence || self.beside != Beside::Nothing;
        if self.is_left_out(table) || (is(table, SEQUENCE) && keeps) {
            return Deed::Nothing;
        }
        run(format!("DELETE FROM {}", identifier(table)))
    }

    fn create(&mut self, object: Object, name: &str, table: &str, sql: &str) -> Deed<'static> {
        if self.is_left_out(table) {
            return Deed::Nothing;
        }
        match object {
            Object::Table if self.is_shadow(name) => return self.clear(name),
            Object::Table => {
                self.tables.push(name.to_owned());
                self.has_sequence |= is_autoincrement(sql);
            }
            Object::VirtualTable => {
                let module = module(sql);
                self.virtual_tables.push(Virtual {
                    name: name.to_owned(),
                    shadows: shadows(module.as_deref()),
                });
                self.made.push(Made {
                    object,
                    name: name.to_owned(),
                    module,
                    trigger: None,
                });
                return self.virtual_table(sql);
            }
            // Indexes of such tables are made with them.
            Object::Index if self.is_shadow(table) => return Deed::Nothing,
            Object::Index | Object::Trigger | Object::View => {
                self.made.push(Made {
                    object,
                    name: name.to_owned(),
                    module: None,
                    trigger: (object == Object::Trigger)
                        .then(|| (table.to_owned(), Event::of(sql))),
                });
            }
        }
        run(sql)
    }

    /// After a `VACUUM` a virtual table stands behind the tables of its content in the schema, and so in the dump. It
    /// wants to make them itself: so they step aside, and what they hold comes back.
    fn virtual_table(&mut self, sql: &str) -> Deed<'static> {
        let tables = std::mem::take(&mut self.tables);
        let (shadows, tables) = tables.into_iter().partition(|name| self.is_shadow(name));
        self.tables = tables;
        let names = |name: &String| {
            let aside = format!("_seedbed_{name}");
            (identifier(name), identifier(&aside))
        };
        let shadows: Vec<String> = shadows;
        let names: Vec<(String, String)> = shadows.iter().map(names).collect();
        let mut statements: Vec<String> = names
            .iter()
            .map(|(name, aside)| format!("ALTER TABLE {name} RENAME TO {aside}"))
            .collect();
        statements.push(sql.to_owned());
        for (name, aside) in names {
            statements.push(format!("DELETE FROM {name}"));
            statements.push(format!("INSERT INTO {name} SELECT * FROM {aside}"));
            statements.push(format!("DROP TABLE {aside}"));
        }
        Deed::Run(statements)
    }

    /// Whether a virtual table of this dump keeps its content in this table.
    pub(super) fn is_shadow(&self, table: &str) -> bool {
        self.virtual_tables.iter().any(|of| {
            let Some((name, rest)) = table.split_at_checked(of.name.len()) else {
                return false;
            };
            is(name, &of.name)
                && rest.strip_prefix('_').is_some_and(|rest| {
                    of.shadows.is_empty() || of.shadows.iter().any(|shadow| is(shadow, rest))
                })
        })
    }

    /// Whether a table of the dump does not come to the database.
    fn is_left_out(&mut self, table: &str) -> bool {
        if is(table, CHECKPOINT) {
            self.leave_out(LeftOut::Checkpoint);
            return true;
        }
        if self.history.is(table) {
            if self.into == Tables::Existing {
                self.leave_out(LeftOut::History);
                return true;
            }
            self.has_history = true;
        }
        if is_statistics(table) && self.engine == Engine::Server {
            self.leave_out(LeftOut::Statistics);
            return true;
        }
        false
    }

    fn leave_out(&mut self, what: LeftOut) -> Deed<'static> {
        if !self.left_out.contains(&what) {
            self.left_out.push(what);
        }
        Deed::Nothing
    }
}

/// Whether a table of the dump is one of the engine's own, which nobody counts and nobody finds in the way.
pub(super) fn is_of_the_engine(table: &str) -> bool {
    table
        .get(..7)
        .is_some_and(|begin| begin.eq_ignore_ascii_case("sqlite_"))
}

/// What was there before an import may only be cleared where it was empty, and only dropped where it was not there.
pub(super) fn undo(before: Before, table: &str) -> Option<String> {
    match before {
        Before::Absent => Some(format!("DROP TABLE IF EXISTS {}", identifier(table))),
        Before::Empty => Some(format!("DELETE FROM {}", identifier(table))),
        Before::Rows(_) => None,
    }
}

/// <https://sqlite.org/fileformat2.html#stat1tab>
fn is_statistics(table: &str) -> bool {
    [
        "sqlite_stat1",
        "sqlite_stat2",
        "sqlite_stat3",
        "sqlite_stat4",
    ]
    .iter()
    .any(|name| is(table, name))
}

fn run(sql: impl Into<String>) -> Deed<'static> {
    Deed::Run(vec![sql.into()])
}

fn is(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// The module of a `CREATE VIRTUAL TABLE`.
fn module(sql: &str) -> Option<String> {
    let mut words = crate::sql::significant(sql).map(|token| &sql[token.span]);
    words.find(|word| is(word, "USING"))?;
    words
        .next()
        .map(|word| crate::sql::unquote(word).to_ascii_lowercase())
}

/// The tables that a module makes.
fn shadows(module: Option<&str>) -> &'static [&'static str] {
    let found = SHADOWS.iter().find(|(name, _)| module == Some(name));
    found.map_or(&[], |(_, shadows)| shadows)
}
