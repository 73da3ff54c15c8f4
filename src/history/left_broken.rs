//! What a script of a run leaves broken although it is committed, because a later script of the same run may repair it.
//! Pure, but for the last look at whether it is broken still.

use super::error::{Failed, Part};
use super::refusal::suspects;
use super::trigger::{suspected, tables};
use super::view::read_view;
use crate::db::{Db, Failure, Query};
use crate::script::{Key, Record, Script, Unit};
use crate::sql::{Kind, Value, has_name, identifier, kind};

/// A view or trigger that does not compile, or a table with a foreign key whose parent table does not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeftBroken {
    /// `view`, `trigger` or `table`.
    sort: &'static str,
    name: String,
    /// What is missing: a table, or a column. Of an object that a statement compiled, the tables that it names.
    missing: Vec<String>,
    /// What is wrong, as in `no such table: main.t`.
    words: String,
    /// The number of the script, from the first of the run.
    pub(super) script: usize,
    /// The units of that script that may be the cause.
    since: Vec<Key>,
}

impl LeftBroken {
    /// What a guard found that refused a script; nothing where it was no guard over the schema as a whole.
    pub(super) fn of(failed: &Failed, script: &Script, number: usize) -> Vec<LeftBroken> {
        let Failure::Step {
            error, explanation, ..
        } = &failed.failure
        else {
            return Vec::new();
        };
        let suspects = suspects(&failed.part, &failed.failure, script).into_iter();
        let since: Vec<Key> = suspects
            .map(|unit| script.units[unit].record.key().clone())
            .collect();
        let left = |sort, name: &str, missing: Vec<String>, words: String| LeftBroken {
            sort,
            name: name.to_owned(),
            missing,
            words,
            script: number,
            since: since.clone(),
        };
        match failed.part {
            Part::Compiles => {
                let objects = objects(explanation, &error.message);
                let left = objects.map(|it| left(it.sort, it.name, it.missing(), it.words.into()));
                left.collect()
            }
            Part::References => {
                let rows = explanation.iter().filter_map(|row| match &row[..] {
                    [
                        Value::Text(_),
                        Value::Text(child),
                        Value::Text(columns),
                        _,
                        Value::Text(parent),
                        ..,
                    ] => {
                        let words = format!("({columns}) refers to {parent}, which does not exist");
                        Some(left("table", child, vec![parent.clone()], words))
                    }
                    _ => None,
                });
                rows.collect()
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn is_of(&self, other: &LeftBroken) -> bool {
        self.sort == other.sort && self.name.eq_ignore_ascii_case(&other.name)
    }

    /// Whether a script creates, alters or drops an object and names this one, or what this one misses. What a
    /// conditional unit creates was dropped before, so it repairs only what misses it.
    pub(super) fn may_be_repaired_by(&self, later: &[Script]) -> bool {
        let mut units = later.iter().flat_map(|script| &script.units);
        units.any(|unit| match &unit.record {
            Record::Restore(_) => changes(unit, &self.missing),
            _ => changes(unit, &self.missing) || changes(unit, std::slice::from_ref(&self.name)),
        })
    }

    /// The statement that drops it, where it is a view or a trigger.
    pub(super) fn drop(&self) -> Option<String> {
        let name = identifier(&self.name);
        let sort = self.sort;
        (sort != "table").then(|| format!("DROP {sort} IF EXISTS {name}"))
    }

    /// The table, where it is one.
    pub(super) fn table(&self) -> Option<&str> {
        (self.sort == "table").then_some(self.name.as_str())
    }

    /// The view, where it is one.
    pub(super) fn view(&self) -> Option<&str> {
        (self.sort == "view").then_some(self.name.as_str())
    }

    /// The trigger, where it is one.
    pub(super) fn trigger(&self) -> Option<&str> {
        (self.sort == "trigger").then_some(self.name.as_str())
    }

    /// Whether it is what a guard found later.
    pub(crate) fn is_what_failed(&self, failed: &Failed) -> bool {
        match (&failed.part, &failed.failure) {
            (
                Part::Compiles,
                Failure::Step {
                    error, explanation, ..
                },
            ) => objects(explanation, &error.message)
                .any(|it| self.sort == it.sort && self.name.eq_ignore_ascii_case(it.name)),
            (Part::References, Failure::Step { explanation, .. }) => {
                let is_child = |row: &Vec<Value>| match row.get(1) {
                    Some(Value::Text(child)) => child.eq_ignore_ascii_case(&self.name),
                    _ => false,
                };
                self.sort == "table" && explanation.iter().any(is_child)
            }
            _ => false,
        }
    }

    /// `view v does not compile since V2, which is committed: no such table: main.t`.
    pub(crate) fn in_words(&self) -> String {
        let LeftBroken {
            sort, name, words, ..
        } = self;
        let since: Vec<String> = self.since.iter().map(Key::to_string).collect();
        let since = match since.as_slice() {
            [] => "an earlier file of this run".to_owned(),
            keys => keys.join(" or "),
        };
        match *sort {
            "table" => format!("since {since}, which is committed, {name} {words}"),
            _ => {
                format!("{sort} {name} does not compile since {since}, which is committed: {words}")
            }
        }
    }

    /// What a file does that repairs it.
    pub(crate) fn repair(&self) -> String {
        match self.sort {
            "table" => format!(
                "create {}, or drop {} or create it again",
                self.missing.join(", "),
                self.name
            ),
            sort => format!(
                "drop {sort} {} or create it again, or create what it refers to",
                self.name
            ),
        }
    }

    /// Whether the database has it still, as broken as it was left; it is taken for broken where that cannot be read.
    pub(crate) async fn is_still(&self, db: &Db) -> bool {
        if self.sort == "table" {
            let mut query = Query::new(
                "SELECT 1 FROM pragma_foreign_key_list(?1) AS f WHERE NOT EXISTS (SELECT 1 FROM sqlite_schema AS s \
                 WHERE s.type IN ('table', 'view') AND s.name = f.\"table\" COLLATE NOCASE)",
            );
            query.args = vec![self.name.as_str().into()];
            return db.rows::<1>(query).await.is_ok_and(|rows| !rows.is_empty());
        }
        let Ok(broken) = super::run::broken(db).await else {
            return true;
        };
        let is_this = |value: &Value, text: &str| matches!(value, Value::Text(value) if value.eq_ignore_ascii_case(text));
        broken
            .iter()
            .any(|[sort, name, ..]| is_this(sort, self.sort) && is_this(name, &self.name))
    }
}

/// A view or a trigger that does not compile.
struct Uncompiled<'a> {
    sort: &'static str,
    name: &'a str,
    words: &'a str,
    /// Its text, where a statement compiled it. Where a rename did, the words name what is missing.
    sql: Option<&'a str>,
}

impl Uncompiled<'_> {
    /// The tables that its text names, or the last part of the name that stands at the end of the words.
    fn missing(&self) -> Vec<String> {
        if let Some(sql) = self.sql {
            return tables(sql);
        }
        let name = self.words.rsplit(": ").next().unwrap_or_default();
        let name = name.rsplit('.').next().unwrap_or_default();
        vec![name.trim_matches('"').to_owned()]
    }
}

/// The objects that a statement was refused for, by its explanation and the words of the engine.
fn objects<'a>(
    explanation: &'a [Vec<Value>],
    words: &'a str,
) -> impl Iterator<Item = Uncompiled<'a>> {
    let compiled = move |sort| {
        move |(name, sql)| Uncompiled {
            sort,
            name,
            words,
            sql: Some(sql),
        }
    };
    let fired = suspected(explanation, words).into_iter();
    let read = read_view(explanation).into_iter();
    let named = named(words).into_iter();
    fired
        .map(compiled("trigger"))
        .chain(read.map(compiled("view")))
        .chain(named)
}

/// `error in view v: no such table: main.t`.
fn named(message: &str) -> Option<Uncompiled<'_>> {
    let (_, object) = message.split_once("error in ")?;
    let (sort, rest) = [("view", "view "), ("trigger", "trigger ")]
        .into_iter()
        .find_map(|(sort, prefix)| Some((sort, object.strip_prefix(prefix)?)))?;
    let (name, words) = rest.split_once(": ")?;
    let name = name.strip_suffix(" after rename").unwrap_or(name);
    Some(Uncompiled {
        sort,
        name,
        words,
        sql: None,
    })
}

/// Whether a statement of a unit that creates, alters or drops an object has one of these names.
fn changes(unit: &Unit, names: &[String]) -> bool {
    unit.steps.iter().any(|step| {
        matches!(
            kind(&step.sql),
            Kind::Create(_) | Kind::Alter | Kind::Drop(_)
        ) && names.iter().any(|name| has_name(&step.sql, name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_and_what_it_misses_are_read_from_the_words_of_the_engine() {
        let read = |words| named(words).map(|it| (it.sort, it.name, it.missing().concat()));
        assert_eq!(
            read("error in view my v: no such table: main.t"),
            Some(("view", "my v", "t".to_owned()))
        );
        assert_eq!(
            read("SQLite error: error in trigger r after rename: no such column: new.b"),
            Some(("trigger", "r", "b".to_owned()))
        );
        assert_eq!(read("near \"x\": syntax error"), None);
    }
}
