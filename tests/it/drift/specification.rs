//! What a look at drift finds, and what the files that fix it do. Each specification gets a new and empty database.

use std::path::Path;
use std::time::SystemTime;

use seedbed::migrations::{
    Drift, DriftError, FixKind, Fixed, Migrations, PlanOptions, Target, apply, drift, fix, ignore,
};
use seedbed::script::Run;

pub(crate) use super::generated::*;
pub(crate) use super::in_the_way::*;
use crate::world::{World, set};

const FILES: [(&str, &str); 2] = [
    (
        "V1__shop.sql",
        "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL);\n\
         CREATE TABLE orders (user INTEGER REFERENCES users (id), total REAL);\n\
         CREATE INDEX orders_by_user ON orders (user);\n\
         CREATE TRIGGER no_empty BEFORE INSERT ON users WHEN new.email = '' BEGIN SELECT RAISE(ABORT, 'empty'); END;",
    ),
    (
        "R__names.sql",
        "DROP VIEW IF EXISTS names;\nCREATE VIEW names AS SELECT email FROM users;",
    ),
];

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in FILES {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

async fn migrate(world: &World, folder: &Path) {
    let set = Migrations::read_dir(folder).unwrap();
    assert_eq!(set.problems, []);
    let (options, run) = (PlanOptions::default(), Run::new("test"));
    apply(&world.db, &set, &options, &run, &ignore())
        .await
        .unwrap();
}

async fn look(world: &World) -> Drift {
    drift(&world.db).await.unwrap()
}

fn words(drift: &Drift) -> Vec<String> {
    let objects = drift.objects.iter();
    objects.map(|it| it.difference.to_string()).collect()
}

async fn fixed(world: &World, folder: &Path, kind: FixKind) -> Fixed {
    let (now, run) = (SystemTime::now(), Run::new("test"));
    fix(&world.db, kind, (folder, None), now, &run, &ignore())
        .await
        .unwrap()
}

pub(crate) async fn a_database_that_nothing_else_changed_has_no_drift(world: World) {
    // An empty answer is not the answer that nothing differs.
    let empty = drift(&world.db).await.unwrap_err();
    let is_it = |error: &DriftError| match error {
        DriftError::Problems(problems) => problems[0].code == "no-history",
        _ => false,
    };
    assert!(is_it(&empty), "{empty:?}");
    let folder = folder();
    migrate(&world, folder.path()).await;
    world
        .statements(&["INSERT INTO users (email) VALUES ('a')"])
        .await;
    let drift = look(&world).await;
    assert_eq!((words(&drift), drift.replayed), (vec![], 2));
    assert_eq!((drift.version, drift.fingerprint.as_str()), (Some(1), ""));
}

/// The Turso engine keeps a print of its own of each statement, and prints a table again where it is altered.
pub(crate) async fn what_the_engine_prints_otherwise_is_no_drift(world: World) {
    let made = "CREATE TABLE p (id INTEGER PRIMARY KEY);
        CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT, b VARCHAR(10,2) DEFAULT (1+2) COLLATE rtrim
          CONSTRAINT filled NOT NULL CHECK (b <> 0) UNIQUE, c DEFAULT -1 REFERENCES p (id) ON DELETE SET NULL,
          CONSTRAINT u UNIQUE (b, c), CONSTRAINT k CHECK (a>0));
        CREATE INDEX i ON t (c) WHERE c NOT NULL AND b == 'x';
        CREATE VIEW v AS SELECT a IS DISTINCT FROM 1 AS x FROM t LEFT JOIN p ON p.id = c CROSS JOIN p q LIMIT 1, 2;
        CREATE TRIGGER g INSERT ON t WHEN new.a != 1 BEGIN INSERT OR REPLACE INTO p VALUES (1); END;";
    let altered = "DROP VIEW v; ALTER TABLE t ADD COLUMN z; ALTER TABLE t RENAME COLUMN z TO y;";
    let set = set(&[("V1__made.sql", made), ("V2__altered.sql", altered)]);
    for to in [Target::Version(1), Target::Latest] {
        let options = PlanOptions::default().target(to);
        let run = Run::new("test");
        apply(&world.db, &set, &options, &run, &ignore())
            .await
            .unwrap();
        assert_eq!(words(&look(&world).await), [""; 0]);
    }
}

pub(crate) async fn every_kind_of_object_is_compared(world: World) {
    let folder = folder();
    migrate(&world, folder.path()).await;
    world
        .statements(&[
            "CREATE TABLE extra (x)",
            "ALTER TABLE users ADD COLUMN phone TEXT",
            "DROP INDEX orders_by_user",
            "DROP VIEW names",
            "CREATE VIEW names AS SELECT id, email FROM users",
            "DROP TRIGGER no_empty",
        ])
        .await;
    let drift = look(&world).await;
    assert_eq!(
        words(&drift),
        [
            "table extra should not be there",
            "table users is different",
            "index orders_by_user is missing",
            "view names is different",
            "trigger no_empty is missing",
        ]
    );
    assert!(drift.objects.iter().all(|it| !it.statements.is_empty()));
    assert_eq!(drift.fingerprint.len(), 64);
}

pub(crate) async fn a_drift_that_is_reverted_is_gone_after_the_next_migrate(world: World) {
    let folder = folder();
    migrate(&world, folder.path()).await;
    world
        .statements(&[
            "INSERT INTO users VALUES (1, 'a')",
            "INSERT INTO orders VALUES (1, 2.5)",
            "ALTER TABLE users ADD COLUMN phone TEXT",
            "CREATE INDEX by_phone ON users (phone)",
            "DROP VIEW names",
        ])
        .await;
    let before = look(&world).await;
    let fixed = fixed(&world, folder.path(), FixKind::Revert).await;
    assert!(
        fixed
            .text
            .starts_with(&format!("-- seedbed: reverts {}\n", before.fingerprint))
    );
    assert_eq!(look(&world).await, before);
    migrate(&world, folder.path()).await;
    assert_eq!(words(&look(&world).await), [""; 0]);
    let rows = "SELECT (SELECT count(*) FROM users) || (SELECT count(*) FROM orders)";
    assert_eq!(world.ask(rows).await, "11");
}

pub(crate) async fn a_drift_that_is_adopted_is_recorded_and_applied_elsewhere(world: World) {
    let folder = folder();
    migrate(&world, folder.path()).await;
    world
        .statements(&[
            "ALTER TABLE users ADD COLUMN phone TEXT",
            "CREATE INDEX by_phone ON users (phone)",
        ])
        .await;
    let fixed = fixed(&world, folder.path(), FixKind::Adopt).await;
    assert_eq!(fixed.version, Some(2));
    let after = look(&world).await;
    assert_eq!((words(&after), after.version), (vec![], Some(2)));
    let elsewhere = World::memory().await;
    migrate(&elsewhere, folder.path()).await;
    assert_eq!(words(&look(&elsewhere).await), [""; 0]);
    let columns = "SELECT group_concat(name) FROM pragma_table_info('users')";
    assert_eq!(elsewhere.ask(columns).await, "id,email,phone");
}

/// A repeatable migration whose file is gone made an object that a later version dropped.
pub(crate) async fn a_drift_is_adopted_behind_a_deleted_repeatable(world: World) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("V1__t.sql", "CREATE TABLE t (x, y);");
    let two = "CREATE VIEW v AS SELECT x FROM t; CREATE VIEW w AS SELECT y FROM t;";
    write("R__two.sql", two);
    write("R__i.sql", "CREATE INDEX IF NOT EXISTS i ON gone (x);");
    write("V2__gone.sql", "CREATE TABLE gone (x);");
    migrate(&world, folder.path()).await;
    for name in ["R__two.sql", "R__i.sql"] {
        std::fs::remove_file(folder.path().join(name)).unwrap();
    }
    write("V3__drop.sql", "DROP VIEW v; DROP TABLE gone;");
    migrate(&world, folder.path()).await;
    world.statements(&["CREATE TABLE by_hand (z)"]).await;
    let fixed = fixed(&world, folder.path(), FixKind::Adopt).await;
    assert_eq!(fixed.version, Some(4));
    assert_eq!(fixed.text.matches("CREATE").count(), 1, "{}", fixed.text);
    assert_eq!(words(&look(&world).await), [""; 0]);
}

pub(crate) async fn tables_of_other_tools_are_left_out(world: World) {
    let folder = folder();
    migrate(&world, folder.path()).await;
    world
        .statements(&[
            "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP, \
             success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)",
        ])
        .await;
    let drift = look(&world).await;
    assert_eq!(words(&drift), [""; 0]);
    assert_eq!(drift.left_out, ["_sqlx_migrations"]);
}
