//! The set of migrations that a project has. Reading the directory is the only thing here that touches a disk.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::against::Base;
use super::data_tests::named_as_migrations;
use super::downs::{has_words, other_words};
use super::file::{FileName, Order, canonical, checksum, parse_name};
use super::listing::{is_hidden, is_sql, listing};
use super::markers::written_for;
use super::meant::suggest_for_folder;
use super::misfit::{bad_name, contested, left_beside, left_by_merging, not_text_problem};
use super::problem::{self, COMMENTS_ONLY, duplicate, file_name, keep_the_known};
use super::reading::is_comments_only;
use crate::db::HistoryTable;
use crate::diagnostic::Diagnostic;
use crate::layouts::{File, Layout, LayoutChoice, Part, detect, has_contents, is_ours, lay_out};
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

pub(super) fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> ReadError {
    move |source| ReadError::Unreadable {
        path: path.to_path_buf(),
        source,
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
        let found = Found {
            problems: listing.problems,
            ..Found::default()
        };
        let mut set = found.of(files, layout);
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
        Found::default().of(files, layout)
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
        let mut problems = std::mem::take(&mut self.problems);
        keep_the_known(&mut problems, self, |file| {
            base.has(file).then(|| format!("is in {}", base.name))
        });
        self.problems = problems;
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

impl From<Part> for Text {
    fn from(part: Part) -> Text {
        Text {
            checksum: checksum(&part.recorded),
            source: part.source,
            recorded: part.recorded,
            raw: part.raw,
            atomicity: part.atomicity,
        }
    }
}

impl Found {
    /// The set of these files, in the layout that was chosen, or that they have.
    fn of(
        mut self,
        files: impl IntoIterator<Item = (String, Vec<u8>)>,
        choice: Option<LayoutChoice>,
    ) -> Migrations {
        let (mut ours, mut others) = (Vec::new(), Vec::new());
        let is_chosen = choice.is_none_or(|choice| choice.allows(Layout::Seedbed));
        for (name, bytes) in files {
            match is_chosen && is_ours(&name) {
                true => ours.push((name, bytes)),
                false => others.push((name, bytes)),
            }
        }
        // Most folders have no others.
        if others.is_empty() {
            for (name, bytes) in ours {
                self.add(name, bytes);
            }
            return self.set();
        }
        others.append(&mut ours);
        let mut read = Vec::with_capacity(others.len());
        let mut misfits = Vec::new();
        for (path, bytes) in &others {
            if is_hidden(file_name(path)) {
                continue;
            }
            match canonical(bytes) {
                Ok(text) => read.push(File {
                    path: path.clone(),
                    raw: (text.len() != bytes.len()).then(|| bytes.as_slice().into()),
                    text: text.into(),
                }),
                Err(not_text) => misfits.push(not_text_problem(path.clone(), not_text, bytes)),
            }
        }
        let (layout, mixed) = detect(&read, choice);
        if let Some(mixed) = mixed {
            return Migrations {
                layout,
                problems: vec![mixed],
                ..Migrations::default()
            };
        }
        if layout == Layout::Seedbed {
            let is_sql = |name: &str| name.to_ascii_lowercase().ends_with(".sql");
            for (name, bytes) in others.into_iter().filter(|(name, _)| is_sql(name)) {
                self.add(name, bytes);
            }
            return self.set();
        }
        drop(others);
        self.problems.append(&mut misfits);
        self.laid_out(layout, read)
    }

    /// The set of a folder of another tool.
    fn laid_out(mut self, layout: Layout, files: Vec<File>) -> Migrations {
        let laid_out = lay_out(layout, files);
        self.problems.extend(laid_out.problems);
        let mut by_version: BTreeMap<i64, Vec<Migration>> = BTreeMap::new();
        for claim in laid_out.claims {
            let key = Key::Migration(claim.version);
            let undoes = |down: &Part| {
                !is_comments_only(&down.source.text) && !down.source.text.trim().is_empty()
            };
            by_version
                .entry(claim.version)
                .or_default()
                .push(Migration {
                    key,
                    layout,
                    words: claim.words,
                    order: Order::Strict,
                    up: claim.up.into(),
                    // What their tools write into each new file undoes nothing.
                    down: claim.down.filter(undoes).map(Text::from),
                    no_down: None,
                    generated_at: claim.generated_at,
                });
        }
        let mut set = Migrations {
            layout,
            ..Migrations::default()
        };
        for (version, mut claims) in by_version {
            claims.sort_by(|a, b| a.up.source.name.cmp(&b.up.source.name));
            match <[Migration; 1]>::try_from(claims) {
                Ok([migration]) => set.versioned.push(migration),
                Err(claims) => {
                    let files: Vec<&str> =
                        claims.iter().map(|it| it.up.source.name.as_str()).collect();
                    let problem =
                        duplicate(&format!("V{version}"), &files).about(&Key::Migration(version));
                    self.problems.push(problem.help(match layout {
                        Layout::Drizzle => "give one of the entries of the journal another `idx`, and its file another \
                                            number"
                            .to_owned(),
                        _ => {
                            let choice: Vec<String> =
                                files.iter().map(|file| problem::renumber(file, &files)).collect();
                            format!(
                                "keep the one that a database or another branch has, and give a new one the next free \
                                 version: {}",
                                choice.join(" or ")
                            )
                        }
                    }));
                    self.misfits.insert(version);
                    set.contested.insert(version, claims);
                }
            }
        }
        self.problems.sort_by(|a, b| a.file().cmp(&b.file()));
        set.problems = self.problems;
        set.misfits = self.misfits;
        set
    }

    fn add(&mut self, file: String, bytes: Vec<u8>) {
        let last = file_name(&file);
        if is_hidden(last) {
            return;
        }
        let name = match parse_name(last) {
            Ok(name) => name,
            Err(mut bad) => {
                bad.suggestion = bad.suggestion.or_else(|| suggest_for_folder(&file));
                let proposed = bad.suggestion.as_deref().map(parse_name);
                if let Some(Ok(FileName::Versioned { version, .. })) = proposed {
                    self.proposed.insert(version);
                }
                let source = canonical(&bytes).map(|text| {
                    Arc::new(Source {
                        name: file.clone(),
                        text: text.into(),
                    })
                });
                let written_for = source.ok().and_then(|source| written_for(&source));
                self.problems
                    .push(bad_name(file, bad, written_for.as_ref()));
                return;
            }
        };
        let text = match canonical(&bytes) {
            Ok(text) => {
                let text: Arc<str> = match text {
                    Cow::Borrowed(text) => text.into(),
                    // A large file is not in memory three times.
                    Cow::Owned(text) => {
                        drop(bytes);
                        text.into()
                    }
                };
                Text {
                    checksum: checksum(&text),
                    recorded: text.clone(),
                    raw: None,
                    source: Arc::new(Source { name: file, text }),
                    atomicity: Atomicity::default(),
                }
            }
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
            let texts = downs.remove(&version).unwrap_or_default();
            let down = self.the_one_down(version, texts, &claims);
            let is_none = |down: &Text| is_comments_only(&down.source.text);
            let (no_down, down) = match down {
                Some(down) if is_none(&down) => (Some(down), None),
                down => (None, down),
            };
            match <[_; 1]>::try_from(claims) {
                Ok([(order, words, up)]) => set.versioned.push(Migration {
                    key: Key::Migration(version),
                    layout: Layout::Seedbed,
                    words,
                    order,
                    up,
                    down,
                    no_down,
                    generated_at: None,
                }),
                Err(claims) => {
                    self.misfits.insert(version);
                    let problem = contested(version, &claims);
                    let claims = claims.into_iter().map(|(order, words, up)| Migration {
                        key: Key::Migration(version),
                        layout: Layout::Seedbed,
                        words,
                        order,
                        up,
                        down: None,
                        no_down: None,
                        generated_at: None,
                    });
                    set.contested.insert(version, claims.collect());
                    self.problems.push(problem);
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
                let owner = set.versioned.iter().find(|it| has_words(&text, &it.words));
                let owner = owner.filter(|it| it.down.is_none() && it.no_down.is_none());
                self.problems.push(
                    Diagnostic::problem("down-without-up", message)
                        .in_file(&text.source.name)
                        .helps(owner.map(|it| {
                            let up = file_name(&it.up.source.name);
                            format!(
                                "if it undoes {up}: rename it to {}__{}.down.sql",
                                it.key, it.words
                            )
                        }))
                        .help(format!("add the migration V{version}, or remove this file")),
                );
            }
        }
        let words = set.versioned.iter();
        let words = words.filter_map(|file| other_words(file, &set.versioned));
        self.problems.extend(words);
        let repeatable = std::mem::take(&mut self.repeatable);
        let names: BTreeSet<String> = repeatable.keys().cloned().collect();
        for (_, mut claims) in repeatable {
            claims.sort_by(|a, b| a.1.source.name.cmp(&b.1.source.name));
            if let [(words, up)] = &claims[..]
                && let Some(of) = left_beside(words, &names)
            {
                self.problems.push(left_by_merging(&up.source.name, of));
                continue;
            }
            match <[_; 1]>::try_from(claims) {
                Ok([(words, up)]) => set.repeatable.push(Migration {
                    key: Key::Repeatable(words.clone()),
                    layout: Layout::Seedbed,
                    words,
                    order: Order::Any,
                    up,
                    down: None,
                    no_down: None,
                    generated_at: None,
                }),
                Err(claims) => {
                    let files: Vec<&str> = claims
                        .iter()
                        .map(|(_, text)| text.source.name.as_str())
                        .collect();
                    let what = format!("R__{}", claims[0].0);
                    let help = "give one of them another name, or remove it";
                    self.problems.push(duplicate(&what, &files).help(help));
                }
            }
        }
        set.repeatable.sort_by(|a, b| a.key.cmp(&b.key));
        self.problems.sort_by(|a, b| a.file().cmp(&b.file()));
        set.problems = self.problems;
        set.misfits = self.misfits;
        set
    }

    /// The down file of a version. Where several migrations claim the version, each may have one: the one with its words.
    fn the_one_down(
        &mut self,
        version: i64,
        mut texts: Vec<Text>,
        claims: &[(Order, String, Text)],
    ) -> Option<Text> {
        texts.sort_by(|a, b| a.source.name.cmp(&b.source.name));
        if let [_, _, ..] = claims {
            for (_, words, _) in claims {
                let of_it = texts.iter().filter(|text| has_words(text, words));
                let files: Vec<&str> = of_it.map(|text| text.source.name.as_str()).collect();
                if files.len() > 1 {
                    let what = format!("the down file of V{version}__{words}");
                    let problem = duplicate(&what, &files);
                    self.problems.push(problem.help("keep one of them"));
                }
            }
            return None;
        }
        match <[Text; 1]>::try_from(texts) {
            Ok([text]) => Some(text),
            Err(texts) if texts.is_empty() => None,
            Err(texts) => {
                let files: Vec<&str> = texts.iter().map(|text| text.source.name.as_str()).collect();
                self.misfits.insert(version);
                let what = format!("the down file of V{version}");
                self.problems
                    .push(duplicate(&what, &files).help("keep one of them"));
                None
            }
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
