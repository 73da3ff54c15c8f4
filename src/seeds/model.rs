//! What a seed file says, before any schema is known: settings, tables, rows, and what stands in their cells.
//!
//! Everything keeps its place, since only the schema can tell what is wrong with it. Nothing here reads a file, a
//! variable or a clock.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::script::{Origin, Source};

/// Something, and the bytes of the canonical text in which it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Spanned<T> {
    /// What it is.
    pub value: T,
    /// Where it stands.
    pub span: Range<usize>,
}

/// One seed file.
#[derive(Debug, Clone, PartialEq)]
pub struct SeedFile {
    /// Its path below the seeds folder without `.yaml`, with `/` between the parts: `dev/900_load`.
    pub name: String,
    /// Path as it is shown, and canonical text.
    pub source: Arc<Source>,
    /// sha256 of the canonical text.
    pub checksum: String,
    /// What stands under `_seed`.
    pub settings: Settings,
    /// In the order of the file.
    pub tables: Vec<Table>,
}

impl SeedFile {
    /// A place in this file.
    pub fn origin(&self, span: &Range<usize>) -> Origin {
        Origin {
            source: self.source.clone(),
            span: span.clone(),
        }
    }
}

/// What stands under `_seed`. What is left out is none or empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The environments that the file says it is for.
    pub envs: Option<Vec<Spanned<String>>>,
    /// The file is seeded only where one of these is asked for.
    pub tags: Vec<Spanned<String>>,
    /// The versions of the schema that the file fits.
    pub requires: Option<Spanned<Requires>>,
    /// Names of files without which this one means nothing.
    pub depends_on: Vec<Spanned<String>>,
    /// What happens to rows that are there already.
    pub mode: Mode,
    /// Salt of all generated values.
    pub random: String,
    /// Version of the generators; 1 is the only one.
    pub faker: u32,
    /// What `${name}` stands for.
    pub vars: BTreeMap<String, String>,
    /// The time that `!now` and `!ago` count from, instead of the time of the run: `2026-01-31 12:00:00`, in UTC.
    pub time: Option<Spanned<String>>,
    /// `_was`: the names that the file had before. It continues the records of these files, which are gone.
    pub was: Vec<Spanned<String>>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            envs: None,
            tags: Vec::new(),
            requires: None,
            depends_on: Vec::new(),
            mode: Mode::default(),
            random: String::new(),
            faker: 1,
            vars: BTreeMap::new(),
            time: None,
            was: Vec::new(),
        }
    }
}

/// Versions of the schema: `3`, `0003_usage`, or `3..7` where later ones do not fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Requires {
    /// The oldest.
    pub from: i64,
    /// The newest, if there is one.
    pub to: Option<i64>,
}

/// What a seed does with rows that are there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// It leaves them as they are.
    Insert,
    /// It makes them what the file says.
    #[default]
    Upsert,
    /// It does, and deletes rows that it made and that the file no longer has.
    Sync,
}

/// The rows of one table.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// As it is written.
    pub name: Spanned<String>,
    /// `_was`: the name that the table had before.
    pub was: Option<Spanned<String>>,
    /// `_key`: the columns by which a row is found again.
    pub key: Option<Spanned<Vec<Spanned<String>>>>,
    /// `_id`: what the primary key is made of.
    pub id: Option<Spanned<Expr>>,
    /// `_keep`: columns that are written once and then left alone.
    pub keep: Vec<Spanned<String>>,
    /// `_defaults`: what each row has that does not say otherwise.
    pub defaults: Vec<Field>,
    /// In the order of the file.
    pub rows: Vec<RowDecl>,
}

/// One row, or a pattern for many.
#[derive(Debug, Clone, PartialEq)]
pub struct RowDecl {
    /// None in a list of rows. `value.span` is where errors about the row point.
    pub label: Option<Spanned<Label>>,
    /// Where the row stands: its label, or the first byte of its item in a list.
    pub span: Range<usize>,
    /// `_was`: the label that the row had before.
    pub was: Option<Spanned<Template>>,
    /// In the order of the file; no name stands twice.
    pub fields: Vec<Field>,
}

/// What names one row or many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Label {
    /// `admin`
    One(String),
    /// `load_{001..500}`: a row for each number, both ends included, with zeros in front as in the first number.
    Range {
        /// What stands before the numbers.
        before: String,
        /// The first.
        first: u64,
        /// The last; not below the first.
        last: u64,
        /// At least so many digits.
        width: usize,
        /// What stands after them.
        after: String,
    },
    /// `now_{users.load_*}`: a row for each label of a table that matches, with `*` for any characters.
    Each {
        /// What stands before the labels.
        before: String,
        /// The table of the labels.
        table: String,
        /// What they look like.
        pattern: String,
        /// What stands after them.
        after: String,
    },
}

/// A column, or the name of a reference, and what is in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// As it is written.
    pub name: Spanned<String>,
    /// What is in it.
    pub value: Spanned<Expr>,
}

/// What stands in a cell. The column decides what it becomes.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// `~`, `null` or nothing at all, without quotes.
    Null,
    /// Any other scalar, as written.
    Scalar {
        /// Its text, with `${…}` in parts.
        text: Template,
        /// Whether it was written with quotes, or as a block.
        style: Style,
    },
    /// A map or a list, or anything under `!json`: becomes JSON text, with the keys of each map sorted.
    Json(serde_json::Value),
    /// The same, with parts that each row fills in.
    Composed(Json),
    /// `!auto`, in `_id` only: the database numbers the row.
    Auto,
    /// `!uuid`, in `_id` only: a UUID of table and label.
    Uuid,
    /// `!ref table.label` or `!ref table.label.column`. The label may hold `${…}`.
    Ref {
        /// The table.
        table: String,
        /// The label.
        label: Template,
        /// The column; none means the one that the foreign key refers to, or the primary key.
        column: Option<String>,
    },
    /// `!now`, with modifiers of SQLite's date functions.
    Now(Vec<String>),
    /// `!ago 3 days`, `!ago 0..365 days`: before now.
    Ago {
        /// Least and most, both included.
        count: (u64, u64),
        /// Seconds in one unit.
        unit: u64,
    },
    /// `!env NAME` or `!env {name: NAME, default: text}`.
    Env {
        /// Of the variable.
        name: String,
        /// What it is where it is unset.
        default: Option<String>,
    },
    /// `!file path`: the bytes of a file below the seeds folder.
    File(String),
    /// `!!binary`: bytes.
    Binary(Vec<u8>),
    /// `!fake kind`: a generated value.
    Fake(Fake),
    /// `!pick [a, b]`, `!pick {a: 70, b: 30}`: one of these, by weight.
    Pick(Vec<(Spanned<Expr>, u64)>),
    /// `!int 0..500`, both included.
    Int(i64, i64),
    /// `!hash secret`, `!hash {scheme: argon2id, value: !env NAME}`: argon2id of a secret, with a salt of its own. The
    /// inner expression is a scalar or an `!env`.
    Hash(Box<Spanned<Expr>>),
}

/// JSON with parts that each row fills in.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// A part that is the same in every row.
    Constant(serde_json::Value),
    /// A text with `${…}` in it.
    Text {
        /// The text.
        text: Template,
        /// Without quotes, the filled text may be a number, `true`, `false` or null.
        style: Style,
    },
    /// A list.
    List(Vec<Json>),
    /// A map, sorted by its keys.
    Map(Vec<(String, Json)>),
    /// A value with a tag, such as `!ref` or `!now`.
    Tag(Box<Spanned<Expr>>),
}

/// Whether a scalar was quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Without quotes.
    Plain,
    /// With quotes, or as a block: text.
    Quoted,
    /// `!!str`: text that the column accepts, whatever its type is.
    Text,
}

/// A text with `${name}` in it; `$${` stands for `${`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(pub Vec<Part>);

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text as it is.
    Text(String),
    /// `${name}`: `label`, `i`, `each`, or a name under `vars`.
    Name(String),
}

impl Template {
    /// A text without names in it.
    pub fn text(text: impl Into<String>) -> Template {
        Template(vec![Part::Text(text.into())])
    }

    /// The text, where there are no names in it.
    pub fn as_text(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }
}

/// A kind of generated value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fake {
    /// `name`
    Name,
    /// `first_name`
    FirstName,
    /// `last_name`
    LastName,
    /// `email`, below `example.test`.
    Email,
    /// `username`
    Username,
    /// `phone.e164`, in the range that is kept for fiction.
    Phone,
    /// `city`
    City,
    /// `country`, a two-letter code.
    Country,
    /// `street`
    Street,
    /// `company`
    Company,
    /// `word`
    Word,
    /// `sentence`
    Sentence,
    /// `uuid`
    Uuid,
    /// `url`, below `example.test`.
    Url,
    /// `ipv4`, in a range that is kept for documentation.
    Ipv4,
}

impl Fake {
    /// All kinds, with their names in a file.
    pub const ALL: [(&str, Fake); 15] = [
        ("name", Fake::Name),
        ("first_name", Fake::FirstName),
        ("last_name", Fake::LastName),
        ("email", Fake::Email),
        ("username", Fake::Username),
        ("phone.e164", Fake::Phone),
        ("city", Fake::City),
        ("country", Fake::Country),
        ("street", Fake::Street),
        ("company", Fake::Company),
        ("word", Fake::Word),
        ("sentence", Fake::Sentence),
        ("uuid", Fake::Uuid),
        ("url", Fake::Url),
        ("ipv4", Fake::Ipv4),
    ];
}
