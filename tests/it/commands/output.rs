//! How results are printed: `--format`, `--quiet`, `--verbose`, `--color`, and the other names of commands.

use expect_test::expect;

use super::project;

#[test]
fn aliases_do_the_same() {
    let project = project();
    for (line, command) in [
        ("up --format json", "migrate"),
        ("info --format json", "status"),
        ("down --format json", "undo"),
        ("add more --format json", "new"),
    ] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(0), "{ran}");
        assert_eq!(ran.json()["command"], command);
    }
}

#[test]
fn json_is_one_document_of_the_same_shape() {
    let project = project().migration("V3__later", "SELECT 1;\n");
    // In the order of a life: before, during, after, and broken.
    let lines: [(&str, i32); 25] = [
        ("status", 0),
        ("status --exit-code", 3),
        ("migrate --dry-run", 0),
        ("migrate --to 9", 4),
        ("migrate --to 2", 0),
        ("migrate --tx each", 0),
        ("migrate", 0),
        ("migrate --database :memory:", 0),
        ("status", 0),
        ("undo --dry-run", 4),
        ("undo", 4),
        ("repair", 0),
        ("repair 9", 4),
        ("repair 1 --retry", 4),
        ("baseline 1", 0),
        ("config", 0),
        ("config --database x://y", 2),
        ("status --database x://y", 2),
        ("status --migrations nowhere", 2),
        ("migrate --database nowhere/app.db", 1),
        ("check", 0),
        ("check --base main", 2),
        ("new more", 0),
        ("new !!!", 2),
        ("renumber 9", 4),
    ];
    for (line, code) in lines {
        let ran = project.run(&format!("{line} --format json"));
        let document = ran.json();
        assert_eq!(ran.code, Some(code), "{ran}");
        assert_eq!(document["schema_version"], 1, "{ran}");
        assert_eq!(document["exit_code"], code, "{ran}");
        assert_eq!(
            document["command"],
            line.split_whitespace().next().unwrap(),
            "{ran}"
        );
        for key in ["mode", "database"] {
            let value = document.get(key);
            assert!(
                value.is_some_and(|it| it.is_string() || it.is_null()),
                "{ran}"
            );
        }
        assert!(document["outcome"].is_string(), "{ran}");
        for item in document["items"].as_array().unwrap() {
            let keys: Vec<_> = item
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            let contract = [
                "kind",
                "version",
                "name",
                "state",
                "checksum",
                "applied_at",
                "duration_ms",
                "file",
            ];
            assert!(contract.iter().all(|key| keys.contains(key)), "{ran}");
        }
        let problems = document["problems"].as_array().unwrap();
        let is_error = |problem: &serde_json::Value| problem["severity"] == "error";
        let stops = problems.iter().any(is_error);
        assert_eq!(stops, !matches!(code, 0 | 3), "{ran}");
        for problem in problems {
            let keys: Vec<_> = problem
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            let contract = ["code", "file", "line", "column", "message", "help"];
            assert!(contract.iter().all(|key| keys.contains(key)), "{ran}");
        }
    }
}

#[test]
fn quiet_leaves_the_result_and_errors() {
    let project = project();
    project.run("migrate --quiet").check(expect![[r#"
        $ seedbed migrate --quiet
        applied V1 users (1 statement, [ms])
        applied V2 posts (2 statements, [ms])
        applied R__authors (2 statements, [ms])
        the database is at V2
    "#]]);
    project.write("migrations/V1__users.sql", "CREATE TABLE users (x);\n");
    project.run("migrate -q").check(expect![[r#"
        $ seedbed migrate -q
        2> error[edited]: V1 was changed after it was applied on [time] UTC
        2>  --> migrations/V1__users.sql:1
        2>   = help: put the file back as it was and write the change as a new migration; if the database is already as the file says, `seedbed repair 1` compares the schema and records the file
        2>   = help: if no other database has applied it: `seedbed redo --steps 2` undoes the newest 2 by their recorded down texts and applies their files, V1 first
        2>
        2> --- V1 as applied
        2> +++ migrations/V1__users.sql
        2> @@ -1 +1 @@
        2> -CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
        2> +CREATE TABLE users (x);
        exit 4
    "#]]);
}

#[test]
fn verbose_tells_each_step() {
    project()
        .run("migrate --verbose --tx each")
        .check(expect![[r#"
            $ seedbed migrate --verbose --tx each
            applied V1 users (1 statement, [ms])
            applied V2 posts (2 statements, [ms])
            applied R__authors (2 statements, [ms])
            the database is at V2
            2> target: local local.db (default)
            2> [time] [root]/local.db: 14 queries: answered after [ms]
            2> this run takes 3 transactions; if one fails, those before it stay committed
            2> 3 changes in 3 scripts
            2> ran V1
            2> [time] [root]/local.db: 1 transaction, 16 steps: committed after [ms]
            2> committed, up to V1
            2> ran V2
            2> [time] [root]/local.db: 1 transaction, 11 steps: committed after [ms]
            2> committed, up to V2
            2> ran R__authors
            2> [time] [root]/local.db: 1 transaction, 17 steps: committed after [ms]
            2> committed, up to R__authors
        "#]]);
}

#[test]
fn characters_that_reorder_others_are_not_printed() {
    let project = project();
    for line in [
        "migrate --database a\u{202e}bd.b",
        "status --database a\u{2066}b.db",
    ] {
        let ran = project.run(line);
        let said = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!said.contains(['\u{202e}', '\u{2066}']), "{ran}");
        assert!(said.contains("a\u{fffd}b"), "{ran}");
    }
}

#[test]
fn colours_are_for_terminals_unless_they_are_asked_for() {
    let project = project();
    let coloured = |text: &str| text.contains("\u{1b}[");
    for (line, colours) in [
        ("status", false),
        ("status --color never", false),
        ("status --color always", true),
    ] {
        assert_eq!(coloured(&project.run(line).stdout), colours, "{line}");
    }
    let failing = |line| project.run(line).stderr;
    assert!(!coloured(&failing("migrate --to 9")));
    assert!(coloured(&failing("migrate --to 9 --color always")));
    // JSON has none, whatever is asked for.
    let ran = project.run("migrate --to 9 --format json --color always");
    assert!(!coloured(&ran.stdout), "{ran}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let project = project();
    let mut command = project.command("completions bash");
    command.stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
