//! Tables and columns that migrations renamed since a seed was applied: what its record names is found under the names of
//! today. Pure.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value as Json;

use super::expand::short_name;
use super::model::{Expr, Field, RefTarget, RowDecl, SeedFile, Spanned, Table};
use crate::history::{RENAMED, Row as Record};
use crate::schema::{Shape, TableShape};

/// What was renamed since a record was written. All names are in lower case.
#[derive(Debug, Clone, Default)]
pub(super) struct Renames(Vec<Step>);

/// What one migration renamed.
#[derive(Debug, Clone, Default)]
struct Step {
    /// Each table by its name before.
    tables: BTreeMap<String, String>,
    /// In order: the table by its name afterwards, and the names of the column before and after.
    columns: Vec<(String, String, String)>,
}

impl Renames {
    pub(super) fn since(record: &Record) -> Renames {
        let steps = record.detail.get(RENAMED).and_then(Json::as_array);
        Renames(steps.into_iter().flatten().map(Step::read).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The present name of a table.
    pub(super) fn table(&self, table: &str) -> String {
        let mut now = table.to_ascii_lowercase();
        for step in &self.0 {
            if let Some(to) = step.tables.get(&now) {
                now.clone_from(to);
            }
        }
        now
    }

    /// The present name of a column; none where it is the recorded one.
    pub(super) fn column(&self, table: &str, column: &str) -> Option<String> {
        let (mut table, mut now) = (table.to_ascii_lowercase(), column.to_ascii_lowercase());
        for step in &self.0 {
            if let Some(to) = step.tables.get(&table) {
                table.clone_from(to);
            }
            for (of, from, to) in &step.columns {
                if *of == table && *from == now {
                    now.clone_from(to);
                }
            }
        }
        (!now.eq_ignore_ascii_case(column)).then_some(now)
    }

    /// The names of a table's columns that were renamed, as recorded.
    pub(super) fn columns_of(&self, table: &str) -> Vec<String> {
        let mut table = table.to_ascii_lowercase();
        let mut all = Vec::new();
        for step in &self.0 {
            if let Some(to) = step.tables.get(&table) {
                table.clone_from(to);
            }
            let own = step.columns.iter().filter(|(of, _, _)| *of == table);
            all.extend(own.map(|(_, from, _)| from.clone()));
        }
        all
    }

    /// The present name for what a recorded row calls a column: its name, or the short name of a reference.
    fn field(&self, table: &str, name: &str) -> Option<String> {
        if let Some(now) = self.column(table, name) {
            return Some(now);
        }
        let short = |of: &str| {
            let stem = of.strip_suffix("_id").or_else(|| of.strip_suffix("id"))?;
            (!stem.is_empty()).then(|| stem.to_owned())
        };
        let is_it = |of: &String| short(of).is_some_and(|it| it.eq_ignore_ascii_case(name));
        let column = self.columns_of(table).into_iter().find(is_it)?;
        let now = self.column(table, &column)?;
        Some(short(&now).unwrap_or(now))
    }
}

impl Step {
    fn read(step: &Json) -> Step {
        let text = |value: &Json| value.as_str().map(str::to_ascii_lowercase);
        let tables = step.get("tables").and_then(Json::as_object);
        let tables = tables.into_iter().flatten();
        let columns = step.get("columns").and_then(Json::as_array);
        let columns = columns.into_iter().flatten();
        Step {
            tables: tables
                .filter_map(|(from, to)| Some((from.to_ascii_lowercase(), text(to)?)))
                .collect(),
            columns: columns
                .filter_map(|it| Some((text(it.get(0)?)?, text(it.get(1)?)?, text(it.get(2)?)?)))
                .collect(),
        }
    }
}

/// Gives the columns of a recorded text, by the recorded names of its tables, the names that they have now.
pub(super) fn follow_columns(text: &mut SeedFile, renames: &Renames) {
    if renames.is_empty() {
        return;
    }
    // A default for all tables may be one of a table that keeps its column, and of one that does not.
    let tables: Vec<String> = text.tables.iter().map(|it| it.name.value.clone()).collect();
    let mut more: Vec<Field> = Vec::new();
    for field in &text.settings.defaults {
        for table in &tables {
            if let Some(now) = renames.field(table, &field.name.value)
                && !more.iter().any(|it| *it.name.value == *now)
            {
                let name = Spanned::new(Arc::new(now), field.name.span());
                let value = field.value.clone();
                more.push(Field { name, value });
            }
        }
    }
    text.settings.defaults.extend(more);
    let defaults = text.settings.defaults.iter_mut();
    defaults.for_each(|it| it.value.value.rename_columns("", renames));
    for table in &mut text.tables {
        follow(table, renames);
    }
}

fn follow(table: &mut Table, renames: &Renames) {
    let of = table.name.value.clone();
    let rename = |name: &mut String, of: &str| {
        if let Some(now) = renames.field(of, name) {
            *name = now;
        }
    };
    let rows = table.rows.iter_mut();
    let fields = rows.flat_map(|row| row.fields.iter_mut().chain(&mut row.over));
    for field in fields.chain(&mut table.defaults) {
        if let Some(now) = renames.field(&of, &field.name.value) {
            field.name.value = Arc::new(now);
        }
        field.value.value.rename_columns(&of, renames);
    }
    if let Some(id) = &mut table.id {
        id.value.rename_columns(&of, renames);
    }
    let key = table.key.iter_mut().flat_map(|key| &mut key.value);
    for name in key.chain(&mut table.keep) {
        rename(&mut name.value, &of);
    }
    for soft in &mut table.refs {
        rename(&mut soft.name.value, &of);
        match &mut soft.to {
            RefTarget::Table { table, column } => {
                if let Some(column) = column {
                    rename(&mut column.value, &table.value);
                }
            }
            RefTarget::Types { column, .. } => rename(&mut column.value, &of),
        }
    }
    for through in &mut table.through {
        for name in through.from.iter_mut().chain(&mut through.to) {
            rename(&mut name.value, &through.table.value);
        }
    }
}

impl Expr {
    /// `own` is the table of the cell.
    fn rename_columns(&mut self, own: &str, renames: &Renames) {
        let rename = |table: &str, column: &mut Option<Box<str>>| {
            if let Some(column) = column
                && let Some(now) = renames.column(table, column)
            {
                *column = now.into_boxed_str();
            }
        };
        match self {
            Expr::Ref(it) => rename(&it.table, &mut it.column),
            Expr::Among(it) => rename(&it.table, &mut it.column),
            Expr::Slug(column) => {
                if let Some(now) = renames.column(own, column) {
                    *column = now.into_boxed_str();
                }
            }
            _ => {}
        }
        for inner in self.inner_mut() {
            inner.value.rename_columns(own, renames);
        }
    }
}

/// Gives tables of a recorded text that the schema has no longer the names that migrations gave them.
pub(super) fn follow_tables(
    text: &mut SeedFile,
    renames: &Renames,
    shape: &Shape,
    renamed: &mut BTreeMap<String, String>,
) {
    for table in &mut text.tables {
        if let Some(now) = renames.table_in(shape, &table.name.value) {
            renamed.insert(table.name.value.to_ascii_lowercase(), now.clone());
            table.name.value = now;
        }
    }
}

impl Renames {
    /// The table that has another name by now; none where a table has the recorded name.
    pub(super) fn table_in(&self, shape: &Shape, recorded: &str) -> Option<String> {
        if self.is_empty() || shape.table(recorded).is_some() {
            return None;
        }
        Some(shape.table(&self.table(recorded))?.name.clone())
    }
}

/// The columns of a table that were renamed where no migration says so: a table that is rebuilt gets its rows from a
/// statement like any other. In lower case.
pub(super) type Guessed = HashSet<(String, String)>;

/// Gives a column of a recorded text that the schema has no longer the name of the one that the file has in its place: where
/// each row that has both gives them the same value.
pub(super) fn guess_columns(text: &mut SeedFile, file: &SeedFile, shape: &Shape) -> Guessed {
    let mut guessed = Guessed::new();
    for table in &mut text.tables {
        let name = table.name.value.clone();
        let is_it = |it: &&Table| it.name.value.eq_ignore_ascii_case(&name);
        let (Some(of), Some(now)) = (shape.table(&name), file.tables.iter().find(is_it)) else {
            continue;
        };
        let lost = lost_columns(table, of);
        if lost.is_empty() {
            continue;
        }
        let known = field_names(table);
        let new: Vec<String> = field_names(now)
            .into_iter()
            .filter(|it| of.column(it).is_some() && !known.contains(it))
            .collect();
        let renamed: Vec<(String, String)> = {
            let pairs = pairs(table, now);
            let meant = |old: String| {
                let mut meant = new.iter().filter(|it| has_same_values(&pairs, &old, it));
                let column = meant.next()?.clone();
                meant.next().is_none().then_some((old, column))
            };
            lost.into_iter().filter_map(meant).collect()
        };
        for (old, column) in &renamed {
            if renamed.iter().filter(|(_, it)| it == column).count() > 1 {
                continue;
            }
            let rows = table.rows.iter_mut();
            let fields = rows.flat_map(|row| row.fields.iter_mut().chain(&mut row.over));
            for field in fields.chain(&mut table.defaults) {
                if field.name.value.eq_ignore_ascii_case(old) {
                    field.name.value = Arc::new(column.clone());
                }
            }
            guessed.insert((of.name.to_ascii_lowercase(), column.clone()));
        }
    }
    guessed
}

/// The names under which rows of a table have values, in lower case.
fn field_names(table: &Table) -> BTreeSet<String> {
    let fields = table.rows.iter().flat_map(|row| &row.fields);
    let names = fields.chain(&table.defaults).map(|field| &field.name.value);
    names.map(|name| name.to_ascii_lowercase()).collect()
}

/// Those of them that are no column, and no other name that a row may use.
fn lost_columns(table: &Table, of: &TableShape) -> Vec<String> {
    let short = of.foreign_keys.iter().filter_map(|key| short_name(of, key));
    let refs = table.refs.iter().map(|it| it.name.value.clone());
    let lists = table.through.iter().map(|it| it.name.value.clone());
    let others: HashSet<String> = short
        .chain(refs)
        .chain(lists)
        .map(|it| it.to_ascii_lowercase())
        .collect();
    let mut names = field_names(table);
    names.retain(|name| of.column(name).is_none() && !others.contains(name));
    names.into_iter().collect()
}

/// What each row of a table has in both texts, and what all rows have.
fn pairs<'t>(table: &'t Table, now: &'t Table) -> Vec<(&'t [Field], &'t [Field])> {
    let label = |row: &RowDecl| Some(format!("{:?}", row.label.as_ref()?.value));
    let rows = now.rows.iter();
    let rows: HashMap<String, &RowDecl> = rows.filter_map(|row| Some((label(row)?, row))).collect();
    let pair = |row: &'t RowDecl| {
        let now = rows.get(&label(row)?)?;
        Some((&*row.fields, &*now.fields))
    };
    let all = (table.defaults.as_slice(), now.defaults.as_slice());
    std::iter::once(all)
        .chain(table.rows.iter().filter_map(pair))
        .collect()
}

/// Whether some row had a plain value in the old column that it has in the new one, and no row has another one.
fn has_same_values(pairs: &[(&[Field], &[Field])], old: &str, new: &str) -> bool {
    let is_plain = |value: &Expr| matches!(value, Expr::Null | Expr::Scalar { .. } | Expr::Json(_));
    let both = pairs
        .iter()
        .filter_map(|(before, now)| value_in(before, old).zip(value_in(now, new)));
    let mut is_any = false;
    for (old, new) in both {
        if old != new || !is_plain(old) {
            return false;
        }
        is_any = true;
    }
    is_any
}

fn value_in<'f>(fields: &'f [Field], name: &str) -> Option<&'f Expr> {
    let mut fields = fields.iter();
    let field = fields.find(|it| it.name.value.eq_ignore_ascii_case(name))?;
    Some(&field.value.value)
}
