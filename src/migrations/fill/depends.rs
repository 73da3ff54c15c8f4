//! Whether a statement that failed on generated rows fails on any rows.
//!
//! A form that is recognised here cannot succeed on a table with rows. The engine proves that, on a table in memory that
//! has only what the statement itself fixes. Every other failure counts as one of the generated rows.

use std::sync::Arc;

use super::form::{Form, Words};
use super::insert::run;
use super::refusing::refusal;
use super::table::{checks, named};
use crate::db::{Db, DbError, Failure, Options, Transaction};
use crate::schema::{ColumnKind, Nullability, Strictness, TableShape, shape};
use crate::script::{Atomicity, ForeignKeys, Step};
use crate::sql::{
    Kind, Token, TokenKind, Value, identifier, is_rowid, kind, parenthesized, significant, unquote,
};

/// What a failure of a statement on filled tables depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::migrations) enum Depends {
    /// It fails where this table holds rows, whatever they are.
    OnTheStatement {
        /// The table.
        table: String,
        /// The engine's words.
        message: String,
    },
    /// It may succeed on other rows.
    OnGeneratedRows,
}

/// Decides about a statement that failed. `db` is as it was before the transaction of the statement, `before` are the
/// steps of that transaction before it, and `foreign_keys` is its mode. Nothing is changed.
///
/// # Errors
/// As [`Db::run`].
pub(in crate::migrations) async fn depends(
    db: &Db,
    foreign_keys: ForeignKeys,
    before: &[Step],
    statement: &str,
) -> Result<Depends, DbError> {
    let tokens: Vec<Token> = significant(statement).collect();
    let words = Words {
        sql: statement,
        tokens: &tokens,
    };
    let recognised = match kind(statement) {
        Kind::Alter => words.added_column().or_else(|| words.altered_column()),
        Kind::Update => words.update(),
        Kind::Insert => words.insert(),
        Kind::Delete => words.delete(),
        _ => None,
    };
    let Some(form) = recognised else {
        return Ok(Depends::OnGeneratedRows);
    };
    let Some(Definition {
        shape,
        sql,
        triggers,
    }) = definition(db, before, form.table()).await?
    else {
        return Ok(Depends::OnGeneratedRows);
    };
    if let Some(message) = refusal(&form, &triggers) {
        return Ok(Depends::OnTheStatement {
            table: form.rows_of().to_owned(),
            message,
        });
    }
    let experiment = match &form {
        Form::Delete { .. } => None,
        Form::AddColumn { definition, .. } => adding(&shape, definition),
        Form::AlterColumn {
            table,
            column,
            definition,
        } => altering(before, table, column, definition),
        Form::Update { assignments, .. } => writing(&shape, &sql, updated(&shape, assignments)),
        Form::Insert { columns, items, .. } => {
            writing(&shape, &sql, inserted(&shape, columns, items))
        }
    };
    let Some((made, statement)) = experiment else {
        return Ok(Depends::OnGeneratedRows);
    };
    let scratch = Db::memory(Options::default()).await?;
    let steps = [made, vec![statement]].concat();
    let stopped = run(&scratch, &steps, Atomicity::Bare, foreign_keys).await?;
    // What cannot be set up proves nothing.
    Ok(match stopped {
        Some((at, error)) if at + 1 == steps.len() => Depends::OnTheStatement {
            table: form.rows_of().to_owned(),
            message: error.message,
        },
        _ => Depends::OnGeneratedRows,
    })
}

/// A table as it is after some steps.
struct Definition {
    shape: TableShape,
    /// Its statement.
    sql: String,
    /// All triggers: name, table, statement.
    triggers: Vec<[String; 3]>,
}

/// A table as it is after these steps.
async fn definition(db: &Db, before: &[Step], table: &str) -> Result<Option<Definition>, DbError> {
    let end = Step::own(
        "SELECT json('the schema is read, and all is rolled back')",
        vec![],
    );
    let end = end.explained(
        "SELECT name, sql, type, tbl_name FROM sqlite_schema WHERE type IN ('table', 'trigger') AND sql <> ''".to_owned(),
    );
    let transaction = Transaction {
        foreign_keys: ForeignKeys::Unchecked,
        atomicity: Atomicity::Transaction,
        steps: before.iter().cloned().chain([end]).collect(),
    };
    let tables = match db.run(vec![transaction], Arc::new(|_| {})).await {
        Err(Failure::Step { explanation, .. }) => explanation,
        Err(Failure::Open(error)) => return Err(error),
        Err(Failure::Lost(error)) => return Err(error.into()),
        Ok(_) => return Ok(None),
    };
    let (mut sql, mut triggers) = (None, Vec::new());
    for row in tables {
        let Ok(
            [
                Value::Text(name),
                Value::Text(text),
                Value::Text(sort),
                Value::Text(on),
            ],
        ) = <[Value; 4]>::try_from(row)
        else {
            continue;
        };
        match sort.as_str() {
            "trigger" => triggers.push([name, on, text]),
            _ if name.eq_ignore_ascii_case(table) => sql = Some(text),
            _ => {}
        }
    }
    let Some(sql) = sql else { return Ok(None) };
    let scratch = Db::memory(Options::default()).await?;
    let made = run(
        &scratch,
        std::slice::from_ref(&sql),
        Atomicity::Bare,
        ForeignKeys::Unchecked,
    );
    if made.await?.is_some() {
        return Ok(None);
    }
    let shape = shape(&scratch).await?.table(table).cloned();
    Ok(shape.map(|shape| Definition {
        shape,
        sql,
        triggers,
    }))
}

/// Statements that make a table, and the one that must not succeed on it.
type Experiment = (Vec<String>, String);

/// What a column of a row to be written gets: a constant, or its default.
type Written<'a> = Vec<(usize, Option<&'a str>)>;

/// Adds the column to a table of one row, without the constraints that depend on what is in it. A column that is computed
/// from others depends on them in all it does.
fn adding(shape: &TableShape, definition: &str) -> Option<Experiment> {
    let (of_column, end) = match shape.strictness {
        Strictness::Strict => (" ANY", " STRICT"),
        Strictness::Flexible => ("", ""),
    };
    let columns: Vec<String> = shape
        .columns
        .iter()
        .map(|column| format!("{}{of_column}", identifier(&column.name)))
        .collect();
    let made = vec![
        format!("CREATE TABLE scratch ({}){end}", columns.join(", ")),
        "INSERT INTO scratch DEFAULT VALUES".to_owned(),
    ];
    let added = without_rows(shape, definition)?;
    Some((made, format!("ALTER TABLE scratch ADD COLUMN {added}")))
}

/// Writes the default of a column that was added and then altered: it is what each row has. None where a statement in
/// between may have written another value.
fn altering(before: &[Step], table: &str, column: &str, definition: &str) -> Option<Experiment> {
    let is_of_the_schema = |step: &&Step| matches!(kind(&step.sql), Kind::Alter | Kind::Create(_));
    let mut steps = before.iter().rev().take_while(is_of_the_schema);
    let adds_it = |step: &Step| {
        let tokens: Vec<Token> = significant(&step.sql).collect();
        let words = Words {
            sql: &step.sql,
            tokens: &tokens,
        };
        let Some(Form::AddColumn {
            table: of,
            definition,
        }) = words.added_column()
        else {
            return false;
        };
        let name = significant(definition).next();
        let name = name.map(|name| unquote(name.text(definition)));
        of.eq_ignore_ascii_case(table) && name.is_some_and(|it| it.eq_ignore_ascii_case(column))
    };
    let made = vec![format!("CREATE TABLE scratch ({definition})")];
    steps
        .any(adds_it)
        .then(|| (made, "INSERT INTO scratch DEFAULT VALUES".to_owned()))
}

/// The definition of a column without each `CHECK` that depends on the row; none where its `AS` does.
fn without_rows(shape: &TableShape, definition: &str) -> Option<String> {
    let tokens: Vec<Token> = significant(definition).collect();
    let mut kept = String::new();
    let mut begin = 0;
    for (at, token) in tokens.iter().enumerate().skip(1) {
        let is = |word: &str| token.is_word(definition, word);
        if token.span.start < begin || !(is("CHECK") || is("AS")) {
            continue;
        }
        let Some(expression) = parenthesized(definition, &tokens[at + 1..]) else {
            continue;
        };
        if named(shape, expression).is_empty() && !names_the_rowid(expression) {
            continue;
        }
        if is("AS") && !is_stored(definition, &tokens) {
            return None;
        }
        kept.push_str(&definition[begin..token.span.start]);
        kept.push_str(if is("AS") { "AS (1)" } else { "" });
        begin = tokens[at + 1].span.start + expression.len();
    }
    kept.push_str(&definition[begin..]);
    Some(kept)
}

/// Whether a column is stored: none such can be added, whatever it holds.
fn is_stored(definition: &str, tokens: &[Token]) -> bool {
    tokens.iter().any(|it| it.is_word(definition, "STORED"))
}

fn names_the_rowid(expression: &str) -> bool {
    significant(expression).any(|token| is_rowid(&unquote(token.text(expression))))
}

/// The constants that an `UPDATE` writes.
fn updated<'a>(shape: &TableShape, assignments: &[(String, &'a str)]) -> Written<'a> {
    assignments
        .iter()
        .filter(|(_, value)| is_constant(value))
        .filter_map(|(column, value)| Some((shape.column(column)?, Some(*value))))
        .collect()
}

/// The constants that an `INSERT … SELECT` writes, and the columns that it leaves to their defaults.
fn inserted<'a>(
    shape: &TableShape,
    columns: &Option<Vec<String>>,
    items: &Option<Vec<&'a str>>,
) -> Written<'a> {
    let plain = |at: &usize| shape.columns[*at].origin == ColumnKind::Plain;
    let all: Vec<usize> = (0..shape.columns.len()).filter(plain).collect();
    let listed: Vec<Option<usize>> = match columns {
        Some(names) => names.iter().map(|name| shape.column(name)).collect(),
        None => all.iter().copied().map(Some).collect(),
    };
    let mut written = Written::new();
    if let Some(items) = items
        && items.len() == listed.len()
    {
        let constants = listed
            .iter()
            .zip(items)
            .filter(|(_, item)| is_constant(item));
        written.extend(constants.filter_map(|(column, item)| Some(((*column)?, Some(*item)))));
    }
    let left = all.into_iter().filter(|at| !listed.contains(&Some(*at)));
    // An omitted integer key is numbered.
    written.extend(
        left.filter(|at| shape.integer_key() != Some(*at))
            .map(|at| (at, None)),
    );
    written
}

/// Whether an expression is made of literals.
fn is_constant(expression: &str) -> bool {
    significant(expression).all(|token| match token.kind {
        TokenKind::String | TokenKind::Number | TokenKind::Blob => true,
        TokenKind::Word => ["NULL", "TRUE", "FALSE"]
            .iter()
            .any(|word| token.is_word(expression, word)),
        TokenKind::Symbol => matches!(token.text(expression), "+" | "-" | "(" | ")" | "||"),
        _ => false,
    })
}

/// Writes a row of the columns whose values are fixed into a table of these columns alone, with the constraints that
/// name no other.
fn writing(shape: &TableShape, sql: &str, mut written: Written<'_>) -> Option<Experiment> {
    written.sort_unstable();
    written.dedup_by_key(|(column, _)| *column);
    if written.is_empty() {
        return None;
    }
    let mut parts: Vec<String> = written
        .iter()
        .map(|(at, _)| {
            let column = &shape.columns[*at];
            let mut part = format!("{} {}", identifier(&column.name), column.declared);
            if shape.integer_key() == Some(*at) {
                part.push_str(" PRIMARY KEY");
            }
            if column.nullability == Nullability::NotNull {
                part.push_str(" NOT NULL");
            }
            if let Some(default) = &column.default {
                part.push_str(&format!(" DEFAULT ({default})"));
            }
            part
        })
        .collect();
    let is_written = |column: &usize| written.iter().any(|(at, _)| at == column);
    let checks = checks(shape, sql);
    let decided = checks
        .iter()
        .filter(|check| check.columns.iter().all(is_written));
    parts.extend(decided.map(|check| format!("CHECK {}", check.sql)));
    let end = match shape.strictness {
        Strictness::Strict => " STRICT",
        Strictness::Flexible => "",
    };
    let made = format!("CREATE TABLE scratch ({}){end}", parts.join(", "));
    let (columns, values): (Vec<String>, Vec<&str>) = written
        .iter()
        .filter_map(|(at, value)| Some((identifier(&shape.columns[*at].name), (*value)?)))
        .unzip();
    let insert = match columns.is_empty() {
        true => "INSERT INTO scratch DEFAULT VALUES".to_owned(),
        false => format!(
            "INSERT INTO scratch ({}) VALUES ({})",
            columns.join(", "),
            values.join(", ")
        ),
    };
    Some((vec![made], insert))
}
