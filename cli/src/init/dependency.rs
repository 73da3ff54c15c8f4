//! Where a project gets Seedbed from: the line of `xtask/Cargo.toml`, and the command that installs the program.

use std::path::{Path, PathBuf};

use super::InitError;

/// Where the project gets Seedbed from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Dependency {
    /// The registry, at the version of the Seedbed that runs.
    #[default]
    Registry,
    /// A git repository, by its URL.
    Git(String),
    /// The folder of the sources; one that is relative begins at the project's root, and stays relative.
    Path(PathBuf),
}

impl Dependency {
    /// Looks whether a folder that was named has the sources.
    ///
    /// # Errors
    /// [`InitError::NotSeedbed`].
    pub(super) fn checked(&self, root: &Path) -> Result<(), InitError> {
        match self {
            Dependency::Path(path) => package_in(&root.join(path))
                .map(drop)
                .ok_or_else(|| InitError::NotSeedbed { path: path.clone() }),
            Dependency::Registry | Dependency::Git(_) => Ok(()),
        }
    }

    /// The flag that names it.
    pub(crate) fn flag(&self) -> Option<&'static str> {
        match self {
            Dependency::Registry => None,
            Dependency::Git(_) => Some("--git"),
            Dependency::Path(_) => Some("--path"),
        }
    }

    /// The line of `xtask/Cargo.toml`, which is one folder below `root`.
    pub(super) fn line(&self, root: &Path) -> String {
        match self {
            Dependency::Registry => format!("seedbed-cli = \"{}\"", env!("CARGO_PKG_VERSION")),
            Dependency::Git(url) => format!("seedbed-cli = {{ git = {} }}", quoted(url)),
            Dependency::Path(path) => {
                let below = package_in(&root.join(path)).unwrap_or_default();
                let path = match path.is_relative() {
                    true => Path::new("..").join(path),
                    false => path.clone(),
                };
                // Without the `/` that an empty folder leaves.
                let path: PathBuf = path.join(below).components().collect();
                let path = path.to_string_lossy().replace('\\', "/");
                format!("seedbed-cli = {{ path = {} }}", quoted(&path))
            }
        }
    }

    /// The command that installs the program.
    pub(super) fn install(&self) -> String {
        let from = match self {
            Dependency::Git(url) => format!(" --git {url}"),
            Dependency::Registry | Dependency::Path(_) => String::new(),
        };
        format!("cargo install --locked seedbed-cli{from}")
    }
}

/// The folder of the package `seedbed-cli` in a folder: itself, or its folder `cli`.
fn package_in(folder: &Path) -> Option<PathBuf> {
    ["", "cli"].into_iter().map(PathBuf::from).find(|below| {
        let manifest = folder.join(below).join("Cargo.toml");
        seedbed::regular::text(&manifest).is_ok_and(|text| text.contains("name = \"seedbed-cli\""))
    })
}

/// A text of TOML: <https://toml.io/en/v1.0.0#string>.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
