//! Whether the rows of a table are the same ones behind a unit: whether the text of the unit leaves their keys as they are.
//! Pure; what triggers write is not known.

use crate::script::Unit;
use crate::sql::{Kind, ROWID, Token, kind, significant, targets, unquote};

/// How the rows of a table before a unit are found again behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Keeping {
    /// By their keys: no statement inserts rows or writes a key.
    Kept,
    /// By their keys, and there may be new rows.
    Grown,
    /// Not by their keys: the table is made again or emptied, or its keys are written.
    Replaced,
}

impl Keeping {
    pub(super) fn word(self) -> &'static str {
        match self {
            Keeping::Kept => "kept",
            Keeping::Grown => "grown",
            Keeping::Replaced => "replaced",
        }
    }
}

/// How the rows of a table are found again that has these names and these columns as its key in the unit.
pub(super) fn keeping(unit: &Unit, names: &[String], key: &[String]) -> Keeping {
    let statements = unit.steps.iter().map(|step| &*step.sql);
    let all = statements.filter(|sql| is_about(sql, names));
    all.map(|sql| keeps(sql, key))
        .max()
        .unwrap_or(Keeping::Kept)
}

/// A key with the names by which a statement writes the rowid: <https://sqlite.org/lang_createtable.html#rowid>.
pub(super) fn with_rowid(mut key: Vec<String>) -> Vec<String> {
    key.extend(ROWID.map(str::to_owned));
    key
}

/// Whether a unit writes one of these columns of a table with these names.
pub(super) fn writes(unit: &Unit, names: &[String], columns: &[String]) -> bool {
    let mut statements = unit.steps.iter().map(|step| &*step.sql);
    statements.any(|sql| is_about(sql, names) && assigns(sql, columns))
}

/// Whether `SET` of a statement names one of these columns.
pub(super) fn assigns(sql: &str, columns: &[String]) -> bool {
    let tokens: Vec<Token> = significant(sql).collect();
    is_assigned(sql, &tokens, columns)
}

/// Whether a statement writes rows of a table with one of these names.
fn is_about(sql: &str, names: &[String]) -> bool {
    let is_it = |name: &str| names.iter().any(|it| it.eq_ignore_ascii_case(name));
    !matches!(
        kind(sql),
        Kind::Create(_) | Kind::Drop(_) | Kind::Alter | Kind::Pragma(_)
    ) && targets(sql).first().is_some_and(|it| is_it(&it.name))
}

/// The same of one statement that writes rows of the table.
pub(super) fn keeps(sql: &str, key: &[String]) -> Keeping {
    let tokens: Vec<Token> = significant(sql).collect();
    let outside = outside(sql, &tokens);
    let is = |at: usize, word: &str| {
        let token = outside.get(at).and_then(|at| tokens.get(*at));
        token.is_some_and(|token| token.is_word(sql, word))
    };
    let verbs = ["INSERT", "REPLACE", "UPDATE", "DELETE"];
    let verb = (0..outside.len()).find(|at| verbs.iter().any(|verb| is(*at, verb)));
    let Some(verb) = verb else {
        return Keeping::Kept;
    };
    let has = |word: &str| (verb..outside.len()).any(|at| is(at, word));
    let replaces = is(verb, "REPLACE")
        || is(verb, "INSERT") && is(verb + 1, "OR") && is(verb + 2, "REPLACE")
        || is(verb, "DELETE") && !has("WHERE")
        || is_assigned(sql, &tokens, key);
    match (replaces, is(verb, "INSERT")) {
        (true, _) => Keeping::Replaced,
        (false, true) => Keeping::Grown,
        (false, false) => Keeping::Kept,
    }
}

/// The tokens outside of parentheses, and the parentheses.
fn outside(sql: &str, tokens: &[Token]) -> Vec<usize> {
    let mut depth = 0_usize;
    let mut outside = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token.text(sql) {
            "(" => {
                if depth == 0 {
                    outside.push(at);
                }
                depth += 1;
            }
            ")" => depth = depth.saturating_sub(1),
            _ if depth == 0 => outside.push(at),
            _ => {}
        }
    }
    outside
}

/// Whether `SET` of an `UPDATE` or an upsert names one of these columns: `SET a = …, (b, c) = …`.
fn is_assigned(sql: &str, tokens: &[Token], columns: &[String]) -> bool {
    let is_one = |at: usize| {
        let name = tokens.get(at).map(|it| unquote(it.text(sql)));
        name.is_some_and(|name| columns.iter().any(|it| it.eq_ignore_ascii_case(&name)))
    };
    let outside = outside(sql, tokens);
    let mut begins = false;
    let mut is_in_set = false;
    for at in outside {
        let token = &tokens[at];
        let text = token.text(sql);
        if token.is_word(sql, "SET") {
            (is_in_set, begins) = (true, true);
            continue;
        }
        let ends = ["FROM", "WHERE", "RETURNING", "ORDER", "LIMIT"];
        if ends.iter().any(|word| token.is_word(sql, word)) {
            is_in_set = false;
        }
        if is_in_set && begins {
            let listed = match text {
                "(" => tokens[at..].iter().position(|it| it.text(sql) == ")"),
                _ => None,
            };
            if (at..=at + listed.unwrap_or(0)).any(is_one) {
                return true;
            }
        }
        begins = text == ",";
    }
    false
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::script::{Key, Record, Step};

    fn unit(sql: &str) -> Unit {
        Unit {
            record: Record::Delete(Key::Migration(1)),
            steps: Arc::new(vec![Step::own(sql, vec![])]),
        }
    }

    #[test]
    fn a_statement_that_writes_keys_or_all_rows_keeps_no_row() {
        let names = ["c".to_owned(), "cc".to_owned()];
        let key = ["id".to_owned(), "rowid".to_owned()];
        for (sql, expected) in [
            ("UPDATE c SET pid = id * 10", Keeping::Kept),
            ("UPDATE c SET pid = 1 WHERE id = 2", Keeping::Kept),
            ("DELETE FROM c WHERE id = 2", Keeping::Kept),
            ("SELECT * FROM c", Keeping::Kept),
            ("INSERT INTO c SELECT id + 1, 2 FROM d", Keeping::Grown),
            (
                "INSERT INTO c (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET pid = excluded.id",
                Keeping::Grown,
            ),
            (
                "INSERT INTO c (id) VALUES (1) ON CONFLICT DO UPDATE SET pid = 1, id = 2",
                Keeping::Replaced,
            ),
            ("INSERT OR REPLACE INTO c VALUES (1, 2)", Keeping::Replaced),
            ("REPLACE INTO main.\"C\" VALUES (1, 2)", Keeping::Replaced),
            ("UPDATE cc SET pid = 1, ID = id + 1", Keeping::Replaced),
            (
                "UPDATE OR IGNORE c SET (pid, \"id\") = (1, 2)",
                Keeping::Replaced,
            ),
            (
                "WITH x AS (SELECT 1 WHERE 1) UPDATE c SET rowid = rowid + 10 FROM x WHERE 1",
                Keeping::Replaced,
            ),
            ("DELETE FROM c", Keeping::Replaced),
            (
                "DELETE FROM c RETURNING (SELECT 1 WHERE 1)",
                Keeping::Replaced,
            ),
            (
                "WITH x AS (SELECT 1 WHERE 1) DELETE FROM c",
                Keeping::Replaced,
            ),
            ("DELETE FROM other", Keeping::Kept),
        ] {
            assert_eq!(keeping(&unit(sql), &names, &key), expected, "{sql}");
        }
        assert!(writes(&unit("UPDATE c SET id = 1"), &names, &key));
        assert!(!writes(&unit("UPDATE c SET a = id"), &names, &key));
        assert!(!writes(
            &unit("INSERT INTO c (id) VALUES (1)"),
            &names,
            &key
        ));
    }
}
