//! What a statement that is no row is, and whether dumps consist of such. Pure; it refuses by default.

use super::insert::{is_internal, is_known_internal};
use crate::dump::block::{Object, What};
use crate::sql::{self, Kind, Pragma, TokenKind};

/// Why a statement is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// What the statement is, if it may be part of a dump. `sql` is without its semicolon.
pub(super) fn statement(sql: &str) -> Result<What, Refused> {
    match sql::kind(sql) {
        Kind::Begin => Ok(What::Begin),
        Kind::Savepoint(name) if is_dump(&name) => Ok(What::Begin),
        Kind::Commit => Ok(What::Commit),
        Kind::Rollback => Ok(What::Rollback),
        Kind::Release(name) if is_dump(&name) => Ok(What::Commit),
        Kind::Pragma(pragma) => of_pragma(&pragma),
        Kind::Create(object) => create(sql, *object),
        Kind::Delete => delete(sql),
        Kind::Analyze => Ok(analyze(sql)),
        Kind::Vacuum if sql::significant(sql).count() == 1 => Ok(What::Setting { words: "VACUUM" }),
        Kind::Reindex => Ok(What::Setting { words: "REINDEX" }),
        Kind::Drop(object) => dropped(sql, *object),
        Kind::Insert => Err(Refused {
            message: "only INSERT INTO … VALUES … is part of a dump".to_owned(),
            help: None,
        }),
        _ => Err(no_part(&words(sql, 1))),
    }
}

/// What a row of `sqlite_schema` stands for: a virtual table, in the dumps of shells and of Python.
pub(super) fn schema_row(sql: &str, table: &str) -> Result<What, Refused> {
    match sql::kind(sql) {
        Kind::Create(object)
            if object.what == sql::What::VirtualTable
                && object.name.eq_ignore_ascii_case(table)
                && single(sql) =>
        {
            create(sql, *object)
        }
        _ => Err(no_virtual_table()),
    }
}

/// A row of `sqlite_schema` that stands for nothing else.
pub(super) fn no_virtual_table() -> Refused {
    Refused {
        message: "a row of sqlite_schema that is no virtual table would change the schema behind the engine's back"
            .to_owned(),
        help: Some(UNTRUSTED.to_owned()),
    }
}

const UNTRUSTED: &str = "a dump is untrusted text: only what dumps consist of is run from it. Delete the statement if it is not needed; if it is, run it yourself";

fn no_part(what: &str) -> Refused {
    Refused {
        message: format!("{what} is no part of a dump"),
        help: Some(UNTRUSTED.to_owned()),
    }
}

/// The first words of a statement as they are shown.
fn words(sql: &str, count: usize) -> String {
    let words: Vec<&str> = sql::significant(sql)
        .take(count)
        .map(|token| token.text(sql))
        .collect();
    let words: String = words.join(" ").chars().take(40).collect();
    if words.chars().all(|c| c.is_ascii_alphabetic() || c == ' ') && !words.is_empty() {
        words.to_ascii_uppercase()
    } else {
        format!("`{words}`")
    }
}

/// The savepoint that some writers open instead of a transaction.
fn is_dump(name: &str) -> bool {
    name.eq_ignore_ascii_case("dump")
}

/// Pragmas that change no content of a database: settings of a connection, and questions. Those that have anything to do
/// with other files or with code are not among them.
const SETTINGS: &[(&str, &str)] = &[
    ("analysis_limit", "PRAGMA analysis_limit"),
    ("automatic_index", "PRAGMA automatic_index"),
    ("busy_timeout", "PRAGMA busy_timeout"),
    ("cache_size", "PRAGMA cache_size"),
    ("cache_spill", "PRAGMA cache_spill"),
    ("case_sensitive_like", "PRAGMA case_sensitive_like"),
    ("cell_size_check", "PRAGMA cell_size_check"),
    ("checkpoint_fullfsync", "PRAGMA checkpoint_fullfsync"),
    ("count_changes", "PRAGMA count_changes"),
    ("default_cache_size", "PRAGMA default_cache_size"),
    ("empty_result_callbacks", "PRAGMA empty_result_callbacks"),
    ("foreign_key_check", "PRAGMA foreign_key_check"),
    ("full_column_names", "PRAGMA full_column_names"),
    ("fullfsync", "PRAGMA fullfsync"),
    (
        "ignore_check_constraints",
        "PRAGMA ignore_check_constraints",
    ),
    ("incremental_vacuum", "PRAGMA incremental_vacuum"),
    ("integrity_check", "PRAGMA integrity_check"),
    ("journal_mode", "PRAGMA journal_mode"),
    ("journal_size_limit", "PRAGMA journal_size_limit"),
    ("legacy_alter_table", "PRAGMA legacy_alter_table"),
    ("legacy_file_format", "PRAGMA legacy_file_format"),
    ("locking_mode", "PRAGMA locking_mode"),
    ("max_page_count", "PRAGMA max_page_count"),
    ("mmap_size", "PRAGMA mmap_size"),
    ("optimize", "PRAGMA optimize"),
    ("quick_check", "PRAGMA quick_check"),
    ("read_uncommitted", "PRAGMA read_uncommitted"),
    ("recursive_triggers", "PRAGMA recursive_triggers"),
    (
        "reverse_unordered_selects",
        "PRAGMA reverse_unordered_selects",
    ),
    ("secure_delete", "PRAGMA secure_delete"),
    ("short_column_names", "PRAGMA short_column_names"),
    ("soft_heap_limit", "PRAGMA soft_heap_limit"),
    ("synchronous", "PRAGMA synchronous"),
    ("temp_store", "PRAGMA temp_store"),
    ("threads", "PRAGMA threads"),
    ("trusted_schema", "PRAGMA trusted_schema"),
    ("wal_autocheckpoint", "PRAGMA wal_autocheckpoint"),
    ("wal_checkpoint", "PRAGMA wal_checkpoint"),
];

fn of_pragma(pragma: &Pragma) -> Result<What, Refused> {
    let is_main = pragma
        .schema
        .as_deref()
        .is_none_or(|schema| schema.eq_ignore_ascii_case("main"));
    let number = || integer(pragma.value.as_deref()?);
    let name = pragma.name.as_str();
    let numbered = |pragma: &'static str, value| What::Number { pragma, value };
    let what = match (name, &pragma.value) {
        _ if !is_main => None,
        ("foreign_keys" | "defer_foreign_keys", Some(_)) => Some(What::ForeignKeys),
        ("writable_schema", Some(_)) => Some(What::WritableSchema),
        ("user_version", Some(_)) => {
            let value = number().ok_or_else(|| no_number(pragma))?;
            Some(numbered("user_version", value))
        }
        ("application_id", Some(_)) => {
            let value = number().ok_or_else(|| no_number(pragma))?;
            Some(numbered("application_id", value))
        }
        ("encoding", Some(value)) => encoding(value).map(|value| What::Layout {
            pragma: "encoding",
            value,
        }),
        ("page_size", Some(_)) => number().map(|value| What::Layout {
            pragma: "page_size",
            value: value.to_string(),
        }),
        ("auto_vacuum", Some(value)) => auto_vacuum(value).map(|value| What::Layout {
            pragma: "auto_vacuum",
            value: value.to_owned(),
        }),
        _ => SETTINGS
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, words)| What::Setting { words }),
    };
    what.ok_or_else(|| no_part(&format!("PRAGMA {}", shown(&pragma.name))))
}

/// An integer as the engine reads it: `12`, `-1`, `0x47504B47`.
fn integer(value: &str) -> Option<i64> {
    let (sign, digits) = match value.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, value),
    };
    let number = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(digits) => i64::from_str_radix(digits, 16).ok()?,
        None => digits.parse().ok()?,
    };
    Some(sign * number)
}

/// <https://sqlite.org/pragma.html#pragma_encoding>
fn encoding(value: &str) -> Option<String> {
    let known = ["UTF-8", "UTF-16", "UTF-16le", "UTF-16be"];
    let is = |known: &&&str| {
        let bare = known.replace('-', "");
        value.eq_ignore_ascii_case(known) || value.eq_ignore_ascii_case(&bare)
    };
    known.iter().find(is).map(|known| format!("'{known}'"))
}

/// <https://sqlite.org/pragma.html#pragma_auto_vacuum>
fn auto_vacuum(value: &str) -> Option<&'static str> {
    match value.to_ascii_uppercase().as_str() {
        "0" | "NONE" => Some("0"),
        "1" | "FULL" => Some("1"),
        "2" | "INCREMENTAL" => Some("2"),
        _ => None,
    }
}

/// `DROP … IF EXISTS name`, which scripts write before they make what is called so.
fn dropped(sql: &str, object: sql::Object) -> Result<What, Refused> {
    let is_main = object
        .schema
        .as_deref()
        .is_none_or(|schema| schema.eq_ignore_ascii_case("main"));
    if !object.if_exists || !is_main || object.name.is_empty() || is_internal(&object.name) {
        return Err(no_part(&words(sql, 2)));
    }
    Ok(What::Drop {
        object: object.what.word(),
        name: object.name,
    })
}

fn no_number(pragma: &Pragma) -> Refused {
    Refused {
        message: format!("the value of PRAGMA {} is no integer", pragma.name),
        help: None,
    }
}

fn create(sql: &str, object: sql::Object) -> Result<What, Refused> {
    let made = match object.what {
        sql::What::Table => Object::Table,
        sql::What::VirtualTable => Object::VirtualTable,
        sql::What::Index => Object::Index,
        sql::What::Trigger => Object::Trigger,
        sql::What::View => Object::View,
        sql::What::Other => return Err(no_part(&words(sql, 2))),
    };
    let name = shown(&object.name);
    if object.temporary {
        return Err(no_part(&format!(
            "a temporary {} (`{name}`)",
            object.what.word()
        )));
    }
    if let Some(schema) = &object.schema
        && !schema.eq_ignore_ascii_case("main")
    {
        return Err(no_part(&format!(
            "a {} in another database (`{}.{name}`)",
            object.what.word(),
            shown(schema)
        )));
    }
    // An empty name in quotes is one.
    let is_named = || {
        let mut tokens = sql::significant(sql);
        tokens.any(|token| matches!(token.text(sql), "\"\"" | "''" | "``" | "[]"))
    };
    if object.name.is_empty() && !is_named() {
        return Err(Refused {
            message: format!("the {} has no name", object.what.word()),
            help: None,
        });
    }
    // Some writers list the tables that the engine makes with the first rows for them.
    if made == Object::Table && is_known_internal(&object.name) {
        return Ok(What::Setting {
            words: "CREATE TABLE of one of the engine's own tables",
        });
    }
    if is_internal(&object.name) {
        return Err(Refused {
            message: format!(
                "`{name}` is a name of the engine's own: it makes such objects itself"
            ),
            help: None,
        });
    }
    if made == Object::Table && !lists_columns(sql) {
        return Err(no_part("CREATE TABLE … AS"));
    }
    if calls_load_extension(sql) {
        return Err(no_part("a call of load_extension()"));
    }
    Ok(What::Create {
        object: made,
        table: object.table.unwrap_or_else(|| object.name.clone()),
        name: object.name,
        sql: sql.to_owned(),
    })
}

/// Whether the columns of a table stand behind its name, and no `AS`.
fn lists_columns(sql: &str) -> bool {
    let found =
        sql::significant(sql).find(|token| token.text(sql) == "(" || token.is_word(sql, "AS"));
    found.is_some_and(|token| token.text(sql) == "(")
}

/// Whether the text calls the function that loads code into the process.
fn calls_load_extension(sql: &str) -> bool {
    let mut tokens = sql::significant(sql).peekable();
    while let Some(token) = tokens.next() {
        let is_name = matches!(token.kind, TokenKind::Word | TokenKind::QuotedName);
        if is_name
            && sql::unquote(token.text(sql)).eq_ignore_ascii_case("load_extension")
            && tokens.peek().is_some_and(|next| next.text(sql) == "(")
        {
            return true;
        }
    }
    false
}

/// `DELETE FROM name`, and nothing more.
fn delete(sql: &str) -> Result<What, Refused> {
    let refused = || Refused {
        message: "only DELETE FROM a whole table is part of a dump".to_owned(),
        help: Some(UNTRUSTED.to_owned()),
    };
    let mut tokens = sql::significant(sql).skip_while(|token| token.is_word(sql, "DELETE"));
    if !tokens
        .next()
        .is_some_and(|token| token.is_word(sql, "FROM"))
    {
        return Err(refused());
    }
    let table = qualified(sql, tokens).ok_or_else(refused)?;
    if is_internal(&table) && !is_known_internal(&table) {
        return Err(no_part(&format!("DELETE FROM {}", shown(&table))));
    }
    Ok(What::Clear { table })
}

/// `ANALYZE sqlite_schema` analyses nothing and makes the tables for what was. Any other reads the tables, and changes no
/// content.
fn analyze(sql: &str) -> What {
    let tokens = sql::significant(sql).skip(1);
    match qualified(sql, tokens) {
        Some(name)
            if ["sqlite_schema", "sqlite_master"]
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known)) =>
        {
            What::Analyze
        }
        _ => What::Setting { words: "ANALYZE" },
    }
}

/// `name` or `main.name`, where nothing else is.
fn qualified(sql: &str, tokens: impl Iterator<Item = sql::Token>) -> Option<String> {
    let tokens: Vec<_> = tokens.take(4).collect();
    let name = |token: &sql::Token| {
        let is_name = matches!(
            token.kind,
            TokenKind::Word | TokenKind::QuotedName | TokenKind::String
        );
        is_name.then(|| sql::unquote(token.text(sql)))
    };
    match tokens.as_slice() {
        [table] => name(table),
        [schema, dot, table]
            if dot.text(sql) == "." && name(schema)?.eq_ignore_ascii_case("main") =>
        {
            name(table)
        }
        _ => None,
    }
}

/// Whether this is one statement, and a whole one.
fn single(sql: &str) -> bool {
    sql::split(sql).is_ok_and(|statements| statements.len() == 1)
}

/// A name as it is shown: it may be as long as the dump.
fn shown(name: &str) -> String {
    match name.char_indices().nth(60) {
        Some((cut, _)) => format!("{}…", &name[..cut]),
        None => name.to_owned(),
    }
}
