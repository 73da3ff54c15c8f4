//! Rows that seeds in mode `sync` declare no longer: what is deleted, in which order, and what never is.

use seedbed::seeds::ForgetRows;

use super::Bed;

const FAMILY: &str = "
CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE c (id INTEGER PRIMARY KEY, name TEXT UNIQUE, p_id INTEGER REFERENCES p (id));
";

const TWO: &str = "
_seed: {mode: sync}
p: {x: {name: x}, y: {name: y}}
c: {c: {name: c, p: x}}
";

#[tokio::test]
async fn a_parent_is_removed_and_its_child_moves_in_one_edit() {
    let actions = [
        "",
        " ON DELETE CASCADE",
        " ON DELETE SET NULL",
        " ON DELETE RESTRICT",
    ];
    for null in ["", "NOT NULL "] {
        for action in actions {
            let schema = FAMILY.replace("INTEGER REF", &format!("INTEGER {null}REF"));
            let schema = schema.replace("p (id))", &format!("p (id){action})"));
            let bed = Bed::memory(&schema).await;
            bed.settles(TWO).await;
            let before = bed.ask("SELECT id FROM c").await;
            // To one that is there, to one that comes in the same edit, and to none.
            let moved = "_seed: {mode: sync}\np: {y: {name: y}}\nc: {c: {name: c, p: y}}\n";
            let planned = bed.planned(&[("a", moved)]).await;
            let done = bed.settles(moved).await;
            assert_eq!(planned, done);
            assert!(done.contains("-p.x") && done.contains("~c.c"), "{done}");
            let new = "_seed: {mode: sync}\np: {z: {name: z}}\nc: {c: {name: c, p: z}}\n";
            bed.settles(new).await;
            let joined = "SELECT c.id, p.name FROM c JOIN p ON p.id = c.p_id";
            assert_eq!(bed.ask(joined).await, format!("{before}|z"));
            if null.is_empty() {
                bed.settles("_seed: {mode: sync}\np: {}\nc: {c: {name: c, p: ~}}\n")
                    .await;
                assert_eq!(bed.ask("SELECT count(*) FROM p").await, "0");
                assert_eq!(bed.ask("SELECT id FROM c").await, before);
            }
        }
    }
}

#[tokio::test]
async fn a_leaf_moves_as_its_branch_is_removed() {
    let bed = Bed::memory(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE, up_id INTEGER REFERENCES t (id) ON DELETE CASCADE);",
    )
    .await;
    bed.settles(
        "_seed: {mode: sync}\nt: {root: {name: r}, kid: {name: k, up: root}, leaf: {name: l, up: kid}}\n",
    )
    .await;
    bed.settles("_seed: {mode: sync}\nt: {root: {name: r}, leaf: {name: l, up: root}}\n")
        .await;
    assert_eq!(bed.ask("SELECT name FROM t ORDER BY 1").await, "l r");
}

#[tokio::test]
async fn a_value_of_a_parent_that_goes_last_is_not_free_before() {
    let bed = Bed::memory(FAMILY).await;
    bed.settles(TWO).await;
    let edit = "_seed: {mode: sync}\np: {xx: {name: x}, y: {name: y}}\nc: {c: {name: c, p: xx}}\n";
    let planned = bed.planned(&[("a", edit)]).await;
    assert!(
        planned.contains("`p.x` is no longer declared, and has this `name`"),
        "{planned}"
    );
    assert!(planned.starts_with(&bed.one(edit).await), "{planned}");
    // As the help says.
    bed.settles(&edit.replace("xx: {name", "xx: {_was: x, name"))
        .await;
    assert_eq!(bed.ask("SELECT name FROM p ORDER BY 1").await, "x y");
}

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

#[tokio::test]
async fn rows_that_a_trigger_would_delete_along_are_named() {
    let schema = "
CREATE TABLE teams (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE notes (id INTEGER PRIMARY KEY, team INTEGER, body TEXT UNIQUE);
CREATE TABLE log (id INTEGER PRIMARY KEY, name TEXT);
CREATE TRIGGER tdel AFTER DELETE ON teams WHEN OLD.name <> 'quiet' BEGIN
  INSERT INTO log (name) VALUES (OLD.name);
  DELETE FROM notes WHERE team = OLD.id;
END;";
    let both = "_seed: {mode: sync}\nteams: {r: {name: r}, b: {name: b}}\n";
    let one = "_seed: {mode: sync}\nteams: {r: {name: r}}\n";
    let bed = Bed::memory(schema).await;
    bed.settles(both).await;
    bed.by_hand("INSERT INTO notes (team) SELECT id FROM teams WHERE name = 'b'")
        .await;
    let planned = bed.planned(&[("a", one)]).await;
    assert!(
        planned.contains(
            "the deletion of `teams.b` would fire the trigger `tdel`, which would delete 1 row of `notes`"
        ),
        "{planned}"
    );
    assert!(planned.starts_with(&bed.one(one).await), "{planned}");
    let refused = bed.forget("a", ForgetRows::Go, &[]).await;
    assert!(refused.contains("trigger-deletes"), "{refused}");
    assert_eq!(bed.ask("SELECT count(*) FROM notes").await, "1");
    // Without rows of others, the trigger keeps nothing from being deleted.
    bed.by_hand("DELETE FROM notes").await;
    bed.settles(one).await;
    bed.settles(&one.replace("r: {name: r}", "r: {name: quiet}"))
        .await;
    bed.by_hand("INSERT INTO notes (team) SELECT id FROM teams")
        .await;
    bed.settles("_seed: {mode: sync}\nteams: {}\n").await;
    assert_eq!(bed.ask("SELECT count(*) FROM notes").await, "1");
    // Nor do rows that go with the edit themselves.
    let own =
        "_seed: {mode: sync}\nteams: {t: {name: t}}\nnotes: {n: {body: n, team: !ref teams.t}}\n";
    bed.settles(own).await;
    bed.settles("_seed: {mode: sync}\nteams: {}\nnotes: {}\n")
        .await;
    assert_eq!(bed.ask("SELECT count(*) FROM notes").await, "1");
}

#[tokio::test]
async fn rows_under_other_labels_are_still_the_seeds() {
    let schema = "CREATE TABLE k (id INTEGER PRIMARY KEY, v TEXT UNIQUE);";
    let forms = [
        ("a: {v: one}, b: {v: two}", "aa: {v: one}, bb: {v: two}"),
        ("_rows: [{v: one}, {v: two}]", "a: {v: one}, b: {v: two}"),
        ("'r_{1..2}': {v: 'v${i}'}", "'s_{1..2}': {v: 'v${i}'}"),
    ];
    for (before, after) in forms {
        let bed = Bed::memory(schema).await;
        bed.by_hand("INSERT INTO k (v) VALUES ('three')").await;
        let file = |rows: &str| {
            format!("_seed: {{mode: sync}}\nk: {{_key: v, {rows}, own: {{v: three}}}}\n")
        };
        bed.settles(&file(before)).await;
        bed.settles(&file(after)).await;
        let met = "SELECT count(*) FROM _seedbed_rows WHERE columns LIKE '%met%'";
        assert_eq!(bed.ask(met).await, "1", "{after}");
        // A row that was there before its seed stays under any label.
        let other = file(after).replace("own:", "other:");
        bed.settles(&other).await;
        bed.settles("_seed: {mode: sync}\nk: {_key: v}\n").await;
        assert_eq!(bed.ask("SELECT v FROM k").await, "three", "{after}");
    }
}

#[tokio::test]
async fn rows_of_one_table_are_deleted_behind_those_that_refer_to_them() {
    for (null, action) in [
        ("NOT NULL ", " ON DELETE RESTRICT"),
        ("", " ON DELETE RESTRICT"),
        ("NOT NULL ", ""),
        ("", " ON DELETE CASCADE"),
    ] {
        let schema = format!(
            "CREATE TABLE cat (id INTEGER PRIMARY KEY, p_id INTEGER {null}REFERENCES cat (id){action});"
        );
        let head = "_seed: {mode: sync}\ncat:\n";
        let kept = "  z: {p: z}\n";
        for labels in [["a", "b", "c"], ["c", "b", "a"], ["b", "c", "a"]] {
            let [one, two, three] = labels;
            // A branch of three, and a circle of two.
            let branch =
                format!("  {one}: {{p: {one}}}\n  {two}: {{p: {one}}}\n  {three}: {{p: {two}}}\n");
            let alone = format!("{head}{kept}");
            let bed = Bed::memory(&schema).await;
            bed.settles(&format!("{alone}{branch}")).await;
            assert_eq!(
                bed.settles(&alone).await,
                "a edited -cat.a -cat.b -cat.c",
                "{null}{action}"
            );
            assert_eq!(bed.ask("SELECT count(*) FROM cat").await, "1");
            // Rows of two files refer to each other.
            let first = format!("{alone}  {one}: {{p: {one}}}\n");
            let second = format!("{head}  {two}: {{p: {one}}}\n");
            let none = "_seed: {mode: sync}\ncat: {}\n";
            for (a, b) in [("a", "b"), ("b", "a")] {
                let bed = Bed::memory(&schema).await;
                bed.seed(&[(a, &first), (b, &second)]).await;
                let told = bed.seed(&[(a, &alone), (b, none)]).await;
                assert_eq!(bed.ask("SELECT count(*) FROM cat").await, "1", "{told}");
            }
        }
        let bed = Bed::memory(&schema).await;
        bed.settles(&format!("{head}{kept}  a: {{p: z}}\n  b: {{p: a}}\n"))
            .await;
        bed.settles(&format!("{head}{kept}  a: {{p: b}}\n  b: {{p: a}}\n"))
            .await;
        assert_eq!(
            bed.settles(&format!("{head}{kept}")).await,
            "a edited -cat.a -cat.b",
            "{null}{action}"
        );
    }
}
