//! Files that revert a drift (`-- seedbed: reverts HASH`): each is run on a database that has drifted as its comments tell, and
//! on one that has not. Both must end with the same schema.

use super::{Part, Rehearsal, Way};
use crate::db::{DbError, HistoryTable};
use crate::diagnostic::Diagnostic;
use crate::migrations::directive::reverted_drifts;
use crate::migrations::drift::{as_found, drifted};
use crate::migrations::plan::entry;
use crate::migrations::rehearse::Stopped;
use crate::schema::{Schema, compare, described};
use crate::script::{Origin, Record};

/// The code of a file that comes to another schema with the drift than without.
const REVERTS: &str = "reverts";

/// Tries those of the new files that revert a drift.
pub(super) async fn reverted(
    parts: &[Part<'_>],
    new: &[&Part<'_>],
    history: &HistoryTable,
) -> Result<Vec<Diagnostic>, DbError> {
    let mut problems = Vec::new();
    for part in new {
        for (hash, origin) in reverted_drifts(&part.migration.up.source) {
            problems.extend(tried(parts, part, &hash, origin, history).await?);
        }
    }
    Ok(problems)
}

async fn tried(
    parts: &[Part<'_>],
    part: &Part<'_>,
    hash: &str,
    origin: Origin,
    history: &HistoryTable,
) -> Result<Option<Diagnostic>, DbError> {
    let not_tried = |why: &str| {
        let message = format!(
            "{} was not tried on a database with the drift that it reverts: {why}",
            part.key()
        );
        Diagnostic::problem("not-rehearsed", message)
            .warning()
            .about(part.key())
            .at(origin.clone())
    };
    let Some(mut without) = before(parts, part, history).await? else {
        return Ok(Some(not_tried("a migration before it does not run")));
    };
    let expected = without.schema().await?;
    let text = &part.migration.up.source.text;
    let Some(found) = drifted(&expected, text, hash) else {
        return Ok(Some(
            not_tried("its comments do not describe the drift with this fingerprint").help(
                "`drift --fix revert` writes the drift into the comments of the file: leave them as they are",
            ),
        ));
    };
    let mut with = match as_found(&without, &found).await {
        Ok(with) => with,
        Err(why) => return Ok(Some(not_tried(&why))),
    };
    // Nothing follows that could repair what it breaks, as where a file is undone.
    let record = || Record::Insert(entry(part.migration));
    match without.act(record(), &part.up, Way::Undo).await {
        Ok(()) => {}
        Err(Stopped::Db(error)) => return Err(error),
        // It is reported where it runs on the databases without the drift.
        Err(Stopped::Problem(_)) => return Ok(None),
    }
    if let Err(stopped) = with.act(record(), &part.up, Way::Undo).await {
        let failed = stopped.diagnostic()?;
        let words = failed.message.split(" (taking it back").next();
        let message = format!(
            "{}, on a database with the drift that it reverts",
            words.unwrap_or_default()
        );
        return Ok(Some(Diagnostic { message, ..failed }));
    }
    let (without, with) = (without.schema().await?, with.schema().await?);
    Ok(differ(&without, &with).map(|problem| problem.about(part.key()).at(origin)))
}

/// A database that has not drifted, as it is before this file: with the versions below, and what the repeatable migrations
/// make.
async fn before(
    parts: &[Part<'_>],
    part: &Part<'_>,
    history: &HistoryTable,
) -> Result<Option<Rehearsal>, DbError> {
    let mut rehearsal = Rehearsal::new(history).await?;
    let can_run = |it: &&Part<'_>| it.up.is_sound() && it.up.obstacle().is_none();
    let below = parts.iter().filter(|it| !it.is_repeatable());
    let below = below.take_while(|it| it.key() != part.key());
    let below = below.filter(can_run).map(|it| (it.migration, &it.up));
    match rehearsal.ups(below, &Vec::new).await {
        Ok(()) => {}
        Err(Stopped::Db(error)) => return Err(error),
        Err(Stopped::Problem(_)) => return Ok(None),
    }
    for it in parts.iter().filter(|it| it.is_repeatable()).filter(can_run) {
        // One that fails needs what comes later, and leaves nothing.
        if let Err(Stopped::Db(error)) = rehearsal.up(it.migration, &it.up, Way::Up).await {
            return Err(error);
        }
    }
    Ok(Some(rehearsal))
}

fn differ(without: &Schema, with: &Schema) -> Option<Diagnostic> {
    let differences = compare(without, with);
    if differences.is_empty() {
        return None;
    }
    let message = "a database with the drift that this file reverts does not end with the schema of one without it";
    let problem = Diagnostic::problem(REVERTS, message);
    let mut problem = described(problem, &differences, "without the drift");
    if let Some(diff) = &mut problem.diff {
        diff.after_name = "with the drift".to_owned();
    }
    Some(problem.help(
        "the statements must make the same schema with and without the drift: `DROP … IF EXISTS`, `CREATE … IF NOT EXISTS`, \
         and for a table a rebuild",
    ))
}
