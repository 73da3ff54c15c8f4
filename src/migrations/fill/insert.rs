//! Inserting generated rows: parents before children, and the engine decides which rows a table accepts.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Unfilled;
use super::candidates::{Keys, ORDER, ROWS};
use super::literals::Literals;
use super::plan::{Parents, Plan, is_self};
use super::table::Table;
use super::variations::{Focus, variations};
use crate::db::{At, Db, DbError, EngineError, Failure, Query, Transaction, if_accepted};
use crate::script::{Atomicity, ForeignKeys, Step};
use crate::sql::{Value, identifier};

/// What came of filling.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Names of tables that hold generated rows now.
    pub(super) filled: Vec<String>,
    /// Those of them whose rows have keys that files write or look for: the constraints allow no others.
    pub(super) held: Vec<String>,
    /// Tables without a row.
    pub(super) unfilled: Vec<Unfilled>,
}

/// How many rows are tried for a table that does not take typical ones.
const TRIES: usize = 64;

/// How many of those may fail with an error, which ends a run of statements.
const ERRORS: usize = 12;

/// Fills these empty tables. Where a table takes only keys that files write, it gets them if it is in `first`, by names in
/// lower case; the others, which are new, stay empty.
pub(super) async fn fill(
    db: &Db,
    literals: &Literals,
    focus: &Focus,
    tables: Vec<Table>,
    first: &HashSet<String>,
) -> Result<Outcome, DbError> {
    let (levels, circle) = levels(&tables);
    let mut filling = Filling {
        db,
        literals,
        focus,
        first,
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
    focus: &'a Focus,
    first: &'a HashSet<String>,
    outcome: Outcome,
}

impl Filling<'_> {
    /// Inserts the typical rows; returns the tables that did not take two of them.
    async fn typical<'t>(&mut self, level: Vec<&'t Table>) -> Result<Vec<&'t Table>, DbError> {
        let parents = parents(self.db, &level).await?;
        let plans = plans(self.db, self.literals, &level, &parents).await?;
        let statements = plans.iter().map(|plan| {
            let rows = ORDER.into_iter().map(|row| plan.row(row));
            plan.statement("INSERT OR IGNORE", rows, "")
        });
        run_each(self.db, &statements.collect::<Vec<_>>()).await?;
        let open = self.sorted(level).await?;
        let is_open = |table: &Table| open.iter().any(|it| it.shape.name == table.shape.name);
        let focused = plans
            .iter()
            .filter(|plan| self.focus.is_on(plan.table) && !is_open(plan.table));
        let statements = focused.flat_map(|plan| {
            let rows = variations(plan, self.focus).into_iter();
            rows.map(|row| plan.numbered("INSERT OR IGNORE", std::iter::once(row), ""))
        });
        run_each(self.db, &statements.collect::<Vec<_>>()).await?;
        Ok(open)
    }

    /// Counts the tables that have rows now as filled, and returns the others. One row may be all that a table takes.
    async fn sorted<'t>(&mut self, tables: Vec<&'t Table>) -> Result<Vec<&'t Table>, DbError> {
        let mut open = Vec::new();
        let rows = rows_of(self.db, &tables).await?;
        for (table, rows) in tables.into_iter().zip(rows) {
            match rows {
                0 | 1 => open.push(table),
                _ => self.outcome.filled.push(table.shape.name.clone()),
            }
        }
        Ok(open)
    }

    /// Inserts rows that refer to each other in one transaction, at the end of which foreign keys are checked: all rows, or
    /// where that is refused, one of each table at a time. Returns the tables that did not take two of them.
    async fn deferred<'t>(&mut self, open: Vec<&'t Table>) -> Result<Vec<&'t Table>, DbError> {
        if !self.circle(&open, &ORDER).await? {
            for row in ORDER.chunks(1) {
                self.circle(&open, row).await?;
            }
        }
        self.sorted(open).await
    }

    /// Inserts these rows of each table, and says whether that was accepted.
    async fn circle(&self, open: &[&Table], rows: &[usize]) -> Result<bool, DbError> {
        let mut parents = parents(self.db, open).await?;
        let first = plans(self.db, self.literals, open, &parents).await?;
        let planned = planned_keys(&first, rows);
        drop(first);
        for (place, keys) in planned {
            let known = parents.entry(place).or_default();
            if known.is_empty() {
                *known = keys;
            }
        }
        let plans = plans(self.db, self.literals, open, &parents).await?;
        let mut steps = vec!["PRAGMA defer_foreign_keys = ON".to_owned()];
        steps.extend(plans.iter().map(|plan| {
            let rows = rows.iter().map(|row| plan.row(*row));
            plan.statement("INSERT OR IGNORE", rows, "")
        }));
        let stopped = run(self.db, &steps, Atomicity::Transaction, ForeignKeys::On).await?;
        Ok(stopped.is_none())
    }

    /// Tries further rows for each of these tables.
    async fn search(&mut self, open: Vec<&Table>) -> Result<(), DbError> {
        for table in open {
            let level = [table];
            let parents = parents(self.db, &level).await?;
            let plan = Plan::new(table, 0, &parents, self.literals, Keys::Clear);
            let keys = table.shape.foreign_keys.iter().enumerate();
            // A parent that exists has an answer, if it has no rows.
            let mut others = keys.filter(|(_, key)| !is_self(table, key));
            let lacks_a_parent = others.any(|(number, _)| !parents.contains_key(&(0, number)));
            let refers_to_none = lacks_a_parent && plan.may_refer_to_none();
            let mut reason = search(self.db, plan, ForeignKeys::On).await?;
            // While a parent does not exist, the engine refuses every row; without foreign keys it takes one that refers to
            // none.
            if reason.is_some() && refers_to_none {
                let plan = Plan::new(table, 0, &parents, self.literals, Keys::Clear);
                let without = search(self.db, plan, ForeignKeys::Off).await?;
                match has_orphans(self.db, table).await? {
                    true => empty(self.db, table).await?,
                    false => reason = without,
                }
            }
            let name = table.shape.name.clone();
            if reason.is_some() {
                let plan = Plan::new(table, 0, &parents, self.literals, Keys::Any);
                let taken = search(self.db, plan, ForeignKeys::On).await?;
                match (taken, self.first.contains(&name.to_ascii_lowercase())) {
                    (None, true) => {
                        self.outcome.held.push(name.clone());
                        reason = None;
                    }
                    // Its rows are those of the files.
                    (None, false) => {
                        empty(self.db, table).await?;
                        continue;
                    }
                    (Some(_), _) => {}
                }
            }
            match reason {
                None => self.outcome.filled.push(name),
                Some(reason) => {
                    let parents = table.shape.foreign_keys.iter();
                    let parents = parents.map(|key| key.parent.to_ascii_lowercase());
                    self.outcome.unfilled.push(Unfilled {
                        table: name,
                        reason,
                        parents: parents.collect(),
                    });
                }
            }
        }
        Ok(())
    }
}

/// The keys that these rows will have in the tables that others of these refer to.
fn planned_keys(plans: &[Plan<'_>], rows: &[usize]) -> Parents {
    let mut planned = Parents::new();
    for (at, plan) in plans.iter().enumerate() {
        for (number, key) in plan.table.shape.foreign_keys.iter().enumerate() {
            let is_parent =
                |other: &&Plan<'_>| other.table.shape.name.eq_ignore_ascii_case(&key.parent);
            let parent = plans.iter().find(is_parent);
            let Some(parent) = parent.filter(|_| !is_self(plan.table, key)) else {
                continue;
            };
            let columns = key.parent_columns.iter();
            let columns: Vec<usize> = columns
                .filter_map(|name| parent.table.shape.column(name))
                .collect();
            if columns.len() != key.columns.len() {
                continue;
            }
            let keys = rows.iter().filter_map(|row| {
                let values = parent.row(*row);
                columns
                    .iter()
                    .map(|column| values[*column].clone())
                    .collect()
            });
            planned.insert((at, number), keys.collect());
        }
    }
    planned
}

/// Whether rows of a table refer to rows that do not exist, or that cannot be asked.
async fn has_orphans(db: &Db, table: &Table) -> Result<bool, DbError> {
    let query = Query {
        sql: "SELECT count(*) FROM pragma_foreign_key_check(?1)".to_owned(),
        args: vec![table.shape.name.as_str().into()],
    };
    let mut answers = db.query(vec![query]).await?;
    let found = answers.pop().and_then(Result::ok);
    Ok(found.is_none_or(|rows| rows != [[Value::Integer(0)]]))
}

async fn empty(db: &Db, table: &Table) -> Result<(), DbError> {
    let delete = format!("DELETE FROM {}", identifier(&table.shape.name));
    run(db, &[delete], Atomicity::Bare, ForeignKeys::Off).await?;
    Ok(())
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
        .map(|(at, table)| Plan::new(table, at, parents, literals, Keys::Clear))
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

/// Tries further combinations until the table has rows enough. The reason where it takes none of them.
async fn search(
    db: &Db,
    mut plan: Plan<'_>,
    foreign_keys: ForeignKeys,
) -> Result<Option<String>, DbError> {
    solve(db, std::slice::from_mut(&mut plan)).await?;
    let few = format!(
        " WHERE (SELECT count(*) FROM {}) < {}",
        identifier(&plan.table.shape.name),
        ROWS
    );
    let mut tries: Vec<String> = (0..TRIES)
        .map(|row| plan.statement("INSERT OR IGNORE", std::iter::once(plan.row(row)), &few))
        .collect();
    // What an `INSERT OR IGNORE` does not ignore ends the run of statements.
    for _ in 0..ERRORS {
        let Some((at, _)) = run(db, &tries, Atomicity::Bare, foreign_keys).await? else {
            break;
        };
        tries.drain(..=at);
    }
    if rows_of(db, &[plan.table]).await? != [0] {
        return Ok(None);
    }
    let one = plan.statement("INSERT OR ABORT", std::iter::once(plan.row(0)), "");
    let stopped = run(db, &[one], Atomicity::Bare, foreign_keys).await?;
    Ok(match stopped {
        Some((_, error)) => Some(error.message),
        None if rows_of(db, &[plan.table]).await? != [0] => None,
        None => Some("a trigger removes or ignores each row".to_owned()),
    })
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
