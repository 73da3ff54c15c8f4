//! Ids that are made of table and label: for a primary key of one column that a row does not say. Pure.

use uuid::Uuid;

use super::super::cell::Names;
use super::super::labels::Named;
use super::super::model::Expr;
use super::super::row::Content;
use super::cells::Place;
use super::{Compiled, Expansion, Found};
use crate::schema::{Affinity, Column, TableShape};
use crate::sql::Value;

/// Names of rows become UUIDv5 ids under this one. It never changes, or rows would be made a second time.
const NAMESPACE: Uuid = Uuid::from_u128(0x5eed_bed0_0000_5000_8000_0000_0000_0001);

/// The id of a label. `made_as` is the name that its table had first.
pub(super) fn uuid(made_as: &str, label: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, format!("{made_as}:{label}").as_bytes())
}

/// The id that is made for a label where no `_id` is declared and the column takes one.
pub(in crate::seeds) fn made_id(
    of: &TableShape,
    key: usize,
    made_as: &str,
    label: &str,
) -> Option<Value> {
    if !makes_id(of, key) {
        return None;
    }
    let id = uuid(made_as, label);
    match of.columns[key].affinity {
        // 53 bits, so that a program with floating numbers only reads it exactly; never 0.
        Affinity::Integer => {
            let number = u64::from_be_bytes(id.into_bytes()[..8].try_into().unwrap_or_default());
            Some(Value::Integer(
                i64::try_from(number >> 11).unwrap_or(1).max(1),
            ))
        }
        _ => uuid_of(&of.columns[key], id),
    }
}

/// Whether ids are made for rows that do not say theirs.
pub(super) fn makes_id(of: &TableShape, key: usize) -> bool {
    let column = &of.columns[key];
    match column.affinity {
        Affinity::Text | Affinity::Integer => true,
        // A default of the column makes it otherwise.
        _ => {
            !column.declared.is_empty()
                && column.default.is_none()
                && uuid_of(column, Uuid::nil()).is_some()
        }
    }
}

/// A UUID as a column holds it: its 16 bytes, or as text. None where the type of the column is for something else.
pub(super) fn uuid_of(column: &Column, id: Uuid) -> Option<Value> {
    let declared = column.declared.to_ascii_uppercase();
    let (name, size) = declared.split_once('(').unwrap_or((&declared, ""));
    let size: String = size.chars().take_while(char::is_ascii_digit).collect();
    let is_long = |least: usize| size.parse().ok().is_none_or(|size: usize| size >= least);
    let bytes = || Value::Blob(id.into_bytes().to_vec());
    match (column.affinity, name.trim()) {
        (Affinity::Text, _) | (Affinity::Blob, "" | "ANY") => Some(Value::Text(id.to_string())),
        (Affinity::Numeric, "UUID" | "GUID" | "UNIQUEIDENTIFIER") => {
            Some(Value::Text(id.to_string()))
        }
        (Affinity::Blob, _) | (_, "BINARY" | "VARBINARY") => is_long(16).then(bytes),
        _ => None,
    }
}

impl<'a> Expansion<'a> {
    /// The primary key of a row that does not say it.
    pub(super) fn id(
        &mut self,
        named: &Named<'a>,
        compiled: &Compiled<'a>,
        of: &TableShape,
        key: usize,
        names: &Names<'_>,
    ) -> Option<Content> {
        let made_as = self.given.made_as(named.file, of);
        let label = names.label.unwrap_or_default();
        if let Some(id) = compiled.id {
            match id.value {
                Expr::Auto => return None,
                Expr::Uuid => {
                    let id = uuid_of(&of.columns[key], uuid(made_as, label));
                    return id.map(|id| Content::Known(id.into()));
                }
                _ => {}
            }
            let of_table = named.table.id.is_some();
            let found = Found {
                file: match of_table {
                    true => named.file,
                    false => self.shared_file(),
                },
                column: key,
                value: id,
                label_of: None,
                is_unique: true,
                turn: 0,
                own: None,
            };
            let place = Place {
                file: named.file,
                of,
                found: &found,
                names,
            };
            return self.cell(&place).map(|(content, _)| content);
        }
        let id = made_id(of, key, made_as, label)?;
        Some(Content::Known(id.into()))
    }
}
