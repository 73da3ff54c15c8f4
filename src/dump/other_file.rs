//! Files that are no dump of SQLite, recognised by how they begin. Pure: it gets the first bytes of a file, and decides
//! nothing that is not certain from them; what it does not recognise, the reader judges statement by statement.

use super::error::NotADump;

/// How a database file begins: <https://sqlite.org/fileformat.html#magic_header_string>.
pub(super) const DATABASE: &[u8] = b"SQLite format 3\0";

/// Archives and packed files, by their first bytes.
const PACKED: [(&[u8], &str); 7] = [
    (b"PK\x03\x04", "zip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"\xfd7zXZ\0", "xz"),
    (b"BZh", "bzip2"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x1f\x9d", "compress"),
];

/// Where a tar archive has its magic bytes.
const TAR: std::ops::Range<usize> = 257..262;

/// The pages of a database are at least this large, and a power of two.
const PAGE: u64 = 512;

/// What the file is, where `start` shows that it is no dump. `length` is that of the whole file, where it is known.
pub(super) fn other_file(start: &[u8], length: Option<u64>) -> Option<NotADump> {
    if start.starts_with(DATABASE) {
        return Some(NotADump::Database);
    }
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        return Some(NotADump::Utf16);
    }
    let mut packed = PACKED.iter();
    if let Some((_, format)) = packed.find(|(magic, _)| start.starts_with(magic)) {
        return Some(NotADump::Packed { format });
    }
    if start.get(TAR) == Some(b"ustar") {
        return Some(NotADump::Packed { format: "tar" });
    }
    if start.starts_with(b"PGDMP") {
        return Some(NotADump::Postgres);
    }
    if let Some(offset) = binary(start) {
        return Some(match length {
            _ if is_utf16(start) => NotADump::Utf16,
            Some(length) if length > 0 && length.is_multiple_of(PAGE) && is_random(start) => {
                NotADump::Encrypted
            }
            _ => NotADump::Binary { offset },
        });
    }
    text(&String::from_utf8_lossy(start))
}

/// The first byte that no text has: a NUL, or one that neither UTF-8 nor an older encoding uses at the begin of a text.
fn binary(start: &[u8]) -> Option<u64> {
    let nul = start.iter().position(|&byte| byte == 0);
    let control = |byte: &u8| matches!(byte, 1..=8 | 14..=26 | 28..=31);
    let head = &start[..start.len().min(64)];
    let not_text = || match std::str::from_utf8(head) {
        Err(error) if error.error_len().is_some() && head.iter().any(control) => {
            Some(error.valid_up_to())
        }
        _ => None,
    };
    nul.or_else(not_text).map(|at| at as u64)
}

/// Every other byte of a text in Latin letters is NUL.
fn is_utf16(start: &[u8]) -> bool {
    let halves = |odd: usize| {
        let mut pairs = start.chunks_exact(2).take(8);
        start.len() >= 4 && pairs.all(|pair| pair[odd] == 0 && pair[1 - odd] != 0)
    };
    halves(0) || halves(1)
}

/// Whether the bytes are spread as those of an encrypted file are. A file of another format repeats some.
fn is_random(start: &[u8]) -> bool {
    let mut counts = [0_usize; 256];
    for byte in start {
        counts[usize::from(*byte)] += 1;
    }
    let most = counts.iter().max().copied().unwrap_or_default();
    start.len() >= 512 && most * 256 < start.len() * 4 + 256 * 16
}

/// Text of another kind.
fn text(start: &str) -> Option<NotADump> {
    let start = start.trim_start_matches('\u{feff}').trim_start();
    if start.starts_with("version https://git-lfs.github.com/spec/") {
        return Some(NotADump::LfsPointer);
    }
    match start.chars().next() {
        Some('<') => return Some(NotADump::Markup),
        Some('{' | '[') => return Some(NotADump::Json),
        _ => {}
    }
    if start.starts_with("%PDF-") {
        return Some(NotADump::Binary { offset: 0 });
    }
    let has = |words: &str| start.contains(words);
    // A dump that was converted may keep the comment at its top, and never keeps the settings of the other engine.
    let is_mysql = has("/*!40") || has("/*M!999999") || has("\nSET SQL_MODE") || has(") ENGINE=");
    if is_mysql {
        return Some(NotADump::Mysql);
    }
    let is_postgres = has("\nSET statement_timeout")
        || has("pg_catalog.set_config")
        || has("\n\\restrict ")
        || has("\n\\connect ");
    if is_postgres {
        return Some(NotADump::Postgres);
    }
    dialect(start).or_else(|| is_csv(start).then_some(NotADump::Csv))
}

/// SQL of another engine without the header of its program: whole lines that no dump of SQLite has. A dump of SQLite may
/// hold them in the text of a row, and begins with lines of its own.
fn dialect(start: &str) -> Option<NotADump> {
    let lines = || start.lines().map(str::trim);
    let is_sqlite = |line: &str| {
        let line = line.to_ascii_uppercase();
        line.starts_with("PRAGMA ") || line.starts_with("BEGIN TRANSACTION")
    };
    if lines().any(is_sqlite) {
        return None;
    }
    let begins = |words: &str| {
        lines().any(|line| {
            let begin = line.get(..words.len());
            begin.is_some_and(|begin| begin.eq_ignore_ascii_case(words))
        })
    };
    if lines().any(|line| line.eq_ignore_ascii_case("GO")) {
        return Some(NotADump::SqlServer);
    }
    if begins("SET client_encoding") || begins("SET standard_conforming_strings") {
        return Some(NotADump::Postgres);
    }
    // Of a column, or of a key beside the columns: `KEY \`k\` (`.
    let is_of_mysql = |line: &str| {
        let upper = line.to_ascii_uppercase();
        line.starts_with('`') && upper.contains(" AUTO_INCREMENT")
            || ["KEY `", "UNIQUE KEY `", "FULLTEXT KEY `"]
                .iter()
                .any(|words| upper.starts_with(words))
    };
    if lines().any(is_of_mysql) {
        return Some(NotADump::Mysql);
    }
    begins("DELIMITER ").then_some(NotADump::Delimiter)
}

/// Whether the first two lines have the same number of fields, and the first begins no statement and no comment.
fn is_csv(start: &str) -> bool {
    let mut lines = start.lines();
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else {
        return false;
    };
    let is_sql = first.contains(['(', ';']) || first.starts_with(['-', '.', '/']);
    let fields = |line: &str, by: char| line.matches(by).count();
    let same = |by| fields(first, by) > 0 && fields(first, by) == fields(second, by);
    let word = first.split(|it: char| !it.is_alphanumeric()).next();
    let begins = |verb: &&str| word.is_some_and(|word| word.eq_ignore_ascii_case(verb));
    let is_verb = ["INSERT", "CREATE", "SELECT", "WITH", "VALUES", "DROP"]
        .iter()
        .any(begins);
    !is_sql && !is_verb && (same(',') || same('\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(start: &[u8], length: u64) -> String {
        match other_file(start, Some(length)) {
            Some(other) => other.to_string(),
            None => "a dump, perhaps".to_owned(),
        }
    }

    #[test]
    fn other_files_are_named_as_what_they_are() {
        let mysql = "-- MySQL dump 10.13  Distrib 8.0.36\n--\n/*!40101 SET NAMES utf8 */;\n";
        let maria = "/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\n";
        let admin = "-- phpMyAdmin SQL Dump\n-- version 5.2.1\n\nSET SQL_MODE = \"NO_AUTO_VALUE_ON_ZERO\";\n";
        let postgres = "--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\nSET lock_timeout = 0;\n";
        let restricted = "--\n-- PostgreSQL database dump\n--\n\n\\restrict aB3\n\n";
        let lfs = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n";
        let mut tar = vec![b'a'; 512];
        tar[TAR].copy_from_slice(b"ustar");
        for (start, words) in [
            (mysql.as_bytes(), "MySQL or MariaDB"),
            (maria.as_bytes(), "MySQL or MariaDB"),
            (admin.as_bytes(), "MySQL or MariaDB"),
            (postgres.as_bytes(), "PostgreSQL"),
            (restricted.as_bytes(), "PostgreSQL"),
            (
                b"DROP TABLE IF EXISTS `t`;\nCREATE TABLE `t` (\n  `id` int NOT NULL AUTO_INCREMENT,\n",
                "MySQL or MariaDB",
            ),
            (
                b"CREATE TABLE `t` (\n  `id` int,\n  KEY `k` (`id`)\n);\n",
                "MySQL or MariaDB",
            ),
            (
                b"SET client_encoding = 'UTF8';\nCREATE TABLE public.t (id integer);\n",
                "PostgreSQL",
            ),
            (b"USE [master]\r\nGO\r\nCREATE TABLE", "SQL Server"),
            (
                b"-- Adminer 4.8.1 SQLite 3 dump\n\nCREATE TABLE t (a);\nDELIMITER ;;\n",
                "DELIMITER",
            ),
            (b"PGDMP\x01\x0e\0\x04", "PostgreSQL"),
            (b"<!DOCTYPE html>\n<title>Sign in</title>", "HTML or XML"),
            (b"\xef\xbb\xbf  <?xml version=\"1.0\"?>", "HTML or XML"),
            (lfs.as_bytes(), "Git LFS"),
            (b"{\"tables\": []}", "JSON"),
            (b"[{\"id\": 1}]", "JSON"),
            (b"id,name\n1,Ada\n2,Bob\n", "CSV"),
            (b"id\tname\n1\tAda\n", "CSV"),
            (b"PK\x03\x04\x14\0", "zip"),
            (b"\x28\xb5\x2f\xfd\x04", "zstd"),
            (b"BZh91AY&SY", "bzip2"),
            (b"\xfd7zXZ\0\0", "xz"),
            (&tar, "tar"),
            (b"\xff\xfeP\0R\0A\0", "UTF-16"),
            (b"P\0R\0A\0G\0M\0A\0 \0f\0o\0", "UTF-16"),
            (b"\x7fELF\x02\x01\x01\0\0", "a NUL at byte 7"),
        ] {
            let told = told(start, 1000);
            assert!(told.contains(words), "{words}: {told}");
        }
    }

    #[test]
    fn an_encrypted_database_is_taken_for_one() {
        let mut state = 1_u64;
        let mut bytes = |length| -> Vec<u8> {
            let next = |_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (state >> 56) as u8
            };
            (0..length).map(next).collect()
        };
        let random = bytes(4096);
        assert!(
            told(&random, 8192).contains("encrypted"),
            "{}",
            told(&random, 8192)
        );
        assert!(!told(&random, 8191).contains("encrypted"));
        assert!(!told(&[0_u8; 4096], 8192).contains("encrypted"));
    }

    #[test]
    fn what_may_be_a_dump_is_left_to_the_reader() {
        for start in [
            "",
            "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n",
            "-- MySQL dump, converted\nCREATE TABLE t (a);\n",
            "-- PostgreSQL database dump\nINSERT INTO t VALUES (1,2);\n",
            "INSERT INTO t VALUES\n(1,2),\n(3,4);\n",
            "CREATE TABLE t (a,\nb, c);\n",
            "BEGIN;\nCOMMIT;\n",
            "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nINSERT INTO t VALUES('\nGO\nSET client_encoding\nDELIMITER ;;\n');\n",
            "CREATE TABLE `t` (\n  `id` integer PRIMARY KEY AUTOINCREMENT,\n  `key` text);\n",
            "INSERT INTO t VALUES('caf\u{e9}');",
        ] {
            assert_eq!(
                told(start.as_bytes(), start.len() as u64),
                "a dump, perhaps",
                "{start}"
            );
        }
        // Latin-1, which the reader names with its line.
        assert_eq!(
            told(b"INSERT INTO t VALUES('caf\xe9');", 29),
            "a dump, perhaps"
        );
    }
}
