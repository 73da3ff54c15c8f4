//! What is to be done: files, a schema, what the database has and what was recorded become changes, and the changes one
//! script. Pure.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::effective::effective;
use super::found::Found;
use super::identity::{shown, word, words};
use super::model::{Mode, SeedFile};
use super::order::{Loop, Order, order, references};
use super::problem::Problem;
use super::row::{Cell, Content, Nature, Row, Rows};
use super::secret::hash;
use crate::history::{self, History};
use crate::schema::{Nullability, Shape, TableShape};
use crate::script::{Atomicity, Entry, ForeignKeys, Key, Record, Script, Step, Unit};
use crate::sql::{Value, identifier};

/// Rows up to this many are written one by one, so that an error has the place of its row; more go together.
const ONE_BY_ONE: usize = 200;

/// Bound values in one statement that writes many rows.
const PER_STATEMENT: usize = 1000;

/// Whether rows are written that nothing but time or somebody's hand has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Refresh {
    /// They are left as they are.
    #[default]
    No,
    /// They become what the files say, `!now` and `!hash` with them.
    Yes,
}

/// What seeding would do.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    /// What is wrong, and what should be known.
    pub problems: Vec<Problem>,
    /// By name.
    pub files: Vec<FilePlan>,
    /// None where nothing is to be done, or something is wrong.
    pub script: Option<Script>,
    /// The mark that the database gets.
    pub marks: Option<String>,
}

/// What seeding would do for one file.
#[derive(Debug, Clone, PartialEq)]
pub struct FilePlan {
    /// Its name.
    pub name: String,
    /// sha256 of its text.
    pub checksum: String,
    /// How it stands to what was recorded.
    pub state: FileState,
    /// Rows that are written or deleted, by table and label.
    pub changes: Vec<Change>,
    /// Rows that somebody changed by hand since.
    pub drifted: Vec<Change>,
    /// Rows that are as the file says.
    pub unchanged: usize,
}

/// How a file stands to what was recorded of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// It was never applied.
    New,
    /// It amounts to something else.
    Edited,
    /// Its text changed, and what it amounts to did not.
    Respelled,
    /// It is as it was applied.
    Applied,
}

/// One row that changes.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// The table.
    pub table: Arc<str>,
    /// What names the row in its file.
    pub label: Arc<str>,
    /// What happens to it.
    pub what: What,
}

/// What happens to a row.
#[derive(Debug, Clone, PartialEq)]
pub enum What {
    /// It is written.
    Insert,
    /// Columns get another value.
    Update(Vec<Difference>),
    /// It is deleted: the file has it no longer.
    Delete,
}

/// A column that gets another value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Its name.
    pub column: String,
    /// What it has; none where that is not for everybody.
    pub old: Option<String>,
    /// What it gets.
    pub new: Option<String>,
}

impl Plan {
    /// Whether something stands in the way.
    pub fn is_sound(&self) -> bool {
        !self.problems.iter().any(Problem::stops)
    }

    /// Rows that are inserted, updated, deleted and left alone, in this order.
    pub fn counts(&self) -> (usize, usize, usize, usize) {
        let changes = || self.files.iter().flat_map(|file| &file.changes);
        let of = |is: fn(&What) -> bool| changes().filter(|change| is(&change.what)).count();
        (
            of(|what| *what == What::Insert),
            of(|what| matches!(what, What::Update(_))),
            of(|what| *what == What::Delete),
            self.files.iter().map(|file| file.unchanged).sum(),
        )
    }
}

/// What a plan is made of.
pub(super) struct Basis<'a> {
    pub(super) files: &'a [&'a SeedFile],
    pub(super) shape: &'a Shape,
    pub(super) rows: &'a Rows,
    pub(super) found: &'a Found,
    /// Whether the database was asked for the rows; problems of the files come before that.
    pub(super) looked: bool,
    pub(super) history: &'a History,
    pub(super) seeds: &'a super::Seeds,
    pub(super) environment: &'a str,
    pub(super) refresh: Refresh,
    /// Rows of the ledger that no file declares any more.
    pub(super) orphans: &'a [super::ledger::Orphan],
    /// What the database is to be marked as, where that was asked for.
    pub(super) mark: Option<&'a str>,
}

/// Decides what is to be done.
pub(super) fn plan(basis: &Basis<'_>, mut problems: Vec<Problem>) -> Plan {
    let Basis { files, rows, .. } = basis;
    let mut plans: Vec<FilePlan> = Vec::new();
    let mut hashes = Vec::new();
    for (file, (state, hash)) in files.iter().zip(states(basis)) {
        hashes.push(hash);
        plans.push(FilePlan {
            name: file.name.clone(),
            checksum: file.checksum.clone(),
            state,
            changes: Vec::new(),
            drifted: Vec::new(),
            unchanged: 0,
        });
    }
    let mut inserted = Vec::new();
    let mut updated = Vec::new();
    for (at, row) in rows.rows.iter().enumerate() {
        let file = &mut plans[rows.rules(row).file];
        if !basis.looked {
            // Nothing is known of the row; a circle is one all the same.
            inserted.push(at);
            continue;
        }
        match decide(basis, at, is_settled(basis, file.state)) {
            Decided::Unchanged => file.unchanged += 1,
            Decided::Insert => {
                file.changes.push(change(basis, row, What::Insert));
                inserted.push(at);
            }
            Decided::Update(columns) => {
                let differences = differences(basis, at, &columns);
                file.changes
                    .push(change(basis, row, What::Update(differences)));
                updated.push((at, columns));
            }
            Decided::Drifted(columns) => {
                let what = match columns {
                    None => What::Insert,
                    Some(columns) => What::Update(differences(basis, at, &columns)),
                };
                file.drifted.push(change(basis, row, what));
            }
        }
    }
    for orphan in basis.orphans {
        if let Some(file) = plans.iter_mut().find(|file| file.name == orphan.seed) {
            file.changes.push(Change {
                table: orphan.table.as_str().into(),
                label: orphan.label.as_str().into(),
                what: What::Delete,
            });
        }
    }
    for file in &mut plans {
        let by_name = |a: &Change, b: &Change| (&a.table, &a.label).cmp(&(&b.table, &b.label));
        file.changes.sort_by(by_name);
        file.drifted.sort_by(by_name);
    }
    let ordered = match order(rows, basis.shape, &inserted, &references(rows, basis.shape)) {
        Ok(ordered) => ordered,
        Err(Loop(path)) => {
            problems.push(loop_problem(basis, &path));
            Order::default()
        }
    };
    let marked = basis.history.environment.as_deref();
    let marks = match (basis.mark, marked) {
        (Some(mark), marked) if marked != Some(mark) => Some(mark.to_owned()),
        (None, None) => Some(basis.environment.to_owned()),
        _ => None,
    };
    let mut plan = Plan {
        problems,
        files: plans,
        script: None,
        marks,
    };
    if plan.is_sound() {
        plan.problems
            .extend(unresolved_references(basis, &inserted, &updated));
    }
    if plan.is_sound() {
        match steps(basis, &ordered, &updated) {
            Ok(steps) => plan.script = script(basis, &plan, &hashes, steps),
            Err(problem) => plan.problems.push(*problem),
        }
    }
    plan
}

/// How each file stands to what was recorded, and its hash.
fn states(basis: &Basis<'_>) -> Vec<(FileState, String)> {
    let recorded = basis.history.by_key();
    let state = |file: &&SeedFile| {
        let hash = effective(file, basis.seeds.shared.as_ref(), &basis.seeds.attachments);
        let state = match recorded.get(&Key::Seed(file.name.clone())) {
            None => FileState::New,
            Some(row) if row.effective.as_deref() != Some(hash.as_str()) => FileState::Edited,
            Some(row) if row.checksum != file.checksum => FileState::Respelled,
            Some(_) => FileState::Applied,
        };
        (state, hash)
    };
    basis.files.iter().map(state).collect()
}

fn is_settled(basis: &Basis<'_>, state: FileState) -> bool {
    matches!(state, FileState::Applied | FileState::Respelled) && basis.refresh == Refresh::No
}

/// Which rows would be inserted or updated.
pub(super) fn writes(basis: &Basis<'_>) -> Vec<bool> {
    let settled: Vec<bool> = states(basis)
        .iter()
        .map(|(state, _)| is_settled(basis, *state))
        .collect();
    let writes = |(at, row)| {
        let decided = decide(basis, at, settled[basis.rows.rules(row).file]);
        matches!(decided, Decided::Insert | Decided::Update(_))
    };
    basis.rows.rows.iter().enumerate().map(writes).collect()
}

enum Decided {
    Unchanged,
    Insert,
    Update(Vec<usize>),
    /// Somebody changed these columns, or deleted the row.
    Drifted(Option<Vec<usize>>),
}

/// What is to become of one row. `settled`: its file is as it was applied.
fn decide(basis: &Basis<'_>, at: usize, settled: bool) -> Decided {
    let row = &basis.rows.rows[at];
    let rules = basis.rows.rules(row);
    let Some(found) = basis.found.row(at) else {
        return match settled {
            true => Decided::Drifted(None),
            false => Decided::Insert,
        };
    };
    if rules.mode == Mode::Insert {
        return Decided::Unchanged;
    }
    let of = &basis.shape.tables[rules.table];
    let free = |cell: &&Cell| {
        !of.primary_key.contains(&cell.column)
            && !rules.key.contains(&cell.column)
            && !rules.keep.contains(&cell.column)
    };
    let differs = |cell: &&Cell| match wanted(basis, cell) {
        Some(value) => found.get(cell.column) != Some(&value),
        None => false,
    };
    let refreshes = basis.refresh == Refresh::Yes;
    let mut fixed = Vec::new();
    let mut from_environment = Vec::new();
    let mut volatile = Vec::new();
    for cell in row.cells.iter().filter(free) {
        match cell.nature {
            Nature::Volatile => volatile.push(cell),
            Nature::Fixed if differs(&cell) => fixed.push(cell.column),
            Nature::Environment if differs(&cell) => from_environment.push(cell.column),
            _ => {}
        }
    }
    if settled && !fixed.is_empty() {
        return Decided::Drifted(Some(fixed));
    }
    let mut columns = fixed;
    columns.extend(from_environment);
    if !columns.is_empty() || refreshes {
        // A secret that its owner changed is not put back because something else in the row has changed.
        let moments = volatile.iter().filter(|cell| match cell.content {
            Content::Secret(_) => refreshes,
            _ => differs(cell),
        });
        columns.extend(moments.map(|cell| cell.column));
    }
    if columns.is_empty() {
        return Decided::Unchanged;
    }
    columns.sort_unstable();
    Decided::Update(columns)
}

/// What a cell is to hold; none where that is not to be compared.
fn wanted(basis: &Basis<'_>, cell: &Cell) -> Option<Value> {
    match &cell.content {
        Content::Known(value) => Some(value.clone()),
        Content::Reference { row, column } => {
            basis.found.value(basis.rows, basis.shape, *row, *column)
        }
        Content::Secret(_) | Content::Unknown => None,
    }
}

fn change(basis: &Basis<'_>, row: &Row, what: What) -> Change {
    Change {
        table: basis.rows.rules(row).name.clone(),
        label: row.label.clone(),
        what,
    }
}

fn differences(basis: &Basis<'_>, at: usize, columns: &[usize]) -> Vec<Difference> {
    let row = &basis.rows.rows[at];
    let of = &basis.shape.tables[basis.rows.rules(row).table];
    let old = basis.found.row(at).unwrap_or_default();
    columns
        .iter()
        .filter_map(|column| {
            let cell = row.cell(*column)?;
            let masked = cell.nature == Nature::Environment
                || matches!(cell.content, Content::Secret(_))
                || super::cell::sounds_secret(&of.columns[*column].name);
            let new = wanted(basis, cell);
            Some(Difference {
                column: of.columns[*column].name.clone(),
                old: old.get(*column).filter(|_| !masked).map(shown),
                new: new.filter(|_| !masked).as_ref().map(shown),
            })
        })
        .collect()
}

fn loop_problem(basis: &Basis<'_>, path: &[usize]) -> Problem {
    let rows = basis.rows;
    let names: Vec<String> = path
        .iter()
        .chain(path.first())
        .map(|at| rows.name(&rows.rows[*at], basis.shape))
        .collect();
    let first = &rows.rows[path.first().copied().unwrap_or_default()];
    Problem::error(
        "reference-loop",
        rows.origin(first, &first.span, basis.files),
        format!(
            "these rows refer to each other in a circle: {}",
            names.join(" → ")
        ),
    )
    .help("one of the columns must allow NULL, so that it can be filled in once all rows are there")
}

/// The statements that make it so, in order.
fn steps(
    basis: &Basis<'_>,
    order: &Order,
    updated: &[(usize, Vec<usize>)],
) -> Result<Vec<Step>, Box<Problem>> {
    let mut steps = super::ledger::deletions(basis);
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
            many if many <= ONE_BY_ONE => 1,
            _ => (PER_STATEMENT / columns.len().max(1)).max(1),
        };
        for chunk in order.rows[at..at + many].chunks(together) {
            let step = insert(basis, order, table, &columns, chunk)?;
            // One text for all statements that are alike.
            let like = steps.last().filter(|last: &&Step| last.sql == step.sql);
            let sql = like.map_or(step.sql.clone(), |like| like.sql.clone());
            steps.push(Step { sql, ..step });
        }
        at += many;
    }
    let mut later: Vec<(usize, usize)> = order.later.iter().copied().collect();
    later.sort_by_cached_key(|(row, column)| (order.rows.iter().position(|it| it == row), *column));
    for (row, column) in later {
        steps.push(update(basis, row, &[column])?);
    }
    let mut updated: Vec<&(usize, Vec<usize>)> = updated.iter().collect();
    updated.sort_by_cached_key(|(at, _)| basis.rows.name(&basis.rows.rows[*at], basis.shape));
    for (at, columns) in updated {
        steps.push(update(basis, *at, columns)?);
    }
    Ok(steps)
}

fn insert(
    basis: &Basis<'_>,
    order: &Order,
    table: usize,
    columns: &[usize],
    chunk: &[usize],
) -> Result<Step, Box<Problem>> {
    let of = &basis.shape.tables[table];
    let names: Vec<String> = columns
        .iter()
        .map(|column| identifier(&of.columns[*column].name))
        .collect();
    let sql = match names.is_empty() {
        // Everything has its default.
        true => format!("INSERT INTO {} DEFAULT VALUES", identifier(&of.name)),
        false => {
            let row = format!("({})", vec!["?"; names.len()].join(","));
            format!(
                "INSERT INTO {} ({}) VALUES {}",
                identifier(&of.name),
                names.join(", "),
                vec![row.as_str(); chunk.len()].join(",")
            )
        }
    };
    let mut args = Vec::with_capacity(columns.len() * chunk.len());
    for at in chunk {
        for cell in &basis.rows.rows[*at].cells {
            let later = order.later.contains(&(*at, cell.column));
            args.push(match later {
                true => Value::Null,
                false => value(basis, *at, cell)?,
            });
        }
    }
    let first = &basis.rows.rows[chunk[0]];
    let last = &basis.rows.rows[chunk[chunk.len() - 1]];
    let span = match first.rules == last.rules {
        true => first.span.start.min(last.span.start)..first.span.end.max(last.span.end),
        false => first.span.clone(),
    };
    Ok(Step {
        origin: Some(basis.rows.origin(first, &span, basis.files)),
        ..Step::own(sql, args)
    })
}

fn update(basis: &Basis<'_>, at: usize, columns: &[usize]) -> Result<Step, Box<Problem>> {
    let row = &basis.rows.rows[at];
    let rules = basis.rows.rules(row);
    let of = &basis.shape.tables[rules.table];
    let mut args = Vec::new();
    let mut sets = Vec::new();
    for column in columns {
        let Some(cell) = row.cell(*column) else {
            continue;
        };
        args.push(value(basis, at, cell)?);
        sets.push(format!("{} = ?", identifier(&of.columns[*column].name)));
    }
    let mut finds = Vec::new();
    for column in &rules.key {
        let Some(cell) = row.cell(*column) else {
            continue;
        };
        args.push(value(basis, at, cell)?);
        finds.push(format!("{} = ?", identifier(&of.columns[*column].name)));
    }
    Ok(Step {
        origin: Some(basis.rows.origin(row, &row.span, basis.files)),
        ..Step::own(
            format!(
                "UPDATE {} SET {} WHERE {}",
                identifier(&of.name),
                sets.join(", "),
                finds.join(" AND ")
            ),
            args,
        )
    })
}

/// What is bound for a cell.
fn value(basis: &Basis<'_>, at: usize, cell: &Cell) -> Result<Value, Box<Problem>> {
    let row = &basis.rows.rows[at];
    let wrong = |code, message: String| {
        let origin = basis.rows.origin(row, &cell.span, basis.files);
        Box::new(Problem::error(code, origin, message))
    };
    match &cell.content {
        Content::Known(value) => Ok(value.clone()),
        Content::Reference {
            row: parent,
            column,
        } => {
            let found = basis.found.value(basis.rows, basis.shape, *parent, *column);
            if found.is_none() && basis.found.is_unknown(basis.rows, *parent, *column) {
                return Ok(Value::Null);
            }
            found.ok_or_else(|| unresolved(basis, at, cell, *parent, *column))
        }
        Content::Secret(secret) => hash(secret)
            .map(Value::Text)
            .map_err(|error| wrong("not-hashed", error)),
        Content::Unknown => Ok(Value::Null),
    }
}

/// A reference to a column that the row it names says nothing about.
pub(super) fn unresolved(
    basis: &Basis<'_>,
    at: usize,
    cell: &Cell,
    parent: usize,
    column: usize,
) -> Box<Problem> {
    let rows = basis.rows;
    let of = &basis.shape.tables[rows.rules(&rows.rows[parent]).table];
    let name = rows.name(&rows.rows[parent], basis.shape);
    let column = &of.columns[column].name;
    let origin = rows.origin(&rows.rows[at], &cell.span, basis.files);
    Box::new(
        Problem::error(
            "no-value",
            origin,
            format!("`{name}` says nothing about `{column}`, so there is nothing to refer to"),
        )
        .help("give it a value there"),
    )
}

/// References that lead to nothing, in all that is to be written.
fn unresolved_references(
    basis: &Basis<'_>,
    inserted: &[usize],
    updated: &[(usize, Vec<usize>)],
) -> Vec<Problem> {
    let rows = &basis.rows.rows;
    let of_inserts = inserted
        .iter()
        .flat_map(|at| rows[*at].cells.iter().map(|cell| (*at, cell)));
    let of_updates = updated.iter().flat_map(|(at, columns)| {
        let cells = columns.iter().filter_map(|column| rows[*at].cell(*column));
        cells.map(|cell| (*at, cell))
    });
    let mut problems = Vec::new();
    for (at, cell) in of_inserts.chain(of_updates) {
        let Content::Reference { row, column } = cell.content else {
            continue;
        };
        let value = basis.found.value(basis.rows, basis.shape, row, column);
        let of = &basis.shape.tables[basis.rows.rules(&rows[at]).table];
        match value {
            None if basis.found.is_unknown(basis.rows, row, column) => {}
            None => problems.push(*unresolved(basis, at, cell, row, column)),
            Some(Value::Null) if of.columns[cell.column].nullability == Nullability::NotNull => {
                let origin = basis.rows.origin(&rows[at], &cell.span, basis.files);
                let name = basis.rows.name(&rows[row], basis.shape);
                let message = format!(
                    "column `{}` takes no NULL, and that is what `{name}` has there",
                    of.columns[cell.column].name
                );
                problems.push(Problem::error("null", origin, message));
            }
            Some(_) => {}
        }
    }
    problems
}

/// The records and the statements; none where there is nothing to do.
fn script(
    basis: &Basis<'_>,
    plan: &Plan,
    hashes: &[String],
    mut steps: Vec<Step>,
) -> Option<Script> {
    let mut units = Vec::new();
    for ((file, hash), planned) in basis.files.iter().zip(hashes).zip(&plan.files) {
        let entry = Entry {
            key: Key::Seed(file.name.clone()),
            name: file.name.clone(),
            checksum: file.checksum.clone(),
            effective: Some(hash.clone()),
            source: super::secret::without(file),
            down: None,
            detail: detail(basis, planned),
        };
        let record = match planned.state {
            FileState::New => Record::Insert(entry),
            FileState::Edited => Record::Replace(entry),
            _ if !planned.changes.is_empty() => Record::Replace(entry),
            FileState::Respelled => Record::Amend(entry),
            FileState::Applied => continue,
        };
        steps.extend(super::ledger::entries(basis, file));
        units.push(Unit {
            record,
            steps: Vec::new(),
        });
    }
    if let Some(mark) = &plan.marks {
        units.insert(
            0,
            Unit {
                record: Record::Mark(mark.clone()),
                steps: Vec::new(),
            },
        );
    }
    // Rows of all files stand in one order, so they belong to no file alone.
    units.last_mut()?.steps = steps;
    Some(Script {
        expects: basis.history.revision,
        foreign_keys: ForeignKeys::On,
        atomicity: Atomicity::Transaction,
        units,
    })
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

/// Rows of the files that claim what only one row can have, both places told.
pub(super) fn clashes(basis: &Basis<'_>) -> Vec<Problem> {
    let Basis {
        rows, shape, found, ..
    } = basis;
    let mut by_table: Vec<Vec<usize>> = vec![Vec::new(); shape.tables.len()];
    for (at, row) in rows.rows.iter().enumerate() {
        by_table[rows.rules(row).table].push(at);
    }
    let mut problems = Vec::new();
    let mut told: HashSet<(usize, usize)> = HashSet::new();
    for (table, members) in by_table.iter().enumerate() {
        if members.is_empty() {
            continue;
        }
        for columns in unique_columns(&shape.tables[table]) {
            let mut seen: HashMap<Cow<'_, str>, usize> = HashMap::with_capacity(members.len());
            for at in members {
                let Some(word) = claim(found, rows, shape, *at, columns) else {
                    continue;
                };
                if let Some(other) = seen.insert(word, *at)
                    && told.insert((other, *at))
                {
                    problems.push(clash(basis, columns, other, *at));
                }
            }
        }
    }
    problems
}

/// What a row is to have in some columns, as a word; none where nobody else can have the same.
fn claim<'a>(
    found: &Found,
    rows: &'a Rows,
    shape: &Shape,
    at: usize,
    columns: &[usize],
) -> Option<Cow<'a, str>> {
    let of = &shape.tables[rows.rules(&rows.rows[at]).table];
    // A text is its own word, unless the index calls others equal to it.
    if let [column] = columns
        && super::identity::is_binary(of, columns)
        && let Content::Known(Value::Text(text)) = &rows.rows[at].cell(*column)?.content
    {
        return Some(text.into());
    }
    let mut values = super::found::tuple(found, rows, shape, at, columns)?;
    super::identity::collate(&mut values, of, columns);
    match values.as_slice() {
        [Value::Text(text)] => Some(text.clone().into()),
        // Blobs and numbers in a column that takes anything must not look like text.
        [value] => Some(format!("\0{}", word(value)).into()),
        values => words(values).map(Cow::from),
    }
}

fn clash(basis: &Basis<'_>, columns: &[usize], other: usize, at: usize) -> Problem {
    let Basis { rows, shape, .. } = basis;
    let (there, row) = (&rows.rows[other], &rows.rows[at]);
    let of = &shape.tables[rows.rules(row).table];
    let names: Vec<&str> = columns
        .iter()
        .map(|column| of.columns[*column].name.as_str())
        .collect();
    let span = |row: &Row| {
        let cell = columns.last().and_then(|column| row.cell(*column));
        cell.map_or(row.span.clone(), |cell| cell.span.clone())
    };
    Problem::error(
        "same-value",
        rows.origin(row, &span(row), basis.files),
        format!(
            "`{}` and `{}` have the same `{}`, of which there can be only one",
            rows.name(there, shape),
            rows.name(row, shape),
            names.join("`, `")
        ),
    )
    .other(
        "the other is here",
        rows.origin(there, &span(there), basis.files),
    )
}

/// Every set of columns in which no two rows may have the same.
pub(super) fn unique_columns(of: &TableShape) -> impl Iterator<Item = &[usize]> {
    let primary = std::iter::once(of.primary_key.as_slice());
    let indexes = of.unique.iter().map(|index| index.columns.as_slice());
    let mut seen: Vec<&[usize]> = Vec::new();
    primary.chain(indexes).filter(move |columns| {
        let new = !columns.is_empty() && !seen.contains(columns);
        seen.push(columns);
        new
    })
}

/// Literal values of foreign keys that name a declared row become references, so that rows are ordered by them.
pub(super) fn link(rows: &mut Rows, shape: &Shape) {
    let mut wanted: HashSet<(usize, usize)> = HashSet::new();
    let mut literals = Vec::new();
    for (at, row) in rows.rows.iter().enumerate() {
        let of = &shape.tables[rows.rules(row).table];
        for key in &of.foreign_keys {
            let ([column], [parent_column]) = (&key.columns[..], &key.parent_columns[..]) else {
                continue;
            };
            let Some(cell) = row.cell(*column) else {
                continue;
            };
            let Content::Known(value) = &cell.content else {
                continue;
            };
            let is_it = |it: &TableShape| it.name.eq_ignore_ascii_case(&key.parent);
            let Some(parent) = shape.tables.iter().position(is_it) else {
                continue;
            };
            let Some(target) = shape.tables[parent].column(parent_column) else {
                continue;
            };
            if !value.is_null() {
                wanted.insert((parent, target));
                literals.push((at, *column, parent, target, word(value)));
            }
        }
    }
    let mut by_value: HashMap<(usize, usize, String), usize> = HashMap::new();
    for (at, row) in rows.rows.iter().enumerate() {
        let table = rows.rules(row).table;
        for cell in &row.cells {
            if let (true, Content::Known(value)) =
                (wanted.contains(&(table, cell.column)), &cell.content)
            {
                by_value.insert((table, cell.column, word(value)), at);
            }
        }
    }
    for (at, column, parent, target, word) in literals {
        let Some(found) = by_value.get(&(parent, target, word)) else {
            continue;
        };
        let cells = &mut rows.rows[at].cells;
        if let Some(cell) = cells.iter_mut().find(|cell| cell.column == column) {
            cell.content = Content::Reference {
                row: *found,
                column: target,
            };
        }
    }
}
