//! The engine's own C interface: rows in and out by the million, and the only file with `unsafe`.
//!
//! The crate's `Statement` is asynchronous, copies each value on its way in and out, and cuts a text at a NUL character;
//! one row at a time through it reaches a third of what the engine can take, fifty at a time about half. This binds values where they lie, and
//! gives them where the engine keeps them: what the engine can take. A dump of a million rows of five columns is a new
//! file in 0.5 s, six to seven times as fast as through `sqlite3` (`cargo bench --bench import`). Everything here blocks: callers bring a thread.
//!
//! Why it is sound:
//! - A [`Raw`] owns its connection, is used by one thread at a time (`Send`, not `Sync`), and closes it when dropped. A
//!   [`Prepared`] borrows it, so no statement outlives its connection.
//! - Values are bound without a copy (`SQLITE_STATIC`), and [`Prepared::run`] and [`Prepared::rows`] unbind them before
//!   they return, so that the engine never keeps a pointer to what the caller may drop.
//! - What [`Row`] lends lives until the next step, which needs the row to be gone.
//!
//! The rules are those of <https://sqlite.org/c3ref/intro.html>.

#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::ptr;
use std::time::Duration;

use libsql::ffi;

use super::{Code, EngineError};
use crate::sql::ValueRef;

/// How a connection may use its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// It only reads.
    Read,
    /// It reads and writes what is there.
    Write,
    /// It makes the file where there is none.
    Create,
}

/// Whether what runs is to stop. It is asked every few thousand steps of the engine.
pub(crate) type Check = Box<dyn Fn() -> bool + Send>;

/// A connection of the engine.
pub(crate) struct Raw {
    handle: *mut ffi::sqlite3,
    /// The engine keeps its address until the connection is closed.
    check: Option<Box<Check>>,
}

impl std::fmt::Debug for Raw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Raw")
    }
}

// SAFETY: the engine is built for any thread (THREADSAFE=1), and the crate sets it up so, see `open`. A connection
// without a mutex of its own may go from thread to thread as long as one at a time uses it
// (https://sqlite.org/threadsafe.html), and this one is not `Sync`.
unsafe impl Send for Raw {}

impl Raw {
    /// Opens `name`: a path, or a URI that begins with `file:`.
    pub(crate) async fn open(name: &str, access: Access) -> Result<Raw, EngineError> {
        // The crate insists on setting the engine up, and does so with its first database.
        libsql::Builder::new_local(":memory:").build().await?;
        let flags = match access {
            Access::Read => ffi::SQLITE_OPEN_READONLY,
            Access::Write => ffi::SQLITE_OPEN_READWRITE,
            Access::Create => ffi::SQLITE_OPEN_READWRITE | ffi::SQLITE_OPEN_CREATE,
        };
        let name = CString::new(name)
            .map_err(|_| EngineError::new(Code::CannotOpen, "the path holds a NUL byte"))?;
        let mut raw = Raw {
            handle: ptr::null_mut(),
            check: None,
        };
        // SAFETY: both pointers are valid for the call; the handle is closed by `drop` even where this fails, as
        // https://sqlite.org/c3ref/open.html asks.
        let code = unsafe {
            ffi::sqlite3_open_v2(
                name.as_ptr(),
                &mut raw.handle,
                flags | ffi::SQLITE_OPEN_URI | ffi::SQLITE_OPEN_NOMUTEX,
                ptr::null(),
            )
        };
        if code != ffi::SQLITE_OK {
            return Err(raw.error(code));
        }
        // SAFETY: the handle is open.
        unsafe { ffi::sqlite3_extended_result_codes(raw.handle, 1) };
        Ok(raw)
    }

    /// How long the engine itself waits for a lock.
    pub(crate) fn busy_timeout(&self, wait: Duration) {
        let wait = c_int::try_from(wait.as_millis()).unwrap_or(c_int::MAX);
        // SAFETY: the handle is open.
        unsafe { ffi::sqlite3_busy_timeout(self.handle, wait) };
    }

    /// Interrupts statements once `check` says so: they fail with [`Code::Interrupted`].
    pub(crate) fn interrupted_by(&mut self, check: Check) {
        let check: *mut Check = &mut **self.check.insert(Box::new(check));
        // SAFETY: the handle is open, and closed before the box is dropped (`drop` runs before the fields go); a handler
        // that was there before is replaced: https://sqlite.org/c3ref/progress_handler.html.
        unsafe {
            ffi::sqlite3_progress_handler(self.handle, 4000, Some(interrupts), check.cast());
        }
    }

    /// Lets a database of the engine's `memdb` grow to this many bytes, for all of its connections; it begins with 1 GB.
    pub(crate) fn limit_memory(&self, bytes: i64) {
        let mut bytes = bytes;
        // SAFETY: the handle is open, the name ends with a NUL, and the argument is a 64-bit integer as
        // https://sqlite.org/c3ref/c_fcntl_begin_atomic_write.html#sqlitefcntlsizelimit asks.
        unsafe {
            ffi::sqlite3_file_control(
                self.handle,
                c"main".as_ptr(),
                ffi::SQLITE_FCNTL_SIZE_LIMIT,
                (&raw mut bytes).cast(),
            );
        }
    }

    /// Runs one statement to its end, and drops its rows.
    pub(crate) fn execute(&self, sql: &str) -> Result<(), EngineError> {
        self.prepare(sql)?.run([])
    }

    /// Compiles one statement.
    ///
    /// # Errors
    /// The engine's; and where there is no statement in `sql`, or more than one.
    pub(crate) fn prepare(&self, sql: &str) -> Result<Prepared<'_>, EngineError> {
        let length = c_int::try_from(sql.len())
            .map_err(|_| EngineError::new(Code::TooBig, "the statement is too long"))?;
        let mut statement = ptr::null_mut();
        let mut tail: *const c_char = ptr::null();
        // SAFETY: the text is valid for its length, and so are the pointers that are written to.
        let code = unsafe {
            ffi::sqlite3_prepare_v2(
                self.handle,
                sql.as_ptr().cast(),
                length,
                &mut statement,
                &mut tail,
            )
        };
        if code != ffi::SQLITE_OK {
            return Err(self.error(code));
        }
        let prepared = Prepared {
            raw: self,
            statement,
        };
        if prepared.statement.is_null() {
            return Err(EngineError::new(Code::Other(1), "no statement"));
        }
        // SAFETY: the engine sets the tail to a byte of the text, or to its end.
        let rest = unsafe { tail.offset_from(sql.as_ptr().cast()) };
        let rest = usize::try_from(rest).ok().and_then(|at| sql.get(at..));
        if rest.is_some_and(|rest| !rest.trim_matches([' ', '\n', '\r', '\t', ';']).is_empty()) {
            return Err(EngineError::new(
                Code::Other(1),
                "more than one statement at once",
            ));
        }
        Ok(prepared)
    }

    /// Replaces all that this database holds by what `from` holds, in one transaction.
    pub(crate) fn copy_from(&self, from: &Raw) -> Result<(), EngineError> {
        self.copy_by(from, -1, || false)
    }

    /// The same of the state that the read transaction of `from` sees, until `is_stopped` says so.
    pub(crate) fn copy_until(
        &self,
        from: &Raw,
        is_stopped: impl Fn() -> bool,
    ) -> Result<(), EngineError> {
        self.copy_by(from, 1024, is_stopped)
    }

    /// Copies so many pages at a time, all at once where that is negative.
    fn copy_by(
        &self,
        from: &Raw,
        pages: c_int,
        is_stopped: impl Fn() -> bool,
    ) -> Result<(), EngineError> {
        // SAFETY: both handles are open, and stay so until the copy is finished; the names end with a NUL. Nothing else
        // uses them meanwhile, as https://sqlite.org/c3ref/backup_finish.html asks: a `Raw` is used by one thread at a
        // time.
        let (stepped, finished) = unsafe {
            let main = c"main".as_ptr();
            let copy = ffi::sqlite3_backup_init(self.handle, main, from.handle, main);
            if copy.is_null() {
                return Err(self.error(ffi::sqlite3_errcode(self.handle)));
            }
            let stepped = loop {
                match ffi::sqlite3_backup_step(copy, pages) {
                    ffi::SQLITE_OK if is_stopped() => break ffi::SQLITE_INTERRUPT,
                    ffi::SQLITE_OK => {}
                    stepped => break stepped,
                }
            };
            (stepped, ffi::sqlite3_backup_finish(copy))
        };
        match (stepped, finished) {
            (ffi::SQLITE_DONE, ffi::SQLITE_OK) => Ok(()),
            (ffi::SQLITE_INTERRUPT, ffi::SQLITE_OK) => Err(EngineError::interrupted()),
            // A lock that was in the way is reported by the step alone.
            (stepped, ffi::SQLITE_OK) => Err(EngineError::new(
                Code::of(stepped),
                "the copy did not come to its end",
            )),
            (_, finished) => Err(self.error(finished)),
        }
    }

    /// Whether no transaction is open.
    #[cfg(test)]
    pub(crate) fn is_autocommit(&self) -> bool {
        // SAFETY: the handle is open.
        unsafe { ffi::sqlite3_get_autocommit(self.handle) != 0 }
    }

    /// The engine's last words on this connection.
    fn error(&self, code: c_int) -> EngineError {
        if self.handle.is_null() {
            return EngineError::new(Code::of(code), "out of memory");
        }
        // SAFETY: the handle is valid, and the message until the next call on it.
        let message = unsafe { CStr::from_ptr(ffi::sqlite3_errmsg(self.handle)) };
        // SAFETY: as above.
        let offset = unsafe { ffi::sqlite3_error_offset(self.handle) };
        EngineError {
            code: Code::of(code),
            message: message.to_string_lossy().into_owned(),
            offset: usize::try_from(offset).ok(),
        }
    }
}

/// # Safety
/// `check` is what [`Raw::interrupted_by`] gave to the engine.
unsafe extern "C" fn interrupts(check: *mut c_void) -> c_int {
    // SAFETY: the box lives as long as the connection, whose thread this is.
    let check = unsafe { &*check.cast::<Check>() };
    check().into()
}

impl Drop for Raw {
    fn drop(&mut self) {
        // SAFETY: nothing refers to the connection any more; a null handle is allowed.
        unsafe { ffi::sqlite3_close(self.handle) };
    }
}

/// A compiled statement.
#[derive(Debug)]
pub(crate) struct Prepared<'a> {
    raw: &'a Raw,
    statement: *mut ffi::sqlite3_stmt,
}

impl Prepared<'_> {
    /// Runs it with these values for `?1`, `?2`, …, and drops its rows. What has no value is `NULL`.
    pub(crate) fn run<'v>(
        &mut self,
        values: impl IntoIterator<Item = ValueRef<'v>>,
    ) -> Result<(), EngineError> {
        self.rows(values, |_| ControlFlow::Continue(()))
    }

    /// Runs it with these values, and shows each of its rows until `on_row` breaks off.
    pub(crate) fn rows<'v>(
        &mut self,
        values: impl IntoIterator<Item = ValueRef<'v>>,
        mut on_row: impl FnMut(Row<'_>) -> ControlFlow<()>,
    ) -> Result<(), EngineError> {
        let unbind = Unbind {
            statement: self.statement,
        };
        for (number, value) in (1..).zip(values) {
            self.bind(number, value)?;
        }
        loop {
            // SAFETY: the statement is valid, and what is bound to it is borrowed for longer than `unbind` lives.
            match unsafe { ffi::sqlite3_step(self.statement) } {
                ffi::SQLITE_ROW => {
                    let row = Row {
                        statement: self.statement,
                        step: PhantomData,
                    };
                    if on_row(row).is_break() {
                        break;
                    }
                }
                ffi::SQLITE_DONE => break,
                // The reset in `unbind` would keep the words, and yet they are taken at once.
                code => return Err(self.raw.error(code)),
            }
        }
        drop(unbind);
        Ok(())
    }

    /// The caller unbinds it before `value` may go.
    fn bind(&self, number: c_int, value: ValueRef<'_>) -> Result<(), EngineError> {
        // An empty slice may point anywhere, and a null pointer would bind `NULL`: this one is never null.
        // SAFETY: the statement is valid, and the bytes are for the length that is given with them. `None` as the
        // destructor is `SQLITE_STATIC`.
        let code = unsafe {
            match value {
                ValueRef::Null => ffi::sqlite3_bind_null(self.statement, number),
                ValueRef::Integer(value) => ffi::sqlite3_bind_int64(self.statement, number, value),
                ValueRef::Real(value) => ffi::sqlite3_bind_double(self.statement, number, value),
                ValueRef::Text(text) => ffi::sqlite3_bind_text64(
                    self.statement,
                    number,
                    text.as_ptr().cast(),
                    text.len() as u64,
                    None,
                    ffi::SQLITE_UTF8 as u8,
                ),
                ValueRef::Blob(bytes) => ffi::sqlite3_bind_blob64(
                    self.statement,
                    number,
                    bytes.as_ptr().cast(),
                    bytes.len() as u64,
                    None,
                ),
            }
        };
        match code {
            ffi::SQLITE_OK => Ok(()),
            _ => Err(self.raw.error(code)),
        }
    }
}

impl Drop for Prepared<'_> {
    fn drop(&mut self) {
        // SAFETY: it is finalized once, and before its connection is closed.
        unsafe { ffi::sqlite3_finalize(self.statement) };
    }
}

/// Lets go of what is bound, however a run ends.
struct Unbind {
    statement: *mut ffi::sqlite3_stmt,
}

impl Drop for Unbind {
    fn drop(&mut self) {
        // SAFETY: the statement outlives the call that made this. A statement under way must be reset first:
        // https://sqlite.org/c3ref/bind_blob.html.
        unsafe {
            ffi::sqlite3_reset(self.statement);
            ffi::sqlite3_clear_bindings(self.statement);
        }
    }
}

/// A row, until the next one.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    statement: *mut ffi::sqlite3_stmt,
    step: PhantomData<&'a ()>,
}

impl<'a> Row<'a> {
    /// How many columns it has.
    pub(crate) fn width(&self) -> usize {
        // SAFETY: the statement is valid.
        let width = unsafe { ffi::sqlite3_column_count(self.statement) };
        usize::try_from(width).unwrap_or(0)
    }

    /// The value of a column, from 0; `NULL` where there is no such column.
    pub(crate) fn value(&self, column: usize) -> ValueRef<'a> {
        let Ok(column) = c_int::try_from(column) else {
            return ValueRef::Null;
        };
        // SAFETY: the statement stands on a row. A column out of range is `NULL`
        // (https://sqlite.org/c3ref/column_blob.html). The type is asked first and nothing is converted, so the
        // pointers hold until the next step, for which this row must be gone; the length is asked after the pointer.
        unsafe {
            match ffi::sqlite3_column_type(self.statement, column) {
                ffi::SQLITE_INTEGER => {
                    ValueRef::Integer(ffi::sqlite3_column_int64(self.statement, column))
                }
                ffi::SQLITE_FLOAT => {
                    ValueRef::Real(ffi::sqlite3_column_double(self.statement, column))
                }
                ffi::SQLITE_TEXT => {
                    let text = ffi::sqlite3_column_text(self.statement, column);
                    ValueRef::Text(self.bytes(text.cast(), column))
                }
                ffi::SQLITE_BLOB => {
                    let blob = ffi::sqlite3_column_blob(self.statement, column);
                    ValueRef::Blob(self.bytes(blob.cast(), column))
                }
                _ => ValueRef::Null,
            }
        }
    }

    /// # Safety
    /// `start` was given by the engine for this column of the current row.
    unsafe fn bytes(&self, start: *const u8, column: c_int) -> &'a [u8] {
        // SAFETY: the statement stands on a row.
        let length = unsafe { ffi::sqlite3_column_bytes(self.statement, column) };
        match usize::try_from(length) {
            // SAFETY: the engine keeps so many bytes there until the next step.
            Ok(length) if length > 0 && !start.is_null() => unsafe {
                std::slice::from_raw_parts(start, length)
            },
            // An empty blob has no address.
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::Value;

    #[tokio::test]
    async fn every_value_comes_back_as_it_went_in() {
        let raw = Raw::open(":memory:", Access::Create).await.unwrap();
        raw.execute("CREATE TABLE t (v)").unwrap();
        let values = [
            Value::Null,
            Value::Integer(i64::MIN),
            Value::Real(5e-324),
            Value::Real(f64::NEG_INFINITY),
            Value::Text("a\0b 🌱".to_owned()),
            Value::Text(String::new()),
            Value::Blob(vec![0, 255]),
            Value::Blob(vec![]),
        ];
        let mut insert = raw.prepare("INSERT INTO t VALUES (?1)").unwrap();
        for value in &values {
            insert.run([value.into()]).unwrap();
        }
        drop(insert);
        let mut found = Vec::new();
        let mut select = raw.prepare("SELECT v FROM t ORDER BY rowid").unwrap();
        select
            .rows([], |row| {
                assert_eq!(row.width(), 1);
                assert_eq!(row.value(1), ValueRef::Null);
                found.push(row.value(0).to_value());
                ControlFlow::Continue(())
            })
            .unwrap();
        assert_eq!(found, values);
    }

    #[tokio::test]
    async fn a_statement_that_failed_can_be_run_again() {
        let raw = Raw::open(":memory:", Access::Create).await.unwrap();
        raw.execute("CREATE TABLE t (v PRIMARY KEY)").unwrap();
        let mut insert = raw.prepare("INSERT INTO t VALUES (?1)").unwrap();
        insert.run([ValueRef::Integer(1)]).unwrap();
        let error = insert.run([ValueRef::Integer(1)]).unwrap_err();
        assert_eq!(error.code, Code::Constraint);
        assert_eq!(error.message, "UNIQUE constraint failed: t.v");
        insert.run([ValueRef::Integer(2)]).unwrap();
    }

    #[tokio::test]
    async fn what_is_not_one_statement_is_refused() {
        let raw = Raw::open(":memory:", Access::Create).await.unwrap();
        for (sql, message) in [
            ("", "no statement"),
            ("-- nothing", "no statement"),
            ("SELECT 1; SELECT 2", "more than one statement at once"),
            ("SELEC 1", "near \"SELEC\": syntax error"),
        ] {
            assert_eq!(raw.prepare(sql).unwrap_err().message, message, "{sql:?}");
        }
        assert!(raw.prepare("SELECT 1 ;\n").is_ok());
        assert!(raw.is_autocommit());
    }

    #[tokio::test]
    async fn a_statement_ends_where_its_check_says_so() {
        let mut raw = Raw::open(":memory:", Access::Create).await.unwrap();
        raw.interrupted_by(Box::new(|| false));
        raw.interrupted_by(Box::new(|| true));
        let endless =
            "WITH RECURSIVE n AS (SELECT 1 UNION ALL SELECT 1 FROM n) SELECT count(*) FROM n";
        assert_eq!(raw.execute(endless).unwrap_err().code, Code::Interrupted);
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_is_not_made_by_who_only_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none.db");
        let error = Raw::open(path.to_str().unwrap(), Access::Read)
            .await
            .unwrap_err();
        assert_eq!(error.code, Code::CannotOpen);
        assert!(!path.exists());
    }
}
