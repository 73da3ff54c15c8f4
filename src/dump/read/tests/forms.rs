//! Every form that the writers of dumps give to rows and statements.

use super::check;
use expect_test::expect;

#[test]
fn the_dump_of_a_shell_is_its_envelope_its_tables_and_their_rows() {
    check(
        "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE t(a INTEGER PRIMARY KEY, b, c);\nINSERT INTO t VALUES(1,'it''s',NULL);\nINSERT INTO t VALUES(-2,X'00fF',0.98999999999999999111);\nCREATE INDEX i ON t(b);\nCOMMIT;\n",
        expect![[r#"
            1@0 ForeignKeys
            2@25 Begin
            3@44 Create { object: Table, name: "t", table: "t", sql: "CREATE TABLE t(a INTEGER PRIMARY KEY, b, c)" }
            4@89 t 1 | 'it\'s' | NULL
            5@127 t -2 | x'\x00\xff' | 0.99
            6@184 Create { object: Index, name: "i", table: "t", sql: "CREATE INDEX i ON t(b)" }
            7@208 Commit
        "#]],
    );
}

#[test]
fn a_virtual_table_is_a_row_of_the_schema_and_tables_of_its_own() {
    check(
        "BEGIN TRANSACTION;
PRAGMA writable_schema=ON;
INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table','docs','docs',0,'CREATE VIRTUAL TABLE docs USING fts5(title, tokenize=''porter'')');
INSERT INTO sqlite_master(type,name,tbl_name,rootpage,sql)VALUES('table','a b','a b',0,'CREATE VIRTUAL TABLE \"a b\" USING rtree(id,x,y)');
CREATE TABLE IF NOT EXISTS 'docs_data'(id INTEGER PRIMARY KEY, block BLOB);
INSERT INTO docs_data VALUES(1,X'0203');
PRAGMA writable_schema=OFF;
COMMIT;
",
        expect![[r#"
            1@0 Begin
            2@19 WritableSchema
            3@46 Create { object: VirtualTable, name: "docs", table: "docs", sql: "CREATE VIRTUAL TABLE docs USING fts5(title, tokenize='porter')" }
            4@204 Create { object: VirtualTable, name: "a b", table: "a b", sql: "CREATE VIRTUAL TABLE \"a b\" USING rtree(id,x,y)" }
            5@342 Create { object: Table, name: "docs_data", table: "docs_data", sql: "CREATE TABLE IF NOT EXISTS 'docs_data'(id INTEGER PRIMARY KEY, block BLOB)" }
            6@418 docs_data 1 | x'\x02\x03'
            7@459 WritableSchema
            8@487 Commit
        "#]],
    );
    check(
        "CREATE VIRTUAL TABLE docs USING fts5(title);\nDELETE FROM docs_data;\nINSERT INTO docs_data(id, block) VALUES(1, x'');\n",
        expect![[r#"
            1@0 Create { object: VirtualTable, name: "docs", table: "docs", sql: "CREATE VIRTUAL TABLE docs USING fts5(title)" }
            2@45 Clear { table: "docs_data" }
            3@68 docs_data(id, block) 1 | x''
        "#]],
    );
}

#[test]
fn sequences_statistics_and_numbers_of_the_database_are_restored() {
    check(
        "DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('t',7);
ANALYZE sqlite_schema;
ANALYZE \"sqlite_master\";
INSERT INTO sqlite_stat1 VALUES('t','i','1 1');
DELETE FROM \"sqlite_sequence\";
delete from main.t;
PRAGMA user_version=-3;
PRAGMA application_id = 7;
",
        expect![[r#"
            1@0 Clear { table: "sqlite_sequence" }
            2@29 sqlite_sequence 't' | 7
            3@72 Analyze
            4@95 Analyze
            5@120 sqlite_stat1 't' | 'i' | '1 1'
            6@168 Clear { table: "sqlite_sequence" }
            7@199 Clear { table: "t" }
            8@219 Number { pragma: "user_version", value: -3 }
            9@243 Number { pragma: "application_id", value: 7 }
        "#]],
    );
}

#[test]
fn rowids_and_columns_may_be_named_and_names_are_quoted_four_ways() {
    check(
        "INSERT INTO t(rowid,a,\"b \"\"c\") VALUES(1,2,3);
INSERT INTO \"a \"\"b\"(\"x\") VALUES(1);
INSERT INTO [a b] VALUES(1);
INSERT INTO `a``b` VALUES(1);
INSERT INTO 'a''b'('c') VALUES(1);
INSERT INTO main.t VALUES(1);
INSERT INTO \"main\".\"t\" VALUES(1);
insert into \"Ü日\" values(1);
INSERT INTO\nt\n(\na\n)\nVALUES\n(\n1\n)\n;
",
        expect![[r#"
            1@0 t(rowid, a, b "c) 1 | 2 | 3
            2@46 a "b(x) 1
            3@82 a b 1
            4@111 a`b 1
            5@141 a'b(c) 1
            6@176 t 1
            7@206 t 1
            8@240 Ü日 1
            9@271 t(a) 1
        "#]],
    );
}

#[test]
fn several_rows_of_one_statement_are_each_at_their_place() {
    check(
        "INSERT INTO t VALUES (1,'a\nb'),(2,'c'),\n  (3,NULL) /* x */ , (4, 'd');\nINSERT INTO t VALUES (5,'e');\n",
        expect![[r#"
            1@0 t 1 | 'a\nb'
            2@31 t 2 | 'c'
            3@42 t 3 | NULL
            3@61 t 4 | 'd'
            4@71 t 5 | 'e'
        "#]],
    );
}

#[test]
fn texts_are_what_shells_of_any_age_print() {
    check(
        r"INSERT INTO t VALUES('');
INSERT INTO t VALUES('''');
INSERT INTO t VALUES('''a''''b''');
INSERT INTO t VALUES('a
b');
INSERT INTO t VALUES(replace('a\nb''c','\n',char(10)));
INSERT INTO t VALUES(replace(replace('a\r\nb\n','\r',char(13)),'\n',char(10)));
INSERT INTO t VALUES(replace('a\nb\012c','\012',char(10)));
INSERT INTO t VALUES(replace( 'x(\n0)y' , '(\n0)' , char( 10 ) ));
INSERT INTO t VALUES(unistr('a\u000ab\\c''d\u00e9\U0001f600\+01f600\00e9'));
INSERT INTO t VALUES(CAST(x'610062' AS TEXT));
INSERT INTO t VALUES(cast ( X'' as text ));
",
        expect![[r#"
            1@0 t ''
            2@26 t '\''
            3@54 t '\'a\'\'b\''
            4@90 t 'a\nb'
            6@119 t 'a\nb\'c'
            7@175 t 'a\r\nb\n'
            8@255 t 'a\\nb\nc'
            9@315 t 'x\ny'
            10@382 t 'a\nb\\c\'d\xc3\xa9\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xc3\xa9'
            11@459 t 'a\x00b'
            12@506 t ''
        "#]],
    );
}

#[test]
fn an_integer_out_of_64_bits_is_a_real_and_a_real_stays_one() {
    check(
        "INSERT INTO t VALUES(0,-0,+5,- 7,007);
INSERT INTO t VALUES(9223372036854775807,-9223372036854775808,9223372036854775808,-9223372036854775809);
INSERT INTO t VALUES(999999999999999999,1000000000000000000,-1000000000000000000,18446744073709551616);
INSERT INTO t VALUES(1.0,-1.5,.5,5.,-0.0);
INSERT INTO t VALUES(1e5,1E-7,2.5e+10,5e-324,1.7976931348623157e308);
INSERT INTO t VALUES(1e999,-1e999,9.0e+999,-9.0e+999);
INSERT INTO t VALUES(Inf,-Inf,inf,+inf,-Infinity);
INSERT INTO t VALUES((1.0/4503599627370496.0/562949953421312.0),(-3.0*4503599627370496.0));
",
        expect![[r#"
            1@0 t 0 | 0 | 5 | -7 | 7
            2@39 t 9223372036854775807 | -9223372036854775808 | 9.223372036854776e18 | -9.223372036854776e18
            3@144 t 999999999999999999 | 1000000000000000000 | -1000000000000000000 | 1.8446744073709552e19
            4@248 t 1.0 | -1.5 | 0.5 | 5.0 | -0.0
            5@291 t 100000.0 | 1e-7 | 25000000000.0 | 5e-324 | 1.7976931348623157e308
            6@361 t inf | -inf | inf | -inf
            7@416 t inf | -inf | inf | inf | -inf
            8@467 t 3.944304526105059e-31 | -1.3510798882111488e16
        "#]],
    );
}

#[test]
fn blobs_and_nulls_in_any_letter_case() {
    check(
        "INSERT INTO t VALUES(x'',X'',x'00Ff',NULL);\nINSERT INTO t VALUES(null,Null,NULL , NULL);\n",
        expect![[r#"
            1@0 t x'' | x'' | x'\x00\xff' | NULL
            2@44 t NULL | NULL | NULL | NULL
        "#]],
    );
}

#[test]
fn triggers_and_views_are_whole() {
    check(
        "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT ';END;'; UPDATE t SET a = CASE WHEN 1 THEN 2 END; END;
CREATE VIEW v AS SELECT * FROM t WHERE a = 'x;y' -- ; here
;
CREATE UNIQUE INDEX IF NOT EXISTS \"u\" ON \"t\"(a) WHERE b > 0;
CREATE TABLE [Order Details]([id] INTEGER, ';' TEXT DEFAULT ';');
CREATE TABLE g(a, b AS (a + 1) STORED) STRICT, WITHOUT ROWID;
",
        expect![[r#"
            1@0 Create { object: Trigger, name: "r", table: "t", sql: "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT ';END;'; UPDATE t SET a = CASE WHEN 1 THEN 2 END; END" }
            2@103 Create { object: View, name: "v", table: "v", sql: "CREATE VIEW v AS SELECT * FROM t WHERE a = 'x;y' -- ; here" }
            4@164 Create { object: Index, name: "u", table: "t", sql: "CREATE UNIQUE INDEX IF NOT EXISTS \"u\" ON \"t\"(a) WHERE b > 0" }
            5@225 Create { object: Table, name: "Order Details", table: "Order Details", sql: "CREATE TABLE [Order Details]([id] INTEGER, ';' TEXT DEFAULT ';')" }
            6@291 Create { object: Table, name: "g", table: "g", sql: "CREATE TABLE g(a, b AS (a + 1) STORED) STRICT, WITHOUT ROWID" }
        "#]],
    );
}

#[test]
fn comments_blanks_and_empty_statements_are_nothing() {
    check(
        "\u{feff}-- a dump\r\n/* WARNING: Script requires that SQLITE_DBCONFIG_DEFENSIVE be disabled */\r\n;;\r\nINSERT INTO t VALUES(1);\r\n -- ; it's\r\nINSERT /* a */ INTO -- b\r\nt VALUES(2) ; /* the end */",
        expect![[r#"
            4@93 t 1
            6@131 t 2
        "#]],
    );
}

#[test]
fn texts_keep_their_line_ends_in_a_file_that_has_others() {
    check(
        "INSERT INTO t VALUES('a\r\nb');\r\nINSERT INTO t VALUES('c\rd');\r\n",
        expect![[r#"
            1@0 t 'a\r\nb'
            3@31 t 'c\rd'
        "#]],
    );
}

#[test]
fn the_dump_of_python_ends_without_a_line_end() {
    check(
        "BEGIN TRANSACTION;\nCREATE TABLE \"t\"(a);\nINSERT INTO \"t\" VALUES('x');\nDELETE FROM \"sqlite_sequence\";\nCOMMIT;",
        expect![[r#"
            1@0 Begin
            2@19 Create { object: Table, name: "t", table: "t", sql: "CREATE TABLE \"t\"(a)" }
            3@40 t 'x'
            4@69 Clear { table: "sqlite_sequence" }
            5@100 Commit
        "#]],
    );
}

#[test]
fn the_dump_of_a_server_has_reals_without_a_point() {
    check(
        "PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\nCREATE TABLE IF NOT EXISTS t (a);\nINSERT INTO t VALUES(1,inf,-inf,0.0000001,100000000000000000000);\nCOMMIT;\n",
        expect![[r#"
            1@0 ForeignKeys
            2@25 Begin
            3@44 Create { object: Table, name: "t", table: "t", sql: "CREATE TABLE IF NOT EXISTS t (a)" }
            4@78 t 1 | inf | -inf | 1e-7 | 1e20
            5@144 Commit
        "#]],
    );
}

#[test]
fn a_savepoint_called_dump_is_an_envelope_too() {
    check(
        "SAVEPOINT dump;\nINSERT INTO t VALUES(1);\nRELEASE dump;\n",
        expect![[r#"
            1@0 Begin
            2@16 t 1
            3@41 Commit
        "#]],
    );
    check(
        "begin;\ninsert into t values(1);\nend transaction;\n",
        expect![[r#"
            1@0 Begin
            2@7 t 1
            3@32 Commit
        "#]],
    );
}

#[test]
fn bytes_that_are_no_utf_8_are_kept_in_texts() {
    check(
        b"INSERT INTO t VALUES('a\xff\xfe');\n",
        expect![[r#"
            1@0 t 'a\xff\xfe'
        "#]],
    );
}
