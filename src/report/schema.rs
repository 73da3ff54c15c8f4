//! A schema that is not the expected one.

use super::Report;
use crate::diagnostic::{Class, Diagnostic};
use crate::schema::{Difference, ObjectKind, described};

impl Report {
    /// A database whose schema is not what the migrations up to `version` leave. `left_out` are the tables that were
    /// not compared.
    pub fn baseline(version: i64, differences: &[Difference], left_out: &[String]) -> Report {
        let message = format!(
            "the schema of this database differs from the schema that the migrations up to V{version} make"
        );
        let help = format!(
            "give the version that the database really has, or make the two schemas equal; `baseline {version} \
             --no-verify` records it anyway"
        );
        let too_many = |difference: &&Difference| {
            let kind = difference.object().kind;
            matches!(kind, ObjectKind::Table | ObjectKind::View)
                && matches!(difference, Difference::Unexpected { .. })
        };
        let ignore = differences.iter().find(too_many).map(|it| {
            let object = it.object();
            format!(
                "a {} that is not the application's own is left out with `--ignore {}`",
                object.kind.word(),
                object.name
            )
        });
        let diagnostic = Diagnostic::error("drift", message)
            .class(Class::Drift)
            .help(help)
            .helps(ignore);
        let not_compared =
            (!left_out.is_empty()).then(|| format!("not compared: {}", left_out.join(", ")));
        let described = described(diagnostic, differences, "as the migrations make it");
        Report {
            database: Some("nothing was recorded".to_owned()),
            ..Report::from(described.notes(not_compared))
        }
    }
}
