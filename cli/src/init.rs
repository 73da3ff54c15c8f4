//! Setting a project up: the files that `cargo xtask` or the program needs. It makes files and adds lines to them; it
//! never writes over a file, and a second time changes nothing. The only lines that it replaces are its own, of an
//! earlier version.

mod dependency;
mod edit;
mod kind;

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::below::{Look, for_each_folder};
pub use dependency::Dependency;
use edit::Edit;
pub use kind::{Found, Kind, OTHERS};
use seedbed::doctor::lock_file;

/// How to set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitOptions {
    /// How the project runs Seedbed.
    pub kind: Kind,
    /// Where Seedbed comes from.
    pub dependency: Dependency,
    /// Whether a workflow for GitHub is written that checks pull requests.
    pub workflow: Workflow,
}

/// Whether a workflow for GitHub is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Workflow {
    /// A workflow for GitHub that checks pull requests
    Github,
    /// None
    None,
}

/// What happened to one file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wrote {
    /// It was made.
    Written,
    /// It was there, and lines were added to it.
    Extended,
    /// It was there, and lines of an earlier version were replaced; the reason and what to do.
    Replaced(String),
    /// It was there and is left as it is.
    Kept,
    /// It was there and needs a change that is its owner's to make; the words for them.
    TellUser(String),
}

/// The project is not set up. Files that were written before stay: run it again.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is no directory to set up.
    #[error("there is no directory {}", path.display())]
    NoDirectory {
        /// Where.
        path: PathBuf,
    },
    /// A package cannot have a workspace of its own inside of another one.
    #[error("this folder belongs to the workspace of {}: set up that one, or this one with `--kind program`", path.display())]
    InWorkspace {
        /// The `Cargo.toml` of the workspace.
        path: PathBuf,
    },
    /// The sources that were named are not Seedbed's.
    #[error("{} has no package seedbed-cli, neither in it nor in its folder cli", path.display())]
    NotSeedbed {
        /// The folder.
        path: PathBuf,
    },
    /// Reading failed.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Writing failed.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Sets up the project in `root`, and says for each file, by its path below `root`, what was done. A file about which
/// two things are to be said comes twice.
///
/// # Errors
/// [`InitError`].
pub fn init(root: &Path, options: &InitOptions) -> Result<Vec<(PathBuf, Wrote)>, InitError> {
    if !root.is_dir() {
        return Err(InitError::NoDirectory {
            path: root.to_path_buf(),
        });
    }
    let mut project = Project {
        root,
        wrote: Vec::new(),
    };
    options.dependency.checked(root)?;
    match (options.kind, other_xtask(root)) {
        (Kind::Xtask, None) => {
            project.cargo_toml()?;
            project.xtask(&options.dependency)?;
            project.cargo_config()?;
        }
        // Two packages of one name are an error of cargo.
        (Kind::Xtask, Some(folder)) => {
            let line = options.dependency.line(root);
            let manifest = folder.join("Cargo.toml").display().to_string();
            project.did(
                &manifest,
                Wrote::TellUser(format!(
                    "the package xtask is here: add `{line}` to its dependencies, with the path from there, and give it the commands of `seedbed_cli::main_from`"
                )),
            );
        }
        (Kind::Program, _) => {}
    }
    project.excluded()?;
    project.whole("config.toml", include_str!("init/config.toml.template"))?;
    project.whole(".env.example", include_str!("../../.env.example"))?;
    project.git_attributes()?;
    // With cargo, all of target/ is ignored already.
    let of_tests = (options.kind == Kind::Program).then_some("/target/seedbed");
    let ignored = ["/.env", "/local.db*", "/local_replica.db*", "/backups"];
    let ignored: Vec<&str> = ignored.into_iter().chain(of_tests).collect();
    project.lines(
        ".gitignore",
        "# Databases of this machine, their tokens and their backups.",
        &ignored,
    )?;
    project.folder("migrations")?;
    project.first_seed()?;
    project.other_engines()?;
    if options.workflow == Workflow::Github {
        project.workflow(options)?;
    }
    Ok(project.wrote)
}

/// The folder of a package `xtask` below `root`, other than the one that is written.
fn other_xtask(root: &Path) -> Option<PathBuf> {
    let mut found = None;
    for_each_folder(root, |folder| {
        let text = std::fs::read_to_string(root.join(folder).join("Cargo.toml"));
        if folder != Path::new("xtask") && text.is_ok_and(|text| edit::is_package(&text, "xtask")) {
            found = Some(folder.to_owned());
        }
        Look::Deeper
    });
    found
}

/// What tells the kind of the project in `root`.
#[must_use]
pub fn found(root: &Path) -> Found {
    Found {
        manifest: root.join("Cargo.toml").is_file(),
        below: packages_below(root),
        other: other(root),
    }
}

/// The first file of another language, in `root` or else in a folder below it.
fn other(root: &Path) -> Option<String> {
    let in_folder = |folder: &Path| {
        let file = OTHERS
            .into_iter()
            .find(|file| root.join(folder).join(file).is_file());
        file.map(|file| folder.join(file).display().to_string())
    };
    let mut found = in_folder(Path::new(""));
    for_each_folder(root, |folder| {
        found = found.take().or_else(|| in_folder(folder));
        match found {
            Some(_) => Look::NoDeeper,
            None => Look::Deeper,
        }
    });
    found
}

/// The packages below a folder that no workspace in between takes in, by their folders, which begin at `root`. A new
/// workspace in `root` would take them in, and cargo refuses a package that a workspace does not name.
fn packages_below(root: &Path) -> Vec<PathBuf> {
    let mut packages = Vec::new();
    for_each_folder(root, |folder| {
        match std::fs::read_to_string(root.join(folder).join("Cargo.toml")) {
            Ok(text) if edit::has_workspace(&text) => Look::NoDeeper,
            Ok(_) => {
                packages.push(folder.to_owned());
                Look::NoDeeper
            }
            // One that cannot be read is none that cargo could use.
            Err(_) => Look::Deeper,
        }
    });
    packages.retain(|folder| folder != Path::new("xtask"));
    packages.sort();
    packages
}

struct Project<'a> {
    root: &'a Path,
    wrote: Vec<(PathBuf, Wrote)>,
}

impl Project<'_> {
    fn cargo_toml(&mut self) -> Result<(), InitError> {
        let name = "Cargo.toml";
        let Some(text) = self.read(name)? else {
            self.outside_of_workspaces()?;
            self.whole(name, &edit::new_cargo_toml(&packages_below(self.root)))?;
            return self.lines(".gitignore", "# What cargo builds.", &["/target"]);
        };
        let mut below = Vec::new();
        if let Some(workspace) = edit::workspace_of(&text) {
            let path = self.root.join(workspace).join("Cargo.toml");
            return Err(InitError::InWorkspace { path });
        }
        if !edit::has_workspace(&text) {
            self.outside_of_workspaces()?;
            below = packages_below(self.root);
        }
        let mut after = text.clone();
        let mut tell = Vec::new();
        let with_member = |text: &str| edit::with_member(text, &below);
        for edit in [&with_member as &dyn Fn(&str) -> Edit, &edit::with_profile] {
            match edit(&after) {
                Edit::Fine => {}
                Edit::To(text) => after = text,
                Edit::Tell(words) => tell.push(words),
            }
        }
        if after != text {
            self.write_over(name, &after, Wrote::Extended)?;
        } else if tell.is_empty() {
            self.did(name, Wrote::Kept);
        }
        for words in tell {
            self.did(name, Wrote::TellUser(words));
        }
        Ok(())
    }

    /// A workspace that takes in every folder leaves those of Seedbed out.
    fn excluded(&mut self) -> Result<(), InitError> {
        let name = "Cargo.toml";
        let text = self.read(name)?.unwrap_or_default();
        match edit::with_excluded(&text, &["migrations", "seeds"]) {
            Edit::Fine => {}
            Edit::To(text) => self.write_over(name, &text, Wrote::Extended)?,
            Edit::Tell(words) => self.did(name, Wrote::TellUser(words)),
        }
        Ok(())
    }

    /// Cargo takes the nearest folder above that has a workspace for this one's.
    fn outside_of_workspaces(&self) -> Result<(), InitError> {
        let root = std::path::absolute(self.root).map_err(|source| InitError::Read {
            path: self.root.to_path_buf(),
            source,
        })?;
        for folder in root.ancestors().skip(1) {
            let path = folder.join("Cargo.toml");
            let below = root.strip_prefix(folder).unwrap_or(&root);
            // One that cannot be read is none that cargo could use.
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            if edit::is_workspace_of(&text, below) {
                return Err(InitError::InWorkspace { path });
            }
        }
        Ok(())
    }

    fn xtask(&mut self, dependency: &Dependency) -> Result<(), InitError> {
        let name = "xtask/Cargo.toml";
        let dependency = dependency.line(self.root);
        match self.read(name)? {
            None => {
                let template = include_str!("init/Cargo.toml.template");
                self.whole(name, &format!("{template}{dependency}\n"))?;
            }
            Some(text) if text.contains("seedbed-cli") => self.did(name, Wrote::Kept),
            Some(_) => self.did(
                name,
                Wrote::TellUser(format!(
                    "add `{dependency}` to its dependencies, and call `seedbed_cli::main()`"
                )),
            ),
        }
        self.whole("xtask/src/main.rs", include_str!("init/main.rs.template"))
    }

    fn cargo_config(&mut self) -> Result<(), InitError> {
        // The older name goes before the newer one where both are there.
        let older = ".cargo/config";
        let name = match self.root.join(older).is_file() {
            true => older,
            false => ".cargo/config.toml",
        };
        self.edited(name, edit::with_alias)
    }

    fn git_attributes(&mut self) -> Result<(), InitError> {
        let name = ".gitattributes";
        let before = self.read(name)?.unwrap_or_default();
        let Some(text) = edit::without_old_attributes(&before) else {
            return self.lines(name, edit::ATTRIBUTES_ARE, &edit::ATTRIBUTES);
        };
        let why = format!(
            "`{}` made git change the bytes of binary files. If seeds/ has any, restore their original bytes, then run `git add --renormalize seeds` and commit",
            edit::OLD_ATTRIBUTE
        );
        self.write_over(name, &text, Wrote::Replaced(why))
    }

    /// A program that uses the library and another version of the `libsql` crate cannot be linked.
    fn other_engines(&mut self) -> Result<(), InitError> {
        let name = "Cargo.lock";
        let text = self.read(name)?.unwrap_or_default();
        let other = lock_file::other_engines(&text);
        if !other.is_empty() {
            let (other, ours) = (other.join(" and "), lock_file::SERIES);
            let words = format!(
                "it has libsql {other}, and Seedbed {ours}: a program that links both ends in duplicate symbols, so give one that uses the library seedbed libsql {ours}"
            );
            self.did(name, Wrote::TellUser(words));
        }
        Ok(())
    }

    /// A folder that has no seeds yet gets one whose rows are comments.
    fn first_seed(&mut self) -> Result<(), InitError> {
        let name = "seeds";
        let there = std::fs::read_dir(self.root.join(name));
        match there.is_ok_and(|mut entries| entries.next().is_some()) {
            true => self.did(name, Wrote::Kept),
            false => self.whole(
                "seeds/010_first.yaml",
                include_str!("init/seed.yaml.template"),
            )?,
        }
        Ok(())
    }

    /// GitHub reads workflows in the folder of the repository, which may be above the project.
    fn workflow(&mut self, options: &InitOptions) -> Result<(), InitError> {
        let mut text = include_str!("init/workflow.yml.template").to_owned();
        let repository = self.root.ancestors().find(|it| it.join(".git").exists());
        let below = repository.and_then(|repository| self.root.strip_prefix(repository).ok());
        let below = below.filter(|below| !below.as_os_str().is_empty());
        if let Some(below) = below {
            let below = below.to_string_lossy().replace('\\', "/");
            text.push_str(&format!(
                "    defaults:\n      run: {{working-directory: \"{below}\"}}\n"
            ));
        }
        text.push_str("    steps:\n      - uses: actions/checkout@v5\n");
        text.push_str("        with: {fetch-depth: 0}    # with the branch that --base names\n");
        let check = "check --base \"origin/$GITHUB_BASE_REF\"";
        let install = options.dependency.install();
        text.push_str(&match options.kind {
            Kind::Xtask => format!("      - run: cargo xtask {check}\n"),
            Kind::Program => format!("      - run: {install}\n      - run: seedbed {check}\n"),
        });
        let above = below.map_or(0, |below| below.components().count());
        let name = format!("{}.github/workflows/seedbed.yml", "../".repeat(above));
        match self.read(&name)? {
            Some(there) if there != text => {
                let words = "it is there, and is another one: make sure that it checks this project";
                self.did(&name, Wrote::TellUser(words.to_owned()));
                Ok(())
            }
            _ => self.whole(&name, &text),
        }
    }

    fn lines(&mut self, name: &str, comment: &str, lines: &[&str]) -> Result<(), InitError> {
        self.edited(name, |text| edit::with_lines(text, comment, lines))
    }

    /// A file that is there whole, or made so; one that is there otherwise is kept.
    fn whole(&mut self, name: &str, text: &str) -> Result<(), InitError> {
        match self.write_new(name, text) {
            Ok(()) => self.did(name, Wrote::Written),
            Err(InitError::Write { source, .. }) if source.kind() == ErrorKind::AlreadyExists => {
                self.did(name, Wrote::Kept);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn edited(&mut self, name: &str, edit: impl Fn(&str) -> Edit) -> Result<(), InitError> {
        let before = self.read(name)?;
        match (edit(before.as_deref().unwrap_or_default()), before) {
            (Edit::To(text), None) => self.whole(name, &text)?,
            (Edit::To(text), Some(_)) => self.write_over(name, &text, Wrote::Extended)?,
            (Edit::Fine, _) => self.did(name, Wrote::Kept),
            (Edit::Tell(words), _) => self.did(name, Wrote::TellUser(words)),
        }
        Ok(())
    }

    fn folder(&mut self, name: &str) -> Result<(), InitError> {
        let path = self.root.join(name);
        if path.is_dir() {
            self.did(name, Wrote::Kept);
            return Ok(());
        }
        // Git keeps no empty folder, and a clone without it has no project.
        self.write_new(&format!("{name}/.gitkeep"), "")?;
        self.did(name, Wrote::Written);
        Ok(())
    }

    /// The text of a file, if it is there.
    fn read(&self, name: &str) -> Result<Option<String>, InitError> {
        let path = self.root.join(name);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(InitError::Read { path, source }),
        }
    }

    fn write_new(&self, name: &str, text: &str) -> Result<(), InitError> {
        let path = self.root.join(name);
        let write = || {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&path)?;
            file.write_all(text.as_bytes())
        };
        write().map_err(|source| InitError::Write {
            path: path.clone(),
            source,
        })
    }

    /// Only ever with the text that was there and more, but for lines of an earlier version.
    fn write_over(&mut self, name: &str, text: &str, did: Wrote) -> Result<(), InitError> {
        let path = self.root.join(name);
        std::fs::write(&path, text).map_err(|source| InitError::Write { path, source })?;
        self.did(name, did);
        Ok(())
    }

    fn did(&mut self, name: &str, did: Wrote) {
        self.wrote.push((PathBuf::from(name), did));
    }
}

#[cfg(test)]
mod tests;
