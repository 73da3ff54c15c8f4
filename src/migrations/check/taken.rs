//! Rows that a new version inserts under keys that it names, into a table that a database has already: one of them may be
//! taken there. Whether it is depends on the rows, and most such keys are free, so it is a note.

use super::Part;
use super::existing::{Existing, made};
use crate::db::DbError;
use crate::diagnostic::{Diagnostic, Severity};
use crate::migrations::directive::DEPENDS_ON_ROWS;
use crate::sql::{Kind, Token, TokenKind, kind, parts, significant, targets, unquote};

impl Existing<'_> {
    /// The first statement of a version that ran, and that fails where its row is there already. A table into which
    /// published versions insert has only their rows.
    pub(super) async fn taken_key(&self, part: &Part<'_>) -> Result<Option<Diagnostic>, DbError> {
        let made: Vec<String> = made(part).map(|(_, name)| name).collect();
        let is_made = |table: &str| made.iter().any(|it| it.eq_ignore_ascii_case(table));
        // A file that changes or deletes rows of a table may make room for its own.
        let mut changed: Vec<String> = Vec::new();
        let mut inserts = Vec::new();
        for step in part.up.steps() {
            if matches!(kind(&step.sql), Kind::Update | Kind::Delete) {
                changed.extend(targets(&step.sql).into_iter().map(|it| it.name));
            }
            let Some(table) = inserts_values(&step.sql) else {
                continue;
            };
            let is_new = self.fill.is_late(&table) || is_made(&table);
            let is_changed = changed.iter().any(|it| it.eq_ignore_ascii_case(&table));
            let is_filled = self.is_filled_by_files(&table) || self.is_filled_before(part, &table);
            if !is_new && !is_changed && !is_filled {
                inserts.push((step, table));
            }
        }
        if inserts.is_empty() {
            return Ok(None);
        }
        let copy = self.rehearsal.fork().await?;
        for (step, table) in inserts {
            let message = match copy.execute([step.sql.to_string()]).await {
                Err(DbError::Read(error)) => error.message,
                Ok(()) => continue,
                Err(error) => return Err(error),
            };
            let Some((_, columns)) = message.split_once("UNIQUE constraint failed: ") else {
                continue;
            };
            if !are_literals(&step.sql, columns) {
                continue;
            }
            let problem = Diagnostic::problem(
                DEPENDS_ON_ROWS,
                format!(
                    "this fails on a database whose {table} has such a row: {columns} is unique"
                ),
            );
            let problem = Diagnostic {
                severity: Severity::Note,
                ..problem
            };
            let problem = problem.about(part.key()).help(
                "`ON CONFLICT DO NOTHING` behind the values keeps the row that is there; or leave the key to the database",
            );
            return Ok(Some(match step.origin() {
                Some(origin) => problem.at(origin),
                None => problem.in_file(part.up.file()),
            }));
        }
        Ok(None)
    }

    /// Whether a new version before this one inserts into this table: that one is reported, or the table has only rows of
    /// files.
    fn is_filled_before(&self, part: &Part<'_>, table: &str) -> bool {
        let before = self.published.new.iter();
        let before = before.take_while(|it| it.key() != part.key());
        let mut steps = before.flat_map(|it| it.up.steps());
        steps.any(|step| {
            let into = inserts_values(&step.sql);
            into.is_some_and(|into| into.eq_ignore_ascii_case(table))
        })
    }

    /// Whether a published version inserts into this table.
    fn is_filled_by_files(&self, table: &str) -> bool {
        let tables = self.filled_by_files.get_or_init(|| {
            let steps = self.published.versions().flat_map(|part| part.up.steps());
            let inserts = steps.filter(|step| kind(&step.sql) == Kind::Insert);
            let tables = inserts.flat_map(|step| targets(&step.sql));
            tables.map(|it| it.name.to_ascii_lowercase()).collect()
        });
        tables.contains(&table.to_ascii_lowercase())
    }
}

/// Whether the first row of an `INSERT` has a literal for each of these columns, `t.a, t.b`: another value may be a new one in
/// each run, such as a time. Without a list of columns that is not looked at.
fn are_literals(statement: &str, columns: &str) -> bool {
    let tokens: Vec<Token> = significant(statement).collect();
    let list = |from: usize| {
        let open = tokens[from..]
            .iter()
            .position(|it| it.text(statement) == "(")?;
        Some((open + from, parts(statement, &tokens[open + from + 1..])))
    };
    let values = tokens.iter().position(|it| it.is_word(statement, "VALUES"));
    let (Some(at), Some((first, names))) = (values, list(0)) else {
        return false;
    };
    if first > at {
        return true;
    }
    let Some((_, row)) = list(at) else {
        return false;
    };
    let is_literal = |column: &str| {
        let name = column.rsplit('.').next().unwrap_or_default().trim();
        let place = names.iter().position(|it| match it {
            [one] => unquote(one.text(statement)).eq_ignore_ascii_case(name),
            _ => false,
        });
        let value = place.and_then(|place| row.get(place));
        value.is_some_and(|value| {
            let mut tokens = value
                .iter()
                .filter(|it| !matches!(it.text(statement), "-" | "+"));
            tokens.all(|it| it.kind != TokenKind::Word && it.kind != TokenKind::Symbol)
        })
    };
    columns.split(',').all(is_literal)
}

/// The table into which a statement inserts values that it names, unless it says what to do about a row that is there.
fn inserts_values(statement: &str) -> Option<String> {
    if kind(statement) != Kind::Insert {
        return None;
    }
    let has = |word: &str| significant(statement).any(|token| token.is_word(statement, word));
    let is_plain = has("VALUES")
        && !["SELECT", "CONFLICT", "OR", "REPLACE"]
            .iter()
            .any(|it| has(it));
    let table = targets(statement).into_iter().next()?;
    is_plain.then_some(table.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_literal_where_each_of_its_columns_has_one() {
        for (statement, columns, expect) in [
            ("INSERT INTO t (a, b) VALUES (1, 'x')", "t.a", true),
            (
                "INSERT INTO t (a, \"B\") VALUES (-1, X'00')",
                "t.a, t.b",
                true,
            ),
            ("INSERT INTO t VALUES (1)", "t.a", true),
            (
                "INSERT INTO t (a, b) VALUES (1, CURRENT_TIMESTAMP)",
                "t.a",
                true,
            ),
            (
                "INSERT INTO t (a, b) VALUES (1, CURRENT_TIMESTAMP)",
                "t.b",
                false,
            ),
            (
                "INSERT INTO t (a, b) VALUES (datetime('now'), 1)",
                "t.a, t.b",
                false,
            ),
            ("INSERT INTO t (a) VALUES ('x'), (2)", "t.id", false),
        ] {
            assert_eq!(
                are_literals(statement, columns),
                expect,
                "{statement} {columns}"
            );
        }
    }
}
