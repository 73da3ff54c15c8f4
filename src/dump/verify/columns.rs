//! The columns in which rows are read and compared, and the values of a row in them. Pure.

use crate::db::StreamedRow;
use crate::schema::Affinity;
use crate::sql::ValueRef;

/// The columns that some rows of a dump have values for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Columns {
    pub(super) names: Vec<String>,
    pub(super) affinities: Vec<Affinity>,
    /// The place of the column that is the rowid by another name.
    pub(super) rowid: Option<usize>,
}

impl Columns {
    /// The place of a column.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        let mut names = self.names.iter();
        names.position(|other| other.eq_ignore_ascii_case(name))
    }
}

/// A table that is read, column by column as they are asked for.
#[derive(Debug)]
pub(super) struct Readable {
    pub(super) table: String,
    /// Whether the first column is the rowid.
    pub(super) has_rowid: bool,
    pub(super) columns: Vec<(String, Affinity)>,
}

/// The values of a row.
pub(super) fn values<'r>(row: &'r StreamedRow<'_>) -> impl Iterator<Item = ValueRef<'r>> + use<'r> {
    (0..row.width()).map(|column| row.value(column))
}
