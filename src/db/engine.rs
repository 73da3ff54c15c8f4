//! What the engine on the other side accepts: one table, read before anything is sent.

use crate::sql::{Kind, kind};

/// The engine that a script is planned for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Engine {
    /// A local file: a fresh connection per script.
    #[default]
    Local,
    /// A database in memory: one connection for good, so what a connection remembers would leak.
    Memory,
}

/// Pragmas that a connection remembers and a database file does not: <https://sqlite.org/pragma.html>.
const OF_THE_CONNECTION: &[&str] = &[
    "analysis_limit",
    "automatic_index",
    "busy_timeout",
    "cache_size",
    "cache_spill",
    "case_sensitive_like",
    "cell_size_check",
    "checkpoint_fullfsync",
    "count_changes",
    "empty_result_callbacks",
    "full_column_names",
    "fullfsync",
    "hard_heap_limit",
    "ignore_check_constraints",
    "journal_mode",
    "journal_size_limit",
    "legacy_alter_table",
    "locking_mode",
    "max_page_count",
    "mmap_size",
    "query_only",
    "read_uncommitted",
    "recursive_triggers",
    "reverse_unordered_selects",
    "secure_delete",
    "short_column_names",
    "soft_heap_limit",
    "synchronous",
    "temp_store",
    "temp_store_directory",
    "threads",
    "trusted_schema",
    "wal_autocheckpoint",
    "writable_schema",
];

impl Engine {
    /// Why this engine cannot take a statement, or `None` where it can try.
    pub fn refusal(self, statement: &str) -> Option<String> {
        match self {
            Engine::Local => None,
            Engine::Memory => memory_refusal(&kind(statement)),
        }
    }
}

fn memory_refusal(kind: &Kind) -> Option<String> {
    let what = match kind {
        Kind::Attach | Kind::Detach => "ATTACH and DETACH outlive the script".to_owned(),
        Kind::Create(object) | Kind::Drop(object) if object.temporary => {
            "TEMP objects outlive the script".to_owned()
        }
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
