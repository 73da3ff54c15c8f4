//! What stands in one cell: a value of its own, or a reference to another row.

use std::ops::Range;

use super::super::cell::{Names, evaluate};
use super::super::labels::names;
use super::super::model::Expr;
use super::super::row::{Content, Nature};
use crate::schema::{ColumnKind, TableShape};

use super::{Expansion, Found, is_drawn};

impl<'a> Expansion<'a> {
    pub(super) fn cell(
        &mut self,
        file: usize,
        of: &TableShape,
        found: &Found<'a>,
        names: &Names<'_>,
    ) -> Option<(Content, Nature)> {
        let span = &found.value.span;
        let column = &of.columns[found.column];
        let strictness = of.strictness_of(found.column);
        let label = match (&found.value.value, found.label_of) {
            (Expr::Scalar { text: label, .. }, Some(_)) | (Expr::Ref { label, .. }, _) => {
                match names.fill(label) {
                    Ok(label) => label,
                    Err(unfit) => {
                        self.unfit(found.file, span, unfit);
                        return None;
                    }
                }
            }
            _ => "".into(),
        };
        let reference = match (&found.value.value, found.label_of) {
            (Expr::Scalar { .. }, Some((key, at))) => {
                let key = &of.foreign_keys[key];
                let target = key.parent_columns.get(at).cloned();
                Some((key.parent.clone(), target))
            }
            (Expr::Ref { table, column, .. }, _) => {
                let by_key = of.foreign_keys.iter().find_map(|key| {
                    let at = key.columns.iter().position(|it| *it == found.column)?;
                    let is_it = key.parent.eq_ignore_ascii_case(table);
                    is_it.then(|| key.parent_columns.get(at).cloned()).flatten()
                });
                let target = column.clone().or(by_key);
                Some((table.clone(), target))
            }
            (Expr::Null | Expr::Env { .. }, _) => None,
            (_, Some((key, _))) => {
                let parent = &of.foreign_keys[key].parent;
                let message = format!("a label of `{parent}` is expected here");
                self.error(found.file, span, "not-a-label", message, None);
                return None;
            }
            _ => None,
        };
        if let Some((table, target)) = reference {
            let written = matches!(found.value.value, Expr::Ref { .. });
            return self
                .reference(found.file, span, &table, &label, target.as_deref(), written)
                .map(|content| (content, Nature::Fixed));
        }
        let done = match is_drawn(&found.value.value) {
            true => {
                let place = super::super::draw::Place {
                    file: self.files[file],
                    table: self.given.made_as(file, of),
                    names: *names,
                    column,
                    strictness,
                };
                super::super::draw::draw(found.value, &place, self.given, |_| true)
            }
            false => evaluate(
                found.value,
                column,
                strictness,
                names,
                self.files[file],
                self.given,
            ),
        };
        match done {
            Ok(done) => Some(done),
            Err(unfit) => {
                self.unfit(found.file, span, unfit);
                None
            }
        }
    }

    pub(super) fn reference(
        &mut self,
        file: usize,
        span: &Range<usize>,
        table: &str,
        label: &str,
        column: Option<&str>,
        written: bool,
    ) -> Option<Content> {
        let shape = self.shape;
        let part = |at: usize| match written {
            true => self.part(file, span, at),
            false => span.clone(),
        };
        let [of_table, of_label, of_column] = [0, 1, 2].map(part);
        let Some(of) = shape.table(table) else {
            self.unknown_table(file, &of_table, table);
            return None;
        };
        let column = match column {
            Some(name) => {
                let column = self.column(file, of, name, &of_column, &[])?;
                if of.columns[column].origin != ColumnKind::Plain {
                    let message = format!(
                        "column `{name}` is computed by the table, and cannot be referred to"
                    );
                    self.error(file, &of_column, "computed-column", message, None);
                    return None;
                }
                column
            }
            None => match of.primary_key[..] {
                [key] => key,
                _ => {
                    let message = format!("`{table}` has no primary key of one column");
                    let help = format!("name the column: `!ref {table}.{label}.column`");
                    self.error(file, span, "which-column", message, Some(help));
                    return None;
                }
            },
        };
        let Some(row) = self.labels.find(table, label) else {
            let help = match self.elsewhere(table, label) {
                Some(words) => Some(words),
                None => {
                    let nearest = self.labels.nearest(table, label);
                    nearest.map(|it| format!("did you mean `{it}`?"))
                }
            };
            let message = format!("`{table}` has no label `{label}`");
            self.error(file, &of_label, "unknown-label", message, help);
            return None;
        };
        // A row of a table that is not understood has had its problem.
        let row = self.place[row]?;
        Some(Content::Reference { row, column })
    }

    /// One of the parts of `table.label.column`, where they stand; all of it where they are written otherwise.
    pub(super) fn part(&self, file: usize, span: &Range<usize>, part: usize) -> Range<usize> {
        let source = self.origin(file, span).map(|origin| origin.source);
        let written = source
            .as_ref()
            .and_then(|source| source.text.get(span.clone()))
            .unwrap_or_default();
        // The span begins with the tag.
        let name = written.trim_start_matches("!ref").trim_start();
        let mut start = span.start + (written.len() - name.len());
        let written = name;
        for (at, text) in written.split('.').enumerate() {
            if at == part && !written.starts_with(['"', '\'', '&', '*']) {
                return start..start + text.len();
            }
            start += text.len() + 1;
        }
        span.clone()
    }

    /// Where a label is that no chosen file has.
    pub(super) fn elsewhere(&self, table: &str, label: &str) -> Option<String> {
        let (_, labels) = names(self.given.others, &mut Vec::new());
        labels.find(table, label)?;
        let file = self.given.others.iter().find(|file| {
            let (_, labels) = names(&[file], &mut Vec::new());
            labels.find(table, label).is_some()
        })?;
        let tags: Vec<&str> = file
            .settings
            .tags
            .iter()
            .map(|it| it.value.as_str())
            .collect();
        Some(match tags.first() {
            Some(tag) => format!(
                "it is in {}, which comes with `--tag {tag}`",
                file.source.name
            ),
            None => format!(
                "it is in {}, which is for another environment",
                file.source.name
            ),
        })
    }
}
