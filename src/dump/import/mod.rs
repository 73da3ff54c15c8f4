//! Import: a dump into a database, exactly, and so that a kill or a cut line costs no row.
//!
//! ```text
//! dump ──blocks──▶ translate ──▶ a new file, built beside and renamed            (new_file)
//!                            ──▶ one transaction, where it fits                  (whole)
//!                            ──▶ chunks, each with a checkpoint of its own       (chunks)
//! ```

mod ahead;
mod checkpoint;
mod chunks;
mod clash;
mod error;
mod event;
mod existing;
mod json_rows;
mod look;
mod lower;
mod new_file;
mod pass;
mod record;
mod rows;
mod tally;
mod translate;
mod whole;

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub use crate::dump::Input;
pub use clash::{Clash, Fired, ForeignHistory};
pub use error::{At, Begun, ImportError, Orphan, Stands, Why};
pub(super) use look::refuse_orphans_of;
pub use tally::{Before, Table};
pub use translate::{LeftOut, Tables};

use crate::db::{Db, DbError, Query, Stop};
use crate::drive::{Event, OnEvent};
use crate::dump::backup_error::Doubt;
use crate::dump::lacking::Creating;
use crate::dump::modules::{Modules, module_of};
use crate::dump::source_check;
use crate::dump::{DumpError, Mark};
use crate::hex;
use crate::history::Wait;
use crate::script::{Run, Step};
use crate::setters::setters;
use ahead::Ahead;
use checkpoint::Checkpoint;
pub(in crate::dump) use new_file::Pace;
use pass::Setup;
use record::Identity;

/// Whether rows without their parents are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Violations {
    /// They are.
    #[default]
    Refuse,
    /// They are reported, and stay.
    Allow,
}

/// What becomes of a dump whose rows set off triggers of the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Triggers {
    /// It is refused before its first row: the triggers would add to what it says.
    #[default]
    Refuse,
    /// They run.
    Run,
}

/// Whether an import looks at what it has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Verify {
    /// It counts the rows of each table.
    #[default]
    Counts,
    /// It does not.
    Nothing,
}

/// What a waiting user may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImportEvent {
    /// The dump is read once before anything is written.
    Checked {
        /// Bytes of the dump that were read.
        bytes: u64,
    },
    /// Everything before this byte of the dump is written.
    Written {
        /// Bytes of the dump.
        bytes: u64,
        /// Rows.
        rows: u64,
    },
    /// An index is made, which can take long.
    Index(String),
    /// This part of the dump is not imported. Reported before the first row, if all of the dump was read before.
    LeftOut(Vec<LeftOut>),
    /// All is written; what remains is to check, to record, and to put it on the disk.
    Finishing,
    /// The engine has no such module: the new file gets the definition of the virtual table and nothing that the module
    /// would make. Named before the first row of a database, and when a dump comes to it.
    NoModule(LackingModule),
    /// Nothing is written yet, and this trigger of the database will run for each row of the dump.
    Trigger(Fired),
    /// Another process holds the lock.
    Waiting,
    /// An answer was lost, or the server is away: the same is sent again.
    Again,
}

impl From<Wait> for ImportEvent {
    fn from(wait: Wait) -> ImportEvent {
        match wait {
            Wait::Lock => ImportEvent::Waiting,
            Wait::Answer => ImportEvent::Again,
        }
    }
}

/// Where those go: called on the threads that work, so it must not block.
pub type OnImport = Arc<dyn Fn(ImportEvent) + Send + Sync>;

/// Whether an unfinished import is gone on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Begin {
    /// It is.
    #[default]
    Continue,
    /// What it wrote is removed, and the import starts again.
    Anew,
}

/// What becomes of `user_version` and `application_id` of a database where the dump sets none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Header {
    /// They stay.
    #[default]
    Keep,
    /// They become 0, as they are in the database that was dumped.
    OfTheDump,
}

/// How a dump is imported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportOptions {
    /// What the rows go into.
    pub tables: Tables,
    /// What becomes of an unfinished import of the same dump.
    pub begin: Begin,
    /// What becomes of rows without their parents.
    pub violations: Violations,
    /// What becomes of a dump that sets off triggers.
    pub triggers: Triggers,
    /// What becomes of the numbers of the header that the dump does not set.
    pub header: Header,
    /// What is looked at afterwards.
    pub verify: Verify,
    /// How many bytes of a dump go into one transaction at the most, where it is no new file that is made.
    pub transaction_bytes: u64,
}

setters!(ImportOptions {
    tables: Tables,
    begin: Begin,
    violations: Violations,
    triggers: Triggers,
    header: Header,
    verify: Verify,
    transaction_bytes: u64,
});

impl Default for ImportOptions {
    /// Into new tables, 4 MB at once: what a server does with that in a second or less, and what fits into memory
    /// several times over.
    fn default() -> ImportOptions {
        ImportOptions {
            tables: Tables::New,
            begin: Begin::Continue,
            violations: Violations::Refuse,
            triggers: Triggers::Refuse,
            header: Header::Keep,
            verify: Verify::Counts,
            transaction_bytes: 4 << 20,
        }
    }
}

impl ImportOptions {
    /// How many bytes are read at once: several times as often as is written.
    fn block_bytes(&self) -> usize {
        let part = usize::try_from(self.transaction_bytes / 8).unwrap_or(usize::MAX);
        part.clamp(1024, 256 * 1024)
    }
}

/// A dump is in the database, and recorded.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Imported {
    /// The tables that it has filled or made, in its order.
    pub tables: Vec<Table>,
    /// Bytes of its text.
    pub bytes: u64,
    /// sha256 of its text, lower-case hexadecimal.
    pub sha256: String,
    /// What of it is not there.
    pub left_out: Vec<LeftOut>,
    /// How many rows lack their parents, and some of them.
    pub orphans: (u64, Vec<Orphan>),
    /// Whether it brought a table of the history.
    pub has_history: bool,
    /// That table, where it is not Seedbed's. It is in the database as data, and this import is not recorded.
    pub foreign_history: Option<ForeignHistory>,
    /// The environment that the database of the dump was marked as, where the copy is not.
    pub unmarked: Option<String>,
    /// How it came to be there.
    pub outcome: Outcome,
    /// How long this run took.
    pub took: Duration,
}

/// How a dump came to be in the database.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// By this run.
    Whole,
    /// This run went on where another had stopped.
    Continued {
        /// The line that the other had come to.
        line: u64,
        /// When the other began, by the database's clock.
        started_at: String,
    },
    /// It was there before.
    Already {
        /// Since when, by the database's clock.
        applied_at: String,
    },
}

impl Imported {
    /// Rows of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.rows).sum()
    }

    fn of(done: look::Done, orphans: (u64, Vec<Orphan>), outcome: Outcome) -> Imported {
        let history = done.translator.history.name();
        let has_history = done.translator.has_history || done.tally.has(history);
        Imported {
            tables: done.tally.tables,
            bytes: done.end.offset,
            sha256: hex::encode(&done.end.sha256),
            left_out: done.translator.left_out,
            orphans,
            has_history,
            foreign_history: None,
            unmarked: None,
            outcome,
            took: Duration::ZERO,
        }
    }

    fn already(end: &Mark, row: &crate::history::Row) -> Imported {
        Imported {
            tables: Vec::new(),
            bytes: end.offset,
            sha256: hex::encode(&end.sha256),
            left_out: Vec::new(),
            orphans: (0, Vec::new()),
            has_history: false,
            foreign_history: None,
            unmarked: None,
            outcome: Outcome::Already {
                applied_at: row.applied_at.clone(),
            },
            took: Duration::ZERO,
        }
    }
}

/// What an import would do.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Planned {
    /// The tables of the dump.
    pub tables: Vec<Table>,
    /// Bytes of its text.
    pub bytes: u64,
    /// How it would be done.
    pub way: Way,
    /// The triggers of the database that its rows would set off.
    pub triggers: Vec<Fired>,
    /// See [`Imported::foreign_history`].
    pub foreign_history: Option<ForeignHistory>,
    /// See [`Imported::left_out`].
    pub left_out: Vec<LeftOut>,
    /// The virtual tables of a new file of which only the definition would come.
    pub lacking: Vec<LackingModule>,
}

/// A virtual table whose module the engine does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LackingModule {
    /// The virtual table.
    pub table: String,
    /// The module.
    pub module: String,
}

/// How a dump goes into a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Way {
    /// As a new local file.
    NewFile,
    /// In one transaction.
    Whole,
    /// In transactions that each move a checkpoint.
    Chunks,
    /// So too, from this line on: what is before it is in the database.
    Rest {
        /// The line, from 1.
        line: u64,
    },
    /// It is there.
    Already,
}

/// Reads a dump and says what importing it would do. Nothing is written.
///
/// # Errors
/// Those of [`import`] that show before anything is written.
pub async fn plan(db: &Db, input: &Input, options: &ImportOptions) -> Result<Planned, ImportError> {
    let path = db.path();
    if let Some(path) = &path
        && input.is(path)
    {
        return Err(Why::Itself(path.clone()).into());
    }
    if let Some(path) = &path {
        crate::db::refuse_side_files(path).map_err(Why::from)?;
    }
    let is_new = path.is_some_and(|path| new_file::is_new(&path)) && options.tables == Tables::New;
    let run = Run::new("");
    let input = unchanging(db, input).await?;
    refuse_source(db, &input, options).await?;
    let job = Job {
        db,
        input: &input,
        options: *options,
        run: &run,
        on_event: Arc::new(|_| {}),
        modules: Modules::new().await.map_err(Why::engine)?,
        command: None,
    };
    existing::plan(&job, is_new).await
}

impl Planned {
    fn of(pass: pass::Pass, there: &clash::There, way: Way) -> Planned {
        Planned {
            tables: pass.tally.tables,
            left_out: pass.translator.left_out,
            bytes: pass.end.offset,
            way,
            triggers: there.fired(&pass.wanted),
            lacking: match way {
                Way::NewFile => there.lacking(&pass.wanted),
                _ => Vec::new(),
            },
            foreign_history: match way {
                Way::NewFile => pass.wanted.foreign_history(),
                _ => None,
            },
        }
    }
}

/// One import.
#[derive(Clone)]
struct Job<'a> {
    db: &'a Db,
    input: &'a Input,
    options: ImportOptions,
    run: &'a Run,
    on_event: OnImport,
    modules: Modules,
    /// The command that goes on with it, where that is no `import`: then it is a copy of a database.
    command: Option<Arc<str>>,
}

impl Job<'_> {
    /// The same of another dump.
    fn of<'b>(&'b self, input: &'b Input) -> Job<'b> {
        Job {
            input,
            ..self.clone()
        }
    }

    fn identity(&self) -> Identity {
        match self.command {
            Some(_) => Identity::Own,
            None => Identity::OfTheDump,
        }
    }

    /// Begins to read the dump, behind this point of it.
    fn read(&self, from: Option<Mark>) -> Ahead {
        Ahead::of(self.input, self.options.block_bytes(), from, self.db.stop())
    }

    /// Where the loop that changes databases tells that it waits.
    fn waits(&self) -> OnEvent {
        let on_event = self.on_event.clone();
        Arc::new(move |event| {
            if event == Event::WaitingForLock {
                on_event(ImportEvent::Waiting);
            }
        })
    }

    /// The same, as the unfinished import of this dump was begun: that triggers run was decided then.
    fn as_begun(&self, checkpoint: Option<&Checkpoint>) -> Self {
        let mut job = self.clone();
        if checkpoint
            .is_some_and(|it| it.triggers == Triggers::Run && it.name == self.input.recorded())
        {
            job.options.triggers = Triggers::Run;
        }
        if let Some(Checkpoint {
            command: Some(command),
            name,
            ..
        }) = checkpoint
            && *name == self.input.recorded()
        {
            job.command = Some(command.clone());
        }
        job
    }

    fn setup(&self) -> Setup {
        Setup {
            engine: self.db.engine(),
            into: self.options.tables,
            triggers: self.options.triggers,
            modules: self.modules.clone(),
            history: self.db.history_table().clone(),
        }
    }

    /// What comes before the first statement of the dump.
    fn resets(&self) -> Vec<Step> {
        let takes_id = self.db.engine().takes_application_id();
        let numbers: &[&str] = match (self.options.header, takes_id) {
            (Header::Keep, _) => &[],
            (Header::OfTheDump, false) => &["user_version"],
            (Header::OfTheDump, true) => &["user_version", "application_id"],
        };
        let reset = |number: &&str| Step::own(format!("PRAGMA {number} = 0"), Vec::new());
        numbers.iter().map(reset).collect()
    }

    fn how(&self) -> rows::How {
        rows::How::of(self.db.engine())
    }
}

/// Imports a dump.
///
/// # Dropping the future
/// A new file is not put in its place; the thread that builds it ends when the dump is read. In an existing database,
/// what was committed stays, and a transaction or request under way is still carried out; the same import goes on from
/// there. To stop an import, raise the [`Stop`] that the database was opened with.
///
/// # Errors
/// [`ImportError`] says why not, and what is in the database.
pub async fn import(
    db: &Db,
    input: &Input,
    options: &ImportOptions,
    run: &Run,
    on_event: OnImport,
) -> Result<Imported, ImportError> {
    import_by(db, input, options, run, on_event, None).await
}

/// The same as a part of this command.
pub(super) async fn import_by(
    db: &Db,
    input: &Input,
    options: &ImportOptions,
    run: &Run,
    on_event: OnImport,
    command: Option<&str>,
) -> Result<Imported, ImportError> {
    let begun = Instant::now();
    let path = db.path();
    if let Some(path) = &path
        && input.is(path)
    {
        return Err(Why::Itself(path.clone()).into());
    }
    refuse_source(db, input, options).await?;
    let job = Job {
        db,
        input,
        options: *options,
        run,
        on_event,
        modules: Modules::new().await.map_err(Why::engine)?,
        command: command.map(Arc::from),
    };
    let mut imported = match path {
        Some(path) if new_file::is_new(&path) && options.tables == Tables::New => {
            new_file(&job, &path).await?
        }
        path => {
            if let Some(path) = path {
                crate::db::Draft::tidy(&path).map_err(Why::from)?;
            }
            // It is read twice.
            let input = unchanging(db, input).await?;
            existing::import(&job.of(&input)).await?
        }
    };
    imported.took = begun.elapsed();
    Ok(imported)
}

/// The objects of a dump that only the engine of an application can create. All of the dump is read.
pub(super) async fn lacking(input: &Input, stop: &Stop) -> Result<Vec<Doubt>, Why> {
    let mut creating = Creating::begin().await.map_err(Why::engine)?;
    let bytes = ImportOptions::default().block_bytes();
    let mut ahead = Ahead::of(input, bytes, None, stop);
    while let Some(block) = ahead.next().await? {
        creating.block(&block);
    }
    Ok(creating.lacking())
}

/// Refuses a local database with objects that the engine cannot create, before its first row.
async fn refuse_lacking(db: &Db, input: &Input) -> Result<(), Why> {
    let source = input.local_database(db.stop(), db.lock_timeout())?;
    let Some(source) = source.filter(|_| !db.engine().is_server()) else {
        return Ok(());
    };
    match Input::database(source, &input.name()).schema() {
        Some(schema) => {
            let mut lacking = lacking(&schema, db.stop()).await?;
            for object in &mut lacking {
                if let Doubt::Object { line, .. } = object {
                    *line = None;
                }
            }
            Why::refuse_lacking(lacking)
        }
        None => Ok(()),
    }
}

/// Refuses a local database whose rows would not arrive as they are. Where rows go into tables that are there, these
/// decide what becomes of a value.
async fn refuse_source(db: &Db, input: &Input, options: &ImportOptions) -> Result<(), Why> {
    let stop = db.stop();
    let checked = source_check::refuse_damaged(input, stop, db.lock_timeout()).await;
    checked.map_err(|error| unless_stopped(db, error))?;
    match options.tables {
        Tables::New => {
            let kept = source_check::refuse_unkept(input, stop, db.lock_timeout()).await;
            kept.map_err(|error| unless_stopped(db, error))?;
            refuse_lacking(db, input).await
        }
        Tables::Existing => Ok(()),
    }
}

/// [`Input::unchanging`], until a run on `db` is stopped.
#[doc(hidden)]
pub async fn unchanging(db: &Db, input: &Input) -> Result<Input, Why> {
    let input = input.unchanging(db.stop(), db.lock_timeout()).await;
    input.map_err(|error| unless_stopped(db, error))
}

/// Why a source cannot be used: what was interrupted says nothing about it.
fn unless_stopped(db: &Db, error: DumpError) -> Why {
    match db.stop().is_raised() {
        true => Why::Interrupted,
        false => error.into(),
    }
}

/// A database that is being built from a dump.
pub(in crate::dump) struct Rebuilding(tokio::task::JoinHandle<Result<new_file::Built, Why>>);

/// Begins to build what a dump makes at `path`, as [`restore`](super::restore::restore) would into a new file, and records
/// nothing. `open` gives the dump; both read and build on threads of their own.
pub(in crate::dump) async fn rebuild(
    path: &std::path::Path,
    open: impl FnOnce() -> Result<super::Reader, super::DumpError> + Send + 'static,
    pace: Pace,
    of: &Db,
    on_event: OnImport,
) -> Result<Rebuilding, ImportError> {
    let plan = new_file::Plan {
        name: "",
        pace,
        violations: Violations::Allow,
        verify: Verify::Nothing,
        run: &Run::new(""),
        on_event,
        lock_timeout: of.lock_timeout(),
        stop: of.stop().clone(),
        modules: Modules::new().await.map_err(Why::engine)?,
        history: of.history_table(),
        identity: Identity::OfTheDump,
    };
    let dump = Ahead::reading(open, of.stop());
    Ok(Rebuilding(new_file::begin(path, dump, &plan).await?))
}

impl Rebuilding {
    /// Waits for the end.
    ///
    /// # Errors
    /// Why no database can be built from the dump.
    pub(in crate::dump) async fn built(self) -> Result<(), ImportError> {
        self.0.await.map_err(|_| Why::Thread)??;
        Ok(())
    }
}

/// The virtual tables of a local database whose module the engine does not have.
async fn lacking_modules(job: &Job<'_>) -> Result<Vec<LackingModule>, DbError> {
    const VIRTUAL: &str =
        "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND rootpage = 0";
    let db = job.db;
    let Some(source) = job.input.local_database(db.stop(), db.lock_timeout())? else {
        return Ok(Vec::new());
    };
    let rows = source.rows::<2>(Query::new(VIRTUAL)).await?;
    let lacking = rows.iter().filter_map(|[name, sql]| {
        let (name, sql) = (name.as_str()?, sql.as_str()?);
        let lacks = job.modules.virtual_table(name, sql).lacks_module;
        lacks.then(|| LackingModule {
            table: name.to_owned(),
            module: module_of(sql),
        })
    });
    Ok(lacking.collect())
}

async fn new_file(job: &Job<'_>, path: &std::path::Path) -> Result<Imported, ImportError> {
    let Job { db, options, .. } = job;
    let on_event = once_for_each_table(job.on_event.clone());
    for lacking in lacking_modules(job).await.map_err(Why::from)? {
        on_event(ImportEvent::NoModule(lacking));
    }
    let name = job.input.recorded();
    let plan = |pace| new_file::Plan {
        name: &name,
        pace,
        violations: options.violations,
        verify: options.verify,
        run: job.run,
        on_event: on_event.clone(),
        lock_timeout: db.lock_timeout(),
        stop: db.stop().clone(),
        modules: job.modules.clone(),
        history: db.history_table(),
        identity: job.identity(),
    };
    let made = new_file::make(path, job.read(None), plan(Pace::Fast)).await;
    let built = match made {
        // Which of them it is shows when they go one by one.
        Err(ImportError {
            why: Why::Refused { among: 2.., .. },
            ..
        }) if job.input.can_be_read_again() => {
            new_file::make(path, job.read(None), plan(Pace::RowByRow)).await?
        }
        made => made?,
    };
    Ok(Imported {
        has_history: built.tally.has(db.history_table().name()),
        foreign_history: built.foreign_history,
        bytes: built.end.offset,
        sha256: hex::encode(&built.end.sha256),
        tables: built.tally.tables,
        left_out: built.left_out,
        orphans: built.orphans,
        unmarked: built.unmarked,
        outcome: Outcome::Whole,
        took: Duration::ZERO,
    })
}

/// A file that is built twice names a virtual table once.
fn once_for_each_table(on_event: OnImport) -> OnImport {
    let named: Mutex<HashSet<String>> = Mutex::default();
    Arc::new(move |event| {
        if let ImportEvent::NoModule(lacking) = &event
            && let Ok(mut named) = named.lock()
            && !named.insert(lacking.table.clone())
        {
            return;
        }
        on_event(event);
    })
}
