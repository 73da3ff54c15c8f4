//! How the seeds stand to a database: what `status` shows of them.

use std::borrow::Cow;

use super::apply::{SeedOptions, observe_from};
use super::effective::effective;
use super::guard::requires;
use super::lineage::{Lineage, texts_of_gone};
use super::model::SeedFile;
use super::set::Seeds;
use crate::db::Db;
use crate::diagnostic::Diagnostic;
use crate::history::{History, HistoryError, add_texts};
use crate::migrations::Migrations;
use crate::script::Key;

/// How all seeds of an environment stand.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Standing {
    /// The environment that was looked at.
    pub environment: String,
    /// The mark of the database.
    pub mark: Option<String>,
    /// By name.
    pub items: Vec<Item>,
}

/// How one seed stands.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Item {
    /// Its name.
    pub name: String,
    /// How it stands.
    pub state: State,
    /// sha256 of its file, or of what was recorded where there is no file.
    pub checksum: String,
    /// When it was applied.
    pub applied_at: Option<String>,
    /// How long that took, in whole milliseconds.
    pub duration_ms: Option<i64>,
    /// Its file.
    pub file: Option<String>,
    /// Why it is blocked: the first problem that `seed` would have with it.
    pub reason: Option<String>,
}

/// How a seed stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It was never applied here, or `seed` would write rows of it again: an `undo` dropped their table.
    Pending,
    /// The database has it.
    Applied,
    /// Its file amounts to something else than what was applied.
    Edited,
    /// Its rows were changed by hand.
    Drifted,
    /// It was applied, and its file is gone.
    Missing,
    /// `seed` would fail because of it.
    Blocked,
}

impl State {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            State::Pending => "pending",
            State::Applied => "applied",
            State::Edited => "edited",
            State::Drifted => "drifted",
            State::Missing => "missing",
            State::Blocked => "blocked",
        }
    }
}

impl Standing {
    /// Whether a database that was seeded before lacks something.
    pub fn is_behind(&self) -> bool {
        let open =
            |item: &Item| matches!(item.state, State::Pending | State::Edited | State::Blocked);
        self.mark.is_some() && self.items.iter().any(open)
    }
}

/// The tags of files that were applied: they stay chosen.
pub fn recorded_tags(seeds: &Seeds, history: &History) -> Vec<String> {
    let recorded = history.by_key();
    let mut tags: Vec<String> = seeds
        .files
        .iter()
        .filter(|file| recorded.contains_key(&Key::Seed(file.name.clone())))
        .flat_map(|file| file.settings.tags.iter().map(|tag| tag.value.clone()))
        .collect();
    tags.sort();
    tags.dedup();
    tags
}

/// A problem blocks the seed in whose file it is, and all of them where it is elsewhere. Migrations that are pending, or
/// do not fit, are shown by themselves.
fn block(items: &mut [Item], files: &[&SeedFile], problem: &Diagnostic) {
    if matches!(problem.code, "pending" | "started" | "migrations") {
        return;
    }
    let file = problem.origin().map(|it| it.source.name.as_str());
    // A file of rows belongs to the seeds that name it.
    let has = |file: &&&SeedFile, name: &str| {
        let mut companions = file.companions.iter();
        file.source.name == name || companions.any(|it| it.source.name == name)
    };
    let owners = files
        .iter()
        .filter(|it| file.is_some_and(|name| has(it, name)));
    let owners: Vec<&str> = owners.map(|it| it.name.as_str()).collect();
    let is_its = |item: &Item| item.file.is_some() && owners.contains(&item.name.as_str());
    let one = items.iter().any(is_its);
    for item in items {
        let is_meant = match one {
            true => is_its(item),
            false => item.file.is_some(),
        };
        if is_meant && item.state != State::Blocked {
            item.state = State::Blocked;
            item.reason = Some(in_words(problem));
        }
    }
}

/// `seeds/a.yaml:3:5: table `users` has no column `x``
fn in_words(problem: &Diagnostic) -> String {
    match problem.origin() {
        Some(origin) => {
            let place = origin.place();
            let name = &origin.source.name;
            format!(
                "{name}:{}:{}: {}",
                place.line, place.column, problem.message
            )
        }
        None => problem.message.clone(),
    }
}

/// Compares files with records; and rows with files, where any were applied.
///
/// # Errors
/// As [`crate::history::read`].
pub async fn standing(
    db: &Db,
    seeds: &Seeds,
    set: &Migrations,
    history: &History,
    options: &SeedOptions,
) -> Result<Standing, HistoryError> {
    let files = seeds.select(&options.choice);
    let wanted = |history: &History| texts_of_gone(seeds, &files, history);
    let with_texts = add_texts(db, history.clone(), wanted).await?;
    let lineage = Lineage::of(seeds, &files, &with_texts);
    let mark = history.environment.clone();
    let mut items = Vec::new();
    let hash =
        |file: &&SeedFile| effective(file, seeds.shared.as_ref(), &seeds.attachments, &files);
    let hashes: Vec<String> = files.iter().map(hash).collect();
    for (at, file) in files.iter().copied().enumerate() {
        let row = lineage.record(history, at);
        let hash = &hashes[at];
        let reason = requires(file, history, set).map(|problem| in_words(&problem));
        let state = match row {
            _ if reason.is_some() => State::Blocked,
            Some(row) if row.effective.as_ref() == Some(hash) => State::Applied,
            Some(_) => State::Edited,
            None => State::Pending,
        };
        items.push(Item {
            name: file.name.clone(),
            state,
            checksum: file.checksum.clone(),
            applied_at: row.map(|row| row.applied_at.clone()),
            duration_ms: row.and_then(|row| row.duration_ms),
            file: Some(file.source.name.clone()),
            reason,
        });
    }
    for row in &history.rows {
        if let Key::Seed(name) = &row.key
            && !seeds.files.iter().any(|file| file.name == *name)
            && !lineage.continues(name)
        {
            items.push(Item {
                name: name.clone(),
                state: State::Missing,
                checksum: row.checksum.clone(),
                applied_at: Some(row.applied_at.clone()),
                duration_ms: row.duration_ms,
                file: None,
                reason: None,
            });
        }
    }
    // Looking at a database without seeds stays one request.
    let open = |item: &Item| !matches!(item.state, State::Missing | State::Blocked);
    if items.iter().any(open) {
        // A file for another schema says nothing about the rows of the others.
        let blocked = |name: &str| {
            let is_it = |item: &&Item| item.name == name && item.state == State::Blocked;
            items.iter().any(|item| is_it(&item))
        };
        // They may be large, and mostly all of them fit.
        let mut fitting = Cow::Borrowed(seeds);
        let mut hashes = Some(hashes);
        if seeds.files.iter().any(|file| blocked(&file.name)) {
            fitting.to_mut().files.retain(|file| !blocked(&file.name));
            hashes = None;
        }
        let plan = observe_from(db, &fitting, set, history, options, hashes).await?;
        for problem in plan.problems.iter().filter(|it| it.is_error()) {
            block(&mut items, &files, problem);
        }
        for item in &mut items {
            let planned = plan.files.iter().find(|file| file.name == item.name);
            let Some(planned) = planned.filter(|_| item.state == State::Applied) else {
                continue;
            };
            // Its record is as its file, and `seed` would write: a migration took its table away, or a variable changed.
            if !planned.changes.is_empty() {
                item.state = State::Pending;
            } else if !planned.drifted.is_empty() {
                item.state = State::Drifted;
            }
        }
    }
    // Seeds of another environment, whose rows are there too. `seed` leaves them as they are.
    for row in &history.rows {
        if let Key::Seed(name) = &row.key
            && !items.iter().any(|item| item.name == *name)
            && let Some(file) = seeds.files.iter().find(|file| file.name == *name)
        {
            items.push(Item {
                name: name.clone(),
                state: State::Applied,
                checksum: row.checksum.clone(),
                applied_at: Some(row.applied_at.clone()),
                duration_ms: row.duration_ms,
                file: Some(file.source.name.clone()),
                reason: None,
            });
        }
    }
    items.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Standing {
        environment: options.choice.environment.clone(),
        mark,
        items,
    })
}
