//! A new database: every version up, each down file that is judged down and up again in a copy, then the repeatable
//! migrations twice.

use super::existing::made;
use super::{DOWN_NO_INVERSE, Down, Part, Rehearsal, Way};
use crate::db::{DbError, HistoryTable};
use crate::diagnostic::Diagnostic;
use crate::migrations::rehearse::{Act, Stopped, drop_in_words};
use crate::schema::{Difference, Snapshot, changes, described};
use crate::script::Key;
use crate::sql::{Kind, What, identifier, kind};

/// A new database, and what building it has shown.
pub(super) struct Fresh<'a> {
    parts: &'a [Part<'a>],
    pub(super) rehearsal: Rehearsal,
    /// How many versions a database that exists has, and a copy that has just these.
    published: usize,
    pub(super) copy: Option<Rehearsal>,
    /// A copy in which down files are tried, as long as they leave it as it was, and the versions that it lacks.
    trial: Option<Rehearsal>,
    behind: Vec<&'a Part<'a>>,
    pub(super) problems: Vec<Diagnostic>,
    /// What ran, in this order.
    pub(super) ran: Vec<(&'a Part<'a>, Way)>,
    /// Those that cannot run in memory.
    pub(super) skipped: Vec<&'a Key>,
    pub(super) applied: usize,
    pub(super) reversed: usize,
}

/// What going down and up again came to.
enum Round {
    /// The schema is what it was.
    Same,
    /// The down file failed and left nothing behind.
    Untouched,
    /// The schema is another.
    Spoiled,
}

fn acts_of_versions<'a>(parts: &'a [Part<'a>]) -> Vec<&'a Act> {
    let versions = parts.iter().filter(|part| !part.is_repeatable());
    versions.map(|part| &part.up).collect()
}

impl<'a> Fresh<'a> {
    /// Rehearses everything, and returns whether all of it ran but what cannot run in memory. Foreign keys are compared at
    /// the end; only where one has lost its parent, all runs once more and they are compared behind each file, to find it.
    /// Where the first `published` versions ran, a copy is kept that has just these.
    pub(super) async fn rehearsed(
        parts: &'a [Part<'a>],
        published: usize,
        history: &HistoryTable,
    ) -> Result<(Fresh<'a>, bool), DbError> {
        let mut fresh = Fresh::new(
            parts,
            published,
            Rehearsal::judged_at_the_end(history).await?,
        );
        let mut whole = fresh.all().await?;
        if !fresh.rehearsal.is_whole().await? {
            fresh = Fresh::new(parts, published, Rehearsal::new(history).await?);
            whole = fresh.all().await?;
        }
        Ok((fresh, whole))
    }

    fn new(parts: &'a [Part<'a>], published: usize, rehearsal: Rehearsal) -> Fresh<'a> {
        Fresh {
            parts,
            rehearsal,
            published,
            copy: None,
            trial: None,
            behind: Vec::new(),
            problems: Vec::new(),
            ran: Vec::new(),
            skipped: Vec::new(),
            applied: 0,
            reversed: 0,
        }
    }

    async fn all(&mut self) -> Result<bool, DbError> {
        // The schema before the next migration, while it is known.
        let mut before = None;
        for (number, part) in self.parts.iter().enumerate() {
            if part.is_repeatable() {
                continue;
            }
            if !part.up.is_sound() {
                return Ok(false);
            }
            if let Some(obstacle) = part.up.obstacle() {
                self.problems.push(obstacle);
                self.skipped.push(part.key());
                continue;
            }
            let down = self.tried_down(part);
            let first = match (down, before.take()) {
                (None, _) => Snapshot::default(),
                (Some(_), Some(known)) => known,
                (Some(_), None) => self.rehearsal.snapshot().await?,
            };
            let later = || acts_of_versions(&self.parts[number + 1..]);
            let rehearsal = &mut self.rehearsal;
            let up = rehearsal.up_before(part.migration, &part.up, Way::Up, &later);
            if let Err(stopped) = up.await {
                self.tell(stopped)?;
                return Ok(false);
            }
            self.applied += 1;
            self.ran.push((part, Way::Up));
            self.behind.push(part);
            if self.ran.len() == self.published && self.skipped.is_empty() {
                self.copy = Some(self.rehearsal.fork_for_more().await?);
            }
            if let Some(down) = down {
                let second = self.rehearsal.snapshot().await?;
                self.trial_of(part, down, &first, &second).await?;
                before = Some(second);
            }
        }
        self.repeatables().await
    }

    /// The down file, if it is to be tried and can be.
    fn tried_down(&mut self, part: &'a Part<'a>) -> Option<&'a Down> {
        let down = part.down.as_ref().filter(|down| down.judged)?;
        if !down.act.is_sound() {
            return None;
        }
        if let Some(obstacle) = down.act.obstacle() {
            self.problems.push(obstacle);
            return None;
        }
        Some(down)
    }

    /// Tries a down file where it spoils nothing: neither the schema nor the rows that later versions need.
    async fn trial_of(
        &mut self,
        part: &'a Part<'a>,
        down: &Down,
        first: &Snapshot,
        second: &Snapshot,
    ) -> Result<(), DbError> {
        let mut trial = self.caught_up().await?;
        let round = self.there_and_back(&mut trial, part, down, first, second);
        let is_usable = match round.await? {
            Round::Same => {
                self.reversed += 1;
                true
            }
            Round::Untouched => true,
            Round::Spoiled => mended(&trial, second).await?,
        };
        self.trial = is_usable.then_some(trial);
        Ok(())
    }

    /// The copy, with all that ran.
    async fn caught_up(&mut self) -> Result<Rehearsal, DbError> {
        let behind = std::mem::take(&mut self.behind);
        if let Some(mut trial) = self.trial.take() {
            let parts = behind.iter().map(|part| (part.migration, &part.up));
            let later = || acts_of_versions(self.parts);
            match trial.ups(parts, &later).await {
                Ok(()) => return Ok(trial),
                Err(Stopped::Db(error)) => return Err(error),
                // A down file may have deleted rows that this needs, and `undo` may never run.
                Err(Stopped::Problem(_)) => {}
            }
        }
        self.rehearsal.fork_for_trials().await
    }

    /// Down and up again.
    async fn there_and_back(
        &mut self,
        trial: &mut Rehearsal,
        part: &Part<'_>,
        down: &Down,
        first: &Snapshot,
        second: &Snapshot,
    ) -> Result<Round, DbError> {
        let is_accepted = down.act.allows(DOWN_NO_INVERSE);
        if let Err(stopped) = trial.down(part.migration, &down.act).await {
            self.tell(stopped)?;
            return Ok(match down.act.is_atomic() {
                true => Round::Untouched,
                false => Round::Spoiled,
            });
        }
        if self.differs(trial, part, Way::Down, first).await? || is_accepted {
            return Ok(Round::Spoiled);
        }
        if let Err(stopped) = trial.up(part.migration, &part.up, Way::Again).await {
            self.tell(stopped)?;
            return Ok(Round::Spoiled);
        }
        match self.differs(trial, part, Way::Again, second).await? {
            true => Ok(Round::Spoiled),
            false => Ok(Round::Same),
        }
    }

    /// Compares the schema with what it should be.
    async fn differs(
        &mut self,
        trial: &Rehearsal,
        part: &Part<'_>,
        way: Way,
        expected: &Snapshot,
    ) -> Result<bool, DbError> {
        let differences = changes(expected, &trial.snapshot().await?);
        let Some(down) = &part.migration.down else {
            return Ok(false);
        };
        if differences.is_empty() {
            return Ok(false);
        }
        let key = part.key();
        let (message, help) = match way {
            Way::Again => (
                format!(
                    "{key}, undone and applied again, leaves another schema than the first time"
                ),
                "make the migration do the same on what its down file leaves",
            ),
            Way::Up | Way::Down | Way::Existing | Way::Undo | Way::Redo => (
                format!(
                    "the down file of {key} does not bring back the schema that was there before"
                ),
                "make the down file undo all that the migration does, and no more",
            ),
        };
        let problem = Diagnostic::problem(DOWN_NO_INVERSE, message)
            .about(key)
            .in_file(&down.source.name)
            .help(help)
            .help(format!(
                "an old one may stay as it is: `-- seedbed: allow {DOWN_NO_INVERSE}: REASON` at its top, or `downs_from = \
                 V` under [migrations] in config.toml, which accepts those below V"
            ));
        self.problems
            .push(described(problem, &differences, "as it should be"));
        Ok(true)
    }

    /// All once, then all again, as they run again whenever their texts change.
    async fn repeatables(&mut self) -> Result<bool, DbError> {
        let mut ran = Vec::new();
        let mut whole = true;
        for part in self.parts.iter().filter(|part| part.is_repeatable()) {
            if let Some(obstacle) = part.up.obstacle() {
                self.problems.push(obstacle);
                self.skipped.push(part.key());
            } else if !part.up.is_sound() {
                whole = false;
            } else if let Err(stopped) = self.rehearsal.up(part.migration, &part.up, Way::Up).await
            {
                self.tell(stopped)?;
                whole = false;
            } else {
                self.applied += 1;
                self.ran.push((part, Way::Up));
                ran.push(part);
            }
        }
        for part in ran {
            if let Err(stopped) = self
                .rehearsal
                .up(part.migration, &part.up, Way::Again)
                .await
            {
                self.tell(stopped)?;
                whole = false;
            }
        }
        Ok(whole)
    }

    fn tell(&mut self, stopped: Stopped) -> Result<(), DbError> {
        let (mut problem, step) = match stopped {
            Stopped::Db(error) => return Err(error),
            Stopped::Problem(problem) => (problem.diagnostic, problem.step),
        };
        if let Some(help) = step.and_then(|step| self.made_later(&step.sql)) {
            problem = problem.help(help);
        }
        if let (true, Some(skipped)) = (problem.help.is_empty(), self.skipped.first()) {
            problem = problem.help(format!(
                "{skipped} was not tried; if this needs what it makes, all may be well"
            ));
        }
        self.problems.push(problem);
        Ok(())
    }
}

impl Fresh<'_> {
    /// What to do about a `DROP` of something that only a repeatable migration makes, and has not made yet.
    fn made_later(&self, statement: &str) -> Option<String> {
        let Kind::Drop(object) = kind(statement) else {
            return None;
        };
        let repeatables = self.parts.iter().filter(|part| part.is_repeatable());
        let mut made = repeatables.flat_map(|part| made(part).map(|it| (part.key(), it)));
        let is_it =
            |what: What, name: &str| what == object.what && name.eq_ignore_ascii_case(&object.name);
        let (key, (what, name)) = made.find(|(_, (what, name))| is_it(*what, name))?;
        Some(format!(
            "{key} makes the {} {name}, and repeatable migrations run behind the versions: a new database has none here. \
             Write {}",
            what.word(),
            drop_in_words(what, &name)
        ))
    }
}

/// Gives the copy the schema again that it should have, and says whether it has it now. A new copy does the same, and
/// copies all: this keeps a check of many such down files linear. Rows may be missing, and a new copy is taken where one
/// is missed.
async fn mended(trial: &Rehearsal, expected: &Snapshot) -> Result<bool, DbError> {
    // Recreating a table drops its indexes and triggers.
    for _ in 0..2 {
        let differences = changes(expected, &trial.snapshot().await?);
        if differences.is_empty() {
            return Ok(true);
        }
        let drops = differences.iter().filter_map(|it| match it {
            Difference::Missing { .. } => None,
            Difference::Unexpected { found } | Difference::Different { found, .. } => {
                let (what, name) = (found.kind.word(), identifier(&found.name));
                Some(format!("DROP {what} IF EXISTS {name}"))
            }
        });
        let creates = differences.iter().filter_map(|it| match it {
            Difference::Unexpected { .. } => None,
            Difference::Missing { expected } | Difference::Different { expected, .. } => {
                Some(expected.sql.clone())
            }
        });
        match trial.execute(drops.chain(creates)).await {
            Ok(()) => {}
            Err(DbError::Read(_)) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(changes(expected, &trial.snapshot().await?).is_empty())
}
