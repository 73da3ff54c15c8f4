//! A URL of a remote that a command got, beside a switch at a lower level that selects the local file.

use expect_test::expect;
use seedbed_test_server::{Options, Server};

use super::{USERS, untouched};
use crate::process::Ran;
use crate::project::Project;
use crate::server::ours;

const EXAMPLE: &str = include_str!("../../../.env.example");
const DUMP: &str = "CREATE TABLE city (name TEXT);\nINSERT INTO city VALUES('Ulm');\n";

fn project(dotenv: &str) -> Project {
    Project::new()
        .migration("V1__users", USERS)
        .file("old.sql", DUMP)
        .file(".env", dotenv)
}

fn server() -> Server {
    ours(Options::default())
}

/// It failed by its settings, made no file and sent nothing.
fn refused(project: &Project, server: &Server, line: &str) -> Ran {
    let ran = untouched(project, line);
    assert_eq!(ran.code, Some(2), "{ran}");
    assert_eq!(server.requests(), [], "{ran}");
    ran
}

#[test]
fn every_command_that_opens_a_database_refuses_and_names_both_settings() {
    let server = server();
    let project =
        project("DATABASE_FILE=app.db\nUSE_TURSO=NO\n").env("TURSO_DATABASE_URL", &server.url());
    refused(&project, &server, "import old.sql").check(expect![[r#"
        $ seedbed import old.sql
        2> error[config]: TURSO_DATABASE_URL from the environment is set, but USE_TURSO from .env selects the local file
        2>  --> .env:2
        2>   = help: for the remote, pass `--mode remote` or set USE_TURSO=YES; for a local replica of it, pass `--mode replica` or set USE_EMBEDDED_REPLICA=YES; for the local file, pass `--mode local`, set USE_TURSO=NO in the environment, or unset TURSO_DATABASE_URL there; `--database` overrides all of these
        exit 2
    "#]]);
    refused(&project, &server, "doctor").check(expect![[r#"
        $ seedbed doctor
        ✗ settings    .env:2: TURSO_DATABASE_URL from the environment is set, but USE_TURSO from .env selects the local file
                      help: for the remote, pass `--mode remote` or set USE_TURSO=YES; for a local replica of it, pass `--mode replica` or set USE_EMBEDDED_REPLICA=YES; for the local file, pass `--mode local`, set USE_TURSO=NO in the environment, or unset TURSO_DATABASE_URL there; `--database` overrides all of these
        - server      not before the settings are right
        - database    not before the settings are right
        - records     not before the settings are right
        - migrations  not before the settings are right

        some checks failed: 1 error
        exit 2
    "#]]);
    let config = refused(&project, &server, "config");
    assert_eq!(
        config.stderr,
        refused(&project, &server, "migrate").stderr,
        "{config}"
    );
    for line in [
        "verify old.sql",
        "status",
        "seed",
        "undo",
        "redo",
        "export",
        "backup",
    ] {
        let ran = refused(&project, &server, line);
        assert_eq!(ran.stderr, config.stderr, "{ran}");
    }
    let json = refused(&project, &server, "status --format json");
    for part in [
        "TURSO_DATABASE_URL from the environment is set, but USE_TURSO from .env selects the local file",
        "\"file\": \".env\"",
        "\"line\": 2",
    ] {
        assert!(json.stdout.contains(part), "{json}");
    }
    // Commands without a database are not concerned.
    assert_eq!(project.run("check").code, Some(0));
}

#[test]
fn what_the_message_proposes_does_what_it_promises() {
    const NO: &str = "USE_TURSO=NO\nUSE_EMBEDDED_REPLICA=NO\n";
    enum Reached {
        Server,
        Replica,
        File(&'static str),
    }
    use Reached::{File, Replica, Server};
    let ways = [
        (NO, "--mode remote", None, Server),
        (NO, "", Some(("USE_TURSO", "YES")), Server),
        ("USE_TURSO=YES\nUSE_EMBEDDED_REPLICA=NO\n", "", None, Server),
        (NO, "--mode replica", None, Replica),
        (NO, "", Some(("USE_EMBEDDED_REPLICA", "YES")), Replica),
        (
            "USE_TURSO=NO\nUSE_EMBEDDED_REPLICA=YES\n",
            "",
            None,
            Replica,
        ),
        (NO, "--mode local", None, File("local.db")),
        (NO, "", Some(("USE_TURSO", "NO")), File("local.db")),
        (NO, "", Some(("TURSO_DATABASE_URL", "")), File("local.db")),
        (NO, "--database other.db", None, File("other.db")),
        (NO, "--database [server]", None, Server),
    ];
    for (dotenv, flags, variable, reached) in ways {
        let server = server();
        let mut project = project(dotenv).env("TURSO_DATABASE_URL", &server.url());
        if let Some((name, value)) = variable {
            project = project.env(name, value);
        }
        let flags = flags.replace("[server]", &server.url());
        let ran = project.run(&format!("migrate {flags}"));
        assert_eq!(ran.code, Some(0), "{ran}");
        let databases: Vec<String> = project
            .files()
            .into_iter()
            .filter(|name| name.ends_with(".db"))
            .collect();
        let (expected, sent) = match reached {
            Server => (vec![], true),
            Replica => (vec!["local_replica.db".to_owned()], true),
            File(name) => (vec![name.to_owned()], false),
        };
        assert_eq!(databases, expected, "{ran}");
        assert_eq!(!server.requests().is_empty(), sent, "{ran}");
    }
}

#[test]
fn the_example_of_dotenv_chooses_no_mode() {
    let server = server();
    let project = project(EXAMPLE);
    let ran = project.run("migrate");
    assert!(ran.stderr.contains("target: local local.db"), "{ran}");

    let project = self::project(EXAMPLE).env("TURSO_DATABASE_URL", &server.url());
    for line in ["import old.sql", "verify old.sql"] {
        refused(&project, &server, line);
    }
    let there = format!("import old.sql --database {}", server.url());
    let ran = project.run(&there);
    assert_eq!(ran.code, Some(0), "{ran}");
    let answered = server.requests();
    assert!(
        !answered.is_empty() && project.bytes("local.db").is_none(),
        "{ran}"
    );
}

/// Each line of the example that is commented out, as it is without the `# `.
#[test]
fn the_switches_of_the_example_choose_what_the_words_above_them_say() {
    for (switch, target) in [
        ("USE_TURSO=YES", "target: remote http"),
        (
            "USE_EMBEDDED_REPLICA=YES",
            "target: replica local_replica.db of http",
        ),
    ] {
        let server = server();
        let commented = format!("\n# {switch}\n");
        assert!(EXAMPLE.contains(&commented), "{switch}");
        let dotenv = EXAMPLE
            .replace(&commented, &format!("\n{switch}\n"))
            .replace(
                "\nTURSO_DATABASE_URL=\n",
                &format!("\nTURSO_DATABASE_URL={}\n", server.url()),
            );
        let ran = project(&dotenv).run("migrate");
        assert_eq!(ran.code, Some(0), "{ran}");
        assert!(ran.stderr.contains(target), "{ran}");
        assert!(!server.requests().is_empty(), "{ran}");
    }
}
