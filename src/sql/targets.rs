//! Which objects a statement writes to, by its tokens: also those behind `WITH` and in the body of a trigger. What a
//! statement reads is not listed.

use std::ops::Range;

use super::quote::unquote;
use super::token::{Token, TokenKind, significant};

/// An object that a statement creates, changes or removes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name, unquoted and without its schema.
    pub name: String,
    /// The name as written, in bytes of the statement.
    pub span: Range<usize>,
}

/// The objects that a statement writes to, in the order of the text: what `INSERT`, `UPDATE` and `DELETE` name, also in
/// a trigger; what `CREATE`, `ALTER` and `DROP` name; the new name behind `RENAME TO`; the table of an index or trigger.
pub fn targets(statement: &str) -> Vec<Target> {
    let tokens: Vec<Token> = significant(statement).collect();
    let is = |at: usize, word: &str| {
        let token = tokens.get(at);
        token.is_some_and(|token| token.is_word(statement, word))
    };
    if is(0, "EXPLAIN") {
        return Vec::new();
    }
    let mut found = Vec::new();
    let mut on_is_a_target = false;
    for at in 0..tokens.len() {
        let name = if is(at, "INTO") || (is(at, "RENAME") && is(at + 1, "TO")) {
            at + if is(at, "INTO") { 1 } else { 2 }
        } else if is(at, "UPDATE") {
            // UPDATE OR IGNORE …
            at + if is(at + 1, "OR") { 3 } else { 1 }
        } else if is(at, "DELETE") && is(at + 1, "FROM") {
            at + 2
        } else if is(at, "ON") && on_is_a_target {
            // Behind the first one, `ON` belongs to a join or an upsert.
            on_is_a_target = false;
            at + 1
        } else if is_defined(at, &is) {
            on_is_a_target = is(0, "CREATE") && (is(at, "INDEX") || is(at, "TRIGGER"));
            at + 1 + length_of_if(at + 1, &is)
        } else {
            continue;
        };
        found.extend(name_at(statement, &tokens, name));
    }
    found
}

/// Whether the word at `at` is the `TABLE`, `INDEX`, `VIEW` or `TRIGGER` of a `CREATE`, `ALTER` or `DROP`.
fn is_defined(at: usize, is: &impl Fn(usize, &str) -> bool) -> bool {
    let sort = ["TABLE", "INDEX", "VIEW", "TRIGGER"];
    let verb = ["CREATE", "ALTER", "DROP"];
    let between = ["TEMP", "TEMPORARY", "UNIQUE", "VIRTUAL"];
    sort.iter().any(|word| is(at, word))
        && verb.iter().any(|word| is(0, word))
        && (1..at).all(|at| between.iter().any(|word| is(at, word)))
}

/// How many words `IF EXISTS` or `IF NOT EXISTS` are; a table may be called `if`.
fn length_of_if(at: usize, is: &impl Fn(usize, &str) -> bool) -> usize {
    match (is(at, "IF"), is(at + 1, "EXISTS"), is(at + 1, "NOT")) {
        (true, true, _) => 2,
        (true, _, true) => 3,
        _ => 0,
    }
}

/// `name` or `schema.name`. SQLite takes a string for a name too.
fn name_at(statement: &str, tokens: &[Token], at: usize) -> Option<Target> {
    let is_name = |token: &&Token| {
        use TokenKind::{QuotedName, String, Word};
        matches!(token.kind, Word | QuotedName | String)
    };
    let first = tokens.get(at).filter(is_name)?;
    let behind_dot = match tokens.get(at + 1) {
        Some(dot) if dot.text(statement) == "." => tokens.get(at + 2).filter(is_name),
        _ => None,
    };
    let name = behind_dot.unwrap_or(first);
    Some(Target {
        name: unquote(name.text(statement)),
        span: name.span.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(statement: &str) -> Vec<String> {
        let name = |target: Target| target.name;
        targets(statement).into_iter().map(name).collect()
    }

    #[test]
    fn every_object_that_a_statement_writes_to_is_found() {
        for (statement, expect) in [
            ("INSERT INTO t VALUES (1)", vec!["t"]),
            ("INSERT OR IGNORE INTO main.t SELECT * FROM u", vec!["t"]),
            ("REPLACE INTO \"t\" VALUES (1)", vec!["t"]),
            ("UPDATE OR IGNORE [main].[t] SET a = 1", vec!["t"]),
            ("UPDATE t SET a = 1 FROM u WHERE u.b", vec!["t"]),
            ("DELETE FROM 't'", vec!["t"]),
            ("/* a */ delete /* b */ from `t`", vec!["t"]),
            ("WITH u AS (SELECT 1) DELETE FROM t", vec!["t"]),
            ("CREATE TABLE IF NOT EXISTS t (a)", vec!["t"]),
            ("CREATE TABLE if (a)", vec!["if"]),
            ("CREATE VIRTUAL TABLE t USING fts5(a)", vec!["t"]),
            ("CREATE TEMP VIEW temp.v AS SELECT * FROM t", vec!["v"]),
            ("CREATE UNIQUE INDEX i ON t (a)", vec!["i", "t"]),
            ("DROP TABLE IF EXISTS \"main\".t", vec!["t"]),
            ("DROP INDEX i", vec!["i"]),
            ("ALTER TABLE t ADD COLUMN a", vec!["t"]),
            ("ALTER TABLE t RENAME TO u", vec!["t", "u"]),
            ("ALTER TABLE t RENAME COLUMN a TO b", vec!["t"]),
            (
                "CREATE TRIGGER r AFTER UPDATE OF a ON main.t BEGIN INSERT INTO u VALUES (1); UPDATE v SET a = 1; \
                 DELETE FROM w; SELECT * FROM x JOIN y ON y.a = x.a; END",
                vec!["r", "t", "u", "v", "w"],
            ),
        ] {
            let mut found = written(statement);
            // `UPDATE OF` and `DO UPDATE SET` name no table, and are never one of a reserved name.
            found.retain(|name| !["OF", "ON", "SET"].contains(&name.as_str()));
            assert_eq!(found, expect, "{statement}");
        }
    }

    #[test]
    fn what_a_statement_reads_is_no_target() {
        for statement in [
            "SELECT * FROM t",
            "WITH u AS (SELECT * FROM t) SELECT * FROM u JOIN t ON t.a = u.a",
            "VALUES ('DELETE FROM t')",
            "EXPLAIN DELETE FROM t",
            "SELECT 1 -- DELETE FROM t",
            "VACUUM",
        ] {
            assert_eq!(written(statement), [""; 0], "{statement}");
        }
    }
}
