//! `INSERT INTO … VALUES …` as rows. Most statements begin with the same bytes as one of those before, so those are
//! compared, not read, from the second on.

use std::sync::Arc;

use super::scan::{GoOn, Refusal, Stop, Text};
use super::value::Cells;
use crate::dump::block::{OnConflict, RowPlace, Target};
use crate::sql::{is_space, is_word};

/// Rows of one target, not decoded yet.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) target: Arc<Target>,
    pub(super) cells: Cells,
    pub(super) places: Vec<RowPlace>,
    /// Where a statement that is not whole can be left and read on.
    left: Left,
}

/// A row of a statement, and how many rows of the run are before it.
#[derive(Debug, Clone, Copy, Default)]
struct Left {
    at: usize,
    rows: usize,
}

/// How the last statements began, up to their first parenthesis, and what that means. Equal beginnings have the same
/// target, so that it can be told by its address.
#[derive(Debug, Default)]
pub(super) struct Memory {
    known: Vec<Known>,
    /// The last that was found.
    last: usize,
}

#[derive(Debug)]
struct Known {
    prefix: Vec<u8>,
    target: Arc<Target>,
}

/// How many beginnings are remembered.
const REMEMBERED: usize = 256;

impl Memory {
    /// The beginning that `text` has. Tables that take turns mostly do so in one order.
    fn find(&mut self, text: &[u8]) -> Option<usize> {
        let is = |known: &Known| text.starts_with(&known.prefix);
        let next = self.last + 1;
        let at = match (self.known.get(self.last), self.known.get(next)) {
            (Some(known), _) if is(known) => self.last,
            (_, Some(known)) if is(known) => next,
            _ => self.known.iter().position(is)?,
        };
        self.last = at;
        Some(at)
    }

    fn note(&mut self, prefix: &[u8], target: &Arc<Target>) {
        let known = self.known.get_mut(self.last);
        if let Some(known) = known.filter(|known| known.prefix == prefix) {
            known.target = Arc::clone(target);
            return;
        }
        if self.known.len() == REMEMBERED {
            self.known.clear();
        }
        self.last = self.known.len();
        self.known.push(Known {
            prefix: prefix.to_vec(),
            target: Arc::clone(target),
        });
    }
}

/// What an `INSERT` is.
#[derive(Debug)]
pub(super) enum Insert {
    /// Rows that were added; the statement ends here, at its semicolon.
    Rows { end: usize },
    /// The first word of another, which is no row for a table: the schema's.
    Schema(SchemaRow),
}

/// A row of `sqlite_schema`, not decoded yet.
#[derive(Debug)]
pub(super) struct SchemaRow {
    pub(super) columns: Vec<String>,
    pub(super) cells: Cells,
    pub(super) end: usize,
}

/// The text before the rows.
struct Head {
    on_conflict: OnConflict,
    table: String,
    columns: Vec<String>,
    /// Behind the first parenthesis of the first row.
    row: usize,
}

/// What comes behind a row.
enum Next {
    /// Another, from here on.
    Row(usize),
    /// The end of the statement.
    End(usize),
}

/// Reads the `INSERT` at `at` into the last of `runs`, or into a new one. `place` is that of the statement. Where this
/// stops, `runs` may hold a part of the statement: see [`Saved`].
pub(super) fn insert(
    text: &Text<'_>,
    at: usize,
    place: RowPlace,
    memory: &mut Memory,
    runs: &mut Vec<Run>,
) -> Result<Insert, Stop> {
    let known = memory.find(&text.bytes[at..]);
    let known = known.and_then(|at| memory.known.get(at));
    let (first, head) = match known {
        Some(Known { prefix, target }) => {
            let row = at + prefix.len();
            match runs.last_mut() {
                Some(run) if Arc::ptr_eq(&run.target, target) => {
                    let before = run.cells.cells.len();
                    let end = text.row(row, &mut run.cells)?;
                    run.places.push(place);
                    if run.cells.cells.len() - before == target.width {
                        let end = rest(text, at, end, place, runs)?;
                        return Ok(Insert::Rows { end });
                    }
                    // Of another width: told or put aside below.
                    run.places.pop();
                    run.cells.truncate(before);
                }
                _ => {}
            }
            (row, None)
        }
        None => {
            let head = head(text, at)?;
            if is_schema(&head.table) {
                return schema_row(text, at, head).map(Insert::Schema);
            }
            refuse_internal(&head.table, at)?;
            let row = head.row;
            (row, Some(head))
        }
    };
    let mut cells = Cells::default();
    let end = text.row(first, &mut cells)?;
    let width = cells.cells.len();
    let before = known.map(|known| Arc::clone(&known.target));
    let target = match (head, &before) {
        (None, Some(target)) if target.width == width => Arc::clone(target),
        (None, Some(target)) => Arc::new(Target {
            width,
            ..Target::clone(target)
        }),
        (Some(head), _) => Arc::new(Target {
            on_conflict: head.on_conflict,
            table: head.table,
            columns: head.columns,
            width,
        }),
        (None, None) => return Err(unexpected(text, at, "INSERT INTO")),
    };
    if !target.columns.is_empty() && target.columns.len() != width {
        return Err(malformed(
            at,
            first,
            format!(
                "{} columns are named, and the row has {width} values",
                target.columns.len()
            ),
        ));
    }
    if !before.is_some_and(|before| Arc::ptr_eq(&before, &target)) {
        memory.note(&text.bytes[at..first], &target);
    }
    runs.push(Run {
        target,
        cells,
        places: vec![place],
        left: Left::default(),
    });
    let end = rest(text, at, end, place, runs)?;
    Ok(Insert::Rows { end })
}

/// Reads on in a statement whose rows so far were handed over, before its next row, and gives its end.
pub(super) fn go_on(
    text: &Text<'_>,
    place: RowPlace,
    target: &Arc<Target>,
    runs: &mut Vec<Run>,
) -> Result<usize, Stop> {
    let mut run = Run {
        target: Arc::clone(target),
        cells: Cells::default(),
        places: Vec::new(),
        left: Left::default(),
    };
    let row = text.blanks(0)?;
    if text.byte(row)? != b'(' {
        return Err(unexpected(text, row, "`(`"));
    }
    let mut lines = Lines { counted: 0, place };
    let end = run.row(text, row, &mut lines)?;
    runs.push(run);
    rest(text, lines.counted, end, lines.place, runs)
}

/// Leaves the statement that `runs` ends with, which is not whole, before the row that is: its rows before that one stay.
/// None where there are none.
pub(super) fn leave(runs: &mut [Run]) -> Option<(usize, Arc<Target>)> {
    let run = runs.last_mut()?;
    let Left { at, rows } = run.left;
    if rows == 0 {
        return None;
    }
    run.places.truncate(rows);
    run.cells.truncate(rows * run.target.width);
    Some((at, Arc::clone(&run.target)))
}

/// Reads the other rows of a statement of which a row ends at `end`, and gives its end.
#[inline]
fn rest(
    text: &Text<'_>,
    at: usize,
    mut end: usize,
    place: RowPlace,
    runs: &mut [Run],
) -> Result<usize, Stop> {
    if text.get(end) == Some(b';') {
        return Ok(end);
    }
    let Some(run) = runs.last_mut() else {
        return Ok(end);
    };
    let mut lines = Lines { counted: at, place };
    loop {
        match behind_row(text, end) {
            Ok(Next::End(end)) => return Ok(end),
            Ok(Next::Row(row)) => end = run.row(text, row, &mut lines)?,
            Err(stop) => {
                // What has come may end right before a row, at a mark.
                if text.ends_behind_comma(end) {
                    run.left = Left {
                        at: text.bytes.len(),
                        rows: run.places.len(),
                    };
                }
                return Err(stop);
            }
        }
    }
}

impl Run {
    /// Reads the row whose parenthesis is at `row`, and gives its end.
    #[inline]
    fn row(&mut self, text: &Text<'_>, row: usize, lines: &mut Lines) -> Result<usize, Stop> {
        self.left = Left {
            at: row,
            rows: self.places.len(),
        };
        let before = self.cells.cells.len();
        let end = text.row(row + 1, &mut self.cells)?;
        let width = self.cells.cells.len() - before;
        if width != self.target.width {
            return Err(malformed(
                row,
                end,
                format!(
                    "the first row of the statement has {} values, and this one {width}",
                    self.target.width
                ),
            ));
        }
        self.places.push(lines.place(text, row));
        Ok(end)
    }
}

/// Counts lines within a statement.
struct Lines {
    counted: usize,
    place: RowPlace,
}

impl Lines {
    fn place(&mut self, text: &Text<'_>, at: usize) -> RowPlace {
        let between = &text.bytes[self.counted..at];
        self.place.lines += memchr::memchr_iter(b'\n', between).count() as u32;
        self.place.bytes += (at - self.counted) as u32;
        self.counted = at;
        self.place
    }
}

fn behind_row(text: &Text<'_>, end: usize) -> Result<Next, Stop> {
    let at = text.blanks(end)?;
    match text.byte(at)? {
        b';' => Ok(Next::End(at)),
        b',' => {
            let row = text.blanks(at + 1)?;
            match text.byte(row)? {
                b'(' => Ok(Next::Row(row)),
                _ => Err(unexpected(text, row, "`(`")),
            }
        }
        _ => Err(unexpected(text, at, "a semicolon behind the row")),
    }
}

/// Reads `INSERT INTO name (columns) VALUES (`, also with `OR …`, and `REPLACE INTO`.
#[cold]
fn head(text: &Text<'_>, begin: usize) -> Result<Head, Stop> {
    let verb = text.word(begin)?;
    let mut on_conflict = match text.is(begin, "REPLACE")? {
        Some(_) => OnConflict::Replace,
        None => OnConflict::Fail,
    };
    let mut at = text.blanks(verb)?;
    text.byte(at)?;
    if let Some(or) = text.is(at, "OR")?
        && on_conflict == OnConflict::Fail
    {
        let word = text.blanks(or)?;
        text.byte(word)?;
        let end = text.word(word)?;
        on_conflict = match text.bytes[word..end].to_ascii_uppercase().as_slice() {
            b"IGNORE" => OnConflict::Ignore,
            b"REPLACE" => OnConflict::Replace,
            // What fails ends the import, whatever of it the engine would have kept.
            b"ABORT" | b"FAIL" | b"ROLLBACK" => OnConflict::Fail,
            _ => return Err(no_rows(text, begin, at)?),
        };
        at = text.blanks(end)?;
        text.byte(at)?;
    }
    let Some(end) = text.is(at, "INTO")? else {
        return Err(no_rows(text, begin, at)?);
    };
    let (mut table, mut end) = text.name(end)?;
    let mut at = text.blanks(end)?;
    if text.byte(at)? == b'.' {
        if !table.eq_ignore_ascii_case("main") {
            return Err(malformed(
                begin,
                end,
                format!("`{table}` is another database than the one that was dumped"),
            ));
        }
        (table, end) = text.name(at + 1)?;
        at = text.blanks(end)?;
    }
    let mut columns = Vec::new();
    if text.byte(at)? == b'(' {
        loop {
            let (name, end) = text.name(at + 1)?;
            columns.push(name);
            at = text.blanks(end)?;
            match text.byte(at)? {
                b',' => {}
                b')' => break,
                _ => return Err(unexpected(text, at, "a comma or a parenthesis")),
            }
        }
        at = text.blanks(at + 1)?;
        text.byte(at)?;
    }
    let Some(end) = text.is(at, "VALUES")? else {
        return Err(unexpected(text, at, "VALUES"));
    };
    let at = text.blanks(end)?;
    match text.byte(at)? {
        b'(' => Ok(Head {
            on_conflict,
            table,
            columns,
            row: at + 1,
        }),
        _ => Err(unexpected(text, at, "`(`")),
    }
}

/// What is refused of an `INSERT` at `begin` that does not go on as one of a dump does.
fn no_rows(text: &Text<'_>, begin: usize, at: usize) -> Result<Stop, Stop> {
    Ok(Stop::Refused(Refusal {
        at: begin,
        end: text.word(at)?.max(at + 1),
        code: "refused-statement",
        message: "only INSERT INTO … VALUES … is part of a dump".to_owned(),
        help: None,
        go_on: GoOn::Statement,
    }))
}

fn schema_row(text: &Text<'_>, at: usize, head: Head) -> Result<SchemaRow, Stop> {
    // Its cells lie in the statement, which is decoded alone.
    let statement = Text {
        bytes: &text.bytes[at..],
        last: text.last,
    };
    let mut cells = Cells::default();
    let end = text_at(statement.row(head.row - at, &mut cells), at)?;
    match behind_row(text, end)? {
        Next::End(end) => Ok(SchemaRow {
            columns: head.columns,
            cells,
            end,
        }),
        Next::Row(row) => Err(unexpected(text, row, "a semicolon behind the row")),
    }
}

/// What a piece of a text that begins at `offset` says, as of the text.
fn text_at(result: Result<usize, Stop>, offset: usize) -> Result<usize, Stop> {
    match result {
        Ok(at) => Ok(at + offset),
        Err(Stop::More(open)) => Err(Stop::more(open.what, open.at + offset)),
        Err(Stop::Refused(refusal)) => Err(Stop::Refused(Refusal {
            at: refusal.at + offset,
            end: refusal.end + offset,
            ..refusal
        })),
    }
}

fn is_schema(table: &str) -> bool {
    ["sqlite_schema", "sqlite_master"]
        .iter()
        .any(|name| table.eq_ignore_ascii_case(name))
}

/// The engine's own tables that dumps have rows of.
pub(super) fn is_known_internal(table: &str) -> bool {
    [
        "sqlite_sequence",
        "sqlite_stat1",
        "sqlite_stat2",
        "sqlite_stat3",
        "sqlite_stat4",
    ]
    .iter()
    .any(|name| table.eq_ignore_ascii_case(name))
}

/// Whether a name belongs to the engine: <https://sqlite.org/fileformat2.html#intschema>.
pub(super) fn is_internal(table: &str) -> bool {
    table
        .get(.."sqlite_".len())
        .is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"))
}

fn refuse_internal(table: &str, at: usize) -> Result<(), Stop> {
    if !is_internal(table) || is_known_internal(table) {
        return Ok(());
    }
    Err(Stop::Refused(Refusal {
        at,
        end: at + "INSERT INTO".len(),
        code: "refused-statement",
        message: format!("`{table}` is the engine's own, and no dump has rows of it"),
        help: None,
        go_on: GoOn::Statement,
    }))
}

impl Text<'_> {
    /// Whether nothing but a comma and blanks is behind a row that ends at `end`.
    fn ends_behind_comma(&self, end: usize) -> bool {
        let comma = self
            .blanks(end)
            .ok()
            .filter(|at| self.get(*at) == Some(b','));
        let row = comma.and_then(|comma| self.blanks(comma + 1).ok());
        row == Some(self.bytes.len())
    }

    /// The name behind the blanks at `at`, however it is quoted, and where it ends.
    pub(super) fn name(&self, at: usize) -> Result<(String, usize), Stop> {
        let at = self.blanks(at)?;
        let end = match self.byte(at)? {
            b'"' | b'`' | b'\'' => self.quoted(at)?.0,
            b'[' => self.bracketed(at)?,
            byte if is_word(byte) && !byte.is_ascii_digit() => self.word(at)?,
            _ => return Err(unexpected(self, at, "a name")),
        };
        match std::str::from_utf8(&self.bytes[at..end]) {
            Ok(name) => Ok((crate::sql::unquote(name), end)),
            Err(_) => Err(malformed(at, end, "the name is not UTF-8".to_owned())),
        }
    }
}

impl Cells {
    fn truncate(&mut self, length: usize) {
        self.cells.truncate(length);
        while self
            .fixes
            .last()
            .is_some_and(|fix| fix.cell as usize >= length)
        {
            self.fixes.pop();
        }
    }
}

/// How much there was before a statement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Saved {
    runs: usize,
    rows: usize,
    cells: usize,
}

impl Saved {
    /// Whether there was nothing.
    pub(super) fn is_of_nothing(self) -> bool {
        self.runs == 0
    }

    /// What `runs` holds.
    #[inline]
    pub(super) fn of(runs: &[Run]) -> Saved {
        let last = runs.last();
        Saved {
            runs: runs.len(),
            rows: last.map_or(0, |run| run.places.len()),
            cells: last.map_or(0, |run| run.cells.cells.len()),
        }
    }

    /// Removes what was added since.
    pub(super) fn restore(self, runs: &mut Vec<Run>) {
        runs.truncate(self.runs);
        if let Some(run) = runs.last_mut() {
            run.places.truncate(self.rows);
            run.cells.truncate(self.cells);
        }
    }
}

fn malformed(at: usize, end: usize, message: String) -> Stop {
    Stop::Refused(Refusal {
        at,
        end,
        code: "malformed-row",
        message,
        help: None,
        go_on: GoOn::Line,
    })
}

fn unexpected(text: &Text<'_>, at: usize, expected: &str) -> Stop {
    let end = text.word(at).unwrap_or(at).max(at + 1);
    let found = text.bytes.get(at..end).unwrap_or_default();
    let found = match found.first() {
        Some(&byte) if !is_space(byte) => String::from_utf8_lossy(found).into_owned(),
        _ => "nothing".to_owned(),
    };
    malformed(at, end, format!("expected {expected}, found `{found}`"))
}
