//! The order of updates in which values go from row to row: a row gives a unique value up before another one gets it, and a
//! value to which rows refer changes once they let go and before they follow.
//! Where rows exchange values in a circle, one of them has another value for a while. Pure.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::basis::{Basis, found_by};
use super::refused::{EXCHANGE, EXCHANGE_HELP};
use super::row::{Cell, Content};
use crate::diagnostic::Diagnostic;
use crate::schema::{Affinity, Nullability, Strictness, TableShape};
use crate::script::Step;
use crate::sql::{Value, ValueRef, identifier};

/// In which order rows are updated.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct HandOver {
    /// Rows that get a value of no other row first, in one of these columns.
    pub(super) released: Vec<Released>,
    /// Updates before any row is inserted, by their places.
    pub(super) early: Vec<usize>,
    /// The others.
    pub(super) late: Vec<usize>,
}

/// A row that gives up its values in some columns before they get the declared ones.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Released {
    pub(super) row: usize,
    /// Of these columns no other row may have the same values.
    columns: Vec<usize>,
    /// The columns that may have another value for a while, the likeliest first.
    places: Vec<usize>,
}

/// Which updates come before others. Each is named by its place in the order of names.
#[derive(Default)]
struct Waiting {
    before: HashMap<usize, HashSet<usize>>,
    behind: HashMap<usize, Vec<usize>>,
}

impl Released {
    /// The places among columns that the run does not write: they get their value back.
    pub(super) fn restored(&self, written: &[usize]) -> impl Iterator<Item = usize> {
        let places = self.places.iter().copied();
        places.filter(|column| !written.contains(column))
    }
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
) -> Result<HandOver, Box<Diagnostic>> {
    let mut by_name: Vec<usize> = (0..updated.len()).collect();
    by_name.sort_by_cached_key(|number| {
        let (at, _) = updated[*number];
        basis.rows.name(&basis.rows.rows[at], basis.shape)
    });
    if basis.moves.is_empty() {
        return Ok(HandOver {
            late: by_name,
            ..HandOver::default()
        });
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
    let places = |place: usize, columns: &[usize]| {
        let (at, written) = &updated[by_name[place]];
        places(basis, *at, columns, written)
    };
    let release = |released: &mut BTreeSet<Released>, place: usize| {
        for columns in gives.get(&place).into_iter().flatten() {
            let places = places(place, columns);
            let of = table_of(basis, row(place));
            if places.is_empty() && of.is_unique(columns) {
                return Err(exchange(basis, row(place), columns));
            }
            released.insert(Released {
                row: row(place),
                columns: columns.to_vec(),
                places,
            });
        }
        Ok(())
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
            true => release(&mut released, place)?,
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
                columns.any(|columns| !places(**place, columns).is_empty())
            };
            let least = circle.iter().filter(may_wait).min_by(|one, other| {
                let value = |place: usize| {
                    let mut columns = gives.get(&place)?.iter();
                    let free = columns.find_map(|it| places(place, it).first().copied())?;
                    number(basis, row(place), free)
                };
                let (one, other) = (value(**one), value(**other));
                one.partial_cmp(&other).unwrap_or(std::cmp::Ordering::Equal)
            });
            let place = least.copied().unwrap_or(start);
            release(&mut released, place)?;
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
    Ok(HandOver {
        released: released.into_iter().collect(),
        early: first,
        late,
    })
}

fn table_of<'a>(basis: &Basis<'a>, at: usize) -> &'a TableShape {
    &basis.shape.tables[basis.rows.rules(&basis.rows.rows[at]).table]
}

/// Rows that exchange values which none of them can give up for a while.
fn exchange(basis: &Basis<'_>, at: usize, columns: &[usize]) -> Box<Diagnostic> {
    let row = &basis.rows.rows[at];
    let of = table_of(basis, at);
    let names: Vec<&str> = columns
        .iter()
        .map(|column| of.columns[*column].name.as_str())
        .collect();
    let names = names.join("`, `");
    let message = format!(
        "`{}` and another row exchange their `{names}`, and no row can have another value there for a while",
        basis.rows.name(row, basis.shape)
    );
    let mut cells = columns.iter().filter_map(|it| row.cell(*it));
    let span = cells
        .next_back()
        .map_or_else(|| row.span.clone(), Cell::span);
    let problem = Diagnostic::problem("exchange", message)
        .at(basis.rows.origin(row, &span, basis.files))
        .help(EXCHANGE_HELP);
    Box::new(problem)
}

/// The columns that can have another value for a while: those that the run writes first, NULL before other values. A column
/// that keeps its value is written back, so no other row may follow it.
fn places(basis: &Basis<'_>, at: usize, columns: &[usize], written: &[usize]) -> Vec<usize> {
    let of = table_of(basis, at);
    let is_null_allowed = |column: &usize| of.columns[*column].nullability == Nullability::Nullable;
    let refers = |column: &usize| {
        of.foreign_keys
            .iter()
            .any(|key| key.columns.contains(column))
    };
    let (found_by, _) = found_by(basis, at);
    let is_referred_to = |column: &usize| {
        let name = &of.columns[*column].name;
        let mut keys = basis.shape.tables.iter().flat_map(|it| &it.foreign_keys);
        keys.any(|key| {
            let mut columns = key.parent_columns.iter();
            key.parent.eq_ignore_ascii_case(&of.name)
                && columns.any(|it| it.eq_ignore_ascii_case(name))
        })
    };
    let is_free = |column: &usize| {
        !of.primary_key.contains(column)
            && !found_by.contains(column)
            && match written.contains(column) {
                true => is_null_allowed(column) || !refers(column),
                false => !refers(column) && !is_referred_to(column),
            }
    };
    let mut free: Vec<usize> = columns.iter().copied().filter(is_free).collect();
    free.sort_by_key(|column| (!written.contains(column), !is_null_allowed(column)));
    free
}

#[allow(clippy::cast_precision_loss)]
fn number(basis: &Basis<'_>, at: usize, column: usize) -> Option<f64> {
    match basis.there(at)?.get(column)? {
        ValueRef::Integer(number) => Some(number as f64),
        ValueRef::Real(real) => Some(real),
        _ => None,
    }
}

/// Gives a row a value that no other one has: NULL where the column takes it, else one beside its own. A place whose CHECK
/// refuses that is passed over for the next one.
pub(super) fn release(
    basis: &Basis<'_>,
    released: &Released,
    (finds, mut args): (String, Vec<Value>),
) -> Vec<Step> {
    let row = &basis.rows.rows[released.row];
    let of = table_of(basis, released.row);
    let table = identifier(&of.name);
    let found = basis.there(released.row);
    let mut condition = finds;
    // Once one place has another value, the others stay.
    for column in &released.columns {
        condition += &format!(" AND {} IS ?", identifier(&of.columns[*column].name));
        args.push(found.and_then(|it| it.value(*column)).unwrap_or_default());
    }
    let step = |(number, column): (usize, &usize)| {
        let is_last = number + 1 == released.places.len();
        let sql = format!(
            "UPDATE {}{table} SET {} = {} WHERE {condition}",
            if is_last { "" } else { "OR IGNORE " },
            identifier(&of.columns[*column].name),
            placeholder(of, *column)
        );
        Step::own(sql, args.clone())
            .at(basis.rows.origin(row, &row.span, basis.files))
            .explained(format!("SELECT '{EXCHANGE}'"))
    };
    released.places.iter().enumerate().map(step).collect()
}

/// A value that no other row has.
fn placeholder(of: &TableShape, column: usize) -> String {
    let table = identifier(&of.name);
    let name = identifier(&of.columns[column].name);
    let text = format!("CAST({name} AS TEXT) || '-' || hex(randomblob(8))");
    match (
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
    }
}
