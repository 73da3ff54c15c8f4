//! A second run changes nothing, whatever a value is, wherever it comes from, and whatever its column is declared as.

use proptest::prelude::*;

use super::Bed;

/// Types of each affinity, and of the families that refuse some words.
const TYPES: [&str; 18] = [
    "TEXT",
    "VARCHAR(20)",
    "INTEGER",
    "BIGINT",
    "REAL",
    "DOUBLE PRECISION",
    "NUMERIC",
    "NUMERIC(10,2)",
    "DECIMAL(10,2)",
    "BOOLEAN",
    "BOOL",
    "DATE",
    "DATETIME",
    "TIMESTAMP WITH TIME ZONE",
    "JSON",
    "BLOB",
    "UUID",
    "",
];

/// How values are written.
const VALUES: [&str; 42] = [
    "7",
    "\"7\"",
    "007",
    "7.0",
    "-0.0",
    "1.10",
    "1e3",
    "\"1e3\"",
    "+7",
    "12345678901234567890",
    "9223372036854775807",
    "9007199254740993",
    "true",
    "\"true\"",
    "False",
    "no",
    "\"no\"",
    "~",
    "\"\"",
    "\"a\\0b\"",
    "\"7\\0\"",
    "text",
    "\" 7 \"",
    "!!str 7",
    "!!str yes",
    "2024-02-29",
    "2024-02-29T12:00:00Z",
    "2024-02-29 12:00:00.5+02:00",
    "1700000000",
    "2451545.5",
    "[1, {a: 2}]",
    "{at: !now , by: !ref parents.p, of: \"${label}\"}",
    "[!pick [1, !int 2..4], !fake city]",
    "!!binary aGk=",
    "!now ",
    "!ago 1..9 days",
    "!int 1..9",
    "!fake uuid",
    "!pick [1, \"1\", x]",
    "!pick [!ref parents.p.v, !pick [\"${label}\"], !fake word]",
    "!env VALUE",
    "!ref parents.p.v",
];

/// Seeds a parent whose column `v` has a value, and children that refer to it, twice and in each mode. The first run may
/// refuse a value; then nothing is to be seen.
async fn settles(parent: &str, child: &str, value: &str, strict: bool) {
    let strict = match strict && ["TEXT", "INTEGER", "REAL", "BLOB"].contains(&child) {
        true => " STRICT",
        false => "",
    };
    let mut bed = Bed::memory(&format!(
        "CREATE TABLE parents (id INTEGER PRIMARY KEY, v {parent} UNIQUE, w {parent});
         CREATE TABLE children (id INTEGER PRIMARY KEY, v {child}, w {child}){strict};
         CREATE TABLE keyed (v {child} PRIMARY KEY, n INTEGER) {strict};"
    ))
    .await;
    bed.var("VALUE", "42");
    let own = match value.contains("parents.p") {
        true => "1",
        false => value,
    };
    let text = format!(
        "_seed: {{mode: sync}}\nparents:\n  p:\n    id: 7\n    v: {own}\nchildren:\n  c:\n    id: 1\n    v: {value}\n    \
         w: !ref parents.p.v\nkeyed:\n  _key: v\n  k: {{v: !ref parents.p, n: 1}}\n"
    );
    let first = bed.one(&text).await;
    let before = bed.dump().await;
    if first.contains("wrong-type")
        || first.contains("no-date")
        || first.contains("too-large")
        || first.contains("no-value")
    {
        assert!(before.is_empty(), "{text}: {before:?}");
        return;
    }
    assert!(
        first.starts_with("a new +"),
        "{parent} {child} {text}: {first}"
    );
    assert_eq!(bed.one(&text).await, "", "{parent}, {child}: {text}");
    assert_eq!(bed.dump().await, before, "{parent}, {child}: {text}");
    // An edit elsewhere leaves them alone too.
    let edited = text.replace("n: 1", "n: 2");
    let told = bed.one(&edited).await;
    assert_eq!(
        told, "a edited ~keyed.k(n: 1 → 2)",
        "{parent}, {child}: {edited}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_value_in_every_column() {
    for (at, declared) in TYPES.into_iter().enumerate() {
        for value in VALUES {
            settles(
                TYPES[(at * 7 + 3) % TYPES.len()],
                declared,
                value,
                at % 2 == 0,
            )
            .await;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn a_reference_between_columns_of_any_two_types(
        parent in prop::sample::select(TYPES.as_slice()),
        child in prop::sample::select(TYPES.as_slice()),
        value in prop::sample::select(VALUES.as_slice()),
        strict in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(settles(parent, child, value, strict));
    }
}
