//! A baseline that does not match: what the migrations leave against what there is.

use super::{Diagnostic, Report, Style};
use crate::migrations::Severity;
use crate::schema::Difference;

/// How many differences are shown.
const MOST: usize = 20;

impl Report {
    /// The schema of the database is not what the migrations up to `version` leave.
    pub fn baseline(version: i64, differences: &[Difference], style: Style<'_>) -> Report {
        let program = style.program;
        let mut notes: Vec<String> = differences.iter().take(MOST).map(said).collect();
        if differences.len() > MOST {
            notes.push(format!("and {} more differences", differences.len() - MOST));
        }
        Report {
            diagnostics: vec![Diagnostic {
                severity: Severity::Error,
                code: "drift",
                message: format!(
                    "the schema of this database is not what the migrations up to V{version} leave"
                ),
                at: None,
                notes,
                help: vec![format!(
                    "choose the version that the database is really at, or bring the two together; to record it all \
                     the same: `{program} baseline {version} --no-verify`"
                )],
                diff: None,
            }],
            database: Some("nothing was recorded".to_owned()),
            items: Vec::new(),
        }
    }
}

/// One difference in words.
fn said(difference: &Difference) -> String {
    match difference {
        Difference::Missing { expected } => {
            format!("{} {} is missing", expected.kind.word(), expected.name)
        }
        Difference::Unexpected { found } => format!(
            "{} {} is in the database, and no migration up to there makes it",
            found.kind.word(),
            found.name
        ),
        Difference::Different { expected, found } => format!(
            "{} {} differs\n  migrations: {}\n  database:   {}",
            found.kind.word(),
            found.name,
            one_line(&expected.sql),
            one_line(&found.sql)
        ),
    }
}

fn one_line(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}
