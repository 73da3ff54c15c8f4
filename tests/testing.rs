//! What tests are promised by `seedbed::testing`: a database of their own, the right one, at any number of them.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on fails, and a child tells its parent"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Barrier};

use expect_test::{Expect, expect};
use seedbed::db::{Db, Query, Transaction};
use seedbed::script::{Atomicity, ForeignKeys, Step};
use seedbed::sql::Value;
use seedbed::testing::{self, Options, TestDatabase, TestingError};
use serde::Deserialize;

/// A project in a folder of its own.
struct Project(tempfile::TempDir);

impl Project {
    fn new() -> Project {
        let project = Project(tempfile::tempdir().unwrap());
        project.write(
            "migrations/V1__users.sql",
            "CREATE TABLE Users (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, active INTEGER NOT NULL, tags TEXT,\n  \
             seen TEXT DEFAULT CURRENT_TIMESTAMP);\n",
        );
        project.write(
            "migrations/V2__posts.sql",
            "CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id TEXT NOT NULL REFERENCES Users (id), title TEXT);\n\
             CREATE VIRTUAL TABLE words USING fts5 (title);\n",
        );
        project.write(
            "seeds/010_users.yaml",
            "users:\n  admin:\n    email: admin@example.com\n    active: true\n    tags: [a, b]\n  \
             guest:\n    email: guest@example.com\n    active: false\n\
             posts:\n  first:\n    user: admin\n    title: !env {name: TITLE, default: Hello}\n",
        );
        project
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn options(&self) -> Options {
        options(self.0.path())
    }

    fn files(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path().join("target/seedbed").join(folder));
        let entries = entries.into_iter().flatten();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Templates without what is beside them.
    fn templates(&self) -> Vec<String> {
        let mut files = self.files("templates");
        files.retain(|name| name.ends_with(".db"));
        files
    }
}

fn options(root: &Path) -> Options {
    // The fixture's own, wherever these tests are built.
    Options::of_project(root, "test", Some("target".into())).unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

async fn ask(db: &Db, sql: &str) -> Vec<Vec<Value>> {
    let mut answers = db.query(vec![Query::new(sql)]).await.unwrap();
    answers.remove(0).unwrap()
}

async fn number(db: &Db, sql: &str) -> i64 {
    ask(db, sql).await[0][0].as_i64().unwrap()
}

async fn change(db: &Db, sql: &str) {
    let transaction = Transaction {
        foreign_keys: ForeignKeys::On,
        atomicity: Atomicity::Transaction,
        steps: [Step::own(sql, Vec::new())].into(),
    };
    db.run(vec![transaction], Arc::new(|_| {})).await.unwrap();
}

#[derive(Debug, PartialEq, Deserialize)]
struct User {
    email: String,
    active: bool,
    tags: Option<Vec<String>>,
}

#[tokio::test]
async fn a_test_has_rows_by_their_labels_as_types() {
    let project = Project::new();
    let db = testing::database_with(&project.options()).await.unwrap();
    let admin: User = db.row("users", "admin").await.unwrap();
    assert_eq!(
        admin,
        User {
            email: "admin@example.com".to_owned(),
            active: true,
            tags: Some(vec!["a".to_owned(), "b".to_owned()]),
        }
    );
    let (title, user): (String, String) = {
        #[derive(Deserialize)]
        struct Post {
            title: String,
            user_id: String,
        }
        let post: Post = db.row("posts", "first").await.unwrap();
        (post.title, post.user_id)
    };
    // No variable of the environment, and no `.env`: the default.
    assert_eq!(title, "Hello");
    assert_eq!(
        db.key("users", "admin").unwrap(),
        [("id".to_owned(), Value::Text(user))]
    );
    change(db.db(), "UPDATE Users SET active = 0, tags = NULL").await;
    let admin: User = db.row("Users", "admin").await.unwrap();
    assert_eq!((admin.active, admin.tags), (false, None));
}

async fn wrong(db: &TestDatabase, table: &str, label: &str, expect: Expect) {
    let error = db.row::<User>(table, label).await.unwrap_err();
    expect.assert_eq(&error.to_string());
}

#[tokio::test]
async fn a_row_that_is_not_there_is_told_with_the_nearest_name() {
    let project = Project::new();
    let db = testing::database_with(&project.options()).await.unwrap();
    wrong(
        &db,
        "users",
        "admim",
        expect!["table `Users` has no label `admim`: did you mean `admin`?"],
    )
    .await;
    wrong(
        &db,
        "user",
        "admin",
        expect!["no seed for this environment has rows in a table `user`: did you mean `Users`?"],
    )
    .await;
    wrong(
        &db,
        "posts",
        "first",
        expect!["posts.first does not fit the type: missing field `email`"],
    )
    .await;
    change(db.db(), "DELETE FROM posts").await;
    wrong(
        &db,
        "posts",
        "first",
        expect!["posts.first is not in the database any more"],
    )
    .await;
}

#[tokio::test]
async fn a_database_in_memory_has_the_same() {
    let project = Project::new();
    let one = testing::memory_with(&project.options()).await.unwrap();
    let two = testing::memory_with(&project.options()).await.unwrap();
    change(one.db(), "DELETE FROM posts").await;
    change(one.db(), "INSERT INTO words VALUES ('x')").await;
    assert_eq!(number(one.db(), "SELECT count(*) FROM posts").await, 0);
    assert_eq!(number(two.db(), "SELECT count(*) FROM posts").await, 1);
    assert_eq!(number(two.db(), "SELECT count(*) FROM words").await, 0);
    let admin: User = two.row("users", "admin").await.unwrap();
    assert!(admin.active);
    assert_eq!(project.files("tests"), Vec::<String>::new());
}

/// A thousand, each changed by its own test, all at the same time.
#[test]
fn a_thousand_parallel_tests_do_not_meet() {
    let project = Project::new();
    let threads = 16;
    let together = Barrier::new(threads);
    let paths: BTreeSet<PathBuf> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    let runtime = runtime();
                    together.wait();
                    let one = async || {
                        let db = testing::database_with(&project.options()).await.unwrap();
                        let posts = "SELECT count(*) FROM posts";
                        assert_eq!(number(db.db(), posts).await, 1);
                        let user = "(SELECT id FROM Users LIMIT 1)";
                        let sql = format!("INSERT INTO posts (user_id) VALUES ({user})");
                        change(db.db(), &sql).await;
                        assert_eq!(number(db.db(), posts).await, 2);
                        db.path().to_owned()
                    };
                    (0..63).map(|_| runtime.block_on(one())).collect::<Vec<_>>()
                })
            })
            .collect();
        let paths = running.into_iter().flat_map(|it| it.join().unwrap());
        paths.collect()
    });
    assert_eq!(paths.len(), threads * 63);
    assert_eq!(project.templates().len(), 1);
    assert_eq!(project.files("tests"), Vec::<String>::new());
}

/// This binary again, at the test below, for a project.
fn child(root: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["in_another_process", "--exact", "--ignored", "--nocapture"])
        .env("SEEDBED_TEST_PROJECT", root)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[tokio::test]
#[ignore = "run by other tests, in a process of its own"]
async fn in_another_process() {
    let Some(root) = std::env::var_os("SEEDBED_TEST_PROJECT") else {
        return;
    };
    let db = testing::database_with(&options(Path::new(&root)))
        .await
        .unwrap();
    assert_eq!(number(db.db(), "SELECT count(*) FROM Users").await, 2);
    println!("\npath {}", db.keep().display());
}

#[test]
fn processes_make_one_template_together() {
    let project = Project::new();
    let children: Vec<Child> = (0..4).map(|_| child(project.0.path())).collect();
    let mut paths = BTreeSet::new();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        paths.extend(
            text.lines()
                .filter_map(|line| line.strip_prefix("path "))
                .map(PathBuf::from),
        );
    }
    assert_eq!(paths.len(), 4);
    assert!(paths.iter().all(|path| path.exists()));
    let templates = project.files("templates");
    let endings: Vec<&str> = templates
        .iter()
        .map(|name| name.split_once('.').map_or(name.as_str(), |(_, end)| end))
        .collect();
    assert_eq!(endings, ["db", "labels.json", "seal", "lock"]);
}

#[test]
fn the_database_of_a_test_that_panics_is_kept() {
    let project = Project::new();
    let options = project.options();
    let failing = std::thread::Builder::new().name("users::can_post".to_owned());
    let failed = failing.spawn(move || {
        runtime().block_on(async {
            let _db = testing::database_with(&options).await.unwrap();
            panic!("as a failing test does");
        });
    });
    assert!(failed.unwrap().join().is_err());
    let kept = project.files("tests");
    assert_eq!(kept.len(), 1);
    assert!(kept[0].starts_with("users.can_post-"), "{kept:?}");
    assert!(kept[0].ends_with(".db"));
}

#[test]
fn an_edited_file_makes_a_new_template() {
    let project = Project::new();
    let count = |expect: usize| {
        // Files are read once per process, so each look has its own.
        let output = child(project.0.path()).wait_with_output().unwrap();
        assert!(output.status.success());
        assert_eq!(project.templates().len(), expect);
    };
    count(1);
    count(1);
    project.write("migrations/V3__more.sql", "CREATE TABLE more (a);\n");
    count(2);
    project.write(
        "seeds/test/900_more.yaml",
        "posts:\n  second:\n    user: guest\n",
    );
    count(3);
    // Another environment's, and no seed.
    project.write(
        "seeds/dev/900_more.yaml",
        "posts:\n  second:\n    user: guest\n",
    );
    project.write("seeds/notes.txt", "nothing\n");
    count(3);
    // Many edits later the oldest are gone.
    for version in 4..14 {
        project.write(&format!("migrations/V{version}__more.sql"), "SELECT 1;\n");
        child(project.0.path()).wait().unwrap();
    }
    assert_eq!(project.templates().len(), 8);
}

#[tokio::test]
async fn a_template_that_was_taken_away_is_made_again() {
    let project = Project::new();
    drop(testing::database_with(&project.options()).await.unwrap());
    std::fs::remove_dir_all(project.0.path().join("target")).unwrap();
    let db = testing::database_with(&project.options()).await.unwrap();
    let admin: User = db.row("users", "admin").await.unwrap();
    assert!(admin.active);
    std::fs::remove_dir_all(project.0.path().join("target/seedbed/templates")).unwrap();
    drop(testing::memory_with(&project.options()).await.unwrap());
}

#[tokio::test]
async fn a_write_ahead_log_is_not_left_behind() {
    let project = Project::new();
    project.write(
        "migrations/V3__wal.sql",
        "-- seedbed: no-transaction\nPRAGMA journal_mode = WAL;\n",
    );
    let db = testing::database_with(&project.options()).await.unwrap();
    assert_eq!(number(db.db(), "SELECT count(*) FROM Users").await, 2);
    assert_eq!(project.files("templates").len(), 4);
}

#[tokio::test]
async fn a_project_without_seeds_has_migrated_databases() {
    let project = Project::new();
    std::fs::remove_dir_all(project.0.path().join("seeds")).unwrap();
    let db = testing::database_with(&project.options()).await.unwrap();
    assert_eq!(number(db.db(), "SELECT count(*) FROM Users").await, 0);
    assert!(matches!(
        db.key("users", "admin"),
        Err(TestingError::UnknownTable { .. })
    ));
}

/// What a test shows that unwraps, with the folder of the project taken out.
async fn told(project: &Project, expect: Expect) {
    let error = testing::database_with(&project.options())
        .await
        .unwrap_err();
    let text = format!("{error:?}").replace(&project.0.path().display().to_string(), "[project]");
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    expect.assert_eq(&format!("{}\n", lines.join("\n")));
    assert!(project.templates().is_empty());
}

#[tokio::test]
async fn every_problem_of_every_file_is_told_and_nothing_is_left() {
    let project = Project::new();
    project.write(
        "seeds/test/020_more.yaml",
        "users:\n  third:\n    emial: x@example.com\n    active: 1\nposts:\n  other:\n    user: nobody\n",
    );
    told(
        &project,
        expect![[r#"
            the template could not be seeded

            error[unknown-column]: table `Users` has no column `emial`
             --> [project]/seeds/test/020_more.yaml:3:5
              |
            3 |     emial: x@example.com
              |     ^^^^^
              |
              = help: did you mean `email`?

            error[unknown-label]: `Users` has no label `nobody`
             --> [project]/seeds/test/020_more.yaml:7:11
              |
            7 |     user: nobody
              |           ^^^^^^
              |
              = help: declare a row `nobody` below `Users`, or name another one

            2 errors
        "#]],
    )
    .await;
    project.write("migrations/V3__broken.sql", "CREATE TABEL x (a);\n");
    told(
        &project,
        expect![[r#"
        the template could not be migrated

        error[statement-failed]: V3 failed: near "TABEL": syntax error
         --> [project]/migrations/V3__broken.sql:1:8
          |
        1 | CREATE TABEL x (a);
          |        ^^^^^
          |
          = note: rolled back: V1, V2 and V3
          = help: fix [project]/migrations/V3__broken.sql:1, then run the test again
    "#]],
    )
    .await;
    assert_eq!(project.files("templates"), ["lock"]);
}

#[tokio::test]
async fn a_variable_without_a_default_is_a_problem() {
    let project = Project::new();
    // It is set, and is not read.
    project.write(".env", "HOME_TOWN=Paris\n");
    project.write(
        "seeds/test/020_more.yaml",
        "posts:\n  other:\n    user: admin\n    title: !env HOME_TOWN\n",
    );
    told(
        &project,
        expect![[r#"
            the template could not be seeded

            error[unset-variable]: HOME_TOWN must be set
             --> [project]/seeds/test/020_more.yaml:4:12
              |
            4 |     title: !env HOME_TOWN
              |            ^^^^^^^^^^^^^^
              |
              = help: tests read no variable: give it one with `default`
        "#]],
    )
    .await;
}

/// This repository, as any other project uses it.
#[tokio::test]
async fn the_project_is_found_from_the_package() {
    let db = testing::database("test").await.unwrap();
    #[derive(Deserialize)]
    struct User {
        email: String,
    }
    let admin: User = db.row("users", "admin").await.unwrap();
    assert_eq!(admin.email, "admin@xswarm.dev");
    let name = db.path().file_name().unwrap().to_str().unwrap();
    assert!(
        name.starts_with("the_project_is_found_from_the_package-"),
        "{name}"
    );
    let connection = db.connect().await.unwrap();
    let sql = "DELETE FROM users WHERE id = 'test-123'";
    assert!(
        connection.execute(sql, ()).await.is_err(),
        "it has rows of usage"
    );
    let memory = testing::memory("test").await.unwrap();
    let admin: User = memory.row("users", "admin").await.unwrap();
    assert_eq!(admin.email, "admin@xswarm.dev");
}
