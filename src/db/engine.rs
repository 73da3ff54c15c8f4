//! What the engine on the other side accepts: one table, read before anything is sent.

use super::error::Code;
use super::turso;
use crate::sql::{Kind, identifier, kind, may_have_name, significant};

/// The engine that a script is planned for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Engine {
    /// A local file: a fresh connection per script.
    #[default]
    Local,
    /// A database in memory: one connection for good, so what a connection remembers would leak.
    Memory,
    /// A libSQL server, which takes some statements and refuses others before it runs anything.
    Server,
    /// A server with the Turso engine, the rewrite in Rust.
    Turso,
}

/// Pragmas that a connection remembers and no statement sets back for certain: <https://sqlite.org/pragma.html>.
const OF_THE_CONNECTION: &[&str] = &[
    "hard_heap_limit",
    "journal_mode",
    "soft_heap_limit",
    "synchronous",
    "temp_store_directory",
];

impl Engine {
    /// Whether it is reached over the network, so that no file and no connection is at hand.
    pub fn is_server(self) -> bool {
        matches!(self, Engine::Server | Engine::Turso)
    }

    /// Whether it keeps a table of this name for itself, so that the table is not the application's.
    pub(crate) fn keeps(self, table: &str) -> bool {
        self == Engine::Turso && turso::keeps(table)
    }

    /// Whether it checks foreign keys at each row, and not at the end of the statement:
    /// <https://sqlite.org/foreignkeys.html#fk_deferred>.
    pub(crate) fn checks_each_row(self) -> bool {
        self == Engine::Turso
    }

    /// The name in `sqlite_sequence` of a table with `AUTOINCREMENT`.
    pub(crate) fn counts_as(self, table: &str) -> String {
        match self {
            Engine::Turso => table.to_ascii_lowercase(),
            Engine::Local | Engine::Memory | Engine::Server => table.to_owned(),
        }
    }

    /// Whether it takes a value of `PRAGMA application_id`.
    pub(crate) fn takes_application_id(self) -> bool {
        self != Engine::Server
    }

    /// The most bytes of a value and of a row, where that is so little that a migration can reach it: `SQLITE_LIMIT_LENGTH`
    /// as the open-source server sets it.
    pub fn largest_row(self) -> Option<usize> {
        match self {
            Engine::Local | Engine::Memory | Engine::Turso => None,
            Engine::Server => Some(5_000_000),
        }
    }

    /// Why this engine cannot take a statement, or `None` where it can try.
    pub fn refusal(self, statement: &str) -> Option<String> {
        if let Some(why) = row_level_security(statement) {
            return Some(why.to_owned());
        }
        match self {
            Engine::Local => None,
            Engine::Memory => memory_refusal(&kind(statement)),
            Engine::Server => server_refusal(&kind(statement)),
            Engine::Turso => turso::refusal(statement, &kind(statement)),
        }
    }
}

/// Why no engine takes a statement of PostgreSQL's row-level security
/// (<https://www.postgresql.org/docs/current/ddl-rowsecurity.html>), or `None` where it is none.
pub(crate) fn row_level_security(statement: &str) -> Option<&'static str> {
    if !may_have_name(statement, "policy") && !may_have_name(statement, "security") {
        return None;
    }
    let words: Vec<_> = significant(statement).take(12).collect();
    let is = |at: usize, word: &str| words.get(at).is_some_and(|it| it.is_word(statement, word));
    let policy = ["create", "alter", "drop"].iter().any(|verb| is(0, verb)) && is(1, "policy");
    let switch = is(0, "alter")
        && is(1, "table")
        && words.windows(3).any(|three| {
            let words = ["row", "level", "security"];
            three
                .iter()
                .zip(words)
                .all(|(token, word)| token.is_word(statement, word))
        });
    (policy || switch).then_some(
        "libSQL has no row-level security: enforce policies in the application, or give each tenant a database of its own",
    )
}

/// What to do about a function that the engine does not have, from its words about a failed statement.
pub(crate) fn unknown_function(words: &str) -> Option<String> {
    let (_, name) = words.split_once("no such function: ")?;
    let name = name.split_whitespace().next()?;
    Some(format!(
        "the engine has no function {name}: functions that an application registers on its connections, and extensions \
         that it loads, are not there in a migration. Write the expression with built-in functions, or change these rows \
         in the application"
    ))
}

/// Whether a repeatable migration makes an object again behind the file that drops it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum MadeAgain {
    /// The repeatable migrations are not known here.
    #[default]
    Unknown,
    /// None does.
    No,
    /// This one does.
    By(String),
}

/// What to do about a view or a trigger for which the engine refuses an `ALTER TABLE`, from its words.
pub(crate) fn stale_object(words: &str, made_again: &MadeAgain) -> Option<String> {
    let (sort, name) = stale(words)?;
    let drop = format!(
        "DROP {} IF EXISTS {}",
        sort.to_ascii_uppercase(),
        identifier(name)
    );
    let compiles = "ALTER TABLE compiles every view and trigger";
    Some(match made_again {
        MadeAgain::By(key) => format!(
            "{compiles}: write `{drop};` before it; the repeatable migration {key} makes it again afterwards"
        ),
        MadeAgain::No => format!(
            "{compiles}: write `{drop};` at the beginning of the file, and create the {sort} again at its end"
        ),
        MadeAgain::Unknown => format!(
            "{compiles}: write `{drop};` at the beginning of the file, and create the {sort} again at its end, unless a \
             repeatable migration does"
        ),
    })
}

/// The sort and the name of a view or a trigger for which the engine refuses an `ALTER TABLE`.
pub(crate) fn stale(words: &str) -> Option<(&str, &str)> {
    let (sort, name) = match words.split_once("error in ") {
        Some((_, object)) => {
            let (sort, rest) = object.split_once(' ')?;
            let (name, _) = rest.split_once(": ")?;
            (sort, name.split(" after ").next().unwrap_or(name))
        }
        // The Turso engine.
        None => {
            let (_, rest) = words.split_once(": referenced in VIEW ")?;
            ("view", rest.split_once(": CREATE VIEW ")?.0)
        }
    };
    ["view", "trigger"].contains(&sort).then_some((sort, name))
}

/// What to do about a statement that the engine refuses because it is in a transaction:
/// <https://sqlite.org/lang_vacuum.html>.
pub(crate) fn runs_alone(words: &str, code: Option<Code>) -> Option<&'static str> {
    let is_alone = words.contains("from within a transaction") || code == Some(Code::LOCKED);
    is_alone.then_some(
        "such a statement runs in a file of its own, with `-- seedbed: no-transaction` at the top",
    )
}

fn memory_refusal(kind: &Kind) -> Option<String> {
    let what = match kind {
        Kind::Attach | Kind::Detach => "ATTACH and DETACH outlive the script".to_owned(),
        Kind::Pragma(pragma)
            if pragma.value.is_some() && OF_THE_CONNECTION.contains(&pragma.name.as_str()) =>
        {
            format!("PRAGMA {} outlives the script", pragma.name)
        }
        _ => return None,
    };
    Some(format!(
        "{what}: a database in memory keeps its one connection"
    ))
}

/// Pragmas that a server takes with a value:
/// <https://github.com/tursodatabase/libsql/blob/main/libsql-server/src/query_analysis.rs>.
const OF_THE_SERVER: &[&str] = &[
    "collation_list",
    "compile_options",
    "data_version",
    "database_list",
    "defer_foreign_keys",
    "encoding",
    "foreign_key_check",
    "foreign_key_list",
    "foreign_keys",
    "freelist_count",
    "function_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "legacy_file_format",
    "module_list",
    "page_count",
    "pragma_list",
    "quick_check",
    "stats",
    "table_info",
    "table_list",
    "table_xinfo",
    "user_version",
];

/// Pragmas that a server takes without a value only.
const READ_ON_THE_SERVER: &[&str] = &[
    "analysis_limit",
    "application_id",
    "auto_vacuum",
    "automatic_index",
    "busy_timeout",
    "cache_size",
    "cache_spill",
    "cell_size_check",
    "checkpoint_fullfsync",
    "fullfsync",
    "hard_heap_limit",
    "journal_mode",
    "journal_size_limit",
    "legacy_alter_table",
    "locking_mode",
    "max_page_count",
    "mmap_size",
    "page_size",
    "query_only",
    "read_uncommitted",
    "recursive_triggers",
    "reverse_unordered_selects",
    "schema_version",
    "secure_delete",
    "soft_heap_limit",
    "synchronous",
    "temp_store",
    "threads",
    "trusted_schema",
    "wal_autocheckpoint",
];

fn server_refusal(kind: &Kind) -> Option<String> {
    let what = match kind {
        Kind::Vacuum => "VACUUM".to_owned(),
        Kind::Analyze => "ANALYZE".to_owned(),
        Kind::Attach => "ATTACH".to_owned(),
        Kind::Create(object) | Kind::Drop(object) if object.is_temporary() => {
            "TEMP objects".to_owned()
        }
        Kind::Pragma(pragma) => {
            let name = pragma.name.as_str();
            if OF_THE_SERVER.contains(&name) {
                return None;
            }
            match (&pragma.value, READ_ON_THE_SERVER.contains(&name)) {
                (None, true) => return None,
                (Some(_), true) => format!("PRAGMA {name} with a value"),
                (_, false) => format!("PRAGMA {name}"),
            }
        }
        _ => return None,
    };
    Some(format!("a libSQL server does not take {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_alter_table_trips_over_is_to_be_dropped_first() {
        for (words, drop) in [
            (
                "error in view v w after drop column: no such column: b",
                Some("`DROP VIEW IF EXISTS \"v w\";`"),
            ),
            (
                "Parse error: error in trigger g: no such table: main.t",
                Some("`DROP TRIGGER IF EXISTS \"g\";`"),
            ),
            (
                "Parse error: cannot drop column \"c\": referenced in VIEW v: w: CREATE VIEW \"v: w\" AS SELECT c FROM t. \
                 no such column: c",
                Some("`DROP VIEW IF EXISTS \"v: w\";`"),
            ),
            (
                "error in index i after drop column: no such column: b",
                None,
            ),
            ("no such table: t", None),
        ] {
            let help = stale_object(words, &MadeAgain::Unknown);
            assert_eq!(help.is_some(), drop.is_some(), "{words}");
            assert!(help.is_none_or(|it| it.contains(drop.unwrap())), "{words}");
        }
    }

    #[test]
    fn row_level_security_is_refused_by_every_engine() {
        for (statement, refused) in [
            ("CREATE POLICY p ON users USING (auth.user_id() = id)", true),
            (
                "-- mine\ncreate policy user_isolation on users using (1)",
                true,
            ),
            ("DROP POLICY p ON users", true),
            ("ALTER TABLE users ENABLE ROW LEVEL SECURITY", true),
            (
                "ALTER TABLE IF EXISTS ONLY a.users FORCE ROW LEVEL SECURITY",
                true,
            ),
            ("CREATE TABLE policy (x)", false),
            ("ALTER TABLE users ADD COLUMN level", false),
            ("SELECT 'CREATE POLICY'", false),
        ] {
            for engine in [Engine::Local, Engine::Memory, Engine::Server] {
                assert_eq!(engine.refusal(statement).is_some(), refused, "{statement}");
            }
        }
    }
}
