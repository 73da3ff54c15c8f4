//! Which columns the triggers of a database write: a value that a seed declares does not stay there. Pure.

use std::collections::BTreeSet;

use crate::schema::Shape;
use crate::sql::{Token, Value, significant, unquote};

/// What triggers write.
#[derive(Debug, Default)]
pub(super) struct Triggers(Vec<Write>);

/// An `UPDATE` in the body of a trigger.
#[derive(Debug)]
struct Write {
    trigger: String,
    /// By its place in the shape.
    table: usize,
    /// By their places in the table.
    columns: BTreeSet<usize>,
}

impl Triggers {
    /// Reads rows of [`triggers`](super::fired::triggers): name, table, text.
    pub(super) fn read(rows: &[[Value; 3]], shape: &Shape) -> Triggers {
        let mut all = Vec::new();
        for [name, _, sql] in rows {
            let (Some(name), Some(sql)) = (name.as_str(), sql.as_str()) else {
                continue;
            };
            for (table, columns) in updates(sql) {
                let Some(table) = shape.position(&table) else {
                    continue;
                };
                let of = &shape.tables[table];
                all.push(Write {
                    trigger: name.to_owned(),
                    table,
                    columns: columns.iter().filter_map(|it| of.column(it)).collect(),
                });
            }
        }
        Triggers(all)
    }

    /// The trigger that writes a column.
    pub(super) fn of(&self, table: usize, column: usize) -> Option<&str> {
        let mut writes = self.0.iter();
        let write = writes.find(|it| it.table == table && it.columns.contains(&column))?;
        Some(&write.trigger)
    }
}

/// The `UPDATE` statements in the body of a trigger: the table, and the columns that they set.
fn updates(sql: &str) -> Vec<(String, Vec<String>)> {
    let tokens: Vec<Token> = significant(sql).collect();
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|it| it.is_word(sql, word));
    let text = |at: usize| tokens.get(at).map_or("", |it| it.text(sql));
    let Some(begin) = (0..tokens.len()).find(|at| is(*at, "BEGIN")) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    let mut start = begin + 1;
    while start < tokens.len() {
        let end = (start..tokens.len()).find(|at| text(*at) == ";");
        let end = end.unwrap_or(tokens.len());
        if is(start, "UPDATE") {
            // `UPDATE OR IGNORE t`
            let name = start + if is(start + 1, "OR") { 3 } else { 1 };
            if let Some(set) = (name..end).find(|at| is(*at, "SET")) {
                let columns = columns(&tokens[set + 1..end], sql);
                all.push((unquote(text(name)), columns));
            }
        }
        start = end + 1;
    }
    all
}

/// The columns that stand before a `=` in the list behind `SET`.
fn columns(tokens: &[Token], sql: &str) -> Vec<String> {
    let mut columns = Vec::new();
    let (mut depth, mut begins) = (0_usize, true);
    for (at, token) in tokens.iter().enumerate() {
        let ends = ["WHERE", "FROM", "RETURNING"];
        if depth == 0 && ends.iter().any(|word| token.is_word(sql, word)) {
            break;
        }
        match token.text(sql) {
            "(" => {
                // `SET (a, b) = …`
                if depth == 0 && begins {
                    let names = tokens[at + 1..].iter().map(|it| it.text(sql));
                    let names = names.take_while(|it| *it != ")").filter(|it| *it != ",");
                    columns.extend(names.map(unquote));
                }
                depth += 1;
                begins = false;
            }
            ")" => depth = depth.saturating_sub(1),
            "," if depth == 0 => begins = true,
            name => {
                if depth == 0 && begins {
                    columns.push(unquote(name));
                }
                begins = false;
            }
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::updates;

    #[test]
    fn a_trigger_writes_the_columns_that_its_updates_set() {
        let read = |sql| -> Vec<String> {
            let all = updates(sql).into_iter();
            all.map(|(table, columns)| format!("{table}: {}", columns.join(", ")))
                .collect()
        };
        let sql = "CREATE TRIGGER t AFTER UPDATE OF a ON \"x\" BEGIN \
                   UPDATE \"x\" SET a = max(NEW.a, 1), \"b c\" = CASE WHEN 1 THEN 2 END WHERE d = 1; \
                   UPDATE OR IGNORE y SET (e, f) = (1, 2), g = (SELECT h FROM z WHERE i = 1) FROM k WHERE l = 1; \
                   INSERT INTO x VALUES (1); END";
        assert_eq!(read(sql), ["x: a, b c", "y: e, f, g"]);
        assert_eq!(
            read("CREATE TRIGGER t AFTER DELETE ON x BEGIN SELECT 1; END"),
            [""; 0]
        );
    }
}
