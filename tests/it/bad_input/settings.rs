//! Settings and flags that do not fit.

use expect_test::expect;

use super::{applied, check, untouched};
#[cfg(unix)]
use crate::project::Project;

#[test]
fn an_unknown_key_in_the_configuration() {
    let project = applied().file(
        "config.toml",
        "[app]\nname = \"mine\"\n\n[migrations]\ndirectory = \"db\"\n\n[local]\npath = 7\n\n[turso]\nauth_token = \"secret-token\"\n",
    );
    check(
        &project,
        "migrate",
        expect![[r#"
            $ seedbed migrate
            2> error[config]: unknown key `directory` in [migrations]
            2>  --> config.toml:5:1
            2>   = help: did you mean `dir`?
            2>
            2> error[config]: [local] path must be a string, not an integer
            2>  --> config.toml:8:1
            2>
            2> error[config]: `auth_token` in [turso] is refused: config.toml is committed, and a token would be in every copy of the repository
            2>  --> config.toml:11:1
            2>   = help: put the token into TURSO_AUTH_TOKEN, in the environment or .env, and name a file that holds it in TURSO_AUTH_TOKEN_FILE otherwise; if this one was ever committed, revoke it
            2>
            2> 3 errors
            exit 2
        "#]],
    );
    check(
        &project,
        "status --format json",
        expect![[r#"
            $ seedbed status --format json
            {
              "schema_version": 1,
              "command": "status",
              "mode": null,
              "database": null,
              "outcome": "usage",
              "exit_code": 2,
              "items": [],
              "problems": [
                {
                  "code": "config",
                  "severity": "error",
                  "file": "config.toml",
                  "line": 5,
                  "column": 1,
                  "message": "unknown key `directory` in [migrations]",
                  "notes": [],
                  "help": "did you mean `dir`?"
                },
                {
                  "code": "config",
                  "severity": "error",
                  "file": "config.toml",
                  "line": 8,
                  "column": 1,
                  "message": "[local] path must be a string, not an integer",
                  "notes": [],
                  "help": null
                },
                {
                  "code": "config",
                  "severity": "error",
                  "file": "config.toml",
                  "line": 11,
                  "column": 1,
                  "message": "`auth_token` in [turso] is refused: config.toml is committed, and a token would be in every copy of the repository",
                  "notes": [],
                  "help": "put the token into TURSO_AUTH_TOKEN, in the environment or .env, and name a file that holds it in TURSO_AUTH_TOKEN_FILE otherwise; if this one was ever committed, revoke it"
                }
              ]
            }
            exit 2
        "#]],
    );
}

#[test]
fn a_configuration_that_is_no_toml() {
    check(
        &applied().file("config.toml", "[local\npath = 'x'\n"),
        "migrate",
        expect![[r#"
            $ seedbed migrate
            2> error[config]: unclosed table, expected `]`
            2>  --> config.toml:1:7
            exit 2
        "#]],
    );
    check(
        &applied(),
        "migrate --config nowhere.toml",
        expect![[r#"
        $ seedbed migrate --config nowhere.toml
        2> error[config]: --config names a file that cannot be read: no such file
        2>  --> nowhere.toml
        2>   = help: check the path, or leave --config out
        exit 2
    "#]],
    );
    check(
        &applied(),
        "migrate --env-file nowhere",
        expect![[r#"
        $ seedbed migrate --env-file nowhere
        2> error[config]: --env-file names a file that cannot be read: no such file
        2>  --> nowhere
        2>   = help: check the path, or leave --env-file out
        exit 2
    "#]],
    );
    check(
        &applied().file(
            ".env",
            "USE_TURSO=NO\nTURSO_AUTH_TOKEN=secret token\nDATABASE_FILE\n",
        ),
        "migrate",
        expect![[r#"
            $ seedbed migrate
            2> error[config]: this line cannot be read: a bad name, or a value that needs quotes
            2>  --> .env:2
            2>   = help: put the value in single quotes if it has spaces, quotes, backslashes or $ in it
            2>
            2> error[config]: this line is not NAME=value
            2>  --> .env:3
            2>   = help: put # before it if it is a comment
            2>
            2> 2 errors
            exit 2
        "#]],
    );
}

#[test]
fn contradictory_settings() {
    let both = applied()
        .env("USE_TURSO", "YES")
        .env("USE_EMBEDDED_REPLICA", "1");
    check(
        &both,
        "migrate",
        expect![[r#"
        $ seedbed migrate
        2> error[config]: USE_TURSO from the environment and USE_EMBEDDED_REPLICA are both on: choose one
        2>   |
        2>   = help: USE_TURSO=YES works on the remote itself, USE_EMBEDDED_REPLICA=YES on a local replica of it
        exit 2
    "#]],
    );
    check(
        &applied(),
        "migrate --database :memory: --mode local",
        expect![[r#"
            $ seedbed migrate --database :memory: --mode local
            2> error[config]: --database names a memory database, --mode says local
            2>   |
            2>   = help: leave one of the two out
            exit 2
        "#]],
    );
    check(
        &applied(),
        "migrate --database libsql://db.example.com --mode replica",
        expect![[r#"
            $ seedbed migrate --database libsql://db.example.com --mode replica
            2> error[config]: --database names a remote database, --mode says replica
            2>   |
            2>   = help: a replica takes its primary from TURSO_DATABASE_URL and its file from --replica-file: leave --database out
            exit 2
        "#]],
    );
    check(
        &applied().env("USE_TURSO", "perhaps"),
        "migrate",
        expect![[r#"
            $ seedbed migrate
            2> error[config]: USE_TURSO from the environment is neither yes nor no
            2>   |
            2>   = help: accepted: YES or NO, true or false, 1 or 0
            exit 2
        "#]],
    );
    let unchosen = applied().file(".env", "TURSO_DATABASE_URL=libsql://db.example.com\n");
    check(
        &unchosen,
        "migrate",
        expect![[r#"
            $ seedbed migrate
            2> error[config]: TURSO_DATABASE_URL is set, but nothing says whether to use it
            2>  --> .env:1
            2>   = help: for the remote, pass `--mode remote` or set USE_TURSO=YES; for a local replica of it, pass `--mode replica` or set USE_EMBEDDED_REPLICA=YES; for the local file, pass `--mode local`, set USE_TURSO=NO in .env, or unset TURSO_DATABASE_URL there; `--database` overrides all of these. The remote needs TURSO_AUTH_TOKEN, which is not set
            exit 2
        "#]],
    );
    check(
        &applied().env("USE_TURSO", "YES"),
        "migrate",
        expect![[r#"
        $ seedbed migrate
        2> error[config]: TURSO_DATABASE_URL must be set: the mode is remote (USE_TURSO from the environment)
        2>   |
        2>   = help: set it in the environment or .env, or [turso] database_url in config.toml; `turso db show NAME --url` prints it. TURSO_AUTH_TOKEN is not set either
        exit 2
    "#]],
    );
    let plain = applied()
        .env("USE_TURSO", "YES")
        .env("TURSO_DATABASE_URL", "http://db.example.com")
        .env("TURSO_AUTH_TOKEN", "secret-token");
    check(
        &plain,
        "migrate",
        expect![[r#"
            $ seedbed migrate
            2> error[config]: TURSO_AUTH_TOKEN from the environment is not sent to http://db.example.com over plain http, where anyone on the way could read it
            2>   |
            2>   = help: use https:// or libsql://; or, for a server in a private network that needs no token, leave TURSO_AUTH_TOKEN unset and pass `--allow-plain-http`, or set `allow_plain_http = true` in [turso] of config.toml
            exit 2
        "#]],
    );
}

#[test]
fn a_server_that_cannot_be_reached() {
    // No server listens on port 1.
    check(
        &applied(),
        "migrate --database http://127.0.0.1:1",
        expect![[r#"
            $ seedbed migrate --database http://127.0.0.1:1
            2> target: remote http://127.0.0.1:1 (--database)
            2> error[unreachable]: cannot reach 127.0.0.1:1: Connection refused (os error 111)
            2>   |
            2>   = help: check whether the host and port are right and the network lets you reach them; `seedbed doctor --database http://127.0.0.1:1` checks each step
            exit 1
        "#]],
    );
    check(
        &applied(),
        "status --database http://127.0.0.1:1",
        expect![[r#"
            $ seedbed status --database http://127.0.0.1:1
            2> target: remote http://127.0.0.1:1 (--database)
            2> error[unreachable]: cannot reach 127.0.0.1:1: Connection refused (os error 111)
            2>   |
            2>   = help: check whether the host and port are right and the network lets you reach them; `seedbed doctor --database http://127.0.0.1:1` checks each step
            exit 1
        "#]],
    );
}

#[test]
fn flags_that_do_not_fit() {
    let project = applied();
    for (line, expect) in [
        (
            "",
            expect![[r#"
                $ seedbed
                2> Schema migrations and seeds for libSQL: local files, memory, Turso remotes and
                2> embedded replicas
                2>
                2> Usage: seedbed [OPTIONS] <COMMAND>
                2>
                2> Migrations:
                2>   migrate      Apply pending migrations [alias: up]
                2>   status       Show which migrations are applied, pending, edited or missing
                2>                [alias: info]
                2>   undo         Undo applied migrations, by the down files recorded with them
                2>                [alias: down]
                2>   redo         Undo the newest migrations and apply them again as their files
                2>                are now
                2>   check        Check the files without a database: names, directives, and every
                2>                migration up, down and up again in memory
                2>   lint         Find what migrations would do to rows, to programs that run, and
                2>                to the engine they are for
                2>   new          Create a migration file with the next version [alias: add]
                2>   renumber     Give a migration file the next free version
                2>   repair       Update the recorded metadata to match the files; the schema is
                2>                never changed
                2>   baseline     Record migrations as applied without running them, for a database
                2>                that already has the schema
                2>   adopt        Take over the history of another tool: compare its records with
                2>                the files and the schema, and record them
                2>   drift        Compare the schema of the database with the one that its recorded
                2>                migrations make
                2>
                2> Seeds and test databases:
                2>   seed         Write the rows that the seed files declare, and only what differs
                2>   test-db      Print the path of a fresh migrated and seeded database, for tests
                2>                in any language
                2>   reset        Replace the local database by a new one: migrate, seed
                2>
                2> Dumps, copies and backups:
                2>   copy         Copy a database or dump into another database, wherever they are,
                2>                and compare every value
                2>   import       Load a dump into the database: the output of `sqlite3 old.db
                2>                .dump`, plain or gzip
                2>   export       Write a dump: SQL from which sqlite3 and `import` rebuild an
                2>                equal database
                2>   verify       Compare the database with a dump, table by table, and show which
                2>                rows differ
                2>   backup       Take a backup: a compressed dump with a checksum, proven by
                2>                building a database from it
                2>   restore      Restore a backup into a new or empty database
                2>
                2> Embedded replicas:
                2>   sync         Update the local file of an embedded replica from its primary
                2>   replica      Look at, remove or copy the local file of an embedded replica
                2>
                2> To look at a database or a project:
                2>   doctor       Check everything from the settings to a real read, and say what
                2>                to do about each fault
                2>   inspect      List tables with their rows, size and indexes
                2>   explain      Show how a statement would run and which index it would use;
                2>                nothing is run
                2>   config       Show every setting and where it comes from
                2>
                2> Set-up:
                2>   init         Set a project up: folders, settings, and for Rust an xtask
                2>   completions  Print a completion script for a shell
                2>   help         Print this message or the help of the given subcommand(s)
                2>
                2> Options:
                2>   -C <DIR>                   Change to this folder first
                2>       --database <DATABASE>  The database: app.db, file:app.db, :memory:,
                2>                              libsql://…, https://…; its form fixes the mode
                2>       --mode <MODE>          How the database is reached: local, memory, remote
                2>                              or replica
                2>       --config <FILE>        The configuration file; its folder is the project
                2>                              root [default: config.toml in the project root]
                2>       --env-file <FILE>      The file of environment variables [default: .env in
                2>                              the project root]
                2>       --migrations <DIR>     The folder of the migrations [default: migrations]
                2>       --layout <TOOL>        How that folder is read: seedbed, sqlx, wrangler,
                2>                              golang-migrate, geni, diesel, goose, dbmate,
                2>                              sql-migrate, drizzle or prisma [default: found by
                2>                              its files]
                2>       --seeds <DIR>          The folder of the seeds [default: seeds]
                2>       --replica-file <FILE>  The local file of an embedded replica [default:
                2>                              local_replica.db]
                2>       --allow-plain-http     Reach a server in a private network over http://
                2>                              without a token; a token is never sent that way
                2>       --ignore <TABLE>       A table or view that does not belong to the
                2>                              application: it is no history of migrations, and is
                2>                              left out of comparisons. Tables of other migration
                2>                              tools are known. Can be given several times
                2>       --format <FORMAT>      How to print the result, on standard output
                2>                              [default: table] [possible values: table, json,
                2>                              sarif]
                2>   -q, --quiet                Print only the result and errors: no warnings, no
                2>                              progress. A backup prints nothing
                2>   -v, --verbose              Print more details during the run
                2>       --color <WHEN>         When to use colours [default: auto] [possible
                2>                              values: auto, always, never]
                2>   -y, --yes                  Answer yes to every question
                2>   -h, --help                 Print help (see more with '--help')
                2>   -V, --version              Print version
                2>
                2> Exit codes:
                2>   0    done, or nothing to do
                2>   1    the operation failed; the message says what is and is not in the database
                2>   2    usage or configuration
                2>   3    pending work exists (`status --exit-code`)
                2>   4    integrity: the files, the history or the database do not fit: a wrong
                2>        checksum, a missing file, a wrong order, a duplicate version, a bad name,
                2>        a file for another tool; a history table that is not Seedbed's, is newer
                2>        or has another name; a database that another tool migrated; a file that
                2>        is not a dump, tables that exist already, an import that is not
                2>        finished, side files of a deleted database
                2>   5    schema drift: the schema of the database differs from the one that the
                2>        migrations make (`baseline`, `adopt`, `repair V`, `drift`), or a run
                2>        would change an object that has drifted (`migrate`, `undo`, `redo`)
                2>   6    a lock or busy timeout; a file to be replaced that another process has
                2>        open
                2>   7    findings of `lint`: errors, with `--strict` also warnings
                2>   8    the network failed during the commit, and the outcome stayed unknown
                2>        until the time limit
                2>   130  interrupted (SIGINT, SIGTERM); the current transaction was finished or
                2>        rolled back
                exit 2
            "#]],
        ),
        (
            "migrat",
            expect![[r#"
                $ seedbed migrat
                2> error: unrecognized subcommand 'migrat'
                2>
                2>   tip: a similar command is `seedbed migrate`
                2>
                2> Usage: seedbed [OPTIONS] <COMMAND>
                2>
                2> For more information, try '--help'.
                exit 2
            "#]],
        ),
        (
            "migrate --too 3",
            expect![[r#"
            $ seedbed migrate --too 3
            2> error: unexpected argument '--too' found
            2>
            2>   tip: a similar argument exists: '--to'
            2>
            2> Usage: seedbed migrate --to <V>
            2>
            2> For more information, try '--help'.
            exit 2
        "#]],
        ),
        (
            "migrate --to three",
            expect![[r#"
            $ seedbed migrate --to three
            2> error: invalid value 'three' for '--to <V>': a version is written 3 or V3
            2>
            2> For more information, try '--help'.
            exit 2
        "#]],
        ),
        (
            "migrate --to -1",
            expect![[r#"
            $ seedbed migrate --to -1
            2> error: invalid value '-1' for '--to <V>': a version is written 3 or V3
            2>
            2> For more information, try '--help'.
            exit 2
        "#]],
        ),
        (
            "migrate --tx some",
            expect![[r#"
            $ seedbed migrate --tx some
            2> error: invalid value 'some' for '--tx <HOW>'
            2>   [possible values: all, each]
            2>
            2> For more information, try '--help'.
            exit 2
        "#]],
        ),
        (
            "migrate --lock-timeout -1",
            expect![[r#"
            $ seedbed migrate --lock-timeout -1
            2> error: invalid value '-1' for '--lock-timeout <S>': write a number of seconds, such as 10 or 0.5
            2>
            2> For more information, try '--help'.
            exit 2
        "#]],
        ),
        (
            "migrate --lock-timeout soon",
            expect![[r#"
            $ seedbed migrate --lock-timeout soon
            2> error: invalid value 'soon' for '--lock-timeout <S>': write a number of seconds, such as 10 or 0.5
            2>
            2> For more information, try '--help'.
            exit 2
        "#]],
        ),
        (
            "migrate --mode cloud",
            expect![[r#"
                $ seedbed migrate --mode cloud
                2> error: invalid value 'cloud' for '--mode <MODE>': expected local, memory, remote or replica
                2>
                2> For more information, try '--help'.
                exit 2
            "#]],
        ),
        (
            "migrate --format yaml",
            expect![[r#"
                $ seedbed migrate --format yaml
                2> error: invalid value 'yaml' for '--format <FORMAT>'
                2>   [possible values: table, json, sarif]
                2>
                2> For more information, try '--help'.
                exit 2
            "#]],
        ),
        (
            "migrate --quiet --verbose",
            expect![[r#"
            $ seedbed migrate --quiet --verbose
            2> error: the argument '--quiet' cannot be used with '--verbose'
            2>
            2> Usage: seedbed migrate --quiet
            2>
            2> For more information, try '--help'.
            exit 2
        "#]],
        ),
        (
            "undo --steps 1 --to 2",
            expect![[r#"
            $ seedbed undo --steps 1 --to 2
            2> error: the argument '--steps <N>' cannot be used with '--to <V>'
            2>
            2> Usage: seedbed undo --steps <N>
            2>
            2> For more information, try '--help'.
            exit 2
        "#]],
        ),
        (
            "undo --steps -1",
            expect![[r#"
            $ seedbed undo --steps -1
            2> error: invalid value '-1' for '--steps <N>': write a whole number from 1
            2>
            2> For more information, try '--help'.
            exit 2
        "#]],
        ),
        (
            "repair --applied",
            expect![[r#"
            $ seedbed repair --applied
            2> error: the following required arguments were not provided:
            2>   <V>
            2>
            2> Usage: seedbed repair --applied <V>
            2>
            2> For more information, try '--help'.
            exit 2
        "#]],
        ),
        (
            "repair 1 --applied --retry",
            expect![[r#"
            $ seedbed repair 1 --applied --retry
            2> error: the argument '--applied' cannot be used with '--retry'
            2>
            2> Usage: seedbed repair --applied <V>
            2>
            2> For more information, try '--help'.
            exit 2
        "#]],
        ),
        (
            "repair one",
            expect![[r#"
            $ seedbed repair one
            2> error: invalid value 'one' for '[V]': write a version as 3 or V3, a repeatable as R__views
            2>
            2> For more information, try '--help'.
            exit 2
        "#]],
        ),
        (
            "baseline",
            expect![[r#"
            $ seedbed baseline
            2> error: the following required arguments were not provided:
            2>   <V>
            2>
            2> Usage: seedbed baseline <V>
            2>
            2> For more information, try '--help'.
            exit 2
        "#]],
        ),
        (
            "new",
            expect![[r#"
            $ seedbed new
            2> error: the following required arguments were not provided:
            2>   <NAME>...
            2>
            2> Usage: seedbed new <NAME>...
            2>
            2> For more information, try '--help'.
            exit 2
        "#]],
        ),
        (
            "new --",
            expect![[r#"
            $ seedbed new --
            2> error: the following required arguments were not provided:
            2>   <NAME>...
            2>
            2> Usage: seedbed new <NAME>...
            2>
            2> For more information, try '--help'.
            exit 2
        "#]],
        ),
        (
            "new !!!",
            expect![[r#"
            $ seedbed new !!!
            2> error[bad-name]: the name "!!!" holds no letter and no digit
            2>   |
            2>   = help: say what it does, in words: `seedbed new add users`
            exit 2
        "#]],
        ),
        (
            "completions tcl",
            expect![[r#"
                $ seedbed completions tcl
                2> error: invalid value 'tcl' for '[SHELL]'
                2>   [possible values: bash, elvish, fish, powershell, zsh]
                2>
                2> For more information, try '--help'.
                exit 2
            "#]],
        ),
    ] {
        let ran = untouched(&project, line);
        assert_eq!(ran.code, Some(2), "{ran}");
        ran.check(expect);
    }
    let ran = project.run("migrate --lock-timeout 1e300");
    assert_eq!(ran.code, Some(2), "{ran}");
    let ran = project.run("migrate --lock-timeout 1e15");
    assert_eq!(ran.code, Some(0), "{ran}");
}

/// A named pipe to which no process writes.
#[cfg(unix)]
fn pipe(project: &Project, name: &str) {
    let made = project.other("mkfifo").arg(name).status();
    assert!(made.unwrap().success());
}

#[cfg(unix)]
#[test]
fn a_pipe_in_the_place_of_a_file_is_not_waited_for() {
    let project = Project::new().migration("V1__a", "CREATE TABLE a (x);");
    pipe(&project, "config.toml");
    project.run("status").check(expect![[r#"
        $ seedbed status
        2> error[config]: cannot be read: this is a named pipe, a socket or a device, not a file
        2>  --> config.toml
        2>   = help: put a file in its place, or a link to one
        exit 2
    "#]]);
    project.remove("config.toml");
    // A link to a file is a file.
    project.write("shared.toml", "[local]\npath = \"linked.db\"\n");
    std::os::unix::fs::symlink("shared.toml", project.path("config.toml")).unwrap();
    let ran = project.run("migrate");
    assert!(ran.stderr.contains("linked.db"), "{ran}");
    pipe(&project, "backup.sql.gz");
    let ran = project.run("restore backup.sql.gz --database new.db");
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("error[no-file]"), "{ran}");
    assert!(!project.path("new.db").exists());
    pipe(&project, "pipe.db");
    let ran = project.run("doctor --database pipe.db");
    assert!(ran.stdout.contains("is not a regular file"), "{ran}");
}

#[cfg(unix)]
#[test]
fn what_flows_is_read_where_a_flag_or_a_manager_of_secrets_puts_it() {
    let project = Project::new().migration("V1__a", "CREATE TABLE a (x);");
    let program = crate::PROGRAM;
    let run = |script: String| {
        let mut command = project.other("sh");
        command.args(["-c", &script]);
        project.start(command, "status").finish()
    };
    let ran = run(format!(
        "echo DATABASE_FILE=piped.db | {program} status --env-file /dev/stdin"
    ));
    assert!(ran.stderr.contains("piped.db"), "{ran}");
    pipe(&project, ".env");
    let ran = run(format!(
        "echo DATABASE_FILE=managed.db > .env & {program} status"
    ));
    assert!(ran.stderr.contains("managed.db"), "{ran}");
    let ran = project.run("status --env-file /dev/null");
    assert_eq!(ran.code, Some(0), "{ran}");
    // Without a writer, or without an end, it is given up.
    for path in [".env", "/dev/zero"] {
        let ran = project.run(&format!("status --env-file {path}"));
        assert_eq!(ran.code, Some(2), "{ran}");
        assert!(ran.stderr.contains("this is a pipe or a device"), "{ran}");
    }
}
