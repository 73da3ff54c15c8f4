//! Unique indexes of some rows only: which rows leave one in a run, so that others can come into it. Questions and what the
//! answers mean. Pure.

use std::collections::HashMap;

use super::basis::{Basis, Move, Planned, Written};
use super::conflicts::after;
use super::identity::words_of_parent;
use super::row::{Cell, Nature};
use super::there::There;
use crate::db::{DbError, Query, Reply, if_accepted};
use crate::schema::ConditionalIndex;
use crate::sql::{Value, ValueRef, identifier};

/// What a question is about: a row, and an index of its table.
pub(super) struct Membership<'s> {
    at: usize,
    table: usize,
    index: &'s ConditionalIndex,
}

/// Asks for each row that is written whether it is in an index of some rows, before the run and after it.
pub(super) fn memberships<'s>(
    basis: &Basis<'s>,
    written: &Planned<'_>,
) -> Vec<(Membership<'s>, Query)> {
    let mut all = Vec::new();
    for table in giving(basis) {
        let of = &basis.shape.tables[table];
        for (at, row) in basis.rows.rows.iter().enumerate() {
            if basis.rows.rules(row).table != table || written[at] == Written::Nothing {
                continue;
            }
            for index in &of.conditional {
                let condition = index.condition.as_deref().unwrap_or("TRUE");
                let before = basis
                    .there(at)
                    .map(|row| row.values().map(ValueRef::to_value).collect());
                let after = (0..of.columns.len())
                    .map(|column| after(basis, &written[at], at, column).unwrap_or_default());
                let mut args = Vec::new();
                let mut holds = |values: Option<Vec<Value>>| {
                    let Some(values) = values else {
                        return "0".to_owned();
                    };
                    let names = of.columns.iter().map(|it| identifier(&it.name));
                    let columns: Vec<String> = names.map(|name| format!("? AS {name}")).collect();
                    args.extend(values);
                    let columns = columns.join(", ");
                    format!(
                        "(SELECT CASE WHEN ({condition}) THEN 1 ELSE 0 END FROM (SELECT {columns}))"
                    )
                };
                let sql = format!("SELECT {}, {}", holds(before), holds(Some(after.collect())));
                all.push((Membership { at, table, index }, Query { sql, args }));
            }
        }
    }
    all
}

/// Tables with such an index in which a row of the database may change.
fn giving(basis: &Basis<'_>) -> Vec<usize> {
    // A time that is there stays, as long as nothing else changes.
    let is_same = |at: usize, found: There<'_>, cell: &Cell| match cell.nature {
        Nature::Volatile => found
            .get(cell.column())
            .is_some_and(|it| it != ValueRef::Null),
        _ => {
            let wanted = basis.found.cell(basis.rows, basis.shape, at, cell);
            wanted.as_ref().map(ValueRef::from) == found.get(cell.column())
        }
    };
    let differs = |at: usize| {
        let found = basis.there(at);
        let mut cells = basis.rows.rows[at].cells.iter();
        found.is_some_and(|found| !cells.all(|cell| is_same(at, found, cell)))
    };
    let rows = basis.rows.rows.iter().enumerate();
    let tables = rows.map(|(at, row)| (at, basis.rows.rules(row).table));
    let is_any = |(at, table): &(usize, usize)| {
        !basis.shape.tables[*table].conditional.is_empty() && differs(*at)
    };
    let mut tables: Vec<usize> = tables.filter(is_any).map(|(_, table)| table).collect();
    tables.sort_unstable();
    tables.dedup();
    tables
}

/// The values that go from one row to another in such an index.
pub(super) fn handed_over(
    basis: &Basis<'_>,
    answers: Vec<(Membership<'_>, Reply)>,
    written: &Planned<'_>,
) -> Result<Vec<Move>, DbError> {
    type Place<'s> = (usize, &'s ConditionalIndex, String);
    let (mut leaving, mut coming) = (Vec::<(Place<'_>, usize)>::new(), Vec::new());
    for (about, reply) in answers {
        let Membership { at, table, index } = about;
        let of = &basis.shape.tables[table];
        let holds = if_accepted(reply.rows::<2>())?.unwrap_or_default();
        let Some([before, now]) = holds.into_iter().next() else {
            continue;
        };
        let word = |values: Option<Vec<Value>>| words_of_parent(values?, of, &index.columns);
        let found = basis.there(at).filter(|_| before.as_i64() == Some(1));
        let before = word(found.map(|found| super::identity::values_in(found, &index.columns)));
        let now = match now.as_i64() {
            Some(1) => {
                let mut values = index.columns.iter();
                word(values.try_fold(Vec::new(), |mut all, column| {
                    all.push(after(basis, &written[at], at, *column)?);
                    Some(all)
                }))
            }
            _ => None,
        };
        if before == now {
            continue;
        }
        leaving.extend(before.map(|word| ((table, index, word), at)));
        coming.extend(now.map(|word| ((table, index, word), at)));
    }
    let by_place = |((table, index, word), at): &(Place<'_>, usize)| {
        ((*table, std::ptr::from_ref(*index), word.clone()), *at)
    };
    let leaving: HashMap<_, usize> = leaving.iter().map(by_place).collect();
    let moves = coming.iter().filter_map(|it| {
        let (place, to) = by_place(it);
        Some(Move {
            to,
            from: *leaving.get(&place)?,
            columns: it.0.1.columns.clone(),
        })
    });
    Ok(moves.collect())
}
