//! What a database looks like after a run that dropped objects of repeatables, whatever its mode.

use seedbed::history::State as Recorded;
use seedbed::migrations::{
    ApplyError, Back, DriftPolicy, Grouping, Migrations, Outcome, PlanOptions, RedoOptions, State,
    Target, UndoOptions, apply, ignore, plan, redo, undo,
};
use seedbed::script::{Key, Run};

use crate::world::{World, codes, done, failure, problem_codes, set};

pub(super) const T: (&str, &str) = ("V1__t.sql", "CREATE TABLE t(x);");
const T_DOWN: (&str, &str) = ("V1__t.down.sql", "DROP TABLE t;");
pub(super) const INDEX: (&str, &str) = (
    "R__i.sql",
    "DROP INDEX IF EXISTS i;\nCREATE INDEX i ON t(x);\n",
);
pub(super) const REBUILD: (&str, &str) = (
    "V2__rebuild.sql",
    "DROP VIEW IF EXISTS v; CREATE TABLE t_new(x NOT NULL); INSERT INTO t_new SELECT x FROM t; DROP TABLE t; \
     ALTER TABLE t_new RENAME TO t;",
);
pub(super) const REBUILD_DOWN: (&str, &str) = (
    "V2__rebuild.down.sql",
    "DROP VIEW IF EXISTS v; CREATE TABLE t_old(x); INSERT INTO t_old SELECT x FROM t; DROP TABLE t; \
     ALTER TABLE t_old RENAME TO t;",
);
pub(super) const VIEW: (&str, &str) = (
    "R__10_view.sql",
    "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT x FROM t;",
);
const EDITED_VIEW: (&str, &str) = (
    "R__10_view.sql",
    "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT x AS x FROM t;",
);
pub(super) const TRIGGER: (&str, &str) = (
    "R__20_trigger.sql",
    "DROP TRIGGER IF EXISTS g; CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN INSERT INTO t VALUES (new.x); END;",
);

/// The views, triggers and indexes that there are, sorted.
pub(super) async fn objects(world: &World) -> String {
    world
        .ask("SELECT name FROM sqlite_schema WHERE type IN ('view', 'trigger', 'index') AND sql IS NOT NULL ORDER BY name")
        .await
}

/// The repeatables that `status` calls pending, with the reason.
pub(super) async fn pending(world: &World, files: &[(&str, &str)]) -> String {
    let set = set(files);
    let plan = plan(&set, &world.history().await, &PlanOptions::default());
    let pending = plan
        .items
        .iter()
        .filter(|item| item.state == State::Pending);
    let named: Vec<String> = pending
        .map(|item| match &item.reason {
            Some(reason) => format!("{}: {reason}", item.key),
            None => item.key.to_string(),
        })
        .collect();
    named.join("; ")
}

/// The messages of the warnings.
pub(super) fn warned(outcome: &Outcome) -> String {
    let messages = outcome.warnings.iter().map(|it| it.message.clone());
    messages.collect::<Vec<_>>().join("; ")
}

async fn each(world: &World, files: &[(&str, &str)]) -> Outcome {
    let options = PlanOptions::default().grouping(Grouping::Each);
    world.apply_with(files, options).await.unwrap()
}

fn to(version: i64) -> PlanOptions {
    PlanOptions::default().target(Target::Version(version))
}

pub(crate) async fn an_index_that_an_undo_dropped_comes_back(world: World) {
    let files = [T, T_DOWN, INDEX];
    world.apply(&files).await.unwrap();
    let undone = world.undo(Back::To(0)).await.unwrap();
    assert_eq!(done(&undone), "V1");
    assert_eq!(warned(&undone), "R__i is pending: its table t is gone");
    assert_eq!(
        pending(&world, &files).await,
        "V1; R__i: its index i is gone"
    );
    let outcome = world.apply(&files).await.unwrap();
    assert_eq!(done(&outcome), "V1 R__i");
    assert_eq!(objects(&world).await, "i");
    assert_eq!(pending(&world, &files).await, "");
}

pub(crate) async fn what_is_gone_is_pending_and_made_again(world: World) {
    let files = [T, VIEW, TRIGGER, INDEX];
    world.apply(&files).await.unwrap();
    world.statements(&["DROP VIEW v", "DROP INDEX I"]).await;
    assert_eq!(
        pending(&world, &files).await,
        "R__10_view: its view v is gone; R__20_trigger: its trigger g is gone; R__i: its index i is gone"
    );
    let outcome = world.apply(&files).await.unwrap();
    assert_eq!(done(&outcome), "R__10_view R__20_trigger R__i");
    assert_eq!(objects(&world).await, "g i v");
    assert_eq!(done(&world.apply(&files).await.unwrap()), "");
}

pub(crate) async fn a_rebuild_keeps_the_index_of_a_repeatable(world: World) {
    world.apply(&[T, INDEX]).await.unwrap();
    let outcome = world.apply(&[T, REBUILD, INDEX]).await.unwrap();
    assert_eq!(done(&outcome), "V2 R__i");
    assert_eq!(objects(&world).await, "i");
    assert_eq!(pending(&world, &[T, REBUILD, INDEX]).await, "");
}

pub(crate) async fn each_in_its_own_transaction_keeps_it_too(world: World) {
    each(&world, &[T, VIEW, TRIGGER, INDEX]).await;
    let outcome = each(&world, &[T, REBUILD, EDITED_VIEW, TRIGGER, INDEX]).await;
    assert_eq!(done(&outcome), "V2 R__10_view R__20_trigger R__i");
    assert_eq!(objects(&world).await, "g i v");
}

pub(crate) async fn an_edited_view_keeps_the_trigger_of_another_repeatable(world: World) {
    world.apply(&[T, VIEW, TRIGGER]).await.unwrap();
    let outcome = world.apply(&[T, EDITED_VIEW, TRIGGER]).await.unwrap();
    assert_eq!(done(&outcome), "R__10_view R__20_trigger");
    world.statements(&["INSERT INTO v VALUES (7)"]).await;
    assert_eq!(world.ask("SELECT x FROM t").await, "7");
}

pub(crate) async fn a_trigger_whose_name_comes_before_its_view_is_kept(world: World) {
    let early = ("R__05_trigger.sql", TRIGGER.1);
    world.apply(&[T, VIEW]).await.unwrap();
    world.apply(&[T, VIEW, early]).await.unwrap();
    let outcome = world.apply(&[T, EDITED_VIEW, early]).await.unwrap();
    assert_eq!(done(&outcome), "R__10_view R__05_trigger");
    assert_eq!(objects(&world).await, "g v");
}

pub(crate) async fn what_was_not_dropped_after_all_does_not_run(world: World) {
    world.apply(&[T, VIEW, INDEX]).await.unwrap();
    let before = world.history().await;
    let harmless = (
        "V2__other.sql",
        "DROP INDEX IF EXISTS i2; DROP VIEW IF EXISTS other;",
    );
    let outcome = world.apply(&[T, harmless, VIEW, INDEX]).await.unwrap();
    assert_eq!(done(&outcome), "V2");
    // The text may drop them, and does not.
    let renamed = (
        "V3__twice.sql",
        "CREATE TABLE u(x); ALTER TABLE t RENAME TO t2; ALTER TABLE u RENAME TO t3; DROP TABLE t3; \
         ALTER TABLE t2 RENAME TO t;",
    );
    let outcome = world
        .apply(&[T, harmless, renamed, VIEW, INDEX])
        .await
        .unwrap();
    assert_eq!(done(&outcome), "V3");
    assert_eq!(objects(&world).await, "i v");
    let history = world.history().await;
    for row in &before.rows {
        assert_eq!(history.row(&row.key), Some(row));
    }
}

pub(crate) async fn a_repeatable_that_cannot_be_made_again_fails_the_run(world: World) {
    world.apply(&[T, INDEX]).await.unwrap();
    let gone = ("V2__gone.sql", "CREATE TABLE kept(x); DROP TABLE t;");
    let result = world.apply(&[T, gone, INDEX]).await;
    assert_eq!(failure(result), "R__i.sql:2:19: no such table: main.t");
    assert_eq!(world.tables().await, "t");
    assert_eq!(world.recorded().await, "V1 R__i");
    assert_eq!(objects(&world).await, "i");
}

pub(crate) async fn a_dropped_view_comes_back_while_its_file_is_there(world: World) {
    world.apply(&[T, VIEW]).await.unwrap();
    let drop = ("V2__drop.sql", "DROP VIEW v;");
    let outcome = world.apply(&[T, drop, VIEW]).await.unwrap();
    assert_eq!(done(&outcome), "V2 R__10_view");
    let drop_again = ("V3__drop.sql", "DROP VIEW v;");
    let outcome = world.apply(&[T, drop, drop_again]).await.unwrap();
    assert_eq!(done(&outcome), "V3");
    assert_eq!(objects(&world).await, "");
}

pub(crate) async fn views_on_views_come_back_in_the_order_of_their_names(world: World) {
    let table = (
        "R__30_copy.sql",
        "DROP TABLE IF EXISTS copy; CREATE TABLE copy AS SELECT x FROM w;",
    );
    let on_view = (
        "R__20_on_view.sql",
        "DROP VIEW IF EXISTS w; CREATE VIEW w AS SELECT x FROM v;",
    );
    let files = [T, VIEW, on_view, table];
    world.apply(&files).await.unwrap();
    let drop = (
        "V2__drop.sql",
        "INSERT INTO t VALUES (1); DROP TABLE copy; DROP VIEW w; DROP VIEW v;",
    );
    let outcome = world.apply(&[T, drop, VIEW, on_view, table]).await.unwrap();
    assert_eq!(done(&outcome), "V2 R__10_view R__20_on_view R__30_copy");
    assert_eq!(world.ask("SELECT x FROM copy").await, "1");
}

pub(crate) async fn a_full_text_table_comes_back(world: World) {
    let search = (
        "R__search.sql",
        "DROP TABLE IF EXISTS search; CREATE VIRTUAL TABLE search USING fts5(x); \
         INSERT INTO search SELECT x FROM t; \
         CREATE TRIGGER IF NOT EXISTS into_search AFTER INSERT ON t BEGIN INSERT INTO search VALUES (new.x); END;",
    );
    let rows = (
        "V1__t.sql",
        "CREATE TABLE t(x); INSERT INTO t VALUES ('one');",
    );
    world.apply(&[rows, search]).await.unwrap();
    let outcome = world.apply(&[rows, REBUILD, search]).await.unwrap();
    assert_eq!(done(&outcome), "V2 R__search");
    world.statements(&["INSERT INTO t VALUES ('two')"]).await;
    let found = world.ask("SELECT x FROM search ORDER BY x").await;
    assert_eq!(found, "one two");
    let drop = ("V3__drop.sql", "DROP TABLE search;");
    let outcome = world.apply(&[rows, REBUILD, drop, search]).await.unwrap();
    assert_eq!(done(&outcome), "V3 R__search");
    assert_eq!(world.ask("SELECT count(*) FROM search").await, "2");
}

pub(crate) async fn undo_makes_again_what_a_down_file_drops(world: World) {
    let files = [T, REBUILD, REBUILD_DOWN, VIEW, TRIGGER, INDEX];
    world.apply(&files).await.unwrap();
    let undone = world.undo(Back::To(1)).await.unwrap();
    assert_eq!(done(&undone), "V2 R__10_view R__20_trigger R__i");
    assert_eq!(warned(&undone), "");
    assert_eq!(objects(&world).await, "g i v");
    assert_eq!(pending(&world, &files).await, "V2");
    let outcome = world.apply(&files).await.unwrap();
    assert_eq!(done(&outcome), "V2 R__10_view R__20_trigger R__i");
    assert_eq!(objects(&world).await, "g i v");
}

pub(crate) async fn undo_succeeds_where_some_repeatables_cannot_be_made_again(world: World) {
    let second = ("V2__u.sql", "CREATE TABLE u(y);");
    let down = (
        "V2__u.down.sql",
        "DROP TABLE u; CREATE TABLE t_old(x); INSERT INTO t_old SELECT x FROM t; DROP TABLE t; \
         ALTER TABLE t_old RENAME TO t;",
    );
    // It fails half-way, and nothing of it stays.
    let half = (
        "R__both.sql",
        "DROP INDEX IF EXISTS on_t; DROP INDEX IF EXISTS on_u; CREATE INDEX on_t ON t(x); \
         CREATE INDEX on_u ON u(y);",
    );
    let files = [T, second, down, half, INDEX];
    world.apply(&files).await.unwrap();
    for grouping in [Grouping::All, Grouping::Each] {
        let options = UndoOptions::default()
            .back(Back::Steps(1))
            .grouping(grouping)
            .adopted(seedbed::migrations::Adopted::Refuse);
        let undone = undo(&world.db, &options, &Run::new("test"), &ignore()).await;
        let undone = undone.unwrap();
        assert_eq!(done(&undone), "V2 R__i");
        assert_eq!(warned(&undone), "R__both is pending: its table u is gone");
        assert_eq!(objects(&world).await, "i");
        assert_eq!(
            pending(&world, &files).await,
            "V2; R__both: its index on_t and its index on_u are gone"
        );
        let outcome = world.apply(&files).await.unwrap();
        assert_eq!(done(&outcome), "V2 R__both");
        assert_eq!(objects(&world).await, "i on_t on_u");
    }
}

pub(crate) async fn a_view_that_would_stay_as_it_is_is_not_recorded_as_made(world: World) {
    let view = |text| ("R__v.sql", text);
    let first = view("CREATE VIEW IF NOT EXISTS v AS SELECT x FROM t;");
    world.apply(&[T, first]).await.unwrap();
    let same = view("-- a comment\nCREATE VIEW IF NOT EXISTS V AS SELECT x FROM t;");
    world.apply(&[T, same]).await.unwrap();
    let other = view("CREATE VIEW IF NOT EXISTS v AS SELECT x, 1 AS y FROM t;");
    let refused = world.apply(&[T, other]).await;
    assert_eq!(problem_codes(refused), "created-once");
    let drop = ("V2__drop.sql", "DROP VIEW v;");
    let outcome = world.apply(&[T, drop, other]).await.unwrap();
    assert_eq!(done(&outcome), "V2 R__v");
    let dropped = view("DROP VIEW IF EXISTS v; CREATE VIEW IF NOT EXISTS v AS SELECT 2 AS y;");
    world.apply(&[T, drop, dropped]).await.unwrap();
    assert_eq!(world.ask("SELECT y FROM v").await, "2");
}

pub(crate) async fn undo_and_redo_make_views_behind_those_that_they_use(world: World) {
    let drop = (
        "V2__drop.sql",
        "DROP VIEW IF EXISTS top; DROP VIEW IF EXISTS z_base;",
    );
    let down = (
        "V2__drop.down.sql",
        "DROP VIEW IF EXISTS top; DROP VIEW IF EXISTS z_base; DROP TABLE IF EXISTS none;",
    );
    let top = (
        "R__top.sql",
        "DROP VIEW IF EXISTS top; CREATE VIEW top AS SELECT * FROM z_base;",
    );
    let trigger = (
        "R__trigger.sql",
        "DROP TRIGGER IF EXISTS g; CREATE TRIGGER g INSTEAD OF INSERT ON top BEGIN INSERT INTO t VALUES (new.x); END;",
    );
    let base = (
        "R__z_base.sql",
        "DROP VIEW IF EXISTS z_base; CREATE VIEW z_base AS SELECT x FROM t;",
    );
    let files = [T, drop, down, trigger, top, base];
    world.apply(&files).await.unwrap();
    let undone = world.undo(Back::Steps(1)).await.unwrap();
    assert_eq!(done(&undone), "V2 R__z_base R__top R__trigger");
    assert_eq!(warned(&undone), "");
    world.apply(&files).await.unwrap();
    let options = RedoOptions::default().steps(1).grouping(Grouping::All);
    let again = redo(
        &world.db,
        &set(&files),
        &options,
        &Run::new("test"),
        &ignore(),
    )
    .await;
    assert!(!warned(&again.unwrap()).contains("pending"));
    assert_eq!(objects(&world).await, "g top z_base");
    assert_eq!(pending(&world, &files).await, "");
}

pub(crate) async fn undo_makes_no_view_and_no_trigger_that_does_not_compile(world: World) {
    let log = ("V2__log.sql", "CREATE TABLE log(x);");
    let down = (
        "V2__log.down.sql",
        "DROP VIEW logged; DROP TRIGGER writes; DROP VIEW v; DROP TABLE log;",
    );
    let logged = (
        "R__30_logged.sql",
        "DROP VIEW IF EXISTS logged; CREATE VIEW logged AS SELECT x FROM log;",
    );
    let writes = (
        "R__40_writes.sql",
        "DROP TRIGGER IF EXISTS writes; \
         CREATE TRIGGER writes AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.x); END;",
    );
    let files = [T, log, down, VIEW, TRIGGER, logged, writes];
    world.apply(&files).await.unwrap();
    let undone = world.undo(Back::Steps(1)).await.unwrap();
    assert_eq!(done(&undone), "V2 R__10_view R__20_trigger");
    assert_eq!(
        warned(&undone),
        "R__30_logged is pending: what it makes was dropped, and it cannot be created again on this schema; \
         R__40_writes is pending: what it makes was dropped, and it cannot be created again on this schema"
    );
    assert_eq!(objects(&world).await, "g v");
    assert_eq!(world.tables().await, "t");
    world.statements(&["INSERT INTO v VALUES (7)"]).await;
    let outcome = world.apply(&files).await.unwrap();
    assert_eq!(done(&outcome), "V2 R__30_logged R__40_writes");
    assert_eq!(pending(&world, &files).await, "");
}

pub(crate) async fn records_of_a_repeatable_stay_as_they_were_where_it_is_kept(world: World) {
    let files = [T, REBUILD, REBUILD_DOWN, INDEX];
    world.apply(&files).await.unwrap();
    world.undo(Back::To(1)).await.unwrap();
    let row = |history: seedbed::history::History| {
        let key = Key::Repeatable("i".to_owned());
        history.row(&key).cloned().unwrap()
    };
    let after = row(world.history().await);
    assert_eq!(after.state, Recorded::Applied);
    assert_eq!(
        world
            .ask("SELECT source FROM _migrations WHERE kind = 'repeatable'")
            .await,
        INDEX.1
    );
}

pub(crate) async fn a_version_as_target_leaves_repeatables_pending_and_says_so(world: World) {
    let files = [T, REBUILD, VIEW, INDEX];
    let outcome = world.apply_with(&files, to(1)).await.unwrap();
    assert_eq!(done(&outcome), "V1");
    assert_eq!(
        warned(&outcome),
        "R__10_view, R__i stay pending: repeatables are not applied with `--to`"
    );
    world.apply(&[T, VIEW, INDEX]).await.unwrap();
    // What is applied is kept all the same.
    let outcome = world.apply_with(&files, to(2)).await.unwrap();
    assert_eq!(
        (done(&outcome).as_str(), codes(&outcome.warnings).as_str()),
        ("V2 R__10_view R__i", "")
    );
    let gone = ("V3__gone.sql", "DROP VIEW v; DROP TABLE t;");
    let again = ("V4__again.sql", "CREATE TABLE t(x);");
    let files = [T, REBUILD, gone, again, VIEW, INDEX];
    let outcome = world.apply_with(&files, to(3)).await.unwrap();
    assert_eq!(done(&outcome), "V3");
    // A view on a table that is gone would fail later statements.
    assert_eq!(
        warned(&outcome),
        "R__10_view is pending: what it makes was dropped, and it cannot be created again on this schema; \
         R__i is pending: its table t is gone"
    );
    let outcome = world.apply(&files).await.unwrap();
    assert_eq!(done(&outcome), "V4 R__10_view R__i");
}

/// A table with a view and an index, each of a repeatable.
const TABLE: (&str, &str) = ("V1__a.sql", "CREATE TABLE a(id INTEGER PRIMARY KEY, x, y);");
const VIEW_OF_TABLE: (&str, &str) = (
    "R__v.sql",
    "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT id, y FROM a;",
);
const INDEX_OF_TABLE: (&str, &str) = (
    "R__iy.sql",
    "DROP INDEX IF EXISTS iy; CREATE INDEX iy ON a(y);",
);

pub(crate) async fn the_newest_version_as_target_gives_what_no_target_gives(world: World) {
    let rebuild = |columns: &str| {
        format!("CREATE TABLE n({columns}); DROP TABLE a; ALTER TABLE n RENAME TO a;")
    };
    let refused = [
        (VIEW_OF_TABLE, "ALTER TABLE a DROP COLUMN y;".to_owned()),
        (VIEW_OF_TABLE, rebuild("id, x")),
        (VIEW_OF_TABLE, "DROP TABLE a;".to_owned()),
        (INDEX_OF_TABLE, rebuild("id, x")),
        (INDEX_OF_TABLE, "DROP TABLE a;".to_owned()),
    ];
    for (repeatable, text) in &refused {
        world.apply(&[TABLE, *repeatable]).await.unwrap();
        let before = objects(&world).await;
        let second = ("V2__b.sql", text.as_str());
        let files = [TABLE, second, *repeatable];
        let plain = world.apply(&files).await.unwrap_err().to_string();
        let with_target = world.apply_with(&files, to(2)).await.unwrap_err();
        assert_eq!(with_target.to_string(), plain, "{text}");
        assert_eq!(objects(&world).await, before, "{text}");
        assert_eq!(world.recorded().await.matches('V').count(), 1);
        let drop = "DROP VIEW IF EXISTS v; DROP INDEX IF EXISTS iy;";
        world
            .statements(&drop.split_inclusive(';').collect::<Vec<_>>())
            .await;
    }
    world.apply(&[TABLE, INDEX_OF_TABLE]).await.unwrap();
    let text = rebuild("id, x, y, z");
    let files = [TABLE, ("V2__b.sql", text.as_str()), INDEX_OF_TABLE];
    let outcome = world.apply_with(&files, to(2)).await.unwrap();
    assert_eq!(done(&outcome), "V2 R__iy");
}

pub(crate) async fn a_trigger_that_no_repeatable_makes_is_never_lost(world: World) {
    let added = ("V2__z.sql", "ALTER TABLE a ADD COLUMN z;");
    let rebuilt = (
        "V2__z.down.sql",
        "CREATE TABLE n(id INTEGER PRIMARY KEY, x, y); INSERT INTO n SELECT id, x, y FROM a; DROP TABLE a; \
         ALTER TABLE n RENAME TO a;",
    );
    let dropped = ("V2__z.down.sql", "ALTER TABLE a DROP COLUMN z;");
    let by_hand =
        "CREATE TRIGGER hand INSTEAD OF INSERT ON v BEGIN INSERT INTO a(id) VALUES (new.id); END";
    let again = async |files: &[(&str, &str)]| {
        let options = RedoOptions::default().steps(1).grouping(Grouping::All);
        redo(
            &world.db,
            &set(files),
            &options,
            &Run::new("test"),
            &ignore(),
        )
        .await
    };
    let files = [TABLE, added, rebuilt, VIEW_OF_TABLE];
    world.apply(&files).await.unwrap();
    world.statements(&[by_hand]).await;
    let words = "error in view v: no such table: main.a";
    assert!(failure(world.undo(Back::Steps(1)).await).contains(words));
    assert!(failure(again(&files).await).contains(words));
    assert_eq!(objects(&world).await, "hand v");
    world.statements(&["DROP TRIGGER hand"]).await;
    // Without it the view is made again.
    assert_eq!(done(&world.undo(Back::Steps(1)).await.unwrap()), "V2 R__v");
    let files = [TABLE, added, dropped, VIEW_OF_TABLE];
    world.apply(&files).await.unwrap();
    world.statements(&[by_hand]).await;
    again(&files).await.unwrap();
    world.undo(Back::Steps(1)).await.unwrap();
    assert_eq!(objects(&world).await, "hand v");
}

pub(crate) async fn a_repeatable_that_is_made_again_keeps_the_triggers_of_its_view(world: World) {
    let both = (
        "R__both.sql",
        "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT id, y FROM a; DROP INDEX IF EXISTS ib; CREATE INDEX ib ON b(x);",
    );
    let b = ("V2__b.sql", "CREATE TABLE b(x);");
    let rebuild =
        |first| format!("{first} CREATE TABLE n(x, y); DROP TABLE b; ALTER TABLE n RENAME TO b;");
    world.apply(&[TABLE, b, both]).await.unwrap();
    let by_hand = "create  trigger if not exists \"by hand\" instead of insert on V begin insert into a(id) values (new.id); end";
    world.statements(&[by_hand]).await;
    let third = rebuild("");
    let third = ("V3__b.sql", third.as_str());
    let outcome = world.apply(&[TABLE, b, third, both]).await.unwrap();
    assert_eq!(done(&outcome), "V3 R__both");
    assert_eq!(objects(&world).await, "by hand ib v");
    world.statements(&["INSERT INTO v(id) VALUES (7)"]).await;
    assert_eq!(world.ask("SELECT id FROM a").await, "7");
    // What a file drops stays dropped.
    let fourth = rebuild("DROP TRIGGER IF EXISTS \"by hand\";");
    let fourth = ("V4__b.sql", fourth.as_str());
    world.apply(&[TABLE, b, third, fourth, both]).await.unwrap();
    assert_eq!(objects(&world).await, "ib v");
}

pub(crate) async fn an_edited_repeatable_keeps_the_triggers_of_its_view(world: World) {
    let trigger = (
        "V2__g.sql",
        "CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN INSERT INTO a(id) VALUES (new.id); END;",
    );
    let view =
        |more: &str| format!("DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT id, y{more} FROM a;");
    let (first, second) = (view(""), view(", 1 AS n"));
    let first = [TABLE, ("R__v.sql", first.as_str())];
    world.apply(&first).await.unwrap();
    world.apply(&[first[0], trigger, first[1]]).await.unwrap();
    let second = [TABLE, trigger, ("R__v.sql", second.as_str())];
    assert_eq!(done(&world.apply(&second).await.unwrap()), "R__v");
    assert_eq!(objects(&world).await, "g v");
    world.statements(&["INSERT INTO v(id) VALUES (7)"]).await;
    assert_eq!(world.ask("SELECT id FROM a").await, "7");
    // A text that drops the trigger by its name, or makes no view, is obeyed.
    let third = format!("DROP TRIGGER IF EXISTS g; {}", view(", 2 AS n"));
    let third = [TABLE, trigger, ("R__v.sql", third.as_str())];
    world.apply(&third).await.unwrap();
    assert_eq!(objects(&world).await, "v");
    let fourth = [TABLE, trigger, ("R__v.sql", "DROP VIEW IF EXISTS v;")];
    world.apply(&fourth).await.unwrap();
    assert_eq!(objects(&world).await, "");
}

pub(crate) async fn undo_makes_no_trigger_of_a_column_that_is_gone(world: World) {
    let added = ("V2__y.sql", "ALTER TABLE t ADD COLUMN y;");
    let down = ("V2__y.down.sql", "ALTER TABLE t DROP COLUMN y;");
    let trigger = (
        "R__g.sql",
        "DROP TRIGGER IF EXISTS g; CREATE TRIGGER g AFTER UPDATE OF rowid, y ON t BEGIN SELECT 1; END;",
    );
    let files = [T, added, down, trigger];
    world.apply(&files).await.unwrap();
    let undone = world.undo(Back::Steps(1)).await.unwrap();
    assert_eq!(done(&undone), "V2");
    assert_eq!(codes(&undone.warnings), "repeatable-pending");
    let outcome = world.apply(&files).await.unwrap();
    assert_eq!(done(&outcome), "V2 R__g");
}

pub(crate) async fn a_repeatable_without_a_transaction_is_made_again_in_the_same_run(world: World) {
    let bare = (
        "R__bare.sql",
        "-- seedbed: no-transaction\nDROP INDEX IF EXISTS b;\nCREATE INDEX b ON t(x);",
    );
    let files = [T, REBUILD, REBUILD_DOWN, bare];
    world.apply(&[T, bare]).await.unwrap();
    let outcome = world.apply(&files).await.unwrap();
    assert_eq!(done(&outcome), "V2 R__bare");
    assert_eq!(objects(&world).await, "b");
    let undone = world.undo(Back::To(1)).await.unwrap();
    assert_eq!(codes(&undone.warnings), "not-made-again");
    assert_eq!(
        pending(&world, &files).await,
        "V2; R__bare: its index b is gone"
    );
}

pub(crate) async fn repeatables_that_drop_each_others_objects_end(world: World) {
    let a = (
        "R__a.sql",
        "DROP VIEW IF EXISTS b; DROP VIEW IF EXISTS a; CREATE VIEW a AS SELECT 1;",
    );
    let b = (
        "R__b.sql",
        "DROP VIEW IF EXISTS a; DROP VIEW IF EXISTS b; CREATE VIEW b AS SELECT 1;",
    );
    for _ in 0..3 {
        world.apply(&[a, b]).await.unwrap();
        assert_eq!(objects(&world).await, "b");
        assert_eq!(pending(&world, &[a, b]).await, "R__a: its view a is gone");
    }
}

pub(crate) async fn an_object_that_is_there_by_another_sort_is_no_reason(world: World) {
    let lenient = (
        "R__v.sql",
        "CREATE VIEW IF NOT EXISTS v AS SELECT x FROM t;",
    );
    let table = ("V1__t.sql", "CREATE TABLE t(x); CREATE TABLE v(x);");
    world.apply(&[table, lenient]).await.unwrap();
    assert_eq!(pending(&world, &[table, lenient]).await, "");
    let temporary = (
        "R__w.sql",
        "CREATE TABLE scratch AS SELECT 1 AS n; DROP TABLE scratch; DROP VIEW IF EXISTS \"W w\"; \
         CREATE VIEW main.[W w] AS SELECT 1;",
    );
    world.apply(&[table, lenient, temporary]).await.unwrap();
    assert_eq!(pending(&world, &[table, lenient, temporary]).await, "");
}

pub(crate) async fn a_row_that_refers_to_nothing_does_not_pass_with_a_repeatable(world: World) {
    let family = (
        "V1__t.sql",
        "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE t(x); CREATE TABLE log(p REFERENCES p(id));",
    );
    let orphan = (
        "R__i.sql",
        "DROP TABLE IF EXISTS cache; CREATE TABLE cache(p REFERENCES p(id)); \
         INSERT INTO cache SELECT x FROM t;",
    );
    world.apply(&[family, orphan]).await.unwrap();
    let drop = (
        "V2__drop.sql",
        "INSERT INTO t VALUES (9); DROP TABLE cache;",
    );
    let Err(ApplyError::Script(error)) = world.apply(&[family, drop, orphan]).await else {
        panic!("it should have failed");
    };
    assert_eq!(error.failed.part, seedbed::history::Part::ForeignKeysAfter);
    assert_eq!(world.recorded().await, "V1 R__i");
    assert_eq!(world.ask("SELECT count(*) FROM t").await, "0");
}

pub(crate) async fn two_runs_at_once_make_it_again_once(world: World) {
    world.apply(&[T, INDEX]).await.unwrap();
    let set: Migrations = set(&[T, REBUILD, INDEX]);
    let options = PlanOptions::default();
    let (one, two) = (Run::new("one"), Run::new("two"));
    let sink = ignore();
    let (one, two) = tokio::join!(
        apply(&world.db, &set, &options, &one, &sink),
        apply(&world.db, &set, &options, &two, &sink),
    );
    let mut both = [done(&one.unwrap()), done(&two.unwrap())];
    both.sort();
    assert_eq!(both, ["", "V2 R__i"]);
    assert_eq!(objects(&world).await, "i");
}

/// A column, and what takes it away again outside of a transaction.
const COLUMN: (&str, &str) = ("V2__y.sql", "ALTER TABLE t ADD COLUMN y;");
const COLUMN_DOWN: (&str, &str) = (
    "V2__y.down.sql",
    "-- seedbed: no-transaction\nALTER TABLE t DROP COLUMN y;",
);
const VIEW_OF_Y: (&str, &str) = (
    "R__v.sql",
    "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT x, y FROM t;",
);

pub(crate) async fn a_down_file_without_a_transaction_drops_the_views_first(world: World) {
    let files = [T, COLUMN, COLUMN_DOWN, VIEW_OF_Y];
    world.apply(&files).await.unwrap();
    let undone = world.undo(Back::Steps(1)).await.unwrap();
    assert_eq!(done(&undone), "V2");
    assert_eq!(
        warned(&undone),
        "R__v is pending: what it makes was dropped, and it cannot be created again on this schema"
    );
    assert_eq!(
        pending(&world, &files).await,
        "V2; R__v: its view v is gone"
    );
    assert_eq!(done(&world.apply(&files).await.unwrap()), "V2 R__v");
    // A view that still compiles is made again at once.
    let kept = ("R__v.sql", VIEW.1);
    world.apply(&[T, COLUMN, COLUMN_DOWN, kept]).await.unwrap();
    let undone = world.undo(Back::Steps(1)).await.unwrap();
    assert_eq!(
        (done(&undone), warned(&undone)),
        ("V2 R__v".to_owned(), String::new())
    );
    assert_eq!(objects(&world).await, "v");
}

pub(crate) async fn an_undo_without_a_transaction_that_had_no_effect_leaves_everything(
    world: World,
) {
    let down = (
        "V2__y.down.sql",
        "-- seedbed: no-transaction\nPRAGMA foreign_keys = OFF;\nALTER TABLE t DROP COLUMN z;",
    );
    let files = [T, COLUMN, down, VIEW];
    world.apply(&files).await.unwrap();
    for _ in 0..2 {
        let error = world.undo(Back::Steps(1)).await;
        let Err(ApplyError::Script(error)) = error else {
            panic!("it should have failed: {error:?}");
        };
        assert!(!ApplyError::Script(error).left_something());
        let history = world.history().await;
        assert!(
            history
                .rows
                .iter()
                .all(|row| row.state == Recorded::Applied)
        );
        assert_eq!(history.version(), Some(2));
        assert_eq!(objects(&world).await, "v");
        assert_eq!(pending(&world, &files).await, "");
    }
}

pub(crate) async fn a_migration_without_a_transaction_that_had_no_effect_is_pending(world: World) {
    let keyed = (
        "V1__t.sql",
        "CREATE TABLE t(x INTEGER PRIMARY KEY); INSERT INTO t VALUES (3);",
    );
    for fails in [
        "CREATE TABLE t(x);",
        "SELECT 1; BEGIN; INSERT INTO t VALUES (1); DROP TABLE u; COMMIT;",
        "INSERT INTO t VALUES (2), (3);",
    ] {
        let text = format!("-- seedbed: no-transaction\n{fails}");
        let bare = ("V2__b.sql", text.as_str());
        world.apply(&[keyed, bare]).await.unwrap_err();
        assert_eq!(world.recorded().await, "V1", "{fails}");
        assert_eq!(world.ask("SELECT x FROM t").await, "3");
    }
    let right = ("V2__b.sql", "-- seedbed: no-transaction\nREINDEX;");
    assert_eq!(done(&world.apply(&[keyed, right]).await.unwrap()), "V2");
    // The first of these rows stays.
    let half = (
        "V3__c.sql",
        "-- seedbed: no-transaction\nINSERT OR FAIL INTO t VALUES (2), (3);",
    );
    world.apply(&[keyed, right, half]).await.unwrap_err();
    assert_eq!(world.recorded().await, "V1 V2 V3");
    assert_eq!(world.ask("SELECT x FROM t ORDER BY x").await, "2 3");
}

pub(crate) async fn a_redo_makes_a_view_from_its_file(world: World) {
    let files = |column: &'static str| {
        let up = format!("ALTER TABLE t ADD COLUMN {column};");
        let down = format!("ALTER TABLE t DROP COLUMN {column};");
        let view = format!("DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT x, {column} FROM t;");
        [T.1.to_owned(), up, down, view]
    };
    let names = ["V1__t.sql", "V2__y.sql", "V2__y.down.sql", "R__v.sql"];
    let run = async |column| {
        let texts = files(column);
        let files: Vec<(&str, &str)> = names
            .into_iter()
            .zip(texts.iter().map(String::as_str))
            .collect();
        let set = set(&files);
        let options = RedoOptions::default().steps(1).grouping(Grouping::All);
        let done_now = match column {
            "y" => done(&world.apply(&files).await.unwrap()),
            _ => {
                let outcome = redo(&world.db, &set, &options, &Run::new("test"), &ignore())
                    .await
                    .unwrap();
                assert_eq!(warned(&outcome), "");
                done(&outcome)
            }
        };
        (done_now, pending(&world, &files).await)
    };
    assert_eq!(run("y").await, ("V1 V2 R__v".to_owned(), String::new()));
    // Both the version and the view were edited.
    assert_eq!(run("z").await, ("V2 V2 R__v".to_owned(), String::new()));
    assert_eq!(
        world
            .ask("SELECT count(*) FROM pragma_table_info('v') WHERE name = 'z'")
            .await,
        "1"
    );
}

/// A table that views, a view on a view, a trigger and an index of repeatables name is rebuilt by files that know nothing of
/// them, in both orders.
pub(crate) async fn migrate_sets_aside_what_is_in_its_way(world: World) {
    let first = (
        "V1__t.sql",
        "CREATE TABLE t(id INTEGER PRIMARY KEY, x, y); CREATE TABLE o(x);",
    );
    let rebuilt = (
        "V2__rebuild.sql",
        "CREATE TABLE n(id INTEGER PRIMARY KEY, x, y, z); INSERT INTO n SELECT id, x, y, 1 FROM t; DROP TABLE t; \
         ALTER TABLE n RENAME TO t;",
    );
    let other_order = (
        "V3__other_order.sql",
        "ALTER TABLE t RENAME TO old; CREATE TABLE t(id INTEGER PRIMARY KEY, x, y NOT NULL); \
         INSERT INTO t SELECT id, x, y FROM old; DROP TABLE old;",
    );
    // It is before what it reads, by name.
    let on_view = (
        "R__05_on_view.sql",
        "DROP VIEW IF EXISTS on_view; CREATE VIEW on_view AS SELECT x FROM v;",
    );
    let view = (
        "R__10_view.sql",
        "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT id, x FROM t;",
    );
    let instead = (
        "R__20_instead.sql",
        "DROP TRIGGER IF EXISTS g; CREATE TRIGGER g INSTEAD OF INSERT ON v BEGIN INSERT INTO t(x, y) VALUES (new.x, 0); END;",
    );
    let elsewhere = (
        "R__30_elsewhere.sql",
        "DROP TRIGGER IF EXISTS h; CREATE TRIGGER h AFTER INSERT ON o BEGIN INSERT INTO t(x, y) VALUES (new.x, 1); END;",
    );
    let repeatables = [on_view, view, instead, elsewhere];
    let with = |versions: &[(&'static str, &'static str)]| {
        let files = versions.iter().chain(&repeatables);
        files.copied().collect::<Vec<_>>()
    };
    world.apply(&with(&[first])).await.unwrap();
    // A trigger that no repeatable makes comes back with its view.
    let by_hand =
        "CREATE TRIGGER hand INSTEAD OF DELETE ON v BEGIN DELETE FROM t WHERE id = old.id; END";
    world
        .statements(&[by_hand, "INSERT INTO v(x) VALUES (7)"])
        .await;
    let all = "R__10_view R__05_on_view R__20_instead R__30_elsewhere";
    let files = with(&[first, rebuilt]);
    let outcome = world
        .apply_with(&files, PlanOptions::default().drift(DriftPolicy::Allow))
        .await
        .unwrap();
    assert_eq!(done(&outcome), format!("V2 {all}"));
    assert_eq!(objects(&world).await, "g h hand on_view v");
    let files = with(&[first, rebuilt, other_order]);
    let outcome = world
        .apply_with(&files, PlanOptions::default().drift(DriftPolicy::Allow))
        .await
        .unwrap();
    assert!(
        done(&outcome).starts_with("V3 R__10_view"),
        "{}",
        done(&outcome)
    );
    assert_eq!(objects(&world).await, "g h hand on_view v");
    assert_eq!(pending(&world, &files).await, "");
    world
        .statements(&["INSERT INTO o VALUES (8)", "DELETE FROM v WHERE id = 1"])
        .await;
    assert_eq!(world.ask("SELECT group_concat(x) FROM on_view").await, "8");
}

/// The text of the database is in the way, and the one of the file is not.
pub(crate) async fn migrate_sets_aside_what_an_edited_repeatable_made(world: World) {
    let first = ("V1__t.sql", "CREATE TABLE t(x, y);");
    let drop = ("V2__drop.sql", "ALTER TABLE t DROP COLUMN y;");
    let view =
        |column: &str| format!("DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT {column} FROM t;");
    let index = |column: &str| format!("DROP INDEX IF EXISTS i; CREATE INDEX i ON t({column});");
    let (view_y, index_y) = (view("y"), index("y"));
    let (view_x, index_x) = (view("x"), index("x"));
    let files = [first, ("R__i.sql", &index_y), ("R__v.sql", &view_y)];
    world.apply(&files).await.unwrap();
    // Without an edit nothing could be made again.
    let files = [first, drop, ("R__i.sql", &index_y), ("R__v.sql", &view_y)];
    let words = failure(world.apply(&files).await);
    assert!(words.contains("drop column"), "{words}");
    assert_eq!(objects(&world).await, "i v");
    let files = [first, drop, ("R__i.sql", &index_x), ("R__v.sql", &view_x)];
    assert_eq!(done(&world.apply(&files).await.unwrap()), "V2 R__i R__v");
    assert_eq!(objects(&world).await, "i v");
    assert_eq!(world.ask("SELECT count(x) FROM v").await, "0");
}

pub(crate) async fn what_does_not_compile_behind_the_rebuild_is_refused(world: World) {
    let first = ("V1__t.sql", "CREATE TABLE t(x, y);");
    let view = (
        "R__v.sql",
        "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT y FROM t;",
    );
    let rebuild = (
        "V2__rebuild.sql",
        "CREATE TABLE n(x); INSERT INTO n SELECT x FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;",
    );
    world.apply(&[first, view]).await.unwrap();
    world.statements(&["INSERT INTO t VALUES (1, 2)"]).await;
    let words = failure(world.apply(&[first, rebuild, view]).await);
    assert!(words.contains("no such column: y"), "{words}");
    assert_eq!(world.ask("SELECT y FROM v").await, "2");
    assert_eq!(world.recorded().await, "V1 R__v");
}
