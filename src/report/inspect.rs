//! What is in a database, as a table.

use serde_json::{Value, json};

use super::json::{Call, Document};
use super::style::{FAINT, Style};
use super::table::{Cell, table};
use super::words::{bytes, count, grouped};
use crate::schema::{Contents, Coverage, Index, Table, Uniqueness};

/// Tables with their rows and sizes, and below each its indexes.
pub fn inspect(contents: &Contents, style: Style<'_>) -> String {
    let rows: Vec<Vec<Cell>> = contents
        .tables
        .iter()
        .flat_map(|table| {
            std::iter::once(table_row(table)).chain(table.indexes.iter().map(index_row))
        })
        .collect();
    let mut text = String::new();
    if !rows.is_empty() {
        let header = ["table", "rows", "size", "index on"];
        text.push_str(&table(&header, &rows, style));
        text.push('\n');
    }
    let mut facts = vec![count(contents.tables.len(), "table")];
    for (number, noun) in [
        (contents.views.len(), "view"),
        (contents.triggers.len(), "trigger"),
    ] {
        if number > 0 {
            facts.push(count(number, noun));
        }
    }
    text.push_str(&facts.join(", "));
    if let Some(size) = contents.bytes {
        text.push_str(&format!("; the database has {}", bytes(size)));
    }
    text.push('\n');
    text
}

fn table_row(table: &Table) -> Vec<Cell> {
    let rows = table.rows.map_or("?".to_owned(), |rows| {
        grouped(u64::try_from(rows).unwrap_or_default())
    });
    vec![
        Cell::new(&table.name),
        Cell::new(&rows).right(),
        Cell::new(&table.bytes.map(bytes).unwrap_or_default()).right(),
    ]
}

fn index_row(index: &Index) -> Vec<Cell> {
    let columns: Vec<&str> = index
        .columns
        .iter()
        .map(|column| column.as_deref().unwrap_or("(expression)"))
        .collect();
    let mut on = columns.join(", ");
    if index.uniqueness == Uniqueness::Unique {
        on.push_str(", unique");
    }
    if index.coverage == Coverage::Partial {
        on.push_str(", partial");
    }
    vec![
        Cell::new(&format!("  {}", index.name)).in_colour(FAINT),
        Cell::new(""),
        Cell::new(&index.bytes.map(bytes).unwrap_or_default())
            .in_colour(FAINT)
            .right(),
        Cell::new(&on).in_colour(FAINT),
    ]
}

impl Document {
    /// `inspect`.
    pub fn inspect(call: Call<'_>, contents: &Contents) -> Document {
        let tables: Vec<Value> = contents
            .tables
            .iter()
            .map(|table| {
                let indexes: Vec<Value> = table.indexes.iter().map(index_json).collect();
                json!({"name": table.name, "rows": table.rows, "bytes": table.bytes, "indexes": indexes})
            })
            .collect();
        let triggers: Vec<Value> = contents
            .triggers
            .iter()
            .map(|(name, table)| json!({"name": name, "table": table}))
            .collect();
        Document::done(call)
            .with("tables", tables)
            .with("views", contents.views.clone())
            .with("triggers", triggers)
            .with("bytes", contents.bytes)
    }
}

fn index_json(index: &Index) -> Value {
    json!({
        "name": index.name,
        "columns": index.columns,
        "unique": index.uniqueness == Uniqueness::Unique,
        "partial": index.coverage == Coverage::Partial,
        "bytes": index.bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Paint;
    use expect_test::expect;

    const STYLE: Style<'_> = Style {
        paint: Paint::Plain,
        program: "cargo xtask",
        columns: None,
    };

    fn contents() -> Contents {
        Contents {
            tables: vec![
                Table {
                    name: "usage".to_owned(),
                    rows: Some(1247),
                    bytes: Some(12_288),
                    indexes: vec![Index {
                        name: "idx_usage_user_period".to_owned(),
                        columns: vec![Some("user_id".to_owned()), None],
                        uniqueness: Uniqueness::Unique,
                        coverage: Coverage::Partial,
                        bytes: Some(4096),
                    }],
                },
                Table {
                    name: "words".to_owned(),
                    rows: None,
                    bytes: None,
                    indexes: vec![],
                },
            ],
            views: vec!["v".to_owned()],
            triggers: vec![],
            bytes: Some(44_400_000),
        }
    }

    #[test]
    fn indexes_stand_below_their_table() {
        expect![[r#"
            table                    rows  size     index on
            usage                    1247  12.0 KB
              idx_usage_user_period         4.0 KB  user_id, (expression), unique, partial
            words                       ?

            2 tables, 1 view; the database has 42.3 MB
        "#]]
        .assert_eq(&inspect(&contents(), STYLE));
    }

    #[test]
    fn an_empty_database_has_no_table() {
        expect![[r#"
            0 tables
        "#]]
        .assert_eq(&inspect(&Contents::default(), STYLE));
    }

    #[test]
    fn json_tells_the_same() {
        let call = Call {
            command: "inspect",
            mode: None,
            database: None,
            exit_code: 0,
            style: STYLE,
        };
        let document = Document::inspect(call, &contents());
        assert_eq!(document.own["tables"][0]["indexes"][0]["unique"], true);
        assert_eq!(document.own["tables"][1]["rows"], Value::Null);
        assert_eq!(document.own["bytes"], 44_400_000);
    }
}
