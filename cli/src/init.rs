//! Setting a project up: the files that `cargo xtask` needs. It makes files and adds lines to them; it never writes
//! over a file, and a second time changes nothing. The only lines that it replaces are its own, of an earlier version.

mod edit;

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use edit::Edit;

/// Where the project gets Seedbed from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Dependency {
    /// The registry, at the version of the Seedbed that runs.
    #[default]
    Registry,
    /// A directory; one that is relative begins at the project's root.
    Path(PathBuf),
}

/// How to set up.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InitOptions {
    /// Where Seedbed comes from.
    pub dependency: Dependency,
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
    #[error("this folder belongs to the workspace of {}: set up that one", path.display())]
    InWorkspace {
        /// The `Cargo.toml` of the workspace.
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
    project.cargo_toml()?;
    project.xtask(&options.dependency)?;
    project.cargo_config()?;
    project.whole(".env.example", include_str!("../../.env.example"))?;
    project.git_attributes()?;
    project.lines(
        ".gitignore",
        "# Databases of this machine, their tokens and their backups.",
        &["/.env", "/local.db*", "/local_replica.db*", "/backups"],
    )?;
    project.folder("migrations")?;
    Ok(project.wrote)
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
            self.whole(name, &edit::new_cargo_toml())?;
            return self.lines(".gitignore", "# What cargo builds.", &["/target"]);
        };
        if !edit::has_workspace(&text) {
            self.outside_of_workspaces()?;
        }
        let mut after = text.clone();
        let mut tell = Vec::new();
        for edit in [edit::with_member, edit::with_profile] {
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
        let dependency = dependency_line(dependency);
        match self.read(name)? {
            None => {
                let template = include_str!("init/Cargo.toml.template");
                self.whole(name, &format!("{template}{dependency}\n"))?;
            }
            Some(text) if text.contains("seedbed") => self.did(name, Wrote::Kept),
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
        let did = match path.is_dir() {
            true => Wrote::Kept,
            false => Wrote::Written,
        };
        std::fs::create_dir_all(&path).map_err(|source| InitError::Write { path, source })?;
        self.did(name, did);
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

/// The line of `xtask/Cargo.toml` that names Seedbed.
fn dependency_line(dependency: &Dependency) -> String {
    match dependency {
        Dependency::Registry => format!("seedbed = \"{}\"", env!("CARGO_PKG_VERSION")),
        Dependency::Path(path) => {
            // From the root, where this file is one folder further down.
            let path = match path.is_relative() {
                true => Path::new("..").join(path),
                false => path.clone(),
            };
            let path = path
                .to_string_lossy()
                .replace('\\', "/")
                .replace('"', "\\\"");
            format!("seedbed = {{ path = \"{path}\" }}")
        }
    }
}

#[cfg(test)]
mod tests;
