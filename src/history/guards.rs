//! The guards that a script carries beside the revision: what must hold before its COMMIT. Pure.
//!
//! A server is sent one chain of statements, so a guard is a statement that fails. What it compares with is recorded
//! earlier in the same chain, in columns of the row `revision` that are otherwise empty; they are empty again at the
//! end of the run. No guard depends on the words of an error, only on the step that failed.

use std::sync::{Arc, LazyLock};

use serde_json::json;

use super::effects::{Checked, Effects};
use super::layout::VIOLATIONS;
use crate::script::{ForeignKeys, Step, Unit};
use crate::sql::{Value, literal};

/// How many violations are compared row by row; above that they are counted.
pub(super) const COMPARED: usize = 10_000;

/// The row of `_migrations` in whose columns a run remembers: `source` rows, `checksum` faults, `down` references.
pub(super) const MEMORY: &str = "kind = 'meta' AND version = 'revision'";

/// Foreign keys. Looking at all behind each table that is created or dropped would take long in a long history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    All,
    /// Those of some tables.
    Of(Tables),
}

/// Tables, by names in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Tables {
    /// Tables with these names.
    children: Vec<String>,
    /// Tables whose text holds one of these names: they may refer to a table of that name.
    naming: Vec<String>,
}

/// To look for more names than this in every text takes longer than to look at all foreign keys.
pub(super) const NAMES: usize = 20;

impl Default for Scope {
    fn default() -> Scope {
        Scope::Of(Tables::default())
    }
}

impl Scope {
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Scope::Of(tables) if tables.children.is_empty() && tables.naming.is_empty())
    }

    /// The foreign keys that may be without their parent behind a unit, or without the key that they refer to.
    fn of(effects: &Effects) -> Scope {
        let mut scope = Scope::default();
        scope.extend(effects);
        scope
    }

    /// The foreign keys whose rows may be without their parent behind a unit that runs with foreign keys off, and those
    /// that may be a mismatch.
    fn of_rows(effects: &Effects) -> Scope {
        let mut scope = Scope::of(effects);
        match &mut scope {
            _ if effects.writes_rows || effects.has_hidden_names => return Scope::All,
            Scope::All => {}
            Scope::Of(tables) => {
                tables.naming.extend_from_slice(&effects.new);
                tables.naming.extend_from_slice(&effects.changed);
            }
        }
        scope.bounded()
    }

    /// Adds those that a unit may break.
    pub(super) fn extend(&mut self, effects: &Effects) {
        let is_unknown = effects.may_lose_any || effects.has_hidden_names;
        match self {
            _ if effects.may_lose_parents && is_unknown => *self = Scope::All,
            Scope::All => {}
            Scope::Of(tables) => {
                tables.children.extend_from_slice(&effects.refers);
                if effects.may_lose_parents {
                    tables.naming.extend_from_slice(&effects.changed);
                }
            }
        }
        *self = std::mem::take(self).bounded();
    }

    fn bounded(mut self) -> Scope {
        if let Scope::Of(tables) = &mut self {
            tables.naming.sort_unstable();
            tables.naming.dedup();
            if tables.naming.len() > NAMES {
                return Scope::All;
            }
        }
        self
    }

    /// A condition on the table `s`.
    fn condition(&self) -> String {
        let Scope::Of(tables) = self else {
            return String::new();
        };
        let text = |name: &String| literal(&name.as_str().into());
        let children: Vec<String> = tables.children.iter().map(text).collect();
        let mut condition = format!("AND (lower(s.name) IN ({})", children.join(", "));
        for name in &tables.naming {
            condition += &format!(" OR instr(lower(s.sql), {})", text(name));
        }
        condition + ")"
    }
}

/// Foreign keys, one row for each. A table whose text does not hold the word has none, and asking the engine for its
/// foreign keys takes ten times as long as looking for the word.
fn refs(scope: &Scope) -> String {
    format!(
        "\
refs AS MATERIALIZED (
  SELECT child, id, parent, on_delete, count(*) AS width, group_concat(column, ', ') AS columns,
    json_group_array(lower(target)) AS targets, max(target IS NULL) AS implied
  FROM (
    SELECT s.name AS child, f.id AS id, f.\"table\" AS parent, f.on_delete AS on_delete, f.\"from\" AS column,
      nullif(f.\"to\", '') AS target
    FROM (SELECT name FROM sqlite_schema AS s WHERE type = 'table' AND instr(lower(sql), 'references') {}) AS s
      CROSS JOIN pragma_foreign_key_list(s.name) AS f ORDER BY s.name, f.id, f.seq)
  GROUP BY child, id),
names AS MATERIALIZED (SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view'))",
        scope.condition()
    )
}

/// Whether the table of this name has a column that is its rowid: <https://sqlite.org/lang_createtable.html#rowid>.
/// The expression is about that column, `name`.
fn rowid_alias(table: &str, is: &str) -> String {
    format!(
        "(SELECT count(*) = 1 AND max(upper(type) = 'INTEGER' AND {is}) FROM pragma_table_info({table}) WHERE pk > 0) \
         AND NOT EXISTS (SELECT 1 FROM pragma_index_list({table}) WHERE origin = 'pk')"
    )
}

/// Foreign keys whose parent has no such key, for which `PRAGMA foreign_key_check` fails:
/// <https://sqlite.org/foreignkeys.html#fk_indexes>. An index has to have the collation of the column, which no query
/// shows: it is `BINARY` where the text of the table has no `COLLATE`. Many foreign keys refer to one key, which is
/// looked at once.
fn mismatched(scope: &Scope) -> String {
    let alias = rowid_alias(
        "wanted.parent",
        "(implied OR lower(name) = json_extract(targets, '$[0]'))",
    );
    let refs = refs(scope);
    format!(
        "{refs},
missing AS MATERIALIZED (
  SELECT parent, targets
  FROM (SELECT DISTINCT parent, targets, width, implied FROM refs) AS wanted
  JOIN names ON names.name = wanted.parent COLLATE NOCASE
  WHERE names.type = 'view' OR NOT (
    width = 1 AND {alias}
    OR EXISTS (
      SELECT 1 FROM pragma_index_list(wanted.parent) AS i WHERE i.\"unique\" AND NOT i.partial
      AND (NOT implied OR i.origin = 'pk')
      AND (implied OR i.origin <> 'c' OR NOT EXISTS (
        SELECT 1 FROM pragma_index_xinfo(i.name) AS x WHERE x.key AND upper(x.coll) <> 'BINARY') OR EXISTS (
        SELECT 1 FROM sqlite_schema AS s
        WHERE s.type = 'table' AND s.name = wanted.parent COLLATE NOCASE AND s.sql LIKE '%collate%'))
      AND (SELECT count(*) = width AND min(implied OR c.name IS NOT NULL AND lower(c.name) IN (
        SELECT value FROM json_each(targets))) FROM pragma_index_info(i.name) AS c)))),
mismatched AS MATERIALIZED (SELECT child, parent, columns, targets FROM refs JOIN missing USING (parent, targets))"
    )
}

/// The same, and the rows without their parent in all other tables of the scope.
fn rows(scope: &Scope) -> String {
    let mismatched = mismatched(scope);
    format!(
        "{mismatched},
broken AS MATERIALIZED (
  SELECT f.\"table\" AS child, f.rowid AS number, f.parent AS parent, refs.columns AS columns, refs.on_delete AS on_delete
  FROM (SELECT child FROM refs EXCEPT SELECT child FROM mismatched) AS sound
  CROSS JOIN pragma_foreign_key_check(sound.child) AS f
  LEFT JOIN refs ON refs.child = sound.child AND refs.id = f.fkid)"
    )
}

/// Rows without their parent, for a COMMIT that fails for some of them.
pub(super) fn violations() -> Arc<String> {
    static QUERY: LazyLock<Arc<String>> = LazyLock::new(|| {
        let rows = rows(&Scope::All);
        format!(
            "WITH {rows} SELECT child, number, parent, columns, on_delete, \
             parent COLLATE NOCASE IN (SELECT name FROM names), 1, 1 FROM broken LIMIT {COMPARED}"
        )
        .into()
    });
    QUERY.clone()
}

/// How many rows are listed.
pub(super) const LISTED: usize = 20;

/// Records the violations and mismatches that are there before a unit.
pub(super) fn rows_before(unit: &Unit, effects: &Effects) -> Vec<Step> {
    let keyed = rowid_alias("s.name", "1");
    let remember = Step::own(
        format!(
            "UPDATE _migrations SET source = (WITH {} SELECT json_object(\
             'made', json(?1), 'renamed', json(?2), 'was', json('[]'), 'now', json('[]'), \
             'mismatched', json((SELECT json_group_array(json_array(child, parent, columns)) FROM mismatched)), \
             'counts', json((SELECT json_group_array(json_object('child', child, 'parent', parent, 'count', found)) \
             FROM (SELECT child, parent, count(*) AS found FROM broken GROUP BY 1, 2))), \
             'keys', json(CASE WHEN EXISTS (SELECT 1 FROM broken) \
             THEN (SELECT json_group_array(json_array(child, parent, columns)) FROM refs) ELSE '[]' END), \
             'found', json((SELECT json_group_array(json_array(child, parent, columns, found)) \
             FROM (SELECT child, parent, columns, count(*) AS found FROM broken GROUP BY 1, 2, 3))), \
             'rows', json(CASE WHEN (SELECT count(*) FROM broken) <= {COMPARED} \
             THEN (SELECT json_group_array(json_array(child, parent, columns, number)) FROM broken) END), \
             'keyed', json((SELECT json_group_array(lower(s.name)) FROM sqlite_schema AS s WHERE s.type = 'table' \
             AND lower(s.name) IN (SELECT value FROM json_each(?1)) AND {keyed})))) \
             WHERE {MEMORY}",
            rows(&Scope::of_rows(effects))
        ),
        vec![
            Value::Text(json!(effects.made).to_string()),
            effects.renamed(),
        ],
    );
    let record = Step::own(
        format!(
            "UPDATE _migrations SET detail = json_set(coalesce(detail, '{{}}'), '$.{VIOLATIONS}', \
             json((SELECT json_extract(source, '$.counts') FROM _migrations WHERE {MEMORY}))) \
             WHERE kind = ?1 AND version = ?2",
        ),
        super::write::key_args(unit.record.key()),
    );
    vec![remember, record]
}

/// What was remembered of one kind, as rows with a column `value`.
fn remembered(what: &str) -> String {
    format!("json_each((SELECT json_extract(source, '$.{what}') FROM _migrations WHERE {MEMORY}))")
}

/// Foreign keys that have become a mismatch.
pub(super) fn no_new_mismatch(effects: &Effects) -> Step {
    let fresh = format!(
        "WITH {}, renamed AS MATERIALIZED (SELECT key, value FROM {}), \
         fresh AS (SELECT lower(child) AS c, lower(parent) AS p, lower(columns) AS k FROM mismatched EXCEPT \
         SELECT c, p, k FROM {})",
        mismatched(&Scope::of_rows(effects)),
        remembered("renamed"),
        named("mismatched", effects),
    );
    refuse(
        &format!("{fresh} SELECT 1 FROM fresh"),
        &format!(
            "{fresh} SELECT child, columns, parent, \
             (SELECT group_concat(value, ', ') FROM json_each(targets)), \
             (SELECT type FROM names WHERE name = parent COLLATE NOCASE) \
             FROM mismatched JOIN fresh ON c = lower(child) AND p = lower(parent) AND k = lower(columns) LIMIT {LISTED}"
        ),
    )
}

/// What was remembered as `child, parent, columns, last`, by the names after the unit: rows `c, p, k, last`.
fn named(what: &str, effects: &Effects) -> String {
    format!(
        "(SELECT c, p, {} AS k, last FROM (\
         SELECT coalesce(r.value, lower(json_extract(o.value, '$[0]'))) AS c, \
         coalesce(q.value, lower(json_extract(o.value, '$[1]'))) AS p, lower(json_extract(o.value, '$[2]')) AS k, \
         json_extract(o.value, '$[3]') AS last FROM {} AS o \
         LEFT JOIN renamed AS r ON r.key = lower(json_extract(o.value, '$[0]')) \
         LEFT JOIN renamed AS q ON q.key = lower(json_extract(o.value, '$[1]'))))",
        effects.columns_afterwards("c", "k"),
        remembered(what)
    )
}

/// Rows whose parent has gone, and which had it before the unit. A row is the one that it was by its rowid and its
/// foreign key. Tables are joined rather than looked up by `NOT IN`, which the Turso engine (0.8.3) does not compile
/// everywhere. In a table whose rowids are not kept in a column, rows are compared by the values of each foreign key
/// where those are known, and else counted. Foreign keys are the same by their columns; those that are gone and those
/// that are new count as one.
pub(super) fn no_new_violation(effects: &Effects) -> Step {
    let keyed = |table: &str| {
        format!(
            "({table} IN (SELECT value FROM {}) AND {})",
            remembered("keyed"),
            rowid_alias(table, "1")
        )
    };
    let named = |what: &str| named(what, effects);
    let kept = "CASE WHEN (c, p, k) IN (SELECT c, p, k FROM kept) THEN k ELSE '' END AS k";
    let fresh = format!(
        "WITH {}, \
         renamed AS MATERIALIZED (SELECT key, value FROM {}), \
         kept AS MATERIALIZED (SELECT c, p, k FROM {} \
         INTERSECT SELECT lower(child), lower(parent), lower(columns) FROM refs), \
         old AS MATERIALIZED (SELECT c, p, {kept}, last AS number FROM {}), \
         was AS MATERIALIZED (SELECT c, p, k, sum(last) AS found FROM (SELECT c, p, {kept}, last FROM {}) \
         GROUP BY 1, 2, 3), \
         counted AS MATERIALIZED (SELECT DISTINCT c FROM was WHERE \
         (SELECT json_type(source, '$.rows') FROM _migrations WHERE {MEMORY}) IS NOT 'array' \
         OR c IN (SELECT value FROM {}) AND NOT {} \
         OR c IN (SELECT c FROM old WHERE number IS NULL)), \
         unsound AS MATERIALIZED (SELECT c FROM {} UNION SELECT lower(child) FROM mismatched), \
         was_values AS MATERIALIZED (SELECT c, p, k, last FROM {} AS o), \
         compared AS MATERIALIZED (SELECT c FROM was_values EXCEPT SELECT c FROM unsound \
         EXCEPT SELECT value FROM {} AS m WHERE {}), \
         by_value AS MATERIALIZED (SELECT o.c AS c, o.p AS p, o.k AS k, o.last AS old, \
         json_extract(n.value, '$[3]') AS new FROM was_values AS o JOIN compared ON compared.c = o.c \
         JOIN {} AS n ON o.c = lower(json_extract(n.value, '$[0]')) \
         AND o.p = lower(json_extract(n.value, '$[1]')) AND o.k = lower(json_extract(n.value, '$[2]'))), \
         old_values AS MATERIALIZED (SELECT c, p, k, json_extract(v.value, '$[0]') AS key, \
         json_extract(v.value, '$[2]') AS found FROM by_value, json_each(old) AS v), \
         new_values AS MATERIALIZED (SELECT c, p, k, json_extract(v.value, '$[0]') AS key, \
         json_extract(v.value, '$[1]') AS shown, json_extract(v.value, '$[2]') AS found FROM by_value, json_each(new) AS v), \
         judged AS MATERIALIZED (SELECT j.c AS c, j.p AS p, \
         CASE WHEN (j.c, j.p, j.k) IN (SELECT c, p, k FROM kept) THEN j.k ELSE '' END AS k, \
         child, number, parent, columns, on_delete FROM (\
         SELECT lower(child) AS c, lower(parent) AS p, lower(columns) AS k, * FROM broken) AS j \
         LEFT JOIN unsound ON unsound.c = j.c \
         LEFT JOIN by_value AS v ON v.c = j.c AND v.p = j.p AND v.k = j.k WHERE unsound.c IS NULL AND v.c IS NULL), \
         fresh AS MATERIALIZED (\
         SELECT j.child AS child, j.number AS number, j.parent AS parent, columns, on_delete, 1 AS found, NULL AS shown \
         FROM judged AS j LEFT JOIN old ON old.c = j.c AND old.number = j.number AND old.p = j.p AND old.k = j.k \
         LEFT JOIN counted ON counted.c = j.c WHERE old.c IS NULL AND counted.c IS NULL \
         UNION ALL \
         SELECT j.child, NULL, j.parent, j.columns, j.on_delete, j.found - coalesce(was.found, 0), NULL \
         FROM (SELECT *, count(*) AS found FROM judged WHERE c IN (SELECT c FROM counted) GROUP BY c, p, k) AS j \
         LEFT JOIN was ON was.c = j.c AND was.p = j.p AND was.k = j.k WHERE j.found > coalesce(was.found, 0) \
         UNION ALL \
         SELECT r.child, NULL, r.parent, r.columns, r.on_delete, n.found - coalesce(o.found, 0), n.shown \
         FROM new_values AS n JOIN (SELECT *, lower(child) AS c, lower(parent) AS p, lower(columns) AS k FROM refs \
         GROUP BY 1, 3, 5) AS r ON r.c = n.c AND r.p = n.p AND r.k = n.k \
         LEFT JOIN old_values AS o ON o.c = n.c AND o.p = n.p AND o.k = n.k AND o.key = n.key \
         WHERE n.found > coalesce(o.found, 0))",
        rows(&Scope::of_rows(effects)),
        remembered("renamed"),
        named("keys"),
        named("rows"),
        named("found"),
        remembered("made"),
        keyed("was.c"),
        named("mismatched"),
        named("was"),
        remembered("keyed"),
        rowid_alias("m.value", "1"),
        remembered("now"),
    );
    refuse(
        &format!("{fresh} SELECT 1 FROM fresh"),
        &format!(
            "{fresh} SELECT child, number, parent, columns, on_delete, \
             parent COLLATE NOCASE IN (SELECT name FROM names), found, (SELECT sum(found) FROM fresh), shown FROM fresh \
             LIMIT {LISTED}"
        ),
    )
}

/// A step that fails where a query has a row, and another query that explains it.
pub(super) fn refuse(query: &str, explain: &str) -> Step {
    Step {
        explain: Some(Arc::new(explain.to_owned())),
        ..Step::own(
            format!("SELECT CASE WHEN EXISTS ({query}) THEN json('refused') ELSE 1 END"),
            vec![],
        )
    }
}

/// Records the foreign keys whose parent has no such key, once in a run: before its first unit that may change that.
pub(super) fn mismatches_before(scope: &Scope) -> Step {
    Step::own(
        format!(
            "UPDATE _migrations SET down = json_set(coalesce(down, '{{\"lost\":[]}}'), '$.mismatched', \
             json(coalesce(json_extract(down, '$.mismatched'), (WITH {} \
             SELECT json_group_array(json_array(lower(child), lower(parent), lower(columns))) FROM mismatched)))) \
             WHERE {MEMORY}",
            mismatched(scope)
        ),
        vec![],
    )
}

/// Records the foreign keys whose parent table is there before a unit that may take it away.
pub(super) fn references_before(effects: &Effects, scope: &Scope) -> Option<Step> {
    let step = Step::own(
        format!(
            "UPDATE _migrations SET down = json_set(coalesce(down, '{{\"lost\":[]}}'), \
             '$.before', json((WITH {} SELECT json_group_array(json_array(lower(child), lower(columns), \
             refs.parent)) FROM refs JOIN names ON names.name = refs.parent COLLATE NOCASE))) WHERE {MEMORY}",
            refs(&Scope::of(effects))
        ),
        vec![],
    );
    (effects.may_lose_tables && !scope.is_empty()).then_some(step)
}

/// Foreign keys without a parent table. The joins go to materialized tables, for which the engine makes an index.
const LOST: &str = "\
lost AS MATERIALIZED (
  SELECT child, columns, parent FROM refs LEFT JOIN names ON names.name = refs.parent COLLATE NOCASE
  WHERE names.name IS NULL)";

/// Records the foreign keys that have lost their parent table in a unit.
pub(super) fn references_after(unit: &Unit, effects: &Effects, scope: &Scope) -> Option<Step> {
    let step = Step::own(
        format!(
            "UPDATE _migrations SET down = json_object('mismatched', json(CASE WHEN json_type(down, \
             '$.mismatched') = 'array' THEN (SELECT json_group_array(json_array(c, p, {columns})) FROM (SELECT \
             coalesce(r.value, json_extract(m.value, '$[0]')) AS c, coalesce(q.value, json_extract(m.value, '$[1]')) AS p, \
             json_extract(m.value, '$[2]') AS k FROM json_each(down, '$.mismatched') AS m \
             LEFT JOIN json_each(?2) AS r ON r.key = json_extract(m.value, '$[0]') \
             LEFT JOIN json_each(?2) AS q ON q.key = json_extract(m.value, '$[1]'))) END), 'lost', json((WITH {refs}, {LOST} \
             SELECT json_group_array(json(entry)) FROM (\
             SELECT value AS entry FROM json_each(down, '$.lost') UNION ALL \
             SELECT json_array(?1, lost.child, lost.columns, b.parent) FROM (SELECT c, {columns} AS k, parent FROM (SELECT \
             coalesce(r.value, json_extract(b.value, '$[0]')) AS c, json_extract(b.value, '$[1]') AS k, \
             json_extract(b.value, '$[2]') AS parent FROM json_each(down, '$.before') AS b \
             LEFT JOIN json_each(?2) AS r ON r.key = json_extract(b.value, '$[0]'))) AS b \
             JOIN lost ON lower(lost.child) = b.c AND lower(lost.columns) = b.k)))) WHERE {MEMORY}",
            columns = effects.columns_afterwards("c", "k"),
            refs = refs(&Scope::of(effects))
        ),
        vec![unit.record.key().to_string().into(), effects.renamed()],
    );
    (effects.may_lose_tables && !scope.is_empty()).then_some(step)
}

/// Fails where a foreign key that lost its parent table in this run has none, but for those of these tables.
pub(super) fn still_lost(scope: &Scope, but_of: &[&str]) -> Step {
    let still = lost_parents(scope, but_of);
    refuse(&still, &format!("{still} LIMIT {LISTED}"))
}

const MEMORY_ROW: &str = "\
memory AS (SELECT down FROM _migrations WHERE kind = 'meta' AND version = 'revision')";

/// The foreign keys that lost their parent table in this run and have none. The inner query runs only where something
/// was recorded.
fn lost_parents(scope: &Scope, but_of: &[&str]) -> String {
    let but_of: Vec<String> = but_of
        .iter()
        .map(|table| literal(&Value::from(*table)))
        .collect();
    format!(
        "WITH {}, {LOST}, {MEMORY_ROW} \
         SELECT json_extract(l.value, '$[0]') AS unit, lost.child AS child, lost.columns AS columns, \
         json_extract(l.value, '$[3]') AS before, lost.parent AS parent, NULL AS targets, NULL AS type \
         FROM memory, json_each(memory.down, '$.lost') AS l \
         JOIN lost ON lost.child = json_extract(l.value, '$[1]') AND lost.columns = json_extract(l.value, '$[2]') \
         WHERE lost.child NOT IN ({})",
        refs(scope),
        but_of.join(", ")
    )
}

/// The same of all tables; and fails where the parent of a foreign key has no such key and that was not so before the
/// run.
pub(super) fn still_lost_or_mismatched(scope: &Scope) -> Step {
    let mismatched = format!(
        "SELECT NULL AS unit, json_extract(m.value, '$[0]') AS child, json_extract(m.value, '$[1]') AS columns, \
         NULL AS before, json_extract(m.value, '$[2]') AS parent, json_extract(m.value, '$[3]') AS targets, \
         json_extract(m.value, '$[4]') AS type FROM json_each((SELECT CASE \
         json_type(memory.down, '$.mismatched') WHEN 'array' THEN (WITH {} \
         SELECT json_group_array(json_array(child, columns, parent, \
         (SELECT group_concat(value, ', ') FROM json_each(targets)), \
         (SELECT type FROM names WHERE name = mismatched.parent COLLATE NOCASE))) FROM mismatched \
         WHERE json_array(lower(child), lower(parent), lower(columns)) NOT IN (SELECT json(w.value) \
         FROM _migrations, json_each(_migrations.down, '$.mismatched') AS w WHERE kind = 'meta' AND version = 'revision')) \
         END FROM _migrations AS memory WHERE memory.kind = 'meta' AND memory.version = 'revision')) AS m",
        mismatched(scope)
    );
    let lost = match scope {
        // A run that drops and renames no table takes no parent away.
        Scope::Of(tables) if tables.naming.is_empty() => {
            return refuse(&mismatched, &format!("{mismatched} LIMIT {LISTED}"));
        }
        _ => lost_parents(scope, &[]),
    };
    // Each behind an EXISTS of its own: the Turso engine takes no compound query there.
    refuse(
        &format!("{lost}) OR EXISTS ({mismatched}"),
        &format!("{lost} UNION ALL {mismatched} LIMIT {LISTED}"),
    )
}

/// Forgets what was recorded about foreign keys in this run.
pub(super) fn forget() -> Step {
    Step::own(
        format!("UPDATE _migrations SET down = NULL WHERE {MEMORY}"),
        vec![],
    )
}

/// Forgets what was recorded about rows before a unit.
pub(super) fn forget_rows() -> Step {
    Step::own(
        format!("UPDATE _migrations SET source = NULL, checksum = NULL WHERE {MEMORY}"),
        vec![],
    )
}

/// Whether the rows of a unit are compared: with foreign keys off, and where a column may have become a foreign key.
pub(super) fn compares_rows(foreign_keys: ForeignKeys, effects: &Effects) -> bool {
    match foreign_keys {
        ForeignKeys::Off => true,
        ForeignKeys::On => effects.checked() != Checked::Nothing,
        ForeignKeys::Unchecked => false,
    }
}
