//! Which records the chosen files continue: their own, and those of files that are gone. Pure.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::companion::Kind;
use super::files::{fill, split};
use super::labels::names;
use super::model::{Field, Mode, SeedFile};
use super::overrides::merge;
use super::parse::parse;
use super::set::Seeds;
use crate::history::{History, Row as Record};
use crate::script::{Key, Source};

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

/// The file that continues the record of one that is gone: the one that says so (`_was`); the only new file of its mode
/// that declares one of its rows; or the only file of its mode to which its rows were moved. A file in mode `sync` deletes
/// rows, so there all of them have to be declared by it.
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
    let same_mode = seeds
        .files
        .iter()
        .filter(|file| file.settings.mode == old.settings.mode);
    let declaring: Vec<(&SeedFile, HashSet<(String, String)>)> = same_mode
        .map(|file| (file, pairs(file)))
        .filter(|(_, declared)| !wanted.is_disjoint(declared))
        .collect();
    let is_new = |file: &SeedFile| !recorded.contains(file.name.as_str());
    let mut new = declaring.iter().filter(|(file, _)| is_new(file));
    match (new.next(), new.next(), declaring.as_slice()) {
        (Some((heir, _)), None, _) => Some(heir),
        (None, _, [(heir, declared)]) => {
            let is_whole = heir.settings.mode != Mode::Sync || wanted.is_subset(declared);
            is_whole.then_some(*heir)
        }
        _ => None,
    }
}

/// A recorded text.
pub(super) fn read(name: &str, text: &str) -> SeedFile {
    let (text, files) = split(text);
    let parsed = |text: &str| {
        let source = Source {
            name: format!("recorded {name}"),
            text: text.into(),
        };
        parse(name, Arc::new(source))
    };
    let mut file = match parsed(text) {
        // `***` is recorded for a secret, and without quotes it is no text.
        (_, problems) if !problems.is_empty() && text.contains("***") => {
            parsed(&text.replace("***", "'***'")).0
        }
        (file, _) => file,
    };
    // What was wrong with a text is of no interest any more.
    fill(&mut file, &mut |path| {
        let mut files = files.iter();
        match files.find(|(kind, name, _)| *kind == Kind::Rows && *name == path) {
            Some((_, _, text)) => Ok(Arc::new(Source {
                name: format!("recorded {path}"),
                text: text.as_str().into(),
            })),
            None => Err(("no-such-file", "it is not recorded".to_owned())),
        }
    });
    for (kind, name, text) in &files {
        if *kind == Kind::Override {
            merge(&mut file, &read(name, text));
        }
    }
    file
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
    if files.is_empty() {
        return Vec::new();
    }
    let all = recorded(history).map(|(name, _)| name);
    let is_gone = |name: &&str| !seeds.files.iter().any(|file| file.name == *name);
    let key = |name: &str| Key::Seed(name.to_owned());
    all.filter(is_gone).map(key).collect()
}
