//! The order in which rows are written: parents before children, and otherwise by table and label, so that the order of
//! files, tables and rows changes nothing. Rows that refer to each other in a circle are written with NULL first where a
//! column allows it, and get their reference once all are there. Foreign keys stay on. Pure.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use super::row::{Content, Rows};
use crate::schema::{Nullability, Shape};

/// An order of rows.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Order {
    /// Places of rows.
    pub(super) rows: Vec<usize>,
    /// Row and column that are written as NULL first.
    pub(super) later: HashSet<(usize, usize)>,
}

/// Rows that refer to each other in a circle with no column that could be NULL for a while.
#[derive(Debug, PartialEq)]
pub(super) struct Loop(pub(super) Vec<usize>);

/// Puts the rows that are to be inserted in order. `refers` has for each row the columns that refer to another row.
///
/// # Errors
/// Every circle that nothing breaks.
pub(super) fn order(
    rows: &Rows,
    shape: &Shape,
    inserted: &[usize],
    refers: &HashMap<usize, Vec<(usize, usize)>>,
) -> Result<Order, Vec<Loop>> {
    let ranks = ranks(shape);
    let rank = |at: usize| ranks[rows.rules(&rows.rows[at]).table];
    let behind = |(at, parents): (&usize, &Vec<(usize, usize)>)| {
        parents.iter().all(|(_, parent)| rank(*parent) < rank(*at))
    };
    if refers.iter().all(behind) {
        // The order of the tables is that of the rows.
        let mut sorted = inserted.to_vec();
        sorted.sort_by(|a, b| {
            let name = |at: &usize| name(rows, *at);
            (rank(*a), name(a), a).cmp(&(rank(*b), name(b), b))
        });
        return Ok(Order {
            rows: sorted,
            later: HashSet::new(),
        });
    }
    let is_inserted: HashSet<usize> = inserted.iter().copied().collect();
    let sorting = |at: usize| {
        let table = rows.rules(&rows.rows[at]).table;
        (ranks[table], name(rows, at), at)
    };
    let mut waits_for: HashMap<usize, Vec<(usize, usize)>> = HashMap::new();
    let mut children: HashMap<usize, Vec<usize>> = HashMap::new();
    for at in inserted {
        let parents = refers.get(at).map(Vec::as_slice).unwrap_or_default();
        let open: Vec<(usize, usize)> = parents
            .iter()
            .filter(|(_, parent)| parent != at && is_inserted.contains(parent))
            .copied()
            .collect();
        for (_, parent) in &open {
            children.entry(*parent).or_default().push(*at);
        }
        if !open.is_empty() {
            waits_for.insert(*at, open);
        }
    }
    let mut ready: BinaryHeap<Reverse<_>> = inserted
        .iter()
        .filter(|at| !waits_for.contains_key(at))
        .map(|at| Reverse(sorting(*at)))
        .collect();
    let mut order = Order::default();
    let mut loops = Vec::new();
    loop {
        while let Some(Reverse((_, _, at))) = ready.pop() {
            order.rows.push(at);
            for child in children.remove(&at).unwrap_or_default() {
                let Some(open) = waits_for.get_mut(&child) else {
                    continue;
                };
                open.retain(|(_, parent)| *parent != at);
                if open.is_empty() {
                    waits_for.remove(&child);
                    ready.push(Reverse(sorting(child)));
                }
            }
        }
        if waits_for.is_empty() {
            return match loops.is_empty() {
                true => Ok(order),
                false => Err(loops),
            };
        }
        // The first row that can do without for a while breaks the circle.
        let mut waiting: Vec<usize> = waits_for.keys().copied().collect();
        waiting.sort_by_cached_key(|at| sorting(*at));
        let in_circle = |at: usize| reaches(&waits_for, at, at);
        let can_wait = |at: &usize| {
            let row = &rows.rows[*at];
            let rules = rows.rules(row);
            let of = &shape.tables[rules.table];
            let free = |(column, _): &(usize, usize)| {
                of.columns[*column].nullability == Nullability::Nullable
                    && !of.primary_key.contains(column)
                    && !rules.key.contains(column)
            };
            waits_for[at].iter().all(free) && in_circle(*at)
        };
        let Some(at) = waiting.iter().copied().find(can_wait) else {
            let Loop(path) = circle(&waits_for, &waiting);
            // As if they were written, so that the next circle shows too.
            for at in &path {
                waits_for.remove(at);
                ready.push(Reverse(sorting(*at)));
            }
            loops.push(Loop(path));
            continue;
        };
        for (column, _) in waits_for.remove(&at).unwrap_or_default() {
            order.later.insert((at, column));
        }
        ready.push(Reverse(sorting(at)));
    }
}

/// Where a row stands among those of its table: by its label, or where the database numbers it by its place in the
/// files.
fn name(rows: &Rows, at: usize) -> Result<&str, (usize, usize)> {
    let row = &rows.rows[at];
    match rows.is_numbered(at) {
        true => Err((rows.rules(row).file, row.span.start)),
        false => Ok(&row.label),
    }
}

fn reaches(waits_for: &HashMap<usize, Vec<(usize, usize)>>, from: usize, to: usize) -> bool {
    let mut seen = HashSet::new();
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        for (_, parent) in waits_for.get(&at).into_iter().flatten() {
            if *parent == to {
                return true;
            }
            if seen.insert(*parent) {
                open.push(*parent);
            }
        }
    }
    false
}

/// One circle among rows that wait for each other.
fn circle(waits_for: &HashMap<usize, Vec<(usize, usize)>>, waiting: &[usize]) -> Loop {
    let Some(first) = waiting.iter().find(|at| reaches(waits_for, **at, **at)) else {
        return Loop(waiting.to_vec());
    };
    let mut path = vec![*first];
    let mut at = *first;
    loop {
        let next = waits_for
            .get(&at)
            .into_iter()
            .flatten()
            .map(|(_, parent)| *parent)
            .find(|parent| parent == first || reaches(waits_for, *parent, *first));
        match next {
            Some(next) if next == *first || path.contains(&next) => return Loop(path),
            Some(next) => {
                path.push(next);
                at = next;
            }
            None => return Loop(path),
        }
    }
}

/// For each table its place in an order of parents before children; circles are broken at the first name.
pub(super) fn ranks(shape: &Shape) -> Vec<usize> {
    let parents: Vec<Vec<usize>> = shape
        .tables
        .iter()
        .enumerate()
        .map(|(at, table)| {
            let keys = table.foreign_keys.iter();
            keys.filter_map(|key| shape.position(&key.parent))
                .filter(|parent| *parent != at)
                .collect()
        })
        .collect();
    let mut ranks = vec![usize::MAX; shape.tables.len()];
    for next in 0..shape.tables.len() {
        let free = |at: &usize| ranks[*at] == usize::MAX;
        let done = |at: &usize| {
            parents[*at]
                .iter()
                .all(|parent| ranks[*parent] != usize::MAX)
        };
        let unranked = || (0..shape.tables.len()).filter(free);
        if let Some(at) = unranked().find(done).or_else(|| unranked().next()) {
            ranks[at] = next;
        }
    }
    ranks
}

/// For each row the columns in which it refers to another declared row.
pub(super) fn references(rows: &Rows, shape: &Shape) -> HashMap<usize, Vec<(usize, usize)>> {
    let mut refers: HashMap<usize, Vec<(usize, usize)>> = HashMap::new();
    let numbers = rows.rules.iter().any(|rules| rules.numbered.is_some());
    for (at, row) in rows.rows.iter().enumerate() {
        let of = &shape.tables[rows.rules(row).table];
        if of.foreign_keys.is_empty() && !numbers {
            continue;
        }
        for cell in &row.cells {
            let named = rows.named.get(&(at, cell.column())).copied();
            let parent = match cell.content {
                Content::Reference { row, .. } => Some(row),
                _ => named,
            };
            let Some(parent) = parent else {
                continue;
            };
            let is_key = of
                .foreign_keys
                .iter()
                .any(|key| key.columns.contains(&cell.column()));
            // Its id is asked for by a subquery, which finds it once it is there.
            let is_number = matches!(cell.content, Content::Reference { row, column } if rows.numbers(row, column));
            if is_key || is_number {
                refers.entry(at).or_default().push((cell.column(), parent));
            }
        }
    }
    refers
}
