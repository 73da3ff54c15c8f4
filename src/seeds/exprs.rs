//! The expressions of a file: all that stand in cells, those within others too. Pure.

use std::collections::BTreeMap;

use super::model::{Expr, Json, SeedFile, Spanned, Table};

impl SeedFile {
    /// What stands in the defaults for all tables.
    pub(super) fn exprs_for_all(&self) -> Vec<&Spanned<Expr>> {
        let defaults = self.settings.defaults.iter().map(|field| &field.value);
        with_inner(defaults.collect())
    }

    /// Everything that stands in a cell, those within others too.
    pub(super) fn exprs(&self) -> Vec<&Spanned<Expr>> {
        let mut exprs = self.exprs_for_all();
        for table in &self.tables {
            exprs.extend(table.exprs());
        }
        exprs
    }
}

impl Table {
    pub(super) fn exprs(&self) -> Vec<&Spanned<Expr>> {
        let rows = self.rows.iter().chain(&self.overrides);
        let fields = rows.flat_map(|row| row.fields.iter().chain(&row.over));
        let open = fields
            .chain(&self.defaults)
            .map(|field| &field.value)
            .chain(&self.id);
        with_inner(open.collect())
    }
}

/// These, and what stands within them.
fn with_inner(mut open: Vec<&Spanned<Expr>>) -> Vec<&Spanned<Expr>> {
    let mut all = Vec::with_capacity(open.len());
    while let Some(expr) = open.pop() {
        all.push(expr);
        // A file may have a million of these.
        if !matches!(expr.value, Expr::Null | Expr::Scalar { .. }) {
            open.extend(expr.value.inner());
        }
    }
    all
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

    /// Gives tables to which it refers the names that they have now. `renamed` has the old names in lower case.
    pub(super) fn rename_tables(&mut self, renamed: &BTreeMap<String, String>) {
        if let Expr::Ref { table, .. } | Expr::Among { table, .. } = self
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
