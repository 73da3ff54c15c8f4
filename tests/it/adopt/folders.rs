//! The same three migrations in the folder of each tool, and what the tool writes into a database that it migrates.

use sha2::{Digest, Sha256, Sha384};

/// A tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tool {
    Sqlx,
    SqlxReversible,
    Wrangler,
    Refinery,
    Diesel,
    Goose,
    GolangMigrate,
    Dbmate,
    Geni,
    SqlMigrate,
    Drizzle,
    Prisma,
}

pub(crate) const TOOLS: [Tool; 12] = [
    Tool::Sqlx,
    Tool::SqlxReversible,
    Tool::Wrangler,
    Tool::Refinery,
    Tool::Diesel,
    Tool::Goose,
    Tool::GolangMigrate,
    Tool::Dbmate,
    Tool::Geni,
    Tool::SqlMigrate,
    Tool::Drizzle,
    Tool::Prisma,
];

/// What applies and what undoes: a trigger has semicolons inside.
const UP: [&str; 3] = [
    "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT);\n\
     CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET x = upper(x); SELECT 1; END;\n",
    "CREATE TABLE b (id INTEGER PRIMARY KEY, a_id INTEGER REFERENCES a(id));\n",
    "ALTER TABLE b ADD COLUMN note TEXT;\n",
];
const DOWN: [&str; 3] = [
    "DROP TABLE a;\n",
    "DROP TABLE b;\n",
    "ALTER TABLE b DROP COLUMN note;\n",
];

/// The schema after so many of them.
pub(crate) const SCHEMA: [&str; 3] = ["a,t", "a,b,t", "a,b,t"];

impl Tool {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Tool::Sqlx | Tool::SqlxReversible => "sqlx",
            Tool::Wrangler => "wrangler",
            Tool::Refinery => "refinery",
            Tool::Diesel => "diesel",
            Tool::Goose => "goose",
            Tool::GolangMigrate => "golang-migrate",
            Tool::Dbmate => "dbmate",
            Tool::Geni => "geni",
            Tool::SqlMigrate => "sql-migrate",
            Tool::Drizzle => "drizzle",
            Tool::Prisma => "prisma",
        }
    }

    /// Whether its folder holds what undoes a migration.
    pub(crate) fn has_downs(self) -> bool {
        !matches!(
            self,
            Tool::Sqlx | Tool::Wrangler | Tool::Drizzle | Tool::Prisma
        )
    }

    pub(crate) fn has_checksums(self) -> bool {
        matches!(
            self,
            Tool::Sqlx | Tool::SqlxReversible | Tool::Refinery | Tool::Drizzle | Tool::Prisma
        )
    }

    /// The number of the migration with this index, as Seedbed shows it.
    pub(crate) fn version(self, index: usize) -> i64 {
        let index = i64::try_from(index).unwrap();
        match self {
            Tool::Drizzle => index,
            Tool::Wrangler | Tool::Refinery | Tool::Goose | Tool::GolangMigrate => index + 1,
            _ => 20_240_101_000_000 + index,
        }
    }

    /// The name of its migration, as its own table has it where it has names.
    fn name(self, index: usize) -> String {
        let version = self.version(index);
        let words = ["users", "posts", "notes"][index];
        match self {
            Tool::Drizzle | Tool::Wrangler => format!("{version:04}_{words}"),
            Tool::Goose => format!("{version:05}_{words}"),
            Tool::Refinery => format!("V{version}__{words}"),
            Tool::Diesel => format!("2024-01-01-{:06}_{words}", index),
            _ => format!("{version}_{words}"),
        }
    }

    /// The file that applies, with its text.
    pub(crate) fn file(self, index: usize) -> (String, String) {
        let name = self.name(index);
        let (up, down) = (UP[index], DOWN[index]);
        match self {
            Tool::Sqlx | Tool::Refinery | Tool::Wrangler => {
                (format!("m/{name}.sql"), up.to_owned())
            }
            Tool::SqlxReversible | Tool::GolangMigrate | Tool::Geni => {
                (format!("m/{name}.up.sql"), up.to_owned())
            }
            Tool::Diesel => (format!("m/{name}/up.sql"), up.to_owned()),
            Tool::Prisma => (format!("m/{name}/migration.sql"), up.to_owned()),
            Tool::Goose => (
                format!("m/{name}.sql"),
                format!(
                    "-- +goose Up\n-- +goose StatementBegin\n{up}-- +goose StatementEnd\n-- +goose Down\n{down}"
                ),
            ),
            Tool::Dbmate => (
                format!("m/{name}.sql"),
                format!("-- migrate:up\n{up}\n-- migrate:down\n{down}"),
            ),
            Tool::SqlMigrate => (
                format!("m/{name}.sql"),
                format!("-- +migrate Up\n{up}\n-- +migrate Down\n{down}"),
            ),
            // The breakpoint alone divides the statements.
            Tool::Drizzle => (
                format!("m/{name}.sql"),
                up.replace(";\nCREATE", "\n--> statement-breakpoint\nCREATE"),
            ),
        }
    }

    /// The folder with so many migrations.
    pub(crate) fn folder(self, count: usize) -> Vec<(String, String)> {
        let mut files: Vec<(String, String)> = (0..count).map(|index| self.file(index)).collect();
        for (index, down) in DOWN.iter().enumerate().take(count) {
            let (name, down) = (self.name(index), (*down).to_owned());
            match self {
                Tool::SqlxReversible | Tool::GolangMigrate | Tool::Geni => {
                    files.push((format!("m/{name}.down.sql"), down));
                }
                Tool::Refinery => files.push((format!("m/{name}.down.sql"), down)),
                Tool::Diesel => files.push((format!("m/{name}/down.sql"), down)),
                _ => {}
            }
        }
        match self {
            Tool::Drizzle => {
                let entries: Vec<String> = (0..count)
                    .map(|index| {
                        format!(
                            r#"{{"idx":{index},"version":"6","when":{},"tag":"{}","breakpoints":true}}"#,
                            when(index),
                            self.name(index)
                        )
                    })
                    .collect();
                let journal = format!(
                    r#"{{"version":"7","dialect":"sqlite","entries":[{}]}}"#,
                    entries.join(",")
                );
                files.push(("m/meta/_journal.json".to_owned(), journal));
            }
            Tool::Prisma => files.push((
                "m/migration_lock.toml".to_owned(),
                "provider = \"sqlite\"\n".to_owned(),
            )),
            _ => {}
        }
        files
    }

    /// The statements by which plain SQLite gets what so many migrations make.
    pub(crate) fn schema(count: usize) -> Vec<&'static str> {
        // The trigger is one statement.
        let mut statements: Vec<&str> = Vec::new();
        for text in &UP[..count] {
            match text.split_once(";\nCREATE TRIGGER") {
                Some((table, _)) => {
                    statements.push(table);
                    statements.push(&text[table.len() + 2..]);
                }
                None => statements.push(text),
            }
        }
        statements
    }

    /// What it records of these migrations, with the bytes of each file: the table and its rows.
    pub(crate) fn history(self, indexes: &[usize]) -> Vec<String> {
        let mut statements = vec![self.table().to_owned()];
        let indexes = match self {
            Tool::GolangMigrate => &indexes[indexes.len().saturating_sub(1)..],
            _ => indexes,
        };
        let at = "2024-02-03 04:05:06";
        statements.extend(indexes.iter().map(|index| {
            let version = self.version(*index);
            let (path, text) = self.file(*index);
            let name = self.name(*index);
            match self {
                Tool::Sqlx | Tool::SqlxReversible => format!(
                    "INSERT INTO _sqlx_migrations VALUES ({version}, 'x', '{at}', TRUE, x'{}', 1)",
                    hex(&Sha384::digest(text))
                ),
                Tool::Wrangler => format!(
                    "INSERT INTO d1_migrations (name, applied_at) VALUES ('{name}.sql', '{at}')"
                ),
                Tool::Refinery => {
                    let file = path.trim_start_matches("m/").trim_end_matches(".sql");
                    let theirs = refinery_core::Migration::unapplied(file, &text).unwrap();
                    format!(
                        "INSERT INTO refinery_schema_history VALUES ({version}, 'x', '2024-02-03T04:05:06Z', '{}')",
                        theirs.checksum()
                    )
                }
                Tool::Diesel => format!(
                    "INSERT INTO __diesel_schema_migrations VALUES ('{version}', '{at}')"
                ),
                Tool::Goose => format!(
                    "INSERT INTO goose_db_version (version_id, is_applied, tstamp) VALUES ({version}, 1, '{at}')"
                ),
                Tool::GolangMigrate => {
                    format!("INSERT INTO schema_migrations VALUES ({version}, FALSE)")
                }
                Tool::Dbmate | Tool::Geni => {
                    format!("INSERT INTO schema_migrations VALUES ('{version}')")
                }
                Tool::SqlMigrate => {
                    format!("INSERT INTO gorp_migrations VALUES ('{name}.sql', '{at}')")
                }
                Tool::Drizzle => format!(
                    "INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('{}', {})",
                    hex(&Sha256::digest(text)),
                    when(*index)
                ),
                Tool::Prisma => format!(
                    "INSERT INTO _prisma_migrations VALUES ('id{index}', '{}', 1706933106000, '{name}', NULL, NULL, \
                     1706933105000, 1)",
                    hex(&Sha256::digest(text))
                ),
            }
        }));
        statements
    }

    /// That a migration has begun and not finished; none where the tool knows no such state.
    pub(crate) fn unfinished(self, index: usize) -> Option<String> {
        let version = self.version(index);
        Some(match self {
            Tool::Sqlx | Tool::SqlxReversible => {
                format!("UPDATE _sqlx_migrations SET success = FALSE WHERE version = {version}")
            }
            Tool::GolangMigrate => "UPDATE schema_migrations SET dirty = TRUE".to_owned(),
            Tool::Prisma => format!(
                "UPDATE _prisma_migrations SET finished_at = NULL WHERE migration_name = '{}'",
                self.name(index)
            ),
            _ => return None,
        })
    }

    /// When its table says that a migration was applied, if it says so.
    pub(crate) fn says_when(self) -> bool {
        !matches!(
            self,
            Tool::GolangMigrate | Tool::Dbmate | Tool::Geni | Tool::Drizzle
        )
    }

    /// The statement by which the tool makes its table.
    fn table(self) -> &'static str {
        match self {
            Tool::Sqlx | Tool::SqlxReversible => {
                "CREATE TABLE _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
                 installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, success BOOLEAN NOT NULL, \
                 checksum BLOB NOT NULL, execution_time BIGINT NOT NULL)"
            }
            Tool::Wrangler => {
                "CREATE TABLE d1_migrations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, \
                 applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL)"
            }
            Tool::Refinery => {
                "CREATE TABLE refinery_schema_history (version int4 PRIMARY KEY, name VARCHAR(255), \
                 applied_on VARCHAR(255), checksum VARCHAR(255))"
            }
            Tool::Diesel => {
                "CREATE TABLE __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, \
                 run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)"
            }
            Tool::Goose => {
                "CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL, \
                 is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')))"
            }
            Tool::GolangMigrate => "CREATE TABLE schema_migrations (version uint64, dirty bool)",
            Tool::Dbmate => "CREATE TABLE schema_migrations (version varchar(128) PRIMARY KEY)",
            Tool::Geni => "CREATE TABLE schema_migrations (id VARCHAR(255) NOT NULL PRIMARY KEY)",
            Tool::SqlMigrate => {
                "CREATE TABLE gorp_migrations (id varchar(255) NOT NULL PRIMARY KEY, applied_at datetime)"
            }
            Tool::Drizzle => {
                "CREATE TABLE __drizzle_migrations (id SERIAL PRIMARY KEY, hash text NOT NULL, created_at numeric)"
            }
            Tool::Prisma => {
                "CREATE TABLE _prisma_migrations (id TEXT PRIMARY KEY NOT NULL, checksum TEXT NOT NULL, \
                 finished_at DATETIME, migration_name TEXT NOT NULL, logs TEXT, rolled_back_at DATETIME, \
                 started_at DATETIME NOT NULL DEFAULT current_timestamp, applied_steps_count INTEGER UNSIGNED NOT NULL \
                 DEFAULT 0)"
            }
        }
    }
}

/// When drizzle generated a migration.
fn when(index: usize) -> u64 {
    1_718_049_138_124 + u64::try_from(index).unwrap() * 1000
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
