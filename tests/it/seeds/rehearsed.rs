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
    untouched(&project, "migrate --seed --dry-run").check(expect![[r#"
        $ seedbed migrate --seed --dry-run
        1 migration would run in 1 transaction

        transaction 1 of 1
          V1 schema  migrations/V1__schema.sql
            migrations/V1__schema.sql:1:1  creates table users (2 columns)

        nothing was changed; no version is applied
        then the seeds:
        seed 010_users (new) sha256 53e2fa9c…
          users  + ann  + bob
        2 insert, 0 update, 0 delete, 0 unchanged, in one transaction
        the database will be marked as environment dev
        2> target: local local.db (default)
    "#]]);
    let project = project.after("migrate --seed");
    untouched(&project, "migrate --seed --dry-run").check(expect![[r#"
        $ seedbed migrate --seed --dry-run
        nothing is pending: the database is at V1
        then the seeds:
        nothing to do: 2 rows as declared
        2> target: local local.db (default)
    "#]]);
    project.write(
        "migrations/V2__age.sql",
        "ALTER TABLE users ADD COLUMN age INTEGER;\n",
    );
    project.write(
        "seeds/010_users.yaml",
        SEED.replace("name: Bob", "name: Bob, age: 7"),
    );
    untouched(&project, "migrate --seed --dry-run").check(expect![[r#"
        $ seedbed migrate --seed --dry-run
        1 migration would run in 1 transaction

        transaction 1 of 1
          V2 age  migrations/V2__age.sql
            migrations/V2__age.sql:1:1  adds column age to users

        nothing was changed; the database is at V1
        then the seeds:
        seed 010_users (edited) sha256 0cb80797…
          users  ~ bob
            bob.age: NULL → 7
        0 insert, 1 update, 0 delete, 1 unchanged, in one transaction
        2> target: local local.db (default)
    "#]]);
    untouched(&project, "migrate --seed --dry-run --format json").check(expect![[r#"
        $ seedbed migrate --seed --dry-run --format json
        {
          "schema_version": 1,
          "command": "migrate",
          "mode": "local",
          "database": "local.db",
          "outcome": "planned",
          "exit_code": 0,
          "items": [
            {
              "kind": "migration",
              "version": 2,
              "name": "age",
              "state": "pending",
              "checksum": "7d60a3a6638783c721f3ae4b6f3a2bd70b2d277a02567e54bb034c4f2a9856d6",
              "applied_at": null,
              "duration_ms": null,
              "file": "migrations/V2__age.sql"
            }
          ],
          "problems": [],
          "database_version": 1,
          "scripts": 1,
          "seeds": {
            "changes": [
              {
                "action": "update",
                "columns": [
                  {
                    "cause": "seed",
                    "column": "age",
                    "new": "7",
                    "old": "NULL"
                  }
                ],
                "label": "bob",
                "seed": "010_users",
                "table": "users"
              }
            ],
            "compared_with_rows": true,
            "drifted": [],
            "rows": {
              "deleted": 0,
              "inserted": 0,
              "unchanged": 1,
              "updated": 1
            }
          },
          "statements": [
            {
              "column": 1,
              "file": "migrations/V2__age.sql",
              "line": 1,
              "sql": "ALTER TABLE users ADD COLUMN age INTEGER",
              "words": "adds column age to users"
            }
          ]
        }
        2> target: local local.db (default)
    "#]]);
    project.write(
        "seeds/010_users.yaml",
        SEED.replace("name: Bob", "name: Bob, agee: 7"),
    );
    untouched(&project, "migrate --seed --dry-run").check(expect![[r#"
        $ seedbed migrate --seed --dry-run
        1 migration would run in 1 transaction

        transaction 1 of 1
          V2 age  migrations/V2__age.sql
            migrations/V2__age.sql:1:1  adds column age to users

        nothing was changed; the database is at V1
        2> target: local local.db (default)
        2> error[unknown-column]: table `users` has no column `agee`
        2>  --> seeds/010_users.yaml:3:20
        2>   |
        2> 3 |   bob: {name: Bob, agee: 7}
        2>   |                    ^^^^
        2>   |
        2>   = help: did you mean `age`?
        exit 4
    "#]]);
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
    untouched(&project, "migrate --seed --env prod").check(expect![[r#"
        $ seedbed migrate --seed --env prod
        2> target: local local.db (default)
        2> error[no-seeds]: no seed is for environment `prod`
        2>   |
        2>   = help: there are seeds for dev, test
        2>
        2> nothing was changed
        exit 4
    "#]]);
    project.write("seeds/020_broken.yaml", "users: [\n");
    untouched(&project, "migrate --seed").check(expect![[r#"
        $ seedbed migrate --seed
        2> target: local local.db (default)
        2> error[yaml]: this is not YAML: unclosed bracket '['
        2>  --> seeds/020_broken.yaml:1:8
        2>   |
        2> 1 | users: [
        2>   |        ^
        2>   |
        2>   = help: close each `[` with `]` and each `{` with `}`; put a text with `${…}` in quotes between them
        2>
        2> nothing was changed
        exit 4
    "#]]);
    untouched(&project, "migrate --seed --dry-run").check(expect![[r#"
        $ seedbed migrate --seed --dry-run
        1 migration would run in 1 transaction

        transaction 1 of 1
          V1 schema  migrations/V1__schema.sql
            migrations/V1__schema.sql:1:1  creates table users (2 columns)

        nothing was changed; no version is applied
        2> target: local local.db (default)
        2> error[yaml]: this is not YAML: unclosed bracket '['
        2>  --> seeds/020_broken.yaml:1:8
        2>   |
        2> 1 | users: [
        2>   |        ^
        2>   |
        2>   = help: close each `[` with `]` and each `{` with `}`; put a text with `${…}` in quotes between them
        exit 4
    "#]]);
}

#[test]
fn status_shows_where_seed_would_fail() {
    let project = project().after("migrate --seed");
    let applied = untouched(&project, "status --exit-code");
    applied.check(expect![[r#"
        $ seedbed status --exit-code
        state  version  name  applied at  took  checksum
        ✓ applied  V1  schema  [time] UTC  [ms]  d09c49c4

        1 applied; the database is at V1

        state  seed  applied at  took  checksum
        ✓ applied  010_users  [time] UTC  [ms]  53e2fa9c

        the database is marked as environment dev
        2> target: local local.db (default)
    "#]]);
    let applied = applied.to_string();
    let (applied, _) = applied.split_once("\nthe database is marked").unwrap();
    // What comes after the migration and the seed that are applied.
    let after = || {
        let shown = untouched(&project, "status --exit-code").to_string();
        let after = shown.strip_prefix(applied);
        after.unwrap_or_else(|| panic!("{shown}")).to_owned()
    };
    project.write("seeds/020_more.yaml", "users:\n  eve: {nam: Eve}\n");
    expect![[r#"
        - blocked  020_more  0609afea

        the database is marked as environment dev
        020_more is blocked: seeds/020_more.yaml:2:9: table `users` has no column `nam`
        2> target: local local.db (default)
        exit 3
    "#]]
    .assert_eq(&after());
    untouched(&project, "status --format json").check(expect![[r#"
        $ seedbed status --format json
        {
          "schema_version": 1,
          "command": "status",
          "mode": "local",
          "database": "local.db",
          "outcome": "up-to-date",
          "exit_code": 0,
          "items": [
            {
              "kind": "migration",
              "version": 1,
              "name": "schema",
              "state": "applied",
              "checksum": "d09c49c4b061797afb57cc72d1d1b9909f272723e3e296ffc6f055c2c16f3aff",
              "applied_at": "[time]",
              "duration_ms": [ms],
              "file": "migrations/V1__schema.sql"
            },
            {
              "kind": "seed",
              "version": "010_users",
              "name": "010_users",
              "state": "applied",
              "checksum": "53e2fa9c54ae8d84ba64d64fbaef207b0ef73c338ee8b3c19eaf008cc244a373",
              "applied_at": "[time]",
              "duration_ms": [ms],
              "file": "seeds/010_users.yaml"
            },
            {
              "kind": "seed",
              "version": "020_more",
              "name": "020_more",
              "state": "blocked",
              "checksum": "0609afea243e4829d90839050033cf8124c38945478005570ca93ff93c0a5f45",
              "applied_at": null,
              "duration_ms": null,
              "file": "seeds/020_more.yaml",
              "reason": "seeds/020_more.yaml:2:9: table `users` has no column `nam`"
            }
          ],
          "problems": [],
          "database_version": 1,
          "environment": "dev"
        }
        2> target: local local.db (default)
    "#]]);
    project.write("seeds/020_more.yaml", "users:\n  eve: {name: !env EVE}\n");
    expect![[r#"
        - blocked  020_more  2ad82568

        the database is marked as environment dev
        020_more is blocked: seeds/020_more.yaml:2:15: EVE must be set
        2> target: local local.db (default)
        exit 3
    "#]]
    .assert_eq(&after());
    project.write(
        "seeds/020_more.yaml",
        "_seed: {requires: 7}\nusers:\n  eve: {name: Eve}\n",
    );
    expect![[r#"
        - blocked  020_more  16337a90

        the database is marked as environment dev
        020_more is blocked: seeds/020_more.yaml:1:19: this seed fits V7 or later, and the database is at V1
        2> target: local local.db (default)
        exit 3
    "#]]
    .assert_eq(&after());
}

#[test]
fn quiet_prints_no_plan() {
    let project = project().after("migrate");
    project.run("seed --quiet").check(expect![[r#"
        $ seedbed seed --quiet
    "#]]);
}

#[test]
fn a_check_counts_a_row_once() {
    let project = project().file("seeds/demo/plans.yaml", "users: {dan: {name: Dan}}\n");
    project.run("check").check(expect![[r#"
        $ seedbed check
        1 migration is fine: 1 applied in memory, 0 of them undone and applied again
        the seeds for demo, dev, test are fine: they declare 3 rows
    "#]]);
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
    untouched(&project, "seed").check(expect![[r#"
        $ seedbed seed
        2> target: local local.db (default)
        2> error[constraint]: a row was refused: CHECK constraint failed: n < 10
        2>  --> seeds/a.yaml:2:3
        2>   |
        2> 2 |   a: {id: 1, n: 11}
        2>   |   ^
        2>   |
        2>   = note: every row of this run was rolled back
        2>   = help: correct seeds/a.yaml:2, or the rows that are in the database, then run `seedbed seed` again
        2>
        2> error[constraint]: a row was refused: CHECK constraint failed: n < 10
        2>  --> seeds/a.yaml:4:3
        2>   |
        2> 4 |   c: {id: 3, n: 12}
        2>   |   ^
        2>
        2> nothing of this run is in the database; the database is at V1
        2>
        2> 2 errors
        exit 1
    "#]]);
}
