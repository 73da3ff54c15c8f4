//! The same statements under two versions: a migration that was copied to another branch and renumbered there, and then
//! both branches were merged. Such statements run twice. Pure.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};

use super::against::Base;
use super::file::meaning;
use super::identity::changes_something;
use super::problem::file_name;
use super::set::{Migration, Migrations};
use crate::diagnostic::{Diagnostic, Location};
use crate::sql::{Kind, TokenKind, kind, significant, split};

/// How a file stands that has the statements of another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It is new, or would be applied now.
    New,
    /// It has been applied, or may have been.
    Old,
}

/// What is wrong with the new files of a set without a base: the newest one is new.
pub fn same_texts(set: &Migrations) -> Vec<Diagnostic> {
    let newest = set.newest();
    repeated(set, |file| match file.version() == newest {
        true => Standing::New,
        false => Standing::Old,
    })
    .map(|(file, other, of)| in_two_files(file, other, of))
    .collect()
}

/// The same for the files that a base does not have.
pub(super) fn same_texts_as_in(set: &Migrations, base: &Base) -> Vec<Diagnostic> {
    repeated(set, |file| match base.has(file) {
        true => Standing::Old,
        false => Standing::New,
    })
    .map(|(file, other, of)| in_two_files(file, other, of))
    .chain(merged_meanwhile(set, base))
    .collect()
}

/// The new files whose statements the base has got under another version since the branch left it.
fn merged_meanwhile(set: &Migrations, base: &Base) -> Vec<Diagnostic> {
    let text = |file: &Migration| meaning(&file.up.source.text);
    let is_of = |among: &Migrations, file: &Migration| {
        among
            .get(&file.key)
            .is_some_and(|known| text(known) == text(file))
    };
    let merged = base.tip.versioned.iter();
    let merged = merged.filter(|file| !is_of(&base.common, file) && !is_of(set, file));
    let merged: HashMap<String, &Migration> = merged.map(|file| (text(file), file)).collect();
    let new = set
        .versioned
        .iter()
        .filter(|file| !merged.is_empty() && !base.has(file));
    new.filter(|file| counts_twice(&file.up.source.text))
        .filter_map(|file| {
            let other = merged.get(&text(file))?;
            let (name, other_name) = (name(file), name(other));
            let message = format!(
                "{name} has the same statements as {other_name}, which is in {}: a database runs them twice",
                base.name
            );
            Some(
                Diagnostic::problem("same-text", message)
                    .warning()
                    .about(&file.key)
                    .in_file(&file.up.source.name)
                    .help(format!("if {name} is a copy of it, remove {name}")),
            )
        })
        .collect()
}

/// Each new file whose statements another file has too: an old one, or else a new one with a lower version.
pub(super) fn repeated(
    set: &Migrations,
    standing: impl Fn(&Migration) -> Standing,
) -> impl Iterator<Item = (&Migration, &Migration, Standing)> {
    // Files that begin in another way have another meaning, and to tell a meaning all of a text is read.
    let begins = set.versioned.iter();
    let begins: Vec<u64> = begins.map(|file| beginning(&file.up.source.text)).collect();
    let mut beginnings: HashMap<u64, usize> = HashMap::new();
    for begins in &begins {
        *beginnings.entry(*begins).or_default() += 1;
    }
    let mut new: Vec<(&Migration, String)> = Vec::new();
    // By meaning: the first old file, and the first new one.
    let mut first: HashMap<String, [Option<&Migration>; 2]> = HashMap::new();
    let any_is_new = set
        .versioned
        .iter()
        .any(|file| standing(file) == Standing::New);
    let files = set.versioned.iter().zip(&begins);
    let compared = files.filter(|(_, begins)| any_is_new && beginnings.get(begins) != Some(&1));
    for (file, _) in compared {
        let meaning = meaning(&file.up.source.text);
        let standing = standing(file);
        let [old, of_new] = first.entry(meaning.clone()).or_default();
        match standing {
            Standing::Old => old,
            Standing::New => of_new,
        }
        .get_or_insert(file);
        if standing == Standing::New {
            new.push((file, meaning));
        }
    }
    new.into_iter().filter_map(move |(file, meaning)| {
        let [old, of_new] = first.get(&meaning)?;
        let other = match (old, of_new) {
            (Some(old), _) => (*old, Standing::Old),
            (None, Some(other)) if other.key != file.key => (*other, Standing::New),
            _ => return None,
        };
        counts_twice(&file.up.source.text).then_some((file, other.0, other.1))
    })
}

/// A number of the first tokens of a text, as far as they are part of its meaning: other numbers, other meanings.
fn beginning(text: &str) -> u64 {
    const TOKENS: usize = 12;
    let mut words = String::with_capacity(128);
    for token in significant(text).take(TOKENS) {
        let begin = words.len();
        words.push_str(token.text(text));
        if token.kind == TokenKind::Word {
            words[begin..].make_ascii_lowercase();
        }
        words.push(' ');
    }
    let mut beginning = DefaultHasher::new();
    beginning.write(words.as_bytes());
    beginning.finish()
}

/// Whether a second run does more than the first one did.
fn counts_twice(text: &str) -> bool {
    let only_where_missing =
        |sql: &str| matches!(kind(sql), Kind::Create(object) if object.if_exists);
    let statements = split(text).unwrap_or_default();
    let mut statements = statements.iter().map(|statement| statement.text(text));
    changes_something(text) && !statements.all(only_where_missing)
}

/// Two files of one folder.
fn in_two_files(file: &Migration, other: &Migration, of: Standing) -> Diagnostic {
    let (name, other_name) = (name(file), name(other));
    let message =
        format!("{name} has the same statements as {other_name}: a database runs them twice");
    about(file, other, of, "same-text", message)
}

/// A pending file with the statements of another pending one, or of one that the database has run.
pub(super) fn would_run_twice(file: &Migration, other: &Migration, of: Standing) -> Diagnostic {
    let (name, other_name) = (name(file), name(other));
    match of {
        Standing::New => {
            let message = format!(
                "{name} has the same statements as {other_name}, and both are pending: they run twice"
            );
            about(file, other, of, "same-text", message)
        }
        Standing::Old => {
            let message = format!(
                "{name} has the same statements as {other_name}, which this database has already run: they run a second \
                 time"
            );
            about(file, other, of, "same-text-applied", message)
        }
    }
}

fn about(
    file: &Migration,
    other: &Migration,
    of: Standing,
    code: &'static str,
    message: String,
) -> Diagnostic {
    Diagnostic::problem(code, message)
        .warning()
        .about(&file.key)
        .in_file(&file.up.source.name)
        .related("the same statements", Location::file(&other.up.source.name))
        .help(match of {
            Standing::Old => format!("if {} is a copy of it, remove {}", name(file), name(file)),
            Standing::New => format!(
                "if one is a copy of the other, remove {} or {} before a database runs both",
                name(other),
                name(file)
            ),
        })
}

fn name(file: &Migration) -> &str {
    file_name(&file.up.source.name)
}
