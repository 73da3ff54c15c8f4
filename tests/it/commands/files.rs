//! The commands that read and write the files of a project.

use expect_test::expect;

use super::project;
use crate::project::Project;

#[test]
fn check_says_that_all_is_fine() {
    let project = project();
    project.run("check").check(expect![[r#"
        $ seedbed check
        3 migrations are fine: 3 applied in memory, 2 of them undone and applied again
        1 of them applied to a database that exists, with rows in its tables
    "#]]);
    project.run("check --format json").check(expect![[r#"
        $ seedbed check --format json
        {
          "schema_version": 1,
          "command": "check",
          "mode": null,
          "database": null,
          "outcome": "done",
          "exit_code": 0,
          "items": [],
          "problems": [],
          "applied_in_memory": 3,
          "applied_to_existing": 1,
          "data_tests": 0,
          "downs_not_tried": 0,
          "expectations": 0,
          "migrations": 3,
          "seeds": {
            "environments": [],
            "rows": 0
          },
          "undone_in_memory": 2
        }
    "#]]);
}

#[test]
fn check_claims_nothing_about_a_folder_without_migrations() {
    let project = Project::new().file("migrations/.gitkeep", "");
    project.run("check").check(expect![[r#"
        $ seedbed check
        there are no migrations, and nothing was tried
    "#]]);
}

#[test]
fn check_of_a_first_migration_says_nothing_of_databases_that_exist() {
    let project = Project::new()
        .migration(
            "V1__t",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);\n",
        )
        .file(
            "migrations/R__v.sql",
            "DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT a FROM t;\n",
        );
    project.run("check").check(expect![[r#"
        $ seedbed check
        2 migrations are fine: 2 applied in memory, 0 of them undone and applied again
    "#]]);
}

#[test]
fn check_finds_what_would_fail() {
    let project = project()
        .migration("V3__tags", "CREATE TABLE tags (name TEXT);\n")
        .down("V3__tags", "DROP TABLE tag;\n")
        .migration(
            "V4__more",
            "CREATE TABLE more (x);\nCREATE TABLE other (x);\n",
        )
        .down("V4__more", "DROP TABLE more;\n");
    project.run("check").check(expect![[r#"
        $ seedbed check
        2> error[fails]: no such table: tag (taking it back, in memory)
        2>  --> migrations/V3__tags.down.sql:1:12
        2>   |
        2> 1 | DROP TABLE tag;
        2>   |            ^^^
        2>   |
        2>   = help: `seedbed undo` runs the down file on the schema that V3 leaves: make it fit that
        2>
        2> error[down-no-inverse]: the down file of V4 does not bring back the schema that was there before
        2>  --> migrations/V4__more.down.sql
        2>   = note: table other should not be there
        2>   = help: make the down file undo all that the migration does, and no more
        2>   = help: an old one may stay as it is: `-- seedbed: allow down-no-inverse: REASON` at its top, or `downs_from = V` under [migrations] in config.toml, which accepts those below V
        2>
        2> 2 errors
        exit 4
    "#]]);
    project.run("check --format json").check(expect![[r#"
        $ seedbed check --format json
        {
          "schema_version": 1,
          "command": "check",
          "mode": null,
          "database": null,
          "outcome": "problems",
          "exit_code": 4,
          "items": [],
          "problems": [
            {
              "code": "fails",
              "severity": "error",
              "file": "migrations/V3__tags.down.sql",
              "line": 1,
              "column": 12,
              "message": "no such table: tag (taking it back, in memory)",
              "notes": [],
              "help": "`seedbed undo` runs the down file on the schema that V3 leaves: make it fit that"
            },
            {
              "code": "down-no-inverse",
              "severity": "error",
              "file": "migrations/V4__more.down.sql",
              "line": null,
              "column": null,
              "message": "the down file of V4 does not bring back the schema that was there before",
              "notes": [
                "table other should not be there"
              ],
              "help": "make the down file undo all that the migration does, and no more\nan old one may stay as it is: `-- seedbed: allow down-no-inverse: REASON` at its top, or `downs_from = V` under [migrations] in config.toml, which accepts those below V"
            }
          ]
        }
        exit 4
    "#]]);
}

#[test]
fn check_needs_no_settings_of_a_database() {
    let project = project().file(".env", "USE_TURSO=YES\n");
    assert_eq!(project.run("check").code, Some(0));
    assert_eq!(project.run("migrate").code, Some(2));
}

#[test]
fn check_marks_the_places_on_github() {
    let project = project().env("GITHUB_ACTIONS", "true").migration(
        "V3__tags",
        "CREATE TABLE tags (name TEXT);\nINSERT INTO tag VALUES (1);\n",
    );
    project.run("check").check(expect![[r#"
        $ seedbed check
        2> error[fails]: no such table: tag
        2>  --> migrations/V3__tags.sql:2:13
        2>   |
        2> 2 | INSERT INTO tag VALUES (1);
        2>   |             ^^^
        2> ::error file=migrations/V3__tags.sql,line=2,col=13,title=fails::no such table: tag
        exit 4
    "#]]);
}

#[test]
fn check_compares_with_the_branch_that_this_one_goes_to() {
    let project = project();
    project.git("init --quiet");
    project.git("symbolic-ref HEAD refs/heads/main");
    project.git("add .");
    project.git("commit --quiet --message first");
    project.git("checkout --quiet -b feature");
    let project = project.migration("V3__tags", "CREATE TABLE tags (name TEXT);\n");
    project.run("check --base main").check(expect![[r#"
        $ seedbed check --base main
        4 migrations are fine: 4 applied in memory, 0 of them undone and applied again
        1 of them applied to a database that exists, with rows in its tables
        2 older down files were not tried
    "#]]);
    project.write(
        "migrations/V1__users.sql",
        "CREATE TABLE users (id INTEGER PRIMARY KEY);\n",
    );
    project.run("check --base main").check(expect![[r#"
        $ seedbed check --base main
        2> error[edited]: V1 is in main and was changed since
        2>  --> migrations/V1__users.sql:1
        2>   = help: put the file back as it was and write the change as a new migration
        2>
        2> --- V1 in main
        2> +++ migrations/V1__users.sql
        2> @@ -1 +1 @@
        2> -CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
        2> +CREATE TABLE users (id INTEGER PRIMARY KEY);
        exit 4
    "#]]);
    project.run("check --base nowhere").check(expect![[r#"
        $ seedbed check --base nowhere
        2> error[git]: git knows no commit nowhere
        2>   |
        2>   = help: this repository has no remote to fetch it from: name a branch that `git branch` lists, or a commit
        exit 2
    "#]]);
}

#[test]
fn check_against_a_commit_needs_a_repository() {
    project().run("check --base main").check(expect![[r#"
        $ seedbed check --base main
        2> error[git]: migrations is in no git repository
        2>   |
        2>   = help: run it inside of a repository, or leave --base away
        exit 2
    "#]]);
}

#[test]
fn new_makes_the_next_file() {
    let project = project();
    project.run("new add tags").check(expect![[r#"
        $ seedbed new add tags
        migrations/V3__add_tags.sql
    "#]]);
    project
        .run("new more --down --format json")
        .check(expect![[r#"
            $ seedbed new more --down --format json
            {
              "schema_version": 1,
              "command": "new",
              "mode": null,
              "database": null,
              "outcome": "done",
              "exit_code": 0,
              "items": [],
              "problems": [],
              "files": [
                "migrations/V4__more.sql",
                "migrations/V4__more.down.sql"
              ]
            }
        "#]]);
    project
        .run("new later --timestamp --down")
        .check(expect![[r#"
            $ seedbed new later --timestamp --down
            migrations/V[time]__later.sql
            migrations/V[time]__later.down.sql
        "#]]);
    expect![[r#"
        -- Below this line, the statements of this migration. They run in one transaction.
    "#]]
    .assert_eq(&project.read("migrations/V3__add_tags.sql"));
    expect![[r#"
        -- Below this line, the statements that undo V4.
    "#]]
    .assert_eq(&project.read("migrations/V4__more.down.sql"));
}

#[test]
fn commands_work_from_the_folder_that_they_read() {
    let project = project()
        .migration("V7__tags", "CREATE TABLE tags (name TEXT UNIQUE);\n")
        .file("seeds/dev/users.yaml", "users:\n  ann: {name: Ann}\n")
        .file("config.toml", "");
    project.git("init -q");
    project.git("add .");
    project.git("commit -q -m files");
    let project = project.within("migrations");
    for line in [
        "status",
        "check",
        "check --base HEAD",
        "migrate",
        "--migrations . check",
        "--migrations ./ repair",
    ] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(0), "{line}: {ran:?}");
    }
    assert_eq!(project.run("new x").stdout, "V8__x.sql\n");
    assert_eq!(
        project.run("renumber V8").stdout,
        "V8__x.sql -> V9__x.sql\n"
    );
    project.write("migrations/V10__y.sql", "CREATE TABL y;");
    let ran = project.run("check");
    assert!(ran.stderr.contains("--> V10__y.sql:1:8"), "{ran:?}");
}

#[test]
fn seeds_are_read_from_their_own_folder() {
    let project = project()
        .file(
            "seeds/dev/users.yaml",
            "users:\n  a: {name: !file name.txt}\n",
        )
        .file("seeds/name.txt", "Ann")
        .file("config.toml", "")
        .within("seeds");
    let ran = project.run("check");
    assert!(ran.stdout.contains("the seeds for dev are fine"), "{ran:?}");
    assert_eq!(project.run("migrate").code, Some(0));
    let ran = project.run("seed");
    assert!(ran.stdout.contains("1 inserted"), "{ran:?}");
}

#[test]
fn new_makes_the_folder_too() {
    let project = Project::bare();
    project.run("new users").check(expect![[r#"
        $ seedbed new users
        migrations/V1__users.sql
    "#]]);
    assert_eq!(project.files(), ["migrations/V1__users.sql"]);
}

#[test]
fn renumber_gives_the_next_free_version() {
    let project = project().migration("V2__tags", "CREATE TABLE tags (name TEXT);\n");
    project.run("renumber 2").check(expect![[r#"
        $ seedbed renumber 2
        2> target: local local.db (default)
        2> error[several]: 2 files are V2: migrations/V2__posts.sql, migrations/V2__tags.sql
        2>   |
        2>   = help: name the file: `seedbed renumber migrations/V2__posts.sql` or `seedbed renumber migrations/V2__tags.sql`
        exit 2
    "#]]);
    project.run("renumber V2__tags.sql").check(expect![[r#"
        $ seedbed renumber V2__tags.sql
        migrations/V2__tags.sql -> migrations/V3__tags.sql
        2> target: local local.db (default)
    "#]]);
    project.run("renumber V2 --format json").check(expect![[r#"
        $ seedbed renumber V2 --format json
        {
          "schema_version": 1,
          "command": "renumber",
          "mode": null,
          "database": null,
          "outcome": "done",
          "exit_code": 0,
          "items": [],
          "problems": [],
          "renamed": [
            {
              "from": "migrations/V2__posts.sql",
              "to": "migrations/V4__posts.sql"
            },
            {
              "from": "migrations/V2__posts.down.sql",
              "to": "migrations/V4__posts.down.sql"
            }
          ]
        }
        2> target: local local.db (default)
    "#]]);
    assert_eq!(project.run("check").code, Some(0));
}

#[test]
fn init_sets_a_project_up() {
    let project = Project::bare().file(
        "Cargo.toml",
        "[package]\nname = \"mine\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
    );
    project.run("init").check(expect![[r#"
        $ seedbed init
        extended  Cargo.toml
        written   xtask/Cargo.toml
        written   xtask/src/main.rs
        written   .cargo/config.toml
        written   config.toml
        written   .env.example
        written   .gitattributes
        written   .gitignore
        written   migrations
        written   seeds/010_first.yaml
        2>
        2> kind: xtask (Cargo.toml is here); `--kind` sets up another one
        2> next: `cargo xtask new create users`, write the SQL, `cargo xtask migrate`
    "#]]);
    let files = project.files();
    expect![[r#"
        .cargo/config.toml
        .env.example
        .gitattributes
        .gitignore
        Cargo.toml
        config.toml
        migrations/.gitkeep
        seeds/010_first.yaml
        xtask/Cargo.toml
        xtask/src/main.rs"#]]
    .assert_eq(&files.join("\n"));
    let contents: Vec<_> = files.iter().map(|file| project.read(file)).collect();
    project.run("init").check(expect![[r#"
        $ seedbed init
        kept      Cargo.toml
        kept      xtask/Cargo.toml
        kept      xtask/src/main.rs
        kept      .cargo/config.toml
        kept      config.toml
        kept      .env.example
        kept      .gitattributes
        kept      .gitignore
        kept      migrations
        kept      seeds
        2>
        2> kind: xtask (Cargo.toml is here); `--kind` sets up another one
        2> next: `cargo xtask new create users`, write the SQL, `cargo xtask migrate`
    "#]]);
    project.run("init --format json").check(expect![[r#"
        $ seedbed init --format json
        {
          "schema_version": 1,
          "command": "init",
          "mode": null,
          "database": null,
          "outcome": "done",
          "exit_code": 0,
          "items": [],
          "problems": [],
          "files": [
            {
              "did": "kept",
              "path": "Cargo.toml",
              "tell": null
            },
            {
              "did": "kept",
              "path": "xtask/Cargo.toml",
              "tell": null
            },
            {
              "did": "kept",
              "path": "xtask/src/main.rs",
              "tell": null
            },
            {
              "did": "kept",
              "path": ".cargo/config.toml",
              "tell": null
            },
            {
              "did": "kept",
              "path": "config.toml",
              "tell": null
            },
            {
              "did": "kept",
              "path": ".env.example",
              "tell": null
            },
            {
              "did": "kept",
              "path": ".gitattributes",
              "tell": null
            },
            {
              "did": "kept",
              "path": ".gitignore",
              "tell": null
            },
            {
              "did": "kept",
              "path": "migrations",
              "tell": null
            },
            {
              "did": "kept",
              "path": "seeds",
              "tell": null
            }
          ],
          "kind": "xtask"
        }
    "#]]);
    let again: Vec<_> = project
        .files()
        .iter()
        .map(|file| project.read(file))
        .collect();
    assert_eq!(again, contents);
}

#[test]
fn init_follows_the_settings_that_are_there() {
    let project = Project::bare()
        .file("config.toml", "[migrations]\ndir = \"db/steps\"\n")
        .file(".env", "DATABASE_FILE=data/app.db\nDEBUG=my app\n");
    project.run("init --kind program").check(expect![[r#"
        $ seedbed init --kind program
        kept      config.toml
        written   .env.example
        written   .gitattributes
        written   .gitignore
        written   db/steps
        written   seeds/010_first.yaml
        2>
        2> next: `seedbed new create users`, write the SQL, `seedbed migrate`
    "#]]);
    let ignored = project.read(".gitignore");
    assert!(ignored.contains("\n/data/app.db*\n"), "{ignored}");
    let ran = project.run("new create users");
    assert_eq!(ran.stdout, "db/steps/V1__create_users.sql\n");
}

#[test]
fn init_in_an_empty_folder_writes_no_package() {
    let project = Project::bare();
    project.run("init").check(expect![[r#"
        $ seedbed init
        written   config.toml
        written   .env.example
        written   .gitattributes
        written   .gitignore
        written   migrations
        written   seeds/010_first.yaml
        2>
        2> kind: program (the folder has no project yet); `--kind` sets up another one
        2> next: `seedbed new create users`, write the SQL, `seedbed migrate`
    "#]]);
    // Both kinds go together, and a file that is edited twice is named once.
    let ran = project.run("init --kind xtask");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(ran.stdout.matches(".gitignore").count(), 1, "{ran}");
    assert!(ran.stdout.contains("extended  .gitignore\n"), "{ran}");
    assert!(ran.stdout.contains("written   Cargo.toml\n"), "{ran}");
}

#[test]
fn init_takes_the_migrations_that_the_project_has() {
    let drizzle = || {
        Project::bare()
            .file("package.json", "{}")
            .file(
                "drizzle/meta/_journal.json",
                r#"{"dialect": "sqlite", "entries": [{"idx": 0, "when": 1700000000000, "tag": "0000_a"}]}"#,
            )
            .file("drizzle/0000_a.sql", "CREATE TABLE a (x);")
    };
    let project = drizzle();
    project.run("init").check(expect![[r#"
        $ seedbed init
        written   config.toml
        written   .env.example
        written   .gitattributes
        written   .gitignore
        kept      drizzle
        written   seeds/010_first.yaml
        2>
        2> kind: program (package.json is here); `--kind` sets up another one
        2> drizzle has 1 migration (layout: drizzle)
        2> next: `seedbed status` shows which are applied; in a database that another tool has migrated, `seedbed adopt` takes its history over
    "#]]);
    let ran = project.run("migrate");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(!project.path("migrations").exists());
    // Settings that are there are their owner's to change.
    let project = drizzle().file("config.toml", "[local]\npath = \"app.db\"\n");
    let ran = project.run("init");
    let words = "to do     config.toml: write `dir = \"drizzle\"` under [migrations]: that folder has migrations\n";
    assert!(ran.stdout.contains(words), "{ran}");
    assert!(!project.path("migrations").exists());
    let project = drizzle().file("db/migrations/V1__a.sql", "CREATE TABLE a (x);");
    let ran = project.run("init");
    assert!(ran.stdout.contains("drizzle, db/migrations"), "{ran}");
    // Those in the usual place are named too.
    let project = Project::new().migration("V1__a", "CREATE TABLE a (x);");
    let ran = project.run("init --kind program");
    assert!(
        ran.stderr.ends_with(
            "migrations has 1 migration\nnext: `seedbed status` shows which are applied, `seedbed migrate` applies the others\n"
        ),
        "{ran}"
    );
}

#[test]
fn init_refuses_a_source_that_nothing_would_use() {
    let project = Project::bare();
    let ran = project.run("init --kind program --git https://example.com/seedbed");
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("error[flag]: --git says"), "{ran}");
    assert_eq!(project.files(), [] as [String; 0]);
}

#[test]
fn init_writes_nothing_where_it_cannot_write_all() {
    let project = Project::bare().file("migrations", "a file\n");
    let before = project.files();
    project.run("init --kind xtask").check(expect![[r#"
        $ seedbed init --kind xtask
        2> error[init]: [root]/migrations is a file, and the project needs a folder of that name
        2>   |
        2>   = note: every file is as it was
        exit 1
    "#]]);
    assert_eq!(project.files(), before);
    let project = Project::bare().file("config.toml", "[migrations]\ndirr = \"steps\"\n");
    let ran = project.run("init --kind program");
    assert_eq!(ran.code, Some(2), "{ran}");
    assert_eq!(project.files(), ["config.toml"]);
}

#[test]
fn what_init_writes_for_a_project_in_another_language_works_as_it_is() {
    let project = Project::bare().file("package.json", "{}");
    let ran = project.run("init --workflow github");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(
        ran.stderr.contains("kind: program (package.json is here)"),
        "{ran}"
    );
    assert!(!project.path("Cargo.toml").exists());
    project.run("new create users");
    let table = "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT);\n\
                 CREATE TABLE posts (id INTEGER PRIMARY KEY, author_id INTEGER REFERENCES users (id), title TEXT);\n";
    project.write("migrations/V1__create_users.sql", table);
    for line in ["check", "migrate --seed", "status --exit-code", "seed"] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(0), "{ran}");
    }
    // The rows of the first seed are comments, and right once they are not.
    let seed = project.read("seeds/010_first.yaml");
    let (head, rows) = seed.split_once("# users:").unwrap();
    let rows = format!("users:{}", rows.replace("\n# ", "\n"));
    project.write("seeds/010_first.yaml", format!("{head}{rows}"));
    let ran = project.run("seed");
    assert!(ran.stdout.contains("2 inserted"), "{ran}");
}

#[test]
fn completions_are_scripts_for_a_shell() {
    let project = Project::bare();
    let script = |shell| {
        let ran = project.run(&format!("completions {shell}"));
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
        ran.stdout
    };
    assert!(script("bash").contains("complete -F _seedbed"));
    assert!(script("zsh").starts_with("#compdef seedbed"));
    assert!(script("fish").contains("complete -c seedbed"));
}

#[test]
fn a_package_gets_the_scripts_of_all_shells_and_a_manual_page_for_each_command() {
    let project = Project::bare();
    let ran = project.run("completions --all out");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let files = project.files();
    assert_eq!(ran.stdout.lines().collect::<Vec<_>>(), files);
    for name in [
        "_seedbed",
        "seedbed.bash",
        "seedbed.fish",
        "seedbed.1",
        "seedbed-migrate.1",
    ] {
        assert!(files.contains(&format!("out/{name}")), "{name}: {files:?}");
    }
    let page = project.read("out/seedbed-migrate.1");
    assert!(page.contains(".TH seedbed-migrate 1"), "{page}");
    assert!(page.contains("migrate \\-\\-dry\\-run"), "{page}");
}
