//! The content of the folder of a project and below it, from one walk through its folders. It never writes.

use std::path::{Path, PathBuf};

use super::edit;
use super::kind::{Found, OTHERS};
use crate::below::{Look, for_each_folder};

/// The manifests and the files of other languages in a project.
#[derive(Debug, Clone, Default)]
pub(crate) struct Survey {
    /// Whether the folder itself has a `Cargo.toml`.
    manifest: bool,
    /// The folders below it that have one, by their paths from there, and its text.
    below: Vec<(PathBuf, String)>,
    /// The first file of another language, in the folder or else below it.
    other: Option<String>,
}

impl Survey {
    /// Looks at a folder. A manifest that cannot be read is none that cargo could use.
    pub(crate) fn of(root: &Path) -> Survey {
        let other = |folder: &Path| {
            let file = OTHERS
                .into_iter()
                .find(|file| root.join(folder).join(file).is_file());
            file.map(|file| folder.join(file).display().to_string())
        };
        let mut survey = Survey {
            manifest: root.join("Cargo.toml").is_file(),
            below: Vec::new(),
            other: other(Path::new("")),
        };
        for_each_folder(root, |folder| {
            if let Ok(text) = seedbed::regular::text(&root.join(folder).join("Cargo.toml")) {
                survey.below.push((folder.to_owned(), text));
            }
            survey.other = survey.other.take().or_else(|| other(folder));
            Look::Deeper
        });
        survey
    }

    /// What tells the kind of the project.
    pub(crate) fn found(&self) -> Found {
        Found {
            manifest: self.manifest,
            below: self.packages_below(),
            other: self.other.clone(),
        }
    }

    /// The packages below the folder that no workspace in between takes in. A new workspace in the folder would take them
    /// in, and cargo refuses a package that a workspace does not name.
    pub(super) fn packages_below(&self) -> Vec<PathBuf> {
        let is_inner = |folder: &Path| {
            let mut above = folder.ancestors().skip(1);
            above.any(|above| self.below.iter().any(|(other, _)| other == above))
        };
        let packages = self.below.iter().filter(|(folder, text)| {
            !edit::has_workspace(text) && !is_inner(folder) && folder != Path::new("xtask")
        });
        let mut packages: Vec<PathBuf> = packages.map(|(folder, _)| folder.clone()).collect();
        packages.sort();
        packages
    }

    /// The folder of a package `xtask`, other than the one that is written.
    pub(super) fn other_xtask(&self) -> Option<&Path> {
        let mut packages = self.below.iter();
        let xtask = packages
            .find(|(folder, text)| folder != Path::new("xtask") && edit::is_package(text, "xtask"));
        xtask.map(|(folder, _)| folder.as_path())
    }
}
