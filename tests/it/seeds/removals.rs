//! Rows that seeds in mode `sync` declare no longer: what is deleted, in which order, and what never is.

use seedbed::seeds::ForgetRows;

use super::Bed;

#[tokio::test]
async fn a_row_that_took_the_place_of_a_numbered_one_is_not_the_seeds() {
    let schema =
        "CREATE TABLE au (id INTEGER PRIMARY KEY AUTOINCREMENT, v TEXT UNIQUE, n INTEGER);";
    let file = "_seed: {mode: sync}\nau: {_key: v, _id: !auto , b: {v: two}, c: {v: three}}\n";
    for edits in [false, true] {
        let bed = Bed::memory(schema).await;
        bed.settles(file).await;
        bed.by_hand("DELETE FROM au WHERE v = 'two'").await;
        bed.by_hand("INSERT INTO au (v, n) VALUES ('two', 77)")
            .await;
        if edits {
            bed.settles(&file.replace("}}\n", "}, d: {v: d}}\n")).await;
            assert_eq!(
                bed.ask("SELECT columns, key FROM _seedbed_rows WHERE label = 'b'")
                    .await,
                "{\"met\":[\"id\"]}|[3]"
            );
            bed.forget("a", ForgetRows::Go, &[]).await;
        } else {
            bed.settles("_seed: {mode: sync}\nau: {_key: v, _id: !auto }\n")
                .await;
        }
        assert_eq!(bed.ask("SELECT id, v, n FROM au").await, "3|two|77");
    }
}
