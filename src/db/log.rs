//! A line for each request and each transaction: when, where, what, how many steps, how long, what came of it. No text
//! of a statement, no value and no secret is in it.

use std::fmt;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use time::OffsetDateTime;
use time::macros::format_description;

type Sink = Arc<dyn Fn(&str) + Send + Sync>;

/// Where the lines go; by default nowhere.
#[derive(Clone, Default)]
pub struct Log(Option<Sink>);

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Log(on)" } else { "Log" })
    }
}

impl Log {
    /// Calls `sink` with each line, which has no line break at its end.
    pub fn new(sink: impl Fn(&str) + Send + Sync + 'static) -> Log {
        Log(Some(Arc::new(sink)))
    }

    /// Something begins.
    pub(super) fn begin(&self, what: impl FnOnce() -> String) -> Entry {
        Entry(self.0.clone().map(|sink| Begun {
            sink,
            what: what(),
            at: SystemTime::now(),
            since: Instant::now(),
        }))
    }
}

/// Something that began. Where nothing waits for its end any more, the line says so.
pub(super) struct Entry(Option<Begun>);

struct Begun {
    sink: Sink,
    what: String,
    at: SystemTime,
    since: Instant,
}

impl Entry {
    /// It ended.
    pub(super) fn end(mut self, outcome: impl FnOnce() -> String) {
        if let Some(begun) = self.0.take() {
            begun.write(&outcome());
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(begun) = self.0.take() {
            begun.write("given up");
        }
    }
}

impl Begun {
    fn write(&self, outcome: &str) {
        let format = format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
        );
        let at = OffsetDateTime::from(self.at).format(format);
        let at = at.unwrap_or_default();
        let ms = self.since.elapsed().as_millis();
        (self.sink)(&format!("{at} {}: {outcome} after {ms} ms", self.what));
    }
}

/// `1 step`, `2 steps`.
pub(super) fn count(number: usize, what: &str) -> String {
    match (number, what.strip_suffix('y')) {
        (1, _) => format!("1 {what}"),
        (_, Some(stem)) => format!("{number} {stem}ies"),
        (_, None) => format!("{number} {what}s"),
    }
}
