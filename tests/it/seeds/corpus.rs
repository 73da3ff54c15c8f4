//! Whatever bytes a seed file has: they are read, expanded and planned without a panic and in bounded time, each problem
//! stands inside of the file, and the same bytes come to the same plan. Every file in `tests/corpus/seeds` is loaded as it
//! is, and with bytes changed at random, always the same ones.

use std::path::Path;
use std::time::{Duration, Instant};

use seedbed::diagnostic::{Diagnostic, Location};
use seedbed::script::Origin;
use seedbed::seeds::{Seeds, observe};

use super::Bed;
use crate::dice::Dice;

const SCHEMA: &str = "\
CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT, age INTEGER, born DATE, note JSON, password TEXT, team_id INTEGER REFERENCES teams (id));
CREATE TABLE teams (id INTEGER PRIMARY KEY, name TEXT UNIQUE COLLATE NOCASE);
CREATE TABLE members (user_id TEXT REFERENCES users (id), team_id INTEGER REFERENCES teams (id), since TIMESTAMP, PRIMARY KEY (user_id, team_id)) WITHOUT ROWID;
CREATE TABLE strict (id INTEGER PRIMARY KEY, i INT, r REAL, t TEXT, b BLOB) STRICT;
CREATE TABLE log (text TEXT UNIQUE, up TEXT AS (upper(text)));
CREATE TABLE yin (id TEXT PRIMARY KEY, yang_id TEXT NOT NULL REFERENCES yang (id));
CREATE TABLE yang (id TEXT PRIMARY KEY, yin_id TEXT NOT NULL REFERENCES yin (id));
CREATE VIEW people AS SELECT name FROM users;
";

/// How many changed copies of each file are loaded.
const COPIES: usize = 12;

/// No file of this size takes longer, however slow the machine is.
const LONGEST: Duration = Duration::from_secs(20);

/// What means something in YAML, or in a seed.
const WORDS: [&str; 24] = [
    "\n", "\r", "\t", " ", "  ", ":", "- ", "? ", "[", "]", "{", "}", "&a ", "*a", "!", "!ref ",
    "|", ">", "'", "\"", "#", "<<: ", "${label}", "\u{feff}",
];

/// A copy with a few changes: bits turned over, something put in or left out, a piece of another file.
fn changed(bytes: &[u8], other: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        match dice.below(6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
            1 => bytes.insert(at, dice.below(256) as u8),
            2 => {
                let to = (at + 1 + dice.below(12)).min(bytes.len());
                bytes.drain(at..to);
            }
            3 => {
                let part = dice.part(other, 40).to_vec();
                bytes.splice(at..at, part);
            }
            4 => {
                bytes.truncate(at);
                bytes.extend(dice.part(other, other.len()));
            }
            _ => {
                let word = WORDS[dice.below(WORDS.len())];
                bytes.splice(at..at, word.bytes());
            }
        }
    }
    bytes
}

/// Reads, expands and plans a file with these bytes, twice.
async fn survives(bed: &Bed, folder: &Path, name: &str, bytes: &[u8]) {
    std::fs::write(folder.join("a.yaml"), bytes).unwrap();
    let begun = Instant::now();
    let seeds = Seeds::read_dir(folder).unwrap();
    let (_, plan) = observe(&bed.world.db, &seeds, &bed.set, &bed.options)
        .await
        .unwrap();
    let took = begun.elapsed();
    let shown = String::from_utf8_lossy(bytes);
    assert!(took < LONGEST, "{name} took {took:?}\n{shown}");
    for problem in &plan.problems {
        for origin in places(problem) {
            let Origin { source, span } = origin;
            assert!(
                source.text.get(span.clone()).is_some(),
                "{name}: {problem:?} stands at {span:?} of {} bytes\n{shown}",
                source.text.len()
            );
        }
    }
    assert_eq!(Seeds::read_dir(folder).unwrap(), seeds, "{name}\n{shown}");
    let (_, again) = observe(&bed.world.db, &seeds, &bed.set, &bed.options)
        .await
        .unwrap();
    assert_eq!(again, plan, "{name}\n{shown}");
}

fn places(problem: &Diagnostic) -> impl Iterator<Item = &Origin> {
    let related = problem.related.iter().map(|related| &related.location);
    let all = problem.location.iter().chain(related);
    all.filter_map(Location::origin)
}

fn corpus() -> Vec<(String, Vec<u8>)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../corpus/seeds");
    let mut files: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, std::fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}

#[tokio::test]
async fn every_file_of_the_corpus_is_loaded_or_refused() {
    let bed = Bed::memory(SCHEMA).await;
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in corpus() {
        survives(&bed, folder.path(), &name, &bytes).await;
        let seeds = Seeds::read_dir(folder.path()).unwrap();
        let observed = observe(&bed.world.db, &seeds, &bed.set, &bed.options).await;
        let (_, plan) = observed.unwrap();
        if name.starts_with("valid_") {
            assert_eq!(plan.problems, [], "{name}");
        }
    }
}

#[tokio::test]
async fn changed_bytes_make_nothing_panic_and_no_problem_stand_outside_of_its_file() {
    let bed = Bed::memory(SCHEMA).await;
    let folder = tempfile::tempdir().unwrap();
    let corpus = corpus();
    let mut dice = Dice(0x5eed_bed5);
    for (name, bytes) in &corpus {
        for _ in 0..COPIES {
            let (_, other) = &corpus[dice.below(corpus.len())];
            let bytes = changed(bytes, other, &mut dice);
            survives(&bed, folder.path(), name, &bytes).await;
        }
    }
}
