//! The check of foreign keys for the Turso engine, which has none: `PRAGMA foreign_key_check` finds nothing there, and the
//! table-valued function does not exist. Pure.

use std::fmt::Write as _;

use crate::sql::{Value, identifier, literal};

/// The table-valued function of SQLite's that the engine lacks; its pragma finds nothing.
const CHECK: &str = "pragma_foreign_key_check";

/// Whether a statement asks for rows without their parent.
pub(super) fn checks_foreign_keys(sql: &str) -> bool {
    sql.contains(CHECK)
}

/// A row for each column of each foreign key, by which [`with_anti_joins`] writes the check: child, number, parent,
/// column, the column that it refers to, and how many tables of the parent's name there are. The engine has an empty
/// text where none is named.
pub(super) const FOREIGN_KEYS: &str = "\
SELECT s.name, f.id, f.\"table\", f.\"from\", \
(SELECT x.name FROM pragma_table_xinfo(f.\"table\") AS x \
WHERE x.name = f.\"to\" COLLATE NOCASE OR coalesce(f.\"to\", '') = '' AND x.pk = f.seq + 1), \
(SELECT count(*) FROM sqlite_schema AS p WHERE p.type = 'table' AND p.name = f.\"table\" COLLATE NOCASE) \
FROM sqlite_schema AS s, pragma_foreign_key_list(s.name) AS f \
WHERE s.type = 'table' AND instr(lower(s.sql), 'references') ORDER BY s.name, f.id, f.seq";

/// The statement with a query in the place of each `pragma_foreign_key_check`, whose rows are the same:
/// <https://sqlite.org/pragma.html#pragma_foreign_key_check>. The argument of the function, where it has one, is a
/// bound value, or a column of the table before it in a `CROSS JOIN`; it is called `f` then. There a foreign key whose
/// parent lacks the column is left out: the caller deals with it. Elsewhere it makes the statement fail, as it does in SQLite.
pub(super) fn with_anti_joins(sql: &str, columns: &[Vec<Value>]) -> String {
    let mut text = String::new();
    let mut rest = sql;
    while let Some(at) = rest.find(CHECK) {
        text.push_str(&rest[..at]);
        rest = &rest[at + CHECK.len()..];
        let argument = rest.strip_prefix('(').and_then(|it| it.split_once(')'));
        match argument {
            Some((argument, behind)) if argument.starts_with('?') => {
                let rows = anti_joins(columns, Mismatch::Fail);
                let _ = write!(
                    text,
                    "(SELECT * FROM ({rows}) WHERE lower(\"table\") = lower({argument}))"
                );
                rest = behind;
            }
            Some((argument, behind)) => {
                let rows = anti_joins(columns, Mismatch::LeaveOut);
                let _ = write!(text, "({rows}) AS f ON f.\"table\" = {argument}");
                rest = behind.strip_prefix(" AS f").unwrap_or(behind);
            }
            None => {
                let _ = write!(text, "({})", anti_joins(columns, Mismatch::Fail));
            }
        }
    }
    text + rest
}

/// What a foreign key does whose parent table lacks the column that it refers to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mismatch {
    Fail,
    LeaveOut,
}

/// Rows without their parent. Behind `+` a value has neither affinity nor collation of its own, so that those of the
/// parent decide: <https://sqlite.org/foreignkeys.html#fk_basics>.
fn anti_joins(columns: &[Vec<Value>], mismatch: Mismatch) -> String {
    let mut each: Vec<String> = Vec::new();
    let is_same = |a: &Vec<Value>, b: &Vec<Value>| a[..2] == b[..2];
    for key in columns.chunk_by(is_same) {
        let [child, id, parent, _, _, parents] = &key[0][..] else {
            continue;
        };
        let name = |value: &Value| identifier(value.as_str().unwrap_or_default());
        let is_there = *parents != Value::Integer(0);
        let is_mismatched = is_there && key.iter().any(|column| column[4] == Value::Null);
        if is_mismatched && mismatch == Mismatch::LeaveOut {
            continue;
        }
        let filled = key
            .iter()
            .map(|column| format!("c.{} IS NOT NULL", name(&column[3])));
        let same = key.iter().map(|column| match &column[4] {
            Value::Null => "p.\"foreign key mismatch\" IS NULL".to_owned(),
            target => format!("p.{} = +c.{}", name(target), name(&column[3])),
        });
        let mut conditions: Vec<String> = filled.collect();
        if is_there {
            let same: Vec<String> = same.collect();
            conditions.push(format!(
                "NOT EXISTS (SELECT 1 FROM {} AS p WHERE {})",
                name(parent),
                same.join(" AND ")
            ));
        }
        each.push(format!(
            "SELECT {} AS \"table\", c.rowid AS rowid, {} AS parent, {} AS fkid FROM {} AS c WHERE {}",
            literal(child),
            literal(parent),
            literal(id),
            name(child),
            conditions.join(" AND ")
        ));
    }
    match each.is_empty() {
        true => "SELECT NULL AS \"table\", NULL AS rowid, NULL AS parent, NULL AS fkid WHERE 0"
            .to_owned(),
        false => each.join(" UNION ALL "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Db, Options, Query, Transaction};
    use crate::script::{Atomicity, ForeignKeys, Step};

    #[tokio::test]
    async fn the_anti_joins_have_the_rows_of_the_pragma() {
        let db = Db::memory(Options::default()).await.unwrap();
        let statements = [
            "CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT COLLATE NOCASE UNIQUE)",
            "CREATE TABLE two (a, b, PRIMARY KEY (a, b))",
            "CREATE TABLE c (id INTEGER PRIMARY KEY, p REFERENCES p, code REFERENCES p(code), n REFERENCES nope(x), \
             a, b, FOREIGN KEY (a, b) REFERENCES two)",
            "INSERT INTO p VALUES (1, 'A'), (2, 'b')",
            "INSERT INTO two VALUES (1, 2)",
            "INSERT INTO c VALUES (1, '1', 'a', NULL, 1, 2), (2, 3, 'x', NULL, 1, NULL), (3, NULL, 'B', 1, 2, 1)",
        ];
        let steps = statements.iter().map(|sql| Step::own(*sql, vec![]));
        let transaction = Transaction {
            foreign_keys: ForeignKeys::Off,
            atomicity: Atomicity::Transaction,
            steps: steps.collect(),
        };
        db.run(vec![transaction], std::sync::Arc::new(|_| {}))
            .await
            .unwrap();
        let rows = async |sql: &str| {
            let mut query = Query::new(sql);
            query.args = vec!["C".into(); usize::from(sql.contains('?'))];
            db.query(vec![query]).await.unwrap().remove(0).unwrap()
        };
        let columns = rows(FOREIGN_KEYS).await;
        for sql in [
            "SELECT \"table\", rowid, parent, fkid FROM pragma_foreign_key_check ORDER BY 2, 4",
            "SELECT count(*) FROM pragma_foreign_key_check(?1)",
            "SELECT f.parent, f.rowid, t.name FROM (SELECT name FROM sqlite_schema WHERE type = 'table') AS t \
             CROSS JOIN pragma_foreign_key_check(t.name) AS f ORDER BY f.rowid, f.fkid",
        ] {
            let here = rows(sql).await;
            assert!(!here.is_empty());
            assert_eq!(rows(&with_anti_joins(sql, &columns)).await, here, "{sql}");
        }
    }
}
