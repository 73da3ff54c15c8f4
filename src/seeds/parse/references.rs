//! References besides `!ref`: `_refs`, `_through`, and one of the labels of a table.

use super::template::Scope;
use super::{Reader, name};
use crate::diagnostic::Diagnostic;
use crate::seeds::model::{Among, Choose, Expr, RefTarget, SoftRef, Spanned, Table, Through};
use crate::seeds::yaml::{Kind, Node};

const REFS: &str =
    "_refs: {creator: users, subject: {type: subject_type, Card: cards, Post: posts}}";
const THROUGH: &str = "_through: {tags: cards_tags}";

impl Reader<'_> {
    /// `!pick users.*`, `!each users.load_*.email`
    pub(super) fn among(&mut self, choice: Choose, node: &Node, scope: Scope) -> Option<Expr> {
        let tag = match choice {
            Choose::Random => "!pick",
            Choose::InTurn => "!each",
        };
        let text = self.argument(node, tag, "takes labels of a table, such as `users.*`")?;
        let parts: Vec<&str> = text.split('.').collect();
        let (table, pattern, column) = match parts.as_slice() {
            [table, pattern] => (*table, *pattern, None),
            [table, pattern, column] => (*table, *pattern, Some(*column)),
            _ => ("", "", None),
        };
        if table.is_empty() || table.contains('*') || !pattern.contains('*') || column == Some("") {
            let why = format!(
                "takes labels of a table, such as `users.*`, `users.load_*` or `users.*.email`, and `{text}` is none of these"
            );
            let help = match choice {
                Choose::Random => "write for example `!pick users.*`",
                Choose::InTurn => "write for example `!each users.*`",
            };
            self.error("bad-tag", &node.whole(), format!("`{tag}` {why}"), help);
            return None;
        }
        Some(Expr::Among(Box::new(Among {
            choice,
            table: self.literal(table, &node.span),
            pattern: self.template(pattern, &node.span, scope),
            column: column.map(|column| self.literal(column, &node.span).into()),
        })))
    }

    /// `_refs`
    pub(super) fn refs(&mut self, node: &Node) -> Vec<SoftRef> {
        let Some(entries) = self.map(node, "`_refs`", REFS) else {
            return Vec::new();
        };
        let mut refs = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let Some(name) = self.name(key, "column") else {
                continue;
            };
            let to = match &value.kind {
                Kind::Mapping(entries) => self.types(value, entries),
                _ => self.target(value),
            };
            refs.extend(to.map(|to| SoftRef { name, to }));
        }
        refs
    }

    /// `users`, `users.email`
    fn target(&mut self, node: &Node) -> Option<RefTarget> {
        let text = self.text(node, "the table of a reference", "creator: users")?;
        let part = |value: &str| Spanned::new(value.to_owned(), text.span());
        let (table, column) = match text.value.split_once('.') {
            Some((table, column)) => (table, Some(part(column))),
            None => (text.value.as_str(), None),
        };
        Some(RefTarget::Table {
            table: part(table),
            column,
        })
    }

    /// `{type: subject_type, Card: cards}`
    fn types(&mut self, node: &Node, entries: &[(Node, Node)]) -> Option<RefTarget> {
        self.no_tag(node, "a reference");
        let mut column = None;
        let mut tables = Vec::new();
        for (key, value) in entries {
            let kind = self.name(key, "type")?;
            let table = self.text(value, "the value", "Card: cards")?;
            match name(key) {
                "type" => column = Some(table),
                _ => tables.push((kind, table)),
            }
        }
        match column {
            Some(column) if !tables.is_empty() => Some(RefTarget::Types { column, tables }),
            _ => {
                let message = "a reference to several tables has a column for the type, and a table for each type";
                let help = "write for example `{type: subject_type, Card: cards, Post: posts}`";
                self.error("bad-value", &node.span, message, help);
                None
            }
        }
    }

    /// `_through`
    pub(super) fn through(&mut self, node: &Node) -> Vec<Through> {
        let Some(entries) = self.map(node, "`_through`", THROUGH) else {
            return Vec::new();
        };
        let mut all = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let Some(list) = self.name(key, "list") else {
                continue;
            };
            let (mut table, mut from, mut to) = (None, None, None);
            match &value.kind {
                Kind::Mapping(entries) => {
                    self.no_tag(value, "a join table");
                    for (key, value) in entries {
                        let part = match name(key) {
                            "table" => &mut table,
                            "from" => &mut from,
                            "to" => &mut to,
                            unknown => {
                                let message = format!("a join table has no `{unknown}`");
                                let help = "it has `table`, `from` and `to`";
                                self.error("unknown-setting", &key.span, message, help);
                                continue;
                            }
                        };
                        *part = self.text(value, "a name", "table: cards_tags");
                    }
                    if table.is_none() {
                        let message = format!("the join table of `{}` is missing", list.value);
                        let help =
                            "write for example `{table: follows, from: follower, to: followed}`";
                        self.error("bad-value", &value.span, message, help);
                    }
                }
                _ => table = self.text(value, "a join table", "tags: cards_tags"),
            }
            if let Some(table) = table {
                all.push(Through {
                    name: list,
                    table,
                    from,
                    to,
                });
            }
        }
        let mut join: Vec<&Spanned<String>> = all.iter().map(|it| &it.table).collect();
        join.dedup_by(|a, b| a.value == b.value);
        for table in join {
            if super::is_reserved(&table.value) {
                let problem = Diagnostic::problem(
                    "reserved-name",
                    format!("`{}` is no table that can be seeded", table.value),
                );
                let problem = problem.at(self.origin(&table.span()));
                self.problems
                    .push(problem.help("name a table of the migrations"));
            }
        }
        all
    }
}

/// Adds the join tables that a file fills and does not declare itself, so that they are tables of the file.
pub(super) fn with_join_tables(tables: &mut Vec<Table>) {
    let joins: Vec<Spanned<String>> = tables
        .iter()
        .flat_map(|table| &table.through)
        .map(|through| through.table.clone())
        .collect();
    for name in joins {
        let is_it = |table: &Table| table.name.value.eq_ignore_ascii_case(&name.value);
        if !tables.iter().any(is_it) {
            tables.push(Table::empty(name));
        }
    }
}
