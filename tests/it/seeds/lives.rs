//! Whole lives of seeds: rows that are made, edited, renamed, changed and removed by hand, and forgotten, in every mode.
//! Each specification gets a new and empty database.

use std::collections::{BTreeMap, BTreeSet};

use seedbed::migrations::Back;
use seedbed::seeds::{ForgetRows, Refresh};

use super::Bed;
use crate::dice::Dice;
use crate::world::World;

const SCHEMA: &str = "
CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, phone TEXT UNIQUE, name TEXT);
CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT, user_id TEXT REFERENCES users (id));
CREATE TABLE named (name TEXT PRIMARY KEY, v INTEGER);
";

const USERS: &str = "
users:
  _key: email
  ann: {email: ann@x, name: Ann}
  bob: {email: bob@x, name: Bob}
  cid: {email: cid@x, name: Cid}
";

const NAMES: &str = "SELECT email, name FROM users ORDER BY email";

async fn seeded(world: World, file: &str) -> Bed {
    let bed = Bed::new(world, SCHEMA).await;
    bed.settles(file).await;
    bed
}

pub(crate) async fn a_corrected_key_updates_the_row_that_was_made(world: World) {
    let file = USERS.replace("ann@x", "an@x");
    let bed = seeded(world, &file).await;
    let before = bed.ask("SELECT id FROM users WHERE name = 'Ann'").await;
    assert_eq!(
        bed.settles(USERS).await,
        "a edited ~users.ann(email: an@x → ann@x)"
    );
    assert_eq!(
        bed.ask("SELECT id FROM users WHERE email = 'ann@x'").await,
        before
    );
    assert_eq!(bed.ask("SELECT count(*) FROM users").await, "3");
    // A key that is the primary key cannot change: the row of the new one is another one.
    let natural = "named: {one: {name: one, v: 1}}\n";
    bed.seed(&[("a", USERS), ("n", natural)]).await;
    let edited = natural.replace("name: one", "name: uno");
    assert_eq!(
        bed.seed(&[("a", USERS), ("n", &edited)]).await,
        "n edited +named.one"
    );
    assert_eq!(bed.seed(&[("a", USERS), ("n", &edited)]).await, "");
    assert_eq!(
        bed.ask("SELECT name FROM named ORDER BY 1").await,
        "one uno"
    );
}

pub(crate) async fn an_address_that_a_user_changed_blocks_nothing(world: World) {
    let mut bed = seeded(world, USERS).await;
    bed.by_hand("UPDATE users SET email = 'own@x' WHERE email = 'ann@x'")
        .await;
    assert_eq!(bed.one(USERS).await, "a !users.ann(email)");
    let edited = USERS.replace("name: Ann", "name: Anna");
    assert_eq!(
        bed.one(&edited).await,
        "a edited ~users.ann(name: Ann → Anna) !users.ann(email)"
    );
    // Another user has the address by now: nothing is written that it is in the way of.
    bed.by_hand("INSERT INTO users (id, email) VALUES ('1', 'ann@x')")
        .await;
    let again = edited.replace("name: Anna", "name: Ana");
    assert_eq!(
        bed.one(&again).await,
        "a edited ~users.ann(name: Anna → Ana) !users.ann(email)"
    );
    assert_eq!(bed.one(&again).await, "a !users.ann(email)");
    bed.by_hand("DELETE FROM users WHERE id = '1'").await;
    bed.options.refresh = Refresh::Yes;
    assert_eq!(
        bed.settles(&again).await,
        "a ~users.ann(email: own@x → ann@x)"
    );
}

pub(crate) async fn an_edit_takes_back_nothing_that_was_done_by_hand(world: World) {
    let mut bed = seeded(world, USERS).await;
    bed.by_hand("UPDATE users SET name = 'Queen' WHERE email = 'bob@x'")
        .await;
    bed.by_hand("DELETE FROM users WHERE email = 'cid@x'").await;
    let edited = USERS.replace("name: Ann", "name: Anna, phone: '1'");
    assert_eq!(
        bed.one(&edited).await,
        "a edited ~users.ann(phone: NULL → 1, name: Ann → Anna) !users.bob(name) !users.cid(gone)"
    );
    assert_eq!(
        bed.one(&edited).await,
        "a !users.bob(name) !users.cid(gone)"
    );
    // Not even where the same value is edited.
    let edited = edited
        .replace("name: Bob", "name: Bobby")
        .replace("name: Cid", "name: Sid");
    assert_eq!(
        bed.one(&edited).await,
        "a edited !users.bob(name) !users.cid(gone)"
    );
    assert_eq!(bed.ask(NAMES).await, "ann@x|Anna bob@x|Queen");
    bed.options.refresh = Refresh::Yes;
    assert_eq!(
        bed.settles(&edited).await,
        "a ~users.bob(name: Queen → Bobby) +users.cid"
    );
}

pub(crate) async fn an_inserted_row_is_made_once(world: World) {
    let file = format!("_seed: {{mode: insert}}{USERS}");
    let mut bed = seeded(world, &file).await;
    bed.by_hand("DELETE FROM users WHERE email = 'ann@x'").await;
    assert_eq!(bed.one(&file).await, "a !users.ann(gone)");
    let edited = file.replace("Ann", "Anna");
    assert_eq!(bed.one(&edited).await, "a edited !users.ann(gone)");
    bed.options.refresh = Refresh::Yes;
    assert_eq!(bed.one(&edited).await, "a !users.ann(gone)");
    bed.options.refresh = Refresh::No;
    // The label goes, and comes again.
    let fewer = edited.replace("  ann: {email: ann@x, name: Anna}\n", "");
    assert_eq!(bed.settles(&fewer).await, "a edited");
    assert_eq!(bed.one(&edited).await, "a edited !users.ann(gone)");
    assert_eq!(bed.one(&edited).await, "a !users.ann(gone)");
    assert_eq!(bed.ask("SELECT count(*) FROM users").await, "2");
    // The only way to have it again.
    assert_eq!(
        bed.forget("a", ForgetRows::Stay, &[("a", &edited)]).await,
        ""
    );
    assert_eq!(bed.settles(&edited).await, "a new +users.ann");
}

pub(crate) async fn a_renamed_table_keeps_its_rows(world: World) {
    let notes = "notes:\n  n: {body: x, user: ann}\n";
    let file = format!("{USERS}{notes}");
    let mut bed = seeded(world, &file).await;
    bed.by_hand("UPDATE users SET name = 'Queen' WHERE email = 'bob@x'")
        .await;
    let ids = "SELECT group_concat(id) FROM (SELECT id FROM people ORDER BY id)";
    let rename = ("V2__people.sql", "ALTER TABLE users RENAME TO people;");
    bed.migrate(&[("V1__schema.sql", SCHEMA), rename]).await;
    let before = bed.ask(ids).await;
    let renamed = file
        .replace("users:", "people:\n  _was: users")
        .replace("name: Ann", "name: Anna");
    assert_eq!(
        bed.one(&renamed).await,
        "a edited ~people.ann(name: Ann → Anna) !people.bob(name)"
    );
    assert_eq!(bed.ask(ids).await, before);
    // The name before need not be said for ever.
    let later = renamed.replace("  _was: users\n", "");
    assert_eq!(bed.one(&later).await, "a respelled !people.bob(name)");
    assert_eq!(bed.one(&later).await, "a !people.bob(name)");
    let edited = later.replace("Anna", "Ana");
    assert_eq!(
        bed.one(&edited).await,
        "a edited ~people.ann(name: Anna → Ana) !people.bob(name)"
    );
    assert_eq!(bed.ask(ids).await, before);
    // A name of another case is the same.
    let case = "ALTER TABLE people RENAME TO p; ALTER TABLE p RENAME TO People;";
    let case = ("V3__case.sql", case);
    bed.migrate(&[("V1__schema.sql", SCHEMA), rename, case])
        .await;
    assert_eq!(bed.one(&edited).await, "a !People.bob(name)");
    let again = edited.replace("Ana", "Ann");
    assert_eq!(
        bed.one(&again).await,
        "a edited ~People.ann(name: Ana → Ann) !People.bob(name)"
    );
    assert_eq!(bed.ask(ids).await, before);
    assert_eq!(
        bed.ask("SELECT count(*) FROM notes JOIN people ON user_id = people.id")
            .await,
        "1"
    );
}

pub(crate) async fn a_renamed_label_keeps_its_row(world: World) {
    let file = "notes:\n  a: {body: x}\n  b: {body: y}\n";
    let bed = seeded(world, file).await;
    let before = bed.ask("SELECT id, body FROM notes ORDER BY body").await;
    let renamed = "notes:\n  first: {_was: a, body: x}\n  b: {body: y}\n";
    assert_eq!(bed.settles(renamed).await, "a edited");
    assert_eq!(
        bed.ask("SELECT id, body FROM notes ORDER BY body").await,
        before
    );
    let later = renamed.replace("_was: a, body: x", "body: z");
    assert_eq!(
        bed.settles(&later).await,
        "a edited ~notes.first(body: x → z)"
    );
    assert_eq!(bed.ask("SELECT count(*) FROM notes").await, "2");
    // Two rows cannot have been one, and a row that is there was not another one.
    let twice = later.replace("b: {", "c: {_was: first, ");
    let told = bed.one(&twice).await;
    assert!(
        told.starts_with("a:3:3 was-twice: `notes.first` is still declared"),
        "{told}"
    );
}

pub(crate) async fn a_renamed_file_keeps_its_rows(world: World) {
    let file = format!("_seed: {{mode: sync}}{USERS}");
    let bed = seeded(world, &file).await;
    bed.by_hand("UPDATE users SET name = 'Queen' WHERE email = 'bob@x'")
        .await;
    assert_eq!(bed.seed(&[("b", &file)]).await, "b !users.bob(name)");
    assert_eq!(bed.world.recorded().await, "V1 b");
    // Renamed and edited at once.
    let fewer = file.replace("  cid: {email: cid@x, name: Cid}\n", "");
    assert_eq!(
        bed.seed(&[("c", &fewer)]).await,
        "c edited -users.cid !users.bob(name)"
    );
    assert_eq!(bed.world.recorded().await, "V1 c");
    assert_eq!(bed.seed(&[("c", &fewer)]).await, "c !users.bob(name)");
}

pub(crate) async fn a_file_that_could_continue_two_ways_says_which(world: World) {
    let file = format!("_seed: {{mode: sync}}{USERS}");
    let bed = seeded(world, &file).await;
    let one = "_seed: {mode: sync}\nusers: {_key: email, ann: {email: ann@x, name: Ann}}\n";
    let two = "_seed: {mode: sync}\nusers: {_key: email, bob: {email: bob@x, name: Bob}}\n";
    let told = bed.planned(&[("one", one), ("two", two)]).await;
    assert!(
        told.starts_with("missing: seed a was applied, and its file is gone"),
        "{told}"
    );
    let says = one.replace("mode: sync", "mode: sync, _was: a");
    assert_eq!(
        bed.seed(&[("one", &says), ("two", two)]).await,
        "one edited -users.cid\ntwo new"
    );
    assert_eq!(bed.seed(&[("one", &says), ("two", two)]).await, "");
    let both = two.replace("mode: sync", "mode: sync, _was: [a, one]");
    let told = bed.planned(&[("one", &says), ("two", &both)]).await;
    assert!(told.contains("was-twice: `one` is still there"), "{told}");
}

pub(crate) async fn rows_of_a_removed_file_go_to_a_file_that_was_there(world: World) {
    rows_go_to_a_file_that_was_there(world, "upsert").await;
}

pub(crate) async fn all_rows_of_a_removed_file_go_to_a_file_that_syncs(world: World) {
    rows_go_to_a_file_that_was_there(world, "sync").await;
}

async fn rows_go_to_a_file_that_was_there(world: World, mode: &str) {
    let file = |labels: &[&str]| {
        let row = |label: &&str| format!("  {label}: {{email: {label}@x, name: {label}}}\n");
        let rows: String = labels.iter().map(row).collect();
        format!("_seed: {{mode: {mode}}}\nusers:\n  _key: email\n{rows}")
    };
    let bed = Bed::new(world, SCHEMA).await;
    bed.seed(&[("a", &file(&["ann"])), ("b", &file(&["bob", "cid", "dan"]))])
        .await;
    bed.by_hand("UPDATE users SET name = 'by hand' WHERE email = 'bob@x'")
        .await;
    bed.by_hand("DELETE FROM users WHERE email = 'cid@x'").await;
    if mode == "sync" {
        // A file that takes only some of them deletes none of the others.
        let told = bed.planned(&[("a", &file(&["ann", "bob"]))]).await;
        assert!(told.contains("its file is gone"), "{told}");
        assert!(!told.contains("-users"), "{told}");
    }
    let all = file(&["ann", "bob", "cid", "dan"]);
    let told = bed.seed(&[("a", &all)]).await;
    assert_eq!(told, "a edited !users.bob(name) !users.cid(gone)");
    assert_eq!(
        bed.ask("SELECT email, name FROM users ORDER BY email")
            .await,
        "ann@x|ann bob@x|by hand dan@x|dan"
    );
    assert_eq!(bed.world.recorded().await, "V1 a");
    assert_eq!(
        bed.seed(&[("a", &all)]).await,
        "a !users.bob(name) !users.cid(gone)"
    );
}

pub(crate) async fn a_row_that_moves_to_another_file_is_the_same(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    let sync = "_seed: {mode: sync}\nusers:\n  _key: email\n";
    let (ann, bob) = ("  ann: {email: ann@x}\n", "  bob: {email: bob@x}\n");
    let both = format!("{sync}{ann}{bob}");
    let other = "_seed: {mode: sync}\nnotes:\n  n: {body: x}\n";
    bed.seed(&[("a", &both), ("b", other)]).await;
    bed.by_hand("UPDATE users SET email = 'own@x' WHERE email = 'bob@x'")
        .await;
    let (fewer, more) = (
        format!("{sync}{ann}"),
        format!("{other}users:\n  _key: email\n{bob}"),
    );
    assert_eq!(
        bed.seed(&[("a", &fewer), ("b", &more)]).await,
        "a edited\nb edited !users.bob(email)"
    );
    assert_eq!(
        bed.ask("SELECT email FROM users ORDER BY 1").await,
        "ann@x own@x"
    );
    assert_eq!(
        bed.seed(&[("a", &fewer), ("b", other)]).await,
        "b edited -users.bob"
    );
}

pub(crate) async fn a_seed_that_begins_to_sync_knows_what_it_made(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    bed.by_hand("INSERT INTO users (id, email) VALUES ('own', 'cid@x')")
        .await;
    bed.by_hand("INSERT INTO named VALUES ('own', 1)").await;
    let named = "named:\n  own: {name: own, v: 1}\n  new: {name: new, v: 1}\n";
    bed.settles(&format!("{USERS}{named}")).await;
    let fewer =
        "_seed: {mode: sync}\nusers:\n  _key: email\n  ann: {email: ann@x, name: Ann}\nnamed: {}\n";
    assert_eq!(bed.settles(fewer).await, "a edited -named.new -users.bob");
    assert_eq!(
        bed.ask("SELECT email FROM users ORDER BY 1").await,
        "ann@x cid@x"
    );
    assert_eq!(bed.ask("SELECT name FROM named").await, "own");
}

pub(crate) async fn another_key_column_finds_the_same_rows(world: World) {
    let bed = seeded(world, USERS).await;
    let keyed = USERS.replace("_key: email", "_key: phone");
    let keyed = keyed.replace("email: ann@x", "phone: '1', email: anna@x");
    let keyed = keyed.replace("email: bob@x", "phone: '2', email: bob@x");
    let keyed = keyed.replace("email: cid@x", "phone: '3', email: cid@x");
    assert_eq!(
        bed.settles(&keyed).await,
        "a edited ~users.ann(email: ann@x → anna@x, phone: NULL → 1) ~users.bob(phone: NULL → 2) ~users.cid(phone: NULL → 3)"
    );
    assert_eq!(bed.ask("SELECT count(*) FROM users").await, "3");
}

pub(crate) async fn rows_of_a_dropped_table_are_made_again(world: World) {
    let named = "named:\n  one: {name: one, v: 1}\n  two: {name: two, v: 2}\n";
    let mut bed = seeded(world, named).await;
    let first = ("V1__schema.sql", SCHEMA);
    let drop = ("V2__drop.sql", "DROP TABLE named;");
    let again = (
        "V3__again.sql",
        "CREATE TABLE named (name TEXT PRIMARY KEY, v INTEGER);",
    );
    let down = ("V3__again.down.sql", "DROP TABLE named;");
    bed.migrate(&[first, drop]).await;
    bed.migrate(&[first, drop, again, down]).await;
    assert_eq!(bed.settles(named).await, "a +named.one +named.two");
    // What is removed from then on is removed by hand.
    bed.by_hand("DELETE FROM named WHERE name = 'two'").await;
    assert_eq!(bed.one(named).await, "a !named.two(gone)");
    // An undo drops it too.
    bed.world.undo(Back::Steps(1)).await.unwrap();
    bed.migrate(&[first, drop, again, down]).await;
    let edited = named.replace("v: 1", "v: 3");
    assert_eq!(bed.settles(&edited).await, "a edited +named.one +named.two");
}

pub(crate) async fn a_rebuilt_table_keeps_what_was_done_by_hand(world: World) {
    let mut bed = seeded(world, USERS).await;
    bed.by_hand("DELETE FROM users WHERE email = 'cid@x'").await;
    let rebuild = "CREATE TABLE new_users (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, phone TEXT UNIQUE, name TEXT, more TEXT);
        INSERT INTO new_users (id, email, phone, name) SELECT id, email, phone, name FROM users;
        DROP TABLE users;
        ALTER TABLE new_users RENAME TO users;";
    bed.migrate(&[("V1__schema.sql", SCHEMA), ("V2__rebuild.sql", rebuild)])
        .await;
    assert_eq!(bed.one(USERS).await, "a !users.cid(gone)");
}

pub(crate) async fn rows_that_follow_from_their_labels_have_no_entries(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    let file = "_seed: {mode: sync}\nnotes:\n  n_{0001..3000}: {body: '${label}'}\n";
    bed.settles(file).await;
    let table = "SELECT count(*) FROM sqlite_schema WHERE name = '_seedbed_rows'";
    assert_eq!(bed.ask(table).await, "0");
    let fewer = file.replace("3000", "2999");
    assert_eq!(bed.settles(&fewer).await, "a edited -notes.n_3000");
    assert_eq!(bed.ask(table).await, "0");
}

pub(crate) async fn a_seed_is_forgotten(world: World) {
    let bed = seeded(world, USERS).await;
    let other = "named: {one: {name: one, v: 1}}\n";
    let told = bed.seed(&[("b", other)]).await;
    assert!(told.contains("missing: seed a was applied"), "{told}");
    assert_eq!(
        bed.forget("aa", ForgetRows::Stay, &[("b", other)]).await,
        "unknown-seed: no seed `aa` is recorded in this database (`a`?)"
    );
    let refused = bed.forget("a", ForgetRows::Go, &[("b", other)]).await;
    assert!(refused.starts_with("not-sync: "), "{refused}");
    assert_eq!(bed.forget("a", ForgetRows::Stay, &[("b", other)]).await, "");
    assert_eq!(bed.world.recorded().await, "V1 b");
    assert_eq!(bed.ask("SELECT count(*) FROM users").await, "3");
    assert_eq!(bed.seed(&[("b", other)]).await, "");
    // Its rows are found again.
    assert_eq!(
        bed.one(USERS).await,
        "missing: seed b was applied, and its file is gone; its rows stay\na new"
    );
}

pub(crate) async fn a_seed_is_forgotten_with_its_rows(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    bed.by_hand("INSERT INTO users (id, email) VALUES ('own', 'cid@x')")
        .await;
    let file = format!("_seed: {{mode: sync}}{USERS}");
    let other = "users:\n  _key: email\n  bobby: {email: bob@x}\n";
    bed.seed(&[("a", &file)]).await;
    bed.seed(&[("b", other)]).await;
    bed.by_hand("INSERT INTO notes (id, user_id) SELECT 1, id FROM users WHERE email = 'ann@x'")
        .await;
    let refused = bed.forget("a", ForgetRows::Go, &[("b", other)]).await;
    assert!(refused.contains("has-children: `users.ann`"), "{refused}");
    bed.by_hand("DELETE FROM notes").await;
    assert_eq!(
        bed.forget("a", ForgetRows::Go, &[("b", other)]).await,
        "a edited -users.ann"
    );
    assert_eq!(
        bed.ask("SELECT email FROM users ORDER BY 1").await,
        "bob@x cid@x"
    );
    assert_eq!(bed.world.recorded().await, "V1 b");
}

pub(crate) async fn a_database_of_layout_1_is_continued(world: World) {
    let file = format!("_seed: {{mode: sync}}{USERS}");
    let bed = Bed::new(world, SCHEMA).await;
    bed.by_hand("INSERT INTO users (id, email, name) VALUES ('own', 'cid@x', 'Cid')")
        .await;
    bed.settles(&file).await;
    let layout = "SELECT detail FROM _migrations WHERE version = 'layout'";
    assert_eq!(bed.ask(layout).await, "2");
    bed.by_hand("DROP TABLE _seedbed_rows").await;
    bed.is_of_layout_1(&[
        ("users", "[\"email\"]", "[\"ann@x\"]", "ann"),
        ("users", "[\"email\"]", "[\"bob@x\"]", "bob"),
    ])
    .await;
    bed.by_hand("UPDATE users SET name = 'Queen' WHERE email = 'bob@x'")
        .await;
    assert_eq!(bed.one(&file).await, "a !users.bob(name)");
    assert_eq!(bed.ask(layout).await, "1");
    let edited = file.replace("name: Ann", "name: Anna");
    assert_eq!(
        bed.one(&edited).await,
        "a edited ~users.ann(name: Ann → Anna) !users.bob(name)"
    );
    assert_eq!(bed.ask(layout).await, "2");
    // Only what does not follow from the file is in the table by now: the row that was there before.
    assert_eq!(
        bed.ask("SELECT label, key FROM _seedbed_rows").await,
        "cid|[\"own\"]"
    );
    bed.by_hand("UPDATE users SET email = 'other@x' WHERE id = 'own'")
        .await;
    assert_eq!(
        bed.one(&edited).await,
        "a !users.bob(name) !users.cid(email)"
    );
    let none = "_seed: {mode: sync}\nusers: {_key: email}\n";
    assert_eq!(bed.settles(none).await, "a edited -users.ann -users.bob");
    assert_eq!(bed.ask(NAMES).await, "other@x|Cid");
}

pub(crate) async fn a_removed_label_is_remembered(world: World) {
    let bed = seeded(world, USERS).await;
    let fewer = USERS.replace("  cid: {email: cid@x, name: Cid}\n", "");
    assert_eq!(bed.settles(&fewer).await, "a edited");
    // It comes again, and is the same row, whatever became of it.
    bed.by_hand("UPDATE users SET email = 'sid@x' WHERE email = 'cid@x'")
        .await;
    assert_eq!(
        bed.settles(USERS).await,
        "a edited ~users.cid(email: sid@x → cid@x)"
    );
    bed.settles(&fewer).await;
    bed.by_hand("DELETE FROM users WHERE email = 'cid@x'").await;
    assert_eq!(bed.one(USERS).await, "a edited !users.cid(gone)");
    assert_eq!(bed.ask("SELECT count(*) FROM users").await, "2");
}

pub(crate) async fn keys_that_change_places_do_so_in_one_run(world: World) {
    let bed = seeded(world, USERS).await;
    let ids = "SELECT group_concat(name || id) FROM (SELECT name, id FROM users ORDER BY name)";
    let before = bed.ask(ids).await;
    let swapped = USERS
        .replace("ann@x", "-")
        .replace("bob@x", "ann@x")
        .replace("email: -", "email: bob@x");
    assert_eq!(
        bed.settles(&swapped).await,
        "a edited ~users.ann(email: ann@x → bob@x) ~users.bob(email: bob@x → ann@x)"
    );
    assert_eq!(bed.ask(ids).await, before);
    assert_eq!(bed.ask(NAMES).await, "ann@x|Bob bob@x|Ann cid@x|Cid");
}

pub(crate) async fn primary_keys_that_change_places_change_the_rows(world: World) {
    let bed = Bed::new(
        world,
        "CREATE TABLE par (code TEXT PRIMARY KEY, name TEXT);
         CREATE TABLE child (id TEXT PRIMARY KEY, par TEXT REFERENCES par (code));",
    )
    .await;
    let file = |mode: &str, p: &str, q: &str| {
        format!(
            "_seed: {{mode: {mode}}}\npar: {{p: {{code: {p}, name: p}}, q: {{code: {q}, name: q}}, r: {{code: R, name: r}}}}\n\
             child:\n  _refs: {{par: par}}\n  c: {{par: p}}\n  d: {{par: q}}\n"
        )
    };
    let rows =
        "SELECT code, name, (SELECT count(*) FROM child WHERE par = code) FROM par ORDER BY code";
    let child = "SELECT par FROM child ORDER BY id";
    bed.settles(&file("upsert", "P", "Q")).await;
    let before = bed.ask(child).await;
    for (mode, p, q) in [("upsert", "Q", "P"), ("sync", "P", "Q"), ("sync", "Q", "P")] {
        let told = bed.settles(&file(mode, p, q)).await;
        let expect = match p {
            "P" => "P|p|1 Q|q|1 R|r|0",
            _ => "P|q|1 Q|p|1 R|r|0",
        };
        assert_eq!(bed.ask(rows).await, expect, "{told}");
        assert!(!told.contains('!'), "{told}");
        let changed = bed.ask(child).await != before;
        assert_eq!(changed, p == "Q", "{told}");
    }
    // What was changed by hand stays, and is reported.
    bed.by_hand("UPDATE par SET name = 'by hand' WHERE code = 'P'")
        .await;
    let told = bed.one(&file("sync", "P", "Q")).await;
    assert!(told.contains("!par.p(name)"), "{told}");
    assert_eq!(bed.ask(rows).await, "P|by hand|1 Q|q|1 R|r|0");
}

pub(crate) async fn references_follow_a_renamed_table_wherever_they_stand(world: World) {
    let notes = "notes:
  a: {body: {of: !ref users.ann.id, all: [!ref users.bob.email]}}
  b: {user_id: !pick [!ref users.ann, !ref users.bob]}
";
    let file = format!("{USERS}{notes}");
    let mut bed = seeded(world, &file).await;
    let rename = ("V2__people.sql", "ALTER TABLE users RENAME TO people;");
    bed.migrate(&[("V1__schema.sql", SCHEMA), rename]).await;
    bed.by_hand("UPDATE notes SET body = 'by hand' WHERE body IS NOT NULL")
        .await;
    let renamed = file
        .replace("users:", "people:\n  _was: users")
        .replace("!ref users", "!ref people");
    assert_eq!(bed.one(&renamed).await, "a edited !notes.a(body)");
    assert_eq!(
        bed.one(&renamed.replace("name: Cid", "name: Sid")).await,
        "a edited ~people.cid(name: Cid → Sid) !notes.a(body)"
    );
}

pub(crate) async fn a_column_that_is_declared_no_longer_is_reported(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    let file = USERS.replace("name: Cid", "name: Cid, phone: '3'");
    bed.settles(&file).await;
    bed.by_hand("UPDATE users SET name = 'Queen' WHERE email = 'bob@x'")
        .await;
    // The name of Bob is the user's own.
    let edited = file.replace(", name: Bob", "").replace(", phone: '3'", "");
    assert_eq!(
        bed.one(&edited).await,
        "a:6:3 kept-value: `users.cid` has no `phone` any more, and keeps the value that it has in the database\na edited"
    );
    assert_eq!(bed.one(&edited).await, "");
    let none = edited.replace(", name: Ann", "").replace(", name: Cid", "");
    assert_eq!(
        bed.one(&none).await,
        "a:4:3 kept-value: 2 rows of `users` have no `name` any more, and keep the values that they have in the database\na edited"
    );
    assert_eq!(bed.ask(NAMES).await, "ann@x|Ann bob@x|Queen cid@x|Cid");
    // A value that a new row would have too is no loss.
    let null = none.replace("email: ann@x", "email: ann@x, name: ~");
    assert_eq!(
        bed.settles(&null).await,
        "a edited ~users.ann(name: Ann → NULL)"
    );
    assert_eq!(bed.settles(&none).await, "a edited");
    // In mode `insert` nothing of a row is written again.
    let insert = format!("_seed: {{mode: insert}}{file}");
    bed.one(&insert).await;
    assert_eq!(
        bed.one(&format!("_seed: {{mode: insert}}{none}")).await,
        "a edited"
    );
}

/// What a file of random lives declares: value and version of the key by label.
type File = BTreeMap<char, (usize, usize)>;

fn text(file: &File, mode: &str) -> String {
    let mut text = format!("_seed: {{mode: {mode}}}\nlives:\n  _id: id_${{label}}\n  _key: k\n");
    for (label, (value, key)) in file {
        text.push_str(&format!(
            "  {label}: {{k: {label}{key}, v: '{value}', w: w}}\n"
        ));
    }
    text
}

/// Rows by id: key, value.
async fn rows(bed: &Bed) -> BTreeMap<String, (String, String)> {
    let all = bed.ask("SELECT id, k, v FROM lives ORDER BY id").await;
    let row = |row: &str| {
        let parts: Vec<String> = row.split('|').map(str::to_owned).collect();
        (parts[0].clone(), (parts[1].clone(), parts[2].clone()))
    };
    all.split_whitespace().map(row).collect()
}

pub(crate) async fn random_lives_keep_four_promises(world: World) {
    let schema =
        "CREATE TABLE lives (id TEXT PRIMARY KEY, k TEXT NOT NULL UNIQUE, v TEXT, w TEXT);";
    let bed = Bed::new(world, schema).await;
    // More by hand: `SEEDBED_TEST_LIVES=300`.
    let lives = std::env::var("SEEDBED_TEST_LIVES").ok();
    let lives: u64 = lives.and_then(|many| many.parse().ok()).unwrap_or(5);
    for life in 0..lives {
        let mut dice = Dice(life);
        bed.by_hand("DELETE FROM lives").await;
        bed.forget("a", ForgetRows::Stay, &[]).await;
        bed.by_hand("INSERT INTO lives (id, k, v) VALUES ('own', 'f0', 'own')")
            .await;
        let mode = ["upsert", "sync", "insert"][dice.below(3)];
        let mut file = File::new();
        let mut story = Vec::new();
        // Ids of rows that a person removed while the seed knew them.
        let mut removed: BTreeSet<String> = BTreeSet::new();
        for step in 0..12 {
            let before_edit = file.clone();
            for _ in 0..dice.below(3) {
                let label = char::from(b'a' + u8::try_from(dice.below(6)).unwrap());
                match dice.below(5) {
                    0 if file.len() > 1 => {
                        file.remove(&label);
                    }
                    1 => {
                        file.entry(label)
                            .and_modify(|it| it.1 += 1)
                            .or_insert((0, 0));
                    }
                    _ => {
                        file.entry(label)
                            .and_modify(|it| it.0 += 1)
                            .or_insert((0, 0));
                    }
                }
            }
            file.entry('a').or_insert((0, 0));
            let all = rows(&bed).await;
            let ids: Vec<&String> = all.keys().filter(|id| id.starts_with("id_")).collect();
            if !ids.is_empty() && step > 0 {
                let id = ids[dice.below(ids.len())].clone();
                let sql = match dice.below(4) {
                    0 => format!("UPDATE lives SET v = 'hand{step}' WHERE id = '{id}'"),
                    1 => format!("UPDATE lives SET k = 'hand{step}' WHERE id = '{id}'"),
                    2 => {
                        removed.insert(id.clone());
                        format!("DELETE FROM lives WHERE id = '{id}'")
                    }
                    _ => "SELECT 1".to_owned(),
                };
                bed.by_hand(&sql).await;
                story.push(sql);
            }
            let before = rows(&bed).await;
            let text = text(&file, mode);
            let told = bed.one(&text).await;
            story.push(text.clone());
            story.push(told.clone());
            let story = || format!("life {life}, step {step}:\n{}", story.join("\n"));
            // The application has the key that is declared: nothing happened.
            if told.contains(" taken: ") {
                assert_eq!(rows(&bed).await, before, "{}", story());
                file = before_edit;
                continue;
            }
            assert!(!told.contains("failed"), "{}", story());
            let after = rows(&bed).await;
            // A second run changes nothing.
            let again = bed.one(&text).await;
            let writes = |word: &str| word.starts_with(['+', '~', '-']);
            assert!(!again.split(' ').any(writes), "{again}\n{}", story());
            assert_eq!(rows(&bed).await, after, "{}", story());
            // Only differences of the file are applied.
            for (id, (key, value)) in &before {
                let label = id.strip_prefix("id_").and_then(|it| it.chars().next());
                let of = |file: &File| label.and_then(|label| file.get(&label).copied());
                match after.get(id) {
                    None => {
                        // Only mode `sync` deletes, and only what it made and declares no longer.
                        assert_eq!(mode, "sync", "{}", story());
                        assert!(label.is_some() && of(&file).is_none(), "{id}\n{}", story());
                    }
                    Some((now_key, now_value)) => {
                        let (old, new) = (of(&before_edit), of(&file));
                        let same =
                            |part: fn((usize, usize)) -> usize| old.map(part) == new.map(part);
                        assert!(
                            now_value == value || !same(|it| it.0) || id == "own",
                            "{id}\n{}",
                            story()
                        );
                        assert!(
                            now_key == key || !same(|it| it.1) || id == "own",
                            "{id}\n{}",
                            story()
                        );
                    }
                }
            }
            // Nothing that a person removed comes back.
            for id in &removed {
                assert!(!after.contains_key(id), "{id}\n{}", story());
            }
            assert!(after.contains_key("own"), "{}", story());
        }
    }
}
