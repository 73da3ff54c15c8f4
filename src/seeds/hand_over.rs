//! The order of updates in which values go from row to row: a row gives a unique value up before another one gets it, and a
//! value to which rows refer changes once they let go and before they follow.
//! Where rows exchange values in a circle, one of them has another value for a while. Pure.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::plan::Basis;
use super::row::Content;
use super::steps::found_by;
use crate::schema::{Affinity, Nullability, Strictness};
use crate::script::Step;
use crate::sql::{Value, identifier};

/// In which order rows are updated.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct HandOver {
    /// Rows and columns that get a value of no other row first.
    pub(super) released: Vec<(usize, usize)>,
    /// Updates before any row is inserted, by their places.
    pub(super) early: Vec<usize>,
    /// The others.
    pub(super) late: Vec<usize>,
}

/// Which updates come before others. Each is named by its place in the order of names.
#[derive(Default)]
struct Waiting {
    before: HashMap<usize, HashSet<usize>>,
    behind: HashMap<usize, Vec<usize>>,
}

impl Waiting {
    /// The values of an update are free: gives the updates that wait for nothing any more.
    fn done(&mut self, at: usize) -> Vec<usize> {
        let behind = self.behind.remove(&at).unwrap_or_default();
        let mut free = Vec::new();
        for other in behind {
            if let Some(open) = self.before.get_mut(&other)
                && open.remove(&at)
                && open.is_empty()
            {
                self.before.remove(&other);
                free.push(other);
            }
        }
        free
    }

    /// A circle of updates that wait for each other, of which `start` or what it waits for is one.
    fn circle(&self, start: usize) -> Vec<usize> {
        let mut path = vec![start];
        let mut places = HashMap::from([(start, 0)]);
        while let Some(next) = path.last().and_then(|it| self.before.get(it)?.iter().min()) {
            if let Some(place) = places.insert(*next, path.len()) {
                return path.split_off(place);
            }
            path.push(*next);
        }
        path
    }
}

/// Puts the updates in order.
pub(super) fn hand_over(
    basis: &Basis<'_>,
    inserted: &[usize],
    updated: &[(usize, Vec<usize>)],
) -> HandOver {
    let mut by_name: Vec<usize> = (0..updated.len()).collect();
    by_name.sort_by_cached_key(|number| {
        let (at, _) = updated[*number];
        basis.rows.name(&basis.rows.rows[at], basis.shape)
    });
    if basis.moves.is_empty() {
        return HandOver {
            late: by_name,
            ..HandOver::default()
        };
    }
    let row = |place: usize| updated[by_name[place]].0;
    let place_of: HashMap<usize, usize> = (0..updated.len()).map(|it| (row(it), it)).collect();
    let mut waiting = Waiting::default();
    let mut gives: HashMap<usize, Vec<&[usize]>> = HashMap::new();
    // The updates whose values rows get that are inserted.
    let mut wanted = Vec::new();
    for it in basis.moves {
        let Some(from) = place_of.get(&it.from).copied() else {
            continue;
        };
        gives.entry(from).or_default().push(&it.columns);
        match place_of.get(&it.to).copied() {
            Some(to) => {
                waiting.before.entry(to).or_default().insert(from);
                waiting.behind.entry(from).or_default().push(to);
            }
            None => wanted.push(from),
        }
    }
    let mut released = BTreeSet::new();
    let release = |released: &mut BTreeSet<(usize, usize)>, place: usize| {
        let columns = gives.get(&place).into_iter().flatten();
        let free = columns.filter_map(|columns| free_column(basis, row(place), columns));
        released.extend(free.map(|column| (row(place), column)));
    };

    let inserted: HashSet<usize> = inserted.iter().copied().collect();
    // Such an update cannot come before the insert.
    let refers = |place: &usize| {
        let (at, columns) = &updated[by_name[*place]];
        let cells = columns
            .iter()
            .filter_map(|it| basis.rows.rows[*at].cell(*it));
        let mut contents = cells.map(|cell| &cell.content);
        contents.any(|it| matches!(it, Content::Reference { row, .. } if inserted.contains(row)))
    };
    let mut early: HashSet<usize> = HashSet::new();
    for place in wanted {
        let mut all = HashSet::from([place]);
        let mut open = vec![place];
        while let Some(place) = open.pop() {
            let before = waiting.before.get(&place).into_iter().flatten();
            open.extend(before.copied().filter(|it| all.insert(*it)));
        }
        match all.iter().any(refers) {
            true => release(&mut released, place),
            false => early.extend(all),
        }
    }

    let mut open: BTreeSet<usize> = (0..updated.len()).collect();
    let mut ready: BTreeSet<usize> = open.iter().copied().collect();
    ready.retain(|place| !waiting.before.contains_key(place));
    let (mut first, mut late) = (Vec::new(), Vec::new());
    while let Some(start) = open.first().copied() {
        let Some(place) = ready.pop_first() else {
            let circle = waiting.circle(start);
            // The least value: one beside it is between those that there are, so a CHECK of their range takes it.
            let may_wait = |place: &&usize| {
                let mut columns = gives.get(place).into_iter().flatten();
                columns.any(|columns| free_column(basis, row(**place), columns).is_some())
            };
            let least = circle.iter().filter(may_wait).min_by(|one, other| {
                let value = |place: usize| {
                    let mut columns = gives.get(&place)?.iter();
                    let free = columns.find_map(|it| free_column(basis, row(place), it))?;
                    number(basis, row(place), free)
                };
                let (one, other) = (value(**one), value(**other));
                one.partial_cmp(&other).unwrap_or(std::cmp::Ordering::Equal)
            });
            let place = least.copied().unwrap_or(start);
            release(&mut released, place);
            ready.extend(waiting.done(place));
            continue;
        };
        open.remove(&place);
        match early.contains(&place) {
            true => first.push(by_name[place]),
            false => late.push(by_name[place]),
        }
        ready.extend(waiting.done(place));
    }
    HandOver {
        released: released.into_iter().collect(),
        early: first,
        late,
    }
}

/// The column of a unique index that can have another value for a while.
fn free_column(basis: &Basis<'_>, at: usize, columns: &[usize]) -> Option<usize> {
    let rules = basis.rows.rules(&basis.rows.rows[at]);
    let of = &basis.shape.tables[rules.table];
    let is_null_allowed = |column: &usize| of.columns[*column].nullability == Nullability::Nullable;
    let refers = |column: &usize| {
        of.foreign_keys
            .iter()
            .any(|key| key.columns.contains(column))
    };
    let (found_by, _) = found_by(basis, at);
    let free = columns.iter().copied().filter(|column| {
        !of.primary_key.contains(column)
            && !found_by.contains(column)
            && (is_null_allowed(column) || !refers(column))
    });
    let (nullable, others): (Vec<usize>, Vec<usize>) = free.partition(is_null_allowed);
    nullable.into_iter().chain(others).next()
}

#[allow(clippy::cast_precision_loss)]
fn number(basis: &Basis<'_>, at: usize, column: usize) -> Option<f64> {
    match basis.found.row(at)?.get(column)? {
        Value::Integer(number) => Some(*number as f64),
        Value::Real(real) => Some(*real),
        _ => None,
    }
}

/// Gives a row a value that no other one has: NULL where the column takes it, else one beside its own.
pub(super) fn release(
    basis: &Basis<'_>,
    at: usize,
    column: usize,
    (finds, args): (String, Vec<Value>),
) -> Step {
    let row = &basis.rows.rows[at];
    let of = &basis.shape.tables[basis.rows.rules(row).table];
    let table = identifier(&of.name);
    let name = identifier(&of.columns[column].name);
    let text = format!("CAST({name} AS TEXT) || '-' || hex(randomblob(8))");
    let value = match (
        of.columns[column].nullability,
        of.strictness,
        of.columns[column].affinity,
    ) {
        (Nullability::Nullable, ..) => "NULL".to_owned(),
        (_, Strictness::Strict, Affinity::Integer) => {
            format!("(SELECT max({name}) + 1000000 FROM {table})")
        }
        (_, Strictness::Strict, Affinity::Text) => text,
        (_, Strictness::Strict, Affinity::Blob)
            if !of.columns[column].declared.eq_ignore_ascii_case("ANY") =>
        {
            "randomblob(16)".to_owned()
        }
        _ => format!(
            "CASE WHEN typeof({name}) IN ('integer', 'real') THEN {name} + 0.5 ELSE {text} END"
        ),
    };
    Step {
        origin: Some(basis.rows.origin(row, &row.span, basis.files)),
        ..Step::own(
            format!("UPDATE {table} SET {name} = {value} WHERE {finds}"),
            args,
        )
    }
}
