//! Repeatable migrations that make an object which is there already. Two that make the same one: each run of one replaces
//! what the other made, and the record of the other does not show it. And one that creates a view or a trigger only where it
//! is not there: an edited text changes nothing. Pure.

use super::made::made;
use super::problem::file_name;
use super::rehearse::drop_in_words;
use super::set::Migrations;
use crate::diagnostic::Diagnostic;
use crate::history::Known;
use crate::script::{Made, Origin, Step};
use crate::sql::{Kind, Object, What, kind, normal_form};

/// Each object that a repeatable migration makes and an earlier one makes too.
pub(super) fn made_twice(set: &Migrations) -> Vec<Diagnostic> {
    let mut known: Vec<(Made, &str)> = Vec::new();
    let mut problems = Vec::new();
    for migration in &set.repeatable {
        let file = migration.up.source.name.as_str();
        let made = made(&migration.up.source.text);
        for made in &made {
            if let Some((_, first)) = known.iter().find(|(other, _)| is_same(other, made)) {
                problems.push(twice(made, first, file).about(&migration.key));
            }
        }
        known.extend(made.into_iter().map(|made| (made, file)));
    }
    problems
}

/// Several files may need a table, and create it where it is missing.
fn is_same(one: &Made, other: &Made) -> bool {
    let is_needed = |made: &Made| made.what == What::Table && made.if_not_exists;
    one.name.eq_ignore_ascii_case(&other.name)
        && (one.what == What::Trigger) == (other.what == What::Trigger)
        && !(is_needed(one) && is_needed(other))
}

fn twice(made: &Made, first: &str, file: &str) -> Diagnostic {
    let (first, name) = (file_name(first), file_name(file));
    let message = format!(
        "{first} and {name} both make the {made}: a database has that of the file that ran last"
    );
    Diagnostic::problem("made-twice", message)
        .warning()
        .in_file(file)
        .help("make it in one of the two files only, or give it another name")
}

/// The views and triggers that statements create `IF NOT EXISTS`, and do not drop before.
fn created_once(steps: &[Step]) -> Vec<(Object, &Step)> {
    let mut dropped: Vec<String> = Vec::new();
    let mut found = Vec::new();
    for step in steps {
        match kind(&step.sql) {
            Kind::Drop(object) => dropped.push(object.name.to_ascii_lowercase()),
            Kind::Create(object)
                if matches!(object.what, What::View | What::Trigger)
                    && object.if_exists
                    && !object.is_temporary()
                    && !dropped.contains(&object.name.to_ascii_lowercase()) =>
            {
                found.push((*object, step));
            }
            _ => {}
        }
    }
    found
}

/// A warning for each view and trigger of a repeatable migration of which a later text has no effect.
pub(super) fn created_only_once(steps: &[Step]) -> Vec<Diagnostic> {
    let found = created_once(steps).into_iter();
    let found = found.filter_map(|(object, step)| {
        let message = format!(
            "once {} {} is there, this creates nothing, so a later text of this file has no effect on it",
            object.what.word(),
            object.name
        );
        Some(not_created(message, &object, step.origin()?).warning())
    });
    found.collect()
}

/// A problem for each view and trigger that this creates only where it is not there, and that has another text in the
/// database.
pub(super) fn has_another_text(
    steps: &[Step],
    known: &Known,
    stays: impl Fn(&Object) -> bool,
) -> Vec<Diagnostic> {
    let found = created_once(steps).into_iter();
    let found = found.filter(|(object, _)| stays(object));
    let found = found.filter_map(|(object, step)| {
        let there = known.text_of(object.what, &object.name)?;
        let message = format!(
            "{} {} is in the database with another text, so this would create nothing",
            object.what.word(),
            object.name
        );
        let is_as_written = normal_form(there) == normal_form(&step.sql);
        (!is_as_written).then_some(())?;
        Some(not_created(message, &object, step.origin()?))
    });
    found.collect()
}

fn not_created(message: String, object: &Object, origin: Origin) -> Diagnostic {
    let drop = drop_in_words(object.what, &object.name);
    Diagnostic::problem("created-once", message)
        .at(origin)
        .help(format!(
            "write {drop} before it, and leave out IF NOT EXISTS"
        ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(one: &str, other: &str) -> Vec<String> {
        let files = [("R__a.sql", one), ("R__b.sql", other)];
        let files = files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
        let problems = made_twice(&Migrations::from_files(files));
        problems.into_iter().map(|it| it.message).collect()
    }

    #[test]
    fn two_repeatables_that_make_the_same_object_are_named() {
        let view = "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT 1;";
        assert_eq!(
            messages(view, "DROP VIEW IF EXISTS V; CREATE VIEW V AS SELECT 2;"),
            [
                "R__a.sql and R__b.sql both make the view V: a database has that of the file that ran last"
            ]
        );
        let index = "CREATE INDEX IF NOT EXISTS i ON t (x);";
        assert_eq!(messages(index, index).len(), 1);
    }

    #[test]
    fn objects_of_other_names_and_tables_that_both_need_are_fine() {
        let none: [String; 0] = [];
        let table = "CREATE TABLE IF NOT EXISTS log (x);";
        assert_eq!(messages(table, table), none);
        assert_eq!(
            messages(
                "CREATE VIEW v AS SELECT 1;",
                "CREATE TRIGGER v AFTER INSERT ON t BEGIN SELECT 1; END;"
            ),
            none
        );
        assert_eq!(
            messages(
                "CREATE VIEW v AS SELECT 1;",
                "CREATE VIEW v AS SELECT 1; DROP VIEW v;"
            ),
            none
        );
        assert_eq!(
            messages(
                "CREATE TEMP VIEW v AS SELECT 1;",
                "CREATE VIEW v AS SELECT 1;"
            ),
            none
        );
    }

    #[test]
    fn a_view_that_only_the_first_run_creates_is_named_unless_it_is_dropped_before() {
        let found = |text: &str| {
            let set = Migrations::from_files([("R__a.sql".to_owned(), text.as_bytes().to_vec())]);
            let source = &set.repeatable[0].up.source;
            let reading = super::super::reading::read(
                source,
                crate::db::Engine::Local,
                &crate::db::HistoryTable::default(),
            );
            created_only_once(&reading.steps).len()
        };
        assert_eq!(found("CREATE VIEW IF NOT EXISTS v AS SELECT 1;"), 1);
        assert_eq!(
            found("CREATE TRIGGER IF NOT EXISTS g DELETE ON t BEGIN SELECT 1; END;"),
            1
        );
        for fine in [
            "CREATE VIEW v AS SELECT 1;",
            "CREATE TABLE IF NOT EXISTS t (x);",
            "DROP VIEW IF EXISTS V; CREATE VIEW IF NOT EXISTS v AS SELECT 1;",
            "CREATE TEMP VIEW IF NOT EXISTS v AS SELECT 1;",
        ] {
            assert_eq!(found(fine), 0, "{fine}");
        }
    }
}
