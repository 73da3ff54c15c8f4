//! Lists of labels in rows (`_through`) become rows of join tables: one for each label, named `row/label`. Pure.

mod items;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use super::super::cell::Names;
use super::super::labels::Named;
use super::super::model::{Expr, Field, Label, Ref, RowDecl, Spanned, Table, Template, Through};
use super::Expansion;
use super::among::natural;
use super::names::short_name;
use super::soft::Soft;
use crate::schema::TableShape;

/// A list of labels, and the columns that its rows fill.
#[derive(Clone)]
pub(super) struct Join<'a> {
    decl: &'a Through,
    /// None where it does not fit the schema, which has been reported.
    ends: Option<(End<'a>, End<'a>)>,
}

/// A column of a join table that refers to rows.
#[derive(Clone)]
enum End<'a> {
    /// By a foreign key: the column, and the table.
    Key { column: usize, parent: String },
    /// By `_refs`.
    Soft(Soft<'a>),
}

impl End<'_> {
    fn columns(&self) -> Vec<usize> {
        match self {
            End::Key { column, .. } => vec![*column],
            End::Soft(soft) => std::iter::once(soft.column).chain(soft.of_type).collect(),
        }
    }

    fn refers_to(&self, table: &str) -> bool {
        match self {
            End::Key { parent, .. } => parent.eq_ignore_ascii_case(table),
            End::Soft(soft) => soft.refers_to(table),
        }
    }

    fn is_named(&self, of: &TableShape, name: &str) -> bool {
        let is_it = |it: &str| it.eq_ignore_ascii_case(name);
        match self {
            End::Key { column, .. } => {
                let mut keys = of.foreign_keys.iter().filter(|it| it.columns == [*column]);
                is_it(&of.columns[*column].name)
                    || keys.any(|it| short_name(of, it).is_some_and(|short| is_it(&short)))
            }
            End::Soft(soft) => is_it(&soft.decl.name.value) || is_it(&of.columns[soft.column].name),
        }
    }

    /// The table and the label of the row that an item of a list names.
    fn row_of<'i>(&'i self, item: &'i Item) -> Option<(&'i str, &'i str)> {
        match (&item.value, self) {
            (Expr::Ref(it), _) => Some((&it.table, it.label.as_text()?)),
            (_, End::Key { parent, .. }) => Some((parent, &item.label)),
            (_, End::Soft(soft)) => soft.row_of(&item.label),
        }
    }

    /// The name under which a row gives it a value.
    fn field(&self, of: &TableShape) -> String {
        match self {
            End::Key { column, .. } => of.columns[*column].name.clone(),
            End::Soft(soft) => soft.decl.name.value.clone(),
        }
    }
}

/// One item of a list: what names it, and the value of the column.
struct Item {
    label: String,
    value: Expr,
    span: Range<usize>,
}

/// The row with a list.
struct Parent<'p, 'a> {
    named: &'p Named<'a>,
    label: &'p str,
    /// Its place among the rows that have the list from the same declaration.
    turn: u64,
}

impl<'a> Expansion<'a> {
    /// Finds the join tables of a table in the schema.
    pub(super) fn find_joins(&mut self, file: usize, table: &'a Table) {
        let shape = self.shape;
        let Some(at) = shape.position(&table.name.value) else {
            return;
        };
        let of = &shape.tables[at];
        let shared = self
            .shared(&table.name.value)
            .filter(|_| file != self.shared_file());
        let shared = shared.into_iter().flat_map(|it| &it.through);
        let own = table.through.iter().map(|decl| (file, decl));
        let all: Vec<_> = own
            .chain(shared.map(|decl| (self.shared_file(), decl)))
            .collect();
        let mut joins: Vec<Join<'a>> = Vec::with_capacity(all.len());
        for (of_decl, decl) in all {
            let same = |it: &Join<'_>| it.decl.name.value.eq_ignore_ascii_case(&decl.name.value);
            if joins.iter().any(same) {
                continue;
            }
            if of.column(&decl.name.value).is_some() {
                let name = &decl.name.value;
                let message = format!("`{name}` is a column of `{}`, and no list of rows", of.name);
                let help = Some("give the list another name".to_owned());
                self.error(of_decl, &decl.name.span(), "bad-through", message, help);
                continue;
            }
            // A recorded file has only the tables that it names itself.
            let join = &decl.table.value;
            let known = shape
                .position(join)
                .map(|it| self.refs.contains_key(&(file, it)));
            if known == Some(false) {
                self.find_refs(file, join, None);
            }
            let ends = self.ends(file, of_decl, of, decl);
            if let Some((from, to)) = &ends
                && let Some(join) = shape.position(&decl.table.value)
            {
                let columns: Vec<usize> = from.columns().into_iter().chain(to.columns()).collect();
                // The two rows are what a row of a join table is found by.
                if shape.tables[join].is_unique(&columns) {
                    self.join_keys.insert((file, join), columns);
                }
            }
            joins.push(Join { decl, ends });
        }
        if !joins.is_empty() {
            self.joins.insert((file, at), joins);
        }
    }

    /// The two columns of a join table.
    fn ends(
        &mut self,
        file: usize,
        of_decl: usize,
        of: &TableShape,
        decl: &'a Through,
    ) -> Option<(End<'a>, End<'a>)> {
        let name = &decl.table.value;
        let Some(join) = self.shape.table(name) else {
            self.unknown_table(of_decl, &decl.table.span(), name);
            return None;
        };
        let softs = self.refs_of(file, join).to_vec();
        let is_soft = |column: usize| softs.iter().any(|it| it.column == column);
        let keys = join.foreign_keys.iter().filter_map(|key| {
            let [column] = key.columns[..] else {
                return None;
            };
            (!is_soft(column)).then(|| End::Key {
                column,
                parent: key.parent.clone(),
            })
        });
        let all: Vec<End<'a>> = keys.chain(softs.iter().map(|it| End::Soft(*it))).collect();
        let fits = |end: &&End<'a>, wanted: &Option<Spanned<String>>| {
            wanted
                .as_ref()
                .is_none_or(|it| end.is_named(join, &it.value))
        };
        let from: Vec<&End<'a>> = all
            .iter()
            .filter(|end| end.refers_to(&of.name) && fits(end, &decl.from))
            .collect();
        let [from] = from[..] else {
            let message = match (&decl.from, from.is_empty()) {
                (Some(it), true) => format!(
                    "`{}` is no column of `{name}` that refers to `{}`",
                    it.value, of.name
                ),
                (None, true) => format!("`{name}` has no column that refers to `{}`", of.name),
                (_, false) => {
                    let columns = fields(join, &from);
                    format!("`{name}` refers to `{}` by {columns}", of.name)
                }
            };
            self.no_end(of_decl, decl, message);
            return None;
        };
        let to: Vec<&End<'a>> = all
            .iter()
            .filter(|end| end.columns() != from.columns() && fits(end, &decl.to))
            .collect();
        let [to] = to[..] else {
            let message = match (&decl.to, to.is_empty()) {
                (Some(it), true) => format!(
                    "`{}` is no other column of `{name}` that refers to rows",
                    it.value
                ),
                (None, true) => format!("`{name}` has no other column that refers to rows"),
                (_, false) => format!("`{name}` refers to other rows by {}", fields(join, &to)),
            };
            self.no_end(of_decl, decl, message);
            return None;
        };
        Some((from.clone(), to.clone()))
    }

    /// Reports that one of the two columns of a join table is not known.
    fn no_end(&mut self, file: usize, decl: &Through, message: String) {
        let help = format!(
            "name both columns: `{}: {{table: {join}, from: …, to: …}}`; `_refs` of `{join}` declares a reference \
             that the schema does not",
            decl.name.value,
            join = decl.table.value,
        );
        self.error(file, &decl.table.span(), "bad-through", message, Some(help));
    }

    /// Whether a name is that of a list of labels, and of no column.
    pub(super) fn is_join(&self, file: usize, of: &TableShape, name: &str) -> bool {
        let is_it = |join: &Join<'_>| join.decl.name.value.eq_ignore_ascii_case(name);
        self.joins_of(file, of).iter().any(is_it)
    }

    fn joins_of(&self, file: usize, of: &TableShape) -> &[Join<'a>] {
        if self.joins.is_empty() {
            return &[];
        }
        let at = self.shape.position(&of.name);
        let joins = at.and_then(|at| self.joins.get(&(file, at)));
        joins.map_or(&[], Vec::as_slice)
    }

    /// The rows of join tables that lists of labels come to, each table with its file.
    pub(super) fn join_rows(&mut self, named: &[Named<'a>]) -> Vec<(usize, Table)> {
        let mut tables = Vec::new();
        if self.joins.is_empty() {
            return tables;
        }
        let mut all: Vec<((usize, usize), Join<'a>)> = Vec::new();
        for (key, joins) in &self.joins {
            all.extend(joins.iter().map(|join| (*key, join.clone())));
        }
        all.sort_by_key(|(key, join)| (*key, join.decl.name.span().start));
        for ((file, at), join) in all {
            if file == self.shared_file() {
                continue;
            }
            let of = &self.shape.tables[at];
            let table = self.join_table(file, of, &join, named);
            tables.extend(table.map(|table| (file, table)));
        }
        tables
    }

    fn join_table(
        &mut self,
        file: usize,
        of: &'a TableShape,
        join: &Join<'a>,
        named: &[Named<'a>],
    ) -> Option<Table> {
        let (from, to) = join.ends.as_ref()?;
        let of_join = self.shape.table(&join.decl.table.value)?;
        // The lists of the rows, those of one declaration in the order of their labels.
        let mut lists: Vec<(usize, &'a Field, usize)> = Vec::new();
        for (at, row) in named.iter().enumerate() {
            let is_its = row.file == file && row.table.name.value.eq_ignore_ascii_case(&of.name);
            if let (true, Some((field, of_field))) = (is_its, self.list_of(row, join.decl)) {
                lists.push((at, field, of_field));
            }
        }
        let label = |at: usize| self.labels.label_of(&named[at], at);
        let mut by_label: Vec<(&'a Field, Arc<str>, usize)> = lists
            .iter()
            .filter_map(|(at, field, _)| Some((*field, label(*at)?, *at)))
            .collect();
        by_label.sort_by(|(_, one, _), (_, other, _)| natural(one, other));
        let mut counts: HashMap<*const Field, u64> = HashMap::new();
        let mut turns: HashMap<usize, (u64, Arc<str>)> = HashMap::new();
        for (field, label, at) in by_label {
            let count = counts.entry(std::ptr::from_ref(field)).or_default();
            turns.insert(at, (*count, label));
            *count += 1;
        }
        let mut rows = Vec::new();
        for (at, field, of_field) in lists {
            // A row without a label has had its problem.
            let Some((turn, label)) = turns.get(&at) else {
                continue;
            };
            let parent = Parent {
                named: &named[at],
                label,
                turn: *turn,
            };
            let mut seen = HashSet::new();
            for item in self.items(&parent, of, of_field, field, to) {
                if !seen.insert(item.label.clone()) {
                    let message = format!("`{label}` has `{}` twice in this list", item.label);
                    let help = Some("remove one of the two".to_owned());
                    self.error(of_field, &item.span, "label-twice", message, help);
                    continue;
                }
                rows.push(self.join_row(&parent, of, of_join, (from, to), item));
            }
        }
        let own = self.files[file].tables.iter();
        let mut own = own.filter(|it| it.name.value.eq_ignore_ascii_case(&of_join.name));
        let mut table = Table::empty(Spanned::new(of_join.name.clone(), join.decl.table.span()));
        if let Some(own) = own.next() {
            table.key.clone_from(&own.key);
            table.id.clone_from(&own.id);
            table.keep.clone_from(&own.keep);
            table.defaults.clone_from(&own.defaults);
            table.name = Spanned::new(of_join.name.clone(), own.name.span());
        }
        table.rows = rows;
        (!table.rows.is_empty()).then_some(table)
    }

    /// The names of the lists that a row has.
    pub(super) fn lists_of(&self, row: &Named<'a>) -> Vec<&'a str> {
        let Some(of) = self.shape.table(&row.table.name.value) else {
            return Vec::new();
        };
        let joins = self.joins_of(row.file, of).iter();
        let decls = joins
            .map(|join| join.decl)
            .filter(|it| self.list_of(row, it).is_some());
        decls.map(|it| it.name.value.as_str()).collect()
    }

    /// The list of a row, and the file in which it stands.
    fn list_of(&self, row: &Named<'a>, decl: &Through) -> Option<(&'a Field, usize)> {
        let is_it = |field: &&Field| field.name.value.eq_ignore_ascii_case(&decl.name.value);
        let own = row
            .decl
            .over
            .iter()
            .chain(&row.decl.fields)
            .chain(&row.table.defaults)
            .find(is_it);
        let shared = || {
            let table = self.shared(&row.table.name.value)?;
            table.defaults.iter().find(is_it)
        };
        match own {
            Some(field) => Some((field, row.file)),
            None => Some((shared()?, self.shared_file())),
        }
    }

    fn join_row(
        &self,
        parent: &Parent<'_, 'a>,
        of: &TableShape,
        of_join: &TableShape,
        (from, to): (&End<'a>, &End<'a>),
        item: Item,
    ) -> RowDecl {
        let span = item.span.clone();
        let field = |end: &End<'_>, value: Expr| Field {
            name: Spanned::new(Arc::new(end.field(of_join)), span.clone()),
            value: Spanned::new(value, span.clone()),
        };
        let refers = Expr::Ref(Box::new(Ref {
            table: of.name.clone(),
            label: Template::text(parent.label),
            column: None,
        }));
        // A renamed row has the join rows of its old label.
        let of_parent = self.old_label(&of.name, parent.label);
        let of_item = to.row_of(&item).and_then(|(table, label)| {
            let old = self.old_label(table, label)?;
            Some(item.label.replacen(label, old, 1))
        });
        let was = (of_parent.is_some() || of_item.is_some()).then(|| {
            let label = of_item.as_ref().unwrap_or(&item.label);
            format!("{}/{label}", of_parent.unwrap_or(parent.label))
        });
        RowDecl {
            label: Some(Spanned::new(
                Label::One(format!("{}/{}", parent.label, item.label).into()),
                span.clone(),
            )),
            span: span.clone(),
            was: was.map(|was| Box::new(Spanned::new(Template::text(was), span.clone()))),
            fields: [field(from, refers), field(to, item.value)].into(),
            over: Box::default(),
        }
    }
}

/// The names under which rows give columns of a join table their values.
fn fields(join: &TableShape, ends: &[&End<'_>]) -> String {
    let names = ends.iter().map(|it| format!("`{}`", it.field(join)));
    names.collect::<Vec<_>>().join(", ")
}

pub(super) fn names_of<'n>(
    named: &'n Named<'_>,
    label: &'n str,
    vars: &'n std::collections::BTreeMap<String, String>,
) -> Names<'n> {
    Names {
        label: Some(label),
        number: named.number,
        each: named.each.as_deref(),
        vars,
    }
}
