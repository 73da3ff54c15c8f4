//! Which rows of a script the engine refuses: a script fails at the first of them, so it runs again without that one.

use std::sync::Arc;

use crate::db::{Code, Db, DbError, EngineError, Failure};
use crate::diagnostic::Diagnostic;
use crate::history::{self, Failed, Part, RunError};
use crate::script::{Origin, Run, Script};

/// What explains the failure of a step that gives a row another value for a while, so that rows can exchange theirs.
pub(super) const EXCHANGE: &str = "exchange";

/// What to do about an exchange that the engine refuses.
pub(crate) const EXCHANGE_HELP: &str = "exchange them in two runs: give one of the rows a value that no other row has, then \
     the declared one; where there is no such value, let the rows exchange their other values";

/// Whether rows exchange values, and one of them cannot have another value for a while.
pub(crate) fn is_exchange(failed: &Failed) -> bool {
    let Failure::Step { explanation, .. } = &failed.failure else {
        return false;
    };
    matches!(explanation.as_slice(), [row] if matches!(row.as_slice(), [word] if word.as_str() == Some(EXCHANGE)))
}

/// The engine's words about a row of the seeds.
pub(crate) fn in_words(failed: &Failed, words: &str) -> String {
    match is_exchange(failed) {
        true => format!(
            "rows exchange values, and this one cannot have another value for a while: {words}"
        ),
        false => format!("a row was refused: {words}"),
    }
}

/// What `seed` would report of a row that the engine refuses.
pub(super) fn problem(failed: &Failed) -> Option<Diagnostic> {
    let Failure::Step { error, .. } = &failed.failure else {
        return None;
    };
    let problem = Diagnostic::error("constraint", in_words(failed, &error.message));
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
        let origin = origin(&failed).cloned();
        // Without a row of an exchange, the others of it would be refused too.
        let Some(origin) = origin.filter(|_| !is_exchange(&failed)) else {
            refused.push(failed);
            break;
        };
        // The other rows are tried without it.
        for unit in &mut script.units {
            Arc::make_mut(&mut unit.steps).retain(|step| step.origin.as_ref() != Some(&origin));
        }
        if refused.is_empty() || !error.message.starts_with("FOREIGN KEY") {
            refused.push(failed);
        }
    }
    Ok(refused)
}

/// The place of a refused row.
pub(super) fn origin(failed: &Failed) -> Option<&Origin> {
    match &failed.part {
        Part::Step(step) => step.origin.as_ref(),
        _ => None,
    }
}
