//! A file without a transaction of which no statement has had an effect: its record, which says `started`, becomes what it
//! was before. Whether that is so is proven from the statements before the failed one and from the engine's error; where it
//! is not proven, the record stays `started`.

use std::sync::Arc;

use super::error::Failed;
use super::run::run_watched;
use super::watch::Watch;
use crate::db::{At, Code, Db, Failure, Query};
use crate::script::{Atomicity, ForeignKeys, Record, Run, Script, Step, Unit};
use crate::sql::{Kind, kind, significant};

/// Pragmas that change nothing but the connection.
const OF_THE_CONNECTION: [&str; 9] = [
    "foreign_keys",
    "defer_foreign_keys",
    "ignore_check_constraints",
    "legacy_alter_table",
    "recursive_triggers",
    "busy_timeout",
    "cache_size",
    "synchronous",
    "temp_store",
];

/// Whether a text of the schema may make a statement fail that keeps what it has done so far: `ON CONFLICT FAIL`,
/// `RAISE(FAIL, …)`. See <https://sqlite.org/lang_conflict.html>.
const FAILS_HALFWAY: &str =
    "SELECT 1 FROM sqlite_schema WHERE instr(lower(sql), 'fail') > 0 LIMIT 1";

/// Sets the record of a failed script back, if none of its statements has had an effect. What Seedbed dropped before them is
/// made again by the conditional units of the `later` scripts. Returns whether the record was set back.
pub(crate) async fn set_back(
    db: &Db,
    script: &Script,
    failed: &Failed,
    later: &[Script],
    run: &Run,
) -> bool {
    let (Atomicity::Bare, [unit]) = (script.atomicity, &script.units[..]) else {
        return false;
    };
    let record = match &unit.record {
        Record::Insert(entry) | Record::Replace(entry) => Record::Delete(entry.key.clone()),
        Record::Delete(key) => Record::Settle(key.clone()),
        _ => return false,
    };
    // The run may have been told to stop meanwhile.
    let db = db.until_given_up();
    if !nothing_happened(&db, unit, &failed.failure).await {
        return false;
    }
    let restores = |script: &&Script| {
        let mut records = script.units.iter().map(|unit| &unit.record);
        records.any(|record| matches!(record, Record::Restore(_)))
    };
    let drops_tables = later
        .iter()
        .filter(restores)
        .any(|script| script.foreign_keys != ForeignKeys::On);
    let conditional = later.iter().flat_map(|script| &script.units);
    let conditional = conditional.filter(|unit| matches!(unit.record, Record::Restore(_)));
    let back = Unit {
        record,
        steps: Arc::default(),
    };
    let script = Script {
        expects: script.expects.next(),
        foreign_keys: match drops_tables {
            true => ForeignKeys::Off,
            false => ForeignKeys::On,
        },
        atomicity: Atomicity::Transaction,
        units: std::iter::once(back).chain(conditional.cloned()).collect(),
    };
    let unguarded = Watch::unguarded();
    let done = run_watched(&db, &script, run, Arc::new(|_| {}), unguarded).await;
    done.is_ok()
}

/// Whether no statement of a unit has had an effect on the database.
async fn nothing_happened(db: &Db, unit: &Unit, failure: &Failure) -> bool {
    // The transaction before it recorded that it has started.
    let Failure::Step {
        committed: 1,
        at: At::Step(failed),
        error,
        ..
    } = failure
    else {
        return false;
    };
    let Some(step) = unit.steps.get(*failed) else {
        return false;
    };
    if !leave_nothing(&unit.steps[..*failed]) {
        return false;
    }
    // Every other error undoes the whole statement.
    if error.code != Code::Constraint {
        return true;
    }
    let says_fail = significant(&step.sql).any(|token| token.is_word(&step.sql, "FAIL"));
    if says_fail {
        return false;
    }
    let schema = db.rows::<1>(Query::new(FAILS_HALFWAY)).await;
    schema.is_ok_and(|found| found.is_empty())
}

/// Whether these statements have no effect once their connection is closed. A transaction that they leave open is rolled
/// back then.
fn leave_nothing(steps: &[Step]) -> bool {
    /// The transaction that is open, by the savepoint that began it.
    enum Open {
        Begun,
        Saved(String),
    }
    let mut open = None;
    let mut has_changes = false;
    for step in steps {
        match (kind(&step.sql), &open) {
            (Kind::Begin, _) => open = Some(Open::Begun),
            (Kind::Savepoint(name), None) => open = Some(Open::Saved(name)),
            (Kind::Rollback, _) => (open, has_changes) = (None, false),
            (Kind::Commit, _) if has_changes => return false,
            (Kind::Commit, _) => open = None,
            (Kind::Release(name), Some(Open::Saved(first))) if name.eq_ignore_ascii_case(first) => {
                if has_changes {
                    return false;
                }
                open = None;
            }
            _ if has_no_effect(step) => {}
            (_, None) => return false,
            (_, Some(_)) => has_changes = true,
        }
    }
    true
}

fn has_no_effect(step: &Step) -> bool {
    match kind(&step.sql) {
        Kind::Savepoint(_) | Kind::Release(_) | Kind::RollbackTo(_) => true,
        Kind::Select | Kind::Explain => true,
        Kind::Pragma(pragma) => OF_THE_CONNECTION.contains(&&*pragma.name),
        // Seedbed's own: it drops what a repeatable makes, and that is made again.
        _ => !step.is_written(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{Origin, Source};
    use crate::sql::split;

    fn leaves_nothing(text: &str) -> bool {
        let source = Arc::new(Source {
            name: "V1__a.sql".to_owned(),
            text: text.into(),
        });
        let steps = split(text).unwrap();
        let steps = steps.iter().map(|statement| {
            let (source, span) = (source.clone(), statement.span.clone());
            Step::written(Origin { source, span })
        });
        leave_nothing(&steps.collect::<Vec<_>>())
    }

    #[test]
    fn statements_leave_nothing_where_they_change_only_the_connection_or_are_not_committed() {
        for text in [
            "",
            "PRAGMA foreign_keys = OFF; SELECT 1",
            "BEGIN; CREATE TABLE a (x); DELETE FROM b",
            "SAVEPOINT a; SAVEPOINT b; CREATE TABLE a (x); RELEASE b",
            "BEGIN; DELETE FROM a; ROLLBACK; SELECT 1",
            "BEGIN; SELECT 1; COMMIT",
        ] {
            assert!(leaves_nothing(text), "{text}");
        }
    }

    #[test]
    fn statements_leave_something_where_one_is_committed() {
        for text in [
            "CREATE TABLE a (x)",
            "PRAGMA user_version = 3",
            "PRAGMA journal_mode = WAL",
            "BEGIN; DELETE FROM a; COMMIT",
            "SAVEPOINT a; DELETE FROM a; RELEASE A",
            "BEGIN; DELETE FROM a; END; BEGIN",
            "BEGIN; ROLLBACK; DELETE FROM a",
            "VACUUM",
        ] {
            assert!(!leaves_nothing(text), "{text}");
        }
    }
}
