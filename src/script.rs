//! A change to a database, as a value.
//!
//! A [`Script`] holds the statements, the records about them, and the [`Revision`] of the
//! history on which it was planned. The code that decides (migrations, undo, repair, seeds) only makes scripts;
//! [`crate::history::run`] turns one into transactions and hands them to [`crate::db`].
//!
//! Nothing here knows a database, a file system or a clock.

mod args;
mod recorded;

use std::collections::HashSet;
use std::num::NonZeroU32;
use std::ops::{Deref, Range};
use std::sync::Arc;

pub(crate) use args::{Args, Bound};
pub use recorded::RecordedText;

use crate::sql::{Kind, Packed, Place, Value, ValueRef, What, kind, place, tokens};

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
        let source = self.steps.iter().find_map(Step::source)?;
        Some(&source.name)
    }

    /// How many statements its files hold: without those that Seedbed adds, which have no place in a file.
    pub fn statements(&self) -> usize {
        let of_files = self.steps.iter().filter(|step| step.is_written());
        match of_files.count() {
            0 => self.steps.len(),
            count => count,
        }
    }
}

/// One statement, its bound values, and where it came from. A file may hold millions, so what those of files do not have
/// takes no memory.
#[derive(Clone)]
pub struct Step {
    /// The text of one statement, as its author wrote it. Shared, as the values are: a script may be sent twice.
    pub sql: Sql,
    rare: Option<Box<Rare>>,
}

/// What few statements have.
#[derive(Debug, Clone, PartialEq)]
struct Rare {
    args: Option<Args>,
    /// Where the text is not a part of the file.
    origin: Option<Origin>,
    explain: Option<Arc<String>>,
    explain_commit: Option<Arc<String>>,
    is_guard: bool,
    when: Option<When>,
    on_failure: OnFailure,
}

impl Rare {
    const NOTHING: Rare = Rare {
        args: None,
        origin: None,
        explain: None,
        explain_commit: None,
        is_guard: false,
        when: None,
        on_failure: OnFailure::Stop,
    };
}

static NOTHING: Rare = Rare::NOTHING;

/// The text of a statement. A file may hold a million statements, so those of files are no copies.
#[derive(Clone)]
pub struct Sql(Text);

#[derive(Clone)]
enum Text {
    Own(Arc<String>),
    /// A part of a file: two numbers of 32 bits, since there may be millions.
    Written {
        source: Arc<Source>,
        start: u32,
        end: NonZeroU32,
    },
}

impl Sql {
    /// The part of a file, where its place is a number of 32 bits.
    fn written(origin: &Origin) -> Option<Sql> {
        Some(Sql(Text::Written {
            source: origin.source.clone(),
            start: u32::try_from(origin.span.start).ok()?,
            end: u32::try_from(origin.span.end).ok()?.try_into().ok()?,
        }))
    }
}

impl Deref for Sql {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Text::Own(text) => text,
            Text::Written { source, start, end } => {
                let span = *start as usize..end.get() as usize;
                source.text.get(span).unwrap_or_default()
            }
        }
    }
}

impl From<&str> for Sql {
    fn from(text: &str) -> Sql {
        text.to_owned().into()
    }
}

impl From<String> for Sql {
    fn from(text: String) -> Sql {
        Sql(Text::Own(Arc::new(text)))
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
    /// A step of Seedbed's own, which has no place in a file.
    pub fn own(sql: impl Into<Sql>, args: Vec<Value>) -> Step {
        let mut step = Step {
            sql: sql.into(),
            rare: None,
        };
        if !args.is_empty() {
            step.rare_mut().args = Some(Args::Each(args.into()));
        }
        step
    }

    /// A statement of a file.
    pub fn written(origin: Origin) -> Step {
        match Sql::written(&origin) {
            Some(sql) => Step { sql, rare: None },
            None => Step::own(origin.text(), Vec::new()).at(origin),
        }
    }

    /// The same step, which a file asks for at this place, in other words.
    #[must_use]
    pub fn at(mut self, origin: Origin) -> Step {
        self.rare_mut().origin = Some(origin);
        self
    }

    /// The same step, with a query to run where it fails, before anything is rolled back; its rows go into the failure.
    #[must_use]
    pub fn explained(mut self, query: impl Into<Arc<String>>) -> Step {
        self.rare_mut().explain = Some(query.into());
        self
    }

    /// The same step, behind which the conditions of later steps decide where it fails.
    #[must_use]
    pub(crate) fn continuing(mut self) -> Step {
        self.rare_mut().on_failure = OnFailure::Continue;
        self
    }

    /// The same step, which runs on this condition.
    #[must_use]
    pub(crate) fn when(mut self, when: When) -> Step {
        self.rare_mut().when = Some(when);
        self
    }

    /// A query to run if this is the last step and the `COMMIT` after it fails, before anything is rolled back; its
    /// rows go into the failure.
    pub(crate) fn explain_commit_by(&mut self, query: Arc<String>) {
        self.rare_mut().explain_commit = Some(query);
    }

    /// Other values for `?1`, `?2`, …
    pub(crate) fn bind(&mut self, args: Vec<Value>) {
        self.rare_mut().args = (!args.is_empty()).then(|| Args::Each(args.into()));
    }

    /// The same, of many values.
    pub(crate) fn bind_packed(&mut self, mut args: Packed) {
        args.shrink();
        self.rare_mut().args = Some(Args::Packed(Arc::new(args)));
    }

    /// The values, where no other step shares them, and they are not packed.
    pub(crate) fn args_mut(&mut self) -> Option<&mut [Value]> {
        match self.rare.as_mut()?.args.as_mut()? {
            Args::Each(values) => Arc::get_mut(values),
            Args::Packed(_) => None,
        }
    }

    /// Values for `?1`, `?2`, …
    pub fn args(&self) -> impl ExactSizeIterator<Item = ValueRef<'_>> {
        self.rare().args.as_ref().map_or(Bound::none(), Args::iter)
    }

    /// The same, shared; none where there are no values.
    pub(crate) fn shared_args(&self) -> Option<Args> {
        self.rare().args.clone()
    }

    /// The place in a file, for statements that come from one.
    pub fn origin(&self) -> Option<Origin> {
        match (&self.rare().origin, &self.sql.0) {
            (Some(origin), _) => Some(origin.clone()),
            (None, Text::Written { source, start, end }) => Some(Origin {
                source: source.clone(),
                span: *start as usize..end.get() as usize,
            }),
            (None, Text::Own(_)) => None,
        }
    }

    /// The text that the place is in.
    pub fn source(&self) -> Option<&Arc<Source>> {
        match (&self.rare().origin, &self.sql.0) {
            (Some(origin), _) => Some(&origin.source),
            (None, Text::Written { source, .. }) => Some(source),
            (None, Text::Own(_)) => None,
        }
    }

    /// Whether it comes from a file, and so has a place.
    pub fn is_written(&self) -> bool {
        self.source().is_some()
    }

    /// A query to run where this step fails, before anything is rolled back; its rows go into the failure.
    pub fn explain(&self) -> Option<&Arc<String>> {
        self.rare().explain.as_ref()
    }

    /// A query to run if this is the last step and the `COMMIT` after it fails, before anything is rolled back; its
    /// rows go into the failure.
    pub fn explain_commit(&self) -> Option<&Arc<String>> {
        self.rare().explain_commit.as_ref()
    }

    /// Both queries.
    pub(crate) fn explanations_mut(&mut self) -> impl Iterator<Item = &mut Arc<String>> {
        let rare = self.rare.iter_mut();
        rare.flat_map(|rare| rare.explain.iter_mut().chain(&mut rare.explain_commit))
    }

    /// The step fails where the database is no longer in the state that the script was planned on, and never otherwise.
    pub fn is_guard(&self) -> bool {
        self.rare().is_guard
    }

    /// When it runs; without a condition, where the step before it succeeded.
    pub fn condition(&self) -> Option<&When> {
        self.rare().when.as_ref()
    }

    /// What its failure does.
    pub fn on_failure(&self) -> OnFailure {
        self.rare().on_failure
    }

    /// Whether it runs after these steps of its transaction.
    pub(crate) fn is_due(&self, before: &[StepState]) -> bool {
        match self.condition() {
            Some(when) => when.holds(before),
            None => before.is_empty() || When::Succeeded(1).holds(before),
        }
    }

    /// A guard: `is_expected` is an expression that is 1 where the database is as the script expects it. An expression
    /// that fails is the only way to stop a chain of statements without a program in between.
    pub(crate) fn guard(is_expected: &str, args: Vec<Value>) -> Step {
        let sql = format!("SELECT CASE {is_expected} WHEN 1 THEN 1 ELSE json('moved') END");
        let mut guard = Step::own(sql, args);
        guard.rare_mut().is_guard = true;
        guard
    }

    fn rare(&self) -> &Rare {
        self.rare.as_deref().unwrap_or(&NOTHING)
    }

    fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_with(|| Box::new(Rare::NOTHING))
    }
}

impl PartialEq for Step {
    fn eq(&self, other: &Step) -> bool {
        let without_place = |step: &Step| Rare {
            origin: None,
            ..step.rare().clone()
        };
        self.sql == other.sql
            && self.origin() == other.origin()
            && without_place(self) == without_place(other)
    }
}

impl std::fmt::Debug for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Step");
        shown.field("sql", &self.sql);
        shown.field("origin", &self.origin());
        if let Some(rare) = &self.rare {
            shown.field("rare", rare);
        }
        shown.finish()
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
    /// The row is deleted.
    Delete(Key),
    /// The row keeps its time, and now records another text (`repair`).
    Amend(Entry),
    /// The row of `from` becomes the row of the entry's key, and keeps its time: its file has another number
    /// or name now.
    Move {
        /// The key that the row has until then.
        from: Key,
        /// The new content of the row. Without a down text it keeps its own.
        entry: Entry,
    },
    /// The state of a row changes from `started` to `applied` (`repair --applied`).
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
    pub source: RecordedText,
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
    fn a_statement_of_a_file_takes_24_bytes() {
        assert_eq!(size_of::<Step>(), 24);
        let source = Arc::new(Source {
            name: "V1__a.sql".to_owned(),
            text: "SELECT 1".into(),
        });
        let span = 0..8;
        let origin = Origin { source, span };
        let step = Step::written(origin.clone());
        assert!(step.rare.is_none());
        assert_eq!((&*step.sql, step.origin()), ("SELECT 1", Some(origin)));
    }

    #[test]
    fn changing_the_last_step_of_a_transaction_leaves_the_unit_as_it_is() {
        let unit = Arc::new(vec![Step::own("SELECT 1", vec![])]);
        let mut all = StepList::default();
        assert!(all.last_mut().is_none());
        all.share(&unit);
        all.last_mut().unwrap().bind(vec![Value::Null]);
        assert!(all.get(0).unwrap().args().eq([ValueRef::Null]));
        assert_eq!(unit[0].args().len(), 0);
    }
}
