//! From a directory to the code that stands for it, as text.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::input::{Input, Rebuild};

/// What Cargo reports about the package that is compiled.
pub(crate) struct Surroundings {
    /// The folder of its `Cargo.toml`.
    root: Option<PathBuf>,
    /// Whether it has a build script.
    build_script: bool,
}

impl Surroundings {
    /// Cargo sets these for the compiler: <https://doc.rust-lang.org/cargo/reference/environment-variables.html>.
    pub(crate) fn of_this_process() -> Surroundings {
        Surroundings {
            root: std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from),
            build_script: std::env::var_os("OUT_DIR").is_some(),
        }
    }
}

/// The expression that makes the set.
pub(crate) fn expand(input: &Input, surroundings: &Surroundings) -> Result<String, String> {
    let Some(root) = &surroundings.root else {
        return Err("embed! needs cargo: CARGO_MANIFEST_DIR is not set".to_owned());
    };
    let name = &input.directory;
    if input.rebuild == Rebuild::BuildScript && !surroundings.build_script {
        return Err(format!(
            "without a build script, Cargo does not notice a new file in {name}. Write a build.rs beside Cargo.toml:\n\n    \
             fn main() {{ println!(\"cargo:rerun-if-changed={name}\"); }}\n\n\
             or rebuild by yourself after each new file: embed!({name:?}, rebuild = manual)"
        ));
    }
    let directory = root.join(name);
    if !directory.is_dir() {
        return Err(format!("there is no folder {}", directory.display()));
    }
    let mut files = Vec::new();
    walk(&directory, name.trim_end_matches(['/', '\\']), &mut files)?;
    // Data tests, which `check` runs, are no migrations.
    let tests = format!(
        "{}/tests/",
        name.trim_end_matches(['/', '\\']).replace('\\', "/")
    );
    files.retain(|(name, _)| !name.starts_with(&tests));
    files.sort();
    let mut code = "::seedbed::migrations::Migrations::embedded(&[".to_owned();
    for (name, path) in &files {
        // Writing to a String cannot fail. A slice, as the arrays have different lengths.
        let _ = write!(code, "({name:?}, &::core::include_bytes!({path:?})[..]),");
    }
    code.push_str("])");
    Ok(code)
}

/// Code that does not compile, and says why.
pub(crate) fn refusal(why: &str) -> String {
    format!("::core::compile_error!({why:?})")
}

/// Names as they are shown, and paths as the compiler finds them, of all files that end in `.sql` in any letter case:
/// the very ones that reading the directory would find.
fn walk(folder: &Path, name: &str, files: &mut Vec<(String, String)>) -> Result<(), String> {
    let cannot =
        |path: &Path, error: std::io::Error| format!("cannot read {}: {error}", path.display());
    for entry in std::fs::read_dir(folder).map_err(|error| cannot(folder, error))? {
        let entry = entry.map_err(|error| cannot(folder, error))?;
        let path = entry.path();
        // Hidden files, as editors and systems write them beside others.
        if entry.file_name().to_string_lossy().starts_with(['.', '#']) {
            continue;
        }
        let is_sql = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("sql"));
        let kind = match std::fs::metadata(&path) {
            Ok(kind) => kind,
            Err(_) if !is_sql => continue,
            Err(error) => return Err(cannot(&path, error)),
        };
        let is_dir = kind.is_dir();
        let is_read = is_sql || is_beside(&path);
        if !is_dir && !is_read {
            continue;
        }
        // The compiler would wait for a pipe.
        if is_sql && !kind.is_file() {
            return Err(format!("{} is not a file", path.display()));
        }
        let (Some(last), Some(whole)) = (
            path.file_name().and_then(|last| last.to_str()),
            path.to_str(),
        ) else {
            return Err(format!("the path {} is not UTF-8", path.display()));
        };
        let name = format!("{name}/{last}").replace('\\', "/");
        if is_dir {
            walk(&path, &name, files)?;
        } else {
            files.push((name, whole.to_owned()));
        }
    }
    Ok(())
}

/// What the folders of other tools hold beside their `.sql` files, and without which they are not understood.
fn is_beside(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let folder = path
        .parent()
        .and_then(Path::file_name)
        .and_then(|name| name.to_str());
    match name {
        Some("_journal.json") => folder == Some("meta"),
        Some("metadata.toml" | "migration_lock.toml") => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of this test alone, gone when it ends.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str, files: &[&str]) -> Folder {
            let folder =
                Folder(std::env::temp_dir().join(format!("embed-{}-{name}", std::process::id())));
            for file in files {
                let path = folder.0.join(file);
                if let Some(parent) = path.parent() {
                    std::fs::create_dir_all(parent).unwrap();
                }
                std::fs::write(path, "SELECT 1;").unwrap();
            }
            folder
        }

        fn surroundings(&self, build_script: bool) -> Surroundings {
            Surroundings {
                root: Some(self.0.clone()),
                build_script,
            }
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn input(directory: &str, rebuild: Rebuild) -> Input {
        Input {
            directory: directory.to_owned(),
            rebuild,
        }
    }

    #[test]
    fn every_sql_file_is_compiled_in_by_name_in_order() {
        let files = [
            "db/m/V2__b.sql",
            "db/m/V1__a.down.sql",
            "db/m/sub/V3__c.SQL",
            "db/m/notes.txt",
            "db/V9__x.sql",
        ];
        let folder = Folder::new("order", &files);
        let code = expand(
            &input("db/m/", Rebuild::BuildScript),
            &folder.surroundings(true),
        );
        let at = |file: &str| {
            format!(
                "{:?}",
                folder
                    .0
                    .join("db/m/")
                    .join(file)
                    .to_str()
                    .unwrap_or_default()
            )
        };
        assert_eq!(
            code,
            Ok(format!(
                "::seedbed::migrations::Migrations::embedded(&[\
                 (\"db/m/V1__a.down.sql\", &::core::include_bytes!({})[..]),\
                 (\"db/m/V2__b.sql\", &::core::include_bytes!({})[..]),\
                 (\"db/m/sub/V3__c.SQL\", &::core::include_bytes!({})[..]),])",
                at("V1__a.down.sql"),
                at("V2__b.sql"),
                at("sub/V3__c.SQL"),
            ))
        );
    }

    #[test]
    fn an_empty_directory_is_an_empty_set() {
        let folder = Folder::new("empty", &["m/notes.txt"]);
        let code = expand(&input("m", Rebuild::Manual), &folder.surroundings(false));
        assert_eq!(
            code,
            Ok("::seedbed::migrations::Migrations::embedded(&[])".to_owned())
        );
    }

    #[test]
    fn without_a_build_script_the_line_for_one_is_told_unless_rebuilding_is_manual() {
        let folder = Folder::new("script", &["m/V1__a.sql"]);
        let error = expand(
            &input("m", Rebuild::BuildScript),
            &folder.surroundings(false),
        )
        .unwrap_err();
        assert!(
            error.contains("fn main() { println!(\"cargo:rerun-if-changed=m\"); }"),
            "{error}"
        );
        assert!(error.contains("embed!(\"m\", rebuild = manual)"), "{error}");
        assert!(expand(&input("m", Rebuild::Manual), &folder.surroundings(false)).is_ok());
    }

    #[test]
    fn a_missing_directory_is_told_with_the_path_that_was_looked_for() {
        let folder = Folder::new("missing", &["m/V1__a.sql"]);
        let error = expand(
            &input("migration", Rebuild::Manual),
            &folder.surroundings(false),
        )
        .unwrap_err();
        assert_eq!(
            error,
            format!(
                "there is no folder {}",
                folder.0.join("migration").display()
            )
        );
        assert_eq!(
            refusal("a \"b\""),
            "::core::compile_error!(\"a \\\"b\\\"\")"
        );
    }
}
