//! A note of ours beside a replica: the primary that it was last synced with, when, and how far it came. The replica's
//! own files do not tell these, and their times change with every checkpoint.
//!
//! Its first line is the URL of the primary; the others are a word and a value, and may be missing.

use std::io::ErrorKind;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::DbError;
use super::side_files::beside;

/// What follows the name of the replica.
pub(super) const ENDING: &str = "-primary";

/// What the note says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Note {
    /// The URL of the primary, with scheme `http` or `https`.
    pub(super) primary: String,
    /// When the last sync ended that brought everything.
    pub(super) synced_at: Option<SystemTime>,
    /// The frame that it came to.
    pub(super) frame: Option<u64>,
    /// The last frames up to that one.
    pub(super) tail: Option<Tail>,
    /// What the files looked like when it ended ([`stamp`]).
    pub(super) stamp: Option<String>,
    /// A sync began after that one. It is under way, or ended early.
    pub(super) is_syncing: bool,
}

/// What tells the last frames of one history from those of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tail {
    /// How many frames.
    pub(super) frames: u64,
    /// A hash of their bytes.
    pub(super) hash: String,
}

impl Note {
    /// None where there is no note of ours.
    ///
    /// # Errors
    /// [`DbError::File`] where it cannot be read.
    pub(super) fn read(replica: &Path) -> Result<Option<Note>, DbError> {
        let note = beside(replica, ENDING);
        match std::fs::read(&note) {
            Ok(bytes) => Ok(Note::parse(&String::from_utf8_lossy(&bytes))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(DbError::File { path: note, cause }),
        }
    }

    fn parse(text: &str) -> Option<Note> {
        let mut lines = text.lines();
        let is_url = |line: &&str| line.starts_with("http") && line.contains("://");
        let mut note = Note {
            primary: lines.next().filter(is_url)?.to_owned(),
            ..Note::default()
        };
        for line in lines {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["synced", seconds] => {
                    let seconds = seconds.parse().ok().map(Duration::from_secs);
                    note.synced_at = seconds.and_then(|it| UNIX_EPOCH.checked_add(it));
                }
                ["frame", frame] => note.frame = frame.parse().ok(),
                ["tail", frames, hash] => {
                    note.tail = frames.parse().ok().map(|frames| Tail {
                        frames,
                        hash: hash.to_owned(),
                    });
                }
                ["stamp", stamp] => note.stamp = Some(stamp.to_owned()),
                ["syncing"] => note.is_syncing = true,
                _ => {}
            }
        }
        Some(note)
    }

    #[cfg(feature = "replica")]
    fn text(&self) -> String {
        let mut text = format!("{}\n", self.primary);
        let since = |at: SystemTime| at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        if let Some(at) = self.synced_at {
            text.push_str(&format!("synced {}\n", since(at)));
        }
        if let Some(frame) = self.frame {
            text.push_str(&format!("frame {frame}\n"));
        }
        if let Some(Tail { frames, hash }) = &self.tail {
            text.push_str(&format!("tail {frames} {hash}\n"));
        }
        if let Some(stamp) = &self.stamp {
            text.push_str(&format!("stamp {stamp}\n"));
        }
        if self.is_syncing {
            text.push_str("syncing\n");
        }
        text
    }

    /// Replaces the note, as a whole.
    ///
    /// # Errors
    /// [`DbError::File`].
    #[cfg(feature = "replica")]
    pub(super) fn write(&self, replica: &Path) -> Result<(), DbError> {
        let note = beside(replica, ENDING);
        let draft = beside(&note, "-new");
        let written = std::fs::write(&draft, self.text());
        let written = written.and_then(|()| std::fs::rename(&draft, &note));
        written.map_err(|cause| {
            // The error of the write matters more.
            let _ = std::fs::remove_file(&draft);
            DbError::File { path: note, cause }
        })
    }

    /// Removes the note, where it is one of ours.
    ///
    /// # Errors
    /// [`DbError::File`].
    #[cfg(feature = "replica")]
    pub(super) fn remove(replica: &Path) -> Result<(), DbError> {
        let note = beside(replica, ENDING);
        match Note::read(replica)?.map(|_| std::fs::remove_file(&note)) {
            Some(Err(cause)) if cause.kind() != ErrorKind::NotFound => {
                Err(DbError::File { path: note, cause })
            }
            _ => Ok(()),
        }
    }
}

/// Lengths and times of the files of a replica: as long as they stay the same, so does what is in the files.
#[cfg(feature = "replica")]
pub(super) fn stamp(replica: &Path) -> Option<String> {
    let of = |ending: &str| {
        let metadata = std::fs::metadata(beside(replica, ending)).ok()?;
        let since = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(format!("{}-{}", metadata.len(), since.as_nanos()))
    };
    // A process that reads the file may leave an empty log.
    let log = of("-wal").filter(|log| !log.starts_with("0-"));
    let log = log.unwrap_or_default();
    Some(format!("{}/{log}", of("")?))
}

#[cfg(feature = "replica")]
impl Tail {
    /// Of frames, each a header and a page. The checksum in the header is not verified by replicas, so it is left out.
    pub(super) fn of<'a>(frames: impl IntoIterator<Item = &'a Vec<u8>>) -> Tail {
        use sha2::{Digest, Sha256};
        /// Bytes of the number of a frame, and of its checksum behind that.
        const NUMBER: usize = 8;
        let mut hash = Sha256::new();
        let mut count = 0;
        for frame in frames {
            count += 1;
            let (number, rest) = frame.split_at(NUMBER.min(frame.len()));
            hash.update(number);
            hash.update(rest.get(NUMBER..).unwrap_or_default());
        }
        Tail {
            frames: count,
            hash: crate::hex::encode(&hash.finalize()),
        }
    }
}

#[cfg(all(test, feature = "replica"))]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_as_it_was_written() {
        let first = Note {
            primary: "http://127.0.0.1:8080".to_owned(),
            ..Note::default()
        };
        let more = Note {
            synced_at: Some(UNIX_EPOCH + Duration::from_secs(1_763_700_000)),
            frame: Some(7),
            tail: Some(Tail::of(&[vec![1; 32], vec![2; 32]])),
            stamp: Some("4096-17/".to_owned()),
            is_syncing: true,
            ..first.clone()
        };
        let folder = tempfile::tempdir().unwrap();
        let replica = folder.path().join("r.db");
        assert_eq!(Note::read(&replica).unwrap(), None);
        for note in [first, more] {
            note.write(&replica).unwrap();
            assert_eq!(Note::read(&replica).unwrap(), Some(note));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_of_another_program_is_no_note_and_unknown_lines_are_ignored() {
        assert_eq!(Note::parse("mine"), None);
        assert_eq!(Note::parse(""), None);
        let note =
            Note::parse("https://a.turso.io\nframe x\nsynced 99999999999999999999\nmore\ntail 1\n");
        assert_eq!(
            note,
            Some(Note {
                primary: "https://a.turso.io".to_owned(),
                ..Note::default()
            })
        );
    }

    #[test]
    fn other_pages_are_another_tail() {
        let frame = |number: u8, page: u8| {
            let mut frame = vec![page; 32];
            frame[..8].fill(number);
            frame[8..16].fill(0);
            frame
        };
        let tail = Tail::of(&[frame(1, 1), frame(2, 2)]);
        assert_ne!(tail, Tail::of(&[frame(1, 1), frame(2, 3)]));
        assert_ne!(tail, Tail::of(&[frame(1, 1), frame(3, 2)]));
        let mut other_checksum = frame(2, 2);
        other_checksum[8..16].fill(9);
        assert_eq!(tail, Tail::of(&[frame(1, 1), other_checksum]));
    }
}
