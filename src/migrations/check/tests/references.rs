//! Down files that break a foreign key are found, whatever the rest of the schema is, and those that break none pass.

use super::checked;

const FAMILY: &str = "\
CREATE TABLE p (id INTEGER PRIMARY KEY, k TEXT, n);
CREATE UNIQUE INDEX p_k ON p (k);
CREATE INDEX p_n ON p (n);
CREATE TABLE c (x INTEGER CONSTRAINT f REFERENCES P (id), y TEXT REFERENCES [p] (\"k\"));
CREATE TABLE \"it's\" (k UNIQUE);
CREATE TABLE \"of\"\"it\" (k REFERENCES \"it's\" (k));
CREATE TABLE other (x, of_p);
INSERT INTO p VALUES (1, 'k', 1);
INSERT INTO c VALUES (1, 'k');
";

/// The problems of V2, whose down file has this text.
async fn found(up: &str, down: &str) -> Vec<String> {
    let files = [
        ("V1__family.sql", FAMILY),
        ("V2__new.sql", up),
        ("V2__new.down.sql", down),
    ];
    let checked = checked(&files).await;
    let problems = checked.problems.iter().filter(|it| it.code == "fails");
    problems.map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_down_file_that_breaks_a_foreign_key_is_found() {
    let nothing = "SELECT 1;";
    for (up, down) in [
        (nothing, "DROP TABLE p;"),
        (nothing, "DROP TABLE IF EXISTS main.\"P\";"),
        (nothing, "DROP INDEX p_k;"),
        (nothing, "DROP TABLE \"it's\";"),
        (
            nothing,
            "PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON; ALTER TABLE p RENAME TO q;",
        ),
        (
            nothing,
            "CREATE TABLE new (id); DROP TABLE p; ALTER TABLE new RENAME TO p;",
        ),
        (nothing, "DELETE FROM p; DROP TABLE other;"),
        (nothing, "CREATE TABLE d (x REFERENCES p (n));"),
        (nothing, "ALTER TABLE other ADD COLUMN y REFERENCES p (n);"),
        (
            "CREATE TABLE d (x REFERENCES other (x)); CREATE UNIQUE INDEX u ON other (x);",
            "DROP INDEX u;",
        ),
    ] {
        let down = format!("{down}\n");
        let problems = found(up, &down).await;
        assert_eq!(problems.len(), 1, "{down}{problems:#?}");
    }
}

#[tokio::test]
async fn a_down_file_that_breaks_none_passes() {
    for (up, down) in [
        ("CREATE TABLE new (x REFERENCES p);", "DROP TABLE new;"),
        ("CREATE TABLE new (x);", "DROP TABLE new;"),
        (
            "ALTER TABLE p ADD COLUMN z;",
            "ALTER TABLE p DROP COLUMN z;",
        ),
        ("CREATE INDEX c_x ON c (x);", "DROP INDEX c_x;"),
        ("CREATE INDEX p_id ON p (id);", "DROP INDEX p_id;"),
        (
            "ALTER TABLE other RENAME TO o;",
            "ALTER TABLE o RENAME TO other;",
        ),
        (
            "CREATE TABLE n (id INTEGER PRIMARY KEY); CREATE TABLE o (n REFERENCES n);",
            "DROP TABLE n; DROP TABLE o;",
        ),
    ] {
        let problems = found(up, down).await;
        assert!(problems.is_empty(), "{down}\n{problems:#?}");
    }
}

#[tokio::test]
async fn a_file_without_a_transaction_that_breaks_a_foreign_key_is_found() {
    let bare = "-- seedbed: no-transaction\n-- seedbed: foreign-keys=off\n";
    let family = "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (id INTEGER PRIMARY KEY, pid INT REFERENCES p (id));";
    let keyed = "CREATE TABLE p (k TEXT); CREATE UNIQUE INDEX pk ON p (k); CREATE TABLE c (k TEXT REFERENCES p (k));";
    let with_rows =
        format!("{family} INSERT INTO p VALUES (1), (2); INSERT INTO c VALUES (1, 1), (2, 2);");
    let rename =
        "ALTER TABLE p RENAME TO p_old; CREATE TABLE p (id INTEGER PRIMARY KEY); DROP TABLE p_old;";
    for (first, second, third, expected) in [
        (family, "DROP TABLE p;", "SELECT 1;", &["fails"] as &[_]),
        (family, rename, "SELECT 1;", &["fails"]),
        (keyed, "DROP INDEX pk;", "SELECT 1;", &["fails"]),
        (
            &with_rows,
            "DELETE FROM p WHERE id = 2;",
            "SELECT 1;",
            &["fails"],
        ),
        (family, "DELETE FROM p;", "SELECT 1;", &[]),
        // Later files that repair it, and one that might have.
        (
            family,
            "DROP TABLE p;",
            "CREATE TABLE p (id INTEGER PRIMARY KEY);",
            &[],
        ),
        (
            keyed,
            "DROP INDEX pk;",
            "CREATE UNIQUE INDEX again ON p (k);",
            &[],
        ),
        (
            &with_rows,
            "DELETE FROM p WHERE id = 2;",
            "INSERT INTO p VALUES (2);",
            &[],
        ),
        (
            &with_rows,
            "DELETE FROM p WHERE id = 2;",
            "INSERT INTO p VALUES (3);",
            &["fails"],
        ),
    ] {
        let second = format!("{bare}{second}");
        let files = [
            ("V1__a.sql", first),
            ("V2__b.sql", &second),
            ("V3__c.sql", third),
        ];
        let problems = checked(&files).await.problems;
        let errors: Vec<_> = problems
            .iter()
            .filter(|it| it.is_error())
            .map(|it| it.code)
            .collect();
        assert_eq!(errors, expected, "{second}{third} {problems:#?}");
    }
    let delete = format!("{bare}DELETE FROM p;");
    let problems = checked(&[("V1__a.sql", family), ("V2__b.sql", &delete)])
        .await
        .problems;
    let codes: Vec<_> = problems.iter().map(|it| it.code).collect();
    assert_eq!(codes, ["depends-on-rows"]);
}
