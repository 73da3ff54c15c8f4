//! A second reader of a dump that is on its way into a database: what it read can be compared with that database
//! afterwards, though the dump cannot be read again, since the database that it is of may have changed.

use std::io::Read;
use std::sync::Arc;
use std::thread::JoinHandle;

use super::catalogue::Catalogue;
use super::dumped::{self, Dumped};
use super::{Level, TRIES, Values, Verified, VerifyError, compared_with};
use crate::db::{Db, DbError, Options, Transaction};
use crate::dump::export::WrittenTables;
use crate::dump::modules::Modules;
use crate::dump::{Input, Reader, ReaderOptions, Source};
use crate::hex;
use crate::script::{Atomicity, ForeignKeys, Step};

/// The sums of the rows of a dump, made while another reader reads the same bytes.
#[derive(Debug)]
pub(in crate::dump) struct Witness(JoinHandle<Result<Dumped, VerifyError>>);

impl Witness {
    /// Begins to read `text`, which is the dump of `from` with these tables.
    pub(in crate::dump) fn begin(
        from: &Db,
        name: &str,
        text: impl Read + Send + 'static,
        tables: WrittenTables,
    ) -> Witness {
        let (from, name) = (from.clone(), name.to_owned());
        Witness(std::thread::spawn(move || read(&from, name, text, &tables)))
    }

    /// Compares what was read with a database; none where another text was read than the one with this sha256,
    /// in lower-case hexadecimal. `from` is read again where rows differ, to show them.
    pub(in crate::dump) async fn compare(
        self,
        db: &Db,
        sha256: &str,
        from: &Input,
    ) -> Result<Option<Verified>, VerifyError> {
        let joined = tokio::task::spawn_blocking(move || self.0.join());
        let Ok(dumped) = joined.await? else {
            return Ok(None);
        };
        let dumped = Arc::new(dumped?);
        if hex::encode(&dumped.sha256) != sha256 {
            return Ok(None);
        }
        for _ in 0..TRIES {
            let catalogue = Catalogue::read(db).await?;
            let (dumped, again) = (Arc::clone(&dumped), Some((from, Values::AsRead)));
            let verified = compared_with(db, &catalogue, dumped, Level::Full, again).await?;
            if verified.is_some() {
                return Ok(verified);
            }
        }
        Err(VerifyError::Changing)
    }
}

fn read(
    from: &Db,
    name: String,
    text: impl Read + Send + 'static,
    tables: &WrittenTables,
) -> Result<Dumped, VerifyError> {
    // Once the text has begun, its tables are known.
    let source = Source::of(name.clone(), text)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|cause| crate::dump::DumpError::Open {
            name: name.clone(),
            cause,
        })?;
    let (catalogue, modules) = runtime.block_on(async {
        let modules = Modules::new().await.map_err(DbError::Read)?;
        Ok::<_, DbError>((catalogue(from, tables).await?, modules))
    })?;
    drop(runtime);
    let reader = Reader::new(source, ReaderOptions::default());
    // What is compared is what was read, and not what a column would make of it.
    // Its rows all have the same columns.
    let once = || None;
    let mut dumped = dumped::read(
        reader,
        once,
        &catalogue,
        &modules,
        None,
        Level::Full,
        from.stop(),
    )?;
    dumped.with_all_numbers();
    Ok(dumped)
}

/// The columns of the tables as they were when the text was written: `from` may have others by now.
async fn catalogue(from: &Db, tables: &WrittenTables) -> Result<Catalogue, DbError> {
    let options = Options {
        history_table: from.history_table().clone(),
        stop: from.stop().clone(),
        ..Options::default()
    };
    let like = Db::memory(options).await?;
    for sql in tables.get() {
        let made = Transaction {
            foreign_keys: ForeignKeys::Unchecked,
            atomicity: Atomicity::Transaction,
            steps: vec![Step::own(sql, Vec::new())].into(),
        };
        if like.run(vec![made], Arc::new(|_| {})).await.is_err() {
            // The engine of `from` has what this one lacks.
            return Catalogue::read(&from.apart()?).await;
        }
    }
    Catalogue::read(&like).await
}
