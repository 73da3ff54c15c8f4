//! The README's sessions, run. Each block marked `console` is a session: lines that begin with `$ ` are typed, the
//! lines below are what came of it. A block of YAML that begins with `# seeds/…` is that file. `UPDATE_EXPECT=1` writes what came of it into the README.

use std::path::{Path, PathBuf};
use std::process::Command;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");

#[test]
fn the_sessions_in_the_readme_are_what_the_program_prints() {
    let readme = std::fs::read_to_string(README).unwrap();
    let project = Project::new();
    let mut found = String::new();
    let mut lines = readme.lines().peekable();
    while let Some(line) = lines.next() {
        found.push_str(line);
        found.push('\n');
        if line == "```yaml" {
            project.write_down(&mut lines, &mut found);
            continue;
        }
        if line != "```console" {
            continue;
        }
        while let Some(line) = lines.next_if(|line| *line != "```") {
            if let Some(command) = line.strip_prefix("$ ") {
                found.push_str(line);
                found.push('\n');
                found.push_str(&project.type_in(command));
            }
        }
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        // Times differ from run to run; without another change the README stays as it is.
        if without_times(&found) != without_times(&readme) {
            std::fs::write(README, found).unwrap();
        }
        return;
    }
    let (found, expected) = (without_times(&found), without_times(&readme));
    for (number, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "README.md:{}", number + 1);
    }
    assert_eq!(found.lines().count(), expected.lines().count());
}

#[test]
fn every_command_is_in_the_readme() {
    let readme = std::fs::read_to_string(README).unwrap();
    let help = Command::new(crate::PROGRAM).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let commands = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  "))
        .filter_map(|line| line.split(' ').next())
        .filter(|name| !name.is_empty() && *name != "help");
    for command in commands {
        assert!(
            readme.contains(&format!("`{command}")),
            "{command} is missing"
        );
    }
}

/// A copy of this repository's migrations, and the program under the name of an xtask.
struct Project {
    folder: tempfile::TempDir,
    xtask: PathBuf,
}

impl Project {
    fn new() -> Project {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("project");
        let here = Path::new(crate::ROOT);
        std::fs::create_dir_all(root.join("migrations")).unwrap();
        for entry in std::fs::read_dir(here.join("migrations")).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(
                entry.path(),
                root.join("migrations").join(entry.file_name()),
            )
            .unwrap();
        }
        let xtask = folder
            .path()
            .join(format!("xtask{}", std::env::consts::EXE_SUFFIX));
        // A copy could not be run while another test starts a process that inherits its open file.
        #[cfg(unix)]
        std::os::unix::fs::symlink(crate::PROGRAM, &xtask).unwrap();
        #[cfg(not(unix))]
        std::fs::copy(crate::PROGRAM, &xtask).unwrap();
        Project { folder, xtask }
    }

    /// A block of YAML that begins with the name of a seed file is that file.
    fn write_down<'a>(
        &self,
        lines: &mut std::iter::Peekable<impl Iterator<Item = &'a str>>,
        found: &mut String,
    ) {
        let path = lines.peek().and_then(|line| line.strip_prefix("# seeds/"));
        let path = path.map(|name| self.folder.path().join("project/seeds").join(name));
        let mut text = String::new();
        while let Some(line) = lines.next_if(|line| *line != "```") {
            text.push_str(line);
            text.push('\n');
        }
        found.push_str(&text);
        if let Some(path) = path {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }

    /// What a person sees: what is printed, standard error first, and the exit code if it is not 0.
    fn type_in(&self, command: &str) -> String {
        let root = self.folder.path().join("project");
        let mut program = if let Some(arguments) = command.strip_prefix("cargo xtask ") {
            let mut program = Command::new(&self.xtask);
            program.args(
                arguments
                    .split_whitespace()
                    .map(|word| word.trim_matches('"')),
            );
            program
        } else {
            let mut program = Command::new("sh");
            program.arg("-c").arg(command);
            program
        };
        let output = program
            .current_dir(&root)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .output()
            .unwrap();
        let mut text = String::from_utf8(output.stderr).unwrap();
        text.push_str(&String::from_utf8(output.stdout).unwrap());
        if let Some(code @ 1..) = output.status.code() {
            text.push_str(&format!("(exit code {code})\n"));
        }
        text
    }
}

/// Times of day, durations and the sizes of packed files, which differ from run to run, brought to one form. Other numbers stay.
fn without_times(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        // Columns are padded to the widest, and that depends on the durations.
        let words: Vec<&str> = line.split_whitespace().collect();
        for (at, word) in words.iter().enumerate() {
            let is_duration = words
                .get(at + 1)
                .is_some_and(|unit| ["ms", "s"].contains(&unit.trim_matches([')', ','])));
            let is_size = line.contains(".sql.gz")
                && words
                    .get(at + 1)
                    .is_some_and(|unit| ["B", "KB"].contains(&unit.trim_matches(',')));
            let shape: String = word
                .chars()
                .map(|c| if c.is_ascii_digit() { '0' } else { c })
                .collect();
            let dates = ["0000-00-00", "00:00:00", "00000000T000000Z"];
            let is_date = dates.iter().any(|date| shape.contains(date));
            out.push_str(match (is_duration || is_size, is_date) {
                (true, _) => "0",
                (_, true) => &shape,
                _ => word,
            });
            out.push(' ');
        }
        out.push('\n');
    }
    out
}
