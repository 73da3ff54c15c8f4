//! Rows that seeds in mode `sync` made and declare no longer: what refers to them, and how they are deleted. Pure.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::found::wanting;
use super::memory::Memory;
use super::model::SeedFile;
use super::plan::Basis;
use super::remembered::Remembered;
use crate::db::Query;
use crate::diagnostic::Diagnostic;
use crate::schema::{ForeignKey, Nullability, Shape, TableShape};
use crate::script::Step;
use crate::sql::{Value, identifier};

/// Rows in one statement that deletes.
const PER_STATEMENT: usize = 5000;

/// What a question is about that asks for rows that refer to rows that are to go, and are none of those.
pub(super) struct Children<'a> {
    child: &'a str,
    /// Whether they would go or change too; otherwise they keep the others from going.
    acts: bool,
    parents: Vec<&'a Remembered>,
}

/// Asks for children of rows that are to go, which no seed in mode `sync` made.
pub(super) fn children<'a>(memory: &'a Memory, shape: &'a Shape) -> Vec<(Children<'a>, Query)> {
    let mut groups: BTreeMap<(usize, &[usize]), Vec<&Remembered>> = BTreeMap::new();
    for orphan in memory.orphans() {
        let key = (orphan.table, orphan.columns.as_slice());
        groups.entry(key).or_default().push(orphan);
    }
    let mut all = Vec::new();
    for ((table, columns), parents) in &groups {
        let of = &shape.tables[*table];
        for (child_at, child) in shape.tables.iter().enumerate() {
            for key in &child.foreign_keys {
                if !key.parent.eq_ignore_ascii_case(&of.name) || key.parent_columns.is_empty() {
                    continue;
                }
                let on: Vec<String> = key
                    .columns
                    .iter()
                    .zip(&key.parent_columns)
                    .map(|(column, parent)| {
                        let column = identifier(&child.columns[*column].name);
                        // The parent's collation decides.
                        format!("t.{} = c.{column}", identifier(parent))
                    })
                    .collect();
                for chunk in parents.chunks(PER_STATEMENT / columns.len().max(1)) {
                    let keys = chunk.iter().map(|parent| parent.key.as_slice());
                    let (want, is_parent, mut args) = wanting(of, columns, keys);
                    let mut own = String::new();
                    for ((table, columns), of_table) in &groups {
                        if *table == child_at {
                            let (these, bound) = these("c.", child, columns, of_table);
                            own.push_str(&format!(" AND NOT ({these})"));
                            args.extend(bound);
                        }
                    }
                    let sql = format!(
                        "WITH {want} SELECT want.n, count(*) FROM want CROSS JOIN {} AS t ON {is_parent} \
                         CROSS JOIN {} AS c ON {}{own} GROUP BY want.n",
                        identifier(&of.name),
                        identifier(&child.name),
                        on.join(" AND "),
                    );
                    let about = Children {
                        child: &child.name,
                        acts: !matches!(key.on_delete.as_str(), "NO ACTION" | "RESTRICT"),
                        parents: chunk.to_vec(),
                    };
                    all.push((about, Query { sql, args }));
                }
            }
        }
    }
    all
}

/// The problems in an answer: a row has children that no seed made.
pub(super) fn children_problems(
    children: &Children<'_>,
    answer: &[[Value; 2]],
    files: &[&SeedFile],
    shape: &Shape,
) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for [number, count] in answer {
        let count = count.as_i64().unwrap_or(0);
        let number = number.as_i64().and_then(|at| usize::try_from(at).ok());
        if let Some(orphan) = number.and_then(|number| children.parents.get(number)) {
            problems.push(has_children(orphan, children, count, files, shape));
        }
    }
    problems
}

fn has_children(
    orphan: &Remembered,
    children: &Children<'_>,
    count: i64,
    files: &[&SeedFile],
    shape: &Shape,
) -> Diagnostic {
    let (table, label) = (&shape.tables[orphan.table].name, &orphan.label);
    let child = children.child;
    let file = files[orphan.file];
    if orphan.of.is_some() {
        let message = format!(
            "the key of `{table}.{label}` changed, and {count} of `{child}` refer to the row of the old key"
        );
        return Diagnostic::problem("has-children", message)
            .at(file.origin(&(0..0)))
            .help(format!(
                "give the key its old value again, or let the rows of `{child}` refer to another row first"
            ));
    }
    let what = match children.acts {
        true => format!(
            "to delete it would take {count} of `{child}` along that this seed did not make"
        ),
        false => {
            format!(
                "{count} of `{child}` that this seed did not make would refer to nothing without it"
            )
        }
    };
    Diagnostic::problem(
        "has-children",
        format!("`{table}.{label}` is no longer declared, and {what}"),
    )
    .at(file.origin(&(0..0)))
    .help("delete those first, or declare the row again")
}

/// Deletes what is no longer declared, children first. Rows of one table go together, since they may refer to each
/// other; tables that refer to each other in a circle let go first.
pub(super) fn deletions(basis: &Basis<'_>) -> Vec<Step> {
    let ranks = super::order::ranks(basis.shape);
    let mut groups: BTreeMap<_, Vec<&Remembered>> = BTreeMap::new();
    for orphan in basis.memory.orphans() {
        let at = orphan.table;
        let key = (Reverse(ranks[at]), at, &orphan.columns, orphan.file);
        groups.entry(key).or_default().push(orphan);
    }
    let mut released = Vec::new();
    let mut deleted = Vec::new();
    for ((Reverse(rank), at, columns, file), orphans) in groups {
        let of = &basis.shape.tables[at];
        let step = |sql: String, args: Vec<Value>| Step {
            origin: Some(basis.files[file].origin(&(0..0))),
            ..Step::own(sql, args)
        };
        let in_circle = |key: &&ForeignKey| {
            let parent = basis.shape.position(&key.parent);
            parent.is_some_and(|it| it != at && ranks[it] > rank)
                || (parent == Some(at) && orphans.len() > PER_STATEMENT)
        };
        let mut free: Vec<usize> = of
            .foreign_keys
            .iter()
            .filter(in_circle)
            .flat_map(|key| key.columns.iter().copied())
            .filter(|it| of.columns[*it].nullability == Nullability::Nullable)
            .filter(|it| !of.primary_key.contains(it) && !columns.contains(it))
            .collect();
        free.sort_unstable();
        free.dedup();
        for chunk in orphans.chunks(PER_STATEMENT / columns.len().max(1)) {
            let (these, args) = these("", of, columns, chunk);
            let table = identifier(&of.name);
            if !free.is_empty() {
                let set =
                    |column: &usize| format!("{} = NULL", identifier(&of.columns[*column].name));
                let sets: Vec<String> = free.iter().map(set).collect();
                let sql = format!("UPDATE {table} SET {} WHERE {these}", sets.join(", "));
                released.push(step(sql, args.clone()));
            }
            deleted.push(step(format!("DELETE FROM {table} WHERE {these}"), args));
        }
    }
    released.extend(deleted);
    released
}

/// The condition that holds for these rows of one table, and what is bound in it.
fn these(
    alias: &str,
    of: &TableShape,
    columns: &[usize],
    orphans: &[&Remembered],
) -> (String, Vec<Value>) {
    let name = |column: &usize| format!("{alias}{}", identifier(&of.columns[*column].name));
    let names: Vec<String> = columns.iter().map(name).collect();
    let row = format!("({})", vec!["?"; names.len()].join(","));
    let rows = vec![row.as_str(); orphans.len()].join(",");
    let args = orphans.iter().flat_map(|orphan| orphan.key.iter().cloned());
    let sql = format!("({}) IN (VALUES {rows})", names.join(", "));
    (sql, args.collect())
}
