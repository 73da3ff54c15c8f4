//! Columns that an edited file declares no longer: rows that are there keep the values, and that is reported. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::basis::Basis;
use super::found::default_of;
use super::model::{Format, Mode};
use super::past::Was;
use super::row::{Cell, Content};
use crate::diagnostic::Diagnostic;
use crate::schema::Nullability;
use crate::sql::{Value, ValueRef};

/// Rows that have another primary key in the database than they declare: it is never changed. A warning for each table, at
/// the first of its rows, and these rows.
pub(super) fn other_ids(basis: &Basis<'_>) -> (Vec<Diagnostic>, BTreeSet<usize>) {
    let mut by_table: BTreeMap<(usize, usize), Vec<(usize, usize)>> = BTreeMap::new();
    for (at, row) in basis.rows.rows.iter().enumerate() {
        let rules = basis.rows.rules(row);
        let Some(found) = basis.there(at).filter(|_| rules.mode != Mode::Insert) else {
            continue;
        };
        let of = &basis.shape.tables[rules.table];
        // Without a value of its own it follows from the label.
        let other = of.primary_key.iter().find(|column| {
            let own = row.cell(**column).filter(|cell| cell.span() != row.span);
            own.is_some_and(|cell| match &cell.content {
                Content::Known(held) => found.get(**column) != Some(held.get()),
                _ => false,
            })
        });
        if let Some(column) = other {
            let group = by_table.entry((rules.file, rules.table)).or_default();
            group.push((at, *column));
        }
    }
    let warning = |((_, table), mut rows): ((usize, usize), Vec<(usize, usize)>)| {
        rows.sort_by_key(|(at, _)| basis.rows.rows[*at].span.start);
        let (at, column) = rows[0];
        let name = &basis.shape.tables[table].columns[column].name;
        let span = basis.rows.rows[at].cell(column).map(Cell::span);
        let help =
            format!("write the `{name}` that the row has in the database, or leave `{name}` out");
        let words = match rows.len() {
            1 => format!("has another `{name}` in the database, and keeps it"),
            _ => format!("have another `{name}` in the database, and keep it"),
        };
        let words = format!("{words}: a primary key is never changed");
        warning(basis, "kept-key", (at, rows.len()), span, words).help(help)
    };
    let rows = by_table.values().flatten().map(|(at, _)| *at).collect();
    (by_table.into_iter().map(warning).collect(), rows)
}

/// A warning for each column, at the first of its rows.
pub(super) fn kept(basis: &Basis<'_>) -> Vec<Diagnostic> {
    let mut by_column: BTreeMap<(usize, usize, usize), Vec<usize>> = BTreeMap::new();
    for (at, row) in basis.rows.rows.iter().enumerate() {
        let rules = basis.rows.rules(row);
        let (Was::Row(old), Some(found)) = (basis.past.of[at], basis.there(at)) else {
            continue;
        };
        // Nothing of its rows is written again in any case.
        if rules.mode == Mode::Insert {
            continue;
        }
        let of = &basis.shape.tables[rules.table];
        for cell in &basis.past.rows.rows[old].cells {
            let column = cell.column();
            let is_own = of.primary_key.contains(&column) || rules.keep.contains(&column);
            if is_own || row.cell(column).is_some() || basis.past.cell(old, column).is_none() {
                continue;
            }
            let has = found.get(column);
            // What was changed by hand is not the seed's, and a new row would have the default too.
            let written = basis.past.value(basis.now(), basis.shape, old, column);
            let by_hand = written.is_some_and(|written| has != Some((&written).into()));
            let without = match of.columns[column].default {
                Some(_) => default_of(&of.columns[column]),
                None => Some(Value::Null),
            };
            if !by_hand && has != without.as_ref().map(ValueRef::from) {
                let group = by_column.entry((rules.file, rules.table, column));
                group.or_default().push(at);
            }
        }
    }
    let warning = |((_, table, column), mut rows): ((usize, usize, usize), Vec<usize>)| {
        rows.sort_by_key(|at| basis.rows.rows[*at].span.start);
        let first = &basis.rows.rows[rows[0]];
        let of = &basis.shape.tables[table];
        let name = &of.columns[column].name;
        let words = match rows.len() {
            1 => {
                format!("has no `{name}` any more, and keeps the value that it has in the database")
            }
            _ => format!(
                "have no `{name}` any more, and keep the values that they have in the database"
            ),
        };
        let file = basis.files[basis.rows.rules(first).file];
        let help = match of.columns[column].nullability {
            Nullability::Nullable
                if matches!(file.format_at(&first.span), Some(Format::Csv { .. })) =>
            {
                format!("to clear it, give the file a column `{name}` with empty cells")
            }
            Nullability::Nullable if file.format_at(&first.span).is_some() => {
                format!("to clear it, write `\"{name}\": null`")
            }
            Nullability::Nullable => format!("to clear it, write `{name}: ~`"),
            Nullability::NotNull => format!("to change it, write the new value: `{name}: …`"),
        };
        warning(basis, "kept-value", (rows[0], rows.len()), None, words).help(help)
    };
    by_column.into_iter().map(warning).collect()
}

/// A warning about so many rows of one table, at the first of them, or at this place in it.
fn warning(
    basis: &Basis<'_>,
    code: &'static str,
    (first, rows): (usize, usize),
    span: Option<Range<usize>>,
    words: String,
) -> Diagnostic {
    let first = &basis.rows.rows[first];
    let subject = match rows {
        1 => format!("`{}`", basis.rows.name(first, basis.shape)),
        many => {
            let table = basis.rows.rules(first).table;
            format!("{many} rows of `{}`", basis.shape.tables[table].name)
        }
    };
    let origin = basis.rows.origin(
        first,
        &span.unwrap_or_else(|| first.span.clone()),
        basis.files,
    );
    Diagnostic::problem(code, format!("{subject} {words}"))
        .warning()
        .at(origin)
}
