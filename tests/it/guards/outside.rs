//! Files without a transaction have no guards: they are no judge of what an earlier file breaks, and what they break
//! themselves is looked at behind them. Each specification gets a new and empty database.

use seedbed::history::Part;
use seedbed::migrations::{ApplyError, Back, Outcome};
use seedbed::report::Report;

use super::specification::{already, contains, each, refused};
use crate::world::{World, done, problem_codes};

const VIEWED: (&str, &str) = (
    "V1__t.sql",
    "CREATE TABLE t (x); CREATE TABLE log (x); CREATE VIEW v AS SELECT x FROM t;
     CREATE TRIGGER tg AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.x); END;
     CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (pid INTEGER REFERENCES p (id));",
);

const BARE: &str = "-- seedbed: no-transaction\n";

pub(crate) async fn a_file_without_a_transaction_is_no_judge_of_what_an_earlier_one_breaks(
    world: World,
) {
    world.apply(&[VIEWED]).await.unwrap();
    let drop = ("V2__drop.sql", "DROP TABLE t;");
    let create = format!("{BARE}CREATE TABLE t (x);");
    let create = ("V3__t.sql", create.as_str());
    let (part, text) = refused(world.apply(&[VIEWED, drop, create]).await);
    assert_eq!(part, Part::Compiles);
    contains(
        &text,
        &["V2", "does not compile afterwards", "error in view v"],
    );
    assert_eq!(world.recorded().await, "V1");
    // A judge before the file that repairs it is none either.
    let early = (
        "V3__early.sql",
        "CREATE TABLE early (x); CREATE VIEW w AS SELECT 1;",
    );
    let late = ("V4__t.sql", create.1);
    let (part, _) = refused(world.apply_with(&[VIEWED, drop, early, late], each()).await);
    assert_eq!(part, Part::Compiles);
    assert_eq!(world.recorded().await, "V1");
    let judge = ("V4__judge.sql", "CREATE VIEW w AS SELECT x FROM v;");
    let files = [VIEWED, drop, create, judge];
    let outcome = world.apply(&files).await.unwrap();
    assert_eq!(done(&outcome), "V2 V3 V4");
}

pub(crate) async fn a_view_that_a_legacy_renaming_breaks_is_refused(world: World) {
    let legacy = "ALTER TABLE log ADD COLUMN y; PRAGMA legacy_alter_table=ON; ALTER TABLE t RENAME TO t_old;";
    let legacy = ("V2__legacy.sql", legacy);
    for last in [
        "CREATE TABLE t (x);",
        "CREATE INDEX i ON t_old (x);",
        "VACUUM;",
    ] {
        let last = format!("{BARE}{last}");
        let files = [VIEWED, legacy, ("V3__last.sql", last.as_str())];
        let (part, text) = refused(world.apply(&files).await);
        assert_eq!(part, Part::Compiles);
        contains(&text, &["error in", "no such table: main.t"]);
        assert_eq!(world.tables().await, "");
    }
}

pub(crate) async fn a_file_about_something_else_repairs_nothing(world: World) {
    let columns = (
        "V1__t.sql",
        "CREATE TABLE t (a, b); CREATE VIEW v AS SELECT b FROM t; CREATE TABLE other (x);",
    );
    world.apply(&[columns]).await.unwrap();
    let drop = ("V2__drop.sql", "DROP TABLE t; CREATE TABLE t (a);");
    for something_else in [
        "CREATE TABLE more (b);",
        "ALTER TABLE other ADD COLUMN b;",
        "CREATE INDEX b ON other (x);",
        "CREATE VIEW w AS SELECT 1 AS b, 't' AS v;",
        "DROP TABLE other;",
        "ALTER TABLE t ADD COLUMN c;",
    ] {
        let files = [columns, drop, ("V3__more.sql", something_else)];
        let (part, text) = refused(world.apply_with(&files, each()).await);
        assert_eq!(part, Part::Compiles, "{something_else}");
        contains(&text, &["V2", "error in view v", "V2__drop.sql"]);
        assert_eq!(world.recorded().await, "V1", "{something_else}");
    }
    let files = [
        columns,
        drop,
        ("V3__more.sql", "ALTER TABLE t ADD COLUMN b;"),
    ];
    world.apply_with(&files, each()).await.unwrap();
}

/// The codes of the problems that stopped a run, and the words of its report.
fn stopped(result: Result<Outcome, ApplyError>) -> (String, String) {
    let Err(error) = &result else {
        panic!("a run that stops was expected, and there was {result:?}");
    };
    let report = Report::failure(error);
    let diagnostic = &report.diagnostics[0];
    let mut lines = vec![diagnostic.message.clone()];
    lines.extend(diagnostic.notes.clone());
    lines.extend(diagnostic.help.clone());
    let text = lines.join("\n");
    (problem_codes(result), text)
}

pub(crate) async fn what_a_file_without_a_transaction_breaks_stops_the_run(world: World) {
    let drop_view = format!("{BARE}DROP TABLE t;");
    let drop_log = format!("{BARE}DROP TABLE log;");
    let drop_p = format!("{BARE}DROP TABLE p;");
    let files = [
        VIEWED,
        ("V2__log.sql", &drop_log),
        ("V3__t.sql", &drop_view),
        ("V4__p.sql", &drop_p),
    ];
    for (count, recorded, code, words) in [
        (
            2,
            "V1 V2",
            "does-not-compile",
            "V2: trigger tg does not compile afterwards: no such table: main.log",
        ),
        (
            3,
            "V1 V2 V3",
            "does-not-compile",
            "V3: view v does not compile afterwards: no such table: main.t",
        ),
        (
            4,
            "V1 V2 V3 V4",
            "lost-parent",
            "V4 leaves a foreign key without its parent table: c (pid) refers to p",
        ),
    ] {
        let more = ("V5__more.sql", "CREATE TABLE more (x);");
        let files: Vec<_> = files[..count].iter().copied().chain([more]).collect();
        let (codes, text) = stopped(world.apply(&files).await);
        assert_eq!(codes, code);
        contains(
            &text,
            &[words, "nothing of it was rolled back", "in a new migration"],
        );
        // The files behind it did not run.
        assert_eq!(world.recorded().await, recorded);
    }
}

pub(crate) async fn a_key_that_a_file_without_a_transaction_takes_away_stops_the_run(world: World) {
    let keyed = (
        "V1__key.sql",
        "CREATE TABLE p (k TEXT); CREATE UNIQUE INDEX pk ON p (k); CREATE TABLE c (a, k TEXT REFERENCES p (k));
         CREATE TABLE log (x); CREATE TRIGGER tg AFTER INSERT ON c BEGIN INSERT INTO log VALUES (new.k); END;",
    );
    let drop = format!("{BARE}DROP INDEX pk;");
    let drop = ("V2__pk.sql", drop.as_str());
    let again = ("V3__pk.sql", "CREATE UNIQUE INDEX other ON p (k);");
    world.apply(&[keyed, drop, again]).await.unwrap();
    let drop_again = ("V4__pk.sql", "DROP INDEX other;");
    let bare = format!("{BARE}{}", drop_again.1);
    let files = [keyed, drop, again, (drop_again.0, bare.as_str())];
    let (codes, text) = stopped(world.apply(&files).await);
    assert_eq!(codes, "foreign-key-mismatch");
    contains(
        &text,
        &[
            "V4 leaves a foreign key that refers to no key: c (k) refers to p (k)",
            "nothing of it was rolled back",
        ],
    );
}

pub(crate) async fn a_new_foreign_key_without_its_key_stops_the_run(world: World) {
    let first = (
        "V1__x.sql",
        "CREATE TABLE x (id INT); CREATE TABLE y (a); CREATE TABLE z (q REFERENCES w (id));",
    );
    let mut files = vec![(first.0.to_owned(), first.1.to_owned())];
    for (text, words) in [
        (
            "CREATE TABLE c (a INT REFERENCES x (id));",
            "V2 leaves a foreign key that refers to no key: c (a) refers to x (id)",
        ),
        (
            "CREATE TABLE d (a INT REFERENCES x (none));",
            "d (a) refers to x (none)",
        ),
        (
            "CREATE TABLE e (a INT REFERENCES x);",
            "e (a) refers to the primary key of x",
        ),
        (
            "ALTER TABLE y ADD COLUMN b REFERENCES x (id);",
            "y (b) refers to x (id)",
        ),
        ("CREATE TABLE w (id);", "z (q) refers to w (id)"),
    ] {
        let version = files.len() + 1;
        files.push((format!("V{version}__bare.sql"), format!("{BARE}{text}")));
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .chain([("V9__more.sql", "CREATE TABLE more (x);")])
            .collect();
        let (codes, text) = stopped(world.apply(&files).await);
        assert_eq!(codes, "foreign-key-mismatch");
        contains(&text, &[words, "nothing of it was rolled back"]);
    }
}

pub(crate) async fn a_new_foreign_key_whose_parent_comes_later_is_no_fault(world: World) {
    let first = format!(
        "{BARE}CREATE TABLE x (id INT); CREATE TABLE c (a REFERENCES x (id)); CREATE TABLE d (a REFERENCES p (id)); CREATE VIEW v AS SELECT a FROM d;"
    );
    let second = "CREATE UNIQUE INDEX ix ON x (id); CREATE TABLE p (id PRIMARY KEY);";
    world
        .apply(&[("V1__a.sql", first.as_str()), ("V2__b.sql", second)])
        .await
        .unwrap();
    let third = format!("{BARE}CREATE TABLE e (a REFERENCES nowhere (id)); DROP VIEW v;");
    let files = [
        ("V1__a.sql", first.as_str()),
        ("V2__b.sql", second),
        ("V3__c.sql", third.as_str()),
    ];
    world.apply(&files).await.unwrap();
}

pub(crate) async fn what_a_later_file_repairs_behind_one_without_a_transaction_is_no_fault(
    world: World,
) {
    let drop = format!("{BARE}DROP TABLE t;");
    let drop = ("V2__drop.sql", drop.as_str());
    let again = ("V3__again.sql", "CREATE TABLE t (x, y);");
    world.apply(&[VIEWED, drop, again]).await.unwrap();
    // What it might have repaired, and did not.
    let drop_again = ("V4__drop.sql", drop.1);
    let other = ("V5__other.sql", "CREATE TABLE t (y);");
    let (codes, text) = stopped(world.apply(&[VIEWED, drop, again, drop_again, other]).await);
    assert_eq!(codes, "does-not-compile");
    contains(&text, &["V4: view v does not compile afterwards"]);
}

pub(crate) async fn what_was_broken_before_a_file_without_a_transaction_is_no_fault(world: World) {
    let drop = format!("{BARE}DROP TABLE log; CREATE TABLE log (x, y);");
    let down = format!("{BARE}DROP TABLE log; CREATE TABLE log (x);");
    let files = [VIEWED, ("V2__log.sql", &drop), ("V2__log.down.sql", &down)];
    world.apply(&[VIEWED]).await.unwrap();
    already(
        &world,
        &[
            "DROP TRIGGER tg",
            "CREATE VIEW old AS SELECT x FROM nowhere",
            "CREATE TABLE orphan (x REFERENCES nowhere)",
        ],
    )
    .await;
    world.apply(&files).await.unwrap();
    world.undo(Back::Steps(1)).await.unwrap();
    // The next file in a transaction knows them too.
    let next = ("V3__next.sql", "CREATE VIEW w AS SELECT 1;");
    world
        .apply(&[files[0], files[1], files[2], next])
        .await
        .unwrap();
}

pub(crate) async fn rows_that_a_file_without_a_transaction_orphans_stop_the_run(world: World) {
    world.apply(&[VIEWED]).await.unwrap();
    let rows = [
        "INSERT INTO p VALUES (1), (2)",
        "INSERT INTO c VALUES (1), (2), (99)",
    ];
    already(&world, &rows).await;
    let delete = format!("{BARE}-- seedbed: foreign-keys=off\nDELETE FROM p WHERE id = 2;");
    let (delete, again) = (
        ("V2__p.sql", delete.as_str()),
        ("V4__p.sql", delete.as_str()),
    );
    let back = ("V3__back.sql", "INSERT INTO p VALUES (2);");
    world.apply(&[VIEWED, delete, back]).await.unwrap();
    for last in ["SELECT 1;", "INSERT INTO p VALUES (3);"] {
        let files = [VIEWED, delete, back, again, ("V5__last.sql", last)];
        let (codes, text) = stopped(world.apply(&files).await);
        assert_eq!(codes, "foreign-keys");
        contains(
            &text,
            &["V4 leaves rows whose parent is gone: 1 row of c (pid), without a parent in p"],
        );
        already(
            &world,
            &[
                "INSERT INTO p VALUES (2)",
                "DELETE FROM _migrations WHERE version IN (4, 5)",
            ],
        )
        .await;
    }
}

pub(crate) async fn rows_behind_a_file_without_a_transaction_are_compared_and_not_counted(
    world: World,
) {
    let children = (
        "V2__children.sql",
        "CREATE TABLE pair (a INT, b INT, PRIMARY KEY (a, b)) WITHOUT ROWID;
         CREATE TABLE e (k TEXT PRIMARY KEY, a INT, b INT, FOREIGN KEY (b, a) REFERENCES pair (b, a)) WITHOUT ROWID;
         CREATE UNIQUE INDEX pairs ON pair (b, a);",
    );
    world.apply(&[VIEWED, children]).await.unwrap();
    let rows = [
        "INSERT INTO p VALUES (1), (2), (3)",
        "INSERT INTO c VALUES (1), (2), (98), (99), (99)",
        "INSERT INTO pair VALUES (1, 1)",
        "INSERT INTO e VALUES ('x', 1, 1), ('y', 7, 7)",
    ];
    already(&world, &rows).await;
    let bare = |sql: &str| format!("{BARE}-- seedbed: foreign-keys=off\n{sql}");
    // As many rows as before have no parent, and others.
    let exchange = bare("DELETE FROM p WHERE id = 2; UPDATE c SET pid = 1 WHERE pid = 98;");
    let remade = bare(
        "CREATE TABLE n (pid INTEGER REFERENCES p (id)); INSERT INTO n SELECT pid FROM c WHERE pid <> 98;
         DELETE FROM p WHERE id = 2; DROP TABLE c; ALTER TABLE n RENAME TO c;",
    );
    let keyed = bare("DELETE FROM pair; DELETE FROM e WHERE k = 'y';");
    for (file, note) in [
        (&exchange, "c, row 2: pid = 2 has no parent in p"),
        (&remade, "c, row 2: pid = 2 has no parent in p"),
        (
            &keyed,
            "e: (b, a) = (1, 1) of one row has no parent in pair",
        ),
    ] {
        let (codes, text) = stopped(
            world
                .apply(&[VIEWED, children, ("V3__new.sql", file)])
                .await,
        );
        assert_eq!(codes, "foreign-keys", "{file}");
        contains(
            &text,
            &["V3 leaves rows whose parent is gone: 1 row of", note],
        );
        already(
            &world,
            &[
                "DELETE FROM c",
                "DELETE FROM e",
                "INSERT OR IGNORE INTO p VALUES (2)",
                "INSERT OR IGNORE INTO pair VALUES (1, 1)",
                rows[1],
                rows[3],
                "DELETE FROM _migrations WHERE version = 3",
            ],
        )
        .await;
    }
    // What had no parent before is no reason, whatever it refers to now and wherever it is.
    for (number, fine) in [
        "UPDATE c SET pid = 97 WHERE pid = 98;",
        "UPDATE e SET a = 8 WHERE k = 'y'; DELETE FROM c WHERE pid = 97;",
        "CREATE TABLE n (pid INTEGER REFERENCES p (id)); INSERT INTO n SELECT pid FROM c ORDER BY pid DESC;
         DROP TABLE c; ALTER TABLE n RENAME TO c;",
        "INSERT INTO c VALUES (3); DELETE FROM c WHERE pid = 1; INSERT INTO c VALUES (2);",
    ]
    .into_iter()
    .enumerate()
    {
        let (name, text) = (format!("V{}__fine.sql", number + 4), bare(fine));
        let applied = world.apply(&[VIEWED, children, (&name, &text)]).await;
        assert!(applied.is_ok(), "{fine}: {applied:?}");
        already(&world, &["DELETE FROM _migrations WHERE kind = 'migration' AND version > 3"]).await;
    }
}

/// <https://sqlite.org/quirks.html#dblquote>
pub(crate) async fn a_text_in_place_of_a_column_behind_a_file_without_a_transaction_stops_the_run(
    world: World,
) {
    let base = (
        "V1__t.sql",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, c, d); CREATE VIEW v AS SELECT \"c\" FROM t;
         CREATE VIEW w AS SELECT \"d\" FROM t; CREATE VIEW old AS SELECT \"never\" FROM t;",
    );
    let drop = format!("{BARE}ALTER TABLE t DROP COLUMN c;");
    let drop = ("V2__c.sql", drop.as_str());
    let again = (
        "V3__v.sql",
        "DROP VIEW v; CREATE VIEW v AS SELECT \"id\" FROM t;",
    );
    world.apply(&[base, drop, again]).await.unwrap();
    let other = format!("{BARE}ALTER TABLE t DROP COLUMN d;");
    let files = [base, drop, again, ("V4__d.sql", other.as_str())];
    let (codes, text) = stopped(world.apply(&files).await);
    assert_eq!(codes, "column-became-text");
    contains(
        &text,
        &[
            "V4: view w reads \"d\" as text afterwards",
            "nothing of it was rolled back",
            "in a new migration",
        ],
    );
    assert_eq!(world.recorded().await, "V1 V2 V3 V4");
}
