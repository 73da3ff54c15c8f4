//! What depends on rows: failures on tables that hold some, and generated rows that a file may accept.

use super::*;

#[tokio::test]
async fn a_column_that_a_table_with_rows_cannot_get_is_an_error() {
    check(
        &[
            ("V1__t.sql", "CREATE TABLE t (x);"),
            (
                "V2__c.sql",
                "CREATE TABLE u (x);\nALTER TABLE t ADD COLUMN c TEXT NOT NULL;",
            ),
        ],
        expect![[r#"
            V2__c.sql:2:1 fails
              Cannot add a NOT NULL column with default value NULL (on a database that exists, in memory)
              note: it fails on a table with rows, whatever they hold; on an empty one it does not
              help: add the column without the constraint or with a constant DEFAULT, or rebuild the table: create a new one, copy the rows, drop the old one, rename the new one
            2 applied, 0 reversed, whole, 0 new
        "#]],
    )
    .await;
    for column in [
        "c TEXT NOT NULL",
        "c TEXT DEFAULT CURRENT_TIMESTAMP",
        "c TEXT DEFAULT (date('now'))",
        "n INTEGER NOT NULL DEFAULT 0 REFERENCES p (id)",
        "n INTEGER GENERATED ALWAYS AS (x + 1) STORED",
    ] {
        let found = codes(
            "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (x);",
            &format!("ALTER TABLE t ADD COLUMN {column};"),
        )
        .await;
        assert_eq!(found, ["fails"], "{column}");
    }
    for column in [
        "c TEXT NOT NULL DEFAULT 'a'",
        "c TEXT",
        "n INTEGER REFERENCES p (id)",
        "n INTEGER GENERATED ALWAYS AS (x + 1) VIRTUAL",
    ] {
        let found = codes(
            "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE t (x);",
            &format!("ALTER TABLE t ADD COLUMN {column};"),
        )
        .await;
        assert_eq!(found, Vec::<&str>::new(), "{column}");
    }
}

#[tokio::test]
async fn the_help_for_a_stored_column_works() {
    const TABLE: &str = "CREATE TABLE t (x INT);";
    check(
        &[
            ("V1__t.sql", TABLE),
            (
                "V2__c.sql",
                "ALTER TABLE t ADD COLUMN n INT AS (x + 1) STORED;",
            ),
        ],
        expect![[r#"
            V2__c.sql:1:1 fails
              cannot add a STORED column (on a database that exists, in memory)
              note: it fails on a table with rows, whatever they hold; on an empty one it does not
              help: make the generated column VIRTUAL, or rebuild the table: create a new one, copy the rows, drop the old one, rename the new one
            2 applied, 0 reversed, whole, 0 new
        "#]],
    )
    .await;
    for what_it_names in [
        "ALTER TABLE t ADD COLUMN n INT AS (x + 1) VIRTUAL;",
        "CREATE TABLE n (x INT, n INT AS (x + 1) STORED); INSERT INTO n (x) SELECT x FROM t; DROP TABLE t;
         ALTER TABLE n RENAME TO t;",
    ] {
        assert_eq!(codes(TABLE, what_it_names).await, [""; 0], "{what_it_names}");
    }
    // A column of that name is no such column.
    check(
        &[
            ("V1__t.sql", TABLE),
            (
                "V2__c.sql",
                "ALTER TABLE t ADD COLUMN stored TEXT NOT NULL CHECK (stored <> '');",
            ),
        ],
        expect![[r#"
            V2__c.sql:1:1 fails
              Cannot add a NOT NULL column with default value NULL (on a database that exists, in memory)
              note: it fails on a table with rows, whatever they hold; on an empty one it does not
              help: add the column without the constraint or with a constant DEFAULT, or rebuild the table: create a new one, copy the rows, drop the old one, rename the new one
            2 applied, 0 reversed, whole, 0 new
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_statement_that_generated_rows_fail_is_a_warning_that_the_file_can_silence() {
    let table = (
        "V1__t.sql",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x DEFAULT 'a', y DEFAULT 1);",
    );
    check(
        &[
            table,
            (
                "V2__u.sql",
                "CREATE TABLE u (x);\nCREATE UNIQUE INDEX i ON t (x);\nCREATE TABLE w (x);",
            ),
        ],
        expect![[r#"
            V2__u.sql:2:1 warning depends-on-rows
              UNIQUE constraint failed: t.x (on a database that exists, in memory)
              note: it failed on generated rows; whether it fails on a real database depends on the rows there
              help: if it cannot fail on the real rows, write `-- seedbed: allow depends-on-rows: REASON` at the top of the file
            2 applied, 0 reversed, whole, 0 new
        "#]],
    )
    .await;
    check(
        &[
            table,
            (
                "V2__u.sql",
                "-- seedbed: allow depends-on-rows: the application keeps them unique\nCREATE UNIQUE INDEX i ON t (x);",
            ),
        ],
        expect![[r#"
            2 applied, 0 reversed, whole, 0 new
        "#]],
    )
    .await;
    // What is no transaction leaves a part, and the rest is tried all the same.
    check(
        &[
            table,
            (
                "V2__u.sql",
                "-- seedbed: no-transaction\nCREATE TABLE u (x);\nCREATE UNIQUE INDEX i ON t (x);",
            ),
        ],
        expect![[r#"
            V2__u.sql:3:1 warning depends-on-rows
              UNIQUE constraint failed: t.x (on a database that exists, in memory)
              note: it failed on generated rows; whether it fails on a real database depends on the rows there
              help: if it cannot fail on the real rows, write `-- seedbed: allow depends-on-rows: REASON` at the top of the file
            2 applied, 0 reversed, whole, 0 new
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_check_of_a_generated_column_depends_on_the_rows() {
    check(
        &[
            (
                "V1__t.sql",
                "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER);",
            ),
            (
                "V2__g.sql",
                "ALTER TABLE t ADD COLUMN g INT AS (b*2) CHECK (g>100);",
            ),
        ],
        expect![[r#"
            V2__g.sql:1:1 warning depends-on-rows
              CHECK constraint failed (on a database that exists, in memory)
              note: it failed on generated rows; whether it fails on a real database depends on the rows there
              help: if it cannot fail on the real rows, write `-- seedbed: allow depends-on-rows: REASON` at the top of the file
            2 applied, 0 reversed, whole, 0 new
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_failure_on_a_table_that_is_new_is_a_warning_that_the_file_can_silence() {
    let base: Files<'_> = &[("V1__t.sql", "CREATE TABLE t (x);")];
    let z = ("V2__z.sql", "CREATE TABLE z (id INTEGER PRIMARY KEY);");
    let column = ("V3__n.sql", "ALTER TABLE z ADD COLUMN n TEXT NOT NULL;");
    check_on(base, &[base[0], z, column], expect![[r#"
        V3__n.sql:1:1 warning depends-on-rows
          Cannot add a NOT NULL column with default value NULL (on a database that exists, in memory)
          note: z is new: it has rows only where the version that makes it was applied earlier than this one
          help: if it cannot fail on the real rows, write `-- seedbed: allow depends-on-rows: REASON` at the top of the file
          help: add the column without the constraint or with a constant DEFAULT, or rebuild the table: create a new one, copy the rows, drop the old one, rename the new one
        3 applied, 0 reversed, whole, 1 new
    "#]]).await;
    let allowed = (
        "V3__n.sql",
        "-- seedbed: allow depends-on-rows: deployed with V2\nALTER TABLE z ADD COLUMN n TEXT NOT NULL;",
    );
    check_on(
        base,
        &[base[0], z, allowed],
        expect![[r#"
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
    // The rows of a renamed or rebuilt table are those of the base.
    let column = ("V3__n.sql", "ALTER TABLE u ADD COLUMN n TEXT NOT NULL;");
    for other in [
        "ALTER TABLE t RENAME TO u;",
        "CREATE TABLE u (x); INSERT INTO u SELECT x FROM t; DROP TABLE t;",
    ] {
        let files = [base[0], ("V2__u.sql", other), column];
        let base = Base {
            common: set(base),
            tip: set(base),
            ..Base::default()
        };
        let options = CheckOptions {
            base: Some(&base),
            downs_from: None,
            ..CheckOptions::default()
        };
        let checked = crate::migrations::check(&set(&files), &options)
            .await
            .unwrap();
        let found: Vec<_> = checked
            .problems
            .iter()
            .map(|it| (it.code, it.notes.len()))
            .collect();
        assert_eq!(found, [("fails", 1)], "{other}");
    }
    // A new table that takes rows of an older one.
    let z = ("V2__z.sql", "CREATE TABLE z (x, n NOT NULL);");
    let copy = ("V3__c.sql", "INSERT INTO z (x) SELECT x FROM t;");
    check_on(
        base,
        &[base[0], z, copy],
        expect![[r#"
        V3__c.sql:1:1 fails
          NOT NULL constraint failed: z.n (on a database that exists, in memory)
          note: it fails on a table with rows, whatever they hold; on an empty one it does not
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
}

#[tokio::test]
async fn what_fails_on_any_rows_is_an_error_for_a_table_that_cannot_be_filled_too() {
    let table = (
        "V1__t.sql",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT,
           x TEXT NOT NULL AS (json_extract(a, '$.x.y.z')) STORED);",
    );
    check(
        &[table, ("V2__z.sql", "ALTER TABLE t ADD COLUMN zz TEXT NOT NULL;")],
        expect![[r#"
            V2__z.sql warning not-filled
              V2 was tried without rows in t: it could not be filled with generated rows: NOT NULL constraint failed: t.x
              help: try it on a copy of a real database, and accept this with `-- seedbed: allow not-filled: REASON` at the top of the file
            V2__z.sql:1:1 fails
              Cannot add a NOT NULL column with default value NULL (on a database that exists, in memory)
              note: it fails on a table with rows, whatever they hold; on an empty one it does not
              help: add the column without the constraint or with a constant DEFAULT, or rebuild the table: create a new one, copy the rows, drop the old one, rename the new one
            2 applied, 0 reversed, whole, 1 new
        "#]],
    )
    .await;
    check(
        &[table, ("V2__z.sql", "ALTER TABLE t ADD COLUMN zz TEXT;")],
        expect![[r#"
            V2__z.sql warning not-filled
              V2 was tried without rows in t: it could not be filled with generated rows: NOT NULL constraint failed: t.x
              help: try it on a copy of a real database, and accept this with `-- seedbed: allow not-filled: REASON` at the top of the file
            2 applied, 0 reversed, whole, 1 new
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_table_without_its_parent_is_reported_as_not_filled_unless_a_file_dropped_the_parent() {
    let child = (
        "V2__c.sql",
        "CREATE TABLE c (id INTEGER PRIMARY KEY, pid INTEGER NOT NULL REFERENCES p (id));",
    );
    let parent = ("V1__p.sql", "CREATE TABLE p (id INTEGER PRIMARY KEY);");
    let (drop, last) = (
        ("V3__p.sql", "DROP TABLE p;"),
        ("V4__c.sql", "DROP TABLE c;"),
    );
    let of = async |files: &[(&str, &str)]| {
        let problems = checked(files).await.problems;
        problems.iter().map(|it| it.code).collect::<Vec<_>>()
    };
    assert_eq!(of(&[parent, child, drop, last]).await, [""; 0]);
    assert_eq!(of(&[child, last]).await, ["not-filled"]);
    let allowed = (
        last.0,
        "-- seedbed: allow not-filled: none has rows\nDROP TABLE c;",
    );
    assert_eq!(of(&[child, allowed]).await, [""; 0]);
}

#[tokio::test]
async fn a_column_is_added_without_values_and_then_must_have_one() {
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);";
    let alter = "ALTER TABLE t ALTER COLUMN n TO n INT NOT NULL;";
    for (first, expect) in [
        ("ALTER TABLE t ADD COLUMN n INT;", &["fails"] as &[&str]),
        ("ALTER TABLE t ADD n INT; CREATE TABLE o (x);", &["fails"]),
        // Without it, a row that is there has NULL.
        ("ALTER TABLE t ADD COLUMN n INT DEFAULT 1;", &["fails"]),
        ("ALTER TABLE t ADD COLUMN n INT; UPDATE t SET n = 1;", &[]),
        (
            "ALTER TABLE t ADD COLUMN n INT; UPDATE t SET n = 1 WHERE a = 'no';",
            &["depends-on-rows"],
        ),
    ] {
        let found = codes(table, &format!("{first} {alter}")).await;
        assert_eq!(found, expect, "{first}");
    }
}

const FAMILY: (&str, &str) = (
    "V1__family.sql",
    "CREATE TABLE p (id INTEGER PRIMARY KEY, n); CREATE TABLE c (id INTEGER PRIMARY KEY, pid INTEGER NOT NULL REFERENCES p (id));",
);

#[tokio::test]
async fn a_file_whose_rows_a_later_one_repairs_is_fine() {
    for texts in [
        ["SELECT 1;", "DROP TABLE p;", "DROP TABLE c;"],
        [
            "CREATE TABLE q (id INTEGER PRIMARY KEY, n); INSERT INTO q SELECT * FROM p;",
            "DROP TABLE p;",
            "ALTER TABLE q RENAME TO p;",
        ],
        [
            "CREATE TABLE kept AS SELECT * FROM p; DROP TABLE p;",
            "CREATE TABLE p (id INTEGER PRIMARY KEY, n); INSERT INTO p SELECT * FROM kept;",
            "DROP TABLE kept;",
        ],
        [
            "CREATE TABLE q (id, n); INSERT INTO q SELECT * FROM p; DROP TABLE p; ALTER TABLE q RENAME TO p;",
            "CREATE TABLE more (x);",
            "CREATE UNIQUE INDEX p_id ON p (id);",
        ],
    ] {
        let [second, third, fourth] = texts;
        let rows = (
            "V1__family.sql",
            &*format!(
                "{} INSERT INTO p VALUES (1, 1); INSERT INTO c VALUES (1, 1);",
                FAMILY.1
            ),
        );
        let new = [
            ("V2__a.sql", second),
            ("V3__b.sql", third),
            ("V4__c.sql", fourth),
        ];
        let base = Base {
            name: "main".to_owned(),
            common: set(&[FAMILY]),
            tip: set(&[FAMILY]),
            ..Base::default()
        };
        let options = CheckOptions {
            base: Some(&base),
            ..CheckOptions::default()
        };
        let files = [FAMILY, new[0], new[1], new[2]];
        let on_base = super::super::super::check(&set(&files), &options)
            .await
            .unwrap();
        let errors = |checked: &Checked| {
            let problems = checked.problems.iter();
            problems.map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(errors(&on_base), [""; 0], "{texts:?}");
        assert_eq!(on_base.applied_to_existing, 3, "{texts:?}");
        let fresh = checked(&[rows, new[0], new[1], new[2]]).await;
        assert_eq!(errors(&fresh), [""; 0], "{texts:?}");
    }
}

#[tokio::test]
async fn a_file_that_takes_a_parent_from_rows_for_good_depends_on_rows() {
    check_on(
        &[FAMILY],
        &[
            FAMILY,
            ("V2__drop.sql", "DROP TABLE p;"),
            ("V3__back.sql", "CREATE TABLE p (id INTEGER PRIMARY KEY);"),
        ],
        expect![[r#"
            V2__drop.sql:1:1 warning depends-on-rows
              V2 leaves a foreign key whose parent table does not exist, so that every write to its table fails (on a database that exists, in memory)
              note: c (pid) refers to p
              note: c, row 900000000: pid = 900000000 has no parent in p
              note: c, row 900002000: pid = 900000000 has no parent in p
              note: c, row 900004000: pid = 900005000 has no parent in p
              note: c, row 900005000: pid = 900005999 has no parent in p
              note: c, row 900005999: pid = 900000000 has no parent in p
              note: c, row 900006000: pid = 900000000 has no parent in p
              note: c, row 900007000: pid = 900000000 has no parent in p
              note: c, row 900008000: pid = 900000000 has no parent in p
              note: c, row 900009000: pid = 900000000 has no parent in p
              note: c, row 900013000: pid = 900004000 has no parent in p
              note: c, row 900900000: pid = 900002000 has no parent in p
              note: c, row 900901000: pid = 900003000 has no parent in p
              note: c, row 900902000: pid = 900004000 has no parent in p
              note: c, row 900903000: pid = 900005000 has no parent in p
              note: c, row 900904000: pid = 900005999 has no parent in p
              note: c, row 900905000: pid = 900006000 has no parent in p
              note: c, row 900906000: pid = 900007000 has no parent in p
              note: it failed on generated rows; whether it fails on a real database depends on the rows there
              help: change or drop the tables that refer to it in V2__drop.sql too, or keep it
              help: if it cannot fail on the real rows, write `-- seedbed: allow depends-on-rows: REASON` at the top of the file
            3 applied, 0 reversed, whole, 1 new
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_table_that_takes_only_a_key_of_the_files_is_filled_with_it() {
    const ONE: &str = "CREATE TABLE s (id INTEGER PRIMARY KEY CHECK (id = 1), v);";
    const FLAG: &str = "CREATE TABLE s (lock TEXT PRIMARY KEY CHECK (lock = 'x'), n INT NOT NULL);";
    const NAMED: &str = "CREATE TABLE s (k TEXT PRIMARY KEY CHECK (k IN ('a', 'b')), n INT NOT NULL) WITHOUT ROWID;";
    for (table, file, expect) in [
        (
            ONE,
            "INSERT INTO s VALUES (1, 'z');",
            &["depends-on-rows"] as &[&str],
        ),
        (ONE, "INSERT OR REPLACE INTO s VALUES (1, 'z');", &[]),
        (
            ONE,
            "INSERT INTO s VALUES (1, 'z') ON CONFLICT DO NOTHING;",
            &[],
        ),
        (
            ONE,
            "INSERT INTO s SELECT 1, 'z' WHERE NOT EXISTS (SELECT 1 FROM s);",
            &[],
        ),
        (ONE, "DELETE FROM s; INSERT INTO s VALUES (1, 'z');", &[]),
        (
            ONE,
            "INSERT OR IGNORE INTO s VALUES (1, 'z'); ALTER TABLE s ADD COLUMN c NOT NULL;",
            &["fails"],
        ),
        (FLAG, "INSERT INTO s VALUES ('x', 1);", &["depends-on-rows"]),
        (
            FLAG,
            "UPDATE s SET n = NULL WHERE lock = 'x';",
            &["depends-on-rows"],
        ),
        (
            FLAG,
            "INSERT INTO s VALUES ('x', 1) ON CONFLICT (lock) DO UPDATE SET n = 1;",
            &[],
        ),
        (
            NAMED,
            "INSERT INTO s VALUES ('a', 1), ('b', 2);",
            &["depends-on-rows"],
        ),
        (
            NAMED,
            "REPLACE INTO s VALUES ('a', 1), ('b', 2); UPDATE s SET k = 'a' WHERE k = 'b';",
            &["fails"],
        ),
    ] {
        assert_eq!(codes(table, file).await, expect, "{table} {file}");
    }
    // The rows of the files behind it are those of a table without generated rows.
    let one = ("V1__s.sql", ONE);
    let base: Files<'_> = &[one];
    let files: Files<'_> = &[
        one,
        ("V2__s.sql", "INSERT INTO s VALUES (1, 'z');"),
        (
            "V3__t.sql",
            "CREATE TABLE t (s INT REFERENCES s (id)); INSERT INTO t VALUES (1); UPDATE s SET v = 'y';",
        ),
        (
            "V4__t.sql",
            "ALTER TABLE t ADD COLUMN n NOT NULL DEFAULT 1; INSERT INTO t VALUES (1, 1);",
        ),
    ];
    check_on(base, files, expect![[r#"
        V2__s.sql:1:1 warning depends-on-rows
          UNIQUE constraint failed: s.id (on a database that exists, in memory)
          note: it failed on generated rows; whether it fails on a real database depends on the rows there
          help: if it cannot fail on the real rows, write `-- seedbed: allow depends-on-rows: REASON` at the top of the file
        4 applied, 0 reversed, whole, 2 new
    "#]]).await;
    // A new table has no rows but those of the files.
    let files: Files<'_> = &[
        ("V1__t.sql", "CREATE TABLE t (x);"),
        ("V2__s.sql", ONE),
        ("V3__s.sql", "INSERT INTO s VALUES (1, 'z');"),
    ];
    check_on(
        &files[..1],
        files,
        expect![[r#"
        3 applied, 0 reversed, whole, 2 new
    "#]],
    )
    .await;
}

#[tokio::test]
async fn two_rows_have_keys_that_follow_each_other() {
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, place INT UNIQUE, x);";
    for (file, expect) in [
        ("UPDATE t SET id = id + 1;", &["depends-on-rows"] as &[&str]),
        ("UPDATE t SET place = place + 1;", &["depends-on-rows"]),
        ("UPDATE t SET id = -id; UPDATE t SET id = 1 - id;", &[]),
        ("UPDATE t SET x = id + 1;", &[]),
        (
            "INSERT INTO t (x) VALUES (1); INSERT INTO t (x) SELECT x FROM t;",
            &[],
        ),
    ] {
        assert_eq!(codes(table, file).await, expect, "{file}");
    }
}

#[tokio::test]
async fn a_drop_of_what_only_a_repeatable_makes_is_refused_with_what_works_everywhere() {
    let files: Files<'_> = &[
        ("V1__t.sql", "CREATE TABLE t (x, y);"),
        ("V2__d.sql", "DROP VIEW v; ALTER TABLE t DROP COLUMN y;"),
        (
            "R__v.sql",
            "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT x FROM t;",
        ),
    ];
    check(files, expect![[r#"
        V2__d.sql:1:11 fails
          no such view: v
          help: R__v makes the view v, and repeatable migrations run behind the versions: a new database has none here. Write `DROP VIEW IF EXISTS v;`
        1 applied, 0 reversed, not whole, 0 new
    "#]]).await;
    let drops = "DROP VIEW IF EXISTS v; ALTER TABLE t DROP COLUMN y;";
    check(
        &[files[0], ("V2__d.sql", drops), files[2]],
        expect![[r#"
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
    // A name that no file makes.
    let typo = ("V2__d.sql", "DROP VIEW w;");
    check(
        &[files[0], typo, files[2]],
        expect![[r#"
        V2__d.sql:1:11 fails
          no such view: w
        1 applied, 0 reversed, not whole, 0 new
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_trigger_that_always_refuses_is_an_error_and_one_with_a_condition_is_a_warning() {
    let table = |trigger: &str| {
        format!(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT, y INT);\nCREATE TRIGGER r BEFORE {trigger} END;"
        )
    };
    let always = "BEGIN SELECT RAISE(ABORT, 'append only');";
    for (event, new) in [
        ("UPDATE ON t", "UPDATE t SET x = 1;"),
        ("UPDATE OF x ON t", "UPDATE OR IGNORE t SET y = 2, x = 1;"),
        ("DELETE ON t", "DELETE FROM t;"),
    ] {
        let table = table(&format!("{event} {always}"));
        assert_eq!(codes(&table, new).await, ["fails"], "{new}");
    }
    for (trigger, new) in [
        (
            format!("UPDATE ON t {always}"),
            "UPDATE t SET x = 1 WHERE y > -1;",
        ),
        (
            "UPDATE ON t BEGIN SELECT RAISE(ABORT, 'x') WHERE OLD.id > 0;".to_owned(),
            "UPDATE t SET x = 1;",
        ),
        (
            format!("DELETE ON t WHEN OLD.id > 0 {always}"),
            "DELETE FROM t;",
        ),
    ] {
        let found = codes(&table(&trigger), new).await;
        assert_eq!(found, ["depends-on-rows"], "{trigger} {new}");
    }
    let other = table(&format!("UPDATE OF x ON t {always}"));
    assert_eq!(codes(&other, "UPDATE t SET y = 1;").await, [""; 0]);
}

/// What may be in a real table, and breaks a narrower constraint.
#[tokio::test]
async fn rows_that_a_narrower_constraint_meets_are_a_warning() {
    let rebuilt = |columns: &str, names: &str| {
        format!(
            "CREATE TABLE n ({columns};\nINSERT INTO n ({names}) SELECT {names} FROM t;\nDROP TABLE t;\nALTER TABLE n RENAME TO t;"
        )
    };
    for (table, new) in [
        (
            "CREATE TABLE t (a INT, b INT, PRIMARY KEY (a, b));",
            "CREATE UNIQUE INDEX i ON t (a);".to_owned(),
        ),
        (
            "CREATE TABLE t (a TEXT, b TEXT, UNIQUE (a, b));",
            "CREATE UNIQUE INDEX i ON t (b);".to_owned(),
        ),
        (
            "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT, gone TEXT);",
            "CREATE UNIQUE INDEX i ON t (x) WHERE gone IS NULL;".to_owned(),
        ),
        (
            "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT, active INT NOT NULL DEFAULT 1);",
            "CREATE UNIQUE INDEX i ON t (x) WHERE active;".to_owned(),
        ),
        (
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a INT, b INT);",
            rebuilt("id INTEGER PRIMARY KEY, a INT, b INT, CHECK (a <= b))", "id, a, b"),
        ),
        (
            "CREATE TABLE p (id INTEGER PRIMARY KEY, x TEXT); CREATE TABLE t (id INTEGER PRIMARY KEY, p INT REFERENCES p);",
            "CREATE TABLE n (id INT, x TEXT NOT NULL);\nINSERT INTO n SELECT t.id, p.x FROM t JOIN p ON p.id = t.p;"
                .to_owned(),
        ),
        (
            "CREATE TABLE t (id TEXT PRIMARY KEY, x TEXT);",
            rebuilt("id TEXT NOT NULL PRIMARY KEY, x TEXT)", "id, x"),
        ),
        (
            "CREATE TABLE t (id INTEGER PRIMARY KEY, x INT);",
            rebuilt("id INTEGER PRIMARY KEY, x INT) STRICT", "id, x"),
        ),
        (
            "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT UNIQUE);",
            "CREATE UNIQUE INDEX i ON t (x COLLATE NOCASE);".to_owned(),
        ),
        (
            "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT NOT NULL UNIQUE);",
            "CREATE UNIQUE INDEX i ON t (lower(x));".to_owned(),
        ),
        (
            "CREATE TABLE t (id INTEGER PRIMARY KEY, settings TEXT);",
            rebuilt(
                "id INTEGER PRIMARY KEY, settings TEXT CHECK (json_valid(settings)))",
                "id, settings",
            ),
        ),
        (
            "CREATE TABLE p (id INTEGER PRIMARY KEY, x TEXT); CREATE TABLE t (id INTEGER PRIMARY KEY, p INT REFERENCES p);",
            "DELETE FROM p WHERE x = 'old';".to_owned(),
        ),
    ] {
        assert_eq!(codes(table, &new).await, ["depends-on-rows"], "{table} {new}");
    }
    // The same shapes, where no row can break them.
    for (table, new) in [
        (
            "CREATE TABLE t (a INT UNIQUE, b INT, UNIQUE (a, b));",
            "CREATE UNIQUE INDEX i ON t (a, b);".to_owned(),
        ),
        (
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a INT, b INT, CHECK (a <= b));",
            rebuilt(
                "id INTEGER PRIMARY KEY, a INT, b INT, CHECK (b >= a))",
                "id, a, b",
            ),
        ),
        (
            "CREATE TABLE t (id TEXT NOT NULL PRIMARY KEY, x TEXT);",
            rebuilt("id TEXT NOT NULL PRIMARY KEY, x TEXT)", "id, x"),
        ),
        (
            "CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT UNIQUE COLLATE NOCASE);",
            "CREATE UNIQUE INDEX i ON t (lower(x));".to_owned(),
        ),
        (
            "CREATE TABLE p (id INTEGER PRIMARY KEY, x TEXT); CREATE TABLE t (id INTEGER PRIMARY KEY, p INT REFERENCES p ON DELETE CASCADE);",
            "DELETE FROM p WHERE x = 'old';".to_owned(),
        ),
    ] {
        assert_eq!(codes(table, &new).await, [""; 0], "{table} {new}");
    }
}

#[tokio::test]
async fn a_text_that_reads_as_a_number_is_in_the_way_of_a_type_of_numbers() {
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, n TEXT, m TEXT NOT NULL CHECK (m <> ''));";
    for column in ["n", "\"m\""] {
        let to =
            |declared: &str| format!("ALTER TABLE t ALTER COLUMN {column} TO {column} {declared};");
        assert_eq!(codes(table, &to("INTEGER")).await, ["depends-on-rows"]);
        assert_eq!(codes(table, &to("VARCHAR(9)")).await, [""; 0]);
        // It makes numbers of them first.
        let corrected = format!("UPDATE t SET {column} = 'x'; {}", to("REAL"));
        assert_eq!(codes(table, &corrected).await, [""; 0]);
    }
}

#[tokio::test]
async fn a_key_that_a_version_names_may_be_taken() {
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE, b TEXT);";
    for (new, expect) in [
        (
            "INSERT INTO t (id, b) VALUES (1, 'x');",
            &["depends-on-rows"][..],
        ),
        (
            "INSERT INTO t (a) VALUES ('x'), ('y');",
            &["depends-on-rows"][..],
        ),
        ("INSERT INTO t (b) VALUES ('x');", &[][..]),
        ("INSERT OR IGNORE INTO t (id) VALUES (1);", &[][..]),
        (
            "INSERT INTO t (id) VALUES (1) ON CONFLICT DO NOTHING;",
            &[][..],
        ),
        (
            "CREATE TABLE u (id INTEGER PRIMARY KEY); INSERT INTO u VALUES (1);",
            &[][..],
        ),
    ] {
        assert_eq!(codes(table, new).await, expect, "{new}");
    }
    // Files make the rows of this one.
    let table = format!("{table} INSERT INTO t (id) VALUES (1);");
    assert_eq!(
        codes(&table, "INSERT INTO t (id) VALUES (2);").await,
        [""; 0]
    );
}
