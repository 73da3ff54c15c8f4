//! Whether a database is known to have the schema that its recorded migrations make: the row `meta`/`schema`. It holds the
//! `schema_version` of the engine and the revision of the history, as both are at the end of a run. The engine counts that
//! number up with every change of the schema, so while both are unchanged nothing else has changed the schema. A database
//! that was made from a dump counts from the beginning and may come to the same number, so the row also holds how many
//! objects there are and how long their texts are. A run writes the row only where the schema was known before: the row was right, the schema was compared and equal, or the
//! database was new. Otherwise it clears the row. Pure; nothing here compares schemas.

use std::collections::HashMap;
use std::sync::Arc;

use super::layout::BASELINE;
use super::read::Row;
use crate::db::Engine;
use crate::schema::Schema;
use crate::script::{Atomicity, Entry, Key, OnFailure, Record, Revision, Script, Step, Unit};
use crate::sql::Value;

/// What a read of the history tells about the schema.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct SchemaMark {
    /// The `schema_version`, where the engine has one that a query can read.
    pub(super) version: Option<i64>,
    /// Whether the row says that this schema is the recorded one.
    pub(super) is_as_recorded: bool,
    /// What a comparison needs, where it was read in the same request.
    pub(super) beside: Option<Arc<Beside>>,
}

/// What a comparison of a schema with the recorded migrations needs besides the history.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Beside {
    /// The recorded texts.
    pub(crate) texts: HashMap<Key, String>,
    pub(crate) schema: Schema,
    /// Tables that are not the application's.
    pub(crate) foreign: Vec<String>,
}

impl SchemaMark {
    /// Whether the schema is known to be the recorded one, so that there is no need to compare.
    pub(crate) fn is_as_recorded(&self) -> bool {
        self.is_as_recorded
    }

    /// The `schema_version` of the schema that was read.
    pub(crate) fn version(&self) -> Option<i64> {
        self.version
    }

    /// What was read for a comparison.
    pub(crate) fn beside(&self) -> Option<Arc<Beside>> {
        self.beside.clone()
    }

    /// Of the answer to [`question`]; without one nothing is known.
    pub(super) fn of(rows: &[[Value; 2]]) -> SchemaMark {
        let Some([version, is_as_recorded]) = rows.first() else {
            return SchemaMark::default();
        };
        SchemaMark {
            version: version.as_i64(),
            is_as_recorded: is_as_recorded.as_i64() == Some(1),
            beside: None,
        }
    }
}

/// How many objects the schema has, and how long their texts are.
const SIZE: &str =
    "(SELECT count(*) || ' ' || CAST(total(length(sql)) AS INTEGER) FROM sqlite_schema)";

/// A condition: the row is right.
pub(super) fn is_as_recorded() -> String {
    format!(
        "EXISTS (SELECT 1 FROM _migrations AS s, _migrations AS r, pragma_schema_version AS v \
         WHERE s.kind = 'meta' AND s.version = 'schema' AND r.kind = 'meta' AND r.version = 'revision' \
         AND s.detail = CAST(v.schema_version AS TEXT) AND s.name = CAST(r.detail AS TEXT) AND s.checksum = {SIZE})"
    )
}

/// The `schema_version`, and whether the row is right. It fails without `_migrations`, and on an engine that has no such
/// number.
pub(super) fn question() -> String {
    let is_as_recorded = is_as_recorded();
    format!("SELECT v.schema_version, {is_as_recorded} FROM pragma_schema_version AS v")
}

/// What a run knows of the schema before it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KnownSchema {
    /// What the row says, if it is right.
    ByTheRow,
    /// It was compared, and is the recorded one at this `schema_version`.
    Compared(i64),
}

/// What the row holds from the beginning of a run to its end, where the schema is known at its beginning.
const HELD: &str = "as recorded";

/// Whether a schema that is the recorded one is still the recorded one behind this script: its statements are what it
/// records, and nothing that was recorded before is another.
pub(crate) fn keeps(script: &Script, recorded: &HashMap<&Key, &Row>) -> bool {
    let is_same = |entry: &Entry| {
        let row = recorded.get(&entry.key);
        row.is_some_and(|row| row.checksum == entry.checksum)
    };
    let keeps = |unit: &Unit| match &unit.record {
        Record::Insert(entry) => {
            !entry.detail.contains_key(BASELINE) && !matches!(entry.key, Key::Import(_))
        }
        Record::Replace(entry) => matches!(entry.key, Key::Seed(_)) || is_same(entry),
        Record::Restore(it) => it.on_failure == OnFailure::Stop && is_same(&it.entry),
        Record::Delete(key) => matches!(key, Key::Seed(_)),
        Record::Mark(_) => true,
        Record::Amend(_) | Record::Move { .. } | Record::Settle(_) | Record::Copy => false,
    };
    script.atomicity == Atomicity::Transaction && script.units.iter().all(keeps)
}

/// The steps at the beginning of a script that keeps a known schema, behind its guard.
pub(super) fn before(expects: Revision, known: KnownSchema) -> Step {
    const INSERT: &str = "INSERT OR REPLACE INTO _migrations (kind, version, state, detail) SELECT 'meta', 'schema', 'applied', ";
    if expects == Revision::NONE {
        return Step::own(
            format!(
                "{INSERT}'{HELD}' WHERE NOT EXISTS (SELECT 1 FROM sqlite_schema \
                 WHERE lower(tbl_name) <> '_migrations' AND name NOT LIKE 'sqlite~_%' ESCAPE '~')"
            ),
            vec![],
        );
    }
    match known {
        KnownSchema::Compared(version) => Step::own(
            format!("{INSERT}'{HELD}' FROM pragma_schema_version WHERE schema_version = ?1"),
            vec![version.into()],
        ),
        KnownSchema::ByTheRow => Step::own(
            format!(
                "UPDATE _migrations SET detail = '{HELD}' WHERE kind = 'meta' AND version = 'schema' AND name = ?1 \
                 AND checksum = {SIZE} AND detail = (SELECT CAST(schema_version AS TEXT) FROM pragma_schema_version)"
            ),
            vec![Value::Text(expects.0.to_string())],
        ),
    }
}

/// The step at the end of such a script.
pub(super) fn after(leaves: Revision) -> Step {
    Step::own(
        format!(
            "UPDATE _migrations SET name = ?1, checksum = {SIZE}, detail = CASE detail WHEN '{HELD}' \
             THEN (SELECT CAST(schema_version AS TEXT) FROM pragma_schema_version) END \
             WHERE kind = 'meta' AND version = 'schema'"
        ),
        vec![Value::Text(leaves.0.to_string())],
    )
}

/// The step of any other script.
pub(super) fn forget() -> Step {
    Step::own(
        "DELETE FROM _migrations WHERE kind = 'meta' AND version = 'schema'",
        vec![],
    )
}

/// Whether the engine has a `schema_version` that a query can read.
pub(super) fn has_version(engine: Engine) -> bool {
    engine != Engine::Turso
}
