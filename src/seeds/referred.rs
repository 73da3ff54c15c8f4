//! Values that change although rows of the database refer to them, and no `ON UPDATE CASCADE` lets those follow: they would
//! keep the value from changing, or refer to another row or to none. Questions and what the answers mean. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::basis::{Basis, Move, Planned, Written};
use super::found::{PER_QUESTION, wanting};
use super::identity::{shown, values_in, whole_row, words_of_parent};
use super::row::Cell;
use super::row::Content;
use crate::db::{DbError, Query, Reply};
use crate::diagnostic::Diagnostic;
use crate::schema::{ForeignKey, Nullability, TableShape};
use crate::sql::{Value, identifier};

/// Rows of one question that are named; the others are counted.
const NAMED: usize = 3;

/// So many more rows in an answer than are declared: then one at least is not.
const MORE: usize = 1000;

/// What a question is about.
pub(super) struct Referred {
    /// The declared rows whose values change.
    rows: Vec<usize>,
    /// The table that refers to them, by its place in the shape.
    child: usize,
    /// The columns that refer.
    columns: Vec<usize>,
    /// Those to which they refer.
    parent_columns: Vec<usize>,
    /// The columns by which a row that refers is named.
    names: Vec<usize>,
    /// Whether a deferred foreign key is checked at the end of the run: an action is taken at once.
    may_wait: bool,
}

/// For each table whether another one may keep a value of it from changing. Primary keys are never changed, and most
/// foreign keys refer to one.
fn changeable(basis: &Basis<'_>) -> Vec<bool> {
    let may_change = |of: &TableShape| {
        basis
            .shape
            .tables
            .iter()
            .flat_map(|it| &it.foreign_keys)
            .any(|key| {
                let is_its = key.parent.eq_ignore_ascii_case(&of.name);
                let columns = is_its.then(|| parent_columns(of, key)).flatten();
                columns.is_some_and(|all| all.iter().any(|it| !of.primary_key.contains(it)))
            })
    };
    basis.shape.tables.iter().map(may_change).collect()
}

/// Rows that get a value of another row that changes in the same run: that one comes first. A row whose primary key the
/// engine changes along with that value is found by the old one: it comes before.
pub(super) fn follows(basis: &Basis<'_>, written: &Planned<'_>) -> Vec<Move> {
    let changeable = changeable(basis);
    let mut moves = Vec::new();
    if !changeable.contains(&true) {
        return moves;
    }
    for (at, row) in basis.rows.rows.iter().enumerate() {
        let of = &basis.shape.tables[basis.rows.rules(row).table];
        for column in of.foreign_keys.iter().flat_map(|key| &key.columns) {
            let Some(Content::Reference {
                row: parent,
                column: target,
            }) = row.cell(*column).map(|cell| &cell.content)
            else {
                continue;
            };
            let table = basis.rows.rules(&basis.rows.rows[*parent]).table;
            let changes = || {
                let is_update = matches!(written[*parent], Written::Columns(_));
                is_update && written[*parent].touches(&[*target])
            };
            if *parent == at || !changeable[table] || !changes() {
                continue;
            }
            let (to, from) = match of.primary_key.contains(column) {
                true if basis.found.moved().contains(&at) => (*parent, at),
                _ if written[at].touches(&[*column]) => (at, *parent),
                _ => continue,
            };
            moves.push(Move {
                to,
                from,
                columns: Vec::new(),
            });
        }
    }
    moves
}

/// Asks for the rows that refer to values that the run changes.
pub(super) fn referred(basis: &Basis<'_>, written: &Planned<'_>) -> Vec<(Referred, Query)> {
    let may_change = changeable(basis);
    let mut groups: BTreeMap<_, Vec<(usize, Vec<Value>)>> = BTreeMap::new();
    for (at, row) in basis.rows.rows.iter().enumerate() {
        if !may_change[basis.rows.rules(row).table] {
            continue;
        }
        let (Written::Columns(columns), Some(found)) = (&written[at], basis.there(at)) else {
            continue;
        };
        let table = basis.rows.rules(row).table;
        let of = &basis.shape.tables[table];
        for (child, number, key) in keys_to(basis, of) {
            let Some(parents) = parent_columns(of, key) else {
                continue;
            };
            if !parents.iter().any(|column| columns.contains(column)) {
                continue;
            }
            let old = values_in(found, &parents);
            let new = parents.iter().map(|column| match row.cell(*column) {
                Some(cell) if columns.contains(column) => {
                    basis.found.cell(basis.rows, basis.shape, at, cell)
                }
                _ => found.value(*column),
            });
            let new: Option<Vec<Value>> = new.collect();
            let changes = new.is_none_or(|new| {
                words_of_parent(new, of, &parents) != words_of_parent(old.clone(), of, &parents)
            });
            if changes && !old.iter().any(Value::is_null) {
                groups
                    .entry((table, child, number))
                    .or_default()
                    .push((at, old));
            }
        }
    }
    let mut all = Vec::new();
    for ((table, child_at, number), wanted) in groups {
        let of = &basis.shape.tables[table];
        let child = &basis.shape.tables[child_at];
        let key = &child.foreign_keys[number];
        let Some(parents) = parent_columns(of, key) else {
            continue;
        };
        let names = match child.primary_key.as_slice() {
            [] => key.columns.clone(),
            primary => primary.to_vec(),
        };
        let name = |column: &usize| identifier(&child.columns[*column].name);
        let rows = basis.rows.rows.iter();
        let own = rows.filter(|row| basis.rows.rules(row).table == child_at);
        let most = own.count() + MORE;
        for chunk in wanted.chunks(PER_QUESTION) {
            let (want, is_parent, args) =
                wanting(of, &parents, chunk.iter().map(|(_, old)| old.as_slice()));
            let pairs = key.columns.iter().zip(&parents);
            let on: Vec<String> = pairs
                .map(|(column, parent)| {
                    // The parent's collation decides.
                    let parent = identifier(&of.columns[*parent].name);
                    format!("t.{parent} = c.{}", name(column))
                })
                .collect();
            // A deferred foreign key is checked at the end of the run.
            let deferred = "(SELECT instr(upper(s.sql), 'INITIALLY') FROM sqlite_schema AS s \
                 WHERE s.type = 'table' AND s.name = ?)";
            let shown: Vec<String> = names.iter().map(|it| format!("c.{}", name(it))).collect();
            let sql = format!(
                "WITH {want} SELECT want.n, {deferred}, {} FROM want CROSS JOIN {} AS t ON {is_parent} \
                 CROSS JOIN {} AS c ON {} LIMIT {}",
                shown.join(", "),
                identifier(&of.name),
                identifier(&child.name),
                on.join(" AND "),
                most,
            );
            let mut args = args;
            args.push(child.name.as_str().into());
            let about = Referred {
                rows: chunk.iter().map(|(at, _)| *at).collect(),
                child: child_at,
                columns: key.columns.clone(),
                parent_columns: parents.clone(),
                names: names.clone(),
                may_wait: key.on_update == "NO ACTION",
            };
            all.push((about, Query { sql, args }));
        }
    }
    all
}

/// The foreign keys that refer to a table and let no row follow: the table, the number of the key, and the key. `SET NULL`
/// and `SET DEFAULT` would change rows of which the seeds say nothing.
fn keys_to<'s>(
    basis: &Basis<'s>,
    of: &TableShape,
) -> impl Iterator<Item = (usize, usize, &'s ForeignKey)> {
    let name = of.name.clone();
    let tables = basis.shape.tables.iter().enumerate();
    tables.flat_map(move |(child, table)| {
        let name = name.clone();
        let keys = table.foreign_keys.iter().enumerate();
        keys.filter(move |(_, key)| {
            key.parent.eq_ignore_ascii_case(&name) && key.on_update != "CASCADE"
        })
        .map(move |(number, key)| (child, number, key))
    })
}

fn parent_columns(of: &TableShape, key: &ForeignKey) -> Option<Vec<usize>> {
    let columns: Vec<usize> = key
        .parent_columns
        .iter()
        .map(|name| of.column(name))
        .collect::<Option<_>>()?;
    (columns.len() == key.columns.len() && !columns.is_empty()).then_some(columns)
}

/// The problems in the answers: rows that would refer to nothing; and those that let go first.
pub(super) fn referred_problems(
    basis: &Basis<'_>,
    answers: Vec<(Referred, Reply)>,
    written: &Planned<'_>,
) -> Result<(Vec<Diagnostic>, Vec<Move>), DbError> {
    let (mut problems, mut moves) = (Vec::new(), Vec::new());
    for (about, reply) in answers {
        let mut words: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        let child = &basis.shape.tables[about.child];
        let answers = reply.rows_of(about.names.len() + 2)?;
        if answers.is_empty() {
            continue;
        }
        let rows = declared(basis, &about);
        let goes = deleted_before(basis, &about);
        for answer in answers {
            let (Some(number), deferred) = (answer[0].as_i64(), &answer[1]) else {
                continue;
            };
            let Some(at) = usize::try_from(number)
                .ok()
                .and_then(|it| about.rows.get(it))
            else {
                continue;
            };
            let key = &answer[2..];
            let declared = rows.get(&whole_row(key)).copied();
            let follows = |row: usize| written[row].touches(&about.columns);
            // A row that refers to itself changes at once.
            let is_itself = declared == Some(*at) && follows(*at);
            let is_deferred = about.may_wait && deferred.as_i64().is_some_and(|it| it > 0);
            if is_itself || is_deferred && declared.is_some_and(follows) {
                continue;
            }
            // It is deleted before.
            if declared.is_none() && goes.contains(&whole_row(key)) {
                continue;
            }
            if let Some(row) =
                declared.filter(|row| follows(*row) && lets_go(basis, &about, *row, *at))
            {
                moves.push(Move {
                    to: *at,
                    from: row,
                    columns: about.columns.clone(),
                });
                continue;
            }
            words.entry(*at).or_default().push(match declared {
                Some(row) => format!("`{}`", basis.rows.name(&basis.rows.rows[row], basis.shape)),
                None if hides(basis, &about, *at) => format!("a row of `{}`", child.name),
                None => {
                    let columns = about.names.iter().zip(key);
                    let parts: Vec<String> = columns
                        .map(|(column, value)| {
                            format!("{} {}", child.columns[*column].name, shown(value))
                        })
                        .collect();
                    format!("`{}` with {}", child.name, parts.join(", "))
                }
            });
        }
        for (at, names) in words {
            problems.push(refused(basis, &about, at, &names));
        }
    }
    Ok((problems, moves))
}

/// Whether a row can let go of the old value before it changes: it gets a value of another row, or takes NULL for a
/// while.
fn lets_go(basis: &Basis<'_>, about: &Referred, row: usize, parent: usize) -> bool {
    let declared = &basis.rows.rows[row];
    let of = &basis.shape.tables[about.child];
    let follows = |column: &usize| {
        let content = declared.cell(*column).map(|cell| &cell.content);
        matches!(content, Some(Content::Reference { row, .. }) if *row == parent)
    };
    let is_free = |column: &usize| {
        of.columns[*column].nullability == Nullability::Nullable && !of.primary_key.contains(column)
    };
    !about.columns.iter().any(follows) || about.columns.iter().any(is_free)
}

/// Whether the names of the rows that refer hold the value of a variable.
fn hides(basis: &Basis<'_>, about: &Referred, at: usize) -> bool {
    let row = &basis.rows.rows[at];
    let mut cells = about.parent_columns.iter().filter_map(|it| row.cell(*it));
    about.names.iter().any(|it| about.columns.contains(it)) && cells.any(|it| basis.rows.hides(it))
}

/// The declared rows that are rows of the database, by what names those.
fn declared(basis: &Basis<'_>, about: &Referred) -> HashMap<String, usize> {
    let rows = basis.rows.rows.iter().enumerate();
    let own = rows.filter(|(_, row)| basis.rows.rules(row).table == about.child);
    own.filter_map(|(at, _)| Some((whole_row(&values_in(basis.there(at)?, &about.names)), at)))
        .collect()
}

/// The rows that are deleted before any row is updated, by what names them.
fn deleted_before(basis: &Basis<'_>, about: &Referred) -> HashSet<String> {
    let memory = basis.memory;
    let own = memory.orphans().filter(|it| it.table == about.child);
    let is_late =
        memory.late.is_some() && memory.is_late(super::order::ranks(basis.shape)[about.child]);
    own.filter(|_| !is_late)
        .filter_map(|it| {
            Some(whole_row(&values_in(
                it.row.as_ref()?.as_ref()?,
                &about.names,
            )))
        })
        .collect()
}

fn refused(basis: &Basis<'_>, about: &Referred, at: usize, names: &[String]) -> Diagnostic {
    let row = &basis.rows.rows[at];
    let of = &basis.shape.tables[basis.rows.rules(row).table];
    let child = &basis.shape.tables[about.child].name;
    let columns: Vec<&str> = about
        .parent_columns
        .iter()
        .map(|column| of.columns[*column].name.as_str())
        .collect();
    let more = match names.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let shown: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    let message = format!(
        "`{}` of `{}` changes, and rows of `{child}` refer to its old value: {}{more}",
        columns.join("`, `"),
        basis.rows.name(row, basis.shape),
        shown.join(", "),
    );
    let cell = about.parent_columns.iter().find_map(|it| row.cell(*it));
    let span = cell.map_or_else(|| row.span.clone(), Cell::span);
    Diagnostic::problem("has-children", message)
        .at(basis.rows.origin(row, &span, basis.files))
        .help(format!(
            "keep the old value and declare a row with the new one for `{child}` to refer to, or give the foreign key \
             of `{child}` `ON UPDATE CASCADE` in a migration"
        ))
}
