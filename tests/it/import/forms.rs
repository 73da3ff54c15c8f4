//! Dumps as people have them: of other tools, with settings and clauses that `sqlite3` does not write, of databases with
//! virtual tables beside tables of similar names, and very wide ones.

use expect_test::expect;
use seedbed::db::{Db, Options};
use seedbed::dump::import::{ImportOptions, Input, Tables, Triggers};
use seedbed::dump::{ExportOptions, Level, export, verify};

use super::specification::{MANY, by_hand, many, unfinished};
use super::{Dump, dump, told};
use crate::export::{change, dumped};
use crate::project::{Project, waiting};
use crate::world::World;

fn into_existing(triggers: Triggers) -> ImportOptions {
    ImportOptions::default()
        .tables(Tables::Existing)
        .triggers(triggers)
}

/// The database holds what the dump says, in every value, and so does the one that its own dump makes.
async fn holds(world: &World, dump: &Dump) {
    let verified = verify(&world.db, &Input::File(dump.path()), Level::Full).await;
    let verified = verified.unwrap();
    assert!(verified.is_equal(), "{verified:?}");
    let own = Dump::named("own.sql", dumped(&world.db).await);
    let folder = tempfile::tempdir().unwrap();
    let db = Db::local(folder.path().join("new.db"), Options::default()).unwrap();
    let done = own.import(&db).await;
    assert!(done.is_ok(), "{}", told(done));
    let again = dumped(&db).await;
    // Each import has a record of its own, and how a file is laid out is not everywhere known.
    let rows = |dump: &[u8]| {
        let text = String::from_utf8_lossy(dump).into_owned();
        let lines = text.lines().filter(|line| !line.contains("_migrations"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let own = std::fs::read(own.path()).unwrap();
    assert_eq!(rows(&again), rows(&own));
}

pub(crate) async fn dumps_of_other_tools_arrive(world: World) {
    let d1 = "PRAGMA defer_foreign_keys=TRUE;\nCREATE TABLE d (a);\nINSERT INTO \"d\" VALUES(1);\n";
    let browser = "BEGIN TRANSACTION;\nDROP TABLE IF EXISTS \"b\";\nCREATE TABLE IF NOT EXISTS \"b\" (\n\t\"id\"\tINTEGER,\n\t\"n\"\tTEXT,\n\tPRIMARY KEY(\"id\" AUTOINCREMENT)\n);\n\
                   INSERT INTO \"b\" (\"id\",\"n\") VALUES (1,'x'),\n (2,NULL);\nDROP INDEX IF EXISTS \"b_n\";\nCREATE INDEX IF NOT EXISTS \"b_n\" ON \"b\" (\"n\");\nCOMMIT;\n";
    let studio = "--\n-- File generated with SQLiteStudio v3.4.4\n--\n-- Text encoding used: System\n--\nPRAGMA foreign_keys = off;\nBEGIN TRANSACTION;\n\n\
                  -- Table: s\nDROP TABLE IF EXISTS s;\nCREATE TABLE s (id INTEGER, n TEXT);\nINSERT INTO s (id, n) VALUES (1, 'a');\n\
                  COMMIT TRANSACTION;\nPRAGMA foreign_keys = on;\n";
    let admin = "----\n-- phpLiteAdmin database dump\n----\nBEGIN TRANSACTION;\n\n----\n-- Drop table for p\n----\nDROP TABLE IF EXISTS \"p\";\n\n\
                 CREATE TABLE 'p' ('a' INTEGER);\nINSERT INTO \"p\" (\"a\") VALUES ('1');\nCOMMIT;\n";
    let northwind = "PRAGMA synchronous = OFF;\nPRAGMA journal_mode = MEMORY;\nBEGIN IMMEDIATE TRANSACTION;\nDROP TABLE IF EXISTS [n];\nDROP VIEW IF EXISTS [n v];\n\
                     CREATE TABLE [n] (a, b, c, d);\nINSERT INTO [n] VALUES (TRUE, false, 0x1F, null);\nREPLACE INTO [n] VALUES (-0x10, 0XFFFFFFFFFFFFFFFF, 0x0, 2);\n\
                     END;\nVACUUM;\nANALYZE;\nPRAGMA integrity_check;\n";
    for (text, expect) in [
        (d1, "d 1"),
        (browser, "b 2"),
        (studio, "s 1"),
        (admin, "p 1"),
        (
            northwind,
            "n 2; PRAGMA synchronous; PRAGMA journal_mode; VACUUM; ANALYZE; PRAGMA integrity_check",
        ),
    ] {
        let dump = Dump::new(text);
        assert_eq!(told(dump.import(&world.db).await), expect, "{text}");
        holds(&world, &dump).await;
    }
    assert_eq!(
        world.ask("SELECT a, b, c, d FROM n ORDER BY rowid").await,
        "1|0|31|NULL -16|-1|0|2"
    );
}

pub(crate) async fn rows_that_give_way_are_told(world: World) {
    by_hand(&world, "CREATE TABLE other (x)").await;
    for size in [3, MANY] {
        let table = format!("t{size}");
        let rows: String = (0..size)
            .map(|row| {
                format!(
                    "INSERT OR IGNORE INTO {table} VALUES({row},'{}');\n",
                    "x".repeat(20)
                )
            })
            .collect();
        let twice = format!(
            "INSERT OR REPLACE INTO {table} VALUES(0,'new');\nINSERT OR IGNORE INTO {table} VALUES(1,'no');\n"
        );
        let text = format!("CREATE TABLE {table} (id INTEGER PRIMARY KEY, a);\n{rows}{twice}");
        let dump = Dump::new(dump(&text));
        let done = told(dump.import(&world.db).await);
        assert_eq!(done, format!("{table} {size}; some gave way"));
        let asked = format!("SELECT count(*), min(a) FROM {table} WHERE id < 2");
        assert_eq!(world.ask(&asked).await, format!("2|new"));
    }
    let bad = "CREATE TABLE f (a UNIQUE);\nINSERT OR ABORT INTO f VALUES(1);\nINSERT OR FAIL INTO f VALUES(1);\n";
    assert_eq!(
        told(Dump::new(dump(bad)).import(&world.db).await),
        "line 5, table f: UNIQUE constraint failed: f.a"
    );
}

pub(crate) async fn what_a_dump_would_drop_is_told(world: World) {
    by_hand(&world, "CREATE TABLE t (x); INSERT INTO t VALUES (1)").await;
    for (text, expect) in [
        (
            "DROP TABLE IF EXISTS t;\nCREATE TABLE t (x);\nINSERT INTO t VALUES(2);\n",
            "the dump drops the table t, which is there and has 1 row",
        ),
        (
            "CREATE TABLE u (x);\nINSERT INTO u VALUES(2);\nDROP TABLE IF EXISTS U;\n",
            "the dump drops the table U, which it has made in line 3",
        ),
        ("DROP TABLE u;\n", "refused-statement at line 3"),
    ] {
        assert_eq!(told(Dump::new(dump(text)).import(&world.db).await), expect);
    }
    assert_eq!(world.ask("SELECT x FROM t").await, "1");
    assert_eq!(world.tables().await, "t");
}

pub(crate) async fn triggers_of_existing_tables_run_only_where_they_are_to(world: World) {
    change(
        &world.db,
        [
            "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, n INTEGER)",
            "CREATE TABLE log (id)",
            "CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.id); END",
        ],
    )
    .await;
    let rows = many(MANY);
    let rows = rows.split_once('\n').unwrap().1;
    let dump = Dump::new(dump(rows));
    let refused = told(
        dump.import_with(&world.db, &into_existing(Triggers::Refuse))
            .await,
    );
    assert_eq!(
        refused,
        "the trigger g of t would run for each row of the dump"
    );
    assert_eq!(world.ask("SELECT count(*) FROM t").await, "0");
    let done = told(
        dump.import_with(&world.db, &into_existing(Triggers::Run))
            .await,
    );
    assert_eq!(done, format!("t {MANY}"));
    assert_eq!(
        world
            .ask("SELECT (SELECT count(*) FROM t), (SELECT count(*) FROM log)")
            .await,
        format!("{MANY}|{MANY}")
    );
}

pub(crate) async fn half_of_an_import_is_not_exported_as_a_whole(world: World) {
    unfinished(&world).await;
    let mut out = Vec::new();
    let error = export(&world.db, &ExportOptions::default(), &mut out).await;
    assert_eq!(
        error.unwrap_err().to_string(),
        "the import of old.sql into this database was not finished"
    );
    assert!(out.is_empty());
    let named = ExportOptions::default().tables(vec!["other".to_owned()]);
    export(&world.db, &named, &mut out).await.unwrap();
    assert!(
        String::from_utf8(out)
            .unwrap()
            .contains("CREATE TABLE other")
    );
}

/// A user's table of a name that a virtual table's own might have.
const EMAIL: &str = "CREATE TABLE email_content (id INTEGER PRIMARY KEY, body TEXT);\n\
    INSERT INTO email_content VALUES(1,'one two');\n\
    CREATE TABLE email_stat (day);\nINSERT INTO email_stat VALUES(7);\n\
    CREATE INDEX email_day ON email_stat (day);\n";

pub(crate) async fn a_table_may_be_called_like_one_of_a_virtual_table(world: World) {
    let text = format!(
        "{EMAIL}INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table','email','email',0,\
         'CREATE VIRTUAL TABLE email USING fts5(body, content=''email_content'', content_rowid=''id'')');\n\
         CREATE TABLE IF NOT EXISTS 'email_data'(id INTEGER PRIMARY KEY, block BLOB);\n\
         INSERT INTO email_data VALUES(1,X'0102');\nINSERT INTO email_data VALUES(10,X'000000000101010001010101');\n\
         INSERT INTO email_data VALUES(137438953473,X'0000001404306f6e65010202010374776f0102030408');\n\
         CREATE TABLE IF NOT EXISTS 'email_idx'(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID;\n\
         INSERT INTO email_idx VALUES(1,X'',2);\n\
         CREATE TABLE IF NOT EXISTS 'email_docsize'(id INTEGER PRIMARY KEY, sz BLOB);\nINSERT INTO email_docsize VALUES(1,X'02');\n\
         CREATE TABLE IF NOT EXISTS 'email_config'(k PRIMARY KEY, v) WITHOUT ROWID;\nINSERT INTO email_config VALUES('version',4);\n"
    );
    let dump = Dump::new(dump(&text));
    assert_eq!(
        told(dump.import(&world.db).await),
        "email_content 1, email_stat 1"
    );
    assert_eq!(
        world
            .ask("SELECT body FROM email WHERE email MATCH 'two'")
            .await,
        "one two"
    );
    holds(&world, &dump).await;
}

/// As `iterdump` of Python writes it: the rows of the virtual table, and those of its own tables, which an older engine
/// defines in another way.
pub(crate) async fn a_dump_of_python_with_a_virtual_table_arrives(world: World) {
    let text = "BEGIN TRANSACTION;\nPRAGMA writable_schema=ON;\n\
        INSERT INTO sqlite_master(type,name,tbl_name,rootpage,sql)VALUES('table','f','f',0,'CREATE VIRTUAL TABLE f USING fts5(a)');\n\
        INSERT INTO \"f\" VALUES('x y');\n\
        CREATE TABLE 'f_config'(k, v, PRIMARY KEY(k)) WITHOUT ROWID;\nINSERT INTO \"f_config\" VALUES('version',4);\n\
        CREATE TABLE 'f_content'(id INTEGER PRIMARY KEY, c0 ANY);\nINSERT INTO \"f_content\" VALUES(1,'x y');\n\
        CREATE TABLE 'f_data'(id INTEGER PRIMARY KEY, block BLOB);\nINSERT INTO \"f_data\" VALUES(1,X'0102');\n\
        INSERT INTO \"f_data\" VALUES(10,X'000000000101010001010101');\n\
        INSERT INTO \"f_data\" VALUES(137438953473,X'000000100230780102020101790102030406');\n\
        CREATE TABLE 'f_docsize'(id INTEGER PRIMARY KEY, sz BLOB);\nINSERT INTO \"f_docsize\" VALUES(1,X'02');\n\
        CREATE TABLE 'f_idx'(segid, term, pgno, PRIMARY KEY(segid, term)) WITHOUT ROWID;\nINSERT INTO \"f_idx\" VALUES(1,X'',2);\n\
        CREATE TABLE t(a);\nINSERT INTO \"t\" VALUES(1);\nPRAGMA writable_schema=OFF;\nCOMMIT;\n";
    let dump = Dump::new(text);
    assert_eq!(told(dump.import(&world.db).await), "t 1");
    assert_eq!(
        world
            .ask("SELECT count(*), a FROM f WHERE f MATCH 'y'")
            .await,
        "1|x y"
    );
    holds(&world, &dump).await;
    // Without its tables, the rows of a virtual table are its content.
    let alone = Dump::new(self::dump(
        "CREATE VIRTUAL TABLE g USING fts5(a);\nINSERT INTO g VALUES('x z');\n",
    ));
    assert_eq!(told(alone.import(&world.db).await), "g 1");
    assert_eq!(world.ask("SELECT a FROM g WHERE g MATCH 'z'").await, "x z");
    let verified = verify(&world.db, &Input::File(alone.path()), Level::Full).await;
    assert!(verified.unwrap().is_equal());
}

/// A table of so many columns, some with infinities in them and texts that look like the sign for one.
fn wide(columns: usize, key: &str) -> String {
    let names: Vec<String> = (0..columns).map(|at| format!("c{at}")).collect();
    let value = |at: usize| match at % 7 {
        0 => at.to_string(),
        1 => "-9e999".to_owned(),
        2 => "9e999".to_owned(),
        3 => format!("'{at}'"),
        4 => "'\u{1}-'".to_owned(),
        5 => "'\u{1}'".to_owned(),
        _ => "1.0".to_owned(),
    };
    let values: Vec<String> = (0..columns).map(value).collect();
    let (names, values) = (names.join(","), values.join(","));
    format!("CREATE TABLE w{columns} ({names}{key});\nINSERT INTO w{columns} VALUES({values});\n")
}

pub(crate) async fn the_widest_tables_make_the_trip(world: World) {
    for (columns, key) in [
        (1, ""),
        (1100, ""),
        (1999, ""),
        (2000, ""),
        (1998, ",PRIMARY KEY(c3)"),
    ] {
        let dump = Dump::new(dump(&wide(columns, key)));
        assert_eq!(told(dump.import(&world.db).await), format!("w{columns} 1"));
        holds(&world, &dump).await;
    }
}

pub(crate) async fn all_rows_without_their_parents_are_counted(world: World) {
    by_hand(&world, "CREATE TABLE other (x)").await;
    let orphans: String = (1..=227)
        .map(|row| format!("INSERT INTO c VALUES({row});\n"))
        .collect();
    let tables = "CREATE TABLE p (a PRIMARY KEY);\nCREATE TABLE c (x REFERENCES p(a));\n";
    for rest in [String::new(), many(MANY)] {
        let dump = Dump::new(dump(&format!("{rest}{tables}{orphans}")));
        let words = told(dump.import(&world.db).await);
        assert!(words.starts_with("227 rows lack their parents"), "{words}");
    }
}

pub(crate) async fn a_foreign_key_to_no_key_is_named(world: World) {
    by_hand(&world, "CREATE TABLE other (x)").await;
    let text =
        "CREATE TABLE p (a);\nCREATE TABLE c (x REFERENCES p(a));\nINSERT INTO c VALUES(1);\n";
    let dump = Dump::new(dump(text));
    assert_eq!(
        told(dump.import(&world.db).await),
        "the foreign key of c refers to columns of p that are no key of it"
    );
    let allowed = ImportOptions::default().violations(seedbed::dump::import::Violations::Allow);
    assert_eq!(
        told(dump.import_with(&world.db, &allowed).await),
        "p 0, c 1"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_no_server_can_give_back_is_told_before_anything_is_sent() {
    let world = World::remote().await;
    let rows = many(MANY);
    let text = format!(
        "{rows}CREATE TABLE u (a, b);\nINSERT INTO u (a, b) VALUES(X'ff',CAST(X'636166e9' AS TEXT));\n"
    );
    let dump = Dump::new(dump(&text));
    assert_eq!(
        told(dump.import(&world.db).await),
        "a text in column b is not UTF-8"
    );
    assert_eq!(world.tables().await, "");
    let local = World::local().await;
    assert_eq!(told(dump.import(&local.db).await), format!("t {MANY}, u 1"));
    holds(&local, &dump).await;
}

#[test]
fn a_key_that_is_none_is_told_with_its_line_and_what_to_do() {
    let text =
        "CREATE TABLE p (a);\nCREATE TABLE c (x REFERENCES p(a));\nINSERT INTO c VALUES(1);\n";
    let project = Project::new().file("old.sql", dump(text));
    project.run("import old.sql").check(expect![[r#"
        $ seedbed import old.sql
        2> target: local local.db (default)
        2> error[foreign-key-mismatch]: the foreign key of c refers to columns of p that are no key of it
        2>  --> old.sql:4
        2>   = note: the engine can check no row against such a key
        2>   = help: in the database that is dumped, make a unique index on those columns of p, and dump it again
        2>   = help: `seedbed import old.sql --allow-fk-violations` imports it as it is
        2>
        2> nothing of the dump is in the database
        exit 4
    "#]]);
    let ran = project.run("import old.sql --allow-fk-violations");
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[test]
fn the_help_for_tables_that_are_there_leads_out() {
    let project = Project::new()
        .file(
            "old.sql",
            dump("CREATE TABLE t (x);\nINSERT INTO t VALUES(1);\n"),
        )
        .file("rows.sql", dump("INSERT INTO t VALUES(2);\n"));
    assert_eq!(project.run("import old.sql").code, Some(0));
    let other = dump("CREATE TABLE t (x);\nINSERT INTO t VALUES(3);\n");
    project.write("other.sql", &other);
    project.run("import other.sql").check(expect![[r#"
        $ seedbed import other.sql
        2> target: local local.db (default)
        2> error[exists]: table t exists already and has 1 row
        2>   |
        2>   = help: name a new database with `--database FILE`; or, to add the rows to the table that is there, write a dump of rows alone (`seedbed export --data-only rows.sql --database old.db`, or `sqlite3 old.db ".dump --data-only"`) and `seedbed import rows.sql --into-existing`
        2>
        2> nothing of the dump is in the database
        exit 4
    "#]]);
    project
        .run("import other.sql --into-existing")
        .check(expect![[r#"
            $ seedbed import other.sql --into-existing
            2> target: local local.db (default)
            2> error[exists]: table t exists already and has 1 row
            2>   |
            2>   = help: name a new database with `--database FILE`; or, to add the rows to the table that is there, write a dump of rows alone (`seedbed export --data-only rows.sql --database old.db`, or `sqlite3 old.db ".dump --data-only"`) and `seedbed import rows.sql --into-existing`
            2>
            2> nothing of the dump is in the database
            exit 4
        "#]]);
    project.run("import rows.sql").check(expect![[r#"
        $ seedbed import rows.sql
        2> target: local local.db (default)
        2> error[exists]: table t exists already and has 1 row
        2>   |
        2>   = help: `seedbed import rows.sql --into-existing` adds the rows to it; or name a new database with `--database FILE`
        2>
        2> nothing of the dump is in the database
        exit 4
    "#]]);
    assert_eq!(project.run("import rows.sql --into-existing").code, Some(0));
}

#[test]
fn a_file_without_tables_is_laid_out_as_the_one_that_was_dumped() {
    const LAYOUT: &str = "SELECT encoding, page_size, auto_vacuum FROM pragma_encoding, pragma_page_size, pragma_auto_vacuum";
    let project = Project::bare();
    project.change(&[
        "PRAGMA encoding = 'UTF-16be'",
        "PRAGMA page_size = 8192",
        "PRAGMA auto_vacuum = 1",
        "CREATE TABLE t (a)",
        "DROP TABLE t",
    ]);
    let expect = project.ask(LAYOUT);
    assert_eq!(expect, "UTF-16be|8192|1");
    let ran = project.run("export dump.sql");
    assert_eq!(ran.code, Some(0), "{ran}");
    for (line, file) in [
        ("import local.db --database one.db", "one.db"),
        ("import dump.sql --database two.db", "two.db"),
        ("copy local.db three.db", "three.db"),
        ("copy dump.sql four.db", "four.db"),
    ] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(0), "{ran}");
        assert_eq!(project.ask_of(file, [LAYOUT]), [expect.as_str()], "{line}");
    }
    let ran = project.run("backup --dir b");
    assert_eq!(ran.code, Some(0), "{ran}");
    let files = project.files();
    let backup = files.iter().find(|it| it.ends_with(".sql.gz")).unwrap();
    let ran = project.run(&format!("restore {backup} --database five.db"));
    assert_eq!(ran.code, Some(0), "{ran}");
    assert_eq!(project.ask_of("five.db", [LAYOUT]), [expect.as_str()]);
}

#[test]
fn a_file_is_laid_out_as_the_one_that_was_dumped() {
    let project = Project::new().file(
        "old.sql",
        "PRAGMA foreign_keys=OFF;\nPRAGMA encoding='UTF-16le';\nPRAGMA page_size=1024;\nPRAGMA auto_vacuum=INCREMENTAL;\nBEGIN TRANSACTION;\n\
         PRAGMA user_version=0x07;\nPRAGMA application_id=0x47504B47;\nCREATE TABLE t (x);\nINSERT INTO t VALUES('\u{e4}\u{1f331}');\n\
         INSERT INTO t VALUES(replace(replace('a\\rb\\0\nc ''\\(r0)','\\r',char(13)),'\\0',char(0)));\nCOMMIT;\n",
    );
    let laid_out = |project: &Project, file: &str| {
        let db = Db::local(project.path(file), Options::default()).unwrap();
        let questions = [
            "encoding",
            "page_size",
            "auto_vacuum",
            "user_version",
            "application_id",
        ];
        let questions = questions.map(|it| seedbed::db::Query::new(format!("PRAGMA {it}")));
        format!(
            "{:?}",
            waiting().block_on(db.query(questions.to_vec())).unwrap()
        )
    };
    assert_eq!(
        project.run("import old.sql --database one.db").code,
        Some(0)
    );
    let expect = laid_out(&project, "one.db");
    assert!(
        expect.contains("UTF-16le") && expect.contains("1024") && expect.contains("1196444487"),
        "{expect}"
    );
    project
        .run("export --database one.db --no-history -")
        .check(expect![[r#"
            $ seedbed export --database one.db --no-history -
            PRAGMA foreign_keys=OFF;
            PRAGMA encoding='UTF-16le';
            PRAGMA page_size=1024;
            PRAGMA auto_vacuum=2;
            BEGIN TRANSACTION;
            PRAGMA user_version=7;
            PRAGMA application_id=1196444487;
            CREATE TABLE t (x);
            INSERT INTO t(rowid,x) VALUES(1,'ä🌱');
            INSERT INTO t(rowid,x) VALUES(2,replace(replace('a\(r1)b\(00)
            c ''\(r0)','\(r1)',char(13)),'\(00)',char(0)));
            COMMIT;
            2> target: local one.db (--database)
        "#]]);
    assert!(!project.path("-").exists());
    for line in [
        "import one.db --database two.db --verify full",
        "export --database one.db one.sql",
        "import one.sql --database three.db",
        "verify old.sql --database three.db",
        "backup --database one.db --dir kept",
    ] {
        let ran = project.run(line);
        assert_eq!(ran.code, Some(0), "{ran}");
    }
    let kept = project.files();
    let kept = kept.iter().find(|file| file.ends_with(".sql.gz")).unwrap();
    let ran = project.run(&format!("restore {kept} --database four.db"));
    assert_eq!(ran.code, Some(0), "{ran}");
    for file in ["two.db", "three.db", "four.db"] {
        assert_eq!(laid_out(&project, file), expect, "{file}");
    }
    // What is there keeps its own.
    let there = Db::local(project.path("there.db"), Options::default()).unwrap();
    waiting().block_on(change(&there, ["CREATE TABLE other (x)"]));
    project
        .run("import old.sql --database there.db")
        .check(expect![[r#"
            $ seedbed import old.sql --database there.db
            table  rows  bytes  took  verified
            t  2  119 B  [ms]  ✓

            imported old.sql: 2 rows of 1 table (334 B) in [ms]
            2> target: local there.db (--database)
            2> note: PRAGMA encoding was left out: only a new local file takes it, before any other statement that writes
            2> note: PRAGMA page_size was left out: only a new local file takes it, before any other statement that writes
            2> note: PRAGMA auto_vacuum was left out: only a new local file takes it, before any other statement that writes
            2> note: PRAGMA user_version was left out: this database has tables already, and keeps its own user_version
            2> note: PRAGMA application_id was left out: this database has tables already, and keeps its own application_id
        "#]]);
    waiting().block_on(change(&there, ["PRAGMA user_version = 8"]));
    project
        .run("verify old.sql --database there.db")
        .check(expect![[r#"
            $ seedbed verify old.sql --database there.db
            table  in the dump  in the database
            t                2                2  ✓

            PRAGMA user_version is 8, and line 6 of the dump sets it to 7
            PRAGMA application_id is 0, and line 7 of the dump sets it to 1196444487

            the database differs from the dump: 2 definitions not equal, compared in every value
            2> target: local there.db (--database)
            exit 1
        "#]]);
}

#[test]
fn a_database_that_is_written_to_is_compared_with_what_was_imported() {
    let project = Project::new();
    let live = Db::local(project.path("live.db"), Options::default()).unwrap();
    let runtime = waiting();
    runtime.block_on(change(
        &live,
        [
            "CREATE TABLE t (id INTEGER PRIMARY KEY, x)",
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO t SELECT i, hex(randomblob(50)) FROM n",
        ],
    ));
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let runtime = waiting();
            let mut row = 10_000;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                row += 1;
                runtime.block_on(change(&live, [format!("INSERT INTO t VALUES ({row}, 1)")]));
            }
        });
        let ran = ["new.db", "new.db"].map(|_| {
            let _ = std::fs::remove_file(project.path("new.db"));
            project.run("import live.db --database new.db --verify full --lock-timeout 60")
        });
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        for ran in ran {
            assert_eq!(ran.code, Some(0), "{ran}");
        }
    });
}

#[cfg(unix)]
#[test]
fn a_pipe_is_read_once_and_whole() {
    let project = Project::new();
    let pipe = project.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no mkfifo on this machine");
        return;
    }
    let there = Db::local(project.path("local.db"), Options::default()).unwrap();
    waiting().block_on(change(&there, ["CREATE TABLE other (x)"]));
    std::thread::scope(|scope| {
        scope.spawn(|| std::fs::write(&pipe, dump(&many(MANY))).unwrap());
        let ran = project.run("import pipe");
        assert_eq!(ran.code, Some(0), "{ran}");
    });
    let rows = project.ask("SELECT count(*) FROM t");
    assert_eq!(rows, MANY.to_string());
}

/// The engine keeps a log beside such a database, and cannot where the folder is read-only.
#[cfg(unix)]
#[test]
fn a_database_with_a_log_is_read_in_a_folder_that_nobody_may_write_to() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::new();
    let folder = project.path("kept");
    std::fs::create_dir(&folder).unwrap();
    let old = Db::local(project.path("old.db"), Options::default()).unwrap();
    waiting().block_on(crate::export::bare(
        &old,
        &[
            "PRAGMA journal_mode = WAL",
            "CREATE TABLE t (x)",
            "INSERT INTO t VALUES (7)",
            "PRAGMA wal_checkpoint(TRUNCATE)",
        ],
    ));
    let file = folder.join("old?%#.db");
    std::fs::copy(project.path("old.db"), &file).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o555)).unwrap();
    if std::fs::write(folder.join("probe"), b"").is_ok() {
        eprintln!("skipped: this user may write to every folder");
        return;
    }
    let shown = "kept/old?%#.db";
    for line in [
        format!("import {shown} --database new.db --verify full"),
        format!("verify {shown} --database new.db"),
        format!("export --database {shown} old.sql"),
        format!("backup --database {shown}"),
    ] {
        let ran = project.run(&line);
        assert_eq!(ran.code, Some(0), "{ran}");
    }
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
}
