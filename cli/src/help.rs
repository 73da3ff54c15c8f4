//! The list of commands in `--help`, by what they are for. It changes no command and no flag.

use clap::Command;

/// The commands in the order in which they are listed. A test compares them with those that there are.
const GROUPS: [(&str, &[&str]); 6] = [
    (
        "Migrations",
        &[
            "migrate", "status", "undo", "redo", "check", "lint", "new", "renumber", "repair",
            "baseline", "adopt", "drift",
        ],
    ),
    ("Seeds and test databases", &["seed", "test-db", "reset"]),
    (
        "Dumps, copies and backups",
        &["copy", "import", "export", "verify", "backup", "restore"],
    ),
    ("Embedded replicas", &["sync", "replica"]),
    (
        "To look at a database or a project",
        &["doctor", "inspect", "explain", "config"],
    ),
    ("Set-up", &["init", "completions", "help"]),
];

/// Columns of a terminal that everything has to fit.
const WIDTH: usize = 80;

/// The same program with its commands in groups.
pub(super) fn grouped(command: Command) -> Command {
    // So that `help` is among the commands.
    let mut built = command.clone();
    built.build();
    let list = list(&built);
    command.help_template(format!(
        "{{about-with-newline}}\n{{usage-heading}} {{usage}}\n\n{list}Options:\n{{options}}{{after-help}}"
    ))
}

fn list(command: &Command) -> String {
    let widest = command
        .get_subcommands()
        .map(|it| it.get_name().len())
        .max()
        .unwrap_or(0);
    let mut list = String::new();
    for (title, names) in GROUPS {
        list += &format!("{title}:\n");
        for name in names {
            if let Some(command) = command.find_subcommand(name) {
                let indent = widest + 4;
                let words =
                    wrapped(&about(command), WIDTH - indent).join(&format!("\n{:indent$}", ""));
                list += &format!("  {name:<widest$}  {words}\n");
            }
        }
        list.push('\n');
    }
    list
}

fn about(command: &Command) -> String {
    let about = command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    let aliases: Vec<&str> = command.get_visible_aliases().collect();
    match aliases.is_empty() {
        true => about,
        false => format!("{about} [alias: {}]", aliases.join(", ")),
    }
}

/// A text in lines of at most so many characters, broken between words.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use clap::FromArgMatches;

    use super::super::args::{self, Cli};
    use super::*;

    #[test]
    fn every_command_is_in_one_group() {
        let mut cli = args::command();
        cli.build();
        let mut there: Vec<&str> = cli.get_subcommands().map(Command::get_name).collect();
        let mut listed: Vec<&str> = GROUPS
            .iter()
            .flat_map(|(_, names)| *names)
            .copied()
            .collect();
        there.sort_unstable();
        listed.sort_unstable();
        assert_eq!(listed, there);
    }

    #[test]
    fn the_help_of_the_program_fits_eighty_columns() {
        let help = args::command()
            .term_width(WIDTH)
            .render_long_help()
            .to_string();
        for line in help.lines() {
            assert!(line.chars().count() <= WIDTH, "{line}");
        }
    }

    #[test]
    fn every_command_has_an_example_that_can_be_read() {
        let mut cli = args::command();
        cli.build();
        for command in cli.get_subcommands().filter(|it| it.get_name() != "help") {
            let after = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            let name = command.get_name();
            let examples: Vec<&str> = after
                .lines()
                .skip_while(|line| *line != "Examples:")
                .skip(1)
                .take_while(|line| line.starts_with("  "))
                .collect();
            assert!(!examples.is_empty(), "{name}");
            for example in examples {
                let (typed, words) = example.trim().split_once("   ").unwrap_or((example, ""));
                assert!(!words.is_empty(), "{name}: {example}");
                assert!(example.chars().count() <= WIDTH, "{name}: {example}");
                let words = shell_words(typed);
                assert_eq!(words.first().map(String::as_str), Some(name), "{example}");
                let words = std::iter::once("seedbed".to_owned()).chain(words);
                let words: Vec<OsString> = words.map(OsString::from).collect();
                // What is called is all that is built, and it is read as if everything were.
                let [read, quickly] = [args::command(), args::among(&words)].map(|command| {
                    let matches = command.try_get_matches_from(&words).ok()?;
                    Some(format!("{:?}", Cli::from_arg_matches(&matches).ok()?))
                });
                assert!(read.is_some(), "{name}: {typed}");
                assert_eq!(read, quickly, "{name}: {typed}");
            }
        }
    }

    /// The words of a line, those in double quotes as one; what is behind a pipe or `>` is the shell's.
    fn shell_words(typed: &str) -> Vec<String> {
        let typed = typed.split(['|', '>']).next().unwrap_or(typed);
        let pieces = typed.split('"').enumerate();
        let words = pieces.flat_map(|(at, piece)| match at % 2 {
            0 => piece.split_whitespace().map(str::to_owned).collect(),
            _ => vec![piece.to_owned()],
        });
        words.collect()
    }
}
