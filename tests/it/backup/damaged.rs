//! Databases whose pages or indexes contradict their tables.

use super::{good, packed, project, unproven};
use crate::bad_input::untouched;
use crate::project::Project;

/// A table whose index lacks the rows of the second `INSERT`.
fn with_a_short_index() -> Project {
    project(&[
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a)",
        "INSERT INTO t VALUES (1, 'x')",
        "CREATE INDEX by_a ON t (a)",
        "PRAGMA writable_schema = ON",
        "CREATE TABLE kept AS SELECT * FROM sqlite_schema WHERE name = 'by_a'",
        "DELETE FROM sqlite_schema WHERE name = 'by_a'",
        "PRAGMA writable_schema = RESET",
        "INSERT INTO t VALUES (2, 'y'), (3, 'z')",
        "PRAGMA writable_schema = ON",
        "INSERT INTO sqlite_schema SELECT * FROM kept",
        "PRAGMA writable_schema = RESET",
        "DROP TABLE kept",
    ])
}

#[test]
fn an_index_that_contradicts_its_table_is_noticed() {
    let project = with_a_short_index();
    let dump = project.run("export");
    project.write("all.sql", &dump.stdout);
    let (file, ran) = unproven(&project);
    assert!(
        ran.stderr
            .contains("error[unproven-backup]: the database is damaged"),
        "{ran}"
    );
    assert!(
        ran.stderr.contains("row 2 missing from index by_a"),
        "{ran}"
    );
    let ran = untouched(&project, "verify all.sql");
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(
        ran.stdout
            .contains("the database is damaged: row 2 missing from index by_a"),
        "{ran}"
    );
    assert!(
        ran.stdout.contains("indexes or pages contradict them"),
        "{ran}"
    );
    let ran = untouched(&project, "verify all.sql --counts");
    assert_eq!(ran.code, Some(0), "{ran}");
    let ran = untouched(&project, "doctor");
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(ran.stdout.contains("✗ integrity"), "{ran}");
    assert!(
        ran.stdout.contains("row 2 missing from index by_a"),
        "{ran}"
    );
    // What the tables hold can be restored, and after a REINDEX all is well.
    let ran = project.run(&format!("restore {file} --database new.db"));
    assert_eq!(ran.code, Some(0), "{ran}");
    project.change(&["REINDEX"]);
    good(&project, "backup");
    let ran = project.run("doctor");
    assert!(
        ran.stdout
            .contains("integrity_check finds no damage in pages or indexes"),
        "{ran}"
    );
}

#[test]
fn an_index_on_another_column_than_it_says_is_noticed() {
    let project = project(&[
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)",
        "INSERT INTO t VALUES (1, 'x', 'p'), (2, 'y', 'q')",
        "CREATE INDEX i ON t (a)",
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_schema SET sql = 'CREATE INDEX i ON t (b)' WHERE name = 'i'",
    ]);
    unproven(&project);
}

#[test]
fn a_damaged_page_leaves_no_good_backup() {
    let project = project(&[
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a)",
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO t SELECT i, hex(i) || 'some text' FROM n",
        "CREATE INDEX by_a ON t (a)",
    ]);
    let whole = project.bytes("local.db").unwrap();
    let pages = whole.len() / 4096;
    for page in [1, pages / 2, pages - 1] {
        let mut bytes = whole.clone();
        bytes[page * 4096..page * 4096 + 200].fill(0xff);
        project.write("local.db", &bytes);
        let ran = project.run("backup");
        assert_eq!(ran.code, Some(1), "page {page}: {ran}");
        let ran = untouched(&project, "doctor");
        assert_eq!(ran.code, Some(1), "page {page}: {ran}");
    }
    let is_good = |file: &String| !file.ends_with(".unproven.sql.gz");
    assert!(
        !packed(&project).iter().any(is_good),
        "{:?}",
        packed(&project)
    );
    let left: Vec<String> = project.files();
    assert!(
        !left.iter().any(|file| file.contains(".partial")),
        "{left:?}"
    );
}

#[test]
fn an_index_of_texts_that_are_not_kept_is_no_damage() {
    for content in ["content=''", "content=\"\""] {
        let create = format!("CREATE VIRTUAL TABLE f USING fts4 ({content}, a)");
        let project = super::project(&[&create, "INSERT INTO f (docid, a) VALUES (1, 'hello')"]);
        super::good(&project, "backup");
    }
}

#[test]
fn a_full_text_index_that_contradicts_its_rows_is_made_again_as_the_help_says() {
    let project = project(&[
        "CREATE VIRTUAL TABLE old USING fts4 (body)",
        "INSERT INTO old VALUES ('one')",
        "UPDATE old_content SET c0body = 'two'",
        "CREATE VIRTUAL TABLE \"new words\" USING fts5 (body)",
        "INSERT INTO \"new words\" VALUES ('one')",
        "UPDATE \"new words_content\" SET c0 = 'two'",
    ]);
    let (_, ran) = unproven(&project);
    assert!(!ran.stderr.contains("REINDEX"), "{ran}");
    let doctor = project.run("doctor");
    let copy = project.run("copy local.db other.db");
    assert_eq!(copy.code, Some(1), "{copy}");
    let statements: Vec<&str> = ran
        .stderr
        .split('`')
        .filter(|part| part.starts_with("INSERT INTO"))
        .collect();
    assert_eq!(statements.len(), 2, "{ran}");
    for statement in &statements {
        assert!(doctor.stdout.contains(statement), "{doctor}");
        assert!(copy.stderr.contains(statement), "{copy}");
        project.change(&[statement]);
    }
    good(&project, "backup");
}

#[test]
fn doctor_fails_where_a_page_cannot_be_read() {
    let project = project(&[
        "CREATE TABLE a (id INTEGER PRIMARY KEY, x)",
        "WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 2000) \
         INSERT INTO a SELECT i, 'value' || i FROM c",
    ]);
    let mut bytes = project.bytes("local.db").unwrap();
    bytes[4 * 4096..5 * 4096].fill(0);
    project.write("local.db", &bytes);
    let ran = untouched(&project, "doctor");
    assert_eq!(ran.code, Some(1), "{ran}");
    assert!(ran.stdout.contains("✗ integrity"), "{ran}");
    assert!(
        ran.stdout.contains("copy the file before anything else"),
        "{ran}"
    );
    assert!(ran.stdout.contains("some checks failed"), "{ran}");
}

#[test]
fn rows_that_break_constraints_are_named_as_what_they_are() {
    for (table, broken) in [
        (
            "CREATE TABLE t (a CHECK (a > 0 AND a <> ')'), b)",
            "CHECK constraint failed in t",
        ),
        (
            "CREATE TABLE t (a, b, CONSTRAINT c CHECK ((a) > 0))",
            "CHECK constraint failed in t",
        ),
        ("CREATE TABLE t (a, b NOT NULL)", "NULL value in t.b"),
        (
            "CREATE TABLE t (a TEXT, b TEXT) STRICT",
            "non-TEXT value in t.a",
        ),
    ] {
        let project = project(&[
            "CREATE TABLE t (a, b)",
            "INSERT INTO t VALUES (-1, NULL)",
            "PRAGMA writable_schema = ON",
            &format!(
                "UPDATE sqlite_schema SET sql = '{}'",
                table.replace('\'', "''")
            ),
            "PRAGMA writable_schema = RESET",
        ]);
        let ran = untouched(&project, "doctor");
        assert_eq!(ran.code, Some(1), "{ran}");
        let found = format!("integrity_check finds rows that break constraints: {broken}");
        assert!(ran.stdout.contains(&found), "{ran}");
        assert!(!ran.stdout.contains("REINDEX"), "{ran}");
        let (_, ran) = unproven(&project);
        assert!(
            ran.stderr
                .contains("error[unproven-backup]: rows of the database break its own constraints"),
            "{ran}"
        );
        assert!(!ran.stderr.contains("is damaged"), "{ran}");
    }
    let good = project(&[
        "CREATE TABLE t (a CHECK (a > 0), \"check\" TEXT CHECK (\"check\" <> 'CHECK ('))",
        "INSERT INTO t VALUES (NULL, NULL), (1, 'x')",
    ]);
    let ran = untouched(&good, "doctor");
    assert!(
        ran.stdout.contains("integrity_check finds no damage"),
        "{ran}"
    );
}
