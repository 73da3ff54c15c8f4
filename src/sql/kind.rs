//! What a statement is, by its first tokens alone: enough to refuse, reorder or name it before any engine
//! sees it. It never parses a statement to its end; one that is wrong further on still has a kind.

use super::cursor::Cursor;
use super::quote::unquote;
use super::token::significant;
use std::ops::Range;

/// What a statement is. Names are unquoted and in the letter case of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// `BEGIN`.
    Begin,
    /// `COMMIT` or `END`.
    Commit,
    /// `ROLLBACK` of the whole transaction.
    Rollback,
    /// `ROLLBACK TO` a savepoint, by its name.
    RollbackTo(String),
    /// `SAVEPOINT`, by its name.
    Savepoint(String),
    /// `RELEASE` of a savepoint, by its name.
    Release(String),
    /// `PRAGMA`.
    Pragma(Box<Pragma>),
    /// `ATTACH`.
    Attach,
    /// `DETACH`.
    Detach,
    /// `VACUUM`, with or without `INTO`.
    Vacuum,
    /// `ANALYZE`.
    Analyze,
    /// `REINDEX`.
    Reindex,
    /// `CREATE`, and what it creates.
    Create(Box<Object>),
    /// `DROP`, and what it drops.
    Drop(Box<Object>),
    /// `ALTER TABLE`.
    Alter,
    /// `INSERT` or `REPLACE`, also behind `WITH`.
    Insert,
    /// `UPDATE`, also behind `WITH`.
    Update,
    /// `DELETE`, also behind `WITH`.
    Delete,
    /// `SELECT` or `VALUES`, also behind `WITH`.
    Select,
    /// `EXPLAIN` of any statement; it runs nothing.
    Explain,
    /// Nothing that SQLite knows, or a text without a token.
    Other,
}

/// A [`PRAGMA`](https://www.sqlite.org/pragma.html) statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pragma {
    /// Its name in lower case, without the schema.
    pub name: String,
    /// The schema before the name, as written but unquoted.
    pub schema: Option<String>,
    /// The value after `=` or in parentheses, unquoted: `ON`, `-2000`, `users`.
    pub value: Option<String>,
    /// The whole pragma, in bytes of the statement.
    pub span: Range<usize>,
}

/// What a `CREATE` or `DROP` is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its sort.
    pub what: What,
    /// Whether it is created `TEMP`.
    pub temporary: bool,
    /// Whether it is a `UNIQUE` index.
    pub unique: bool,
    /// Whether `IF EXISTS`, or for `CREATE` `IF NOT EXISTS`, is there.
    pub if_exists: bool,
    /// The schema before the name.
    pub schema: Option<String>,
    /// Its name; empty where the statement has none.
    pub name: String,
    /// The table that an index or a trigger is created on.
    pub table: Option<String>,
}

impl Object {
    /// Whether it is created or dropped in the schema `temp`, which ends with the connection.
    pub fn is_temporary(&self) -> bool {
        let in_temp = |schema: &String| schema.eq_ignore_ascii_case("temp");
        self.temporary || self.schema.as_ref().is_some_and(in_temp)
    }
}

/// The sorts of objects of a schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum What {
    /// An ordinary table. `DROP TABLE` of a virtual table looks the same.
    Table,
    /// An index.
    Index,
    /// A view.
    View,
    /// A trigger.
    Trigger,
    /// `CREATE VIRTUAL TABLE`.
    VirtualTable,
    /// Anything else: no engine knows it.
    Other,
}

impl What {
    /// The sort in words: `table`, `virtual table`.
    pub fn word(self) -> &'static str {
        match self {
            What::Table => "table",
            What::Index => "index",
            What::View => "view",
            What::Trigger => "trigger",
            What::VirtualTable => "virtual table",
            What::Other => "object",
        }
    }
}

/// What `statement` is: one statement, as [`split`](super::split()) gives it; spaces and comments before it
/// are passed over.
pub fn kind(statement: &str) -> Kind {
    let mut cursor = Cursor::new(statement);
    let Some(verb) = cursor.next() else {
        return Kind::Other;
    };
    let is = |word| verb.is_word(statement, word);
    if is("INSERT") || is("REPLACE") {
        Kind::Insert
    } else if is("CREATE") {
        Kind::Create(Box::new(created(&mut cursor)))
    } else if is("DROP") {
        Kind::Drop(Box::new(dropped(&mut cursor)))
    } else if is("ALTER") {
        Kind::Alter
    } else if is("UPDATE") {
        Kind::Update
    } else if is("DELETE") {
        Kind::Delete
    } else if is("SELECT") || is("VALUES") {
        Kind::Select
    } else if is("WITH") {
        behind_with(&mut cursor)
    } else if is("PRAGMA") {
        pragma(&mut cursor, verb.span.start)
    } else if is("BEGIN") {
        Kind::Begin
    } else if is("COMMIT") || is("END") {
        Kind::Commit
    } else if is("ROLLBACK") {
        rollback(&mut cursor)
    } else if is("SAVEPOINT") {
        Kind::Savepoint(cursor.name().unwrap_or_default())
    } else if is("RELEASE") {
        Kind::Release(savepoint(&mut cursor))
    } else if is("ATTACH") {
        Kind::Attach
    } else if is("DETACH") {
        Kind::Detach
    } else if is("VACUUM") {
        Kind::Vacuum
    } else if is("ANALYZE") {
        Kind::Analyze
    } else if is("REINDEX") {
        Kind::Reindex
    } else if is("EXPLAIN") {
        Kind::Explain
    } else {
        Kind::Other
    }
}

/// The old and the new name in `ALTER TABLE … RENAME TO …`; none for any other statement.
pub(crate) fn renamed_table(statement: &str) -> Option<(String, String)> {
    let mut cursor = Cursor::new(statement);
    if !cursor.words(&["ALTER", "TABLE"]) {
        return None;
    }
    let (_, from) = cursor.qualified_name()?;
    let to = cursor.words(&["RENAME", "TO"]);
    Some((from, to.then(|| cursor.name()).flatten()?))
}

fn rollback(cursor: &mut Cursor<'_>) -> Kind {
    cursor.word("TRANSACTION");
    if cursor.word("TO") {
        Kind::RollbackTo(savepoint(cursor))
    } else {
        Kind::Rollback
    }
}

/// `[SAVEPOINT] name`; a savepoint may be called savepoint.
fn savepoint(cursor: &mut Cursor<'_>) -> String {
    let first = cursor.name().unwrap_or_default();
    if first.eq_ignore_ascii_case("SAVEPOINT") {
        cursor.name().unwrap_or(first)
    } else {
        first
    }
}

fn pragma(cursor: &mut Cursor<'_>, start: usize) -> Kind {
    let Some((schema, name)) = cursor.qualified_name() else {
        return Kind::Other;
    };
    let mut value = None;
    if cursor.symbol("=") || cursor.symbol("(") {
        let sign = if cursor.symbol("-") {
            "-"
        } else {
            cursor.symbol("+");
            ""
        };
        if !cursor.symbol(")") {
            value = cursor
                .next()
                .map(|token| format!("{sign}{}", unquote(token.text(cursor.sql))));
        }
    }
    let end = significant(cursor.sql)
        .last()
        .map_or(start, |token| token.span.end);
    Kind::Pragma(Box::new(Pragma {
        name: name.to_ascii_lowercase(),
        schema,
        value,
        span: start..end,
    }))
}

/// The main verb behind `WITH …`.
fn behind_with(cursor: &mut Cursor<'_>) -> Kind {
    if !cursor.tables_of_with() {
        return Kind::Other;
    }
    match cursor.next().map(|verb| kind(verb.text(cursor.sql))) {
        Some(main @ (Kind::Insert | Kind::Update | Kind::Delete | Kind::Select)) => main,
        _ => Kind::Other,
    }
}

fn created(cursor: &mut Cursor<'_>) -> Object {
    let temporary = cursor.word("TEMP") || cursor.word("TEMPORARY");
    let unique = cursor.word("UNIQUE");
    let what = if cursor.words(&["VIRTUAL", "TABLE"]) {
        What::VirtualTable
    } else {
        sort(cursor)
    };
    let if_exists = cursor.words(&["IF", "NOT", "EXISTS"]);
    let (schema, name) = cursor.qualified_name().unwrap_or_default();
    let mut table = None;
    if matches!(what, What::Index | What::Trigger) {
        // ON is reserved: before the table's name, no other bare word can be it.
        while let Some(token) = cursor.next() {
            if token.is_word(cursor.sql, "ON") {
                table = cursor.qualified_name().map(|(_, table)| table);
                break;
            }
        }
    }
    Object {
        what,
        temporary,
        unique,
        if_exists,
        schema,
        name,
        table,
    }
}

fn dropped(cursor: &mut Cursor<'_>) -> Object {
    let what = sort(cursor);
    let if_exists = cursor.words(&["IF", "EXISTS"]);
    let (schema, name) = cursor.qualified_name().unwrap_or_default();
    Object {
        what,
        temporary: false,
        unique: false,
        if_exists,
        schema,
        name,
        table: None,
    }
}

fn sort(cursor: &mut Cursor<'_>) -> What {
    if cursor.word("TABLE") {
        What::Table
    } else if cursor.word("INDEX") {
        What::Index
    } else if cursor.word("VIEW") {
        What::View
    } else if cursor.word("TRIGGER") {
        What::Trigger
    } else {
        What::Other
    }
}

/// Whether a token of a statement is this name, quoted or not.
pub fn has_name(statement: &str, name: &str) -> bool {
    may_have_name(statement, name)
        && significant(statement)
            .any(|token| unquote(token.text(statement)).eq_ignore_ascii_case(name))
}

/// Whether a text holds the letters of this name, or of a name that begins with it. To look for them takes a fraction of
/// the time that reading tokens takes, and most statements do not hold them.
pub(crate) fn may_have_name(statement: &str, name: &str) -> bool {
    let (all, name) = (statement.as_bytes(), name.as_bytes());
    // Within quotes they are doubled.
    let quotes = |byte: &u8| matches!(byte, b'"' | b'\'' | b'`');
    let Some(first) = name.first().filter(|_| !name.iter().any(quotes)) else {
        return true;
    };
    let is_here = |at: usize| {
        let here = all.get(at..at + name.len());
        here.is_some_and(|here| here.eq_ignore_ascii_case(name))
    };
    memchr::memchr2_iter(first.to_ascii_lowercase(), first.to_ascii_uppercase(), all).any(is_here)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_in_any_quotes_and_letter_case() {
        for statement in [
            "DROP TABLE users",
            "DROP TABLE [Users]",
            "DROP TABLE `USERS`",
            "SELECT 'users'",
            "INSERT INTO \"main\".\"uSers\"(a) VALUES (1)",
        ] {
            assert!(has_name(statement, "Users"), "{statement}");
        }
        for statement in [
            "DROP TABLE users2",
            "-- users\nSELECT 1",
            "",
            "SELECT user, s",
        ] {
            assert!(!has_name(statement, "users"), "{statement}");
        }
        assert!(has_name("DROP TABLE \"a\"\"b\"", "a\"b"));
        assert!(has_name("DROP TABLE Straße", "straße"));
        assert!(has_name("SELECT \"\"", ""));
    }

    #[track_caller]
    fn check(statement: &str, expect: Kind) {
        assert_eq!(kind(statement), expect, "{statement:?}");
    }

    fn object(what: What, name: &str) -> Object {
        Object {
            what,
            temporary: false,
            unique: false,
            if_exists: false,
            schema: None,
            name: name.into(),
            table: None,
        }
    }

    #[test]
    fn only_renaming_a_table_gives_two_names() {
        let names = |from: &str, to: &str| Some((from.to_owned(), to.to_owned()));
        for (sql, expect) in [
            ("ALTER TABLE t RENAME TO u", names("t", "u")),
            (
                "alter table main.[a b] -- c\n rename to \"c \"\"d\"",
                names("a b", "c \"d"),
            ),
            ("ALTER TABLE t RENAME x TO y", None),
            ("ALTER TABLE t RENAME COLUMN x TO y", None),
            ("ALTER TABLE t ADD COLUMN rename", None),
            ("DROP TABLE t", None),
        ] {
            assert_eq!(renamed_table(sql), expect, "{sql:?}");
        }
    }

    #[test]
    fn a_verb_in_any_letter_case_and_behind_comments_decides() {
        check("-- a\n/* b */ insert into t values (1)", Kind::Insert);
        check("REPLACE INTO t VALUES (1)", Kind::Insert);
        check("UPDATE t SET a = 1", Kind::Update);
        check("DELETE FROM t", Kind::Delete);
        check("VALUES (1)", Kind::Select);
        check("ALTER TABLE t ADD a", Kind::Alter);
        check("ATTACH 'a' AS b", Kind::Attach);
        check("DETACH b", Kind::Detach);
        check("VACUUM INTO 'a'", Kind::Vacuum);
        check("ANALYZE", Kind::Analyze);
        check("REINDEX", Kind::Reindex);
        check("EXPLAIN QUERY PLAN DELETE FROM t", Kind::Explain);
        for other in [
            "",
            "-- a",
            "(SELECT 1)",
            "\"SELECT\" 1",
            "GRANT a",
            "'INSERT'",
            "1",
        ] {
            check(other, Kind::Other);
        }
    }

    #[test]
    fn transactions_and_savepoints_are_told_apart() {
        check("BEGIN IMMEDIATE TRANSACTION", Kind::Begin);
        check("COMMIT", Kind::Commit);
        check("END TRANSACTION", Kind::Commit);
        check("ROLLBACK", Kind::Rollback);
        check("ROLLBACK TRANSACTION", Kind::Rollback);
        check("ROLLBACK TO a", Kind::RollbackTo("a".into()));
        check(
            "rollback transaction to savepoint \"A b\"",
            Kind::RollbackTo("A b".into()),
        );
        check("SAVEPOINT a", Kind::Savepoint("a".into()));
        check("RELEASE a", Kind::Release("a".into()));
        check("RELEASE SAVEPOINT 'a'", Kind::Release("a".into()));
        check("RELEASE savepoint", Kind::Release("savepoint".into()));
    }

    #[test]
    fn with_is_what_stands_behind_it() {
        check("WITH a AS (SELECT 1) SELECT * FROM a", Kind::Select);
        check(
            "WITH RECURSIVE a(x, y) AS (VALUES (1, (2))), b AS NOT MATERIALIZED (SELECT 1) INSERT INTO t SELECT 1",
            Kind::Insert,
        );
        check("WITH replace AS (SELECT ')') DELETE FROM t", Kind::Delete);
        check(
            "WITH \"a\" AS MATERIALIZED (SELECT 1) UPDATE t SET a = 1",
            Kind::Update,
        );
        for other in [
            "WITH",
            "WITH a",
            "WITH a AS",
            "WITH a AS (SELECT 1",
            "WITH a AS (SELECT 1) DROP TABLE t",
        ] {
            check(other, Kind::Other);
        }
    }

    #[test]
    fn a_pragma_has_a_name_and_perhaps_a_value() {
        let pragma = |text: &str, schema: Option<&str>, name: &str, value: Option<&str>| {
            let (schema, value) = (schema.map(Into::into), value.map(Into::into));
            check(
                text,
                Kind::Pragma(Box::new(Pragma {
                    name: name.into(),
                    schema,
                    value,
                    span: 0..text.len(),
                })),
            );
        };
        pragma("PRAGMA foreign_keys", None, "foreign_keys", None);
        pragma("pragma FOREIGN_KEYS=off", None, "foreign_keys", Some("off"));
        pragma(
            "PRAGMA foreign_keys = 'ON'",
            None,
            "foreign_keys",
            Some("ON"),
        );
        pragma(
            "PRAGMA main.cache_size = -2000",
            Some("main"),
            "cache_size",
            Some("-2000"),
        );
        pragma("PRAGMA cache_size(+5)", None, "cache_size", Some("5"));
        pragma(
            "PRAGMA table_info(\"my users\")",
            None,
            "table_info",
            Some("my users"),
        );
        pragma("PRAGMA \"x\"()", None, "x", None);
        check("PRAGMA", Kind::Other);
        let Kind::Pragma(found) = kind("-- é\n PRAGMA a = 1 -- b") else {
            panic!()
        };
        assert_eq!(found.span, 7..19);
    }

    #[test]
    fn what_is_created_or_dropped_has_a_sort_and_a_name() {
        use What::{Index, Other, Table, Trigger, View, VirtualTable};
        check(
            "CREATE TABLE t (a)",
            Kind::Create(Box::new(object(Table, "t"))),
        );
        check(
            "CREATE TEMP TABLE IF NOT EXISTS main.\"My T\" (a)",
            Kind::Create(Box::new(Object {
                temporary: true,
                if_exists: true,
                schema: Some("main".into()),
                ..object(Table, "My T")
            })),
        );
        check(
            "CREATE UNIQUE INDEX [i] ON `t` (a)",
            Kind::Create(Box::new(Object {
                unique: true,
                table: Some("t".into()),
                ..object(Index, "i")
            })),
        );
        check(
            "CREATE TRIGGER r AFTER UPDATE OF a ON t BEGIN SELECT 1; END",
            Kind::Create(Box::new(Object {
                table: Some("t".into()),
                ..object(Trigger, "r")
            })),
        );
        check(
            "CREATE VIEW v AS SELECT 1",
            Kind::Create(Box::new(object(View, "v"))),
        );
        check(
            "CREATE VIRTUAL TABLE f USING fts5(a)",
            Kind::Create(Box::new(object(VirtualTable, "f"))),
        );
        check(
            "CREATE TABLE if (a)",
            Kind::Create(Box::new(object(Table, "if"))),
        );
        check("CREATE", Kind::Create(Box::new(object(Other, ""))));
        check(
            "CREATE FUNCTION f",
            Kind::Create(Box::new(object(Other, "FUNCTION"))),
        );
        check("DROP TABLE t", Kind::Drop(Box::new(object(Table, "t"))));
        check(
            "DROP INDEX IF EXISTS aux.'i'",
            Kind::Drop(Box::new(Object {
                if_exists: true,
                schema: Some("aux".into()),
                ..object(Index, "i")
            })),
        );
        check("DROP VIEW v", Kind::Drop(Box::new(object(View, "v"))));
        check("DROP TRIGGER r", Kind::Drop(Box::new(object(Trigger, "r"))));
    }
}
