//! Dumps that cannot be imported, as people see it: what is wrong, where, what is in the database, what to type next.

use expect_test::{Expect, expect};

use crate::project::Project;

/// Imports a text into a new file, which must not be there afterwards.
fn refused(text: impl AsRef<[u8]>, expect: Expect) {
    let project = Project::new().file("old.sql", text);
    project.run("import old.sql").check(expect);
    assert_eq!(project.files(), ["old.sql"]);
}

const BEGIN: &str =
    "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t (id INTEGER PRIMARY KEY, x);\n";

#[test]
fn a_dump_that_was_cut() {
    refused(
        format!("{BEGIN}INSERT INTO t VALUES(1,'a"),
        expect![[r#"
            $ seedbed import old.sql
            2> target: local local.db (default)
            2> error[cut-short]: the dump ends inside of the text that begins here
            2>  --> old.sql:4:24
            2>   = note: at byte 111
            2>   = note: INSERT INTO t VALUES(1,'a
            2>   = help: write the dump again, and look at the exit code of what writes it
            2>
            2> nothing of the dump is in the database
            exit 4
        "#]],
    );
}

#[test]
fn a_dump_without_its_commit() {
    refused(
        format!("{BEGIN}INSERT INTO t VALUES(1,'a');\n"),
        expect![[r#"
            $ seedbed import old.sql
            2> target: local local.db (default)
            2> error[cut-short]: no COMMIT ends the transaction that begins here
            2>  --> old.sql:2:1
            2>   = note: at byte 25
            2>   = note: BEGIN TRANSACTION;
            2>   = help: write the dump again, and look at the exit code of what writes it
            2>
            2> nothing of the dump is in the database
            exit 4
        "#]],
    );
}

#[test]
fn a_dump_that_ends_with_rollback() {
    refused(
        format!("{BEGIN}INSERT INTO t VALUES(1,'a');\nROLLBACK; -- due to errors\n"),
        expect![[r#"
            $ seedbed import old.sql
            2> target: local local.db (default)
            2> error[rolled-back]: old.sql ends with ROLLBACK in line 5 (byte 117): its writer could not read the whole database
            2>
            2> nothing of the dump is in the database
            exit 4
        "#]],
    );
}

#[test]
fn statements_that_no_dump_has() {
    refused(
        format!(
            "{BEGIN}SELECT load_extension('x');\n.shell rm -rf /\nATTACH 'other.db' AS other;\nPRAGMA journal_mode=WAL;\nCOMMIT;\n"
        ),
        expect![[r#"
            $ seedbed import old.sql
            2> target: local local.db (default)
            2> error[refused-statement]: SELECT is no part of a dump
            2>  --> old.sql:4:1
            2>   = note: at byte 88
            2>   = note: SELECT load_extension('x');
            2>   = help: a dump is untrusted text: only what dumps consist of is run from it. Delete the statement if it is not needed; if it is, run it yourself
            2>
            2> error[refused-statement]: `.shell` is a command for the sqlite3 shell and no SQL
            2>  --> old.sql:5:1
            2>   = note: at byte 116
            2>   = note: .shell rm -rf /
            2>   = help: dot-commands can run programs and read files: delete the line
            2>
            2> error[refused-statement]: ATTACH is no part of a dump
            2>  --> old.sql:6:1
            2>   = note: at byte 132
            2>   = note: ATTACH 'other.db' AS other;
            2>   = help: a dump is untrusted text: only what dumps consist of is run from it. Delete the statement if it is not needed; if it is, run it yourself
            2>
            2> nothing of the dump is in the database
            2>
            2> 3 errors
            exit 4
        "#]],
    );
}

#[test]
fn rows_of_another_width() {
    refused(
        format!("{BEGIN}INSERT INTO t VALUES(1);\nCOMMIT;\n"),
        expect![[r#"
            $ seedbed import old.sql
            2> target: local local.db (default)
            2> error[statement-failed]: table t has 2 columns but 1 values were supplied
            2>  --> old.sql:4
            2>   = note: it begins at byte 88
            2>   = note: it is about the table t
            2>
            2> nothing of the dump is in the database
            exit 1
        "#]],
    );
}

#[test]
fn a_row_twice() {
    refused(
        format!("{BEGIN}INSERT INTO t VALUES(1,2);\nINSERT INTO t VALUES(1,3);\nCOMMIT;\n"),
        expect![[r#"
            $ seedbed import old.sql
            2> target: local local.db (default)
            2> error[constraint]: UNIQUE constraint failed: t.id
            2>  --> old.sql:5
            2>   = note: it begins at byte 115
            2>   = note: it is about the table t
            2>
            2> nothing of the dump is in the database
            exit 1
        "#]],
    );
}

#[test]
fn rows_for_a_table_that_is_missing() {
    refused(
        format!("{BEGIN}INSERT INTO u VALUES(1,2);\nCOMMIT;\n"),
        expect![[r#"
            $ seedbed import old.sql
            2> target: local local.db (default)
            2> error[no-such-table]: there is no table u, and the dump does not make it before its rows
            2>  --> old.sql:4
            2>   = help: make it first with `seedbed migrate`, and then `seedbed import old.sql --into-existing`; or import a dump that has its schema
            2>
            2> nothing of the dump is in the database
            exit 4
        "#]],
    );
}

#[test]
fn a_table_that_the_engine_refuses() {
    refused(
        format!("{BEGIN}CREATE TABLE u (x, x);\nCOMMIT;\n"),
        expect![[r#"
            $ seedbed import old.sql
            2> target: local local.db (default)
            2> error[statement-failed]: duplicate column name: x
            2>  --> old.sql:4
            2>   = note: it begins at byte 88
            2>   = note: it creates the table u
            2>
            2> nothing of the dump is in the database
            exit 1
        "#]],
    );
}

#[test]
fn rows_without_their_parents() {
    refused(
        format!(
            "{BEGIN}CREATE TABLE c (id INTEGER PRIMARY KEY, t REFERENCES t (id));\nINSERT INTO c VALUES(7,1);\nCOMMIT;\n"
        ),
        expect![[r#"
            $ seedbed import old.sql
            2> target: local local.db (default)
            2> error[foreign-keys]: 1 row lacks its parent
            2>   |
            2>   = note: row 7 of c has no parent in t
            2>   = help: the database that was dumped lacked them too: delete those rows there, or add their parents
            2>   = help: `seedbed import old.sql --allow-fk-violations` keeps them
            2>
            2> nothing of the dump is in the database
            exit 4
        "#]],
    );
}

#[test]
fn files_that_are_no_dump() {
    refused(
        "",
        expect![[r#"
        $ seedbed import old.sql
        2> target: local local.db (default)
        2> error[no-dump]: old.sql is empty: not even an empty database has such a dump
        2>
        2> nothing of the dump is in the database
        exit 4
    "#]],
    );
    refused(
        b"\xff\xfeB\0E\0G\0I\0N\0",
        expect![[r#"
        $ seedbed import old.sql
        2> target: local local.db (default)
        2> error[no-dump]: old.sql is UTF-16: write it with `sqlite3 old.db ".output dump.sql" .dump`, since the shell's > changes the encoding
        2>
        2> nothing of the dump is in the database
        exit 4
    "#]],
    );
    refused(
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        expect![[r#"
        $ seedbed import old.sql
        2> target: local local.db (default)
        2> error[no-dump]: old.sql is no text: it has a NUL at byte 8
        2>
        2> nothing of the dump is in the database
        exit 4
    "#]],
    );
}

#[test]
fn a_file_that_is_not_there() {
    Project::new().run("import old.sql").check(expect![[r#"
        $ seedbed import old.sql
        2> target: local local.db (default)
        2> error[cannot-open]: cannot open old.sql: No such file or directory (os error 2)
        exit 2
    "#]]);
}

#[test]
fn the_database_itself() {
    let project = Project::new().file("local.db", "BEGIN;\nCREATE TABLE t (x);\nCOMMIT;\n");
    project.run("import local.db").check(expect![[r#"
        $ seedbed import local.db
        2> target: local local.db (default)
        2> error[same-file]: [root]/local.db is the database itself
        2>   |
        2>   = help: name another database with `--database FILE`
        exit 2
    "#]]);
}

#[test]
fn a_place_where_nothing_can_be_written() {
    let project = Project::new().file("old.sql", format!("{BEGIN}COMMIT;\n"));
    project
        .run("import old.sql --database no/such/folder/new.db")
        .check(expect![[r#"
            $ seedbed import old.sql --database no/such/folder/new.db
            2> target: local no/such/folder/new.db (--database)
            2> error[file]: [root]/no/such/folder: No such file or directory (os error 2)
            2>   |
            2>   = help: check whether the folder is there, whether you may write to it, and whether the disk is full
            2>
            2> nothing of the dump is in the database
            exit 1
        "#]]);
}

#[test]
fn tables_that_are_in_the_way() {
    let project = Project::new()
        .migration("V1__t", "CREATE TABLE t (x); INSERT INTO t VALUES (1);")
        .file("old.sql", format!("{BEGIN}COMMIT;\n"))
        .after("migrate");
    project.run("import old.sql").check(expect![[r#"
        $ seedbed import old.sql
        2> target: local local.db (default)
        2> error[exists]: table t exists already and has 1 row
        2>   |
        2>   = help: name a new database with `--database FILE`; or, to add the rows to the table that is there, write a dump of rows alone (`seedbed export --data-only rows.sql --database old.db`, or `sqlite3 old.db ".dump --data-only"`) and `seedbed import rows.sql --into-existing`
        2>
        2> nothing of the dump is in the database
        exit 4
    "#]]);
    project
        .run("import old.sql --format json --quiet")
        .check(expect![[r#"
            $ seedbed import old.sql --format json --quiet
            {
              "schema_version": 1,
              "command": "import",
              "mode": "local",
              "database": "local.db",
              "outcome": "problems",
              "exit_code": 4,
              "items": [],
              "problems": [
                {
                  "code": "exists",
                  "severity": "error",
                  "file": null,
                  "line": null,
                  "column": null,
                  "message": "table t exists already and has 1 row",
                  "notes": [],
                  "help": "name a new database with `--database FILE`; or, to add the rows to the table that is there, write a dump of rows alone (`seedbed export --data-only rows.sql --database old.db`, or `sqlite3 old.db \".dump --data-only\"`) and `seedbed import rows.sql --into-existing`"
                }
              ],
              "summary": "nothing of the dump is in the database"
            }
            exit 4
        "#]]);
    assert_eq!(project.state(), "recorded: V1; tables: t");
}

#[test]
fn line_ends_of_windows_and_a_byte_order_mark_are_no_obstacle() {
    let text =
        format!("\u{feff}{BEGIN}INSERT INTO t VALUES(1,'a');\nCOMMIT;\n").replace('\n', "\r\n");
    let project = Project::new().file("old.sql", text).after("import old.sql");
    assert_eq!(project.ask("SELECT * FROM t"), "1|a");
}

#[test]
fn a_dump_that_would_change_what_is_not_its_own() {
    let project = Project::new()
        .migration("V1__t", "CREATE TABLE other (x); INSERT INTO other VALUES (1);")
        .file(
            "old.sql",
            format!(
                "{BEGIN}DELETE FROM other;\nCREATE TRIGGER boo AFTER INSERT ON t BEGIN DELETE FROM other; END;\n\
                 INSERT INTO t VALUES(1,'a');\nCOMMIT;\n"
            ),
        )
        .after("migrate");
    project.run("import old.sql").check(expect![[r#"
        $ seedbed import old.sql
        2> target: local local.db (default)
        2> error[clears-table]: the dump deletes the rows of other, which is not its own and has 1 row
        2>  --> old.sql:4
        2>   = help: no shell writes that: see what else is in the dump, and take the statement out
        2>
        2> error[trigger-before-rows]: the dump makes the trigger boo of t before it writes rows to t
        2>  --> old.sql:6
        2>   = help: no shell writes that: move the trigger behind the rows of its table
        2>
        2> nothing of the dump is in the database
        2>
        2> 2 errors
        exit 4
    "#]]);
    assert_eq!(project.ask("SELECT count(*) FROM other"), "1");
}

#[test]
fn bytes_behind_the_end_of_a_gzip() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, format!("{BEGIN}COMMIT;\n").as_bytes()).unwrap();
    let mut bytes = packed.finish().unwrap();
    let whole = bytes.clone();
    for end in [&b"junk"[..], b"\0\0junk", b"j"] {
        bytes.truncate(whole.len());
        bytes.extend_from_slice(end);
        let project = Project::new().file("old.sql.gz", &bytes);
        let ran = project.run("import old.sql.gz");
        assert_eq!(ran.code, Some(4), "{ran}");
        let words = "bytes that are no gzip follow its end";
        assert!(ran.stderr.contains(words), "{ran}");
    }
    let project = Project::new().file("old.sql.gz", [whole.as_slice(), &[0; 20]].concat());
    let ran = project.run("import old.sql.gz");
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[test]
fn two_dumps_in_one_file() {
    let one = "DROP TABLE IF EXISTS t;\nCREATE TABLE t (id INTEGER PRIMARY KEY, x);\nINSERT INTO t VALUES(1,'a');\n";
    refused(
        format!("{one}{one}"),
        expect![[r#"
        $ seedbed import old.sql
        2> target: local local.db (default)
        2> error[drops]: the dump drops the table t, which it has made in line 2
        2>  --> old.sql:4
        2>   = help: the file seems to hold two dumps, one behind the other: import one of them, or take the statement and the rows that it would delete out of the dump
        2>
        2> nothing of the dump is in the database
        exit 4
    "#]],
    );
}
