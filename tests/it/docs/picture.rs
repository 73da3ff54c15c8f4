//! The picture of a session in the README: `docs/session.svg`, drawn from what the program prints on a terminal.

use super::folder::Folder;
use super::sessions::without_times;
use super::{compare, page};

/// What is typed in a copy of this repository's migrations.
const TYPED: [&str; 5] = [
    "seedbed migrate",
    "seedbed new plans",
    "echo 'CREATE TABLE plans (tier TEXT); INSERT INTO plan VALUES (1);' > migrations/V4__plans.sql",
    "seedbed migrate",
    "seedbed status",
];

/// Pixels of a line, and of a character of the font that SVG viewers have.
const LINE: f64 = 19.0;
const CHARACTER: f64 = 8.0;
const MARGIN: f64 = 18.0;

#[test]
fn the_picture_of_a_session_is_current() {
    let found = picture();
    let comparable = |svg: &str| {
        // A tag counts as a word, so that the words beside it are seen as they are.
        without_times(&svg.replace('<', " <").replace('>', "> "))
    };
    if let Err(fault) = compare("docs/session.svg", &found, comparable) {
        panic!("{fault}");
    }
}

fn picture() -> String {
    let folder = Folder::of(&page("docs/tour.md".to_owned()));
    let mut lines = Vec::new();
    for typed in TYPED {
        lines.push(format!(
            "<tspan class=\"prompt\">$</tspan> {}",
            escaped(typed)
        ));
        // Other programs know no `--color`.
        let line = match typed.strip_prefix("seedbed ") {
            Some(rest) => format!("seedbed --color always {rest}"),
            None => typed.to_owned(),
        };
        let output = folder.output(&line);
        for printed in [output.stderr, output.stdout] {
            let printed = String::from_utf8(printed).unwrap();
            lines.extend(printed.lines().map(coloured));
        }
    }
    let visible = |line: &String| {
        let text = line.split(['<', '>']).step_by(2).collect::<String>();
        text.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&")
            .chars()
            .count()
    };
    let columns = lines.iter().map(visible).max().unwrap();
    let width = (columns as f64 * CHARACTER + 2.0 * MARGIN).ceil();
    let height = (lines.len() as f64 * LINE + 2.0 * MARGIN).ceil();
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-label=\"A session in a terminal\">\n\
         <style>\n\
         text {{ font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #d8dee9; white-space: pre; }}\n\
         .prompt {{ fill: #88c0d0; }} .red {{ fill: #ff7b85; }} .green {{ fill: #a3be8c; }} .yellow {{ fill: #ebcb8b; }}\n\
         .cyan {{ fill: #88c0d0; }} .bold {{ font-weight: bold; }} .dim {{ fill: #8c96a8; }}\n\
         </style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#232831\"/>\n"
    );
    for (at, line) in lines.iter().enumerate() {
        let y = MARGIN + LINE * (at as f64 + 0.75);
        svg.push_str(&format!(
            "<text x=\"{MARGIN}\" y=\"{y}\" xml:space=\"preserve\">{line}</text>\n"
        ));
    }
    svg.push_str("</svg>\n");
    svg
}

/// A line with ANSI codes, as elements of SVG.
fn coloured(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let mut out = escaped(parts.next().unwrap_or_default());
    let mut open: Vec<&str> = Vec::new();
    for part in parts {
        let (codes, text) = part.strip_prefix('[').unwrap().split_once('m').unwrap();
        for code in codes.split(';') {
            match code {
                "0" | "" => open.clear(),
                "1" => open.push("bold"),
                "2" => open.push("dim"),
                "31" | "91" => open.push("red"),
                "32" | "92" => open.push("green"),
                "33" | "93" => open.push("yellow"),
                "34" | "94" | "36" | "96" => open.push("cyan"),
                other => panic!("no colour for {other:?}"),
            }
        }
        match (text.is_empty(), open.is_empty()) {
            (true, _) => {}
            (false, true) => out.push_str(&escaped(text)),
            (false, false) => out.push_str(&format!(
                "<tspan class=\"{}\">{}</tspan>",
                open.join(" "),
                escaped(text)
            )),
        }
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
