//! Each rule: a file in which it finds something, and one in which it does not.

use super::*;
use crate::migrations::Migrations;
use crate::script::Key;

mod asked;
mod cases;
mod harm;
mod seeds;

/// The runner, and the engine.
#[derive(Debug, Clone, Copy)]
struct By {
    runner: Runner,
    target: Target,
}

const SEEDBED: By = By {
    runner: Runner::Seedbed,
    target: Target::Local,
};

fn by(runner: Runner) -> By {
    By {
        runner,
        target: Target::Local,
    }
}

fn on(target: Target) -> By {
    By {
        runner: Runner::Seedbed,
        target,
    }
}

/// The set of a base and one new file.
fn set(base: &str, file: &str) -> Migrations {
    let of = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    Migrations::from_files([of("V1__base.sql", base), of("V2__new.sql", file)])
}

/// What is found in the new file behind the base.
async fn findings_with(
    base: &str,
    file: &str,
    by: By,
    levels: &Levels,
    db: Option<&Db>,
) -> Vec<Diagnostic> {
    let options = Options {
        runner: Some(by.runner),
        target: by.target,
        levels,
        runs: Runs::Together,
        placement: Placement::BehindOthers,
        queries: &[],
        seeds: &[],
    };
    let is_new = |it: &Migration| it.key == Key::Migration(2);
    let linted = lint(&set(base, file), &is_new, &options, db).await;
    linted.unwrap().findings
}

async fn findings(base: &str, file: &str, by: By) -> Vec<Diagnostic> {
    findings_with(base, file, by, &Levels::new(), None).await
}

fn codes(findings: &[Diagnostic]) -> Vec<&'static str> {
    findings.iter().map(|it| it.code).collect()
}

#[tokio::test]
async fn a_column_of_the_key_is_kept_once() {
    for (key, kept) in [
        ("id TEXT PRIMARY KEY, n", "\"id\""),
        ("n, id, PRIMARY KEY (n, id)", "\"n\", \"id\""),
    ] {
        let base = format!("CREATE TABLE p ({key});");
        let file = "CREATE TABLE np (n); INSERT INTO np (n) SELECT n FROM p; DROP TABLE p; ALTER TABLE np RENAME TO p;";
        let found = findings(&base, file, SEEDBED).await;
        let dropped = found.iter().find(|it| it.code == "DS102").unwrap();
        let statement = format!("CREATE TABLE \"p_id_before\" AS SELECT {kept} FROM \"p\";");
        assert!(dropped.help[1].contains(&statement), "{:?}", dropped.help);
    }
}

#[tokio::test]
async fn a_table_that_the_same_run_makes_has_no_rows_and_no_readers() {
    let file = "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT);
ALTER TABLE a ADD COLUMN y TEXT NOT NULL;
ALTER TABLE a ADD COLUMN z TEXT DEFAULT CURRENT_TIMESTAMP;
ALTER TABLE a RENAME COLUMN x TO w;
ALTER TABLE a DROP COLUMN w;
DELETE FROM a;
DROP TABLE a;";
    let found = findings(
        "CREATE TABLE other (id INTEGER PRIMARY KEY);",
        file,
        SEEDBED,
    )
    .await;
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test]
async fn a_file_allows_a_rule_with_a_reason() {
    let base = "CREATE TABLE a (id INTEGER PRIMARY KEY);";
    let allow = "-- seedbed: allow DS101: nothing reads it since release 7\nDROP TABLE a;";
    assert!(codes(&findings(base, allow, SEEDBED).await).is_empty());
    let unused = "-- seedbed: allow DS101: nothing reads it since release 7\nCREATE TABLE b (id INTEGER PRIMARY KEY);";
    let found = findings(base, unused, SEEDBED).await;
    assert_eq!(codes(&found), ["MG904"]);
    assert_eq!(found[0].origin().map(|it| it.place().line), Some(1));
}

#[tokio::test]
async fn a_project_changes_severities() {
    let levels = |word| Levels::from([("DS101", Level::of_word(word).unwrap())]);
    let (base, file) = ("CREATE TABLE a (id INTEGER PRIMARY KEY);", "DROP TABLE a;");
    for (word, expect) in [
        ("off", None),
        ("note", Some("note")),
        ("warning", Some("warning")),
    ] {
        let found = findings_with(base, file, SEEDBED, &levels(word), None).await;
        assert_eq!(found.first().map(|it| it.severity.word()), expect);
    }
}

#[tokio::test]
async fn what_does_not_run_in_memory_is_said_and_rules_of_text_are_asked() {
    let found = findings(
        "CREATE TABLE a (id INTEGER PRIMARY KEY);",
        "INSERT INTO missing VALUES (\"x\"); ALTER TABLE a ADD COLUMN b TEXT UNIQUE;",
        SEEDBED,
    )
    .await;
    assert_eq!(codes(&found), ["SC805", "DD208", "not-rehearsed"]);
}

#[tokio::test]
async fn a_name_in_backticks_is_no_command_in_a_help() {
    let base =
        "CREATE TABLE t (id INTEGER PRIMARY KEY, `status` TEXT); CREATE INDEX i ON t (`status`);";
    let file = "CREATE TABLE n (id INTEGER PRIMARY KEY, status TEXT NOT NULL); INSERT INTO n (id, status) SELECT id, status FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;";
    let found = findings(base, file, SEEDBED).await;
    let lost = found.iter().find(|it| it.code == "RB306").unwrap();
    assert!(
        lost.help[0].ends_with("\n  CREATE INDEX i ON t (\"status\");"),
        "{lost:?}"
    );
}

#[tokio::test]
async fn what_a_repeatable_migration_makes_again_behind_a_rebuild_is_not_lost() {
    let of = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    let files = [
        of(
            "V1__t.sql",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT); CREATE TABLE log (x); CREATE INDEX j ON t (a);",
        ),
        of(
            "V2__rebuild.sql",
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT NOT NULL); INSERT INTO n SELECT * FROM t; DROP TABLE t; \
             ALTER TABLE n RENAME TO t;",
        ),
        of("R__i.sql", "CREATE INDEX IF NOT EXISTS i ON t (a, id);"),
        of(
            "R__g.sql",
            "DROP TRIGGER IF EXISTS g; CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.a); END;",
        ),
    ];
    let options = Options {
        runner: Some(Runner::Seedbed),
        target: Target::Local,
        levels: &Levels::new(),
        runs: Runs::Together,
        placement: Placement::BehindOthers,
        queries: &[],
        seeds: &[],
    };
    let is_new = |it: &Migration| it.key == Key::Migration(2);
    let set = Migrations::from_files(files);
    let found = lint(&set, &is_new, &options, None).await.unwrap().findings;
    let lost = found.iter().find(|it| it.code == "RB306").unwrap();
    assert_eq!(
        lost.message,
        "dropping t drops the index j, and nothing creates it again"
    );
}

#[tokio::test]
async fn other_line_ends_are_found_where_the_runner_compares_bytes() {
    let of = async |runner, text: &str| {
        let files = [("1_a.sql".to_owned(), text.as_bytes().to_vec())];
        let set = Migrations::from_files(files);
        let options = Options {
            runner,
            target: Target::Local,
            levels: &Levels::new(),
            runs: Runs::Together,
            placement: Placement::BehindOthers,
            queries: &[],
            seeds: &[],
        };
        let found = lint(&set, &|_| true, &options, None)
            .await
            .unwrap()
            .findings;
        found
            .iter()
            .any(|it| it.code == "MG903" && it.severity.word() == "warning")
    };
    let (crlf, lf) = (
        "CREATE TABLE a (id INTEGER\r\nPRIMARY KEY);\r\n",
        "CREATE TABLE a (id INTEGER\nPRIMARY KEY);\n",
    );
    assert!(of(None, crlf).await);
    assert!(of(None, &format!("\u{feff}{lf}")).await);
    assert!(!of(None, lf).await);
    assert!(!of(Some(Runner::Seedbed), crlf).await);
    assert!(!of(Some(Runner::Wrangler), crlf).await);
}

/// <https://github.com/drizzle-team/drizzle-orm/issues/5360>
#[tokio::test]
async fn a_column_that_a_rebuild_copies_and_the_old_table_has_not_is_an_error() {
    let base = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);";
    let rebuild = |selected: &str| {
        format!(
            "CREATE TABLE n (\"id\" INTEGER PRIMARY KEY, \"a\" TEXT DEFAULT '', \"z\" TEXT);
INSERT INTO n (\"id\", \"a\", \"z\") SELECT \"id\", \"a\", {selected} FROM \"t\";
DROP TABLE t;
ALTER TABLE n RENAME TO t;"
        )
    };
    let of = async |selected: &str| {
        let mut found = findings(base, &rebuild(selected), SEEDBED).await;
        found.retain(|it| it.code == "SC805");
        found
    };
    let found = of("\"z\"").await;
    let [found] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert!(found.is_error());
    assert_eq!(
        found.message,
        "\"z\" is the text 'z' here and no column: nothing that this statement reads has a column z, which n has"
    );
    let place = found.origin().map(|it| it.place());
    assert_eq!(place.map(|it| (it.line, it.column)), Some((2, 50)));
    assert!(of("NULL").await.is_empty());
    assert!(of("\"a\"").await.is_empty());
    assert!(!of("\"other\"").await[0].is_error());
}
