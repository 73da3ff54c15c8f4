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
