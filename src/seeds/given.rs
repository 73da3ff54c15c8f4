//! What the expansion of rows takes besides the files and the schema, and the names by which their values are made.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::inputs::{Clock, Variables};
use super::model::SeedFile;
use crate::schema::TableShape;
use crate::sql::Value;

/// What expansion takes besides the files and the schema.
pub(super) struct Given<'a> {
    pub(super) variables: &'a Variables,
    pub(super) clock: &'a Clock,
    pub(super) attachments: &'a BTreeMap<String, Arc<[u8]>>,
    pub(super) shared: Option<&'a SeedFile>,
    /// Files that were not chosen, for words about labels that are in them.
    pub(super) others: &'a [&'a SeedFile],
    /// For each file the names by which it makes values in its tables, where those are not the tables' names.
    pub(super) made_as: &'a [MadeAs],
    /// For each file the names that columns had first.
    pub(super) columns: &'a [FirstNames],
    /// For recorded texts: the ids of rows that no text declares any more, by table in lower case and label.
    pub(super) gone: Option<&'a HashMap<(String, String), Value>>,
    /// The files of which it is not known what they chose from the labels of a table.
    pub(super) unsure: &'a [bool],
}

/// By table, in lower case, the name by which ids and generated values are made: the one that it had when its first rows
/// were made. A table that is renamed keeps its ids.
pub(super) type MadeAs = BTreeMap<String, String>;

/// The name by which ids and generated values are made in a table.
pub(super) fn name_for_ids<'t>(names: &'t MadeAs, of: &'t TableShape) -> &'t str {
    if names.is_empty() {
        return &of.name;
    }
    let name = names.get(&of.name.to_ascii_lowercase());
    name.unwrap_or(&of.name)
}

/// The names that columns had first, by table and column in lower case.
pub(super) type FirstNames = BTreeMap<(String, String), String>;

impl Given<'_> {
    /// The name by which a file makes values in a table.
    pub(super) fn made_as<'t>(&'t self, file: usize, of: &'t TableShape) -> &'t str {
        let names = self.made_as.get(file);
        names.map_or(&of.name, |names| name_for_ids(names, of))
    }

    /// The name by which a file draws values of a column: a column that is renamed keeps them.
    pub(super) fn drawn_as<'t>(&'t self, file: usize, of: &TableShape, column: &'t str) -> &'t str {
        let names = self.columns.get(file).filter(|it| !it.is_empty());
        let key = || (of.name.to_ascii_lowercase(), column.to_ascii_lowercase());
        names
            .and_then(|it| it.get(&key()))
            .map_or(column, String::as_str)
    }
}
