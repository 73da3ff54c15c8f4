//! What a dump would bring, and what is there already. Pure.

use super::tally::{Before, Tally};
use super::translate::{Tables, Translator, is_of_the_engine};
use crate::db::{Query, Rows};
use crate::dump::{Item, Object, What};
use crate::history;
use crate::sql::{Value, identifier};

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
    /// The rows are for a table that is neither there nor made by the dump.
    #[error("there is no table {name}, and the dump does not make it")]
    Missing {
        /// The table.
        name: String,
    },
    /// The dump empties a table that is there already. A dump empties only what it has just made.
    #[error("the dump deletes the rows of {name}, which is not its own{}", holding(*.rows))]
    Clears {
        /// The table.
        name: String,
        /// How many rows it holds.
        rows: Option<u64>,
    },
    /// A trigger of the dump comes before rows of its table, and would run for each of them whatever it says.
    #[error("the dump makes the trigger {trigger} of {table} before it writes rows to {table}")]
    Fires {
        /// The trigger.
        trigger: String,
        /// Its table.
        table: String,
    },
    /// The dump makes its tables, and was to go into existing ones.
    #[error("the dump makes the table {name}, and was to go into existing ones")]
    Makes {
        /// The table.
        name: String,
    },
}

fn holding(rows: Option<u64>) -> String {
    match rows {
        None => String::new(),
        Some(0) => ", without rows".to_owned(),
        Some(1) => " and has 1 row".to_owned(),
        Some(rows) => format!(" and has {rows} rows"),
    }
}

/// What is in a database.
#[derive(Debug, Clone, Default)]
pub(super) struct There {
    /// Type and name.
    objects: Vec<(String, String)>,
    /// The tables that virtual tables keep their content in.
    shadows: Vec<String>,
    /// Tables and their rows, as far as they were counted.
    counts: Vec<(String, u64)>,
}

/// Asks what there is. The tables behind virtual ones are told apart:
/// <https://sqlite.org/pragma.html#pragma_table_list>.
pub(super) const OBJECTS: &str = "\
SELECT s.type, s.name, l.type = 'shadow'
FROM sqlite_schema s LEFT JOIN pragma_table_list l ON l.schema = 'main' AND l.name = s.name
WHERE s.name NOT LIKE 'sqlite\\_%' ESCAPE '\\'";

impl There {
    pub(super) fn of(rows: &Rows) -> There {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        There {
            objects: rows
                .iter()
                .filter_map(|row| Some((text(row.first())?, text(row.get(1))?)))
                .collect(),
            shadows: rows
                .iter()
                .filter(|row| row.get(2).and_then(Value::as_i64) == Some(1))
                .filter_map(|row| text(row.get(1)))
                .collect(),
            counts: Vec::new(),
        }
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

    fn find(&self, name: &str) -> Option<&(String, String)> {
        let mut objects = self.objects.iter();
        objects.find(|(_, other)| other.eq_ignore_ascii_case(name))
    }

    /// Questions that count the rows of those tables of the dump that are there.
    pub(super) fn counting(&self, wanted: &Wanted) -> (Vec<String>, Vec<Query>) {
        let names = wanted
            .makes
            .iter()
            .map(|(_, name)| name)
            .chain(&wanted.fills)
            .chain(&wanted.clears);
        let mut tables: Vec<String> = Vec::new();
        for name in names {
            if let Some((kind, name)) = self.find(name)
                && kind == "table"
                && !tables.contains(name)
            {
                tables.push(name.clone());
            }
        }
        let count =
            |name: &String| Query::new(format!("SELECT count(*) FROM {}", identifier(name)));
        let queries = tables.iter().map(count).collect();
        (tables, queries)
    }

    /// The answers to those.
    pub(super) fn counted(&mut self, tables: Vec<String>, counts: &[Option<i64>]) {
        let counts = counts
            .iter()
            .map(|count| count.and_then(|count| u64::try_from(count).ok()));
        self.counts = tables
            .into_iter()
            .zip(counts)
            .filter_map(|(table, count)| Some((table, count?)))
            .collect();
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

/// What a dump, or the part of it that was read, makes and fills.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    makes: Vec<(Object, String)>,
    fills: Vec<String>,
    clears: Vec<String>,
    /// Triggers and their tables.
    triggers: Vec<(String, String)>,
    /// Those of them that rows would set off.
    fires: Vec<(String, String)>,
}

impl Wanted {
    /// What was made and filled before.
    pub(super) fn of(tally: &Tally) -> Wanted {
        let made = |table: &&super::tally::Table| table.before == Before::Absent;
        let makes = tally.tables.iter().filter(made);
        Wanted {
            makes: makes
                .map(|table| (Object::Table, table.name.clone()))
                .collect(),
            fills: tally
                .tables
                .iter()
                .map(|table| table.name.clone())
                .collect(),
            clears: Vec::new(),
            triggers: Vec::new(),
            fires: Vec::new(),
        }
    }

    /// Takes in one item. `seen` has not translated it yet.
    pub(super) fn item(&mut self, item: &Item, seen: &Translator) {
        match item {
            Item::Rows(rows) => {
                let table = &rows.target.table;
                self.set_off(table);
                let known = |name: &String| name.eq_ignore_ascii_case(table);
                if self.fills.last().is_some_and(known) || self.fills.iter().any(known) {
                    return;
                }
                if !is_of_the_engine(table) && !seen.is_shadow(table) {
                    self.fills.push(table.clone());
                }
            }
            Item::Statement(statement) => match &statement.what {
                What::Create {
                    object,
                    name,
                    table,
                    ..
                } if !seen.is_shadow(name) && !is_of_the_engine(name) => {
                    self.makes.push((*object, name.clone()));
                    if *object == Object::Trigger {
                        self.triggers.push((name.clone(), table.clone()));
                    }
                }
                What::Clear { table } if !seen.is_shadow(table) && !is_of_the_engine(table) => {
                    self.clears.push(table.clone());
                }
                _ => {}
            },
        }
    }
}

impl Wanted {
    /// Rows for this table follow.
    fn set_off(&mut self, table: &str) {
        let is_of = |(_, of): &(String, String)| of.eq_ignore_ascii_case(table);
        if self.triggers.is_empty() || self.fires.iter().any(is_of) {
            return;
        }
        let fired = self.triggers.iter().find(|trigger| is_of(trigger)).cloned();
        self.fires.extend(fired);
    }
}

/// Everything that is in the way, in the order of the dump.
pub(super) fn clashes(wanted: &Wanted, there: &There, into: Tables) -> Vec<Clash> {
    let is_ours = |name: &str| name.eq_ignore_ascii_case(super::translate::CHECKPOINT);
    let is_history = |name: &str| name.eq_ignore_ascii_case(history::TABLE);
    let mut clashes = Vec::new();
    for (object, name) in &wanted.makes {
        if is_ours(name) || (into == Tables::Existing && is_history(name)) {
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
    for name in &wanted.fills {
        let made = wanted
            .makes
            .iter()
            .any(|(_, made)| made.eq_ignore_ascii_case(name));
        if is_ours(name) || made || (into == Tables::Existing && is_history(name)) {
            continue;
        }
        match (there.find(name), into) {
            (None, _) => clashes.push(Clash::Missing { name: name.clone() }),
            (Some((what, found)), Tables::New) => clashes.push(Clash::Exists {
                what: what.clone(),
                name: found.clone(),
                rows: there.rows_of(found),
            }),
            (Some(_), Tables::Existing) => {}
        }
    }
    for name in &wanted.clears {
        let made = wanted
            .makes
            .iter()
            .any(|(_, made)| made.eq_ignore_ascii_case(name));
        let may = made || (into == Tables::Existing && there.is_shadow(name));
        if !is_ours(name) && !may {
            clashes.push(Clash::Clears {
                name: name.clone(),
                rows: there.rows_of(name),
            });
        }
    }
    let fires = wanted.fires.iter().map(|(trigger, table)| Clash::Fires {
        trigger: trigger.clone(),
        table: table.clone(),
    });
    clashes.extend(fires);
    clashes
}
