//! The guards as the program prints them, and what only a file can go wrong with.

use expect_test::expect;

use crate::project::Project;

const FAMILY: &str = "CREATE TABLE p (id INTEGER PRIMARY KEY);\nCREATE TABLE c (id INTEGER PRIMARY KEY, pid INTEGER REFERENCES p(id) ON DELETE CASCADE);\n";

fn family() -> Project {
    Project::new().migration("V1__family", FAMILY)
}

#[test]
fn a_rebuild_in_the_wrong_order_is_refused_by_migrate_and_by_check() {
    let project = family().migration(
        "V2__rebuild",
        "ALTER TABLE p RENAME TO p_old;\nCREATE TABLE p (id INTEGER PRIMARY KEY, name);\n\
         INSERT INTO p (id) SELECT id FROM p_old;\nDROP TABLE p_old;\n",
    );
    project.run("check").check(expect![[r#"
        $ seedbed check
        2> error[fails]: V2 leaves a foreign key whose parent table does not exist, so that every write to its table fails
        2>  --> migrations/V2__rebuild.sql:1:1
        2>   |
        2> 1 | ALTER TABLE p RENAME TO p_old;
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = note: c (pid) refers to p_old
        2>   = note: c referred to p before: renaming a table also changes the foreign keys that refer to it
        2>   = help: rebuild a table in this order: create the new table under another name, copy the rows, drop the old table, rename the new table to p
        exit 4
    "#]]);
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> this run takes 2 transactions; V2 runs with foreign keys off, which DROP TABLE needs; if one fails, those before it stay committed
        2> error[lost-parent]: V2 leaves a foreign key whose parent table does not exist, so that every write to its table fails
        2>  --> migrations/V2__rebuild.sql:1:1
        2>   |
        2> 1 | ALTER TABLE p RENAME TO p_old;
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = note: c (pid) refers to p_old
        2>   = note: c referred to p before: renaming a table also changes the foreign keys that refer to it
        2>   = note: rolled back: V2
        2>   = help: rebuild a table in this order: create the new table under another name, copy the rows, drop the old table, rename the new table to p, then run `seedbed migrate` again
        2>
        2> V1 was applied before by this run, and stands; the database is at V1
        exit 1
    "#]]);
    assert_eq!(project.state(), "recorded: V1; tables: c p");
}

#[test]
fn new_orphans_are_listed_with_their_keys() {
    let project = family().after("migrate");
    project.change(&[
        "INSERT INTO p VALUES (1), (2)",
        "INSERT INTO c VALUES (10, 1), (11, 2)",
    ]);
    let project = project.migration(
        "V2__fewer",
        "DELETE FROM p WHERE id = 1;\nCREATE TABLE gone (x);\nDROP TABLE gone;\n",
    );
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[foreign-keys]: V2 leaves rows whose parent is gone
        2>  --> migrations/V2__fewer.sql:1:1
        2>   |
        2> 1 | DELETE FROM p WHERE id = 1;
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = note: c, row 10: pid = 1 has no parent in p
        2>   = note: foreign keys are off while this file runs, because it has a DROP TABLE, so ON DELETE CASCADE did nothing
        2>   = note: rolled back: V2
        2>   = help: let migrations/V2__fewer.sql delete or change these rows itself; or write `-- seedbed: foreign-keys=on` at its top: ON DELETE then works, also for the rows that refer to a table that is dropped, then run `seedbed migrate` again
        2>
        2> nothing of this run is in the database; the database is at V1
        exit 1
    "#]]);
}

#[test]
fn a_view_that_does_not_compile_is_refused() {
    let project = family()
        .migration("V2__view", "CREATE VIEW v AS SELECT pid FROM c;\n")
        .after("migrate")
        .migration("V3__c", "CREATE TABLE d (x);\nDROP TABLE c;\n")
        .migration("V4__more", "CREATE TABLE more (x);\nDROP TABLE more;\n");
    project.run("check").check(expect![[r#"
        $ seedbed check
        2> error[does-not-compile]: view v does not compile after V3: no such table: main.c
        2>  --> migrations/V3__c.sql:2:1
        2>   |
        2> 2 | DROP TABLE c;
        2>   | ^^^^^^^^^^^^
        2>   |
        2>   = help: drop the view before this changes what it uses, and create it again afterwards
        exit 4
    "#]]);
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[does-not-compile]: V3: a view or trigger does not compile afterwards: error in view v: no such table: main.c
        2>  --> migrations/V3__c.sql:2:1
        2>   |
        2> 2 | DROP TABLE c;
        2>   | ^^^^^^^^^^^^
        2>   |
        2>   = note: rolled back: V3 and V4
        2>   = help: drop it before the change and create it again behind it, or correct it, in migrations/V3__c.sql, then run `seedbed migrate` again
        2>
        2> nothing of this run is in the database; the database is at V2
        exit 1
    "#]]);
}

#[test]
fn files_that_were_rolled_back_are_listed_by_their_numbers() {
    let project = family()
        .migration(
            "V2__keys",
            "CREATE TABLE q (k);\nCREATE UNIQUE INDEX q_k ON q (k);\nCREATE TABLE d (a REFERENCES q (k));\n",
        )
        .after("migrate")
        .migration("V3__drop_index", "DROP INDEX q_k;\n")
        .migration("V4__harmless", "ALTER TABLE q ADD COLUMN n;\n");
    let ran = project.run("migrate");
    ran.check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[foreign-key-mismatch]: V3 leaves a foreign key that refers to no key, so that every write to its table fails
        2>  --> migrations/V3__drop_index.sql:1:1
        2>   |
        2> 1 | DROP INDEX q_k;
        2>   | ^^^^^^^^^^^^^^
        2>   |
        2>   = note: d (a) refers to q (k), which is neither its primary key nor has a UNIQUE index
        2>   = note: rolled back: V3 and V4
        2>   = help: add `CREATE UNIQUE INDEX q_k_key ON q (k);` to migrations/V3__drop_index.sql, or change what the foreign key refers to, then run `seedbed migrate` again
        2>
        2> nothing of this run is in the database; the database is at V2
        exit 1
    "#]]);
}

#[test]
fn a_new_mismatch_names_the_index_that_is_missing() {
    let project = family().migration(
        "V2__d",
        "CREATE TABLE q (k);\nCREATE TABLE d (a REFERENCES q (k));\nCREATE TABLE gone (x);\nDROP TABLE gone;\n",
    );
    project.run("check").check(expect![[r#"
        $ seedbed check
        2> error[fails]: V2 leaves a foreign key that refers to no key, so that every write to its table fails
        2>  --> migrations/V2__d.sql:2:1
        2>   |
        2> 2 | CREATE TABLE d (a REFERENCES q (k));
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = note: d (a) refers to q (k), which is neither its primary key nor has a UNIQUE index
        2>   = help: add `CREATE UNIQUE INDEX q_k_key ON q (k);` to migrations/V2__d.sql, or change what the foreign key refers to
        exit 4
    "#]]);
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> this run takes 2 transactions; V2 runs with foreign keys off, which DROP TABLE needs; if one fails, those before it stay committed
        2> error[foreign-key-mismatch]: V2 leaves a foreign key that refers to no key, so that every write to its table fails
        2>  --> migrations/V2__d.sql:2:1
        2>   |
        2> 2 | CREATE TABLE d (a REFERENCES q (k));
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = note: d (a) refers to q (k), which is neither its primary key nor has a UNIQUE index
        2>   = note: rolled back: V2
        2>   = help: add `CREATE UNIQUE INDEX q_k_key ON q (k);` to migrations/V2__d.sql, or change what the foreign key refers to, then run `seedbed migrate` again
        2>
        2> V1 was applied before by this run, and stands; the database is at V1
        exit 1
    "#]]);
}

#[test]
fn rows_that_do_not_fit_a_changed_column_are_refused() {
    let project = family()
        .migration("V2__rows", "INSERT INTO c VALUES (1, NULL), (2, NULL);\n")
        .migration(
            "V3__not_null",
            "ALTER TABLE c ALTER COLUMN pid TO pid INTEGER NOT NULL;\n",
        );
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[old-rows]: V3 changes a column, and rows that are there do not fit it
        2>  --> migrations/V3__not_null.sql:1:1
        2>   |
        2> 1 | ALTER TABLE c ALTER COLUMN pid TO pid INTEGER NOT NULL;
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = note: NULL value in c.pid (2 times)
        2>   = note: ALTER COLUMN does not look at the rows that are there
        2>   = note: rolled back: V1, V2 and V3
        2>   = help: correct these rows in migrations/V3__not_null.sql, before the ALTER TABLE, then run `seedbed migrate` again
        2>
        2> nothing of this run is in the database; no version is applied
        exit 1
    "#]]);
}

#[test]
fn a_deferred_foreign_key_names_the_rows_and_the_files() {
    let project = Project::new()
        .migration(
            "V1__a",
            "CREATE TABLE p (id INTEGER PRIMARY KEY);\n\
             CREATE TABLE c (id INTEGER PRIMARY KEY, pid REFERENCES p DEFERRABLE INITIALLY DEFERRED);\n",
        )
        .migration("V2__rows", "INSERT INTO c VALUES (4, 99);\n");
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[foreign-keys]: V2: a deferred foreign key does not hold at COMMIT
        2>  --> migrations/V2__rows.sql:1:1
        2>   |
        2> 1 | INSERT INTO c VALUES (4, 99);
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = note: c, row 4: pid has no parent in p
        2>   = note: rolled back: V1 and V2
        2>   = help: insert the parents of these rows, or delete the rows, in migrations/V2__rows.sql, then run `seedbed migrate` again
        2>
        2> nothing of this run is in the database; no version is applied
        exit 1
    "#]]);
}

#[test]
fn a_schema_that_cannot_be_read_is_not_committed() {
    let cut = "PRAGMA writable_schema = ON;\n\
               UPDATE sqlite_schema SET sql = 'CREATE TABLE c (' WHERE name = 'c';\n";
    let project = family().after("migrate").migration("V2__cut", cut);
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[unreadable-schema]: V2 leaves a schema that cannot be read: malformed database schema (c) - incomplete input
        2>  --> migrations/V2__cut.sql:1:1
        2>   |
        2> 1 | PRAGMA writable_schema = ON;
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = note: with such a schema, a database cannot be opened
        2>   = note: rolled back: V2
        2>   = help: correct what migrations/V2__cut.sql writes to sqlite_schema, then run `seedbed migrate` again
        2>
        2> nothing of this run is in the database; the database is at V1
        exit 1
    "#]]);
    assert_eq!(project.state(), "recorded: V1; tables: c p");
    // Outside of a transaction it is there, and is not recorded as applied.
    let project = family().after("migrate");
    let project = project.migration("V2__cut", format!("-- seedbed: no-transaction\n{cut}"));
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[unreadable-schema]: V2 leaves a schema that cannot be read: malformed database schema (c) - incomplete input
        2>  --> migrations/V2__cut.sql:2:1
        2>   |
        2> 2 | PRAGMA writable_schema = ON;
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = note: with such a schema, a database cannot be opened
        2>   = note: V2 runs outside of a transaction: all 2 statements have happened, and it is recorded as started
        2>   = help: this database cannot be opened any more: restore a backup
        2>
        2> the database is at V1
        exit 1
    "#]]);
}

#[test]
fn a_schema_that_is_edited_well_is_applied() {
    let project = family().migration(
        "V2__edit",
        "PRAGMA writable_schema = ON;\n\
         UPDATE sqlite_schema SET sql = replace(sql, 'ON DELETE CASCADE', '') WHERE name = 'c';\n\
         PRAGMA writable_schema = OFF;\n",
    );
    assert_eq!(project.run("migrate").code, Some(0));
    let schema = project.ask("SELECT sql LIKE '%CASCADE%' FROM sqlite_schema WHERE name = 'c'");
    assert_eq!(schema, "0");
}

#[test]
fn a_lock_of_its_own_transaction_is_the_fault_of_the_statement() {
    let project = Project::new()
        .migration(
            "V1__wal",
            "-- seedbed: no-transaction\nPRAGMA journal_mode = WAL;\n",
        )
        .after("migrate")
        .migration(
            "V2__a",
            "CREATE TABLE a (x);\nPRAGMA wal_checkpoint(TRUNCATE);\n",
        );
    project
        .run("migrate --lock-timeout 60")
        .check(expect![[r#"
            $ seedbed migrate --lock-timeout 60
            2> target: local local.db (default)
            2> error[statement-failed]: V2 failed: database table is locked
            2>  --> migrations/V2__a.sql:2:1
            2>   |
            2> 2 | PRAGMA wal_checkpoint(TRUNCATE);
            2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            2>   |
            2>   = note: this is statement 2 of 2
            2>   = note: rolled back: V2
            2>   = help: fix migrations/V2__a.sql:2, then run `seedbed migrate` again
            2>   = help: such a statement runs in a file of its own, with `-- seedbed: no-transaction` at the top
            2>
            2> nothing of this run is in the database; the database is at V1
            exit 1
        "#]]);
}

#[test]
fn a_renaming_in_the_old_way_is_guarded_too() {
    let project = family().after("migrate").migration(
        "V2__old",
        "PRAGMA legacy_alter_table = ON;\nCREATE VIEW v AS SELECT id FROM p;\nALTER TABLE p RENAME TO q;\n",
    );
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[does-not-compile]: V2: a view or trigger does not compile afterwards: error in view v: no such table: main.p
        2>  --> migrations/V2__old.sql:3:1
        2>   |
        2> 3 | ALTER TABLE p RENAME TO q;
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = note: rolled back: V2
        2>   = help: drop it before the change and create it again behind it, or correct it, in migrations/V2__old.sql, then run `seedbed migrate` again
        2>
        2> nothing of this run is in the database; the database is at V1
        exit 1
    "#]]);
}

#[test]
fn a_temporary_object_hides_nothing_from_the_guards() {
    let rebuild = "CREATE TABLE p_new (id INTEGER PRIMARY KEY);\nINSERT INTO p_new SELECT id FROM p WHERE id <> 1;\n\
                   DROP TABLE p;\nALTER TABLE p_new RENAME TO p;\n";
    for temporary in [
        "CREATE TEMP TABLE c AS SELECT * FROM c;\n",
        "CREATE TEMP VIEW c AS SELECT 1 AS pid;\n",
        "CREATE TABLE temp.c (pid);\n",
    ] {
        let project = Project::new()
            .migration(
                "V1__family",
                "CREATE TABLE p (id INTEGER PRIMARY KEY);\nCREATE TABLE c (pid INTEGER REFERENCES p (id));\n\
                 INSERT INTO p VALUES (1), (2);\nINSERT INTO c VALUES (1);\n",
            )
            .after("migrate")
            .migration("V2__orphan", format!("{temporary}{rebuild}"));
        let ran = project.run("migrate");
        assert_eq!(ran.code, Some(1), "{temporary} {ran}");
        assert!(ran.stderr.contains("error[foreign-keys]"), "{ran}");
        assert_eq!(project.ask("SELECT count(*) FROM p"), "2");
    }
    let fine = family().after("migrate").migration(
        "V2__fine",
        "CREATE TEMP TABLE p (id, n);\nCREATE TEMP VIEW tv AS SELECT nocol FROM nowhere;\n\
         CREATE TABLE old (i);\nDROP TABLE old;\n",
    );
    let ran = fine.run("migrate");
    assert_eq!(ran.code, Some(0), "{ran}");
}

#[test]
fn a_refused_undo_names_the_down_file_and_how_it_is_recorded() {
    let project = Project::new()
        .migration("V1__t", "CREATE TABLE t (a TEXT);\n")
        .migration(
            "V2__u",
            "CREATE TABLE u (a TEXT);\nCREATE VIEW v AS SELECT a FROM u;\n",
        )
        .down("V2__u", "DROP TABLE u;\n")
        .after("migrate");
    project.run("undo --yes").check(expect![[r#"
        $ seedbed undo --yes
        2> target: local local.db (default)
        2> error[does-not-compile]: undoing V2: a view or trigger does not compile afterwards: error in view v: no such table: main.u
        2>  --> V2__u.down.sql (as recorded):1:1
        2>   |
        2> 1 | DROP TABLE u;
        2>   | ^^^^^^^^^^^^
        2>   |
        2>   = note: rolled back: V2
        2>   = help: drop it before the change and create it again behind it, or correct it, in V2__u.down.sql, then record the down file with `seedbed repair 2`, then run `seedbed undo` again
        2>
        2> nothing of this run is in the database; the database is at V2
        exit 1
    "#]]);
    project.write("migrations/V2__u.down.sql", "DROP VIEW v;\nDROP TABLE u;\n");
    project.run("repair 2").check(expect![[r#"
        $ seedbed repair 2
        corrected V2 u in the records
        the database is at V2
        2> target: local local.db (default)
    "#]]);
    project.run("undo --yes").check(expect![[r#"
        $ seedbed undo --yes
        undone V2 u (2 statements)
        the database is at V1
        2> target: local local.db (default)
    "#]]);
}

#[test]
fn old_rows_in_the_way_of_an_undo_name_the_down_file_and_how_it_is_recorded() {
    let project = Project::new()
        .migration("V1__t", "CREATE TABLE t (a TEXT NOT NULL);\n")
        .migration("V2__u", "ALTER TABLE t ALTER COLUMN a TO a TEXT;\n")
        .down(
            "V2__u",
            "ALTER TABLE t ALTER COLUMN a TO a TEXT NOT NULL;\n",
        )
        .after("migrate");
    project.change(&["INSERT INTO t VALUES (NULL)"]);
    project.run("undo --yes").check(expect![[r#"
        $ seedbed undo --yes
        2> target: local local.db (default)
        2> error[old-rows]: undoing V2 changes a column, and rows that are there do not fit it
        2>  --> V2__u.down.sql (as recorded):1:1
        2>   |
        2> 1 | ALTER TABLE t ALTER COLUMN a TO a TEXT NOT NULL;
        2>   | ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        2>   |
        2>   = note: NULL value in t.a
        2>   = note: ALTER COLUMN does not look at the rows that are there
        2>   = note: rolled back: V2
        2>   = help: correct these rows in V2__u.down.sql, before the ALTER TABLE, then record the down file with `seedbed repair 2`, then run `seedbed undo` again
        2>
        2> nothing of this run is in the database; the database is at V2
        exit 1
    "#]]);
    project.write(
        "migrations/V2__u.down.sql",
        "UPDATE t SET a = '' WHERE a IS NULL;\nALTER TABLE t ALTER COLUMN a TO a TEXT NOT NULL;\n",
    );
    project.run("repair 2").check(expect![[r#"
        $ seedbed repair 2
        corrected V2 u in the records
        the database is at V2
        2> target: local local.db (default)
    "#]]);
    project.run("undo --yes").check(expect![[r#"
        $ seedbed undo --yes
        undone V2 u (2 statements)
        the database is at V1
        2> target: local local.db (default)
    "#]]);
}

#[test]
fn a_view_that_a_committed_file_broke_and_no_later_one_repaired_is_told() {
    let project = Project::new()
        .migration(
            "V1__t",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT);\nCREATE VIEW v AS SELECT a FROM t;\n",
        )
        .after("migrate")
        .migration("V2__drop", "DROP TABLE t;\n")
        .migration("V3__t", "CREATE TABLE t (b);\n");
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> this run takes 2 transactions; V2 runs with foreign keys off, which DROP TABLE needs; V3 runs with foreign keys on again; if one fails, those before it stay committed
        2> error[does-not-compile]: view v does not compile since V2, which is committed: no such table: main.t
        2>   |
        2>   = note: no file behind it in this run repairs that
        2>   = note: rolled back: V3
        2>   = help: drop view v or create it again, or create what it refers to, in a pending or a new migration, then run `seedbed migrate` again
        2>
        2> V2 was applied before by this run, and stands; the database is at V2
        exit 1
    "#]]);
    assert_eq!(project.state(), "recorded: V1 V2; tables: ");
}

#[test]
fn doctor_names_the_views_and_triggers_that_do_not_compile() {
    let project = family().after("migrate");
    project.change(&[
        "CREATE VIEW fine AS SELECT id FROM p",
        "CREATE VIEW v AS SELECT name FROM p",
        "CREATE TRIGGER tg INSTEAD OF UPDATE ON fine BEGIN INSERT INTO p (name) VALUES (1); END",
    ]);
    let ran = project.run("doctor");
    let line = ran
        .stdout
        .lines()
        .find(|line| line.contains("views and triggers"));
    expect!["! views and triggers  2 do not compile: trigger tg: table p has no column named name; view v: no such column: name"].assert_eq(line.unwrap_or(&ran.stdout));
}

#[test]
fn a_run_that_was_refused_for_what_stands_is_refused_again() {
    let project = Project::new()
        .migration(
            "V1__a",
            "CREATE TABLE p (id INTEGER PRIMARY KEY, x INT);\nCREATE VIEW v AS SELECT x FROM p;\n",
        )
        .after("migrate")
        .migration("V2__b", "DROP TABLE p;\n")
        .migration("V3__c", "CREATE TABLE p (id INTEGER PRIMARY KEY);\n");
    let refused = project.run("migrate");
    let again = project.run("migrate");
    assert_eq!((refused.code, again.code), (Some(1), Some(1)), "{again}");
    again.check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[does-not-compile]: view v does not compile since V2, which is committed: no such table: main.p
        2>   |
        2>   = note: no file behind it in this run repairs that
        2>   = note: rolled back: V3
        2>   = help: drop view v or create it again, or create what it refers to, in a pending or a new migration, then run `seedbed migrate` again
        2>
        2> nothing of this run is in the database; the database is at V2
        exit 1
    "#]]);
    project.run("status").check(expect![[r#"
        $ seedbed status
        state  version  name  applied at  took  checksum
        ✓ applied  V1  a  [time] UTC  [ms]  f5faf907
        ✓ applied  V2  b  [time] UTC  [ms]  4d5525ab
        ○ pending  V3  c  b8e5bc6f

        2 applied, 1 pending; the database is at V2

        warning[left-broken]: view v does not compile since V2, which is committed: no such table: main.p
          |
          = help: drop view v or create it again, or create what it refers to, in a pending or a new migration
        2> target: local local.db (default)
    "#]]);
    project.remove("migrations/V3__c.sql");
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        nothing to do: the database is at V2
        2> target: local local.db (default)
        2> warning[left-broken]: view v does not compile since V2, which is committed: no such table: main.p
        2>   |
        2>   = help: drop view v or create it again, or create what it refers to, in a pending or a new migration
    "#]]);
    let project = project
        .migration("V3__c", "CREATE TABLE p (id INTEGER PRIMARY KEY, x INT);\n")
        .after("migrate");
    assert!(!project.run("status").stdout.contains("left-broken"));
}

#[test]
fn what_a_file_without_a_transaction_orphans_is_named_row_by_row_and_its_own_state_once() {
    let project = Project::new()
        .migration(
            "V1__family",
            "CREATE TABLE p (id INTEGER PRIMARY KEY);\nCREATE TABLE c (id INTEGER PRIMARY KEY, pid INTEGER REFERENCES p (id));\n\
             INSERT INTO p VALUES (1), (2);\nINSERT INTO c VALUES (1, 1), (2, 2);\n",
        )
        .migration("V2__more", "CREATE TABLE more (x);\n")
        .migration(
            "V3__orphans",
            "-- seedbed: no-transaction\n-- seedbed: foreign-keys=off\nDELETE FROM p WHERE id = 2;\n",
        );
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> this run takes 1 transaction, and 1 outside of any; V3 runs outside of a transaction; if one fails, those before it stay committed
        2> error[foreign-keys]: V3 leaves rows whose parent is gone: 1 row of c (pid), without a parent in p
        2>  --> migrations/V3__orphans.sql
        2>   = note: V3 runs outside of a transaction: it is applied, and nothing of it was rolled back
        2>   = note: c, row 2: pid = 2 has no parent in p
        2>   = help: delete or change these rows, or insert their parents, in a new migration
        2>
        2> V1 and V2 were applied before by this run, and stand
        exit 1
    "#]]);
    assert_eq!(project.state(), "recorded: V1 V2 V3; tables: c more p");
}

#[test]
fn a_view_that_only_a_repeatable_makes_is_dropped_if_it_is_there() {
    let project = Project::new()
        .migration("V1__t", "CREATE TABLE t (x, y);\n")
        .migration("V2__drop", "DROP VIEW v;\nALTER TABLE t DROP COLUMN y;\n")
        .migration(
            "R__v",
            "DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT x FROM t;\n",
        );
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[statement-failed]: V2 failed: no such view: v
        2>  --> migrations/V2__drop.sql:1:11
        2>   |
        2> 1 | DROP VIEW v;
        2>   |           ^
        2>   |
        2>   = note: this is statement 1 of 2
        2>   = note: rolled back: V1 and V2
        2>   = help: fix migrations/V2__drop.sql:1, then run `seedbed migrate` again
        2>   = help: a repeatable migration runs behind the versions, so a new database has no view of one here: write `DROP VIEW IF EXISTS "v";`
        2>
        2> nothing of this run is in the database; no version is applied
        exit 1
    "#]]);
    project.write(
        "migrations/V2__drop.sql",
        "DROP VIEW IF EXISTS \"v\";\nALTER TABLE t DROP COLUMN y;\n",
    );
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        applied V1 t (1 statement, [ms])
        applied V2 drop (2 statements, [ms])
        applied R__v (2 statements, [ms])
        the database is at V2
        2> target: local local.db (default)
    "#]]);
}

/// Neither of these is an error of the engine when it is created.
#[test]
fn check_finds_what_migrate_finds_of_a_new_foreign_key_and_of_a_trigger() {
    let tables = Project::new().migration("V1__x", "CREATE TABLE x(id INT, y INT);\n");
    let key = "CREATE TABLE c(a INT REFERENCES x(id));\n";
    let trigger = "CREATE TRIGGER t AFTER UPDATE OF yy ON x BEGIN SELECT 1; END;\n";
    let (mut project, mut found) = (tables.after("migrate"), String::new());
    for text in [key, trigger] {
        for directive in ["", "-- seedbed: no-transaction\n"] {
            project = project.migration("V2__more", format!("{directive}{text}"));
            let ran = project.run("check --format json");
            let document = ran.json();
            let problem = &document["problems"][0];
            found.push_str(&format!(
                "{} {} {} {}\n",
                ran.code.unwrap_or(-1),
                problem["code"],
                problem["file"],
                problem["message"]
            ));
            let ran = project.run("migrate --format json");
            let problem = &ran.json()["problems"][0];
            found.push_str(&format!(
                "{} {} {}\n",
                ran.code.unwrap_or(-1),
                problem["code"],
                problem["message"]
            ));
            if !directive.is_empty() {
                project.remove_database("local.db");
            }
        }
    }
    expect![[r#"
        4 "fails" "migrations/V2__more.sql" "V2 leaves a foreign key that refers to no key, so that every write to its table fails"
        1 "foreign-key-mismatch" "V2 leaves a foreign key that refers to no key, so that every write to its table fails"
        4 "fails" "migrations/V2__more.sql" "V2 leaves a foreign key that refers to no key: c (a) refers to x (id), which is no key of it"
        1 "foreign-key-mismatch" "V2 leaves a foreign key that refers to no key: c (a) refers to x (id), which is no key of it"
        4 "does-not-compile" "migrations/V2__more.sql" "trigger t does not compile after V2: no such column: yy"
        1 "does-not-compile" "V2: trigger t does not compile afterwards: no such column: yy"
        4 "does-not-compile" "migrations/V2__more.sql" "trigger t does not compile after V2: no such column: yy"
        1 "does-not-compile" "V2: trigger t does not compile afterwards: no such column: yy"
    "#]].assert_eq(&found);
}
