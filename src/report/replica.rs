//! A replica in words: what its files tell, how old that is, and what a sync came to.

use std::time::SystemTime;

use serde_json::json;
use time::OffsetDateTime;
use time::macros::format_description;

use super::style::Style;
use super::words::{as_typed, count, duration};
use super::{Call, Change, Diagnostic, Document, Item, Report};
use crate::db::{DbError, Protocol, ReplicaFacts, Synced};
use crate::migrations::Outcome;

/// A replica as it stands, and what its primary says.
#[derive(Debug, Clone)]
pub struct ReplicaStatus<'a> {
    /// Its file.
    pub file: &'a str,
    /// What the files tell; none where there is no replica yet.
    pub facts: Option<ReplicaFacts>,
    /// The frame that the primary has reached, where it tells, or why it did not answer.
    pub primary: Result<Option<u64>, String>,
    /// Now.
    pub now: SystemTime,
}

impl ReplicaStatus<'_> {
    /// How many frames are missing, where that can be told.
    fn behind(&self) -> Option<u64> {
        let facts = self.facts?;
        let Ok(Some(primary)) = self.primary else {
            return None;
        };
        // Frames are counted from 0; the other protocol counts otherwise, and begins again with each generation.
        (facts.protocol == Protocol::V1)
            .then(|| (primary + 1).saturating_sub(facts.frame.map_or(0, |frame| frame + 1)))
    }
}

/// What `replica status` shows.
pub fn replica_status(status: &ReplicaStatus<'_>, style: Style<'_>) -> String {
    let Some(facts) = status.facts else {
        let text = format!(
            "there is no replica at {} yet; `sync` makes it",
            status.file
        );
        return format!("{}\n", as_typed(&text, style.program));
    };
    let frame = facts
        .frame
        .map_or_else(|| "none yet".to_owned(), |frame| frame.to_string());
    let behind = match (&status.primary, status.behind()) {
        (Err(why), _) => format!("unknown: {why}"),
        (_, Some(0)) => "nothing".to_owned(),
        (_, Some(frames)) => usize::try_from(frames).map_or_else(
            |_| format!("{frames} frames"),
            |frames| count(frames, "frame"),
        ),
        (_, None) => format!(
            "unknown: protocol {} does not tell",
            facts.protocol.as_str()
        ),
    };
    format!(
        "file      {}\nsize      {} bytes\nprotocol  {}\nframe     {frame}\nsynced    {}\nbehind    {behind}\n",
        status.file,
        facts.bytes,
        facts.protocol.as_str(),
        age(&facts, status.now),
    )
}

/// `2026-11-22 00:21:13 UTC (5 s ago)`.
pub fn age(facts: &ReplicaFacts, now: SystemTime) -> String {
    let Some(at) = facts.synced_at else {
        return "never".to_owned();
    };
    let ago = now.duration_since(at).unwrap_or_default().as_millis();
    let ago = duration(i64::try_from(ago).unwrap_or(i64::MAX));
    match moment(at) {
        Some(moment) => format!("{moment} ({ago} ago)"),
        None => format!("{ago} ago"),
    }
}

fn moment(at: SystemTime) -> Option<String> {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    OffsetDateTime::from(at).format(&format).ok()
}

/// What `sync` came to.
pub fn synced(file: &str, synced: &Synced) -> String {
    let at = match synced.frame {
        Some(frame) => format!("at frame {frame}"),
        None => "its primary is empty".to_owned(),
    };
    let mut text = if synced.moved {
        format!("synced {file}: {at}\n")
    } else {
        format!("nothing new for {file}: {at}\n")
    };
    if synced.replaced {
        text.push_str("it had followed another primary, and all that it held was replaced\n");
    }
    text
}

impl Document {
    /// `replica status`.
    pub fn replica_status(call: Call<'_>, status: &ReplicaStatus<'_>) -> Document {
        let facts = status.facts;
        Document::done(call)
            .with("file", status.file)
            .with("exists", facts.is_some())
            .with("bytes", facts.map(|facts| facts.bytes))
            .with("protocol", facts.map(|facts| facts.protocol.as_str()))
            .with("frame", facts.and_then(|facts| facts.frame))
            .with(
                "synced_at",
                facts.and_then(|facts| facts.synced_at).and_then(moment),
            )
            .with("primary_frame", status.primary.clone().ok().flatten())
            .with("primary_error", status.primary.clone().err())
            .with("behind", status.behind())
    }

    /// `sync`.
    pub fn synced(call: Call<'_>, file: &str, synced: &Synced) -> Document {
        Document::done(call)
            .with("file", file)
            .with("protocol", synced.protocol.map(Protocol::as_str))
            .with("frame", synced.frame)
            .with("moved", synced.moved)
            .with("replaced", json!(synced.replaced))
    }
}

impl Report {
    /// A change that is committed on the primary, and that the replica does not have yet.
    pub fn not_synced(
        outcome: &Outcome,
        change: Change,
        error: &DbError,
        style: Style<'_>,
    ) -> Report {
        let stands = match change {
            _ if outcome.done.is_empty() => "the primary was up to date",
            Change::Migrate => "applied on the primary",
            Change::Undo => "undone on the primary",
            Change::Repair | Change::Baseline => "recorded on the primary",
        };
        let why = super::failure::database(error, style.program);
        let mut help = why.help;
        help.push(as_typed(
            "`sync` brings the replica up to it",
            style.program,
        ));
        Report {
            items: outcome.done.iter().map(Item::done).collect(),
            ..Report::of(vec![Diagnostic {
                help,
                ..Diagnostic::error(
                    "replica-not-synced",
                    format!("{stands}; the replica was not synced: {}", why.message),
                )
            }])
        }
    }

    /// The same report, which says that writes need the primary of a replica.
    #[must_use]
    pub fn needs_the_primary(mut self) -> Report {
        if let Some(first) = self.diagnostics.first_mut() {
            first.notes.push(
                "a replica is changed through its primary only, and nothing was changed".to_owned(),
            );
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use expect_test::expect;

    use super::super::Paint;
    use super::*;

    #[test]
    fn the_state_of_a_replica_is_told_with_its_age() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_763_700_000);
        let status = ReplicaStatus {
            file: "r.db",
            facts: Some(ReplicaFacts {
                protocol: Protocol::V1,
                bytes: 8192,
                frame: Some(4),
                log: Some(1),
                generation: None,
                synced_at: Some(at),
            }),
            primary: Ok(Some(7)),
            now: at + Duration::from_secs(90),
        };
        let style = Style {
            paint: Paint::Plain,
            program: "seedbed",
        };
        expect![[r#"
            file      r.db
            size      8192 bytes
            protocol  v1
            frame     4
            synced    2025-11-21 04:40:00 UTC (1 min 30 s ago)
            behind    3 frames
        "#]]
        .assert_eq(&replica_status(&status, style));
        let none = ReplicaStatus {
            facts: None,
            ..status
        };
        expect![[r#"
            there is no replica at r.db yet; `seedbed sync` makes it
        "#]]
        .assert_eq(&replica_status(&none, style));
    }
}
