//! The configuration as a table, and what is wrong with it. Secrets come as `***` already.

use super::style::{FAINT, Style};
use super::table::{Cell, table};
use super::words::as_typed;
use super::{At, Diagnostic, Report};
use crate::config::{ConfigError, Row};

/// Every setting, its value and where it came from.
pub fn config(rows: &[Row], style: Style<'_>) -> String {
    let rows: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            let unset = row.value == "-";
            let colour = if unset { FAINT } else { anstyle::Style::new() };
            let origin = if unset { "" } else { row.origin.as_str() };
            vec![
                Cell::new(row.name),
                Cell::new(&row.value).in_colour(colour),
                Cell::new(origin).in_colour(FAINT),
            ]
        })
        .collect();
    table(&["setting", "value", "from"], &rows, style.paint)
}

impl Report {
    /// What is wrong with the configuration.
    pub fn config(error: &ConfigError, style: Style<'_>) -> Report {
        let diagnostics = error.problems().iter().map(|problem| Diagnostic {
            at: problem.place.as_ref().map(|place| At::File {
                file: place.file.display().to_string(),
                line: place.line,
                column: place.column,
            }),
            help: problem
                .help
                .iter()
                .map(|help| as_typed(help, style.program))
                .collect(),
            ..Diagnostic::error("config", &problem.message)
        });
        Report::of(diagnostics.collect())
    }
}
