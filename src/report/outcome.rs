//! What was done, one line each, and where the database stands now.

use std::time::{Duration, SystemTime};

use super::style::{BAD, GOOD, OTHER, Style, WAITS};
use super::words::{count, database_is_at, duration, in_words, printable};
use crate::db::OtherRun;
use crate::migrations::{Done, Event, Outcome, Statement, Verb};
use crate::script::Key;

/// The command whose outcome it is: the same change to a record has another word in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// `migrate`.
    Migrate,
    /// `undo`.
    Undo,
    /// `redo`.
    Redo,
    /// `repair`.
    Repair,
    /// `baseline`.
    Baseline,
}

/// What a command did, one line for each unit, and the version that the database is at. The warnings of the outcome
/// are a [`Report`](super::Report) of their own.
pub fn outcome(outcome: &Outcome, change: Change, style: Style<'_>) -> String {
    let at = database_is_at(outcome.version);
    if outcome.done.is_empty() {
        return format!("nothing to do: {at}\n");
    }
    let mut text = String::new();
    for done in &outcome.done {
        line(&mut text, done, change, style);
        text.push('\n');
    }
    text.push_str(&at);
    text.push('\n');
    text
}

fn line(text: &mut String, done: &Done, change: Change, style: Style<'_>) {
    let (verb, colour, after) = match (change, done.verb) {
        (Change::Baseline, Verb::Applied) => ("recorded", OTHER, " as applied"),
        (_, Verb::Applied) => ("applied", GOOD, ""),
        (_, Verb::MadeAgain) => ("made again", GOOD, ""),
        (Change::Undo, _) | (Change::Redo, Verb::Removed) => ("undone", WAITS, ""),
        (_, Verb::Removed) => ("removed", BAD, " from the records"),
        (_, Verb::Amended) => ("corrected", OTHER, " in the records"),
        (_, Verb::Moved) => ("moved", OTHER, " in the records"),
    };
    text.push_str(&style.paint.paint(colour, verb));
    text.push(' ');
    if let Some(from) = &done.from {
        text.push_str(&format!("{from} to "));
    }
    text.push_str(&done.key.to_string());
    // The name of a repeatable is its key.
    if !matches!(done.key, Key::Repeatable(_)) && !done.name.is_empty() {
        text.push(' ');
        text.push_str(&printable(&done.name));
    }
    text.push_str(after);
    let mut facts = Vec::new();
    if done.statements > 0 {
        facts.push(count(done.statements, "statement"));
    }
    facts.extend(done.duration_ms.map(duration));
    if !facts.is_empty() {
        text.push_str(&format!(" ({})", facts.join(", ")));
    }
}

/// The line of a statement that runs for so long.
pub fn running(statement: &Statement, elapsed: Duration) -> String {
    let Statement {
        key,
        number,
        of,
        origin,
    } = statement;
    let line = origin.as_ref().map(|origin| origin.place().line);
    let line = line.map(|line| format!(" (line {line})"));
    format!(
        "{key}: statement {number} of {of}{}, running for {} s",
        line.unwrap_or_default(),
        elapsed.as_secs()
    )
}

/// The line of a wait for another run.
pub fn other_run(other: &OtherRun, now: SystemTime) -> String {
    let by = other.by.as_deref().map(|by| format!(", {}", printable(by)));
    let since = other.since.and_then(|since| now.duration_since(since).ok());
    let since = since.map(|since| format!(", running for {}", in_words(since)));
    format!(
        "waiting for another run that changes this database (process {}{}{})",
        other.pid,
        by.unwrap_or_default(),
        since.unwrap_or_default()
    )
}

/// A line for a user who waits.
pub fn event(event: &Event, style: Style<'_>) -> Option<String> {
    let waits = |text: &str| Some(style.paint.paint(WAITS, text));
    match event {
        Event::Planned { units, scripts, .. } => Some(format!(
            "{} in {}",
            count(*units, "change"),
            count(*scripts, "script")
        )),
        Event::Begins(_) => None,
        Event::Ran(key) => Some(format!("ran {key}")),
        Event::Committed(key) => Some(format!("committed, up to {key}")),
        Event::WaitingForLock => {
            waits("waiting: another connection holds the lock of this database")
        }
        Event::WaitingFor(key, limit) => waits(&format!(
            "{key} is recorded as started: waiting up to {} s for its run to finish",
            limit.as_secs()
        )),
        Event::WaitingForUndo(key, limit) => waits(&format!(
            "the undo of {key} is recorded as started: waiting up to {} s for its run to finish",
            limit.as_secs()
        )),
        Event::Moved => waits("another run changed this database meanwhile: reading it again"),
    }
}
