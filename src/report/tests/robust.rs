use std::sync::Arc;

use proptest::prelude::*;

use super::STYLE;
use crate::diagnostic::{Diagnostic, Diff, Location};
use crate::report::{Document, Paint, Report, Style, annotations};
use crate::script::{Origin, Source};

/// Text with all that is odd on a terminal, in several lines.
fn odd_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "(.{0,40}[\r\n\t]{0,2}){0,8}",
        "([a-z ;'é日👩‍👩‍👧\u{301}\u{200b}\u{202e}\u{1b}\0\t\r\n]{0,30}){0,6}",
        ".{0,30}".prop_map(|text| text.repeat(400)),
    ]
}

fn report(text: String, name: String, message: String, span: (usize, usize)) -> Report {
    let (start, end) = span;
    let mut diagnostic = Diagnostic::error("syntax", message.clone());
    diagnostic.notes = vec![message.clone()];
    diagnostic.help = vec![message];
    diagnostic.diff = Some(Diff {
        before_name: name.clone(),
        before: text.clone(),
        after_name: name.clone(),
        after: text.replace(['a', 'é'], "x\n"),
    });
    diagnostic.location = Some(Location::Source(Origin {
        source: Arc::new(Source {
            name,
            text: text.into(),
        }),
        // Everything about a span may be wrong.
        span: start..end,
    }));
    Report::of(vec![diagnostic])
}

proptest! {
    #[test]
    fn no_text_and_no_span_is_too_odd_to_be_shown(
        text in odd_text(),
        name in ".{0,20}",
        message in ".{0,20}\n?.{0,20}",
        start in 0_usize..400,
        length in 0_usize..400,
        backwards in any::<bool>(),
    ) {
        let end = if backwards { start.saturating_sub(length) } else { start + length };
        let report = report(text, name, message, (start, end));
        for paint in [Paint::Plain, Paint::Colour] {
            let shown = report.text(Style { paint, ..STYLE });
            prop_assert!(!shown.is_empty());
            // No control character of the file gets to the terminal.
            let plain = paint == Paint::Plain;
            prop_assert!(!plain || !shown.contains(['\u{1b}', '\0', '\t', '\r']), "{shown:?}");
        }
        prop_assert_eq!(annotations(&report, STYLE, None).lines().count(), 1);
    }
}

#[test]
fn a_line_of_megabytes_is_told_of_without_being_shown() {
    let text = format!("SELECT {}foo;", "1, ".repeat(2_000_000));
    let at = text.find("foo").unwrap();
    let report = report(text, "V1__x.sql".to_owned(), "no".to_owned(), (at, at + 3));
    let shown = report.text(STYLE);
    assert!(
        shown.contains(" --> V1__x.sql:1:6000008\n"),
        "{}",
        &shown[..200]
    );
    assert!(shown.len() < 2_000);
}

#[test]
fn a_document_holds_any_text() {
    let report = report(
        "\0\u{1b}".to_owned(),
        "\"\\".to_owned(),
        "\u{202e}".to_owned(),
        (0, 9),
    );
    let call = crate::report::Call {
        command: "migrate",
        mode: None,
        database: None,
        exit_code: 1,
        style: STYLE,
    };
    let text = Document::failure(call, &report).to_string();
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(read["problems"][0]["file"], "\"\\");
}
