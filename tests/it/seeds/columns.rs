//! What a column makes of a value is what is written, compared, looked up and kept, in every mode. Each specification
//! gets a new and empty database.

use std::fmt::Write;

use seedbed::seeds::Refresh;

use super::Bed;
use crate::world::World;

pub(crate) async fn a_reference_is_kept_as_its_own_column_keeps_it(world: World) {
    let bed = Bed::new(
        world,
        "CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT);
         CREATE TABLE likes (post TEXT PRIMARY KEY, n INTEGER);
         CREATE TABLE marks (id INTEGER PRIMARY KEY, post REAL, word NUMERIC);",
    )
    .await;
    let file = "
_seed: {mode: sync}
posts:
  p: {title: T}
  q: {id: 7, title: '7.0'}
likes:
  l: {post: !ref posts.p, n: 1}
  m: {post: !ref posts.q, n: 1}
marks:
  a: {id: 1, post: !ref posts.q, word: !ref posts.q.title}
";
    bed.settles(file).await;
    let likes = "SELECT post, typeof(post) FROM likes WHERE post = '7'";
    assert_eq!(bed.ask(likes).await, "7|text");
    assert_eq!(
        bed.ask("SELECT typeof(post), word, typeof(word) FROM marks")
            .await,
        "real|7|integer"
    );
    // A ledger of before kept the value of the parent.
    bed.is_of_layout_1(&[("likes", "[\"post\"]", "[7]", "m")])
        .await;
    assert_eq!(bed.one(file).await, "");
    let fewer = file.replace("  m: {post: !ref posts.q, n: 1}\n", "");
    assert_eq!(bed.settles(&fewer).await, "a edited -likes.m");
    assert_eq!(bed.ask("SELECT count(*) FROM likes").await, "1");
    assert_eq!(
        bed.ask("SELECT count(*) FROM _seedbed_rows WHERE tbl = 'likes'")
            .await,
        "1"
    );
}

pub(crate) async fn a_foreign_key_compares_as_its_parent_does(world: World) {
    let bed = Bed::new(
        world,
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT UNIQUE COLLATE NOCASE, boss VARCHAR REFERENCES users (id));
         CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id VARCHAR REFERENCES users (id), by TEXT REFERENCES users (name));
         INSERT INTO users (id, name) VALUES (9, 'There');",
    )
    .await;
    let file = "
users:
  a: {id: 1, name: Ann, boss: 7}
  z: {id: 7, name: Zoe, boss: '1'}
posts:
  a: {id: 1, user_id: 7, by: ZOE}
  b: {id: 2, user_id: '007', by: there}
  c: {id: 3, user_id: 9}
";
    bed.settles(file).await;
    assert_eq!(
        bed.ask("SELECT quote(user_id), by FROM posts ORDER BY id")
            .await,
        "'7'|ZOE '007'|there '9'|NULL"
    );
    let wrong = file.replace("user_id: 9", "user_id: 8");
    assert_eq!(
        bed.one(&wrong).await,
        "a:8:23 no-parent: no row of `users` has this value, in the seeds or in the database"
    );
}

pub(crate) async fn a_reference_that_a_column_cannot_keep_is_an_error(world: World) {
    let bed = Bed::new(
        world,
        "CREATE TABLE tags (name TEXT PRIMARY KEY);
         CREATE TABLE uses (id INTEGER PRIMARY KEY, tag INTEGER REFERENCES tags (name));
         CREATE TABLE strict (id INTEGER PRIMARY KEY, tag INTEGER) STRICT;
         CREATE TABLE ids (id INTEGER PRIMARY KEY, n INT);",
    )
    .await;
    let told = bed
        .one(
            "tags:\n  a: {name: '007'}\n  b: {name: word}\nuses:\n  a: {id: 1, tag: !ref tags.a}\n  b: {id: 2, tag: !ref tags.b}\n\
             strict:\n  a: {id: 1, tag: !ref tags.b.name}\nids:\n  a: {id: !ref tags.b.name}\n",
        )
        .await;
    assert_eq!(
        told,
        "a:5:19 no-parent: column `tag` of type INTEGER does not keep `name` of `tags.a` as it is, so the foreign key would not find its parent\n\
         a:8:19 wrong-type: `name` of `tags.b` does not fit into column `tag` of type INTEGER\n\
         a:10:11 wrong-type: `name` of `tags.b` does not fit into column `id` of type INTEGER"
    );
    let told = bed.one("ids:\n  a: {id: \"text\"}\n  b: {id: 1.5}\n").await;
    assert_eq!(
        told,
        "a:2:11 wrong-type: `text` does not fit into column `id` of type INTEGER\n\
         a:3:11 wrong-type: `1.5` does not fit into column `id` of type INTEGER"
    );
    bed.settles("ids:\n  a: {id: \"42\"}\n  b: {id: 1e2}\n")
        .await;
    assert_eq!(bed.ask("SELECT id FROM ids ORDER BY id").await, "42 100");
}

pub(crate) async fn text_with_a_nul_is_read_to_its_end(world: World) {
    let bed = Bed::new(
        world,
        "CREATE TABLE t (k TEXT PRIMARY KEY, v TEXT UNIQUE, n INTEGER, b);",
    )
    .await;
    let file = "
_seed: {mode: sync}
t:
  one: {k: \"a\\0b\", v: \"x\\0y\", n: \"1\\0\", b: !!binary AAE=}
  two: {k: \"a\\0c\", v: \"x\\0z\", b: 1}
";
    bed.settles(file).await;
    let all = "SELECT hex(k), hex(v), hex(n), quote(b) FROM t ORDER BY k";
    assert_eq!(
        bed.ask(all).await,
        "610062|780079|3100|X'0001' 610063|78007A||1"
    );
    bed.by_hand("UPDATE t SET v = 'x' || char(0) || 'w' WHERE n IS NULL")
        .await;
    assert_eq!(bed.one(file).await, "a !t.two(v)");
}

pub(crate) async fn a_unique_index_decides_what_is_the_same(world: World) {
    let bed = Bed::new(
        world,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, v UNIQUE);
         CREATE UNIQUE INDEX by_name ON t (name COLLATE NOCASE);
         INSERT INTO t VALUES (1, 'Red', 1);",
    )
    .await;
    assert_eq!(
        bed.one("t:\n  a: {id: 2, name: RED}\n").await,
        "a:2:20 taken: another row of `t` in the database has this `name` already"
    );
    assert_eq!(
        bed.one("t:\n  a: {id: 2, v: 1.0}\n").await,
        "a:2:17 taken: another row of `t` in the database has this `v` already"
    );
    assert_eq!(
        bed.one("t:\n  a: {id: 2, v: 5}\n  b: {id: 3, v: 5.0}\n")
            .await,
        "a:3:17 same-value: `t.a` and `t.b` have the same `v`, of which there can be only one"
    );
    // Found by its key.
    let keyed = "t:\n  _key: name\n  a: {name: RED, v: 2}\n";
    assert_eq!(bed.settles(keyed).await, "a new ~t.a(v: 1 → 2)");
    assert_eq!(bed.ask("SELECT * FROM t").await, "1|Red|2");
}

/// Types of columns, and values that they take.
const TYPES: [(&str, &[&str]); 8] = [
    (
        "TEXT",
        &[
            "007",
            "\"1.0\"",
            "\"\"",
            "\" x \"",
            "no",
            "\"a\\0b\"",
            "1e3",
            "0x10",
            "true",
            "~",
            "{a: 1}",
            "!!binary aGk=",
            "!int 1..99",
            "2026-01-31",
            "\"Ünï ☃\"",
            "1.10",
            "-0.0",
        ],
    ),
    (
        "VARCHAR(9) COLLATE NOCASE",
        &[
            "Red",
            "5",
            "\"x\\0Y\"",
            "!fake word",
            "9007199254740993",
            "\"5 \"",
        ],
    ),
    (
        // As `INTEGER` a primary key would take integers only.
        "INT",
        &[
            "7",
            "\"7\"",
            "\" 42 \"",
            "1.0",
            "1e3",
            "-0",
            "true",
            "1.5",
            "\"word\"",
            "\"1\\0\"",
            "9223372036854775807",
            "-9223372036854775808",
            "\"0x10\"",
            "!int -5..5",
            "\"true\"",
            "\"\"",
            "\"1e3\"",
        ],
    ),
    (
        "REAL",
        &[
            "true",
            "1",
            "-0.0",
            "0.1",
            "1e300",
            "\"1\"",
            "\"word\"",
            "9007199254740993",
            ".5",
            "5.",
            "!int 1..9",
            "\"1.50\"",
            "123456789012345678",
            "1e-7",
            "\"a\\0b\"",
        ],
    ),
    (
        "DECIMAL(10,2)",
        &[
            "1.0",
            "1e3",
            "10.50",
            "\"2026-01-31\"",
            "true",
            "\"true\"",
            "\"word\"",
            "1.5e20",
            "9007199254740993",
            "\"1 \"",
            "\"1.0\"",
            "!json 5",
            "-0.0",
        ],
    ),
    (
        "BLOB",
        &[
            "1.0",
            "\"1\"",
            "1",
            "yes",
            "-0.0",
            "!!binary aGk=",
            "\"\"",
            "\"a\\0b\"",
            "1e3",
            "true",
            "0.1",
        ],
    ),
    (
        "",
        &["1.0", "\"1\"", "!int 1..5", "-0.0", "!!binary AA==", "word"],
    ),
    ("BOOLEAN", &["true", "false", "1", "\"0\"", "!!str yes"]),
];

/// Types of columns of STRICT tables.
const STRICT: [(&str, &[&str]); 5] = [
    (
        "TEXT",
        &["1", "\"\"", "1.50", "true", "\"a\\0b\"", "!int 1..9"],
    ),
    ("INTEGER", &["1", "\"7\"", "1.0", "1e3", "true", "\" 5 \""]),
    ("REAL", &["1", "true", "\"1.5\"", "0.1", "-0.0"]),
    ("BLOB", &["!!binary aGk=", "!!binary \"\""]),
    (
        "ANY",
        &["1", "1.0", "\"1\"", "!!binary aGk=", "-0.0", "word"],
    ),
];

/// Numbers that look random: <https://prng.di.unimi.it/splitmix64.c>.
struct Random(u64);

impl Random {
    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        &of[((z ^ (z >> 31)) % of.len() as u64) as usize]
    }
}

/// Tables with columns of any type in any place (key, unique, plain, reference), and rows for them.
fn tables_and_rows(seed: u64) -> (String, String) {
    let mut random = Random(seed);
    let (mut schema, mut rows) = (String::new(), String::new());
    let keyed = |values: &[&'static str]| -> Vec<&'static str> {
        values.iter().copied().filter(|it| *it != "~").collect()
    };
    for number in 0..14 {
        let strict = number % 4 == 3;
        let types: &[_] = if strict { &STRICT } else { &TYPES };
        let suffix = if strict { " STRICT" } else { "" };
        let name = |declared: &'static str| match (strict, declared) {
            (true, "") => "ANY",
            (_, declared) => declared,
        };
        let (key, of_key) = *random.one(types);
        let (unique, of_unique) = *random.one(types);
        let (plain, of_plain) = *random.one(types);
        let parent = format!("p{seed}_{number}");
        let _ = writeln!(
            schema,
            "CREATE TABLE {parent} (k {} PRIMARY KEY, u {} UNIQUE, v {}){suffix};",
            name(key),
            name(unique),
            name(plain)
        );
        let _ = writeln!(
            rows,
            "{parent}:\n  one: {{k: {}, u: {}, v: {}}}",
            random.one(&keyed(of_key)),
            random.one(of_unique),
            random.one(of_plain)
        );
        // By reference into a column of any type, as a key and as a plain value.
        let (by, _) = *random.one(&TYPES);
        let (plain, _) = *random.one(&TYPES);
        let child = format!("c{seed}_{number}");
        let _ = writeln!(
            schema,
            "CREATE TABLE {child} (n INT, k {by}, v {plain}, PRIMARY KEY (n, k));"
        );
        let _ = writeln!(
            rows,
            "{child}:\n  a: {{n: 1, k: !ref {parent}.one.k, v: !ref {parent}.one.k}}\n  \
             b: {{n: 2.0, k: !ref {parent}.one.k, v: !ref {parent}.one.u}}"
        );
    }
    (schema, rows)
}

pub(crate) async fn any_value_in_any_column_is_written_once(world: World) {
    let seeds = [1, 2, 3, 4, 5, 6];
    let all: Vec<(String, String)> = seeds.map(tables_and_rows).to_vec();
    let schema: Vec<&str> = all.iter().map(|(schema, _)| schema.as_str()).collect();
    let mut bed = Bed::new(world, &schema.concat()).await;
    for (seed, (_, rows)) in seeds.iter().zip(&all) {
        println!("seed {seed}");
        let rows = format!("_seed: {{mode: sync}}\n{rows}");
        let files = [("a", rows.as_str())];
        let first = bed.seed(&files).await;
        assert_eq!(first.matches('+').count(), 14 * 3, "{first}\n{rows}");
        let before = bed.dump().await;
        bed.options.refresh = Refresh::No;
        assert_eq!(bed.seed(&files).await, "", "the second run of {rows}");
        bed.options.refresh = Refresh::Yes;
        assert_eq!(bed.seed(&files).await, "", "the refreshing run of {rows}");
        bed.options.refresh = Refresh::No;
        assert_eq!(bed.dump().await, before, "{rows}");
        let tables = |line: &&str| !line.starts_with(' ') && !line.starts_with('_');
        let none: Vec<String> = rows
            .lines()
            .filter(tables)
            .map(|table| format!("{table} {{}}\n"))
            .collect();
        let none = format!("_seed: {{mode: sync}}\n{}", none.concat());
        let last = bed.one(&none).await;
        assert_eq!(last.matches(" -").count(), 14 * 3, "{last}\n{rows}");
        let left = bed.dump().await;
        let of_seed = |row: &&String| {
            row.starts_with(&format!("p{seed}_")) || row.starts_with(&format!("c{seed}_"))
        };
        assert_eq!(left.iter().filter(of_seed).count(), 0, "{rows}");
    }
}
