//! A row that a database is to have: the outcome of expansion, before anybody has looked at the database. Pure.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::held::Held;
use super::model::Mode;
use crate::schema::Shape;
use crate::script::Origin;
use crate::sql::Value;

/// The rows that a choice of files amounts to.
#[derive(Debug, Default)]
pub(super) struct Rows {
    /// What holds for all rows of one table in one file.
    pub(super) rules: Vec<Arc<Rules>>,
    /// In no particular order.
    pub(super) rows: Vec<Row>,
    /// Row and column of each value that names a declared row in words of its own, and that row: `'007'` for 7.
    pub(super) named: HashMap<(usize, usize), usize>,
    /// The labels that rows had before (`_was`).
    pub(super) was: HashMap<usize, Arc<str>>,
    /// Cells whose value was drawn more than once, since another row had the first.
    pub(super) redrawn: Vec<Redrawn>,
    /// Tables in which the database gives no number twice (`AUTOINCREMENT`), by their places in the shape.
    pub(super) counted: Vec<usize>,
}

/// A cell whose value was drawn more than once.
#[derive(Debug)]
pub(super) struct Redrawn {
    pub(super) row: usize,
    /// Table, column and label, as in [`Drawn`](super::given::Drawn).
    pub(super) cell: (String, String, String),
    /// How often it was drawn before.
    pub(super) attempt: u32,
    pub(super) hash: String,
}

/// What holds for all rows of one table in one file.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rules {
    /// The file, by its place in the list.
    pub(super) file: usize,
    /// The table, by its place in the shape.
    pub(super) table: usize,
    /// Its name.
    pub(super) name: Arc<str>,
    /// The columns by which a row is found again.
    pub(super) key: Vec<usize>,
    /// Columns that are left alone once a row is there.
    pub(super) keep: Vec<usize>,
    pub(super) mode: Mode,
    /// The primary key, where the database makes it for rows that do not say theirs (`_id: !auto`).
    pub(super) numbered: Option<usize>,
}

/// A row that the database is to have.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// By its place in the list.
    pub(super) rules: usize,
    /// What names it; in a list of rows, its key.
    pub(super) label: Arc<str>,
    /// Where problems with the row point.
    pub(super) span: Range<usize>,
    /// By column, ascending; a column that is left out has its default.
    pub(super) cells: Vec<Cell>,
}

/// What one column is to hold. There may be millions, so its numbers are small.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) content: Content,
    pub(super) nature: Nature,
    at: u32,
    start: u32,
    end: u32,
}

impl Cell {
    pub(super) fn new(
        column: usize,
        content: Content,
        nature: Nature,
        span: &Range<usize>,
    ) -> Cell {
        // Files are smaller by far.
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Cell {
            content,
            nature,
            at: small(column),
            start: small(span.start),
            end: small(span.end),
        }
    }

    /// By its place in the table.
    pub(super) fn column(&self) -> usize {
        self.at as usize
    }

    /// Where its value stands: that of the row, where it follows from the row.
    pub(super) fn span(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Content {
    Known(Held),
    /// What another row has in a column.
    Reference {
        row: usize,
        column: usize,
    },
    /// JSON with parts of other rows, or with values that are not shown beside times.
    Json(Arc<Composed>),
    /// It is hashed when the row is written, and then never again.
    Secret(Box<str>),
    /// A variable that is unknown while seeds are only checked.
    Unknown,
}

/// JSON that is complete once the rows to which it refers are known.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Composed {
    pub(super) json: Json,
    /// Whether it holds the value of a variable.
    pub(super) hides: bool,
}

/// A part of such JSON.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Json {
    Value(serde_json::Value),
    /// What another row has in a column.
    Reference {
        row: usize,
        column: usize,
    },
    List(Vec<Json>),
    Map(Vec<(String, Json)>),
}

impl Content {
    /// The rows and columns to which it refers.
    pub(super) fn references(&self) -> Vec<(usize, usize)> {
        match self {
            Content::Reference { row, column } => vec![(*row, *column)],
            Content::Json(composed) => composed.json.references(),
            Content::Known(_) | Content::Secret(_) | Content::Unknown => Vec::new(),
        }
    }
}

impl Json {
    /// The rows and columns to which it refers.
    pub(super) fn references(&self) -> Vec<(usize, usize)> {
        match self {
            Json::Value(_) => Vec::new(),
            Json::Reference { row, column } => vec![(*row, *column)],
            Json::List(items) => items.iter().flat_map(Json::references).collect(),
            Json::Map(entries) => entries.iter().flat_map(|(_, it)| it.references()).collect(),
        }
    }

    /// The JSON with the values that `of` finds; none where one is not known, or is nothing that JSON has.
    pub(super) fn filled(
        &self,
        of: &impl Fn(usize, usize) -> Option<Value>,
    ) -> Option<serde_json::Value> {
        Some(match self {
            Json::Value(value) => value.clone(),
            Json::Reference { row, column } => as_json(of(*row, *column)?)?,
            Json::List(items) => items
                .iter()
                .map(|it| it.filled(of))
                .collect::<Option<Vec<_>>>()?
                .into(),
            Json::Map(entries) => {
                let entry = |(name, it): &(String, Json)| Some((name.clone(), it.filled(of)?));
                serde_json::Value::Object(entries.iter().map(entry).collect::<Option<_>>()?)
            }
        })
    }
}

/// A value as JSON; none for bytes and for what is no finite number.
pub(super) fn as_json(value: Value) -> Option<serde_json::Value> {
    Some(match value {
        Value::Null => serde_json::Value::Null,
        Value::Integer(number) => number.into(),
        Value::Real(real) => serde_json::Number::from_f64(real)?.into(),
        Value::Text(text) => text.into(),
        Value::Blob(_) => return None,
    })
}

/// What a difference in a cell means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nature {
    /// The database should have it.
    Fixed,
    /// It is never the same twice, so a difference is none.
    Volatile,
    /// It comes from a variable, so it is not shown.
    Environment,
}

impl Row {
    /// The columns that it says something about.
    pub(super) fn columns(&self) -> impl Iterator<Item = usize> {
        self.cells.iter().map(|cell| cell.column())
    }

    pub(super) fn cell(&self, column: usize) -> Option<&Cell> {
        // Where a row says something about every column, each is at its own place.
        if let Some(cell) = self.cells.get(column).filter(|it| it.column() == column) {
            return Some(cell);
        }
        self.cells
            .binary_search_by_key(&column, |cell| cell.column())
            .ok()
            .map(|at| &self.cells[at])
    }
}

impl Rows {
    /// Whether the key of a row can change while its file stays as it is.
    pub(super) fn has_changing_key(&self, at: usize) -> bool {
        let row = &self.rows[at];
        let key = self.rules(row).key.iter();
        let mut cells = key.filter_map(|column| row.cell(*column));
        cells.any(|cell| {
            self.nature(cell) == Nature::Environment
                || matches!(cell.content, Content::Reference { .. } | Content::Json(_))
        })
    }

    pub(super) fn rules(&self, row: &Row) -> &Rules {
        &self.rules[row.rules]
    }

    /// Whether the database makes the value that a row has in this column.
    pub(super) fn numbers(&self, row: usize, column: usize) -> bool {
        let row = &self.rows[row];
        self.rules(row).numbered == Some(column) && row.cell(column).is_none()
    }

    /// Whether the database makes the primary key of a row.
    pub(super) fn is_numbered(&self, row: usize) -> bool {
        let numbered = self.rules(&self.rows[row]).numbered;
        numbered.is_some_and(|column| self.numbers(row, column))
    }

    /// Whether the database may give the primary key of a row to another one, once the row is deleted.
    pub(super) fn may_lose_number(&self, row: usize) -> bool {
        self.is_numbered(row) && !self.counted.contains(&self.rules(&self.rows[row]).table)
    }

    /// What a difference in a cell means: that of the value that it leads to.
    pub(super) fn nature(&self, cell: &Cell) -> Nature {
        let Some(cell) = self.end(cell) else {
            return Nature::Fixed;
        };
        let Content::Json(composed) = &cell.content else {
            return cell.nature;
        };
        let natures: Vec<Nature> = self.ends(composed).map(|cell| cell.nature).collect();
        [Nature::Volatile, Nature::Environment]
            .into_iter()
            .find(|it| cell.nature == *it || natures.contains(it))
            .unwrap_or(Nature::Fixed)
    }

    /// Whether a cell holds the value of a variable, which is not shown.
    pub(super) fn hides(&self, cell: &Cell) -> bool {
        let of_variable = |cell: &Cell| cell.nature == Nature::Environment;
        self.end(cell).is_some_and(|cell| match &cell.content {
            Content::Json(composed) => composed.hides || self.ends(composed).any(of_variable),
            _ => of_variable(cell),
        })
    }

    /// The cell to which references lead; none where a row leaves the column out, or where they lead in a circle.
    fn end<'a>(&'a self, mut cell: &'a Cell) -> Option<&'a Cell> {
        for _ in 0..64 {
            let Content::Reference { row, column } = cell.content else {
                return Some(cell);
            };
            cell = self.rows[row].cell(column)?;
        }
        None
    }

    /// The cells to which JSON refers.
    pub(super) fn ends<'a>(&'a self, composed: &Composed) -> impl Iterator<Item = &'a Cell> {
        let references = composed.json.references().into_iter();
        references.filter_map(|(row, column)| self.end(self.rows[row].cell(column)?))
    }

    /// `users.admin`
    pub(super) fn name(&self, row: &Row, shape: &Shape) -> String {
        let table = &shape.tables[self.rules(row).table].name;
        format!("{table}.{}", row.label)
    }

    /// A place in the file of a row.
    pub(super) fn origin(
        &self,
        row: &Row,
        span: &Range<usize>,
        files: &[&super::SeedFile],
    ) -> Origin {
        files[self.rules(row).file].origin(span)
    }
}
