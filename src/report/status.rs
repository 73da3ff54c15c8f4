//! How every migration stands: a table, a line that sums it up, and the problems.

use super::Report;
use super::style::{BAD, FAINT, GOOD, OTHER, Style, WAITS};
use super::table::{Cell, table};
use super::words::{as_typed, database_is_at, duration, printable};
use crate::history::{ADOPTED_FROM, BASELINE, History, moment};
use crate::migrations::{Item, MigrationPlan, State};
use crate::script::Key;

/// How much of a checksum tells two of them apart.
const CHECKSUM: usize = 8;

/// The states in the order in which they are counted.
const STATES: [State; 6] = [
    State::Applied,
    State::Ahead,
    State::Pending,
    State::Edited,
    State::Missing,
    State::Started,
];

/// What `status` shows.
pub fn status(plan: &MigrationPlan, history: &History, style: Style<'_>) -> String {
    let mut text = String::new();
    if !plan.items.is_empty() {
        let rows: Vec<Vec<Cell>> = plan.items.iter().map(|item| row(item, history)).collect();
        let header = ["state", "version", "name", "applied at", "took", "checksum"];
        text.push_str(&table(&header, &rows, style));
        text.push('\n');
    }
    for item in &plan.items {
        if let Some(reason) = &item.reason {
            let line = format!(
                "{} is pending: {reason}; `migrate` makes it again",
                item.key
            );
            text.push_str(&as_typed(&printable(&line), style.program));
            text.push('\n');
        }
    }
    text.push_str(&as_typed(&summary(plan, history), style.program));
    text.push('\n');
    if !plan.problems.is_empty() {
        text.push('\n');
        text.push_str(&Report::problems(&plan.problems).text(style));
    }
    text
}

fn row(item: &Item, history: &History) -> Vec<Cell> {
    let (mark, colour) = match item.state {
        State::Applied => ('✓', GOOD),
        State::Ahead => ('↑', OTHER),
        State::Pending => ('○', WAITS),
        State::Edited | State::Missing => ('✗', BAD),
        State::Started => ('…', BAD),
    };
    let version = match &item.key {
        Key::Repeatable(_) => "R".to_owned(),
        key => key.to_string(),
    };
    let recorded = item.applied_at.as_deref().map(moment);
    let took = match item.duration_ms {
        Some(milliseconds) => duration(milliseconds),
        None if is_adopted(item, history) => "adopted".to_owned(),
        None if is_baseline(item, history) => "baseline".to_owned(),
        None => String::new(),
    };
    let checksum = item.checksum.get(..CHECKSUM).unwrap_or(&item.checksum);
    vec![
        Cell::new(&format!("{mark} {}", item.state.word())).in_colour(colour),
        Cell::new(&version),
        Cell::new(&item.name),
        Cell::new(&recorded.unwrap_or_default()),
        Cell::new(&took).right(),
        Cell::new(checksum).in_colour(FAINT),
    ]
}

fn is_baseline(item: &Item, history: &History) -> bool {
    let row = history.row(&item.key);
    row.is_some_and(|row| row.detail.get(BASELINE) == Some(&true.into()))
}

fn is_adopted(item: &Item, history: &History) -> bool {
    let row = history.row(&item.key);
    row.is_some_and(|row| row.detail.contains_key(ADOPTED_FROM))
}

/// `2 applied, 1 pending; the database is at V2`.
fn summary(plan: &MigrationPlan, history: &History) -> String {
    if plan.items.is_empty() && plan.errors().next().is_some() {
        return "no migration is applied, and the files have errors".to_owned();
    }
    if plan.items.is_empty() {
        return "there are no migrations, neither as files nor in the database; `new NAME` writes the first one"
            .to_owned();
    }
    let counts: Vec<String> = STATES
        .iter()
        .filter_map(|state| {
            let number = plan.items.iter().filter(|it| it.state == *state).count();
            (number > 0).then(|| format!("{number} {}", state.word()))
        })
        .collect();
    format!(
        "{}; {}",
        counts.join(", "),
        database_is_at(history.version())
    )
}
