//! What the expansion of rows takes besides the files and the schema, and the names by which their values are made.

use std::collections::{BTreeMap, HashMap, HashSet};
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
    /// For each file the values that were drawn more than once, as recorded.
    pub(super) drawn: &'a [Drawn],
    /// Which rows are recorded; none where all of them count as such.
    pub(super) recorded: Option<&'a Labels<'a>>,
}

/// Which rows of the files are recorded: these draw first what no two rows may have, so that a new row changes none of them.
pub(super) struct Labels<'a> {
    /// For each file whether all of its rows are.
    pub(super) settled: &'a [bool],
    /// The tables, by their places in the shape, and the labels of those of all other files.
    pub(super) labels: HashSet<(usize, &'a str)>,
}

/// Cells whose value was drawn more than once, since another row had the first: by table and column, by the names by which
/// they are drawn and in lower case, and label. With each how often it was drawn before, and a hash of the value.
pub(super) type Drawn = HashMap<(String, String, String), (u32, String)>;

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

    /// Whether none of these labels of a row is recorded.
    pub(super) fn is_new<'l>(
        &self,
        file: usize,
        table: usize,
        labels: impl IntoIterator<Item = &'l str>,
    ) -> bool {
        self.recorded.is_some_and(|recorded| {
            let is_recorded = |label: &'l str| recorded.labels.contains(&(table, label));
            !recorded.settled.get(file).copied().unwrap_or_default()
                && !labels.into_iter().any(is_recorded)
        })
    }

    /// What names a cell among those that were [drawn](Drawn) more than once.
    pub(super) fn cell_drawn(
        &self,
        file: usize,
        of: &TableShape,
        column: usize,
        label: &str,
    ) -> (String, String, String) {
        let table = self.made_as(file, of).to_ascii_lowercase();
        let column = self.drawn_as(file, of, &of.columns[column].name);
        (table, column.to_ascii_lowercase(), label.to_owned())
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
