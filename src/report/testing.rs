//! Why a test has no database, in words.

use std::fmt;
use std::io::ErrorKind;

use super::database::database;
use super::words::with_causes;
use super::{Paint, Report, Style};
use crate::db::DbError;
use crate::diagnostic::{Class, Diagnostic};
use crate::testing::TestingError;

impl Report {
    /// A database for tests that could not be made.
    pub fn testing(error: &TestingError) -> Report {
        let mut report = match error {
            TestingError::Config(error) => Report::config(error),
            TestingError::Read(error) => Report::files(error),
            TestingError::Migrations(error) => Report::failure(error),
            TestingError::Seeds(error) => Report::failure(error),
            TestingError::History(error) => Report::history(error),
            TestingError::Db(error @ DbError::SideFiles { .. }) => Report::from(database(error)),
            TestingError::NoProject(_)
            | TestingError::Run(_)
            | TestingError::Db(_)
            | TestingError::Write { .. }
            | TestingError::Labels { .. }
            | TestingError::UnknownTable { .. }
            | TestingError::UnknownLabel { .. }
            | TestingError::Gone { .. }
            | TestingError::Unfit { .. } => {
                let class = match error {
                    TestingError::Db(error) => database(error).class,
                    _ => Class::Failed,
                };
                Diagnostic::error("testing", with_causes(error))
                    .class(class)
                    .into()
            }
        };
        // The state of an unfinished template is of no use: the template is gone.
        report.database = None;
        report.items = Vec::new();
        for diagnostic in &mut report.diagnostics {
            if diagnostic.code == "unset-variable" {
                let help = "tests read no variable: give it one with `default`".to_owned();
                diagnostic.help = vec![help];
            }
            if diagnostic.code == FULL || is_full(error) {
                diagnostic.code = FULL;
                // A run makes its databases in one place, whatever part of it found no room.
                diagnostic.help = vec![
                    "make room on the disk; or keep the databases of tests on another one: they are in `seedbed` in the \
                     target folder, which the variable CARGO_TARGET_DIR names"
                        .to_owned(),
                ];
            }
        }
        report
    }
}

/// The code of a disk without room.
const FULL: &str = "disk-full";

/// Whether the system had no room for a file beside the database.
fn is_full(error: &TestingError) -> bool {
    let (TestingError::Write { source, .. }
    | TestingError::Db(DbError::File { cause: source, .. })) = error
    else {
        return false;
    };
    matches!(
        source.kind(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded
    )
}

/// The whole report, since `Debug` is what a test shows that unwraps or returns an error.
impl fmt::Debug for TestingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let style = Style {
            paint: Paint::Plain,
            program: "seedbed",
            columns: None,
        };
        let text = Report::testing(self).next("run the test again").text(style);
        write!(f, "{self}\n\n{text}")
    }
}
