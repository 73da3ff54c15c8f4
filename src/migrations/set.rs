//! The set of migrations that a project has. Reading the directory is the only thing here that touches a disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::{
    BadName, FileName, NotText, Order, are_words_of_undo, canonical, checksum, parse_name,
};
use super::markers::{WrittenFor, written_for};
use super::problem::duplicate;
use crate::db::HistoryTable;
use crate::diagnostic::Diagnostic;
use crate::script::{Key, Source};

/// One migration of the set.
#[derive(Debug, Clone, PartialEq)]
pub struct Migration {
    /// Its version, or its name if it is repeatable.
    pub key: Key,
    /// The words of its file name.
    pub words: String,
    /// Whether it may be applied late.
    pub order: Order,
    /// File and canonical text.
    pub up: Text,
    /// The same of its down file.
    pub down: Option<Text>,
}

/// A canonical text and its checksum.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// File and text.
    pub source: Arc<Source>,
    /// sha256 of the text.
    pub checksum: String,
}

/// All migrations, and what is wrong with their files.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Migrations {
    /// By ascending version.
    pub versioned: Vec<Migration>,
    /// By name.
    pub repeatable: Vec<Migration>,
    /// Files that do not fit. A plan made of this set has them too, so nothing runs.
    pub problems: Vec<Diagnostic>,
    /// The versions in the names of those files.
    pub(super) misfits: BTreeSet<i64>,
    /// The table of the history, which no file may change. It is not read from the files.
    pub history_table: HistoryTable,
    /// Checksums of texts that are published, and may have been applied: see [`Migrations::publish`].
    pub(super) published: BTreeSet<String>,
}

/// The directory cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not there.
    #[error("there is no directory {}", path.display())]
    NoDirectory {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// It, or a file in it, cannot be read.
    #[error("cannot read {}", path.display())]
    Unreadable {
        /// What was read.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

impl Migrations {
    /// Reads every file under `directory` whose name ends in `.sql`. Other files are left alone.
    ///
    /// # Errors
    /// [`ReadError`] where the directory or a file cannot be read. Files that can be read and do not fit are
    /// [`Migrations::problems`].
    pub fn read_dir(directory: impl AsRef<Path>) -> Result<Migrations, ReadError> {
        let mut found = Found::default();
        for path in sql_files(directory.as_ref())? {
            let bytes = std::fs::read(&path).map_err(unreadable(&path))?;
            found.add(slashes(&path), bytes);
        }
        Ok(found.set())
    }

    /// Makes a set of file names and contents, in any order. A name may have folders before it.
    pub fn from_files(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Migrations {
        let mut found = Found::default();
        for (name, bytes) in files {
            found.add(name, bytes);
        }
        found.set()
    }

    /// The set that [`embed!`](crate::embed) compiled in.
    pub fn embedded(files: &[(&str, &[u8])]) -> Migrations {
        Migrations::from_files(
            files
                .iter()
                .map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())),
        )
    }

    /// Takes the files of this set for published: where they are as they were, a check does not judge their comments, as
    /// an instruction to another tool in a file that databases have applied cannot be corrected any more.
    pub fn publish(&mut self, common: &Migrations) {
        let texts = common
            .iter()
            .flat_map(|migration| std::iter::once(&migration.up).chain(&migration.down));
        self.published
            .extend(texts.map(|text| text.checksum.clone()));
    }

    /// All migrations: the versioned by version, then the repeatable by name.
    pub fn iter(&self) -> impl Iterator<Item = &Migration> {
        self.versioned.iter().chain(&self.repeatable)
    }

    /// The migration with this key.
    pub fn get(&self, key: &Key) -> Option<&Migration> {
        let among = match key {
            Key::Migration(_) => &self.versioned,
            _ => &self.repeatable,
        };
        let at = among.binary_search_by(|migration| migration.key.cmp(key));
        among.get(at.ok()?)
    }

    /// The highest version.
    pub fn newest(&self) -> Option<i64> {
        self.versioned.last().and_then(Migration::version)
    }
}

impl Migration {
    /// Its version; `None` if it is repeatable.
    pub fn version(&self) -> Option<i64> {
        match self.key {
            Key::Migration(version) => Some(version),
            _ => None,
        }
    }
}

/// The files that [`Migrations::read_dir`] reads, in no particular order.
pub(super) fn sql_files(directory: &Path) -> Result<Vec<PathBuf>, ReadError> {
    if !directory.is_dir() {
        // A directory that exists and may not be looked at is no directory either, to `is_dir`.
        if let Err(source) = std::fs::read_dir(directory)
            && source.kind() != std::io::ErrorKind::NotFound
        {
            return Err(ReadError::Unreadable {
                path: directory.to_path_buf(),
                source,
            });
        }
        return Err(ReadError::NoDirectory {
            path: directory.to_path_buf(),
        });
    }
    let mut files = Vec::new();
    walk(directory, &mut files)?;
    Ok(files)
}

fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> ReadError {
    move |source| ReadError::Unreadable {
        path: path.to_path_buf(),
        source,
    }
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), ReadError> {
    for entry in std::fs::read_dir(directory).map_err(unreadable(directory))? {
        let entry = entry.map_err(unreadable(directory))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(unreadable(&path))?;
        // A link counts as what it leads to, as whoever put it there expects; only then is a second look needed.
        let is_directory = if kind.is_symlink() {
            let leads_to = std::fs::metadata(&path).map_err(unreadable(&path))?;
            leads_to.is_dir()
        } else {
            kind.is_dir()
        };
        if is_directory {
            walk(&path, files)?;
        } else if is_sql(&path) {
            files.push(path);
        }
    }
    Ok(())
}

fn is_sql(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("sql"))
}

/// A path as it is shown and recorded, the same on every system.
pub(super) fn slashes(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// Files as they come, sorted into what they claim to be.
#[derive(Default)]
struct Found {
    versioned: BTreeMap<i64, Vec<(Order, String, Text)>>,
    /// By name in lower case, since some file systems know no other.
    repeatable: BTreeMap<String, Vec<(String, Text)>>,
    down: BTreeMap<i64, Vec<Text>>,
    problems: Vec<Diagnostic>,
    misfits: BTreeSet<i64>,
    /// Versions of the names that are proposed for files with bad names.
    proposed: BTreeSet<i64>,
}

impl Found {
    fn add(&mut self, file: String, bytes: Vec<u8>) {
        let name = match parse_name(file.rsplit('/').next().unwrap_or(&file)) {
            Ok(name) => name,
            Err(bad) => {
                let proposed = bad.suggestion.as_deref().map(parse_name);
                if let Some(Ok(FileName::Versioned { version, .. })) = proposed {
                    self.proposed.insert(version);
                }
                let source = canonical(&bytes).map(|text| {
                    Arc::new(Source {
                        name: file.clone(),
                        text,
                    })
                });
                let written_for = source.ok().and_then(|source| written_for(&source));
                self.problems
                    .push(bad_name(file, bad, written_for.as_ref()));
                return;
            }
        };
        let text = match canonical(&bytes) {
            Ok(text) => Text {
                checksum: checksum(&text),
                source: Arc::new(Source { name: file, text }),
            },
            Err(not_text) => {
                self.misfits.extend(name.version());
                self.problems.push(not_text_problem(file, not_text, &bytes));
                return;
            }
        };
        match name {
            FileName::Versioned {
                version,
                words,
                order,
            } => self
                .versioned
                .entry(version)
                .or_default()
                .push((order, words, text)),
            FileName::Repeatable { words } => self
                .repeatable
                .entry(words.to_lowercase())
                .or_default()
                .push((words, text)),
            FileName::Down { version, .. } => self.down.entry(version).or_default().push(text),
        }
    }

    fn set(mut self) -> Migrations {
        let mut set = Migrations::default();
        let mut downs = std::mem::take(&mut self.down);
        for (version, mut claims) in std::mem::take(&mut self.versioned) {
            claims.sort_by(|a, b| a.2.source.name.cmp(&b.2.source.name));
            let down = self.the_one_down(version, downs.remove(&version));
            match <[_; 1]>::try_from(claims) {
                Ok([(order, words, up)]) => set.versioned.push(Migration {
                    key: Key::Migration(version),
                    words,
                    order,
                    up,
                    down,
                }),
                Err(claims) => {
                    self.misfits.insert(version);
                    self.problems.push(contested(version, &claims));
                }
            }
        }
        for (version, texts) in downs {
            self.misfits.insert(version);
            // Its migration is there, and has to be renamed.
            if self.proposed.contains(&version) {
                continue;
            }
            for text in texts {
                let message = format!("a down file for V{version}, and there is no V{version}");
                self.problems.push(
                    Diagnostic::problem("down-without-up", message)
                        .in_file(&text.source.name)
                        .help(format!("add the migration V{version}, or remove this file")),
                );
            }
        }
        for (_, mut claims) in std::mem::take(&mut self.repeatable) {
            claims.sort_by(|a, b| a.1.source.name.cmp(&b.1.source.name));
            match <[_; 1]>::try_from(claims) {
                Ok([(words, up)]) => set.repeatable.push(Migration {
                    key: Key::Repeatable(words.clone()),
                    words,
                    order: Order::Any,
                    up,
                    down: None,
                }),
                Err(claims) => {
                    let files: Vec<&str> = claims
                        .iter()
                        .map(|(_, text)| text.source.name.as_str())
                        .collect();
                    let what = format!("R__{}", claims[0].0);
                    self.problems.push(duplicate(&what, &files));
                }
            }
        }
        set.repeatable.sort_by(|a, b| a.key.cmp(&b.key));
        self.problems.sort_by(|a, b| a.file().cmp(&b.file()));
        set.problems = self.problems;
        set.misfits = self.misfits;
        set
    }

    fn the_one_down(&mut self, version: i64, texts: Option<Vec<Text>>) -> Option<Text> {
        match <[Text; 1]>::try_from(texts?) {
            Ok([text]) => Some(text),
            Err(texts) => {
                let mut files: Vec<&str> =
                    texts.iter().map(|text| text.source.name.as_str()).collect();
                files.sort_unstable();
                self.misfits.insert(version);
                let what = format!("the down file of V{version}");
                self.problems.push(duplicate(&what, &files));
                None
            }
        }
    }
}

/// Several files claim one version.
fn contested(version: i64, claims: &[(Order, String, Text)]) -> Diagnostic {
    if let [(Order::Any, words, undo), (Order::Strict, _, up)]
    | [(Order::Strict, _, up), (Order::Any, words, undo)] = claims
    {
        return Diagnostic::problem(
            "undo-prefix",
            format!(
                "a U file beside the V file of the same version, {}: U means that a migration may be applied out of \
                 order, not that it undoes another",
                up.source.name
            ),
        )
        .in_file(&undo.source.name)
        .help(format!(
            "if it takes the other back, rename it to V{version}__{words}.down.sql"
        ));
    }
    if let [(_, words, one), (_, other_words, other)] = claims
        && are_words_of_undo(words) != are_words_of_undo(other_words)
    {
        let (undo, up, words) = match are_words_of_undo(words) {
            true => (one, other, other_words),
            false => (other, one, words),
        };
        let message = format!(
            "V{version} is claimed by two files, and the name of this one says that it undoes the other, {}",
            up.source.name
        );
        return Diagnostic::problem("duplicate", message)
            .in_file(&undo.source.name)
            .help(format!("rename it to V{version}__{words}.down.sql"));
    }
    let files: Vec<&str> = claims
        .iter()
        .map(|(_, _, text)| text.source.name.as_str())
        .collect();
    duplicate(&format!("V{version}"), &files)
}

/// A name that fits no rule. Where the file is written for another tool, another name alone is not enough.
fn bad_name(file: String, bad: BadName, written_for: Option<&WrittenFor>) -> Diagnostic {
    let BadName { why, suggestion } = bad;
    let message = match written_for {
        Some(written) => format!("the name {why}; and {}", written.why()),
        None => format!("the name {why}"),
    };
    let cure = written_for.map(|it| it.cure(suggestion.as_deref().unwrap_or("V{n}__{words}.sql")));
    let help = match (suggestion, cure) {
        (Some(name), Some(cure)) if !cure.contains(&name) => format!("rename it to {name}, {cure}"),
        (_, Some(cure)) => cure,
        (Some(name), None) => format!("rename it to {name}"),
        (None, None) => "names are V{n}__{words}.sql, U{n}__{words}.sql, R__{words}.sql and \
                         V{n}__{words}.down.sql"
            .to_owned(),
    };
    Diagnostic::problem("bad-name", message)
        .in_file(file)
        .notes(written_for.and_then(|written| written.listed("markers at", 0)))
        .help(help)
}

fn not_text_problem(file: String, not_text: NotText, bytes: &[u8]) -> Diagnostic {
    let line = |at: usize| 1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count();
    let (message, help) = match not_text {
        NotText::Utf16 => ("this file is UTF-16".to_owned(), "save it as UTF-8"),
        NotText::NotUtf8(at) => (
            format!(
                "this file is not UTF-8 from byte {at} on, in line {}",
                line(at)
            ),
            "save it as UTF-8",
        ),
        NotText::Nul(at) => (
            format!("there is a NUL byte at byte {at}, in line {}", line(at)),
            "remove it: the engine would read no further, without a word",
        ),
    };
    Diagnostic::problem("not-text", message)
        .in_file(file)
        .help(help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_do_not_fit_claim_their_versions() {
        let files = [
            "m/V1__a.sql",
            "m/V2__b.sql",
            "m/V2__c.sql",
            "m/V9__x.down.sql",
            "m/bad.sql",
        ];
        let set =
            Migrations::from_files(files.map(|name| (name.to_owned(), b"SELECT 1;".to_vec())));
        assert_eq!(set.misfits, BTreeSet::from([2, 9]));
    }

    fn problems(files: &[&str]) -> Vec<String> {
        let files = files
            .iter()
            .map(|name| ((*name).to_owned(), b"SELECT 1;".to_vec()));
        let set = Migrations::from_files(files);
        let shown = |it: &Diagnostic| format!("{} {}", it.file().unwrap(), it.help.concat());
        set.problems.iter().map(shown).collect()
    }

    #[test]
    fn a_file_that_undoes_a_migration_is_not_proposed_as_one() {
        assert_eq!(
            problems(&["V1__a.up.sql", "V1__a.down.sql"]),
            ["V1__a.up.sql rename it to V1__a.sql"]
        );
        for undo in [
            "V1__a_undo.sql",
            "V1__rollback_a.sql",
            "V1__a.undo.sql",
            "1_a_down.sql",
        ] {
            assert_eq!(
                problems(&["V1__a.sql", undo]),
                [format!("{undo} rename it to V1__a.down.sql")]
            );
        }
    }
}
