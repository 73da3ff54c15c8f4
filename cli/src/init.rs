//! Setting a project up: the files that `cargo xtask` or the program needs. It makes files and adds lines to them; it
//! never writes over a file, and a second time changes nothing. The only lines that it replaces are its own, of an
//! earlier version. All files are written, or none.

mod dependency;
mod edit;
mod existing;
mod files;
mod kind;
mod places;
mod survey;

use std::path::{Path, PathBuf};

pub(crate) use dependency::Dependency;
use edit::Edit;
pub(crate) use existing::Existing;
use files::Files;
pub(crate) use kind::Kind;
pub(crate) use places::Places;
use seedbed::doctor::lock_file;
pub(crate) use survey::Survey;

/// How to set up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InitOptions {
    /// How the project runs Seedbed.
    pub(crate) kind: Kind,
    /// Where Seedbed comes from.
    pub(crate) dependency: Dependency,
    /// Whether a workflow for GitHub is written that checks pull requests.
    pub(crate) workflow: Workflow,
    /// Where the settings that are there keep what.
    pub(crate) places: Places,
}

/// Whether a workflow for GitHub is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Workflow {
    /// A workflow for GitHub that checks pull requests
    Github,
    /// None
    None,
}

/// What happened to one file or directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wrote {
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

/// The project is not set up, and every file is as it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InitError {
    /// There is no directory to set up.
    #[error("there is no folder {}", path.display())]
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
    /// A file has the name of a folder.
    #[error("{} is a file, and the project needs a folder of that name", path.display())]
    NotAFolder {
        /// The file.
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
        /// What was written before, and could not be made what it was.
        left: Vec<PathBuf>,
    },
}

/// Sets up the project in `root`, whose folders were looked at, and says for each file, by its path below `root`, what
/// was done. A file about which two things are to be said comes twice.
///
/// # Errors
/// [`InitError`].
pub(crate) fn init(
    root: &Path,
    survey: &Survey,
    options: &InitOptions,
) -> Result<Vec<(PathBuf, Wrote)>, InitError> {
    if !root.is_dir() {
        return Err(InitError::NoDirectory {
            path: root.to_path_buf(),
        });
    }
    let mut project = Project {
        root,
        survey,
        files: Files::of(root),
        wrote: Vec::new(),
    };
    options.dependency.checked(root)?;
    match (options.kind, survey.other_xtask()) {
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
    let places = &options.places;
    project.excluded(places)?;
    project.whole("config.toml", config_toml(places))?;
    project.whole(".env.example", env_example(places))?;
    project.git_attributes(&places.attributes())?;
    let mut ignored = places.ignored();
    // With cargo, all of target/ is ignored already.
    if options.kind == Kind::Program {
        ignored.push("/target/seedbed".to_owned());
    }
    project.lines(
        ".gitignore",
        "# Databases of this machine, their tokens and their backups.",
        &ignored,
    )?;
    project.migrations(&places.migrations)?;
    project.first_seed(&places.seeds)?;
    project.other_engines()?;
    if options.workflow == Workflow::Github {
        project.workflow(options)?;
    }
    project.files.write()?;
    Ok(project.wrote)
}

/// The settings, with the paths that other settings name already.
fn config_toml(places: &Places) -> String {
    let names = Places::default();
    let paths = [
        (&names.local, &places.local),
        (&names.migrations, &places.migrations),
        (&names.seeds, &places.seeds),
    ];
    let template = include_str!("init/config.toml.template").to_owned();
    paths.into_iter().fold(template, |text, (name, path)| {
        let quoted = |path: &Path| dependency::quoted(&places::written(path));
        text.replacen(&quoted(name), &quoted(path), 1)
    })
}

/// The example of `.env`. It goes before `config.toml`, so it names the same replica.
fn env_example(places: &Places) -> String {
    let line = |path: &Path| format!("EMBEDDED_REPLICA_FILE={}", places::written(path));
    let (name, path) = (line(&Places::default().replica), line(&places.replica));
    include_str!("init/env.example.template").replacen(&name, &path, 1)
}

struct Project<'a> {
    root: &'a Path,
    survey: &'a Survey,
    files: Files<'a>,
    wrote: Vec<(PathBuf, Wrote)>,
}

impl Project<'_> {
    fn cargo_toml(&mut self) -> Result<(), InitError> {
        let name = "Cargo.toml";
        let Some(text) = self.files.read(name)? else {
            self.outside_of_workspaces()?;
            self.whole(name, edit::new_cargo_toml(&self.survey.packages_below()))?;
            return self.lines(
                ".gitignore",
                "# What cargo builds.",
                &["/target".to_owned()],
            );
        };
        let mut below = Vec::new();
        if let Some(workspace) = edit::workspace_of(&text) {
            let path = self.root.join(workspace).join("Cargo.toml");
            return Err(InitError::InWorkspace { path });
        }
        if !edit::has_workspace(&text) {
            self.outside_of_workspaces()?;
            below = self.survey.packages_below();
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
            self.write_over(name, after, Wrote::Extended)?;
        } else if tell.is_empty() {
            self.did(name, Wrote::Kept);
        }
        for words in tell {
            self.did(name, Wrote::TellUser(words));
        }
        Ok(())
    }

    /// A workspace that takes in every folder leaves those of Seedbed out.
    fn excluded(&mut self, places: &Places) -> Result<(), InitError> {
        let name = "Cargo.toml";
        let text = self.files.read(name)?.unwrap_or_default();
        match edit::with_excluded(&text, &places.without_packages()) {
            Edit::Fine => {}
            Edit::To(text) => self.write_over(name, text, Wrote::Extended)?,
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
            let text = seedbed::regular::text(&path).unwrap_or_default();
            if edit::is_workspace_of(&text, below) {
                return Err(InitError::InWorkspace { path });
            }
        }
        Ok(())
    }

    fn xtask(&mut self, dependency: &Dependency) -> Result<(), InitError> {
        let name = "xtask/Cargo.toml";
        let dependency = dependency.line(self.root);
        match self.files.read(name)? {
            None => {
                let template = include_str!("init/Cargo.toml.template");
                self.whole(name, format!("{template}{dependency}\n"))?;
            }
            Some(text) if text.contains("seedbed-cli") => self.did(name, Wrote::Kept),
            Some(_) => self.did(
                name,
                Wrote::TellUser(format!(
                    "add `{dependency}` to its dependencies, and call `seedbed_cli::main()`"
                )),
            ),
        }
        self.whole(
            "xtask/src/main.rs",
            include_str!("init/main.rs.template").to_owned(),
        )
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

    fn git_attributes(&mut self, attributes: &[String]) -> Result<(), InitError> {
        let name = ".gitattributes";
        let before = self.files.read(name)?.unwrap_or_default();
        let Some(text) = edit::without_old_attributes(&before, attributes) else {
            return self.lines(name, edit::ATTRIBUTES_ARE, attributes);
        };
        let why = format!(
            "`{}` made git change the bytes of binary files. If seeds/ has any, restore their original bytes, then run `git add --renormalize seeds` and commit",
            edit::OLD_ATTRIBUTE
        );
        self.write_over(name, text, Wrote::Replaced(why))
    }

    /// A program that uses the library and another version of the `libsql` crate cannot be linked.
    fn other_engines(&mut self) -> Result<(), InitError> {
        let name = "Cargo.lock";
        let text = self.files.read(name)?.unwrap_or_default();
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
    fn first_seed(&mut self, folder: &Path) -> Result<(), InitError> {
        self.no_file(folder)?;
        let there = std::fs::read_dir(self.root.join(folder));
        match there.is_ok_and(|mut entries| entries.next().is_some()) {
            true => {
                self.did(&places::written(folder), Wrote::Kept);
                Ok(())
            }
            false => self.whole(
                &places::written(&folder.join("010_first.yaml")),
                include_str!("init/seed.yaml.template").to_owned(),
            ),
        }
    }

    /// GitHub reads workflows in the folder of the repository, which may be above the project.
    fn workflow(&mut self, options: &InitOptions) -> Result<(), InitError> {
        let mut text = include_str!("init/workflow.yml.template").to_owned();
        let repository = self.root.ancestors().find(|it| it.join(".git").exists());
        let below = repository.and_then(|repository| self.root.strip_prefix(repository).ok());
        let below = below.filter(|below| !below.as_os_str().is_empty());
        let folder = below.map(|below| below.to_string_lossy().replace('\\', "/"));
        match (options.kind, &options.dependency) {
            // The action fetches what it compares with, and a program that is built already.
            (Kind::Program, Dependency::Registry) => {
                text.push_str("    steps:\n      - uses: actions/checkout@v5\n");
                let version = env!("CARGO_PKG_VERSION");
                text.push_str(&format!("      - uses: seedbed-rs/seedbed@v{version}\n"));
                if let Some(folder) = folder {
                    text.push_str(&format!("        with: {{directory: \"{folder}\"}}\n"));
                }
            }
            (kind, dependency) => {
                if let Some(folder) = &folder {
                    text.push_str(&format!(
                        "    defaults:\n      run: {{working-directory: \"{folder}\"}}\n"
                    ));
                }
                text.push_str("    steps:\n      - uses: actions/checkout@v5\n");
                text.push_str(
                    "        with: {fetch-depth: 0}    # with the branch that --base names\n",
                );
                // A build of Seedbed compiles its engine, which takes minutes.
                text.push_str("      - uses: Swatinem/rust-cache@v2\n");
                if let Some(folder) = &folder {
                    text.push_str(&format!("        with: {{workspaces: \"{folder}\"}}\n"));
                }
                let check = "check --base \"origin/$GITHUB_BASE_REF\"";
                let install = dependency.install();
                text.push_str(&match kind {
                    Kind::Xtask => format!("      - run: cargo xtask {check}\n"),
                    Kind::Program => {
                        format!("      - run: {install}\n      - run: seedbed {check}\n")
                    }
                });
            }
        }
        let above = below.map_or(0, |below| below.components().count());
        let name = format!("{}.github/workflows/seedbed.yml", "../".repeat(above));
        match self.files.read(&name)? {
            Some(there) if there != text => {
                let words =
                    "it is there, and is another one: make sure that it checks this project";
                self.did(&name, Wrote::TellUser(words.to_owned()));
                Ok(())
            }
            _ => self.whole(&name, text),
        }
    }

    fn lines(&mut self, name: &str, comment: &str, lines: &[String]) -> Result<(), InitError> {
        self.edited(name, |text| edit::with_lines(text, comment, lines))
    }

    /// A file that is there whole, or made so; one that is there otherwise is kept.
    fn whole(&mut self, name: &str, text: String) -> Result<(), InitError> {
        if self.files.has(name) {
            self.did(name, Wrote::Kept);
            return Ok(());
        }
        self.write_over(name, text, Wrote::Written)
    }

    fn edited(&mut self, name: &str, edit: impl Fn(&str) -> Edit) -> Result<(), InitError> {
        let before = self.files.read(name)?;
        match (edit(before.as_deref().unwrap_or_default()), before) {
            (Edit::To(text), None) => self.whole(name, text)?,
            (Edit::To(text), Some(_)) => self.write_over(name, text, Wrote::Extended)?,
            (Edit::Fine, _) => self.did(name, Wrote::Kept),
            (Edit::Tell(words), _) => self.did(name, Wrote::TellUser(words)),
        }
        Ok(())
    }

    /// Refuses a file where a folder is to be.
    fn no_file(&self, folder: &Path) -> Result<(), InitError> {
        let path = self.root.join(folder);
        match path.is_file() {
            true => Err(InitError::NotAFolder { path }),
            false => Ok(()),
        }
    }

    fn migrations(&mut self, folder: &Path) -> Result<(), InitError> {
        self.no_file(folder)?;
        let name = places::written(folder);
        if self.root.join(folder).is_dir() {
            self.did(&name, Wrote::Kept);
            return Ok(());
        }
        // Git keeps no empty folder, and a clone without it has no project.
        let keep = places::written(&folder.join(".gitkeep"));
        self.files.put(&keep, String::new())?;
        self.did(&name, Wrote::Written);
        Ok(())
    }

    /// Only ever with the text that was there and more, but for lines of an earlier version.
    fn write_over(&mut self, name: &str, text: String, did: Wrote) -> Result<(), InitError> {
        self.files.put(name, text)?;
        self.did(name, did);
        Ok(())
    }

    /// Several edits of one file are one: it was written if it was not there, else extended if one of them did.
    fn did(&mut self, name: &str, did: Wrote) {
        let path = PathBuf::from(name);
        let is_plain = |did: &Wrote| matches!(did, Wrote::Written | Wrote::Extended | Wrote::Kept);
        let before = self.wrote.iter_mut();
        let mut before = before.filter(|(of, did)| *of == path && is_plain(did));
        match before.next() {
            Some((_, before)) if is_plain(&did) => {
                if *before == Wrote::Kept {
                    *before = did;
                }
            }
            _ => self.wrote.push((path, did)),
        }
    }
}

#[cfg(test)]
mod tests;
