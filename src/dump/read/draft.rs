//! What is in the buffer, as a draft of a block: as many whole statements of one sort as there are. Nothing is decoded
//! yet, so that what stops in the middle of a statement can be read again from its begin.

use std::sync::Arc;

use super::decode::decode;
use super::insert::{Insert, Run, Saved, SchemaRow, go_on, insert, leave};
use super::scan::{GoOn, Open, Refusal, Stop, Text, Unclosed};
use super::{Reader, statement};
use crate::diagnostic::Diagnostic;
use crate::dump::block::{Cell, Object, RowPlace, Statement, Target, What};

/// What was read of the buffer.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) runs: Vec<Run>,
    pub(super) statements: Vec<Statement>,
    /// Behind the last whole statement, and the blanks that follow it: where the next one begins.
    pub(super) end: usize,
    /// The lines before that.
    pub(super) lines: u32,
    /// The statement in whose middle the draft ends, before a row.
    pub(super) within: Option<Within>,
}

/// A statement of which some rows were handed over.
#[derive(Debug, Clone)]
pub(super) struct Within {
    target: Arc<Target>,
    /// What is wrong where the dump ends in it.
    pub(super) cut_short: Arc<Diagnostic>,
}

/// Why a draft ends.
pub(super) enum Pause {
    /// All that is in the buffer was read.
    End,
    /// The buffer ends in the middle of something.
    Open(Open),
    /// Statements follow rows, or rows statements.
    Switch,
    Refused(Refusal),
    RolledBack(usize),
}

impl From<Stop> for Pause {
    fn from(stop: Stop) -> Pause {
        match stop {
            Stop::More(open) => Pause::Open(open),
            Stop::Refused(refusal) => Pause::Refused(refusal),
        }
    }
}

impl Draft {
    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.statements.is_empty()
    }

    /// Takes the text up to `end` as read.
    #[inline]
    fn count(&mut self, text: &Text<'_>, end: usize) {
        let passed = &text.bytes[self.end..end];
        self.lines += memchr::memchr_iter(b'\n', passed).count() as u32;
        self.end = end;
    }
}

impl Reader {
    /// Reads as many statements of one sort as are in the buffer.
    pub(super) fn parse(&mut self, draft: &mut Draft) -> Pause {
        let text = Text {
            bytes: &self.buffer[self.start..],
            last: self.last,
        };
        let mut at = 0;
        if self.place.offset == 0 && text.bytes.starts_with(b"\xef\xbb\xbf") {
            at = 3;
        }
        if let Some(within) = &self.within {
            let place = RowPlace::default();
            match go_on(&text, place, &within.target, &mut draft.runs) {
                Ok(end) => {
                    at = end + 1;
                    draft.count(&text, at);
                }
                Err(stop) => return self.leave(&text, stop, draft),
            }
        }
        loop {
            at = match text.between(at) {
                Ok(next) => next,
                Err(stop) => return stop.into(),
            };
            draft.count(&text, at);
            let place = RowPlace {
                bytes: at as u32,
                lines: draft.lines,
            };
            let Some(first) = text.get(at) else {
                return Pause::End;
            };
            // An index takes long, so the code that applies blocks can commit after each.
            if draft.statements.last().is_some_and(makes_an_index) {
                return Pause::Switch;
            }
            let begins = match first {
                b'I' | b'i' => text.is(at, "INSERT"),
                b'R' | b'r' => text.is(at, "REPLACE"),
                _ => Ok(None),
            };
            let begins = match begins {
                Ok(begins) => begins,
                Err(stop) => return stop.into(),
            };
            if begins.is_none() {
                match self.other(&text, at, draft) {
                    Ok(end) => {
                        // The last semicolon may be missing.
                        at = (end + 1).min(text.bytes.len());
                        draft.count(&text, at);
                    }
                    Err(pause) => return pause,
                }
                continue;
            }
            let saved = Saved::of(&draft.runs);
            let inserted = insert(&text, at, place, &mut self.memory, &mut draft.runs);
            let pause = match inserted {
                Ok(Insert::Rows { end }) if draft.statements.is_empty() => {
                    at = end + 1;
                    draft.count(&text, at);
                    continue;
                }
                Ok(Insert::Rows { .. }) => Pause::Switch,
                Ok(Insert::Schema(_)) if !draft.runs.is_empty() => Pause::Switch,
                Ok(Insert::Schema(row)) => match virtual_table(&text, at, &row) {
                    Ok(what) => {
                        draft
                            .statements
                            .push(self.statement_at(draft.lines, at, what));
                        at = row.end + 1;
                        draft.count(&text, at);
                        continue;
                    }
                    Err(refusal) => Pause::Refused(refusal),
                },
                // A statement with many rows is handed over in parts.
                Err(stop @ Stop::More(_))
                    if saved.is_of_nothing() && draft.statements.is_empty() =>
                {
                    return self.leave(&text, stop, draft);
                }
                Err(stop) => stop.into(),
            };
            // A schema's row leaves the rows as they were.
            saved.restore(&mut draft.runs);
            return pause;
        }
    }

    /// Ends a draft in the middle of its only statement: where that does not fit into the buffer, or a mark is there to
    /// go on from, with the rows that are whole; else with nothing of it.
    fn leave(&self, text: &Text<'_>, stop: Stop, draft: &mut Draft) -> Pause {
        let is_full = !text.last && text.bytes.len() >= self.options.block_bytes;
        let is_marked = |at: usize| self.place.offset + at as u64 == self.limit;
        match leave(&mut draft.runs) {
            Some((at, target)) if matches!(stop, Stop::More(_)) && (is_full || is_marked(at)) => {
                let cut_short = match &self.within {
                    Some(within) => Arc::clone(&within.cut_short),
                    None => Arc::new(self.cut_short(Open {
                        what: Unclosed::Statement,
                        at: draft.end,
                    })),
                };
                draft.count(text, at);
                draft.within = Some(Within { target, cut_short });
            }
            _ => {
                draft.runs.clear();
                draft.within = self.within.clone();
            }
        }
        stop.into()
    }

    /// Reads the statement at `at`, which is no `INSERT`, and gives its end.
    fn other(&self, text: &Text<'_>, at: usize, draft: &mut Draft) -> Result<usize, Pause> {
        if !text.is_verb(at)? {
            return Err(Pause::Refused(text.no_statement(at)));
        }
        let end = match text.statement(at) {
            // Nothing can be missing of it but its semicolon.
            Err(Stop::More(_)) if text.last && is_commit(&text.bytes[at..]) => text.bytes.len(),
            end => end?,
        };
        let sql = std::str::from_utf8(&text.bytes[at..end]).map_err(|error| {
            Pause::Refused(Refusal {
                at: at + error.valid_up_to(),
                end: at + error.valid_up_to() + 1,
                code: "malformed-statement",
                message: "the statement is not UTF-8".to_owned(),
                help: None,
                go_on: GoOn::Statement,
            })
        })?;
        let what = match statement::statement(sql.trim_ascii_end()) {
            Ok(what) => what,
            Err(refused) => {
                return Err(Pause::Refused(Refusal {
                    at,
                    end: text.word(at)?,
                    code: "refused-statement",
                    message: refused.message,
                    help: refused.help,
                    go_on: GoOn::Statement,
                }));
            }
        };
        if !draft.runs.is_empty() {
            return Err(Pause::Switch);
        }
        if what == What::Rollback {
            return Err(Pause::RolledBack(at));
        }
        draft
            .statements
            .push(self.statement_at(draft.lines, at, what));
        Ok(end)
    }

    fn statement_at(&self, lines: u32, at: usize, what: What) -> Statement {
        Statement {
            what,
            offset: self.place.offset + at as u64,
            line: self.place.line + u64::from(lines),
        }
    }
}

fn is_commit(statement: &[u8]) -> bool {
    let statement = std::str::from_utf8(statement);
    statement.is_ok_and(|sql| crate::sql::kind(sql) == crate::sql::Kind::Commit)
}

/// Whether this takes long.
fn makes_an_index(statement: &Statement) -> bool {
    matches!(
        statement.what,
        What::Create {
            object: Object::Index,
            ..
        }
    )
}

/// The virtual table that a row of `sqlite_schema` at `at` stands for.
fn virtual_table(text: &Text<'_>, at: usize, row: &SchemaRow) -> Result<What, Refusal> {
    let mut statement = text.bytes[at..row.end].to_vec();
    let mut cells = row.cells.cells.clone();
    decode(&mut statement, &mut cells, &row.cells.fixes);
    let string = |cell: &Cell| match cell {
        Cell::Text(range) => {
            let bytes = &statement[range.start as usize..range.end as usize];
            std::str::from_utf8(bytes).ok()
        }
        _ => None,
    };
    let columns = ["type", "name", "tbl_name", "rootpage", "sql"];
    let named = row.columns.is_empty() || row.columns == columns;
    let refused = |refused: statement::Refused| Refusal {
        at,
        end: at + "INSERT".len(),
        code: "refused-statement",
        message: refused.message,
        help: refused.help,
        go_on: GoOn::Statement,
    };
    match cells.as_slice() {
        [kind, name, table, Cell::Integer(0), sql]
            if named && string(kind) == Some("table") && string(name) == string(table) =>
        {
            let (name, sql) = (
                string(name).unwrap_or_default(),
                string(sql).unwrap_or_default(),
            );
            statement::schema_row(sql, name).map_err(refused)
        }
        _ => Err(refused(statement::no_virtual_table())),
    }
}

pub(super) fn nul_byte(at: usize) -> Refusal {
    Refusal {
        at,
        end: at + 1,
        code: "malformed-statement",
        message:
            "a NUL byte, which engines take as the end of the text: the file is damaged, or no dump"
                .to_owned(),
        help: None,
        go_on: GoOn::End,
    }
}
