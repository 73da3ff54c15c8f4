//! Files and a schema become rows: columns are found, labels become references, ids are made, and every value takes the
//! type of its column. All problems are told, each where it stands. Pure.

pub(super) mod among;
mod cells;
mod ids;
mod names;
mod soft;
mod through;

use among::{Asked, natural};
use cells::Place;
pub(super) use ids::made_id;
use ids::{uuid, uuid_of};
pub(super) use names::short_name;
use soft::Soft;
use through::{Join, takes_turns};

use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, PoisonError};

use super::cell::Names;
use super::draw::{ATTEMPTS, is_drawn, not_enough};
use super::inputs::{Clock, Variables};
use super::labels::{Labels, Named, names};
use super::model::{Expr, Label, SeedFile, Spanned, Table};
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
    /// The files of which it is not known what they chose from the labels of a table.
    pub(super) unsure: &'a [bool],
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
    let (mut named, labels) = names(files, &mut problems);
    // Rows that lists of labels come to, which are declared nowhere else.
    let joined: OnceCell<Vec<(usize, Table)>> = OnceCell::new();
    let mut expansion = Expansion {
        files,
        shape,
        given,
        labels: Arc::new(labels),
        place: Arc::default(),
        refs: HashMap::new(),
        joins: HashMap::new(),
        join_keys: HashMap::new(),
        asked: Arc::default(),
        file_of: Arc::default(),
        turns: Arc::default(),
        first: 0,
        rows: Rows::default(),
        told: HashSet::new(),
        problems,
        generated: Vec::new(),
    };
    for (file, seed) in files.iter().enumerate() {
        seed.tables
            .iter()
            .for_each(|it| expansion.find_refs(file, &it.name.value, Some(it)));
    }
    if let Some(shared) = given.shared {
        let file = expansion.shared_file();
        shared
            .tables
            .iter()
            .for_each(|it| expansion.find_refs(file, &it.name.value, Some(it)));
        shared
            .tables
            .iter()
            .for_each(|it| expansion.find_joins(file, it));
    }
    for (file, seed) in files.iter().enumerate() {
        seed.tables
            .iter()
            .for_each(|it| expansion.find_joins(file, it));
    }
    // Where each declared row will stand, so that references can be resolved in any order.
    let mut placing = Placing::default();
    // A table is looked at even where it has no rows.
    for (file, seed) in files.iter().enumerate() {
        for table in &seed.tables {
            let key = (file, std::ptr::from_ref(table));
            let rules = expansion.rules(file, table);
            placing.by_table.insert(key, rules);
            expansion.pattern_tables(file, table);
        }
    }
    expansion.shared_tables();
    expansion.defaults_for_all();
    expansion.place_rows(&named, &mut placing);
    expansion.file_of = Arc::new(named.iter().map(|row| row.file).collect());
    let tables = expansion.join_rows(&named);
    for (file, table) in joined.get_or_init(|| tables) {
        let key = (*file, std::ptr::from_ref(table));
        let rules = expansion.rules(*file, table);
        placing.by_table.insert(key, rules);
        expansion.name_joined(*file, table, &mut named);
    }
    expansion.place_rows(&named, &mut placing);
    let Placing {
        place,
        compiled,
        work,
        ..
    } = placing;
    expansion.place = Arc::new(place);
    expansion.file_of = Arc::new(named.iter().map(|row| row.file).collect());
    expansion.asked_again();
    expansion.take_turns(&named, &work, &compiled);
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
            part.row(&named[*at], *at, &compiled[*decl]);
        }
        part
    });
    for part in parts {
        expansion.take(part);
    }
    expansion.generate();
    (expansion.rows, expansion.problems)
}

/// Rows with their places, and the declarations whose names have been found in the schema.
#[derive(Default)]
struct Placing<'a> {
    by_table: HashMap<(usize, *const Table), Option<usize>>,
    by_decl: HashMap<*const super::RowDecl, usize>,
    compiled: Vec<Compiled<'a>>,
    /// The place of each named row; none where its table is not understood.
    place: Vec<Option<usize>>,
    /// Each row that has a place, and its declaration.
    work: Vec<(usize, usize)>,
}

struct Expansion<'a> {
    files: &'a [&'a SeedFile],
    shape: &'a Shape,
    given: &'a Given<'a>,
    labels: Arc<Labels>,
    /// The place in `rows` of each named row; none where its table is not understood.
    place: Arc<Vec<Option<usize>>>,
    /// Declared references, by file and table.
    refs: HashMap<(usize, usize), Vec<Soft<'a>>>,
    /// Lists of labels, by file and table.
    joins: HashMap<(usize, usize), Vec<Join<'a>>>,
    /// The columns that two joined rows fill, by file and join table, where no two rows have the same.
    join_keys: HashMap<(usize, usize), Vec<usize>>,
    asked: Arc<Asked>,
    /// The file of each named row.
    file_of: Arc<Vec<usize>>,
    /// Whose turn it is in cells that take labels in turn, by row and column.
    turns: Arc<HashMap<(usize, usize), u64>>,
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
    /// The value is a label.
    label_of: Option<LabelOf<'a>>,
    /// No two rows may have the same in this column.
    is_unique: bool,
    /// How many rows have taken a label in turn before this one.
    turn: u64,
}

/// What a label in a cell is one of.
#[derive(Clone, Copy)]
enum LabelOf<'a> {
    /// The table of this foreign key of one column.
    Key(usize),
    /// A table of this declared reference. `typed` is the value of the column of its type.
    Soft {
        at: usize,
        typed: Option<&'a Spanned<Expr>>,
    },
    /// The cell holds the type of the reference in this other column.
    Type { at: usize, column: usize },
}

impl<'a> Expansion<'a> {
    /// One for a part of the rows, which knows what this one knows.
    fn for_part(&self, first: usize) -> Expansion<'a> {
        Expansion {
            labels: self.labels.clone(),
            place: self.place.clone(),
            refs: self.refs.clone(),
            joins: self.joins.clone(),
            join_keys: HashMap::new(),
            asked: self.asked.clone(),
            file_of: self.file_of.clone(),
            turns: self.turns.clone(),
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
    fn row(&mut self, named: &Named<'a>, at: usize, compiled: &Compiled<'a>) {
        let rules = self.rows.rules[compiled.rules].clone();
        let of = &self.shape.tables[rules.table];
        let file = self.files[named.file];
        let place = self.first + self.rows.rows.len();
        let mut cells: Vec<Cell> = Vec::with_capacity(compiled.fields.len() + 1);
        // In a list the key is what names a row, so it comes first.
        let mut label = self.labels.label_of(named, at);
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
            let turn = self.turns.get(&(place, found.column)).copied();
            let found = &Found {
                turn: turn.unwrap_or_default(),
                ..*found
            };
            let (names, span) = match found.file == named.file {
                true => (&names, found.value.span.clone()),
                // The row is in another file than its default.
                false => (&shared_names, named.span()),
            };
            let is_slug = matches!(found.value.value, Expr::Slug(_));
            if is_slug || is_drawn(&found.value.value) && found.is_unique {
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

    /// Finds a place for the rows that have none yet.
    fn place_rows(&mut self, named: &[Named<'a>], placing: &mut Placing<'a>) {
        let from = placing.place.len();
        placing.place.resize(named.len(), None);
        placing.work.reserve(named.len() - from);
        let first = placing.work.len();
        for (at, row) in named.iter().enumerate().skip(from) {
            // Rows of one pattern stand together.
            if let Some((last, compiled)) = placing.work.last().copied()
                && std::ptr::eq(named[last].decl, row.decl)
            {
                placing.place[at] = Some(placing.work.len());
                placing.work.push((at, compiled));
                continue;
            }
            let key = (row.file, std::ptr::from_ref(row.table));
            let Some(rules) = placing.by_table.get(&key).copied().flatten() else {
                continue;
            };
            let decl = std::ptr::from_ref(row.decl);
            let compiled = match placing.by_decl.get(&decl) {
                Some(compiled) => *compiled,
                None => {
                    placing.compiled.push(self.compile(row, rules));
                    let compiled = placing.compiled.len() - 1;
                    placing.by_decl.insert(decl, compiled);
                    compiled
                }
            };
            placing.place[at] = Some(placing.work.len());
            placing.work.push((at, compiled));
        }
        self.label_lists(named, &placing.work[first..], &placing.compiled);
    }

    /// Adds the rows of a join table to those that have names.
    fn name_joined(&mut self, file: usize, table: &'a Table, named: &mut Vec<Named<'a>>) {
        for decl in &table.rows {
            let Some(label) = &decl.label else { continue };
            let Label::One(text) = &label.value else {
                continue;
            };
            let text: Arc<str> = text.as_str().into();
            let Some(labels) = Arc::get_mut(&mut self.labels) else {
                continue;
            };
            let name = &table.name.value;
            if let Some(other) = labels.add_new(name, text.clone(), named.len()) {
                let other = &named[other];
                let message = format!("`{name}` has label `{text}` twice");
                let there = self.origin(other.file, &other.span());
                if let Some((here, there)) = self.origin(file, &label.span).zip(there) {
                    let problem = Diagnostic::problem("label-twice", message).at(here);
                    let help = "remove one of the two: the row of a join table is named by the two rows that it joins";
                    self.tell(problem.related("it is here first", there).help(help));
                }
                continue;
            }
            named.push(Named {
                file,
                table,
                decl,
                label: Some(text),
                number: None,
                each: None,
            });
        }
    }

    /// Labels that are chosen from now on are among all that there are.
    fn asked_again(&mut self) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.clear();
    }

    /// Finds out whose turn it is, where labels of a table are taken in turn: the rows of one declaration, or of a file
    /// with one default, by their labels.
    fn take_turns(
        &mut self,
        named: &[Named<'a>],
        work: &[(usize, usize)],
        compiled: &[Compiled<'a>],
    ) {
        let takes: Vec<Vec<&Found<'a>>> = compiled
            .iter()
            .map(|it| {
                it.fields
                    .iter()
                    .filter(|it| takes_turns(&it.value.value))
                    .collect()
            })
            .collect();
        if takes.iter().all(Vec::is_empty) {
            return;
        }
        type Turn = (Arc<str>, usize, usize);
        let mut groups: HashMap<(usize, *const Spanned<Expr>), Vec<Turn>> = HashMap::new();
        for (place, (at, decl)) in work.iter().enumerate() {
            for found in &takes[*decl] {
                let row = &named[*at];
                let label = self.labels.label_of(row, *at).unwrap_or_default();
                let group = groups.entry((row.file, std::ptr::from_ref(found.value)));
                group.or_default().push((label, place, found.column));
            }
        }
        let mut turns = HashMap::new();
        for mut group in groups.into_values() {
            group.sort_by(|(one, ..), (other, ..)| natural(one, other));
            for (turn, (_, place, column)) in (0..).zip(group) {
                turns.insert((place, column), turn);
            }
        }
        self.turns = Arc::new(turns);
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
                let keyless = key.is_empty();
                labels.extend(label.map(|label| (&row.table.name.value, label, *at, keyless)));
            }
        }
        if let (false, Some(all)) = (labels.is_empty(), Arc::get_mut(&mut self.labels)) {
            for (table, mut label, at, keyless) in labels {
                let mut count = 1;
                let text = label.clone();
                // Without a key, rows may be the same.
                while keyless && all.find(table, &label).is_some() {
                    count += 1;
                    label = format!("{text} ({count})").into();
                }
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
                turn: 0,
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
        let all: Vec<usize> = compiled.fields.iter().map(|it| it.column).collect();
        let keyless = key.is_empty();
        for column in if keyless { &all } else { key } {
            let found = compiled.fields.iter().find(|it| it.column == *column)?;
            let part = match (&found.value.value, found.label_of) {
                (Expr::Scalar { text, .. }, _) => names.fill(text).ok()?.into_owned(),
                (Expr::Ref { table, label, .. }, _) => {
                    format!("{table}.{}", names.fill(label).ok()?)
                }
                (Expr::Env { name, .. }, _) => name.clone(),
                // Without a key, all plain values name the row.
                _ if keyless => continue,
                _ => return None,
            };
            parts.push(part);
        }
        (!parts.is_empty()).then(|| parts.join("/").into())
    }

    /// How often a value is drawn again: one of few rows is not drawn soon.
    fn attempts(&self, file: usize, value: &Spanned<Expr>) -> u32 {
        let rows = match &value.value {
            Expr::Among { table, .. } => self.labelled(file, table, "*").len(),
            _ => 0,
        };
        let attempts = u32::try_from(rows.saturating_mul(32)).unwrap_or(u32::MAX);
        attempts.max(ATTEMPTS)
    }

    /// Draws what must not stand twice, in an order that does not depend on that of the files.
    fn generate(&mut self) {
        let mut generated = std::mem::take(&mut self.generated);
        let rows = &self.rows;
        generated.sort_by(|a, b| {
            let key = |it: &Generated<'_>| {
                let row = &rows.rows[it.row];
                // A slug is of a value that is drawn before it.
                let is_slug = matches!(it.found.value.value, Expr::Slug(_));
                let table = rows.rules(row).table;
                (is_slug, table, it.found.column, row.label.clone())
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
            let mut attempts = 0..self.attempts(file, value);
            let drawn = loop {
                let Some(attempt) = attempts.next() else {
                    let unfit = not_enough(&of.columns[column]);
                    self.unfit(it.found.file, &value.span, unfit);
                    break None;
                };
                let mut dice = self.dice(&place, attempt);
                let drawn = match &value.value {
                    Expr::Slug(of) => self.slug(&place, it.row, of, attempt, &mut dice),
                    _ => self.value(&place, value, Some(&mut dice)),
                };
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
