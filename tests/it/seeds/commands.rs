//! `seed`, `migrate --seed`, and what `status` and `check` say of seeds, as a process.

use expect_test::expect;

use crate::bad_input::untouched;
use crate::locks::Lock;
use crate::project::Project;
use crate::server::ours;

const SCHEMA: &str = "\
CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT, secret TEXT);
CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users (id), title TEXT);
";

const SEED: &str = "\
users:
  ann: {email: ann@x, name: Ann, secret: !hash sesame street}
  bob: {email: bob@x, name: !env {name: BOB, default: Bob}}
posts:
  first: {user: ann, title: First}
";

fn project() -> Project {
    Project::new()
        .migration("V1__schema", SCHEMA)
        .file("seeds/010_users.yaml", SEED)
}

#[test]
fn a_first_run_a_second_and_an_edit() {
    let project = project().after("migrate");
    untouched(&project, "seed --dry-run").check(expect![[r#"
        $ seedbed seed --dry-run
        seed 010_users (new) sha256 0ca0e6ff…
          posts  + first
          users  + ann  + bob
        3 insert, 0 update, 0 delete, 0 unchanged, in one transaction
        the database will be marked as environment dev
        2> target: local local.db (default)
    "#]]);
    project.run("seed").check(expect![[r#"
        $ seedbed seed
        seed 010_users (new) sha256 0ca0e6ff…
          posts  + first
          users  + ann  + bob
        3 inserted, 0 updated, 0 deleted, 0 unchanged, in one transaction
        the database is marked as environment dev
        2> target: local local.db (default)
    "#]]);
    untouched(&project, "seed").check(expect![[r#"
        $ seedbed seed
        nothing to do: 3 rows as declared
        2> target: local local.db (default)
    "#]]);
    untouched(&project, "seed --dry-run").check(expect![[r#"
        $ seedbed seed --dry-run
        nothing to do: 3 rows as declared
        2> target: local local.db (default)
    "#]]);
    project.write(
        "seeds/010_users.yaml",
        SEED.replace("name: Ann", "name: Anna")
            .replace("First}", "One}\n  second: {user: bob}"),
    );
    untouched(&project, "seed --dry-run").check(expect![[r#"
        $ seedbed seed --dry-run
        seed 010_users (edited) sha256 95792f0b…
          posts  ~ first  + second
            first.title: First → One
          users  ~ ann
            ann.name: Ann → Anna
        1 insert, 2 update, 0 delete, 1 unchanged, in one transaction
        2> target: local local.db (default)
    "#]]);
    project.run("seed").check(expect![[r#"
        $ seedbed seed
        seed 010_users (edited) sha256 95792f0b…
          posts  ~ first  + second
            first.title: First → One
          users  ~ ann
            ann.name: Ann → Anna
        1 inserted, 2 updated, 0 deleted, 1 unchanged, in one transaction
        2> target: local local.db (default)
    "#]]);
    untouched(&project, "seed").check(expect![[r#"
        $ seedbed seed
        nothing to do: 4 rows as declared
        2> target: local local.db (default)
    "#]]);
}

#[test]
fn the_plan_as_json_has_no_secrets() {
    let project = project().env("BOB", "s3cr3t").after("migrate");
    let ran = project.run("seed --format json");
    ran.check(expect![[r#"
        $ seedbed seed --format json
        {
          "schema_version": 1,
          "command": "seed",
          "mode": "local",
          "database": "local.db",
          "outcome": "done",
          "exit_code": 0,
          "items": [
            {
              "kind": "seed",
              "version": "010_users",
              "name": "010_users",
              "state": "applied",
              "checksum": "0ca0e6ff3500b0ae7965969851992b253388fd83ccc79bf947ddb7494e4a7966",
              "applied_at": "[time]",
              "duration_ms": [ms],
              "file": "seeds/010_users.yaml"
            }
          ],
          "problems": [],
          "changes": [
            {
              "action": "insert",
              "columns": [],
              "label": "first",
              "seed": "010_users",
              "table": "posts"
            },
            {
              "action": "insert",
              "columns": [],
              "label": "ann",
              "seed": "010_users",
              "table": "users"
            },
            {
              "action": "insert",
              "columns": [],
              "label": "bob",
              "seed": "010_users",
              "table": "users"
            }
          ],
          "drifted": [],
          "rows": {
            "deleted": 0,
            "inserted": 3,
            "unchanged": 0,
            "updated": 0
          }
        }
        2> target: local local.db (default)
    "#]]);
    for secret in ["s3cr3t", "sesame", "argon2id"] {
        assert!(
            !ran.stdout.contains(secret) && !ran.stderr.contains(secret),
            "{ran}"
        );
    }
    let recorded = project.ask(
        "SELECT group_concat(quote(source) || quote(detail) || quote(effective)) FROM _migrations",
    );
    assert!(
        !recorded.contains("s3cr3t") && !recorded.contains("sesame"),
        "{recorded}"
    );
    assert!(recorded.contains("!hash ***"), "{recorded}");
}

#[test]
fn migrations_and_seeds_in_one_call() {
    let project = project();
    project.run("migrate --seed").check(expect![[r#"
        $ seedbed migrate --seed
        applied V1 schema (2 statements, [ms])
        the database is at V1
        seed 010_users (new) sha256 0ca0e6ff…
          posts  + first
          users  + ann  + bob
        3 inserted, 0 updated, 0 deleted, 0 unchanged, in one transaction
        the database is marked as environment dev
        2> target: local local.db (default)
    "#]]);
    untouched(&project, "migrate --seed").check(expect![[r#"
        $ seedbed migrate --seed
        nothing to do: the database is at V1
        nothing to do: 3 rows as declared
        2> target: local local.db (default)
    "#]]);
}

#[test]
fn migrations_stand_where_their_seeds_fail() {
    let project = project().file("seeds/020.yaml", "posts:\n  x: {user: nobody}\n");
    project.run("migrate --seed").check(expect![[r#"
        $ seedbed migrate --seed
        applied V1 schema (2 statements, [ms])
        the database is at V1
        2> target: local local.db (default)
        2> error[unknown-label]: `users` has no label `nobody`
        2>  --> seeds/020.yaml:2:13
        2>   |
        2> 2 |   x: {user: nobody}
        2>   |             ^^^^^^
        2>   |
        2>   = help: declare a row `nobody` below `users`, or name another one
        2>
        2> no row was written; the migrations stand, and the database is at V1
        exit 4
    "#]]);
    assert_eq!(project.ask("SELECT count(*) FROM users"), "0");
    assert_eq!(project.state(), "recorded: V1; tables: posts users");
}

#[test]
fn a_seed_whose_tables_an_undo_dropped_is_pending_again() {
    let project = project()
        .down("V1__schema", "DROP TABLE posts;\nDROP TABLE users;\n")
        .after("migrate --seed")
        .after("undo")
        .after("migrate");
    let status = untouched(&project, "status --exit-code").to_string();
    assert!(status.contains("pending  010_users"), "{status}");
    assert!(status.contains("exit 3"), "{status}");
    let planned = untouched(&project, "seed --dry-run --format json").to_string();
    assert!(planned.contains("\"state\": \"pending\""), "{planned}");
    let project = project.after("seed");
    let status = untouched(&project, "status --exit-code").to_string();
    assert!(status.contains("applied  010_users"), "{status}");
}

#[test]
fn status_tells_how_each_seed_stands() {
    let project = project()
        .file("seeds/020_edited.yaml", "users:\n  cid: {email: cid@x}\n")
        .file("seeds/030_gone.yaml", "users:\n  dan: {email: dan@x}\n")
        .file("seeds/040_comment.yaml", "users:\n  eva: {email: eva@x}\n")
        .after("migrate --seed")
        .file("seeds/020_edited.yaml", "users:\n  cid: {email: cid2@x}\n")
        .file(
            "seeds/040_comment.yaml",
            "# new\nusers:\n  eva: {email: eva@x}\n",
        )
        .file("seeds/050_new.yaml", "users:\n  fox: {email: fox@x}\n")
        .file(
            "seeds/060_late.yaml",
            "_seed: {requires: 7}\nusers:\n  gus: {email: gus@x}\n",
        );
    project.remove("seeds/030_gone.yaml");
    project.change(&["UPDATE posts SET title = 'by hand'"]);
    untouched(&project, "status").check(expect![[r#"
        $ seedbed status
        state  version  name  applied at  took  checksum
        ✓ applied  V1  schema  [time] UTC  [ms]  0d5d5026

        1 applied; the database is at V1

        state  seed  applied at  took  checksum
        ! drifted  010_users  [time] UTC  0ca0e6ff
        ~ edited  020_edited  [time] UTC  35b0c00b
        ✗ missing  030_gone  [time] UTC  83a86cbe
        ✓ applied  040_comment  [time] UTC  [ms]  7c9e3cb7
        ○ pending  050_new  66e6dd1c
        - blocked  060_late  737a8d1e

        the database is marked as environment dev
        060_late is blocked: seeds/060_late.yaml:1:19: this seed fits V7 or later, and the database is at V1
        2> target: local local.db (default)
    "#]]);
    untouched(&project, "status --exit-code").check(expect![[r#"
        $ seedbed status --exit-code
        state  version  name  applied at  took  checksum
        ✓ applied  V1  schema  [time] UTC  [ms]  0d5d5026

        1 applied; the database is at V1

        state  seed  applied at  took  checksum
        ! drifted  010_users  [time] UTC  0ca0e6ff
        ~ edited  020_edited  [time] UTC  35b0c00b
        ✗ missing  030_gone  [time] UTC  83a86cbe
        ✓ applied  040_comment  [time] UTC  [ms]  7c9e3cb7
        ○ pending  050_new  66e6dd1c
        - blocked  060_late  737a8d1e

        the database is marked as environment dev
        060_late is blocked: seeds/060_late.yaml:1:19: this seed fits V7 or later, and the database is at V1
        2> target: local local.db (default)
        exit 3
    "#]]);
}

#[test]
fn the_mark_of_a_database_is_respected() {
    let project = project()
        .file(
            "seeds/prod/a.yaml",
            "_seed: {envs: [prod]}\nusers:\n  root: {email: root@x}\n",
        )
        .after("migrate")
        .after("seed --env prod");
    untouched(&project, "seed").check(expect![[r#"
        $ seedbed seed
        2> target: local local.db (default)
        2> error[other-environment]: this database is marked `prod`, and these seeds are for `dev`
        2>   |
        2>   = help: check whether this is the database that you meant; `seedbed seed --env dev --mark dev` marks it as `dev`, and it gets rows that `prod` should not have
        2>
        2> no row was written
        exit 4
    "#]]);
    untouched(&project, "seed --yes --env dev").check(expect![[r#"
        $ seedbed seed --yes --env dev
        2> target: local local.db (default)
        2> error[other-environment]: this database is marked `prod`, and these seeds are for `dev`
        2>   |
        2>   = help: check whether this is the database that you meant; `seedbed seed --env dev --mark dev` marks it as `dev`, and it gets rows that `prod` should not have
        2>
        2> no row was written
        exit 4
    "#]]);
    project.write("migrations/V2__more.sql", "CREATE TABLE more (x);\n");
    untouched(&project, "migrate --env dev").check(expect![[r#"
        $ seedbed migrate --env dev
        2> target: local local.db (default)
        2> error[other-environment]: this database is marked `prod`, and not `dev`
        2>   |
        2>   = help: check whether this is the database that you meant
        exit 4
    "#]]);
    let ran = project.run("migrate --env prod");
    assert_eq!(ran.code, Some(0), "{ran}");
    project.run("seed --env dev --mark dev").check(expect![[r#"
            $ seedbed seed --env dev --mark dev
            seed 010_users (new) sha256 0ca0e6ff…
              posts  + first
              users  + ann  + bob
            3 inserted, 0 updated, 0 deleted, 0 unchanged, in one transaction
            the database is marked as environment dev
            2> target: local local.db (default)
        "#]]);
    untouched(&project, "seed --env prod --mark test").check(expect![[r#"
        $ seedbed seed --env prod --mark test
        2> target: local local.db (default)
        2> error[other-environment]: the database cannot be marked `test` and get the seeds for `prod`
        2>   |
        2>   = help: `seedbed seed --env test --mark test`
        2>
        2> no row was written
        exit 4
    "#]]);
}

#[test]
fn a_database_that_others_use_gets_made_up_rows_only_where_that_is_said() {
    let project = project().env("TURSO_AUTH_TOKEN", "a.b.c");
    let far = "--database libsql://db.example.test";
    for (flags, expect) in [
        (
            "",
            expect![[r#"
        $ seedbed seed --database libsql://db.example.test
        2> target: remote libsql://db.example.test (--database)
        2> error[no-environment]: libsql://db.example.test is not this machine, so the environment of the seeds must be given
        2>   |
        2>   = help: `--env prod`, or SEEDBED_ENV
        exit 2
    "#]],
        ),
        (
            "--env dev",
            expect![[r#"
        $ seedbed seed --database libsql://db.example.test --env dev
        2> target: remote libsql://db.example.test (--database)
        2> error[remote-seed]: libsql://db.example.test is not this machine, and seeds for `dev` are made up
        2>   |
        2>   = help: `--allow-remote-seed`, if that database is there for such rows
        exit 2
    "#]],
        ),
    ] {
        let ran = untouched(&project, &format!("seed {far} {flags}"));
        ran.check(expect);
        assert_eq!(ran.code, Some(2), "{ran}");
    }
}

#[test]
fn check_needs_no_database_and_no_variables() {
    let project = project().file(
        "seeds/prod/a.yaml",
        "_seed: {envs: [prod]}\nusers:\n  root: {email: !env ROOT, name: !ref users.root.email}\nposts:\n  one: {user: root}\n",
    );
    untouched(&project, "check").check(expect![[r#"
        $ seedbed check
        1 migration is fine: 1 applied in memory, 0 of them undone and applied again
        the seeds for dev, prod, test are fine: they declare 5 rows
    "#]]);
    project.write("seeds/test/b.yaml", "posts:\n  one: {user: anne}\n");
    untouched(&project, "check").check(expect![[r#"
        $ seedbed check
        2> error[unknown-label]: `users` has no label `anne`
        2>  --> seeds/test/b.yaml:2:15
        2>   |
        2> 2 |   one: {user: anne}
        2>   |               ^^^^
        2>   |
        2>   = help: did you mean `ann`?
        exit 4
    "#]]);
}

#[test]
fn a_second_run_writes_nothing_to_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = ours(seedbed_test_server::Options {
        folder: Some(folder.path().to_owned()),
        ..Default::default()
    });
    let project = project();
    let line = format!("--database {}", server.url());
    let ran = project.run(&format!("migrate --seed {line}"));
    assert_eq!(ran.code, Some(0), "{ran}");
    let bytes = || {
        let mut files = Vec::new();
        let mut folders = vec![folder.path().to_owned()];
        while let Some(from) = folders.pop() {
            for entry in std::fs::read_dir(from).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.display().to_string().ends_with("-shm") {
                    files.push((path.clone(), std::fs::read(path).unwrap()));
                }
            }
        }
        files.sort();
        files
    };
    let before = bytes();
    assert!(!before.is_empty());
    server.clear_requests();
    let ran = project.run(&format!("seed {line}"));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stdout.contains("nothing to do"), "{ran}");
    assert!(bytes() == before, "something was written");
    assert!(server.requests().len() < 10, "{:?}", server.requests());
}

#[test]
fn two_runs_at_once_seed_once() {
    for _ in 0..5 {
        let project = project().after("migrate");
        let running: Vec<_> = (0..4).map(|_| project.spawn("seed")).collect();
        let ran: Vec<_> = running.into_iter().map(|it| it.finish()).collect();
        for ran in &ran {
            assert_eq!(ran.code, Some(0), "{ran}");
        }
        let did = ran
            .iter()
            .filter(|it| it.stdout.contains("3 inserted"))
            .count();
        assert_eq!(did, 1, "{ran:?}");
        assert_eq!(project.ask("SELECT count(*) FROM users"), "2");
    }
}

#[test]
fn a_row_changed_by_hand_is_told() {
    let project = project().after("migrate --seed");
    project.change(&[
        "UPDATE users SET name = 'Queen' WHERE email = 'ann@x'",
        "DELETE FROM posts",
    ]);
    untouched(&project, "seed").check(expect![[r#"
        $ seedbed seed
        seed 010_users (applied before) sha256 0ca0e6ff…
          ! posts.first: deleted by hand, not inserted again
          ! users.ann: name changed by hand, left unchanged
          `seedbed seed --refresh` makes it as declared again
        nothing to do: 1 row as declared, 2 left unchanged
        2> target: local local.db (default)
    "#]]);
    project.run("seed --refresh").check(expect![[r#"
        $ seedbed seed --refresh
        seed 010_users (applied before) sha256 0ca0e6ff…
          posts  + first
          users  ~ ann
            ann.name: Queen → Ann
            ann.secret: *** → ***
        1 inserted, 1 updated, 0 deleted, 1 unchanged, in one transaction
        2> target: local local.db (default)
    "#]]);
    untouched(&project, "seed").check(expect![[r#"
        $ seedbed seed
        nothing to do: 3 rows as declared
        2> target: local local.db (default)
    "#]]);
}

/// The commands between backticks in a text.
fn proposed(text: &str) -> Vec<String> {
    let parts = text.split('`').skip(1).step_by(2);
    let commands = parts.filter_map(|part| part.strip_prefix("seedbed "));
    commands.map(str::to_owned).collect()
}

#[test]
fn the_lock_timeout_of_seed_forget_may_stand_before_its_name() {
    let project = project()
        .file("seeds/010_users.yaml", SEED)
        .after("migrate")
        .after("seed");
    let lock = Lock::take(&project, Lock::TO_WRITE);
    for line in [
        "seed --lock-timeout 0 forget 010_users",
        "seed forget 010_users --lock-timeout 0",
    ] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(6), "{ran}");
        // Where it waits, it says so.
        assert!(!ran.stderr.contains("waiting:"), "{ran}");
    }
    lock.release();
}

#[test]
fn a_seed_whose_file_is_gone_is_ended_as_the_warning_says() {
    let sync = SEED.replace("users:\n", "_seed: {mode: sync}\nusers:\n");
    let project = project()
        .file("seeds/010_users.yaml", &sync)
        .after("migrate")
        .after("seed");
    project.remove("seeds/010_users.yaml");
    let posts = "posts:\n  own: {id: 1, user_id: 1, title: Own}\n";
    project.change(&["INSERT INTO users (id, email) VALUES (1, 'own@x')"]);
    project.write("seeds/020_posts.yaml", posts);
    let warned = project.run("seed");
    assert_eq!(proposed(&warned.to_string()), ["seed forget 010_users"]);
    untouched(&project, "seed forget 010_users --with-rows --dry-run").check(expect![[r#"
        $ seedbed seed forget 010_users --with-rows --dry-run
          posts  - first
          users  - ann  - bob
        seed 010_users would be forgotten; 3 rows deleted
        2> target: local local.db (default)
    "#]]);
    untouched(&project, "seed forget 010_user").check(expect![[r#"
        $ seedbed seed forget 010_user
        2> target: local local.db (default)
        2> error[unknown-seed]: no seed `010_user` is recorded in this database
        2>   |
        2>   = help: did you mean `010_users`?
        exit 4
    "#]]);
    untouched(&project, "seed forget 020_posts --with-rows").check(expect![[r#"
        $ seedbed seed forget 020_posts --with-rows
        2> target: local local.db (default)
        2> error[not-sync]: seed 020_posts is not in mode sync, so its rows are the application's by now
        2>   |
        2>   = help: `seedbed seed forget 020_posts` ends it, and its rows stay; delete those that are to go by hand
        exit 4
    "#]]);
    untouched(&project, "seed --env dev forget 010_users").check(expect![[r#"
        $ seedbed seed --env dev forget 010_users
        2> error[flag]: `--env` is about writing rows, and `seed forget` ends a seed
        2>   |
        2>   = help: leave it out; `seedbed seed forget --help` lists the flags of that command
        exit 2
    "#]]);
    project
        .run("seed forget 010_users --format json")
        .check(expect![[r#"
            $ seedbed seed forget 010_users --format json
            {
              "schema_version": 1,
              "command": "seed forget",
              "mode": "local",
              "database": "local.db",
              "outcome": "done",
              "exit_code": 0,
              "items": [],
              "problems": [],
              "changes": [],
              "drifted": [],
              "forgotten": "010_users",
              "rows": {
                "deleted": 0,
                "inserted": 0,
                "unchanged": 0,
                "updated": 0
              }
            }
            2> target: local local.db (default)
        "#]]);
    assert_eq!(project.ask("SELECT count(*) FROM users"), "3");
    untouched(&project, "seed").check(expect![[r#"
        $ seedbed seed
        nothing to do: 1 row as declared
        2> target: local local.db (default)
    "#]]);
    project.run("seed forget 020_posts").check(expect![[r#"
        $ seedbed seed forget 020_posts
        seed 020_posts is forgotten; no row is deleted
        its file is still there: the next `seedbed seed` applies it as a new one
        2> target: local local.db (default)
    "#]]);
    let help = project.run("seed forget --help").to_string();
    let (own, global) = help.split_once("\nGlobal options:\n").unwrap();
    expect![[r#"
        $ seedbed seed forget --help
        End a seed: remove its records. Then you can delete its file, or seed it again

        Usage: seedbed seed forget [OPTIONS] <NAME>

        Arguments:
          <NAME>
                  The seed: the path of its file below the seeds folder, without `.yaml`

        Options:
              --with-rows
                  Also delete the rows that it made (mode `sync` only)

              --dry-run
                  Show which rows would be deleted, and change nothing

              --lock-timeout <S>
                  How long to wait for the lock of another process, in seconds [default:
                  10; 120 for a server]. The answer of a server is awaited for the same
                  time, at least [ms]

          -h, --help
                  Print help (see a summary with '-h')
    "#]]
    .assert_eq(own);
    let (global, _) = global.split_once("\nExamples:\n").unwrap();
    // The global options of every command are the same; those of `migrate` are in commands/look.rs.
    let migrate = project.run("migrate --help").to_string();
    let (_, of_migrate) = migrate.split_once("\nGlobal options:\n").unwrap();
    let (of_migrate, _) = of_migrate.split_once("\nExamples:\n").unwrap();
    assert_eq!(global, of_migrate);
}

#[test]
fn a_renamed_seed_is_the_same_in_every_command() {
    let project = project().after("migrate").after("seed");
    let text = project.read("seeds/010_users.yaml");
    project.remove("seeds/010_users.yaml");
    project.write("seeds/015_people.yaml", &text);
    untouched(&project, "seed --dry-run").check(expect![[r#"
        $ seedbed seed --dry-run
        seed 015_people (continues 010_users, applied before) sha256 0ca0e6ff…
        0 insert, 0 update, 0 delete, 3 unchanged, in one transaction
        2> target: local local.db (default)
    "#]]);
    let status = untouched(&project, "status").to_string();
    assert!(status.contains("applied  015_people"), "{status}");
    assert!(!status.contains("missing"), "{status}");
    project.run("seed").check(expect![[r#"
        $ seedbed seed
        seed 015_people (continues 010_users, applied before) sha256 0ca0e6ff…
        0 inserted, 0 updated, 0 deleted, 3 unchanged, in one transaction
        2> target: local local.db (default)
    "#]]);
    untouched(&project, "seed").check(expect![[r#"
        $ seedbed seed
        nothing to do: 3 rows as declared
        2> target: local local.db (default)
    "#]]);
}

#[test]
fn an_inserted_row_that_was_removed_comes_again_as_the_report_says() {
    let insert = SEED.replace("users:\n", "_seed: {mode: insert}\nusers:\n");
    let project = project()
        .file("seeds/010_users.yaml", &insert)
        .after("migrate")
        .after("seed");
    project.change(&["DELETE FROM posts"]);
    let told = untouched(&project, "seed");
    told.check(expect![[r#"
        $ seedbed seed
        seed 010_users (applied before) sha256 3fe59e8f…
          ! posts.first: deleted by hand, not inserted again
          `seedbed seed forget 010_users`, and then `seedbed seed`, makes it again
        nothing to do: 2 rows made once and not compared, 1 left unchanged
        2> target: local local.db (default)
    "#]]);
    for command in proposed(&told.to_string()) {
        project.run(&command);
    }
    assert_eq!(project.ask("SELECT count(*) FROM posts"), "1");
}

#[test]
fn the_document_of_migrate_and_seed_has_the_migrations_whether_or_not_the_seed_fails() {
    let project = Project::new()
        .migration(
            "V1__s",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER CHECK (n > 0));\n",
        )
        .file("seeds/a.yaml", "t: {a: {id: 1, n: 0}}\n");
    let shown = |line: &str| {
        let ran = project.run(line);
        let document = ran.json();
        let items = document["items"].as_array().unwrap().iter();
        let items = items.map(|it| format!("{} {}", it["kind"], it["state"]).replace('"', ""));
        let items: Vec<String> = items.collect();
        format!(
            "{} {}: {}",
            document["exit_code"],
            document["database_version"],
            items.join(", ")
        )
    };
    let line = "migrate --seed --format json";
    assert_eq!(shown(line), "1 1: migration applied, seed pending");
    project.write("seeds/a.yaml", "t: {a: {id: 1, n: 1}}\n");
    project.write(
        "migrations/V2__u.sql",
        "CREATE TABLE u (id INTEGER PRIMARY KEY);\n",
    );
    assert_eq!(shown(line), "0 2: migration applied, seed applied");
    assert_eq!(shown(line), "0 2: seed applied");
}
