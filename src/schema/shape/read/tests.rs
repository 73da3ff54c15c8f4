use std::fmt::Write as _;
use std::time::{Duration, Instant};

use expect_test::{Expect, expect};

use super::*;
use crate::db::Options;
use crate::schema::tests::database;

/// A line for each table, then one for each column, index and reference.
fn rendered(shape: &Shape) -> String {
    let mut text = String::new();
    for table in &shape.tables {
        let names = |columns: &[usize]| names(table, columns).join(", ");
        let mut line = format!("{:?} {}", table.kind, table.name);
        if table.strictness == Strictness::Strict {
            line += " strict";
        }
        if table.rowid == RowId::Without {
            line += " without rowid";
        }
        if !table.primary_key.is_empty() {
            write!(line, " key ({})", names(&table.primary_key)).unwrap();
        }
        if let Some(key) = table.integer_key() {
            write!(line, " rowid {}", table.columns[key].name).unwrap();
        }
        writeln!(text, "{line}").unwrap();
        for column in &table.columns {
            let mut line = format!(
                "  {} '{}' {:?}",
                column.name, column.declared, column.affinity
            );
            if column.nullability == Nullability::NotNull {
                line += " not null";
            }
            if let Some(default) = &column.default {
                write!(line, " default {default}").unwrap();
            }
            if column.origin != ColumnKind::Plain {
                write!(line, " {:?}", column.origin).unwrap();
            }
            writeln!(text, "{line}").unwrap();
        }
        for index in &table.unique {
            let collations = index.collations.join(", ");
            let columns = names(&index.columns);
            writeln!(
                text,
                "  unique {} {:?} ({columns}) {collations}",
                index.name, index.origin
            )
            .unwrap();
        }
        for key in &table.foreign_keys {
            let parents = key.parent_columns.join(", ");
            let columns = names(&key.columns);
            writeln!(
                text,
                "  ({columns}) -> {} ({parents}) {}",
                key.parent, key.on_delete
            )
            .unwrap();
        }
    }
    text
}

async fn check(sql: &str, expect: Expect) {
    let db = database(sql).await;
    expect.assert_eq(&rendered(&shape(&db).await.unwrap()));
}

#[tokio::test]
async fn columns_come_with_what_decides_a_value() {
    check(
        "CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT NOT NULL COLLATE NOCASE UNIQUE, tier TEXT DEFAULT 'free',
           at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, n INTEGER NOT NULL DEFAULT (1 + 1), nil DEFAULT NULL)",
        expect![[r#"
            Ordinary users key (id)
              id 'TEXT' Text
              email 'TEXT' Text not null
              tier 'TEXT' Text default 'free'
              at 'TIMESTAMP' Numeric default CURRENT_TIMESTAMP
              n 'INTEGER' Integer not null default 1 + 1
              nil '' Blob default NULL
              unique sqlite_autoindex_users_1 PrimaryKey (id) BINARY
              unique sqlite_autoindex_users_2 Constraint (email) NOCASE
        "#]],
    )
    .await;
}

#[tokio::test]
async fn what_is_not_the_projects_own_is_left_out() {
    check(
        "CREATE TABLE b (id INTEGER PRIMARY KEY AUTOINCREMENT); CREATE TABLE A (x); ANALYZE;
         CREATE TABLE _migrations (kind); CREATE TABLE _seedbed_rows (x);
         CREATE TABLE films (e F32_BLOB(3)); CREATE INDEX films_e ON films (libsql_vector_idx(e))",
        expect![[r#"
            Ordinary A
              x '' Blob
            Ordinary b key (id) rowid id
              id 'INTEGER' Integer
            Ordinary films
              e 'F32_BLOB(3)' Blob
        "#]],
    )
    .await;
}

#[tokio::test]
async fn only_another_name_of_the_rowid_is_an_integer_key() {
    check(
        "CREATE TABLE a (id integer PRIMARY KEY); CREATE TABLE b (id INT PRIMARY KEY);
         CREATE TABLE c (id INTEGER PRIMARY KEY DESC); CREATE TABLE d (id INTEGER, PRIMARY KEY (id DESC));
         CREATE TABLE e (id INTEGER PRIMARY KEY) WITHOUT ROWID; CREATE TABLE f (id INTEGER, x, PRIMARY KEY (id, x));
         CREATE TABLE g (id INTEGER PRIMARY KEY UNIQUE); CREATE UNIQUE INDEX g_id ON g (id)",
        expect![[r#"
            Ordinary a key (id) rowid id
              id 'INTEGER' Integer
            Ordinary b key (id)
              id 'INT' Integer
              unique sqlite_autoindex_b_1 PrimaryKey (id) BINARY
            Ordinary c key (id)
              id 'INTEGER' Integer
              unique sqlite_autoindex_c_1 PrimaryKey (id) BINARY
            Ordinary d key (id) rowid id
              id 'INTEGER' Integer
            Ordinary e without rowid key (id)
              id 'INTEGER' Integer not null
              unique sqlite_autoindex_e_1 PrimaryKey (id) BINARY
            Ordinary f key (id, x)
              id 'INTEGER' Integer
              x '' Blob
              unique sqlite_autoindex_f_1 PrimaryKey (id, x) BINARY, BINARY
            Ordinary g key (id) rowid id
              id 'INTEGER' Integer
              unique g_id Made (id) BINARY
              unique sqlite_autoindex_g_1 Constraint (id) BINARY
        "#]],
    )
    .await;
}

#[tokio::test]
async fn strict_and_without_rowid_make_keys_not_null() {
    check(
        "CREATE TABLE s (k TEXT PRIMARY KEY, v ANY, r REAL) STRICT;
         CREATE TABLE w (b, a, v, PRIMARY KEY (a, b)) WITHOUT ROWID;
         CREATE TABLE i (id INTEGER PRIMARY KEY, b INT) STRICT",
        expect![[r#"
            Ordinary i strict key (id) rowid id
              id 'INTEGER' Integer
              b 'INT' Integer
            Ordinary s strict key (k)
              k 'TEXT' Text not null
              v 'ANY' Blob
              r 'REAL' Real
              unique sqlite_autoindex_s_1 PrimaryKey (k) BINARY
            Ordinary w without rowid key (a, b)
              b '' Blob not null
              a '' Blob not null
              v '' Blob
              unique sqlite_autoindex_w_1 PrimaryKey (a, b) BINARY, BINARY
        "#]],
    )
    .await;
}

#[tokio::test]
async fn unique_is_an_index_of_columns_over_all_rows() {
    check(
        "CREATE TABLE t (a, b, c AS (a + 1), UNIQUE (b, a));
         CREATE UNIQUE INDEX whole ON t (a COLLATE NOCASE DESC, b); CREATE UNIQUE INDEX partial ON t (a) WHERE b > 1;
         CREATE UNIQUE INDEX computed ON t (lower(a)); CREATE INDEX plain ON t (a);
         CREATE UNIQUE INDEX of_generated ON t (c)",
        expect![[r#"
            Ordinary t
              a '' Blob
              b '' Blob
              c '' Blob Generated
              unique of_generated Made (c) BINARY
              unique sqlite_autoindex_t_1 Constraint (b, a) BINARY, BINARY
              unique whole Made (a, b) NOCASE, BINARY
        "#]],
    )
    .await;
}

#[tokio::test]
async fn references_name_their_parent_as_it_is_named() {
    check(
        "CREATE TABLE Users (Id TEXT PRIMARY KEY, boss TEXT REFERENCES users ON DELETE SET NULL);
         CREATE TABLE pairs (b, a, PRIMARY KEY (a, b));
         CREATE TABLE child (u TEXT REFERENCES USERS (ID) ON DELETE CASCADE, x, y, z REFERENCES gone, w REFERENCES gone (K),
           v REFERENCES keyless, one REFERENCES pairs,
           FOREIGN KEY (x, y) REFERENCES pairs, FOREIGN KEY (Y, X) REFERENCES pairs (B, a));
         CREATE TABLE keyless (k)",
        expect![[r#"
            Ordinary child
              u 'TEXT' Text
              x '' Blob
              y '' Blob
              z '' Blob
              w '' Blob
              v '' Blob
              one '' Blob
              (u) -> Users (Id) CASCADE
              (z) -> gone () NO ACTION
              (w) -> gone (K) NO ACTION
              (v) -> keyless () NO ACTION
              (one) -> pairs () NO ACTION
              (x, y) -> pairs (a, b) NO ACTION
              (y, x) -> pairs (b, a) NO ACTION
            Ordinary keyless
              k '' Blob
            Ordinary pairs key (a, b)
              b '' Blob
              a '' Blob
              unique sqlite_autoindex_pairs_1 PrimaryKey (a, b) BINARY, BINARY
            Ordinary Users key (Id)
              Id 'TEXT' Text
              boss 'TEXT' Text
              unique sqlite_autoindex_Users_1 PrimaryKey (Id) BINARY
              (boss) -> Users (Id) SET NULL
        "#]],
    )
    .await;
}

#[tokio::test]
async fn cycles_are_read_like_anything_else() {
    check(
        "CREATE TABLE a (id INTEGER PRIMARY KEY, b REFERENCES b); CREATE TABLE b (id INTEGER PRIMARY KEY, a REFERENCES a)",
        expect![[r#"
            Ordinary a key (id) rowid id
              id 'INTEGER' Integer
              b '' Blob
              (b) -> b (id) NO ACTION
            Ordinary b key (id) rowid id
              id 'INTEGER' Integer
              a '' Blob
              (a) -> a (id) NO ACTION
        "#]],
    )
    .await;
}

#[tokio::test]
async fn generated_and_hidden_columns_are_told() {
    check(
        "CREATE TABLE t (a INTEGER, v INT GENERATED ALWAYS AS (a + 1) VIRTUAL, s TEXT AS (a || 'x') STORED, z);
         CREATE VIRTUAL TABLE docs USING fts5 (title, body UNINDEXED)",
        expect![[r#"
            Virtual docs
              title '' Blob
              body '' Blob
              docs '' Blob Hidden
              rank '' Blob Hidden
            Ordinary t
              a 'INTEGER' Integer
              v 'INT' Integer Generated
              s 'TEXT' Text Generated
              z '' Blob
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_view_of_a_table_that_is_gone_takes_nothing_from_the_others() {
    check(
        "CREATE TABLE t (a TEXT); CREATE VIEW v AS SELECT a, 1 AS one FROM t",
        expect![[r#"
            Ordinary t
              a 'TEXT' Text
            View v
              a 'TEXT' Text
              one '' Blob
        "#]],
    )
    .await;
    check(
        "CREATE TABLE t (a TEXT); CREATE VIEW broken AS SELECT a FROM gone; CREATE VIRTUAL TABLE f USING fts5 (x)",
        expect![[r#"
            View broken
            Virtual f
              x '' Blob
              f '' Blob Hidden
              rank '' Blob Hidden
            Ordinary t
              a 'TEXT' Text
        "#]],
    )
    .await;
}

#[tokio::test]
async fn any_name_is_a_name() {
    check(
        "CREATE TABLE \"odd \"\"name\" (\"a b\" TEXT PRIMARY KEY, \"select\" REFERENCES \"tä'ble\");
         CREATE TABLE \"tä'ble\" (\"ключ\" INTEGER PRIMARY KEY, [x\"y] UNIQUE);
         CREATE TABLE \"'quoted'\" (x)",
        expect![[r#"
            Ordinary 'quoted'
              x '' Blob
            Ordinary odd "name key (a b)
              a b 'TEXT' Text
              select '' Blob
              unique sqlite_autoindex_odd "name_1 PrimaryKey (a b) BINARY
              (select) -> tä'ble (ключ) NO ACTION
            Ordinary tä'ble key (ключ) rowid ключ
              ключ 'INTEGER' Integer
              x"y '' Blob
              unique sqlite_autoindex_tä'ble_1 Constraint (x"y) BINARY
        "#]],
    )
    .await;
}

#[tokio::test]
async fn names_are_found_whatever_their_case_and_keys_in_any_order() {
    let db = database(
        "CREATE TABLE Zoo (Id INTEGER PRIMARY KEY, a, b, UNIQUE (a, b)); CREATE TABLE ä (x)",
    )
    .await;
    let shape = shape(&db).await.unwrap();
    let zoo = shape.table("zOO").unwrap();
    assert_eq!(zoo.name, "Zoo");
    assert_eq!((shape.table("zo"), shape.table("Ä")), (None, None));
    assert_eq!((zoo.column("ID"), zoo.column("none")), (Some(0), None));
    for (columns, expect) in [
        (&[0][..], true),
        (&[1, 2], true),
        (&[2, 1], true),
        (&[1], false),
        (&[0, 1], false),
        (&[1, 1], false),
        (&[], false),
    ] {
        assert_eq!(zoo.is_unique(columns), expect, "{columns:?}");
    }
}

#[test]
fn affinities_are_those_of_the_engine() {
    for (declared, expect) in [
        ("INT", Affinity::Integer),
        ("unsigned big int", Affinity::Integer),
        ("CHARINT", Affinity::Integer),
        ("FLOATING POINT", Affinity::Integer),
        ("NVARCHAR(100)", Affinity::Text),
        ("clob", Affinity::Text),
        ("BLOB", Affinity::Blob),
        ("F32_BLOB(3)", Affinity::Blob),
        ("", Affinity::Blob),
        ("DOUBLE PRECISION", Affinity::Real),
        ("float", Affinity::Real),
        ("DECIMAL(10,5)", Affinity::Numeric),
        ("BOOLEAN", Affinity::Numeric),
        ("TIMESTAMP", Affinity::Numeric),
        ("STRING", Affinity::Numeric),
        ("ANY", Affinity::Numeric),
    ] {
        assert_eq!(
            affinity(declared, Strictness::Flexible),
            expect,
            "{declared}"
        );
    }
    assert_eq!(affinity("any", Strictness::Strict), Affinity::Blob);
}

#[tokio::test]
async fn a_database_that_is_not_there_has_an_empty_shape_and_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("none.db");
    let db = Db::local(&file, Options::default()).unwrap();
    assert_eq!(shape(&db).await.unwrap(), Shape::default());
    assert!(!file.exists());
}

#[tokio::test]
async fn a_thousand_tables_are_no_work() {
    let sql: String = (0..1000)
        .map(|n| {
            format!(
                "CREATE TABLE t{n} (id TEXT PRIMARY KEY, a TEXT UNIQUE, b, c, d, e REFERENCES t{} (id));",
                n / 2
            )
        })
        .collect();
    let db = database(&sql).await;
    let before = Instant::now();
    let shape = shape(&db).await.unwrap();
    let took = before.elapsed();
    assert_eq!(shape.tables.len(), 1000);
    assert_eq!(shape.table("T999").unwrap().foreign_keys[0].parent, "t499");
    assert!(took < Duration::from_secs(5), "{took:?}");
}
