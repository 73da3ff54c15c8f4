//! Every message that people can meet, as it looks: `problems.txt` and `failures.txt` are there to be read.

mod failures;
mod json;
mod problems;
mod robust;
mod tables;

use std::sync::Arc;

use super::{Paint, Style};
use crate::history::{Row, State};
use crate::migrations::checksum;
use crate::script::{Key, Origin, Source};

const STYLE: Style<'static> = Style {
    paint: Paint::Plain,
    program: "cargo xtask",
    columns: None,
};

fn source(name: &str, text: &str) -> Arc<Source> {
    Arc::new(Source {
        name: format!("migrations/{name}"),
        text: text.into(),
    })
}

/// The place of `part` in `text`.
fn origin(name: &str, text: &str, part: &str) -> Origin {
    let start = text.find(part).unwrap();
    Origin {
        source: source(name, text),
        span: start..start + part.len(),
    }
}

/// A row of an applied migration.
fn row(key: Key, name: &str, text: &str) -> Row {
    Row {
        checksum: checksum(text),
        key,
        name: name.to_owned(),
        effective: None,
        state: State::Applied,
        applied_at: "2026-11-21T22:12:51.123Z".to_owned(),
        duration_ms: Some(3),
        run_id: String::new(),
        applied_by: "seedbed 0.1.0, ann@laptop".to_owned(),
        detail: serde_json::Map::new(),
        has_down: false,
        source: Some(text.to_owned()),
        down: None,
    }
}

/// One case of a file of cases.
fn case(title: &str, text: &str) -> String {
    format!("### {title}\n\n{text}\n\n")
}
