//! Triggers that compiled before a run, and the steps that compile them again behind a script. Renaming a table compiles
//! no column lists and no targets of the statements in a trigger; a statement that fires it does. Pure.

use super::watch::{Event, Guard, SchemaObject, event, text};
use crate::script::{OnFailure, Step, When};
use crate::sql::{Value, identifier, literal, significant, unquote};

/// A trigger, and a statement that fires it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trigger {
    name: String,
    table: String,
    statement: String,
    /// The column that the statement sets.
    column: Option<String>,
    /// Whether it is a trigger of a view, which cannot be written without it.
    is_of_view: bool,
}

impl Trigger {
    /// A trigger of a table with these columns; none where it is no trigger, or the table has no columns.
    pub(super) fn new(object: &SchemaObject, columns: &[Vec<Value>]) -> Option<Trigger> {
        let [sort, name, table, sql] = object;
        if text(sort) != "trigger" {
            return None;
        }
        let (sql, on) = (text(sql), identifier(text(table)));
        let (statement, column) = match event(sql) {
            Event::Delete => (format!("DELETE FROM {on}"), None),
            Event::Insert => (format!("INSERT INTO {on} DEFAULT VALUES"), None),
            Event::Update => {
                let first = || Some(text(columns.first()?.first()?).to_owned());
                let column = updates(sql).or_else(first)?;
                let set = identifier(&column);
                (format!("UPDATE {on} SET {set} = {set}"), Some(column))
            }
        };
        Some(Trigger {
            name: text(name).to_owned(),
            table: text(table).to_owned(),
            statement,
            column,
            is_of_view: is_instead_of(sql),
        })
    }

    /// A trigger that a statement creates on this table, where the statement tells what fires it.
    pub(super) fn created(name: &str, table: &str, sql: &str) -> Option<Trigger> {
        let trigger = Trigger::new(&["trigger", name, table, sql].map(Value::from), &[])?;
        (!trigger.is_of_view).then_some(trigger)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The statement that compiles it.
    pub(super) fn compiling(&self) -> String {
        format!("EXPLAIN {}", self.statement)
    }

    /// Fails, for later conditions, where it is not there.
    fn is_there(&self) -> Step {
        let [name, table] = [&self.name, &self.table].map(|it| literal(&Value::from(it.as_str())));
        let column = self.column.as_ref().map_or(String::new(), |column| {
            let column = literal(&Value::from(column.as_str()));
            format!(
                " AND EXISTS (SELECT 1 FROM pragma_table_xinfo({table}) WHERE name = {column} COLLATE NOCASE)"
            )
        });
        let is_there = Step::own(
            format!(
                "SELECT CASE WHEN EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'trigger' \
                 AND name = {name} COLLATE NOCASE AND tbl_name = {table} COLLATE NOCASE){column} \
                 THEN 1 ELSE json('gone') END"
            ),
            vec![],
        );
        Step {
            on_failure: OnFailure::Continue,
            ..is_there
        }
    }

    fn compiles(&self, when: When) -> Step {
        let name = literal(&Value::from(self.name.as_str()));
        let explain = format!(
            "SELECT name, type, sql FROM sqlite_schema WHERE type = 'trigger' AND name = {name} COLLATE NOCASE"
        );
        Step {
            when: Some(Box::new(when)),
            explain: Some(explain.into()),
            ..Step::own(self.compiling(), vec![])
        }
    }

    /// Steps that fail where it is there still, and does not compile.
    pub(super) fn guards(&self) -> Vec<Guard> {
        let either = vec![When::Succeeded(1), When::Failed(2)];
        vec![
            Guard::Record(self.is_there()),
            Guard::Refuse(self.compiles(When::Succeeded(1))),
            Guard::Record(when(When::Any(either), Step::own("SELECT 1", vec![]))),
        ]
    }

    /// The same of a trigger that the run creates: where the statement that fires it compiles without all that the run
    /// creates, and does not with them.
    pub(super) fn guards_of_created(&self, all: &[Trigger]) -> Vec<Guard> {
        let own = |sql: &str| Step::own(sql, vec![]);
        let mut guards = vec![
            Guard::Record(self.is_there()),
            Guard::Record(when(When::Succeeded(1), own("SAVEPOINT _seedbed_fire"))),
        ];
        let drops = all.iter().map(|it| {
            let drop = format!("DROP TRIGGER IF EXISTS {}", identifier(&it.name));
            Guard::Record(own(&drop))
        });
        guards.extend(drops);
        let without = Step {
            on_failure: OnFailure::Continue,
            ..own(&self.compiling())
        };
        let ran = When::Any(vec![When::Succeeded(1), When::Failed(1)]);
        let compiles = When::All(vec![When::Succeeded(1), When::Succeeded(3)]);
        let behind = When::Any(vec![
            When::Succeeded(1),
            When::All(vec![When::Succeeded(2), When::Failed(4)]),
            When::Failed(all.len() + 6),
        ]);
        guards.extend([
            Guard::Record(without),
            Guard::Record(when(ran, own("ROLLBACK TO _seedbed_fire"))),
            Guard::Record(own("RELEASE _seedbed_fire")),
            Guard::Refuse(self.compiles(compiles)),
            Guard::Record(when(behind, own("SELECT 1"))),
        ]);
        guards
    }
}

fn when(when: When, step: Step) -> Step {
    Step {
        when: Some(Box::new(when)),
        ..step
    }
}

/// Whether it is a trigger of a view.
fn is_instead_of(sql: &str) -> bool {
    let mut head = significant(sql).take_while(|token| !token.is_word(sql, "ON"));
    head.any(|token| token.is_word(sql, "INSTEAD"))
}

/// The first column behind `UPDATE OF`.
fn updates(sql: &str) -> Option<String> {
    let mut tokens = significant(sql).take_while(|token| !token.is_word(sql, "ON"));
    let mut before_is_update = false;
    let of = tokens.find(|token| {
        let is_of = before_is_update && token.is_word(sql, "OF");
        before_is_update = token.is_word(sql, "UPDATE");
        is_of
    });
    of.and_then(|_| tokens.next())
        .map(|token| unquote(token.text(sql)))
}

/// The tables that the statements of a trigger name.
pub(super) fn tables(sql: &str) -> Vec<String> {
    let mut tables = Vec::new();
    let mut names = false;
    for token in significant(sql) {
        if names {
            tables.push(unquote(token.text(sql)));
        }
        let words = ["INTO", "UPDATE", "FROM", "JOIN", "ON"];
        names = words.iter().any(|word| token.is_word(sql, word));
    }
    tables
}
