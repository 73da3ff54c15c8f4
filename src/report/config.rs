//! The configuration as a table, and what is wrong with it. Secrets come as `***` already.

use super::Report;
use super::style::{FAINT, Style};
use super::table::{Cell, table};
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
    table(&["setting", "value", "from"], &rows, style)
}

impl Report {
    /// What is wrong with the configuration.
    pub fn config(error: &ConfigError) -> Report {
        Report::of(error.problems().to_vec())
    }
}
