//! Shapes of seeds: defaults for all tables, children of each parent, arithmetic, generated values. Each specification
//! gets a new and empty database.

use std::path::Path;

use expect_test::expect;

use super::Bed;
use crate::project::Project;
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

const COUNTRIES: &str = "
CREATE TABLE countries (code TEXT PRIMARY KEY, name TEXT NOT NULL, area REAL, eu BOOLEAN NOT NULL DEFAULT 0, note TEXT);
CREATE TABLE cities (id INTEGER PRIMARY KEY, country_id TEXT NOT NULL REFERENCES countries (code), name TEXT UNIQUE, tags TEXT);
";

const OF_FILES: &str = "
_seed: {mode: sync}
countries: !csv data/countries.csv
cities:
  _key: name
  _defaults: {tags: []}
  _rows: !json data/cities.json
  bern: {country: ch, name: Bern}
";

const COUNTRIES_CSV: &str = "_label,code,name,area,eu,note
at,AT,Austria,83879,true,
ch,CH,\"Switzerland, or \"\"CH\"\"\",41291.50,false,\"\"
de,DE,Germany,357588,true,${label} 007
";

const CITIES_JSON: &str = r#"[
  {"_label": "graz", "country": "at", "name": "Graz", "tags": ["b", {"z": 1, "a": 2}]},
  {"country": "de", "name": "Köln"}
]
"#;

pub(crate) async fn rows_of_files_are_rows_of_their_seed(world: World) {
    let bed = Bed::new(world, COUNTRIES).await;
    let seed = |countries: &str, cities: &str| {
        [
            ("a".to_owned(), OF_FILES.to_owned()),
            ("data/countries.csv".to_owned(), countries.to_owned()),
            ("data/cities.json".to_owned(), cities.to_owned()),
        ]
    };
    let run = async |files: &[(String, String)]| {
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        let told = bed.seed(&files).await;
        let before = bed.revision().await;
        assert_eq!(bed.seed(&files).await, "", "the second run");
        assert_eq!(bed.revision().await, before, "the second run");
        told
    };
    assert_eq!(
        run(&seed(COUNTRIES_CSV, CITIES_JSON)).await,
        "a new +cities.Köln +cities.bern +cities.graz +countries.at +countries.ch +countries.de"
    );
    assert_eq!(
        bed.ask("SELECT code, area, typeof(area), eu, quote(note) FROM countries ORDER BY code")
            .await,
        "AT|83879|real|1|NULL CH|41291.5|real|0|'' DE|357588|real|1|'${label} 007'"
    );
    assert_eq!(
        bed.ask("SELECT name, country_id, tags FROM cities ORDER BY name")
            .await,
        "Bern|CH|[] Graz|AT|[\"b\",{\"a\":2,\"z\":1}] Köln|DE|[]"
    );
    // A changed file is a changed seed, whose difference is applied row by row.
    bed.by_hand("UPDATE countries SET name = 'Mine' WHERE code = 'DE'")
        .await;
    let edited = COUNTRIES_CSV
        .replace("83879", "83880")
        .replace("ch,CH", "swiss,CH");
    let edited = seed(&edited, CITIES_JSON);
    assert_eq!(
        bed.seed(&[
            (
                &edited[0].0,
                &edited[0].1.replace("country: ch", "country: swiss")
            ),
            (&edited[1].0, &edited[1].1),
            (&edited[2].0, &edited[2].1),
        ])
        .await,
        "a edited ~countries.at(area: 83879 → 83880) !countries.de(name)"
    );
    // A row that the file has no longer is one that the seed declares no longer.
    let fewer = COUNTRIES_CSV.replace("83879", "83880");
    let cities = CITIES_JSON.replace("},\n  {\"country\": \"de\", \"name\": \"Köln\"}", "}");
    assert_eq!(
        bed.seed(&[
            ("a", OF_FILES),
            ("data/countries.csv", &fewer),
            ("data/cities.json", &cities)
        ])
        .await,
        "a edited -cities.Köln !countries.de(name)"
    );
    // The lines may come in any order, and the record is that of the new text.
    let mut lines: Vec<&str> = fewer.lines().collect();
    lines[1..].reverse();
    let turned = lines.join("\n") + "\n";
    let files = [
        ("a", OF_FILES),
        ("data/countries.csv", turned.as_str()),
        ("data/cities.json", cities.as_str()),
    ];
    assert_eq!(bed.seed(&files).await, "a respelled !countries.de(name)");
    // A seed without its files has nothing to take its rows from.
    assert_eq!(
        bed.one(OF_FILES).await.replace('\n', " "),
        "a:3:17 no-such-file: data/countries.csv: it is none of the texts that were given as files \
         a:7:16 no-such-file: data/cities.json: it is none of the texts that were given as files"
    );
}

#[tokio::test]
async fn a_problem_in_a_file_of_rows_is_reported_at_its_line() {
    let bed = Bed::memory(COUNTRIES).await;
    let mut all = String::new();
    for csv in [
        "code,nam\nAT,Austria\n",
        "code,name,area\nAT,Austria,large\nCH,,1\n",
        "code,name\nAT,Austria\nAT,Autriche\n",
        "_label,code,name\nat,AT,Austria\nat,CH,Switzerland\n",
        "name\nAustria\n",
        "code,name\nAT\n",
    ] {
        let files = [("a", "countries: !csv c.csv\n"), ("c.csv", csv)];
        all += &format!("{}\n", bed.seed(&files).await);
    }
    for seed in [
        "countries: !csv ../c.csv\n",
        "countries: !csv /c.csv\n",
        "countries: !csv [a]\n",
        "countries: !csv {file: c.csv, separator: ab}\n",
        "countries: {a: {code: !csv c.csv}}\n",
    ] {
        let files = [("a", seed), ("c.csv", "code,name\n")];
        all += &format!("{}\n", bed.seed(&files).await);
    }
    expect![[r#"
        c.csv:1:6 unknown-column: table `countries` has no column `nam` (`name`?)
        c.csv:2:12 wrong-type: `large` does not fit into column `area` of type REAL
        c.csv:3:4 null: column `name` takes no NULL
        c.csv:3:1 same-value: `countries.AT` and `countries.AT` have the same `code`, of which there can be only one
        c.csv:3:1 label-twice: `countries` has label `at` twice
        c.csv:2:1 no-key: the row has no label, and no value for its key
        c.csv:2:1 bad-csv: the line has 1 cell, and the header 2
        a:1:17 no-such-file: ../c.csv: it is none of the texts that were given as files
        a:1:12 bad-tag: `!csv` takes a path from the folder of this file with `/` between its parts, and `/c.csv` is none
        a:1:12 bad-tag: `!csv` takes the path of a file, and this is a list
        a:1:12 bad-tag: `!csv` takes one character between cells, and not `ab`
        a:1:13 missing-value: `a` has no value for `name`, which takes no NULL
        a:1:23 bad-tag: `!csv` names the rows of a table, below its name
    "#]].assert_eq(&all);
    let files = [
        ("a", "countries: !csv {file: c.csv, separator: ';'}\n"),
        ("c.csv", "code;name\nAT;Austria, A\n"),
    ];
    assert_eq!(bed.seed(&files).await, "a new +countries.AT");
}

#[test]
fn a_seed_reads_no_file_outside_of_its_project() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("c.csv"), "code,name\nAT,Austria\n").unwrap();
    let schema = "CREATE TABLE countries (code TEXT PRIMARY KEY, name TEXT NOT NULL);";
    let project = Project::new()
        .migration("V1__countries", schema)
        .file("data/c.csv", "code,name\nAT,Austria\nCH,Switzerland\n")
        .file("seeds/more/unused.csv", "x\n")
        .file("seeds/more/d.csv", "code,name\nDE,Germany\n")
        .file("seeds/c.yaml", "countries: !csv ../data/c.csv\n")
        .file("seeds/dev/d.yaml", "countries: !csv ../more/d.csv\n")
        .after("migrate");
    let ran = project.run("seed");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stdout.contains("3 inserted"), "{ran}");
    assert!(
        ran.stderr.contains("seeds/more/unused.csv is not read"),
        "{ran}"
    );
    assert!(!ran.stderr.contains("more/d.csv"), "{ran}");
    let ran = project.run("seed");
    assert!(
        ran.stdout.contains("nothing to do: 3 rows as declared"),
        "{ran}"
    );
    let path = outside.path().join("c.csv");
    let way = format!(
        "{}{}",
        "../".repeat(40),
        path.strip_prefix("/").unwrap().display()
    );
    project.write("seeds/c.yaml", format!("countries: !csv {way}\n"));
    let ran = project.run("seed");
    assert_eq!(ran.code, Some(4), "{ran}");
    assert!(ran.stderr.contains("error[file-outside]"), "{ran}");
    assert!(ran.stderr.contains("seeds/c.yaml:1:17"), "{ran}");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(&path, project.path("seeds/link.csv")).unwrap();
        project.write("seeds/c.yaml", "countries: !csv link.csv\n");
        let ran = project.run("check");
        assert!(ran.stderr.contains("error[file-outside]"), "{ran}");
    }
    project.write("seeds/c.yaml", "countries: !csv ../data/none.csv\n");
    let ran = project.run("seed");
    assert!(
        ran.stderr
            .contains("error[no-such-file]: ../data/none.csv: "),
        "{ran}"
    );
}

const TEAM: &str = "
CREATE TABLE teams (id TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE people (id TEXT PRIMARY KEY, name TEXT, mail TEXT, team_id TEXT REFERENCES teams (id), extra TEXT);
";

const PEOPLE: &str = "
_seed: {mode: sync, vars: {domain: base.test}}
teams: {red: {name: Red}, blue: {name: Blue}}
people:
  _defaults: {mail: '${label}@${domain}', team: red}
  ann: {name: Ann, extra: {a: 1}}
  bob: {name: Bob}
  load_{1..2}: {name: 'L${i}'}
";

const IN_DEV: &str = "
_seed: {vars: {domain: dev.test}}
people:
  ann: {_override: true, mail: '${label}@${domain}', team_id: !ref teams.blue, extra: {who: '${domain}'}}
  load_{1..2}: {_override: true, name: 'D${i}'}
  cid: {name: Cid}
";

pub(crate) async fn an_environment_overrides_rows_of_another_file(world: World) {
    let bed = Bed::new(world, TEAM).await;
    let people = "SELECT name, mail, team_id = (SELECT id FROM teams WHERE name = 'Blue'), extra FROM people ORDER BY name";
    let base = [("people", PEOPLE)];
    assert_eq!(
        bed.seed(&base).await,
        "people new +people.ann +people.bob +people.load_1 +people.load_2 +teams.blue +teams.red"
    );
    bed.by_hand("UPDATE people SET name = 'Mine' WHERE name = 'Ann'")
        .await;
    // The difference of the override is applied, and the rows stay those of their own file.
    let settles = async |people: &str, dev: &str| {
        let files = [("people", people), ("dev/people", dev)];
        let told = bed.seed(&files).await;
        let revision = bed.revision().await;
        assert_eq!(bed.seed(&files).await, "people !people.ann(name)");
        assert_eq!(bed.revision().await, revision);
        told.replace('\n', " ")
    };
    let ids = bed.ask("SELECT id FROM teams ORDER BY name").await;
    let (blue, red) = ids.split_once(' ').unwrap();
    assert_eq!(
        settles(PEOPLE, IN_DEV).await,
        format!(
            "dev/people new +people.cid people edited \
             ~people.ann(mail: ann@base.test → ann@dev.test, team_id: {red} → {blue}, extra: {{\"a\":1}} → {{\"who\":\"dev.test\"}}) \
             ~people.load_1(name: L1 → D1) ~people.load_2(name: L2 → D2) !people.ann(name)"
        )
    );
    assert_eq!(
        bed.ask(people).await,
        "Bob|bob@base.test|0|NULL Cid|NULL|NULL|NULL D1|load_1@base.test|0|NULL D2|load_2@base.test|0|NULL \
         Mine|ann@dev.test|1|{\"who\":\"dev.test\"}"
    );
    // An edit of either file is an edit of the row.
    let edited = IN_DEV.replace("domain: dev.test", "domain: d.test");
    assert_eq!(
        settles(PEOPLE, &edited).await,
        "dev/people edited people edited ~people.ann(mail: ann@dev.test → ann@d.test, \
         extra: {\"who\":\"dev.test\"} → {\"who\":\"d.test\"}) !people.ann(name)"
    );
    let base = PEOPLE
        .replace("name: Bob", "name: Rob")
        .replace("{a: 1}", "{a: 2}");
    assert_eq!(
        settles(&base, &edited).await,
        "people edited ~people.bob(name: Bob → Rob) !people.ann(name)"
    );
    // Without the override the row is again as its own file says.
    let told = settles(&base, "people: {cid: {name: Cid}}").await;
    assert!(told.contains("mail: ann@d.test → ann@base.test"), "{told}");
    assert!(told.contains("~people.load_1(name: D1 → L1)"), "{told}");
    assert_eq!(
        bed.ask("SELECT mail, extra FROM people WHERE name = 'Mine'")
            .await,
        "ann@base.test|{\"a\":2}"
    );
}

#[tokio::test]
async fn an_override_without_its_row_is_reported() {
    let bed = Bed::memory(TEAM).await;
    let mut all = String::new();
    for dev in [
        "people: {ann: {name: Nan}}",
        "people: {anna: {_override: true, name: Nan}}",
        "people: {load_1: {_override: true, name: Nan}}",
        "teams: {zoe: {_override: true, name: Nan}}",
        "people: {ann: {_override: yes, name: Nan}}",
        "people: {ann: {_override: true}}",
        "people: {ann: {_override: true, _was: anne, name: Nan}}",
        "people: [{_override: true, name: Nan}]",
        "people: {ann: {_override: true, nam: Nan, team: grey}}",
        "people: {ann: {_override: false, name: Nan}}",
    ] {
        let files = [("people", PEOPLE), ("dev/people", dev)];
        all += &format!("{}\n", bed.seed(&files).await);
    }
    let twice = "people: {ann: {_override: true, name: Nan}}";
    let files = [("people", PEOPLE), ("dev/a", twice), ("dev/b", twice)];
    all += &format!("{}\n", bed.seed(&files).await);
    expect![[r#"
        people:6:3 label-twice: `people` has label `ann` twice
        dev/people:1:10 nothing-to-override: no other file for environment dev has a row `anna` of `people` (`ann`?)
        dev/people:1:10 nothing-to-override: no other file for environment dev has a row `load_1` of `people`
        dev/people:1:9 nothing-to-override: no other file for environment dev has a row `zoe` of `teams`
        dev/people:1:27 bad-value: `_override` is `true` or `false`, and this is neither
        dev/people:1:16 bad-value: the row overrides nothing
        dev/people:1:39 bad-value: a row that overrides another one has no label of its own before
        dev/people:1:11 unknown-column: table `people` has no column `_override`
        dev/people:1:33 unknown-column: table `people` has no column `nam` (`name`?)
        dev/people:1:49 unknown-label: `teams` has no label `grey`
        people:6:3 label-twice: `people` has label `ann` twice
        dev/b:1:10 overridden-twice: another file overrides row `ann` too
    "#]].assert_eq(&all);
}

#[tokio::test]
async fn a_secret_in_an_override_is_not_recorded() {
    let bed =
        Bed::memory("CREATE TABLE users (id TEXT PRIMARY KEY, name TEXT, password TEXT);").await;
    let base = "users: {ann: {name: Ann, password: !hash hidden-base}}";
    let dev = "users: {ann: {_override: true, password: !hash hidden-dev}}";
    assert_eq!(
        bed.seed(&[("u", base), ("dev/u", dev)]).await,
        "dev/u new\nu new +users.ann"
    );
    assert_eq!(bed.seed(&[("u", base), ("dev/u", dev)]).await, "");
    assert_eq!(
        bed.ask("SELECT count(*) FROM _migrations WHERE source LIKE '%hidden%' OR detail LIKE '%hidden%'").await,
        "0"
    );
    assert_eq!(
        bed.ask("SELECT password LIKE '$argon2id$%' FROM users")
            .await,
        "1"
    );
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
        a:2:13 bad-tag: `!decimal` takes two decimal numbers of up to 18 digits, the smaller one first, and `5..1` is something else
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

/// A shop, as many frameworks ship one as their example: a catalogue from files, customers and orders of patterns, and
/// an environment that overrides a row.
fn shop() -> Project {
    Project::new()
        .migration(
            "V1__shop",
            "CREATE TABLE categories (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, slug TEXT NOT NULL UNIQUE, created_at TEXT NOT NULL);
             CREATE TABLE products (
               sku TEXT PRIMARY KEY, category_id TEXT NOT NULL REFERENCES categories (id), name TEXT NOT NULL,
               price DECIMAL(8,2) NOT NULL CHECK (price > 0), active BOOLEAN NOT NULL DEFAULT 1, created_at TEXT NOT NULL
             );
             CREATE TABLE customers (
               id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE, name TEXT NOT NULL, newsletter BOOLEAN NOT NULL, created_at TEXT NOT NULL
             );
             CREATE TABLE orders (
               id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id),
               product_sku TEXT NOT NULL REFERENCES products (sku), nr INTEGER NOT NULL UNIQUE, note TEXT, due_at TEXT, created_at TEXT NOT NULL
             );",
        )
        .file("data/products.csv", "_label,sku,category,name,price\nmug,M-1,kitchen,Mug,9.90\npan,P-1,kitchen,\"Pan, large\",49.00\n")
        .file("seeds/catalogue.json", r#"{"kitchen": {"name": "Kitchen & Bath"}, "garden": {"name": "Jardín"}}"#)
        .file(
            "seeds/010_catalogue.yaml",
            "_seed: {mode: sync, _defaults: {created_at: !now }}
categories:
  _defaults: {slug: !slug name}
  _rows: !json catalogue.json
products: !csv ../data/products.csv
",
        )
        .file(
            "seeds/020_orders.yaml",
            "_seed: {depends_on: [010_catalogue], _defaults: {created_at: !ago 1..90 days}}
customers:
  load_{01..20}:
    email: c${i}@example.test
    name: !fake name
    newsletter: !fake boolean
orders:
  order_{customers.*}_{1..2}:
    customer: ${each}
    product_sku: !pick [!ref products.mug.sku, !ref products.pan.sku]
    nr: !int 1..1000000
    note: Order ${i} of ${i + 1}
    due_at: !in 1..14 days
",
        )
        .file("seeds/test/prices.yaml", "products:\n  mug: {_override: true, price: 0.01}\n")
}

#[test]
fn a_shop_is_seeded_checked_and_handed_to_tests() {
    let project = shop();
    let ran = project.run("check");
    assert_eq!(ran.code, Some(0), "{ran}");
    let ran = project.run("migrate --seed");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(ran.stdout.contains("64 inserted"), "{ran}");
    let ran = project.run("seed");
    assert!(
        ran.stdout.contains("nothing to do: 64 rows as declared"),
        "{ran}"
    );
    let ran = project.run("status");
    assert_eq!(ran.code, Some(0), "{ran}");
    assert!(!ran.stdout.contains("edited"), "{ran}");
    let facts = [
        "SELECT group_concat(slug) FROM (SELECT slug FROM categories ORDER BY slug)",
        "SELECT price FROM products WHERE sku = 'M-1'",
        "SELECT count(*), count(DISTINCT customer_id), count(DISTINCT nr) FROM orders",
    ];
    assert_eq!(
        project.ask_of("local.db", facts),
        ["jardin,kitchen-bath", "9.9", "40|20|40"]
    );
    // The environment of tests has another price, from the same files.
    let ran = project.run("test-db");
    assert_eq!(ran.code, Some(0), "{ran}");
    let price = project.ask_of(ran.stdout.trim(), [facts[1]]);
    assert_eq!(price, ["0.01"]);
    // A line that goes is a row that goes, where no order refers to it.
    let csv = "_label,sku,category,name,price\nmug,M-1,kitchen,Mug,9.90\npan,P-1,kitchen,\"Pan, large\",39.00\n";
    project.write("data/products.csv", csv);
    let ran = project.run("seed");
    assert!(ran.stdout.contains("pan.price: 49 → 39"), "{ran}");
    assert!(
        ran.stdout
            .contains("0 inserted, 1 updated, 0 deleted, 63 unchanged"),
        "{ran}"
    );
    project.write("data/products.csv", csv.replace("39.00", "free"));
    let ran = project.run("seed");
    assert!(ran.stderr.contains("--> data/products.csv:3:30"), "{ran}");
    // Orders that refer to rows of a file that cannot be read are no problems of their own.
    std::fs::remove_file(project.path("data/products.csv")).unwrap();
    let ran = project.run("seed");
    assert!(ran.stderr.contains("error[no-such-file]"), "{ran}");
    assert!(!ran.stderr.contains("unknown-label"), "{ran}");
}

#[test]
fn a_schema_for_editors_has_the_names_that_seeds_declare() {
    let example = |path: &str| {
        let folder = Path::new(crate::ROOT).join("tests/it/examples/rails_kanban");
        std::fs::read_to_string(folder.join(path)).unwrap()
    };
    let mut project = Project::new().migration("V1__all", example("schema.sql"));
    for name in ["seeds/_tables.yaml", "seeds/010_writebook.yaml"] {
        project = project.file(name, example(name));
    }
    let ran = project.run("seed schema");
    let schema: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let described = |table: &str, name: &str| {
        let row = &schema["definitions"][format!("row of {table}")];
        row["properties"][name]["description"].clone()
    };
    assert_eq!(described("cards", "creator"), "The label of a row of users");
    assert_eq!(
        described("events", "eventable"),
        "label (Board), label (Card), label (Comment)"
    );
    assert_eq!(
        described("cards", "tags"),
        "Labels; each makes a row of taggings"
    );
    let settings = &schema["definitions"]["table cards"]["anyOf"][0]["properties"];
    // What `_refs` names is a column, or a short name of one; the table may be written in any letter case.
    let refs = &settings["_refs"];
    let names: Vec<&str> = refs["propertyNames"]["anyOf"][0]["enum"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(serde_json::Value::as_str)
        .collect();
    assert!(
        names.contains(&"creator") && names.contains(&"creator_id"),
        "{names:?}"
    );
    assert!(!names.contains(&"nope"));
    let forms = &refs["additionalProperties"]["anyOf"];
    assert_eq!(forms[0]["$ref"], "#/definitions/a reference");
    assert_eq!(forms[1]["required"], serde_json::json!(["type"]));
    let join = &settings["_through"]["additionalProperties"]["anyOf"];
    assert_eq!(join[0]["$ref"], "#/definitions/a table");
    assert_eq!(join[1]["required"], serde_json::json!(["table"]));
}

#[test]
fn a_schema_for_editors_has_the_tables_and_columns_of_the_migrations() {
    let project = shop();
    let ran = project.run("seed schema");
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran}");
    let schema: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let tables: Vec<&str> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        tables,
        ["_seed", "categories", "customers", "orders", "products"]
    );
    let row = &schema["definitions"]["row of orders"];
    let columns: Vec<&str> = row["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        columns,
        [
            "<<",
            "_override",
            "_was",
            "created_at",
            "customer",
            "customer_id",
            "due_at",
            "id",
            "note",
            "nr",
            "product",
            "product_sku"
        ]
    );
    assert_eq!(row["additionalProperties"], false);
    // A table is no null, and names no column twice.
    let table = &schema["definitions"]["table orders"]["anyOf"];
    assert_eq!(table[2]["type"], "string");
    assert_eq!(schema["definitions"]["some names"]["minItems"], 1);
    assert_eq!(schema["definitions"]["names"]["uniqueItems"], true);
    assert_eq!(
        row["properties"]["nr"]["description"],
        "INTEGER NOT NULL, unique"
    );
    assert_eq!(
        row["properties"]["customer"]["description"],
        "The label of a row of customers; the column is customer_id"
    );
    // The engine takes names in any letter case, and so do seeds.
    let other_cases = schema["patternProperties"].as_object().unwrap();
    let orders = "^(?!orders$)[oO][rR][dD][eE][rR][sS]$";
    assert_eq!(other_cases[orders]["$ref"], "#/definitions/table orders");
    let other_cases = row["patternProperties"].as_object().unwrap();
    assert!(
        other_cases.contains_key("^(?!due_at$)[dD][uU][eE]_[aA][tT]$"),
        "{other_cases:?}"
    );
    // Keys are made of columns and short names of references.
    let key = &table[0]["properties"]["_key"]["anyOf"];
    let names = serde_json::json!([
        "created_at",
        "customer",
        "customer_id",
        "due_at",
        "id",
        "note",
        "nr",
        "product",
        "product_sku"
    ]);
    assert_eq!(key[0]["anyOf"][0]["enum"], names);
    assert_eq!(
        (&key[1]["items"], &key[1]["minItems"]),
        (&key[0], &1.into())
    );
    let settings = &schema["definitions"]["_seed"]["properties"];
    assert!(settings["time"]["pattern"].is_string());
    assert!(!project.path("local.db").exists());
    let ran = project.run("seed --env test schema");
    assert_eq!(ran.code, Some(2), "{ran}");
}
