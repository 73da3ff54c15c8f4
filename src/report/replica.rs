//! A replica in words: what its files tell, how old that is, and what a sync came to.

use std::time::SystemTime;

use time::OffsetDateTime;
use time::macros::format_description;

use super::style::Style;
use super::words::{as_typed, bytes, count, duration};
use super::{Call, Change, Document, Item, Report};
use crate::db::{DbError, Protocol, ReplicaFacts, Synced};
use crate::diagnostic::Diagnostic;
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
        (_, None) => match facts.protocol {
            Protocol::V1 => "unknown: the primary tells no frame, as an empty one does".to_owned(),
            Protocol::V2 => "unknown: protocol v2 does not tell".to_owned(),
        },
    };
    format!(
        "file      {}\nsize      {} bytes\nprotocol  {}\nframe     {frame}\nsynced    {}\nbehind    {behind}\n",
        status.file,
        facts.bytes,
        facts.protocol.as_str(),
        age(&facts, status.now),
    )
}

/// `2026-11-22 00:21:13 UTC (5 min 3 s ago)`, and `(just now)` within the last minute: when the last sync by this program
/// ended.
pub fn age(facts: &ReplicaFacts, now: SystemTime) -> String {
    match (facts.synced_at, facts.is_unfinished) {
        (None, false) => "an unknown time: another program synced it".to_owned(),
        (None, true) => "never: its first sync did not end".to_owned(),
        (Some(at), false) => since(at, now),
        (Some(at), true) => format!("{}; a later sync did not end", since(at, now)),
    }
}

/// `2026-11-22 00:21:13 UTC (5 min 3 s ago)`, and `(just now)` within the last minute.
pub(super) fn since(at: SystemTime, now: SystemTime) -> String {
    let ago = now.duration_since(at).unwrap_or_default();
    let ago = match ago.as_secs() {
        ..60 => "just now".to_owned(),
        _ => format!(
            "{} ago",
            duration(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX))
        ),
    };
    match moment(at) {
        Some(moment) => format!("{moment} ({ago})"),
        None => ago,
    }
}

pub(super) fn moment(at: SystemTime) -> Option<String> {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    OffsetDateTime::from(at).format(&format).ok()
}

/// What a sync begins with.
pub fn syncing(file: &str, facts: Option<ReplicaFacts>) -> String {
    match facts {
        None => format!("syncing {file}, which is not there yet"),
        Some(facts) => match facts.frame {
            Some(frame) => format!("syncing {file} from frame {frame}"),
            None => format!("syncing {file} from its beginning"),
        },
    }
}

/// What `sync` came to.
pub fn synced(file: &str, synced: &Synced) -> String {
    let fetched = match (synced.frames, synced.bytes) {
        (Some(frames), Some(size)) => {
            let frames = usize::try_from(frames).unwrap_or(usize::MAX);
            format!("; {} ({}) fetched", count(frames, "frame"), bytes(size))
        }
        _ => String::new(),
    };
    match (synced.moved, synced.from, synced.frame) {
        (_, _, None) => format!("nothing new for {file}: its primary is empty\n"),
        (false, _, Some(frame)) => format!("nothing new for {file}: at frame {frame}\n"),
        (true, Some(from), Some(frame)) => {
            format!("synced {file}: from frame {from} to {frame}{fetched}\n")
        }
        (true, None, Some(frame)) => format!("synced {file}: at frame {frame}{fetched}\n"),
    }
}

/// `2026-11-22T00:21:13Z`, and seconds since then.
fn copied(facts: &ReplicaFacts, now: SystemTime) -> (Option<String>, Option<u64>) {
    let format = format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]Z");
    let at = facts.synced_at;
    (
        at.and_then(|at| OffsetDateTime::from(at).format(&format).ok()),
        at.map(|at| now.duration_since(at).unwrap_or_default().as_secs()),
    )
}

impl Document {
    /// `replica status`.
    pub fn replica_status(call: Call<'_>, status: &ReplicaStatus<'_>) -> Document {
        let facts = status.facts;
        let (synced_at, age) = facts.map_or((None, None), |facts| copied(&facts, status.now));
        Document::done(call)
            .with("file", status.file)
            .with("exists", facts.is_some())
            .with("bytes", facts.map(|facts| facts.bytes))
            .with("protocol", facts.map(|facts| facts.protocol.as_str()))
            .with("frame", facts.and_then(|facts| facts.frame))
            .with("synced_at", synced_at)
            .with("age_seconds", age)
            .with("unfinished", facts.is_some_and(|facts| facts.is_unfinished))
            .with("primary_frame", status.primary.clone().ok().flatten())
            .with("primary_error", status.primary.clone().err())
            .with("behind", status.behind())
    }

    /// `sync`.
    pub fn synced(call: Call<'_>, file: &str, synced: &Synced) -> Document {
        Document::done(call)
            .with("file", file)
            .with("protocol", synced.protocol.map(Protocol::as_str))
            .with("from_frame", synced.from)
            .with("frame", synced.frame)
            .with("moved", synced.moved)
            .with("frames", synced.frames)
            .with("bytes", synced.bytes)
    }

    /// The same document, read from the file of a replica because its primary could not be reached: how old it is.
    #[must_use]
    pub fn offline(self, facts: &ReplicaFacts, now: SystemTime) -> Document {
        let (synced_at, age) = copied(facts, now);
        self.with("offline", true)
            .with("synced_at", synced_at)
            .with("age_seconds", age)
    }
}

impl Report {
    /// A change that is committed on the primary, and that the replica does not have yet.
    pub fn not_synced(outcome: &Outcome, change: Change, error: &DbError) -> Report {
        let stands = match change {
            _ if outcome.done.is_empty() => "the primary was up to date",
            Change::Migrate => "applied on the primary",
            Change::Undo => "undone on the primary",
            Change::Redo => "undone and applied again on the primary",
            Change::Repair | Change::Baseline => "recorded on the primary",
        };
        let why = super::database::database(error);
        let message = format!("{stands}; the replica was not synced: {}", why.message);
        let diagnostic = Diagnostic::error("replica-not-synced", message)
            .class(why.class)
            .helps(why.help)
            .help("`sync` brings the replica up to it");
        Report {
            items: outcome.done.iter().map(Item::done).collect(),
            ..Report::of(vec![diagnostic])
        }
    }

    /// The same report, which says what the primary of a replica was needed for.
    #[must_use]
    pub fn needs_the_primary(mut self, needs: Needs) -> Report {
        if let Some(first) = self.diagnostics.first_mut() {
            first.notes.push(match needs {
                Needs::ToChange => {
                    "a replica is changed through its primary only, and nothing was changed"
                        .to_owned()
                }
                Needs::ToRead => {
                    "this reads the primary: `replica copy FILE` gives what the replica has"
                        .to_owned()
                }
            });
        }
        self
    }
}

/// What a command needs the primary of a replica for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Needs {
    /// It changes the database.
    ToChange,
    /// It only reads.
    ToRead,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use expect_test::expect;

    use super::super::Paint;
    use super::*;

    #[test]
    fn a_sync_tells_where_it_began_where_it_ended_and_what_it_fetched() {
        let new = Synced {
            protocol: Some(Protocol::V1),
            frame: Some(9),
            moved: true,
            frames: Some(10),
            bytes: Some(41_200),
            ..Synced::default()
        };
        let more = Synced {
            from: Some(8),
            frames: Some(1),
            bytes: Some(4120),
            ..new
        };
        let untold = Synced {
            frames: None,
            bytes: None,
            ..more
        };
        let same = Synced {
            moved: false,
            ..more
        };
        for (sync, expect) in [
            (
                new,
                "synced r.db: at frame 9; 10 frames (40.2 KB) fetched\n",
            ),
            (
                more,
                "synced r.db: from frame 8 to 9; 1 frame (4.0 KB) fetched\n",
            ),
            (untold, "synced r.db: from frame 8 to 9\n"),
            (same, "nothing new for r.db: at frame 9\n"),
            (
                Synced::default(),
                "nothing new for r.db: its primary is empty\n",
            ),
        ] {
            assert_eq!(synced("r.db", &sync), expect);
        }
    }

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
                is_unfinished: false,
            }),
            primary: Ok(Some(7)),
            now: at + Duration::from_secs(90),
        };
        let style = Style {
            paint: Paint::Plain,
            program: "seedbed",
            columns: None,
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
        for (synced_at, is_unfinished, expect) in [
            (
                Some(at),
                true,
                "2025-11-21 04:40:00 UTC (1 min 30 s ago); a later sync did not end",
            ),
            (None, true, "never: its first sync did not end"),
            (None, false, "an unknown time: another program synced it"),
        ] {
            let facts = ReplicaFacts {
                synced_at,
                is_unfinished,
                ..status.facts.unwrap()
            };
            assert_eq!(age(&facts, status.now), expect);
        }
        for (protocol, expect) in [
            (
                Protocol::V1,
                "the primary tells no frame, as an empty one does",
            ),
            (Protocol::V2, "protocol v2 does not tell"),
        ] {
            let untold = ReplicaStatus {
                facts: status.facts.map(|facts| ReplicaFacts { protocol, ..facts }),
                primary: Ok(None),
                ..status.clone()
            };
            let shown = replica_status(&untold, style);
            assert!(
                shown.ends_with(&format!("behind    unknown: {expect}\n")),
                "{shown}"
            );
        }
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
