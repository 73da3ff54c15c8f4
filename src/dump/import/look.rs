//! Looks at the database of an import: what is there before it, and whether all of it is there after it. It never writes.

use super::clash::{OBJECTS, There, Wanted};
use super::error::{Orphan, Why};
use super::tally::{Before, Table, Tally};
use super::translate::{CHECKPOINT, LeftOut, Translator};
use super::{Job, Triggers, Verify};
use crate::db::{self, Db, DbError, Query};
use crate::dump::Mark;
use crate::sql::{Value, gives_way};

/// How many rows without their parents are shown.
pub(super) const SHOWN: usize = 20;

/// What an import has written.
pub(super) struct Done {
    pub(super) tally: Tally,
    pub(super) translator: Translator,
    pub(super) wanted: Wanted,
    pub(super) end: Mark,
}

/// How the rows of a table compare with those that were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    /// There are as many.
    Same,
    /// Some gave way to others.
    GaveWay,
}

impl Table {
    /// Takes in how many rows of the dump the table was found to hold, and says whether some gave way to others, which is
    /// the case where the dump says `INSERT OR IGNORE` or `OR REPLACE`: the table is then among `conflicting`.
    ///
    /// # Errors
    /// [`Why::Count`] where the number is another one for no such reason.
    pub(super) fn compare(&mut self, found: u64, conflicting: &[String]) -> Result<Counted, Why> {
        self.verified = Some(true);
        if found == self.rows {
            return Ok(Counted::Same);
        }
        let may = conflicting
            .iter()
            .any(|name| name.eq_ignore_ascii_case(&self.name));
        if may && found < self.rows {
            self.rows = found;
            return Ok(Counted::GaveWay);
        }
        self.verified = Some(false);
        Err(Why::Count {
            table: self.name.clone(),
            written: self.rows,
            found,
        })
    }
}

/// What is in the database.
pub(super) async fn objects(job: &Job<'_>) -> Result<There, DbError> {
    let rows = job.db.rows(Query::new(OBJECTS)).await?;
    Ok(There::of(&rows, &job.modules, job.db.history_table()))
}

/// Counts the rows of those tables of the dump that are there.
pub(super) async fn count_there(
    db: &Db,
    there: &mut There,
    wanted: &Wanted,
) -> Result<(), DbError> {
    for (table, reply) in db.ask(there.counting(wanted)).await? {
        // A virtual table of a module that the engine lacks cannot be counted.
        if let Some(count) = db::if_accepted(reply.count())? {
            there.counted(table, count);
        }
    }
    Ok(())
}

/// Compares what the tables hold with what was written to them and was there before.
pub(super) async fn count(job: &Job<'_>, done: &mut Done) -> Result<(), Why> {
    if job.options.verify == Verify::Nothing {
        return Ok(());
    }
    let mut conflicting = done.translator.conflicting.clone();
    conflicting.extend(giving_way(job, &done.tally).await?);
    let mut gave_way = false;
    let questions = done.tally.tables.iter_mut().map(|table| {
        let question = Query::count(&table.name);
        (table, question)
    });
    for (table, reply) in job.db.ask(questions.collect::<Vec<_>>()).await? {
        let before = match table.before {
            Before::Absent | Before::Empty => 0,
            Before::Rows(rows) => rows,
        };
        let found = reply.count()?.saturating_sub(before);
        match table.compare(found, &conflicting) {
            Ok(counted) => gave_way |= counted == Counted::GaveWay,
            // They may write to any table.
            Err(Why::Count { .. }) if job.options.triggers == Triggers::Run => {
                table.verified = None;
            }
            // The checkpoint lets each part in once, so others have written there.
            Err(Why::Count { written, found, .. }) if found > written => {
                table.verified = None;
                table.of_others = found - written;
            }
            Err(why) => return Err(why),
        }
    }
    if gave_way {
        done.translator.left_out.push(LeftOut::Conflicts);
    }
    Ok(())
}

/// The tables of the database whose own constraints let rows give way to others.
async fn giving_way(job: &Job<'_>, tally: &Tally) -> Result<Vec<String>, DbError> {
    const TABLES: &str = "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND instr(lower(sql), 'conflict')";
    let is_there = |table: &Table| table.before != Before::Absent;
    if !tally.tables.iter().any(is_there) {
        return Ok(Vec::new());
    }
    let rows = job.db.rows::<2>(Query::new(TABLES)).await?;
    let tables = rows.iter().filter_map(|[name, sql]| {
        let name = name.as_str()?;
        gives_way(sql.as_str()?).then(|| name.to_owned())
    });
    Ok(tables.collect())
}

/// Rows of the dump's tables without their parents: <https://sqlite.org/pragma.html#pragma_foreign_key_check>.
pub(super) async fn orphans(job: &Job<'_>, tally: &Tally) -> Result<(u64, Vec<Orphan>), Why> {
    let asked = |what: &str, name: &str| Query {
        sql: format!("SELECT {what} FROM pragma_foreign_key_check(?1)"),
        args: vec![name.into()],
    };
    let names = tally.tables.iter().map(|table| table.name.as_str());
    let counts: Vec<_> = names.map(|name| (name, asked("count(*)", name))).collect();
    let (mut count, mut questions) = (0, Vec::new());
    for (name, reply) in job.db.ask(counts).await? {
        if let found @ 1.. = reply.count()? {
            count += found;
            let mut question = asked("\"table\", rowid, parent", name);
            question.sql.push_str(&format!(" LIMIT {SHOWN}"));
            questions.push((name, question));
        }
    }
    let mut orphans = Vec::new();
    for (_, reply) in job.db.ask(questions).await? {
        orphans.extend(reply.rows::<3>()?.iter().map(|row| orphan(row)));
    }
    orphans.truncate(SHOWN);
    Ok((count, orphans))
}

/// Refuses a database with rows that lack their parents, which an import of its dump would refuse at the end. A server
/// may need too long for an answer; then that end decides.
pub(in crate::dump) async fn refuse_orphans_of(db: &Db) -> Result<(), Why> {
    let count = Query::new("SELECT count(*) FROM pragma_foreign_key_check");
    let some = Query::new(format!(
        "SELECT \"table\", rowid, parent FROM pragma_foreign_key_check LIMIT {SHOWN}"
    ));
    let (checkpoint, [count, some]) = match db.ask((db::exists(CHECKPOINT), [count, some])).await {
        Ok(replies) => replies,
        Err(error) if db.path().is_some() => return Err(error.into()),
        Err(_) => return Ok(()),
    };
    // What is half there is no source, and its export says so.
    if !checkpoint.rows::<1>()?.is_empty() {
        return Ok(());
    }
    match count.count() {
        Ok(0) => Ok(()),
        Ok(count) => Err(Why::ForeignKeys {
            count,
            some: some.rows::<3>()?.iter().map(|row| orphan(row)).collect(),
        }),
        Err(DbError::Read(error)) => match Why::checking(error, &Wanted::default()) {
            why if why.is_mismatch() || db.path().is_some() => Err(why),
            _ => Ok(()),
        },
        Err(error) => Err(error.into()),
    }
}

pub(super) fn orphan(row: &[Value]) -> Orphan {
    let text = |at: usize| {
        let text = row.get(at).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    };
    Orphan {
        table: text(0),
        rowid: row.get(1).and_then(Value::as_i64),
        parent: text(2),
    }
}
