//! What one text of SQL holds and whether the server takes it: statements, their kinds, and the allow-list.
//!
//! The rules and the messages are those of sqld 0.24 (`libsql-server/src/query_analysis.rs`), and so is the
//! parser, with what it cannot read. Nothing here runs a statement.

use fallible_iterator::FallibleIterator;
use libsql_sqlite3_parser::ast::{Cmd, Expr, PragmaBody, QualifiedName, Stmt};
use libsql_sqlite3_parser::lexer::sql::{Error as LexError, Parser, ParserError};

/// One statement as it will be executed.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) kind: Kind,
    /// `INSERT`, `UPDATE` or `DELETE`: only then is the number of changed rows told.
    pub(crate) changes_rows: bool,
    /// `INSERT`: only then is the rowid told.
    pub(crate) inserts: bool,
}

/// What a statement needs: sqld's categories, as far as rights depend on them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Transaction control, and what only reads.
    Read,
    /// Changes rows or the schema, or is a pragma that sqld counts as a write.
    Write,
    /// `ATTACH` of another namespace, by its name. There is only one here.
    Attach(String),
    /// `DETACH` needs no right.
    Detach,
}

/// The statements of `text`, each with its own text, up to the first that the server does not take: that
/// one is an error in sqld's words.
pub(crate) fn statements(text: &str) -> Vec<Result<Statement, String>> {
    let mut parser = Box::new(Parser::new(text.as_bytes()));
    let mut found = Vec::new();
    loop {
        let start = parser.offset();
        // The parser of 2022 has unwraps that odd input reaches; sqld catches them too.
        let next = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| parser.next()));
        match next {
            Err(_) => {
                found.push(Err("unexpected parser error".to_owned()));
                return found;
            }
            Ok(Ok(None)) => return found,
            Ok(Ok(Some(command))) => {
                let sql = &text[start..parser.offset()];
                found.push(statement(text, sql, &command));
            }
            Ok(Err(LexError::ParserError(
                ParserError::SyntaxError {
                    found: Some(token), ..
                },
                Some((line, column)),
            ))) => {
                found.push(Err(format!(
                    "syntax error around L{line}:{column}: `{token}`"
                )));
                return found;
            }
            Ok(Err(error)) => {
                found.push(Err(error.to_string()));
                return found;
            }
        }
    }
}

fn statement(text: &str, sql: &str, command: &Cmd) -> Result<Statement, String> {
    let kind = kind(command).ok_or_else(|| format!("unsupported statement: {text}"))?;
    let changes_rows = matches!(
        command,
        Cmd::Stmt(Stmt::Insert { .. } | Stmt::Update { .. } | Stmt::Delete { .. })
    );
    Ok(Statement {
        sql: sql.to_owned(),
        kind,
        changes_rows,
        inserts: matches!(command, Cmd::Stmt(Stmt::Insert { .. })),
    })
}

fn kind(command: &Cmd) -> Option<Kind> {
    let statement = match command {
        Cmd::Explain(Stmt::Pragma(name, body)) => return pragma(name, body.as_ref()),
        Cmd::Explain(_) | Cmd::ExplainQueryPlan(_) => return Some(Kind::Read),
        Cmd::Stmt(statement) => statement,
    };
    match statement {
        Stmt::Begin { .. }
        | Stmt::Commit { .. }
        | Stmt::Rollback { .. }
        | Stmt::Savepoint(_)
        | Stmt::Release(_)
        | Stmt::Select { .. } => Some(Kind::Read),
        Stmt::CreateVirtualTable { tbl_name, .. }
        | Stmt::CreateTable {
            tbl_name,
            temporary: false,
            ..
        } => (!is_temp(tbl_name)).then_some(Kind::Write),
        Stmt::Insert { tbl_name, .. }
        | Stmt::Update { tbl_name, .. }
        | Stmt::Delete { tbl_name, .. }
        | Stmt::DropTable { tbl_name, .. }
        | Stmt::AlterTable(tbl_name, _) => (!is_reserved(tbl_name)).then_some(Kind::Write),
        Stmt::DropIndex { .. }
        | Stmt::DropTrigger { .. }
        | Stmt::DropView { .. }
        | Stmt::CreateIndex { .. }
        | Stmt::CreateTrigger {
            temporary: false, ..
        }
        | Stmt::CreateView {
            temporary: false, ..
        }
        | Stmt::Reindex { .. } => Some(Kind::Write),
        Stmt::Pragma(name, body) => pragma(name, body.as_ref()),
        Stmt::Attach {
            expr: Expr::Id(name),
            ..
        } => Some(Kind::Attach(name.0.trim_matches('"').to_owned())),
        Stmt::Detach(_) => Some(Kind::Detach),
        _ => None,
    }
}

/// As sqld has it: only upper case, so `temp.t` passes here and fails later or not at all.
fn is_temp(name: &QualifiedName) -> bool {
    name.db_name
        .as_ref()
        .is_some_and(|schema| schema.0 == "TEMP")
}

fn is_reserved(name: &QualifiedName) -> bool {
    [
        "_litestream_seq",
        "_litestream_lock",
        "libsql_wasm_func_table",
    ]
    .iter()
    .any(|reserved| name.name.0.eq_ignore_ascii_case(reserved))
}

fn pragma(name: &QualifiedName, body: Option<&PragmaBody>) -> Option<Kind> {
    match name.name.0.to_ascii_lowercase().as_str() {
        "table_list" | "index_list" | "table_info" | "table_xinfo" | "index_info"
        | "index_xinfo" | "pragma_list" | "compile_options" | "database_list" | "function_list"
        | "module_list" | "encoding" => Some(Kind::Read),
        "schema_version" => body.is_none().then_some(Kind::Read),
        "defer_foreign_keys" | "foreign_keys" | "foreign_key_list" | "foreign_key_check"
        | "collation_list" | "data_version" | "freelist_count" | "integrity_check"
        | "legacy_file_format" | "page_count" | "quick_check" | "stats" | "user_version" => {
            Some(Kind::Write)
        }
        "analysis_limit"
        | "application_id"
        | "auto_vacuum"
        | "automatic_index"
        | "busy_timeout"
        | "cache_size"
        | "cache_spill"
        | "cell_size_check"
        | "checkpoint_fullfsync"
        | "fullfsync"
        | "hard_heap_limit"
        | "journal_mode"
        | "journal_size_limit"
        | "legacy_alter_table"
        | "locking_mode"
        | "max_page_count"
        | "mmap_size"
        | "page_size"
        | "query_only"
        | "read_uncommitted"
        | "recursive_triggers"
        | "reverse_unordered_selects"
        | "secure_delete"
        | "soft_heap_limit"
        | "synchronous"
        | "temp_store"
        | "threads"
        | "trusted_schema"
        | "wal_autocheckpoint" => body.is_none().then_some(Kind::Write),
        _ => None,
    }
}
