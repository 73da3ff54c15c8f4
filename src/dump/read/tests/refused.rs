//! What is no dump, or only a part of one, and how that is reported.

use super::*;
use expect_test::expect;

#[test]
fn statements_that_dumps_do_not_have_are_all_told_at_once() {
    check(
        "INSERT INTO t VALUES(1);
SELECT load_extension('x');
ATTACH 'other.db' AS o;
DETACH o;
UPDATE t SET a = 'x;
y';
DELETE FROM t WHERE a = 1;
DROP TABLE t;
ALTER TABLE t ADD b;
VACUUM INTO 'x';
PRAGMA journal_mode=WAL;
  REPLACE INTO t VALUES(1);
INSERT OR IGNORE INTO t VALUES(1);
CREATE TEMP TABLE x(a);
CREATE TABLE x AS SELECT 1;
CREATE TABLE other.x(a);
CREATE TABLE sqlite_x(a);
CREATE INDEX x ON t(\"load_extension\" ('x'));
WITH a AS (SELECT 1) INSERT INTO t SELECT 1;
INSERT INTO t VALUES(2);
",
        expect![[r#"
            error: dump.sql:2:1: SELECT is no part of a dump
            dump.sql:3:1: ATTACH is no part of a dump
            dump.sql:4:1: DETACH is no part of a dump
            dump.sql:5:1: UPDATE is no part of a dump
            dump.sql:7:1: only DELETE FROM a whole table is part of a dump
            dump.sql:8:1: DROP TABLE is no part of a dump
            dump.sql:9:1: ALTER is no part of a dump
            dump.sql:10:1: VACUUM is no part of a dump
            dump.sql:14:1: a temporary table (`x`) is no part of a dump
            dump.sql:15:1: CREATE TABLE … AS is no part of a dump
            dump.sql:16:1: a table in another database (`other.x`) is no part of a dump
            dump.sql:17:1: `sqlite_x` is a name of the engine's own: it makes such objects itself
            dump.sql:18:1: a call of load_extension() is no part of a dump
            dump.sql:19:1: only INSERT INTO … VALUES … is part of a dump
            2:1 [refused-statement] SELECT is no part of a dump
                SELECT load_extension(\'x\');
                ^^^^^^
            3:1 [refused-statement] ATTACH is no part of a dump
                ATTACH \'other.db\' AS o;
                ^^^^^^
            4:1 [refused-statement] DETACH is no part of a dump
                DETACH o;
                ^^^^^^
            5:1 [refused-statement] UPDATE is no part of a dump
                UPDATE t SET a = \'x;
                ^^^^^^
            7:1 [refused-statement] only DELETE FROM a whole table is part of a dump
                DELETE FROM t WHERE a = 1;
                ^^^^^^
            8:1 [refused-statement] DROP TABLE is no part of a dump
                DROP TABLE t;
                ^^^^
            9:1 [refused-statement] ALTER is no part of a dump
                ALTER TABLE t ADD b;
                ^^^^^
            10:1 [refused-statement] VACUUM is no part of a dump
                VACUUM INTO \'x\';
                ^^^^^^
            14:1 [refused-statement] a temporary table (`x`) is no part of a dump
                CREATE TEMP TABLE x(a);
                ^^^^^^
            15:1 [refused-statement] CREATE TABLE … AS is no part of a dump
                CREATE TABLE x AS SELECT 1;
                ^^^^^^
            16:1 [refused-statement] a table in another database (`other.x`) is no part of a dump
                CREATE TABLE other.x(a);
                ^^^^^^
            17:1 [refused-statement] `sqlite_x` is a name of the engine's own: it makes such objects itself
                CREATE TABLE sqlite_x(a);
                ^^^^^^
            18:1 [refused-statement] a call of load_extension() is no part of a dump
                CREATE INDEX x ON t(\"load_extension\" (\'x\'));
                ^^^^^^
            19:1 [refused-statement] only INSERT INTO … VALUES … is part of a dump
                WITH a AS (SELECT 1) INSERT INTO t SELECT 1;
                ^^^^
        "#]],
    );
}

#[test]
fn more_that_dumps_do_not_have() {
    check(
        "ANALYZE;
ANALYZE t;
PRAGMA user_version=x;
SAVEPOINT other;
CREATE TABLE;
INSERT INTO sqlite_dbpage VALUES(1,x'');
DELETE FROM sqlite_schema;
INSERT INTO other.t VALUES(1);
INSERT INTO t SELECT 1;
INSERT INTO t DEFAULT VALUES;
INSERT INTO t VALUES(1) RETURNING a;
INSERT INTO t(a,b) VALUES(1);
INSERT INTO t VALUES(1,2),(3);
SET x = 1;
",
        expect![[r#"
            error: dump.sql:3:1: the value of PRAGMA user_version is no integer
            dump.sql:4:1: SAVEPOINT is no part of a dump
            dump.sql:5:1: the table has no name
            dump.sql:6:1: `sqlite_dbpage` is the engine's own, and no dump has rows of it
            dump.sql:7:1: DELETE FROM sqlite_schema is no part of a dump
            dump.sql:8:1: `other` is another database than the one that was dumped
            dump.sql:9:15: expected VALUES, found `SELECT`
            dump.sql:10:15: expected VALUES, found `DEFAULT`
            dump.sql:11:25: expected a semicolon behind the row, found `RETURNING`
            dump.sql:12:1: 2 columns are named, and the row has 1 values
            dump.sql:13:27: the first row of the statement has 2 values, and this one 1
            3:1 [refused-statement] the value of PRAGMA user_version is no integer
                PRAGMA user_version=x;
                ^^^^^^
            4:1 [refused-statement] SAVEPOINT is no part of a dump
                SAVEPOINT other;
                ^^^^^^^^^
            5:1 [refused-statement] the table has no name
                CREATE TABLE;
                ^^^^^^
            6:1 [refused-statement] `sqlite_dbpage` is the engine's own, and no dump has rows of it
                INSERT INTO sqlite_dbpage VALUES(1,x\'\');
                ^^^^^^^^^^^
            7:1 [refused-statement] DELETE FROM sqlite_schema is no part of a dump
                DELETE FROM sqlite_schema;
                ^^^^^^
            8:1 [malformed-row] `other` is another database than the one that was dumped
                INSERT INTO other.t VALUES(1);
                ^^^^^^^^^^^^^^^^^
            9:15 [malformed-row] expected VALUES, found `SELECT`
                INSERT INTO t SELECT 1;
                              ^^^^^^
            10:15 [malformed-row] expected VALUES, found `DEFAULT`
                INSERT INTO t DEFAULT VALUES;
                              ^^^^^^^
            11:25 [malformed-row] expected a semicolon behind the row, found `RETURNING`
                INSERT INTO t VALUES(1) RETURNING a;
                                        ^^^^^^^^^
            12:1 [malformed-row] 2 columns are named, and the row has 1 values
                INSERT INTO t(a,b) VALUES(1);
                ^^^^^^^^^^^^^^^^^^^^^^^^^^
            13:27 [malformed-row] the first row of the statement has 2 values, and this one 1
                INSERT INTO t VALUES(1,2),(3);
                                          ^^^
        "#]],
    );
}

#[test]
fn twenty_problems_are_enough() {
    let (_, end) = read(reader("SELECT 1;\n".repeat(30).as_bytes(), 7, 64));
    let Err(DumpError::Refused { problems, more, .. }) = end else {
        panic!("{end:?}")
    };
    assert_eq!((problems.len(), more), (20, true));
}

#[test]
fn dot_commands_are_refused_to_the_end_of_their_line() {
    check(
        ".dbconfig defensive off; it's\nINSERT INTO t VALUES(1);\n.shell rm 'x\n.quit",
        expect![[r#"
            error: dump.sql:1:1: `.dbconfig` is a command for the sqlite3 shell and no SQL
            dump.sql:3:1: `.shell` is a command for the sqlite3 shell and no SQL
            dump.sql:4:1: `.quit` is a command for the sqlite3 shell and no SQL
            1:1 [refused-statement] `.dbconfig` is a command for the sqlite3 shell and no SQL
                .dbconfig defensive off; it\'s
                ^^^^^^^^^
            3:1 [refused-statement] `.shell` is a command for the sqlite3 shell and no SQL
                .shell rm \'x
                ^^^^^^
            4:1 [refused-statement] `.quit` is a command for the sqlite3 shell and no SQL
                .quit
                ^^^^^
        "#]],
    );
}

#[test]
fn rows_of_the_schema_stand_for_virtual_tables_only() {
    check(
        "INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table','t','t',2,'CREATE TABLE t(a)');
INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table','t','t',0,'CREATE TABLE t(a)');
INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table','t','t',0,'CREATE VIRTUAL TABLE u USING x');
INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table','t','t',0,'CREATE VIRTUAL TABLE t USING x; SELECT 1');
INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('trigger','t','t',0,'CREATE VIRTUAL TABLE t USING x');
INSERT INTO sqlite_schema VALUES(1);
INSERT INTO sqlite_schema VALUES(1),(2);
",
        expect![[r#"
            error: dump.sql:1:1: a row of sqlite_schema that is no virtual table would change the schema behind the engine's back
            dump.sql:2:1: a row of sqlite_schema that is no virtual table would change the schema behind the engine's back
            dump.sql:3:1: a row of sqlite_schema that is no virtual table would change the schema behind the engine's back
            dump.sql:4:1: a row of sqlite_schema that is no virtual table would change the schema behind the engine's back
            dump.sql:5:1: a row of sqlite_schema that is no virtual table would change the schema behind the engine's back
            dump.sql:6:1: a row of sqlite_schema that is no virtual table would change the schema behind the engine's back
            dump.sql:7:37: expected a semicolon behind the row, found `(`
            1:1 [refused-statement] a row of sqlite_schema that is no virtual table would change the schema behind the engine's back
                INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES(\'table\',\'t\',\'t\',2,\'CREATE TABLE t(a)\');
                ^^^^^^
            2:1 [refused-statement] a row of sqlite_schema that is no virtual table would change the schema behind the engine's back
                INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES(\'table\',\'t\',\'t\',0,\'CREATE TABLE t(a)\');
                ^^^^^^
            3:1 [refused-statement] a row of sqlite_schema that is no virtual table would change the schema behind the engine's back
                INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES(\'table\',\'t\',\'t\',0,\'CREATE VIRTUAL TABLE u USING x\');
                ^^^^^^
            4:1 [refused-statement] a row of sqlite_schema that is no virtual table would change the schema behind the engine's back
                INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES(\'table\',\'t\',\'t\',0,\'CREATE VIRTUAL TABLE t USING x; SELE…
                ^^^^^^
            5:1 [refused-statement] a row of sqlite_schema that is no virtual table would change the schema behind the engine's back
                INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES(\'trigger\',\'t\',\'t\',0,\'CREATE VIRTUAL TABLE t USING x\');
                ^^^^^^
            6:1 [refused-statement] a row of sqlite_schema that is no virtual table would change the schema behind the engine's back
                INSERT INTO sqlite_schema VALUES(1);
                ^^^^^^
            7:37 [malformed-row] expected a semicolon behind the row, found `(`
                INSERT INTO sqlite_schema VALUES(1),(2);
                                                    ^
        "#]],
    );
}

#[test]
fn a_value_that_is_no_literal_is_refused_where_it_stands() {
    check(
        r"INSERT INTO t VALUES(1,random());
INSERT INTO t VALUES(1,a);
INSERT INTO t VALUES(1 + 1);
INSERT INTO t VALUES(('x'));
INSERT INTO t VALUES((SELECT 1));
INSERT INTO t VALUES(--1
1);
INSERT INTO t VALUES(12ab);
INSERT INTO t VALUES(0x10);
INSERT INTO t VALUES(NaN);
INSERT INTO t VALUES(x'0');
INSERT INTO t VALUES(x'0g');
INSERT INTO t VALUES(unistr('a\x'));
INSERT INTO t VALUES(unistr('\U00110000'));
INSERT INTO t VALUES(replace('a','a',char(11)));
INSERT INTO t VALUES(replace('a','a','b'));
INSERT INTO t VALUES(CAST('1' AS TEXT));
INSERT INTO t VALUES(CAST(x'00' AS INTEGER));
INSERT INTO t VALUES();
INSERT INTO t VALUES(1,);
",
        expect![[r#"
            error: dump.sql:1:24: the value is an expression, and dumps consist of plain values
            dump.sql:2:24: the value is an expression, and dumps consist of plain values
            dump.sql:3:24: expected a comma or a parenthesis behind the value, found `+`
            dump.sql:4:22: the value is an expression, and dumps consist of plain values
            dump.sql:5:22: the value is an expression, and dumps consist of plain values
            dump.sql:6:22: the value is an expression, and dumps consist of plain values
            dump.sql:8:22: the value is an expression, and dumps consist of plain values
            dump.sql:10:22: the value is an expression, and dumps consist of plain values
            dump.sql:11:22: the blob is malformed: x'…' takes pairs of hexadecimal digits
            dump.sql:12:22: the blob is malformed: x'…' takes pairs of hexadecimal digits
            dump.sql:13:31: the text of unistr() has a \ that begins no escape
            dump.sql:14:30: the text of unistr() has a \ that begins no escape
            dump.sql:15:22: the value is an expression, and dumps consist of plain values
            dump.sql:16:22: the value is an expression, and dumps consist of plain values
            dump.sql:17:22: the value is an expression, and dumps consist of plain values
            dump.sql:18:22: the value is an expression, and dumps consist of plain values
            dump.sql:19:22: expected a value, found `)`
            dump.sql:20:24: expected a value, found `)`
            1:24 [refused-value] the value is an expression, and dumps consist of plain values
                INSERT INTO t VALUES(1,random());
                                       ^^^^^^
            2:24 [refused-value] the value is an expression, and dumps consist of plain values
                INSERT INTO t VALUES(1,a);
                                       ^
            3:24 [malformed-row] expected a comma or a parenthesis behind the value, found `+`
                INSERT INTO t VALUES(1 + 1);
                                       ^
            4:22 [refused-value] the value is an expression, and dumps consist of plain values
                INSERT INTO t VALUES((\'x\'));
                                     ^
            5:22 [refused-value] the value is an expression, and dumps consist of plain values
                INSERT INTO t VALUES((SELECT 1));
                                     ^
            6:22 [refused-value] the value is an expression, and dumps consist of plain values
                INSERT INTO t VALUES(--1
                                     ^
            8:22 [refused-value] the value is an expression, and dumps consist of plain values
                INSERT INTO t VALUES(12ab);
                                     ^^^^
            10:22 [refused-value] the value is an expression, and dumps consist of plain values
                INSERT INTO t VALUES(NaN);
                                     ^^^
            11:22 [malformed-row] the blob is malformed: x'…' takes pairs of hexadecimal digits
                INSERT INTO t VALUES(x\'0\');
                                     ^^^^
            12:22 [malformed-row] the blob is malformed: x'…' takes pairs of hexadecimal digits
                INSERT INTO t VALUES(x\'0g\');
                                     ^^^^^
            13:31 [malformed-row] the text of unistr() has a \ that begins no escape
                INSERT INTO t VALUES(unistr(\'a\\x\'));
                                               ^^
            14:30 [malformed-row] the text of unistr() has a \ that begins no escape
                INSERT INTO t VALUES(unistr(\'\\U00110000\'));
                                              ^^^^^^^^^^
            15:22 [refused-value] the value is an expression, and dumps consist of plain values
                INSERT INTO t VALUES(replace(\'a\',\'a\',char(11)));
                                     ^^^^^^^
            16:22 [refused-value] the value is an expression, and dumps consist of plain values
                INSERT INTO t VALUES(replace(\'a\',\'a\',\'b\'));
                                     ^^^^^^^
            17:22 [refused-value] the value is an expression, and dumps consist of plain values
                INSERT INTO t VALUES(CAST(\'1\' AS TEXT));
                                     ^^^^
            18:22 [refused-value] the value is an expression, and dumps consist of plain values
                INSERT INTO t VALUES(CAST(x\'00\' AS INTEGER));
                                     ^^^^
            19:22 [malformed-row] expected a value, found `)`
                INSERT INTO t VALUES();
                                     ^
            20:24 [malformed-row] expected a value, found `)`
                INSERT INTO t VALUES(1,);
                                       ^
        "#]],
    );
}

#[test]
fn a_quote_that_is_not_doubled_spoils_one_row() {
    check(
        "INSERT INTO t VALUES(1,'O'Brien; and so',2);\nINSERT INTO t VALUES(2,'x');\nINSERT INTO t VALUES(3,'it's');\nCOMMIT;\n",
        expect![[r#"
            error: dump.sql:1:27: expected a comma or a parenthesis behind the value, found `Brien`
            dump.sql:3:28: expected a comma or a parenthesis behind the value, found `s`
            dump.sql:4:1: COMMIT without BEGIN: the begin of the dump is missing
            1:27 [malformed-row] expected a comma or a parenthesis behind the value, found `Brien`
                INSERT INTO t VALUES(1,\'O\'Brien; and so\',2);
                                            ^^^^^
            3:28 [malformed-row] expected a comma or a parenthesis behind the value, found `s`
                INSERT INTO t VALUES(3,\'it\'s\');
                                             ^
            4:1 [malformed-statement] COMMIT without BEGIN: the begin of the dump is missing
                COMMIT;
                ^^^^^^
        "#]],
    );
}

#[test]
fn what_is_no_sql_is_one_problem() {
    check(
        "<!DOCTYPE html>\n<html><body>It's 404; sorry</body></html>\n",
        expect![[r#"
            error: dump.sql is HTML or XML and no SQL: if it was downloaded, check whether that needs a sign-in
        "#]],
    );
    check(
        "{\"a\": 1}\n",
        expect![[r#"
            error: dump.sql is JSON and no SQL: `sqlite3` and `sqlite-utils` make tables of it, or write it as a seed
        "#]],
    );
    check(
        b"caf\xe9\n",
        expect![[r#"
        error: dump.sql:1:1: no statement begins like this
        1:1 [refused-statement] no statement begins like this
            caf�
            ^^^^
    "#]],
    );
}

#[test]
fn what_a_shell_says_of_a_damaged_database_is_told() {
    check(
        "BEGIN TRANSACTION;\nINSERT INTO t VALUES(1);\n/****** CORRUPTION ERROR *******/\n/**** ERROR: (11) database disk image is malformed *****/\nCOMMIT;\n",
        expect![[r#"
            1@0 Begin
            error: dump.sql:3:1: the shell could not read all rows of the database that it dumped, and says so: CORRUPTION ERROR
            dump.sql:4:1: the shell could not read all rows of the database that it dumped, and says so: ERROR: (11) database disk image is malformed
            3:1 [incomplete-dump] the shell could not read all rows of the database that it dumped, and says so: CORRUPTION ERROR
                /****** CORRUPTION ERROR *******/
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            4:1 [incomplete-dump] the shell could not read all rows of the database that it dumped, and says so: ERROR: (11) database disk image is malformed
                /**** ERROR: (11) database disk image is malformed *****/
                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        "#]],
    );
    check(
        "BEGIN TRANSACTION;\nINSERT INTO t VALUES(1);\nROLLBACK; -- due to errors\n",
        expect![[r#"
            1@0 Begin
            2@19 t 1
            error: dump.sql ends with ROLLBACK in line 3 (byte 44): its writer could not read the whole database
        "#]],
    );
}

#[test]
fn a_dump_that_is_cut_short_says_in_the_middle_of_what() {
    check(
        "BEGIN;\nINSERT INTO t VALUES(1);\n",
        expect![[r#"
        1@0 Begin
        2@7 t 1
        error: dump.sql is cut short: line 1 (byte 0): no COMMIT ends the transaction that begins here
        1:1 [cut-short] no COMMIT ends the transaction that begins here
            BEGIN;
            ^^^^^
    "#]],
    );
    check(
        "INSERT INTO t VALUES(1);\nINSERT INTO t VALUES('a;\nb",
        expect![[r#"
            1@0 t 1
            error: dump.sql is cut short: line 2 (byte 46): the dump ends inside of the text that begins here
            2:22 [cut-short] the dump ends inside of the text that begins here
                INSERT INTO t VALUES(\'a;
                                     ^
        "#]],
    );
    check(
        "INSERT INTO t VALUES(1);\nINSERT INTO t VA",
        expect![[r#"
        1@0 t 1
        error: dump.sql is cut short: line 2 (byte 25): the dump ends inside of the statement that begins here
        2:1 [cut-short] the dump ends inside of the statement that begins here
            INSERT INTO t VA
            ^
    "#]],
    );
    check(
        "INSERT INTO t VALUES(1)",
        expect![[r#"
        error: dump.sql is cut short: line 1 (byte 0): the dump ends inside of the statement that begins here
        1:1 [cut-short] the dump ends inside of the statement that begins here
            INSERT INTO t VALUES(1)
            ^
    "#]],
    );
    check(
        "BEGIN;\nCOMMIT",
        expect![[r#"
            1@0 Begin
            2@7 Commit
        "#]],
    );
    check(
        "INSERT INTO t VALUES(1);\n  INS",
        expect![[r#"
        1@0 t 1
        error: dump.sql is cut short: line 2 (byte 27): the dump ends inside of the statement that begins here
        2:3 [cut-short] the dump ends inside of the statement that begins here
            INS
            ^
    "#]],
    );
    check(
        "CREATE TABLE t(\"a;\n",
        expect![[r#"
        error: dump.sql is cut short: line 1 (byte 15): the dump ends inside of the quoted name that begins here
        1:16 [cut-short] the dump ends inside of the quoted name that begins here
            CREATE TABLE t(\"a;
                           ^
    "#]],
    );
    check(
        "CREATE TABLE t(a); /* never",
        expect![[r#"
        1@0 Create { object: Table, name: "t", table: "t", sql: "CREATE TABLE t(a)" }
        error: dump.sql is cut short: line 1 (byte 19): the dump ends inside of the comment that begins here
        1:20 [cut-short] the dump ends inside of the comment that begins here
             /* never
             ^
    "#]],
    );
    check(
        "CREATE TRIGGER r DELETE ON t BEGIN SELECT 1; SELECT 2;",
        expect![[r#"
            error: dump.sql is cut short: line 1 (byte 0): the dump ends inside of the trigger that begins here: there is no END
            1:1 [cut-short] the dump ends inside of the trigger that begins here: there is no END
                CREATE TRIGGER r DELETE ON t BEGIN SELECT 1; SELECT 2;
                ^
        "#]],
    );
    check(
        "DROP TABLE t;\nINSERT INTO t VALUES('",
        expect![[r#"
            error: dump.sql:1:1: DROP TABLE is no part of a dump
            dump.sql:2:22: the dump ends inside of the text that begins here
            1:1 [refused-statement] DROP TABLE is no part of a dump
                DROP TABLE t;
                ^^^^
            2:22 [cut-short] the dump ends inside of the text that begins here
                INSERT INTO t VALUES(\'
                                     ^
        "#]],
    );
}

#[test]
fn an_envelope_that_does_not_fit_is_told() {
    check(
        "BEGIN;\nBEGIN;\nCOMMIT;\n",
        expect![[r#"
        error: dump.sql:2:1: a transaction begins within that of line 1
        2:1 [malformed-statement] a transaction begins within that of line 1
            BEGIN;
            ^^^^^
    "#]],
    );
    check(
        "INSERT INTO t VALUES(1);\nCOMMIT;\n",
        expect![[r#"
        1@0 t 1
        error: dump.sql:2:1: COMMIT without BEGIN: the begin of the dump is missing
        2:1 [malformed-statement] COMMIT without BEGIN: the begin of the dump is missing
            COMMIT;
            ^^^^^^
    "#]],
    );
}

#[test]
fn a_nul_is_refused_wherever_it_is() {
    check(
        b"INSERT INTO t VALUES(1);\nINSERT INTO t VALUES('a\0b');\n".repeat(200),
        expect![[r#"
        error: dump.sql is no text: it has a NUL at byte 48
    "#]],
    );
    let mut late = b"INSERT INTO t VALUES(1);\n".repeat(400);
    late.extend(b"INSERT INTO t VALUES('a\0b');\nCREATE TABLE t(a); -- \0\n");
    late.extend([0; 5]);
    check(
        late,
        expect![[r#"
        error: dump.sql:401:24: a NUL byte, which engines take as the end of the text: the file is damaged, or no dump
        dump.sql:402:23: a NUL byte, which engines take as the end of the text: the file is damaged, or no dump
        dump.sql:403:1: no statement begins like this
        401:24 [malformed-statement] a NUL byte, which engines take as the end of the text: the file is damaged, or no dump
            INSERT INTO t VALUES(\'a\0b\');
                                    ^
        402:23 [malformed-statement] a NUL byte, which engines take as the end of the text: the file is damaged, or no dump
            CREATE TABLE t(a); -- \0
                                  ^
        403:1 [refused-statement] no statement begins like this
            \0\0\0\0\0
            ^
    "#]],
    );
}

#[test]
fn what_is_no_text_is_told_at_once() {
    check(
        b"",
        expect![[r#"
        error: dump.sql is empty: not even an empty database has such a dump
    "#]],
    );
    check(
        b" \n-- nothing\n",
        expect![[r#"
        error: dump.sql is empty: not even an empty database has such a dump
    "#]],
    );
    check(
        b"\xff\xfeP\0R\0",
        expect![[r#"
        error: dump.sql is UTF-16: write it with `sqlite3 old.db ".output dump.sql" .dump`, since the shell's > changes the encoding
    "#]],
    );
    check(
        b"P\0R\0A\0G\0M\0A\0",
        expect![[r#"
        error: dump.sql is UTF-16: write it with `sqlite3 old.db ".output dump.sql" .dump`, since the shell's > changes the encoding
    "#]],
    );
    check(
        b"PNG\0\x01\x02",
        expect![[r#"
        error: dump.sql is no text: it has a NUL at byte 3
    "#]],
    );
    check(
        b"PK\x03\x04abc",
        expect![[r#"
        error: dump.sql is packed with zip: unpack it first (gzip needs no unpacking)
    "#]],
    );
    check(
        b"SQLite format 3\0abc",
        expect![[r#"
        error: dump.sql is a SQLite database that cannot be read from here: give the path of the file, unpacked
    "#]],
    );
}

#[test]
fn a_long_line_is_shown_around_its_problem() {
    let long = "ä".repeat(300);
    check(
        format!("INSERT INTO t VALUES('{long}',oops,'{long}');\n"),
        expect![[r#"
            error: dump.sql:1:325: the value is an expression, and dumps consist of plain values
            1:325 [refused-value] the value is an expression, and dumps consist of plain values
                …ääääääääääääääääääääääääääääääääääääääääääääääääääääääääää\',oops,\'äääääääääääääääääääääääääääääääääääääääääääääääääääää…
                                                                              ^^^^
        "#]],
    );
}

#[test]
fn a_statement_longer_than_engines_take_is_told_at_its_begin() {
    let options = ReaderOptions {
        block_bytes: 64,
        statement_bytes: 256,
    };
    let text = format!(
        "INSERT INTO t VALUES(1);\nINSERT INTO t VALUES('{}');\n",
        "x".repeat(2000)
    );
    let source = Source::of("dump.sql", io::Cursor::new(text)).unwrap();
    let (out, end) = read(Ok(Reader::new(source, options)));
    expect![[r#"
        1@0 t 1
        error: dump.sql: line 2 (byte 25): the statement that begins here is longer than 256 bytes, which no engine takes
        2:1 [too-long] the statement that begins here is longer than 256 bytes, which no engine takes
            INSERT INTO t VALUES(\'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
            ^
    "#]].assert_eq(&(out + &told(&end.unwrap_err())));
}

#[test]
fn what_only_postgresql_writes_is_the_only_problem_and_names_it() {
    for (text, at, what) in [
        ("INSERT INTO t VALUES (1, E'a\\nb');", "1:26", "E'…'"),
        (
            "INSERT INTO t VALUES (e'it\\'s; here');\nINSERT INTO t VALUES (1);",
            "1:23",
            "E'…'",
        ),
        ("INSERT INTO t VALUES ('x'::text, 1);", "1:26", "::"),
        ("INSERT INTO t VALUES (1 :: bigint);", "1:25", "::"),
        ("INSERT INTO t VALUES ($$a$$);", "1:23", "$…$"),
        ("INSERT INTO t VALUES ($tag$it's$tag$);", "1:23", "$…$"),
        (
            "COPY public.t (a) FROM stdin;\n1\n\\.\n",
            "1:1",
            "COPY … FROM stdin",
        ),
        // What was wrong before it is so for the same reason.
        (
            "CREATE SEQUENCE s;\nALTER TABLE ONLY t ADD x;\nINSERT INTO t VALUES (E'a');\n",
            "3:23",
            "E'…'",
        ),
    ] {
        let (_, end) = read(reader(text.as_bytes(), usize::MAX, 1 << 16));
        let told = told(&end.unwrap_err());
        let message = format!("this is a dump of PostgreSQL: SQLite has no `{what}`");
        assert!(
            told.starts_with(&format!("error: dump.sql:{at}: {message}\n")),
            "{text}: {told}"
        );
        assert_eq!(told.matches("[postgres-dump]").count(), 1, "{text}: {told}");
    }
}

#[test]
fn what_only_begins_like_postgresql_is_no_dump_of_it() {
    for text in [
        "INSERT INTO t VALUES ('E''x', '::', '$$a$$');",
        "INSERT INTO t VALUES (E);",
        "INSERT INTO t VALUES ($1);",
        "INSERT INTO t VALUES (1:2);",
        "COPY x;",
    ] {
        let (_, end) = read(reader(text.as_bytes(), usize::MAX, 1 << 16));
        let told = end.err().map(|error| told(&error)).unwrap_or_default();
        assert!(!told.contains("PostgreSQL"), "{text}: {told}");
    }
}
