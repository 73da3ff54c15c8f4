//! The page of the commands: what the program says of each with `--help`.

use std::process::Command;

use super::{compare, page};

const PATH: &str = "docs/reference/commands.md";

#[test]
fn the_page_of_the_commands_is_what_the_help_says() {
    if let Err(fault) = compare(PATH, &commands(), str::to_owned) {
        panic!("{fault}");
    }
}

#[test]
fn every_command_is_on_the_page_of_what_the_commands_do() {
    let page = page("docs/reference/behaviour.md".to_owned());
    for name in names(&help(&[])) {
        assert!(
            page.text.contains(&format!("`{name}")),
            "{name} is missing in {}",
            page.path
        );
    }
}

fn commands() -> String {
    let all = help(&[]);
    let mut text = format!(
        "# Commands\n\n\
         <!-- A test writes this page from the help of the program: UPDATE_EXPECT=1 cargo test -p seedbed-specifications --test it docs::help -->\n\n\
         `seedbed COMMAND --help` prints the text below, and the global options. In a Rust project with an xtask, type \
         `cargo xtask` in place of `seedbed`. [What each command does](behaviour.md) has the details, \
         [Exit codes](exit-codes.md) the meaning of each code.\n\n\
         ## Global options\n\n\
         Every command takes them.\n\n```text\n{}\n```\n",
        part(&all, "Options:")
    );
    for name in names(&all) {
        add(&mut text, &[&name]);
    }
    // The help has lines of blanks.
    text.lines()
        .flat_map(|line| [line.trim_end(), "\n"])
        .collect()
}

/// A command, and those below it.
fn add(text: &mut String, words: &[&str]) {
    let help = help(words);
    let own = help.split("\nGlobal options:\n").next().unwrap();
    let examples = match help.split_once("\nExamples:\n") {
        Some((_, examples)) => format!("\n\nExamples:\n{}", examples.trim_end()),
        None => String::new(),
    };
    let own = own.split("\nExamples:\n").next().unwrap();
    let (about, usage) = own.split_once("\n\nUsage:").unwrap();
    let level = "#".repeat(1 + words.len());
    text.push_str(&format!(
        "\n{level} {}\n\n{}.\n\n```text\nUsage:{}{examples}\n```\n",
        words.join(" "),
        about
            .replace("\n\n", "\u{0}")
            .replace('\n', " ")
            .replace('\u{0}', "\n\n")
            .trim_end_matches('.'),
        usage.trim_end(),
    ));
    if help.contains("\nCommands:\n") {
        for name in names(part(&help, "Commands:")) {
            add(text, &[words, &[name.as_str()]].concat());
        }
    }
}

/// The lines below a heading, up to the next one.
fn part<'a>(help: &'a str, heading: &str) -> &'a str {
    let (_, text) = help.split_once(&format!("\n{heading}\n")).unwrap();
    let end = text.match_indices('\n').find(|(at, _)| {
        let rest = &text[at + 1..];
        rest.starts_with(|c: char| c.is_ascii_uppercase())
    });
    end.map_or(text, |(at, _)| &text[..at]).trim_end()
}

/// The names of the commands that a help lists, which end before the options.
fn names(help: &str) -> Vec<String> {
    let listed = help.split("\nOptions:\n").next().unwrap();
    let lines = listed.lines().filter_map(|line| line.strip_prefix("  "));
    let names = lines.filter(|line| line.starts_with(|c: char| c.is_ascii_lowercase()));
    names
        .filter_map(|line| line.split(' ').next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}

fn help(words: &[&str]) -> String {
    let output = Command::new(crate::PROGRAM)
        .args(words)
        .arg("--help")
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}");
    String::from_utf8(output.stdout).unwrap()
}
