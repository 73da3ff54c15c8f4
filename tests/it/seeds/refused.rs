//! The commands that look see what the engine refuses when `seed` runs: CHECK constraints, triggers and unique indexes. They
//! report what `seed` reports, where it reports it, and nothing else.

use expect_test::expect;

use super::Bed;
use crate::bad_input::untouched;
use crate::project::Project;
use crate::server::ours;

const USERS: &str = "\
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT CHECK (length(name) < 10), email TEXT);
";

#[test]
fn a_refused_row_is_reported_by_status_and_by_dry_runs() {
    let project = Project::new()
        .migration("V1__s", USERS)
        .file("seeds/a.yaml", "users:\n  ann: {name: Ann}\n")
        .after("migrate --seed");
    let file = "users:\n  ann: {name: Ann the twentieth}\n  bob: {name: Bob}\n";
    project.write("seeds/a.yaml", file);
    let shown = untouched(&project, "status --exit-code").to_string();
    let (_, shown) = shown.split_once("the database is marked").unwrap();
    expect![[r#"
         as environment dev
        a is blocked: seeds/a.yaml:2:3: a row was refused: CHECK constraint failed: length(name) < 10
        2> target: local local.db (default)
        exit 3
    "#]]
    .assert_eq(shown);
    untouched(&project, "seed --dry-run").check(expect![[r#"
        $ seedbed seed --dry-run
        2> target: local local.db (default)
        2> error[constraint]: a row was refused: CHECK constraint failed: length(name) < 10
        2>  --> seeds/a.yaml:2:3
        2>   |
        2> 2 |   ann: {name: Ann the twentieth}
        2>   |   ^^^
        exit 1
    "#]]);
    untouched(&project, "migrate --seed --dry-run").check(expect![[r#"
        $ seedbed migrate --seed --dry-run
        nothing is pending: the database is at V1
        2> target: local local.db (default)
        2> error[constraint]: a row was refused: CHECK constraint failed: length(name) < 10
        2>  --> seeds/a.yaml:2:3
        2>   |
        2> 2 |   ann: {name: Ann the twentieth}
        2>   |   ^^^
        exit 1
    "#]]);
    assert_eq!(project.run("seed").code, Some(1));
}

/// A plan of these files reports these problems, and so many does `seed`.
async fn agrees(bed: &Bed, files: &[(&str, &str)], problems: &[&str]) {
    let planned = bed.planned(files).await;
    let lines = planned.lines().filter(|line| line.contains("constraint: "));
    let lines: Vec<String> = lines
        .map(|line| line.replace("constraint: a row was refused: ", ""))
        .collect();
    assert_eq!(lines, problems, "{planned}");
    let ran = bed.seed(files).await;
    assert_eq!(ran.contains("failed at"), !problems.is_empty(), "{ran}");
}

#[tokio::test]
async fn every_refused_row_is_reported() {
    let bed = Bed::memory(USERS).await;
    let many: String = (0..300)
        .map(|n| match n {
            7 | 250 => format!("  u{n}: {{name: much too long}}\n"),
            _ => format!("  u{n}: {{name: n{n}}}\n"),
        })
        .collect();
    let check = "CHECK constraint failed: length(name) < 10";
    let problems = [format!("a:9:3 {check}"), format!("a:252:3 {check}")];
    let problems = problems.each_ref().map(String::as_str);
    agrees(&bed, &[("a", &format!("users:\n{many}"))], &problems).await;
}

#[tokio::test]
async fn a_unique_index_compares_with_rows_of_the_application() {
    let bed = Bed::memory(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT, gone INTEGER);
         CREATE UNIQUE INDEX low ON users (lower(email));
         CREATE TABLE langs (id INTEGER PRIMARY KEY, code TEXT, main INTEGER);
         CREATE UNIQUE INDEX main ON langs (main) WHERE main = 1;",
    )
    .await;
    bed.by_hand("INSERT INTO users VALUES (1, 'ANN@x', NULL)")
        .await;
    bed.by_hand("INSERT INTO langs VALUES (1, 'de', 1)").await;
    let users = (
        "a",
        "users:\n  ann: {email: ann@x}\n  bob: {email: bob@x}\n",
    );
    agrees(
        &bed,
        &[users],
        &["a:2:3 UNIQUE constraint failed: index 'low'"],
    )
    .await;
    let langs = (
        "a",
        "langs:\n  fr: {code: fr, main: 0}\n  en: {code: en, main: 1}\n",
    );
    agrees(
        &bed,
        &[langs],
        &["a:3:3 UNIQUE constraint failed: langs.main"],
    )
    .await;
    let fine = (
        "a",
        "users: {bob: {email: bob@x}}\nlangs: {fr: {code: fr, main: 0}}\n",
    );
    agrees(&bed, &[fine], &[]).await;
}

#[tokio::test]
async fn a_trigger_refuses_by_the_row_and_by_other_rows() {
    let bed = Bed::memory(
        "CREATE TABLE teams (id INTEGER PRIMARY KEY, size INTEGER, touched TEXT);
         CREATE TRIGGER size BEFORE UPDATE OF size ON teams WHEN NEW.size > 9
           BEGIN SELECT RAISE (ABORT, 'a team has up to 9'); END;
         CREATE TRIGGER touch AFTER UPDATE ON teams
           BEGIN UPDATE teams SET touched = 'now' WHERE id = NEW.id; END;
         CREATE TABLE limits (most INTEGER);
         INSERT INTO limits VALUES (2);
         CREATE TRIGGER most BEFORE INSERT ON teams
           WHEN (SELECT count(*) FROM teams) >= (SELECT most FROM limits)
           BEGIN SELECT RAISE (ABORT, 'too many teams'); END;",
    )
    .await;
    bed.by_hand("INSERT INTO teams VALUES (1, 3, NULL)").await;
    let one = ("a", "teams:\n  a: {size: 20}\n");
    agrees(&bed, &[one], &[]).await;
    let more = ("a", "teams:\n  a: {size: 21}\n  b: {size: 1}\n");
    let problems = ["a:2:3 a team has up to 9", "a:3:3 too many teams"];
    agrees(&bed, &[more], &problems).await;
    bed.by_hand("UPDATE limits SET most = 3").await;
    agrees(
        &bed,
        &[("a", "teams:\n  a: {size: 7}\n  b: {size: 1}\n")],
        &[],
    )
    .await;
}

#[tokio::test]
async fn a_trigger_keeps_a_row_that_is_declared_no_longer() {
    let bed = Bed::memory(
        "CREATE TABLE teams (id INTEGER PRIMARY KEY, name TEXT);
         CREATE TRIGGER kept BEFORE DELETE ON teams WHEN OLD.name = 'a'
           BEGIN SELECT RAISE (ABORT, 'this team stays'); END;",
    )
    .await;
    bed.one("_seed: {mode: sync}\nteams: {a: {name: a}, b: {name: b}}\n")
        .await;
    let without_a = ("a", "_seed: {mode: sync}\nteams: {b: {name: b}}\n");
    agrees(&bed, &[without_a], &["a:1:1 this team stays"]).await;
    let without_b = ("a", "_seed: {mode: sync}\nteams: {a: {name: a}}\n");
    agrees(&bed, &[without_b], &[]).await;
}

/// The rows of a server are tried on this machine.
#[test]
fn a_refused_row_of_a_server_is_seen() {
    let server = ours(seedbed_test_server::Options::default());
    let url = server.url();
    let project = Project::new()
        .migration(
            "V1__s",
            "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT CHECK (email LIKE '%@%'));
             CREATE UNIQUE INDEX low ON users (lower(email));
             INSERT INTO users VALUES (1, 'ANN@x');",
        )
        .file(
            "seeds/a.yaml",
            "users:\n  ann: {email: ann@x}\n  bob: {email: bob}\n",
        );
    let ran = project.run(&format!("migrate --yes --database {url}"));
    assert_eq!(ran.code, Some(0), "{ran}");
    let ran = project.run(&format!("seed --dry-run --env dev --database {url}"));
    assert_eq!(ran.code, Some(1), "{ran}");
    for words in [
        "UNIQUE constraint failed: index 'low'",
        "CHECK constraint failed: email LIKE",
    ] {
        assert!(ran.stderr.contains(words), "{ran}");
    }
    project.write("seeds/a.yaml", "users:\n  bob: {email: bob@x}\n");
    let ran = project.run(&format!("seed --dry-run --env dev --database {url}"));
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[tokio::test]
async fn what_is_not_seen_is_no_alarm() {
    let bed = Bed::memory(
        "CREATE TABLE log (id INTEGER PRIMARY KEY, word TEXT);
         WITH RECURSIVE n (x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n WHERE x < 5001)
           INSERT INTO log SELECT x, 'x' FROM n;
         CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT CHECK (name <> 'root'));
         CREATE TRIGGER other BEFORE INSERT ON users WHEN EXISTS (SELECT 1 FROM log WHERE word = NEW.name)
           BEGIN SELECT RAISE (IGNORE); END;
         CREATE TABLE odd (id INTEGER PRIMARY KEY, n INTEGER CHECK (n > 0));",
    )
    .await;
    bed.by_hand("PRAGMA ignore_check_constraints = ON").await;
    bed.by_hand("INSERT INTO odd VALUES (1, -1)").await;
    bed.by_hand("PRAGMA ignore_check_constraints = OFF").await;
    bed.by_hand("INSERT INTO log VALUES (6000, 'root')").await;
    // The trigger ignores the row before the constraint sees it; the log is too long to be copied.
    agrees(&bed, &[("a", "users: {a: {name: root}}\n")], &[]).await;
    // A row that is there and is not written was accepted once.
    agrees(
        &bed,
        &[("a", "odd: {a: {id: 1, n: -1}, b: {id: 2, n: 1}}\n")],
        &[],
    )
    .await;
}

#[tokio::test]
async fn an_exchange_that_a_constraint_refuses_is_seen() {
    let bed = Bed::memory(
        "CREATE TABLE p (id INTEGER PRIMARY KEY, st TEXT NOT NULL UNIQUE CHECK (st IN ('a', 'b')));",
    )
    .await;
    bed.one("p: {a: {st: a}, b: {st: b}}\n").await;
    let planned = bed.planned(&[("a", "p: {a: {st: b}, b: {st: a}}\n")]).await;
    let ran = bed.one("p: {a: {st: b}, b: {st: a}}\n").await;
    assert_eq!(
        planned.contains("constraint: rows exchange values"),
        ran.contains("failed at")
    );
}

#[test]
fn a_row_with_another_primary_key_is_not_as_declared() {
    let seed = "users:\n  _key: name\n  ann: {id: 1, name: Ann}\n  bob: {id: 2, name: Bob}\n";
    let project = Project::new()
        .migration(
            "V1__s",
            "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT UNIQUE);\n",
        )
        .file("seeds/a.yaml", seed)
        .after("migrate --seed");
    project.write("seeds/a.yaml", seed.replace("id: 2", "id: 3"));
    assert_eq!(project.run("seed").code, Some(0));
    project.run("seed").check(expect![[r#"
        $ seedbed seed
        nothing to do: 1 row as declared, 1 row with another primary key than declared
        2> target: local local.db (default)
        2> warning[kept-key]: `users.bob` has another `id` in the database, and keeps it: a primary key is never changed
        2>  --> seeds/a.yaml:4:13
        2>   |
        2> 4 |   bob: {id: 3, name: Bob}
        2>   |             ^
        2>   |
        2>   = help: write the `id` that the row has in the database, or leave `id` out
    "#]]);
}

#[tokio::test]
async fn rows_whose_parent_is_refused_are_refused_in_the_same_run() {
    let bed = Bed::memory(
        "
CREATE TABLE teams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, pos INTEGER CHECK (pos > 0));
CREATE TABLE users (id TEXT PRIMARY KEY, mail TEXT UNIQUE, note TEXT, team_id INTEGER REFERENCES teams (id));
CREATE UNIQUE INDEX one_note ON users (lower(note)) WHERE note IS NOT NULL;
",
    )
    .await;
    let file = "teams: {t: {name: a, pos: 0}, t2: {name: b, pos: 1}}
users:
  a: {mail: a, note: x, team: t}
  b: {mail: b, note: X, team: t}
  c: {mail: c, note: y, team: t2}
  d: {mail: d, note: Y, team: t2}
";
    expect![[r#"
        failed at 1:9 CHECK constraint failed: pos > 0
        4:3 UNIQUE constraint failed: index 'one_note'
        6:3 UNIQUE constraint failed: index 'one_note'"#]]
    .assert_eq(&bed.one(file).await);
}

#[test]
fn a_refused_run_reports_the_recorded_seed_as_edited_with_its_own_file() {
    let project = Project::new()
        .migration(
            "V1__s",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT UNIQUE, n INTEGER CHECK (n > 0));\n",
        )
        .file(
            "seeds/a.yaml",
            "t: {_key: v, _rows: !csv data.csv , b: {v: b, n: 1}}\n",
        )
        .file("seeds/data.csv", "v,n\na,1\n")
        .after("migrate --seed");
    project.write("seeds/data.csv", "v,n\na,0\n");
    for line in ["seed --format json", "migrate --seed --format json"] {
        let ran = project.run(line);
        let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
        let item = &document["items"][0];
        assert_eq!(item["state"], "edited", "{document}");
        assert_ne!(item["file"], "data.csv", "{document}");
    }
    project.write(
        "seeds/a.yaml",
        "t: {_key: v, a: {v: a, n: 1}, b: {v: b, n: -1}}\n",
    );
    let ran = project.run("seed --format json");
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["items"][0]["file"], "seeds/a.yaml", "{document}");
}

#[test]
fn a_seed_that_depends_on_one_with_tags_names_the_tag() {
    let project = Project::new()
        .migration(
            "V1__s",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT UNIQUE);\n",
        )
        .file("seeds/a.yaml", "_seed: {depends_on: b}\nt: {a: {v: a}}\n")
        .file("seeds/b.yaml", "_seed: {tags: [q]}\nt: {b: {v: b}}\n")
        .after("migrate");
    let ran = project.run("seed");
    assert!(
        ran.stderr
            .contains("`b` has tags, and is seeded only with `--tag q`")
            && ran
                .stderr
                .contains("add `--tag q`, or give a the same tags"),
        "{}",
        ran.stderr
    );
    assert_eq!(project.run("seed --tag q").code, Some(0));
}
