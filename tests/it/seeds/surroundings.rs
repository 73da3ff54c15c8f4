//! Tags inside of tags, of lists and of maps: each is evaluated with the label, the names and the dice of its cell.

use super::Bed;

const SCHEMA: &str = "
CREATE TABLE teams (id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE users (
  id TEXT PRIMARY KEY, team_id INTEGER REFERENCES teams (id), nick TEXT, at TEXT, n INTEGER, meta JSON, one TEXT UNIQUE,
  home_id INTEGER UNIQUE REFERENCES teams (id)
);
";

#[tokio::test]
async fn a_pick_chooses_among_rows_times_numbers_and_other_picks() {
    let bed = Bed::memory(SCHEMA).await;
    bed.settles(
        "teams: {red: {id: 1}, blue: {id: 2}}
users:
  _id: ${label}
  u_{01..40}:
    team_id: !pick [!ref teams.red, !ref teams.blue]
    nick: !pick [\"a${i}\", !pick [!fake city, '${label}']]
    at: !pick [!ago 1..9 days, !now ]
    n: !pick [!int 100..200, 7]
",
    )
    .await;
    assert_eq!(
        bed.ask(
            "SELECT count(*), count(DISTINCT team_id), sum(team_id IN (1, 2)), sum(nick IS NULL), sum(n = 7) > 5, \
             sum(n BETWEEN 100 AND 200) > 5, sum(at < '2026-01-31') > 5, count(DISTINCT nick) > 20, \
             sum(nick = id) > 0 FROM users"
        )
        .await,
        "40|2|40|0|1|1|1|1|1"
    );
}

#[tokio::test]
async fn a_pick_of_labels_is_one_of_rows() {
    let bed = Bed::memory(SCHEMA).await;
    bed.settles(
        "teams: {t_{1..3}: {id: '${i}'}}
users:
  _id: ${label}
  u_{1..9}: {team: !pick {t_1: 2, t_2: 1}}
"
        .replace("t_{1..3}:", "\"t_{1..3}\":")
        .as_str(),
    )
    .await;
    assert_eq!(
        bed.ask("SELECT min(team_id), max(team_id), count(team_id) FROM users")
            .await,
        "1|2|9"
    );
    assert_eq!(
        bed.one("teams: {a: {}}\nusers:\n  _id: ${label}\n  u: {team: !pick [a, b]}\n")
            .await,
        "a:4:23 unknown-label: `teams` has no label `b` (`a`?)"
    );
}

#[tokio::test]
async fn a_unique_column_takes_each_row_once() {
    let bed = Bed::memory(SCHEMA).await;
    let file = |count: usize| {
        format!(
            "teams:\n  t_{{1..3}}: {{id: \"${{i}}\"}}\nusers:\n  _id: ${{label}}\n  \
             u_{{1..{count}}}: {{home: !pick [t_1, t_2, t_3]}}\n"
        )
    };
    bed.settles(&file(3)).await;
    assert_eq!(
        bed.ask("SELECT count(DISTINCT home_id) FROM users").await,
        "3"
    );
    assert_eq!(
        bed.one(&file(4)).await,
        "a:5:20 not-enough-values: column `home_id` is unique, and there are not enough different values"
    );
}

#[tokio::test]
async fn json_is_filled_in_by_its_row() {
    let mut bed = Bed::memory(SCHEMA).await;
    bed.var("HIDDEN", "s3cret");
    let file = "
_seed: {vars: {host: example.test}}
teams: {red: {id: 1, name: Red}}
users:
  _id: ${label}
  ann:
    meta:
      team: !ref teams.red
      of: !ref teams.red.name
      label: ${label}
      mail: \"${label}@${host}\"
      list: [!pick [!pick [7]], !int 5..5, ~, 1.5, !!str 007, {deep: !ref teams.red.name}]
  l_{1..2}: {meta: !json {n: \"x${i}\", m: !pick [\"${i}\"]}, one: !pick [\"${label}\"]}
  env: {meta: {secret: !env HIDDEN, team: !ref teams.red}}
  at: {meta: [!now [start of year], !env HIDDEN]}
";
    bed.settles(file).await;
    let meta = |id: &str| format!("SELECT meta FROM users WHERE id = '{id}'");
    assert_eq!(
        bed.ask(&meta("ann")).await,
        "{\"label\":\"ann\",\"list\":[7,5,null,1.5,\"007\",{\"deep\":\"Red\"}],\
         \"mail\":\"ann@example.test\",\"of\":\"Red\",\"team\":1}"
    );
    assert_eq!(bed.ask(&meta("l_2")).await, "{\"m\":\"2\",\"n\":\"x2\"}");
    assert_eq!(
        bed.ask(&meta("env")).await,
        "{\"secret\":\"s3cret\",\"team\":1}"
    );
    assert_eq!(
        bed.ask(&meta("at")).await,
        "[\"2026-01-01 00:00:00\",\"s3cret\"]"
    );
    // The JSON follows the row to which it refers; what a variable holds is not shown.
    bed.var("HIDDEN", "other");
    assert_eq!(
        bed.one(&file.replace("name: Red", "name: Rot")).await,
        "a edited ~teams.red(name: Red → Rot) \
         ~users.ann(meta: {\"label\":\"ann\",\"list\":[7,5,null,1.5,\"007\",{\"deep\":\"Red\"}],\
         \"mail\":\"ann@example.test\",\"of\":\"Red\",\"team\":1} → {\"label\":\"ann\",\
         \"list\":[7,5,null,1.5,\"007\",{\"deep\":\"Rot\"}],\"mail\":\"ann@example.test\",\"of\":\"Rot\",\"team\":1}) \
         ~users.env(meta: *** → ***)"
    );
}

#[tokio::test]
async fn json_that_refers_to_itself_ends() {
    let bed = Bed::memory(SCHEMA).await;
    let file = "users:\n  _id: ${label}\n  a: {meta: {x: !ref users.b.nick, y: !ref users.a.meta}}\n  b: {nick: !ref users.a.meta}\n";
    let told = bed.one(file).await;
    assert!(told.contains("no-value"), "{told}");
}

#[tokio::test]
async fn what_is_unknown_is_an_error_wherever_it_stands() {
    let bed = Bed::memory(SCHEMA).await;
    for (cell, expect) in [
        (
            "nick: !pick [a, '${nope}']",
            "unknown-name: nothing is named `nope`",
        ),
        (
            "nick: !pick [a, !fake nmae]",
            "bad-tag: `!fake` knows no kind `nmae` (`name`?)",
        ),
        (
            "nick: !pick [a, !nwo ]",
            "unknown-tag: there is no tag `!nwo` (`!now [start of month, +1 month]`?)",
        ),
        (
            "nick: !pick [a, !pick [b, !ref teams.purple]]",
            "unknown-label: `teams` has no label `purple`",
        ),
        (
            "nick: !pick [a, !env NOT_SET]",
            "unset-variable: NOT_SET must be set",
        ),
        (
            "n: !pick [1, one]",
            "wrong-type: `one` does not fit into column `n` of type INTEGER",
        ),
        (
            "meta: {a: ['${nope}']}",
            "unknown-name: nothing is named `nope`",
        ),
        (
            "meta: {a: !ref teams.purple}",
            "unknown-label: `teams` has no label `purple`",
        ),
        (
            "meta: {a: !hash secret}",
            "bad-json: JSON has no value for the tag `!hash`",
        ),
        (
            "meta: {a: !pick [1, !!binary aGk=]}",
            "bad-json: JSON has no value for the tag `!pick`",
        ),
        (
            "meta: {a: '${i}'}",
            "unknown-name: `${i}` is the number of one row of many, and this row is alone",
        ),
    ] {
        let file = format!("teams: {{r: {{}}}}\nusers:\n  _id: ${{label}}\n  u:\n    {cell}\n");
        let told = bed.one(&file).await;
        assert!(told.starts_with("a:5:"), "{cell}: {told}");
        assert_eq!(told.split_once(' ').unwrap().1, expect, "{cell}");
    }
    // A default is that of each row.
    assert_eq!(
        bed.one("users:\n  _id: ${label}\n  _defaults: {nick: !pick [a, '${i}']}\n  u_{1..2}: {}\n  plain: {}\n")
            .await,
        "a:3:31 unknown-name: `${i}` has no value in row `plain`"
    );
}

#[tokio::test]
async fn a_new_row_leaves_what_others_have_in_a_unique_column() {
    let bed = Bed::memory(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, title TEXT, slug TEXT UNIQUE, n INTEGER UNIQUE, p_id INTEGER UNIQUE REFERENCES p (id));
         CREATE TABLE p (id INTEGER PRIMARY KEY);",
    )
    .await;
    let all = "SELECT id, title, slug, n, p_id FROM t ORDER BY id";
    let parents = "p: {'p_{1..4}': {}}\n";
    let row = |label: &str, title: &str| {
        format!("  {label}: {{title: {title}, slug: !slug title, n: !int 1..4, p: !pick p.*}}\n")
    };
    let mut file = format!("{parents}t:\n{}", row("y", "Hello"));
    bed.settles(&file).await;
    // Each comes before those that are there, in the order of labels.
    for label in ["x", "w", "a"] {
        let before = bed.ask(all).await;
        file.push_str(&row(label, "hello"));
        assert_eq!(bed.settles(&file).await, format!("a edited +t.{label}"));
        let after = bed.ask(all).await;
        assert!(before.split(' ').all(|it| after.contains(it)), "{after}");
    }
    // So it is with one of another file.
    let before = bed.ask(all).await;
    let other = format!(
        "t:\n{}",
        row("0", "hello").replace("!int 1..4, p: !pick p.*", "9")
    );
    let files = [("0", &*other), ("a", &*file)];
    assert_eq!(bed.seed(&files).await, "0 new +t.0");
    assert_eq!(bed.seed(&files).await, "");
    let after = bed.ask(all).await;
    assert!(before.split(' ').all(|it| after.contains(it)), "{after}");
    // A value that is drawn from another text is drawn as that of a new row.
    let edited = file.replace(&row("a", "hello"), &row("a", "World"));
    let told = bed.seed(&[("0", &*other), ("a", &*edited)]).await;
    assert!(
        told.contains("→ World") && told.contains("→ world)"),
        "{told}"
    );
    assert_eq!(told.matches('~').count(), 1, "{told}");
}
