//! A JSON Schema of seed files, for editors: the tables and columns of a project, and the settings of the grammar. Pure.
//!
//! It is about names, in any letter case. Any column takes any value there, since a tag may stand in each, and what a
//! column makes of a value is for `check` to say; so is what depends on other rows or on the database.

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
    let tables: Vec<&TableShape> = tables.collect();
    let mut properties = Map::new();
    let mut other_cases = Map::new();
    let mut definitions = Map::new();
    properties.insert("_seed".to_owned(), json!({ "$ref": "#/definitions/_seed" }));
    let mut of_all = Vec::new();
    for of in &tables {
        let fields = fields(of, seeds);
        let name = format!("table {}", of.name);
        let rows = json!({ "$ref": format!("#/definitions/{name}") });
        other_cases.insert(in_other_case(&of.name), rows.clone());
        properties.insert(of.name.clone(), rows);
        definitions.insert(name, table(of, &fields));
        of_all.extend(fields.keys().cloned());
        definitions.insert(format!("row of {}", of.name), row(fields));
    }
    of_all.sort_unstable();
    of_all.dedup();
    let tables: Vec<&String> = tables.iter().map(|of| &of.name).collect();
    let names: Vec<&str> = seeds.files.iter().map(|it| it.name.as_str()).collect();
    definitions.insert("_seed".to_owned(), settings(&names, &of_all));
    definitions.insert("a table".to_owned(), one_of(&tables, ""));
    definitions.insert("a reference".to_owned(), one_of(&tables, "(\\..+)?"));
    let file = json!({
        "description": "!csv {file: users.csv, separator: ';'}",
        "type": "object",
        "properties": { "file": { "type": "string" }, "separator": { "type": "string" } },
        "required": ["file"],
        "additionalProperties": false,
    });
    definitions.insert("a file".to_owned(), file);
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
        "minProperties": 1,
        "properties": properties,
        "patternProperties": other_cases,
        "additionalProperties": false,
        "definitions": definitions,
    })
}

/// A pattern of a name in any letter case, as the engine takes it.
fn in_any_case(name: &str) -> String {
    let mut pattern = String::new();
    for c in name.chars() {
        match c {
            c if c.is_ascii_alphabetic() => {
                pattern.push_str(&format!(
                    "[{}{}]",
                    c.to_ascii_lowercase(),
                    c.to_ascii_uppercase()
                ));
            }
            c => pattern.extend(escaped(c)),
        }
    }
    pattern
}

fn escaped(c: char) -> impl Iterator<Item = char> {
    let is_syntax = r"^$\.*+?()[]{}|/".contains(c);
    is_syntax.then_some('\\').into_iter().chain([c])
}

/// A pattern of a name in another letter case than its own, which is a property of its own for editors to complete.
fn in_other_case(name: &str) -> String {
    let own: String = name.chars().flat_map(escaped).collect();
    format!("^(?!{own}$){}$", in_any_case(name))
}

/// One of these names in any letter case, with this pattern behind it. Editors complete the names.
fn one_of(names: &[impl AsRef<str>], behind: &str) -> Value {
    if names.is_empty() {
        return Value::Bool(false);
    }
    let exact: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let patterns: Vec<String> = exact.iter().map(|name| in_any_case(name)).collect();
    let pattern = format!("^({}){behind}$", patterns.join("|"));
    json!({ "type": "string", "anyOf": [{ "enum": exact }, { "pattern": pattern }] })
}

/// `_seed`. `files`: the names of all seeds; `fields`: what any row may have.
fn settings(files: &[&str], fields: &[String]) -> Value {
    let scalar = json!(["string", "number", "boolean"]);
    let names = |what: &str| json!({ "$ref": "#/definitions/names", "description": what });
    let some = |what: &str| json!({ "$ref": "#/definitions/some names", "description": what });
    let seed = match files.is_empty() {
        true => Value::Bool(false),
        false => json!({ "enum": files }),
    };
    json!({
        "description": "Settings of the file",
        "type": ["object", "null"],
        "properties": {
            "format": { "description": "The format of the file", "enum": [1, "1"] },
            "envs": some("The environments that the file is for; dev and test, or that of its folder, where it is left out"),
            "tags": names("The file comes with --tag only"),
            "requires": { "description": "The oldest version of the schema that it fits: 3, 0003_usage or 3..7", "type": ["string", "integer"], "minimum": 1, "pattern": "^0*[1-9][0-9]*(_.*|\\.\\.0*[1-9][0-9]*)?$" },
            "depends_on": {
                "description": "Names of seeds without which this one means nothing",
                "anyOf": [seed, { "type": "array", "items": seed, "uniqueItems": true }],
            },
            "mode": { "description": "What happens to rows that are there", "enum": ["insert", "upsert", "sync"] },
            "random": { "description": "Salt of the generated values", "type": scalar },
            "faker": { "description": "Version of the generators", "enum": [1, "1"] },
            "vars": {
                "description": "What ${name} stands for",
                "type": ["object", "null"],
                "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$", "not": { "enum": ["label", "i", "each"] } },
                "additionalProperties": { "type": scalar },
            },
            "time": { "description": "The time that !now, !ago and !in count from, such as 2026-01-31T12:00:00Z", "type": "string", "pattern": "^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z$" },
            "_defaults": { "description": "What rows of all tables have in the columns of these names", "type": ["object", "null"], "propertyNames": one_of(fields, "") },
            "_was": names("Names that the file had before"),
        },
        "additionalProperties": false,
    })
}

/// The settings of a table, the label of a row, of a range, and of rows for each label of a table.
const LABEL: &str = "^(_(key|id|keep|defaults|refs|through|rows|was)|[^_.*{}][^.*{}]*|([^_.*{}][^.*{}]*)?\\{[0-9]+\\.\\.[0-9]+\\}[^.*{}]*|([^_.*{}][^.*{}]*)?\\{[^.{}]+\\.[^.{}]+\\}[^.*{}]*(\\{[0-9]+\\.\\.[0-9]+\\}[^.*{}]*)?)$";

fn table(of: &TableShape, fields: &Map<String, Value>) -> Value {
    let row = json!({ "$ref": format!("#/definitions/row of {}", of.name) });
    let list = json!({ "type": "array", "items": row });
    let fields: Vec<&String> = fields.keys().collect();
    let names = |what: &str, least: usize| {
        let name = one_of(&fields, "");
        json!({
            "description": what,
            "anyOf": [name, { "type": "array", "items": name, "uniqueItems": true, "minItems": least }],
        })
    };
    let a_table = json!({ "$ref": "#/definitions/a table" });
    let types = json!({
        "type": "object",
        "properties": { "type": { "description": "The column that has the type", "type": "string" } },
        "required": ["type"],
        "minProperties": 2,
        "additionalProperties": a_table,
    });
    let join = json!({
        "type": "object",
        "properties": {
            "table": a_table,
            "from": { "description": "Its column that refers to this table", "type": "string" },
            "to": { "description": "Its column that refers to the rows in the list", "type": "string" },
        },
        "required": ["table"],
        "additionalProperties": false,
    });
    json!({
        "description": format!("Rows of {}", of.name),
        "anyOf": [
            {
                "type": "object",
                "properties": {
                    "_key": names("The columns by which a row is found again", 1),
                    "_id": { "description": "What the primary key of a new row is made of: user_${label}, !uuid, !auto" },
                    "_keep": names("Columns that are written once", 0),
                    "_defaults": row,
                    "_refs": {
                        "description": "Columns that take labels: {creator: users}",
                        "type": "object",
                        "propertyNames": one_of(&referring(of), ""),
                        "additionalProperties": { "anyOf": [{ "$ref": "#/definitions/a reference" }, types] },
                    },
                    "_through": {
                        "description": "Lists of labels that fill join tables: {tags: cards_tags}",
                        "type": "object",
                        "additionalProperties": { "anyOf": [a_table, join] },
                    },
                    "_rows": { "description": "Rows without labels, or a file: !csv users.csv", "anyOf": [list, { "type": "string" }, { "$ref": "#/definitions/a file" }] },
                    "_was": { "description": "The name that the table had before", "type": "string" },
                },
                "propertyNames": { "pattern": LABEL },
                "additionalProperties": row,
            },
            list,
            { "description": "!csv users.csv", "type": "string" },
            { "$ref": "#/definitions/a file" },
        ],
    })
}

/// The names under which `_refs` may declare the columns of a table: `creator` stands for `creator_id`, `creatorId` and
/// `creator_code`.
fn referring(of: &TableShape) -> Vec<&str> {
    let mut names = Vec::new();
    for column in of
        .columns
        .iter()
        .filter(|it| it.origin == ColumnKind::Plain)
    {
        let name = column.name.as_str();
        names.push(name);
        names.extend(name.strip_suffix("Id"));
        names.extend(name.match_indices('_').map(|(at, _)| &name[..at]));
    }
    names.retain(|name| !name.is_empty());
    names.sort_unstable();
    names.dedup();
    names
}

/// What a row may have besides what the grammar has for every row.
fn fields(of: &TableShape, seeds: &Seeds) -> Map<String, Value> {
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
    columns
}

fn row(mut columns: Map<String, Value>) -> Value {
    let other_cases: Map<String, Value> = columns
        .keys()
        .map(|name| (in_other_case(name), json!({})))
        .collect();
    let was = json!({ "description": "The label that the row had before", "type": "string" });
    columns.insert("_was".to_owned(), was);
    columns.insert(
        "<<".to_owned(),
        json!({ "description": "Values of another map" }),
    );
    let over = json!({ "description": "The row changes that of another file", "type": "boolean" });
    columns.insert("_override".to_owned(), over);
    // A row of nothing but defaults is `ann:` or `ann: {}`.
    json!({
        "type": ["object", "null"],
        "properties": columns,
        "patternProperties": other_cases,
        "additionalProperties": false,
    })
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
