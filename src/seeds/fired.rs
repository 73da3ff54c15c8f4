//! Rows that triggers would delete along with rows that seeds in mode `sync` made and declare no longer. Questions and what
//! the answers mean. Only what a trigger deletes itself is looked for: that is refused, so nothing follows from it. Pure.

use std::collections::BTreeSet;

use super::basis::Basis;
use super::memory::Memory;
use super::orphans::{grouped, these};
use super::remembered::Remembered;
use crate::db::Query;
use crate::diagnostic::Diagnostic;
use crate::schema::{Shape, Trigger};
use crate::sql::{Value, identifier};

/// Rows in one question.
const PER_QUESTION: usize = 1000;

/// Asks for the triggers of a schema.
pub(super) fn triggers() -> Query {
    Query::new("SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'trigger' AND sql <> ''")
}

/// What a question is about: whether a trigger would delete rows with those that are to go, which are none of those.
pub(super) struct Fired<'a> {
    trigger: String,
    /// The table from which it deletes.
    from: String,
    orphans: Vec<&'a Remembered>,
    /// How many columns name one of these in an answer, before the number of rows.
    pub(super) width: usize,
}

/// Asks for the rows that the `DELETE` statements of these triggers would delete.
pub(super) fn fired<'a>(
    memory: &'a Memory,
    shape: &Shape,
    triggers: &[[Value; 3]],
) -> Vec<(Fired<'a>, Query)> {
    let groups = grouped(memory);
    let mut all = Vec::new();
    for [name, table, sql] in triggers {
        let (Some(name), Some(table), Some(sql)) = (name.as_str(), table.as_str(), sql.as_str())
        else {
            continue;
        };
        let trigger = Trigger {
            name,
            table,
            sql,
            key: None,
        };
        let Some(table) = shape.position(table) else {
            continue;
        };
        let of = &shape.tables[table];
        for ((_, columns), orphans) in groups.iter().filter(|((at, _), _)| *at == table) {
            for deletion in trigger.deletions() {
                for chunk in orphans.chunks(PER_QUESTION) {
                    let from = identifier(&deletion.from);
                    let mut args = Vec::new();
                    let mut own = String::new();
                    let of_table = groups
                        .iter()
                        .filter(|((at, _), _)| shape.position(&deletion.from) == Some(*at));
                    for ((at, columns), orphans) in of_table {
                        let alias = format!("{from}.");
                        let (these, bound) = these(&alias, &shape.tables[*at], columns, orphans);
                        own.push_str(&format!(" AND NOT ({these})"));
                        args.extend(bound);
                    }
                    let keys: Vec<String> = columns
                        .iter()
                        .map(|it| format!("old.{}", identifier(&of.columns[*it].name)))
                        .collect();
                    let (these, bound) = these("old.", of, columns, chunk);
                    args.extend(bound);
                    // The names of the statement mean what they mean in the trigger.
                    let sql = format!(
                        "SELECT {}, (SELECT count(*) FROM {from} WHERE ({}\n){own}) FROM {} AS old \
                         WHERE {these} AND ({}\n)",
                        keys.join(", "),
                        deletion.condition,
                        identifier(&of.name),
                        deletion.when,
                    );
                    let about = Fired {
                        trigger: name.to_owned(),
                        from: deletion.from.clone(),
                        orphans: chunk.to_vec(),
                        width: columns.len(),
                    };
                    all.push((about, Query { sql, args }));
                }
            }
        }
    }
    all
}

/// The problem in an answer, none where nothing is deleted. `answer` is none where the engine could not read the question.
pub(super) fn fired_problem(
    basis: &Basis<'_>,
    fired: &Fired<'_>,
    answer: Option<Vec<Vec<Value>>>,
    ends: bool,
) -> Option<Diagnostic> {
    let name = |orphan: &Remembered| {
        let table = &basis.shape.tables[orphan.table].name;
        format!("`{table}.{}`", orphan.label)
    };
    let Fired { trigger, from, .. } = fired;
    let Some(answer) = answer else {
        let message = format!(
            "the deletion of {} fires the trigger `{trigger}`, which deletes from `{from}`, and whether it deletes rows \
             that this seed did not make could not be looked up",
            name(fired.orphans.first()?),
        );
        return Some(Diagnostic::problem("trigger-deletes", message).warning());
    };
    let mut labels = BTreeSet::new();
    let mut first = None;
    let mut rows = 0;
    for row in answer {
        let (key, count) = row.split_at(fired.width);
        let count = count.first().and_then(Value::as_i64).unwrap_or_default();
        let is_it = |it: &&&Remembered| it.has(&basis.shape.tables[it.table], key);
        if let (1.., Some(orphan)) = (count, fired.orphans.iter().find(is_it)) {
            rows += count;
            labels.insert(name(orphan));
            first.get_or_insert(orphan.file);
        }
    }
    let file = basis.files[first?];
    let mut labels = labels.into_iter();
    let label = labels.next()?;
    let which = match labels.len() {
        0 => label,
        more => format!("{label} and {more} more"),
    };
    let rows = match rows {
        1 => "1 row".to_owned(),
        many => format!("{many} rows"),
    };
    let message = format!(
        "the deletion of {which} would fire the trigger `{trigger}`, which would delete {rows} of `{from}` that this seed \
         did not make"
    );
    let problem = Diagnostic::problem("trigger-deletes", message);
    Some(match ends {
        true => problem.help(format!(
            "delete those first, or leave out `--with-rows`: then the rows of {} stay",
            file.name
        )),
        false => problem
            .at(file.origin(&(0..0)))
            .help("delete those first, or declare the row again"),
    })
}
