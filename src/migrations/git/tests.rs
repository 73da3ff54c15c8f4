//! What is read of real repositories, as specifications.

use super::*;

/// A repository of its own, that knows nothing of the user's settings.
struct Repository(tempfile::TempDir);

impl Repository {
    fn new() -> Repository {
        let repository = Repository(tempfile::tempdir().unwrap());
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository.git(&["config", "user.name", "a"]);
        repository.git(&["config", "user.email", "a@example.com"]);
        repository.git(&["config", "commit.gpgsign", "false"]);
        repository.git(&["config", "core.autocrlf", "false"]);
        repository
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    #[track_caller]
    fn git(&self, args: &[&str]) {
        let output = Command::new("git")
            .args(args)
            .current_dir(self.0.path())
            .env("GIT_CONFIG_GLOBAL", self.at("none"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env_remove("GIT_DIR")
            .env_remove("GIT_INDEX_FILE")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{args:?}: {}",
            said(&output.stderr)
        );
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn commit(&self, files: &[(&str, &str)]) {
        for (path, text) in files {
            self.write(path, text);
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message=m"]);
    }

    fn base(&self, directory: &str, reference: &str) -> Base {
        read_base(&self.at(directory), None, reference).unwrap()
    }
}

/// Names behind the directory, and texts.
fn files(set: &Migrations) -> Vec<(&str, &str)> {
    assert_eq!(set.problems, []);
    set.iter()
        .flat_map(|migration| [Some(&migration.up), migration.down.as_ref()])
        .flatten()
        .map(|text| {
            let (_, name) = text.source.name.rsplit_once("/m/").unwrap();
            (name, &*text.source.text)
        })
        .collect()
}

#[test]
fn the_files_are_those_of_the_commit_and_not_those_on_the_disk() {
    let repository = Repository::new();
    repository.commit(&[
        ("db/m/V1__a.sql", "SELECT 1;\r\n"),
        ("db/m/2026/V2__b \u{e9}.sql", ""),
        ("db/m/notes.txt", "no"),
        ("db/mm/V3__other.sql", "SELECT 3;"),
    ]);
    repository.git(&[
        "mv",
        "db/m/2026/V2__b \u{e9}.sql",
        "db/m/2026/V2__\u{e9}.sql",
    ]);
    repository.commit(&[("db/m/2026/V2__\u{e9}.sql", "SELECT 'two\n'")]);
    repository.write("db/m/V1__a.sql", "SELECT 'edited';");
    repository.write("db/m/V9__new.sql", "SELECT 9;");
    let base = repository.base("db/m", "main");
    assert_eq!(
        files(&base.tip),
        [
            ("V1__a.sql", "SELECT 1;\n"),
            ("2026/V2__\u{e9}.sql", "SELECT 'two\n'")
        ]
    );
    assert_eq!(base.common, base.tip);
    assert_eq!(base.name, "main");
}

#[test]
fn names_are_those_that_reading_the_directory_gives() {
    let repository = Repository::new();
    repository.commit(&[
        ("m/V1__a.sql", "SELECT 1;"),
        ("m/sub/V2__b.sql", "SELECT 2;"),
    ]);
    let read = Migrations::read_dir(repository.at("m")).unwrap();
    assert_eq!(repository.base("m", "HEAD").tip, read);
}

#[test]
fn a_directory_at_the_top_or_gone_or_not_there_yet_is_read_too() {
    let repository = Repository::new();
    repository.commit(&[("m/V1__a.sql", "SELECT 1;")]);
    repository.git(&["tag", "before"]);
    std::fs::remove_dir_all(repository.at("m")).unwrap();
    repository.commit(&[]);
    assert_eq!(files(&repository.base("m", "before").tip).len(), 1);
    assert_eq!(repository.base("m", "main").tip, Migrations::default());
    assert_eq!(repository.base("", "before").tip.versioned.len(), 1);
    assert_eq!(repository.base("x/y/z", "main").tip, Migrations::default());
}

#[test]
fn a_branch_is_compared_with_where_it_left_and_with_where_it_is_to_go() {
    let repository = Repository::new();
    repository.commit(&[("m/V1__a.sql", "SELECT 1;")]);
    repository.git(&["checkout", "--quiet", "-b", "feature"]);
    repository.commit(&[("m/V3__ours.sql", "SELECT 3;")]);
    repository.git(&["checkout", "--quiet", "main"]);
    repository.commit(&[("m/V2__theirs.sql", "SELECT 2;")]);
    repository.git(&["checkout", "--quiet", "feature"]);
    let base = repository.base("m", "main");
    assert_eq!(files(&base.common), [("V1__a.sql", "SELECT 1;")]);
    assert_eq!(files(&base.tip).len(), 2);
}

#[test]
fn a_history_without_a_common_commit_is_compared_with_the_tip() {
    let repository = Repository::new();
    repository.commit(&[("m/V1__a.sql", "SELECT 1;")]);
    repository.git(&["checkout", "--quiet", "--orphan", "other"]);
    // Nothing is committed here yet, so there is no HEAD either.
    assert_eq!(files(&repository.base("m", "main").common).len(), 1);
    repository.commit(&[]);
    assert_eq!(files(&repository.base("m", "main").common).len(), 1);
}

#[test]
fn a_long_history_of_large_files_does_not_block() {
    let repository = Repository::new();
    let text = format!("SELECT '{}';", "x".repeat(20_000));
    let named: Vec<String> = (1..400).map(|n| format!("m/V{n}__a.sql")).collect();
    let all: Vec<(&str, String)> = named
        .iter()
        .enumerate()
        .map(|(n, name)| (name.as_str(), format!("{text} -- {n}")))
        .collect();
    let all: Vec<(&str, &str)> = all
        .iter()
        .map(|(name, text)| (*name, text.as_str()))
        .collect();
    repository.commit(&all);
    assert_eq!(repository.base("m", "main").tip.versioned.len(), 399);
}

#[test]
fn what_git_does_not_know_is_named() {
    let repository = Repository::new();
    repository.commit(&[("m/V1__a.sql", "SELECT 1;"), ("--help", "")]);
    for reference in ["origin/main", "--help", "", "main:m"] {
        let error = read_base(&repository.at("m"), None, reference).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("git knows no commit {reference}")
        );
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let error = read_base(&elsewhere.path().join("m"), None, "main").unwrap_err();
    assert!(matches!(error, GitError::NoRepository { .. }), "{error}");
}

#[test]
fn an_answer_of_another_form_is_none() {
    assert_eq!(batch(b"id blob 2\na\n\n", 1), Some(vec![b"a\n".to_vec()]));
    assert_eq!(batch(b"id missing\n", 1), None);
    assert_eq!(batch(b"id blob 9\na\n", 1), None);
    assert_eq!(batch(b"", 1), None);
}

#[test]
fn before_the_newest_version_the_repeatable_migrations_had_their_earlier_texts() {
    let repository = Repository::new();
    let directory = repository.at("db/m");
    let before = || {
        let set = Migrations::read_dir(&directory).unwrap();
        read_before_newest(&directory, None, &set).unwrap()
    };
    let (first, second) = ("CREATE TABLE IF NOT EXISTS c (x);", "SELECT 2;");
    repository.write("db/m/V1__a.sql", "SELECT 1;");
    repository.write("db/m/R__c.sql", first);
    // No commit yet; then none before the newest version.
    assert_eq!(before(), None);
    repository.commit(&[]);
    assert_eq!(before(), None);
    // The newest version is not committed.
    let known = [("V1__a.sql", "SELECT 1;"), ("R__c.sql", first)];
    repository.write("db/m/V2__b.sql", "SELECT 'b';");
    repository.write("db/m/R__c.sql", second);
    assert_eq!(files(&before().unwrap()), known);
    repository.commit(&[]);
    assert_eq!(files(&before().unwrap()), known);
    // What came later changes nothing of it.
    repository.commit(&[("db/m/V2__b.sql", "SELECT 'bb';"), ("other", "text")]);
    assert_eq!(files(&before().unwrap()), known);
    // One whose file is deleted is still there in a database that exists.
    std::fs::remove_file(repository.at("db/m/R__c.sql")).unwrap();
    assert_eq!(files(&before().unwrap()), known);
    let shallow = tempfile::tempdir().unwrap();
    repository.write("db/m/R__c.sql", second);
    let url = format!("file://{}", slashes(repository.0.path()));
    let clone = shallow.path().join("clone");
    let depth = ["clone", "--quiet", "--depth=1", &url, &slashes(&clone)];
    repository.git(&depth);
    let directory = clone.join("db/m");
    let set = Migrations::read_dir(&directory).unwrap();
    assert_eq!(read_before_newest(&directory, None, &set).unwrap(), None);
}
