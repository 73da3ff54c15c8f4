//! What is made, added to and left alone, as specifications.

use super::*;

const XTASK: InitOptions = InitOptions {
    kind: Kind::Xtask,
    dependency: Dependency::Registry,
    workflow: Workflow::None,
};
const PROGRAM: InitOptions = InitOptions {
    kind: Kind::Program,
    dependency: Dependency::Registry,
    workflow: Workflow::Github,
};

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
    let first = init(folder.path(), &XTASK).unwrap();
    assert_eq!(describe(&first), expect);
    let second = init(folder.path(), &XTASK).unwrap();
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
            "config.toml written",
            ".env.example written",
            ".gitattributes written",
            ".gitignore written",
            "migrations written",
            "seeds/010_first.yaml written",
        ],
    );
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let version = env!("CARGO_PKG_VERSION");
    assert!(
        read("xtask/Cargo.toml")
            .ends_with(&format!("[dependencies]\nseedbed-cli = \"{version}\"\n"))
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
                "xtask/Cargo.toml add `seedbed-cli = \"{}\"` to its dependencies, and call `seedbed_cli::main()`",
                env!("CARGO_PKG_VERSION")
            ),
            "xtask/src/main.rs kept",
            ".cargo/config.toml the alias xtask is taken: give it another name, or make it \
             `xtask = \"run --quiet --package xtask --\"`",
            "config.toml written",
            ".env.example kept",
            ".gitattributes extended",
            ".gitignore kept",
            "migrations kept",
            "seeds/010_first.yaml written",
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
            "config.toml written",
            ".env.example written",
            ".gitattributes written",
            ".gitignore extended",
            "migrations written",
            "seeds/010_first.yaml written",
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
            "config.toml written",
            ".env.example written",
            ".gitattributes written",
            ".gitignore written",
            "migrations written",
            "seeds/010_first.yaml written",
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
    let error = init(&folder.path().join("app"), &XTASK).unwrap_err();
    assert!(matches!(error, InitError::InWorkspace { .. }), "{error}");
    assert!(!folder.path().join("app/xtask").exists());
    init(&folder.path().join("other"), &XTASK).unwrap();
}

#[test]
fn sources_are_looked_at_and_their_path_stays_as_it_was_given() {
    let manifest = "[package]\nname = \"seedbed-cli\"\n";
    let folder = project(&[
        ("vendor/seedbed/cli/Cargo.toml", manifest),
        ("only \"cli\"/Cargo.toml", manifest),
        ("other/Cargo.toml", "[package]\nname = \"other\"\n"),
    ]);
    let line = |path: &Path| {
        let dependency = Dependency::Path(path.to_owned());
        dependency
            .checked(folder.path())
            .map(|()| dependency.line(folder.path()))
    };
    assert_eq!(
        line(Path::new("vendor/seedbed")).unwrap(),
        "seedbed-cli = { path = \"../vendor/seedbed/cli\" }"
    );
    assert_eq!(
        line(Path::new("only \"cli\"")).unwrap(),
        "seedbed-cli = { path = \"../only \\\"cli\\\"\" }"
    );
    let absolute = folder.path().join("vendor/seedbed");
    let shown = absolute.display();
    assert_eq!(
        line(&absolute).unwrap(),
        format!("seedbed-cli = {{ path = \"{shown}/cli\" }}")
    );
    for path in ["other", "none"] {
        let error = line(Path::new(path)).unwrap_err();
        assert!(matches!(error, InitError::NotSeedbed { .. }), "{error}");
    }
    let git = Dependency::Git("https://example.com/seedbed".to_owned());
    assert_eq!(
        git.line(folder.path()),
        "seedbed-cli = { git = \"https://example.com/seedbed\" }"
    );
}

#[test]
fn packages_below_stay_outside_of_a_new_workspace() {
    let files = [
        ("backend/Cargo.toml", "[package]\nname = \"backend\"\n"),
        ("tools/fuzz/Cargo.toml", "[package]\nname = \"fuzz\"\n"),
        ("own/Cargo.toml", "[workspace]\n"),
        ("own/member/Cargo.toml", "[package]\nname = \"member\"\n"),
        ("target/package/Cargo.toml", "[package]\nname = \"built\"\n"),
        (
            "node_modules/native/Cargo.toml",
            "[package]\nname = \"native\"\n",
        ),
    ];
    let folder = project(&files);
    assert_eq!(found(folder.path()).kind().0, Kind::Program);
    init(folder.path(), &XTASK).unwrap();
    let manifest = std::fs::read_to_string(folder.path().join("Cargo.toml")).unwrap();
    let expect = "[workspace]\nmembers = [\"xtask\"]\nexclude = [\"backend\", \"tools/fuzz\"]\n";
    assert!(manifest.starts_with(expect), "{manifest}");

    let package = ("Cargo.toml", "[package]\nname = \"app\"\n");
    let folder = project(&[&files[..], &[package]].concat());
    assert_eq!(found(folder.path()).kind().0, Kind::Xtask);
    init(folder.path(), &XTASK).unwrap();
    let manifest = std::fs::read_to_string(folder.path().join("Cargo.toml")).unwrap();
    assert!(manifest.contains(expect), "{manifest}");
}

#[test]
fn a_project_that_uses_the_program_gets_nothing_of_cargo() {
    let folder = project(&[("web/package.json", "{}"), (".git/HEAD", "")]);
    let web = folder.path().join("web");
    assert_eq!(found(&web).kind().0, Kind::Program);
    let expect = [
        "config.toml written",
        ".env.example written",
        ".gitattributes written",
        ".gitignore written",
        "migrations written",
        "seeds/010_first.yaml written",
        "../.github/workflows/seedbed.yml written",
    ];
    assert_eq!(describe(&init(&web, &PROGRAM).unwrap()), expect);
    let workflow = folder.path().join(".github/workflows/seedbed.yml");
    let workflow = std::fs::read_to_string(workflow).unwrap();
    let workflow = workflow.replace(env!("CARGO_PKG_VERSION"), "VERSION");
    expect_test::expect![[r##"
        # Tries the migrations and seeds of each pull request on databases in memory.
        name: seedbed

        on: pull_request

        permissions:
          contents: read

        jobs:
          check:
            runs-on: ubuntu-latest
            steps:
              - uses: actions/checkout@v5
              - uses: seedbed-rs/seedbed@vVERSION
                with: {directory: "web"}
    "##]]
    .assert_eq(&workflow);
    // Of sources that are no release, the program is built.
    std::fs::remove_dir_all(folder.path().join(".github")).unwrap();
    let git = InitOptions {
        dependency: Dependency::Git("https://example.com/seedbed".to_owned()),
        ..PROGRAM
    };
    init(&web, &git).unwrap();
    let workflow = folder.path().join(".github/workflows/seedbed.yml");
    let workflow = std::fs::read_to_string(workflow).unwrap();
    let jobs = &workflow[workflow.find("jobs:").unwrap()..];
    expect_test::expect![[r#"
        jobs:
          check:
            runs-on: ubuntu-latest
            defaults:
              run: {working-directory: "web"}
            steps:
              - uses: actions/checkout@v5
                with: {fetch-depth: 0}    # with the branch that --base names
              - run: cargo install --locked seedbed-cli --git https://example.com/seedbed
              - run: seedbed check --base "origin/$GITHUB_BASE_REF"
    "#]]
    .assert_eq(jobs);
    let kept = init(&web, &git).unwrap();
    assert!(kept.iter().all(|(_, did)| *did == Wrote::Kept), "{kept:?}");
}

#[test]
fn what_cannot_be_read_or_written_is_named() {
    let folder = project(&[("migrations", "a file"), (".gitignore/a", "")]);
    let error = init(folder.path(), &XTASK).unwrap_err();
    assert!(error.to_string().starts_with("cannot read"), "{error}");
    let error = init(&folder.path().join("none"), &XTASK).unwrap_err();
    assert!(matches!(error, InitError::NoDirectory { .. }), "{error}");
}
