//! Statements, batches and their errors, word for word as sqld gives them.

use crate::client::{execute, in_words, pipeline, run, send};
use crate::target::Target;
use expect_test::{Expect, expect};
use serde_json::{Value, json};

/// Requests on one stream, after `t(a INTEGER PRIMARY KEY, b TEXT UNIQUE)` with the row 1, 'one'.
fn check(requests: Value, expect: Expect) {
    let target = Target::start();
    run(
        target.address(),
        &[
            "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT UNIQUE)",
            "INSERT INTO t VALUES (1, 'one')",
        ],
    );
    let mut requests = requests.as_array().unwrap().clone();
    requests.push(json!({ "type": "close" }));
    let words = in_words(pipeline(target.address(), &json!({ "requests": requests })));
    expect.assert_eq(words.strip_suffix("close\n").unwrap_or(&words));
}

fn texts(texts: &[&str], expect: Expect) {
    check(texts.iter().map(|sql| execute(sql)).collect(), expect);
}

fn with(sql: &str, args: Value, named: Value) -> Value {
    json!({ "type": "execute", "stmt": { "sql": sql, "args": args, "named_args": named } })
}

#[test]
fn values_keep_type_and_content() {
    texts(
        &[
            "SELECT 1, -9223372036854775808, 9223372036854775807, 2.5, 1.0, 'ü', x'00ff01', NULL",
            "SELECT 9e999",
            "SELECT count(*), sum(a) FROM t",
        ],
        expect![[r#"
            ok [{"type":"integer","value":"1"},{"type":"integer","value":"-9223372036854775808"},{"type":"integer","value":"9223372036854775807"},{"type":"float","value":2.5},{"type":"float","value":1.0},{"type":"text","value":"ü"},{"base64":"AP8B","type":"blob"},{"type":"null"}]
            ok [{"type":"float","value":null}]
            ok [{"type":"integer","value":"1"},{"type":"integer","value":"1"}]
        "#]],
    );
}

#[test]
fn arguments_are_bound_by_position_or_by_name() {
    let integer = |value: &str| json!({ "type": "integer", "value": value });
    let blob = |value: &str| json!({ "type": "blob", "base64": value });
    let named = |name: &str| json!([{ "name": name, "value": integer("5") }]);
    check(
        json!([
            with(
                "SELECT ?, ?",
                json!([integer("-7"), { "type": "text", "value": "x" }]),
                json!([])
            ),
            with(
                "SELECT ?2, ?1",
                json!([{ "type": "float", "value": 0.5 }, { "type": "null" }]),
                json!([])
            ),
            with(
                "SELECT hex(?), hex(?)",
                json!([blob("AP8"), blob("AP8=")]),
                json!([])
            ),
            with("SELECT :n, $n, @n", json!([]), named("n")),
            with("SELECT :n", json!([]), named(":n")),
            with("SELECT :n", json!([]), named("other")),
            with("SELECT ?", json!([]), json!([])),
            with("SELECT ?", json!([integer("1"), integer("2")]), json!([])),
            with("SELECT ?", json!([integer("1")]), named("n")),
            with(
                "EXPLAIN QUERY PLAN SELECT * FROM t WHERE a = ?",
                json!([]),
                json!([])
            ),
        ]),
        expect![[r#"
            ok [{"type":"integer","value":"-7"},{"type":"text","value":"x"}]
            ok [{"type":"null"},{"type":"float","value":0.5}]
            ok [{"type":"text","value":"00FF"},{"type":"text","value":"00FF"}]
            ok [{"type":"integer","value":"5"},{"type":"integer","value":"5"},{"type":"integer","value":"5"}]
            ok [{"type":"integer","value":"5"}]
            ARGS_INVALID: Arguments do not match SQL parameters: value for parameter :n not found
            ARGS_INVALID: Arguments do not match SQL parameters: value for parameter 1 not found
            ARGS_INVALID: Arguments do not match SQL parameters: too many parameters, expected 1 found 2
            ARGS_BOTH_POSITIONAL_AND_NAMED: Specifying both positional and named arguments is not supported
            ok [{"type":"integer","value":"2"},{"type":"integer","value":"0"},{"type":"integer","value":"33"},{"type":"text","value":"SEARCH t USING INTEGER PRIMARY KEY (rowid=?)"}]
        "#]],
    );
}

#[test]
fn errors_have_sqlds_codes_and_words() {
    texts(
        &[
            "INSERT INTO t VALUES (1, 'x')",
            "INSERT INTO t(b) VALUES ('one')",
            "SELECT nope FROM t",
            "SELECT * FROM nope",
            "INSERT INTO t VALUES (1, 2, 3)",
            "CREATE TABLE t(a)",
            "SELEC 1",
            "SELECT 1 +",
            "SELECT 'open",
            "SELECT 1; SELECT 2",
            "SELECT 1; -- and a comment",
            "",
            "-- only a comment",
            "SELECT json('{')",
            "SELECT abs(-9223372036854775808)",
            "COMMIT",
            "INSERT INTO sqlite_schema VALUES (1,2,3,4,5)",
            "SELECT load_extension('x')",
        ],
        expect![[r#"
            SQLITE_CONSTRAINT: SQLite error: UNIQUE constraint failed: t.a
            SQLITE_CONSTRAINT: SQLite error: UNIQUE constraint failed: t.b
            SQL_INPUT_ERROR: SQL input error: no such column: nope (at offset 7)
            SQLITE_UNKNOWN: SQLite error: no such table: nope
            SQLITE_UNKNOWN: SQLite error: table t has 2 columns but 3 values were supplied
            SQL_INPUT_ERROR: SQL input error: table t already exists (at offset 13)
            SQL_PARSE_ERROR: SQL string could not be parsed: syntax error around L1:6: `SELEC`
            SQL_PARSE_ERROR: SQL string could not be parsed: unexpected end of input at (1, 11)
            SQL_PARSE_ERROR: SQL string could not be parsed: non-terminated literal at (1, 8)
            SQL_MANY_STATEMENTS: SQL string contains more than one statement
            ok [{"type":"integer","value":"1"}]
            SQL_NO_STATEMENT: SQL string does not contain any statement
            SQL_NO_STATEMENT: SQL string does not contain any statement
            SQLITE_UNKNOWN: SQLite error: malformed JSON
            SQLITE_UNKNOWN: SQLite error: integer overflow
            SQLITE_UNKNOWN: SQLite error: cannot commit - no transaction is active
            SQLITE_UNKNOWN: SQLite error: table sqlite_master may not be modified
            SQLITE_UNKNOWN: SQLite error: not authorized
        "#]],
    );
}

#[test]
fn what_the_server_does_not_take_is_refused_before_it_runs() {
    texts(
        &[
            "VACUUM",
            "ANALYZE",
            "CREATE TEMP TABLE x(a)",
            "CREATE TABLE TEMP.x(a)",
            "CREATE TEMP VIEW x AS SELECT 1",
            "CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END",
            "ATTACH 'file.db' AS x",
            "PRAGMA writable_schema = ON",
            "PRAGMA journal_mode = DELETE",
            "PRAGMA optimize",
            "PRAGMA wal_checkpoint",
            "PRAGMA no_such_thing",
            "SELECT group_concat(a ORDER BY a) FROM t",
            "SELECT 1_000",
        ],
        expect![[r#"
            SQL_PARSE_ERROR: SQL string could not be parsed: unsupported statement: VACUUM
            SQL_PARSE_ERROR: SQL string could not be parsed: unsupported statement: ANALYZE
            SQL_PARSE_ERROR: SQL string could not be parsed: unsupported statement: CREATE TEMP TABLE x(a)
            SQL_PARSE_ERROR: SQL string could not be parsed: unsupported statement: CREATE TABLE TEMP.x(a)
            SQL_PARSE_ERROR: SQL string could not be parsed: unsupported statement: CREATE TEMP VIEW x AS SELECT 1
            SQL_PARSE_ERROR: SQL string could not be parsed: unsupported statement: CREATE TEMP TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END
            SQL_PARSE_ERROR: SQL string could not be parsed: unsupported statement: ATTACH 'file.db' AS x
            SQL_PARSE_ERROR: SQL string could not be parsed: unsupported statement: PRAGMA writable_schema = ON
            SQL_PARSE_ERROR: SQL string could not be parsed: unsupported statement: PRAGMA journal_mode = DELETE
            SQL_PARSE_ERROR: SQL string could not be parsed: unsupported statement: PRAGMA optimize
            SQL_PARSE_ERROR: SQL string could not be parsed: unsupported statement: PRAGMA wal_checkpoint
            SQL_PARSE_ERROR: SQL string could not be parsed: unsupported statement: PRAGMA no_such_thing
            SQL_PARSE_ERROR: SQL string could not be parsed: near ORDER, "None": syntax error at (1, 28)
            SQL_PARSE_ERROR: SQL string could not be parsed: bad number at (1, 8)
        "#]],
    );
}

#[test]
fn what_the_server_takes_runs() {
    texts(
        &[
            "PRAGMA foreign_keys",
            "PRAGMA foreign_keys = OFF",
            "PRAGMA FOREIGN_KEYS",
            "PRAGMA defer_foreign_keys = ON",
            "PRAGMA table_info(t)",
            "PRAGMA user_version = 3",
            "PRAGMA user_version",
            "PRAGMA journal_mode",
            "PRAGMA page_size",
            "PRAGMA legacy_alter_table",
            "PRAGMA foreign_key_check",
            "PRAGMA integrity_check",
            "SELECT name FROM pragma_table_info('t')",
            "REINDEX t",
            "SAVEPOINT s",
            "ROLLBACK TO s",
            "RELEASE s",
            "CREATE VIRTUAL TABLE f USING fts5(x)",
            "CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE t SET b = 'x;y' WHERE a = 0; END",
            "INSERT INTO t(b) VALUES ('two'), ('three') RETURNING a, b",
            "UPDATE t SET b = b || '!' WHERE a > 1",
            "DELETE FROM t WHERE a = 2",
            "REPLACE INTO t VALUES (1, 'uno')",
            "WITH x AS (SELECT 9 AS a) INSERT INTO t(a) SELECT a FROM x",
            "ALTER TABLE t ADD COLUMN c INTEGER DEFAULT 4 CHECK (c > 3)",
            "SELECT * FROM t",
        ],
        expect![[r#"
            ok [{"type":"integer","value":"1"}]
            ok
            ok [{"type":"integer","value":"0"}]
            ok
            ok [{"type":"integer","value":"0"},{"type":"text","value":"a"},{"type":"text","value":"INTEGER"},{"type":"integer","value":"0"},{"type":"null"},{"type":"integer","value":"1"}] [{"type":"integer","value":"1"},{"type":"text","value":"b"},{"type":"text","value":"TEXT"},{"type":"integer","value":"0"},{"type":"null"},{"type":"integer","value":"0"}]
            ok
            ok [{"type":"integer","value":"3"}]
            ok [{"type":"text","value":"wal"}]
            ok [{"type":"integer","value":"4096"}]
            ok [{"type":"integer","value":"0"}]
            ok
            ok [{"type":"text","value":"ok"}]
            ok [{"type":"text","value":"a"}] [{"type":"text","value":"b"}]
            ok
            ok
            ok
            ok
            ok
            ok
            ok [{"type":"integer","value":"2"},{"type":"text","value":"two"}] [{"type":"integer","value":"3"},{"type":"text","value":"three"}] changed 2 rowid "3"
            ok changed 2
            ok changed 1
            ok changed 1 rowid "1"
            ok changed 1 rowid "9"
            ok
            ok [{"type":"integer","value":"1"},{"type":"text","value":"uno"},{"type":"integer","value":"4"}] [{"type":"integer","value":"3"},{"type":"text","value":"three!"},{"type":"integer","value":"4"}] [{"type":"integer","value":"9"},{"type":"null"},{"type":"integer","value":"4"}]
        "#]],
    );
}

/// A batch of steps, each a text or a text with a condition.
fn batch(steps: Value) -> Value {
    let steps: Vec<Value> = steps
        .as_array()
        .unwrap()
        .iter()
        .map(|step| match step {
            Value::String(sql) => json!({ "stmt": { "sql": sql } }),
            step => json!({ "stmt": { "sql": step[0] }, "condition": step[1] }),
        })
        .collect();
    json!({ "type": "batch", "batch": { "steps": steps } })
}

#[test]
fn conditions_decide_what_runs() {
    let ok = |step: u32| json!({ "type": "ok", "step": step });
    let error = |step: u32| json!({ "type": "error", "step": step });
    let not = |cond: Value| json!({ "type": "not", "cond": cond });
    let list = |kind: &str, conds: &[Value]| json!({ "type": kind, "conds": conds });
    check(
        json!([batch(json!([
            "SELECT 0",
            "SELECT nope",
            ["SELECT 2", ok(0)],
            ["SELECT 3", ok(1)],
            ["SELECT 4", error(1)],
            ["SELECT 5", error(3)],
            ["SELECT 6", not(ok(0))],
            ["SELECT 7", not(ok(3))],
            ["SELECT 8", list("and", &[ok(0), ok(2)])],
            ["SELECT 9", list("and", &[ok(0), ok(1)])],
            ["SELECT 10", list("or", &[ok(1), ok(0)])],
            ["SELECT 11", list("or", &[])],
            ["SELECT 12", list("and", &[])],
            ["SELECT 13", { "type": "is_autocommit" }],
            "BEGIN",
            ["SELECT 15", { "type": "is_autocommit" }],
            ["ROLLBACK", not(json!({ "type": "is_autocommit" }))],
        ]))]),
        expect![[r#"
            ok [{"type":"integer","value":"0"}]
            SQL_INPUT_ERROR: SQL input error: no such column: nope (at offset 7)
            ok [{"type":"integer","value":"2"}]
            skipped
            ok [{"type":"integer","value":"4"}]
            ok [{"type":"integer","value":"5"}]
            skipped
            ok [{"type":"integer","value":"7"}]
            ok [{"type":"integer","value":"8"}]
            skipped
            ok [{"type":"integer","value":"10"}]
            skipped
            ok [{"type":"integer","value":"12"}]
            ok [{"type":"integer","value":"13"}]
            ok
            skipped
            ok
        "#]],
    );
}

#[test]
fn a_chain_with_a_last_rollback_leaves_nothing_behind() {
    let ok = |step: u32| json!({ "type": "ok", "step": step });
    check(
        json!([
            batch(json!([
                "PRAGMA foreign_keys = OFF",
                ["BEGIN IMMEDIATE", ok(0)],
                ["CREATE TABLE u(a)", ok(1)],
                ["INSERT INTO u VALUES (1)", ok(2)],
                ["SELECT json('no')", ok(3)],
                ["COMMIT", ok(4)],
                ["ROLLBACK", { "type": "not", "cond": { "type": "is_autocommit" } }],
            ])),
            execute("SELECT count(*) FROM sqlite_schema WHERE name = 'u'"),
            { "type": "get_autocommit" },
        ]),
        expect![[r#"
            ok
            ok
            ok
            ok changed 1 rowid "1"
            SQLITE_UNKNOWN: SQLite error: malformed JSON
            skipped
            ok
            ok [{"type":"integer","value":"0"}]
            {"is_autocommit":true}
        "#]],
    );
}

#[test]
fn one_bad_text_refuses_the_whole_batch_and_the_next_request_goes_on() {
    check(
        json!([
            batch(json!(["INSERT INTO t VALUES (2, 'two')", "VACUUM"])),
            batch(json!(["INSERT INTO t VALUES (3, 'three')", "INSERT INTO"])),
            execute("SELECT count(*) FROM t"),
        ]),
        expect![[r#"
            SQL_PARSE_ERROR: SQL string could not be parsed: unsupported statement: VACUUM
            SQL_PARSE_ERROR: SQL string could not be parsed: unexpected end of input at (1, 12)
            ok [{"type":"integer","value":"1"}]
        "#]],
    );
}

#[test]
fn a_condition_on_a_later_step_breaks_the_protocol() {
    check(
        json!([batch(json!([["SELECT 1", { "type": "ok", "step": 0 }]]))]),
        expect![[r#"
            400 Invalid reference to step in a batch condition
        "#]],
    );
}

#[test]
fn a_sequence_stops_at_its_first_error() {
    let sequence = |sql: &str| json!({ "type": "sequence", "sql": sql });
    check(
        json!([
            sequence("INSERT INTO t VALUES (2, 'two'); INSERT INTO t VALUES (3, 'three');"),
            sequence(
                "INSERT INTO t VALUES (4, 'four'); SELECT nope; INSERT INTO t VALUES (5, 'five')"
            ),
            sequence("INSERT INTO t VALUES (6, 'six'); VACUUM"),
            sequence(""),
            execute("SELECT group_concat(a) FROM t"),
        ]),
        expect![[r#"
            sequence
            SQL_INPUT_ERROR: SQL input error: no such column: nope (at offset 8)
            SQL_PARSE_ERROR: SQL string could not be parsed: unsupported statement: INSERT INTO t VALUES (6, 'six'); VACUUM
            sequence
            ok [{"type":"text","value":"1,2,3,4"}]
        "#]],
    );
}

#[test]
fn a_description_needs_no_allow_list() {
    let describe = |sql: &str| json!({ "type": "describe", "sql": sql });
    check(
        json!([
            describe("SELECT a, b, a + 1 AS c FROM t WHERE a = ? AND b = :name"),
            describe("INSERT INTO t VALUES (?1, ?)"),
            describe("EXPLAIN SELECT 1"),
            describe("VACUUM"),
            describe("SELECT nope FROM t"),
        ]),
        expect![[r#"
            {"result":{"cols":[{"decltype":"INTEGER","name":"a"},{"decltype":"TEXT","name":"b"},{"decltype":null,"name":"c"}],"is_explain":false,"is_readonly":true,"params":[{"name":null},{"name":":name"}]}}
            {"result":{"cols":[],"is_explain":false,"is_readonly":false,"params":[{"name":"?1"},{"name":null}]}}
            {"result":{"cols":[{"decltype":null,"name":"addr"},{"decltype":null,"name":"opcode"},{"decltype":null,"name":"p1"},{"decltype":null,"name":"p2"},{"decltype":null,"name":"p3"},{"decltype":null,"name":"p4"},{"decltype":null,"name":"p5"},{"decltype":null,"name":"comment"}],"is_explain":true,"is_readonly":true,"params":[]}}
            {"result":{"cols":[],"is_explain":false,"is_readonly":false,"params":[]}}
            SQL_INPUT_ERROR: SQL input error: no such column: nope (at offset 7)
        "#]],
    );
}

#[test]
fn texts_are_stored_for_the_stream() {
    let by_id = |id: i32| json!({ "type": "execute", "stmt": { "sql_id": id } });
    check(
        json!([
            { "type": "store_sql", "sql_id": 1, "sql": "SELECT b FROM t" },
            by_id(1),
            { "type": "store_sql", "sql_id": 2, "sql": "x".repeat(5001) },
            { "type": "close_sql", "sql_id": 1 },
        ]),
        expect![[r#"
            store_sql
            ok [{"type":"text","value":"one"}]
            SQL_STORE_TOO_LARGE: The statement is too large to be stored: 5.0 KB/5.0 KB
            close_sql
        "#]],
    );
    check(
        json!([by_id(1)]),
        expect![[r#"
            400 SQL text 1 not found
        "#]],
    );
    let text = |id: i32| json!({ "type": "store_sql", "sql_id": id, "sql": "SELECT 1" });
    let target = Target::start();
    let many = json!({ "requests": (0..51).map(text).collect::<Value>() });
    let words = in_words(pipeline(target.address(), &many));
    expect!["SQL_STORE_TOO_MANY: The server already stores 50 SQL texts, it cannot store more"]
        .assert_eq(words.lines().last().unwrap());
    check(
        json!([text(1), text(1)]),
        expect![[r#"
        400 SQL text 1 already exists
    "#]],
    );
}

#[test]
fn want_rows_is_not_listened_to() {
    check(
        json!([{ "type": "execute", "stmt": { "sql": "SELECT a FROM t", "want_rows": false } }]),
        expect![[r#"
            ok [{"type":"integer","value":"1"}]
        "#]],
    );
}

#[test]
fn a_value_beyond_five_megabytes_is_refused_wherever_it_stands() {
    let large = "x".repeat(5_000_001);
    let text = json!([{ "type": "text", "value": large }]);
    check(
        json!([
            with("SELECT length(?)", text, json!([])),
            execute(&format!("SELECT length('{large}')")),
            execute("SELECT length(zeroblob(5000001))"),
            execute("SELECT length(zeroblob(4000000))"),
        ]),
        expect![[r#"
            ARGS_INVALID: Arguments do not match SQL parameters: string or blob too big
            SQLITE_TOOBIG: SQLite error: string or blob too big
            SQLITE_TOOBIG: SQLite error: string or blob too big
            ok [{"type":"integer","value":"4000000"}]
        "#]],
    );
}

#[test]
fn a_response_beyond_ten_megabytes_is_refused() {
    check(
        json!([
            batch(json!([
                "INSERT INTO t VALUES (2, 'two')",
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 11)
                 SELECT hex(zeroblob(500000)) FROM n",
                "INSERT INTO t VALUES (3, 'three')",
            ])),
            execute("SELECT group_concat(a) FROM t"),
        ]),
        expect![[r#"
            RESPONSE_TOO_LARGE: Response is too large
            ok [{"type":"text","value":"1,2"}]
        "#]],
    );
}

#[test]
fn json_that_does_not_fit_is_told_so() {
    let target = Target::start();
    let infinity = with(
        "SELECT ?",
        json!([{ "type": "float", "value": null }]),
        json!([]),
    );
    let number = with(
        "SELECT ?",
        json!([{ "type": "integer", "value": 1 }]),
        json!([]),
    );
    let mut words = String::new();
    for body in [
        "{".to_owned(),
        json!({ "requests": [infinity] }).to_string(),
        json!({ "requests": [number] }).to_string(),
        json!({ "requests": [{ "type": "dance" }] }).to_string(),
    ] {
        let reply = send(target.address(), "POST", "/v3/pipeline", None, &body);
        words += &in_words(reply.unwrap().answer());
    }
    expect![[r#"
        400 Cannot deserialize client message from JSON: EOF while parsing an object at line 1 column 1
        400 Cannot deserialize client message from JSON: invalid type: null, expected f64 at line 1 column 113
        400 Cannot deserialize client message from JSON: invalid type: integer `1`, expected a borrowed string at line 1 column 112
        400 Cannot deserialize client message from JSON: unknown variant `dance`, expected one of `close`, `execute`, `batch`, `sequence`, `describe`, `store_sql`, `close_sql`, `get_autocommit` at line 1 column 28
    "#]].assert_eq(&words);
}

#[test]
fn a_cursor_streams_what_it_finds() {
    let target = Target::start();
    run(
        target.address(),
        &["CREATE TABLE t(a)", "INSERT INTO t VALUES (1), (2)"],
    );
    let mut words = String::new();
    for steps in [
        json!([
            { "stmt": { "sql": "SELECT a FROM t" } },
            { "stmt": { "sql": "SELECT nope" } },
            { "stmt": { "sql": "SELECT 3" }, "condition": { "type": "ok", "step": 1 } },
            { "stmt": { "sql": "INSERT INTO t VALUES (3)" } },
        ]),
        json!([{ "stmt": { "sql": "VACUUM" } }]),
    ] {
        let body = json!({ "batch": { "steps": steps } }).to_string();
        let reply = send(target.address(), "POST", "/v3/cursor", None, &body);
        let (status, body) = reply.unwrap().answer();
        // The baton is another one each time.
        let body = match body.split_once('\n') {
            Some((_, lines)) => lines,
            None => &body,
        };
        words += &format!("{status} {body}\n");
    }
    expect![[r#"
        200 {"type":"step_begin","step":0,"cols":[{"name":"a","decltype":null}]}
        {"type":"row","row":[{"type":"integer","value":"1"}]}
        {"type":"row","row":[{"type":"integer","value":"2"}]}
        {"type":"step_end","affected_row_count":0,"last_insert_rowid":null}
        {"type":"step_error","step":1,"error":{"message":"SQL input error: no such column: nope (at offset 7)","code":"SQL_INPUT_ERROR"}}
        {"type":"step_begin","step":3,"cols":[]}
        {"type":"step_end","affected_row_count":1,"last_insert_rowid":3}
        {"type":"replication_index","replication_index":3}

        500 {"error":"Internal Error: `SQL string could not be parsed: unsupported statement: VACUUM`"}
    "#]].assert_eq(&words);
}

#[test]
fn a_cursor_has_no_limit_of_size() {
    let target = Target::start();
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 12)
               SELECT hex(zeroblob(500000)) FROM n";
    let body = json!({ "batch": { "steps": [{ "stmt": { "sql": sql } }] } }).to_string();
    let reply = send(target.address(), "POST", "/v3/cursor", None, &body);
    let (status, body) = reply.unwrap().answer();
    assert_eq!((status, body.lines().count()), (200, 1 + 1 + 12 + 1 + 1));
}

#[test]
fn other_paths() {
    let target = Target::start();
    let mut words = String::new();
    for (method, path) in [
        ("GET", "/v3"),
        ("GET", "/health"),
        ("GET", "/info"),
        ("GET", "/nothing"),
        ("GET", "/sync/1/1/2"),
    ] {
        let (status, body) = send(target.address(), method, path, None, "")
            .unwrap()
            .answer();
        words += &format!("{method} {path}: {status} {body}\n");
    }
    expect![[r#"
        GET /v3: 200 Hello, this is HTTP API v2 (Hrana over HTTP)
        GET /health: 200 
        GET /info: 404 
        GET /nothing: 404 
        GET /sync/1/1/2: 404 
    "#]]
    .assert_eq(&words);
}
