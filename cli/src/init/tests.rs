//! What is made, added to and left alone, as specifications.

use super::*;

fn describe(wrote: &[(PathBuf, Wrote)]) -> Vec<String> {
    let words = wrote.iter().map(|(path, did)| {
        let did = match did {
            Wrote::Written => "written",
            Wrote::Extended => "extended",
            Wrote::Replaced(_) => "replaced",
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
            .all(|(_, did)| !matches!(did, Wrote::Written | Wrote::Extended | Wrote::Replaced(_))),
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
        read("xtask/Cargo.toml").ends_with(&format!("[dependencies]\nseedbed = \"{version}\"\n"))
    );
    assert_eq!(
        read(".gitignore"),
        "# Databases of this machine, their tokens and their backups.\n/.env\n/local.db*\n/local_replica.db*\n/backups\n"
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
            (
                ".gitignore",
                ".env\nlocal.db*\nlocal_replica.db*\nbackups\n",
            ),
            ("migrations/V1__a.sql", "SELECT 1;"),
        ],
        &[
            "Cargo.toml extended",
            &format!(
                "xtask/Cargo.toml add `seedbed = \"{}\"` to its dependencies, and call `seedbed_cli::main()`",
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
