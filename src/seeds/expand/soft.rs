//! References that a file declares itself (`_refs`): a column takes labels of a table although the schema has no foreign
//! key, or labels of several tables with the type in another column. Pure.

use std::ops::Range;

use super::super::cell::{Names, evaluate};
use super::super::generate::Dice;
use super::super::held::Held;
use super::super::model::{Among, Expr, Part, RefTarget, SoftRef, Spanned, Style, Table, Template};
use super::super::row::{Content, Nature};
use super::cells::Place;
use super::names::short_name;
use super::{Expansion, Found, LabelOf};
use crate::schema::{ColumnKind, TableShape};

/// A declared reference, and its columns in the schema.
#[derive(Clone, Copy)]
pub(super) struct Soft<'a> {
    pub(super) decl: &'a SoftRef,
    pub(super) column: usize,
    /// The column of the type.
    pub(super) of_type: Option<usize>,
}

impl<'a> Soft<'a> {
    /// The table of a type, and the type of a table.
    fn types(&self) -> &'a [(Spanned<String>, Spanned<String>)] {
        match &self.decl.to {
            RefTarget::Types { tables, .. } => tables,
            RefTarget::Table { .. } => &[],
        }
    }

    fn table_of(&self, kind: &str) -> Option<&'a str> {
        let mut types = self.types().iter();
        types.find_map(|(it, table)| (it.value == kind).then_some(table.value.as_str()))
    }

    pub(super) fn type_of(&self, table: &str) -> Option<&'a str> {
        let mut types = self.types().iter();
        types.find_map(|(kind, it)| {
            it.value
                .eq_ignore_ascii_case(table)
                .then_some(kind.value.as_str())
        })
    }

    /// The table and the label of the row that a text names.
    pub(super) fn row_of<'t>(&self, text: &'t str) -> Option<(&'a str, &'t str)> {
        match &self.decl.to {
            RefTarget::Table { table, .. } => Some((&table.value, text)),
            RefTarget::Types { .. } => {
                let (label, kind) = label_and_type(text);
                Some((self.table_of(kind?)?, label))
            }
        }
    }

    /// Whether it refers to rows of a table.
    pub(super) fn refers_to(&self, table: &str) -> bool {
        match &self.decl.to {
            RefTarget::Table { table: it, .. } => it.value.eq_ignore_ascii_case(table),
            RefTarget::Types { .. } => self.type_of(table).is_some(),
        }
    }

    /// The column to which it refers; none means the primary key.
    fn target(&self) -> Option<&'a str> {
        match &self.decl.to {
            RefTarget::Table { column, .. } => column.as_ref().map(|it| it.value.as_str()),
            RefTarget::Types { .. } => None,
        }
    }
}

/// Whether a value says of which table its row is: it is a `!ref` or has its type behind the label.
fn has_type(soft: &Soft<'_>, expr: &Expr) -> bool {
    match expr {
        Expr::Ref(_) | Expr::Among(_) | Expr::Null => true,
        Expr::Scalar { text, .. } => {
            let last = match text.parts().last() {
                Some(Part::Text(text)) => Some(text.as_str()),
                _ => text.as_text(),
            };
            let kind = last.and_then(|last| label_and_type(last).1);
            kind.is_some_and(|kind| soft.table_of(kind).is_some())
        }
        Expr::Pick(items) => items.iter().any(|(item, _)| has_type(soft, &item.value)),
        _ => false,
    }
}

/// `shopping (Card)` is the label `shopping` and the type `Card`.
fn label_and_type(text: &str) -> (&str, Option<&str>) {
    let split = text.strip_suffix(')').and_then(|it| it.rsplit_once('('));
    match split {
        Some((label, kind)) => (label.trim_end(), Some(kind.trim())),
        None => (text, None),
    }
}

impl<'a> Expansion<'a> {
    /// Finds the declared references of a table in the schema.
    pub(super) fn find_refs(&mut self, file: usize, name: &str, table: Option<&'a Table>) {
        let shape = self.shape;
        let Some(at) = shape.position(name) else {
            return;
        };
        let of = &shape.tables[at];
        let shared = self.shared(name).filter(|_| file != self.shared_file());
        let shared = shared.into_iter().flat_map(|it| &it.refs);
        let own = table.into_iter().flat_map(|it| &it.refs);
        let all: Vec<_> = own
            .map(|decl| (file, decl))
            .chain(shared.map(|decl| (self.shared_file(), decl)))
            .collect();
        let mut refs: Vec<Soft<'a>> = Vec::with_capacity(all.len());
        for (file, decl) in all {
            // The file's own declaration comes first.
            let same = |it: &Soft<'_>| it.decl.name.value.eq_ignore_ascii_case(&decl.name.value);
            if !refs.iter().any(same) {
                let found = self.find_ref(file, of, decl);
                if found.is_none() {
                    let name = decl.name.value.to_ascii_lowercase();
                    self.broken_refs.insert((file, at, name));
                }
                refs.extend(found);
            }
        }
        if !refs.is_empty() {
            self.refs.insert((file, at), refs);
        }
    }

    fn find_ref(&mut self, file: usize, of: &TableShape, decl: &'a SoftRef) -> Option<Soft<'a>> {
        let name = &decl.name.value;
        let parents: Vec<&Spanned<String>> = match &decl.to {
            RefTarget::Table { table, .. } => vec![table],
            RefTarget::Types { tables, .. } => tables.iter().map(|(_, table)| table).collect(),
        };
        let mut targets = vec![name.clone(), format!("{name}_id"), format!("{name}Id")];
        for parent in &parents {
            let Some(parent) = self.shape.table(&parent.value) else {
                self.unknown_table(file, &parent.span(), &parent.value);
                return None;
            };
            if let [key] = parent.primary_key[..] {
                targets.push(format!("{name}_{}", parent.columns[key].name));
            }
        }
        let column = match targets.iter().find_map(|target| of.column(target)) {
            Some(column) => column,
            None => self.column(file, of, name, &decl.name.span(), &[])?,
        };
        let of_type = match &decl.to {
            RefTarget::Types { column, .. } => {
                Some(self.column(file, of, &column.value, &column.span(), &[])?)
            }
            RefTarget::Table { table, column } => {
                let parent = self.shape.table(&table.value)?;
                if let Some(column) = column {
                    self.column(file, parent, &column.value, &column.span(), &[])?;
                }
                None
            }
        };
        for at in [Some(column), of_type].into_iter().flatten() {
            if of.columns[at].origin != ColumnKind::Plain {
                let message = format!(
                    "column `{}` is computed by the table, and cannot be written",
                    of.columns[at].name
                );
                let help = Some("remove it from `_refs`".to_owned());
                self.error(file, &decl.name.span(), "computed-column", message, help);
                return None;
            }
        }
        let other = of.foreign_keys.iter().find(|key| {
            let is_it = |it: &&Spanned<String>| it.value.eq_ignore_ascii_case(&key.parent);
            key.columns == [column] && !parents.iter().any(is_it)
        });
        if let Some(key) = other {
            let message = format!(
                "column `{}` refers to `{}` by a foreign key of the schema",
                of.columns[column].name, key.parent
            );
            let help = format!("write `{name}: {}`, or leave it out", key.parent);
            self.error(file, &decl.name.span(), "bad-refs", message, Some(help));
            return None;
        }
        Some(Soft {
            decl,
            column,
            of_type,
        })
    }

    /// Whether something is wrong in the declaration of a reference.
    pub(super) fn is_broken_ref(&self, file: usize, of: &TableShape, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let is_in = |file, at| self.broken_refs.contains(&(file, at, name.clone()));
        let at = self.shape.position(&of.name);
        at.is_some_and(|at| is_in(file, at) || is_in(self.shared_file(), at))
    }

    /// The declared references that hold in a file for a table.
    pub(super) fn refs_of(&self, file: usize, of: &TableShape) -> &[Soft<'a>] {
        if self.refs.is_empty() {
            return &[];
        }
        let at = self.shape.position(&of.name);
        let refs = at.and_then(|at| self.refs.get(&(file, at)));
        refs.map_or(&[], Vec::as_slice)
    }

    /// The declared reference of this name.
    pub(super) fn soft(
        &self,
        file: usize,
        of: &TableShape,
        name: &str,
    ) -> Option<(usize, Soft<'a>)> {
        let refs = self.refs_of(file, of).iter().enumerate();
        let mut refs = refs.filter(|(_, it)| it.decl.name.value.eq_ignore_ascii_case(name));
        refs.next().map(|(at, it)| (at, *it))
    }

    /// The declared reference that a value stands for.
    pub(super) fn soft_of(&self, found: &Found<'a>, of: &TableShape) -> Option<Soft<'a>> {
        let at = match found.label_of? {
            LabelOf::Soft { at, .. } | LabelOf::Type { at, .. } => at,
            LabelOf::Key(_) => return None,
        };
        self.refs_of(found.file, of).get(at).copied()
    }

    /// Fills in the types of polymorphic references: from the value of the reference where it has one, else from the
    /// column of the type, which a row or its defaults declare.
    pub(super) fn type_columns(
        &mut self,
        of: &TableShape,
        fields: &mut Vec<Found<'a>>,
        here: &[usize],
    ) {
        let found: Vec<(Found<'a>, usize, Soft<'a>)> = fields
            .iter()
            .filter_map(|found| match found.label_of? {
                LabelOf::Soft { at, .. } => {
                    let soft = self.soft_of(found, of)?;
                    Some((*found, at, soft))
                }
                _ => None,
            })
            .collect();
        for (found, at, soft) in found {
            let Some(of_type) = soft.of_type else {
                continue;
            };
            let declared = fields.iter().position(|it| it.column == of_type);
            let is_own = here.contains(&of_type);
            let follows =
                here.contains(&found.column) && has_type(&soft, &found.value.value) && !is_own;
            match declared {
                Some(declared) if !follows => {
                    let value = fields[declared].value;
                    let is_type = matches!(fields[declared].label_of, Some(LabelOf::Type { .. }));
                    let typed = (!is_type).then_some(value);
                    if let Some(it) = fields.iter_mut().find(|it| it.column == found.column) {
                        it.label_of = Some(LabelOf::Soft { at, typed });
                    }
                }
                declared => {
                    if let Some(declared) = declared {
                        fields.remove(declared);
                    }
                    fields.push(Found {
                        column: of_type,
                        label_of: Some(LabelOf::Type {
                            at,
                            column: found.column,
                        }),
                        is_unique: false,
                        ..found
                    });
                    if found.is_unique && super::is_drawn(&found.value.value) {
                        let message = format!(
                            "`{}` is drawn for a unique column, and its type would not follow",
                            of.columns[found.column].name
                        );
                        let help = Some("name the rows: `label (Type)`".to_owned());
                        self.error(found.file, &found.value.span(), "bad-refs", message, help);
                    }
                }
            }
        }
    }

    /// The row that a label names in a column with a declared reference.
    pub(super) fn soft_label(
        &mut self,
        place: &Place<'_, 'a>,
        soft: Soft<'a>,
        text: &Template,
        span: &Range<usize>,
        typed: Option<&'a Spanned<Expr>>,
    ) -> Option<(usize, usize)> {
        let text = self.filled(place, text, span)?;
        let file = place.found.file;
        if let RefTarget::Table { table, .. } = &soft.decl.to {
            return self.reference(file, span, &table.value, &text, soft.target(), false);
        }
        let (label, kind) = label_and_type(&text);
        let declared = match typed {
            Some(typed) => Some(self.declared_type(place, typed)?),
            None => None,
        };
        let name = &soft.decl.name.value;
        let known = || -> String {
            let types = soft.types().iter();
            let types: Vec<String> = types.map(|(kind, _)| format!("`{}`", kind.value)).collect();
            types.join(", ")
        };
        // A label may end with a bracket itself.
        let (label, kind) = match kind {
            Some(kind) if declared.is_some() && soft.table_of(kind).is_none() => (&*text, None),
            kind => (label, kind),
        };
        let kind = match (kind, &declared) {
            (Some(kind), Some(declared)) if kind != declared => {
                let message =
                    format!("`{text}` is of type `{kind}`, and the row is of type `{declared}`");
                let help = "leave out one of the two".to_owned();
                self.error(file, span, "wrong-table", message, Some(help));
                return None;
            }
            (Some(kind), _) => kind,
            (None, Some(declared)) => declared,
            (None, None) => {
                let message =
                    format!("`{name}` refers to rows of several tables, and the type is missing");
                let first = soft.types().first().map_or("", |(kind, _)| &kind.value);
                let help = format!("write `{label} ({first})`; the types are {}", known());
                self.error(file, span, "which-table", message, Some(help));
                return None;
            }
        };
        let Some(table) = soft.table_of(kind) else {
            let message = format!("`{name}` has no type `{kind}`");
            let help = format!("the types are {}", known());
            self.error(file, span, "which-table", message, Some(help));
            return None;
        };
        self.reference(file, span, table, label, None, false)
    }

    /// Whether a `!ref` or a choice of labels is to rows of a table to which the column refers. What is wrong is
    /// reported.
    pub(super) fn fits_refs(
        &mut self,
        place: &Place<'_, 'a>,
        soft: Soft<'a>,
        table: &str,
        span: &Range<usize>,
        typed: Option<&'a Spanned<Expr>>,
    ) -> Option<Option<&'a str>> {
        let file = place.found.file;
        let name = &soft.decl.name.value;
        if self.shape.table(table).is_some() && !soft.refers_to(table) {
            let message = format!("`{name}` does not refer to rows of `{table}`");
            let help = "refer to a row of a table that `_refs` names for it".to_owned();
            self.error(file, span, "wrong-table", message, Some(help));
            return None;
        }
        if let (Some(typed), Some(kind)) = (typed, soft.type_of(table)) {
            let declared = self.declared_type(place, typed)?;
            if declared != kind {
                let message = format!(
                    "the row is of type `{declared}`, and rows of `{table}` are of type `{kind}`"
                );
                let help = "leave the type out: it follows from the reference".to_owned();
                self.error(file, span, "wrong-table", message, Some(help));
                return None;
            }
        }
        Some(soft.target())
    }

    /// The type that a row declares.
    fn declared_type(&mut self, place: &Place<'_, 'a>, typed: &'a Spanned<Expr>) -> Option<String> {
        match &typed.value {
            Expr::Scalar { text, .. } => self.filled(place, text, &typed.span()),
            _ => {
                let message = "the type of a reference is a text".to_owned();
                let help = "leave the type out, and write `label (Type)`".to_owned();
                self.error(
                    place.found.file,
                    &typed.span(),
                    "which-table",
                    message,
                    Some(help),
                );
                None
            }
        }
    }

    /// What the column of the type holds: that of the row to which the reference leads. What is wrong with the reference
    /// is reported where its own column is filled.
    pub(super) fn type_value(
        &mut self,
        place: &Place<'_, 'a>,
        soft: Soft<'a>,
        expr: &'a Spanned<Expr>,
    ) -> Option<(Content, Nature)> {
        let names: &Names<'_> = place.names;
        let kind = match &expr.value {
            Expr::Null => return Some((Content::Known(Held::Null), Nature::Fixed)),
            Expr::Scalar { text, .. } => {
                let text = names.fill(text).ok()?;
                label_and_type(&text).1?.to_owned()
            }
            refers => soft.type_of(refers.refers_to()?)?.to_owned(),
        };
        let value = Spanned::new(
            Expr::Scalar {
                text: Template::text(kind),
                style: Style::Quoted,
            },
            expr.span(),
        );
        let (column, strictness) = (place.column(), place.strictness());
        let file = self.files[place.file];
        match evaluate(&value, column, strictness, names, file, self.given) {
            Ok(done) => Some(done),
            Err(unfit) => {
                self.unfit(place.found.file, &expr.span(), unfit);
                None
            }
        }
    }

    /// The names by which columns of a table refer to rows.
    pub(super) fn short_names(&self, file: usize, of: &TableShape) -> Vec<String> {
        let keys = of.foreign_keys.iter();
        let declared = self.refs_of(file, of).iter();
        keys.filter_map(|key| short_name(of, key))
            .chain(declared.map(|it| it.decl.name.value.clone()))
            .collect()
    }

    /// One of the rows of a table whose labels match.
    pub(super) fn among(
        &mut self,
        place: &Place<'_, 'a>,
        expr: &'a Spanned<Expr>,
        target: Option<&str>,
        dice: Option<&mut Dice>,
    ) -> Option<(usize, usize)> {
        let Expr::Among(among) = &expr.value else {
            return None;
        };
        let Among {
            choice,
            table,
            pattern,
            column,
        } = &**among;
        if self.given.unsure.get(place.file) == Some(&true) {
            return None;
        }
        let (file, span) = (place.found.file, &expr.span());
        let pattern = self.filled(place, pattern, span)?;
        let Some(of) = self.shape.table(table) else {
            let place = self.part(file, span, 0);
            self.unknown_table(file, &place, table);
            return None;
        };
        let all = self.labelled(place.file, table, &pattern);
        let Some((_, row)) = all.choose(*choice, place.found.turn, dice) else {
            if self.lacks_rows(table) {
                return None;
            }
            let message = format!("no label of `{table}` looks like `{pattern}`");
            let help = format!(
                "declare rows of `{table}` with such labels; `*` stands for any characters, and rows of files with other tags are left out"
            );
            self.error(file, span, "no-match", message, Some(help));
            return None;
        };
        let column = column.as_deref().or(target);
        let of_column = self.part(file, span, 2);
        let column = self.target_column(file, (span, &of_column), of, column, &pattern)?;
        Some((self.place[*row]?, column))
    }
}
