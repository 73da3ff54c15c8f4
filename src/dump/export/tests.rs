use expect_test::{Expect, expect};

use super::*;
use crate::db::{Options, Transaction};
use crate::script::{Atomicity, ForeignKeys, Step};

async fn database(sql: &str) -> Db {
    let db = Db::memory(Options::default()).await.unwrap();
    let steps = crate::sql::split(sql).unwrap();
    let steps = steps.iter().map(|it| Step::own(it.text(sql), vec![]));
    let transaction = Transaction {
        foreign_keys: ForeignKeys::On,
        atomicity: Atomicity::Bare,
        steps: steps.collect(),
    };
    db.run(vec![transaction], std::sync::Arc::new(|_| {}))
        .await
        .unwrap();
    db
}

async fn check(sql: &str, options: ExportOptions, expect: Expect) {
    let db = database(sql).await;
    let mut out = Vec::new();
    match export(&db, &options, &mut out).await {
        Ok(exported) => assert_eq!(exported.bytes, out.len() as u64),
        Err(error) => out = format!("error: {error}\n").into_bytes(),
    }
    expect.assert_eq(&String::from_utf8(out).unwrap());
}

const SHOP: &str = "\
CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, \"order\" REAL);
CREATE VIEW names AS SELECT name FROM users -- all of them
;
CREATE TABLE tags (a, b, c AS (a || b), PRIMARY KEY (b DESC, a COLLATE NOCASE)) WITHOUT ROWID;
CREATE INDEX by_name ON users (name);
CREATE TABLE log (rowid, line);
CREATE TRIGGER t AFTER INSERT ON users BEGIN INSERT INTO log VALUES (1, new.name); END;
CREATE TABLE _migrations (kind TEXT, version, name, checksum, effective, state, applied_at, duration_ms, run_id, applied_by, detail, source, down);
INSERT INTO users VALUES (1, 'it''s', 1.0), (7, 'b', -9e999);
DELETE FROM users WHERE id = 7;
INSERT INTO tags (a, b) VALUES ('x', 1), ('Y', 2), ('z', 2);
INSERT INTO _migrations (kind, version) VALUES ('migration', 1);
PRAGMA user_version = 3;
CREATE VIRTUAL TABLE docs USING fts5 (body);";

#[tokio::test]
async fn a_database_without_tables_is_an_empty_dump() {
    check(
        "",
        ExportOptions::default(),
        expect![[r#"
            PRAGMA foreign_keys=OFF;
            BEGIN TRANSACTION;
            COMMIT;
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_dump_has_tables_and_rows_then_the_rest() {
    check(SHOP, ExportOptions::default(), expect![[r#"
        PRAGMA foreign_keys=OFF;
        BEGIN TRANSACTION;
        PRAGMA user_version=3;
        CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, "order" REAL);
        INSERT INTO users VALUES(1,'it''s',1.0);
        CREATE TABLE tags (a, b, c AS (a || b), PRIMARY KEY (b DESC, a COLLATE NOCASE)) WITHOUT ROWID;
        INSERT INTO tags VALUES('Y',2);
        INSERT INTO tags VALUES('z',2);
        INSERT INTO tags VALUES('x',1);
        CREATE TABLE log (rowid, line);
        INSERT INTO log(_rowid_,rowid,line) VALUES(1,1,'it''s');
        INSERT INTO log(_rowid_,rowid,line) VALUES(2,1,'b');
        CREATE TABLE _migrations (kind TEXT, version, name, checksum, effective, state, applied_at, duration_ms, run_id, applied_by, detail, source, down);
        INSERT INTO _migrations(rowid,kind,version,name,checksum,effective,state,applied_at,duration_ms,run_id,applied_by,detail,source,down) VALUES(1,'migration',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
        CREATE VIRTUAL TABLE docs USING fts5 (body);
        DELETE FROM docs_data;
        INSERT INTO docs_data VALUES(1,x'');
        INSERT INTO docs_data VALUES(10,x'00000000000000');
        DELETE FROM docs_idx;
        DELETE FROM docs_content;
        DELETE FROM docs_docsize;
        DELETE FROM docs_config;
        INSERT INTO docs_config VALUES('version',4);
        DELETE FROM sqlite_sequence;
        INSERT INTO sqlite_sequence VALUES('users',7);
        CREATE VIEW names AS SELECT name FROM users;
        CREATE INDEX by_name ON users (name);
        CREATE TRIGGER t AFTER INSERT ON users BEGIN INSERT INTO log VALUES (1, new.name); END;
        COMMIT;
    "#]]).await;
}

#[tokio::test]
async fn a_schema_without_history_is_plain_ddl() {
    let options = ExportOptions {
        what: Contents::Schema,
        history: Records::Without,
        ..ExportOptions::default()
    };
    check(SHOP, options, expect![[r#"
        CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, "order" REAL);
        CREATE TABLE tags (a, b, c AS (a || b), PRIMARY KEY (b DESC, a COLLATE NOCASE)) WITHOUT ROWID;
        CREATE TABLE log (rowid, line);
        CREATE VIRTUAL TABLE docs USING fts5 (body);
        CREATE VIEW names AS SELECT name FROM users;
        CREATE INDEX by_name ON users (name);
        CREATE TRIGGER t AFTER INSERT ON users BEGIN INSERT INTO log VALUES (1, new.name); END;
    "#]]).await;
}

#[tokio::test]
async fn a_schema_with_history_has_its_rows() {
    let options = ExportOptions {
        what: Contents::Schema,
        tables: vec!["_migrations".to_owned(), "LOG".to_owned()],
        ..ExportOptions::default()
    };
    check(
        SHOP,
        options,
        expect![[r#"
            PRAGMA foreign_keys=OFF;
            BEGIN TRANSACTION;
            CREATE TABLE log (rowid, line);
            CREATE TABLE _migrations (kind TEXT, version, name, checksum, effective, state, applied_at, duration_ms, run_id, applied_by, detail, source, down);
            INSERT INTO _migrations(rowid,kind,version,name,checksum,effective,state,applied_at,duration_ms,run_id,applied_by,detail,source,down) VALUES(1,'migration',1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL);
            COMMIT;
        "#]],
    )
    .await;
}

#[tokio::test]
async fn rows_alone_go_into_tables_that_are_there() {
    let options = ExportOptions {
        what: Contents::Data,
        tables: vec!["tags".to_owned(), "docs".to_owned()],
        ..ExportOptions::default()
    };
    check(
        SHOP,
        options,
        expect![[r#"
        PRAGMA foreign_keys=OFF;
        BEGIN TRANSACTION;
        INSERT INTO tags VALUES('Y',2);
        INSERT INTO tags VALUES('z',2);
        INSERT INTO tags VALUES('x',1);
        DELETE FROM docs_data;
        INSERT INTO docs_data VALUES(1,x'');
        INSERT INTO docs_data VALUES(10,x'00000000000000');
        DELETE FROM docs_idx;
        DELETE FROM docs_content;
        DELETE FROM docs_docsize;
        DELETE FROM docs_config;
        INSERT INTO docs_config VALUES('version',4);
        COMMIT;
    "#]],
    )
    .await;
}

#[tokio::test]
async fn chosen_tables_bring_their_indexes_triggers_and_numbers() {
    let options = ExportOptions {
        tables: vec!["Users".to_owned(), "names".to_owned()],
        ..ExportOptions::default()
    };
    check(
        SHOP,
        options,
        expect![[r#"
            PRAGMA foreign_keys=OFF;
            BEGIN TRANSACTION;
            CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, "order" REAL);
            INSERT INTO users VALUES(1,'it''s',1.0);
            DELETE FROM sqlite_sequence;
            INSERT INTO sqlite_sequence VALUES('users',7);
            CREATE VIEW names AS SELECT name FROM users;
            CREATE INDEX by_name ON users (name);
            CREATE TRIGGER t AFTER INSERT ON users BEGIN INSERT INTO log VALUES (1, new.name); END;
            COMMIT;
        "#]],
    )
    .await;
}

#[tokio::test]
async fn all_tables_that_are_not_there_are_told() {
    let options = ExportOptions {
        tables: vec!["user".to_owned(), "tags".to_owned(), "docs_data".to_owned()],
        ..ExportOptions::default()
    };
    check(
        SHOP,
        options,
        expect![[r#"
        error: no table or view is called `user` (did you mean `users`?), `docs_data`
    "#]],
    )
    .await;
}
