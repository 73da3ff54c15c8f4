//! A dump into a database that is there already, or on a server: in one transaction where it fits, else in chunks.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ahead::Ahead;
use super::checkpoint::{self, Checkpoint};
use super::chunks::{self, Blocks, Chunks, unchecked};
use super::clash::{OBJECTS, There, Wanted};
use super::error::{ImportError, Orphan, Stands, Why};
use super::lower::Lowered;
use super::new_file::SHOWN;
use super::pass::Pass;
use super::tally::{Before, Tally};
use super::translate::Beside;
use super::{
    Begin, ImportEvent, Imported, Job, Outcome, Planned, Verify, Violations, Way, not_recorded,
    scripted,
};
use crate::db::{self, Code, Db, Engine, Failure, Query};
use crate::dump::{Block, DumpError};
use crate::hex;
use crate::history::{self, History, HistoryError, Part, RunError};
use crate::script::{ForeignKeys, Key, Script, Step};
use crate::sql::Value;

/// How often an import that somebody else was in the way of is begun again.
const TRIES: usize = 4;

/// The pause before that.
const AGAIN: Duration = Duration::from_millis(300);

/// Imports, and begins again where somebody else was faster: a chunk of a run that was killed may still have happened.
pub(super) async fn import(job: &Job<'_>) -> Result<Imported, ImportError> {
    let mut tries = 1;
    loop {
        match once(job).await {
            Err(ImportError {
                why: Why::Overtaken,
                ..
            }) if tries < TRIES && job.input.can_be_read_again() => {
                tries += 1;
                tokio::time::sleep(db::jittered(AGAIN)).await;
            }
            outcome => return outcome,
        }
    }
}

async fn once(job: &Job<'_>) -> Result<Imported, ImportError> {
    let (mut history, mut there, mut checkpoint) = look(job.db).await?;
    if job.options.begin == Begin::Anew
        && let Some(unfinished) = &checkpoint
    {
        let begun = |error: ImportError| ImportError {
            begun: Some(unfinished.begun()),
            ..error
        };
        // What is refused is refused before anything is rolled back.
        if job.input.can_be_read_again() {
            plan(job, false).await?;
        }
        start_over(job.db, unfinished).await.map_err(begun)?;
        (history, there, checkpoint) = look(job.db).await?;
    }
    match checkpoint {
        Some(checkpoint) => {
            let gone_on = go_on(job, history, there, &checkpoint).await;
            gone_on.map_err(|error| ImportError {
                begun: Some(checkpoint.begun()),
                ..error
            })
        }
        None => begin(job, &history.map_err(Why::from)?, there).await,
    }
}

/// What is recorded, what there is, and how far an import has come. An unfinished import may have brought records that
/// cannot be read.
async fn look(db: &Db) -> Result<(Result<History, HistoryError>, There, Option<Checkpoint>), Why> {
    let questions = (Query::new(OBJECTS), checkpoint::question());
    let (objects, checkpoint) = db.ask(questions).await?;
    let there = There::of(&objects.rows()?);
    let checkpoint = checkpoint::answer(checkpoint)?;
    Ok((history::read(db).await, there, checkpoint))
}

/// Takes back what an unfinished import did.
async fn start_over(db: &Db, checkpoint: &Checkpoint) -> Result<(), ImportError> {
    let stands = checkpoint.stands();
    let steps = undo(checkpoint).map_err(|why| why.leaving(stands.clone()))?;
    match db.run(vec![unchecked(steps)], Arc::new(|_| {})).await {
        Ok(_) => Ok(()),
        Err(failure) if failure.is_raised_by_us() => Err(Why::Overtaken.leaving(stands)),
        Err(Failure::Step { error, .. }) => Err(Why::engine(error).leaving(stands)),
        Err(Failure::Open(error)) => Err(Why::Db(error).leaving(stands)),
        Err(Failure::Lost(lost)) => Err(Why::Unknown(lost).leaving(Stands::Unknown)),
    }
}

fn undo(checkpoint: &Checkpoint) -> Result<Vec<Step>, Why> {
    let steps = checkpoint.undo();
    steps.map_err(|(table, rows)| Why::NotAlone { table, rows })
}

/// Goes on where an import stopped.
async fn go_on(
    job: &Job<'_>,
    history: Result<History, HistoryError>,
    mut there: There,
    checkpoint: &Checkpoint,
) -> Result<Imported, ImportError> {
    let history = history.map_err(|error| Why::from(error).leaving(checkpoint.stands()))?;
    there.without(checkpoint.made());
    if job.input.can_be_read_again() {
        let seen = check_rest(job, &mut there, checkpoint).await?;
        name_triggers(job, &there, &seen);
    }
    let pass = resumed(job, &there, checkpoint).map_err(|why| why.leaving(checkpoint.stands()))?;
    let chunks = Chunks {
        db: job.db,
        run: job.run,
        largest: job.options.transaction_bytes,
        name: &checkpoint.name,
        on_event: job.on_event.clone(),
        blocks: Blocks {
            read: VecDeque::new(),
            ahead: job.read(Some(pass.end)),
        },
        there,
        at: Some(pass.end),
        pass,
    };
    let done = chunks.send().await;
    let done =
        done.map_err(|error| of_the_rest(job, checkpoint, error.why).leaving(error.stands))?;
    let outcome = Outcome::Continued {
        line: checkpoint.line,
        started_at: checkpoint.started_at.clone(),
    };
    finish(job, &history, done, outcome).await
}

fn resumed(job: &Job<'_>, there: &There, checkpoint: &Checkpoint) -> Result<Pass, Why> {
    let pass = Pass::resume(
        job.db.engine(),
        job.options.tables,
        there.beside(),
        checkpoint,
    );
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
        let pass = check(job, pass, &mut ahead).await?;
        refuse_clashes(job, there, &pass).await?;
        Ok(pass)
    };
    let checked = checked.await;
    checked.map_err(|why| of_the_rest(job, checkpoint, why).leaving(checkpoint.stands()))
}

/// Why what stands behind a checkpoint was not imported: what stands before it may be another dump.
fn of_the_rest(job: &Job<'_>, checkpoint: &Checkpoint, why: Why) -> Why {
    match why {
        Why::Dump(DumpError::Changed { .. }) if checkpoint.name == job.input.recorded() => {
            Why::Changed {
                offset: checkpoint.offset,
            }
        }
        Why::Dump(DumpError::Changed { .. }) => Why::Another {
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
) -> Result<Imported, ImportError> {
    let beside = there.beside();
    let fresh = || Pass::begin(job.db.engine(), job.options.tables, beside);
    let mut blocks = Blocks {
        read: VecDeque::new(),
        ahead: job.read(None),
    };
    let mut seen = fresh();
    let mut is_whole = false;
    while seen.end.offset < job.options.transaction_bytes && !is_whole {
        match blocks.ahead.next().await? {
            Some(block) => {
                seen.block(&block, job.how())?;
                blocks.read.push_back(block);
            }
            None => is_whole = true,
        }
    }
    let survey = !is_whole && job.input.can_be_read_again();
    if survey {
        // It is small change beside writing it, and then nothing is written of a dump that something is wrong with.
        blocks.read.clear();
        seen = check(job, seen, &mut blocks.ahead).await?;
        blocks.ahead = job.read(None);
    }
    if is_whole || survey {
        let key = Key::Import(hex::encode(&seen.end.sha256));
        if let Some(row) = history.row(&key) {
            return Ok(Imported::already(&seen.end, row));
        }
    }
    refuse_clashes(job, &mut there, &seen).await?;
    name_triggers(job, &there, &seen);
    if is_whole && !seen.translator.has_history {
        return whole(job, there, blocks.read.into()).await;
    }
    let name = job.input.recorded();
    let chunks = Chunks {
        db: job.db,
        run: job.run,
        largest: job.options.transaction_bytes,
        name: &name,
        on_event: job.on_event.clone(),
        blocks,
        there,
        pass: fresh(),
        at: None,
    };
    let done = chunks.send().await?;
    finish(job, history, done, Outcome::Whole).await
}

/// Reads the whole dump, and says what importing it would do.
pub(super) async fn plan(job: &Job<'_>, is_new: bool) -> Result<Planned, ImportError> {
    let (history, there, checkpoint) = look(job.db).await?;
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
    there.without(checkpoint.made());
    if job.options.begin == Begin::Anew {
        undo(checkpoint)?;
        // Records that the import has brought are removed with it.
        let is_history = |name: &str| name.eq_ignore_ascii_case(history::TABLE);
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
    let fresh = Pass::begin(job.db.engine(), job.options.tables, beside);
    let seen = check(job, fresh, &mut job.read(None)).await?;
    let key = Key::Import(hex::encode(&seen.end.sha256));
    if history.row(&key).is_some() {
        return Ok(Planned::of(seen, &There::default(), Way::Already));
    }
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
async fn check(job: &Job<'_>, mut pass: Pass, ahead: &mut Ahead) -> Result<Pass, Why> {
    while let Some(block) = ahead.next().await? {
        pass.block(&block, job.how())?;
        (job.on_event)(ImportEvent::Checked {
            bytes: pass.end.offset,
        });
    }
    Ok(pass)
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

/// Counts the rows of those tables of the dump that are there.
pub(super) async fn count_there(db: &Db, there: &mut There, wanted: &Wanted) -> Result<(), Why> {
    for (table, reply) in db.ask(there.counting(wanted)).await? {
        // A virtual table of a module that the engine lacks cannot be counted.
        if let Some(count) = db::if_accepted(reply.count())? {
            there.counted(table, count);
        }
    }
    Ok(())
}

/// A dump in one transaction, with its record.
async fn whole(job: &Job<'_>, there: There, blocks: Vec<Block>) -> Result<Imported, ImportError> {
    let end = blocks.last().map(|block| block.end).unwrap_or_default();
    let foreign_keys = match job.options.violations {
        Violations::Refuse => ForeignKeys::Off,
        Violations::Allow => ForeignKeys::Unchecked,
    };
    let mut how = job.how();
    let begun = Instant::now();
    loop {
        let mut pass = Pass::begin(job.db.engine(), job.options.tables, there.beside());
        let lowered = Lowered::of(&blocks, &mut pass, how)?;
        there.note(&mut pass.tally);
        let revision = history::read(job.db).await.map_err(Why::from)?.revision;
        let name = job.input.recorded();
        let script = scripted(
            revision,
            &name,
            &end,
            &pass.tally,
            foreign_keys,
            lowered.steps.clone(),
        );
        match settled(job, &script, begun).await {
            Ok(()) => {
                let mut sent = Tally::default();
                sent.took(&pass.tally, begun.elapsed());
                (job.on_event)(ImportEvent::Written {
                    bytes: end.offset,
                    rows: sent.rows(),
                });
                let orphans = match job.options.violations {
                    Violations::Refuse => (0, Vec::new()),
                    Violations::Allow => orphans(job, &sent).await?,
                };
                count(job, &mut sent)
                    .await
                    .map_err(|why| why.leaving(Stands::Everything))?;
                let done = chunks::Done {
                    tally: sent,
                    translator: pass.translator,
                    end,
                };
                return Ok(Imported::of(done, orphans, Outcome::Whole));
            }
            Err(RunError::Moved) => continue,
            Err(RunError::Failed(failed)) => {
                let history::Failed { part, failure, .. } = *failed;
                let (error, explanation) = match failure {
                    Failure::Step {
                        error, explanation, ..
                    } => (error, explanation),
                    Failure::Open(error) => return Err(Why::Db(error).into()),
                    Failure::Lost(lost) => return Err(Why::Unknown(lost).leaving(Stands::Unknown)),
                };
                match part {
                    Part::Step(failed) => {
                        let is_it = |step: &Step| Arc::ptr_eq(&step.sql, &failed.sql);
                        let step = lowered.steps.iter().position(is_it).unwrap_or(usize::MAX);
                        if how.apart.is_none()
                            && lowered.is_of_many(step)
                            && error.code != Code::Interrupted
                        {
                            how.apart = Some(step);
                            continue;
                        }
                        return Err(lowered.refused(step, error).into());
                    }
                    Part::ForeignKeysAfter if !explanation.is_empty() => {
                        return Err(Why::ForeignKeys {
                            count: explanation.len() as u64,
                            some: explanation.iter().map(|row| orphan(row)).collect(),
                        }
                        .into());
                    }
                    Part::Begin if error.code == Code::Busy => {
                        return Err(Why::Waited {
                            what: "another connection held the lock of this database",
                            waited: job.db.lock_timeout(),
                        }
                        .into());
                    }
                    _ => return Err(Why::engine(error).into()),
                }
            }
            Err(error @ RunError::Unknown(_)) => {
                return Err(not_recorded(error).leaving(Stands::Unknown));
            }
        }
    }
}

/// Runs a script, and waits for the lock of a server, which ends a transaction where others wait for long.
async fn settled(job: &Job<'_>, script: &Script, begun: Instant) -> Result<(), RunError> {
    loop {
        let ran = history::run(job.db, script, job.run, Arc::new(|_| {})).await;
        match ran {
            Ok(_) => return Ok(()),
            Err(RunError::Failed(failed))
                if failed.failure.code() == Some(Code::Busy)
                    && job.db.engine() == Engine::Server
                    && begun.elapsed() < job.db.lock_timeout() =>
            {
                (job.on_event)(ImportEvent::Waiting);
                tokio::select! {
                    () = tokio::time::sleep(db::jittered(Duration::from_secs(2))) => {}
                    () = job.db.stop().raised() => return Err(RunError::Failed(failed)),
                }
            }
            Err(error) => return Err(error),
        }
    }
}

/// Checks what chunks have written, takes the checkpoint away and records the import.
async fn finish(
    job: &Job<'_>,
    _history: &History,
    mut done: chunks::Done,
    outcome: Outcome,
) -> Result<Imported, ImportError> {
    (job.on_event)(ImportEvent::Finishing);
    let stands = Stands::UpTo {
        line: done.end.line,
        offset: done.end.offset,
        rows: done.tally.rows(),
    };
    let at_end = |why: Why| why.leaving(stands.clone());
    count(job, &mut done.tally).await.map_err(at_end)?;
    let found = match (orphans(job, &done.tally).await, job.options.violations) {
        (Err(Why::Engine { .. }), Violations::Allow) => (0, Vec::new()),
        (found, _) => found.map_err(at_end)?,
    };
    if found.0 > 0 && job.options.violations == Violations::Refuse {
        return Err(at_end(Why::ForeignKeys {
            count: found.0,
            some: found.1,
        }));
    }
    let name = job.input.recorded();
    let begun = Instant::now();
    loop {
        let history = history::read(job.db)
            .await
            .map_err(|error| at_end(error.into()))?;
        let script = scripted(
            history.revision,
            &name,
            &done.end,
            &done.tally,
            ForeignKeys::On,
            checkpoint::finish(done.end.offset),
        );
        match settled(job, &script, begun).await {
            Ok(()) => return Ok(Imported::of(done, found, outcome)),
            Err(RunError::Moved) => {}
            Err(error @ RunError::Unknown(_)) => {
                return Err(not_recorded(error).leaving(Stands::Unknown));
            }
            Err(error) => return Err(at_end(not_recorded(error))),
        }
    }
}

/// Compares what the tables hold with what was written to them and was there before.
async fn count(job: &Job<'_>, tally: &mut Tally) -> Result<(), Why> {
    if job.options.verify == Verify::Nothing {
        return Ok(());
    }
    let questions = tally.tables.iter_mut().map(|table| {
        let question = Query::count(&table.name);
        (table, question)
    });
    for (table, reply) in job.db.ask(questions.collect::<Vec<_>>()).await? {
        let before = match table.before {
            Before::Absent | Before::Empty => 0,
            Before::Rows(rows) => rows,
        };
        let found = reply.count()?;
        if found != before + table.rows {
            return Err(Why::Count {
                table: table.name.clone(),
                written: table.rows,
                found: found.saturating_sub(before),
            });
        }
        table.verified = Some(true);
    }
    Ok(())
}

/// Rows of the dump's tables without their parents: <https://sqlite.org/pragma.html#pragma_foreign_key_check>.
async fn orphans(job: &Job<'_>, tally: &Tally) -> Result<(u64, Vec<Orphan>), Why> {
    let asked = |what: &str, name: &str| Query {
        sql: format!("SELECT {what} FROM pragma_foreign_key_check(?1)"),
        args: vec![name.into()],
    };
    let names = tally.tables.iter().map(|table| table.name.as_str());
    let counts: Vec<_> = names.map(|name| (name, asked("count(*)", name))).collect();
    let (mut count, mut questions) = (0, Vec::new());
    for (name, reply) in job.db.ask(counts).await? {
        if let found @ 1.. = reply.count()? {
            count += found;
            let mut question = asked("\"table\", rowid, parent", name);
            question.sql.push_str(&format!(" LIMIT {SHOWN}"));
            questions.push((name, question));
        }
    }
    let mut orphans = Vec::new();
    for (_, reply) in job.db.ask(questions).await? {
        orphans.extend(reply.rows::<3>()?.iter().map(|row| orphan(row)));
    }
    orphans.truncate(SHOWN);
    Ok((count, orphans))
}

fn orphan(row: &[Value]) -> Orphan {
    let text = |at: usize| {
        let text = row.get(at).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    Orphan {
        table: text(0),
        rowid: row.get(1).and_then(Value::as_i64),
        parent: text(2),
    }
}
