//! One wrong letter in any table, label or column of this repository's own seeds is found where it stands.

use std::path::Path;

use seedbed::migrations::Migrations;
use seedbed::seeds::{Checked, Seeds};

use super::check::checked_on;

/// What a name in a file is, to choose a typo that nothing else has.
#[derive(Debug, Clone, PartialEq)]
struct Token {
    line: usize,
    /// In bytes, from 0.
    column: usize,
    text: String,
}

/// The words of the files that must be exactly right: tables and columns where they are declared or used, and labels
/// where they are used. A declared label may have any name; each use of it is reported.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut table = String::new();
    let mut within = String::new();
    for (line, whole) in text.lines().enumerate() {
        let content = whole.split(" #").next().unwrap_or_default();
        let indent = content.len() - content.trim_start().len();
        let trimmed = content.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let mut push = |column: usize, text: &str| {
            tokens.push(Token {
                line: line + 1,
                column,
                text: text.to_owned(),
            });
        };
        let Some((key, value)) = trimmed.split_once(':') else {
            continue;
        };
        let value_at = indent + key.len() + 1 + (value.len() - value.trim_start().len());
        let value = value.trim();
        match indent {
            0 => {
                table = key.to_owned();
                if table != "_seed" {
                    push(0, key);
                }
            }
            2 if table == "_seed" && key == "depends_on" => {
                push(value_at + 1, value.trim_matches(['[', ']']));
            }
            2 if table == "_seed" => {}
            2 => {
                within = key.to_owned();
                match key {
                    "_key" => push(value_at, value),
                    "_keep" => {
                        let mut at = value_at + 1;
                        for name in value.trim_matches(['[', ']']).split(", ") {
                            push(at, name);
                            at += name.len() + 2;
                        }
                    }
                    _ => {}
                }
                // now_{users.load_*}
                if let Some((before, rest)) = key.split_once('{')
                    && let Some((of, _)) = rest.split_once('.')
                    && !of.chars().all(|c| c.is_ascii_digit())
                {
                    push(indent + before.len() + 1, of);
                }
            }
            4 if table != "_seed" && trimmed.contains(':') && !within.is_empty() => {
                // Lines of a text are no columns.
                if !key.contains(' ') {
                    push(indent, key);
                    if key == "user" && !value.starts_with('$') {
                        push(value_at, value);
                    }
                }
                if let Some(reference) = value.strip_prefix("!ref ") {
                    let mut at = value_at + "!ref ".len();
                    for part in reference.split('.') {
                        push(at, part);
                        at += part.len() + 1;
                    }
                }
            }
            _ => {}
        }
    }
    tokens
}

async fn checked(seeds: &Path) -> Checked {
    let root = Path::new(crate::ROOT);
    let set = Migrations::read_dir(root.join("migrations")).unwrap();
    let seeds = Seeds::read_dir(seeds).unwrap();
    checked_on(&set, &seeds).await
}

#[tokio::test]
async fn a_typo_in_any_table_label_or_column_is_found_where_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(crate::ROOT).join("seeds");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(from) = folders.pop() {
        for entry in std::fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let below = path.strip_prefix(&root).unwrap().to_owned();
            let copy = folder.path().join(&below);
            std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
            let text = std::fs::read_to_string(&path)
                .unwrap()
                .replace("\r\n", "\n");
            // 500 rows are as wrong as five.
            let text = text.replace("{001..500}", "{001..005}");
            std::fs::write(&copy, &text).unwrap();
            files.push((copy, text));
        }
    }
    files.sort();
    assert_eq!(checked(folder.path()).await.problems, []);

    let mut tried = 0;
    let mut wrong = Vec::new();
    for (path, text) in &files {
        for token in tokens(text) {
            tried += 1;
            let lines: Vec<&str> = text.lines().collect();
            let line = lines[token.line - 1];
            assert!(
                line[token.column..].starts_with(&token.text),
                "{token:?} {line}"
            );
            let end = token.column + token.text.len();
            let typo = format!("{}x{}", &line[..end], &line[end..]);
            let mut lines: Vec<&str> = lines;
            lines[token.line - 1] = &typo;
            std::fs::write(path, lines.join("\n") + "\n").unwrap();
            let checked = checked(folder.path()).await;
            let places: Vec<String> = checked
                .problems
                .iter()
                .map(|problem| {
                    let Some(origin) = problem.origin() else {
                        return problem.message.clone();
                    };
                    let place = origin.place();
                    let help = problem.help.join("\n");
                    format!(
                        "{}:{}:{} {} {help}",
                        origin.source.name, place.line, place.column, problem.message
                    )
                })
                .collect();
            let name = path.display().to_string().replace('\\', "/");
            let here = format!(
                "{name}:{}:{} ",
                token.line,
                line[..token.column].chars().count() + 1
            );
            let meant = format!("did you mean `{}`?", token.text);
            let found = places
                .iter()
                .any(|place| place.starts_with(&here) && place.ends_with(&meant));
            if !found {
                wrong.push(format!("{here}{}x: {places:#?}", token.text));
            }
        }
        std::fs::write(path, text).unwrap();
    }
    assert_eq!(wrong, [""; 0], "{}", wrong.join("\n"));
    assert!(tried > 90, "only {tried} words were tried");
}

#[tokio::test]
async fn a_label_that_is_renamed_where_it_is_declared_is_missed_where_it_is_used() {
    let schema = "CREATE TABLE users (id INTEGER PRIMARY KEY);\n\
                  CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id));";
    let set = crate::world::set(&[("V1__schema.sql", schema)]);
    let text =
        "users:\n  anna: {}\nposts:\n  one: {user: ann}\n  two: {user_id: !ref users.ann.id}\n";
    let seeds = Seeds::of_texts([("a", text)]);
    let checked = checked_on(&set, &seeds).await;
    let found: Vec<String> = checked.problems.iter().map(super::problem).collect();
    assert_eq!(
        found,
        [
            "a:4:15 unknown-label: `users` has no label `ann` (`anna`?)",
            "a:5:29 unknown-label: `users` has no label `ann` (`anna`?)",
        ]
    );
}
