//! Values that stay where they are: what the file has instead.
//!
//! A masked column stands once, under `_defaults`, and under `_keep`: rows that are there keep what they have, and new
//! ones get what is made up from their labels. So no value of it is in the file, and none is overwritten by it.

use super::{Mask, Refusal};
use crate::nearest::nearest;
use crate::schema::{Affinity, Column, ColumnKind, Shape, Strictness, TableShape};
use crate::seeds::typed::{Family, family};

/// A masked column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Masked {
    /// By its place in the shape.
    pub(super) table: usize,
    pub(super) column: usize,
    /// The entries under `_defaults`.
    pub(super) instead: &'static str,
}

/// Finds the columns, and what is made up for each.
pub(super) fn masks(
    shape: &Shape,
    chosen: &[usize],
    masks: &[Mask],
    refusals: &mut Vec<Refusal>,
) -> Vec<Masked> {
    let mut found: Vec<Masked> = Vec::new();
    for mask in masks {
        match masked(shape, chosen, mask) {
            Ok(it) if found.contains(&it) => {}
            Ok(it) => found.push(it),
            Err(refusal) => refusals.push(refusal),
        }
    }
    found
}

fn masked(shape: &Shape, chosen: &[usize], mask: &Mask) -> Result<Masked, Refusal> {
    let Some(table) = shape.position(&mask.table) else {
        let known: Vec<&str> = shape.tables.iter().map(|it| it.name.as_str()).collect();
        return Err(Refusal::UnknownTable {
            table: mask.table.clone(),
            nearest: nearest(&mask.table, &known).map(str::to_owned),
        });
    };
    let of = &shape.tables[table];
    let Some(column) = of.column(&mask.column) else {
        let known: Vec<&str> = of.columns.iter().map(|it| it.name.as_str()).collect();
        return Err(Refusal::UnknownColumn {
            table: of.name.clone(),
            column: mask.column.clone(),
            nearest: nearest(&mask.column, &known).map(str::to_owned),
        });
    };
    let name = &of.columns[column].name;
    if !chosen.contains(&table) {
        return Err(Refusal::MaskElsewhere {
            table: of.name.clone(),
            column: name.clone(),
        });
    }
    let refused = |why| Refusal::Mask {
        table: of.name.clone(),
        column: name.clone(),
        why,
    };
    if of.primary_key.contains(&column) {
        return Err(refused("rows are found by it"));
    }
    if of.columns[column].origin != ColumnKind::Plain {
        return Err(refused("the table computes it, so it is not exported"));
    }
    if of
        .foreign_keys
        .iter()
        .any(|key| key.columns.contains(&column))
    {
        return Err(refused("its values are those of other rows"));
    }
    let refers = |it: &TableShape| {
        it.foreign_keys.iter().any(|key| {
            key.parent.eq_ignore_ascii_case(&of.name)
                && key
                    .parent_columns
                    .iter()
                    .any(|it| it.eq_ignore_ascii_case(name))
        })
    };
    if shape.tables.iter().any(refers) {
        return Err(refused("other rows refer to it"));
    }
    let instead = instead(of, column)
        .ok_or_else(|| refused("nothing is made up for columns of dates and of bytes"))?;
    Ok(Masked {
        table,
        column,
        instead,
    })
}

/// What is made up. The generators draw again where a unique column has a value already; a label is unique.
fn instead(of: &TableShape, column: usize) -> Option<&'static str> {
    let it: &Column = &of.columns[column];
    if family(it) == Some(Family::Moment) {
        return None;
    }
    let name = it.name.to_ascii_lowercase();
    Some(match it.affinity {
        Affinity::Blob if of.strictness == Strictness::Strict || !it.declared.is_empty() => {
            return None;
        }
        Affinity::Integer | Affinity::Real | Affinity::Numeric => "!int 1..999999999",
        Affinity::Text | Affinity::Blob if name.contains("mail") => "${label}@example.test",
        Affinity::Text | Affinity::Blob if name.contains("phone") => "!fake phone.e164",
        Affinity::Text | Affinity::Blob => "masked_${label}",
    })
}
