//! Shapes of seeds: defaults for all tables, children of each parent, arithmetic, generated values. Each specification
//! gets a new and empty database.

use expect_test::expect;

use super::Bed;
use crate::world::World;

const BLOG: &str = "
CREATE TABLE authors (id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at TEXT, tenant INTEGER);
CREATE TABLE articles (
  id TEXT PRIMARY KEY, author_id TEXT NOT NULL REFERENCES authors (id), title TEXT NOT NULL, slug TEXT NOT NULL UNIQUE,
  position INTEGER, price DECIMAL(8,2), body TEXT, published BOOLEAN, due TEXT, created_at TEXT,
  shown TEXT GENERATED ALWAYS AS (upper(title))
);
";

const SHAPES: &str = "
_seed:
  mode: sync
  time: 2026-01-31T12:00:00Z
  _defaults: {created_at: !now , tenant: 7}
authors:
  ann: {name: Ann}
  bob: {name: Bob, tenant: 8}
articles:
  post_{authors.*}_{1..3}:
    author: ${each}
    title: Part ${i} of ${each}
    slug: !slug title
    position: ${i * 10 - 5}
    price: !decimal 0.50..9.99
    body: !fake paragraph
    published: !fake boolean
    due: !in 1..30 days
";

pub(crate) async fn each_parent_has_its_children(world: World) {
    let bed = Bed::new(world, BLOG).await;
    assert_eq!(
        bed.settles(SHAPES).await,
        "a new +articles.post_ann_1 +articles.post_ann_2 +articles.post_ann_3 +articles.post_bob_1 \
         +articles.post_bob_2 +articles.post_bob_3 +authors.ann +authors.bob"
    );
    let articles = "SELECT slug, position, author_id = (SELECT id FROM authors WHERE name = 'Bob') FROM articles ORDER BY slug";
    assert_eq!(
        bed.ask(articles).await,
        "part-1-of-ann|5|0 part-1-of-bob|5|1 part-2-of-ann|15|0 part-2-of-bob|15|1 part-3-of-ann|25|0 part-3-of-bob|25|1"
    );
    let odd = "SELECT count(*) FROM articles WHERE price NOT BETWEEN 0.5 AND 9.99 OR published NOT IN (0, 1)
      OR due NOT BETWEEN '2026-02-01 12:00:00' AND '2026-03-02 12:00:00' OR length(body) < 50
      OR created_at <> '2026-01-31 12:00:00'";
    assert_eq!(bed.ask(odd).await, "0");
    assert_eq!(
        bed.ask("SELECT tenant FROM authors ORDER BY name").await,
        "7 8"
    );
    // Fewer children are rows that the file declares no longer.
    let fewer = SHAPES.replace("{1..3}", "{1..2}");
    assert_eq!(
        bed.settles(&fewer).await,
        "a edited -articles.post_ann_3 -articles.post_bob_3"
    );
    // Another parent has children of its own, and those of the others stay as they were drawn.
    let more = fewer.replace("  bob:", "  cid: {name: Cid}\n  bob:");
    assert_eq!(
        bed.settles(&more).await,
        "a edited +articles.post_cid_1 +articles.post_cid_2 +authors.cid"
    );
}

pub(crate) async fn a_default_for_all_tables_is_the_weakest(world: World) {
    let bed = Bed::new(
        world,
        "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT, y TEXT);
         CREATE TABLE b (id INTEGER PRIMARY KEY, x TEXT, z TEXT);
         CREATE TABLE c (id INTEGER PRIMARY KEY, z TEXT);",
    )
    .await;
    let file = "
_seed: {_defaults: {x: '${domain}', z: seed}, vars: {domain: example.test}}
a: {_defaults: {x: table}, one: {}, two: {x: row}}
b: {one: {}}
c: {one: {z: ~}}
";
    let tables = "_seed: {_defaults: {x: shared, y: shared}}\nb: {_defaults: {z: of b}}\n";
    let both = [("_tables", tables), ("a", file)];
    assert_eq!(bed.seed(&both).await, "a new +a.one +a.two +b.one +c.one");
    assert_eq!(bed.seed(&both).await, "");
    assert_eq!(
        bed.ask("SELECT x, y FROM a ORDER BY x DESC").await,
        "table|shared row|shared"
    );
    assert_eq!(bed.ask("SELECT x, z FROM b").await, "example.test|of b");
    assert_eq!(bed.ask("SELECT z FROM c").await, "NULL");
    // The shared file is part of what its rows follow from.
    let other = tables.replace("y: shared", "y: other");
    let both = [("_tables", other.as_str()), ("a", file)];
    assert_eq!(
        bed.seed(&both).await,
        "a edited ~a.one(y: shared → other) ~a.two(y: shared → other)"
    );
    assert_eq!(bed.seed(&both).await, "");
}

#[tokio::test]
async fn what_shapes_cannot_mean_is_reported_at_its_place() {
    let bed = Bed::memory(BLOG).await;
    let authors = "authors:\n  ann: {name: Ann}\n";
    let mut all = String::new();
    for file in [
        "_seed: {_defaults: {creatd_at: 1}}\n".to_owned() + authors,
        "_seed: {_defaults: {shown: 1}}\narticles: {}\n".to_owned() + authors,
        "authors:\n  a_{1..2}: {name: \"${i +}\"}\n".to_owned(),
        "authors:\n  a_{1..2}: {name: \"${i / (i - 2)}\"}\n".to_owned(),
        "authors:\n  a: {name: \"${i + 1}\"}\n".to_owned(),
        "authors:\n  _defaults: {name: \"${i + 1}\"}\n  a: {}\n".to_owned(),
        "authors:\n  a_{1..2}_{articles.*}: {name: x}\n".to_owned(),
        "authors:\n  a_{articles.*}_{3..1}: {name: x}\n".to_owned(),
        authors.to_owned() + "articles:\n  one: {author: ann, title: '!', slug: !slug title}\n",
        authors.to_owned() + "articles:\n  one: {author: ann, title: T, slug: !slug body}\n",
        authors.to_owned() + "articles:\n  one: {author: ann, title: T, slug: !slug titel}\n",
        "authors:\n  a: {name: !decimal 5..1}\n".to_owned(),
        "authors:\n  a: {name: !in soon}\n".to_owned(),
    ] {
        all += &format!("{}\n", bed.one(&file).await);
    }
    expect![[r#"
        a:1:21 unknown-column: no table of the file has a column `creatd_at` to write (`created_at`?)
        a:1:21 unknown-column: no table of the file has a column `shown` to write
        a:2:21 bad-template: `i +` is no arithmetic on `i`
        a:2:20 no-number: `${i / (i - 2)}` divides by zero where `i` is 2
        a:2:14 unknown-name: `${i}` is the number of one row of many, and this row is alone
        a:2:21 unknown-name: `${i}` has no value in row `a`
        a:2:3 bad-label: something stands behind the range in the label `a_{1..2}_{articles.*}`
        a:2:3 bad-label: the range `{3..1}` ends before it begins
        a:4:40 no-slug: row `one` has no slug: column `title` holds no text of letters or digits
        a:4:38 no-slug: row `one` has no slug: column `body` has no value in the seed
        a:4:38 unknown-column: table `articles` has no column `titel` (`title`?)
        a:2:3 missing-value: `a` has no value for `name`, which takes no NULL
        a:2:13 bad-tag: `!decimal` takes two decimal numbers of up to 18 digits, the smaller one first, and `5..1` is something else
        a:2:3 missing-value: `a` has no value for `name`, which takes no NULL
        a:2:13 bad-tag: `!in` takes a number and a unit of time, and `soon` is not both
    "#]].assert_eq(&all);
}

#[tokio::test]
async fn generated_values_have_the_type_of_their_column() {
    let bed = Bed::memory(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, d DECIMAL(8,2), r REAL, s TEXT, b BOOLEAN, n INTEGER, j TEXT);",
    )
    .await;
    let file = "
t:
  row_{1..50}:
    id: ${i}
    d: !decimal -1.50..1.50
    r: !decimal 1..2.000
    s: !decimal 10.00..10.00
    b: !fake boolean
    n: !fake boolean
    j: {price: !decimal 1.5..1.5}
";
    bed.settles(file).await;
    let odd = "SELECT count(*) FROM t WHERE d NOT BETWEEN -1.5 AND 1.5 OR typeof(r) <> 'real' OR s <> '10.00'
      OR b NOT IN (0, 1) OR n NOT IN (0, 1) OR j <> '{\"price\":1.5}'";
    assert_eq!(bed.ask(odd).await, "0");
    assert_eq!(
        bed.ask("SELECT count(DISTINCT b), min(d) < 0, max(d) > 0 FROM t")
            .await,
        "2|1|1"
    );
}

#[tokio::test]
async fn equal_texts_get_different_slugs_where_the_column_is_unique() {
    let bed = Bed::memory(
        "CREATE TABLE posts (id INTEGER PRIMARY KEY, title TEXT, slug TEXT UNIQUE, plain TEXT);",
    )
    .await;
    let file = "
posts:
  _defaults: {title: Same Title, slug: !slug title, plain: !slug title}
  a: {}
  b: {}
  c: {title: Crème brûlée}
";
    bed.settles(file).await;
    assert_eq!(
        bed.ask("SELECT plain FROM posts ORDER BY plain").await,
        "creme-brulee same-title same-title"
    );
    assert_eq!(
        bed.ask("SELECT count(*) FROM posts WHERE slug LIKE 'same-title-____'")
            .await,
        "1"
    );
}
