//! Files and a schema become rows: columns are found, labels become references, ids are made, and every value takes the
//! type of its column. All problems are reported, each at its place. Pure.

pub(super) mod among;
mod cells;
mod drawn;
mod ids;
mod names;
mod old_labels;
mod places;
mod soft;
mod through;
mod turns;

use among::Asked;
use cells::Place;
pub(super) use cells::by_short_name;
use drawn::Generated;
pub(super) use ids::made_id;
pub(super) use names::short_name;
use old_labels::OldLabels;
use places::{Labelling, Placing};
use soft::Soft;
use through::Join;

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::{Arc, PoisonError};

use super::cell::Names;
use super::draw::is_drawn;
use super::given::Given;
use super::held::Held;
use super::instead::Instead;
use super::labels::{Labels, Named, names};
use super::model::{Expr, Format, RowDecl, SeedFile, Spanned, Table};
use super::parallel::in_parts;
use super::row::{Cell, Content, Nature, Row, Rows, Rules};
use super::typed::Unfit;
use crate::diagnostic::Diagnostic;
use crate::schema::{Nullability, Shape};
use crate::script::Origin;

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
        broken_refs: HashSet::new(),
        joins: HashMap::new(),
        join_keys: HashMap::new(),
        asked: Arc::default(),
        file_of: Arc::default(),
        old_labels: Arc::default(),
        turns: Arc::default(),
        first: 0,
        rows: Rows::default(),
        told: HashSet::new(),
        tells: 0,
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
    expansion.find_old_labels(&named);
    let tables = expansion.join_rows(&named);
    let joined_from = named.len();
    for (file, table) in joined.get_or_init(|| tables) {
        let key = (*file, std::ptr::from_ref(table));
        let rules = expansion.rules(*file, table);
        placing.by_table.insert(key, rules);
        expansion.name_joined(*file, table, &mut named);
    }
    expansion.match_joined(&mut named, joined_from);
    expansion.find_old_labels(&named);
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
    let count = work.len();
    let parts = in_parts(&work, |work, first| {
        let mut part = expansion.for_part(first);
        // The rows of the others go behind those of the first.
        let room = if first == 0 { count } else { work.len() };
        part.rows.rows.reserve_exact(room);
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

struct Expansion<'a> {
    files: &'a [&'a SeedFile],
    shape: &'a Shape,
    given: &'a Given<'a>,
    labels: Arc<Labels>,
    /// The place in `rows` of each named row; none where its table is not understood.
    place: Arc<Vec<Option<usize>>>,
    /// Declared references, by file and table.
    refs: HashMap<(usize, usize), Vec<Soft<'a>>>,
    /// Names of declared references in which something is wrong, by file and table, in lower case.
    broken_refs: HashSet<(usize, usize, String)>,
    /// Lists of labels, by file and table.
    joins: HashMap<(usize, usize), Vec<Join<'a>>>,
    /// The columns that two joined rows fill, by file and join table, where no two rows have the same.
    join_keys: HashMap<(usize, usize), Vec<usize>>,
    asked: Arc<Asked>,
    /// The file of each named row.
    file_of: Arc<Vec<usize>>,
    old_labels: Arc<OldLabels>,
    /// Whose turn it is in cells that take labels in turn, by row and column.
    turns: Arc<HashMap<(usize, usize), u64>>,
    /// The place of the first of its rows among all.
    first: usize,
    rows: Rows,
    /// File, place and code of what was told: a pattern for many rows is wrong once.
    told: HashSet<(String, usize, &'static str)>,
    /// How often anything was told, also for another row.
    tells: usize,
    problems: Vec<Diagnostic>,
    /// Cells that are drawn once all others are known.
    generated: Vec<Generated<'a>>,
}

/// A declaration whose names have been found in the schema.
struct Compiled<'a> {
    rules: usize,
    fields: Vec<Found<'a>>,
    id: Option<&'a Spanned<Expr>>,
    /// What it was made of.
    decl: &'a RowDecl,
    /// Whether it holds for other declarations with values in the same columns.
    is_shared: bool,
    /// Names that are none of a column, and columns whose value could not be read, which was reported.
    unknown: Vec<&'a str>,
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
    /// The place of the value among the fields of the row; none where it stands elsewhere.
    own: Option<usize>,
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
            broken_refs: HashSet::new(),
            joins: self.joins.clone(),
            join_keys: HashMap::new(),
            asked: self.asked.clone(),
            file_of: self.file_of.clone(),
            old_labels: self.old_labels.clone(),
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
        self.tells += 1;
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
        let format = self.files.get(file).and_then(|it| it.format_at(span));
        let help = unfit.help.map(|help| help.text(format));
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
        // The primary key, where the row does not say it. There may be a million rows, so none has room to spare.
        let own_key = match of.primary_key[..] {
            [key] if !compiled.fields.iter().any(|it| it.column == key) => Some(key),
            _ => None,
        };
        let count = compiled.fields.len() + usize::from(own_key.is_some());
        let mut cells: Vec<Cell> = Vec::with_capacity(count);
        // In a list the key is what names a row, so it comes first.
        let mut label = self.labels.label_of(named, at);
        if label.is_none() {
            label = self.key_as_label(named, compiled, &rules.key, Labelling::Now);
        }
        let Some(label) = label else {
            let message = "the row has no label, and no value for its key".to_owned();
            let help =
                Instead::from("give it a label, or a plain value for each column of the key");
            let help = help.in_files(
                "give it a label in a column `_label`, or a value for each column of the key",
                "give it a label under `_label`, or a plain value for each column of the key",
            );
            let unfit = Unfit {
                code: "no-key",
                message,
                help: Some(help),
            };
            // A name that is none of a column may be that of the key.
            if compiled.unknown.is_empty() {
                self.unfit(named.file, &named.span(), unfit);
            }
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
                Err(unfit) => self.unfit(named.file, &was.span(), unfit),
            }
        } else if !self.old_labels.is_empty() {
            let by_key = || match named.label {
                Some(_) => None,
                None => self.key_as_label(named, compiled, &rules.key, Labelling::Before),
            };
            let was = self.old_labels.get(&at).cloned().or_else(by_key);
            // A row that is declared under the old label is that row.
            let was = was.filter(|was| self.labels.find(&of.name, was).is_none());
            self.rows.was.extend(was.map(|was| (place, was)));
        }
        for found in compiled.fields_of(named.decl) {
            let turn = self.turns.get(&(place, found.column)).copied();
            let found = &Found {
                turn: turn.unwrap_or_default(),
                ..found
            };
            let (names, span) = match found.file == named.file {
                true => (&names, found.value.span()),
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
                    is_new: false,
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
                if content == Content::Known(Held::Null)
                    && column.nullability == Nullability::NotNull
                {
                    let message = format!("column `{}` takes no NULL", column.name);
                    let is_csv = matches!(
                        file.format_at(&found.value.span()),
                        Some(Format::Csv { .. })
                    );
                    let help = match column.default {
                        Some(_) if is_csv => {
                            "give it a value, or remove the column from the file: it has a default"
                        }
                        Some(_) => "give it a value, or leave it out: it has a default",
                        None => "give it a value",
                    };
                    let help = Some(help.to_owned());
                    self.error(found.file, &found.value.span(), "null", message, help);
                }
                cells.push(Cell::new(found.column, content, nature, &span));
            }
        }
        let names = match named.table.id {
            Some(_) => &names,
            None => &shared_names,
        };
        if let Some(key) = own_key
            && let Some(content) = self.id(named, compiled, of, key, names)
        {
            let at = cells.partition_point(|cell| cell.column() < key);
            let cell = Cell::new(key, content, Nature::Fixed, &named.span());
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

    /// Labels that are chosen from now on are among all that there are.
    fn asked_again(&mut self) {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.clear();
    }

    /// Looks at every value of a `!pick`, also where no row of the declaration chooses it.
    fn choices_of(&mut self, named: &Named<'a>, compiled: &Compiled<'a>) {
        let rules = self.rows.rules[compiled.rules].clone();
        let key_as_label = || self.key_as_label(named, compiled, &rules.key, Labelling::Now);
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
            let cell = cells.iter().find(|cell| cell.column() == *column);
            let null = Content::Known(Held::Null);
            let (span, message) = match (said, cell) {
                (_, Some(cell)) if cell.content == null => (
                    cell.span().clone(),
                    format!("`{name}` is in the key, by which the row is found again, and is NULL"),
                ),
                (_, Some(cell)) if cell.nature == Nature::Volatile => (
                    cell.span().clone(),
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
            let is_reported = missing && !has_default || compiled.unknown.contains(&name.as_str());
            if cell.is_some() || !is_reported {
                self.error(named.file, &span, "no-key", message, help);
            }
        }
    }
}
