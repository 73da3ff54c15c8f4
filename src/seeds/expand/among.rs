//! One of the rows of a table: `!pick users.*` draws one, `!each users.*` takes them in turn. Which one it is depends on
//! labels and never on the order of rows or files. Pure.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest, Sha256};

use super::super::generate::Dice;
use super::super::labels::{Labels, matches};
use super::super::model::{Choose, SeedFile, Spanned};
use super::Expansion;

/// The rows whose labels match.
#[derive(Debug, Default)]
pub(in crate::seeds) struct Among {
    /// Labels and places of rows, with numbers in their order: `u_2` before `u_10`.
    in_turn: Vec<(Arc<str>, usize)>,
    /// By a hash of the label, with the place in `in_turn`.
    hashed: Vec<(u64, usize)>,
}

/// Those that have been asked for, by file, table and pattern.
pub(super) type Asked = Mutex<HashMap<(usize, String, String), Arc<Among>>>;

impl Among {
    pub(in crate::seeds) fn of(
        labels: &Labels,
        table: &str,
        pattern: &str,
        sees: impl Fn(usize) -> bool,
    ) -> Among {
        let mut all: Vec<(Arc<str>, usize)> = labels
            .all(table)
            .filter(|(label, row)| matches(pattern, label) && sees(*row))
            .collect();
        all.sort_unstable_by(|(one, _), (other, _)| natural(one, other));
        let mut hashed: Vec<(u64, usize)> = all
            .iter()
            .enumerate()
            .map(|(at, (label, _))| (hash(label), at))
            .collect();
        hashed.sort_unstable();
        Among {
            in_turn: all,
            hashed,
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.in_turn.len()
    }

    /// One of them, its label and its place; none where there is none.
    pub(in crate::seeds) fn choose(
        &self,
        choice: Choose,
        turn: u64,
        dice: Option<&mut Dice>,
    ) -> Option<&(Arc<str>, usize)> {
        let at = match (choice, dice) {
            (Choose::Random, Some(dice)) => self.drawn(dice)?,
            _ => {
                let count = u64::try_from(self.in_turn.len())
                    .ok()
                    .filter(|it| *it > 0)?;
                usize::try_from(turn % count).ok()?
            }
        };
        self.in_turn.get(at)
    }

    /// Each is as likely as the others. The labels are a tree by the bits of their hashes, and at each branching the
    /// dice choose a side by how many are there: another label changes few of all choices.
    fn drawn(&self, dice: &mut Dice) -> Option<usize> {
        let mut rest = self.hashed.as_slice();
        for bit in (0..u64::BITS).rev() {
            if rest.len() < 2 {
                break;
            }
            let chance = u128::from(dice.below(u64::MAX));
            let split = rest.partition_point(|(hash, _)| hash >> bit & 1 == 0);
            let (left, right) = rest.split_at(split);
            let share = chance * rest.len() as u128 / u128::from(u64::MAX);
            rest = match share < split as u128 {
                true => left,
                false => right,
            };
        }
        rest.first().map(|(_, at)| *at)
    }
}

/// Whether a file chooses from the labels of another one: those of files that are seeded whenever it is, so that no choice
/// depends on the tags of a run.
pub(in crate::seeds) fn chooses_from(file: &SeedFile, other: &SeedFile) -> bool {
    let tags = &file.settings.tags;
    let others = &other.settings.tags;
    let has = |tag: &Spanned<String>| others.iter().any(|it| it.value == tag.value);
    others.is_empty() || !tags.is_empty() && tags.iter().all(has)
}

impl Expansion<'_> {
    /// The rows of a table whose labels match, of those that a file chooses from.
    pub(super) fn labelled(&self, file: usize, table: &str, pattern: &str) -> Arc<Among> {
        let key = (file, table.to_ascii_lowercase(), pattern.to_owned());
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let among = asked.entry(key);
        let sees = |row: usize| {
            let other = self.file_of.get(row).and_then(|it| self.files.get(*it));
            other.is_some_and(|other| chooses_from(self.files[file], other))
        };
        let of = || Arc::new(Among::of(&self.labels, table, pattern, sees));
        among.or_insert_with(of).clone()
    }
}

fn hash(label: &str) -> u64 {
    let hash: [u8; 32] = Sha256::digest(label).into();
    hash.as_chunks::<8>()
        .0
        .first()
        .map_or(0, |it| u64::from_be_bytes(*it))
}

/// The order of labels, with the numbers in them as numbers.
pub(super) fn natural(one: &str, other: &str) -> Ordering {
    let (mut a, mut b) = (one, other);
    loop {
        let (text, number, rest) = piece(a);
        let (other_text, other_number, other_rest) = piece(b);
        let digits = |number: &str| (number.len(), number.to_owned());
        let plain = |number: &'_ str| digits(number.trim_start_matches('0'));
        let order = text
            .cmp(other_text)
            .then_with(|| plain(number).cmp(&plain(other_number)));
        if order.is_ne() {
            return order;
        }
        if rest.is_empty() || other_rest.is_empty() {
            return rest
                .len()
                .cmp(&other_rest.len())
                .then_with(|| one.cmp(other));
        }
        (a, b) = (rest, other_rest);
    }
}

/// The text up to a number, the number, and what comes behind it.
fn piece(text: &str) -> (&str, &str, &str) {
    let begin = text
        .find(|c: char| c.is_ascii_digit())
        .unwrap_or(text.len());
    let (before, rest) = text.split_at(begin);
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    let (number, rest) = rest.split_at(end);
    (before, number, rest)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use super::super::super::generate::Dice;
    use super::super::super::labels::names;
    use super::{Among, Choose, natural};
    use crate::script::Source;
    use crate::seeds::parse;

    fn among(count: usize) -> Among {
        let source = Arc::new(Source {
            name: "a.yaml".to_owned(),
            text: format!("users:\n  u_{{1..{count}}}: {{}}\n").into(),
        });
        let (file, _) = parse("a", source);
        let (_, labels) = names(&[&file], &mut Vec::new());
        Among::of(&labels, "Users", "u_*", |_| true)
    }

    fn draws(count: usize) -> Vec<usize> {
        let all = among(count);
        let dice = |n: usize| Dice::new(1, "", "posts", &format!("p_{n}"), "user_id", 0);
        let draw = |n| all.choose(Choose::Random, 0, Some(&mut dice(n))).unwrap().1;
        (0..20_000).map(draw).collect()
    }

    #[test]
    fn each_label_is_as_likely_as_the_others() {
        let mut counts: HashMap<usize, usize> = HashMap::new();
        for row in draws(7) {
            *counts.entry(row).or_default() += 1;
        }
        assert_eq!(counts.len(), 7);
        assert!(
            counts.values().all(|it| (2600..3100).contains(it)),
            "{counts:?}"
        );
    }

    #[test]
    fn one_more_label_changes_few_choices() {
        let (before, after) = (draws(100), draws(101));
        let changed = before.iter().zip(&after).filter(|(a, b)| a != b).count();
        assert!(changed < 1600, "{changed}");
    }

    #[test]
    fn turns_go_by_the_numbers_in_labels() {
        let all = among(12);
        let row = |turn| all.choose(Choose::InTurn, turn, None).map(|(_, row)| *row);
        assert_eq!([0, 1, 9, 11, 12].map(row), [0, 1, 9, 11, 0].map(Some));
        let mut labels = ["u_10", "u_2", "u", "a1b2", "a01b1", "a1b10", "ü_1"];
        labels.sort_by(|a, b| natural(a, b));
        assert_eq!(
            labels,
            ["a01b1", "a1b2", "a1b10", "u", "u_2", "u_10", "ü_1"]
        );
    }
}
