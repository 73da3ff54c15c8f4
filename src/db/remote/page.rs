//! Rows by the page: a server sends a line for each row of a cursor, which costs more than all else, so the rows of a
//! table come as blobs of up to 128 KB, each with many rows. Pure.
//!
//! The engine finds the pages itself, in one statement and so in one state of the database: a recursive query goes from
//! page to page by rowid, takes fewer rows where a page would be too large, and more where it is small. Every value is
//! exact. Texts and blobs come as their bytes, behind their length. A real comes as two integers, found by multiplying
//! with powers of two, which loses nothing: what engines print of a real is not exact. A row that is too large for a
//! page, or holds a real that those integers have no room for (an infinity, an extreme exponent, the negative zero),
//! comes by itself in further columns.

use super::signs::asked;
use super::wire::WireRow;
use crate::db::{Engine, Order, Query, Scan, ScanColumn};
use crate::sql::identifier;

/// The most bytes of a page.
const PAGE: usize = 128 << 10;

/// How many rows a page has, beside one: the most first.
const ROWS: [usize; 3] = [512, 64, 8];

/// The size of a row that comes by itself, whatever its bytes.
const ALONE: &str = "1000000000";

/// 2⁶², as a real: the product is exact, and a literal with a point might not be.
const SCALE: &str = "(4611686018427387904*1.0)";

/// A table of more columns has few rows to a page, and a statement that is too long.
const COLUMNS: usize = 100;

/// How the blobs of a page come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blobs {
    /// As their bytes.
    Bytes,
    /// In hexadecimal: the Turso engine (0.8.3) makes a text of what it concatenates, and other bytes of what is not UTF-8.
    Hex,
}

/// The statement that asks for the rows of a table page by page: a page, or NULL and then the columns of one row. None
/// where the table has no rowid to go by, or too many columns.
pub(super) fn question(scan: &Scan, engine: Engine) -> Option<Query> {
    let blobs = match engine {
        Engine::Turso => Blobs::Hex,
        Engine::Local | Engine::Memory | Engine::Server => Blobs::Bytes,
    };
    let Order::Rowid(rowid) = &scan.order else {
        return None;
    };
    if scan.columns.is_empty() || scan.columns.len() > COLUMNS {
        return None;
    }
    // Neither name may be that of a table or column; under its alias a table is not known by its own.
    let (table, rowid) = (identifier(&scan.table), identifier(rowid));
    let from = format!("FROM main.{table} AS r NOT INDEXED WHERE r.{rowid}");
    let columns = scan.columns.iter();
    let packed = columns.clone().map(|column| packed(column, blobs));
    let packed = tree(&packed.collect::<Vec<_>>(), "||");
    let size = columns.clone().map(|column| size(column, blobs));
    let size = tree(&size.collect::<Vec<_>>(), "+");
    let alone: Vec<String> = columns.map(|column| asked(&name(column))).collect();
    let last = ROWS.map(|rows| {
        format!(
            "WHEN {rows} THEN (SELECT max(k) FROM (SELECT r.{rowid} AS k {from}>=seedbed_page.lo \
             ORDER BY r.{rowid} LIMIT {rows}))"
        )
    });
    // A page takes three steps: its last rowid, its size, and then the next page, or fewer rows of this one.
    Some(Query::new(format!(
        "WITH RECURSIVE seedbed_page(lo,n,hi,size) AS (\
         SELECT min(r.{rowid}),{first},NULL,NULL FROM main.{table} AS r NOT INDEXED UNION ALL SELECT \
         CASE WHEN size IS NULL OR size>{PAGE} AND n>1 THEN lo \
         ELSE (SELECT min(r.{rowid}) {from}>seedbed_page.hi) END,\
         CASE WHEN size IS NULL THEN n WHEN size>{PAGE} THEN max(1,n/8) ELSE min({most},n*8) END,\
         CASE WHEN hi IS NULL THEN CASE n {} ELSE lo END WHEN size IS NULL THEN hi END,\
         CASE WHEN hi IS NOT NULL AND size IS NULL THEN \
         (SELECT sum({size}) {from} BETWEEN seedbed_page.lo AND seedbed_page.hi)\
         +CASE (SELECT encoding FROM pragma_encoding) WHEN 'UTF-8' THEN 0 ELSE {ALONE} END END \
         FROM seedbed_page WHERE lo IS NOT NULL) \
         SELECT CASE WHEN p.size<={PAGE} THEN (SELECT CAST(count(*)||';'||group_concat({packed},'') AS BLOB) \
         {from} BETWEEN p.lo AND p.hi) END AS page,{} \
         FROM seedbed_page AS p LEFT JOIN main.{table} AS r ON p.size>{PAGE} AND r.{rowid}=p.lo \
         WHERE p.size IS NOT NULL AND (p.size<={PAGE} OR p.n=1)",
        last.join(" "),
        alone.join(","),
        first = ROWS[1],
        most = ROWS[0],
    )))
}

fn name(column: &ScanColumn) -> String {
    format!("r.{}", identifier(&column.name))
}

/// As a tree, since engines bound the depth of an expression.
fn tree(terms: &[String], operator: &str) -> String {
    match terms {
        [] => String::new(),
        [term] => term.clone(),
        terms => {
            let (left, right) = terms.split_at(terms.len() / 2);
            format!(
                "({}{operator}{})",
                tree(left, operator),
                tree(right, operator)
            )
        }
    }
}

/// The expression that a value is packed with: see [`Pages::value`].
fn packed(column: &ScanColumn, blobs: Blobs) -> String {
    let c = name(column);
    let blob = match blobs {
        Blobs::Bytes => format!("'b'||length({c})||':'||CAST({c} AS TEXT)"),
        Blobs::Hex => format!("'x'||length(hex({c}))||':'||hex({c})"),
    };
    let halves = |real: &str| {
        format!(
            "CAST({real} AS INTEGER)||':'||CAST(({real}-CAST({real} AS INTEGER))*{SCALE} AS INTEGER)||';'"
        )
    };
    format!(
        "CASE typeof({c}) WHEN 'integer' THEN 'i'||{c}||';' \
         WHEN 'text' THEN 't'||length(CAST({c} AS BLOB))||':'||{c} WHEN 'null' THEN 'n' \
         WHEN 'blob' THEN {blob} \
         ELSE CASE WHEN abs({c})<1.0/1024 THEN 's'||{} WHEN abs({c})<{SCALE} THEN 'r'||{} ELSE 'l'||{} END END",
        halves(&format!("({c}*{SCALE})")),
        halves(&c),
        halves(&format!("({c}/{SCALE})")),
    )
}

/// At least as many bytes as the value takes in a page. A real of 53 bits with an exponent from -72 on has its lowest bit
/// at -124 or above.
fn size(column: &ScanColumn, blobs: Blobs) -> String {
    let c = name(column);
    let blob = match blobs {
        Blobs::Bytes => format!("length({c})"),
        Blobs::Hex => format!("2*length({c})"),
    };
    let zero = match column.is_real {
        true => format!("{c}=0.0 OR "),
        false => String::new(),
    };
    format!(
        "CASE typeof({c}) WHEN 'text' THEN 21+length(CAST({c} AS BLOB)) WHEN 'blob' THEN 21+{blob} \
         WHEN 'real' THEN CASE WHEN {zero}abs({c})>=1.0/1024/{SCALE} AND abs({c})<{SCALE}*{SCALE} THEN 45 \
         ELSE {ALONE} END ELSE 22 END"
    )
}

/// A page that is taken apart.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// A row of the page, and below it the bytes of the page.
    pub(super) row: WireRow,
    at: usize,
    left: usize,
}

/// A page does not hold what it should.
#[derive(Debug)]
pub(super) struct Broken;

impl Pages {
    /// Takes the bytes of a page from the first column of `row`; whether it is one.
    pub(super) fn take(&mut self, row: &mut WireRow) -> Result<bool, Broken> {
        if !self.row.take_blob(row) {
            return Ok(false);
        }
        self.at = 0;
        let rows = self.integer(b';')?;
        self.left = usize::try_from(rows).map_err(|_| Broken)?;
        Ok(true)
    }

    /// Goes to the next row of the page; whether there is one.
    pub(super) fn next(&mut self, columns: usize) -> Result<bool, Broken> {
        self.row.clear();
        if self.left == 0 {
            return match self.at == self.row.bytes().len() {
                true => Ok(false),
                false => Err(Broken),
            };
        }
        self.left -= 1;
        for _ in 0..columns {
            self.value()?;
        }
        Ok(true)
    }

    fn value(&mut self) -> Result<(), Broken> {
        let letter = *self.row.bytes().get(self.at).ok_or(Broken)?;
        self.at += 1;
        match letter {
            b'n' => self.row.push_null(),
            b'i' => {
                let number = self.integer(b';')?;
                self.row.push_integer(number);
            }
            b't' | b'b' | b'x' => {
                let length = usize::try_from(self.integer(b':')?).map_err(|_| Broken)?;
                let end = self.at.checked_add(length).ok_or(Broken)?;
                if end > self.row.bytes().len() {
                    return Err(Broken);
                }
                match letter {
                    b't' => self.row.push_text(self.at..end),
                    b'x' => self.row.push_hex(self.at..end).ok_or(Broken)?,
                    _ => self.row.push_blob(self.at..end),
                }
                self.at = end;
            }
            b's' | b'r' | b'l' => {
                const SCALE: f64 = (1_u64 << 62) as f64;
                let whole = self.integer(b':')?;
                let rest = self.integer(b';')?;
                // Each of these is exact: the real has no more bits than both.
                #[allow(clippy::cast_precision_loss)]
                let real = whole as f64 + rest as f64 / SCALE;
                self.row.push_real(match letter {
                    b's' => real / SCALE,
                    b'l' => real * SCALE,
                    _ => real,
                });
            }
            _ => return Err(Broken),
        }
        Ok(())
    }

    /// The digits up to `end`.
    fn integer(&mut self, end: u8) -> Result<i64, Broken> {
        let rest = &self.row.bytes()[self.at..];
        let length = rest.iter().take(21).position(|byte| *byte == end);
        let digits = &rest[..length.ok_or(Broken)?];
        let (is_negative, digits) = match digits {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        if digits.is_empty() {
            return Err(Broken);
        }
        let mut number = 0_i64;
        for digit in digits {
            let digit = i64::from(digit.wrapping_sub(b'0'));
            if !(0..10).contains(&digit) {
                return Err(Broken);
            }
            // From zero down, where there is one number more.
            let next = number.checked_mul(10).and_then(|it| it.checked_sub(digit));
            number = next.ok_or(Broken)?;
        }
        self.at += digits.len() + usize::from(is_negative) + 1;
        match is_negative {
            true => Ok(number),
            false => number.checked_neg().ok_or(Broken),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use proptest::prelude::*;

    use super::super::signs::given;
    use super::*;
    use crate::db::{Access, Raw};
    use crate::sql::{Value, ValueRef};

    fn scan(columns: &[&str], rowid: &str) -> Scan {
        let column = |name: &&str| ScanColumn {
            name: (*name).to_owned(),
            is_real: *name == "r",
        };
        Scan {
            table: "page".to_owned(),
            columns: columns.iter().map(column).collect(),
            order: Order::Rowid(rowid.to_owned()),
        }
    }

    /// The rows that the pages give, bit by bit, how many pages there are, and how many rows came alone.
    fn read(raw: &Raw, scan: &Scan) -> (Vec<String>, usize, usize) {
        let came = read_from(raw, scan, Engine::Server);
        assert!(read_from(raw, scan, Engine::Turso).0 == came.0);
        came
    }

    fn read_from(raw: &Raw, scan: &Scan, engine: Engine) -> (Vec<String>, usize, usize) {
        let (mut found, mut pages, mut alone) = (Vec::new(), 0, 0);
        let mut taken = Pages::default();
        let query = question(scan, engine).unwrap();
        raw.prepare(&query.sql)
            .unwrap()
            .rows([], |row| {
                let ValueRef::Blob(page) = row.value(0) else {
                    let values = (1..row.width()).map(|column| given(row.value(column)));
                    found.push(shown(values));
                    alone += 1;
                    return ControlFlow::Continue(());
                };
                assert!(page.len() <= PAGE + 21, "{}", page.len());
                let mut wire = WireRow::of_blob(page);
                assert!(taken.take(&mut wire).unwrap());
                while taken.next(scan.columns.len()).unwrap() {
                    let columns = 0..taken.row.width();
                    found.push(shown(columns.map(|column| taken.row.value(column))));
                }
                pages += 1;
                ControlFlow::Continue(())
            })
            .unwrap();
        (found, pages, alone)
    }

    fn shown<'a>(values: impl Iterator<Item = ValueRef<'a>>) -> String {
        let values = values.map(|value| match value {
            ValueRef::Real(real) => format!("{:016x}", real.to_bits()),
            value => format!("{value:?}"),
        });
        values.collect::<Vec<_>>().join(" ")
    }

    async fn made(statements: &[&str]) -> Raw {
        let raw = Raw::open(":memory:", Access::Create).await.unwrap();
        for statement in statements {
            raw.execute(statement).unwrap();
        }
        raw
    }

    fn plain(raw: &Raw, scan: &Scan) -> Vec<String> {
        let mut found = Vec::new();
        raw.prepare(&scan.plain(str::to_owned).sql)
            .unwrap()
            .rows([], |row| {
                found.push(shown((0..row.width()).map(|column| row.value(column))));
                ControlFlow::Continue(())
            })
            .unwrap();
        found
    }

    #[tokio::test]
    async fn many_small_rows_come_in_few_pages() {
        let raw = made(&[
            "CREATE TABLE page (lo INTEGER PRIMARY KEY, hi, size)",
            "WITH RECURSIVE n (i) AS (SELECT -5000 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
             INSERT INTO page SELECT i * i * i, 'name of ' || i, NULL FROM n",
        ])
        .await;
        let scan = scan(&["lo", "hi", "size"], "lo");
        let (found, pages, alone) = read(&raw, &scan);
        assert_eq!(found, plain(&raw, &scan));
        assert_eq!((found.len(), alone), (10_001, 0));
        assert!(pages < 30, "{pages}");
    }

    #[tokio::test]
    async fn a_table_without_rows_has_no_page() {
        let raw = made(&["CREATE TABLE page (a)"]).await;
        assert_eq!(read(&raw, &scan(&["a"], "rowid")), (Vec::new(), 0, 0));
    }

    #[tokio::test]
    async fn rows_at_both_ends_of_the_rowids_come_once() {
        let raw = made(&[
            "CREATE TABLE page (a)",
            "INSERT INTO page (rowid, a) VALUES (-9223372036854775808, 1), (9223372036854775807, 2), (0, 3)",
        ])
        .await;
        let scan = scan(&["rowid", "a"], "rowid");
        assert_eq!(read(&raw, &scan).0, plain(&raw, &scan));
    }

    #[tokio::test]
    async fn rows_that_are_too_large_for_a_page_come_alone() {
        let raw = made(&[
            "CREATE TABLE page (a, b)",
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 600)
             INSERT INTO page SELECT i, CASE WHEN i % 50 = 0 THEN zeroblob(200000) ELSE hex(zeroblob(i * 20)) END FROM n",
        ])
        .await;
        let scan = scan(&["a", "b"], "rowid");
        let (found, pages, alone) = read(&raw, &scan);
        assert!(found == plain(&raw, &scan));
        assert_eq!(alone, 12);
        assert!(pages < 250, "{pages}");
    }

    #[tokio::test]
    async fn a_database_of_utf_16_comes_row_by_row() {
        let raw = made(&[
            "PRAGMA encoding = 'UTF-16'",
            "CREATE TABLE page (a)",
            "INSERT INTO page VALUES ('ä🌱'), (x'00')",
        ])
        .await;
        let scan = scan(&["a"], "rowid");
        let (found, _, alone) = read(&raw, &scan);
        assert_eq!((found, alone), (plain(&raw, &scan), 2));
    }

    #[tokio::test]
    async fn every_value_comes_bit_by_bit() {
        let raw = made(&["CREATE TABLE page (a, r REAL, t TEXT)"]).await;
        let mut insert = raw.prepare("INSERT INTO page VALUES (?1, ?1, ?1)").unwrap();
        let exponents = (-1074..1024).map(|exponent: i32| 2.0_f64.powi(exponent));
        let reals =
            exponents.flat_map(|it| [it, -it * 1.5, it * (2.0 - f64::EPSILON), it * (1.0 / 3.0)]);
        for real in reals.chain([0.0, -0.0, 0.1, f64::INFINITY, f64::NEG_INFINITY, f64::MAX]) {
            insert.run([ValueRef::Real(real)]).unwrap();
        }
        for value in [
            Value::Null,
            Value::Integer(i64::MIN),
            Value::Integer(i64::MAX),
            Value::Text(String::new()),
            Value::Text("a\0b;:'\u{1}-".to_owned()),
            Value::Text("\u{1}-".to_owned()),
            Value::Blob(vec![0, 255, b';']),
            Value::Blob(Vec::new()),
        ] {
            insert.run([(&value).into()]).unwrap();
        }
        insert.run([ValueRef::Text(b"\xff\xfe a")]).unwrap();
        drop(insert);
        let scan = scan(&["a", "r", "t"], "rowid");
        let (found, expect) = (read(&raw, &scan).0, plain(&raw, &scan));
        let differ = found
            .iter()
            .zip(&expect)
            .find(|(found, expect)| found != expect);
        assert_eq!(differ, None);
        assert_eq!(found.len(), expect.len());
    }

    #[test]
    fn what_is_no_page_is_broken() {
        for page in [
            "",
            "1",
            "1;",
            "1;i5",
            "1;n2",
            "0;n",
            "1;t5:abc",
            "1;x",
            "1;x2:0g",
            "1;x3:0aa",
            "1;x4:0a",
            "-1;",
            "1;i--1;",
            "1;i9223372036854775808;",
        ] {
            let mut wire = WireRow::of_blob(page.as_bytes());
            let mut pages = Pages::default();
            let taken = pages.take(&mut wire).and_then(|_| {
                while pages.next(1)? {}
                Ok(())
            });
            assert!(taken.is_err(), "{page:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn reals_of_any_bits_come_bit_by_bit(bits in prop::collection::vec(any::<u64>(), 1..50)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let raw = runtime.block_on(made(&["CREATE TABLE page (a, r REAL)"]));
            let mut insert = raw.prepare("INSERT INTO page VALUES (?1, ?1)").unwrap();
            for bits in bits {
                let real = f64::from_bits(bits);
                // Half of them with an exponent that is not rare.
                let usual = f64::from_bits(bits & !(0x7ff << 52) | (1023 - 40 + (bits >> 52 & 0x7f)) << 52);
                for real in [real, usual] {
                    insert.run([ValueRef::Real(real)]).unwrap();
                }
            }
            drop(insert);
            let scan = scan(&["a", "r"], "rowid");
            prop_assert_eq!(read(&raw, &scan).0, plain(&raw, &scan));
        }

        #[test]
        fn no_page_makes_it_fall_over(page in "[0-9]{0,2};?[itbrsln0-9:;-]{0,40}") {
            let mut pages = Pages::default();
            if pages.take(&mut WireRow::of_blob(page.as_bytes())).is_ok() {
                while let Ok(true) = pages.next(2) {}
            }
        }
    }
}
