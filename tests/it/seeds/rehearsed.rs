//! The commands that look tell the truth about seeds: what `migrate --seed` would do, and where `seed` would fail.

use expect_test::expect;

use crate::bad_input::untouched;
use crate::project::Project;
use crate::server::ours;

const SCHEMA: &str = "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);\n";
const SEED: &str = "users:\n  ann: {name: Ann}\n  bob: {name: Bob}\n";

fn project() -> Project {
    Project::new()
        .migration("V1__schema", SCHEMA)
        .file("seeds/010_users.yaml", SEED)
}

#[test]
fn a_dry_run_of_both_plans_the_seeds_on_the_schema_after_the_migrations() {
    let project = project();
    untouched(&project, "migrate --seed --dry-run").check(expect![[r#""#]]);
    let project = project.after("migrate --seed");
    untouched(&project, "migrate --seed --dry-run").check(expect![[r#""#]]);
    project.write(
        "migrations/V2__age.sql",
        "ALTER TABLE users ADD COLUMN age INTEGER;\n",
    );
    project.write(
        "seeds/010_users.yaml",
        SEED.replace("name: Bob", "name: Bob, age: 7"),
    );
    untouched(&project, "migrate --seed --dry-run").check(expect![[r#""#]]);
    untouched(&project, "migrate --seed --dry-run --format json").check(expect![[r#""#]]);
    project.write(
        "seeds/010_users.yaml",
        SEED.replace("name: Bob", "name: Bob, agee: 7"),
    );
    untouched(&project, "migrate --seed --dry-run").check(expect![[r#""#]]);
}

#[test]
fn of_a_server_the_schema_is_rehearsed() {
    let server = ours(seedbed_test_server::Options::default());
    let project = project();
    let line = format!(
        "migrate --seed --dry-run --env dev --database {}",
        server.url()
    );
    let ran = project.run(&line);
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stdout.contains("010_users: 2 rows declared"), "{ran}");
    project.write("seeds/010_users.yaml", "users: {a: {nam: x}}\n");
    let ran = project.run(&line);
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(ran.stderr.contains("did you mean `name`?"), "{ran}");
}

#[test]
fn what_no_migration_makes_right_is_refused_before_they_run() {
    let project = project();
    untouched(&project, "migrate --seed --env prod").check(expect![[r#""#]]);
    project.write("seeds/020_broken.yaml", "users: [\n");
    untouched(&project, "migrate --seed").check(expect![[r#""#]]);
    untouched(&project, "migrate --seed --dry-run").check(expect![[r#""#]]);
}

#[test]
fn status_shows_where_seed_would_fail() {
    let project = project().after("migrate --seed");
    untouched(&project, "status --exit-code").check(expect![[r#""#]]);
    project.write("seeds/020_more.yaml", "users:\n  eve: {nam: Eve}\n");
    untouched(&project, "status --exit-code").check(expect![[r#""#]]);
    untouched(&project, "status --format json").check(expect![[r#""#]]);
    project.write("seeds/020_more.yaml", "users:\n  eve: {name: !env EVE}\n");
    untouched(&project, "status --exit-code").check(expect![[r#""#]]);
    project.write(
        "seeds/020_more.yaml",
        "_seed: {requires: 7}\nusers:\n  eve: {name: Eve}\n",
    );
    untouched(&project, "status --exit-code").check(expect![[r#""#]]);
}

#[test]
fn quiet_prints_no_plan() {
    let project = project().after("migrate");
    project.run("seed --quiet").check(expect![[r#""#]]);
}

#[test]
fn a_check_counts_a_row_once() {
    let project = project().file("seeds/demo/plans.yaml", "users: {dan: {name: Dan}}\n");
    project.run("check").check(expect![[r#""#]]);
}

#[test]
fn all_refused_rows_are_printed() {
    let project = Project::new()
        .migration(
            "V1__s",
            "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER CHECK (n < 10));",
        )
        .file(
            "seeds/a.yaml",
            "t:\n  a: {id: 1, n: 11}\n  b: {id: 2, n: 2}\n  c: {id: 3, n: 12}\n",
        )
        .after("migrate");
    untouched(&project, "seed").check(expect![[r#""#]]);
}
