//! The guards that a script carries beside the revision: what must hold before its COMMIT. Pure.
//!
//! A server is sent one chain of statements, so a guard is a statement that fails. What it compares with is recorded
//! earlier in the same chain, in columns of the row `revision` that are otherwise empty; they are empty again at the
//! end of the run. No guard depends on the words of an error, only on the step that failed.

use std::sync::{Arc, LazyLock};

use serde_json::json;

use super::layout::VIOLATIONS;
use crate::db::Query;
use crate::script::{Atomicity, ForeignKeys, Key, Script, Step, Unit};
use crate::sql::{Kind, Token, Value, What, identifier, kind, significant, unquote};

/// What the text of a unit can do to the schema, read from the first tokens of its statements.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Effects {
    /// The tables that it creates, by their names at its end. In lower case, as all names here.
    made: Vec<String>,
    /// The tables that it renames: name before, name at its end.
    renamed: Vec<(String, String)>,
    /// The tables of which it changes a column with libSQL's `ALTER COLUMN`, which does not look at the rows.
    retyped: Vec<String>,
    /// The views and triggers that it creates, and those that it drops.
    pub(super) created: Vec<String>,
    dropped: Vec<String>,
    /// Whether a view or a trigger may fail to compile afterwards.
    pub(super) may_break: bool,
    /// Whether a foreign key may lose its parent table.
    may_lose_parents: bool,
    /// Whether it sets `PRAGMA writable_schema`.
    writes_schema: bool,
    /// Whether it sets `PRAGMA legacy_alter_table`.
    is_legacy: bool,
}

impl Effects {
    /// Seeds and imports change no schema that the guards are about: a dump is restored as it was.
    pub(super) fn of(unit: &Unit) -> Effects {
        let mut effects = Effects::default();
        if let Key::Migration(_) | Key::Repeatable(_) = unit.record.key() {
            for step in &unit.steps {
                effects.statement(&step.sql);
            }
        }
        effects
    }

    fn statement(&mut self, sql: &str) {
        match kind(sql) {
            Kind::Create(object) => match object.what {
                What::Table | What::VirtualTable => {
                    let name = object.name.to_ascii_lowercase();
                    // It may be there already, with its rows.
                    if !object.if_exists {
                        self.made.push(name);
                    }
                }
                What::View | What::Trigger => {
                    self.may_break = true;
                    self.created.push(object.name.to_ascii_lowercase());
                }
                What::Index | What::Other => {}
            },
            Kind::Drop(object) => {
                self.may_break |= object.what != What::Trigger;
                let name = object.name.to_ascii_lowercase();
                if object.what == What::Table {
                    self.may_lose_parents = true;
                    self.made.retain(|made| *made != name);
                    self.renamed.retain(|(_, to)| *to != name);
                } else {
                    self.dropped.push(name);
                }
            }
            Kind::Alter => self.alter(sql),
            Kind::Pragma(pragma) if pragma.value.is_some() => match pragma.name.as_str() {
                "writable_schema" => {
                    self.writes_schema = true;
                    self.may_break = true;
                    self.may_lose_parents = true;
                }
                "legacy_alter_table" => self.is_legacy = true,
                _ => {}
            },
            _ => {}
        }
    }

    /// `ALTER TABLE [schema.]name …`.
    fn alter(&mut self, sql: &str) {
        self.may_break = true;
        let mut tokens = significant(sql).skip(2).peekable();
        let name = |token: Token| unquote(token.text(sql)).to_ascii_lowercase();
        let Some(mut table) = tokens.next().map(name) else {
            return;
        };
        if tokens.next_if(|token| token.text(sql) == ".").is_some() {
            table = tokens.next().map(name).unwrap_or_default();
        }
        let Some(verb) = tokens.next() else { return };
        if verb.is_word(sql, "ALTER") {
            self.retyped.push(table);
        } else if verb.is_word(sql, "RENAME") {
            self.may_lose_parents = true;
            let is_table = tokens.next_if(|token| token.is_word(sql, "TO")).is_some();
            if let (true, Some(to)) = (is_table, tokens.next().map(name)) {
                self.rename(table, to);
            }
        }
    }

    fn rename(&mut self, from: String, to: String) {
        if let Some(made) = self.made.iter_mut().find(|made| **made == from) {
            *made = to;
        } else if let Some((_, now)) = self.renamed.iter_mut().find(|(_, now)| *now == from) {
            *now = to;
        } else {
            self.renamed.push((from, to));
        }
    }

    fn renamed(&self) -> Value {
        let pairs = self.renamed.iter();
        let pairs: serde_json::Map<String, serde_json::Value> = pairs
            .map(|(from, to)| (from.clone(), to.as_str().into()))
            .collect();
        Value::Text(serde_json::Value::Object(pairs).to_string())
    }
}

/// Whether a statement of a unit may write to the rows of a table: all that have its name, but `DROP`.
pub(super) fn writes_to(unit: &Unit, table: &str) -> bool {
    let names = |sql: &str| {
        significant(sql).any(|token| unquote(token.text(sql)).eq_ignore_ascii_case(table))
    };
    let mut steps = unit.steps.iter();
    steps.any(|step| !matches!(kind(&step.sql), Kind::Drop(_)) && names(&step.sql))
}

/// The guards of a run over the schema as a whole. A later script may make what an earlier one refers to, so they
/// compare the beginning of the first script with the end of the last.
#[derive(Debug, Clone, Default)]
pub(crate) struct Watch {
    /// Whether a view or a trigger may stop compiling.
    compiles: bool,
    /// Whether a foreign key may lose its parent table.
    references: bool,
    /// Whether a script of the run is committed.
    has_begun: bool,
    /// How many scripts are left.
    left: usize,
    /// The views and triggers that did not compile before the run; none until they are known.
    broken: Option<Vec<SchemaObject>>,
    /// The views and triggers that the run drops: what then has the name is another object.
    dropped: Vec<String>,
}

/// Where a script stands in its run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    watch: &'a Watch,
    is_first: bool,
    is_last: bool,
}

impl Watch {
    /// The guards that a run of these scripts needs.
    pub(crate) fn new(scripts: &[Script]) -> Watch {
        let mut watch = Watch {
            left: scripts.len(),
            ..Watch::default()
        };
        for unit in in_transactions(scripts) {
            let effects = Effects::of(unit);
            watch.compiles |= effects.may_break;
            watch.references |= effects.may_lose_parents;
            watch.dropped.extend(effects.dropped);
        }
        watch
    }

    /// All guards, for one more script of a run that left something broken. Where `is_last`, it has to be whole again
    /// behind this one.
    pub(crate) fn going_on(is_last: bool) -> Watch {
        Watch {
            compiles: true,
            references: true,
            has_begun: true,
            left: if is_last { 1 } else { 2 },
            ..Watch::default()
        }
    }

    /// The place of one of the next scripts, from 0.
    pub(super) fn place(&self, next: usize) -> Place<'_> {
        Place {
            watch: self,
            is_first: !self.has_begun && next == 0,
            is_last: next + 1 == self.left,
        }
    }

    /// So many more scripts are committed.
    pub(super) fn happened(&mut self, scripts: usize) {
        self.has_begun |= scripts > 0;
        self.left -= scripts;
    }

    /// These views and triggers do not compile before the run begins. Where the probe fails for another reason, it tells
    /// nothing about this database and is left out.
    pub(super) fn knows_broken(&mut self, broken: Vec<SchemaObject>) {
        self.compiles = !broken.is_empty() && self.broken.is_none();
        self.broken = Some(broken);
    }
}

fn in_transactions(scripts: &[Script]) -> impl Iterator<Item = &Unit> {
    let scripts = scripts
        .iter()
        .filter(|script| script.atomicity == Atomicity::Transaction);
    scripts.flat_map(|script| &script.units)
}

/// Steps of one guard, and which of them fails where it does not hold.
pub(super) enum Guard {
    /// Records what a later step compares with.
    Record(Step),
    /// Fails where it does not hold.
    Refuse(Step),
}

impl Place<'_> {
    /// Before the units of a script.
    pub(super) fn before(&self) -> Vec<Guard> {
        let mut guards = Vec::new();
        if self.is_first && self.watch.references {
            guards.push(Guard::Record(forget()));
        }
        if self.is_first && self.watch.compiles {
            guards.extend(self.probe(&[]));
        }
        guards
    }

    /// Behind the units of a script: every view and every trigger compiles.
    pub(super) fn compiles(&self, script: &Script) -> Vec<Guard> {
        if !self.is_last || !self.watch.compiles {
            return Vec::new();
        }
        let mut guards = Vec::new();
        if script.units.iter().any(|unit| Effects::of(unit).is_legacy) {
            guards.push(Guard::Record(Step::own(
                "PRAGMA legacy_alter_table = OFF",
                vec![],
            )));
        }
        guards.extend(self.probe(&self.watch.dropped));
        guards
    }

    /// Behind the units of a script: no foreign key has lost its parent table.
    pub(super) fn references(&self) -> Vec<Guard> {
        if !self.is_last || !self.watch.references {
            return Vec::new();
        }
        vec![Guard::Refuse(still_lost()), Guard::Record(forget())]
    }

    /// Renaming any table compiles every view and every trigger: <https://sqlite.org/lang_altertable.html>. Meanwhile those
    /// that did not compile before are not there, but for those of these names.
    fn probe(&self, dropped: &[String]) -> Vec<Guard> {
        let own = |sql: &str| Step::own(sql, vec![]);
        let create = own("CREATE TABLE _seedbed_probe (x)");
        let rename = Step {
            explain: Some(BROKEN_VIEWS.into()),
            ..own("ALTER TABLE _seedbed_probe RENAME TO _seedbed_probed")
        };
        match &self.watch.broken {
            None => vec![
                Guard::Record(create),
                Guard::Refuse(rename),
                Guard::Record(own("DROP TABLE _seedbed_probed")),
            ],
            Some(broken) => {
                let mut guards = vec![Guard::Record(own("SAVEPOINT _seedbed_probe"))];
                let broken = broken
                    .iter()
                    .filter(|[_, name, ..]| !dropped.contains(&text(name).to_ascii_lowercase()));
                guards.extend(broken.map(|it| Guard::Record(own(&drop(it)))));
                guards.push(Guard::Record(create));
                guards.push(Guard::Refuse(rename));
                guards.push(Guard::Record(own("ROLLBACK TO _seedbed_probe")));
                guards.push(Guard::Record(own("RELEASE _seedbed_probe")));
                guards
            }
        }
    }
}

/// The views that do not compile. For each view that has no columns yet, the pragma tries to compile it:
/// <https://sqlite.org/pragma.html#pragma_table_list>.
const BROKEN_VIEWS: &str = "\
SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'view' AND ncol = 0 ORDER BY name LIMIT 20";

/// How many violations are compared row by row; above that they are counted.
const COMPARED: usize = 10_000;

/// The row of `_migrations` in whose columns a run remembers: `source` rows, `checksum` faults, `down` references.
const MEMORY: &str = "kind = 'meta' AND version = 'revision'";

/// Foreign keys, one row for each.
const REFS: &str = "\
refs AS MATERIALIZED (
  SELECT child, id, parent, on_delete, count(*) AS width, group_concat(column, ', ') AS columns,
    json_group_array(lower(target)) AS targets, max(target IS NULL) AS implied
  FROM (
    SELECT s.name AS child, f.id AS id, f.\"table\" AS parent, f.on_delete AS on_delete, f.\"from\" AS column,
      f.\"to\" AS target
    FROM sqlite_schema AS s, pragma_foreign_key_list(s.name) AS f WHERE s.type = 'table' ORDER BY s.name, f.id, f.seq)
  GROUP BY child, id),
names AS MATERIALIZED (SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view'))";

/// Whether the table of this name has a column that is its rowid: <https://sqlite.org/lang_createtable.html#rowid>.
/// The expression is about that column, `name`.
fn rowid_alias(table: &str, is: &str) -> String {
    format!(
        "(SELECT count(*) = 1 AND max(upper(type) = 'INTEGER' AND {is}) FROM pragma_table_info({table}) WHERE pk > 0) \
         AND NOT EXISTS (SELECT 1 FROM pragma_index_list({table}) WHERE origin = 'pk')"
    )
}

/// Foreign keys whose parent has no such key, for which `PRAGMA foreign_key_check` fails
/// (<https://sqlite.org/foreignkeys.html#fk_indexes>), and the rows without their parent in all other tables.
fn rows() -> String {
    let alias = rowid_alias(
        "refs.parent",
        "(implied OR lower(name) = json_extract(targets, '$[0]'))",
    );
    format!(
        "{REFS},
mismatched AS MATERIALIZED (
  SELECT child, parent, columns, targets FROM refs JOIN names ON names.name = refs.parent COLLATE NOCASE
  WHERE names.type = 'view' OR NOT (
    width = 1 AND {alias}
    OR EXISTS (
      SELECT 1 FROM pragma_index_list(refs.parent) AS i WHERE i.\"unique\" AND NOT i.partial
      AND (NOT implied OR i.origin = 'pk')
      AND (SELECT count(*) = width AND min(implied OR c.name IS NOT NULL AND lower(c.name) IN (
        SELECT value FROM json_each(targets))) FROM pragma_index_info(i.name) AS c)))),
broken AS MATERIALIZED (
  SELECT f.\"table\" AS child, f.rowid AS number, f.parent AS parent, refs.columns AS columns, refs.on_delete AS on_delete
  FROM (SELECT DISTINCT child FROM refs WHERE child NOT IN (SELECT child FROM mismatched)) AS sound
  CROSS JOIN pragma_foreign_key_check(sound.child) AS f
  LEFT JOIN refs ON refs.child = sound.child AND refs.id = f.fkid)"
    )
}

/// Rows without their parent, for a COMMIT that fails for some of them.
pub(super) fn violations() -> Arc<str> {
    static QUERY: LazyLock<Arc<str>> = LazyLock::new(|| {
        let rows = rows();
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
             'made', json(?1), 'renamed', json(?2), \
             'mismatched', json((SELECT json_group_array(json_array(child, parent, columns)) FROM mismatched)), \
             'counts', json((SELECT json_group_array(json_object('child', child, 'parent', parent, 'count', found)) \
             FROM (SELECT child, parent, count(*) AS found FROM broken GROUP BY 1, 2))), \
             'rows', json(CASE WHEN (SELECT count(*) FROM broken) <= {COMPARED} \
             THEN (SELECT json_group_array(json_array(child, number, parent)) FROM broken) END), \
             'keyed', json((SELECT json_group_array(lower(s.name)) FROM sqlite_schema AS s WHERE s.type = 'table' \
             AND lower(s.name) IN (SELECT value FROM json_each(?1)) AND {keyed})))) \
             WHERE {MEMORY}",
            rows()
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
pub(super) fn no_new_mismatch() -> Step {
    let fresh = format!(
        "WITH {}, renamed AS MATERIALIZED (SELECT key, value FROM {}), \
         fresh AS (SELECT lower(child) AS c, lower(parent) AS p, lower(columns) AS k FROM mismatched EXCEPT \
         SELECT coalesce(r.value, lower(json_extract(m.value, '$[0]'))), \
         coalesce(q.value, lower(json_extract(m.value, '$[1]'))), lower(json_extract(m.value, '$[2]')) FROM {} AS m \
         LEFT JOIN renamed AS r ON r.key = lower(json_extract(m.value, '$[0]')) \
         LEFT JOIN renamed AS q ON q.key = lower(json_extract(m.value, '$[1]')))",
        rows(),
        remembered("renamed"),
        remembered("mismatched"),
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

/// Rows whose parent has gone, and which had it before the unit. A row is the one that it was by its rowid, unless its
/// table was made anew and the rowids are not kept in a column; then the rows of each parent are counted.
pub(super) fn no_new_violation() -> Step {
    let keyed = rowid_alias("was.child", "1");
    let fresh = format!(
        "WITH {}, \
         renamed AS MATERIALIZED (SELECT key, value FROM {}), \
         old AS MATERIALIZED (SELECT coalesce(r.value, lower(json_extract(o.value, '$[0]'))) AS child, \
         json_extract(o.value, '$[1]') AS number, coalesce(q.value, lower(json_extract(o.value, '$[2]'))) AS parent \
         FROM {} AS o LEFT JOIN renamed AS r ON r.key = lower(json_extract(o.value, '$[0]')) \
         LEFT JOIN renamed AS q ON q.key = lower(json_extract(o.value, '$[2]'))), \
         was AS MATERIALIZED (SELECT coalesce(r.value, lower(json_extract(o.value, '$.child'))) AS child, \
         coalesce(q.value, lower(json_extract(o.value, '$.parent'))) AS parent, \
         sum(json_extract(o.value, '$.count')) AS found \
         FROM {} AS o LEFT JOIN renamed AS r ON r.key = lower(json_extract(o.value, '$.child')) \
         LEFT JOIN renamed AS q ON q.key = lower(json_extract(o.value, '$.parent')) GROUP BY 1, 2), \
         counted AS MATERIALIZED (SELECT DISTINCT child FROM was WHERE \
         (SELECT json_type(source, '$.rows') FROM _migrations WHERE {MEMORY}) IS NOT 'array' \
         OR child IN (SELECT value FROM {}) AND NOT (child IN (SELECT value FROM {}) AND {keyed}) \
         OR child IN (SELECT child FROM old WHERE number IS NULL)), \
         judged AS MATERIALIZED (SELECT lower(child) AS c, lower(parent) AS p, * FROM broken WHERE lower(child) NOT IN \
         (SELECT coalesce(r.value, lower(json_extract(m.value, '$[0]'))) FROM {} AS m \
         LEFT JOIN renamed AS r ON r.key = lower(json_extract(m.value, '$[0]')))), \
         fresh AS MATERIALIZED (\
         SELECT j.child AS child, j.number AS number, j.parent AS parent, columns, on_delete, 1 AS found \
         FROM judged AS j LEFT JOIN old ON old.child = c AND old.number = j.number AND old.parent = p \
         WHERE old.child IS NULL AND c NOT IN (SELECT child FROM counted) \
         UNION ALL \
         SELECT j.child, NULL, j.parent, j.columns, j.on_delete, j.found - coalesce(was.found, 0) \
         FROM (SELECT *, count(*) AS found FROM judged WHERE c IN (SELECT child FROM counted) GROUP BY c, p) AS j \
         LEFT JOIN was ON was.child = c AND was.parent = p WHERE j.found > coalesce(was.found, 0))",
        rows(),
        remembered("renamed"),
        remembered("rows"),
        remembered("counts"),
        remembered("made"),
        remembered("keyed"),
        remembered("mismatched"),
    );
    refuse(
        &format!("{fresh} SELECT 1 FROM fresh"),
        &format!(
            "{fresh} SELECT child, number, parent, columns, on_delete, \
             parent COLLATE NOCASE IN (SELECT name FROM names), found, (SELECT sum(found) FROM fresh) FROM fresh \
             LIMIT {LISTED}"
        ),
    )
}

/// A step that fails where a query has a row, and another query that explains it.
fn refuse(query: &str, explain: &str) -> Step {
    Step {
        explain: Some(Arc::from(explain)),
        ..Step::own(
            format!("SELECT CASE WHEN EXISTS ({query}) THEN json('refused') ELSE 1 END"),
            vec![],
        )
    }
}

/// Records the foreign keys whose parent table is there before a unit.
pub(super) fn references_before(effects: &Effects) -> Option<Step> {
    let step = Step::own(
        format!(
            "UPDATE _migrations SET down = json_set(coalesce(down, '{{\"lost\":[]}}'), '$.before', json((WITH {REFS} \
             SELECT json_group_array(json_array(lower(child), lower(columns), refs.parent)) \
             FROM refs JOIN names ON names.name = refs.parent COLLATE NOCASE))) WHERE {MEMORY}"
        ),
        vec![],
    );
    effects.may_lose_parents.then_some(step)
}

/// Foreign keys without a parent table. The joins go to materialized tables, for which the engine makes an index.
const LOST: &str = "\
lost AS MATERIALIZED (
  SELECT child, columns, parent FROM refs LEFT JOIN names ON names.name = refs.parent COLLATE NOCASE
  WHERE names.name IS NULL)";

/// Records the foreign keys that have lost their parent table in a unit.
pub(super) fn references_after(unit: &Unit, effects: &Effects) -> Option<Step> {
    let step = Step::own(
        format!(
            "UPDATE _migrations SET down = json_object('lost', json((WITH {REFS}, {LOST} \
             SELECT json_group_array(json(entry)) FROM (\
             SELECT value AS entry FROM json_each(down, '$.lost') UNION ALL \
             SELECT json_array(?1, lost.child, lost.columns, json_extract(b.value, '$[2]')) \
             FROM json_each(down, '$.before') AS b \
             LEFT JOIN json_each(?2) AS r ON r.key = json_extract(b.value, '$[0]') \
             JOIN lost ON lower(lost.child) = coalesce(r.value, json_extract(b.value, '$[0]')) \
             AND lower(lost.columns) = json_extract(b.value, '$[1]'))))) WHERE {MEMORY}"
        ),
        vec![unit.record.key().to_string().into(), effects.renamed()],
    );
    effects.may_lose_parents.then_some(step)
}

/// Fails where a foreign key that lost its parent table in this run has none.
fn still_lost() -> Step {
    let still = format!(
        "WITH {REFS}, {LOST} SELECT json_extract(l.value, '$[0]'), lost.child, lost.columns, \
         json_extract(l.value, '$[3]'), lost.parent \
         FROM json_each((SELECT json_extract(down, '$.lost') FROM _migrations WHERE {MEMORY})) AS l \
         JOIN lost ON lost.child = json_extract(l.value, '$[1]') AND lost.columns = json_extract(l.value, '$[2]')"
    );
    refuse(&still, &format!("{still} LIMIT {LISTED}"))
}

fn forget() -> Step {
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
        ForeignKeys::On => !effects.retyped.is_empty(),
        ForeignKeys::Unchecked => false,
    }
}

/// Records what the engine finds wrong with the rows of tables whose columns are to change, and fails where it finds
/// more afterwards: <https://sqlite.org/pragma.html#pragma_integrity_check>.
pub(super) fn old_rows(effects: &Effects) -> Option<(Step, Step)> {
    if effects.retyped.is_empty() {
        return None;
    }
    // A table that is made by the same unit is not there yet.
    let listed = |tables: &[String]| Value::Text(json!(tables).to_string());
    let found = "SELECT i.integrity_check AS fault, count(*) AS found FROM sqlite_schema AS s \
                 CROSS JOIN pragma_integrity_check(s.name) AS i WHERE s.type = 'table' \
                 AND lower(s.name) IN (SELECT value FROM json_each({})) AND i.integrity_check <> 'ok' GROUP BY 1";
    let before = Step::own(
        format!(
            "UPDATE _migrations SET checksum = json_object('tables', json(?1), 'faults', json((SELECT \
             json_group_array(json_array(fault, found)) FROM ({})))) WHERE {MEMORY}",
            found.replace("{}", "?1")
        ),
        vec![listed(&effects.retyped)],
    );
    let memory = |what: &str| {
        format!("(SELECT json_extract(checksum, '$.{what}') FROM _migrations WHERE {MEMORY})")
    };
    let fresh = format!(
        "SELECT fault, found FROM ({}) EXCEPT SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') \
         FROM json_each({})",
        found.replace("{}", &memory("tables")),
        memory("faults")
    );
    Some((before, refuse(&fresh, &format!("{fresh} LIMIT {LISTED}"))))
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

/// A view or a trigger, as [`OBJECTS`] lists them: sort, name, table and text.
pub(super) type SchemaObject = [Value; 4];

/// The views and triggers.
pub(super) const OBJECTS: &str = "\
SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE type IN ('view', 'trigger') ORDER BY type, name";

fn text(value: &Value) -> &str {
    match value {
        Value::Text(text) => text,
        _ => "",
    }
}

/// The columns of the table or view that an object is about.
pub(super) fn columns(object: &SchemaObject) -> Query {
    let mut query = Query::new("SELECT name FROM pragma_table_xinfo(?1) WHERE hidden = 0");
    query.args = vec![object[2].clone()];
    query
}

/// A statement that compiles a view, or the triggers of a table for the same event.
pub(super) fn compiling([sort, name, table, sql]: &SchemaObject, columns: &[Vec<Value>]) -> Query {
    let on = identifier(text(table));
    let statement = match (text(sort), event(text(sql))) {
        ("view", _) => format!("SELECT * FROM {}", identifier(text(name))),
        (_, Event::Delete) => format!("DELETE FROM {on}"),
        (_, Event::Insert) => format!("INSERT INTO {on} DEFAULT VALUES"),
        (_, Event::Update) => {
            let sets = columns.iter().flatten().map(|column| {
                let column = identifier(text(column));
                format!("{column} = {column}")
            });
            format!("UPDATE {on} SET {}", sets.collect::<Vec<_>>().join(", "))
        }
    };
    Query::new(format!("EXPLAIN {statement}"))
}

/// The statement that drops an object.
fn drop([sort, name, ..]: &SchemaObject) -> String {
    format!("DROP {} IF EXISTS {}", text(sort), identifier(text(name)))
}

#[derive(Clone, Copy)]
enum Event {
    Delete,
    Insert,
    Update,
}

/// The event of a trigger, which stands before its `ON`.
fn event(sql: &str) -> Event {
    let before = significant(sql).take_while(|token| !token.is_word(sql, "ON"));
    let before: Vec<Token> = before.collect();
    let is = |word| before.last().is_some_and(|token| token.is_word(sql, word));
    match () {
        () if is("DELETE") => Event::Delete,
        () if is("INSERT") => Event::Insert,
        () => Event::Update,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effects(statements: &[&str]) -> Effects {
        let mut effects = Effects::default();
        for sql in statements {
            effects.statement(sql);
        }
        effects
    }

    #[test]
    fn names_are_followed_through_a_rebuild() {
        let right = effects(&[
            "CREATE TABLE c_new (x)",
            "DROP TABLE c",
            "ALTER TABLE main.c_new RENAME TO \"C\"",
        ]);
        assert_eq!((right.made, right.renamed), (vec!["c".to_owned()], vec![]));
        let wrong = effects(&[
            "ALTER TABLE c RENAME TO old",
            "CREATE TABLE c (x)",
            "DROP TABLE old",
        ]);
        assert_eq!((wrong.made, wrong.renamed), (vec!["c".to_owned()], vec![]));
        let twice = effects(&[
            "ALTER TABLE a RENAME TO b",
            "ALTER TABLE b RENAME TO [c]",
            "ALTER TABLE c RENAME COLUMN x TO y",
        ]);
        let renamed = vec![("a".to_owned(), "c".to_owned())];
        assert_eq!((twice.made, twice.renamed), (vec![], renamed));
    }

    #[test]
    fn what_cannot_break_anything_needs_no_guard() {
        let harmless = effects(&[
            "CREATE TABLE a (x REFERENCES b)",
            "CREATE INDEX i ON a (x)",
            "INSERT INTO a SELECT 'DROP TABLE a; ALTER TABLE a RENAME TO b'",
            "DROP TRIGGER r",
            "PRAGMA writable_schema",
        ]);
        assert!(!harmless.may_break && !harmless.may_lose_parents);
        assert!(!harmless.writes_schema && harmless.retyped.is_empty());
    }

    #[test]
    fn the_event_of_a_trigger_stands_before_its_table() {
        let statement = |sql: &str| {
            let object = ["trigger", "r", "t", sql].map(Value::from);
            let columns = [vec![Value::from("a")], vec!["b c".into()]];
            compiling(&object, &columns).sql
        };
        for (sql, expected) in [
            (
                "CREATE TRIGGER \"delete\" AFTER INSERT ON t BEGIN DELETE FROM x; END",
                "EXPLAIN INSERT INTO \"t\" DEFAULT VALUES",
            ),
            (
                "create trigger if not exists r delete on t begin select 1; end",
                "EXPLAIN DELETE FROM \"t\"",
            ),
            (
                "CREATE TRIGGER r INSTEAD OF UPDATE OF a, b ON t BEGIN SELECT 1; END",
                "EXPLAIN UPDATE \"t\" SET \"a\" = \"a\", \"b c\" = \"b c\"",
            ),
        ] {
            assert_eq!(statement(sql), expected);
        }
    }
}
