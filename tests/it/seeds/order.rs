//! References and the order of rows, with foreign keys on throughout.

use super::Bed;

#[tokio::test]
async fn a_loop_without_a_column_that_takes_null_is_named() {
    let bed = Bed::memory(
        "CREATE TABLE a (id TEXT PRIMARY KEY, b_id TEXT NOT NULL REFERENCES b (id));
         CREATE TABLE b (id TEXT PRIMARY KEY, c_id TEXT NOT NULL REFERENCES c (id));
         CREATE TABLE c (id TEXT PRIMARY KEY, a_id TEXT NOT NULL REFERENCES a (id));",
    )
    .await;
    let text = "a:\n  one: {b: one}\nb:\n  one: {c: one}\nc:\n  one: {a: one}\n";
    assert_eq!(
        bed.one(text).await,
        "a:2:3 reference-loop: these rows refer to each other in a circle: a.one → b.one → c.one → a.one"
    );
    assert_eq!(bed.ask("SELECT count(*) FROM a").await, "0");
}

#[tokio::test]
async fn a_loop_is_broken_at_a_column_that_takes_null() {
    let bed = Bed::memory(
        "CREATE TABLE a (id TEXT PRIMARY KEY, b_id TEXT NOT NULL REFERENCES b (id));
         CREATE TABLE b (id TEXT PRIMARY KEY, c_id TEXT REFERENCES c (id), d_id TEXT REFERENCES d (id));
         CREATE TABLE c (id TEXT PRIMARY KEY, a_id TEXT NOT NULL REFERENCES a (id));
         CREATE TABLE d (id TEXT PRIMARY KEY, d_id TEXT REFERENCES d (id));",
    )
    .await;
    let text = "a:\n  one: {b: one}\nb:\n  one: {c: one, d: one}\nc:\n  one: {a: one}\n\
                d:\n  one: {d: two}\n  two: {d: three}\n  three: {d: one}\n";
    bed.settles(text).await;
    assert_eq!(
        bed.ask("SELECT count(*), count(c_id), count(d_id) FROM b")
            .await,
        "1|1|1"
    );
    assert_eq!(
        bed.ask("SELECT count(*) FROM d JOIN d AS up ON up.id = d.d_id")
            .await,
        "3"
    );
    assert_eq!(
        bed.ask("SELECT count(*) FROM pragma_foreign_key_check")
            .await,
        "0"
    );
}

#[tokio::test]
async fn rows_of_one_table_are_ordered_by_what_they_refer_to() {
    let bed = Bed::memory(
        "CREATE TABLE tree (name TEXT PRIMARY KEY, up TEXT NOT NULL REFERENCES tree (name));",
    )
    .await;
    // By name the leaf would come first; the root refers to itself.
    let text = "tree:\n  leaf: {name: a, up: b}\n  twig: {name: b, up: !ref tree.root.name}\n  root: {name: z, up: z}\n";
    bed.settles(text).await;
    assert_eq!(
        bed.ask("SELECT name, up FROM tree ORDER BY rowid").await,
        "z|z b|z a|b"
    );
}

#[tokio::test]
async fn a_row_that_is_there_gives_its_own_key_to_those_that_refer_to_it() {
    let bed = Bed::memory(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE COLLATE NOCASE);
         CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users (id), slug TEXT, UNIQUE (user_id, slug));
         CREATE TABLE likes (post_id INTEGER REFERENCES posts (id), n INT, PRIMARY KEY (post_id, n)) WITHOUT ROWID;",
    )
    .await;
    bed.by_hand("INSERT INTO users VALUES (7, 'Ann@x')").await;
    bed.by_hand("INSERT INTO posts VALUES (9, 7, 'one')").await;
    let text = "users:\n  _key: email\n  ann: {email: ann@x}\n\
                posts:\n  _key: [user_id, slug]\n  one: {user: ann, slug: one}\n  two: {user: ann, slug: two}\n\
                likes:\n  a: {post: one, n: 1}\n  b: {post_id: !ref posts.two, n: 1}\n";
    assert_eq!(
        bed.settles(text).await,
        "a new +likes.a +likes.b +posts.two"
    );
    assert_eq!(
        bed.ask("SELECT user_id, slug, p.id = 9, n FROM likes l JOIN posts p ON p.id = l.post_id ORDER BY slug").await,
        "7|one|1|1 7|two|0|1"
    );
    assert_eq!(bed.ask("SELECT id, email FROM users").await, "7|Ann@x");
}

#[tokio::test]
async fn a_literal_key_is_a_reference_too() {
    let bed = Bed::memory(
        "CREATE TABLE a (id INTEGER PRIMARY KEY);
         CREATE TABLE z (id INTEGER PRIMARY KEY, a_id INTEGER REFERENCES a (id));",
    )
    .await;
    bed.by_hand("INSERT INTO a VALUES (1)").await;
    // One parent is there, one is declared, and one is nowhere.
    assert_eq!(
        bed.one("z:\n  x: {id: 1, a_id: 1}\n  y: {id: 2, a_id: 2}\n  n: {id: 3, a_id: 3}\na:\n  two: {id: 2}\n").await,
        "a:4:20 no-parent: no row of `a` has this value, in the seeds or in the database"
    );
    bed.settles("z:\n  x: {id: 1, a_id: 1}\n  y: {id: 2, a_id: 2}\na:\n  two: {id: 2}\n")
        .await;
    assert_eq!(bed.ask("SELECT a_id FROM z ORDER BY id").await, "1 2");
}

#[tokio::test]
async fn a_reference_may_lead_to_any_column_with_a_value() {
    let bed = Bed::memory(
        "CREATE TABLE u (id TEXT PRIMARY KEY, a TEXT, b TEXT, up TEXT AS (upper(a)));
         CREATE TABLE c (id TEXT PRIMARY KEY, v TEXT);",
    )
    .await;
    bed.settles("u:\n  x: {a: one, b: !ref u.y.a}\n  y: {a: two, b: !ref u.x.b}\nc:\n  z: {v: !ref u.y.b}\n").await;
    assert_eq!(
        bed.ask("SELECT a, b FROM u ORDER BY a").await,
        "one|two two|two"
    );
    assert_eq!(bed.ask("SELECT v FROM c").await, "two");
    let refused = bed
        .one("u:\n  x: {a: one}\nc:\n  z: {v: !ref u.x.up}\n  w: {v: !ref u.x.b}\n")
        .await;
    assert_eq!(
        refused,
        "a:4:19 computed-column: column `up` is computed by the table, and cannot be referred to"
    );
}
