//! Databases of every kind make the whole circle: backup and restore, export to `sqlite3`, export and import, copy and
//! copy back, in local files and through a server. Each that comes out is equal to the one that went in: `verify` says
//! so, and a look at the schema and all rows that shares no code with it.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use seedbed::db::{Db, Query};
use seedbed::sql::{Value, identifier};

use super::local;
use crate::export::generate::{VACUUM, database};
use crate::export::round_trip::{made, sqlite3, without_stat4};
use crate::project::{Project, waiting};
use crate::server::Server;

/// How many databases make each circle; more where this variable says so.
const DATABASES: u32 = 3;
const VARIABLE: &str = "SEEDBED_TEST_DATABASES";
/// A number that makes the same databases again.
const SEED: &str = "SEEDBED_TEST_SEED";

/// Statements that stand for a kind of database each, beside the generated tables.
const KINDS: &[&[&str]] = &[
    &[
        "CREATE TABLE c1 (a INT CHECK (a > 0) DEFAULT (1 + 1), b TEXT UNIQUE COLLATE NOCASE, \
         c AS (a * 2) STORED, d DATETIME DEFAULT CURRENT_TIMESTAMP, e AS (b || 'x'))",
        "INSERT INTO c1 (a, b) VALUES (1, 'one'), (2, 'two'), (3, NULL)",
        "INSERT INTO c1 DEFAULT VALUES",
        "CREATE INDEX c1_words ON c1 (lower(b), a DESC) WHERE a > 1 AND b IS NOT NULL",
        "CREATE UNIQUE INDEX c1_once ON c1 (abs(a), coalesce(b, '-') COLLATE RTRIM)",
    ],
    &[
        "CREATE TABLE node (id INTEGER PRIMARY KEY, up REFERENCES node (id) ON DELETE CASCADE, best REFERENCES leaf (id))",
        "CREATE TABLE leaf (id INTEGER PRIMARY KEY, node REFERENCES node DEFERRABLE INITIALLY DEFERRED)",
        "INSERT INTO node VALUES (1, NULL, NULL), (2, 1, NULL)",
        "INSERT INTO leaf VALUES (5, 2)",
        "UPDATE node SET best = 5 WHERE id = 1",
        "CREATE TABLE pair (a, b, PRIMARY KEY (a, b)) WITHOUT ROWID",
        "CREATE TABLE of_pair (x, y, FOREIGN KEY (x, y) REFERENCES pair (a, b) MATCH SIMPLE)",
        "INSERT INTO pair VALUES (x'00', 'k'), (NULL IS NULL, 1.5)",
        "INSERT INTO of_pair VALUES (x'00', 'k'), (NULL, 7)",
    ],
    &[
        "CREATE TABLE log (t)",
        "CREATE TABLE seen (id INTEGER PRIMARY KEY, x, y)",
        "INSERT INTO seen VALUES (-9223372036854775808, 1, 2), (9223372036854775807, 3, 4)",
        "CREATE VIEW v1 (p, q) AS WITH w AS (SELECT x, y FROM seen) SELECT x, y FROM w",
        "CREATE VIEW v2 AS SELECT count(*) AS \"odd name\" FROM v1",
        "CREATE TRIGGER s1 BEFORE UPDATE OF x ON seen WHEN new.x > 5 BEGIN SELECT RAISE(IGNORE); END",
        "CREATE TRIGGER s2 AFTER DELETE ON seen BEGIN INSERT INTO log VALUES (old.x || ';' || 'END'); END",
        "CREATE TRIGGER s3 INSTEAD OF INSERT ON v1 BEGIN INSERT INTO seen (x, y) VALUES (new.p, new.q); END",
    ],
    &[
        "CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, x)",
        "INSERT INTO counted (x) VALUES ('a'), ('b')",
        "UPDATE sqlite_sequence SET seq = 900719925474099 WHERE name = 'counted'",
        "CREATE TABLE counted2 (id INTEGER PRIMARY KEY AUTOINCREMENT)",
        "CREATE TABLE gone (id INTEGER PRIMARY KEY AUTOINCREMENT)",
        "INSERT INTO gone VALUES (5)",
        "DROP TABLE gone",
    ],
    &[
        "CREATE TABLE older (a, b)",
        "INSERT INTO older VALUES (1, 2), (NULL, 'x')",
        "ALTER TABLE older ADD COLUMN c TEXT NOT NULL DEFAULT 'it''s'",
        "ALTER TABLE older RENAME COLUMN a TO \"a a\"",
        "ALTER TABLE older DROP COLUMN b",
        "INSERT INTO older VALUES (3, 'new')",
        "ALTER TABLE older RENAME TO newer",
        "CREATE VIEW lost AS SELECT * FROM nowhere",
    ],
    &[
        "CREATE TABLE 'single''quoted' ([in brackets] INT, `back``tick` TEXT, \"double\"\"quoted\")",
        "INSERT INTO \"single'quoted\" VALUES (1, 'x', x'')",
        "CREATE TABLE \"\" (\"\" TEXT, \" \" TEXT)",
        "INSERT INTO \"\" VALUES ('', ' ')",
        "CREATE INDEX \"index;\" ON \"\" (\" \")",
        "CREATE TABLE \"-- no comment\" (\"/* none\")",
    ],
    &[
        "CREATE TABLE strict1 (i INT, r REAL, t TEXT, b BLOB, a ANY, k INTEGER PRIMARY KEY) STRICT",
        "INSERT INTO strict1 VALUES (1, 1, '1', x'31', 1, 1), (NULL, -0.0, '', x'', 1.0, 2), (0, 9e999, 'é', x'ff', '1', 3)",
        "CREATE TABLE strict2 (t TEXT PRIMARY KEY, a ANY) STRICT, WITHOUT ROWID",
        "INSERT INTO strict2 VALUES ('b', 1.0), ('a', x'')",
    ],
    &[
        "CREATE TABLE docs_content (id INTEGER PRIMARY KEY, body TEXT)",
        "CREATE TABLE docs_data (mine)",
        "INSERT INTO docs_data VALUES ('kept')",
        "INSERT INTO docs_content VALUES (1, 'one two'), (2, 'three')",
        "CREATE VIRTUAL TABLE search USING fts5 (body, content='docs_content', content_rowid='id')",
        "CREATE VIRTUAL TABLE words USING fts5vocab ('search', 'col')",
        "CREATE VIRTUAL TABLE less USING fts5 (a, content='')",
        "INSERT INTO search (search) VALUES ('rebuild')",
        "INSERT INTO less (rowid, a) VALUES (3, 'x y')",
        "CREATE TRIGGER docs_added AFTER INSERT ON docs_content BEGIN INSERT INTO search (rowid, body) VALUES (new.id, new.body); END",
    ],
    &[
        "CREATE VIRTUAL TABLE old3 USING fts3 (title, body, tokenize=porter)",
        "CREATE VIRTUAL TABLE old4 USING fts4 (title, body, notindexed=title, prefix='2')",
        "CREATE VIRTUAL TABLE old4_terms USING fts4aux (old4)",
        "INSERT INTO old3 VALUES ('a', 'b c')",
        "INSERT INTO old4 VALUES ('a', 'b c'), (NULL, '')",
        "CREATE TABLE old4_mine (x)",
        "CREATE TABLE box_node_ (x)",
        "CREATE VIRTUAL TABLE box USING rtree (id, x1, x2, y1, y2, +label TEXT)",
        "INSERT INTO box VALUES (1, 0, 1, 0, 1, 'here'), (7, -5, 5, 2, 3, NULL)",
        "CREATE VIRTUAL TABLE whole USING rtree_i32 (id, x1, x2)",
        "INSERT INTO whole VALUES (1, -2147483648, 2147483647)",
    ],
    // Of another tool.
    &[
        "CREATE TABLE _migrations (id INTEGER PRIMARY KEY, name TEXT, applied TEXT)",
        "INSERT INTO _migrations VALUES (1, '001_first', '2026-01-01')",
    ],
    &[
        "CREATE TABLE vec (id INTEGER PRIMARY KEY, e F32_BLOB(3))",
        "INSERT INTO vec VALUES (1, vector('[1,2,3]')), (2, vector('[4,5,6]'))",
        "CREATE INDEX vec_index ON vec (libsql_vector_idx(e))",
        "CREATE VIRTUAL TABLE \"without\" USING fts5 (a, content='', contentless_delete=1)",
        "INSERT INTO \"without\" (rowid, a) VALUES (3, 'x y'), (4, 'z')",
        "DELETE FROM \"without\" WHERE rowid = 3",
    ],
    // Texts that read like numbers, and bytes that are no text.
    &[
        "CREATE TABLE odd (r REAL, t TEXT, n)",
        "INSERT INTO odd VALUES (CAST(x'6e66ff00' AS TEXT), '-Inf', 1)",
        "INSERT INTO odd VALUES ('-Inf', -9e999, -9e999), (9e999, 'Inf', 9e999)",
    ],
];

/// Another tool's history, which only a new file can take.
const HISTORY: usize = 9;
/// What only libSQL reads, or no old `sqlite3`.
const VECTORS: usize = 10;

#[derive(Debug, Clone)]
struct Made {
    statements: Vec<String>,
    kinds: Vec<usize>,
}

fn wide(columns: usize) -> Vec<String> {
    let names: Vec<String> = (0..columns)
        .map(|number| format!("c{number} INT"))
        .collect();
    let values: Vec<String> = (0..columns).map(|number| number.to_string()).collect();
    vec![
        format!("CREATE TABLE wide ({})", names.join(", ")),
        format!("INSERT INTO wide VALUES ({})", values.join(", ")),
    ]
}

fn any_database() -> impl Strategy<Value = Made> {
    let kinds = prop::sample::subsequence((0..KINDS.len()).collect::<Vec<_>>(), 0..5);
    let width = prop_oneof![9 => Just(0), 1 => Just(1999), 1 => Just(1100)];
    let layout = prop::sample::select(vec![
        "",
        "PRAGMA page_size = 1024",
        "PRAGMA page_size = 65536",
    ]);
    (database(), kinds, width, layout).prop_map(|(generated, kinds, width, layout)| {
        let mut statements: Vec<String> = Vec::new();
        statements.extend((!layout.is_empty()).then(|| layout.to_owned()));
        let mut of_kinds = kinds
            .iter()
            .flat_map(|kind| KINDS[*kind])
            .map(|sql| (*sql).to_owned());
        let is_setting = |sql: &String| sql.starts_with("PRAGMA encoding");
        let (settings, generated): (Vec<_>, Vec<_>) = generated.into_iter().partition(is_setting);
        statements.extend(settings);
        statements.extend(of_kinds.by_ref());
        if width > 0 {
            statements.extend(wide(width));
        }
        statements.extend(generated);
        Made { statements, kinds }
    })
}

/// A value as it is compared, with its type.
fn shown(value: &Value) -> String {
    match value {
        Value::Real(number) => format!("real {:x}", number.to_bits()),
        value => format!("{value:?}"),
    }
}

/// Everything in a database, by the names of its objects: the definitions, and the rows in an order of their own.
fn look(db: &Db) -> BTreeMap<String, Vec<String>> {
    waiting().block_on(async {
        let ask = async |sql: String| {
            let rows = db.query(vec![Query::new(&sql)]).await.unwrap().remove(0);
            let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
            let rows = rows.iter().map(|row| row.iter().map(shown).collect::<Vec<_>>().join(" "));
            rows.collect::<Vec<String>>()
        };
        let mut found = BTreeMap::new();
        let objects = "SELECT type || ' ' || name, tbl_name, sql FROM sqlite_schema";
        let tables = "SELECT t.name, t.type, t.wr FROM pragma_table_list t JOIN sqlite_schema s ON s.name = t.name \
             WHERE t.schema = 'main' AND t.type <> 'view'";
        let rows = db.query(vec![Query::new(objects), Query::new(tables)]).await.unwrap();
        let [objects, tables] = <[_; 2]>::try_from(rows).unwrap();
        for row in objects.unwrap() {
            let name = row[0].as_str().unwrap().to_owned();
            // What the engine keeps for itself, and our own records.
            let is_own = name.contains(" sqlite_") || name.contains("_migrations");
            if !is_own || name == "table _migrations" && !is_ours(&row[2]) {
                found.insert(name, vec![shown(&row[1]), without_end(&row[2])]);
            }
        }
        for row in tables.unwrap() {
            let (name, kind) = (row[0].as_str().unwrap(), row[1].as_str().unwrap());
            let is_left_out = name.starts_with("sqlite_")
                || kind == "virtual"
                || name.ends_with("vec_index_shadow")
                || name.contains("libsql_vector_meta");
            if is_left_out || (name == "_migrations" && !found.contains_key("table _migrations")) {
                continue;
            }
            let columns = Query {
                sql: "SELECT name FROM pragma_table_info(?1)".to_owned(),
                args: vec![name.into()],
            };
            let columns = db.query(vec![columns]).await.unwrap().remove(0).unwrap();
            // The crate of the engine reads no text that is not UTF-8. A wide table has none, and no room for more.
            let values = columns.iter().map(|column| {
                let name = identifier(column[0].as_str().unwrap());
                format!("typeof({name}), CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) ELSE {name} END")
            });
            let values = match columns.len() > 100 {
                true => "*".to_owned(),
                false => values.collect::<Vec<_>>().join(", "),
            };
            let mut rows = ask(format!("SELECT {values} FROM {}", identifier(name))).await;
            rows.sort_unstable();
            found.insert(format!("rows of {name}"), rows);
        }
        for pragma in ["user_version", "application_id", "encoding", "page_size"] {
            found.insert(pragma.to_owned(), ask(format!("PRAGMA {pragma}")).await);
        }
        let sequence = ask("SELECT name FROM sqlite_schema WHERE name = 'sqlite_sequence'".to_owned()).await;
        if !sequence.is_empty() {
            let counters = "SELECT name, seq FROM sqlite_sequence WHERE name IN (SELECT name FROM sqlite_schema) ORDER BY 1";
            found.insert("sequences".to_owned(), ask(counters.to_owned()).await);
        }
        found.retain(|name, value| name != "sequences" || !value.is_empty());
        found
    })
}

fn is_ours(sql: &Value) -> bool {
    sql.as_str().is_some_and(|sql| sql.contains("effective"))
}

/// A comment at the end of a statement gets a line end behind it in a dump.
fn without_end(sql: &Value) -> String {
    sql.as_str()
        .unwrap_or_default()
        .trim_end()
        .trim_end_matches("*/")
        .to_owned()
}

fn same(project: &Project, old: &str, new: &str) {
    let [before, after] = [old, new].map(|name| look(&local(project.path(name))));
    for (name, before) in &before {
        assert_eq!(Some(before), after.get(name), "{name} of {new}");
    }
    let more: Vec<_> = after
        .keys()
        .filter(|name| !before.contains_key(*name))
        .collect();
    assert!(more.is_empty(), "{more:?} of {new}");
    // Not of the old one: libSQL's own table of vector indexes is in no order after a VACUUM.
    assert_eq!(
        project.ask_of(new, ["PRAGMA integrity_check"]),
        ["ok"],
        "{new}"
    );
    let ran = project.run(&format!("verify {old} --database {new}"));
    assert_eq!(ran.code, Some(0), "{ran}");
}

fn well(project: &Project, line: &str) {
    let ran = project.run(line);
    assert_eq!(ran.code, Some(0), "{ran}");
}

fn write(project: &Project, name: &str, statements: &[String]) {
    waiting().block_on(made(&local(project.path(name)), statements));
}

fn in_files(made: &Made) {
    let project = Project::new();
    write(&project, "old.db", &made.statements);
    well(&project, "backup --database old.db --dir b");
    let backups = project.files();
    let backup = backups
        .iter()
        .find(|name| name.ends_with(".sql.gz"))
        .unwrap();
    well(
        &project,
        &format!("restore {backup} --database restored.db"),
    );
    same(&project, "old.db", "restored.db");
    well(&project, "export dump.sql --database old.db");
    well(
        &project,
        "import dump.sql --database imported.db --allow-fk-violations",
    );
    same(&project, "old.db", "imported.db");
    well(&project, "copy old.db one.db --allow-fk-violations");
    same(&project, "old.db", "one.db");
    well(&project, "copy one.db two.db --allow-fk-violations");
    same(&project, "old.db", "two.db");
    if !made.kinds.contains(&VECTORS) {
        by_sqlite3(&project);
    }
}

/// The dump is read by another program, and both programs say the same of what it made.
fn by_sqlite3(project: &Project) {
    let [old, new] = ["old.db", "other.db"].map(|name| project.path(name));
    let dump = project.bytes("dump.sql").unwrap();
    if sqlite3(&new, &[], &dump).is_none() {
        return;
    }
    let dumps = [&old, &new].map(|file: &std::path::PathBuf| {
        without_stat4(&sqlite3(file, &[".dump --preserve-rowids"], b"").unwrap())
    });
    assert_eq!(dumps[0], dumps[1]);
    let ran = project.run("verify old.db --database other.db");
    assert_eq!(ran.code, Some(0), "{ran}");
}

fn through_a_server(made: &Made) {
    if made.kinds.contains(&HISTORY) {
        return;
    }
    // What a server does not take, or cannot give.
    let refused = [
        "PRAGMA application_id",
        "PRAGMA encoding",
        "PRAGMA page_size",
        "CAST(x'",
    ];
    let statements: Vec<String> = made
        .statements
        .iter()
        .filter(|sql| !refused.iter().any(|words| sql.contains(words)))
        .cloned()
        .collect();
    let project = Project::new();
    let server = Server::start();
    let url = server.url();
    write(&project, "old.db", &statements);
    well(
        &project,
        &format!("copy old.db {url} --allow-fk-violations --transaction-bytes 3000"),
    );
    let ran = project.run(&format!("verify old.db --database {url}"));
    assert_eq!(ran.code, Some(0), "{ran}");
    well(
        &project,
        &format!("copy {url} back.db --allow-fk-violations"),
    );
    same(&project, "old.db", "back.db");
    let other = Server::start();
    let second = other.url();
    well(
        &project,
        &format!("copy {url} {second} --allow-fk-violations"),
    );
    well(
        &project,
        &format!("copy {second} again.db --allow-fk-violations"),
    );
    same(&project, "old.db", "again.db");
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Tries databases; what fails is made smaller, and printed with the seed.
fn each(check: fn(&Made)) {
    let cases = number(VARIABLE).map_or(DATABASES, |cases| u32::try_from(cases).unwrap());
    let seed = number(SEED).unwrap_or_else(|| {
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
        u64::from(now.subsec_nanos())
    });
    println!("{SEED}={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 40,
        ..Config::default()
    };
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let tried = TestRunner::new_with_rng(config, random).run(&any_database(), |made| {
        check(&made);
        Ok(())
    });
    if let Err(error) = tried {
        panic!("{SEED}={seed}: {error}");
    }
}

#[test]
fn every_database_in_files() {
    each(in_files);
}

#[test]
fn every_database_through_a_server() {
    each(through_a_server);
}

/// Each kind alone, so that none of them depends on chance.
#[test]
fn every_kind_in_files() {
    for (kind, statements) in KINDS.iter().enumerate() {
        for ending in [None, Some(VACUUM)] {
            let statements = statements.iter().copied().chain(ending);
            in_files(&Made {
                statements: statements.map(str::to_owned).collect(),
                kinds: vec![kind],
            });
        }
    }
    in_files(&Made {
        statements: wide(2000),
        kinds: vec![],
    });
}

#[test]
fn every_kind_through_a_server() {
    let all: Vec<usize> = (0..KINDS.len()).filter(|kind| *kind != HISTORY).collect();
    let statements = all.iter().flat_map(|kind| KINDS[*kind]);
    let statements = statements.map(|sql| (*sql).to_owned());
    through_a_server(&Made {
        statements: statements.chain(wide(1999)).collect(),
        kinds: all,
    });
}

#[test]
fn a_copy_never_takes_a_name_with_side_files() {
    let project = Project::new();
    project.change(&["CREATE TABLE t (x)"]);
    for ending in ["-wal", "-journal"] {
        project.write(format!("new.db{ending}"), "left by a database that is gone");
        let ran = project.run("copy local.db new.db");
        assert_eq!(ran.code, Some(4), "{ran}");
        assert!(!Path::new(&project.path("new.db")).exists());
        project.remove(format!("new.db{ending}"));
    }
    well(&project, "copy local.db new.db");
}
