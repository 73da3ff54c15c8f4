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

const PAIRS: &str = "
CREATE TABLE words (id TEXT PRIMARY KEY, l TEXT NOT NULL DEFAULT 'x', pos INTEGER NOT NULL, UNIQUE (l, pos));
CREATE TABLE numbers (id TEXT PRIMARY KEY, l INTEGER NOT NULL, pos INTEGER NOT NULL CHECK (pos IN (1, 2)), UNIQUE (l, pos));
CREATE TABLE nulls (id TEXT PRIMARY KEY, l TEXT, pos INTEGER NOT NULL CHECK (pos IN (1, 2)), UNIQUE (l, pos));
CREATE TABLE shifts (
  id TEXT PRIMARY KEY, day TEXT NOT NULL, slot TEXT NOT NULL CHECK (slot IN ('early', 'late')), who TEXT, UNIQUE (day, slot)
);
CREATE TABLE lists (id TEXT PRIMARY KEY);
CREATE TABLE cards (id TEXT PRIMARY KEY, list_id TEXT REFERENCES lists (id), pos INTEGER, UNIQUE (list_id, pos));
";

pub(crate) async fn an_exchange_leaves_the_other_columns_of_a_unique_index_as_they_are(
    world: World,
) {
    let bed = Bed::new(world, PAIRS).await;
    let file = |a: u32, b: u32, c: u32, early: &str, late: &str| {
        format!(
            "words:\n  _id: ${{label}}\n  _keep: [l]\n  a: {{l: x, pos: {a}}}\n  b: {{l: x, pos: {b}}}\n  c: {{pos: {c}}}\n\
             numbers:\n  _id: ${{label}}\n  a: {{l: 5, pos: {a}}}\n  b: {{l: 5, pos: {b}}}\n\
             nulls:\n  _id: ${{label}}\n  a: {{l: x, pos: {a}}}\n  b: {{l: x, pos: {b}}}\n\
             shifts:\n  _id: ${{label}}\n  a: {{day: mon, slot: {early}, who: A}}\n  b: {{day: mon, slot: {late}, who: B}}\n\
             lists: {{one: {{id: one}}}}\n\
             cards:\n  _id: ${{label}}\n  a: {{list: one, pos: {a}}}\n  b: {{list: one, pos: {b}}}\n  c: {{list: one, pos: {c}}}\n"
        )
    };
    bed.settles(&file(1, 2, 3, "early", "late")).await;
    let told = bed.settles(&file(2, 1, 3, "late", "early")).await;
    for (table, columns) in [
        ("words", "l"),
        ("numbers", "l"),
        ("nulls", "l"),
        ("cards", "list_id"),
    ] {
        let shown = bed
            .ask(&format!(
                "SELECT id, {columns}, pos FROM {table} WHERE id < 'c' ORDER BY id"
            ))
            .await;
        let one = match table {
            "numbers" => "5",
            "cards" => "one",
            _ => "x",
        };
        assert_eq!(shown, format!("a|{one}|2 b|{one}|1"), "{table}\n{told}");
    }
    assert_eq!(
        bed.ask("SELECT id, day, slot, who FROM shifts ORDER BY id")
            .await,
        "a|mon|late|A b|mon|early|B"
    );
}

pub(crate) async fn rotated_rows_keep_what_no_file_declares(world: World) {
    let bed = Bed::new(world, PAIRS).await;
    let file = |a: u32, b: u32, c: u32| {
        format!(
            "words:\n  _id: ${{label}}\n  a: {{pos: {a}}}\n  b: {{pos: {b}}}\n  c: {{pos: {c}}}\n"
        )
    };
    bed.settles(&file(1, 2, 3)).await;
    bed.by_hand("UPDATE words SET l = 'by hand'").await;
    bed.settles(&file(2, 3, 1)).await;
    assert_eq!(
        bed.ask("SELECT id, l, pos FROM words ORDER BY id").await,
        "a|by hand|2 b|by hand|3 c|by hand|1"
    );
}

pub(crate) async fn rows_exchange_beside_a_column_that_was_changed_by_hand(world: World) {
    let bed = Bed::new(world, PAIRS).await;
    let file = |a: u32, b: u32| {
        format!("words:\n  _id: ${{label}}\n  a: {{l: x, pos: {a}}}\n  b: {{l: x, pos: {b}}}\n")
    };
    bed.settles(&file(1, 2)).await;
    bed.by_hand("UPDATE words SET l = 'by hand'").await;
    bed.one(&file(2, 1)).await;
    assert_eq!(
        bed.ask("SELECT id, l, pos FROM words ORDER BY id").await,
        "a|by hand|2 b|by hand|1"
    );
}

const SOME_ROWS: &str = "
CREATE TABLE langs (id TEXT PRIMARY KEY, grp TEXT, dflt INTEGER);
CREATE UNIQUE INDEX one_default ON langs (grp) WHERE dflt = 1;
CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT, deleted_at TEXT);
CREATE UNIQUE INDEX living ON users (email) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX folded ON users (lower(email)) WHERE deleted_at IS NULL;
";

pub(crate) async fn a_row_leaves_an_index_of_some_rows_before_another_comes_into_it(world: World) {
    let bed = Bed::new(world, SOME_ROWS).await;
    let file = |rows: &[(&str, &str, u32)]| {
        let rows = rows
            .iter()
            .map(|(label, grp, dflt)| format!("  {label}: {{grp: {grp}, dflt: {dflt}}}\n"));
        format!("langs:\n  _id: ${{label}}\n{}", rows.collect::<String>())
    };
    for rows in [
        &[("de", "eu", 0), ("en", "eu", 1)][..],
        &[("de", "eu", 1), ("en", "eu", 0)],
        &[("de", "eu", 0), ("en", "eu", 1)],
        // A new row is in it, before and behind the one that leaves.
        &[("de", "eu", 0), ("en", "eu", 0), ("fr", "eu", 1)],
        &[
            ("de", "eu", 0),
            ("en", "eu", 0),
            ("fr", "eu", 0),
            ("aa", "eu", 1),
        ],
        // Two rows of the index change places.
        &[
            ("de", "eu", 1),
            ("en", "us", 1),
            ("fr", "eu", 0),
            ("aa", "eu", 0),
        ],
        &[
            ("de", "us", 1),
            ("en", "eu", 1),
            ("fr", "eu", 0),
            ("aa", "eu", 0),
        ],
    ] {
        bed.settles(&file(rows)).await;
        let mut expect: Vec<String> = rows
            .iter()
            .map(|(label, grp, dflt)| format!("{label}|{grp}|{dflt}"))
            .collect();
        expect.sort();
        assert_eq!(
            bed.ask("SELECT id, grp, dflt FROM langs ORDER BY id").await,
            expect.join(" ")
        );
    }
    let head = "users:\n  _id: ${label}\n";
    bed.settles(&format!("{head}  a: {{email: x, deleted_at: ~}}\n"))
        .await;
    bed.settles(&format!(
        "{head}  a: {{email: x, deleted_at: 2024-01-01}}\n  b: {{email: x, deleted_at: ~}}\n"
    ))
    .await;
    assert_eq!(
        bed.ask("SELECT id, coalesce(deleted_at, '-') FROM users ORDER BY id")
            .await,
        "a|2024-01-01 b|-"
    );
}

const NO_OTHER_VALUE: &str = "
CREATE TABLE q (id INTEGER PRIMARY KEY);
CREATE TABLE p (id TEXT PRIMARY KEY, q_id INTEGER NOT NULL UNIQUE REFERENCES q (id));
CREATE TABLE st (id TEXT PRIMARY KEY, st TEXT NOT NULL UNIQUE CHECK (st IN ('a', 'b')));
CREATE TABLE tr (id TEXT PRIMARY KEY, n INTEGER UNIQUE);
CREATE TRIGGER checked BEFORE UPDATE ON tr WHEN new.n IS NULL OR new.n NOT BETWEEN 1 AND 9
BEGIN SELECT RAISE(ABORT, 'n must be 1..9'); END;
";

pub(crate) async fn an_exchange_without_a_value_for_a_while_says_so(world: World) {
    let bed = Bed::new(world, NO_OTHER_VALUE).await;
    for (before, after, expect) in [
        (
            "q: {a: {id: 1}, b: {id: 2}}\np:\n  _id: ${label}\n  a: {q: a}\n  b: {q: b}\n",
            "q: {a: {id: 1}, b: {id: 2}}\np:\n  _id: ${label}\n  a: {q: b}\n  b: {q: a}\n",
            "a:4:10 exchange: `p.a` and another row exchange their `q_id`, and no row can have another value there for a while",
        ),
        (
            "st:\n  _id: ${label}\n  a: {st: a}\n  b: {st: b}\n",
            "st:\n  _id: ${label}\n  a: {st: b}\n  b: {st: a}\n",
            "failed at 3:3 CHECK constraint failed: st IN ('a', 'b')",
        ),
        (
            "tr:\n  _id: ${label}\n  a: {n: 1}\n  b: {n: 2}\n",
            "tr:\n  _id: ${label}\n  a: {n: 2}\n  b: {n: 1}\n",
            "failed at 3:3 n must be 1..9",
        ),
    ] {
        bed.settles(before).await;
        assert_eq!(bed.one(after).await, expect);
        bed.settles(before).await;
    }
}
