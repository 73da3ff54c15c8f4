//! A JSON Schema of seed files, for editors: the tables and columns of a project, and the settings of the grammar. Pure.
//!
//! It is about names. Any column takes any value there, since a tag may stand in each, and what a column makes of a value
//! is for `check` to say.

use serde_json::{Map, Value, json};

use super::expand::short_name;
use super::model::{RefTarget, Table};
use super::parse::is_reserved;
use super::set::Seeds;
use crate::schema::{ColumnKind, Nullability, Shape, TableKind, TableShape};

/// The schema of seed files for a database of this shape, in draft 7, which editors know best. The seeds of the project
/// declare names that rows may use beside their columns.
pub fn json_schema(shape: &Shape, seeds: &Seeds) -> Value {
    let tables = shape.tables.iter().filter(|of| {
        of.kind == TableKind::Ordinary
            && !is_reserved(&of.name)
            && !of.name.to_ascii_lowercase().starts_with("sqlite_")
    });
    let mut properties = Map::new();
    let mut definitions = Map::new();
    properties.insert("_seed".to_owned(), json!({ "$ref": "#/definitions/_seed" }));
    for of in tables {
        let row = format!("row of {}", of.name);
        properties.insert(of.name.clone(), table(of, &row));
        definitions.insert(row, self::row(of, seeds));
    }
    definitions.insert("_seed".to_owned(), settings());
    let names =
        json!({ "type": ["string", "array"], "items": { "type": "string" }, "uniqueItems": true });
    let mut some = names.clone();
    some["minItems"] = 1.into();
    definitions.insert("names".to_owned(), names);
    definitions.insert("some names".to_owned(), some);
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Seeds",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "definitions": definitions,
    })
}

fn settings() -> Value {
    let scalar = json!(["string", "number", "boolean"]);
    let names = |what: &str| json!({ "$ref": "#/definitions/names", "description": what });
    let some = |what: &str| json!({ "$ref": "#/definitions/some names", "description": what });
    json!({
        "description": "Settings of the file",
        "type": ["object", "null"],
        "properties": {
            "format": { "description": "The format of the file", "enum": [1, "1"] },
            "envs": some("The environments that the file is for; dev and test, or that of its folder, where it is left out"),
            "tags": names("The file comes with --tag only"),
            "requires": { "description": "The oldest version of the schema that it fits: 3, 0003_usage or 3..7", "type": ["string", "integer"], "pattern": "^[0-9]" },
            "depends_on": names("Names of seeds without which this one means nothing"),
            "mode": { "description": "What happens to rows that are there", "enum": ["insert", "upsert", "sync"] },
            "random": { "description": "Salt of the generated values", "type": scalar },
            "faker": { "description": "Version of the generators", "enum": [1, "1"] },
            "vars": {
                "description": "What ${name} stands for",
                "type": ["object", "null"],
                "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "not": { "enum": ["label", "i", "each"] } },
                "additionalProperties": { "type": scalar },
            },
            "time": { "description": "The time that !now, !ago and !in count from, such as 2026-01-31T12:00:00Z", "type": "string" },
            "_defaults": { "description": "What rows of all tables have in the columns of these names", "type": ["object", "null"] },
            "_was": names("Names that the file had before"),
        },
        "additionalProperties": false,
    })
}

/// The settings of a table, the label of a row, of a range, and of rows for each label of a table.
const LABEL: &str = "^(_(key|id|keep|defaults|refs|through|rows|was)|[^_.*{}][^.*{}]*|([^_.*{}][^.*{}]*)?\\{[0-9]+\\.\\.[0-9]+\\}[^.*{}]*|([^_.*{}][^.*{}]*)?\\{[^.{}]+\\.[^.{}]+\\}[^.*{}]*(\\{[0-9]+\\.\\.[0-9]+\\}[^.*{}]*)?)$";

fn table(of: &TableShape, row: &str) -> Value {
    let row = json!({ "$ref": format!("#/definitions/{row}") });
    let list = json!({ "type": "array", "items": row });
    let names = |what: &str| json!({ "$ref": "#/definitions/names", "description": what });
    let some = |what: &str| json!({ "$ref": "#/definitions/some names", "description": what });
    json!({
        "description": format!("Rows of {}", of.name),
        "anyOf": [
            {
                "type": "object",
                "properties": {
                    "_key": some("The columns by which a row is found again"),
                    "_id": { "description": "What the primary key of a new row is made of: user_${label}, !uuid, !auto" },
                    "_keep": names("Columns that are written once"),
                    "_defaults": row,
                    "_refs": { "description": "Columns that take labels: {creator: users}", "type": "object" },
                    "_through": { "description": "Lists of labels that fill join tables: {tags: cards_tags}", "type": "object" },
                    "_rows": { "description": "Rows without labels, or a file: !csv users.csv", "anyOf": [list, { "type": ["string", "object"] }] },
                    "_was": { "description": "The name that the table had before", "type": "string" },
                },
                "propertyNames": { "pattern": LABEL },
                "additionalProperties": row,
            },
            list,
            { "description": "!csv users.csv", "type": "string" },
            {
                "description": "!csv {file: users.csv, separator: ';'}",
                "type": "object",
                "properties": { "file": { "type": "string" }, "separator": { "type": "string" } },
                "required": ["file"],
                "additionalProperties": false,
            },
        ],
    })
}

fn row(of: &TableShape, seeds: &Seeds) -> Value {
    let mut columns = Map::new();
    for (at, column) in of.columns.iter().enumerate() {
        if column.origin == ColumnKind::Plain {
            let what = json!({ "description": described(of, at) });
            columns.insert(column.name.clone(), what);
        }
    }
    for key in &of.foreign_keys {
        if let Some(short) = short_name(of, key) {
            let column = &of.columns[key.columns[0]].name;
            let what = format!(
                "The label of a row of {}; the column is {column}",
                key.parent
            );
            columns.insert(short, json!({ "description": what }));
        }
    }
    let tables = seeds.shared.iter().chain(&seeds.files);
    let tables = tables.flat_map(|file| &file.tables);
    for table in tables.filter(|it| it.name.value.eq_ignore_ascii_case(&of.name)) {
        columns.extend(declared(table));
    }
    let was = json!({ "description": "The label that the row had before", "type": "string" });
    columns.insert("_was".to_owned(), was);
    columns.insert(
        "<<".to_owned(),
        json!({ "description": "Values of another map" }),
    );
    let over = json!({ "description": "The row changes that of another file", "type": "boolean" });
    columns.insert("_override".to_owned(), over);
    // A row of nothing but defaults is `ann:` or `ann: {}`.
    json!({ "type": ["object", "null"], "properties": columns, "additionalProperties": false })
}

/// The names that `_refs` and `_through` of a table declare, and what they take.
fn declared(table: &Table) -> impl Iterator<Item = (String, Value)> {
    let refs = table.refs.iter().map(|it| {
        let what = match &it.to {
            RefTarget::Table { table, .. } => format!("The label of a row of {}", table.value),
            RefTarget::Types { tables, .. } => {
                let types = tables
                    .iter()
                    .map(|(kind, _)| format!("label ({})", kind.value));
                types.collect::<Vec<_>>().join(", ")
            }
        };
        (it.name.value.clone(), what)
    });
    let through = table.through.iter().map(|it| {
        let what = format!("Labels; each makes a row of {}", it.table.value);
        (it.name.value.clone(), what)
    });
    refs.chain(through)
        .map(|(name, what)| (name, json!({ "description": what })))
}

/// `TEXT NOT NULL DEFAULT 'free', unique, refers to plans`
fn described(of: &TableShape, at: usize) -> String {
    let column = &of.columns[at];
    let mut words = match column.declared.as_str() {
        "" => "no type".to_owned(),
        declared => declared.to_owned(),
    };
    if column.nullability == Nullability::NotNull {
        words.push_str(" NOT NULL");
    }
    if let Some(default) = &column.default {
        words.push_str(&format!(" DEFAULT {default}"));
    }
    if of.primary_key.contains(&at) {
        words.push_str(", primary key");
    } else if of.is_unique(&[at]) {
        words.push_str(", unique");
    }
    for key in of
        .foreign_keys
        .iter()
        .filter(|key| key.columns.contains(&at))
    {
        words.push_str(&format!(", refers to {}", key.parent));
    }
    words
}
