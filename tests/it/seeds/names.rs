//! Names in a seed file: tables that begin with `_`, short names in keys, lists beside settings; and where each problem
//! with a name leads.

use seedbed::seeds::Seeds;

use super::{Bed, problem};
use crate::project::Project;

const SCHEMA: &str = "
CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE _AToB (A INTEGER NOT NULL, B INTEGER NOT NULL, PRIMARY KEY (A, B));
CREATE TABLE days (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id), day TEXT, n INTEGER, UNIQUE (user_id, day));
CREATE TABLE plans (tier TEXT PRIMARY KEY, cents INTEGER);
CREATE TABLE subs (id INTEGER PRIMARY KEY, plan_tier TEXT REFERENCES plans (tier));
CREATE TABLE folded (id INTEGER PRIMARY KEY, mail TEXT, n INTEGER);
CREATE UNIQUE INDEX mails ON folded (lower(mail));
CREATE VIEW v AS SELECT * FROM users;
";

#[tokio::test]
async fn tables_whose_names_begin_with_an_underscore() {
    let bed = Bed::memory(SCHEMA).await;
    bed.settles(
        "users: {a: {id: 1}, b: {id: 2}}\n_AToB:\n  x: {A: !ref users.a, B: !ref users.b}\n",
    )
    .await;
    assert_eq!(bed.ask("SELECT * FROM _AToB").await, "1|2");
    for (text, expect) in [
        ("_migrations: {a: {version: 1}}\n", "reserved-name"),
        ("_Seedbed_rows: {a: {seed: 1}}\n", "reserved-name"),
        ("_key: [id]\n", "reserved-name"),
        ("_was: {a: {}}\n", "reserved-name"),
        ("_sed: {envs: [dev]}\nusers: {}\n", "reserved-name"),
        ("_nope: {a: {}}\n", "unknown-table"),
    ] {
        let told = bed.one(text).await;
        assert!(told.contains(expect), "{text}: {told}");
    }
}

#[tokio::test]
async fn a_key_takes_short_names_and_stands_beside_a_list() {
    let bed = Bed::memory(SCHEMA).await;
    let file = "
users: {ann: {id: 1}}
days:
  _key: [user, day]
  _keep: [n]
  _rows:
    - {user: ann, day: mon, n: 1}
    - {user: ann, day: tue, n: 2}
  extra: {user: ann, day: wed, n: 3}
";
    bed.settles(file).await;
    bed.by_hand("UPDATE days SET n = 9").await;
    assert_eq!(bed.one(&file.replace("n: 2", "n: 5")).await, "a edited");
    assert_eq!(bed.ask("SELECT count(*), sum(n) FROM days").await, "3|27");
    assert_eq!(
        bed.one("days:\n  _key: [user, day]\n  _rows: {a: {}}\n")
            .await,
        "a:3:10 bad-shape: `_rows` is a list of rows without labels, and this is a map"
    );
}

#[tokio::test]
async fn rows_of_a_list_are_referred_to_by_their_keys() {
    let bed = Bed::memory(SCHEMA).await;
    let file = "
plans:
  - {tier: free, cents: 0}
  - {tier: pro plus, cents: 9}
subs:
  a: {plan: free}
  b: {plan: pro plus}
  c: {plan_tier: !ref plans.free}
";
    bed.settles(file).await;
    assert_eq!(
        bed.ask("SELECT plan_tier FROM subs ORDER BY 1").await,
        "free free pro plus"
    );
}

#[tokio::test]
async fn an_index_of_an_expression_tells_rows_apart() {
    let bed = Bed::memory(SCHEMA).await;
    let file = "folded:\n  _key: mail\n  a: {mail: A@x, n: 1}\n  b: {mail: B@x, n: 1}\n";
    bed.settles(file).await;
    assert_eq!(
        bed.settles(&file.replace("n: 1}\n  b", "n: 2}\n  b")).await,
        "a edited ~folded.a(n: 1 → 2)"
    );
}

#[tokio::test]
async fn an_index_of_some_rows_tells_those_apart() {
    let bed = Bed::memory(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT, n INTEGER, gone TEXT);
         CREATE UNIQUE INDEX live ON t (mail) WHERE gone IS NULL;
         INSERT INTO t (id, mail, n, gone) VALUES (1, 'a@x', 7, 'yes'), (2, 'a@x', 8, 'yes');",
    )
    .await;
    let file = "t:\n  _key: mail\n  a: {mail: a@x, n: 1}\n";
    assert_eq!(bed.settles(file).await, "a new +t.a");
    assert_eq!(
        bed.settles(&file.replace("n: 1", "n: 2")).await,
        "a edited ~t.a(n: 1 → 2)"
    );
    assert_eq!(
        bed.ask("SELECT group_concat(n, ' ') FROM (SELECT n FROM t ORDER BY n)")
            .await,
        "2 7 8"
    );
    assert_eq!(
        bed.one(&file.replace("n: 1", "n: 2, gone: now")).await,
        "a:3:3 no-key: the row would not be found again: its `_key` is that of an index of rows with `gone IS NULL`"
    );
    assert_eq!(
        bed.one(&format!("_seed: {{mode: sync}}\n{file}")).await,
        "a:3:9 key-not-unique: `_key` of `t` names columns of an index of some rows only, and `mode: sync` deletes rows \
         by their keys"
    );
}

/// What is wrong, and what its help says to write instead: that is typed, and is right.
#[tokio::test]
async fn the_help_of_each_problem_leads_out() {
    for (wrong, right) in [
        (
            "days: {a: {user_id: ann}}",
            "days: {a: {user_id: !ref users.ann}}",
        ),
        (
            "subs: {a: {plan_tier: one}}\nplans: {one: {tier: 1st}}",
            "subs: {a: {plan_tier: !ref plans.one}}\nplans: {one: {tier: 1st}}",
        ),
        ("days: {a: {user: {x: 1}}}", "days: {a: {user: ann}}"),
        ("user: {a: {}}", "users: {a: {}}"),
        ("persons: {a: {}}", "users: {a: {}}"),
        ("users: {a: {nam: x}}", "users: {a: {name: x}}"),
        ("users: {a: {address: x}}", "users: {a: {name: x}}"),
        ("v: {a: {}}", "users: {a: {}}"),
        (
            "days: {a: {user: bob}}",
            "days: {a: {user: bob}}\nusers: {bob: {}}",
        ),
        (
            "days: {_key: [n], a: {n: 1}}",
            "days: {_key: [user_id, day], a: {n: 1, user: ann, day: mon}}",
        ),
        ("users: {a: {id: x}}", "users: {a: {id: 3}}"),
        ("users: {a: {id: yes}}", "users: {a: {id: true}}"),
        (
            "users: {a: {name: same}, b: {name: same}}",
            "users: {a: {name: same}, b: {name: other}}",
        ),
        (
            "days: {a: {user: ann, user_id: 1}}",
            "days: {a: {user: ann}}",
        ),
        ("_AToB: {a: {A: 1}}", "_AToB: {a: {A: 1, B: 2}}"),
        ("_AToB: {a: {A: ~, B: 2}}", "_AToB: {a: {A: 1, B: 2}}"),
        (
            "days:\n  l_{1..2}: {day: ${label}}",
            "days:\n  l_{1..2}: {day: \"${label}\"}",
        ),
        ("days: {l_{1..2}: {n: 1}}", "days: {\"l_{1..2}\": {n: 1}}"),
        (
            "days: {a: {day: x${label}y}}",
            "days: {a: {day: \"x${label}y\"}}",
        ),
        (
            "users:\n  DEFAULTS: &d {name: x}\n  a: {<<: *d}",
            "users:\n  _defaults: {name: x}\n  a: {}",
        ),
        (
            "days:\n  d_{users.z*}: {n: 1}",
            "days:\n  d_{users.z*}: {n: 1}\nusers: {zoe: {}}",
        ),
    ] {
        let bed = Bed::memory(SCHEMA).await;
        let with_ann = |text: &str| match text.contains("users:") {
            true => text.replace("users: {", "users: {ann: {}, "),
            false => format!("{text}\nusers: {{ann: {{}}}}"),
        };
        let files = [("a", with_ann(wrong))];
        let seeds = Seeds::of_texts(files.iter().map(|(name, text)| (*name, text.as_str())));
        let observed = bed.observed(&seeds).await;
        assert!(!observed.is_sound(), "{wrong}");
        for it in &observed.problems {
            assert!(!it.help.is_empty(), "{wrong}: {}", problem(it));
        }
        let told = bed.settles(&with_ann(right)).await;
        assert!(told.contains("new"), "{right}: {told}");
    }
}

#[test]
fn files_that_look_like_seeds_and_are_not_read_are_reported_once() {
    let project = Project::new()
        .migration("V1__s", "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);")
        .file("seeds/a.yaml", "t: {a: {id: 1, v: !file text.json}}\n")
        .file("seeds/text.json", "{}")
        .file("seeds/users.csv", "id\n1\n")
        .file("seeds/README.md", "Seeds.")
        .after("migrate");
    project.run("seed").check(expect_test::expect![[r#"
        $ seedbed seed
        seed a (new) sha256 b52d304c…
          t  + a
        1 inserted, 0 updated, 0 deleted, 0 unchanged, in one transaction
        the database is marked as environment dev
        2> target: local local.db (default)
        2> warning[not-read]: seeds/users.csv is not read: a seed is a .yaml file
        2>   |
        2>   = help: name its table in a seed, `users: !csv users.csv` or `!json users.json`, or move the file out of the folder of the seeds; statements belong in a migration
    "#]]);
    project.write("seeds/b.YAML", "t: {b: {id: 2}}\n");
    project.write("seeds/dev/old.sql", "INSERT INTO t VALUES (3, 'x');\n");
    project.run("seed").check(expect_test::expect![[r#"
        $ seedbed seed
        2> target: local local.db (default)
        2> error[bad-name]: seed files end with .yaml
        2>  --> seeds/b.YAML:1:1
        2>   |
        2> 1 |
        2>   | ^
        2>   |
        2>   = help: rename it: a file with another ending is not read
        2>
        2> warning[not-read]: seeds/dev/old.sql and seeds/users.csv are not read: a seed is a .yaml file
        2>   |
        2>   = help: name its table in a seed, `users: !csv users.csv` or `!json users.json`, or move the file out of the folder of the seeds; statements belong in a migration
        2>
        2> no row was written
        2>
        2> 1 error, 1 warning
        exit 4
    "#]]);
}
