//! The text between statements: blanks and comments. Some comments are the words of a shell that could not read
//! what it was to dump.

use super::scan::{GoOn, Refusal, Stop, Text};
use crate::sql::{is_space, is_word};

impl Text<'_> {
    /// The next statement from `at` on, or the end of the text.
    #[inline]
    pub(super) fn between(&self, mut at: usize) -> Result<usize, Stop> {
        while let Some(byte) = self.get(at) {
            match byte {
                b';' => at += 1,
                _ if is_space(byte) => at += 1,
                b'-' | b'/' => match self.comment(at)? {
                    Some(end) => {
                        self.refuse_confession(at, end)?;
                        at = end;
                    }
                    None => return Ok(at),
                },
                _ => return Ok(at),
            }
        }
        Ok(at)
    }

    /// `/****** CORRUPTION ERROR *******/` and `/**** ERROR: … ****/` are what a shell writes where it had to leave
    /// rows out: the dump looks complete, and is not.
    fn refuse_confession(&self, at: usize, end: usize) -> Result<(), Stop> {
        let comment = &self.bytes[at..end];
        if !comment.starts_with(b"/****") {
            return Ok(());
        }
        let words = String::from_utf8_lossy(&comment[..comment.len().min(200)]);
        let words = words.trim_matches(['/', '*', ' ']);
        if !words.starts_with("CORRUPTION ERROR") && !words.starts_with("ERROR:") {
            return Ok(());
        }
        Err(Stop::Refused(Refusal {
            at,
            end,
            code: "incomplete-dump",
            message: format!(
                "the shell could not read all rows of the database that it dumped, and says so: {words}"
            ),
            help: Some(
                "the rows behind this are missing: repair the database first, with sqlite3's `.recover` into a new one"
                    .to_owned(),
            ),
            go_on: GoOn::End,
        }))
    }

    /// Whether a statement of SQL begins at `at`, of a dump or not.
    pub(super) fn is_verb(&self, at: usize) -> Result<bool, Stop> {
        const VERBS: [&str; 24] = [
            "ALTER",
            "ANALYZE",
            "ATTACH",
            "BEGIN",
            "COMMIT",
            "CREATE",
            "DELETE",
            "DETACH",
            "DROP",
            "END",
            "EXPLAIN",
            "INSERT",
            "PRAGMA",
            "REINDEX",
            "RELEASE",
            "REPLACE",
            "ROLLBACK",
            "SAVEPOINT",
            "SELECT",
            "SET",
            "UPDATE",
            "VACUUM",
            "VALUES",
            "WITH",
        ];
        let end = self.word(at)?;
        let word = &self.bytes[at..end];
        Ok(VERBS
            .iter()
            .any(|verb| word.eq_ignore_ascii_case(verb.as_bytes())))
    }

    /// The text at `at` is no statement at all.
    pub(super) fn no_statement(&self, at: usize) -> Refusal {
        if self.bytes[at] == b'.' {
            let line = self.line_end(at).unwrap_or(self.bytes.len());
            let line = &self.bytes[at..line];
            let name = line.iter().skip(1).position(|&byte| !is_word(byte));
            let end = at + name.map_or(line.len(), |length| length + 1);
            return Refusal {
                at,
                end,
                code: "refused-statement",
                message: format!(
                    "`{}` is a command for the sqlite3 shell and no SQL",
                    String::from_utf8_lossy(&self.bytes[at..end])
                ),
                help: Some(
                    "dot-commands can run programs and read files: delete the line".to_owned(),
                ),
                go_on: GoOn::NextLine,
            };
        }
        if let Some(refusal) = self.copy_of_postgres(at) {
            return refusal;
        }
        let end = self.word(at).unwrap_or(at).max(at + 1);
        Refusal {
            at,
            end,
            code: "refused-statement",
            message: "no statement begins like this".to_owned(),
            help: Some("a dump is what `sqlite3 old.db .dump` prints, and nothing else".to_owned()),
            go_on: GoOn::Line,
        }
    }
}
