use super::*;
use crate::diagnostic::Location;
use expect_test::{Expect, expect};
use proptest::prelude::*;

fn source(text: &str) -> Arc<Source> {
    Arc::new(Source {
        name: "x.yaml".to_owned(),
        text: text.into(),
    })
}

/// The tree on one line, then the problems.
fn check(text: &str, expected: Expect) {
    expected.assert_eq(&said(text));
}

/// The same of several texts.
fn check_each(texts: &[&str], expected: Expect) {
    let said: Vec<String> = texts
        .iter()
        .map(|text| format!("{text:?}\n{}", said(text)))
        .collect();
    expected.assert_eq(&said.join("\n"));
}

fn said(text: &str) -> String {
    let source = source(text);
    let (root, problems) = read(&source);
    let mut shown = root.map_or("no tree".to_owned(), |root| show(&root));
    shown.push('\n');
    for problem in &problems {
        shown.push_str(&told(problem));
    }
    shown
}

/// `line:column code: message [other at line:column] (help)`
pub(in crate::seeds) fn told(problem: &Diagnostic) -> String {
    let at = |location: &Location| location.origin().unwrap().place().to_string();
    let place = problem.location.as_ref().map_or("-".to_owned(), at);
    let related = problem.related.iter();
    let other: String = related
        .map(|related| format!(" [{}: {}]", related.words, at(&related.location)))
        .collect();
    let help = problem.help.first().map_or("no help", String::as_str);
    format!(
        "{place} {}: {}{other} ({help})\n",
        problem.code, problem.message
    )
}

fn show(node: &Node) -> String {
    let tag = node.tag.as_ref();
    let tag = tag.map_or(String::new(), |tag| format!("{} ", tag.value));
    let kind = match &node.kind {
        Kind::Scalar(text, Style::Plain) => text.to_string(),
        Kind::Scalar(text, _) => format!("{text:?}"),
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
    let tag = tag.map_or(String::new(), |tag| format!("{:?} ", &text[tag.span()]));
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
    check(
        "a: 007\nb: \"007\"\nc: 'it''s'\nd: ~\ne:\nf: ''\ng: +15555550100\nh: no\ni: a b\n  c\n",
        expect![[r#"
            {a: 007, b: "007", c: "it's", d: ~, e: , f: "", g: +15555550100, h: no, i: a b c}
        "#]],
    );
    check(
        "a: |\n  x\n  y\nb: >-\n  x\n  y\nc: |\nd: 1\n",
        expect![[r#"
            {a: "x\ny\n", b: "x y", c: "", d: 1}
        "#]],
    );
    check(
        "- a\n-\n- [x, {y: z, w}, ]\n- - n\n",
        expect![[r#"
        [a, , [x, {y: z, w: }], [n]]
    "#]],
    );
}

#[test]
fn tags_are_kept() {
    check(
        "a: !ref users.x\nb: !now\nc: !now [a, b]\nd: !!str\ne: !<tag:yaml.org,2002:int> 3\nf: ! x\ng: !rows%20x x\nh: !!binary aGk=\n",
        expect![[r#"
            {a: !ref users.x, b: !now , c: !now [a, b], d: !!str , e: !!int 3, f: ! x, g: !rows x x, h: !!binary aGk=}
        "#]],
    );
}

#[test]
fn spans_are_bytes_of_what_is_written() {
    check_spans(
        "ünï: é日 # é\nquoted: \"日\\n\" \nempty:\ntagged: !ref  ü.x\nnow: !now\nanchor: &a\nlast:\n  - 'ß'\n  - {é: ü}\n",
        expect![[r#"
            a map: "ünï: é日 # é\nquoted: \"日\\n\" \nempty:\ntagged: !ref  ü.x\nnow: !now\nanchor: &a\nlast:\n  - 'ß'\n  - {é: ü}"
            a text: "ünï"
            a text: "é日"
            a text: "quoted"
            a text: "\"日\\n\""
            a text: "empty"
            nothing: ""
            a text: "tagged"
            a text: "!ref" "ü.x"
            a text: "now"
            nothing: "!now" ""
            a text: "anchor"
            nothing: ""
            a text: "last"
            a list: "- 'ß'\n  - {é: ü}"
            a text: "'ß'"
            a map: "{é: ü}"
            a text: "é"
            a text: "ü"
        "#]],
    );
    check_spans(
        "é: |\n  é\n\n  日\n\nf: >-  # c\n  ü\n  x\ng: a\n  é\n  b\n\nh: |\n",
        expect![[r#"
            a map: "é: |\n  é\n\n  日\n\nf: >-  # c\n  ü\n  x\ng: a\n  é\n  b\n\nh: |\n"
            a text: "é"
            a text: "é\n\n  日\n\n"
            a text: "f"
            a text: "ü\n  x\n"
            a text: "g"
            a text: "a\n  é\n  b"
            a text: "h"
            a text: "|\n"
        "#]],
    );
    check_spans(
        "a: !json\n  b:\n    - c\n\n# end\n",
        expect![[r#"
        a map: "a: !json\n  b:\n    - c"
        a text: "a"
        a map: "!json" "b:\n    - c"
        a text: "b"
        a list: "- c"
        a text: "c"
    "#]],
    );
}

#[test]
fn what_is_no_yaml_is_told_in_one_line() {
    check_each(
        &[
            "a: b: c\n",
            "a: \"x\n",
            "a: [1, 2\n",
            "a: }\n",
            "a: 1\n b: 2\n",
            "a: !x!y z\n",
            "a: @x\n",
            "a: *\n",
            "- a\nb: c\n",
            "a: {b: ${c}}\n",
            "ä: \"é\" x\n",
            "key\nb: c\n",
            "a: \"\\q\"\n",
        ],
        expect![[r#"
            "a: b: c\n"
            no tree
            1:5 yaml: this is not YAML: mapping values are not allowed in this context (look at the indentation and for a missing `: `; a text with special characters needs quotes)

            "a: \"x\n"
            no tree
            2:1 yaml: this is not YAML: invalid indentation in multiline quoted scalar (close the quote above, or indent the lines of the text)

            "a: [1, 2\n"
            no tree
            1:4 yaml: this is not YAML: unclosed bracket '[' (close each `[` with `]` and each `{` with `}`; put a text with `${…}` in quotes between them)

            "a: }\n"
            no tree
            1:4 yaml: this is not YAML: misplaced bracket (close each `[` with `]` and each `{` with `}`; put a text with `${…}` in quotes between them)

            "a: 1\n b: 2\n"
            no tree
            2:3 yaml: this is not YAML: mapping values are not allowed in this context (look at the indentation and for a missing `: `; a text with special characters needs quotes)

            "a: !x!y z\n"
            no tree
            1:4 yaml: this is not YAML: the handle wasn't declared (a tag is `!` and letters; a text that begins with `!` needs quotes)

            "a: @x\n"
            no tree
            1:4 yaml: this is not YAML: unexpected character: `@' (look at the indentation and for a missing `: `; a text with special characters needs quotes)

            "a: *\n"
            no tree
            1:4 yaml: this is not YAML: while scanning an anchor or alias, did not find expected alphabetic or numeric character (look at the indentation and for a missing `: `; a text with special characters needs quotes)

            "- a\nb: c\n"
            no tree
            2:1 yaml: this is not YAML: while parsing a block collection, did not find expected '-' indicator (look at the indentation and for a missing `: `; a text with special characters needs quotes)

            "a: {b: ${c}}\n"
            no tree
            1:9 yaml: this is not YAML: while parsing a flow mapping, did not find expected ',' or '}' (put it in quotes between `{` and `}`: `"${c}"`)

            "ä: \"é\" x\n"
            no tree
            1:8 yaml: this is not YAML: invalid trailing content after double-quoted scalar (put quotes around the whole text; a quote inside of it is `''` between single and `\"` between double quotes)

            "key\nb: c\n"
            no tree
            2:2 yaml: this is not YAML: mapping values are not allowed in this context (look at the indentation and for a missing `: `; a text with special characters needs quotes)

            "a: \"\\q\"\n"
            no tree
            1:4 yaml: this is not YAML: while parsing a quoted scalar, found unknown escape character (look at the indentation and for a missing `: `; a text with special characters needs quotes)
        "#]],
    );
}

#[test]
fn a_tab_in_the_indentation_is_called_that() {
    check_each(
        &[
            "a:\n\tb: c\n",
            "a:\n  b: c\n\td: e\n",
            "a:\n  b: |\n\tx\n",
            "\ta: b\n",
            "a: [\n\tb\n\t]\n",
            "a:\n  b: c\n  \td: e\n",
            "é:\n - b\n\t- c\n",
            "a: b\tc\nd:\te\n",
            "a:\n  - x\n  -\tb: c\n",
            "a: \"b\n\tc\"\n",
        ],
        expect![[r#"
            "a:\n\tb: c\n"
            no tree
            2:1 yaml-tab: a tab stands where only spaces can indent (indent with spaces)

            "a:\n  b: c\n\td: e\n"
            no tree
            3:1 yaml-tab: a tab stands where only spaces can indent (indent with spaces)

            "a:\n  b: |\n\tx\n"
            no tree
            3:1 yaml-tab: a tab stands where only spaces can indent (indent with spaces)

            "\ta: b\n"
            {a: b}
            1:1 yaml-tab: a tab stands where only spaces can indent (indent with spaces)

            "a: [\n\tb\n\t]\n"
            no tree
            2:1 yaml-tab: a tab stands where only spaces can indent (indent with spaces)

            "a:\n  b: c\n  \td: e\n"
            no tree
            3:3 yaml-tab: a tab stands where only spaces can indent (indent with spaces)

            "é:\n - b\n\t- c\n"
            no tree
            3:1 yaml-tab: a tab stands where only spaces can indent (indent with spaces)

            "a: b\tc\nd:\te\n"
            {a: b	c, d: e}

            "a:\n  - x\n  -\tb: c\n"
            {a: [x, {b: c}]}

            "a: \"b\n\tc\"\n"
            no tree
            2:1 yaml-tab: a tab stands where only spaces can indent (indent with spaces)
        "#]],
    );
}

#[test]
fn there_is_one_document_without_directives() {
    check_each(
        &[
            "---\na: b\n",
            "---\na: b\n...\n",
            "a: b\n---\nc: d\n",
            "---\n---\na: b\n",
            "%YAML 1.2\n---\na: b\n",
            "%TAG ! tag:x,2000:\n---\na: b\n",
            "%FOO\n---\na: b\n",
            "a: b\n...\nc: d\n",
            "a: b\n---\n",
        ],
        expect![[r#"
            "---\na: b\n"
            {a: b}

            "---\na: b\n...\n"
            {a: b}

            "a: b\n---\nc: d\n"
            no tree
            2:1 several-documents: a second document begins here, and a seed file is one (put it into a file of its own, or remove the `---`)

            "---\n---\na: b\n"
            no tree
            2:1 several-documents: a second document begins here, and a seed file is one (put it into a file of its own, or remove the `---`)

            "%YAML 1.2\n---\na: b\n"
            no tree
            1:1 yaml-directive: a line that begins with `%` is a directive of YAML, and a seed file has none (remove the line)

            "%TAG ! tag:x,2000:\n---\na: b\n"
            no tree
            1:1 yaml-directive: a line that begins with `%` is a directive of YAML, and a seed file has none (remove the line)

            "%FOO\n---\na: b\n"
            no tree
            1:1 yaml-directive: a line that begins with `%` is a directive of YAML, and a seed file has none (remove the line)

            "a: b\n...\nc: d\n"
            no tree
            3:1 several-documents: a second document begins here, and a seed file is one (put it into a file of its own, or remove the `---`)

            "a: b\n---\n"
            no tree
            2:1 several-documents: a second document begins here, and a seed file is one (put it into a file of its own, or remove the `---`)
        "#]],
    );
}

#[test]
fn a_file_holds_something() {
    check_each(
        &[
            "",
            "\n",
            "# x\n",
            "---\n",
            "---\n...\n",
            "~\n",
            "''\n",
            "{}\n",
            "!x\n",
        ],
        expect![[r##"
            ""
            no tree
            1:1 empty-seed: the file holds nothing (write the rows of a table, or remove the file)

            "\n"
            no tree
            1:1 empty-seed: the file holds nothing (write the rows of a table, or remove the file)

            "# x\n"
            no tree
            1:1 empty-seed: the file holds nothing (write the rows of a table, or remove the file)

            "---\n"
            no tree
            1:1 empty-seed: the file holds nothing (write the rows of a table, or remove the file)

            "---\n...\n"
            no tree
            1:1 empty-seed: the file holds nothing (write the rows of a table, or remove the file)

            "~\n"
            ~

            "''\n"
            ""

            "{}\n"
            {}

            "!x\n"
            !x 
        "##]],
    );
}

#[test]
fn keys_are_names_and_none_stands_twice() {
    check_each(
        &[
            "a: 1\nb: 2\na: 3\n\"b\": 4\n",
            "x: {é: 1, é: 2}\n",
            "[a]: 1\nb: 2\n",
            "? {a: b}\n: 1\n",
            "!x a: 1\n",
            "? a\n",
            ": x\n",
            "&k a: 1\nb: *k\n*k : 2\n",
            "? |\n  a\n: 1\n",
        ],
        expect![[r#"
            "a: 1\nb: 2\na: 3\n\"b\": 4\n"
            {a: 1, b: 2}
            3:1 duplicate-key: `a` stands twice in this map [first here: 1:1] (keep one of the two)
            4:1 duplicate-key: `b` stands twice in this map [first here: 2:1] (keep one of the two)

            "x: {é: 1, é: 2}\n"
            {x: {é: 1}}
            1:11 duplicate-key: `é` stands twice in this map [first here: 1:5] (keep one of the two)

            "[a]: 1\nb: 2\n"
            {b: 2}
            1:1 yaml-key: a list stands where a name is expected (a text that begins with `[`, `{` or `? ` needs quotes)

            "? {a: b}\n: 1\n"
            {}
            1:3 yaml-key: a map stands where a name is expected (a text that begins with `[`, `{` or `? ` needs quotes)

            "!x a: 1\n"
            {a: 1}
            1:1 yaml-key: `!x` stands at a name, which takes no tag (remove the tag)

            "? a\n"
            {a: }

            ": x\n"
            {: x}

            "&k a: 1\nb: *k\n*k : 2\n"
            {a: 1, b: a}
            3:1 duplicate-key: `a` stands twice in this map [first here: 1:4] (keep one of the two)

            "? |\n  a\n: 1\n"
            {"a\n": 1}
        "#]],
    );
}

#[test]
fn aliases_stand_for_what_is_above_them() {
    check_each(
        &[
            "a: &x {b: [1, !ref c]}\nd: *x\ne: [*x, *x]\n",
            "a: &x 1\nb: &x 2\nc: *x\n",
            "a: &é ~\nb: *é\n",
            "a: *x\nb: &x 1\n",
            "a: &users 1\nb: *user\n",
            "a: &x [*x]\n",
            "a: &x {b: {c: *x}}\nd: *x\n",
            "a: &x !ref y\nb: *x\n",
            "a: &x\nb: *x\n",
        ],
        expect![[r#"
            "a: &x {b: [1, !ref c]}\nd: *x\ne: [*x, *x]\n"
            {a: {b: [1, !ref c]}, d: {b: [1, !ref c]}, e: [{b: [1, !ref c]}, {b: [1, !ref c]}]}

            "a: &x 1\nb: &x 2\nc: *x\n"
            {a: 1, b: 2, c: 2}

            "a: &é ~\nb: *é\n"
            {a: ~, b: ~}

            "a: *x\nb: &x 1\n"
            {a: , b: 1}
            1:4 yaml-alias: `*x` refers to an anchor that is not above it (write `&x` before what it stands for, or quotes around a text)

            "a: &users 1\nb: *user\n"
            {a: 1, b: }
            2:4 yaml-alias: `*user` refers to an anchor that is not above it (did you mean `*users`?)

            "a: &x [*x]\n"
            {a: []}
            1:8 yaml-alias: `*x` stands inside of what it stands for (write out what is meant)

            "a: &x {b: {c: *x}}\nd: *x\n"
            {a: {b: {c: }}, d: {b: {c: }}}
            1:15 yaml-alias: `*x` stands inside of what it stands for (write out what is meant)

            "a: &x !ref y\nb: *x\n"
            {a: !ref y, b: !ref y}

            "a: &x\nb: *x\n"
            {a: , b: }
        "#]],
    );
}

#[test]
fn merges_add_what_a_map_does_not_say_itself() {
    check_each(
        &[
            "a: &a {x: 1, y: 2}\nb: {y: 3, <<: *a, z: 4}\n",
            "a: &a {x: 1, y: 2}\nb: &b {y: 5, z: 6}\nc: {<<: [*b, *a], z: 7}\n",
            "a: {<<: {x: 1}}\n",
            "a: {\"<<\": 1}\n",
            "a: {<<: 1}\n",
            "a: {<<: [1, {b: c}]}\n",
            "a: {<<: !x {b: c}}\n",
            "a: &a {x: 1}\nb: &b {y: 2}\nc: {<<: *a, <<: *b}\n",
            "a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b}\n",
            "a: {<<: *b}\n",
            "<<: &t {a: b}\n",
        ],
        expect![[r#"
            "a: &a {x: 1, y: 2}\nb: {y: 3, <<: *a, z: 4}\n"
            {a: {x: 1, y: 2}, b: {y: 3, x: 1, z: 4}}

            "a: &a {x: 1, y: 2}\nb: &b {y: 5, z: 6}\nc: {<<: [*b, *a], z: 7}\n"
            {a: {x: 1, y: 2}, b: {y: 5, z: 6}, c: {y: 5, x: 1, z: 7}}

            "a: {<<: {x: 1}}\n"
            {a: {x: 1}}

            "a: {\"<<\": 1}\n"
            {a: {"<<": 1}}

            "a: {<<: 1}\n"
            {a: {}}
            1:9 yaml-merge: `<<` merges a map, or a list of maps, and this is none (write `<<: *name` below a map that begins with `&name`)

            "a: {<<: [1, {b: c}]}\n"
            {a: {b: c}}
            1:9 yaml-merge: `<<` merges a map, or a list of maps, and this is none (write `<<: *name` below a map that begins with `&name`)

            "a: {<<: !x {b: c}}\n"
            {a: {}}
            1:9 yaml-merge: `<<` merges a map, or a list of maps, and this is none (write `<<: *name` below a map that begins with `&name`)

            "a: &a {x: 1}\nb: &b {y: 2}\nc: {<<: *a, <<: *b}\n"
            {a: {x: 1}, b: {y: 2}, c: {x: 1}}
            3:13 duplicate-key: `<<` stands twice in this map [first here: 3:5] (keep one of the two)

            "a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b}\n"
            {a: {x: 1}, b: {x: 1, y: 2}, c: {x: 1, y: 2}}

            "a: {<<: *b}\n"
            {a: {}}
            1:9 yaml-alias: `*b` refers to an anchor that is not above it (write `&b` before what it stands for, or quotes around a text)

            "<<: &t {a: b}\n"
            {a: b}
        "#]],
    );
}

#[test]
fn a_bomb_of_aliases_is_one_problem_at_the_alias_that_is_too_much() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let below = format!("*a{}", level - 1);
        bomb.push_str(&format!(
            "a{level}: &a{level} [{}]\n",
            [below.as_str(); 10].join(", ")
        ));
    }
    let long = format!(
        "a: &a {}\nb: [{}]\n",
        "x".repeat(1 << 20),
        ["*a"; 65].join(", ")
    );
    let deep = "a0: &a0 [x]\n".to_owned()
        + &(1..80)
            .map(|level| format!("a{level}: &a{level} [*a{}]\n", level - 1))
            .collect::<String>();
    let expected = expect![[r#"
        6:40 yaml-too-much: with this anchor or alias, copies make more than 1,000,000 values or 64 MB (use `_defaults` for what rows have in common, and `name_{1..500}` for many rows)
        2:257 yaml-too-much: with this anchor or alias, copies make more than 1,000,000 values or 64 MB (use `_defaults` for what rows have in common, and `name_{1..500}` for many rows)
        64:12 yaml-too-much: maps and lists are nested deeper than 64 here (a column can hold deeper JSON as text in quotes)
    "#]];
    let told: Vec<String> = [bomb, long, deep]
        .iter()
        .map(|text| {
            let source = source(text);
            let (root, problems) = read(&source);
            assert_eq!(root, None);
            problems.iter().map(told).collect()
        })
        .collect();
    expected.assert_eq(&told.join(""));
}

#[test]
fn what_is_nested_too_deeply_is_one_problem_and_not_a_crash() {
    let fits = format!("{}x{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    assert_eq!(read(&source(&fits)).1, []);
    // Whatever walks the tree has room too.
    let json = MAX_DEPTH - 3;
    let json = format!("{}x{}", "[".repeat(json), "]".repeat(json));
    for tag in ["", "!json ", "!pick "] {
        let row = source(&format!("t:\n  - {{a: {tag}{json}}}\n"));
        assert_eq!(crate::seeds::parse("x", row).1, []);
    }
    let mut told = Vec::new();
    for text in [
        format!(
            "{}x{}",
            "[".repeat(MAX_DEPTH + 1),
            "]".repeat(MAX_DEPTH + 1)
        ),
        "[".repeat(1_000_000),
        "{a: ".repeat(1_000_000),
        "- ".repeat(1_000_000),
        (0..2000)
            .map(|depth| format!("{}a:\n", " ".repeat(depth)))
            .collect(),
        "? ".repeat(1_000_000),
    ] {
        let source = source(&text);
        let (root, problems) = read(&source);
        assert_eq!(root, None);
        told.extend(problems.iter().map(super::tests::told));
    }
    expect![[r#"
        1:65 yaml-too-much: maps and lists are nested deeper than 64 here (a column can hold deeper JSON as text in quotes)
        1:66 yaml-too-much: maps and lists are nested deeper than 64 here (a column can hold deeper JSON as text in quotes)
        1:261 yaml-too-much: maps and lists are nested deeper than 64 here (a column can hold deeper JSON as text in quotes)
        1:129 yaml-too-much: maps and lists are nested deeper than 64 here (a column can hold deeper JSON as text in quotes)
        65:65 yaml-too-much: maps and lists are nested deeper than 64 here (a column can hold deeper JSON as text in quotes)
        1:129 yaml-too-much: maps and lists are nested deeper than 64 here (a column can hold deeper JSON as text in quotes)
    "#]].assert_eq(&told.join(""));
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    check_large(
        MAX_BYTES + 1,
        expect![[r#"
            1:1 seed-too-large: the file has 64000001 bytes, and a seed file at most 64000000 (split it into several files)
        "#]],
    );
}

fn check_large(bytes: usize, expected: Expect) {
    let source = source(&"x".repeat(bytes));
    let (root, problems) = read(&source);
    assert_eq!(root, None);
    expected.assert_eq(&problems.iter().map(told).collect::<String>());
}

/// Whatever is written, every place lies in the text, and what reads it does not panic.
fn survives(text: &str) {
    let source = source(text);
    let (file, problems) = crate::seeds::parse("x", source);
    for problem in &problems {
        let origin = problem.origin().unwrap();
        assert!(
            text.get(origin.span.clone()).is_some(),
            "{problem:?} in {text:?}"
        );
    }
    for table in &file.tables {
        for row in &table.rows {
            assert!(text.get(row.span.clone()).is_some(), "{row:?} in {text:?}");
            for field in &row.fields {
                assert!(
                    text.get(field.value.span()).is_some(),
                    "{field:?} in {text:?}"
                );
            }
        }
    }
}

const SAMPLE: &str = "_seed: {format: 1, vars: {d: é}, requires: 3..7, time: 2026-01-31T12:00:00Z}\nusers:\n  _key: [email]\n  _id: u_${label}\n  _defaults: &d\n    email: \"${label}@${d}\"\n    at: !now [start of month, +1 month]\n  admin: {name: 'ü''x', n: 007, j: {a: [1, ~, 日]}}\n  load_{01..50}:\n    <<: *d\n    a: !pick {a: 1, b: 2}\n    b: !ago 0..3 days\n    t: |\n      éé\n      x\n    u: >-\n      a\n\n      b\n    h: !hash {value: !env X}\n    i: !int -5..5\n    f: !fake name\n    z: !!binary aGk=\nlist:\n  - {a: !ref users.admin.id, b: 1}\n  - ? a\n    : b\n";

/// A scalar or a collection of them, in flow or in block style.
fn document() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        "[a-zé][a-z é]{0,6}[a-z]",
        "'[a-z :é#]{0,6}'",
        "\"[a-z :,é]{0,6}\"",
        "[0-9]{1,4}",
        Just("~".to_owned()),
        Just("x\n".trim().to_owned()),
    ];
    let flow = scalar.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::vec(inner, 0..4).prop_map(|values| {
                let entries = values.iter().enumerate();
                let entries: Vec<String> = entries
                    .map(|(at, value)| format!("k{at}: {value}"))
                    .collect();
                format!("{{{}}}", entries.join(", "))
            }),
        ]
    });
    let block = flow.prop_map(|flow| format!(" {flow}\n"));
    block.prop_recursive(4, 24, 4, |inner| {
        let parts = prop::collection::vec(inner, 1..4);
        (parts, any::<bool>()).prop_map(|(parts, list)| {
            let mut text = "\n".to_owned();
            for (at, part) in parts.iter().enumerate() {
                let key = if list {
                    "-".to_owned()
                } else {
                    format!("key{at}:")
                };
                let indented = part.replace('\n', "\n  ");
                text.push_str(&format!("{key}{}\n", indented.trim_end()));
            }
            text
        })
    })
}

/// Brackets for the structure, `s` for a scalar.
fn structure(node: &Node) -> String {
    match &node.kind {
        Kind::Scalar(..) => "s".to_owned(),
        Kind::Sequence(items) => format!("[{}]", items.iter().map(structure).collect::<String>()),
        Kind::Mapping(entries) => {
            let entries = entries.iter();
            let entries: String = entries
                .map(|(key, value)| format!("{}:{}", show(key), structure(value)))
                .collect();
            format!("{{{entries}}}")
        }
    }
}

fn other_structure(value: &serde_yaml::Value) -> String {
    use serde_yaml::Value;
    match value {
        Value::Sequence(items) => {
            format!(
                "[{}]",
                items.iter().map(other_structure).collect::<String>()
            )
        }
        Value::Mapping(entries) => {
            let entries = entries.iter();
            let entries: String = entries
                .map(|(key, value)| format!("{}:{}", key.as_str().unwrap(), other_structure(value)))
                .collect();
            format!("{{{entries}}}")
        }
        _ => "s".to_owned(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_makes_the_reader_panic(text in "[ \n\tab:\\-?\\[\\]{}!&*|>'\"%#,.~$@`0-9é日\u{2028}\u{7}]{0,60}") {
        survives(&text);
    }

    #[test]
    fn no_characters_at_all_make_the_reader_panic(text in any::<String>()) {
        survives(&text);
        survives(&format!("t:\n  a:\n    b: {text}\n"));
    }

    #[test]
    fn no_edit_of_a_good_file_makes_the_reader_panic(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..6, "[ \n\t:\\-\\[\\]{}!&*|>'\"%#,$é0]{0,3}"), 1..4),
    ) {
        let mut text = SAMPLE.to_owned();
        for (at, removed, inserted) in edits {
            let from = text.floor_char_boundary(at.index(text.len() + 1));
            let to = text.floor_char_boundary(from + removed).max(from);
            text.replace_range(from..to, &inserted);
        }
        survives(&text);
    }

    #[test]
    fn the_tree_is_the_one_that_another_parser_sees(text in document()) {
        let source = source(&text);
        let (root, problems) = read(&source);
        let other: serde_yaml::Value = match serde_yaml::from_str(&text) {
            Ok(other) => other,
            Err(error) => {
                prop_assert!(!problems.is_empty(), "{error} in {text:?}");
                return Ok(());
            }
        };
        prop_assert_eq!(&problems[..], &[], "{:?}", text);
        prop_assert_eq!(structure(&root.unwrap()), other_structure(&other), "{:?}", text);
    }
}

#[test]
fn a_good_file_has_no_problems() {
    let (_, problems) = crate::seeds::parse("x", source(SAMPLE));
    assert_eq!(problems.iter().map(told).collect::<String>(), "");
}
