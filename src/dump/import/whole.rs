//! A dump that fits into one transaction, with its record.

use std::time::Instant;

use super::clash::There;
use super::error::{ImportError, Stands, Why};
use super::look::{Done, count, count_there, objects, orphan, orphans};
use super::lower::Lowered;
use super::pass::Pass;
use super::record::{Import, script};
use super::rows::How;
use super::tally::Tally;
use super::{ImportEvent, Imported, Job, Outcome, Violations};
use crate::db::{Code, Db, EngineError, Rows};
use crate::drive::{ApplyError, Decision, Reader, drive};
use crate::dump::Block;
use crate::history::{History, HistoryError, Part, Row};
use crate::script::{ForeignKeys, Key, Revision, Script, Step};

/// A dump that was read, and what is in the database.
pub(super) struct Whole<'a> {
    job: &'a Job<'a>,
    blocks: Vec<Block>,
    /// The reading that has seen all of it.
    seen: Pass,
    there: There,
    /// The revision at which the database was looked at.
    revision: Revision,
    how: How,
    /// As it was lowered last, and the reading that did it.
    lowered: Lowered,
    pass: Pass,
    /// Why it is not sent.
    refused: Option<Why>,
    /// The record of an earlier import of the same dump.
    already: Option<Row>,
}

impl Reader for &mut Whole<'_> {
    fn texts(&self, _: &History) -> Vec<Key> {
        Vec::new()
    }

    /// Looks again where another run has changed the database since.
    async fn look(&mut self, db: &Db, history: &History) -> Result<(), HistoryError> {
        if self.revision != history.revision {
            self.there = objects(self.job).await?;
            count_there(db, &mut self.there, &self.seen.wanted).await?;
            self.revision = history.revision;
        }
        Ok(())
    }

    fn decide(&mut self, history: &History) -> Decision {
        self.already = history.row(&self.seen.key()).cloned();
        if self.already.is_some() {
            return Decision::default();
        }
        match self.lower(history.revision) {
            Ok(script) => Decision {
                scripts: vec![script],
                ..Decision::default()
            },
            Err(why) => {
                self.refused = Some(why);
                Decision::default()
            }
        }
    }
}

impl Whole<'_> {
    fn lower(&mut self, expects: Revision) -> Result<Script, Why> {
        let found = self.seen.clashes(&self.there);
        if !found.is_empty() {
            return Err(Why::Clashes(found));
        }
        let job = self.job;
        self.pass = Pass::begin(&job.setup(), self.there.beside());
        self.lowered = Lowered::of(&mut self.blocks, &mut self.pass, self.how)?;
        self.there.note(&mut self.pass.tally, &self.pass.wanted);
        let foreign_keys = match job.options.violations {
            Violations::Refuse => ForeignKeys::Off,
            Violations::Allow => ForeignKeys::Unchecked,
        };
        let (name, mut steps) = (job.input.recorded(), job.resets());
        steps.extend(self.lowered.steps.iter().cloned());
        let import = Import {
            name: &name,
            end: &self.seen.end,
            tally: &self.pass.tally,
            history: job.db.history_table(),
        };
        Ok(script(expects, import, foreign_keys, steps))
    }

    /// The number of the dump's step that this is.
    fn number(&self, part: &Part) -> Option<usize> {
        let Part::Step(failed) = part else {
            return None;
        };
        let is_it = |step: &Step| std::ptr::eq(&*step.sql, &*failed.sql);
        self.lowered.steps.iter().position(is_it)
    }

    fn failed(&self, part: &Part, error: EngineError, explanation: Rows) -> Why {
        match part {
            Part::Step(_) => self
                .lowered
                .refused(self.number(part).unwrap_or(usize::MAX), error),
            Part::ForeignKeysAfter if !explanation.is_empty() => Why::ForeignKeys {
                count: number(&explanation),
                some: explanation.iter().map(|row| orphan(row)).collect(),
            },
            Part::Mismatch => self.mismatch(error, &explanation),
            _ => Why::checking(error, &self.seen.wanted),
        }
    }

    /// The guard names the tables, and the error is its own.
    fn mismatch(&self, error: EngineError, rows: &Rows) -> Why {
        let text = |at: usize| rows.first().and_then(|row| row.get(at)?.as_str());
        match (text(0), text(2)) {
            (Some(child), Some(parent)) => Why::Mismatch {
                line: self.seen.wanted.made_in(child),
                child: child.to_owned(),
                parent: parent.to_owned(),
            },
            _ => Why::engine(error),
        }
    }
}

/// How many rows lack their parents: each of those that are shown says it.
fn number(rows: &Rows) -> u64 {
    let all = rows.first().and_then(|row| row.get(7)?.as_i64());
    all.and_then(|all| u64::try_from(all).ok())
        .unwrap_or(rows.len() as u64)
}

/// Imports a dump that fits into one transaction. `seen` has read all of it, and `there` is what was in the database at
/// `revision`.
pub(super) async fn whole(
    job: &Job<'_>,
    blocks: Vec<Block>,
    seen: Pass,
    there: There,
    revision: Revision,
) -> Result<Imported, ImportError> {
    let mut whole = Whole {
        job,
        blocks,
        pass: seen.clone(),
        seen,
        there,
        revision,
        how: job.how(),
        lowered: Lowered::default(),
        refused: None,
        already: None,
    };
    let begun = Instant::now();
    let on_event = job.waits();
    let mut ran = drive(job.db, job.run, &on_event, &mut whole).await;
    // Which row it was: the same is sent again with one row in each statement. It is rolled back as it was before.
    if let Err(ApplyError::Script(error)) = &ran
        && error.failed.failure.code() != Some(Code::Interrupted)
        && let Some(step) = whole.number(&error.failed.part)
        && whole.lowered.is_of_many(step)
    {
        whole.how.apart = Some(step);
        ran = drive(job.db, job.run, &on_event, &mut whole).await;
    }
    if let Some(why) = whole.refused {
        return Err(why.into());
    }
    if let Some(row) = &whole.already {
        return Ok(Imported::already(&whole.seen.end, row));
    }
    ran.map_err(|error| {
        let failed = |part: &Part, error, explanation| whole.failed(part, error, explanation);
        Why::applying(error, failed)
    })?;
    let mut sent = Tally::default();
    sent.took(&whole.pass.tally, begun.elapsed());
    (job.on_event)(ImportEvent::Written {
        bytes: whole.seen.end.offset,
        rows: sent.rows(),
    });
    let all = |why: Why| why.leaving(Stands::Everything);
    let orphans = match job.options.violations {
        Violations::Refuse => (0, Vec::new()),
        Violations::Allow => match orphans(job, &sent).await {
            // Where a key is missing nothing can be counted.
            Err(why) if why.is_mismatch() => (0, Vec::new()),
            found => found.map_err(all)?,
        },
    };
    let mut done = Done {
        tally: sent,
        translator: whole.pass.translator,
        wanted: whole.pass.wanted,
        end: whole.seen.end,
    };
    count(job, &mut done).await.map_err(all)?;
    Ok(Imported::of(done, orphans, Outcome::Whole))
}
