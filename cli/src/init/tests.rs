//! What is made, added to and left alone, as specifications.

use super::*;

/// What a project that has nothing gets.
const ALL: [&str; 10] = [
    "Cargo.toml",
    "xtask/Cargo.toml",
    "xtask/src/main.rs",
    ".cargo/config.toml",
    "config.toml",
    ".env.example",
    ".gitattributes",
    ".gitignore",
    "migrations",
    "seeds/010_first.yaml",
];

fn xtask() -> InitOptions {
    InitOptions {
        kind: Kind::Xtask,
        dependency: Dependency::Registry,
        workflow: Workflow::None,
        places: Places::default(),
    }
}

fn init_in(root: &Path, options: &InitOptions) -> Result<Vec<(PathBuf, Wrote)>, InitError> {
    init(root, &Survey::of(root), options)
}

/// The texts of all files below a folder.
fn texts(root: &Path) -> Vec<(PathBuf, String)> {
    let mut texts = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => texts.push((path.clone(), std::fs::read_to_string(&path).unwrap())),
            }
        }
    }
    texts.sort();
    texts
}

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

/// The first report on files that are not simply written; all are named. The second time everything is kept, or
/// told again.
#[track_caller]
fn check(files: &[(&str, &str)], expect: &[&str]) -> tempfile::TempDir {
    let folder = project(files);
    let first = describe(&init_in(folder.path(), &xtask()).unwrap());
    for name in ALL {
        assert!(
            first.iter().any(|it| it.starts_with(name)),
            "{name}: {first:?}"
        );
    }
    let is_plain = |line: &&String| {
        line.strip_suffix(" written")
            .is_some_and(|name| ALL.contains(&name))
    };
    let odd: Vec<&String> = first.iter().filter(|line| !is_plain(line)).collect();
    assert_eq!(odd, expect);
    let before = texts(folder.path());
    let second = init_in(folder.path(), &xtask()).unwrap();
    let changes =
        |did: &Wrote| matches!(did, Wrote::Written | Wrote::Extended | Wrote::Replaced(_));
    assert!(
        !second.iter().any(|(_, did)| changes(did)),
        "{:?}",
        describe(&second)
    );
    assert_eq!(texts(folder.path()), before);
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
        &["Cargo.toml extended"],
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
            ".env.example kept",
            ".gitattributes extended",
            ".gitignore kept",
            "migrations kept",
        ],
    );
}

#[test]
fn a_folder_without_cargo_becomes_a_workspace() {
    let folder = check(&[("package.json", "{}")], &[]);
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
    let error = init_in(&folder.path().join("app"), &xtask()).unwrap_err();
    assert!(matches!(error, InitError::InWorkspace { .. }), "{error}");
    assert!(!folder.path().join("app/xtask").exists());
    init_in(&folder.path().join("other"), &xtask()).unwrap();
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
    assert_eq!(Survey::of(folder.path()).found().kind().0, Kind::Program);
    init_in(folder.path(), &xtask()).unwrap();
    let manifest = std::fs::read_to_string(folder.path().join("Cargo.toml")).unwrap();
    let expect = "[workspace]\nmembers = [\"xtask\"]\nexclude = [\"backend\", \"tools/fuzz\"]\n";
    assert!(manifest.starts_with(expect), "{manifest}");

    let package = ("Cargo.toml", "[package]\nname = \"app\"\n");
    let folder = project(&[&files[..], &[package]].concat());
    assert_eq!(Survey::of(folder.path()).found().kind().0, Kind::Xtask);
    init_in(folder.path(), &xtask()).unwrap();
    let manifest = std::fs::read_to_string(folder.path().join("Cargo.toml")).unwrap();
    assert!(manifest.contains(expect), "{manifest}");
}

#[test]
fn a_project_that_uses_the_program_gets_nothing_of_cargo() {
    let folder = project(&[("web/package.json", "{}"), (".git/HEAD", "")]);
    let web = folder.path().join("web");
    assert_eq!(Survey::of(&web).found().kind().0, Kind::Program);
    let program = InitOptions {
        kind: Kind::Program,
        workflow: Workflow::Github,
        ..xtask()
    };
    let expect = [
        "config.toml written",
        ".env.example written",
        ".gitattributes written",
        ".gitignore written",
        "migrations written",
        "seeds/010_first.yaml written",
        "../.github/workflows/seedbed.yml written",
    ];
    assert_eq!(describe(&init_in(&web, &program).unwrap()), expect);
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
        ..program
    };
    init_in(&web, &git).unwrap();
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
              - uses: Swatinem/rust-cache@v2
                with: {workspaces: "web"}
              - run: cargo install --locked seedbed-cli --git https://example.com/seedbed
              - run: seedbed check --base "origin/$GITHUB_BASE_REF"
    "#]]
    .assert_eq(jobs);
    let kept = init_in(&web, &git).unwrap();
    assert!(kept.iter().all(|(_, did)| *did == Wrote::Kept), "{kept:?}");
}

#[test]
fn what_cannot_be_read_or_written_is_named_and_everything_is_as_it_was() {
    let package = ("Cargo.toml", "[package]\nname = \"app\"\n");
    let cases = [
        (("xtask", "a file"), "cannot read"),
        ((".gitignore/a", ""), "cannot read"),
    ];
    for (odd, expect) in cases {
        let folder = project(&[package, odd]);
        let before = texts(folder.path());
        let error = init_in(folder.path(), &xtask()).unwrap_err();
        assert!(error.to_string().starts_with(expect), "{odd:?}: {error}");
        assert_eq!(texts(folder.path()), before);
        assert!(!folder.path().join("seeds").exists());
    }
    let folder = project(&[]);
    let error = init_in(&folder.path().join("none"), &xtask()).unwrap_err();
    assert!(matches!(error, InitError::NoDirectory { .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn where_the_last_file_cannot_be_written_those_before_it_are_as_they_were() {
    let folder = project(&[("Cargo.toml", "[package]\nname = \"app\"\n")]);
    let before = texts(folder.path());
    std::os::unix::fs::symlink("nowhere", folder.path().join("seeds")).unwrap();
    let error = init_in(folder.path(), &xtask()).unwrap_err();
    let InitError::Write { path, left, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(path, folder.path().join("seeds/010_first.yaml"));
    assert_eq!(left, [] as [PathBuf; 0]);
    std::fs::remove_file(folder.path().join("seeds")).unwrap();
    assert_eq!(texts(folder.path()), before);
    assert!(!folder.path().join("migrations").exists());
}

#[test]
fn folders_and_files_that_the_settings_name_are_followed() {
    let folder = project(&[("Cargo.toml", "[workspace]\nmembers = [\"*\"]\n")]);
    let options = InitOptions {
        places: Places {
            migrations: PathBuf::from("db/steps"),
            seeds: PathBuf::from("rows"),
            local: PathBuf::from("data/app.db"),
            replica: PathBuf::from("data/replica.db"),
            backups: PathBuf::from("/var/backups"),
        },
        ..xtask()
    };
    init_in(folder.path(), &options).unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!(read("db/steps/.gitkeep"), "");
    assert!(read("rows/010_first.yaml").contains("_seed"));
    assert!(!folder.path().join("migrations").exists());
    let ignored = "/.env\n/data/app.db*\n/data/replica.db*\n";
    assert!(
        read(".gitignore").ends_with(ignored),
        "{}",
        read(".gitignore")
    );
    assert!(read(".gitattributes").contains("db/steps/**/*.sql text eol=lf\n"));
    assert!(read("Cargo.toml").contains("exclude = [\"db/steps\", \"rows\"]"));
    assert!(read(".env.example").contains("\nEMBEDDED_REPLICA_FILE=data/replica.db\n"));
    let config = read("config.toml");
    for line in [
        "path = \"data/app.db\"",
        "dir = \"db/steps\"",
        "dir = \"rows\"",
    ] {
        assert!(config.contains(line), "{config}");
    }
}
