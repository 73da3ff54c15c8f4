//! Advice that is followed to its end: each specification types what the help says, and the database is true afterwards.

use expect_test::expect;

use super::{codes, is_true, refuses, table, to_type};
use crate::project::Project;

#[test]
fn a_file_that_new_wrote_is_refused_until_its_statements_are_written() {
    let project = Project::new().after("new create users");
    refuses(&project, "migrate", 4, &["unwritten"]).check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[unwritten]: this file is as `new` wrote it, and holds no statement yet
        2>  --> migrations/V1__create_users.sql
        2>   = help: write its statements below the comment; if it is to do nothing, give the reason in a comment of your own
        exit 4
    "#]]);
    let project = Project::new().after("new --down create users");
    refuses(&project, "migrate", 4, &["unwritten", "comments-only"]);
    refuses(&project, "check", 4, &["unwritten", "comments-only"]);
    let status = project.run("status");
    assert_eq!(status.code, Some(0), "{status}");
    let project = project
        .migration("V1__create_users", table("users"))
        .down("V1__create_users", "DROP TABLE users;\n")
        .after("migrate");
    is_true(&project);
}

#[test]
fn a_file_with_a_reason_for_doing_nothing_is_recorded() {
    let project = Project::new()
        .after("new nothing here")
        .migration("V1__nothing_here", "-- The index was made by hand.\n")
        .after("migrate");
    assert_eq!(project.state(), "recorded: V1; tables: ");
}

#[test]
fn statements_that_were_written_after_the_file_was_recorded_are_applied_by_redo() {
    let recorded = || {
        Project::new()
            .migration("V1__users", "-- to be written\n")
            .after("migrate")
            .migration("V1__users", table("users"))
    };
    let refused = refuses(&recorded(), "migrate", 4, &["edited"]);
    refused.check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[edited]: V1 was changed after it was applied on [time] UTC
        2>  --> migrations/V1__users.sql:1
        2>   = help: if no other database has applied it: `seedbed redo` applies the file: the recorded text held no statement, so there is nothing to undo
        2>   = help: put the file back as it was and write the change as a new migration; if the database is already as the file says, `seedbed repair 1` compares the schema and records the file
        2>
        2> --- V1 as applied
        2> +++ migrations/V1__users.sql
        2> @@ -1 +1 @@
        2> --- to be written
        2> +CREATE TABLE users (x);
        exit 4
    "#]]);
    assert_eq!(to_type(&refused)[0], "redo");
    is_true(&recorded().after("redo"));
    // The down file may be there too, and `undo` needs none.
    let with_down = || recorded().down("V1__users", "DROP TABLE users;\n");
    is_true(&with_down().after("redo").after("undo").after("migrate"));
    is_true(&with_down().after("undo").after("migrate"));
    // A down file that was recorded is for statements that never ran.
    let project = Project::new()
        .migration("V1__users", "-- to be written\n")
        .down("V1__users", "DROP TABLE users;\n")
        .after("migrate")
        .migration("V1__users", table("users"));
    is_true(&project.after("redo"));
    // Below others.
    let project = Project::new()
        .migration("V1__users", "-- to be written\n")
        .migration("V2__posts", table("posts"))
        .down("V2__posts", "DROP TABLE posts;\n")
        .after("migrate")
        .migration("V1__users", table("users"));
    let refused = refuses(&project, "migrate", 4, &["edited"]);
    assert_eq!(to_type(&refused)[0], "redo --steps 2");
    is_true(&project.after("redo --steps 2"));
}

/// Three migrations with down files, the second of which was edited.
fn edited_below_the_newest() -> Project {
    ["V1__a", "V2__b", "V3__c"]
        .iter()
        .fold(Project::new(), |project, name| {
            let of = &name[4..];
            let down = format!("DROP TABLE {of};\n");
            project.migration(name, table(of)).down(name, down)
        })
        .after("migrate")
        .migration("V2__b", "CREATE TABLE b (x, y);\n")
}

#[test]
fn redo_names_the_steps_that_are_needed() {
    for line in ["redo", "migrate", "status"] {
        let project = edited_below_the_newest();
        let refused = refuses(&project, line, 4, &["edited"]);
        assert_eq!(
            to_type(&refused),
            ["repair 2", "redo --steps 2"],
            "{refused}"
        );
        is_true(&project.after("redo --steps 2"));
    }
    edited_below_the_newest()
        .run("redo")
        .check(expect![[r#"
        $ seedbed redo
        2> target: local local.db (default)
        2> error[edited]: V2 was changed after it was applied on [time] UTC
        2>  --> migrations/V2__b.sql:1
        2>   = help: put the file back as it was and write the change as a new migration; if the database is already as the file says, `seedbed repair 2` compares the schema and records the file
        2>   = help: if no other database has applied it: `seedbed redo --steps 2` undoes the newest 2 by their recorded down texts and applies their files, V2 first
        2>
        2> --- V2 as applied
        2> +++ migrations/V2__b.sql
        2> @@ -1 +1 @@
        2> -CREATE TABLE b (x);
        2> +CREATE TABLE b (x, y);
        exit 4
    "#]]);
    // Where one above cannot be undone, no steps lead there.
    let project = edited_below_the_newest()
        .migration("V4__d", table("d"))
        .after("repair 2 --no-verify")
        .after("migrate")
        .migration("V2__b", table("b"));
    let refused = project.run("migrate");
    assert_eq!(to_type(&refused), ["repair 2"], "{refused}");
}

#[test]
fn a_plan_of_several_transactions_says_so_before_its_first_change() {
    let project = edited_below_the_newest().after("repair 2 --no-verify");
    project.run("redo --steps 2 --dry-run").check(expect![[r#"
        $ seedbed redo --steps 2 --dry-run
        4 migrations would be undone or applied in 1 transaction
          V3 and V2 run with foreign keys off, which DROP TABLE needs

        transaction 1 of 1, with foreign keys off
          V3 c  V3__c.down.sql (as recorded)
            V3__c.down.sql (as recorded):1:1  drops table c
          V2 b  V2__b.down.sql (as recorded)
            V2__b.down.sql (as recorded):1:1  drops table b
          V2 b  migrations/V2__b.sql
            migrations/V2__b.sql:1:1  creates table b (2 columns)
          V3 c  migrations/V3__c.sql
            migrations/V3__c.sql:1:1  creates table c (1 column)

        nothing was changed; the database is at V3
        2> target: local local.db (default)
    "#]]);
    let project = project
        .migration("V4__d", "DROP TABLE a;\nCREATE TABLE a (x, z);\n")
        .migration(
            "V5__e",
            "INSERT INTO a VALUES (1, 2);\nUPDATE a SET x = 2;\n",
        );
    project.run("migrate").check(expect![[r#"
        $ seedbed migrate
        applied V4 d (2 statements, [ms])
        applied V5 e (2 statements, [ms])
        the database is at V5
        2> target: local local.db (default)
        2> this run takes 2 transactions; V4 runs with foreign keys off, which DROP TABLE needs; V5 runs with foreign keys on again; if one fails, those before it stay committed
    "#]]);
}

/// A clone whose `origin/main` has V3__tags, on a branch whose V3__slug is applied. There is no `origin/HEAD`.
fn two_v3(with_down: bool) -> Project {
    let project = Project::bare();
    project.git("init --quiet --initial-branch main");
    for name in ["V1__a", "V2__b"] {
        project.write(format!("migrations/{name}.sql"), table(&name[4..]));
    }
    project.write(".gitignore", "*.db\n");
    let commit = || {
        project.git("add --all");
        project.git("commit --quiet --message m");
    };
    commit();
    project.git("checkout --quiet -b topic");
    project.write("migrations/V3__slug.sql", table("slug"));
    if with_down {
        project.write("migrations/V3__slug.down.sql", "DROP TABLE slug;\n");
    }
    commit();
    let ran = project.run("migrate");
    assert_eq!(ran.code, Some(0), "{ran}");
    project.git("checkout --quiet main");
    project.write("migrations/V3__tags.sql", table("tags"));
    commit();
    project.git("update-ref refs/remotes/origin/main main");
    project.git("checkout --quiet topic");
    project.git("merge --quiet --no-edit origin/main");
    project.git("branch --quiet -D main");
    project
}

#[test]
fn of_two_files_the_one_of_the_base_keeps_its_version() {
    let project = two_v3(true);
    let refused = refuses(&project, "migrate", 4, &["duplicate"]);
    refused.check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[duplicate]: V3 is claimed by 2 files: migrations/V3__slug.sql, migrations/V3__tags.sql
        2>  --> migrations/V3__slug.sql
        2>   = help: keep migrations/V3__tags.sql, which is in origin/main
        2>   = help: V3__slug.sql is applied in this database: run `seedbed undo` first, then `seedbed renumber V3__slug.sql`
        exit 4
    "#]]);
    let commands = to_type(&refused);
    assert_eq!(commands, ["undo", "renumber V3__slug.sql"]);
    assert_eq!(to_type(&project.run("status")), commands);
    assert_eq!(to_type(&project.run("redo")), commands);
    let project = commands
        .iter()
        .fold(project, |project, line| project.after(line))
        .after("migrate");
    assert!(
        project
            .files()
            .contains(&"migrations/V3__tags.sql".to_owned())
    );
    is_true(&project);
}

#[test]
fn what_cannot_be_undone_is_renumbered_and_its_record_moved() {
    let project = two_v3(false);
    let refused = refuses(&project, "migrate", 4, &["duplicate"]);
    let commands = to_type(&refused);
    assert_eq!(
        commands,
        ["renumber V3__slug.sql --allow-applied", "repair"],
        "{refused}"
    );
    // A number names none of them.
    let several = refuses(&project, "renumber 3", 2, &["several"]);
    several.check(expect![[r#"
        $ seedbed renumber 3
        2> target: local local.db (default)
        2> error[several]: 2 files are V3: migrations/V3__slug.sql, migrations/V3__tags.sql
        2>   |
        2>   = help: keep migrations/V3__tags.sql, which is in origin/main
        2>   = help: V3__slug.sql is applied in this database: `seedbed renumber V3__slug.sql --allow-applied`, then `seedbed repair` moves its record to the new version
        exit 2
    "#]]);
    assert_eq!(to_type(&several), commands);
    let project = commands
        .iter()
        .fold(project, |project, line| project.after(line));
    let late = refuses(&project, "migrate", 4, &["out-of-order"]);
    late.check(expect![[r#"
        $ seedbed migrate
        2> target: local local.db (default)
        2> error[out-of-order]: V3 is not applied, but V4, which comes after it, is
        2>  --> migrations/V3__tags.sql
        2>   = help: V3__tags.sql is in origin/main, so it keeps its version; apply it late: `seedbed migrate --allow-out-of-order`
        exit 4
    "#]]);
    assert_eq!(to_type(&late), ["migrate --allow-out-of-order"]);
    is_true(&project.after("migrate --allow-out-of-order"));
}

#[test]
fn a_renamed_file_of_the_base_is_reported_before_what_fails_for_it() {
    let project = Project::bare();
    project.git("init --quiet --initial-branch main");
    project.write("migrations/V1__posts.sql", table("posts"));
    project.write(
        "migrations/V2__slug.sql",
        "ALTER TABLE posts ADD COLUMN slug;\n",
    );
    project.git("add --all");
    project.git("commit --quiet --message m");
    project.git("mv migrations/V1__posts.sql migrations/V3__posts.sql");
    let refused = project.run("check --base main");
    assert_eq!(codes(&refused)[0], "missing", "{refused}");
    assert!(codes(&refused).contains(&"fails".to_owned()), "{refused}");
}
