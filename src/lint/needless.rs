//! RB312: a table that is created again, and need not be. Pure.

use super::definition::{Created, DefaultValue, created, normal};
use super::file::finding;
use super::rebuilding::One;
use super::recipe::block;
use crate::diagnostic::Diagnostic;
use crate::schema::TableShape;
use crate::sql::identifier;

/// Only columns that ALTER TABLE can add have come.
pub(super) fn check(one: &One<'_, '_>, found: &mut Vec<Diagnostic>) {
    let (was, is) = (one.sql(one.was), one.sql(one.is));
    let (Some(was), Some(is)) = (
        created(was).map(|it| (it, was)),
        created(is).map(|it| (it, is)),
    ) else {
        return;
    };
    let texts = |(created, sql): &(Created, &str)| -> Vec<String> {
        created
            .columns
            .iter()
            .map(|it| normal(&sql[it.span.clone()]))
            .collect()
    };
    let (old, new) = (texts(&was), texts(&is));
    if new.len() <= old.len()
        || old.is_empty()
        || new[..old.len()] != old[..]
        || was.0.options != is.0.options
    {
        return;
    }
    let of_table = |created: &Created| {
        (
            created
                .checks
                .iter()
                .map(|it| normal(it))
                .collect::<Vec<_>>(),
            created.deferrable,
        )
    };
    let keys = |table: &TableShape| (table.foreign_keys.len(), table.unique.len());
    let addable = is.0.columns[old.len()..].iter().all(|column| {
        let value = column.default.as_ref().map(|it| it.value);
        !column.unique
            && !column.primary_key
            && column.generated.is_none()
            && column.checks.is_empty()
            && column.references.is_none()
            && (!column.not_null || value == Some(DefaultValue::Constant))
            && matches!(
                value,
                None | Some(DefaultValue::Constant | DefaultValue::Null)
            )
    });
    if !addable || of_table(&was.0) != of_table(&is.0) || keys(one.before) != keys(one.after) {
        return;
    }
    let lines: Vec<String> = is.0.columns[old.len()..]
        .iter()
        .map(|column| {
            format!(
                "ALTER TABLE {} ADD COLUMN {};",
                identifier(&one.before.name),
                &is.1[column.span.clone()]
            )
        })
        .collect();
    let message = format!(
        "{} is rebuilt only to get columns that ALTER TABLE can add",
        one.before.name
    );
    found.push(
        finding("RB312", message)
            .at(one.create())
            .help(block("write instead:", &lines)),
    );
}
