//! Rows without their parent whose rowids do not tell whether they are the same: those of tables without rowid, and those
//! that a unit may move or renumber. They are compared by the values of their foreign key. Pure.

use std::collections::HashSet;
use std::sync::Arc;

use super::effects::Effects;
use super::guards::MEMORY;
use super::keeping::{Keeping, keeping, with_rowid, writes};
use super::known::{Reference, ReferenceColumn};
use super::row_guards::COMPARED;
use crate::schema::{Affinity, Strictness, affinity};
use crate::script::{Step, Unit};
use crate::sql::{
    Declared, Kind, TokenKind, Value, declared, identifier, kind, literal, significant, unquote,
};

/// The tables, by their names behind a unit, whose rows do not keep their rowids in it. Without tables without rowid.
pub(super) fn replaced(
    unit: &Unit,
    effects: &Effects,
    references: &[Arc<Reference>],
) -> Vec<String> {
    let written = written(unit);
    let is_replaced = |it: &&Arc<Reference>| {
        let names = effects.names_of(&it.child);
        let key = || with_rowid(effects.columns_of(&names, &it.child_key));
        names.iter().any(|name| written.contains(name))
            && keeping(unit, &names, &key()) == Keeping::Replaced
    };
    let replaced = references.iter().filter(is_replaced);
    let replaced = replaced.map(|it| effects.table_afterwards(&it.child));
    let mut replaced: Vec<String> = replaced.collect();
    replaced.extend_from_slice(&effects.made);
    replaced.sort_unstable();
    replaced.dedup();
    replaced
}

/// Steps that record the values before a unit, and those that record them behind it. A foreign key that a unit changes
/// or drops makes one of its steps fail; its rows are counted then.
pub(super) fn values(
    unit: &Unit,
    effects: &Effects,
    references: &[Arc<Reference>],
    new: &[Reference],
) -> (Vec<Step>, Vec<Step>) {
    if references.is_empty() {
        return (Vec::new(), Vec::new());
    }
    // There may be many foreign keys, so nothing is made for each.
    let is_one_of =
        |names: &[String], child: &str| names.iter().any(|it| it.eq_ignore_ascii_case(child));
    let is_made = |child: &str| is_one_of(&effects.made, child);
    let written = written(unit);
    let of_table = |child: &str, key: &[String], without_rowid: bool| {
        if is_made(child) || without_rowid && key.is_empty() {
            return Keeping::Replaced;
        }
        let names = effects.names_of(child);
        if !names.iter().any(|name| written.contains(name)) {
            return Keeping::Kept;
        }
        let key = effects.columns_of(&names, key);
        match without_rowid {
            true => keeping(unit, &names, &key),
            false => keeping(unit, &names, &with_rowid(key)),
        }
    };
    // Other values may be the same ones: the keys that they refer to are written, or get another type.
    let is_rewritten = |it: &Reference| {
        let names = effects.names_of(&it.parent);
        let targets: Vec<String> = it.columns.iter().map(|it| it.target.clone()).collect();
        names.iter().any(|name| written.contains(name))
            && writes(unit, &names, &effects.columns_of(&names, &targets))
    };
    let has_other_type = |it: &Reference| {
        let mut olds = references.iter().filter(|old| {
            let parent = effects.table_afterwards(&old.parent);
            parent.eq_ignore_ascii_case(&it.parent)
        });
        olds.any(|old| {
            it.columns.iter().any(|column| {
                let is_it =
                    |old: &&ReferenceColumn| old.target.eq_ignore_ascii_case(&column.target);
                let old = old.columns.iter().find(is_it);
                old.is_some_and(|old| old.affinity != column.affinity)
            })
        })
    };
    let may_move = |child: &str| {
        is_one_of(&effects.changed, child)
            || !written.is_empty() && written.contains(&child.to_ascii_lowercase())
    };
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for reference in references {
        // The rows of any other table are known by their rowids.
        let recorded = if reference.child_without_rowid || is_made(&reference.child) {
            Recorded::Always
        } else if may_move(&reference.child) {
            Recorded::WithOrphans
        } else {
            continue;
        };
        let now = afterwards(effects, reference);
        let as_before = Rows {
            keeping: of_table(
                &reference.child,
                &reference.child_key,
                reference.child_without_rowid,
            ),
            are_rewritten: is_rewritten(reference),
        };
        let steps =
            |list, of, name_before| records(list, of, &now, name_before, recorded, as_before);
        before.extend(steps("was", reference, &reference.child));
        if !new.iter().any(|it| it.is_of(&now)) {
            after.extend(steps("now", &now, &reference.child));
        }
    }
    after.extend(new.iter().flat_map(|it| {
        let stays = references
            .iter()
            .any(|old| afterwards(effects, old).is_of(it));
        let recorded = match stays {
            true => Recorded::Always,
            false => Recorded::WithOrphans,
        };
        let rows = Rows {
            keeping: of_table(&it.child, &it.child_key, it.child_without_rowid),
            are_rewritten: is_rewritten(it) || has_other_type(it),
        };
        records("now", it, it, &it.child, recorded, rows)
    }));
    (before, after)
}

/// Makes of the foreign keys before a unit those behind it, with the `new` ones. Those of dropped tables may stay.
pub(super) fn follow(
    references: &mut Arc<Vec<Arc<Reference>>>,
    effects: &Effects,
    new: Vec<Reference>,
) {
    let changes = !effects.refers.is_empty() || !effects.renames.is_empty();
    if references.is_empty() || !changes {
        return;
    }
    let references = Arc::make_mut(references);
    references.retain(|it| {
        !effects
            .made
            .iter()
            .any(|made| made.eq_ignore_ascii_case(&it.child))
    });
    if !effects.renames.is_empty() {
        for it in references.iter_mut() {
            let now = afterwards(effects, it);
            if now != **it {
                *it = Arc::new(now);
            }
        }
    }
    references.extend(new.into_iter().map(Arc::new));
}

/// When the values of a foreign key are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recorded {
    Always,
    /// Where the database had rows without their parent before the unit.
    WithOrphans,
}

/// What a unit does to the rows of a foreign key.
#[derive(Debug, Clone, Copy)]
struct Rows {
    keeping: Keeping,
    /// Whether the values that they refer to are written.
    are_rewritten: bool,
}

/// The names in the statements of the unit that may write rows, in lower case.
fn written(unit: &Unit) -> HashSet<String> {
    let mut written = HashSet::new();
    for step in unit.steps.iter() {
        if !matches!(
            kind(&step.sql),
            Kind::Create(_) | Kind::Drop(_) | Kind::Alter | Kind::Pragma(_)
        ) {
            let tokens = significant(&step.sql)
                .filter(|token| !matches!(token.kind, TokenKind::Symbol | TokenKind::Number));
            written.extend(tokens.map(|it| unquote(it.text(&step.sql)).to_ascii_lowercase()));
        }
    }
    written
}

/// The foreign keys that a unit declares and that are there at its end, as far as its text tells. A foreign key that is
/// read wrongly matches none that the engine has, and is left out by the comparison.
pub(super) fn new_references(
    unit: &Unit,
    effects: &Effects,
    references: &[Arc<Reference>],
) -> Vec<Reference> {
    let mut new: Vec<Reference> = Vec::new();
    if references.is_empty() || effects.refers.is_empty() {
        return new;
    }
    let mut tables: Vec<(String, Declared)> = Vec::new();
    for step in unit.steps.iter() {
        if let Kind::Drop(object) = kind(&step.sql) {
            let is_it = |name: &str| name.eq_ignore_ascii_case(&object.name);
            new.retain(|it| !is_it(&it.child));
            tables.retain(|(name, _)| !is_it(name));
        }
        let effects = Effects::of_statement(&step.sql);
        for it in &mut new {
            *it = afterwards(&effects, it);
        }
        for (name, _) in &mut tables {
            *name = effects.table_afterwards(name);
        }
        let child = match (effects.new.first(), effects.refers.first()) {
            (Some(created), _) => created,
            (None, Some(altered)) => altered,
            (None, None) => continue,
        };
        let declared = declared(&step.sql);
        let is_created = effects.new.first() == Some(child);
        let altered = references
            .iter()
            .find(|it| !is_created && it.child.eq_ignore_ascii_case(child));
        let without_rowid = match altered {
            Some(altered) => altered.child_without_rowid,
            None => step.sql.to_ascii_uppercase().contains("WITHOUT"),
        };
        for key in &declared.foreign_keys {
            let of_parent = |name: &str| name.eq_ignore_ascii_case(&key.parent);
            let parent = match of_parent(child) {
                true => Some(&declared),
                false => tables.iter().find(|it| of_parent(&it.0)).map(|it| &it.1),
            };
            let known = references.iter().filter(|it| of_parent(&it.parent));
            let known: Vec<&ReferenceColumn> = known.flat_map(|it| &it.columns).collect();
            let targets = match (key.targets.is_empty(), parent) {
                (false, _) => key.targets.clone(),
                (true, Some(parent)) => parent.primary_key.clone(),
                (true, None) => known
                    .iter()
                    .take(key.columns.len())
                    .map(|it| it.target.clone())
                    .collect(),
            };
            let targets = match (targets.is_empty(), parent) {
                (true, None) => vec![String::new(); key.columns.len()],
                _ => targets,
            };
            if targets.len() != key.columns.len() {
                continue;
            }
            let affinity_of = |target: &str| {
                let is_it = |name: &str| name.eq_ignore_ascii_case(target);
                let declared = parent.and_then(|it| it.columns.iter().find(|it| is_it(&it.0)));
                match (declared, known.iter().find(|it| is_it(&it.target))) {
                    (Some((_, declared)), _) => affinity(declared, Strictness::Flexible),
                    (None, Some(known)) => known.affinity,
                    (None, None) => Affinity::Integer,
                }
            };
            let child_key = match altered {
                Some(altered) => altered.child_key.clone(),
                None => declared.primary_key.clone(),
            };
            let columns = key
                .columns
                .iter()
                .zip(targets)
                .map(|(name, target)| ReferenceColumn {
                    name: name.clone(),
                    affinity: affinity_of(&target),
                    target,
                });
            new.push(Reference {
                child: child.clone(),
                parent: key.parent.clone(),
                columns: columns.collect(),
                child_without_rowid: without_rowid,
                child_key,
                may_lack_parent: parent.is_none(),
            });
        }
        if is_created {
            tables.push((child.clone(), declared));
        }
    }
    new
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
        child_key: reference
            .child_key
            .iter()
            .map(|it| effects.column_afterwards(&child, it))
            .collect(),
        may_lack_parent: reference.may_lack_parent,
        child,
        parent,
    }
}

impl Reference {
    /// Whether both are the same foreign key of the same table.
    fn is_of(&self, other: &Reference) -> bool {
        let names = |it: &Reference| {
            let columns = it.columns.iter().map(|it| it.name.to_ascii_lowercase());
            columns.collect::<Vec<_>>()
        };
        self.child.eq_ignore_ascii_case(&other.child)
            && self.parent.eq_ignore_ascii_case(&other.parent)
            && names(self) == names(other)
    }
}

/// The step that records the rows of a foreign key, and where its parent table may be missing, another one: one of them
/// fails or does nothing.
fn records(
    list: &str,
    reference: &Reference,
    now: &Reference,
    name_before: &str,
    recorded: Recorded,
    rows: Rows,
) -> impl Iterator<Item = Step> {
    let record = |parent| record(list, reference, now, name_before, (recorded, rows, parent));
    let missing = reference.may_lack_parent.then(|| record(Parent::Missing));
    std::iter::once(record(Parent::There)).chain(missing)
}

/// Whether a table that a foreign key refers to exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parent {
    There,
    Missing,
}

/// The columns of a foreign key by the columns that they refer to: another table may refer to the same ones in another order.
fn by_target(reference: &Reference) -> Vec<usize> {
    let mut by_target: Vec<usize> = (0..reference.columns.len()).collect();
    by_target.sort_by_key(|at| reference.columns[*at].target.to_ascii_lowercase());
    by_target
}

/// The query for the rows of a foreign key without their parent: `key`, `shown`, `number`.
pub(super) fn orphans_of(reference: &Reference) -> String {
    orphans(reference, reference, Parent::There)
}

/// The same of a foreign key that is `now` behind the unit.
fn orphans(reference: &Reference, now: &Reference, parent: Parent) -> String {
    let each = |of: &dyn Fn(&ReferenceColumn) -> String, between: &str| {
        let all: Vec<String> = reference.columns.iter().map(of).collect();
        all.join(between)
    };
    let name = |it: &ReferenceColumn| format!("child.{}", identifier(&it.name));
    let key = by_target(now).into_iter().map(|at| {
        let it = &reference.columns[at];
        compared(&name(it), it.affinity)
    });
    let child_key = reference.child_key.iter();
    let child_key: Vec<String> = child_key
        .map(|it| format!("quote(child.{})", identifier(it)))
        .collect();
    let rowid = match (reference.child_without_rowid, child_key.is_empty()) {
        (false, _) => "child.rowid".to_owned(),
        (true, true) => "NULL".to_owned(),
        (true, false) => format!("json_array({})", child_key.join(", ")),
    };
    format!(
        "SELECT json_array({}) AS key, {} AS shown, {rowid} AS number FROM {} AS child WHERE {}{}",
        key.collect::<Vec<_>>().join(", "),
        each(&|it| format!("quote({})", name(it)), " || ', ' || "),
        identifier(&reference.child),
        each(&|it| format!("{} IS NOT NULL", name(it)), " AND "),
        match parent {
            Parent::There => format!(
                " AND NOT EXISTS (SELECT 1 FROM {} AS parent WHERE {})",
                identifier(&reference.parent),
                each(
                    &|it| format!("parent.{} = +{}", identifier(&it.target), name(it)),
                    " AND "
                )
            ),
            Parent::Missing => String::new(),
        },
    )
}

/// Adds `[child, parent, columns, [[key, values, count, rows], …], targets, keeping, are_rewritten]` to a list, where there
/// are not too many rows. A row is its rowid, or its primary key. The targets are those of the foreign key `now`, behind
/// the unit. Behind `+` a value has no affinity and no collation of its own, so that those of the parent decide, as in the
/// engine's check: <https://sqlite.org/foreignkeys.html#fk_basics>. A table with a mismatch is left out: its parent has no
/// index.
fn record(
    list: &str,
    reference: &Reference,
    now: &Reference,
    name_before: &str,
    (recorded, rows, parent): (Recorded, Rows, Parent),
) -> Step {
    let names: Vec<&str> = reference.columns.iter().map(|it| &*it.name).collect();
    let text = |text: &str| literal(&Value::from(text));
    let targets = by_target(now).into_iter();
    let targets = targets.map(|at| now.columns[at].target.to_ascii_lowercase());
    let sql = format!(
        "WITH orphan AS ({}) \
         SELECT CASE WHEN (SELECT count(*) FROM (SELECT 1 FROM orphan LIMIT {COMPARED} + 1)) <= {COMPARED} \
         THEN json_array({}, {}, {}, json((SELECT json_group_array(json_array(key, shown, found, json(numbers))) FROM (\
         SELECT key, min(shown) AS shown, count(*) AS found, json_group_array(number) AS numbers FROM orphan \
         GROUP BY key))), {}, '{}', {}) END",
        orphans(reference, now, parent),
        text(&reference.child),
        text(&reference.parent),
        text(&names.join(", ")),
        text(&targets.collect::<Vec<_>>().join(", ")),
        rows.keeping.word(),
        i32::from(rows.are_rewritten),
    );
    let is_missing = match parent {
        Parent::There => String::new(),
        Parent::Missing => format!(
            "AND NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') AND name = {} COLLATE NOCASE) ",
            text(&reference.parent)
        ),
    };
    let had_orphans = match recorded {
        Recorded::Always => "",
        Recorded::WithOrphans => "AND json_array_length(source, '$.found') > 0 ",
    };
    Step::own(
        format!(
            "UPDATE _migrations SET source = json_insert(source, '$.{list}[#]', json(({sql}))) WHERE {MEMORY} \
             {is_missing}{had_orphans}AND NOT EXISTS (SELECT 1 FROM json_each(source, '$.mismatched') AS m \
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
