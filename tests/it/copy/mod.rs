//! Databases and dumps that are copied into other databases: all of it, compared, and on from where a run was stopped.

mod circle;
mod commands;
#[cfg(unix)]
mod kill;
mod limits;
mod sources;
mod stopped;

use std::path::Path;

use seedbed::db::{Db, Options};

use crate::project::Project;
use crate::server::Server;

fn local(path: impl AsRef<Path>) -> Db {
    Db::local(path, Options::default()).unwrap()
}

fn remote(server: &Server) -> Db {
    Db::remote(&server.url(), None, Options::default()).unwrap()
}

/// A project with a migrated database `local.db`, which is marked as an environment and has rows.
fn migrated() -> Project {
    let project = Project::new()
        .migration(
            "V1__city",
            "CREATE TABLE city (id INTEGER PRIMARY KEY, name TEXT);",
        )
        .migration("V2__index", "CREATE INDEX city_name ON city (name);")
        .file("seeds/city.yaml", "city:\n  ulm: {name: Ulm}\n")
        .after("migrate --seed");
    project.change(&["INSERT INTO city (name) VALUES ('Bonn'), (x'00ff'), (1.5)"]);
    project
}

/// A table with as many rows as take many transactions of 24,000 bytes.
fn large() -> Project {
    let project = Project::new();
    project.change(&[
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000) \
         INSERT INTO t SELECT i, 'the name of ' || i FROM n",
        "CREATE TABLE u (id INTEGER PRIMARY KEY, t INTEGER REFERENCES t)",
        "INSERT INTO u SELECT id, id FROM t",
        "CREATE INDEX t_name ON t (name)",
        "CREATE TRIGGER t_added AFTER INSERT ON t BEGIN INSERT INTO u (t) VALUES (new.id); END",
        "CREATE VIEW named AS SELECT name FROM t",
    ]);
    project
}
