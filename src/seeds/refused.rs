//! Which rows of a script the engine refuses: a script fails at the first of them, so it runs again without that one.

use std::sync::Arc;

use crate::db::{Code, Db, DbError, EngineError, Failure};
use crate::diagnostic::Diagnostic;
use crate::history::{self, Failed, Part, RunError};
use crate::script::{Origin, Run, Script};
use crate::sql::{ValueRef, literal};

/// What explains the failure of a step that gives a row another value for a while, so that rows can exchange theirs.
pub(super) const EXCHANGE: &str = "exchange";

/// What to do about an exchange that the engine refuses.
pub(crate) const EXCHANGE_HELP: &str = "exchange them in two runs: give one of the rows a value that no other row has, then \
     the declared one; where there is no such value, let the rows exchange their other values";

/// What explains the failure of a row of many that stand at one place of a file: the word, and the label of the row.
const ROW: &str = "row";

/// The query that names a row of many where its step fails.
pub(super) fn names_row(label: &str) -> Arc<String> {
    Arc::new(format!(
        "SELECT '{ROW}', {}",
        literal(ValueRef::Text(label.as_bytes()))
    ))
}

/// The label of a refused row, where many rows stand at its place.
fn label(failed: &Failed) -> Option<&str> {
    let Failure::Step { explanation, .. } = &failed.failure else {
        return None;
    };
    match explanation.as_slice() {
        [row] => match row.as_slice() {
            [word, label] if word.as_str() == Some(ROW) => label.as_str(),
            _ => None,
        },
        _ => None,
    }
}

/// Refused rows of one place that the engine refuses for the same reason.
pub(crate) struct RefusedRows<'a> {
    /// The first of them.
    pub(crate) first: &'a Failed,
    /// Their labels, where many rows stand at that place.
    labels: Vec<&'a str>,
    /// Whether there may be more that were not looked for.
    is_cut: bool,
}

/// The refused rows by place and reason, in order.
pub(crate) fn by_place<'a>(all: impl IntoIterator<Item = &'a Failed>) -> Vec<RefusedRows<'a>> {
    fn words(failed: &Failed) -> Option<&str> {
        match &failed.failure {
            Failure::Step { error, .. } => Some(&error.message),
            Failure::Open(_) | Failure::Lost(_) => None,
        }
    }
    let mut places: Vec<RefusedRows<'a>> = Vec::new();
    let mut count = 0;
    for failed in all {
        count += 1;
        let label = label(failed);
        let is_it = |it: &&mut RefusedRows<'_>| {
            !it.labels.is_empty()
                && origin(it.first) == origin(failed)
                && words(it.first) == words(failed)
        };
        match label.and_then(|label| Some((label, places.iter_mut().find(is_it)?))) {
            Some((label, place)) => place.labels.push(label),
            None => places.push(RefusedRows {
                first: failed,
                labels: label.into_iter().collect(),
                is_cut: false,
            }),
        }
    }
    for place in &mut places {
        place.is_cut = count >= MOST;
    }
    places
}

/// Whether rows exchange values, and one of them cannot have another value for a while.
pub(crate) fn is_exchange(failed: &Failed) -> bool {
    let Failure::Step { explanation, .. } = &failed.failure else {
        return false;
    };
    matches!(explanation.as_slice(), [row] if matches!(row.as_slice(), [word] if word.as_str() == Some(EXCHANGE)))
}

/// So many refused rows of one place are named; the others are counted.
const NAMED: usize = 5;

impl RefusedRows<'_> {
    /// The engine's words about them.
    pub(crate) fn in_words(&self, words: &str) -> String {
        if is_exchange(self.first) {
            return format!(
                "rows exchange values, and this one cannot have another value for a while: {words}"
            );
        }
        match self.subject() {
            None => format!("a row was refused: {words}"),
            Some((rows, false)) => format!("row {rows} was refused: {words}"),
            Some((rows, true)) => format!("rows {rows} were refused: {words}"),
        }
    }

    /// The labels, and whether there are several; none where the place tells which row it is.
    pub(super) fn subject(&self) -> Option<(String, bool)> {
        let named = self.labels.iter().take(NAMED);
        let named: Vec<String> = named.map(|label| format!("`{label}`")).collect();
        let text = match self.labels.len().checked_sub(named.len()) {
            None | Some(0) => named.join(", "),
            Some(more) if self.is_cut => {
                format!("{} and at least {more} more", named.join(", "))
            }
            Some(more) => format!("{} and {more} more", named.join(", ")),
        };
        (!self.labels.is_empty()).then_some((text, self.labels.len() > 1))
    }
}

/// What `seed` would report of rows that the engine refuses.
pub(super) fn problem(refused: &RefusedRows<'_>) -> Option<Diagnostic> {
    let failed = refused.first;
    let Failure::Step { error, .. } = &failed.failure else {
        return None;
    };
    let problem = Diagnostic::error("constraint", refused.in_words(&error.message));
    let problem = problem.at(origin(failed)?.clone());
    Some(match is_exchange(failed) {
        true => problem.help(EXCHANGE_HELP),
        false => problem,
    })
}

/// How many refused rows of one script are looked for.
pub(super) const MOST: usize = 20;

/// Runs a script, and again without each row that is refused, up to `most` of them. The last failure may be one of the rows together, which
/// has no [`origin`]. Rows that refer to a refused one are refused for that, and are left out.
///
/// # Errors
/// [`DbError`] where the script could not run.
pub(super) async fn refused(
    db: &Db,
    mut script: Script,
    run: &Run,
    most: usize,
) -> Result<Vec<Failed>, DbError> {
    let mut refused: Vec<Failed> = Vec::new();
    for _ in 0..most {
        let failed = match history::run(db, &script, run, Arc::new(|_| {})).await {
            Ok(_) => break,
            Err(RunError::Failed(failed)) => *failed,
            Err(RunError::Unknown(error)) => return Err(error.into()),
            Err(RunError::Moved) => {
                let words = "the history of the database has moved";
                return Err(DbError::Read(EngineError::new(Code::Other(1), words)));
            }
        };
        let error = match &failed.failure {
            Failure::Step { error, .. } => error,
            Failure::Open(_) | Failure::Lost(_) => {
                return Err(match failed.failure {
                    Failure::Open(error) => error,
                    Failure::Lost(error) => error.into(),
                    Failure::Step { error, .. } => DbError::Read(error),
                });
            }
        };
        let origin = origin(&failed);
        // Without a row of an exchange, the others of it would be refused too.
        let Some(origin) = origin.filter(|_| !is_exchange(&failed)) else {
            refused.push(failed);
            break;
        };
        // The other rows are tried without it, also those of the same place.
        let named = match &failed.part {
            Part::Step(step) if label(&failed).is_some() => step.explain().cloned(),
            _ => None,
        };
        for unit in &mut script.units {
            Arc::make_mut(&mut unit.steps).retain(|step| {
                let is_another = named.is_some() && step.explain() != named.as_ref();
                is_another || step.origin().as_ref() != Some(&origin)
            });
        }
        if refused.is_empty() || !error.message.starts_with("FOREIGN KEY") {
            refused.push(failed);
        }
    }
    Ok(refused)
}

/// Whether two failures are about one row.
pub(super) fn is_same_row(one: &Failed, other: &Failed) -> bool {
    (origin(one), label(one)) == (origin(other), label(other))
}

/// The place of a refused row.
pub(super) fn origin(failed: &Failed) -> Option<Origin> {
    match &failed.part {
        Part::Step(step) => step.origin(),
        _ => None,
    }
}
