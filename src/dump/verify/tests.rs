//! Comparisons of a dump with a database in memory, as what is found.

use std::sync::Arc;

use expect_test::{Expect, expect};

use sha2::Digest;

use super::*;
use crate::dump::ExportOptions;
use crate::dump::export::{WrittenTables, export_noting};
use crate::schema::tests::database;

async fn found(sql: &str, input: &Input, level: Level) -> String {
    let db = database(sql).await;
    let verified = verify(&db, input, level).await.unwrap();
    let mut text = String::new();
    for table in &verified.tables {
        text.push_str(&format!(
            "{} {} {:?} ",
            table.name, table.in_dump, table.in_database
        ));
        match &table.verdict {
            Verdict::Different(rows) => {
                text.push_str("Different\n");
                for row in rows {
                    text.push_str(&format!("  {:?} {}\n", row.side, row.row));
                }
            }
            verdict => text.push_str(&format!("{verdict:?}\n")),
        }
    }
    for object in &verified.objects {
        text.push_str(&format!(
            "{} {} of line {}: {:?}\n",
            object.kind, object.name, object.line, object.fault
        ));
    }
    text.push_str(if verified.is_equal() {
        "equal"
    } else {
        "not equal"
    });
    text
}

async fn check(sql: &str, text: &str, level: Level, expect: Expect) {
    let folder = tempfile::tempdir().unwrap();
    expect.assert_eq(&found(sql, &dump(&folder, text), level).await);
}

fn dump(folder: &tempfile::TempDir, text: &str) -> Input {
    let path = folder.path().join("old.sql");
    std::fs::write(&path, text).unwrap();
    Input::File(path)
}

const USERS: &str = "CREATE TABLE users(id INTEGER PRIMARY KEY, name TEXT, score REAL);";

#[tokio::test]
async fn what_arrived_is_equal_in_any_order_of_its_rows() {
    check(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, score REAL);
         INSERT INTO users VALUES (2, 'bob', 2), (1, 'ann', NULL);
         CREATE INDEX by_name ON users (name);",
        &format!(
            "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n{USERS}\n\
             INSERT INTO users VALUES(1,'ann',NULL);\nINSERT INTO users VALUES(2,'bob',2.0);\n\
             CREATE INDEX by_name ON users(name);\nCOMMIT;\n"
        ),
        Level::Full,
        expect![[r#"
            users 2 Some(2) Equal
            equal"#]],
    )
    .await;
}

#[tokio::test]
async fn a_value_counts_as_the_column_keeps_it() {
    check(
        "CREATE TABLE t (i INTEGER, r REAL, t TEXT, b, d DATETIME);
         INSERT INTO t VALUES (7, 7.0, '7', 7, '2020-01-01');",
        "CREATE TABLE t(i INTEGER, r REAL, t TEXT, b, d DATETIME);\n\
         INSERT INTO t VALUES('7',7,7,7,'2020-01-01');\n",
        Level::Full,
        expect![[r#"
            t 1 Some(1) Equal
            equal"#]],
    )
    .await;
    // A column without a type keeps what it is given.
    check(
        "CREATE TABLE t (b); INSERT INTO t VALUES (1.0);",
        "CREATE TABLE t(b);\nINSERT INTO t VALUES(1);\n",
        Level::Full,
        expect![[r#"
            t 1 Some(1) Different
              Dump { line: 2 } (1)
              Database (1.0)
            not equal"#]],
    )
    .await;
}

#[tokio::test]
async fn rows_that_differ_are_shown_with_their_lines() {
    let sql = format!(
        "{USERS} INSERT INTO users VALUES (1, 'ann', 1.5), (2, 'BOB', 2), (3, 'cid', 3), (9, 'new', 0);"
    );
    let text = format!(
        "{USERS}\nINSERT INTO users VALUES(1,'ann',1.5);\nINSERT INTO users VALUES(2,'bob',2.0);\n\
         INSERT INTO users VALUES(3,'cid',3.0);\nINSERT INTO users VALUES(4,'dan',4.0);\n"
    );
    check(
        &sql,
        &text,
        Level::Full,
        expect![[r#"
        users 4 Some(4) Different
          Dump { line: 3 } (2, 'bob', 2.0)
          Dump { line: 5 } (4, 'dan', 4.0)
          Database (2, 'BOB', 2.0)
          Database (9, 'new', 0.0)
        not equal"#]],
    )
    .await;
    // The number of rows tells nothing of that.
    check(
        &sql,
        &text,
        Level::Counts,
        expect![[r#"
            users 4 Some(4) Equal
            equal"#]],
    )
    .await;
}

#[tokio::test]
async fn a_row_too_few_or_too_many_is_seen_by_counting() {
    check(
        &format!("{USERS} INSERT INTO users VALUES (1, 'ann', 1);"),
        &format!(
            "{USERS}\nINSERT INTO users VALUES(1,'ann',1.0);\nINSERT INTO users VALUES(2,'bob',2.0);\n"
        ),
        Level::Counts,
        expect![[r#"
            users 2 Some(1) Different
            not equal"#]],
    )
    .await;
}

#[tokio::test]
async fn what_is_missing_is_told() {
    check(
        "CREATE TABLE other (x); CREATE VIEW v AS SELECT 2;",
        "CREATE TABLE t(x);\nINSERT INTO t VALUES(1);\nCREATE TABLE empty(x);\n\
         CREATE INDEX i ON t(x);\nCREATE VIEW v AS SELECT 1;\n",
        Level::Full,
        expect![[r#"
            t 1 None Missing
            empty 0 None Missing
            table t of line 1: Missing
            table empty of line 3: Missing
            index i of line 4: Missing
            view v of line 5: Different
            not equal"#]],
    )
    .await;
}

#[tokio::test]
async fn rows_that_the_dump_takes_away_again_are_not_missing() {
    check(
        "CREATE TABLE t (x); INSERT INTO t VALUES (2);",
        "CREATE TABLE t(x);\nINSERT INTO t VALUES(1);\nDELETE FROM t;\nINSERT INTO t VALUES(2);\n",
        Level::Full,
        expect![[r#"
            t 1 Some(1) Equal
            equal"#]],
    )
    .await;
}

#[tokio::test]
async fn rows_with_their_rowids_are_compared_with_them() {
    check(
        "CREATE TABLE t (x); INSERT INTO t (rowid, x) VALUES (5, 'a'), (7, 'b');",
        "CREATE TABLE t(x);\nINSERT INTO t(rowid,x) VALUES(5,'a');\nINSERT INTO t(rowid,x) VALUES(7,'b');\n",
        Level::Full,
        expect![[r#"
            t 2 Some(2) Equal
            equal"#]],
    )
    .await;
    check(
        "CREATE TABLE t (x); INSERT INTO t (rowid, x) VALUES (5, 'a');",
        "CREATE TABLE t(x);\nINSERT INTO t(rowid,x) VALUES(6,'a');\n",
        Level::Full,
        expect![[r#"
            t 1 Some(1) Different
              Dump { line: 2 } (6, 'a')
              Database (5, 'a')
            not equal"#]],
    )
    .await;
}

#[tokio::test]
async fn what_cannot_be_compared_is_neither_equal_nor_different() {
    check(
        "CREATE TABLE t (x); INSERT INTO t VALUES (1);",
        "INSERT INTO t VALUES(1,2);\n",
        Level::Full,
        expect![[r#"
            t 1 Some(1) Unknown("its rows have 2 values, and the table has 1 columns")
            not equal"#]],
    )
    .await;
}

#[tokio::test]
async fn records_statistics_and_sequences_are_left_out() {
    let history = "CREATE TABLE _migrations(kind, version, name, checksum, effective, state, applied_at, duration_ms, \
                   run_id, applied_by, detail, source, down);\n";
    check(
        &format!(
            "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (4); {history} ANALYZE;"
        ),
        &format!(
            "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT);\nINSERT INTO t VALUES(4);\n\
             {history}INSERT INTO _migrations(kind, version) VALUES('meta',1);\n\
             ANALYZE sqlite_schema;\nINSERT INTO sqlite_stat1 VALUES('t',NULL,'9');\n\
             DELETE FROM sqlite_sequence;\nINSERT INTO sqlite_sequence VALUES('t',3);\n"
        ),
        Level::Full,
        expect![[r#"
            t 1 Some(1) Equal
            _migrations 1 Some(0) Skipped("the records of this program")
            sqlite_stat1 1 Some(1) Skipped("the statistics of ANALYZE")
            sqlite_sequence 1 Some(1) Skipped("grows by itself: its numbers may be higher")
            equal"#]],
    )
    .await;
}

#[tokio::test]
async fn a_last_number_that_is_lower_than_that_of_the_dump_is_a_fault() {
    let sql = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO t VALUES (4);
               CREATE TABLE \"Big\" (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO \"Big\" VALUES (2);";
    let text = "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT);\nINSERT INTO t VALUES(4);\n\
                CREATE TABLE \"Big\"(id INTEGER PRIMARY KEY AUTOINCREMENT);\nINSERT INTO \"Big\" VALUES(2);\n\
                DELETE FROM sqlite_sequence;\nINSERT INTO sqlite_sequence VALUES('t',4);\n\
                INSERT INTO sqlite_sequence VALUES('Big',9);\nINSERT INTO sqlite_sequence VALUES('gone',7);\n";
    let expect = expect![[r#"
        t 1 Some(1) Equal
        Big 1 Some(1) Equal
        sqlite_sequence 3 Some(2) Skipped("grows by itself: its numbers may be higher")
        AUTOINCREMENT Big of line 7: Sequence { in_dump: 9, in_database: 2 }
        not equal"#]];
    check(sql, text, Level::Full, expect).await;
    let mended = format!("{sql} UPDATE sqlite_sequence SET seq = 9 WHERE name = 'Big';");
    let folder = tempfile::tempdir().unwrap();
    let all = found(&mended, &dump(&folder, text), Level::Full).await;
    assert!(all.ends_with("\nequal"), "{all}");
}

#[tokio::test]
async fn a_database_file_is_compared_as_the_dump_that_it_would_make() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("old.db");
    let file = Db::local(&path, crate::db::Options::default()).unwrap();
    let step = |sql: &str| crate::script::Step::own(sql, vec![]);
    let transaction = crate::db::Transaction {
        foreign_keys: crate::script::ForeignKeys::On,
        atomicity: crate::script::Atomicity::Bare,
        steps: vec![
            step("CREATE TABLE t (x)"),
            step("INSERT INTO t VALUES (1), (2.5)"),
        ]
        .into(),
    };
    file.run(vec![transaction], Arc::new(|_| {})).await.unwrap();
    let sql = "CREATE TABLE t (x); INSERT INTO t VALUES (1), (2.5);";
    let found = found(sql, &Input::File(path), Level::Full).await;
    expect![[r#"
        t 2 Some(2) Equal
        equal"#]]
    .assert_eq(&found);
}

#[tokio::test]
async fn a_dump_that_cannot_be_read_is_an_error() {
    let db = database("CREATE TABLE t (x)").await;
    let folder = tempfile::tempdir().unwrap();
    let input = dump(&folder, "INSERT INTO t VALUES('a");
    let error = verify(&db, &input, Level::Full).await;
    assert!(matches!(
        error,
        Err(VerifyError::Dump(DumpError::CutShort { .. }))
    ));
}

#[tokio::test]
async fn one_row_of_many_tables_is_found() {
    // More than keep tallies of many parts, some made before the first row.
    const TABLES: usize = 400;
    let make = |n: usize| format!("CREATE TABLE t{n}(a,b);\n");
    let rows = |n: usize| -> String {
        (0..40)
            .map(|row| format!("INSERT INTO t{n} VALUES({row},'{n}');\n"))
            .collect()
    };
    let early: String = (0..50).map(make).collect();
    let late = (50..TABLES).map(|n| make(n) + &rows(n));
    let text = early + &late.collect::<String>() + &(0..50).map(rows).collect::<String>();
    let folder = tempfile::tempdir().unwrap();
    let input = dump(&folder, &text);
    let equal = found(&text, &input, Level::Full).await;
    assert!(
        equal.ends_with("equal") && !equal.contains("Different"),
        "{equal}"
    );
    for table in [0, 49, 50, 300, TABLES - 1] {
        let changed = format!("{text}UPDATE t{table} SET b = 'x' WHERE a = 7;");
        let told = found(&changed, &input, Level::Full).await;
        let different: Vec<&str> = told
            .lines()
            .filter(|line| !line.ends_with("Equal"))
            .collect();
        let [head, ours, theirs, end] = different.as_slice() else {
            panic!("{different:?}");
        };
        assert_eq!(*head, format!("t{table} 40 Some(40) Different"));
        assert!(ours.ends_with(&format!(" (7, '{table}')")), "{ours}");
        assert_eq!(*theirs, "  Database (7, 'x')");
        assert_eq!(*end, "not equal");
    }
}

#[tokio::test]
async fn a_signal_ends_the_copying_of_a_file_that_is_compared() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.db");
    let raw = crate::db::Raw::open(path.to_str().unwrap(), crate::db::Access::Create);
    let raw = raw.await.unwrap();
    for sql in [
        "PRAGMA page_size = 512",
        "CREATE TABLE t (a)",
        "INSERT INTO t VALUES (zeroblob(2000000))",
    ] {
        raw.execute(sql).unwrap();
    }
    drop(raw);
    let (handle, stop) = crate::db::Stop::new();
    let options = crate::db::Options {
        stop,
        ..crate::db::Options::default()
    };
    let db = Db::memory(options).await.unwrap();
    handle.raise();
    let error = verify(&db, &Input::File(path.clone()), Level::Full).await;
    let error = error.unwrap_err();
    assert!(
        matches!(&error, VerifyError::Db(DbError::Read(it)) if it.code == crate::db::Code::Interrupted),
        "{error:?}"
    );
    let copied = Input::File(path)
        .unchanging(db.stop(), db.lock_timeout())
        .await;
    assert!(matches!(copied, Err(DumpError::Open { .. })), "{copied:?}");
}

/// The tables of a database that is copied may be others by the time that its dump is read.
#[tokio::test(flavor = "multi_thread")]
async fn a_witness_knows_the_tables_of_the_moment_that_was_written() {
    let schema = "CREATE TABLE t (a, b); CREATE TABLE tmp (x);";
    let rows = "INSERT INTO t VALUES (1, 'one'); INSERT INTO tmp VALUES (2);";
    let from = database(&format!("{schema}{rows}")).await;
    let (mut text, tables) = (Vec::new(), WrittenTables::default());
    let options = ExportOptions::default();
    export_noting(&from, &options, &mut text, &tables)
        .await
        .unwrap();
    let later = database("CREATE TABLE t (a);").await;
    let witness = Witness::begin(
        &later,
        "from.db",
        std::io::Cursor::new(text.clone()),
        tables,
    );
    let to = database(&format!("{schema}{rows}")).await;
    let sha256 = crate::hex::encode(&sha2::Sha256::digest(&text));
    let verified = witness
        .compare(&to, &sha256, &Input::Stdin)
        .await
        .unwrap()
        .unwrap();
    assert!(verified.is_equal(), "{verified:?}");
}

#[tokio::test]
async fn rows_may_name_their_columns_in_any_order() {
    let made = "CREATE TABLE t(a,b);";
    let text = "CREATE TABLE t(a,b);\nINSERT INTO t(a,b) VALUES(1,2);\nINSERT INTO t(b,A) VALUES(4,3);\n\
                INSERT INTO t VALUES(5,6);\n";
    check(
        &format!("{made} INSERT INTO t VALUES (1, 2), (3, 4), (5, 6);"),
        text,
        Level::Full,
        expect![[r#"
            t 3 Some(3) Equal
            equal"#]],
    )
    .await;
    check(
        &format!("{made} INSERT INTO t VALUES (1, 2), (4, 3), (5, 6);"),
        text,
        Level::Full,
        expect![[r#"
            t 3 Some(3) Different
              Dump { line: 3 } (3, 4)
              Database (4, 3)
            not equal"#]],
    )
    .await;
}

#[tokio::test]
async fn rows_that_the_engine_numbers_are_compared_without_their_numbers() {
    let made = "CREATE TABLE t(id INTEGER PRIMARY KEY, a, b);";
    let text =
        format!("{made}\nINSERT INTO t VALUES(1,'x',1);\nINSERT INTO t VALUES(NULL,'y',2);\n");
    check(
        &format!("{made} INSERT INTO t VALUES (1, 'x', 1), (8, 'y', 2);"),
        &text,
        Level::Full,
        expect![[r#"
            t 2 Some(2) Partial("compared without id, which the engine numbers where a row has no value for it")
            equal"#]],
    )
    .await;
    check(
        &format!("{made} INSERT INTO t VALUES (1, 'x', 1), (2, 'y', 3);"),
        &text,
        Level::Full,
        expect![[r#"
            t 2 Some(2) Different
              Dump { line: 3 } ('y', 2)
              Database ('y', 3)
            not equal"#]],
    )
    .await;
    let made = "CREATE TABLE t(id INTEGER PRIMARY KEY);";
    check(
        &format!("{made} INSERT INTO t VALUES (1);"),
        &format!("{made}\nINSERT INTO t VALUES(NULL);\n"),
        Level::Full,
        expect![[r#"
            t 1 Some(1) Partial("only its rows are counted, without id, which the engine numbers where a row has no value for it")
            equal"#]],
    )
    .await;
}

#[tokio::test]
async fn a_row_without_a_value_for_a_column_has_its_constant_default() {
    let made = "CREATE TABLE t(x, y DEFAULT 3, z TEXT DEFAULT -4, s DEFAULT 'it''s', w DEFAULT word, n, b DEFAULT TRUE);";
    let text = format!(
        "{made}\nINSERT INTO t(x) VALUES(1);\nINSERT INTO t(x,y) VALUES(2,2);\nINSERT INTO t VALUES(5,6,'z','s','w',1,0);\n"
    );
    check(
        &format!(
            "{made} INSERT INTO t(x) VALUES (1); INSERT INTO t(x, y) VALUES (2, 2); INSERT INTO t VALUES (5, 6, 'z', 's', 'w', 1, 0);"
        ),
        &text,
        Level::Full,
        expect![[r#"
            t 3 Some(3) Equal
            equal"#]],
    )
    .await;
    check(
        &format!(
            "{made} INSERT INTO t(x) VALUES (1); INSERT INTO t(x, z) VALUES (2, 2); INSERT INTO t VALUES (5, 6, 'z', 's', 'w', 1, 0);"
        ),
        &text,
        Level::Full,
        expect![[r#"
            t 3 Some(3) Different
              Dump { line: 3 } (2, 2, '-4', 'it''s', 'word', NULL, 1)
              Database (2, 3, '2', 'it''s', 'word', NULL, 1)
            not equal"#]],
    )
    .await;
}

#[tokio::test]
async fn rows_are_compared_without_what_the_engine_computes() {
    let made = "CREATE TABLE t(id INTEGER PRIMARY KEY, x, at DEFAULT CURRENT_TIMESTAMP, r DEFAULT (abs(1)));";
    let text =
        format!("{made}\nINSERT INTO t(x) VALUES(1);\nINSERT INTO t VALUES(2,2,'then',7);\n");
    let row = "INSERT INTO t VALUES (2, 2, 'then', 7);";
    check(
        &format!("{made} INSERT INTO t(x) VALUES (1); {row}"),
        &text,
        Level::Full,
        expect![[r#"
            t 2 Some(2) Partial("compared without id, which the engine numbers where a row has no value for it; without at, r, whose default the engine computes where a row has no value for it")
            equal"#]],
    )
    .await;
    check(
        &format!("{made} INSERT INTO t(x) VALUES (9); {row}"),
        &text,
        Level::Full,
        expect![[r#"
            t 2 Some(2) Different
              Dump { line: 2 } (1)
              Database (9)
            not equal"#]],
    )
    .await;
    // A dump that has deleted such rows again has none of them.
    check(
        &format!("{made} {row}"),
        &format!(
            "{made}\nINSERT INTO t(x) VALUES(1);\nINSERT INTO t VALUES(NULL,2,'',7);\nDELETE FROM t;\n\
             INSERT INTO t VALUES(2,2,'then',7);\n"
        ),
        Level::Full,
        expect![[r#"
            t 1 Some(1) Equal
            equal"#]],
    )
    .await;
    check(
        &format!("{made} {row}"),
        &format!(
            "{made}\nINSERT INTO t(x,id) VALUES(1,1);\nDELETE FROM t;\n\
             INSERT INTO t(id,at,r,x) VALUES(2,'then',7,2);\n"
        ),
        Level::Full,
        expect![[r#"
            t 1 Some(1) Equal
            equal"#]],
    )
    .await;
}

#[tokio::test]
async fn rows_may_give_way_to_others_of_the_dump() {
    for (made, insert) in [
        (
            "CREATE TABLE t(a PRIMARY KEY, b);",
            "INSERT OR REPLACE INTO",
        ),
        (
            "CREATE TABLE t(a UNIQUE ON CONFLICT REPLACE, b);",
            "INSERT INTO",
        ),
    ] {
        let text = format!(
            "{made}\n{insert} t VALUES(1,'one');\n{insert} t VALUES(1,'two');\n{insert} t VALUES(2,'three');\n"
        );
        check(
            &format!("{made} INSERT INTO t VALUES (1, 'two'), (2, 'three');"),
            &text,
            Level::Full,
            expect![[r#"
                t 3 Some(2) Partial("1 row of the dump is not there, and its rows may give way to others (OR IGNORE, OR REPLACE, ON CONFLICT): each row that is there is one of the dump")
                equal"#]],
        )
        .await;
        check(
            &format!("{made} INSERT INTO t VALUES (1, 'two'), (2, 'other');"),
            &text,
            Level::Full,
            expect![[r#"
                t 3 Some(2) Different
                  Database (2, 'other')
                not equal"#]],
        )
        .await;
        check(
            made,
            &text,
            Level::Full,
            expect![[r#"
                t 3 Some(0) Different
                  Dump { line: 2 } (1, 'one')
                  Dump { line: 3 } (1, 'two')
                  Dump { line: 4 } (2, 'three')
                not equal"#]],
        )
        .await;
        check(
            &format!("{made} INSERT INTO t VALUES (1, 'two'), (2, 'three');"),
            &text,
            Level::Counts,
            expect![[r#"
                t 3 Some(2) Partial("1 row of the dump is not there, and its rows may give way to others (OR IGNORE, OR REPLACE, ON CONFLICT): its rows are counted")
                equal"#]],
        )
        .await;
    }
}

#[tokio::test]
async fn a_table_that_is_there_is_not_made_again() {
    check(
        "CREATE TABLE t(a);",
        "CREATE TABLE t(a);\nCREATE TABLE IF NOT EXISTS t(a,b);\n",
        Level::Full,
        expect![[r#"
            t 0 Some(0) Equal
            equal"#]],
    )
    .await;
}
