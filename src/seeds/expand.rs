//! Files and a schema become rows: columns are found, labels become references, ids are made, and every value takes the
//! type of its column. All problems are told, each where it stands. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use uuid::Uuid;

use super::cell::{Names, evaluate};
use super::inputs::{Clock, Variables};
use super::labels::{Labels, Named, names};
use super::model::{Expr, Label, SeedFile, Spanned, Table};
use super::problem::Problem;
use super::row::{Cell, Content, Nature, Row, Rows, Rules};
use super::typed::Unfit;
use crate::nearest::nearest;
use crate::schema::{Affinity, ColumnKind, ForeignKey, Nullability, Shape, TableKind, TableShape};
use crate::script::Origin;
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
    // A table is looked at even where it has no rows.
    for (file, seed) in files.iter().enumerate() {
        for table in &seed.tables {
            let key = (file, std::ptr::from_ref(table));
            let rules = expansion.rules(file, table, &mut known);
            by_table.insert(key, rules);
            expansion.pattern_tables(file, table);
        }
    }
    expansion.shared_tables();
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
        let Some(rules) = by_table.get(&key).copied().flatten() else {
            continue;
        };
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
    /// Where the expression stands.
    file: usize,
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
    /// Where it stands: a chosen file, or the shared one behind them all.
    file: usize,
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
        let Some(origin) = self.origin(file, span) else {
            return;
        };
        let mut problem = Problem::error(code, origin, message);
        problem.help = help;
        self.tell(file, problem);
    }

    fn unfit(&mut self, file: usize, span: &Range<usize>, unfit: Unfit) {
        let help = unfit.help.map(str::to_owned);
        self.error(file, span, unfit.code, unfit.message, help);
    }

    /// A place in a chosen file, or in the shared one, which counts as the one behind them all.
    fn origin(&self, file: usize, span: &Range<usize>) -> Option<Origin> {
        let file = self.files.get(file).copied().or(self.given.shared)?;
        Some(file.origin(span))
    }

    /// The number of the shared file.
    fn shared_file(&self) -> usize {
        self.files.len()
    }

    /// `now_{usrs.load_*}`: the table of a pattern is one.
    fn pattern_tables(&mut self, file: usize, table: &'a Table) {
        for row in &table.rows {
            let Some(label) = &row.label else { continue };
            let Label::Each { table: of, .. } = &label.value else {
                continue;
            };
            if self.shape.table(of).is_some() {
                continue;
            }
            let source = self.files[file].source.clone();
            // That no label matches follows from it.
            self.problems.retain(|problem| {
                let place = problem.origin.as_ref();
                problem.code != "no-match"
                    || place.is_none_or(|it| it.span != label.span || it.source != source)
            });
            let written = source.text.get(label.span.clone()).unwrap_or_default();
            let span = match written.find(&format!("{{{of}.")) {
                Some(at) => label.span.start + at + 1..label.span.start + at + 1 + of.len(),
                None => label.span.clone(),
            };
            self.unknown_table(file, &span, of);
        }
    }

    fn unknown_table(&mut self, file: usize, span: &Range<usize>, name: &str) {
        let tables: Vec<&str> = self
            .shape
            .tables
            .iter()
            .map(|it| it.name.as_str())
            .collect();
        let help = nearest(name, &tables).map(|it| format!("did you mean `{it}`?"));
        let message = format!("there is no table `{name}`");
        self.error(file, span, "unknown-table", message, help);
    }

    /// What `_tables.yaml` names must be there, whether a chosen file has rows of it or not.
    fn shared_tables(&mut self) {
        let Some(shared) = self.given.shared else {
            return;
        };
        let (shape, file) = (self.shape, self.shared_file());
        for table in &shared.tables {
            let Some(of) = shape.table(&table.name.value) else {
                self.unknown_table(file, &table.name.span, &table.name.value);
                continue;
            };
            if let Some(key) = &table.key {
                self.key(file, of, key);
            }
            for name in &table.keep {
                self.column(file, of, &name.value, &name.span, &[]);
            }
            for field in &table.defaults {
                self.field(file, of, field);
            }
        }
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
            self.unknown_table(file, &table.name.span, name);
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
        let shared = self.shared(name).and_then(|it| it.key.as_ref());
        match (&table.key, shared) {
            (Some(names), _) => key = self.key(file, of, names),
            // What is wrong there is told once, where it stands.
            (None, Some(names)) => {
                let columns = names.value.iter();
                key.extend(columns.filter_map(|name| of.column(&name.value)));
            }
            (None, None) if of.primary_key.is_empty() && !table.rows.is_empty() => {
                let message = format!(
                    "table `{name}` has no primary key, by which its rows could be found again"
                );
                let help = "name the columns of a unique index: `_key: [name]`".to_owned();
                self.error(file, &table.name.span, "no-key", message, Some(help));
            }
            (None, None) => key.clone_from(&of.primary_key),
        }
        for field in &table.defaults {
            self.field(file, of, field);
        }
        let mut keep = Vec::new();
        let shared = self.shared(name).into_iter().flat_map(|it| &it.keep);
        keep.extend(shared.filter_map(|name| of.column(&name.value)));
        for name in &table.keep {
            keep.extend(self.column(file, of, &name.value, &name.span, &[]));
        }
        self.rows.rules.push(Arc::new(Rules {
            file,
            table: found,
            name: of.name.as_str().into(),
            key,
            keep,
            mode: self.files[file].settings.mode,
        }));
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
        let files = [self.shared_file(), row.file, row.file];
        let mut fields: Vec<Found<'a>> = Vec::new();
        let sources = [
            shared.map(|it| it.defaults.as_slice()).unwrap_or_default(),
            row.table.defaults.as_slice(),
            row.decl.fields.as_slice(),
        ];
        for (level, (source, file)) in sources.into_iter().zip(files).enumerate() {
            let mut here: Vec<Found<'a>> = Vec::new();
            for field in source {
                let found = self.field(file, of, field);
                let Some(found) = found else { continue };
                if here.iter().any(|it| it.column == found.column) {
                    let column = &of.columns[found.column].name;
                    let message = format!("column `{column}` has two values in one row");
                    self.error(file, &field.name.span, "column-twice", message, None);
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
            file,
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
                // Once for each column, all at one place.
                if let Some(origin) = self.origin(row.file, &row.span()) {
                    let problem = Problem::error("missing-value", origin, message);
                    self.problems.push(problem);
                }
            }
        }
    }

    /// Writes out one row.
    fn row(&mut self, named: &Named<'a>, compiled: &Compiled<'a>) {
        let rules = self.rows.rules[compiled.rules].clone();
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
        let of_shared = self.given.shared.unwrap_or(file);
        let shared_names = Names {
            vars: &of_shared.settings.vars,
            ..names
        };
        for found in &compiled.fields {
            let (names, span) = match found.file == named.file {
                true => (&names, found.value.span.clone()),
                // The row is in another file than its default.
                false => (&shared_names, named.span()),
            };
            if is_drawn(&found.value.value) && found.is_unique {
                self.generated.push(Generated {
                    file: found.file,
                    row: place,
                    column: found.column,
                    expr: found.value,
                });
                continue;
            }
            if let Some((content, nature)) = self.cell(named.file, of, found, names) {
                let column = &of.columns[found.column];
                if content == Content::Known(Value::Null)
                    && column.nullability == Nullability::NotNull
                {
                    let message = format!("column `{}` takes no NULL", column.name);
                    self.error(found.file, &found.value.span, "null", message, None);
                }
                cells.push(Cell {
                    column: found.column,
                    content,
                    nature,
                    span,
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
        self.findable(named, compiled, &rules, &cells);
        self.rows.rows.push(Row {
            rules: compiled.rules,
            label,
            span: named.span(),
            cells,
        });
    }

    /// A row must be found again by its key, so the key has a value, and always the same.
    fn findable(
        &mut self,
        named: &Named<'a>,
        compiled: &Compiled<'a>,
        rules: &Rules,
        cells: &[Cell],
    ) {
        let of = &self.shape.tables[rules.table];
        for column in &rules.key {
            let name = &of.columns[*column].name;
            let said = compiled.fields.iter().find(|it| it.column == *column);
            let cell = cells.iter().find(|cell| cell.column == *column);
            let null = Content::Known(Value::Null);
            let (span, message) = match (said, cell) {
                (_, Some(cell)) if cell.content == null => (
                    cell.span.clone(),
                    format!("`{name}` is in the key, by which the row is found again, and is NULL"),
                ),
                (_, Some(cell)) if cell.nature == Nature::Volatile => (
                    cell.span.clone(),
                    format!(
                        "`{name}` is in the key, by which the row is found again, and changes with time"
                    ),
                ),
                (None, None) => (
                    named.span(),
                    format!("the row has no value for `{name}`, and is found again by it"),
                ),
                // It is drawn later, or has had its problem.
                _ => continue,
            };
            let help = Some("say in `_key` by which columns its rows are found again".to_owned());
            let missing = of.columns[*column].nullability == Nullability::NotNull
                || of.primary_key.contains(column);
            let has_default = of.columns[*column].default.is_some();
            // Then it has had its problem.
            if cell.is_some() || !missing || has_default {
                self.error(named.file, &span, "no-key", message, help);
            }
        }
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
            let of_table = named.table.id.is_some();
            let found = Found {
                file: match of_table {
                    true => named.file,
                    false => self.shared_file(),
                },
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
                self.error(found.file, span, "not-a-label", message, None);
                return None;
            }
            _ => None,
        };
        if let Some((table, label, target)) = reference {
            let written = matches!(found.value.value, Expr::Ref { .. });
            return self
                .reference(found.file, span, &table, &label, target.as_deref(), written)
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
                self.unfit(found.file, span, unfit);
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
    fn part(&self, file: usize, span: &Range<usize>, part: usize) -> Range<usize> {
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
            let (label, span) = (row.label.clone(), row.span.clone());
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
                        span: match it.file == file {
                            true => it.expr.span.clone(),
                            false => span.clone(),
                        },
                    };
                    cells.insert(at, cell);
                }
                Err(unfit) => self.unfit(it.file, &it.expr.span, unfit),
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
