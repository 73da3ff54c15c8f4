//! The folders below a project: what is there belongs to another project, or is to stay as it is. It never writes.

use std::path::{Path, PathBuf};

/// Deeper than that, projects are test data of others.
const DEPTH: usize = 4;

/// Whether to look below a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Look {
    /// At the folders in it too.
    Deeper,
    /// Only at its neighbours.
    NoDeeper,
}

/// Goes through the folders below `root`, by their paths from there. Hidden folders and those that tools fill are left
/// out, and so is what cannot be read.
pub(crate) fn for_each_folder(root: &Path, mut look: impl FnMut(&Path) -> Look) {
    let mut folders = vec![(PathBuf::new(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let entries = std::fs::read_dir(root.join(&folder)).into_iter().flatten();
        for entry in entries.flatten() {
            let name = entry.file_name();
            let hidden = name.to_str().is_some_and(|name| name.starts_with('.'));
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            if !is_folder || hidden || name == "target" || name == "node_modules" {
                continue;
            }
            let below = folder.join(&name);
            if look(&below) == Look::Deeper && depth + 1 < DEPTH {
                folders.push((below, depth + 1));
            }
        }
    }
}

/// The folders below `root` that have migrations, in the order of their names.
pub(crate) fn with_migrations(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for_each_folder(root, |folder| {
        let entries = std::fs::read_dir(root.join(folder).join("migrations"));
        let mut entries = entries.into_iter().flatten().flatten();
        let is_sql = |path: PathBuf| path.extension().is_some_and(|it| it == "sql");
        if entries.any(|entry| is_sql(entry.path())) {
            found.push(folder.to_owned());
            return Look::NoDeeper;
        }
        Look::Deeper
    });
    found.sort();
    found
}

/// Files that stand at the top of a project: settings of Seedbed, or what a language's own tool reads.
const TOP: [&str; 9] = [
    "config.toml",
    ".env",
    "Cargo.toml",
    "package.json",
    "go.mod",
    "pyproject.toml",
    "deno.json",
    "composer.json",
    "Gemfile",
];

/// Whether a folder is the top of a project, and not a part of one.
pub(crate) fn is_a_project(folder: &Path) -> bool {
    TOP.iter().any(|name| folder.join(name).exists())
}
