//! What dumps are read from, and how a file ends.

use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use super::*;
use crate::dump::{Ending, Opened};
use expect_test::expect;

const DUMP: &str = "BEGIN;\nINSERT INTO t VALUES(1);\nINSERT INTO t VALUES(2);\nCOMMIT;\n";

fn file(bytes: &[u8]) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("dump.sql");
    std::fs::write(&path, bytes).unwrap();
    (dir, path)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

fn open(bytes: &[u8]) -> (tempfile::TempDir, Result<Source, DumpError>) {
    let (dir, path) = file(bytes);
    let source = Source::open(&path).map(|opened| match opened {
        Opened::Text(source) => source,
        Opened::Database(path) => panic!("{path:?} is a database"),
    });
    (dir, source)
}

/// What is read of a file, its directory left out.
fn of_file(bytes: &[u8]) -> String {
    let (dir, source) = open(bytes);
    let reader = source.map(|source| Reader::new(source, ReaderOptions::default()));
    let (out, end) = read(reader);
    let end = match end {
        Ok(ended) => format!("{:?}\n", ended.envelope),
        Err(error) => told(&error),
    };
    let dir = format!("{}/", dir.path().display());
    (out + &end).replace(&dir, "")
}

#[test]
fn a_file_is_plain_or_packed_whatever_its_name_and_read_whole() {
    for bytes in [DUMP.as_bytes().to_vec(), gzip(DUMP.as_bytes())] {
        let (_dir, source) = open(&bytes);
        let source = source.unwrap();
        let progress = source.progress();
        assert_eq!(source.length(), Some(bytes.len() as u64));
        let (out, end) = read(Ok(Reader::new(source, ReaderOptions::default())));
        assert_eq!(out, "1@0 Begin\n2@7 t 1\n3@32 t 2\n4@57 Commit\n");
        assert_eq!(end.unwrap().mark.offset, DUMP.len() as u64);
        assert_eq!(progress.load(Ordering::Relaxed), bytes.len() as u64);
    }
    // As `cat a.gz b.gz` makes it.
    let (begin, end) = DUMP.split_at(40);
    let both = [gzip(begin.as_bytes()), gzip(end.as_bytes())].concat();
    assert_eq!(of_file(&both), of_file(DUMP.as_bytes()));
}

#[test]
fn a_database_is_told_apart_from_a_text() {
    let (_dir, path) = file(b"SQLite format 3\0\x10\0");
    assert!(matches!(Source::open(&path), Ok(Opened::Database(found)) if found == path));
    expect![[r#"
        error: dump.sql is a SQLite database that cannot be read from here: give the path of the file, unpacked
    "#]].assert_eq(&of_file(&gzip(b"SQLite format 3\0\x10\0")));
}

#[test]
fn what_cannot_be_opened_says_why() {
    let dir = tempfile::tempdir().unwrap();
    for path in [dir.path().to_owned(), dir.path().join("missing")] {
        let error = Source::open(&path).unwrap_err();
        assert_eq!(error.to_string(), format!("cannot open {}", path.display()));
        assert!(std::error::Error::source(&error).is_some());
    }
}

#[test]
fn half_a_gzip_and_a_damaged_one_are_told() {
    let rows = (0..2000).map(|n| format!("INSERT INTO t VALUES({n},'{}');\n", n * n));
    let packed = gzip(rows.collect::<String>().as_bytes());
    for length in [5, 11, 30, packed.len() / 2, packed.len() - 1] {
        let (_dir, source) = open(&packed[..length]);
        let (_, end) = read(source.map(|source| Reader::new(source, ReaderOptions::default())));
        let Err(DumpError::CutShort { problem, .. }) = end else {
            panic!("{length}: {end:?}")
        };
        assert_eq!(
            problem.message,
            "the gzip ends here, and it is not complete"
        );
    }
    // Half of what is damaged still unpacks, to something; only its checksum is sure.
    let mut damaged = packed.clone();
    damaged[packed.len() / 2..][..40].fill(0x5a);
    let mut sum = packed.clone();
    let last = packed.len() - 6;
    sum[last] ^= 1;
    for (bytes, sure) in [(damaged, false), (sum, true)] {
        let (_dir, source) = open(&bytes);
        let (_, end) = read(source.map(|source| Reader::new(source, ReaderOptions::default())));
        let error = end.unwrap_err();
        assert!(!sure || matches!(error, DumpError::Gzip { .. }), "{error}");
    }
}

#[test]
fn how_a_plain_file_ends_is_known_before_it_is_read() {
    let ending = |text: &str| open(text.as_bytes()).1.unwrap().ending().unwrap();
    for text in [
        DUMP,
        "COMMIT;",
        "commit transaction;\r\n\r\n-- bye\r\n",
        "BEGIN; INSERT INTO t VALUES(1); COMMIT;",
        "COMMIT; -- done\n",
        "END;\n",
        "RELEASE dump;\n",
        "COMMIT;\nCREATE INDEX i ON t(a);\n",
    ] {
        assert_eq!(ending(text), Ending::Commit, "{text:?}");
    }
    for text in [
        "",
        "INSERT INTO t VALUES(1);\n",
        "INSERT INTO t VALUES('COMMIT;');\n",
        "COMMIT",
        "COMMITS;",
        "CREATE TRIGGER r DELETE ON t BEGIN SELECT 1;\nEND;\nINSERT INTO t VALUES(1);\n",
    ] {
        assert_eq!(ending(text), Ending::Open, "{text:?}");
    }
    let offset = 4;
    assert_eq!(
        ending("a;\n\nROLLBACK; -- due to errors\n"),
        Ending::Rollback { offset }
    );
}

#[test]
fn nothing_of_a_plain_file_is_given_that_is_known_to_be_incomplete() {
    expect![[r#"
        error: dump.sql is cut short: line 2 (byte 25): no COMMIT ends the transaction that begins here
        2:1 [cut-short] no COMMIT ends the transaction that begins here
            BEGIN TRANSACTION;
            ^^^^^
    "#]].assert_eq(&of_file(
        b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nINSERT INTO t VALUES(1);\n",
    ));
    expect![[r#"
        error: dump.sql ends with ROLLBACK at byte 32: its writer could not read the whole database
    "#]]
    .assert_eq(&of_file(
        b"BEGIN;\nINSERT INTO t VALUES(1);\nROLLBACK; -- due to errors\n",
    ));
    expect![[r#"
        1@0 t 1
        None
    "#]]
    .assert_eq(&of_file(b"INSERT INTO t VALUES(1);\n"));
}
