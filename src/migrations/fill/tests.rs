use super::*;
use crate::db::{Failure, Transaction};
use crate::schema::tests::database;
use crate::script::{Atomicity, ForeignKeys, Step};
use std::sync::Arc;

async fn filled(sql: &str) -> (Db, Vec<Unfilled>) {
    let db = database(sql).await;
    let mut fill = Fill::new(Literals::of([sql]));
    let unfilled = fill.before(&db).await.unwrap();
    (db, unfilled)
}

/// How many rows each table has.
async fn rows(db: &Db) -> String {
    let tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name";
    let mut counts = Vec::new();
    for [name] in db.rows::<1>(Query::new(tables)).await.unwrap() {
        let name = name.as_str().unwrap().to_owned();
        let count = Query::new(format!("SELECT count(*) FROM {}", identifier(&name)));
        let count = db.ask(count).await.unwrap().count().unwrap();
        counts.push(format!("{name} {count}"));
    }
    counts.join(", ")
}

#[track_caller]
fn is_filled(unfilled: &[Unfilled]) {
    assert_eq!(unfilled, []);
}

#[tokio::test]
async fn each_kind_of_table_takes_rows() {
    let tables = [
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL)",
        "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, n INT UNIQUE)",
        "CREATE TABLE t (id TEXT PRIMARY KEY, n REAL NOT NULL) WITHOUT ROWID",
        "CREATE TABLE t (id BLOB PRIMARY KEY NOT NULL, x)",
        "CREATE TABLE t (a INT NOT NULL, b REAL, c TEXT NOT NULL, d BLOB NOT NULL, e ANY) STRICT",
        "CREATE TABLE t (a TEXT NOT NULL CHECK (a IN ('x', 'y')))",
        "CREATE TABLE t (a TEXT PRIMARY KEY CHECK (a IN ('x', 'y')))",
        "CREATE TABLE t (id INTEGER PRIMARY KEY CHECK (id = 1), v TEXT NOT NULL)",
        "CREATE TABLE t (a INT NOT NULL CHECK (a BETWEEN 5000 AND 5010), b INT NOT NULL CHECK (b > a))",
        "CREATE TABLE t (a TEXT NOT NULL CHECK (length(a) = 3), b TEXT NOT NULL UNIQUE CHECK (length(b) BETWEEN 7 AND 8))",
        "CREATE TABLE t (a TEXT NOT NULL CHECK (a LIKE '%@%.%'), b TEXT NOT NULL CHECK (b GLOB '[0-9][0-9][A-Z]'))",
        "CREATE TABLE t (a NOT NULL CHECK (typeof(a) = 'integer'), b NOT NULL CHECK (typeof(b) = 'blob'))",
        "CREATE TABLE t (meta TEXT NOT NULL CHECK (json_valid(meta)), k TEXT AS (json_extract(meta, '$.k')) STORED)",
        "CREATE TABLE t (a TEXT NOT NULL CHECK (json_type(a) = 'array'))",
        "CREATE TABLE t (kind TEXT NOT NULL CHECK (kind IN ('card', 'bank')), card TEXT, bank TEXT,
           CHECK ((kind = 'card' AND card IS NOT NULL AND bank IS NULL) OR (kind = 'bank' AND bank IS NOT NULL AND card IS NULL)))",
        "CREATE TABLE t (a DATE NOT NULL CHECK (date(a) IS NOT NULL AND a > '2030-01-01'), b DATETIME NOT NULL)",
        "CREATE TABLE t (a BOOLEAN NOT NULL CHECK (a IN (0, 1)), b DECIMAL(10, 2) NOT NULL CHECK (b >= 0.5 AND b < 1))",
        "CREATE TABLE t (email TEXT COLLATE NOCASE NOT NULL UNIQUE CHECK (email = lower(email)))",
        "CREATE TABLE t (e TEXT NOT NULL, gone INT); CREATE UNIQUE INDEX i ON t (lower(e)) WHERE gone IS NULL",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, up INTEGER NOT NULL REFERENCES t (id))",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, up INTEGER REFERENCES t (id), CHECK (up <> id))",
        "CREATE TABLE t (id TEXT PRIMARY KEY, up TEXT REFERENCES t)",
        "CREATE TABLE t (a F32_BLOB(3) NOT NULL); CREATE INDEX i ON t (libsql_vector_idx(a))",
        "CREATE TABLE t (\"select\" TEXT NOT NULL, \"a\"\"b\" INT NOT NULL, rowid TEXT NOT NULL, CHECK (t.\"select\" <> ''))",
        "CREATE TABLE t (a INT NOT NULL DEFAULT 5 CHECK (a > 3 AND a % 2 = 1))",
        "CREATE TABLE t (slug TEXT NOT NULL CHECK (slug NOT LIKE '% %' AND slug GLOB '[a-z]*' AND length(slug) <= 5))",
    ];
    for sql in tables {
        let (db, unfilled) = filled(sql).await;
        assert_eq!(unfilled, [], "{sql}");
        let rows = rows(&db).await;
        assert!(!rows.ends_with("t 0"), "{sql}: {rows}");
    }
}

#[tokio::test]
async fn tables_that_refer_to_each_other_take_rows() {
    let schemas = [
        "CREATE TABLE a (id INTEGER PRIMARY KEY, b INT REFERENCES b (id)); CREATE TABLE b (id INTEGER PRIMARY KEY, a INT REFERENCES a (id))",
        "CREATE TABLE a (id INTEGER PRIMARY KEY, b INT NOT NULL REFERENCES b (id)); CREATE TABLE b (id INTEGER PRIMARY KEY, a INT NOT NULL REFERENCES a (id))",
        "CREATE TABLE a (id INTEGER PRIMARY KEY, b TEXT NOT NULL REFERENCES b (code)); CREATE TABLE b (code TEXT PRIMARY KEY, a INT NOT NULL REFERENCES a (id))",
        "CREATE TABLE a (email TEXT PRIMARY KEY, b TEXT NOT NULL REFERENCES b (slug)); CREATE TABLE b (slug TEXT PRIMARY KEY, a TEXT NOT NULL REFERENCES a (email))",
        "CREATE TABLE a (x INT, y TEXT, b INT NOT NULL REFERENCES b (id), PRIMARY KEY (x, y)); \
         CREATE TABLE b (id INTEGER PRIMARY KEY, x INT NOT NULL, y TEXT NOT NULL, FOREIGN KEY (x, y) REFERENCES a (x, y))",
        "CREATE TABLE a (id INTEGER PRIMARY KEY CHECK (id < 50), b INT NOT NULL REFERENCES b (id)); CREATE TABLE b (id INTEGER PRIMARY KEY, a INT NOT NULL REFERENCES a (id))",
        "CREATE TABLE a (id INTEGER PRIMARY KEY, b INT NOT NULL UNIQUE REFERENCES b (id)); CREATE TABLE b (id INTEGER PRIMARY KEY, c TEXT NOT NULL REFERENCES c (id)); \
         CREATE TABLE c (id TEXT PRIMARY KEY, a INT NOT NULL UNIQUE REFERENCES a (id), kind TEXT NOT NULL CHECK (kind IN ('x', 'y')))",
    ];
    for sql in schemas {
        let (db, unfilled) = filled(sql).await;
        assert_eq!(unfilled, [], "{sql}");
        let rows = rows(&db).await;
        assert!(!rows.contains(" 0"), "{sql}: {rows}");
        let broken = db.rows::<4>(Query::new("PRAGMA foreign_key_check")).await;
        assert_eq!(broken.unwrap().len(), 0, "{sql}");
    }
}

#[tokio::test]
async fn a_table_whose_parent_does_not_exist_yet_takes_rows_that_refer_to_none() {
    let (db, unfilled) =
        filled("CREATE TABLE a (id INTEGER PRIMARY KEY, b INT REFERENCES b (id), x TEXT NOT NULL)")
            .await;
    is_filled(&unfilled);
    assert_eq!(rows(&db).await, "a 10");
    let (db, unfilled) = filled(
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE a (p INT NOT NULL REFERENCES p (id), b INT REFERENCES b)",
    )
    .await;
    is_filled(&unfilled);
    assert_eq!(rows(&db).await, "a 10, p 10");
    // With foreign keys on, no row can be in such a table.
    let (db, unfilled) = filled("CREATE TABLE a (b INT NOT NULL REFERENCES b (id))").await;
    assert_eq!(unfilled[0].reason, "no such table: main.b");
    assert_eq!(rows(&db).await, "a 0");
}

#[tokio::test]
async fn a_statement_that_fails_on_any_rows_is_told_from_one_that_fails_on_some() {
    const ANY: bool = true;
    const SOME: bool = false;
    let schema = "
        CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
        CREATE TABLE t (id INTEGER PRIMARY KEY, n INT, status TEXT CHECK (status IN ('a', 'b')), pid INTEGER REFERENCES p (id));
        CREATE TABLE s (id INTEGER PRIMARY KEY, n INT) STRICT;
        CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT NOT NULL, c INT DEFAULT 1 CHECK (c > 0));";
    let statements = [
        ("ALTER TABLE t ADD COLUMN c TEXT NOT NULL", ANY),
        ("ALTER TABLE t ADD c TEXT DEFAULT CURRENT_TIMESTAMP", ANY),
        (
            "ALTER TABLE main.t ADD COLUMN c TEXT DEFAULT (datetime('now'))",
            ANY,
        ),
        (
            "ALTER TABLE t ADD COLUMN c INTEGER NOT NULL DEFAULT 0 REFERENCES p (id)",
            ANY,
        ),
        (
            "ALTER TABLE t ADD COLUMN c INT GENERATED ALWAYS AS (n + 1) STORED",
            ANY,
        ),
        (
            "ALTER TABLE t ADD COLUMN c INT DEFAULT 5 CHECK (c < 3)",
            ANY,
        ),
        (
            "ALTER TABLE t ADD COLUMN c INT DEFAULT 5 CHECK (c < n)",
            SOME,
        ),
        ("ALTER TABLE t ADD COLUMN c INT NOT NULL CHECK (c < n)", ANY),
        ("ALTER TABLE t ADD COLUMN c INT NOT NULL AS (pid)", SOME),
        (
            "ALTER TABLE t ADD COLUMN c INT AS (n * 2) CHECK (c > 1e9)",
            SOME,
        ),
        (
            "ALTER TABLE t ADD COLUMN c INT AS (n * 2) CHECK (typeof(c) = 'text')",
            SOME,
        ),
        (
            "ALTER TABLE t ADD COLUMN c INT DEFAULT 5 CHECK (rowid > 1000000000000000)",
            SOME,
        ),
        ("ALTER TABLE t ADD COLUMN c INT AS (3) CHECK (c > 5)", ANY),
        ("ALTER TABLE t ADD COLUMN c INT NOT NULL AS (NULL)", ANY),
        ("ALTER TABLE s ADD COLUMN c INT DEFAULT 'abc'", ANY),
        ("UPDATE t SET status = 'x'", ANY),
        ("UPDATE t SET status = 'x' WHERE n > 1", SOME),
        ("UPDATE p SET name = NULL", ANY),
        ("UPDATE s SET n = 'abc'", ANY),
        ("UPDATE p SET id = 1", SOME),
        ("UPDATE p SET id = 'a'", ANY),
        ("UPDATE n SET c = n.c - 10", SOME),
        ("INSERT INTO n (id, a) SELECT id, name FROM p", ANY),
        ("INSERT INTO n (id, a, b) SELECT id, name, NULL FROM p", ANY),
        (
            "INSERT INTO n SELECT id, name, name, 0 FROM p ORDER BY id",
            ANY,
        ),
        (
            "INSERT INTO n (id, a, b) SELECT id, status, 'x' FROM t",
            SOME,
        ),
        ("CREATE UNIQUE INDEX i ON t (n)", SOME),
        ("UPDATE t SET n = abs(-9223372036854775807 - 1)", SOME),
    ];
    for (statement, expect) in statements {
        let (db, unfilled) = filled(schema).await;
        is_filled(&unfilled);
        let transaction = Transaction {
            foreign_keys: ForeignKeys::On,
            atomicity: Atomicity::Transaction,
            steps: [Step::own(statement, vec![])].into(),
        };
        let error = db
            .run(vec![transaction], Arc::new(|_| {}))
            .await
            .unwrap_err();
        let Failure::Step { error, .. } = error else {
            panic!("{statement}: {error:?}")
        };
        let found = depends(&db, ForeignKeys::On, &[], statement).await.unwrap();
        let any = matches!(found, Depends::OnTheStatement { .. });
        assert_eq!(any, expect, "{statement}: {error}");
    }
}

#[tokio::test]
async fn parents_are_filled_before_their_children_and_circles_are_closed() {
    let schemas = [
        "CREATE TABLE child (id INTEGER PRIMARY KEY, p INTEGER NOT NULL REFERENCES parent (id)); CREATE TABLE parent (id INTEGER PRIMARY KEY)",
        "CREATE TABLE a (id TEXT PRIMARY KEY, b TEXT REFERENCES b); CREATE TABLE b (id TEXT PRIMARY KEY, a TEXT NOT NULL REFERENCES a); CREATE TABLE c (a NOT NULL REFERENCES a (id), b NOT NULL REFERENCES b, PRIMARY KEY (a, b)) WITHOUT ROWID",
        "CREATE TABLE a (id INTEGER PRIMARY KEY, b INT NOT NULL REFERENCES b DEFERRABLE INITIALLY DEFERRED); CREATE TABLE b (id INTEGER PRIMARY KEY, a INT NOT NULL REFERENCES a)",
        "CREATE TABLE tenant (id INTEGER PRIMARY KEY); CREATE TABLE u (tenant INT NOT NULL REFERENCES tenant, id INT NOT NULL, PRIMARY KEY (tenant, id)); CREATE TABLE post (id INTEGER PRIMARY KEY, tenant INT NOT NULL REFERENCES tenant, author INT NOT NULL, FOREIGN KEY (tenant, author) REFERENCES u)",
        "CREATE TABLE u (id INTEGER PRIMARY KEY); CREATE TABLE friend (a INT NOT NULL REFERENCES u, b INT NOT NULL REFERENCES u, PRIMARY KEY (a, b), CHECK (a < b))",
        "CREATE TABLE role (name TEXT PRIMARY KEY CHECK (name IN ('admin', 'user'))); CREATE TABLE u (id INTEGER PRIMARY KEY, role TEXT NOT NULL REFERENCES role); CREATE TABLE profile (u INTEGER PRIMARY KEY REFERENCES u, bio TEXT)",
        "CREATE TABLE doc (id INTEGER PRIMARY KEY, body TEXT); CREATE VIRTUAL TABLE doc_fts USING fts5 (body, content = 'doc', content_rowid = 'id'); CREATE TRIGGER doc_ai AFTER INSERT ON doc BEGIN INSERT INTO doc_fts (rowid, body) VALUES (NEW.id, NEW.body); END",
    ];
    for sql in schemas {
        let (db, unfilled) = filled(sql).await;
        assert_eq!(unfilled, [], "{sql}");
        let orphans: Vec<[Value; 4]> = db
            .rows(Query::new("PRAGMA foreign_key_check"))
            .await
            .unwrap();
        assert!(orphans.is_empty(), "{sql}");
    }
}

#[tokio::test]
async fn only_what_is_new_is_filled_and_generated_rows_can_be_removed() {
    let db = database("CREATE TABLE a (id INTEGER PRIMARY KEY, n TEXT); CREATE TABLE b (a REFERENCES a (id)); INSERT INTO a VALUES (1, 'x')").await;
    let mut fill = Fill::new(Literals::of([
        "INSERT INTO a VALUES (1, 'x'), (900001000, 'rehearsed1')",
    ]));
    fill.before(&db).await.unwrap();
    assert_eq!(rows(&db).await, "a 1, b 10");
    change(&db, "CREATE TABLE c (id INTEGER PRIMARY KEY AUTOINCREMENT, a INT REFERENCES a, t TEXT); DELETE FROM b").await;
    fill.before(&db).await.unwrap();
    assert_eq!(rows(&db).await, "a 1, b 0, c 10");
    change(
        &db,
        "INSERT INTO c (a) VALUES (1); CREATE TABLE d AS SELECT * FROM c",
    )
    .await;
    fill.before(&db).await.unwrap();
    assert_eq!(rows(&db).await, "a 1, b 0, c 11, d 11");
    change(
        &db,
        "CREATE TRIGGER r BEFORE DELETE ON c BEGIN SELECT RAISE(ABORT, 'no'); END",
    )
    .await;
    fill.empty(&db).await.unwrap();
    assert_eq!(rows(&db).await, "a 1, b 0, c 1, d 1");
    let triggers = "SELECT 1 FROM sqlite_schema WHERE type = 'trigger'";
    assert_eq!(db.rows::<1>(Query::new(triggers)).await.unwrap().len(), 1);
    fill.before(&db).await.unwrap();
    assert_eq!(rows(&db).await, "a 1, b 10, c 1, d 1");
}

#[tokio::test]
async fn a_table_that_takes_no_generated_row_is_reported_once_with_the_engines_words() {
    let db = database("CREATE TABLE a (n INT); CREATE TRIGGER r BEFORE INSERT ON a BEGIN SELECT RAISE(ABORT, 'the table is closed'); END;
        CREATE TABLE b (n TEXT NOT NULL CHECK (n = printf('%s-%d', 'a', 1729)));
        CREATE TABLE _sqlx_migrations (version INT, success INT, checksum TEXT); CREATE TABLE _migrations (x)").await;
    let mut fill = Fill::new(Literals::of([]));
    let unfilled = fill.before(&db).await.unwrap();
    let unfilled: Vec<String> = unfilled
        .into_iter()
        .map(|it| format!("{}: {}", it.table, it.reason))
        .collect();
    assert_eq!(
        unfilled,
        [
            "a: the table is closed",
            "b: CHECK constraint failed: n = printf('%s-%d', 'a', 1729)"
        ]
    );
    assert_eq!(
        rows(&db).await,
        "_migrations 0, _sqlx_migrations 0, a 0, b 0"
    );
    assert_eq!(fill.before(&db).await.unwrap(), []);
    change(&db, "DROP TRIGGER r; ALTER TABLE a ADD COLUMN m INT").await;
    assert_eq!(fill.before(&db).await.unwrap(), []);
    assert_eq!(
        rows(&db).await,
        "_migrations 0, _sqlx_migrations 0, a 10, b 0"
    );
}

async fn change(db: &Db, sql: &str) {
    let steps = crate::sql::split(sql).unwrap();
    let steps: Vec<String> = steps.iter().map(|it| it.text(sql).to_owned()).collect();
    let stopped = insert::run(db, &steps, Atomicity::Bare, ForeignKeys::On)
        .await
        .unwrap();
    assert_eq!(stopped, None);
}

mod agreement;
