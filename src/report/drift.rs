//! The drift of a database: each object that differs, with the statements that put it right.

use serde_json::{Value, json};

use super::Report;
use super::json::{Call, Document};
use super::words::count;
use crate::diagnostic::{Class, Diagnostic};
use crate::migrations::{Drift, DriftError, Drifted, FixError, FixKind, Fixed};
use crate::schema::{Difference, ObjectKind, diff};

/// That there is no drift, and what was compared to find that out.
pub fn no_drift(drift: &Drift) -> String {
    let migrations = count(drift.replayed, "recorded migration");
    let left_out = match drift.left_out.as_slice() {
        [] => String::new(),
        tables => format!("\nnot compared: {}", tables.join(", ")),
    };
    format!(
        "no drift: the schema is the one that {migrations} make{}{left_out}",
        match drift.replayed {
            1 => "s",
            _ => "",
        }
    )
}

/// The file that was written.
pub fn fixed(fixed: &Fixed, kind: FixKind) -> String {
    let Some(file) = &fixed.file else {
        return no_drift(&fixed.drift);
    };
    let objects = count(fixed.drift.objects.len(), "object");
    let file = file.display();
    match kind {
        FixKind::Adopt => {
            let taken = match fixed.renamed.as_slice() {
                [] => String::new(),
                renamed => format!(
                    "\ntaken for a rename: {}\nwhere that is wrong, correct the file before another database runs it",
                    renamed.join("; ")
                ),
            };
            let lost = match fixed.lost.as_slice() {
                [] => String::new(),
                lost => format!("\nin other databases that run it, {}", lost.join("; ")),
            };
            format!(
                "wrote {file}: it makes {objects} as in this database, and is recorded as applied here{taken}{lost}"
            )
        }
        _ => {
            let tables = fixed.drift.objects.iter();
            let tables = tables.filter_map(|it| match &it.difference {
                Difference::Unexpected { found } if found.kind == ObjectKind::Table => {
                    Some(found.name.as_str())
                }
                _ => None,
            });
            let tables: Vec<&str> = tables.collect();
            let lost = match tables.as_slice() {
                [] => String::new(),
                tables => format!("\nit drops with all rows: {}", tables.join(", ")),
            };
            format!(
                "wrote {file}: it restores {objects} to the recorded schema; the schema is unchanged until the next migrate{lost}"
            )
        }
    }
}

impl Report {
    /// One error for each object that differs.
    pub fn drift(drift: &Drift) -> Report {
        let mut diagnostics: Vec<Diagnostic> = drift.objects.iter().map(of_object).collect();
        if let Some(last) = diagnostics.last_mut() {
            let ignore = drift.objects.iter().find_map(|it| match &it.difference {
                Difference::Unexpected { found } if found.name == found.table => Some(&found.name),
                _ => None,
            });
            let can_be_fixed = drift.objects.iter().all(|it| it.is_fixable);
            last.help.extend(can_be_fixed.then(|| {
                "`drift --fix revert` writes a migration that restores the recorded schema, `drift --fix adopt` one \
                 that records the schema as it is here"
                    .to_owned()
            }));
            last.help.extend(ignore.map(|name| {
                format!(
                    "a table that is not the application's own is left out with `--ignore {name}`"
                )
            }));
            if !drift.left_out.is_empty() {
                let left_out = drift.left_out.join(", ");
                last.notes.push(format!("not compared: {left_out}"));
            }
        }
        diagnostics.extend_from_slice(&drift.warnings);
        Report {
            database: Some("the database is unchanged".to_owned()),
            ..Report::problems(&diagnostics)
        }
    }

    /// The drift is not known.
    pub fn no_look(error: &DriftError) -> Report {
        match error {
            DriftError::History(error) => Report::history(error),
            DriftError::Memory(error) => {
                Report::from(Diagnostic::error("memory", error.to_string()))
            }
            DriftError::Problems(problems) => Report::problems(problems),
        }
    }

    /// No file was written.
    pub fn no_fix(error: &FixError) -> Report {
        let report = match error {
            FixError::Drift(error) => Report::no_look(error),
            FixError::Refused(problems) => Report::problems(problems),
            FixError::Read(error) => Report::files(error),
            error => Report::from(Diagnostic::error("write", error.to_string())),
        };
        Report {
            database: Some("no file was written, and the database is unchanged".to_owned()),
            ..report
        }
    }
}

fn of_object(it: &Drifted) -> Diagnostic {
    let object = it.difference.object();
    let (kind, name) = (object.kind.word(), &object.name);
    let message = match &it.difference {
        Difference::Missing { .. } => {
            format!("{kind} {name} is missing: the recorded migrations make it")
        }
        Difference::Unexpected { .. } => {
            format!("{kind} {name} is not made by any recorded migration")
        }
        Difference::Different { .. } => {
            format!("{kind} {name} is not as the recorded migrations make it")
        }
    };
    let mut problem = Diagnostic::error("drift", message).class(Class::Drift);
    problem.diff = diff(
        std::slice::from_ref(&it.difference),
        "as the migrations make it",
    );
    let statements: Vec<String> = it.statements.iter().map(|it| format!("{it};")).collect();
    let right = match statements.as_slice() {
        [] => None,
        statements => Some(format!("to put it right:\n{}", statements.join("\n"))),
    };
    problem
        .notes(right)
        .notes(it.lost.clone())
        .notes(it.obstacle.clone())
}

impl Document {
    /// `drift`
    pub fn drift(call: Call<'_>, drift: &Drift) -> Document {
        let differences: Vec<Value> = drift.objects.iter().map(difference).collect();
        Document::new(call, &Report::drift(drift))
            .with("database_version", drift.version)
            .with("differences", differences)
            .with("fingerprint", drift.fingerprint.as_str())
            .with("left_out", drift.left_out.as_slice())
    }

    /// `drift --fix`
    pub fn fixed(call: Call<'_>, fixed: &Fixed) -> Document {
        let differences: Vec<Value> = fixed.drift.objects.iter().map(difference).collect();
        let file = fixed.file.as_ref().map(|file| file.display().to_string());
        Document::done_with(call, &fixed.drift.warnings)
            .with("differences", differences)
            .with("fingerprint", fixed.drift.fingerprint.as_str())
            .with("file", file)
            .with("version", fixed.version)
            .with("renamed", fixed.renamed.as_slice())
            .with("lost", fixed.lost.as_slice())
    }
}

fn difference(it: &Drifted) -> Value {
    let object = it.difference.object();
    let (what, expected, found) = match &it.difference {
        Difference::Missing { expected } => ("missing", Some(&expected.sql), None),
        Difference::Unexpected { found } => ("unexpected", None, Some(&found.sql)),
        Difference::Different { expected, found } => {
            ("different", Some(&expected.sql), Some(&found.sql))
        }
    };
    json!({
        "kind": object.kind.word(),
        "name": object.name,
        "what": what,
        "expected": expected,
        "found": found,
        "statements": it.statements,
        "lost": it.lost,
        "obstacle": it.obstacle,
    })
}
