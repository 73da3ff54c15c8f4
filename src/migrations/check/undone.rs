//! New down files on a database that exists: with rows, and with what the repeatable migrations have made, as `undo` runs
//! them. All of it happens in a copy.

use super::existing::Existing;
use super::{Part, Rehearsal, Way};
use crate::db::DbError;
use crate::migrations::rehearse::{Act, Problem, Stopped};
use crate::script::Step;

impl Existing<'_> {
    /// Undoes the new versions, the highest first, as far as their down files are to be tried.
    pub(super) async fn undone(&mut self) -> Result<(), DbError> {
        let new = self.published.new.clone();
        let mut copy = None;
        let mut taken_back = Vec::new();
        for part in new.into_iter().rev() {
            let Some(down) = tried_down(part) else {
                break;
            };
            let copy = match &mut copy {
                Some(copy) => copy,
                None => copy.insert(self.rehearsal.fork().await?),
            };
            if !self.takes_back(copy, part, down).await? {
                return Ok(());
            }
            taken_back.push(part);
        }
        taken_back.reverse();
        match copy {
            Some(copy) if self.has_new_repeatables() => self.again(copy, &taken_back).await,
            _ => Ok(()),
        }
    }

    /// Applies the versions again that were undone. Repeatable migrations that are as new as they are were not there when
    /// they ran first.
    async fn again(&mut self, mut copy: Rehearsal, parts: &[&Part<'_>]) -> Result<(), DbError> {
        self.fill.empty(copy.db()).await?;
        let acts = self.with_set_aside(&copy, parts, |_| true).await?;
        for (number, part) in parts.iter().enumerate() {
            let later = || acts[number + 1..].iter().collect();
            let ran = copy.up_before(part.migration, &acts[number], Way::Redo, &later);
            if let Some(problem) = refused(ran.await)? {
                self.problems.push(self.because_of_objects(problem));
                return Ok(());
            }
        }
        Ok(())
    }

    /// Undoes a version with rows, and if that fails, without; returns whether it is undone.
    async fn takes_back(
        &mut self,
        copy: &mut Rehearsal,
        part: &Part<'_>,
        down: &Act,
    ) -> Result<bool, DbError> {
        self.fill.before(copy.db()).await?;
        // Outside of a transaction a part of it may stay.
        let untouched = match down.is_atomic() {
            true => None,
            false => Some(copy.fork().await?),
        };
        let Some(with_rows) = refused(copy.undo(part.migration, down).await)? else {
            return Ok(true);
        };
        if let Some(untouched) = untouched {
            *copy = untouched;
        }
        self.fill.empty(copy.db()).await?;
        let holds = |step: &Step| self.fill.holds_one_of(&step.sql);
        let is_held = with_rows.step.as_ref().is_some_and(holds);
        let because_of_rows = self
            .because_of_rows(copy.db(), down, Way::Undo, with_rows)
            .await?;
        if is_held {
            self.problems.push(because_of_rows);
            return Ok(false);
        }
        let without_rows = refused(copy.undo(part.migration, down).await)?;
        let is_taken_back = without_rows.is_none();
        self.problems.push(match without_rows {
            Some(Problem { diagnostic, .. }) if !because_of_rows.is_error() => {
                diagnostic.help(format!(
                    "`undo` runs the down file where the repeatable migrations have run: make it work on the schema that \
                     {} and they leave",
                    part.key()
                ))
            }
            _ => because_of_rows,
        });
        Ok(is_taken_back)
    }
}

fn tried_down<'p>(part: &'p Part<'_>) -> Option<&'p Act> {
    let down = part.down.as_ref().filter(|down| down.judged)?;
    (down.act.is_sound() && down.act.obstacle().is_none()).then_some(&down.act)
}

/// What the engine refused.
fn refused(result: Result<(), Stopped>) -> Result<Option<Problem>, DbError> {
    match result {
        Ok(()) => Ok(None),
        Err(Stopped::Problem(problem)) => Ok(Some(*problem)),
        Err(Stopped::Db(error)) => Err(error),
    }
}
