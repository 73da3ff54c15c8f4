//! What each new file does to the schema: the schema before and after it, from a rehearsal in memory. What is not new runs
//! first, and is not looked at.

use std::sync::Arc;

use super::made::{self, made};
use super::plan::entry;
use super::reading::Reading;
use super::rehearse::{Act, Problem, Rehearsal, Stopped, Way};
use super::set::{Migration, Migrations};
use crate::db::{Db, DbError, MadeAgain, stale_object};
use crate::diagnostic::Diagnostic;
use crate::schema::{Broken, Catalogue, Difference, ObjectKind, Schema, broken, changes, compare};
use crate::script::{Key, Made, Record};
use crate::sql::What;

/// One new file.
#[derive(Debug, Clone)]
pub struct Stage<'a> {
    /// Its migration.
    pub migration: &'a Migration,
    /// Its statements, and what its directives say.
    pub reading: Reading,
    /// The schema before it; `None` where a file before it did not run.
    pub before: Option<Arc<Catalogue>>,
    /// The schema after it; `None` where it did not run.
    pub after: Option<Arc<Catalogue>>,
    /// Whether its down file leaves another schema than the one before it; `None` where that was not tried.
    pub down_differs: Option<bool>,
}

/// A view or trigger that does not compile at the end, and did before the new files.
#[derive(Debug, Clone)]
pub struct LeftBroken {
    /// `view` or `trigger`.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
    /// Its text.
    pub sql: String,
    /// The engine's words.
    pub message: String,
}

/// All new files, in the order in which they run.
#[derive(Debug, Clone)]
pub struct Stages<'a> {
    /// The files.
    pub stages: Vec<Stage<'a>>,
    /// The schema before the first of them.
    pub first: Option<Arc<Catalogue>>,
    /// The schema after the last of them.
    pub last: Option<Arc<Catalogue>>,
    /// What does not compile at the end.
    pub broken: Vec<LeftBroken>,
    /// Why the files from some place on did not run.
    pub stopped: Option<Diagnostic>,
    /// The databases in memory before the first and after the last of them.
    pub(crate) databases: Option<(Db, Db)>,
}

/// Runs all files in memory, those that are not new first.
///
/// # Errors
/// [`DbError`] where the engine in memory cannot be used.
pub async fn stages<'a>(
    set: &'a Migrations,
    is_new: &(dyn Fn(&Migration) -> bool + Sync),
) -> Result<Stages<'a>, DbError> {
    let all: Vec<(&Migration, Act)> = set
        .iter()
        .map(|it| (it, Act::new(&it.up, &set.history_table)))
        .collect();
    let (new, old): (Vec<_>, Vec<_>) = all.iter().partition(|(migration, _)| is_new(migration));
    let mut found = Stages {
        stages: Vec::with_capacity(new.len()),
        first: None,
        last: None,
        broken: Vec::new(),
        stopped: None,
        databases: None,
    };
    let repeatables = old
        .iter()
        .filter(|(it, _)| matches!(it.key, Key::Repeatable(_)));
    let remade: Vec<Made> = repeatables
        .flat_map(|(it, _)| made(&it.up.source.text))
        .collect();
    let mut rehearsal = Rehearsal::judged_at_the_end(&set.history_table).await?;
    let mut now = None;
    match replay(&mut rehearsal, &old).await? {
        Some(problem) => found.stopped = Some(problem),
        None => {
            now = Some(Arc::new(Catalogue::read(rehearsal.db()).await?));
            found.first.clone_from(&now);
        }
    }
    let base = match now {
        Some(_) => Some(rehearsal.fork().await?),
        None => None,
    };
    let mut before = rehearsal.snapshot().await?;
    for (number, (migration, act)) in new.iter().enumerate() {
        let mut stage = Stage {
            migration,
            reading: act.reading().clone(),
            before: now.clone(),
            after: None,
            down_differs: None,
        };
        if let Some(catalogue) = now.take() {
            let later = || new[number + 1..].iter().map(|(_, act)| act).collect();
            let problem = match act.cannot_run() {
                Some(problem) => Some(problem),
                None => match rehearsal.up_before(migration, act, Way::Up, &later).await {
                    Ok(()) => None,
                    Err(stopped) => Some(with_its_maker(stopped, set)?),
                },
            };
            match problem {
                Some(problem) => found.stopped = Some(problem),
                None => {
                    let after = rehearsal.snapshot().await?;
                    let changed = changes(&before, &after);
                    let next = match changed.is_empty() {
                        true => catalogue,
                        false => Arc::new(catalogue.after(rehearsal.db(), changed).await?),
                    };
                    if let Some(down) = &migration.down {
                        let down = Act::new(down, &set.history_table);
                        let left = undone(&rehearsal, migration, &down).await?;
                        stage.down_differs = left.map(|left| {
                            let changed = changes(&before, &left);
                            changed.iter().any(|it| !is_of_a_repeatable(it, &remade))
                        });
                    }
                    before = after;
                    stage.after = Some(next.clone());
                    now = Some(next);
                }
            }
        }
        found.stages.push(stage);
    }
    if let Some(catalogue) = now.take() {
        let is_made_again = made_again(&mut rehearsal, &old).await?;
        let changed = match is_made_again {
            true => changes(&before, &rehearsal.snapshot().await?),
            false => Vec::new(),
        };
        now = Some(match changed.is_empty() {
            true => catalogue,
            false => Arc::new(catalogue.after(rehearsal.db(), changed).await?),
        });
    }
    if let (Some(_), Some(base)) = (&now, base) {
        found.broken = left_broken(&base, &rehearsal).await?;
        found.databases = Some((base.into_db(), rehearsal.into_db()));
    }
    found.last = now;
    Ok(found)
}

/// Runs what is not new.
async fn replay(
    rehearsal: &mut Rehearsal,
    old: &[&(&Migration, Act)],
) -> Result<Option<Diagnostic>, DbError> {
    if let Some(problem) = old.iter().find_map(|(_, act)| act.cannot_run()) {
        return Ok(Some(problem));
    }
    let is_version = |it: &&&(&Migration, Act)| matches!(it.0.key, Key::Migration(_));
    let versions = old.iter().filter(is_version);
    let ran = rehearsal
        .ups(
            versions.map(|(migration, act)| (*migration, act)),
            &Vec::new,
        )
        .await;
    if let Err(stopped) = ran {
        return stopped.diagnostic().map(Some);
    }
    for (migration, act) in old.iter().filter(|it| !is_version(it)) {
        if let Err(stopped) = rehearsal.up(migration, act, Way::Up).await {
            return stopped.diagnostic().map(Some);
        }
    }
    Ok(None)
}

/// Applies the repeatable migrations again that are not new and have lost an object, as `migrate` does behind the new files.
/// One that fails is left out: `check` reports it. Returns whether one ran.
async fn made_again(
    rehearsal: &mut Rehearsal,
    old: &[&(&Migration, Act)],
) -> Result<bool, DbError> {
    let mut there = None;
    let mut ran = false;
    for (migration, act) in old {
        let Key::Repeatable(_) = migration.key else {
            continue;
        };
        let names = match there.take() {
            Some(names) => names,
            None => rehearsal.names().await?,
        };
        let is_gone = made(&migration.up.source.text).iter().any(|object| {
            let what = match object.what {
                What::VirtualTable => What::Table,
                what => what,
            };
            !names.contains(&(what.word().to_owned(), object.name.to_ascii_lowercase()))
        });
        if !is_gone {
            there = Some(names);
            continue;
        }
        match rehearsal.up(migration, act, Way::Again).await {
            Ok(()) => ran = true,
            Err(stopped) => {
                stopped.diagnostic()?;
            }
        }
    }
    Ok(ran)
}

/// Whether an object is there on one side only because a repeatable migration makes it: `migrate` and `undo` make such an
/// object again where it is gone, with the triggers on a view.
fn is_of_a_repeatable(difference: &Difference, remade: &[Made]) -> bool {
    let object = match difference {
        Difference::Missing { expected } => expected,
        Difference::Unexpected { found } => found,
        Difference::Different { .. } => return false,
    };
    remade.iter().any(|made| {
        let is_it =
            made.what.word() == object.kind.word() && made.name.eq_ignore_ascii_case(&object.name);
        let is_on_it = made.what == What::View
            && object.kind == ObjectKind::Trigger
            && made.name.eq_ignore_ascii_case(&object.table);
        is_it || is_on_it
    })
}

/// Why a file did not run, with what the set knows of the object that the engine names.
fn with_its_maker(stopped: Stopped, set: &Migrations) -> Result<Diagnostic, DbError> {
    let problem = match stopped {
        Stopped::Db(error) => return Err(error),
        Stopped::Problem(problem) => *problem,
    };
    let Problem {
        mut diagnostic,
        error,
        ..
    } = problem;
    let of = |made_again: &MadeAgain| stale_object(&error.message, made_again);
    let (unknown, known) = (
        of(&MadeAgain::Unknown),
        of(&made::made_again(set, &error.message)),
    );
    for help in &mut diagnostic.help {
        if let (true, Some(known)) = (Some(&*help) == unknown.as_ref(), &known) {
            help.clone_from(known);
        }
    }
    Ok(diagnostic)
}

/// The schema that a down file leaves in a copy; `None` where it does not run, which `check` reports.
async fn undone(
    rehearsal: &Rehearsal,
    migration: &Migration,
    down: &Act,
) -> Result<Option<crate::schema::Snapshot>, DbError> {
    if !down.is_sound() || down.obstacle().is_some() {
        return Ok(None);
    }
    let mut copy = rehearsal.fork_for_trials().await?;
    let record = Record::Delete(entry(migration).key);
    match copy.act(record, down, Way::Down).await {
        Ok(()) => copy.snapshot().await.map(Some),
        Err(stopped) => stopped.diagnostic().map(|_| None),
    }
}

/// What does not compile in the second and compiles, or is not there, in the first.
async fn left_broken(base: &Rehearsal, last: &Rehearsal) -> Result<Vec<LeftBroken>, DbError> {
    let of = async |rehearsal: &Rehearsal| -> Result<(Schema, Vec<Broken>), DbError> {
        let schema = rehearsal.schema().await?;
        let mut found = broken(rehearsal.db(), &schema).await?;
        found.retain(|it| it.object.kind != ObjectKind::Table);
        Ok((schema, found))
    };
    let (schema, found) = of(last).await?;
    if found.is_empty() || compare(&base.schema().await?, &schema).is_empty() {
        return Ok(Vec::new());
    }
    let (_, known) = of(base).await?;
    let was = |it: &Broken| {
        let mut known = known.iter().map(|known| &known.object);
        known.any(|known| known.kind == it.object.kind && known.name == it.object.name)
    };
    let new = found.into_iter().filter(|it| !was(it));
    Ok(new
        .map(|it| LeftBroken {
            kind: it.object.kind,
            name: it.object.name,
            sql: it.object.sql,
            message: it.error.message,
        })
        .collect())
}
