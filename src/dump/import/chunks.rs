//! A dump in transactions, each of which moves the checkpoint: for databases that are there already, and for servers.
//!
//! While one chunk is under way the next is read and made ready, with the request that carries it. How much goes into one
//! adapts to how long the last took, so that a transaction stays well under the five seconds that a server gives it while
//! others wait.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ahead::Ahead;
use super::checkpoint;
use super::clash::There;
use super::error::{ImportError, Stands, Why};
use super::look::{Done, count_there};
use super::lower::Lowered;
use super::pass::Pass;
use super::rows::How;
use super::tally::Tally;
use super::{ImportEvent, OnImport};
use crate::db::{self, At, Code, Db, EngineError, Failure, OnProgress, Ready, Transaction};
use crate::dump::{Block, Item, Mark, Object, What};
use crate::history::{self, Found, Guarded, Patience, Unsettled, Wait, settle};
use crate::script::{Atomicity, ForeignKeys, Revision, Run, Step};

/// How long a chunk should take.
const AIM: Duration = Duration::from_secs(1);

/// The smallest chunk, in bytes of the dump.
const SMALLEST: u64 = 64 << 10;

/// Blocks that were read already, and those that come.
pub(super) struct Blocks {
    pub(super) read: VecDeque<Block>,
    pub(super) ahead: Ahead,
}

impl Blocks {
    pub(super) async fn next(&mut self) -> Result<Option<Block>, Why> {
        match self.read.pop_front() {
            Some(block) => Ok(Some(block)),
            None => self.ahead.next().await,
        }
    }
}

/// An import in chunks, between two of them.
pub(super) struct Chunks<'a> {
    pub(super) db: &'a Db,
    pub(super) run: &'a Run,
    pub(super) name: &'a str,
    /// What the checkpoint names as the command that goes on, where that is no `import`.
    pub(super) command: Option<&'a str>,
    /// What comes before the first statement of the dump.
    pub(super) resets: Vec<Step>,
    /// The file of the dump as it was given.
    pub(super) path: &'a str,
    /// The most bytes of the dump in a chunk.
    pub(super) largest: u64,
    pub(super) on_event: OnImport,
    pub(super) blocks: Blocks,
    pub(super) there: There,
    /// What of the dump was made ready: one that no other reading of the dump has touched.
    pub(super) pass: Pass,
    /// The revision of the history that the first chunk expects.
    pub(super) expects: Revision,
    /// Where the database is; none where it has no checkpoint yet.
    pub(super) at: Option<Mark>,
}

/// One transaction, ready to be sent.
struct Chunk {
    blocks: Vec<Block>,
    /// A single transaction.
    ready: Ready,
    /// The steps that move the checkpoint come first.
    before: usize,
    lowered: Lowered,
    from: Option<u64>,
    end: Mark,
    /// The pass before the chunk, to lower it again.
    pass: Pass,
    /// As it is after the chunk.
    tally: Tally,
}

impl Chunks<'_> {
    /// Sends the whole dump.
    pub(super) async fn send(mut self, patience: &mut Patience) -> Result<Done, ImportError> {
        let mut size = self.largest / 4;
        // What is known to be in the database.
        let mut stands = match self.at {
            Some(at) => up_to(&at, &self.pass.tally),
            None => Stands::Nothing,
        };
        let mut end = self.at.unwrap_or_default();
        let mut sent = self.pass.tally.clone();
        let mut next = self
            .prepare(size)
            .await
            .map_err(|why| why.leaving(stands.clone()))?;
        while let Some(mut chunk) = next {
            if self.db.stop().is_raised() {
                return Err(Why::Interrupted.leaving(stands));
            }
            let index = chunk.index();
            if let Some(name) = index {
                (self.on_event)(ImportEvent::Index(name));
            }
            let (db, run, on_event) = (self.db, self.run, self.on_event.clone());
            let sent_chunk = chunk.send(db, run, &on_event, patience);
            let (took, prepared) = tokio::join!(sent_chunk, self.prepare(size));
            let took = took.map_err(|why| match why {
                // What another run has done since is not known.
                Why::Overtaken => why.leaving(Stands::Unknown),
                why => why.leaving(stands.clone()),
            })?;
            let bytes = chunk.end.offset - chunk.from.unwrap_or(0);
            size = adapted(size, bytes, took).clamp(SMALLEST.min(self.largest), self.largest);
            sent.took(&chunk.tally, took);
            stands = up_to(&chunk.end, &sent);
            end = chunk.end;
            (self.on_event)(ImportEvent::Written {
                bytes: end.offset,
                rows: sent.rows(),
            });
            next = prepared.map_err(|why| why.leaving(stands.clone()))?;
        }
        Ok(Done {
            tally: sent,
            translator: self.pass.translator,
            wanted: self.pass.wanted,
            end,
        })
    }

    /// Makes the next transaction of about so many bytes of the dump; none at its end.
    async fn prepare(&mut self, size: u64) -> Result<Option<Chunk>, Why> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut bytes = 0;
        while bytes < size {
            let Some(block) = self.blocks.next().await? else {
                break;
            };
            if makes_an_index(&block) && !blocks.is_empty() {
                self.blocks.read.push_front(block);
                break;
            }
            bytes += block.end.offset - block.begin.offset;
            let alone = makes_an_index(&block);
            blocks.push(block);
            if alone {
                break;
            }
        }
        let Some(last) = blocks.last() else {
            return Ok(None);
        };
        let end = last.end;
        let mut pass = self.pass.clone();
        let how = How::of(self.db.engine());
        let work = tokio::task::spawn_blocking(move || {
            let lowered = Lowered::of(&mut blocks, &mut pass, how);
            (blocks, pass, lowered)
        });
        let (blocks, mut pass, lowered) = work.await.map_err(|_| Why::Thread)?;
        let lowered = lowered?;
        // Of a dump that cannot be read twice these are the first questions about its tables.
        count_there(self.db, &mut self.there, &pass.wanted).await?;
        let found = pass.clashes(&self.there);
        if !found.is_empty() {
            return Err(Why::Clashes(found));
        }
        self.there.note(&mut pass.tally, &pass.wanted);
        let detail = checkpoint::detail(
            &pass.tally,
            &pass.translator,
            pass.triggers,
            self.command,
            self.path,
        );
        let mut steps = match self.at {
            None => {
                let guard = history::at_revision(self.expects, self.db.history_table());
                let mut steps = checkpoint::begin(self.name, guard, &end, detail, self.run);
                steps.extend(self.resets.iter().cloned());
                steps
            }
            Some(at) => checkpoint::advance(at.offset, &end, detail, self.run),
        };
        let checkpoint = steps.len();
        steps.extend(lowered.steps.iter().cloned());
        let db = self.db.clone();
        let work = tokio::task::spawn_blocking(move || db.ready(vec![unchecked(steps)]));
        let chunk = Chunk {
            blocks,
            ready: work.await.map_err(|_| Why::Thread)?,
            before: checkpoint,
            lowered,
            from: self.at.map(|at| at.offset),
            end,
            tally: pass.tally.clone(),
            pass: std::mem::replace(&mut self.pass, pass),
        };
        self.at = Some(end);
        Ok(Some(chunk))
    }
}

impl Chunk {
    /// The index that it makes, which takes long.
    fn index(&self) -> Option<String> {
        let mut items = self.blocks.iter().flat_map(|block| &block.items);
        items.find_map(index)
    }
}

fn index(item: &Item) -> Option<String> {
    match item {
        Item::Statement(statement) => match &statement.what {
            What::Create {
                object: Object::Index,
                name,
                ..
            } => Some(name.clone()),
            _ => None,
        },
        Item::Rows(_) => None,
    }
}

fn makes_an_index(block: &Block) -> bool {
    block.items.iter().any(|item| index(item).is_some())
}

/// A transaction without foreign keys: a dump has children before their parents, and is checked once it is whole.
pub(super) fn unchecked(steps: Vec<Step>) -> Transaction {
    Transaction {
        foreign_keys: ForeignKeys::Unchecked,
        atomicity: Atomicity::Transaction,
        steps: steps.into(),
    }
}

fn up_to(mark: &Mark, tally: &Tally) -> Stands {
    Stands::UpTo {
        line: mark.line,
        offset: mark.offset,
        rows: tally.rows(),
    }
}

/// Twice as much where it was quick, less where it was slow.
fn adapted(size: u64, bytes: u64, took: Duration) -> u64 {
    if took > AIM * 3 / 2 {
        let share = AIM.as_secs_f64() / took.as_secs_f64();
        // What it came to, in bytes that fit into the time.
        (bytes as f64 * share) as u64
    } else if took < AIM / 2 {
        size * 2
    } else {
        size
    }
}

/// A chunk whose guard is the checkpoint.
struct Sending<'a> {
    chunk: &'a Chunk,
    run: &'a Run,
    on_event: &'a OnImport,
    sent: Instant,
}

impl Guarded for Sending<'_> {
    fn transactions(&mut self, _done: usize) -> (Ready, OnProgress) {
        self.sent = Instant::now();
        (self.chunk.ready.clone(), waits(self.on_event))
    }

    async fn look(&self, db: &Db, _done: usize) -> Option<Found> {
        let found = checkpoint::read(db).await.ok()?;
        let end = &self.chunk.end;
        Some(match found {
            Some(found) if found.is_at(end) && found.run_id == self.run.id => Found::DONE,
            // Reads may lag behind writes: an older checkpoint tells nothing.
            Some(found) if Some(found.offset) > self.chunk.from => Found::MOVED,
            _ => Found::UNCHANGED,
        })
    }

    fn waits(&self, wait: Wait) {
        (self.on_event)(wait.into());
    }
}

/// Where the progress of a transaction of an import goes.
pub(super) fn waits(on_event: &OnImport) -> OnProgress {
    let on_event = on_event.clone();
    Arc::new(move |progress| {
        if progress == db::Progress::Waiting {
            on_event(ImportEvent::Waiting);
        }
    })
}

impl Chunk {
    /// Sends it until it is known what became of it, and tells how long it took.
    async fn send(
        &mut self,
        db: &Db,
        run: &Run,
        on_event: &OnImport,
        patience: &mut Patience,
    ) -> Result<Duration, Why> {
        let mut sending = Sending {
            chunk: &*self,
            run,
            on_event,
            sent: Instant::now(),
        };
        let settled = settle(db, patience, &mut sending).await;
        let sent = sending.sent;
        match settled.stopped {
            None => Ok(sent.elapsed()),
            Some(Unsettled::Failed(Failure::Step {
                at: At::Step(step),
                error,
                ..
            })) if step >= self.before && !matches!(error.code, Code::Busy | Code::Interrupted) => {
                Err(self.refused(db, step - self.before, error).await)
            }
            // The checkpoint is gone: another run came to the end of the same dump.
            Some(Unsettled::Failed(Failure::Step {
                at: At::Step(step),
                error:
                    EngineError {
                        code: Code::Other(_),
                        ..
                    },
                ..
            })) if step < self.before && self.from.is_some() => Err(Why::Overtaken),
            Some(unsettled) => Err(Why::unsettled(unsettled, db)),
        }
    }

    /// Which row it was: the step is sent again with one row in each statement. It is rolled back as it was before.
    async fn refused(&mut self, db: &Db, step: usize, error: EngineError) -> Why {
        if !self.lowered.is_of_many(step) {
            return self.lowered.refused(step, error);
        }
        let how = How {
            largest: None,
            apart: Some(step),
            ..How::of(db.engine())
        };
        let mut pass = self.pass.clone();
        let Ok(lowered) = Lowered::of(&mut self.blocks, &mut pass, how) else {
            return self.lowered.refused(step, error);
        };
        let sent = self.ready.transactions.iter();
        let before = sent.flat_map(|transaction| transaction.steps.iter());
        let mut steps: Vec<_> = before.take(self.before).cloned().collect();
        steps.extend(lowered.steps.iter().cloned());
        // What was refused once is refused again; should it not be, it is rolled back nevertheless.
        steps.truncate(lowered.last_apart(step, &self.lowered) + self.before);
        steps.push(Step::own("SELECT json('none was refused')", Vec::new()));
        let ran = db.run(vec![unchecked(steps)], Arc::new(|_| {})).await;
        match ran {
            Err(Failure::Step {
                at: At::Step(again),
                error,
                ..
            }) if again >= self.before + step && again < self.before + lowered.steps.len() => {
                lowered.refused(again - self.before, error)
            }
            _ => self.lowered.refused(step, error),
        }
    }
}
