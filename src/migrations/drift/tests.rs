use super::*;
use crate::db::Options;
use crate::migrations::Migrations;
use crate::migrations::{ignore, up};
use crate::script::Run;
use expect_test::{Expect, expect};
use std::time::SystemTime;

const FILES: [(&str, &str); 2] = [
    (
        "V1__shop.sql",
        "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL, big AS (upper(email)));\n\
         CREATE TABLE orders (user INTEGER REFERENCES users (id), total REAL);\n\
         CREATE INDEX orders_by_user ON orders (user);\n\
         CREATE VIEW totals AS SELECT user, sum(total) AS total FROM orders GROUP BY user;\n\
         CREATE TRIGGER no_empty BEFORE INSERT ON users WHEN new.email = '' BEGIN SELECT RAISE(ABORT, 'empty'); END;",
    ),
    (
        "R__names.sql",
        "DROP VIEW IF EXISTS names;\nCREATE VIEW names AS SELECT email FROM users;",
    ),
];

struct Changed {
    folder: tempfile::TempDir,
    db: Db,
}

impl Changed {
    /// A migrated database that was changed by these statements.
    async fn by(statements: &str) -> Changed {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in FILES {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let db = Db::memory(Options::default()).await.unwrap();
        let changed = Changed { folder, db };
        up(&changed.db, &changed.set()).await.unwrap();
        changed.execute(statements).await;
        changed
    }

    async fn execute(&self, statements: &str) {
        let steps = crate::sql::split(statements).unwrap();
        let steps: Vec<crate::script::Step> = steps
            .iter()
            .map(|it| crate::script::Step::own(it.text(statements).to_owned(), vec![]))
            .collect();
        let transaction = crate::db::Transaction {
            foreign_keys: crate::script::ForeignKeys::Off,
            atomicity: crate::script::Atomicity::Bare,
            steps: steps.into(),
        };
        let run = self.db.run(vec![transaction], std::sync::Arc::new(|_| {}));
        run.await.unwrap();
    }

    fn set(&self) -> Migrations {
        let set = Migrations::read_dir(self.folder.path()).unwrap();
        assert_eq!(set.problems, []);
        set
    }

    async fn ask(&self, sql: &str) -> String {
        let rows: Vec<[crate::sql::Value; 1]> =
            self.db.rows(crate::db::Query::new(sql)).await.unwrap();
        rows[0][0].as_str().unwrap_or_default().to_owned()
    }

    async fn drift(&self) -> Drift {
        drift(&self.db).await.unwrap()
    }

    async fn fix(&self, kind: FixKind) -> Result<Fixed, FixError> {
        let (now, run) = (SystemTime::UNIX_EPOCH, Run::new("test"));
        fix(
            &self.db,
            kind,
            (self.folder.path(), None),
            now,
            &run,
            &ignore(),
        )
        .await
    }
}

fn shown(drift: &Drift) -> String {
    let mut shown = String::new();
    for it in &drift.objects {
        shown.push_str(&format!("{}\n", it.difference));
        for lost in &it.lost {
            shown.push_str(&format!("  ? {lost}\n"));
        }
        for statement in &it.statements {
            shown.push_str(&format!("  {statement}\n"));
        }
        if let Some(obstacle) = &it.obstacle {
            shown.push_str(&format!("  ! {obstacle}\n"));
        }
    }
    shown
}

async fn is(statements: &str, expect: Expect) {
    let changed = Changed::by(statements).await;
    expect.assert_eq(&shown(&changed.drift().await));
}

#[tokio::test]
async fn a_database_that_is_as_its_migrations_make_it_has_no_drift() {
    is("INSERT INTO users (email) VALUES ('a')", expect![[r#""#]]).await;
}

#[tokio::test]
async fn each_object_that_differs_comes_with_statements() {
    is(
        "CREATE TABLE more (x); CREATE INDEX more_x ON more (x); DROP VIEW totals; DROP INDEX orders_by_user;
         CREATE INDEX orders_by_user ON orders (total); DROP TRIGGER no_empty;",
        expect![[r#"
            table more should not be there
              DROP TABLE IF EXISTS "more"
            index more_x should not be there
              DROP INDEX IF EXISTS "more_x"
            index orders_by_user is different
              DROP INDEX IF EXISTS "orders_by_user"
              CREATE INDEX IF NOT EXISTS orders_by_user ON orders (user)
            view totals is missing
              CREATE VIEW IF NOT EXISTS totals AS SELECT user, sum(total) AS total FROM orders GROUP BY user
            trigger no_empty is missing
              CREATE TRIGGER IF NOT EXISTS no_empty BEFORE INSERT ON users WHEN new.email = '' BEGIN SELECT RAISE(ABORT, 'empty'); END
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_table_is_rebuilt_with_the_recorded_columns() {
    is("ALTER TABLE users ADD COLUMN phone TEXT", expect![[r#"
        table users is different
          ? column phone of table users is dropped with its values
          DROP TRIGGER IF EXISTS "no_empty"
          DROP VIEW IF EXISTS "names"
          CREATE TABLE "_new_users" (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL, big AS (upper(email)))
          INSERT INTO "_new_users" ("id", "email") SELECT "id", "email" FROM "users"
          DELETE FROM sqlite_sequence WHERE name = '_new_users'
          INSERT INTO sqlite_sequence (name, seq) SELECT '_new_users', seq FROM sqlite_sequence WHERE name = 'users'
          DROP TABLE "users"
          ALTER TABLE "_new_users" RENAME TO "users"
          CREATE VIEW IF NOT EXISTS names AS SELECT email FROM users
          CREATE TRIGGER IF NOT EXISTS no_empty BEFORE INSERT ON users WHEN new.email = '' BEGIN SELECT RAISE(ABORT, 'empty'); END
    "#]]).await;
    is("ALTER TABLE orders ADD COLUMN note TEXT", expect![[r#"
        table orders is different
          ? column note of table orders is dropped with its values
          DROP VIEW IF EXISTS "totals"
          CREATE TABLE "_new_orders" (user INTEGER REFERENCES users (id), total REAL)
          INSERT INTO "_new_orders" (rowid, "user", "total") SELECT rowid, "user", "total" FROM "orders"
          DROP TABLE "orders"
          ALTER TABLE "_new_orders" RENAME TO "orders"
          CREATE INDEX IF NOT EXISTS orders_by_user ON orders (user)
          CREATE VIEW IF NOT EXISTS totals AS SELECT user, sum(total) AS total FROM orders GROUP BY user
    "#]]).await;
    is(
        "DROP VIEW totals; ALTER TABLE orders DROP COLUMN total",
        expect![[r#"
            table orders is different
              ? the values of column total of table orders are gone: it is NULL
              DROP VIEW IF EXISTS "totals"
              CREATE TABLE "_new_orders" (user INTEGER REFERENCES users (id), total REAL)
              INSERT INTO "_new_orders" (rowid, "user", "total") SELECT _row._value0, _row._value1, (SELECT "total" FROM "orders" AS _is WHERE _is.rowid IS _row._key0) FROM (SELECT rowid AS _key0, rowid AS _value0, "user" AS _value1 FROM "orders") AS _row CROSS JOIN (SELECT (NULL) AS "total") AS _gone
              DROP TABLE "orders"
              ALTER TABLE "_new_orders" RENAME TO "orders"
              CREATE INDEX IF NOT EXISTS orders_by_user ON orders (user)
              CREATE VIEW IF NOT EXISTS totals AS SELECT user, sum(total) AS total FROM orders GROUP BY user
            view totals is missing
              CREATE VIEW IF NOT EXISTS totals AS SELECT user, sum(total) AS total FROM orders GROUP BY user
        "#]],
    )
    .await;
}

const CHANGES: [&str; 9] = [
    "CREATE TABLE more (x); CREATE INDEX more_x ON more (x); CREATE TRIGGER t AFTER INSERT ON more BEGIN SELECT 1; END",
    "DROP VIEW totals",
    "DROP VIEW totals; DROP TABLE orders",
    "DROP INDEX orders_by_user; CREATE INDEX orders_by_user ON orders (total)",
    "CREATE INDEX extra ON users (email)",
    "DROP TRIGGER no_empty; CREATE VIEW v AS SELECT id FROM users",
    "ALTER TABLE users ADD COLUMN phone TEXT; CREATE VIEW w AS SELECT phone FROM users",
    "ALTER TABLE orders ADD COLUMN note TEXT; CREATE INDEX by_note ON orders (note)",
    "DROP VIEW names; CREATE VIEW names AS SELECT id, email FROM users",
];

const ROWS: &str =
    "INSERT INTO users (id, email) VALUES (1, 'a'), (9, 'b'); DELETE FROM users WHERE id = 9;
     INSERT INTO orders (rowid, user, total) VALUES (7, 1, 2.5);";

#[tokio::test]
async fn a_file_that_reverts_makes_the_recorded_schema_with_and_without_the_drift() {
    for change in CHANGES {
        let rows = match change.contains("DROP VIEW totals; DROP TABLE orders") {
            true => "",
            false => ROWS,
        };
        let changed = Changed::by(&format!("{rows} {change}")).await;
        let before = changed.drift().await;
        let fixed = changed.fix(FixKind::Revert).await.unwrap();
        assert_eq!(fixed.version, Some(2), "{change}");
        assert_eq!(
            changed.drift().await,
            before,
            "{change}: a file changes nothing"
        );
        let outcome = up(&changed.db, &changed.set()).await;
        outcome.unwrap_or_else(|error| panic!("{change}: {error:?}\n{}", fixed.text));
        assert_eq!(
            shown(&changed.drift().await),
            "",
            "{change}\n{}",
            fixed.text
        );
        let fresh = Changed::by("").await;
        fresh.execute(rows).await;
        up(&fresh.db, &changed.set()).await.unwrap();
        assert_eq!(shown(&fresh.drift().await), "", "{change}");
        for db in [&changed.db, &fresh.db] {
            let rows: Vec<[crate::sql::Value; 1]> = db
                .rows(crate::db::Query::new(
                    "SELECT (SELECT group_concat(rowid || user || total) FROM orders) || (SELECT group_concat(seq) FROM sqlite_sequence)",
                ))
                .await
                .unwrap();
            if !change.contains("DROP VIEW totals; DROP TABLE orders") {
                assert_eq!(rows[0][0].as_str(), Some("712.59"), "{change}");
            }
        }
    }
}

#[tokio::test]
async fn a_file_that_adopts_is_recorded_and_makes_the_same_on_a_new_database() {
    for change in CHANGES
        .into_iter()
        .chain(["DROP VIEW totals; ALTER TABLE orders DROP COLUMN total"])
    {
        let changed = Changed::by(change).await;
        let fixed = changed.fix(FixKind::Adopt).await;
        // A repeatable migration makes it again behind the file.
        if change.contains("DROP VIEW names") {
            let Err(FixError::Refused(problems)) = fixed else {
                panic!("{change}: {fixed:?}");
            };
            assert!(
                problems[0]
                    .message
                    .ends_with("on a new database: view names is different")
            );
            assert_eq!(changed.set().versioned.len(), 1);
            continue;
        }
        let fixed = fixed.unwrap_or_else(|error| panic!("{change}: {error:?}"));
        assert_eq!(
            shown(&changed.drift().await),
            "",
            "{change}\n{}",
            fixed.text
        );
        let fresh = Db::memory(Options::default()).await.unwrap();
        up(&fresh, &changed.set()).await.unwrap();
        let there = crate::schema::inspect(&changed.db).await.unwrap();
        let made = crate::schema::inspect(&fresh).await.unwrap();
        assert_eq!(compare(&there, &made), [], "{change}\n{}", fixed.text);
        assert!(
            up(&changed.db, &changed.set())
                .await
                .unwrap()
                .done
                .is_empty()
        );
    }
}

#[tokio::test]
async fn a_column_that_is_gone_comes_back_and_keeps_its_values_where_it_is_there() {
    const VALUES: &str =
        "SELECT group_concat(rowid || '|' || coalesce(total, 'none') || '|' || user) FROM orders";
    for (change, value) in [
        (
            "DROP VIEW totals; ALTER TABLE orders DROP COLUMN total",
            "7|none|1",
        ),
        (
            "DROP VIEW totals; ALTER TABLE orders DROP COLUMN total; ALTER TABLE orders ADD COLUMN note TEXT",
            "7|none|1",
        ),
    ] {
        let changed = Changed::by(&format!("{ROWS} {change}")).await;
        let fixed = changed.fix(FixKind::Revert).await.unwrap();
        let mut lost = vec!["the values of column total of table orders are gone: it is NULL"];
        if change.contains("note") {
            lost.insert(0, "column note of table orders is dropped with its values");
        }
        assert_eq!(fixed.drift.objects[0].lost, lost);
        assert!(
            fixed
                .text
                .contains("-- Where that drift is, the values of column total"),
            "{}",
            fixed.text
        );
        up(&changed.db, &changed.set()).await.unwrap();
        assert_eq!(shown(&changed.drift().await), "", "{}", fixed.text);
        assert_eq!(changed.ask(VALUES).await, value);
        let fresh = Changed::by(ROWS).await;
        up(&fresh.db, &changed.set()).await.unwrap();
        assert_eq!(shown(&fresh.drift().await), "");
        assert_eq!(fresh.ask(VALUES).await, "7|2.5|1", "{}", fixed.text);
    }
}

#[tokio::test]
async fn a_column_whose_values_no_statement_can_make_cannot_be_reverted_and_nothing_is_written() {
    let changed = Changed::by(
        "DROP VIEW names; DROP TRIGGER no_empty; ALTER TABLE users DROP COLUMN big; ALTER TABLE users DROP COLUMN email",
    )
    .await;
    let error = changed.fix(FixKind::Revert).await.unwrap_err();
    let FixError::Refused(problems) = error else {
        panic!("{error:?}");
    };
    assert_eq!(
        problems[0].message,
        "column email of table users is missing, and it is NOT NULL and has no default: its values are gone, and no \
         statement can make them"
    );
    assert_eq!(changed.set().versioned.len(), 1);
}

#[tokio::test]
async fn a_column_that_was_added_is_adopted_by_the_same_statement() {
    let changed = Changed::by(
        "ALTER TABLE orders ADD COLUMN note TEXT NOT NULL DEFAULT 'x'; ALTER TABLE orders ADD COLUMN \"at\" INT",
    )
    .await;
    let fixed = changed.fix(FixKind::Adopt).await.unwrap();
    assert!(
        fixed.text.ends_with(
            "\n\nALTER TABLE \"orders\" ADD COLUMN note TEXT NOT NULL DEFAULT 'x';\n\
             \nALTER TABLE \"orders\" ADD COLUMN \"at\" INT;\n"
        ),
        "{}",
        fixed.text
    );
    assert_eq!(shown(&changed.drift().await), "");
}

#[tokio::test]
async fn what_was_renamed_by_hand_is_renamed_in_other_databases_and_they_lose_nothing() {
    const ALL: &str = "SELECT (SELECT group_concat(quote(id) || quote(email)) FROM users) || ' ' || \
                       (SELECT group_concat(rowid || quote(user) || total) FROM orders)";
    for (change, words, all) in [
        (
            "ALTER TABLE users RENAME COLUMN id TO user_id",
            "column id of table users is now user_id",
            ALL.replace("quote(id)", "quote(user_id)"),
        ),
        (
            "ALTER TABLE orders RENAME COLUMN total TO sum; ALTER TABLE users RENAME COLUMN id TO user_id;
             CREATE INDEX extra ON users (email)",
            "column id of table users is now user_id; column total of table orders is now sum",
            ALL.replace("total)", "sum)").replace("quote(id)", "quote(user_id)"),
        ),
        (
            "ALTER TABLE orders RENAME TO bills",
            "table orders is now bills",
            ALL.replace("orders", "bills"),
        ),
    ] {
        let changed = Changed::by(&format!("{ROWS} {change}")).await;
        let before = changed.ask(&all).await;
        assert_eq!(before, "1'a' 712.5", "{change}");
        let fixed = changed.fix(FixKind::Adopt).await.unwrap();
        assert_eq!(fixed.renamed.join("; "), words, "{}", fixed.text);
        assert_eq!(fixed.lost, [""; 0], "{}", fixed.text);
        for words in &fixed.renamed {
            let comment = format!("-- Taken for a rename: {words}.\n");
            assert!(fixed.text.contains(&comment), "{}", fixed.text);
        }
        assert!(!fixed.text.contains("CREATE TABLE"), "{}", fixed.text);
        let other = Changed::by(ROWS).await;
        up(&other.db, &changed.set()).await.unwrap();
        assert_eq!(other.ask(&all).await, before, "{}", fixed.text);
        assert_eq!(shown(&other.drift().await), "");
    }
}

#[tokio::test]
async fn what_may_be_no_rename_is_refused_or_reported_with_what_is_lost() {
    // A table of the same columns is there twice, so neither is sure to be the one that was renamed.
    let changed = Changed::by(
        "DROP VIEW totals; DROP TABLE orders; CREATE TABLE one (user INTEGER REFERENCES users (id), total REAL);
         CREATE TABLE two (user INTEGER REFERENCES users (id), total REAL)",
    )
    .await;
    let fixed = changed.fix(FixKind::Adopt).await.unwrap();
    assert_eq!(fixed.renamed, [""; 0]);
    assert_eq!(fixed.lost, ["table orders is dropped with all rows"]);
    let comment = "-- In a database that runs this, table orders is dropped with all rows.\n";
    assert!(fixed.text.contains(comment), "{}", fixed.text);

    let changed =
        Changed::by("DROP VIEW totals; ALTER TABLE orders DROP COLUMN total; ALTER TABLE orders ADD COLUMN sum INT")
            .await;
    let fixed = changed.fix(FixKind::Adopt).await.unwrap();
    assert_eq!(fixed.renamed, [""; 0]);
    assert_eq!(
        fixed.lost,
        ["column total of table orders is dropped with its values"]
    );

    const USERS: &str = "DROP TRIGGER no_empty; DROP VIEW names; DROP TABLE users;";
    for (table, words) in [
        (
            "CREATE TABLE users (number INTEGER PRIMARY KEY, email TEXT NOT NULL, big AS (upper(email)))",
            "column id of table users is gone here, and it is part of the primary key: other databases would lose its \
             values",
        ),
        (
            "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, mail TEXT)",
            "column email of table users is gone here, and it is NOT NULL: other databases would lose its values",
        ),
        (
            "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL, phone TEXT NOT NULL)",
            "column phone of table users is new here, and it is NOT NULL and has no default: no statement can make its \
             values in other databases",
        ),
    ] {
        let changed = Changed::by(&format!("{USERS} {table}")).await;
        let Err(FixError::Refused(problems)) = changed.fix(FixKind::Adopt).await else {
            panic!("{table}");
        };
        assert_eq!(problems[0].message, words);
        assert_eq!(changed.set().versioned.len(), 1);
    }
}

#[tokio::test]
async fn a_virtual_table_that_was_changed_is_named_with_what_makes_it_again() {
    let changed = Changed::by("").await;
    let file = changed.folder.path().join("V2__fts.sql");
    std::fs::write(file, "CREATE VIRTUAL TABLE fts USING fts5(body);").unwrap();
    up(&changed.db, &changed.set()).await.unwrap();
    changed
        .execute("DROP TABLE fts; CREATE VIRTUAL TABLE fts USING fts5(body, tokenize=porter)")
        .await;
    let words = "table fts is virtual: no statement alters it. `DROP TABLE \"fts\"`, the `CREATE VIRTUAL TABLE` as it should be \
                 and an `INSERT` of its rows, in a file of `new`, make it again";
    let drift = changed.drift().await;
    assert_eq!(drift.objects[0].obstacle.as_deref(), Some(words));
    assert!(!drift.objects[0].is_fixable);
    for kind in [FixKind::Adopt, FixKind::Revert] {
        let Err(FixError::Refused(problems)) = changed.fix(kind).await else {
            panic!("{kind:?}");
        };
        assert_eq!(problems[0].message, words, "{kind:?}");
    }
}

#[tokio::test]
async fn a_check_runs_a_file_that_reverts_with_the_drift_and_without() {
    let changed = Changed::by(
        "ALTER TABLE orders ADD COLUMN note TEXT; CREATE INDEX by_note ON orders (note); DROP VIEW names;
         CREATE TRIGGER extra AFTER INSERT ON orders BEGIN\nSELECT 1;\nEND",
    )
    .await;
    let fixed = changed.fix(FixKind::Revert).await.unwrap();
    let checked = || async {
        let options = crate::migrations::CheckOptions::default();
        let checked = crate::migrations::check(&changed.set(), &options)
            .await
            .unwrap();
        let problems = checked.problems.into_iter();
        let words: Vec<String> = problems
            .map(|it| format!("{} {}: {}", it.severity.word(), it.code, it.message))
            .collect();
        words.join("\n")
    };
    assert_eq!(checked().await, "");
    let file = fixed.file.unwrap();
    let without = |line: &str| {
        assert!(fixed.text.contains(line), "{line}\n{}", fixed.text);
        std::fs::write(&file, fixed.text.replace(line, "")).unwrap();
    };
    without("CREATE VIEW IF NOT EXISTS names AS SELECT email FROM users;");
    assert_eq!(
        checked().await,
        "error reverts: a database with the drift that this file reverts does not end with the schema of one without it"
    );
    without("-- | SELECT 1;\n");
    assert_eq!(
        checked().await,
        "warning not-rehearsed: V2 was not tried on a database with the drift that it reverts: its comments do not \
         describe the drift with this fingerprint"
    );
}

#[tokio::test]
async fn files_of_tools_with_sections_are_written_as_these_take_them() {
    for (name, text, expect) in [
        (
            "00001_shop.sql",
            "-- +goose Up\nCREATE TABLE t (a);\n-- +goose Down\nDROP TABLE t;\n",
            "\n\n-- +goose Up\n\n-- +goose StatementBegin\nCREATE TRIGGER IF NOT EXISTS x AFTER INSERT ON t BEGIN SELECT 1; \
             END;\n-- +goose StatementEnd\n",
        ),
        (
            "20260101000000_shop.sql",
            "-- migrate:up\nCREATE TABLE t (a);\n-- migrate:down\nDROP TABLE t;\n",
            "\n\n-- migrate:up\n\nCREATE TRIGGER IF NOT EXISTS x AFTER INSERT ON t BEGIN SELECT 1; END;\n",
        ),
        (
            "1_shop.sql",
            "-- +migrate Up\nCREATE TABLE t (a);\n-- +migrate Down\nDROP TABLE t;\n",
            "\n\n-- +migrate Up\n\n-- +migrate StatementBegin\nCREATE TRIGGER IF NOT EXISTS x AFTER INSERT ON t BEGIN SELECT 1; \
             END;\n-- +migrate StatementEnd\n",
        ),
    ] {
        for kind in [FixKind::Adopt, FixKind::Revert] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(name), text).unwrap();
            let db = Db::memory(Options::default()).await.unwrap();
            let changed = Changed { folder, db };
            up(&changed.db, &changed.set()).await.unwrap();
            const TRIGGER: &str = "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END";
            changed.execute(TRIGGER).await;
            let fixed = changed.fix(kind).await.unwrap();
            match kind {
                FixKind::Adopt => assert!(fixed.text.ends_with(expect), "{name}: {}", fixed.text),
                FixKind::Revert => {
                    assert!(fixed.text.starts_with("-- seedbed: reverts "), "{name}");
                    up(&changed.db, &changed.set()).await.unwrap();
                }
            }
            assert_eq!(shown(&changed.drift().await), "", "{name}: {}", fixed.text);
        }
    }
}
