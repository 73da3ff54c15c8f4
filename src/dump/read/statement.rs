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
        Kind::Analyze => analyze(sql),
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

fn of_pragma(pragma: &Pragma) -> Result<What, Refused> {
    let is_main = pragma
        .schema
        .as_deref()
        .is_none_or(|schema| schema.eq_ignore_ascii_case("main"));
    let number = || pragma.value.as_deref()?.parse::<i64>().ok();
    match (pragma.name.as_str(), &pragma.value) {
        ("foreign_keys", Some(_)) if is_main => Ok(What::ForeignKeys),
        ("writable_schema", Some(_)) if is_main => Ok(What::WritableSchema),
        ("user_version", Some(_)) if is_main => match number() {
            Some(value) => Ok(What::Number {
                pragma: "user_version",
                value,
            }),
            None => Err(no_number(pragma)),
        },
        ("application_id", Some(_)) if is_main => match number() {
            Some(value) => Ok(What::Number {
                pragma: "application_id",
                value,
            }),
            None => Err(no_number(pragma)),
        },
        _ => Err(no_part(&format!("PRAGMA {}", shown(&pragma.name)))),
    }
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
    if object.name.is_empty() {
        return Err(Refused {
            message: format!("the {} has no name", object.what.word()),
            help: None,
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

/// `ANALYZE sqlite_schema`, which analyses nothing and makes the tables for what was.
fn analyze(sql: &str) -> Result<What, Refused> {
    let tokens = sql::significant(sql).skip(1);
    match qualified(sql, tokens) {
        Some(name)
            if ["sqlite_schema", "sqlite_master"]
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known)) =>
        {
            Ok(What::Analyze)
        }
        _ => Err(no_part("ANALYZE of anything but sqlite_schema")),
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
