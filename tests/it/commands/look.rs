//! The commands that only look.

use expect_test::expect;

use super::project;
use crate::project::Project;

#[test]
fn status_shows_how_each_migration_stands() {
    let project = project();
    project.run("status").check(expect![[r#"
        $ seedbed status
        state  version  name  checksum
        ○ pending  V1  users  f202577a
        ○ pending  V2  posts  6c514698
        ○ pending  R  authors  f8fe37c4

        3 pending; no version is applied
        2> target: local local.db (default)
    "#]]);
    let project = project
        .after("migrate --to 1")
        .migration("V3__tags", "CREATE TABLE tags (name TEXT);\n");
    project.run("status").check(expect![[r#"
        $ seedbed status
        state  version  name  applied at  took  checksum
        ✓ applied  V1  users  [time] UTC  [ms]  f202577a
        ○ pending  V2  posts  6c514698
        ○ pending  V3  tags  094cbb0f
        ○ pending  R  authors  f8fe37c4

        1 applied, 3 pending; the database is at V1
        2> target: local local.db (default)
    "#]]);
    project.run("status --format json").check(expect![[r#"
        $ seedbed status --format json
        {
          "schema_version": 1,
          "command": "status",
          "mode": "local",
          "database": "local.db",
          "outcome": "pending",
          "exit_code": 0,
          "items": [
            {
              "kind": "migration",
              "version": 1,
              "name": "users",
              "state": "applied",
              "checksum": "f202577af96fe5ff413f6456e176f80eb994ac7d349d89f8707fa32f79cef931",
              "applied_at": "[time]",
              "duration_ms": [ms],
              "file": "migrations/V1__users.sql"
            },
            {
              "kind": "migration",
              "version": 2,
              "name": "posts",
              "state": "pending",
              "checksum": "6c514698e42a18960b875a12336b78cc93bfc297ae987f58dfe8db62d8a81320",
              "applied_at": null,
              "duration_ms": null,
              "file": "migrations/V2__posts.sql"
            },
            {
              "kind": "migration",
              "version": 3,
              "name": "tags",
              "state": "pending",
              "checksum": "094cbb0f935f36a436a2a8081fa2604014ee166799b7d1cf6494653060c12379",
              "applied_at": null,
              "duration_ms": null,
              "file": "migrations/V3__tags.sql"
            },
            {
              "kind": "repeatable",
              "version": "authors",
              "name": "authors",
              "state": "pending",
              "checksum": "f8fe37c4d37795ac97a20d1ae661a731d36af3aab7481e5081c416441dfce57d",
              "applied_at": null,
              "duration_ms": null,
              "file": "migrations/R__authors.sql"
            }
          ],
          "problems": [],
          "database_version": 1,
          "environment": null
        }
        2> target: local local.db (default)
    "#]]);
    let project = project.after("migrate");
    project.remove("migrations/V3__tags.sql");
    project.write("migrations/R__authors.sql", "DROP VIEW authors;\n");
    project.run("status").check(expect![[r#"
        $ seedbed status
        state  version  name  applied at  took  checksum
        ✓ applied  V1  users  [time] UTC  [ms]  f202577a
        ✓ applied  V2  posts  [time] UTC  [ms]  6c514698
        ↑ ahead  V3  tags  [time] UTC  [ms]  094cbb0f
        ○ pending  R  authors  ab65c553

        2 applied, 1 ahead, 1 pending; the database is at V3

        warning[ahead]: the database is ahead of these files: V3 is applied, and the newest file is V2
          |
          = help: nothing has to be done where an older release is deployed; otherwise bring the newer files back
        2> target: local local.db (default)
    "#]]);
}

#[test]
fn status_without_any_migration() {
    Project::new().run("status").check(expect![[r#"
        $ seedbed status
        there are no migrations, neither as files nor in the database; `seedbed new NAME` writes the first one
        2> target: local local.db (default)
    "#]]);
}

#[test]
fn status_tells_of_pending_work_by_its_exit_code_where_it_is_asked_to() {
    let project = project();
    assert_eq!(project.run("status").code, Some(0));
    assert_eq!(project.run("status --exit-code").code, Some(3));
    let ran = project.run("status --exit-code --format json");
    assert_eq!(ran.json()["exit_code"], 3);
    let project = project.after("migrate");
    assert_eq!(project.run("status --exit-code").code, Some(0));
    project.write("migrations/V1__users.sql", "CREATE TABLE users (x);\n");
    assert_eq!(project.run("status").code, Some(4));
    assert_eq!(project.run("status --exit-code").code, Some(4));
}

#[test]
fn looking_makes_no_file() {
    let project = project();
    let before = project.files();
    for line in [
        "status",
        "status --exit-code --format json",
        "migrate --dry-run",
        "undo --dry-run",
        "check",
        "config",
        "status --database data/app.db",
        "status --database :memory:",
        "completions fish",
        "help",
        "--version",
    ] {
        project.run(line);
        assert_eq!(project.files(), before, "{line}");
    }
}

#[test]
fn config_shows_each_value_and_where_it_comes_from() {
    let project = project()
        .file(
            "config.toml",
            "[local]\npath = \"data/app.db\"\n\n[migrations]\nout_of_order = true\n\n[turso]\nregions = 1\n",
        )
        .file(".env", "SEEDBED_ENV=test\nTURSO_AUTH_TOKEN=secret-token\n")
        .env("TURSO_DATABASE_URL", "libsql://db.example.com");
    project.run("config --migrations sql").check(expect![[r#"
        $ seedbed config --migrations sql
        setting             value                      from
        root                [root]
        config file         config.toml
        env file            .env
        mode                -
        database            -
        local file          data/app.db                [local] path in config.toml
        remote url          libsql://db.example.com    TURSO_DATABASE_URL from the environment
        token               ***                        TURSO_AUTH_TOKEN from .env
        encryption key      -
        allow plain http    false                      default
        proxy               -
        replica file        local_replica.db           default
        sync interval       -
        migrations          sql                        --migrations
        data tests          sql/tests                  default
        layout              found by the files         default
        out of order        true, on local files only  [migrations] out_of_order in config.toml
        downs from          -
        ignore tables       those of known tools       default
        history table       _migrations                default
        lint runner         that of the layout         default
        lint target         that of the settings       default
        lint severities     those of the rules         default
        seeds               seeds                      default
        seed environment    test                       SEEDBED_ENV from .env
        backup              false                      default
        backup dir          backups                    default
        backup days         30                         default
        turso database      -
        turso organization  -
        turso region        -
        turso replicas      -
        2> error[config]: unknown key `regions` in [turso]
        2>  --> config.toml:8:1
        2>   = help: did you mean `replica_regions`?
        exit 2
    "#]]);
    project.write("config.toml", "[local]\npath = \"data/app.db\"\n");
    project
        .run("config --mode replica --format json")
        .check(expect![[r#"
            $ seedbed config --mode replica --format json
            {
              "schema_version": 1,
              "command": "config",
              "mode": null,
              "database": null,
              "outcome": "done",
              "exit_code": 0,
              "items": [],
              "problems": [],
              "settings": [
                {
                  "name": "root",
                  "origin": "",
                  "value": "[root]"
                },
                {
                  "name": "config file",
                  "origin": "",
                  "value": "config.toml"
                },
                {
                  "name": "env file",
                  "origin": "",
                  "value": ".env"
                },
                {
                  "name": "mode",
                  "origin": "--mode",
                  "value": "replica"
                },
                {
                  "name": "database",
                  "origin": "TURSO_DATABASE_URL from the environment",
                  "value": "local_replica.db of libsql://db.example.com"
                },
                {
                  "name": "local file",
                  "origin": "[local] path in config.toml",
                  "value": "data/app.db"
                },
                {
                  "name": "remote url",
                  "origin": "TURSO_DATABASE_URL from the environment",
                  "value": "libsql://db.example.com"
                },
                {
                  "name": "token",
                  "origin": "TURSO_AUTH_TOKEN from .env",
                  "value": "***"
                },
                {
                  "name": "encryption key",
                  "origin": "default",
                  "value": "-"
                },
                {
                  "name": "allow plain http",
                  "origin": "default",
                  "value": "false"
                },
                {
                  "name": "proxy",
                  "origin": "default",
                  "value": "-"
                },
                {
                  "name": "replica file",
                  "origin": "default",
                  "value": "local_replica.db"
                },
                {
                  "name": "sync interval",
                  "origin": "default",
                  "value": "-"
                },
                {
                  "name": "migrations",
                  "origin": "default",
                  "value": "migrations"
                },
                {
                  "name": "data tests",
                  "origin": "default",
                  "value": "migrations/tests"
                },
                {
                  "name": "layout",
                  "origin": "default",
                  "value": "found by the files"
                },
                {
                  "name": "out of order",
                  "origin": "default",
                  "value": "false"
                },
                {
                  "name": "downs from",
                  "origin": "default",
                  "value": "-"
                },
                {
                  "name": "ignore tables",
                  "origin": "default",
                  "value": "those of known tools"
                },
                {
                  "name": "history table",
                  "origin": "default",
                  "value": "_migrations"
                },
                {
                  "name": "lint runner",
                  "origin": "default",
                  "value": "that of the layout"
                },
                {
                  "name": "lint target",
                  "origin": "default",
                  "value": "that of the settings"
                },
                {
                  "name": "lint severities",
                  "origin": "default",
                  "value": "those of the rules"
                },
                {
                  "name": "seeds",
                  "origin": "default",
                  "value": "seeds"
                },
                {
                  "name": "seed environment",
                  "origin": "SEEDBED_ENV from .env",
                  "value": "test"
                },
                {
                  "name": "backup",
                  "origin": "default",
                  "value": "false"
                },
                {
                  "name": "backup dir",
                  "origin": "default",
                  "value": "backups"
                },
                {
                  "name": "backup days",
                  "origin": "default",
                  "value": "30"
                },
                {
                  "name": "turso database",
                  "origin": "default",
                  "value": "-"
                },
                {
                  "name": "turso organization",
                  "origin": "default",
                  "value": "-"
                },
                {
                  "name": "turso region",
                  "origin": "default",
                  "value": "-"
                },
                {
                  "name": "turso replicas",
                  "origin": "default",
                  "value": "-"
                }
              ]
            }
        "#]]);
    project.run("config --mode local").check(expect![[r#"
        $ seedbed config --mode local
        setting             value                    from
        root                [root]
        config file         config.toml
        env file            .env
        mode                local                    --mode
        database            data/app.db              [local] path in config.toml
        local file          data/app.db              [local] path in config.toml
        remote url          libsql://db.example.com  TURSO_DATABASE_URL from the environment
        token               ***                      TURSO_AUTH_TOKEN from .env
        encryption key      -
        allow plain http    false                    default
        proxy               -
        replica file        local_replica.db         default
        sync interval       -
        migrations          migrations               default
        data tests          migrations/tests         default
        layout              found by the files       default
        out of order        false                    default
        downs from          -
        ignore tables       those of known tools     default
        history table       _migrations              default
        lint runner         that of the layout       default
        lint target         that of the settings     default
        lint severities     those of the rules       default
        seeds               seeds                    default
        seed environment    test                     SEEDBED_ENV from .env
        backup              false                    default
        backup dir          backups                  default
        backup days         30                       default
        turso database      -
        turso organization  -
        turso region        -
        turso replicas      -
    "#]]);
}

#[test]
fn the_version_and_the_help_are_told_on_standard_output() {
    let project = Project::bare();
    project.run("--version").check(expect![[r#"
        $ seedbed --version
        seedbed [version]
    "#]]);
    project.run("help migrate").check(expect![[r#"
        $ seedbed help migrate
        Apply pending migrations

        Usage: seedbed migrate [OPTIONS]

        Options:
              --to <V>
                  Stop after this version: 3 or V3

              --dry-run
                  Show what would be run, and change nothing; `check` tries it in memory

              --tx <HOW>
                  As few transactions as possible, or one for each migration

                  Possible values:
                  - all:  As few as possible without changing the result
                  - each: One for each migration

                  [default: all]

              --allow-out-of-order
                  Also apply versions below the newest applied one

              --allow-drift
                  Also change tables, indexes, views and triggers that were changed
                  outside of migrations. Databases may end with different schemas, and
                  what was changed may be lost

              --wait <S>
                  Wait up to S seconds for the database to become reachable

              --backup[=<KIND>]
                  Take a backup before the first change; with `=unproven` also continue
                  if the backup cannot be proven

                  Possible values:
                  - proven:   One from which the database was rebuilt
                  - unproven: Any

              --seed
                  Seed the database afterwards

              --env <ENV>
                  The environment of the seeds; a database with the mark of another one
                  is refused

              --tag <TAG>
                  Seed the files with this tag too

              --allow-remote-seed
                  Allow rows that are not for prod on a server that is not this machine

              --lock-timeout <S>
                  How long to wait for the lock of another process, in seconds [default:
                  10; 120 for a server]. The answer of a server is awaited for the same
                  time, at least [ms]

          -h, --help
                  Print help (see a summary with '-h')

        Global options:
          -C <DIR>
                  Change to this folder first

              --database <DATABASE>
                  The database: app.db, file:app.db, :memory:, libsql://…, https://…;
                  its form fixes the mode

              --mode <MODE>
                  How the database is reached: local, memory, remote or replica

              --config <FILE>
                  The configuration file; its folder is the project root [default:
                  config.toml in the project root]

              --env-file <FILE>
                  The file of environment variables [default: .env in the project root]

              --migrations <DIR>
                  The folder of the migrations [default: migrations]

              --layout <TOOL>
                  How that folder is read: seedbed, sqlx, wrangler, golang-migrate,
                  geni, diesel, goose, dbmate, sql-migrate, drizzle or prisma [default:
                  found by its files]

              --seeds <DIR>
                  The folder of the seeds [default: seeds]

              --replica-file <FILE>
                  The local file of an embedded replica [default: local_replica.db]

              --allow-plain-http
                  Reach a server in a private network over http:// without a token; a
                  token is never sent that way

              --ignore <TABLE>
                  A table or view that does not belong to the application: it is no
                  history of migrations, and is left out of comparisons. Tables of other
                  migration tools are known. Can be given several times

              --format <FORMAT>
                  How to print the result, on standard output

                  Possible values:
                  - table: For people
                  - json:  One JSON document
                  - sarif: SARIF 2.1.0, for code scanning: the findings of `lint`

                  [default: table]

          -q, --quiet
                  Print only the result and errors: no warnings, no progress. A backup
                  prints nothing

          -v, --verbose
                  Print more details during the run

              --color <WHEN>
                  When to use colours

                  Possible values:
                  - auto:   On a terminal
                  - always: Always
                  - never:  Never

                  [default: auto]

          -y, --yes
                  Answer yes to every question

        Examples:
          migrate                    all pending migrations
          migrate --dry-run          show them and what each statement does
          migrate --seed --env dev   and write the rows of seeds/
    "#]]);
}
