//! Names before a rename (`_was`): recorded texts take the present names of tables, and what cannot be meant is reported.
//! Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::model::{Label, RefTarget, SeedFile, SoftRef, Spanned, Table, declares};
use super::row::Rows;
use super::set::Seeds;
use crate::diagnostic::Diagnostic;
use crate::schema::Shape;

/// The table of a file that says it was called so before.
pub(super) fn renamed_from<'f>(file: &'f SeedFile, old: &str) -> Option<&'f Table> {
    let was = |table: &&Table| {
        let was = table.was.as_ref();
        was.is_some_and(|was| was.value.eq_ignore_ascii_case(old))
    };
    file.tables.iter().find(was)
}

/// Gives tables of a recorded text the names that the file says they have now.
pub(super) fn rename(text: &mut SeedFile, file: &SeedFile, renamed: &mut BTreeMap<String, String>) {
    for table in &file.tables {
        let Some(was) = &table.was else { continue };
        if declares(text, &table.name.value) {
            continue;
        }
        let old = |it: &&mut Table| it.name.value.eq_ignore_ascii_case(&was.value);
        if let Some(old) = text.tables.iter_mut().find(old) {
            old.name.value.clone_from(&table.name.value);
            renamed.insert(was.value.to_ascii_lowercase(), table.name.value.clone());
        }
    }
}

/// Lets references and patterns of a recorded text name tables as they are called now.
pub(super) fn follow_references(text: &mut SeedFile, renamed: &BTreeMap<String, String>) {
    if renamed.is_empty() {
        return;
    }
    for field in &mut text.settings.defaults {
        field.value.value.rename_tables(renamed);
    }
    for table in &mut text.tables {
        let rows = table.rows.iter_mut().flat_map(|row| {
            if let Some(label) = &mut row.label
                && let Label::Each(each) = &mut label.value
                && let Some(now) = renamed.get(&each.table.to_ascii_lowercase())
            {
                each.table = now.as_str().into();
            }
            row.fields.iter_mut().chain(&mut row.over)
        });
        for field in rows.chain(&mut table.defaults) {
            field.value.value.rename_tables(renamed);
        }
        if let Some(id) = &mut table.id {
            id.value.rename_tables(renamed);
        }
        let tables = table.refs.iter_mut().flat_map(|it| it.tables());
        for table in tables.chain(table.through.iter_mut().map(|it| &mut it.table)) {
            if let Some(now) = renamed.get(&table.value.to_ascii_lowercase()) {
                table.value.clone_from(now);
            }
        }
    }
}

impl SoftRef {
    /// The tables to whose rows it refers.
    fn tables(&mut self) -> Vec<&mut Spanned<String>> {
        match &mut self.to {
            RefTarget::Table { table, .. } => vec![table],
            RefTarget::Types { tables, .. } => tables.iter_mut().map(|(_, it)| it).collect(),
        }
    }
}

/// Old names that cannot be what is meant: of a row or a file that is there still, or of two.
pub(super) fn problems(
    seeds: &Seeds,
    files: &[&SeedFile],
    rows: &Rows,
    shape: &Shape,
) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for file in files {
        for was in &file.settings.was {
            let is_it = |it: &&SeedFile| it.name == was.value;
            let other = |it: &&SeedFile| {
                it.name != file.name && it.settings.was.iter().any(|it| it.value == was.value)
            };
            let message = match (
                seeds.files.iter().find(is_it),
                seeds.files.iter().find(other),
            ) {
                (Some(_), _) => format!(
                    "`{}` is still there, so this file does not continue it",
                    was.value
                ),
                (None, Some(other)) => format!("`{}` continues `{}` too", other.name, was.value),
                (None, None) => continue,
            };
            let problem = Diagnostic::problem("was-twice", message).at(file.origin(&was.span()));
            problems.push(problem.help("remove this `_was`"));
        }
    }
    if rows.was.is_empty() {
        return problems;
    }
    let mut labels: HashMap<(usize, &str), usize> = HashMap::new();
    for (at, row) in rows.rows.iter().enumerate() {
        labels.insert((rows.rules(row).table, &row.label), at);
    }
    let mut renamed: Vec<(&usize, &Arc<str>)> = rows.was.iter().collect();
    renamed.sort();
    for (at, was) in renamed {
        let row = &rows.rows[*at];
        let table = rows.rules(row).table;
        if row.label == *was {
            continue;
        }
        // The first row that says so has it.
        if let Some(other) = labels.insert((table, was), *at) {
            let other = &rows.rows[other];
            let name = rows.name(row, shape);
            let message = match other.label == *was {
                true => format!(
                    "`{}` is still declared, so `{name}` is another row",
                    rows.name(other, shape)
                ),
                false => format!("`{}` was `{was}` too", rows.name(other, shape)),
            };
            problems.push(
                Diagnostic::problem("was-twice", message)
                    .at(rows.origin(row, &row.span, files))
                    .related("the other is here", rows.origin(other, &other.span, files))
                    .help("remove one of the two `_was`, or give the new row a label of its own"),
            );
        }
    }
    problems
}
