//! Views and triggers that read a column by a name in double quotes. Where the column goes they still compile, because the
//! engine takes the name for text: <https://sqlite.org/quirks.html#dblquote>. What was a text from the first is meant.

use std::collections::HashSet;

use super::{Part, Rehearsal, Way};
use crate::db::DbError;
use crate::diagnostic::{Diagnostic, Location};
use crate::history::{self, Quoting};
use crate::migrations::rehearse::Stopped;
use crate::schema::{Quoted, quoted};
use crate::script::{Key, Step};
use crate::sql::{Kind, What, kind};

/// A view or a trigger that reads a text in place of a column, and the file since which it does.
pub(super) struct BecameText<'a> {
    pub(super) it: Quoted,
    pub(super) part: &'a Part<'a>,
}

/// One that has a text at the end, on its way through the files.
struct Followed<'a> {
    it: Quoted,
    /// As it was created last.
    quoting: Option<Quoting>,
    /// Whether it has no text.
    has_none: bool,
    culprit: Option<&'a Part<'a>>,
}

/// Those that have become text in what `ran`, in this order, on a database that was empty.
pub(super) async fn became_text<'a>(
    rehearsal: &Rehearsal,
    ran: &[(&'a Part<'a>, Way)],
) -> Result<Vec<BecameText<'a>>, DbError> {
    let end = quoted(rehearsal.db()).await?.into_iter();
    let mut followed: Vec<Followed<'a>> = end
        .filter(|it| may_have_been_a_column(it, ran))
        .map(|it| Followed {
            it,
            quoting: None,
            has_none: false,
            culprit: None,
        })
        .collect();
    if followed.is_empty() {
        return Ok(Vec::new());
    }
    let mut again = Rehearsal::new(rehearsal.db().history_table()).await?;
    for (number, (part, way)) in ran.iter().enumerate() {
        let mut created = Vec::new();
        for it in &followed {
            created.push(match last_creation(part, &it.it) {
                None => None,
                Some((at, quoting)) => Some((has_text(&again, part, at, &it.it).await?, quoting)),
            });
        }
        let is_touched = |it: &Followed<'_>| {
            let quoting = it.quoting.as_ref();
            let mut steps = part.up.steps().iter();
            quoting.is_some_and(|it| steps.any(|step| it.may_lose_a_column(&step.sql)))
        };
        let look = created.iter().any(Option::is_some) || followed.iter().any(is_touched);
        let later = || ran[number + 1..].iter().map(|(part, _)| &part.up).collect();
        match again
            .up_before(part.migration, &part.up, *way, &later)
            .await
        {
            Ok(()) => {}
            Err(Stopped::Db(error)) => return Err(error),
            // It is no use to look further.
            Err(Stopped::Problem(_)) => return Ok(Vec::new()),
        }
        if !look {
            continue;
        }
        let now = quoted(again.db()).await?;
        for (it, created) in followed.iter_mut().zip(created) {
            let has_text = now.iter().any(|now| now.is_of(&it.it));
            if let Some((had_text, quoting)) = created {
                let is_as_before = it.has_none
                    && it
                        .quoting
                        .as_ref()
                        .is_some_and(|old| quoting.names_no_other(old));
                // Other names in double quotes than before may be texts by intent.
                it.has_none = !had_text || is_as_before;
                it.quoting = Some(quoting);
                it.culprit = None;
            }
            if !has_text {
                (it.has_none, it.culprit) = (true, None);
            } else if it.has_none {
                (it.has_none, it.culprit) = (false, Some(*part));
            }
        }
    }
    let found = followed.into_iter();
    Ok(found
        .filter_map(|Followed { it, culprit, .. }| Some(BecameText { it, part: culprit? }))
        .collect())
}

/// Whether a statement behind the one that creates it may take a column away from it, or it is created more than once.
fn may_have_been_a_column(it: &Quoted, ran: &[(&Part<'_>, Way)]) -> bool {
    let mut quoting: Option<Quoting> = None;
    for step in ran.iter().flat_map(|(part, _)| part.up.steps()) {
        if let Some(created) = creation(step, it) {
            if quoting.is_some() {
                return true;
            }
            quoting = Some(created);
        } else if quoting
            .as_ref()
            .is_some_and(|it| it.may_lose_a_column(&step.sql))
        {
            return true;
        }
    }
    false
}

/// The last statement of a file that creates it.
fn last_creation(part: &Part<'_>, it: &Quoted) -> Option<(usize, Quoting)> {
    let steps = part.up.steps().iter().enumerate().rev();
    let mut creations = steps.filter_map(|(at, step)| Some((at, creation(step, it)?)));
    creations.next()
}

fn creation(step: &Step, it: &Quoted) -> Option<Quoting> {
    // To look for a quote is cheaper.
    if !step.sql.contains('"') {
        return None;
    }
    let Kind::Create(object) = kind(&step.sql) else {
        return None;
    };
    let sort = match object.what {
        What::View => "view",
        What::Trigger => "trigger",
        _ => return None,
    };
    let is_it = sort == it.sort && object.name.eq_ignore_ascii_case(&it.name);
    is_it
        .then(|| Quoting::of(sort, &object.name, &step.sql))
        .flatten()
}

/// Whether it has a text behind this statement of a file. One that cannot be looked at there counts as meant.
async fn has_text(
    before: &Rehearsal,
    part: &Part<'_>,
    at: usize,
    it: &Quoted,
) -> Result<bool, DbError> {
    let copy = before.fork().await?;
    let steps = part.up.steps()[..=at].iter();
    match copy.execute(steps.map(|step| step.sql.to_string())).await {
        Ok(()) => Ok(quoted(copy.db()).await?.iter().any(|now| now.is_of(it))),
        Err(DbError::Read(_)) => Ok(true),
        Err(error) => Err(error),
    }
}

/// What both databases show, once. It is a warning where the file that is the cause is published already: a new database
/// refuses it, and only a further migration can repair that.
pub(super) fn reported(
    fresh: Vec<BecameText<'_>>,
    existing: Option<(Vec<BecameText<'_>>, HashSet<&Key>)>,
) -> Vec<Diagnostic> {
    let (mut all, new) = match existing {
        None => (Vec::new(), None),
        Some((of_existing, new)) => (of_existing, Some(new)),
    };
    for it in fresh {
        if !all.iter().any(|known| known.it.is_of(&it.it)) {
            all.push(it);
        }
    }
    let is_new = |it: &BecameText<'_>| new.as_ref().is_none_or(|new| new.contains(it.part.key()));
    all.iter()
        .map(|it| match is_new(it) {
            true => it.diagnostic(),
            false => it.diagnostic().warning(),
        })
        .collect()
}

impl BecameText<'_> {
    fn diagnostic(&self) -> Diagnostic {
        let Quoted { sort, name, text } = &self.it;
        let part = self.part;
        let steps = part.up.steps().iter().map(|step| ((), step));
        let breaks = history::breaks(name, &format!("no such column: {text}"), steps);
        let origin = breaks.and_then(|((), step)| step.origin());
        let location = origin.map_or_else(|| Location::file(part.up.file()), Location::from);
        Diagnostic::problem(
            "column-became-text",
            format!(
                "{sort} {name} reads \"{text}\" as text after {}: no column has that name any more",
                part.key()
            ),
        )
        .about(part.key())
        .at(location)
        .note(format!(
            "SQLite takes a name in double quotes for text where there is no such column, so the {sort} would give \
             '{text}' in place of values"
        ))
        .help(format!(
            "drop the {sort} before this and create it again afterwards without \"{text}\"; a text that is meant has single \
             quotes"
        ))
    }
}
