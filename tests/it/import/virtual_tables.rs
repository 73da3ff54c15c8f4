//! Rows that go into virtual tables that are there already, by the tables that these keep their content in; and rows that
//! the dump itself deletes again.

use seedbed::db::Engine;
use seedbed::dump::import::{Begin, ImportOptions, Input, Tables, plan};
use seedbed::dump::{Contents, ExportOptions, export};

use super::specification::{MANY, by_hand, many};
use super::{Dump, dump, told, words};
use crate::world::World;

fn into_existing(begin: Begin) -> ImportOptions {
    ImportOptions::default()
        .tables(Tables::Existing)
        .begin(begin)
}

/// Rows of a full-text index and of an R-Tree as `export --data-only` writes them.
async fn virtual_rows(rows: i64) -> String {
    let source = World::memory().await;
    let schema =
        "CREATE VIRTUAL TABLE f USING fts5(x); CREATE VIRTUAL TABLE r USING rtree(id, a, b)";
    by_hand(&source, schema).await;
    by_hand(
        &source,
        &format!(
            "WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < {rows}) \
             INSERT INTO f (rowid, x) SELECT i, 'alpha ' || i FROM c; \
             INSERT INTO r SELECT rowid, rowid, rowid + 1 FROM f"
        ),
    )
    .await;
    let options = ExportOptions::default().what(Contents::Data);
    let mut text = Vec::new();
    export(&source.db, &options, &mut text).await.unwrap();
    String::from_utf8(text).unwrap()
}

const VIRTUAL: &str =
    "CREATE VIRTUAL TABLE f USING fts5(x); CREATE VIRTUAL TABLE r USING rtree(id, a, b);";

pub(crate) async fn the_content_of_a_virtual_table_with_rows_is_not_replaced(world: World) {
    let rows = "INSERT INTO f (rowid, x) VALUES (50, 'mine'); INSERT INTO r VALUES (50, 1, 2);";
    world
        .apply(&[("V1__a.sql", &format!("{VIRTUAL}{rows}"))])
        .await
        .unwrap();
    let exported = Dump::new(virtual_rows(1).await);
    let refused = "the dump writes to f_data, which keeps the content of the virtual table f and has 1 row | \
                   the dump writes to r_rowid, which keeps the content of the virtual table r and has 1 row";
    let options = into_existing(Begin::Continue);
    let input = Input::File(exported.path());
    let planned = plan(&world.db, &input, &options).await;
    assert_eq!(words(&planned.unwrap_err()), refused);
    assert_eq!(
        told(exported.import_with(&world.db, &options).await),
        refused
    );
    for by_hand in [
        "DELETE FROM f_content;\nINSERT INTO f_content VALUES(1,'new');\n",
        "INSERT INTO f_content VALUES(51,'new');\n",
        "DELETE FROM F_CONTENT;\n",
    ] {
        let refused = told(Dump::new(by_hand).import_with(&world.db, &options).await);
        assert!(
            refused.contains("keeps the content of the virtual table f and has 1 row"),
            "{refused}"
        );
    }
    assert_eq!(
        world
            .ask("SELECT rowid, x FROM f WHERE f MATCH 'mine'")
            .await,
        "50|mine"
    );
    assert_eq!(world.ask("SELECT id FROM r").await, "50");
    // The virtual table itself takes rows beside its own.
    let beside = Dump::new("INSERT INTO f(rowid,x) VALUES(51,'yours');\n");
    assert_eq!(told(beside.import_with(&world.db, &options).await), "f 1");
    assert_eq!(world.ask("SELECT rowid FROM f ORDER BY 1").await, "50 51");
}

/// A connection that has used a full-text index keeps parts of it in memory, and does not notice that its tables are written
/// to. A database in memory has no other connection.
fn has_one_connection(world: &World) -> bool {
    world.db.engine() == Engine::Memory
}

pub(crate) async fn the_content_of_a_virtual_table_arrives_in_an_empty_one(world: World) {
    if has_one_connection(&world) {
        return;
    }
    // One that has had rows keeps traces of them.
    let schema = format!("{VIRTUAL}INSERT INTO f VALUES ('gone'); DELETE FROM f;");
    world.apply(&[("V1__a.sql", &schema)]).await.unwrap();
    let text = virtual_rows(1).await;
    let options = into_existing(Begin::Continue);
    let small = told(Dump::new(&text).import_with(&world.db, &options).await);
    assert!(
        small.contains("f_content 1") && small.contains("r_rowid 1"),
        "{small}"
    );
    assert_eq!(
        world.ask("SELECT rowid FROM f WHERE f MATCH 'alpha'").await,
        "1"
    );
    assert_eq!(world.ask("SELECT id FROM r").await, "1");
}

pub(crate) async fn the_content_of_a_large_virtual_table_arrives_in_an_empty_one(world: World) {
    if has_one_connection(&world) {
        return;
    }
    world.apply(&[("V1__a.sql", VIRTUAL)]).await.unwrap();
    let options = into_existing(Begin::Continue);
    let large = told(
        Dump::new(virtual_rows(3_000).await)
            .import_with(&world.db, &options)
            .await,
    );
    assert!(large.contains("f_content 3000"), "{large}");
    assert_eq!(
        world
            .ask("SELECT count(*) FROM f WHERE f MATCH 'alpha'")
            .await,
        "3000"
    );
    assert_eq!(world.ask("SELECT count(*) FROM r").await, "3000");
    by_hand(&world, "INSERT INTO f (f) VALUES ('integrity-check')").await;
}

pub(crate) async fn an_unfinished_import_into_a_virtual_table_goes_on_or_is_taken_back(
    world: World,
) {
    world.apply(&[("V1__a.sql", VIRTUAL)]).await.unwrap();
    let good = virtual_rows(3_000).await;
    // A key that is there already stops it in the last third.
    let at = good.rfind("INSERT INTO f_docsize").unwrap();
    let bad = format!(
        "{}INSERT INTO f_docsize VALUES(1,x'00');\n{}",
        &good[..at],
        &good[at..]
    );
    let dump = Dump::new(&bad);
    let (more, anew) = (into_existing(Begin::Continue), into_existing(Begin::Anew));
    for _ in 0..2 {
        let stopped = told(dump.import_with(&world.db, &more).await);
        assert!(
            stopped.contains("UNIQUE constraint failed: f_docsize.id"),
            "{stopped}"
        );
        assert!(stopped.contains("; up to line "), "{stopped}");
    }
    dump.write("");
    let empty = Dump::new("INSERT INTO f(rowid,x) VALUES(7,'seven');\n");
    assert_eq!(told(empty.import_with(&world.db, &anew).await), "f 1");
    assert_eq!(
        world.ask("SELECT rowid FROM f WHERE f MATCH 'seven'").await,
        "7"
    );
    assert_eq!(world.ask("SELECT count(*) FROM r").await, "0");
    by_hand(
        &world,
        "INSERT INTO f (f) VALUES ('integrity-check'); INSERT INTO r VALUES (1, 2, 3)",
    )
    .await;
}

pub(crate) async fn rows_that_a_dump_deletes_again_are_not_missed(world: World) {
    let text = dump(&format!(
        "{}DELETE FROM t;\nINSERT INTO t VALUES(1,'one',1);\n",
        many(MANY)
    ));
    world
        .apply(&[("V1__a.sql", "CREATE TABLE other (x);")])
        .await
        .unwrap();
    assert_eq!(told(Dump::new(text).import(&world.db).await), "t 1");
    assert_eq!(world.ask("SELECT name FROM t").await, "one");
}

pub(crate) async fn rows_that_give_way_by_a_constraint_of_their_table_are_told(world: World) {
    let table = "CREATE TABLE t (a UNIQUE ON CONFLICT REPLACE, b)";
    let rows = "INSERT INTO t VALUES(1,'old');\nINSERT INTO t VALUES(1,'new');\n";
    world
        .apply(&[(
            "V1__a.sql",
            &format!("{};", table.replace(" t ", " there ")),
        )])
        .await
        .unwrap();
    let made = Dump::new(dump(&format!("{table};\n{rows}")));
    assert_eq!(told(made.import(&world.db).await), "t 1; some gave way");
    let options = into_existing(Begin::Continue);
    let there = Dump::new(rows.replace(" t ", " there "));
    assert_eq!(
        told(there.import_with(&world.db, &options).await),
        "there 1; some gave way"
    );
    assert_eq!(world.ask("SELECT b FROM there").await, "new");
}
