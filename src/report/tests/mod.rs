//! Every message that people can meet, as it looks: `problems.txt` and `failures.txt` are there to be read.

mod failures;
mod json;
mod problems;
mod robust;
mod tables;

use std::sync::Arc;

use super::{Paint, Style};
use crate::script::{Origin, Source};

const STYLE: Style<'static> = Style {
    paint: Paint::Plain,
    program: "cargo xtask",
};

fn source(name: &str, text: &str) -> Arc<Source> {
    Arc::new(Source {
        name: format!("migrations/{name}"),
        text: text.to_owned(),
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

/// One case of a file of cases.
fn case(title: &str, text: &str) -> String {
    format!("### {title}\n\n{text}\n\n")
}
