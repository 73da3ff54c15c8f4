//! Many runs at once on one database.

use std::time::{Duration, Instant};

use crate::process::Ran;
use crate::project::Project;

/// How many processes start together.
const RUNNERS: usize = 8;

/// How long each of these tests goes on with new rounds.
const ROUNDS: Duration = Duration::from_secs(3);

/// Plays rounds, each with a new database, until the time is over.
fn rounds(mut play: impl FnMut()) {
    let until = Instant::now() + ROUNDS;
    let mut played = 0;
    while played < 3 || Instant::now() < until {
        play();
        played += 1;
    }
    println!("{played} rounds");
}

/// Runs the program with each of these lines, all at the same moment: each process waits on the same pipe, and goes
/// on when its other end is gone.
#[cfg(unix)]
fn together(project: &Project, lines: &[&str]) -> Vec<Ran> {
    let (reader, writer) = std::io::pipe().unwrap();
    let mut running: Vec<_> = lines
        .iter()
        .map(|line| {
            let mut command = project.other("sh");
            let script = "echo ready >&2; read -r _; exec \"$@\"";
            command
                .args(["-c", script, "sh", crate::PROGRAM])
                .args(line.split_whitespace())
                .stdin(reader.try_clone().unwrap());
            project.start(command, line)
        })
        .collect();
    for process in &mut running {
        process.wait_for("ready");
    }
    drop(writer);
    running
        .into_iter()
        .map(|process| process.finish())
        .collect()
}

/// The same, without the pipe.
#[cfg(not(unix))]
fn together(project: &Project, lines: &[&str]) -> Vec<Ran> {
    let running: Vec<_> = lines.iter().map(|line| project.spawn(line)).collect();
    running
        .into_iter()
        .map(|process| process.finish())
        .collect()
}

fn all_well(ran: &[Ran]) {
    for ran in ran {
        assert_eq!(ran.code, Some(0), "{ran}");
    }
}

/// How often a line of one of the results begins with these words.
fn told(ran: &[Ran], words: &str) -> usize {
    let lines = ran.iter().flat_map(|ran| ran.stdout.lines());
    lines.filter(|line| line.starts_with(words)).count()
}

fn numbered(count: usize) -> Project {
    (1..=count).fold(Project::new(), |project, n| {
        project
            .migration(
                &format!("V{n}__t{n}"),
                format!("CREATE TABLE t{n} (x UNIQUE);\nINSERT INTO t{n} VALUES ({n});\n"),
            )
            .down(&format!("V{n}__t{n}"), format!("DROP TABLE t{n};\n"))
    })
}

fn names(prefix: &str, numbers: impl Iterator<Item = usize>) -> String {
    let names: Vec<String> = numbers.map(|n| format!("{prefix}{n}")).collect();
    names.join(" ")
}

fn each_migration_once(line: &str, before: &[&str]) {
    let project = numbered(20);
    rounds(|| {
        if !before.is_empty() {
            project.change(before);
        }
        let ran = together(&project, &[line; RUNNERS]);
        all_well(&ran);
        assert_eq!(told(&ran, "applied V"), 20);
        assert_eq!(
            told(&ran, "the database is at V20")
                + told(&ran, "nothing to do: the database is at V20"),
            RUNNERS
        );
        let recorded = names("V", 1..=20);
        let state = project.state();
        assert!(
            state.starts_with(&format!("recorded: {recorded}; ")),
            "{state}"
        );
        for n in 1..=20 {
            assert_eq!(project.ask(&format!("SELECT x FROM t{n}")), n.to_string());
        }
        project.remove_database("local.db");
    });
}

#[test]
fn eight_runners_apply_each_migration_once() {
    each_migration_once("migrate", &[]);
}

#[test]
fn eight_runners_apply_each_migration_once_in_transactions_of_their_own() {
    each_migration_once("migrate --tx each", &[]);
}

#[test]
fn eight_runners_apply_each_migration_once_to_a_database_in_wal_mode() {
    each_migration_once("migrate --tx each", &["PRAGMA journal_mode = WAL"]);
}

/// The lowest versions are recorded without a gap, and the tables are those of exactly these.
fn whole(project: &Project) -> usize {
    let count: usize = project
        .ask("SELECT count(*) FROM _migrations WHERE kind = 'migration'")
        .parse()
        .unwrap();
    let recorded =
        project.ask("SELECT version FROM _migrations WHERE kind = 'migration' ORDER BY version");
    assert_eq!(recorded, names("", 1..=count));
    let mut tables: Vec<String> = (1..=count).map(|n| format!("t{n}")).collect();
    tables.sort();
    let state = project.state();
    assert!(
        state.ends_with(&format!("tables: {}", tables.join(" "))),
        "{state}"
    );
    count
}

#[test]
fn runners_that_take_the_same_back_take_it_back_once() {
    let project = numbered(10);
    rounds(|| {
        let ran = project.run("migrate");
        assert_eq!(ran.code, Some(0), "{ran}");
        let ran = together(&project, &["undo --to 4"; RUNNERS]);
        all_well(&ran);
        assert_eq!(told(&ran, "undone V"), 6);
        assert_eq!(whole(&project), 4);
        // A run that looked after another had finished sees less, and undoes that.
        let ran = together(&project, &["undo"; RUNNERS]);
        all_well(&ran);
        assert_eq!(told(&ran, "undone V"), 4 - whole(&project));
        project.remove_database("local.db");
    });
}

#[test]
fn runners_that_apply_and_take_back_leave_what_is_recorded() {
    let project = numbered(10);
    let lines = [
        "migrate",
        "undo --steps 3",
        "migrate --tx each",
        "undo --to 4",
        "migrate --to 8",
        "undo --tx each --steps 2",
        "migrate",
        "undo",
    ];
    rounds(|| {
        for ran in together(&project, &lines) {
            // Steps of which another run applied more on top are no longer what was asked for.
            let overtaken = ran.line().contains("undo") && ran.stderr.contains("error[overtaken]");
            assert_eq!(ran.code, Some(if overtaken { 4 } else { 0 }), "{ran}");
        }
        whole(&project);
        let ran = project.run("migrate");
        assert_eq!(ran.code, Some(0), "{ran}");
        assert_eq!(whole(&project), 10);
        project.remove_database("local.db");
    });
}

#[test]
fn a_migration_without_a_transaction_is_run_by_one_of_eight() {
    let project = Project::new()
        .migration("V1__log", "CREATE TABLE log (x);\n")
        .migration(
            "V2__bare",
            "-- seedbed: no-transaction\nINSERT INTO log VALUES ('once');\nVACUUM;\nINSERT INTO log VALUES ('twice');\n",
        )
        .migration("V3__after", "CREATE TABLE after AS SELECT count(*) AS n FROM log;\n");
    rounds(|| {
        let ran = together(&project, &["migrate"; RUNNERS]);
        all_well(&ran);
        assert_eq!(told(&ran, "applied V"), 3);
        assert_eq!(project.state(), "recorded: V1 V2 V3; tables: after log");
        assert_eq!(project.ask("SELECT x FROM log"), "once twice");
        assert_eq!(project.ask("SELECT n FROM after"), "2");
        project.remove_database("local.db");
    });
}
