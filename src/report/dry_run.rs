//! What would run: transactions, files, statements. Nothing here says more than the plan does.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use super::Report;
use super::style::{FAINT, STRONG, Style};
use super::words::{count, database_is_at, keys, printable, shortened};
use crate::diagnostic::Diagnostic;
use crate::history::{History, moment};
use crate::migrations::{AdoptPlan, MigrationPlan, RedoPlan, UndoPlan};
use crate::script::{
    Atomicity, ForeignKeys, Key, Made, Outline, Record, Restore, Script, Step, Unit,
};
use crate::sql::{Lines, Place, describe, describe_all};

/// How many statements of one file are listed.
const STATEMENTS: usize = 50;
/// How many characters of a statement stand for it where there are no words.
const CHARACTERS: usize = 60;

/// What `migrate --dry-run` shows of a plan, with its problems.
pub fn dry_run(plan: &MigrationPlan, history: &History, style: Style<'_>) -> String {
    let words = Words {
        would: "would run",
        nothing: "nothing is pending",
    };
    let mut text = show(&plan.scripts, &plan.problems, words, history, style);
    if !plan.to_look_at.is_empty() {
        let _ = writeln!(
            text,
            "afterwards {}: made again outside of a transaction, if what it makes is gone by then",
            keys(&plan.to_look_at)
        );
    }
    text
}

/// What `undo --dry-run` shows of a plan, with its problems.
pub fn undo_dry_run(plan: &UndoPlan, history: &History, style: Style<'_>) -> String {
    let words = Words {
        would: "would be undone",
        nothing: "there is nothing to undo",
    };
    show(&plan.scripts, &plan.problems, words, history, style)
}

/// What `redo --dry-run` shows of a plan, with its problems.
pub fn redo_dry_run(plan: &RedoPlan, history: &History, style: Style<'_>) -> String {
    let words = Words {
        would: "would be undone or applied",
        nothing: "there is nothing to redo",
    };
    show(&plan.scripts, &plan.problems, words, history, style)
}

/// What `adopt --dry-run` shows. The warnings of the plan are a [`Report`] of their own.
pub fn adopt_dry_run(plan: &AdoptPlan) -> String {
    let tool = plan.tool.unwrap_or("another tool");
    let mut text = String::new();
    for it in &plan.items {
        let at = it.applied_at.as_deref().map(moment);
        let at = at.map(|at| format!(" (applied by {tool} on {at})"));
        let name = printable(&it.name);
        text.push_str(&format!("{} {name}{}\n", it.key, at.unwrap_or_default()));
    }
    let at = database_is_at(plan.version);
    text.push_str(&match plan.items.len() {
        0 => format!("there is nothing to record; {at}\n"),
        1 => format!("1 migration would be recorded as applied; {at}\n"),
        more => format!("{more} migrations would be recorded as applied; {at}\n"),
    });
    text
}

struct Words {
    /// What would happen to the migrations.
    would: &'static str,
    /// What there is to say where nothing would.
    nothing: &'static str,
}

fn show(
    scripts: &[Script],
    problems: &[Diagnostic],
    words: Words,
    history: &History,
    style: Style<'_>,
) -> String {
    let report = Report::problems(problems);
    let at = database_is_at(history.version());
    let mut parts = Vec::new();
    if !problems.is_empty() {
        parts.push(report.text(style));
    }
    if report.class().is_some() {
        parts.push(format!(
            "nothing {} before the errors are settled; nothing was changed\n",
            words.would
        ));
    } else if scripts.is_empty() {
        parts.push(format!("{}: {at}\n", words.nothing));
    } else {
        parts.push(overview(scripts, words.would));
        let mut numbers = 1..;
        let is_transaction = |it: &&Script| it.atomicity == Atomicity::Transaction;
        let transactions = scripts.iter().filter(is_transaction).count();
        for script in scripts {
            let mut title = match script.atomicity {
                Atomicity::Transaction => {
                    let number = numbers.next().unwrap_or_default();
                    format!("transaction {number} of {transactions}")
                }
                Atomicity::Bare => "outside of a transaction, statement by statement".to_owned(),
            };
            if script.foreign_keys == ForeignKeys::Off {
                title.push_str(", with foreign keys off");
            }
            let units = script
                .units
                .iter()
                .map(|unit| unit_text(unit, history, style));
            parts.push(
                std::iter::once(style.paint.paint(STRONG, &title) + "\n")
                    .chain(units)
                    .collect(),
            );
        }
        parts.push(format!("nothing was changed; {at}\n"));
    }
    parts.join("\n")
}

/// How many transactions, and why there is more than one.
fn overview(scripts: &[Script], would: &str) -> String {
    let units = scripts.iter().flat_map(|script| &script.units);
    let units = units
        .filter(|unit| !matches!(unit.record, Record::Restore(_)))
        .count();
    let outlines: Vec<Outline> = scripts.iter().map(Script::outline).collect();
    let (transactions, bare) = transactions_and_others(&outlines);
    let within = match (transactions, bare) {
        (0, _) => "outside of any transaction".to_owned(),
        (_, 0) => format!("in {}", count(transactions, "transaction")),
        _ => format!(
            "in {}, and {bare} outside of any",
            count(transactions, "transaction")
        ),
    };
    let mut text = format!("{} {would} {within}\n", count(units, "migration"));
    for why in reasons(&outlines) {
        let _ = writeln!(text, "  {why}");
    }
    if outlines.len() > 1 {
        let _ = writeln!(text, "  {STAY_COMMITTED}");
    }
    text
}

/// What several transactions mean for a run that fails.
const STAY_COMMITTED: &str = "if one fails, those before it stay committed";

/// The line before the first change of a run with more than one transaction: how many, and why.
pub fn several_transactions(outlines: &[Outline]) -> Option<String> {
    if outlines.len() < 2 {
        return None;
    }
    let within = match transactions_and_others(outlines) {
        (transactions, 0) => count(transactions, "transaction"),
        (0, bare) => format!("{bare} parts outside of any transaction"),
        (transactions, bare) => format!(
            "{}, and {bare} outside of any",
            count(transactions, "transaction")
        ),
    };
    let mut parts = vec![format!("this run takes {within}")];
    parts.extend(reasons(outlines));
    parts.push(STAY_COMMITTED.to_owned());
    Some(parts.join("; "))
}

/// How many scripts are transactions, and how many run outside of any.
fn transactions_and_others(outlines: &[Outline]) -> (usize, usize) {
    let all = outlines.iter();
    let transactions = all
        .filter(|it| it.atomicity == Atomicity::Transaction)
        .count();
    (transactions, outlines.len() - transactions)
}

/// Why scripts are not part of those before them.
fn reasons(outlines: &[Outline]) -> Vec<String> {
    let mut before = (Atomicity::Transaction, ForeignKeys::On);
    let mut reasons = Vec::new();
    for outline in outlines {
        reasons.extend(why_apart(before, outline));
        before = (outline.atomicity, outline.foreign_keys);
    }
    reasons
}

/// Why a script is not part of the one before it.
fn why_apart(before: (Atomicity, ForeignKeys), outline: &Outline) -> Option<String> {
    let how = match (before, (outline.atomicity, outline.foreign_keys)) {
        (_, (Atomicity::Bare, _)) => "outside of a transaction",
        ((_, ForeignKeys::On), (_, ForeignKeys::Off)) if outline.drops_table => {
            "with foreign keys off, which DROP TABLE needs"
        }
        ((_, ForeignKeys::On), (_, ForeignKeys::Off)) => "with foreign keys off",
        ((Atomicity::Transaction, ForeignKeys::Off), (_, ForeignKeys::On)) => {
            "with foreign keys on again"
        }
        (_, _) => return None,
    };
    match outline.keys.as_slice() {
        [] => None,
        [one] => Some(format!("{one} runs {how}")),
        several => Some(format!("{} run {how}", keys(several))),
    }
}

fn unit_text(unit: &Unit, history: &History, style: Style<'_>) -> String {
    let file = style
        .paint
        .paint(FAINT, &printable(unit.file().unwrap_or_default()));
    let mut text = format!("  {}  {file}\n", title(unit, history));
    let mut indent = "    ";
    if unit.steps.len() > 1 {
        let words = describe_all(unit.steps.iter().map(|step| &*step.sql));
        let _ = writeln!(text, "{indent}{}", printable(&words));
        indent = "      ";
    }
    let lines: Vec<(String, String)> = statement_lines(&unit.steps)
        .take(STATEMENTS)
        .map(|line| {
            let words = line.words.map(|words| printable(&words));
            let words = words.unwrap_or_else(|| shortened(line.sql, CHARACTERS));
            (printable(&format!("{}:{}", line.file, line.place)), words)
        })
        .collect();
    let width = lines.iter().map(|(place, _)| place.width()).max();
    for (place, words) in lines {
        let fill = width.unwrap_or(0).saturating_sub(place.width());
        let place = style.paint.paint(FAINT, &place);
        let _ = writeln!(text, "{indent}{place}{:fill$}  {words}", "");
    }
    let more = unit.steps.len().saturating_sub(STATEMENTS);
    if more > 0 {
        let _ = writeln!(text, "{indent}… and {}", count(more, "more statement"));
    }
    text
}

fn title(unit: &Unit, history: &History) -> String {
    let name = match &unit.record {
        Record::Insert(entry)
        | Record::Replace(entry)
        | Record::Amend(entry)
        | Record::Move { entry, .. } => Some(entry.name.as_str()),
        Record::Delete(key) | Record::Settle(key) => history.row(key).map(|row| row.name.as_str()),
        Record::Mark(environment) => Some(environment.as_str()),
        Record::Copy => None,
        Record::Restore(restore) => {
            return printable(&format!("{} {}", restore.entry.key, condition(restore)));
        }
    };
    match (unit.record.key(), name) {
        (key @ Key::Migration(_), Some(name)) => format!("{key} {}", printable(name)),
        (key, _) => printable(&key.to_string()),
    }
}

/// When a repeatable is made again: `made again if its index i is gone by then`.
pub(super) fn condition(restore: &Restore) -> String {
    let names: Vec<String> = restore.gone.iter().map(Made::to_string).collect();
    format!(
        "made again if its {} is gone by then",
        names.join(" or its ")
    )
}
/// One statement of a file.
pub(super) struct Line<'a> {
    pub(super) file: &'a str,
    pub(super) place: Place,
    pub(super) words: Option<String>,
    pub(super) sql: &'a str,
}

/// The statements of one unit, which come from one file.
pub(super) fn statement_lines(steps: &[Step]) -> impl Iterator<Item = Line<'_>> {
    let source = steps
        .iter()
        .find_map(|step| step.origin.as_ref())
        .map(|origin| &origin.source);
    // Counting lines from the top for each of a hundred thousand statements would take minutes.
    let lines = source.map(|source| Lines::new(&source.text));
    steps.iter().filter_map(move |step| {
        let origin = step.origin.as_ref()?;
        let place = match (&lines, source) {
            (Some(lines), Some(source)) if std::sync::Arc::ptr_eq(source, &origin.source) => {
                lines.place(origin.span.start)
            }
            _ => origin.place(),
        };
        Some(Line {
            file: &origin.source.name,
            place,
            words: describe(&step.sql),
            sql: &step.sql,
        })
    })
}
