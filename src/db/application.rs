//! The database of an application: what Seedbed has, and connections of the `libsql` crate to the same. It changes and
//! syncs nothing by itself.

#[cfg(feature = "remote")]
use std::sync::Arc;
use std::time::Duration;

use libsql::Connection;

use super::{Db, DbError, EngineError, Mode};

/// A database to keep and to share: clones are of the same one, and each task makes connections of its own.
///
/// | mode | a connection reads | and writes |
/// |---|---|---|
/// | local | the file, which the first one makes | the file |
/// | memory | the memory of this handle: all of them are one connection, so make no change through [`AppDatabase::db`] while another task uses it | the same |
/// | remote | the server | the server |
/// | replica | the local file | the primary, and then the file follows |
///
/// They are the `libsql` crate's own: `Connection`, as its documentation has it.
#[derive(Clone)]
pub struct AppDatabase {
    db: Db,
    /// The crate's client is made once.
    #[cfg(feature = "remote")]
    client: Arc<tokio::sync::OnceCell<libsql::Database>>,
}

/// Without the token.
impl std::fmt::Debug for AppDatabase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AppDatabase").field(&self.db).finish()
    }
}

impl AppDatabase {
    pub(super) fn new(db: Db, sync_every: Option<Duration>) -> AppDatabase {
        let Db { mode, options } = db;
        #[cfg(not(feature = "replica"))]
        let _ = sync_every;
        let mode = match mode {
            #[cfg(feature = "replica")]
            Mode::Replica(replica) => Mode::Replica(replica.held(sync_every)),
            other => other,
        };
        AppDatabase {
            db: Db { mode, options },
            #[cfg(feature = "remote")]
            client: Arc::default(),
        }
    }

    /// The same database for Seedbed: to look at its history, to migrate it, and to sync a replica.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// A new connection. Local ones wait up to [`Db::lock_timeout`] for the lock of another process. On a replica
    /// that was never synced it finds an empty database: `db().sync()` brings what the primary has.
    ///
    /// # Errors
    /// [`DbError::Open`] and [`DbError::Path`] for a local file; [`DbError::NotAReplica`], [`DbError::BrokenReplica`]
    /// and [`DbError::OtherPrimary`] for the file of a replica; [`DbError::Remote`] where the crate's client cannot be
    /// made (it needs the feature `client`), or a replica needs its primary to be opened (the first time, and always by Turso's protocol).
    pub async fn connect(&self) -> Result<Connection, DbError> {
        match &self.db.mode {
            Mode::Local(file) => {
                let connection = file.connect().await?;
                let waits = connection.busy_timeout(self.db.lock_timeout());
                waits.map_err(|error| DbError::Open {
                    path: file.path().to_path_buf(),
                    source: EngineError::from(error),
                })?;
                Ok(connection)
            }
            Mode::Memory(memory) => Ok(memory.connect().await),
            #[cfg(feature = "remote")]
            Mode::Remote(remote) => {
                let make = || remote.for_applications();
                let client = self.client.get_or_try_init(make).await?;
                client.connect().map_err(|error| {
                    DbError::Remote(super::RemoteError::Unreachable {
                        host: remote.host().to_owned(),
                        why: error.to_string(),
                    })
                })
            }
            #[cfg(feature = "replica")]
            Mode::Replica(replica) => replica.connect().await,
        }
    }
}
