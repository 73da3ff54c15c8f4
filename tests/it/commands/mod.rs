//! What every command prints and how it ends, where all is well.

mod changes;
mod export;
mod files;
mod history_table;
mod lint;
mod look;
mod output;
mod repository;
mod settings;
mod testing;
mod unwritten;

use crate::project::Project;

/// Two migrations with their down files, and a view; nothing is applied yet.
fn project() -> Project {
    Project::new()
        .migration(
            "V1__users",
            "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);\n",
        )
        .down("V1__users", "DROP TABLE users;\n")
        .migration(
            "V2__posts",
            "CREATE TABLE posts (id INTEGER PRIMARY KEY, author INTEGER REFERENCES users (id));\n\
             CREATE INDEX posts_by_author ON posts (author);\n",
        )
        .down("V2__posts", "DROP TABLE posts;\n")
        .migration(
            "R__authors",
            "DROP VIEW IF EXISTS authors;\n\
             CREATE VIEW authors AS SELECT DISTINCT author FROM posts;\n",
        )
}
