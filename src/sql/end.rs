//! Which semicolon ends a statement, token by token: one rule for texts in memory and for streams of bytes.
//! It never judges whether a statement is right.
//!
//! The rule is that of [`sqlite3_complete`](https://www.sqlite.org/c3ref/complete.html): a semicolon ends a
//! statement, and `; END` ends the body of a trigger. So a column called `end`, or the `END` of a `CASE`,
//! closes no trigger. Two things are kinder than there: a trigger without `BEGIN` ends at its semicolon
//! instead of swallowing what follows, and so does one whose `END` lacks its semicolon.

/// How far into a statement the reading is, as much of it as decides what its next semicolon means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Before the first token.
    Start,
    /// `EXPLAIN`, perhaps with `QUERY PLAN`.
    Explain,
    /// `CREATE`, perhaps with `TEMP`.
    Create,
    /// In a statement that its next semicolon ends.
    Plain,
    /// In a trigger, before the `BEGIN` of its body.
    TriggerHead,
    /// In the body of a trigger, at a place where `END` closes it.
    BodyStart,
    /// In a statement of the body of a trigger.
    Body,
}

impl Progress {
    /// Whether a semicolon ends only a statement of the body of a trigger.
    pub(crate) fn is_in_body(self) -> bool {
        matches!(self, Progress::BodyStart | Progress::Body)
    }

    /// The progress after `token`, which is no space, no comment, and no semicolon that ends the statement.
    pub(crate) fn after(self, token: &[u8]) -> Progress {
        let is = |word: &str| token.eq_ignore_ascii_case(word.as_bytes());
        match self {
            Progress::Start if is("EXPLAIN") => Progress::Explain,
            Progress::Explain if is("QUERY") || is("PLAN") => Progress::Explain,
            Progress::Start | Progress::Explain if is("CREATE") => Progress::Create,
            Progress::Create if is("TEMP") || is("TEMPORARY") => Progress::Create,
            Progress::Create if is("TRIGGER") => Progress::TriggerHead,
            // A trigger or a table may be called begin; then the real BEGIN is a word of the body, which is
            // no END and changes nothing.
            Progress::TriggerHead if is("BEGIN") => Progress::BodyStart,
            Progress::TriggerHead => Progress::TriggerHead,
            Progress::BodyStart | Progress::Body if is(";") => Progress::BodyStart,
            Progress::BodyStart if is("END") => Progress::Plain,
            Progress::BodyStart | Progress::Body => Progress::Body,
            Progress::Start | Progress::Explain | Progress::Create | Progress::Plain => {
                Progress::Plain
            }
        }
    }
}
