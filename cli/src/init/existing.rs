//! Folders of migrations that a project has already, under the names that other tools give them. It only looks.

use std::path::{Path, PathBuf};

use seedbed::layouts::Layout;
use seedbed::migrations::Migrations;

/// Where tools put migrations, besides `migrations`: drizzle, Prisma, dbmate, Laravel and others.
const USUAL: [&str; 5] = [
    "drizzle",
    "prisma/migrations",
    "db/migrations",
    "database/migrations",
    "sql/migrations",
];

/// A folder with migrations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Existing {
    /// Its path from the folder of the project on.
    pub(crate) folder: PathBuf,
    /// How many migrations it has.
    pub(crate) count: usize,
    /// How it is read.
    pub(crate) layout: Layout,
}

impl Existing {
    /// The migrations of this folder, if it has any.
    pub(crate) fn of(root: &Path, folder: &Path) -> Option<Existing> {
        // What is wrong with one is reported by the commands that use it.
        let set = Migrations::read_dir(root.join(folder)).ok()?;
        let count = set.iter().count();
        (count > 0).then(|| Existing {
            folder: folder.to_owned(),
            count,
            layout: set.layout,
        })
    }

    /// The same of each of the usual folders.
    pub(crate) fn usual(root: &Path) -> Vec<Existing> {
        let folders = USUAL.iter().map(Path::new);
        folders
            .filter_map(|folder| Existing::of(root, folder))
            .collect()
    }
}
