//! A row that the database has. Of a declared row only that is kept which its declaration does not say: most rows are as
//! they are declared, and there may be millions. Pure.

use super::held::Held;
use super::row::{Content, Row};
use crate::sql::{Value, ValueRef};

/// A row of the database.
#[derive(Debug, Clone, Copy)]
pub(super) enum There<'a> {
    /// All of its values, by column.
    Whole(&'a [Value]),
    /// The values that are declared, but for these, by column, ascending.
    Declared(&'a Row, &'a [(usize, Value)]),
}

/// The values of a row that are not as they are declared, by column, ascending.
pub(super) type Besides = Box<[(usize, Value)]>;

/// What the database has in a declared row besides what is declared: together they are all of its values.
pub(super) fn besides(declared: &Row, row: Vec<Value>) -> Besides {
    let values = row.into_iter().enumerate();
    let others = values.filter(|(column, value)| {
        said(declared, *column).is_none_or(|it| !is_same(it.get(), value.into()))
    });
    others.collect()
}

/// What a row declares by itself in a column.
fn said(declared: &Row, column: usize) -> Option<&Held> {
    match &declared.cell(column)?.content {
        Content::Known(value) => Some(value),
        _ => None,
    }
}

/// Whether one value can stand for another: -0.0 equals 0.0, and is another value.
fn is_same(one: ValueRef<'_>, other: ValueRef<'_>) -> bool {
    match (one, other) {
        (ValueRef::Real(one), ValueRef::Real(other)) => one.to_bits() == other.to_bits(),
        _ => one == other,
    }
}

impl<'a> There<'a> {
    /// What the row has in a column.
    pub(super) fn get(self, column: usize) -> Option<ValueRef<'a>> {
        match self {
            There::Whole(values) => values.get(column).map(ValueRef::from),
            There::Declared(declared, others) => {
                let other = others.binary_search_by_key(&column, |(column, _)| *column);
                match other {
                    Ok(at) => Some((&others[at].1).into()),
                    Err(_) => said(declared, column).map(Held::get),
                }
            }
        }
    }

    /// A copy of what the row has in a column.
    pub(super) fn value(self, column: usize) -> Option<Value> {
        self.get(column).map(ValueRef::to_value)
    }

    /// Whether the row has this value in a column.
    pub(super) fn has(self, column: usize, value: &Value) -> bool {
        self.get(column) == Some(value.into())
    }

    /// Its values, by column.
    pub(super) fn values(self) -> impl Iterator<Item = ValueRef<'a>> {
        (0..).map_while(move |column| self.get(column))
    }

    /// Whether it has these values.
    pub(super) fn is(self, row: &[Value]) -> bool {
        self.values().eq(row.iter().map(ValueRef::from))
    }
}

impl<'a> From<&'a [Value]> for There<'a> {
    fn from(values: &'a [Value]) -> There<'a> {
        There::Whole(values)
    }
}

impl<'a> From<&'a Vec<Value>> for There<'a> {
    fn from(values: &'a Vec<Value>) -> There<'a> {
        There::Whole(values)
    }
}

#[cfg(test)]
mod tests {
    use super::{There, besides};
    use crate::seeds::row::{Cell, Content, Nature, Row};
    use crate::sql::Value;

    #[test]
    fn a_row_is_what_is_declared_and_what_is_kept_besides() {
        let cell = |column, content| Cell::new(column, content, Nature::Fixed, &(0..1));
        let declared = Row {
            rules: 0,
            label: "a".into(),
            span: 0..1,
            cells: [
                cell(0, Content::Known(Value::Integer(7).into())),
                cell(1, Content::Known(Value::Real(0.0).into())),
                cell(3, Content::Secret("hunter22".into())),
                cell(4, Content::Known(Value::from("text").into())),
            ]
            .into(),
        };
        let row = vec![
            Value::Integer(7),
            Value::Real(-0.0),
            Value::Null,
            "$argon2id$".into(),
            "text".into(),
        ];
        let others = besides(&declared, row.clone());
        let kept: Vec<usize> = others.iter().map(|(column, _)| *column).collect();
        assert_eq!(kept, [1, 2, 3]);
        let there = There::Declared(&declared, &others);
        assert!(there.is(&row));
        assert!(!there.is(&row[..4]));
        assert_eq!(
            there.get(1).map(|it| format!("{it:?}")),
            Some("Real(-0.0)".into())
        );
        assert_eq!(there.get(5), None);
    }
}
