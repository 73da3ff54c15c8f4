//! `seed export` in words and as JSON.

use std::path::Path;

use serde_json::{Value, json};

use super::Report;
use super::json::{Call, Document};
use super::words::count;
use crate::diagnostic::{Class, Diagnostic};
use crate::seeds::{Exported, Refusal};

/// What a file got that was written.
pub fn exported(exported: &Exported, file: &Path) -> String {
    let rows = exported.tables.iter().map(|(_, rows)| rows).sum();
    format!(
        "{}: {} of {}\n",
        file.display(),
        count(rows, "row"),
        count(exported.tables.len(), "table")
    )
}

impl Document {
    /// `seed export`: the text in `yaml`, how many rows of each table it has in `tables`, and in `file` where it was
    /// written.
    pub fn exported(call: Call<'_>, exported: &Exported, file: Option<&Path>) -> Document {
        let tables: Vec<Value> = exported
            .tables
            .iter()
            .map(|(name, rows)| json!({"name": name, "rows": rows}))
            .collect();
        Document::done(call)
            .with("yaml", exported.yaml.as_str())
            .with("tables", tables)
            .with("file", file.map(|file| file.display().to_string()))
    }
}

impl Report {
    /// Why there is no seed file.
    pub fn export(refusals: &[Refusal]) -> Report {
        let told = refusals.iter().map(|refusal| Diagnostic {
            help: refusal.help().into_iter().collect(),
            class: match refusal.is_usage() {
                true => Class::Usage,
                false => Class::Failed,
            },
            ..Diagnostic::error(refusal.code(), refusal.to_string())
        });
        Report::of(told.collect())
    }
}
