//! What is to be done: files, a schema, what the database has and what was recorded become changes, and the changes one
//! script. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::basis::{Basis, Written};
use super::bound::secrets;
use super::changes::{Cause, Change, Difference, FilePlan, FileState, Refresh, SeedPlan, What};
use super::effective::overrides;
use super::identity::shown;
use super::model::{Mode, SeedFile};
use super::numbered::{new_id, new_id_in_json};
use super::order::{Loop, Order, order, references};
use super::past::Was;
use super::row::{Cell, Content, Nature, Row};
use super::steps::{Insert, script, steps, unresolved_references};
use super::there::There;
use super::trace::{Trace, Traces, Writing};
use crate::diagnostic::Diagnostic;
use crate::history::MEMORY;
use crate::sql::{Value, ValueRef};

/// Decides what is to be done. The statements that insert rows have no values yet.
pub(super) fn plan(basis: &Basis<'_>, mut problems: Vec<Diagnostic>) -> (SeedPlan, Vec<Insert>) {
    let Basis { files, rows, .. } = basis;
    let mut plans: Vec<FilePlan> = Vec::new();
    let mut hashes = Vec::new();
    for (at, (file, (state, hash))) in files.iter().zip(states(basis)).enumerate() {
        hashes.push(hash);
        let records = basis.past.texts.lineage.records[at].iter();
        plans.push(FilePlan {
            name: file.name.clone(),
            file: file.source.name.clone(),
            checksum: file.checksum.clone(),
            state,
            mode: file.settings.mode,
            was: records
                .filter(|name| **name != file.name)
                .cloned()
                .collect(),
            changes: Vec::new(),
            drifted: Vec::new(),
            unchanged: 0,
            other_keys: 0,
        });
    }
    let mut inserted = Vec::new();
    let mut updated = Vec::new();
    let traces = Traces::of(basis);
    let (warnings, other_keys) = super::kept::other_ids(basis);
    for (at, row) in rows.rows.iter().enumerate() {
        let file = &mut plans[rows.rules(row).file];
        if !basis.looked {
            // Nothing is known of the row; a circle is one all the same.
            inserted.push(at);
            continue;
        }
        match decide(basis, &traces, at) {
            Decided::Insert => {
                file.changes.push(change(basis, row, What::Insert));
                inserted.push(at);
            }
            Decided::Gone => file.drifted.push(Change {
                note: gone(basis, &traces, at),
                ..change(basis, row, What::Insert)
            }),
            Decided::There { write, leave } => {
                if write.is_empty() && leave.is_empty() {
                    file.unchanged += 1;
                    file.other_keys += usize::from(other_keys.contains(&at));
                }
                if !leave.is_empty() {
                    let what = What::Update(differences(basis, at, &leave));
                    file.drifted.push(change(basis, row, what));
                }
                if !write.is_empty() {
                    let what = What::Update(differences(basis, at, &write));
                    let key = &rows.rules(row).key;
                    let is_rekeyed = write.iter().any(|(column, _)| key.contains(column));
                    file.changes.push(Change {
                        note: is_rekeyed.then(|| rekeyed(basis, at)),
                        ..change(basis, row, what)
                    });
                    updated.push((at, write.into_iter().map(|(column, _)| column).collect()));
                }
            }
        }
    }
    if basis.refresh == Refresh::Yes {
        problems.extend(written_by_triggers(basis, &updated));
    }
    if basis.looked {
        problems.extend(super::kept::kept(basis));
        problems.extend(warnings);
        problems.extend(basis.memory.lost(basis));
    }
    for orphan in basis.memory.orphans() {
        plans[orphan.file].changes.push(Change {
            table: basis.shape.tables[orphan.table].name.as_str().into(),
            label: orphan.label.clone(),
            what: What::Delete,
            note: orphan.of.map(|at| rekeyed(basis, at)),
        });
    }
    for file in &mut plans {
        let by_name = |a: &Change, b: &Change| (&a.table, &a.label).cmp(&(&b.table, &b.label));
        // There may be a million of them.
        file.changes.shrink_to_fit();
        file.changes.sort_unstable_by(by_name);
        file.drifted.sort_unstable_by(by_name);
    }
    let ordered = match order(rows, basis.shape, &inserted, &references(rows, basis.shape)) {
        Ok(ordered) => ordered,
        Err(loops) => {
            problems.extend(loops.iter().map(|Loop(path)| loop_problem(basis, path)));
            Order::default()
        }
    };
    let marked = basis.history.environment.as_deref();
    let marks = match (basis.mark, marked) {
        (Some(mark), marked) if marked != Some(mark) => Some(mark.to_owned()),
        (None, None) => Some(basis.environment.to_owned()),
        _ => None,
    };
    let mut plan = SeedPlan {
        problems,
        files: plans,
        script: None,
        marks,
    };
    if plan.is_sound() {
        plan.problems
            .extend(unresolved_references(basis, &inserted, &updated));
    }
    let mut inserts = Vec::new();
    if plan.is_sound() {
        let written = secrets(basis, &inserted, &updated).and_then(|secrets| {
            let (steps, of_rows) = steps(basis, &ordered, &updated, &secrets)?;
            let of_inserted = inserted.iter().map(|at| (*at, None));
            let of_updated = updated.iter().map(|(at, it)| (*at, Some(it.as_slice())));
            let writing = Writing {
                traces: &traces,
                rows: of_inserted.chain(of_updated).collect(),
                secrets: &secrets,
            };
            Ok((script(basis, &plan, &hashes, steps, &writing)?, of_rows))
        });
        match written {
            Ok((script, of_rows)) => {
                plan.script = script;
                inserts = of_rows;
            }
            Err(problem) => plan.problems.push(*problem),
        }
    }
    (plan, inserts)
}

/// How each file stands to what was recorded, and its hash.
fn states(basis: &Basis<'_>) -> Vec<(FileState, String)> {
    let lineage = &basis.past.texts.lineage;
    let state = |((at, file), hash): ((usize, &&SeedFile), &String)| {
        let state = match lineage.record(basis.history, at) {
            None => FileState::New,
            Some(_) if !basis.past.texts.settled[at] => FileState::Edited,
            Some(row) if row.checksum != file.checksum => {
                let recorded = row
                    .detail
                    .get(MEMORY)
                    .and_then(|it| it.get("overrides")?.as_str());
                match overrides(file, &basis.seeds.attachments).as_deref() == recorded {
                    true => FileState::Respelled,
                    false => FileState::Edited,
                }
            }
            Some(_) => FileState::Applied,
        };
        (state, hash.clone())
    };
    let files = basis.files.iter().enumerate();
    files.zip(basis.hashes).map(state).collect()
}

/// What would be inserted or updated.
pub(super) fn writes(basis: &Basis<'_>) -> Vec<Written> {
    let traces = Traces::of(basis);
    let writes = |at| match decide(basis, &traces, at) {
        Decided::Insert => Written::Row,
        Decided::There { write, .. } if !write.is_empty() => {
            Written::Columns(write.into_iter().map(|(column, _)| column).collect())
        }
        Decided::Gone | Decided::There { .. } => Written::Nothing,
    };
    (0..basis.rows.rows.len()).map(writes).collect()
}

enum Decided {
    Insert,
    /// The row was deleted by hand.
    Gone,
    /// Columns that are written, and columns that differ and are left unchanged, each with the cause.
    There {
        write: Vec<(usize, Cause)>,
        leave: Vec<(usize, Cause)>,
    },
}

/// What is to become of one row: the difference between what is recorded and what is declared, where the row was not
/// changed by hand.
fn decide(basis: &Basis<'_>, traces: &Traces, at: usize) -> Decided {
    let row = &basis.rows.rows[at];
    let rules = basis.rows.rules(row);
    let refreshes = basis.refresh == Refresh::Yes;
    let Some(found) = basis.there(at) else {
        return match is_inserted(basis, at) {
            true => Decided::Insert,
            // It was made, and nothing could find it again.
            false if rules.key.is_empty() => Decided::There {
                write: Vec::new(),
                leave: Vec::new(),
            },
            false => Decided::Gone,
        };
    };
    let (mut write, mut leave) = (Vec::new(), Vec::new());
    if rules.mode == Mode::Insert {
        return Decided::There { write, leave };
    }
    let of = &basis.shape.tables[rules.table];
    let moves = basis.found.moved().contains(&at);
    let is_new_key = |cell: &Cell| moves && rules.key.contains(&cell.column());
    let free = |cell: &&Cell| {
        !of.primary_key.contains(&cell.column())
            && (moves || !rules.key.contains(&cell.column()))
            && !rules.keep.contains(&cell.column())
    };
    let trace = |cell: &Cell| match found.value(cell.column()) {
        Some(value) => traces.trace(basis, at, cell, &value),
        None => Trace::Unrecorded,
    };
    let declared = |cell: &Cell| declared(basis, traces, at, cell, found);
    let differs = |cell: &Cell| match wanted(basis, at, cell) {
        Some(value) => !found.has(cell.column(), &value),
        None => {
            let new_id = new_id(basis.rows, basis.found, cell).map(|(row, _)| row);
            // JSON cannot hold it, which is an error where it would be written.
            let parent = new_id.or_else(|| new_id_in_json(basis.rows, basis.found, cell));
            // An edit that leads to a row that is not there, and is not inserted, is an error where it would be written.
            parent.is_some_and(|parent| {
                is_inserted(basis, parent) || declared(cell) != Declared::Before
            })
        }
    };
    // The whole row is as it was recorded.
    let settled = !refreshes
        && row
            .cells
            .iter()
            .all(|cell| declared(cell) == Declared::Before);
    // Times and hashes that were changed by hand: they are never what the file says, so they keep nothing from being
    // written.
    let mut touched = Vec::new();
    for cell in row.cells.iter().filter(free) {
        let column = cell.column();
        match (basis.rows.nature(cell), declared(cell)) {
            (Nature::Volatile, _) if refreshes => {
                if matches!(cell.content, Content::Secret(_)) || differs(cell) {
                    write.push((column, Cause::Seed));
                }
            }
            (Nature::Volatile, Declared::New) if differs(cell) => write.push((column, Cause::Seed)),
            (Nature::Volatile, Declared::OverHand) if differs(cell) => {
                touched.push((column, Cause::Hand));
            }
            // A time or a hash that was written stays, whatever else of the row is written again.
            (Nature::Volatile, _) => {
                if trace(cell) == Trace::Changed {
                    touched.push((column, Cause::Hand));
                }
            }
            _ if !differs(cell) => {}
            _ if refreshes => write.push((column, Cause::Seed)),
            (Nature::Environment, declared) => match trace(cell) {
                Trace::Written => write.push((column, Cause::Variable)),
                Trace::Changed => leave.push((column, Cause::Hand)),
                // The row has the key that its seed wrote, so the variable changed.
                _ if is_new_key(cell) && basis.found.has_proven_key(at) => {
                    write.push((column, Cause::Variable));
                }
                Trace::New if declared == Declared::New => write.push((column, Cause::Seed)),
                Trace::New if declared == Declared::OverHand => leave.push((column, Cause::Hand)),
                Trace::New | Trace::Unrecorded => leave.push((column, Cause::Unrecorded)),
            },
            (Nature::Fixed, Declared::New) => write.push((column, Cause::Seed)),
            (Nature::Fixed, _) if is_new_key(cell) && followed(basis, at, cell, found) => {
                write.push((column, Cause::Seed));
            }
            (Nature::Fixed, _) => leave.push((column, Cause::Hand)),
        }
    }
    if settled && !leave.is_empty() {
        leave.append(&mut write);
    }
    leave.append(&mut touched);
    write.sort_unstable_by_key(|(column, _)| *column);
    leave.sort_unstable_by_key(|(column, _)| *column);
    Decided::There { write, leave }
}

/// Whether a row that is not there is inserted. It was deleted by hand otherwise.
fn is_inserted(basis: &Basis<'_>, at: usize) -> bool {
    let rules = basis.rows.rules(&basis.rows.rows[at]);
    !basis.memory.knows(basis.past, at)
        || rules.mode != Mode::Insert
            && (basis.refresh == Refresh::Yes && !basis.memory.may_be_there(at)
                || basis.found.has_changed_key(at))
}

/// Whether a part of a key has what its seed wrote, and the row that it refers to has another value by now.
fn followed(basis: &Basis<'_>, at: usize, cell: &Cell, found: There<'_>) -> bool {
    let Content::Reference { row, column } = cell.content else {
        return false;
    };
    let of = &basis.shape.tables[basis.rows.rules(&basis.rows.rows[at]).table];
    let written = basis.rows.rows[row].cell(column);
    let written = written.and_then(|cell| basis.found.cell(basis.rows, basis.shape, row, cell));
    let written = written.map(|value| of.columns[cell.column()].affinity.stored(value));
    basis.found.has_proven_key(at)
        || written.as_ref().map(ValueRef::from) == found.get(cell.column())
}

/// How a declared value stands to the recorded one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Declared {
    /// It is the recorded one.
    Before,
    /// It is another one, and the database has the recorded one, or nothing is known of that.
    New,
    /// It is another one, and so is what the database has.
    OverHand,
}

fn declared(
    basis: &Basis<'_>,
    traces: &Traces,
    at: usize,
    cell: &Cell,
    found: There<'_>,
) -> Declared {
    let past = basis.past;
    let made_under_this_key = || past.under_new_key(basis.found, (basis.rows, basis.shape), at);
    let old = match past.of[at] {
        Was::Same => match made_under_this_key() {
            Some(old) => old,
            None => return Declared::Before,
        },
        Was::Never => return Declared::New,
        Was::Row(old) => made_under_this_key().unwrap_or(old),
    };
    let Some(before) = past.cell(old, cell.column()) else {
        return Declared::New;
    };
    // A new column that has no values yet.
    let of = &basis.shape.tables[basis.rows.rules(&basis.rows.rows[at]).table];
    if past.texts.is_guessed(of, cell.column()) {
        let has = found.value(cell.column());
        let default = super::found::default_of(&of.columns[cell.column()]);
        if has.as_ref().is_none_or(Value::is_null) || has == default {
            return Declared::New;
        }
    }
    // A row that its seed met was not written by it in mode `insert`.
    if past.mode(old) == Mode::Insert && basis.memory.state(basis, at) == super::entry::State::Met {
        return Declared::New;
    }
    let value = past.value(basis.now(), basis.shape, old, cell.column());
    let is_same = match (&before.content, &cell.content) {
        // The text of a secret is not recorded.
        (Content::Secret(_), Content::Secret(_)) | (Content::Unknown, Content::Unknown) => true,
        // The id of a row that is not there is not known.
        (Content::Reference { row: old, column }, Content::Reference { row, column: now })
            if value.is_none() && column == now =>
        {
            past.heir(*old) == Some(*row)
        }
        _ => value.is_some() && value == wanted(basis, at, cell),
    };
    let nature = past.rows.nature(before);
    if is_same && nature == basis.rows.nature(cell) {
        return Declared::Before;
    }
    let has = found.value(cell.column());
    match nature {
        Nature::Fixed if value.is_none() || value == has => Declared::New,
        Nature::Fixed => Declared::OverHand,
        Nature::Volatile | Nature::Environment => {
            match has.map(|has| traces.trace(basis, at, cell, &has)) {
                Some(Trace::Changed) => Declared::OverHand,
                _ => Declared::New,
            }
        }
    }
}

/// What a cell is to hold; none where that is not to be compared.
fn wanted(basis: &Basis<'_>, at: usize, cell: &Cell) -> Option<Value> {
    basis.found.cell(basis.rows, basis.shape, at, cell)
}

fn change(basis: &Basis<'_>, row: &Row, what: What) -> Change {
    Change {
        table: basis.rows.rules(row).name.clone(),
        label: row.label.clone(),
        what,
        note: None,
    }
}

/// Why a row that was seeded is not there: none where it was deleted by hand.
fn gone(basis: &Basis<'_>, traces: &Traces, at: usize) -> Option<String> {
    let row = &basis.rows.rows[at];
    let rules = basis.rows.rules(row);
    if basis.rows.may_lose_number(at) {
        return Some(
            "no row has its key: the row was deleted by hand, or its key was changed; not inserted"
                .to_owned(),
        );
    }
    if rules.mode == Mode::Sync || !basis.rows.has_changing_key(at) {
        return None;
    }
    match traces.knows(basis, at) {
        Some(true) => None,
        Some(false) => Some(format!(
            "{}, and no row has the new one; not inserted",
            rekeyed(basis, at)
        )),
        None => Some(format!(
            "no row has its key: the row was deleted by hand, or {}; not inserted",
            rekeyed(basis, at)
        )),
    }
}

/// What a key changed with.
fn rekeyed(basis: &Basis<'_>, at: usize) -> String {
    let rows = basis.rows;
    let row = &rows.rows[at];
    let (mut causes, mut referred_to) = (Vec::new(), Vec::new());
    for cell in rows
        .rules(row)
        .key
        .iter()
        .filter_map(|column| row.cell(*column))
    {
        let (mut of, mut cell) = (row, cell);
        let mut referred = None;
        for _ in 0..64 {
            let Content::Reference { row: to, column } = cell.content else {
                break;
            };
            referred.get_or_insert_with(|| rows.name(&rows.rows[to], basis.shape));
            let Some(next) = rows.rows[to].cell(column) else {
                break;
            };
            (of, cell) = (&rows.rows[to], next);
        }
        let mut exprs = basis.files[rows.rules(of).file].exprs();
        let env = exprs.find_map(|expr| match &expr.value {
            super::model::Expr::Env(env) if expr.span() == cell.span() => Some(&env.name),
            _ => None,
        });
        match (env, cell.nature, referred) {
            (Some(name), Nature::Environment, _) => causes.push(format!("the variable {name}")),
            (None, Nature::Environment, _) => causes.push("a variable".to_owned()),
            (_, _, Some(name)) => referred_to.push(format!("`{name}`")),
            _ => {}
        }
    }
    if !referred_to.is_empty() {
        causes.push(format!("{}, to which it refers", referred_to.join(" or ")));
    }
    match causes.is_empty() {
        true => "the key changed".to_owned(),
        false => format!("the key changed with {}", causes.join(" or ")),
    }
}

/// Columns that a refresh writes, and that a trigger writes too: they may differ again afterwards. Once for each trigger
/// and table.
fn written_by_triggers(basis: &Basis<'_>, updated: &[(usize, Vec<usize>)]) -> Vec<Diagnostic> {
    let mut found: BTreeMap<(&str, usize), (usize, BTreeSet<usize>)> = BTreeMap::new();
    for (at, columns) in updated {
        let table = basis.rows.rules(&basis.rows.rows[*at]).table;
        for column in columns {
            if let Some(trigger) = basis.triggers.of(table, *column) {
                let entry = found.entry((trigger, table));
                let (_, columns) = entry.or_insert_with(|| (*at, BTreeSet::new()));
                columns.insert(*column);
            }
        }
    }
    let warning = |((trigger, table), (at, columns)): ((&str, usize), (usize, BTreeSet<usize>))| {
        let of = &basis.shape.tables[table];
        let names: Vec<&str> = columns
            .iter()
            .map(|column| of.columns[*column].name.as_str())
            .collect();
        let names = names.join("`, `");
        let message = format!(
            "the trigger `{trigger}` writes `{names}` of `{}`, so rows may differ from their seed again after this run",
            of.name
        );
        let row = &basis.rows.rows[at];
        let origin = basis.rows.origin(row, &row.span, basis.files);
        Diagnostic::problem("trigger-writes", message)
            .warning()
            .at(origin)
            .help(format!(
                "leave `{names}` out of the seed, or name it in `_keep`"
            ))
    };
    found.into_iter().map(warning).collect()
}

fn differences(basis: &Basis<'_>, at: usize, columns: &[(usize, Cause)]) -> Vec<Difference> {
    let row = &basis.rows.rows[at];
    let table = basis.rows.rules(row).table;
    let of = &basis.shape.tables[table];
    let old = basis.there(at);
    columns
        .iter()
        .filter_map(|(column, cause)| {
            let cell = row.cell(*column)?;
            let masked = basis.rows.hides(cell)
                || matches!(cell.content, Content::Secret(_))
                || super::cell::sounds_secret(&of.columns[*column].name);
            let new = match wanted(basis, at, cell) {
                Some(value) => Some(shown(&value)),
                None => new_id(basis.rows, basis.found, cell)
                    .map(|_| "the id of the new row".to_owned()),
            };
            Some(Difference {
                column: of.columns[*column].name.clone(),
                old: old
                    .and_then(|it| it.value(*column))
                    .filter(|_| !masked)
                    .map(|value| shown(&value)),
                new: new.filter(|_| !masked),
                cause: match cause {
                    Cause::Hand if basis.triggers.of(table, *column).is_some() => Cause::Trigger,
                    cause => *cause,
                },
            })
        })
        .collect()
}

fn loop_problem(basis: &Basis<'_>, path: &[usize]) -> Diagnostic {
    let rows = basis.rows;
    let names: Vec<String> = path
        .iter()
        .chain(path.first())
        .map(|at| rows.name(&rows.rows[*at], basis.shape))
        .collect();
    let first = &rows.rows[path.first().copied().unwrap_or_default()];
    Diagnostic::problem(
        "reference-loop",
        format!(
            "these rows refer to each other in a circle: {}",
            names.join(" → ")
        ),
    )
    .at(rows.origin(first, &first.span, basis.files))
    .help("one of the columns must allow NULL, so that it can be filled in once all rows are there")
}
