use super::*;
use expect_test::{Expect, expect};
use proptest::prelude::*;

fn source(text: &str) -> Arc<Source> {
    Arc::new(Source {
        name: "x.yaml".to_owned(),
        text: text.to_owned(),
    })
}

/// The tree on one line, then the problems.
fn check(text: &str, expected: Expect) {
    let source = source(text);
    let (root, problems) = read(&source);
    let mut shown = root.map_or("no tree".to_owned(), |root| show(&root));
    shown.push('\n');
    for problem in &problems {
        shown.push_str(&told(problem));
    }
    expected.assert_eq(&shown);
}

/// `line:column code: message [other at line:column] (help)`
pub(in crate::seeds) fn told(problem: &Problem) -> String {
    let at = |origin: &Origin| origin.place().to_string();
    let place = problem.origin.as_ref().map_or("-".to_owned(), at);
    let other = problem.other.as_ref();
    let other = other.map_or(String::new(), |(words, origin)| {
        format!(" [{words}: {}]", at(origin))
    });
    let help = problem.help.as_deref().unwrap_or("no help");
    format!(
        "{place} {}: {}{other} ({help})\n",
        problem.code, problem.message
    )
}

fn show(node: &Node) -> String {
    let tag = node.tag.as_ref();
    let tag = tag.map_or(String::new(), |tag| format!("{} ", tag.value));
    let kind = match &node.kind {
        Kind::Scalar(text, Style::Plain) => text.clone(),
        Kind::Scalar(text, Style::Quoted) => format!("{text:?}"),
        Kind::Sequence(items) => {
            let items: Vec<String> = items.iter().map(show).collect();
            format!("[{}]", items.join(", "))
        }
        Kind::Mapping(entries) => {
            let entries = entries.iter();
            let entries: Vec<String> = entries
                .map(|(key, value)| format!("{}: {}", show(key), show(value)))
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    };
    format!("{tag}{kind}")
}

/// Each tag and each node with the bytes where it stands.
fn check_spans(text: &str, expected: Expect) {
    let source = source(text);
    let (root, problems) = read(&source);
    assert_eq!(problems, []);
    let mut shown = String::new();
    spans(&root.unwrap(), text, &mut shown);
    expected.assert_eq(&shown);
}

fn spans(node: &Node, text: &str, shown: &mut String) {
    let tag = node.tag.as_ref();
    let tag = tag.map_or(String::new(), |tag| {
        format!("{:?} ", &text[tag.span.clone()])
    });
    let noun = node.noun();
    shown.push_str(&format!("{noun}: {tag}{:?}\n", &text[node.span.clone()]));
    match &node.kind {
        Kind::Scalar(..) => {}
        Kind::Sequence(items) => items.iter().for_each(|item| spans(item, text, shown)),
        Kind::Mapping(entries) => {
            for (key, value) in entries {
                spans(key, text, shown);
                spans(value, text, shown);
            }
        }
    }
}

#[test]
fn scalars_keep_their_text_and_whether_they_were_quoted() {
    check("a: 007\nb: \"007\"\nc: 'it''s'\nd: ~\ne:\nf: ''\ng: +15555550100\nh: no\ni: a b\n  c\n", expect![[r#""#]]);
    check("a: |\n  x\n  y\nb: >-\n  x\n  y\nc: |\nd: 1\n", expect![[r#""#]]);
    check("- a\n-\n- [x, {y: z, w}, ]\n- - n\n", expect![[r#""#]]);
}

#[test]
fn tags_are_kept() {
    check("a: !ref users.x\nb: !now\nc: !now [a, b]\nd: !!str\ne: !<tag:yaml.org,2002:int> 3\nf: ! x\ng: !é x\nh: !!binary aGk=\n", expect![[r#""#]]);
}

#[test]
fn spans_are_bytes_of_what_is_written() {
    check_spans("ünï: é日 # é\nquoted: \"日\\n\" \nempty:\ntagged: !ref  ü.x\nnow: !now\nanchor: &a\nlast:\n  - 'ß'\n  - {é: ü}\n", expect![[r#""#]]);
    check_spans("é: |\n  é\n\n  日\n\nf: >-  # c\n  ü\n  x\ng: a\n  é\n  b\n\nh: |\n", expect![[r#""#]]);
    check_spans("a: !json\n  b:\n    - c\n\n# end\n", expect![[r#""#]]);
}

#[test]
fn what_is_no_yaml_is_told_in_one_line() {
    for text in ["a: b: c\n", "a: \"x\n", "a: [1, 2\n", "a: }\n", "a: 1\n b: 2\n", "a: !x!y z\n", "a: @x\n", "a: *\n", "- a\nb: c\n", "a: {b: ${c}}\n", "key\n"] {
        check(text, expect![[r#""#]]);
    }
}
