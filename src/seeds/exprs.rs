//! The expressions of a file: all that stand in cells, those within others too. Pure.

use std::collections::BTreeMap;

use super::model::{Expr, Json, SeedFile, Spanned, Table};

impl SeedFile {
    /// The content of the defaults for all tables.
    pub(super) fn exprs_for_all(&self) -> impl Iterator<Item = &Spanned<Expr>> {
        let defaults = self.settings.defaults.iter().map(|field| &field.value);
        defaults.flat_map(with_inner)
    }

    /// Everything that stands in a cell, those within others too. A file may have millions, so no list is made of them.
    pub(super) fn exprs(&self) -> impl Iterator<Item = &Spanned<Expr>> {
        let of_tables = self.tables.iter().flat_map(Table::exprs);
        self.exprs_for_all().chain(of_tables)
    }
}

impl Table {
    pub(super) fn exprs(&self) -> impl Iterator<Item = &Spanned<Expr>> {
        let rows = self.rows.iter().chain(&self.overrides);
        let fields = rows.flat_map(|row| row.fields.iter().chain(&row.over));
        fields
            .chain(&self.defaults)
            .map(|field| &field.value)
            .chain(&self.id)
            .flat_map(with_inner)
    }
}

/// An expression, and those within it.
fn with_inner(expr: &Spanned<Expr>) -> impl Iterator<Item = &Spanned<Expr>> {
    let mut within = expr.value.inner();
    let mut next = 0;
    while let Some(expr) = within.get(next) {
        within.extend(expr.value.inner());
        next += 1;
    }
    std::iter::once(expr).chain(within)
}

impl Expr {
    /// The expressions that stand directly within this one.
    pub(super) fn inner(&self) -> Vec<&Spanned<Expr>> {
        let mut inner = Vec::new();
        match self {
            Expr::Pick(items) => inner.extend(items.iter().map(|(item, _)| item)),
            Expr::Hash(secret) => inner.push(&**secret),
            Expr::Composed(json) => json.tags(&mut inner),
            _ => {}
        }
        inner
    }

    /// The same, to change them.
    pub(super) fn inner_mut(&mut self) -> Vec<&mut Spanned<Expr>> {
        let mut inner = Vec::new();
        match self {
            Expr::Pick(items) => inner.extend(items.iter_mut().map(|(item, _)| item)),
            Expr::Hash(secret) => inner.push(&mut **secret),
            Expr::Composed(json) => json.tags_mut(&mut inner),
            _ => {}
        }
        inner
    }

    /// The table to which it refers, with `!ref` or by a choice.
    pub(super) fn refers_to(&self) -> Option<&str> {
        match self {
            Expr::Ref(it) => Some(&it.table),
            Expr::Among(it) => Some(&it.table),
            _ => None,
        }
    }

    fn refers_to_mut(&mut self) -> Option<&mut String> {
        match self {
            Expr::Ref(it) => Some(&mut it.table),
            Expr::Among(it) => Some(&mut it.table),
            _ => None,
        }
    }

    /// Gives tables to which it refers the names that they have now. `renamed` has the old names in lower case.
    pub(super) fn rename_tables(&mut self, renamed: &BTreeMap<String, String>) {
        if let Some(table) = self.refers_to_mut()
            && let Some(now) = renamed.get(&table.to_ascii_lowercase())
        {
            table.clone_from(now);
        }
        for inner in self.inner_mut() {
            inner.value.rename_tables(renamed);
        }
    }
}

impl Json {
    fn tags<'a>(&'a self, all: &mut Vec<&'a Spanned<Expr>>) {
        match self {
            Json::Constant(_) | Json::Text { .. } => {}
            Json::List(items) => items.iter().for_each(|it| it.tags(all)),
            Json::Map(entries) => entries.iter().for_each(|(_, it)| it.tags(all)),
            Json::Tag(expr) => all.push(expr),
        }
    }

    fn tags_mut<'a>(&'a mut self, all: &mut Vec<&'a mut Spanned<Expr>>) {
        match self {
            Json::Constant(_) | Json::Text { .. } => {}
            Json::List(items) => items.iter_mut().for_each(|it| it.tags_mut(all)),
            Json::Map(entries) => entries.iter_mut().for_each(|(_, it)| it.tags_mut(all)),
            Json::Tag(expr) => all.push(expr),
        }
    }
}
