//! What the guards refuse and what they let pass, whatever the mode. Each specification gets a new and empty database.

use std::sync::Arc;

use seedbed::db::Transaction;
use seedbed::history::Part;
use seedbed::migrations::{ApplyError, Back, DriftPolicy, Grouping, Outcome, PlanOptions};
use seedbed::report::Report;
use seedbed::script::{Atomicity, ForeignKeys, Step};

use crate::world::{World, done};

/// Applies files that change what was made by hand.
async fn despite_drift(world: &World, files: &[(&str, &str)]) -> Result<Outcome, ApplyError> {
    let options = PlanOptions::default().drift(DriftPolicy::Allow);
    world.apply_with(files, options).await
}

/// Puts statements into the database that no migration brought.
pub(super) async fn already(world: &World, statements: &[&str]) {
    let steps = statements.iter().map(|sql| Step::own(*sql, vec![]));
    let transaction = Transaction {
        foreign_keys: ForeignKeys::Off,
        atomicity: Atomicity::Transaction,
        steps: steps.collect(),
    };
    let run = world.db.run(vec![transaction], Arc::new(|_| {}));
    run.await.unwrap();
}

/// The part that refused a run, and the notes and the help of its report.
pub(super) fn refused(result: Result<Outcome, ApplyError>) -> (Part, String) {
    match result {
        Err(error @ ApplyError::Script(_)) => {
            let report = Report::failure(&error);
            let ApplyError::Script(error) = error else {
                unreachable!()
            };
            let diagnostic = &report.diagnostics[0];
            let mut lines = vec![diagnostic.message.clone()];
            lines.extend(diagnostic.notes.clone());
            lines.extend(diagnostic.help.clone());
            (error.failed.part, lines.join("\n"))
        }
        other => panic!("a refused script was expected, and there was {other:?}"),
    }
}

#[track_caller]
pub(super) fn contains(text: &str, all: &[&str]) {
    for part in all {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
}

const FAMILY: (&str, &str) = (
    "V1__family.sql",
    "CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE c (id INTEGER PRIMARY KEY, pid INTEGER REFERENCES p(id));",
);

const WRONG_ORDER: (&str, &str) = (
    "V2__rebuild.sql",
    "ALTER TABLE p RENAME TO p_old;
     CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
     INSERT INTO p SELECT id, coalesce(name, '') FROM p_old;
     DROP TABLE p_old;",
);

const RIGHT_ORDER: (&str, &str) = (
    "V2__rebuild.sql",
    "CREATE TABLE p_new (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
     INSERT INTO p_new SELECT id, coalesce(name, '') FROM p;
     DROP TABLE p;
     ALTER TABLE p_new RENAME TO p;",
);

fn tells_the_order(result: Result<Outcome, ApplyError>) {
    let (part, text) = refused(result);
    assert_eq!(part, Part::References);
    contains(
        &text,
        &[
            "V2 leaves a foreign key whose parent table does not exist",
            "c (pid) refers to p_old",
            "renaming a table also changes the foreign keys that refer to it",
            "create the new table under another name, copy the rows, drop the old table, rename the new table to p",
        ],
    );
}

pub(crate) async fn a_rebuild_in_the_wrong_order_is_refused_after_its_parent_was_applied(
    world: World,
) {
    world.apply(&[FAMILY]).await.unwrap();
    tells_the_order(world.apply(&[FAMILY, WRONG_ORDER]).await);
    assert_eq!(world.recorded().await, "V1");
    assert_eq!(world.tables().await, "c p");
}

pub(crate) async fn a_rebuild_in_the_wrong_order_is_refused_from_empty(world: World) {
    tells_the_order(world.apply(&[FAMILY, WRONG_ORDER]).await);
}

pub(crate) async fn a_rebuild_in_the_right_order_is_applied(world: World) {
    let rows = (
        "V3__rows.sql",
        "INSERT INTO p VALUES (1, ''); INSERT INTO c VALUES (1, 1);",
    );
    world.apply(&[FAMILY, RIGHT_ORDER, rows]).await.unwrap();
    assert_eq!(world.ask("SELECT pid FROM c").await, "1");
}

pub(crate) async fn a_parent_that_is_dropped_under_a_child_without_rows_is_refused(world: World) {
    world.apply(&[FAMILY]).await.unwrap();
    for text in [
        "DROP TABLE p;",
        "-- seedbed: foreign-keys=on\nDROP TABLE p;",
    ] {
        let (part, text) = refused(world.apply(&[FAMILY, ("V2__drop.sql", text)]).await);
        assert_eq!(part, Part::References);
        contains(&text, &["c (pid) refers to p", "V2__drop.sql"]);
    }
}

pub(crate) async fn a_parent_that_a_later_file_makes_again_is_no_fault(world: World) {
    let files = [
        FAMILY,
        ("V2__drop.sql", "DROP TABLE p;"),
        (
            "V3__again.sql",
            "CREATE TABLE p (id INTEGER PRIMARY KEY, other);",
        ),
    ];
    for grouping in [Grouping::All, Grouping::Each] {
        let options = PlanOptions::default().grouping(grouping);
        world.apply_with(&files, options).await.unwrap();
    }
}

pub(crate) async fn a_child_that_is_dropped_with_its_parent_is_no_fault(world: World) {
    world.apply(&[FAMILY]).await.unwrap();
    let drop = ("V2__drop.sql", "DROP TABLE p; DROP TABLE c;");
    world.apply(&[FAMILY, drop]).await.unwrap();
}

pub(crate) async fn a_foreign_key_that_never_had_a_parent_is_no_fault(world: World) {
    let early = (
        "V1__early.sql",
        "CREATE TABLE early (x REFERENCES later (id)); CREATE TABLE other (x);",
    );
    world.apply(&[early]).await.unwrap();
    let files = [
        early,
        (
            "V2__drop.sql",
            "DROP TABLE other; CREATE TABLE more (x REFERENCES never (id));",
        ),
    ];
    world.apply(&files).await.unwrap();
}

pub(crate) async fn an_undo_that_takes_a_parent_away_is_refused(world: World) {
    let p = ("V1__p.sql", "CREATE TABLE p (id INTEGER PRIMARY KEY);");
    let down = ("V1__p.down.sql", "DROP TABLE p;");
    world.apply(&[p, down]).await.unwrap();
    already(&world, &["CREATE TABLE c (pid REFERENCES p (id))"]).await;
    let (part, text) = refused(world.undo(Back::Steps(1)).await);
    assert_eq!(part, Part::References);
    contains(
        &text,
        &["undoing V1 leaves a foreign key", "c (pid) refers to p"],
    );
    assert_eq!(world.recorded().await, "V1");
    already(
        &world,
        &["INSERT INTO p VALUES (1)", "INSERT INTO c VALUES (1)"],
    )
    .await;
    let (part, text) = refused(world.undo(Back::Steps(1)).await);
    assert_eq!(part, Part::ForeignKeysAfter);
    contains(&text, &["c, row 1: pid = 1 has no parent in p"]);
}

async fn breaks(world: World, first: &str, second: &str, named: &str) {
    let first = ("V1__a.sql", first);
    let second = ("V2__b.sql", second);
    let (part, text) = refused(world.apply(&[first, second]).await);
    assert_eq!(part, Part::Compiles);
    contains(&text, &["does not compile", named, "V2__b.sql"]);
    // DROP TABLE runs with foreign keys off, in a transaction of its own.
    let before = if second.1.contains("DROP TABLE") {
        "V1"
    } else {
        ""
    };
    assert_eq!(world.recorded().await, before);
    world.apply(&[first]).await.unwrap();
    let (part, text) = refused(world.apply(&[first, second]).await);
    assert_eq!(part, Part::Compiles);
    contains(&text, &["V2", "does not compile", named, "V2__b.sql"]);
    assert_eq!(world.recorded().await, "V1");
    let schema =
        world.ask("SELECT count(*) FROM sqlite_schema WHERE name LIKE '\\_seedbed%' ESCAPE '\\'");
    assert_eq!(schema.await, "0");
}

pub(crate) async fn a_view_that_stops_compiling_is_refused(world: World) {
    let first = "CREATE TABLE a (x); CREATE VIEW v AS SELECT x FROM a;";
    breaks(world, first, "DROP TABLE a;", "view v").await;
}

pub(crate) async fn a_view_on_a_view_that_stops_compiling_is_refused(world: World) {
    let first =
        "CREATE TABLE a (x); CREATE VIEW v AS SELECT x FROM a; CREATE VIEW w AS SELECT x FROM v;";
    breaks(
        world,
        first,
        "DROP VIEW v; CREATE VIEW v AS SELECT 1 AS y;",
        "view w",
    )
    .await;
}

pub(crate) async fn a_trigger_that_stops_compiling_is_refused(world: World) {
    let first = "CREATE TABLE a (x); CREATE TABLE log (x);
        CREATE TRIGGER r AFTER INSERT ON a BEGIN INSERT INTO log VALUES (new.x); END;";
    breaks(world, first, "DROP TABLE log;", "trigger r").await;
}

pub(crate) async fn a_trigger_on_a_view_that_stops_compiling_is_refused(world: World) {
    let first = "CREATE TABLE a (x); CREATE VIEW v AS SELECT 1 AS x;
        CREATE TRIGGER r INSTEAD OF INSERT ON v BEGIN INSERT INTO a VALUES (new.x); END;";
    breaks(world, first, "DROP TABLE a;", "trigger r").await;
}

pub(crate) async fn a_column_that_makes_a_name_ambiguous_is_refused(world: World) {
    let first = "CREATE TABLE a (x); CREATE TABLE b (y); CREATE VIEW v AS SELECT x, y FROM a, b;";
    breaks(world, first, "ALTER TABLE b ADD COLUMN x;", "view v").await;
}

const SEARCH: &str = "CREATE TABLE a (id INTEGER PRIMARY KEY, x, y);
    CREATE VIRTUAL TABLE s USING fts5 (x, content='a', content_rowid='id');";

async fn unsearchable(world: World, statement: &str, words: &str) {
    let first = ("V1__a.sql", SEARCH);
    world.apply(&[first]).await.unwrap();
    world
        .statements(&["INSERT INTO a VALUES (1, 'b', 2)"])
        .await;
    let (part, text) = refused(world.apply(&[first, ("V2__b.sql", statement)]).await);
    assert_eq!(part, Part::Compiles);
    contains(
        &text,
        &[
            "V2: the full-text index s cannot be read afterwards",
            words,
            "V2__b.sql",
        ],
    );
    assert_eq!(world.recorded().await, "V1");
    assert_eq!(world.ask("SELECT x FROM a").await, "b");
}

/// <https://sqlite.org/fts5.html#external_content_tables>
pub(crate) async fn a_full_text_index_that_loses_its_table_is_refused(world: World) {
    unsearchable(world, "SELECT 1; DROP TABLE a;", "no such table: main.a").await;
}

pub(crate) async fn a_full_text_index_whose_table_is_renamed_is_refused(world: World) {
    unsearchable(world, "ALTER TABLE a RENAME TO b;", "no such table: main.a").await;
}

pub(crate) async fn a_full_text_index_that_loses_a_column_is_refused(world: World) {
    unsearchable(world, "ALTER TABLE a DROP COLUMN x;", "no such column").await;
}

pub(crate) async fn a_full_text_index_that_loses_its_table_in_several_scripts_is_refused(
    world: World,
) {
    let first = ("V1__a.sql", SEARCH);
    world.apply(&[first]).await.unwrap();
    let files = [
        first,
        ("V2__drop.sql", "DROP TABLE a;"),
        (
            "V3__more.sql",
            "CREATE TABLE b (x); ALTER TABLE b ADD COLUMN y;",
        ),
    ];
    let options = PlanOptions::default().grouping(Grouping::Each);
    let (part, text) = refused(world.apply_with(&files, options).await);
    assert_eq!(part, Part::Compiles);
    contains(&text, &["full-text index s", "no such table: main.a"]);
}

pub(crate) async fn a_full_text_index_that_is_whole_at_the_end_is_no_fault(world: World) {
    let search = format!(
        "{SEARCH} CREATE VIRTUAL TABLE own USING fts5 (x); CREATE VIRTUAL TABLE none USING fts5 (x, content='');
         CREATE VIRTUAL TABLE lost USING fts5 (x, content='never');"
    );
    let rebuild =
        "CREATE TABLE n (id INTEGER PRIMARY KEY, x, y, z); INSERT INTO n SELECT id, x, y, 1 FROM a;
        DROP TABLE a; ALTER TABLE n RENAME TO a;";
    let again = "DROP TABLE s; ALTER TABLE a RENAME TO b;
        CREATE VIRTUAL TABLE s USING fts5 (x, content='b', content_rowid='id');";
    let gone = "DROP TABLE b; DROP TABLE s;";
    let mut files = vec![("V1__a.sql", search.as_str())];
    world.apply(&files).await.unwrap();
    for more in [
        ("V2__rebuild.sql", rebuild),
        ("V3__again.sql", again),
        ("V4__gone.sql", gone),
    ] {
        files.push(more);
        world.apply(&files).await.unwrap();
    }
    // A later file of the run makes it again.
    files.push(("V5__a.sql", SEARCH));
    world.apply(&files).await.unwrap();
    files.push(("V6__drop.sql", "DROP TABLE a;"));
    files.push(("V7__s.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY, x);"));
    world.apply(&files).await.unwrap();
}

pub(crate) async fn a_new_view_that_does_not_compile_is_refused(world: World) {
    breaks(
        world,
        "CREATE TABLE a (x);",
        "CREATE VIEW v AS SELECT y FROM a;",
        "view v",
    )
    .await;
}

pub(crate) async fn a_view_that_a_later_file_completes_is_no_fault(world: World) {
    let files = [
        ("V1__view.sql", "CREATE VIEW v AS SELECT x FROM a;"),
        ("V2__drop.sql", "CREATE TABLE gone (x); DROP TABLE gone;"),
        ("V3__table.sql", "CREATE TABLE a (x);"),
    ];
    world.apply(&files).await.unwrap();
    assert_eq!(world.ask("SELECT count(*) FROM v").await, "0");
}

/// `log` has a trigger that writes to `t`.
async fn stops_firing(world: World, event: &str, body: &str, second: &str) {
    let first = format!(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER); CREATE UNIQUE INDEX i ON t (a);
         CREATE TABLE log (x, y); CREATE TRIGGER tg AFTER {event} ON log BEGIN {body}; END;"
    );
    let first = ("V1__t.sql", first.as_str());
    world.apply(&[first]).await.unwrap();
    let files = [first, ("V2__b.sql", second)];
    let (part, text) = refused(world.apply(&files).await);
    assert_eq!(part, Part::Compiles);
    contains(&text, &["V2: ", "tg", "does not compile", "V2__b.sql"]);
    assert_eq!(world.recorded().await, "V1");
    let repaired = [
        files[0],
        files[1],
        (
            "V3__tg.sql",
            "DROP TRIGGER IF EXISTS tg; CREATE TABLE z (a);",
        ),
    ];
    world.apply_with(&repaired, each()).await.unwrap();
}

const REBUILT: &str = "DROP TABLE t; CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);";

pub(crate) async fn a_trigger_whose_column_is_dropped_is_refused(world: World) {
    let body = "UPDATE t SET b = 1 WHERE a = new.x";
    stops_firing(world, "INSERT", body, "ALTER TABLE t DROP COLUMN b;").await;
}

pub(crate) async fn a_trigger_whose_table_is_made_again_without_a_column_is_refused(world: World) {
    let body = "UPDATE t SET b = 1 WHERE a = new.x";
    stops_firing(world, "UPDATE OF y", body, REBUILT).await;
}

pub(crate) async fn a_trigger_that_inserts_another_number_of_columns_is_refused(world: World) {
    let body = "INSERT INTO t SELECT 1, 2, 3";
    stops_firing(world, "UPDATE", body, REBUILT).await;
}

pub(crate) async fn a_trigger_whose_unique_index_is_dropped_is_refused(world: World) {
    let body = "INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO UPDATE SET b = 2";
    stops_firing(world, "INSERT", body, "DROP INDEX i;").await;
}

pub(crate) async fn a_trigger_that_writes_to_a_table_that_becomes_a_view_is_refused(world: World) {
    let second = "DROP TABLE t; CREATE VIEW t AS SELECT 1 AS a, 2 AS b;";
    let body = "UPDATE t SET b = 1";
    stops_firing(world, "DELETE", body, second).await;
}

/// Without what the Turso engine does not take: triggers on views, and a rebuild below one.
pub(crate) async fn a_trigger_of_a_column_that_its_table_does_not_have_is_refused(world: World) {
    let first = (
        "V1__a.sql",
        "CREATE TABLE a (x INT, \"Y y\" INT); CREATE TABLE log (x);",
    );
    world.apply(&[first]).await.unwrap();
    let of = |columns: &str| {
        format!("CREATE TRIGGER t AFTER UPDATE OF {columns} ON a BEGIN DELETE FROM log; END;")
    };
    for (columns, column) in [
        ("yy", "yy"),
        ("x, \"yy\"", "yy"),
        ("X,\n  [Y  y]", "Y  y"),
        ("x, log", "log"),
    ] {
        let text = of(columns);
        let (part, words) = refused(world.apply(&[first, ("V2__b.sql", text.as_str())]).await);
        assert_eq!(part, Part::Compiles, "{text}");
        contains(&words, &["does not compile", column]);
        assert_eq!(world.recorded().await, "V1");
    }
    let right = of("X , \"y Y\"");
    let second = ("V2__b.sql", right.as_str());
    world.apply(&[first, second]).await.unwrap();
    assert_eq!(world.recorded().await, "V1 V2");
}

pub(crate) async fn a_trigger_of_a_column_that_does_not_exist_is_refused(world: World) {
    let first = (
        "V1__a.sql",
        "CREATE TABLE a (x INT, y INT); CREATE VIEW v AS SELECT x AS x FROM a; CREATE TABLE log (x);",
    );
    let rebuild = "CREATE TABLE n (x INT); INSERT INTO n SELECT x FROM b; DROP TABLE b; ALTER TABLE n RENAME TO b;";
    let of = |columns: &str, on: &str| {
        format!("CREATE TRIGGER t {columns} ON {on} BEGIN DELETE FROM log; END;")
    };
    let old = format!(
        "CREATE TABLE b (x INT, y INT); {}",
        of("AFTER UPDATE OF x, y", "b")
    );
    let old = ("V2__b.sql", old.as_str());
    world.apply(&[first, old]).await.unwrap();
    for (text, column) in [
        (of("AFTER UPDATE OF yy", "a").replace(" t ", " u "), "yy"),
        (
            of("UPDATE OF x, \"Y Y\"", "main.a").replace(" t ", " u "),
            "Y Y",
        ),
        (of("INSTEAD OF UPDATE OF y", "v").replace(" t ", " u "), "y"),
        (format!("{rebuild} {}", of("AFTER UPDATE OF y", "b")), "y"),
        ("ALTER TABLE b DROP COLUMN y;".to_owned(), "y"),
    ] {
        let third = ("V3__c.sql", text.as_str());
        let (part, words) = refused(world.apply(&[first, old, third]).await);
        assert_eq!(part, Part::Compiles, "{text}");
        contains(&words, &["does not compile", "no such column: ", column]);
        assert_eq!(world.recorded().await, "V1 V2");
    }
    // The columns of a trigger get other names with the table, and the rowid has names.
    let right = format!(
        "ALTER TABLE b RENAME COLUMN y TO z; ALTER TABLE b RENAME TO bb; {} {} \
         CREATE TRIGGER w UPDATE OF x ON a BEGIN SELECT 1; END; DROP TRIGGER w; ALTER TABLE a RENAME COLUMN x TO xx;",
        of("UPDATE OF rowid, X", "a").replace(" t ", " u "),
        of("INSTEAD OF UPDATE OF x", "v").replace(" t ", " vt "),
    );
    let third = ("V3__c.sql", right.as_str());
    let again = "DROP TRIGGER t; ALTER TABLE bb DROP COLUMN z; CREATE TRIGGER t UPDATE OF x ON bb BEGIN SELECT 1; END;";
    world
        .apply(&[first, old, third, ("V4__d.sql", again)])
        .await
        .unwrap();
}

pub(crate) async fn a_new_trigger_that_names_no_column_is_refused(world: World) {
    let table = (
        "V1__t.sql",
        "CREATE TABLE t (a TEXT); CREATE TABLE log (x);",
    );
    let trigger = |body: &str| format!("CREATE TRIGGER tg AFTER INSERT ON log BEGIN {body}; END;");
    let wrong = trigger("UPDATE t SET b = 1");
    let (part, text) = refused(world.apply(&[table, ("V2__tg.sql", &wrong)]).await);
    assert_eq!(part, Part::Compiles);
    contains(&text, &["tg", "does not compile", "no such column: b"]);
    let again = |body| format!("DROP TRIGGER IF EXISTS tg; {}", trigger(body));
    let (part, _) = refused(
        world
            .apply(&[table, ("R__tg.sql", &again("INSERT INTO t (b) VALUES (1)"))])
            .await,
    );
    assert_eq!(part, Part::Compiles);
    let right = again("INSERT INTO t (a) VALUES (1)");
    world.apply(&[table, ("R__tg.sql", &right)]).await.unwrap();
    let (part, _) = refused(
        world
            .apply(&[table, ("R__tg.sql", &again("INSERT INTO t (b) VALUES (1)"))])
            .await,
    );
    assert_eq!(part, Part::Compiles);
    // Its table is not the fault of the new one.
    already(
        &world,
        &["CREATE TRIGGER old AFTER INSERT ON log BEGIN UPDATE t SET b = 1; END"],
    )
    .await;
    let more = (
        "V3__more.sql",
        "CREATE TRIGGER more AFTER INSERT ON log BEGIN DELETE FROM t; END;",
    );
    world
        .apply(&[table, more, ("R__tg.sql", &right)])
        .await
        .unwrap();
}

pub(super) fn each() -> PlanOptions {
    PlanOptions::default().grouping(Grouping::Each)
}

const VIEWED: (&str, &str) = (
    "V1__t.sql",
    "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT); INSERT INTO t VALUES (1, 'x');
     CREATE VIEW v AS SELECT a FROM t;",
);

pub(crate) async fn a_file_that_breaks_a_view_is_refused_at_its_own_commit(world: World) {
    world.apply(&[VIEWED]).await.unwrap();
    let files = [
        VIEWED,
        ("V2__drop.sql", "DROP TABLE t;"),
        ("V3__z.sql", "CREATE TABLE z (a);"),
    ];
    for options in [PlanOptions::default(), each()] {
        let (part, text) = refused(world.apply_with(&files, options).await);
        assert_eq!(part, Part::Compiles);
        contains(&text, &["V2: ", "view v", "V2__drop.sql"]);
        assert_eq!(world.recorded().await, "V1");
        assert_eq!(world.ask("SELECT a FROM v").await, "x");
    }
}

pub(crate) async fn a_file_whose_view_a_later_one_repairs_is_applied(world: World) {
    let repairs = [
        "CREATE TABLE t (a);",
        "DROP VIEW v; CREATE VIEW v AS SELECT 1 AS a;",
        "CREATE TABLE t2 (a); ALTER TABLE t2 RENAME TO t;",
    ];
    let mut files = vec![(VIEWED.0.to_owned(), VIEWED.1.to_owned())];
    for (number, repair) in repairs.iter().enumerate() {
        let version = number * 2 + 2;
        files.push((
            format!("V{version}__drop.sql"),
            "DROP TABLE IF EXISTS t;".to_owned(),
        ));
        files.push((
            format!("V{}__repair.sql", version + 1),
            (*repair).to_owned(),
        ));
        if number == 0 {
            continue;
        }
        files.push((
            format!("R__{number}.sql"),
            format!("DROP TABLE IF EXISTS r{number}; CREATE TABLE r{number} (a);"),
        ));
    }
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    world.apply_with(&files[..3], each()).await.unwrap();
    assert_eq!(world.ask("SELECT count(*) FROM v").await, "0");
    world.apply_with(&files, each()).await.unwrap();
    assert_eq!(world.ask("SELECT count(*) FROM v").await, "1");
}

pub(crate) async fn what_a_later_file_did_not_repair_is_told_with_what_is_committed(world: World) {
    world.apply(&[VIEWED]).await.unwrap();
    let files = [
        VIEWED,
        ("V2__drop.sql", "DROP TABLE t;"),
        ("V3__t.sql", "CREATE TABLE t (b);"),
    ];
    let (part, text) = refused(world.apply_with(&files, each()).await);
    assert_eq!(part, Part::Compiles);
    contains(
        &text,
        &[
            "view v does not compile since V2, which is committed",
            "rolled back: V3",
            "drop view v or create it again",
        ],
    );
    assert_eq!(world.recorded().await, "V1 V2");
}

pub(crate) async fn a_failure_tells_what_an_earlier_file_left_broken(world: World) {
    world.apply(&[VIEWED]).await.unwrap();
    let files = [
        VIEWED,
        ("V2__drop.sql", "DROP TABLE t;"),
        (
            "V3__t.sql",
            "CREATE TABLE t (a); INSERT INTO nowhere VALUES (1);",
        ),
    ];
    let (_, text) = refused(world.apply_with(&files, each()).await);
    contains(
        &text,
        &[
            "V3 failed: ",
            "view v does not compile since V2, which is committed",
        ],
    );
    assert_eq!(world.recorded().await, "V1 V2");
}

pub(crate) async fn a_file_that_takes_a_parent_away_is_refused_at_its_own_commit(world: World) {
    let first = (
        "V1__p.sql",
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (pid REFERENCES p (id));",
    );
    world.apply(&[first]).await.unwrap();
    let files = [
        first,
        ("V2__drop.sql", "DROP TABLE p;"),
        ("V3__z.sql", "CREATE TABLE z (a);"),
    ];
    let (part, text) = refused(world.apply(&files).await);
    assert_eq!(part, Part::References);
    contains(&text, &["V2 leaves a foreign key", "c (pid) refers to p"]);
    assert_eq!(world.recorded().await, "V1");
    let files = [
        files[0],
        files[1],
        ("V3__p.sql", "CREATE TABLE p (id INTEGER PRIMARY KEY);"),
    ];
    world.apply(&files).await.unwrap();
}

/// A view, and a trigger on each event, that do not compile; and some that do.
const BROKEN: [&str; 8] = [
    "CREATE TABLE a (x, g AS (x + 1))",
    "CREATE TABLE b (x)",
    "CREATE VIEW old AS SELECT x FROM nowhere",
    "CREATE VIEW fine AS SELECT x FROM b",
    "CREATE TRIGGER ri INSTEAD OF UPDATE ON fine BEGIN UPDATE b SET x = new.x; END",
    "CREATE TRIGGER r1 AFTER INSERT ON a BEGIN INSERT INTO nowhere VALUES (1); END",
    "CREATE TRIGGER \"update of\" AFTER UPDATE OF x ON a BEGIN DELETE FROM nowhere; END",
    "CREATE TRIGGER r3 AFTER DELETE ON a WHEN 1 BEGIN UPDATE nowhere SET x = 1; END",
];

pub(crate) async fn a_view_that_is_broken_already_is_no_obstacle_and_a_new_one_is_found(
    world: World,
) {
    already(&world, &BROKEN).await;
    let fine = (
        "V1__fine.sql",
        "CREATE TABLE c (x); ALTER TABLE c ADD COLUMN y;",
    );
    despite_drift(&world, &[fine]).await.unwrap();
    let (part, text) =
        refused(despite_drift(&world, &[fine, ("V2__b.sql", "DROP TABLE b;")]).await);
    assert_eq!(part, Part::Compiles);
    contains(&text, &["fine"]);
    let kept = world
        .ask("SELECT count(*) FROM sqlite_schema WHERE name IN ('old', 'r1', 'update of', 'r3')");
    assert_eq!(kept.await, "4");
    let each = PlanOptions::default().grouping(Grouping::Each);
    let files = [
        fine,
        ("V2__x.sql", "CREATE VIEW x AS SELECT 1;"),
        ("V3__b.sql", "DROP TABLE b;"),
    ];
    let (part, _) = refused(
        world
            .apply_with(&files, each.drift(DriftPolicy::Allow))
            .await,
    );
    assert_eq!(part, Part::Compiles);
}

pub(crate) async fn a_broken_view_that_is_repaired_or_replaced_by_a_table_is_applied(world: World) {
    already(&world, &BROKEN).await;
    let replaced = ("V1__replaced.sql", "DROP VIEW old; CREATE TABLE old (x);");
    world.apply(&[replaced]).await.unwrap();
    let repaired = (
        "V2__repaired.sql",
        "CREATE TABLE nowhere (x); DROP VIEW fine;",
    );
    world.apply(&[replaced, repaired]).await.unwrap();
}

pub(crate) async fn a_broken_trigger_is_no_obstacle(world: World) {
    already(
        &world,
        &[
            "CREATE TABLE a (x)",
            "CREATE TRIGGER r AFTER UPDATE ON a BEGIN DELETE FROM nowhere; END",
        ],
    )
    .await;
    world
        .apply(&[("V1__a.sql", "CREATE VIEW v AS SELECT x FROM a;")])
        .await
        .unwrap();
}

pub(crate) async fn a_repeatable_that_does_not_compile_is_refused(world: World) {
    let view = (
        "R__v.sql",
        "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT y FROM a;",
    );
    let (part, text) = refused(
        world
            .apply(&[("V1__a.sql", "CREATE TABLE a (x);"), view])
            .await,
    );
    assert_eq!(part, Part::Compiles);
    contains(&text, &["R__v", "R__v.sql"]);
}

/// Rows without their parent that are older than any migration.
async fn old_orphans(world: &World, statements: &[&str]) {
    world.apply(&[FAMILY]).await.unwrap();
    already(
        world,
        &[
            "INSERT INTO p VALUES (1, 'one'), (2, 'two')",
            "INSERT INTO c VALUES (1, 1), (2, 99)",
        ],
    )
    .await;
    already(world, statements).await;
}

pub(crate) async fn an_orphan_that_goes_does_not_make_room_for_a_new_one(world: World) {
    old_orphans(&world, &["CREATE TABLE gone (x)"]).await;
    let text = "DELETE FROM c WHERE id = 2; INSERT INTO c VALUES (3, 98); DROP TABLE gone;";
    let (part, text) = refused(despite_drift(&world, &[FAMILY, ("V2__swap.sql", text)]).await);
    assert_eq!(part, Part::ForeignKeysAfter);
    contains(&text, &["c, row 3: pid = 98 has no parent in p"]);
    assert!(!text.contains("row 2"), "{text}");
    assert_eq!(world.ask("SELECT id FROM c").await, "1 2");
}

const REBUILT_CHILD: &str = "CREATE TABLE c_new (id INTEGER PRIMARY KEY, pid INTEGER REFERENCES p(id), more);
    INSERT INTO c_new (id, pid) SELECT id, pid FROM c; DROP TABLE c; ALTER TABLE c_new RENAME TO c;";

pub(crate) async fn an_orphan_of_a_rebuilt_child_does_not_make_room_for_a_new_one(world: World) {
    old_orphans(&world, &[]).await;
    let text =
        format!("{REBUILT_CHILD} DELETE FROM c WHERE id = 2; UPDATE c SET pid = 97 WHERE id = 1;");
    let (part, text) = refused(world.apply(&[FAMILY, ("V2__swap.sql", &text)]).await);
    assert_eq!(part, Part::ForeignKeysAfter);
    contains(&text, &["c, row 1: pid = 97 has no parent in p"]);
    assert!(!text.contains("row 2"), "{text}");
}

pub(crate) async fn old_orphans_of_a_rebuilt_child_are_no_obstacle(world: World) {
    old_orphans(
        &world,
        &[
            "CREATE TABLE plain (pid REFERENCES p(id))",
            "INSERT INTO plain VALUES (7), (1), (8)",
        ],
    )
    .await;
    let plain = "CREATE TABLE plain_new (pid REFERENCES p(id), more);
        INSERT INTO plain_new (pid) SELECT pid FROM plain ORDER BY pid; DROP TABLE plain; ALTER TABLE plain_new RENAME TO plain;";
    let rebuilt = format!("{REBUILT_CHILD} {plain}");
    let rebuilt = ("V2__rebuilt.sql", rebuilt.as_str());
    despite_drift(&world, &[FAMILY, rebuilt]).await.unwrap();
    let again = format!(
        "{} DELETE FROM p WHERE id = 1;",
        plain.replace(", more", ", other")
    );
    let (part, text) =
        refused(despite_drift(&world, &[FAMILY, rebuilt, ("V3__again.sql", &again)]).await);
    assert_eq!(part, Part::ForeignKeysAfter);
    contains(
        &text,
        &[
            "c, row 1: pid = 1 has no parent in p",
            "plain: pid = 1 of one row has no parent in p",
        ],
    );
}

pub(crate) async fn only_new_orphans_are_listed(world: World) {
    despite_drift(&world, &[FAMILY]).await.unwrap();
    already(
        &world,
        &[
            "INSERT INTO p VALUES (1, '')",
            "CREATE TABLE a (id INTEGER PRIMARY KEY, pid REFERENCES p (id))",
            "INSERT INTO a WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30) SELECT i, 99 FROM n",
            "CREATE TABLE zz (id INTEGER PRIMARY KEY, parent_id REFERENCES p (id))",
            "INSERT INTO zz VALUES (5, 1)",
            "CREATE TABLE gone (x)",
        ],
    )
    .await;
    let text = "DROP TABLE gone; DELETE FROM p WHERE id = 1;";
    let (part, text) = refused(despite_drift(&world, &[FAMILY, ("V2__one.sql", text)]).await);
    assert_eq!(part, Part::ForeignKeysAfter);
    contains(&text, &["zz, row 5: parent_id = 1 has no parent in p"]);
    assert!(!text.contains("a, row") && !text.contains("more"), "{text}");
}

pub(crate) async fn orphans_survive_the_renaming_of_their_tables(world: World) {
    old_orphans(&world, &["CREATE TABLE gone (x)"]).await;
    let text = "ALTER TABLE c RENAME TO child; ALTER TABLE p RENAME TO parent; ALTER TABLE child RENAME COLUMN pid TO parent_id;
        ALTER TABLE child ADD COLUMN other REFERENCES parent (id); DROP TABLE gone;";
    despite_drift(&world, &[FAMILY, ("V2__names.sql", text)])
        .await
        .unwrap();
}

pub(crate) async fn orphans_of_composite_keys_and_of_tables_without_rowid_are_found(world: World) {
    let first = ("V1__a.sql", "CREATE TABLE p (a, b, PRIMARY KEY (a, b)); CREATE TABLE gone (x);
        CREATE TABLE c (id INTEGER PRIMARY KEY, x, y, FOREIGN KEY (x, y) REFERENCES p (b, a));
        CREATE TABLE w (k TEXT PRIMARY KEY, x, y, FOREIGN KEY (x, y) REFERENCES p) WITHOUT ROWID;
        INSERT INTO p VALUES (1, 2); INSERT INTO c VALUES (7, 2, 1); INSERT INTO w VALUES ('k', 1, 2);");
    world.apply(&[first]).await.unwrap();
    let (part, text) = refused(
        world
            .apply(&[first, ("V2__b.sql", "DROP TABLE gone; DELETE FROM p;")])
            .await,
    );
    assert_eq!(part, Part::ForeignKeysAfter);
    contains(
        &text,
        &[
            "c, row 7: (x, y) = (2, 1) has no parent in p",
            "w: (x, y) = (1, 2) of one row has no parent in p",
        ],
    );
}

pub(crate) async fn orphans_of_a_table_that_refers_to_itself_are_found(world: World) {
    let first = (
        "V1__tree.sql",
        "CREATE TABLE tree (id INTEGER PRIMARY KEY, up REFERENCES tree); CREATE TABLE gone (x);
        INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2);",
    );
    world.apply(&[first]).await.unwrap();
    let (part, text) = refused(
        world
            .apply(&[
                first,
                (
                    "V2__b.sql",
                    "DROP TABLE gone; DELETE FROM tree WHERE id = 1;",
                ),
            ])
            .await,
    );
    assert_eq!(part, Part::ForeignKeysAfter);
    contains(&text, &["tree, row 2: up has no parent in tree"]);
}

pub(crate) async fn a_cascade_that_did_not_run_is_explained(world: World) {
    let first = (
        "V1__a.sql",
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE gone (x);
        CREATE TABLE c (id INTEGER PRIMARY KEY, pid REFERENCES p ON DELETE CASCADE);
        INSERT INTO p VALUES (1); INSERT INTO c VALUES (7, 1);",
    );
    world.apply(&[first]).await.unwrap();
    let text = "DROP TABLE gone; DELETE FROM p;";
    let (part, report) = refused(world.apply(&[first, ("V2__b.sql", text)]).await);
    assert_eq!(part, Part::ForeignKeysAfter);
    contains(
        &report,
        &[
            "because it has a DROP TABLE, so ON DELETE CASCADE did nothing",
            "-- seedbed: foreign-keys=on",
        ],
    );
    // A row that refers to something else now would be without its parent with it too.
    let other = "DROP TABLE gone; UPDATE c SET pid = 99;";
    let (_, report) = refused(world.apply(&[first, ("V2__b.sql", other)]).await);
    contains(&report, &["c, row 7: pid has no parent in p"]);
    assert!(
        !report.contains("ON DELETE") && !report.contains("foreign-keys=on"),
        "{report}"
    );
    // What the help says works.
    let text = format!("-- seedbed: foreign-keys=on\n{text}");
    world.apply(&[first, ("V2__b.sql", &text)]).await.unwrap();
    assert_eq!(world.ask("SELECT count(*) FROM c").await, "0");
}

const STRAY: [&str; 3] = [
    "CREATE TABLE stray (x REFERENCES p (name), y REFERENCES p (id))",
    "INSERT INTO stray VALUES ('nobody', 77)",
    "CREATE TABLE gone (x)",
];

pub(crate) async fn a_mismatch_that_was_there_before_is_no_obstacle(world: World) {
    despite_drift(&world, &[FAMILY]).await.unwrap();
    already(&world, &STRAY).await;
    let other = (
        "V2__gone.sql",
        "DROP TABLE gone; INSERT INTO p VALUES (1, ''); INSERT INTO c VALUES (1, 1);",
    );
    despite_drift(&world, &[FAMILY, other]).await.unwrap();
    let careless = (
        "V3__p.sql",
        "CREATE TABLE g (x); DROP TABLE g; DELETE FROM p;",
    );
    let (part, text) = refused(despite_drift(&world, &[FAMILY, other, careless]).await);
    assert_eq!(part, Part::ForeignKeysAfter);
    contains(&text, &["c, row 1"]);
}

pub(crate) async fn a_file_that_repairs_a_mismatch_is_applied(world: World) {
    despite_drift(&world, &[FAMILY]).await.unwrap();
    already(&world, &STRAY).await;
    let index = (
        "V2__index.sql",
        "DROP TABLE gone; CREATE UNIQUE INDEX by_name ON p (name);",
    );
    despite_drift(&world, &[FAMILY, index]).await.unwrap();
    // The orphans of the table can be seen now, and are no obstacle either.
    let later = ("V3__later.sql", "CREATE TABLE g (x); DROP TABLE g;");
    despite_drift(&world, &[FAMILY, index, later])
        .await
        .unwrap();
}

pub(crate) async fn a_new_mismatch_is_refused(world: World) {
    world.apply(&[FAMILY]).await.unwrap();
    let text = "CREATE TABLE gone (x); DROP TABLE gone; CREATE TABLE d (a, b, FOREIGN KEY (a) REFERENCES p (name));";
    let (part, text) = refused(world.apply(&[FAMILY, ("V2__d.sql", text)]).await);
    assert_eq!(part, Part::Mismatch);
    contains(
        &text,
        &[
            "V2 leaves a foreign key that refers to no key",
            "d (a) refers to p (name)",
            "CREATE UNIQUE INDEX p_name_key ON p (name);",
        ],
    );
    let rebuilt = "CREATE TABLE q (id INTEGER, name); DROP TABLE p; ALTER TABLE q RENAME TO p;";
    let (part, text) = refused(world.apply(&[FAMILY, ("V2__p.sql", rebuilt)]).await);
    assert_eq!(part, Part::Mismatch);
    contains(&text, &["c (pid) refers to p (id)"]);
}

pub(crate) async fn keys_of_every_kind_are_no_mismatch(world: World) {
    let text = "CREATE TABLE gone (x); DROP TABLE gone;
        CREATE TABLE p1 (id INTEGER PRIMARY KEY); CREATE TABLE c1 (x REFERENCES p1, y REFERENCES P1 (ID));
        CREATE TABLE p2 (id INT PRIMARY KEY); CREATE TABLE c2 (x REFERENCES p2, y REFERENCES p2 (id));
        CREATE TABLE p3 (a, b, PRIMARY KEY (a, b)) WITHOUT ROWID;
        CREATE TABLE c3 (x, y, FOREIGN KEY (x, y) REFERENCES p3, FOREIGN KEY (y, x) REFERENCES p3 (b, a));
        CREATE TABLE p4 (a, b, c, UNIQUE (b, c)); CREATE UNIQUE INDEX i4 ON p4 (a);
        CREATE TABLE c4 (x REFERENCES p4 (a), y, z, FOREIGN KEY (z, y) REFERENCES p4 (c, b));
        CREATE TABLE p5 (k TEXT COLLATE NOCASE UNIQUE); CREATE TABLE c5 (x REFERENCES p5 (k));
        CREATE TABLE p6 (id INTEGER PRIMARY KEY) WITHOUT ROWID; CREATE TABLE c6 (x REFERENCES p6, y REFERENCES p6 (id));
        CREATE TABLE \"p 7\" (\"the id\" INTEGER PRIMARY KEY, up REFERENCES \"p 7\"); CREATE TABLE c7 (x REFERENCES \"p 7\" (\"the id\"));
        CREATE TABLE p8 (id INTEGER PRIMARY KEY DESC); CREATE TABLE c8 (x REFERENCES p8);";
    let files = [
        ("V1__keys.sql", text),
        ("V2__gone.sql", "CREATE TABLE gone (x); DROP TABLE gone;"),
    ];
    world.apply(&files).await.unwrap();
}

const PEOPLE: (&str, &str) = (
    "V1__people.sql",
    "CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, age INTEGER, p_id INTEGER);
     CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO people VALUES (1, NULL, -1, 9);",
);

pub(crate) async fn rows_that_do_not_fit_a_changed_column_are_refused(world: World) {
    world.apply(&[PEOPLE]).await.unwrap();
    for (text, part, words) in [
        (
            "ALTER TABLE people ALTER COLUMN name TO name TEXT NOT NULL;",
            Part::OldRows,
            "NULL value in people.name",
        ),
        (
            "ALTER TABLE people ALTER COLUMN age TO age INTEGER CHECK (age > 0);",
            Part::OldRows,
            "CHECK constraint failed in people",
        ),
        (
            "ALTER TABLE people ALTER COLUMN p_id TO p_id INTEGER REFERENCES p (id);",
            Part::ForeignKeysAfter,
            "people, row 1: p_id has no parent in p",
        ),
    ] {
        let (found, text) = refused(world.apply(&[PEOPLE, ("V2__fit.sql", text)]).await);
        assert_eq!(found, part);
        contains(&text, &[words, "V2__fit.sql"]);
        assert_eq!(world.recorded().await, "V1");
    }
    let both = (
        "V2__fit.sql",
        "UPDATE people SET name = ''; ALTER TABLE people ALTER COLUMN name TO name TEXT NOT NULL;",
    );
    world.apply(&[PEOPLE, both]).await.unwrap();
}

pub(crate) async fn rows_that_fit_a_changed_column_are_no_obstacle(world: World) {
    let files = [
        PEOPLE,
        (
            "V2__new.sql",
            "CREATE TABLE t (x); INSERT INTO t VALUES (1); ALTER TABLE t ALTER COLUMN x TO x INTEGER NOT NULL;",
        ),
        (
            "V3__type.sql",
            "ALTER TABLE people ALTER COLUMN age TO age;",
        ),
    ];
    assert_eq!(done(&world.apply(&files).await.unwrap()), "V1 V2 V3");
}

/// A column that is younger than its rows.
const YOUNG: [(&str, &str); 2] = [
    (
        "V1__users.sql",
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO users (name) VALUES ('a'), ('b');",
    ),
    (
        "V2__tier.sql",
        "ALTER TABLE users ADD COLUMN tier TEXT DEFAULT 'free'; INSERT INTO users (name) VALUES ('c');",
    ),
];

pub(crate) async fn a_changed_default_that_would_change_old_values_is_refused(world: World) {
    let [users, tier] = YOUNG;
    for behind in [
        "TEXT DEFAULT 'trial'",
        "TEXT",
        "TEXT DEFAULT 'FREE' COLLATE NOCASE",
        "TEXT DEFAULT trial",
    ] {
        let alter = format!("ALTER TABLE main.users ALTER COLUMN tier TO tier {behind};");
        let (part, text) = refused(world.apply(&[users, tier, ("V3__trial.sql", &alter)]).await);
        assert_eq!(part, Part::OldRows);
        contains(
            &text,
            &[
                "2 rows of main.users would have another value in tier",
                "add `UPDATE main.users SET tier = tier;` to V3__trial.sql, before the ALTER TABLE",
            ],
        );
    }
    let same =
        "ALTER TABLE users ALTER COLUMN tier TO tier TEXT DEFAULT 'free' CHECK (tier <> 'x');";
    world
        .apply(&[users, tier, ("V3__same.sql", same)])
        .await
        .unwrap();
    // What the help says works.
    let files = [
        users,
        tier,
        ("V3__same.sql", same),
        (
            "V4__trial.sql",
            "UPDATE main.users SET tier = tier; ALTER TABLE main.users ALTER COLUMN tier TO tier TEXT DEFAULT 'trial';
             INSERT INTO users (name) VALUES ('d');",
        ),
    ];
    world.apply(&files).await.unwrap();
    assert_eq!(
        world.ask("SELECT tier FROM users").await,
        "free free free trial"
    );
}

pub(crate) async fn a_changed_column_of_no_table_fails_as_its_statement_does(world: World) {
    let [users, _] = YOUNG;
    for (table, words) in [
        ("nowhere", "no such table: nowhere"),
        ("users", "no such column"),
    ] {
        let alter = format!("ALTER TABLE {table} ALTER COLUMN tier TO tier TEXT DEFAULT 'a';");
        let (_, text) = refused(world.apply(&[users, ("V2__no.sql", &alter)]).await);
        contains(&text, &["V2 failed", words]);
    }
}

const LETTERS: (&str, &str) = (
    "V1__t.sql",
    "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b INTEGER); CREATE INDEX ia ON t (a);
     INSERT INTO t (a) VALUES ('b'), ('A'), ('B'), ('a'), ('5');",
);

pub(crate) async fn a_changed_column_is_checked_under_every_name_of_its_table(world: World) {
    world.apply(&[LETTERS]).await.unwrap();
    for (text, words) in [
        (
            "ALTER TABLE t ALTER COLUMN a TO a TEXT COLLATE NOCASE; ALTER TABLE t RENAME TO people;",
            "missing from index ia",
        ),
        (
            "ALTER TABLE t RENAME TO people; ALTER TABLE people ALTER COLUMN b TO b INTEGER NOT NULL;
             ALTER TABLE people RENAME COLUMN b TO c; ALTER TABLE people RENAME TO \"all\";",
            "NULL value in all.c (5 times)",
        ),
    ] {
        let (part, text) = refused(world.apply(&[LETTERS, ("V2__names.sql", text)]).await);
        assert_eq!(part, Part::OldRows);
        contains(&text, &[words]);
    }
}

pub(crate) async fn faults_that_are_there_before_a_renaming_are_no_obstacle(world: World) {
    despite_drift(&world, &[LETTERS]).await.unwrap();
    already(
        &world,
        &["ALTER TABLE t ALTER COLUMN b TO b INTEGER NOT NULL"],
    )
    .await;
    let names =
        "ALTER TABLE T RENAME COLUMN B TO c; ALTER TABLE t ALTER COLUMN a TO a TEXT DEFAULT 'x';
        ALTER TABLE t RENAME TO u;";
    despite_drift(&world, &[LETTERS, ("V2__names.sql", names)])
        .await
        .unwrap();
}

pub(crate) async fn the_help_for_a_changed_column_works(world: World) {
    for (name, alter, help) in [
        (
            "V2__case.sql",
            "ALTER TABLE t ALTER COLUMN a TO a TEXT COLLATE NOCASE;",
            "add `REINDEX ia;` at the end of V2__case.sql",
        ),
        (
            "V2__type.sql",
            "ALTER TABLE t ALTER COLUMN a TO a INTEGER;",
            "add `UPDATE t SET a = a;` at the end of V2__type.sql",
        ),
        (
            "V2__both.sql",
            "ALTER TABLE t ALTER COLUMN a TO a INTEGER COLLATE NOCASE;",
            "add `REINDEX ia;` and `UPDATE t SET a = a;` at the end of V2__both.sql",
        ),
    ] {
        world.apply(&[LETTERS]).await.unwrap();
        let (_, text) = refused(world.apply(&[LETTERS, (name, alter)]).await);
        contains(&text, &[help]);
        let more: Vec<&str> = help.split('`').skip(1).step_by(2).collect();
        let helped = format!("{alter} {}", more.join(" "));
        world.apply(&[LETTERS, (name, &helped)]).await.unwrap();
        already(
            &world,
            &[
                "DROP TABLE t",
                "DELETE FROM _migrations WHERE kind = 'migration'",
            ],
        )
        .await;
    }
}

const BY_NAME: (&str, &str) = (
    "V1__key.sql",
    "CREATE TABLE p (id INTEGER PRIMARY KEY, k TEXT); CREATE UNIQUE INDEX pk ON p (k);
     CREATE TABLE c (id INTEGER PRIMARY KEY, k TEXT REFERENCES p (k)); CREATE VIEW v AS SELECT 1 AS k;",
);

pub(crate) async fn a_foreign_key_that_loses_its_index_is_refused(world: World) {
    world.apply(&[BY_NAME]).await.unwrap();
    for again in [
        "",
        "CREATE INDEX pk ON p (k);",
        "CREATE UNIQUE INDEX pk ON p (k) WHERE k > 1;",
        "CREATE UNIQUE INDEX pk ON p (k COLLATE NOCASE);",
        "CREATE UNIQUE INDEX pk ON p (k, id);",
    ] {
        let text = format!("DROP INDEX pk; {again}");
        let (part, text) = refused(world.apply(&[BY_NAME, ("V2__pk.sql", &text)]).await);
        assert_eq!(part, Part::References);
        contains(
            &text,
            &[
                "V2 leaves a foreign key that refers to no key",
                "c (k) refers to p (k)",
            ],
        );
    }
    assert_eq!(world.recorded().await, "V1");
    let files = [
        BY_NAME,
        ("V2__pk.sql", "DROP INDEX pk;"),
        ("V3__again.sql", "CREATE UNIQUE INDEX other ON p (k);"),
    ];
    world.apply(&files).await.unwrap();
}

pub(crate) async fn a_key_that_a_file_takes_away_is_refused_at_its_own_commit(world: World) {
    world.apply(&[BY_NAME]).await.unwrap();
    let (more, drop) = (
        ("V3__z.sql", "CREATE TABLE z (a);"),
        ("V4__z.sql", "DROP TABLE z;"),
    );
    for something_else in ["", "CREATE UNIQUE INDEX other ON p (id);"] {
        let third = format!("{} {something_else}", more.1);
        for options in [PlanOptions::default(), each()] {
            let second = ("V2__drop.sql", "DROP INDEX pk;");
            let files = [BY_NAME, second, (more.0, &third), drop];
            let (part, text) = refused(world.apply_with(&files, options).await);
            assert_eq!(part, Part::References);
            contains(
                &text,
                &[
                    "V2 leaves a foreign key that refers to no key",
                    "c (k) refers to p (k)",
                    "V2__drop.sql",
                ],
            );
            assert_eq!(world.recorded().await, "V1");
        }
    }
    // A parent that is younger than its child.
    let files = [
        BY_NAME,
        (
            "V2__early.sql",
            "CREATE TABLE early (x REFERENCES late (y));",
        ),
        ("V3__late.sql", "CREATE TABLE late (y); CREATE TABLE z (a);"),
        drop,
    ];
    let (_, text) = refused(world.apply_with(&files, each()).await);
    contains(&text, &["early (x) refers to late (y)", "V3__late.sql"]);
    assert_eq!(world.recorded().await, "V1 V2");
}

pub(crate) async fn a_key_that_a_later_file_brings_back_is_no_fault(world: World) {
    for (number, repair) in [
        "CREATE UNIQUE INDEX other ON p (id, k); DROP INDEX other; CREATE UNIQUE INDEX pk ON p (k);",
        "DROP TABLE p; CREATE TABLE p (id, k UNIQUE);",
        "CREATE TABLE n (id INTEGER PRIMARY KEY, k TEXT REFERENCES p (id)); DROP TABLE c; ALTER TABLE n RENAME TO c;",
        "DROP TABLE c;",
    ]
    .iter()
    .enumerate()
    {
        for options in [PlanOptions::default(), each()] {
            let files = [
                BY_NAME,
                ("V2__drop.sql", "DROP INDEX pk;"),
                ("V3__z.sql", "CREATE TABLE z (a); DROP TABLE z;"),
                ("V4__repair.sql", repair),
            ];
            let outcome = world.apply_with(&files, options).await;
            assert!(outcome.is_ok(), "{number}: {outcome:?}");
            already(
                &world,
                &[
                    "DROP TABLE IF EXISTS c",
                    "DROP TABLE p",
                    "DROP VIEW v",
                    "DELETE FROM _migrations WHERE kind = 'migration'",
                ],
            )
            .await;
        }
    }
}

pub(crate) async fn a_key_that_a_later_file_did_not_bring_back_is_told(world: World) {
    world.apply(&[BY_NAME]).await.unwrap();
    let files = [
        BY_NAME,
        ("V2__drop.sql", "DROP INDEX pk;"),
        ("V3__p.sql", "DROP TABLE p; CREATE TABLE p (id, k);"),
    ];
    let (_, text) = refused(world.apply_with(&files, each()).await);
    contains(
        &text,
        &[
            "since V2, which is committed, c (k) refers to p (k), which is no key of it",
            "rolled back: V3",
        ],
    );
    assert_eq!(world.recorded().await, "V1 V2");
}

pub(crate) async fn a_new_foreign_key_that_refers_to_no_key_is_refused(world: World) {
    world.apply(&[BY_NAME]).await.unwrap();
    for (text, words) in [
        (
            "CREATE TABLE d (x REFERENCES p (missing));",
            "d (x) refers to p (missing)",
        ),
        (
            "CREATE TABLE d (x REFERENCES v (k));",
            "d (x) refers to v, which is a view",
        ),
        (
            "ALTER TABLE c ADD COLUMN x REFERENCES c (k);",
            "c (x) refers to c (k)",
        ),
        (
            "ALTER TABLE p RENAME COLUMN k TO name; CREATE TABLE d (x REFERENCES p (k));",
            "d (x) refers to p (k)",
        ),
    ] {
        let (part, text) = refused(world.apply(&[BY_NAME, ("V2__new.sql", text)]).await);
        assert_eq!(part, Part::References);
        contains(&text, &[words, "V2__new.sql"]);
    }
    let files = [
        BY_NAME,
        (
            "V2__early.sql",
            "CREATE TABLE d (x REFERENCES later (y), z REFERENCES p (k));",
        ),
        ("V3__later.sql", "CREATE TABLE later (y);"),
        ("V4__index.sql", "CREATE UNIQUE INDEX by_y ON later (y);"),
    ];
    world.apply(&files).await.unwrap();
}

pub(crate) async fn an_old_mismatch_is_no_obstacle_with_foreign_keys_on(world: World) {
    despite_drift(&world, &[FAMILY]).await.unwrap();
    already(&world, &STRAY).await;
    let files = [
        FAMILY,
        (
            "V2__names.sql",
            "ALTER TABLE stray RENAME TO lost; ALTER TABLE p RENAME TO q; CREATE TABLE d (x REFERENCES q);",
        ),
        ("V3__index.sql", "CREATE INDEX i ON q (name); DROP INDEX i;"),
    ];
    despite_drift(&world, &files).await.unwrap();
}

pub(crate) async fn a_new_orphan_in_a_row_that_is_one_by_another_key_is_refused(world: World) {
    let users = (
        "V1__users.sql",
        "CREATE TABLE users (id INTEGER PRIMARY KEY); INSERT INTO users VALUES (1), (2);
         CREATE TABLE doc (id INTEGER PRIMARY KEY, created_by REFERENCES users, updated_by REFERENCES users);
         CREATE TABLE page (k TEXT PRIMARY KEY, created_by REFERENCES users, updated_by REFERENCES users) WITHOUT ROWID;",
    );
    world.apply(&[users]).await.unwrap();
    already(
        &world,
        &[
            "INSERT INTO doc VALUES (1, 99, 2)",
            "INSERT INTO page VALUES ('a', 99, 2), ('b', 98, 1)",
        ],
    )
    .await;
    let rebuilt = |rows: &str| {
        format!(
            "CREATE TABLE n (id INTEGER PRIMARY KEY); INSERT INTO n SELECT id FROM users WHERE {rows}; DROP TABLE users; ALTER TABLE n RENAME TO users;"
        )
    };
    let text = rebuilt("id <> 2");
    let (part, text) = refused(world.apply(&[users, ("V2__users.sql", &text)]).await);
    assert_eq!(part, Part::ForeignKeysAfter);
    contains(
        &text,
        &[
            "doc, row 1: updated_by = 2 has no parent in users",
            "page: updated_by = 2 of one row has no parent in users",
        ],
    );
    assert!(!text.contains("created_by"), "{text}");
    // The same foreign keys under other names, and in another order.
    let text = format!(
        "{} ALTER TABLE doc RENAME COLUMN created_by TO author; ALTER TABLE doc RENAME TO docs;
         CREATE TABLE m (k TEXT PRIMARY KEY, editor REFERENCES users, writer REFERENCES users) WITHOUT ROWID;
         INSERT INTO m SELECT k, updated_by, created_by FROM page; DROP TABLE page; ALTER TABLE m RENAME TO page;",
        rebuilt("1")
    );
    world
        .apply(&[users, ("V2__users.sql", &text)])
        .await
        .unwrap();
}

/// `log` has triggers, and the second file breaks one of them.
async fn breaks_a_trigger(world: &World, first: &str, second: &str, words: &[&str]) {
    let first = ("V1__t.sql", first);
    world.apply(&[first]).await.unwrap();
    let (part, text) = refused(world.apply(&[first, ("V2__b.sql", second)]).await);
    assert_eq!(part, Part::Compiles);
    contains(&text, words);
    assert_eq!(world.recorded().await, "V1");
}

pub(crate) async fn a_trigger_is_compiled_by_every_name_of_its_table_and_columns(world: World) {
    for (trigger, second) in [
        ("UPDATE ON log", "ALTER TABLE log DROP COLUMN x;"),
        (
            "UPDATE OF x ON log",
            "ALTER TABLE log RENAME COLUMN x TO z;",
        ),
        (
            "UPDATE OF x, y ON log",
            "ALTER TABLE log RENAME COLUMN x TO z; ALTER TABLE log RENAME TO logs;",
        ),
        ("DELETE ON log", "ALTER TABLE log RENAME TO logs;"),
        ("UPDATE ON keyed", "ALTER TABLE keyed RENAME COLUMN k TO z;"),
    ] {
        let first = format!(
            "CREATE TABLE t (a TEXT, b); CREATE UNIQUE INDEX i ON t (a); CREATE TABLE log (x, y);
             CREATE TABLE keyed (k TEXT PRIMARY KEY, x) WITHOUT ROWID;
             CREATE TRIGGER tg AFTER {trigger} BEGIN INSERT INTO t (a) VALUES (1) ON CONFLICT (a) DO NOTHING; END;"
        );
        let second = format!("{second} DROP INDEX i;");
        breaks_a_trigger(
            &world,
            &first,
            &second,
            &["trigger tg does not compile", "ON CONFLICT"],
        )
        .await;
        already(
            &world,
            &[
                "DROP TABLE t",
                "DROP TABLE log",
                "DROP TABLE keyed",
                "DELETE FROM _migrations WHERE kind = 'migration'",
            ],
        )
        .await;
    }
}

pub(crate) async fn the_trigger_that_names_what_is_missing_is_blamed(world: World) {
    let first = "CREATE TABLE t (a, b); CREATE TABLE log (x); CREATE TABLE other (x);
        CREATE TRIGGER a_fine AFTER INSERT ON log BEGIN DELETE FROM other; END;
        CREATE TRIGGER b_broken AFTER INSERT ON log BEGIN INSERT INTO t (b) VALUES (new.x); END;";
    let words = ["trigger b_broken does not compile", "no column named b"];
    breaks_a_trigger(&world, first, "DROP TABLE t; CREATE TABLE t (a);", &words).await;
}

pub(crate) async fn new_triggers_of_every_kind_are_compiled(world: World) {
    let tables = (
        "V1__t.sql",
        "CREATE TABLE t (a); CREATE TABLE log (x, y); CREATE VIEW v AS SELECT x FROM log;
         CREATE TABLE keyed (k TEXT PRIMARY KEY, x) WITHOUT ROWID;",
    );
    world.apply(&[tables]).await.unwrap();
    let mut all = String::new();
    for (number, head) in [
        "AFTER INSERT ON log",
        "AFTER UPDATE ON log",
        "BEFORE UPDATE OF y ON log",
        "DELETE ON log",
        "INSTEAD OF INSERT ON v",
        "INSTEAD OF UPDATE ON v",
        "INSTEAD OF UPDATE OF x ON v",
        "INSTEAD OF DELETE ON v",
        "AFTER UPDATE ON keyed WHEN new.x > 1",
    ]
    .iter()
    .enumerate()
    {
        let trigger = |body: &str| format!("CREATE TRIGGER tg{number} {head} BEGIN {body}; END;");
        let wrong = trigger("INSERT INTO t (b) VALUES (1)");
        let (part, text) = refused(world.apply(&[tables, ("V2__tg.sql", &wrong)]).await);
        assert_eq!(part, Part::Compiles, "{head}");
        contains(
            &text,
            &[
                &format!("trigger tg{number} does not compile"),
                "V2__tg.sql",
            ],
        );
        all.push_str(&trigger("INSERT INTO t (a) VALUES (1)"));
    }
    world.apply(&[tables, ("V2__tg.sql", &all)]).await.unwrap();
}

pub(crate) async fn an_old_trigger_that_does_not_compile_refuses_nothing(world: World) {
    let first = (
        "V1__t.sql",
        "CREATE TABLE t (a); CREATE TABLE log (x, y); CREATE VIEW v AS SELECT x FROM log;",
    );
    world.apply(&[first]).await.unwrap();
    const OLD: [&str; 3] = [
        "CREATE TRIGGER old_insert AFTER INSERT ON log BEGIN INSERT INTO t (b) VALUES (1); END",
        "CREATE TRIGGER old_update AFTER UPDATE ON log BEGIN UPDATE t SET b = 1; END",
        "CREATE TRIGGER old_view INSTEAD OF DELETE ON v BEGIN UPDATE t SET b = 1; END",
    ];
    already(&world, &OLD).await;
    let again = OLD.map(|sql| sql.replace("TRIGGER", "TRIGGER IF NOT EXISTS"));
    let again = again.join(";");
    let files = [
        first,
        (
            "V2__column.sql",
            "ALTER TABLE log ADD COLUMN z; ALTER TABLE log RENAME COLUMN y TO yy;",
        ),
        ("V3__gone.sql", "CREATE TABLE gone (x); DROP TABLE gone;"),
        (
            "V4__tg.sql",
            "CREATE TRIGGER fresh AFTER INSERT ON log BEGIN DELETE FROM t; END;",
        ),
        ("V5__again.sql", again.as_str()),
        ("V6__repaired.sql", "ALTER TABLE t ADD COLUMN b;"),
        ("V7__view.sql", "DROP TRIGGER old_view; DROP VIEW v;"),
    ];
    world.apply_with(&files[..5], each()).await.unwrap();
    world.apply(&files).await.unwrap();
}

pub(crate) async fn a_trigger_that_is_created_again_may_have_another_event(world: World) {
    let first = (
        "V1__t.sql",
        "CREATE TABLE t (k TEXT PRIMARY KEY, x); CREATE TABLE log (x); CREATE VIEW v AS SELECT x FROM t;
         CREATE TRIGGER tt AFTER UPDATE ON t BEGIN INSERT INTO log VALUES (new.x); END;
         CREATE TRIGGER tv INSTEAD OF INSERT ON v BEGIN INSERT INTO log VALUES (new.x); END;",
    );
    let second = (
        "V2__t.sql",
        "DROP TABLE t; CREATE TABLE t (k TEXT PRIMARY KEY, x) WITHOUT ROWID;
         CREATE TRIGGER tt AFTER UPDATE ON t BEGIN INSERT INTO log VALUES (new.x); END;
         DROP TRIGGER tv; CREATE TRIGGER IF NOT EXISTS tv INSTEAD OF DELETE ON v BEGIN DELETE FROM log; END;",
    );
    world.apply(&[first]).await.unwrap();
    world.apply(&[first, second]).await.unwrap();
}

pub(crate) async fn a_trigger_that_a_later_file_repairs_is_no_fault(world: World) {
    let first = (
        "V1__t.sql",
        "CREATE TABLE t (a, b); CREATE TABLE log (x);
         CREATE TRIGGER tg AFTER UPDATE ON log BEGIN UPDATE t SET b = 1 WHERE a = new.x; END;",
    );
    world.apply(&[first]).await.unwrap();
    let recreated = ("V2__t.sql", "DROP TABLE t; CREATE TABLE t (a);");
    let files = [
        first,
        recreated,
        ("V3__b.sql", "ALTER TABLE t ADD COLUMN c;"),
    ];
    // Another column repairs nothing.
    let (part, text) = refused(world.apply_with(&files, each()).await);
    assert_eq!(part, Part::Compiles);
    contains(
        &text,
        &["V2: trigger tg does not compile", "no such column: b"],
    );
    assert_eq!(world.recorded().await, "V1");
    let again = "DROP TABLE t; CREATE TABLE t (a, c);";
    let files = [first, recreated, ("V3__b.sql", again)];
    let (part, text) = refused(world.apply_with(&files, each()).await);
    assert_eq!(part, Part::Compiles);
    contains(
        &text,
        &["tg does not compile since V2", "no such column: b"],
    );
    assert_eq!(world.recorded().await, "V1 V2");
    let files = [
        first,
        recreated,
        ("V3__b.sql", "ALTER TABLE t ADD COLUMN b;"),
    ];
    world.apply_with(&files, each()).await.unwrap();
}

pub(crate) async fn a_foreign_key_that_a_later_file_repairs_makes_no_trigger_a_fault(world: World) {
    let first = (
        "V1__t.sql",
        "CREATE TABLE p (k TEXT); CREATE UNIQUE INDEX pk ON p (k); CREATE TABLE c (k REFERENCES p (k), x);
         CREATE TABLE log (x); CREATE VIEW v AS SELECT x FROM c;
         CREATE TRIGGER tg AFTER INSERT ON c BEGIN INSERT INTO log VALUES (new.x); END;",
    );
    world.apply(&[first]).await.unwrap();
    let files = [
        first,
        (
            "V2__drop.sql",
            "DROP INDEX pk; CREATE TRIGGER u AFTER DELETE ON c BEGIN DELETE FROM log; END;",
        ),
        ("V3__again.sql", "CREATE UNIQUE INDEX pk ON p (k);"),
    ];
    world.apply_with(&files, each()).await.unwrap();
}

pub(crate) async fn orphans_without_rowid_are_compared_by_their_values(world: World) {
    let first = (
        "V1__a.sql",
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE q (a TEXT COLLATE NOCASE, b INT, PRIMARY KEY (a, b));
         CREATE TABLE plain (pid REFERENCES p, note);
         CREATE TABLE page (k TEXT PRIMARY KEY, pid INT REFERENCES p (id), a, b, FOREIGN KEY (a, b) REFERENCES q) WITHOUT ROWID;
         CREATE TABLE gone (x); INSERT INTO p VALUES (1), (2); INSERT INTO q VALUES ('X', 1);",
    );
    world.apply(&[first]).await.unwrap();
    already(
        &world,
        &[
            "INSERT INTO plain VALUES (7, 'old'), (7, 'old'), (x'00', 'old'), (1, ''), (NULL, '')",
            "INSERT INTO page VALUES ('a', 99, 'y', 1), ('b', 1, 'x', '1')",
        ],
    )
    .await;
    let plain = "CREATE TABLE plain_new (pid REFERENCES p, note); INSERT INTO plain_new SELECT * FROM plain;
        DROP TABLE plain; ALTER TABLE plain_new RENAME TO plain;";
    let harmless = format!(
        "{plain} CREATE TABLE page_new (k TEXT PRIMARY KEY, pid INT REFERENCES p (id), a, b, FOREIGN KEY (a, b) REFERENCES q) WITHOUT ROWID;
         INSERT INTO page_new SELECT k || '!', pid, a, b FROM page; DROP TABLE page; ALTER TABLE page_new RENAME TO page;
         ALTER TABLE page RENAME COLUMN pid TO parent; ALTER TABLE page RENAME COLUMN parent TO pid;"
    );
    let harmless = ("V2__again.sql", harmless.as_str());
    world.apply(&[first, harmless]).await.unwrap();
    for (text, words, not) in [
        (
            format!("{plain} DELETE FROM plain WHERE rowid = 1; INSERT INTO plain VALUES (8, 'new');"),
            "plain: pid = 8 of one row has no parent in p",
            "7",
        ),
        (
            format!("{plain} INSERT INTO plain VALUES (7, 'new'), (7, 'new');"),
            "plain: pid = 7 of 2 rows has no parent in p",
            "page",
        ),
        (
            "DROP TABLE gone; UPDATE page SET pid = CASE k WHEN 'a!' THEN 1 ELSE 98 END;".to_owned(),
            "page: pid = 98 of one row has no parent in p",
            "99",
        ),
        (
            "DROP TABLE gone; DELETE FROM page WHERE k = 'a!'; INSERT INTO page VALUES ('c', NULL, 'x', 2), ('d', NULL, 'X', 1);"
                .to_owned(),
            "page: (a, b) = ('x', 2) of one row has no parent in q",
            "'y'",
        ),
    ] {
        let (part, text) = refused(world.apply(&[first, harmless, ("V3__swap.sql", &text)]).await);
        assert_eq!(part, Part::ForeignKeysAfter);
        contains(&text, &[words]);
        assert!(!text.contains(not) && !text.contains("are counted"), "{text}");
    }
}

pub(crate) async fn a_recreated_child_of_another_type_has_the_same_orphans(world: World) {
    let first = (
        "V1__a.sql",
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE q (k TEXT PRIMARY KEY);
         CREATE TABLE c (pid TEXT REFERENCES p, k REFERENCES q);",
    );
    world.apply(&[first]).await.unwrap();
    already(
        &world,
        &["INSERT INTO c VALUES ('99', 7), ('x', '007'), ('98.0', 1.5)"],
    )
    .await;
    let second = (
        "V2__types.sql",
        "CREATE TABLE n (pid INTEGER REFERENCES p, k TEXT REFERENCES q); INSERT INTO n SELECT * FROM c; DROP TABLE c;
         ALTER TABLE n RENAME TO c;",
    );
    world.apply(&[first, second]).await.unwrap();
    let third = "CREATE TABLE n (pid INTEGER REFERENCES p, k TEXT REFERENCES q);
        INSERT INTO n SELECT pid, ltrim(k, '0') FROM c; DROP TABLE c; ALTER TABLE n RENAME TO c;";
    let (_, text) = refused(world.apply(&[first, second, ("V3__k.sql", third)]).await);
    contains(&text, &["c: k = '7' of one row has no parent in q"]);
}

pub(crate) async fn more_than_ten_thousand_orphans_are_counted(world: World) {
    let first = (
        "V1__a.sql",
        "CREATE TABLE p (id INTEGER PRIMARY KEY); CREATE TABLE c (pid REFERENCES p); CREATE TABLE few (pid REFERENCES p);
         INSERT INTO p VALUES (1);",
    );
    world.apply(&[first]).await.unwrap();
    already(
        &world,
        &[
            "INSERT INTO c WITH RECURSIVE n (i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 10200) SELECT i FROM n",
            "INSERT INTO c VALUES (1)",
            "INSERT INTO few VALUES (9)",
        ],
    )
    .await;
    let recreate = |table: &str| {
        format!(
            "CREATE TABLE n (pid REFERENCES p); INSERT INTO n SELECT pid FROM {table}; DROP TABLE {table};
             ALTER TABLE n RENAME TO {table};"
        )
    };
    let both = format!("{} {}", recreate("c"), recreate("few"));
    let both = ("V2__both.sql", both.as_str());
    world.apply(&[first, both]).await.unwrap();
    let more = format!(
        "{} UPDATE c SET pid = 2 WHERE pid = 1; UPDATE few SET pid = 8;",
        both.1
    );
    let (_, text) = refused(world.apply(&[first, both, ("V3__more.sql", &more)]).await);
    contains(
        &text,
        &[
            "c: pid of one row has no parent in p",
            "few: pid = 8 of one row has no parent in p",
            "are counted",
        ],
    );
}

pub(crate) async fn a_foreign_key_that_names_no_columns_is_checked_too(world: World) {
    let first = (
        "V1__p.sql",
        "CREATE TABLE one (id INTEGER PRIMARY KEY); CREATE TABLE two (a, b, PRIMARY KEY (a, b)); CREATE TABLE none (x);",
    );
    world.apply(&[first]).await.unwrap();
    for (text, words) in [
        (
            "CREATE TABLE c (x REFERENCES none);",
            "c (x) refers to the primary key of none",
        ),
        (
            "CREATE TABLE c (x REFERENCES two);",
            "c (x) refers to the primary key of two",
        ),
        (
            "CREATE TABLE c (x, y, FOREIGN KEY (x, y) REFERENCES one);",
            "c (x, y) refers to the primary key of one",
        ),
        (
            "ALTER TABLE none ADD COLUMN y REFERENCES none;",
            "none (y) refers to the primary key of none",
        ),
    ] {
        let (part, text) = refused(world.apply(&[first, ("V2__c.sql", text)]).await);
        assert_eq!(part, Part::References);
        contains(&text, &[words, "V2__c.sql"]);
    }
    let right = "CREATE TABLE c (x REFERENCES one, y, z, later REFERENCES later, FOREIGN KEY (y, z) REFERENCES two);
        CREATE TABLE later (id INT PRIMARY KEY);";
    world.apply(&[first, ("V2__c.sql", right)]).await.unwrap();
    let recreated = "CREATE TABLE n (id INT, b); DROP TABLE one; ALTER TABLE n RENAME TO one;";
    let (part, text) = refused(
        world
            .apply(&[first, ("V2__c.sql", right), ("V3__one.sql", recreated)])
            .await,
    );
    assert_eq!(part, Part::Mismatch);
    contains(&text, &["c (x) refers to the primary key of one"]);
}

pub(crate) async fn a_renamed_column_is_no_new_mismatch(world: World) {
    despite_drift(&world, &[FAMILY]).await.unwrap();
    already(&world, &STRAY).await;
    let renamed =
        "ALTER TABLE stray RENAME COLUMN x TO xx; ALTER TABLE p RENAME COLUMN name TO title;";
    let dropped =
        "ALTER TABLE stray RENAME COLUMN xx TO x; ALTER TABLE p RENAME COLUMN title TO name;
         ALTER TABLE stray RENAME TO strays; DROP TABLE gone;";
    let files = [
        FAMILY,
        ("V2__names.sql", renamed),
        ("V3__gone.sql", dropped),
    ];
    despite_drift(&world, &files).await.unwrap();
}

pub(crate) async fn the_index_that_the_help_names_works(world: World) {
    let first = (
        "V1__p.sql",
        "CREATE TABLE \"my p\" (\"the id\", k); CREATE TABLE gone (x);",
    );
    world.apply(&[first]).await.unwrap();
    for child in [
        "CREATE TABLE c (x REFERENCES \"my p\" (\"the id\"));",
        "CREATE TABLE c (x, y, FOREIGN KEY (x, y) REFERENCES \"my p\" (k, \"the id\")); DROP TABLE gone;",
    ] {
        let (_, text) = refused(world.apply(&[first, ("V2__c.sql", child)]).await);
        let (_, help) = text.split_once("add `").unwrap();
        let (index, _) = help.split_once('`').unwrap();
        let text = format!("{child} {index}");
        world.apply(&[first, ("V2__c.sql", &text)]).await.unwrap();
        already(
            &world,
            &["DROP TABLE c", "DELETE FROM _migrations WHERE version = 2"],
        )
        .await;
    }
}

pub(crate) async fn a_schema_that_is_written_by_hand_and_does_not_fit_is_refused(world: World) {
    world.apply(&[LETTERS]).await.unwrap();
    let by_hand = |set: &str| {
        format!(
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET {set}; PRAGMA writable_schema = OFF;"
        )
    };
    for set in [
        "sql = 'CREATE INDEX ia ON t (b)' WHERE name = 'ia'",
        "sql = replace(sql, 'b INTEGER', 'b INTEGER NOT NULL') WHERE name = 't'",
        "sql = replace(sql, 'b INTEGER', 'b INTEGER CHECK (b IS NOT NULL)') WHERE name = 't'",
        "rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = '_migrations') WHERE name = 'ia'",
    ] {
        let text = by_hand(set);
        let (part, text) = refused(world.apply(&[LETTERS, ("V2__hand.sql", &text)]).await);
        assert!(matches!(part, Part::OldRows | Part::Schema), "{part:?}");
        contains(&text, &["V2__hand.sql"]);
        assert_eq!(world.recorded().await, "V1");
    }
    let fine =
        by_hand("sql = replace(sql, 'b INTEGER', 'b INTEGER CHECK (b IS NULL)') WHERE name = 't'");
    world
        .apply(&[LETTERS, ("V2__hand.sql", &fine)])
        .await
        .unwrap();
}

pub(crate) async fn a_deferred_foreign_key_names_its_rows_and_files(world: World) {
    let first = (
        "V1__a.sql",
        "CREATE TABLE p (id INTEGER PRIMARY KEY);
        CREATE TABLE c (id INTEGER PRIMARY KEY, pid REFERENCES p DEFERRABLE INITIALLY DEFERRED);",
    );
    world.apply(&[first]).await.unwrap();
    already(&world, &["INSERT INTO c VALUES (1, 50)"]).await;
    let files = [
        first,
        ("V2__other.sql", "CREATE TABLE other (x);"),
        ("V3__rows.sql", "INSERT INTO c VALUES (4, 99);"),
    ];
    let (part, text) = refused(world.apply(&files).await);
    assert_eq!(part, Part::Commit);
    contains(
        &text,
        &[
            "V3",
            "deferred foreign key",
            "c, row 4: pid has no parent in p",
            "V3__rows.sql",
        ],
    );
    assert!(!text.contains("row 1") && !text.contains("V2__"), "{text}");
    assert_eq!(world.recorded().await, "V1");
}

pub(crate) async fn nothing_is_remembered_behind_a_run(world: World) {
    let options = PlanOptions::default().grouping(Grouping::Each);
    let column = (
        "V3__column.sql",
        "ALTER TABLE p ALTER COLUMN name TO name TEXT DEFAULT '';",
    );
    world
        .apply_with(&[FAMILY, RIGHT_ORDER, column], options)
        .await
        .unwrap();
    let left = "SELECT count(coalesce(source, down, checksum)) FROM _migrations WHERE kind = 'meta' AND version <> 'schema'";
    assert_eq!(world.ask(left).await, "0");
}

const WIDE: &str = "CREATE TABLE u (id INTEGER PRIMARY KEY, k); CREATE TABLE o (x);";

pub(crate) async fn a_new_view_that_only_reading_it_finds_broken_is_refused(world: World) {
    for view in [
        "CREATE VIEW v (a) AS SELECT id, k FROM u;",
        "CREATE VIEW IF NOT EXISTS v AS SELECT x FROM o WHERE x IN (SELECT * FROM u);",
    ] {
        let files = [("V1__wide.sql", WIDE), ("V2__view.sql", view)];
        let (part, text) = refused(world.apply(&files).await);
        assert_eq!(part, Part::Compiles);
        contains(
            &text,
            &[
                "V2: view v does not compile afterwards",
                "every statement that reads it fails",
            ],
        );
    }
    let (part, text) = refused(
        world
            .apply(&[
                ("V1__wide.sql", WIDE),
                (
                    "R__v.sql",
                    "DROP VIEW IF EXISTS v; CREATE VIEW v (a) AS SELECT id, k FROM u;",
                ),
            ])
            .await,
    );
    assert_eq!(part, Part::Compiles);
    contains(&text, &["view v does not compile afterwards"]);
}

pub(crate) async fn a_view_that_a_new_column_breaks_is_refused(world: World) {
    let views = "CREATE VIEW v (a, b) AS SELECT * FROM u;
         CREATE VIEW w AS SELECT x FROM o WHERE x IN o;";
    let files = [("V1__wide.sql", WIDE), ("V2__views.sql", views)];
    world.apply(&files).await.unwrap();
    for (table, view) in [("u", "v"), ("o", "w")] {
        let sql = format!("ALTER TABLE {table} ADD COLUMN z;");
        let (part, text) = refused(
            world
                .apply(&[files[0], files[1], ("V3__z.sql", &sql)])
                .await,
        );
        assert_eq!(part, Part::Compiles);
        contains(
            &text,
            &[&format!("V3: view {view} does not compile afterwards")],
        );
    }
    let both =
        "ALTER TABLE u ADD COLUMN z; DROP VIEW v; CREATE VIEW v (a, b, c) AS SELECT * FROM u;";
    world
        .apply(&[files[0], files[1], ("V3__z.sql", both)])
        .await
        .unwrap();
    assert_eq!(world.ask("SELECT count(*) FROM v").await, "0");
}

pub(crate) async fn a_view_that_a_later_file_creates_again_with_the_new_column_is_no_fault(
    world: World,
) {
    let view = ("V2__view.sql", "CREATE VIEW v (a, b) AS SELECT * FROM u;");
    let files = [("V1__wide.sql", WIDE), view];
    world.apply(&files).await.unwrap();
    let files = [
        files[0],
        files[1],
        ("V3__z.sql", "ALTER TABLE u ADD COLUMN z;"),
        (
            "V4__view.sql",
            "DROP VIEW v; CREATE VIEW v (a, b, c) AS SELECT * FROM u;",
        ),
    ];
    world.apply_with(&files, each()).await.unwrap();
}

pub(crate) async fn an_old_view_that_reading_it_finds_broken_refuses_nothing(world: World) {
    already(
        &world,
        &[
            "CREATE TABLE old (a, b)",
            "CREATE VIEW broken (a) AS SELECT * FROM old",
        ],
    )
    .await;
    let files = [
        ("V1__wide.sql", WIDE),
        ("V2__view.sql", "CREATE VIEW v AS SELECT * FROM u;"),
        ("V3__z.sql", "ALTER TABLE u ADD COLUMN z;"),
    ];
    world.apply(&files).await.unwrap();
}

pub(crate) async fn a_rebuild_in_the_wrong_order_over_rows_is_told_the_order(world: World) {
    let rows = "INSERT INTO p VALUES (1, 'one'); INSERT INTO c VALUES (1, 1);";
    world.apply(&[FAMILY]).await.unwrap();
    already(&world, &rows.split_terminator(';').collect::<Vec<_>>()).await;
    let (part, text) = refused(world.apply(&[FAMILY, WRONG_ORDER]).await);
    assert_eq!(part, Part::ForeignKeysAfter);
    contains(
        &text,
        &[
            "V2 leaves a foreign key whose parent table does not exist",
            "c (pid) refers to p_old",
            "rename the new table to p",
        ],
    );
    assert!(
        !text.contains("delete") && !text.contains("to p_old;"),
        "{text}"
    );
}

pub(crate) async fn rows_that_do_not_fit_an_added_column_are_refused(world: World) {
    const ROWS: (&str, &str) = (
        "V1__rows.sql",
        "CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p VALUES (1);
         CREATE TABLE c (id INTEGER PRIMARY KEY, y TEXT); INSERT INTO c VALUES (1, 'x'), (2, 'x'), (3, NULL);",
    );
    let texts = [
        "ALTER TABLE c ADD COLUMN z INT NOT NULL DEFAULT 9 REFERENCES p (id);",
        "ALTER TABLE \"C\" ADD z INT DEFAULT 1 REFERENCES p;",
        "ALTER TABLE c ADD COLUMN z INT CHECK (y <> 'x');",
        "ALTER TABLE c ADD COLUMN z INT CHECK (id < 9) CONSTRAINT k CHECK (y IS NOT NULL);",
        "ALTER TABLE c ADD COLUMN z INT DEFAULT 1 CHECK (z > 1 OR y IS NULL);",
    ];
    for text in texts {
        let result = world.apply(&[ROWS, ("V2__added.sql", text)]).await;
        let (part, _) = refused(result);
        assert!(
            matches!(part, Part::Step(_) | Part::OldRows),
            "{text}: {part:?}"
        );
        assert_eq!(world.recorded().await, "", "{text}");
    }
    world.apply(&[ROWS]).await.unwrap();
    for text in texts {
        refused(world.apply(&[ROWS, ("V2__added.sql", text)]).await);
        assert_eq!(world.recorded().await, "V1", "{text}");
        let columns = "SELECT group_concat(name) FROM pragma_table_info('c')";
        assert_eq!(world.ask(columns).await, "id,y", "{text}");
    }
    let fits = "ALTER TABLE c ADD COLUMN z INT REFERENCES p (id); ALTER TABLE c ADD COLUMN w INT CHECK (y = 'x');
                CREATE TABLE e (x); ALTER TABLE e ADD COLUMN z INT DEFAULT 9 REFERENCES p (id);
                ALTER TABLE e ADD COLUMN w INT DEFAULT 1 CHECK (w > 0);";
    world.apply(&[ROWS, ("V2__added.sql", fits)]).await.unwrap();
    assert_eq!(world.recorded().await, "V1 V2");
}

/// <https://sqlite.org/quirks.html#dblquote>
pub(crate) async fn a_column_in_double_quotes_that_becomes_a_text_is_refused(world: World) {
    let base = (
        "V1__t.sql",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, c);
         CREATE VIEW v AS SELECT \"c\" FROM t;
         CREATE VIEW old AS SELECT \"never\" FROM t;
         CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET id = id WHERE id = \"id\"; END;",
    );
    world.apply(&[base]).await.unwrap();
    for change in [
        "ALTER TABLE t DROP COLUMN c;",
        "DROP TABLE t; CREATE TABLE t (id INTEGER PRIMARY KEY);",
    ] {
        let (part, text) = refused(world.apply(&[base, ("V2__c.sql", change)]).await);
        assert_eq!(part, Part::Compiles);
        contains(&text, &["V2: view v reads \"c\" as text afterwards"]);
        assert_eq!(
            world
                .ask("SELECT count(*) FROM pragma_table_info('t')")
                .await,
            "2"
        );
    }
    // An old text in double quotes refuses nothing and stays as it is; what is made again is judged as it is then.
    let more = ("V2__more.sql", "ALTER TABLE t ADD COLUMN more;");
    world.apply(&[base, more]).await.unwrap();
    assert_eq!(
        world
            .ask("SELECT sql FROM sqlite_schema WHERE name = 'old'")
            .await,
        "CREATE VIEW old AS SELECT \"never\" FROM t"
    );
    let again = (
        "V3__c.sql",
        "DROP VIEW v; ALTER TABLE t DROP COLUMN c; CREATE VIEW v AS SELECT \"id\" FROM t;",
    );
    world.apply(&[base, more, again]).await.unwrap();
    assert_eq!(world.ask("SELECT count(*) FROM v").await, "0");
}

/// <https://sqlite.org/quirks.html#dblquote>
pub(crate) async fn a_view_that_is_made_in_the_same_run_is_looked_at_where_it_is_made(
    world: World,
) {
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, c);";
    let view = "CREATE VIEW v AS SELECT \"c\" FROM t;";
    let trigger = "CREATE TABLE o (x);
                   CREATE TRIGGER v AFTER INSERT ON o BEGIN UPDATE o SET x = (SELECT max(\"c\") FROM t); END;";
    let drop = "ALTER TABLE t DROP COLUMN c;";
    let again = "DROP TABLE t; CREATE TABLE t (id INTEGER PRIMARY KEY);";
    for made in [view, trigger] {
        for takes in [drop, again] {
            let in_one = format!("{table}\n{made}\n{takes}");
            let (part, text) = refused(world.apply(&[("V1__all.sql", in_one.as_str())]).await);
            assert_eq!(part, Part::Compiles);
            contains(&text, &["V1: ", " v reads \"c\" as text afterwards"]);
            assert_eq!(world.recorded().await, "");
        }
        let two = format!("{table}\n{made}");
        let files = [("V1__made.sql", two.as_str()), ("V2__drop.sql", drop)];
        let (part, text) = refused(world.apply(&files).await);
        assert_eq!(part, Part::Compiles);
        contains(&text, &["V2: ", " v reads \"c\" as text afterwards"]);
        assert_eq!(world.recorded().await, "");
    }
    // A text that is one from the first is meant, and so is what a later file makes again without the column.
    let meant = format!("{table} CREATE VIEW w AS SELECT id FROM t WHERE 'a' = \"c d\"; {view}");
    let without = "DROP VIEW v; CREATE VIEW v AS SELECT \"id\" FROM t;";
    let files = [
        ("V1__meant.sql", meant.as_str()),
        ("V2__drop.sql", drop),
        ("V3__v.sql", without),
        (
            "V4__t.sql",
            "ALTER TABLE t ADD COLUMN d; ALTER TABLE t DROP COLUMN d;",
        ),
    ];
    world.apply(&files).await.unwrap();
    // The file that drops a table is a transaction of its own.
    let other = [
        (
            "V5__o.sql",
            "CREATE TABLE o (k, c); CREATE VIEW of_o AS SELECT \"c\" FROM o;",
        ),
        ("V6__o.sql", "DROP TABLE o; CREATE TABLE o (k);"),
    ];
    let files: Vec<_> = files.into_iter().chain(other).collect();
    let (part, text) = refused(world.apply(&files).await);
    assert_eq!(part, Part::Compiles);
    contains(&text, &["V6: view of_o reads \"c\" as text afterwards"]);
    assert_eq!(world.recorded().await, "V1 V2 V3 V4 V5");
}

pub(crate) async fn a_view_that_is_made_again_with_a_new_text_in_double_quotes_is_no_fault(
    world: World,
) {
    let base = (
        "V1__t.sql",
        "CREATE TABLE t (id INTEGER PRIMARY KEY, c); CREATE VIEW v AS SELECT \"id\", \"c\" FROM t;",
    );
    world.apply(&[base]).await.unwrap();
    let lost = (
        "V2__c.sql",
        "DROP VIEW v; ALTER TABLE t DROP COLUMN c; CREATE VIEW v AS SELECT \"id\", \"c\" FROM t;",
    );
    let (part, text) = refused(world.apply(&[base, lost]).await);
    assert_eq!(part, Part::Compiles);
    contains(&text, &["V2: view v reads \"c\" as text afterwards"]);
    let text = (
        "V2__active.sql",
        "DROP VIEW v; CREATE VIEW v AS SELECT \"id\", \"c\" FROM t WHERE \"c\" = \"active\";",
    );
    world.apply(&[base, text]).await.unwrap();
}
