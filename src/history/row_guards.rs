//! The guards that compare the rows of a unit with those before it: none has lost its parent, and no foreign key has become
//! a mismatch. Pure.

use std::sync::{Arc, LazyLock};

use serde_json::json;

use super::effects::{Checked, Effects};
use super::guards::{
    ForeignKey, LISTED, MEMORY, Scope, is_none_of, mismatched, refuse, rowid_alias, unless,
};
use super::layout::VIOLATIONS;
use crate::db::Engine;
use crate::script::{ForeignKeys, Step, Unit};
use crate::sql::{Value, literal};

/// How many violations are compared row by row; above that they are counted.
pub(super) const COMPARED: usize = 10_000;

/// How rows without their parent are compared with those before a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Compared {
    /// By their rowids and their values: [`no_new_violation`].
    #[default]
    Rows,
    /// By their rowids, or for each foreign key how many they are: [`no_new_violation_by_rowid`].
    Rowids,
}

impl Compared {
    /// The Turso engine (0.8.3) does not compile the statement that compares values.
    pub(super) fn on(engine: Engine) -> Compared {
        match engine {
            Engine::Turso => Compared::Rowids,
            Engine::Local | Engine::Memory | Engine::Server => Compared::Rows,
        }
    }

    /// Whether the engine looks at the rows that are there when a column is added.
    pub(super) fn looks_at_old_rows(self) -> bool {
        self == Compared::Rows
    }
}

/// [`mismatched`], and the rows without their parent in all other tables of the scope.
pub(super) fn rows(scope: &Scope) -> String {
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

/// Fails where a row is without its parent or a foreign key is a mismatch, new or old; the chain goes on behind it.
pub(super) fn nothing_is_broken(effects: &Effects) -> Step {
    let sql = unless(&format!(
        "NOT EXISTS (WITH {} SELECT 1 FROM (SELECT child FROM mismatched UNION ALL SELECT child FROM broken))",
        rows(&Scope::of_rows(effects))
    ));
    Step::own(sql, vec![]).continuing()
}

/// Foreign keys that have become a mismatch, but for these, which a later script may repair.
pub(super) fn no_new_mismatch(effects: &Effects, but: &[ForeignKey<'_>]) -> Step {
    let fresh = format!(
        "WITH {}, renamed AS MATERIALIZED (SELECT key, value FROM {}), \
         fresh AS (SELECT lower(child) AS c, lower(parent) AS p, lower(columns) AS k FROM mismatched WHERE {} EXCEPT \
         SELECT c, p, k FROM {})",
        rows(&Scope::of_rows(effects)),
        remembered("renamed"),
        is_none_of(but, "child", "columns"),
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

/// What was remembered as `child, parent, columns, last, targets`, by the names after the unit: rows `c, p, k, last, t`.
fn named(what: &str, effects: &Effects) -> String {
    format!(
        "(SELECT c, p, {} AS k, last, t FROM (\
         SELECT coalesce(r.value, lower(json_extract(o.value, '$[0]'))) AS c, \
         coalesce(q.value, lower(json_extract(o.value, '$[1]'))) AS p, lower(json_extract(o.value, '$[2]')) AS k, \
         json_extract(o.value, '$[3]') AS last, json_extract(o.value, '$[4]') AS t FROM {} AS o \
         LEFT JOIN renamed AS r ON r.key = lower(json_extract(o.value, '$[0]')) \
         LEFT JOIN renamed AS q ON q.key = lower(json_extract(o.value, '$[1]'))))",
        effects.columns_afterwards("c", "k"),
        remembered(what)
    )
}

/// Rows whose parent has gone, and which had it before the unit.
///
/// A row that had no parent before is no reason, whatever it refers to now. In a table whose rows keep their keys, the
/// rowid or the primary key tells which row it is. Where the unit makes a table again, empties it or writes its keys,
/// the values of the foreign key tell it: no more rows of all tables may miss a key of one parent than before, since rows
/// move to other tables. Rows with other values than before are old where they have the rowid of one that was there, or
/// where the unit writes the keys that they refer to, and only as many as have gone.
///
/// Where values are not known, a row is the one that it was by its rowid and its foreign key, and in a table whose rowids
/// are not kept in a column rows are counted. Foreign keys are the same by their columns; those that are gone and those
/// that are new count as one.
///
/// Rows of the foreign keys in `but` may miss their parent table, which a later script may bring back.
pub(super) fn no_new_violation(effects: &Effects, but: &[ForeignKey<'_>]) -> Step {
    let keyed = |table: &str| {
        format!(
            "({table} IN (SELECT value FROM {}) AND {})",
            remembered("keyed"),
            rowid_alias(table, "1")
        )
    };
    let made = remembered("made");
    let named = |what: &str| named(what, effects);
    let kept = "CASE WHEN (c, p, k) IN (SELECT c, p, k FROM kept) THEN k ELSE '' END AS k";
    let by_value = by_value();
    let fresh = format!(
        "WITH {}, \
         renamed AS MATERIALIZED (SELECT key, value FROM {}), \
         keys AS MATERIALIZED (SELECT c, p, k FROM {}), \
         kept AS MATERIALIZED (SELECT c, p, k FROM keys \
         INTERSECT SELECT lower(child), lower(parent), lower(columns) FROM refs), \
         old AS MATERIALIZED (SELECT c, p, {kept}, last AS number FROM {}), \
         was AS MATERIALIZED (SELECT c, p, k, sum(last) AS found FROM (SELECT c, p, {kept}, last FROM {}) \
         GROUP BY 1, 2, 3), \
         counted AS MATERIALIZED (SELECT DISTINCT c FROM was WHERE \
         (SELECT json_type(source, '$.rows') FROM _migrations WHERE {MEMORY}) IS NOT 'array' \
         OR c IN (SELECT value FROM {made}) AND NOT {} \
         OR c IN (SELECT c FROM old WHERE number IS NULL)), \
         unsound AS MATERIALIZED (SELECT c FROM {} UNION SELECT lower(child) FROM mismatched), \
         recorded AS MATERIALIZED (SELECT c, p, k, t, last FROM {} WHERE c IS NOT NULL), \
         {by_value}, \
         judged AS MATERIALIZED (SELECT c, p, {kept}, child, number, parent, columns, on_delete FROM lost_rows \
         WHERE c NOT IN (SELECT c FROM unsound) AND (c, p, k) NOT IN (SELECT c, p, k FROM by_value)), \
         found_rows AS MATERIALIZED (\
         SELECT j.child AS child, j.number AS number, j.parent AS parent, columns, on_delete, 1 AS found, NULL AS shown \
         FROM judged AS j LEFT JOIN old ON old.c = j.c AND old.number = j.number AND old.p = j.p AND old.k = j.k \
         WHERE old.c IS NULL AND j.c NOT IN (SELECT c FROM counted) \
         UNION ALL \
         SELECT j.child, NULL, j.parent, j.columns, j.on_delete, j.found - coalesce(was.found, 0), NULL \
         FROM (SELECT *, count(*) AS found FROM judged WHERE c IN (SELECT c FROM counted) GROUP BY c, p, k) AS j \
         LEFT JOIN was ON was.c = j.c AND was.p = j.p AND was.k = j.k WHERE j.found > coalesce(was.found, 0) \
         UNION ALL \
         SELECT child, number, parent, columns, on_delete, count(*), shown FROM (\
         SELECT r.child, iif(typeof(f.number) = 'integer' AND NOT is_counted AND f.c IN (SELECT c FROM keyed_now), f.number, NULL) \
         AS number, r.parent, r.columns, r.on_delete, iif(is_counted, NULL, f.shown) AS shown, iif(is_counted, NULL, f.key) AS key FROM fresh_rows AS f \
         JOIN (SELECT *, lower(child) AS c, lower(parent) AS p, lower(columns) AS k FROM refs \
         GROUP BY 1, 3, 5) AS r ON r.c = f.c AND r.p = f.p AND r.k = f.k) GROUP BY child, parent, columns, key, number), \
         fresh AS MATERIALIZED (SELECT * FROM found_rows WHERE {} OR parent COLLATE NOCASE IN (SELECT name FROM names))",
        rows(&Scope::of_rows(effects)),
        remembered("renamed"),
        named("keys"),
        named("rows"),
        named("found"),
        keyed("was.c"),
        named("mismatched"),
        named("was"),
        is_none_of(but, "child", "columns"),
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

/// The same without the values of the foreign keys. A row is the one that it was by its rowid and its foreign key; in the
/// tables `replaced`, whose rows do not keep their rowids, rows are counted. Where a foreign key had all parents before,
/// each row is new.
pub(super) fn no_new_violation_by_rowid(
    effects: &Effects,
    replaced: &[String],
    but: &[ForeignKey<'_>],
) -> Step {
    let fresh = format!(
        "WITH {}, renamed AS MATERIALIZED (SELECT key, value FROM {}), \
         was AS MATERIALIZED (SELECT c, p, k, sum(last) AS found FROM {} GROUP BY c, p, k), \
         old AS MATERIALIZED (SELECT c, p, k, last AS number FROM {}), \
         judged AS MATERIALIZED (SELECT lower(child) AS c, lower(b.parent) AS p, lower(columns) AS k, b.child AS child, \
         b.number AS number, b.parent AS parent, columns, on_delete, n.name IS NOT NULL AS is_there FROM broken AS b \
         LEFT JOIN names AS n ON n.name = b.parent COLLATE NOCASE WHERE {} OR n.name IS NOT NULL), \
         placed AS MATERIALIZED (SELECT j.*, coalesce(was.found, 0) AS was_found, coalesce(was.found, 0) > 0 AND (j.c IN ({}) \
         OR (SELECT json_type(source, '$.rows') FROM _migrations WHERE {MEMORY}) IS NOT 'array') AS is_counted \
         FROM judged AS j LEFT JOIN was ON was.c = j.c AND was.p = j.p AND was.k = j.k), \
         fresh AS MATERIALIZED (\
         SELECT j.child AS child, j.number AS number, j.parent AS parent, columns, on_delete, is_there, 1 AS found \
         FROM placed AS j LEFT JOIN old ON old.c = j.c AND old.number = j.number AND old.p = j.p AND old.k = j.k \
         WHERE NOT is_counted AND old.c IS NULL \
         UNION ALL \
         SELECT child, NULL, parent, columns, on_delete, is_there, found - was_found FROM (\
         SELECT child, parent, columns, max(on_delete) AS on_delete, max(is_there) AS is_there, \
         max(was_found) AS was_found, count(*) AS found FROM placed WHERE is_counted GROUP BY c, p, k) \
         WHERE found > was_found)",
        rows(&Scope::of_rows(effects)),
        remembered("renamed"),
        named("found", effects),
        named("rows", effects),
        is_none_of(but, "child", "columns"),
        replaced
            .iter()
            .map(|name| literal(&name.to_ascii_lowercase().as_str().into()))
            .collect::<Vec<_>>()
            .join(", "),
    );
    refuse(
        &format!("{fresh} SELECT 1 FROM fresh"),
        &format!(
            "{fresh} SELECT child, number, parent, columns, on_delete, is_there, found, \
             (SELECT sum(found) FROM fresh), NULL FROM fresh LIMIT {LISTED}"
        ),
    )
}

/// The tables of a query that compares rows without their parent which were recorded with their values; `fresh_rows` are
/// the new ones.
///
/// What is compared is a parent with the columns that are referred to (`i`): the same ones for all tables. A foreign key
/// that has replaced another one of the same columns, whose parent has changed, goes with that one; and where the parent is
/// new, it goes with those whose parent is gone. The values of a foreign key count only where they are as many as the rows
/// that the engine finds: it was read from the text of the unit.
///
/// Rows that are the `same` are left out of both sides; of the others, `come` and `gone`, each with a value that has gone
/// from elsewhere is one that moved. The rest of them (`spare`) are as many as may still be old with another value.
fn by_value() -> String {
    let parent =
        "CASE WHEN p IN (SELECT lower(name) FROM names) THEN p || '(' || t || ')' ELSE '' END";
    let (made, now) = (remembered("made"), remembered("now"));
    let alias = rowid_alias("f.c", "1");
    format!(
        "lost_rows AS MATERIALIZED (SELECT lower(child) AS c, lower(parent) AS p, lower(columns) AS k, * FROM broken), \
         lost_counts AS MATERIALIZED (SELECT c, p, k, count(*) AS found FROM lost_rows GROUP BY 1, 2, 3), \
         now_keys AS MATERIALIZED (SELECT lower(child) AS c, lower(parent) AS p, lower(columns) AS k, count(*) AS times \
         FROM refs GROUP BY 1, 2, 3), \
         pooled AS MATERIALIZED (SELECT c, p, k, {parent} AS i, last FROM recorded), \
         by_value AS MATERIALIZED (SELECT n.c AS c, n.p AS p, n.k AS k, n.last AS last, mode, rewritten, coalesce(\
         (SELECT i FROM pooled AS o WHERE o.c = n.c AND o.p = n.p AND o.k = n.k), \
         (SELECT i FROM pooled AS o WHERE o.c = n.c AND o.k = n.k \
         AND (o.c, o.p, o.k) NOT IN (SELECT c, p, k FROM now_keys)), \
         CASE WHEN p IN (SELECT p FROM recorded) THEN {parent} ELSE '' END) AS i FROM (\
         SELECT lower(json_extract(w.value, '$[0]')) AS c, lower(json_extract(w.value, '$[1]')) AS p, \
         lower(json_extract(w.value, '$[2]')) AS k, json_extract(w.value, '$[3]') AS last, \
         json_extract(w.value, '$[4]') AS t, json_extract(w.value, '$[5]') AS mode, \
         json_extract(w.value, '$[6]') AS rewritten, (SELECT coalesce(sum(json_extract(v.value, '$[2]')), 0) \
         FROM json_each(json_extract(w.value, '$[3]')) AS v) AS total FROM {now} AS w) AS n \
         JOIN now_keys USING (c, p, k) LEFT JOIN lost_counts USING (c, p, k) \
         WHERE n.c NOT IN (SELECT c FROM unsound) AND n.total * times = coalesce(lost_counts.found, 0) \
         AND ((n.c, n.p, n.k) IN (SELECT c, p, k FROM recorded) OR (n.c, n.p, n.k) NOT IN (SELECT c, p, k FROM keys))), \
         old_rows AS MATERIALIZED (SELECT c, k, i, json_extract(v.value, '$[0]') AS key, r.value AS number \
         FROM pooled, json_each(last) AS v, json_each(v.value, '$[3]') AS r \
         WHERE (c, p, k) IN (SELECT c, p, k FROM by_value) OR (c, p, k) NOT IN (SELECT c, p, k FROM now_keys)), \
         new_rows AS MATERIALIZED (SELECT c, p, k, i, mode, rewritten, json_extract(v.value, '$[0]') AS key, \
         json_extract(v.value, '$[1]') AS shown, r.value AS number \
         FROM by_value, json_each(last) AS v, json_each(v.value, '$[3]') AS r), \
         known AS MATERIALIZED (SELECT DISTINCT c, k, i, number FROM new_rows JOIN old_rows USING (c, k, i, number)), \
         keyed_now AS MATERIALIZED (SELECT DISTINCT c FROM by_value AS f WHERE f.c NOT IN (SELECT value FROM {made}) OR {alias}), \
         same AS MATERIALIZED (SELECT DISTINCT c, k, i, number FROM new_rows JOIN known USING (c, k, i, number) \
         WHERE mode <> 'replaced'), \
         come AS MATERIALIZED (SELECT n.* FROM new_rows AS n LEFT JOIN same AS s \
         ON s.c = n.c AND s.k = n.k AND s.i = n.i AND s.number = n.number WHERE s.c IS NULL), \
         gone AS MATERIALIZED (SELECT o.* FROM old_rows AS o LEFT JOIN same AS s \
         ON s.c = o.c AND s.k = o.k AND s.i = o.i AND s.number = o.number WHERE s.c IS NULL), \
         come_all AS MATERIALIZED (SELECT i, key, count(*) AS found FROM come WHERE mode <> 'kept' GROUP BY 1, 2), \
         gone_all AS MATERIALIZED (SELECT i, key, count(*) AS found FROM gone GROUP BY 1, 2), \
         gone_of AS MATERIALIZED (SELECT c, i, key, count(*) AS found FROM gone GROUP BY 1, 2, 3), \
         spare AS MATERIALIZED (SELECT g.i AS i, sum(max(g.found - coalesce(n.found, 0), 0)) AS found \
         FROM gone_all AS g LEFT JOIN come_all AS n ON n.i = g.i AND n.key = g.key GROUP BY 1), \
         excess AS MATERIALIZED (SELECT n.c AS c, n.p AS p, n.k AS k, n.i AS i, n.key AS key, CASE n.mode \
         WHEN 'kept' THEN n.found \
         WHEN 'grown' THEN min(n.found, max(coalesce(a.found, 0) - coalesce(g.found, 0), \
         n.found - coalesce(g.found, 0) + coalesce(o.found, 0))) \
         ELSE min(n.found, coalesce(a.found, 0) - coalesce(g.found, 0)) END AS found \
         FROM (SELECT c, p, k, i, mode, key, count(*) AS found FROM come GROUP BY 1, 2, 3, 4, 5, 6) AS n \
         LEFT JOIN come_all AS a ON a.i = n.i AND a.key = n.key LEFT JOIN gone_all AS g ON g.i = n.i AND g.key = n.key \
         LEFT JOIN gone_of AS o ON o.c = n.c AND o.i = n.i AND o.key = n.key), \
         placed AS MATERIALIZED (SELECT n.*, e.found AS found, n.mode <> 'kept' AND (n.rewritten \
         OR n.mode = 'replaced' AND known.c IS NOT NULL AND (typeof(n.number) <> 'integer' OR n.c IN (SELECT c FROM keyed_now))) AS may_be_old, row_number() OVER (PARTITION BY n.c, n.p, n.k, n.i, n.key \
         ORDER BY known.c IS NOT NULL, n.number) AS nth FROM come AS n \
         JOIN excess AS e ON e.c = n.c AND e.p = n.p AND e.k = n.k AND e.i = n.i AND e.key = n.key AND e.found > 0 \
         LEFT JOIN known ON known.c = n.c AND known.k = n.k AND known.i = n.i AND known.number = n.number), \
         fresh_rows AS MATERIALIZED (SELECT p.*, may_be_old AND coalesce(spare.found, 0) > 0 AS is_counted FROM (SELECT *, row_number() OVER (PARTITION BY i, may_be_old \
         ORDER BY c, k, number) AS place FROM placed WHERE nth <= found) AS p LEFT JOIN spare ON spare.i = p.i \
         WHERE NOT may_be_old OR place > coalesce(spare.found, 0))"
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
        ForeignKeys::On => !matches!(effects.checked(), Checked::Nothing | Checked::Constraints),
        ForeignKeys::Unchecked => false,
    }
}
