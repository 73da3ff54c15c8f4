//! What to answer to arguments that cannot be read: clap's words, the command's name where the word is another tool's, and
//! one JSON document where JSON was asked for. It never proposes a command that destroys something for a word that is not
//! known.

use std::ffi::OsString;

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Command, Error};

use super::{args, ended, terminal};
use seedbed::diagnostic::{Class, Diagnostic};
use seedbed::nearest::nearest;
use seedbed::report::{Call, Document, Paint, Report, Style};

/// The words of other tools for what a command does here: sqlx, diesel, refinery, goose, dbmate, golang-migrate, geni, Rails,
/// Flyway, Liquibase, Atlas, Prisma, drizzle, wrangler, knex and Alembic.
const WORDS: [(&str, &[&str]); 17] = [
    (
        "migrate",
        &[
            "run",
            "apply",
            "deploy",
            "latest",
            "upgrade",
            "update",
            "push",
            "dev",
            "goto",
            "up-to",
            "up-by-one",
            "up",
        ],
    ),
    (
        "undo",
        &[
            "revert",
            "rollback",
            "downgrade",
            "back",
            "down-to",
            "down-by-one",
            "down",
        ],
    ),
    ("new", &["create", "generate", "make", "revision", "edit"]),
    (
        "status",
        &[
            "version",
            "current",
            "list",
            "history",
            "show",
            "pending",
            "is_pending",
        ],
    ),
    ("check", &["validate", "test"]),
    ("renumber", &["fix", "rebase"]),
    ("repair", &["force", "resolve", "hash", "rehash"]),
    ("baseline", &["stamp", "mark"]),
    ("adopt", &["takeover", "convert"]),
    ("export", &["dump", "schema"]),
    ("import", &["load", "execute"]),
    (
        "inspect",
        &["introspect", "tables", "describe", "studio", "pull"],
    ),
    ("init", &["setup", "configure", "install"]),
    ("test-db", &["prepare", "clone"]),
    ("migrate --wait 30", &["wait"]),
    ("verify", &["diff", "compare"]),
    ("completions", &["completion"]),
];

/// Flags of other tools, and what they are called here: for the commands that have such a flag.
const FLAGS: [(&str, &[&str]); 6] = [
    ("--format json", &["--json", "-o", "--output"]),
    (
        "--steps N",
        &["--count", "-n", "--limit", "--number", "--step"],
    ),
    (
        "--to V",
        &["--target", "--version", "--target-version", "--until"],
    ),
    ("--dry-run", &["--pretend", "--preview", "--plan"]),
    (
        "--database DATABASE",
        &["--url", "--database-url", "--db", "-u", "-d"],
    ),
    (
        "--migrations DIR",
        &[
            "--source",
            "--path",
            "--migrations-dir",
            "--migration-dir",
            "-p",
        ],
    ),
];

/// Flags of other tools that pass whatever refuses. There is none here.
const FORCE: [&str; 4] = ["--force", "-f", "--allow-dirty", "--accept-data-loss"];

/// The words in front of which other tools put those above: `migration run`, `db push`.
const GROUPS: [&str; 6] = ["migration", "migrations", "migrate", "database", "db", "d1"];

/// Commands with commands below them.
const OWN: [(&str, &[&str]); 2] = [
    ("seed", &["export", "schema", "forget"]),
    ("backup", &["list"]),
];

/// Words that remove what is there. No command is proposed for them.
const DESTROY: [&str; 6] = ["drop", "fresh", "wipe", "clean", "truncate", "purge"];

/// Commands that are proposed for a word that is not known, where they are spelt nearly so. Not among them: those that
/// remove something.
const GUESSED: [&str; 23] = [
    "migrate",
    "status",
    "seed",
    "check",
    "lint",
    "new",
    "renumber",
    "repair",
    "baseline",
    "adopt",
    "drift",
    "import",
    "export",
    "verify",
    "copy",
    "backup",
    "restore",
    "doctor",
    "inspect",
    "explain",
    "config",
    "init",
    "completions",
];

/// Prints what is wrong with the arguments, or the help or version that they ask for; the exit code.
pub(super) fn answer(mut error: Error, typed: &[OsString], program: &'static str) -> u8 {
    if !error.use_stderr() {
        terminal::keep(
            error
                .print()
                .and_then(|()| std::io::Write::flush(&mut std::io::stdout())),
        );
        return ended(0);
    }
    let words: Vec<String> = typed
        .iter()
        .skip(1)
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    if let Some(tip) = tip(&error, &words, program) {
        error.remove(ContextKind::SuggestedSubcommand);
        error.remove(ContextKind::SuggestedArg);
        error.insert(
            ContextKind::Suggested,
            ContextValue::StyledStrs(vec![StyledStr::from(tip)]),
        );
    }
    // A flag that gives safety up is not guessed.
    if let Some(ContextValue::String(flag)) = error.get(ContextKind::SuggestedArg)
        && ["--allow", "--no-", "--yes"]
            .iter()
            .any(|it| flag.starts_with(it))
    {
        error.remove(ContextKind::SuggestedArg);
        error.remove(ContextKind::Suggested);
        error.remove(ContextKind::Usage);
    }
    let code = Class::Usage.exit_code();
    if !asks_for_json(&words) {
        // Standard error that cannot be written leaves the exit code.
        let _ = error.print();
        return code;
    }
    let cli = args::command();
    let command = command_of(&cli, &words).map_or("", Command::get_name);
    document(command, diagnostic(&error), program)
}

/// Prints a failure before any setting is known, in the words or as the document that the flags ask for; the exit code.
pub(super) fn failed(cli: &args::Cli, diagnostic: Diagnostic, program: &'static str) -> u8 {
    match cli.global.format {
        args::Format::Json => document(cli.command.name(), diagnostic, program),
        args::Format::Table | args::Format::Sarif => {
            let code = diagnostic.class.exit_code();
            let report = Report::from(diagnostic);
            terminal::Terminal::new(&cli.global).error(&report.text(style(program)));
            code
        }
    }
}

fn style(program: &'static str) -> Style<'static> {
    Style {
        paint: Paint::Plain,
        program,
        columns: None,
    }
}

/// Prints a failure as a JSON document; the exit code.
fn document(command: &str, diagnostic: Diagnostic, program: &'static str) -> u8 {
    let code = diagnostic.class.exit_code();
    let call = Call {
        command,
        mode: None,
        database: None,
        exit_code: code,
        style: style(program),
    };
    let document = Document::failure(call, &Report::from(diagnostic));
    terminal::document(&document.to_string());
    ended(code)
}

/// The command among these words, whatever name it was called by.
fn command_of<'a>(cli: &'a Command, words: &[String]) -> Option<&'a Command> {
    words.iter().find_map(|word| cli.find_subcommand(word))
}

/// clap's text in the parts of a diagnostic.
fn diagnostic(error: &Error) -> Diagnostic {
    let text = error.render().to_string();
    let mut parts = text.trim().split("\n\n");
    let message = parts
        .next()
        .unwrap_or_default()
        .trim_start_matches("error: ");
    let message: Vec<&str> = message.lines().map(str::trim).collect();
    let mut diagnostic = Diagnostic::error("usage", message.join(" ")).class(Class::Usage);
    for part in parts {
        for line in part.lines().map(str::trim) {
            diagnostic = match line.strip_prefix("tip: ") {
                Some(tip) => diagnostic.help(tip),
                None if line.starts_with("Usage:") => diagnostic.note(line),
                None => diagnostic,
            };
        }
    }
    diagnostic
}

fn asks_for_json(words: &[String]) -> bool {
    let separate = words
        .windows(2)
        .any(|pair| pair[0] == "--format" && pair[1] == "json");
    separate || words.iter().any(|arg| arg == "--format=json")
}

/// What to type for a word that is not a command, or that does not belong to one.
fn tip(error: &Error, words: &[String], program: &str) -> Option<String> {
    let unknown = match error.kind() {
        ErrorKind::InvalidSubcommand => ContextKind::InvalidSubcommand,
        ErrorKind::UnknownArgument => ContextKind::InvalidArg,
        _ => return None,
    };
    let Some(ContextValue::String(word)) = error.get(unknown) else {
        return None;
    };
    let is_command = error.kind() == ErrorKind::InvalidSubcommand;
    if !is_command {
        let mut cli = args::command();
        cli.build();
        let command = command_of(&cli, words);
        if let Some(tip) = command.and_then(|command| flag(command, word, program)) {
            return Some(tip);
        }
        // `migrate run`, and not `migrate --to 3 x`.
        let at = words.iter().position(|other| other == word)?;
        let before = at.checked_sub(1).and_then(|at| words.get(at))?;
        if !GROUPS.contains(&before.as_str()) {
            return None;
        }
    }
    let (word, tool) = match word.rsplit_once(':') {
        Some((_, last)) => (last, word.as_str()),
        None if GROUPS.contains(&word.as_str()) => {
            let next = words.iter().skip_while(|other| *other != word).nth(1);
            (next.map_or("", String::as_str), word.as_str())
        }
        None => (word.as_str(), word.as_str()),
    };
    if DESTROY.contains(&word) {
        return Some(format!(
            "{program} has no command that removes a database or its rows: remove the file yourself"
        ));
    }
    let known = WORDS
        .iter()
        .find(|(_, words)| words.contains(&word))
        .map(|(command, _)| *command);
    let same = GUESSED
        .iter()
        .chain(&["undo", "redo", "reset"])
        .find(|name| **name == word)
        .copied();
    // `seed run` is about seeds.
    let mut before = words.iter().take_while(|other| *other != tool);
    let own = before.find_map(|it| OWN.iter().find(|(own, _)| own == it));
    let near = own.and_then(|(own, below)| Some((own, nearest(tool, below)?)));
    if let Some((own, near)) = near {
        return Some(format!("a similar command is `{program} {own} {near}`"));
    }
    let own = own.filter(|_| known.is_some()).map(|(own, _)| *own);
    match (own.or(known).or(same), is_command) {
        (Some(command), _) => Some(format!("`{program} {command}` does that here")),
        (None, true) => {
            let near = nearest(tool, &GUESSED)
                .map(|command| format!("a similar command is `{program} {command}`"));
            Some(near.unwrap_or_else(|| format!("`{program} --help` lists the commands")))
        }
        (None, false) => None,
    }
}

/// What a flag, or a number behind a command, is called here.
fn flag(command: &Command, word: &str, program: &str) -> Option<String> {
    let name = command.get_name();
    let has = |flag: &str| {
        let long = flag.split(' ').next().and_then(|it| it.strip_prefix("--"));
        // Global flags are in the help of every command, and in none of these lists.
        let is_global =
            ["--format json", "--database DATABASE", "--migrations DIR"].contains(&flag);
        is_global || command.get_arguments().any(|it| it.get_long() == long)
    };
    if FORCE.contains(&word) {
        return Some(
            "no flag passes everything that refuses: an error that a flag can pass names that flag"
                .to_owned(),
        );
    }
    let (_, digits) = word.split_at(usize::from(word.starts_with(['V', 'v'])));
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return match (name, digits.len() == word.len()) {
            ("undo" | "redo", true) => Some(format!("`{program} {name} --steps {word}`")),
            // Whether that version is to stay, it does not say.
            ("undo", false) => Some(format!(
                "`{program} undo --steps N` undoes the newest N versions, `undo --to V` every version above V"
            )),
            _ => has("--to V").then(|| format!("`{program} {name} --to {word}`")),
        };
    }
    let known = FLAGS.iter().find(|(_, words)| words.contains(&word));
    let (flag, _) = known.filter(|(flag, _)| has(flag))?;
    Some(format!("`{program} {name} {flag}` does that here"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[track_caller]
    fn tip_of(words: &str) -> String {
        let args: Vec<String> = words.split(' ').map(str::to_owned).collect();
        let all = std::iter::once("seedbed").chain(words.split(' '));
        let error = args::command().try_get_matches_from(all).err();
        error
            .and_then(|error| tip(&error, &args, "seedbed"))
            .unwrap_or_default()
    }

    #[test]
    fn words_of_other_tools_are_answered_with_the_command() {
        let asked = [
            "run",
            "revert",
            "rollback",
            "create",
            "dump",
            "version",
            "apply",
            "deploy",
            "generate",
            "migrate run",
            "migrate status",
            "seed run",
            "backup create",
            "migration revert",
            "db:migrate",
            "db:rollback",
            "db:schema:dump",
            "db push",
            "load",
            "wait",
            "migrate up",
            "migrate down",
            "undo 1",
            "redo 2",
            "down V3",
            "up 3",
            "status --json",
            "undo --count 2",
            "migrate --target 3",
            "migrate --force",
            "reset --force",
            "status --url app.db",
            "seed --pretend",
        ];
        let answers: Vec<String> = asked
            .iter()
            .map(|words| format!("{words}: {}", tip_of(words)))
            .collect();
        expect![[r#"
            run: `seedbed migrate` does that here
            revert: `seedbed undo` does that here
            rollback: `seedbed undo` does that here
            create: `seedbed new` does that here
            dump: `seedbed export` does that here
            version: `seedbed status` does that here
            apply: `seedbed migrate` does that here
            deploy: `seedbed migrate` does that here
            generate: `seedbed new` does that here
            migrate run: `seedbed migrate` does that here
            migrate status: `seedbed status` does that here
            seed run: `seedbed seed` does that here
            backup create: `seedbed backup` does that here
            migration revert: `seedbed undo` does that here
            db:migrate: `seedbed migrate` does that here
            db:rollback: `seedbed undo` does that here
            db:schema:dump: `seedbed export` does that here
            db push: `seedbed migrate` does that here
            load: `seedbed import` does that here
            wait: `seedbed migrate --wait 30` does that here
            migrate up: `seedbed migrate` does that here
            migrate down: `seedbed undo` does that here
            undo 1: `seedbed undo --steps 1`
            redo 2: `seedbed redo --steps 2`
            down V3: `seedbed undo --steps N` undoes the newest N versions, `undo --to V` every version above V
            up 3: `seedbed migrate --to 3`
            status --json: `seedbed status --format json` does that here
            undo --count 2: `seedbed undo --steps N` does that here
            migrate --target 3: `seedbed migrate --to V` does that here
            migrate --force: no flag passes everything that refuses: an error that a flag can pass names that flag
            reset --force: no flag passes everything that refuses: an error that a flag can pass names that flag
            status --url app.db: `seedbed status --database DATABASE` does that here
            seed --pretend: `seedbed seed --dry-run` does that here"#]]
        .assert_eq(&answers.join("\n"));
    }

    #[test]
    fn a_word_that_is_not_known_is_never_answered_with_what_destroys() {
        for words in [
            "drop",
            "database drop",
            "migrate fresh",
            "rset",
            "reest",
            "und",
            "forget",
            "clean",
            "xyz",
        ] {
            let tip = tip_of(words);
            assert!(!tip.is_empty(), "{words}");
            for command in ["reset", "undo", "redo"] {
                assert!(!tip.contains(command), "{words}: {tip}");
            }
        }
    }

    #[test]
    fn every_proposed_command_exists() {
        let cli = args::command();
        let names: Vec<&str> = cli.get_subcommands().map(Command::get_name).collect();
        let proposed = WORDS
            .iter()
            .map(|(command, _)| command.split(' ').next().unwrap_or_default());
        for command in proposed.chain(GUESSED) {
            assert!(names.contains(&command), "{command}");
        }
        for word in WORDS.iter().flat_map(|(_, words)| *words).chain(&DESTROY) {
            assert!(!names.contains(word), "`{word}` is a command");
        }
    }
}
