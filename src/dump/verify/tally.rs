//! What many rows amount to, whatever their order: a number of rows and a sum of their hashes. Pure.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use crate::sql::ValueRef;

/// How many parts a tally has: where two tallies differ, only the rows of some parts must be looked at again.
const PARTS: usize = 256;

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

impl RowHash {
    /// The part of a tally that the row counts in.
    pub(super) fn part(self) -> usize {
        (self.0 % PARTS as u128) as usize
    }
}

/// Some rows, in no order. Two tallies are equal where the rows are, or by a chance of one in 2¹²⁸.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tally {
    /// Those that any row is in: there may be thousands of small tables.
    parts: BTreeMap<usize, Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Part {
    rows: u64,
    /// Modulo 2¹²⁸. A sum, and no exclusive or: that would take two equal rows for none.
    sum: u128,
}

impl Tally {
    /// Of no rows.
    pub(super) fn new() -> Tally {
        Tally {
            parts: BTreeMap::new(),
        }
    }

    /// One row more.
    pub(super) fn add(&mut self, row: RowHash) {
        let part = self.parts.entry(row.part()).or_default();
        part.rows += 1;
        part.sum = part.sum.wrapping_add(row.0);
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> u64 {
        self.parts.values().map(|part| part.rows).sum()
    }

    /// The first parts in which the rows differ from those of `other`: a row that was changed is in two of them, once as
    /// it was and once as it is.
    pub(super) fn differs_in(&self, other: &Tally) -> Vec<usize> {
        (0..PARTS)
            .filter(|part| self.parts.get(part) != other.parts.get(part))
            .take(LOOKED_AT)
            .collect()
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
            tally(&[one.to_vec()]) == tally(&[other.to_vec()])
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
        assert_ne!(once, twice);
        assert_ne!(twice, tally(&[]));
        assert_eq!(twice.rows(), 2);
        assert_eq!(twice.differs_in(&once).len(), 1);
        assert!(twice.differs_in(&twice.clone()).is_empty());
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
            prop_assert_eq!(tally(&rows(&numbers)), tally(&rows(&turned)));
            turned.push(other);
            prop_assert_ne!(tally(&rows(&numbers)), tally(&rows(&turned)));
        }
    }
}
