//! Values that a column may take: typical ones by its type and its name, and those that the literals of its
//! constraints suggest. Whether the table accepts one is for the engine to decide.

use super::literals::Literals;
use super::table::{Check, Table};
use crate::schema::{Affinity, Nullability, Strictness};
use crate::sql::{TokenKind, Value, significant, unquote};

/// How many rows a table is to get. Each table gets as many, so that each row of a child has a parent of its own.
pub(super) const ROWS: usize = 10;

/// The order in which rows are offered: a table that takes only some has the most important ones.
pub(super) const ORDER: [usize; ROWS] = [
    0,
    COMPARED,
    WITH_NULLS,
    COMPARED + 1,
    SMALL,
    LARGE,
    COMPARED + 2,
    COMPARED + 3,
    REPEATED,
    3,
];

/// The row that repeats the first one, but for its keys.
pub(super) const REPEATED: usize = 1;

/// The row in which nullable columns are NULL, and the others as in the first one.
const WITH_NULLS: usize = 2;

/// The row of small values.
const SMALL: usize = 4;

/// The row of large values.
pub(super) const LARGE: usize = 5;

/// The first of the rows with values that files compare a column with.
const COMPARED: usize = 6;

/// The row of a table that refers to others whose keys no row of another table has: `SET parent_id = id` fails there.
const APART: usize = 3;

/// The number of the value that row `row` has in a column: rows of the same number have the same value.
pub(super) fn number_in(table: &Table, column: usize, row: usize) -> usize {
    let is_key = table.keys.contains(&column);
    match row {
        REPEATED | WITH_NULLS if !is_key => 0,
        COMPARED.. if !is_key && !table.compared.contains_key(&column) => 0,
        row => row,
    }
}

/// Whether row `row` has NULL in a column, where the column takes it.
pub(super) fn is_null_in(table: &Table, column: usize, row: usize) -> bool {
    row == WITH_NULLS && takes_null(table, column)
}

/// Whether a generated row may have NULL there.
pub(super) fn takes_null(table: &Table, column: usize) -> bool {
    table.shape.columns[column].nullability == Nullability::Nullable
        && !table.shape.primary_key.contains(&column)
}

/// What a column is about, by its type and its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    Json,
    Date,
    Moment,
    Flag,
    Email,
    Url,
    Uuid,
    Year,
    Plain,
}

/// Whether a column holds JSON, by its type and its name.
pub(super) fn is_json_column(table: &Table, column: usize) -> bool {
    meaning(table, column) == Meaning::Json
}

fn meaning(table: &Table, column: usize) -> Meaning {
    let of = &table.shape.columns[column];
    let name = of.name.to_ascii_lowercase();
    let declared = of.declared.to_ascii_uppercase();
    let ends = |words: &[&str]| words.iter().any(|word| name.ends_with(word));
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    let json = [
        "json",
        "metadata",
        "payload",
        "config",
        "settings",
        "attributes",
        "properties",
    ];
    match () {
        () if table.json.contains(&column) || declared.contains("JSON") || has(&json) => {
            Meaning::Json
        }
        () if declared.contains("BOOL") => Meaning::Flag,
        () if declared == "DATE" || ends(&["date", "_on", "birthday"]) => Meaning::Date,
        () if ["DATE", "TIME"].iter().any(|word| declared.contains(word)) => Meaning::Moment,
        () if ends(&["_at", "time", "timestamp"]) => Meaning::Moment,
        () if name.starts_with("is_") || name.starts_with("has_") => Meaning::Flag,
        () if ends(&["enabled", "active", "deleted", "flag"]) => Meaning::Flag,
        () if has(&["email"]) => Meaning::Email,
        () if has(&["url", "website"]) => Meaning::Url,
        () if has(&["uuid", "guid"]) => Meaning::Uuid,
        () if ends(&["year"]) => Meaning::Year,
        () => Meaning::Plain,
    }
}

/// The typical value of this number for a column.
pub(super) fn typical(table: &Table, column: usize, number: usize, literals: &Literals) -> Value {
    let of = &table.shape.columns[column];
    let is_key = table.keys.contains(&column);
    let is_id = table.shape.integer_key() == Some(column);
    if let Some(value) = compared(table, column, number).filter(|_| !is_id) {
        return value.clone();
    }
    let number = match number {
        APART if is_key && table.refers_to_others() => APART + ROWS,
        number => number,
    };
    if is_id {
        return Value::Integer(literals.key(number));
    }
    let meaning = meaning(table, column);
    let declared = of.declared.to_ascii_uppercase();
    let is_text = ["STRING", "UUID", "ENUM", "JSON", "DATE", "TIME"]
        .iter()
        .any(|word| declared.contains(word));
    let size = Size::of(is_key, number);
    match of.affinity {
        Affinity::Text => text(meaning, size, literals),
        Affinity::Numeric if is_text => text(meaning, size, literals),
        Affinity::Blob if declared.is_empty() || declared == "ANY" => text(meaning, size, literals),
        Affinity::Blob => blob(&declared, size, literals),
        Affinity::Integer | Affinity::Numeric if is_key => Value::Integer(literals.key(number)),
        Affinity::Integer | Affinity::Numeric => Value::Integer(integer(meaning, size)),
        Affinity::Real => Value::Real(match size {
            Size::Small => -0.5,
            Size::Usual(number) => small(number) as f64 + 0.5,
            Size::Large => 1_000_000_000.5,
        }),
    }
}

/// The value that files compare a column with, for the rows that are there for these; the last in the files first. A
/// key has each value once.
fn compared(table: &Table, column: usize, number: usize) -> Option<&Value> {
    let at = number.checked_sub(COMPARED)?;
    let values = table.compared.get(&column)?;
    match table.keys.contains(&column) {
        true => values.iter().rev().nth(at),
        false => values.iter().rev().cycle().nth(at),
    }
}

/// How large a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    Small,
    /// With a number that tells it from others.
    Usual(usize),
    Large,
}

impl Size {
    fn of(is_key: bool, number: usize) -> Size {
        match number {
            SMALL if !is_key => Size::Small,
            LARGE if !is_key => Size::Large,
            number => Size::Usual(number),
        }
    }
}

fn small(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(0)
}

fn text(meaning: Meaning, size: Size, literals: &Literals) -> Value {
    const LETTERS: usize = 300;
    let marker = literals.marker();
    let number = match size {
        Size::Usual(number) => number,
        Size::Small => 0,
        Size::Large => 27,
    };
    let year = match size {
        Size::Small => 1970,
        Size::Usual(_) => 2024,
        Size::Large => 2099,
    };
    let day = number % 28 + 1;
    Value::Text(match meaning {
        Meaning::Date => format!("{year}-01-{day:02}"),
        Meaning::Moment => format!("{year}-01-{day:02} 10:00:{:02}", number % 60),
        Meaning::Year => (year + number).to_string(),
        Meaning::Json if size == Size::Small => "{}".to_owned(),
        Meaning::Json => format!("{{\"{marker}\":{number}}}"),
        _ if size == Size::Small => String::new(),
        _ if size == Size::Large => marker.chars().cycle().take(LETTERS).collect(),
        Meaning::Email => format!("{marker}{number}@example.com"),
        Meaning::Url => format!("https://example.com/{marker}{number}"),
        Meaning::Uuid => format!("00000000-0000-4000-8000-0000{:08}", number + 90_000_000),
        Meaning::Flag | Meaning::Plain => format!("{marker}{number}"),
    })
}

fn integer(meaning: Meaning, size: Size) -> i64 {
    match (meaning, size) {
        (Meaning::Flag, Size::Small) => 0,
        (Meaning::Flag, Size::Usual(number)) => i64::from(small(number)) % 2,
        (Meaning::Flag, Size::Large) => 1,
        (Meaning::Date | Meaning::Moment, Size::Small) => 0,
        (Meaning::Date | Meaning::Moment, Size::Usual(number)) => {
            1_704_067_200 + i64::from(small(number)) * 86_400
        }
        (Meaning::Date | Meaning::Moment, Size::Large) => 4_070_908_800,
        (Meaning::Year, Size::Small) => 1970,
        (Meaning::Year, Size::Usual(number)) => 2020 + i64::from(small(number)),
        (Meaning::Year, Size::Large) => 2099,
        (_, Size::Small) => -1,
        (_, Size::Usual(number)) => i64::from(small(number)) + 1,
        (_, Size::Large) => 1_000_000_000,
    }
}

/// A vector has the length that its type declares: <https://docs.turso.tech/features/ai-and-embeddings>.
fn blob(declared: &str, size: Size, literals: &Literals) -> Value {
    const MOST: usize = 65_536 * 8;
    let vector = [
        ("F32_BLOB(", 4),
        ("FLOAT32(", 4),
        ("F64_BLOB(", 8),
        ("FLOAT64(", 8),
    ];
    let length = vector.iter().find_map(|(word, width)| {
        let rest = declared.strip_prefix(word)?;
        let length: usize = rest.strip_suffix(')')?.trim().parse().ok()?;
        Some(length * width)
    });
    Value::Blob(match (length, size) {
        (Some(length), _) => vec![0; length.min(MOST)],
        (None, Size::Small) => Vec::new(),
        (None, Size::Usual(number)) => format!("{}{number}", literals.marker()).into_bytes(),
        (None, Size::Large) => literals.marker().repeat(40).into_bytes(),
    })
}

/// Which values a key may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keys {
    /// None that a file writes or looks for.
    Clear,
    /// Any, where the constraints allow no other: `CHECK (id = 1)`.
    Any,
}

/// The values that are tried for a column of a constraint. The first ones are those of the rows, then comes NULL.
pub(super) fn candidates(
    table: &Table,
    column: usize,
    checks: &[&Check],
    literals: &Literals,
    keys: Keys,
) -> Vec<Value> {
    let of = &table.shape.columns[column];
    let is_key = table.keys.contains(&column);
    let mut all: Vec<Value> = (0..ROWS)
        .map(|number| typical(table, column, number, literals))
        .collect();
    all.push(match takes_null(table, column) {
        true => Value::Null,
        false => all[0].clone(),
    });
    let mut more = Vec::new();
    for check in checks {
        suggested(&check.sql, literals, &mut more);
    }
    if matches!(
        of.affinity,
        Affinity::Text | Affinity::Blob | Affinity::Numeric
    ) {
        let all = [
            Meaning::Date,
            Meaning::Moment,
            Meaning::Json,
            Meaning::Email,
            Meaning::Url,
            Meaning::Uuid,
        ];
        more.extend(all.map(|meaning| text(meaning, Size::Usual(0), literals)));
        more.extend(
            [
                "a",
                "A",
                "[]",
                "2024-01-01T10:00:00Z",
                "2024-01-01T10:00:00.000Z",
                "0123456789abcdef",
                "",
            ]
            .map(Value::from),
        );
    }
    // A default satisfies its own constraints.
    suggested(
        of.default.as_deref().unwrap_or_default(),
        literals,
        &mut more,
    );
    more.extend((0..=12).chain([50, 100, 1_000, -1]).map(Value::Integer));
    more.extend([Value::Real(0.5), Value::Blob(vec![1; 16])]);
    let reads_json = checks.iter().any(|check| check.reads_json);
    if reads_json {
        // A function of JSON fails on any other value, and then there is no answer at all.
        let usual = all[0].clone();
        for value in all.iter_mut().filter(|value| !is_json(value)) {
            *value = usual.clone();
        }
    }
    for value in more {
        let value = of.affinity.stored(value);
        let is_taken = is_key
            && keys == Keys::Clear
            && match table.shape.primary_key.contains(&column) {
                true => literals.has(&value),
                false => literals.writes(&value),
            };
        let fits = table.shape.strictness == Strictness::Flexible
            || fits(of.affinity, &of.declared, &value);
        let is_read = !reads_json || is_json(&value);
        if !is_taken && fits && is_read && !all.contains(&value) {
            all.push(value);
        }
    }
    all
}

/// Whether a function of JSON reads the value.
fn is_json(value: &Value) -> bool {
    match value {
        Value::Null | Value::Integer(_) | Value::Real(_) => true,
        Value::Text(text) => serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok(),
        Value::Blob(_) => false,
    }
}

/// Whether a column of a strict table takes the value: <https://sqlite.org/stricttables.html>.
fn fits(affinity: Affinity, declared: &str, value: &Value) -> bool {
    match (affinity, value) {
        (_, Value::Null) => true,
        _ if declared.eq_ignore_ascii_case("ANY") => true,
        (Affinity::Integer, value) => matches!(value, Value::Integer(_)),
        (Affinity::Text, value) => matches!(value, Value::Text(_)),
        (Affinity::Real, value) => matches!(value, Value::Real(_)),
        (Affinity::Blob | Affinity::Numeric, value) => matches!(value, Value::Blob(_)),
    }
}

/// What the literals of a constraint suggest.
fn suggested(check: &str, literals: &Literals, all: &mut Vec<Value>) {
    let has_word = |word: &str| significant(check).any(|token| token.is_word(check, word));
    let is_pattern = has_word("LIKE") || has_word("GLOB");
    let is_length = has_word("length") || has_word("octet_length");
    for token in significant(check) {
        let text = token.text(check);
        match token.kind {
            TokenKind::String => {
                let text = unquote(text);
                if is_pattern {
                    all.extend(matching(&text, literals).map(Value::Text));
                }
                all.extend(around(&text).map(Value::Text));
                // Texts compare by letters, so one behind it is greater.
                let greater = format!("{text}{}", literals.marker());
                all.extend([text, greater].map(Value::Text));
            }
            TokenKind::Number => {
                if let Ok(number) = text.parse::<i64>() {
                    let near = [0, 1, -1].map(|step| number.saturating_add(step));
                    all.extend(near.map(Value::Integer));
                    all.push(Value::Integer(number.saturating_neg()));
                    if is_length {
                        all.extend(
                            near.into_iter()
                                .flat_map(|length| of_length(length, literals)),
                        );
                    }
                } else if let Ok(number) = text.parse::<f64>() {
                    all.extend([0.0, 0.5, -0.5].map(|step| Value::Real(number + step)));
                }
            }
            _ => {}
        }
    }
}

/// The same day a year before and after a date.
fn around(date: &str) -> impl Iterator<Item = String> + use<'_> {
    let year = date
        .split_once('-')
        .filter(|(year, _)| year.len() == 4)
        .and_then(|(year, rest)| Some((year.parse::<u16>().ok()?, rest)));
    let near = year.map(|(year, rest)| {
        [year + 1, year.saturating_sub(1)].map(|year| format!("{year:04}-{rest}"))
    });
    near.into_iter().flatten()
}

/// Texts and bytes of this length.
fn of_length(length: i64, literals: &Literals) -> Vec<Value> {
    const MOST: usize = 4_096;
    let Ok(length) = usize::try_from(length) else {
        return Vec::new();
    };
    let length = length.min(MOST);
    let word: String = literals.marker().chars().cycle().take(length).collect();
    let mut all: Vec<Value> = (0..ROWS)
        .filter(|_| length > 0)
        .map(|row| Value::Text(format!("{row}{}", &word[1..])))
        .collect();
    all.push(Value::Text("1".repeat(length)));
    all.push(Value::Text("A".repeat(length)));
    all.push(Value::Blob(vec![1; length]));
    all.push(Value::Text(word));
    all
}

/// Texts that a pattern of `LIKE` or of `GLOB` matches: with nothing, and with a word, for what stands for any text.
fn matching<'a>(pattern: &str, literals: &'a Literals) -> impl Iterator<Item = String> + use<'a> {
    let pattern = pattern.to_owned();
    ["", literals.marker(), "1"].into_iter().map(move |any| {
        let mut text = String::new();
        let mut letters = pattern.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '%' | '*' => text.push_str(any),
                '_' | '?' => text.push('a'),
                '[' => {
                    let is_not = letters.next_if(|it| matches!(it, '^' | '!')).is_some();
                    let first = letters.next();
                    for inside in letters.by_ref() {
                        if inside == ']' {
                            break;
                        }
                    }
                    match is_not {
                        true => text.push('~'),
                        false => text.extend(first),
                    }
                }
                letter => text.push(letter),
            }
        }
        text
    })
}
