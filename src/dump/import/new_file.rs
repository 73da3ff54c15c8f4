//! A local database that does not exist yet, or is an empty file: built beside its place under another name, and put
//! there once it is whole and on the disk, so that it appears whole or not at all.
//!
//! Until then no other process uses it: it has no journal and nothing is synced, one thread reads while another writes,
//! and rows are bound where the reader left them.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::Triggers;
use super::ahead::Ahead;
use super::clash::{ForeignHistory, There, Wanted};
use super::error::{At, Orphan, Why};
use super::look::{Counted, SHOWN};
use super::pass::{Pass, Setup};
use super::record::{Identity, Recording};
use super::rows::insert_into;
use super::tally::Tally;
use super::translate::{Beside, Deed, LeftOut, Tables};
use super::{ImportError, ImportEvent, LackingModule, OnImport, Verify, Violations};
use crate::db::{
    self, Access, Db, Draft, Engine, EngineError, HistoryTable, Options, Prepared, Raw, Replaces,
    Stop,
};
use crate::drive::{drive, ignore};
use crate::dump::modules::{Modules, module_of};
use crate::dump::{Block, Mark, Object, Rows, Target, What};
use crate::script::Run;
use crate::sql::{ValueRef, identifier};

/// How many rows go into one statement. Measured on a million rows of five columns.
const ROWS: usize = 32;

/// The most values of one statement: the least that SQLite was ever built with is
/// [999](https://sqlite.org/limits.html#max_variable_number), and this engine takes 32766.
const VALUES: usize = 30_000;

/// No journal, no waiting for the disk, no other process: a failure costs the file, which was not in use yet. 8 MB
/// of cache keep indexes that come before their rows quick, and sorting for those that come after goes on a thread of
/// its own.
const SETTINGS: &[&str] = &[
    "PRAGMA journal_mode = OFF",
    "PRAGMA synchronous = OFF",
    "PRAGMA locking_mode = EXCLUSIVE",
    "PRAGMA foreign_keys = OFF",
    "PRAGMA cache_size = -8000",
    "PRAGMA threads = 1",
];

/// What was built.
pub(super) struct Built {
    pub(super) tally: Tally,
    pub(super) end: Mark,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) orphans: (u64, Vec<Orphan>),
    /// See [`super::Imported::foreign_history`].
    pub(super) foreign_history: Option<ForeignHistory>,
    /// See [`super::Imported::unmarked`].
    pub(super) unmarked: Option<String>,
}

/// How many rows go into a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::dump) enum Pace {
    /// As many as is fastest. Of a row that is refused the place is known only roughly: without a journal it is
    /// impossible to ask what of its statement was done.
    Fast,
    /// One.
    RowByRow,
}

/// How it is to be built.
pub(super) struct Plan<'a> {
    pub(super) name: &'a str,
    pub(super) pace: Pace,
    pub(super) violations: Violations,
    pub(super) verify: Verify,
    pub(super) run: &'a Run,
    pub(super) on_event: OnImport,
    pub(super) lock_timeout: Duration,
    pub(super) stop: Stop,
    pub(super) modules: Modules,
    pub(super) history: &'a HistoryTable,
    pub(super) identity: Identity,
}

/// Whether this is a place for a new file: there is none, or an empty one.
pub(super) fn is_new(path: &Path) -> bool {
    match std::fs::metadata(path) {
        Ok(metadata) => metadata.is_file() && metadata.len() == 0,
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

/// Makes the database of a dump.
pub(super) async fn make(path: &Path, dump: Ahead, plan: Plan<'_>) -> Result<Built, ImportError> {
    let options = Options {
        lock_timeout: plan.lock_timeout,
        stop: plan.stop.clone(),
        history_table: plan.history.clone(),
        ..Options::default()
    };
    let draft = Draft::begin(path, &options).await.map_err(Why::building)?;
    let mut built = build(draft.path(), dump, &plan).await?;
    let (count, some) = &built.orphans;
    if *count > 0 && plan.violations == Violations::Refuse {
        return Err(Why::ForeignKeys {
            count: *count,
            some: some.clone(),
        }
        .into());
    }
    (plan.on_event)(ImportEvent::Finishing);
    // Where the table of the records is another's, it is data, and nothing is recorded.
    if built.foreign_history.is_none() {
        let database = Db::local(draft.path(), options.clone()).map_err(Why::from)?;
        let mut recording = Recording {
            name: plan.name,
            end: built.end,
            tally: &built.tally,
            has_checkpoint: false,
            is_overtaken: false,
            identity: plan.identity,
            unmarked: None,
        };
        let recorded = drive(&database, plan.run, &ignore(), &mut recording).await;
        recorded.map_err(|error| Why::applying(error, |_, error, _| Why::engine(error)))?;
        built.unmarked = recording.unmarked.take();
    }
    let replaced = draft.replace(Replaces::Nothing, &options).await;
    replaced.map_err(Why::building)?;
    Ok(built)
}

async fn build(path: &Path, dump: Ahead, plan: &Plan<'_>) -> Result<Built, Why> {
    let work = begin(path, dump, plan).await?;
    work.await.map_err(|_| Why::Thread)?
}

/// Begins to build on a thread, which goes on whether or not the handle is polled.
pub(super) async fn begin(
    path: &Path,
    dump: Ahead,
    plan: &Plan<'_>,
) -> Result<JoinHandle<Result<Built, Why>>, Why> {
    let name = path.to_str().ok_or_else(|| db::DbError::Path {
        path: path.to_path_buf(),
        why: "is not UTF-8",
    })?;
    let raw = Raw::open(name, Access::Create)
        .await
        .map_err(|source| db::DbError::Open {
            path: path.to_path_buf(),
            source,
        })?;
    let (pace, verify, violations) = (plan.pace, plan.verify, plan.violations);
    let on_event = plan.on_event.clone();
    let setup = Setup {
        engine: Engine::Local,
        into: Tables::New,
        triggers: Triggers::Refuse,
        modules: plan.modules.clone(),
        history: plan.history.clone(),
    };
    Ok(tokio::task::spawn_blocking(move || {
        for setting in SETTINGS {
            raw.execute(setting).map_err(Why::engine)?;
        }
        let written = write(&raw, dump, pace, &setup, &on_event)?;
        checked(&raw, written, verify, violations)
    }))
}

/// What was written, and not looked at yet.
struct Written {
    tally: Tally,
    end: Mark,
    left_out: Vec<LeftOut>,
    foreign_history: Option<ForeignHistory>,
    /// The tables whose rows may conflict, as the dump allows it.
    conflicting: Vec<String>,
    wanted: Wanted,
}

fn is_layout(item: &crate::dump::Item) -> bool {
    match item {
        crate::dump::Item::Statement(statement) => matches!(statement.what, What::Layout { .. }),
        crate::dump::Item::Rows(_) => false,
    }
}

/// The engine writes the layout of a file with its first table, so one is made where the dump makes nothing.
fn keep_layout(raw: &Raw) -> Result<(), EngineError> {
    let mut is_empty = false;
    let mut schema = raw.prepare("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)")?;
    schema.rows([], |row| {
        is_empty = row.value(0) == ValueRef::Integer(1);
        ControlFlow::Break(())
    })?;
    drop(schema);
    if is_empty {
        raw.execute("CREATE TABLE first (x)")?;
        raw.execute("DROP TABLE first")?;
    }
    Ok(())
}

fn write(
    raw: &Raw,
    mut dump: Ahead,
    pace: Pace,
    setup: &Setup,
    on_event: &OnImport,
) -> Result<Written, Why> {
    let mut pass = Pass::begin(setup, Beside::Nothing);
    let mut inserts = Inserts::default();
    let (mut has_layout, mut is_begun) = (false, false);
    let runtime = tokio::runtime::Handle::current();
    while let Some(mut block) = runtime.block_on(dump.next())? {
        // The first row that is refused is to be the dump's first.
        if pace == Pace::Fast && pass.may_group() {
            block.group();
        }
        for (number, item) in block.items.iter().enumerate() {
            let begun = Instant::now();
            let deed = pass.item(&block, number);
            // How the file is laid out can be said only before.
            has_layout |= is_layout(item);
            if !is_begun && !is_layout(item) {
                raw.execute("BEGIN").map_err(Why::engine)?;
                is_begun = true;
            }
            match deed {
                // The rest is read for all that is wrong with it.
                _ if pass.wanted.is_unfit() => {}
                Deed::Nothing => {}
                Deed::Run(statements) => {
                    // They may change what those were compiled for.
                    inserts.clear();
                    for sql in statements {
                        statement(raw, &sql, item, &setup.modules, on_event)?;
                    }
                }
                Deed::Rows(rows) | Deed::Sequences(rows) => {
                    insert(raw, &mut inserts, &block, rows, pace)?;
                    if let Some(table) = pass.tally.known(&rows.target.table) {
                        table.took += begun.elapsed();
                    }
                }
            }
        }
        pass.end = block.end;
        on_event(ImportEvent::Written {
            bytes: pass.end.offset,
            rows: pass.tally.rows(),
        });
    }
    drop(inserts);
    if pass.wanted.is_unfit() || pass.wanted.lost_history().is_some() {
        return Err(Why::Clashes(pass.clashes(&There::default())));
    }
    if has_layout {
        keep_layout(raw).map_err(Why::engine)?;
    }
    if is_begun {
        raw.execute("COMMIT").map_err(Why::engine)?;
    }
    Ok(Written {
        foreign_history: pass.wanted.foreign_history(),
        wanted: pass.wanted,
        conflicting: pass.translator.conflicting,
        left_out: pass.translator.left_out,
        tally: pass.tally,
        end: pass.end,
    })
}

fn checked(
    raw: &Raw,
    written: Written,
    verify: Verify,
    violations: Violations,
) -> Result<Built, Why> {
    let Written {
        mut tally,
        end,
        mut left_out,
        foreign_history,
        conflicting,
        wanted,
    } = written;
    if verify != Verify::Nothing && count(raw, &mut tally, &conflicting)? {
        left_out.push(LeftOut::Conflicts);
    }
    let orphans = match (orphans(raw), violations) {
        // A parent without a key for its children makes the check itself fail.
        (Err(why), Violations::Allow) if why.is_mismatch() => (0, Vec::new()),
        (Err(Why::Engine { error }), _) => return Err(Why::checking(error, &wanted)),
        (orphans, _) => orphans?,
    };
    Ok(Built {
        tally,
        end,
        left_out,
        orphans,
        foreign_history,
        unmarked: None,
    })
}

fn statement(
    raw: &Raw,
    sql: &str,
    item: &crate::dump::Item,
    modules: &Modules,
    on_event: &OnImport,
) -> Result<(), Why> {
    let crate::dump::Item::Statement(statement) = item else {
        return Ok(());
    };
    let mut table = None;
    if let What::Create {
        object,
        name,
        table: of,
        ..
    } = &statement.what
    {
        table = Some(of.clone());
        if *object == Object::Index {
            on_event(ImportEvent::Index(name.clone()));
        }
    }
    let at = At {
        line: statement.line,
        offset: statement.offset,
    };
    let done = match &statement.what {
        // As shells restore it: the database that was dumped has it without the module, too. It is not tried first: without
        // a journal a statement that fails leaves what it did.
        What::Create {
            object: Object::VirtualTable,
            name,
            sql,
            ..
        } if modules.virtual_table(name, sql).lacks_module => {
            on_event(ImportEvent::NoModule(LackingModule {
                table: name.clone(),
                module: module_of(sql),
            }));
            entry(raw, name, sql)
        }
        _ => raw.execute(sql),
    };
    done.map_err(|error| Why::refused(error, at, 1, table).creating(&statement.what))
}

/// Adds a virtual table to the schema that the engine cannot create.
fn entry(raw: &Raw, name: &str, sql: &str) -> Result<(), EngineError> {
    raw.execute("PRAGMA writable_schema = ON")?;
    let insert = "INSERT INTO sqlite_schema (type, name, tbl_name, rootpage, sql) VALUES ('table', ?1, ?1, 0, ?2)";
    let done = raw.prepare(insert)?.run([
        ValueRef::Text(name.as_bytes()),
        ValueRef::Text(sql.as_bytes()),
    ]);
    raw.execute("PRAGMA writable_schema = OFF")?;
    done
}

/// How many statements are kept: as many tables, or lists of columns, may take turns.
const KEPT: usize = 256;

/// The statements that insert rows, for those targets that came last.
#[derive(Default)]
struct Inserts<'a> {
    kept: Vec<Insert<'a>>,
    by_target: HashMap<Arc<Target>, usize>,
    /// The one that was used last.
    last: usize,
    /// How often any was looked up.
    uses: u64,
}

/// The statements that insert into one table: one row, and many at once.
struct Insert<'a> {
    target: Arc<Target>,
    one: Prepared<'a>,
    /// Compiled once so many rows come.
    many: Option<Prepared<'a>>,
    used: u64,
}

impl<'a> Inserts<'a> {
    fn clear(&mut self) {
        self.kept.clear();
        self.by_target.clear();
    }

    fn of(&mut self, raw: &'a Raw, target: &Arc<Target>) -> Result<&mut Insert<'a>, EngineError> {
        let is_last = |kept: &Insert<'_>| Arc::ptr_eq(&kept.target, target);
        let at = match self.kept.get(self.last) {
            Some(kept) if is_last(kept) => self.last,
            _ => match self.by_target.get(target) {
                Some(at) => *at,
                None => self.compile(raw, target)?,
            },
        };
        self.last = at;
        self.uses += 1;
        self.kept[at].used = self.uses;
        Ok(&mut self.kept[at])
    }

    /// Compiles a statement, in the place of the one that was not used for longest where there are enough.
    fn compile(&mut self, raw: &'a Raw, target: &Arc<Target>) -> Result<usize, EngineError> {
        let insert = Insert {
            one: raw.prepare(&insert_sql(target, 1))?,
            many: None,
            target: Arc::clone(target),
            used: 0,
        };
        let oldest = self.kept.iter().enumerate();
        let oldest = oldest.min_by_key(|(_, kept)| kept.used).map(|(at, _)| at);
        let at = match oldest {
            Some(at) if self.kept.len() >= KEPT => {
                let replaced = std::mem::replace(&mut self.kept[at], insert);
                self.by_target.remove(&replaced.target);
                at
            }
            _ => {
                self.kept.push(insert);
                self.kept.len() - 1
            }
        };
        self.by_target.insert(Arc::clone(target), at);
        Ok(at)
    }
}

fn insert_sql(target: &Target, rows: usize) -> String {
    let row = format!("({})", vec!["?"; target.width].join(","));
    format!(
        "{} VALUES {}",
        insert_into(target),
        vec![row; rows].join(",")
    )
}

fn insert<'a>(
    raw: &'a Raw,
    inserts: &mut Inserts<'a>,
    block: &Block,
    rows: &Rows,
    pace: Pace,
) -> Result<(), Why> {
    let at = |row: usize| {
        let (offset, line) = block.place(rows, row);
        At { line, offset }
    };
    let refused = |row, among| {
        let table = rows.target.table.clone();
        move |error| Why::refused(error, at(row), among, Some(table))
    };
    if rows.is_empty() {
        return Ok(());
    }
    let insert = inserts.of(raw, &rows.target).map_err(refused(0, 1))?;
    let most = match pace {
        Pace::Fast => ROWS,
        Pace::RowByRow => 1,
    };
    let size = most.min(VALUES / rows.target.width.max(1));
    let mut row = 0;
    if size > 1 && rows.len() >= size {
        let many = match &mut insert.many {
            Some(many) => many,
            many => {
                let compiled = raw.prepare(&insert_sql(&rows.target, size));
                many.insert(compiled.map_err(refused(0, 1))?)
            }
        };
        while row + size <= rows.len() {
            let values = (row..row + size).flat_map(|row| block.row(rows, row));
            many.run(values).map_err(refused(row, size))?;
            row += size;
        }
    }
    for row in row..rows.len() {
        insert
            .one
            .run(block.row(rows, row))
            .map_err(refused(row, 1))?;
    }
    Ok(())
}

/// Compares what the tables hold with what was written to them, and says whether some rows gave way to others.
fn count(raw: &Raw, tally: &mut Tally, conflicting: &[String]) -> Result<bool, Why> {
    let mut gave_way = false;
    for table in &mut tally.tables {
        let sql = format!("SELECT count(*) FROM {}", identifier(&table.name));
        let mut found = 0;
        let mut query = raw.prepare(&sql).map_err(Why::engine)?;
        query
            .rows([], |row| {
                if let ValueRef::Integer(count) = row.value(0) {
                    found = u64::try_from(count).unwrap_or(0);
                }
                ControlFlow::Continue(())
            })
            .map_err(Why::engine)?;
        gave_way |= table.compare(found, conflicting)? == Counted::GaveWay;
    }
    Ok(gave_way)
}

/// Rows without their parents: <https://sqlite.org/pragma.html#pragma_foreign_key_check>.
fn orphans(raw: &Raw) -> Result<(u64, Vec<Orphan>), Why> {
    let mut query = raw
        .prepare("PRAGMA foreign_key_check")
        .map_err(Why::engine)?;
    let text = |value: ValueRef<'_>| match value {
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        _ => String::new(),
    };
    let (mut count, mut some) = (0, Vec::new());
    query
        .rows([], |row| {
            count += 1;
            if some.len() < SHOWN {
                some.push(Orphan {
                    table: text(row.value(0)),
                    rowid: match row.value(1) {
                        ValueRef::Integer(rowid) => Some(rowid),
                        _ => None,
                    },
                    parent: text(row.value(2)),
                });
            }
            ControlFlow::Continue(())
        })
        .map_err(Why::engine)?;
    Ok((count, some))
}
