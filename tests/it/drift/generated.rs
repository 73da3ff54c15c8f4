//! Generated schemas that are changed by hand: what differs is found, and a file that reverts it and one that adopts it come
//! to the schema that was meant. A failure names the seed of its schema.

use std::path::Path;
use std::time::SystemTime;

use seedbed::migrations::{
    FixError, FixKind, Migrations, PlanOptions, apply, check, drift, fix, ignore,
};
use seedbed::script::Run;

use crate::dice::Dice;
use crate::world::World;

/// How many schemas are tried in memory.
const CASES: u64 = 48;

#[tokio::test(flavor = "multi_thread")]
async fn generated_schemas_are_put_right() {
    for seed in 0..CASES {
        is_put_right(World::memory().await, seed).await;
    }
}

pub(crate) async fn the_first_generated_schema_is_put_right(world: World) {
    is_put_right(world, 1_000).await;
}

pub(crate) async fn the_second_generated_schema_is_put_right(world: World) {
    is_put_right(world, 1_001).await;
}

pub(crate) async fn the_third_generated_schema_is_put_right(world: World) {
    is_put_right(world, 1_002).await;
}

/// A part of a schema: what makes it, and what may be done to it by hand.
struct Part {
    made: &'static [&'static str],
    /// Each is a change by hand.
    changes: &'static [&'static [&'static str]],
}

/// One of each kind of object. No part needs another one but `users`, which is always there.
const PARTS: [Part; 9] = [
    Part {
        made: &[
            "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT NOT NULL DEFAULT 'none', note TEXT)",
            "INSERT INTO users (email) VALUES ('a'), ('b')",
        ],
        changes: &[
            &["ALTER TABLE users ADD COLUMN phone TEXT"],
            &["ALTER TABLE users ADD COLUMN big TEXT AS (upper(email))"],
            &["ALTER TABLE users DROP COLUMN note"],
            &["ALTER TABLE users RENAME COLUMN note TO remark"],
            &["CREATE INDEX extra ON users (email) WHERE note IS NOT NULL"],
            &["CREATE TRIGGER extra AFTER INSERT ON users BEGIN SELECT 'a;b'; END"],
            &["CREATE VIEW extra_view (\"the id\") AS SELECT id FROM users"],
        ],
    },
    Part {
        made: &[
            "CREATE TABLE orders (user INTEGER REFERENCES users (id) ON DELETE CASCADE, total REAL CHECK (total >= 0))",
            "CREATE INDEX orders_by_user ON orders (user)",
            "INSERT INTO orders VALUES (1, 2.5)",
        ],
        changes: &[
            &["DROP INDEX orders_by_user"],
            &[
                "DROP INDEX orders_by_user",
                "CREATE UNIQUE INDEX orders_by_user ON orders (user, total DESC)",
            ],
            &[
                "CREATE TABLE n (user INTEGER REFERENCES users (id), total REAL)",
                "INSERT INTO n SELECT user, total FROM orders",
                "DROP TABLE orders",
                "ALTER TABLE n RENAME TO orders",
            ],
        ],
    },
    Part {
        made: &[
            "CREATE TABLE tags (tag TEXT, of INTEGER, weight INTEGER DEFAULT (1 + 1), PRIMARY KEY (tag, of)) WITHOUT ROWID",
            "INSERT INTO tags VALUES ('x', 1, 3)",
        ],
        changes: &[
            &["ALTER TABLE tags ADD COLUMN colour TEXT COLLATE NOCASE"],
            &["ALTER TABLE tags DROP COLUMN weight"],
            &["DROP TABLE tags"],
            &[
                "DROP TABLE tags",
                "CREATE TABLE tags (tag TEXT, of INTEGER, weight INTEGER, PRIMARY KEY (tag, of))",
            ],
        ],
    },
    Part {
        made: &[
            "CREATE TABLE sums (a INT, b INT, c INT AS (a + b) STORED, d INT AS (a * b)) STRICT",
            "CREATE INDEX by_d ON sums (d)",
            "INSERT INTO sums (a, b) VALUES (1, 2)",
        ],
        changes: &[
            &["DROP INDEX by_d", "ALTER TABLE sums DROP COLUMN d"],
            &["ALTER TABLE sums ADD COLUMN e TEXT NOT NULL DEFAULT 'it''s'"],
            &["DROP INDEX by_d", "CREATE INDEX by_d ON sums (d, abs(a))"],
        ],
    },
    Part {
        made: &["CREATE VIRTUAL TABLE docs USING fts5 (body)"],
        changes: &[&["DROP TABLE docs"]],
    },
    Part {
        made: &[
            "CREATE VIEW emails AS SELECT email FROM users",
            "CREATE TRIGGER into_emails INSTEAD OF INSERT ON emails BEGIN INSERT INTO users (email) VALUES (new.email); END",
        ],
        changes: &[
            &["DROP VIEW emails"],
            &["DROP TRIGGER into_emails"],
            &[
                "DROP VIEW emails",
                "CREATE VIEW emails AS SELECT id, email FROM users",
            ],
        ],
    },
    Part {
        made: &[
            "CREATE TRIGGER no_empty BEFORE INSERT ON users WHEN new.email = '' BEGIN SELECT RAISE(ABORT, 'empty'); END",
        ],
        changes: &[
            &["DROP TRIGGER no_empty"],
            &[
                "DROP TRIGGER no_empty",
                "CREATE TRIGGER no_empty BEFORE UPDATE ON users BEGIN SELECT 1; SELECT 2; END",
            ],
        ],
    },
    Part {
        made: &["CREATE TABLE \"odd \"\"name\" (\"a b\" PRIMARY KEY, [c])"],
        changes: &[
            &["ALTER TABLE \"odd \"\"name\" ADD COLUMN \"d \"\"e\" DEFAULT 1.5"],
            &["DROP TABLE \"odd \"\"name\""],
        ],
    },
    Part {
        made: &[],
        changes: &[
            &[
                "CREATE TABLE more (x PRIMARY KEY)",
                "CREATE INDEX more_x ON more (x)",
            ],
            &["CREATE VIRTUAL TABLE more_docs USING fts5 (a, b)"],
            &["CREATE TABLE more_without (x PRIMARY KEY) WITHOUT ROWID"],
        ],
    },
];

/// The parts of a schema, and the changes of one by hand.
fn generate(seed: u64) -> (Vec<&'static str>, Vec<&'static str>) {
    let mut dice = Dice(seed);
    let (mut made, mut changes) = (Vec::new(), Vec::new());
    for (number, part) in PARTS.iter().enumerate() {
        if number > 0 && dice.below(3) == 0 {
            continue;
        }
        made.extend_from_slice(part.made);
        if dice.below(3) == 0 {
            changes.extend_from_slice(part.changes[dice.below(part.changes.len())]);
        }
    }
    if changes.is_empty() {
        changes.extend_from_slice(PARTS[0].changes[dice.below(PARTS[0].changes.len())]);
    }
    (made, changes)
}

async fn migrate(world: &World, folder: &Path, seed: u64) {
    let set = Migrations::read_dir(folder).unwrap();
    assert_eq!(set.problems, [], "seed {seed}");
    let (options, run) = (PlanOptions::default(), Run::new("test"));
    let outcome = apply(&world.db, &set, &options, &run, &ignore()).await;
    outcome.unwrap_or_else(|error| panic!("seed {seed}: {error}\n{}", newest(folder)));
}

/// The text of the newest file.
fn newest(folder: &Path) -> String {
    let files = std::fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    std::fs::read_to_string(files.pop().unwrap()).unwrap()
}

async fn words(world: &World) -> Vec<String> {
    let objects = drift(&world.db).await.unwrap().objects;
    objects.iter().map(|it| it.difference.to_string()).collect()
}

async fn is_put_right(world: World, seed: u64) {
    let (made, changes) = generate(seed);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let text: String = made.iter().map(|it| format!("{it};\n")).collect();
    std::fs::write(folder.join("V1__made.sql"), text).unwrap();
    migrate(&world, folder, seed).await;
    assert_eq!(words(&world).await, [""; 0], "seed {seed}");
    world.statements(&changes).await;
    let found = words(&world).await;
    assert_ne!(found, [""; 0], "seed {seed}: {changes:?}");

    let rows = "SELECT count(*) || coalesce(group_concat(email), '') FROM users";
    let before = world.ask(rows).await;
    let (now, run) = (SystemTime::UNIX_EPOCH, Run::new("test"));
    let place = (folder, None);
    let fixed = fix(&world.db, FixKind::Revert, place, now, &run, &ignore()).await;
    let fixed = match fixed {
        Ok(fixed) => fixed,
        Err(FixError::Refused(problems)) => {
            panic!("seed {seed}: {changes:?}\n{:?}", problems[0].message)
        }
        Err(error) => panic!("seed {seed}: {error}"),
    };
    assert_eq!(words(&world).await, found, "seed {seed}");
    let checked = check(&Migrations::read_dir(folder).unwrap(), &Default::default()).await;
    let problems = checked.unwrap().problems;
    let errors: Vec<_> = problems
        .iter()
        .filter(|it| it.code == "reverts" || it.code == "not-rehearsed")
        .collect();
    assert!(errors.is_empty(), "seed {seed}: {errors:?}\n{}", fixed.text);
    migrate(&world, folder, seed).await;
    let after = words(&world).await;
    assert_eq!(after, [""; 0], "seed {seed}: {changes:?}\n{}", fixed.text);
    assert_eq!(world.ask(rows).await, before, "seed {seed}: {}", fixed.text);
    on_a_new_database(folder, seed).await;

    world.statements(&changes).await;
    assert_eq!(words(&world).await, found, "seed {seed}");
    let place = (folder, None);
    let fixed = fix(&world.db, FixKind::Adopt, place, now, &run, &ignore()).await;
    let fixed = fixed.unwrap_or_else(|error| panic!("seed {seed}: {error:?}\n{changes:?}"));
    let after = words(&world).await;
    assert_eq!(after, [""; 0], "seed {seed}: {changes:?}\n{}", fixed.text);
    migrate(&world, folder, seed).await;
    on_a_new_database(folder, seed).await;
    let schema = "SELECT count(*) FROM sqlite_schema WHERE name <> '_migrations'";
    let fresh = World::memory().await;
    migrate(&fresh, folder, seed).await;
    let schemas = (fresh.ask(schema).await, world.ask(schema).await);
    assert_eq!(
        schemas.0, schemas.1,
        "seed {seed}: {changes:?}\n{}",
        fixed.text
    );
}

/// All files, on a database that has never drifted.
async fn on_a_new_database(folder: &Path, seed: u64) {
    let fresh = World::memory().await;
    migrate(&fresh, folder, seed).await;
    assert_eq!(words(&fresh).await, [""; 0], "seed {seed}");
}
