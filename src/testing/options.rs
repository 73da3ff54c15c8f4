//! Which files make a database, and where it is kept. What a project says of itself is read from its `config.toml`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::TestingError;
use crate::config::{ConfigError, Flags, Sources, TomlText, project_root, resolve};
use crate::db::HistoryTable;
use crate::layouts::LayoutChoice;
use crate::setters::setters;

/// What a database of a test is made of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Options {
    /// The folder of the migrations.
    pub migrations: PathBuf,
    /// How it is read; without a choice, its files tell.
    pub layout: Option<LayoutChoice>,
    /// The folder of the seeds. Where it is not there, or has no seeds, the database is only migrated.
    pub seeds: PathBuf,
    /// The environment whose seeds run: `test`.
    pub environment: String,
    /// Seeds with one of these tags run too.
    pub tags: Vec<String>,
    /// Where templates and databases are kept: `target/seedbed`.
    pub folder: PathBuf,
    /// The table that holds the history of migrations.
    pub history_table: HistoryTable,
}

setters!(Options {
    migrations: PathBuf,
    layout: Option<LayoutChoice>,
    seeds: PathBuf,
    environment: String,
    tags: Vec<String>,
    folder: PathBuf,
    history_table: HistoryTable,
});

impl Options {
    /// These migrations and the seeds of an environment. Templates and databases are kept in `folder`; see
    /// [`Options::folder_of`].
    #[must_use]
    pub fn new(
        migrations: impl Into<PathBuf>,
        seeds: impl Into<PathBuf>,
        environment: impl Into<String>,
        folder: impl Into<PathBuf>,
    ) -> Options {
        Options {
            migrations: migrations.into(),
            layout: None,
            seeds: seeds.into(),
            environment: environment.into(),
            tags: Vec::new(),
            folder: folder.into(),
            history_table: HistoryTable::default(),
        }
    }

    /// For the project in a folder, as its `config.toml` names the folders of migrations and seeds. `target` is its
    /// target folder, where that is known; see [`Options::folder_of`].
    ///
    /// # Errors
    /// [`ConfigError`], with every problem of `config.toml`.
    pub fn of_project(
        root: &Path,
        environment: &str,
        target: Option<OsString>,
    ) -> Result<Options, ConfigError> {
        let path = PathBuf::from("config.toml");
        let toml = crate::regular::text(&root.join(&path)).ok();
        let sources = Sources {
            flags: Flags::default(),
            toml: toml.map(|text| TomlText { path, text }),
            root: root.to_owned(),
            cwd: root.to_owned(),
            ..Sources::default()
        };
        let project = resolve(&sources).project()?;
        Ok(Options {
            migrations: project.migrations.value,
            layout: project.layout.map(|it| it.value),
            seeds: project.seeds.value,
            environment: environment.to_owned(),
            tags: Vec::new(),
            folder: Options::folder_of(root, target),
            history_table: project.history_table.value,
        })
    }

    /// The folder of the templates.
    pub(super) fn templates(&self) -> PathBuf {
        self.folder.join("templates")
    }

    /// The file that is locked while a template is made.
    #[doc(hidden)]
    pub fn lock(&self) -> PathBuf {
        self.templates().join("lock")
    }

    /// How its databases are opened.
    pub(super) fn of_database(&self) -> crate::db::Options {
        crate::db::Options {
            history_table: self.history_table.clone(),
            ..crate::db::Options::default()
        }
    }

    /// Where templates and databases are kept: `seedbed` in the target folder. If that is unknown, it is the
    /// nearest `target` from the project upwards that cargo has made, which is the one of its workspace.
    pub fn folder_of(root: &Path, target: Option<OsString>) -> PathBuf {
        let told = target.filter(|target| !target.is_empty());
        let target = match told {
            Some(target) => root.join(target),
            None => workspace_target(root).unwrap_or_else(|| root.join("target")),
        };
        target.join("seedbed")
    }

    /// For the project that the test is in.
    pub(super) fn here(environment: &str) -> Result<Options, TestingError> {
        let package = match std::env::var_os("CARGO_MANIFEST_DIR") {
            Some(package) => PathBuf::from(package),
            None => std::env::current_dir().map_err(TestingError::NoProject)?,
        };
        let root = project_root(&package);
        let target = std::env::var_os("CARGO_TARGET_DIR");
        Ok(Options::of_project(&root, environment, target)?)
    }
}

/// A `target` with the tag that cargo puts into it, not above the repository.
fn workspace_target(root: &Path) -> Option<PathBuf> {
    for folder in root.ancestors() {
        let target = folder.join("target");
        if target.join("CACHEDIR.TAG").is_file() {
            return Some(target);
        }
        if folder.join(".git").exists() {
            break;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[&str], root: &str, target: Option<&str>, expect: &str) {
        let folder = tempfile::tempdir().unwrap();
        for file in files {
            let file = folder.path().join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, "").unwrap();
        }
        let found = Options::folder_of(&folder.path().join(root), target.map(OsString::from));
        assert_eq!(found, folder.path().join(expect), "{files:?}");
    }

    #[test]
    fn a_member_of_a_workspace_keeps_its_databases_in_the_target_of_the_workspace() {
        let tag = "target/CACHEDIR.TAG";
        check(&[], "app", None, "app/target/seedbed");
        check(&[tag, ".git"], "app", None, "target/seedbed");
        check(&[tag, "app/.git"], "app", None, "app/target/seedbed");
        check(&[tag], "app", Some(""), "target/seedbed");
        check(&[tag], "app", Some("out"), "app/out/seedbed");
    }

    #[test]
    fn folders_come_from_config_toml_and_its_problems_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("config.toml");
        std::fs::write(
            &config,
            "[migrations]\ndir = \"db/steps\"\n[seeds]\ndir = \"db/rows\"\n",
        )
        .unwrap();
        // It would choose another database, and is not read.
        std::fs::write(folder.path().join(".env"), "USE_TURSO=perhaps\n").unwrap();
        let options = Options::of_project(folder.path(), "test", None).unwrap();
        assert_eq!(options.migrations, folder.path().join("db/steps"));
        assert_eq!(options.seeds, folder.path().join("db/rows"));
        std::fs::write(&config, "[seeds]\ndirr = \"rows\"\n").unwrap();
        let error = Options::of_project(folder.path(), "test", None).unwrap_err();
        assert!(error.to_string().contains("dirr"), "{error}");
    }
}
