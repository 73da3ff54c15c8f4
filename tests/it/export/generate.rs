//! Databases of all kinds, as the statements that make them.

use proptest::prelude::*;
use seedbed::sql::{Value, identifier, literal};

const NAMES: [&str; 8] = ["t", "order", "a b", "q\"q", "ü🌱", "x'y", "1", "T_t"];

const COLUMNS: [&str; 14] = [
    "a", "b b", "\"q\"", "select", "ü", "rowid", "oid", "_rowid_", "1x", "x'y", "[b]", "c", "d",
    "Order",
];

const TYPES: [&str; 13] = [
    "",
    "INTEGER",
    "INT",
    "TEXT",
    "REAL",
    "NUMERIC",
    "BLOB",
    "VARCHAR(10)",
    "FLOAT",
    "BOOLEAN",
    "DATETIME",
    "ANY",
    "DECIMAL(10, 2)",
];

const STRICT: [&str; 5] = ["INTEGER", "TEXT", "REAL", "BLOB", "ANY"];

/// The last statement of some: it runs alone.
pub(crate) const VACUUM: &str = "VACUUM";

#[derive(Debug, Clone)]
struct Table {
    kind: u8,
    name: usize,
    columns: Vec<(usize, usize)>,
    rows: Vec<Vec<Cell>>,
    extras: u8,
}

#[derive(Debug, Clone)]
struct Cell {
    any: String,
    integer: i64,
    real: f64,
    text: String,
    blob: Vec<u8>,
}

fn real() -> impl Strategy<Value = f64> {
    prop_oneof![
        Just(1.0),
        Just(-0.0),
        Just(5e-324),
        Just(f64::MAX),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(0.1 + 0.2),
        Just(9_007_199_254_740_993.0),
        proptest::num::f64::NORMAL,
        proptest::num::f64::SUBNORMAL,
    ]
}

fn integer() -> impl Strategy<Value = i64> {
    prop_oneof![
        Just(i64::MIN),
        Just(i64::MAX),
        Just(0),
        -5_i64..300,
        any::<i64>()
    ]
}

fn text() -> impl Strategy<Value = String> {
    let odd = [
        "",
        "it's",
        "a\nb",
        "a\r\nb",
        "\r",
        "\n",
        "007",
        "1e5",
        "9e999",
        " 1 ",
        "-- no",
        ";",
        "\n.quit\n",
        "NULL",
        "x'00'",
        "COMMIT;\nROLLBACK;\n",
        "\u{0}",
        "a\u{0}b",
        "'",
        "''",
        "\n/\ngo\n",
        "\u{feff}",
        "\\",
        "unistr('\\u000a')",
    ];
    prop_oneof![
        prop::sample::select(odd.to_vec()).prop_map(str::to_owned),
        any::<String>(),
        "[ -~\\n]{0,200}",
    ]
}

fn cell() -> impl Strategy<Value = Cell> {
    let blob = prop_oneof![Just(vec![]), any::<Vec<u8>>()];
    (0..7_u8, integer(), real(), text(), blob).prop_map(|(which, integer, real, text, blob)| {
        let value = match which {
            0 => Value::Null,
            1 => Value::Integer(integer),
            2 | 3 => Value::Real(real),
            4 | 5 => Value::Text(text.clone()),
            _ => Value::Blob(blob.clone()),
        };
        let any = match (which, blob.is_empty()) {
            // A text that is not UTF-8.
            (5, false) => format!("CAST({} AS TEXT)", literal(&Value::Blob(blob.clone()))),
            _ => literal(&value),
        };
        Cell {
            any,
            integer,
            real,
            text,
            blob,
        }
    })
}

fn table() -> impl Strategy<Value = Table> {
    let columns = prop::collection::vec((0..COLUMNS.len(), 0..TYPES.len()), 1..5);
    let rows = prop::collection::vec(prop::collection::vec(cell(), 5), 0..6);
    (0..14_u8, 0..NAMES.len(), columns, rows, any::<u8>()).prop_map(
        |(kind, name, mut columns, rows, extras)| {
            let mut seen = Vec::new();
            columns.retain(|(column, _)| {
                let new = !seen.contains(column);
                seen.push(*column);
                new
            });
            Table {
                kind,
                name,
                columns,
                rows,
                extras,
            }
        },
    )
}

/// The statements that make a database.
pub(crate) fn database() -> impl Strategy<Value = Vec<String>> {
    let layout = prop::sample::select(vec!["UTF-8", "UTF-8", "UTF-16le", "UTF-16be"]);
    let tables = prop::collection::vec(table(), 0..5);
    (tables, 0..4_i64, layout).prop_map(|(tables, version, encoding)| {
        let mut all = Vec::new();
        // A file without anything in it is of no encoding.
        if tables.iter().any(|table| table.kind != 10) {
            all.push(format!("PRAGMA encoding = '{encoding}'"));
        }
        for (number, table) in tables.iter().enumerate() {
            statements(number, table, &mut all);
        }
        if encoding != "UTF-8" {
            // Its bytes would be read as UTF-16, and may be none.
            all.retain(|sql: &String| !sql.contains("CAST(x'"));
        }
        all.push(format!("PRAGMA user_version = {version}"));
        all.push(format!("PRAGMA application_id = {}", -version));
        if version == 3 {
            all.push("ANALYZE".to_owned());
        }
        // It moves virtual tables behind the tables that they keep their content in.
        if version % 2 == 1 {
            all.push(VACUUM.to_owned());
        }
        all
    })
}

fn statements(number: usize, table: &Table, all: &mut Vec<String>) {
    let bare = format!("{}{number}", NAMES[table.name]);
    let name = identifier(&bare);
    let columns: Vec<(String, &str)> = table
        .columns
        .iter()
        .map(|(column, kind)| {
            let kind = match table.kind {
                4 => STRICT[kind % STRICT.len()],
                _ => TYPES[*kind],
            };
            (identifier(COLUMNS[*column]), kind)
        })
        .collect();
    let mut declared: Vec<String> = columns
        .iter()
        .map(|(column, kind)| format!("{column} {kind}"))
        .collect();
    let first = &columns[0].0;
    let mut ending = "";
    let mut given: Vec<&str> = columns.iter().map(|(column, _)| column.as_str()).collect();
    match table.kind {
        1 => declared.insert(0, "id INTEGER PRIMARY KEY".to_owned()),
        2 => declared.insert(0, "id integer PRIMARY KEY AUTOINCREMENT".to_owned()),
        3 => {
            let way = if table.extras & 1 == 0 { "" } else { " DESC" };
            declared.push(format!("PRIMARY KEY ({first} COLLATE NOCASE{way})"));
            ending = " WITHOUT ROWID";
        }
        4 => ending = " STRICT",
        5 => {
            declared.push(format!("g1 AS (typeof({first}))"));
            declared.insert(
                0,
                format!("g2 TEXT GENERATED ALWAYS AS (quote({first})) STORED"),
            );
        }
        6 => return full_text(&bare, table, all),
        7 => return boxes(&bare, table, all),
        9 => return beside_its_content(&bare, table, all),
        10 => return counted_once(&bare, all),
        11 => return older_text(&bare, table, all),
        12 => return shapes(&bare, table, all),
        _ => {}
    }
    all.push(
        format!(
            "CREATE TABLE {name} ({}) -- the end{ending}",
            declared.join(", ")
        )
        .replace(" -- the end", ""),
    );
    if table.extras & 2 != 0 {
        let index = identifier(&format!("{bare} part"));
        all.push(format!(
            "CREATE INDEX {index} ON {name} ({first} DESC) WHERE {first} IS NOT NULL"
        ));
    }
    if table.extras & 4 != 0 {
        let index = identifier(&format!("{bare} covers"));
        all.push(format!(
            "CREATE INDEX {index} ON {name} ({}) -- all",
            given.join(", ")
        ));
    }
    for row in &table.rows {
        let mut values: Vec<String> = columns
            .iter()
            .zip(row)
            .map(|((_, kind), cell)| match (table.kind, *kind) {
                (4, "INTEGER") => cell.integer.to_string(),
                (4, "REAL") => literal(&Value::Real(cell.real)),
                (4, "TEXT") => literal(&Value::Text(cell.text.clone())),
                (4, "BLOB") => literal(&Value::Blob(cell.blob.clone())),
                _ => cell.any.clone(),
            })
            .collect();
        if matches!(table.kind, 1 | 2) {
            given = std::iter::once("id")
                .chain(columns.iter().map(|it| it.0.as_str()))
                .collect();
            values.insert(0, row[4].integer.to_string());
        }
        all.push(format!(
            "INSERT OR IGNORE INTO {name} ({}) VALUES ({})",
            given.join(", "),
            values.join(", ")
        ));
    }
    if table.extras & 8 != 0 && !matches!(table.kind, 3) {
        all.push(format!("DELETE FROM {name} WHERE {first} IS NULL"));
    }
    if table.extras & 16 != 0 {
        let view = identifier(&format!("{bare} seen"));
        all.push(format!(
            "CREATE VIEW {view} AS SELECT *, 1 AS n FROM {name} /* all */"
        ));
        let trigger = identifier(&format!("{bare} pulled"));
        all.push(format!(
            "CREATE TRIGGER {trigger} AFTER INSERT ON {name} BEGIN SELECT 1; DELETE FROM {name} WHERE 0; END"
        ));
    }
}

/// A text that a full-text index keeps as its table does: the engine drops a byte order mark at the begin of a text in
/// UTF-16, and finds the index that has it malformed.
fn indexed(text: &str) -> String {
    text.replace(['\0', '\u{feff}'], "")
}

fn full_text(bare: &str, table: &Table, all: &mut Vec<String>) {
    let name = identifier(bare);
    all.push(format!(
        "CREATE VIRTUAL TABLE {name} USING fts5 (title, body)"
    ));
    for row in &table.rows {
        let text = |cell: &Cell| literal(&Value::Text(indexed(&cell.text)));
        all.push(format!(
            "INSERT INTO {name} VALUES ({}, {})",
            text(&row[0]),
            text(&row[1])
        ));
    }
}

fn boxes(bare: &str, table: &Table, all: &mut Vec<String>) {
    let name = identifier(bare);
    all.push(format!(
        "CREATE VIRTUAL TABLE {name} USING rtree (id, x1, x2)"
    ));
    for row in &table.rows {
        let low = row[0].integer.clamp(-1000, 1000);
        all.push(format!(
            "INSERT INTO {name} VALUES (NULL, {low}, {low} + 0.5)"
        ));
    }
}

/// Full-text search over a user's table, whose name is one that the module gives to its own tables.
fn beside_its_content(bare: &str, table: &Table, all: &mut Vec<String>) {
    let (name, content) = (identifier(bare), identifier(&format!("{bare}_content")));
    let quoted = literal(&Value::Text(format!("{bare}_content")));
    all.push(format!(
        "CREATE TABLE {content} (id INTEGER PRIMARY KEY, body TEXT)"
    ));
    let search = format!(
        "CREATE VIRTUAL TABLE {name} USING fts5 (body, content={quoted}, content_rowid='id')"
    );
    all.push(search);
    for row in &table.rows {
        let text = literal(&Value::Text(indexed(&row[0].text)));
        all.push(format!("INSERT INTO {content} (body) VALUES ({text})"));
    }
    all.push(format!(
        "INSERT INTO {name} (rowid, body) SELECT id, body FROM {content}"
    ));
    let other = identifier(&format!("{bare}_segments"));
    all.push(format!("CREATE TABLE {other} (x)"));
    all.push(format!("INSERT INTO {other} VALUES (1)"));
}

/// A table with `AUTOINCREMENT` that is gone, and what the engine keeps of it.
fn counted_once(bare: &str, all: &mut Vec<String>) {
    let name = identifier(bare);
    all.push(format!(
        "CREATE TABLE {name} (id INTEGER PRIMARY KEY AUTOINCREMENT)"
    ));
    all.push(format!("INSERT INTO {name} VALUES (7)"));
    all.push(format!("DROP TABLE {name}"));
}

fn older_text(bare: &str, table: &Table, all: &mut Vec<String>) {
    let name = identifier(bare);
    let module = ["fts3", "fts4"][usize::from(table.extras % 2)];
    all.push(format!("CREATE VIRTUAL TABLE {name} USING {module} (body)"));
    for row in &table.rows {
        let text = literal(&Value::Text(indexed(&row[0].text)));
        all.push(format!("INSERT INTO {name} VALUES ({text})"));
    }
}

fn shapes(bare: &str, table: &Table, all: &mut Vec<String>) {
    let name = identifier(bare);
    all.push(format!(
        "CREATE VIRTUAL TABLE {name} USING rtree_i32 (id, x1, x2, +label)"
    ));
    for row in &table.rows {
        let low = row[0].integer.clamp(-1000, 1000);
        all.push(format!(
            "INSERT INTO {name} VALUES (NULL, {low}, {low} + 2, 'here')"
        ));
    }
}
