//! What a statement does, in words for people: plans and lists show it. Nothing is decided by it.
//!
//! The first tokens tell what sort of statement it is and what it names; sqlparser adds what needs a tree.
//! It cannot read all of SQLite's SQL, so where it fails the words say less, and nothing is an error.

use super::cursor::Cursor;
use super::kind::{Kind, Object, What, kind};
use super::quote::identifier;
use super::token::{TokenKind, significant};
use sqlparser::ast::{AlterTableOperation, CreateTable, RenameTableNameKind, Statement};
use sqlparser::dialect::SQLiteDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;

/// What `statement` does, in one line: `creates table usage (7 columns)`, `inserts 2 rows into users`.
/// `None` if it is nothing that SQLite knows.
pub fn describe(statement: &str) -> Option<String> {
    Some(deed(statement)?.to_string())
}

/// How many different things [`describe_all`] names.
const SHOWN: usize = 5;

/// What a whole file does, in one line: `creates table usage (7 columns), index idx_usage on usage`. Rows
/// that follow each other into one table count together; what goes beyond five things, or is nothing that
/// SQLite knows, is counted: `and 12 more`.
pub fn describe_all<'a>(statements: impl IntoIterator<Item = &'a str>) -> String {
    let mut deeds: Vec<Deed> = Vec::new();
    let mut more = 0_usize;
    for statement in statements {
        // Beyond the limit only rows can still join what is shown, and they cost no parse.
        let deed = if deeds.len() < SHOWN {
            deed(statement)
        } else {
            inserted(statement)
        };
        let Some(next) = deed else {
            more += 1;
            continue;
        };
        let joined = more == 0 && deeds.last_mut().is_some_and(|last| last.join(&next));
        if !joined && deeds.len() < SHOWN {
            deeds.push(next);
        } else if !joined {
            more += 1;
        }
    }
    let mut line = String::new();
    let mut verb = "";
    for deed in &deeds {
        if !line.is_empty() {
            line.push_str(", ");
        }
        line.push_str(&if deed.verb == verb {
            deed.what()
        } else {
            deed.to_string()
        });
        verb = deed.verb;
    }
    match (line.as_str(), more) {
        ("", 0) => "does nothing".to_owned(),
        ("", 1) => "1 statement".to_owned(),
        ("", _) => format!("{more} statements"),
        (_, 0) => line,
        _ => format!("{line} and {more} more"),
    }
}

/// One thing that is done.
struct Deed {
    verb: &'static str,
    what: Subject,
}

enum Subject {
    /// In words, with a blank before them unless empty.
    Words(String),
    /// So many rows, if it can be told, into a table.
    Rows(Option<usize>, String),
}

impl Deed {
    fn new(verb: &'static str, what: impl Into<String>) -> Self {
        Deed {
            verb,
            what: Subject::Words(what.into()),
        }
    }

    fn what(&self) -> String {
        match &self.what {
            Subject::Words(words) => words.clone(),
            Subject::Rows(None, table) => format!("rows into {table}"),
            Subject::Rows(Some(1), table) => format!("1 row into {table}"),
            Subject::Rows(Some(count), table) => format!("{count} rows into {table}"),
        }
    }

    /// Adds the rows of `next` to these, if it does the same to the same table.
    fn join(&mut self, next: &Deed) -> bool {
        match (&mut self.what, &next.what) {
            (Subject::Rows(count, table), Subject::Rows(more, same))
                if table == same && self.verb == next.verb =>
            {
                *count = count.zip(*more).map(|(count, more)| count + more);
                true
            }
            _ => false,
        }
    }
}

impl std::fmt::Display for Deed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = self.what();
        f.write_str(self.verb)?;
        if what.is_empty() {
            Ok(())
        } else {
            write!(f, " {what}")
        }
    }
}

fn deed(statement: &str) -> Option<Deed> {
    Some(match kind(statement) {
        Kind::Create(object) => created(statement, &object)?,
        Kind::Drop(object) if object.what == What::Other || object.name.is_empty() => return None,
        Kind::Drop(object) => Deed::new(
            "drops",
            format!(
                "{} {}",
                object.what.word(),
                qualified(&object.schema, &object.name)
            ),
        ),
        Kind::Alter => altered(statement)?,
        Kind::Insert => inserted(statement)?,
        Kind::Update => updated(statement)?,
        Kind::Delete => deleted(statement)?,
        Kind::Pragma(pragma) => match pragma.value {
            Some(value) => Deed::new("sets", format!("pragma {} to {value}", pragma.name)),
            None => Deed::new("reads", format!("pragma {}", pragma.name)),
        },
        Kind::Begin => Deed::new("begins", "a transaction"),
        Kind::Commit => Deed::new("commits", ""),
        Kind::Rollback => Deed::new("rolls back", ""),
        Kind::RollbackTo(name) => Deed::new("rolls back", format!("to savepoint {}", shown(&name))),
        Kind::Savepoint(name) => Deed::new("sets", format!("savepoint {}", shown(&name))),
        Kind::Release(name) => Deed::new("releases", format!("savepoint {}", shown(&name))),
        Kind::Attach => Deed::new("attaches", "a database"),
        Kind::Detach => Deed::new("detaches", "a database"),
        Kind::Vacuum => Deed::new("vacuums", ""),
        Kind::Analyze => Deed::new("analyzes", ""),
        Kind::Reindex => Deed::new("reindexes", ""),
        Kind::Select => Deed::new("reads", "rows"),
        Kind::Explain => Deed::new("explains", "a statement"),
        Kind::Other => return None,
    })
}

fn created(statement: &str, object: &Object) -> Option<Deed> {
    if object.what == What::Other || object.name.is_empty() {
        return None;
    }
    let mut what = String::new();
    if object.temporary {
        what.push_str("temporary ");
    }
    if object.unique {
        what.push_str("unique ");
    }
    what.push_str(object.what.word());
    what.push(' ');
    what.push_str(&qualified(&object.schema, &object.name));
    if let Some(table) = &object.table {
        what.push_str(" on ");
        what.push_str(&shown(table));
    }
    if object.what == What::Table
        && let Some(Statement::CreateTable(CreateTable { columns, query, .. })) = parse(statement)
    {
        match (columns.len(), query) {
            (_, Some(_)) => what.push_str(" from a query"),
            (1, None) => what.push_str(" (1 column)"),
            (count, None) => what.push_str(&format!(" ({count} columns)")),
        }
    }
    Some(Deed::new("creates", what))
}

fn altered(statement: &str) -> Option<Deed> {
    let mut cursor = Cursor::new(statement);
    if !cursor.words(&["ALTER", "TABLE"]) {
        return None;
    }
    let table = table(&mut cursor)?;
    let words = match parse(statement) {
        Some(Statement::AlterTable(alter)) => match <[_; 1]>::try_from(alter.operations) {
            Ok([operation]) => alteration(&table, operation),
            Err(_) => None,
        },
        _ => None,
    };
    Some(words.unwrap_or_else(|| Deed::new("alters", format!("table {table}"))))
}

fn alteration(table: &str, operation: AlterTableOperation) -> Option<Deed> {
    Some(match operation {
        AlterTableOperation::AddColumn { column_def, .. } => Deed::new(
            "adds",
            format!("column {} to {table}", shown(&column_def.name.value)),
        ),
        AlterTableOperation::DropColumn { column_names, .. } => {
            let [column] = column_names.as_slice() else {
                return None;
            };
            Deed::new(
                "drops",
                format!("column {} from {table}", shown(&column.value)),
            )
        }
        AlterTableOperation::RenameColumn {
            old_column_name: old,
            new_column_name: new,
        } => Deed::new(
            "renames",
            format!(
                "column {} of {table} to {}",
                shown(&old.value),
                shown(&new.value)
            ),
        ),
        AlterTableOperation::RenameTable {
            table_name: RenameTableNameKind::To(name),
        } => {
            let name = name.0.last()?.as_ident()?;
            Deed::new(
                "renames",
                format!("table {table} to {}", shown(&name.value)),
            )
        }
        _ => return None,
    })
}

/// The rows that an `INSERT` writes; `None` for any other statement. They can be many, so tokens must do.
fn inserted(statement: &str) -> Option<Deed> {
    let (verb, mut cursor) = main_verb(statement)?;
    let replaces = verb.eq_ignore_ascii_case("REPLACE");
    if !replaces && !verb.eq_ignore_ascii_case("INSERT") {
        return None;
    }
    let replaces = conflict_clause(&mut cursor) || replaces;
    cursor.word("INTO");
    let table = table(&mut cursor)?;
    if cursor.word("AS") {
        cursor.name();
    }
    cursor.parenthesized();
    let rows = if cursor.words(&["DEFAULT", "VALUES"]) {
        Some(1)
    } else if cursor.word("VALUES") {
        let mut count = 0;
        while cursor.parenthesized() {
            count += 1;
            cursor.symbol(",");
        }
        Some(count)
    } else {
        None
    };
    let verb = if replaces {
        "inserts or replaces"
    } else {
        "inserts"
    };
    Some(Deed {
        verb,
        what: Subject::Rows(rows, table),
    })
}

fn updated(statement: &str) -> Option<Deed> {
    let (_, mut cursor) = main_verb(statement)?;
    conflict_clause(&mut cursor);
    let table = table(&mut cursor)?;
    let some = cursor.has_ahead(&["WHERE", "FROM", "LIMIT"]);
    Some(Deed::new(
        "updates",
        if some {
            table
        } else {
            format!("every row of {table}")
        },
    ))
}

fn deleted(statement: &str) -> Option<Deed> {
    let (_, mut cursor) = main_verb(statement)?;
    cursor.word("FROM");
    let table = table(&mut cursor)?;
    let some = cursor.has_ahead(&["WHERE", "LIMIT"]);
    Some(Deed::new(
        "deletes",
        if some {
            format!("from {table}")
        } else {
            format!("every row of {table}")
        },
    ))
}

/// The verb, behind `WITH …` if there is one, and what follows it.
fn main_verb(statement: &str) -> Option<(&str, Cursor<'_>)> {
    let mut cursor = Cursor::new(statement);
    if cursor.word("WITH") && !cursor.tables_of_with() {
        return None;
    }
    let verb = cursor.next()?;
    Some((verb.text(statement), cursor))
}

/// Takes `OR ROLLBACK` and its like; whether it is `OR REPLACE`.
fn conflict_clause(cursor: &mut Cursor<'_>) -> bool {
    if !cursor.word("OR") {
        return false;
    }
    let replaces = cursor.at("REPLACE");
    cursor.next();
    replaces
}

fn table(cursor: &mut Cursor<'_>) -> Option<String> {
    let (schema, name) = cursor.qualified_name()?;
    Some(qualified(&schema, &name))
}

fn qualified(schema: &Option<String>, name: &str) -> String {
    match schema {
        Some(schema) => format!("{}.{}", shown(schema), shown(name)),
        None => shown(name),
    }
}

/// A name as one reads it: quoted only if it is not one word.
fn shown(name: &str) -> String {
    let word = significant(name).next();
    if word.is_some_and(|token| token.kind == TokenKind::Word && token.span == (0..name.len())) {
        name.to_owned()
    } else {
        identifier(name)
    }
}

/// How deep sqlparser may recurse. One level takes up to 90 KiB of stack in a debug build, and its default
/// of 50 ends the process on a thread of 2 MiB; real definitions need fewer than ten.
const DEPTH: usize = 10;

/// How many tokens sqlparser is given. Long chains of operators make deep trees, which recurse when they
/// are dropped.
const LENGTH: usize = 4000;

/// The statement as a tree, if sqlparser can read it whole.
fn parse(statement: &str) -> Option<Statement> {
    if significant(statement).nth(LENGTH).is_some() {
        return None;
    }
    let parser = Parser::new(&SQLiteDialect {}).with_recursion_limit(DEPTH);
    let mut parser = parser.try_with_sql(statement).ok()?;
    let tree = parser.parse_statement().ok()?;
    (parser.peek_token_ref().token == Token::EOF).then_some(tree)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(statement: &str, expect: &str) {
        assert_eq!(
            describe(statement).as_deref(),
            Some(expect),
            "{statement:?}"
        );
    }

    #[track_caller]
    fn check_all(statements: &[&str], expect: &str) {
        assert_eq!(
            describe_all(statements.iter().copied()),
            expect,
            "{statements:?}"
        );
    }

    #[test]
    fn what_is_created_is_named_and_a_tables_columns_counted() {
        check(
            "CREATE TABLE usage (id INTEGER PRIMARY KEY, n INT, CHECK (n > 0))",
            "creates table usage (2 columns)",
        );
        check(
            "create temp table if not exists main.[My T] (a)",
            "creates temporary table main.\"My T\" (1 column)",
        );
        check("CREATE TABLE t AS SELECT 1", "creates table t from a query");
        check(
            "CREATE UNIQUE INDEX i ON users (email)",
            "creates unique index i on users",
        );
        check(
            "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END",
            "creates trigger r on t",
        );
        check("CREATE VIEW v AS SELECT 1", "creates view v");
        check(
            "CREATE VIRTUAL TABLE f USING fts5(a, content='t')",
            "creates virtual table f",
        );
    }

    #[test]
    fn what_sqlparser_cannot_read_is_said_in_fewer_words() {
        check(
            "CREATE TABLE t (a INT) STRICT, WITHOUT ROWID",
            "creates table t",
        );
        check(
            "CREATE TRIGGER IF NOT EXISTS r DELETE ON t BEGIN SELECT NEW.a IS NOT OLD.a; END",
            "creates trigger r on t",
        );
        check("ALTER TABLE t ALTER COLUMN c TO c TEXT", "alters table t");
        check("CREATE TABLE t (nonsense", "creates table t");
    }

    #[test]
    fn a_drop_and_an_alteration_are_named() {
        check("DROP TABLE IF EXISTS x", "drops table x");
        check("DROP INDEX aux.i", "drops index aux.i");
        check(
            "ALTER TABLE users ADD COLUMN phone TEXT",
            "adds column phone to users",
        );
        check(
            "ALTER TABLE users ADD \"my phone\"",
            "adds column \"my phone\" to users",
        );
        check(
            "ALTER TABLE users DROP COLUMN phone",
            "drops column phone from users",
        );
        check(
            "ALTER TABLE users RENAME phone TO tel",
            "renames column phone of users to tel",
        );
        check("ALTER TABLE a RENAME TO b", "renames table a to b");
    }

    #[test]
    fn rows_are_counted_where_the_text_tells() {
        check(
            "INSERT INTO users VALUES (1, 'a'), (2, f(3))",
            "inserts 2 rows into users",
        );
        check(
            "INSERT INTO users AS u (id) VALUES (1) ON CONFLICT DO NOTHING",
            "inserts 1 row into users",
        );
        check("INSERT INTO t DEFAULT VALUES", "inserts 1 row into t");
        check(
            "REPLACE INTO t VALUES (1)",
            "inserts or replaces 1 row into t",
        );
        check(
            "INSERT OR REPLACE INTO t VALUES (1)",
            "inserts or replaces 1 row into t",
        );
        check(
            "INSERT OR IGNORE INTO t SELECT * FROM u",
            "inserts rows into t",
        );
        check(
            "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
            "inserts rows into t",
        );
    }

    #[test]
    fn a_change_of_every_row_is_told_from_a_change_of_some() {
        check(
            "UPDATE OR IGNORE users SET a = 1 WHERE id = 2",
            "updates users",
        );
        check(
            "UPDATE users SET a = (SELECT 1 WHERE 1)",
            "updates every row of users",
        );
        check("UPDATE users SET a = u.a FROM u", "updates users");
        check("DELETE FROM users WHERE 1", "deletes from users");
        check("DELETE FROM users", "deletes every row of users");
        check(
            "WITH a AS (SELECT 1 WHERE 1) DELETE FROM users",
            "deletes every row of users",
        );
    }

    #[test]
    fn everything_else_that_sqlite_knows_has_words_and_the_rest_has_none() {
        check(
            "PRAGMA foreign_keys = OFF",
            "sets pragma foreign_keys to OFF",
        );
        check("PRAGMA user_version", "reads pragma user_version");
        check("ROLLBACK TO s", "rolls back to savepoint s");
        check("COMMIT", "commits");
        for statement in [
            "",
            "GRANT a",
            "DROP",
            "DROP FUNCTION f",
            "CREATE x",
            "INSERT",
            "UPDATE",
            "ALTER TABLE",
            "WITH x",
        ] {
            assert_eq!(describe(statement), None, "{statement:?}");
        }
    }

    #[test]
    fn a_file_is_one_line_that_names_each_verb_once() {
        check_all(
            &[
                "CREATE TABLE usage (a, b)",
                "CREATE INDEX i ON usage (a)",
                "DROP TABLE x",
                "DROP VIEW v",
            ],
            "creates table usage (2 columns), index i on usage, drops table x, view v",
        );
        check_all(&[], "does nothing");
        check_all(&["GRANT a"], "1 statement");
        check_all(
            &["CREATE VIEW v AS SELECT 1", "GRANT a"],
            "creates view v and 1 more",
        );
    }

    #[test]
    fn rows_into_one_table_count_together_and_what_goes_too_far_is_counted() {
        check_all(
            &[
                "INSERT INTO t VALUES (1)",
                "INSERT INTO t VALUES (2), (3)",
                "INSERT INTO u VALUES (1)",
            ],
            "inserts 3 rows into t, 1 row into u",
        );
        check_all(
            &["INSERT INTO t VALUES (1)", "INSERT INTO t SELECT 1"],
            "inserts rows into t",
        );
        let views: Vec<_> = (0..17)
            .map(|n| format!("CREATE VIEW v{n} AS SELECT 1"))
            .collect();
        let expect = "creates view v0, view v1, view v2, view v3, view v4 and 12 more";
        assert_eq!(describe_all(views.iter().map(String::as_str)), expect);
        let rows = ["CREATE VIEW v AS SELECT 1"; 4]
            .into_iter()
            .chain(["INSERT INTO t VALUES (1)"; 100]);
        assert!(describe_all(rows).ends_with("view v, inserts 100 rows into t"));
    }

    #[test]
    fn nothing_makes_it_panic_or_run_out_of_stack() {
        let deep =
            |open: &str, count: usize| format!("CREATE TABLE t (a CHECK ({}", open.repeat(count));
        let opens = [
            "(",
            "f(",
            "CASE WHEN ",
            "NOT ",
            "- ",
            "1 + ",
            "1 || ",
            "EXISTS (SELECT ",
            "a IN (",
            "CAST(",
        ];
        for open in opens {
            for count in [9, 100, 3_000, 100_000] {
                describe(&deep(open, count));
                describe(&format!("{}1{}))", deep(open, count), ")".repeat(count)));
            }
        }
        describe(&"EXPLAIN ".repeat(100_000));
        describe(&"WITH a AS (".repeat(100_000));
        describe(&format!("CREATE TABLE t (a {}", "ARRAY<".repeat(100_000)));
        describe(&format!(
            "CREATE TABLE t AS {}",
            "SELECT 1 UNION ".repeat(100_000)
        ));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_described_or_not_but_never_panics(
            verb in "(CREATE (TABLE|INDEX|VIEW) |ALTER TABLE |DROP |INSERT INTO |UPDATE |DELETE |)",
            rest in "[ -~é\\x00\n]{0,40}",
        ) {
            describe(&format!("{verb}{rest}"));
            describe_all([rest.as_str(), &verb]);
        }
    }
}
