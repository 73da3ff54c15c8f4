//! Rows that had no parent before a migration are no obstacle to it, wherever it moves them; new ones are found among
//! them. Each specification gets a new and empty database.

use seedbed::history::Part;

use super::specification::{already, contains, refused};
use crate::world::World;

const SHOP: (&str, &str) = (
    "V1__shop.sql",
    "CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT UNIQUE); INSERT INTO p VALUES (1, 'one'), (2, 'two');
     CREATE TABLE c (id INTEGER PRIMARY KEY, pid INTEGER REFERENCES p (id), note TEXT);
     CREATE TABLE archive (id INTEGER PRIMARY KEY, parent INTEGER REFERENCES p (id));
     CREATE TABLE gone (x);",
);

/// A database with rows whose parents are missing: 99 twice, 98 once.
async fn shop(world: &World) {
    world.apply(&[SHOP]).await.unwrap();
    already(
        world,
        &["INSERT INTO c VALUES (1, 1, ''), (2, 99, ''), (3, 98, ''), (4, 99, ''), (5, NULL, '')"],
    )
    .await;
}

async fn applies(world: &World, all: &[&str]) {
    shop(world).await;
    let mut files = vec![SHOP];
    let names: Vec<String> = (2..2 + all.len())
        .map(|it| format!("V{it}__next.sql"))
        .collect();
    for (name, text) in names.iter().zip(all) {
        files.push((name, text));
        world.apply(&files).await.unwrap();
    }
}

pub(crate) async fn orphans_of_a_renumbered_table_are_no_obstacle(world: World) {
    applies(
        &world,
        &[
            "UPDATE c SET id = id + 1000; DROP TABLE gone;",
            "CREATE TABLE n (id INTEGER PRIMARY KEY, pid INTEGER REFERENCES p (id), note TEXT);
             INSERT INTO n (pid, note) SELECT pid, note FROM c ORDER BY id DESC; DROP TABLE c; ALTER TABLE n RENAME TO c;",
            "ALTER TABLE c RENAME TO c_old; CREATE TABLE c (id INTEGER PRIMARY KEY, pid INTEGER REFERENCES p (id), note TEXT);
             INSERT INTO c SELECT id * 7, pid, note FROM c_old; DROP TABLE c_old;",
        ],
    )
    .await;
    assert_eq!(
        world.ask("SELECT count(*) FROM c WHERE pid = 99").await,
        "2"
    );
}

pub(crate) async fn orphans_that_move_to_another_table_are_no_obstacle(world: World) {
    applies(
        &world,
        &[
            // To a new table, whose foreign key names no column of its parent.
            "CREATE TABLE item (k TEXT PRIMARY KEY, of INT REFERENCES p, note) WITHOUT ROWID;
             INSERT INTO item SELECT 'k' || id, pid, note FROM c; DROP TABLE c;",
            // To two tables: one that is there, and a new one.
            "INSERT INTO archive (parent) SELECT of FROM item WHERE of = 99;
             CREATE TABLE \"rest of\" (id INTEGER PRIMARY KEY, \"p id\" INTEGER, FOREIGN KEY (\"p id\") REFERENCES p (id));
             INSERT INTO \"rest of\" (\"p id\") SELECT of FROM item WHERE of <> 99; DROP TABLE item;",
            // Only some of them, and back to a table of the old name.
            "CREATE TABLE c (id INTEGER PRIMARY KEY, pid INTEGER CONSTRAINT f REFERENCES p (id) ON DELETE CASCADE);
             INSERT INTO c SELECT * FROM archive WHERE id = 1; DELETE FROM archive WHERE id = 1;
             CREATE TABLE other (x); DROP TABLE other;",
        ],
    )
    .await;
    assert_eq!(world.ask("SELECT pid FROM c").await, "99");
    assert_eq!(world.ask("SELECT parent FROM archive").await, "99");
}

pub(crate) async fn orphans_whose_parent_is_replaced_are_no_obstacle(world: World) {
    applies(
        &world,
        &[
            // Parent and child get new tables under new names.
            "CREATE TABLE person (uid INTEGER PRIMARY KEY, code TEXT); INSERT INTO person SELECT id, code FROM p;
             CREATE TABLE item (id INTEGER PRIMARY KEY, person INTEGER REFERENCES person (uid));
             INSERT INTO item SELECT id + 50, pid FROM c; DROP TABLE c; DROP TABLE archive; DROP TABLE p;",
            // The same column refers to another table.
            "CREATE TABLE people (id INTEGER PRIMARY KEY); INSERT INTO people SELECT uid FROM person;
             CREATE TABLE n (id INTEGER PRIMARY KEY, person INTEGER REFERENCES people);
             INSERT INTO n SELECT * FROM item; DROP TABLE item; ALTER TABLE n RENAME TO item;",
        ],
    )
    .await;
    assert_eq!(world.ask("SELECT count(*) FROM item").await, "5");
}

pub(crate) async fn orphans_are_followed_through_the_files_of_a_run(world: World) {
    shop(&world).await;
    let files = [
        SHOP,
        (
            "V2__names.sql",
            "ALTER TABLE c RENAME COLUMN pid TO person; ALTER TABLE c RENAME TO child;",
        ),
        (
            "V3__number.sql",
            "UPDATE child SET id = id + 100; DROP TABLE gone; CREATE TABLE gone (x);",
        ),
        (
            "V4__move.sql",
            "CREATE TABLE leaf (id INTEGER PRIMARY KEY, person INTEGER REFERENCES p);
             INSERT INTO leaf (person) SELECT person FROM child; DROP TABLE child;",
        ),
        ("V5__parent.sql", "ALTER TABLE p RENAME TO people;"),
        (
            "V6__number.sql",
            "UPDATE leaf SET id = id + 100; DROP TABLE gone;",
        ),
    ];
    world.apply(&files).await.unwrap();
    assert_eq!(world.ask("SELECT count(*) FROM leaf").await, "5");
}

pub(crate) async fn a_new_orphan_among_those_that_move_is_refused(world: World) {
    shop(&world).await;
    for (text, words, not) in [
        (
            "CREATE TABLE n (id INTEGER PRIMARY KEY, of INTEGER REFERENCES p); INSERT INTO n SELECT id + 10, pid FROM c;
             DROP TABLE c; DELETE FROM p WHERE id = 1;",
            "n, row 11: of = 1 has no parent in p",
            "99",
        ),
        (
            "UPDATE c SET id = id + 10; UPDATE c SET pid = 97 WHERE id = 13; DROP TABLE gone;",
            "c, row 13: pid = 97 has no parent in p",
            "99",
        ),
        (
            "INSERT INTO archive SELECT id, pid FROM c WHERE pid = 99; DELETE FROM c WHERE id = 2; DROP TABLE gone;",
            "archive, row",
            "98",
        ),
        (
            "CREATE TABLE n (pid INTEGER REFERENCES p); INSERT INTO n SELECT pid FROM c; INSERT INTO n VALUES (98); DROP TABLE c;",
            "n: pid = 98 of one row has no parent in p",
            "99",
        ),
    ] {
        let (part, report) = refused(world.apply(&[SHOP, ("V2__new.sql", text)]).await);
        assert_eq!(part, Part::ForeignKeysAfter, "{text}");
        contains(&report, &[words]);
        assert!(!report.contains(not) && !report.contains("more"), "{report}");
    }
    assert_eq!(world.recorded().await, "V1");
}

pub(crate) async fn an_old_orphan_of_another_key_makes_no_room_for_a_new_one(world: World) {
    let codes = (
        "V1__codes.sql",
        "CREATE TABLE p (id INTEGER PRIMARY KEY, code INTEGER UNIQUE); INSERT INTO p VALUES (1, 5), (2, 6);
         CREATE TABLE q (id INTEGER PRIMARY KEY); INSERT INTO q VALUES (5);
         CREATE TABLE by_id (id INTEGER PRIMARY KEY, pid INTEGER REFERENCES p (id));
         CREATE TABLE by_code (id INTEGER PRIMARY KEY, code INTEGER REFERENCES p (code));
         CREATE TABLE of_q (id INTEGER PRIMARY KEY, qid INTEGER REFERENCES q (id)); INSERT INTO of_q VALUES (7, 5);
         INSERT INTO by_code VALUES (3, 5); CREATE TABLE gone (x);",
    );
    world.apply(&[codes]).await.unwrap();
    already(&world, &["INSERT INTO by_id VALUES (1, 5)"]).await;
    for (text, words) in [
        (
            "DELETE FROM by_id; UPDATE p SET code = 7 WHERE id = 1; UPDATE by_code SET id = 4;",
            "by_code, row 4: code = 5",
        ),
        ("DELETE FROM by_id; DELETE FROM q;", "of_q, row 7: qid = 5"),
    ] {
        let text = format!("{text} DROP TABLE gone;");
        let (part, report) = refused(world.apply(&[codes, ("V2__new.sql", &text)]).await);
        assert_eq!(part, Part::ForeignKeysAfter, "{text}");
        contains(&report, &[words]);
    }
}
