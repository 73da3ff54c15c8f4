//! Down files.

use super::*;

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
          help: make the down file undo all that the migration does, and no more
          help: an old one may stay as it is: `-- seedbed: allow down-no-inverse: REASON` at its top, or `downs_from = V` under [migrations] in config.toml, which accepts those below V
        3 applied, 1 reversed, whole, 1 new
    "#]]).await;
    // Without a base, a setting or the file itself accepts it.
    let options = CheckOptions {
        base: None,
        downs_from: Some(2),
        ..CheckOptions::default()
    };
    let mut files = with(new);
    files[3].1 = "-- seedbed: allow down-no-inverse: it is older than the rule\nSELECT 1;";
    expect![[r#"
        3 applied, 1 reversed, whole, 1 new
    "#]]
    .assert_eq(&shown(
        &crate::migrations::check(&set(&files), &options)
            .await
            .unwrap(),
    ));
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
              help: make the down file undo all that the migration does, and no more
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
async fn a_down_file_without_a_transaction_is_tried_in_the_same_way() {
    let column = |down| {
        [
            ("V1__t.sql", "CREATE TABLE t (x INT);"),
            ("V2__y.sql", "ALTER TABLE t ADD COLUMN y;"),
            ("V2__y.down.sql", down),
            (
                "R__v.sql",
                "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT y FROM t;",
            ),
        ]
    };
    check(
        &column("-- seedbed: no-transaction\nALTER TABLE t DROP COLUMN y;"),
        expect![[r#"
            3 applied, 1 reversed, whole, 1 new
        "#]],
    )
    .await;
    // It uses the view, so `undo` leaves that.
    check(
        &column("-- seedbed: no-transaction\nCREATE TEMP TABLE kept AS SELECT * FROM v;\nALTER TABLE t DROP COLUMN y;"),
        expect![[r#"
            V2__y.down.sql:2:41 fails
              no such table: v (taking it back, in memory)
              help: `undo` runs the down file on the schema that V2 leaves: make it fit that
            3 applied, 0 reversed, whole, 1 new
        "#]],
    )
    .await;
    check(
        &column("-- seedbed: no-transaction\nCREATE UNIQUE INDEX i ON t (y IS NULL);\nDROP INDEX i;\nALTER TABLE t DROP COLUMN y;"),
        expect![[r#"
            V2__y.down.sql:2:1 warning depends-on-rows
              UNIQUE constraint failed: index 'i' (taking it back on a database that exists, in memory)
              note: it failed on generated rows; whether it fails on a real database depends on the rows there
              help: if it cannot fail on the real rows, write `-- seedbed: allow depends-on-rows: REASON` at the top of the file
            3 applied, 1 reversed, whole, 1 new
        "#]],
    )
    .await;
}
