//! Dumps with triggers, whole and in chunks: behind the rows of their tables they wait, before them they are refused,
//! and a dry run says so as the import does.

use expect_test::expect;
use seedbed::db::Db;
use seedbed::dump::import::{Begin, ImportOptions, Input, Planned, Tables, Way, import, plan};
use seedbed::dump::{Level, verify};
use seedbed::script::Run;

use super::specification::{MANY, by_hand, many};
use super::{Dump, dump, told, words};
use crate::process::Ran;
use crate::project::Project;
use crate::world::World;

/// What `import --dry-run` comes to.
pub(super) async fn planned(dump: &Dump, db: &Db, options: &ImportOptions) -> String {
    let options = options.transaction_bytes(24 * 1024);
    match plan(db, &Input::File(dump.path()), &options).await {
        Ok(planned) => shown(&planned),
        Err(error) => words(&error),
    }
}

fn shown(planned: &Planned) -> String {
    let tables = planned.tables.iter();
    let tables: Vec<String> = tables
        .map(|table| format!("{} {}", table.name, table.rows))
        .collect();
    let way = match planned.way {
        Way::Rest { .. } => "Rest".to_owned(),
        way => format!("{way:?}"),
    };
    format!("{}: {way}", tables.join(", "))
}

/// Both refuse it for the same reason, and nothing of it is there.
pub(super) async fn refused(world: &World, statements: &str, expect: &str) {
    let before = world.ask("SELECT count(*) FROM sqlite_schema").await;
    let dump = Dump::new(dump(statements));
    let options = ImportOptions::default();
    assert_eq!(planned(&dump, &world.db, &options).await, expect);
    assert_eq!(told(dump.import(&world.db).await), expect);
    let after = world.ask("SELECT count(*) FROM sqlite_schema").await;
    assert_eq!(after, before);
}

/// As every shell writes it, but for a trigger that stands between the rows of its table and those of others.
fn shop(rows: &str) -> String {
    dump(&format!(
        "{rows}CREATE TRIGGER t_added AFTER INSERT ON t BEGIN INSERT INTO log VALUES ('t', new.id); END;\n\
         CREATE TABLE u (id INTEGER PRIMARY KEY, name TEXT, n INTEGER);\n{}\
         CREATE TABLE log (what TEXT, id INTEGER);\nINSERT INTO log VALUES('t',0);\n\
         CREATE INDEX t_name ON t (name);\n\
         CREATE VIEW v AS SELECT id, name FROM t;\n\
         CREATE TRIGGER v_added INSTEAD OF INSERT ON v BEGIN INSERT INTO t (name) VALUES (new.name); END;\n\
         CREATE TRIGGER u_added BEFORE INSERT ON u BEGIN INSERT INTO log VALUES ('u', new.id); END;\n\
         CREATE TRIGGER u_removed AFTER DELETE ON u BEGIN DELETE FROM log; END;\n",
        rows.replace("INTO t ", "INTO u ")
            .split_once('\n')
            .unwrap()
            .1
    ))
}

async fn has_arrived(world: &World, rows: usize) {
    assert_eq!(
        world
            .ask("SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM u), (SELECT count(*) FROM log)")
            .await,
        format!("{rows}|{rows}|1")
    );
    by_hand(world, "INSERT INTO v (name) VALUES ('new')").await;
    by_hand(world, "INSERT INTO u (id) VALUES (0)").await;
    assert_eq!(
        world.ask("SELECT what, id FROM log ORDER BY rowid").await,
        format!("t|0 t|{} u|0", rows + 1)
    );
}

pub(crate) async fn triggers_behind_the_rows_of_their_tables_wait_for_no_chunk(world: World) {
    by_hand(&world, "CREATE TABLE other (x)").await;
    let dump = Dump::new(shop(&many(MANY)));
    let options = ImportOptions::default();
    assert_eq!(
        planned(&dump, &world.db, &options).await,
        format!("t {MANY}, u {MANY}, log 1: Chunks")
    );
    assert_eq!(
        told(dump.import(&world.db).await),
        format!("t {MANY}, u {MANY}, log 1")
    );
    has_arrived(&world, MANY).await;
    assert_eq!(
        planned(&dump, &world.db, &options).await,
        format!("t {MANY}, u {MANY}, log 1: Already")
    );
}

pub(crate) async fn a_dump_beyond_the_usual_size_of_a_transaction_arrives(world: World) {
    by_hand(&world, "CREATE TABLE other (x)").await;
    let long = "x".repeat(16_000);
    let mut rows = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, n INTEGER);\n".to_owned();
    for row in 1..=160 {
        rows.push_str(&format!("INSERT INTO t VALUES({row},'{long}',{row});\n"));
    }
    let dump = Dump::new(shop(&rows));
    let input = Input::File(dump.path());
    let options = ImportOptions::default();
    assert!(input.length().unwrap() > options.transaction_bytes + 500_000);
    let planned = plan(&world.db, &input, &options).await.unwrap();
    assert_eq!(shown(&planned), "t 160, u 160, log 1: Chunks");
    let run = Run::new("test");
    let done = import(
        &world.db,
        &input,
        &options,
        &run,
        std::sync::Arc::new(|_| {}),
    );
    assert_eq!(told(done.await), "t 160, u 160, log 1");
    has_arrived(&world, 160).await;
}

pub(crate) async fn a_trigger_before_rows_of_its_table_is_refused_wherever_it_stands(world: World) {
    by_hand(&world, "CREATE TABLE other (x)").await;
    let trigger = "CREATE TRIGGER g AFTER INSERT ON T BEGIN DELETE FROM other; END;\n";
    let expect = "the dump makes the trigger g of T before it writes rows to T";
    let rows = many(MANY);
    let (schema, inserts) = rows.split_once('\n').unwrap();
    let last = "INSERT INTO t VALUES(0,'',0);\n";
    // Before all rows, in the middle, before the last one.
    refused(&world, &format!("{schema}\n{trigger}{inserts}"), expect).await;
    refused(&world, &format!("{schema}\n{trigger}{last}"), expect).await;
    let middle = inserts.len() / 2;
    let middle = middle + inserts[middle..].find('\n').unwrap() + 1;
    let (one, two) = inserts.split_at(middle);
    refused(&world, &format!("{schema}\n{one}{trigger}{two}"), expect).await;
    refused(&world, &format!("{rows}{trigger}{last}"), expect).await;
    let view = "CREATE VIEW v AS SELECT id FROM t;\n\
                CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN DELETE FROM other; END;\nINSERT INTO v VALUES(1);\n";
    refused(
        &world,
        &format!("{rows}{view}"),
        "the dump makes the trigger g of v before it writes rows to v",
    )
    .await;
    // A table of its own is emptied by no shell, but may be.
    let removed = "CREATE TRIGGER \"insert\" AFTER DELETE ON t BEGIN DELETE FROM other; END;\nDELETE FROM t;\n";
    refused(
        &world,
        &format!("{rows}{removed}"),
        "the dump makes the trigger insert of t before it writes rows to t",
    )
    .await;
}

pub(crate) async fn a_trigger_that_rows_do_not_set_off_may_stand_before_them(world: World) {
    by_hand(&world, "CREATE TABLE other (x)").await;
    let rows = many(MANY);
    let (schema, inserts) = rows.split_once('\n').unwrap();
    let triggers = "CREATE TRIGGER \"insert\" AFTER UPDATE OF name ON t BEGIN INSERT INTO other VALUES (1); END;\n\
                    CREATE TRIGGER d BEFORE DELETE ON t BEGIN INSERT INTO other VALUES (1); END;\n";
    let dump = Dump::new(dump(&format!("{schema}\n{triggers}{inserts}")));
    assert_eq!(told(dump.import(&world.db).await), format!("t {MANY}"));
    assert_eq!(world.ask("SELECT count(*) FROM other").await, "0");
}

pub(crate) async fn rows_without_their_table_are_refused_by_a_dry_run_too(world: World) {
    by_hand(&world, "CREATE TABLE other (x)").await;
    let rows = many(MANY);
    let (schema, inserts) = rows.split_once('\n').unwrap();
    refused(
        &world,
        &format!("{inserts}{schema}\n"),
        "there is no table t, and the dump does not make it before its rows",
    )
    .await;
    refused(
        &world,
        &format!("{rows}DELETE FROM other;\n"),
        "the dump deletes the rows of other, which is not its own, without rows",
    )
    .await;
}

/// Text that the engine refuses behind a large part that it takes.
const BAD: &str =
    "CREATE TABLE bad (x UNIQUE);\nINSERT INTO bad VALUES(1);\nINSERT INTO bad VALUES(1);\n";

const GOOD: &str = "CREATE TABLE good (x UNIQUE);\nINSERT INTO good VALUES(1);\n";

pub(crate) async fn an_import_that_goes_on_knows_the_triggers_of_its_first_part(world: World) {
    by_hand(&world, "CREATE TABLE other (x)").await;
    let options = ImportOptions::default();
    let trigger = "CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO other VALUES (1); END;\n";
    let more = many(MANY)
        .replace("t VALUES", "u VALUES")
        .replace("TABLE t", "TABLE u");
    let text = format!("{}{trigger}{more}{BAD}", many(MANY));
    let dump = Dump::new(dump(&text));
    let stopped = told(dump.import(&world.db).await);
    assert!(stopped.contains("table bad: UNIQUE"), "{stopped}");
    let again = "INSERT INTO t VALUES(0,'',0);\n";
    dump.write(self::dump(&text.replace(BAD, again)));
    let expect = "the dump makes the trigger g of t before it writes rows to t; up to line ";
    let dry = planned(&dump, &world.db, &options).await;
    assert!(dry.starts_with(expect), "{dry}");
    assert_eq!(told(dump.import(&world.db).await), dry);
    dump.write(self::dump(&text.replace(BAD, GOOD)));
    let tables = format!("t {MANY}, u {MANY}, good 1");
    assert_eq!(
        planned(&dump, &world.db, &options).await,
        format!("{tables}: Rest")
    );
    let words = told(dump.import(&world.db).await);
    assert!(
        words.starts_with(&format!("{tables}; on from line ")),
        "{words}"
    );
    assert_eq!(world.ask("SELECT count(*) FROM other").await, "0");
}

pub(crate) async fn an_import_that_goes_on_counts_the_tables_that_it_comes_to(world: World) {
    by_hand(
        &world,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, n INTEGER); CREATE TABLE u (x UNIQUE); \
         CREATE TABLE w (x); INSERT INTO w VALUES (7)",
    )
    .await;
    let options = ImportOptions::default().tables(Tables::Existing);
    let rows = many(MANY);
    let rows = rows.split_once('\n').unwrap().1;
    let more = "INSERT INTO u VALUES(1);\nINSERT INTO u VALUES(2);\nINSERT INTO w VALUES(8);\n";
    let dump = Dump::new(dump(&format!("{rows}{}", more.replace("(2)", "(1)"))));
    let stopped = told(dump.import_with(&world.db, &options).await);
    assert!(stopped.contains("table u: UNIQUE"), "{stopped}");
    dump.write(self::dump(&format!("{rows}{more}")));
    let words = told(dump.import_with(&world.db, &options).await);
    assert!(
        words.starts_with(&format!("t {MANY}, u 2, w 1; on from line ")),
        "{words}"
    );
}

pub(crate) async fn a_dry_run_says_what_an_unfinished_import_is_in_the_way_of(world: World) {
    by_hand(&world, "CREATE TABLE other (x)").await;
    let options = ImportOptions::default();
    let dump = Dump::new(dump(&format!("{}{BAD}", many(MANY))));
    told(dump.import(&world.db).await);
    let anew = options.begin(Begin::Anew);
    let another = Dump::named("other.sql", self::dump(GOOD));
    let dry = planned(&another, &world.db, &options).await;
    assert!(
        dry.starts_with("the import of old.sql into this database was not finished; up to line "),
        "{dry}"
    );
    assert_eq!(told(another.import(&world.db).await), dry);
    assert_eq!(planned(&another, &world.db, &anew).await, "good 1: Whole");
    dump.write(self::dump(&format!(
        "{}{GOOD}",
        many(MANY).replace("'name of 2'", "'name 0f 2'")
    )));
    let dry = planned(&dump, &world.db, &options).await;
    assert!(
        dry.starts_with("the dump has changed since this import began; up to line "),
        "{dry}"
    );
    assert_eq!(told(dump.import(&world.db).await), dry);
    assert_eq!(told(another.import_with(&world.db, &anew).await), "good 1");
}

pub(crate) async fn a_large_dump_of_a_full_text_index_arrives(world: World) {
    let old = World::memory().await;
    by_hand(
        &old,
        "CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT); CREATE VIRTUAL TABLE ft USING fts5(body); \
         CREATE VIRTUAL TABLE old USING fts4(body); CREATE VIRTUAL TABLE box USING rtree(id, a, b); \
         WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) \
         INSERT INTO t SELECT i, 'word' || i || ' and some more words of row ' || i FROM n; \
         INSERT INTO ft (rowid, body) SELECT id, body FROM t; INSERT INTO old (docid, body) SELECT id, body FROM t; \
         INSERT INTO box SELECT id, id, id + 1 FROM t",
    )
    .await;
    let dump = Dump::new(crate::export::dumped(&old.db).await);
    by_hand(&world, "CREATE TABLE other (x)").await;
    let options = ImportOptions::default();
    assert_eq!(planned(&dump, &world.db, &options).await, "t 2000: Chunks");
    assert_eq!(told(dump.import(&world.db).await), "t 2000");
    let found = "SELECT (SELECT group_concat(rowid) FROM ft WHERE ft MATCH 'word17'), \
                 (SELECT group_concat(docid) FROM old WHERE old MATCH 'word17'), \
                 (SELECT count(*) FROM box WHERE a >= 10 AND b <= 20)";
    assert_eq!(world.ask(found).await, "17|17|10");
    let verified = verify(&world.db, &Input::File(dump.path()), Level::Full).await;
    let verified = verified.unwrap();
    assert!(verified.is_equal(), "{verified:?}");
}

/// Runs `import` with a dump as its standard input.
fn from_stdin(project: &Project, text: &str) -> Ran {
    project.write("piped.sql", text);
    let line = "import - --transaction-bytes 20000";
    let mut command = project.command(line);
    command.stdin(std::fs::File::open(project.path("piped.sql")).unwrap());
    project.start(command, line).finish()
}

#[test]
fn a_dump_from_standard_input_may_have_triggers_anywhere_behind_their_rows() {
    let project = Project::new()
        .migration("V1__other", "CREATE TABLE other (x);")
        .after("migrate");
    // The trigger stands in what is looked at before the first chunk, and far behind.
    for rows in [20, MANY] {
        let ran = from_stdin(&project, &shop(&many(rows)));
        assert_eq!(ran.code, Some(0), "{ran}");
        assert_eq!(
            project.ask("SELECT (SELECT count(*) FROM u), (SELECT count(*) FROM log)"),
            format!("{rows}|1")
        );
        project.change(&[
            "DROP VIEW v",
            "DROP TABLE t",
            "DROP TABLE u",
            "DROP TABLE log",
        ]);
    }
    let text = shop(&many(MANY)).replace("COMMIT;", "INSERT INTO t VALUES(0,'',0);\nCOMMIT;");
    let ran = from_stdin(&project, &text);
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(ran.stderr.contains("error[trigger-before-rows]"), "{ran}");
    assert!(ran.stderr.contains("up to line"), "{ran}");
}

#[test]
fn a_dry_run_of_a_new_file_says_what_the_import_does() {
    let text = dump(
        "CREATE TABLE t (x);\nCREATE TABLE log (x);\n\
         CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.x); END;\nINSERT INTO t VALUES(1);\n\
         INSERT INTO t VALUES(2);\nINSERT INTO u VALUES(1);\nCREATE TABLE u (x);\nDELETE FROM w;\n",
    );
    let project = Project::new().file("old.sql", text);
    let [dry, real] = ["import old.sql --dry-run", "import old.sql"].map(|line| {
        let ran = crate::bad_input::untouched(&project, line);
        assert_eq!(ran.code, Some(4), "{ran}");
        ran.stderr.clone()
    });
    assert_eq!(dry, real);
    expect![[r#"
        target: local local.db (default)
        error[no-such-table]: there is no table u, and the dump does not make it before its rows
         --> old.sql:8
          = help: make it first with `seedbed migrate`, and then `seedbed import old.sql --into-existing`; or import a dump that has its schema

        error[clears-table]: the dump deletes the rows of w, which is not its own
         --> old.sql:10
          = help: no shell writes that: see what else is in the dump, and take the statement out

        error[trigger-before-rows]: the dump makes the trigger g of t before it writes rows to t
         --> old.sql:6
          = help: no shell writes that: move the trigger behind the rows of its table

        nothing of the dump is in the database

        3 errors
    "#]].assert_eq(&real);
}
