//! The database of the settings, opened: the one place where what [`crate::config`] decided becomes a handle, for the
//! command line and for applications. Nothing is written by opening, and nothing is migrated.

use std::time::Duration;

use crate::config::{Config, Database};
use crate::db::{AppDatabase, Db, DbError, Options};

/// How long the lock of a local database is waited for.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// The same for a server, where a transaction may hold the lock for 5 s while others wait.
const REMOTE_LOCK_TIMEOUT: Duration = Duration::from_secs(120);

/// How long to wait for the lock of another process on this database, if no option sets it.
pub fn lock_timeout(database: &Database) -> Duration {
    match database {
        Database::Local { .. } | Database::Memory => LOCK_TIMEOUT,
        Database::Remote { .. } | Database::Replica { .. } => REMOTE_LOCK_TIMEOUT,
    }
}

/// A handle on this database. A file is not made and nothing is sent.
///
/// # Errors
/// [`DbError::NotBuilt`] for a mode that this build has not, and the errors of [`Db::local`], [`Db::memory`],
/// `Db::remote` and `Db::replica`.
pub async fn open(database: &Database, options: Options) -> Result<Db, DbError> {
    match database {
        Database::Local { path } => Db::local(path, options),
        Database::Memory => Db::memory(options).await,
        #[cfg(feature = "remote")]
        Database::Remote { url, token } => {
            let token = token.as_ref().map(|token| token.value.expose());
            Db::remote(&url.base(), token, options)
        }
        #[cfg(not(feature = "remote"))]
        Database::Remote { .. } => Err(DbError::NotBuilt {
            mode: "remote",
            feature: "remote",
        }),
        #[cfg(feature = "replica")]
        Database::Replica {
            file, url, token, ..
        } => {
            let token = token.as_ref().map(|token| token.value.expose());
            Db::replica(file, &url.base(), token, options)
        }
        #[cfg(not(feature = "replica"))]
        Database::Replica { .. } => Err(DbError::NotBuilt {
            mode: "replica",
            feature: "replica",
        }),
    }
}

impl Config {
    /// The database of these settings for an application, the same that the command line works on:
    /// [`Config::load`]`()?.open().await?`. It is to be kept and shared; connections come from
    /// [`AppDatabase::connect`]. Opening writes nothing, makes no file, sends nothing and migrates nothing. A replica
    /// follows its primary every `sync_interval_seconds` from the first connection on, where that is set.
    ///
    /// ```
    /// use seedbed::config::{self, Flags};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = std::env::temp_dir();
    /// let flags = Flags::default().database(Some(":memory:".to_owned()));
    /// let config = config::load(&flags, &folder, []).config()?; // or Config::load()?
    /// let database = config.open().await?;
    /// let connection = database.connect().await?;
    /// let mut rows = connection.query("SELECT 1 + 1", ()).await?;
    /// assert_eq!(rows.next().await?.unwrap().get::<i64>(0)?, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`open`].
    pub async fn open(&self) -> Result<AppDatabase, DbError> {
        let database = &self.database.value;
        let options = Options {
            lock_timeout: lock_timeout(database),
            ignore_tables: self.ignore_tables.value.clone(),
            history_table: self.history_table.value.clone(),
            proxy: self.proxy.as_ref().map(|proxy| proxy.value.clone()),
            encryption_key: self.encryption_key(),
            ..Options::default()
        };
        let sync_every = match database {
            Database::Replica { sync_interval, .. } => *sync_interval,
            Database::Local { .. } | Database::Memory | Database::Remote { .. } => None,
        };
        Ok(open(database, options).await?.for_application(sync_every))
    }
}
