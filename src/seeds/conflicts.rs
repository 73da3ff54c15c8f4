//! Conflicts of rows with the database itself: values that another row has, and parents that are not there.
//! Questions and what the answers mean. Pure.

use std::collections::{HashMap, HashSet};

use super::basis::{Basis, Move, Planned, Written};
use super::found::{Found, Lookup, PER_QUESTION, Wanted, default_of, questions, tuple, wanting};
use super::identity::{unique_columns, values_in, whole_row, words_of_parent};
use super::memory::Memory;
use super::remembered::Remembered;
use super::row::{Cell, Content, Row, Rows};
use super::typed::takes;
use crate::db::{DbError, Query, Reply, if_accepted};
use crate::diagnostic::Diagnostic;
use crate::schema::{Shape, TableShape};
use crate::sql::{Value, identifier};

/// Asks who has the values that declared rows are to have, and only one row can have.
pub(super) fn taken(
    basis: &Basis<'_>,
    empty: &[usize],
    written: &Planned<'_>,
) -> Vec<(Lookup, Query)> {
    let Basis {
        rows, shape, found, ..
    } = basis;
    let mut wanted = Wanted::new();
    for (at, row) in rows.rows.iter().enumerate() {
        let rules = rows.rules(row);
        if empty.contains(&rules.table) {
            continue;
        }
        let of = &shape.tables[rules.table];
        // Who has the key was the first question.
        let asked = |columns: &&[usize]| *columns == rules.key && !found.wants_key(at);
        for columns in unique_columns(of).filter(|columns| !asked(columns)) {
            let has_own = |column: &usize| {
                let content = row.cell(*column).map(|cell| &cell.content);
                let has = found.row(rows, at).and_then(|row| row.get(*column));
                matches!((content, has), (Some(Content::Known(value)), Some(has)) if value.get() == has)
            };
            if columns.iter().all(has_own) {
                continue;
            }
            let Some(values) = tuple(found, rows, shape, at, columns) else {
                continue;
            };
            let has_it = |values: &[Value]| {
                found.row(rows, at).is_some_and(|found| {
                    let mut pairs = columns.iter().zip(values);
                    pairs.all(|(column, value)| found.has(*column, value))
                })
            };
            if has_it(&values) {
                continue;
            }
            // What was changed by hand stays.
            let stays = |column: &usize| after(basis, &written[at], at, *column);
            let values = match found.is_there(at) {
                true => columns.iter().map(stays).collect(),
                false => Some(values),
            };
            let is_new =
                |values: &Vec<Value>| !has_it(values) && !values.iter().any(Value::is_null);
            if let Some(values) = values.filter(is_new) {
                let group = wanted.entry((rules.table, columns.to_vec())).or_default();
                group.push((at, values));
            }
        }
    }
    questions(shape, wanted)
}

/// The problems in the answers, and the values that only change hands: what counts is the state after the run.
pub(super) fn taken_problems(
    basis: &Basis<'_>,
    taken: Vec<(Lookup, Reply)>,
    memory: &Memory,
    written: &Planned<'_>,
) -> Result<(Vec<Diagnostic>, Vec<Move>), DbError> {
    let (mut problems, mut moves) = (Vec::new(), Vec::new());
    let rows = basis.rows;
    // The declared row that each row of the database is.
    let mut declared: Option<HashMap<(usize, String), usize>> = None;
    for (taken, reply) in taken {
        for (at, other) in taken.found(reply)? {
            if basis.there(at).is_some_and(|it| it.is(&other)) {
                continue;
            }
            let row = &rows.rows[at];
            let rules = rows.rules(row);
            let of = &basis.shape.tables[rules.table];
            if !written[at].touches(&taken.columns) {
                continue;
            }
            // The value is there until the other row goes.
            let goes = |orphan: &&Remembered| orphan.table == rules.table && orphan.is(of, &other);
            if let Some(orphan) = memory.orphans().find(goes) {
                if basis.memory.late.is_some()
                    && memory.is_late(super::order::ranks(basis.shape)[rules.table])
                {
                    problems.push(leaves_too_late(basis, at, &taken.columns, orphan));
                }
                continue;
            }
            let declared = declared.get_or_insert_with(|| {
                let all = rows.rows.iter().enumerate();
                let there = all.filter_map(|(at, row)| {
                    let found = basis.there(at)?;
                    Some(((rows.rules(row).table, whole_row(found)), at))
                });
                there.collect()
            });
            let declared = declared.get(&(rules.table, whole_row(&other))).copied();
            if let Some(from) = declared
                && gives_up(basis, from, &taken.columns, &written[from])
            {
                moves.push(Move {
                    to: at,
                    from,
                    columns: taken.columns.clone(),
                });
                continue;
            }
            let names: Vec<&str> = taken
                .columns
                .iter()
                .map(|column| of.columns[*column].name.as_str())
                .collect();
            let cell = taken.columns.last().and_then(|column| row.cell(*column));
            let span = cell.map_or_else(|| row.span.clone(), Cell::span);
            let key: Vec<&str> = rules
                .key
                .iter()
                .map(|column| of.columns[*column].name.as_str())
                .collect();
            if let Some(declared) = declared {
                let declared = &rows.rows[declared];
                let name = rows.name(declared, basis.shape);
                let names = names.join("`, `");
                let message = format!("`{name}` has this `{names}` in the database");
                problems.push(
                    Diagnostic::problem("taken", message).at(rows.origin(row, &span, basis.files))
                        .related(
                            "it is here",
                            rows.origin(declared, &declared.span, basis.files),
                        )
                        .help("give that row another value in its file; where it keeps its value (`_keep`, `mode: insert`, a change by hand), change it in the database"),
                );
                continue;
            }
            problems.push(
                Diagnostic::problem(
                    "taken",
                    format!(
                        "another row of `{}` in the database has this `{}` already",
                        of.name,
                        names.join("`, `")
                    ),
                )
                .at(rows.origin(row, &span, basis.files))
                .help(format!(
                    "rows are found again by `{}`: with `_key: {}` this one would be that one",
                    key.join("`, `"),
                    names.join(", ")
                )),
            );
        }
    }
    Ok((problems, moves))
}

/// A row that is to be deleted last has a value that another row gets before.
fn leaves_too_late(
    basis: &Basis<'_>,
    at: usize,
    columns: &[usize],
    orphan: &Remembered,
) -> Diagnostic {
    let row = &basis.rows.rows[at];
    let of = &basis.shape.tables[orphan.table];
    let names: Vec<&str> = columns
        .iter()
        .map(|column| of.columns[*column].name.as_str())
        .collect();
    let cell = columns.last().and_then(|column| row.cell(*column));
    let span = cell.map_or_else(|| row.span.clone(), Cell::span);
    let name = format!("{}.{}", of.name, orphan.label);
    let which = match orphan.of {
        None => format!("`{name}` is no longer declared, and has"),
        Some(_) => format!("the key of `{name}` changed, and the row of the old key has"),
    };
    let message = format!(
        "{which} this `{}` until it is deleted, which can only be once the rows that refer to it refer to others",
        names.join("`, `")
    );
    let help = match orphan.of {
        None => format!(
            "for the same row under a new label, give it `_was: {}`; otherwise edit in two steps: first the rows that \
             refer to it, `seedbed seed`, then the rest",
            orphan.label
        ),
        Some(_) => "give the key its old value again; or edit in two steps: first let the rows that refer to it refer \
                    to another row, `seedbed seed`, then the rest"
            .to_owned(),
    };
    Diagnostic::problem("taken", message)
        .at(basis.rows.origin(row, &span, basis.files))
        .help(help)
}

/// What a row has in a column after the run; none where that is not known.
pub(super) fn after(
    basis: &Basis<'_>,
    written: &Written,
    at: usize,
    column: usize,
) -> Option<Value> {
    let row = &basis.rows.rows[at];
    let cell = row.cell(column).filter(|_| written.touches(&[column]));
    match (cell, basis.there(at)) {
        (Some(cell), _) => basis.found.cell(basis.rows, basis.shape, at, cell),
        (None, Some(found)) => found.value(column),
        (None, None) => {
            let of = &basis.shape.tables[basis.rows.rules(row).table];
            default_of(&of.columns[column])
        }
    }
}

/// Whether a declared row has another value in these columns after the run.
fn gives_up(basis: &Basis<'_>, from: usize, columns: &[usize], written: &Written) -> bool {
    let (Written::Columns(_), Some(found)) = (written, basis.there(from)) else {
        return false;
    };
    let of = &basis.shape.tables[basis.rows.rules(&basis.rows.rows[from]).table];
    let after = |column: &usize| after(basis, written, from, *column);
    let Some(after) = columns.iter().map(after).collect::<Option<Vec<Value>>>() else {
        return false;
    };
    let before = values_in(found, columns);
    words_of_parent(after, of, columns) != words_of_parent(before, of, columns)
}

/// What a question about the parents of rows is about.
pub(super) struct Parents {
    /// Row and column of each wanted parent.
    cells: Vec<(usize, usize)>,
    parent: String,
}

/// Asks for parents that are named by their values, and that no seed declares.
pub(super) fn parents(rows: &Rows, shape: &Shape, found: &Found) -> Vec<(Parents, Query)> {
    type Wanted = Vec<(usize, usize, Vec<Value>)>;
    let mut groups: HashMap<(String, Vec<String>), Wanted> = HashMap::new();
    for (at, row) in rows.rows.iter().enumerate() {
        let of = &shape.tables[rows.rules(row).table];
        for key in &of.foreign_keys {
            let is_literal = |column: &usize| {
                row.cell(*column)
                    .is_some_and(|cell| matches!(cell.content, Content::Known(_)))
            };
            let Some(last) = key.columns.iter().copied().rfind(is_literal) else {
                continue;
            };
            if key.parent_columns.is_empty() {
                continue;
            }
            let Some(values) = tuple(found, rows, shape, at, &key.columns) else {
                continue;
            };
            let group = (key.parent.clone(), key.parent_columns.clone());
            groups.entry(group).or_default().push((at, last, values));
        }
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by(|a, b| a.0.cmp(&b.0));
    let mut all = Vec::new();
    for ((parent, names), mut wanted) in groups {
        let Some(of) = shape.table(&parent) else {
            continue;
        };
        let columns: Vec<usize> = names.iter().filter_map(|name| of.column(name)).collect();
        if columns.len() != names.len() {
            continue;
        }
        let declared = declared(rows, shape, found, of, &columns);
        wanted.retain(|(_, _, values)| {
            let word = words_of_parent(values.clone(), of, &columns);
            word.is_none_or(|word| !declared.contains(&word))
        });
        for chunk in wanted.chunks(PER_QUESTION) {
            let (want, on, args) = wanting(of, &columns, chunk.iter().map(|it| it.2.as_slice()));
            let about = Parents {
                cells: chunk.iter().map(|(at, column, _)| (*at, *column)).collect(),
                parent: of.name.clone(),
            };
            let sql = format!(
                "WITH {want} SELECT want.n FROM want CROSS JOIN {} AS t ON {on}",
                identifier(&of.name)
            );
            all.push((about, Query { sql, args }));
        }
    }
    all
}

/// What declared rows of a table have in these columns.
fn declared(
    rows: &Rows,
    shape: &Shape,
    found: &Found,
    of: &TableShape,
    columns: &[usize],
) -> HashSet<String> {
    let mut all = HashSet::new();
    for (at, row) in rows.rows.iter().enumerate() {
        if shape.tables[rows.rules(row).table].name == of.name {
            let values = tuple(found, rows, shape, at, columns);
            all.extend(values.and_then(|values| words_of_parent(values, of, columns)));
        }
    }
    all
}

/// The problems in the answers: parents that are not there.
pub(super) fn parents_problems(
    basis: &Basis<'_>,
    parents: Vec<(Parents, Reply)>,
    written: &Planned<'_>,
) -> Result<Vec<Diagnostic>, DbError> {
    let mut problems = Vec::new();
    for (parents, reply) in parents {
        let there: HashSet<i64> = reply
            .rows()?
            .iter()
            .filter_map(|[number]| number.as_i64())
            .collect();
        for (number, (at, column)) in parents.cells.iter().enumerate() {
            let is_there = i64::try_from(number).is_ok_and(|number| there.contains(&number));
            if is_there || !written[*at].touches(&[*column]) {
                continue;
            }
            let row = &basis.rows.rows[*at];
            let span = row
                .cell(*column)
                .map_or_else(|| row.span.clone(), Cell::span);
            let parent = &parents.parent;
            let text = row.cell(*column).and_then(|cell| match &cell.content {
                Content::Known(held) => held.as_str(),
                _ => None,
            });
            let is_label = |other: &&Row| {
                let of = &basis.shape.tables[basis.rows.rules(other).table].name;
                of == parent && Some(&*other.label) == text
            };
            let help = match (basis.rows.rows.iter().find(is_label), text) {
                (Some(_), Some(label)) => format!("did you mean `!ref {parent}.{label}`?"),
                _ => {
                    format!("a row of the seeds is referred to by its label: `!ref {parent}.label`")
                }
            };
            let of = &basis.shape.tables[basis.rows.rules(row).table];
            let mut keys = of.foreign_keys.iter();
            let file = basis.files[basis.rows.rules(row).file];
            let help = match keys.find(|key| key.columns == [*column]) {
                Some(key) if file.format_at(&span).is_some() => {
                    super::expand::by_short_name(of, key)
                }
                _ => help,
            };
            problems.push(
                Diagnostic::problem(
                    "no-parent",
                    format!("no row of `{parent}` has this value, in the seeds or in the database"),
                )
                .at(basis.rows.origin(row, &span, basis.files))
                .help(help),
            );
        }
    }
    Ok(problems)
}

/// Asks whether rows whose key is that of an index of some rows will be in it: else they would not be found again.
pub(super) fn indexed(basis: &Basis<'_>, written: &Planned<'_>) -> Vec<(usize, Query)> {
    let mut all = Vec::new();
    for (at, row) in basis.rows.rows.iter().enumerate() {
        let rules = basis.rows.rules(row);
        let of = &basis.shape.tables[rules.table];
        let Some(condition) = of.condition_of(&rules.key) else {
            continue;
        };
        if written[at] == Written::Nothing {
            continue;
        }
        let mut args = Vec::new();
        let mut columns = Vec::new();
        for (number, column) in of.columns.iter().enumerate() {
            let known = match row.cell(number) {
                Some(cell) => basis.found.cell(basis.rows, basis.shape, at, cell),
                None => basis.there(at).and_then(|row| row.value(number)),
            };
            let value = match (known, &column.default, row.cell(number)) {
                (Some(value), ..) => {
                    args.push(value);
                    "?".to_owned()
                }
                (None, Some(default), None) => format!("({default})"),
                _ => "NULL".to_owned(),
            };
            columns.push(format!("{value} AS {}", identifier(&column.name)));
        }
        let sql = format!(
            "SELECT CASE WHEN ({condition}) THEN 1 ELSE 0 END FROM (SELECT {})",
            columns.join(", ")
        );
        all.push((at, Query { sql, args }));
    }
    all
}

/// The problems in the answers.
pub(super) fn indexed_problems(
    basis: &Basis<'_>,
    answers: Vec<(usize, Reply)>,
) -> Result<Vec<Diagnostic>, DbError> {
    let mut problems = Vec::new();
    for (at, reply) in answers {
        let rows = if_accepted(reply.rows::<1>())?.unwrap_or_default();
        if !matches!(rows.as_slice(), [[Value::Integer(0)]]) {
            continue;
        }
        let row = &basis.rows.rows[at];
        let rules = basis.rows.rules(row);
        let condition = basis.shape.tables[rules.table].condition_of(&rules.key);
        let message = format!(
            "the row would not be found again: its `_key` is that of an index of rows with `{}`",
            condition.unwrap_or_default()
        );
        problems.push(
            Diagnostic::problem("no-key", message)
                .at(basis.rows.origin(row, &row.span, basis.files))
                .help("give it values for which that holds, or name the columns of an index of all rows"),
        );
    }
    Ok(problems)
}

/// The problem with a reference whose value the column cannot hold, or holds in a form that the foreign key does not
/// find.
pub(super) fn misfit(
    basis: &Basis<'_>,
    at: usize,
    cell: &Cell,
    value: Value,
) -> Option<Diagnostic> {
    let Content::Reference { row, column } = cell.content else {
        return None;
    };
    let (rows, shape) = (basis.rows, basis.shape);
    let of = &shape.tables[rows.rules(&rows.rows[at]).table];
    let parent = &shape.tables[rows.rules(&rows.rows[row]).table];
    let own = &of.columns[cell.column()];
    let kept = own.affinity.stored(value.clone());
    let name = rows.name(&rows.rows[row], shape);
    let other = &parent.columns[column];
    let problem = |code, message: String| {
        let origin = rows.origin(&rows.rows[at], &cell.span(), basis.files);
        let help = format!(
            "columns that refer to each other have one type: declare `{}` as `{}` is, {}",
            own.name, other.name, other.declared
        );
        Some(
            Diagnostic::problem(code, message)
                .at(origin)
                .help(help.trim_end_matches([',', ' '])),
        )
    };
    if !takes(&kept, own, of.strictness_of(cell.column())) {
        let message = format!(
            "`{}` of `{name}` does not fit into column `{}` of type {}",
            other.name, own.name, own.declared
        );
        return problem("wrong-type", message);
    }
    let is_key = of.foreign_keys.iter().any(|key| {
        key.columns == [cell.column()]
            && key.parent.eq_ignore_ascii_case(&parent.name)
            && parent.column(key.parent_columns.first().map_or("", String::as_str)) == Some(column)
    });
    let compared = |value: Value| words_of_parent(vec![value], parent, &[column]);
    if is_key && compared(kept) != compared(value) {
        let message = format!(
            "column `{}` of type {} does not keep `{}` of `{name}` as it is, so the foreign key would not find its parent",
            own.name, own.declared, other.name
        );
        return problem("no-parent", message);
    }
    None
}
