//! What an import leaves in a database, whatever its mode.

use std::io::Write;

use seedbed::db::Engine;
use seedbed::dump::import::{Begin, ImportOptions, Tables, Violations};
use seedbed::history;
use seedbed::migrations::ApplyError;

pub(crate) use super::forms::*;
pub(crate) use super::records::*;
pub(crate) use super::triggers::*;
pub(crate) use super::virtual_tables::*;
use super::{Dump, dump, told};
use crate::world::World;

pub(super) const PEOPLE: &str = "\
CREATE TABLE team (id INTEGER PRIMARY KEY, name TEXT);
INSERT INTO team VALUES(1,'red');
CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT NOT NULL, team INTEGER REFERENCES team (id));
INSERT INTO person VALUES(1,'ann',1);
INSERT INTO person VALUES(2,'bob',NULL);
CREATE INDEX person_name ON person (name);
CREATE VIEW names AS SELECT name FROM person;
CREATE TRIGGER shout AFTER INSERT ON person BEGIN UPDATE person SET name = upper(name) WHERE id = new.id; END;
";

/// So many rows of some 60 bytes, in a dump of `CREATE TABLE t`.
pub(crate) fn many(rows: usize) -> String {
    let mut text = String::from("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, n INTEGER);\n");
    for row in 1..=rows {
        text.push_str(&format!(
            "INSERT INTO t VALUES({row},'name of {row}',{});\n",
            row * 7
        ));
    }
    text
}

/// More than goes into one transaction.
pub(crate) const MANY: usize = 4_000;

pub(crate) async fn by_hand(world: &World, sql: &str) {
    let transaction = seedbed::db::Transaction {
        foreign_keys: seedbed::script::ForeignKeys::Off,
        atomicity: seedbed::script::Atomicity::Transaction,
        steps: sql
            .split(';')
            .filter(|sql| !sql.trim().is_empty())
            .map(|sql| seedbed::script::Step::own(sql, vec![]))
            .collect(),
    };
    let ran = world.db.run(vec![transaction], std::sync::Arc::new(|_| {}));
    ran.await.unwrap();
}

pub(crate) async fn a_dump_arrives_with_all_that_it_holds(world: World) {
    let dump = Dump::new(dump(PEOPLE));
    assert_eq!(told(dump.import(&world.db).await), "team 1, person 2");
    // The trigger came after the rows.
    assert_eq!(
        world.ask("SELECT * FROM person").await,
        "1|ann|1 2|bob|NULL"
    );
    assert_eq!(
        world
            .ask("SELECT type, name FROM sqlite_schema WHERE name NOT LIKE '%\\_%' ESCAPE '\\' ORDER BY rowid")
            .await,
        "table|team table|person view|names trigger|shout"
    );
    assert_eq!(
        world
            .ask(
                "SELECT kind, name, state, detail ->> 'rows' FROM _migrations WHERE kind = 'import'"
            )
            .await,
        "import|old.sql|applied|3"
    );
}

pub(crate) async fn every_value_arrives_as_it_is_written(world: World) {
    // A text that is not UTF-8 could be given back by no server.
    let byte = match world.db.engine() {
        Engine::Server | Engine::Turso => "C3BF",
        Engine::Local | Engine::Memory => "FF",
    };
    let odd = format!("CAST(x'{byte}' AS TEXT)");
    let values = [
        "NULL",
        "-9223372036854775808",
        "1.0",
        "-0.1",
        "1e999",
        "-1e999",
        "5e-324",
        "1.7976931348623157e+308",
        "''",
        "'it''s'",
        "'🌱'",
        "X''",
        "x'00ff'",
        "CAST(x'610062' AS TEXT)",
        odd.as_str(),
        "replace('a\\nb','\\n',char(10))",
        "unistr('a\\u000ab')",
        "9007199254740993",
    ];
    let rows: String = values
        .iter()
        .map(|value| format!("INSERT INTO v VALUES({value});\n"))
        .collect();
    let dump = Dump::new(dump(&format!("CREATE TABLE v (x);\n{rows}")));
    assert_eq!(
        told(dump.import(&world.db).await),
        format!("v {}", values.len())
    );
    assert_eq!(
        world.ask("SELECT typeof(x) || ':' || hex(CAST(x AS BLOB)) FROM v WHERE typeof(x) IN ('text', 'blob') ORDER BY rowid").await,
        format!(
            "text: text:69742773 text:F09F8CB1 blob: blob:00FF text:610062 text:{byte} text:610A62 text:610A62"
        )
    );
    assert_eq!(
        world
            .ask(
                "SELECT count(*) FROM v WHERE (rowid = 1 AND x IS NULL) OR (rowid = 2 AND x = -9223372036854775807 - 1) \
                 OR (rowid = 3 AND typeof(x) = 'real' AND x = 1) OR (rowid = 4 AND x = -0.1) \
                 OR (rowid = 5 AND x = 9e999) OR (rowid = 6 AND x = -9e999) OR (rowid = 7 AND x > 0 AND x / 2 = 0) \
                 OR (rowid = 8 AND x < 9e999 AND x * 2 = 9e999) OR (rowid = 18 AND x = 9007199254740993)"
            )
            .await,
        "9"
    );
}

pub(crate) async fn a_second_import_does_nothing(world: World) {
    let dump = Dump::new(dump(PEOPLE));
    dump.import(&world.db).await.unwrap();
    let revision = world.history().await.revision;
    assert_eq!(told(dump.import(&world.db).await), "already");
    assert_eq!(world.history().await.revision, revision);
}

pub(crate) async fn a_dump_goes_beside_what_is_there(world: World) {
    world
        .apply(&[("V1__a.sql", "CREATE TABLE a (x); INSERT INTO a VALUES (1);")])
        .await
        .unwrap();
    assert_eq!(
        told(Dump::new(dump(PEOPLE)).import(&world.db).await),
        "team 1, person 2"
    );
    assert_eq!(world.tables().await, "a person team");
    assert_eq!(world.ask("SELECT count(*) FROM a").await, "1");
    assert_eq!(world.history().await.rows.len(), 2);
}

pub(crate) async fn what_is_there_already_is_told_before_anything_runs(world: World) {
    world
        .apply(&[(
            "V1__a.sql",
            "CREATE TABLE Person (x); CREATE TABLE other (x); INSERT INTO person VALUES (1), (2); CREATE VIEW names AS SELECT 1;",
        )])
        .await
        .unwrap();
    assert_eq!(
        told(Dump::new(dump(PEOPLE)).import(&world.db).await),
        "table Person exists already and has 2 rows | view names exists already"
    );
    assert_eq!(world.tables().await, "Person other");
}

pub(crate) async fn rows_alone_go_into_existing_tables(world: World) {
    let existing = ImportOptions::default().tables(Tables::Existing);
    world
        .apply(&[(
            "V1__a.sql",
            "CREATE TABLE a (id INTEGER PRIMARY KEY, x); INSERT INTO a VALUES (1, 'old'); CREATE TABLE b (y);",
        )])
        .await
        .unwrap();
    let rows = "INSERT INTO a VALUES(2,'new');\nINSERT INTO b(y) VALUES('z');\n";
    let with_others = Dump::new(format!(
        "{rows}INSERT INTO c VALUES(1);\nINSERT INTO _migrations VALUES(1);\n"
    ));
    assert_eq!(
        told(with_others.import_with(&world.db, &existing).await),
        "there is no table c, and the dump does not make it before its rows"
    );
    let schema = Dump::new(dump("CREATE TABLE d (x);\n"));
    assert_eq!(
        told(schema.import_with(&world.db, &existing).await),
        "the dump makes the table d, and was to go into existing ones"
    );
    let dump = Dump::new(format!(
        "{rows}INSERT INTO _migrations(kind) VALUES('x');\n"
    ));
    // A database whose schema is known to be the recorded one has a row for that.
    let records = world.ask("SELECT count(*) FROM _migrations").await;
    assert_eq!(
        told(dump.import(&world.db).await),
        format!(
            "table a exists already and has 1 row | table b exists already, without rows | \
             table _migrations exists already and has {records} rows"
        )
    );
    assert_eq!(
        told(dump.import_with(&world.db, &existing).await),
        "a 1, b 1; no history"
    );
    assert_eq!(world.ask("SELECT x FROM a").await, "old new");
}

pub(crate) async fn a_row_that_is_refused_is_told_with_its_line_and_leaves_nothing(world: World) {
    let mut text = many(40);
    text.push_str("INSERT INTO t VALUES(17,'again',1);\nINSERT INTO t VALUES(41,'more',1);\n");
    let dump = Dump::new(dump(&text));
    assert_eq!(
        told(dump.import(&world.db).await),
        "line 44, table t: UNIQUE constraint failed: t.id"
    );
    assert_eq!(world.tables().await, "");
    let empty = history::History {
        engine: world.db.engine(),
        ..history::History::default()
    };
    assert_eq!(world.history().await, empty);
}

pub(crate) async fn a_row_that_is_refused_in_a_database_with_others_leaves_nothing(world: World) {
    world
        .apply(&[("V1__a.sql", "CREATE TABLE a (x);")])
        .await
        .unwrap();
    for (statements, expect) in [
        (
            "CREATE TABLE t (x NOT NULL);\nINSERT INTO t VALUES(1);\nINSERT INTO t VALUES(NULL);\n",
            "line 5, table t: NOT NULL constraint failed: t.x",
        ),
        (
            "CREATE TABLE t (x, y);\nINSERT INTO t VALUES(1,2);\nCREATE UNIQUE INDEX i ON t (z);\n",
            "line 5, table t: no such column: z",
        ),
    ] {
        assert_eq!(
            told(Dump::new(dump(statements)).import(&world.db).await),
            expect
        );
        assert_eq!(world.tables().await, "a");
        assert_eq!(world.history().await.rows.len(), 1);
    }
}

pub(crate) async fn a_large_dump_goes_in_chunks(world: World) {
    by_hand(&world, "CREATE TABLE other (x)").await;
    let text =
        many(MANY) + "CREATE INDEX t_name ON t (name);\nCREATE VIEW v AS SELECT id FROM t;\n";
    let dump = Dump::new(dump(&text));
    assert_eq!(told(dump.import(&world.db).await), format!("t {MANY}"));
    assert_eq!(
        world
            .ask("SELECT count(*), sum(id), sum(n), max(name) FROM t")
            .await,
        format!("{MANY}|8002000|56014000|name of 999")
    );
    assert_eq!(world.tables().await, "other t");
    assert_eq!(
        world
            .ask("SELECT count(*) FROM sqlite_schema WHERE name IN ('t_name', 'v')")
            .await,
        "2"
    );
    assert_eq!(world.history().await.rows.len(), 1);
    assert_eq!(told(dump.import(&world.db).await), "already");
}

/// A dump of which the rows up to some line can be imported, and one behind them not.
pub(super) fn refused() -> String {
    let mut text = many(MANY);
    text.push_str(
        "CREATE TABLE u (x UNIQUE);\nINSERT INTO u VALUES(1);\nINSERT INTO u VALUES(1);\n",
    );
    dump(&text)
}

/// An import that has come to some line and not to its end.
pub(super) async fn unfinished(world: &World) -> Dump {
    by_hand(world, "CREATE TABLE other (x)").await;
    let dump = Dump::new(refused());
    let words = told(dump.import(&world.db).await);
    let (why, stands) = words.split_once("; ").unwrap();
    assert_eq!(
        why,
        format!("line {}, table u: UNIQUE constraint failed: u.x", MANY + 6)
    );
    assert!(
        stands.starts_with("up to line ") && stands.ends_with(" rows"),
        "{stands}"
    );
    dump
}

pub(crate) async fn a_large_dump_stops_at_a_row_that_is_refused_and_goes_on_once_it_may(
    world: World,
) {
    let dump = unfinished(&world).await;
    // What was imported stays as it is; what was not is put right.
    let right = refused().replace(
        "u VALUES(1);\nINSERT INTO u VALUES(1);",
        "u VALUES(1);\nINSERT INTO u VALUES(2);",
    );
    dump.write(right);
    let words = told(dump.import(&world.db).await);
    assert!(
        words.starts_with(&format!("t {MANY}, u 2; on from line ")),
        "{words}"
    );
    assert_eq!(
        world.ask("SELECT count(*), sum(id) FROM t").await,
        format!("{MANY}|8002000")
    );
    assert_eq!(world.tables().await, "other t u");
    assert_eq!(world.history().await.rows.len(), 1);
}

pub(crate) async fn an_unfinished_import_is_in_the_way_of_everything_else(world: World) {
    let _dump = unfinished(&world).await;
    let unfinished = world.history().await.unfinished.unwrap();
    assert_eq!(unfinished.name, "old.sql");
    let refused = world.apply(&[("V1__a.sql", "CREATE TABLE a (x);")]).await;
    match refused {
        Err(ApplyError::History(error)) => assert_eq!(error.to_string(), unfinished.to_string()),
        other => panic!("{other:?}"),
    }
    assert!(!world.tables().await.contains("a "));
}

pub(crate) async fn an_unfinished_import_is_taken_back(world: World) {
    let dump = unfinished(&world).await;
    dump.write(self::dump(PEOPLE));
    let anew = ImportOptions::default().begin(Begin::Anew);
    assert_eq!(
        told(dump.import_with(&world.db, &anew).await),
        "team 1, person 2"
    );
    assert_eq!(world.tables().await, "other person team");
}

pub(crate) async fn a_changed_dump_is_refused(world: World) {
    let dump = unfinished(&world).await;
    dump.write(refused().replace("'name of 2'", "'name 0f 2'"));
    let words = told(dump.import(&world.db).await);
    assert!(
        words.starts_with("the dump has changed since this import began; up to line "),
        "{words}"
    );
}

pub(crate) async fn another_dump_is_refused_while_one_is_unfinished(world: World) {
    let _dump = unfinished(&world).await;
    let other = Dump::named("other.sql", dump(PEOPLE));
    let words = told(other.import(&world.db).await);
    assert!(
        words.starts_with("the import of old.sql into this database was not finished; up to line "),
        "{words}"
    );
}

pub(crate) async fn rows_without_parents_are_refused_unless_allowed(world: World) {
    let allow = ImportOptions::default().violations(Violations::Allow);
    // Children come before their parents, which is no violation.
    let ordered = "CREATE TABLE child (id INTEGER PRIMARY KEY, of REFERENCES parent (id));\nINSERT INTO child VALUES(1,1);\n\
                   CREATE TABLE parent (id INTEGER PRIMARY KEY);\nINSERT INTO parent VALUES(1);\n";
    let orphaned = ordered.replace("parent VALUES(1)", "parent VALUES(2)");
    let dump = Dump::new(self::dump(&orphaned));
    assert_eq!(told(dump.import(&world.db).await), "1 row lacks its parent");
    assert_eq!(world.tables().await, "");
    assert_eq!(
        told(dump.import_with(&world.db, &allow).await),
        "child 1, parent 1; 1 without parents"
    );
    by_hand(&world, "DROP TABLE child; DROP TABLE parent").await;
    dump.write(self::dump(ordered));
    assert_eq!(told(dump.import(&world.db).await), "child 1, parent 1");
}

pub(crate) async fn a_dump_with_a_history_brings_it(world: World) {
    let other = World::memory().await;
    other
        .apply(&[("V1__a.sql", "CREATE TABLE a (x);")])
        .await
        .unwrap();
    let columns = "kind, version, name, checksum, effective, state, applied_at, duration_ms, run_id, applied_by, detail, source, down";
    let quoted: Vec<String> = columns
        .split(", ")
        .map(|name| format!("quote({name})"))
        .collect();
    let rows = other
        .ask(&format!(
            "SELECT group_concat('INSERT INTO _migrations VALUES(' || {} || ');', char(10)) FROM _migrations",
            quoted.join(" || ',' || ")
        ))
        .await;
    let table = other
        .ask("SELECT sql FROM sqlite_schema WHERE name = '_migrations'")
        .await;
    let text = format!(
        "{table};\n{rows}\nCREATE TABLE a (x);\nCREATE TABLE _seedbed_import (offset);\nINSERT INTO _seedbed_import VALUES(1);\n"
    );
    let dump = Dump::new(dump(&text));
    assert_eq!(
        told(dump.import(&world.db).await),
        "_migrations 5, a 0; no checkpoint"
    );
    assert_eq!(world.recorded().await.split(' ').next(), Some("V1"));
    assert_eq!(world.history().await.rows.len(), 2);
    let nothing = world
        .apply(&[("V1__a.sql", "CREATE TABLE a (x);")])
        .await
        .unwrap();
    assert!(nothing.done.is_empty());
}

pub(crate) async fn a_virtual_table_arrives_with_its_content(world: World) {
    // As the shell of SQLite 3.40 writes it.
    let text = "\
PRAGMA writable_schema=ON;
INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table','ft','ft',0,'CREATE VIRTUAL TABLE ft USING fts5(body)');
CREATE TABLE IF NOT EXISTS 'ft_data'(id INTEGER PRIMARY KEY, block BLOB);
INSERT INTO ft_data VALUES(1,X'02050c');
INSERT INTO ft_data VALUES(10,X'000000000101010001010101');
INSERT INTO ft_data VALUES(137438953473,X'0000002404306f6e650103020103030406010374776f020202040103720608050a');
CREATE TABLE IF NOT EXISTS 'ft_idx'(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID;
INSERT INTO ft_idx VALUES(1,X'',2);
CREATE TABLE IF NOT EXISTS 'ft_content'(id INTEGER PRIMARY KEY, c0);
INSERT INTO ft_content VALUES(1,'one');
INSERT INTO ft_content VALUES(2,'one two');
CREATE TABLE IF NOT EXISTS 'ft_docsize'(id INTEGER PRIMARY KEY, sz BLOB);
INSERT INTO ft_docsize VALUES(1,X'01');
INSERT INTO ft_docsize VALUES(2,X'02');
CREATE TABLE IF NOT EXISTS 'ft_config'(k PRIMARY KEY, v) WITHOUT ROWID;
INSERT INTO ft_config VALUES('version',4);
PRAGMA writable_schema=OFF;
";
    // After VACUUM the table comes behind those of its content.
    let schema = text.lines().take(2).collect::<Vec<_>>().join("\n") + "\n";
    let vacuumed = text.replace(&schema, "").replace(
        "PRAGMA writable_schema=OFF;\n",
        &format!("{schema}PRAGMA writable_schema=OFF;\n"),
    );
    assert_ne!(vacuumed, text);
    let vacuumed = Dump::new(self::dump(&vacuumed));
    assert_eq!(told(vacuumed.import(&world.db).await), "");
    assert_eq!(
        world.ask("SELECT rowid, body FROM ft").await,
        "1|one 2|one two"
    );
    assert_eq!(
        world
            .ask("SELECT count(*) FROM sqlite_schema WHERE name GLOB '_seedbed*'")
            .await,
        "0"
    );
    by_hand(&world, "DROP TABLE ft").await;

    let dump = Dump::new(dump(text));
    assert_eq!(told(dump.import(&world.db).await), "");
    assert_eq!(
        world.ask("SELECT id, c0 FROM ft_content").await,
        "1|one 2|one two"
    );
    assert_eq!(
        world.ask("SELECT rowid, body FROM ft").await,
        "1|one 2|one two"
    );
    assert_eq!(world.ask("SELECT count(*) FROM ft_data").await, "3");
}

pub(crate) async fn sequences_go_on_where_they_were(world: World) {
    let auto =
        "CREATE TABLE other (id INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO other VALUES (50)";
    by_hand(&world, auto).await;
    let text = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT);\nINSERT INTO t VALUES(3);\n\
                DELETE FROM sqlite_sequence;\nINSERT INTO sqlite_sequence VALUES('t',9);\n";
    assert_eq!(told(Dump::new(dump(text)).import(&world.db).await), "t 1");
    assert_eq!(
        world
            .ask("SELECT name, seq FROM sqlite_sequence ORDER BY name")
            .await,
        "other|50 t|9"
    );
}

pub(crate) async fn a_sequence_that_numbers_no_table_is_passed_over(world: World) {
    // As every shell writes a database whose last table with AUTOINCREMENT was dropped.
    let text = |table: &str| {
        format!(
            "CREATE TABLE {table} (x DEFAULT 'AUTOINCREMENT' /* AUTOINCREMENT */);\nINSERT INTO {table} VALUES(1);\n\
             DELETE FROM sqlite_sequence;\nINSERT INTO sqlite_sequence VALUES('gone',9);\n"
        )
    };
    assert_eq!(
        told(Dump::new(dump(&text("b"))).import(&world.db).await),
        "b 1"
    );
    assert_eq!(
        told(Dump::new(dump(&text("c"))).import(&world.db).await),
        "c 1"
    );
    let large = many(MANY) + &text("d");
    assert_eq!(
        told(Dump::new(dump(&large)).import(&world.db).await),
        format!("t {MANY}, d 1")
    );
    let rows = "INSERT INTO b VALUES(2);\nDELETE FROM sqlite_sequence;\nINSERT INTO sqlite_sequence VALUES('b',9);\n";
    let existing = ImportOptions::default().tables(Tables::Existing);
    assert_eq!(
        told(
            Dump::new(dump(rows))
                .import_with(&world.db, &existing)
                .await
        ),
        "b 1"
    );
    assert_eq!(
        world
            .ask("SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_sequence'")
            .await,
        "0"
    );
    assert_eq!(world.tables().await, "b c d t");
}

pub(crate) async fn a_cut_dump_and_a_refused_statement_leave_nothing(world: World) {
    let cut = dump(PEOPLE);
    for (text, expect) in [
        (cut[..cut.len() - 30].to_owned(), "cut-short at line 10"),
        (cut.replace("COMMIT;", ""), "cut-short at line 2"),
        (
            cut.replace("COMMIT;", "ROLLBACK; -- due to errors"),
            "rolled-back",
        ),
        (
            cut.replace("COMMIT;", "SELECT 1;\nATTACH 'x' AS y;\nCOMMIT;"),
            "refused-statement at line 11 | refused-statement at line 12",
        ),
        ("hello;".to_owned(), "refused-statement at line 1"),
        (String::new(), "no-dump"),
    ] {
        assert_eq!(
            told(Dump::new(&text).import(&world.db).await),
            expect,
            "{text}"
        );
        assert_eq!(world.tables().await, "");
    }
}

pub(crate) async fn a_gzip_is_told_by_its_content(world: World) {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(dump(PEOPLE).as_bytes()).unwrap();
    let packed = packed.finish().unwrap();
    let half = Dump::named("old.sql", &packed[..packed.len() / 2]);
    assert_eq!(told(half.import(&world.db).await), "cut-short at line 5");
    let dump = Dump::named("old.sql", packed);
    assert_eq!(told(dump.import(&world.db).await), "team 1, person 2");
}

pub(crate) async fn two_imports_of_one_dump_at_once_bring_it_once(world: World) {
    // Into a database that is there: of two that make the same new file, one is refused.
    world
        .apply(&[("V1__a.sql", "CREATE TABLE a (x);")])
        .await
        .unwrap();
    let dump = Dump::new(dump(&many(MANY)));
    // However busy this machine is, one of the two gets something done in that time.
    let db = world
        .db
        .clone()
        .with_lock_timeout(std::time::Duration::from_secs(60));
    let (first, second) = tokio::join!(dump.import(&db), dump.import(&db));
    for imported in [told(first), told(second)] {
        // Each chunk is written by one of them; the other goes on behind it, or finds all of it there.
        let whole = imported == "already" || imported.starts_with(&format!("t {MANY}"));
        assert!(whole, "{imported}");
    }
    assert_eq!(
        world.ask("SELECT count(*), sum(id) FROM t").await,
        format!("{MANY}|8002000")
    );
    assert_eq!(
        world
            .ask("SELECT count(*) FROM _migrations WHERE kind = 'import'")
            .await,
        "1"
    );
    assert_eq!(world.tables().await, "a t");
}

pub(crate) async fn a_sequence_goes_on_under_the_name_that_the_engine_gives_the_table(
    world: World,
) {
    let text = "CREATE TABLE \"Big\" (id INTEGER PRIMARY KEY AUTOINCREMENT, x);\nINSERT INTO \"Big\" VALUES(2,'a');\n\
                DELETE FROM sqlite_sequence;\nINSERT INTO sqlite_sequence VALUES('Big',9);\n";
    assert_eq!(told(Dump::new(dump(text)).import(&world.db).await), "Big 1");
    // Also in a database with tables of its own.
    let other = text.replace("Big", "Other");
    assert_eq!(
        told(Dump::new(dump(&other)).import(&world.db).await),
        "Other 1"
    );
    by_hand(
        &world,
        "INSERT INTO \"Big\" (x) VALUES ('b'); INSERT INTO \"Other\" (x) VALUES ('b')",
    )
    .await;
    for table in ["Big", "Other"] {
        assert_eq!(
            world
                .ask(&format!("SELECT group_concat(id) FROM \"{table}\""))
                .await,
            "2,10"
        );
    }
    assert_eq!(
        world
            .ask("SELECT group_concat(seq) FROM sqlite_sequence")
            .await,
        "10,10"
    );
}

pub(crate) async fn an_application_id_arrives_where_the_engine_takes_it(world: World) {
    let text = "PRAGMA application_id=77;\nCREATE TABLE t (x);\nINSERT INTO t VALUES(1);\n";
    let imported = told(Dump::new(dump(text)).import(&world.db).await);
    let expect = match world.db.engine() {
        Engine::Server => ("t 1; no application_id", "0"),
        Engine::Local | Engine::Memory | Engine::Turso => ("t 1", "77"),
    };
    let found = "SELECT application_id FROM pragma_application_id";
    assert_eq!((imported.as_str(), &*world.ask(found).await), expect);
}
