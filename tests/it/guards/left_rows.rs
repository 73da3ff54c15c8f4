//! Rows whose parent table one file of a run takes away and a later one brings back, or whose own table a later one drops.
//! Each specification gets a new and empty database.

use seedbed::history::Part;
use seedbed::migrations::PlanOptions;

use super::specification::{already, contains, each, refused};
use crate::world::World;

const FAMILY: (&str, &str) = (
    "V1__family.sql",
    "CREATE TABLE p (id INTEGER PRIMARY KEY, n); CREATE TABLE c (id INTEGER PRIMARY KEY, pid INTEGER REFERENCES p (id));
     CREATE TABLE z (a);",
);

/// With a row that has its parent, and one that has none.
async fn family(world: &World) {
    world.apply(&[FAMILY]).await.unwrap();
    already(
        world,
        &[
            "INSERT INTO p VALUES (1, 'one')",
            "INSERT INTO c VALUES (1, 1), (2, 99)",
        ],
    )
    .await;
}

async fn begin_again(world: &World) {
    already(
        world,
        &[
            "DROP TABLE IF EXISTS p",
            "DROP TABLE IF EXISTS c",
            "DROP TABLE IF EXISTS z",
            "DROP TABLE IF EXISTS q",
            "DROP TABLE IF EXISTS kept",
            "DELETE FROM _migrations WHERE kind = 'migration'",
        ],
    )
    .await;
}

const COPY: &str =
    "CREATE TABLE q (id INTEGER PRIMARY KEY, n, m); INSERT INTO q (id, n) SELECT * FROM p;";

pub(crate) async fn a_rebuild_over_several_files_is_no_fault(world: World) {
    for texts in [
        vec!["DROP TABLE p;", "DROP TABLE c;"],
        vec!["DROP TABLE p;", "CREATE TABLE more (x);", "DROP TABLE c; DROP TABLE more;"],
        vec![COPY, "DROP TABLE p;", "ALTER TABLE q RENAME TO p;"],
        vec![COPY, "DROP TABLE p;", "DROP TABLE z;", "ALTER TABLE q RENAME TO p;"],
        vec![
            "CREATE TABLE kept AS SELECT * FROM p; DROP TABLE p;",
            "CREATE TABLE p (id INTEGER PRIMARY KEY, n); INSERT INTO p SELECT * FROM kept;",
            "DROP TABLE kept;",
        ],
        vec![
            COPY,
            "DROP TABLE p;",
            "ALTER TABLE c RENAME TO d; ALTER TABLE d RENAME COLUMN pid TO of; ALTER TABLE q RENAME TO p;",
            "ALTER TABLE d RENAME TO c;",
        ],
        vec![
            "CREATE TABLE q (id INTEGER, n); INSERT INTO q SELECT * FROM p; DROP TABLE p; ALTER TABLE q RENAME TO p;",
            "CREATE UNIQUE INDEX p_id ON p (id);",
        ],
        vec![
            COPY,
            "DROP TABLE p;",
            "CREATE TABLE n (k TEXT PRIMARY KEY, pid INTEGER REFERENCES p (id)); INSERT INTO n SELECT 'c' || id, pid FROM c;
             DROP TABLE c; ALTER TABLE n RENAME TO c;",
            "ALTER TABLE q RENAME TO p;",
        ],
    ] {
        for options in [PlanOptions::default(), each()] {
            family(&world).await;
            let names: Vec<String> = (0..texts.len())
                .map(|number| format!("V{}__next.sql", number + 2))
                .collect();
            let files = names.iter().zip(&texts);
            let files = files.map(|(name, text)| (name.as_str(), *text));
            let files: Vec<_> = std::iter::once(FAMILY).chain(files).collect();
            let outcome = world.apply_with(&files, options).await;
            assert!(outcome.is_ok(), "{texts:?}: {outcome:?}");
            begin_again(&world).await;
        }
    }
}

pub(crate) async fn a_parent_that_comes_back_without_its_rows_is_refused(world: World) {
    family(&world).await;
    already(
        &world,
        &[
            "CREATE TABLE w (k TEXT PRIMARY KEY, pid INTEGER REFERENCES p (id)) WITHOUT ROWID",
            "INSERT INTO w VALUES ('a', 98)",
        ],
    )
    .await;
    for texts in [
        // Nothing is lost: the copy lacks a row.
        [
            "CREATE TABLE q (id INTEGER PRIMARY KEY); INSERT INTO q VALUES (7);",
            "DROP TABLE p;",
            "ALTER TABLE q RENAME TO p;",
        ],
        // The new table gets no rows.
        [
            "CREATE TABLE q (x);",
            "DROP TABLE p;",
            "CREATE TABLE p (id INTEGER PRIMARY KEY);",
        ],
        [
            "CREATE TABLE q (x);",
            "DROP TABLE p;",
            "CREATE TABLE other (x);",
        ],
        // Nor does the table that gets its key later.
        [
            "CREATE TABLE q (id INTEGER, n); INSERT INTO q VALUES (7, 7);",
            "DROP TABLE p; ALTER TABLE q RENAME TO p;",
            "CREATE UNIQUE INDEX p_id ON p (id);",
        ],
    ] {
        let files = [
            FAMILY,
            ("V2__copy.sql", texts[0]),
            ("V3__drop.sql", texts[1]),
            ("V4__back.sql", texts[2]),
        ];
        let (part, text) = refused(world.apply(&files).await);
        assert_eq!(part, Part::ForeignKeysAfter, "{texts:?}");
        contains(&text, &["V3 leaves ", "V3__drop.sql", "c, row 1: pid"]);
        assert!(!text.contains("row 2"), "{text}");
        assert_eq!(world.ask("SELECT id FROM p").await, "1");
        already(
            &world,
            &["DROP TABLE q", "DELETE FROM _migrations WHERE version = 2"],
        )
        .await;
    }
}

pub(crate) async fn rows_that_a_later_file_does_not_bring_back_are_told(world: World) {
    family(&world).await;
    let files = [
        FAMILY,
        ("V2__drop.sql", "DROP TABLE p;"),
        (
            "V3__back.sql",
            "CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (7);",
        ),
    ];
    let (part, text) = refused(world.apply(&files).await);
    assert_eq!(part, Part::ForeignKeysAfter);
    contains(
        &text,
        &[
            "V3 leaves rows whose parent is gone",
            "c, row 1: pid has no parent in p",
            "since V2, which is committed, c (pid) refers to p, which does not exist",
        ],
    );
    assert!(!text.contains("row 2"), "{text}");
    assert_eq!(world.recorded().await, "V1 V2");
}

pub(crate) async fn what_a_run_left_to_files_that_it_did_not_apply_is_judged_in_the_next_run(
    world: World,
) {
    family(&world).await;
    already(&world, &["CREATE VIEW v AS SELECT n FROM p"]).await;
    let drop = ("V2__drop.sql", "DROP TABLE p;");
    let back = |text| [FAMILY, drop, ("V3__back.sql", text)];
    let remembered = "SELECT json_extract(down, '$.left_broken') IS NOT NULL FROM _migrations WHERE version = 'revision'";
    for (text, words) in [
        (
            "CREATE TABLE p (id INTEGER PRIMARY KEY, n); INSERT INTO p VALUES (7, 7);",
            "c, row 1: pid has no parent in p",
        ),
        (
            "CREATE TABLE p (id INTEGER PRIMARY KEY, m); INSERT INTO p VALUES (1, 1);",
            "view v does not compile since V2, which is committed",
        ),
        (
            "CREATE TABLE more (x);",
            "c (pid) refers to p, which does not exist",
        ),
    ] {
        for options in [PlanOptions::default(), each(), PlanOptions::default()] {
            let (_, text) = refused(world.apply_with(&back(text), options).await);
            contains(&text, &[words]);
            assert!(!text.contains("row 2"), "{text}");
            assert_eq!(world.recorded().await, "V1 V2");
            assert_eq!(world.ask(remembered).await, "1");
        }
    }
    let right = "CREATE TABLE p (id INTEGER PRIMARY KEY, n); INSERT INTO p VALUES (1, 1);";
    let more = ("V4__more.sql", "DROP TABLE z;");
    world.apply(&back(right)).await.unwrap();
    assert_eq!(world.ask(remembered).await, "0");
    let [family, drop, back] = back(right);
    world.apply(&[family, drop, back, more]).await.unwrap();
}
