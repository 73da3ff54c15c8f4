//! What a statement of a dump becomes for the database that it goes to. Pure.
//!
//! The envelope of a dump (`BEGIN`, `PRAGMA foreign_keys`) is replaced by the import's own; what an engine does not take
//! is left out with a word; the tables that a virtual table has made already are cleared instead of made again.

use std::collections::HashMap;

use super::event::Event;
use super::tally::Before;
use crate::db::{Engine, HistoryTable};
use crate::dump::modules::{Modules, VirtualTable, is_ordinary};
use crate::dump::{Item, Object, OnConflict, Rows, Statement, What};
use crate::history;
use crate::sql::{gives_way, identifier, is_autoincrement};

/// The table that remembers how far an import has come.
pub(super) const CHECKPOINT: &str = history::UNFINISHED;

/// The engine's own table of the last values of `AUTOINCREMENT`: <https://sqlite.org/autoinc.html>.
pub(super) const SEQUENCE: &str = "sqlite_sequence";

/// What the rows go into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
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
        /// Whether it has virtual tables.
        has_virtual_tables: bool,
        /// Whether it has any table of an application.
        has_tables: bool,
    },
}

/// Something of a dump that is not in the database, and need not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeftOut {
    /// `ANALYZE` and `sqlite_stat1`, which servers keep to themselves.
    Statistics,
    /// `PRAGMA application_id`, which servers do not take.
    ApplicationId,
    /// `PRAGMA user_version` or `application_id`: a database that has tables keeps its own.
    Number(&'static str),
    /// The table in which an unfinished import was remembered.
    Checkpoint,
    /// The history, where the database has its own.
    History,
    /// A setting of a connection, or a statement that changes no content: its words.
    Setting(&'static str),
    /// `PRAGMA encoding`, `page_size` or `auto_vacuum`, which only a new file can take.
    Layout(&'static str),
    /// Rows that the dump writes with `INSERT OR IGNORE` or `OR REPLACE`, and that conflict with others.
    Conflicts,
}

/// What is to be done with an item.
#[derive(Debug)]
pub(super) enum Deed<'a> {
    /// Run these.
    Run(Vec<String>),
    /// Write these rows.
    Rows(&'a Rows),
    /// These are rows of `sqlite_sequence`, and the database may have rows for the same tables.
    Sequences(&'a Rows),
    Nothing,
}

/// What was seen of a dump so far, as far as it matters for what comes.
#[derive(Debug, Clone)]
pub(super) struct Translator {
    pub(super) engine: Engine,
    pub(super) history: HistoryTable,
    into: Tables,
    beside: Beside,
    /// Whether there is a `sqlite_sequence`: the engine makes it with the first table that has `AUTOINCREMENT`.
    has_sequence: bool,
    modules: Modules,
    virtual_tables: Vec<VirtualTable>,
    /// Those of them that rows were written to, in lower case, and how they are made.
    filled: HashMap<String, Option<String>>,
    /// The other tables that it makes.
    tables: Vec<Ordinary>,
    /// The virtual tables whose rows did not count: their content comes with their own tables.
    pub(super) emptied: Vec<String>,
    /// Whether anything was written that fixes the layout of a new file.
    is_begun: bool,
    /// The tables that it fills with `INSERT OR IGNORE` or `OR REPLACE`.
    pub(super) conflicting: Vec<String>,
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
    /// Of a virtual table; of a checkpoint of an earlier version only the module.
    pub(super) sql: Option<String>,
    /// The table of a trigger, and what the trigger runs for.
    pub(super) trigger: Option<(String, Event)>,
}

/// A table that a dump makes as any other.
#[derive(Debug, Clone)]
struct Ordinary {
    name: String,
    /// Whether its definition shows that no virtual table has made it.
    is_certain: bool,
}

impl Translator {
    pub(super) fn new(
        engine: Engine,
        history: HistoryTable,
        into: Tables,
        beside: Beside,
        modules: Modules,
    ) -> Translator {
        Translator {
            engine,
            history,
            into,
            beside,
            has_sequence: matches!(
                beside,
                Beside::Others {
                    has_sequence: true,
                    ..
                }
            ),
            modules,
            virtual_tables: Vec::new(),
            filled: HashMap::new(),
            tables: Vec::new(),
            emptied: Vec::new(),
            is_begun: false,
            conflicting: Vec::new(),
            left_out: Vec::new(),
            has_history: false,
            made: Vec::new(),
        }
    }

    /// Whether there are virtual tables, of the dump or of the database.
    pub(super) fn has_virtual_tables(&self) -> bool {
        let are_beside = matches!(
            self.beside,
            Beside::Others {
                has_virtual_tables: true,
                ..
            }
        );
        are_beside || !self.virtual_tables.is_empty()
    }

    /// This was made by what came before.
    pub(super) fn remind(&mut self, tables: Vec<String>, made: Vec<Made>) {
        let tables = tables.into_iter().map(|name| Ordinary {
            name,
            is_certain: true,
        });
        self.tables.extend(tables);
        self.is_begun = true;
        for made in &made {
            if made.object == Object::VirtualTable {
                let sql = made.sql.as_deref().unwrap_or_default();
                let table = match sql.contains(' ') {
                    true => self.modules.virtual_table(&made.name, sql),
                    false => self
                        .modules
                        .virtual_table(&made.name, &format!("USING {sql}")),
                };
                self.virtual_tables.push(table);
            }
        }
        self.made.extend(made);
    }

    /// These have got rows before.
    pub(super) fn remind_rows<'n>(&mut self, tables: impl Iterator<Item = &'n str>) {
        for table in tables {
            self.note_rows(table);
        }
    }

    /// The dump writes rows to this table.
    fn note_rows(&mut self, table: &str) {
        if self.virtual_tables.is_empty() {
            return;
        }
        let is_it = |made: &&Made| made.object == Object::VirtualTable && is(&made.name, table);
        if let Some(made) = self.made.iter().find(is_it) {
            let sql = made.sql.clone();
            self.filled.insert(table.to_ascii_lowercase(), sql);
        }
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
        self.is_begun = true;
        self.note_rows(table);
        if rows.target.on_conflict != OnConflict::Fail
            && !self.conflicting.iter().any(|name| is(name, table))
        {
            self.conflicting.push(table.clone());
        }
        match self.beside {
            _ if !is(table, SEQUENCE) => Deed::Rows(rows),
            // No table has AUTOINCREMENT, so the rows count nothing, and there is no table for them.
            _ if !self.has_sequence => Deed::Nothing,
            // This engine has its own names for the tables, and rows of them already.
            _ if self.engine == Engine::Turso => Deed::Sequences(rows),
            Beside::Nothing => Deed::Rows(rows),
            Beside::Others { .. } => Deed::Sequences(rows),
        }
    }

    fn statement(&mut self, statement: &Statement) -> Deed<'static> {
        if let What::Layout { pragma, value } = &statement.what {
            return match self.beside == Beside::Nothing && !self.is_begun {
                true => run(format!("PRAGMA {pragma} = {value}")),
                false => self.leave_out(LeftOut::Layout(pragma)),
            };
        }
        let deed = self.other_statement(statement);
        self.is_begun |= matches!(deed, Deed::Run(_));
        deed
    }

    fn other_statement(&mut self, statement: &Statement) -> Deed<'static> {
        match &statement.what {
            // The import's own envelope stands in their place; that a dump is complete is known to its reader.
            What::ForeignKeys
            | What::WritableSchema
            | What::Begin
            | What::Commit
            | What::Rollback
            | What::Layout { .. }
            // There is nothing of that name: see `Clash::Drops`.
            | What::Drop { .. } => Deed::Nothing,
            What::Setting { words } => self.leave_out(LeftOut::Setting(words)),
            What::Analyze if self.engine.is_server() => self.leave_out(LeftOut::Statistics),
            What::Analyze => run("ANALYZE sqlite_schema"),
            What::Number { pragma, .. }
                if *pragma == "application_id" && !self.engine.takes_application_id() =>
            {
                self.leave_out(LeftOut::ApplicationId)
            }
            What::Number { pragma, .. } if matches!(self.beside, Beside::Others { has_tables: true, .. }) => {
                self.leave_out(LeftOut::Number(pragma))
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
        // The database has statistics of tables of its own.
        let is_shared = is_statistics(table) && self.beside != Beside::Nothing;
        if self.is_left_out(table) || (is(table, SEQUENCE) && keeps) || is_shared {
            return Deed::Nothing;
        }
        run(format!("DELETE FROM {}", identifier(table)))
    }

    fn create(&mut self, object: Object, name: &str, table: &str, sql: &str) -> Deed<'static> {
        if self.is_left_out(table) {
            return Deed::Nothing;
        }
        match object {
            Object::Table if self.owner(name, || is_ordinary(sql)).is_some() => {
                return self.shadow(name);
            }
            Object::Table => {
                self.tables.push(Ordinary {
                    name: name.to_owned(),
                    is_certain: is_ordinary(sql),
                });
                self.has_sequence |= is_autoincrement(sql);
                if gives_way(sql) {
                    self.conflicting.push(name.to_owned());
                }
            }
            Object::VirtualTable => {
                self.virtual_tables
                    .push(self.modules.virtual_table(name, sql));
                self.made.push(Made {
                    object,
                    name: name.to_owned(),
                    sql: Some(sql.to_owned()),
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
                    sql: None,
                    trigger: (object == Object::Trigger)
                        .then(|| (table.to_owned(), Event::of(sql))),
                });
            }
        }
        run(sql)
    }

    /// A table that a virtual table has made already. Where the dump has written rows to the virtual table itself too, as
    /// Python's does, they are the same rows again: it is made again before its tables are filled.
    fn shadow(&mut self, name: &str) -> Deed<'static> {
        let Deed::Run(mut statements) = self.clear(name) else {
            return Deed::Nothing;
        };
        let mut tables = self.virtual_tables.iter();
        let owner = tables.find(|it| it.owns(name, || false));
        let owner = owner.map(|owner| owner.name.clone()).unwrap_or_default();
        if let Some(Some(sql)) = self.filled.remove(&owner.to_ascii_lowercase()) {
            statements.insert(0, sql);
            statements.insert(0, format!("DROP TABLE {}", identifier(&owner)));
            self.emptied.push(owner);
        }
        Deed::Run(statements)
    }

    /// After a `VACUUM` a virtual table stands behind the tables of its content in the schema, and so in the dump. It
    /// wants to make them itself: so they step aside, and what they hold comes back.
    fn virtual_table(&mut self, sql: &str) -> Deed<'static> {
        let tables = std::mem::take(&mut self.tables);
        let (shadows, tables) = tables
            .into_iter()
            .partition(|table| self.owner(&table.name, || table.is_certain).is_some());
        self.tables = tables;
        let names = |table: &Ordinary| {
            let aside = format!("_seedbed_{}", table.name);
            (identifier(&table.name), identifier(&aside))
        };
        let shadows: Vec<Ordinary> = shadows;
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
        let is_ordinary = || {
            let mut tables = self.tables.iter();
            tables.any(|it| it.is_certain && is(&it.name, table))
        };
        self.owner(table, is_ordinary).is_some()
    }

    fn owner(&self, table: &str, is_ordinary: impl Fn() -> bool) -> Option<&VirtualTable> {
        let virtual_tables = self.virtual_tables.iter();
        // Without the module nothing creates them.
        let mut makers = virtual_tables.filter(|it| self.engine.is_server() || !it.lacks_module);
        makers.find(|it| it.owns(table, &is_ordinary))
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
        if is_statistics(table) && self.engine.is_server() {
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

/// Whether a table of the dump is one of the engine's own, which is not counted and is never an obstacle.
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
