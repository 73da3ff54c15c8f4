//! Columns that a table got by `ALTER TABLE … ADD COLUMN`, by the texts of the table before and after. Pure: where it is not
//! sure that the statement can make the text, also in a table with rows, it finds nothing.

use crate::sql::{Token, parts, significant, unquote};

/// The definitions of the columns that the later text has behind those of the earlier one, where nothing else differs and
/// each can be added to a table with rows: <https://sqlite.org/lang_altertable.html#altertabaddcol>.
pub(super) fn added_columns(earlier: &str, later: &str) -> Option<Vec<String>> {
    let (before, after) = (Body::of(earlier)?, Body::of(later)?);
    let is_same = before
        .columns
        .iter()
        .zip(&after.columns)
        .all(|(a, b)| a == b)
        && before.constraints == after.constraints
        && before.options == after.options;
    let added = after.columns.get(before.columns.len()..)?;
    let is_addable = |column: &&Vec<String>| can_be_added(column);
    if !is_same || added.is_empty() || !added.iter().all(|it| is_addable(&it)) {
        return None;
    }
    Some(after.texts.get(before.columns.len()..)?.to_vec())
}

/// A `CREATE TABLE` behind its name, by tokens that are compared without letter case and quotes.
struct Body {
    columns: Vec<Vec<String>>,
    /// The columns as written.
    texts: Vec<String>,
    constraints: Vec<Vec<String>>,
    /// What follows the parenthesis.
    options: Vec<String>,
}

impl Body {
    fn of(sql: &str) -> Option<Body> {
        let tokens: Vec<Token> = significant(sql).collect();
        let open = tokens.iter().position(|it| it.text(sql) == "(")?;
        let parts = parts(sql, &tokens[open + 1..]);
        let last = parts.last()?.last()?;
        let close = tokens
            .iter()
            .position(|it| it.span.start == last.span.start)?;
        let words = |tokens: &[Token]| -> Vec<String> {
            let words = tokens.iter().map(|it| word(it.text(sql)));
            words.collect()
        };
        let is_constraint = |part: &&[Token]| {
            let first = part.first();
            first.is_some_and(|first| {
                ["CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"]
                    .iter()
                    .any(|word| first.is_word(sql, word))
            })
        };
        let columns = parts.iter().take_while(|part| !is_constraint(part));
        let columns: Vec<&[Token]> = columns.copied().collect();
        let text = |part: &&[Token]| {
            let (first, last) = (part.first()?, part.last()?);
            Some(sql.get(first.span.start..last.span.end)?.to_owned())
        };
        Some(Body {
            texts: columns.iter().filter_map(text).collect(),
            constraints: parts[columns.len()..].iter().map(|it| words(it)).collect(),
            columns: columns.iter().map(|it| words(it)).collect(),
            options: words(tokens.get(close + 2..).unwrap_or_default()),
        })
    }
}

/// A token for comparing. Text keeps its letter case.
fn word(token: &str) -> String {
    match token.starts_with('\'') {
        true => token.to_owned(),
        false => unquote(token).to_ascii_lowercase(),
    }
}

/// Whether a column can be added to a table with rows.
fn can_be_added(column: &[String]) -> bool {
    let at = |word: &str| column.iter().skip(1).position(|it| it == word);
    let has = |word: &str| at(word).is_some();
    let default = at("default").and_then(|at| column.get(at + 2));
    let is_constant = default.is_none_or(|it| it != "(" && !it.starts_with("current_"));
    let is_null = default.is_none_or(|it| it == "null");
    let is_refused = ["primary", "unique", "as", "check"]
        .iter()
        .any(|it| has(it))
        || has("not") && is_null
        || has("references") && !is_null;
    is_constant && !is_refused
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_behind_the_last_one_can_be_added() {
        for (earlier, later, expect) in [
            (
                "CREATE TABLE t (a)",
                "CREATE TABLE \"t\" (a, b TEXT NOT NULL DEFAULT '')",
                "b TEXT NOT NULL DEFAULT ''",
            ),
            (
                "CREATE TABLE t (a, PRIMARY KEY (a)) STRICT",
                "CREATE TABLE t (A, b INT, \"c d\" REFERENCES u (x), PRIMARY KEY (a)) strict",
                "b INT; \"c d\" REFERENCES u (x)",
            ),
        ] {
            let added = added_columns(earlier, later).map(|it| it.join("; "));
            assert_eq!(added.as_deref(), Some(expect), "{later}");
        }
        for (earlier, later) in [
            ("CREATE TABLE t (a)", "CREATE TABLE t (a)"),
            ("CREATE TABLE t (a)", "CREATE TABLE t (b, a)"),
            ("CREATE TABLE t (a)", "CREATE TABLE t (a INT, b)"),
            ("CREATE TABLE t (a)", "CREATE TABLE t (a, b) STRICT"),
            ("CREATE TABLE t (a)", "CREATE TABLE t (a, b, CHECK (b > 0))"),
            ("CREATE TABLE t (a)", "CREATE TABLE t (a, b UNIQUE)"),
            ("CREATE TABLE t (a)", "CREATE TABLE t (a, b NOT NULL)"),
            (
                "CREATE TABLE t (a)",
                "CREATE TABLE t (a, b DEFAULT (1 + 1))",
            ),
            (
                "CREATE TABLE t (a)",
                "CREATE TABLE t (a, b DEFAULT CURRENT_TIME)",
            ),
            ("CREATE TABLE t (a)", "CREATE TABLE t (a, b AS (a))"),
            (
                "CREATE TABLE t (a DEFAULT 'x')",
                "CREATE TABLE t (a DEFAULT 'X', b)",
            ),
        ] {
            assert_eq!(added_columns(earlier, later), None, "{later}");
        }
    }
}
