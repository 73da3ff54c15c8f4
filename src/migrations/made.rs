//! Which objects of the schema a text makes, and whether other texts may take them away. Pure, and by the first tokens
//! of statements alone: a text that makes a name by other means makes nothing here.

use std::collections::HashSet;

use super::set::{Migration, Migrations};
use crate::db::{MadeAgain, stale};
use crate::history::History;
use crate::script::Made;
use crate::sql::{Kind, Object, What, kind, renamed_table, significant, split};

/// The objects that are there once this text has run: what it creates and does not drop again. TEMP objects and those
/// of attached databases are none of the schema.
pub(super) fn made(text: &str) -> Vec<Made> {
    // A text that cannot be split does not run.
    let statements = split(text).unwrap_or_default();
    made_by(statements.iter().map(|statement| statement.text(text)))
}

/// Whether a repeatable migration of the set makes the view or trigger again for which the engine refuses an `ALTER TABLE`.
pub(super) fn made_again(set: &Migrations, words: &str) -> MadeAgain {
    let Some((sort, name)) = stale(words) else {
        return MadeAgain::Unknown;
    };
    let makes = |it: &&Migration| {
        let made = made(&it.up.source.text);
        made.iter()
            .any(|made| made.what.word() == sort && same(&made.name, name))
    };
    match set.repeatable.iter().find(makes) {
        Some(migration) => MadeAgain::By(migration.key.to_string()),
        None => MadeAgain::No,
    }
}

/// The same of statements.
pub(super) fn made_by<'a>(statements: impl Iterator<Item = &'a str>) -> Vec<Made> {
    let mut making = Making::default();
    for statement in statements {
        making.statement(statement);
    }
    let objects = making.objects.into_iter();
    objects
        .filter(|object| object.of_the_schema)
        .map(|object| object.made)
        .collect()
}

/// An object that a text has made so far.
#[derive(Debug, Clone)]
struct InText {
    made: Made,
    of_the_schema: bool,
}

#[derive(Debug, Default)]
struct Making {
    objects: Vec<InText>,
    /// What there was when each open savepoint began.
    savepoints: Vec<(String, Vec<InText>)>,
}

impl Making {
    fn statement(&mut self, sql: &str) {
        match kind(sql) {
            Kind::Create(object) => self.create(*object),
            Kind::Drop(object) => self.drop(&object),
            Kind::Alter => self.rename(sql),
            Kind::Savepoint(name) => self.savepoints.push((name, self.objects.clone())),
            Kind::Release(name) => {
                if let Some(at) = self.savepoint(&name) {
                    self.savepoints.truncate(at);
                }
            }
            Kind::RollbackTo(name) => {
                if let Some(at) = self.savepoint(&name) {
                    self.objects = self.savepoints[at].1.clone();
                    self.savepoints.truncate(at + 1);
                }
            }
            _ => {}
        }
    }

    fn create(&mut self, object: Object) {
        let schema = object.schema.as_deref();
        let of_the_schema = !object.temporary && schema.is_none_or(is_main);
        if object.what == What::Other || object.name.is_empty() {
            return;
        }
        let made = Made {
            what: object.what,
            name: object.name,
            table: object.table,
            if_not_exists: object.if_exists,
        };
        let again = |it: &InText| {
            it.of_the_schema == of_the_schema
                && same(&it.made.name, &made.name)
                && is_trigger(it.made.what) == is_trigger(made.what)
        };
        if !self.objects.iter().any(again) {
            self.objects.push(InText {
                made,
                of_the_schema,
            });
        }
    }

    fn drop(&mut self, dropped: &Object) {
        let is_it = |it: &InText| {
            same(&it.made.name, &dropped.name)
                && is_trigger(it.made.what) == is_trigger(dropped.what)
        };
        // Without a schema a name means the TEMP object first: <https://sqlite.org/lang_naming.html>.
        let among = |of_the_schema| {
            let mut objects = self.objects.iter();
            objects.position(|it| it.of_the_schema == of_the_schema && is_it(it))
        };
        let found = match dropped.schema.as_deref() {
            None => among(false).or_else(|| among(true)),
            Some(schema) => among(is_main(schema)),
        };
        let of_the_schema = match found {
            Some(at) => self.objects.remove(at).of_the_schema,
            None => dropped.schema.as_deref().is_none_or(is_main),
        };
        if !matches!(dropped.what, What::Index | What::Trigger) {
            self.objects.retain(|it| {
                let on_it = it.made.table.as_deref();
                it.of_the_schema != of_the_schema
                    || !on_it.is_some_and(|it| same(it, &dropped.name))
            });
        }
    }

    fn rename(&mut self, sql: &str) {
        let Some((from, to)) = renamed_table(sql) else {
            return;
        };
        for InText { made, .. } in &mut self.objects {
            let names = (!is_trigger(made.what)).then_some(&mut made.name);
            for name in names.into_iter().chain(&mut made.table) {
                if same(name, &from) {
                    name.clone_from(&to);
                }
            }
        }
    }

    fn savepoint(&self, name: &str) -> Option<usize> {
        let mut open = self.savepoints.iter();
        open.rposition(|(other, _)| same(other, name))
    }
}

fn is_main(schema: &str) -> bool {
    same(schema, "main")
}

/// Triggers have names of their own; all other objects share theirs.
fn is_trigger(what: What) -> bool {
    what == What::Trigger
}

fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// `its view v is gone`, `its view v and its trigger g are gone`.
pub(super) fn are_gone(objects: &[&Made]) -> String {
    let names: Vec<String> = objects.iter().map(|made| format!("its {made}")).collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    format!("{} {verb} gone", names.join(" and "))
}

/// What a statement does to objects that others made. Names are in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// The object of this name goes, and what is on it.
    Drop(String),
    /// A table gets another name.
    Rename(String, String),
    /// The schema is written to: anything may go.
    Any,
}

/// Those of a text that runs, in order.
pub(super) fn changes<'a>(
    statements: impl IntoIterator<Item = &'a str>,
) -> impl Iterator<Item = Change> {
    // Most statements are told apart by their first word, without the names in them.
    let may_change = |sql: &&str| {
        let first = significant(sql).next();
        first.is_some_and(|it| {
            ["DROP", "ALTER", "PRAGMA"]
                .iter()
                .any(|word| it.is_word(sql, word))
        })
    };
    let statements = statements.into_iter().filter(may_change);
    statements.filter_map(|sql| match kind(sql) {
        Kind::Drop(object) => Some(Change::Drop(object.name.to_ascii_lowercase())),
        Kind::Alter => {
            let (from, to) = renamed_table(sql)?;
            Some(Change::Rename(
                from.to_ascii_lowercase(),
                to.to_ascii_lowercase(),
            ))
        }
        Kind::Pragma(pragma) if pragma.name == "writable_schema" => Some(Change::Any),
        _ => None,
    })
}

/// Whether these changes may take the object away.
pub(super) fn may_lose(object: &Made, changes: &[Change], history: &History) -> bool {
    let name = object.name.to_ascii_lowercase();
    let recorded = history.table_of(object).map(str::to_owned);
    let table = object.table.as_deref().map(str::to_ascii_lowercase);
    // The names that its table has and had.
    let mut tables: HashSet<String> = recorded.into_iter().chain(table).collect();
    changes.iter().any(|change| match change {
        Change::Drop(dropped) => *dropped == name || tables.contains(dropped),
        Change::Rename(from, to) => {
            if tables.contains(from) {
                tables.insert(to.clone());
            }
            *from == name
        }
        Change::Any => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn names(text: &str) -> String {
        let made = made(text);
        let names: Vec<String> = made.iter().map(Made::to_string).collect();
        names.join(", ")
    }

    #[test]
    fn what_is_created_and_not_dropped_again_is_made() {
        let check = |text: &str, expect: Expect| expect.assert_eq(&names(text));
        check(
            "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT 1; CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN SELECT 1; \
             END; DROP INDEX IF EXISTS i; CREATE UNIQUE INDEX i ON t(x); CREATE VIRTUAL TABLE f USING fts5(x)",
            expect!["view v, trigger g, index i, virtual table f"],
        );
        check(
            "CREATE TABLE a(x); CREATE INDEX i ON a(x); CREATE VIEW w AS SELECT 1; DROP TABLE \"A\"",
            expect!["view w"],
        );
        check(
            "CREATE TABLE a_new(x); CREATE INDEX i ON a_new(x); DROP TABLE IF EXISTS a; ALTER TABLE a_new RENAME TO a",
            expect!["table a, index i"],
        );
        check(
            "CREATE TEMP VIEW v AS SELECT 1; CREATE VIEW other.w AS SELECT 1; CREATE VIEW main.[x y] AS SELECT 1",
            expect!["view x y"],
        );
        check(
            "CREATE TEMP TABLE t(x); CREATE TABLE t(x); DROP TABLE t",
            expect!["table t"],
        );
        check(
            "SAVEPOINT a; CREATE VIEW v AS SELECT 1; ROLLBACK TO a; CREATE VIEW w AS SELECT 1; RELEASE a",
            expect!["view w"],
        );
        check(
            "CREATE TRIGGER t AFTER INSERT ON t BEGIN SELECT 1; END; DROP TABLE IF EXISTS other; DROP TRIGGER T",
            expect![""],
        );
        check(
            "EXPLAIN CREATE VIEW v AS SELECT 1; SELECT 'CREATE VIEW w'",
            expect![""],
        );
    }

    #[test]
    fn an_object_may_be_lost_with_its_name_and_with_its_table() {
        let loses = |repeatable: &str, run: &str| {
            let statements: Vec<String> = split(run)
                .unwrap()
                .iter()
                .map(|it| it.text(run).to_owned())
                .collect();
            let changes: Vec<Change> = changes(statements.iter().map(String::as_str)).collect();
            may_lose(&made(repeatable)[0], &changes, &History::default())
        };
        let index = "CREATE INDEX i ON t(x)";
        assert!(loses(index, "DROP TABLE T"));
        assert!(loses(index, "DROP INDEX main.I"));
        assert!(loses(index, "ALTER TABLE t RENAME TO u; DROP TABLE u"));
        assert!(loses(index, "PRAGMA writable_schema = ON"));
        assert!(!loses(index, "DROP TABLE u; ALTER TABLE t ADD COLUMN y"));
        assert!(!loses(index, "CREATE TABLE u(x); DELETE FROM t"));
        assert!(loses("CREATE TABLE c(x)", "ALTER TABLE c RENAME TO d"));
        assert!(!loses("CREATE VIEW v AS SELECT x FROM t", "DROP TABLE t"));
    }
}
