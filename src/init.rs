//! Setting a project up: the files that `cargo xtask` needs. It makes files and adds lines to them; it never writes
//! over a file, and a second time changes nothing.

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
    project.whole(".env.example", include_str!("../.env.example"))?;
    project.lines(
        ".gitattributes",
        "# Checksums are of texts with LF, on every system.",
        &["*.sql text eol=lf", "seeds/** text eol=lf"],
    )?;
    project.lines(
        ".gitignore",
        "# Databases of this machine, and their tokens.",
        &["/.env", "/local.db*", "/local_replica.db*"],
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
            self.write_over(name, &after)?;
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
                    "add `{dependency}` to its dependencies, and call `seedbed::cli::main()`"
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
            (Edit::To(text), Some(_)) => self.write_over(name, &text)?,
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

    /// Only ever with the text that was there and more.
    fn write_over(&mut self, name: &str, text: &str) -> Result<(), InitError> {
        let path = self.root.join(name);
        std::fs::write(&path, text).map_err(|source| InitError::Write { path, source })?;
        self.did(name, Wrote::Extended);
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
mod tests {
    use super::*;

    fn describe(wrote: &[(PathBuf, Wrote)]) -> Vec<String> {
        let words = wrote.iter().map(|(path, did)| {
            let did = match did {
                Wrote::Written => "written",
                Wrote::Extended => "extended",
                Wrote::Kept => "kept",
                Wrote::TellUser(words) => words,
            };
            format!("{} {did}", path.display())
        });
        words.collect()
    }

    fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    /// What is said the first time; the second time everything is kept, or told again.
    #[track_caller]
    fn check(files: &[(&str, &str)], expect: &[&str]) -> tempfile::TempDir {
        let folder = project(files);
        let first = init(folder.path(), &InitOptions::default()).unwrap();
        assert_eq!(describe(&first), expect);
        let second = init(folder.path(), &InitOptions::default()).unwrap();
        assert!(
            second
                .iter()
                .all(|(_, did)| !matches!(did, Wrote::Written | Wrote::Extended)),
            "{:?}",
            describe(&second)
        );
        for (name, text) in files {
            let after = std::fs::read_to_string(folder.path().join(name)).unwrap();
            let mut rest = after.chars();
            assert!(
                text.chars().all(|c| rest.any(|d| c == d)),
                "{name} lost something: {after}"
            );
        }
        folder
    }

    #[test]
    fn a_package_gets_all_that_cargo_xtask_needs() {
        let folder = check(
            &[
                ("Cargo.toml", "[package]\nname = \"app\"\n"),
                ("src/lib.rs", ""),
            ],
            &[
                "Cargo.toml extended",
                "xtask/Cargo.toml written",
                "xtask/src/main.rs written",
                ".cargo/config.toml written",
                ".env.example written",
                ".gitattributes written",
                ".gitignore written",
                "migrations written",
            ],
        );
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        let version = env!("CARGO_PKG_VERSION");
        assert!(
            read("xtask/Cargo.toml")
                .ends_with(&format!("[dependencies]\nseedbed = \"{version}\"\n"))
        );
        assert_eq!(
            read(".gitignore"),
            "# Databases of this machine, and their tokens.\n/.env\n/local.db*\n/local_replica.db*\n"
        );
        assert!(read("Cargo.toml").contains("[workspace]\nmembers = [\"xtask\"]\n"));
    }

    #[test]
    fn files_that_are_there_are_kept_or_extended() {
        check(
            &[
                ("Cargo.toml", "[workspace]\nmembers = [\n  \"app\",\n]\n"),
                ("xtask/Cargo.toml", "[package]\nname = \"xtask\"\n"),
                ("xtask/src/main.rs", "fn main() {}\n"),
                (".cargo/config.toml", "[alias]\nxtask = \"run -p tools\"\n"),
                (".env.example", "TURSO_DATABASE_URL=\n"),
                (".gitattributes", "*.sql text eol=lf\n"),
                (".gitignore", ".env\nlocal.db*\nlocal_replica.db*\n"),
                ("migrations/V1__a.sql", "SELECT 1;"),
            ],
            &[
                "Cargo.toml extended",
                &format!(
                    "xtask/Cargo.toml add `seedbed = \"{}\"` to its dependencies, and call `seedbed::cli::main()`",
                    env!("CARGO_PKG_VERSION")
                ),
                "xtask/src/main.rs kept",
                ".cargo/config.toml the alias xtask is taken: give it another name, or make it \
                 `xtask = \"run --quiet --package xtask --\"`",
                ".env.example kept",
                ".gitattributes extended",
                ".gitignore kept",
                "migrations kept",
            ],
        );
    }

    #[test]
    fn a_folder_without_cargo_becomes_a_workspace() {
        let folder = check(
            &[("package.json", "{}")],
            &[
                "Cargo.toml written",
                ".gitignore written",
                "xtask/Cargo.toml written",
                "xtask/src/main.rs written",
                ".cargo/config.toml written",
                ".env.example written",
                ".gitattributes written",
                ".gitignore extended",
                "migrations written",
            ],
        );
        let text = std::fs::read_to_string(folder.path().join("Cargo.toml")).unwrap();
        assert!(text.contains("resolver"), "{text}");
    }

    #[test]
    fn a_manifest_that_cannot_be_edited_safely_is_left_and_told() {
        check(
            &[(
                "Cargo.toml",
                "workspace = { resolver = \"3\" }\nprofile = {}\n",
            )],
            &[
                "Cargo.toml add `members = [\"xtask\"]` to the workspace",
                "Cargo.toml add `[profile.dev.package.libsql-ffi] opt-level = 3`",
                "xtask/Cargo.toml written",
                "xtask/src/main.rs written",
                ".cargo/config.toml written",
                ".env.example written",
                ".gitattributes written",
                ".gitignore written",
                "migrations written",
            ],
        );
    }

    #[test]
    fn a_member_of_a_workspace_is_not_made_one_of_its_own() {
        let folder = project(&[
            (
                "Cargo.toml",
                "[workspace]\nmembers = [\"app\"]\nexclude = [\"other\"]\n",
            ),
            ("app/Cargo.toml", "[package]\nname = \"app\"\n"),
            ("other/Cargo.toml", "[package]\nname = \"other\"\n"),
        ]);
        let error = init(&folder.path().join("app"), &InitOptions::default()).unwrap_err();
        assert!(matches!(error, InitError::InWorkspace { .. }), "{error}");
        assert!(!folder.path().join("app/xtask").exists());
        init(&folder.path().join("other"), &InitOptions::default()).unwrap();
    }

    #[test]
    fn a_path_goes_into_the_dependency_as_cargo_reads_it() {
        let line = |path: &str| dependency_line(&Dependency::Path(path.into()));
        assert_eq!(
            line("vendor/seedbed"),
            "seedbed = { path = \"../vendor/seedbed\" }"
        );
        assert_eq!(
            line("/opt/a \"b\""),
            "seedbed = { path = \"/opt/a \\\"b\\\"\" }"
        );
    }

    #[test]
    fn what_cannot_be_read_or_written_is_named() {
        let folder = project(&[("migrations", "a file"), (".gitignore/a", "")]);
        let error = init(folder.path(), &InitOptions::default()).unwrap_err();
        assert!(error.to_string().starts_with("cannot read"), "{error}");
        let error = init(&folder.path().join("none"), &InitOptions::default()).unwrap_err();
        assert!(matches!(error, InitError::NoDirectory { .. }), "{error}");
    }
}
