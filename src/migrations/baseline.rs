//! Recording migrations that a database already has, without running them.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::downs;
use super::identity::{Identity, applied, edited_keys, file_problems};
use super::mismatch::is_about_records;
use super::plan::{Grouping, PlanOptions, entry, plan, scripts};
use super::problem::{no_such_version, recorded_name};
use super::ran;
use super::reading::{self, Reading};
use super::rehearse::{Act, Rehearsal, Stopped, Way};
use super::repair::nothing_remains;
use super::set::{Migration, Migrations};
use super::{ApplyError, Outcome};
use crate::db::{Db, DbError, HistoryTable};
use crate::diagnostic::Diagnostic;
use crate::drive::{Decision, OnEvent, Reader, drive};
use crate::history::{self, BASELINE, History, HistoryError, Row, State, baselined};
use crate::schema::{Difference, ObjectKind, Schema, compare, inspect};
use crate::script::{Entry, Key, Record, Revision, Run, Source};
use crate::setters::setters;

/// Whether the schema is compared with the one that the migrations make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Verify {
    /// The migrations are replayed in memory, and the schema there is compared with the database's.
    #[default]
    Schema,
    /// The schema is not compared.
    Nothing,
}

/// What to record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct BaselineOptions {
    /// The version that the database is at: it and all below are recorded.
    pub version: i64,
    /// Whether to compare the schema first.
    pub verify: Verify,
}

setters!(BaselineOptions {
    version: i64,
    verify: Verify,
});

impl BaselineOptions {
    /// Up to this version, once the schema has been compared.
    #[must_use]
    pub fn new(version: i64) -> BaselineOptions {
        BaselineOptions {
            version,
            verify: Verify::default(),
        }
    }
}

/// Nothing was recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BaselineError {
    /// There are problems, or the record could not be written.
    #[error(transparent)]
    Apply(#[from] ApplyError),
    /// The schema is not the one that the migrations make.
    #[error(
        "the schema of this database differs from the schema that the migrations up to V{version} make"
    )]
    Differs {
        /// The version that was asked for.
        version: i64,
        /// The schema that they make (expected) against that of the database (found).
        differences: Vec<Difference>,
        /// Tables that were left out, as they are not the application's own.
        left_out: Vec<String>,
    },
    /// The engine in memory could not be used.
    #[error("cannot replay the migrations in memory")]
    Memory(#[source] DbError),
}

/// Records the migrations up to a version as applied, without running them. What is recorded already stays as it is.
///
/// # Errors
/// [`BaselineError`]; nothing was recorded then.
pub async fn baseline(
    db: &Db,
    set: &Migrations,
    options: &BaselineOptions,
    run: &Run,
    on_event: &OnEvent,
) -> Result<Outcome, BaselineError> {
    let mut taking = Taking {
        set,
        options,
        looked_at: None,
        warnings: Vec::new(),
        refused: None,
    };
    let outcome = drive(db, run, on_event, &mut taking).await;
    match taking.refused {
        Some(refused) => Err(refused),
        None => Ok(nothing_remains(db, set, outcome?).await?),
    }
}

/// What is to be recorded. Pure.
fn decide(set: &Migrations, history: &History, version: i64) -> Decision {
    let mut problems = file_problems(set, history);
    // A version that several claim is none of them, and told already.
    if !problems.iter().any(Diagnostic::is_error) && set.get(&Key::Migration(version)).is_none() {
        problems.push(no_such_version(version, "files"));
    }
    let up_to = |key: &Key| matches!(key, Key::Migration(number) if *number <= version);
    let mut under_way = None;
    for row in &history.rows {
        if row.state == State::Started && up_to(&row.key) {
            under_way.get_or_insert_with(|| row.key.clone());
        }
    }
    // A record that is other than its file is resolved first: what is recorded beside it would hide how it came about.
    let records = plan(set, history, &PlanOptions::default()).problems;
    problems.extend(records.into_iter().filter(is_about_records));
    let identity = Identity::of(set, history);
    let new: Vec<&Migration> = unrecorded(set, history)
        .filter(|migration| up_to(&migration.key))
        .collect();
    for migration in &new {
        problems.extend(migration.unwritten());
        problems.extend(downs::of_another(migration, set, history, &identity));
        problems.extend_from_slice(Act::new(&migration.up, &history.table).problems());
        problems.extend(reading::of_down(
            migration.down.as_ref(),
            history.engine,
            &history.table,
        ));
    }
    if problems.iter().any(Diagnostic::is_error) {
        return Decision {
            problems,
            under_way,
            ..Decision::default()
        };
    }
    let units = new.into_iter().map(|migration| {
        let record = Record::Insert(baselined(entry(migration)));
        (record, Reading::default())
    });
    Decision {
        problems,
        scripts: scripts(units, history.revision, Grouping::All),
        ..Decision::default()
    }
}

fn unrecorded<'a>(
    set: &'a Migrations,
    history: &'a History,
) -> impl Iterator<Item = &'a Migration> {
    let recorded = history.by_key();
    set.iter()
        .filter(move |migration| !recorded.contains_key(&migration.key))
}

struct Taking<'a> {
    set: &'a Migrations,
    options: &'a BaselineOptions,
    /// The revision at which the schema was compared, where it was.
    looked_at: Option<Revision>,
    warnings: Vec<Diagnostic>,
    /// Why nothing is recorded.
    refused: Option<BaselineError>,
}

impl Taking<'_> {
    /// Whether the schema has to be compared with what the migrations leave.
    fn compares(&self, history: &History) -> bool {
        self.options.verify == Verify::Schema
            && !decide(self.set, history, self.options.version)
                .scripts
                .is_empty()
    }
}

impl Reader for &mut Taking<'_> {
    fn texts(&self, history: &History) -> Vec<Key> {
        match self.options.verify == Verify::Schema {
            true => applied(history).map(|row| row.key.clone()).collect(),
            false => edited_keys(self.set, history),
        }
    }

    async fn look(&mut self, db: &Db, history: &History) -> Result<(), HistoryError> {
        if self.compares(history) && self.looked_at != Some(history.revision) {
            match look(db, self.set, history, self.options.version).await {
                Ok(warnings) => self.warnings = warnings,
                Err(refused) => self.refused = Some(refused),
            }
            self.looked_at = Some(history.revision);
        }
        Ok(())
    }

    fn decide(&mut self, history: &History) -> Decision {
        if self.refused.is_some() {
            return Decision::default();
        }
        let mut decision = decide(self.set, history, self.options.version);
        decision.problems.extend_from_slice(&self.warnings);
        decision
    }
}

/// Compares the schema with what the migrations leave: those that are recorded, by their recorded texts, and those
/// that are to be. The warnings tell of files that could not be replayed.
async fn look(
    db: &Db,
    set: &Migrations,
    history: &History,
    version: i64,
) -> Result<Vec<Diagnostic>, BaselineError> {
    let foreign = history::not_the_applications(db)
        .await
        .map_err(ApplyError::from)?;
    let found = inspect(db).await.map_err(ApplyError::from)?;
    let there = There { found, foreign };
    compared(set, history, acts(set, history, version), there, version).await
}

/// The code of tables that a comparison left out.
pub(super) const NOT_COMPARED: &str = "not-compared";

/// The schema of a database.
pub(super) struct There {
    pub(super) found: Schema,
    /// Its tables that are not the application's.
    pub(super) foreign: Vec<String>,
}

/// Compares the schema that is there with what these acts leave, from nothing, in memory.
pub(super) async fn compared(
    set: &Migrations,
    history: &History,
    acts: Acts,
    there: There,
    version: i64,
) -> Result<Vec<Diagnostic>, BaselineError> {
    let as_they_ran = with_deleted_where_they_ran(set, history, &acts);
    let in_order = acts.into_values().collect();
    let first = compared_in_order(set, history, in_order, &there, version).await;
    match (&first, as_they_ran) {
        (Err(_), Some(as_they_ran)) => {
            let other = compared_in_order(set, history, as_they_ran, &there, version).await;
            other.or(first)
        }
        _ => first,
    }
}

async fn compared_in_order(
    set: &Migrations,
    history: &History,
    acts: Vec<(Entry, Act)>,
    there: &There,
    version: i64,
) -> Result<Vec<Diagnostic>, BaselineError> {
    let There { found, foreign } = there;
    let replayed = replay_in_order(acts, &history.table).await;
    let (mut rehearsal, mut warnings) = replayed.map_err(|stopped| match stopped {
        Stopped::Db(error) => BaselineError::Memory(error),
        Stopped::Problem(problem) => cannot_replay(problem.diagnostic, version),
    })?;
    let schema = rehearsal.schema().await.map_err(BaselineError::Memory)?;
    let expected = schema.without(foreign);
    // Views and triggers that the next `migrate` creates again may exist or not.
    for migration in unrecorded(set, history) {
        let act = Act::new(&migration.up, &history.table);
        if matches!(migration.key, Key::Repeatable(_)) && act.is_sound() && act.obstacle().is_none()
        {
            // One that fails leaves nothing, and is no business of a baseline.
            let _ = rehearsal.up(migration, &act, Way::Up).await;
        }
    }
    let after = rehearsal.schema().await.map_err(BaselineError::Memory)?;
    let after = after.without(foreign);
    let theirs = compare(&expected, &after);
    let theirs: HashSet<(ObjectKind, String)> = theirs.iter().map(name).collect();
    let left_out = foreign.clone();
    let mut differences = compare(&expected, &found.clone().without(foreign));
    differences.retain(|difference| !theirs.contains(&name(difference)));
    if !differences.is_empty() {
        return Err(BaselineError::Differs {
            version,
            differences,
            left_out,
        });
    }
    if !left_out.is_empty() {
        let message = format!(
            "the comparison of schemas left out {}: {} not the application's own",
            left_out.join(", "),
            if left_out.len() == 1 {
                "it is"
            } else {
                "they are"
            }
        );
        warnings.push(Diagnostic::problem(NOT_COMPARED, message).warning());
    }
    Ok(warnings)
}

fn name(difference: &Difference) -> (ObjectKind, String) {
    let object = difference.object();
    (object.kind, object.name.to_ascii_lowercase())
}

/// Whether a migration was recorded as applied, and never run by Seedbed.
pub(super) fn is_adopted(row: &Row) -> bool {
    row.detail.get(BASELINE) == Some(&true.into())
}

/// Everything that made the database what it is, in order.
fn acts(set: &Migrations, history: &History, version: i64) -> Acts {
    let files = set.versioned.iter();
    let mut acts: Acts = files
        .filter(|migration| migration.version().is_some_and(|number| number <= version))
        .map(|migration| act_of(migration, &history.table))
        .collect();
    acts.append(&mut recorded_acts(history));
    acts
}

/// What is replayed in memory. Keys of migrations come before those of repeatables.
pub(super) type Acts = BTreeMap<Key, (Entry, Act)>;

/// A migration as its file says it.
pub(super) fn act_of(migration: &Migration, table: &HistoryTable) -> (Key, (Entry, Act)) {
    let act = (entry(migration), Act::new(&migration.up, table));
    (migration.key.clone(), act)
}

/// What is applied, as it was recorded. The history must have the texts.
pub(super) fn recorded_acts(history: &History) -> Acts {
    let acts = applied(history).filter_map(|row| {
        let (text, atomicity) = ran::text_and_atomicity(row)?;
        let source = Arc::new(Source {
            name: recorded_name(row, false),
            text: text.into(),
        });
        let entry = Entry {
            key: row.key.clone(),
            name: row.name.clone(),
            checksum: row.checksum.clone(),
            effective: None,
            source: "".into(),
            down: None,
            detail: serde_json::Map::new(),
        };
        Some((
            row.key.clone(),
            (entry, Act::read(&source, atomicity, &history.table)),
        ))
    });
    acts.collect()
}

/// All of these, where some are repeatables without a file: each at its place among the records, since a version that was
/// recorded later may have dropped what it made.
pub(super) fn with_deleted_where_they_ran(
    set: &Migrations,
    history: &History,
    acts: &Acts,
) -> Option<Vec<(Entry, Act)>> {
    let places = history.rows.iter().enumerate();
    let places: HashMap<&Key, usize> = places.map(|(at, row)| (&row.key, at)).collect();
    let is_deleted = |key: &Key| matches!(key, Key::Repeatable(_)) && set.get(key).is_none();
    let mut deleted: Vec<&Key> = acts.keys().filter(|key| is_deleted(key)).collect();
    if deleted.is_empty() {
        return None;
    }
    deleted.sort_by_key(|key| std::cmp::Reverse(places.get(key)));
    let mut in_order: Vec<&Key> = Vec::new();
    for key in acts.keys().filter(|key| !is_deleted(key)) {
        let ran_before = |it: &mut &Key| match (places.get(*it), places.get(key)) {
            (Some(it), Some(key)) => it < key,
            _ => true,
        };
        while let Some(before) = deleted.pop_if(ran_before) {
            in_order.push(before);
        }
        in_order.push(key);
    }
    in_order.extend(deleted.into_iter().rev());
    let in_order = in_order.into_iter();
    Some(in_order.map(|key| acts[key].clone()).collect())
}

/// Runs all of it in memory. The warnings are about files that could not be replayed.
pub(super) async fn replay(
    acts: Acts,
    table: &HistoryTable,
) -> Result<(Rehearsal, Vec<Diagnostic>), Stopped> {
    replay_in_order(acts.into_values(), table).await
}

/// The same in this order.
pub(super) async fn replay_in_order(
    acts: impl IntoIterator<Item = (Entry, Act)>,
    table: &HistoryTable,
) -> Result<(Rehearsal, Vec<Diagnostic>), Stopped> {
    let mut rehearsal = Rehearsal::new(table).await?;
    let mut warnings = Vec::new();
    for (entry, act) in acts {
        match act.obstacle() {
            Some(obstacle) => warnings.push(obstacle),
            None => rehearsal.act(Record::Insert(entry), &act, Way::Up).await?,
        }
    }
    Ok((rehearsal, warnings))
}

/// A file that fails in memory cannot have made this database, or not from nothing.
fn cannot_replay(mut problem: Diagnostic, version: i64) -> BaselineError {
    problem.help = vec![format!(
        "it was replayed in memory, on what the files before it leave; if this database is as it leaves it all the \
         same, `baseline {version} --no-verify` records it"
    )];
    BaselineError::Apply(ApplyError::Problems {
        problems: vec![problem],
        done: Vec::new(),
    })
}

#[cfg(test)]
mod tests;
