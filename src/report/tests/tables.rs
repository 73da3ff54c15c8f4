use expect_test::{Expect, expect};

use super::STYLE;
use crate::config::{DotEnv, Sources, resolve};
use crate::history::{BASELINE, History, Row, State};
use crate::migrations::{
    Done, Event, Grouping, Migrations, Outcome, PlanOptions, UndoOptions, Verb, plan, undo_plan,
};
use crate::report::{Change, config, dry_run, event, outcome, status, undo_dry_run};
use crate::script::{Key, Revision};

const USERS: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY);\n";

fn set(files: &[(&str, &str)]) -> Migrations {
    Migrations::from_files(
        files
            .iter()
            .map(|(name, text)| (format!("migrations/{name}"), text.as_bytes().to_vec())),
    )
}

fn row(key: Key, name: &str, text: &str) -> Row {
    Row {
        key,
        name: name.to_owned(),
        checksum: crate::migrations::checksum(text),
        state: State::Applied,
        applied_at: "2026-11-21T22:12:51.123Z".to_owned(),
        duration_ms: Some(3),
        run_id: String::new(),
        applied_by: "seedbed 0.1.0, ann@laptop".to_owned(),
        effective: None,
        detail: serde_json::Map::new(),
        has_down: false,
        source: Some(text.to_owned()),
        down: None,
    }
}

fn history(rows: Vec<Row>) -> History {
    History {
        revision: Revision(7),
        rows,
        ..History::default()
    }
}

fn check_status(files: &[(&str, &str)], rows: Vec<Row>, expect: &Expect) {
    let history = history(rows);
    let plan = plan(&set(files), &history, &PlanOptions::default());
    expect.assert_eq(&status(&plan, &history, STYLE));
}

#[test]
fn status_has_a_line_for_each_migration_and_sums_up() {
    let mut slow = row(Key::Migration(2), "orders", "SELECT 2;\n");
    slow.duration_ms = Some(12_345);
    let mut taken = row(Key::Migration(1), "users", USERS);
    taken.duration_ms = None;
    taken.detail.insert(BASELINE.to_owned(), true.into());
    check_status(
        &[
            ("V1__users.sql", USERS),
            ("V2__orders.sql", "SELECT 2;\n"),
            (
                "V20261121221251__日本語_words_that_are_longer.sql",
                "SELECT 3;\n",
            ),
            ("R__views.sql", "SELECT 4;\n"),
        ],
        vec![taken, slow],
        &expect![[r#"
            state      version          name                          applied at               took      checksum
            ✓ applied  V1               users                         2026-11-21 22:12:51 UTC  baseline  6869107c
            ✓ applied  V2               orders                        2026-11-21 22:12:51 UTC    12.3 s  a41109d2
            ○ pending  V20261121221251  日本語_words_that_are_longer                                     fa4a7157
            ○ pending  R                views                                                            c980053b

            2 applied, 2 pending; the database is at V2
        "#]],
    );
}

#[test]
fn status_shows_what_is_wrong_below_the_table() {
    let mut started = row(Key::Migration(4), "vacuum", "VACUUM;\n");
    started.state = State::Started;
    started.duration_ms = None;
    check_status(
        &[
            ("V1__users.sql", USERS),
            ("V3__more.sql", "SELECT 3;\n"),
            ("V4__vacuum.sql", "-- seedbed: no-transaction\nVACUUM;\n"),
        ],
        vec![
            row(Key::Migration(1), "users", "CREATE TABLE users (id);\n"),
            row(Key::Migration(2), "orders", "SELECT 2;\n"),
            started,
            row(Key::Migration(5), "later", "SELECT 5;\n"),
        ],
        &expect![[r#"
            state      version  name    applied at               took  checksum
            ✗ edited   V1       users   2026-11-21 22:12:51 UTC  3 ms  4bba5af4
            ✗ missing  V2       orders  2026-11-21 22:12:51 UTC  3 ms  a41109d2
            ○ pending  V3       more                                   fa4a7157
            … started  V4       vacuum  2026-11-21 22:12:51 UTC        073c8f4a
            ↑ ahead    V5       later   2026-11-21 22:12:51 UTC  3 ms  645eff3a

            1 ahead, 1 pending, 1 edited, 1 missing, 1 started; the database is at V5

            error[edited]: V1 was changed after it was applied on 2026-11-21 22:12:51 UTC
             --> migrations/V1__users.sql:1
              = help: put the file back as it was and write the change as a new migration; if the database is already as the file says, `cargo xtask repair 1` compares the schema and records the file

            --- V1 as applied
            +++ migrations/V1__users.sql
            @@ -1 +1 @@
            -CREATE TABLE users (id);
            +CREATE TABLE users (id INTEGER PRIMARY KEY);

            error[missing]: V2__orders was applied on 2026-11-21 22:12:51 UTC and has no file any more
              |
              = help: bring the file back: `cargo xtask status --source 2 > migrations/V2__orders.sql` writes it as it was applied
              = help: if it is to be forgotten: `cargo xtask repair 2` removes its record, and drops nothing

            error[out-of-order]: V3 is not applied, but V5, which comes after it, is
             --> migrations/V3__more.sql
              = help: if no other database has applied it, give it the next free version: `cargo xtask renumber V3__more.sql`; or apply it late: `cargo xtask migrate --allow-out-of-order`

            error[started]: V4 was started on 2026-11-21 22:12:51 UTC by seedbed 0.1.0, ann@laptop, outside of a transaction, and has not finished
              |
              = help: if no process runs it any more, look at what it did and resolve it: `cargo xtask repair 4 --applied` if all of it is in the database, `cargo xtask repair 4 --retry` if it is to run again

            warning[ahead]: the database is ahead of these files: V5 is applied, and the newest file is V4
              |
              = help: nothing has to be done where an older release is deployed; otherwise bring the newer files back

            4 errors, 1 warning
        "#]],
    );
}

#[test]
fn status_of_nothing_says_how_to_begin() {
    check_status(
        &[],
        vec![],
        &expect![[r#"
        there are no migrations, neither as files nor in the database; `cargo xtask new NAME` writes the first one
    "#]],
    );
}

#[test]
fn status_before_the_first_run_says_that_nothing_is_applied() {
    check_status(
        &[("V1__users.sql", USERS)],
        vec![],
        &expect![[r#"
            state      version  name   checksum
            ○ pending  V1       users  6869107c

            1 pending; no version is applied
        "#]],
    );
}

const FILES: &[(&str, &str)] = &[
    (
        "V1__users.sql",
        "CREATE TABLE users (id INTEGER PRIMARY KEY);\n\nINSERT INTO users VALUES (1), (2);\n",
    ),
    (
        "V2__orders.sql",
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, user INTEGER);\n",
    ),
    ("V3__no_orders.sql", "DROP TABLE orders;\n"),
    ("V4__vacuum.sql", "-- seedbed: no-transaction\nVACUUM;\n"),
    (
        "R__views.sql",
        "CREATE VIEW one AS\nSELECT 1;\nFROBNICATE everything that there is in this database and then some more;\n",
    ),
];

fn check_dry_run(files: &[(&str, &str)], grouping: Grouping, rows: Vec<Row>, expect: &Expect) {
    let history = history(rows);
    let options = PlanOptions {
        grouping,
        ..PlanOptions::default()
    };
    let plan = plan(&set(files), &history, &options);
    expect.assert_eq(&dry_run(&plan, &history, STYLE));
}

#[test]
fn a_dry_run_says_what_would_run_in_which_transactions_and_why() {
    check_dry_run(
        FILES,
        Grouping::All,
        vec![],
        &expect![[r#"
            5 migrations would run in 3 transactions, and 1 outside of any
              V3 runs with foreign keys off, which DROP TABLE needs
              V4 runs outside of a transaction
              if one fails, those before it stay committed

            transaction 1 of 3
              V1 users  migrations/V1__users.sql
                creates table users (1 column), inserts 2 rows into users
                  migrations/V1__users.sql:1:1  creates table users (1 column)
                  migrations/V1__users.sql:3:1  inserts 2 rows into users
              V2 orders  migrations/V2__orders.sql
                migrations/V2__orders.sql:1:1  creates table orders (2 columns)

            transaction 2 of 3, with foreign keys off
              V3 no_orders  migrations/V3__no_orders.sql
                migrations/V3__no_orders.sql:1:1  drops table orders

            outside of a transaction, statement by statement
              V4 vacuum  migrations/V4__vacuum.sql
                migrations/V4__vacuum.sql:2:1  vacuums

            transaction 3 of 3
              R__views  migrations/R__views.sql
                creates view one and 1 more
                  migrations/R__views.sql:1:1  creates view one
                  migrations/R__views.sql:3:1  FROBNICATE everything that there is in this database and the …

            nothing was changed; no version is applied
        "#]],
    );
}

#[test]
fn a_dry_run_with_a_transaction_for_each() {
    check_dry_run(
        &FILES[..2],
        Grouping::Each,
        vec![],
        &expect![[r#"
            2 migrations would run in 2 transactions
              if one fails, those before it stay committed

            transaction 1 of 2
              V1 users  migrations/V1__users.sql
                creates table users (1 column), inserts 2 rows into users
                  migrations/V1__users.sql:1:1  creates table users (1 column)
                  migrations/V1__users.sql:3:1  inserts 2 rows into users

            transaction 2 of 2
              V2 orders  migrations/V2__orders.sql
                migrations/V2__orders.sql:1:1  creates table orders (2 columns)

            nothing was changed; no version is applied
        "#]],
    );
}

#[test]
fn a_dry_run_of_what_is_applied_says_so() {
    let rows = vec![row(Key::Migration(1), "users", FILES[0].1)];
    check_dry_run(
        &FILES[..1],
        Grouping::All,
        rows,
        &expect![[r#"
        nothing is pending: the database is at V1
    "#]],
    );
}

#[test]
fn a_dry_run_with_errors_would_run_nothing() {
    check_dry_run(
        &[("V1__users.sql", "COMMIT;\n")],
        Grouping::All,
        vec![],
        &expect![[r#"
            error[transaction-control]: COMMIT in a migration: Seedbed itself begins and commits the transaction
             --> migrations/V1__users.sql:1:1
              |
            1 | COMMIT;
              | ^^^^^^
              |
              = note: no BEGIN comes before this COMMIT
              = help: remove every BEGIN and COMMIT: the statements of a file run in one transaction already. What cannot run in one goes into a file of its own with `-- seedbed: no-transaction` at its top

            nothing would run before the errors are settled; nothing was changed
        "#]],
    );
}

#[test]
fn a_dry_run_lists_fifty_statements_of_a_file_and_counts_the_rest() {
    let text: String = (0..20_000)
        .map(|n| format!("INSERT INTO users VALUES ({n});\n"))
        .collect();
    let plan = plan(
        &set(&[("V1__users.sql", &text)]),
        &History::default(),
        &PlanOptions::default(),
    );
    let text = dry_run(&plan, &History::default(), STYLE);
    assert!(
        text.contains("\n      … and 19,950 more statements\n"),
        "{text}"
    );
    assert_eq!(text.lines().count(), 58, "{text}");
}

fn check_undo_dry_run(rows: Vec<Row>, versions: &[i64], expect: &Expect) {
    let history = history(rows);
    let plan = undo_plan(&history, versions, &UndoOptions::default());
    expect.assert_eq(&undo_dry_run(&plan, &history, STYLE));
}

#[test]
fn a_dry_run_of_undo_shows_the_recorded_down_texts() {
    let mut orders = row(Key::Migration(2), "orders", "SELECT 2;\n");
    orders.down = Some("DROP TABLE orders;\nDELETE FROM users WHERE id > 9;\n".to_owned());
    let mut users = row(Key::Migration(1), "users", USERS);
    users.down = Some("-- seedbed: foreign-keys=on\nALTER TABLE a DROP COLUMN b;\n".to_owned());
    check_undo_dry_run(
        vec![users, orders],
        &[2, 1],
        &expect![[r#"
            2 migrations would be undone in 2 transactions
              V2 runs with foreign keys off, which DROP TABLE needs
              V1 runs with foreign keys on again
              if one fails, those before it stay committed

            transaction 1 of 2, with foreign keys off
              V2 orders  V2__orders.down.sql (as recorded)
                drops table orders, deletes from users
                  V2__orders.down.sql (as recorded):1:1  drops table orders
                  V2__orders.down.sql (as recorded):2:1  deletes from users

            transaction 2 of 2
              V1 users  V1__users.down.sql (as recorded)
                V1__users.down.sql (as recorded):2:1  drops column b from a

            nothing was changed; the database is at V2
        "#]],
    );
    check_undo_dry_run(
        vec![],
        &[],
        &expect![[r#"
            there is nothing to undo: no version is applied
        "#]],
    );
    let rows = vec![row(Key::Migration(1), "users", USERS)];
    check_undo_dry_run(
        rows,
        &[1],
        &expect![[r#"
            error[no-down]: V1__users cannot be undone: no down file was recorded with it
              |
              = help: write V1__users.down.sql, then `cargo xtask repair` records it

            nothing would be undone before the errors are settled; nothing was changed
        "#]],
    );
}

fn done(key: Key, verb: Verb, name: &str, statements: usize, duration_ms: Option<i64>) -> Done {
    Done {
        key,
        from: None,
        verb,
        name: name.to_owned(),
        checksum: "9f86d081".to_owned(),
        statements,
        duration_ms,
        applied_at: None,
        file: None,
    }
}

fn check_outcome(change: Change, done: Vec<Done>, version: Option<i64>, expect: &Expect) {
    let what = Outcome {
        done,
        warnings: Vec::new(),
        version,
    };
    expect.assert_eq(&outcome(&what, change, STYLE));
}

#[test]
fn each_command_says_in_its_own_words_what_it_did() {
    let v = Key::Migration;
    check_outcome(
        Change::Migrate,
        vec![
            done(v(1), Verb::Applied, "users", 3, Some(2)),
            done(v(2), Verb::Applied, "orders", 1, Some(1_234)),
            done(
                Key::Repeatable("views".to_owned()),
                Verb::Applied,
                "views",
                1,
                Some(0),
            ),
        ],
        Some(2),
        &expect![[r#"
            applied V1 users (3 statements, 2 ms)
            applied V2 orders (1 statement, 1.2 s)
            applied R__views (1 statement, 0 ms)
            the database is at V2
        "#]],
    );
    check_outcome(
        Change::Undo,
        vec![
            done(v(2), Verb::Removed, "", 2, None),
            done(v(1), Verb::Removed, "", 1, None),
        ],
        None,
        &expect![[r#"
            undone V2 (2 statements)
            undone V1 (1 statement)
            no version is applied
        "#]],
    );
    check_outcome(
        Change::Repair,
        vec![
            done(v(1), Verb::Amended, "users", 0, None),
            done(v(2), Verb::Removed, "", 0, None),
        ],
        Some(1),
        &expect![[r#"
            corrected V1 users in the records
            removed V2 from the records
            the database is at V1
        "#]],
    );
    check_outcome(
        Change::Baseline,
        vec![done(v(1), Verb::Applied, "users", 0, None)],
        Some(1),
        &expect![[r#"
            recorded V1 users as applied
            the database is at V1
        "#]],
    );
    check_outcome(
        Change::Migrate,
        vec![],
        Some(3),
        &expect![[r#"
        nothing to do: the database is at V3
    "#]],
    );
    check_outcome(
        Change::Undo,
        vec![],
        None,
        &expect![[r#"
            nothing to do: no version is applied
        "#]],
    );
}

#[test]
fn whoever_waits_is_told_for_what() {
    let v3 = || Key::Migration(3);
    let lines: Vec<String> = [
        Event::Planned {
            units: 3,
            scripts: 1,
            outlines: Vec::new(),
        },
        Event::Ran(v3()),
        Event::Committed(v3()),
        Event::WaitingForLock,
        Event::WaitingFor(v3(), std::time::Duration::from_secs(10)),
        Event::Moved,
    ]
    .iter()
    .filter_map(|it| event(it, STYLE))
    .collect();
    expect![[r#"
        3 changes in 1 script
        ran V3
        committed, up to V3
        waiting: another connection holds the lock of this database
        V3 is recorded as started: waiting up to 10 s for its run to finish
        another run changed this database meanwhile: reading it again
    "#]]
    .assert_eq(&(lines.join("\n") + "\n"));
}

#[test]
fn the_configuration_is_a_table_of_settings_and_their_origins() {
    let sources = Sources {
        dotenv: Some(DotEnv::parse(
            ".env",
            "DATABASE_FILE=data/app.db\nTURSO_AUTH_TOKEN=secret\n",
        )),
        root: "/app".into(),
        cwd: "/app".into(),
        ..Sources::default()
    };
    let rows = resolve(&sources).rows();
    let names = ["mode", "database", "token", "remote url", "migrations"];
    let rows: Vec<_> = rows
        .into_iter()
        .filter(|row| names.contains(&row.name))
        .collect();
    expect![[r#"
        setting     value        from
        mode        local        default
        database    data/app.db  DATABASE_FILE from .env
        remote url  -
        token       ***          TURSO_AUTH_TOKEN from .env
        migrations  migrations   default
    "#]]
    .assert_eq(&config(&rows, STYLE).replace('\\', "/"));
}
