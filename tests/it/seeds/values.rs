//! The content of a cell, and the value in the database.

use argon2::Argon2;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use seedbed::seeds::{Refresh, Seeds};

use super::{Bed, told, words};

/// Seeds one row `x` with a value for a column `v` of this type, twice: the second time nothing is written. What
/// arrives is reported as its class and itself.
async fn arrives(declared: &str, value: &str) -> String {
    let bed = Bed::memory(&format!(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v {declared});"
    ))
    .await;
    bed.settles(&format!("t:\n  x:\n    id: 1\n    v: {value}\n"))
        .await;
    bed.ask("SELECT typeof(v), quote(v) FROM t").await
}

#[tokio::test]
async fn a_value_becomes_what_its_column_holds_and_is_found_so_again() {
    for (declared, value, expect) in [
        ("TEXT", "no", "text|'no'"),
        ("TEXT", "1.10", "text|'1.10'"),
        ("TEXT", "~", "null|NULL"),
        ("TEXT", "\"~\"", "text|'~'"),
        ("TEXT", "'a''b'", "text|'a''b'"),
        (
            "TEXT",
            "[1, {b: 2, a: ~}]",
            "text|'[1,{\"a\":null,\"b\":2}]'",
        ),
        ("TEXT", "!json \"text\"", "text|'\"text\"'"),
        ("TEXT", "!!binary aGk=", "blob|X'6869'"),
        ("INTEGER", "007", "integer|7"),
        ("INTEGER", "\" 42 \"", "integer|42"),
        ("INTEGER", "\"42\"", "integer|42"),
        ("INTEGER", "1e3", "integer|1000"),
        ("INTEGER", "1e18", "integer|1000000000000000000"),
        ("INTEGER", "9007199254740994.0", "integer|9007199254740994"),
        ("INTEGER", "true", "integer|1"),
        ("INTEGER", "\"no number\"", "text|'no number'"),
        ("INTEGER", "1.5", "real|1.5"),
        ("INTEGER", "!now", "integer|1769860800"),
        ("REAL", "1", "real|1.0"),
        ("REAL", "-0.0", "real|0.0"),
        ("REAL", "1e300", "real|1.0e+300"),
        ("REAL", "0.1", "real|0.1"),
        ("NUMERIC", "1.0", "integer|1"),
        ("NUMERIC", "1.5e20", "real|1.5e+20"),
        ("NUMERIC", "2026-01-31", "text|'2026-01-31'"),
        ("NUMERIC", "!json 5", "integer|5"),
        ("BLOB", "1.0", "real|1.0"),
        ("BLOB", "\"1\"", "text|'1'"),
        ("BLOB", "1", "integer|1"),
        ("", "yes", "text|'yes'"),
        ("DATE", "!now", "text|'2026-01-31'"),
        ("DATE", "2024-02-29", "text|'2024-02-29'"),
        (
            "TIMESTAMP",
            "!now [start of year]",
            "text|'2026-01-01 00:00:00'",
        ),
        ("BOOLEAN", "true", "integer|1"),
        ("BOOLEAN", "\"true\"", "text|'true'"),
        ("DECIMAL(10,2)", "10.50", "real|10.5"),
        ("TEXT", "!int 5..5", "text|'5'"),
        ("REAL", "!int 5..5", "real|5.0"),
        ("VARCHAR(3)", "!pick {abc: 1}", "text|'abc'"),
        ("TEXT", "!pick [\"${label}\"]", "text|'x'"),
        ("REAL", "true", "real|1.0"),
        ("REAL", "\"1\"", "real|1.0"),
        ("NUMERIC", "\"1e3\"", "integer|1000"),
        ("TEXT", "!pick [!now ]", "text|'2026-01-31 12:00:00'"),
        ("TEXT", "!pick [!env {name: NONE, default: d}]", "text|'d'"),
        ("TEXT", "!pick [!!binary aGk=]", "blob|X'6869'"),
        ("TEXT", "$${label}", "text|'${label}'"),
        ("TEXT", "\"${label}!\"", "text|'x!'"),
    ] {
        assert_eq!(
            arrives(declared, value).await,
            expect,
            "{value} in {declared}"
        );
    }
}

#[tokio::test]
async fn columns_that_are_left_out_have_their_default() {
    let bed = Bed::memory(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT DEFAULT 'given', b INT DEFAULT 7, c);
         CREATE TABLE alone (id INTEGER PRIMARY KEY);",
    )
    .await;
    bed.settles("t:\n  x: {}\n  y: {a: ~}\nalone:\n  z:\n")
        .await;
    assert_eq!(
        bed.ask("SELECT a, b, c FROM t ORDER BY a").await,
        "NULL|7|NULL given|7|NULL"
    );
    assert_eq!(bed.ask("SELECT count(*) FROM alone").await, "1");
}

const GENERATED: &str = "
users:
  u_{01..40}: {phone: !fake phone.e164, age: !int 1..60, tier: !pick {free: 8, pro: 1}, at: !ago 0..99 days}
";

const PEOPLE: &str = "CREATE TABLE users (id TEXT PRIMARY KEY, phone TEXT UNIQUE, age INT UNIQUE, tier TEXT, at TEXT, more TEXT);";

#[tokio::test]
async fn generated_values_depend_on_nothing_but_their_place() {
    let bed = Bed::memory(PEOPLE).await;
    bed.settles(GENERATED).await;
    assert_eq!(
        bed.ask("SELECT count(DISTINCT phone), count(DISTINCT age), count(DISTINCT tier), min(age) > 0, max(age) < 61 FROM users").await,
        "40|40|2|1|1"
    );
    let all = "SELECT id, phone, tier, at FROM users WHERE id IN (SELECT id FROM users ORDER BY id) AND more IS NOT 'late' ORDER BY phone";
    let before = bed.ask(all).await;
    // Another column, and other rows of another pattern.
    let wider = GENERATED.replace("at: !ago", "more: !fake word, at: !ago");
    let told = bed.one(&wider).await;
    assert!(!told.contains("phone") && !told.contains("tier"), "{told}");
    let more = format!("{wider}  a_{{1..9}}: {{tier: !pick [x, y], more: late}}\n");
    let told = bed.one(&more).await;
    assert!(!told.contains('~'), "{told}");
    assert_eq!(bed.ask(all).await, before);
    // Another salt makes other values.
    let salted = format!("_seed: {{random: 43}}\n{}", more.trim_start());
    let told = bed.planned(&[("a", &salted)]).await;
    assert!(told.matches("phone: ").count() > 30, "{told}");
}

#[tokio::test]
async fn a_pick_knows_the_names_of_its_row() {
    let bed = Bed::memory(
        "CREATE TABLE t (id TEXT PRIMARY KEY, nick TEXT UNIQUE, v TEXT);
         CREATE TABLE w (id TEXT PRIMARY KEY, nick TEXT UNIQUE, v TEXT);",
    )
    .await;
    bed.settles(
        "t:\n  _id: ${label}\n  a_{1..2}: {nick: !pick [\"a${i}\"], v: !pick [\"a${i}\"]}\n\
         w:\n  b_{t.a_1}: {id: b, nick: !pick [\"${each}\"], v: !pick [\"${each}\"]}\n",
    )
    .await;
    assert_eq!(
        bed.ask("SELECT * FROM t UNION ALL SELECT * FROM w ORDER BY id")
            .await,
        "a_1|a1|a1 a_2|a2|a2 b|a_1|a_1"
    );
}

#[tokio::test]
async fn too_few_values_for_a_unique_column_are_told() {
    let bed = Bed::memory(PEOPLE).await;
    assert_eq!(
        bed.one("users:\n  u_{1..4}: {age: !int 1..3}\n").await,
        "a:2:19 not-enough-values: column `age` is unique, and there are not enough different values"
    );
}

#[tokio::test]
async fn one_row_for_each_label_of_another_table() {
    let bed = Bed::memory(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);
         CREATE TABLE usage (id TEXT PRIMARY KEY, user_id INTEGER REFERENCES users (id), name TEXT);",
    )
    .await;
    let text = "users:\n  ann: {name: Ann}\n  l_{01..03}: {name: 'no ${i}'}\n\
                usage:\n  _id: use_${label}\n  of_{users.l_*}: {user: '${each}', name: '${label}'}\n";
    assert_eq!(
        bed.settles(text).await,
        "a new +usage.of_l_01 +usage.of_l_02 +usage.of_l_03 +users.ann +users.l_01 +users.l_02 +users.l_03"
    );
    assert_eq!(
        bed.ask(
            "SELECT g.id, u.name, g.name FROM usage g JOIN users u ON u.id = g.user_id ORDER BY 1"
        )
        .await,
        "use_of_l_01|no 1|of_l_01 use_of_l_02|no 2|of_l_02 use_of_l_03|no 3|of_l_03"
    );
}

#[tokio::test]
async fn a_hash_is_that_of_its_secret_and_the_secret_is_nowhere() {
    let mut bed =
        Bed::memory("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT, password TEXT);").await;
    bed.var("WORD", "from-the-environment");
    let text = "users:\n  ann: {name: Ann, password: !hash correct horse}\n  \
                bob: {name: Bob, password: !hash {scheme: argon2id, value: !env WORD}}\n";
    let first = bed.settles(text).await;
    let hashes = bed.ask("SELECT password FROM users ORDER BY name").await;
    for (hash, secret) in hashes
        .split(' ')
        .zip(["correct horse", "from-the-environment"])
    {
        let parsed = PasswordHash::new(hash).unwrap();
        let verified = Argon2::default().verify_password(secret.as_bytes(), &parsed);
        assert!(verified.is_ok(), "{hash}");
    }
    // Another column changes; what its owner made of the password stays.
    bed.by_hand("UPDATE users SET password = 'my own' WHERE name = 'Ann'")
        .await;
    let second = bed.one(&text.replace("name: Ann", "name: Anna")).await;
    assert_eq!(
        second,
        "a edited ~users.ann(name: Ann → Anna) !users.ann(password)"
    );
    bed.options.refresh = Refresh::Yes;
    let third = bed.one(text).await;
    assert!(third.contains("password: *** → ***"), "{third}");
    let records = bed
        .ask("SELECT group_concat(quote(source) || quote(detail) || quote(effective) || quote(name)) FROM _migrations")
        .await;
    for told in [first, second, third, records] {
        for secret in ["correct horse", "from-the-environment", "$argon2id"] {
            assert!(!told.contains(secret), "{told}");
        }
    }
}

#[tokio::test]
async fn what_a_file_holds_is_a_value_and_a_changed_file_is_applied() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write(
        "a.yaml",
        b"t:\n  x: {id: 1, v: !file text.md, b: !file blob.bin}\n",
    );
    write("_tables.yaml", b"_seed: {vars: {who: all}}\nt: {_key: id, _defaults: {w: \"${who}\", f: !file text.md, n: !now [-1 day]}}\n");
    write("text.md", "# ünï\n".as_bytes());
    write("blob.bin", &[0, 255, 1]);
    let bed = Bed::memory(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT, b BLOB, w TEXT, f TEXT, n TEXT);",
    )
    .await;
    let seed = async || match bed.try_seed(&Seeds::read_dir(folder.path()).unwrap()).await {
        Ok(plan) => told(&plan),
        Err(error) => words(&error),
    };
    assert_eq!(seed().await, "a new +t.x");
    assert_eq!(seed().await, "");
    assert_eq!(
        bed.ask("SELECT quote(v), quote(b), w, f = v, n FROM t")
            .await,
        "'# ünï\n'|X'00FF01'|all|1|2026-01-30 12:00:00"
    );
    write("blob.bin", &[1, 2]);
    assert_eq!(seed().await, "a edited ~t.x(b: 3 bytes → 2 bytes)");
    assert_eq!(seed().await, "");
    assert_eq!(bed.ask("SELECT quote(b) FROM t").await, "X'0102'");
    // A problem in the shared file is reported there.
    write(
        "_tables.yaml",
        b"t: {_key: v, _keep: [x], _defaults: {y: 1, b: !file none}}\nu: {_keep: [z]}\n",
    );
    let refused = seed().await;
    let shared = folder.path().join("_tables").display().to_string();
    let refused = refused.replace(&shared, "_tables");
    let mut lines: Vec<&str> = refused.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "_tables:1:11 key-not-unique: `_key` of `t` names columns that no primary key and no unique index has",
            "_tables:1:22 unknown-column: table `t` has no column `x` (`v`?)",
            "_tables:1:38 unknown-column: table `t` has no column `y` (`v`?)",
            "_tables:1:47 no-such-file: none: No such file or directory (os error 2)",
            "_tables:2:1 unknown-table: there is no table `u` (`t`?)",
        ]
    );
}

#[tokio::test]
async fn a_frozen_time_is_a_value_like_any_other() {
    let mut bed = Bed::memory("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT);").await;
    let text =
        "_seed: {time: 2020-02-29T00:00:00Z}\nt:\n  x: {id: 1, a: !now [+1 year], b: !ago 1 day}\n";
    bed.settles(text).await;
    bed.days_later(100);
    assert_eq!(bed.one(text).await, "");
    assert_eq!(
        bed.ask("SELECT a, b FROM t").await,
        "2021-03-01 00:00:00|2020-02-28 00:00:00"
    );
    bed.by_hand("UPDATE t SET a = 'x'").await;
    assert_eq!(bed.one(text).await, "a !t.x(a)");
}

#[tokio::test]
async fn a_unique_value_that_another_row_gives_up_is_taken_in_the_same_run() {
    let bed = Bed::memory("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT NOT NULL UNIQUE);").await;
    bed.settles("t:\n  a: {v: one}\n  b: {v: two}\n").await;
    let moved = "t:\n  a: {v: three}\n  b: {v: one}\n";
    assert_eq!(
        bed.settles(moved).await,
        "a edited ~t.a(v: one → three) ~t.b(v: two → one)"
    );
    assert_eq!(bed.ask("SELECT v FROM t ORDER BY v").await, "one three");
}

#[tokio::test]
async fn a_variable_that_is_unset_makes_no_drift() {
    let mut bed = Bed::memory("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT);").await;
    bed.var("V", "x");
    let text = "t:\n  a: {v: !env V}\n  b: {v: y}\n";
    bed.settles(text).await;
    bed.options.variables = seedbed::seeds::Variables::Known(std::collections::BTreeMap::new());
    assert_eq!(
        bed.planned(&[("a", text)]).await,
        "a:2:10 unset-variable: V must be set"
    );
}
