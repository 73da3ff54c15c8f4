//! What a reader of dumps gives: statements in order, rows as typed cells that lie in the text they came from. Nothing
//! here reads or acts.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use crate::sql::ValueRef;

/// Some whole statements of a dump, or whole rows of one that is longer than a block. Rows and other statements never
/// share a block, so that who applies blocks can commit between the last row of a table and the index that takes long.
#[derive(Debug, Default)]
pub struct Block {
    /// The text; the cells of rows are decoded in place, so it is no dump any more.
    pub(crate) text: Vec<u8>,
    /// In order.
    pub items: Vec<Item>,
    /// Where it begins; blanks and comments may lie between the end of a block and the begin of the next.
    pub begin: Mark,
    /// Where it ends: a place to go on from.
    pub end: Mark,
}

/// A point of a dump between two statements, or between two rows of a long one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mark {
    /// Bytes of the (unpacked) text before it.
    pub offset: u64,
    /// The line, from 1.
    pub line: u64,
    /// sha256 of the bytes before it.
    pub sha256: [u8; 32],
}

/// A statement, or rows of one table that follow each other.
#[derive(Debug)]
#[non_exhaustive]
pub enum Item {
    /// Rows.
    Rows(Rows),
    /// Anything else.
    Statement(Statement),
}

/// Rows that go into the same columns.
#[derive(Debug)]
pub struct Rows {
    /// Where they go.
    pub target: Arc<Target>,
    /// Row after row, [`Target::width`] each.
    pub(crate) cells: Vec<Cell>,
    /// The place of each row.
    pub(crate) places: Vec<RowPlace>,
    /// How many bytes of text they take.
    pub(crate) bytes: u64,
}

/// The table and columns that rows go into.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    /// What becomes of a row that a constraint forbids.
    pub on_conflict: OnConflict,
    /// The name of the table, without quotes.
    pub table: String,
    /// The names of the columns, without quotes; empty where the dump names none.
    pub columns: Vec<String>,
    /// How many values each row has.
    pub width: usize,
}

/// What becomes of a row that a constraint forbids: <https://sqlite.org/lang_conflict.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OnConflict {
    /// It fails.
    #[default]
    Fail,
    /// It is left out: `INSERT OR IGNORE`.
    Ignore,
    /// It takes the place of the rows that it conflicts with: `INSERT OR REPLACE`, `REPLACE`.
    Replace,
}

/// One value of a row; texts and blobs are bytes of [`Block::text`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(Range<u32>),
    Blob(Range<u32>),
}

/// Where a row stands, counted from the begin of its block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct RowPlace {
    pub(crate) bytes: u32,
    pub(crate) lines: u32,
}

/// A statement that is no row, and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// What it is.
    pub what: What,
    /// Where it begins: byte of the dump.
    pub offset: u64,
    /// Its line, from 1.
    pub line: u64,
}

/// The statements that dumps consist of, beside rows.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum What {
    /// `PRAGMA foreign_keys = …`: part of the envelope; an import has its own.
    ForeignKeys,
    /// `BEGIN`, `SAVEPOINT dump`: likewise.
    Begin,
    /// `COMMIT`, `END`, `RELEASE dump`.
    Commit,
    /// `ROLLBACK`: the shell could not read all of the database that it dumped. A reader ends with an error there.
    Rollback,
    /// `PRAGMA writable_schema = …`: what it was for comes as [`Object::VirtualTable`].
    WritableSchema,
    /// `ANALYZE sqlite_schema`: makes `sqlite_stat1`, and its rows follow.
    Analyze,
    /// A pragma or statement that changes no content: it is left out.
    Setting {
        /// Its words: `PRAGMA synchronous`, `VACUUM`.
        words: &'static str,
    },
    /// `PRAGMA encoding = …`, `page_size` or `auto_vacuum`: how a new file is laid out.
    Layout {
        /// The pragma.
        pragma: &'static str,
        /// Its value as SQL.
        value: String,
    },
    /// `DROP … IF EXISTS`, before the dump makes what is called so.
    Drop {
        /// `table`, `index`, `view`, `trigger`.
        object: &'static str,
        /// The name, without quotes.
        name: String,
    },
    /// `PRAGMA user_version = N` or `PRAGMA application_id = N`.
    Number {
        /// The pragma.
        pragma: &'static str,
        /// Its value.
        value: i64,
    },
    /// `DELETE FROM table`, whole: `sqlite_sequence`, and the tables that a virtual table keeps its content in.
    Clear {
        /// The name of the table, without quotes.
        table: String,
    },
    /// `CREATE …`, and the row of `sqlite_schema` that stands for a virtual table.
    Create {
        /// What is made.
        object: Object,
        /// Its name, without quotes.
        name: String,
        /// The table that an index or a trigger belongs to, or else the name again.
        table: String,
        /// The text of the statement without its semicolon.
        sql: String,
    },
}

/// What a `CREATE` makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Object {
    /// A table; `IF NOT EXISTS` where it may be one that a virtual table has made already.
    Table,
    /// A virtual table.
    VirtualTable,
    /// An index.
    Index,
    /// A trigger.
    Trigger,
    /// A view.
    View,
}

impl Object {
    const ALL: [Object; 5] = [
        Object::Table,
        Object::VirtualTable,
        Object::Index,
        Object::Trigger,
        Object::View,
    ];

    /// The word for it: `table`, `virtual table`. Checkpoints of imports keep it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Object::Table => "table",
            Object::VirtualTable => "virtual table",
            Object::Index => "index",
            Object::Trigger => "trigger",
            Object::View => "view",
        }
    }

    /// What this word stands for.
    pub(super) fn of(word: &str) -> Option<Object> {
        Object::ALL.into_iter().find(|it| it.word() == word)
    }
}

impl Block {
    /// The values of a cell of one of this block's rows.
    pub(crate) fn value(&self, cell: &Cell) -> ValueRef<'_> {
        let bytes = |range: &Range<u32>| &self.text[range.start as usize..range.end as usize];
        match cell {
            Cell::Null => ValueRef::Null,
            Cell::Integer(number) => ValueRef::Integer(*number),
            Cell::Real(number) => ValueRef::Real(*number),
            Cell::Text(range) => ValueRef::Text(bytes(range)),
            Cell::Blob(range) => ValueRef::Blob(bytes(range)),
        }
    }

    /// The values of row `row` of `rows`, which is one of this block's items.
    pub fn row<'a>(
        &'a self,
        rows: &'a Rows,
        row: usize,
    ) -> impl ExactSizeIterator<Item = ValueRef<'a>> {
        let width = rows.target.width;
        rows.cells[row * width..(row + 1) * width]
            .iter()
            .map(|cell| self.value(cell))
    }

    /// The byte of the dump at which row `row` begins, and its line from 1.
    pub fn place(&self, rows: &Rows, row: usize) -> (u64, u64) {
        let place = rows.places[row];
        (
            self.begin.offset + u64::from(place.bytes),
            self.begin.line + u64::from(place.lines),
        )
    }

    /// Puts rows of one target together, so that they are written by fewer statements. The rows of a table keep their
    /// order, and those of the engine's own tables their place among the others.
    pub(crate) fn group(&mut self) {
        let mut grouped: Vec<Item> = Vec::with_capacity(self.items.len());
        // Where the last rows of each table are.
        let mut last: HashMap<String, usize> = HashMap::new();
        let mut before: Option<(Arc<Target>, usize)> = None;
        for item in std::mem::take(&mut self.items) {
            let Item::Rows(rows) = item else {
                last.clear();
                before = None;
                grouped.push(item);
                continue;
            };
            let at = match &before {
                Some((target, at)) if Arc::ptr_eq(target, &rows.target) => Some(*at),
                _ => last.get(&rows.target.table.to_ascii_lowercase()).copied(),
            };
            if let Some(at) = at
                && let Some(Item::Rows(group)) = grouped.get_mut(at)
                && group.target == rows.target
            {
                before = Some((Arc::clone(&rows.target), at));
                group.cells.extend(rows.cells);
                group.places.extend(rows.places);
                group.bytes += rows.bytes;
                continue;
            }
            let name = rows.target.table.to_ascii_lowercase();
            if name.starts_with("sqlite_") {
                last.clear();
                before = None;
            } else {
                last.insert(name, grouped.len());
            }
            grouped.push(Item::Rows(rows));
        }
        self.items = grouped;
    }
}

impl Rows {
    /// How many rows these are.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether there is none; a reader gives no such rows.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use crate::dump::{Item, Reader, ReaderOptions, Source};

    /// The rows of each item of a dump's first block after grouping: their table, columns and first values.
    fn grouped(text: &str) -> Vec<String> {
        let source = Source::of("dump", std::io::Cursor::new(text.to_owned())).unwrap();
        let mut reader = Reader::new(source, ReaderOptions::default());
        let mut block = reader.next().unwrap().unwrap();
        let bytes = |block: &super::Block| -> u64 {
            let items = block.items.iter();
            items
                .map(|item| match item {
                    Item::Rows(rows) => rows.bytes,
                    Item::Statement(_) => 0,
                })
                .sum()
        };
        let before = bytes(&block);
        block.group();
        assert_eq!(bytes(&block), before);
        let shown = block.items.iter().map(|item| match item {
            Item::Rows(rows) => {
                let values = (0..rows.len()).map(|row| {
                    let first = block.row(rows, row).next();
                    format!("{:?}@{}", first.unwrap(), block.place(rows, row).1)
                });
                let values: Vec<String> = values.collect();
                let columns = rows.target.columns.join(",");
                format!("{}({columns}): {}", rows.target.table, values.join(" "))
            }
            Item::Statement(statement) => format!("{:?}", statement.what),
        });
        shown.collect()
    }

    #[test]
    fn rows_of_tables_that_take_turns_are_put_together() {
        let text = "INSERT INTO a VALUES(1);\nINSERT INTO b VALUES(2);\nINSERT INTO A VALUES(3);\n\
                    INSERT INTO b VALUES(4);\nINSERT INTO a VALUES(5);\n";
        assert_eq!(
            grouped(text),
            [
                "a(): Integer(1)@1",
                "b(): Integer(2)@2 Integer(4)@4",
                "A(): Integer(3)@3",
                "a(): Integer(5)@5"
            ]
        );
        let text = "INSERT INTO a VALUES(1);\nINSERT INTO b VALUES(2);\nINSERT INTO \"a\" VALUES(3);\n\
                    INSERT INTO b VALUES(4);\nINSERT INTO a VALUES(5);\n";
        assert_eq!(
            grouped(text),
            [
                "a(): Integer(1)@1 Integer(3)@3 Integer(5)@5",
                "b(): Integer(2)@2 Integer(4)@4"
            ]
        );
    }

    #[test]
    fn rows_of_one_table_keep_their_order() {
        let text = "INSERT INTO a(x) VALUES(1);\nINSERT INTO b VALUES(2);\nINSERT INTO a(y) VALUES(3);\n\
                    INSERT INTO a(x) VALUES(4);\nINSERT INTO b VALUES(5);\n";
        assert_eq!(
            grouped(text),
            [
                "a(x): Integer(1)@1",
                "b(): Integer(2)@2 Integer(5)@5",
                "a(y): Integer(3)@3",
                "a(x): Integer(4)@4"
            ]
        );
    }

    #[test]
    fn rows_of_the_engines_own_tables_keep_their_place() {
        let text = "INSERT INTO a VALUES(1);\nINSERT INTO sqlite_sequence VALUES('a',9);\nINSERT INTO a VALUES(2);\n";
        assert_eq!(
            grouped(text),
            [
                "a(): Integer(1)@1",
                "sqlite_sequence(): Text([97])@2",
                "a(): Integer(2)@3"
            ]
        );
    }
}
