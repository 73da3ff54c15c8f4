//! What the steps of a transaction are there for. A file may have millions of statements, so steps side by side that are
//! there for the same thing share one entry.

use std::ops::Range;

/// What a step of a transaction is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Makes the table.
    Table,
    /// Fails where the history has moved.
    Guard,
    /// Writes to `_migrations` for this unit.
    Record(usize),
    /// Fails where a view or a trigger does not compile before the run.
    CompilesBefore,
    /// Records what is to be compared with behind this unit.
    Before(usize),
    /// A statement of this unit.
    Unit(usize),
    /// Drops a TEMP object of this unit.
    Temporary(usize),
    /// Fails where this unit has left a schema that cannot be read.
    Schema(usize),
    /// Fails where this unit has left rows that break the constraints of their table.
    OldRows(usize),
    /// Fails where a foreign key has become a mismatch in this unit.
    Mismatch(usize),
    /// Fails where a row has lost its parent in this unit.
    After(usize),
    /// Records what this unit has done to foreign keys.
    Compared(usize),
    /// Fails where a foreign key has lost its parent table in this run.
    References,
    /// Fails where rows have lost their parents that an earlier script of the run took away.
    LeftRows,
    /// Fails where a view or a trigger does not compile at the end of the run.
    Compiles,
    /// Prepares a guard over the whole schema, or tidies up behind it.
    Around,
    /// Writes how long this unit took, and is its last.
    Done(usize),
    /// Writes how long each unit took, from its record to the next one.
    AllDone,
    /// Decides whether this unit runs, or belongs to how that is done.
    Condition(usize),
    /// Names the tables that this unit misses: it failed, and was rolled back alone.
    Pending(usize),
    /// Follows this unit, whether it ran or not, and tells that the answer is there.
    Passed(usize),
}

impl Purpose {
    /// The unit that it belongs to.
    pub(super) fn unit(self) -> Option<usize> {
        match self {
            Purpose::Record(unit)
            | Purpose::Before(unit)
            | Purpose::Unit(unit)
            | Purpose::Temporary(unit)
            | Purpose::Schema(unit)
            | Purpose::OldRows(unit)
            | Purpose::Mismatch(unit)
            | Purpose::After(unit)
            | Purpose::Compared(unit)
            | Purpose::Done(unit)
            | Purpose::Condition(unit)
            | Purpose::Pending(unit)
            | Purpose::Passed(unit) => Some(unit),
            Purpose::Table
            | Purpose::Guard
            | Purpose::CompilesBefore
            | Purpose::References
            | Purpose::LeftRows
            | Purpose::Compiles
            | Purpose::AllDone
            | Purpose::Around => None,
        }
    }
}

/// For each step of a transaction what it is there for.
#[derive(Debug, Default)]
pub(super) struct Purposes {
    /// Steps side by side that are there for the same thing: where they end, and what for.
    runs: Vec<(usize, Purpose)>,
}

impl Purposes {
    /// How many steps there are.
    pub(super) fn len(&self) -> usize {
        self.runs.last().map_or(0, |(end, _)| *end)
    }

    /// What this step is there for, from 0.
    pub(super) fn get(&self, step: usize) -> Option<Purpose> {
        let at = self.runs.partition_point(|(end, _)| *end <= step);
        self.runs.get(at).map(|(_, purpose)| *purpose)
    }

    /// Adds so many steps.
    pub(super) fn add(&mut self, purpose: Purpose, steps: usize) {
        let end = self.len() + steps;
        match self.runs.last_mut() {
            _ if steps == 0 => {}
            Some((last, same)) if *same == purpose => *last = end,
            _ => self.runs.push((end, purpose)),
        }
    }

    /// Steps side by side that are there for the same thing, in order.
    pub(super) fn runs(&self) -> impl Iterator<Item = (Range<usize>, Purpose)> {
        let mut begin = 0;
        self.runs.iter().map(move |(end, purpose)| {
            let steps = begin..*end;
            begin = *end;
            (steps, *purpose)
        })
    }

    /// What each step is there for, in order.
    pub(super) fn each(&self) -> impl Iterator<Item = Purpose> {
        self.runs()
            .flat_map(|(steps, purpose)| steps.map(move |_| purpose))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_side_by_side_share_an_entry() {
        let all = [
            (Purpose::Guard, 1),
            (Purpose::Unit(0), 1),
            (Purpose::Unit(0), 2_000_000),
            (Purpose::Record(1), 0),
            (Purpose::Unit(1), 2),
            (Purpose::Temporary(1), 1),
            (Purpose::Unit(1), 1),
        ];
        let mut purposes = Purposes::default();
        for (purpose, steps) in all {
            purposes.add(purpose, steps);
        }
        assert_eq!(
            purposes.runs().collect::<Vec<_>>(),
            [
                (0..1, Purpose::Guard),
                (1..2_000_002, Purpose::Unit(0)),
                (2_000_002..2_000_004, Purpose::Unit(1)),
                (2_000_004..2_000_005, Purpose::Temporary(1)),
                (2_000_005..2_000_006, Purpose::Unit(1)),
            ]
        );
        assert_eq!(purposes.len(), 2_000_006);
        for (step, expect) in [
            (0, Some(Purpose::Guard)),
            (1, Some(Purpose::Unit(0))),
            (2_000_001, Some(Purpose::Unit(0))),
            (2_000_002, Some(Purpose::Unit(1))),
            (2_000_005, Some(Purpose::Unit(1))),
            (2_000_006, None),
        ] {
            assert_eq!(purposes.get(step), expect, "{step}");
        }
        assert!(
            purposes
                .each()
                .skip(2_000_000)
                .eq((2_000_000..2_000_006).filter_map(|step| purposes.get(step)))
        );
    }
}
