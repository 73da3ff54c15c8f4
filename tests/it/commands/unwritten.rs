//! Results that cannot be written, other folders, and arguments that cannot be read.

use std::process::Stdio;

use expect_test::expect;

use super::project;

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_a_failure() {
    let project = project().after("migrate").after("backup --dir kept");
    for (line, code) in [
        ("--help", 1),
        ("--version", 1),
        ("migrate --help", 1),
        ("status", 1),
        ("status --format json", 1),
        ("config", 1),
        ("completions bash", 1),
        ("inspect", 1),
        ("export", 1),
        ("backup list --dir kept", 1),
        ("check --format json", 1),
        ("seed schema", 1),
        ("new more", 1),
        ("nope --format json", 2),
        ("status --nope", 2),
    ] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let mut command = project.command(line);
        let ran = command
            .stdout(full.unwrap())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        assert_eq!(ran.status.code(), Some(code), "{line}: {ran:?}");
        if code == 1 {
            let words = String::from_utf8_lossy(&ran.stderr);
            assert!(words.contains("No space left on device"), "{line}: {words}");
        }
    }
}

#[test]
fn usage_errors_are_a_document_where_json_was_asked_for() {
    let project = project();
    project
        .run("migrate --nope --format json")
        .check(expect![[r#"
            $ seedbed migrate --nope --format json
            {
              "schema_version": 1,
              "command": "migrate",
              "mode": null,
              "database": null,
              "outcome": "usage",
              "exit_code": 2,
              "items": [],
              "problems": [
                {
                  "code": "usage",
                  "severity": "error",
                  "file": null,
                  "line": null,
                  "column": null,
                  "message": "unexpected argument '--nope' found",
                  "notes": [
                    "Usage: seedbed migrate --ignore <TABLE>"
                  ],
                  "help": "a similar argument exists: '--ignore'"
                }
              ]
            }
            exit 2
        "#]]);
    let ran = project.run("revert --format=json");
    assert_eq!(ran.code, Some(2), "{ran}");
    assert_eq!(
        ran.json()["problems"][0]["help"],
        "`seedbed undo` does that here"
    );
}

#[test]
fn every_command_and_every_failure_is_a_document_where_json_was_asked_for() {
    let project = project();
    for (line, command, code, problem) in [
        ("-C nope status --format json", "status", 2, "no-directory"),
        ("info --nope --format json", "status", 2, "usage"),
        (
            "completions --all migrations/V1__users.sql --format json",
            "completions",
            1,
            "write",
        ),
    ] {
        let ran = project.run(line);
        let document = ran.json();
        assert_eq!(ran.code, Some(code), "{ran}");
        assert_eq!(document["command"], command, "{ran}");
        assert_eq!(document["exit_code"], code, "{ran}");
        assert_eq!(document["problems"][0]["code"], problem, "{ran}");
    }
    let document = project.run("completions bash --format json").json();
    assert_eq!(document["shell"], "bash");
    assert!(document["script"].as_str().unwrap().contains("seedbed"));
    let document = project.run("completions --all out --format json").json();
    assert!(document["files"].as_array().unwrap().len() > 10);
}

#[test]
fn a_word_of_another_tool_is_answered_with_the_command() {
    project().run("rollback").check(expect![[r#"
        $ seedbed rollback
        2> error: unrecognized subcommand 'rollback'
        2>
        2>   tip: `seedbed undo` does that here
        2>
        2> Usage: seedbed [OPTIONS] <COMMAND>
        2>
        2> For more information, try '--help'.
        exit 2
    "#]]);
    project().run("migrate status").check(expect![[r#"
        $ seedbed migrate status
        2> error: unexpected argument 'status' found
        2>
        2>   tip: `seedbed status` does that here
        2>
        2> Usage: seedbed migrate [OPTIONS]
        2>
        2> For more information, try '--help'.
        exit 2
    "#]]);
    project().run("rest").check(expect![[r#"
        $ seedbed rest
        2> error: unrecognized subcommand 'rest'
        2>
        2>   tip: `seedbed --help` lists the commands
        2>
        2> Usage: seedbed [OPTIONS] <COMMAND>
        2>
        2> For more information, try '--help'.
        exit 2
    "#]]);
}

#[test]
fn another_folder_can_be_the_working_folder() {
    let project = project();
    let at = project.path("");
    let project = project.within("elsewhere/deep");
    let ran = project.run(&format!("-C {} migrate", at.display()));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(project.path("local.db").exists());
    let ran = project.run("-C ../.. status --exit-code");
    assert_eq!(ran.code, Some(0), "{ran}");
    let ran = project.run("-C nowhere status");
    assert_eq!(ran.code, Some(2), "{ran}");
    assert!(ran.stderr.contains("-C nowhere"), "{ran}");
}

#[test]
fn annotations_name_files_from_the_root_of_the_repository() {
    let project = project().migration("V3__tags", "INSERT INTO tag VALUES (1);\n");
    let root = project.path("");
    let above = root.parent().unwrap().to_str().unwrap();
    let name = root.file_name().unwrap().to_str().unwrap();
    let file = format!("::error file={name}/migrations/V3__tags.sql,line=1");
    let project = project
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_WORKSPACE", above);
    let ran = project.run("check");
    assert!(ran.stderr.contains(&file), "{ran}");
}
