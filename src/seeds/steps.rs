//! A decided plan as statements and records: what is deleted, inserted and updated, in this order. Rows to which declared
//! rows refer until they are updated are deleted last. Pure.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::basis::{Basis, found_by};
use super::bound::{Secrets, expression, unresolved, value, written};
use super::changes::{FilePlan, FileState, SeedPlan};
use super::conflicts::misfit;
use super::found::finds;
use super::hand_over::{HandOver, hand_over};
use super::held::Held;
use super::model::Mode;
use super::numbered::{new_id, new_id_in_json};
use super::order::Order;
use super::refused::names_row;
use super::row::{Cell, Content, Redrawn, Rows};
use super::trace::Writing;
use crate::diagnostic::Diagnostic;
use crate::history;
use crate::schema::{Nullability, TableShape};
use crate::script::{Atomicity, Entry, ForeignKeys, Key, Origin, Record, Script, Sql, Step, Unit};
use crate::sql::{Packed, Value, identifier};

/// Rows up to this many are written one by one, so that an error has the place of its row; more go together.
pub(super) const ONE_BY_ONE: usize = 200;

/// Bound values in one statement that writes many rows. A server takes 32,766. Before each such statement the engine
/// keeps a copy of the pages that it changes, so few large ones are faster than many small ones.
const PER_STATEMENT: usize = 6000;

/// A statement that inserts rows, before it has their values.
pub(super) struct Insert {
    /// Its place among the steps.
    step: usize,
    rows: Vec<usize>,
    /// What is bound for cells that do not hold their own value, by their places among all cells.
    resolved: Vec<(usize, Vec<Value>)>,
}

/// The statements that make it so, in order. Those that insert rows get their values by [`bind`].
pub(super) fn steps(
    basis: &Basis<'_>,
    order: &Order,
    updated: &[(usize, Vec<usize>)],
    secrets: &Secrets,
) -> Result<(Vec<Step>, Vec<Insert>), Box<Diagnostic>> {
    let mut inserts = Vec::new();
    let (mut steps, last) = super::orphans::deletions(basis);
    let HandOver {
        released,
        early,
        late,
    } = hand_over(basis, &order.rows, updated)?;
    for it in &released {
        let found_by = find(basis, it.row, secrets)?;
        steps.extend(super::hand_over::release(basis, it, found_by));
    }
    let update_of = |number: usize| {
        let (at, columns) = &updated[number];
        let of_row = released.iter().filter(|it| it.row == *at);
        let restored: BTreeSet<usize> = of_row.flat_map(|it| it.restored(columns)).collect();
        update(basis, *at, columns, &restored, secrets)
    };
    for number in early {
        steps.push(update_of(number)?);
    }
    let mut at = 0;
    while at < order.rows.len() {
        // Neighbours that write the same columns of the same table.
        let first = &basis.rows.rows[order.rows[at]];
        let table = basis.rows.rules(first).table;
        let same = |at: &&usize| {
            let row = &basis.rows.rows[**at];
            basis.rows.rules(row).table == table && row.columns().eq(first.columns())
        };
        let many = order.rows[at..].iter().take_while(same).count();
        let columns: Vec<usize> = first.columns().collect();
        let together = match many {
            _ if basis.each_row => 1,
            many if many <= ONE_BY_ONE => 1,
            _ => (PER_STATEMENT / columns.len().max(1)).max(1),
        };
        let of = &basis.shape.tables[table];
        // One text for all statements that are alike.
        let whole: Sql = insert_text(of, &columns, together, &[]).into();
        for chunk in order.rows[at..at + many].chunks(together) {
            let resolved = resolved(basis, order, chunk, secrets)?;
            let is_bound = |(_, sql, _): &(usize, String, Vec<Value>)| sql == "?";
            let sql = match (resolved.iter().all(is_bound), chunk.len() == together) {
                (true, true) => whole.clone(),
                (true, false) => insert_text(of, &columns, chunk.len(), &[]).into(),
                (false, _) => insert_text(of, &columns, chunk.len(), &resolved).into(),
            };
            inserts.push(Insert {
                step: steps.len(),
                rows: chunk.to_vec(),
                resolved: resolved.into_iter().map(|(at, _, it)| (at, it)).collect(),
            });
            let explain = match chunk {
                [one] => name_of_many(basis, *one),
                _ => None,
            };
            let step = Step::own(sql, Vec::new()).at(origin(basis, chunk));
            steps.push(match explain {
                Some(explain) => step.explained(explain),
                None => step,
            });
        }
        at += many;
    }
    let mut later: Vec<(usize, usize)> = order.later.iter().copied().collect();
    later.sort_by_cached_key(|(row, column)| (order.rows.iter().position(|it| it == row), *column));
    for (row, column) in later {
        steps.push(update(basis, row, &[column], &BTreeSet::new(), secrets)?);
    }
    for number in late {
        steps.push(update_of(number)?);
    }
    steps.extend(last);
    Ok((steps, inserts))
}

/// The text that inserts so many rows. `resolved` has cells that are other expressions than a bound value.
fn insert_text(of: &TableShape, columns: &[usize], rows: usize, resolved: &[Resolved]) -> String {
    let names: Vec<String> = columns
        .iter()
        .map(|column| identifier(&of.columns[*column].name))
        .collect();
    match names.is_empty() {
        // Everything has its default.
        true => format!("INSERT INTO {} DEFAULT VALUES", identifier(&of.name)),
        false => {
            let row = format!("({})", vec!["?"; names.len()].join(","));
            let mut values = vec![row.as_str(); rows].join(",");
            if !resolved.is_empty() {
                let mut cells = vec!["?"; names.len() * rows];
                for (number, sql, _) in resolved {
                    cells[*number] = sql;
                }
                let rows = cells.chunks(names.len());
                let rows: Vec<String> = rows.map(|row| format!("({})", row.join(","))).collect();
                values = rows.join(",");
            }
            format!(
                "INSERT INTO {} ({}) VALUES {values}",
                identifier(&of.name),
                names.join(", "),
            )
        }
    }
}

/// The place of rows that are written together.
fn origin(basis: &Basis<'_>, chunk: &[usize]) -> Origin {
    let first = &basis.rows.rows[chunk[0]];
    let last = &basis.rows.rows[chunk[chunk.len() - 1]];
    let span = match first.rules == last.rules {
        true => first.span.start.min(last.span.start)..first.span.end.max(last.span.end),
        false => first.span.clone(),
    };
    basis.rows.origin(first, &span, basis.files)
}

/// What names a row where it is refused, if its place is that of a pattern for many.
fn name_of_many(basis: &Basis<'_>, at: usize) -> Option<Arc<String>> {
    let row = &basis.rows.rows[at];
    let origin = basis.rows.origin(row, &row.span, basis.files);
    // No other label holds a brace.
    origin.text().contains('{').then(|| names_row(&row.label))
}

/// A cell that does not hold its own value, by its place among all cells of some rows: what is written, and what is bound
/// in that.
type Resolved = (usize, String, Vec<Value>);

/// The cells of these rows that do not hold their own values.
fn resolved(
    basis: &Basis<'_>,
    order: &Order,
    chunk: &[usize],
    secrets: &Secrets,
) -> Result<Vec<Resolved>, Box<Diagnostic>> {
    let rows = chunk.iter().map(|at| (*at, &basis.rows.rows[*at]));
    let cells = rows.flat_map(|(at, row)| row.cells.iter().map(move |cell| (at, cell)));
    let mut resolved = Vec::new();
    for (number, (at, cell)) in cells.enumerate() {
        if order.later.contains(&(at, cell.column())) {
            resolved.push((number, "?".to_owned(), vec![Value::Null]));
        } else if !matches!(cell.content, Content::Known(_)) {
            let (sql, args) = expression(basis, at, cell, secrets)?;
            resolved.push((number, sql, args));
        }
    }
    Ok(resolved)
}

/// Moves the values of the rows into the statements that insert them: there may be a million, and none is needed twice.
pub(super) fn bind(script: &mut Script, inserts: Vec<Insert>, rows: &mut Rows) {
    // Where the statements are: `script` puts them into the last unit.
    let Some(unit) = script.units.last_mut() else {
        return;
    };
    for insert in inserts {
        let is_blob = |cell: &Cell| matches!(cell.content, Content::Known(Held::Blob(_)));
        let mut of_rows = insert.rows.iter().map(|at| &rows.rows[*at]);
        let mut args = match of_rows.any(|row| row.cells.iter().any(is_blob)) {
            // It may be large, and is moved to its end.
            true => Args::Each(Vec::new()),
            false => Args::Packed(Packed::default()),
        };
        let mut resolved = insert.resolved.into_iter().peekable();
        let mut number = 0;
        for at in insert.rows {
            for cell in std::mem::take(&mut rows.rows[at].cells) {
                match resolved.next_if(|(place, _)| *place == number) {
                    Some((_, values)) => values.into_iter().for_each(|it| args.push(it.into())),
                    None => args.push(match cell.content {
                        Content::Known(held) => held,
                        _ => Held::Null,
                    }),
                }
                number += 1;
            }
        }
        let step = &mut Arc::make_mut(&mut unit.steps)[insert.step];
        match args {
            Args::Each(values) => step.bind(values),
            Args::Packed(values) => step.bind_packed(values),
        }
    }
}

/// What one statement binds.
enum Args {
    Each(Vec<Value>),
    Packed(Packed),
}

impl Args {
    fn push(&mut self, held: Held) {
        match self {
            Args::Each(values) => values.push(held.into()),
            Args::Packed(values) => values.push(held.get()),
        }
    }
}

/// `restored` are columns that had another value for a while, and get back what the database had.
fn update(
    basis: &Basis<'_>,
    at: usize,
    columns: &[usize],
    restored: &BTreeSet<usize>,
    secrets: &Secrets,
) -> Result<Step, Box<Diagnostic>> {
    let row = &basis.rows.rows[at];
    let rules = basis.rows.rules(row);
    let of = &basis.shape.tables[rules.table];
    let mut args = Vec::new();
    let mut sets = Vec::new();
    for column in columns {
        let Some(cell) = row.cell(*column) else {
            continue;
        };
        let (sql, bound) = expression(basis, at, cell, secrets)?;
        args.extend(bound);
        sets.push(format!("{} = {sql}", identifier(&of.columns[*column].name)));
    }
    let found = basis.there(at);
    for column in restored {
        sets.push(format!("{} = ?", identifier(&of.columns[*column].name)));
        args.push(found.and_then(|it| it.value(*column)).unwrap_or_default());
    }
    let (finds, found_by) = find(basis, at, secrets)?;
    args.extend(found_by);
    let sql = format!(
        "UPDATE {} SET {} WHERE {finds}",
        identifier(&of.name),
        sets.join(", "),
    );
    let step = Step::own(sql, args).at(basis.rows.origin(row, &row.span, basis.files));
    Ok(match name_of_many(basis, at) {
        Some(explain) => step.explained(explain),
        None => step,
    })
}

/// The condition by which a row is found that the database has, and what is bound in it.
fn find(
    basis: &Basis<'_>,
    at: usize,
    secrets: &Secrets,
) -> Result<(String, Vec<Value>), Box<Diagnostic>> {
    let row = &basis.rows.rows[at];
    let rules = basis.rows.rules(row);
    let of = &basis.shape.tables[rules.table];
    let (mut parts, mut args) = (Vec::new(), Vec::new());
    let (columns, known) = found_by(basis, at);
    for (number, column) in columns.iter().enumerate() {
        args.push(match (&known, row.cell(*column)) {
            (Some(values), _) => values[number].clone(),
            (None, Some(cell)) => value(basis, at, cell, secrets)?,
            (None, None) => continue,
        });
        parts.push((*column, "?".to_owned()));
    }
    Ok((finds(of, &columns, &parts), args))
}

/// References that lead to nothing, in all that is to be written.
pub(super) fn unresolved_references(
    basis: &Basis<'_>,
    inserted: &[usize],
    updated: &[(usize, Vec<usize>)],
) -> Vec<Diagnostic> {
    let rows = &basis.rows.rows;
    let there: HashSet<usize> = inserted.iter().copied().collect();
    let mut problems = Vec::new();
    for (at, cell) in written(basis, inserted, updated) {
        let new_row = new_id_in_json(basis.rows, basis.found, cell);
        if let Some(row) = new_row.filter(|row| !there.contains(row)) {
            problems.push(not_there(basis, at, cell, row));
            continue;
        }
        let Content::Reference { row, column } = cell.content else {
            continue;
        };
        let value = basis.found.value(basis.rows, basis.shape, row, column);
        let of = &basis.shape.tables[basis.rows.rules(&rows[at]).table];
        let mut keys = of.foreign_keys.iter();
        let is_foreign = keys.any(|key| key.columns.contains(&cell.column()));
        let new_id = new_id(basis.rows, basis.found, cell);
        // The row itself, or the one whose new id it has.
        let row = match new_id {
            Some((row, _)) => row,
            None => row,
        };
        if new_id.is_some() && basis.rows.rules(&rows[row]).key.is_empty() {
            let name = basis.rows.name(&rows[row], basis.shape);
            let message =
                format!("`{name}` has no key, so the id that the database gives it is not known");
            let problem = Diagnostic::problem("no-key", message);
            let help = "give its table a `_key`, or the row an id of its own";
            let origin = basis.rows.origin(&rows[at], &cell.span(), basis.files);
            problems.push(problem.at(origin).help(help));
            continue;
        }
        let needs = is_foreign || new_id.is_some();
        if needs && basis.looked && !basis.found.is_there(row) && !there.contains(&row) {
            problems.push(not_there(basis, at, cell, row));
            continue;
        }
        match value {
            None if new_id.is_some() || basis.found.is_unknown(basis.rows, row, column) => {}
            None => problems.push(*unresolved(basis, at, cell, row, column)),
            Some(Value::Null) if of.columns[cell.column()].nullability == Nullability::NotNull => {
                let origin = basis.rows.origin(&rows[at], &cell.span(), basis.files);
                let name = basis.rows.name(&rows[row], basis.shape);
                let message = format!(
                    "column `{}` takes no NULL, and that is what `{name}` has there",
                    of.columns[cell.column()].name
                );
                problems.push(Diagnostic::problem("null", message).at(origin));
            }
            Some(value) => problems.extend(misfit(basis, at, cell, value)),
        }
    }
    problems
}

/// The problem with a reference to a row that is neither in the database nor inserted.
fn not_there(basis: &Basis<'_>, at: usize, cell: &Cell, row: usize) -> Diagnostic {
    let rows = &basis.rows.rows;
    let name = basis.rows.name(&rows[row], basis.shape);
    let origin = basis.rows.origin(&rows[at], &cell.span(), basis.files);
    let message = format!("`{name}` is not in the database under its key, and is not inserted");
    let parent = basis.rows.rules(&rows[row]);
    let help = match parent.mode {
        Mode::Insert => format!(
            "a row of mode insert is made once: `seed forget {}`, and then `seed`, makes it again",
            basis.files[parent.file].name
        ),
        Mode::Upsert | Mode::Sync => {
            "give that row its key again by hand, or delete what is left of it and run `seed --refresh`".to_owned()
        }
    };
    Diagnostic::problem("no-parent", message)
        .at(origin)
        .help(help)
}

/// The records and the statements; none where there is nothing to do.
pub(super) fn script(
    basis: &Basis<'_>,
    plan: &SeedPlan,
    hashes: &[String],
    mut steps: Vec<Step>,
    writing: &Writing<'_>,
) -> Result<Option<Script>, Box<Diagnostic>> {
    let mut units = Vec::new();
    let past = &basis.past.texts;
    let is_current = |number: usize| {
        let planned = &plan.files[number];
        planned.state == FileState::Applied
            && planned.changes.is_empty()
            && planned.was.is_empty()
            && !basis.past.lost_tables(number)
            && !basis.memory.reveals(basis, number)
    };
    let current: Vec<bool> = (0..plan.files.len()).map(is_current).collect();
    let writes = plan.marks.is_some() || current.contains(&false);
    for (number, planned) in plan.files.iter().enumerate() {
        // Records of older versions are completed with the first write.
        if current[number] && (past.remembers[number] || !writes) {
            continue;
        }
        let (file, hash) = (basis.files[number], &hashes[number]);
        let mut detail = detail(basis, planned);
        detail.insert(history::WRITTEN.to_owned(), writing.record(basis, number));
        let is_its = |it: &&Redrawn| basis.rows.rules(&basis.rows.rows[it.row]).file == number;
        let redrawn: Vec<&Redrawn> = basis.rows.redrawn.iter().filter(is_its).collect();
        let memory = super::recorded::memory(
            file,
            basis.files,
            basis.seeds,
            (&past.made_as[number], &past.columns[number]),
            &redrawn,
            basis.shape,
        );
        detail.insert(history::MEMORY.to_owned(), memory);
        // The text that is recorded has the names of now, and an amended record keeps what it does not get.
        let mut records = past.lineage.records[number].iter();
        if planned.state == FileState::Respelled && records.any(|it| past.renames(it).is_some()) {
            detail.insert(history::RENAMED.to_owned(), serde_json::Value::Null);
        }
        let entry = Entry {
            key: Key::Seed(file.name.clone()),
            name: file.name.clone(),
            checksum: file.checksum.clone(),
            effective: Some(hash.clone()),
            source: super::secret::without(file),
            down: None,
            detail,
        };
        let is_new = planned.state == FileState::New || !planned.was.is_empty();
        let is_written = planned.state == FileState::Edited
            || !planned.changes.is_empty()
            || basis.past.lost_tables(number);
        let mut gone = planned.was.iter().map(|name| Key::Seed(name.clone()));
        let record = match planned.was.len() {
            // The same rows under another name.
            1 if !is_written && !past.lineage.records[number].contains(&file.name) => {
                let Some(from) = gone.next() else { continue };
                Record::Move { from, entry }
            }
            _ if is_written || is_new => match planned.state {
                FileState::New => Record::Insert(entry),
                _ => Record::Replace(entry),
            },
            _ => Record::Amend(entry),
        };
        let ends = gone.map(|key| Unit {
            record: Record::Delete(key),
            steps: Arc::default(),
        });
        units.extend(ends);
        steps.extend(super::ledger::entries(basis, number, writing)?);
        units.push(Unit {
            record,
            steps: Arc::default(),
        });
    }
    if let Some(mark) = &plan.marks {
        units.insert(
            0,
            Unit {
                record: Record::Mark(mark.clone()),
                steps: Arc::default(),
            },
        );
    }
    // Rows of all files stand in one order, so they belong to no file alone.
    let Some(last) = units.last_mut() else {
        return Ok(None);
    };
    last.steps = Arc::new(steps);
    Ok(Some(Script {
        expects: basis.history.revision,
        foreign_keys: ForeignKeys::On,
        atomicity: Atomicity::Transaction,
        units,
    }))
}

fn detail(basis: &Basis<'_>, planned: &FilePlan) -> serde_json::Map<String, serde_json::Value> {
    let rows = planned.unchanged + planned.changes.len();
    let mut detail = serde_json::Map::new();
    detail.insert(history::ROWS.to_owned(), rows.into());
    detail.insert(
        history::SEED_ENVIRONMENT.to_owned(),
        basis.environment.into(),
    );
    detail
}
