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
async fn a_key_that_refers_to_itself_is_a_value() {
    let bed =
        Bed::memory("CREATE TABLE t (id TEXT PRIMARY KEY REFERENCES t (id), n INTEGER);").await;
    bed.settles("t:\n  one: {id: x, n: 1}\n").await;
    assert_eq!(bed.ask("SELECT id, n FROM t").await, "x|1");
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

#[tokio::test]
async fn what_a_sync_made_goes_in_one_run_however_it_hangs_together() {
    let bed = Bed::memory(
        "CREATE TABLE a (id TEXT PRIMARY KEY, b_id TEXT REFERENCES b (id), up_id TEXT REFERENCES a (id));
         CREATE TABLE b (id TEXT PRIMARY KEY, a_id TEXT NOT NULL REFERENCES a (id) ON DELETE CASCADE);
         CREATE TABLE c (a_id TEXT, b_id TEXT REFERENCES b (id), PRIMARY KEY (a_id, b_id)) WITHOUT ROWID;",
    )
    .await;
    let rows = "  a_{1..1500}: {up: first, b: first}\n  first: {b: first}\n";
    let text = format!(
        "_seed: {{mode: sync}}\na:\n{rows}b:\n  first: {{a: a_7}}\n  of_{{a.a_*}}: {{a: '${{each}}'}}\n\
         c:\n  x: {{a_id: !ref a.a_9, b: first}}\n"
    );
    bed.settles(&text).await;
    assert_eq!(bed.ask("SELECT count(*) FROM a").await, "1501");
    let told = bed.settles("_seed: {mode: sync}\na: {}\n").await;
    assert_eq!(told.matches(" -").count(), 1501 + 1501 + 1);
    assert_eq!(
        bed.ask(
            "SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM b) + (SELECT count(*) FROM c)"
        )
        .await,
        "0"
    );
    let table = "SELECT count(*) FROM sqlite_schema WHERE name = '_seedbed_rows'";
    assert_eq!(bed.ask(table).await, "0");
}

#[tokio::test]
async fn a_row_among_many_that_the_engine_refuses_is_near_the_place_that_is_told() {
    let bed = Bed::memory("CREATE TABLE t (id INTEGER PRIMARY KEY, n INT CHECK (n <> 777));").await;
    let failed = bed
        .one("t:\n  r_{1..900}: {n: '${i}'}\n  other: {}\n")
        .await;
    assert!(failed.starts_with("failed at 2:3 CHECK"), "{failed}");
    assert_eq!(bed.ask("SELECT count(*) FROM t").await, "0");
}

#[tokio::test]
async fn names_are_the_same_in_any_case_of_letters() {
    let bed = Bed::memory(
        "CREATE TABLE Users (Id TEXT PRIMARY KEY, Email TEXT UNIQUE, BossId TEXT REFERENCES users (ID));",
    )
    .await;
    bed.settles("USERS:\n  _key: EMAIL\n  ann: {email: ann@x}\n  bob: {EMAIL: bob@x, boss: ann}\nusers:\n  cid: {email: c@x, bossid: !ref Users.ann.ID}\n")
        .await;
    assert_eq!(
        bed.ask("SELECT count(*), count(DISTINCT BossId) FROM users")
            .await,
        "3|1"
    );
    assert_eq!(
        bed.one("users:\n  a: {email: x, EMAIL: y}\n").await,
        "a:2:17 column-twice: column `Email` has two values in one row"
    );
}
