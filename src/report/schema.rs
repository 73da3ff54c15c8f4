//! A schema that is not the expected one.

use super::Report;
use crate::diagnostic::{Class, Diagnostic};
use crate::schema::{Difference, described};

impl Report {
    /// A database whose schema is not what the migrations up to `version` leave.
    pub fn baseline(version: i64, differences: &[Difference]) -> Report {
        let help = format!(
            "take the version that the database is really at, or bring the two together; `baseline {version} \
             --no-verify` records it all the same"
        );
        let diagnostic = Diagnostic::error(
            "drift",
            format!(
                "the schema of this database is not what the migrations up to V{version} leave"
            ),
        )
        .class(Class::Drift)
        .help(help);
        Report {
            database: Some("nothing was recorded".to_owned()),
            ..Report::from(described(
                diagnostic,
                differences,
                "as the migrations make it",
            ))
        }
    }
}
