//! The guards that a script carries beside the revision: what must hold before its COMMIT. Pure.
//!
//! A server is sent one chain of statements, so a guard is a statement that fails. What it compares with is recorded
//! earlier in the same chain, in columns of the row `revision` that are otherwise empty; they are empty again at the
//! end of the run. No guard depends on the words of an error, only on the step that failed.

use super::effects::Effects;
use crate::script::{Step, Unit};
use crate::sql::literal;

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

impl Tables {
    /// These tables alone.
    pub(super) fn children(children: impl Iterator<Item = String>) -> Tables {
        Tables {
            children: children.collect(),
            naming: Vec::new(),
        }
    }
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
    pub(super) fn of_rows(effects: &Effects) -> Scope {
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
pub(super) fn refs(scope: &Scope) -> String {
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
pub(super) fn rowid_alias(table: &str, is: &str) -> String {
    format!(
        "(SELECT count(*) = 1 AND max(upper(type) = 'INTEGER' AND {is}) FROM pragma_table_info({table}) WHERE pk > 0) \
         AND NOT EXISTS (SELECT 1 FROM pragma_index_list({table}) WHERE origin = 'pk')"
    )
}

/// Foreign keys whose parent has no such key, for which `PRAGMA foreign_key_check` fails:
/// <https://sqlite.org/foreignkeys.html#fk_indexes>. An index has to have the collation of the column, which no query
/// shows: it is `BINARY` where the text of the table has no `COLLATE`. Many foreign keys refer to one key, which is
/// looked at once.
pub(super) fn mismatched(scope: &Scope) -> String {
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

/// How many rows are listed.
pub(super) const LISTED: usize = 20;

/// A statement that fails unless a condition holds, and leaves the transaction open, so that what explains it can be read:
/// it violates the key of the history, and a failed constraint ends no transaction. Behind other errors at run time the
/// Turso engine (0.8.3) rolls it back.
pub(super) fn unless(condition: &str) -> String {
    format!(
        "INSERT INTO _migrations SELECT * FROM _migrations WHERE {MEMORY} AND NOT ({condition})"
    )
}

/// A step that fails where a query has a row, and another query that explains it.
pub(super) fn refuse(query: &str, explain: &str) -> Step {
    refuse_any(&[query], explain)
}

/// The same for several queries, each behind an `EXISTS` of its own: the Turso engine takes no compound query there.
fn refuse_any(queries: &[&str], explain: &str) -> Step {
    let none = queries.iter().map(|query| format!("NOT EXISTS ({query})"));
    let none: Vec<String> = none.collect();
    Step::own(unless(&none.join(" AND ")), vec![]).explained(explain.to_owned())
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
            "UPDATE _migrations SET down = json_remove(json_set(down, '$.mismatched', json(CASE WHEN json_type(down, \
             '$.mismatched') = 'array' THEN (SELECT json_group_array(json_array(c, p, {columns})) FROM (SELECT \
             coalesce(r.value, json_extract(m.value, '$[0]')) AS c, coalesce(q.value, json_extract(m.value, '$[1]')) AS p, \
             json_extract(m.value, '$[2]') AS k FROM json_each(down, '$.mismatched') AS m \
             LEFT JOIN json_each(?2) AS r ON r.key = json_extract(m.value, '$[0]') \
             LEFT JOIN json_each(?2) AS q ON q.key = json_extract(m.value, '$[1]'))) END), '$.lost', json((WITH {refs}, {LOST} \
             SELECT json_group_array(json(entry)) FROM (\
             SELECT value AS entry FROM json_each(down, '$.lost') UNION ALL \
             SELECT json_array(?1, lost.child, lost.columns, b.parent) FROM (SELECT c, {columns} AS k, parent FROM (SELECT \
             coalesce(r.value, json_extract(b.value, '$[0]')) AS c, json_extract(b.value, '$[1]') AS k, \
             json_extract(b.value, '$[2]') AS parent FROM json_each(down, '$.before') AS b \
             LEFT JOIN json_each(?2) AS r ON r.key = json_extract(b.value, '$[0]'))) AS b \
             JOIN lost ON lower(lost.child) = b.c AND lower(lost.columns) = b.k)))), '$.before') WHERE {MEMORY}",
            columns = effects.columns_afterwards("c", "k"),
            refs = refs(&Scope::of(effects))
        ),
        vec![unit.record.key().to_string().into(), effects.renamed()],
    );
    (effects.may_lose_tables && !scope.is_empty()).then_some(step)
}

const MEMORY_ROW: &str = "\
memory AS (SELECT down FROM _migrations WHERE kind = 'meta' AND version = 'revision')";

/// A foreign key, by its table and its columns: `a, b`.
pub(super) type ForeignKey<'a> = (&'a str, &'a str);

/// A condition that a foreign key, by these two expressions, is none of these.
pub(super) fn is_none_of(but: &[ForeignKey<'_>], child: &str, columns: &str) -> String {
    let text = |name: &str| literal(&name.to_ascii_lowercase().as_str().into());
    let pairs = but.iter();
    let pairs: Vec<String> = pairs
        .map(|(child, columns)| format!("({}, {})", text(child), text(columns)))
        .collect();
    match pairs.as_slice() {
        [] => "1".to_owned(),
        pairs => format!(
            "(lower({child}), lower({columns})) NOT IN (VALUES {})",
            pairs.join(", ")
        ),
    }
}

/// The foreign keys without a parent table, and those without a key in it: child, columns, parent, key; no key where the
/// table is missing.
pub(super) fn broken_references() -> String {
    format!(
        "WITH {}, {LOST} SELECT child, columns, parent, NULL FROM lost UNION ALL SELECT child, columns, parent, \
         (SELECT coalesce(group_concat(value, ', '), '') FROM json_each(targets)) FROM mismatched",
        mismatched(&Scope::All)
    )
}

/// The foreign keys that lost their parent table in this run and have none, but for these. The inner query runs only where
/// something was recorded.
fn lost_parents(scope: &Scope, but: &[ForeignKey<'_>]) -> String {
    format!(
        "WITH {}, {LOST}, {MEMORY_ROW} \
         SELECT json_extract(l.value, '$[0]') AS unit, lost.child AS child, lost.columns AS columns, \
         json_extract(l.value, '$[3]') AS before, lost.parent AS parent, NULL AS targets, NULL AS type \
         FROM memory, json_each(memory.down, '$.lost') AS l \
         JOIN lost ON lost.child = json_extract(l.value, '$[1]') AND lost.columns = json_extract(l.value, '$[2]') \
         WHERE {}",
        refs(scope),
        is_none_of(but, "lost.child", "lost.columns")
    )
}

/// Fails where a foreign key that lost its parent table in this run has none, and where the parent of a foreign key has no
/// such key and that was not so before the run; but for these foreign keys, which a later script may repair.
pub(super) fn still_lost_or_mismatched(scope: &Scope, but: &[ForeignKey<'_>]) -> Step {
    let mismatched = format!(
        "SELECT NULL AS unit, json_extract(m.value, '$[0]') AS child, json_extract(m.value, '$[1]') AS columns, \
         NULL AS before, json_extract(m.value, '$[2]') AS parent, json_extract(m.value, '$[3]') AS targets, \
         json_extract(m.value, '$[4]') AS type FROM json_each((SELECT CASE \
         json_type(memory.down, '$.mismatched') WHEN 'array' THEN (WITH {} \
         SELECT json_group_array(json_array(child, columns, parent, \
         (SELECT group_concat(value, ', ') FROM json_each(targets)), \
         (SELECT type FROM names WHERE name = mismatched.parent COLLATE NOCASE))) FROM mismatched \
         WHERE json_array(lower(child), lower(parent), lower(columns)) NOT IN (SELECT json(w.value) \
         FROM _migrations, json_each(_migrations.down, '$.mismatched') AS w WHERE kind = 'meta' AND version = 'revision') AND {}) \
         END FROM _migrations AS memory WHERE memory.kind = 'meta' AND memory.version = 'revision')) AS m",
        mismatched(scope),
        is_none_of(but, "child", "columns")
    );
    let lost = match scope {
        // A run that drops and renames no table takes no parent away.
        Scope::Of(tables) if tables.naming.is_empty() => {
            return refuse(&mismatched, &format!("{mismatched} LIMIT {LISTED}"));
        }
        _ => lost_parents(scope, but),
    };
    refuse_any(
        &[&lost, &mismatched],
        &format!("{lost} UNION ALL {mismatched} LIMIT {LISTED}"),
    )
}

/// Keeps what the run has left broken, as [`LEFT_BROKEN`].
pub(super) fn keep_left_broken(left: &Vec<serde_json::Value>) -> Step {
    Step::own(
        format!(
            "UPDATE _migrations SET down = json_set(coalesce(down, '{{\"lost\":[]}}'), '$.left_broken', json(?1)) \
             WHERE {MEMORY}"
        ),
        vec![serde_json::json!(left).to_string().into()],
    )
}

/// Beside the other rows of the kind `meta`, what a run has left broken.
pub(super) const LEFT_BROKEN: &str = "\
SELECT 'left_broken', json_extract(down, '$.left_broken') FROM _migrations \
WHERE kind = 'meta' AND version = 'revision' AND down IS NOT NULL";

/// Forgets what was recorded about foreign keys in this run, and what it left broken.
pub(super) fn forget() -> Step {
    Step::own(
        format!("UPDATE _migrations SET down = NULL WHERE {MEMORY}"),
        vec![],
    )
}
