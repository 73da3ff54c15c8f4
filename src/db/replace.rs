//! The content of a database file replaced by that of another one, in one transaction of the engine.
//!
//! The file itself stays: with its mode, its owner, its links and its place in a mounted folder. A rename over it would
//! leave every process that has the old file open with a file that has no name, and in WAL mode what such a process
//! commits would go to the log of the new one. A run that is killed leaves a journal or a log, with which the next
//! connection finds the old database or the new one, whole.
//!
//! It is never done while another connection uses the file: in WAL mode every open connection holds a lock, with a
//! rollback journal one that reads or writes. An idle connection of the second kind holds none, and finds the new
//! content with its next statement.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use super::local::{File, LOCK_SLICE};
use super::own_thread::on_own_thread;
use super::{Access, Code, DbError, EngineError, Options, Raw};
use crate::sql::ValueRef;

/// How often a process that waits for the file tries again.
const TRY_AGAIN: Duration = Duration::from_millis(50);

/// What may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Replaces {
    /// A database without a page.
    Nothing,
    /// Whatever is in it.
    Everything,
}

/// Waits until no other connection uses the file, and lets go of it again.
///
/// # Errors
/// [`DbError::InUse`] after the lock timeout; [`DbError::Replace`].
pub async fn wait_until_unused(path: &Path, options: &Options) -> Result<(), DbError> {
    locked(path, options).await.map(drop)
}

/// Sets up an empty file as the database is that it is to replace: what belongs to the file and is not in its tables.
///
/// # Errors
/// Those of [`super::Db::query`] for the old one; [`DbError::Replace`] for the new one.
pub async fn inherit(old: &super::Db, new: &Path) -> Result<(), DbError> {
    use super::Query;
    use crate::sql::Value;
    // In this order: the first three hold for a database without a page only.
    const PRAGMAS: [&str; 5] = [
        "page_size",
        "encoding",
        "auto_vacuum",
        "application_id",
        "user_version",
    ];
    let queries = PRAGMAS.map(|pragma| (pragma, Query::new(format!("PRAGMA {pragma}"))));
    let replies = old.ask(Vec::from(queries)).await?;
    let raw = open(new, Access::Create).await?;
    for (pragma, reply) in replies {
        let value = match reply.row()? {
            [Value::Integer(number)] => number.to_string(),
            [Value::Text(text)] => crate::sql::text(&text),
            _ => continue,
        };
        raw.execute(&format!("PRAGMA {pragma} = {value}"))
            .map_err(cannot_replace(new))?;
    }
    // The encoding is written with the first table.
    for sql in ["CREATE TABLE first (x)", "DROP TABLE first"] {
        raw.execute(sql).map_err(cannot_replace(new))?;
    }
    Ok(())
}

/// Replaces what `place` holds by what `with` does, which no other connection uses.
pub(super) async fn replace(
    place: &Path,
    with: &Path,
    replaces: Replaces,
    options: &Options,
) -> Result<(), DbError> {
    let new = open(with, Access::Write).await?;
    let old = locked(place, options).await?;
    let path = place.to_path_buf();
    let work = on_own_thread(move || {
        let failed = || cannot_replace(&path);
        if replaces == Replaces::Nothing && number(&old, "page_count").map_err(failed())? > 0 {
            return Err(DbError::Appeared(path.clone()));
        }
        copy(&old, &new).map_err(failed())
    });
    work.await??;
    // The connection that held it alone leaves the `-shm` of one that died. Whether another one has it open by now is
    // all the same.
    let _ = close(place).await;
    Ok(())
}

/// Opens a database and closes it again: the last connection that could write puts the log into the file, and removes
/// it.
pub(super) async fn close(path: &Path) -> Result<(), DbError> {
    let raw = open(path, Access::Write).await?;
    let work = on_own_thread(move || raw.execute("SELECT 1 FROM sqlite_schema"));
    work.await?.map_err(cannot_replace(path))
}

/// Copies a database into one that no other connection can use. It keeps its journal mode.
fn copy(old: &Raw, new: &Raw) -> Result<(), EngineError> {
    let is_logged = "SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'";
    let pages_differ = number(old, "page_size")? != number(new, "page_size")?;
    // With a log, the engine cannot change the size of the pages: a migration may have.
    if pages_differ && first(old, is_logged)? == 1 {
        old.execute("PRAGMA journal_mode = DELETE")?;
        old.copy_from(new)?;
        return old.execute("PRAGMA journal_mode = WAL");
    }
    old.copy_from(new)
}

fn number(raw: &Raw, pragma: &str) -> Result<i64, EngineError> {
    first(raw, &format!("PRAGMA {pragma}"))
}

fn first(raw: &Raw, sql: &str) -> Result<i64, EngineError> {
    let mut found = 0;
    raw.prepare(sql)?.rows([], |row| {
        if let ValueRef::Integer(number) = row.value(0) {
            found = number;
        }
        ControlFlow::Break(())
    })?;
    Ok(found)
}

/// A connection that has the file for itself.
async fn locked(path: &Path, options: &Options) -> Result<Raw, DbError> {
    let begun = Instant::now();
    loop {
        let raw = open(path, Access::Write).await?;
        let work = on_own_thread(move || {
            raw.busy_timeout(LOCK_SLICE);
            // From the first lock on, none is given back.
            raw.execute("PRAGMA locking_mode = EXCLUSIVE")?;
            raw.execute("BEGIN EXCLUSIVE")?;
            raw.execute("ROLLBACK")?;
            Ok(raw)
        });
        // A connection that failed is closed: the lock that it may have would keep another one from ending.
        match work.await? {
            Err(EngineError {
                code: Code::Busy, ..
            }) => {}
            done => return done.map_err(cannot_replace(path)),
        }
        if begun.elapsed() >= options.lock_timeout {
            return Err(DbError::InUse {
                path: path.to_path_buf(),
                waited: options.lock_timeout,
            });
        }
        tokio::select! {
            () = tokio::time::sleep(TRY_AGAIN) => {}
            () = options.stop.raised() => return Err(DbError::Read(EngineError::interrupted())),
        }
    }
}

async fn open(path: &Path, access: Access) -> Result<Raw, DbError> {
    let raw = Raw::open(File::new(path)?.name(), access).await;
    raw.map_err(|source| DbError::Open {
        path: path.to_path_buf(),
        source,
    })
}

fn cannot_replace(path: &Path) -> impl FnOnce(EngineError) -> DbError {
    let path = path.to_path_buf();
    move |source| match source.code {
        Code::Interrupted => DbError::Read(source),
        _ => DbError::Replace { path, source },
    }
}
