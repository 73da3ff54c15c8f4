//! Views and triggers, those of repeatable migrations too, and the schema at the end.

use super::*;

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
          help: if that repeatable migration is new or was changed since the older versions: `seedbed check --base REF` tries what REF has of it, where REF is what is deployed
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
    check_on(
        base,
        &[base[0], drop, fitting],
        expect![[r#"
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
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
              help: R__v makes the view v, and repeatable migrations run behind the versions: a new database has none here. Write `DROP VIEW IF EXISTS v;`
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
async fn what_is_new_is_not_tried_where_the_set_lacks_versions_of_the_base() {
    let base: Files<'_> = &[("V1__a.sql", "CREATE TABLE m (x);")];
    let renumbered = ("V2__a.sql", "CREATE TABLE m (x);");
    check_on(
        base,
        &[renumbered],
        expect![[r#"
        1 applied, 0 reversed, whole, 0 new
    "#]],
    )
    .await;
    // Another file has taken the version.
    let other = ("V1__b.sql", "CREATE TABLE n (x);");
    let on_it = ("V3__c.sql", "CREATE INDEX i ON n (x);");
    check_on(
        base,
        &[other, renumbered, on_it],
        expect![[r#"
        3 applied, 0 reversed, whole, 0 new
    "#]],
    )
    .await;
    // The versions were put into one file.
    let all = ("V3__all.sql", "CREATE TABLE m (x); CREATE TABLE n (x);");
    check_on(
        base,
        &[all],
        expect![[r#"
        1 applied, 0 reversed, whole, 0 new
    "#]],
    )
    .await;
}

#[tokio::test]
async fn the_help_names_the_repeatable_migration_whose_object_is_in_the_way() {
    let base: Files<'_> = &[
        ("V1__t.sql", "CREATE TABLE t (x);"),
        (
            "R__o.sql",
            "DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT x FROM t;\nCREATE TABLE IF NOT EXISTS c (x);",
        ),
    ];
    let view = ("V2__v.sql", "CREATE VIEW v AS SELECT 1;");
    check_on(base, &[base[0], base[1], view], expect![[r#"
        V2__v.sql:1:13 fails
          view v already exists (on a database that exists, in memory)
          help: R__o makes the view v, which is there before a new version runs: write `DROP VIEW IF EXISTS v;` before this statement; R__o makes it again afterwards
        3 applied, 0 reversed, whole, 0 new
    "#]]).await;
    let table = ("V2__c.sql", "CREATE TABLE c (x);");
    check_on(base, &[base[0], base[1], table], expect![[r#"
        V2__c.sql:1:14 fails
          table c already exists (on a database that exists, in memory)
          help: R__o makes the table c, which is there before a new version runs: make it in one of the two files only, or give it another name
        3 applied, 0 reversed, whole, 0 new
    "#]]).await;
    // A version that was changed leaves the table.
    let changed = ("V1__t.sql", "CREATE TABLE u (x);");
    let again = ("V2__t.sql", "CREATE TABLE t (x);");
    check_on(
        base,
        &[changed, base[1], again],
        expect![[r#"
        V2__t.sql:1:14 fails
          table t already exists (on a database that exists, in memory)
        3 applied, 0 reversed, whole, 0 new
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
            R__v.sql warning not-rehearsed
              V2 ran in memory on a database without R__v: its text fails on the older versions: no such column: new
              help: an earlier text of it is there on a deployed database, if there was one: `seedbed check --base REF` tries that, where REF is what is deployed
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
            V3__d.sql:1:1 does-not-compile
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
            V3__d.sql:1:1 warning does-not-compile
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

/// <https://sqlite.org/quirks.html#dblquote>: the view still compiles.
#[tokio::test]
async fn a_column_that_a_view_reads_in_double_quotes_cannot_be_dropped() {
    let base: Files<'_> = &[(
        "V1__t.sql",
        "CREATE TABLE t (a, c);\nCREATE VIEW v AS SELECT \"c\", \"a\" FROM t;\n\
         CREATE VIEW old AS SELECT \"never\" FROM t;\n\
         CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET a = \"a\"; END;",
    )];
    let drop = ("V2__drop.sql", "SELECT 1;\nALTER TABLE t DROP COLUMN c;");
    check_on(base, &[base[0], drop], expect![[r#"
        V2__drop.sql:2:1 column-became-text
          view v reads "c" as text after V2: no column has that name any more
          note: SQLite takes a name in double quotes for text where there is no such column, so the view would give 'c' in place of values
          help: drop the view before this and create it again afterwards without "c"; a text that is meant has single quotes
        2 applied, 0 reversed, whole, 1 new
    "#]]).await;
    // A file that makes the view again, and a column that the view does not read, are fine.
    let again = (
        "V2__drop.sql",
        "DROP VIEW v; ALTER TABLE t DROP COLUMN c; CREATE VIEW v AS SELECT \"a\" FROM t;",
    );
    check_on(
        base,
        &[base[0], again],
        expect![[r#"
        2 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
    let later = (
        "V3__v.sql",
        "DROP VIEW v;\nCREATE VIEW v AS SELECT a FROM t;",
    );
    check_on(
        base,
        &[base[0], drop, later],
        expect![[r#"
        3 applied, 0 reversed, whole, 2 new
    "#]],
    )
    .await;
    let trigger: Files<'_> = &[(
        "V1__t.sql",
        "CREATE TABLE t (a, c); CREATE TABLE o (x);\n\
         CREATE TRIGGER g AFTER INSERT ON o BEGIN UPDATE o SET x = (SELECT max(\"c\") FROM t); END;",
    )];
    let anew = ("V2__t.sql", "DROP TABLE t;\nCREATE TABLE t (a);");
    check_on(trigger, &[trigger[0], anew], expect![[r#"
        V2__t.sql column-became-text
          trigger g reads "c" as text after V2: no column has that name any more
          note: SQLite takes a name in double quotes for text where there is no such column, so the trigger would give 'c' in place of values
          help: drop the trigger before this and create it again afterwards without "c"; a text that is meant has single quotes
        2 applied, 0 reversed, whole, 1 new
    "#]]).await;
}

const T: (&str, &str) = ("V1__t.sql", "CREATE TABLE t (x, y);");

#[tokio::test]
async fn without_a_base_an_edited_repeatable_migration_is_there_as_it_was() {
    let old = (
        "R__v.sql",
        "DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT y FROM t;",
    );
    let instead = (
        "V2__z.sql",
        "ALTER TABLE t ADD COLUMN z;\nALTER TABLE t DROP COLUMN y;",
    );
    let new = (
        "R__v.sql",
        "DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT z FROM t;",
    );
    let files = [T, instead, new];
    check_since(
        &[T, old],
        &files,
        expect![[r#"
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
    // Its earlier text is not known, and it could be in the way.
    check(&files, expect![[r#"
        R__v.sql warning not-rehearsed
          V2 ran in memory on a database without R__v: its text fails on the older versions: no such column: z
          help: an earlier text of it is there on a deployed database, if there was one: `seedbed check --base REF` tries that, where REF is what is deployed
        3 applied, 0 reversed, whole, 1 new
    "#]]).await;
    // A text that makes a table fails at once.
    let table = (
        "R__v.sql",
        "DROP TABLE IF EXISTS v;\nCREATE TABLE v AS SELECT z FROM t;",
    );
    check(&[T, instead, table], expect![[r#"
        R__v.sql warning not-rehearsed
          V2 ran in memory on a database without R__v: its text fails on the older versions: no such column: z
          help: an earlier text of it is there on a deployed database, if there was one: `seedbed check --base REF` tries that, where REF is what is deployed
        3 applied, 0 reversed, whole, 1 new
    "#]]).await;
    // Nothing that it may have made could be in the way.
    let more = ("V2__z.sql", "CREATE TABLE u (z);");
    let on_it = (
        "R__v.sql",
        "DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT z FROM u;",
    );
    check(
        &[T, more, on_it],
        expect![[r#"
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
    check_since(
        &[T, old],
        &[T, more, on_it],
        expect![[r#"
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_repeatable_migration_that_is_new_is_not_in_the_way_of_the_newest_version() {
    let rebuild = (
        "V2__rebuild.sql",
        "CREATE TABLE n (x);\nINSERT INTO n SELECT x FROM t;\nDROP TABLE t;\nALTER TABLE n RENAME TO t;",
    );
    let view = (
        "R__v.sql",
        "DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT x FROM t;",
    );
    let files = [T, rebuild, view];
    check_since(
        &[T],
        &files,
        expect![[r#"
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
    check_since(
        &[T, view],
        &files,
        expect![[r#"
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
    check(
        &files,
        expect![[r#"
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
    // Where the versions came at once, the commit before them is no database.
    check_since(
        &[],
        &files,
        expect![[r#"
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_table_that_a_repeatable_migration_selects_is_made_again_only_where_its_text_changes() {
    let table = (
        "R__c.sql",
        "DROP TABLE IF EXISTS c;\nCREATE TABLE c AS SELECT * FROM t;",
    );
    let add = ("V2__z.sql", "ALTER TABLE t ADD COLUMN z;");
    let edited = (
        "R__c.sql",
        "-- With z.\nDROP TABLE IF EXISTS c;\nCREATE TABLE c AS SELECT * FROM t;",
    );
    check_since(
        &[T, table],
        &[T, add, edited],
        expect![[r#"
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
    check_since(
        &[T],
        &[T, add, table],
        expect![[r#"
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
    check_since(&[T, table], &[T, add, table], expect![[r#"
        V2__z.sql schemas-differ
          a new database and a database that exists do not end with the same schema
          note: table c is different in the two
          help: a new database runs all versions, then the repeatable migrations; a database that exists has the older versions and the repeatable migrations, then runs V2: make both orders come to the same
          help: to run R__c again behind the newest version, change its text, a comment for example
        3 applied, 0 reversed, whole, 1 new
    "#]]).await;
    check(&[T, add, table], expect![[r#"
        R__c.sql warning schemas-differ
          a new database and a database that exists do not end with the same schema unless the text of R__c has changed too: a repeatable migration runs again only then
          note: table c is different in the two
          help: to run R__c again behind the newest version, change its text, a comment for example
          help: `seedbed check --base REF` knows what has changed, where REF is what is deployed
        3 applied, 0 reversed, whole, 1 new
    "#]]).await;
    // A view has the columns that are there when it is read.
    let view = (
        "R__c.sql",
        "DROP VIEW IF EXISTS c;\nCREATE VIEW c AS SELECT * FROM t;",
    );
    check(
        &[T, add, view],
        expect![[r#"
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
    check_since(
        &[T, view],
        &[T, add, view],
        expect![[r#"
        3 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
}

#[tokio::test]
async fn a_column_in_double_quotes_becomes_text_in_whatever_file_makes_the_view() {
    let table = "CREATE TABLE t (a, c);";
    let view = "CREATE VIEW v AS SELECT \"c\" FROM t;";
    let drop = "ALTER TABLE t DROP COLUMN c;";
    let codes = async |base: Files<'_>, files: Files<'_>| -> Vec<(&str, bool)> {
        let base = set(base);
        let base = Base {
            name: "main".to_owned(),
            common: base.clone(),
            tip: base,
            ..Base::default()
        };
        let options = CheckOptions::default().base(Some(&base));
        let checked = super::super::super::check(&set(files), &options)
            .await
            .unwrap();
        let found = checked.problems.iter();
        found.map(|it| (it.code, it.is_error())).collect()
    };
    let became_text = [("column-became-text", true)];
    let all = format!("{table}\n{view}\n{drop}");
    assert_eq!(codes(&[], &[("V1__all.sql", &all)]).await, became_text);
    let made = format!("{table}\n{view}");
    let files = [("V1__made.sql", made.as_str()), ("V2__drop.sql", drop)];
    assert_eq!(codes(&[], &files).await, became_text);
    assert_eq!(codes(&files[..1], &files).await, became_text);
    let both = format!("{view}\n{drop}");
    let files = [("V1__t.sql", table), ("V2__both.sql", both.as_str())];
    assert_eq!(codes(&files[..1], &files).await, became_text);
    // A published file cannot be corrected any more.
    let published = [("column-became-text", false)];
    let more = ("V3__more.sql", "CREATE TABLE more (x);");
    assert_eq!(codes(&files, &[files[0], files[1], more]).await, published);
    let repaired = (
        "V3__v.sql",
        "DROP VIEW v; CREATE VIEW v AS SELECT a FROM t;",
    );
    assert_eq!(codes(&files, &[files[0], files[1], repaired]).await, []);
    // Made again: with the old names, and with a new text.
    let base = [("V1__made.sql", made.as_str())];
    let same = format!("DROP VIEW v;\n{drop}\n{view}");
    let files = [base[0], ("V2__same.sql", same.as_str())];
    assert_eq!(codes(&base, &files).await, became_text);
    let text = "DROP VIEW v; CREATE VIEW v AS SELECT \"c\" FROM t WHERE \"c\" = \"active\";";
    assert_eq!(codes(&base, &[base[0], ("V2__text.sql", text)]).await, []);
    // A text from the first.
    let meant = format!("{table} CREATE VIEW v AS SELECT a FROM t WHERE a = \"c d\";");
    let base = [("V1__meant.sql", meant.as_str())];
    assert_eq!(codes(&base, &[base[0], ("V2__drop.sql", drop)]).await, []);
}

/// <https://sqlite.org/fts5.html#external_content_tables>
#[tokio::test]
async fn a_full_text_index_needs_the_table_and_the_columns_of_its_content() {
    let base: Files<'_> = &[(
        "V1__t.sql",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, x, y);\n\
         CREATE VIRTUAL TABLE f USING fts5(x, content='t', content_rowid='id');\n\
         CREATE VIRTUAL TABLE own USING fts5(x); CREATE VIRTUAL TABLE none USING fts5(x, content='');",
    )];
    let rename = ("V2__u.sql", "SELECT 1;\nALTER TABLE t RENAME TO u;");
    check_on(
        base,
        &[base[0], rename],
        expect![[r#"
        V2__u.sql:2:1 does-not-compile
          table f cannot be read after V2: no such table: main.t
          help: drop the table before this changes what it uses, and create it again afterwards
        2 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
    let column = ("V2__z.sql", "ALTER TABLE t RENAME COLUMN x TO z;");
    check(
        &[base[0], column],
        expect![[r#"
        V2__z.sql:1:1 does-not-compile
          table f cannot be read after V2: no such column: T.x
          help: drop the table before this changes what it uses, and create it again afterwards
        2 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
    let again = (
        "V3__f.sql",
        "DROP TABLE f;\nCREATE VIRTUAL TABLE f USING fts5(x, content='u', content_rowid='id');",
    );
    check_on(
        base,
        &[base[0], rename, again],
        expect![[r#"
        3 applied, 0 reversed, whole, 2 new
    "#]],
    )
    .await;
    let other = ("V2__y.sql", "ALTER TABLE t DROP COLUMN y;");
    check_on(
        base,
        &[base[0], other],
        expect![[r#"
        2 applied, 0 reversed, whole, 1 new
    "#]],
    )
    .await;
}

/// A version with its down file, and a repeatable migration that came together.
#[tokio::test]
async fn a_version_is_applied_again_where_new_repeatable_migrations_have_run() {
    let rebuild = |columns: &str, values: &str| {
        format!(
            "CREATE TABLE n ({columns});\nINSERT INTO n SELECT {values} FROM t;\nDROP TABLE t;\nALTER TABLE n RENAME TO t;"
        )
    };
    let plain = rebuild("x, y, z", "x, y, 1");
    let first = format!("DROP VIEW IF EXISTS v;\n{plain}");
    let back = rebuild("x, y", "x, y");
    let view = (
        "R__v.sql",
        "DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT x FROM t;",
    );
    let down = ("V2__rebuild.down.sql", back.as_str());
    for (up, expect) in [
        (
            &plain,
            expect![[r#"
                3 applied, 1 reversed, whole, 1 new
            "#]],
        ),
        (
            &first,
            expect![[r#"
                3 applied, 1 reversed, whole, 1 new
            "#]],
        ),
    ] {
        let files = [T, ("V2__rebuild.sql", up.as_str()), down, view];
        check_since(&[T], &files, expect).await;
    }
}
