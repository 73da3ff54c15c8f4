//! What the guards of a script found, in words. Pure: a guard is known by its step, and what it found by the rows of
//! the query that explains it.

use super::cause::{breaks, cause, causes, mismatch as as_mismatch};
use super::effects::Effects;
use super::error::Part;
use super::guards::LISTED;
use super::left_broken::{LeftBroken, objects};
use super::quoted::became_text;
use super::trigger::suspected;
use super::view::{read_view, searched};
use crate::db::{Code, EngineError, Failure};
use crate::script::{Origin, Script, Unit};
use crate::sql::{
    Kind, Token, TokenKind, Value, What, identifier, kind, significant, targets, unquote,
};

/// Why a guard refused a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// A stable name for programs.
    pub(crate) code: &'static str,
    /// What is wrong; `{unit}` is the unit that is blamed.
    message: String,
    /// The rows and objects that it is about, and the cause.
    pub(crate) notes: Vec<String>,
    /// What to change; `{file}` is the file of the unit.
    help: String,
    /// The statement that is the likely cause.
    pub(crate) origin: Option<Origin>,
}

impl Refusal {
    /// What is wrong with a unit: `V3`, `undoing V3`, or none where it cannot be told which one it is.
    pub(crate) fn message(&self, unit: Option<&str>) -> String {
        match unit {
            Some(unit) => self.message.replace("{unit}", unit),
            None => {
                let without = self.message.replace("{unit}: ", "");
                without.replace("{unit}", "this run")
            }
        }
    }

    /// Whether what to change is in the files of the run.
    #[cfg(feature = "report")]
    pub(crate) fn names_files(&self) -> bool {
        self.help.contains("{file}")
    }

    /// What to change in these files.
    pub(crate) fn help(&self, files: &str) -> String {
        self.help.replace("{file}", files)
    }
}

/// Why a guard refused, where it was a guard; `unit` is the one that is blamed. A guard that fails because of a lock,
/// or because the run was told to stop, refuses nothing.
pub(crate) fn refusal(part: &Part, failure: &Failure, unit: Option<&Unit>) -> Option<Refusal> {
    let Failure::Step {
        error, explanation, ..
    } = failure
    else {
        return None;
    };
    let mut refusal = found(part, error, explanation, unit)?;
    let cause = || cause(part, &error.message, explanation, unit?);
    refusal.origin = refusal.origin.take().or_else(cause);
    Some(refusal)
}

fn found(
    part: &Part,
    error: &EngineError,
    rows: &[Vec<Value>],
    unit: Option<&Unit>,
) -> Option<Refusal> {
    match (part, error.code) {
        (Part::Commit, Code::Constraint) => Some(deferred(rows)),
        // A guard that found something violates a key: see [`super::guards::unless`].
        (_, code) if !matches!(code, Code::Other(_) | Code::Corrupt | Code::Constraint) => None,
        (Part::ForeignKeysBefore, _) => Some(Refusal {
            code: "foreign-key-mismatch",
            message: format!("{{unit}}: the foreign keys cannot be checked: {error}"),
            notes: Vec::new(),
            help: unchecked(error),
            origin: None,
        }),
        (Part::ForeignKeysAfter, _) if rows.is_empty() => Some(Refusal {
            code: "foreign-key-mismatch",
            message: format!("{{unit}}: the foreign keys cannot be checked afterwards: {error}"),
            notes: Vec::new(),
            help: unchecked(error),
            origin: None,
        }),
        (Part::ForeignKeysAfter, _) => Some(orphans(rows, unit)),
        (Part::Mismatch, _) => Some(mismatch(rows)),
        (Part::OldRows, _) if rows.is_empty() => Some(Refusal {
            code: "statement-failed",
            message: format!("{{unit}} failed: {error}"),
            notes: Vec::new(),
            help: "correct {file}".to_owned(),
            origin: statement(unit, |kind, sql| {
                is_alter(kind, sql, "ALTER") || writes_schema(kind)
            }),
        }),
        (Part::OldRows, _) => Some(old_rows(rows, unit)),
        (Part::Schema, _) => Some(Refusal {
            code: "unreadable-schema",
            message: format!("{{unit}} leaves a schema that cannot be read: {error}"),
            notes: vec!["with such a schema, a database cannot be opened".to_owned()],
            help: "correct what {file} writes to sqlite_schema".to_owned(),
            origin: statement(unit, |kind, _| writes_schema(kind)),
        }),
        (Part::References, _) if rows.iter().all(|row| is_mismatch(row)) => {
            let rows: Vec<_> = rows.iter().map(|row| as_mismatch(row)).collect();
            Some(mismatch(&rows))
        }
        (Part::References, _) => {
            let lost = rows.iter().filter(|row| !is_mismatch(row)).cloned();
            Some(lost_parents(&lost.collect::<Vec<_>>()))
        }
        (Part::Compiles, _) => Some(broken(rows, &error.message)),
        _ => None,
    }
}

/// What to do where the foreign keys cannot be checked.
fn unchecked(error: &EngineError) -> String {
    let help = match error.message.contains("foreign key mismatch") {
        true => {
            "a foreign key must refer to a primary key or to columns with a UNIQUE index: correct the tables that the message \
             names"
        }
        false => "correct what the message names",
    };
    help.to_owned()
}

/// Why the guard at the end of a run refused its last script, where an earlier one broke the object and is committed.
pub(crate) fn not_repaired(part: &Part, left: &LeftBroken) -> Option<Refusal> {
    let code = match part {
        Part::Compiles => "does-not-compile",
        Part::References if left.misses_key() => "foreign-key-mismatch",
        Part::References => "lost-parent",
        _ => return None,
    };
    Some(Refusal {
        code,
        message: left.in_words(),
        notes: vec!["no file behind it in this run repairs that".to_owned()],
        help: format!("{}, in a pending or a new migration", left.repair()),
        origin: None,
    })
}

/// The units that a failure at the end of a script may come from: one, where the texts of the others do not explain it.
pub(crate) fn suspects(part: &Part, failure: &Failure, script: &Script) -> Vec<usize> {
    let Failure::Step {
        error, explanation, ..
    } = failure
    else {
        return Vec::new();
    };
    let all = suspected_units(part, error, explanation, script);
    let words = error.message.as_str();
    let with_cause: Vec<usize> = match part {
        Part::Compiles => {
            let steps = |unit: &usize| {
                let unit = *unit;
                script.units[unit]
                    .steps
                    .iter()
                    .map(move |step| (unit, step))
            };
            let breaks = |name, words: &str| breaks(name, words, all.iter().flat_map(steps));
            let found = objects(explanation, words).find_map(|it| breaks(it.name, &it.words));
            found.map(|(unit, _)| unit).into_iter().collect()
        }
        _ => {
            let causes = |unit: &usize| causes(part, words, explanation, &script.units[*unit]);
            let units = all.iter().copied();
            units.filter(|unit| !causes(unit).is_empty()).collect()
        }
    };
    match with_cause.as_slice() {
        [_] => with_cause,
        _ => all,
    }
}

fn suspected_units(
    part: &Part,
    error: &EngineError,
    explanation: &[Vec<Value>],
    script: &Script,
) -> Vec<usize> {
    let units = || script.units.iter().enumerate();
    let numbers = |of: &dyn Fn(usize, &Unit) -> bool| {
        let suspects = units().filter(|(number, unit)| of(*number, unit));
        suspects.map(|(number, _)| number).collect::<Vec<_>>()
    };
    match part {
        Part::References => {
            let mismatches = explanation.iter().filter(|row| is_mismatch(row));
            let names: Vec<String> = mismatches
                .flat_map(|row| [text(row, 1), text(row, 4)])
                .collect();
            let changes_key = |unit: &Unit| {
                let drops_index = |kind: &Kind, _: &str| matches!(kind, Kind::Drop(object) if object.what == What::Index);
                let effects = Effects::of(unit);
                let is_new = |name: &String| effects.new.contains(&name.to_ascii_lowercase());
                names.iter().any(is_new)
                    || (effects.may_lose_parents || !effects.refers.is_empty())
                        && (mentions(unit, &names) || statement(Some(unit), drops_index).is_some())
            };
            numbers(&|_, unit| {
                let key = unit.record.key().to_string();
                explanation.iter().any(|row| text(row, 0) == key)
                    || !names.is_empty() && changes_key(unit)
            })
        }
        // What the engine names was well when it was created, or broken from then on.
        Part::Compiles => {
            let words = error.message.to_ascii_lowercase();
            let fired = suspected(explanation, &error.message).into_iter();
            let read = read_view(explanation)
                .into_iter()
                .chain(searched(explanation));
            let fired = fired.chain(read).map(|(name, _)| name);
            let quoted = became_text(explanation).map(|(_, name, _)| name);
            let fired: Vec<String> = fired.chain(quoted).map(str::to_ascii_lowercase).collect();
            let words: Vec<&str> = match fired.is_empty() {
                false => fired.iter().map(String::as_str).collect(),
                true => words.split([' ', ':']).collect(),
            };
            let creates = |unit: &Unit| {
                let created = Effects::of(unit).created;
                created.iter().any(|name| words.contains(&name.as_str()))
            };
            let created = units().rposition(|(_, unit)| creates(unit)).unwrap_or(0);
            numbers(&|number, unit| number >= created && Effects::of(unit).may_break)
        }
        Part::Commit | Part::ForeignKeysAfter => {
            let rows = explanation.iter();
            let names: Vec<String> = rows.flat_map(|row| [text(row, 0), text(row, 2)]).collect();
            let mentioning = numbers(&|_, unit| mentions(unit, &names));
            match mentioning.is_empty() {
                true => numbers(&|_, unit| !unit.steps.is_empty()),
                false => mentioning,
            }
        }
        _ => Vec::new(),
    }
}

/// Whether the text of a unit has one of these names.
fn mentions(unit: &Unit, names: &[String]) -> bool {
    unit.steps.iter().any(|step| {
        significant(&step.sql).any(|token| {
            let token = match token.kind {
                TokenKind::Symbol => return false,
                _ => unquote(token.text(&step.sql)),
            };
            names.iter().any(|name| name.eq_ignore_ascii_case(&token))
        })
    })
}

pub(super) fn text(row: &[Value], at: usize) -> String {
    match row.get(at) {
        Some(Value::Text(text)) => text.clone(),
        Some(Value::Integer(number)) => number.to_string(),
        _ => String::new(),
    }
}

pub(super) fn number(row: &[Value], at: usize) -> i64 {
    match row.get(at) {
        Some(Value::Integer(number)) => *number,
        _ => 0,
    }
}

/// `orders`, `"my orders"`: as SQL writes it.
fn name(row: &[Value], at: usize) -> String {
    bare_or_quoted(&text(row, at))
}

/// `user_id`, `(a, b)`.
fn columns(row: &[Value], at: usize) -> String {
    let columns = text(row, at);
    match columns.contains(", ") {
        true => format!("({columns})"),
        false => columns,
    }
}

fn bare_or_quoted(name: &str) -> String {
    let is_bare = |c: char| c == '_' || c.is_ascii_alphanumeric();
    match !name.is_empty() && name.chars().all(is_bare) {
        true => name.to_owned(),
        false => identifier(name),
    }
}

/// The first statement of a unit that is such a one.
fn statement(unit: Option<&Unit>, is: impl Fn(&Kind, &str) -> bool) -> Option<Origin> {
    let mut steps = unit?.steps.iter();
    let step = steps.find(|step| is(&kind(&step.sql), &step.sql))?;
    step.origin()
}

fn is_alter(kind: &Kind, sql: &str, word: &str) -> bool {
    *kind == Kind::Alter
        && significant(sql)
            .skip(3)
            .take(3)
            .any(|token| token.is_word(sql, word))
}

fn writes_schema(kind: &Kind) -> bool {
    matches!(kind, Kind::Pragma(pragma) if pragma.name == "writable_schema")
}

fn ignores_checks(kind: &Kind) -> bool {
    matches!(kind, Kind::Pragma(pragma) if pragma.name == "ignore_check_constraints")
}

/// Whether a row of [`Part::References`] is about a parent that is there, and has no such key.
pub(super) fn is_mismatch(row: &[Value]) -> bool {
    text(row, 0).is_empty()
}

fn drops_table(kind: &Kind) -> bool {
    matches!(kind, Kind::Drop(object) if object.what == What::Table)
}

/// One line for each row `child, rowid, parent, columns, on_delete, parent_exists, found, all`.
pub(super) fn listed(rows: &[Vec<Value>]) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut shown = 0;
    for row in rows.iter().take(LISTED) {
        let (child, columns, parent) = (name(row, 0), columns(row, 3), name(row, 2));
        let found = number(row, 6).max(1);
        shown += found;
        let values = match text(row, 8) {
            values if values.is_empty() => String::new(),
            values if columns.starts_with('(') => format!(" = ({values})"),
            values => format!(" = {values}"),
        };
        lines.push(match (row.get(1), found) {
            (Some(Value::Integer(number)), _) => {
                format!("{child}, row {number}: {columns}{values} has no parent in {parent}")
            }
            (_, 1) => format!("{child}: {columns}{values} of one row has no parent in {parent}"),
            (_, found) => {
                format!("{child}: {columns}{values} of {found} rows has no parent in {parent}")
            }
        });
    }
    let more = rows.first().map_or(0, |row| number(row, 7)) - shown;
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines.join("\n")
}

/// The right order of a rebuild.
fn rebuild(table: &str) -> String {
    format!(
        "rebuild a table in this order: create the new table under another name, copy the rows, drop the old table, \
         rename the new table to {table}"
    )
}

/// The foreign keys of rows whose parent table does not exist since this unit, as rows of [`Part::References`].
fn without_parent_table(rows: &[Vec<Value>], unit: Option<&Unit>) -> Vec<Vec<Value>> {
    let effects = unit.map(Effects::of).unwrap_or_default();
    let mut lost: Vec<Vec<Value>> = Vec::new();
    for row in rows.iter().filter(|row| number(row, 5) == 0) {
        let [child, _, parent, columns, ..] = row.as_slice() else {
            continue;
        };
        // It may have been missing before.
        let is_of_unit = effects.writes_schema
            || effects.changed.contains(&text(row, 2).to_ascii_lowercase())
            || effects
                .refers
                .contains(&effects.table_before(&text(row, 0)));
        if !is_of_unit {
            continue;
        }
        let before = effects.table_before(&text(row, 2)).as_str().into();
        let key = unit.map(|unit| unit.record.key().to_string());
        let key = key.unwrap_or_default().as_str().into();
        let it = vec![key, child.clone(), columns.clone(), before, parent.clone()];
        if !lost.contains(&it) {
            lost.push(it);
        }
    }
    lost
}

/// Whether a unit deletes rows of this table, or drops it: only then `ON DELETE` would have done something.
fn deletes_from(unit: Option<&Unit>, table: &str) -> bool {
    let Some(unit) = unit else { return false };
    let names = Effects::of(unit).names_of(table);
    let is_it = |name: &str| names.contains(&name.to_ascii_lowercase());
    unit.steps.iter().any(|step| match kind(&step.sql) {
        Kind::Drop(object) => object.what == What::Table && is_it(&object.name),
        Kind::Create(_) | Kind::Alter | Kind::Pragma(_) => false,
        _ => {
            let is_deleting = |token: Token| {
                ["DELETE", "REPLACE"]
                    .iter()
                    .any(|word| token.is_word(&step.sql, word))
            };
            targets(&step.sql).first().is_some_and(|it| is_it(&it.name))
                && significant(&step.sql).any(is_deleting)
        }
    })
}

fn orphans(rows: &[Vec<Value>], unit: Option<&Unit>) -> Refusal {
    // Without these rows the guard of the foreign keys would refuse the unit.
    let lost = without_parent_table(rows, unit);
    if !lost.is_empty() {
        let mut refusal = lost_parents(&lost);
        refusal.notes.push(listed(rows));
        return refusal;
    }
    let mut notes = vec![listed(rows)];
    let is_counted = |row: &Vec<Value>| {
        !matches!(row.get(1), Some(Value::Integer(_))) && text(row, 8).is_empty()
    };
    if rows.iter().any(is_counted) {
        notes.push(
            "rows that cannot be recognised by a rowid or by their values, and more than 10000 rows, are counted: these \
             are as many as there are more than before"
                .to_owned(),
        );
    }
    let action = rows.iter().find(|row| {
        let action = text(row, 4);
        !matches!(action.as_str(), "" | "NO ACTION" | "RESTRICT")
            && deletes_from(unit, &text(row, 2))
    });
    let drop = statement(unit, |kind, _| drops_table(kind));
    let help = match action {
        Some(row) => {
            let (action, why) = (
                text(row, 4),
                match drop {
                    Some(_) => "because it has a DROP TABLE",
                    None => "as it says",
                },
            );
            notes.push(format!(
                "foreign keys are off while this file runs, {why}, so ON DELETE {action} did nothing"
            ));
            "let {file} delete or change these rows itself; or write `-- seedbed: foreign-keys=on` at its top: ON DELETE \
             then works, also for the rows that refer to a table that is dropped"
                .to_owned()
        }
        None => "let {file} delete these rows, keep their parents, or change what they refer to"
            .to_owned(),
    };
    Refusal {
        code: "foreign-keys",
        message: "{unit} leaves rows whose parent is gone".to_owned(),
        notes,
        help,
        origin: None,
    }
}

fn deferred(rows: &[Vec<Value>]) -> Refusal {
    let notes = match rows {
        [] => Vec::new(),
        rows => vec![listed(rows)],
    };
    Refusal {
        code: "foreign-keys",
        message: "{unit}: a deferred foreign key does not hold at COMMIT".to_owned(),
        notes,
        help: "insert the parents of these rows, or delete the rows, in {file}".to_owned(),
        origin: None,
    }
}

fn mismatch(rows: &[Vec<Value>]) -> Refusal {
    let note = |row: &Vec<Value>| {
        let (child, columns, parent, targets) =
            (name(row, 0), text(row, 1), name(row, 2), text(row, 3));
        match (text(row, 4).as_str(), targets.as_str()) {
            ("view", _) => format!("{child} ({columns}) refers to {parent}, which is a view"),
            (_, "") => format!(
                "{child} ({columns}) refers to the primary key of {parent}, which has none with as many columns"
            ),
            _ => format!(
                "{child} ({columns}) refers to {parent} ({targets}), which is neither its primary key nor has a UNIQUE \
                 index"
            ),
        }
    };
    let index = rows.iter().find_map(|row| {
        let (parent, targets) = (text(row, 2), text(row, 3));
        let targets: Vec<&str> = targets.split(", ").filter(|it| !it.is_empty()).collect();
        let index = bare_or_quoted(&format!("{parent}_{}_key", targets.join("_")));
        let columns: Vec<String> = targets.iter().map(|it| bare_or_quoted(it)).collect();
        let is_table = text(row, 4) == "table" && !targets.is_empty();
        let (parent, columns) = (bare_or_quoted(&parent), columns.join(", "));
        is_table.then(|| format!("CREATE UNIQUE INDEX {index} ON {parent} ({columns});"))
    });
    Refusal {
        code: "foreign-key-mismatch",
        message: "{unit} leaves a foreign key that refers to no key, so that every write to its table fails".to_owned(),
        notes: rows.iter().map(note).collect(),
        help: match index {
            Some(index) => format!("add `{index}` to {{file}}, or change what the foreign key refers to"),
            None => "let the foreign key in {file} refer to a primary key or to columns with a UNIQUE index".to_owned(),
        },
        origin: None,
    }
}

/// Statements, in quotes.
fn statements(all: &[String]) -> String {
    let all: Vec<String> = all.iter().map(|sql| format!("`{sql}`")).collect();
    all.join(" and ")
}

fn old_rows(rows: &[Vec<Value>], unit: Option<&Unit>) -> Refusal {
    if let Some(row) = rows.iter().find(|row| row.len() > 2) {
        return match text(row, 0).as_str() {
            "REFERENCES" => default_of_a_reference(row, unit),
            "CHECK" => rows_break_a_new_check(rows, unit),
            _ => other_values(row, unit),
        };
    }
    let lines = rows.iter().map(|row| match number(row, 1) {
        0 | 1 => text(row, 0),
        found => format!("{} ({found} times)", text(row, 0)),
    });
    let lines = lines.collect::<Vec<_>>().join("\n");
    let by_hand = statement(unit, |kind, _| writes_schema(kind));
    if by_hand.is_some() {
        return Refusal {
            code: "old-rows",
            message: "{unit} writes to the schema, and the tables and indexes that are there do not fit it".to_owned(),
            notes: vec![lines],
            help: "correct what {file} writes to sqlite_schema; or rebuild the table with CREATE TABLE, INSERT … SELECT, \
                   DROP TABLE and ALTER TABLE … RENAME TO"
                .to_owned(),
            origin: by_hand,
        };
    }
    if rows
        .iter()
        .all(|row| text(row, 0).starts_with("CHECK constraint failed in "))
        && let Some(ignoring) = statement(unit, |kind, _| ignores_checks(kind))
    {
        return Refusal {
            code: "old-rows",
            message: "{unit} writes rows that break a CHECK constraint".to_owned(),
            notes: vec![
                lines,
                "PRAGMA ignore_check_constraints lets such rows in; afterwards every UPDATE of one of them fails, and no \
                 dump of them can be restored"
                    .to_owned(),
            ],
            help: "correct these rows in {file}; without the PRAGMA, the statement that writes the first of them fails and \
                   names the constraint"
                .to_owned(),
            origin: Some(ignoring),
        };
    }
    // What becomes right by writing the rows or the index again, and what does not.
    let (mut indexes, mut columns, mut is_wrong) = (Vec::new(), Vec::new(), false);
    for row in rows {
        let fault = text(row, 0);
        let column = fault.rsplit_once(" value in ").and_then(|(what, column)| {
            let column = column.split_once('.')?;
            (what != "NULL").then_some(column)
        });
        let (list, sql) = match (fault.rsplit_once(" index "), column) {
            (Some((_, index)), _) => (&mut indexes, format!("REINDEX {};", bare_or_quoted(index))),
            (None, Some((table, column))) => {
                let (table, column) = (bare_or_quoted(table), bare_or_quoted(column));
                (
                    &mut columns,
                    format!("UPDATE {table} SET {column} = {column};"),
                )
            }
            (None, None) => {
                is_wrong = true;
                continue;
            }
        };
        if !list.contains(&sql) {
            list.push(sql);
        }
    }
    indexes.append(&mut columns);
    let mut help = Vec::new();
    if is_wrong {
        help.push("correct these rows in {file}, before the ALTER TABLE".to_owned());
    }
    if !indexes.is_empty() {
        help.push(format!(
            "add {} at the end of {{file}}",
            statements(&indexes)
        ));
    }
    Refusal {
        code: "old-rows",
        message: "{unit} changes a column, and rows that are there do not fit it".to_owned(),
        notes: vec![
            lines,
            "ALTER COLUMN does not look at the rows that are there".to_owned(),
        ],
        help: help.join("; "),
        origin: statement(unit, |kind, sql| is_alter(kind, sql, "ALTER")),
    }
}

/// The number of rows in a column of what a guard found.
fn counted_rows(row: &[Value], at: usize) -> String {
    match number(row, at) {
        1 => "1 row".to_owned(),
        found => format!("{found} rows"),
    }
}

/// Rows that hold no value of a column read another one.
fn other_values(row: &[Value], unit: Option<&Unit>) -> Refusal {
    let (table, column) = (text(row, 2), text(row, 3));
    let rows = counted_rows(row, 1);
    Refusal {
        code: "old-rows",
        message: "{unit} changes a column, and values of rows that are there would change with it".to_owned(),
        notes: vec![
            format!("{rows} of {table} would have another value in {column}"),
            "a row that is older than its column holds no value of it: it reads the DEFAULT of the column, which ALTER \
             COLUMN changes"
                .to_owned(),
        ],
        help: format!(
            "to keep the values, add `UPDATE {table} SET {column} = {column};` to {{file}}, before the ALTER TABLE"
        ),
        origin: statement(unit, |kind, sql| {
            is_alter(kind, sql, "ALTER") && mentions_all(sql, &[&table, &column])
        }),
    }
}

/// A new column would give the rows that are there a parent that the engine does not look for.
fn default_of_a_reference(row: &[Value], unit: Option<&Unit>) -> Refusal {
    let (table, column) = (text(row, 2), text(row, 3));
    let rows = counted_rows(row, 1);
    Refusal {
        code: "old-rows",
        message: "{unit} adds a column with REFERENCES and a DEFAULT that is not NULL to a table with rows".to_owned(),
        notes: vec![
            format!("{table} has {rows}"),
            "this engine does not check whether the default has its parent, and libSQL refuses the statement".to_owned(),
        ],
        help: format!(
            "add {column} without DEFAULT and NOT NULL in {{file}}, and write the values with an UPDATE behind the ALTER \
             TABLE, which checks each of them"
        ),
        origin: adding(unit, &table, &column),
    }
}

/// Rows break the CHECK constraint of a new column, at which this engine does not look.
fn rows_break_a_new_check(rows: &[Vec<Value>], unit: Option<&Unit>) -> Refusal {
    let row = &rows[0];
    let (table, column) = (text(row, 2), text(row, 3));
    let mut lines: Vec<String> = rows
        .iter()
        .map(|row| format!("CHECK constraint failed in {table}, row {}", text(row, 1)))
        .collect();
    let more = usize::try_from(number(row, 4)).unwrap_or(0);
    if let Some(more) = more.checked_sub(rows.len()).filter(|more| *more > 0) {
        lines.push(format!("and {more} more"));
    }
    Refusal {
        code: "old-rows",
        message: "{unit} adds a column with a CHECK constraint that rows of the table break"
            .to_owned(),
        notes: vec![lines.join("\n")],
        help: "correct these rows in {file}, before the ALTER TABLE, or change the constraint"
            .to_owned(),
        origin: adding(unit, &table, &column),
    }
}

/// The statement that adds a column.
fn adding(unit: Option<&Unit>, table: &str, column: &str) -> Option<Origin> {
    statement(unit, |kind, sql| {
        is_alter(kind, sql, "ADD") && mentions_all(sql, &[table, column])
    })
}

/// Whether a statement has all of these names.
fn mentions_all(sql: &str, names: &[&str]) -> bool {
    names.iter().all(|name| {
        let name = significant(name)
            .last()
            .map(|token| unquote(token.text(name)));
        significant(sql).any(|token| {
            let token = unquote(token.text(sql));
            name.as_ref()
                .is_some_and(|name| token.eq_ignore_ascii_case(name))
        })
    })
}

fn lost_parents(rows: &[Vec<Value>]) -> Refusal {
    let lines = rows.iter().map(|row| {
        let (child, columns, parent) = (name(row, 1), text(row, 2), name(row, 4));
        format!("{child} ({columns}) refers to {parent}")
    });
    let mut notes = vec![lines.collect::<Vec<_>>().join("\n")];
    let renamed = |row: &&Vec<Value>| !text(row, 3).eq_ignore_ascii_case(&text(row, 4));
    let help = match rows.iter().find(renamed) {
        Some(row) => {
            notes.push(format!(
                "{} referred to {} before: renaming a table also changes the foreign keys that refer to it",
                name(row, 1),
                name(row, 3)
            ));
            rebuild(&name(row, 3))
        }
        None => "change or drop the tables that refer to it in {file} too, or keep it".to_owned(),
    };
    Refusal {
        code: "lost-parent",
        message: "{unit} leaves a foreign key whose parent table does not exist, so that every write to its table fails"
            .to_owned(),
        notes,
        help,
        origin: None,
    }
}

fn broken(rows: &[Vec<Value>], words: &str) -> Refusal {
    let fired = suspected(rows, words).into_iter();
    let fired: Vec<String> = fired.map(|(name, _)| bare_or_quoted(name)).collect();
    if !fired.is_empty() {
        return Refusal {
            code: "does-not-compile",
            message: format!(
                "{{unit}}: trigger {} does not compile afterwards: {words}",
                fired.join(" or ")
            ),
            notes: vec!["every statement that fires it fails".to_owned()],
            help:
                "drop it before the change and create it again behind it, or correct it, in {file}"
                    .to_owned(),
            origin: None,
        };
    }
    if let Some((view, _)) = read_view(rows) {
        return Refusal {
            code: "does-not-compile",
            message: format!(
                "{{unit}}: view {} does not compile afterwards: {words}",
                bare_or_quoted(view)
            ),
            notes: vec!["every statement that reads it fails".to_owned()],
            help:
                "drop it before the change and create it again behind it, or correct it, in {file}"
                    .to_owned(),
            origin: None,
        };
    }
    if let Some((index, _)) = searched(rows) {
        let name = bare_or_quoted(index);
        return Refusal {
            code: "does-not-compile",
            message: format!(
                "{{unit}}: the full-text index {name} cannot be read afterwards: {words}"
            ),
            notes: vec![
                "the rows that it is about are in another table (content=…), which has to have its columns".to_owned(),
            ],
            help: format!(
                "drop {name} before the change and create it again behind it, in {{file}}; INSERT INTO {name} ({name}) \
                 VALUES ('rebuild') fills it"
            ),
            origin: None,
        };
    }
    if let Some((sort, object, text)) = became_text(rows) {
        return Refusal {
            code: "column-became-text",
            message: format!(
                "{{unit}}: {sort} {} reads \"{text}\" as text afterwards: no column has that name any more",
                bare_or_quoted(object)
            ),
            notes: vec![format!(
                "SQLite takes a name in double quotes for text where there is no such column, so the {sort} would give \
                 '{text}' in place of values"
            )],
            help: format!(
                "drop the {sort} before the change and create it again behind it without \"{text}\", in {{file}}; a text \
                 that is meant has single quotes"
            ),
            origin: None,
        };
    }
    let views: Vec<String> = rows.iter().map(|row| name(row, 0)).collect();
    let notes = match views.len() {
        0 | 1 => Vec::new(),
        _ => vec![format!("these views do not compile: {}", views.join(", "))],
    };
    Refusal {
        code: "does-not-compile",
        message: format!("{{unit}}: a view or trigger does not compile afterwards: {words}"),
        notes,
        help: "drop it before the change and create it again behind it, or correct it, in {file}"
            .to_owned(),
        origin: None,
    }
}
