//! Rows that refer to a value that changes: those of the same run follow, in any file, and all others are left alone.

use super::Bed;

const PRICES: &str = "
CREATE TABLE lang (code TEXT PRIMARY KEY, name TEXT);
CREATE TABLE price (lang TEXT REFERENCES lang (code), n INTEGER, cents INTEGER, PRIMARY KEY (lang, n));
";

const LANGS: &str =
    "lang:\n  de: {code: de, name: Deutsch}\n  fr: {code: fr, name: Franz}\n  it: {code: it}\n";

const OF_LANGS: &str = "price:\n  d: {lang: !ref lang.de, n: 1, cents: 10}\n  f: {lang: !ref lang.fr, n: 1, cents: 20}\n  i: {lang: !ref lang.it, n: 1, cents: 30}\n";

const ALL_PRICES: &str = "SELECT lang, n, cents FROM price ORDER BY lang, n";

#[tokio::test]
async fn rows_whose_keys_refer_to_others_follow_when_those_exchange_their_keys() {
    let exchanged = LANGS
        .replace("code: de", "code: x")
        .replace("code: fr", "code: de")
        .replace("code: x", "code: fr");
    let rotated = LANGS
        .replace("code: de", "code: x")
        .replace("code: it", "code: de")
        .replace("code: fr", "code: it")
        .replace("code: x", "code: fr");
    for mode in ["upsert", "sync"] {
        let head = format!("_seed: {{mode: {mode}}}\n");
        for (langs, expected) in [
            (&exchanged, "de|1|20 fr|1|10 it|1|30"),
            (&rotated, "de|1|30 fr|1|10 it|1|20"),
        ] {
            let bed = Bed::memory(PRICES).await;
            bed.settles(&format!("{head}{LANGS}{OF_LANGS}")).await;
            let told = bed.settles(&format!("{head}{langs}{OF_LANGS}")).await;
            assert!(!told.contains('!'), "{told}");
            assert_eq!(bed.ask(ALL_PRICES).await, expected, "{mode}");
            // The rows that follow may be those of another file.
            let bed = Bed::memory(PRICES).await;
            let prices = format!("{head}{OF_LANGS}");
            bed.seed(&[("a", &format!("{head}{LANGS}")), ("b", &prices)])
                .await;
            let edited = format!("{head}{langs}");
            let told = bed.seed(&[("a", &edited), ("b", &prices)]).await;
            assert!(!told.contains('!'), "{told}");
            assert_eq!(bed.ask(ALL_PRICES).await, expected, "{mode}");
            assert_eq!(bed.seed(&[("a", &edited), ("b", &prices)]).await, "");
        }
    }
}

#[tokio::test]
async fn a_change_by_hand_is_one_beside_keys_that_were_exchanged() {
    let bed = Bed::memory(PRICES).await;
    bed.settles(&format!("{LANGS}{OF_LANGS}")).await;
    bed.by_hand("UPDATE price SET cents = 99 WHERE lang = 'fr'")
        .await;
    let exchanged = LANGS
        .replace("code: de", "code: x")
        .replace("code: fr", "code: de")
        .replace("code: x", "code: fr");
    let told = bed.one(&format!("{exchanged}{OF_LANGS}")).await;
    assert!(
        told.contains("!price.d(cents)") && !told.contains("!price.f"),
        "{told}"
    );
    assert_eq!(bed.ask(ALL_PRICES).await, "de|1|20 fr|1|99 it|1|30");
}

#[tokio::test]
async fn rows_of_a_join_table_follow_when_labels_exchange_their_keys() {
    let bed = Bed::memory(
        "CREATE TABLE tags (k TEXT PRIMARY KEY);
         CREATE TABLE posts (id TEXT PRIMARY KEY);
         CREATE TABLE pt (post_id TEXT NOT NULL REFERENCES posts (id), tag_k TEXT NOT NULL REFERENCES tags (k),
           PRIMARY KEY (post_id, tag_k));",
    )
    .await;
    let file = "_seed: {mode: sync}\ntags: {a: {k: A}, b: {k: B}}\nposts: {_through: {tags: pt}, p: {tags: [a]}}\n";
    bed.settles(file).await;
    let exchanged = file.replace("{a: {k: A}, b: {k: B}}", "{a: {k: B}, b: {k: A}}");
    assert_eq!(bed.settles(&exchanged).await, "a edited +pt.p/a -pt.p/a");
    assert_eq!(bed.ask("SELECT tag_k FROM pt").await, "B");
    // A row that was removed by hand stays removed.
    bed.by_hand("DELETE FROM pt").await;
    assert_eq!(bed.one(file).await, "a edited !pt.p/a(gone)");
}

#[tokio::test]
async fn a_change_sets_no_reference_of_another_row_to_null() {
    for action in ["", " ON UPDATE SET NULL", " ON UPDATE SET DEFAULT"] {
        for mode in ["upsert", "sync"] {
            let bed = Bed::memory(&format!(
                "CREATE TABLE teams (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE);
                 CREATE TABLE users (id INTEGER PRIMARY KEY, team TEXT REFERENCES teams (code){action});"
            ))
            .await;
            let file = format!(
                "_seed: {{mode: {mode}}}\nteams: {{_key: code, a: {{code: A}}}}\nusers: {{u: {{team: !ref teams.a.code}}}}\n"
            );
            bed.settles(&file).await;
            bed.by_hand("INSERT INTO users VALUES (9, 'A')").await;
            let edited = file.replace("code: A", "code: C");
            let before = bed.dump().await;
            assert_eq!(
                bed.one(&edited).await,
                "a:2:31 has-children: `code` of `teams.a` changes, and rows of `users` refer to its old value: `users` with id 9",
                "{mode}{action}"
            );
            assert_eq!(bed.dump().await, before);
            // A declared row follows.
            bed.by_hand("DELETE FROM users WHERE id = 9").await;
            assert_eq!(
                bed.settles(&edited).await,
                "a edited ~teams.a(code: A → C) ~users.u(team: A → C)"
            );
            assert_eq!(bed.ask("SELECT team FROM users").await, "C");
        }
    }
}

#[tokio::test]
async fn a_row_that_is_deleted_in_the_same_run_keeps_no_value_from_changing() {
    let bed = Bed::memory(
        "CREATE TABLE teams (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE);
         CREATE TABLE users (id INTEGER PRIMARY KEY, team TEXT REFERENCES teams (code));",
    )
    .await;
    let file = "_seed: {mode: sync}\nteams: {_key: code, a: {code: A}}\nusers: {u: {team: !ref teams.a.code}}\n";
    bed.settles(file).await;
    let edited = "_seed: {mode: sync}\nteams: {_key: code, a: {code: C}}\nusers: {}\n";
    assert_eq!(
        bed.settles(edited).await,
        "a edited ~teams.a(code: A → C) -users.u"
    );
}

#[tokio::test]
async fn a_sync_changes_keys_to_which_its_own_rows_refer() {
    let schema = "
CREATE TABLE teams (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE);
CREATE TABLE users (id INTEGER PRIMARY KEY, team TEXT REFERENCES teams (code));
CREATE TABLE tags (k TEXT PRIMARY KEY, n INTEGER UNIQUE);
CREATE TABLE pt (p TEXT NOT NULL, tag_k TEXT NOT NULL REFERENCES tags (k), PRIMARY KEY (p, tag_k));
CREATE TABLE x (id INTEGER PRIMARY KEY, tag_k TEXT REFERENCES tags (k));
";
    let parts = [
        (
            "teams: {_key: code, a: {code: A}, b: {code: B}}\n",
            "users: {u: {team: !ref teams.a.code}}\n",
            "SELECT code, min(1, users.id) FROM teams LEFT JOIN users ON team = code ORDER BY code",
        ),
        (
            "tags: {a: {k: A}, b: {k: B}}\n",
            "pt: {l: {p: p, tag: a}}\n",
            "SELECT k, p FROM tags LEFT JOIN pt ON tag_k = k ORDER BY k",
        ),
        (
            "tags: {a: {k: A}, b: {k: B}}\n",
            "x: {l: {tag: a}}\n",
            "SELECT k, min(1, id) FROM tags LEFT JOIN x ON tag_k = k ORDER BY k",
        ),
    ];
    let head = "_seed: {mode: sync}\n";
    for (parents, children, all) in parts {
        for together in [true, false] {
            // In another file, only rows whose own key follows it do so.
            if !children.starts_with("pt") && !together {
                continue;
            }
            let bed = Bed::memory(schema).await;
            let child = format!("{head}{children}");
            let seeded = async |parents: &str| {
                let both = format!("{head}{parents}{children}");
                let alone = format!("{head}{parents}");
                let files = match together {
                    true => vec![("a", both.as_str())],
                    false => vec![("a", alone.as_str()), ("b", child.as_str())],
                };
                let told = bed.seed(&files).await;
                assert!(
                    !told.contains("has-children"),
                    "{together} {parents} {told}"
                );
                assert_eq!(bed.seed(&files).await, "", "{told}");
                bed.ask(all).await
            };
            let first = seeded(parents).await;
            assert!(!first.starts_with("A|NULL"), "{first}");
            let edited = parents.replace(": A}", ": C}");
            let second = seeded(&edited).await;
            let moved = first.replace("B|NULL", "").replace('A', "C");
            assert_eq!(second, format!("B|NULL {}", moved.trim()), "{together}");
            // A and B exchange their keys, and the child follows. A row that is updated cannot while another refers to it.
            if parents.contains("_key") {
                continue;
            }
            let exchanged = edited.replace(": B}", ": x}").replace(": C}", ": B}");
            let third = seeded(&exchanged.replace(": x}", ": C}")).await;
            let there = second.replace("B|NULL C", "B");
            assert_eq!(third, format!("{there} C|NULL"), "{together}");
        }
    }
}

#[tokio::test]
async fn the_row_of_an_old_key_keeps_its_other_unique_values_until_it_goes() {
    let bed = Bed::memory(
        "CREATE TABLE tags (k TEXT PRIMARY KEY, n INTEGER UNIQUE);
         CREATE TABLE x (id INTEGER PRIMARY KEY, tag_k TEXT REFERENCES tags (k));",
    )
    .await;
    let file = "_seed: {mode: sync}\ntags: {a: {k: A, n: 1}}\nx: {l: {tag: a}}\n";
    bed.settles(file).await;
    let before = bed.dump().await;
    assert_eq!(
        bed.one(&file.replace("k: A", "k: C")).await,
        "a:2:21 taken: the key of `tags.a` changed, and the row of the old key has this `n` until it is deleted, which \
         can only be once the rows that refer to it refer to others"
    );
    assert_eq!(bed.dump().await, before);
    let edited = file.replace("k: A, n: 1", "k: C, n: 2");
    assert_eq!(
        bed.settles(&edited).await,
        "a edited +tags.a -tags.a ~x.l(tag_k: A → C)"
    );
}
