//! A change to a database, as a value.
//!
//! A [`Script`] says what is to happen, what is to be recorded about it, and on which [`Revision`] of the
//! history it was planned. Whoever decides (migrations, undo, repair, seeds) makes scripts and does nothing else;
//! [`crate::history::run`] turns one into transactions and hands them to [`crate::db`].
//!
//! Nothing here knows a database, a file system or a clock.

use std::collections::HashSet;
use std::ops::{Deref, Range};
use std::sync::Arc;

use crate::sql::{Kind, Place, Value, What, kind, place, tokens};

/// How often the history was changed. `_migrations` holds it; a script that was planned on another one is refused.
///
/// A database without a `_migrations` table is at [`Revision::NONE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Revision(pub i64);

impl Revision {
    /// The revision of a database in which nothing was ever recorded.
    pub const NONE: Revision = Revision(0);

    /// The revision that one script leaves behind.
    pub fn next(self) -> Revision {
        Revision(self.0 + 1)
    }
}

/// Whether the engine enforces foreign keys while a script runs.
///
/// `PRAGMA foreign_keys` is a no-op inside a transaction, so this belongs to the transaction and not to a
/// statement: <https://sqlite.org/pragma.html#pragma_foreign_keys>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForeignKeys {
    /// Enforced statement by statement: the default.
    #[default]
    On,
    /// Not enforced, so that `DROP TABLE` deletes no children. Violations are compared before and after, and a new one
    /// fails the script.
    Off,
    /// The same, without the comparison.
    Unchecked,
}

/// Whether the steps of a script share one transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Atomicity {
    /// All steps and records happen, or none does.
    #[default]
    Transaction,
    /// The steps run one by one, each committed by itself, between a record that says `started` and one that says
    /// `applied`: for statements that cannot run in a transaction (`VACUUM`, some pragmas).
    Bare,
}

/// One change: all of it happens and is recorded, or none of it does.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// The revision of the history it was planned on.
    pub expects: Revision,
    /// Whether foreign keys are enforced meanwhile.
    pub foreign_keys: ForeignKeys,
    /// Whether its steps share one transaction.
    pub atomicity: Atomicity,
    /// What is done and recorded, in this order.
    pub units: Vec<Unit>,
}

/// How a script runs, which is why it is not part of the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// What it is about, in order.
    pub keys: Vec<Key>,
    /// Whether foreign keys are enforced meanwhile.
    pub foreign_keys: ForeignKeys,
    /// Whether its steps share one transaction.
    pub atomicity: Atomicity,
    /// Whether it drops a table, for which foreign keys have to be off.
    pub drops_table: bool,
}

impl Script {
    /// How it runs.
    pub fn outline(&self) -> Outline {
        let records = self.units.iter().map(|unit| &unit.record);
        let records = records.filter(|record| !matches!(record, Record::Restore(_)));
        let mut seen = HashSet::new();
        let keys = records
            .map(Record::key)
            .filter(|key| seen.insert(*key))
            .cloned()
            .collect();
        let drops = |step: &Step| matches!(kind(&step.sql), Kind::Drop(object) if object.what == What::Table);
        let mut steps = self.units.iter().flat_map(|unit| unit.steps.iter());
        Outline {
            keys,
            foreign_keys: self.foreign_keys,
            atomicity: self.atomicity,
            drops_table: self.foreign_keys == ForeignKeys::Off && steps.any(drops),
        }
    }
}

/// What is recorded, and the statements that make it true.
#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    /// The change to `_migrations`.
    pub record: Record,
    /// The statements, in order. Shared with the transactions that run them.
    pub steps: Arc<Vec<Step>>,
}

impl Unit {
    /// The file that its statements are from.
    pub fn file(&self) -> Option<&str> {
        let origin = self.steps.iter().find_map(|step| step.origin.as_ref())?;
        Some(&origin.source.name)
    }

    /// How many statements its files hold: without those that Seedbed adds, which have no place in a file.
    pub fn statements(&self) -> usize {
        let of_files = self.steps.iter().filter(|step| step.origin.is_some());
        match of_files.count() {
            0 => self.steps.len(),
            count => count,
        }
    }
}

/// One statement, its bound values, and where it came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The text of one statement, as its author wrote it. Shared, as the values are: a script may be sent twice.
    pub sql: Sql,
    /// Values for `?1`, `?2`, …
    pub args: Arc<[Value]>,
    /// The place in a file, for statements that somebody wrote.
    pub origin: Option<Origin>,
    /// A query to run where this step fails, before anything is rolled back; its rows go into the failure.
    pub explain: Option<Arc<String>>,
    /// A query to run where this is the last step and the `COMMIT` behind it fails, before anything is rolled back; its
    /// rows go into the failure.
    pub explain_commit: Option<Arc<String>>,
    /// The step fails where the database is no longer in the state that the script was planned on, and never otherwise.
    pub is_guard: bool,
    /// When it runs; without a condition, where the step before it succeeded.
    pub when: Option<Box<When>>,
    /// What its failure does.
    pub on_failure: OnFailure,
}

/// The text of a statement. A file may hold a million statements, so those of files are no copies.
#[derive(Clone)]
pub enum Sql {
    /// A text of its own.
    Own(Arc<str>),
    /// A part of a file.
    Written(Origin),
}

impl Deref for Sql {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Sql::Own(text) => text,
            Sql::Written(origin) => origin.text(),
        }
    }
}

impl From<&str> for Sql {
    fn from(text: &str) -> Sql {
        Sql::Own(text.into())
    }
}

impl From<String> for Sql {
    fn from(text: String) -> Sql {
        Sql::Own(text.into())
    }
}

impl From<Arc<str>> for Sql {
    fn from(text: Arc<str>) -> Sql {
        Sql::Own(text)
    }
}

impl PartialEq for Sql {
    fn eq(&self, other: &Sql) -> bool {
        **self == **other
    }
}

impl std::fmt::Debug for Sql {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&**self, f)
    }
}

/// The steps of a transaction, in order. Those of a unit are shared with its script.
#[derive(Debug, Clone, Default)]
pub struct StepList {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
enum Part {
    Own(Vec<Step>),
    Shared(Arc<Vec<Step>>),
}

impl Part {
    fn steps(&self) -> &[Step] {
        match self {
            Part::Own(steps) => steps,
            Part::Shared(steps) => steps,
        }
    }
}

impl StepList {
    /// The steps.
    pub fn iter(&self) -> impl Iterator<Item = &Step> {
        self.parts.iter().flat_map(Part::steps)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.steps().len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The step with this number, from 0.
    pub fn get(&self, number: usize) -> Option<&Step> {
        let mut left = number;
        for part in &self.parts {
            match part.steps().get(left) {
                Some(step) => return Some(step),
                None => left -= part.steps().len(),
            }
        }
        None
    }

    /// Adds a step.
    pub fn push(&mut self, step: Step) {
        match self.parts.last_mut() {
            Some(Part::Own(steps)) => steps.push(step),
            _ => self.parts.push(Part::Own(vec![step])),
        }
    }

    /// Adds the steps of a unit.
    pub fn share(&mut self, steps: &Arc<Vec<Step>>) {
        if !steps.is_empty() {
            self.parts.push(Part::Shared(steps.clone()));
        }
    }

    /// The last step. That of a unit is copied.
    pub(crate) fn last_mut(&mut self) -> Option<&mut Step> {
        match self.parts.last_mut()? {
            Part::Own(steps) => steps.last_mut(),
            Part::Shared(steps) => Arc::make_mut(steps).last_mut(),
        }
    }

    /// The steps that are not shared, each with its number.
    pub(crate) fn own_mut(&mut self) -> impl Iterator<Item = (usize, &mut Step)> {
        let mut end = 0;
        self.parts.iter_mut().flat_map(move |part| {
            let begin = end;
            end += part.steps().len();
            let own: &mut [Step] = match part {
                Part::Own(steps) => steps,
                Part::Shared(_) => &mut [],
            };
            (begin..).zip(own)
        })
    }
}

impl From<Vec<Step>> for StepList {
    fn from(steps: Vec<Step>) -> StepList {
        StepList {
            parts: vec![Part::Own(steps)],
        }
    }
}

impl<const N: usize> From<[Step; N]> for StepList {
    fn from(steps: [Step; N]) -> StepList {
        Vec::from(steps).into()
    }
}

impl FromIterator<Step> for StepList {
    fn from_iter<T: IntoIterator<Item = Step>>(steps: T) -> StepList {
        steps.into_iter().collect::<Vec<_>>().into()
    }
}

impl PartialEq for StepList {
    fn eq(&self, other: &StepList) -> bool {
        self.iter().eq(other.iter())
    }
}

/// The condition of a step, on the steps before it in its transaction. They are counted back from it: 1 is the one
/// before. A step that was skipped neither succeeded nor failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// It ran and succeeded.
    Succeeded(usize),
    /// It ran and failed.
    Failed(usize),
    /// It failed, or was skipped.
    NotSucceeded(usize),
    /// The transaction is open still.
    InTransaction,
    /// Each of these holds.
    All(Vec<When>),
    /// One of these holds.
    Any(Vec<When>),
}

/// What became of a step of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepState {
    Succeeded,
    Failed,
    Skipped,
}

impl When {
    /// Whether it holds after these steps.
    pub(crate) fn holds(&self, before: &[StepState]) -> bool {
        let is = |back: usize, state| {
            let at = before.len().checked_sub(back);
            at.is_some_and(|at| before[at] == state)
        };
        match self {
            When::Succeeded(back) => is(*back, StepState::Succeeded),
            When::Failed(back) => is(*back, StepState::Failed),
            When::NotSucceeded(back) => !is(*back, StepState::Succeeded),
            // A database that evaluates conditions here ends the run where its transaction has ended.
            When::InTransaction => true,
            When::All(all) => all.iter().all(|it| it.holds(before)),
            When::Any(any) => any.iter().any(|it| it.holds(before)),
        }
    }
}

/// What the failure of a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// The transaction fails and is rolled back.
    #[default]
    Stop,
    /// The conditions of later steps decide. The statement itself changes nothing.
    Continue,
}

impl Step {
    /// A step of our own making, without an author to point at.
    pub fn own(sql: impl Into<Sql>, args: Vec<Value>) -> Step {
        Step {
            sql: sql.into(),
            // Made from an empty vector it would take memory.
            args: match args.is_empty() {
                true => Arc::default(),
                false => args.into(),
            },
            origin: None,
            explain: None,
            explain_commit: None,
            is_guard: false,
            when: None,
            on_failure: OnFailure::Stop,
        }
    }

    /// A statement of a file.
    pub fn written(origin: Origin) -> Step {
        Step {
            origin: Some(origin.clone()),
            ..Step::own(Sql::Written(origin), Vec::new())
        }
    }

    /// The same step, which runs on this condition.
    #[must_use]
    pub(crate) fn when(self, when: When) -> Step {
        Step {
            when: Some(Box::new(when)),
            ..self
        }
    }

    /// Whether it runs after these steps of its transaction.
    pub(crate) fn is_due(&self, before: &[StepState]) -> bool {
        match &self.when {
            Some(when) => when.holds(before),
            None => before.is_empty() || When::Succeeded(1).holds(before),
        }
    }

    /// A guard: `is_expected` is an expression that is 1 where the database is as the script expects it. An expression
    /// that fails is the only way to stop a chain of statements without a program in between.
    pub(crate) fn guard(is_expected: &str, args: Vec<Value>) -> Step {
        Step {
            is_guard: true,
            ..Step::own(
                format!("SELECT CASE {is_expected} WHEN 1 THEN 1 ELSE json('moved') END"),
                args,
            )
        }
    }
}

/// A text that statements are taken from, and the name that its author knows it by.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// The path as it is shown, with `/` between its parts.
    pub name: String,
    /// The whole canonical text. It may be large, and is shared with what is recorded of it.
    pub text: Arc<str>,
}

/// The place of a statement in its source.
#[derive(Clone, PartialEq, Eq)]
pub struct Origin {
    /// The text.
    pub source: Arc<Source>,
    /// Bytes of the text.
    pub span: Range<usize>,
}

impl Origin {
    /// The text of the statement.
    pub fn text(&self) -> &str {
        self.source.text.get(self.span.clone()).unwrap_or_default()
    }

    /// Line and column of the first byte.
    pub fn place(&self) -> Place {
        place(&self.source.text, self.span.start)
    }

    /// The token at this byte of the statement, or the statement where there is no such byte to point at.
    pub(crate) fn token_at(&self, offset: Option<usize>) -> Origin {
        let Some(offset) = offset else {
            return self.clone();
        };
        let text = &self.source.text;
        let at = text.floor_char_boundary(self.span.start.saturating_add(offset));
        let rest = &text[at..text.floor_char_boundary(self.span.end).max(at)];
        let token = tokens(rest).next().and_then(Result::ok);
        let end = token.map_or(at, |token| at + token.span.end);
        Origin {
            source: self.source.clone(),
            span: at..end,
        }
    }
}

impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Place { line, column } = self.place();
        write!(f, "{}:{line}:{column}", self.source.name)
    }
}

/// What a row of `_migrations` is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A versioned migration.
    Migration(i64),
    /// A repeatable migration, by the words of its name.
    Repeatable(String),
    /// A seed set, by its file.
    Seed(String),
    /// A finished import, by the checksum of its dump.
    Import(String),
    /// The environment that the database is marked as.
    Environment,
    /// The id of the database.
    DatabaseId,
}

impl Key {
    /// Whether it is about a migration, versioned or repeatable.
    pub(crate) fn is_migration(&self) -> bool {
        matches!(self, Key::Migration(_) | Key::Repeatable(_))
    }

    /// The word in the column `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Key::Migration(_) => "migration",
            Key::Repeatable(_) => "repeatable",
            Key::Seed(_) => "seed",
            Key::Import(_) => "import",
            Key::Environment | Key::DatabaseId => "meta",
        }
    }

    /// The value in the column `version`.
    pub fn version(&self) -> Value {
        match self {
            Key::Migration(version) => Value::Integer(*version),
            Key::Repeatable(name) | Key::Seed(name) | Key::Import(name) => {
                Value::Text(name.clone())
            }
            Key::Environment => Value::Text("environment".to_owned()),
            Key::DatabaseId => Value::Text("database_id".to_owned()),
        }
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Key::Migration(version) => write!(f, "V{version}"),
            Key::Repeatable(name) => write!(f, "R__{name}"),
            Key::Seed(name) | Key::Import(name) => f.write_str(name),
            Key::Environment => f.write_str("environment"),
            Key::DatabaseId => f.write_str("database id"),
        }
    }
}

/// The change that a unit makes to `_migrations`.
#[derive(Debug, Clone, PartialEq)]
pub enum Record {
    /// A row that is not there yet.
    Insert(Entry),
    /// A row that takes the place of the one with the same key.
    Replace(Entry),
    /// The row goes.
    Delete(Key),
    /// The row stays as applied when it was, and now tells of another text (`repair`).
    Amend(Entry),
    /// The row of `from` becomes the row of the entry's key, and stays as applied when it was: its file has another number
    /// or name now.
    Move {
        /// The key that the row has until then.
        from: Key,
        /// What the row says from then on. Without a down text it keeps its own.
        entry: Entry,
    },
    /// A row that says `started` says `applied` from now on (`repair --applied`).
    Settle(Key),
    /// The database is marked as this environment.
    Mark(String),
    /// The database is a copy, and gets an id of its own.
    Copy,
    /// The row of a repeatable is replaced and its statements run only where an object that it makes is gone.
    Restore(Box<Restore>),
}

/// A repeatable that is applied, and made again where something before it in the run drops what it makes.
#[derive(Debug, Clone, PartialEq)]
pub struct Restore {
    /// Its row.
    pub entry: Entry,
    /// What it has made: it runs only where one of these objects is gone.
    pub gone: Vec<Made>,
    /// What it makes.
    pub objects: Vec<Made>,
    /// Whether its failure fails the script. Otherwise it leaves the repeatable pending.
    pub on_failure: OnFailure,
}

/// An object of the schema that a repeatable makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Its sort.
    pub what: What,
    /// Its name, as the text writes it.
    pub name: String,
    /// The table or view that an index or a trigger is on.
    pub table: Option<String>,
    /// Whether it is created `IF NOT EXISTS`: then a table is as good as a view of that name, and the other way round.
    pub if_not_exists: bool,
}

impl Made {
    /// The values of the column `type` of `sqlite_schema` that it may have.
    pub(crate) fn types(&self) -> &'static [&'static str] {
        match self.what {
            What::Table | What::View | What::VirtualTable if self.if_not_exists => {
                &["table", "view"]
            }
            What::Table | What::VirtualTable | What::Other => &["table"],
            What::View => &["view"],
            What::Index => &["index"],
            What::Trigger => &["trigger"],
        }
    }
}

impl std::fmt::Display for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.what.word(), self.name)
    }
}

impl Record {
    /// The row that is concerned.
    pub fn key(&self) -> &Key {
        match self {
            Record::Insert(entry)
            | Record::Replace(entry)
            | Record::Amend(entry)
            | Record::Move { entry, .. } => &entry.key,
            Record::Delete(key) | Record::Settle(key) => key,
            Record::Mark(_) => &Key::Environment,
            Record::Copy => &Key::DatabaseId,
            Record::Restore(restore) => &restore.entry.key,
        }
    }
}

/// What a row of `_migrations` says about a text.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What it is about.
    pub key: Key,
    /// The words of the file name.
    pub name: String,
    /// sha256 of the canonical text, lower-case hexadecimal.
    pub checksum: String,
    /// Of a seed: hash of what its file amounts to.
    pub effective: Option<String>,
    /// The canonical text.
    pub source: Arc<str>,
    /// The canonical text of the down file.
    pub down: Option<Arc<str>>,
    /// What else is to be remembered; the keys are [`crate::history::DOWN_CHECKSUM`] and its
    /// neighbours.
    pub detail: serde_json::Map<String, serde_json::Value>,
}

/// Who runs: the same for every row that one run writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// A UUID; by it a run finds its own rows again after an answer was lost.
    pub id: String,
    /// Tool, version, user@host, git commit and CI run where known.
    pub by: String,
}

impl Run {
    /// A run with a fresh id.
    pub fn new(by: impl Into<String>) -> Run {
        Run {
            id: uuid::Uuid::now_v7().to_string(),
            by: by.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transaction_shares_the_statements_of_a_file() {
        let source = Arc::new(Source {
            name: "V1__a.sql".to_owned(),
            text: "SELECT 1; SELECT 2;".into(),
        });
        let step = |span| {
            let source = source.clone();
            Step::written(Origin { source, span })
        };
        let unit = Arc::new(vec![step(0..8), step(10..18)]);
        let mut all = StepList::from([Step::own("BEGIN", vec![])]);
        all.share(&unit);
        all.share(&Arc::default());
        all.push(Step::own("END", vec![]));
        let texts: Vec<&str> = all.iter().map(|step| &*step.sql).collect();
        assert_eq!(texts, ["BEGIN", "SELECT 1", "SELECT 2", "END"]);
        assert_eq!(all.len(), 4);
        let by_number = |number| all.get(number).map(|step| &*step.sql);
        let by_number: Vec<_> = (0..5).map(by_number).collect();
        assert_eq!(
            by_number[..4],
            texts.iter().copied().map(Some).collect::<Vec<_>>()
        );
        assert_eq!(by_number[4], None);
        assert!(std::ptr::eq(all.get(1).unwrap(), &raw const unit[0]));
        let own: Vec<usize> = all.clone().own_mut().map(|(number, _)| number).collect();
        assert_eq!(own, [0, 3]);
    }

    #[test]
    fn changing_the_last_step_of_a_transaction_leaves_the_unit_as_it_is() {
        let unit = Arc::new(vec![Step::own("SELECT 1", vec![])]);
        let mut all = StepList::default();
        assert!(all.last_mut().is_none());
        all.share(&unit);
        all.last_mut().unwrap().is_guard = true;
        assert!(all.get(0).unwrap().is_guard && !unit[0].is_guard);
    }
}
