//! What `check` found to be fine, as text and as JSON.

use serde_json::json;

use super::json::{Call, Document};
use super::words::count;
use crate::{migrations, seeds};

/// That the files are fine, and what was tried to find that out. `files` is the number of migrations.
pub fn checked(files: usize, tried: &migrations::Checked, seeds: &seeds::Checked) -> String {
    let verb = |number: usize, one: &'static str, many: &'static str| match number {
        1 => one,
        _ => many,
    };
    let mut lines = vec![match files {
        0 => "there are no migrations, and nothing was tried".to_owned(),
        files => format!(
            "{} {} fine: {} applied in memory, {} of them undone and applied again",
            count(files, "migration"),
            verb(files, "is", "are"),
            tried.applied,
            tried.reversed
        ),
    }];
    if tried.applied_to_existing > 0 {
        lines.push(format!(
            "{} of them applied to a database that exists, with rows in its tables",
            tried.applied_to_existing
        ));
    }
    if tried.accepted_downs > 0 {
        lines.push(format!(
            "{} {} not tried",
            count(tried.accepted_downs, "older down file"),
            verb(tried.accepted_downs, "was", "were"),
        ));
    }
    if tried.data_tests > 0 {
        lines.push(format!(
            "{} {}: {} {}",
            count(tried.data_tests, "data test"),
            verb(tried.data_tests, "passes", "pass"),
            count(tried.expectations, "expectation"),
            verb(tried.expectations, "holds", "hold"),
        ));
    }
    if !seeds.environments.is_empty() {
        lines.push(format!(
            "the seeds for {} are fine: they declare {}",
            seeds.environments.join(", "),
            count(seeds.rows, "row")
        ));
    }
    lines.join("\n")
}

impl Document {
    /// `check` of files that are fine; see [`checked`].
    pub fn checked(
        call: Call<'_>,
        files: usize,
        tried: &migrations::Checked,
        seeds: &seeds::Checked,
    ) -> Document {
        let of_seeds = json!({"environments": seeds.environments, "rows": seeds.rows});
        Document::done(call)
            .with("migrations", files)
            .with("seeds", of_seeds)
            .with("applied_in_memory", tried.applied)
            .with("applied_to_existing", tried.applied_to_existing)
            .with("downs_not_tried", tried.accepted_downs)
            .with("undone_in_memory", tried.reversed)
            .with("data_tests", tried.data_tests)
            .with("expectations", tried.expectations)
    }
}
