//! The set of migrations that a project has. Reading the directory is the only thing here that touches a disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::against::Base;
use super::clash::{Knowledge, Published, is_clash, keep_the_known};
use super::data_tests::named_as_migrations;
use super::file::{Order, checksum};
use super::found::Found;
use super::listing::{is_sql, listing};
use super::problem::{COMMENTS_ONLY, UNWRITTEN, file_name};
use super::reading::is_comments_only;
use crate::db::HistoryTable;
use crate::diagnostic::Diagnostic;
use crate::history::History;
use crate::layouts::{Layout, LayoutChoice, Part, has_contents, is_unwritten};
use crate::script::{Atomicity, Key, Source};

/// One migration of the set.
#[derive(Debug, Clone, PartialEq)]
pub struct Migration {
    /// Its version, or its name if it is repeatable.
    pub key: Key,
    /// How its file is read.
    pub layout: Layout,
    /// The words of its file name.
    pub words: String,
    /// Whether it may be applied late.
    pub order: Order,
    /// File and canonical text.
    pub up: Text,
    /// The same of its down file.
    pub down: Option<Text>,
    /// Its down file, where that holds comments only: it undoes nothing, and is not recorded.
    pub no_down: Option<Text>,
    /// When its tool generated it, in milliseconds since 1970, where the tool records that.
    pub generated_at: Option<i64>,
}

/// A canonical text and its checksum.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    /// File, and what runs of it: all of it, or a text of the same length in which all else is blank.
    pub source: Arc<Source>,
    /// sha256 of what is recorded.
    pub checksum: String,
    /// What is recorded: the whole text; of a section that undoes, a text that runs without its file.
    pub recorded: Arc<str>,
    /// The bytes of the file, where they are kept because they are others: other tools have hashed them.
    pub(super) raw: Option<Arc<[u8]>>,
    /// Whether its layout takes it out of its transaction. A directive in the text may do so too.
    pub atomicity: Atomicity,
    /// How its file is read.
    pub layout: Layout,
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
    /// The files that claim one version together.
    pub(super) contested: BTreeMap<i64, Vec<Migration>>,
    /// Which files are published, where that is known.
    pub(super) published: Option<Published>,
    /// How the folder is read.
    pub layout: Layout,
    /// The table of the history, which no file may change. It is not read from the files.
    pub history_table: HistoryTable,
}

/// The directory cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// It is not there.
    #[error("there is no folder {}", path.display())]
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

pub(super) fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> ReadError {
    move |source| ReadError::Unreadable {
        path: path.to_path_buf(),
        source,
    }
}

impl Text {
    /// Whether the file has a byte order mark or CRLF. It is known in the layouts of other tools, which hash the bytes.
    pub(crate) fn has_other_line_ends(&self) -> bool {
        self.raw.is_some()
    }
}

impl Migrations {
    /// Reads every file under `directory` whose name ends in `.sql`. Other files are left alone, and so are hidden files
    /// and folders. Its folder `tests` holds data tests ([`DataTests`](super::DataTests)): a migration there is one of the
    /// problems.
    ///
    /// # Errors
    /// [`ReadError`] where the directory or a file cannot be read. Files that can be read and do not fit are
    /// [`Migrations::problems`].
    pub fn read_dir(directory: impl AsRef<Path>) -> Result<Migrations, ReadError> {
        Migrations::read_dir_as(directory, None)
    }

    /// As [`Migrations::read_dir`], in the layout that was chosen; without a choice it is found by the files.
    ///
    /// # Errors
    /// As [`Migrations::read_dir`].
    pub fn read_dir_as(
        directory: impl AsRef<Path>,
        layout: Option<LayoutChoice>,
    ) -> Result<Migrations, ReadError> {
        let listing = listing(directory.as_ref())?;
        let mut files = Vec::with_capacity(listing.files.len());
        for path in listing.files {
            let name = slashes(&path);
            let bytes = match is_sql(&path) || has_contents(&name) {
                true => std::fs::read(&path).map_err(unreadable(&path))?,
                false => Vec::new(),
            };
            files.push((name, bytes));
        }
        let mut set = Found::with(listing.problems).of(files, layout);
        let tests: Vec<String> = listing.tests.iter().map(|it| slashes(it)).collect();
        let misplaced = named_as_migrations(&set, tests.iter().map(String::as_str));
        set.problems.extend(misplaced);
        Ok(set)
    }

    /// Makes a set of file names and contents, in any order. A name may have folders before it.
    pub fn from_files(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Migrations {
        Migrations::from_files_as(files, None)
    }

    /// As [`Migrations::from_files`], in the layout that was chosen.
    pub fn from_files_as(
        files: impl IntoIterator<Item = (String, Vec<u8>)>,
        layout: Option<LayoutChoice>,
    ) -> Migrations {
        Found::with(Vec::new()).of(files, layout)
    }

    /// The set that [`embed!`](crate::embed) compiled in.
    pub fn embedded(files: &[(&str, &[u8])]) -> Migrations {
        Migrations::from_files(
            files
                .iter()
                .map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())),
        )
    }

    /// Of several files with one version, the one of the base keeps it.
    pub fn keep_numbers_of(&mut self, base: &Base) {
        self.published_in(base);
        let mut problems = std::mem::take(&mut self.problems);
        let knowledge = Knowledge {
            published: self.published.as_ref(),
            history: None,
        };
        keep_the_known(&mut problems, self, &knowledge);
        self.problems = problems;
    }

    /// Remembers which of these files the base has: other databases may have applied them. What a plan says about versions
    /// depends on it, where [`Migrations::asks_for_base`].
    pub fn published_in(&mut self, base: &Base) {
        self.published = Some(Published::of(self, base));
    }

    /// Whether it matters which files are published: several have one version, or one is below what is applied.
    pub fn asks_for_base(&self, history: Option<&History>) -> bool {
        let newest = history.and_then(History::version);
        let recorded = history.map(History::by_key).unwrap_or_default();
        let is_late = |file: &Migration| {
            file.order == Order::Strict
                && file.version() < newest
                && !recorded.contains_key(&file.key)
        };
        self.problems.iter().any(is_clash) || self.versioned.iter().any(is_late)
    }

    /// Whether there is no migration.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
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

    /// The files that claim this key, where several do, and so none of them is in the set.
    pub(super) fn claims(&self, key: &Key) -> impl Iterator<Item = &Migration> {
        let claims = match key {
            Key::Migration(version) => self.contested.get(version),
            _ => None,
        };
        claims.into_iter().flatten()
    }

    /// The folder of its files as it is shown, with a slash at its end: that of the newest file, or the one above where
    /// each migration has a folder.
    pub(super) fn folder(&self) -> &str {
        let file = self.versioned.last().or(self.repeatable.last());
        let file = file.map_or("", |file| file.up.source.name.as_str());
        let folder = file.strip_suffix(file_name(file)).unwrap_or_default();
        match file_name(file) {
            "up.sql" | "migration.sql" => {
                let folder = folder.trim_end_matches('/');
                folder.strip_suffix(file_name(folder)).unwrap_or_default()
            }
            _ => folder,
        }
    }

    /// The highest version.
    pub fn newest(&self) -> Option<i64> {
        self.versioned.last().and_then(Migration::version)
    }
}

impl Text {
    /// The whole file.
    pub(super) fn whole(&self) -> Arc<Source> {
        match Arc::ptr_eq(&self.source.text, &self.recorded) {
            true => self.source.clone(),
            false => Arc::new(Source {
                name: self.source.name.clone(),
                text: self.recorded.clone(),
            }),
        }
    }
}

impl Migration {
    /// What its layout calls the text that undoes it.
    pub(super) fn down_words(&self) -> &'static str {
        match self.has_sections() {
            true => "down section",
            false => "down file",
        }
    }

    /// Whether what undoes it stands in its own file.
    pub(super) fn has_sections(&self) -> bool {
        matches!(
            self.layout,
            Layout::Goose | Layout::Dbmate | Layout::SqlMigrate
        )
    }

    /// Whether it holds comments and no statement, and does nothing by intent.
    pub(super) fn is_comments_only(&self) -> bool {
        is_comments_only(&self.up.source.text)
    }

    /// That it is still as `new` wrote it. Recorded like this, it would be applied before its statements are written.
    pub(super) fn unwritten(&self) -> Option<Diagnostic> {
        if !is_unwritten(&self.up.source.text) {
            return None;
        }
        let message = "this file is as `new` wrote it, and holds no statement yet";
        Some(
            Diagnostic::problem(UNWRITTEN, message)
                .about(&self.key)
                .in_file(&self.up.source.name)
                .help("write its statements below the comment; if it is to do nothing, give the reason in a comment of your own"),
        )
    }

    /// That its down file undoes nothing.
    pub(super) fn undoes_nothing(&self) -> Option<Diagnostic> {
        let file = &self.no_down.as_ref()?.source.name;
        let message = "this down file holds comments only, so it counts as none";
        Some(
            Diagnostic::problem(COMMENTS_ONLY, message)
                .warning()
                .about(&self.key)
                .in_file(file)
                .help("write the statements that undo the migration, or remove the file: `undo` refuses it"),
        )
    }

    /// Its version; `None` if it is repeatable.
    pub fn version(&self) -> Option<i64> {
        match self.key {
            Key::Migration(version) => Some(version),
            _ => None,
        }
    }
}

/// A path as it is shown and recorded, the same on every system.
pub(super) fn slashes(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

impl From<Part> for Text {
    fn from(part: Part) -> Text {
        Text {
            checksum: checksum(&part.recorded),
            source: part.source,
            recorded: part.recorded,
            raw: part.raw,
            atomicity: part.atomicity,
            layout: Layout::Seedbed,
        }
    }
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

    fn messages(files: &[&str]) -> Vec<String> {
        let files = files
            .iter()
            .map(|name| ((*name).to_owned(), b"SELECT 1;".to_vec()));
        let set = Migrations::from_files(files);
        set.problems.into_iter().map(|it| it.message).collect()
    }

    #[test]
    fn each_migration_of_a_version_may_have_its_own_down_file() {
        let two = ["V2__feat.sql", "V2__main.sql"];
        let one_problem = ["V2 is claimed by 2 files: V2__feat.sql, V2__main.sql"];
        for downs in [
            &["V2__feat.down.sql", "V2__main.down.sql"][..],
            &["V2__feat.down.sql"],
            &["V2__main.down.sql", "V2__Feat.down.sql"],
        ] {
            assert_eq!(messages(&[&two[..], downs].concat()), one_problem);
        }
        assert_eq!(
            messages(&[
                "V2__feat.sql",
                "V2__main.sql",
                "a/V2__main.down.sql",
                "b/V2__main.down.sql",
            ]),
            [
                one_problem[0],
                "the down file of V2__main is claimed by 2 files: a/V2__main.down.sql, b/V2__main.down.sql",
            ]
        );
        assert_eq!(
            messages(&["V2__main.sql", "V2__main.down.sql", "V2__feat.down.sql"]),
            ["the down file of V2 is claimed by 2 files: V2__feat.down.sql, V2__main.down.sql"]
        );
    }
}
