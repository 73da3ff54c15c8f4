//! Files and a schema become rows: columns are found, labels become references, ids are made, and every value takes the
//! type of its column. All problems are told, each where it stands. Pure.

mod cells;
mod ids;
mod names;

use cells::Place;
pub(super) use ids::made_id;
use ids::{uuid, uuid_of};
pub(super) use names::short_name;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use super::cell::Names;
use super::draw::{ATTEMPTS, is_drawn, not_enough};
use super::inputs::{Clock, Variables};
use super::labels::{Labels, Named, names};
use super::model::{Expr, SeedFile, Spanned, Table};
use super::parallel::in_parts;
use super::row::{Cell, Content, Nature, Row, Rows, Rules};
use super::typed::Unfit;
use crate::diagnostic::Diagnostic;
use crate::schema::{Nullability, Shape, TableShape};
use crate::script::Origin;
use crate::sql::Value;

/// What expansion takes besides the files and the schema.
pub(super) struct Given<'a> {
    pub(super) variables: &'a Variables,
    pub(super) clock: &'a Clock,
    pub(super) attachments: &'a BTreeMap<String, Arc<[u8]>>,
    pub(super) shared: Option<&'a SeedFile>,
    /// Files that were not chosen, for words about labels that are in them.
    pub(super) others: &'a [&'a SeedFile],
    /// For each file the names by which it makes values in its tables, where those are not the tables' names.
    pub(super) made_as: &'a [MadeAs],
}

/// By table, in lower case, the name by which ids and generated values are made: the one that it had when its first rows
/// were made. A table that is renamed keeps its ids.
pub(super) type MadeAs = BTreeMap<String, String>;

/// The name by which ids and generated values are made in a table.
pub(super) fn name_for_ids<'t>(names: &'t MadeAs, of: &'t TableShape) -> &'t str {
    if names.is_empty() {
        return &of.name;
    }
    let name = names.get(&of.name.to_ascii_lowercase());
    name.unwrap_or(&of.name)
}

impl Given<'_> {
    /// The name by which a file makes values in a table.
    pub(super) fn made_as<'t>(&'t self, file: usize, of: &'t TableShape) -> &'t str {
        let names = self.made_as.get(file);
        names.map_or(&of.name, |names| name_for_ids(names, of))
    }
}

/// The rows that these files amount to, as far as they can be understood.
pub(super) fn expand(
    files: &[&SeedFile],
    shape: &Shape,
    given: &Given<'_>,
) -> (Rows, Vec<Diagnostic>) {
    let mut problems = Vec::new();
    let (named, labels) = names(files, &mut problems);
    let mut place = vec![None; named.len()];
    let mut expansion = Expansion {
        files,
        shape,
        given,
        labels: Arc::new(labels),
        place: Arc::default(),
        first: 0,
        rows: Rows::default(),
        told: HashSet::new(),
        problems,
        generated: Vec::new(),
    };
    // Where each declared row will stand, so that references can be resolved in any order.
    let mut compiled: Vec<Compiled<'_>> = Vec::new();
    let mut by_table: HashMap<(usize, *const Table), Option<usize>> = HashMap::new();
    let mut by_decl: HashMap<*const super::RowDecl, usize> = HashMap::new();
    // A table is looked at even where it has no rows.
    for (file, seed) in files.iter().enumerate() {
        for table in &seed.tables {
            let key = (file, std::ptr::from_ref(table));
            let rules = expansion.rules(file, table);
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
            place[at] = Some(placed);
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
        place[at] = Some(placed);
        placed += 1;
        work.push((at, compiled));
    }
    expansion.place = Arc::new(place);
    expansion.label_lists(&named, &work, &compiled);
    let mut seen = vec![false; compiled.len()];
    for (at, decl) in &work {
        if !std::mem::replace(&mut seen[*decl], true) {
            expansion.choices_of(&named[*at], &compiled[*decl]);
        }
    }
    let parts = in_parts(&work, |work, first| {
        let mut part = expansion.for_part(first);
        part.rows.rows.reserve_exact(work.len());
        for (at, decl) in work {
            part.row(&named[*at], &compiled[*decl]);
        }
        part
    });
    for part in parts {
        expansion.take(part);
    }
    expansion.generate();
    (expansion.rows, expansion.problems)
}

struct Expansion<'a> {
    files: &'a [&'a SeedFile],
    shape: &'a Shape,
    given: &'a Given<'a>,
    labels: Arc<Labels>,
    /// The place in `rows` of each named row; none where its table is not understood.
    place: Arc<Vec<Option<usize>>>,
    /// The place of the first of its rows among all.
    first: usize,
    rows: Rows,
    /// File, place and code of what was told: a pattern for many rows is wrong once.
    told: HashSet<(String, usize, &'static str)>,
    problems: Vec<Diagnostic>,
    /// Cells that are drawn once all others are known.
    generated: Vec<Generated<'a>>,
}

struct Generated<'a> {
    found: Found<'a>,
    row: usize,
    number: Option<u64>,
    each: Option<Arc<str>>,
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
    /// One for a part of the rows, which knows what this one knows.
    fn for_part(&self, first: usize) -> Expansion<'a> {
        Expansion {
            labels: self.labels.clone(),
            place: self.place.clone(),
            first,
            rows: Rows {
                rules: self.rows.rules.clone(),
                ..Rows::default()
            },
            told: self.told.clone(),
            problems: Vec::new(),
            generated: Vec::new(),
            ..*self
        }
    }

    /// Takes what came of the next part of the rows.
    fn take(&mut self, mut part: Expansion<'a>) {
        match self.rows.rows.is_empty() {
            true => self.rows.rows = part.rows.rows,
            false => self.rows.rows.append(&mut part.rows.rows),
        }
        self.generated.append(&mut part.generated);
        self.rows.was.extend(part.rows.was);
        for problem in part.problems {
            self.tell(problem);
        }
    }

    fn tell(&mut self, problem: Diagnostic) {
        let place = match problem.origin() {
            Some(origin) => (origin.source.name.clone(), origin.span.start, problem.code),
            None => (String::new(), 0, problem.code),
        };
        if self.told.insert(place) {
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
        self.tell(Diagnostic::problem(code, message).at(origin).helps(help));
    }

    fn unfit(&mut self, file: usize, span: &Range<usize>, unfit: Unfit) {
        let help = unfit.help.map(std::borrow::Cow::into_owned);
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

    /// Writes out one row.
    fn row(&mut self, named: &Named<'a>, compiled: &Compiled<'a>) {
        let rules = self.rows.rules[compiled.rules].clone();
        let of = &self.shape.tables[rules.table];
        let file = self.files[named.file];
        let place = self.first + self.rows.rows.len();
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
            label: Some(&label),
            number: named.number,
            each: named.each.as_deref(),
            vars: &file.settings.vars,
        };
        let of_shared = self.given.shared.unwrap_or(file);
        let shared_names = Names {
            vars: &of_shared.settings.vars,
            ..names
        };
        if let Some(was) = &named.decl.was {
            match names.fill(&was.value) {
                Ok(was) => {
                    self.rows.was.insert(place, was.as_ref().into());
                }
                Err(unfit) => self.unfit(named.file, &was.span, unfit),
            }
        }
        for found in &compiled.fields {
            let (names, span) = match found.file == named.file {
                true => (&names, found.value.span.clone()),
                // The row is in another file than its default.
                false => (&shared_names, named.span()),
            };
            if is_drawn(&found.value.value) && found.is_unique {
                self.generated.push(Generated {
                    found: *found,
                    row: place,
                    number: named.number,
                    each: named.each.clone(),
                });
                continue;
            }
            let place = Place {
                file: named.file,
                of,
                found,
                names,
            };
            if let Some((content, nature)) = self.cell(&place) {
                let column = &of.columns[found.column];
                if content == Content::Known(Value::Null)
                    && column.nullability == Nullability::NotNull
                {
                    let message = format!("column `{}` takes no NULL", column.name);
                    let help = match column.default {
                        Some(_) => "give it a value, or leave it out: it has a default",
                        None => "give it a value",
                    };
                    let help = Some(help.to_owned());
                    self.error(found.file, &found.value.span, "null", message, help);
                }
                cells.push(Cell {
                    column: found.column,
                    content,
                    nature,
                    span,
                });
            }
        }
        let names = match named.table.id {
            Some(_) => &names,
            None => &shared_names,
        };
        if let [key] = of.primary_key[..]
            && !compiled.fields.iter().any(|it| it.column == key)
            && let Some(content) = self.id(named, compiled, of, key, names)
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
                let label = self.key_as_label(row, compiled, key);
                labels.extend(label.map(|label| (&row.table.name.value, label, *at)));
            }
        }
        if let (false, Some(all)) = (labels.is_empty(), Arc::get_mut(&mut self.labels)) {
            for (table, label, at) in labels {
                all.add(table, label, at);
            }
        }
    }

    /// Looks at every value of a `!pick`, also where no row of the declaration chooses it.
    fn choices_of(&mut self, named: &Named<'a>, compiled: &Compiled<'a>) {
        let rules = self.rows.rules[compiled.rules].clone();
        let key_as_label = || self.key_as_label(named, compiled, &rules.key);
        let label = named.label.clone().or_else(key_as_label);
        for found in &compiled.fields {
            let settings_of = match (found.file == self.shared_file(), self.given.shared) {
                (true, Some(shared)) => shared,
                _ => self.files[named.file],
            };
            if let Expr::Pick(_) = &found.value.value {
                let names = Names {
                    label: label.as_deref(),
                    number: named.number,
                    each: named.each.as_deref(),
                    vars: &settings_of.settings.vars,
                };
                let place = Place {
                    file: named.file,
                    of: &self.shape.tables[rules.table],
                    found,
                    names: &names,
                };
                self.choices(&place, found.value);
            }
        }
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
        let made_as = self.given.made_as(named.file, of);
        let label = names.label.unwrap_or_default();
        if let Some(id) = compiled.id {
            match id.value {
                Expr::Auto => return None,
                Expr::Uuid => {
                    let id = uuid_of(&of.columns[key], uuid(made_as, label));
                    return id.map(Content::Known);
                }
                _ => {}
            }
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
            let place = Place {
                file: named.file,
                of,
                found: &found,
                names,
            };
            return self.cell(&place).map(|(content, _)| content);
        }
        made_id(of, key, made_as, label).map(Content::Known)
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
            label: None,
            number: None,
            each: None,
            vars: &file.settings.vars,
        };
        let mut parts = Vec::new();
        for column in key {
            let found = compiled.fields.iter().find(|it| it.column == *column)?;
            let part = match (&found.value.value, found.label_of) {
                (Expr::Scalar { text, .. }, _) => names.fill(text).ok()?.into_owned(),
                (Expr::Ref { table, label, .. }, _) => {
                    format!("{table}.{}", names.fill(label).ok()?)
                }
                (Expr::Env { name, .. }, _) => name.clone(),
                _ => return None,
            };
            parts.push(part);
        }
        (!parts.is_empty()).then(|| parts.join("/").into())
    }

    /// Draws what must not stand twice, in an order that does not depend on that of the files.
    fn generate(&mut self) {
        let mut generated = std::mem::take(&mut self.generated);
        let rows = &self.rows;
        generated.sort_by(|a, b| {
            let key = |it: &Generated<'_>| {
                let row = &rows.rows[it.row];
                (rows.rules(row).table, it.found.column, row.label.clone())
            };
            key(a).cmp(&key(b))
        });
        // Columns in which no two rows may have the same, and what they have already.
        let mut taken: HashMap<(usize, usize), HashSet<String>> = HashMap::new();
        for it in &generated {
            let rules = self.rows.rules(&self.rows.rows[it.row]);
            let of = &self.shape.tables[rules.table];
            if of.is_unique(&[it.found.column]) {
                taken.entry((rules.table, it.found.column)).or_default();
            }
        }
        for row in &self.rows.rows {
            if taken.is_empty() {
                break;
            }
            let table = self.rows.rules(row).table;
            let of = &self.shape.tables[table];
            for cell in &row.cells {
                if let (Some(taken), Content::Known(value)) =
                    (taken.get_mut(&(table, cell.column)), &cell.content)
                {
                    taken.insert(super::clashes::word_of(of, cell.column, value));
                }
            }
        }
        for it in generated {
            let row = &self.rows.rows[it.row];
            let rules = self.rows.rules(row);
            let (table, file) = (rules.table, rules.file);
            let (label, span) = (row.label.clone(), row.span.clone());
            let of = &self.shape.tables[table];
            let Found { column, value, .. } = it.found;
            let settings_of = match it.found.file == self.shared_file() {
                true => self.given.shared.unwrap_or(self.files[file]),
                false => self.files[file],
            };
            let names = Names {
                label: Some(&label),
                number: it.number,
                each: it.each.as_deref(),
                vars: &settings_of.settings.vars,
            };
            let place = Place {
                file,
                of,
                found: &it.found,
                names: &names,
            };
            let mut attempts = 0..ATTEMPTS;
            let drawn = loop {
                let Some(attempt) = attempts.next() else {
                    let unfit = not_enough(&of.columns[column]);
                    self.unfit(it.found.file, &value.span, unfit);
                    break None;
                };
                let mut dice = self.dice(&place, attempt);
                let drawn = self.value(&place, value, Some(&mut dice));
                let word = drawn.as_ref().and_then(|(content, _)| match content {
                    Content::Known(Value::Null) => None,
                    Content::Known(value) => Some(super::clashes::word_of(of, column, value)),
                    Content::Reference { row, column } => Some(format!("\0{row} {column}")),
                    _ => None,
                });
                let is_free = |word| {
                    let taken = taken.get_mut(&(table, column));
                    taken.is_none_or(|taken| taken.insert(word))
                };
                if word.is_none_or(is_free) {
                    break drawn;
                }
            };
            if let Some((content, nature)) = drawn {
                let cells = &mut self.rows.rows[it.row].cells;
                let at = cells.partition_point(|cell| cell.column < column);
                let cell = Cell {
                    column,
                    content,
                    nature,
                    span: match it.found.file == file {
                        true => value.span.clone(),
                        false => span,
                    },
                };
                cells.insert(at, cell);
            }
        }
    }
}
