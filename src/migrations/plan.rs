//! What is to be done: a set and a history become a plan. Pure, so that a dry run, a status, the tests and an apply
//! all read the same.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::again::{Repeatable, with_repeatables};
use super::baseline::is_adopted;
use super::downs;
use super::drift::DriftPolicy;
use super::file::meaning;
use super::identity::{self, Identity};
use super::made::{Change, are_gone, changes, made, may_lose};
use super::mismatch;
use super::problem::{self, Edit, argument, diff};
use super::ran;
use super::reading::{self, Leaves, Reading, Until};
use super::same_object::has_another_text;
use super::same_text::{self, Standing};
use super::set::{Migration, Migrations};
use super::undo::did_nothing;
use crate::db::Engine;
use crate::diagnostic::{Diagnostic, Severity};
use crate::history::{DOWN_CHECKSUM, FILE_LAYOUT, History, Row, State as Recorded, moment};
use crate::layouts::Layout;
use crate::script::{Atomicity, Entry, Key, Made, OnFailure, Record, Revision, Script, Unit};
use crate::setters::setters;
use crate::sql::{Kind, Object, What, kind};

/// How far to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Target {
    /// Everything that is pending.
    #[default]
    Latest,
    /// Versions up to and with this one; repeatables wait.
    Version(i64),
}

/// How many transactions to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Grouping {
    /// As few as possible without changing the result: a new one begins only where the foreign-key mode changes, and at a
    /// `no-transaction` file.
    #[default]
    All,
    /// One for each migration.
    Each,
}

/// What to do about a version below the newest applied one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum OutOfOrder {
    /// It is a problem, unless its file begins with `U`.
    #[default]
    Refuse,
    /// Apply it late. A new database gets the versions in another order than this one did.
    Allow,
}

/// How to plan.
///
/// ```
/// use seedbed::migrations::{PlanOptions, Target};
///
/// let options = PlanOptions::default().target(Target::Version(3));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PlanOptions {
    /// How far.
    pub target: Target,
    /// In how many transactions.
    pub grouping: Grouping,
    /// Late versions.
    pub out_of_order: OutOfOrder,
    /// Objects that are not as the recorded migrations make them, where the run changes them. A plan alone does not look.
    pub drift: DriftPolicy,
}

setters!(PlanOptions {
    target: Target,
    grouping: Grouping,
    out_of_order: OutOfOrder,
    drift: DriftPolicy,
});

/// What is there, what is wrong and what is to be done.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct MigrationPlan {
    /// Every migration that is known, from the files and from the history: versions ascending, then repeatables.
    pub items: Vec<Item>,
    /// What is wrong, and what should be known; while there is an error among it, there are no scripts.
    pub problems: Vec<Diagnostic>,
    /// What is to be run, in this order.
    pub scripts: Vec<Script>,
    /// Applied repeatables that run outside of a transaction, and that this run may cost an object: whether it did shows
    /// afterwards.
    pub to_look_at: Vec<Key>,
}

impl MigrationPlan {
    /// The problems that stop the run.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        of(&self.problems, Severity::Error)
    }

    /// The problems that do not.
    pub fn warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        of(&self.problems, Severity::Warning)
    }

    /// The same for a report, which runs nothing: that another tool has a history is a warning there, and so is a file that
    /// is still to be written.
    #[must_use]
    pub fn for_a_report(mut self) -> MigrationPlan {
        for problem in &mut self.problems {
            if [problem::OTHER_HISTORY, problem::UNWRITTEN].contains(&problem.code) {
                problem.severity = Severity::Warning;
            }
        }
        self
    }

    /// The `no-transaction` migration that runs now, or died.
    pub fn started(&self) -> Option<&Item> {
        self.items.iter().find(|item| item.state == State::Started)
    }
}

fn of(problems: &[Diagnostic], severity: Severity) -> impl Iterator<Item = &Diagnostic> {
    problems
        .iter()
        .filter(move |problem| problem.severity == severity)
}

/// One migration, as `status` shows it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Item {
    /// Its version or name.
    pub key: Key,
    /// The words of its file name.
    pub name: String,
    /// How it stands.
    pub state: State,
    /// sha256: of the recorded text where there is one, else of the file.
    pub checksum: String,
    /// When it was applied, by the database's clock.
    pub applied_at: Option<String>,
    /// How long that took, in whole milliseconds.
    pub duration_ms: Option<i64>,
    /// Its file.
    pub file: Option<String>,
    /// Of a pending repeatable whose text is recorded: which of its objects are gone.
    pub reason: Option<String>,
}

/// How a migration stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// In the database, as the file says.
    Applied,
    /// Not yet in the database; of a repeatable also: in it with another text, or not any more.
    Pending,
    /// In the database, above the newest file.
    Ahead,
    /// In the database with another text than the file's.
    Edited,
    /// In the database, without a file.
    Missing,
    /// Begun outside of a transaction, and not finished.
    Started,
}

impl State {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            State::Applied => "applied",
            State::Pending => "pending",
            State::Ahead => "ahead",
            State::Edited => "edited",
            State::Missing => "missing",
            State::Started => "started",
        }
    }
}

/// Plans an apply.
pub fn plan(set: &Migrations, history: &History, options: &PlanOptions) -> MigrationPlan {
    let identity = Identity::of(set, history);
    let mut planner = Planner {
        set,
        history,
        is_other_project: false,
        engine: history.engine,
        rows: history.by_key(),
        newest_applied: history.versions().last().map(|(version, _)| *version),
        newest_file: set.newest(),
        options,
        plan: MigrationPlan {
            problems: identity::file_problems(set, history),
            ..MigrationPlan::default()
        },
        pending: Vec::new(),
        identity,
        repeatables: Vec::new(),
    };
    planner.numbers();
    let mut versions: BTreeMap<i64, (Option<&Migration>, Option<&Row>)> = BTreeMap::new();
    for migration in &set.versioned {
        if let Some(version) = migration.version() {
            versions.entry(version).or_default().0 = Some(migration);
        }
    }
    for (version, row) in history.versions() {
        versions.entry(version).or_default().1 = Some(row);
    }
    if let Some(unfinished) = &history.unfinished {
        planner.plan.problems.push(unfinished.diagnostic());
    }
    let others = super::foreign::other_histories(set, history);
    planner.plan.problems.extend(others);
    if let Target::Version(version) = options.target
        && !versions.contains_key(&version)
    {
        let problem = problem::no_such_version(version, "files");
        planner.plan.problems.push(problem);
    }
    let mut ahead = Vec::new();
    for (version, pair) in versions {
        match pair {
            (Some(migration), Some(row)) => planner.recorded(migration, row),
            (Some(migration), None) => planner.not_recorded(version, migration),
            // Which of its files the version keeps is a problem of its own.
            (None, Some(row)) if set.claims(&row.key).next().is_some() => {
                planner.item_of_row(row, State::Applied);
            }
            (None, Some(row)) if planner.is_elsewhere(row) => {
                planner.item_of_row(row, State::Missing);
            }
            (None, Some(row)) if row.state == Recorded::Started => {
                planner.item_of_row(row, State::Started);
            }
            (None, Some(row)) => {
                if planner.newest_file.is_none_or(|newest| version > newest) {
                    ahead.push(version);
                    planner.item_of_row(row, State::Ahead);
                } else {
                    planner.gone(row);
                }
            }
            (None, None) => {}
        }
    }
    // Files that could not be read as migrations say nothing about what comes after them.
    let are_unread = set.is_empty() && set.problems.iter().any(Diagnostic::is_error);
    if !ahead.is_empty() && !are_unread {
        let newest = planner.newest_file;
        planner.plan.problems.push(is_ahead(&ahead, newest));
    }
    planner.repeatables(set, history);
    planner.done(history)
}

struct Planner<'a> {
    set: &'a Migrations,
    history: &'a History,
    identity: Identity<'a>,
    /// Nothing that is recorded is compared with the files.
    is_other_project: bool,
    engine: Engine,
    rows: HashMap<&'a Key, &'a Row>,
    newest_applied: Option<i64>,
    newest_file: Option<i64>,
    options: &'a PlanOptions,
    plan: MigrationPlan,
    /// What is to be applied, in order.
    pending: Vec<(&'a Migration, Reading)>,
    /// The repeatables that are applied, and those that run, with what they make.
    repeatables: Vec<(&'a Migration, Vec<Made>)>,
}

impl<'a> Planner<'a> {
    /// Reports which recorded migrations have other numbers now.
    fn numbers(&mut self) {
        let (set, history) = (self.set, self.history);
        if let Some(problem) = mismatch::other_project(set, history, &self.identity) {
            self.plan.problems.push(problem);
            self.is_other_project = true;
            return;
        }
        for (key, file) in self.identity.all() {
            let Some(row) = self.rows.get(key).filter(|row| is_versioned(row)) else {
                continue;
            };
            let order = self.options.out_of_order;
            let problem = mismatch::renumbered(row, file, set, history, &self.identity, order);
            self.plan.problems.push(problem);
        }
    }

    /// Whether what is recorded of this row is reported already.
    fn is_elsewhere(&self, row: &Row) -> bool {
        self.is_other_project || self.identity.moved(&row.key).is_some()
    }

    fn recorded(&mut self, migration: &'a Migration, row: &Row) {
        if row.state == Recorded::Applied && self.is_elsewhere(row) {
            self.item_of_row(row, State::Edited);
            self.with_file(migration);
            if !self.identity.is_taken(&migration.key) {
                self.apply(migration);
            }
            return;
        }
        let edit = edit(migration, row);
        let state = match (row.state, edit) {
            (Recorded::Started, _) => State::Started,
            (Recorded::Applied, Some(Edit::Meaning)) => State::Edited,
            (Recorded::Applied, _) => State::Applied,
        };
        let of_another = downs::of_another(migration, self.set, self.history, &self.identity);
        // The down file of another migration is a problem of its own, and is not recorded.
        let edit = edit.filter(|edit| *edit != Edit::Down || of_another.is_none());
        if let Some(of_another) = of_another {
            let is_same =
                |it: &Diagnostic| (it.code, &it.subject) == (of_another.code, &of_another.subject);
            if !self.plan.problems.iter().any(is_same) {
                self.plan.problems.push(of_another.warning());
            }
        }
        if let Some(edit) = edit.filter(|_| row.state == Recorded::Applied) {
            let is_other = edit == Edit::Meaning && migration.words != row.name;
            self.plan.problems.push(match is_other {
                true => mismatch::other_migration(row, migration, self.history),
                false => edited(migration, row, edit, self.set, self.history),
            });
        }
        self.item_of_row(row, state);
        self.with_file(migration);
    }

    fn not_recorded(&mut self, version: i64, migration: &'a Migration) {
        self.item_of_file(migration, State::Pending);
        // Its record has another number, and `repair` moves it here.
        if self.is_other_project || self.identity.is_taken(&migration.key) {
            return;
        }
        let late = self.newest_applied.filter(|newest| version < *newest);
        if let Some(newest) = late
            && migration.order == super::file::Order::Strict
            && self.options.out_of_order == OutOfOrder::Refuse
        {
            let file = &migration.up.source.name;
            let message =
                format!("V{version} is not applied, but V{newest}, which comes after it, is");
            self.plan.problems.push(
                Diagnostic::problem("out-of-order", message)
                    .about(&migration.key)
                    .in_file(file)
                    .help(self.late(migration)),
            );
        }
        let wanted = match self.options.target {
            Target::Latest => true,
            Target::Version(last) => version <= last,
        };
        if wanted {
            self.apply(migration);
        }
    }

    /// What to do about a file below what is applied. Another database may have applied what is published.
    fn late(&self, migration: &Migration) -> String {
        let file = &migration.up.source.name;
        let renumber = problem::renumber(file, &[file]);
        match &self.set.published {
            Some(published) if published.has(migration) => format!(
                "{} is in {}, so it keeps its version; apply it late: `migrate --allow-out-of-order`",
                problem::file_name(file),
                published.base
            ),
            Some(_) => format!(
                "give it the next free version: {renumber}; or apply it late: `migrate --allow-out-of-order`"
            ),
            None => format!(
                "if no other database has applied it, give it the next free version: {renumber}; or apply it late: \
                 `migrate --allow-out-of-order`"
            ),
        }
    }

    fn apply(&mut self, migration: &'a Migration) {
        let engine = self.engine;
        let mut reading = reading::read_text(&migration.up, engine, &self.history.table);
        let large = |problem: &Diagnostic| problem.code == reading::TOO_LARGE;
        if !reading.problems.iter().any(large) {
            let down = migration.down.as_ref().map(|down| &*down.source);
            let text = reading::too_large(&migration.up.source, down, engine);
            self.plan.problems.extend(text);
        }
        self.plan.problems.append(&mut reading.problems);
        self.plan.problems.extend(migration.unwritten());
        self.plan.problems.extend(migration.undoes_nothing());
        let of_another = downs::of_another(migration, self.set, self.history, &self.identity);
        if let Some(of_another) = of_another {
            // The same as an error: it would be recorded.
            let is_same =
                |it: &Diagnostic| it.code == downs::OTHER_WORDS && it.subject == of_another.subject;
            self.plan.problems.retain(|it| !is_same(it));
            self.plan.problems.push(of_another);
        }
        self.plan.problems.extend(reading::of_down(
            migration.down.as_ref(),
            engine,
            &self.history.table,
        ));
        self.pending.push((migration, reading));
    }

    fn gone(&mut self, row: &Row) {
        if row.state == Recorded::Started {
            return self.item_of_row(row, State::Started);
        }
        self.item_of_row(row, State::Missing);
        let (key, name, at) = (&row.key, &row.name, moment(&row.applied_at));
        let problem = |which: String| {
            let message = format!("{which} was applied on {at} and has no file any more");
            Diagnostic::problem("missing", message).about(key)
        };
        self.plan.problems.push(match key {
            Key::Repeatable(_) => {
                let problem = problem(key.to_string()).warning();
                match self.identity.moved(key) {
                    Some(now) => problem.help(format!(
                        "its text is now {}: `repair` moves its record there",
                        now.up.source.name
                    )),
                    None => problem
                        .notes(self.made_by(row))
                        .help("`repair` removes its record, and drops nothing"),
                }
            }
            _ => {
                let argument = argument(key);
                let back = match ran::file(row, self.set) {
                    Some(file) => format!(
                        "bring the file back: `status --source {argument} > {file}` writes it as it was applied"
                    ),
                    None => "bring the file and its entry in the journal back with git".to_owned(),
                };
                problem(format!("{key}__{name}"))
                    .help(back)
                    .help(format!(
                        "if it is to be forgotten: `repair {argument}` removes its record, and drops nothing"
                    ))
            }
        });
    }

    /// What became of the objects of a repeatable without a file, as far as this run leaves that as it is.
    fn made_by(&self, row: &Row) -> Option<String> {
        let objects = made(&ran::text(row)?);
        if objects.is_empty() || self.history.objects.is_none() {
            return None;
        }
        let gone = self.history.gone(&objects);
        if gone.len() == objects.len() {
            return Some("what it made is no longer in the database".to_owned());
        }
        let pending = self.pending.iter().flat_map(|(_, reading)| &reading.steps);
        let changes: Vec<Change> = changes(pending.map(|step| &*step.sql)).collect();
        let there = objects.iter().filter(|made| !gone.contains(made));
        let stays = there.filter(|made| !may_lose(made, &changes, self.history));
        let stays: Vec<String> = stays.map(Made::to_string).collect();
        let is = if stays.len() == 1 { "is" } else { "are" };
        (!stays.is_empty()).then(|| {
            format!(
                "{} {is} in the database; a migration can drop what is not needed",
                stays.join(" and ")
            )
        })
    }

    fn repeatables(&mut self, set: &'a Migrations, history: &History) {
        for migration in &set.repeatable {
            match self.rows.get(&migration.key).copied() {
                Some(row) if row.state == Recorded::Started => {
                    self.item_of_row(row, State::Started);
                    self.with_file(migration);
                }
                Some(row) if row.checksum == migration.up.checksum => {
                    let made = made(&migration.up.source.text);
                    let gone = history.gone(&made);
                    let reason = (!gone.is_empty()).then(|| are_gone(&gone));
                    let state = match reason {
                        Some(_) => State::Pending,
                        None => State::Applied,
                    };
                    self.item_of_row(row, state);
                    self.with_file(migration);
                    if let Some(item) = self.plan.items.last_mut() {
                        item.reason = reason;
                    }
                    match state {
                        State::Pending => self.pending_repeatable(migration),
                        _ => self.repeatables.push((migration, made)),
                    }
                }
                _ => {
                    self.item_of_file(migration, State::Pending);
                    self.pending_repeatable(migration);
                }
            }
        }
        self.left_pending();
        for row in &history.rows {
            if matches!(row.key, Key::Repeatable(_)) && set.get(&row.key).is_none() {
                self.gone(row);
            }
        }
    }

    fn pending_repeatable(&mut self, migration: &'a Migration) {
        if self.options.target == Target::Latest {
            let made = made(&migration.up.source.text);
            self.repeatables.push((migration, made));
            self.apply(migration);
        }
    }

    /// With a version as its target, a run leaves repeatables pending.
    fn left_pending(&mut self) {
        let is_left =
            |item: &&Item| matches!(item.key, Key::Repeatable(_)) && item.state == State::Pending;
        let items = self.plan.items.iter().filter(is_left);
        let left: Vec<String> = items.map(|item| item.key.to_string()).collect();
        if self.options.target == Target::Latest || left.is_empty() {
            return;
        }
        let message = format!(
            "{} stay{} pending: repeatables are not applied with `--to`",
            left.join(", "),
            if left.len() == 1 { "s" } else { "" }
        );
        self.plan.problems.push(
            Diagnostic::problem(problem::REPEATABLES_PENDING, message)
                .warning()
                .help("`migrate` without `--to` applies them, after all versions"),
        );
    }

    fn item_of_row(&mut self, row: &Row, state: State) {
        if row.state == Recorded::Started {
            self.plan.problems.push(problem::started(row));
        }
        self.plan.items.push(Item {
            key: row.key.clone(),
            name: row.name.clone(),
            state,
            checksum: row.checksum.clone(),
            applied_at: Some(row.applied_at.clone()),
            duration_ms: row.duration_ms,
            file: None,
            reason: None,
        });
    }

    /// The item that was added last has this file.
    fn with_file(&mut self, migration: &Migration) {
        if let Some(item) = self.plan.items.last_mut() {
            item.file = Some(migration.up.source.name.clone());
        }
    }

    fn item_of_file(&mut self, migration: &Migration, state: State) {
        self.plan.items.push(Item {
            key: migration.key.clone(),
            name: migration.words.clone(),
            state,
            checksum: migration.up.checksum.clone(),
            applied_at: None,
            duration_ms: None,
            file: Some(migration.up.source.name.clone()),
            reason: None,
        });
    }

    /// Views and triggers of repeatables that would stay as they are.
    fn created_once(&mut self) {
        let pending = self.pending.iter();
        let (repeatables, versions): (Vec<_>, Vec<_>) =
            pending.partition(|(file, _)| file.version().is_none());
        if repeatables.is_empty() {
            return;
        }
        let steps = versions.iter().flat_map(|(_, reading)| &reading.steps);
        let changes: Vec<Change> = changes(steps.map(|step| &*step.sql)).collect();
        for (file, reading) in repeatables {
            let made = made(&file.up.source.text);
            let stays = |object: &Object| {
                let mut made = made.iter();
                made.any(|it| {
                    (it.what, &it.name) == (object.what, &object.name)
                        && !may_lose(it, &changes, self.history)
                })
            };
            let problems = has_another_text(&reading.steps, &self.history.known, stays);
            let problems = problems.into_iter().map(|it| it.about(&file.key));
            self.plan.problems.extend(problems);
        }
    }

    /// Statements that would run twice, or again.
    fn repeated_texts(&mut self) {
        let pending: HashSet<&Key> = self.pending.iter().map(|(file, _)| &file.key).collect();
        let standing = |file: &Migration| match pending.contains(&file.key) {
            true => Standing::New,
            false => Standing::Old,
        };
        let row_of = |file: &Migration| self.rows.get(&file.key).copied();
        let ran =
            |file: &Migration| row_of(file).is_some_and(|row| identity::has_text_of(file, row));
        let twice = same_text::repeated(self.set, standing)
            .filter(|(_, other, of)| *of == Standing::New || ran(other))
            .map(|(file, other, of)| same_text::would_run_twice(file, other, of));
        let twice: Vec<Diagnostic> = twice.collect();
        self.plan.problems.extend(twice);
    }

    fn done(mut self, history: &History) -> MigrationPlan {
        self.repeated_texts();
        let readings = self.pending.iter().map(|(_, reading)| reading);
        let already = super::foreign::already_there(history, readings);
        self.plan.problems.extend(already);
        self.created_once();
        if self.plan.errors().next().is_some() {
            return self.plan;
        }
        let of_comments = self.pending.iter().map(|(migration, _)| *migration);
        let of_comments = of_comments.filter(|migration| migration.is_comments_only());
        let files: Vec<&str> = of_comments.map(|it| it.up.source.name.as_str()).collect();
        self.plan.problems.extend(problem::comments_only(&files));
        let running: HashSet<&Key> = self.pending.iter().map(|(file, _)| &file.key).collect();
        let mut units = Vec::new();
        let mut repeatables: HashMap<&Key, (Record, Reading)> = HashMap::new();
        for (migration, reading) in self.pending {
            let entry = entry(migration);
            let record = if self.rows.contains_key(&migration.key) {
                Record::Replace(entry)
            } else {
                Record::Insert(entry)
            };
            match migration.version() {
                Some(_) => units.push((record, reading)),
                None => drop(repeatables.insert(&migration.key, (record, reading))),
            }
        }
        let each = self.repeatables.into_iter();
        let recorded = |key: &Key| self.rows.get(key).and_then(|row| row.source.as_deref());
        let each = each.map(|(migration, made_now)| Repeatable {
            made: made_now,
            was: recorded(&migration.key).map(made).unwrap_or_default(),
            ..Repeatable::of_file(migration, repeatables.remove(&migration.key))
        });
        // What waits for a later run may bring what a repeatable needs.
        let waits = |item: &Item| item.state == State::Pending && !running.contains(&item.key);
        let on_failure = match self.options.target {
            Target::Version(_) if self.plan.items.iter().any(waits) => OnFailure::Continue,
            Target::Version(_) | Target::Latest => OnFailure::Stop,
        };
        let all = with_repeatables(units, each.collect(), history, on_failure);
        self.plan.to_look_at = all.outside;
        self.plan.scripts = scripts(all.units, history.revision, self.options.grouping);
        self.plan
    }
}

/// Puts units into as few scripts as their meaning and the grouping allow. What a file leaves on its connection ends
/// before the next file: it is set back, or the script ends with that file.
pub(super) fn scripts(
    units: impl IntoIterator<Item = (Record, Reading)>,
    revision: Revision,
    grouping: Grouping,
) -> Vec<Script> {
    let mut scripts: Vec<Script> = Vec::new();
    let mut left = Leaves::default();
    for (record, reading) in units {
        let unit = Unit {
            record,
            steps: Arc::new(reading.steps),
        };
        match scripts.last_mut() {
            Some(script)
                if grouping == Grouping::All
                    && left.until == Until::File
                    && (script.foreign_keys == reading.foreign_keys || is_neutral(&unit))
                    && (script.atomicity, reading.atomicity)
                        == (Atomicity::Transaction, Atomicity::Transaction) =>
            {
                if let Some(before) = script.units.last_mut() {
                    Arc::make_mut(&mut before.steps).append(&mut left.resets);
                }
                script.units.push(unit);
            }
            last => {
                let expects = last.map_or(revision, |script| script.leaves());
                scripts.push(Script {
                    expects,
                    foreign_keys: reading.foreign_keys,
                    atomicity: reading.atomicity,
                    units: vec![unit],
                });
            }
        }
        left = reading.leaves;
    }
    scripts
}

/// Whether a repeatable that is made again means the same with foreign keys on and off: then it shares the transaction of
/// what dropped its objects.
fn is_neutral(unit: &Unit) -> bool {
    let views = |object: &crate::sql::Object| {
        matches!(object.what, What::View | What::Index | What::Trigger)
    };
    matches!(unit.record, Record::Restore(_))
        && unit.steps.iter().all(|step| match kind(&step.sql) {
            Kind::Create(object) | Kind::Drop(object) => views(&object),
            _ => false,
        })
}

/// What is recorded of a migration.
pub(super) fn entry(migration: &Migration) -> Entry {
    let mut detail = serde_json::Map::new();
    if let Some(down) = &migration.down {
        detail.insert(DOWN_CHECKSUM.to_owned(), down.checksum.clone().into());
    }
    if migration.layout != Layout::Seedbed {
        detail.insert(FILE_LAYOUT.to_owned(), migration.layout.word().into());
    }
    Entry {
        key: migration.key.clone(),
        name: migration.words.clone(),
        checksum: migration.up.checksum.clone(),
        effective: None,
        source: migration.up.recorded.clone().into(),
        down: migration.down.as_ref().map(|down| down.recorded.clone()),
        detail,
    }
}

/// A file that differs from its record.
fn edited(
    migration: &Migration,
    row: &Row,
    edit: Edit,
    set: &Migrations,
    history: &History,
) -> Diagnostic {
    let (key, at) = (&row.key, moment(&row.applied_at));
    let message = match edit {
        Edit::Meaning => format!("{key} was changed after it was applied on {at}"),
        Edit::Wording => {
            format!("comments or spaces of {key} were changed after it was applied on {at}")
        }
        Edit::Name => format!("{key} was renamed after it was applied on {at}"),
        Edit::Down => format!(
            "the {} of {key} was changed after it was applied on {at}; `undo` would run the recorded one",
            migration.down_words()
        ),
    };
    let help = match edit {
        Edit::Meaning => format!(
            "put the file back as it was and write the change as a new migration; if the database is already as the \
             file says, `repair {}` compares the schema and records the file",
            argument(key)
        ),
        Edit::Wording | Edit::Name | Edit::Down => "`repair` records the file as it is".to_owned(),
    };
    let file = match (edit, &migration.down) {
        (Edit::Down, Some(down)) => &down.source,
        _ => &migration.up.source,
    };
    let recorded = row.source.as_deref();
    let whole = migration.up.whole();
    let diff = recorded.map(|recorded| diff(format!("{key} as applied"), recorded, &whole));
    let steps = match edit {
        Edit::Meaning => steps_to_redo(row, set, history),
        Edit::Wording | Edit::Name | Edit::Down => None,
    };
    let redo = steps.map(|steps| {
        let redo = match steps {
            1 => "redo".to_owned(),
            steps => format!("redo --steps {steps}"),
        };
        let does = match (did_nothing(row), steps) {
            (true, 1) => "applies the file: the recorded text held no statement, so there is nothing to undo".to_owned(),
            (false, 1) => "undoes it by the recorded down text and applies the file".to_owned(),
            (_, steps) => format!(
                "undoes the newest {steps} by their recorded down texts and applies their files, {key} first"
            ),
        };
        format!("if no other database has applied it: `{redo}` {does}")
    });
    let diagnostic = edit.diagnostic(key, file, message, diff);
    match did_nothing(row) {
        true => diagnostic.helps(redo).help(help),
        false => diagnostic.help(help).helps(redo),
    }
}

/// How many steps a `redo` takes that applies the file of a recorded migration, where one can: all above it are undone and
/// applied again too.
fn steps_to_redo(row: &Row, set: &Migrations, history: &History) -> Option<usize> {
    let versions = history.versions();
    let from = versions.iter().position(|(_, it)| it.key == row.key)?;
    let can_be_redone = |(_, it): &(i64, &Row)| {
        let file = set.get(&it.key);
        let keeps_a_down = |file: &Migration| {
            it.key == row.key || edit(file, it) != Some(Edit::Meaning) || file.down.is_some()
        };
        it.state == Recorded::Applied
            && !is_adopted(it)
            && (it.has_down || did_nothing(it))
            && file.is_some_and(keeps_a_down)
    };
    let all = &versions[from..];
    all.iter().all(can_be_redone).then_some(all.len())
}

/// Applied versions above the newest file: an older release is being deployed.
fn is_ahead(versions: &[i64], newest: Option<i64>) -> Diagnostic {
    let message = format!(
        "the database is ahead of these files: {} {} applied, and {}",
        problem::listed(versions),
        if versions.len() == 1 { "is" } else { "are" },
        newest.map_or("there is no file".to_owned(), |newest| {
            format!("the newest file is V{newest}")
        })
    );
    Diagnostic::problem("ahead", message).warning().help(
        "nothing has to be done where an older release is deployed; otherwise bring the newer files back",
    )
}

fn is_versioned(row: &Row) -> bool {
    matches!(row.key, Key::Migration(_))
}

/// How a file differs from its record.
pub(super) fn edit(migration: &Migration, row: &Row) -> Option<Edit> {
    if migration.up.checksum != row.checksum {
        let same = ran::text(row)
            .is_some_and(|recorded| meaning(&recorded) == meaning(&migration.up.source.text));
        return Some(match same {
            true if migration.has_sections() && downs::differs(migration, row) => Edit::Down,
            true => Edit::Wording,
            false => Edit::Meaning,
        });
    }
    if migration.words != row.name {
        return Some(Edit::Name);
    }
    downs::differs(migration, row).then_some(Edit::Down)
}
