//! What only PostgreSQL writes: one such place in a dump says what the dump is, and nothing behind it says more. Pure.

use super::scan::{GoOn, Refusal, Stop, Text, Unclosed};

/// Words in the place of a value or a statement, and how they are named.
const ESCAPED: &str = "E'…'";
const DOLLARS: &str = "$…$";
const CAST: &str = "::";
const COPY: &str = "COPY … FROM stdin";

impl Text<'_> {
    /// A text in the place of a value: a string with escapes or dollars.
    pub(super) fn value_of_postgres(&self, at: usize) -> Option<Refusal> {
        let quoted = |at: usize| self.get(at) == Some(b'\'');
        match self.get(at)? {
            b'E' | b'e' if quoted(at + 1) => Some(of_postgres(at, at + 2, ESCAPED)),
            b'$' => {
                let rest = &self.bytes[at + 1..];
                let is_tag = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
                let tag = rest.iter().take_while(|byte| is_tag(byte)).count();
                let is_number = rest.first().is_some_and(u8::is_ascii_digit);
                let is_closed = rest.get(tag) == Some(&b'$');
                (is_closed && !is_number).then(|| of_postgres(at, at + tag + 2, DOLLARS))
            }
            _ => None,
        }
    }

    /// A text after a value: the type that it is cast to.
    pub(super) fn cast_of_postgres(&self, at: usize) -> Option<Stop> {
        match self.bytes[at..] {
            [b':'] if !self.last => Some(Stop::more(Unclosed::Statement, at)),
            [b':', b':', ..] => Some(Stop::Refused(of_postgres(at, at + 2, CAST))),
            _ => None,
        }
    }

    /// A text in the place of a statement: rows that follow in lines of their own.
    pub(super) fn copy_of_postgres(&self, at: usize) -> Option<Refusal> {
        let line = &self.bytes[at..self.line_end(at).unwrap_or(self.bytes.len())];
        let line = line.trim_ascii_end().to_ascii_lowercase();
        let is_copy = line.starts_with(b"copy ") && line.ends_with(b" from stdin;");
        is_copy.then(|| of_postgres(at, at + 4, COPY))
    }
}

fn of_postgres(at: usize, end: usize, what: &str) -> Refusal {
    Refusal {
        at,
        end,
        code: "postgres-dump",
        message: format!("this is a dump of PostgreSQL: SQLite has no `{what}`"),
        help: Some("convert it first, for example with `pgloader` or `db-to-sqlite`".to_owned()),
        go_on: GoOn::Nowhere,
    }
}
