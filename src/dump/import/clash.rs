//! What a dump would bring, and what is there already. Pure.

use std::collections::{HashMap, HashSet};

use super::event::Event;
use super::tally::{Before, Tally};
use super::translate::{Beside, Made, SEQUENCE, Tables, Translator, is_of_the_engine};
use super::{LackingModule, Triggers};
use crate::db::{HistoryTable, Query};
use crate::dump::modules::{Modules, VirtualTable, module_of};
use crate::dump::{Block, Item, Object, What};
use crate::history;
use crate::sql::{Value, ValueRef};

/// Something that stands in the way of an import.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Clash {
    /// The dump makes what is there already.
    #[error("{what} {name} exists already{}", holding(*.rows))]
    Exists {
        /// `table`, `index`, `view`, `trigger`.
        what: String,
        /// Its name.
        name: String,
        /// How many rows it holds, where it is a table.
        rows: Option<u64>,
        /// Whether the dump makes it, and not only writes rows to it.
        is_made: bool,
    },
    /// The rows are for a table that is neither there nor made by what of the dump comes before them.
    #[error("there is no table {name}, and the dump does not make it before its rows")]
    Missing {
        /// The table.
        name: String,
        /// The line of its first row; none where that was imported by an earlier run.
        line: Option<u64>,
    },
    /// The dump empties a table that is there already. A dump empties only what it has just made.
    #[error("the dump deletes the rows of {name}, which is not its own{}", holding(*.rows))]
    Clears {
        /// The table.
        name: String,
        /// How many rows it holds.
        rows: Option<u64>,
        /// The line of the statement.
        line: Option<u64>,
    },
    /// The dump makes a trigger and then writes to its table, so that the trigger would run, whatever it does: what is
    /// in the database afterwards would not be what the dump says.
    #[error("the dump makes the trigger {trigger} of {table} before it writes rows to {table}")]
    Fires {
        /// The trigger.
        trigger: String,
        /// Its table.
        table: String,
        /// The line that would set it off.
        line: u64,
    },
    /// The dump brings a table with the name of the history that this program cannot read: it would not know its own
    /// records any more.
    #[error("the dump has a table {name} that {reason}")]
    History {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
        /// The line of its `CREATE TABLE`.
        line: u64,
    },
    /// The dump brings a history, and the settings name another table: all of its migrations would run again.
    #[error(
        "the dump has a table {name} that is a history of Seedbed, and the settings name the table {setting}"
    )]
    OtherHistory {
        /// Its name.
        name: String,
        /// The table of the settings.
        setting: String,
        /// The line of its `CREATE TABLE`.
        line: u64,
    },
    /// The dump drops, where it is there, what is there.
    #[error("the dump drops the {what} {name}, which {}", match made_in {
        Some(line) => format!("it has made in line {line}"),
        None => format!("is there{}", holding(*rows)),
    })]
    Drops {
        /// `table`, `index`, `view`, `trigger`.
        what: String,
        /// Its name.
        name: String,
        /// How many rows it holds, where it is a table of the database.
        rows: Option<u64>,
        /// The line of the statement.
        line: Option<u64>,
        /// The line in which the dump itself has made it, where the database has none.
        made_in: Option<u64>,
    },
    /// A trigger of the database runs for each row of the dump.
    #[error("the trigger {} of {} would run for each row of the dump", .0.trigger, .0.table)]
    SetsOff(Fired),
    /// The dump makes a virtual table of a module that the database does not have.
    #[error("the virtual table {name} needs the module {module}, which the database does not have")]
    NoModule {
        /// The virtual table.
        name: String,
        /// The module.
        module: String,
        /// The line that makes it.
        line: Option<u64>,
    },
    /// The dump makes what the engine of the database does not take.
    #[error("{what} {name}: {why}")]
    Refused {
        /// `table`, `index`, `view`, `trigger`.
        what: &'static str,
        /// Its name.
        name: String,
        /// What the engine does not take.
        why: String,
        /// The line that makes it.
        line: u64,
    },
    /// The dump writes to the tables in which a virtual table with rows keeps its content: its index would not be that of
    /// its rows any more, and where the dump clears the tables first, the rows would be gone.
    #[error(
        "the dump writes to {table}, which keeps the content of the virtual table {name}{}",
        holding(*.rows)
    )]
    InUse {
        /// The virtual table.
        name: String,
        /// How many rows it holds, where the engine can count them.
        rows: Option<u64>,
        /// The table of its content.
        table: String,
        /// The line of the first statement that writes to it.
        line: Option<u64>,
    },
    /// The dump makes its tables, and was to go into existing ones.
    #[error("the dump makes the table {name}, and was to go into existing ones")]
    Makes {
        /// The table.
        name: String,
    },
}

impl Clash {
    /// The line of the dump that is in the way, from 1; none where it is about the whole dump.
    pub fn line(&self) -> Option<u64> {
        match self {
            Clash::Missing { line, .. }
            | Clash::Clears { line, .. }
            | Clash::NoModule { line, .. }
            | Clash::InUse { line, .. }
            | Clash::Drops { line, .. } => *line,
            Clash::Fires { line, .. }
            | Clash::Refused { line, .. }
            | Clash::History { line, .. }
            | Clash::OtherHistory { line, .. } => Some(*line),
            Clash::Exists { .. } | Clash::Makes { .. } | Clash::SetsOff(_) => None,
        }
    }
}

fn holding(rows: Option<u64>) -> String {
    match rows {
        None => String::new(),
        Some(0) => ", without rows".to_owned(),
        Some(1) => " and has 1 row".to_owned(),
        Some(rows) => format!(" and has {rows} rows"),
    }
}

/// A trigger of the database that runs for each row of the dump.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fired {
    /// Its name.
    pub trigger: String,
    /// The table whose rows set it off.
    pub table: String,
}

/// What is in a database.
#[derive(Debug, Clone, Default)]
pub(super) struct There {
    /// Type and name.
    objects: Vec<(String, String)>,
    virtual_tables: Vec<VirtualTable>,
    /// The tables that these keep their content in, each with the place of its virtual table.
    shadows: Vec<(String, usize)>,
    triggers: Vec<Trigger>,
    /// Tables and their rows, as far as they were counted.
    counts: Vec<(String, u64)>,
    history: Option<HistoryTable>,
    /// The modules of the engine, in lower case; none where that is not known.
    modules: HashSet<String>,
}

/// The modules that virtual tables can be made of: <https://sqlite.org/pragma.html#pragma_module_list>.
pub(super) const MODULES: &str = "SELECT lower(name) FROM pragma_module_list";

/// Asks what there is. The tables behind virtual ones are distinguished:
/// <https://sqlite.org/pragma.html#pragma_table_list>.
pub(super) const OBJECTS: &str = "\
SELECT s.type, s.name, l.type, s.tbl_name,
  CASE WHEN s.type = 'trigger' OR l.type = 'virtual' THEN s.sql END
FROM sqlite_schema s LEFT JOIN pragma_table_list l ON l.schema = 'main' AND l.name = s.name
WHERE s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' OR s.name = 'sqlite_sequence'";

impl There {
    pub(super) fn of(rows: &[[Value; 5]], modules: &Modules, history: &HistoryTable) -> There {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let is = |value: &Value, word: &str| value.as_str() == Some(word);
        let virtual_tables = rows.iter().filter(|[_, _, kind, ..]| is(kind, "virtual"));
        let virtual_tables: Vec<VirtualTable> = virtual_tables
            .filter_map(|[_, name, _, _, sql]| {
                Some(modules.virtual_table(name.as_str()?, sql.as_str()?))
            })
            .collect();
        let owner = |name: &str| {
            let mut tables = virtual_tables.iter();
            tables.position(|it| it.owns(name, || false))
        };
        There {
            objects: rows
                .iter()
                .filter_map(|[kind, name, ..]| Some((text(kind)?, text(name)?)))
                .collect(),
            shadows: rows
                .iter()
                .filter(|[_, _, kind, ..]| is(kind, "shadow"))
                .filter_map(|[_, name, ..]| {
                    let name = text(name)?;
                    let owner = owner(&name)?;
                    Some((name, owner))
                })
                .collect(),
            triggers: rows
                .iter()
                .filter(|[kind, ..]| is(kind, "trigger"))
                .filter_map(|[_, name, _, table, sql]| {
                    Some(Trigger {
                        name: text(name)?,
                        table: text(table)?,
                        event: Event::of(&text(sql)?),
                    })
                })
                .collect(),
            counts: Vec::new(),
            history: Some(history.clone()),
            modules: HashSet::new(),
            virtual_tables,
        }
    }

    /// Takes in the answer to [`MODULES`].
    pub(super) fn has_modules(&mut self, rows: Vec<[Value; 1]>) {
        let names = rows.iter().flatten().filter_map(Value::as_str);
        self.modules.extend(names.map(str::to_owned));
    }

    fn lacks(&self, module: &str) -> bool {
        !self.modules.is_empty() && !self.modules.contains(&key(module))
    }

    /// The virtual tables of a dump whose module the engine does not have.
    pub(super) fn lacking(&self, wanted: &Wanted) -> Vec<LackingModule> {
        let tables = wanted.virtual_tables.iter();
        let lacking = tables.filter(|(_, module, _)| self.lacks(module));
        let lacking = lacking.map(|(table, module, _)| LackingModule {
            table: table.clone(),
            module: module.clone(),
        });
        lacking.collect()
    }

    /// The triggers of the database that the rows of the dump set off, with their tables.
    pub(super) fn fired(&self, wanted: &Wanted) -> Vec<Fired> {
        let is_set_off = |trigger: &&Trigger| {
            let mut fills = wanted.fills.iter().filter(|write| !write.is_made);
            trigger.event == Event::Insert
                && fills.any(|write| write.table.eq_ignore_ascii_case(&trigger.table))
        };
        let triggers = self.triggers.iter().filter(is_set_off);
        let fired = triggers.map(|trigger| Fired {
            trigger: trigger.name.clone(),
            table: trigger.table.clone(),
        });
        fired.collect()
    }

    /// The place of the virtual table that keeps its content in this table.
    fn owner(&self, table: &str) -> Option<usize> {
        let mut shadows = self.shadows.iter();
        let found = shadows.find(|(name, _)| name.eq_ignore_ascii_case(table));
        found.map(|(_, owner)| *owner)
    }

    /// The tables in which this virtual table keeps its content.
    fn shadows_of(&self, owner: usize) -> impl Iterator<Item = &String> {
        let shadows = self.shadows.iter();
        shadows.filter_map(move |(name, of)| (*of == owner).then_some(name))
    }

    /// Whether a virtual table may hold rows. One whose rows were deleted has more in its tables than a new one, and one
    /// without content of its own counts the rows of another table: so it is empty where one of the two says so.
    fn is_in_use(&self, owner: usize) -> bool {
        let table = &self.virtual_tables[owner];
        let is_new = |shadow: &String| match (self.rows_of(shadow), table.new_rows(shadow)) {
            (Some(rows), Some(new)) => rows <= new.len() as u64,
            _ => false,
        };
        self.rows_of(&table.name) != Some(0) && !self.shadows_of(owner).all(is_new)
    }

    /// The statements that give a table of a virtual table's content what it held before an import; none of any other
    /// table, and where the virtual table may have had rows.
    pub(super) fn made_new(&self, table: &str, before: Before) -> Option<&[String]> {
        let owner = &self.virtual_tables[self.owner(table)?];
        let rows = owner.new_rows(table)?;
        match before {
            Before::Empty => Some(rows),
            Before::Rows(before) if before <= rows.len() as u64 => Some(rows),
            Before::Absent | Before::Rows(_) => None,
        }
    }

    /// Whether an ordinary table of this name is there.
    pub(super) fn has_table(&self, name: &str) -> bool {
        let is_it = |table: &VirtualTable| table.name.eq_ignore_ascii_case(name);
        self.find(name).is_some_and(|(kind, _)| kind == "table")
            && !self.virtual_tables.iter().any(is_it)
    }

    /// What is there without what is called so.
    pub(super) fn without<'a>(&mut self, names: impl Iterator<Item = &'a str>) {
        let names: Vec<String> = names.map(str::to_ascii_lowercase).collect();
        self.objects
            .retain(|(_, name)| !names.contains(&name.to_ascii_lowercase()));
    }

    /// What a dump comes to stand beside.
    pub(super) fn beside(&self) -> Beside {
        Beside::Others {
            has_sequence: self.find(SEQUENCE).is_some(),
            has_virtual_tables: !self.virtual_tables.is_empty(),
            has_tables: self
                .objects
                .iter()
                .any(|(kind, name)| kind == "table" && !self.is_own(name)),
        }
    }

    /// Whether a table is Seedbed's or the engine's own.
    fn is_own(&self, name: &str) -> bool {
        let is_history = self
            .history
            .as_ref()
            .is_some_and(|history| history.is(name));
        is_history || is_of_the_engine(name) || name.to_ascii_lowercase().starts_with("_seedbed_")
    }

    fn find(&self, name: &str) -> Option<&(String, String)> {
        let mut objects = self.objects.iter();
        objects.find(|(_, other)| other.eq_ignore_ascii_case(name))
    }

    /// Questions that count the rows of those tables of the dump that are there and were not counted yet.
    pub(super) fn counting(&self, wanted: &Wanted) -> Vec<(String, Query)> {
        let makes = wanted.makes.iter().map(|(_, name)| name);
        let writes = wanted.fills.iter().chain(&wanted.clears);
        let drops = wanted.drops.iter().map(|(_, write, _)| &write.table);
        let owners = writes.clone().filter_map(|write| self.owner(&write.table));
        let owners: HashSet<usize> = owners.collect();
        let contents = owners.into_iter().flat_map(|owner| {
            let name = std::iter::once(&self.virtual_tables[owner].name);
            name.chain(self.shadows_of(owner))
        });
        let names = makes.chain(writes.map(|write| &write.table)).chain(drops);
        let names = names.chain(contents);
        let mut tables: Vec<(String, Query)> = Vec::new();
        for name in names {
            if let Some((kind, name)) = self.find(name)
                && kind == "table"
                && self.rows_of(name).is_none()
                && !tables.iter().any(|(other, _)| other == name)
            {
                tables.push((name.clone(), Query::count(name)));
            }
        }
        tables
    }

    /// Notes how many rows a table has.
    pub(super) fn counted(&mut self, table: String, rows: u64) {
        self.counts.push((table, rows));
    }

    fn rows_of(&self, table: &str) -> Option<u64> {
        let mut counts = self.counts.iter();
        let found = counts.find(|(name, _)| name.eq_ignore_ascii_case(table));
        found.map(|(_, rows)| *rows)
    }

    /// What the tables of the dump were before. What the dump has cleared was empty when its rows came.
    pub(super) fn note(&self, tally: &mut Tally, wanted: &Wanted) {
        let is_cleared = |table: &str| {
            let mut clears = wanted.clears.iter();
            clears.any(|write| write.table.eq_ignore_ascii_case(table))
        };
        for table in &mut tally.tables {
            // What was known when the import began stays so.
            if table.before != Before::Absent {
                continue;
            }
            table.before = match (self.find(&table.name), self.rows_of(&table.name)) {
                (None, _) => Before::Absent,
                (Some(_), Some(0)) => Before::Empty,
                (Some(_), _) if is_cleared(&table.name) => Before::Empty,
                (Some(_), rows) => Before::Rows(rows.unwrap_or(1)),
            };
        }
    }
}

/// What a dump, or the part of it that was read, makes and writes to.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    makes: Vec<(Object, String)>,
    fills: Vec<Write>,
    /// The names of both, in lower case: there may be thousands. The first with the line that makes it, where this
    /// reading has come to it.
    made: HashMap<String, Option<u64>>,
    filled: HashSet<String>,
    clears: Vec<Write>,
    /// The sort of what it drops, where there is such a thing, and the line in which the dump has made it before.
    drops: Vec<(&'static str, Write, Option<u64>)>,
    /// Whether it makes a new file, which has no records of its own to be in the way of.
    is_new_file: bool,
    triggers: Vec<Trigger>,
    /// What it makes that the engine does not take.
    refused: Vec<Clash>,
    /// Its virtual tables, each with its module and its line.
    virtual_tables: Vec<(String, String, u64)>,
    /// The name of a trigger that would run, its table, and the line that sets it off.
    fires: Vec<(String, String, u64)>,
    /// The history that it makes.
    history: Records,
    /// Whether it makes a history in the table of the settings.
    has_history: bool,
    /// Line and name of a history in another table.
    elsewhere: Option<(u64, String)>,
    /// Whether a new file cannot take it: it writes to a table that it has not made, sets off a trigger, or brings the
    /// records of another tool.
    is_unfit: bool,
}

/// A table of a dump that has the name of the history and is not a history that this program reads.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ForeignHistory {
    /// Its name.
    pub table: String,
    /// What is wrong with it, in words that follow its name: "is not Seedbed's".
    pub reason: &'static str,
}

/// Of a history whose layout is not recorded.
const NO_LAYOUT: &str = "does not say which layout it has";

/// What is known of the history of a dump, by its line and the name of its table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Records {
    /// It makes none, or one that can be read.
    #[default]
    Fine,
    /// It makes one at this line, and the row of its layout has not come.
    Made(u64, String),
    /// It makes one at this line that cannot be read.
    Foreign(u64, ForeignHistory),
}

impl Records {
    fn foreign(line: u64, table: String, reason: &'static str) -> Records {
        Records::Foreign(line, ForeignHistory { table, reason })
    }

    /// What the row of a history that was made by the dump tells.
    fn row(self, names: &[String], row: &[ValueRef<'_>]) -> Records {
        match (self, history::layout_of(names, row)) {
            (Records::Made(line, name), Some(layout)) if layout > history::LAYOUT => {
                Records::foreign(line, name, "was written by a newer version of Seedbed")
            }
            (Records::Made(..), Some(_)) => Records::Fine,
            (before, _) => before,
        }
    }
}

/// A table that a dump writes to.
#[derive(Debug, Clone)]
struct Write {
    table: String,
    /// Whether the dump has made it before.
    is_made: bool,
    /// The first line that does; none where that was imported by an earlier run.
    line: Option<u64>,
}

#[derive(Debug, Clone)]
struct Trigger {
    name: String,
    table: String,
    event: Event,
}

impl Wanted {
    /// Of nothing.
    pub(super) fn into(beside: Beside) -> Wanted {
        Wanted {
            is_new_file: beside == Beside::Nothing,
            ..Wanted::default()
        }
    }

    /// The table with the name of the history that the dump brings, where that is not Seedbed's, once all of it is read.
    pub(super) fn foreign_history(&self) -> Option<ForeignHistory> {
        match &self.history {
            Records::Fine => None,
            Records::Made(_, table) => Some(ForeignHistory {
                table: table.clone(),
                reason: NO_LAYOUT,
            }),
            Records::Foreign(_, foreign) => Some(foreign.clone()),
        }
    }

    /// What the part of a dump that is in the database has made and filled.
    pub(super) fn of(tally: &Tally, made: &[Made], history: &HistoryTable) -> Wanted {
        let tables = tally.tables.iter();
        let tables = tables.filter(|table| table.before == Before::Absent);
        let tables = tables.map(|table| (Object::Table, table.name.clone()));
        let others = made.iter().map(|made| (made.object, made.name.clone()));
        let triggers = made.iter().filter_map(|made| {
            let (table, event) = made.trigger.clone()?;
            Some(Trigger {
                name: made.name.clone(),
                table,
                event,
            })
        });
        let fills = tally.tables.iter().map(|table| Write {
            table: table.name.clone(),
            is_made: table.before == Before::Absent,
            line: None,
        });
        let makes: Vec<_> = tables.chain(others).collect();
        let fills: Vec<_> = fills.collect();
        Wanted {
            made: makes.iter().map(|(_, name)| (key(name), None)).collect(),
            filled: fills.iter().map(|write| key(&write.table)).collect(),
            makes,
            fills,
            triggers: triggers.collect(),
            // No other table of this name would have been imported into a database.
            has_history: tally.has(history.name()),
            ..Wanted::default()
        }
    }

    /// Takes in one item, which stands at `line`. `seen` has not translated it yet.
    pub(super) fn item(&mut self, block: &Block, item: &Item, line: u64, seen: &Translator) {
        self.records(block, item, line, &seen.history);
        match item {
            Item::Rows(rows) => {
                let table = &rows.target.table;
                self.set_off(table, Event::Insert, line);
                let known = |write: &Write| write.table.eq_ignore_ascii_case(table);
                if self.fills.last().is_some_and(known) || self.filled.contains(&key(table)) {
                    return;
                }
                if !is_of_the_engine(table) && !seen.is_shadow(table) {
                    let write = self.write(table, line);
                    self.fills.push(write);
                    self.filled.insert(key(table));
                }
            }
            Item::Statement(statement) => match &statement.what {
                What::Drop { object, name } => {
                    let made = self.made.get(&key(name)).copied();
                    let (is_made, made_in) = (made.is_some(), made.flatten());
                    self.is_unfit |= is_made;
                    let write = Write {
                        table: name.clone(),
                        is_made,
                        line: Some(line),
                    };
                    self.drops.push((object, write, made_in));
                }
                What::Create {
                    object,
                    name,
                    table,
                    sql,
                } if !seen.is_shadow(name) && !is_of_the_engine(name) => {
                    self.makes.push((*object, name.clone()));
                    self.made.insert(key(name), Some(line));
                    if let Some(why) = seen.engine.refusal(sql) {
                        self.refused.push(Clash::Refused {
                            what: object.word(),
                            name: name.clone(),
                            why,
                            line,
                        });
                    }
                    if *object == Object::VirtualTable {
                        let module = module_of(sql);
                        self.virtual_tables.push((name.clone(), module, line));
                    }
                    if *object == Object::Trigger {
                        self.triggers.push(Trigger {
                            name: name.clone(),
                            table: table.clone(),
                            event: Event::of(sql),
                        });
                    }
                }
                What::Clear { table } => {
                    self.set_off(table, Event::Delete, line);
                    if !seen.is_shadow(table) && !is_of_the_engine(table) {
                        let write = self.write(table, line);
                        self.clears.push(write);
                    }
                }
                _ => {}
            },
        }
    }

    /// Whether the history that the dump brings can be read once it is there.
    fn records(&mut self, block: &Block, item: &Item, line: u64, history: &HistoryTable) {
        self.history = match (item, std::mem::take(&mut self.history)) {
            (Item::Rows(rows), made @ Records::Made(..)) if history.is(&rows.target.table) => {
                let names = &rows.target.columns;
                (0..rows.len()).fold(made, |records, row| {
                    let values: Vec<ValueRef<'_>> = block.row(rows, row).collect();
                    records.row(names, &values)
                })
            }
            (Item::Statement(statement), before) => match (&statement.what, before) {
                (What::Create { name, sql, .. }, before) => {
                    match (history.is(name), history::makes_ours(sql)) {
                        (true, true) => {
                            self.has_history = true;
                            Records::Made(line, name.clone())
                        }
                        (true, false) => Records::foreign(line, name.clone(), "is not Seedbed's"),
                        (false, true) => {
                            self.elsewhere.get_or_insert_with(|| (line, name.clone()));
                            before
                        }
                        (false, false) => before,
                    }
                }
                (What::Commit, Records::Made(line, name)) => {
                    Records::foreign(line, name, NO_LAYOUT)
                }
                (_, before) => before,
            },
            (_, before) => before,
        };
        self.is_unfit |= matches!(self.history, Records::Foreign(..)) && !self.is_new_file;
    }

    fn write(&mut self, table: &str, line: u64) -> Write {
        // The checkpoint of another database is left out.
        let is_made = table.eq_ignore_ascii_case(super::translate::CHECKPOINT)
            || self.made.contains_key(&key(table));
        self.is_unfit |= !is_made;
        Write {
            table: table.to_owned(),
            is_made,
            line: Some(line),
        }
    }

    /// The line that makes this, where that is known.
    pub(super) fn made_in(&self, name: &str) -> Option<u64> {
        self.made.get(&key(name)).copied().flatten()
    }

    /// A history that would not be read, so that all of its migrations would run again. Beside the one of the settings it
    /// is another application's.
    pub(super) fn lost_history(&self) -> Option<&(u64, String)> {
        self.elsewhere.as_ref().filter(|_| !self.has_history)
    }

    /// Whether a new file cannot take it: it writes to a table that it has not made, or sets off a trigger.
    pub(super) fn is_unfit(&self) -> bool {
        self.is_unfit
    }

    /// This happens to the table next.
    fn set_off(&mut self, table: &str, event: Event, line: u64) {
        let is_of = |trigger: &&Trigger| {
            trigger.event == event && trigger.table.eq_ignore_ascii_case(table)
        };
        let Some(trigger) = self.triggers.iter().find(is_of) else {
            return;
        };
        let (name, table) = (&trigger.name, &trigger.table);
        if !self.fires.iter().any(|(known, ..)| known == name) {
            self.fires.push((name.clone(), table.clone(), line));
            self.is_unfit = true;
        }
    }
}

/// A name as it is compared.
fn key(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// Everything that is in the way, in the order of the dump.
pub(super) fn clashes(
    wanted: &Wanted,
    there: &There,
    into: Tables,
    triggers: Triggers,
    history: &HistoryTable,
) -> Vec<Clash> {
    let is_ours = |name: &str| name.eq_ignore_ascii_case(super::translate::CHECKPOINT);
    let is_history = |name: &str| history.is(name);
    let mut clashes = Vec::new();
    let mut histories = Vec::new();
    if into == Tables::New {
        if let Records::Foreign(line, foreign) = &wanted.history
            && !wanted.is_new_file
        {
            histories.push(Clash::History {
                name: foreign.table.clone(),
                reason: foreign.reason,
                line: *line,
            });
        }
        if let Some((line, name)) = wanted.lost_history() {
            histories.push(Clash::OtherHistory {
                name: name.clone(),
                setting: history.name().to_owned(),
                line: *line,
            });
        }
    }
    let is_refused = |name: &str| {
        let mut histories = histories.iter();
        histories.any(|clash| match clash {
            Clash::History { name: it, .. } | Clash::OtherHistory { name: it, .. } => {
                it.eq_ignore_ascii_case(name)
            }
            _ => false,
        })
    };
    let mut dropped = HashSet::new();
    for (what, write, made_in) in &wanted.drops {
        let found = there.find(&write.table);
        if (write.is_made || found.is_some()) && dropped.insert(key(&write.table)) {
            let (what, name) = match found {
                Some((what, name)) => (what.clone(), name.clone()),
                None => ((*what).to_owned(), write.table.clone()),
            };
            clashes.push(Clash::Drops {
                what,
                rows: there.rows_of(&name),
                name,
                line: write.line,
                made_in: made_in.filter(|_| found.is_none()),
            });
        }
    }
    for (object, name) in &wanted.makes {
        // That it exists was told with its `DROP`.
        let is_told = dropped.contains(&key(name));
        if is_told
            || is_refused(name)
            || is_ours(name)
            || (into == Tables::Existing && is_history(name))
        {
            continue;
        }
        if let Some((what, found)) = there.find(name) {
            clashes.push(Clash::Exists {
                what: what.clone(),
                name: found.clone(),
                rows: there.rows_of(found),
                is_made: true,
            });
        } else if into == Tables::Existing && matches!(object, Object::Table | Object::VirtualTable)
        {
            clashes.push(Clash::Makes { name: name.clone() });
        }
    }
    for Write {
        table,
        is_made,
        line,
    } in &wanted.fills
    {
        if *is_made || (into == Tables::Existing && is_history(table)) {
            continue;
        }
        match (there.find(table), into) {
            (None, _) => clashes.push(Clash::Missing {
                name: table.clone(),
                line: *line,
            }),
            (Some((what, found)), Tables::New) => clashes.push(Clash::Exists {
                what: what.clone(),
                name: found.clone(),
                rows: there.rows_of(found),
                is_made: false,
            }),
            (Some(_), Tables::Existing) => {}
        }
    }
    for Write {
        table,
        is_made,
        line,
    } in &wanted.clears
    {
        let may = *is_made || (into == Tables::Existing && there.owner(table).is_some());
        if !may {
            clashes.push(Clash::Clears {
                name: table.clone(),
                rows: there.rows_of(table),
                line: *line,
            });
        }
    }
    if into == Tables::Existing {
        clashes.extend(in_use(wanted, there));
    }
    for (name, module, line) in &wanted.virtual_tables {
        // A new file takes the definition alone.
        if into == Tables::New && !wanted.is_new_file && there.lacks(module) {
            clashes.push(Clash::NoModule {
                name: name.clone(),
                module: module.clone(),
                line: Some(*line),
            });
        }
    }
    clashes.extend(wanted.refused.iter().cloned());
    let fires = wanted.fires.iter();
    let fires = fires.map(|(trigger, table, line)| Clash::Fires {
        trigger: trigger.clone(),
        table: table.clone(),
        line: *line,
    });
    clashes.extend(fires);
    clashes.extend(histories);
    if into == Tables::Existing && triggers == Triggers::Refuse {
        clashes.extend(there.fired(wanted).into_iter().map(Clash::SetsOff));
    }
    clashes
}

/// The virtual tables with rows whose content the dump would write to.
fn in_use(wanted: &Wanted, there: &There) -> Vec<Clash> {
    let writes = wanted.fills.iter().chain(&wanted.clears);
    // What an earlier run of this import has written to was empty before.
    let begun = wanted.fills.iter().filter(|write| write.line.is_none());
    let begun: Vec<usize> = begun.filter_map(|it| there.owner(&it.table)).collect();
    let is_refused = |owner: &usize| !begun.contains(owner) && there.is_in_use(*owner);
    let mut first: Vec<(usize, &Write)> = Vec::new();
    for write in writes.filter(|write| !write.is_made) {
        let Some(owner) = there.owner(&write.table).filter(is_refused) else {
            continue;
        };
        match first.iter_mut().find(|(known, _)| *known == owner) {
            Some((_, before)) if write.line < before.line => *before = write,
            Some(_) => {}
            None => first.push((owner, write)),
        }
    }
    let clash = |(owner, write): (usize, &Write)| {
        let name = &there.virtual_tables[owner].name;
        Clash::InUse {
            name: name.clone(),
            rows: there.rows_of(name),
            table: write.table.clone(),
            line: write.line,
        }
    };
    first.into_iter().map(clash).collect()
}
