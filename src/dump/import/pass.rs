//! One reading of a dump: what it has made, filled and counted so far. Pure.
//!
//! A dump can be read more than once: first to check all of it, then to write it, or from a checkpoint on. Each reading
//! has a value of its own, made by [`Pass::begin`] or [`Pass::resume`], so that nothing that one reading has seen is
//! known to the next before it comes to the same statement. A dry run and an import read with the same code.

use super::Triggers;
use super::checkpoint::Checkpoint;
use super::clash::{Clash, There, Wanted, clashes};
use super::error::Why;
use super::rows::{How, fit};
use super::tally::{Tally, bytes_of};
use super::translate::{Beside, Deed, Tables, Translator, is_of_the_engine};
use crate::db::{Engine, HistoryTable};
use crate::dump::modules::Modules;
use crate::dump::{Block, Item, Mark, Object, What};
use crate::hex;
use crate::script::Key;

/// What a reading has to know before the first byte.
#[derive(Debug, Clone)]
pub(super) struct Setup {
    pub(super) engine: Engine,
    pub(super) into: Tables,
    pub(super) triggers: Triggers,
    pub(super) modules: Modules,
    pub(super) history: HistoryTable,
}

/// What was read of a dump so far.
#[derive(Debug, Clone)]
pub(super) struct Pass {
    into: Tables,
    pub(super) triggers: Triggers,
    pub(super) wanted: Wanted,
    pub(super) translator: Translator,
    pub(super) tally: Tally,
    /// Where the last block ended.
    pub(super) end: Mark,
}

impl Setup {
    fn translator(&self, beside: Beside) -> Translator {
        let (history, modules) = (self.history.clone(), self.modules.clone());
        Translator::new(self.engine, history, self.into, beside, modules)
    }
}

impl Pass {
    /// A reading from the first byte on.
    pub(super) fn begin(setup: &Setup, beside: Beside) -> Pass {
        Pass {
            into: setup.into,
            triggers: setup.triggers,
            wanted: Wanted::into(beside),
            translator: setup.translator(beside),
            tally: Tally::default(),
            end: Mark::default(),
        }
    }

    /// A reading from a checkpoint on; none where its checksum is none.
    pub(super) fn resume(setup: &Setup, beside: Beside, checkpoint: &Checkpoint) -> Option<Pass> {
        let mut translator = setup.translator(beside);
        checkpoint.remind(&mut translator);
        Some(Pass {
            into: setup.into,
            triggers: setup.triggers,
            wanted: Wanted::of(&checkpoint.tally, &translator.made, &setup.history),
            translator,
            tally: checkpoint.tally.clone(),
            end: checkpoint.mark()?,
        })
    }

    /// The next item of the dump, and what becomes of it.
    pub(super) fn item<'a>(&mut self, block: &'a Block, number: usize) -> Deed<'a> {
        let item = &block.items[number];
        let line = match item {
            Item::Rows(rows) if rows.is_empty() => block.begin.line,
            Item::Rows(rows) => block.place(rows, 0).1,
            Item::Statement(statement) => statement.line,
        };
        self.wanted.item(block, item, line, &self.translator);
        let deed = self.translator.deed(item);
        self.count(block, number, &deed);
        deed
    }

    /// The next block of the dump, which is only looked at.
    ///
    /// # Errors
    /// A row that is too large for the engine.
    pub(super) fn block(&mut self, block: &Block, how: How) -> Result<(), Why> {
        fit(block, how)?;
        for number in 0..block.items.len() {
            self.item(block, number);
        }
        self.end = block.end;
        Ok(())
    }

    /// Whether the rows of several tables may be written in another order than the dump's: no trigger runs for them, and
    /// no table keeps its content in another.
    pub(super) fn may_group(&self) -> bool {
        self.triggers == Triggers::Refuse && !self.translator.has_virtual_tables()
    }

    /// The record of an import of what was read.
    pub(super) fn key(&self) -> Key {
        Key::Import(hex::encode(&self.end.sha256))
    }

    /// Everything of what was read that is in the way, given what is in the database.
    pub(super) fn clashes(&self, there: &There) -> Vec<Clash> {
        let history = &self.translator.history;
        clashes(&self.wanted, there, self.into, self.triggers, history)
    }

    fn count(&mut self, block: &Block, number: usize, deed: &Deed<'_>) {
        let translator = &self.translator;
        let counts = |table: &str| !translator.is_shadow(table) && !is_of_the_engine(table);
        match (deed, &block.items[number]) {
            (Deed::Rows(of), _) if counts(&of.target.table) => {
                let table = self.tally.table(&of.target.table);
                table.rows += of.len() as u64;
                table.bytes += bytes_of(block, number);
            }
            (Deed::Run(_), Item::Statement(statement)) => match &statement.what {
                What::Create {
                    object: Object::Table,
                    name,
                    ..
                } if counts(name) => {
                    self.tally.table(name);
                }
                // What the dump has written to it before is gone.
                What::Clear { table } if counts(table) => self.tally.table(table).rows = 0,
                What::Create {
                    object: Object::VirtualTable,
                    ..
                } => self.tally.tables.retain(|table| counts(&table.name)),
                What::Create {
                    object: Object::Table,
                    ..
                } if !translator.emptied.is_empty() => {
                    let emptied = &translator.emptied;
                    let is_emptied =
                        |name: &str| emptied.iter().any(|it| it.eq_ignore_ascii_case(name));
                    self.tally.tables.retain(|table| !is_emptied(&table.name));
                }
                _ => {}
            },
            _ => {}
        }
    }
}
