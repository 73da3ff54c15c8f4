//! What seeding does, in every mode. Each specification gets a new and empty database.

use seedbed::seeds::Refresh;

use super::Bed;
pub(crate) use super::columns::*;
pub(crate) use super::final_states::*;
pub(crate) use super::generations::*;
pub(crate) use super::ids::*;
pub(crate) use super::keys::*;
pub(crate) use super::lives::*;
pub(crate) use super::parents::*;
pub(crate) use super::references::*;
pub(crate) use super::renames::*;
pub(crate) use super::shapes::*;
pub(crate) use super::traces::*;
use crate::world::World;

const SCHEMA: &str = "
CREATE TABLE teams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, lead_id TEXT REFERENCES users (id));
CREATE TABLE users (
  id TEXT PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT, tier TEXT NOT NULL DEFAULT 'free',
  team_id INTEGER REFERENCES teams (id), boss_id TEXT REFERENCES users (id), seen TEXT
);
";

const USERS: &str = "
users:
  ann: {email: ann@x, name: Ann}
  bob: {email: bob@x, name: Bob}
";

const NAMES: &str = "SELECT email, name, tier FROM users ORDER BY email";

pub(crate) async fn a_first_run_makes_the_rows_and_a_second_writes_nothing(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    assert_eq!(
        bed.planned(&[("a", USERS)]).await,
        "a new +users.ann +users.bob"
    );
    assert_eq!(bed.ask("SELECT count(*) FROM users").await, "0");
    assert_eq!(bed.settles(USERS).await, "a new +users.ann +users.bob");
    assert_eq!(bed.ask(NAMES).await, "ann@x|Ann|free bob@x|Bob|free");
    assert_eq!(bed.world.recorded().await, "V1 a");
}

pub(crate) async fn an_edited_file_changes_what_differs(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    bed.one(USERS).await;
    let edited = "
users:
  ann: {email: ann@x, name: Anna, tier: pro}
  bob: {email: bob@x, name: Bob}
  cid: {email: cid@x}
";
    assert_eq!(
        bed.settles(edited).await,
        "a edited ~users.ann(name: Ann → Anna, tier: free → pro) +users.cid"
    );
    assert_eq!(
        bed.ask(NAMES).await,
        "ann@x|Anna|pro bob@x|Bob|free cid@x|NULL|free"
    );
}

pub(crate) async fn a_new_comment_is_recorded_and_nothing_else(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    bed.one(USERS).await;
    let recorded = "SELECT checksum FROM _migrations WHERE kind = 'seed'";
    let before = (bed.ask(recorded).await, bed.dump().await);
    let respelled = format!(
        "# who we are\n{}",
        USERS.replace("name: Ann", "name:   Ann")
    );
    assert_eq!(bed.settles(&respelled).await, "a respelled");
    assert_ne!(bed.ask(recorded).await, before.0);
    assert_eq!(bed.dump().await, before.1);
}

pub(crate) async fn a_seed_that_inserts_leaves_rows_alone(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    bed.by_hand("INSERT INTO users (id, email, name) VALUES ('1', 'ann@x', 'Hers')")
        .await;
    let file = "
_seed: {mode: insert}
users:
  _key: email
  ann: {email: ann@x, name: Ann}
  bob: {email: bob@x, name: Bob, boss: ann}
";
    assert_eq!(bed.settles(file).await, "a new +users.bob");
    assert_eq!(
        bed.ask("SELECT email, name, boss_id FROM users ORDER BY 1")
            .await,
        "ann@x|Hers|NULL bob@x|Bob|1"
    );
    let edited = file.replace("name: Bob", "name: Robert");
    assert_eq!(bed.settles(&edited).await, "a edited");
    assert_eq!(bed.ask(NAMES).await, "ann@x|Hers|free bob@x|Bob|free");
}

pub(crate) async fn a_seed_that_syncs_deletes_its_own_rows(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    bed.by_hand("INSERT INTO users (id, email) VALUES ('1', 'own@x')")
        .await;
    let file = format!("_seed: {{mode: sync}}{USERS}  kim: {{email: kim@x, boss: bob}}\n");
    assert_eq!(
        bed.settles(&file).await,
        "a new +users.ann +users.bob +users.kim"
    );
    let fewer = "_seed: {mode: sync}\nusers:\n  ann: {email: ann@x, name: Ann}\n";
    assert_eq!(bed.settles(fewer).await, "a edited -users.bob -users.kim");
    assert_eq!(
        bed.ask("SELECT email FROM users ORDER BY 1").await,
        "ann@x own@x"
    );
    // Another label for what must be unique: the old row makes room for the new one.
    let renamed = fewer.replace("ann:", "anna:");
    assert_eq!(
        bed.settles(&renamed).await,
        "a edited -users.ann +users.anna"
    );
    // Found by other columns from now on, the row is the same.
    let keyed = renamed.replace("users:\n", "users:\n  _key: email\n");
    assert_eq!(bed.settles(&keyed).await, "a edited");
    assert_eq!(
        bed.ask("SELECT email FROM users ORDER BY 1").await,
        "ann@x own@x"
    );
    // Rows of others that refer to it are not deleted with it.
    bed.by_hand(
        "UPDATE users SET boss_id = (SELECT id FROM users WHERE email = 'ann@x') WHERE id = '1'",
    )
    .await;
    let none = "_seed: {mode: sync}\nusers: {}\n";
    let refused = bed.one(none).await;
    assert!(refused.contains("has-children"), "{refused}");
    assert_eq!(
        bed.ask("SELECT email FROM users ORDER BY 1").await,
        "ann@x own@x"
    );
}

pub(crate) async fn a_row_changed_by_hand_is_told_and_left_so(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    bed.one(USERS).await;
    bed.by_hand("UPDATE users SET name = 'Queen', tier = 'pro' WHERE email = 'ann@x'")
        .await;
    bed.by_hand("DELETE FROM users WHERE email = 'bob@x'").await;
    let before = bed.revision().await;
    assert_eq!(bed.one(USERS).await, "a !users.ann(name) !users.bob(gone)");
    assert_eq!(bed.revision().await, before);
    assert_eq!(bed.ask(NAMES).await, "ann@x|Queen|pro");
    // A key that was changed by hand is no reason to fail.
    bed.by_hand("UPDATE users SET email = 'queen@x'").await;
    let keyed = USERS.replace("users:", "users:\n  _key: email");
    assert_eq!(
        bed.planned(&[("a", USERS)]).await,
        "a !users.ann(email, name) !users.bob(gone)"
    );
    assert_eq!(
        bed.one(&keyed).await,
        "a edited !users.ann(email, name) !users.bob(gone)"
    );
}

pub(crate) async fn refreshing_makes_all_as_declared(world: World) {
    let mut bed = Bed::new(world, SCHEMA).await;
    let file = format!("{USERS}  cid: {{email: cid@x, seen: !now }}\n");
    bed.one(&file).await;
    bed.by_hand("UPDATE users SET name = 'Queen' WHERE email = 'ann@x'")
        .await;
    bed.by_hand("DELETE FROM users WHERE email = 'bob@x'").await;
    bed.days_later(1);
    bed.options.refresh = Refresh::Yes;
    assert_eq!(
        bed.settles(&file).await,
        "a ~users.ann(name: Queen → Ann) +users.bob \
         ~users.cid(seen: 2026-01-31 12:00:00 → 2026-02-01 12:00:00)"
    );
}

pub(crate) async fn kept_columns_are_written_once(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    let file = USERS.replace("users:", "users:\n  _keep: [name]");
    bed.one(&file).await;
    bed.by_hand("UPDATE users SET name = 'Queen' WHERE email = 'ann@x'")
        .await;
    assert_eq!(bed.one(&file).await, "");
    let edited = file.replace("name: Ann", "name: Anna, tier: pro");
    assert_eq!(
        bed.settles(&edited).await,
        "a edited ~users.ann(tier: free → pro)"
    );
    assert_eq!(bed.ask(NAMES).await, "ann@x|Queen|pro bob@x|Bob|free");
}

pub(crate) async fn times_do_not_count_as_changes(world: World) {
    let mut bed = Bed::new(world, SCHEMA).await;
    let file = "users:\n  ann: {email: ann@x, seen: !now [-1 day]}\n  bob: {email: bob@x, seen: !ago 1..9 days}\n";
    bed.settles(file).await;
    let before = bed.dump().await;
    bed.days_later(40);
    assert_eq!(bed.one(file).await, "");
    assert_eq!(bed.dump().await, before);
    // Where the row changes, its times stay.
    let edited = file.replace("ann@x,", "ann@x, name: Ann,");
    assert_eq!(
        bed.settles(&edited).await,
        "a edited ~users.ann(name: NULL → Ann)"
    );
    // Another time is a difference.
    let another = edited.replace("[-1 day]", "[-2 days]");
    assert_eq!(
        bed.settles(&another).await,
        "a edited ~users.ann(seen: 2026-01-30 12:00:00 → 2026-03-10 12:00:00)"
    );
}

pub(crate) async fn the_first_seeding_marks_the_database(world: World) {
    let mut bed = Bed::new(world, SCHEMA).await;
    bed.one(USERS).await;
    assert_eq!(
        bed.world.history().await.environment.as_deref(),
        Some("dev")
    );
    bed.options.choice.environment = "test".to_owned();
    let refused = bed.one(USERS).await;
    assert_eq!(
        refused,
        "other-environment: this database is marked `dev`, and these seeds are for `test`"
    );
    bed.options.mark = Some("test".to_owned());
    assert_eq!(bed.one(USERS).await, "");
    assert_eq!(
        bed.world.history().await.environment.as_deref(),
        Some("test")
    );
    bed.options.mark = None;
    assert_eq!(bed.settles(USERS).await, "");
}

pub(crate) async fn files_come_by_environment_and_tag(world: World) {
    let mut bed = Bed::new(world, SCHEMA).await;
    let files = [
        ("010_all", "users:\n  ann: {email: ann@x}\n"),
        (
            "020_load",
            "_seed: {tags: [load]}\nusers:\n  l_{1..3}: {email: '${label}@x'}\n",
        ),
        ("test/030", "users:\n  tim: {email: tim@x}\n"),
        ("dev/030", "users:\n  dan: {email: dan@x, boss: ann}\n"),
        (
            "prod/030",
            "_seed: {envs: [prod]}\nusers:\n  pam: {email: pam@x}\n",
        ),
    ];
    assert_eq!(
        bed.seed(&files).await,
        "010_all new +users.ann\ndev/030 new +users.dan"
    );
    assert_eq!(bed.seed(&files).await, "");
    bed.options.choice.tags = vec!["load".to_owned()];
    assert_eq!(
        bed.seed(&files).await,
        "020_load new +users.l_1 +users.l_2 +users.l_3"
    );
    bed.options.choice.tags = vec!["laod".to_owned()];
    assert_eq!(
        bed.seed(&files).await,
        "unknown-tag: no seed for `dev` has tag `laod` (`load`?)"
    );
}

pub(crate) async fn references_cross_files_and_go_in_circles(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    let files = [
        ("a", "teams:\n  red: {name: Red, lead: ann}\n"),
        (
            "b",
            "users:\n  ann: {email: ann@x, team: red, boss: ann}\n  \
             bob: {email: bob@x, team_id: !ref teams.red.id, boss_id: !ref users.ann}\n",
        ),
    ];
    assert_eq!(
        bed.seed(&files).await,
        "a new +teams.red\nb new +users.ann +users.bob"
    );
    assert_eq!(bed.seed(&files).await, "");
    let joined = "SELECT t.name, lead.email, u.email, boss.email FROM users u JOIN teams t ON t.id = u.team_id \
                  JOIN users lead ON lead.id = t.lead_id JOIN users boss ON boss.id = u.boss_id ORDER BY u.email";
    assert_eq!(
        bed.ask(joined).await,
        "Red|ann@x|ann@x|ann@x Red|ann@x|bob@x|ann@x"
    );
    // UUIDv5 for a text, 53 bits for an integer, and always the same.
    assert_eq!(
        bed.ask("SELECT id FROM users WHERE email = 'ann@x'").await,
        "c0e167d2-3953-57f9-b86e-938108fd2a7c"
    );
    assert_eq!(
        bed.ask("SELECT id, id < 9007199254740992 FROM teams").await,
        "8730815595683306|1"
    );
}

pub(crate) async fn all_kinds_of_tables_are_seeded(world: World) {
    let bed = Bed::new(
        world,
        "CREATE TABLE kv (space TEXT, k TEXT, v ANY, PRIMARY KEY (space, k)) STRICT, WITHOUT ROWID;
         CREATE TABLE sums (id INTEGER PRIMARY KEY, a INT NOT NULL, b INT AS (a * 2), c INT AS (a * 3) STORED);
         CREATE TABLE \"odd \"\"name\"\"\" (\"the key\" TEXT PRIMARY KEY, \"select\" TEXT);
         CREATE TABLE uses (id INTEGER PRIMARY KEY, space TEXT, k TEXT, FOREIGN KEY (space, k) REFERENCES kv (space, k));",
    )
    .await;
    let file = r#"
kv:
  one: {space: s, k: one, v: 1}
  two: {space: s, k: two, v: "2"}
  three: {space: s, k: three, v: 3.5}
sums:
  x: {id: 1, a: 21}
'odd "name"':
  y: {the key: k, select: it's}
uses:
  u: {id: 7, space: !ref kv.three.space, k: !ref kv.three.k}
"#;
    assert_eq!(
        bed.settles(file).await,
        "a new +kv.one +kv.three +kv.two +odd \"name\".y +sums.x +uses.u"
    );
    assert_eq!(
        bed.ask("SELECT k, v, typeof(v) FROM kv ORDER BY k").await,
        "one|1|integer three|3.5|real two|2|text"
    );
    assert_eq!(bed.ask("SELECT a, b, c FROM sums").await, "21|42|63");
    assert_eq!(bed.ask("SELECT space, k FROM uses").await, "s|three");
    let edited = file.replace("a: 21", "a: 2").replace("v: 3.5", "v: ~");
    assert_eq!(
        bed.settles(&edited).await,
        "a edited ~kv.three(v: 3.5 → NULL) ~sums.x(a: 21 → 2)"
    );
}

pub(crate) async fn values_arrive_as_they_are_written(world: World) {
    let mut bed = Bed::new(
        world,
        "CREATE TABLE v (id INTEGER PRIMARY KEY, t TEXT, i INTEGER, r REAL, n NUMERIC, b BLOB, d TIMESTAMP);",
    )
    .await;
    bed.var("NAME", "from outside");
    let file = r#"
v:
  plain: {id: 1, t: 007, i: 42, r: 1, n: 1.50, b: !!binary aGVsbG8=, d: !now }
  empty: {id: 2, t: "", i: ~, r: 1e3, n: 9007199254740993, b: text, d: 2026-01-31}
  odd: {id: 3, t: "ünï ☃ 🤖 'q' \"dq\"; --", i: -9223372036854775808, r: .5, n: 10, b: {z: 1, a: [x, ~, true]}}
  outside: {id: 4, t: !env NAME, i: 9223372036854775807, n: 12.0, d: !now [start of month, +1 month]}
"#;
    bed.settles(file).await;
    assert_eq!(
        bed.ask("SELECT id, quote(t), i, quote(r), quote(n), quote(b), d FROM v ORDER BY id")
            .await,
        "1|'007'|42|1.0|1.5|X'68656C6C6F'|2026-01-31 12:00:00 \
         2|''|NULL|1000.0|9007199254740993|'text'|2026-01-31 \
         3|'ünï ☃ 🤖 ''q'' \"dq\"; --'|-9223372036854775808|0.5|10|'{\"a\":[\"x\",null,true],\"z\":1}'|NULL \
         4|'from outside'|9223372036854775807|NULL|12|NULL|2026-02-01 00:00:00"
    );
}

pub(crate) async fn a_failing_row_leaves_nothing(world: World) {
    let bed = Bed::new(
        world,
        "CREATE TABLE a (id INTEGER PRIMARY KEY, n INT CHECK (n < 10));",
    )
    .await;
    let revision = bed.revision().await;
    let failed = bed
        .one("a:\n  x: {id: 1, n: 1}\n  y: {id: 2, n: 11}\n  z: {id: 3, n: 2}\n")
        .await;
    assert!(failed.starts_with("failed at 3:3 "), "{failed}");
    assert!(failed.contains("CHECK"), "{failed}");
    assert_eq!(bed.ask("SELECT count(*) FROM a").await, "0");
    assert_eq!(bed.revision().await, revision);
    assert_eq!(bed.world.recorded().await, "V1");
}

pub(crate) async fn many_rows_go_together(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    let file = "users:\n  u_{0001..1500}: {email: '${label}@x', name: !fake name, boss: first}\n  \
                first: {email: first@x}\n";
    let told = bed.settles(file).await;
    assert_eq!(told.matches('+').count(), 1501);
    assert_eq!(
        bed.ask("SELECT count(*), count(DISTINCT boss_id) FROM users")
            .await,
        "1501|1"
    );
    let edited = file.replace("boss: first", "boss: first, tier: pro");
    let told = bed.settles(&edited).await;
    assert_eq!(told.matches('~').count(), 1500);
    assert_eq!(
        bed.ask("SELECT count(*) FROM users WHERE tier = 'pro'")
            .await,
        "1500"
    );
}

pub(crate) async fn many_rows_are_found_as_few_are(world: World) {
    let schema = "CREATE TABLE people (id INTEGER PRIMARY KEY, mail TEXT COLLATE NOCASE NOT NULL UNIQUE, name TEXT, \
                  shown TEXT GENERATED ALWAYS AS (upper(name)), size REAL);";
    let bed = Bed::new(world, schema).await;
    let file = "people:\n  _key: mail\n  p_{0001..2100}: {mail: '${label}@x', name: 'N ${i}', size: '${i}'}\n";
    bed.settles(file).await;
    for by_hand in [
        "UPDATE people SET mail = upper(mail) WHERE size > 1000",
        "UPDATE people SET name = 'N 7' || char(0) || 'x' WHERE name = 'N 7'",
        "DELETE FROM people WHERE name = 'N 9'",
        "INSERT INTO people (mail, name) VALUES ('own@x', 'N 10')",
    ] {
        bed.by_hand(by_hand).await;
    }
    let differs = "a !people.p_0007(name) !people.p_0009(gone)";
    assert_eq!(bed.one(file).await, differs);
    // Many rows of others: the table is not read to its end.
    bed.by_hand(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 5000) \
         INSERT INTO people (mail) SELECT n || '@own' FROM n",
    )
    .await;
    assert_eq!(bed.one(file).await, differs);
    let edited = file.replace("'N ", "'M ");
    let told = bed.one(&edited).await;
    assert_eq!(told.matches("(name: N").count(), 2098);
    assert_eq!(
        bed.ask("SELECT count(*) FROM people WHERE name LIKE 'M %'")
            .await,
        "2098"
    );
}

pub(crate) async fn a_changed_variable_is_applied_again(world: World) {
    let mut bed = Bed::new(world, SCHEMA).await;
    let file = "users:\n  ann: {email: ann@x, name: !env NAME}\n";
    assert_eq!(
        bed.one(file).await,
        "a:2:29 unset-variable: NAME must be set"
    );
    bed.var("NAME", "s3cr3t-one");
    assert_eq!(bed.settles(file).await, "a new +users.ann");
    bed.var("NAME", "s3cr3t-two");
    assert_eq!(bed.settles(file).await, "a ~users.ann(name: *** → ***)");
    assert_eq!(bed.ask("SELECT name FROM users").await, "s3cr3t-two");
    let records =
        "SELECT group_concat(quote(source) || quote(detail) || quote(effective)) FROM _migrations";
    let records = bed.ask(records).await;
    assert!(!records.contains("s3cr3t"), "{records}");
}

pub(crate) async fn two_runs_at_once_seed_once(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    let (one, other) = tokio::join!(bed.one(USERS), bed.one(USERS));
    let mut both = [one, other];
    both.sort();
    assert_eq!(both, ["", "a new +users.ann +users.bob"]);
    assert_eq!(bed.ask("SELECT count(*) FROM users").await, "2");
}

pub(crate) async fn a_forgotten_seed_takes_rows_that_refer_to_each_other_along(world: World) {
    let schema = "
CREATE TABLE users (id TEXT PRIMARY KEY);
CREATE TABLE posts (id INTEGER PRIMARY KEY AUTOINCREMENT, slug TEXT UNIQUE, user_id TEXT NOT NULL REFERENCES users(id),
  parent INT REFERENCES posts(id));
";
    let bed = Bed::new(world, schema).await;
    let text = "_seed: {mode: sync}
users: {ann: {id: u_ann}}
posts:
  _key: slug
  _id: !auto
  p1: {slug: s1, user: ann}
  p2: {slug: s2, user: ann, parent: !ref posts.p1.id}
  p3: {slug: s3, user: ann, parent: !ref posts.p2.id}
";
    assert_eq!(
        bed.settles(text).await,
        "a new +posts.p1 +posts.p2 +posts.p3 +users.ann"
    );
    let forgotten = bed.forget("a", seedbed::seeds::ForgetRows::Go, &[]).await;
    assert_eq!(
        forgotten,
        "a edited -posts.p1 -posts.p2 -posts.p3 -users.ann"
    );
    let left = "SELECT (SELECT count(*) FROM posts) + (SELECT count(*) FROM users)";
    assert_eq!(bed.ask(left).await, "0");
}

pub(crate) async fn a_forgotten_seed_takes_rows_along_whose_references_cannot_be_null(
    world: World,
) {
    let schema = "
CREATE TABLE folders (id INTEGER PRIMARY KEY, up INT NOT NULL REFERENCES folders(id));
CREATE TABLE labels (id INTEGER PRIMARY KEY, slug TEXT UNIQUE, up TEXT NOT NULL REFERENCES labels(slug));
";
    let bed = Bed::new(world, schema).await;
    let text = "_seed: {mode: sync}
folders:
  root: {id: 1, up: 1}
  a: {id: 2, up: 1}
  b: {id: 3, up: 2}
labels:
  root: {id: 1, slug: r, up: r}
  a: {id: 2, slug: a, up: r}
";
    bed.settles(text).await;
    let forgotten = bed.forget("a", seedbed::seeds::ForgetRows::Go, &[]).await;
    assert_eq!(
        forgotten,
        "a edited -folders.a -folders.b -folders.root -labels.a -labels.root"
    );
    let left = "SELECT (SELECT count(*) FROM folders) + (SELECT count(*) FROM labels)";
    assert_eq!(bed.ask(left).await, "0");
}
