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
use crate::db::{Order, Query, Scan, ScanColumn};
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

/// The statement that asks for the rows of a table page by page: a page, or NULL and then the columns of one row. None
/// where the table has no rowid to go by, or too many columns.
pub(super) fn question(scan: &Scan) -> Option<Query> {
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
    let packed = tree(&columns.clone().map(packed).collect::<Vec<_>>(), "||");
    let size = tree(&columns.clone().map(size).collect::<Vec<_>>(), "+");
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
fn packed(column: &ScanColumn) -> String {
    let c = name(column);
    let halves = |real: &str| {
        format!(
            "CAST({real} AS INTEGER)||':'||CAST(({real}-CAST({real} AS INTEGER))*{SCALE} AS INTEGER)||';'"
        )
    };
    format!(
        "CASE typeof({c}) WHEN 'integer' THEN 'i'||{c}||';' \
         WHEN 'text' THEN 't'||length(CAST({c} AS BLOB))||':'||{c} WHEN 'null' THEN 'n' \
         WHEN 'blob' THEN 'b'||length({c})||':'||CAST({c} AS TEXT) \
         ELSE CASE WHEN abs({c})<1.0/1024 THEN 's'||{} WHEN abs({c})<{SCALE} THEN 'r'||{} ELSE 'l'||{} END END",
        halves(&format!("({c}*{SCALE})")),
        halves(&c),
        halves(&format!("({c}/{SCALE})")),
    )
}

/// At least as many bytes as the value takes in a page. A real of 53 bits with an exponent from -72 on has its lowest bit
/// at -124 or above.
fn size(column: &ScanColumn) -> String {
    let c = name(column);
    let zero = match column.is_real {
        true => format!("{c}=0.0 OR "),
        false => String::new(),
    };
    format!(
        "CASE typeof({c}) WHEN 'text' THEN 21+length(CAST({c} AS BLOB)) WHEN 'blob' THEN 21+length({c}) \
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
            b't' | b'b' => {
                let length = usize::try_from(self.integer(b':')?).map_err(|_| Broken)?;
                let end = self.at.checked_add(length).ok_or(Broken)?;
                if end > self.row.bytes().len() {
                    return Err(Broken);
                }
                match letter {
                    b't' => self.row.push_text(self.at..end),
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
