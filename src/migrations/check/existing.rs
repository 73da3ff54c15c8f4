//! A database that exists: it has the published migrations and rows in every table, and runs what is new.

use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

use super::compiles::Culprit;
use super::lost::{Lost, drops_a_holder, lost};
use super::{Migrations, Part, Rehearsal, Way};
use crate::db::{Db, DbError};
use crate::diagnostic::{Diagnostic, Severity};
use crate::migrations::again::Repeatable;
use crate::migrations::directive::{DEPENDS_ON_ROWS, NOT_FILLED};
use crate::migrations::fill::{Depends, Fill, Focus, Literals, Unfilled, depends};
use crate::migrations::made;
use crate::migrations::plan::entry;
use crate::migrations::rehearse::{Act, Later, Problem, Stopped, drop_in_words};
use crate::schema::{Broken, Object, ObjectKind, broken};
use crate::script::{Key, Record, Step};
use crate::sql::{Kind, What, altered, has_name, identifier, kind, significant, targets};

/// What a database that exists has, and what is new to it.
pub(super) struct Published<'a> {
    /// Versions that it has.
    versions: Vec<&'a Part<'a>>,
    /// Repeatable migrations that it has.
    repeatables: Vec<&'a Part<'a>>,
    /// New versions.
    pub(super) new: Vec<&'a Part<'a>>,
    /// The repeatable migrations as they are now.
    last: Vec<&'a Part<'a>>,
    texts: Texts,
}

/// Where the texts of the repeatable migrations that a database has come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Texts {
    /// The base of the check.
    Base,
    /// The commit before the newest version.
    Earlier,
    /// No earlier text is known: each is taken to be unchanged, where it can run on the older versions.
    Current,
}

impl<'a> Published<'a> {
    /// It is as the base of the check. Only what `ran` on a new database is tried.
    pub(super) fn of_base(
        base: &'a [Part<'a>],
        parts: &'a [Part<'a>],
        ran: &HashSet<&Key>,
    ) -> Published<'a> {
        let (repeatables, versions) = can_run(base).partition(|part| part.is_repeatable());
        let in_base: HashSet<&Key> = base.iter().map(Part::key).collect();
        let (last, new) = parts
            .iter()
            .filter(|part| ran.contains(part.key()))
            .filter(|part| part.is_repeatable() || !in_base.contains(part.key()))
            .partition(|part| part.is_repeatable());
        Published {
            versions,
            repeatables,
            new,
            last,
            texts: Texts::Base,
        }
    }

    /// It has all but the newest version, and the repeatable migrations as they were before that one, or where that is not
    /// known, as they are now; both as far as they can be applied.
    pub(super) fn all_but_the_newest(
        parts: &'a [Part<'a>],
        earlier: Option<&'a [Part<'a>]>,
        ran: &HashSet<&Key>,
    ) -> Published<'a> {
        let (last, mut versions): (Vec<_>, Vec<_>) = parts
            .iter()
            .filter(|part| ran.contains(part.key()))
            .partition(|part| part.is_repeatable());
        let newest = parts.iter().rfind(|part| !part.is_repeatable());
        let new = versions.pop_if(|last| newest.is_some_and(|newest| newest.key() == last.key()));
        Published {
            versions,
            repeatables: match earlier {
                Some(earlier) => can_run(earlier)
                    .filter(|part| part.is_repeatable())
                    .collect(),
                None => last.clone(),
            },
            new: new.into_iter().collect(),
            last,
            texts: match earlier {
                Some(_) => Texts::Earlier,
                None => Texts::Current,
            },
        }
    }

    /// Versions that it has.
    pub(super) fn versions(&self) -> impl Iterator<Item = &'a Part<'a>> {
        self.versions.iter().copied()
    }

    /// Whether it is another database than a new one.
    pub(super) fn is_worth_it(&self) -> bool {
        let checksums = |parts: &[&Part<'_>]| -> Vec<String> {
            parts
                .iter()
                .map(|part| part.migration.up.checksum.clone())
                .collect()
        };
        // Without a version, repeatable migrations that are only taken to be there are not: they were never applied alone.
        let is_empty = self.versions.is_empty()
            && (self.repeatables.is_empty() || self.texts == Texts::Current);
        let has_more =
            !self.new.is_empty() || checksums(&self.repeatables) != checksums(&self.last);
        !is_empty && has_more
    }
}

fn can_run<'a>(parts: &'a [Part<'a>]) -> impl Iterator<Item = &'a Part<'a>> {
    parts
        .iter()
        .filter(|part| part.up.is_sound() && part.up.obstacle().is_none())
}

/// A database that exists, and what building it has shown.
pub(super) struct Existing<'a> {
    pub(super) published: Published<'a>,
    set: &'a Migrations,
    pub(super) rehearsal: Rehearsal,
    /// A database that has only the versions, which a new one has run.
    copy: Option<Rehearsal>,
    pub(super) fill: Fill,
    pub(super) problems: Vec<Diagnostic>,
    /// What ran, in this order.
    pub(super) ran: Vec<(&'a Part<'a>, Way)>,
    /// How many new versions ran on filled tables.
    pub(super) applied: usize,
    /// The repeatable migrations that it has, with the checksum.
    has: HashSet<(&'a Key, &'a str)>,
    /// Views and triggers that do not compile before anything is new.
    broken_before: Vec<Object>,
    lost: Vec<Lost<'a>>,
    /// Tables that could not be filled, and were reported.
    unfilled: HashSet<String>,
    /// New versions, where `migrate` drops views and triggers that are in their way.
    acts: HashMap<&'a Key, Act>,
    /// Tables into which published versions insert, in lower case.
    pub(super) filled_by_files: OnceLock<HashSet<String>>,
}

/// Whether a file could be applied.
#[derive(PartialEq, Eq)]
enum Next {
    Continue,
    Stop,
}

impl<'a> Existing<'a> {
    /// `copy` is a database that has the versions which it has, if there is one.
    pub(super) async fn new(
        published: Published<'a>,
        set: &'a Migrations,
        copy: Option<Rehearsal>,
    ) -> Result<Existing<'a>, DbError> {
        let new = published.new.iter();
        let focus = Focus::of(new.map(|part| &*part.migration.up.source.text));
        Ok(Existing {
            published,
            set,
            rehearsal: match &copy {
                Some(copy) => copy.fork().await?,
                None => Rehearsal::new(&set.history_table).await?,
            },
            copy,
            fill: Fill::focused(literals(set), focus),
            problems: Vec::new(),
            ran: Vec::new(),
            applied: 0,
            has: HashSet::new(),
            broken_before: Vec::new(),
            lost: Vec::new(),
            unfilled: HashSet::new(),
            acts: HashMap::new(),
            filled_by_files: OnceLock::new(),
        })
    }

    /// Builds it and applies what is new, and says whether all of it ran.
    pub(super) async fn all(&mut self) -> Result<bool, DbError> {
        if self.versions().await? == Next::Stop {
            return Ok(false);
        }
        self.repeatables().await?;
        let new = self.published.new.clone();
        let acts = self.with_set_aside(&self.rehearsal, &new, |key| {
            self.has.iter().any(|(it, _)| *it == key)
        });
        let acts = acts.await?.into_iter();
        self.acts = new.iter().map(|part| part.key()).zip(acts).collect();
        for (number, part) in new.iter().copied().enumerate() {
            let before = match drops_a_holder(part) {
                true => Some(self.rehearsal.schema().await?),
                false => None,
            };
            if self.forward(part, &new[number + 1..]).await? == Next::Stop {
                return Ok(false);
            }
            let is_its = |it: &Diagnostic| it.file() == Some(part.up.file());
            let is_known = |it: &Diagnostic| it.code == DEPENDS_ON_ROWS && is_its(it);
            if !self.problems.iter().any(is_known) {
                let taken = self.taken_key(part).await?;
                self.problems.extend(taken);
            }
            if let Some(before) = before {
                let after = self.rehearsal.schema().await?;
                self.lost.extend(lost(part, &before, &after));
            }
        }
        let mut whole = true;
        let mut there = None;
        for part in self.published.last.clone() {
            if self.is_due(part, &mut there).await? {
                there = None;
                whole &= self.forward(part, &[]).await? == Next::Continue;
            }
        }
        if whole && !self.lost.is_empty() {
            let end = self.rehearsal.schema().await?;
            let copy = self.rehearsal.fork().await?;
            self.fill.empty(copy.db()).await?;
            for lost in &self.lost {
                self.problems.extend(lost.diagnostic(&end, &copy).await?);
            }
        }
        for problem in self.rehearsal.broken_outside().await {
            self.problems.push(on_some_rows(problem, ON_GENERATED_ROWS));
        }
        if whole {
            self.undone().await?;
        }
        Ok(whole)
    }

    /// What these versions run as in a `migrate`, where the repeatable migrations that are `there` have run.
    pub(super) async fn with_set_aside(
        &self,
        rehearsal: &Rehearsal,
        parts: &[&Part<'_>],
        there: impl Fn(&Key) -> bool,
    ) -> Result<Vec<Act>, DbError> {
        let acts: Vec<&Act> = parts.iter().map(|part| &part.up).collect();
        let last = self.published.last.iter();
        let last = last.filter(|part| there(part.key())).map(|part| {
            let checksum = part.migration.up.checksum.as_str();
            let is_as_it_was = self.has.contains(&(part.key(), checksum));
            let run = || {
                (
                    Record::Replace(entry(part.migration)),
                    part.up.reading().clone(),
                )
            };
            Repeatable::of_file(part.migration, (!is_as_it_was).then(run))
        });
        let repeatables: Vec<Repeatable> = last.collect();
        rehearsal.with_set_aside(&acts, &repeatables).await
    }

    /// What a file runs as.
    fn act_of(&self, part: &Part<'_>) -> Act {
        self.acts.get(part.key()).unwrap_or(&part.up).clone()
    }

    /// The versions that it has.
    async fn versions(&mut self) -> Result<Next, DbError> {
        let versions = self.published.versions.iter();
        let ran = versions.clone().map(|part| (*part, Way::Up)).collect();
        if self.copy.is_some() {
            self.ran = ran;
            return Ok(Next::Continue);
        }
        let parts = versions.map(|part| (part.migration, &part.up));
        let new = &self.published.new;
        let later = || new.iter().map(|part| &part.up).collect();
        match self.rehearsal.ups(parts, &later).await {
            Ok(()) => {
                self.ran = ran;
                Ok(Next::Continue)
            }
            Err(Stopped::Db(error)) => Err(error),
            Err(Stopped::Problem(problem)) => {
                let Problem { diagnostic, .. } = *problem;
                self.problems.push(Diagnostic {
                    code: "not-rehearsed",
                    message: format!(
                        "what is new was not tried on a database that exists, because a published migration fails in \
                         memory: {}",
                        diagnostic.message
                    ),
                    ..diagnostic.warning()
                });
                Ok(Next::Stop)
            }
        }
    }

    /// The repeatable migrations that it has, but those that fail on the older versions. One that makes views and triggers
    /// that do not compile there counts as failed, unless it is of the base.
    async fn repeatables(&mut self) -> Result<(), DbError> {
        for part in self.published.repeatables.clone() {
            let up = self.rehearsal.up(part.migration, &part.up, Way::Up).await;
            match up {
                Ok(()) => {
                    self.ran.push((part, Way::Up));
                    self.has.insert((part.key(), &part.migration.up.checksum));
                }
                Err(Stopped::Db(error)) => return Err(error),
                Err(Stopped::Problem(problem)) => {
                    self.report_absent(part, &problem.diagnostic.message);
                }
            }
        }
        let of_base = self.published.texts == Texts::Base;
        if self.published.repeatables.is_empty() && !of_base {
            return Ok(());
        }
        let broken = broken(self.rehearsal.db(), &self.rehearsal.schema().await?).await?;
        if of_base {
            self.broken_before = broken.into_iter().map(|it| it.object).collect();
            return Ok(());
        }
        for Broken { object, error, .. } in broken {
            let mut makers = self.published.repeatables.iter().copied();
            let maker = makers.rfind(|part| makes(part, &object));
            if let Some(maker) = maker {
                let before = self.has.len();
                self.has.retain(|(key, _)| *key != maker.key());
                if self.has.len() < before {
                    self.report_absent(maker, &error.message);
                }
                let drop = format!(
                    "DROP {} IF EXISTS {}",
                    object.kind.word(),
                    identifier(&object.name)
                );
                self.rehearsal.execute([drop]).await?;
            }
        }
        Ok(())
    }

    /// What is new was tried without this repeatable migration. Where its current text needs what is new, it may be a new
    /// one, so that is worth knowing only where an earlier text of it could make a difference.
    fn report_absent(&mut self, part: &Part<'_>, why: &str) {
        let key = part.key();
        let texts = self.published.texts;
        if texts == Texts::Current && !self.published.new.iter().any(|new| may_meet(new, part)) {
            return;
        }
        let new = self.published.new.iter();
        let new: Vec<String> = new.map(|part| part.key().to_string()).collect();
        let tried = match new.is_empty() {
            true => "what is new".to_owned(),
            false => new.join(", "),
        };
        let text = match texts {
            Texts::Base => "its text in the base",
            Texts::Earlier => "the text that it had before the newest version",
            Texts::Current => "its text",
        };
        let problem = Diagnostic {
            severity: Severity::Note,
            ..Diagnostic::problem(
                "not-rehearsed",
                format!(
                    "{tried} ran in memory on a database without {key}: {text} fails on the older versions: {why}"
                ),
            )
        };
        let help = "an earlier text of it is there on a deployed database, if there was one: `seedbed check --base REF` \
                    tries that, where REF is what is deployed";
        self.problems.push(
            problem
                .about(key)
                .in_file(part.up.file())
                .helps((texts == Texts::Current).then_some(help)),
        );
    }

    /// Whether the repeatable migrations that it has are a guess.
    pub(super) fn is_guess(&self) -> bool {
        self.published.texts == Texts::Current
    }

    /// Whether a repeatable migration is new or changed.
    pub(super) fn has_new_repeatables(&self) -> bool {
        let mut last = self.published.last.iter();
        last.any(|part| {
            let checksum = part.migration.up.checksum.as_str();
            !self.has.contains(&(part.key(), checksum))
        })
    }

    /// The same, where every repeatable migration was changed too and runs again. None where one of them fails.
    pub(super) async fn with_repeatables_again(&self) -> Result<Option<Rehearsal>, DbError> {
        let mut copy = self.rehearsal.fork().await?;
        for part in &self.published.last {
            match copy.up(part.migration, &part.up, Way::Again).await {
                Ok(()) => {}
                Err(Stopped::Db(error)) => return Err(error),
                Err(Stopped::Problem(_)) => return Ok(None),
            }
        }
        Ok(Some(copy))
    }

    /// The repeatable migrations that make this object, as they are now.
    pub(super) fn makers_of(&self, object: &Object) -> impl Iterator<Item = &'a Part<'a>> {
        let last = self.published.last.iter().copied();
        last.filter(|part| {
            let is_it = |(what, name): (What, String)| {
                what.word() == object.kind.word() && name.eq_ignore_ascii_case(&object.name)
            };
            made(part).any(is_it)
        })
    }

    /// Whether a repeatable migration would run now: it is new or changed, or what it makes is gone. `there` is known
    /// as long as nothing runs.
    async fn is_due(
        &self,
        part: &Part<'_>,
        there: &mut Option<HashSet<(String, String)>>,
    ) -> Result<bool, DbError> {
        let checksum = part.migration.up.checksum.as_str();
        if !self.has.contains(&(part.key(), checksum)) {
            return Ok(true);
        }
        let there = match there {
            Some(there) => there,
            None => there.insert(self.rehearsal.names().await?),
        };
        let is_gone = |(what, name): (What, String)| {
            !there.contains(&(what.word().to_owned(), name.to_ascii_lowercase()))
        };
        Ok(made(part).any(is_gone))
    }

    /// Applies a file to filled tables, and where that fails, to empty ones.
    async fn forward(
        &mut self,
        part: &'a Part<'a>,
        later: &[&'a Part<'a>],
    ) -> Result<Next, DbError> {
        let act = self.act_of(part);
        let later = || later.iter().map(|part| &part.up).collect();
        let unfilled = self.fill.before(self.rehearsal.db()).await?;
        self.report_unfilled(part, unfilled).await?;
        let refused = self.refused_without_rows(part).await?;
        let with_numbers = self.refused_with_numbers(part, &later).await?;
        let with_rows = match self
            .rehearsal
            .up_before(part.migration, &act, Way::Existing, &later)
            .await
        {
            Ok(()) => {
                self.ran.push((part, Way::Existing));
                self.problems.extend(refused);
                self.problems.extend(with_numbers);
                self.applied += usize::from(!part.is_repeatable());
                return Ok(Next::Continue);
            }
            Err(Stopped::Db(error)) => return Err(error),
            Err(Stopped::Problem(problem)) => *problem,
        };
        match act.is_atomic() && !self.fill.holds_any() {
            true => self.fill.empty(self.rehearsal.db()).await?,
            false => self.rebuild().await?,
        }
        let because_of_rows = self
            .because_of_rows(self.rehearsal.db(), &act, Way::Existing, with_rows)
            .await?;
        match self
            .rehearsal
            .up_before(part.migration, &act, Way::Existing, &later)
            .await
        {
            Ok(()) => {
                self.ran.push((part, Way::Existing));
                self.problems.push(because_of_rows);
                Ok(Next::Continue)
            }
            Err(Stopped::Db(error)) => Err(error),
            Err(Stopped::Problem(problem)) => {
                self.problems.push(match because_of_rows.is_error() {
                    true => because_of_rows,
                    false => self.because_of_objects(*problem),
                });
                Ok(Next::Stop)
            }
        }
    }

    /// A statement of a file that passes only because a table could not be filled.
    async fn refused_without_rows(&self, part: &Part<'_>) -> Result<Option<Diagnostic>, DbError> {
        let unfilled: HashSet<&str> = self.fill.unfilled().collect();
        let act = self.act_of(part);
        let steps = act.steps();
        for (at, step) in steps.iter().enumerate() {
            let mut tables = targets(&step.sql).into_iter();
            let is_about_one =
                tables.any(|it| unfilled.contains(it.name.to_ascii_lowercase().as_str()));
            if kind(&step.sql) != Kind::Alter || !is_about_one {
                continue;
            }
            let (db, foreign_keys) = (self.rehearsal.db(), act.foreign_keys());
            let depends = depends(db, foreign_keys, &steps[..at], &step.sql).await?;
            let (Depends::OnTheStatement { message, .. }, Some(origin)) = (depends, step.origin())
            else {
                continue;
            };
            let message = format!("{message} (on a database that exists, in memory)");
            let problem = Diagnostic::problem("fails", message)
                .about(part.key())
                .at(origin);
            return Ok(Some(on_any_rows(problem, &step.sql)));
        }
        Ok(None)
    }

    /// A file that changes the type of a column and fails where a text in it reads as a number, which generated ones do not.
    async fn refused_with_numbers(
        &self,
        part: &Part<'_>,
        later: Later<'_, '_>,
    ) -> Result<Option<Diagnostic>, DbError> {
        // The table and the column of libSQL's `ALTER TABLE … ALTER COLUMN … TO`, as they are written.
        let retyped = |step: &'_ Step| {
            let altered = altered(&step.sql).filter(|it| it.is("ALTER"))?;
            let column = altered.rest.first()?.text(&step.sql).to_owned();
            Some((altered.table.to_owned(), column))
        };
        let columns: Vec<_> = part.up.steps().iter().filter_map(retyped).collect();
        if columns.is_empty() {
            return Ok(None);
        }
        let mut copy = self.rehearsal.fork().await?;
        for (table, column) in &columns {
            let one = format!("(SELECT max(rowid) FROM {table})");
            let update = format!("UPDATE OR IGNORE {table} SET {column} = '7' WHERE rowid = {one}");
            match copy.execute([update]).await {
                // A table without rowid, or a column that takes no such value.
                Ok(()) | Err(DbError::Read(_)) => {}
                Err(error) => return Err(error),
            }
        }
        match copy
            .up_before(part.migration, &self.act_of(part), Way::Existing, later)
            .await
        {
            Ok(()) => Ok(None),
            Err(Stopped::Db(error)) => Err(error),
            Err(Stopped::Problem(problem)) => Ok(Some(on_some_rows(
                problem.diagnostic,
                "it failed on a text that reads as a number; whether a real database has one depends on the rows there",
            ))),
        }
    }

    /// A file that fails on filled tables. The database is as it was before the file.
    pub(super) async fn because_of_rows(
        &self,
        db: &Db,
        act: &Act,
        way: Way,
        problem: Problem,
    ) -> Result<Diagnostic, DbError> {
        let Problem {
            diagnostic, step, ..
        } = problem;
        if let Some(step) = step {
            let steps = act.steps();
            let at = steps.iter().position(|it| it.origin() == step.origin());
            let before = &steps[..at.unwrap_or_default()];
            let depends = depends(db, act.foreign_keys(), before, &step.sql).await?;
            if let Depends::OnTheStatement { table, .. } = depends {
                if way == Way::Undo || !self.fill.is_late(&table) {
                    return Ok(on_any_rows(diagnostic, &step.sql));
                }
                let note = format!(
                    "{table} is new: it has rows only where the version that makes it was applied earlier than this one"
                );
                return Ok(on_some_rows(diagnostic, note).helps(help_on(&step.sql)));
            }
        }
        Ok(on_some_rows(diagnostic, ON_GENERATED_ROWS))
    }

    /// A file that fails without any rows, and did not fail on a new database.
    pub(super) fn because_of_objects(&self, problem: Problem) -> Diagnostic {
        let Problem {
            diagnostic,
            error,
            step,
        } = problem;
        if let Some(Key::Repeatable(_)) = diagnostic.subject {
            return diagnostic.help(
                "it runs on what its earlier text and the new versions leave: make it work there too",
            );
        }
        let words = error.message;
        let published = &self.published;
        let repeatables = published.repeatables.iter().chain(&published.last);
        let in_the_way = repeatables
            .flat_map(|part| made(part))
            .find(|(what, name)| {
                let rest = words.strip_prefix(&format!("error in {} {name}", what.word()));
                rest.is_some_and(|rest| rest.starts_with([':', ' ']))
            });
        if let Some((what, name)) = in_the_way {
            let help = format!(
                "write {} before it: the repeatable migration makes it again afterwards",
                drop_in_words(what, &name)
            );
            let diagnostic = Diagnostic {
                help: vec![help],
                ..diagnostic
            };
            return diagnostic.helps(self.unless_it_is_new());
        }
        match step.and_then(|step| self.made_by_repeatable(&step.sql)) {
            Some(help) => diagnostic.help(help).helps(self.unless_it_is_new()),
            None => diagnostic,
        }
    }

    /// How to tell what databases have of the repeatable migrations, where that is a guess.
    fn unless_it_is_new(&self) -> Option<&'static str> {
        self.is_guess().then_some(
            "if that repeatable migration is new or was changed since the older versions: `seedbed check --base REF` tries \
             what REF has of it, where REF is what is deployed",
        )
    }

    /// What to do about a statement with the name of an object that a repeatable migration has made, or that fires its
    /// trigger.
    fn made_by_repeatable(&self, statement: &str) -> Option<String> {
        let published = &self.published;
        let repeatables = published.repeatables.iter().chain(&published.last);
        let mut objects = repeatables.flat_map(|part| {
            let made = made::made(&part.migration.up.source.text).into_iter();
            made.map(|made| (part.key(), made))
        });
        let (key, made) = objects.find(|(_, made)| {
            let fired_by = made.table.as_ref().filter(|_| made.what == What::Trigger);
            let mut names = fired_by.into_iter().chain([&made.name]);
            names.any(|name| has_name(statement, name))
        })?;
        let is_there = format!("{key} makes the {made}, which is there before a new version runs");
        Some(match made.what {
            What::Table | What::VirtualTable => {
                format!("{is_there}: make it in one of the two files only, or give it another name")
            }
            what => format!(
                "{is_there}: write {} before this statement; {key} makes it again afterwards",
                drop_in_words(what, &made.name)
            ),
        })
    }

    /// Builds it once more, without rows: a file that is no transaction has left a part of what it does, or rows cannot be
    /// removed.
    async fn rebuild(&mut self) -> Result<(), DbError> {
        let (rehearsal, first) = match &self.copy {
            Some(copy) => (copy.fork().await?, self.published.versions.len()),
            None => (Rehearsal::new(&self.set.history_table).await?, 0),
        };
        self.rehearsal = rehearsal;
        self.fill.restart();
        for (number, (part, way)) in self.ran.iter().enumerate().skip(first) {
            let later = || {
                self.ran[number + 1..]
                    .iter()
                    .map(|(part, _)| &part.up)
                    .collect()
            };
            let act = self.acts.get(part.key()).unwrap_or(&part.up);
            let rehearsal = &mut self.rehearsal;
            let up = rehearsal.up_before(part.migration, act, *way, &later);
            match up.await {
                // It ran before; what it lacks now shows in the next one.
                Ok(()) | Err(Stopped::Problem(_)) => {}
                Err(Stopped::Db(error)) => return Err(error),
            }
        }
        Ok(())
    }

    /// Of tables that the file is about. A child of a parent that another file has dropped takes no rows, here as elsewhere.
    async fn report_unfilled(
        &mut self,
        part: &Part<'_>,
        mut unfilled: Vec<Unfilled>,
    ) -> Result<(), DbError> {
        unfilled.retain(|it| names(part, &it.table));
        if unfilled.is_empty() {
            return Ok(());
        }
        let there = self.rehearsal.names().await?;
        for unfilled in unfilled {
            let Unfilled {
                table,
                reason,
                parents,
            } = unfilled;
            let is_there = |parent: &String| there.contains(&("table".to_owned(), parent.clone()));
            let mut gone = parents.iter().filter(|parent| !is_there(parent));
            if gone.any(|parent| self.has_dropped(parent))
                || !self.unfilled.insert(table.to_ascii_lowercase())
            {
                continue;
            }
            let message = format!(
                "{} was tried without rows in {table}: it could not be filled with generated rows: {reason}",
                part.key()
            );
            self.problems.push(
                Diagnostic::problem(NOT_FILLED, message)
                    .warning()
                    .about(part.key())
                    .in_file(part.up.file())
                    .help(format!(
                        "try it on a copy of a real database, and accept this with `-- seedbed: allow {NOT_FILLED}: \
                         REASON` at the top of the file"
                    )),
            );
        }
        Ok(())
    }

    /// Whether a file that ran drops a table of this name.
    fn has_dropped(&self, table: &str) -> bool {
        let mut steps = self.ran.iter().flat_map(|(part, _)| part.up.steps());
        steps.any(|step| match kind(&step.sql) {
            Kind::Drop(object) => object.name.eq_ignore_ascii_case(table),
            _ => false,
        })
    }

    /// Whether an object did not compile before anything was new.
    pub(super) fn was_broken(&self, culprit: &Culprit<'_>) -> bool {
        let object = culprit.object();
        self.broken_before
            .iter()
            .any(|it| it.kind == object.kind && it.name.eq_ignore_ascii_case(&object.name))
    }

    /// Whether a repeatable migration made it whose file is gone.
    pub(super) fn is_of_a_deleted_file(&self, object: &Object) -> bool {
        let is_it = |(what, name): (What, String)| {
            what.word() == object.kind.word() && name.eq_ignore_ascii_case(&object.name)
        };
        let deleted = self.published.repeatables.iter();
        deleted
            .filter(|part| self.set.get(part.key()).is_none())
            .any(|part| made(part).any(is_it))
    }

    /// What ran last: the new versions, and the repeatable migrations that were due.
    pub(super) fn late(&self) -> HashSet<&'a Key> {
        let late = self.ran.iter().filter(|(_, way)| *way == Way::Existing);
        late.map(|(part, _)| part.key()).collect()
    }

    /// The file that a difference is reported in.
    pub(super) fn newest_file(&self) -> Option<&str> {
        let last = self.ran.iter().rfind(|(_, way)| *way == Way::Existing);
        last.map(|(part, _)| part.up.file())
    }

    /// What ran in which order, in words.
    pub(super) fn order(&self) -> String {
        let late = self.ran.iter().filter(|(_, way)| *way == Way::Existing);
        let late: Vec<String> = late.map(|(part, _)| part.key().to_string()).collect();
        let older = "the older versions and the repeatable migrations";
        match late.is_empty() {
            true => format!("{older} of the base"),
            false => format!("{older}, then runs {}", late.join(", ")),
        }
    }
}

/// Whether what an earlier text of a repeatable migration made could be in the way of a version: it drops or alters
/// something, but for adding a column, or names what the current text makes.
fn may_meet(new: &Part<'_>, repeatable: &Part<'_>) -> bool {
    let objects = made::made(&repeatable.migration.up.source.text);
    let takes = new.up.steps().iter().any(|step| match kind(&step.sql) {
        Kind::Drop(_) => true,
        Kind::Alter => !adds(&step.sql),
        _ => false,
    });
    takes
        || objects
            .iter()
            .flat_map(|made| made.table.iter().chain([&made.name]))
            .any(|name| names(new, name))
}

fn literals(set: &Migrations) -> Literals {
    Literals::of(set.iter().map(|migration| &*migration.up.source.text))
}

/// A statement that fails on all rows.
fn on_any_rows(diagnostic: Diagnostic, statement: &str) -> Diagnostic {
    diagnostic
        .note("it fails on a table with rows, whatever they hold; on an empty one it does not")
        .helps(help_on(statement))
}

const ON_GENERATED_ROWS: &str =
    "it failed on generated rows; whether it fails on a real database depends on the rows there";

/// A file that may fail on the rows of a real database.
fn on_some_rows(diagnostic: Diagnostic, note: impl Into<String>) -> Diagnostic {
    let problem = Diagnostic {
        code: DEPENDS_ON_ROWS,
        ..diagnostic.warning()
    };
    problem.note(note).help(format!(
        "if it cannot fail on the real rows, write `-- seedbed: allow {DEPENDS_ON_ROWS}: REASON` at the top of the file"
    ))
}

/// Whether an `ALTER TABLE` adds a column.
fn adds(statement: &str) -> bool {
    significant(statement).any(|token| token.is_word(statement, "ADD"))
}

fn help_on(statement: &str) -> Option<&'static str> {
    // A column may have that name.
    let behind_parentheses =
        significant(statement).skip_while(|token| token.text(statement) != ")");
    let is_stored = behind_parentheses
        .take(2)
        .any(|token| token.is_word(statement, "STORED"));
    match kind(statement) {
        Kind::Alter if adds(statement) && is_stored => Some(
            "make the generated column VIRTUAL, or rebuild the table: create a new one, copy the rows, drop the old one, \
             rename the new one",
        ),
        Kind::Alter if adds(statement) => Some(
            "add the column without the constraint or with a constant DEFAULT, or rebuild the table: create a new one, \
             copy the rows, drop the old one, rename the new one",
        ),
        _ => None,
    }
}

/// What a file creates and does not drop again: sort and name.
pub(super) fn made(part: &Part<'_>) -> impl Iterator<Item = (What, String)> {
    let objects = made::made(&part.migration.up.source.text).into_iter();
    objects.map(|object| match object.what {
        What::VirtualTable => (What::Table, object.name),
        what => (what, object.name),
    })
}

fn makes(part: &Part<'_>, object: &Object) -> bool {
    let is_it = |(what, name): (What, String)| {
        what.word() == object.kind.word() && name.eq_ignore_ascii_case(&object.name)
    };
    matches!(object.kind, ObjectKind::View | ObjectKind::Trigger) && made(part).any(is_it)
}

/// Whether a statement of a file has this name in it.
fn names(part: &Part<'_>, table: &str) -> bool {
    let mut steps = part.up.steps().iter();
    steps.any(|step| has_name(&step.sql, table))
}
