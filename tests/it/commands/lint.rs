//! `lint` as it is called: which files it looks at, how it ends, and what it prints.

use expect_test::expect;

use crate::project::Project;

const USERS: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, phone TEXT);\n";

fn project() -> Project {
    Project::new().migration("V1__users", USERS).migration(
        "V2__phone",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY);\n\nALTER TABLE users DROP COLUMN phone;\n",
    )
}

/// The same with its first migration on the branch `main`.
fn branched() -> Project {
    let project = Project::bare().migration("V1__users", USERS);
    project.git("init --quiet --initial-branch main");
    project.git("add .");
    project.git("commit --quiet --message first");
    project.git("checkout --quiet -b branch");
    project.write(
        "migrations/V2__phone.sql",
        "ALTER TABLE users DROP COLUMN phone;\n",
    );
    project
}

#[test]
fn a_finding_is_shown_with_its_place_and_the_statements_that_help() {
    let ran = project().run("lint migrations/V2__phone.sql");
    ran.exits(7);
    ran.check(expect![[r#"
        $ seedbed lint migrations/V2__phone.sql
        1 file looked at: 1 error
        2> error[DS102]: the column phone of users is dropped with its values
        2>  --> migrations/V2__phone.sql:3:1
        2>   |
        2> 3 | ALTER TABLE users DROP COLUMN phone;
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = help: first deploy a release that does not use the column, and drop it with a later one; then write `-- seedbed: allow DS102: REASON` at the top of that file
        2>   = help: or keep the values for some time:
        2>             CREATE TABLE "users_phone_before" AS SELECT "id", "phone" FROM "users";
        exit 7
    "#]]);
}

/// The codes of the problems in the document that a command prints.
fn codes_of(project: &Project, line: &str) -> Vec<String> {
    let ran = project.run(&format!("{line} --format json"));
    let problems = ran.json()["problems"].clone();
    let problems = problems.as_array().into_iter().flatten();
    let codes = problems.map(|it| it["code"].as_str().unwrap().to_owned());
    codes.collect()
}

#[test]
fn check_reports_a_loss_beside_other_errors() {
    let project = Project::new()
        .migration(
            "V1__p",
            "CREATE TABLE p (a INTEGER PRIMARY KEY, t TEXT NOT NULL);\n",
        )
        .migration("V2__t", "ALTER TABLE p DROP COLUMN t;\n");
    assert_eq!(codes_of(&project, "check"), ["DS102"]);
    project.run("check").exits(7);
    let project = project.down("V2__t", "ALTER TABLE p ADD COLUMN t TEXT;\n");
    assert_eq!(codes_of(&project, "check"), ["down-no-inverse", "DS102"]);
    project.run("check").exits(4);
}

#[test]
fn a_statement_that_fails_is_reported_once() {
    let project = Project::new()
        .migration("V1__p", "CREATE TABLE p (a INTEGER PRIMARY KEY);\n")
        .migration("V2__t", "ALTER TABLE p ADD COLUMN\n  t TEXT NOT NULL;\n");
    assert_eq!(codes_of(&project, "check"), ["fails"]);
    let project = Project::new()
        .migration(
            "V1__p",
            "CREATE TABLE p (a INTEGER PRIMARY KEY, b TEXT);\nCREATE VIEW v AS SELECT b FROM p;\n",
        )
        .migration(
            "V2__p",
            "DROP TABLE p;\nCREATE TABLE p (a INTEGER PRIMARY KEY);\n",
        );
    let codes = codes_of(&project, "check");
    assert!(codes.contains(&"does-not-compile".to_owned()), "{codes:?}");
    assert!(!codes.contains(&"DP401".to_owned()), "{codes:?}");
}

#[test]
fn a_lost_index_has_one_code_and_one_severity() {
    let rebuild = "CREATE TABLE n (id INTEGER PRIMARY KEY, email TEXT NOT NULL);\n\
                   INSERT INTO n (id, email) SELECT id, email FROM users;\n\
                   DROP TABLE users;\nALTER TABLE n RENAME TO users;\n";
    let project = Project::new().migration(
        "V1__users",
        "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL);\n\
         CREATE INDEX by_email ON users (email);\n",
    );
    let of_file = "lint migrations/V2__rebuild.sql";
    let project = project.migration("V2__rebuild", rebuild);
    for line in ["check", of_file] {
        let ran = project.run(line);
        ran.exits(7);
        assert_eq!(ran.stderr.matches("error[RB306]").count(), 1, "{ran}");
    }
    for code in ["RB306", "lost-in-rebuild"] {
        let text = format!("-- seedbed: allow {code}: it was of no use\n{rebuild}");
        project.write("migrations/V2__rebuild.sql", text);
        for line in ["check", of_file] {
            let ran = project.run(line);
            ran.exits(0);
            assert!(!ran.to_string().contains("MG904"), "{ran}");
        }
    }
    let settings = "[lint]\nRB306 = \"warning\"\n";
    let project = project
        .file("config.toml", settings)
        .migration("V2__rebuild", rebuild);
    for line in ["check", of_file] {
        let ran = project.run(line);
        ran.exits(0);
        assert!(ran.stderr.contains("warning[RB306]"), "{ran}");
    }
}

#[test]
fn the_number_of_findings_is_printed_once() {
    let project =
        Project::new().migration("V1__t", "CREATE TABLE t (a TEXT DEFAULT \"x\", b TEXT);\n");
    let ran = project.run("lint");
    assert!(ran.stdout.contains("1 file looked at: "), "{ran}");
    let counted = ran.stdout.trim().rsplit(": ").next().unwrap();
    assert!(counted.contains(", "), "{ran}");
    assert!(!ran.stderr.contains(counted), "{ran}");
}

/// `check`, `lint` and `migrate` set the view of a repeatable migration aside. One that a version made is in the way.
#[test]
fn a_view_in_the_way_of_a_rename_has_the_same_help_everywhere() {
    let project = Project::new()
        .migration("V1__t", "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT);\n")
        .migration("R__v", "DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT a FROM t;\n")
        .after("migrate")
        .migration(
            "V2__t",
            "-- seedbed: allow DS102: it is empty\nCREATE TABLE n (a INTEGER PRIMARY KEY);\nINSERT INTO n SELECT a FROM t;\n\
             DROP TABLE t;\nALTER TABLE n RENAME TO t;\n",
        );
    for line in ["check", "lint migrations/V2__t.sql", "migrate"] {
        let ran = project.run(line);
        assert!(!ran.to_string().contains("error in view"), "{ran}");
        assert_eq!(ran.code, Some(0), "{ran}");
    }
    project.remove("migrations/R__v.sql");
    project.write(
        "migrations/V1__t.sql",
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT);\nCREATE VIEW v AS SELECT b FROM t;\n",
    );
    for line in ["lint migrations/V2__t.sql", "migrate --database other.db"] {
        let ran = project.run(line);
        let text = ran.to_string();
        assert!(text.contains("create the view again at its end"), "{ran}");
        assert!(!text.contains("repeatable"), "{ran}");
    }
}

#[test]
fn without_a_base_all_files_are_one_run_from_nothing() {
    project().run("lint").exits(0);
    project().run("lint --each").exits(7);
}

#[test]
fn a_base_names_the_files_that_are_new() {
    let project = branched();
    let ran = project.run("lint --base main --format json");
    ran.exits(7);
    let found = ran.json();
    assert_eq!(found["problems"][0]["code"], "DS102");
    assert_eq!(found["problems"][0]["severity"], "error");
    assert_eq!(found["outcome"], "lint");
    assert_eq!(found["files"], 1);
    // What the base has must not change.
    project.write("migrations/V1__users.sql", USERS.replace("phone", "fax"));
    let ran = project.run("lint --base main");
    ran.exits(7);
    assert!(ran.stderr.contains("error[MG901]"), "{}", ran.stderr);
}

#[test]
fn a_database_names_the_files_that_are_not_applied_and_is_asked_for_rows() {
    let project = Project::new().migration("V1__users", USERS);
    project.run("migrate").exits(0);
    project.change(&["INSERT INTO users (name) VALUES ('Ann'), ('Ann')"]);
    project.write(
        "migrations/V2__unique.sql",
        "CREATE UNIQUE INDEX users_name ON users (name);\n",
    );
    project.run("lint --base HEAD").exits(2);
    project.run("lint migrations/V2__unique.sql").exits(0);
    let before = project.state();
    let ran = project.run("lint --database local.db");
    ran.exits(7);
    assert!(ran.stderr.contains("error[DD203]"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("the database has 1 such values"),
        "{}",
        ran.stderr
    );
    assert_eq!(project.state(), before);
}

#[test]
fn warnings_end_the_command_with_strict_only() {
    let file = "CREATE TABLE a (id INTEGER PRIMARY KEY, s TEXT DEFAULT \"x\");\n";
    let project = Project::new().migration("V1__a", file);
    project.run("lint").exits(0);
    project.run("lint --strict").exits(7);
}

#[test]
fn config_changes_severities_and_refuses_what_is_nearly_a_code() {
    let with = |lint: &str| project().file("config.toml", format!("[lint]\n{lint}\n"));
    with("DS102 = \"off\"").run("lint --each").exits(0);
    with("DS102 = \"warning\"").run("lint --each").exits(0);
    with("DS102 = \"warning\"")
        .run("lint --each --strict")
        .exits(7);
    for (wrong, help) in [
        ("DS10 = \"off\"", "did you mean `DS101`?"),
        ("ds102 = \"off\"", "did you mean `DS102`?"),
        (
            "DS102 = \"of\"",
            "the severities are: error, warning, note, off",
        ),
        ("DS102 = 1", "the severities are: error, warning, note, off"),
        ("runer = \"sqlx\"", "did you mean `runner`?"),
        ("runner = \"rails\"", "the runners are: seedbed, drizzle"),
    ] {
        let ran = with(wrong).run("lint");
        ran.exits(2);
        assert!(ran.stderr.contains(help), "{wrong}: {}", ran.stderr);
    }
}

#[test]
fn a_file_allows_a_rule_with_a_reason_and_without_one_it_is_an_error() {
    let with = |comment: &str| {
        let text = format!("{comment}\nALTER TABLE users DROP COLUMN phone;\n");
        project().migration("V2__phone", text)
    };
    let line = "lint migrations/V2__phone.sql";
    with("-- seedbed: allow DS102: not read since release 7")
        .run(line)
        .exits(0);
    let ran = with("-- seedbed: allow DS101: not read since release 7").run(line);
    ran.exits(7);
    assert!(ran.stderr.contains("warning[MG904]"), "{}", ran.stderr);
    let ran = with("-- seedbed: allow DS102").run("check");
    ran.exits(4);
    assert!(
        ran.stderr.contains("this directive has no reason"),
        "{}",
        ran.stderr
    );
    let ran = with("-- seedbed: allow DS12: so").run("check");
    ran.exits(4);
    assert!(ran.stderr.contains("did you mean"), "{}", ran.stderr);
}

#[test]
fn check_has_the_errors_of_the_files_that_it_treats_as_new() {
    let project = project();
    let ran = project.run("check");
    ran.exits(7);
    assert!(ran.stderr.contains("error[DS102]"), "{}", ran.stderr);
    // Then another version is the newest.
    project.write(
        "migrations/V3__x.sql",
        "CREATE TABLE x (id INTEGER PRIMARY KEY);\n",
    );
    project.run("check").exits(0);
    let ran = branched().run("check --base main");
    ran.exits(7);
}

#[test]
fn sarif_names_rules_and_places() {
    let ran = project().run("lint --each --format sarif");
    ran.exits(7);
    let found = ran.json();
    assert_eq!(found["version"], "2.1.0");
    let run = &found["runs"][0];
    assert_eq!(run["tool"]["driver"]["rules"][0]["id"], "DS102");
    let result = &run["results"][0];
    assert_eq!(result["ruleId"], "DS102");
    assert_eq!(result["level"], "error");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "migrations/V2__phone.sql");
    assert_eq!(place["region"]["startLine"], 3);
    assert_eq!(place["region"]["endColumn"], 36);
    project().run("status --format sarif").exits(2);
}

#[test]
fn the_layout_decides_who_runs_the_files() {
    let family = "CREATE TABLE p (id INTEGER PRIMARY KEY, a TEXT);\nCREATE TABLE c (id INTEGER PRIMARY KEY, p INTEGER REFERENCES p (id) ON DELETE CASCADE);\nCREATE INDEX c_p ON c (p);\n";
    let rebuild = "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT NOT NULL DEFAULT '');\nINSERT INTO n (id, a) SELECT id, coalesce(a, '') FROM p;\nDROP TABLE p;\nALTER TABLE n RENAME TO p;\n";
    let project = Project::bare()
        .file("migrations/1_family.sql", family)
        .file("migrations/2_rebuild.sql", rebuild);
    let ran = project.run("lint --each");
    ran.exits(7);
    assert!(ran.stderr.contains("error[DS104]"), "{}", ran.stderr);
    project.run("lint --each --runner seedbed").exits(0);
    project.run("lint --each --runner wrangler").exits(7);
}

#[test]
fn a_rule_is_explained() {
    let ran = project().run("lint --explain ds101");
    ran.exits(0);
    assert!(
        ran.stdout
            .starts_with("DS101: a table and its rows are dropped (error)\n\nWhat happens. ")
    );
    assert!(
        ran.stdout.contains("\n    DROP TABLE invoices;\n"),
        "{}",
        ran.stdout
    );
    let ran = project().run("lint --explain DS110");
    ran.exits(2);
    assert!(ran.stderr.contains("did you mean"), "{}", ran.stderr);
}

#[test]
fn files_of_sql_among_the_seeds_are_looked_at_where_they_are_new_or_named() {
    let project = branched();
    project.run("lint --base main").exits(7);
    project.remove("migrations/V2__phone.sql");
    let seed = "INSERT INTO users (name) VALUES ('Ann');\nDELETE FROM users;\n";
    project.write("seeds/prod/users.sql", seed);
    let codes = |line: &str| {
        let ran = project.run(&format!("{line} --format json"));
        let found = ran.json()["problems"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let codes = found
            .iter()
            .map(|it| it["code"].as_str().unwrap().to_owned());
        codes.collect::<Vec<_>>()
    };
    assert_eq!(codes("lint"), ["SD001", "SD003"]);
    assert_eq!(codes("lint --base main"), ["SD001", "SD003"]);
    assert_eq!(codes("lint seeds/prod/users.sql"), ["SD001", "SD003"]);
    assert!(codes("lint migrations/V1__users.sql").is_empty());
    project.git("add .");
    project.git("commit --quiet --message seeds");
    project.git("branch --force main");
    assert!(codes("lint --base main").is_empty());
    project.write("seeds/prod/users.sql", format!("{seed}-- edited\n"));
    assert_eq!(codes("lint --base main"), ["SD001", "SD003"]);
}

#[test]
fn the_settings_of_lint_are_shown_with_where_they_are_from() {
    let lint = "[lint]\nrunner = \"sqlx\"\ntarget = \"d1\"\nRB312 = \"off\"\nDS101 = \"warning\"\n";
    let ran = project().file("config.toml", lint).run("config");
    ran.exits(0);
    let rows: Vec<Vec<&str>> = ran
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("lint "))
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|it| !it.is_empty())
                .collect()
        })
        .collect();
    assert_eq!(
        rows,
        [
            ["runner", "sqlx", "[lint] runner in config.toml"],
            ["target", "d1", "[lint] target in config.toml"],
            [
                "severities",
                "DS101 = warning, RB312 = off",
                "[lint] in config.toml"
            ],
        ]
    );
}

#[test]
fn a_file_that_is_named_is_judged_at_its_place_in_the_folder() {
    let project = Project::new()
        .migration(
            "V1__users",
            "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);\n",
        )
        .migration(
            "V2__age",
            "ALTER TABLE users ADD COLUMN age INTEGER NOT NULL;\n",
        )
        .migration("V3__people", "ALTER TABLE users RENAME TO people;\n")
        .migration("V4__gone", "DROP TABLE people;\n")
        .migration(
            "R__names",
            "DROP VIEW IF EXISTS names;\nCREATE VIEW names AS SELECT name FROM people;\n",
        );
    let codes = |line: &str| {
        let found = project.run(line).json();
        let problems = found["problems"].as_array().unwrap().clone();
        let codes = problems
            .iter()
            .map(|it| it["code"].as_str().unwrap().to_owned());
        codes.collect::<Vec<_>>()
    };
    assert_eq!(
        codes("lint migrations/V2__age.sql --format json"),
        ["DD201"]
    );
    assert_eq!(codes("lint V1__users.sql --format json"), [""; 0]);
    // The one between them runs too, and is not looked at.
    let both = codes("lint V2__age.sql V4__gone.sql --format json");
    assert_eq!(both, ["DD201", "DS101"]);
}

#[test]
fn a_rule_is_explained_without_a_database() {
    let project = Project::new();
    for line in [
        "lint --explain DS101",
        "lint --explain DS101 --database local.db",
    ] {
        let ran = project.run(line);
        ran.exits(0);
        assert_eq!(ran.stderr, "");
        assert!(ran.stdout.starts_with("DS101: "), "{ran}");
    }
    assert_eq!(project.bytes("local.db"), None);
}

#[test]
fn tables_that_only_the_database_has_are_there() {
    let project = Project::new().migration("V1__users", USERS);
    project.run("migrate").exits(0);
    project.change(&[
        "CREATE TABLE by_hand (id INTEGER PRIMARY KEY, code TEXT)",
        "CREATE INDEX by_code ON by_hand (code)",
        "INSERT INTO by_hand (code) VALUES ('x'), ('x')",
    ]);
    let file = "migrations/V2__more.sql";
    project.write(
        file,
        "CREATE TABLE child (id INTEGER PRIMARY KEY, h INTEGER REFERENCES by_hand (id));\n\
         CREATE INDEX child_h ON child (h);\nCREATE VIEW v AS SELECT code FROM by_hand;\n",
    );
    let ran = project.run("lint --database local.db");
    ran.exits(0);
    assert_eq!(ran.stderr, "target: local local.db (--database)\n");
    for (sql, code) in [
        ("ALTER TABLE by_hand ADD COLUMN n TEXT NOT NULL;\n", "DD201"),
        (
            "CREATE UNIQUE INDEX by_hand_code ON by_hand (code);\n",
            "DD203",
        ),
        ("DROP TABLE by_hand;\n", "DS101"),
    ] {
        project.write(file, sql);
        let ran = project.run("lint --database local.db");
        ran.exits(7);
        assert!(ran.stderr.contains(code), "{ran}");
    }
    // A file that makes a table of that name makes another one.
    project.write(
        file,
        "CREATE TABLE IF NOT EXISTS by_hand (id INTEGER PRIMARY KEY);\n",
    );
    project.run("lint --database local.db").exits(0);
}
