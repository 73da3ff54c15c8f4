//! Views and triggers that do not compile when all has run, and the file after which they do not.

use super::{Part, Rehearsal, Way};
use crate::db::{DbError, HistoryTable};
use crate::diagnostic::{Diagnostic, Location};
use crate::history;
use crate::migrations::rehearse::Stopped;
use crate::schema::{Broken, Object, ObjectKind, broken, is_broken};
use crate::sql::{Kind, What, kind};

/// What does not compile.
#[derive(Default)]
pub(super) struct Uncompiled<'a> {
    pub(super) broken: Vec<Culprit<'a>>,
    /// Those that use a function, a collation or a module that this engine does not have: an application may register
    /// it.
    unknown: Vec<Object>,
}

/// An object that does not compile.
pub(super) struct Culprit<'a> {
    it: Broken,
    /// What ran last before it did not compile any more.
    broke: Option<&'a Part<'a>>,
    /// Whether it does not compile in either database.
    pub(super) everywhere: bool,
}

/// Looks for them. `ran` is what made the database, in this order.
pub(super) async fn uncompiled<'a>(
    rehearsal: &Rehearsal,
    ran: &[(&'a Part<'a>, Way)],
) -> Result<Uncompiled<'a>, DbError> {
    let found = broken(rehearsal.db(), &rehearsal.schema().await?).await?;
    let (unknown, found): (Vec<Broken>, Vec<Broken>) = found.into_iter().partition(|it| {
        let words = &it.error.message;
        [
            "no such function",
            "no such module",
            "no such collation sequence",
        ]
        .iter()
        .any(|it| words.starts_with(it))
    });
    let mut culprits: Vec<Culprit<'a>> = found
        .into_iter()
        .map(|it| Culprit {
            it,
            broke: None,
            everywhere: false,
        })
        .collect();
    if !culprits.is_empty() {
        find_files(&mut culprits, ran, rehearsal.db().history_table()).await?;
    }
    Ok(Uncompiled {
        broken: culprits,
        unknown: unknown.into_iter().map(|it| it.object).collect(),
    })
}

/// Runs all once more, and looks after each file.
async fn find_files<'a>(
    culprits: &mut [Culprit<'a>],
    ran: &[(&'a Part<'a>, Way)],
    history: &HistoryTable,
) -> Result<(), DbError> {
    let mut again = Rehearsal::new(history).await?;
    for (number, (part, way)) in ran.iter().enumerate() {
        let later = || ran[number + 1..].iter().map(|(part, _)| &part.up).collect();
        let up = again.up_before(part.migration, &part.up, *way, &later);
        match up.await {
            Ok(()) => {}
            Err(Stopped::Db(error)) => return Err(error),
            // It is no use to look further.
            Err(Stopped::Problem(_)) => return Ok(()),
        }
        for culprit in &mut *culprits {
            match is_broken(again.db(), &culprit.it).await? {
                false => culprit.broke = None,
                true => {
                    culprit.broke.get_or_insert(*part);
                }
            }
        }
    }
    Ok(())
}

impl Uncompiled<'_> {
    pub(super) fn objects(&self) -> impl Iterator<Item = &Object> {
        self.broken.iter().map(|culprit| &culprit.it.object)
    }

    /// A warning about what could not be judged.
    pub(super) fn unknown(&self) -> Option<Diagnostic> {
        if self.unknown.is_empty() {
            return None;
        }
        let names = self.unknown.iter();
        let names: Vec<String> = names
            .map(|object| format!("{} {}", object.kind.word(), object.name))
            .collect();
        let message = format!(
            "not compiled, because they use functions, collations or modules that only an application can register: {}",
            names.join(", ")
        );
        Some(Diagnostic::problem("not-compiled", message).warning())
    }
}

impl Culprit<'_> {
    pub(super) fn object(&self) -> &Object {
        &self.it.object
    }

    pub(super) fn is_as(&self, other: &Culprit<'_>) -> bool {
        let key = |object: &Object| (object.kind, object.name.to_ascii_lowercase());
        key(self.object()) == key(other.object())
    }

    pub(super) fn diagnostic(&self, database: &str, one_of_two: bool) -> Diagnostic {
        let Object { kind, name, .. } = self.object();
        let what = kind.word();
        let place = match (self.everywhere, one_of_two) {
            (false, true) => format!(" in {database}"),
            _ => String::new(),
        };
        let after = self
            .broke
            .map(|part| format!(" after {}", part.key()))
            .unwrap_or_default();
        let fault = match kind {
            ObjectKind::Table => "cannot be read",
            _ => "does not compile",
        };
        let message = format!(
            "{what} {name} {fault}{place}{after}: {}",
            self.it.error.message
        );
        let problem = Diagnostic::problem("does-not-compile", message);
        let Some(part) = self.broke else {
            return problem;
        };
        let (location, help) = match creates(part, self.object()) {
            Some(location) => (
                location,
                format!("make the {what} fit the schema that it is created on"),
            ),
            None => (
                self.broken_at(part),
                format!(
                    "drop the {what} before this changes what it uses, and create it again afterwards"
                ),
            ),
        };
        problem.about(part.key()).at(location).help(help)
    }

    /// The statement of a file after which it does not compile, or the file.
    fn broken_at(&self, part: &Part<'_>) -> Location {
        let steps = part.up.steps().iter().map(|step| ((), step));
        let breaks = history::breaks(&self.object().name, &self.it.error.message, steps);
        let origin = breaks.and_then(|((), step)| step.origin());
        origin.map_or_else(|| Location::file(part.up.file()), Location::from)
    }
}

/// The statement of a file that creates an object.
fn creates(part: &Part<'_>, object: &Object) -> Option<Location> {
    let steps = part.up.steps().iter().rev();
    let mut creating = steps.filter(|step| match kind(&step.sql) {
        Kind::Create(created) => {
            created.name.eq_ignore_ascii_case(&object.name)
                && match created.what {
                    What::VirtualTable => object.kind == ObjectKind::Table,
                    what => what.word() == object.kind.word(),
                }
        }
        _ => false,
    });
    Some(creating.next()?.origin()?.into())
}
