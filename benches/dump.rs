//! How fast a dump is read: bytes of text a second, at sizes up to some that no memory holds at once, and how much
//! memory that takes. The dumps are made while they are read, from one piece of text; no file is involved.
//!
//! `cargo bench --bench dump`; the peak of memory is printed where the system tells it.

use std::io::Read;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use seedbed::dump::{DumpError, Item, Reader, ReaderOptions, Source};

#[expect(clippy::print_stdout, reason = "to say what memory it took")]
fn main() {
    divan::main();
    for megabytes in [20, 200] {
        let rows = rows(plain(), megabytes);
        if let (Ok(rows), Some(peak)) = (rows, peak()) {
            println!("{megabytes} MB, {rows} rows: at most {peak} KB of memory so far");
        }
    }
    let rows = rows_of_one_statement(200);
    if let (Ok(rows), Some(peak)) = (rows, peak()) {
        println!("200 MB, {rows} rows of one statement: at most {peak} KB of memory so far");
    }
}

/// Megabytes of text.
const MEGABYTES: [usize; 3] = [1, 20, 200];

/// Rows of an integer key, three short columns and a blob.
fn plain() -> String {
    let row = |n: usize| {
        format!(
            "INSERT INTO items VALUES({n},'name of {n}',{}.5,'x{}',X'{:032x}');\n",
            n * 3,
            n % 97,
            n * 0x1234_5678
        )
    };
    (0..2000).map(row).collect()
}

/// Rows of texts that are not as they are printed.
fn quoted() -> String {
    let row = |n: usize| {
        format!(
            "INSERT INTO items VALUES({n},'it''s {n}',replace('a\\nb{n}','\\n',char(10)),unistr('a\\u000ab{n}'));\n"
        )
    };
    (0..2000).map(row).collect()
}

/// Rows of numbers alone.
fn narrow() -> String {
    (0..2000)
        .map(|n| format!("INSERT INTO pairs VALUES({n},{});\n", n * 7))
        .collect()
}

/// Rows of ten tables that take turns.
fn turns() -> String {
    (0..2000)
        .map(|n| format!("INSERT INTO t{} VALUES({n},'name of {n}');\n", n % 10))
        .collect()
}

/// Rows of one statement, which ends nowhere.
fn long() -> String {
    (0..2000)
        .map(|n| format!("\n({n},'name of {n}'),"))
        .collect()
}

/// One piece of text, again and again.
struct Again {
    text: String,
    at: usize,
    left: usize,
}

impl Read for Again {
    fn read(&mut self, space: &mut [u8]) -> std::io::Result<usize> {
        if self.at == self.text.len() && self.left > 0 {
            self.left -= 1;
            self.at = 0;
        }
        let rest = &self.text.as_bytes()[self.at..];
        let length = rest.len().min(space.len());
        space[..length].copy_from_slice(&rest[..length]);
        self.at += length;
        Ok(length)
    }
}

/// Reads so much of a text, and counts its rows.
fn rows(text: String, megabytes: usize) -> Result<usize, DumpError> {
    let left = megabytes * 1_000_000 / text.len();
    count(Source::of("bench", Again { text, at: 0, left })?)
}

fn count(source: Source) -> Result<usize, DumpError> {
    let mut reader = Reader::new(source, ReaderOptions::default());
    let mut rows = 0;
    while let Some(block) = reader.next()? {
        for item in &black_box(block).items {
            if let Item::Rows(these) = item {
                rows += these.len();
            }
        }
    }
    Ok(rows)
}

/// As [`rows`], of one statement.
fn rows_of_one_statement(megabytes: usize) -> Result<usize, DumpError> {
    let text = long();
    let left = megabytes * 1_000_000 / text.len();
    let begin = "INSERT INTO items VALUES(0,'')".as_bytes();
    let rows = Again { text, at: 0, left };
    let whole = begin.chain(&b","[..]).chain(rows).chain(&b"(0,'');"[..]);
    count(Source::of("bench", whole)?)
}

fn measure(bencher: Bencher<'_, '_>, text: String, megabytes: usize) {
    bencher
        .counter(BytesCount::new(megabytes * 1_000_000))
        .bench(|| rows(text.clone(), megabytes).is_ok());
}

#[divan::bench(args = MEGABYTES, sample_count = 10, sample_size = 1)]
fn plain_rows(bencher: Bencher<'_, '_>, megabytes: usize) {
    measure(bencher, plain(), megabytes);
}

#[divan::bench(args = MEGABYTES, sample_count = 10, sample_size = 1)]
fn narrow_rows(bencher: Bencher<'_, '_>, megabytes: usize) {
    measure(bencher, narrow(), megabytes);
}

#[divan::bench(args = MEGABYTES, sample_count = 10, sample_size = 1)]
fn quoted_rows(bencher: Bencher<'_, '_>, megabytes: usize) {
    measure(bencher, quoted(), megabytes);
}

#[divan::bench(args = MEGABYTES, sample_count = 10, sample_size = 1)]
fn rows_of_tables_that_take_turns(bencher: Bencher<'_, '_>, megabytes: usize) {
    measure(bencher, turns(), megabytes);
}

/// The most memory that this process ever had, in KB.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
