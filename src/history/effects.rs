//! What the text of a unit can do to the schema: which guards it needs. Pure, and by the first tokens of its statements
//! alone; it never decides whether something is right.

use crate::script::{Key, Unit};
use crate::sql::{Kind, Token, Value, What, kind, significant, unquote};

/// What the text of a unit can do to the schema, read from the first tokens of its statements.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Effects {
    /// The tables that it creates, by their names at its end. In lower case, as all names here.
    pub(super) made: Vec<String>,
    /// The tables that it renames: name before, name at its end.
    renamed: Vec<(String, String)>,
    /// The tables of which it changes a column with libSQL's `ALTER COLUMN`, which does not look at the rows.
    pub(super) retyped: Vec<String>,
    /// The views and triggers that it creates, and those that it drops.
    pub(super) created: Vec<String>,
    pub(super) dropped: Vec<String>,
    /// Whether a view or a trigger may fail to compile afterwards.
    pub(super) may_break: bool,
    /// Whether a foreign key may lose its parent table.
    pub(super) may_lose_parents: bool,
    /// Whether it sets `PRAGMA writable_schema`.
    pub(super) writes_schema: bool,
    /// Whether it sets `PRAGMA legacy_alter_table`.
    pub(super) is_legacy: bool,
}

impl Effects {
    /// Seeds and imports change no schema that the guards are about: a dump is restored as it was.
    pub(super) fn of(unit: &Unit) -> Effects {
        let mut effects = Effects::default();
        if let Key::Migration(_) | Key::Repeatable(_) = unit.record.key() {
            for step in unit.steps.iter() {
                effects.statement(&step.sql);
            }
        }
        effects
    }

    fn statement(&mut self, sql: &str) {
        match kind(sql) {
            Kind::Create(object) => match object.what {
                What::Table | What::VirtualTable => {
                    let name = object.name.to_ascii_lowercase();
                    // It may be there already, with its rows.
                    if !object.if_exists {
                        self.made.push(name);
                    }
                }
                What::View | What::Trigger => {
                    self.may_break = true;
                    self.created.push(object.name.to_ascii_lowercase());
                }
                What::Index | What::Other => {}
            },
            Kind::Drop(object) => {
                self.may_break |= object.what != What::Trigger;
                let name = object.name.to_ascii_lowercase();
                if object.what == What::Table {
                    self.may_lose_parents = true;
                    self.made.retain(|made| *made != name);
                    self.renamed.retain(|(_, to)| *to != name);
                } else {
                    self.dropped.push(name);
                }
            }
            Kind::Alter => self.alter(sql),
            Kind::Pragma(pragma) if pragma.value.is_some() => match pragma.name.as_str() {
                "writable_schema" => {
                    self.writes_schema = true;
                    self.may_break = true;
                    self.may_lose_parents = true;
                }
                "legacy_alter_table" => self.is_legacy = true,
                _ => {}
            },
            _ => {}
        }
    }

    /// `ALTER TABLE [schema.]name …`.
    fn alter(&mut self, sql: &str) {
        self.may_break = true;
        let mut tokens = significant(sql).skip(2).peekable();
        let name = |token: Token| unquote(token.text(sql)).to_ascii_lowercase();
        let Some(mut table) = tokens.next().map(name) else {
            return;
        };
        if tokens.next_if(|token| token.text(sql) == ".").is_some() {
            table = tokens.next().map(name).unwrap_or_default();
        }
        let Some(verb) = tokens.next() else { return };
        if verb.is_word(sql, "ALTER") {
            self.retyped.push(table);
        } else if verb.is_word(sql, "RENAME") {
            self.may_lose_parents = true;
            let is_table = tokens.next_if(|token| token.is_word(sql, "TO")).is_some();
            if let (true, Some(to)) = (is_table, tokens.next().map(name)) {
                self.rename(table, to);
            }
        }
    }

    fn rename(&mut self, from: String, to: String) {
        if let Some(made) = self.made.iter_mut().find(|made| **made == from) {
            *made = to;
        } else if let Some((_, now)) = self.renamed.iter_mut().find(|(_, now)| *now == from) {
            *now = to;
        } else {
            self.renamed.push((from, to));
        }
    }

    /// The renamed tables, as a JSON object.
    pub(super) fn renamed(&self) -> Value {
        let pairs = self.renamed.iter();
        let pairs: serde_json::Map<String, serde_json::Value> = pairs
            .map(|(from, to)| (from.clone(), to.as_str().into()))
            .collect();
        Value::Text(serde_json::Value::Object(pairs).to_string())
    }
}

/// Whether a statement of a unit may write to the rows of a table: all that have its name, but `DROP`.
pub(super) fn writes_to(unit: &Unit, table: &str) -> bool {
    let names = |sql: &str| {
        significant(sql).any(|token| unquote(token.text(sql)).eq_ignore_ascii_case(table))
    };
    let mut steps = unit.steps.iter();
    steps.any(|step| !matches!(kind(&step.sql), Kind::Drop(_)) && names(&step.sql))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effects(statements: &[&str]) -> Effects {
        let mut effects = Effects::default();
        for sql in statements {
            effects.statement(sql);
        }
        effects
    }

    #[test]
    fn names_are_followed_through_a_rebuild() {
        let right = effects(&[
            "CREATE TABLE c_new (x)",
            "DROP TABLE c",
            "ALTER TABLE main.c_new RENAME TO \"C\"",
        ]);
        assert_eq!((right.made, right.renamed), (vec!["c".to_owned()], vec![]));
        let wrong = effects(&[
            "ALTER TABLE c RENAME TO old",
            "CREATE TABLE c (x)",
            "DROP TABLE old",
        ]);
        assert_eq!((wrong.made, wrong.renamed), (vec!["c".to_owned()], vec![]));
        let twice = effects(&[
            "ALTER TABLE a RENAME TO b",
            "ALTER TABLE b RENAME TO [c]",
            "ALTER TABLE c RENAME COLUMN x TO y",
        ]);
        let renamed = vec![("a".to_owned(), "c".to_owned())];
        assert_eq!((twice.made, twice.renamed), (vec![], renamed));
    }

    #[test]
    fn what_cannot_break_anything_needs_no_guard() {
        let harmless = effects(&[
            "CREATE TABLE a (x REFERENCES b)",
            "CREATE INDEX i ON a (x)",
            "INSERT INTO a SELECT 'DROP TABLE a; ALTER TABLE a RENAME TO b'",
            "DROP TRIGGER r",
            "PRAGMA writable_schema",
        ]);
        assert!(!harmless.may_break && !harmless.may_lose_parents);
        assert!(!harmless.writes_schema && harmless.retyped.is_empty());
    }
}
