//! Damaged dumps: the kept ones of `tests/corpus/dumps`, with bytes flipped, put in, left out and moved, as often as a
//! few seconds allow. Whatever comes of them, it comes to an end, in the text, and the same for any pieces.

use crate::diagnostic::Location;
use std::path::Path;
use std::time::{Duration, Instant};

use super::*;

/// How long at most.
const TIME: Duration = Duration::from_secs(3);

/// Numbers that look like chance and are the same each time: <https://prng.di.unimi.it/splitmix64.c>.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (number ^ (number >> 31)) as usize % limit.max(1)
    }
}

fn corpus() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/dumps");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    let texts: Vec<_> = paths
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    assert!(texts.len() > 3);
    texts
}

/// Changes a text in one place.
fn mutate(text: &mut Vec<u8>, other: &[u8], chance: &mut Chance) {
    const PIECES: [&[u8]; 16] = [
        b"'",
        b"''",
        b"\"",
        b"`",
        b"[",
        b"]",
        b";",
        b"\n",
        b"(",
        b",",
        b"--",
        b"/*",
        b"*/",
        b"\\u",
        b"INSERT INTO t VALUES(",
        b"COMMIT;\n",
    ];
    let at = chance.below(text.len() + 1);
    let end = (at + chance.below(20)).min(text.len());
    match chance.below(5) {
        0 if at < text.len() => text[at] ^= 1 << chance.below(8),
        1 => {
            text.drain(at..end);
        }
        2 => {
            let piece = PIECES[chance.below(PIECES.len())];
            text.splice(at..at, piece.iter().copied());
        }
        3 => {
            let from = chance.below(other.len());
            let to = (from + chance.below(200)).min(other.len());
            text.splice(at..end, other[from..to].iter().copied());
        }
        _ => text.truncate(at),
    }
}

/// All that is to be known of a reading, and that it makes sense.
fn outcome(text: &[u8], step: usize, block_bytes: usize) -> String {
    let mut out = String::new();
    let mut reader = match reader(text, step, block_bytes) {
        Ok(reader) => reader,
        Err(error) => return error.to_string(),
    };
    let mut before = 0;
    loop {
        match reader.next() {
            Ok(Some(block)) => {
                assert!(block.begin.offset >= before && block.end.offset > block.begin.offset);
                before = block.end.offset;
                out += &shown(&block);
            }
            Ok(None) => {
                let ended = reader.ended().unwrap();
                assert_eq!(ended.mark.offset, text.len() as u64);
                return out + &format!("{ended:?}");
            }
            Err(error) => {
                for problem in error.problems() {
                    let Some(Location::Line(place)) = &problem.location else {
                        panic!("{problem:?}");
                    };
                    let offset = usize::try_from(place.offset).unwrap();
                    assert!(offset <= text.len());
                    let passed = &text[..offset];
                    let lines = passed.iter().filter(|&&byte| byte == b'\n').count();
                    assert_eq!(place.line, lines as u64 + 1);
                    assert!(place.column >= 1);
                    assert!(place.text.get(place.span.clone()).is_some());
                }
                // What is seen of a line depends on how much of it is at hand; its place does not.
                let problems = error.problems().iter();
                let problems: Vec<_> = problems.map(ToString::to_string).collect();
                return out + &format!("{problems:?} {}", error.code());
            }
        }
    }
}

#[test]
fn damaged_dumps_come_to_an_end_that_does_not_depend_on_pieces() {
    let corpus = corpus();
    let start = Instant::now();
    let mut chance = Chance(1);
    let mut round = 0;
    while start.elapsed() < TIME {
        let mut text = corpus[round % corpus.len()].clone();
        // The first time as they are.
        for _ in 0..(round / corpus.len()).min(1 + chance.below(4)) {
            let other = &corpus[chance.below(corpus.len())];
            mutate(&mut text, other, &mut chance);
        }
        let block = 16 + chance.below(600);
        let whole = outcome(&text, usize::MAX, block);
        let pieces = outcome(&text, 1 + chance.below(50), block);
        assert_eq!(whole, pieces, "{}", text.escape_ascii());
        round += 1;
    }
    assert!(round > corpus.len(), "only {round} rounds");
}
