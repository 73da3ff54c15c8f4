//! Reading a dump: a stream of bytes into blocks of rows and statements, in constant memory and at the speed of
//! memory. It runs nothing, knows no database, and decides only whether a text is a dump.
//!
//! The text is read into one buffer. As many whole statements as are in it are read where they lie, then hashed, then
//! decoded in place, and leave with the buffer as a [`Block`]. What is refused does not stop the reading:
//! from then on there are no blocks, only more problems, so that all of them are reported together. What is broken,
//! such as a text that ends inside of a string, stops it.

mod between;
mod decode;
mod draft;
mod insert;
mod postgres;
mod problem;
mod resume;
mod scan;
mod statement;
mod value;

use sha2::{Digest, Sha256};

use super::block::{Block, Item, Mark, Rows};
use super::error::{DumpError, NotADump, Place};
use super::source::{Packing, Source};
use crate::diagnostic::Diagnostic;
use crate::setters::setters;
use decode::decode;
use draft::{Draft, Pause, Within, nul_byte};
use insert::Memory;
use scan::{GoOn, Open, Text, Unclosed};

/// How many problems are enough.
const ENOUGH: usize = 20;

/// How a dump is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReaderOptions {
    /// How long a block is, in bytes of text; a longer statement is a block of its own.
    pub block_bytes: usize,
    /// The longest statement, in bytes of text: what engines take,
    /// <https://sqlite.org/limits.html#max_sql_length>.
    pub statement_bytes: usize,
}

setters!(ReaderOptions {
    block_bytes: usize,
    statement_bytes: usize,
});

impl Default for ReaderOptions {
    fn default() -> Self {
        ReaderOptions {
            block_bytes: 256 * 1024,
            statement_bytes: 1_000_000_000,
        }
    }
}

/// What a dump was, once it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ended {
    /// Its end: how long it is, how many lines, its checksum.
    pub mark: Mark,
    /// Whether it is one transaction.
    pub envelope: Envelope,
    /// How many rows were read; of what was skipped, none.
    pub rows: u64,
    /// How many other statements were read.
    pub statements: u64,
}

/// Whether a dump is wrapped in a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Envelope {
    /// `BEGIN … COMMIT`: it is known to be complete.
    Transaction,
    /// Without: only that its last statement is whole is known, as with `.dump --data-only`.
    None,
}

/// A dump that is being read.
#[derive(Debug)]
pub struct Reader {
    source: Source,
    options: ReaderOptions,
    buffer: Vec<u8>,
    /// What of the buffer was read already.
    start: usize,
    /// How much the buffer is to hold.
    room: usize,
    /// Whether all of the source is in the buffer.
    last: bool,
    /// Nothing behind this byte of the text is read yet.
    limit: u64,
    /// Where the buffer's unread part begins.
    place: Place,
    hash: Sha256,
    memory: Memory,
    /// The statement in whose middle the unread part of the buffer begins.
    within: Option<Within>,
    transaction: Transaction,
    problems: Vec<Diagnostic>,
    going_on: Option<GoOn>,
    rows: u64,
    statements: u64,
    resumed: bool,
    state: State,
}

#[derive(Debug)]
enum Transaction {
    None,
    /// What to say where it never ends.
    Open(Box<Diagnostic>),
    Ended,
}

#[derive(Debug)]
enum State {
    Reading,
    Failed,
    Ended(Box<Ended>),
}

impl Reader {
    /// A reader of all of `source`.
    pub fn new(source: Source, options: ReaderOptions) -> Reader {
        let block_bytes = options.block_bytes.clamp(16, 1 << 30);
        Reader {
            source,
            options: ReaderOptions {
                block_bytes,
                statement_bytes: options.statement_bytes.min(1 << 30),
            },
            buffer: Vec::new(),
            start: 0,
            room: block_bytes,
            last: false,
            limit: u64::MAX,
            place: Place {
                offset: 0,
                line: 1,
                column: 1,
            },
            hash: Sha256::new(),
            memory: Memory::default(),
            within: None,
            transaction: Transaction::None,
            problems: Vec::new(),
            going_on: None,
            rows: 0,
            statements: 0,
            resumed: false,
            state: State::Reading,
        }
    }

    /// A reader of what of `source` stands behind `mark`, which a block of it began or ended with.
    ///
    /// # Errors
    /// [`DumpError::Changed`] where the text before the mark has changed; else as [`Reader::next`].
    pub fn resume(
        source: Source,
        options: ReaderOptions,
        mark: &Mark,
    ) -> Result<Reader, DumpError> {
        let mut reader = Reader::new(source, options);
        if mark.offset == 0 {
            return Ok(reader);
        }
        reader.resumed = true;
        reader.skip(mark)?;
        Ok(reader)
    }

    /// How the dump is spoken of.
    pub fn name(&self) -> &str {
        self.source.name()
    }

    /// What the dump was, once [`Reader::next`] gave nothing more.
    pub fn ended(&self) -> Option<&Ended> {
        match &self.state {
            State::Ended(ended) => Some(ended),
            _ => None,
        }
    }

    /// The next rows or statements; nothing where the dump ends, or behind an error.
    ///
    /// # Errors
    /// The source's; and all that is wrong with what was not read yet, however much of it was read meanwhile.
    // It is no iterator: its errors are the last that it gives.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Result<Option<Block>, DumpError> {
        if !matches!(self.state, State::Reading) {
            return Ok(None);
        }
        let block = self.read();
        if block.is_err() {
            self.state = State::Failed;
        }
        block
    }

    fn read(&mut self) -> Result<Option<Block>, DumpError> {
        loop {
            if !self.go_on()? {
                return self.finish(None).map(|()| None);
            }
            let mut draft = Draft::default();
            let mut pause = self.parse(&mut draft);
            if let Some(nul) = self.text().nul(0, draft.end) {
                pause = Pause::Refused(nul_byte(nul));
            }
            self.follow(&draft.statements)?;
            if let Pause::RolledBack(at) = pause {
                let place = self.place_of(at);
                return Err(self.rolled_back(place));
            }
            // What does not fit where the dump ends may only be half of it.
            if let Pause::Refused(refusal) = &pause
                && self.last
                && refusal.go_on == GoOn::Line
                && refusal.end >= self.buffer.len() - self.start
            {
                pause = Pause::Open(Open {
                    what: Unclosed::Statement,
                    at: draft.end,
                });
            }
            if let Pause::Refused(refusal) = pause {
                self.within = None;
                self.refuse(&refusal, draft.end)?;
                continue;
            }
            self.within = draft.within.take();
            if self.problems.is_empty() && !draft.is_empty() {
                return Ok(Some(self.block(draft)));
            }
            let open = match &pause {
                Pause::Open(Open {
                    what: Unclosed::Statement,
                    ..
                }) => Some(Open {
                    what: Unclosed::Statement,
                    at: 0,
                }),
                Pause::Open(open) => Some(Open {
                    at: open.at - draft.end,
                    ..*open
                }),
                _ => None,
            };
            self.advance(draft.end);
            if self.place.offset == self.limit {
                return Ok(None);
            }
            if matches!(pause, Pause::Switch) {
                continue;
            }
            if self.last {
                return self.finish(open).map(|()| None);
            }
            self.fill()?;
        }
    }

    fn text(&self) -> Text<'_> {
        Text {
            bytes: &self.buffer[self.start..],
            last: self.last,
        }
    }

    /// Hands over what was read, and goes behind it.
    fn block(&mut self, mut draft: Draft) -> Block {
        let begin = self.mark();
        let from = self.start;
        self.advance(draft.end);
        let mut text = if from == 0 && draft.end * 2 >= self.buffer.len() {
            let mut rest = Vec::with_capacity(self.options.block_bytes);
            rest.extend_from_slice(&self.buffer[draft.end..]);
            let mut text = std::mem::replace(&mut self.buffer, rest);
            text.truncate(draft.end);
            self.start = 0;
            text
        } else {
            self.buffer[from..self.start].to_vec()
        };
        self.room = self.options.block_bytes;
        for run in &mut draft.runs {
            self.rows += run.places.len() as u64;
            decode(&mut text, &mut run.cells.cells, &run.cells.fixes);
        }
        self.statements += draft.statements.len() as u64;
        let mut begins: Vec<u64> = draft.runs.iter().map(first).collect();
        begins.push(draft.end as u64);
        let rows = draft.runs.into_iter().zip(begins.windows(2));
        let rows = rows.map(|(run, begins)| {
            Item::Rows(Rows {
                target: run.target,
                cells: run.cells.cells,
                places: run.places,
                bytes: begins[1] - begins[0],
            })
        });
        let items = rows
            .chain(draft.statements.into_iter().map(Item::Statement))
            .collect();
        Block {
            text,
            items,
            begin,
            end: self.mark(),
        }
    }

    fn mark(&self) -> Mark {
        Mark {
            offset: self.place.offset,
            line: self.place.line,
            sha256: self.hash.clone().finalize().into(),
        }
    }

    /// Leaves the next `length` bytes of the buffer behind.
    fn advance(&mut self, length: usize) {
        let passed = &self.buffer[self.start..self.start + length];
        self.hash.update(passed);
        self.place = problem::behind(self.place, passed);
        self.start += length;
    }

    /// Reads more into the buffer, which is to have some room: as much as fits, and twice as much where nothing does.
    fn fill(&mut self) -> Result<(), DumpError> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let length = self.buffer.len();
        if length >= self.options.statement_bytes {
            return Err(self.too_long());
        }
        if length * 4 >= self.room * 3 {
            self.room = (length * 2).max(self.options.block_bytes);
        }
        let limit = usize::try_from(self.limit - self.place.offset).unwrap_or(usize::MAX);
        let room = self.room.min(limit);
        if room <= length {
            return Err(self.changed());
        }
        self.buffer.resize(room, 0);
        let filled = self.source.fill(&mut self.buffer[length..]);
        self.buffer
            .truncate(length + filled.as_ref().copied().unwrap_or(0));
        match filled {
            Ok(more) => {
                self.last = length + more < room && !self.source.is_stopped();
                Ok(())
            }
            Err(cause) => Err(self.unreadable(cause)),
        }
    }

    /// The end of the dump, in the middle of something where `open` says so.
    fn finish(&mut self, open: Option<Open>) -> Result<(), DumpError> {
        if let Some(open) = open {
            let problem = match (&self.within, open.what) {
                (Some(within), Unclosed::Statement) => Diagnostic::clone(&within.cut_short),
                _ => self.cut_short(open),
            };
            return Err(self.broken(problem));
        }
        if !self.problems.is_empty() {
            return Err(self.refused(false));
        }
        if let Transaction::Open(problem) = &self.transaction {
            let problem = Diagnostic::clone(problem);
            return Err(self.broken(problem));
        }
        if self.rows == 0 && self.statements == 0 && !self.resumed {
            return Err(DumpError::NotADump {
                name: self.source.name().to_owned(),
                what: NotADump::Empty,
            });
        }
        self.state = State::Ended(Box::new(Ended {
            mark: self.mark(),
            envelope: match self.transaction {
                Transaction::Ended => Envelope::Transaction,
                _ => Envelope::None,
            },
            rows: self.rows,
            statements: self.statements,
        }));
        Ok(())
    }
}

/// Where the first row of a run begins.
fn first(run: &insert::Run) -> u64 {
    run.places.first().map_or(0, |place| u64::from(place.bytes))
}

#[cfg(test)]
mod tests;
