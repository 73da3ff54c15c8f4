//! What the records of the chosen files hold: their texts as they were applied, and what belongs to them (names of tables,
//! the shared file, sums of files). Pure.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value as Json, json};

use super::effective::{effective, labels};
use super::expand::{MadeAs, name_for_ids};
use super::lineage::{Lineage, read};
use super::model::{Expr, SeedFile};
use super::renames::{follow_references, rename};
use super::set::Seeds;
use crate::history::{DROPPED, History, MEMORY, Row as Record};
use crate::schema::Shape;
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
            texts
                .made_as
                .push(made_as(file, &records, &olds, settled, shape));
            texts.dropped.push(dropped(file, &records));
            for (record, mut text) in olds {
                rename(&mut text, file, &mut renamed);
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
            let names_it = |shared: &SeedFile| concerns(shared, &it.text);
            it.known = match text {
                Some(None) => shared.is_none_or(|shared| !names_it(shared)),
                Some(Some(text)) => shared.is_some_and(|shared| *shared.source.text == **text),
                None => {
                    let record = history.row(&Key::Seed(it.text.name.clone()));
                    let hides = it
                        .text
                        .exprs()
                        .iter()
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

pub(super) fn declares(file: &SeedFile, table: &str) -> bool {
    let mut tables = file.tables.iter();
    tables.any(|it| it.name.value.eq_ignore_ascii_case(table))
}

/// Whether the shared file says anything about the tables of a file.
fn concerns(shared: &SeedFile, file: &SeedFile) -> bool {
    let mut tables = shared.tables.iter();
    !shared.settings.defaults.is_empty() || tables.any(|table| declares(file, &table.name.value))
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

/// What the record of a file keeps besides its text, so that its rows follow from both.
pub(super) fn memory(
    file: &SeedFile,
    files: &[&SeedFile],
    seeds: &Seeds,
    made_as: &MadeAs,
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
    if let Some(shared) = &seeds.shared
        && concerns(shared, file)
    {
        memory.insert(
            "shared".to_owned(),
            super::secret::without(shared).as_ref().into(),
        );
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
    if let Some(labels) = labels(file, seeds.shared.as_ref(), &seeds.attachments, files) {
        memory.insert("labels".to_owned(), labels.into());
    }
    Json::Object(memory)
}
