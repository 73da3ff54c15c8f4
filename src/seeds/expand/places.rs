//! Where each declared row will stand, so that references can be resolved in any order, and what names rows without labels.
//! Pure.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::cell::Names;
use super::super::labels::{Named, add_matching};
use super::super::model::{Expr, Label, RowDecl, Table};
use super::{Compiled, Expansion, Found, LabelOf};
use crate::diagnostic::Diagnostic;

/// Rows with their places, and the declarations whose names have been found in the schema.
#[derive(Default)]
pub(super) struct Placing<'a> {
    pub(super) by_table: HashMap<(usize, *const Table), Option<usize>>,
    by_decl: HashMap<*const RowDecl, usize>,
    pub(super) compiled: Vec<Compiled<'a>>,
    /// The place of each named row; none where its table is not understood.
    pub(super) place: Vec<Option<usize>>,
    /// Each row that has a place, and its declaration.
    pub(super) work: Vec<(usize, usize)>,
}

impl<'a> Compiled<'a> {
    /// The content of the fields of a declaration with these names.
    pub(super) fn fields_of(&self, decl: &'a RowDecl) -> impl Iterator<Item = Found<'a>> {
        self.fields.iter().map(|found| match found.own {
            Some(at) => Found {
                value: &decl.fields[at].value,
                ..*found
            },
            None => *found,
        })
    }

    /// Whether another declaration of the table has plain values in the same columns, as most have in a list of many: then
    /// its names are found already.
    fn is_like(&self, rules: usize, decl: &RowDecl) -> bool {
        let mut names = self.decl.fields.iter().zip(&decl.fields);
        self.is_shared
            && self.rules == rules
            && self.decl.fields.len() == decl.fields.len()
            && names.all(|(own, other)| own.name.value == other.name.value)
            && is_plain(decl)
    }
}

/// Whether no value of a declaration is looked at before its row is written out.
pub(super) fn is_plain(decl: &RowDecl) -> bool {
    let mut values = decl.fields.iter().map(|field| &field.value.value);
    decl.over.is_empty()
        && values.all(|it| matches!(it, Expr::Null | Expr::Scalar { .. } | Expr::Ref(_)))
}

/// Whether a row that is named after others has the labels that those have, or had before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Labelling {
    Now,
    Before,
}

impl<'a> Expansion<'a> {
    /// Finds a place for the rows that have none yet.
    pub(super) fn place_rows(&mut self, named: &[Named<'a>], placing: &mut Placing<'a>) {
        let from = placing.place.len();
        placing.place.resize(named.len(), None);
        placing.work.reserve(named.len() - from);
        let first = placing.work.len();
        for (at, row) in named.iter().enumerate().skip(from) {
            // Rows of one pattern stand together.
            if let Some((last, compiled)) = placing.work.last().copied()
                && std::ptr::eq(named[last].decl, row.decl)
            {
                placing.place[at] = Some(placing.work.len());
                placing.work.push((at, compiled));
                continue;
            }
            let key = (row.file, std::ptr::from_ref(row.table));
            let Some(rules) = placing.by_table.get(&key).copied().flatten() else {
                continue;
            };
            let last = placing.work.last().map(|(_, compiled)| *compiled);
            let is_like = |last: &usize| placing.compiled[*last].is_like(rules, row.decl);
            let decl = std::ptr::from_ref(row.decl);
            let compiled = match last.filter(is_like) {
                Some(last) => last,
                None => *placing.by_decl.entry(decl).or_insert_with(|| {
                    placing.compiled.push(self.compile(row, rules));
                    placing.compiled.len() - 1
                }),
            };
            placing.place[at] = Some(placing.work.len());
            placing.work.push((at, compiled));
        }
        self.label_lists(named, &placing.work[first..], &placing.compiled);
    }

    /// Adds the rows of a join table to those that have names.
    pub(super) fn name_joined(
        &mut self,
        file: usize,
        table: &'a Table,
        named: &mut Vec<Named<'a>>,
    ) {
        for decl in &table.rows {
            let Some(label) = &decl.label else { continue };
            let Label::One(text) = &label.value else {
                continue;
            };
            let text = text.clone();
            let Some(labels) = Arc::get_mut(&mut self.labels) else {
                continue;
            };
            let name = &table.name.value;
            if let Some(other) = labels.add_new(name, text.clone(), named.len()) {
                let other = &named[other];
                let message = format!("`{name}` has label `{text}` twice");
                let there = self.origin(other.file, &other.span());
                if let Some((here, there)) = self.origin(file, &label.span()).zip(there) {
                    let problem = Diagnostic::problem("label-twice", message).at(here);
                    let help = "remove one of the two: the row of a join table is named by the two rows that it joins";
                    self.tell(problem.related("it is here first", there).help(help));
                }
                continue;
            }
            named.push(Named {
                file,
                table,
                decl,
                label: Some(text),
                number: None,
                each: None,
            });
        }
    }

    /// Adds the rows of patterns that match rows of join tables, which are named from a place on.
    pub(super) fn match_joined(&mut self, named: &mut Vec<Named<'a>>, from: usize) {
        let Some(labels) = Arc::get_mut(&mut self.labels) else {
            return;
        };
        let first = named.len();
        add_matching(self.files, (named, labels), from, &mut self.problems);
        for row in &named[first..] {
            let lists = self.lists_of(row);
            if let Some(name) = lists.first() {
                let message = format!(
                    "the list `{name}` stands in rows that are made for rows of a join table"
                );
                let help = "write the rows of the join table below its own name".to_owned();
                self.error(row.file, &row.span(), "pattern-loop", message, Some(help));
            }
        }
    }

    /// Rows of lists can be referred to by what names them in a plan: the values of their key.
    fn label_lists(
        &mut self,
        named: &[Named<'a>],
        work: &[(usize, usize)],
        compiled: &[Compiled<'a>],
    ) {
        let mut labels = Vec::new();
        for (at, decl) in work {
            let (row, compiled) = (&named[*at], &compiled[*decl]);
            if row.label.is_none() {
                let key = &self.rows.rules[compiled.rules].key;
                let label = self.key_as_label(row, compiled, key, Labelling::Now);
                let keyless = key.is_empty();
                labels.extend(label.map(|label| (&row.table.name.value, label, *at, keyless)));
            }
        }
        if let (false, Some(all)) = (labels.is_empty(), Arc::get_mut(&mut self.labels)) {
            all.reserve(named.len());
            for (table, mut label, at, keyless) in labels {
                let mut count = 1;
                let text = label.clone();
                // Without a key, rows may be the same.
                while keyless && all.find(table, &label).is_some() {
                    count += 1;
                    label = format!("{text} ({count})").into();
                }
                all.add(table, label, at);
            }
        }
    }

    /// Plain values of the key, as what names a row in a list.
    pub(super) fn key_as_label(
        &self,
        named: &Named<'a>,
        compiled: &Compiled<'a>,
        key: &[usize],
        labelling: Labelling,
    ) -> Option<Arc<str>> {
        let file = self.files[named.file];
        let of = &self.shape.tables[self.rows.rules[compiled.rules].table];
        let of_row = |table: &str, label: String| match labelling {
            Labelling::Now => label,
            Labelling::Before => self.old_label(table, &label).map_or(label, str::to_owned),
        };
        let names = Names {
            label: None,
            number: None,
            each: None,
            vars: &file.settings.vars,
        };
        let mut parts = Vec::new();
        let all: Vec<usize> = compiled.fields.iter().map(|it| it.column).collect();
        let keyless = key.is_empty();
        for column in if keyless { &all } else { key } {
            let mut fields = compiled.fields_of(named.decl);
            let found = fields.find(|it| it.column == *column)?;
            let part = match (&found.value.value, found.label_of) {
                (Expr::Scalar { text, .. }, label_of) => {
                    let text = names.fill(text).ok()?.into_owned();
                    match label_of {
                        Some(LabelOf::Key(key)) => of_row(&of.foreign_keys[key].parent, text),
                        _ => text,
                    }
                }
                (Expr::Ref(it), _) => {
                    let label = names.fill(&it.label).ok()?.into_owned();
                    format!("{}.{}", it.table, of_row(&it.table, label))
                }
                (Expr::Env(env), _) => env.name.clone(),
                // Without a key, all plain values name the row.
                _ if keyless => continue,
                _ => return None,
            };
            parts.push(part);
        }
        (!parts.is_empty()).then(|| parts.join("/").into())
    }
}
