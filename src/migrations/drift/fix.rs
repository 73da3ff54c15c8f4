//! A migration file that takes a drift away, or takes it over. It writes files, and records a file that describes what the
//! database has already; it never changes the schema of the database.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::noted::comments;
use super::renamed::renames;
use super::statements::{PutRight, Sides, put_right};
use super::{Drift, DriftError, Look, look};
use crate::db::{Db, HistoryTable};
use crate::diagnostic::Diagnostic;
use crate::drive::OnEvent;
use crate::history::History;
use crate::layouts::{Layout, LayoutChoice};
use crate::migrations::baseline::{
    BaselineError, BaselineOptions, baseline, recorded_acts, replay_in_order,
    with_deleted_where_they_ran,
};
use crate::migrations::create::{CreateError, NewOptions, create};
use crate::migrations::file::checksum;
use crate::migrations::rehearse::{Act, Rehearsal, Stopped, Way};
use crate::migrations::set::{Migration, Migrations, ReadError};
use crate::schema::{Difference, Schema, compare};
use crate::script::{Entry, Key, Record, Run, Source};
use crate::sql::{Kind, What, kind};

/// What becomes of a drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FixKind {
    /// A new migration makes the schema as the database has it, and is recorded as applied there.
    Adopt,
    /// A new migration makes the schema as the recorded migrations do; the next `migrate` applies it.
    Revert,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Fixed {
    /// The drift.
    pub drift: Drift,
    /// The file; none where there is no drift.
    pub file: Option<PathBuf>,
    /// Its text.
    pub text: String,
    /// Its version.
    pub version: Option<i64>,
    /// What was taken for a rename, each as a sentence, where the file adopts a drift.
    pub renamed: Vec<String>,
    /// What a database loses that runs a file that adopts a drift, each as a sentence.
    pub lost: Vec<String>,
}

/// No file was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FixError {
    /// The drift is not known.
    #[error(transparent)]
    Drift(#[from] DriftError),
    /// No file can do it.
    #[error("no migration file can do that")]
    Refused(Vec<Diagnostic>),
    /// The file cannot be written.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// The files cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The file could not be recorded, and was removed.
    #[error(transparent)]
    Record(#[from] BaselineError),
}

/// Looks for drift, writes a migration file about it into `directory`, and records it where it describes what is there. The
/// statements were run in memory before: with the drift, without it, or both.
///
/// # Errors
/// [`FixError`]; no file is left then, and nothing was recorded.
pub async fn fix(
    db: &Db,
    kind: FixKind,
    (directory, layout): (&Path, Option<LayoutChoice>),
    now: SystemTime,
    run: &Run,
    on_event: &OnEvent,
) -> Result<Fixed, FixError> {
    let mut set = Migrations::read_dir_as(directory, layout)?;
    set.history_table = db.history_table().clone();
    let look = look(db).await?;
    if look.drift.objects.is_empty() {
        return Ok(Fixed {
            drift: look.drift,
            file: None,
            text: String::new(),
            version: None,
            renamed: Vec::new(),
            lost: Vec::new(),
        });
    }
    let problems = obstacles(&set, &look.history);
    if !problems.is_empty() {
        return Err(FixError::Refused(problems));
    }
    let drift = look.drift.clone();
    let Made {
        content: written,
        renamed,
        lost,
    } = match kind {
        FixKind::Revert => Made {
            content: reverting(look).await?,
            renamed: Vec::new(),
            lost: Vec::new(),
        },
        FixKind::Adopt => adopting(look, &set).await?,
    };
    let text = written.text(set.layout);
    if set.layout == Layout::Drizzle {
        return Err(FixError::Refused(vec![left_to_drizzle(kind, &text)]));
    }
    let words = match kind {
        FixKind::Revert => "revert drift",
        FixKind::Adopt => "adopt drift",
    };
    let options = NewOptions::new(words).layout(set.layout);
    let paths = create(directory, &options, now)?;
    let Some(path) = paths.into_iter().next() else {
        return Err(refused("the layout of this folder has no file for it"));
    };
    let file = path.clone();
    let written = tokio::task::spawn_blocking(move || {
        let written = std::fs::write(&file, &text);
        (written, text)
    });
    let (written, text) = match written.await {
        Ok((Ok(()), text)) => (Ok(()), text),
        Ok((Err(source), text)) => (Err(source), text),
        Err(error) => (Err(std::io::Error::other(error)), String::new()),
    };
    if let Err(source) = written {
        let _ = std::fs::remove_file(&path);
        return Err(CreateError::Write { path, source }.into());
    }
    let recorded = async {
        let mut set = Migrations::read_dir_as(directory, layout)?;
        set.history_table = db.history_table().clone();
        let name = crate::migrations::set::slashes(&path);
        let new = set.versioned.iter().find(|it| it.up.source.name == name);
        let version = new.and_then(Migration::version);
        if let (FixKind::Adopt, Some(version)) = (kind, version) {
            baseline(db, &set, &BaselineOptions::new(version), run, on_event).await?;
        }
        Ok::<Option<i64>, FixError>(version)
    };
    match recorded.await {
        Ok(version) => Ok(Fixed {
            drift,
            file: Some(path),
            text,
            version,
            renamed,
            lost,
        }),
        Err(error) => {
            let _ = std::fs::remove_file(&path);
            Err(error)
        }
    }
}

/// A drift whose statements only a person can write.
fn not_adopted(why: String) -> FixError {
    let help = "write the statements that keep the values into a file of `new`; then `baseline V` with its version records \
                it here, and other databases run it";
    FixError::Refused(vec![Diagnostic::problem("no-fix", why).help(help)])
}

fn refused(why: impl Into<String>) -> FixError {
    FixError::Refused(vec![Diagnostic::problem("no-fix", why)])
}

/// drizzle-kit numbers its files and keeps a journal of them: what to write into the one that it makes.
fn left_to_drizzle(kind: FixKind, text: &str) -> Diagnostic {
    let message = format!(
        "a file for {} is not written by this command",
        Layout::Drizzle.tools()
    );
    let help = match kind {
        FixKind::Revert => {
            "write this into the file that `drizzle-kit generate --custom` makes, then `migrate`"
        }
        FixKind::Adopt => {
            "write this into the file that `drizzle-kit generate --custom` makes, then `baseline V` with its number records \
             it here"
        }
    };
    Diagnostic::problem("no-fix", message)
        .note(format!("what it would hold:\n{}", text.trim_end()))
        .help(help)
}

/// What has to be done before.
fn obstacles(set: &Migrations, history: &History) -> Vec<Diagnostic> {
    let errors = set.problems.iter().filter(|it| it.is_error());
    let mut problems: Vec<Diagnostic> = errors.cloned().collect();
    let recorded = history.by_key();
    let pending = set.versioned.iter();
    let pending = pending.filter(|it| !recorded.contains_key(&it.key));
    problems.extend(pending.map(pending_below));
    problems
}

/// A version that is to run before the new file, which is made for the schema without it.
fn pending_below(migration: &Migration) -> Diagnostic {
    let message = format!(
        "{} is pending, and the new file would run after it, on another schema than the recorded one",
        migration.key
    );
    Diagnostic::problem("pending", message)
        .about(&migration.key)
        .in_file(&migration.up.source.name)
        .help(
            "`migrate` applies it; where the drift is in its way, `migrate --allow-drift` does. Then run this again",
        )
        .help(
            "to repair the drift first, move the file out of the folder, run this again, and put the file back with a \
             version above the new one",
        )
}

/// The file that makes the schema as the migrations do, whether or not the database has drifted.
async fn reverting(look: Look) -> Result<Content, FixError> {
    let differences: Vec<Difference> = differences(&look);
    let PutRight { statements, lost } = put_right(&look.sides, &differences).map_err(refused)?;
    let mut head = format!("-- seedbed: reverts {}\n", look.drift.fingerprint);
    head.push_str(&comments(&differences));
    for lost in lost {
        let lost = lost.replace('\n', " ");
        head.push_str(&format!("-- Where that drift is, {lost}.\n"));
    }
    let content = Content { head, statements };
    let text = content.text(Layout::Seedbed);
    let without = look.expected;
    proven(without, &text, &look.sides.expected, "without the drift").await?;
    match look.sides.as_found {
        Ok(with) => proven(with, &text, &look.sides.expected, "with the drift").await?,
        Err(why) => return Err(refused(why)),
    }
    Ok(content)
}

/// The file that makes the schema as the database has it.
async fn adopting(look: Look, set: &Migrations) -> Result<Made, FixError> {
    let mut differences = differences(&look);
    let Look {
        drift,
        history,
        expected: recorded,
        dropped,
        sides,
    } = look;
    let found = sides.found.clone();
    let renames = renames(&recorded, &sides, &differences).await;
    let renames = renames.map_err(DriftError::Memory)?;
    let sides = match renames.statements.as_slice() {
        [] => sides,
        _ => {
            let before = recorded.schema().await.map_err(DriftError::Memory)?;
            let left_out = compare(&sides.expected, &before);
            let mut renamed = renames.after.schema().await.map_err(DriftError::Memory)?;
            renamed.objects.retain(|it| {
                let is_it = |other: &Difference| {
                    let other = other.object();
                    other.kind == it.kind && other.name.eq_ignore_ascii_case(&it.name)
                };
                !left_out.iter().any(is_it)
            });
            differences = compare(&renamed, &found);
            let sides = Sides::new(&renames.after, renamed, found.clone()).await;
            sides.map_err(DriftError::Memory)?
        }
    };
    let differences: Vec<Difference> = differences.into_iter().map(turned).collect();
    let put_right = put_right(&sides.turned(), &differences).map_err(not_adopted)?;
    let PutRight { statements, lost } = put_right;
    let lines = drift.objects.iter().map(|it| {
        let object = it.difference.object();
        let name = object.name.replace('\n', " ");
        let what = match it.difference {
            Difference::Missing { .. } => "dropped",
            Difference::Unexpected { .. } => "made",
            Difference::Different { .. } => "changed",
        };
        let kind = object.kind.word();
        format!("-- Without a migration, {kind} {name} was {what}.\n")
    });
    let line = |words: &str| words.replace('\n', " ");
    let taken = renames.words.iter();
    let taken = taken.map(|it| format!("-- Taken for a rename: {}.\n", line(it)));
    let losses = lost.iter();
    let losses = losses.map(|it| format!("-- In a database that runs this, {}.\n", line(it)));
    let mut all = renames.statements;
    all.extend(statements);
    let content = Content {
        head: lines.chain(taken).chain(losses).collect(),
        statements: all,
    };
    let text = content.text(Layout::Seedbed);
    let without = "on a database without the drift";
    proven(recorded, &text, &found, without).await?;
    // A new database runs it before the repeatable migrations, which may make an object again.
    let (act, entry) = read(&text, &history.table);
    let mut acts = recorded_acts(&history);
    acts.retain(|key, _| !dropped.contains(key));
    let key = entry.key.to_string();
    acts.insert(entry.key.clone(), (entry.clone(), act.clone()));
    let in_order = acts.into_values().collect();
    let first = on_a_new_database(in_order, &history, &found, &key).await;
    // What a repeatable without a file made, a later version may have dropped.
    let mut acts = recorded_acts(&history);
    acts.insert(entry.key.clone(), (entry, act));
    match (first, with_deleted_where_they_ran(set, &history, &acts)) {
        (Err(first), Some(as_they_ran)) => {
            on_a_new_database(as_they_ran, &history, &found, &key)
                .await
                .map_err(|_| first)?;
        }
        (first, _) => first?,
    }
    Ok(Made {
        content,
        renamed: renames.words,
        lost,
    })
}

async fn on_a_new_database(
    acts: Vec<(Entry, Act)>,
    history: &History,
    expected: &Schema,
    key: &str,
) -> Result<(), FixError> {
    let (made, _) =
        replay_in_order(acts, &history.table)
            .await
            .map_err(|stopped| match stopped {
                Stopped::Db(error) => DriftError::Memory(error).into(),
                Stopped::Problem(problem) => refused(format!(
                    "the statements that were made for it fail on a new database: {}",
                    without_number(&problem.diagnostic.message, key)
                )),
            })?;
    comes_to(&made, expected, "on a new database").await
}

fn differences(look: &Look) -> Vec<Difference> {
    let objects = look.drift.objects.iter();
    objects.map(|it| it.difference.clone()).collect()
}

fn turned(difference: Difference) -> Difference {
    match difference {
        Difference::Missing { expected } => Difference::Unexpected { found: expected },
        Difference::Unexpected { found } => Difference::Missing { expected: found },
        Difference::Different { expected, found } => Difference::Different {
            expected: found,
            found: expected,
        },
    }
}

/// What a file is to hold, and what it does elsewhere.
struct Made {
    content: Content,
    renamed: Vec<String>,
    lost: Vec<String>,
}

/// What is in a file.
struct Content {
    /// Comments.
    head: String,
    statements: Vec<String>,
}

impl Content {
    /// The file, as the tool of this layout takes it.
    fn text(&self, layout: Layout) -> String {
        let (up, triggers) = match layout {
            Layout::Goose => (
                "\n-- +goose Up\n",
                Some(("-- +goose StatementBegin\n", "-- +goose StatementEnd\n")),
            ),
            Layout::SqlMigrate => (
                "\n-- +migrate Up\n",
                Some(("-- +migrate StatementBegin\n", "-- +migrate StatementEnd\n")),
            ),
            Layout::Dbmate => ("\n-- migrate:up\n", None),
            _ => ("", None),
        };
        let mut text = format!("{}{up}", self.head);
        for (number, statement) in self.statements.iter().enumerate() {
            text.push_str(match layout {
                Layout::Drizzle if number > 0 => "--> statement-breakpoint\n",
                _ => "\n",
            });
            // A semicolon in a trigger ends a statement there.
            let is_trigger =
                matches!(kind(statement), Kind::Create(it) if it.what == What::Trigger);
            let (begin, end) = triggers.filter(|_| is_trigger).unwrap_or_default();
            text.push_str(&format!("{begin}{statement};\n{end}"));
        }
        text
    }
}

/// Runs the file in memory, and compares what it makes.
async fn proven(
    mut on: Rehearsal,
    text: &str,
    expected: &Schema,
    which: &str,
) -> Result<(), FixError> {
    let (act, entry) = read(text, on.db().history_table());
    let key = entry.key.to_string();
    if let Some(problem) = act.problems().iter().find(|it| it.is_error()) {
        return Err(refused(problem.message.clone()));
    }
    // Nothing follows that could repair what it breaks, as where a file is undone.
    match on.act(Record::Insert(entry), &act, Way::Undo).await {
        Ok(()) => {}
        Err(Stopped::Db(error)) => return Err(DriftError::Memory(error).into()),
        Err(Stopped::Problem(problem)) => {
            let words = problem.diagnostic.message;
            let words = words.split(" (taking it back").next().unwrap_or(&words);
            let words = without_number(words, &key);
            let message = format!("the statements that were made for it fail {which}: {words}");
            return Err(refused(message));
        }
    }
    comes_to(&on, expected, which).await
}

/// A message about the file, which has no number yet.
fn without_number(message: &str, key: &str) -> String {
    message.replace(key, "the new file")
}

/// The file as it is read before it is written, and its record.
fn read(text: &str, table: &HistoryTable) -> (Act, Entry) {
    let source = Arc::new(Source {
        name: "the new file".to_owned(),
        text: text.into(),
    });
    let entry = Entry {
        key: Key::Migration(i64::MAX),
        name: "drift".to_owned(),
        checksum: checksum(text),
        effective: None,
        source: "".into(),
        down: None,
        detail: serde_json::Map::new(),
    };
    (Act::of(&source, table), entry)
}

/// Compares the schema of a database in memory.
async fn comes_to(on: &Rehearsal, expected: &Schema, which: &str) -> Result<(), FixError> {
    let made = on.schema().await.map_err(DriftError::Memory)?;
    let differences = compare(expected, &made);
    // Tables that were left out are there in memory, too.
    let left = differences
        .iter()
        .find(|it| !matches!(it, Difference::Unexpected { .. }));
    match left {
        None => Ok(()),
        Some(difference) => {
            let message = format!(
                "the statements that were made for it do not come to that schema {which}: {difference}"
            );
            let help = "an object that a repeatable migration makes is changed in the file of that migration";
            Err(FixError::Refused(vec![
                Diagnostic::problem("no-fix", message).help(help),
            ]))
        }
    }
}
