//! What dumps are read from, and how they end.

use std::io::Write;
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use super::*;
use crate::dump::Opened;
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

const ROW: &str = "BEGIN;\nINSERT INTO t VALUES(1);\n";

#[test]
fn a_dump_is_complete_however_it_ends_its_transaction() {
    let comment = format!("COMMIT;\n-- {}\n", "bye ".repeat(20_000));
    let block = format!("COMMIT; /* {} */", "bye\n".repeat(20_000));
    for end in [
        "COMMIT;",
        "COMMIT;\n",
        "COMMIT",
        "commit transaction",
        "COMMIT ;\r\n\r\n-- bye\r\n",
        "COMMIT; -- done",
        "COMMIT; -- done\n",
        "COMMIT -- done\n",
        "COMMIT;;\n;\n",
        "END;\n",
        "END",
        "END TRANSACTION; /* done */",
        "INSERT INTO t VALUES(2);COMMIT; -- done",
        "COMMIT;\nCREATE INDEX i ON t(a);\n",
        "COMMIT;\nBEGIN IMMEDIATE;\nINSERT INTO t VALUES(2);\nCOMMIT;\n",
        &comment,
        &block,
    ] {
        let told = of_file(format!("{ROW}{end}").as_bytes());
        assert!(told.ends_with("Transaction\n"), "{end}: {told}");
    }
    assert!(
        of_file(b"SAVEPOINT dump;\nINSERT INTO t VALUES(1);\nRELEASE dump;")
            .ends_with("Transaction\n")
    );
}

#[test]
fn a_transaction_that_nothing_ends_is_cut_short() {
    for end in [
        "",
        "INSERT INTO t VALUES('COMMIT;');\n",
        "-- COMMIT;\n",
        "/* COMMIT; */",
        "CREATE TRIGGER r DELETE ON t BEGIN SELECT 1;\nEND;\n",
        "COMMIT;\nBEGIN;\nINSERT INTO t VALUES(2);\n",
        "COMMI",
        "INSERT INTO t VALUES(2)",
    ] {
        let told = of_file(format!("{ROW}{end}").as_bytes());
        assert!(told.contains("is cut short"), "{end}: {told}");
    }
    expect![[r#"
        1@0 ForeignKeys
        2@25 Begin
        3@44 t 1
        error: dump.sql is cut short: line 2 (byte 25): no COMMIT ends the transaction that begins here
        2:1 [cut-short] no COMMIT ends the transaction that begins here
            BEGIN TRANSACTION;
            ^^^^^
    "#]].assert_eq(&of_file(
        b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nINSERT INTO t VALUES(1);\n",
    ));
    expect![[r#"
        1@0 Begin
        2@7 t 1
        error: dump.sql ends with ROLLBACK in line 3 (byte 32): its writer could not read the whole database
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

#[test]
fn zeros_behind_a_gzip_are_padding() {
    let plain = of_file(DUMP.as_bytes());
    let zeros = vec![0; 10_000];
    assert_eq!(
        of_file(&[gzip(DUMP.as_bytes()), zeros.clone()].concat()),
        plain
    );
    let (begin, end) = DUMP.split_at(40);
    let parts = [
        gzip(begin.as_bytes()),
        vec![0; 3],
        gzip(end.as_bytes()),
        zeros,
    ];
    assert_eq!(of_file(&parts.concat()), plain);
    let told = of_file(&[gzip(DUMP.as_bytes()), b"\0\0 more".to_vec()].concat());
    assert!(told.contains("gzip"), "{told}");
}
