//! One value of a row as dumps write it: a literal, or one of the few calls that stand for a text which shells do not
//! print as it is. Nothing else is evaluated.
//!
//! Numbers are what <https://sqlite.org/lang_expr.html#literal_values_constants_> says they are.

use super::decode::{Fix, How, Step};
use super::scan::{GoOn, Refusal, Stop, Text};
use crate::dump::block::Cell;
use crate::hex;
use crate::sql::{is_space, is_word};

/// The inside of a string, whether it has doubled quotes, and where what it stands in ends.
type Inside = (usize, usize, bool, usize);

/// Cells of a row, and what is to be done to the bytes of some.
#[derive(Debug, Default)]
pub(super) struct Cells {
    pub(super) cells: Vec<Cell>,
    pub(super) fixes: Vec<Fix>,
}

impl Cells {
    #[inline]
    fn push(&mut self, cell: Cell) {
        self.cells.push(cell);
    }

    fn push_fixed(&mut self, cell: Cell, how: How) {
        self.fixes.push(Fix {
            cell: self.cells.len() as u32,
            how,
        });
        self.cells.push(cell);
    }
}

impl Text<'_> {
    /// Reads a row from behind its `(` to behind its `)`.
    #[inline]
    pub(super) fn row(&self, mut at: usize, out: &mut Cells) -> Result<usize, Stop> {
        loop {
            at = self.value(at, out)?;
            at = match self.byte(at)? {
                b',' => at + 1,
                b')' => return Ok(at + 1),
                _ => {
                    let next = self.blanks(at)?;
                    match self.byte(next)? {
                        b',' => next + 1,
                        b')' => return Ok(next + 1),
                        _ => return Err(self.no_end(next)),
                    }
                }
            };
        }
    }

    /// Reads a value, and the blanks before it.
    #[inline]
    fn value(&self, at: usize, out: &mut Cells) -> Result<usize, Stop> {
        match self.byte(at)? {
            b'\'' => {
                let (end, doubled) = self.quoted(at)?;
                let cell = Cell::Text(range(at + 1, end - 1));
                if doubled {
                    out.push_fixed(cell, How::Undouble);
                } else {
                    out.push(cell);
                }
                Ok(end)
            }
            b'0'..=b'9' | b'-' => {
                let (cell, end) = self.number(at)?;
                out.push(cell);
                Ok(end)
            }
            b'N' if self.bytes[at..].starts_with(b"NULL,") => {
                out.push(Cell::Null);
                Ok(at + 4)
            }
            b'X' | b'x' if self.byte(at + 1)? == b'\'' => self.blob(at, out),
            _ => self.other_value(at, out),
        }
    }

    /// A value that is rare.
    #[cold]
    fn other_value(&self, at: usize, out: &mut Cells) -> Result<usize, Stop> {
        let byte = self.byte(at)?;
        if is_space(byte) || byte == b'/' {
            let next = self.blanks(at)?;
            if next > at {
                return self.value(next, out);
            }
        }
        if matches!(byte, b'+' | b'.') {
            let (cell, end) = self.number(at)?;
            out.push(cell);
            return Ok(end);
        }
        if byte == b'(' {
            let (number, end) = self.product(at)?;
            out.push(Cell::Real(number));
            return Ok(end);
        }
        let end = self.word(at)?;
        let word = &self.bytes[at..end];
        let is = |name: &str| word.eq_ignore_ascii_case(name.as_bytes());
        if is("null") {
            out.push(Cell::Null);
            Ok(end)
        } else if is("replace") {
            self.replaced(at, end, out)
        } else if is("unistr") {
            self.unistr(at, end, out)
        } else if is("cast") {
            self.cast(at, end, out)
        } else if is("inf") || is("infinity") {
            out.push(Cell::Real(f64::INFINITY));
            Ok(end)
        } else if is("true") || is("false") {
            out.push(Cell::Integer(i64::from(is("true"))));
            Ok(end)
        } else {
            Err(self.no_literal(at))
        }
    }

    /// An integer or a real with its sign. What is out of 64 bits is a real.
    #[inline]
    fn number(&self, at: usize) -> Result<(Cell, usize), Stop> {
        let negative = self.bytes[at] == b'-';
        let first = at + usize::from(negative);
        let mut end = first;
        let mut value: i64 = 0;
        // No 18 digits are out of 64 bits.
        while let Some(digit) = self.get(end).map(|byte| byte.wrapping_sub(b'0'))
            && digit < 10
            && end < first + 18
        {
            value = value * 10 + i64::from(digit);
            end += 1;
        }
        if end > first && matches!(self.byte(end)?, b',' | b')') {
            return Ok((Cell::Integer(if negative { -value } else { value }), end));
        }
        self.other_number(at)
    }

    #[inline(never)]
    fn other_number(&self, at: usize) -> Result<(Cell, usize), Stop> {
        let sign = self.bytes[at];
        let negative = sign == b'-';
        let start = if matches!(sign, b'-' | b'+') {
            // `--` begins a comment, which is no sign.
            if self.byte(at + 1)? == sign {
                return Err(self.no_literal(at));
            }
            self.blanks(at + 1)?
        } else {
            at
        };
        if let Some((number, end)) = self.hexadecimal(start)? {
            let number = if negative {
                number.wrapping_neg()
            } else {
                number
            };
            return Ok((Cell::Integer(number), end));
        }
        let digits = |mut at: usize| {
            while self.get(at).is_some_and(|byte| byte.is_ascii_digit()) {
                at += 1;
            }
            at
        };
        let whole = digits(start);
        let mut end = whole;
        let mut some = whole > start;
        if self.get(end) == Some(b'.') {
            end = digits(end + 1);
            some |= end > whole + 1;
        }
        if !some {
            return match self.infinity(start)? {
                Some(end) => Ok((Cell::Real(signed(f64::INFINITY, negative)), end)),
                None => Err(self.no_literal(at)),
            };
        }
        if matches!(self.get(end), Some(b'e' | b'E')) {
            let sign = usize::from(matches!(self.byte(end + 1)?, b'+' | b'-'));
            if self.byte(end + 1 + sign)?.is_ascii_digit() {
                end = digits(end + 2 + sign);
            }
        }
        // Also where the number may go on behind what has come.
        if is_word(self.byte(end)?) {
            return Err(self.no_literal(at));
        }
        let digits = std::str::from_utf8(&self.bytes[start..end]).unwrap_or_default();
        if end == whole {
            let integer = match (digits.parse::<u64>(), negative) {
                (Ok(number), false) => i64::try_from(number).ok(),
                (Ok(number), true) => 0_i64.checked_sub_unsigned(number),
                (Err(_), _) => None,
            };
            if let Some(integer) = integer {
                return Ok((Cell::Integer(integer), end));
            }
        }
        match digits.parse::<f64>() {
            Ok(number) => Ok((Cell::Real(signed(number, negative)), end)),
            Err(_) => Err(self.no_literal(at)),
        }
    }

    /// `0x1F`: up to 64 bits in two's complement, as the engine reads it.
    fn hexadecimal(&self, at: usize) -> Result<Option<(i64, usize)>, Stop> {
        if !matches!(self.bytes.get(at..at + 2), Some(b"0x" | b"0X")) {
            return Ok(None);
        }
        let end = self.word(at)?;
        let digits = std::str::from_utf8(&self.bytes[at + 2..end]).unwrap_or_default();
        let significant = digits.trim_start_matches('0');
        let is_one = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if !is_one || significant.len() > 16 {
            return Err(self.no_literal(at));
        }
        let number = u64::from_str_radix(significant, 16).unwrap_or(0);
        Ok(Some((number.cast_signed(), end)))
    }

    /// Behind the word for infinity at `at`, which old shells and servers print.
    fn infinity(&self, at: usize) -> Result<Option<usize>, Stop> {
        Ok(match self.is(at, "inf")? {
            Some(end) => Some(end),
            None => self.is(at, "infinity")?,
        })
    }

    /// `(1.0*4503599627370496.0)`: reals that engines read exactly, multiplied or divided in their order, for one that
    /// they would read off by a bit.
    fn product(&self, at: usize) -> Result<(f64, usize), Stop> {
        let mut next = self.blanks(at + 1)?;
        let mut product: Option<(f64, u8)> = None;
        loop {
            let (number, end) = match self.byte(next)? {
                b'0'..=b'9' | b'-' | b'+' | b'.' => self.number(next)?,
                _ => return Err(self.no_literal(at)),
            };
            let Cell::Real(number) = number else {
                return Err(self.no_literal(at));
            };
            let so_far = match product {
                None => number,
                Some((so_far, b'*')) => so_far * number,
                Some((so_far, _)) => so_far / number,
            };
            let end = self.blanks(end)?;
            match self.byte(end)? {
                b')' if so_far.is_nan() => return Err(self.no_literal(at)),
                b')' => return Ok((so_far, end + 1)),
                operator @ (b'*' | b'/') => product = Some((so_far, operator)),
                _ => return Err(self.no_literal(at)),
            }
            next = self.blanks(end + 1)?;
        }
    }

    /// The digits between the quotes of `x'…'`, and where it ends.
    fn hex(&self, at: usize) -> Result<(usize, usize, usize), Stop> {
        let (end, doubled) = self.quoted(at + 1)?;
        let digits = &self.bytes[at + 2..end - 1];
        if doubled || !digits.len().is_multiple_of(2) || !hex::is_hex(digits) {
            return Err(refused(
                at,
                end,
                "malformed-row",
                "the blob is malformed: x'…' takes pairs of hexadecimal digits".to_owned(),
                None,
            ));
        }
        Ok((at + 2, end - 1, end))
    }

    #[inline]
    fn blob(&self, at: usize, out: &mut Cells) -> Result<usize, Stop> {
        let (start, stop, end) = self.hex(at)?;
        out.push_fixed(Cell::Blob(range(start, stop)), How::Hex);
        Ok(end)
    }

    /// `CAST(x'…' AS TEXT)`.
    fn cast(&self, at: usize, name: usize, out: &mut Cells) -> Result<usize, Stop> {
        let digits = self.symbol(at, name, b'(')?;
        if !matches!(self.byte(digits)?, b'x' | b'X') || self.byte(digits + 1)? != b'\'' {
            return Err(self.no_literal(at));
        }
        let (start, stop, end) = self.hex(digits)?;
        let mut next = self.blanks(end)?;
        for word in ["AS", "TEXT"] {
            self.byte(next)?;
            next = match self.is(next, word)? {
                Some(end) => self.blanks(end)?,
                None => return Err(self.no_literal(at)),
            };
        }
        let end = self.symbol(at, next, b')')?;
        out.push_fixed(Cell::Text(range(start, stop)), How::Hex);
        Ok(end)
    }

    /// `unistr('…')`, <https://sqlite.org/lang_corefunc.html#unistr>.
    fn unistr(&self, at: usize, name: usize, out: &mut Cells) -> Result<usize, Stop> {
        let string = self.symbol(at, name, b'(')?;
        let (start, stop, doubled, end) = self.string(at, string)?;
        let end = self.symbol(at, end, b')')?;
        if let Err(escape) = super::decode::check_unistr(&self.bytes[start..stop]) {
            return Err(refused(
                start + escape,
                stop,
                "malformed-row",
                "the text of unistr() has a \\ that begins no escape".to_owned(),
                None,
            ));
        }
        out.push_fixed(Cell::Text(range(start, stop)), How::Unistr { doubled });
        Ok(end)
    }

    /// `replace('…','\n',char(10))`, also of such a call.
    fn replaced(&self, at: usize, name: usize, out: &mut Cells) -> Result<usize, Stop> {
        let argument = self.symbol(at, name, b'(')?;
        let (inside, first) = match self.is(argument, "replace")? {
            Some(name) => {
                let string = self.symbol(at, name, b'(')?;
                let inside = self.string(at, string)?;
                let (step, end) = self.step(at, inside.3)?;
                ((inside.0, inside.1, inside.2, end), Some(step))
            }
            None => (self.string(at, argument)?, None),
        };
        let (start, stop, doubled, end) = inside;
        let (step, end) = self.step(at, end)?;
        let (first, second) = match first {
            Some(first) => (first, Some(step)),
            None => (step, None),
        };
        let how = How::Replace {
            doubled,
            first,
            second,
        };
        out.push_fixed(Cell::Text(range(start, stop)), how);
        Ok(end)
    }

    /// `,'\n',char(10))`.
    fn step(&self, value: usize, at: usize) -> Result<(Step, usize), Stop> {
        let pattern = self.symbol(value, at, b',')?;
        let (from, to, doubled, end) = self.string(value, pattern)?;
        let char = self.symbol(value, end, b',')?;
        let Some(name) = self.is(char, "char")? else {
            return Err(self.no_literal(value));
        };
        let digits = self.symbol(value, name, b'(')?;
        let (number, end) = match self.byte(digits)? {
            b'0'..=b'9' => self.number(digits)?,
            _ => return Err(self.no_literal(value)),
        };
        let end = self.symbol(value, end, b')')?;
        let end = self.symbol(value, end, b')')?;
        match number {
            // Shells look for a text that needs no quotes.
            Cell::Integer(byte @ (0 | 10 | 13)) if !doubled => Ok((
                Step {
                    text: range(from, to),
                    byte: byte as u8,
                },
                end,
            )),
            _ => Err(self.no_literal(value)),
        }
    }

    /// The inside of the string at `at`, whether it has doubled quotes, and its end. `value` is what it belongs to.
    fn string(&self, value: usize, at: usize) -> Result<Inside, Stop> {
        if self.byte(at)? != b'\'' {
            return Err(self.no_literal(value));
        }
        let (end, doubled) = self.quoted(at)?;
        Ok((at + 1, end - 1, doubled, end))
    }

    /// Behind the symbol at `at`, and behind the blanks that follow an opening one or a comma.
    fn symbol(&self, value: usize, at: usize, symbol: u8) -> Result<usize, Stop> {
        let at = self.blanks(at)?;
        if self.byte(at)? != symbol {
            return Err(self.no_literal(value));
        }
        if symbol == b')' {
            return Ok(at + 1);
        }
        let next = self.blanks(at + 1)?;
        self.byte(next)?;
        Ok(next)
    }

    /// Something else than a comma or a parenthesis stands behind a value.
    #[cold]
    fn no_end(&self, at: usize) -> Stop {
        if let Some(stop) = self.cast_of_postgres(at) {
            return stop;
        }
        let end = self.token_end(at);
        refused(
            at,
            end,
            "malformed-row",
            format!(
                "expected a comma or a parenthesis behind the value, found `{}`",
                self.shown(at, end)
            ),
            Some("if this is inside of a text, a ' in it is not doubled".to_owned()),
        )
    }

    /// The text at `at` is no literal.
    #[cold]
    fn no_literal(&self, at: usize) -> Stop {
        if let Some(refusal) = self.value_of_postgres(at) {
            return Stop::Refused(refusal);
        }
        let end = self.token_end(at);
        if self.get(at).is_some_and(ends_value) {
            let message = format!("expected a value, found `{}`", self.shown(at, end));
            return refused(at, end, "malformed-row", message, None);
        }
        refused(
            at,
            end,
            "refused-value",
            "the value is an expression, and dumps consist of plain values".to_owned(),
            Some("nothing of a dump is evaluated: write the value that it has".to_owned()),
        )
    }

    fn token_end(&self, at: usize) -> usize {
        self.word(at).unwrap_or(at).max(at + 1)
    }

    fn shown(&self, at: usize, end: usize) -> String {
        let bytes = self.bytes.get(at..end).unwrap_or_default();
        String::from_utf8_lossy(&bytes[..bytes.len().min(40)]).into_owned()
    }
}

/// Whether a value cannot begin with this.
fn ends_value(byte: u8) -> bool {
    matches!(byte, b',' | b')' | b';')
}

fn refused(
    at: usize,
    end: usize,
    code: &'static str,
    message: String,
    help: Option<String>,
) -> Stop {
    Stop::Refused(Refusal {
        at,
        end,
        code,
        message,
        help,
        go_on: GoOn::Line,
    })
}

fn signed(number: f64, negative: bool) -> f64 {
    if negative { -number } else { number }
}

/// The bytes of a cell: no block is as long as 4 GB, since no statement is.
#[inline]
fn range(start: usize, end: usize) -> std::ops::Range<u32> {
    start as u32..end as u32
}
