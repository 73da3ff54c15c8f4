//! What seeds take from outside: variables, and the time. Given as values, so that the same inputs give the same rows.

use std::collections::{BTreeMap, HashMap};
use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::model::{Expr, SeedFile};
use crate::db::{Db, DbError, Options, Query, if_accepted};
use crate::schema::{Affinity, Column};
use crate::sql::Value;

/// The variables of the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Variables {
    /// These are set, and no others.
    Known(BTreeMap<String, String>),
    /// It is unknown: seeds are only checked, and any value will do.
    Unknown,
}

/// What `!now` stands for in each file, counted from one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Clock {
    /// Seconds since 1970 by base, then by modifiers; none where the engine understands them not.
    moments: HashMap<String, HashMap<Vec<String>, Option<i64>>>,
    now: String,
}

/// As SQLite reads a time: <https://sqlite.org/lang_datefunc.html#time_values>.
const DATE_TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");

impl Clock {
    /// Asks an engine in memory what every `!now` of these files comes to: it is the judge of its own modifiers.
    ///
    /// # Errors
    /// [`DbError`] where the engine cannot be started.
    pub async fn at(
        now: SystemTime,
        files: &[&SeedFile],
        shared: Option<&SeedFile>,
    ) -> Result<Clock, DbError> {
        let seconds = now
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0));
        let now = text(seconds, DATE_TIME);
        let mut wanted: Vec<(String, Vec<String>)> = Vec::new();
        for file in files {
            let base = base(file, &now).to_owned();
            wanted.push((base.clone(), Vec::new()));
            // A default that all files share counts from the time of each.
            let exprs = shared.into_iter().flat_map(SeedFile::exprs);
            for expr in file.exprs().chain(exprs) {
                if let Expr::Now(modifiers) = &expr.value {
                    wanted.push((base.clone(), modifiers.to_vec()));
                }
            }
        }
        wanted.sort();
        wanted.dedup();
        let mut moments: HashMap<String, HashMap<_, _>> = HashMap::new();
        if !wanted.is_empty() {
            let db = Db::memory(Options::default()).await?;
            let queries = wanted.into_iter().map(|(base, modifiers)| {
                let marks = ", ?".repeat(modifiers.len());
                let texts = std::iter::once(&base).chain(&modifiers);
                let query = Query {
                    sql: format!("SELECT CAST(strftime('%s', ?{marks}) AS INTEGER)"),
                    args: texts.map(|text| text.as_str().into()).collect(),
                };
                ((base, modifiers), query)
            });
            for ((base, modifiers), reply) in db.ask(queries.collect::<Vec<_>>()).await? {
                let seconds = if_accepted(reply.row())?.and_then(|[seconds]| seconds.as_i64());
                moments.entry(base).or_default().insert(modifiers, seconds);
            }
        }
        Ok(Clock { moments, now })
    }

    /// Seconds since 1970; none where the modifiers mean nothing.
    pub(super) fn moment(&self, file: &SeedFile, modifiers: &[String]) -> Option<i64> {
        let moments = self.moments.get(base(file, &self.now))?;
        moments.get(modifiers).copied().flatten()
    }
}

/// What `!now` counts from in a file.
fn base<'a>(file: &'a SeedFile, now: &'a str) -> &'a str {
    match &file.settings.time {
        Some(time) => &time.value,
        None => now,
    }
}

/// A moment as a column keeps it: seconds where it holds integers, a Julian day where it holds reals, a date where it
/// says so, and otherwise what `CURRENT_TIMESTAMP` writes.
pub(super) fn as_kept(seconds: i64, column: &Column) -> Value {
    match column.affinity {
        Affinity::Integer => Value::Integer(seconds),
        #[allow(clippy::cast_precision_loss)]
        Affinity::Real => Value::Real(seconds as f64 / 86_400.0 + 2_440_587.5),
        _ if column.declared.eq_ignore_ascii_case("date") => Value::Text(text(seconds, DATE)),
        _ => Value::Text(text(seconds, DATE_TIME)),
    }
}

fn text(seconds: i64, format: &[BorrowedFormatItem<'_>]) -> String {
    OffsetDateTime::from_unix_timestamp(seconds)
        .ok()
        .and_then(|moment| moment.format(format).ok())
        .unwrap_or_default()
}
