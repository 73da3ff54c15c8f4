//! What a run had committed before it stopped.

use super::words::keys;
use crate::drive::{Done, Verb};

pub(super) const NOTHING: &str = "nothing was changed";

/// What a run had committed before it stopped.
pub(super) fn before(done: &[Done]) -> Option<String> {
    let last = done.last()?;
    let which = keys(done.iter().map(|done| &done.key));
    let (be, stand) = match done.len() {
        1 => ("was", "stands"),
        _ => ("were", "stand"),
    };
    Some(match last.verb {
        Verb::Removed if last.statements == 0 => {
            format!("the records of {which} were corrected before by this run, and stay so")
        }
        Verb::Applied if last.statements == 0 => {
            format!("{which} {be} recorded as applied by this run, and {stand}")
        }
        Verb::Applied | Verb::MadeAgain => {
            format!("{which} {be} applied before by this run, and {stand}")
        }
        Verb::Removed => {
            format!("{which} {be} undone before by this run, and not applied again")
        }
        Verb::Amended | Verb::Moved => {
            format!("{which} {be} corrected before by this run, and {stand}")
        }
    })
}
