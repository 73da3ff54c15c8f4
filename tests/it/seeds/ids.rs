//! Ids that the database makes (`_id: !auto`), and UUIDs in columns of every type (`_id: !uuid`), in every mode. Each
//! specification gets a new and empty database.

use seedbed::seeds::{ForgetRows, Refresh};

use super::Bed;
use crate::world::World;

const SCHEMA: &str = "
CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT, boss_id INTEGER REFERENCES users (id));
CREATE TABLE posts (
  id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL REFERENCES users (id), slug TEXT NOT NULL, UNIQUE (user_id, slug)
);
CREATE TABLE comments (
  id INTEGER PRIMARY KEY, post_id INTEGER NOT NULL REFERENCES posts (id), nr INTEGER NOT NULL, about TEXT, UNIQUE (post_id, nr)
);
";

const USERS: &str = "
users:
  _key: email
  _id: !auto
  zoe: {email: zoe@x, name: Zoe}
  ann: {email: ann@x, name: Ann, boss: zoe}
";

const REST: &str = "
posts:
  _key: [user, slug]
  _id: !auto
  one: {user: ann, slug: one}
  two: {user: zoe, slug: two}
comments:
  _key: [post, nr]
  _id: !auto
  c: {post: two, nr: 1, about: !ref users.ann.id}
  d: {post: two, nr: 2, about: !ref posts.one.user_id}
";

const ALL_USERS: &str = "SELECT id, email, boss_id FROM users ORDER BY id";

pub(crate) async fn a_database_numbers_rows_in_the_order_of_the_file(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    assert_eq!(bed.settles(USERS).await, "a new +users.ann +users.zoe");
    assert_eq!(bed.ask(ALL_USERS).await, "1|zoe@x|NULL 2|ann@x|1");
    // A new row gets the next id, wherever it stands.
    let more = USERS.replace("  zoe:", "  bob: {email: bob@x}\n  zoe:");
    assert_eq!(bed.settles(&more).await, "a edited +users.bob");
    assert_eq!(
        bed.ask(ALL_USERS).await,
        "1|zoe@x|NULL 2|ann@x|1 3|bob@x|NULL"
    );
    // A corrected key keeps its row and its id.
    let edited = more
        .replace("bob@x", "rob@x")
        .replace("name: Zoe", "name: Zo");
    assert_eq!(
        bed.settles(&edited).await,
        "a edited ~users.bob(email: bob@x → rob@x) ~users.zoe(name: Zoe → Zo)"
    );
    assert_eq!(
        bed.ask(ALL_USERS).await,
        "1|zoe@x|NULL 2|ann@x|1 3|rob@x|NULL"
    );
    // Many rows go together.
    let many = format!("{edited}  u_{{001..900}}: {{email: '${{label}}@x', boss: ann}}\n");
    bed.settles(&many).await;
    assert_eq!(
        bed.ask("SELECT count(*), max(id), sum(boss_id) FROM users WHERE email LIKE 'u_%' AND 'u_' || printf('%03d', id - 3) || '@x' = email")
            .await,
        "900|903|1800"
    );
    let table = "SELECT count(*) FROM sqlite_schema WHERE name = '_seedbed_rows'";
    assert_eq!(bed.ask(table).await, "0");
}

pub(crate) async fn rows_refer_to_rows_that_are_numbered_in_the_same_run(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    let file = format!("{REST}{USERS}");
    assert_eq!(
        bed.settles(&file).await,
        "a new +comments.c +comments.d +posts.one +posts.two +users.ann +users.zoe"
    );
    assert_eq!(
        bed.ask("SELECT id, user_id, slug FROM posts ORDER BY id")
            .await,
        "1|2|one 2|1|two"
    );
    let comments = "SELECT id, post_id, nr, about FROM comments ORDER BY id";
    assert_eq!(bed.ask(comments).await, "1|2|1|2 2|2|2|2");
    // A new parent in an edit, of a row that is there and of a new one.
    let edited = file.replace("  ann: {", "  eve: {email: eve@x}\n  ann: {");
    let edited = edited
        .replace("boss: zoe", "boss: eve")
        .replace(
            "nr: 1, about: !ref users.ann.id",
            "nr: 1, about: !ref users.eve.id",
        )
        .replace("  two: {", "  three: {user: eve, slug: three}\n  two: {");
    assert_eq!(
        bed.settles(&edited).await,
        "a edited ~comments.c(about: 2 → the id of the new row) +posts.three ~users.ann(boss_id: 1 → the id of the new row) +users.eve"
    );
    assert_eq!(
        bed.ask(ALL_USERS).await,
        "1|zoe@x|NULL 2|ann@x|3 3|eve@x|NULL"
    );
    assert_eq!(bed.ask(comments).await, "1|2|1|3 2|2|2|2");
    // Rows that refer to each other in a circle.
    let bed = bed;
    let circle = "users:\n  _key: email\n  _id: !auto\n  x: {email: x@x, boss: y}\n  y: {email: y@x, boss: x}\n";
    assert_eq!(
        bed.seed(&[("a", &edited), ("b", circle)]).await,
        "b new +users.x +users.y"
    );
    assert_eq!(bed.seed(&[("a", &edited), ("b", circle)]).await, "");
    assert_eq!(
        bed.ask("SELECT x.boss_id = y.id AND y.boss_id = x.id FROM users x, users y WHERE x.email = 'x@x' AND y.email = 'y@x'")
            .await,
        "1"
    );
    // JSON is complete before the database has numbered anything.
    let json = "users:\n  _key: email\n  _id: !auto\n  n: {email: n@x}\nposts:\n  _key: [user, slug]\n  p: {user: n, slug: {of: !ref users.n.id}}\n";
    assert_eq!(
        bed.seed(&[("a", &edited), ("b", circle), ("c", json)])
            .await,
        "c:7:22 no-value: this JSON refers to `users.n`, which the database numbers once it is written"
    );
}

pub(crate) async fn json_that_gets_a_reference_to_a_new_number_is_refused(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    let file = format!(
        "{USERS}posts: {{_key: [user, slug], _id: !auto , p: {{user: ann, slug: s}}}}\ncomments:\n  _key: [post, nr]\n  c: {{post: p, nr: 1}}\n"
    );
    bed.settles(&file).await;
    let edited = file
        .replace("  zoe:", "  eve: {email: eve@x}\n  zoe:")
        .replace("nr: 1", "nr: 1, about: {of: !ref users.eve.id}");
    let told = bed.one(&edited).await;
    assert!(
        told.contains("no-value: this JSON refers to `users.eve`, which the database numbers"),
        "{told}"
    );
    // Once the row is there, it can.
    let first = edited.replace(", about: {of: !ref users.eve.id}", "");
    assert_eq!(bed.settles(&first).await, "a edited +users.eve");
    assert_eq!(
        bed.settles(&edited).await,
        "a edited ~comments.c(about: NULL → {\"of\":3})"
    );
}

/// The database may have given its number to another row.
const LAST_IS_GONE: &str = "a !users.last(no row has its key: the row was deleted by hand, or its key was changed; not inserted)";

pub(crate) async fn a_number_that_another_row_got_is_left_to_it(world: World) {
    let file = format!("_seed: {{mode: sync}}{USERS}  last: {{email: last@x, name: Last}}\n");
    let mut bed = Bed::new(world, SCHEMA).await;
    bed.settles(&file).await;
    bed.by_hand("DELETE FROM users WHERE email = 'last@x'")
        .await;
    bed.by_hand("INSERT INTO users (email, name) VALUES ('own@x', 'Last')")
        .await;
    assert_eq!(
        bed.ask("SELECT id FROM users WHERE email = 'own@x'").await,
        "3"
    );
    assert_eq!(bed.one(&file).await, LAST_IS_GONE);
    let edited = file.replace("name: Last", "name: First");
    assert_eq!(
        bed.one(&edited).await,
        format!("a edited {}", &LAST_IS_GONE[2..])
    );
    let fewer = edited.replace("  last: {email: last@x, name: First}\n", "");
    assert_eq!(bed.settles(&fewer).await, "a edited");
    assert_eq!(
        bed.ask("SELECT name FROM users WHERE email = 'own@x'")
            .await,
        "Last"
    );
    // Made again where all is written again, with what refers to it.
    let child = format!("{edited}  kim: {{email: kim@x, boss: last}}\n");
    let told = bed.one(&child).await;
    assert!(told.contains("no-parent: `users.last` is not in"), "{told}");
    bed.options.refresh = Refresh::Yes;
    assert_eq!(bed.settles(&child).await, "a edited +users.kim +users.last");
    bed.options.refresh = Refresh::No;
    bed.by_hand("UPDATE users SET boss_id = NULL").await;
    bed.by_hand("DELETE FROM users WHERE email = 'last@x'")
        .await;
    assert_eq!(
        bed.one(&child).await,
        format!("a !users.ann(boss_id) {}", &LAST_IS_GONE[2..])
    );
    bed.options.refresh = Refresh::Yes;
    assert_eq!(
        bed.settles(&child).await,
        "a ~users.ann(boss_id: NULL → 1) ~users.kim(boss_id: NULL → the id of the new row) +users.last"
    );
    bed.options.refresh = Refresh::No;
    assert_eq!(
        bed.forget("a", ForgetRows::Go, &[]).await,
        "a edited -users.ann -users.kim -users.last -users.zoe"
    );
    assert_eq!(bed.ask("SELECT email FROM users").await, "own@x");
}

pub(crate) async fn numbered_rows_that_were_there_are_met(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    bed.by_hand("INSERT INTO users (id, email) VALUES (70, 'ann@x')")
        .await;
    let file = format!("_seed: {{mode: sync}}{USERS}");
    assert_eq!(
        bed.settles(&file).await,
        "a new ~users.ann(name: NULL → Ann, boss_id: NULL → the id of the new row) +users.zoe"
    );
    assert_eq!(bed.ask(ALL_USERS).await, "70|ann@x|71 71|zoe@x|NULL");
    let fewer = "_seed: {mode: sync}\nusers: {_key: email, _id: !auto }\n";
    let refused = bed.one(fewer).await;
    assert!(refused.contains("has-children: `users.zoe`"), "{refused}");
    bed.by_hand("UPDATE users SET boss_id = NULL").await;
    assert_eq!(bed.settles(fewer).await, "a edited -users.zoe");
    // A seed may begin and cease to leave ids to the database: no row gets another one.
    let made = USERS.replace("  _id: !auto\n", "");
    assert_eq!(
        bed.one(&made).await,
        "a edited ~users.ann(boss_id: NULL → 895866405029930) +users.zoe"
    );
    let before = bed.ask(ALL_USERS).await;
    assert_eq!(bed.settles(USERS).await, "a edited");
    assert_eq!(bed.ask(ALL_USERS).await, before);
}

pub(crate) async fn uuids_are_kept_in_the_type_of_their_column(world: World) {
    let schema = "
CREATE TABLE texts (id TEXT PRIMARY KEY, n INTEGER);
CREATE TABLE uuids (id UUID PRIMARY KEY, n INTEGER);
CREATE TABLE blobs (id BLOB PRIMARY KEY, n INTEGER);
CREATE TABLE bytes (id BINARY(16) PRIMARY KEY, n INTEGER);
CREATE TABLE stricts (id BLOB PRIMARY KEY, n INTEGER) STRICT;
CREATE TABLE plain (id PRIMARY KEY, n INTEGER);
CREATE TABLE own (id BLOB PRIMARY KEY DEFAULT (randomblob(4)), n INTEGER UNIQUE);
CREATE TABLE children (
  id BINARY(16) PRIMARY KEY, b BLOB REFERENCES blobs (id), u UUID REFERENCES uuids (id), s BINARY(16) REFERENCES bytes (id)
);
";
    let bed = Bed::new(world, schema).await;
    let file = "
texts: {_id: !uuid , a: {n: 1}}
uuids: {a: {n: 1}}
blobs: {a: {n: 1}}
bytes: {_id: !uuid , a: {n: 1}}
stricts: {a: {n: 1}}
plain: {_id: !uuid , a: {n: 1}}
own: {_key: n, a: {n: 1}}
children: {a: {b: !ref blobs.a, u: !ref uuids.a, s: !ref bytes.a}}
";
    bed.settles(file).await;
    let kinds = [
        "texts", "uuids", "blobs", "bytes", "stricts", "plain", "own", "children",
    ]
    .map(|table| format!("SELECT typeof(id), length(id) FROM {table}"))
    .join(" UNION ALL ");
    assert_eq!(
        bed.ask(&kinds).await,
        "text|36 text|36 blob|16 blob|16 blob|16 text|36 blob|4 blob|16"
    );
    assert_eq!(
        bed.ask("SELECT count(*) FROM children JOIN blobs ON b = blobs.id JOIN uuids ON u = uuids.id JOIN bytes ON s = bytes.id")
            .await,
        "1"
    );
    // The same label has the same id in every database.
    assert_eq!(
        bed.ask("SELECT (SELECT id FROM texts), (SELECT lower(hex(id)) FROM blobs)")
            .await,
        "02657a44-8f6a-5c14-a231-a62b9f3d71b0|9ba9a3f783aa5047b5db5d571f65669b"
    );
    // Without its key among the seeds a row is found by its id.
    let edited = file.replace("blobs: {a: {n: 1}}", "blobs: {a: {n: 2}}");
    assert_eq!(bed.settles(&edited).await, "a edited ~blobs.a(n: 1 → 2)");
}

pub(crate) async fn an_id_that_its_column_cannot_hold_is_an_error(world: World) {
    let schema = "
CREATE TABLE numbers (id INTEGER PRIMARY KEY, n TEXT UNIQUE);
CREATE TABLE ints (id INT PRIMARY KEY, n TEXT UNIQUE);
CREATE TABLE pairs (a INTEGER, b INTEGER, PRIMARY KEY (a, b));
CREATE TABLE shorts (id BINARY(8) PRIMARY KEY, n TEXT UNIQUE);
";
    let bed = Bed::new(world, schema).await;
    for (file, told) in [
        (
            "numbers: {_id: !auto , a: {n: x}}",
            "a:1:16 bad-id: the database makes `id`, so the rows of `numbers` cannot be found again by it",
        ),
        (
            "numbers: {_id: !uuid , a: {n: x}}",
            "a:1:16 bad-id: column `id` of type INTEGER holds no UUID",
        ),
        (
            "ints: {_key: n, _id: !auto , a: {n: x}}",
            "a:1:22 bad-id: the database numbers no column `id` of type INT",
        ),
        (
            "pairs: {_id: !auto , a: {a: 1, b: 2}}",
            "a:1:14 bad-id: `pairs` has no primary key of one column",
        ),
        (
            "shorts: {_key: n, _id: !uuid , a: {n: x}}",
            "a:1:24 bad-id: column `id` of type BINARY(8) holds no UUID",
        ),
        (
            "numbers: {_key: n, _id: !auto 7, a: {n: x}}",
            "a:1:25 bad-value: nothing stands behind `!auto` or `!uuid`",
        ),
        (
            "numbers: {_key: n, a: {id: !auto , n: x}}",
            "a:1:28 bad-tag: `!auto` makes the primary keys of a table, below its name",
        ),
        (
            "numbers: {_key: n, a: {n: x, id: !uiid }}",
            "a:1:34 unknown-tag: there is no tag `!uiid` (`_id: !uuid`?)",
        ),
    ] {
        assert_eq!(bed.one(file).await, told, "{file}");
    }
    // Only the rows that say no id are numbered.
    let file = "numbers:\n  _key: n\n  _id: !auto\n  a: {n: x, id: 7}\n  b: {n: y}\n";
    bed.settles(file).await;
    assert_eq!(
        bed.ask("SELECT id, n FROM numbers ORDER BY id").await,
        "7|x 8|y"
    );
}

pub(crate) async fn a_number_that_is_given_once_names_its_row(world: World) {
    let schema = "
CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, email TEXT UNIQUE, name TEXT);
CREATE TABLE marks (id INTEGER PRIMARY KEY AUTOINCREMENT, user_id INTEGER NOT NULL REFERENCES users (id), body TEXT,
  UNIQUE (user_id, body));
";
    let file = "
_seed: {mode: sync}
users: {_key: email, _id: !auto , ann: {email: a, name: A}, bob: {email: b, name: B}}
marks: {_key: [user, body], _id: !auto , n: {user: ann, body: hi}, m: {user: bob, body: hi}}
";
    let mut bed = Bed::new(world, schema).await;
    bed.settles(file).await;
    bed.by_hand("UPDATE users SET email = 'new' WHERE email = 'a'")
        .await;
    bed.by_hand("UPDATE marks SET body = 'hand' WHERE id = 2")
        .await;
    assert_eq!(bed.one(file).await, "a !marks.m(body) !users.ann(email)");
    // An edit finds the row, and what refers to it.
    let edited = file.replace("name: A", "name: Ann");
    assert_eq!(
        bed.one(&edited).await,
        "a edited ~users.ann(name: A → Ann) !marks.m(body) !users.ann(email)"
    );
    bed.options.refresh = Refresh::Yes;
    assert_eq!(
        bed.settles(&edited).await,
        "a ~marks.m(body: hand → hi) ~users.ann(email: new → a)"
    );
    bed.options.refresh = Refresh::No;
    assert_eq!(bed.ask("SELECT count(*) FROM users").await, "2");
    // The next number is another row's.
    bed.by_hand("DELETE FROM marks WHERE id = 2").await;
    bed.by_hand("INSERT INTO marks (user_id, body) VALUES (2, 'own')")
        .await;
    assert_eq!(bed.one(&edited).await, "a !marks.m(gone)");
    bed.by_hand("UPDATE users SET email = 'hers' WHERE id = 1")
        .await;
    let none = "_seed: {mode: sync}\nusers: {_key: email, bob: {email: b, name: B}}\n";
    assert_eq!(bed.settles(none).await, "a edited -marks.n -users.ann");
    assert_eq!(bed.ask("SELECT body FROM marks").await, "own");
}

pub(crate) async fn rows_that_were_deleted_with_their_parent_do_not_stay(world: World) {
    let schema = "CREATE TABLE u (id INTEGER PRIMARY KEY, email TEXT UNIQUE);
        CREATE TABLE pf (id INTEGER PRIMARY KEY, u_id INTEGER UNIQUE REFERENCES u (id), n INTEGER);";
    let bed = Bed::new(world, schema).await;
    let head = "_seed: {mode: sync}\nu:\n  _id: !auto\n  _key: email\n  a: {email: a}\n";
    let pf = "pf:\n  _id: !auto\n  _key: u\n  x: {u: a, n: 1}\n";
    let both = format!("{head}  b: {{email: b}}\n{pf}  y: {{u: b, n: 1}}\n");
    bed.settles(&both).await;
    bed.by_hand("DELETE FROM pf WHERE u_id = (SELECT id FROM u WHERE email = 'b')")
        .await;
    bed.by_hand("DELETE FROM u WHERE email = 'b'").await;
    assert_eq!(bed.settles(&format!("{head}{pf}")).await, "a edited");
    // A row that may be the one is reported.
    let both = both
        .replace("  b: {email: b}", "  c: {email: b}")
        .replace("y: {u: b,", "z: {u: c,");
    bed.settles(&both).await;
    bed.by_hand("UPDATE pf SET u_id = NULL WHERE u_id = (SELECT id FROM u WHERE email = 'b')")
        .await;
    bed.by_hand("DELETE FROM u WHERE email = 'b'").await;
    let told = bed.one(&format!("{head}{pf}")).await;
    assert!(
        told.contains("row-stays: `pf.z` is declared no longer"),
        "{told}"
    );
}

pub(crate) async fn a_declared_primary_key_that_a_row_does_not_have_is_reported(world: World) {
    let schema = "CREATE TABLE par (id INTEGER PRIMARY KEY, name TEXT UNIQUE);";
    let bed = Bed::new(world, schema).await;
    let file = |p: u32, q: u32| {
        format!(
            "par:\n  _key: name\n  p: {{id: {p}, name: p}}\n  q: {{id: {q}, name: q}}\n  r: {{name: r}}\n"
        )
    };
    assert_eq!(bed.settles(&file(1, 2)).await, "a new +par.p +par.q +par.r");
    let warning = "a:3:11 kept-key: 2 rows of `par` have another `id` in the database, and keep it: a primary key is never changed";
    assert_eq!(bed.one(&file(2, 1)).await, format!("{warning}\na edited"));
    assert_eq!(bed.one(&file(2, 1)).await, warning);
    assert_eq!(
        bed.ask("SELECT id, name FROM par WHERE id < 3 ORDER BY id")
            .await,
        "1|p 2|q"
    );
    assert_eq!(bed.settles(&file(1, 2)).await, "a edited");
}

pub(crate) async fn a_numbered_row_whose_key_was_changed_by_hand_is_not_made_twice(world: World) {
    let schema = "CREATE TABLE u (id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT);";
    let mut bed = Bed::new(world, schema).await;
    let file =
        "u:\n  _id: !auto\n  _key: email\n  a: {email: a, name: A}\n  b: {email: b, name: B}\n";
    bed.settles(file).await;
    bed.options.refresh = Refresh::Yes;
    // Another row may be the one that is missing.
    bed.by_hand("UPDATE u SET email = 'own' WHERE email = 'b'")
        .await;
    let told = bed.one(file).await;
    assert!(told.contains("!u.b(no row has its key"), "{told}");
    assert_eq!(bed.ask("SELECT email FROM u ORDER BY 1").await, "a own");
    // Where no other row is there, it was deleted, and is made again.
    bed.by_hand("DELETE FROM u WHERE email = 'own'").await;
    assert_eq!(bed.one(file).await, "a +u.b");
    assert_eq!(bed.ask("SELECT email FROM u ORDER BY 1").await, "a b");
}

#[tokio::test]
async fn an_edit_that_refers_to_a_numbered_row_that_is_gone_is_refused() {
    let schema = "CREATE TABLE teams (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE);
        CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, team_id INTEGER REFERENCES teams (id), data JSON);";
    for id in ["_id: !auto , ", ""] {
        let bed = Bed::memory(schema).await;
        let file = format!(
            "teams: {{_key: code, {id}t: {{code: c}}}}\nusers: {{_key: email, u: {{email: m, team: ~}}}}\n"
        );
        bed.settles(&file).await;
        bed.by_hand("DELETE FROM teams").await;
        let edited = file.replace("team: ~", "team: t");
        let told = bed.one(&edited).await;
        let refused =
            "no-parent: `teams.t` is not in the database under its key, and is not inserted";
        assert!(told.contains(refused), "{told}");
        let in_json = file.replace("team: ~", "team: ~, data: {of: !ref teams.t.id}");
        let told = bed.planned(&[("a", &in_json)]).await;
        assert_eq!(told.contains(refused), !id.is_empty(), "{told}");
        // Once the row is there again, the edit is made.
        bed.by_hand("INSERT INTO teams (id, code) VALUES (7, 'c')")
            .await;
        assert_eq!(
            bed.one(&edited).await.replace("895866405029930", "7"),
            "a edited ~users.u(team_id: NULL → 7)"
        );
        assert_eq!(bed.ask("SELECT team_id FROM users").await, "7");
    }
}
