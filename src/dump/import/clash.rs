//! What a dump would bring, and what is there already. Pure.

use std::collections::HashSet;

use super::tally::{Before, Tally};
use super::translate::{Beside, Made, SEQUENCE, Tables, Translator, is_of_the_engine};
use crate::db::{HistoryTable, Query};
use crate::dump::{Block, Item, Object, What};
use crate::history;
use crate::sql::{self, Value, ValueRef};

/// Something that stands in the way of an import.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
    /// The dump brings a `_migrations` that this program cannot read: it would not know its own records any more.
    #[error("the dump has a table {name} that {reason}")]
    History {
        /// Its name.
        name: String,
        /// What is wrong with it.
        reason: String,
        /// The line of its `CREATE TABLE`.
        line: u64,
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
            Clash::Missing { line, .. } | Clash::Clears { line, .. } => *line,
            Clash::Fires { line, .. } | Clash::History { line, .. } => Some(*line),
            Clash::Exists { .. } | Clash::Makes { .. } => None,
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
    /// The tables that virtual tables keep their content in.
    shadows: Vec<String>,
    triggers: Vec<Trigger>,
    /// Tables and their rows, as far as they were counted.
    counts: Vec<(String, u64)>,
}

/// Asks what there is. The tables behind virtual ones are told apart:
/// <https://sqlite.org/pragma.html#pragma_table_list>.
pub(super) const OBJECTS: &str = "\
SELECT s.type, s.name, l.type = 'shadow', s.tbl_name, CASE s.type WHEN 'trigger' THEN s.sql END
FROM sqlite_schema s LEFT JOIN pragma_table_list l ON l.schema = 'main' AND l.name = s.name
WHERE s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' OR s.name = 'sqlite_sequence'";

impl There {
    pub(super) fn of(rows: &[[Value; 5]]) -> There {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        There {
            objects: rows
                .iter()
                .filter_map(|[kind, name, ..]| Some((text(kind)?, text(name)?)))
                .collect(),
            shadows: rows
                .iter()
                .filter(|[_, _, is_shadow, ..]| is_shadow.as_i64() == Some(1))
                .filter_map(|[_, name, ..]| text(name))
                .collect(),
            triggers: rows
                .iter()
                .filter_map(|[_, name, _, table, sql]| {
                    Some(Trigger {
                        name: text(name)?,
                        table: text(table)?,
                        event: Event::of(&text(sql)?),
                    })
                })
                .collect(),
            counts: Vec::new(),
        }
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

    fn is_shadow(&self, table: &str) -> bool {
        let mut shadows = self.shadows.iter();
        shadows.any(|name| name.eq_ignore_ascii_case(table))
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
        }
    }

    fn find(&self, name: &str) -> Option<&(String, String)> {
        let mut objects = self.objects.iter();
        objects.find(|(_, other)| other.eq_ignore_ascii_case(name))
    }

    /// Questions that count the rows of those tables of the dump that are there and were not counted yet.
    pub(super) fn counting(&self, wanted: &Wanted) -> Vec<(String, Query)> {
        let makes = wanted.makes.iter().map(|(_, name)| name);
        let writes = wanted.fills.iter().chain(&wanted.clears);
        let names = makes.chain(writes.map(|write| &write.table));
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

    /// What the tables of the dump were before.
    pub(super) fn note(&self, tally: &mut Tally) {
        for table in &mut tally.tables {
            // What was known when the import began stays so.
            if table.before != Before::Absent {
                continue;
            }
            table.before = match (self.find(&table.name), self.rows_of(&table.name)) {
                (None, _) => Before::Absent,
                (Some(_), Some(0)) => Before::Empty,
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
    /// The names of both, in lower case: there may be thousands.
    made: HashSet<String>,
    filled: HashSet<String>,
    clears: Vec<Write>,
    triggers: Vec<Trigger>,
    /// The name of a trigger that would run, its table, and the line that sets it off.
    fires: Vec<(String, String, u64)>,
    /// The history that it makes.
    history: Records,
    /// Whether it makes the table of the settings.
    has_history: bool,
    /// Line and name of a history in another table.
    elsewhere: Option<(u64, String)>,
    /// Whether a new file cannot take it: it writes to a table that it has not made, sets off a trigger, or brings the
    /// records of another tool.
    is_unfit: bool,
}

/// What is known of the history of a dump, by its line and the name of its table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
enum Records {
    /// It makes none, or one that can be read.
    #[default]
    Fine,
    /// It makes one at this line, and the row of its layout has not come.
    Made(u64, String),
    /// It makes one at this line that cannot be read, and why.
    Foreign(u64, String, String),
}

impl Records {
    /// What the row of a history that was made by the dump tells.
    fn row(self, names: &[String], row: &[ValueRef<'_>]) -> Records {
        match (self, history::layout_of(names, row)) {
            (Records::Made(line, name), Some(layout)) if layout > history::LAYOUT => {
                let reason = "was written by a newer version of Seedbed";
                Records::Foreign(line, name, reason.to_owned())
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

/// What a trigger runs for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Insert,
    Delete,
    /// Nothing that a dump does.
    Update,
}

impl Event {
    /// Of a `CREATE TRIGGER`: <https://sqlite.org/lang_createtrigger.html>. The words are reserved, so the first of
    /// them that is not quoted is no name.
    pub(super) fn of(sql: &str) -> Event {
        const EVENTS: [(&str, Event); 3] = [
            ("INSERT", Event::Insert),
            ("DELETE", Event::Delete),
            ("UPDATE", Event::Update),
        ];
        let event = |token: sql::Token| {
            let mut events = EVENTS.iter();
            let found = events.find(|(word, _)| token.is_word(sql, word));
            found.map(|(_, event)| *event)
        };
        sql::significant(sql)
            .find_map(event)
            .unwrap_or(Event::Insert)
    }
}

impl Wanted {
    /// What the part of a dump that is in the database has made and filled.
    pub(super) fn of(tally: &Tally, made: &[Made]) -> Wanted {
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
            made: makes.iter().map(|(_, name)| key(name)).collect(),
            filled: fills.iter().map(|write| key(&write.table)).collect(),
            makes,
            fills,
            triggers: triggers.collect(),
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
                What::Create {
                    object,
                    name,
                    table,
                    sql,
                } if !seen.is_shadow(name) && !is_of_the_engine(name) => {
                    self.makes.push((*object, name.clone()));
                    self.made.insert(key(name));
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
                    self.has_history |= history.is(name);
                    match (history.is(name), history::makes_ours(sql)) {
                        (true, true) => Records::Made(line, name.clone()),
                        (true, false) => {
                            Records::Foreign(line, name.clone(), "is not Seedbed's".to_owned())
                        }
                        (false, true) => {
                            self.elsewhere.get_or_insert_with(|| (line, name.clone()));
                            before
                        }
                        (false, false) => before,
                    }
                }
                (What::Commit, Records::Made(line, name)) => {
                    let reason = "does not say which layout it has";
                    Records::Foreign(line, name, reason.to_owned())
                }
                (_, before) => before,
            },
            (_, before) => before,
        };
        self.is_unfit |= matches!(self.history, Records::Foreign(..));
    }

    fn write(&mut self, table: &str, line: u64) -> Write {
        // The checkpoint of another database is left out.
        let is_made = table.eq_ignore_ascii_case(super::translate::CHECKPOINT)
            || self.made.contains(&key(table));
        self.is_unfit |= !is_made;
        Write {
            table: table.to_owned(),
            is_made,
            line: Some(line),
        }
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
    history: &HistoryTable,
) -> Vec<Clash> {
    let is_ours = |name: &str| name.eq_ignore_ascii_case(super::translate::CHECKPOINT);
    let is_history = |name: &str| history.is(name);
    let mut clashes = Vec::new();
    let foreign = match (&wanted.history, into) {
        (Records::Foreign(line, name, reason), Tables::New) => Some(Clash::History {
            name: name.clone(),
            reason: reason.clone(),
            line: *line,
        }),
        (_, Tables::New) => wanted.lost_history().map(|(line, name)| Clash::History {
            name: name.clone(),
            reason: format!("is a history of Seedbed, and the settings name the table {history}"),
            line: *line,
        }),
        _ => None,
    };
    let is_refused = |name: &str| matches!(&foreign, Some(Clash::History { name: it, .. }) if it.eq_ignore_ascii_case(name));
    for (object, name) in &wanted.makes {
        if is_refused(name) || is_ours(name) || (into == Tables::Existing && is_history(name)) {
            continue;
        }
        if let Some((what, found)) = there.find(name) {
            clashes.push(Clash::Exists {
                what: what.clone(),
                name: found.clone(),
                rows: there.rows_of(found),
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
        let may = *is_made || (into == Tables::Existing && there.is_shadow(table));
        if !may {
            clashes.push(Clash::Clears {
                name: table.clone(),
                rows: there.rows_of(table),
                line: *line,
            });
        }
    }
    let fires = wanted.fires.iter();
    let fires = fires.map(|(trigger, table, line)| Clash::Fires {
        trigger: trigger.clone(),
        table: table.clone(),
        line: *line,
    });
    clashes.extend(fires);
    clashes.extend(foreign);
    clashes
}
