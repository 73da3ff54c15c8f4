//! Two repeatable migrations that make the same object: each run of one replaces what the other made, and the record of the
//! other does not show it. Pure.

use super::made::made;
use super::problem::file_name;
use super::set::Migrations;
use crate::diagnostic::Diagnostic;
use crate::script::Made;
use crate::sql::What;

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
}
