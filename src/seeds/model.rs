//! The content of a seed file, before any schema is known: settings, tables, rows and their cells.
//!
//! Everything keeps its place, since only the schema can tell what is wrong with it. Nothing here reads a file, a
//! variable or a clock.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use super::companion::Companion;
use crate::script::{Origin, Source};

/// The environment that a file reaches only if it says so.
pub const PROD: &str = "prod";

/// Something, and the bytes of the canonical text in which it stands. A file may have millions, so the place is small.
#[derive(Clone, PartialEq)]
pub struct Spanned<T> {
    /// What it is.
    pub value: T,
    start: u32,
    end: u32,
}

impl<T> Spanned<T> {
    /// Something that stands at a place.
    pub fn new(value: T, span: Range<usize>) -> Spanned<T> {
        let (start, end) = (small(span.start), small(span.end));
        Spanned { value, start, end }
    }

    /// Where it stands.
    pub fn span(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Lets its place be one of a text that begins so much later.
    pub(super) fn move_by(&mut self, by: usize) {
        let by = small(by);
        self.start = self.start.saturating_add(by);
        self.end = self.end.saturating_add(by);
    }
}

impl<T: fmt::Debug> fmt::Debug for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spanned")
            .field("value", &self.value)
            .field("span", &self.span())
            .finish()
    }
}

/// A place in a text: texts are smaller by far.
fn small(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// One seed file.
#[derive(Debug, Clone, PartialEq)]
pub struct SeedFile {
    /// Its path below the seeds folder without `.yaml`, with `/` between the parts: `dev/900_load`.
    pub name: String,
    /// Path as it is shown, and canonical text.
    pub source: Arc<Source>,
    /// sha256 of the canonical text, with the files of rows that it names behind it.
    pub checksum: String,
    /// The settings under `_seed`.
    pub settings: Settings,
    /// In the order of the file.
    pub tables: Vec<Table>,
    /// The files of rows that it names, as far as they were read.
    pub companions: Vec<Companion>,
    /// Whether it could be read as YAML to its end.
    pub is_whole: bool,
}

/// Whether a file has this table.
pub(super) fn declares(file: &SeedFile, table: &str) -> bool {
    let mut tables = file.tables.iter();
    tables.any(|it| it.name.value.eq_ignore_ascii_case(table))
}

impl SeedFile {
    /// Whether rows of a table could not be read, which is reported there.
    pub(super) fn lacks_rows(&self, table: &str) -> bool {
        let is_it = |it: &&Table| it.name.value.eq_ignore_ascii_case(table);
        !self.is_whole || self.tables.iter().filter(is_it).any(Table::lacks_rows)
    }

    /// A place in this file, or in one of rows that it names.
    pub fn origin(&self, span: &Range<usize>) -> Origin {
        let mut companions = self.companions.iter().rev();
        if let Some(companion) = companions.find(|it| it.start <= span.start) {
            let start = span.start - companion.start;
            return Origin {
                source: companion.source.clone(),
                span: start..start + span.len(),
            };
        }
        Origin {
            source: self.source.clone(),
            span: span.clone(),
        }
    }
}

/// The settings under `_seed`. A missing one is none or empty.
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
    /// `_defaults`: what each row of a table with such a column has, where neither the table nor the row says otherwise.
    pub defaults: Vec<Field>,
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
            defaults: Vec::new(),
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
    /// `_refs`: columns that take labels of other tables.
    pub refs: Vec<SoftRef>,
    /// `_through`: lists of labels that become rows of join tables.
    pub through: Vec<Through>,
    /// In the order of the file, those of `files` behind the others.
    pub rows: Vec<RowDecl>,
    /// Rows with which the file overrides those of other files: `_override: true`.
    pub overrides: Vec<RowDecl>,
    /// Files of rows: `_rows: !csv users.csv`.
    pub files: Vec<RowsFile>,
    /// Whether all of its rows were understood.
    pub is_whole: bool,
}

/// A file of rows.
#[derive(Debug, Clone, PartialEq)]
pub struct RowsFile {
    /// As it is written: from the folder of the seed file.
    pub path: Spanned<String>,
    /// How it is written.
    pub format: Format,
    /// Whether all of its rows were read.
    pub is_whole: bool,
}

/// How a file of rows is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `!csv`: a header, and a line for each row.
    Csv {
        /// Between the cells.
        separator: u8,
    },
    /// `!json`: a list of objects, or an object with a row for each label.
    Json,
}

impl Table {
    /// A table without settings and rows.
    pub fn empty(name: Spanned<String>) -> Table {
        Table {
            name,
            was: None,
            key: None,
            id: None,
            keep: Vec::new(),
            defaults: Vec::new(),
            refs: Vec::new(),
            through: Vec::new(),
            rows: Vec::new(),
            overrides: Vec::new(),
            files: Vec::new(),
            is_whole: true,
        }
    }

    /// Whether rows of it could not be read, which is reported there: then no label is known to be missing.
    pub(super) fn lacks_rows(&self) -> bool {
        !self.is_whole || self.files.iter().any(|rows| !rows.is_whole)
    }
}

/// A column that takes labels of another table, whether the schema declares a foreign key or not.
#[derive(Debug, Clone, PartialEq)]
pub struct SoftRef {
    /// The column as it is named in rows: `creator`, also for a column `creator_id`.
    pub name: Spanned<String>,
    /// The rows to which it refers.
    pub to: RefTarget,
}

/// The rows to which a column refers.
#[derive(Debug, Clone, PartialEq)]
pub enum RefTarget {
    /// `users`, or `users.email` for another column than the primary key.
    Table {
        /// The table.
        table: Spanned<String>,
        /// The column; none means the primary key.
        column: Option<Spanned<String>>,
    },
    /// `{type: subject_type, Card: cards, Post: posts}`: another column has the type of the row.
    Types {
        /// The column that holds the type.
        column: Spanned<String>,
        /// Each type, and its table.
        tables: Vec<(Spanned<String>, Spanned<String>)>,
    },
}

/// A list of labels in rows of a table that becomes rows of a join table.
#[derive(Debug, Clone, PartialEq)]
pub struct Through {
    /// The name of the list in a row: `tags`.
    pub name: Spanned<String>,
    /// The join table.
    pub table: Spanned<String>,
    /// Its column that refers to the row with the list; none means the only one that does.
    pub from: Option<Spanned<String>>,
    /// Its column that refers to the rows in the list; none means the only other reference.
    pub to: Option<Spanned<String>>,
}

/// One row, or a pattern for many.
#[derive(Debug, Clone, PartialEq)]
pub struct RowDecl {
    /// None in a list of rows. `value.span` is where errors about the row point.
    pub label: Option<Spanned<Label>>,
    /// Where the row stands: its label, or the first byte of its item in a list.
    pub span: Range<usize>,
    /// `_was`: the label that the row had before.
    pub was: Option<Box<Spanned<Template>>>,
    /// In the order of the file; no name stands twice.
    pub fields: Box<[Field]>,
    /// What another file says in their place (`_override`).
    pub over: Box<[Field]>,
}

/// What names one row or many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Label {
    /// `admin`
    One(Arc<str>),
    /// `load_{001..500}`: a row for each number, both ends included, with zeros in front as in the first number.
    Range {
        /// The text before the numbers.
        before: Box<str>,
        /// The numbers.
        numbers: Box<Numbers>,
    },
    /// `now_{users.load_*}`: a row for each label of a table that matches, with `*` for any characters; with
    /// `post_{users.*}_{1..3}` so many rows for each of them.
    Each(Box<Each>),
}

/// A pattern for labels of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Each {
    /// The text before the labels.
    pub before: Box<str>,
    /// The table of the labels.
    pub table: Box<str>,
    /// What they look like.
    pub pattern: Box<str>,
    /// The text after them.
    pub after: Box<str>,
    /// The rows for each label, where there are several.
    pub children: Option<Numbers>,
}

/// A range of numbers in a label, both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers {
    /// The first.
    pub first: u64,
    /// The last; not below the first.
    pub last: u64,
    /// At least so many digits, with zeros in front.
    pub width: usize,
    /// The text after them.
    pub after: String,
}

/// A column, or the name of a reference, and what is in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// As it is written; shared by all rows of a file that have it.
    pub name: Spanned<Arc<String>>,
    /// What is in it.
    pub value: Spanned<Expr>,
}

/// The content of a cell. The column decides what it becomes. A file may have millions, so what is rare is boxed.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// Something that could not be read. That is reported as a problem of the file.
    Unread,
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
    Json(Box<serde_json::Value>),
    /// The same, with parts that each row fills in.
    Composed(Box<Json>),
    /// `!auto`, in `_id` only: the database numbers the row.
    Auto,
    /// `!uuid`, in `_id` only: a UUID of table and label.
    Uuid,
    /// `!ref table.label` or `!ref table.label.column`.
    Ref(Box<Ref>),
    /// `!pick users.*`, `!each users.*`: a reference to one of the rows whose labels match.
    Among(Box<Among>),
    /// `!now`, with modifiers of SQLite's date functions.
    Now(Box<[String]>),
    /// `!ago 3 days`, `!ago 0..365 days`: before now.
    Ago(Box<Away>),
    /// `!in 3 days`, `!in 1..90 days`: after now.
    In(Box<Away>),
    /// `!decimal 0.50..99.99`: a number with so many decimal places, both ends included.
    Decimal(Box<Decimal>),
    /// `!slug title`: the text of another column of the row as a part of an address.
    Slug(Box<str>),
    /// `!env NAME` or `!env {name: NAME, default: text}`.
    Env(Box<Env>),
    /// `!file path`: the bytes of a file below the seeds folder.
    File(Box<str>),
    /// `!!binary`: bytes.
    Binary(Box<[u8]>),
    /// `!fake kind`: a generated value.
    Fake(Fake),
    /// `!pick [a, b]`, `!pick {a: 70, b: 30}`: one of these, by weight.
    Pick(Box<[(Spanned<Expr>, u64)]>),
    /// `!int 0..500`, both included.
    Int(i64, i64),
    /// `!hash secret`, `!hash {scheme: argon2id, value: !env NAME}`: argon2id of a secret, with a salt of its own. The
    /// inner expression is a scalar or an `!env`.
    Hash(Box<Spanned<Expr>>),
}

/// A reference to a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Ref {
    /// The table.
    pub table: String,
    /// The label. It may hold `${…}`.
    pub label: Template,
    /// The column; none means the one that the foreign key refers to, or the primary key.
    pub column: Option<Box<str>>,
}

/// A reference to one of the rows of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Among {
    /// How the row is chosen.
    pub choice: Choose,
    /// The table.
    pub table: String,
    /// What the labels look like, with `*` for any characters. It may hold `${…}`.
    pub pattern: Template,
    /// The column, as in a [`Ref`].
    pub column: Option<Box<str>>,
}

/// A distance in time.
#[derive(Debug, Clone, PartialEq)]
pub struct Away {
    /// Least and most, both included.
    pub count: (u64, u64),
    /// Seconds in one unit.
    pub unit: u64,
}

/// A range of numbers with decimal places.
#[derive(Debug, Clone, PartialEq)]
pub struct Decimal {
    /// The least, in units of the last place.
    pub least: i64,
    /// The most.
    pub most: i64,
    /// How many decimal places there are.
    pub scale: u32,
}

/// A variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Env {
    /// Its name.
    pub name: String,
    /// Its value where it is unset.
    pub default: Option<String>,
}

/// How one of the rows of a table is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choose {
    /// `!pick`: at random, by the place of the cell.
    Random,
    /// `!each`: in turn.
    InTurn,
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

/// A text with `${name}` in it; `$${` stands for `${`. A file may have millions of them, nearly all as they stand in the
/// file, so such a text is a place in it.
#[derive(Clone)]
pub struct Template(Filling);

#[derive(Clone)]
enum Filling {
    /// A place in a text, by its first byte and the one behind its last.
    Place(Arc<Source>, u32, u32),
    Other(Box<Other>),
}

#[derive(Clone)]
enum Other {
    Text(Box<str>),
    Parts(Vec<Part>),
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text as it is.
    Text(String),
    /// `${name}`: `label`, `i`, `each`, a name under `vars`, or arithmetic on `i`.
    Name(String),
}

impl Template {
    /// A text without names in it.
    pub fn text(text: impl Into<Box<str>>) -> Template {
        Template(Filling::Other(Box::new(Other::Text(text.into()))))
    }

    /// A text without names in it that was read at a place of a source, where it may be written otherwise.
    pub(super) fn read(text: &str, source: &Arc<Source>, span: &Range<usize>) -> Template {
        // Quotes belong to the place.
        let inside = span.start + 1..span.end.saturating_sub(1);
        let mut places = [span.clone(), inside].into_iter();
        let is_it = |place: &Range<usize>| source.text.get(place.clone()) == Some(text);
        let place = places.find(is_it).and_then(|place| {
            let bounds = u32::try_from(place.start)
                .ok()
                .zip(u32::try_from(place.end).ok());
            bounds.map(|(start, end)| Filling::Place(source.clone(), start, end))
        });
        place.map_or_else(|| Template::text(text), Template)
    }

    /// A text of these parts.
    pub fn of(parts: Vec<Part>) -> Template {
        fn text(part: &Part) -> Option<&str> {
            match part {
                Part::Text(text) => Some(text),
                Part::Name(_) => None,
            }
        }
        match parts.iter().map(text).collect::<Option<String>>() {
            Some(text) => Template::text(text),
            None => Template(Filling::Other(Box::new(Other::Parts(parts)))),
        }
    }

    /// The text, where there are no names in it.
    pub fn as_text(&self) -> Option<&str> {
        match &self.0 {
            Filling::Place(source, start, end) => source.text.get(*start as usize..*end as usize),
            Filling::Other(other) => match &**other {
                Other::Text(text) => Some(text),
                Other::Parts(_) => None,
            },
        }
    }

    /// Whether it is a place in a file.
    pub(super) fn is_place(&self) -> bool {
        matches!(self.0, Filling::Place(..))
    }

    /// The parts of a text with names in it; none of another text.
    pub fn parts(&self) -> &[Part] {
        match &self.0 {
            Filling::Other(other) => match &**other {
                Other::Text(_) => &[],
                Other::Parts(parts) => parts,
            },
            Filling::Place(..) => &[],
        }
    }
}

impl PartialEq for Template {
    fn eq(&self, other: &Template) -> bool {
        self.as_text() == other.as_text() && self.parts() == other.parts()
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_text() {
            Some(text) => text.fmt(f),
            None => self.parts().fmt(f),
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
    /// `paragraph`: three to six sentences.
    Paragraph,
    /// `boolean`: `true` or `false`.
    Boolean,
    /// `uuid`
    Uuid,
    /// `url`, below `example.test`.
    Url,
    /// `ipv4`, in a range that is kept for documentation.
    Ipv4,
}

impl Fake {
    /// All kinds, with their names in a file.
    pub const ALL: [(&str, Fake); 17] = [
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
        ("paragraph", Fake::Paragraph),
        ("boolean", Fake::Boolean),
        ("uuid", Fake::Uuid),
        ("url", Fake::Url),
        ("ipv4", Fake::Ipv4),
    ];
}
