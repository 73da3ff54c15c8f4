//! Rows that a new version inserts under keys that it names, into a table that a database has already: one of them may be
//! taken there. Whether it is depends on the rows, and most such keys are free, so it is a note.

use super::Part;
use super::existing::{Existing, made};
use crate::db::DbError;
use crate::diagnostic::{Diagnostic, Severity};
use crate::migrations::directive::DEPENDS_ON_ROWS;
use crate::sql::{Kind, kind, significant, targets};

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
            if !is_new && !is_changed && !self.is_filled_by_files(&table) {
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
