//! A drift in the way of a run: objects that the run alters, drops or rebuilds, and that are not as the recorded migrations
//! make them. What the run does not touch is no hindrance. It looks, and never writes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::{Compared, DriftError, compared, fingerprint};
use crate::db::Db;
use crate::diagnostic::{Class, Diagnostic, Severity};
use crate::drive::Decision;
use crate::history::{Beside, History, HistoryError, read_recorded};
use crate::migrations::directive::reverted_drifts;
use crate::schema::{Difference, Object, ObjectKind, diff};
use crate::script::{Key, Origin, Record, Script, Step, Unit};
use crate::sql::{Kind, What, kind, renamed_table, targets};

/// What becomes of a run that would change a drifted object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum DriftPolicy {
    /// It is a problem, and nothing runs.
    #[default]
    Refuse,
    /// It is a warning.
    Allow,
}

/// What a look at the drift tells about a run.
#[derive(Debug, Default)]
struct Judgement {
    problems: Vec<Diagnostic>,
    /// The `schema_version` at which there was no drift.
    compared_at: Option<i64>,
}

/// The drifted objects that these scripts would change, as problems. Nothing is read where the schema is known to be the
/// recorded one, nor where no script changes an object that is there. `command` is the one that runs the scripts.
///
/// # Errors
/// [`HistoryError`] where the database cannot be read. A drift that cannot be determined is a warning.
pub async fn in_the_way(
    db: &Db,
    history: &History,
    scripts: &[Script],
    policy: DriftPolicy,
    command: &str,
) -> Result<Vec<Diagnostic>, HistoryError> {
    let judgement = look(db, history, scripts, policy, command).await?;
    Ok(judgement.problems)
}

/// The same, added to a decision.
pub(in crate::migrations) async fn judge(
    db: &Db,
    history: &History,
    decision: &mut Decision,
    policy: DriftPolicy,
    command: &str,
) -> Result<(), HistoryError> {
    let judgement = look(db, history, &decision.scripts, policy, command).await?;
    decision.problems.extend(judgement.problems);
    decision.compared_at = judgement.compared_at;
    Ok(())
}

async fn look(
    db: &Db,
    history: &History,
    scripts: &[Script],
    policy: DriftPolicy,
    command: &str,
) -> Result<Judgement, HistoryError> {
    let is_known = history.schema.is_as_recorded() || !history.has_migrations();
    if is_known || !scripts.iter().flat_map(|it| &it.units).any(changes_objects) {
        return Ok(Judgement::default());
    }
    let (history, beside) = match history.schema.beside() {
        Some(beside) => (with_texts(history, &beside), beside),
        None => {
            let (history, beside) = read_recorded(db).await?;
            (history, Arc::new(beside))
        }
    };
    match compared(&history, &beside).await {
        Ok(Compared { differences, .. }) if differences.is_empty() => Ok(Judgement {
            problems: Vec::new(),
            compared_at: history.schema.version(),
        }),
        Ok(Compared { differences, .. }) => Ok(Judgement {
            problems: problems(&differences, scripts, policy, command),
            compared_at: None,
        }),
        Err(DriftError::History(error)) => Err(error),
        Err(error) => Ok(Judgement {
            problems: vec![not_known(error)],
            compared_at: None,
        }),
    }
}

fn with_texts(history: &History, beside: &Beside) -> History {
    let mut history = history.clone();
    for row in &mut history.rows {
        row.source = beside.texts.get(&row.key).cloned();
    }
    history
}

/// The run cannot be compared with what others changed.
fn not_known(error: DriftError) -> Diagnostic {
    let (why, help) = match error {
        DriftError::Problems(problems) => {
            let first = problems.into_iter().next();
            first.map_or_else(Default::default, |it| (it.message, it.help))
        }
        error => (error.to_string(), Vec::new()),
    };
    let message = format!("whether this database has drifted is not known: {why}");
    Diagnostic::problem("drift-unknown", message)
        .warning()
        .helps(help)
}

/// What a statement does to an object that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Does {
    Alters,
    Drops { if_exists: bool },
}

/// A statement that changes an object.
struct Change {
    does: Does,
    kind: ObjectKind,
    /// In lower case.
    name: String,
}

fn change(step: &Step) -> Option<Change> {
    match kind(&step.sql) {
        Kind::Alter => Some(Change {
            does: Does::Alters,
            kind: ObjectKind::Table,
            name: targets(&step.sql).first()?.name.to_ascii_lowercase(),
        }),
        Kind::Drop(object) if !is_temporary(object.schema.as_deref()) => Some(Change {
            does: Does::Drops {
                if_exists: object.if_exists,
            },
            kind: kind_of(object.what)?,
            name: object.name.to_ascii_lowercase(),
        }),
        _ => None,
    }
}

fn is_temporary(schema: Option<&str>) -> bool {
    schema.is_some_and(|schema| schema.eq_ignore_ascii_case("temp"))
}

fn kind_of(what: What) -> Option<ObjectKind> {
    match what {
        What::Table | What::VirtualTable => Some(ObjectKind::Table),
        What::Index => Some(ObjectKind::Index),
        What::View => Some(ObjectKind::View),
        What::Trigger => Some(ObjectKind::Trigger),
        What::Other => None,
    }
}

/// The objects that a statement gives a name to.
fn made(step: &Step) -> Option<(ObjectKind, String)> {
    if let Some((_, to)) = renamed_table(&step.sql) {
        return Some((ObjectKind::Table, to.to_ascii_lowercase()));
    }
    match kind(&step.sql) {
        Kind::Create(object) if !object.is_temporary() => {
            Some((kind_of(object.what)?, object.name.to_ascii_lowercase()))
        }
        _ => None,
    }
}

/// Whether a unit changes an object that may be there before it.
fn changes_objects(unit: &Unit) -> bool {
    !is_conditional(unit) && unit.steps.iter().any(|step| change(step).is_some())
}

/// A repeatable that runs only where what it makes is gone.
fn is_conditional(unit: &Unit) -> bool {
    matches!(unit.record, Record::Restore(_))
}

/// The objects that differ, by kind and name.
type Drifts<'a> = HashMap<(ObjectKind, String), &'a Difference>;

fn problems(
    differences: &[Difference],
    scripts: &[Script],
    policy: DriftPolicy,
    command: &str,
) -> Vec<Diagnostic> {
    let key = |object: &Object| (object.kind, object.name.to_ascii_lowercase());
    let drifts = differences.iter().map(|it| (key(it.object()), it));
    let mut run = Walk {
        drifts: drifts.collect(),
        policy,
        command,
        applies: Applies::of(scripts),
        found: Vec::new(),
    };
    let fingerprint = fingerprint(differences);
    let units = scripts.iter().flat_map(|script| &script.units);
    for unit in units.filter(|unit| !is_conditional(unit)) {
        let source = unit.steps.iter().find_map(Step::source);
        let reverted = source.map_or_else(Vec::new, reverted_drifts);
        if reverted.iter().any(|(hash, _)| *hash == fingerprint) {
            // It takes all of the drift away.
            break;
        }
        let before = run.found.len();
        run.unit(unit);
        if let Some((hash, _)) = reverted.first() {
            for problem in &mut run.found[before..] {
                problem.notes.push(format!(
                    "the file reverts the drift {}, and this database has the drift {}",
                    short(hash),
                    short(&fingerprint)
                ));
            }
        }
    }
    run.found
}

/// The beginning of a fingerprint, which is enough to tell two apart.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// A run, unit by unit.
struct Walk<'a> {
    /// What the run has not touched yet.
    drifts: Drifts<'a>,
    policy: DriftPolicy,
    command: &'a str,
    applies: Applies,
    found: Vec<Diagnostic>,
}

/// What a run applies. While a version is pending, `drift --fix` writes no file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Applies {
    /// Versions that are not recorded.
    PendingVersions,
    /// What is recorded already, or repeatable migrations.
    Others,
}

impl Applies {
    fn of(scripts: &[Script]) -> Applies {
        let records = || {
            let units = scripts.iter().flat_map(|script| &script.units);
            units.map(|unit| &unit.record)
        };
        let is_version = |it: &Record| matches!(it.key(), Key::Migration(_));
        // A redo undoes what it applies.
        let undoes = records().any(|it| matches!(it, Record::Delete(_)));
        match !undoes && records().any(is_version) {
            true => Applies::PendingVersions,
            false => Applies::Others,
        }
    }
}

impl Walk<'_> {
    fn unit(&mut self, unit: &Unit) {
        let makes: HashSet<(ObjectKind, String)> = unit.steps.iter().filter_map(made).collect();
        let is_repeatable = matches!(unit.record.key(), Key::Repeatable(_));
        for step in unit.steps.iter() {
            if let Some(change) = change(step) {
                let key = (change.kind, change.name.clone());
                let takes_over = is_repeatable && makes.contains(&key);
                self.change(unit, step, &change, makes.contains(&key), takes_over);
            }
            if let Some(made) = made(step) {
                // From here on another object has the name.
                self.drifts.remove(&made);
            }
        }
    }

    fn change(
        &mut self,
        unit: &Unit,
        step: &Step,
        change: &Change,
        is_made_again: bool,
        takes_over: bool,
    ) {
        let key = (change.kind, change.name.clone());
        let undoes = matches!(unit.record, Record::Delete(_));
        let is_hindrance = |drift: &Difference| match (drift, change.does) {
            // It is not there, as the statement expects.
            (Difference::Missing { .. }, Does::Drops { if_exists: true }) => false,
            // The file says so with intent, the schema is the same everywhere after it, and no row is lost.
            (Difference::Unexpected { found }, Does::Drops { if_exists: true })
                if found.kind != ObjectKind::Table =>
            {
                false
            }
            // A baseline records no repeatable, and what one makes may be there.
            (Difference::Unexpected { .. }, _) => !takes_over,
            // To undo what made it is to lose it, as it was and as it is.
            (Difference::Different { .. }, Does::Drops { .. }) if undoes => is_made_again,
            _ => true,
        };
        if let Some(drift) = self.drifts.remove(&key)
            && is_hindrance(drift)
        {
            let verb = match change.does {
                Does::Alters => "alters",
                Does::Drops { .. } if is_made_again => "rebuilds",
                Does::Drops { .. } => "drops",
            };
            let problem = self.problem(drift, &format!("{} {verb} it", of(unit)), step);
            self.found.push(problem);
        }
        if !matches!(change.kind, ObjectKind::Table | ObjectKind::View) {
            return;
        }
        let is_on = |it: &Object| {
            matches!(it.kind, ObjectKind::Index | ObjectKind::Trigger)
                && it.table.eq_ignore_ascii_case(&change.name)
        };
        let on_it = self.drifts.values().copied();
        let mut on_it: Vec<&Difference> = on_it.filter(|drift| is_on(drift.object())).collect();
        on_it.sort_by_key(|drift| (drift.object().kind, &drift.object().name));
        for drift in on_it {
            let verb = match change.does {
                Does::Alters => "alters",
                Does::Drops { .. } => "drops",
            };
            let table = match change.kind {
                ObjectKind::View => "view",
                _ => "table",
            };
            let what = format!("{} {verb} its {table} {}", of(unit), drift.object().table);
            let problem = match (drift, change.does) {
                (Difference::Missing { .. }, _) | (Difference::Different { .. }, Does::Alters) => {
                    continue;
                }
                // What is extra only gets lost, or keeps a column from being dropped.
                (Difference::Unexpected { .. }, _) => Diagnostic {
                    help: Vec::new(),
                    ..self.problem(drift, &what, step).warning()
                }
                .help(match (self.applies, change.does) {
                    (Applies::Others, _) => {
                        "`drift --fix adopt` writes a migration that makes it, so that it is kept"
                    }
                    (Applies::PendingVersions, Does::Alters) => {
                        "behind this run, `drift --fix adopt` writes a migration that makes it, so that other databases \
                         get it"
                    }
                    (Applies::PendingVersions, Does::Drops { .. }) => {
                        "to keep it, create it again at the end of the file"
                    }
                }),
                (Difference::Different { .. }, Does::Drops { .. }) => {
                    self.problem(drift, &what, step)
                }
            };
            let object = drift.object();
            self.drifts
                .remove(&(object.kind, object.name.to_ascii_lowercase()));
            self.found.push(problem);
        }
    }

    fn problem(&self, drift: &Difference, what: &str, step: &Step) -> Diagnostic {
        let object = drift.object();
        let (kind, name) = (object.kind.word(), &object.name);
        let how = match drift {
            Difference::Missing { .. } => "is missing",
            Difference::Unexpected { .. } => "is not made by any recorded migration",
            Difference::Different { .. } => "is not as the recorded migrations make it",
        };
        let message = format!("{kind} {name} {how}, and {what}");
        let mut problem = Diagnostic::error("drift", message).class(Class::Drift);
        problem.location = step.origin().map(|it: Origin| it.into());
        problem.diff = diff(std::slice::from_ref(drift), "as the migrations make it");
        if self.policy == DriftPolicy::Allow {
            problem.severity = Severity::Warning;
            return problem;
        }
        let command = self.command;
        match self.applies {
            Applies::PendingVersions => problem
                .help(format!(
                    "`drift` shows the whole difference; `{command} --allow-drift` runs it on what is there. Then `drift \
                     --fix adopt` writes a migration that keeps the change, or `drift --fix revert` one that removes it: \
                     until then other databases have another schema"
                ))
                .help(
                    "to repair the drift first, move the pending file out of the folder, run `drift --fix adopt` or `drift \
                     --fix revert`, and put the file back with a version above the new one",
                ),
            Applies::Others => problem
                .help(
                    "`drift` shows the whole difference; `drift --fix adopt` and `drift --fix revert` write a migration \
                     about it",
                )
                .help(format!(
                    "`{command} --allow-drift` runs it on what is there: other databases then have another schema"
                )),
        }
    }
}

/// The unit as the subject of a sentence.
fn of(unit: &Unit) -> String {
    match &unit.record {
        Record::Delete(key) => format!("undoing {key}"),
        record => record.key().to_string(),
    }
}
