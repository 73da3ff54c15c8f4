//! The guards behind a changed column, a schema that was written by hand, or CHECK constraints that were ignored: the
//! rows that are there fit, and keep their values. Pure.

use serde_json::json;

use super::checks;
use super::effects::{Checked, Effects, Retyping};
use super::guards::{LISTED, MEMORY, refuse};
use crate::script::Step;
use crate::sql::literal;

/// Records what the engine finds wrong with the rows of tables whose columns are to change, or of all tables, or which
/// CHECK constraints they break, and fails where it finds more afterwards: <https://sqlite.org/pragma.html#pragma_integrity_check>.
pub(super) fn old_rows(effects: &Effects) -> Option<(Step, Step)> {
    let lines = match effects.checked() {
        Checked::Nothing => return None,
        Checked::Database => {
            "SELECT integrity_check AS fault FROM pragma_integrity_check".to_owned()
        }
        // Of each table, up to 100 faults are listed.
        Checked::Constraints => "SELECT i.quick_check AS fault FROM sqlite_schema AS s \
             CROSS JOIN pragma_quick_check(s.name) AS i WHERE s.type = 'table' AND s.rootpage > 0 \
             AND instr(lower(s.sql), 'check') AND i.quick_check LIKE 'CHECK constraint failed in %'"
            .to_owned(),
        // A table that is made by the same unit is not there yet.
        Checked::Tables(tables) => format!(
            "SELECT i.integrity_check AS fault FROM sqlite_schema AS s CROSS JOIN pragma_integrity_check(s.name) AS i \
             WHERE s.type = 'table' AND lower(s.name) IN (SELECT value FROM json_each({}))",
            literal(&json!(tables).to_string().into())
        ),
    };
    let found = |name: &str| {
        format!(
            "SELECT {name} AS name, fault, count(*) AS found FROM ({lines}) WHERE fault <> 'ok' GROUP BY 1"
        )
    };
    let name = "lower(fault) || '.'";
    let before = Step::own(
        format!(
            "UPDATE _migrations SET checksum = json_set('{}', '$.faults', json((SELECT \
             json_group_array(json_array(name, found)) FROM ({})))) WHERE {MEMORY}",
            checks::nothing(),
            found(&effects.fault_afterwards(name))
        ),
        vec![],
    );
    let fresh = format!(
        "WITH {}, fresh AS (SELECT fault, now.found - coalesce((SELECT json_extract(was.value, '$[1]') \
         FROM _migrations, json_each(checksum, '$.faults') AS was WHERE {MEMORY} \
         AND json_extract(was.value, '$[0]') = now.name), 0) AS found FROM ({}) AS now \
         WHERE now.name NOT IN (SELECT lower('CHECK constraint failed in ' || name) || '.' FROM judged)) \
         SELECT fault, found FROM fresh WHERE found > 0 UNION ALL \
         SELECT 'CHECK constraint failed in ' || name || CASE typeof(row) WHEN 'integer' THEN ', row ' || row ELSE '' END, \
         count(*) FROM broken_rows GROUP BY 1",
        checks::new_rows(),
        found(name)
    );
    Some((before, refuse(&fresh, &format!("{fresh} LIMIT {LISTED}"))))
}

/// Records how many rows have the value that `ALTER COLUMN` makes the default, and fails where more or fewer have it
/// directly behind the statement. A row that is older than its column holds no value of it and reads the default.
pub(super) fn kept_values(retyping: &Retyping) -> (Step, Step) {
    let Retyping {
        table,
        column,
        default,
    } = retyping;
    let found = format!(
        "SELECT json_array(sum({column} IS NULL), sum({column} COLLATE BINARY IS {default})) AS found FROM {table}"
    );
    let before = Step::own(
        format!(
            "UPDATE _migrations SET checksum = json_set(coalesce(checksum, '{{}}'), '$.values', json(({found}))) \
             WHERE {MEMORY}"
        ),
        vec![],
    );
    let changed = format!(
        "SELECT NULL, max(abs(json_extract(now.found, '$[0]') - json_extract(was.found, '$[0]')), \
         abs(json_extract(now.found, '$[1]') - json_extract(was.found, '$[1]'))), {}, {} FROM ({found}) AS now, \
         (SELECT json_extract(checksum, '$.values') AS found FROM _migrations WHERE {MEMORY}) AS was \
         WHERE now.found <> was.found",
        literal(&(*table).into()),
        literal(&(*column).into()),
    );
    (before, refuse(&changed, &changed))
}

/// The checks of a table pass over CHECK constraints where these are ignored.
pub(super) fn heeds_checks(effects: &Effects) -> Option<Step> {
    let sql = "PRAGMA ignore_check_constraints = OFF";
    effects.ignores_checks.then(|| Step::own(sql, vec![]))
}

/// Reads the schema again, as the next connection will, where a unit may have written to it.
pub(super) fn reads_schema(effects: &Effects) -> Vec<Step> {
    if !effects.writes_schema {
        return Vec::new();
    }
    let own = |sql| Step::own(sql, vec![]);
    vec![
        own("PRAGMA writable_schema = RESET"),
        own("SELECT count(*) FROM sqlite_schema"),
    ]
}
