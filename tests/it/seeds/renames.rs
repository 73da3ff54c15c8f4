//! Tables and columns that migrations rename: rows stay the seed's own, and what was done to them by hand stays done.

use seedbed::seeds::ForgetRows;

use super::Bed;
use crate::world::World;

const SCHEMA: &str = "
CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE, name TEXT, seen TEXT);
CREATE TABLE notes (user_id INTEGER NOT NULL REFERENCES users (id), day TEXT, body TEXT, PRIMARY KEY (user_id, day));
CREATE TABLE marks (id TEXT PRIMARY KEY, user_id INTEGER REFERENCES users (id), body TEXT);
";

const FILE: &str = "
_seed: {mode: sync}
users: {ann: {email: a, name: A}, bob: {email: b, name: B}}
notes: {n: {user: ann, day: x, body: hi}, m: {user: bob, day: x, body: hi}}
marks: {n: {user: ann, body: hi}, m: {user: bob, body: hi}}
";

const RENAMED: &str = "ALTER TABLE notes RENAME TO memos; ALTER TABLE marks RENAME TO stamps;";

async fn renamed(world: World, file: &str, sql: &str) -> Bed {
    let mut bed = Bed::new(world, SCHEMA).await;
    bed.settles(file).await;
    bed.migrate(&[("V1__schema.sql", SCHEMA), ("V2__rename.sql", sql)])
        .await;
    bed
}

pub(crate) async fn a_renamed_table_that_is_left_out_loses_its_rows_in_sync(world: World) {
    let bed = renamed(world, FILE, RENAMED).await;
    let moved = FILE
        .replace("notes: {", "memos: {_was: notes, ")
        .replace("marks: {", "stamps: {_was: marks, ");
    assert_eq!(bed.settles(&moved).await, "a edited");
    let lines = moved.lines().filter(|line| !line.starts_with("stamps"));
    let fewer: Vec<&str> = lines.collect();
    assert_eq!(
        bed.settles(&fewer.join("\n")).await,
        "a edited -stamps.m -stamps.n"
    );
    let without_was = fewer.join("\n").replace("_was: notes, ", "");
    assert_eq!(bed.settles(&without_was).await, "a respelled");
    assert_eq!(
        bed.settles("_seed: {mode: sync}\nusers: {}\n").await,
        "a edited -memos.m -memos.n -users.ann -users.bob"
    );
}

pub(crate) async fn a_table_that_is_renamed_and_left_out_at_once_loses_its_rows(world: World) {
    let bed = renamed(world, FILE, RENAMED).await;
    assert_eq!(
        bed.settles("_seed: {mode: sync}\nusers: {}\n").await,
        "a edited -memos.m -memos.n -stamps.m -stamps.n -users.ann -users.bob"
    );
}

pub(crate) async fn a_seed_is_forgotten_with_its_rows_in_renamed_tables(world: World) {
    let bed = renamed(world, FILE, RENAMED).await;
    assert_eq!(
        bed.forget("a", ForgetRows::Go, &[]).await,
        "a edited -memos.m -memos.n -stamps.m -stamps.n -users.ann -users.bob"
    );
}

pub(crate) async fn a_renamed_table_keeps_its_rows_without_its_old_name(world: World) {
    let bed = renamed(world, FILE, RENAMED).await;
    bed.by_hand("DELETE FROM stamps WHERE id = (SELECT max(id) FROM stamps)")
        .await;
    let moved = FILE
        .replace("notes: {", "memos: {")
        .replace("marks: {", "stamps: {");
    let told = bed.one(&moved).await;
    assert!(told.starts_with("a edited !stamps."), "{told}");
    assert_eq!(bed.ask("SELECT count(*) FROM stamps").await, "1");
}

pub(crate) async fn a_renamed_column_keeps_what_was_changed_by_hand(world: World) {
    let file = "
users:
  _defaults: {seen: !now }
  ann: {email: a, name: A}
  bob: {email: b, name: B}
notes: {n: {user: ann, day: x, body: hi}}
marks: {m: {user: ann, body: !slug id, id: Mark one}}
";
    let mut bed = Bed::new(world, SCHEMA).await;
    bed.settles(file).await;
    bed.by_hand("UPDATE users SET name = 'Hand', seen = 'never' WHERE email = 'a'")
        .await;
    bed.by_hand("DELETE FROM notes").await;
    let sql = "ALTER TABLE users RENAME COLUMN name TO full_name; ALTER TABLE users RENAME COLUMN seen TO seen_at; \
        ALTER TABLE notes RENAME COLUMN user_id TO owner_id; ALTER TABLE notes RENAME COLUMN day TO on_day; \
        ALTER TABLE marks RENAME COLUMN body TO slug;";
    bed.migrate(&[("V1__schema.sql", SCHEMA), ("V2__rename.sql", sql)])
        .await;
    let edited = file
        .replace("name:", "full_name:")
        .replace("seen:", "seen_at:")
        .replace("n: {user: ann, day:", "n: {owner: ann, on_day:")
        .replace("body: !slug", "slug: !slug");
    let told = bed.one(&edited).await;
    assert!(
        told.contains("!users.ann(full_name, seen_at)") && !told.contains('~'),
        "{told}"
    );
    assert!(told.contains("!notes.n("), "{told}");
    let ask = "SELECT full_name FROM users ORDER BY email";
    assert_eq!(bed.ask(ask).await, "Hand B");
    // An edit of another column of the row leaves both.
    bed.days_later(1);
    let told = bed.one(&edited.replace("email: a,", "email: aa,")).await;
    assert!(told.contains("~users.ann(email: a → aa)"), "{told}");
    assert_eq!(
        bed.ask("SELECT email, full_name, seen_at FROM users WHERE full_name = 'Hand'")
            .await,
        "aa|Hand|never"
    );
    // What was not changed follows the file.
    let told = bed
        .one(&edited.replace("full_name: B", "full_name: Bea"))
        .await;
    assert!(told.contains("~users.bob(full_name: B → Bea"), "{told}");
}

pub(crate) async fn a_table_and_its_column_are_renamed_together(world: World) {
    let sql = "ALTER TABLE marks RENAME COLUMN body TO text; ALTER TABLE marks RENAME TO stamps; \
        ALTER TABLE stamps RENAME COLUMN text TO words;";
    let mut bed = Bed::new(world, SCHEMA).await;
    bed.settles(FILE).await;
    bed.by_hand("UPDATE marks SET body = 'hand'").await;
    bed.migrate(&[("V1__schema.sql", SCHEMA), ("V2__rename.sql", sql)])
        .await;
    let (others, marks) = FILE.split_once("marks: {").unwrap();
    let marks = marks.replace("body:", "words:");
    let moved = format!("{others}stamps: {{_was: marks, {marks}");
    let told = bed.one(&moved).await;
    assert_eq!(told, "a edited !stamps.m(words) !stamps.n(words)");
    assert_eq!(bed.ask("SELECT DISTINCT words FROM stamps").await, "hand");
}

pub(crate) async fn a_renamed_column_keeps_its_generated_values(world: World) {
    let file = "users: {'u_{1..3}': {email: '${label}', name: !fake name, seen: !env SEEN}}\n";
    let mut bed = Bed::new(world, SCHEMA).await;
    bed.var("SEEN", "never");
    bed.settles(file).await;
    bed.by_hand("UPDATE users SET seen = 'hand' WHERE email = 'u_1'")
        .await;
    let sql = "ALTER TABLE users RENAME name TO full_name; ALTER TABLE users RENAME COLUMN seen TO seen_at;";
    bed.migrate(&[("V1__schema.sql", SCHEMA), ("V2__rename.sql", sql)])
        .await;
    let edited = file
        .replace("name: !", "full_name: !")
        .replace("seen:", "seen_at:");
    assert_eq!(bed.one(&edited).await, "a edited !users.u_1(seen_at)");
    // The names of the first day hold on every later one.
    let more = edited.replace("1..3", "1..4");
    assert_eq!(
        bed.one(&more).await,
        "a edited +users.u_4 !users.u_1(seen_at)"
    );
    bed.var("SEEN", "now");
    let told = bed.one(&more).await;
    assert!(
        told.contains("~users.u_2(seen_at: *** → ***)") && told.contains("!users.u_1(seen_at)"),
        "{told}"
    );
}

pub(crate) async fn a_column_that_is_renamed_by_a_rebuild_keeps_what_was_changed_by_hand(
    world: World,
) {
    let file = "users: {ann: {email: a, name: A}, bob: {email: b, name: B}}\n";
    let rebuild = "CREATE TABLE new_users (id INTEGER PRIMARY KEY, email TEXT UNIQUE, full_name TEXT, seen TEXT);
        INSERT INTO new_users SELECT id, email, name, seen FROM users; DROP TABLE users;
        ALTER TABLE new_users RENAME TO users;";
    let mut bed = Bed::new(world, SCHEMA).await;
    bed.settles(file).await;
    bed.by_hand("UPDATE users SET name = 'Hand' WHERE email = 'a'")
        .await;
    let first = ("V1__schema.sql", SCHEMA);
    bed.migrate(&[first, ("V2__rebuild.sql", rebuild)]).await;
    let edited = file.replace("name:", "full_name:");
    assert_eq!(bed.one(&edited).await, "a edited !users.ann(full_name)");
    // A column that is new, and that no migration filled, gets its values.
    let new = "ALTER TABLE users DROP COLUMN full_name; ALTER TABLE users ADD COLUMN title TEXT DEFAULT 'none';";
    bed.migrate(&[first, ("V2__rebuild.sql", rebuild), ("V3__title.sql", new)])
        .await;
    assert_eq!(
        bed.settles(&file.replace("name:", "title:")).await,
        "a edited ~users.ann(title: none → A) ~users.bob(title: none → B)"
    );
}

pub(crate) async fn the_reason_for_a_missing_row_survives_a_rename(world: World) {
    let upsert = FILE.replace("mode: sync", "mode: upsert");
    let bed = renamed(world, &upsert, RENAMED).await;
    bed.by_hand("DELETE FROM memos WHERE user_id = (SELECT id FROM users WHERE email = 'b')")
        .await;
    let moved = upsert
        .replace("notes: {", "memos: {_was: notes, ")
        .replace("marks: {", "stamps: {_was: marks, ");
    assert_eq!(bed.one(&moved).await, "a edited !memos.m(gone)");
    let later = moved.replace("_was: notes, ", "");
    assert_eq!(bed.one(&later).await, "a respelled !memos.m(gone)");
    assert_eq!(bed.one(&later).await, "a !memos.m(gone)");
}

const NAMED_AFTER: &str = "
CREATE TABLE tags (id TEXT PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE cards (id TEXT PRIMARY KEY, title TEXT);
CREATE TABLE cards_tags (
  card_id TEXT REFERENCES cards (id), tag_id TEXT REFERENCES tags (id), note TEXT, at TEXT, PRIMARY KEY (card_id, tag_id)
);
CREATE TABLE days (tag_id TEXT REFERENCES tags (id), day TEXT, n INTEGER, at TEXT, PRIMARY KEY (tag_id, day));
CREATE TABLE posts (id TEXT PRIMARY KEY, tag_id TEXT REFERENCES tags (id), title TEXT);
";

/// Rows that are named after tags: of a list of labels, of patterns, and of a list of rows whose key refers to one.
fn named_after(mode: &str, red: &str, blue: &str) -> String {
    let row = |label: &str, name: &str| match label == name {
        true => format!("{label}: {{name: {name}}}"),
        false => format!("{label}: {{_was: {name}, name: {name}}}"),
    };
    let (first, second) = (row(red, "red"), row(blue, "blue"));
    format!(
        "_seed: {{mode: {mode}}}\n\
         tags: {{{first}, {second}}}\n\
         cards:\n  _through: {{tags: cards_tags}}\n  c1: {{title: One, tags: [{red}, {blue}]}}\n\
         cards_tags:\n  _defaults: {{note: declared, at: !now }}\n\
         days:\n  _key: [tag_id, day]\n  'd_{{tags.*}}_{{1..2}}': {{tag: '${{each}}', day: 'd${{i}}', n: '${{i}}', at: !now }}\n  \
         _rows: [{{tag: {red}, day: x, n: 1}}, {{tag: {blue}, day: x, n: 1}}]\n\
         posts:\n  'p_{{tags.*}}_{{1..2}}': {{tag: '${{each}}', title: 'T ${{i}}'}}\n"
    )
}

async fn everything(bed: &Bed) -> String {
    let mut all = Vec::new();
    for sql in [
        "SELECT t.name, c.note, c.at FROM cards_tags c JOIN tags t ON t.id = tag_id ORDER BY 1",
        "SELECT t.name, day, n, at FROM days d JOIN tags t ON t.id = tag_id ORDER BY 1, 2",
        "SELECT p.id, t.name, title FROM posts p JOIN tags t ON t.id = tag_id ORDER BY 1",
    ] {
        all.push(bed.ask(sql).await);
    }
    all.join("\n")
}

pub(crate) async fn rows_that_are_named_after_a_renamed_row_stay_themselves(world: World) {
    rows_stay_themselves(world, "upsert").await;
}

pub(crate) async fn rows_that_are_named_after_a_renamed_row_stay_those_of_a_sync(world: World) {
    let bed = rows_stay_themselves(world, "sync").await;
    // They are the seed's own, and none was met.
    let file = named_after("sync", "crimson", "azure").replace("[crimson, azure]", "[]");
    bed.one(&file.replace("_was: red, ", "").replace("_was: blue, ", ""))
        .await;
    assert_eq!(bed.ask("SELECT count(*) FROM cards_tags").await, "0");
    let told = bed.forget("a", ForgetRows::Go, &[]).await;
    assert_eq!(
        bed.ask("SELECT (SELECT count(*) FROM tags) + (SELECT count(*) FROM days) + (SELECT count(*) FROM posts)")
            .await,
        "0",
        "{told}"
    );
}

async fn rows_stay_themselves(world: World, mode: &str) -> Bed {
    let mut bed = Bed::new(world, NAMED_AFTER).await;
    bed.settles(&named_after(mode, "red", "blue")).await;
    let red = "tag_id = (SELECT id FROM tags WHERE name = 'red')";
    let blue = "tag_id = (SELECT id FROM tags WHERE name = 'blue')";
    for sql in [
        format!("UPDATE cards_tags SET note = 'by hand' WHERE {red}"),
        format!("DELETE FROM cards_tags WHERE {blue}"),
        format!("UPDATE days SET n = 99 WHERE day IN ('d1', 'x') AND {red}"),
        format!("DELETE FROM days WHERE day = 'd2' AND {red}"),
        format!("UPDATE posts SET title = 'by hand' WHERE title = 'T 1' AND {red}"),
        format!("DELETE FROM posts WHERE title = 'T 2' AND {red}"),
    ] {
        bed.by_hand(&sql).await;
    }
    bed.days_later(1);
    let before = everything(&bed).await;
    let renamed = named_after(mode, "crimson", "azure");
    let told = bed.one(&renamed).await;
    assert_eq!(everything(&bed).await, before, "{told}");
    assert!(!told.contains(['+', '~']) && !told.contains(" -"), "{told}");
    // The rows have their memory under the new names too.
    let later = renamed
        .replace("_was: red, ", "")
        .replace("_was: blue, ", "");
    for file in [renamed, later] {
        let told = bed.one(&file).await;
        assert_eq!(everything(&bed).await, before, "{told}");
    }
    bed
}
