//! Rows whose keys change: with a variable (`!env`), with a row to which they refer, or with their file. Each
//! specification gets a new and empty database.

use seedbed::seeds::{ForgetRows, Refresh};

use super::Bed;
use crate::world::World;

const SCHEMA: &str = "
CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, n INTEGER, other TEXT);
CREATE TABLE c (id TEXT PRIMARY KEY, p_id TEXT, kind TEXT, v TEXT, UNIQUE (p_id, kind));
CREATE TABLE owned (p TEXT NOT NULL REFERENCES users (id), v INTEGER, PRIMARY KEY (p, v));
CREATE TABLE named (name TEXT PRIMARY KEY, v INTEGER);
CREATE TABLE boxes (id TEXT PRIMARY KEY, mail TEXT NOT NULL UNIQUE);
CREATE TABLE mails (id TEXT PRIMARY KEY, mail TEXT REFERENCES boxes (mail));
CREATE TABLE moved (p TEXT REFERENCES users (id) ON UPDATE CASCADE, v INTEGER, PRIMARY KEY (p));
";

const ADMIN: &str =
    "_seed: {mode: sync}\nusers: {_key: email, admin: {email: !env ADMIN_MAIL, n: 1}}\n";

const USERS: &str = "SELECT email, n, other FROM users ORDER BY email";

pub(crate) async fn a_sync_moves_a_row_with_the_variable_of_its_key(world: World) {
    let mut bed = Bed::new(world, SCHEMA).await;
    bed.var("ADMIN_MAIL", "one@x");
    bed.settles(ADMIN).await;
    bed.by_hand("UPDATE users SET other = 'kept'").await;
    bed.var("ADMIN_MAIL", "two@x");
    assert_eq!(
        bed.planned(&[("a", ADMIN)]).await,
        "a ~users.admin(email: *** → ***)"
    );
    assert_eq!(bed.settles(ADMIN).await, "a ~users.admin(email: *** → ***)");
    assert_eq!(bed.ask(USERS).await, "two@x|1|kept");
    // Changed by hand besides: the row is left where it is.
    bed.by_hand("UPDATE users SET n = 5").await;
    bed.var("ADMIN_MAIL", "three@x");
    assert_eq!(bed.one(ADMIN).await, "a !users.admin(email, n)");
    assert_eq!(bed.ask(USERS).await, "two@x|5|kept");
    // It is still the row of this seed.
    let none = "_seed: {mode: sync}\nusers: {}\n";
    assert_eq!(bed.settles(none).await, "a edited -users.admin");
    assert_eq!(bed.ask(USERS).await, "");
}

pub(crate) async fn a_sync_inserts_under_a_new_primary_key_and_deletes_the_old_row(world: World) {
    let mut bed = Bed::new(world, SCHEMA).await;
    let file = "_seed: {mode: sync}\nnamed: {_key: name, one: {name: !env NAME, v: 1}}\n";
    bed.var("NAME", "old");
    bed.settles(file).await;
    bed.var("NAME", "new");
    assert_eq!(bed.settles(file).await, "a +named.one -named.one");
    assert_eq!(bed.ask("SELECT name, v FROM named").await, "new|1");
    bed.by_hand("DELETE FROM named").await;
    assert_eq!(bed.one(file).await, "a !named.one(gone)");
}

pub(crate) async fn a_label_is_the_row_of_its_new_primary_key(world: World) {
    let schema = "CREATE TABLE marks (id INTEGER PRIMARY KEY, body TEXT);\n\
                  CREATE TABLE kids (id INTEGER PRIMARY KEY, mark_id INTEGER REFERENCES marks (id));";
    let mut bed = Bed::new(world, schema).await;
    let marks = "SELECT id, body FROM marks ORDER BY id";
    bed.settles("marks: {k: {id: 1, body: x}}\n").await;
    let file = "marks: {k: {id: 2, body: y}}\n";
    assert_eq!(bed.settles(file).await, "a edited +marks.k");
    assert_eq!(bed.ask(marks).await, "1|x 2|y");
    // The row of the old key is the application's from now on, whatever is refreshed or edited.
    bed.by_hand("UPDATE marks SET body = 'precious' WHERE id = 1")
        .await;
    bed.options.refresh = Refresh::Yes;
    assert_eq!(bed.one(file).await, "");
    bed.options.refresh = Refresh::No;
    let file = "marks: {k: {id: 2, body: three}}\nkids: {c: {id: 1, mark: k}}\n";
    assert_eq!(
        bed.settles(file).await,
        "a edited +kids.c ~marks.k(body: y → three)"
    );
    assert_eq!(bed.ask(marks).await, "1|precious 2|three");
    assert_eq!(bed.ask("SELECT mark_id FROM kids").await, "2");
    // A row that was deleted by hand does not become the old one.
    bed.by_hand("DELETE FROM kids").await;
    bed.by_hand("DELETE FROM marks WHERE id = 2").await;
    assert_eq!(bed.one(file).await, "a !kids.c(gone) !marks.k(gone)");
    assert_eq!(bed.ask(marks).await, "1|precious");
}

pub(crate) async fn a_sync_deletes_the_rows_of_both_keys(world: World) {
    let schema = "CREATE TABLE marks (id INTEGER PRIMARY KEY, body TEXT);";
    let bed = Bed::new(world, schema).await;
    bed.settles("marks: {k: {id: 1, body: x}}\n").await;
    bed.settles("marks: {k: {id: 2, body: y}}\n").await;
    bed.settles("_seed: {mode: sync}\nmarks: {}\n").await;
    assert_eq!(bed.ask("SELECT id FROM marks").await, "");
}

pub(crate) async fn a_sync_follows_a_referenced_id_that_the_application_changed(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    let p = "users: {_key: email, ann: {email: ann@x, n: 1}}\n";
    let c = "_seed: {mode: sync}\nc: {_key: [p_id, kind], one: {p_id: !ref users.ann.id, kind: k, v: x}}\n";
    bed.seed(&[("a", p), ("b", c)]).await;
    bed.by_hand("UPDATE users SET id = 'u9'").await;
    let told = bed.seed(&[("a", p), ("b", c)]).await;
    assert!(told.starts_with("b ~c.one(p_id: "), "{told}");
    assert_eq!(bed.ask("SELECT p_id, kind, v FROM c").await, "u9|k|x");
    assert_eq!(bed.seed(&[("a", p), ("b", c)]).await, "");
}

pub(crate) async fn a_sync_moves_a_row_whose_key_was_edited_and_keeps_its_children(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    let file = "_seed: {mode: sync}\nusers: {_key: email, ann: {email: ann@x}}\nowned: {_key: [p, v], one: {p: !ref users.ann.id, v: 1}}\n";
    bed.settles(file).await;
    let before = bed.ask("SELECT p, v FROM owned").await;
    let edited = file.replace("ann@x", "anna@x");
    assert_eq!(
        bed.settles(&edited).await,
        "a edited ~users.ann(email: ann@x → anna@x)"
    );
    assert_eq!(bed.ask("SELECT p, v FROM owned").await, before);
    assert_eq!(bed.ask("SELECT email FROM users").await, "anna@x");
}

pub(crate) async fn a_sync_counts_only_rows_that_it_found(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    let file = "_seed: {mode: sync}\nnamed: {one: {name: one, v: 1}, two: {name: two, v: 2}}\n";
    bed.settles(file).await;
    bed.by_hand("UPDATE named SET name = 'elsewhere' WHERE name = 'two'")
        .await;
    let fewer = "_seed: {mode: sync}\nnamed: {one: {name: one, v: 1}}\n";
    assert_eq!(bed.settles(fewer).await, "a edited");
    assert_eq!(
        bed.ask("SELECT name FROM named ORDER BY 1").await,
        "elsewhere one"
    );
    // It is remembered as removed.
    assert_eq!(bed.ask("SELECT label FROM _seedbed_rows").await, "two");
    // The application changed the id of a parent, and its child went along: it is the row of this seed still.
    let both = "_seed: {mode: sync}\nmoved: {_key: p, one: {p: !ref users.ann.id, v: 1}}\n";
    let users = "users: {_key: email, ann: {email: ann@x}}\n";
    bed.seed(&[("a", fewer), ("p", users), ("q", both)]).await;
    bed.by_hand("UPDATE users SET id = 'u9'").await;
    assert_eq!(
        bed.seed(&[("a", fewer), ("p", users), ("q", both)]).await,
        ""
    );
    let none = "_seed: {mode: sync}\nmoved: {}\n";
    assert_eq!(
        bed.seed(&[("a", fewer), ("p", users), ("q", none)]).await,
        "q edited -moved.one"
    );
    assert_eq!(bed.ask("SELECT count(*) FROM moved").await, "0");
}

pub(crate) async fn a_key_from_a_variable_is_not_in_the_ledger(world: World) {
    let mut bed = Bed::new(world, SCHEMA).await;
    let file = "_seed: {mode: sync}\nnamed: {one: {name: !env NAME, v: 1}}\n";
    bed.var("NAME", "s3cr3t-one");
    bed.settles(file).await;
    let ledger = "SELECT quote(key) || quote(label) FROM _seedbed_rows";
    assert!(!bed.ask(ledger).await.contains("s3cr3t"));
    // A ledger of an older version is read, and its plain value is replaced.
    bed.by_hand("UPDATE _seedbed_rows SET key = '[\"s3cr3t-one\"]'")
        .await;
    assert_eq!(bed.settles(file).await, "");
    assert!(!bed.ask(ledger).await.contains("s3cr3t"));
    bed.by_hand("UPDATE _seedbed_rows SET key = '[\"s3cr3t-one\"]'")
        .await;
    bed.var("NAME", "s3cr3t-two");
    assert_eq!(bed.settles(file).await, "a +named.one -named.one");
    assert!(!bed.ask(ledger).await.contains("s3cr3t"));
    assert_eq!(bed.ask("SELECT name FROM named").await, "s3cr3t-two");
    let none = "_seed: {mode: sync}\nnamed: {}\n";
    assert_eq!(bed.settles(none).await, "a edited -named.one");
}

pub(crate) async fn a_row_whose_key_changed_is_not_reported_as_deleted(world: World) {
    let mut bed = Bed::new(world, SCHEMA).await;
    let file = "named: {one: {name: !env NAME, v: 1}}\n";
    bed.var("NAME", "one");
    bed.settles(file).await;
    bed.var("NAME", "two");
    let told = "a !named.one(the key changed with the variable NAME, and no row has the new one; not inserted)";
    assert_eq!(bed.one(file).await, told);
    assert_eq!(bed.planned(&[("a", file)]).await, told);
    bed.by_hand("UPDATE named SET name = 'two'").await;
    assert_eq!(bed.one(file).await, "");
    bed.var("NAME", "one");
    bed.by_hand("DELETE FROM named").await;
    assert_eq!(bed.one(file).await, "a !named.one(gone)");
}

pub(crate) async fn a_row_with_an_id_of_its_own_follows_the_variable_of_its_key(world: World) {
    let mut bed = Bed::new(world, SCHEMA).await;
    let file = "users: {_key: email, admin: {email: !env ADMIN_MAIL, n: 1}}\n";
    bed.var("ADMIN_MAIL", "one@x");
    bed.settles(file).await;
    bed.var("ADMIN_MAIL", "two@x");
    assert_eq!(bed.settles(file).await, "a ~users.admin(email: *** → ***)");
    assert_eq!(bed.ask(USERS).await, "two@x|1|NULL");
    // The application changed the address: that is no change of the variable.
    bed.by_hand("UPDATE users SET email = 'own@x'").await;
    assert_eq!(bed.one(file).await, "a !users.admin(email)");
    bed.var("ADMIN_MAIL", "three@x");
    assert_eq!(bed.one(file).await, "a !users.admin(email)");
    assert_eq!(bed.ask(USERS).await, "own@x|1|NULL");
}

pub(crate) async fn a_reference_to_a_row_that_is_not_there_is_refused(world: World) {
    let mut bed = Bed::new(world, SCHEMA).await;
    let file = "boxes: {_key: mail, a: {mail: !env ADMIN_MAIL}}\nmails: {one: {mail: !ref boxes.a.mail}}\n";
    bed.var("ADMIN_MAIL", "one@x");
    bed.settles(file).await;
    bed.var("ADMIN_MAIL", "two@x");
    bed.by_hand("INSERT INTO mails VALUES ('hers', 'one@x')")
        .await;
    let before = bed.dump().await;
    assert_eq!(
        bed.one(file).await,
        "a:1:31 has-children: `mail` of `boxes.a` changes, and rows of `mails` refer to its old value: `mails` with id hers"
    );
    assert_eq!(bed.dump().await, before);
    // The seed's own row follows.
    bed.by_hand("DELETE FROM mails WHERE id = 'hers'").await;
    assert_eq!(
        bed.settles(file).await,
        "a ~boxes.a(mail: *** → ***) ~mails.one(mail: *** → ***)"
    );
    // So it is in mode sync.
    let sync = format!("_seed: {{mode: sync}}\n{}", file.lines().next().unwrap());
    let bed_file = format!("{sync}\n");
    bed.by_hand("DELETE FROM mails").await;
    bed.by_hand("DELETE FROM boxes").await;
    bed.forget("a", ForgetRows::Stay, &[]).await;
    bed.settles(&bed_file).await;
    bed.by_hand("INSERT INTO mails VALUES ('own', 'two@x')")
        .await;
    bed.var("ADMIN_MAIL", "three@x");
    let told = bed.one(&bed_file).await;
    assert!(
        told.contains("`mail` of `boxes.a` changes, and rows of `mails` refer to its old value: `mails` with id own"),
        "{told}"
    );
    assert_eq!(bed.ask("SELECT mail FROM boxes").await, "two@x");
}

pub(crate) async fn a_row_of_a_hashed_key_that_is_no_longer_declared_is_deleted(world: World) {
    let mut bed = Bed::new(world, SCHEMA).await;
    let two = ADMIN.replace("}}", "}, ann: {email: ann@x}}");
    bed.var("ADMIN_MAIL", "one@x");
    bed.by_hand("INSERT INTO users (id, email) VALUES ('own', 'own@x')")
        .await;
    bed.settles(&two).await;
    // The variable is another one too by now.
    bed.var("ADMIN_MAIL", "own@x");
    let fewer = "_seed: {mode: sync}\nusers: {_key: email, ann: {email: ann@x}}\n";
    assert_eq!(bed.settles(fewer).await, "a edited -users.admin");
    assert_eq!(bed.ask(USERS).await, "ann@x|NULL|NULL own@x|NULL|NULL");
}

pub(crate) async fn no_declared_row_is_lost_when_variables_change_places(world: World) {
    let mut bed = Bed::new(world, SCHEMA).await;
    let file = "_seed: {mode: sync}\nnamed: {_key: name, a: {name: !env A, v: 1}, b: {name: !env B, v: 1}}\n";
    bed.var("A", "one");
    bed.var("B", "two");
    bed.settles(file).await;
    bed.var("A", "two");
    bed.var("B", "three");
    bed.one(file).await;
    assert_eq!(
        bed.ask("SELECT name, v FROM named ORDER BY 1").await,
        "three|1 two|1"
    );
    assert_eq!(bed.one(file).await, "");
    let none = "_seed: {mode: sync}\nnamed: {}\n";
    bed.settles(none).await;
    assert_eq!(bed.ask("SELECT count(*) FROM named").await, "0");
}

pub(crate) async fn a_row_of_the_same_seed_follows_a_changed_key(world: World) {
    let mut bed = Bed::new(world, SCHEMA).await;
    // The key of the child changes with that of its parent, so both rows are replaced.
    let file = "_seed: {mode: sync}\nusers: {_key: id, a: {id: !env ID, email: a@x}}\nowned: {_key: [p, v], one: {p: !ref users.a.id, v: 1}}\n";
    bed.var("ID", "one");
    bed.settles(file).await;
    bed.var("ID", "two");
    assert_eq!(
        bed.settles(file).await,
        "a +owned.one -owned.one +users.a -users.a"
    );
    assert_eq!(bed.ask("SELECT p, v FROM owned").await, "two|1");
    // The key of this child is its own, so it lets go of its parent for a while.
    let file = "_seed: {mode: sync}\nboxes: {_key: mail, a: {mail: !env ID}}\nmails: {one: {mail: !ref boxes.a.mail}}\n";
    let first = "_seed: {mode: sync}\nusers: {}\n";
    bed.seed(&[("a", first), ("b", file)]).await;
    bed.var("ID", "three");
    assert_eq!(
        bed.seed(&[("a", first), ("b", file)]).await,
        "b ~boxes.a(mail: *** → ***) ~mails.one(mail: *** → ***)"
    );
    assert_eq!(bed.seed(&[("a", first), ("b", file)]).await, "");
    assert_eq!(bed.ask("SELECT mail FROM mails").await, "three");
}

pub(crate) async fn a_variable_of_the_wrong_type_is_not_to_be_quoted(world: World) {
    let mut bed = Bed::new(world, SCHEMA).await;
    bed.var("N", "many");
    let seeds = seedbed::seeds::Seeds::of_texts([("a", "users: {a: {email: a@x, n: !env N}}\n")]);
    let Err(seedbed::seeds::ApplyError::Problems { problems, .. }) = bed.try_seed(&seeds).await
    else {
        panic!("it was seeded");
    };
    assert_eq!(
        problems[0].help,
        ["set the variable to a value of the type of the column"]
    );
}
