//! Rows that had no parent before a migration are no obstacle to it, wherever it moves them; new ones are found among
//! them. Each specification gets a new and empty database.

use seedbed::history::Part;
use seedbed::migrations::Back;

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

pub(crate) async fn orphans_whose_parent_never_was_are_no_obstacle(world: World) {
    let first = (
        "V1__c.sql",
        "CREATE TABLE c (id INTEGER PRIMARY KEY, p INT REFERENCES gone (id), s TEXT); CREATE TABLE z (a);",
    );
    world.apply(&[first]).await.unwrap();
    already(&world, &["INSERT INTO c VALUES (1, 1, 'a'), (2, 2, 'b')"]).await;
    let mut files = vec![first];
    for (name, text) in [
        (
            "V2__key.sql",
            "CREATE TABLE n (k TEXT PRIMARY KEY, p INT REFERENCES gone (id), s TEXT); INSERT INTO n SELECT * FROM c ORDER BY 1 DESC;
             DROP TABLE c; ALTER TABLE n RENAME TO child;",
        ),
        (
            "V3__name.sql",
            "CREATE TABLE other (id INTEGER PRIMARY KEY, p INT REFERENCES gone, s TEXT);
             INSERT INTO other SELECT * FROM child; DROP TABLE child;",
        ),
        ("V4__z.sql", "ALTER TABLE other RENAME TO c; DROP TABLE z;"),
    ] {
        files.push((name, text));
        world.apply(&files).await.unwrap();
    }
    // New rows are reported as what they are: the parent was missing before.
    let text =
        "-- seedbed: foreign-keys=off\nUPDATE c SET s = 'z'; INSERT INTO c VALUES (9, 8, 'new');";
    let mut more = files.clone();
    more.push(("V5__rows.sql", text));
    let (part, text) = refused(world.apply(&more).await);
    assert_eq!(part, Part::ForeignKeysAfter);
    contains(
        &text,
        &[
            "V5 leaves rows whose parent is gone",
            "c, row 9: p = 8 has no parent in gone",
        ],
    );
    assert!(!text.contains("row 1") && !text.contains("row 2"), "{text}");
    files.push((
        "V5__parent.sql",
        "CREATE TABLE g (id INTEGER PRIMARY KEY); INSERT INTO g VALUES (1);
         CREATE TABLE n (id INTEGER PRIMARY KEY, p INT REFERENCES g (id), s TEXT); INSERT INTO n SELECT id + 5, p, s FROM c;
         DROP TABLE c; ALTER TABLE n RENAME TO c;",
    ));
    world.apply(&files).await.unwrap();
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

/// Old rows without their parent in tables of every kind: each has 99 once, and the value 1 of a parent.
const KINDS: (&str, &str) = (
    "V1__kinds.sql",
    "CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1), (2); CREATE TABLE gone (x);
     CREATE TABLE c (id INTEGER PRIMARY KEY, pid INTEGER REFERENCES p);
     CREATE TABLE plain (pid INTEGER REFERENCES p (id), note);
     CREATE TABLE worded (k TEXT PRIMARY KEY, pid INTEGER REFERENCES p (id));
     CREATE TABLE w (k TEXT PRIMARY KEY, pid INTEGER REFERENCES p (id)) WITHOUT ROWID;
     CREATE TABLE pair (a INTEGER, b INTEGER, pid INTEGER REFERENCES p, PRIMARY KEY (a, b)) WITHOUT ROWID;
     CREATE TABLE tree (id INTEGER PRIMARY KEY, up INTEGER REFERENCES tree (id)); INSERT INTO tree VALUES (1, NULL), (2, 1);",
);

async fn kinds(world: &World) {
    world.apply(&[KINDS]).await.unwrap();
    already(
        world,
        &[
            "INSERT INTO c VALUES (1, 1), (2, 99)",
            "INSERT INTO plain (rowid, pid) VALUES (1, 1), (2, 99)",
            "INSERT INTO worded VALUES ('a', 1), ('b', 99)",
            "INSERT INTO w VALUES ('a', 1), ('b', 99)",
            "INSERT INTO pair VALUES (1, 1, 1), (1, 2, 99)",
            "INSERT INTO tree VALUES (3, 99)",
        ],
    )
    .await;
}

pub(crate) async fn a_row_that_had_a_parent_is_new_whatever_old_orphan_goes(world: World) {
    kinds(&world).await;
    for (text, words) in [
        (
            "DELETE FROM c WHERE id = 2; UPDATE c SET pid = 99 WHERE id = 1;",
            "c, row 1: pid = 99 ",
        ),
        (
            "UPDATE c SET pid = 3 - id + 97 * (id = 1);",
            "c, row 1: pid = 99 ",
        ),
        (
            "DELETE FROM c WHERE id = 2; INSERT INTO c VALUES (7, 99);",
            "c, row 7: pid = 99 ",
        ),
        (
            "DELETE FROM plain WHERE pid = 99; UPDATE plain SET pid = 99;",
            "plain, row 1: pid = 99 ",
        ),
        (
            "DELETE FROM worded WHERE k = 'b'; UPDATE worded SET pid = 99;",
            "worded, row 1: pid = 99 ",
        ),
        (
            "DELETE FROM w WHERE k = 'b'; UPDATE w SET pid = 99;",
            "w: pid = 99 of one row ",
        ),
        (
            "UPDATE w SET pid = CASE k WHEN 'a' THEN 99 ELSE 1 END; INSERT INTO w VALUES ('c', 2);",
            "w: pid = 99 of one row ",
        ),
        (
            "UPDATE pair SET pid = CASE b WHEN 1 THEN 99 ELSE 1 END;",
            "pair: pid = 99 of one row ",
        ),
        (
            "DELETE FROM tree WHERE id = 3; UPDATE tree SET up = 99 WHERE id = 2;",
            "tree, row 2: up = 99 ",
        ),
        // By another table's row that goes.
        (
            "DELETE FROM w WHERE k = 'b'; UPDATE c SET pid = 99;",
            "c, row 1: pid = 99 ",
        ),
    ] {
        let text = format!("DROP TABLE gone; {text}");
        let (part, report) = refused(world.apply(&[KINDS, ("V2__new.sql", &text)]).await);
        assert_eq!(part, Part::ForeignKeysAfter, "{text}");
        contains(&report, &[words]);
        assert_eq!(report.matches("has no parent").count(), 1, "{report}");
    }
    assert_eq!(world.recorded().await, "V1");
}

pub(crate) async fn an_old_orphan_with_another_value_is_no_obstacle(world: World) {
    kinds(&world).await;
    let all = |tables: &str, sign: &str| {
        let tables = tables.split(' ');
        let updates = tables.map(|it| format!("UPDATE {it} SET pid = pid {sign} 10;"));
        let updates: String = updates.collect();
        format!(
            "-- seedbed: foreign-keys=off\nUPDATE p SET id = id {sign} 10; {updates}
             UPDATE tree SET id = id {sign} 10, up = up {sign} 10;"
        )
    };
    let tables = "c plain worded w pair";
    let (up, down) = (all(tables, "*"), all(tables, "/"));
    let mut files = vec![
        KINDS,
        ("V2__ten.sql", up.as_str()),
        ("V2__ten.down.sql", down.as_str()),
    ];
    world.apply(&files).await.unwrap();
    assert_eq!(world.ask("SELECT pid FROM c").await, "10 990");
    world.undo(Back::Steps(1)).await.unwrap();
    assert_eq!(world.ask("SELECT up FROM tree").await, "NULL 1 99");
    world.apply(&files).await.unwrap();
    // To text keys, and the rows of `w` with other keys.
    files.push((
        "V3__text.sql",
        "CREATE TABLE n (id TEXT PRIMARY KEY); INSERT INTO n SELECT 'p-' || id FROM p; DROP TABLE p; ALTER TABLE n RENAME TO p;
         CREATE TABLE n (id INTEGER PRIMARY KEY, pid TEXT REFERENCES p (id)); INSERT INTO n SELECT id, 'p-' || pid FROM c;
         DROP TABLE c; ALTER TABLE n RENAME TO c;
         CREATE TABLE n (uuid TEXT PRIMARY KEY, pid TEXT REFERENCES p); INSERT INTO n SELECT hex(k), 'p-' || pid FROM w;
         DROP TABLE w; ALTER TABLE n RENAME TO w;
         CREATE TABLE n (pid TEXT REFERENCES p (id), note); INSERT INTO n SELECT 'p-' || pid, note FROM plain;
         DROP TABLE plain; ALTER TABLE n RENAME TO plain; DROP TABLE worded; DROP TABLE pair;",
    ));
    world.apply(&files).await.unwrap();
    assert_eq!(world.ask("SELECT pid FROM w").await, "p-10 p-990");
}

pub(crate) async fn a_new_orphan_among_old_ones_with_other_values_is_refused(world: World) {
    kinds(&world).await;
    for (text, words) in [
        (
            "UPDATE p SET id = id * 10; UPDATE c SET pid = pid * 10; UPDATE w SET pid = pid * 10 WHERE k = 'b';
             UPDATE plain SET pid = 10; UPDATE worded SET pid = 10; UPDATE pair SET pid = 10;",
            "w: pid = 1 of one row ",
        ),
        (
            "UPDATE tree SET id = id * 10, up = up * 10 WHERE id <> 1;",
            "tree: up of one row ",
        ),
    ] {
        let text = format!("DROP TABLE gone; {text}");
        let (_, report) = refused(world.apply(&[KINDS, ("V2__new.sql", &text)]).await);
        assert_eq!(report.matches("has no parent").count(), 1, "{report}");
        contains(&report, &[words]);
    }
}
