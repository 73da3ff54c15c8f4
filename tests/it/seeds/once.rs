//! Rows that are made once: in mode `insert`, and rows that were removed by hand.

use seedbed::seeds::Refresh;

use super::Bed;

#[tokio::test]
async fn a_row_without_a_key_is_made_once_though_its_label_was_away() {
    let bed = Bed::memory(
        "CREATE TABLE log (m TEXT, n INTEGER); CREATE TABLE t (id INTEGER PRIMARY KEY, k TEXT);",
    )
    .await;
    let file = "_seed: {mode: insert}\nlog:\n  a: {m: x}\n  b: {m: y}\n  c: {m: z}\nt:\n  _id: !auto\n  a: {k: x}\n  b: {k: y}\n";
    let fewer = file
        .replace("  b: {m: y}\n  c: {m: z}\n", "")
        .replace("  b: {k: y}\n", "");
    let all = "SELECT (SELECT group_concat(m) FROM log), (SELECT group_concat(k) FROM t)";
    bed.settles(file).await;
    assert_eq!(bed.settles(&fewer).await, "a edited");
    assert_eq!(bed.settles(file).await, "a edited");
    assert_eq!(bed.ask(all).await, "x,y,z|x,y");
    // Nor is one that was deleted by hand made again.
    bed.by_hand("DELETE FROM log WHERE m = 'y'").await;
    bed.by_hand("DELETE FROM t WHERE k = 'y'").await;
    assert_eq!(bed.one(file).await, "");
    for text in [fewer.as_str(), file, fewer.as_str()] {
        assert_eq!(bed.settles(text).await, "a edited");
    }
    // Another edit between does not forget it.
    bed.settles(&fewer.replace("m: x", "m: x, n: 1")).await;
    assert_eq!(bed.settles(file).await, "a edited");
    assert_eq!(bed.ask(all).await, "x,z|x");
    // A new label is a new row.
    assert_eq!(
        bed.settles(&file.replace("  b: {m: y}", "  d: {m: y}"))
            .await,
        "a edited +log.d"
    );
}

#[tokio::test]
async fn rows_that_are_only_inserted_stay_as_they_are_when_their_keys_are_exchanged() {
    for id in ["  _id: !auto\n", ""] {
        let bed = Bed::memory(
            "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, nick TEXT UNIQUE);
             CREATE TABLE notes (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id));",
        )
        .await;
        let file = format!(
            "_seed: {{mode: insert}}\nusers:\n  _key: email\n{id}  a: {{email: m1, nick: n}}\n  b: {{email: m2, nick: ~}}\n"
        );
        let notes = "notes: {one: {user: a}}\n";
        let of_note = "SELECT email FROM users, notes WHERE user_id = users.id";
        let both = async |file: &str| bed.seed(&[("a", file), ("n", notes)]).await;
        both(&file).await;
        let before = bed.dump().await;
        let exchanged = file
            .replace("m1", "m0")
            .replace("m2", "m1")
            .replace("m0", "m2");
        assert_eq!(both(&exchanged).await, "a edited");
        for _ in 0..2 {
            assert_eq!(both(&exchanged).await, "");
        }
        assert_eq!(bed.dump().await, before);
        assert_eq!(bed.ask(of_note).await, "m1");
    }
}

#[tokio::test]
async fn a_row_that_was_removed_by_hand_stays_removed_under_another_label() {
    for (mode, id) in [
        ("insert", ""),
        ("upsert", ""),
        ("sync", ""),
        ("insert", "  _id: !auto\n"),
        ("upsert", "  _id: !auto\n"),
        ("sync", "  _id: !auto\n"),
    ] {
        let mut bed =
            Bed::memory("CREATE TABLE t (id INTEGER PRIMARY KEY, k TEXT UNIQUE NOT NULL);").await;
        let file =
            format!("_seed: {{mode: {mode}}}\nt:\n  _key: k\n{id}  a: {{k: a}}\n  b: {{k: b}}\n");
        bed.settles(&file).await;
        bed.by_hand("DELETE FROM t WHERE k = 'b'").await;
        bed.one(&file).await;
        let renamed = file.replace("  b:", "  c:");
        let gone = match id {
            "" => "!t.c(gone)",
            _ => {
                "!t.c(no row has its key: the row was deleted by hand, or its key was changed; not inserted)"
            }
        };
        assert_eq!(
            bed.one(&renamed).await,
            format!("a edited {gone}"),
            "{mode}"
        );
        assert_eq!(bed.one(&renamed).await, format!("a {gone}"), "{mode}");
        assert_eq!(bed.ask("SELECT k FROM t").await, "a");
        if mode != "insert" {
            bed.options.refresh = Refresh::Yes;
            assert_eq!(bed.settles(&renamed).await, "a +t.c");
        }
    }
}
