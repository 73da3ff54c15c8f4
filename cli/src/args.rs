//! The words of the command line, as clap reads them. No logic: flags become plain values.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use seedbed::config::{Flags, Mode};
use seedbed::layouts::LayoutChoice;
use seedbed::lint::{Runner, Target};
use seedbed::migrations::Back;
use seedbed::migrations::Grouping;
use seedbed::script::Key;

/// Schema migrations and seeds for libSQL: local files, memory, Turso remotes and embedded replicas.
#[derive(Debug, Parser)]
#[command(
    name = "seedbed",
    version,
    max_term_width = 80,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = EXIT_CODES
)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) global: Global,
    #[command(subcommand)]
    pub(super) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done, or nothing to do
  1    the operation failed; the message says what is and is not in the database
  2    usage or configuration
  3    pending work exists (`status --exit-code`)
  4    integrity: the files, the history or the database do not fit: a wrong
       checksum, a missing file, a wrong order, a duplicate version, a bad name,
       a file for another tool; a history table that is not Seedbed's, is newer
       or has another name; a database that another tool migrated; a file that
       is not a dump, tables that exist already, an import that is not
       finished, side files of a deleted database
  5    schema drift: the schema of the database differs from the one that the
       migrations make (`baseline`, `adopt`, `repair V`, `drift`), or a run
       would change an object that has drifted (`migrate`, `undo`, `redo`)
  6    a lock or busy timeout; a file to be replaced that another process has
       open
  7    findings of `lint`: errors, with `--strict` also warnings
  8    the network failed during the commit, and the outcome stayed unknown
       until the time limit
  130  interrupted (SIGINT, SIGTERM); the current transaction was finished or
       rolled back";

/// The commands and flags, as they are read.
pub(super) fn command() -> clap::Command {
    super::help::grouped(ungrouped())
}

/// The same without the groups in its help.
fn ungrouped() -> clap::Command {
    Cli::command()
}

/// The commands that are among these words, with the same flags: to build the others would take longer than many commands
/// do. What it refuses may be right, or be answered with the help, which has all commands.
pub(super) fn among(words: &[OsString]) -> clap::Command {
    let all = ungrouped();
    let is_named = |command: &&clap::Command| {
        let mut names = std::iter::once(command.get_name()).chain(command.get_all_aliases());
        names.any(|name| words.iter().any(|word| word == name))
    };
    let named: Vec<clap::Command> = all.get_subcommands().filter(is_named).cloned().collect();
    let root = clap::Command::new("seedbed")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true);
    Global::augment_args(root).subcommands(named)
}

/// Flags that every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
pub(super) struct Global {
    /// Change to this folder first
    #[arg(short = 'C', global = true, value_name = "DIR")]
    pub(super) directory: Option<PathBuf>,
    /// The database: app.db, file:app.db, :memory:, libsql://…, https://…; its form fixes the mode
    #[arg(long, global = true, value_name = "DATABASE")]
    database: Option<String>,
    /// How the database is reached: local, memory, remote or replica
    #[arg(long, global = true, value_name = "MODE", value_parser = mode, hide_possible_values = true)]
    mode: Option<Mode>,
    /// The configuration file; its folder is the project root [default: config.toml in the project root]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The file of environment variables [default: .env in the project root]
    #[arg(long, global = true, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// The folder of the migrations [default: migrations]
    #[arg(long, global = true, value_name = "DIR")]
    migrations: Option<PathBuf>,
    /// How that folder is read: seedbed, sqlx, wrangler, golang-migrate, geni, diesel, goose, dbmate, sql-migrate,
    /// drizzle or prisma [default: found by its files]
    #[arg(long, global = true, value_name = "TOOL", value_parser = layout)]
    layout: Option<LayoutChoice>,
    /// The folder of the seeds [default: seeds]
    #[arg(long, global = true, value_name = "DIR")]
    seeds: Option<PathBuf>,
    /// The local file of an embedded replica [default: local_replica.db]
    #[arg(long, global = true, value_name = "FILE")]
    replica_file: Option<PathBuf>,
    /// Reach a server in a private network over http:// without a token; a token is never sent that way
    #[arg(long, global = true)]
    allow_plain_http: bool,
    /// A table or view that does not belong to the application: it is no history of migrations, and is left out of
    /// comparisons. Tables of other migration tools are known. Can be given several times
    #[arg(long, global = true, value_name = "TABLE")]
    ignore: Vec<String>,
    /// How to print the result, on standard output
    #[arg(long, global = true, value_name = "FORMAT", default_value = "table")]
    pub(super) format: Format,
    /// Print only the result and errors: no warnings, no progress. A backup prints nothing
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Print more details during the run
    #[arg(long, short, global = true)]
    pub(super) verbose: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(super) color: Color,
    /// Answer yes to every question
    #[arg(long, short, global = true)]
    pub(super) yes: bool,
}

impl Global {
    /// The settings among them.
    pub(super) fn settings(&self) -> Flags {
        Flags::default()
            .database(self.database.clone())
            .mode(self.mode)
            .config(self.config.clone())
            .env_file(self.env_file.clone())
            .migrations(self.migrations.clone())
            .layout(self.layout)
            .seeds(self.seeds.clone())
            .replica_file(self.replica_file.clone())
            .allow_plain_http(self.allow_plain_http)
            .ignore(self.ignore.clone())
    }
}

/// How to print a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Table,
    /// One JSON document.
    Json,
    /// SARIF 2.1.0, for code scanning: the findings of `lint`.
    Sarif,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

// The arguments of a command are built where it is called. So what describes it stands here: a doc comment on what
// holds its arguments would take its place.
/// The verbs.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(super) enum Command {
    /// Apply pending migrations
    #[command(visible_alias = "up")]
    Migrate(Migrate),
    /// Show which migrations are applied, pending, edited or missing
    #[command(visible_alias = "info")]
    Status(Status),
    /// Write the rows that the seed files declare, and only what differs
    Seed(Seed),
    /// Load a dump into the database: the output of `sqlite3 old.db .dump`, plain or gzip
    Import(Import),
    /// Compare the database with a dump, table by table, and show which rows differ
    Verify(VerifyDump),
    /// Copy a database or dump into another database, wherever they are, and compare every value
    Copy(Copy),
    /// Undo applied migrations, by the down files recorded with them
    #[command(visible_alias = "down")]
    Undo(Undo),
    /// Undo the newest migrations and apply them again as their files are now
    Redo(Redo),
    /// Check the files without a database: names, directives, and every migration up, down and up again in memory
    Check(Check),
    /// Find what migrations would do to rows, to programs that run, and to the engine they are for
    Lint(Lint),
    /// Create a migration file with the next version
    #[command(visible_alias = "add")]
    New(New),
    /// Give a migration file the next free version
    Renumber(Renumber),
    /// Update the recorded metadata to match the files; the schema is never changed
    Repair(Repair),
    /// Record migrations as applied without running them, for a database that already has the schema
    Baseline(Baseline),
    /// Take over the history of another tool: compare its records with the files and the schema, and record them
    Adopt(Adopt),
    /// Compare the schema of the database with the one that its recorded migrations make
    Drift(Drift),
    /// Check everything from the settings to a real read, and say what to do about each fault
    #[command(after_help = "Examples:\n  doctor   before the first deploy, or if something fails")]
    Doctor(Lock),
    /// List tables with their rows, size and indexes
    #[command(after_help = "Examples:\n  inspect --database old.db   what is in a database")]
    Inspect(Lock),
    /// Show how a statement would run and which index it would use; nothing is run
    Explain(Explain),
    /// Update the local file of an embedded replica from its primary
    Sync(Sync),
    /// Look at, remove or copy the local file of an embedded replica
    Replica(Replica),
    /// Write a dump: SQL from which sqlite3 and `import` rebuild an equal database
    Export(Export),
    /// Take a backup: a compressed dump with a checksum, proven by building a database from it
    Backup(Backup),
    /// Restore a backup into a new or empty database
    Restore(Restore),
    /// Replace the local database by a new one: migrate, seed
    Reset(Reset),
    /// Print the path of a fresh migrated and seeded database, for tests in any language
    TestDb(TestDb),
    /// Show every setting and where it comes from
    #[command(after_help = "Examples:\n  config   which database a command would use, and why")]
    Config,
    /// Set a project up: folders, settings, and for Rust an xtask
    Init(Init),
    /// Print a completion script for a shell
    Completions(Completions),
}

// `migrate`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  migrate                    all pending migrations
  migrate --dry-run          show them and what each statement does
  migrate --seed --env dev   and write the rows of seeds/")]
pub(super) struct Migrate {
    /// Stop after this version: 3 or V3
    #[arg(long, value_name = "V", value_parser = version, allow_negative_numbers = true)]
    pub(super) to: Option<i64>,
    /// Show what would be run, and change nothing; `check` tries it in memory
    #[arg(long)]
    pub(super) dry_run: bool,
    /// As few transactions as possible, or one for each migration
    #[arg(long, value_name = "HOW", default_value = "all")]
    pub(super) tx: Tx,
    /// Also apply versions below the newest applied one
    #[arg(long)]
    pub(super) allow_out_of_order: bool,
    /// Also change tables, indexes, views and triggers that were changed outside of migrations. Databases may end
    /// with different schemas, and what was changed may be lost
    #[arg(long)]
    pub(super) allow_drift: bool,
    /// Wait up to S seconds for the database to become reachable
    #[arg(long, value_name = "S", value_parser = seconds, allow_negative_numbers = true)]
    pub(super) wait: Option<Duration>,
    /// Take a backup before the first change; with `=unproven` also continue if the backup cannot be
    /// proven
    #[arg(long, value_name = "KIND", num_args = 0..=1, require_equals = true, default_missing_value = "proven")]
    pub(super) backup: Option<BackupKind>,
    /// Seed the database afterwards
    #[arg(long)]
    pub(super) seed: bool,
    /// The environment of the seeds; a database with the mark of another one is refused
    #[arg(long, value_name = "ENV")]
    pub(super) env: Option<String>,
    /// Seed the files with this tag too
    #[arg(long, value_name = "TAG", requires = "seed")]
    pub(super) tag: Vec<String>,
    /// Allow rows that are not for prod on a server that is not this machine
    #[arg(long, requires = "seed")]
    pub(super) allow_remote_seed: bool,
    #[command(flatten)]
    pub(super) lock: Lock,
}

/// `--backup`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum BackupKind {
    /// One from which the database was rebuilt.
    Proven,
    /// Any.
    Unproven,
}

// `--lock-timeout`
#[derive(Debug, Args)]
pub(super) struct Lock {
    /// How long to wait for the lock of another process, in seconds [default: 10; 120 for a server]. The answer of a server is
    /// awaited for the same time, at least 120 s
    #[arg(long, value_name = "S", value_parser = seconds, allow_negative_numbers = true)]
    pub(super) lock_timeout: Option<Duration>,
}

impl Lock {
    /// That of a subcommand, which may also stand before its name.
    pub(super) fn or(&self, before: &Lock) -> Option<Duration> {
        self.lock_timeout.or(before.lock_timeout)
    }
}

/// `--tx`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Tx {
    /// As few as possible without changing the result.
    All,
    /// One for each migration.
    Each,
}

impl From<Tx> for Grouping {
    fn from(tx: Tx) -> Grouping {
        match tx {
            Tx::All => Grouping::All,
            Tx::Each => Grouping::Each,
        }
    }
}

// `status`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  status               what is applied and what is pending
  status --exit-code   for scripts: 3 if something is pending")]
pub(super) struct Status {
    /// Exit with 3 if a migration is pending, or a seed in a database that was seeded before
    #[arg(long)]
    pub(super) exit_code: bool,
    /// Print the text of this applied version (3 or V3) or repeatable (R__views) as it was recorded, and nothing else
    #[arg(long, value_name = "V", value_parser = key, conflicts_with = "exit_code")]
    pub(super) source: Option<Key>,
    /// With --source: print the recorded down text instead
    #[arg(long, requires = "source")]
    pub(super) down: bool,
    #[command(flatten)]
    pub(super) lock: Lock,
}

// `seed`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seed --dry-run      show what would be written
  seed --env test     the rows of seeds/ and of seeds/test/
  seed export users   rows of the database as a seed file")]
pub(super) struct Seed {
    #[command(subcommand)]
    pub(super) command: Option<SeedCommand>,
    /// The environment of the seeds [default: dev, on this machine only]
    #[arg(long, value_name = "ENV")]
    pub(super) env: Option<String>,
    /// Seed the files with this tag too
    #[arg(long, value_name = "TAG")]
    pub(super) tag: Vec<String>,
    /// Show which rows would be written, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Also write values that were changed by hand, and new values of `!now` and `!hash`
    #[arg(long)]
    pub(super) refresh: bool,
    /// Mark the database as this environment, whatever it is marked as
    #[arg(long, value_name = "ENV")]
    pub(super) mark: Option<String>,
    /// Allow rows that are not for prod on a server that is not this machine
    #[arg(long)]
    pub(super) allow_remote_seed: bool,
    #[command(flatten)]
    pub(super) lock: Lock,
}

impl Seed {
    /// A flag that says how rows are written, where none are: clap would refuse global flags in that place too.
    pub(super) fn flag_of_writing(&self) -> Option<&'static str> {
        let given = [
            (self.env.is_some(), "--env"),
            (!self.tag.is_empty(), "--tag"),
            (self.dry_run, "--dry-run"),
            (self.refresh, "--refresh"),
            (self.mark.is_some(), "--mark"),
            (self.allow_remote_seed, "--allow-remote-seed"),
        ];
        given.into_iter().find(|(is, _)| *is).map(|(_, flag)| flag)
    }
}

// What is done with seeds besides writing their rows.
#[derive(Debug, Subcommand)]
pub(super) enum SeedCommand {
    /// Write rows of the database as a seed file, which is read back before it is written
    Export(SeedExport),
    /// End a seed: remove its records. Then you can delete its file, or seed it again
    Forget(SeedForget),
    /// Print a JSON Schema of seed files, with the tables and columns that the migrations make, for editors
    #[command(after_help = "\
Examples:
  seed schema > seeds/.schema.json   for the YAML extension of an editor")]
    Schema,
}

// `seed forget`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seed forget 010_users --dry-run     show which rows would be deleted
  seed forget demo/020 --with-rows    end it, and delete the rows that it made")]
pub(super) struct SeedForget {
    /// The seed: the path of its file below the seeds folder, without `.yaml`
    #[arg(value_name = "NAME")]
    pub(super) name: String,
    /// Also delete the rows that it made (mode `sync` only)
    #[arg(long)]
    pub(super) with_rows: bool,
    /// Show which rows would be deleted, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) lock: Lock,
}

// `seed export`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  seed export users posts                      rows of two tables
  seed export users --mask users.email         without the addresses
  seed export --all --file seeds/010_all.yaml  all tables, as a new file")]
pub(super) struct SeedExport {
    /// The tables, in the order of the file
    #[arg(value_name = "TABLE", required_unless_present = "all", num_args = 1..)]
    pub(super) tables: Vec<String>,
    /// All tables that keep rows, parents first
    #[arg(long, conflicts_with = "tables")]
    pub(super) all: bool,
    /// Leave the values of these columns out: new rows get made-up ones, and rows that are there keep theirs
    #[arg(long, value_name = "TABLE.COLUMN", value_delimiter = ',')]
    pub(super) mask: Vec<String>,
    /// Write a new file instead of standard output
    #[arg(long, value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) lock: Lock,
}

// `import`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  import old.sql.gz                 a dump into a new or empty database
  import old.db --dry-run           show what would be done
  import rows.sql --into-existing   rows for tables that exist")]
pub(super) struct Import {
    /// The dump; `-` is standard input
    #[arg(value_name = "DUMP")]
    pub(super) dump: PathBuf,
    /// Read the dump, show what would be done, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Remove what an unfinished import has written, and begin from the start
    #[arg(long)]
    pub(super) restart: bool,
    /// Write the rows into tables that exist already: for dumps without a schema
    #[arg(long)]
    pub(super) into_existing: bool,
    /// What to compare afterwards: the number of rows of each table, every row, or nothing
    #[arg(long, value_name = "WHAT", default_value = "counts")]
    pub(super) verify: Verify,
    /// Keep rows whose parents are missing, instead of refusing the dump
    #[arg(long)]
    pub(super) allow_fk_violations: bool,
    /// Let the triggers of existing tables run for each row, instead of refusing the dump
    #[arg(long, requires = "into_existing")]
    pub(super) run_triggers: bool,
    /// The most bytes of the dump in one transaction, for servers that take less at once
    #[arg(long, value_name = "N", hide = true)]
    pub(super) transaction_bytes: Option<u64>,
    #[command(flatten)]
    pub(super) lock: Lock,
}

// `copy`
#[derive(Debug, Args)]
#[command(after_help = "\
FROM and TO are written as for --database: app.db, file:app.db, libsql://…, https://…; FROM may be a dump too.
Tokens: SEEDBED_FROM_TOKEN and SEEDBED_TO_TOKEN, in the environment or .env. TURSO_AUTH_TOKEN is sent to the server of
TURSO_DATABASE_URL only; where that is not set, to the only server among the two.

Examples:
  copy app.db libsql://NAME-ORG.turso.io     a file to Turso
  copy libsql://NAME-ORG.turso.io today.db   Turso to a new file
  copy old.sql.gz app.db                     a dump; - is standard input")]
pub(super) struct Copy {
    /// The database or dump that is read
    #[arg(value_name = "FROM")]
    pub(super) from: String,
    /// The database that is written: a new or empty one
    #[arg(value_name = "TO")]
    pub(super) to: String,
    /// Show what would be copied, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Remove what an unfinished copy has written, and begin from the start
    #[arg(long)]
    pub(super) restart: bool,
    /// Keep rows whose parents are missing, instead of refusing the database
    #[arg(long)]
    pub(super) allow_fk_violations: bool,
    /// The most bytes of a dump in one transaction, for servers that take less at once
    #[arg(long, value_name = "N", hide = true)]
    pub(super) transaction_bytes: Option<u64>,
    #[command(flatten)]
    pub(super) lock: Lock,
}

/// `--verify`
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Verify {
    /// The number of rows of each table.
    Counts,
    /// Every row.
    Full,
    /// Nothing.
    None,
}

// `verify`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  verify old.sql            compare every value of the database with the dump
  verify old.sql --counts   compare the number of rows only")]
pub(super) struct VerifyDump {
    /// The dump, or a database file; `-` is standard input
    #[arg(value_name = "DUMP")]
    pub(super) dump: PathBuf,
    /// Compare the number of rows of each table, and not every value
    #[arg(long)]
    pub(super) counts: bool,
    #[command(flatten)]
    pub(super) lock: Lock,
}

// `undo`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  undo             the newest migration
  undo --to 3      every version above V3
  undo --dry-run   show what would be run")]
pub(super) struct Undo {
    /// How many of the highest versions to undo [default: 1]
    #[arg(long, value_name = "N", conflicts_with = "to", value_parser = steps, allow_negative_numbers = true)]
    pub(super) steps: Option<usize>,
    /// Undo every version above this one; `none` undoes all
    #[arg(long, value_name = "V", value_parser = undo_to, allow_negative_numbers = true)]
    pub(super) to: Option<Back>,
    /// Also undo migrations that `baseline` or `adopt` recorded and Seedbed never ran: what they drop was there before
    #[arg(long)]
    pub(super) adopted: bool,
    /// Also change tables, indexes, views and triggers that were changed outside of migrations. What was changed may be
    /// lost
    #[arg(long)]
    pub(super) allow_drift: bool,
    /// Show what would be run, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// As few transactions as possible, or one for each migration
    #[arg(long, value_name = "HOW", default_value = "all")]
    pub(super) tx: Tx,
    #[command(flatten)]
    pub(super) lock: Lock,
}

// `redo`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  redo             undo the newest by its recorded down text, apply its file
  redo --steps 2   the same for the two newest
  redo --dry-run   show what would be run")]
pub(super) struct Redo {
    /// How many of the highest versions
    #[arg(long, value_name = "N", default_value = "1", value_parser = steps, allow_negative_numbers = true)]
    pub(super) steps: usize,
    /// Also change tables, indexes, views and triggers that were changed outside of migrations. What was changed may be
    /// lost
    #[arg(long)]
    pub(super) allow_drift: bool,
    /// Show what would be run, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// As few transactions as possible, or one for each migration
    #[arg(long, value_name = "HOW", default_value = "all")]
    pub(super) tx: Tx,
    #[command(flatten)]
    pub(super) lock: Lock,
}

// `check`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  check                      every migration and seed, without a database
  check --base origin/main   for a pull request: applied files stay as they are")]
pub(super) struct Check {
    /// Compare with the files at this commit: what is there must not be edited, and new versions come after
    #[arg(long, value_name = "GITREF")]
    pub(super) base: Option<String>,
}

// `lint`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  lint --base origin/main         for a pull request: new and changed files
  lint --database app.db          files not applied yet, with a look at the rows
  lint migrations/V7__names.sql   one file, at its place among the others
  lint --explain DS101            what a rule means")]
pub(super) struct Lint {
    /// The files to look at [default: those that are new against --base or not applied in --database, else all]
    #[arg(value_name = "FILE")]
    pub(super) files: Vec<String>,
    /// Look at the files that are new or changed since this commit
    #[arg(long, value_name = "GITREF", conflicts_with = "files")]
    pub(super) base: Option<String>,
    /// End with exit code 7 for warnings too
    #[arg(long)]
    pub(super) strict: bool,
    /// The tool that runs the files: seedbed, drizzle, prisma, wrangler or sqlx [default: the tool of the layout]
    #[arg(long, value_name = "TOOL", value_parser = runner)]
    pub(super) runner: Option<Runner>,
    /// The engine that they are for: libsql (a server), turso, d1 or sqlite [default: that of the settings]
    #[arg(long, value_name = "ENGINE", value_parser = target)]
    pub(super) target: Option<Target>,
    /// Look at each file as a run of its own, as if those before it were applied
    #[arg(long)]
    pub(super) each: bool,
    /// Explain a rule
    #[arg(long, value_name = "CODE", conflicts_with_all = ["files", "base", "strict", "runner", "target", "each"])]
    pub(super) explain: Option<String>,
}

fn runner(word: &str) -> Result<Runner, String> {
    Runner::of_word(word).ok_or_else(|| format!("the runners are: {}", Runner::WORDS.join(", ")))
}

fn target(word: &str) -> Result<Target, String> {
    Target::of_word(word).ok_or_else(|| format!("the targets are: {}", Target::WORDS.join(", ")))
}

// `new`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  new add users          writes migrations/V4__add_users.sql
  new add users --down   and the file that undoes it")]
pub(super) struct New {
    /// What the migration does, in words: "add users"
    #[arg(value_name = "NAME", required = true, num_args = 1..)]
    pub(super) name: Vec<String>,
    /// Use the UTC time as version instead of the next number
    #[arg(long)]
    pub(super) timestamp: bool,
    /// Create the down file too
    #[arg(long)]
    pub(super) down: bool,
}

// `renumber`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  renumber V4 --base main   after a merge: V4 gets the next free version")]
pub(super) struct Renumber {
    /// The version (3 or V3), or the file name where two files have it
    #[arg(value_name = "V|FILE")]
    pub(super) which: String,
    /// The commit whose files keep their versions [default: the first that exists of origin/HEAD,
    /// origin/main, origin/master, main, master]
    #[arg(long, value_name = "GITREF")]
    pub(super) base: Option<String>,
    /// Also renumber a file that the configured database has applied, or that the base has
    #[arg(long)]
    pub(super) allow_applied: bool,
    #[command(flatten)]
    pub(super) lock: Lock,
}

// `repair`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  repair                record comments that were edited
  repair V3 --applied   V3 stopped half-way, and its rest was run by hand")]
pub(super) struct Repair {
    /// The version (3 or V3) or repeatable (R__views) whose record is to become what its file says
    /// [default: only what changes no meaning, and records whose files have other versions now]
    #[arg(value_name = "V", value_parser = key)]
    pub(super) key: Option<Key>,
    /// Record the file of V without comparing the schema with what all recorded migrations and this file make together
    #[arg(long, requires = "key", conflicts_with_all = ["applied", "retry"])]
    pub(super) no_verify: bool,
    /// The migration was started outside of a transaction, and all of it is in the database
    #[arg(long, requires = "key", conflicts_with = "retry")]
    pub(super) applied: bool,
    /// The migration was started outside of a transaction, and is to run again
    #[arg(long, requires = "key")]
    pub(super) retry: bool,
    #[command(flatten)]
    pub(super) lock: Lock,
}

// `baseline`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  baseline 7   the schema is that of V1 to V7 already")]
pub(super) struct Baseline {
    /// The last version that the database already has: 3 or V3
    #[arg(value_name = "V", value_parser = version)]
    pub(super) version: i64,
    /// Do not compare the schema with what the migrations would make. A difference shows only when a later
    /// migration fails
    #[arg(long)]
    pub(super) no_verify: bool,
    #[command(flatten)]
    pub(super) lock: Lock,
}

// `adopt`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  adopt --dry-run     what would be recorded, after comparing files and schema
  adopt               take over the history of sqlx, drizzle, goose, Prisma, …
  adopt --from sqlx   where the database has the histories of several tools
  adopt --from goose --table versions   where the tool uses a table of that name")]
pub(super) struct Adopt {
    /// The tool whose history it is: sqlx, refinery, diesel, goose, golang-migrate, dbmate, geni, drizzle, prisma,
    /// wrangler or sql-migrate [default: found by its table]
    #[arg(long, value_name = "TOOL")]
    pub(super) from: Option<String>,
    /// With --from: the table of that tool, if its name was changed
    #[arg(long, value_name = "NAME", requires = "from")]
    pub(super) table: Option<String>,
    /// Show what would be recorded, and change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) lock: Lock,
}

// `drift`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  drift                what was changed beside the migrations: exit code 5
  drift --fix revert   write a migration that changes it back
  drift --fix adopt    write one that makes the same change, and record it")]
pub(super) struct Drift {
    /// Write the difference as a migration file. The schema of the database is not changed
    #[arg(long, value_name = "HOW", value_enum)]
    pub(super) fix: Option<Fix>,
    #[command(flatten)]
    pub(super) lock: Lock,
}

/// What becomes of a drift.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
pub(super) enum Fix {
    /// The migration makes the schema as the database has it, and is recorded as applied
    Adopt,
    /// The migration makes the schema as the recorded migrations do
    Revert,
}

// `explain`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  explain \"SELECT * FROM users WHERE email = ?1\"   which index it uses")]
pub(super) struct Explain {
    /// One SELECT, INSERT, UPDATE or DELETE; parameters (?1, :id) need no values
    #[arg(value_name = "SQL")]
    pub(super) sql: String,
    #[command(flatten)]
    pub(super) lock: Lock,
}

// `sync`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  sync           once
  sync --watch   at the configured interval, until interrupted")]
pub(super) struct Sync {
    /// Go on at the configured interval until interrupted. A replica whose primary has a new log, as after a crash of the
    /// server, is replaced without asking
    #[arg(long)]
    pub(super) watch: bool,
    #[command(flatten)]
    pub(super) lock: Lock,
}

// `replica`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  replica status          how far the local file is behind
  replica copy today.db   what it holds, as a plain database")]
pub(super) struct Replica {
    #[command(subcommand)]
    pub(super) command: ReplicaCommand,
}

// What is done with the file of a replica.
#[derive(Debug, Subcommand)]
pub(super) enum ReplicaCommand {
    /// Show its size, its last frame, its age, and how far it is behind
    Status(Lock),
    /// Remove all of its files and nothing else; `sync` creates them again
    Reset(Lock),
    /// Write what it holds into a plain database, cut off from the primary
    Copy {
        /// The new file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Copy also where the last sync did not end: a part of what the primary has
        #[arg(long)]
        allow_incomplete: bool,
        #[command(flatten)]
        lock: Lock,
    },
}

// `export`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  export dump.sql.gz     the whole database
  export --schema-only   the schema, on standard output")]
pub(super) struct Export {
    /// A new file, compressed if its name ends in .gz [default: standard output]
    #[arg(value_name = "FILE")]
    pub(super) file: Option<PathBuf>,
    /// These tables and views only, with their indexes and triggers
    #[arg(long, value_name = "T", value_delimiter = ',')]
    pub(super) tables: Vec<String>,
    /// No rows but Seedbed's records
    #[arg(long)]
    pub(super) schema_only: bool,
    /// No schema: rows for tables that are there
    #[arg(long, conflicts_with = "schema_only")]
    pub(super) data_only: bool,
    /// Without Seedbed's records and those of other migration tools; with --schema-only what is left can be the first
    /// migration
    #[arg(long)]
    pub(super) no_history: bool,
    #[command(flatten)]
    pub(super) lock: Lock,
}

// `backup`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  backup --keep-days 14   take one, and remove older ones
  backup list             which there are, and whether each is good")]
pub(super) struct Backup {
    #[command(subcommand)]
    pub(super) command: Option<BackupCommand>,
    /// The folder of the backups [default: backups]
    #[arg(long, global = true, value_name = "D")]
    pub(super) dir: Option<PathBuf>,
    /// Remove backups of this database that are older; the new one stays whatever its age [default: 30]
    #[arg(long, value_name = "N")]
    pub(super) keep_days: Option<u32>,
    #[command(flatten)]
    pub(super) lock: Lock,
}

// What is done with backups besides taking one.
#[derive(Debug, Subcommand)]
pub(super) enum BackupCommand {
    /// Show the backups that there are, and whether each is unchanged
    List,
}

// `restore`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  restore backups/app.sql.gz --database new.db   into a new database")]
pub(super) struct Restore {
    /// The backup; the checksum beside it is looked at first
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
    /// Mark the database as this environment; without, it has no mark
    #[arg(long, value_name = "E")]
    pub(super) mark: Option<String>,
    #[command(flatten)]
    pub(super) lock: Lock,
}

// `reset`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  reset --env test   a new local database, migrated and seeded")]
pub(super) struct Reset {
    /// The environment whose seeds run [default: the one that the database is marked as, else that of the settings]
    #[arg(long, value_name = "E")]
    pub(super) env: Option<String>,
    /// Seeds with this tag run too
    #[arg(long, value_name = "T")]
    pub(super) tag: Vec<String>,
    /// Take no backup, even if rows are lost that come from neither migrations nor seeds
    #[arg(long)]
    pub(super) no_backup: bool,
    #[command(flatten)]
    pub(super) lock: Lock,
}

// `test-db`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  test-db --env test   prints the path of a new database")]
pub(super) struct TestDb {
    /// The environment whose seeds run
    #[arg(long, value_name = "E", default_value = "test")]
    pub(super) env: String,
    /// Seeds with this tag run too
    #[arg(long, value_name = "T")]
    pub(super) tag: Vec<String>,
}

// `init`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  init                                  sees or asks what kind of project it is
  init --kind program                   a project in any language
  init --kind xtask --workflow github   a Rust project, and its CI
  init --path ../seedbed                from the sources of Seedbed")]
pub(super) struct Init {
    /// How the project runs Seedbed
    #[arg(long)]
    pub(super) kind: Option<crate::init::Kind>,
    /// Also write a workflow that checks pull requests
    #[arg(long, value_name = "WHERE", default_value = "none")]
    pub(super) workflow: crate::init::Workflow,
    /// The git repository of Seedbed, instead of the released version
    #[arg(long, value_name = "URL", conflicts_with = "path")]
    pub(super) git: Option<String>,
    /// The folder of Seedbed's sources, instead of the released version
    #[arg(long, value_name = "DIR")]
    pub(super) path: Option<PathBuf>,
}

// `completions`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  completions fish > ~/.config/fish/completions/seedbed.fish   for fish
  completions --all out   all scripts and manual pages, for a package")]
pub(super) struct Completions {
    /// The shell
    #[arg(required_unless_present = "all")]
    pub(super) shell: Option<clap_complete::Shell>,
    /// Write the scripts of all shells, and manual pages, into this folder
    #[arg(long, value_name = "DIR", conflicts_with = "shell")]
    pub(super) all: Option<PathBuf>,
}

fn layout(text: &str) -> Result<LayoutChoice, String> {
    text.parse()
        .map_err(|error: seedbed::layouts::UnknownLayout| error.help)
}

fn mode(text: &str) -> Result<Mode, String> {
    text.parse()
        .map_err(|error: seedbed::config::UnknownMode| error.to_string())
}

/// `3` or `V3`.
pub(super) fn version(text: &str) -> Result<i64, String> {
    let digits = text.strip_prefix(['V', 'v']).unwrap_or(text);
    match digits.parse() {
        Ok(version) if version >= 0 => Ok(version),
        _ => Err("a version is written 3 or V3".to_owned()),
    }
}

/// `3`, `V3` or `none`.
fn undo_to(text: &str) -> Result<Back, String> {
    match text {
        "none" => Ok(Back::All),
        _ => version(text)
            .map(Back::To)
            .map_err(|_| "a version is written 3 or V3; `none` undoes all".to_owned()),
    }
}

/// `3`, `V3` or `R__views`.
fn key(text: &str) -> Result<Key, String> {
    match text.strip_prefix("R__") {
        Some(name) => Ok(Key::Repeatable(
            name.strip_suffix(".sql").unwrap_or(name).to_owned(),
        )),
        None => version(text)
            .map(Key::Migration)
            .map_err(|_| "write a version as 3 or V3, a repeatable as R__views".to_owned()),
    }
}

fn steps(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(steps) if steps > 0 => Ok(steps),
        _ => Err("write a whole number from 1".to_owned()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    text.parse::<f64>()
        .ok()
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| "write a number of seconds, such as 10 or 0.5".to_owned())
}
