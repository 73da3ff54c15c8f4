//! What counts is the state after a run: unique values change hands, and every row that is refused is reported. Each
//! specification gets a new and empty database.

use super::Bed;
use crate::world::World;

const LIST: &str = "
CREATE TABLE items (
  id TEXT PRIMARY KEY, list TEXT NOT NULL DEFAULT 'a', pos INTEGER NOT NULL CHECK (pos BETWEEN 1 AND 9), code TEXT UNIQUE,
  UNIQUE (list, pos)
);
CREATE TABLE strict (id TEXT PRIMARY KEY, pos INTEGER NOT NULL UNIQUE, name TEXT NOT NULL UNIQUE) STRICT;
";

fn items(rows: &[(&str, u32)]) -> String {
    let rows: Vec<String> = rows
        .iter()
        .map(|(label, pos)| format!("  {label}: {{pos: {pos}}}\n"))
        .collect();
    format!("items:\n  _id: ${{label}}\n{}", rows.concat())
}

const POSITIONS: &str =
    "SELECT group_concat(id || pos, ' ') FROM (SELECT * FROM items ORDER BY pos)";

pub(crate) async fn positions_swap_rotate_and_shift_in_one_run(world: World) {
    let bed = Bed::new(world, LIST).await;
    bed.settles(&items(&[("a", 1), ("b", 2), ("c", 3)])).await;
    for (rows, expect) in [
        // Two change places.
        (vec![("a", 2), ("b", 1), ("c", 3)], "b1 a2 c3"),
        // All go round.
        (vec![("a", 3), ("b", 2), ("c", 1)], "c1 b2 a3"),
        (vec![("a", 1), ("b", 3), ("c", 2)], "a1 c2 b3"),
        // One is inserted at the top, and the others move down.
        (vec![("n", 1), ("a", 2), ("c", 3), ("b", 4)], "n1 a2 c3 b4"),
        // They move up, and two swap.
        (vec![("n", 9), ("c", 1), ("a", 2), ("b", 3)], "c1 a2 b3 n9"),
        // At both ends of what the CHECK takes.
        (vec![("n", 1), ("c", 9), ("a", 3), ("b", 2)], "n1 b2 a3 c9"),
        // A new row takes the place of one that leaves.
        (
            vec![("n", 1), ("c", 5), ("a", 3), ("b", 2), ("z", 9)],
            "n1 b2 a3 c5 z9",
        ),
    ] {
        let told = bed.settles(&items(&rows)).await;
        assert_eq!(bed.ask(POSITIONS).await, expect, "{told}");
    }
}

pub(crate) async fn texts_and_strict_columns_change_hands_too(world: World) {
    let bed = Bed::new(world, LIST).await;
    let file = |one: &str, two: &str, three: &str| {
        format!(
            "strict:\n  _id: ${{label}}\n  a: {{pos: {}, name: {one}}}\n  b: {{pos: {}, name: {two}}}\n  \
             c: {{pos: {}, name: {three}}}\n",
            one.len(),
            two.len(),
            three.len()
        )
    };
    bed.settles(&file("x", "yy", "zzz")).await;
    bed.settles(&file("yy", "zzz", "x")).await;
    bed.settles(&file("zzz", "yy", "x")).await;
    assert_eq!(
        bed.ask("SELECT id, pos, name FROM strict ORDER BY id")
            .await,
        "a|3|zzz b|2|yy c|1|x"
    );
}

pub(crate) async fn a_value_that_its_row_keeps_is_still_taken(world: World) {
    let bed = Bed::new(world, LIST).await;
    bed.settles("items:\n  _id: ${label}\n  _keep: [code]\n  a: {pos: 1, code: x}\n  b: {pos: 2, code: y}\n")
        .await;
    assert_eq!(
        bed.one("items:\n  _id: ${label}\n  _keep: [code]\n  a: {pos: 1, code: z}\n  b: {pos: 2}\n  c: {pos: 3, code: x}\n")
            .await,
        "a:6:21 taken: `items.a` has this `code` in the database"
    );
    bed.by_hand("INSERT INTO items (id, pos, code) VALUES ('other', 7, 'o')")
        .await;
    assert_eq!(
        bed.one("items:\n  _id: ${label}\n  c: {pos: 7, code: o}\n")
            .await,
        "a:3:12 taken: another row of `items` in the database has this `list`, `pos` already\n\
         a:3:21 taken: another row of `items` in the database has this `code` already"
    );
}

const REFUSING: &str = "
CREATE TABLE items (id INTEGER PRIMARY KEY, n INTEGER CHECK (n < 10), name TEXT);
CREATE TABLE parts (id INTEGER PRIMARY KEY, item_id INTEGER NOT NULL REFERENCES items (id));
CREATE TRIGGER no_x BEFORE INSERT ON items WHEN new.name = 'x' BEGIN SELECT RAISE(ABORT, 'no x here'); END;
";

pub(crate) async fn every_refused_row_is_reported_at_its_place(world: World) {
    let bed = Bed::new(world, REFUSING).await;
    let file = "items:\n  a: {id: 1, n: 1}\n  b: {id: 2, n: 11}\n  c: {id: 3, name: x}\n  d: {id: 4, n: 12}\nparts:\n  \
                p: {item: b}\n";
    assert_eq!(
        bed.one(file).await,
        "failed at 3:3 CHECK constraint failed: n < 10\n4:3 no x here\n5:3 CHECK constraint failed: n < 10"
    );
    assert_eq!(bed.ask("SELECT count(*) FROM items").await, "0");
    bed.settles("items:\n  a: {id: 1, n: 1}\n").await;
}

pub(crate) async fn one_refused_row_among_many_is_reported_at_its_own_place(world: World) {
    let bed = Bed::new(world, REFUSING).await;
    let rows: Vec<String> = (1..=500)
        .map(|id| {
            format!(
                "  r{id}: {{id: {id}, n: {}}}\n",
                if id == 321 { 11 } else { 1 }
            )
        })
        .collect();
    let file = format!("items:\n{}", rows.concat());
    assert_eq!(
        bed.one(&file).await,
        "failed at 322:3 CHECK constraint failed: n < 10"
    );
    assert_eq!(bed.ask("SELECT count(*) FROM items").await, "0");
}
