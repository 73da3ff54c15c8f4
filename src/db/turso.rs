//! The Turso engine, the rewrite of SQLite in Rust: what it does not take, and the tables that it keeps for itself.
//! Pure. Measured with version 0.8.3.

use crate::sql::{Kind, Token, What, identifier, renamed_table, significant};

/// How the names begin that the engine reserves: sequences of `AUTOINCREMENT`, types, metadata of its transactions.
const RESERVED: &str = "__turso_internal_";

/// The engine's other tables: captured changes, and the state of its sync. Applications may use all other names.
const OWN: &[&str] = &[
    "turso_cdc",
    "turso_cdc_version",
    "turso_sync_last_change_id",
];

/// Whether the engine keeps a table of this name for itself. In a database of another engine such a table is an ordinary
/// one.
pub(super) fn keeps(table: &str) -> bool {
    let table = table.to_ascii_lowercase();
    table.starts_with(RESERVED) || OWN.contains(&table.as_str())
}

/// Adds to the engine's words why a query of pragmas about all tables fails: they name a piece of a table's name.
#[cfg(feature = "remote")]
pub(super) fn name_the_cause(sql: &str, error: &mut super::EngineError) {
    let words = ["syntax error", "non-terminated literal"];
    let is_syntax = words.iter().any(|words| error.message.contains(words));
    if is_syntax && sql.contains("pragma_") {
        error.message += ". The Turso engine fails at pragmas about a table, an index or a view whose name has a quotation \
                          mark: rename it";
    }
}

/// Pragmas that the engine accepts and does not act on.
const WITHOUT_EFFECT: &[&str] = &["legacy_alter_table", "writable_schema"];

/// Modules of virtual tables that SQLite and libSQL have.
const MODULES: &[&str] = &["fts3", "fts4", "fts5", "geopoly", "rtree", "rtree_i32"];

/// Why the engine cannot take a statement, or `None` where it can try.
pub(super) fn refusal(statement: &str, kind: &Kind) -> Option<String> {
    if let Some(what) = name_refusal(statement, kind) {
        return Some(format!("the Turso engine does not take {what}"));
    }
    let what = match kind {
        Kind::Vacuum => "VACUUM".to_owned(),
        Kind::Attach => "ATTACH".to_owned(),
        Kind::Pragma(pragma)
            if pragma.value.is_some() && WITHOUT_EFFECT.contains(&pragma.name.as_str()) =>
        {
            return Some(format!(
                "the Turso engine accepts PRAGMA {} and does not act on it",
                pragma.name
            ));
        }
        Kind::Create(object) => match object.what {
            What::Table => table_refusal(statement)?.to_owned(),
            What::VirtualTable => module(statement)?,
            What::Trigger if has_words(statement, &["INSTEAD", "OF"]) => {
                "INSTEAD OF triggers".to_owned()
            }
            _ => ordered_aggregate(statement)?,
        },
        Kind::Alter if is_alter_column(statement) => "ALTER TABLE … ALTER COLUMN".to_owned(),
        Kind::Alter if is_generated(statement) => "generated columns".to_owned(),
        Kind::Insert | Kind::Update | Kind::Delete | Kind::Select => ordered_aggregate(statement)?,
        _ => return None,
    };
    Some(format!("the Turso engine does not take {what}"))
}

/// What is wrong with the name that a statement gives to a table, an index or a view. Pragmas about a name with a quotation
/// mark fail, and with them every look at the whole schema.
fn name_refusal(statement: &str, kind: &Kind) -> Option<String> {
    let name = match kind {
        Kind::Create(object) if object.what != What::Trigger => object.name.clone(),
        Kind::Alter => renamed_table(statement)?.1,
        _ => return None,
    };
    match &name {
        name if keeps(name) => Some(format!(
            "the name {name}: the engine keeps it for a table of its own"
        )),
        name if name.contains('"') => Some(format!(
            "the name {}: its pragmas fail at a name with a quotation mark",
            identifier(name)
        )),
        _ => None,
    }
}

fn table_refusal(statement: &str) -> Option<&'static str> {
    if has_words(statement, &["WITHOUT", "ROWID"]) {
        return Some("WITHOUT ROWID tables");
    }
    is_generated(statement).then_some("generated columns")
}

fn words(statement: &str) -> Vec<Token> {
    significant(statement).collect()
}

fn has_words(statement: &str, wanted: &[&str]) -> bool {
    words(statement).windows(wanted.len()).any(|these| {
        let mut pairs = these.iter().zip(wanted);
        pairs.all(|(token, word)| token.is_word(statement, word))
    })
}

/// `GENERATED ALWAYS AS (…)`, or `AS (…)` behind a column. A table from a query has `AS SELECT` or `AS WITH`, and a cast
/// has its `AS` before a type.
fn is_generated(statement: &str) -> bool {
    has_words(statement, &["GENERATED", "ALWAYS"])
        || words(statement)
            .windows(2)
            .any(|two| two[0].is_word(statement, "AS") && two[1].text(statement) == "(")
            && !words(statement)
                .iter()
                .any(|it| it.is_word(statement, "SELECT") || it.is_word(statement, "VALUES"))
}

/// libSQL's `ALTER TABLE t ALTER COLUMN c TO …`: <https://github.com/tursodatabase/libsql/blob/main/libsql-sqlite3/doc/libsql_extensions.md>.
fn is_alter_column(statement: &str) -> bool {
    let words = words(statement);
    // The name of the table may have a schema before it.
    [3, 5].iter().any(|at| {
        let is =
            |at: usize, word: &str| words.get(at).is_some_and(|it| it.is_word(statement, word));
        is(*at, "ALTER") && !(*at == 5 && words[3].text(statement) != ".")
    })
}

/// The module of a virtual table that the engine does not have.
fn module(statement: &str) -> Option<String> {
    let words = words(statement);
    let using = words
        .iter()
        .position(|token| token.is_word(statement, "USING"))?;
    let module = words.get(using + 1)?.text(statement).to_ascii_lowercase();
    MODULES
        .contains(&module.as_str())
        .then(|| format!("virtual tables of the module {module}"))
}

/// An aggregate whose arguments have an order of their own: <https://sqlite.org/lang_aggfunc.html#aggorderby>.
fn ordered_aggregate(statement: &str) -> Option<String> {
    const AGGREGATES: &[&str] = &[
        "avg",
        "count",
        "group_concat",
        "json_group_array",
        "json_group_object",
        "jsonb_group_array",
        "jsonb_group_object",
        "max",
        "min",
        "string_agg",
        "sum",
        "total",
    ];
    // For each open parenthesis the aggregate that it belongs to.
    let mut open: Vec<Option<&str>> = Vec::new();
    let words = words(statement);
    for (number, token) in words.iter().enumerate() {
        match token.text(statement) {
            "(" => open.push(number.checked_sub(1).and_then(|before| {
                let before = words[before].text(statement);
                AGGREGATES
                    .iter()
                    .find(|it| before.eq_ignore_ascii_case(it))
                    .copied()
            })),
            ")" => {
                open.pop();
            }
            _ if token.is_word(statement, "ORDER") => {
                if let Some(Some(aggregate)) = open.last() {
                    return Some(format!("ORDER BY among the arguments of {aggregate}()"));
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use crate::db::Engine;

    #[cfg(feature = "remote")]
    #[test]
    fn a_query_of_pragmas_that_fails_at_a_name_tells_the_cause() {
        let told = |sql: &str, words: &str| {
            let code = crate::db::Code::Other(1);
            let mut error = crate::db::EngineError::new(code, words);
            super::name_the_cause(sql, &mut error);
            error.message.contains("quotation mark: rename it")
        };
        let pragmas = "SELECT c.name FROM sqlite_schema t, pragma_table_info(t.name) c";
        assert!(told(pragmas, "near \"b\": syntax error"));
        assert!(told(pragmas, "non-terminated literal '\"\"' at offset 18"));
        assert!(!told(pragmas, "no such table: pragma_x"));
        assert!(!told("SELEC 1", "near \"SELEC\": syntax error"));
    }

    #[test]
    fn what_the_engine_does_not_take_is_refused() {
        for (statement, refused) in [
            ("CREATE TABLE t (a PRIMARY KEY) WITHOUT ROWID", true),
            ("CREATE TABLE t (a, b AS (a + 1))", true),
            (
                "CREATE TABLE t (a, b INT GENERATED ALWAYS AS (a) STORED)",
                true,
            ),
            ("CREATE TABLE t AS SELECT 1 AS (a)", false),
            ("CREATE TABLE t AS SELECT CAST(a AS INT) FROM u", false),
            (
                "CREATE TABLE t (a CHECK (CAST(a AS INT) > 0), b DEFAULT (1))",
                false,
            ),
            (
                "CREATE TABLE t (a TEXT DEFAULT 'WITHOUT ROWID') -- WITHOUT ROWID",
                false,
            ),
            ("ALTER TABLE t ADD COLUMN c AS (a)", true),
            ("ALTER TABLE t ADD COLUMN c", false),
            ("ALTER TABLE t ALTER COLUMN c TO c INT", true),
            ("ALTER TABLE main.t ALTER COLUMN c TO c INT", true),
            ("ALTER TABLE alter_ RENAME TO b", false),
            ("CREATE VIRTUAL TABLE f USING fts5(a)", true),
            ("CREATE VIRTUAL TABLE f USING series(a)", false),
            (
                "CREATE TRIGGER r INSTEAD OF INSERT ON v BEGIN SELECT 1; END",
                true,
            ),
            (
                "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END",
                false,
            ),
            ("SELECT group_concat(a, ',' ORDER BY a) FROM t", true),
            (
                "CREATE VIEW v AS SELECT json_group_array(a ORDER BY b) FROM t",
                true,
            ),
            (
                "SELECT group_concat(a) FROM (SELECT a FROM t ORDER BY a)",
                false,
            ),
            ("SELECT sum(a) OVER (ORDER BY b) FROM t", false),
            ("SELECT max((SELECT a FROM t ORDER BY a)) FROM t", false),
            ("VACUUM", true),
            ("ATTACH 'x' AS y", true),
            ("PRAGMA writable_schema = 1", true),
            ("PRAGMA legacy_alter_table = ON", true),
            ("PRAGMA legacy_alter_table", false),
            ("PRAGMA user_version = 3", false),
            ("CREATE TABLE \"a\"\"b\" (x)", true),
            ("CREATE TABLE IF NOT EXISTS main.[a\"b] (x)", true),
            ("CREATE VIEW `a\"b` AS SELECT 1", true),
            ("CREATE INDEX \"a\"\"b\" ON t (x)", true),
            (
                "CREATE TRIGGER \"a\"\"b\" AFTER INSERT ON t BEGIN SELECT 1; END",
                false,
            ),
            ("ALTER TABLE t RENAME TO \"a\"\"b\"", true),
            ("ALTER TABLE \"a\"\"b\" RENAME TO t", false),
            ("ALTER TABLE t RENAME COLUMN x TO \"a\"\"b\"", false),
            ("CREATE TABLE \"it's\" (\"a\"\"b\")", false),
            ("CREATE TABLE turso_cdc (x)", true),
            ("CREATE TABLE Turso_Sync_Last_Change_Id (x)", true),
            ("ALTER TABLE t RENAME TO turso_cdc_version", true),
            ("CREATE TABLE __turso_internal_x (x)", true),
            ("CREATE TABLE turso_cdc_notes (x)", false),
            ("CREATE TABLE turso_sync_log (x)", false),
        ] {
            let said = Engine::Turso.refusal(statement);
            assert_eq!(said.is_some(), refused, "{statement}: {said:?}");
        }
    }
}
