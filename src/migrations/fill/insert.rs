//! Inserting generated rows: parents before children, and the engine decides which rows a table accepts.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Unfilled;
use super::candidates::{ROWS, is_null_in, number_in, takes_null, typical};
use super::literals::Literals;
use super::solve::{Group, groups};
use super::table::Table;
use crate::db::{At, Db, DbError, EngineError, Failure, Query, Rows, Transaction, if_accepted};
use crate::schema::{Affinity, ForeignKey, RowId};
use crate::script::{Atomicity, ForeignKeys, Step};
use crate::sql::{Value, identifier, literal};

/// What came of filling.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Names of tables that hold generated rows now.
    pub(super) filled: Vec<String>,
    /// Tables without a row, and the names of their parents in lower case.
    pub(super) unfilled: Vec<(Unfilled, Vec<String>)>,
}

/// How many rows are tried for a table that does not take typical ones.
const TRIES: usize = 64;

/// How many of those may fail with an error, which ends a run of statements.
const ERRORS: usize = 12;

/// The row that refers to the first one where a table refers to itself.
const REFERS: usize = 3;

/// Keys of the rows of a parent, for one foreign key.
type Parents = HashMap<(usize, usize), Rows>;

/// Fills these empty tables.
pub(super) async fn fill(
    db: &Db,
    literals: &Literals,
    tables: Vec<Table>,
) -> Result<Outcome, DbError> {
    let (levels, circle) = levels(&tables);
    let mut filling = Filling {
        db,
        literals,
        outcome: Outcome::default(),
    };
    for level in levels {
        let open = filling.typical(level).await?;
        filling.search(open).await?;
    }
    // Each table that is filled may be the parent that another one waits for.
    let mut left = circle;
    while !left.is_empty() {
        let open = filling.typical(left.clone()).await?;
        if open.len() == left.len() {
            let open = filling.deferred(open).await?;
            filling.search(open).await?;
            break;
        }
        left = open;
    }
    Ok(filling.outcome)
}

/// Tables by level, each after the levels of its parents; and those that wait for each other in a circle.
fn levels(tables: &[Table]) -> (Vec<Vec<&Table>>, Vec<&Table>) {
    let places: HashMap<String, usize> = tables
        .iter()
        .enumerate()
        .map(|(at, table)| (table.shape.name.to_ascii_lowercase(), at))
        .collect();
    let mut waits_for: Vec<HashSet<usize>> = tables
        .iter()
        .enumerate()
        .map(|(at, table)| {
            let parents = table.shape.foreign_keys.iter();
            let parents = parents.filter_map(|key| places.get(&key.parent.to_ascii_lowercase()));
            parents.filter(|parent| **parent != at).copied().collect()
        })
        .collect();
    let of = |places: &[usize]| places.iter().map(|at| &tables[*at]).collect();
    let mut left: Vec<usize> = (0..tables.len()).collect();
    let mut levels = Vec::new();
    loop {
        let (ready, waiting): (Vec<usize>, Vec<usize>) =
            left.iter().partition(|at| waits_for[**at].is_empty());
        if ready.is_empty() {
            return (levels, of(&waiting));
        }
        let done: HashSet<usize> = ready.iter().copied().collect();
        for at in &waiting {
            waits_for[*at].retain(|parent| !done.contains(parent));
        }
        levels.push(of(&ready));
        left = waiting;
    }
}

struct Filling<'a> {
    db: &'a Db,
    literals: &'a Literals,
    outcome: Outcome,
}

impl Filling<'_> {
    /// Inserts the typical rows; returns the tables that did not take two of them.
    async fn typical<'t>(&mut self, level: Vec<&'t Table>) -> Result<Vec<&'t Table>, DbError> {
        let parents = parents(self.db, &level).await?;
        let plans = plans(self.db, self.literals, &level, &parents).await?;
        let statements = plans.iter().map(|plan| {
            let rows = (0..ROWS).map(|row| plan.row(row));
            plan.statement("INSERT OR IGNORE", rows, "")
        });
        run_each(self.db, &statements.collect::<Vec<_>>()).await?;
        let mut open = Vec::new();
        for (table, rows) in level.iter().zip(rows_of(self.db, &level).await?) {
            match rows {
                0 | 1 => open.push(*table),
                _ => self.outcome.filled.push(table.shape.name.clone()),
            }
        }
        Ok(open)
    }

    /// Inserts the rows of several tables in one transaction, at the end of which foreign keys are checked; returns the
    /// tables if that is refused.
    async fn deferred<'t>(&mut self, open: Vec<&'t Table>) -> Result<Vec<&'t Table>, DbError> {
        let parents = parents(self.db, &open).await?;
        let plans = plans(self.db, self.literals, &open, &parents).await?;
        let mut steps = vec!["PRAGMA defer_foreign_keys = ON".to_owned()];
        steps.extend(plans.iter().map(|plan| {
            let rows = (0..ROWS).map(|row| plan.row(row));
            plan.statement("INSERT OR IGNORE", rows, "")
        }));
        match run(self.db, &steps, Atomicity::Transaction, ForeignKeys::On).await? {
            Some(_) => Ok(open),
            None => {
                let names = open.iter().map(|table| table.shape.name.clone());
                self.outcome.filled.extend(names);
                Ok(Vec::new())
            }
        }
    }

    /// Tries further rows for each of these tables.
    async fn search(&mut self, open: Vec<&Table>) -> Result<(), DbError> {
        for table in open {
            let level = [table];
            let parents = parents(self.db, &level).await?;
            let mut plan = Plan::new(table, 0, &parents, self.literals);
            let reason = plan.search(self.db).await?;
            let table = table.shape.name.clone();
            match reason {
                None => self.outcome.filled.push(table),
                Some(reason) => {
                    let unfilled = Unfilled { table, reason };
                    self.outcome
                        .unfilled
                        .push((unfilled, plan.names_of_parents()));
                }
            }
        }
        Ok(())
    }
}

async fn plans<'a>(
    db: &Db,
    literals: &'a Literals,
    level: &[&'a Table],
    parents: &'a Parents,
) -> Result<Vec<Plan<'a>>, DbError> {
    let mut plans: Vec<Plan<'a>> = level
        .iter()
        .enumerate()
        .map(|(at, table)| Plan::new(table, at, parents, literals))
        .collect();
    solve(db, &mut plans).await?;
    Ok(plans)
}

/// How many rows each table has: none, one, or more.
async fn rows_of(db: &Db, tables: &[&Table]) -> Result<Vec<u64>, DbError> {
    let queries = tables.iter().map(|table| {
        let name = identifier(&table.shape.name);
        let query = format!("SELECT count(*) FROM (SELECT 1 FROM {name} LIMIT 2)");
        ((), Query::new(query))
    });
    let replies = db.ask(queries.collect::<Vec<_>>()).await?;
    replies
        .into_iter()
        .map(|(_, reply)| reply.count())
        .collect()
}

/// Keys of the parents of these tables that have rows.
async fn parents(db: &Db, level: &[&Table]) -> Result<Parents, DbError> {
    let mut queries = Vec::new();
    for (at, table) in level.iter().enumerate() {
        for (number, key) in table.shape.foreign_keys.iter().enumerate() {
            if key.parent_columns.is_empty() || is_self(table, key) {
                continue;
            }
            let columns: Vec<String> = key.parent_columns.iter().map(|it| identifier(it)).collect();
            let present: Vec<String> = columns
                .iter()
                .map(|it| format!("{it} IS NOT NULL"))
                .collect();
            let query = format!(
                "SELECT {} FROM {} WHERE {} LIMIT 8",
                columns.join(", "),
                identifier(&key.parent),
                present.join(" AND ")
            );
            queries.push(((at, number), Query::new(query)));
        }
    }
    let mut parents = Parents::new();
    for (place, reply) in db.ask(queries).await? {
        if let Some(rows) = if_accepted(reply.of_any_width())? {
            parents.insert(place, rows);
        }
    }
    Ok(parents)
}

fn is_self(table: &Table, key: &ForeignKey) -> bool {
    key.parent.eq_ignore_ascii_case(&table.shape.name)
}

/// Asks for the values of the columns that constraints connect.
async fn solve(db: &Db, plans: &mut [Plan<'_>]) -> Result<(), DbError> {
    let mut queries = Vec::new();
    for (at, plan) in plans.iter().enumerate() {
        for (number, group) in plan.groups.iter().enumerate() {
            queries.push(((at, number), group.query(plan.table)));
        }
    }
    for ((at, number), reply) in db.ask(queries).await? {
        let rows = if_accepted(reply.of_any_width())?.unwrap_or_default();
        let plan = &mut plans[at];
        plan.groups[number].solve(plan.table, rows);
    }
    Ok(())
}

/// How one table is filled.
struct Plan<'a> {
    table: &'a Table,
    literals: &'a Literals,
    /// For each foreign key the keys of its parent's rows.
    parents: Vec<Option<&'a Rows>>,
    groups: Vec<Group<'a>>,
}

impl<'a> Plan<'a> {
    fn new(table: &'a Table, at: usize, parents: &'a Parents, literals: &'a Literals) -> Plan<'a> {
        let keys = &table.shape.foreign_keys;
        let parents: Vec<Option<&Rows>> = (0..keys.len())
            .map(|number| parents.get(&(at, number)).filter(|rows| !rows.is_empty()))
            .collect();
        let given = |column: usize| {
            let (number, _) = keys
                .iter()
                .enumerate()
                .find(|(number, key)| key.columns == [column] && parents[*number].is_some())?;
            let rows = parents[number]?;
            Some(rows.iter().filter_map(|row| row.first().cloned()).collect())
        };
        Plan {
            table,
            literals,
            groups: groups(table, literals, given),
            parents,
        }
    }

    fn names_of_parents(&self) -> Vec<String> {
        let keys = self.table.shape.foreign_keys.iter();
        keys.map(|key| key.parent.to_ascii_lowercase()).collect()
    }

    /// The values of row `row`, by column. Rows beyond those of the table are combinations that are tried after these.
    fn row(&self, row: usize) -> Vec<Option<Value>> {
        let table = self.table;
        let kind = row % ROWS;
        let mut values: Vec<Option<Value>> = vec![None; table.shape.columns.len()];
        for group in &self.groups {
            for (column, value) in group.values(table, row) {
                values[column] = Some(value);
            }
        }
        let mut keys: Vec<usize> = (0..table.shape.foreign_keys.len()).collect();
        keys.sort_by_key(|number| {
            std::cmp::Reverse(table.shape.foreign_keys[*number].columns.len())
        });
        // Further rows go through the combinations of parents.
        let mut rest = row / ROWS;
        for number in keys {
            rest = self.refer(number, row, rest, &mut values);
        }
        for column in table.written() {
            if values[column].is_none() {
                values[column] = Some(match is_null_in(table, column, kind) {
                    true => Value::Null,
                    false => typical(table, column, self.number(column, row), self.literals),
                });
            }
        }
        values
    }

    fn number(&self, column: usize, row: usize) -> usize {
        match row < ROWS || !self.table.keys.contains(&column) {
            true => number_in(self.table, column, row % ROWS),
            false => row,
        }
    }

    /// Sets the columns of a foreign key in row `row`; returns what is left of `rest` for the next one.
    fn refer(&self, number: usize, row: usize, rest: usize, values: &mut [Option<Value>]) -> usize {
        let table = self.table;
        let key = &table.shape.foreign_keys[number];
        let kind = row % ROWS;
        let is_free = |column: &usize| values[*column].is_none();
        let nullable = key
            .columns
            .iter()
            .copied()
            .find(|column| is_free(column) && takes_null(table, *column));
        if !key.columns.iter().any(is_free) {
            return rest;
        }
        let nothing = |values: &mut [Option<Value>]| {
            if let Some(column) = nullable {
                values[column] = Some(Value::Null);
            }
        };
        let number_in_row = key
            .columns
            .iter()
            .map(|column| self.number(*column, row))
            .max()
            .unwrap_or(row);
        if key
            .columns
            .iter()
            .any(|column| is_null_in(table, *column, kind))
            && nullable.is_some()
        {
            nothing(values);
            return rest;
        }
        let Some(rows) = self.parents[number] else {
            match nullable {
                Some(_) if is_self(table, key) && kind == REFERS => self.predict(key, 0, values),
                Some(_) => nothing(values),
                // The rows of the parent come later, or with this one.
                None => self.predict(key, number_in_row, values),
            }
            return rest;
        };
        let agrees = |parent: &&Vec<Value>| {
            key.columns
                .iter()
                .zip(parent.iter())
                .all(|(column, value)| values[*column].as_ref().is_none_or(|it| it == value))
        };
        let fitting: Vec<&Vec<Value>> = rows.iter().filter(agrees).collect();
        if fitting.is_empty() {
            nothing(values);
            return rest;
        }
        let parent = fitting[(number_in_row + rest) % fitting.len()];
        for (column, value) in key.columns.iter().zip(parent) {
            values[*column] = Some(value.clone());
        }
        rest / fitting.len()
    }

    /// The key that a row of this number will have in the parent.
    fn predict(&self, key: &ForeignKey, number: usize, values: &mut [Option<Value>]) {
        for (at, column) in key.columns.iter().enumerate() {
            if values[*column].is_some() {
                continue;
            }
            let own = key
                .parent_columns
                .get(at)
                .filter(|_| is_self(self.table, key));
            let own = own.and_then(|name| self.table.shape.column(name));
            values[*column] = Some(match own {
                Some(own) => typical(self.table, own, number, self.literals),
                // Most keys are integers, and those are the same in each table.
                _ => match self.table.shape.columns[*column].affinity {
                    Affinity::Text => typical(self.table, *column, number, self.literals),
                    _ => Value::Integer(self.literals.key(number)),
                },
            });
        }
    }

    /// The statement that inserts these rows.
    fn statement(
        &self,
        verb: &str,
        rows: impl Iterator<Item = Vec<Option<Value>>>,
        condition: &str,
    ) -> String {
        let shape = &self.table.shape;
        let mut names: Vec<String> = self
            .table
            .written()
            .map(|column| identifier(&shape.columns[column].name))
            .collect();
        // The rowid tells generated rows from others.
        let rowid = match shape.rowid == RowId::Has && shape.integer_key().is_none() {
            true => ["rowid", "_rowid_", "oid"]
                .into_iter()
                .find(|name| shape.column(name).is_none()),
            false => None,
        };
        names.extend(rowid.map(str::to_owned));
        let mut selects = Vec::new();
        for (number, row) in rows.enumerate() {
            let mut values: Vec<String> = self
                .table
                .written()
                .map(|column| row[column].as_ref().map_or("NULL".to_owned(), literal))
                .collect();
            if rowid.is_some() {
                values.push(match condition {
                    "" => self.literals.key(number).to_string(),
                    // The next one, as earlier tries may have been accepted.
                    _ => format!(
                        "{} + {} * (SELECT count(*) FROM {})",
                        self.literals.base(),
                        super::literals::STRIDE,
                        identifier(&shape.name)
                    ),
                });
            }
            selects.push(format!("SELECT {}{condition}", values.join(", ")));
        }
        format!(
            "{verb} INTO {} ({}) {}",
            identifier(&shape.name),
            names.join(", "),
            selects.join(" UNION ALL ")
        )
    }

    /// Tries further combinations until the table has rows enough. The reason where it takes none of them.
    async fn search(&mut self, db: &Db) -> Result<Option<String>, DbError> {
        solve(db, std::slice::from_mut(self)).await?;
        let few = format!(
            " WHERE (SELECT count(*) FROM {}) < {}",
            identifier(&self.table.shape.name),
            ROWS
        );
        let mut tries: Vec<String> = (0..TRIES)
            .map(|row| self.statement("INSERT OR IGNORE", std::iter::once(self.row(row)), &few))
            .collect();
        // What an `INSERT OR IGNORE` does not ignore ends the run of statements.
        for _ in 0..ERRORS {
            let Some((at, _)) = run(db, &tries, Atomicity::Bare, ForeignKeys::On).await? else {
                break;
            };
            tries.drain(..=at);
        }
        if rows_of(db, &[self.table]).await? != [0] {
            return Ok(None);
        }
        let one = self.statement("INSERT OR ABORT", std::iter::once(self.row(0)), "");
        let stopped = run(db, &[one], Atomicity::Bare, ForeignKeys::On).await?;
        Ok(match stopped {
            Some((_, error)) => Some(error.message),
            None if rows_of(db, &[self.table]).await? != [0] => None,
            None => Some("a trigger removes or ignores each row".to_owned()),
        })
    }
}

/// Runs each statement, whether or not others fail.
async fn run_each(db: &Db, mut statements: &[String]) -> Result<(), DbError> {
    while let Some((at, _)) = run(db, statements, Atomicity::Bare, ForeignKeys::On).await? {
        statements = statements.get(at + 1..).unwrap_or_default();
    }
    Ok(())
}

/// Runs statements of our own until one fails: which one, and why.
pub(super) async fn run(
    db: &Db,
    statements: &[String],
    atomicity: Atomicity,
    foreign_keys: ForeignKeys,
) -> Result<Option<(usize, EngineError)>, DbError> {
    let transaction = Transaction {
        foreign_keys,
        atomicity,
        steps: statements
            .iter()
            .map(|sql| Step::own(sql.as_str(), vec![]))
            .collect(),
    };
    match db.run(vec![transaction], Arc::new(|_| {})).await {
        Ok(_) => Ok(None),
        Err(Failure::Open(error)) => Err(error),
        Err(Failure::Lost(error)) => Err(error.into()),
        Err(Failure::Step { at, error, .. }) => match at {
            At::Begin => Err(DbError::Read(error)),
            At::Step(at) => Ok(Some((at, error))),
            At::Commit => Ok(Some((statements.len(), error))),
        },
    }
}
