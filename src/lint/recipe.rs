//! Recipes: SQL for the tables of the project, with their names and columns. Pure.

use super::file::list;
use crate::schema::{Catalogue, ColumnKind, ObjectKind, RowId, TableShape};
use crate::sql::{identifier, tokens, unquote};

/// The statements that rebuild a table: `definition` is what the parts between the parentheses are to be, as a comment or
/// as SQL.
pub(super) fn rebuild(catalogue: Option<&Catalogue>, table: &TableShape, change: &str) -> String {
    let name = identifier(&table.name);
    let new = identifier(&format!("_new_{}", table.name));
    let copied = table.columns.iter();
    let copied = copied.filter(|column| column.origin == ColumnKind::Plain);
    let mut columns = list(copied.map(|column| column.name.as_str()));
    if table.rowid == RowId::Has && table.integer_key().is_none() {
        columns = format!("rowid, {columns}");
    }
    let sql = catalogue.and_then(|it| it.object(ObjectKind::Table, &table.name));
    let create = match sql.and_then(|object| object.sql.find('(').map(|at| &object.sql[at..])) {
        Some(parts) => format!("CREATE TABLE {new} {parts}; -- {change}"),
        None => format!("CREATE TABLE {new} (…); -- {change}"),
    };
    let mut lines = vec![
        create,
        format!("INSERT INTO {new} ({columns}) SELECT {columns} FROM {name};"),
        format!("DROP TABLE {name};"),
        format!("ALTER TABLE {new} RENAME TO {name};"),
    ];
    for kind in [ObjectKind::Index, ObjectKind::Trigger] {
        let all = catalogue.into_iter();
        let all = all.flat_map(|catalogue| catalogue.of_table(kind, &table.name));
        lines.extend(all.map(|object| format!("{};", object.sql)));
    }
    block("rebuild the table:", &lines)
}

/// Lines of SQL below a sentence.
pub(super) fn block(words: &str, lines: &[String]) -> String {
    let lines = lines.iter().map(|line| format!("\n  {}", in_quotes(line)));
    let lines: Vec<String> = lines.collect();
    format!("{words}{}", lines.concat())
}

/// SQL with names in double quotes in the place of backticks, between which a help has commands.
fn in_quotes(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len());
    for token in tokens(sql) {
        let span = match token {
            Ok(token) if token.text(sql).starts_with('`') => {
                text.push_str(&identifier(&unquote(token.text(sql))));
                continue;
            }
            Ok(token) => token.span,
            Err(error) => error.span,
        };
        text.push_str(&sql[span]);
    }
    text
}

/// A constant that a column of this type takes.
pub(super) fn constant(declared: &str) -> &'static str {
    let declared = declared.to_ascii_uppercase();
    let has = |words: &[&str]| words.iter().any(|word| declared.contains(word));
    match () {
        () if has(&[
            "CHAR", "CLOB", "TEXT", "DATE", "TIME", "STRING", "UUID", "JSON",
        ]) =>
        {
            "''"
        }
        () if has(&["BLOB"]) => "x''",
        () if has(&["REAL", "FLOA", "DOUB"]) => "0.0",
        () => "0",
    }
}
