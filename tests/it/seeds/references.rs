//! References: one of the rows of a table, references that the schema does not declare, lists of labels that fill join
//! tables, natural keys as labels.

use super::Bed;
use crate::world::World;

/// A kanban application as Rails makes it: comments of several kinds of rows, join tables, few foreign keys.
const KANBAN: &str = "
CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE);
CREATE TABLE boards (id TEXT PRIMARY KEY, name TEXT NOT NULL, creator_id INTEGER NOT NULL);
CREATE TABLE cards (id TEXT PRIMARY KEY, board_id TEXT NOT NULL REFERENCES boards (id), title TEXT, assignee INTEGER,
  meta TEXT);
CREATE TABLE tags (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE cards_tags (card_id TEXT NOT NULL REFERENCES cards (id), tag_id INTEGER NOT NULL REFERENCES tags (id),
  created_at TEXT, PRIMARY KEY (card_id, tag_id));
CREATE TABLE events (id TEXT PRIMARY KEY, subject_type TEXT NOT NULL, subject_id TEXT NOT NULL, action TEXT NOT NULL,
  creator_id INTEGER);
CREATE TABLE follows (follower_id INTEGER NOT NULL REFERENCES users (id),
  followed_id INTEGER NOT NULL REFERENCES users (id), UNIQUE (follower_id, followed_id));
CREATE TABLE taggings (id INTEGER PRIMARY KEY AUTOINCREMENT, tag_id INTEGER NOT NULL REFERENCES tags (id),
  taggable_type TEXT NOT NULL, taggable_id TEXT NOT NULL, UNIQUE (taggable_type, taggable_id, tag_id));
";

const PEOPLE: &str = "
users:
  _key: name
  ann: {name: Ann}
  bob: {name: Bob}
  cid: {name: Cid}
";

const CARDS: &str = "
boards:
  _refs: {creator: users}
  home: {name: Home, creator: ann}
cards:
  _refs: {assignee: users}
  _through: {tags: cards_tags}
  shopping: {board: home, title: Shopping, assignee: bob, tags: [urgent, later]}
  cleaning: {board: home, title: Cleaning, assignee: ~, tags: [later]}
  plain: {board: home}
tags:
  _key: name
  _rows: [{name: urgent}, {name: later}]
cards_tags:
  _defaults: {created_at: !now }
events:
  _refs:
    creator: users
    subject: {type: subject_type, Card: cards, Board: boards}
  opened: {subject: home (Board), creator: ann, action: open}
  moved: {subject: !ref cards.shopping, creator: bob, action: move}
  closed: {subject: cleaning, subject_type: Card, action: close}
";

const JOINED: &str = "SELECT c.title, t.name, j.created_at FROM cards_tags AS j JOIN cards AS c ON c.id = j.card_id \
     JOIN tags AS t ON t.id = j.tag_id ORDER BY 1, 2";

pub(crate) async fn references_that_no_foreign_key_declares_are_labels(world: World) {
    let bed = Bed::new(world, KANBAN).await;
    let text = format!("{PEOPLE}{CARDS}");
    assert_eq!(
        bed.settles(&text).await,
        "a new +boards.home +cards.cleaning +cards.plain +cards.shopping +cards_tags.cleaning/later \
         +cards_tags.shopping/later +cards_tags.shopping/urgent +events.closed +events.moved +events.opened \
         +tags.later +tags.urgent +users.ann +users.bob +users.cid"
    );
    assert_eq!(
        bed.ask(
            "SELECT e.action, e.subject_type, coalesce(c.title, b.name), u.name FROM events AS e \
             LEFT JOIN cards AS c ON e.subject_type = 'Card' AND c.id = e.subject_id \
             LEFT JOIN boards AS b ON e.subject_type = 'Board' AND b.id = e.subject_id \
             LEFT JOIN users AS u ON u.id = e.creator_id ORDER BY 1"
        )
        .await,
        "close|Card|Cleaning|NULL move|Card|Shopping|Bob open|Board|Home|Ann"
    );
    assert_eq!(
        bed.ask("SELECT c.title, u.name FROM cards AS c LEFT JOIN users AS u ON u.id = c.assignee ORDER BY 1")
            .await,
        "NULL|NULL Cleaning|NULL Shopping|Bob"
    );
    assert_eq!(
        bed.ask(JOINED).await,
        "Cleaning|later|2026-01-31 12:00:00 Shopping|later|2026-01-31 12:00:00 Shopping|urgent|2026-01-31 12:00:00"
    );
    // An edit changes what differs: the reference, its type, and the rows of the join table.
    let edited = text
        .replace(
            "subject: home (Board), creator: ann",
            "subject: shopping (Card), creator: cid",
        )
        .replace("tags: [later]", "tags: [later, urgent]");
    let done = bed.settles(&edited).await;
    assert!(
        done.contains("a edited +cards_tags.cleaning/urgent ~events.opened("),
        "{done}"
    );
    assert!(done.contains("subject_type: Board → Card"), "{done}");
    // Without mode `sync` a row that is no longer in the list stays.
    let fewer = edited.replace("tags: [urgent, later]", "tags: [urgent]");
    assert_eq!(bed.settles(&fewer).await, "a edited");
    assert_eq!(bed.ask("SELECT count(*) FROM cards_tags").await, "4");
}

pub(crate) async fn a_list_of_labels_syncs_the_rows_of_its_join_table(world: World) {
    let bed = Bed::new(world, KANBAN).await;
    let text = "_seed: {mode: sync}
boards: {home: {name: Home, creator_id: 1}}
tags: {urgent: {name: u}, later: {name: l}}
cards:
  _through: {tags: cards_tags}
  _defaults: {board: home, tags: [later]}
  first: {tags: [urgent, later]}
  c_{1..3}: {}
  none: {tags: []}
";
    assert_eq!(
        bed.settles(text).await,
        "a new +boards.home +cards.c_1 +cards.c_2 +cards.c_3 +cards.first +cards.none +cards_tags.c_1/later \
         +cards_tags.c_2/later +cards_tags.c_3/later +cards_tags.first/later +cards_tags.first/urgent \
         +tags.later +tags.urgent"
    );
    let fewer = text
        .replace("[urgent, later]", "[urgent]")
        .replace("c_{1..3}", "c_{1..2}");
    assert_eq!(
        bed.settles(&fewer).await,
        "a edited -cards.c_3 -cards_tags.c_3/later -cards_tags.first/later"
    );
    // Labels that are renamed keep their rows.
    let renamed = fewer
        .replace("first: {", "one: {_was: first, ")
        .replace("urgent: {", "now: {_was: urgent, ")
        .replace("[urgent]", "[now]");
    assert_eq!(bed.settles(&renamed).await, "a edited");
    let without = renamed
        .replace("_was: first, ", "")
        .replace("_was: urgent, ", "");
    assert_eq!(bed.settles(&without).await, "a respelled");
    assert_eq!(bed.ask("SELECT count(*) FROM cards_tags").await, "3");
    // What was deleted by hand is reported and not made again.
    bed.by_hand("DELETE FROM cards_tags WHERE tag_id = (SELECT id FROM tags WHERE name = 'u')")
        .await;
    assert_eq!(bed.one(&without).await, "a !cards_tags.one/now(gone)");
}

pub(crate) async fn one_of_the_rows_of_a_table_is_drawn_or_taken_in_turn(world: World) {
    let bed = Bed::new(world, KANBAN).await;
    let text = "
users:
  u_{1..12}: {name: 'n${i}'}
boards:
  b_{1..24}: {name: !pick users.*.name, creator_id: !each users.u_*}
cards:
  _defaults: {board: !pick boards.*}
  c_{1..5}: {meta: {a: !each users.*, b: [!pick users.u_1*.name]}, assignee: !pick [!pick users.*, ~]}
events:
  _refs: {subject: {type: subject_type, Card: cards, Board: boards}}
  e_{1..20}: {subject: !pick [!pick cards.*, !ref boards.b_1], action: x}
";
    let first = bed.settles(text).await;
    assert!(first.starts_with("a new "), "{first}");
    assert_eq!(
        bed.ask("SELECT count(DISTINCT creator_id), min(n), max(n) FROM (SELECT creator_id, count(*) AS n FROM boards GROUP BY 1)").await,
        "12|2|2"
    );
    // In the order of the numbers in the labels.
    assert_eq!(
        bed.ask("SELECT b.rowid FROM boards AS b JOIN users AS u ON u.id = b.creator_id WHERE u.name = 'n10' ORDER BY 1").await.split(' ').count(),
        2
    );
    assert_eq!(
        bed.ask("SELECT count(*) FROM boards AS b JOIN users AS u ON u.name = b.name")
            .await,
        "24"
    );
    let drawn = bed.ask("SELECT count(DISTINCT name) FROM boards").await;
    assert!(drawn.parse::<usize>().unwrap() > 5, "{drawn}");
    assert_eq!(
        bed.ask("SELECT count(*) FROM cards AS c WHERE json_extract(meta, '$.a') IN (SELECT id FROM users) AND json_extract(meta, '$.b[0]') IN ('n1', 'n10', 'n11', 'n12')").await,
        "5"
    );
    // The type follows the reference.
    assert_eq!(
        bed.ask(
            "SELECT count(*), count(DISTINCT subject_type) FROM events AS e WHERE CASE subject_type \
             WHEN 'Card' THEN subject_id IN (SELECT id FROM cards) ELSE subject_id IN (SELECT id FROM boards) END"
        )
        .await,
        "20|2"
    );
    // Another order of rows and files changes nothing.
    let before = bed
        .ask("SELECT id, name, creator_id FROM boards ORDER BY 1")
        .await;
    let respelled = text.replace(
        "  u_{1..12}: {name: 'n${i}'}",
        "  u_{7..12}: {name: 'n${i}'}\n  u_{1..6}: {name: 'n${i}'}",
    );
    assert_eq!(bed.settles(&respelled).await, "a edited");
    assert_eq!(
        bed.ask("SELECT id, name, creator_id FROM boards ORDER BY 1")
            .await,
        before
    );
}

#[tokio::test]
async fn a_row_of_another_file_changes_only_the_choices_that_fall_on_it() {
    let bed = Bed::memory(KANBAN).await;
    let users = |most: usize| format!("users:\n  u_{{1..{most}}}: {{name: 'n${{i}}'}}\n");
    let boards = "boards:\n  b_{1..100}: {name: !pick users.*.name, creator_id: 1}\n  'of_{users.*}': {name: x, creator_id: 1}\n";
    let first = bed.seed(&[("a", &users(20)), ("b", boards)]).await;
    assert!(first.contains("+boards.of_u_20"), "{first}");
    assert_eq!(bed.seed(&[("a", &users(20)), ("b", boards)]).await, "");
    let second = bed.seed(&[("a", &users(21)), ("b", boards)]).await;
    let changed = second.matches("~boards.b_").count();
    assert!((1..20).contains(&changed), "{second}");
    assert!(second.contains("+boards.of_u_21"), "{second}");
    assert!(
        second.starts_with("a edited +users.u_21") && second.contains("b edited"),
        "{second}"
    );
    assert!(!second.contains('!'), "{second}");
    assert_eq!(bed.seed(&[("a", &users(21)), ("b", boards)]).await, "");
}

#[tokio::test]
async fn a_unique_column_gets_each_row_once() {
    let bed = Bed::memory("CREATE TABLE users (id TEXT PRIMARY KEY); CREATE TABLE profiles (id TEXT PRIMARY KEY, user_id TEXT NOT NULL UNIQUE REFERENCES users (id));").await;
    let text = "users: {'u_{1..60}': {}}\nprofiles: {'p_{1..60}': {user: !pick users.*}}\n";
    bed.settles(text).await;
    assert_eq!(
        bed.ask("SELECT count(DISTINCT user_id) FROM profiles")
            .await,
        "60"
    );
    let more = text.replace("'p_{1..60}'", "'p_{1..61}'");
    let told = bed.one(&more).await;
    assert!(told.contains("not-enough-values"), "{told}");
}

#[tokio::test]
async fn a_join_table_may_join_a_table_with_itself_or_rows_of_several() {
    let bed = Bed::memory(KANBAN).await;
    let text = "
users:
  _through: {follows: {table: follows, from: follower, to: followed}}
  ann: {name: Ann, follows: [bob, cid]}
  bob: {name: Bob, follows: [!ref users.ann]}
  cid: {name: Cid, follows: !pick users.b*}
boards:
  _through: {tags: taggings}
  home: {name: Home, creator_id: 1, tags: [red]}
cards:
  _through: {tags: taggings}
  one: {board: home, tags: [red, '${label}_tag']}
tags: {red: {name: red}, one_tag: {name: one}}
taggings:
  _id: !auto
  _refs: {taggable: {type: taggable_type, Card: cards, Board: boards}}
";
    assert_eq!(
        bed.settles(text).await,
        "a new +boards.home +cards.one +follows.ann/bob +follows.ann/cid +follows.bob/ann +follows.cid/bob \
         +taggings.home/red +taggings.one/one_tag +taggings.one/red +tags.one_tag +tags.red +users.ann +users.bob +users.cid"
    );
    assert_eq!(
        bed.ask("SELECT g.taggable_type, t.name FROM taggings AS g JOIN tags AS t ON t.id = g.tag_id ORDER BY 1, 2").await,
        "Board|red Card|one Card|red"
    );
}

#[tokio::test]
async fn lists_draw_labels_without_repetition() {
    let bed = Bed::memory(KANBAN).await;
    let text = "
tags: {'t_{1..4}': {name: 'n${i}'}}
boards: {b: {name: B, creator_id: 1}}
cards:
  _through: {tags: cards_tags}
  c_{1..8}: {board: b, tags: [!pick tags.*, !pick tags.*, !pick tags.*]}
  d_{1..4}: {board: b, tags: [!each tags.*]}
";
    bed.settles(text).await;
    assert_eq!(
        bed.ask("SELECT min(n), max(n), count(*) FROM (SELECT count(*) AS n FROM cards_tags GROUP BY card_id)").await,
        "1|3|12"
    );
    assert_eq!(
        bed.ask("SELECT count(DISTINCT tag_id) FROM cards_tags WHERE card_id IN (SELECT card_id FROM cards_tags GROUP BY 1 HAVING count(*) = 1)").await,
        "4"
    );
    let told = bed.one(&text.replace("t_{1..4}", "t_{1..2}")).await;
    assert!(
        told.contains("no-match: `tags` has only 2 labels like `*`, and this list wants more"),
        "{told}"
    );
}

#[tokio::test]
async fn tables_of_prisma_with_a_list_of_labels() {
    let bed = Bed::memory("CREATE TABLE Post (id INTEGER PRIMARY KEY, title TEXT); CREATE TABLE Tag (id INTEGER PRIMARY KEY, name TEXT);
        CREATE TABLE _PostToTag (A INTEGER NOT NULL REFERENCES Post (id), B INTEGER NOT NULL REFERENCES Tag (id));
        CREATE UNIQUE INDEX ab ON _PostToTag (A, B);").await;
    let text = "
Post:
  _through: {tags: _PostToTag}
  hello: {title: Hello, tags: [a, b]}
Tag: {a: {name: a}, b: {name: b}}
";
    assert_eq!(
        bed.settles(text).await,
        "a new +Post.hello +Tag.a +Tag.b +_PostToTag.hello/a +_PostToTag.hello/b"
    );
}

#[tokio::test]
async fn settings_of_references_hold_for_all_files() {
    let mut bed = Bed::memory(KANBAN).await;
    let shared = "
boards: {_refs: {creator: users}}
cards: {_through: {tags: cards_tags}}
cards_tags: {_defaults: {created_at: '2020-01-01'}}
events: {_refs: {subject: {type: subject_type, Card: cards}}, _defaults: {action: x, subject_type: Card}}
";
    let people = "users: {ann: {name: Ann}}\ntags: {red: {name: r}}\n";
    let rest = "boards: {home: {name: H, creator: ann}}\ncards: {one: {board: home, tags: red}}\nevents: {e: {subject: one}}\n";
    let files = [("_tables", shared), ("a", people), ("b", rest)];
    let done = bed.seed(&files).await;
    assert_eq!(
        done,
        "a new +tags.red +users.ann\nb new +boards.home +cards.one +cards_tags.one/red +events.e"
    );
    assert_eq!(bed.seed(&files).await, "");
    assert_eq!(
        bed.ask("SELECT created_at FROM cards_tags").await,
        "2020-01-01"
    );
    // An edit elsewhere writes no time once more, also where the join table stands in `_tables.yaml` alone.
    let shared = shared.replace("'2020-01-01'", "!now ").replace(
        "{_defaults: {created_at",
        "{_refs: {card: cards}, _defaults: {created_at",
    );
    let edited = rest.replace("name: H", "name: I");
    let files = [("_tables", shared.as_str()), ("a", people), ("b", rest)];
    bed.seed(&files).await;
    bed.options.now += std::time::Duration::from_secs(60);
    let files = [("_tables", shared.as_str()), ("a", people), ("b", &edited)];
    assert_eq!(bed.seed(&files).await, "b edited ~boards.home(name: H → I)");
}

#[tokio::test]
async fn what_is_wrong_with_a_reference_has_a_place_and_a_suggestion() {
    let bed = Bed::memory(KANBAN).await;
    let text = "users:
  ann: {name: Ann}
boards:
  _refs: {creator: usrs, owner: users}
  home: {name: Home, creator_id: !pick users.x*}
cards:
  _refs: {assignee: users, board: users}
  _through: {tags: cards_tag, title: cards_tags, labels: events, more: cards_tags}
  one: {board: home, assignee: anne, more: [urgnt, urgent, urgent, {a: 1}, !ref users.ann]}
tags: {urgent: {name: u}}
events:
  _refs: {subject: {type: subject_type, Card: cards, Board: boards}}
  a: {subject: one, action: a}
  b: {subject: one (Crd), action: a}
  c: {subject: onn (Card), action: a}
  d: {subject: !ref users.ann, action: a}
  e: {subject: !ref cards.one, subject_type: Board, action: a}
  f: {subject: one (Card), subject_type: Board, action: a}
  g: {subject: !each usrs.*, action: a}
  h: {subject: !fake word, subject_type: Card, action: a}
users2: {}
";
    expect_test::expect![[r#"
        a:4:20 unknown-table: there is no table `usrs` (`users`?)
        a:4:26 unknown-column: table `boards` has no column `owner`
        a:5:34 no-match: no label of `users` looks like `x*`
        a:7:28 bad-refs: column `board_id` refers to `boards` by a foreign key of the schema
        a:8:20 unknown-table: there is no table `cards_tag` (`cards_tags`?)
        a:8:31 bad-through: `title` is a column of `cards`, and no list of rows
        a:8:58 bad-through: `events` has no other column that refers to rows
        a:9:32 unknown-label: `users` has no label `anne` (`ann`?)
        a:9:44 not-a-label: `more` is a list of labels, and this is none
        a:9:45 unknown-label: `tags` has no label `urgnt` (`urgent`?)
        a:9:52 label-twice: `one` has `urgent` twice in this list
        a:9:76 wrong-table: `more` does not refer to rows of `users`
        a:13:16 which-table: `subject` refers to rows of several tables, and the type is missing
        a:14:16 which-table: `subject` has no type `Crd`
        a:15:16 unknown-label: `cards` has no label `onn` (`one`?)
        a:16:16 wrong-table: `subject` does not refer to rows of `users`
        a:17:16 wrong-table: the row is of type `Board`, and rows of `cards` are of type `Card`
        a:18:16 wrong-table: `one (Card)` is of type `Card`, and the row is of type `Board`
        a:19:22 unknown-table: there is no table `usrs` (`users`?)
        a:20:16 not-a-label: the label of a row is expected here
        a:21:1 unknown-table: there is no table `users2` (`users`?)"#]]
    .assert_eq(&bed.one(text).await.replace("; ", "\n"));
}

pub(crate) async fn a_changed_value_that_rows_refer_to_is_refused_with_the_rows_named(
    world: World,
) {
    let schema = "
CREATE TABLE plans (id INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, cents INTEGER);
CREATE TABLE users (id TEXT PRIMARY KEY, plan TEXT REFERENCES plans (code));
CREATE TABLE notes (id TEXT PRIMARY KEY, plan TEXT REFERENCES plans (code) ON UPDATE CASCADE);
CREATE TABLE late (id TEXT PRIMARY KEY, plan TEXT REFERENCES plans (code) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE trees (name TEXT PRIMARY KEY, code TEXT UNIQUE, up TEXT REFERENCES trees (code));
";
    let bed = Bed::new(world, schema).await;
    let text = "
plans:
  free: {code: free, cents: 0}
  pro: {code: pro, cents: 5}
users: {ann: {plan: !ref plans.pro}}
notes: {one: {plan: !ref plans.free}}
trees: {oak: {code: o, up: !ref trees.oak.code}}
";
    bed.settles(text).await;
    // A declared row follows: it lets go of the old value for a while.
    let plus = text.replace("{code: pro", "{code: plus");
    assert_eq!(
        bed.settles(&plus).await,
        "a edited ~plans.pro(code: pro → plus) ~users.ann(plan: pro → plus)"
    );
    // One that refers to another row comes before, and a new one behind.
    let moved = plus.replace("{code: plus", "{code: max").replace(
        "users: {ann: {plan: !ref plans.pro}",
        "users: {ann: {plan: !ref plans.free}, new: {plan: !ref plans.pro}",
    );
    assert_eq!(
        bed.settles(&moved).await,
        "a edited ~plans.pro(code: plus → max) ~users.ann(plan: plus → free) +users.new"
    );
    bed.by_hand("DELETE FROM users WHERE id NOT IN (SELECT id FROM users WHERE plan = 'free')")
        .await;
    bed.settles(&plus.replace("{code: plus", "{code: max"))
        .await;
    bed.settles(text).await;
    bed.by_hand("INSERT INTO users VALUES ('6', 'pro'), ('7', 'pro'), ('8', 'pro'), ('9', 'pro')")
        .await;
    // Rows follow by themselves, or change with the row to which they refer.
    let free = text
        .replace("{code: free", "{code: gratis")
        .replace("{code: o,", "{code: oo,");
    assert_eq!(
        bed.settles(&free).await,
        "a edited ~notes.one(plan: free → gratis) ~plans.free(code: free → gratis) ~trees.oak(code: o → oo, up: o → oo)"
    );
    assert_eq!(bed.ask("SELECT plan FROM notes").await, "gratis");
    let before = bed.dump().await;
    let refused = bed.one(&free.replace("{code: pro", "{code: plus")).await;
    assert!(
        refused.starts_with("a:4:15 has-children: `code` of `plans.pro` changes, and rows of `users` refer to its old value: "),
        "{refused}"
    );
    assert!(
        refused.contains("`users` with id 6") && refused.ends_with(" and 1 more"),
        "{refused}"
    );
    assert_eq!(bed.dump().await, before);
    // Another row for those to refer to is the way.
    let added = free
        .replace("users:", "  plus: {code: plus, cents: 5}\nusers:")
        .replace("!ref plans.pro", "!ref plans.plus");
    bed.settles(&added).await;
    bed.by_hand("UPDATE users SET plan = 'plus'").await;
    bed.settles(&added.replace("{code: pro", "{code: old"))
        .await;
    // A foreign key that is checked at the end of the run lets both change.
    let late = format!("{added}late: {{one: {{plan: !ref plans.pro}}}}\n")
        .replace("{code: pro", "{code: old");
    bed.settles(&late).await;
    assert_eq!(
        bed.settles(&late.replace("{code: old", "{code: older"))
            .await,
        "a edited ~late.one(plan: old → older) ~plans.pro(code: old → older)"
    );
}

pub(crate) async fn rows_without_a_key_are_made_once(world: World) {
    let schema = "CREATE TABLE logs (at TEXT, line TEXT); CREATE TABLE visits (id INTEGER PRIMARY KEY AUTOINCREMENT, page TEXT, n INTEGER);
        CREATE TABLE hits (id TEXT PRIMARY KEY, visit_id INTEGER REFERENCES visits (id));";
    let bed = Bed::new(world, schema).await;
    let text = "_seed: {mode: insert}
logs:
  - {at: !now , line: hello}
  - {at: !now , line: hello}
  - {line: bye}
visits:
  _id: !auto
  _rows: [{page: a, n: 1}, {page: a, n: 2}]
  b_{1..2}: {page: b}
";
    let first = "a new +logs.bye +logs.hello +logs.hello (2) +visits.a/1 +visits.a/2 +visits.b_1 +visits.b_2";
    assert_eq!(bed.settles(text).await, first);
    let count = "SELECT (SELECT count(*) FROM logs), (SELECT group_concat(id) FROM visits)";
    assert_eq!(bed.ask(count).await, "3|1,2,3,4");
    // Nothing finds them again, so what the application does to them is its own.
    bed.by_hand("DELETE FROM logs").await;
    assert_eq!(bed.one(text).await, "");
    let edited = text
        .replace("line: bye", "line: good bye")
        .replace("b_{1..2}", "b_{1..3}");
    assert_eq!(
        bed.settles(&edited).await,
        "a edited +logs.good bye +visits.b_3"
    );
    let refers = format!("{edited}hits: {{one: {{visit: b_4}}}}\n").replace("b_{1..3}", "b_{1..4}");
    let refused = bed.one(&refers).await;
    assert!(
        refused.contains("no-key: `visits.b_4` has no key"),
        "{refused}"
    );
    let upsert = text.replace("_seed: {mode: insert}\n", "");
    let refused = bed.one(&upsert).await;
    assert!(
        refused.contains("no-key: table `logs` has no primary key"),
        "{refused}"
    );
    assert!(
        refused.contains("bad-id: the database makes `id`"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_renamed_table_keeps_what_was_chosen_and_joined() {
    let mut bed = Bed::memory("CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT UNIQUE); CREATE TABLE posts (id TEXT PRIMARY KEY, by_id TEXT, at TEXT);
        CREATE TABLE likes (post TEXT NOT NULL, user TEXT NOT NULL, PRIMARY KEY (post, user));").await;
    let text = "_seed: {mode: sync}
users:
  u_{1..9}: {name: '${label}'}
posts:
  _refs: {by: users}
  _through: {likes: likes}
  p_{1..20}: {by: !pick users.*, likes: [!pick users.*, !each users.*]}
likes:
  _refs: {post: posts, user: users}
";
    bed.settles(text).await;
    let all = "SELECT (SELECT group_concat(by_id) FROM posts), (SELECT group_concat(post || user) FROM (SELECT * FROM likes ORDER BY 1, 2))";
    let before = bed.ask(all).await;
    let first = "CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT UNIQUE); CREATE TABLE posts (id TEXT PRIMARY KEY, by_id TEXT, at TEXT);
        CREATE TABLE likes (post TEXT NOT NULL, user TEXT NOT NULL, PRIMARY KEY (post, user));";
    let renames = "ALTER TABLE users RENAME TO people; ALTER TABLE likes RENAME TO hearts;";
    bed.migrate(&[("V1__schema.sql", first), ("V2__names.sql", renames)])
        .await;
    let renamed = text
        .replace("likes:\n  _refs", "hearts:\n  _was: likes\n  _refs")
        .replace("{likes: likes}", "{likes: hearts}")
        .replace("users:\n", "people:\n  _was: users\n")
        .replace("users", "people")
        .replace("_was: people", "_was: users");
    assert_eq!(bed.settles(&renamed).await, "a edited");
    assert_eq!(bed.ask(&all.replace("likes", "hearts")).await, before);
    let forgotten = bed.forget("a", seedbed::seeds::ForgetRows::Go, &[]).await;
    assert!(forgotten.contains("-hearts.p_1/"), "{forgotten}");
    assert_eq!(bed.ask("SELECT count(*) FROM hearts").await, "0");
}

#[tokio::test]
async fn a_join_table_that_is_dropped_is_filled_once_more() {
    let mut bed = Bed::memory(KANBAN).await;
    let shared = "cards: {_through: {tags: cards_tags}}\n";
    let text = "tags: {red: {name: r}}\nboards: {b: {name: B, creator_id: 1}}\ncards: {one: {board: b, tags: [red]}}\n";
    let files = [("_tables", shared), ("a", text)];
    bed.seed(&files).await;
    let again = "DROP TABLE cards_tags; CREATE TABLE cards_tags (card_id TEXT NOT NULL REFERENCES cards (id), tag_id INTEGER NOT NULL REFERENCES tags (id), PRIMARY KEY (card_id, tag_id));";
    bed.migrate(&[("V1__schema.sql", KANBAN), ("V2__again.sql", again)])
        .await;
    assert_eq!(bed.seed(&files).await, "a +cards_tags.one/red");
    assert_eq!(bed.seed(&files).await, "");
}

#[tokio::test]
async fn labels_of_all_forms_are_labels() {
    let bed = Bed::memory(KANBAN).await;
    let text = "
users:
  _key: name
  _rows: [{name: ann@x.y}, {name: Bob (old)}]
  ann (new): {name: Ann}
boards:
  _refs: {creator: users}
  Home (1): {name: Home, creator: ann@x.y}
  2nd: {name: Second, creator_id: !ref users.ann (new)}
cards:
  _refs: {board: boards, assignee: users}
  _through: {tags: cards_tags}
  a: {board: Home (1), assignee: Bob (old), tags: [7, '007', true, v1]}
  b: {board: 2nd, assignee: !!str 12}
tags:
  '7': {name: a}
  '007': {name: b}
  'true': {name: c}
  v1: {name: d}
events:
  _refs: {subject: {type: subject_type, Card: cards, Board: boards}}
  _defaults: {action: x, subject_type: Board}
  e1: {subject: Home (1)}
  e2: {subject: Home (1) (Board)}
  e3: {subject: a (Card)}
  e4: {subject: !!str raw, subject_type: Other}
";
    bed.settles(text).await;
    assert_eq!(
        bed.ask("SELECT u.name, c.assignee FROM cards AS c LEFT JOIN users AS u ON u.id = c.assignee ORDER BY c.title, 1").await,
        format!("NULL|12 Bob (old)|{}", bed.ask("SELECT id FROM users WHERE name = 'Bob (old)'").await)
    );
    assert_eq!(bed.ask("SELECT group_concat(name, '') FROM (SELECT t.name FROM cards_tags AS j JOIN tags AS t ON t.id = j.tag_id ORDER BY 1)").await, "abcd");
    assert_eq!(
        bed.ask("SELECT subject_type, count(*) FROM events GROUP BY 1 ORDER BY 1")
            .await,
        "Board|2 Card|1 Other|1"
    );
    let told = bed
        .one(&text.replace("[7, '007', true, v1]", "[7, 007]"))
        .await;
    assert!(
        told.contains("bad-json: `007` would lose its zeros"),
        "{told}"
    );
}

#[tokio::test]
async fn no_choice_depends_on_the_tags_of_a_run() {
    let mut bed = Bed::memory(KANBAN).await;
    let users = "users:\n  u_{1..5}: {name: 'n${i}'}\n";
    let load = "_seed: {tags: [load]}\nusers:\n  l_{1..5}: {name: 'l${i}'}\nboards:\n  l_{1..40}: {name: !pick users.*.name, creator_id: 1}\n";
    let boards = "boards:\n  b_{1..40}: {name: !pick users.*.name, creator_id: 1}\n";
    let files = [("a", users), ("b", load), ("c", boards)];
    bed.options.choice.tags = vec!["load".to_owned()];
    bed.seed(&files).await;
    assert_eq!(
        bed.ask("SELECT name LIKE 'l%', count(*) > 30 FROM boards GROUP BY 1")
            .await,
        "0|1 1|0"
    );
    for tags in [vec![], vec!["load".to_owned()]] {
        bed.options.choice.tags = tags;
        assert_eq!(bed.seed(&files).await, "");
    }
}

#[tokio::test]
async fn a_file_that_is_gone_makes_no_choice_a_change_by_hand() {
    let bed = Bed::memory(KANBAN).await;
    let users = "users:\n  u_{1..5}: {name: 'n${i}'}\n";
    let more = "users:\n  m_{1..5}: {name: 'm${i}'}\n";
    let boards = "boards:\n  b_{1..40}: {name: !pick users.*.name, creator_id: 1}\n";
    bed.seed(&[("a", users), ("b", more), ("c", boards)]).await;
    let done = bed.seed(&[("a", users), ("c", boards)]).await;
    assert!(
        done.contains("c edited ~boards.b_") && !done.contains('!'),
        "{done}"
    );
    assert_eq!(
        bed.ask("SELECT count(*) FROM boards WHERE name LIKE 'm%'")
            .await,
        "0"
    );
    assert!(!bed.seed(&[("a", users), ("c", boards)]).await.contains('!'));
    // A change by hand is one all the same.
    bed.by_hand("UPDATE boards SET name = 'own' WHERE rowid = 1")
        .await;
    let edited = users.replace("u_{1..5}", "u_{1..6}");
    let done = bed.seed(&[("a", &edited), ("c", boards)]).await;
    assert!(done.matches('!').count() < 2, "{done}");
    assert_eq!(
        bed.ask("SELECT name FROM boards WHERE rowid = 1").await,
        "own"
    );
}

#[tokio::test]
async fn references_stand_in_rows_of_every_shape() {
    let bed = Bed::memory(KANBAN).await;
    let base = "_seed: {_defaults: {creator: ann}}
users: {ann: {name: Ann}, bob: {name: Bob}}
tags: {'t_{1..4}': {name: 'n${i}'}}
boards:
  _refs: {creator: users}
  b: {name: B}
cards:
  _through: {tags: cards_tags}
  _defaults: {board: b, tags: [!each tags.*]}
  'c_{users.*}_{1..2}': {title: '${each} ${i * 10}'}
  one: {title: One, tags: [t_1]}
events:
  _refs: {creator: users, subject: {type: subject_type, Card: cards, Board: boards}}
  e: {subject: one (Card), action: x}
  f: {subject: 'c_bob_2 (Card)', action: x}
";
    let over = "cards: {one: {_override: true, tags: [t_2, t_3]}}\nevents: {e: {_override: true, subject: !ref boards.b}}\n";
    assert_eq!(
        bed.settles(base).await,
        "a new +boards.b +cards.c_ann_1 +cards.c_ann_2 +cards.c_bob_1 +cards.c_bob_2 +cards.one \
         +cards_tags.c_ann_1/t_1 +cards_tags.c_ann_2/t_2 +cards_tags.c_bob_1/t_3 +cards_tags.c_bob_2/t_4 \
         +cards_tags.one/t_1 +events.e +events.f +tags.t_1 +tags.t_2 +tags.t_3 +tags.t_4 +users.ann +users.bob"
    );
    assert_eq!(
        bed.ask(
            "SELECT count(*) FROM events JOIN users AS u ON u.id = creator_id WHERE u.name = 'Ann'"
        )
        .await,
        "2"
    );
    let files = [("a", base), ("b", over)];
    let done = bed.seed(&files).await;
    assert!(
        done.contains("+cards_tags.one/t_2 +cards_tags.one/t_3 ~events.e("),
        "{done}"
    );
    assert!(done.contains("subject_type: Card → Board"), "{done}");
    assert_eq!(bed.seed(&files).await, "");
}

#[tokio::test]
async fn no_label_that_is_written_in_a_list_is_drawn_for_it() {
    let schema = "CREATE TABLE tags (k TEXT PRIMARY KEY);
        CREATE TABLE posts (id TEXT PRIMARY KEY);
        CREATE TABLE pt (post_id TEXT NOT NULL REFERENCES posts (id), tag_k TEXT NOT NULL REFERENCES tags (k),
          PRIMARY KEY (post_id, tag_k));";
    for list in [
        "[!pick tags.*, red]",
        "[red, !pick tags.*]",
        "[!each tags.*, red]",
        "[!pick [red, blue], red]",
        "[red, !pick [red, blue]]",
        "[!pick [red, blue], !pick [red, blue]]",
    ] {
        let bed = Bed::memory(schema).await;
        let file = format!(
            "tags: {{red: {{k: r}}, blue: {{k: b}}}}\nposts:\n  _through: {{tags: pt}}\n  'p_{{1..20}}': {{tags: {list}}}\n"
        );
        bed.settles(&file).await;
        let both = "SELECT count(*), count(DISTINCT post_id), sum(tag_k = 'r') FROM pt";
        assert_eq!(bed.ask(both).await, "40|20|20", "{list}");
    }
}
