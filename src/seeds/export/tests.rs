//! What is exported is what is there: in the same database it changes nothing, and in a new one it makes equal rows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;
use crate::db::{Options, Rows, Transaction};
use crate::migrations::{self, Migrations, PlanOptions};
use crate::script::{Atomicity, ForeignKeys, Run, Source, Step};
use crate::seeds::{self, Choice, Refresh, SeedOptions, Seeds, Variables, parse};

/// A database that a migration has made.
async fn migrated(sql: &str) -> (Db, Migrations) {
    let set = Migrations::embedded(&[("V1__tables.sql", sql.as_bytes())]);
    let db = Db::memory(Options::default()).await.unwrap();
    let run = Run::new("test");
    migrations::apply(
        &db,
        &set,
        &PlanOptions::default(),
        &run,
        &migrations::ignore(),
    )
    .await
    .unwrap_or_else(|error| panic!("{error:?}: {sql}"));
    (db, set)
}

/// Writes one row; some do not fit.
async fn insert(db: &Db, sql: &str, args: Vec<Value>) -> bool {
    let transaction = Transaction {
        foreign_keys: ForeignKeys::On,
        atomicity: Atomicity::Transaction,
        steps: [Step::own(sql, args)].into(),
    };
    db.run(vec![transaction], Arc::new(|_| {})).await.is_ok()
}

fn all(masks: &[&str]) -> ExportOptions {
    let mask = |word: &&str| {
        let (table, column) = word.split_once('.').unwrap();
        let (table, column) = (table.to_owned(), column.to_owned());
        Mask { table, column }
    };
    ExportOptions {
        tables: Tables::All,
        masks: masks.iter().map(mask).collect(),
    }
}

/// How many rows seeding with a file changes.
async fn seed(db: &Db, set: &Migrations, yaml: &str) -> usize {
    let source = Source {
        name: "seeds/export.yaml".to_owned(),
        text: yaml.into(),
    };
    let (file, problems) = parse("export", Arc::new(source));
    let seeds = Seeds {
        files: vec![file],
        shared: None,
        attachments: BTreeMap::new(),
        problems,
        ..Seeds::default()
    };
    let options = SeedOptions {
        choice: Choice {
            environment: "dev".to_owned(),
            tags: Vec::new(),
        },
        refresh: Refresh::No,
        mark: None,
        variables: Variables::Known(BTreeMap::new()),
        now: SystemTime::UNIX_EPOCH,
    };
    let (run, on_event) = (Run::new("test"), migrations::ignore());
    let (_, plan) = seeds::apply(db, &seeds, set, &options, &run, &on_event)
        .await
        .unwrap_or_else(|error| panic!("{error:?}\n{yaml}"));
    let (inserted, updated, deleted, _) = plan.counts();
    inserted + updated + deleted
}

async fn contents(db: &Db) -> Vec<(String, Rows)> {
    let shape = shape(db).await.unwrap();
    let queries = shape.tables.iter().map(rows).collect();
    let answers = db.query(queries).await.unwrap();
    let names = shape.tables.iter().map(|table| table.name.clone());
    names.zip(answers.into_iter().map(Result::unwrap)).collect()
}

/// The file, and that it is the same rows again.
async fn round_trip(sql: &str, rows: &[&str], masks: &[&str], expect: Expect) {
    let (db, set) = migrated(sql).await;
    for row in rows {
        assert!(insert(&db, row, vec![]).await, "{row}");
    }
    let exported = match export(&db, &all(masks)).await {
        Ok(exported) => exported,
        Err(error) => return expect.assert_eq(&format!("{error}\n")),
    };
    expect.assert_eq(&exported.yaml);
    let before = contents(&db).await;
    assert_eq!(seed(&db, &set, &exported.yaml).await, 0);
    assert_eq!(contents(&db).await, before);
    let (fresh, set) = migrated(sql).await;
    seed(&fresh, &set, &exported.yaml).await;
    if masks.is_empty() {
        assert_eq!(contents(&fresh).await, before);
    }
    // Generated values are not generated again.
    assert_eq!(seed(&fresh, &set, &exported.yaml).await, 0);
}

#[tokio::test]
async fn references_are_labels_and_values_are_what_their_columns_hold() {
    round_trip(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, phone TEXT, note TEXT DEFAULT 'x',
           boss_id INTEGER REFERENCES users, born TIMESTAMP, ratio REAL, blob BLOB, up TEXT AS (upper(email)));
         CREATE TABLE tags (user_id INTEGER REFERENCES users (id), tag, PRIMARY KEY (user_id, tag)) WITHOUT ROWID;
         CREATE TABLE posts (slug TEXT PRIMARY KEY, author TEXT REFERENCES users (email));",
        &[
            "INSERT INTO users (id, email, phone, note, boss_id, born, ratio, blob) VALUES
               (1, 'ann@example.test', '007', NULL, 2, '2020-01-01T00:00:00Z', 1.0, x'00ff'),
               (2, 'bob@example.test', 'no', 'a: b # ${c} ''d''', 2, 'soon', -0.1, x''),
               (3, 'cy@example.test', ' +1 ', '{\"json\": [1]}', NULL, 1700000000, 1e300, 'text')",
            "INSERT INTO users (id, email, note) VALUES (4, 'dee@example.test', 'two\n\n  lines\n')",
            "INSERT INTO tags VALUES (1, 7), (1, '7'), (2, 7.0), (2, 'null')",
            "INSERT INTO posts VALUES ('first-post', 'bob@example.test')",
        ],
        &[],
        expect![[r#"
            _seed: {format: 1}

            users:
              ann:
                id: 1
                email: ann@example.test
                phone: '007'
                note: ~
                boss: bob
                born: 2020-01-01T00:00:00Z
                ratio: 1.0
                blob: !!binary AP8=
              bob:
                id: 2
                email: bob@example.test
                phone: "no"
                note: 'a: b # $${c} ''d'''
                boss: bob
                born: "soon"
                ratio: -0.1
                blob: !!binary ""
              cy:
                id: 3
                email: cy@example.test
                phone: ' +1 '
                note: '{"json": [1]}'
                born: 1700000000
                ratio: 1e300
                blob: text
              dee:
                id: 4
                email: dee@example.test
                note: |
                  two

                    lines

            posts:
              first-post:
                slug: first-post
                author: !ref users.bob.email

            tags:
              tags_1_7:
                user: ann
                tag: 7
              tags_1_7_2:
                user: ann
                tag: '7'
              tags_2_7:
                user: bob
                tag: 7.0
              2_null:
                user: bob
                tag: "null"
        "#]],
    )
    .await;
}

#[tokio::test]
async fn masked_columns_leave_the_file_and_stay_in_the_database() {
    round_trip(
        "CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT UNIQUE, phone TEXT, pin INTEGER NOT NULL, name TEXT);",
        &["INSERT INTO users VALUES ('u1', 'ann@home.test', '+49', 12, 'Ann'), ('u2', NULL, NULL, 34, 'Bob')"],
        &["users.email", "users.phone", "users.pin", "users.name"],
        expect![[r#"
            _seed: {format: 1}

            users:
              _keep: [email, phone, pin, name]
              _defaults:
                email: ${label}@example.test
                phone: !fake phone.e164
                pin: !int 1..999999999
                name: masked_${label}
              u1:
                id: u1
              u2:
                id: u2
                email: ~
                phone: ~
        "#]],
    )
    .await;
}

#[tokio::test]
async fn rows_without_a_usable_primary_key_are_found_by_a_unique_index() {
    round_trip(
        "CREATE TABLE odd (a TEXT PRIMARY KEY, b INTEGER, c INTEGER, UNIQUE (b, c));
         CREATE TABLE empty (x);",
        &["INSERT INTO odd VALUES (NULL, 1, 2), ('x', 1, 3)"],
        &[],
        expect![[r#"
            _seed: {format: 1}

            empty: {}

            odd:
              _key: [b, c]
              odd_1_2:
                a: ~
                b: 1
                c: 2
              odd_1_3:
                a: x
                b: 1
                c: 3
        "#]],
    )
    .await;
}

#[tokio::test]
async fn what_no_seed_can_say_is_told_all_at_once() {
    round_trip(
        "CREATE TABLE a (id INTEGER PRIMARY KEY, x, n INTEGER);
         CREATE TABLE bare (x);
         CREATE TABLE nul (x TEXT PRIMARY KEY);",
        &[
            "INSERT INTO a VALUES (1, 'a' || char(0), x'00'), (2, 9e999, 1), (3, -9e999, 2)",
            "INSERT INTO bare VALUES (1)",
            "INSERT INTO nul VALUES (NULL)",
        ],
        &[],
        expect![[r#"
            `a.x` has text with a NUL in it, in 1 of the rows; the rows of `bare` could not be found again: it has no primary key and no unique index; the rows of `nul` could not be found again: its primary key and its unique indexes have a NULL in some row; `n` of the row of `a` with `id` 1 is bytes in a column of numbers; `x` of the row of `a` with `id` 2 is infinite, and a seed has finite numbers only, and so does another row
        "#]],
    )
    .await;
}

#[tokio::test]
async fn what_is_not_there_is_not_exported() {
    let sql = "CREATE TABLE users (id INTEGER PRIMARY KEY); CREATE VIEW people AS SELECT * FROM users;
               CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users, t TEXT);";
    let (db, _) = migrated(sql).await;
    let check = async |tables: &[&str], masks: &[&str], expect: Expect| {
        let options = ExportOptions {
            tables: Tables::Named(tables.iter().map(|it| (*it).to_owned()).collect()),
            ..all(masks)
        };
        let told = match export(&db, &options).await {
            Ok(exported) => exported.yaml,
            Err(error) => error.to_string(),
        };
        expect.assert_eq(&told);
    };
    check(&["user", "people", "_migrations"], &[], expect!["there is no table `user`; `people` is a view, and rows are seeded into tables; there is no table `_migrations`"]).await;
    let masks = ["posts.id", "posts.user_id", "users.x", "posts.tt", "x.y"];
    check(&["posts"], &masks, expect!["`posts.id` cannot be masked: rows are found by it; `posts.user_id` cannot be masked: its values are those of other rows; table `users` has no column `x` to mask; table `posts` has no column `tt` to mask; there is no table `x`"]).await;
}

#[tokio::test]
async fn a_row_without_its_parent_is_told() {
    let sql = "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INTEGER REFERENCES a);
               CREATE TABLE n (name TEXT PRIMARY KEY COLLATE NOCASE); CREATE TABLE m (id INTEGER PRIMARY KEY, n TEXT REFERENCES n);";
    let (db, _) = migrated(sql).await;
    let transaction = Transaction {
        foreign_keys: ForeignKeys::Off,
        atomicity: Atomicity::Transaction,
        steps: vec![
            Step::own("INSERT INTO b VALUES (1, 7), (2, 8)", vec![]),
            Step::own("INSERT INTO n VALUES ('Ann')", vec![]),
            Step::own("INSERT INTO m VALUES (1, 'ann'), (2, 'ANN')", vec![]),
        ]
        .into(),
    };
    db.run(vec![transaction], Arc::new(|_| {})).await.unwrap();
    let error = export(&db, &all(&[])).await.unwrap_err();
    expect!["2 of the rows of `b` refer to a row of `a` that is not there; `n` of the row of `m` with `id` 1 refers to a row of `n` by a value that is spelled otherwise there"].assert_eq(&error.to_string());
}

/// Values that other writers of YAML spoil, and plain ones.
fn value() -> impl Strategy<Value = Value> {
    let texts = prop::sample::select(vec![
        "",
        "no",
        "007",
        "+15551234567",
        "1.10",
        "~",
        "null",
        "true",
        " a ",
        "a: b",
        "a #b",
        "- x",
        "${x}",
        "$${x}",
        "2020-01-01",
        "2020-13-45",
        "1e5",
        "inf",
        "-",
        "'",
        "\"",
        "a\nb",
        "a\n\n b\n",
        "\n",
        "a\r\nb",
        "\t",
        "!x",
        "&a",
        "*a",
        "<<",
        "{a: 1}",
        "[1]",
        "%",
        "@",
        "`",
        "é日\u{2028}\u{1F600}",
        "\u{feff}",
        "0x1F",
        "_x",
        "1_000",
        "x y",
    ]);
    prop_oneof![
        1 => Just(Value::Null),
        3 => (-3_i64..3).prop_map(Value::Integer),
        1 => any::<i64>().prop_map(Value::Integer),
        1 => any::<f64>().prop_filter("finite", |it| it.is_finite()).prop_map(Value::Real),
        2 => prop::sample::select(vec![0.0, -0.0, 1.0, 0.1, 1e21, 9.007_199_254_740_993e15, 1.5]).prop_map(Value::Real),
        5 => texts.prop_map(|text| Value::Text(text.to_owned())),
        1 => "[ -~\n\t\u{85}\u{e9}]{0,12}".prop_map(Value::Text),
        1 => prop::collection::vec(any::<u8>(), 0..5).prop_map(Value::Blob),
    ]
}

/// Two tables of which the second refers to the first and to itself, by one column and by two.
fn tables() -> impl Strategy<Value = (String, bool)> {
    let strict = || prop::sample::select(vec!["INTEGER", "TEXT", "REAL", "BLOB", "ANY"]);
    let loose = || {
        prop::sample::select(vec![
            "INTEGER",
            "TEXT",
            "REAL",
            "BLOB",
            "NUMERIC",
            "TIMESTAMP",
            "DATE",
            "",
            "BOOLEAN",
            "VARCHAR(9) DEFAULT 'd'",
        ])
    };
    let key = prop::sample::select(vec!["INTEGER", "TEXT", "ANY", "BLOB", "REAL"]);
    (any::<bool>(), any::<bool>(), any::<bool>(), strict(), strict(), loose(), loose(), key).prop_map(
        |(is_strict, without_rowid, composite, s1, s2, l1, l2, key)| {
            let (one, two) = match is_strict {
                true => (s1, s2),
                false => (l1, l2),
            };
            // Without a column for it, a table that is not strict has no type ANY.
            let key = if !is_strict && key == "ANY" { "" } else { key };
            let (strict, rowid) = (is_strict.then_some("STRICT"), without_rowid.then_some("WITHOUT ROWID"));
            let options: Vec<&str> = [strict, rowid].into_iter().flatten().collect();
            let options = options.join(", ");
            let primary = if composite { "PRIMARY KEY (id, part)" } else { "PRIMARY KEY (id)" };
            let sql = format!(
                "CREATE TABLE \"the parents\" (id {key} NOT NULL, part INTEGER NOT NULL, one {one}, two {two}, \
                   {primary}, UNIQUE (id, part)) {options};
                 CREATE TABLE children (id {key} NOT NULL, part INTEGER NOT NULL, one {one}, two {two}, \
                   up_id {key}, up_part INTEGER, self_id {key}, self_part INTEGER, {primary}, UNIQUE (id, part), \
                   FOREIGN KEY (up_id, up_part) REFERENCES \"the parents\" (id, part), \
                   FOREIGN KEY (self_id, self_part) REFERENCES children (id, part){}) {options};",
                match composite {
                    true => "",
                    false => ", FOREIGN KEY (self_id) REFERENCES children (id)",
                }
            );
            (sql, composite)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn an_export_changes_nothing_and_makes_equal_rows(
        (sql, _) in tables(),
        parents in prop::collection::vec((value(), value(), value()), 0..6),
        children in prop::collection::vec((value(), value(), value(), any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..8),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (db, set) = migrated(&sql).await;
            for (part, (id, one, two)) in parents.iter().enumerate() {
                let args = vec![id.clone(), Value::Integer(part as i64 % 2), one.clone(), two.clone()];
                insert(&db, "INSERT INTO \"the parents\" VALUES (?, ?, ?, ?)", args).await;
            }
            let ids = |rows: &Rows| rows.iter().map(|row| (row[0].clone(), row[1].clone())).collect::<Vec<_>>();
            for (part, (id, one, two, up, same)) in children.iter().enumerate() {
                let questions = ["SELECT id, part FROM \"the parents\" ORDER BY 1, 2", "SELECT id, part FROM children ORDER BY 1, 2"];
                let answers = db.query(questions.map(Query::new).to_vec()).await.unwrap();
                let known: Vec<Vec<_>> = answers.into_iter().map(|rows| ids(&rows.unwrap())).collect();
                let (mut args, part) = (vec![id.clone()], Value::Integer(part as i64 % 3));
                args.extend([part.clone(), one.clone(), two.clone()]);
                // A row may be its own parent, or have none.
                let mut mine = known[1].clone();
                mine.push((id.clone(), part));
                for (rows, pick) in [(&known[0], up), (&mine, same)] {
                    let pick = pick.index(rows.len() + 1);
                    let (id, part) = rows.get(pick).cloned().unwrap_or_default();
                    args.extend([id, part]);
                }
                insert(&db, "INSERT INTO children VALUES (?, ?, ?, ?, ?, ?, ?, ?)", args).await;
            }
            // Rows that refer to later ones, and in circles.
            insert(&db, "UPDATE children SET (self_id, self_part) = (SELECT id, part FROM children ORDER BY 1 DESC, 2 DESC LIMIT 1) WHERE self_id IS NULL", vec![]).await;
            let before = contents(&db).await;
            let exported = match export(&db, &all(&[])).await {
                Ok(exported) => exported,
                Err(ExportError::Refused(refusals)) => {
                    let is_known = |it: &Refusal| matches!(it, Refusal::Cell { why, .. }
                        if why.contains("bytes in a column of numbers"));
                    assert!(refusals.iter().all(is_known), "{refusals:#?}\n{sql}\n{before:#?}");
                    return;
                }
                Err(error) => panic!("{error:?}\n{sql}"),
            };
            assert_eq!(seed(&db, &set, &exported.yaml).await, 0, "{sql}\n{}", exported.yaml);
            assert_eq!(contents(&db).await, before);
            let (fresh, set) = migrated(&sql).await;
            seed(&fresh, &set, &exported.yaml).await;
            assert_eq!(contents(&fresh).await, before, "{}", exported.yaml);
            assert_eq!(seed(&fresh, &set, &exported.yaml).await, 0);
        });
    }
}
