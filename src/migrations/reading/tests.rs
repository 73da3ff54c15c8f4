use super::*;
use crate::diagnostic::Severity;
use expect_test::{Expect, expect};

fn reading(text: &str, engine: Engine) -> Reading {
    let source = Source {
        name: "V1__x.sql".to_owned(),
        text: text.into(),
    };
    read(&Arc::new(source), engine, &HistoryTable::default())
}

fn check(text: &str, engine: Engine, expected: Expect) {
    let reading = reading(text, engine);
    let mut shown = format!(
        "{} steps, {:?}, foreign keys {:?}\n",
        reading.steps.len(),
        reading.atomicity,
        reading.foreign_keys
    );
    for problem in &reading.problems {
        let place = problem.origin().map_or("-".to_owned(), |origin| {
            let place = origin.place();
            format!("{}:{}", place.line, place.column)
        });
        let severity = match problem.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        shown.push_str(&format!(
            "{place} {severity} {}: {}\n",
            problem.code, problem.message
        ));
    }
    expected.assert_eq(&shown);
}

#[test]
fn a_plain_file_runs_in_a_transaction_with_foreign_keys_on() {
    check(
        "CREATE TABLE a (x);\nINSERT INTO a VALUES (';'); -- done\n",
        Engine::Local,
        expect![[r#"
            2 steps, Transaction, foreign keys On
        "#]],
    );
}

#[test]
fn a_file_that_drops_a_table_runs_with_foreign_keys_off() {
    check(
        "DROP TABLE IF EXISTS a;",
        Engine::Local,
        expect![[r#"
            1 steps, Transaction, foreign keys Off
        "#]],
    );
    check(
        "-- seedbed: foreign-keys=on\nSELECT 1;\n  DROP TABLE a;",
        Engine::Local,
        expect![[r#"
            2 steps, Transaction, foreign keys On
            3:3 warning drop-with-foreign-keys: DROP TABLE with foreign keys on deletes or changes the rows that refer to the table
        "#]],
    );
    // A word in a string or a comment drops nothing.
    check(
        "SELECT 'DROP TABLE a'; -- DROP TABLE a",
        Engine::Local,
        expect![[r#"
            1 steps, Transaction, foreign keys On
        "#]],
    );
}

#[test]
fn a_foreign_keys_pragma_is_taken_out_and_told() {
    check(
        "PRAGMA foreign_keys=OFF;\nUPDATE a SET x = 1;\nPRAGMA foreign_keys=ON;\nDELETE FROM a;",
        Engine::Local,
        expect![[r#"
            2 steps, Transaction, foreign keys Off
            3:1 warning foreign-keys-pragma: PRAGMA foreign_keys has no effect inside a transaction, so it was taken out; foreign keys are off while this file runs
        "#]],
    );
}

#[test]
fn statements_that_begin_or_end_transactions_are_refused() {
    check(
        "begin immediate;\nINSERT INTO a VALUES (1);\nEND;\nROLLBACK;\nCOMMIT TRANSACTION;",
        Engine::Local,
        expect![[r#"
            1 steps, Transaction, foreign keys On
            4:1 error transaction-control: ROLLBACK in a migration: Seedbed itself begins and commits the transaction (and 3 more in this file)
        "#]],
    );
}

#[test]
fn savepoints_must_balance() {
    check(
        "SAVEPOINT a; SAVEPOINT b; ROLLBACK TO b; RELEASE a;",
        Engine::Local,
        expect![[r#"
            4 steps, Transaction, foreign keys On
        "#]],
    );
    check(
        "SAVEPOINT a;\nRELEASE b;\nROLLBACK TO c;",
        Engine::Local,
        expect![[r#"
            3 steps, Transaction, foreign keys On
            2:1 error savepoint: there is no open savepoint b here
            3:1 error savepoint: there is no open savepoint c here
            1:1 error savepoint: the savepoint a is never released
        "#]],
    );
}

#[test]
fn directives_stand_at_the_top_and_are_known() {
    check(
        "-- what it does\n-- seedbed: no-transaction\n-- seedbed: foreign-keys=off\nVACUUM;",
        Engine::Local,
        expect![[r#"
            1 steps, Bare, foreign keys Off
        "#]],
    );
    check(
        "-- seedbed: no-transactions\n-- seedbed: foreign-keys=on\n-- seedbed: foreign-keys=off\nSELECT 1;\n-- seedbed: no-transaction",
        Engine::Local,
        expect![[r#"
            1 steps, Transaction, foreign keys Off
            1:1 error directive: there is no directive `no-transactions`
            3:1 error directive: this directive contradicts the one above
            5:1 error directive: this directive stands below a statement
        "#]],
    );
}

#[test]
fn our_own_tables_are_not_a_migrations_to_change() {
    check(
        "DROP TABLE _migrations;\nCREATE TABLE IF NOT EXISTS \"_Migrations\" (x);\nALTER TABLE _migrations ADD x;\nDELETE FROM _seedbed_rows;\nSELECT * FROM _migrations;",
        Engine::Local,
        expect![[r#"
            5 steps, Transaction, foreign keys Off
            1:12 error reserved-table: this changes _migrations, where Seedbed keeps its records (and 1 more in this file)
            2:28 error reserved-table: this changes _Migrations, where Seedbed keeps its records
            4:13 error reserved-table: this changes _seedbed_rows, where Seedbed keeps its records
        "#]],
    );
}

#[test]
fn memory_refuses_what_nothing_sets_back() {
    let text = "CREATE TEMP TABLE t (x);\nPRAGMA soft_heap_limit = 9;\nPRAGMA synchronous = OFF;\nATTACH 'x.db' AS x;\nPRAGMA user_version = 3;\nPRAGMA journal_mode;";
    check(
        text,
        Engine::Memory,
        expect![[r#"
            6 steps, Transaction, foreign keys On
            2:1 error refused: PRAGMA soft_heap_limit outlives the script: a database in memory keeps its one connection
            3:1 warning pragma-without-effect: PRAGMA synchronous has no effect inside a transaction, so it was taken out
            4:1 error refused: ATTACH and DETACH outlive the script: a database in memory keeps its one connection
        "#]],
    );
    check(
        text,
        Engine::Local,
        expect![[r#"
            5 steps, Transaction, foreign keys On
            3:1 warning pragma-without-effect: PRAGMA synchronous has no effect inside a transaction, so it was taken out
        "#]],
    );
}

#[test]
fn memory_sets_back_what_a_local_connection_takes_along() {
    for text in [
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA temp_store=MEMORY; CREATE TABLE a (x);",
        "PRAGMA busy_timeout=5000; PRAGMA cache_size=-8000; PRAGMA mmap_size=9; CREATE TABLE a (x);",
        "PRAGMA legacy_alter_table=OFF; CREATE TEMP TABLE x (y); DROP TABLE x; CREATE TABLE a (x);",
    ] {
        let shown = |engine| {
            let problems = reading(text, engine).problems.into_iter();
            problems.map(|it| it.message).collect::<Vec<String>>()
        };
        assert_eq!(shown(Engine::Memory), shown(Engine::Local), "{text}");
    }
    let read = reading(
        "PRAGMA legacy_alter_table=ON;\nCREATE TEMP VIEW \"a b\" AS SELECT 1;",
        Engine::Memory,
    );
    let own: Vec<_> = read.steps[2..]
        .iter()
        .map(|it| it.sql.to_string())
        .collect();
    assert_eq!(
        own,
        [
            "PRAGMA legacy_alter_table = OFF",
            "DROP VIEW IF EXISTS temp.\"a b\""
        ]
    );
    assert_eq!(read.leaves, Leaves::default());
    // There, they run.
    let bare = reading(
        "-- seedbed: no-transaction\nPRAGMA journal_mode=WAL;",
        Engine::Memory,
    );
    assert_eq!(bare.problems[0].code, "refused");
}

#[test]
fn nothing_is_said_of_foreign_keys_where_nothing_depends_on_them() {
    let rebuild = "CREATE TABLE n (x); INSERT INTO n SELECT x FROM a; DROP TABLE a; ALTER TABLE n RENAME TO a;";
    for text in [
        format!(
            "PRAGMA foreign_keys=OFF; {rebuild} PRAGMA foreign_keys=ON; CREATE UNIQUE INDEX i ON a (x);"
        ),
        format!(
            "PRAGMA defer_foreign_keys=ON; PRAGMA foreign_keys=OFF; {rebuild} PRAGMA foreign_keys=ON; \
             PRAGMA defer_foreign_keys=OFF;"
        ),
        "PRAGMA foreign_keys=OFF;".to_owned(),
        "PRAGMA foreign_keys=OFF; CREATE TABLE a (x);".to_owned(),
    ] {
        assert_eq!(problems(&text), [""; 0], "{text}");
    }
    let prisma = "PRAGMA defer_foreign_keys=ON; DROP TABLE a; PRAGMA defer_foreign_keys=OFF;";
    assert_eq!(statements(prisma).len(), 2);
}

#[test]
fn a_value_that_is_neither_on_nor_off_is_an_error() {
    for (text, help) in [
        (
            "foreign_keys=onn",
            "did you mean `PRAGMA foreign_keys = ON`?",
        ),
        (
            "defer_foreign_keys(ture)",
            "did you mean `PRAGMA defer_foreign_keys = TRUE`?",
        ),
        ("recursive_triggers=enabled", "write ON or OFF"),
    ] {
        let found = reading(&format!("PRAGMA {text};"), Engine::Local).problems;
        let found: Vec<_> = found.iter().filter(|it| it.is_error()).collect();
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(
            (found[0].code, found[0].help[0].as_str()),
            ("pragma-value", help)
        );
    }
    for value in ["ON", "'off'", "\"yes\"", "No", "1", "0", "true", "FALSE"] {
        assert_eq!(
            problems(&format!("PRAGMA foreign_keys = {value};")),
            [""; 0],
            "{value}"
        );
    }
    assert_eq!(problems("PRAGMA secure_delete = FAST;"), [""; 0]);
}

#[test]
fn a_statement_that_query_only_keeps_from_writing_is_an_error() {
    let found = problems(
        "CREATE TABLE a (x);\nPRAGMA query_only = ON;\nSELECT 1;\nINSERT INTO a VALUES (1);",
    );
    assert_eq!(found, ["4:1 error query-only"]);
    assert_eq!(
        problems("PRAGMA query_only = ON; PRAGMA query_only = OFF; CREATE TABLE a (x);"),
        [""; 0]
    );
}

#[test]
fn row_level_security_is_refused_in_every_mode() {
    let text = "CREATE POLICY user_isolation ON users\n  USING (auth.user_id() = id);\nALTER TABLE users ENABLE ROW LEVEL SECURITY;";
    for engine in [Engine::Local, Engine::Memory, Engine::Server] {
        let found = reading(text, engine).problems;
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].code, "refused");
        assert_eq!(
            found[0].message,
            "libSQL has no row-level security: enforce policies in the application, or give each tenant a database of its \
             own (and 1 more in this file)"
        );
    }
}

#[test]
fn what_cannot_be_split_is_a_problem() {
    check(
        "SELECT 1;\nSELECT 'never closed;\n",
        Engine::Local,
        expect![[r#"
            0 steps, Transaction, foreign keys On
            2:8 error syntax: the string is never closed: a ' is missing
        "#]],
    );
}

/// Each text has these problems, one a line: place, severity, code.
#[track_caller]
fn problems(text: &str) -> Vec<String> {
    let shown = |problem: &Diagnostic| {
        let place = problem.origin().map_or("-".to_owned(), |origin| {
            let place = origin.place();
            format!("{}:{}", place.line, place.column)
        });
        format!("{place} {:?} {}", problem.severity, problem.code).to_lowercase()
    };
    reading(text, Engine::Local)
        .problems
        .iter()
        .map(shown)
        .collect()
}

fn statements(text: &str) -> Vec<String> {
    let reading = reading(text, Engine::Local);
    reading
        .steps
        .iter()
        .map(|step| step.sql.to_string())
        .collect()
}

#[test]
fn balanced_transactions_are_taken_out_with_one_warning() {
    for text in [
        "BEGIN;\nCREATE TABLE a (x);\nCOMMIT;",
        "begin immediate transaction;\nCREATE TABLE a (x);\nEND TRANSACTION;",
        "BEGIN DEFERRED; CREATE TABLE a (x); COMMIT TRANSACTION; BEGIN EXCLUSIVE; COMMIT;",
        "PRAGMA foreign_keys=OFF;\nBEGIN;\nCREATE TABLE a (x);\nCOMMIT;\nPRAGMA foreign_keys=ON;",
        "BEGIN; CREATE TABLE a (x); COMMIT; PRAGMA foreign_keys=ON;",
        "COMMIT; PRAGMA foreign_keys=OFF; BEGIN; CREATE TABLE a (x); COMMIT; PRAGMA foreign_keys=ON; BEGIN;",
        "PRAGMA defer_foreign_keys=ON; BEGIN; CREATE TABLE a (x); COMMIT; PRAGMA defer_foreign_keys=OFF;",
        "CREATE TABLE a (x);\nCOMMIT; PRAGMA foreign_keys=OFF; BEGIN;",
    ] {
        assert_eq!(statements(text), ["CREATE TABLE a (x)"], "{text}");
        let found = problems(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(
            found[0].ends_with("warning transaction-control"),
            "{text}: {found:?}"
        );
    }
    check(
        "COMMIT;\nPRAGMA foreign_keys=OFF;\nBEGIN;\nUPDATE a SET x = 1;\nCOMMIT;\nPRAGMA foreign_key_check;\nPRAGMA foreign_keys=ON;\nBEGIN;",
        Engine::Local,
        expect![[r#"
            2 steps, Transaction, foreign keys Off
            1:1 warning transaction-control: BEGIN, COMMIT and PRAGMA foreign_keys were taken out (4 statements begin or end a transaction): the whole file runs in one transaction, and foreign keys are off meanwhile
        "#]],
    );
    check(
        "BEGIN;\nUPDATE a SET x = 1;\nCOMMIT;",
        Engine::Local,
        expect![[r#"
            1 steps, Transaction, foreign keys On
            1:1 warning transaction-control: BEGIN and COMMIT were taken out (2 statements begin or end a transaction): the whole file runs in one transaction
        "#]],
    );
}

#[test]
fn transactions_whose_removal_would_change_the_meaning_are_one_error() {
    for text in [
        "BEGIN; CREATE TABLE a (x);",
        "CREATE TABLE a (x); COMMIT;",
        "CREATE TABLE a (x); BEGIN; CREATE TABLE b (x); COMMIT;",
        "BEGIN; CREATE TABLE a (x); COMMIT; CREATE TABLE b (x);",
        "BEGIN; BEGIN; COMMIT; COMMIT;",
        "BEGIN; CREATE TABLE a (x); ROLLBACK;",
        "PRAGMA journal_mode=WAL; BEGIN; CREATE TABLE a (x); COMMIT;",
        "BEGIN CREATE TABLE a (x); COMMIT;",
        "COMMIT; PRAGMA foreign_keys=OFF; BEGIN; CREATE TABLE a (x); COMMIT; PRAGMA foreign_keys=ON;",
        "-- seedbed: no-transaction\nBEGIN; CREATE TABLE a (x);",
        "-- seedbed: no-transaction\nCOMMIT;",
        "-- seedbed: no-transaction\nBEGIN; ROLLBACK;",
    ] {
        let found = problems(text);
        let errors = found
            .iter()
            .filter(|it| it.ends_with("error transaction-control"));
        assert_eq!(errors.count(), 1, "{text}: {found:?}");
        assert!(
            !found.iter().any(|it| it.contains("warning transaction")),
            "{text}: {found:?}"
        );
    }
    check(
        "BEGIN;\nDELETE FROM a;\nCOMMIT;\nDELETE FROM b;\nBEGIN;\nDELETE FROM c;\nCOMMIT;",
        Engine::Local,
        expect![[r#"
            3 steps, Transaction, foreign keys On
            1:1 error transaction-control: BEGIN in a migration: Seedbed itself begins and commits the transaction (and 3 more in this file)
        "#]],
    );
}

#[test]
fn a_file_outside_of_transactions_manages_its_own() {
    let text = "-- seedbed: no-transaction\nBEGIN;\nUPDATE a SET x = 1;\nCOMMIT;\nVACUUM;";
    assert_eq!(
        statements(text),
        ["BEGIN", "UPDATE a SET x = 1", "COMMIT", "VACUUM"]
    );
    assert_eq!(problems(text), [""; 0]);
}

#[test]
fn a_foreign_keys_pragma_that_agrees_is_silent() {
    for text in [
        "PRAGMA foreign_keys=ON;\nUPDATE a SET x = 1;",
        "PRAGMA foreign_keys=OFF;\nUPDATE a SET x = 1;\nPRAGMA foreign_keys=ON;",
        "PRAGMA foreign_keys=OFF;\nDROP TABLE a;\nPRAGMA foreign_keys=ON;",
        "DROP TABLE a;\nPRAGMA foreign_keys=ON;",
        "PRAGMA foreign_keys=ON;",
        "PRAGMA foreign_keys;\nUPDATE a SET x = 1;",
    ] {
        assert_eq!(problems(text), [""; 0], "{text}");
    }
    for (text, place) in [
        ("PRAGMA foreign_keys=ON;\nDROP TABLE a;", "1:1"),
        (
            "PRAGMA foreign_keys=OFF;\nDROP TABLE a;\nPRAGMA foreign_keys=ON;\nUPDATE b SET x = 1;",
            "3:1",
        ),
        ("UPDATE a SET x = 1;\nPRAGMA foreign_keys=OFF;", "2:1"),
        (
            "-- seedbed: foreign-keys=on\nPRAGMA foreign_keys=OFF;\nUPDATE a SET x = 1;",
            "2:1",
        ),
    ] {
        assert_eq!(
            problems(text),
            [format!("{place} warning foreign-keys-pragma")],
            "{text}"
        );
    }
}

#[test]
fn a_pragma_without_effect_is_one_warning_of_its_kind() {
    let effect = "1:1 warning pragma-without-effect";
    for text in [
        "PRAGMA journal_mode=WAL;",
        "PRAGMA journal_mode=WAL; PRAGMA journal_mode(wal); PRAGMA main.journal_mode=DELETE;",
        "PRAGMA synchronous=NORMAL;",
        "PRAGMA temp_store=MEMORY; PRAGMA temp_store=2;",
        "PRAGMA auto_vacuum=FULL;",
        "PRAGMA page_size=8192;",
        "PRAGMA encoding='UTF-16';",
    ] {
        assert_eq!(problems(text), [effect], "{text}");
    }
    assert_eq!(
        statements("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; SELECT 1;"),
        ["SELECT 1"]
    );
    for text in [
        "-- seedbed: no-transaction\nPRAGMA journal_mode=WAL;",
        "-- seedbed: no-transaction\nPRAGMA auto_vacuum=FULL; PRAGMA page_size=8192; VACUUM;",
        "PRAGMA journal_mode; PRAGMA page_size; PRAGMA encoding='UTF-8'; PRAGMA user_version=3;",
        "PRAGMA application_id=7; PRAGMA cache_size=-8000; PRAGMA recursive_triggers=ON;",
        "PRAGMA defer_foreign_keys=ON; UPDATE a SET x = 1;",
    ] {
        assert_eq!(problems(text), [""; 0], "{text}");
    }
    assert_eq!(
        problems("-- seedbed: no-transaction\nPRAGMA page_size=8192;"),
        ["2:1 warning pragma-without-effect"]
    );
    assert_eq!(
        problems("-- seedbed: no-transaction\nPRAGMA defer_foreign_keys=ON;"),
        ["2:1 warning pragma-without-effect"]
    );
    let forgets = "PRAGMA defer_foreign_keys=ON;\nDELETE FROM a;\nPRAGMA defer_foreign_keys=OFF;";
    assert_eq!(problems(forgets), ["3:1 warning pragma-without-effect"]);
    assert_eq!(statements(forgets).len(), 2);
}

#[test]
fn a_pragma_that_sqlite_does_not_know_is_named() {
    for (name, meant) in [
        ("foreign_key", "foreign_keys"),
        ("jurnal_mode", "journal_mode"),
        ("FOREIGN_KEYS_", "foreign_keys"),
        ("synchronus", "synchronous"),
    ] {
        let text = format!("PRAGMA {name}=ON;");
        assert_eq!(problems(&text), ["1:1 warning unknown-pragma"], "{text}");
        assert_eq!(pragmas::meant(&name.to_ascii_lowercase()), Some(meant));
    }
}

#[test]
fn what_a_connection_remembers_is_known() {
    let leaves = |text: &str| {
        let leaves = reading(text, Engine::Local).leaves;
        let resets: Vec<String> = leaves
            .resets
            .iter()
            .map(|step| step.sql.to_string())
            .collect();
        (resets.join("; "), leaves.until)
    };
    let reset = |sql: &str| (sql.to_owned(), Until::File);
    let script = (String::new(), Until::Script);
    assert_eq!(
        leaves("PRAGMA legacy_alter_table=ON; PRAGMA legacy_alter_table(1);"),
        reset("PRAGMA legacy_alter_table = OFF")
    );
    assert_eq!(
        leaves("PRAGMA writable_schema=1;"),
        reset("PRAGMA writable_schema = RESET")
    );
    assert_eq!(leaves("PRAGMA legacy_alter_table;"), reset(""));
    assert_eq!(
        leaves("PRAGMA user_version=4; PRAGMA application_id=4;"),
        reset("")
    );
    assert_eq!(leaves("CREATE TEMP TABLE t (x);"), script);
    assert_eq!(leaves("CREATE TABLE temp.t (x);"), script);
    assert_eq!(leaves("ATTACH 'a.db' AS a;"), script);
    assert_eq!(leaves("PRAGMA defer_foreign_keys=ON;"), script);
}

#[test]
fn a_file_of_comments_does_nothing_and_an_empty_one_is_a_problem() {
    for text in ["-- nothing to do", "/* a */;\n-- b\n", "-- nothing\n;;\n"] {
        assert_eq!(
            (problems(text), statements(text)),
            (vec![], vec![]),
            "{text:?}"
        );
        assert!(is_comments_only(text));
    }
    for text in ["", "\n \t\n", ";;\n"] {
        assert_eq!(problems(text), ["- error empty"], "{text:?}");
        assert!(!is_comments_only(text));
    }
}

#[test]
fn a_parameter_that_nothing_binds_is_an_error() {
    check(
        "INSERT INTO a VALUES (?, :name, @x, $y);",
        Engine::Local,
        expect![[r#"
            1 steps, Transaction, foreign keys On
            1:23 error parameter: this is a parameter, and a migration has no values for parameters: it would be NULL (and 3 more in this file)
        "#]],
    );
    for text in [
        "UPDATE a SET x = ?1;",
        "CREATE TRIGGER r AFTER INSERT ON a BEGIN UPDATE a SET x = :x; END;",
        "SELECT $1;",
    ] {
        let found = problems(text);
        assert!(
            found.len() == 1 && found[0].ends_with("error parameter"),
            "{text}: {found:?}"
        );
    }
    for text in [
        "SELECT '?', ':name', \"@x\", [$y]; -- ?1\n/* :name */",
        "SELECT x ->> '$.a' FROM a;",
    ] {
        assert_eq!(problems(text), [""; 0], "{text}");
    }
}

#[test]
fn our_own_tables_are_safe_however_they_are_named() {
    for text in [
        "WITH a AS (SELECT 1) DELETE FROM _migrations;",
        "DELETE FROM \"main\"._migrations;",
        "UPDATE [main].[_migrations] SET name = 'x';",
        "UPDATE OR IGNORE _migrations SET name = 'x';",
        "REPLACE INTO '_migrations' VALUES (1);",
        "DROP TABLE main._migrations;",
        "CREATE TABLE temp._migrations (x);",
        "CREATE TRIGGER r AFTER INSERT ON _migrations BEGIN SELECT 1; END;",
        "CREATE TEMP TRIGGER r AFTER INSERT ON main._migrations BEGIN SELECT 1; END;",
        "CREATE TRIGGER r AFTER INSERT ON a BEGIN DELETE FROM _migrations; END;",
        "ALTER TABLE a RENAME TO _seedbed_rows;",
        "ALTER TABLE _SEEDBED_rows RENAME TO a;",
        "CREATE INDEX i ON _migrations (name);",
        "CREATE VIEW _seedbed_x AS SELECT 1;",
        "CREATE VIRTUAL TABLE _seedbed_x USING fts5(a);",
    ] {
        let found = problems(text);
        assert!(
            found.iter().any(|it| it.ends_with("error reserved-table")),
            "{text}: {found:?}"
        );
    }
    for text in [
        "CREATE VIEW applied AS SELECT version FROM _migrations;",
        "INSERT INTO a SELECT version FROM _migrations;",
        "UPDATE a SET x = (SELECT max(version) FROM _migrations);",
        "CREATE TABLE my_migrations (x); CREATE TABLE _migrations_of_mine (x);",
        "INSERT INTO a VALUES ('DELETE FROM _migrations');",
    ] {
        assert_eq!(problems(text), [""; 0], "{text}");
    }
}

#[test]
fn a_template_is_one_error_that_names_its_syntax() {
    for (text, syntax) in [
        (
            "CREATE TABLE {{ name }} (x); INSERT INTO {{ name }} VALUES ({{ x }});",
            "{{…}}",
        ),
        ("CREATE TABLE ${name} (x); DROP TABLE ${name};", "${…}"),
        ("CREATE TABLE <%= name %> (x);", "<% … %>"),
        ("{% if x %}\nSELECT 1;\n{% endif %}", "{% … %}"),
        ("CREATE TABLE #{name} (x);", "#{…}"),
        ("CREATE TABLE {name} (x);", "{…}"),
    ] {
        let found = reading(text, Engine::Local).problems;
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(found[0].code, "template", "{text}");
        assert!(
            found[0].message.contains(syntax),
            "{text}: {}",
            found[0].message
        );
    }
    assert_eq!(
        problems("SELECT '{{a}} ${b} <%= c %>'; -- {{d}}\n"),
        [""; 0]
    );
    let text = "INSERT INTO a VALUES ({{x}});\n".repeat(26);
    let found = reading(&text, Engine::Local).problems;
    assert!(
        found[0].message.ends_with("(and 25 more in this file)"),
        "{}",
        found[0].message
    );
}

#[test]
fn a_conflict_of_a_merge_is_one_error() {
    for text in [
        "<<<<<<< HEAD\nCREATE TABLE a (x);\n=======\nCREATE TABLE a (y);\n>>>>>>> branch\n",
        "CREATE TABLE a (\n<<<<<<< HEAD\n  x\n||||||| base\n  w\n=======\n  y\n>>>>>>> branch\n);",
        "SELECT 1;\n=======\nSELECT 2;",
        "/* one\n<<<<<<< HEAD\n two\n=======\n three\n>>>>>>> branch\n*/ SELECT 1;",
    ] {
        let found = problems(text);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(
            found[0].ends_with("error merge-conflict"),
            "{text}: {found:?}"
        );
    }
    for text in [
        "INSERT INTO a VALUES ('\n<<<<<<< HEAD\n=======\n>>>>>>> branch\n');",
        "/*\n=======\n Users\n=======\n*/ SELECT 1;",
        "-- =======\nSELECT 1;",
    ] {
        assert_eq!(problems(text), [""; 0], "{text}");
    }
}

#[test]
fn a_comment_that_ends_with_cr_alone_swallows_nothing() {
    assert_eq!(
        problems("-- users\rCREATE TABLE a (x);\r"),
        ["1:9 error line-end"]
    );
    assert_eq!(
        problems("SELECT 1; -- one\rDROP TABLE a;\nSELECT 2;"),
        ["1:17 error line-end"]
    );
    for text in [
        "SELECT 1;\rSELECT 2;",
        "SELECT '-- a\rb';",
        "SELECT 1; -- a\r\r\nSELECT 2;",
        "/* a\rb */ SELECT 1; -- c\r",
    ] {
        assert_eq!(problems(text), [""; 0], "{text:?}");
    }
}

#[test]
fn a_hundred_thousand_statements_in_one_line_are_read_in_linear_time() {
    let text = "INSERT INTO t (a, b) VALUES (1, 2); /* a */ ".repeat(100_000);
    assert_eq!(statements(&text).len(), 100_000);
}

#[test]
fn an_invisible_character_is_an_error_with_its_number() {
    for (text, place, number) in [
        ("CREATE\u{a0}TABLE a (x);", "1:7", "U+00A0 (no-break space)"),
        ("CREATE TABLE us\u{200b}ers (x);", "1:16", "U+200B"),
        ("CREATE TABLE a (x\u{202f}INTEGER);", "1:18", "U+202F"),
        ("SELECT 1;\u{feff}SELECT 2;", "1:10", "U+FEFF"),
        ("CREATE TABLE a\u{feff}b (x);", "1:15", "U+FEFF"),
        ("SELECT\u{3000}1;", "1:7", "U+3000"),
        ("CREATE TABLE \u{202e}a (x);", "1:14", "U+202E"),
        (
            "CREATE TABLE a (x DEFAULT 0\u{a0}NOT NULL);",
            "1:28",
            "U+00A0",
        ),
    ] {
        let found = reading(text, Engine::Local).problems;
        let invisible = found
            .iter()
            .find(|it| it.code == "invisible-character")
            .unwrap();
        assert!(
            invisible.message.contains(number),
            "{text}: {}",
            invisible.message
        );
        let at = invisible.origin().unwrap().place();
        assert_eq!(format!("{}:{}", at.line, at.column), place, "{text}");
    }
    for text in [
        "SELECT 'a\u{a0}b', \"c\u{200b}d\"; -- \u{a0}\n/* \u{feff} */",
        "CREATE TABLE gr\u{f6}\u{df}e (x);",
    ] {
        assert_eq!(problems(text), [""; 0], "{text}");
    }
}

#[test]
fn a_place_is_in_the_file_as_it_is_written() {
    let text = "-- +goose Up\nCREATE TABLE t (x);\nINSERT INTO t VALUES (?);\n-- +goose Down\nDROP TABLE t;\n";
    let file = ("m/1_a.sql".to_owned(), text.as_bytes().to_vec());
    let set = crate::migrations::Migrations::from_files([file]);
    let up = &set.versioned[0].up;
    assert_ne!(&*up.source.text, text);
    let reading = read_text(up, Engine::Local, &HistoryTable::default());
    assert_eq!(reading.steps.len(), 2);
    assert_eq!(reading.problems.len(), 1);
    let steps = reading.steps.iter().filter_map(Step::source);
    let problems = reading.problems.iter().filter_map(Diagnostic::origin);
    for source in steps.chain(problems.map(|it| &it.source)) {
        assert_eq!(&*source.text, text);
    }
}
