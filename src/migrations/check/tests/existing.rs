//! What a check finds on a database that exists: with rows, and with what the repeatable migrations have made.

use super::*;

type Files<'a> = &'a [(&'a str, &'a str)];

/// Checks files against a base.
async fn check_on(base: Files<'_>, files: Files<'_>, expect: Expect) {
    let base = Base {
        name: "main".to_owned(),
        common: set(base),
        tip: set(base),
        ..Base::default()
    };
    let options = CheckOptions {
        base: Some(&base),
        downs_from: None,
    };
    expect.assert_eq(&shown(
        &super::super::check(&set(files), &options).await.unwrap(),
    ));
}

/// The codes that a new version is reported under, on a database with this table.
async fn codes(table: &str, new: &str) -> Vec<&'static str> {
    let checked = checked(&[("V1__t.sql", table), ("V2__new.sql", new)]).await;
    checked
        .problems
        .iter()
        .map(|problem| problem.code)
        .collect()
}

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
async fn a_column_under_a_view_of_a_repeatable_migration_cannot_be_dropped() {
    let view = "DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT x, y FROM t;";
    let base: Files<'_> = &[("V1__t.sql", "CREATE TABLE t (x, y);"), ("R__v.sql", view)];
    let drop = ("V2__drop.sql", "ALTER TABLE t DROP COLUMN y;");
    check_on(base, &[base[0], drop, base[1]], expect![[r#"
        V2__drop.sql:1:1 fails
          error in view v after drop column: no such column: y (on a database that exists, in memory)
          help: write `DROP VIEW IF EXISTS v;` before it: the repeatable migration makes it again afterwards
        R__v.sql:2:1 does-not-compile
          view v does not compile after R__v: no such column: y
          help: make the view fit the schema that it is created on
        3 applied, 0 reversed, whole, 0 new
    "#]]).await;
    check(&[base[0], drop, base[1]], expect![[r#"
        V2__drop.sql:1:1 fails
          error in view v after drop column: no such column: y (on a database that exists, in memory)
          help: write `DROP VIEW IF EXISTS v;` before it: the repeatable migration makes it again afterwards
        R__v.sql:2:1 does-not-compile
          view v does not compile after R__v: no such column: y
          help: make the view fit the schema that it is created on
        3 applied, 0 reversed, whole, 0 new
    "#]]).await;
    // The view that is there is in the way, whatever it becomes.
    let fitting = (
        "R__v.sql",
        "DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT x FROM t;",
    );
    check_on(base, &[base[0], drop, fitting], expect![[r#"
        V2__drop.sql:1:1 fails
          error in view v after drop column: no such column: y (on a database that exists, in memory)
          help: write `DROP VIEW IF EXISTS v;` before it: the repeatable migration makes it again afterwards
        3 applied, 0 reversed, whole, 0 new
    "#]]).await;
    // Its earlier text is not known.
    check(
        &[base[0], drop, fitting],
        expect![[r#"
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
    // A file that drops it first is right.
    let first = ("V2__drop.sql", "DROP VIEW v; ALTER TABLE t DROP COLUMN y;");
    let first_if_there = (
        "V2__drop.sql",
        "DROP VIEW IF EXISTS v; ALTER TABLE t DROP COLUMN y;",
    );
    check_on(
        base,
        &[base[0], first, fitting],
        expect![[r#"
        V2__drop.sql:1:11 fails
          no such view: v
        1 applied, 0 reversed, not whole, 0 new
    "#]],
    )
    .await;
    check_on(
        base,
        &[base[0], first_if_there, fitting],
        expect![[r#"
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_repeatable_migration_that_keeps_the_old_name_of_a_column_is_an_error() {
    let base: Files<'_> = &[
        ("V1__t.sql", "CREATE TABLE t (old, x);"),
        (
            "R__v.sql",
            "DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT old FROM t;",
        ),
    ];
    let rename = ("V2__r.sql", "ALTER TABLE t RENAME COLUMN old TO new;");
    let files = [base[0], rename, base[1]];
    check(
        &files,
        expect![[r#"
        R__v.sql:2:1 does-not-compile
          view v does not compile in a new database after R__v: no such column: old
          help: make the view fit the schema that it is created on
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
    check_on(
        base,
        &files,
        expect![[r#"
        R__v.sql:2:1 does-not-compile
          view v does not compile in a new database after R__v: no such column: old
          help: make the view fit the schema that it is created on
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
    let fitting = (
        "R__v.sql",
        "DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT new FROM t;",
    );
    let files = [base[0], rename, fitting];
    check(
        &files,
        expect![[r#"
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
    check_on(
        base,
        &files,
        expect![[r#"
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_trigger_that_a_new_version_breaks_is_an_error() {
    let base: Files<'_> = &[
        ("V1__t.sql", "CREATE TABLE t (x); CREATE TABLE log (y);"),
        (
            "V2__g.sql",
            "CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO log VALUES (1); END;",
        ),
    ];
    let drop = ("V3__d.sql", "DROP TABLE log;");
    check_on(
        base,
        &[base[0], base[1], drop],
        expect![[r#"
        V3__d.sql does-not-compile
          trigger g does not compile after V3: no such table: main.log
          help: drop the trigger before this changes what it uses, and create it again afterwards
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
    // What was broken before is not the fault of a branch.
    let broken: Files<'_> = &[base[0], base[1], drop];
    let other = ("V4__o.sql", "CREATE TABLE o (x);");
    check_on(
        broken,
        &[base[0], base[1], drop, other],
        expect![[r#"
        V3__d.sql warning does-not-compile
          trigger g does not compile after V3: no such table: main.log
          help: drop the trigger before this changes what it uses, and create it again afterwards
        4 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
}

#[tokio::test]
async fn both_databases_must_end_with_the_same_schema() {
    let base: Files<'_> = &[
        ("V1__t.sql", "CREATE TABLE t (x, y);"),
        (
            "R__v.sql",
            "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT x FROM t; DROP VIEW IF EXISTS w; CREATE VIEW w AS SELECT 1;",
        ),
    ];
    let less = (
        "R__v.sql",
        "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT x FROM t;",
    );
    check_on(base, &[base[0], less], expect![[r#"
        R__v.sql schemas-differ
          a new database and a database that exists do not end with the same schema
          note: view w is only in a database that exists
          help: a new database runs all versions, then the repeatable migrations; a database that exists has the older versions and the repeatable migrations, then runs R__v: make both orders come to the same
        2 applied, 0 reversed, whole, 0 new
    "#]]).await;
    let late = ("U2__t.sql", "CREATE TABLE IF NOT EXISTS u (y);");
    let base: Files<'_> = &[base[0], ("V3__u.sql", "CREATE TABLE IF NOT EXISTS u (x);")];
    check_on(base, &[base[0], late, base[1]], expect![[r#"
        U2__t.sql schemas-differ
          a new database and a database that exists do not end with the same schema
          note: table u is different in the two
          help: a new database runs all versions, then the repeatable migrations; a database that exists has the older versions and the repeatable migrations, then runs V2: make both orders come to the same
        3 applied, 0 reversed, whole, 1 new
    "#]]).await;
}

#[tokio::test]
async fn what_a_deleted_repeatable_migration_made_is_no_difference() {
    let base: Files<'_> = &[
        ("V1__t.sql", "CREATE TABLE t (x, y);"),
        (
            "R__v.sql",
            "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT x FROM t;",
        ),
    ];
    check_on(
        base,
        &[base[0]],
        expect![[r#"
        1 applied, 0 reversed, whole, 0 new
    "#]],
    )
    .await;
    let drop = ("V2__d.sql", "DROP VIEW IF EXISTS v;");
    check_on(
        base,
        &[base[0], drop],
        expect![[r#"
        2 applied, 0 reversed, whole, 1 new
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
        V3__r.sql:3:1 warning lost-in-rebuild
          V3 drops and recreates t, and these are gone with the old table: index i, index j, trigger g
          help: recreate them at the end of the file:
          help: CREATE INDEX i ON t (x);
          help: CREATE INDEX j ON t (y);
          help: CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;
          help: if they are to go: drop them by name, or write `-- seedbed: allow lost-in-rebuild: REASON` at the top of the file
        3 applied, 0 reversed, whole, 1 new
    "#]]).await;
    check(
        &by(format!("{other_order}CREATE INDEX i ON t (x);")),
        expect![[r#"
            V3__r.sql:4:1 warning lost-in-rebuild
              V3 drops and recreates t, and these are gone with the old table: index j, trigger g
              help: recreate them at the end of the file:
              help: CREATE INDEX j ON t (y);
              help: CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;
              help: if they are to go: drop them by name, or write `-- seedbed: allow lost-in-rebuild: REASON` at the top of the file
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
async fn a_down_file_is_judged_where_it_is_new() {
    let base: Files<'_> = &[
        ("V1__a.sql", "CREATE TABLE a (x);"),
        ("V1__a.down.sql", "SELECT 1;"),
        ("V2__b.sql", "CREATE TABLE b (x);"),
        ("V2__b.down.sql", "SELECT 1;"),
    ];
    let new = [
        ("V3__c.sql", "CREATE TABLE c (x);"),
        ("V3__c.down.sql", "DROP TABLE c;"),
    ];
    let with = |files: Files<'static>| -> Vec<(&'static str, &'static str)> {
        base.iter().chain(files).copied().collect()
    };
    let new: Files<'static> = Box::leak(Box::new(new));
    check_on(
        base,
        &with(new),
        expect![[r#"
        3 applied, 1 reversed, whole, 1 new
    "#]],
    )
    .await;
    let mut changed = with(new);
    changed[1].1 = "SELECT 2;";
    check_on(base, &changed, expect![[r#"
        V1__a.down.sql down-no-inverse
          the down file of V1 does not bring back the schema that was there before
          note: table a should not be there
          help: make the down file take back all that the migration does, and no more
          help: an old one may stay as it is: `-- seedbed: allow down-no-inverse: REASON` at its top, or `downs_from = V` under [migrations] in config.toml, which accepts those below V
        3 applied, 1 reversed, whole, 1 new
    "#]]).await;
    // Without a base, a setting or the file itself accepts it.
    let options = CheckOptions {
        base: None,
        downs_from: Some(2),
    };
    let mut files = with(new);
    files[3].1 = "-- seedbed: allow down-no-inverse: it is older than the rule\nSELECT 1;";
    expect![[r#"
        3 applied, 1 reversed, whole, 1 new
    "#]]
    .assert_eq(&shown(
        &super::super::check(&set(&files), &options).await.unwrap(),
    ));
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
        };
        let checked = super::super::check(&set(&files), &options).await.unwrap();
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
            2 applied, 0 reversed, whole, 1 new
        "#]],
    )
    .await;
}

#[tokio::test]
async fn what_only_an_application_can_register_is_a_warning() {
    for query in [
        "SELECT nosuch(x) AS x FROM t",
        "SELECT x COLLATE nosuch AS x FROM t ORDER BY 1",
        "SELECT x FROM t WHERE x = 'a' COLLATE nosuch",
    ] {
        let view = format!("CREATE VIEW v AS {query};");
        let files = [("V1__t.sql", "CREATE TABLE t (x);"), ("V2__v.sql", &view)];
        let checked = checked(&files).await;
        let problems = checked.problems.iter();
        let found: Vec<_> = problems.map(|it| (it.code, it.is_error())).collect();
        assert_eq!(found, [("not-compiled", false)], "{query}");
    }
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

#[tokio::test]
async fn a_new_down_file_is_tried_on_rows_and_with_the_repeatable_migrations() {
    let table = (
        "V1__t.sql",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER);",
    );
    let drop = ("V2__d.sql", "ALTER TABLE t DROP COLUMN b;");
    for (down, expect) in [
        (
            "ALTER TABLE t ADD COLUMN b INTEGER NOT NULL;",
            &["V2__d.down.sql fails", "V2__d.down.sql down-no-inverse"] as &[&str],
        ),
        ("ALTER TABLE t ADD COLUMN b INTEGER;", &[]),
        (
            "ALTER TABLE t ADD COLUMN b INTEGER; CREATE UNIQUE INDEX i ON t (b IS NULL);",
            &[
                "V2__d.down.sql depends-on-rows",
                "V2__d.down.sql down-no-inverse",
            ],
        ),
        (
            "-- seedbed: allow depends-on-rows: so\n-- seedbed: allow down-no-inverse: so\n
             ALTER TABLE t ADD COLUMN b INTEGER; CREATE UNIQUE INDEX i ON t (b IS NULL);",
            &[],
        ),
        (
            "ALTER TABLE t ADD COLUMN a INTEGER;",
            &["V2__d.down.sql fails"],
        ),
    ] {
        let checked = checked(&[table, drop, ("V2__d.down.sql", down)]).await;
        let mut found: Vec<String> = checked
            .problems
            .iter()
            .map(|it| format!("{} {}", it.file().unwrap_or_default(), it.code))
            .collect();
        found.sort_by_key(|it| !it.ends_with("fails") && !it.ends_with("rows"));
        assert_eq!(found, expect, "{down}");
    }
    check(
        &[
            table,
            drop,
            (
                "V2__d.down.sql",
                "ALTER TABLE t ADD COLUMN b INTEGER NOT NULL;",
            ),
        ],
        expect![[r#"
            V2__d.down.sql down-no-inverse
              the down file of V2 does not bring back the schema that was there before
              note: table t is different
              help: make the down file take back all that the migration does, and no more
              help: an old one may stay as it is: `-- seedbed: allow down-no-inverse: REASON` at its top, or `downs_from = V` under [migrations] in config.toml, which accepts those below V
            V2__d.down.sql:1:1 fails
              Cannot add a NOT NULL column with default value NULL (taking it back on a database that exists, in memory)
              note: it fails on a table with rows, whatever they hold; on an empty one it does not
              help: add the column without the constraint or with a constant DEFAULT, or rebuild the table: create a new one, copy the rows, drop the old one, rename the new one
            2 applied, 0 reversed, whole, 1 new
        "#]],
    )
    .await;
    // `undo` drops the view itself.
    let z = [
        table,
        (
            "V2__z.sql",
            "CREATE TABLE z(id INTEGER PRIMARY KEY, q INT);",
        ),
        ("V2__z.down.sql", "DROP TABLE z;"),
        (
            "R__zz.sql",
            "DROP VIEW IF EXISTS zv; CREATE VIEW zv AS SELECT q FROM z;",
        ),
    ];
    check(
        &z,
        expect![[r#"
        3 applied, 1 reversed, whole, 1 new
    "#]],
    )
    .await;
    // It does not where the down file uses the view.
    let mut uses = z;
    uses[2].1 = "CREATE TABLE kept AS SELECT * FROM zv; DROP TABLE kept; DROP TABLE z;";
    check(
        &uses,
        expect![[r#"
        V2__z.down.sql:1:36 fails
          no such table: zv (taking it back, in memory)
          help: `undo` runs the down file on the schema that V2 leaves: make it fit that
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
    let mut made = z;
    made[2].1 = "DROP TABLE z; CREATE TABLE zv (x); DROP TABLE zv;";
    check(&made, expect![[r#"
        V2__z.down.sql:1:28 fails
          view zv already exists (taking it back on a database that exists, in memory)
          help: `undo` runs the down file where the repeatable migrations have run: make it work on the schema that V2 and they leave
        3 applied, 1 reversed, whole, 1 new
    "#]]).await;
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
        assert!(found[0].starts_with("lost-in-rebuild"), "{found:?}");
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
            V2__v.sql:1:1 warning lost-in-rebuild
              V2 drops and recreates v, and these are gone with the old view: trigger g
              help: recreate them at the end of the file:
              help: CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN INSERT INTO t (a) VALUES (NEW.a); END;
              help: if they are to go: drop them by name, or write `-- seedbed: allow lost-in-rebuild: REASON` at the top of the file
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
