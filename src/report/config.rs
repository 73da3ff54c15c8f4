//! The configuration as a table, and what is wrong with it.

use super::{Report, Style};
use crate::config::{ConfigError, Row};

/// Every setting, its value and where it came from. Secrets come as `***` already.
pub fn config(rows: &[Row], style: Style<'_>) -> String {
    let _ = (rows, style);
    String::new()
}

impl Report {
    /// What is wrong with the configuration.
    pub fn config(error: &ConfigError, style: Style<'_>) -> Report {
        let _ = (error, style);
        Report::empty()
    }
}
