//! The table.

use super::*;

/// A rule, the files before, one in which it finds something, and one in which it does not.
type Case = (&'static str, By, &'static str, &'static str, &'static str);

/// Parents and children that most cases need.
const FAMILY: &str = "CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT, code TEXT);
CREATE TABLE c (id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p (id) ON DELETE CASCADE);
CREATE INDEX c_p ON c (p_id);
CREATE TABLE alone (id INTEGER PRIMARY KEY, a TEXT, b TEXT);";

const REBUILD_P: &str =
    "CREATE TABLE n (id INTEGER PRIMARY KEY, name TEXT NOT NULL DEFAULT '', code TEXT);
INSERT INTO n (id, name, code) SELECT id, name, code FROM p;
DROP TABLE p;
ALTER TABLE n RENAME TO p;";

const SQLX: By = By {
    runner: Runner::Sqlx,
    target: Target::Local,
};

fn cases() -> Vec<Case> {
    vec![
        (
            "SC805",
            SEEDBED,
            FAMILY,
            "ALTER TABLE alone ADD COLUMN d TEXT DEFAULT \"\";",
            "CREATE TABLE d (id INTEGER PRIMARY KEY, s TEXT, CHECK (\"d\".\"s\" <> ''));",
        ),
        (
            "DS101",
            SEEDBED,
            FAMILY,
            "DROP TABLE alone; SELECT 1;",
            "UPDATE p SET name = (SELECT a FROM alone WHERE alone.id = p.id); DROP TABLE alone;",
        ),
        (
            "DS103",
            SEEDBED,
            FAMILY,
            "UPDATE alone SET a = NULL;",
            "ALTER TABLE alone RENAME COLUMN a TO a_old; ALTER TABLE alone ADD COLUMN a TEXT; UPDATE alone SET a = a_old;",
        ),
        (
            "DS103",
            SEEDBED,
            FAMILY,
            "DELETE FROM alone; SELECT 1;",
            "CREATE TEMP TABLE kept AS SELECT * FROM alone; DELETE FROM alone; INSERT INTO alone SELECT * FROM kept;",
        ),
        (
            "RB302",
            SEEDBED,
            FAMILY,
            "ALTER TABLE p RENAME TO o; CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT, code TEXT NOT NULL DEFAULT ''); INSERT INTO p (id, name) SELECT id, name FROM o; DROP TABLE o;",
            "ALTER TABLE p RENAME TO o; CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT, code TEXT); INSERT INTO p (id, name, code) SELECT id, name, code FROM o; DROP TABLE o; ALTER TABLE p RENAME TO o; ALTER TABLE o RENAME TO p;",
        ),
        (
            "DS101",
            SEEDBED,
            FAMILY,
            "DROP TABLE alone;",
            "CREATE TABLE kept AS SELECT * FROM alone; DROP TABLE alone;",
        ),
        (
            "DS101",
            SEEDBED,
            FAMILY,
            "DROP TABLE alone; CREATE TABLE alone (id INTEGER PRIMARY KEY);",
            "SELECT 1;",
        ),
        (
            "DS102",
            SEEDBED,
            FAMILY,
            "ALTER TABLE alone DROP COLUMN a;",
            "UPDATE alone SET b = a WHERE b IS NULL; ALTER TABLE alone DROP COLUMN a;",
        ),
        (
            "DS102",
            SEEDBED,
            FAMILY,
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT); INSERT INTO n (id, a) SELECT id, a FROM alone; DROP TABLE alone; ALTER TABLE n RENAME TO alone;",
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT, c TEXT); INSERT INTO n (id, a, c) SELECT id, a, b FROM alone; DROP TABLE alone; ALTER TABLE n RENAME TO alone;",
        ),
        (
            "DS103",
            SEEDBED,
            FAMILY,
            "DELETE FROM alone;",
            "DELETE FROM alone WHERE a IS NULL;",
        ),
        (
            "DS103",
            SEEDBED,
            FAMILY,
            "UPDATE alone SET a = 'x';",
            "UPDATE alone SET a = lower(a);",
        ),
        (
            "DS103",
            SEEDBED,
            FAMILY,
            "UPDATE alone SET b = 1, a = lower(a);",
            "ALTER TABLE alone ADD COLUMN d TEXT; UPDATE alone SET d = 'x';",
        ),
        (
            "DS104",
            SQLX,
            FAMILY,
            REBUILD_P,
            "DROP TABLE c; DROP TABLE p;",
        ),
        (
            "DS104",
            by(Runner::Wrangler),
            FAMILY,
            REBUILD_P,
            "ALTER TABLE p ADD COLUMN d TEXT;",
        ),
        (
            "DS104",
            SQLX,
            FAMILY,
            "DROP TABLE p; CREATE TABLE n AS SELECT * FROM c; DROP TABLE c; ALTER TABLE n RENAME TO c; CREATE TABLE p (id INTEGER PRIMARY KEY);",
            "ALTER TABLE p RENAME TO o; ALTER TABLE c RENAME TO d; CREATE TABLE p (id INTEGER PRIMARY KEY); INSERT INTO p SELECT id FROM o; CREATE TABLE c (id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p (id)); INSERT INTO c SELECT id, p_id FROM d; DROP TABLE o; DROP TABLE d;",
        ),
        (
            "DS104",
            SQLX,
            FAMILY,
            "CREATE TEMP TABLE b AS SELECT * FROM c; CREATE TABLE n (id INTEGER PRIMARY KEY); INSERT INTO n SELECT id FROM p; DROP TABLE p; ALTER TABLE n RENAME TO p;",
            "CREATE TEMP TABLE b AS SELECT * FROM c; CREATE TABLE n (id INTEGER PRIMARY KEY); INSERT INTO n SELECT id FROM p; DROP TABLE p; ALTER TABLE n RENAME TO p; INSERT INTO c SELECT * FROM b;",
        ),
        (
            "RB301",
            SQLX,
            FAMILY,
            "PRAGMA foreign_keys = OFF; DROP TABLE p;",
            "PRAGMA foreign_keys = OFF; CREATE TEMP TABLE b AS SELECT * FROM c; CREATE TABLE n (id INTEGER PRIMARY KEY); INSERT INTO n SELECT id FROM p; DROP TABLE p; ALTER TABLE n RENAME TO p; INSERT INTO c SELECT * FROM b;",
        ),
        (
            "DS105",
            SEEDBED,
            "CREATE TABLE t (a); CREATE VIEW v AS SELECT a FROM t;",
            "DROP VIEW v;",
            "DROP VIEW v; CREATE VIEW v AS SELECT a, 1 AS b FROM t;",
        ),
        (
            "DS105",
            SEEDBED,
            "CREATE TABLE t (a, b); CREATE UNIQUE INDEX i ON t (a);",
            "DROP INDEX i;",
            "DROP INDEX i; CREATE UNIQUE INDEX j ON t (a, b);",
        ),
        (
            "DS105",
            SEEDBED,
            "CREATE TABLE t (a); CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END;",
            "DROP TRIGGER g;",
            "DROP TRIGGER g; CREATE TRIGGER h AFTER INSERT ON t BEGIN SELECT 2; END;",
        ),
        (
            "DD201",
            SEEDBED,
            FAMILY,
            "ALTER TABLE alone ADD COLUMN d TEXT NOT NULL;",
            "ALTER TABLE alone ADD COLUMN d TEXT NOT NULL DEFAULT '';",
        ),
        (
            "DD201",
            SEEDBED,
            FAMILY,
            "ALTER TABLE alone ADD d TEXT NOT NULL DEFAULT NULL;",
            "ALTER TABLE alone ADD d TEXT GENERATED ALWAYS AS (a) VIRTUAL NOT NULL;",
        ),
        (
            "DD202",
            SEEDBED,
            FAMILY,
            "ALTER TABLE alone ADD COLUMN d TEXT DEFAULT CURRENT_TIMESTAMP;",
            "ALTER TABLE alone ADD COLUMN d INTEGER DEFAULT (-1);",
        ),
        (
            "DD202",
            SEEDBED,
            FAMILY,
            "ALTER TABLE alone ADD COLUMN d TEXT DEFAULT (datetime('now'));",
            "ALTER TABLE alone ADD COLUMN d INTEGER DEFAULT TRUE;",
        ),
        (
            "DD206",
            SQLX,
            FAMILY,
            "ALTER TABLE alone ADD COLUMN d INTEGER DEFAULT 1 REFERENCES p (id);",
            "ALTER TABLE alone ADD COLUMN d INTEGER REFERENCES p (id);",
        ),
        (
            "DD207",
            SEEDBED,
            FAMILY,
            "ALTER TABLE alone ADD COLUMN d TEXT GENERATED ALWAYS AS (a || b) STORED;",
            "ALTER TABLE alone ADD COLUMN d TEXT AS (a || b) VIRTUAL;",
        ),
        (
            "DD208",
            SEEDBED,
            FAMILY,
            "ALTER TABLE alone ADD COLUMN d TEXT UNIQUE;",
            "ALTER TABLE alone ADD COLUMN d TEXT; CREATE UNIQUE INDEX alone_d ON alone (d);",
        ),
        (
            "DD208",
            SEEDBED,
            FAMILY,
            "ALTER TABLE alone ADD COLUMN d INTEGER PRIMARY KEY;",
            "ALTER TABLE alone ADD COLUMN d TEXT DEFAULT 'UNIQUE';",
        ),
        (
            "RB301",
            by(Runner::Wrangler),
            FAMILY,
            "PRAGMA foreign_keys = OFF; DROP TABLE p; CREATE TABLE q (id INTEGER PRIMARY KEY REFERENCES alone (id)); PRAGMA foreign_keys = ON;",
            "PRAGMA foreign_keys = OFF; DROP TABLE alone;",
        ),
        (
            "RB302",
            SEEDBED,
            FAMILY,
            "ALTER TABLE p RENAME TO o; CREATE TABLE p (id INTEGER PRIMARY KEY, name TEXT, code TEXT); INSERT INTO p (id, name, code) SELECT id, name, code FROM o; DROP TABLE o;",
            REBUILD_P,
        ),
        (
            "RB303",
            by(Runner::Wrangler),
            FAMILY,
            "PRAGMA defer_foreign_keys = ON; DROP TABLE p; CREATE TABLE p (id INTEGER PRIMARY KEY);",
            "PRAGMA defer_foreign_keys = ON; DROP TABLE alone;",
        ),
        (
            "RB304",
            SQLX,
            "CREATE TABLE t (id INTEGER PRIMARY KEY, up INTEGER REFERENCES t (id) ON DELETE CASCADE, a TEXT);",
            "CREATE TABLE n (id INTEGER PRIMARY KEY, up INTEGER REFERENCES t (id) ON DELETE CASCADE, a TEXT NOT NULL); INSERT INTO n (id, up, a) SELECT id, up, coalesce(a, '') FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;",
            "ALTER TABLE t ADD COLUMN b TEXT;",
        ),
        (
            "RB306",
            SEEDBED,
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT); CREATE INDEX i ON t (a);",
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT NOT NULL); INSERT INTO n (id, a) SELECT id, a FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;",
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT NOT NULL); INSERT INTO n (id, a) SELECT id, a FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t; CREATE INDEX t_a ON t (a);",
        ),
        (
            "RB307",
            SEEDBED,
            "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT);",
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT NOT NULL); INSERT INTO n (id, a) SELECT id, a FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;",
            "CREATE TABLE n (id INTEGER PRIMARY KEY AUTOINCREMENT, a TEXT NOT NULL); INSERT INTO n (id, a) SELECT id, a FROM t; UPDATE sqlite_sequence SET seq = (SELECT seq FROM sqlite_sequence WHERE name = 't') WHERE name = 'n'; DROP TABLE t; ALTER TABLE n RENAME TO t;",
        ),
        (
            "RB308",
            SEEDBED,
            "CREATE TABLE t (k TEXT PRIMARY KEY, a TEXT); CREATE VIRTUAL TABLE f USING fts5(a, content='t');",
            "CREATE TABLE n (k TEXT PRIMARY KEY, a TEXT NOT NULL); INSERT INTO n (k, a) SELECT k, a FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;",
            "CREATE TABLE n (k TEXT PRIMARY KEY, a TEXT NOT NULL); INSERT INTO n (rowid, k, a) SELECT rowid, k, a FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;",
        ),
        (
            "RB309",
            SEEDBED,
            FAMILY,
            "CREATE TABLE n (id INTEGER PRIMARY KEY, b TEXT, a TEXT); INSERT INTO n SELECT * FROM alone; DROP TABLE alone; ALTER TABLE n RENAME TO alone;",
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT); INSERT INTO n SELECT * FROM alone; DROP TABLE alone; ALTER TABLE n RENAME TO alone;",
        ),
        (
            "RB310",
            SEEDBED,
            "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE, b INTEGER CHECK (b > 0));",
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT, b INTEGER); INSERT INTO n (id, a, b) SELECT id, a, b FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;",
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT COLLATE NOCASE, b INTEGER, CHECK (\"b\" > 0)); INSERT INTO n (id, a, b) SELECT id, a, b FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;",
        ),
        (
            "RB310",
            SEEDBED,
            "CREATE TABLE kinds (name TEXT PRIMARY KEY NOT NULL); CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT CHECK (a IN ('x', 'y')));",
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT NOT NULL); INSERT INTO n (id, a) SELECT id, a FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;",
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT NOT NULL REFERENCES kinds (name)); INSERT INTO n (id, a) SELECT id, a FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;",
        ),
        (
            "RB311",
            SEEDBED,
            FAMILY,
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT, b TEXT NOT NULL DEFAULT ''); INSERT INTO n (id, a) SELECT id, a FROM alone; DROP TABLE alone; ALTER TABLE n RENAME TO alone;",
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT, b TEXT NOT NULL DEFAULT ''); INSERT INTO n (id, a, b) SELECT id, a, coalesce(b, '') FROM alone; DROP TABLE alone; ALTER TABLE n RENAME TO alone;",
        ),
        (
            "RB312",
            SEEDBED,
            FAMILY,
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT, b TEXT, d TEXT); INSERT INTO n (id, a, b) SELECT id, a, b FROM alone; DROP TABLE alone; ALTER TABLE n RENAME TO alone;",
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT, d TEXT); INSERT INTO n (id, a, b) SELECT id, a, b FROM alone; DROP TABLE alone; ALTER TABLE n RENAME TO alone;",
        ),
        (
            "RB313",
            SEEDBED,
            FAMILY,
            "CREATE TABLE totals AS SELECT count(*) AS n FROM p;",
            "CREATE TABLE alone_backup AS SELECT * FROM alone;",
        ),
        (
            "RB314",
            SEEDBED,
            FAMILY,
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT UNIQUE, b TEXT); INSERT OR IGNORE INTO n (id, a, b) SELECT id, a, b FROM alone; DROP TABLE alone; ALTER TABLE n RENAME TO alone;",
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT, b TEXT, d TEXT DEFAULT 'x' CHECK (d <> '')); INSERT OR IGNORE INTO n (id, a, b) SELECT id, a, b FROM alone; DROP TABLE alone; ALTER TABLE n RENAME TO alone;",
        ),
        (
            "RB314",
            SEEDBED,
            FAMILY,
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT); INSERT OR IGNORE INTO n SELECT * FROM alone; DROP TABLE alone; ALTER TABLE n RENAME TO alone;",
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT); INSERT OR IGNORE INTO n SELECT id, coalesce(a, ''), b FROM alone; DROP TABLE alone; ALTER TABLE n RENAME TO alone;",
        ),
        (
            "RB314",
            SEEDBED,
            FAMILY,
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT CHECK (a <> ''), b TEXT); INSERT OR IGNORE INTO n SELECT id, a, b FROM alone; DROP TABLE alone; ALTER TABLE n RENAME TO alone;",
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT CHECK (a <> ''), b TEXT); INSERT INTO n SELECT id, a, b FROM alone; DROP TABLE alone; ALTER TABLE n RENAME TO alone;",
        ),
        (
            "RB314",
            SEEDBED,
            "CREATE TABLE t (a TEXT PRIMARY KEY NOT NULL, b TEXT CHECK (b IN ('x')));",
            "CREATE TABLE n (a TEXT PRIMARY KEY NOT NULL, b TEXT); INSERT OR REPLACE INTO n SELECT lower(a), b FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;",
            "CREATE TABLE n (z TEXT PRIMARY KEY NOT NULL, b TEXT CHECK (b IN ('x', 'y'))); INSERT OR IGNORE INTO n (b, z) SELECT b, t.a FROM t; DROP TABLE t; ALTER TABLE n RENAME TO t;",
        ),
        (
            "RB314",
            SEEDBED,
            "CREATE TABLE t (a TEXT PRIMARY KEY NOT NULL, b TEXT, d TEXT);",
            "CREATE TABLE n (a TEXT, b TEXT UNIQUE, d TEXT, PRIMARY KEY (a)); INSERT INTO n SELECT a, b, d FROM t WHERE true ON CONFLICT DO NOTHING; DROP TABLE t; ALTER TABLE n RENAME TO t;",
            "CREATE TABLE n (a TEXT, b TEXT UNIQUE, d TEXT, PRIMARY KEY (a, d)); INSERT OR IGNORE INTO n SELECT max(a), b, max(d) FROM t GROUP BY b; DROP TABLE t; ALTER TABLE n RENAME TO t;",
        ),
        (
            "DP402",
            SEEDBED,
            "CREATE TABLE p (id INTEGER PRIMARY KEY, code TEXT); CREATE UNIQUE INDEX p_code ON p (code); CREATE TABLE c (id INTEGER PRIMARY KEY, code TEXT UNIQUE REFERENCES p (code));",
            "DROP INDEX p_code;",
            "DROP INDEX p_code; CREATE UNIQUE INDEX p_code2 ON p (code);",
        ),
        (
            "DP403",
            SEEDBED,
            "CREATE TABLE t (a, b); CREATE VIEW v AS SELECT * FROM t;",
            "ALTER TABLE t ADD COLUMN d;",
            "CREATE TABLE u (a);",
        ),
        (
            "DP404",
            SEEDBED,
            FAMILY,
            "CREATE TABLE d (id INTEGER PRIMARY KEY, code TEXT UNIQUE REFERENCES p (code));",
            "CREATE TABLE d (id INTEGER PRIMARY KEY, code TEXT UNIQUE REFERENCES p (code)); CREATE UNIQUE INDEX p_code ON p (code);",
        ),
        (
            "TX501",
            SQLX,
            FAMILY,
            "BEGIN; DELETE FROM alone WHERE a = 1; COMMIT;",
            "COMMIT; PRAGMA foreign_keys = ON; BEGIN;",
        ),
        (
            "TX501",
            by(Runner::Prisma),
            FAMILY,
            "BEGIN; DELETE FROM alone WHERE a = 1;",
            "BEGIN; DELETE FROM alone WHERE a = 1; COMMIT;",
        ),
        (
            "TX502",
            SQLX,
            FAMILY,
            "PRAGMA journal_mode = WAL;",
            "PRAGMA user_version = 3;",
        ),
        (
            "TX502",
            by(Runner::Drizzle),
            FAMILY,
            "VACUUM;",
            "PRAGMA journal_mode;",
        ),
        (
            "TX503",
            SEEDBED,
            FAMILY,
            "-- seedbed: no-transaction\nCREATE TABLE x (id INTEGER PRIMARY KEY); CREATE TABLE y (id INTEGER PRIMARY KEY);",
            "-- seedbed: no-transaction\nVACUUM;",
        ),
        (
            "TX504",
            SEEDBED,
            FAMILY,
            "CREATE TABLE IF NOT EXISTS alone (id INTEGER PRIMARY KEY, other TEXT);",
            "CREATE TABLE IF NOT EXISTS alone (id INTEGER PRIMARY KEY, a TEXT);",
        ),
        (
            "TX504",
            SEEDBED,
            FAMILY,
            "CREATE INDEX IF NOT EXISTS c_p ON c (id, p_id);",
            "CREATE INDEX IF NOT EXISTS c_p ON \"c\" (p_id);",
        ),
        (
            "RM601",
            on(Target::Libsql),
            FAMILY,
            "CREATE TEMP TABLE x (a);",
            "CREATE TABLE x (id INTEGER PRIMARY KEY);",
        ),
        (
            "RM602",
            on(Target::Libsql),
            FAMILY,
            "CREATE VIEW v AS SELECT group_concat(name ORDER BY name) AS names FROM p;",
            "CREATE VIEW v AS SELECT group_concat(name) AS names FROM (SELECT name FROM p ORDER BY name);",
        ),
        (
            "RM603",
            on(Target::D1),
            FAMILY,
            "ALTER TABLE alone ADD CONSTRAINT x CHECK (a <> '');",
            "ALTER TABLE alone ADD COLUMN constraint_ TEXT;",
        ),
        (
            "RM604",
            on(Target::Turso),
            FAMILY,
            "CREATE TABLE x (k TEXT PRIMARY KEY) WITHOUT ROWID;",
            "CREATE TABLE x (k TEXT PRIMARY KEY NOT NULL);",
        ),
        (
            "RM605",
            on(Target::Sqlite),
            FAMILY,
            "ALTER TABLE alone ALTER COLUMN a TO a TEXT NOT NULL;",
            "ALTER TABLE alone ADD COLUMN d TEXT;",
        ),
        (
            "BC701",
            SEEDBED,
            FAMILY,
            "ALTER TABLE alone RENAME TO lone;",
            "ALTER TABLE alone RENAME TO lone; CREATE VIEW alone AS SELECT id, a, b FROM lone;",
        ),
        (
            "BC701",
            SEEDBED,
            FAMILY,
            "ALTER TABLE alone RENAME COLUMN a TO aa;",
            "ALTER TABLE alone ADD COLUMN aa TEXT;",
        ),
        (
            "BC702",
            SEEDBED,
            FAMILY,
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT NOT NULL, b TEXT); INSERT INTO n (id, a, b) SELECT id, coalesce(a, ''), b FROM alone; DROP TABLE alone; ALTER TABLE n RENAME TO alone;",
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT NOT NULL DEFAULT '', b TEXT); INSERT INTO n (id, a, b) SELECT id, coalesce(a, ''), b FROM alone; DROP TABLE alone; ALTER TABLE n RENAME TO alone;",
        ),
        (
            "BC703",
            SEEDBED,
            FAMILY,
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT CHECK (a <> ''), b INTEGER); INSERT INTO n (id, a, b) SELECT id, a, b FROM alone; DROP TABLE alone; ALTER TABLE n RENAME TO alone;",
            "ALTER TABLE alone ADD COLUMN d TEXT CHECK (d <> '');",
        ),
        (
            "BC703",
            SEEDBED,
            FAMILY,
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT, b TEXT, d TEXT, CHECK (a <> b)); INSERT INTO n (id, a, b) SELECT id, a, b FROM alone WHERE a <> b; DROP TABLE alone; ALTER TABLE n RENAME TO alone;",
            "CREATE TABLE n (id INTEGER PRIMARY KEY, a TEXT, b TEXT, d TEXT, CHECK (a <> d OR d IS NULL)); INSERT INTO n (id, a, b) SELECT id, a, b FROM alone; DROP TABLE alone; ALTER TABLE n RENAME TO alone;",
        ),
        (
            "SC801",
            SEEDBED,
            FAMILY,
            "CREATE TABLE d (id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p (id));",
            "CREATE TABLE d (id INTEGER PRIMARY KEY, p_id INTEGER REFERENCES p (id)); CREATE INDEX d_p ON d (p_id, id);",
        ),
        (
            "SC801",
            SEEDBED,
            FAMILY,
            "ALTER TABLE alone ADD COLUMN p_id INTEGER REFERENCES p (id);",
            "CREATE TABLE d (p_id INTEGER REFERENCES p (id), x INTEGER, PRIMARY KEY (p_id, x));",
        ),
        (
            "SC802",
            SEEDBED,
            FAMILY,
            "CREATE TABLE d (a TEXT);",
            "CREATE TABLE d (a TEXT PRIMARY KEY); CREATE TABLE e (a TEXT NOT NULL, b TEXT, UNIQUE (a, b));",
        ),
        (
            "SC803",
            SEEDBED,
            FAMILY,
            "CREATE TABLE d (id INT PRIMARY KEY);",
            "CREATE TABLE d (id INTEGER PRIMARY KEY); CREATE TABLE e (id INT PRIMARY KEY NOT NULL);",
        ),
        (
            "SC804",
            SEEDBED,
            FAMILY,
            "CREATE TABLE d (id INTEGER PRIMARY KEY, s STRING);",
            "CREATE TABLE d (id INTEGER PRIMARY KEY, s VARCHAR(20));",
        ),
        (
            "SC804",
            SEEDBED,
            "CREATE TABLE a (id INTEGER PRIMARY KEY) STRICT; CREATE TABLE b (id INTEGER PRIMARY KEY) STRICT; CREATE TABLE e (id INTEGER PRIMARY KEY) STRICT; CREATE TABLE c (id INTEGER PRIMARY KEY);",
            "CREATE TABLE d (id INTEGER PRIMARY KEY);",
            "CREATE TABLE d (id INTEGER PRIMARY KEY) STRICT;",
        ),
        (
            "SC804",
            SEEDBED,
            "CREATE TABLE a (id INTEGER PRIMARY KEY) STRICT; CREATE TABLE b (id INTEGER PRIMARY KEY); CREATE TABLE c (x STRING);",
            "CREATE TABLE d (id INTEGER PRIMARY KEY, x STRING);",
            "CREATE TABLE d (id INTEGER PRIMARY KEY);",
        ),
        (
            "SC805",
            SEEDBED,
            FAMILY,
            "CREATE TABLE d (id INTEGER PRIMARY KEY, s TEXT DEFAULT \"abc\");",
            "CREATE TABLE d (id INTEGER PRIMARY KEY, s TEXT DEFAULT 'abc', CHECK (\"s\" <> ''));",
        ),
        (
            "SC805",
            SEEDBED,
            FAMILY,
            "INSERT INTO alone (a) SELECT \"abc\" FROM \"p\";",
            "INSERT INTO alone (\"a\") SELECT \"name\" FROM \"p\" ORDER BY \"id\";",
        ),
        (
            "SC805",
            SEEDBED,
            FAMILY,
            "CREATE VIEW v AS SELECT \"code\", \"abc\" AS \"x\" FROM p;",
            "CREATE TABLE d (id INTEGER PRIMARY KEY, \"x\" TEXT); CREATE VIEW v AS SELECT \"x\" AS \"y\" FROM d;",
        ),
        (
            "SC805",
            SEEDBED,
            FAMILY,
            "INSERT INTO alone (a) VALUES (\"abc\");",
            "INSERT INTO \"alone\" (\"a\") VALUES ('abc');",
        ),
        (
            "SC806",
            SEEDBED,
            FAMILY,
            "CREATE INDEX c_p2 ON c (p_id);",
            "CREATE INDEX c_p2 ON c (id, p_id);",
        ),
        (
            "SC807",
            SEEDBED,
            FAMILY,
            "INSERT OR REPLACE INTO p (id, name) VALUES (1, 'x');",
            "INSERT OR REPLACE INTO alone (id, a) VALUES (1, 'x');",
        ),
        (
            "MG903",
            SEEDBED,
            FAMILY,
            "INSERT INTO alone (a) VALUES ('sk_live_0123456789abcdefghij');",
            "INSERT INTO alone (a) VALUES ('sk_live_');",
        ),
        (
            "MG903",
            SEEDBED,
            FAMILY,
            "INSERT INTO alone (a) VALUES ('CHANGEME');",
            "INSERT INTO alone (a) VALUES ('Change me please');",
        ),
    ]
}

#[tokio::test]
async fn each_rule_finds_what_it_is_for_and_is_silent_beside_it() {
    let mut wrong = Vec::new();
    for (code, by, base, fires, silent) in cases() {
        let found = findings(base, fires, by).await;
        if !codes(&found).contains(&code) {
            wrong.push(format!("{code} is not found in {fires}\n   {found:?}"));
        }
        let found = findings(base, silent, by).await;
        if codes(&found).contains(&code) || codes(&found).contains(&"not-rehearsed") {
            let of: Vec<&Diagnostic> = found.iter().collect();
            wrong.push(format!("{code} is found in {silent}\n   {of:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_copy_counts_where_it_has_all_rows_and_the_column_and_stays() {
    const BASE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, z TEXT); CREATE TABLE u (id INTEGER PRIMARY KEY, z TEXT);
CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT);";
    let mut wrong = Vec::new();
    for (code, file) in [
        (
            "DS103",
            "CREATE TABLE k AS SELECT * FROM t; DELETE FROM t; DROP TABLE k;",
        ),
        (
            "DS101",
            "CREATE TABLE k AS SELECT * FROM t; DROP TABLE t; DROP TABLE k;",
        ),
        (
            "DS101",
            "CREATE TABLE k AS SELECT * FROM t; DROP TABLE t; DELETE FROM k;",
        ),
        ("DS101", "CREATE TABLE k AS SELECT id FROM t; DROP TABLE t;"),
        (
            "DS103",
            "CREATE TABLE k AS SELECT id FROM t; DELETE FROM t;",
        ),
        (
            "DS101",
            "CREATE TABLE k AS SELECT * FROM t WHERE id > 100; DROP TABLE t;",
        ),
        (
            "DS101",
            "CREATE TABLE k AS SELECT * FROM t LIMIT 1; DROP TABLE t;",
        ),
        (
            "DS101",
            "CREATE TABLE k AS SELECT count(*) AS n FROM t; DROP TABLE t;",
        ),
        (
            "DS101",
            "CREATE TABLE k AS SELECT max(z) AS z FROM t; DROP TABLE t;",
        ),
        (
            "DS101",
            "CREATE TABLE k AS SELECT t.* FROM t JOIN u ON u.id = t.id; DROP TABLE t;",
        ),
        (
            "DS101",
            "INSERT INTO u (id) SELECT id FROM t; DROP TABLE t;",
        ),
        (
            "DS103",
            "INSERT INTO u (id) SELECT 1 FROM t; DELETE FROM t;",
        ),
        (
            "DS101",
            "CREATE TEMP TABLE k AS SELECT * FROM t; DROP TABLE t;",
        ),
        (
            "DS103",
            "CREATE TEMP TABLE k AS SELECT * FROM t; DELETE FROM t;",
        ),
        (
            "DS101",
            "CREATE TEMP TABLE k AS SELECT id FROM t; DROP TABLE t; CREATE TABLE t (id INTEGER PRIMARY KEY, z TEXT);",
        ),
        (
            "DS102",
            "CREATE TEMP TABLE k AS SELECT id, z FROM t; ALTER TABLE t DROP COLUMN z;",
        ),
        (
            "DS102",
            "CREATE TABLE k AS SELECT id FROM t WHERE z = 'q'; ALTER TABLE t DROP COLUMN z;",
        ),
        (
            "DS102",
            "CREATE TABLE k AS SELECT id, z FROM t WHERE z = 'q'; ALTER TABLE t DROP COLUMN z;",
        ),
        (
            "DS102",
            "CREATE TABLE k AS SELECT id, z FROM t WHERE z IS NOT NULL AND id > 100; ALTER TABLE t DROP COLUMN z;",
        ),
        (
            "DS102",
            "UPDATE t SET z = trim(z); ALTER TABLE t DROP COLUMN z;",
        ),
        (
            "DS102",
            "CREATE TEMP TABLE k (id, b); INSERT INTO k SELECT id, id FROM t; DROP TABLE t; CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t SELECT id FROM k; DROP TABLE k;",
        ),
        (
            "DS103",
            "CREATE TEMP TABLE t AS SELECT * FROM u; DELETE FROM u; DROP TABLE t;",
        ),
        ("DS103", "DELETE FROM t WHERE 1;"),
        ("DS103", "WITH x AS (SELECT 1) DELETE FROM t;"),
    ] {
        let found = findings(BASE, file, SEEDBED).await;
        if !codes(&found).contains(&code) || codes(&found).contains(&"not-rehearsed") {
            wrong.push(format!(
                "{code} is not found in {file}: {:?}",
                codes(&found)
            ));
        }
    }
    for (code, file) in [
        (
            "DS101",
            "CREATE TABLE k AS SELECT id, z AS y FROM t; DROP TABLE t;",
        ),
        // The other values are those of another column.
        (
            "DS102",
            "CREATE TABLE k AS SELECT id, z FROM t WHERE z IS NOT NULL AND z <> id; ALTER TABLE t DROP COLUMN z;",
        ),
        // A value is made of it that only this statement knows.
        (
            "DS102",
            "CREATE TABLE k (id, y); WITH n(i) AS (SELECT 1) INSERT INTO k SELECT id, (SELECT lower(z) FROM n) FROM t; ALTER TABLE t DROP COLUMN z;",
        ),
        (
            "DS101",
            "CREATE TEMP TABLE k AS SELECT * FROM t; DROP TABLE t; CREATE TABLE v AS SELECT * FROM k;",
        ),
        (
            "DS101",
            "INSERT INTO u (id, z) SELECT id, upper(z) FROM t WHERE true ON CONFLICT DO NOTHING; DROP TABLE t;",
        ),
        (
            "DS101",
            "INSERT INTO names (name) SELECT z FROM t; DROP TABLE t;",
        ),
        (
            "DS101",
            "INSERT INTO u SELECT * FROM t WHERE z = 'a'; INSERT INTO names SELECT * FROM t WHERE z <> 'a'; DROP TABLE t;",
        ),
        (
            "DS101",
            "CREATE TABLE k AS SELECT t.*, u.z AS y FROM t LEFT JOIN u ON u.id = t.id; DROP TABLE t;",
        ),
        (
            "DS101",
            "CREATE TABLE k AS SELECT id, z FROM t UNION ALL SELECT id, z FROM u; DROP TABLE t;",
        ),
        (
            "DS101",
            "CREATE TABLE k AS WITH x AS (SELECT * FROM t) SELECT * FROM x; DROP TABLE t;",
        ),
        (
            "DS102",
            "CREATE TABLE k AS SELECT id, z AS y FROM t; ALTER TABLE t DROP COLUMN z;",
        ),
        (
            "DS102",
            "CREATE TABLE k AS SELECT id, z FROM t WHERE z IS NOT NULL AND z <> ''; ALTER TABLE t DROP COLUMN z;",
        ),
        (
            "DS102",
            "INSERT INTO names (name) SELECT DISTINCT z FROM t; ALTER TABLE t ADD COLUMN n INTEGER; UPDATE t SET n = (SELECT id FROM names WHERE name = t.z); ALTER TABLE t DROP COLUMN z;",
        ),
        (
            "DS103",
            "CREATE TEMP TABLE k AS SELECT * FROM t; DELETE FROM t; INSERT INTO t SELECT * FROM k;",
        ),
        ("DS103", "DELETE FROM t WHERE z = 1;"),
        (
            "DS103",
            "CREATE TEMP TABLE t AS SELECT * FROM u; DELETE FROM t;",
        ),
    ] {
        let found = findings(BASE, file, SEEDBED).await;
        if codes(&found).contains(&code) || codes(&found).contains(&"not-rehearsed") {
            wrong.push(format!("{code} is found in {file}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn rows_that_are_deleted_and_inserted_again_take_those_that_refer_to_them() {
    let refill =
        "CREATE TEMP TABLE k AS SELECT * FROM p; DELETE FROM p; INSERT INTO p SELECT * FROM k;";
    let found = findings(FAMILY, refill, SEEDBED).await;
    assert_eq!(codes(&found), ["DS104"], "{found:?}");
    let children = format!(
        "CREATE TEMP TABLE kc AS SELECT * FROM c; {refill} INSERT INTO c SELECT * FROM kc;"
    );
    for silent in [
        children.as_str(),
        "CREATE TEMP TABLE k AS SELECT * FROM alone; DELETE FROM alone; INSERT INTO alone SELECT * FROM k;",
    ] {
        let found = findings(FAMILY, silent, SEEDBED).await;
        assert!(found.is_empty(), "{silent}: {found:?}");
    }
    for all in [
        "DELETE FROM p;",
        "DELETE FROM p WHERE 1;",
        "WITH x AS (SELECT 1) DELETE FROM p;",
    ] {
        let found = findings(FAMILY, all, SEEDBED).await;
        assert_eq!(codes(&found), ["DS103"], "{all}");
        assert_eq!(
            found[0].notes,
            ["c (\"p_id\") refers to p ON DELETE CASCADE"]
        );
    }
}

#[tokio::test]
async fn a_rebuild_through_a_temp_table_is_a_rebuild() {
    let base = "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, b TEXT COLLATE NOCASE CHECK (b <> ''), z TEXT);";
    for temporary in ["", "TEMP "] {
        let file = format!(
            "CREATE {temporary}TABLE bak (id, b); INSERT INTO bak SELECT id, b FROM t; DROP TABLE t; \
             CREATE TABLE t (id INTEGER PRIMARY KEY, b TEXT); INSERT INTO t SELECT id, b FROM bak; DROP TABLE bak;"
        );
        let found = findings(base, &file, SEEDBED).await;
        for code in ["DS102", "RB307", "RB310"] {
            assert!(codes(&found).contains(&code), "{code}: {file} {found:?}");
        }
        assert!(!codes(&found).contains(&"DS101"), "{file} {found:?}");
    }
}

#[tokio::test]
async fn each_finding_has_a_place_and_something_to_do() {
    for (_, by, base, fires, _) in cases() {
        for it in findings(base, fires, by).await {
            assert!(it.location.is_some(), "{it:?}");
            assert!(
                !it.help.is_empty() || it.code == "RM604" || it.code == "not-rehearsed",
                "{it:?}"
            );
        }
    }
}

#[tokio::test]
async fn the_same_rebuild_is_safe_with_one_runner_and_not_with_another() {
    let file = format!("PRAGMA foreign_keys = OFF;\n{REBUILD_P}\nPRAGMA foreign_keys = ON;");
    let hurts = |runner, target| {
        let file = file.clone();
        async move {
            let found = findings(FAMILY, &file, By { runner, target }).await;
            codes(&found).contains(&"DS104")
        }
    };
    assert!(!hurts(Runner::Seedbed, Target::Local).await);
    assert!(!hurts(Runner::Prisma, Target::Sqlite).await);
    assert!(!hurts(Runner::Drizzle, Target::Libsql).await);
    assert!(hurts(Runner::Drizzle, Target::D1).await);
    assert!(hurts(Runner::Wrangler, Target::D1).await);
    assert!(hurts(Runner::Sqlx, Target::Sqlite).await);
}

#[tokio::test]
async fn a_view_that_is_left_broken_is_found_where_its_table_goes() {
    let base = "CREATE TABLE t (a TEXT); CREATE VIEW v AS SELECT a FROM t;";
    let found = findings(base, "-- seedbed: allow DS101: so\nDROP TABLE t;", SEEDBED).await;
    assert_eq!(codes(&found), ["DP401"]);
    let silent =
        "-- seedbed: allow DS101: so\n-- seedbed: allow DS105: so\nDROP VIEW v; DROP TABLE t;";
    assert!(findings(base, silent, SEEDBED).await.is_empty());
}

/// All new files are one run on a local database.
fn together(levels: &Levels) -> Options<'_> {
    Options {
        runner: None,
        target: Target::Local,
        levels,
        runs: Runs::Together,
        placement: Placement::BehindOthers,
        queries: &[],
        seeds: &[],
    }
}

#[tokio::test]
async fn down_files_are_missed_where_others_have_one() {
    let of = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    let mut files = vec![
        of("V1__a.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY);"),
        of("V1__a.down.sql", "DROP TABLE a;"),
        of("V2__b.sql", "CREATE TABLE b (id INTEGER PRIMARY KEY);"),
        of("V2__b.down.sql", "DROP TABLE b;"),
        of("V3__c.sql", "CREATE TABLE c (id INTEGER PRIMARY KEY);"),
    ];
    let levels = Levels::new();
    let options = together(&levels);
    let is_new = |it: &Migration| it.key == Key::Migration(3);
    let set = Migrations::from_files(files.clone());
    let found = lint(&set, &is_new, &options, None).await.unwrap().findings;
    assert_eq!(codes(&found), ["MG902"]);
    files.push(of(
        "V3__c.down.sql",
        "CREATE TABLE d (id INTEGER PRIMARY KEY);",
    ));
    let set = Migrations::from_files(files.clone());
    let found = lint(&set, &is_new, &options, None).await.unwrap().findings;
    assert_eq!(codes(&found), ["MG902"]);
    files.pop();
    files.push(of("V3__c.down.sql", "DROP TABLE c;"));
    let set = Migrations::from_files(files);
    let found = lint(&set, &is_new, &options, None).await.unwrap().findings;
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test]
async fn what_a_repeatable_makes_counts_as_made_again_behind_a_down_file() {
    let of = |name: &str, text: &str| (name.to_owned(), text.as_bytes().to_vec());
    let rebuild = |columns: &str| {
        format!(
            "DROP VIEW IF EXISTS v; CREATE TABLE n ({columns}); INSERT INTO n (id) SELECT id FROM a; DROP TABLE a; \
             ALTER TABLE n RENAME TO a;"
        )
    };
    let with = |down: &str| {
        Migrations::from_files([
            of("V1__a.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY);"),
            of(
                "V2__b.sql",
                &rebuild("id INTEGER PRIMARY KEY, b CHECK (b > 0)"),
            ),
            of("V2__b.down.sql", down),
            of(
                "R__v.sql",
                "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT id FROM a; \
                 CREATE TRIGGER g INSTEAD OF DELETE ON v BEGIN SELECT 1; END;",
            ),
        ])
    };
    let levels = Levels::new();
    let options = together(&levels);
    let is_new = |it: &Migration| it.key == Key::Migration(2);
    let undoes = with(&rebuild("id INTEGER PRIMARY KEY"));
    let found = lint(&undoes, &is_new, &options, None)
        .await
        .unwrap()
        .findings;
    assert!(!codes(&found).contains(&"MG902"), "{found:?}");
    for wrong in [
        rebuild("id INTEGER PRIMARY KEY, c"),
        format!(
            "{}CREATE VIEW v AS SELECT 1;",
            rebuild("id INTEGER PRIMARY KEY")
        ),
    ] {
        let found = lint(&with(&wrong), &is_new, &options, None)
            .await
            .unwrap()
            .findings;
        assert!(codes(&found).contains(&"MG902"), "{wrong}: {found:?}");
    }
}

#[tokio::test]
async fn a_query_of_the_project_that_breaks_is_found() {
    let source = |text: &str| {
        std::sync::Arc::new(crate::script::Source {
            name: "queries/names.sql".to_owned(),
            text: text.into(),
        })
    };
    let queries = [source(
        "-- name: names\nSELECT a FROM alone WHERE id = ?1;\nSELECT b FROM alone;\nSELECT x FROM nowhere;",
    )];
    let levels = Levels::new();
    let options = Options {
        runner: None,
        target: Target::Local,
        levels: &levels,
        runs: Runs::Together,
        placement: Placement::BehindOthers,
        queries: &queries,
        seeds: &[],
    };
    let is_new = |it: &Migration| it.key == Key::Migration(2);
    let set = set(
        FAMILY,
        "-- seedbed: allow DS102: so\nALTER TABLE alone DROP COLUMN a;",
    );
    let found = lint(&set, &is_new, &options, None).await.unwrap().findings;
    assert_eq!(codes(&found), ["BC704"]);
    assert_eq!(
        found[0].to_string().split(": ").next(),
        Some("queries/names.sql:2:8")
    );
}
