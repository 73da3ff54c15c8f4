//! What the chosen files were when they were applied: which records they continue, and the rows that the recorded texts
//! declare. What a seed made follows from its recorded text, so this is most of its memory. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::effective::effective_with;
use super::expand::{Given, MadeAs, expand};
use super::found::{Found, IN_JSON};
use super::labels::names;
use super::model::{Expr, Field, Label, Mode, SeedFile};
use super::parse::parse;
use super::row::{Content, Row, Rows};
use super::set::Seeds;
use crate::diagnostic::Diagnostic;
use crate::history::{DROPPED, History, MEMORY, Row as Record};
use crate::schema::{Shape, TableShape};
use crate::script::{Key, Source};
use crate::sql::Value;

/// The records that the chosen files continue.
#[derive(Debug, Default)]
pub(super) struct Lineage {
    /// For each chosen file the names of its records, the newest first: its own, or those of files that are gone.
    pub(super) records: Vec<Vec<String>>,
}

impl Lineage {
    pub(super) fn of(seeds: &Seeds, files: &[&SeedFile], history: &History) -> Lineage {
        let recorded: HashSet<&str> = recorded(history).map(|(name, _)| name).collect();
        let own = |file: &&SeedFile| {
            let own = recorded.contains(file.name.as_str());
            own.then(|| file.name.clone()).into_iter().collect()
        };
        let mut records: Vec<Vec<String>> = files.iter().map(own).collect();
        for (name, record) in self::recorded(history) {
            if seeds.files.iter().any(|file| file.name == name) {
                continue;
            }
            if let Some(heir) = heir(name, record, seeds, &recorded)
                && let Some(at) = files.iter().position(|file| file.name == heir.name)
            {
                records[at].push(name.to_owned());
            }
        }
        Lineage { records }
    }

    /// Whether a file that is there continues a record.
    pub(super) fn continues(&self, record: &str) -> bool {
        self.records.iter().flatten().any(|name| name == record)
    }

    /// The record of a chosen file whose text is compared with it.
    pub(super) fn record<'h>(&self, history: &'h History, file: usize) -> Option<&'h Record> {
        let name = self.records.get(file)?.first()?;
        history.row(&Key::Seed(name.clone()))
    }
}

/// The seeds that are recorded.
fn recorded(history: &History) -> impl Iterator<Item = (&str, &Record)> {
    history.rows.iter().filter_map(|row| match &row.key {
        Key::Seed(name) => Some((name.as_str(), row)),
        _ => None,
    })
}

/// The file that continues the record of one that is gone: the one that says so (`_was`), or the only new file of its
/// mode that declares one of its rows.
fn heir<'s>(
    name: &str,
    record: &Record,
    seeds: &'s Seeds,
    recorded: &HashSet<&str>,
) -> Option<&'s SeedFile> {
    let says_so = |file: &&SeedFile| file.settings.was.iter().any(|was| was.value == name);
    if let Some(heir) = seeds.files.iter().find(says_so) {
        return Some(heir);
    }
    let old = read(name, record.source.as_deref()?);
    let wanted = pairs(&old);
    let mut heirs = seeds.files.iter().filter(|file| {
        !recorded.contains(file.name.as_str())
            && file.settings.mode == old.settings.mode
            && !wanted.is_disjoint(&pairs(file))
    });
    let heir = heirs.next()?;
    heirs.next().is_none().then_some(heir)
}

/// A recorded text.
pub(super) fn read(name: &str, text: &str) -> SeedFile {
    let parsed = |text: &str| {
        let source = Source {
            name: format!("recorded {name}"),
            text: text.into(),
        };
        parse(name, Arc::new(source))
    };
    match parsed(text) {
        // `***` is recorded for a secret, and without quotes it is no text.
        (_, problems) if !problems.is_empty() && text.contains("***") => {
            parsed(&text.replace("***", "'***'")).0
        }
        (file, _) => file,
    }
}

/// What a file declares, by table and label, with the names before a rename.
fn pairs(file: &SeedFile) -> HashSet<(String, String)> {
    let mut all = HashSet::new();
    let (named, _) = names(&[file], &mut Vec::new());
    for row in named {
        let word = |field: &Field| {
            let value = &field.value.value;
            format!("{} {value:?}", field.name.value.to_ascii_lowercase())
        };
        // A row of a list has no label yet.
        let label = match &row.label {
            Some(label) => label.to_string(),
            None => row.decl.fields.iter().map(word).collect(),
        };
        let was = row.decl.was.as_ref().and_then(|was| was.value.as_text());
        let tables = [Some(&row.table.name), row.table.was.as_ref()];
        for table in tables.into_iter().flatten() {
            for label in [Some(label.as_str()), was].into_iter().flatten() {
                all.insert((table.value.to_ascii_lowercase(), label.to_owned()));
            }
        }
    }
    all
}

/// The records whose texts are needed: those of files that were edited, and of files that are gone where a chosen one may
/// continue them.
pub(super) fn texts(
    seeds: &Seeds,
    files: &[&SeedFile],
    hashes: &[String],
    history: &History,
) -> Vec<Key> {
    let all: HashMap<&str, &Record> = recorded(history).collect();
    let edited = files.iter().zip(hashes).filter(|(file, hash)| {
        let record = all.get(file.name.as_str());
        record.is_some_and(|record| record.effective.as_ref() != Some(*hash))
    });
    let mut wanted: Vec<Key> = edited
        .map(|(file, _)| Key::Seed(file.name.clone()))
        .collect();
    wanted.extend(texts_of_gone(seeds, files, history));
    wanted.sort();
    wanted
}

/// The records of files that are gone, where a chosen file may continue them.
pub(super) fn texts_of_gone(seeds: &Seeds, files: &[&SeedFile], history: &History) -> Vec<Key> {
    let all: HashSet<&str> = recorded(history).map(|(name, _)| name).collect();
    let mut files = files.iter();
    if !files.any(|file| !all.contains(file.name.as_str()) || !file.settings.was.is_empty()) {
        return Vec::new();
    }
    let is_gone = |name: &&str| !seeds.files.iter().any(|file| file.name == *name);
    let key = |name: &str| Key::Seed(name.to_owned());
    all.into_iter().filter(is_gone).map(key).collect()
}

/// What is recorded of the chosen files, before their rows are known.
#[derive(Default)]
pub(super) struct Texts {
    pub(super) lineage: Lineage,
    /// For each chosen file the names by which it makes values.
    pub(super) made_as: Vec<MadeAs>,
    /// For each chosen file: whether it amounts to what is recorded.
    pub(super) settled: Vec<bool>,
    /// For each chosen file: whether its record was written by a version that remembers rows.
    pub(super) remembers: Vec<bool>,
    /// For each chosen file its tables that were dropped since, in lower case.
    dropped: Vec<HashSet<String>>,
    /// The recorded texts, with tables by their present names.
    files: Vec<Recorded>,
    shared: Option<SeedFile>,
    /// The sums of the files that `!file` names, as recorded.
    sums: BTreeMap<String, String>,
}

struct Recorded {
    /// The chosen file that continues it.
    of: usize,
    text: SeedFile,
    /// Whether its cells are known: with the shared file as it was.
    known: bool,
}

impl Texts {
    /// Reads the recorded texts.
    pub(super) fn read(
        seeds: &Seeds,
        files: &[&SeedFile],
        hashes: &[String],
        shape: &Shape,
        history: &History,
    ) -> Texts {
        let lineage = Lineage::of(seeds, files, history);
        let mut texts = Texts::default();
        let mut renamed = BTreeMap::new();
        for (at, (file, hash)) in files.iter().zip(hashes).enumerate() {
            let records: Vec<&Record> = lineage.records[at]
                .iter()
                .filter_map(|name| history.row(&Key::Seed(name.clone())))
                .collect();
            let settled = match records.as_slice() {
                [record] => record.effective.as_deref() == Some(hash),
                _ => false,
            };
            texts.settled.push(settled);
            let remembers = |record: &&Record| record.detail.contains_key(MEMORY);
            texts.remembers.push(records.iter().all(remembers));
            let mut olds = Vec::new();
            if !settled {
                for record in &records {
                    if let (Key::Seed(name), Some(text)) = (&record.key, &record.source) {
                        olds.push((*record, read(name, text)));
                    }
                }
            }
            texts
                .made_as
                .push(made_as(file, &records, &olds, settled, shape));
            texts.dropped.push(dropped(file, &records));
            for (record, mut text) in olds {
                rename(&mut text, file, &mut renamed);
                let memory = record.detail.get(MEMORY);
                if let Some(sums) = memory.and_then(|it| it.get("files")?.as_object()) {
                    let sum = |(path, sum): (&String, &Json)| {
                        Some((path.clone(), sum.as_str()?.to_owned()))
                    };
                    texts.sums.extend(sums.iter().filter_map(sum));
                }
                texts.files.push(Recorded {
                    of: at,
                    text,
                    known: false,
                });
            }
        }
        for recorded in &mut texts.files {
            follow_references(&mut recorded.text, &renamed);
        }
        texts.lineage = lineage;
        texts.find_shared(seeds, history);
        texts
    }

    /// Takes the shared file with which most is known.
    fn find_shared(&mut self, seeds: &Seeds, history: &History) {
        let of = |recorded: &Recorded| {
            let record = history.row(&Key::Seed(recorded.text.name.clone()))?;
            let text = record.detail.get(MEMORY)?.get("shared");
            Some(text.and_then(Json::as_str).map(str::to_owned))
        };
        // None: its record does not tell. Some(None): there was no shared file with its tables.
        let texts: Vec<Option<Option<String>>> = self.files.iter().map(of).collect();
        let mut recorded = texts.iter().flatten().flatten();
        self.shared = match recorded.next() {
            Some(text) => Some(read("_tables", text)),
            None => seeds.shared.clone(),
        };
        let shared = self.shared.as_ref();
        for (it, text) in self.files.iter_mut().zip(&texts) {
            let names_it = |shared: &SeedFile| {
                let mut tables = shared.tables.iter();
                tables.any(|table| declares(&it.text, &table.name.value))
            };
            it.known = match text {
                Some(None) => shared.is_none_or(|shared| !names_it(shared)),
                Some(Some(text)) => shared.is_some_and(|shared| *shared.source.text == **text),
                None => {
                    let sum = |path: &str| {
                        let bytes = seeds.attachments.get(path)?;
                        Some(crate::migrations::checksum_bytes(bytes))
                    };
                    let record = history.row(&Key::Seed(it.text.name.clone()));
                    let hides = it
                        .text
                        .exprs()
                        .iter()
                        .any(|expr| matches!(expr.value, Expr::Hash(_)));
                    // The text of a secret is not recorded, so its hash cannot be made again.
                    hides
                        || record.is_some_and(|record| {
                            record.effective.as_deref()
                                == Some(effective_with(&it.text, shared, &sum).as_str())
                        })
                }
            };
        }
    }

    /// The recorded texts, whose times are asked for with those of the chosen files.
    pub(super) fn texts(&self) -> impl Iterator<Item = &SeedFile> {
        self.files.iter().map(|it| &it.text)
    }
}

fn declares(file: &SeedFile, table: &str) -> bool {
    let mut tables = file.tables.iter();
    tables.any(|it| it.name.value.eq_ignore_ascii_case(table))
}

/// The names by which a file makes values in its tables. Its record has those that are not the tables' own.
fn made_as(
    file: &SeedFile,
    records: &[&Record],
    olds: &[(&Record, SeedFile)],
    settled: bool,
    shape: &Shape,
) -> MadeAs {
    let mut all = MadeAs::new();
    for table in &file.tables {
        let Some(of) = shape.table(&table.name.value) else {
            continue;
        };
        let now = of.name.to_ascii_lowercase();
        let was = table.was.as_ref().map(|was| was.value.to_ascii_lowercase());
        for record in records {
            let old = olds.iter().find(|(it, _)| it.key == record.key);
            let has = |name: &str| settled || old.is_some_and(|(_, text)| declares(text, name));
            let recorded = match &was {
                _ if has(&now) => &now,
                Some(was) if has(was) => was,
                _ => continue,
            };
            let names = record.detail.get(MEMORY).map(|memory| memory.get("names"));
            let name = match names {
                Some(names) => names
                    .and_then(|names| names.get(recorded)?.as_str())
                    .unwrap_or(recorded)
                    .to_owned(),
                // An older record: the name was that of the schema.
                None if recorded == &now => break,
                None => old
                    .and_then(|(_, text)| {
                        let mut tables = text.tables.iter();
                        let is_it = |name: &str| name.eq_ignore_ascii_case(recorded);
                        tables.find(|it| is_it(&it.name.value))
                    })
                    .map_or(recorded.clone(), |table| table.name.value.clone()),
            };
            if name != of.name {
                all.insert(now.clone(), name);
            }
            break;
        }
    }
    all
}

/// The tables of a file that were dropped since it was applied.
fn dropped(file: &SeedFile, records: &[&Record]) -> HashSet<String> {
    let lists = records
        .iter()
        .filter_map(|record| record.detail.get(DROPPED)?.as_array());
    let names: HashSet<String> = lists
        .flatten()
        .filter_map(|name| Some(name.as_str()?.to_ascii_lowercase()))
        .collect();
    let tables = file
        .tables
        .iter()
        .map(|table| table.name.value.to_ascii_lowercase());
    tables.filter(|table| names.contains(table)).collect()
}

/// Gives tables of a recorded text the names that the file says they have now.
fn rename(text: &mut SeedFile, file: &SeedFile, renamed: &mut BTreeMap<String, String>) {
    for table in &file.tables {
        let Some(was) = &table.was else { continue };
        if declares(text, &table.name.value) {
            continue;
        }
        let old = |it: &&mut super::model::Table| it.name.value.eq_ignore_ascii_case(&was.value);
        if let Some(old) = text.tables.iter_mut().find(old) {
            old.name.value.clone_from(&table.name.value);
            renamed.insert(was.value.to_ascii_lowercase(), table.name.value.clone());
        }
    }
}

/// Lets references and patterns of a recorded text name tables as they are called now.
fn follow_references(text: &mut SeedFile, renamed: &BTreeMap<String, String>) {
    if renamed.is_empty() {
        return;
    }
    for table in &mut text.tables {
        let rows = table.rows.iter_mut().flat_map(|row| {
            if let Some(label) = &mut row.label
                && let Label::Each { table, .. } = &mut label.value
                && let Some(now) = renamed.get(&table.to_ascii_lowercase())
            {
                table.clone_from(now);
            }
            &mut row.fields
        });
        for field in rows.chain(&mut table.defaults) {
            field.value.value.rename_tables(renamed);
        }
        if let Some(id) = &mut table.id {
            id.value.rename_tables(renamed);
        }
    }
}

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
    /// For each recorded row the declared one.
    heirs: Vec<Option<usize>>,
}

impl Past {
    /// What is recorded of files whose rows are not known.
    pub(super) fn of(texts: Texts) -> Past {
        Past {
            texts,
            ..Past::default()
        }
    }

    /// Compares the declared rows with those of the recorded texts.
    pub(super) fn new(
        texts: Texts,
        files: &[&SeedFile],
        declared: &Rows,
        shape: &Shape,
        given: &Given<'_>,
    ) -> Past {
        let mut past = Past {
            of: vec![Was::Never; declared.rows.len()],
            ..Past::default()
        };
        if !texts.files.is_empty() {
            past.expand(&texts, files, shape, given);
        }
        let mut by_label: HashMap<(usize, &str), usize> = HashMap::new();
        for (old, row) in past.rows.rows.iter().enumerate() {
            let table = past.rows.rules(row).table;
            by_label.insert((table, &row.label), old);
        }
        let mut heirs = vec![None; past.rows.rows.len()];
        for (at, row) in declared.rows.iter().enumerate() {
            let rules = declared.rules(row);
            let table = &texts.dropped[rules.file];
            let is_dropped = !table.is_empty() && table.contains(&rules.name.to_ascii_lowercase());
            let mut labels = std::iter::once(&row.label).chain(declared.was.get(&at));
            let old = labels.find_map(|label| by_label.get(&(rules.table, &**label)).copied());
            if let Some(old) = old {
                heirs[old] = Some(at);
            }
            past.of[at] = match old {
                _ if is_dropped => Was::Never,
                _ if texts.settled[rules.file] => Was::Same,
                Some(old) if past.of_file[old].is_some() => Was::Row(old),
                _ => Was::Never,
            };
        }
        past.heirs = heirs;
        past.texts = texts;
        past
    }

    fn expand(&mut self, texts: &Texts, files: &[&SeedFile], shape: &Shape, given: &Given<'_>) {
        let settled = texts.settled.iter().enumerate().filter(|(_, is)| **is);
        let settled: Vec<usize> = settled.map(|(at, _)| at).collect();
        let mut all: Vec<&SeedFile> = texts.files.iter().map(|it| &it.text).collect();
        all.extend(settled.iter().map(|at| files[*at]));
        let of = texts.files.iter().map(|it| it.of).chain(settled);
        let made_as: Vec<MadeAs> = of.map(|at| texts.made_as[at].clone()).collect();
        let mut attachments = given.attachments.clone();
        attachments.retain(|path, bytes| {
            let sum = texts.sums.get(path);
            sum.is_none_or(|sum| *sum == crate::migrations::checksum_bytes(bytes))
        });
        let given = Given {
            attachments: &attachments,
            shared: texts.shared.as_ref(),
            made_as: &made_as,
            ..*given
        };
        // What was wrong with a text is of no interest any more.
        let (mut rows, _) = expand(&all, shape, &given);
        super::clashes::link(&mut rows, shape);
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
                !self.is_dropped(*file, &self.rows.rules(&self.rows.rows[*old]).name)
            })
    }

    /// The declared row that a recorded one is.
    pub(super) fn heir(&self, old: usize) -> Option<usize> {
        self.heirs[old]
    }

    /// Whether a table of a chosen file was dropped since the file was applied.
    pub(super) fn is_dropped(&self, file: usize, table: &str) -> bool {
        let dropped = &self.texts.dropped[file];
        !dropped.is_empty() && dropped.contains(&table.to_ascii_lowercase())
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

    /// The mode in which a row was recorded.
    pub(super) fn mode(&self, old: usize) -> Mode {
        self.rows.rules(&self.rows.rows[old]).mode
    }

    /// What a recorded row said about a column, as the column keeps it. `found` is about the declared rows.
    pub(super) fn value(
        &self,
        found: &Found,
        shape: &Shape,
        old: usize,
        column: usize,
    ) -> Option<Value> {
        self.follow(found, shape, old, column, 0)
    }

    fn follow(
        &self,
        found: &Found,
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
        match &row.cell(column)?.content {
            Content::Known(value) => Some(value.clone()),
            Content::Reference {
                row: parent,
                column: target,
            } => {
                let value = self.parent(found, shape, (*parent, *target), depth)?;
                Some(of.columns[column].affinity.stored(value))
            }
            Content::Json(composed) if depth < IN_JSON => {
                let value = |row, column| self.parent(found, shape, (row, column), IN_JSON);
                let text = composed.json.filled(&value)?.to_string();
                Some(of.columns[column].affinity.stored(Value::Text(text)))
            }
            Content::Json(_) | Content::Secret(_) | Content::Unknown => None,
        }
    }

    /// What a recorded row has in a column to which another one refers.
    fn parent(
        &self,
        found: &Found,
        shape: &Shape,
        (row, column): (usize, usize),
        depth: usize,
    ) -> Option<Value> {
        let declared = &self.rows.rows[row];
        let of = &shape.tables[self.rows.rules(declared).table];
        let stays = of.primary_key.contains(&column) || declared.cell(column).is_none();
        match self.heirs[row].and_then(|heir| found.row(heir)) {
            Some(row) if stays => row.get(column).cloned(),
            _ => self.follow(found, shape, row, column, depth + 1),
        }
    }

    /// The columns and values by which a recorded row is found: its primary key, or its key. None where they are not
    /// recorded.
    pub(super) fn identity(
        &self,
        found: &Found,
        shape: &Shape,
        old: usize,
    ) -> Option<(Vec<usize>, Vec<Value>)> {
        let row = &self.rows.rows[old];
        let rules = self.rows.rules(row);
        let of = &shape.tables[rules.table];
        let value = |column: usize| self.value(found, shape, old, column);
        identity(&self.rows, row, of, value)
    }

    /// The key of a recorded row.
    pub(super) fn key(
        &self,
        found: &Found,
        shape: &Shape,
        old: usize,
    ) -> Option<(Vec<usize>, Vec<Value>)> {
        let row = &self.rows.rows[old];
        let key = &self.rows.rules(row).key;
        let value = |column: usize| self.value(found, shape, old, column);
        all(&self.rows, row, key, value)
    }
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

/// Old names that cannot be what is meant: of a row or a file that is there still, or of two.
pub(super) fn problems(
    seeds: &Seeds,
    files: &[&SeedFile],
    rows: &Rows,
    shape: &Shape,
) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for file in files {
        for was in &file.settings.was {
            let is_it = |it: &&SeedFile| it.name == was.value;
            let other = |it: &&SeedFile| {
                it.name != file.name && it.settings.was.iter().any(|it| it.value == was.value)
            };
            let message = match (
                seeds.files.iter().find(is_it),
                seeds.files.iter().find(other),
            ) {
                (Some(_), _) => format!(
                    "`{}` is still there, so this file does not continue it",
                    was.value
                ),
                (None, Some(other)) => format!("`{}` continues `{}` too", other.name, was.value),
                (None, None) => continue,
            };
            let problem = Diagnostic::problem("was-twice", message).at(file.origin(&was.span));
            problems.push(problem.help("remove this `_was`"));
        }
    }
    if rows.was.is_empty() {
        return problems;
    }
    let mut labels: HashMap<(usize, &str), usize> = HashMap::new();
    for (at, row) in rows.rows.iter().enumerate() {
        labels.insert((rows.rules(row).table, &row.label), at);
    }
    let mut renamed: Vec<(&usize, &Arc<str>)> = rows.was.iter().collect();
    renamed.sort();
    for (at, was) in renamed {
        let row = &rows.rows[*at];
        let table = rows.rules(row).table;
        if row.label == *was {
            continue;
        }
        // The first row that says so has it.
        if let Some(other) = labels.insert((table, was), *at) {
            let other = &rows.rows[other];
            let name = rows.name(row, shape);
            let message = match other.label == *was {
                true => format!(
                    "`{}` is still declared, so `{name}` is another row",
                    rows.name(other, shape)
                ),
                false => format!("`{}` was `{was}` too", rows.name(other, shape)),
            };
            problems.push(
                Diagnostic::problem("was-twice", message)
                    .at(rows.origin(row, &row.span, files))
                    .related("the other is here", rows.origin(other, &other.span, files))
                    .help("remove one of the two `_was`, or give the new row a label of its own"),
            );
        }
    }
    problems
}

/// What the record of a file keeps besides its text, so that its rows follow from both.
pub(super) fn memory(file: &SeedFile, seeds: &Seeds, made_as: &MadeAs, shape: &Shape) -> Json {
    let mut names = serde_json::Map::new();
    for table in &file.tables {
        let Some(of) = shape.table(&table.name.value) else {
            continue;
        };
        let now = of.name.to_ascii_lowercase();
        let name = made_as.get(&now).unwrap_or(&of.name);
        if *name != now {
            names.insert(now, name.as_str().into());
        }
    }
    let mut memory = serde_json::Map::new();
    if !names.is_empty() {
        memory.insert("names".to_owned(), names.into());
    }
    if let Some(shared) = &seeds.shared
        && shared
            .tables
            .iter()
            .any(|table| declares(file, &table.name.value))
    {
        memory.insert("shared".to_owned(), super::secret::without(shared).into());
    }
    let exprs = file.exprs();
    let paths = exprs.iter().filter_map(|expr| match &expr.value {
        Expr::File(path) => Some(path),
        _ => None,
    });
    let sums: serde_json::Map<String, Json> = paths
        .filter_map(|path| {
            let bytes = seeds.attachments.get(path)?;
            Some((
                path.clone(),
                json!(crate::migrations::checksum_bytes(bytes)),
            ))
        })
        .collect();
    if !sums.is_empty() {
        memory.insert("files".to_owned(), sums.into());
    }
    Json::Object(memory)
}
