//! Checking a set of migrations without the database that it is for: files, statements, and a rehearsal in memory.

use super::rehearse::{Act, Rehearsal, Stopped, Way};
use super::set::{Migration, Migrations, Text};
use crate::db::{Db, DbError};
use crate::diagnostic::Diagnostic;
use crate::schema::{Snapshot, changes, described};
use crate::script::Key;

/// What a check came to.
#[derive(Debug, Clone)]
pub struct Checked {
    /// What is wrong, and what should be known.
    pub problems: Vec<Diagnostic>,
    /// How many migrations were applied in memory.
    pub applied: usize,
    /// How many of them were taken back and applied again.
    pub reversed: usize,
    /// The database in memory as the migrations leave it, for whatever builds on them; `None` where they do not
    /// get to their end.
    pub database: Option<Db>,
}

/// Checks every file and its down file, then applies all in memory: each up, and where it has a down file, down and up
/// again; the repeatable ones last, and twice.
///
/// # Errors
/// [`DbError`] where the engine in memory cannot be used. Whatever is wrong with the files is in
/// [`Checked::problems`].
pub async fn check(set: &Migrations) -> Result<Checked, DbError> {
    let parts: Vec<Part<'_>> = set
        .iter()
        .map(|migration| Part::new(migration, set))
        .collect();
    let mut problems = set.problems.clone();
    for act in parts.iter().flat_map(Part::acts) {
        problems.extend_from_slice(act.problems());
    }
    // A version that nobody or several claim is a hole, and what comes after would fail for that alone.
    if set.problems.iter().any(Diagnostic::is_error) {
        return Ok(Checked {
            problems,
            applied: 0,
            reversed: 0,
            database: None,
        });
    }
    let mut checker = Checker {
        parts: &parts,
        rehearsal: Rehearsal::new().await?,
        problems,
        skipped: Vec::new(),
        applied: 0,
        reversed: 0,
    };
    let whole = checker.all().await?;
    Ok(Checked {
        problems: checker.problems,
        applied: checker.applied,
        reversed: checker.reversed,
        database: whole.then(|| checker.rehearsal.into_db()),
    })
}

/// A migration and its files, read.
struct Part<'a> {
    migration: &'a Migration,
    up: Act,
    down: Option<Act>,
}

impl<'a> Part<'a> {
    fn new(migration: &'a Migration, set: &Migrations) -> Part<'a> {
        let act = |text: &Text| match set.published.contains(&text.checksum) {
            true => Act::new(text, &set.history_table).published(),
            false => Act::new(text, &set.history_table),
        };
        Part {
            migration,
            up: act(&migration.up),
            down: migration.down.as_ref().map(act),
        }
    }

    fn acts(&self) -> impl Iterator<Item = &Act> {
        [Some(&self.up), self.down.as_ref()].into_iter().flatten()
    }

    fn is_repeatable(&self) -> bool {
        matches!(self.migration.key, Key::Repeatable(_))
    }
}

struct Checker<'a> {
    parts: &'a [Part<'a>],
    rehearsal: Rehearsal,
    problems: Vec<Diagnostic>,
    /// Those that cannot run in memory.
    skipped: Vec<&'a Key>,
    applied: usize,
    reversed: usize,
}

/// Whether the rehearsal can go on.
#[derive(PartialEq, Eq)]
enum Next {
    Continue,
    Stop,
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

impl<'a> Checker<'a> {
    /// Rehearses everything, and says whether all of it ran.
    async fn all(&mut self) -> Result<bool, DbError> {
        let parts = self.parts;
        // The schema before the next migration, while it is known.
        let mut before = None;
        for (number, part) in parts.iter().enumerate() {
            if part.is_repeatable() {
                break;
            }
            if self.versioned(number, part, &mut before).await? == Next::Stop {
                return Ok(false);
            }
        }
        let whole = self.repeatables().await?;
        Ok(whole && self.skipped.is_empty())
    }

    async fn versioned(
        &mut self,
        number: usize,
        part: &'a Part<'a>,
        before: &mut Option<Snapshot>,
    ) -> Result<Next, DbError> {
        if !part.up.is_sound() {
            return Ok(Next::Stop);
        }
        if let Some(obstacle) = part.up.obstacle() {
            self.problems.push(obstacle);
            self.skipped.push(&part.migration.key);
            return Ok(Next::Continue);
        }
        let down = self.tried_down(part);
        let first = match (down, before.take()) {
            (None, _) => Snapshot::default(),
            (Some(_), Some(known)) => known,
            (Some(_), None) => self.rehearsal.snapshot().await?,
        };
        if self.first_up(number, part).await? == Next::Stop {
            return Ok(Next::Stop);
        }
        self.applied += 1;
        let Some(down) = down else {
            return Ok(Next::Continue);
        };
        let second = self.rehearsal.snapshot().await?;
        match self.there_and_back(part, down, &first, &second).await? {
            Round::Same => self.reversed += 1,
            Round::Untouched => {}
            Round::Spoiled => {
                if self.again_without_downs(number).await? == Next::Stop {
                    return Ok(Next::Stop);
                }
            }
        }
        *before = Some(second);
        Ok(Next::Continue)
    }

    /// The down file, if it can be tried.
    fn tried_down(&mut self, part: &'a Part<'a>) -> Option<&'a Act> {
        let down = part.down.as_ref().filter(|down| down.is_sound())?;
        if let Some(obstacle) = down.obstacle() {
            self.problems.push(obstacle);
            return None;
        }
        Some(down)
    }

    async fn first_up(&mut self, number: usize, part: &Part<'_>) -> Result<Next, DbError> {
        match self.rehearsal.up(part.migration, &part.up, Way::Up).await {
            Ok(()) => Ok(Next::Continue),
            // Rows that a down file did not bring back may be what is missing, and nobody need ever go down.
            Err(Stopped::Problem(_)) if self.reversed > 0 => self.again_without_downs(number).await,
            Err(stopped) => {
                self.tell(stopped)?;
                Ok(Next::Stop)
            }
        }
    }

    /// Down and up again.
    async fn there_and_back(
        &mut self,
        part: &Part<'_>,
        down: &Act,
        first: &Snapshot,
        second: &Snapshot,
    ) -> Result<Round, DbError> {
        if let Err(stopped) = self.rehearsal.down(part.migration, down).await {
            self.tell(stopped)?;
            return Ok(match down.is_atomic() {
                true => Round::Untouched,
                false => Round::Spoiled,
            });
        }
        if self.differs(part, Way::Down, first).await? {
            return Ok(Round::Spoiled);
        }
        if let Err(stopped) = self
            .rehearsal
            .up(part.migration, &part.up, Way::Again)
            .await
        {
            self.tell(stopped)?;
            return Ok(Round::Spoiled);
        }
        match self.differs(part, Way::Again, second).await? {
            true => Ok(Round::Spoiled),
            false => Ok(Round::Same),
        }
    }

    /// Compares the schema with what it should be.
    async fn differs(
        &mut self,
        part: &Part<'_>,
        way: Way,
        expected: &Snapshot,
    ) -> Result<bool, DbError> {
        let differences = changes(expected, &self.rehearsal.snapshot().await?);
        let Some(down) = &part.migration.down else {
            return Ok(false);
        };
        if differences.is_empty() {
            return Ok(false);
        }
        let key = &part.migration.key;
        let (message, help) = match way {
            Way::Up | Way::Down => (
                format!(
                    "the down file of {key} does not bring back the schema that was there before"
                ),
                "make the down file take back all that the migration does, and no more",
            ),
            Way::Again => (
                format!(
                    "{key}, taken back and applied again, leaves another schema than the first time"
                ),
                "make the migration do the same on what its down file leaves",
            ),
        };
        let problem = Diagnostic::problem("down-no-inverse", message)
            .about(key)
            .in_file(&down.source.name)
            .help(help);
        self.problems
            .push(described(problem, &differences, "as it should be"));
        Ok(true)
    }

    /// Begins anew and applies everything up to and with this one, so that a bad down file is told once and spoils
    /// nothing that comes after.
    async fn again_without_downs(&mut self, last: usize) -> Result<Next, DbError> {
        self.rehearsal = Rehearsal::new().await?;
        let parts = self.parts[..=last]
            .iter()
            .filter(|part| !self.skipped.contains(&&part.migration.key))
            .map(|part| (part.migration, &part.up));
        match self.rehearsal.ups(parts).await {
            Ok(()) => Ok(Next::Continue),
            Err(stopped) => {
                self.tell(stopped)?;
                Ok(Next::Stop)
            }
        }
    }

    /// All once, then all again, as they run again whenever their texts change.
    async fn repeatables(&mut self) -> Result<bool, DbError> {
        let parts = self.parts;
        let mut ran = Vec::new();
        let mut whole = true;
        for part in parts.iter().filter(|part| part.is_repeatable()) {
            if let Some(obstacle) = part.up.obstacle() {
                self.problems.push(obstacle);
                self.skipped.push(&part.migration.key);
            } else if !part.up.is_sound() {
                whole = false;
            } else if let Err(stopped) = self.rehearsal.up(part.migration, &part.up, Way::Up).await
            {
                self.tell(stopped)?;
                whole = false;
            } else {
                self.applied += 1;
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
        let mut problem = match stopped {
            Stopped::Db(error) => return Err(error),
            Stopped::Problem(problem) => *problem,
        };
        if let (true, Some(skipped)) = (problem.help.is_empty(), self.skipped.first()) {
            problem = problem.help(format!(
                "{skipped} was not tried; if this needs what it makes, all may be well"
            ));
        }
        self.problems.push(problem);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
