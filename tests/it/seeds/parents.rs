//! Rows whose keys hold an id that the database made, or that of a row that was there before: they are the seed's own, also
//! where the row to which they refer is declared no longer.

use seedbed::seeds::ForgetRows;

use super::Bed;
use crate::world::World;

const SCHEMA: &str = "
CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);
CREATE TABLE notes (user_id INTEGER NOT NULL REFERENCES users (id), day TEXT, PRIMARY KEY (user_id, day));
CREATE TABLE marks (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users (id), day TEXT, UNIQUE (user_id, day));
CREATE TABLE subs (id INTEGER PRIMARY KEY, mark_id INTEGER NOT NULL REFERENCES marks (id), n INTEGER, UNIQUE (mark_id, n));
";

const FILE: &str = "
_seed: {mode: sync}
users: {_key: email, ann: {email: a}, bob: {email: b}}
notes: {n: {user: ann, day: x}, o: {user: bob, day: x}}
marks: {_key: [user, day], m: {user: ann, day: x}}
subs: {_key: [mark, n], s: {mark: m, n: 1}}
";

const COUNTS: &str = "SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM notes), \
    (SELECT count(*) FROM marks), (SELECT count(*) FROM subs)";

const NONE: &str = "_seed: {mode: sync}\nusers: {}\n";

pub(crate) async fn children_of_a_row_that_was_there_go_with_the_seed(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    bed.by_hand("INSERT INTO users VALUES (1, 'a')").await;
    bed.settles(FILE).await;
    assert_eq!(
        bed.settles(NONE).await,
        "a edited -marks.m -notes.n -notes.o -subs.s -users.bob"
    );
    assert_eq!(bed.ask(COUNTS).await, "1|0|0|0");
    // That user was met, and is the only one that is remembered.
    assert_eq!(
        bed.ask("SELECT columns, key, label FROM _seedbed_rows")
            .await,
        "{\"met\":[\"id\"]}|[1]|ann"
    );
}

pub(crate) async fn children_of_numbered_rows_go_with_them(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    bed.by_hand("INSERT INTO users VALUES (1, 'z')").await;
    let file = FILE
        .replace("_key: email", "_key: email, _id: !auto ")
        .replace("_key: [user, day]", "_key: [user, day], _id: !auto ")
        .replace("_key: [mark, n]", "_key: [mark, n], _id: !auto ");
    bed.settles(&file).await;
    let fewer = file
        .replace("ann: {email: a}, ", "")
        .replace("n: {user: ann, day: x}, ", "")
        .replace("m: {user: ann, day: x}", "")
        .replace("s: {mark: m, n: 1}", "");
    assert_eq!(
        bed.planned(&[("a", &fewer)]).await,
        "a edited -marks.m -notes.n -subs.s -users.ann"
    );
    assert_eq!(
        bed.settles(NONE).await,
        "a edited -marks.m -notes.n -notes.o -subs.s -users.ann -users.bob"
    );
    assert_eq!(bed.ask(COUNTS).await, "1|0|0|0");
}

pub(crate) async fn a_forgotten_seed_takes_children_of_met_rows_along(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    bed.by_hand("INSERT INTO users VALUES (1, 'a')").await;
    bed.settles(FILE).await;
    assert_eq!(
        bed.forget("a", ForgetRows::Go, &[]).await,
        "a edited -marks.m -notes.n -notes.o -subs.s -users.bob"
    );
    assert_eq!(bed.ask(COUNTS).await, "1|0|0|0");
}

pub(crate) async fn children_in_another_file_are_found_by_the_row_that_was_met(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    bed.by_hand("INSERT INTO users VALUES (1, 'a')").await;
    let users = "_seed: {mode: sync}\nusers: {_key: email, ann: {email: a}}\n";
    let notes = "_seed: {mode: sync}\nnotes: {n: {user: ann, day: x}}\n";
    assert_eq!(
        bed.seed(&[("a", users), ("b", notes)]).await,
        "a new\nb new +notes.n"
    );
    // A label that changes is another row of the file, and the same row of the database.
    let anna = users.replace("ann:", "anna:");
    let none = "_seed: {mode: sync}\nnotes: {}\n";
    assert_eq!(
        bed.seed(&[("a", &anna), ("b", none)]).await,
        "a edited\nb edited -notes.n"
    );
    assert_eq!(bed.ask(COUNTS).await, "1|0|0|0");
}

pub(crate) async fn rows_of_a_join_table_are_found_by_the_rows_that_were_met(world: World) {
    let schema = "
CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT);
CREATE TABLE tags (id TEXT PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE posts_tags (post_id INTEGER NOT NULL REFERENCES posts (id), tag_id TEXT NOT NULL REFERENCES tags (id),
  PRIMARY KEY (post_id, tag_id));
";
    let bed = Bed::new(world, schema).await;
    bed.by_hand("INSERT INTO tags VALUES ('id1', 't1')").await;
    let file = "
_seed: {mode: sync}
posts:
  _through: {tags: posts_tags}
  p1: {title: P1, tags: [t1, t2]}
tags: {_key: name, t1: {name: t1}, t2: {name: t2}}
";
    bed.settles(file).await;
    let lonely = "_seed: {mode: sync}\nposts: {p1: {title: P1}}\n";
    assert_eq!(
        bed.settles(lonely).await,
        "a edited -posts_tags.p1/t1 -posts_tags.p1/t2 -tags.t2"
    );
    assert_eq!(bed.ask("SELECT id FROM tags").await, "id1");
    assert_eq!(bed.ask("SELECT count(*) FROM posts_tags").await, "0");
}

pub(crate) async fn rows_that_keep_another_from_being_deleted_are_named(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    let file = "_seed: {mode: sync}\nusers: {ann: {email: a}}\n";
    bed.settles(file).await;
    for day in ["mon", "tue", "wed", "thu", "fri"] {
        bed.by_hand(&format!("INSERT INTO notes SELECT id, '{day}' FROM users"))
            .await;
    }
    let id = bed.ask("SELECT id FROM users").await;
    let names: Vec<String> = ["fri", "mon", "thu"]
        .map(|day| format!("`notes` with user_id {id}, day {day}"))
        .into();
    let names = format!("{} and 2 more", names.join(", "));
    assert_eq!(
        bed.one(NONE).await,
        format!(
            "a:1:1 has-children: `users.ann` is no longer declared, and rows that this seed did not make refer to it: {names}"
        )
    );
    assert_eq!(
        bed.forget("a", ForgetRows::Go, &[("a", file)]).await,
        format!(
            "has-children: `users.ann` would be deleted with the seed, and rows that this seed did not make refer to it: {names}"
        )
    );
    // Another seed refers to the row.
    bed.by_hand("DELETE FROM notes").await;
    let notes = "notes: {n: {user: ann, day: x}}\n";
    bed.seed(&[("a", file), ("b", notes)]).await;
    let told = bed
        .forget("a", ForgetRows::Go, &[("a", file), ("b", notes)])
        .await;
    assert_eq!(
        told,
        "b:1:19 has-children: this refers to a row of seed a, which would be deleted with it"
    );
    assert_eq!(bed.ask(COUNTS).await, "1|1|0|0");
}

pub(crate) async fn rows_of_lists_have_rows_of_patterns(world: World) {
    let schema = "
CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT);
CREATE TABLE tags (id TEXT PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE posts_tags (id INTEGER PRIMARY KEY, post_id INTEGER NOT NULL REFERENCES posts (id),
  tag_id TEXT NOT NULL REFERENCES tags (id), UNIQUE (post_id, tag_id));
CREATE TABLE votes (id INTEGER PRIMARY KEY, posts_tag_id INTEGER REFERENCES posts_tags (id), n INTEGER);
";
    let file = "
_seed: {mode: sync}
posts:
  _through: {tags: posts_tags}
  p1: {title: P1, tags: [t1, t2]}
tags: {_key: name, t1: {name: t1}, t2: {name: t2}}
votes:
  'v_{posts_tags.*}': {posts_tag: '${each}'}
  'w_{posts_tags.p1/t1*}_{1..2}': {posts_tag: '${each}', n: '${i}'}
";
    let bed = Bed::new(world, schema).await;
    let told = bed.settles(file).await;
    assert!(
        told.ends_with("+votes.v_p1/t1 +votes.v_p1/t2 +votes.w_p1/t11 +votes.w_p1/t12")
            || told.ends_with("+votes.v_p1/t1 +votes.v_p1/t2 +votes.w_p1/t1_1 +votes.w_p1/t1_2"),
        "{told}"
    );
    let fewer = file.replace("[t1, t2]", "[t1]");
    assert_eq!(
        bed.settles(&fewer).await,
        "a edited -posts_tags.p1/t2 -votes.v_p1/t2"
    );
    assert_eq!(
        bed.one(&file.replace("posts_tags.*", "posts_tags.q*"))
            .await,
        "a:8:3 no-match: no label of `posts_tags` looks like `q*`"
    );
}

const USERS: &str = "users: {_key: email, ann: {email: a}}\n";
const NOTES: &str = "_seed: {mode: sync}\nnotes: {n: {user: ann, day: x}}\n";
const NO_NOTES: &str = "_seed: {mode: sync}\nnotes: {}\n";

pub(crate) async fn children_of_rows_that_no_seed_declares_any_more_go(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    let both = [("a", USERS), ("b", NOTES)];
    for met in ["", "INSERT INTO users VALUES (5, 'a')"] {
        // The seed of the parents is forgotten first, or its file is gone, or its row left it in an earlier run.
        for step in 0..3 {
            bed.by_hand("DELETE FROM users").await;
            if !met.is_empty() {
                bed.by_hand(met).await;
            }
            bed.seed(&both).await;
            assert_eq!(bed.ask(COUNTS).await, "1|1|0|0", "{met} {step}");
            match step {
                // Nothing tells the key of a row that was met any more.
                0 if !met.is_empty() => {}
                0 => {
                    bed.forget("a", ForgetRows::Stay, &both).await;
                    let told = bed.forget("b", ForgetRows::Go, &both).await;
                    assert_eq!(told, "b edited -notes.n", "{met}");
                }
                1 => {
                    let told = bed.seed(&[("b", NO_NOTES)]).await;
                    assert!(told.ends_with("b edited -notes.n"), "{met}: {told}");
                }
                _ => {
                    bed.seed(&[("a", "users: {}\n"), ("b", NOTES)]).await;
                    bed.forget("a", ForgetRows::Stay, &[]).await;
                }
            }
            bed.by_hand("DELETE FROM notes").await;
            for seed in ["a", "b"] {
                bed.forget(seed, ForgetRows::Stay, &[]).await;
            }
        }
    }
    // A row that left a file with tags of its own in an earlier run.
    bed.by_hand("DELETE FROM users").await;
    let tagged = NOTES.replace("mode: sync", "mode: sync, tags: [late]");
    let mut bed = bed;
    bed.options.choice.tags = vec!["late".to_owned()];
    bed.seed(&[("a", USERS), ("b", &tagged)]).await;
    bed.options.choice.tags = Vec::new();
    let none = tagged.replace("n: {user: ann, day: x}", "");
    assert_eq!(
        bed.seed(&[("a", "users: {}\n"), ("b", &none)]).await,
        "a edited"
    );
    bed.options.choice.tags = vec!["late".to_owned()];
    let told = bed.seed(&[("a", "users: {}\n"), ("b", &none)]).await;
    assert_eq!(told, "b edited -notes.n");
}

pub(crate) async fn a_row_of_which_nothing_tells_the_key_is_not_left_in_silence(world: World) {
    let schema = "
CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);
CREATE TABLE mails (email TEXT PRIMARY KEY REFERENCES users (email), n INTEGER);
";
    let bed = Bed::new(world, schema).await;
    let mails = "_seed: {mode: sync}\nmails: {m: {email: !ref users.ann.email, n: 1}}\n";
    bed.seed(&[("a", USERS), ("b", mails)]).await;
    bed.forget("a", ForgetRows::Stay, &[]).await;
    let told = bed.forget("b", ForgetRows::Go, &[]).await;
    assert!(
        told.starts_with("row-stays: `mails.m` is declared no longer, and stays"),
        "{told}"
    );
    assert_eq!(bed.ask("SELECT email FROM mails").await, "a");
}

pub(crate) async fn a_row_whose_choice_is_gone_moves_to_another(world: World) {
    let bed = Bed::new(world, SCHEMA).await;
    let file = "_seed: {mode: sync}
users: {_key: email, _id: !auto , 'u_{1..3}': {email: 'e${i}'}}
notes: {'n_{1..9}': {user: !pick users.*, day: '${i}'}}
";
    bed.settles(file).await;
    let told = bed.settles(&file.replace("1..3", "1..2")).await;
    assert!(
        told.contains("-users.u_3") && told.contains("-notes.n_"),
        "{told}"
    );
    assert_eq!(bed.ask(COUNTS).await, "2|9|0|0");
}
