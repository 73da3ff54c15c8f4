//! Blocks as the steps of a transaction, and for each step its place in the dump. Pure.

use super::error::{At, Why};
use super::pass::Pass;
use super::rows::{self, How, fit};
use super::translate::Deed;
use crate::db::{Engine, EngineError};
use crate::dump::{Block, Item, Rows, What};
use crate::script::Step;
use crate::sql::{Value, ValueRef};

/// Steps, and where each of them comes from.
#[derive(Debug, Default)]
pub(super) struct Lowered {
    pub(super) steps: Vec<Step>,
    origins: Vec<Origin>,
}

/// Where a step comes from.
#[derive(Debug, Clone)]
struct Origin {
    at: At,
    /// Rows in the step.
    among: usize,
    table: Option<String>,
    /// The statement that creates an object.
    creates: Option<What>,
}

impl Lowered {
    /// The next blocks of a pass. Rows of one table are put together where that changes nothing.
    ///
    /// # Errors
    /// A row that is too large for the engine.
    pub(super) fn of(blocks: &mut [Block], pass: &mut Pass, how: How) -> Result<Lowered, Why> {
        let mut lowered = Lowered::default();
        for block in blocks {
            if pass.may_group() {
                block.group();
            }
            let block = &*block;
            fit(block, how)?;
            for (number, item) in block.items.iter().enumerate() {
                match pass.item(block, number) {
                    Deed::Nothing => {}
                    Deed::Run(statements) => lowered.statements(statements, item),
                    Deed::Rows(of) => lowered.rows(block, of, how),
                    Deed::Sequences(of) => lowered.sequences(block, of, how.engine),
                }
            }
            pass.end = block.end;
        }
        Ok(lowered)
    }

    /// Where a step stands in the dump, and whether several rows are in it.
    pub(super) fn refused(&self, step: usize, error: EngineError) -> Why {
        match self.origins.get(step) {
            Some(origin) => {
                let why = Why::refused(error, origin.at, origin.among, origin.table.clone());
                match &origin.creates {
                    Some(statement) => why.creating(statement),
                    None => why,
                }
            }
            None => Why::engine(error),
        }
    }

    /// Whether it is not known which of several rows a step failed for.
    pub(super) fn is_of_many(&self, step: usize) -> bool {
        self.origins
            .get(step)
            .is_some_and(|origin| origin.among > 1)
    }

    /// The step behind those rows that came apart, which were one step before.
    pub(super) fn last_apart(&self, step: usize, before: &Lowered) -> usize {
        let rows = before.origins.get(step).map_or(1, |origin| origin.among);
        (step + rows).min(self.steps.len())
    }

    fn push(&mut self, step: Step, origin: Origin) {
        self.steps.push(step);
        self.origins.push(origin);
    }

    fn statements(&mut self, statements: Vec<String>, item: &Item) {
        let Item::Statement(statement) = item else {
            return;
        };
        let table = match &statement.what {
            What::Create { table, .. } => Some(table.clone()),
            _ => None,
        };
        let at = At {
            line: statement.line,
            offset: statement.offset,
        };
        for sql in statements {
            let origin = Origin {
                at,
                among: 1,
                table: table.clone(),
                creates: table.is_some().then(|| statement.what.clone()),
            };
            self.push(Step::own(sql, Vec::new()), origin);
        }
    }

    fn rows(&mut self, block: &Block, of: &Rows, how: How) {
        let head = rows::insert_into(&of.target);
        let place = |row| {
            let (offset, line) = block.place(of, row);
            At { line, offset }
        };
        let mut row = 0;
        // The steps before it are the same, so it has the same number as before; those behind it are never come to.
        let mut apart = false;
        while row < of.len() {
            apart |= how.apart == Some(self.steps.len());
            let most = if apart { 1 } else { usize::MAX };
            let (step, taken) = rows::statement(how.engine, &head, block, of, row, most);
            let origin = Origin {
                at: place(row),
                among: taken,
                table: Some(of.target.table.clone()),
                creates: None,
            };
            self.push(step, origin);
            row += taken;
        }
    }

    /// What the engine has noted itself when the rows went in is at least as much.
    fn sequences(&mut self, block: &Block, of: &Rows, engine: Engine) {
        for row in 0..of.len() {
            let mut values = block.row(of, row);
            let (Some(ValueRef::Text(name)), Some(ValueRef::Integer(last))) =
                (values.next(), values.next())
            else {
                continue;
            };
            let (offset, line) = block.place(of, row);
            let origin = Origin {
                at: At { line, offset },
                among: 1,
                table: Some(of.target.table.clone()),
                creates: None,
            };
            let name = String::from_utf8_lossy(name);
            let args: Vec<Value> = vec![engine.counts_as(&name).into(), last.into()];
            for sql in [
                "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1",
                "INSERT INTO sqlite_sequence (name, seq) SELECT ?1, ?2 \
                 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)",
            ] {
                self.push(Step::own(sql, args.clone()), origin.clone());
            }
        }
    }
}
