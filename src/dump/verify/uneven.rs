//! Rows of one table of a dump that do not all give values to the same columns, or leave their key to the engine. What
//! such rows have in common can be compared: a constant default is known, and what the engine decided is left out. Pure.

use super::columns::Columns;
use crate::schema::Affinity;
use crate::sql::{Value, ValueRef};

/// What the rows of one table give values to.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// Each list of columns, if there are several.
    pub(super) lists: Vec<Columns>,
    pub(super) numbers: Numbers,
}

/// Where the values of an `INTEGER PRIMARY KEY` are from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Numbers {
    /// Each row of the dump has one.
    #[default]
    OfTheDump,
    /// The engine numbers some rows.
    OfTheEngine,
}

impl Lists {
    /// Whether a first reading could not compare the rows.
    pub(super) fn are_uneven(&self) -> bool {
        self.lists.len() > 1 || self.numbers == Numbers::OfTheEngine
    }

    /// Adds the columns of some rows.
    pub(super) fn add(&mut self, columns: &Columns) {
        if !self.lists.contains(columns) {
            self.lists.push(columns.clone());
        }
    }
}

/// The columns in which rows are compared.
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) columns: Columns,
    /// What a row has in each of them that gives it no value.
    defaults: Vec<Option<Value>>,
    /// The `INTEGER PRIMARY KEY` that the engine numbers.
    pub(super) numbered: Option<String>,
    /// Columns whose default the engine computes.
    pub(super) computed: Vec<String>,
}

/// Where the value of a column is found.
#[derive(Debug)]
pub(super) enum Given {
    /// Among the values of the row.
    At(usize),
    /// The row gives it none.
    Default(Value),
}

impl Given {
    pub(super) fn of<'r>(&'r self, row: &[ValueRef<'r>]) -> ValueRef<'r> {
        match self {
            Given::At(at) => row.get(*at).copied().unwrap_or(ValueRef::Null),
            Given::Default(value) => value.into(),
        }
    }
}

impl Shared {
    pub(super) fn column(&mut self, name: &str, affinity: Affinity, default: Option<Value>) {
        self.columns.names.push(name.to_owned());
        self.columns.affinities.push(affinity);
        self.defaults.push(default);
    }

    /// Where rows with these columns have the values that are compared.
    pub(super) fn given(&self, row: &Columns) -> Vec<Given> {
        let columns = self.columns.names.iter().zip(&self.defaults);
        let given = columns.map(|(name, default)| match row.place(name) {
            Some(at) => Given::At(at),
            None => Given::Default(default.clone().unwrap_or(Value::Null)),
        });
        given.collect()
    }

    /// What is not compared, and why; none where all is.
    pub(super) fn note(&self) -> Option<String> {
        let mut left = Vec::new();
        if let Some(name) = &self.numbered {
            left.push(format!(
                "{name}, which the engine numbers where a row has no value for it"
            ));
        }
        if !self.computed.is_empty() {
            left.push(format!(
                "{}, whose default the engine computes where a row has no value for it",
                self.computed.join(", ")
            ));
        }
        match (left.is_empty(), self.columns.names.is_empty()) {
            (true, _) => None,
            (false, true) => Some(format!(
                "only its rows are counted, without {}",
                left.join("; without ")
            )),
            (false, false) => Some(format!("compared without {}", left.join("; without "))),
        }
    }
}
