//! What the records of the chosen files hold: their texts as they were applied, and what belongs to them (names of tables,
//! the shared file, sums of files). Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde_json::{Value as Json, json};

use super::effective::{effective, labels, overrides};
use super::followed::{Guessed, Renames, follow_columns, follow_tables, guess_columns};
use super::given::{Drawn, FirstNames, MadeAs, name_for_ids};
use super::lineage::{Lineage, read};
use super::model::{Expr, SeedFile, Table, declares};
use super::renames::{follow_references, rename, renamed_from};
use super::row::Redrawn;
use super::set::Seeds;
use crate::history::{DROPPED, History, MEMORY, Row as Record};
use crate::schema::{Shape, TableShape};
use crate::script::Key;

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
    /// For each chosen file the names that its columns had first, by table and column in lower case, where a column has
    /// another one by now.
    pub(super) columns: Vec<FirstNames>,
    /// For each chosen file the values that were drawn more than once.
    pub(super) drawn: Vec<Drawn>,
    /// Columns that were renamed as it seems.
    guessed: Guessed,
    /// What was renamed since each record was written.
    renames: HashMap<String, Renames>,
    /// For each chosen file its tables that were dropped since, in lower case.
    pub(super) dropped: Vec<HashSet<String>>,
    /// The recorded texts, with tables by their present names.
    pub(super) files: Vec<Recorded>,
    pub(super) shared: Option<SeedFile>,
    /// The sums of the files that `!file` names, as recorded.
    pub(super) sums: BTreeMap<String, String>,
}

/// The text of a record.
pub(super) struct Recorded {
    /// The chosen file that continues it.
    pub(super) of: usize,
    pub(super) text: SeedFile,
    /// Whether its cells are known: with the shared file as it was.
    pub(super) known: bool,
    /// The hash of the labels of other files from which it chose.
    pub(super) labels: Option<String>,
}

impl Texts {
    /// Reads the recorded texts.
    pub(super) fn read(
        seeds: &Seeds,
        files: &[&SeedFile],
        hashes: &[String],
        shape: &Shape,
        (history, lineage): (&History, Lineage),
    ) -> Texts {
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
            let renames: Vec<Renames> = records.iter().map(|it| Renames::since(it)).collect();
            texts
                .made_as
                .push(made_as(file, (&records, &renames), &olds, settled, shape));
            texts.drawn.push(drawn(&records));
            texts.dropped.push(dropped(file, &records));
            texts
                .columns
                .push(first_names(&records, &renames, &olds, (file, shape)));
            for (record, renames) in records.iter().zip(renames) {
                if let Key::Seed(name) = &record.key
                    && !renames.is_empty()
                {
                    texts.renames.insert(name.clone(), renames);
                }
            }
            for (record, mut text) in olds {
                if let Some(renames) = texts.renames.get(&text.name) {
                    follow_columns(&mut text, renames);
                }
                rename(&mut text, file, &mut renamed);
                if let Some(renames) = texts.renames.get(&text.name) {
                    follow_tables(&mut text, renames, shape, &mut renamed);
                }
                texts.guessed.extend(guess_columns(&mut text, file, shape));
                let memory = record.detail.get(MEMORY);
                let labels = memory.and_then(|it| it.get("labels")?.as_str());
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
                    labels: labels.map(str::to_owned),
                });
            }
        }
        for recorded in &mut texts.files {
            follow_references(&mut recorded.text, &renamed);
        }
        texts.lineage = lineage;
        texts.find_shared(seeds, history, shape);
        texts
    }

    /// Takes the shared file with which most is known.
    fn find_shared(&mut self, seeds: &Seeds, history: &History, shape: &Shape) {
        let of = |recorded: &Recorded| {
            let record = history.row(&Key::Seed(recorded.text.name.clone()))?;
            let text = record.detail.get(MEMORY)?.get("shared");
            Some(text.and_then(Json::as_str).map(str::to_owned))
        };
        // None: its record does not tell. Some(None): there was no shared file with its tables.
        let texts: Vec<Option<Option<String>>> = self.files.iter().map(of).collect();
        let mut recorded = self.files.iter().zip(&texts);
        let recorded = recorded.find_map(|(it, text)| Some((it, text.as_ref()?.as_ref()?)));
        self.shared = match recorded {
            Some((it, text)) => {
                let mut shared = read("_tables", text);
                if let Some(renames) = self.renames.get(&it.text.name) {
                    follow_columns(&mut shared, renames);
                    follow_tables(&mut shared, renames, shape, &mut BTreeMap::new());
                }
                Some(shared)
            }
            None => seeds.shared.clone(),
        };
        let shared = self.shared.as_ref();
        for (it, text) in self.files.iter_mut().zip(&texts) {
            let names_it = |shared: &SeedFile| concerns(shared, &it.text);
            it.known = match text {
                Some(None) => shared.is_none_or(|shared| !names_it(shared)),
                Some(Some(text)) => shared.is_some_and(|shared| *shared.source.text == **text),
                None => {
                    let record = history.row(&Key::Seed(it.text.name.clone()));
                    let hides = it
                        .text
                        .exprs()
                        .any(|expr| matches!(expr.value, Expr::Hash(_)));
                    // The text of a secret is not recorded, so its hash cannot be made again.
                    hides
                        || record.is_some_and(|record| {
                            let hash = effective(&it.text, shared, &seeds.attachments, &[]);
                            record.effective == Some(hash)
                        })
                }
            };
        }
    }

    /// Whether a column has another name than recorded, as it seems: it may be a new one all the same.
    pub(super) fn is_guessed(&self, of: &TableShape, column: usize) -> bool {
        let names = [&of.name, &of.columns[column].name].map(|it| it.to_ascii_lowercase());
        !self.guessed.is_empty() && self.guessed.contains(&names.into())
    }

    /// What was renamed since a seed was applied.
    pub(super) fn renames(&self, seed: &str) -> Option<&Renames> {
        self.renames.get(seed)
    }

    /// The name that a column of a chosen file had first, in lower case.
    pub(super) fn first_name(&self, file: usize, of: &TableShape, column: usize) -> String {
        let name = of.columns[column].name.to_ascii_lowercase();
        let columns = self.columns.get(file).filter(|it| !it.is_empty());
        let first = columns.and_then(|it| it.get(&(of.name.to_ascii_lowercase(), name.clone())));
        first.map_or(name, |it| it.to_ascii_lowercase())
    }

    /// Whether a table of a chosen file was dropped since the file was applied.
    pub(super) fn is_dropped(&self, file: usize, table: &str) -> bool {
        let dropped = &self.dropped[file];
        !dropped.is_empty() && dropped.contains(&table.to_ascii_lowercase())
    }

    /// The recorded texts, whose times are asked for with those of the chosen files.
    pub(super) fn texts(&self) -> impl Iterator<Item = &SeedFile> {
        self.files.iter().map(|it| &it.text)
    }
}

/// Whether the shared file says anything about the tables of a file.
fn concerns(shared: &SeedFile, file: &SeedFile) -> bool {
    let mut tables = shared.tables.iter();
    !shared.settings.defaults.is_empty() || tables.any(|table| declares(file, &table.name.value))
}

/// The names by which a file makes values in its tables. Its record has those that are not the tables' own.
fn made_as(
    file: &SeedFile,
    (records, renames): (&[&Record], &[Renames]),
    olds: &[(&Record, SeedFile)],
    settled: bool,
    shape: &Shape,
) -> MadeAs {
    let mut all = MadeAs::new();
    let names = file.tables.iter().map(|table| {
        let was = table.was.as_ref().map(|was| was.value.clone());
        (table.name.value.clone(), was)
    });
    let mut names: Vec<(String, Option<String>)> = names.collect();
    // Tables that migrations renamed, and those that the file leaves out by now: their rows are found by their ids too.
    for (record, old) in olds {
        let at = records.iter().position(|it| it.key == record.key);
        for name in old.tables.iter().map(|table| &table.name.value) {
            let now = at.and_then(|at| renames[at].table_in(shape, name));
            let now = now.as_ref().unwrap_or(name);
            let declared = names.iter_mut().find(|(it, was)| {
                let is = |it: &String| it.eq_ignore_ascii_case(name);
                it.eq_ignore_ascii_case(now) || was.as_ref().is_some_and(is)
            });
            match declared {
                Some((_, was)) => drop(was.get_or_insert_with(|| name.clone())),
                None => names.push((now.clone(), Some(name.clone()))),
            }
        }
    }
    for (name, was) in names {
        let Some(of) = shape.table(&name) else {
            continue;
        };
        let now = of.name.to_ascii_lowercase();
        let was = was.map(|was| was.to_ascii_lowercase());
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

/// The values of a file that were drawn more than once, as its records have them.
fn drawn(records: &[&Record]) -> Drawn {
    let lists = records
        .iter()
        .filter_map(|record| record.detail.get(MEMORY)?.get("drawn")?.as_array());
    let cell = |it: &Json| {
        let text = |at: usize| Some(it.get(at)?.as_str()?.to_owned());
        let attempt = u32::try_from(it.get(3)?.as_u64()?).ok()?;
        Some(((text(0)?, text(1)?, text(2)?), (attempt, text(4)?)))
    };
    lists.flatten().filter_map(cell).collect()
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

/// A column as rows of a table write it: records have the names in lower case, and values are drawn by the name as it is.
fn as_written(table: &Table, column: &str) -> String {
    let fields = table.rows.iter().flat_map(|row| &row.fields);
    let mut names = fields
        .chain(&table.defaults)
        .map(|field| field.name.value.as_str());
    let written = names.find(|it| it.eq_ignore_ascii_case(column));
    written.unwrap_or(column).to_owned()
}

/// The names that the columns of a file had first: those in its records, and those that migrations renamed since.
fn first_names(
    records: &[&Record],
    renames: &[Renames],
    olds: &[(&Record, SeedFile)],
    (file, shape): (&SeedFile, &Shape),
) -> FirstNames {
    let mut all = FirstNames::new();
    for (record, renames) in records.iter().zip(renames) {
        let kept = record.detail.get(MEMORY).and_then(|it| it.get("columns"));
        if renames.is_empty() && kept.is_none() {
            continue;
        }
        let first =
            |table: &str, column: &str| -> Option<&str> { kept?.get(table)?.get(column)?.as_str() };
        let old = olds.iter().find(|(it, _)| it.key == record.key);
        let text = old.map_or(file, |(_, text)| text);
        for table in &text.tables {
            let recorded = table.name.value.to_ascii_lowercase();
            let now = renames.table_in(shape, &recorded);
            let now = now.or_else(|| Some(renamed_from(file, &recorded)?.name.value.clone()));
            let now = now.map_or(recorded.clone(), |it| it.to_ascii_lowercase());
            let mut columns = renames.columns_of(&recorded);
            let own = kept.and_then(|it| it.get(&recorded)?.as_object());
            columns.extend(own.into_iter().flatten().map(|(column, _)| column.clone()));
            for column in columns {
                let name = renames.column(&recorded, &column);
                let first = match first(&recorded, &column) {
                    Some(first) => first.to_owned(),
                    None => as_written(table, &column),
                };
                let name = name.unwrap_or(column);
                if !name.eq_ignore_ascii_case(&first) {
                    all.entry((now.clone(), name)).or_insert(first);
                }
            }
        }
    }
    all
}

/// What the record of a file keeps besides its text, so that its rows follow from both.
pub(super) fn memory(
    file: &SeedFile,
    files: &[&SeedFile],
    seeds: &Seeds,
    (made_as, columns): (&MadeAs, &FirstNames),
    redrawn: &[&Redrawn],
    shape: &Shape,
) -> Json {
    let mut names = serde_json::Map::new();
    for table in &file.tables {
        let Some(of) = shape.table(&table.name.value) else {
            continue;
        };
        let now = of.name.to_ascii_lowercase();
        let name = name_for_ids(made_as, of);
        if name != now {
            names.insert(now, name.into());
        }
    }
    let mut memory = serde_json::Map::new();
    if !names.is_empty() {
        memory.insert("names".to_owned(), names.into());
    }
    let mut first = serde_json::Map::new();
    for ((table, column), name) in columns.iter().filter(|((it, _), _)| declares(file, it)) {
        first.entry(table).or_insert_with(|| json!({}))[column] = name.as_str().into();
    }
    if !first.is_empty() {
        memory.insert("columns".to_owned(), first.into());
    }
    if let Some(shared) = &seeds.shared
        && concerns(shared, file)
    {
        memory.insert(
            "shared".to_owned(),
            super::secret::without(shared).to_string().into(),
        );
    }
    let paths = file.exprs().filter_map(|expr| match &expr.value {
        Expr::File(path) => Some(&**path),
        _ => None,
    });
    let sums: serde_json::Map<String, Json> = paths
        .filter_map(|path| {
            let bytes = seeds.attachments.get(path)?;
            Some((
                path.to_owned(),
                json!(crate::migrations::checksum_bytes(bytes)),
            ))
        })
        .collect();
    if !sums.is_empty() {
        memory.insert("files".to_owned(), sums.into());
    }
    if let Some(overrides) = overrides(file, &seeds.attachments) {
        memory.insert("overrides".to_owned(), overrides.into());
    }
    if let Some(labels) = labels(file, seeds.shared.as_ref(), &seeds.attachments, files) {
        memory.insert("labels".to_owned(), labels.into());
    }
    if !redrawn.is_empty() {
        let cell = |it: &&Redrawn| {
            let (table, column, label) = &it.cell;
            json!([table, column, label, it.attempt, it.hash])
        };
        let cells: Vec<Json> = redrawn.iter().map(cell).collect();
        memory.insert("drawn".to_owned(), cells.into());
    }
    Json::Object(memory)
}
