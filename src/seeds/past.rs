//! The rows that the recorded texts declare, and which of them are declared still. What a seed made follows from its
//! recorded text, so this is most of its memory. Pure.

use std::cell::LazyCell;
use std::collections::HashMap;
use std::sync::OnceLock;

use super::effective::labels;
use super::expand::expand;
use super::found::{Found, IN_JSON, resolved};
use super::given::{Drawn, FirstNames, Given, Labels, MadeAs};
use super::identity::{words, words_of_parent};
use super::model::{Mode, SeedFile};
use super::recorded::{Recorded, Texts};
use super::row::{Content, Row, Rows};
use super::there::There;
use crate::schema::{Shape, TableShape};
use crate::sql::Value;

/// What is recorded of one declared row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Was {
    /// Its file never had it.
    Never,
    /// It is recorded as it is declared.
    Same,
    /// This recorded row.
    Row(usize),
}

/// What the database has of the declared rows, and these.
pub(super) type Now<'a> = (&'a Found, &'a Rows);

/// The rows of the recorded texts, and those of them that are declared still.
#[derive(Default)]
pub(super) struct Past {
    pub(super) texts: Texts,
    pub(super) rows: Rows,
    /// For each recorded row the chosen file that continues its record; none for rows of files that are as recorded, which
    /// are there for references only.
    of_file: Vec<Option<usize>>,
    /// For each recorded row: whether its cells are known.
    known: Vec<bool>,
    /// For each declared row.
    pub(super) of: Vec<Was>,
    /// Of the rows that are recorded as they are declared those whose keys follow other rows: the recorded row, with what
    /// is recorded of those.
    following: HashMap<usize, usize>,
    /// For each recorded row the declared one.
    heirs: Vec<Option<usize>>,
    /// The recorded rows by their tables and keys, for rows that have the key of another one by now.
    by_key: OnceLock<HashMap<(usize, String), usize>>,
}

impl Past {
    /// What is recorded of files whose rows are not known.
    pub(super) fn of(texts: Texts) -> Past {
        Past {
            texts,
            ..Past::default()
        }
    }

    /// The rows of the recorded texts.
    pub(super) fn new(texts: Texts, files: &[&SeedFile], shape: &Shape, given: &Given<'_>) -> Past {
        let mut past = Past::default();
        if !texts.files.is_empty() {
            past.expand(&texts, files, shape, given);
        }
        past.texts = texts;
        past
    }

    /// Which labels are recorded.
    pub(super) fn labels(&self) -> Labels<'_> {
        let rows = self.rows.rows.iter();
        let labels = rows.map(|row| (self.rows.rules(row).table, &*row.label));
        Labels {
            settled: &self.texts.settled,
            labels: labels.collect(),
        }
    }

    /// Compares the declared rows with those of the recorded texts.
    pub(super) fn compare(&mut self, declared: &Rows) {
        let past = self;
        past.of = vec![Was::Never; declared.rows.len()];
        let texts = &past.texts;
        let mut by_label: HashMap<(usize, &str), usize> = HashMap::new();
        for (old, row) in past.rows.rows.iter().enumerate() {
            let table = past.rows.rules(row).table;
            by_label.insert((table, &row.label), old);
        }
        let mut heirs = vec![None; past.rows.rows.len()];
        for (at, row) in declared.rows.iter().enumerate() {
            let rules = declared.rules(row);
            let mut labels = std::iter::once(&row.label).chain(declared.was.get(&at));
            let old = labels.find_map(|label| by_label.get(&(rules.table, &**label)).copied());
            if let Some(old) = old {
                heirs[old] = Some(at);
            }
            past.of[at] = match old {
                _ if texts.is_dropped(rules.file, &rules.name) => Was::Never,
                Some(old) if texts.settled[rules.file] => {
                    if declared.has_changing_key(at) {
                        past.following.insert(at, old);
                    }
                    Was::Same
                }
                _ if texts.settled[rules.file] => Was::Same,
                Some(old) if past.of_file[old].is_some() => Was::Row(old),
                _ => Was::Never,
            };
        }
        past.heirs = heirs;
    }

    fn expand(&mut self, texts: &Texts, files: &[&SeedFile], shape: &Shape, given: &Given<'_>) {
        let settled = texts.settled.iter().enumerate().filter(|(_, is)| **is);
        let settled: Vec<usize> = settled.map(|(at, _)| at).collect();
        let mut all: Vec<&SeedFile> = texts.files.iter().map(|it| &it.text).collect();
        all.extend(settled.iter().map(|at| files[*at]));
        let of = texts.files.iter().map(|it| it.of).chain(settled);
        let columns: Vec<FirstNames> = of.clone().map(|at| texts.columns[at].clone()).collect();
        let drawn: Vec<Drawn> = of.clone().map(|at| texts.drawn[at].clone()).collect();
        let made_as: Vec<MadeAs> = of.map(|at| texts.made_as[at].clone()).collect();
        let mut attachments = given.attachments.clone();
        attachments.retain(|path, bytes| {
            let sum = texts.sums.get(path);
            sum.is_none_or(|sum| *sum == crate::migrations::checksum_bytes(bytes))
        });
        // With other labels than at that time, the rows that were chosen are not known.
        let shared = texts.shared.as_ref();
        let is_unsure = |it: &Recorded| labels(&it.text, shared, &attachments, &all) != it.labels;
        let unsure: Vec<bool> = texts.files.iter().map(is_unsure).collect();
        let given = Given {
            attachments: &attachments,
            shared,
            made_as: &made_as,
            columns: &columns,
            unsure: &unsure,
            drawn: &drawn,
            recorded: None,
            ..*given
        };
        // What was wrong with a text is of no interest any more.
        let (mut rows, _) = expand(&all, shape, &given);
        super::link::link(&mut rows, shape);
        let recorded = |row: &Row| texts.files.get(rows.rules(row).file);
        self.of_file = rows
            .rows
            .iter()
            .map(|row| Some(recorded(row)?.of))
            .collect();
        self.known = rows
            .rows
            .iter()
            .map(|row| recorded(row).is_none_or(|it| it.known))
            .collect();
        self.rows = rows;
    }

    /// The recorded rows that no file declares any more, each with the chosen file that continues its record.
    pub(super) fn undeclared(&self) -> impl Iterator<Item = (usize, usize)> {
        let of_file = self.of_file.iter().enumerate();
        of_file
            .filter(|(old, _)| self.heirs[*old].is_none())
            .filter_map(|(old, file)| Some((old, (*file)?)))
            .filter(|(old, file)| {
                let name = &self.rows.rules(&self.rows.rows[*old]).name;
                !self.texts.is_dropped(*file, name)
            })
    }

    /// The recorded rows whose values decide the key of a recorded row.
    pub(super) fn parents(&self, shape: &Shape, old: usize) -> Vec<usize> {
        let rules = self.rows.rules(&self.rows.rows[old]);
        let key = &shape.tables[rules.table].primary_key;
        let mut open: Vec<(usize, usize)> =
            key.iter().chain(&rules.key).map(|it| (old, *it)).collect();
        let mut parents = Vec::new();
        // What a parent has in a column may come from its own parent.
        while let Some((row, column)) = open.pop() {
            let Some(cell) = self.rows.rows[row].cell(column) else {
                continue;
            };
            for (row, column) in cell.content.references() {
                if !parents.contains(&row) {
                    parents.push(row);
                    open.push((row, column));
                }
            }
        }
        parents
    }

    /// What is recorded of a declared row, where that may be another key: its file has other words by now, or other rows
    /// decide its key.
    pub(super) fn before(&self, at: usize) -> Option<usize> {
        match self.of[at] {
            Was::Row(old) => Some(old),
            Was::Same => self.following.get(&at).copied(),
            Was::Never => None,
        }
    }

    /// The declared row that a recorded one is.
    pub(super) fn heir(&self, old: usize) -> Option<usize> {
        self.heirs[old]
    }

    /// Whether any table of a chosen file was dropped since.
    pub(super) fn lost_tables(&self, file: usize) -> bool {
        !self.texts.dropped[file].is_empty()
    }

    /// Whether a recorded row has a value for a column, and which: None where nothing is known of it.
    pub(super) fn cell(&self, old: usize, column: usize) -> Option<&super::row::Cell> {
        self.known[old].then(|| self.rows.rows[old].cell(column))?
    }

    /// The chosen file that continues the record of a declared row: its own, or the one that had the row before.
    pub(super) fn file(&self, declared: &Rows, at: usize) -> usize {
        let own = declared.rules(&declared.rows[at]).file;
        match self.of[at] {
            Was::Row(old) => self.of_file[old].unwrap_or(own),
            Was::Same | Was::Never => own,
        }
    }

    /// The chosen file that continues the record of a recorded row.
    pub(super) fn file_of(&self, old: usize) -> usize {
        self.of_file[old].unwrap_or_default()
    }

    /// The recorded row that was made under the key that a declared row has by now; none where it has the key that it was
    /// made with.
    pub(super) fn under_new_key(
        &self,
        found: &Found,
        (declared, shape): (&Rows, &Shape),
        at: usize,
    ) -> Option<usize> {
        if !found.has_changed_key(at) {
            return None;
        }
        let by_key = self.by_key.get_or_init(|| {
            let rows = self.rows.rows.iter().enumerate();
            let word = |(old, row): (usize, &Row)| {
                let (_, values) = self.key((found, declared), shape, old)?;
                Some(((self.rows.rules(row).table, words(&values)?), old))
            };
            rows.filter_map(word).collect()
        });
        let key = found.key(declared, shape, at)?;
        let table = declared.rules(&declared.rows[at]).table;
        by_key.get(&(table, words(&key)?)).copied()
    }

    /// The mode in which a row was recorded.
    pub(super) fn mode(&self, old: usize) -> Mode {
        self.rows.rules(&self.rows.rows[old]).mode
    }

    /// What a recorded row said about a column, as the column keeps it.
    pub(super) fn value(
        &self,
        now: Now<'_>,
        shape: &Shape,
        old: usize,
        column: usize,
    ) -> Option<Value> {
        self.follow(now, shape, old, column, 0)
    }

    fn follow(
        &self,
        now: Now<'_>,
        shape: &Shape,
        old: usize,
        column: usize,
        depth: usize,
    ) -> Option<Value> {
        if depth % IN_JSON > 64 {
            return None;
        }
        let row = &self.rows.rows[old];
        let of = &shape.tables[self.rows.rules(row).table];
        let follow = |row, column, depth| self.parent(now, shape, (row, column), depth);
        resolved(
            &row.cell(column)?.content,
            &of.columns[column],
            depth,
            follow,
        )
    }

    /// What a recorded row has in a column to which another one refers.
    fn parent(
        &self,
        (found, declared): Now<'_>,
        shape: &Shape,
        (row, column): (usize, usize),
        depth: usize,
    ) -> Option<Value> {
        let recorded = &self.rows.rows[row];
        let of = &shape.tables[self.rows.rules(recorded).table];
        let stays = of.primary_key.contains(&column) || recorded.cell(column).is_none();
        let now = (found, declared);
        let written = LazyCell::new(|| self.follow(now, shape, row, column, depth));
        let there = match self.heirs[row] {
            // The row of its new key is another one.
            Some(heir) if found.has_changed_key(heir) => None,
            // So is one that was found by another value in this part of its key, whether or not the old one is there.
            Some(heir)
                if stays
                    && self.may_differ(now, (row, heir), column)
                    && is_another(now, shape, (heir, column), written.as_ref()) =>
            {
                None
            }
            Some(heir) => found.row(declared, heir),
            None => found.undeclared(row).map(There::Whole),
        };
        match there {
            Some(row) if stays => row.value(column),
            _ => LazyCell::force(&written).clone(),
        }
    }

    /// Whether a declared row may have been found by another value in a part of its key than the one that is recorded. Most
    /// keys are written out, and the same as before.
    fn may_differ(
        &self,
        (found, declared): Now<'_>,
        (row, heir): (usize, usize),
        column: usize,
    ) -> bool {
        let heir_row = &declared.rows[heir];
        let content = |row: &Row| match &row.cell(column)?.content {
            Content::Known(value) => Some(value.clone()),
            _ => None,
        };
        let (before, now) = (content(&self.rows.rows[row]), content(heir_row));
        declared.rules(heir_row).key.contains(&column)
            && !found.moved().contains(&heir)
            && (before.is_none() || before != now)
    }

    /// The columns and values by which a recorded row is found: its primary key, or its key. None where they are not
    /// recorded.
    pub(super) fn identity(
        &self,
        now: Now<'_>,
        shape: &Shape,
        old: usize,
    ) -> Option<(Vec<usize>, Vec<Value>)> {
        let row = &self.rows.rows[old];
        let rules = self.rows.rules(row);
        let of = &shape.tables[rules.table];
        let value = |column: usize| self.value(now, shape, old, column);
        identity(&self.rows, row, of, value)
    }

    /// The key of a recorded row.
    pub(super) fn key(
        &self,
        now: Now<'_>,
        shape: &Shape,
        old: usize,
    ) -> Option<(Vec<usize>, Vec<Value>)> {
        let row = &self.rows.rows[old];
        let key = &self.rows.rules(row).key;
        let value = |column: usize| self.value(now, shape, old, column);
        all(&self.rows, row, key, value)
    }
}

/// Whether a declared row has another value in a part of its key than this one.
fn is_another(
    (found, declared): Now<'_>,
    shape: &Shape,
    (heir, column): (usize, usize),
    before: Option<&Value>,
) -> bool {
    let row = &declared.rows[heir];
    let of = &shape.tables[declared.rules(row).table];
    let now = row.cell(column);
    let now = now.and_then(|cell| found.cell(declared, shape, heir, cell));
    let word = |value: Value| words_of_parent(vec![value], of, &[column]);
    now.zip(before)
        .is_some_and(|(now, before)| word(now) != word(before.clone()))
}

/// The columns and values by which a row is known for as long as it is there: its primary key where the row says it, else
/// its key. None where a part is NULL, not known or of a variable.
pub(super) fn identity(
    rows: &Rows,
    row: &Row,
    of: &TableShape,
    value: impl Fn(usize) -> Option<Value>,
) -> Option<(Vec<usize>, Vec<Value>)> {
    let key = &of.primary_key;
    match !key.is_empty() && key.iter().all(|column| row.cell(*column).is_some()) {
        true => all(rows, row, key, value),
        false => all(rows, row, &rows.rules(row).key, value),
    }
}

fn all(
    rows: &Rows,
    row: &Row,
    columns: &[usize],
    value: impl Fn(usize) -> Option<Value>,
) -> Option<(Vec<usize>, Vec<Value>)> {
    let part = |column: &usize| {
        let cell = row.cell(*column)?;
        let recorded = !rows.hides(cell);
        value(*column).filter(|value| recorded && !value.is_null())
    };
    let values: Option<Vec<Value>> = columns.iter().map(part).collect();
    values
        .filter(|it| !it.is_empty())
        .map(|it| (columns.to_vec(), it))
}
