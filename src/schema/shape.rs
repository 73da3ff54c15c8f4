//! What a writer of rows must know about the tables: their columns, their keys, and which table refers to which.
//!
//! It reads catalogues only, in a form that a token without the right to write may use: never a row of anybody's.

mod named;
mod read;

pub(super) use named::shapes_of;
pub use read::shape;
pub(crate) use read::{affinity, shape_of, shape_queries, shaped};

/// The tables and views of a database that are its project's own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shape {
    /// By name, without regard to the case of ASCII letters.
    pub tables: Vec<TableShape>,
}

/// One table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableShape {
    /// Its name, as it was made.
    pub name: String,
    /// Whether rows can be kept in it, and where.
    pub kind: TableKind,
    /// Whether it holds its columns to their types.
    pub strictness: Strictness,
    /// Whether its rows have a number beside their columns.
    pub rowid: RowId,
    /// In order, generated and hidden ones too. Those of all views are missing where one view reads a table that is
    /// gone, and those of all virtual tables where the module of one is not there: the engine refuses to tell then.
    pub columns: Vec<Column>,
    /// The columns of the primary key as indexes into `columns`, in the order of the key; empty if there is none.
    pub primary_key: Vec<usize>,
    /// By name.
    pub unique: Vec<UniqueIndex>,
    /// Unique indexes of expressions, or of some rows only.
    pub conditional: Vec<ConditionalIndex>,
    /// In the order of the declaration.
    pub foreign_keys: Vec<ForeignKey>,
}

/// The kinds of tables: <https://sqlite.org/pragma.html#pragma_table_list>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TableKind {
    /// It keeps rows.
    Ordinary,
    /// A module keeps its rows.
    Virtual,
    /// It has no rows of its own.
    View,
}

/// Whether a table is `STRICT`: <https://sqlite.org/stricttables.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strictness {
    /// A value that does not fit its column is refused.
    Strict,
    /// Any column takes any value, converted where its affinity says so.
    Flexible,
}

/// Whether the rows of a table have a rowid: <https://sqlite.org/withoutrowid.html>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowId {
    /// They do.
    Has,
    /// The table is `WITHOUT ROWID`.
    Without,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, as it was declared.
    pub name: String,
    /// Its type as it was declared; empty if it has none.
    pub declared: String,
    /// What the type makes of a value.
    pub affinity: Affinity,
    /// Whether it takes NULL.
    pub nullability: Nullability,
    /// The expression of its `DEFAULT`, without parentheses around it.
    pub default: Option<String>,
    /// Where its values come from.
    pub origin: ColumnKind,
}

/// What a column makes of a value: <https://sqlite.org/datatype3.html#type_affinity>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Affinity {
    /// Numbers become text.
    Text,
    /// Text that reads as a number becomes one, and a whole one where nothing is lost.
    Integer,
    /// Text that reads as a number becomes one, and whole ones become floating.
    Real,
    /// As [`Affinity::Integer`], but for `CAST`.
    Numeric,
    /// Values stay as they are.
    Blob,
}

/// Whether a column is `NOT NULL`, by its own words or by those of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Nullability {
    /// NULL is refused.
    NotNull,
    /// NULL is a value like any other.
    Nullable,
}

/// Where the values of a column come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnKind {
    /// The writer of a row sets them.
    Plain,
    /// The table computes them, and none can be written: <https://sqlite.org/gencol.html>.
    Generated,
    /// The module of a virtual table keeps it for itself: <https://sqlite.org/vtab.html#hidden_columns_in_virtual_tables>.
    Hidden,
}

/// An index of columns, not of expressions, over all rows, of which no two may have the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniqueIndex {
    /// Its name: `sqlite_autoindex_…` where it keeps a constraint.
    pub name: String,
    /// Its columns in order, as indexes into those of the table.
    pub columns: Vec<usize>,
    /// For each column, how values are compared: `BINARY`, `NOCASE`.
    pub collations: Vec<String>,
    /// What it is there for.
    pub origin: IndexOrigin,
}

/// A unique index of expressions, or of the rows for which a condition holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConditionalIndex {
    /// The columns that are named in it, in the order of the table.
    pub columns: Vec<usize>,
    /// The expression behind its `WHERE`.
    pub condition: Option<String>,
}

/// What an index is there for: <https://sqlite.org/pragma.html#pragma_index_list>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum IndexOrigin {
    /// It keeps the primary key.
    PrimaryKey,
    /// It keeps a `UNIQUE` of the table.
    Constraint,
    /// A statement created it.
    Made,
}

/// A reference from one table to another, or to itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignKey {
    /// The columns that refer, as indexes into those of the table.
    pub columns: Vec<usize>,
    /// The table that they refer to: as it is really named, or as the reference says where there is none.
    pub parent: String,
    /// Its columns, one for each of `columns`: the parent's primary key where the reference names none, and empty
    /// where that does not fit or the parent is missing.
    pub parent_columns: Vec<String>,
    /// `NO ACTION`, `RESTRICT`, `SET NULL`, `SET DEFAULT` or `CASCADE`.
    pub on_delete: String,
    /// The same for a changed key of the parent.
    pub on_update: String,
}

impl Shape {
    /// A shape of these tables, in any order.
    pub fn of(mut tables: Vec<TableShape>) -> Shape {
        tables.sort_by(|one, other| folded(&one.name).cmp(folded(&other.name)));
        Shape { tables }
    }

    /// The table or view of this name, without regard to the case of ASCII letters, as the engine has it.
    pub fn table(&self, name: &str) -> Option<&TableShape> {
        self.tables.get(self.position(name)?)
    }

    /// The place of that table in `tables`.
    pub fn position(&self, name: &str) -> Option<usize> {
        let found = self
            .tables
            .binary_search_by(|table| folded(&table.name).cmp(folded(name)));
        found.ok()
    }
}

impl TableShape {
    /// The place of the column of this name, without regard to the case of ASCII letters.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns
            .iter()
            .position(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// The column that is another name of the rowid: <https://sqlite.org/lang_createtable.html#rowid>. One that looks
    /// like it, but has an index to keep it, is not: `INTEGER PRIMARY KEY DESC`.
    pub fn integer_key(&self) -> Option<usize> {
        let &[key] = self.primary_key.as_slice() else {
            return None;
        };
        let is_integer = self
            .columns
            .get(key)
            .is_some_and(|column| column.declared.eq_ignore_ascii_case("INTEGER"));
        let has_index = self
            .unique
            .iter()
            .any(|index| index.origin == IndexOrigin::PrimaryKey);
        (is_integer && !has_index && self.rowid == RowId::Has && self.kind == TableKind::Ordinary)
            .then_some(key)
    }

    /// How strictly a column takes values. An `INTEGER PRIMARY KEY` takes integers only, in any table:
    /// <https://sqlite.org/lang_createtable.html#rowid>.
    pub(crate) fn strictness_of(&self, column: usize) -> Strictness {
        match self.integer_key() == Some(column) {
            true => Strictness::Strict,
            false => self.strictness,
        }
    }

    /// How a set of columns is compared where no two rows may have the same there: the collation of one of them. Where
    /// several indexes keep the same columns, the one that tells fewer texts apart.
    pub(crate) fn collation(&self, columns: &[usize], column: usize) -> Option<&str> {
        let sorted = |columns: &[usize]| {
            let mut columns = columns.to_vec();
            columns.sort_unstable();
            columns
        };
        let of_these = |index: &&UniqueIndex| {
            index.columns.len() == columns.len() && sorted(&index.columns) == sorted(columns)
        };
        let of_column = |index: &'_ UniqueIndex| -> Option<usize> {
            index.columns.iter().position(|it| *it == column)
        };
        let mut found = self.unique.iter().filter(of_these).filter_map(|index| {
            let at = of_column(index)?;
            index.collations.get(at).map(String::as_str)
        });
        let first = found.next()?;
        let is_binary = |name: &&str| name.eq_ignore_ascii_case("BINARY");
        std::iter::once(first)
            .chain(found)
            .find(|name| !is_binary(name))
            .or(Some(first))
    }

    /// Whether no two rows can have the same in these columns: they are a key, or all that a unique index computes its
    /// values of.
    pub(crate) fn tells_apart(&self, columns: &[usize]) -> bool {
        let mut sorted = columns.to_vec();
        sorted.sort_unstable();
        let mut expressions = self.conditional.iter();
        self.is_unique(columns)
            || expressions.any(|index| index.condition.is_none() && index.columns == sorted)
    }

    /// The condition of the rows among which no two have the same in these columns, where they are not all rows.
    pub(crate) fn condition_of(&self, columns: &[usize]) -> Option<&str> {
        if self.conditional.is_empty() || self.tells_apart(columns) {
            return None;
        }
        let mut sorted = columns.to_vec();
        sorted.sort_unstable();
        let mut partial = self.conditional.iter();
        partial.find_map(|index| {
            let condition = index.condition.as_deref()?;
            (index.columns == sorted).then_some(condition)
        })
    }

    /// Whether these columns, in any order, are exactly those of the primary key or of a unique index.
    pub fn is_unique(&self, columns: &[usize]) -> bool {
        let sorted = |columns: &[usize]| {
            let mut columns = columns.to_vec();
            columns.sort_unstable();
            columns
        };
        let columns = sorted(columns);
        let keys = self.unique.iter().map(|index| &index.columns);
        !columns.is_empty()
            && keys
                .chain([&self.primary_key])
                .any(|key| key.len() == columns.len() && sorted(key) == columns)
    }
}

fn folded(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().map(|byte| byte.to_ascii_lowercase())
}
