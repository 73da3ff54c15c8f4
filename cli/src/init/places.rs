//! The folders and files that the settings of a project name: what `init` makes, ignores and leaves out. Pure.

use std::path::{Component, Path, PathBuf};

/// Where a project keeps what, from its folder on; an absolute path is outside of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Places {
    /// The folder of the migrations.
    pub(crate) migrations: PathBuf,
    /// The folder of the seeds.
    pub(crate) seeds: PathBuf,
    /// The local database.
    pub(crate) local: PathBuf,
    /// The local file of a replica.
    pub(crate) replica: PathBuf,
    /// The folder of the backups.
    pub(crate) backups: PathBuf,
}

impl Default for Places {
    fn default() -> Places {
        Places {
            migrations: PathBuf::from("migrations"),
            seeds: PathBuf::from("seeds"),
            local: PathBuf::from("local.db"),
            replica: PathBuf::from("local_replica.db"),
            backups: PathBuf::from("backups"),
        }
    }
}

impl Places {
    /// The lines of `.gitignore`: databases, their side files and backups, as far as they are in the project.
    pub(super) fn ignored(&self) -> Vec<String> {
        let files = [
            (&self.local, "*"),
            (&self.replica, "*"),
            (&self.backups, ""),
        ];
        let lines = files.into_iter().filter_map(|(path, rest)| {
            let path = inside(path)?;
            Some(format!("/{path}{rest}"))
        });
        std::iter::once("/.env".to_owned()).chain(lines).collect()
    }

    /// The lines of `.gitattributes`: the files whose line ends git may change, which are those that Seedbed reads as text.
    /// Seeds also read images and other binary files (`!file`), so no line names a whole folder.
    pub(super) fn attributes(&self) -> Vec<String> {
        let files = [
            (&self.migrations, "*.sql"),
            (&self.seeds, "*.sql"),
            (&self.seeds, "*.yaml"),
        ];
        let lines = files.into_iter().filter_map(|(folder, files)| {
            let pattern = format!("{}/**/{files}", inside(folder)?);
            // A pattern with a space is quoted: <https://git-scm.com/docs/gitattributes>.
            Some(match pattern.contains(' ') {
                true => format!("\"{pattern}\" text eol=lf"),
                false => format!("{pattern} text eol=lf"),
            })
        });
        lines.collect()
    }

    /// The folders in the project that have no package.
    pub(super) fn without_packages(&self) -> Vec<String> {
        let folders = [&self.migrations, &self.seeds];
        folders.into_iter().filter_map(|it| inside(it)).collect()
    }
}

/// A path below the project with `/`, as git and cargo write it; none where it is outside, or the project itself.
fn inside(path: &Path) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => parts.push(part.to_string_lossy()),
            Component::CurDir => {}
            _ => return None,
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// A path as `config.toml` has it.
pub(super) fn written(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_outside_of_the_project_has_no_line() {
        let places = Places {
            seeds: PathBuf::from("db/test rows"),
            local: PathBuf::from("/var/lib/app.db"),
            replica: PathBuf::from("../replica.db"),
            backups: PathBuf::from("./data/backups/"),
            ..Places::default()
        };
        assert_eq!(places.ignored(), ["/.env", "/data/backups"]);
        let expect = [
            "migrations/**/*.sql text eol=lf",
            "\"db/test rows/**/*.sql\" text eol=lf",
            "\"db/test rows/**/*.yaml\" text eol=lf",
        ];
        assert_eq!(places.attributes(), expect);
        assert_eq!(places.without_packages(), ["migrations", "db/test rows"]);
    }
}
