//! Files and a schema become rows: columns are found, labels become references, ids are made, and every value takes the
//! type of its column. All problems are told, each where it stands. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use uuid::Uuid;

use super::cell::{Names, evaluate};
use super::inputs::{Clock, Variables};
use super::labels::{Labels, Named, names};
use super::model::{Expr, SeedFile, Spanned, Table};
use super::problem::Problem;
use super::row::{Cell, Content, Nature, Row, Rows, Rules};
use super::typed::Unfit;
use crate::nearest::nearest;
use crate::schema::{Affinity, ColumnKind, ForeignKey, Nullability, Shape, TableKind, TableShape};
use crate::sql::Value;

/// Names of rows become UUIDv5 ids under this one. It never changes, or rows would be made a second time.
const NAMESPACE: Uuid = Uuid::from_u128(0x5eed_bed0_0000_5000_8000_0000_0000_0001);

/// What expansion takes besides the files and the schema.
pub(super) struct Given<'a> {
    pub(super) variables: &'a Variables,
    pub(super) clock: &'a Clock,
    pub(super) attachments: &'a BTreeMap<String, Arc<[u8]>>,
    pub(super) shared: Option<&'a SeedFile>,
    /// Files that were not chosen, for words about labels that are in them.
    pub(super) others: &'a [&'a SeedFile],
}

/// The rows that these files amount to, as far as they can be understood.
pub(super) fn expand(
    files: &[&SeedFile],
    shape: &Shape,
    given: &Given<'_>,
) -> (Rows, Vec<Problem>) {
    let mut problems = Vec::new();
    let (named, labels) = names(files, &mut problems);
    let mut expansion = Expansion {
        files,
        shape,
        given,
        labels,
        place: vec![None; named.len()],
        rows: Rows::default(),
        told: HashSet::new(),
        problems,
        generated: Vec::new(),
    };
    // Where each declared row will stand, so that references can be resolved in any order.
    let mut known = HashMap::new();
    let mut compiled: Vec<Compiled<'_>> = Vec::new();
    let mut by_table: HashMap<(usize, *const Table), Option<usize>> = HashMap::new();
    let mut by_decl: HashMap<*const super::RowDecl, usize> = HashMap::new();
    let mut placed = 0;
    let mut work: Vec<(usize, usize)> = Vec::with_capacity(named.len());
    for (at, row) in named.iter().enumerate() {
        // Rows of one pattern stand together.
        if let Some((last, compiled)) = work.last().copied()
            && std::ptr::eq(named[last].decl, row.decl)
        {
            expansion.place[at] = Some(placed);
            placed += 1;
            work.push((at, compiled));
            continue;
        }
        let key = (row.file, std::ptr::from_ref(row.table));
        let rules = *by_table
            .entry(key)
            .or_insert_with(|| expansion.rules(row.file, row.table, &mut known));
        let Some(rules) = rules else { continue };
        let decl = std::ptr::from_ref(row.decl);
        let compiled = *by_decl.entry(decl).or_insert_with(|| {
            compiled.push(expansion.compile(row, rules));
            compiled.len() - 1
        });
        expansion.place[at] = Some(placed);
        placed += 1;
        work.push((at, compiled));
    }
    for (at, decl) in work {
        expansion.row(&named[at], &compiled[decl]);
    }
    expansion.generate();
    (expansion.rows, expansion.problems)
}

struct Expansion<'a> {
    files: &'a [&'a SeedFile],
    shape: &'a Shape,
    given: &'a Given<'a>,
    labels: Labels,
    /// The place in `rows` of each named row; none where its table is not understood.
    place: Vec<Option<usize>>,
    rows: Rows,
    /// File, place and code of what was told: a pattern for many rows is wrong once.
    told: HashSet<(usize, usize, &'static str)>,
    problems: Vec<Problem>,
    /// Cells that are drawn once all others are known.
    generated: Vec<Generated<'a>>,
}

struct Generated<'a> {
    row: usize,
    column: usize,
    expr: &'a Spanned<Expr>,
}

/// A declaration whose names have been found in the schema.
struct Compiled<'a> {
    rules: usize,
    fields: Vec<Found<'a>>,
    id: Option<&'a Spanned<Expr>>,
}

#[derive(Clone, Copy)]
struct Found<'a> {
    column: usize,
    value: &'a Spanned<Expr>,
    /// The short form: the value is a label of this foreign key's table.
    label_of: Option<(usize, usize)>,
    /// No two rows may have the same in this column.
    is_unique: bool,
}

impl<'a> Expansion<'a> {
    fn tell(&mut self, file: usize, problem: Problem) {
        let at = problem
            .origin
            .as_ref()
            .map_or(0, |origin| origin.span.start);
        if self.told.insert((file, at, problem.code)) {
            self.problems.push(problem);
        }
    }

    fn error(
        &mut self,
        file: usize,
        span: &Range<usize>,
        code: &'static str,
        message: impl Into<String>,
        help: Option<String>,
    ) {
        let origin = self.files[file].origin(span);
        let mut problem = Problem::error(code, origin, message);
        problem.help = help;
        self.tell(file, problem);
    }

    fn unfit(&mut self, file: usize, span: &Range<usize>, unfit: Unfit) {
        let help = unfit.help.map(str::to_owned);
        self.error(file, span, unfit.code, unfit.message, help);
    }

    /// What holds for a table of a file; none where there is no such table.
    fn rules(
        &mut self,
        file: usize,
        table: &'a Table,
        known: &mut HashMap<String, Option<usize>>,
    ) -> Option<usize> {
        let name = &table.name.value;
        let shape = self.shape;
        let found = *known.entry(name.to_ascii_lowercase()).or_insert_with(|| {
            let is_it = |it: &TableShape| it.name.eq_ignore_ascii_case(name);
            shape.tables.iter().position(is_it)
        });
        let Some(found) = found else {
            let tables: Vec<&str> = shape.tables.iter().map(|it| it.name.as_str()).collect();
            let help = nearest(name, &tables).map(|it| format!("did you mean `{it}`?"));
            let message = format!("there is no table `{name}`");
            self.error(file, &table.name.span, "unknown-table", message, help);
            return None;
        };
        let of = &shape.tables[found];
        if of.kind != TableKind::Ordinary {
            let what = match of.kind {
                TableKind::View => "a view",
                _ => "a virtual table",
            };
            let message = format!("`{name}` is {what}, and rows are seeded into tables");
            self.error(file, &table.name.span, "not-a-table", message, None);
            return None;
        }
        let mut key: Vec<usize> = Vec::new();
        let declared = table.key.as_ref().map(|key| (file, key));
        let shared = || self.shared(name).and_then(|it| it.key.as_ref());
        match declared {
            Some((file, names)) => key = self.key(file, of, names),
            None => match shared() {
                Some(names) => {
                    let names: Vec<&str> = names.value.iter().map(|it| it.value.as_str()).collect();
                    key.extend(names.iter().filter_map(|name| of.column(name)));
                }
                None => key.clone_from(&of.primary_key),
            },
        }
        let mut keep = Vec::new();
        let shared = self.shared(name).into_iter().flat_map(|it| &it.keep);
        keep.extend(shared.filter_map(|name| of.column(&name.value)));
        for name in &table.keep {
            keep.extend(self.column(file, of, &name.value, &name.span, &[]));
        }
        self.rows.rules.push(Rules {
            file,
            table: found,
            name: of.name.as_str().into(),
            key,
            keep,
            mode: self.files[file].settings.mode,
        });
        Some(self.rows.rules.len() - 1)
    }

    /// What `_tables.yaml` says of a table.
    fn shared(&self, name: &str) -> Option<&'a Table> {
        let tables = &self.given.shared?.tables;
        tables
            .iter()
            .find(|table| table.name.value.eq_ignore_ascii_case(name))
    }

    fn key(
        &mut self,
        file: usize,
        of: &TableShape,
        names: &Spanned<Vec<Spanned<String>>>,
    ) -> Vec<usize> {
        let mut key = Vec::new();
        for name in &names.value {
            key.extend(self.column(file, of, &name.value, &name.span, &[]));
        }
        if key.len() == names.value.len() && !of.is_unique(&key) {
            let message = format!(
                "`_key` of `{}` names columns that no primary key and no unique index has",
                of.name
            );
            let help =
                "two rows could have the same there, so none could be found again".to_owned();
            self.error(file, &names.span, "key-not-unique", message, Some(help));
        }
        key
    }

    /// A column by its name, or a problem with the nearest one.
    fn column(
        &mut self,
        file: usize,
        of: &TableShape,
        name: &str,
        span: &Range<usize>,
        others: &[String],
    ) -> Option<usize> {
        if let Some(column) = of.column(name) {
            return Some(column);
        }
        let mut known: Vec<&str> = of.columns.iter().map(|it| it.name.as_str()).collect();
        known.extend(others.iter().map(String::as_str));
        let help = nearest(name, &known).map(|it| format!("did you mean `{it}`?"));
        let message = format!("table `{}` has no column `{name}`", of.name);
        self.error(file, span, "unknown-column", message, help);
        None
    }

    /// Finds the names of a declaration in the schema, once for all of its rows.
    fn compile(&mut self, row: &Named<'a>, rules: usize) -> Compiled<'a> {
        let of = &self.shape.tables[self.rows.rules[rules].table];
        let shared = self.shared(&row.table.name.value);
        let shared_file = row.file;
        let mut fields: Vec<Found<'a>> = Vec::new();
        let sources = [
            shared.map(|it| it.defaults.as_slice()).unwrap_or_default(),
            row.table.defaults.as_slice(),
            row.decl.fields.as_slice(),
        ];
        for (level, source) in sources.into_iter().enumerate() {
            let mut here: Vec<Found<'a>> = Vec::new();
            for field in source {
                let found = self.field(shared_file, of, field);
                let Some(found) = found else { continue };
                if here.iter().any(|it| it.column == found.column) {
                    let column = &of.columns[found.column].name;
                    let message = format!("column `{column}` has two values in one row");
                    self.error(row.file, &field.name.span, "column-twice", message, None);
                }
                here.push(found);
            }
            if level > 0 || !here.is_empty() {
                fields.retain(|it| !here.iter().any(|new| new.column == it.column));
                fields.extend(here);
            }
        }
        fields.sort_by_key(|it| it.column);
        let id = row
            .table
            .id
            .as_ref()
            .or(shared.and_then(|it| it.id.as_ref()));
        let compiled = Compiled { rules, fields, id };
        self.required(row, &compiled, of);
        compiled
    }

    fn field(
        &mut self,
        file: usize,
        of: &TableShape,
        field: &'a super::Field,
    ) -> Option<Found<'a>> {
        let name = &field.name.value;
        let references: Vec<(String, usize)> = of
            .foreign_keys
            .iter()
            .enumerate()
            .filter_map(|(at, key)| Some((short_name(of, key)?, at)))
            .collect();
        let (column, label_of) = match of.column(name) {
            Some(column) => (column, None),
            None => {
                let short = |(short, _): &&(String, usize)| short.eq_ignore_ascii_case(name);
                match references.iter().find(short) {
                    Some((_, key)) => (of.foreign_keys[*key].columns[0], Some((*key, 0))),
                    None => {
                        let others: Vec<String> =
                            references.into_iter().map(|(short, _)| short).collect();
                        self.column(file, of, name, &field.name.span, &others);
                        return None;
                    }
                }
            }
        };
        if of.columns[column].origin != ColumnKind::Plain {
            let message =
                format!("column `{name}` is computed by the table, and cannot be written");
            self.error(file, &field.name.span, "computed-column", message, None);
            return None;
        }
        Some(Found {
            column,
            value: &field.value,
            label_of,
            is_unique: of.is_unique(&[column]),
        })
    }

    /// Columns that must have a value, and have none.
    fn required(&mut self, row: &Named<'a>, compiled: &Compiled<'a>, of: &TableShape) {
        for (at, column) in of.columns.iter().enumerate() {
            let in_key = of.primary_key.contains(&at);
            let needs = column.nullability == Nullability::NotNull || in_key;
            let given = compiled.fields.iter().any(|it| it.column == at);
            let made = of.primary_key == [at] && (compiled.id.is_some() || makes_id(of, at));
            let by_itself = column.default.is_some() || column.origin != ColumnKind::Plain;
            if needs && !given && !made && !by_itself {
                let name = &column.name;
                let message = match &row.label {
                    Some(label) => {
                        format!("`{label}` has no value for `{name}`, which takes no NULL")
                    }
                    None => format!("the row has no value for `{name}`, which takes no NULL"),
                };
                self.error(row.file, &row.span(), "missing-value", message, None);
            }
        }
    }

    /// Writes out one row.
    fn row(&mut self, named: &Named<'a>, compiled: &Compiled<'a>) {
        let rules = &self.rows.rules[compiled.rules];
        let of = &self.shape.tables[rules.table];
        let file = self.files[named.file];
        let place = self.rows.rows.len();
        let mut cells: Vec<Cell> = Vec::with_capacity(compiled.fields.len() + 1);
        // In a list the key is what names a row, so it comes first.
        let mut label = named.label.clone();
        if label.is_none() {
            label = self.key_as_label(named, compiled, &rules.key);
        }
        let Some(label) = label else {
            let message = "the row has no label, and no value for its key".to_owned();
            let help = "give it a label, or a plain value for each column of the key".to_owned();
            self.error(named.file, &named.span(), "no-key", message, Some(help));
            self.rows.rows.push(Row {
                rules: compiled.rules,
                label: "?".into(),
                span: named.span(),
                cells,
            });
            return;
        };
        let names = Names {
            label: &label,
            number: named.number,
            each: named.each.as_deref(),
            vars: &file.settings.vars,
        };
        for found in &compiled.fields {
            if is_drawn(&found.value.value) && found.is_unique {
                self.generated.push(Generated {
                    row: place,
                    column: found.column,
                    expr: found.value,
                });
                continue;
            }
            if let Some((content, nature)) = self.cell(named.file, of, found, &names) {
                let column = &of.columns[found.column];
                if content == Content::Known(Value::Null)
                    && column.nullability == Nullability::NotNull
                {
                    let message = format!("column `{}` takes no NULL", column.name);
                    self.error(named.file, &found.value.span, "null", message, None);
                }
                cells.push(Cell {
                    column: found.column,
                    content,
                    nature,
                    span: found.value.span.clone(),
                });
            }
        }
        if let [key] = of.primary_key[..]
            && !compiled.fields.iter().any(|it| it.column == key)
            && let Some(content) = self.id(named, compiled, of, key, &names)
        {
            let at = cells.partition_point(|cell| cell.column < key);
            let cell = Cell {
                column: key,
                content,
                nature: Nature::Fixed,
                span: named.span(),
            };
            cells.insert(at, cell);
        }
        self.rows.rows.push(Row {
            rules: compiled.rules,
            label,
            span: named.span(),
            cells,
        });
    }

    /// The primary key of a row that does not say it.
    fn id(
        &mut self,
        named: &Named<'a>,
        compiled: &Compiled<'a>,
        of: &TableShape,
        key: usize,
        names: &Names<'_>,
    ) -> Option<Content> {
        if let Some(id) = compiled.id {
            let found = Found {
                column: key,
                value: id,
                label_of: None,
                is_unique: true,
            };
            return self
                .cell(named.file, of, &found, names)
                .map(|(content, _)| content);
        }
        if !makes_id(of, key) {
            return None;
        }
        let id = Uuid::new_v5(
            &NAMESPACE,
            format!("{}:{}", of.name, names.label).as_bytes(),
        );
        Some(Content::Known(match of.columns[key].affinity {
            // 53 bits, so that a program with floating numbers only reads it exactly; never 0.
            Affinity::Integer => {
                let number =
                    u64::from_be_bytes(id.into_bytes()[..8].try_into().unwrap_or_default());
                Value::Integer(i64::try_from(number >> 11).unwrap_or(1).max(1))
            }
            _ => Value::Text(id.to_string()),
        }))
    }

    /// Plain values of the key, as what names a row in a list.
    fn key_as_label(
        &self,
        named: &Named<'a>,
        compiled: &Compiled<'a>,
        key: &[usize],
    ) -> Option<Arc<str>> {
        let file = self.files[named.file];
        let names = Names {
            label: "",
            number: None,
            each: None,
            vars: &file.settings.vars,
        };
        let mut parts = Vec::new();
        for column in key {
            let found = compiled.fields.iter().find(|it| it.column == *column)?;
            let part = match (&found.value.value, found.label_of) {
                (Expr::Scalar { text, .. }, _) => names.fill(text).into_owned(),
                (Expr::Ref { table, label, .. }, _) => format!("{table}.{}", names.fill(label)),
                (Expr::Env { name, .. }, _) => name.clone(),
                _ => return None,
            };
            parts.push(part);
        }
        (!parts.is_empty()).then(|| parts.join("/").into())
    }

    fn cell(
        &mut self,
        file: usize,
        of: &TableShape,
        found: &Found<'a>,
        names: &Names<'_>,
    ) -> Option<(Content, Nature)> {
        let span = &found.value.span;
        let column = &of.columns[found.column];
        let reference = match (&found.value.value, found.label_of) {
            (Expr::Scalar { text, .. }, Some((key, at))) => {
                let key = &of.foreign_keys[key];
                let target = key.parent_columns.get(at).cloned();
                Some((key.parent.clone(), names.fill(text), target))
            }
            (
                Expr::Ref {
                    table,
                    label,
                    column,
                },
                _,
            ) => {
                let by_key = of.foreign_keys.iter().find_map(|key| {
                    let at = key.columns.iter().position(|it| *it == found.column)?;
                    let is_it = key.parent.eq_ignore_ascii_case(table);
                    is_it.then(|| key.parent_columns.get(at).cloned()).flatten()
                });
                let target = column.clone().or(by_key);
                Some((table.clone(), names.fill(label), target))
            }
            (Expr::Null | Expr::Env { .. }, _) => None,
            (_, Some((key, _))) => {
                let parent = &of.foreign_keys[key].parent;
                let message = format!("a label of `{parent}` is expected here");
                self.error(file, span, "not-a-label", message, None);
                return None;
            }
            _ => None,
        };
        if let Some((table, label, target)) = reference {
            return self
                .reference(file, span, &table, &label, target.as_deref())
                .map(|content| (content, Nature::Fixed));
        }
        let done = match is_drawn(&found.value.value) {
            true => {
                let place = super::draw::Place {
                    file: self.files[file],
                    table: &of.name,
                    label: names.label,
                    column,
                    strictness: of.strictness,
                };
                super::draw::draw(found.value, &place, self.given, |_| true)
            }
            false => evaluate(
                found.value,
                column,
                of.strictness,
                names,
                self.files[file],
                self.given,
            ),
        };
        match done {
            Ok(done) => Some(done),
            Err(unfit) => {
                self.unfit(file, span, unfit);
                None
            }
        }
    }

    fn reference(
        &mut self,
        file: usize,
        span: &Range<usize>,
        table: &str,
        label: &str,
        column: Option<&str>,
    ) -> Option<Content> {
        let shape = self.shape;
        let Some(of) = shape.table(table) else {
            let tables: Vec<&str> = shape.tables.iter().map(|it| it.name.as_str()).collect();
            let help = nearest(table, &tables).map(|it| format!("did you mean `{it}`?"));
            let message = format!("there is no table `{table}`");
            self.error(file, span, "unknown-table", message, help);
            return None;
        };
        let column = match column {
            Some(name) => self.column(file, of, name, span, &[])?,
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
            self.error(file, span, "unknown-label", message, help);
            return None;
        };
        // A row of a table that is not understood has had its problem.
        let row = self.place[row]?;
        Some(Content::Reference { row, column })
    }

    /// Where a label is that no chosen file has.
    fn elsewhere(&self, table: &str, label: &str) -> Option<String> {
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

    /// Draws what must not stand twice, in an order that does not depend on that of the files.
    fn generate(&mut self) {
        let mut generated = std::mem::take(&mut self.generated);
        let rows = &self.rows;
        generated.sort_by(|a, b| {
            let key = |it: &Generated<'_>| {
                let row = &rows.rows[it.row];
                (rows.rules(row).table, it.column, row.label.clone())
            };
            key(a).cmp(&key(b))
        });
        // Columns in which no two rows may have the same, and what they have already.
        let mut taken: HashMap<(usize, usize), HashSet<String>> = HashMap::new();
        for it in &generated {
            let rules = self.rows.rules(&self.rows.rows[it.row]);
            let of = &self.shape.tables[rules.table];
            if of.is_unique(&[it.column]) {
                taken.entry((rules.table, it.column)).or_default();
            }
        }
        for row in &self.rows.rows {
            if taken.is_empty() {
                break;
            }
            let table = self.rows.rules(row).table;
            for cell in &row.cells {
                if let (Some(taken), Content::Known(value)) =
                    (taken.get_mut(&(table, cell.column)), &cell.content)
                {
                    taken.insert(super::identity::word(value));
                }
            }
        }
        for it in generated {
            let row = &self.rows.rows[it.row];
            let rules = self.rows.rules(row);
            let (table, file) = (rules.table, rules.file);
            let of = &self.shape.tables[table];
            let label = row.label.clone();
            let column = &of.columns[it.column];
            let mut taken = taken.get_mut(&(table, it.column));
            let drawn = super::draw::draw(
                it.expr,
                &super::draw::Place {
                    file: self.files[file],
                    table: &of.name,
                    label: &label,
                    column,
                    strictness: of.strictness,
                },
                self.given,
                |value| match &mut taken {
                    Some(taken) => taken.insert(super::identity::word(value)),
                    None => true,
                },
            );
            match drawn {
                Ok((content, nature)) => {
                    let cells = &mut self.rows.rows[it.row].cells;
                    let at = cells.partition_point(|cell| cell.column < it.column);
                    let cell = Cell {
                        column: it.column,
                        content,
                        nature,
                        span: it.expr.span.clone(),
                    };
                    cells.insert(at, cell);
                }
                Err(unfit) => self.unfit(file, &it.expr.span, unfit),
            }
        }
    }
}

/// Whether a value is drawn with dice.
fn is_drawn(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Fake(_) | Expr::Pick(_) | Expr::Int(..) | Expr::Ago { .. }
    )
}

/// Whether ids are made for rows that do not say theirs.
fn makes_id(of: &TableShape, key: usize) -> bool {
    of.integer_key() == Some(key)
        || matches!(of.columns[key].affinity, Affinity::Text | Affinity::Integer)
}

/// The short name of a foreign key of one column: `user` for `user_id`, which refers to `id`.
pub(super) fn short_name(of: &TableShape, key: &ForeignKey) -> Option<String> {
    let [column] = key.columns[..] else {
        return None;
    };
    let name = &of.columns[column].name;
    let ends = key
        .parent_columns
        .first()
        .into_iter()
        .flat_map(|parent| [format!("_{parent}"), parent.clone()])
        .chain(["_id".to_owned(), "Id".to_owned()]);
    for end in ends {
        if let Some(short) = name.strip_suffix(end.as_str())
            && !short.is_empty()
            && of.column(short).is_none()
        {
            return Some(short.to_owned());
        }
    }
    None
}
