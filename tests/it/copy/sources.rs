//! Sources whose rows would not arrive as they are: they are refused before the first row, or the comparison says so.

use std::io::{Seek, SeekFrom, Write};

use crate::process::Ran;
use crate::project::Project;
use crate::server::Server;

/// Texts in a column that is INTEGER now, and a REAL in one that had no type.
const CHANGED: &[&str] = &[
    "CREATE TABLE t (id INTEGER PRIMARY KEY, phone TEXT, n)",
    "INSERT INTO t VALUES (1, 'none', 1), (2, '007', 5.0), (3, '+15551234567', 2), (4, '1e400', 3)",
    "ALTER TABLE t ALTER COLUMN phone TO phone INTEGER",
    "ALTER TABLE t ALTER COLUMN n TO n INTEGER",
];

const VALUES: &str =
    "SELECT group_concat(typeof(phone) || ' ' || phone || ' ' || typeof(n)) FROM t";

fn changed() -> Project {
    let project = Project::bare();
    project.change(CHANGED);
    project
}

/// A database with a page of rows that cannot be read.
fn damaged() -> Project {
    let project = Project::bare();
    project.change(&[
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) \
         INSERT INTO t SELECT i, printf('%0100d', i) FROM n",
    ]);
    // The number of cells of a leaf: rows are gone, and the engine reads on.
    let cells =
        project.ask("SELECT (SELECT count(*) FROM t) || ' ' || page_size FROM pragma_page_size");
    assert_eq!(cells, "500 4096");
    let mut file = std::fs::File::options();
    let mut file = file
        .write(true)
        .read(true)
        .open(project.path("local.db"))
        .unwrap();
    file.seek(SeekFrom::Start(3 * 4096 + 3)).unwrap();
    file.write_all(&[0, 1]).unwrap();
    project
}

fn says(ran: &Ran, words: &str) {
    assert!(ran.to_string().contains(words), "{words}: {ran}");
}

#[test]
fn values_that_their_column_does_not_keep_are_named_before_the_first_row() {
    let project = changed();
    let server = Server::start();
    let url = server.url();
    for line in [
        "copy local.db new.db".to_owned(),
        "copy local.db new.db --dry-run".to_owned(),
        format!("copy local.db {url}"),
        "import local.db --database new.db".to_owned(),
        "import local.db --database new.db --dry-run".to_owned(),
        "import local.db --database new.db --verify full".to_owned(),
    ] {
        let ran = project.run(&line);
        assert_eq!(ran.code, Some(1), "{ran}");
        says(
            &ran,
            "3 rows of t in local.db have a value in t.phone that another database would not keep",
        );
        says(&ran, "the first is '007' (rowid 2), which would become 7");
        says(&ran, "1 row of t in local.db has a value in t.n");
        says(&ran, "the first is 5.0 (rowid 2), which would become 5");
        assert_eq!(project.files(), ["local.db"], "{ran}");
    }
    // What the message says to type works.
    project.change(&[
        "UPDATE \"t\" SET \"phone\" = \"phone\"",
        "UPDATE \"t\" SET \"n\" = \"n\"",
    ]);
    let ran = project.run("copy local.db new.db");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(project.ask_of("new.db", [VALUES]), [project.ask(VALUES)]);
    // Nothing is in the way on the server.
    let ran = project.run(&format!("copy local.db {url}"));
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[test]
fn a_comparison_with_a_database_or_a_backup_counts_values_as_they_were_read() {
    let project = changed();
    std::fs::copy(project.path("local.db"), project.path("same.db")).unwrap();
    project.run("export dump.sql");
    assert_eq!(
        project.run("import dump.sql --database other.db").code,
        Some(0)
    );
    let ran = project.run("verify local.db --database other.db");
    assert_eq!(ran.code, Some(1), "{ran}");
    says(&ran, "(2, '007', 5.0)");
    says(&ran, "(2, 7, 5)");
    // Values of a dump of any program count as the column keeps them.
    let ran = project.run("verify dump.sql --database other.db");
    assert_eq!(ran.code, Some(0), "{ran}");
    let ran = project.run("backup");
    assert_eq!(ran.code, Some(1), "{ran}");
    let files = project.files();
    let backup = files
        .iter()
        .find(|it| it.ends_with(".unproven.sql.gz"))
        .unwrap();
    let ran = project.run(&format!("restore {backup} --database restored.db"));
    assert_eq!(ran.code, Some(1), "{ran}");
    says(&ran, "(2, '007', 5.0)");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_in_which_a_copy_of_a_database_differs_are_shown() {
    let server = Server::start();
    let db = super::remote(&server);
    crate::export::change(&db, CHANGED.iter().copied()).await;
    let project = Project::bare();
    // The columns of a server are not read before the rows.
    let ran = project.run(&format!("copy {} new.db", server.url()));
    assert_eq!(ran.code, Some(1), "{ran}");
    for words in [
        "✗ differs",
        "(2, '007', 5.0)",
        "(2, 7, 5)",
        "t: only in new.db: (2, 7, 5)",
    ] {
        says(&ran, words);
    }
    assert!(!ran.stdout.contains("'none'"), "{ran}");
}

#[test]
fn a_backup_with_a_real_in_an_integer_column_is_not_good() {
    let project = Project::bare();
    project.change(&[
        "CREATE TABLE t (n)",
        "INSERT INTO t VALUES (5.0)",
        "ALTER TABLE t ALTER COLUMN n TO n INTEGER",
    ]);
    let ran = project.run("backup");
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(ran.stderr.contains("table t differs"), "{ran}");
}

#[test]
fn values_that_columns_keep_are_no_false_alarm() {
    let project = Project::bare();
    project.change(&[
        "CREATE TABLE t (i INTEGER, r REAL, n NUMERIC, x TEXT, b BLOB, untyped, w ANY)",
        "INSERT INTO t VALUES ('x', -0.0, 9e18, '007', 5.0, '007', 1.0), (1.5, 9e999, -0.0, 7, 1, 1.0, '1e1')",
        "INSERT INTO t VALUES (9e19, 5, '1 2', x'00', x'00', -0.0, 'x'), (NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
        "CREATE TABLE s (a ANY, r REAL) STRICT",
        "INSERT INTO s VALUES ('007', 5), (5.0, -0.0), (7, 1e300)",
        "CREATE TABLE k (a TEXT PRIMARY KEY, b INT) WITHOUT ROWID",
        "INSERT INTO k VALUES ('1', 2), ('01', '3')",
        "CREATE VIRTUAL TABLE f USING fts5 (a)",
        "INSERT INTO f VALUES ('007')",
        "CREATE VIRTUAL TABLE r USING rtree (id, x0, x1)",
        "INSERT INTO r VALUES (1, 5, 7)",
    ]);
    for line in [
        "copy local.db a.db",
        "import local.db --database b.db --verify full",
        "verify local.db --database a.db",
    ] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(0), "{ran}");
    }
    assert_eq!(project.run("backup").code, Some(0));
}

#[test]
fn a_damaged_source_is_refused_and_named() {
    let project = damaged();
    for line in [
        "copy local.db new.db",
        "copy local.db new.db --dry-run",
        "import local.db --database new.db",
        "import local.db --database new.db --verify full",
    ] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(1), "{ran}");
        says(&ran, "error[damaged-source]: local.db is damaged: ");
        assert_eq!(project.files(), ["local.db"], "{ran}");
    }
    project.run("export dump.sql");
    project.run("import dump.sql --database new.db");
    let ran = project.run("verify local.db --database new.db");
    assert_eq!(ran.code, Some(1), "{ran}");
    says(&ran, "error[damaged-source]: local.db is damaged: ");
}

#[test]
fn what_is_no_place_for_a_database_is_named() {
    let project = Project::bare();
    project.change(&["CREATE TABLE t (a)"]);
    let ran = project.run("copy local.db -");
    assert_eq!(ran.code, Some(2), "{ran}");
    says(&ran, "export - --database FROM`");
    project.run("export dump.sql");
    for line in [
        "copy local.db /dev/null",
        "import dump.sql --database /dev/null",
    ] {
        let ran = project.run(line);
        assert!(ran.code.is_some_and(|code| code > 0), "{ran}");
        says(&ran, "/dev/null, is not a regular file");
    }
    assert_eq!(project.files(), ["dump.sql", "local.db"]);
}

#[test]
fn tables_of_a_local_file_are_copied_whatever_their_names_are_on_the_turso_engine() {
    let project = Project::bare();
    project.change(&[
        "CREATE TABLE turso_cdc (a)",
        "INSERT INTO turso_cdc VALUES ('precious')",
        "CREATE TABLE __turso_internal_notes (a)",
        "INSERT INTO __turso_internal_notes VALUES ('too')",
        "CREATE VIEW v AS SELECT a FROM turso_cdc",
    ]);
    let ran = project.run("copy local.db new.db");
    says(&ran, "2 tables equal in every value");
    let values = "SELECT (SELECT a FROM v) || ' ' || (SELECT a FROM __turso_internal_notes)";
    assert_eq!(project.ask_of("new.db", [values]), ["precious too"]);
    let verified = project.run("verify local.db --database new.db");
    says(&verified, "turso_cdc");
    assert!(!verified.to_string().contains("exit"), "{verified}");
}
