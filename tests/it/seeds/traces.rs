//! Values that may not be recorded (`!env`, `!hash`, `!now`, `!ago`), changed by hand or by their variables, in every
//! mode. Each specification gets a new and empty database.

use seedbed::seeds::Refresh;

use super::Bed;
use crate::world::World;

const SCHEMA: &str = "
CREATE TABLE u (id INTEGER PRIMARY KEY, mail TEXT, name TEXT, at TEXT, password TEXT);
CREATE TABLE sent (id INTEGER PRIMARY KEY, mail TEXT);
";

const ADMIN: &str = "u: {admin: {id: 1, mail: !env ADMIN_MAIL}}\n";

const MAIL: &str = "SELECT mail FROM u ORDER BY id";

async fn seeded(world: World, file: &str) -> Bed {
    let mut bed = Bed::new(world, SCHEMA).await;
    bed.var("ADMIN_MAIL", "s3cr3t@one");
    let told = bed.settles(file).await;
    assert!(!told.contains("s3cr3t"), "{told}");
    bed
}

pub(crate) async fn a_value_of_a_variable_that_was_changed_by_hand_is_left(world: World) {
    let mut bed = seeded(world, ADMIN).await;
    bed.by_hand("UPDATE u SET mail = 'queen@x'").await;
    let before = bed.revision().await;
    assert_eq!(bed.one(ADMIN).await, "a !u.admin(mail)");
    assert_eq!(bed.revision().await, before);
    // Both changed.
    bed.var("ADMIN_MAIL", "s3cr3t@two");
    assert_eq!(bed.one(ADMIN).await, "a !u.admin(mail)");
    assert_eq!(bed.ask(MAIL).await, "queen@x");
    // The file changed too, and not this value.
    let edited = ADMIN.replace("!env ADMIN_MAIL", "!env ADMIN_MAIL, name: A");
    assert_eq!(
        bed.one(&edited).await,
        "a edited ~u.admin(name: NULL → A) !u.admin(mail)"
    );
    assert_eq!(bed.one(&edited).await, "a !u.admin(mail)");
    assert_eq!(bed.ask(MAIL).await, "queen@x");
    bed.options.refresh = Refresh::Yes;
    assert_eq!(bed.settles(&edited).await, "a ~u.admin(mail: *** → ***)");
    bed.options.refresh = Refresh::No;
    assert_eq!(bed.one(&edited).await, "");
    assert_eq!(bed.ask(MAIL).await, "s3cr3t@two");
    // Only the variable changed.
    bed.var("ADMIN_MAIL", "s3cr3t@three");
    assert_eq!(bed.settles(&edited).await, "a ~u.admin(mail: *** → ***)");
    // Another column was changed by hand: the row is left.
    bed.by_hand("UPDATE u SET name = 'Queen'").await;
    bed.var("ADMIN_MAIL", "s3cr3t@four");
    assert_eq!(bed.one(&edited).await, "a !u.admin(mail, name)");
    assert_eq!(bed.ask(MAIL).await, "s3cr3t@three");
}

pub(crate) async fn a_row_that_was_deleted_and_made_again_by_hand_is_left(world: World) {
    let bed = seeded(world, ADMIN).await;
    bed.by_hand("DELETE FROM u").await;
    assert_eq!(bed.one(ADMIN).await, "a !u.admin(gone)");
    bed.by_hand("INSERT INTO u (id, mail) VALUES (1, 'queen@x')")
        .await;
    assert_eq!(bed.one(ADMIN).await, "a !u.admin(mail)");
    bed.by_hand("UPDATE u SET mail = 's3cr3t@one'").await;
    assert_eq!(bed.one(ADMIN).await, "");
}

pub(crate) async fn a_record_without_traces_leaves_what_differs(world: World) {
    let mut bed = seeded(world, ADMIN).await;
    let forget =
        "UPDATE _migrations SET detail = json_remove(detail, '$.written') WHERE kind = 'seed'";
    bed.by_hand(forget).await;
    assert_eq!(bed.one(ADMIN).await, "");
    bed.var("ADMIN_MAIL", "s3cr3t@two");
    assert_eq!(bed.one(ADMIN).await, "a !u.admin(mail)");
    // It stays unknown when the rest of the row is written.
    let edited = ADMIN.replace("!env ADMIN_MAIL", "!env ADMIN_MAIL, name: A");
    let again = edited.replace("name: A", "name: B");
    assert_eq!(
        bed.one(&edited).await,
        "a edited ~u.admin(name: NULL → A) !u.admin(mail)"
    );
    assert_eq!(
        bed.one(&again).await,
        "a edited ~u.admin(name: A → B) !u.admin(mail)"
    );
    bed.options.refresh = Refresh::Yes;
    assert_eq!(bed.settles(&again).await, "a ~u.admin(mail: *** → ***)");
    bed.options.refresh = Refresh::No;
    bed.var("ADMIN_MAIL", "s3cr3t@three");
    assert_eq!(bed.settles(&again).await, "a ~u.admin(mail: *** → ***)");
    // What is as the variable says is known as soon as a record is written.
    bed.by_hand(forget).await;
    assert_eq!(bed.settles(&edited).await, "a edited ~u.admin(name: B → A)");
    bed.var("ADMIN_MAIL", "s3cr3t@four");
    assert_eq!(bed.settles(&edited).await, "a ~u.admin(mail: *** → ***)");
}

pub(crate) async fn an_edited_seed_brings_its_variables(world: World) {
    let mut bed = seeded(world, "u: {admin: {id: 1, mail: literal@x}}\n").await;
    assert_eq!(
        bed.settles(ADMIN).await,
        "a edited ~u.admin(mail: *** → ***)"
    );
    bed.var("OTHER", "s3cr3t@other");
    let other = ADMIN.replace("ADMIN_MAIL", "OTHER");
    assert_eq!(
        bed.settles(&other).await,
        "a edited ~u.admin(mail: *** → ***)"
    );
    // Another label, and a comment: the row is the same.
    let renamed = other.replace("admin", "root");
    assert_eq!(bed.settles(&renamed).await, "a edited");
    let respelled = format!("# admins\n{renamed}");
    assert_eq!(bed.settles(&respelled).await, "a respelled");
    bed.by_hand("UPDATE u SET mail = 'queen@x'").await;
    assert_eq!(bed.one(&respelled).await, "a !u.root(mail)");
}

pub(crate) async fn a_reference_to_a_variable_is_one(world: World) {
    let file = format!("{ADMIN}sent: {{first: {{id: 1, mail: !ref u.admin.mail}}}}\n");
    let mut bed = seeded(world, &file).await;
    bed.var("ADMIN_MAIL", "s3cr3t@two");
    assert_eq!(
        bed.settles(&file).await,
        "a ~sent.first(mail: *** → ***) ~u.admin(mail: *** → ***)"
    );
    bed.by_hand("UPDATE sent SET mail = 'queen@x'").await;
    assert_eq!(bed.one(&file).await, "a !sent.first(mail)");
}

pub(crate) async fn times_and_hashes_changed_by_hand_are_reported(world: World) {
    let file = "u:\n  a: {id: 1, name: A, at: !now , password: !hash correct horse}\n  b: {id: 2, at: !ago 1..9 days}\n";
    let mut bed = seeded(world, file).await;
    bed.days_later(3);
    assert_eq!(bed.one(file).await, "");
    bed.by_hand("UPDATE u SET at = '2020-01-01', password = 'mine' WHERE id = 1")
        .await;
    bed.by_hand("UPDATE u SET at = '2020-01-01' WHERE id = 2")
        .await;
    let all = "SELECT name, at, password FROM u ORDER BY id";
    let before = bed.ask(all).await;
    assert_eq!(bed.one(file).await, "a !u.a(at, password) !u.b(at)");
    assert_eq!(bed.ask(all).await, before);
    // Nothing of it is written when the rest of the row is.
    let edited = file.replace("name: A", "name: B");
    assert_eq!(
        bed.one(&edited).await,
        "a edited ~u.a(name: A → B) !u.a(at, password) !u.b(at)"
    );
    assert_eq!(bed.ask(all).await, before.replace("A|", "B|"));
    bed.options.refresh = Refresh::Yes;
    let refreshed = bed.one(&edited).await;
    assert!(refreshed.contains("password: *** → ***"), "{refreshed}");
    bed.options.refresh = Refresh::No;
    assert_eq!(bed.one(&edited).await, "");
}

pub(crate) async fn a_trace_reveals_nothing(world: World) {
    let mut bed = seeded(world, ADMIN).await;
    let two = "u:\n  admin: {id: 1, mail: !env ADMIN_MAIL}\n  other: {id: 2, mail: !env ADMIN_MAIL, password: !hash correct horse}\n";
    bed.settles(two).await;
    bed.seed(&[("b", "sent: {one: {id: 1, mail: !env ADMIN_MAIL}}\n")])
        .await;
    let record = "SELECT quote(detail) || quote(source) || checksum || effective FROM _migrations WHERE kind = 'seed'";
    let record = bed.ask(record).await;
    for told in ["s3cr3t", "ADMIN", "mail", "argon2"] {
        let detail = record.split("'u:").next().unwrap();
        assert!(!detail.contains(told), "{record}");
    }
    // Equal values have different hashes, in one record and in two.
    let hashes = "SELECT count(*), count(DISTINCT cell.value), count(DISTINCT cell.key) FROM _migrations, \
                  json_each(detail, '$.written.cells') AS cell WHERE kind = 'seed'";
    assert_eq!(bed.ask(hashes).await, "4|4|4");
    let salts =
        "SELECT count(DISTINCT detail ->> '$.written.salt') FROM _migrations WHERE kind = 'seed'";
    assert_eq!(bed.ask(salts).await, "2");
    // Neither is the effective hash that of a value.
    let effective = "SELECT effective, checksum FROM _migrations WHERE version = 'b'";
    let before = bed.ask(effective).await;
    bed.var("ADMIN_MAIL", "s3cr3t@two");
    bed.seed(&[("b", "sent: {one: {id: 1, mail: !env ADMIN_MAIL}}\n")])
        .await;
    assert_eq!(bed.ask(effective).await, before);
}
