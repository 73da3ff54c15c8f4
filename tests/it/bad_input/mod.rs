//! What is wrong with files, settings, flags, databases or the machine: what the program says, how it ends, and that
//! the database is as it was before.

mod databases;
mod files;
mod history;
mod machine;
mod remote;
mod replicas;
mod seeds;
mod settings;
mod statements;
mod undecided;

use expect_test::Expect;

use crate::process::Ran;
use crate::project::Project;

const USERS: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT UNIQUE);\n";

/// A project whose database holds V1.
fn applied() -> Project {
    Project::new()
        .migration("V1__users", USERS)
        .after("migrate")
}

/// Runs `line`; afterwards every file is as it was.
pub(crate) fn untouched(project: &Project, line: &str) -> Ran {
    let files = || {
        let names = project.files();
        let contents: Vec<_> = names.iter().map(|name| project.bytes(name)).collect();
        (names, contents)
    };
    let before = files();
    let ran = project.run(line);
    let after = files();
    assert_eq!(after.0, before.0, "{ran}");
    assert!(after.1 == before.1, "a file was changed: {ran}");
    ran
}

fn check(project: &Project, line: &str, expect: Expect) {
    untouched(project, line).check(expect);
}

/// Migrates with one more file, and runs nothing: neither where V1 is applied already nor where no database is.
fn refused(name: &str, text: impl AsRef<[u8]>, expect: Expect) {
    refused_set(&[(name, text.as_ref())], expect);
}

fn refused_set(files: &[(&str, &[u8])], expect: Expect) {
    let ran = untouched(&with(applied(), files), "migrate");
    ran.check(expect);
    assert_eq!(ran.code, Some(4), "{ran}");
    // The same words where there is no database, and none afterwards.
    let fresh = with(Project::new().migration("V1__users", USERS), files);
    let again = untouched(&fresh, "migrate");
    assert_eq!((again.code, again.stderr), (ran.code, ran.stderr));
}

/// Migrates with more files, of which one fails: nothing of any of them is in the database. Where none was is none, or
/// a file without a byte, as the engine makes it before it writes: another process may have opened it by then, so it
/// stays.
fn failing(files: &[(&str, &[u8])], expect: Expect) {
    let ran = untouched(&with(applied(), files), "migrate");
    ran.check(expect);
    assert_eq!(ran.code, Some(1), "{ran}");
    let fresh = with(Project::new().migration("V1__users", USERS), files);
    let again = fresh.run("migrate");
    assert_eq!(again.code, Some(1), "{again}");
    assert_eq!(fresh.bytes("local.db").unwrap_or_default(), b"");
    assert_eq!(fresh.bytes("local.db-journal"), None);
}

fn with(project: Project, files: &[(&str, &[u8])]) -> Project {
    let one = |project: Project, (name, text): &(&str, &[u8])| project.migration(name, text);
    files.iter().fold(project, one)
}
