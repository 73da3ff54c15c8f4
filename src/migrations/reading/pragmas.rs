//! Pragmas in a file: those that have no effect, those that SQLite does not know, and those that a connection would
//! remember. Pure.

use super::Reader;
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::script::{Atomicity, ForeignKeys, Origin, Step};
use crate::sql::{Kind, Pragma, What, kind};

/// All pragmas: <https://sqlite.org/pragma.html>. SQLite ignores any other name silently.
const KNOWN: &[&str] = &[
    "analysis_limit",
    "application_id",
    "auto_vacuum",
    "automatic_index",
    "busy_timeout",
    "cache_size",
    "cache_spill",
    "case_sensitive_like",
    "cell_size_check",
    "checkpoint_fullfsync",
    "collation_list",
    "compile_options",
    "count_changes",
    "data_store_directory",
    "data_version",
    "database_list",
    "default_cache_size",
    "defer_foreign_keys",
    "empty_result_callbacks",
    "encoding",
    "foreign_key_check",
    "foreign_key_list",
    "foreign_keys",
    "freelist_count",
    "full_column_names",
    "fullfsync",
    "function_list",
    "hard_heap_limit",
    "ignore_check_constraints",
    "incremental_vacuum",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "journal_mode",
    "journal_size_limit",
    "legacy_alter_table",
    "legacy_file_format",
    "locking_mode",
    "max_page_count",
    "mmap_size",
    "module_list",
    "optimize",
    "page_count",
    "page_size",
    "parser_trace",
    "pragma_list",
    "query_only",
    "quick_check",
    "read_uncommitted",
    "recursive_triggers",
    "reverse_unordered_selects",
    "schema_version",
    "secure_delete",
    "short_column_names",
    "shrink_memory",
    "soft_heap_limit",
    "stats",
    "synchronous",
    "table_info",
    "table_list",
    "table_xinfo",
    "temp_store",
    "temp_store_directory",
    "threads",
    "trusted_schema",
    "user_version",
    "vdbe_addoptrace",
    "vdbe_debug",
    "vdbe_listing",
    "vdbe_trace",
    "wal_autocheckpoint",
    "wal_checkpoint",
    "writable_schema",
];

/// Pragmas that a connection remembers, and what each is on a new one.
const DEFAULTS: &[(&str, &str)] = &[
    ("analysis_limit", "0"),
    ("automatic_index", "ON"),
    // How long a run waits for a lock is its own.
    ("busy_timeout", "100"),
    ("cache_size", "-2000"),
    ("cache_spill", "ON"),
    ("case_sensitive_like", "OFF"),
    ("cell_size_check", "OFF"),
    ("checkpoint_fullfsync", "OFF"),
    ("count_changes", "OFF"),
    ("empty_result_callbacks", "OFF"),
    ("full_column_names", "OFF"),
    ("fullfsync", "OFF"),
    ("ignore_check_constraints", "OFF"),
    ("journal_size_limit", "-1"),
    ("legacy_alter_table", "OFF"),
    ("locking_mode", "NORMAL"),
    ("max_page_count", "4294967294"),
    ("mmap_size", "0"),
    ("query_only", "OFF"),
    ("read_uncommitted", "OFF"),
    ("recursive_triggers", "OFF"),
    ("reverse_unordered_selects", "OFF"),
    ("secure_delete", "OFF"),
    ("short_column_names", "ON"),
    ("temp_store", "DEFAULT"),
    ("threads", "0"),
    ("trusted_schema", "ON"),
    ("wal_autocheckpoint", "1000"),
    // The schema may have been edited, and is to be read again: <https://sqlite.org/pragma.html#pragma_writable_schema>.
    ("writable_schema", "RESET"),
];

/// The pragma that only the end of the transaction sets back: `defer_foreign_keys = OFF` forgets the violations so far.
const UNTIL_THE_END: &str = "defer_foreign_keys";

/// What a pragma leaves on the connection.
pub(super) enum Left {
    /// Nothing that the next file could notice.
    Nothing,
    /// A setting that this statement sets back.
    Setting(Step),
    /// A setting that ends with the connection or the transaction.
    UntilTheEnd,
}

/// What a pragma with a value leaves on the connection.
pub(super) fn left_by(pragma: &Pragma) -> Left {
    let name = pragma.name.as_str();
    if pragma.value.is_none() {
        return Left::Nothing;
    }
    if let Some((_, default)) = DEFAULTS.iter().find(|(known, _)| *known == name) {
        return Left::Setting(Step::own(format!("PRAGMA {name} = {default}"), Vec::new()));
    }
    match name == UNTIL_THE_END {
        true => Left::UntilTheEnd,
        false => Left::Nothing,
    }
}

/// Whether a pragma runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It runs as it is written.
    Runs,
    /// It is taken out, since it would fail or do harm.
    TakenOut,
}

/// The pragma that an unknown name is most likely a slip of.
pub(super) fn meant(name: &str) -> Option<&'static str> {
    (!KNOWN.contains(&name)).then(|| nearest(name, KNOWN))?
}

impl Reader<'_> {
    /// Reports a pragma that has no effect where it stands.
    pub(super) fn pragma(&mut self, at: usize, pragma: &Pragma, origin: &Origin) -> Verdict {
        let name = pragma.name.as_str();
        if !KNOWN.contains(&name) {
            let message = format!("there is no PRAGMA {name}: SQLite ignores it silently");
            let help = match nearest(name, KNOWN) {
                Some(meant) => format!("did you mean `PRAGMA {meant}`?"),
                None => "see https://sqlite.org/pragma.html, or remove it".to_owned(),
            };
            self.warn("unknown-pragma", message, origin, help);
            return Verdict::Runs;
        }
        let Some(value) = &pragma.value else {
            return Verdict::Runs;
        };
        let is = |word: &str| value.eq_ignore_ascii_case(word);
        if is_switch(name) && !SWITCH.iter().any(|word| is(word)) && value.parse::<u64>().is_err() {
            let message = format!(
                "PRAGMA {name} = {value}: the value is neither on nor off, and SQLite takes it as OFF"
            );
            let help = match nearest(value, &SWITCH) {
                Some(meant) => format!(
                    "did you mean `PRAGMA {name} = {}`?",
                    meant.to_ascii_uppercase()
                ),
                None => "write ON or OFF".to_owned(),
            };
            let problem = Diagnostic::problem(PRAGMA_VALUE, message);
            self.problems.push(problem.at(origin.clone()).help(help));
            return Verdict::Runs;
        }
        let in_transaction = self.atomicity == Atomicity::Transaction;
        let alone = "put it into a file of its own, with `-- seedbed: no-transaction` at the top";
        let (message, help, verdict) = match name {
            "journal_mode" if in_transaction => (
                "PRAGMA journal_mode has no effect inside a transaction, so it was taken out".to_owned(),
                alone.to_owned(),
                Verdict::TakenOut,
            ),
            "synchronous" if in_transaction => (
                "PRAGMA synchronous has no effect inside a transaction, so it was taken out".to_owned(),
                "set it where the application opens its connections: a database file does not keep it"
                    .to_owned(),
                Verdict::TakenOut,
            ),
            "temp_store" | "temp_store_directory" if in_transaction => (
                format!("PRAGMA {name} cannot change inside a transaction, so it was taken out"),
                "set it where the application opens its connections: a database file does not keep it"
                    .to_owned(),
                Verdict::TakenOut,
            ),
            "query_only" if means_on(value) => {
                self.only_queries(at, origin);
                return Verdict::Runs;
            }
            // What a new database has anyway.
            "page_size" if is("4096") => return Verdict::Runs,
            "auto_vacuum" if is("none") || is("0") => return Verdict::Runs,
            "encoding" if is("utf-8") || is("utf8") => return Verdict::Runs,
            "page_size" | "auto_vacuum" if in_transaction || !self.vacuums_behind(at) => (
                format!("PRAGMA {name} has no effect on a database that has a table, until VACUUM runs"),
                format!("{alone}, and `VACUUM;` behind it"),
                Verdict::Runs,
            ),
            "encoding" => (
                "PRAGMA encoding has no effect on a database that has a table, and _migrations is one"
                    .to_owned(),
                "create the database with that encoding, or remove the pragma".to_owned(),
                Verdict::Runs,
            ),
            "defer_foreign_keys" if !in_transaction && !self.manages_transactions() => (
                "PRAGMA defer_foreign_keys has no effect outside of a transaction".to_owned(),
                "remove it, or write BEGIN before it and COMMIT behind the statements that need it".to_owned(),
                Verdict::Runs,
            ),
            // Then no violation waits for COMMIT.
            "defer_foreign_keys" if !means_on(value) && self.keys_are_off => {
                return Verdict::TakenOut;
            }
            "defer_foreign_keys" if !means_on(value) && self.defers_before(at) => (
                "PRAGMA defer_foreign_keys = OFF would forget the violations so far, so it was taken out"
                    .to_owned(),
                "remove it: COMMIT checks the deferred foreign keys, and sets the pragma to OFF".to_owned(),
                Verdict::TakenOut,
            ),
            _ => return Verdict::Runs,
        };
        self.warn("pragma-without-effect", message, origin, help);
        verdict
    }

    fn warn(&mut self, code: &'static str, message: String, origin: &Origin, help: String) {
        let problem = Diagnostic::problem(code, message).warning();
        self.problems.push(problem.at(origin.clone()).help(help));
    }

    /// Reports the first statement that `PRAGMA query_only` keeps from writing.
    fn only_queries(&mut self, at: usize, origin: &Origin) {
        let sets_off = |kind: &Kind| {
            matches!(kind, Kind::Pragma(pragma) if pragma.name == "query_only"
                && pragma.value.as_deref().is_some_and(|value| !means_on(value)))
        };
        let mut behind = self.statements.behind(at + 1);
        let writes = behind.find(|it| {
            use Kind::{Alter, Create, Delete, Drop, Insert, Update};
            sets_off(&it.kind())
                || matches!(
                    it.kind(),
                    Alter | Create(_) | Delete | Drop(_) | Insert | Update
                )
        });
        let Some(writes) = writes.filter(|it| !sets_off(&it.kind())) else {
            return;
        };
        self.problems.push(
            Diagnostic::problem(
                "query-only",
                "this statement fails: it writes, and PRAGMA query_only is on",
            )
            .at(writes.origin().clone())
            .related("it is set here", origin.clone())
            .help("remove the pragma"),
        );
    }

    fn vacuums_behind(&self, at: usize) -> bool {
        let mut behind = self.statements.behind(at);
        behind.any(|it| it.kind() == Kind::Vacuum)
    }

    fn manages_transactions(&self) -> bool {
        self.statements.iter().any(|it| it.kind() == Kind::Begin)
    }

    fn defers_before(&self, at: usize) -> bool {
        self.statements.iter().take(at).any(|it| match it.kind() {
            Kind::Pragma(pragma) => {
                pragma.name == "defer_foreign_keys" && pragma.value.as_deref().is_some_and(means_on)
            }
            _ => false,
        })
    }

    /// Reports the first `PRAGMA foreign_keys` that says otherwise than what Seedbed does.
    pub(super) fn contradicted(&self, foreign_keys: ForeignKeys) -> Option<Diagnostic> {
        let is_on = foreign_keys == ForeignKeys::On;
        let is_at_stake = |steps: &[Step]| {
            let kinds = steps.iter().map(|step| kind(&step.sql));
            kinds.into_iter().any(|kind| depends_on_foreign_keys(&kind))
        };
        let mut pragmas = self.foreign_keys.iter().peekable();
        while let Some(pragma) = pragmas.next() {
            let next = pragmas.peek();
            let until = next.map_or(self.steps.len(), |next| next.before);
            // What it says of no statement is about the next file, and that one begins with foreign keys on.
            let contradicts = match (is_at_stake(&self.steps[pragma.before..until]), next) {
                (true, _) => pragma.on != is_on,
                (false, None) => !pragma.on && is_at_stake(&self.steps),
                (false, Some(_)) => false,
            };
            if contradicts {
                let because = match self.atomicity {
                    Atomicity::Transaction => {
                        "PRAGMA foreign_keys has no effect inside a transaction, so it was taken out"
                    }
                    Atomicity::Bare => "PRAGMA foreign_keys was taken out",
                };
                let are = if is_on { "on" } else { "off" };
                let message = format!("{because}; foreign keys are {are} while this file runs");
                let help = "remove it; to decide yourself, write `-- seedbed: foreign-keys=off` (or `=on`) at the top \
                            of the file";
                return Some(
                    Diagnostic::problem("foreign-keys-pragma", message)
                        .warning()
                        .at(pragma.origin.clone())
                        .help(help),
                );
            }
        }
        None
    }
}

/// Whether a statement may do otherwise with foreign keys on than with them off: it changes rows, or drops a table with its
/// rows.
fn depends_on_foreign_keys(kind: &Kind) -> bool {
    match kind {
        Kind::Insert | Kind::Update | Kind::Delete | Kind::Other => true,
        Kind::Drop(object) => object.what == What::Table,
        _ => false,
    }
}

/// The words that the engine takes for on and off; a number is one too: <https://sqlite.org/pragma.html#syntax>.
const SWITCH: [&str; 6] = ["on", "off", "yes", "no", "true", "false"];

/// The code of a value that is none of those a pragma has.
pub(in super::super) const PRAGMA_VALUE: &str = "pragma-value";

/// Whether a pragma is on or off and nothing else.
fn is_switch(name: &str) -> bool {
    let more = ["cache_spill", "secure_delete", "writable_schema"];
    let is_of_two =
        |(known, default): &(&str, &str)| *known == name && matches!(*default, "ON" | "OFF");
    let of_foreign_keys = ["foreign_keys", "defer_foreign_keys"];
    of_foreign_keys.contains(&name) || !more.contains(&name) && DEFAULTS.iter().any(is_of_two)
}

/// A `PRAGMA foreign_keys` with a value.
pub(super) struct ForeignKeysPragma {
    pub(super) origin: Origin,
    pub(super) on: bool,
    /// How many other statements of the file precede it.
    pub(super) before: usize,
}

/// Whether the pragma takes a value for "on": <https://sqlite.org/pragma.html#syntax>.
pub(super) fn means_on(value: &str) -> bool {
    let value = value.trim_matches(|c| c == '\'' || c == '"');
    ["on", "yes", "true"]
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word))
        || value.parse::<u64>().is_ok_and(|number| number != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Db, Options, Query};
    use crate::sql::Value;

    async fn asked(db: &Db, pragma: &str) -> Option<Value> {
        let rows = db.rows(Query::new(format!("PRAGMA {pragma}"))).await;
        let rows: Vec<[Value; 1]> = rows.unwrap();
        rows.into_iter().flatten().next()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_defaults_are_those_of_a_new_connection() {
        let db = Db::memory(Options::default()).await.unwrap();
        for (name, default) in DEFAULTS {
            let expect = match *default {
                "OFF" | "RESET" | "DEFAULT" => Value::Integer(0),
                "ON" => Value::Integer(1),
                "NORMAL" => Value::Text("normal".to_owned()),
                number => Value::Integer(number.parse().unwrap()),
            };
            match (*name, asked(&db, name).await) {
                // One cannot be read, and memory has no map of a file.
                ("case_sensitive_like" | "mmap_size", None) => {}
                // Reading sets it; how many pages that is depends on the engine.
                ("query_only" | "cache_spill", _) => {}
                (_, found) => assert_eq!(found, Some(expect), "{name}"),
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_pragma_of_the_engine_is_known() {
        let db = Db::memory(Options::default()).await.unwrap();
        let rows = db.rows(Query::new("PRAGMA pragma_list")).await;
        let rows: Vec<[Value; 1]> = rows.unwrap();
        for name in rows.into_iter().flatten() {
            let Value::Text(name) = name else { panic!() };
            assert!(KNOWN.contains(&name.as_str()), "{name}");
        }
    }
}
