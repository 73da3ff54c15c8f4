//! Files as they come, sorted into what they claim to be: a set, and what is wrong with the files. Pure.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::downs::{has_words, other_words};
use super::file::{FileName, Order, canonical, checksum, parse_name};
use super::listing::is_hidden;
use super::markers::written_for;
use super::meant::suggest_for_folder;
use super::misfit::{bad_name, contested, left_beside, left_by_merging, not_text_problem};
use super::problem::{duplicate, file_name};
use super::reading::is_comments_only;
use super::set::{Migration, Migrations, Text};
use crate::diagnostic::Diagnostic;
use crate::layouts::{File, Layout, LayoutChoice, detect, is_ours};
use crate::script::{Atomicity, Key, Source};

/// Files as they come, sorted into what they claim to be.
#[derive(Default)]
pub(super) struct Found {
    versioned: BTreeMap<i64, Vec<(Order, String, Text)>>,
    /// By name in lower case, since some file systems know no other.
    repeatable: BTreeMap<String, Vec<(String, Text)>>,
    down: BTreeMap<i64, Vec<Text>>,
    pub(super) problems: Vec<Diagnostic>,
    pub(super) misfits: BTreeSet<i64>,
    /// Versions of the names that are proposed for files with bad names.
    proposed: BTreeSet<i64>,
}

impl Found {
    /// Nothing yet, and what is wrong with files that were not read.
    pub(super) fn with(problems: Vec<Diagnostic>) -> Found {
        Found {
            problems,
            ..Found::default()
        }
    }

    /// The set of these files, in the layout that was chosen, or that they have.
    pub(super) fn of(
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
            let none = ours.is_empty();
            for (name, bytes) in ours {
                self.add(name, bytes);
            }
            let mut set = self.set();
            if let Some(choice) = choice.filter(|_| none) {
                set.layout = choice.first();
            }
            return set;
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
                    layout: Layout::Seedbed,
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
