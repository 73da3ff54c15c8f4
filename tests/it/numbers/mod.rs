//! The same number with another text: what is reported, and that what the help says to type ends in a true database.

mod advice;
mod base;
mod commands;
mod downs;
mod files;
mod modes;
mod redo;
mod specification;

use crate::process::Ran;
use crate::project::Project;

/// The commands that an error says to type, in order.
fn to_type(ran: &Ran) -> Vec<String> {
    let lines = ran.stderr.lines().chain(ran.stdout.lines());
    let help = lines.filter(|line| line.contains("= help:"));
    let commands = help.flat_map(|line| line.split('`').skip(1).step_by(2));
    commands
        .filter_map(|command| Some(command.strip_prefix("seedbed ")?.to_owned()))
        .collect()
}

/// The codes of the problems that a command reports.
fn codes(ran: &Ran) -> Vec<String> {
    let lines = ran.stderr.lines().chain(ran.stdout.lines());
    let code = |line: &str| {
        let rest = line
            .strip_prefix("error[")
            .or_else(|| line.strip_prefix("warning["))?;
        Some(rest.split(']').next()?.to_owned())
    };
    lines.filter_map(code).collect()
}

/// Every file is applied, and the schema is the one that the files make from nothing.
#[track_caller]
fn is_true(project: &Project) {
    let status = project.run("status --exit-code");
    assert_eq!((status.code, codes(&status)), (Some(0), vec![]), "{status}");
    project.remove_database("fresh.db");
    let fresh = project.run("migrate --database fresh.db");
    assert_eq!(fresh.code, Some(0), "{fresh}");
    let schema =
        "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name <> '_migrations' ORDER BY name";
    let recorded =
        "SELECT kind, version, name, checksum FROM _migrations WHERE kind <> 'meta' ORDER BY 1, 2";
    assert_eq!(
        project.ask_of("local.db", [schema, recorded]),
        project.ask_of("fresh.db", [schema, recorded])
    );
}

/// A command that refuses changes nothing.
#[track_caller]
fn refuses(project: &Project, line: &str, code: i32, codes_of: &[&str]) -> Ran {
    let before = project.bytes("local.db");
    let files = project.files();
    let ran = project.run(line);
    assert_eq!(ran.code, Some(code), "{ran}");
    assert_eq!(codes(&ran), codes_of, "{ran}");
    assert!(project.bytes("local.db") == before, "{ran}");
    assert_eq!(project.files(), files, "{ran}");
    ran
}

fn table(name: &str) -> String {
    format!("CREATE TABLE {name} (x);\n")
}
