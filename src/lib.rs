//! Seedbed brings a libSQL database to the schema that a repository declares. It applies versioned SQL migrations
//! atomically, and records them with their sha256 in a table `_migrations`, whose name is a setting.
//!
//! ```
//! use seedbed::db::{Db, Options};
//! use seedbed::migrations::{self, Migrations, PlanOptions};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let set = Migrations::read_dir("migrations")?;
//! let db = Db::memory(Options::default()).await?;
//! let plan = migrations::plan(&set, &migrations::observe(&db, &set).await?, &PlanOptions::default());
//! assert_eq!(plan.scripts[0].units.len(), 3);
//! let outcome = migrations::up(&db, &set).await?;
//! assert_eq!(outcome.version, Some(3));
//! # Ok(())
//! # }
//! ```
//!
//! # Where to begin
//!
//! | to do this | use |
//! |---|---|
//! | migrate | [`migrations::up`], or [`migrations::apply`] with options and a listener; [`embed!`] compiles the files in |
//! | open the database of the settings | [`config::Config::load`] and [`open`](config::Config::open) |
//! | check whether an older program may open a newer database | [`migrations::compatible`] |
//! | write seed rows | [`seeds::apply`] |
//! | give each test a database | the module `testing` (feature `testing`) |
//! | import, export, back up, compare | [`dump`] |
//!
//! The command line is the package `seedbed-cli`.
//!
//! # How it works
//!
//! A change is a value, planned on a revision of the history:
//!
//! ```text
//! files ──read──▶ set ──plan(set, history)──▶ scripts ──run──▶ receipt ──▶ words or JSON
//! ```
//!
//! Deciding is pure and returns [`script::Script`]s. Acting is one call, [`history::run`]: it runs a script with its
//! records as a whole, and only if the history is unchanged since the plan. A run that lost a race reads and plans
//! again. One loop does this for applying, undoing, repairing and baselines. Commands that only read never write.
//!
//! The modules, each of which imports only those above it:
//!
//! | module | what it is | what it never does |
//! |---|---|---|
//! | [`sql`] | text of SQL: tokens, statements, places, quoting | knows a database |
//! | [`script`] | a change as a value | acts |
//! | [`diagnostic`] | one problem: message, location, exit class | prints |
//! | [`rules`] | the rules of `lint`: code, severity, title | knows SQL |
//! | [`db`] | one handle over every mode: query, run | knows `_migrations` |
//! | [`history`] | the `_migrations` table: read it, and run a script with its records | decides |
//! | [`drive`] | the one loop that changes databases: read, decide, run, repeat | decides |
//! | [`schema`] | the schema of a database, and how two schemas differ | writes |
//! | [`layouts`] | the folders of other tools, read as migrations | opens a file |
//! | [`migrations`] | files, set, plan, apply, undo, repair, baseline, check | knows which mode it is |
//! | [`lint`] | what migrations do to rows, readers and other engines | writes, prints |
//! | [`seeds`] | rows in YAML: set, rows, plan, apply, export | writes rows that no file declares |
//! | `testing` | a migrated and seeded database for each test (feature `testing`) | reads `.env`, opens what an application uses |
//! | [`dump`] | dumps: read, import, verify, export, backup | runs what is no part of a dump |
//! | [`config`] | flags > environment > `.env` > `config.toml` > default, each value with its origin | opens a database |
//! | [`mod@open`] | opens the database of the settings, for the command line and for applications | decides, writes |
//! | [`doctor`] | whether the job could run, from the settings to a real read | writes, shows a token |
//! | `report` | outcomes and errors as text and JSON (feature `report`) | prints |
//! | `refinery` | a driver for refinery's own Runner, in every mode (feature `refinery`) | touches `_migrations` |
//!
//! Two packages use all of them: `cli` (flags → one library call → report → exit code; and `init`, which sets a project
//! up), and `tests/it`, the specifications, which run the program and a server.

#![cfg_attr(test, allow(clippy::unwrap_used))]

// So that the paths that `embed!` writes are right inside of this crate too.
extern crate self as seedbed;

mod base64;
pub mod config;
pub mod db;
pub mod diagnostic;
pub mod doctor;
pub mod drive;
pub mod dump;
mod hex;
pub mod history;
pub mod layouts;
pub mod lint;
pub mod migrations;
#[doc(hidden)]
pub mod nearest;
pub mod open;
mod proxy;
#[cfg(feature = "refinery")]
pub mod refinery;
#[doc(hidden)]
pub mod regular;
#[cfg(feature = "report")]
pub mod report;
pub mod rules;
pub mod schema;
pub mod script;
pub mod seeds;
mod setters;
pub mod sql;
#[cfg(feature = "testing")]
pub mod testing;

pub use seedbed_macros::embed;
