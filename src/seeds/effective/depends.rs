//! The labels of other files on which the rows of a file depend: those of tables from which it chooses (`!pick users.*`,
//! `!each`, `now_{users.*}`). Pure.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::{Hashing, label_word};
use crate::seeds::expand::among::chooses_from;
use crate::seeds::model::declares;
use crate::seeds::model::{Expr, Label, RowDecl, SeedFile, Table};

/// What other files declare in the tables from which a file chooses; empty where it depends on no other file.
pub(super) fn labels_of_others(
    hashing: &Hashing<'_>,
    file: &SeedFile,
    shared: Option<&SeedFile>,
    files: &[&SeedFile],
) -> Vec<String> {
    // All that a pattern names are among them, and a choice is from some files only.
    let (mut tables, mut chosen_from) = (BTreeSet::new(), BTreeSet::new());
    let all = shared.into_iter().flat_map(|shared| &shared.tables);
    let own_shared = all.filter(|it| declares(file, &it.name.value));
    let exprs = file
        .exprs()
        .chain(own_shared.flat_map(Table::exprs))
        .chain(shared.into_iter().flat_map(SeedFile::exprs_for_all));
    chosen_from.extend(exprs.filter_map(|it| match &it.value {
        Expr::Among(it) => Some(it.table.to_ascii_lowercase()),
        _ => None,
    }));
    for table in &file.tables {
        tables.extend(table.rows.iter().filter_map(pattern));
    }
    if tables.is_empty() && chosen_from.is_empty() {
        return Vec::new();
    }
    let others: Vec<&SeedFile> = files
        .iter()
        .copied()
        .filter(|it| it.name != file.name)
        .collect();
    let seen = others.iter().copied().filter(|it| chooses_from(file, it));
    let seen: Vec<&SeedFile> = seen.collect();
    let mut all = labels(hashing, tables, &others);
    all.extend(labels(hashing, chosen_from, &seen));
    all.sort_unstable();
    all.dedup();
    all
}

/// What files declare in some tables.
fn labels(hashing: &Hashing<'_>, mut tables: BTreeSet<String>, files: &[&SeedFile]) -> Vec<String> {
    let others: Vec<&Table> = files.iter().flat_map(|it| &it.tables).collect();
    if tables.is_empty() {
        return Vec::new();
    }
    // Labels of a table may come from those of another one.
    loop {
        let of_tables = others
            .iter()
            .filter(|it| tables.contains(&it.name.value.to_ascii_lowercase()));
        let more: Vec<String> = of_tables
            .flat_map(|it| it.rows.iter().filter_map(pattern))
            .filter(|it| !tables.contains(it))
            .collect();
        if more.is_empty() {
            break;
        }
        tables.extend(more);
    }
    let mut all = Vec::new();
    for table in others {
        let name = table.name.value.to_ascii_lowercase();
        if tables.contains(&name) {
            all.extend(table.rows.iter().map(|row| {
                let label = match &row.label {
                    Some(label) => label_word(&label.value),
                    None => json!(hashing.fields(&row.fields)),
                };
                json!([name, label]).to_string()
            }));
        }
        let joins = |it: &str| tables.contains(&it.to_ascii_lowercase());
        if table.through.iter().any(|it| joins(&it.table.value)) {
            all.push(hashing.table(table).text());
        }
    }
    all
}

/// The table of `now_{users.*}`.
fn pattern(row: &RowDecl) -> Option<String> {
    match &row.label.as_ref()?.value {
        Label::Each(each) => Some(each.table.to_ascii_lowercase()),
        _ => None,
    }
}

/// What `_refs` and `_through` of a table amount to.
pub(super) fn references(table: &Table) -> Option<Json> {
    use crate::seeds::model::RefTarget;
    if table.refs.is_empty() && table.through.is_empty() {
        return None;
    }
    let refs = table.refs.iter().map(|it| {
        let to = match &it.to {
            RefTarget::Table { table, column } => {
                json!([table.value, column.as_ref().map(|it| &it.value)])
            }
            RefTarget::Types { column, tables } => {
                let tables = tables.iter();
                let tables: Vec<[&str; 2]> = tables
                    .map(|(kind, table)| [kind.value.as_str(), &table.value])
                    .collect();
                json!([column.value, tables])
            }
        };
        json!([it.name.value, to])
    });
    let through = table.through.iter().map(|it| {
        let ends = [&it.from, &it.to].map(|it| it.as_ref().map(|it| &it.value));
        json!([it.name.value, it.table.value, ends])
    });
    Some(json!([
        refs.collect::<Vec<_>>(),
        through.collect::<Vec<_>>()
    ]))
}
