//! Files of seeds, and repeatable migrations.

use super::*;
use crate::script::Source;
use crate::seeds::Seeds;

fn of(environment: Environment, text: &str) -> Vec<&'static str> {
    let source = Arc::new(Source {
        name: "seeds/x.sql".to_owned(),
        text: text.into(),
    });
    codes(&seeding::check(&Seed::Sql {
        source,
        environment,
    }))
}

#[test]
fn a_file_of_seeds_that_cannot_run_twice_is_found_once_for_each_table() {
    for (text, expected) in [
        (
            "INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); INSERT INTO u VALUES (1);",
            vec!["SD001", "SD001"],
        ),
        (
            "INSERT OR IGNORE INTO t VALUES (1); REPLACE INTO t VALUES (1);",
            vec![],
        ),
        ("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING;", vec![]),
        (
            "INSERT INTO t SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM t);",
            vec![],
        ),
        ("DELETE FROM t; INSERT INTO t VALUES (1);", vec![]),
        ("INSERT INTO f (f) VALUES ('rebuild');", vec![]),
        (
            "-- seedbed: allow SD001: the folder is for new databases\nINSERT INTO t VALUES (1);",
            vec![],
        ),
        (
            "CREATE TABLE t (id); CREATE TEMP TABLE x (id); INSERT INTO t VALUES (1);",
            vec!["SD002"],
        ),
        ("CREATE TEMP TABLE x AS SELECT 1;", vec![]),
    ] {
        assert_eq!(of(Environment::Other, text), expected, "{text}");
    }
    assert_eq!(
        of(Environment::Production, "DELETE FROM t WHERE id = 1;"),
        ["SD003"]
    );
    assert!(of(Environment::Other, "DELETE FROM t WHERE id = 1;").is_empty());
}

#[test]
fn a_seed_of_production_that_deletes_rows_is_found_at_its_mode() {
    let seed = |name: &str, mode: &str| {
        let text = format!("_seed:\n  mode: {mode}\nplans:\n  free: {{name: free}}\n");
        let seeds = Seeds::of_texts([(name, text.as_str())]);
        Seed::of(&seeds.files[0]).map(|seed| seeding::check(&seed))
    };
    let found = seed("prod/plans", "sync").unwrap();
    assert_eq!(codes(&found), ["SD003"]);
    let place = found[0].origin().map(|it| (it.place().line, it.text()));
    assert_eq!(place, Some((2, "sync")));
    assert!(seed("prod/plans", "upsert").is_none());
    assert!(seed("dev/plans", "sync").is_none());
}

#[tokio::test]
async fn a_repeatable_migration_that_inserts_its_rows_again_is_found() {
    let of = async |text: &str| {
        let files = [
            (
                "V1__a.sql",
                "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);",
            ),
            ("R__rows.sql", text),
        ];
        let files = files.map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()));
        let options = Options {
            runner: None,
            target: Target::Local,
            levels: &Levels::new(),
            runs: Runs::Together,
            placement: Placement::BehindOthers,
            queries: &[],
            seeds: &[],
        };
        let is_new = |it: &Migration| matches!(it.key, Key::Repeatable(_));
        let set = Migrations::from_files(files);
        codes(&lint(&set, &is_new, &options, None).await.unwrap().findings)
    };
    assert_eq!(of("INSERT INTO t (a) VALUES ('x');").await, ["SD001"]);
    assert!(
        of("INSERT OR IGNORE INTO t (id, a) VALUES (1, 'x');")
            .await
            .is_empty()
    );
}
