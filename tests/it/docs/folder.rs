//! The folder in which the commands of a page are typed, and the programs that are found there.

use std::os::unix::fs::symlink;
use std::process::Output;

use super::Page;
use crate::adopt::folders::{TOOLS, Tool};
use crate::project::Project;

/// A project, and the program under the names that people type.
pub(super) struct Folder {
    project: Project,
    programs: tempfile::TempDir,
}

impl Folder {
    /// The project of a page. Without a name it has this repository's migrations; `seeded` adds its seeds, `empty` is an
    /// empty folder, and the name of a tool is a folder of three of its files, and a database that has two of them.
    pub(super) fn of(page: &Page) -> Folder {
        let project = match page.project() {
            None => with(Project::bare(), "migrations"),
            Some("seeded") => with(with(Project::bare(), "migrations"), "seeds"),
            Some("empty") => Project::bare(),
            Some(word) => {
                let tool = TOOLS.into_iter().find(|tool| tool.word() == word);
                of_tool(tool.unwrap_or_else(|| panic!("{}: no project {word:?}", page.path)))
            }
        };
        Folder::with_programs(project)
    }

    fn with_programs(project: Project) -> Folder {
        let programs = tempfile::tempdir().unwrap();
        for name in ["xtask", "seedbed"] {
            // A copy could not be run while another test starts a process that inherits its open file.
            symlink(crate::PROGRAM, programs.path().join(name)).unwrap();
        }
        Folder { project, programs }
    }

    /// Writes a file of the project.
    pub(super) fn write(&self, path: &str, text: &str) {
        self.project.write(path, text);
    }

    /// Runs a line of a shell. `cargo xtask` is the program, and not compiled again.
    pub(super) fn output(&self, line: &str) -> Output {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(self.programs.path().to_owned());
        let paths = std::env::join_paths(paths.chain(std::env::split_paths(&path))).unwrap();
        let mut shell = self.project.other("sh");
        shell.env("PATH", paths).env_remove("HOSTNAME");
        let line = line.replace("cargo xtask ", "xtask ");
        shell.arg("-c").arg(line).output().unwrap()
    }

    /// What a person sees: what is printed, standard error first, and the exit code if it is not 0.
    pub(super) fn typed(&self, line: &str) -> String {
        let output = self.output(line);
        let mut text = String::from_utf8(output.stderr).unwrap();
        text.push_str(&String::from_utf8(output.stdout).unwrap());
        if let Some(code @ 1..) = output.status.code() {
            text.push_str(&format!("(exit code {code})\n"));
        }
        text
    }
}

/// With a folder of this repository.
pub(super) fn with(project: Project, folder: &str) -> Project {
    for entry in std::fs::read_dir(super::file(folder)).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let name = path.file_name().unwrap().to_str().unwrap();
            project.write(format!("{folder}/{name}"), std::fs::read(&path).unwrap());
        }
    }
    project
}

fn of_tool(tool: Tool) -> Project {
    let folder = match tool {
        Tool::Drizzle => "drizzle",
        Tool::Prisma => "prisma/migrations",
        Tool::Dbmate => "db/migrations",
        _ => "migrations",
    };
    let files = tool.folder(3).into_iter();
    let project = files.fold(Project::bare(), |project, (name, text)| {
        project.file(name.replacen('m', folder, 1), text)
    });
    let history = tool.history(&[0, 1]);
    let statements: Vec<&str> = Tool::schema(2)
        .into_iter()
        .chain(history.iter().map(String::as_str))
        .collect();
    project.change(&statements);
    project
}
