//! Rows without their parent in tables whose rows have no rowid to be known by: they are compared by the values of their
//! foreign key. Pure.

use super::effects::Effects;
use super::guards::{COMPARED, MEMORY};
use super::known::{Reference, ReferenceColumn};
use crate::schema::Affinity;
use crate::script::Step;
use crate::sql::{Value, identifier, literal};

/// Steps that record the values before a unit, and those that record them behind it. A foreign key that a unit changes
/// or drops makes one of its steps fail; its rows are counted then.
pub(super) fn values(effects: &Effects, references: &[Reference]) -> (Vec<Step>, Vec<Step>) {
    let is_made = |child: &str| effects.made.contains(&child.to_ascii_lowercase());
    let compared = references
        .iter()
        .filter(|it| it.child_without_rowid || is_made(&it.child));
    let steps = compared.map(|reference| {
        let after = afterwards(effects, reference);
        let record = |list, it| record(list, it, &reference.child);
        (record("was", reference), record("now", &after))
    });
    steps.unzip()
}

/// The foreign key by its names behind the unit.
fn afterwards(effects: &Effects, reference: &Reference) -> Reference {
    let child = effects.table_afterwards(&reference.child);
    let parent = effects.table_afterwards(&reference.parent);
    let columns = reference.columns.iter().map(|it| ReferenceColumn {
        name: effects.column_afterwards(&child, &it.name),
        target: effects.column_afterwards(&parent, &it.target),
        affinity: it.affinity,
    });
    Reference {
        columns: columns.collect(),
        child_without_rowid: reference.child_without_rowid,
        child,
        parent,
    }
}

/// Adds `[child, parent, columns, [[key, values, count], …]]` to a list, where there are not too many rows. Behind `+`
/// a value has no affinity and no collation of its own, so that those of the parent decide, as in the engine's check:
/// <https://sqlite.org/foreignkeys.html#fk_basics>. A table with a mismatch is left out: its parent has no index.
fn record(list: &str, reference: &Reference, name_before: &str) -> Step {
    let each = |of: &dyn Fn(&ReferenceColumn) -> String, between: &str| {
        let all: Vec<String> = reference.columns.iter().map(of).collect();
        all.join(between)
    };
    let name = |it: &ReferenceColumn| format!("child.{}", identifier(&it.name));
    let names = each(&|it| it.name.clone(), ", ");
    let text = |text: &str| literal(&Value::from(text));
    let sql = format!(
        "WITH orphan AS (SELECT json_array({}) AS key, {} AS shown FROM {} AS child WHERE {} \
         AND NOT EXISTS (SELECT 1 FROM {} AS parent WHERE {})) \
         SELECT CASE WHEN (SELECT count(*) FROM (SELECT 1 FROM orphan LIMIT {COMPARED} + 1)) <= {COMPARED} \
         THEN json_array({}, {}, {}, json((SELECT json_group_array(json_array(key, shown, found)) FROM (\
         SELECT key, min(shown) AS shown, count(*) AS found FROM orphan GROUP BY key)))) END",
        each(&|it| compared(&name(it), it.affinity), ", "),
        each(&|it| format!("quote({})", name(it)), " || ', ' || "),
        identifier(&reference.child),
        each(&|it| format!("{} IS NOT NULL", name(it)), " AND "),
        identifier(&reference.parent),
        each(
            &|it| format!("parent.{} = +{}", identifier(&it.target), name(it)),
            " AND "
        ),
        text(&reference.child),
        text(&reference.parent),
        text(&names),
    );
    Step::own(
        format!(
            "UPDATE _migrations SET source = json_insert(source, '$.{list}[#]', json(({sql}))) WHERE {MEMORY} \
             AND NOT EXISTS (SELECT 1 FROM json_each(source, '$.mismatched') AS m \
             WHERE json_extract(m.value, '$[0]') = {} COLLATE NOCASE)",
            text(name_before)
        ),
        vec![],
    )
}

/// A value as a column of this affinity compares it: a child that is recreated with another type has the same keys.
fn compared(value: &str, affinity: Affinity) -> String {
    let text = format!("CAST({value} AS TEXT)");
    match affinity {
        Affinity::Text => text,
        Affinity::Blob => format!("quote({value})"),
        Affinity::Integer | Affinity::Real | Affinity::Numeric => format!(
            "CASE WHEN {text} GLOB '*[0-9]*' AND {text} NOT GLOB '*[^0-9.eE+-]*' \
             THEN CAST({text} AS NUMERIC) ELSE quote({text}) END"
        ),
    }
}
