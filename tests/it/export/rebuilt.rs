//! Databases with virtual tables, views and triggers are rebuilt from their dumps, also after a `VACUUM`, which moves
//! virtual tables behind the tables that they keep their content in.

use std::path::Path;
use std::sync::Arc;

use seedbed::db::{Db, Options, Query, Transaction};
use seedbed::dump::import::{ImportOptions, Input, import};
use seedbed::dump::{Level, verify};
use seedbed::script::{Atomicity, ForeignKeys, Run, Step};

use super::dumped;
use super::round_trip::sqlite3;
use crate::project::{Project, waiting};

/// Every kind of virtual table that keeps its content in others, and what reads them.
const SEARCH: &[&str] = &[
    "CREATE TABLE docs (id INTEGER PRIMARY KEY, body TEXT)",
    "INSERT INTO docs VALUES (1, 'one'), (2, 'one two'), (7, 'two three')",
    "CREATE VIRTUAL TABLE own5 USING fts5 (body, tokenize = 'porter', prefix = '2 3')",
    "CREATE VIRTUAL TABLE outer5 USING fts5 (body, content='docs', content_rowid='id')",
    "CREATE VIRTUAL TABLE less5 USING fts5 (body, content='')",
    "CREATE VIRTUAL TABLE words USING fts5vocab ('own5', 'row')",
    "CREATE VIRTUAL TABLE own4 USING fts4 (body)",
    "CREATE VIRTUAL TABLE outer4 USING fts4 (content=\"docs\")",
    "CREATE VIRTUAL TABLE own3 USING fts3 (body)",
    "CREATE VIRTUAL TABLE box USING rtree (id, a, b, +label)",
    "CREATE VIRTUAL TABLE whole USING rtree_i32 (id, a, b)",
    "CREATE TABLE \"odd names\" (id INTEGER PRIMARY KEY AUTOINCREMENT, x)",
    "CREATE VIRTUAL TABLE \"odd text\" USING fts5 (x)",
    "INSERT INTO \"odd names\" (x) VALUES ('two'), ('four')",
    "INSERT INTO \"odd text\" SELECT x FROM \"odd names\"",
    "INSERT INTO own5 (rowid, body) SELECT id, body FROM docs",
    "INSERT INTO outer5 (rowid, body) SELECT id, body FROM docs",
    "INSERT INTO less5 (rowid, body) SELECT id, body FROM docs",
    "INSERT INTO own4 (docid, body) SELECT id, body FROM docs",
    "INSERT INTO outer4 (docid, id, body) SELECT id, id, body FROM docs",
    "INSERT INTO own3 (docid, body) SELECT id, body FROM docs",
    "INSERT INTO box SELECT id, id, id + 1, body FROM docs",
    "INSERT INTO whole SELECT id, id, id + 1 FROM docs",
    // The table that one reads when it is made comes behind it.
    "CREATE TABLE late (id INTEGER PRIMARY KEY, body TEXT)",
    "CREATE VIRTUAL TABLE late4 USING fts4 (content=\"late\")",
    "DROP TABLE late",
    "CREATE TABLE late (id INTEGER PRIMARY KEY, body TEXT)",
    "INSERT INTO late SELECT id, body FROM docs",
    "INSERT INTO late4 (docid, id, body) SELECT id, id, body FROM docs",
    "CREATE INDEX by_body ON docs (body)",
    "CREATE VIEW found AS SELECT rowid AS id FROM own5 WHERE own5 MATCH 'two'",
    "CREATE TRIGGER docs_added AFTER INSERT ON docs BEGIN INSERT INTO outer5 (rowid, body) VALUES (new.id, new.body); END",
    "CREATE TRIGGER found_added INSTEAD OF INSERT ON found BEGIN INSERT INTO docs (body) VALUES ('two'); END",
];

const QUESTIONS: &[&str] = &[
    "SELECT group_concat(id) FROM found",
    "SELECT group_concat(rowid || body) FROM outer5 WHERE outer5 MATCH 'two'",
    "SELECT group_concat(rowid) FROM less5 WHERE less5 MATCH 'two'",
    "SELECT group_concat(term || doc) FROM words",
    "SELECT group_concat(docid || body) FROM own4 WHERE own4 MATCH 'two'",
    "SELECT group_concat(docid || body) FROM outer4 WHERE outer4 MATCH 'two'",
    "SELECT group_concat(docid || body) FROM late4 WHERE late4 MATCH 'two'",
    "SELECT group_concat(docid || body) FROM own3 WHERE own3 MATCH 'two'",
    "SELECT group_concat(id || label) FROM box WHERE a >= 2",
    "SELECT group_concat(id || ':' || a) FROM whole WHERE b <= 3",
    "SELECT group_concat(rowid) FROM \"odd text\" WHERE \"odd text\" MATCH 'four'",
    "SELECT group_concat(name || seq) FROM sqlite_sequence",
    "PRAGMA integrity_check",
];

pub(crate) async fn bare(db: &Db, statements: &[&str]) {
    let steps = statements.iter().map(|sql| Step::own(*sql, vec![]));
    let transaction = Transaction {
        foreign_keys: ForeignKeys::On,
        atomicity: Atomicity::Bare,
        steps: steps.collect(),
    };
    db.run(vec![transaction], Arc::new(|_| {})).await.unwrap();
}

async fn answers(db: &Db) -> Vec<String> {
    let questions = QUESTIONS.iter().map(|sql| Query::new(*sql)).collect();
    let answers = db.query(questions).await.unwrap();
    let answers = QUESTIONS.iter().zip(answers);
    answers
        .map(|(sql, answer)| format!("{sql}: {answer:?}"))
        .collect()
}

fn local(path: impl AsRef<Path>) -> Db {
    Db::local(path, Options::default()).unwrap()
}

/// Imports into this database, and finds everything there.
async fn is_rebuilt(db: &Db, from: &Path, expect: &[String]) {
    let input = Input::File(from.to_path_buf());
    let options = ImportOptions::default();
    let done = import(db, &input, &options, &Run::new("test"), Arc::new(|_| {})).await;
    if let Err(error) = done {
        panic!("{}: {error}", from.display());
    }
    assert_eq!(answers(db).await, expect, "{}", from.display());
    let verified = verify(db, &input, Level::Full).await.unwrap();
    assert!(verified.is_equal(), "{verified:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vacuum_moves_no_virtual_table_in_a_dump() {
    let folder = tempfile::tempdir().unwrap();
    let db = local(folder.path().join("old.db"));
    bare(&db, SEARCH).await;
    let before = String::from_utf8(dumped(&db).await).unwrap();
    bare(&db, &["VACUUM"]).await;
    let after = String::from_utf8(dumped(&db).await).unwrap();
    assert_eq!(after, before);
    let place = |text: &str| after.find(text).unwrap_or_else(|| panic!("no {text}"));
    assert!(place("CREATE VIRTUAL TABLE own5") < place("INTO own5_data"));
    assert!(!after.contains("CREATE TABLE 'own5_data'"), "{after}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vacuumed_database_with_virtual_tables_is_rebuilt() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let old = local(path("old.db"));
    bare(&old, SEARCH).await;
    bare(&old, &["VACUUM"]).await;
    let expect = answers(&old).await;
    assert!(expect[0].contains("2,7"), "{expect:?}");
    std::fs::write(path("old.sql"), dumped(&old).await).unwrap();
    let mut dumps = vec![path("old.sql"), path("old.db")];
    // What `sqlite3` writes has them in the order of the schema.
    if let Some(dump) = sqlite3(&path("old.db"), &[".dump"], b"") {
        std::fs::write(path("theirs.sql"), dump).unwrap();
        dumps.push(path("theirs.sql"));
        let dump = std::fs::read(path("old.sql")).unwrap();
        sqlite3(&path("by sqlite3.db"), &[], &dump).unwrap();
        assert_eq!(answers(&local(path("by sqlite3.db"))).await, expect);
    }
    for (number, from) in dumps.iter().enumerate() {
        is_rebuilt(&local(path(&format!("new {number}.db"))), from, &expect).await;
        let existing = local(path(&format!("existing {number}.db")));
        bare(&existing, &["CREATE TABLE other (x)"]).await;
        is_rebuilt(&existing, from, &expect).await;
        let server = crate::server::Server::start();
        let remote = Db::remote(&server.url(), None, Options::default()).unwrap();
        is_rebuilt(&remote, from, &expect).await;
        // Also what comes in many transactions.
        let existing = local(path(&format!("chunks {number}.db")));
        bare(&existing, &["CREATE TABLE other (x)"]).await;
        let options = ImportOptions::default().transaction_bytes(1024);
        let input = Input::File(from.clone());
        let run = Run::new("test");
        let done = import(&existing, &input, &options, &run, Arc::new(|_| {})).await;
        if let Err(error) = done {
            panic!("{}: {error}", from.display());
        }
        assert_eq!(answers(&existing).await, expect, "{}", from.display());
    }
}

#[test]
fn a_backup_of_a_large_database_with_triggers_and_virtual_tables_is_restored() {
    let project = Project::new();
    let old = local(project.path("local.db"));
    let runtime = waiting();
    runtime.block_on(async {
        bare(&old, SEARCH).await;
        bare(
            &old,
            &[
                "DROP TRIGGER docs_added",
                "CREATE TABLE big (id INTEGER PRIMARY KEY, x TEXT)",
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) \
                 INSERT INTO big SELECT i, hex(randomblob(8000)) FROM n",
                "CREATE TRIGGER big_added AFTER INSERT ON big BEGIN DELETE FROM docs; END",
                "CREATE TABLE after_it (x)",
                "INSERT INTO after_it VALUES (1)",
                "VACUUM",
            ],
        )
        .await;
    });
    let ran = project.run("backup");
    assert_eq!(ran.code, Some(0), "{ran}");
    let files = project.files();
    let file = files.iter().find(|file| file.ends_with(".gz")).unwrap();
    let expect = runtime.block_on(answers(&old));
    // A file that is there and has no table.
    let empty = local(project.path("empty.db"));
    runtime.block_on(bare(
        &empty,
        &["PRAGMA user_version = 1", "PRAGMA user_version = 0"],
    ));
    assert!(std::fs::metadata(project.path("empty.db")).unwrap().len() > 0);
    let server = crate::server::Server::start();
    for database in ["new.db", "empty.db", &server.url()] {
        let ran = project.run(&format!("restore {file} --database {database}"));
        assert_eq!(ran.code, Some(0), "{ran}");
        let db = match database.contains("://") {
            true => Db::remote(database, None, Options::default()).unwrap(),
            false => local(project.path(database)),
        };
        assert_eq!(runtime.block_on(answers(&db)), expect, "{database}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_whose_last_autoincrement_table_was_dropped_is_rebuilt() {
    let project = Project::new();
    let old = local(project.path("old.db"));
    let statements = [
        "CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT)",
        "INSERT INTO a VALUES (7)",
        "CREATE TABLE b (x DEFAULT 'AUTOINCREMENT')",
        "INSERT INTO b VALUES (1)",
        "CREATE TABLE c (id INTEGER PRIMARY KEY AUTOINCREMENT)",
        "INSERT INTO c VALUES (9)",
    ];
    bare(&old, &statements).await;
    let sequence = "INSERT INTO sqlite_sequence VALUES(";
    let one = project.run("export --database old.db --tables b").stdout;
    assert!(!one.contains("sqlite_sequence"), "{one}");
    let one = project.run("export --database old.db --tables b,c --data-only");
    assert!(one.code == Some(0) && !one.stdout.contains("'a'"), "{one}");
    let one = project.run("export --database old.db --tables c").stdout;
    assert!(one.contains(sequence), "{one}");
    bare(&old, &["DROP TABLE a", "DROP TABLE c"]).await;
    // A row that an application wrote, or that a table left which was made over.
    bare(&old, &["INSERT INTO sqlite_sequence VALUES ('b', 5)"]).await;
    let data = project.run("export --database old.db --data-only").stdout;
    assert!(!data.contains("sqlite_sequence"), "{data}");

    let dump = dumped(&old).await;
    project.write("old.sql", &dump);
    for line in [
        "import old.sql --database of_dump.db",
        "import old.db --database of_file.db",
        "verify old.db --database of_file.db",
        "backup --database old.db --dir kept",
    ] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(0), "{ran}");
    }
    let kept = project.files();
    let kept = kept.iter().find(|file| file.ends_with(".sql.gz")).unwrap();
    let ran = project.run(&format!("restore {kept} --database restored.db"));
    assert_eq!(ran.code, Some(0), "{ran}");
    // As the shell of SQLite writes it.
    let of_shell = b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE b(x);\nINSERT INTO b VALUES(1);\n\
                     DELETE FROM sqlite_sequence;\nINSERT INTO sqlite_sequence VALUES('b',5);\nCOMMIT;\n";
    project.write("shell.sql", of_shell);
    if sqlite3(&project.path("by_shell.db"), &[], &dump).is_some() {
        let made = sqlite3(&project.path("old.db"), &[".dump"], b"").unwrap();
        project.write("made.sql", &made);
        let ran = project.run("import made.sql --database of_shell.db");
        assert_eq!(ran.code, Some(0), "{ran}");
    }
    let ran = project.run("import shell.sql --database shell.db");
    assert_eq!(ran.code, Some(0), "{ran}");
    for database in ["of_dump.db", "of_file.db", "restored.db", "shell.db"] {
        let db = local(project.path(database));
        let rows = db.query(vec![Query::new("SELECT x FROM b")]).await;
        assert_eq!(
            format!("{rows:?}"),
            "Ok([Ok([[Integer(1)]])])",
            "{database}"
        );
    }
}
