//! `check --base` in real repositories: which file keeps its number, moved folders, clones that lack something.

use std::process::Command;

use expect_test::expect;

use super::{codes, table, to_type};
use crate::process::Ran;
use crate::project::Project;

/// A repository whose `main` has these migrations.
fn on_main(files: &[(&str, String)]) -> Project {
    let project = Project::bare();
    project.git("init --quiet --initial-branch main");
    for (path, text) in files {
        project.write(path, text);
    }
    commit(&project);
    project
}

fn commit(project: &Project) {
    project.git("add --all");
    project.git("commit --quiet --message m");
}

fn base() -> Project {
    on_main(&[
        ("migrations/V1__a.sql", table("a")),
        ("migrations/V2__zeta.sql", table("zeta")),
        (
            "migrations/V2__zeta.down.sql",
            "DROP TABLE zeta;\n".to_owned(),
        ),
    ])
}

#[test]
fn the_file_that_the_base_knows_keeps_its_number() {
    let project = base();
    project.git("checkout --quiet -b topic");
    project.write("migrations/V2__alpha.sql", table("alpha"));
    commit(&project);
    let refused = project.run("check --base main");
    refused.check(expect![[r#"
        $ seedbed check --base main
        2> error[duplicate]: V2 is claimed by 2 files: migrations/V2__alpha.sql, migrations/V2__zeta.sql
        2>  --> migrations/V2__alpha.sql
        2>   = help: keep migrations/V2__zeta.sql, which is in main
        2>   = help: give V2__alpha.sql the next free version: `seedbed renumber V2__alpha.sql`
        exit 4
    "#]]);
    let commands = to_type(&refused);
    assert_eq!(commands, ["renumber V2__alpha.sql"]);
    let project = project.after(&commands[0]).after("check --base main");
    assert!(
        project
            .files()
            .contains(&"migrations/V3__alpha.sql".to_owned())
    );
}

#[test]
fn a_file_of_the_base_is_not_renumbered() {
    let project = base();
    project.git("checkout --quiet -b topic");
    let ran = project.run("renumber 2 --base main");
    ran.check(expect![[r#"
        $ seedbed renumber 2 --base main
        2> target: local local.db (default)
        2> error[in-base]: V2__zeta.sql is in main, so other databases may have applied it: under a new version it would run again
        2>  --> migrations/V2__zeta.sql
        2>   = help: if no database has applied it: `seedbed renumber V2__zeta.sql --allow-applied`
        exit 4
    "#]]);
    let project = project.after("renumber 2 --base main --allow-applied");
    // It was wrong to do so, and the check says how to get back.
    let ran = project.run("check --base main");
    assert!(
        ran.stderr
            .contains("rename migrations/V3__zeta.sql back to migrations/V2__zeta.sql"),
        "{ran}"
    );
}

#[test]
fn a_file_that_took_the_number_of_one_of_the_base_is_renumbered_and_no_other() {
    let project = base();
    project.git("checkout --quiet -b topic");
    project.git("mv migrations/V2__zeta.sql migrations/V3__zeta.sql");
    project.git("mv migrations/V2__zeta.down.sql migrations/V3__zeta.down.sql");
    project.write("migrations/V2__alpha.sql", table("alpha"));
    commit(&project);
    let refused = project.run("check --base main");
    assert_eq!(refused.code, Some(4), "{refused}");
    assert_eq!(to_type(&refused), ["renumber V2__alpha.sql"], "{refused}");
    let project = project.after("renumber V2__alpha.sql");
    project.git("mv migrations/V3__zeta.sql migrations/V2__zeta.sql");
    project.git("mv migrations/V3__zeta.down.sql migrations/V2__zeta.down.sql");
    let ran = project.run("check --base main");
    assert_eq!((ran.code, codes(&ran)), (Some(0), vec![]), "{ran}");
}

#[test]
fn a_down_file_that_was_removed_is_named() {
    let project = base();
    project.git("checkout --quiet -b topic");
    project.git("rm --quiet migrations/V2__zeta.down.sql");
    commit(&project);
    let ran = project.run("check --base main");
    assert_eq!(
        (ran.code, codes(&ran)),
        (Some(0), vec!["down-removed".to_owned()])
    );
    assert!(ran.stderr.contains("migrations/V2__zeta.down.sql"), "{ran}");
}

#[test]
fn the_same_text_as_in_the_base_is_a_warning_for_new_files_alone() {
    let update = "UPDATE a SET x = 1;\n";
    let project = on_main(&[
        ("migrations/V1__a.sql", table("a")),
        ("migrations/V2__one.sql", update.to_owned()),
        ("migrations/V3__again.sql", update.to_owned()),
    ]);
    let ran = project.run("check --base main");
    assert_eq!((ran.code, codes(&ran)), (Some(0), vec![]), "{ran}");
    project.write("migrations/V4__copied.sql", update);
    let ran = project.run("check --base main");
    assert_eq!(
        (ran.code, codes(&ran)),
        (Some(0), vec!["same-text".to_owned()])
    );
}

#[test]
fn a_folder_that_was_moved_is_compared_with_where_it_was() {
    for (from, to) in [("migrations", "db/migrations"), ("db/old", "migrations")] {
        let project = on_main(&[
            (&format!("{from}/V1__a.sql"), table("a")),
            (&format!("{from}/2026/V2__b.sql"), table("b")),
            ("other/V1__a.sql", table("other")),
        ]);
        project.git("checkout --quiet -b topic");
        std::fs::create_dir_all(project.path(to).parent().unwrap()).unwrap();
        project.git(&format!("mv {from} {to}"));
        commit(&project);
        let line = format!("check --base main --migrations {to}");
        let ran = project.run(&line);
        assert_eq!(
            (ran.code, codes(&ran)),
            (Some(0), vec!["base-moved".to_owned()]),
            "{ran}"
        );
        assert!(
            ran.stderr.contains(&format!("in {from}, and not in {to}")),
            "{ran}"
        );
        project.write(format!("{to}/V1__a.sql"), "CREATE TABLE a (x, y);\n");
        let ran = project.run(&line);
        assert_eq!(
            (ran.code, codes(&ran)),
            (Some(4), vec!["edited".to_owned(), "base-moved".to_owned()]),
            "{ran}"
        );
    }
}

#[test]
fn a_base_without_migrations_proves_nothing_and_says_so() {
    let project = on_main(&[
        ("README.md", String::new()),
        // Another service of the same repository, which stays where it is.
        ("other/migrations/V1__a.sql", table("other")),
    ]);
    project.write("migrations/V1__a.sql", table("a"));
    let ran = project.run("check --base main");
    ran.check(expect![[r#"
        $ seedbed check --base main
        1 migration is fine: 1 applied in memory, 0 of them undone and applied again
        2> warning[base-empty]: main has no migrations in migrations, so nothing was compared with it
        2>   |
        2>   = help: nothing has to be done where these are the first migrations; otherwise check whether `--base` and `--migrations` name what you mean
    "#]]);
    assert_eq!(ran.code, Some(0));
}

#[test]
fn a_base_of_which_nothing_is_left_is_doubted() {
    let project = on_main(&[
        ("migrations/V1__a.sql", table("a")),
        ("migrations/V2__b.sql", table("b")),
    ]);
    project.write("migrations/V1__a.sql", table("c"));
    project.write("migrations/V2__b.sql", table("d"));
    let ran = project.run("check --base main");
    assert_eq!(codes(&ran), ["edited", "edited", "base-differs"], "{ran}");
}

/// Clones the repository into `clone`, and runs the program there.
fn in_clone(project: &Project, flags: &str, line: &str) -> Ran {
    project.git("config --local uploadpack.allowFilter true");
    let url = format!("file://{}", project.path("").display());
    project.git(&format!("clone --quiet {flags} {url} clone"));
    within_clone(project, line)
}

fn within_clone(project: &Project, line: &str) -> Ran {
    let mut command: Command = project.command(line);
    command.current_dir(project.path("clone"));
    project.start(command, line).finish()
}

/// `topic` has a migration more than the commit at which it left `main`, and `main` another one.
fn two_branches() -> Project {
    let project = base();
    project.git("checkout --quiet -b topic");
    project.write("migrations/V4__topic.sql", table("topic"));
    commit(&project);
    project.git("checkout --quiet main");
    project.write("migrations/V3__main.sql", table("main_too"));
    commit(&project);
    project
}

#[test]
fn a_shallow_clone_without_the_commit_in_common_says_what_to_type() {
    let project = two_branches();
    let ran = in_clone(
        &project,
        "--depth 1 --no-single-branch --branch topic",
        "check --base origin/main",
    );
    ran.check(expect![[r#"
        $ seedbed check --base origin/main
        2> error[git]: this is a shallow clone, and it ends before the commit at which this branch left origin/main: what the branch changed cannot be known
        2>   |
        2>   = help: fetch the rest: `git fetch --unshallow`; with actions/checkout, set `fetch-depth: 0`
        exit 2
    "#]]);
    project.git("-C clone fetch --quiet --unshallow");
    let ran = within_clone(&project, "check --base origin/main");
    assert_eq!((ran.code, codes(&ran)), (Some(0), vec![]), "{ran}");
}

#[test]
fn a_clone_without_contents_fetches_them_or_says_what_to_type() {
    let project = two_branches();
    let ran = in_clone(
        &project,
        "--filter blob:none --branch topic",
        "check --base origin/main",
    );
    assert_eq!((ran.code, codes(&ran)), (Some(0), vec![]), "{ran}");
    std::fs::remove_dir_all(project.path("clone")).unwrap();
    let url = format!("file://{}", project.path("").display());
    project.git(&format!(
        "clone --quiet --filter blob:none --branch topic {url} clone"
    ));
    project.git("-C clone remote set-url origin http://user:geheim@127.0.0.1:1/gone");
    let ran = within_clone(&project, "check --base origin/main");
    ran.check(expect![[r#"
        $ seedbed check --base origin/main
        2> error[git]: this is a partial clone without the files of origin/main, and git could not fetch them: fatal: could not fetch a5b2cbb444df518f5672eb6ac208792a7643ba29 from promisor remote
        2>   |
        2>   = help: fetch all files while the remote can be reached: `git fetch --refetch --no-filter`; with actions/checkout, leave `filter` away
        exit 1
    "#]]);
    assert!(!ran.to_string().contains("geheim"), "{ran}");
    project.git(&format!("-C clone remote set-url origin {url}"));
    project.git("-C clone fetch --quiet --refetch --no-filter");
    project.git("-C clone remote set-url origin http://127.0.0.1:1/gone");
    let ran = within_clone(&project, "check --base origin/main");
    assert_eq!((ran.code, codes(&ran)), (Some(0), vec![]), "{ran}");
}

#[test]
fn a_clone_of_one_branch_fetches_the_base_as_the_help_says() {
    let project = two_branches();
    let ran = in_clone(
        &project,
        "--single-branch --branch topic",
        "check --base origin/main",
    );
    ran.check(expect![[r#"
        $ seedbed check --base origin/main
        2> error[git]: git knows no commit origin/main
        2>   |
        2>   = help: fetch it first: `git fetch origin main:refs/remotes/origin/main`, then `--base origin/main`
        exit 2
    "#]]);
    let help = ran.stderr.split("`git ").nth(1).unwrap();
    let command = help.split('`').next().unwrap();
    project.git(&format!("-C clone {command}"));
    let ran = within_clone(&project, "check --base origin/main");
    assert_ne!(ran.code, Some(2), "{ran}");
    assert_eq!(
        codes(&ran),
        codes(&project.run("check --base main")),
        "{ran}"
    );
}

#[test]
fn the_same_text_that_the_base_got_meanwhile_is_a_warning() {
    let project = base();
    project.git("checkout --quiet -b topic");
    project.write("migrations/V5__m4.sql", "UPDATE a SET x = 1;\n");
    commit(&project);
    project.git("checkout --quiet main");
    project.write("migrations/V4__m4.sql", "UPDATE a SET x = 1;\n");
    commit(&project);
    project.git("checkout --quiet topic");
    let ran = project.run("check --base main");
    assert_eq!(codes(&ran), ["same-text"], "{ran}");
    assert!(ran.stderr.contains("V4__m4.sql, which is in main"), "{ran}");
    // After the merge there are two files, and the warning is the same.
    project.git("merge --quiet --no-edit main");
    assert_eq!(codes(&project.run("check --base main")), ["same-text"]);
}

#[test]
fn a_renumbered_file_is_the_only_error() {
    let project = on_main(&[("migrations/V1__a.sql", table("a"))]);
    project.git("mv migrations/V1__a.sql migrations/V2__a.sql");
    let refused = project.run("check --base main");
    assert_eq!(codes(&refused), ["missing"], "{refused}");
}

#[test]
fn what_only_this_database_has_applied_is_undone_and_renumbered() {
    let project = on_main(&[("migrations/V1__a.sql", table("a"))]);
    project.git("checkout --quiet -b topic");
    project.write("migrations/V2__feat.sql", table("feat"));
    project.write("migrations/V2__feat.down.sql", "DROP TABLE feat;\n");
    commit(&project);
    let project = project.after("migrate");
    project.git("checkout --quiet main");
    project.write("migrations/V2__main.sql", table("other"));
    project.write("migrations/V2__main.down.sql", "DROP TABLE other;\n");
    commit(&project);
    project.git("checkout --quiet topic");
    project.git("merge --quiet --message m main");
    let check = project.run("check --base main");
    assert_eq!(codes(&check), ["duplicate"], "{check}");
    assert_eq!(to_type(&check), ["renumber V2__feat.sql"]);
    let feat = project.run("renumber V2__feat.sql --base main");
    feat.check(expect![[r#"
        $ seedbed renumber V2__feat.sql --base main
        2> target: local local.db (default)
        2> error[applied]: V2__feat.sql is applied in this database as V2: under a new version it would be pending, and run again
        2>  --> migrations/V2__feat.sql
        2>   = help: run `seedbed undo` first, then `seedbed renumber V2__feat.sql`
        2>   = help: or `seedbed renumber V2__feat.sql --allow-applied`, then `seedbed repair` moves the record of this database to the new version; every other database that has applied it needs the same `seedbed repair`
        exit 4
    "#]]);
    assert_eq!(to_type(&feat)[..2], ["undo", "renumber V2__feat.sql"]);
    let other = project.run("renumber V2__main.sql --base main");
    other.check(expect![[r#"
        $ seedbed renumber V2__main.sql --base main
        2> target: local local.db (default)
        2> error[in-base]: V2__main.sql is in main, so other databases may have applied it: under a new version it would run again
        2>  --> migrations/V2__main.sql
        2>   = help: V2__feat.sql is applied in this database: run `seedbed undo` first, then `seedbed renumber V2__feat.sql`
        2>   = help: if no database has applied it: `seedbed renumber V2__main.sql --allow-applied`
        exit 4
    "#]]);
    assert_eq!(to_type(&other)[..2], ["undo", "renumber V2__feat.sql"]);
    let project = project
        .after("undo")
        .after("renumber V2__feat.sql --base main")
        .after("check --base main")
        .after("migrate");
    assert_eq!(project.state(), "recorded: V1 V2 V3; tables: a feat other");
    assert!(
        project
            .files()
            .contains(&"migrations/V3__feat.down.sql".to_owned())
    );
}

#[test]
fn without_a_base_repeatables_are_as_git_has_them_before_the_newest_version() {
    let view =
        |column| format!("DROP VIEW IF EXISTS v;\nCREATE VIEW v AS SELECT {column} FROM t;\n");

    let project = on_main(&[
        (
            "migrations/V1__t.sql",
            "CREATE TABLE t (x, y);\n".to_owned(),
        ),
        ("migrations/R__v.sql", view("y")),
    ]);
    // The view of a deployed database has the column; `migrate` sets it aside, and the new text of the view fits.
    let change = "ALTER TABLE t ADD COLUMN z;\nALTER TABLE t DROP COLUMN y;\n";
    project.write("migrations/V2__z.sql", change);
    project.write("migrations/R__v.sql", view("z"));
    assert_eq!(codes(&project.run("check")), ["DS102"]);
    commit(&project);
    assert_eq!(codes(&project.run("check")), ["DS102"]);
    // A new view is in no way.
    let project = on_main(&[("migrations/V1__t.sql", "CREATE TABLE t (x);\n".to_owned())]);
    project.write("migrations/V2__n.sql", "CREATE VIEW v AS SELECT 1 AS x;\n");
    project.write("migrations/R__v.sql", view("x"));
    assert_eq!(codes(&project.run("check")), [""; 0]);
    // Where git does not tell, it is taken to be there.
    std::fs::remove_dir_all(project.path(".git")).unwrap();
    assert_eq!(codes(&project.run("check")), ["fails"]);
}
