//! Whether the engine takes the rows that a run would write. The statements of the run are tried in memory, on the tables of
//! the database with the rows that they are about. The database itself is only read: it is not locked and not written.
//!
//! CHECK constraints and triggers that name no table need the written rows alone. Triggers that name tables or see rows
//! deleted, and unique indexes of expressions or of some rows, need all rows of these tables. Where a table has more than
//! [`MOST_ROWS`], such triggers are left out, and such indexes compare the written rows only.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use super::changes::{SeedPlan, What};
use super::pass::{plain, scan};
use super::refused::{by_place, problem, refused};
use super::seen::Seen;
use super::there::There;
use crate::db::{Code, Db, DbError, Options, Query, Sink, StreamedRow, Transaction};
use crate::diagnostic::Diagnostic;
use crate::history::{Failed, Part};
use crate::schema::{ColumnKind, Shape, TableKind, TableShape};
use crate::script::{Atomicity, ForeignKeys, Record, Revision, Run, Script, Step, StepList, Unit};
use crate::sql::{Token, Value, check_constraints, identifier, significant, unquote};

/// Tables with more rows are not copied whole.
const MOST_ROWS: usize = 5000;

const OBJECTS: &str = "\
SELECT type, tbl_name, sql FROM sqlite_schema \
WHERE sql <> '' AND type IN ('table', 'index', 'trigger')";

/// What `seed` would report of rows that the engine refuses, up to `most` of them; none where it refuses nothing. Nothing is
/// tried where no table that the plan writes has a constraint that only the engine evaluates, nor where the tables cannot be
/// made in memory: with a function that only the application has.
///
/// # Errors
/// As [`Db::query`].
pub(super) async fn rehearse(
    db: &Db,
    seen: &Seen,
    plan: &SeedPlan,
    most: usize,
) -> Result<Option<Vec<Diagnostic>>, DbError> {
    let Some(script) = &plan.script else {
        return Ok(None);
    };
    let tables = |is: fn(&What) -> bool| {
        let changes = plan.files.iter().flat_map(|file| &file.changes);
        let changes = changes.filter(|it| is(&it.what));
        changes
            .filter_map(|it| seen.shape.position(&it.table))
            .collect()
    };
    let written: BTreeSet<usize> = tables(|_| true);
    let emptied: BTreeSet<usize> = tables(|what| *what == What::Delete);
    if written.is_empty() {
        return Ok(None);
    }
    let objects: Vec<[Value; 3]> = db.rows(Query::new(OBJECTS)).await?;
    let schema = Schema::read(&objects, &seen.shape);
    if !written.iter().any(|table| schema.guards(*table)) {
        return Ok(None);
    }
    let reached = schema.reached(&written);
    let mut whole = BTreeMap::new();
    for table in schema.needed_whole(&written, &emptied, &reached) {
        if let Some(rows) = read(db, &seen.shape.tables[table]).await? {
            whole.insert(table, rows);
        }
    }
    let (triggers, unsure) = schema.copied(&reached, &|table| whole.contains_key(&table));
    let tables: BTreeSet<usize> = reached.iter().chain(whole.keys()).copied().collect();
    let mut steps = StepList::default();
    let mut push = |sql: &str| steps.push(Step::own(sql.to_owned(), Vec::new()));
    // What is there was accepted.
    push("PRAGMA ignore_check_constraints = ON");
    schema.tables_of(&tables).for_each(&mut push);
    for (table, values) in rows(seen, plan, &whole) {
        steps.push(insert(&seen.shape.tables[table], values));
    }
    let mut push = |sql: &str| steps.push(Step::own(sql.to_owned(), Vec::new()));
    schema.indexes_of(&tables).for_each(&mut push);
    triggers.iter().for_each(|it| push(it.sql));
    push("PRAGMA ignore_check_constraints = OFF");
    let options = Options {
        stop: db.stop().clone(),
        ..Options::default()
    };
    let copy = Db::memory(options).await?;
    let made = Transaction {
        foreign_keys: ForeignKeys::Unchecked,
        atomicity: Atomicity::Transaction,
        steps,
    };
    if copy.run(vec![made], Arc::new(|_| {})).await.is_err() {
        return Ok(None);
    }
    let script = without_records(script);
    let failed = refused(&copy, script, &Run::new("rehearsal"), most).await?;
    let counts = |failed: &&Failed| {
        let Part::Step(step) = &failed.part else {
            return false;
        };
        let table = table_of(&step.sql).and_then(|name| seen.shape.position(&name));
        // Whether a value may be NULL was looked at before; here a row may be missing.
        failed.failure.code() == Some(Code::Constraint)
            && !failed.to_string().contains("NOT NULL constraint")
            && table.is_some_and(|table| !unsure.contains(&table))
    };
    let rows = by_place(failed.iter().filter(counts));
    let problems = rows.iter().filter_map(problem);
    Ok((!failed.is_empty()).then(|| problems.collect()))
}

/// The statements of a run that write rows of files.
fn without_records(script: &Script) -> Script {
    let steps = script.units.iter().flat_map(|unit| unit.steps.iter());
    let steps = steps.filter(|step| step.is_written()).cloned();
    Script {
        expects: Revision::NONE,
        // Parents were asked for in the database.
        foreign_keys: ForeignKeys::Unchecked,
        atomicity: Atomicity::Transaction,
        units: vec![Unit {
            record: Record::Mark("rehearsal".to_owned()),
            steps: Arc::new(steps.collect()),
        }],
    }
}

/// The rows that the copy begins with: those of whole tables, and of others those that are updated.
fn rows<'a>(
    seen: &'a Seen,
    plan: &'a SeedPlan,
    whole: &'a BTreeMap<usize, Vec<Vec<Value>>>,
) -> impl Iterator<Item = (usize, There<'a>)> {
    let changes = plan.files.iter().flat_map(|file| &file.changes);
    let updated = changes.filter(|it| matches!(it.what, What::Update(_)));
    let updated: HashSet<(&str, &str)> = updated.map(|it| (&*it.table, &*it.label)).collect();
    let declared = seen.rows.rows.iter().enumerate();
    let updated = declared.filter_map(move |(at, row)| {
        let rules = seen.rows.rules(row);
        let is_updated = updated.contains(&(&*rules.name, &*row.label));
        (is_updated && !whole.contains_key(&rules.table))
            .then(|| Some((rules.table, seen.found.row(&seen.rows, at)?)))?
    });
    let all = |(table, rows): (&usize, &'a Vec<Vec<Value>>)| {
        let table = *table;
        rows.iter().map(move |row| (table, There::Whole(row)))
    };
    whole.iter().flat_map(all).chain(updated)
}

fn insert(of: &TableShape, row: There<'_>) -> Step {
    let columns = of.columns.iter().zip(row.values());
    let plain = columns.filter(|(column, _)| column.origin == ColumnKind::Plain);
    let (names, values): (Vec<String>, Vec<Value>) = plain
        .map(|(column, value)| (identifier(&column.name), value.to_value()))
        .unzip();
    let sql = format!(
        "INSERT OR IGNORE INTO {} ({}) VALUES ({})",
        identifier(&of.name),
        names.join(", "),
        vec!["?"; names.len()].join(", "),
    );
    Step::own(sql, values)
}

/// The table that a statement of a run writes to.
fn table_of(sql: &str) -> Option<String> {
    const BEFORE: [&str; 5] = ["INSERT", "INTO", "UPDATE", "DELETE", "FROM"];
    let mut tokens = significant(sql);
    let name = tokens.find(|token| !BEFORE.iter().any(|word| token.is_word(sql, word)))?;
    Some(unquote(name.text(sql)))
}

/// The objects that the engine evaluates as it writes.
struct Schema<'a> {
    shape: &'a Shape,
    /// The text of each table.
    tables: BTreeMap<usize, &'a str>,
    indexes: Vec<(usize, &'a str)>,
    triggers: Vec<Trigger<'a>>,
}

struct Trigger<'a> {
    table: usize,
    sql: &'a str,
    is_before: bool,
    /// The tables and views that it names behind its own.
    names: BTreeSet<usize>,
}

impl<'a> Schema<'a> {
    fn read(objects: &'a [[Value; 3]], shape: &'a Shape) -> Schema<'a> {
        let mut schema = Schema {
            shape,
            tables: BTreeMap::new(),
            indexes: Vec::new(),
            triggers: Vec::new(),
        };
        for [kind, table, sql] in objects {
            let texts = (kind.as_str(), table.as_str(), sql.as_str());
            let (Some(kind), Some(table), Some(sql)) = texts else {
                continue;
            };
            let Some(table) = shape.position(table) else {
                continue;
            };
            match kind {
                "table" => drop(schema.tables.insert(table, sql)),
                "index" => schema.indexes.push((table, sql)),
                _ => schema.triggers.extend(Trigger::read(table, sql, shape)),
            }
        }
        schema
    }

    /// Whether the engine evaluates more than keys and types as it writes a row.
    fn guards(&self, table: usize) -> bool {
        let text = self.tables.get(&table);
        text.is_some_and(|sql| !check_constraints(sql).is_empty())
            || !self.shape.tables[table].conditional.is_empty()
            || self.triggers.iter().any(|it| it.table == table)
    }

    /// Written tables, and those that triggers lead to.
    fn reached(&self, written: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut reached = written.clone();
        loop {
            let names = self.triggers_of(&reached).flat_map(|it| &it.names);
            let more: Vec<usize> = names.filter(|it| !reached.contains(it)).copied().collect();
            if more.is_empty() {
                return reached;
            }
            reached.extend(more);
        }
    }

    /// Tables of which every row may count: those that triggers name, or from which rows are deleted that a trigger may
    /// keep, and those with an index of expressions or of some rows.
    fn needed_whole(
        &self,
        written: &BTreeSet<usize>,
        emptied: &BTreeSet<usize>,
        reached: &BTreeSet<usize>,
    ) -> BTreeSet<usize> {
        let has_index = |table: &&usize| !self.shape.tables[**table].conditional.is_empty();
        let indexed = written.iter().filter(has_index);
        let deleted = self.triggers_of(emptied).map(|it| &it.table);
        let named = self.triggers_of(reached).flat_map(|it| &it.names);
        let is_table = |table: &usize| self.shape.tables[*table].kind == TableKind::Ordinary;
        indexed
            .chain(named)
            .chain(deleted)
            .copied()
            .filter(is_table)
            .collect()
    }

    /// The triggers on reached tables that can be copied, since every row that they may see or change is there; and the
    /// tables in which the others may change what a statement meets.
    fn copied(
        &self,
        reached: &BTreeSet<usize>,
        is_whole: &dyn Fn(usize) -> bool,
    ) -> (Vec<&Trigger<'a>>, HashSet<usize>) {
        let mut copied: Vec<&Trigger<'a>> = self.triggers_of(reached).collect();
        let mut unsure = HashSet::new();
        loop {
            let is_known = |table: &usize| is_whole(*table) && !unsure.contains(table);
            let (known, left_out): (Vec<_>, Vec<_>) = copied
                .into_iter()
                .partition(|it| it.names.iter().all(is_known));
            copied = known;
            if left_out.is_empty() {
                return (copied, unsure);
            }
            for trigger in left_out {
                unsure.extend(trigger.is_before.then_some(trigger.table));
                let others = trigger.names.iter().filter(|it| **it != trigger.table);
                unsure.extend(others.copied());
            }
        }
    }

    fn triggers_of(&self, tables: &BTreeSet<usize>) -> impl Iterator<Item = &Trigger<'a>> {
        self.triggers.iter().filter(|it| tables.contains(&it.table))
    }

    fn tables_of(&self, tables: &BTreeSet<usize>) -> impl Iterator<Item = &'a str> {
        let is_table = |it: &&usize| self.shape.tables[**it].kind == TableKind::Ordinary;
        let tables = tables.iter().filter(is_table);
        tables.filter_map(|table| self.tables.get(table).copied())
    }

    fn indexes_of(&self, tables: &BTreeSet<usize>) -> impl Iterator<Item = &'a str> {
        let unique = |sql: &str| {
            significant(sql)
                .nth(1)
                .is_some_and(|it| it.is_word(sql, "UNIQUE"))
        };
        let of_these = self.indexes.iter().filter(|(it, _)| tables.contains(it));
        of_these.map(|(_, sql)| *sql).filter(move |sql| unique(sql))
    }
}

impl<'a> Trigger<'a> {
    fn read(table: usize, sql: &'a str, shape: &Shape) -> Option<Trigger<'a>> {
        let tokens: Vec<Token> = significant(sql).collect();
        // The word is reserved: before the name of the table no name is spelled like it.
        let on = tokens.iter().position(|token| token.is_word(sql, "ON"))?;
        let is_any = |words: &[&str]| {
            let is = |token: &Token| words.iter().any(|word| token.is_word(sql, word));
            tokens[..on].iter().any(is)
        };
        let is_of_row = |at: usize| {
            let row = |word| tokens[at - 2].is_word(sql, word);
            tokens[at - 1].text(sql) == "." && (row("NEW") || row("OLD"))
        };
        let behind = on + 2..tokens.len();
        let names = behind.filter(|at| !is_of_row(*at));
        Some(Trigger {
            table,
            sql,
            is_before: !is_any(&["AFTER", "INSTEAD"]),
            names: names
                .filter_map(|at| shape.position(&unquote(tokens[at].text(sql))))
                .collect(),
        })
    }
}

/// All rows of a table, of a width that has a place for every column; none where they are too many, or cannot be read.
async fn read(db: &Db, of: &TableShape) -> Result<Option<Vec<Vec<Value>>>, DbError> {
    let sink = Whole {
        of: of.clone(),
        rows: Vec::new(),
    };
    let read = match db.stream(vec![scan(of)], sink).await {
        Err(DbError::Read(_)) => return Ok(None),
        read => read?,
    };
    Ok((read.rows.len() <= MOST_ROWS).then_some(read.rows))
}

struct Whole {
    of: TableShape,
    rows: Vec<Vec<Value>>,
}

impl Sink for Whole {
    fn width(&self, _: usize) -> Option<usize> {
        Some(plain(&self.of).count())
    }

    fn row(&mut self, _: usize, row: StreamedRow<'_>) -> ControlFlow<()> {
        self.rows.push(super::pass::values(&self.of, &row));
        match self.rows.len() > MOST_ROWS {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    }
}
