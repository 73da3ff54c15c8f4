//! What the guards of a run need to know of the schema before it: views, triggers and foreign keys. A server is sent all
//! statements of a run at once, and a statement that compiles a trigger or reads a foreign key holds its names, so they
//! are read together with the history. Pure.

use crate::schema::{Affinity, SchemaObject, Strictness, affinity, content_elsewhere};
use crate::sql::{Value, What};

/// The views, the triggers, the foreign keys and the full-text indexes of a schema.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Known {
    pub(super) views: Vec<SchemaObject>,
    pub(super) triggers: Vec<SchemaObject>,
    pub(super) references: Vec<Reference>,
    pub(super) indexes: Vec<SearchIndex>,
}

/// A full-text index of the rows of a table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SearchIndex {
    pub(super) name: String,
    pub(super) content: String,
}

/// The virtual tables that may be one: name, text and the tables and views that there are, as JSON.
pub(super) const SEARCH_INDEXES: &str = "\
SELECT f.name, f.sql, (SELECT json_group_array(lower(name)) FROM sqlite_schema WHERE type IN ('table', 'view') \
AND instr(lower(f.sql), lower(name))) FROM sqlite_schema AS f \
WHERE f.type = 'table' AND f.rootpage = 0 AND f.sql LIKE '%fts%content%=%'";

/// Of the answer to [`SEARCH_INDEXES`]: those whose table is there.
pub(super) fn search_indexes(rows: &[[Value; 3]]) -> Vec<SearchIndex> {
    let found = rows.iter().filter_map(|[name, sql, names]| {
        let content = content_elsewhere(sql.as_str()?)?;
        let names: Vec<String> = serde_json::from_str(names.as_str()?).ok()?;
        names
            .contains(&content.to_ascii_lowercase())
            .then_some(())?;
        let name = name.as_str()?.to_owned();
        Some(SearchIndex { name, content })
    });
    found.collect()
}

impl Known {
    /// The statement of a view or a trigger.
    pub(crate) fn text_of(&self, what: What, name: &str) -> Option<&str> {
        let objects = match what {
            What::View => &self.views,
            _ => &self.triggers,
        };
        let mut objects = objects.iter();
        let [_, _, _, sql, _] = objects.find(|[_, it, ..]| {
            let it = it.as_str().unwrap_or_default();
            it.eq_ignore_ascii_case(name)
        })?;
        sql.as_str()
    }

    /// The triggers on a table or a view: name and statement.
    pub(crate) fn triggers_on(&self, table: &str) -> impl Iterator<Item = (&str, &str)> {
        self.triggers
            .iter()
            .filter_map(move |[_, name, on, sql, _]| {
                let is_on = on.as_str()?.eq_ignore_ascii_case(table);
                is_on.then_some((name.as_str()?, sql.as_str()?))
            })
    }
}

/// A foreign key of a table, with the columns that it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) child: String,
    pub(super) parent: String,
    pub(super) columns: Vec<ReferenceColumn>,
    pub(super) child_without_rowid: bool,
    /// The columns by which the rows of its table are known: the primary key of a table without rowid, or the column that
    /// is the rowid.
    pub(super) child_key: Vec<String>,
    /// Whether its parent table may be missing.
    pub(super) may_lack_parent: bool,
}

/// A column of a foreign key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReferenceColumn {
    pub(super) name: String,
    /// The column that it refers to; empty where it is the primary key of a table that does not exist.
    pub(super) target: String,
    pub(super) affinity: Affinity,
}

/// The columns by which the rows of the table `t` are known, as JSON: the primary key of a table without rowid, or the
/// column that is the rowid. NULL where there are none.
pub(super) const KEY: &str = "\
(SELECT CASE WHEN t.sql LIKE '%WITHOUT%ROWID%' \
OR count(*) = 1 AND max(upper(type)) = 'INTEGER' THEN json_group_array(name) END \
FROM (SELECT name, type FROM pragma_table_info(t.name) WHERE pk > 0 ORDER BY pk))";

/// The query with a row for each column of a foreign key. No pragma is asked about a view or a virtual table: it may fail;
/// and none about the foreign keys of a table whose text does not hold the word, which takes ten times as long as to look
/// for it.
pub(super) fn references() -> String {
    format!(
        "\
WITH tables AS MATERIALIZED (SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND rootpage > 0), \
children AS MATERIALIZED (SELECT name, sql, {KEY} AS key FROM tables AS t WHERE instr(lower(sql), 'references')) \
SELECT s.name, f.id, p.name, f.\"from\", c.name, c.type, s.sql LIKE '%WITHOUT%ROWID%', f.seq, s.key \
FROM children AS s CROSS JOIN pragma_foreign_key_list(s.name) AS f \
CROSS JOIN tables AS p ON p.name = f.\"table\" COLLATE NOCASE \
CROSS JOIN pragma_table_xinfo(p.name) AS c \
WHERE c.name = f.\"to\" COLLATE NOCASE OR coalesce(f.\"to\", '') = '' AND c.pk = f.seq + 1 \
UNION ALL \
SELECT s.name, f.id, f.\"table\", f.\"from\", coalesce(f.\"to\", ''), NULL, s.sql LIKE '%WITHOUT%ROWID%', f.seq, s.key \
FROM children AS s CROSS JOIN pragma_foreign_key_list(s.name) AS f \
WHERE lower(f.\"table\") NOT IN (SELECT lower(name) FROM sqlite_schema WHERE type IN ('table', 'view')) \
ORDER BY 1, 2, 8"
    )
}

impl Known {
    /// Of the answers to [`OBJECTS`](crate::schema::OBJECTS) and [`references`].
    pub(super) fn new(objects: Vec<SchemaObject>, columns: &[[Value; 9]]) -> Known {
        let mut references: Vec<(&Value, Reference)> = Vec::new();
        for [
            child,
            id,
            parent,
            name,
            target,
            declared,
            without_rowid,
            _,
            key,
        ] in columns
        {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let column = ReferenceColumn {
                name: text(name),
                target: text(target),
                affinity: match declared {
                    // There is no such table.
                    Value::Null => Affinity::Integer,
                    declared => affinity(&text(declared), Strictness::Flexible),
                },
            };
            let child = text(child);
            match references.last_mut() {
                Some((last, it)) if *last == id && it.child == child => it.columns.push(column),
                _ => {
                    let reference = Reference {
                        child,
                        parent: text(parent),
                        columns: vec![column],
                        child_without_rowid: *without_rowid == Value::Integer(1),
                        child_key: serde_json::from_str(&text(key)).unwrap_or_default(),
                        may_lack_parent: *declared == Value::Null,
                    };
                    references.push((id, reference));
                }
            }
        }
        let is_trigger = |[sort, ..]: &SchemaObject| sort.as_str() == Some("trigger");
        let (triggers, views) = objects.into_iter().partition(is_trigger);
        Known {
            views,
            triggers,
            references: references.into_iter().map(|(_, it)| it).collect(),
            indexes: Vec::new(),
        }
    }
}
