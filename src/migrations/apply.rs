//! Applying what is pending.

use super::drift::{in_the_way, judge};
use super::identity::edited_keys;
use super::made::made_again;
use super::plan::{MigrationPlan, PlanOptions, plan};
use super::set::Migrations;
use super::{ApplyError, Outcome};
use crate::db::{Db, Failure};
use crate::drive::{Decision, OnEvent, Reader, drive, ignore};
use crate::history::{self, History, HistoryError};
use crate::script::{Key, Run};

/// Reads the history that a plan for this set needs: one request, and a second one only where a file differs from
/// its record.
///
/// # Errors
/// As [`history::read`].
pub async fn observe(db: &Db, set: &Migrations) -> Result<History, HistoryError> {
    observe_from(db, set, history::read(db).await?).await
}

/// As [`observe`], from a history that was read already: while the files were.
///
/// # Errors
/// As [`history::read`].
pub async fn observe_from(
    db: &Db,
    set: &Migrations,
    history: History,
) -> Result<History, HistoryError> {
    history::add_texts(db, history, |history| edited_keys(set, history)).await
}

/// Reads the history, and plans an apply as it would run: with the problems of objects that are not as the recorded
/// migrations make them, and that the run changes.
///
/// # Errors
/// As [`history::read`].
pub async fn observe_apply_from(
    db: &Db,
    set: &Migrations,
    history: History,
    options: &PlanOptions,
) -> Result<(History, MigrationPlan), HistoryError> {
    let history = observe_from(db, set, history).await?;
    let mut plan = plan(set, &history, options);
    let drift = in_the_way(db, &history, &plan.scripts, options.drift, "migrate").await?;
    plan.problems.extend(drift);
    if plan.errors().next().is_some() {
        plan.scripts.clear();
    }
    Ok((history, plan))
}

/// Applies all pending migrations and repeatables: [`apply`] with the defaults, and without a listener. In the history
/// stands that an application ran it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use seedbed::db::Db;
/// use seedbed::migrations::{self, Migrations};
///
/// let set = Migrations::read_dir("migrations")?;
/// # let folder = tempfile::tempdir()?;
/// # let file = folder.path().join("app.db");
/// let db = Db::local(&file, Default::default())?;
/// let outcome = migrations::up(&db, &set).await?;
/// println!("{} applied", outcome.done.len());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`apply`].
pub async fn up(db: &Db, set: &Migrations) -> Result<Outcome, ApplyError> {
    let run = Run::new("application");
    apply(db, set, &PlanOptions::default(), &run, &ignore()).await
}

/// Applies what the plan says, until nothing is pending. Where another run was faster, it plans again on what that
/// one left.
///
/// # Dropping the future
/// That stops nothing that has begun. On a file or in memory, the script under way runs to its end on its own thread and
/// is committed; scripts after it do not begin. A request that was sent to a server is still carried out. To stop a
/// run, raise the [`Stop`](crate::db::Stop) that the database was opened with.
///
/// # Errors
/// [`ApplyError`] says what was done, what was rolled back and what prevents the rest.
pub async fn apply(
    db: &Db,
    set: &Migrations,
    options: &PlanOptions,
    run: &Run,
    on_event: &OnEvent,
) -> Result<Outcome, ApplyError> {
    let history = history::read_before_change(db).await?;
    apply_from(db, set, history, options, run, on_event).await
}

/// As [`apply`], from a history that was read already: while the files were. Where it is an old one by now, a script that
/// is planned on it is refused, and planned again.
///
/// # Errors
/// As [`apply`].
pub async fn apply_from(
    db: &Db,
    set: &Migrations,
    history: History,
    options: &PlanOptions,
    run: &Run,
    on_event: &OnEvent,
) -> Result<Outcome, ApplyError> {
    let applying = Applying {
        set,
        options: *options,
        history: Some(history),
    };
    // An application awaits this deep in futures of its own, whose types the compiler follows to a limited depth.
    let applied = Box::pin(drive(db, run, on_event, applying)).await;
    applied.map_err(|error| with_its_maker(error, set))
}

/// A failure, with what the set knows of the object that the engine names.
fn with_its_maker(mut error: ApplyError, set: &Migrations) -> ApplyError {
    if let ApplyError::Script(failed) = &mut error
        && let Failure::Step { error, .. } = &failed.failed.failure
    {
        failed.made_again = made_again(set, &error.message);
    }
    error
}

struct Applying<'a> {
    set: &'a Migrations,
    options: PlanOptions,
    /// What was read already, until it is used.
    history: Option<History>,
}

impl Reader for Applying<'_> {
    fn take_history(&mut self) -> Option<History> {
        self.history.take()
    }

    fn texts(&self, history: &History) -> Vec<Key> {
        edited_keys(self.set, history)
    }

    fn decide(&mut self, history: &History) -> Decision {
        let plan = plan(self.set, history, &self.options);
        Decision {
            under_way: plan.started().map(|item| item.key.clone()),
            problems: plan.problems,
            look_again: !plan.to_look_at.is_empty(),
            scripts: plan.scripts,
            ..Decision::default()
        }
    }

    async fn judge(
        &mut self,
        db: &Db,
        history: &History,
        decision: &mut Decision,
    ) -> Result<(), HistoryError> {
        judge(db, history, decision, self.options.drift, "migrate").await
    }
}
