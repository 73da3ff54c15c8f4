//! Rows that seeds in mode `sync` made and declare no longer: what refers to them, and how they are deleted. Pure.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use super::basis::{Basis, Planned};
use super::found::wanting;
use super::identity::{shown, values_in, whole_row, words_of_parent};
use super::memory::Memory;
use super::remembered::Remembered;
use crate::db::Query;
use crate::diagnostic::Diagnostic;
use crate::schema::{ForeignKey, Nullability, Shape, TableShape};
use crate::script::Step;
use crate::sql::{Value, identifier};

/// Rows in one statement that deletes.
const PER_STATEMENT: usize = 5000;

/// Rows that are named in a problem; the others are counted.
const NAMED: usize = 3;

/// So many rows of an answer are counted.
const COUNTED: usize = 1000;

/// What a question is about that asks for rows that refer to rows that are to go, and are none of those.
pub(super) struct Children<'a> {
    /// The table that refers to them, by its place in the shape.
    child: usize,
    /// The columns that refer.
    columns: &'a [usize],
    /// The columns by which a row that refers is named.
    pub(super) names: Vec<usize>,
    /// Whether they would go or change too; otherwise they keep the others from going.
    acts: bool,
    parents: Vec<&'a Remembered>,
}

/// The rows that are to go, by their table and the columns of their key.
pub(super) fn grouped(memory: &Memory) -> BTreeMap<(usize, &[usize]), Vec<&Remembered>> {
    let mut groups: BTreeMap<(usize, &[usize]), Vec<&Remembered>> = BTreeMap::new();
    for orphan in memory.orphans() {
        let key = (orphan.table, orphan.columns.as_slice());
        groups.entry(key).or_default().push(orphan);
    }
    groups
}

/// Asks for children of rows that are to go, which no seed in mode `sync` made.
pub(super) fn children<'a>(memory: &'a Memory, shape: &'a Shape) -> Vec<(Children<'a>, Query)> {
    let groups = grouped(memory);
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
                    let names = match child.primary_key.as_slice() {
                        [] => key.columns.clone(),
                        primary => primary.to_vec(),
                    };
                    let name = |it: &usize| format!("c.{}", identifier(&child.columns[*it].name));
                    let shown: Vec<String> = names.iter().map(name).collect();
                    let sql = format!(
                        "WITH {want} SELECT want.n, {} FROM want CROSS JOIN {} AS t ON {is_parent} \
                         CROSS JOIN {} AS c ON {}{own} LIMIT {}",
                        shown.join(", "),
                        identifier(&of.name),
                        identifier(&child.name),
                        on.join(" AND "),
                        COUNTED + 1,
                    );
                    let about = Children {
                        child: child_at,
                        columns: &key.columns,
                        names,
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

/// The problems in an answer: a row has children that its seed did not make. A declared row that will refer to another one
/// after the run is none of them; the rank of the table is added to `late` then. `ends`: the seed is forgotten.
pub(super) fn children_problems(
    basis: &Basis<'_>,
    children: &Children<'_>,
    answer: Vec<Vec<Value>>,
    (written, late): (&Planned<'_>, &mut Option<usize>),
    ends: bool,
) -> Vec<Diagnostic> {
    let is_cut = answer.len() > COUNTED;
    let mut names: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    if answer.is_empty() {
        return Vec::new();
    }
    let declared = declared(basis, children);
    for row in answer.into_iter().take(COUNTED) {
        let number = row.first().and_then(Value::as_i64);
        let Some(number) = number.and_then(|it| usize::try_from(it).ok()) else {
            continue;
        };
        let Some(orphan) = children.parents.get(number) else {
            continue;
        };
        let at = declared.get(&whole_row(&row[1..]));
        let moves = |at: &usize| written[*at].touches(children.columns);
        if !ends && at.is_some_and(moves) {
            *late = (*late).max(Some(super::order::ranks(basis.shape)[orphan.table]));
            continue;
        }
        let name = name(basis, children, orphan, &declared, &row[1..]);
        names.entry(number).or_default().push(name);
    }
    let problem = |(number, names): (usize, Vec<String>)| {
        let orphan = children.parents[number];
        has_children(basis, children, orphan, &list(&names, is_cut), ends)
    };
    names.into_iter().map(problem).collect()
}

/// The declared rows of the table that refers, by what names them in an answer.
fn declared(basis: &Basis<'_>, children: &Children<'_>) -> HashMap<String, usize> {
    let rows = basis.rows.rows.iter().enumerate();
    let own = rows.filter(|(_, row)| basis.rows.rules(row).table == children.child);
    let word = |at| Some(whole_row(&values_in(basis.there(at)?, &children.names)));
    own.filter_map(|(at, _)| Some((word(at)?, at))).collect()
}

fn name(
    basis: &Basis<'_>,
    children: &Children<'_>,
    orphan: &Remembered,
    declared: &HashMap<String, usize>,
    key: &[Value],
) -> String {
    let of = &basis.shape.tables[children.child];
    if let Some(at) = declared.get(&whole_row(key)) {
        return format!("`{}`", basis.rows.name(&basis.rows.rows[*at], basis.shape));
    }
    // A value that refers to that of a variable is not shown.
    let hides = orphan.hashes.iter().any(Option::is_some)
        && children
            .names
            .iter()
            .any(|it| children.columns.contains(it));
    if hides {
        return format!("a row of `{}`", of.name);
    }
    let parts = children.names.iter().zip(key);
    let parts =
        parts.map(|(column, value)| format!("{} {}", of.columns[*column].name, shown(value)));
    format!(
        "`{}` with {}",
        of.name,
        parts.collect::<Vec<_>>().join(", ")
    )
}

/// The first of these names, and how many there are more.
fn list(names: &[String], is_cut: bool) -> String {
    let first = names.iter().take(NAMED).cloned().collect::<Vec<_>>();
    let first = first.join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => first,
        more if is_cut => format!("{first} and at least {more} more"),
        more => format!("{first} and {more} more"),
    }
}

fn has_children(
    basis: &Basis<'_>,
    children: &Children<'_>,
    orphan: &Remembered,
    names: &str,
    ends: bool,
) -> Diagnostic {
    let table = &basis.shape.tables[orphan.table].name;
    let child = &basis.shape.tables[children.child].name;
    let row = format!("`{table}.{}`", orphan.label);
    let file = basis.files[orphan.file];
    if orphan.of.is_some() {
        let message = format!(
            "the key of {row} changed, and rows of `{child}` refer to the row of the old key: {names}"
        );
        return Diagnostic::problem("has-children", message)
            .at(file.origin(&(0..0)))
            .help(format!(
                "give the key its old value again, or let the rows of `{child}` refer to another row first"
            ));
    }
    let why = match ends {
        true => "would be deleted with the seed",
        false => "is no longer declared",
    };
    let what = match children.acts {
        true => "its deletion would delete or change rows that this seed did not make",
        false => "rows that this seed did not make refer to it",
    };
    let problem = Diagnostic::problem("has-children", format!("{row} {why}, and {what}: {names}"));
    match ends {
        true => problem.help(format!(
            "delete those first, or leave out `--with-rows`: then the rows of {} stay",
            file.name
        )),
        false => problem
            .at(file.origin(&(0..0)))
            .help("delete those first, or declare the row again"),
    }
}

/// Deletes what is no longer declared, children first. Rows of one table go together, since they may refer to each
/// other, or one after the other where a statement cannot delete both; tables that refer to each other in a circle let go
/// first. So do rows of one table on an engine that checks each row at once, and not behind the statement. The second part
/// comes behind all other statements of the run.
pub(super) fn deletions(basis: &Basis<'_>) -> (Vec<Step>, Vec<Step>) {
    let ranks = super::order::ranks(basis.shape);
    let together = match basis.history.engine.checks_each_row() {
        true => 1,
        false => PER_STATEMENT,
    };
    let turns = turns(basis);
    let mut groups: BTreeMap<_, Vec<&Remembered>> = BTreeMap::new();
    for (number, orphan) in basis.memory.orphans().enumerate() {
        let at = orphan.table;
        let turn = turns.get(&number).copied().unwrap_or_default();
        let key = (Reverse(ranks[at]), at, turn, &orphan.columns, orphan.file);
        groups.entry(key).or_default().push(orphan);
    }
    let mut released = Vec::new();
    let (mut deleted, mut late) = (Vec::new(), Vec::new());
    for ((Reverse(rank), at, turn, columns, file), orphans) in groups {
        let is_split = orphans.len() > together || turn == Turn::Last;
        let of = &basis.shape.tables[at];
        let origin = basis.files[file].origin(&(0..0));
        let step = |sql: String, args: Vec<Value>| Step::own(sql, args).at(origin.clone());
        let in_circle = |key: &&ForeignKey| {
            let parent = basis.shape.position(&key.parent);
            parent.is_some_and(|it| it != at && ranks[it] > rank)
                || (parent == Some(at) && is_split)
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
        let set = |column: &usize| format!("{} = NULL", identifier(&of.columns[*column].name));
        let mut sets: Vec<String> = free.iter().map(set).collect();
        if is_split {
            sets.extend(refer_to_themselves(of, &free, columns));
        }
        for chunk in orphans.chunks(PER_STATEMENT / columns.len().max(1)) {
            let (these, args) = these("", of, columns, chunk);
            let table = identifier(&of.name);
            if !sets.is_empty() {
                let sql = format!("UPDATE {table} SET {} WHERE {these}", sets.join(", "));
                released.push(step(sql, args.clone()));
            }
            let deletion = step(format!("DELETE FROM {table} WHERE {these}"), args);
            match basis.memory.is_late(rank) {
                true => late.push(deletion),
                false => deleted.push(deletion),
            }
        }
    }
    released.extend(deleted);
    (released, late)
}

/// When a row of a table is deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Turn {
    /// With the first of its table.
    #[default]
    First,
    /// Behind the rows that refer to it, so many deep.
    Behind(usize),
    /// It is one of a circle of rows, or one to which such a row refers: these let go of each other first.
    Last,
}

/// The turns of orphans, by their numbers, in tables whose rows refer to each other and do not go in one statement: a
/// foreign key with `RESTRICT` is checked with each row, and rows of several files are several statements.
fn turns(basis: &Basis<'_>) -> HashMap<usize, Turn> {
    let mut by_table: BTreeMap<usize, Vec<(usize, &Remembered)>> = BTreeMap::new();
    for (number, orphan) in basis.memory.orphans().enumerate() {
        let table = by_table.entry(orphan.table).or_default();
        table.push((number, orphan));
    }
    let mut turns = HashMap::new();
    for (table, orphans) in by_table {
        let of = &basis.shape.tables[table];
        let keys = of.foreign_keys.iter().filter_map(|key| {
            let parents = key.parent_columns.iter().map(|name| of.column(name));
            let parents: Vec<usize> = parents.collect::<Option<_>>()?;
            key.parent
                .eq_ignore_ascii_case(&of.name)
                .then_some((key, parents))
        });
        let keys: Vec<(&ForeignKey, Vec<usize>)> = keys.collect();
        let is_restricted = keys.iter().any(|(key, _)| key.on_delete == "RESTRICT");
        let statement = |(_, it): &(usize, &Remembered)| (it.file, it.columns.clone());
        let first = orphans.first().map(statement);
        let is_one = orphans.iter().all(|it| Some(statement(it)) == first);
        if orphans.len() < 2 || keys.is_empty() || is_one && !is_restricted {
            continue;
        }
        // The orphans to which each one refers.
        let mut parents: Vec<Vec<usize>> = vec![Vec::new(); orphans.len()];
        for (key, columns) in &keys {
            let word = |place: usize, own: &[usize]| {
                let row = orphans[place].1.row.as_ref()?.as_deref()?;
                words_of_parent(values_in(row, own), of, columns)
            };
            let places = 0..orphans.len();
            let by_word: HashMap<String, usize> = places
                .clone()
                .filter_map(|place| Some((word(place, columns)?, place)))
                .collect();
            for place in places {
                let parent = word(place, &key.columns).and_then(|it| by_word.get(&it).copied());
                parents[place].extend(parent.filter(|it| *it != place));
            }
        }
        let mut children = vec![0_usize; orphans.len()];
        for parent in parents.iter().flatten() {
            children[*parent] += 1;
        }
        let mut open: Vec<usize> = (0..orphans.len()).filter(|it| children[*it] == 0).collect();
        let mut depths = vec![0_usize; orphans.len()];
        while let Some(place) = open.pop() {
            turns.insert(
                orphans[place].0,
                match depths[place] {
                    0 => Turn::First,
                    deep => Turn::Behind(deep),
                },
            );
            for parent in &parents[place] {
                depths[*parent] = depths[*parent].max(depths[place] + 1);
                children[*parent] -= 1;
                if children[*parent] == 0 {
                    open.push(*parent);
                }
            }
        }
        for (number, _) in &orphans {
            turns.entry(*number).or_insert(Turn::Last);
        }
    }
    turns
}

/// What makes rows refer to themselves that refer to other rows of their table by columns that cannot be NULL.
fn refer_to_themselves(of: &TableShape, free: &[usize], columns: &[usize]) -> Vec<String> {
    let can_change = |column: &usize| {
        let is_fixed = of.primary_key.contains(column) || columns.contains(column);
        !is_fixed && !free.contains(column)
    };
    let own = of.foreign_keys.iter().filter(|key| {
        key.parent.eq_ignore_ascii_case(&of.name) && key.columns.iter().all(can_change)
    });
    let pairs = own.flat_map(|key| key.columns.iter().zip(&key.parent_columns));
    let sets = pairs.map(|(column, parent)| {
        let column = identifier(&of.columns[*column].name);
        format!("{column} = {}", identifier(parent))
    });
    sets.collect()
}

/// The condition that holds for these rows of one table, and what is bound in it.
pub(super) fn these(
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
