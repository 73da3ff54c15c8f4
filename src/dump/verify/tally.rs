//! What many rows amount to, whatever their order: a number of rows and a sum of their hashes. Pure.

use std::borrow::Cow;

use sha2::{Digest, Sha256};

use crate::sql::ValueRef;

/// How many parts a tally has: where two tallies differ, only the rows of some parts must be looked at again.
const PARTS: usize = 256;

/// How many it has where there are so many tables that their parts fill the memory. A divisor of [`PARTS`], so that parts
/// can be summed.
const FEW_PARTS: usize = 16;

/// How many of those are looked at, at the most.
const LOOKED_AT: usize = 4;

/// The first half of the sha256 of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct RowHash(u128);

/// Hashes rows; it keeps the memory that it needs for one.
#[derive(Debug, Default)]
pub(super) struct Hasher {
    bytes: Vec<u8>,
}

impl Hasher {
    /// The hash of a row: of the values with their types, so that `1`, `1.0` and `'1'` are three things.
    pub(super) fn row<'a>(&mut self, values: impl IntoIterator<Item = ValueRef<'a>>) -> RowHash {
        self.bytes.clear();
        for value in values {
            self.value(value);
        }
        let digest = Sha256::digest(&self.bytes);
        let (half, _) = digest.split_at(16);
        RowHash(
            half.iter()
                .fold(0, |number, byte| number << 8 | u128::from(*byte)),
        )
    }

    /// A letter for the type, and for what has no fixed length that length too, so that no two rows read the same.
    fn value(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.bytes.push(b'n'),
            ValueRef::Integer(number) => {
                self.bytes.push(b'i');
                self.bytes.extend(number.to_le_bytes());
            }
            ValueRef::Real(number) => {
                // SQLite stores the one zero as the other where a column is for reals.
                let number = if number == 0.0 { 0.0 } else { number };
                self.bytes.push(b'r');
                self.bytes.extend(number.to_bits().to_le_bytes());
            }
            ValueRef::Text(text) => self.long(b't', text),
            ValueRef::Blob(bytes) => self.long(b'b', bytes),
        }
    }

    fn long(&mut self, letter: u8, bytes: &[u8]) {
        self.bytes.push(letter);
        self.bytes.extend((bytes.len() as u64).to_le_bytes());
        self.bytes.extend(bytes);
    }
}

/// Some rows, in no order. Two tallies are equal where the rows are, or by a chance of one in 2¹²⁸.
#[derive(Debug, Clone)]
pub(super) struct Tally {
    /// [`PARTS`] or [`FEW_PARTS`]; none as long as there is no row.
    parts: Vec<Part>,
    width: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Part {
    rows: u64,
    /// A sum modulo 2¹²⁸ in two halves, so that a part takes 24 bytes. A sum, and no exclusive or: that would take two equal
    /// rows for none.
    low: u64,
    high: u64,
}

impl Part {
    #[allow(clippy::cast_possible_truncation)]
    fn add(&mut self, rows: u64, sum: u128) {
        let sum = self.sum().wrapping_add(sum);
        self.rows += rows;
        self.low = sum as u64;
        self.high = (sum >> 64) as u64;
    }

    fn sum(&self) -> u128 {
        u128::from(self.high) << 64 | u128::from(self.low)
    }
}

/// Parts of two tallies that differ.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Parts {
    width: usize,
    some: Vec<usize>,
}

impl Parts {
    /// All of a tally.
    pub(super) fn all(tally: &Tally) -> Parts {
        Parts {
            width: tally.width,
            some: (0..tally.width).collect(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.some.is_empty()
    }

    /// Whether a row counts in one of them.
    pub(super) fn has(&self, row: RowHash) -> bool {
        self.some.contains(&row.part(self.width))
    }
}

impl RowHash {
    /// The part of a tally with so many parts that the row counts in.
    #[allow(clippy::cast_possible_truncation)]
    fn part(self, width: usize) -> usize {
        (self.0 % width as u128) as usize
    }
}

impl Default for Tally {
    fn default() -> Tally {
        Tally::new()
    }
}

impl Tally {
    /// Of no rows.
    pub(super) fn new() -> Tally {
        Tally {
            parts: Vec::new(),
            width: PARTS,
        }
    }

    /// The same rows in less memory, where there may be thousands of tables.
    pub(super) fn fold(&mut self) {
        self.parts = self.folded(FEW_PARTS).into_owned();
        self.width = FEW_PARTS;
    }

    /// Of no rows any more.
    pub(super) fn clear(&mut self) {
        self.parts = Vec::new();
    }

    /// One row more.
    pub(super) fn add(&mut self, row: RowHash) {
        if self.parts.is_empty() {
            self.parts = vec![Part::default(); self.width];
        }
        self.parts[row.part(self.width)].add(1, row.0);
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> u64 {
        self.parts.iter().map(|part| part.rows).sum()
    }

    /// Whether the rows of both are the same.
    pub(super) fn is_same(&self, other: &Tally) -> bool {
        self.differs_in(other).is_empty()
    }

    /// The first parts in which the rows differ from those of `other`: a row that was changed is in two of them, once as
    /// it was and once as it is.
    pub(super) fn differs_in(&self, other: &Tally) -> Parts {
        let width = self.width.min(other.width);
        let (one, other) = (self.folded(width), other.folded(width));
        let part = |parts: &[Part], at: usize| parts.get(at).copied().unwrap_or_default();
        let some = (0..width).filter(|at| part(&one, *at) != part(&other, *at));
        Parts {
            width,
            some: some.take(LOOKED_AT).collect(),
        }
    }

    /// Its parts summed up to so many.
    fn folded(&self, width: usize) -> Cow<'_, [Part]> {
        if self.width == width || self.parts.is_empty() {
            return Cow::Borrowed(&self.parts);
        }
        let mut folded = vec![Part::default(); width];
        for (at, part) in self.parts.iter().enumerate() {
            folded[at % width].add(part.rows, part.sum());
        }
        Cow::Owned(folded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tally(rows: &[Vec<ValueRef<'_>>]) -> Tally {
        let mut hasher = Hasher::default();
        let mut tally = Tally::new();
        for row in rows {
            tally.add(hasher.row(row.iter().copied()));
        }
        tally
    }

    /// Whether the rows of a table with one column, or with two, count as equal.
    #[test]
    fn rows_are_equal_only_with_the_same_values_of_the_same_types() {
        use ValueRef::{Blob, Integer, Null, Real, Text};
        let equal = |one: &[ValueRef<'_>], other: &[ValueRef<'_>]| {
            tally(&[one.to_vec()]).is_same(&tally(&[other.to_vec()]))
        };
        assert!(equal(&[Text(b"a")], &[Text(b"a")]));
        assert!(equal(&[Real(0.0)], &[Real(-0.0)]));
        for (one, other) in [
            (vec![Integer(1)], vec![Real(1.0)]),
            (vec![Integer(1)], vec![Text(b"1")]),
            (vec![Text(b"1")], vec![Blob(b"1")]),
            (vec![Null], vec![Text(b"")]),
            (vec![Text(b"")], vec![Blob(b"")]),
            (vec![Text(b"a"), Text(b"bc")], vec![Text(b"ab"), Text(b"c")]),
            (vec![Null, Integer(1)], vec![Integer(1), Null]),
        ] {
            assert!(!equal(&one, &other), "{one:?} and {other:?}");
        }
    }

    #[test]
    fn a_row_that_is_there_twice_is_not_a_row_that_is_missing() {
        let row = vec![ValueRef::Integer(7)];
        let once = tally(std::slice::from_ref(&row));
        let twice = tally(&[row.clone(), row.clone()]);
        assert!(!once.is_same(&twice));
        assert!(!twice.is_same(&tally(&[])));
        assert_eq!(twice.rows(), 2);
        let differs_in = twice.differs_in(&once);
        assert_eq!(differs_in.some.len(), 1);
        assert!(differs_in.has(Hasher::default().row(row)));
        assert!(twice.is_same(&twice.clone()));
    }

    proptest! {
        #[test]
        fn the_order_of_rows_does_not_matter(
            numbers in prop::collection::vec(any::<i64>(), 0..50),
            other in any::<i64>(),
        ) {
            let rows = |numbers: &[i64]| -> Vec<Vec<ValueRef<'static>>> {
                numbers.iter().map(|number| vec![ValueRef::Integer(*number)]).collect()
            };
            let mut turned = numbers.clone();
            turned.reverse();
            prop_assert!(tally(&rows(&numbers)).is_same(&tally(&rows(&turned))));
            turned.push(other);
            prop_assert!(!tally(&rows(&numbers)).is_same(&tally(&rows(&turned))));
        }

        #[test]
        fn a_folded_tally_counts_the_same_rows(
            before in prop::collection::vec(any::<i64>(), 0..50),
            after in prop::collection::vec(any::<i64>(), 0..50),
            other in any::<i64>(),
        ) {
            let rows = |numbers: &[i64]| -> Vec<Vec<ValueRef<'static>>> {
                numbers.iter().map(|number| vec![ValueRef::Integer(*number)]).collect()
            };
            let whole = tally(&rows(&[before.clone(), after.clone()].concat()));
            let mut folded = tally(&rows(&before));
            folded.fold();
            for row in rows(&after) {
                folded.add(Hasher::default().row(row));
            }
            prop_assert!(folded.is_same(&whole) && whole.is_same(&folded));
            prop_assert_eq!(folded.rows(), whole.rows());
            let more = Hasher::default().row([ValueRef::Integer(other)]);
            folded.add(more);
            prop_assert!(folded.differs_in(&whole).has(more));
        }
    }
}
