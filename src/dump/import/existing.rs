//! A dump into a database that is there already, or on a server: in one transaction where it fits, else in chunks.

use std::collections::VecDeque;
use std::time::Duration;

use super::ahead::Ahead;
use super::checkpoint::{self, Checkpoint};
use super::chunks::{self, Blocks, Chunks, unchecked};
use super::clash::{MODULES, OBJECTS, There};
use super::error::{ImportError, Stands, Why};
use super::look::{Done, count, count_there, orphans};
use super::pass::Pass;
use super::record::Recording;
use super::translate::Beside;
use super::whole::whole;
use super::{Begin, ImportEvent, Imported, Job, OnImport, Outcome, Planned, Violations, Way};
use crate::db::{self, Db, DbError, Engine, OnProgress, Query, Ready};
use crate::drive::drive;
use crate::dump::DumpError;
use crate::dump::lacking::Creating;
use crate::history::{
    self, Found, Guarded, History, HistoryError, Interrupted, Patience, Wait, settle,
};
use crate::script::{Key, Step};

/// The first pause before an import that another run has overtaken goes on from where that run has come to. It doubles
/// whatever is done meanwhile: two imports of one dump would stop each other after each chunk.
const AGAIN: Duration = Duration::from_millis(300);

/// Imports. Where another run was faster, it looks at the database and decides again: another process may import the
/// same dump, and a chunk of a run that was killed may still be carried out.
pub(super) async fn import(job: &Job<'_>) -> Result<Imported, ImportError> {
    let mut patience = Patience::new(job.db);
    let mut begin = job.options.begin;
    let mut pause = AGAIN;
    loop {
        let error = match once(job, &mut begin, &mut patience).await {
            Err(error) if matches!(error.why, Why::Overtaken) => error,
            outcome => return outcome,
        };
        if patience.is_over() || !job.input.can_be_read_again() {
            return Err(error);
        }
        match patience.rest(db::jittered(pause)).await {
            Ok(()) => pause *= 2,
            Err(Interrupted) => return Err(Why::Interrupted.leaving(error.stands)),
        }
    }
}

async fn once(
    job: &Job<'_>,
    begin: &mut Begin,
    patience: &mut Patience,
) -> Result<Imported, ImportError> {
    let unread = |why: Why| why.leaving(Stands::Unread);
    let (mut history, mut there, mut checkpoint) = look(job).await.map_err(unread)?;
    let job = &job.as_begun(checkpoint.as_ref());
    if let Ok(history) = &history {
        patience.saw(history);
    }
    if let (Begin::Anew, Some(unfinished)) = (*begin, &checkpoint) {
        let begun = |error: ImportError| ImportError {
            begun: Some(unfinished.begun()),
            ..error
        };
        // What is refused is refused before anything is rolled back.
        if job.input.can_be_read_again() {
            plan(job, false).await?;
        } else if let Some(schema) = job.input.schema() {
            plan(&job.of(&schema), false).await?;
        }
        start_over(job, unfinished, &there, patience)
            .await
            .map_err(begun)?;
        (history, there, checkpoint) = look(job).await?;
    }
    // What is unfinished from now on was begun after this import.
    *begin = Begin::Continue;
    match checkpoint {
        Some(checkpoint) => {
            let gone_on = go_on(job, history, there, &checkpoint, patience).await;
            gone_on.map_err(|error| ImportError {
                begun: Some(checkpoint.begun()),
                ..error
            })
        }
        None => self::begin(job, &history.map_err(Why::from)?, there, patience).await,
    }
}

/// What is recorded, what there is, and how far an import has come. An unfinished import may have brought records that
/// cannot be read.
async fn look(
    job: &Job<'_>,
) -> Result<(Result<History, HistoryError>, There, Option<Checkpoint>), Why> {
    let questions = (
        Query::new(OBJECTS),
        (Query::new(MODULES), checkpoint::question()),
    );
    let (objects, (modules, checkpoint)) = job.db.ask(questions).await?;
    let mut there = There::of(&objects.rows()?, &job.modules, job.db.history_table());
    there.has_modules(db::if_accepted(modules.rows())?.unwrap_or_default());
    let checkpoint = checkpoint::answer(checkpoint)?;
    Ok((history::read(job.db).await, there, checkpoint))
}

/// Removes what an unfinished import wrote.
async fn start_over(
    job: &Job<'_>,
    checkpoint: &Checkpoint,
    there: &There,
    patience: &mut Patience,
) -> Result<(), ImportError> {
    let undone = async {
        refuse_rows_of_others(job, checkpoint, there).await?;
        let mut undoing = Undoing {
            steps: undo(checkpoint, there)?,
            offset: checkpoint.offset,
            on_event: &job.on_event,
        };
        let settled = settle(job.db, patience, &mut undoing).await;
        match settled.stopped {
            None => Ok(()),
            Some(unsettled) => {
                refuse_rows_of_others(job, checkpoint, there).await?;
                Err(Why::unsettled(unsettled, job.db))
            }
        }
    };
    undone.await.map_err(|why| why.leaving(checkpoint.stands()))
}

/// Refuses to start over where tables that would be cleared or dropped have more rows than the import has written: others
/// have written there since.
async fn refuse_rows_of_others(
    job: &Job<'_>,
    checkpoint: &Checkpoint,
    there: &There,
) -> Result<(), Why> {
    let tables = checkpoint.most_rows(there).into_iter();
    let questions =
        tables.map(|(table, most)| ((table, most), Query::count(table).if_there(table)));
    let mut others = Vec::new();
    for ((table, most), reply) in job.db.ask(questions.collect::<Vec<_>>()).await? {
        let Some(rows) = db::if_accepted(reply.rows::<1>())? else {
            continue;
        };
        let count = rows.first().and_then(|[count]| count.as_i64());
        let count = count
            .and_then(|count| u64::try_from(count).ok())
            .unwrap_or_default();
        if count > most {
            others.push((table.to_owned(), count - most));
        }
    }
    match others.is_empty() {
        true => Ok(()),
        false => Err(Why::RowsOfOthers(others)),
    }
}

/// The script that removes an unfinished import, whose guard is the checkpoint.
struct Undoing<'a> {
    steps: Vec<Step>,
    offset: u64,
    on_event: &'a OnImport,
}

impl Guarded for Undoing<'_> {
    fn transactions(&mut self, _done: usize) -> (Ready, OnProgress) {
        let transaction = unchecked(self.steps.clone());
        (vec![transaction].into(), chunks::waits(self.on_event))
    }

    async fn look(&self, db: &Db, _done: usize) -> Option<Found> {
        let found = checkpoint::read(db).await.ok()?;
        Some(match found {
            Some(found) if found.offset == self.offset => Found::UNCHANGED,
            Some(_) => Found::MOVED,
            None => Found::DONE,
        })
    }

    fn waits(&self, wait: Wait) {
        (self.on_event)(wait.into());
    }
}

fn undo(checkpoint: &Checkpoint, there: &There) -> Result<Vec<Step>, Why> {
    let steps = checkpoint.undo(there);
    steps.map_err(|(table, rows)| Why::NotAlone { table, rows })
}

/// Goes on where an import stopped.
async fn go_on(
    job: &Job<'_>,
    history: Result<History, HistoryError>,
    mut there: There,
    checkpoint: &Checkpoint,
    patience: &mut Patience,
) -> Result<Imported, ImportError> {
    let history = history.map_err(|error| Why::from(error).leaving(checkpoint.stands()))?;
    there.without(checkpoint.made());
    if job.input.can_be_read_again() {
        let seen = check_rest(job, &mut there, checkpoint).await?;
        name_triggers(job, &there, &seen);
    }
    let pass = resumed(job, &there, checkpoint).map_err(|why| why.leaving(checkpoint.stands()))?;
    let _announced = job.db.announce_import(&job.run.by);
    let chunks = Chunks {
        db: job.db,
        run: job.run,
        largest: job.options.transaction_bytes,
        name: &checkpoint.name,
        command: job.command.as_deref(),
        path: &job.input.name(),
        resets: job.resets(),
        on_event: job.on_event.clone(),
        blocks: Blocks {
            read: VecDeque::new(),
            ahead: job.read(Some(pass.end)),
        },
        there,
        expects: history.revision,
        at: Some(pass.end),
        pass,
    };
    let done = chunks.send(patience).await;
    let done =
        done.map_err(|error| of_the_rest(job, checkpoint, error.why).leaving(error.stands))?;
    let outcome = Outcome::Continued {
        line: checkpoint.line,
        started_at: checkpoint.started_at.clone(),
    };
    finish(job, done, outcome).await
}

fn resumed(job: &Job<'_>, there: &There, checkpoint: &Checkpoint) -> Result<Pass, Why> {
    let pass = Pass::resume(&job.setup(), there.beside(), checkpoint);
    pass.ok_or(Why::Changed {
        offset: checkpoint.offset,
    })
}

/// Reads what of a dump stands behind a checkpoint, and writes nothing.
async fn check_rest(
    job: &Job<'_>,
    there: &mut There,
    checkpoint: &Checkpoint,
) -> Result<Pass, ImportError> {
    let checked = async {
        let pass = resumed(job, there, checkpoint)?;
        let mut ahead = job.read(Some(pass.end));
        let mut creating = Creating::begin().await.map_err(Why::engine)?;
        let pass = check(job, pass, &mut ahead, &mut creating).await?;
        refuse_lacking(job, creating)?;
        refuse_clashes(job, there, &pass).await?;
        Ok(pass)
    };
    let checked = checked.await;
    checked.map_err(|why| of_the_rest(job, checkpoint, why).leaving(checkpoint.stands()))
}

/// Why the rest after a checkpoint was not imported: the text before it may be another dump.
fn of_the_rest(job: &Job<'_>, checkpoint: &Checkpoint, why: Why) -> Why {
    match why {
        Why::Dump(DumpError::Changed { .. }) if checkpoint.name == job.input.recorded() => {
            Why::Changed {
                offset: checkpoint.offset,
            }
        }
        Why::Dump(DumpError::Changed { .. }) => Why::Another {
            command: checkpoint.command.clone(),
            name: checkpoint.name.clone(),
            line: checkpoint.line,
            started_at: checkpoint.started_at.clone(),
        },
        why => why,
    }
}

/// Begins to import.
async fn begin(
    job: &Job<'_>,
    history: &History,
    mut there: There,
    patience: &mut Patience,
) -> Result<Imported, ImportError> {
    let beside = there.beside();
    let fresh = || Pass::begin(&job.setup(), beside);
    let mut blocks = Blocks {
        read: VecDeque::new(),
        ahead: job.read(None),
    };
    let mut seen = fresh();
    let mut creating = Creating::begin().await.map_err(Why::engine)?;
    let mut is_whole = false;
    while seen.end.offset < job.options.transaction_bytes && !is_whole {
        match blocks.ahead.next().await? {
            Some(block) => {
                seen.block(&block, job.how())?;
                creating.block(&block);
                blocks.read.push_back(block);
            }
            None => is_whole = true,
        }
    }
    let survey = !is_whole && (job.input.can_be_read_again() || may_be_done(job, history));
    if survey {
        // It is small change beside writing it, and then nothing is written of a dump that something is wrong with.
        blocks.read.clear();
        seen = check(job, seen, &mut blocks.ahead, &mut creating).await?;
    } else if !is_whole && let Some(schema) = job.input.schema() {
        creating = Creating::begin().await.map_err(Why::engine)?;
        let mut ahead = job.of(&schema).read(None);
        let schema = check(job, fresh(), &mut ahead, &mut creating).await?;
        refuse_clashes(job, &mut there, &schema).await?;
    }
    if (is_whole || survey)
        && let Some(row) = history.row(&seen.key())
    {
        return Ok(Imported::already(&seen.end, row));
    }
    if survey {
        blocks.ahead = job.read(None);
    }
    refuse_lacking(job, creating)?;
    refuse_clashes(job, &mut there, &seen).await?;
    name_triggers(job, &there, &seen);
    if !seen.translator.left_out.is_empty() {
        (job.on_event)(ImportEvent::LeftOut(seen.translator.left_out.clone()));
    }
    if is_whole && !seen.translator.has_history {
        let blocks = blocks.read.into();
        return whole(job, blocks, seen, there, history.revision).await;
    }
    let name = job.input.recorded();
    let _announced = job.db.announce_import(&job.run.by);
    let chunks = Chunks {
        db: job.db,
        run: job.run,
        largest: job.options.transaction_bytes,
        name: &name,
        command: job.command.as_deref(),
        path: &job.input.name(),
        resets: job.resets(),
        on_event: job.on_event.clone(),
        blocks,
        there,
        pass: fresh(),
        expects: history.revision,
        at: None,
    };
    let done = chunks.send(patience).await?;
    finish(job, done, Outcome::Whole).await
}

/// Whether an import of this name is recorded: then all of what is far away is read, to know whether it is the same.
fn may_be_done(job: &Job<'_>, history: &History) -> bool {
    if job.input.schema().is_none() {
        return false;
    }
    let name = job.input.recorded();
    let mut rows = history.rows.iter();
    rows.any(|row| matches!(row.key, Key::Import(_)) && row.name == name)
}

/// Reads the whole dump, and says what importing it would do.
pub(super) async fn plan(job: &Job<'_>, is_new: bool) -> Result<Planned, ImportError> {
    let (history, there, checkpoint) = look(job).await?;
    let job = &job.as_begun(checkpoint.as_ref());
    let Some(checkpoint) = checkpoint else {
        let history = history.map_err(Why::from)?;
        return Ok(plan_from_start(job, &history, there, is_new).await?);
    };
    let planned = plan_after(job, history, there, &checkpoint).await;
    planned.map_err(|why| ImportError {
        why,
        stands: checkpoint.stands(),
        begun: Some(checkpoint.begun()),
    })
}

/// The same where an import was not finished.
async fn plan_after(
    job: &Job<'_>,
    history: Result<History, HistoryError>,
    mut there: There,
    checkpoint: &Checkpoint,
) -> Result<Planned, Why> {
    if job.options.begin == Begin::Anew {
        refuse_rows_of_others(job, checkpoint, &there).await?;
    }
    there.without(checkpoint.made());
    if job.options.begin == Begin::Anew {
        undo(checkpoint, &there)?;
        // Records that the import has brought are removed with it.
        let is_history = |name: &str| job.db.history_table().is(name);
        let history = match checkpoint.made().any(is_history) {
            true => History::default(),
            false => history?,
        };
        return plan_from_start(job, &history, there, false).await;
    }
    history?;
    let seen = check_rest(job, &mut there, checkpoint).await;
    let seen = seen.map_err(|error| error.why)?;
    let line = checkpoint.line;
    Ok(Planned::of(seen, &there, Way::Rest { line }))
}

async fn plan_from_start(
    job: &Job<'_>,
    history: &History,
    mut there: There,
    is_new: bool,
) -> Result<Planned, Why> {
    let beside = match is_new {
        true => Beside::Nothing,
        false => there.beside(),
    };
    let fresh = Pass::begin(&job.setup(), beside);
    let mut creating = Creating::begin().await.map_err(Why::engine)?;
    let seen = check(job, fresh, &mut job.read(None), &mut creating).await?;
    if history.row(&seen.key()).is_some() {
        return Ok(Planned::of(seen, &There::default(), Way::Already));
    }
    refuse_lacking(job, creating)?;
    refuse_clashes(job, &mut there, &seen).await?;
    let is_small = seen.end.offset < job.options.transaction_bytes;
    let way = match is_small && !seen.translator.has_history {
        _ if is_new => Way::NewFile,
        true => Way::Whole,
        false => Way::Chunks,
    };
    Ok(Planned::of(seen, &there, way))
}

/// Reads a dump to its end.
async fn check(
    job: &Job<'_>,
    mut pass: Pass,
    ahead: &mut Ahead,
    creating: &mut Creating,
) -> Result<Pass, Why> {
    while let Some(block) = ahead.next().await? {
        pass.block(&block, job.how())?;
        creating.block(&block);
        (job.on_event)(ImportEvent::Checked {
            bytes: pass.end.offset,
        });
    }
    Ok(pass)
}

/// Refuses objects that need what belongs to an application. What a server has is not known.
fn refuse_lacking(job: &Job<'_>, creating: Creating) -> Result<(), Why> {
    match job.db.engine() {
        Engine::Server | Engine::Turso => Ok(()),
        Engine::Local | Engine::Memory => Why::refuse_lacking(creating.lacking()),
    }
}

async fn refuse_clashes(job: &Job<'_>, there: &mut There, pass: &Pass) -> Result<(), Why> {
    count_there(job.db, there, &pass.wanted).await?;
    match pass.clashes(there) {
        found if found.is_empty() => Ok(()),
        found => Err(Why::Clashes(found)),
    }
}

/// Names the triggers of the database that the rows set off, before any row is written.
fn name_triggers(job: &Job<'_>, there: &There, pass: &Pass) {
    for fired in there.fired(&pass.wanted) {
        (job.on_event)(ImportEvent::Trigger(fired));
    }
}

/// Checks what chunks have written, takes the checkpoint away and records the import.
async fn finish(job: &Job<'_>, mut done: Done, outcome: Outcome) -> Result<Imported, ImportError> {
    (job.on_event)(ImportEvent::Finishing);
    let stands = Stands::UpTo {
        line: done.end.line,
        offset: done.end.offset,
        rows: done.tally.rows(),
    };
    let at_end = |why: Why| why.leaving(stands.clone());
    count(job, &mut done).await.map_err(at_end)?;
    let found = match (orphans(job, &done.tally).await, job.options.violations) {
        (Err(why), Violations::Allow) if why.is_mismatch() => (0, Vec::new()),
        (Err(Why::Db(DbError::Read(error))), _) => {
            return Err(at_end(Why::checking(error, &done.wanted)));
        }
        (found, _) => found.map_err(at_end)?,
    };
    if found.0 > 0 && job.options.violations == Violations::Refuse {
        return Err(at_end(Why::ForeignKeys {
            count: found.0,
            some: found.1,
        }));
    }
    let name = job.input.recorded();
    let mut recording = Recording {
        name: &name,
        end: done.end,
        tally: &done.tally,
        has_checkpoint: true,
        is_overtaken: false,
        identity: job.identity(),
        unmarked: None,
    };
    let recorded = drive(job.db, job.run, &job.waits(), &mut recording).await;
    if recording.is_overtaken {
        return Err(Why::Overtaken.leaving(Stands::Unknown));
    }
    let why = |error| Why::applying(error, |_, error, _| Why::engine(error));
    recorded.map_err(|error| at_end(why(error)))?;
    let unmarked = recording.unmarked.take();
    Ok(Imported {
        unmarked,
        ..Imported::of(done, found, outcome)
    })
}
