//! The guards on a server: what they need to know is read with the history, and they are sent with the migrations.

use seedbed::db::{Db, Options};

use crate::server::ours;
use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn guards_of_triggers_and_foreign_keys_take_no_request_more() {
    let server = ours(seedbed_test_server::Options::default());
    let world = World::of(Db::remote(&server.url(), None, Options::default()).unwrap());
    let first = (
        "V1__t.sql",
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (pid REFERENCES p) ; CREATE TABLE log (x);
         CREATE TRIGGER tg AFTER UPDATE ON c BEGIN INSERT INTO log VALUES (new.pid); END;",
    );
    let second = (
        "V2__c.sql",
        "CREATE TABLE n (pid REFERENCES p); DROP TABLE c; ALTER TABLE n RENAME TO c;
         CREATE TRIGGER tg AFTER UPDATE ON c BEGIN INSERT INTO log VALUES (new.pid); END;",
    );
    world.apply(&[first]).await.unwrap();
    assert_eq!(server.requests().len(), 2);
    world.apply(&[first, second]).await.unwrap();
    assert_eq!(server.requests().len(), 4);
}
