//! Waiting until a database can be reached: for servers that are still starting when a deploy begins.

use std::time::{Duration, Instant};

use super::{Db, DbError, EngineError, Pause, Query, RemoteError};

/// The pause after the first time that it could not be reached; the next ones are longer.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

impl Db {
    /// Waits until the database answers a question, for this long at the most. `on_wait` is called once, with the
    /// reason, if it does not answer at once. What waiting cannot help is not waited for.
    ///
    /// # Errors
    /// The last reason that it could not be reached.
    pub async fn reached(
        &self,
        within: Duration,
        on_wait: impl FnOnce(&DbError),
    ) -> Result<(), DbError> {
        let until = Instant::now() + within;
        let mut pause = Pause::new(FIRST_PAUSE);
        let mut on_wait = Some(on_wait);
        let mut last = None;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let answer = tokio::select! {
                answer = self.rows::<1>(Query::new("SELECT 1")) => answer,
                // With a wait of zero, the database is asked once.
                () = tokio::time::sleep(left.max(FIRST_PAUSE)) => {
                    return Err(last.unwrap_or_else(|| self.silent(within)));
                }
                () = self.stop().raised() => return Err(interrupted()),
            };
            let error = match answer {
                Ok(_) => return Ok(()),
                Err(error) if error.may_pass() => error,
                Err(error) => return Err(error),
            };
            if let Some(tell) = on_wait.take() {
                tell(&error);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(error);
            }
            tokio::select! {
                () = pause.pass() => last = Some(error),
                () = tokio::time::sleep(left) => return Err(error),
                () = self.stop().raised() => return Err(interrupted()),
            }
        }
    }

    fn silent(&self, within: Duration) -> DbError {
        DbError::Remote(RemoteError::Unreachable {
            host: self.host().unwrap_or("the database").to_owned(),
            why: format!("no answer within {} s", within.as_secs_f64()),
        })
    }
}

fn interrupted() -> DbError {
    DbError::Read(EngineError::interrupted())
}

#[cfg(all(test, feature = "remote"))]
mod tests {
    use super::*;
    use crate::db::Options;
    use std::net::TcpListener;

    #[tokio::test]
    async fn a_local_database_is_there_at_once() {
        let db = Db::memory(Options::default()).await.unwrap();
        let told = |_: &DbError| panic!("nothing to wait for");
        db.reached(Duration::ZERO, told).await.unwrap();
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_waited_for_and_told_of_once() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let db = Db::remote(&url, None, Options::default()).unwrap();
        let mut told = 0;
        let since = Instant::now();
        let error = db.reached(Duration::from_secs(1), |_| told += 1).await;
        let words = error.unwrap_err().to_string();
        assert!(
            words.starts_with("cannot reach") && !words.contains("no answer"),
            "{words}"
        );
        assert_eq!(told, 1);
        assert!(since.elapsed() >= Duration::from_millis(900));
        assert!(since.elapsed() < Duration::from_secs(5));
    }

    #[tokio::test]
    async fn a_server_that_says_nothing_is_not_waited_for_longer() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let db = Db::remote(&url, None, Options::default()).unwrap();
        let error = db.reached(Duration::from_millis(300), |_| {}).await;
        assert!(
            error
                .unwrap_err()
                .to_string()
                .contains("no answer within 0.3 s")
        );
    }
}
