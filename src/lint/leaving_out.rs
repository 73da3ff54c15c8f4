//! RB314: rows that a copy leaves out, where a plain INSERT would fail.

use super::file::{File, columns_of, finding, list};
use super::moves::Copied;
use super::rebuilding::{One, has_word, rebuilds};
use super::recipe::block;
use super::statement::Statement;
use crate::diagnostic::Diagnostic;
use crate::schema::{ColumnKind, IndexOrigin, Nullability, TableShape};
use crate::sql::{Kind, identifier, unquote};

pub(super) fn check(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    for one in rebuilds(file) {
        for copy in &one.rebuilt.copies {
            found.extend(of_copy(&one, &file.moves.copies[*copy]));
        }
    }
}

/// What becomes of a row that breaks a constraint.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Instead {
    /// It is left out: <https://sqlite.org/lang_conflict.html>.
    Ignored,
    /// The row that is there is deleted. Only keys are meant.
    Replaces,
    /// It is left out. Only keys are meant: <https://sqlite.org/lang_upsert.html>.
    DoesNothing,
}

impl Instead {
    /// What an INSERT says; none where it fails.
    fn of(statement: &Statement<'_>) -> Option<Instead> {
        if statement.kind != Kind::Insert {
            return None;
        }
        if statement.has(&["INSERT", "OR", "IGNORE"]) {
            Some(Instead::Ignored)
        } else if statement.has(&["INSERT", "OR", "REPLACE"]) || statement.is(0, "REPLACE") {
            Some(Instead::Replaces)
        } else if statement.has(&["DO", "NOTHING"]) {
            Some(Instead::DoesNothing)
        } else {
            None
        }
    }
}

/// Whether a copy leaves out a row that breaks a constraint which is no key.
pub(super) fn ignores(statement: &Statement<'_>) -> bool {
    Instead::of(statement) == Some(Instead::Ignored)
}

fn of_copy(one: &One<'_, '_>, copy: &Copied) -> Option<Diagnostic> {
    let statement = &one.file.statements[copy.at];
    let instead = Instead::of(statement)?;
    let keys = match statement.has(&["GROUP", "BY"]) || statement.has(&["DISTINCT"]) {
        // It chooses among the rows itself.
        true => Vec::new(),
        false => new_keys(one, copy),
    };
    let unique = keys.iter().map(|key| format!("UNIQUE ({})", key.columns));
    let mut broken: Vec<String> = unique.collect();
    if instead == Instead::Ignored {
        // A condition may leave out such rows on purpose.
        if !statement.has(&["WHERE"]) {
            let columns = newly_not_null(one, copy);
            broken.extend(columns.iter().map(|name| format!("NOT NULL of {name}")));
        }
        broken.extend(new_checks(one, copy));
    }
    if broken.is_empty() {
        return None;
    }
    let name = &one.before.name;
    let broken = broken.join(", ");
    let message = match instead {
        Instead::Ignored | Instead::DoesNothing => {
            format!("rows of {name} that break {broken} are left out, and no error says so")
        }
        Instead::Replaces => format!(
            "of the rows of {name} that break {broken}, the last one is kept, and no error says so"
        ),
    };
    let plain = "write a plain INSERT, which fails where a row does not fit".to_owned();
    let help = match keys.iter().find_map(|key| key.of_old.as_ref()) {
        None => plain,
        Some(key) => block(
            &format!("{plain}, and correct these rows before it:"),
            &[format!(
                "SELECT {key}, count(*) FROM {} GROUP BY {key} HAVING count(*) > 1;",
                identifier(name)
            )],
        ),
    };
    Some(finding("RB314", message).at(statement.origin()).help(help))
}

/// The column of the old table that a column of the new one has the values of.
enum Values<'f> {
    Of(&'f str),
    /// An expression.
    Computed,
    /// The copy does not name it.
    Default,
}

fn values<'f>(one: &One<'f, '_>, copy: &Copied, column: usize) -> Values<'f> {
    let name = &one.after.columns[column].name;
    let same = |name: &str| match one.before.column(name) {
        Some(at) => Values::Of(one.before.columns[at].name.as_str()),
        None => Values::Computed,
    };
    let at = match &copy.columns {
        Some(named) => named.iter().position(|it| it.eq_ignore_ascii_case(name)),
        None => {
            let is_plain = |at: &usize| one.after.columns[*at].origin == ColumnKind::Plain;
            (0..one.after.columns.len())
                .filter(is_plain)
                .position(|at| at == column)
        }
    };
    let Some(at) = at else {
        return Values::Default;
    };
    match &copy.selected {
        // A union, or values of another kind.
        None => same(name),
        Some(selected) if selected.iter().any(|it| it.trim().ends_with('*')) => same(name),
        Some(selected) => {
            let item = selected.get(at).map_or("", |it| it.trim());
            let item = item.rsplit_once('.').map_or(item, |(_, column)| column);
            let is_name = item
                .chars()
                .all(|it| it.is_alphanumeric() || "_$\"`[]".contains(it));
            match is_name {
                true => same(&unquote(item)),
                false => Values::Computed,
            }
        }
    }
}

/// A key of the new table.
struct NewKey {
    columns: String,
    /// The columns of the old table that it is copied from, where it is copied as it is.
    of_old: Option<String>,
}

/// The keys of the new table that the old one did not have for the same values.
fn new_keys(one: &One<'_, '_>, copy: &Copied) -> Vec<NewKey> {
    let unique = one.before.unique.iter().map(|it| &it.columns);
    let old = unique.chain(Some(&one.before.primary_key).filter(|it| !it.is_empty()));
    let old: Vec<Vec<&str>> = old.map(|key| columns_of(one.before, key)).collect();
    let mut new: Vec<NewKey> = Vec::new();
    for key in keys(one.after) {
        let mut of_old = Vec::new();
        let mut is_filled = true;
        for column in &key {
            match values(one, copy, *column) {
                Values::Of(name) => of_old.push(name),
                Values::Computed => {}
                Values::Default => is_filled = false,
            }
        }
        let is_kept = old
            .iter()
            .any(|old| old.iter().all(|it| of_old.contains(it)));
        let columns = list(columns_of(one.after, &key));
        if is_filled && !is_kept && !new.iter().any(|it| it.columns == columns) {
            let is_copied = of_old.len() == key.len();
            let of_old = is_copied.then(|| list(of_old));
            new.push(NewKey { columns, of_old });
        }
    }
    new
}

/// The primary key and what is `UNIQUE` in the definition: other indexes may be made behind the copy.
fn keys(table: &TableShape) -> Vec<Vec<usize>> {
    let unique = table.unique.iter();
    let of_definition = unique.filter(|it| it.origin != IndexOrigin::Made);
    let keys = of_definition.map(|it| it.columns.clone());
    let primary = Some(table.primary_key.clone()).filter(|it| !it.is_empty());
    keys.chain(primary).collect()
}

/// The columns that take no NULL any more.
fn newly_not_null<'f>(one: &One<'f, '_>, copy: &Copied) -> Vec<&'f str> {
    let is_new = |at: &usize| {
        let column = &one.after.columns[*at];
        if column.nullability == Nullability::Nullable
            || column.origin != ColumnKind::Plain
            || one.after.integer_key() == Some(*at)
        {
            return false;
        }
        match values(one, copy, *at) {
            Values::Of(name) => one.before.column(name).is_some_and(|old| {
                one.before.columns[old].nullability == Nullability::Nullable
                    && one.before.integer_key() != Some(old)
            }),
            Values::Computed => false,
            Values::Default => column.default.is_none(),
        }
    };
    let all = 0..one.after.columns.len();
    let names = all
        .filter(is_new)
        .map(|at| one.after.columns[at].name.as_str());
    names.collect()
}

/// The CHECK constraints that the old table did not have, of columns that are copied.
fn new_checks(one: &One<'_, '_>, copy: &Copied) -> Vec<String> {
    let of = |catalogue| File::declared(catalogue, &one.before.name).map(|it| it.all_checks());
    let (Some(was), Some(is)) = (of(one.file.before), of(one.file.after)) else {
        return Vec::new();
    };
    // One that was changed may take more values.
    if is.len() <= was.len() {
        return Vec::new();
    }
    let copied = 0..one.after.columns.len();
    let copied = copied.filter(|at| matches!(values(one, copy, *at), Values::Of(_)));
    let copied: Vec<&str> = copied
        .map(|at| one.after.columns[at].name.as_str())
        .collect();
    let is_new =
        |check: &String| !was.contains(check) && copied.iter().any(|name| has_word(check, name));
    let new = is.into_iter().filter(is_new);
    new.map(|check| format!("CHECK {check}")).collect()
}
