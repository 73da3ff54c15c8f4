//! Damaged dumps, imported: the kept ones of `tests/corpus/dumps`, with bytes flipped, put in, left out and moved. What
//! comes into a database is what the dump says, in full, whichever way it took; what does not come leaves nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use seedbed::db::{Db, Options};
use seedbed::dump::import::{Clash, ImportOptions, Input, Violations, Why, import};
use seedbed::dump::{ExportOptions, Level, Records, Verdict, export, verify};
use seedbed::script::Run;

use crate::dice::Dice;

/// How long at most.
const TIME: Duration = Duration::from_secs(4);

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(crate::ROOT).join("tests/corpus/dumps");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect()
}

/// Changes a text in one place, and mostly by little, so that it still is a dump now and then.
fn mutate(text: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    let at = dice.below(text.len() + 1);
    let end = (at + dice.below(6)).min(text.len());
    match dice.below(4) {
        0 if at < text.len() => text[at] ^= 1 << dice.below(4),
        1 => {
            text.drain(at..end);
        }
        2 => {
            // A line of another dump.
            let lines: Vec<&[u8]> = other.split_inclusive(|&byte| byte == b'\n').collect();
            let line = lines[dice.below(lines.len())];
            let starts = text.iter().take(at).rposition(|&byte| byte == b'\n');
            let at = starts.map_or(0, |at| at + 1);
            text.splice(at..at, line.iter().copied());
        }
        _ => {
            text.splice(at..end, [b'0' + dice.below(10) as u8]);
        }
    }
}

/// What a database holds, beside the records.
async fn content(db: &Db) -> Vec<u8> {
    let options = ExportOptions::default().history(Records::Without);
    let mut out = Vec::new();
    export(db, &options, &mut out).await.unwrap();
    out
}

/// The lines of a dump. The numbers of `AUTOINCREMENT` are merged with those that are there, so that of a dump that has
/// one twice, as no shell writes it, a new file has more.
fn lines(dump: &[u8], is_damaged: bool) -> Vec<String> {
    let text = String::from_utf8_lossy(dump);
    let lines = text.split('\n');
    lines
        .filter(|line| !(is_damaged && line.contains("sqlite_sequence")))
        .map(str::to_owned)
        .collect()
}

async fn imported(db: &Db, input: &Input) -> Result<(), Why> {
    let options = ImportOptions::default().violations(Violations::Allow);
    let run = Run::new("test");
    let done = import(db, input, &options, &run, Arc::new(|_| {})).await;
    done.map(drop).map_err(|error| error.why)
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_dumps_come_as_they_say_or_not_at_all() {
    let corpus = corpus();
    let start = Instant::now();
    let mut dice = Dice(2);
    let (mut round, mut whole) = (0, 0);
    while start.elapsed() < TIME || round < 2 * corpus.len() {
        let mut text = corpus[round % corpus.len()].clone();
        // The first time as they are.
        for _ in 0..(round / corpus.len()).min(1 + dice.below(3)) {
            let other = &corpus[dice.below(corpus.len())];
            mutate(&mut text, other, &mut dice);
        }
        let shown = text.escape_ascii().to_string();
        let folder = tempfile::tempdir().unwrap();
        let dump = folder.path().join("old.sql");
        std::fs::write(&dump, &text).unwrap();
        let input = Input::File(dump);
        let path = folder.path().join("new.db");
        let file = Db::local(&path, Options::default()).unwrap();
        let memory = Db::memory(Options::default()).await.unwrap();
        let empty = content(&memory).await;
        let into_file = imported(&file, &input).await;
        let into_memory = imported(&memory, &input).await;
        match (&into_file, &into_memory) {
            (Ok(()), Ok(())) => {
                whole += 1;
                let is_damaged = round >= corpus.len();
                assert_eq!(
                    lines(&content(&file).await, is_damaged),
                    lines(&content(&memory).await, is_damaged),
                    "{shown}"
                );
                let verified = verify(&file, &input, Level::Full).await.unwrap();
                for table in verified.tables {
                    // Rows of a table behind a virtual one that come before its own `CREATE` are taken away by that.
                    if is_damaged && table.name.starts_with("docs_") {
                        continue;
                    }
                    assert!(
                        !matches!(table.verdict, Verdict::Different(_) | Verdict::Missing),
                        "{table:?} of {shown}"
                    );
                }
            }
            // What no shell writes, the numbers of `AUTOINCREMENT` without such a table, a new file cannot take; where others
            // are there already they are merged, and there is nothing to merge.
            (Err(Why::Refused { error, .. }), Ok(()))
                if error.message.contains("sqlite_sequence") => {}
            // A new file takes a virtual table whose module is missing, as the shell does; an open database cannot.
            (Ok(()), Err(Why::Clashes(clashes)))
                if clashes
                    .iter()
                    .all(|it| matches!(it, Clash::NoModule { .. })) =>
            {
                assert_eq!(content(&memory).await, empty, "{shown}");
            }
            (Err(_), Err(_)) => {
                assert!(!path.exists(), "{shown}");
                assert_eq!(content(&memory).await, empty, "{shown}");
            }
            (file, memory) => panic!("{file:?} and {memory:?} of {shown}"),
        }
        round += 1;
    }
    println!("{round} dumps, {whole} of them whole");
    assert!(whole >= 2, "only {whole} of {round} were whole");
}
