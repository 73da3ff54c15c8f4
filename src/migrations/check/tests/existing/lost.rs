//! What is gone with a table or a view that is made again.

use super::*;

#[tokio::test]
async fn a_rebuild_that_forgets_an_index_or_a_trigger_is_a_warning() {
    let base: Files<'_> = &[
        ("V1__t.sql", "CREATE TABLE t (x, y);"),
        (
            "V2__i.sql",
            "CREATE INDEX i ON t (x); CREATE INDEX j ON t (y);
             CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;",
        ),
    ];
    let rebuild = "CREATE TABLE n (x, y, z);\nINSERT INTO n SELECT x, y, 0 FROM t;\nDROP TABLE t;\n\
                   ALTER TABLE n RENAME TO t;\n";
    let other_order = "ALTER TABLE t RENAME TO o;\nCREATE TABLE t (x, y, z);\n\
                       INSERT INTO t SELECT x, y, 0 FROM o;\nDROP TABLE o;\n";
    let all = "CREATE INDEX i ON t (x); CREATE INDEX j ON t (y);
               CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;";
    let by = |text: String| {
        [
            base[0],
            base[1],
            ("V3__r.sql", Box::leak(text.into_boxed_str()) as &str),
        ]
    };
    check(&by(rebuild.to_owned()), expect![[r#"
        V3__r.sql:3:1 RB306
          V3 drops and recreates t, and these are gone with the old table: index i, index j, trigger g
          help: recreate them at the end of the file:
          help: CREATE INDEX i ON t (x);
          help: CREATE INDEX j ON t (y);
          help: CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;
          help: if they are to go: drop them by name, or write `-- seedbed: allow RB306: REASON` at the top of the file
        3 applied, 0 reversed, whole, 1 new
    "#]]).await;
    check(
        &by(format!("{other_order}CREATE INDEX i ON t (x);")),
        expect![[r#"
            V3__r.sql:4:1 RB306
              V3 drops and recreates t, and these are gone with the old table: index j, trigger g
              help: recreate them at the end of the file:
              help: CREATE INDEX j ON t (y);
              help: CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;
              help: if they are to go: drop them by name, or write `-- seedbed: allow RB306: REASON` at the top of the file
            3 applied, 0 reversed, whole, 1 new
        "#]],
    )
    .await;
    check(
        &by(format!("{rebuild}{all}")),
        expect![[r#"
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
    check(
        &by(format!(
            "DROP INDEX i; DROP INDEX j; DROP TRIGGER g;{rebuild}"
        )),
        expect![[r#"
            3 applied, 0 reversed, whole, 1 new
        "#]],
    )
    .await;
    check(
        &by(format!(
            "-- seedbed: allow lost-in-rebuild: they were of no use\n{rebuild}"
        )),
        expect![[r#"
            3 applied, 0 reversed, whole, 1 new
        "#]],
    )
    .await;
    check(
        &by("DROP TABLE t;".to_owned()),
        expect![[r#"
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
    // What a repeatable migration makes comes again.
    check(
        &[
            base[0],
            ("V2__r.sql", rebuild),
            (
                "R__i.sql",
                "DROP INDEX IF EXISTS i; CREATE INDEX i ON t (x);",
            ),
        ],
        expect![[r#"
            3 applied, 0 reversed, whole, 1 new
        "#]],
    )
    .await;
}

#[tokio::test]
async fn what_a_rebuild_loses_is_reported_only_where_it_is_missed() {
    let found = async |base: &str, new: &str| -> Vec<String> {
        let checked = checked(&[("V1__t.sql", base), ("V2__r.sql", new)]).await;
        let problems = checked.problems.iter();
        problems
            .map(|it| format!("{} {:?}", it.code, it.help))
            .collect()
    };
    let rebuilt = |columns: &str, more: &str| {
        format!(
            "CREATE TABLE n ({columns}); INSERT INTO n (id, a) SELECT id, a FROM t; DROP TABLE t;
             ALTER TABLE n RENAME TO t; {more}"
        )
    };
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER);";
    for (object, columns, more) in [
        // Its column is gone.
        (
            "CREATE INDEX tb ON t(b);",
            "id INTEGER PRIMARY KEY, a TEXT",
            "",
        ),
        (
            "CREATE INDEX tb ON t(lower(b));",
            "id INTEGER PRIMARY KEY, a TEXT",
            "",
        ),
        // Another one does the same.
        (
            "CREATE INDEX ta ON t(a);",
            "id INTEGER PRIMARY KEY, a TEXT, b INTEGER",
            "CREATE INDEX \"other\" ON \"t\" (a);",
        ),
        (
            "CREATE INDEX ta ON t(lower(a)) WHERE a <> '';",
            "id INTEGER PRIMARY KEY, a TEXT, b INTEGER",
            "CREATE INDEX other ON t (lower(a)) WHERE a <> '';",
        ),
        (
            "CREATE UNIQUE INDEX ta ON t(a);",
            "id INTEGER PRIMARY KEY, a TEXT UNIQUE, b INTEGER",
            "",
        ),
        (
            "CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;",
            "id INTEGER PRIMARY KEY, a TEXT, b INTEGER",
            "CREATE TRIGGER g2 AFTER INSERT ON t BEGIN SELECT 1; END;",
        ),
    ] {
        let found = found(&format!("{table} {object}"), &rebuilt(columns, more)).await;
        assert_eq!(found, Vec::<String>::new(), "{object} {more}");
    }
    let same = "id INTEGER PRIMARY KEY, a TEXT, b INTEGER";
    for (object, columns, more, expect) in [
        (
            "CREATE UNIQUE INDEX ta ON t(a);",
            same,
            "CREATE INDEX other ON t (a);",
            "CREATE UNIQUE INDEX ta ON t(a);",
        ),
        (
            "CREATE INDEX ta ON t(a COLLATE NOCASE);",
            same,
            "CREATE INDEX other ON t (a);",
            "CREATE INDEX ta ON t(a COLLATE NOCASE);",
        ),
        (
            "CREATE INDEX ta ON t(lower(a));",
            same,
            "CREATE INDEX other ON t (upper(a));",
            "CREATE INDEX ta ON t(lower(a));",
        ),
        (
            "CREATE TRIGGER g AFTER UPDATE ON t BEGIN SELECT NEW.b; END;",
            "id INTEGER PRIMARY KEY, a TEXT",
            "",
            "this does not fit the new table, so write it again for that: trigger g",
        ),
    ] {
        let found = found(&format!("{table} {object}"), &rebuilt(columns, more)).await;
        assert_eq!(found.len(), 1, "{object} {more}: {found:?}");
        assert!(found[0].starts_with("RB306"), "{found:?}");
        assert!(found[0].contains(expect), "{found:?}");
    }
    let view = "CREATE VIEW v AS SELECT id, a FROM t;
        CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN INSERT INTO t (a) VALUES (NEW.a); END;";
    check(
        &[
            ("V1__t.sql", &format!("{table} {view}")),
            (
                "V2__v.sql",
                "DROP VIEW v;\nCREATE VIEW v AS SELECT id, a, b FROM t;",
            ),
        ],
        expect![[r#"
            V2__v.sql:1:1 RB306
              V2 drops and recreates v, and these are gone with the old view: trigger g
              help: recreate them at the end of the file:
              help: CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN INSERT INTO t (a) VALUES (NEW.a); END;
              help: if they are to go: drop them by name, or write `-- seedbed: allow RB306: REASON` at the top of the file
            2 applied, 0 reversed, whole, 1 new
        "#]],
    )
    .await;
    for gone in [
        "DROP VIEW v;",
        "DROP TRIGGER g; DROP VIEW v; CREATE VIEW v AS SELECT 1 AS a;",
    ] {
        let found = found(&format!("{table} {view}"), gone).await;
        assert_eq!(found, Vec::<String>::new(), "{gone}");
    }
}
