//! Seeding a database: look at what it has, plan, run; and again, if another run was faster.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use super::basis::{Basis, Planned};
use super::changes::{Refresh, SeedPlan};
use super::clashes::clashes;
use super::conditional::{handed_over, memberships};
use super::conflicts::{
    indexed, indexed_problems, parents, parents_problems, taken, taken_problems,
};
use super::effective::effective;
use super::expand::expand;
use super::fired::{fired, fired_problem};
use super::found::{Found, questions};
use super::given::Given;
use super::guard::{guards, under_way};
use super::inputs::{Clock, Variables};
use super::ledger;
use super::lineage::{self, Lineage};
use super::link::link;
use super::memory::{Memory, Scene};
use super::model::SeedFile;
use super::orphans::{children, children_problems};
use super::pass::find_many;
use super::past::Past;
use super::plan::{plan, writes};
use super::recorded::Texts;
use super::referred::{follows, referred, referred_problems};
use super::refused::{MOST, is_same_row, origin, refused};
use super::rehearsal::rehearse;
use super::renames;
use super::row::Rows;
use super::seen::Seen;
use super::set::{Choice, Seeds};
use super::steps::{ONE_BY_ONE, bind};
use super::triggers::Triggers;
use crate::db::{Code, Db, DbError, Query, Reply, if_accepted};
use crate::diagnostic::Diagnostic;
use crate::drive::{ApplyError, Decision, OnEvent, Outcome, Reader, ScriptError, drive};
use crate::history::{self, Failed, History, HistoryError, Part};
use crate::migrations::Migrations;
use crate::schema::{Shape, shape_queries, shaped};
use crate::script::{ForeignKeys, Key, Origin, Run, Script, Step};
use crate::setters::setters;
use crate::sql::{Value, identifier};

/// What is to be seeded, and what is taken from outside.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SeedOptions {
    /// Which files.
    pub choice: Choice,
    /// Whether rows are written that changed only by time or by hand.
    pub refresh: Refresh,
    /// What the database is to be marked as, instead of what it is marked as.
    pub mark: Option<String>,
    /// What `!env` names.
    pub variables: Variables,
    /// What `!now` is.
    pub now: SystemTime,
}

setters!(SeedOptions {
    choice: Choice,
    refresh: Refresh,
    mark: Option<String>,
    variables: Variables,
    now: SystemTime,
});

impl SeedOptions {
    /// The rows of one environment, with `!now` as this moment. `!env` finds nothing.
    #[must_use]
    pub fn new(choice: Choice, now: SystemTime) -> SeedOptions {
        SeedOptions {
            choice,
            refresh: Refresh::default(),
            mark: None,
            variables: Variables::Known(BTreeMap::new()),
            now,
        }
    }
}

/// Plans what seeding would do, and changes nothing.
///
/// # Errors
/// As [`history::read`].
pub async fn observe(
    db: &Db,
    seeds: &Seeds,
    set: &Migrations,
    options: &SeedOptions,
) -> Result<(History, SeedPlan), HistoryError> {
    let history = history::read(db).await?;
    let plan = observe_from(db, seeds, set, &history, options, None).await?;
    Ok((history, plan))
}

/// The same for a history that was read already; `hashes` are those of the chosen files, where they are known.
pub(super) async fn observe_from(
    db: &Db,
    seeds: &Seeds,
    set: &Migrations,
    history: &History,
    options: &SeedOptions,
    hashes: Option<Vec<String>>,
) -> Result<SeedPlan, HistoryError> {
    let files = seeds.select(&options.choice);
    let mut seeding = match hashes {
        Some(hashes) => Seeding::with(seeds, set, options, files, hashes),
        None => Seeding::of(seeds, set, options, files, false),
    };
    let history = seeding.with_texts(db, history.clone()).await?;
    seeding.look(db, &history).await?;
    let mut plan = seeding.plan(&history);
    // Rows that are written together are tried one by one only where any of them is refused.
    let (is_one_by_one, most) = match plan.counts().0 > ONE_BY_ONE {
        true => (false, 1),
        false => (true, MOST),
    };
    let mut refused = rehearse(db, &seeding.seen, &plan, most).await?;
    if refused.is_some() && !is_one_by_one {
        seeding.each_row = true;
        seeding.look(db, &history).await?;
        plan = seeding.plan(&history);
        refused = rehearse(db, &seeding.seen, &plan, MOST).await?;
    }
    if let Some(refused) = refused.filter(|it| !it.is_empty()) {
        plan.problems.extend(refused);
        in_order(&mut plan.problems);
        plan.script = None;
    }
    Ok(plan)
}

/// The columns of a row whose values stand in for variables that are unknown.
pub(super) struct StandIns {
    /// The row.
    pub(super) origin: Origin,
    pub(super) columns: Vec<String>,
}

/// Plans what seeding would do where no variable is known.
pub(super) async fn observe_unknown(
    db: &Db,
    seeds: &Seeds,
    set: &Migrations,
    options: &SeedOptions,
) -> Result<(SeedPlan, Vec<StandIns>), HistoryError> {
    let mut seeding = Seeding::new(seeds, set, options);
    let history = seeding.with_texts(db, history::read(db).await?).await?;
    seeding.look(db, &history).await?;
    let stand_ins = seeding.stand_ins();
    Ok((seeding.plan(&history), stand_ins))
}

/// Seeds a database in one transaction, with all records, and returns what was done. The migrations of the set must have
/// been applied.
///
/// Dropping the future stops nothing that has begun, as with [`migrations::apply`](crate::migrations::apply()): the one
/// transaction may still be committed.
///
/// # Errors
/// [`ApplyError`]; nothing has been changed then.
pub async fn apply(
    db: &Db,
    seeds: &Seeds,
    set: &Migrations,
    options: &SeedOptions,
    run: &Run,
    on_event: &OnEvent,
) -> Result<(Outcome, SeedPlan), ApplyError> {
    let mut plan = SeedPlan::default();
    let seeding = Keeping {
        seeding: Seeding::new(seeds, set, options),
        plan: &mut plan,
    };
    match drive(db, run, on_event, seeding).await {
        Ok(outcome) => Ok((outcome, plan)),
        Err(ApplyError::Script(error)) if is_about_a_row(&error) => {
            let refused = refused_rows(db, seeds, set, options, run).await;
            Err(ApplyError::Script(match refused {
                Some(refused) => Box::new(error.of_rows(refused)),
                None => error,
            }))
        }
        Err(error) => Err(error),
    }
}

/// Whether the engine refused a row, and not the run.
fn is_about_a_row(error: &ScriptError) -> bool {
    matches!(&error.failed.part, Part::Step(step) if step.is_written())
        && error.failed.failure.code() == Some(Code::Constraint)
}

/// All rows that the engine refuses, each tried without those before it. Nothing is written. None where the run fails for
/// another reason by now.
async fn refused_rows(
    db: &Db,
    seeds: &Seeds,
    set: &Migrations,
    options: &SeedOptions,
    run: &Run,
) -> Option<Vec<Failed>> {
    let mut seeding = Seeding::new(seeds, set, options);
    seeding.each_row = true;
    let history = history::read(db).await.ok()?;
    let history = seeding.with_texts(db, history).await.ok()?;
    seeding.look(db, &history).await.ok()?;
    let mut script = seeding.plan(&history).script?;
    // It fails, so that nothing is ever committed.
    let steps = &mut script.units.last_mut()?.steps;
    Arc::make_mut(steps).push(Step::own("SELECT json('only a rehearsal')", Vec::new()));
    // Without foreign keys, rows whose parent is refused count too.
    let alone = Script {
        foreign_keys: ForeignKeys::Unchecked,
        ..script.clone()
    };
    let mut all = refused(db, script, run, MOST).await.ok()?;
    for failed in refused(db, alone, run, MOST).await.ok()? {
        if !all.iter().any(|it| is_same_row(it, &failed)) {
            all.push(failed);
        }
    }
    let rows = all.into_iter().filter(|it| origin(it).is_some());
    let mut rows: Vec<Failed> = rows.collect();
    let place = |it: &Failed| {
        let origin = origin(it)?;
        Some((origin.source.name.clone(), origin.span.start))
    };
    rows.sort_by_cached_key(place);
    (!rows.is_empty()).then_some(rows)
}

/// Keeps the plan that was carried out last, for words about it.
struct Keeping<'a> {
    seeding: Seeding<'a>,
    plan: &'a mut SeedPlan,
}

impl Reader for Keeping<'_> {
    fn texts(&self, history: &History) -> Vec<Key> {
        self.seeding.texts(history)
    }

    async fn look(&mut self, db: &Db, history: &History) -> Result<(), HistoryError> {
        self.seeding.look(db, history).await
    }

    fn decide(&mut self, history: &History) -> Decision {
        let mut plan = self.seeding.plan(history);
        // The rows are statements now.
        self.seeding.seen = Seen::default();
        let decision = Decision {
            problems: plan.problems.clone(),
            scripts: plan.script.take().into_iter().collect(),
            under_way: under_way(history).cloned(),
            ..Decision::default()
        };
        *self.plan = plan;
        decision
    }
}

/// Seeding, or ending a seed.
pub(super) struct Seeding<'a> {
    seeds: &'a Seeds,
    set: &'a Migrations,
    options: &'a SeedOptions,
    files: Vec<&'a SeedFile>,
    hashes: Vec<String>,
    /// Whether the first file is ended, which needs no schema and no mark.
    ends: bool,
    /// Whether each row is a statement of its own.
    each_row: bool,
    seen: Seen,
}

/// Everything that one look at the database shows.
#[cfg(feature = "testing")]
pub(super) async fn see(
    db: &Db,
    seeds: &Seeds,
    set: &Migrations,
    options: &SeedOptions,
) -> Result<Seen, HistoryError> {
    let mut seeding = Seeding::new(seeds, set, options);
    let history = seeding.with_texts(db, history::read(db).await?).await?;
    seeding.look(db, &history).await?;
    Ok(seeding.seen)
}

impl<'a> Seeding<'a> {
    fn new(seeds: &'a Seeds, set: &'a Migrations, options: &'a SeedOptions) -> Seeding<'a> {
        let files = seeds.select(&options.choice);
        Seeding::of(seeds, set, options, files, false)
    }

    /// Looks at what a seed made that is to end: the first of these files, without its rows.
    pub(super) fn ending(
        seeds: &'a Seeds,
        set: &'a Migrations,
        options: &'a SeedOptions,
        files: Vec<&'a SeedFile>,
    ) -> Seeding<'a> {
        Seeding::of(seeds, set, options, files, true)
    }

    fn of(
        seeds: &'a Seeds,
        set: &'a Migrations,
        options: &'a SeedOptions,
        files: Vec<&'a SeedFile>,
        ends: bool,
    ) -> Seeding<'a> {
        let hash = |(at, file): (usize, &&SeedFile)| match ends && at == 0 {
            true => String::new(),
            false => effective(file, seeds.shared.as_ref(), &seeds.attachments, &files),
        };
        let hashes = files.iter().enumerate().map(hash).collect();
        Seeding {
            ends,
            ..Seeding::with(seeds, set, options, files, hashes)
        }
    }

    /// Seeds these files, which amount to these hashes.
    fn with(
        seeds: &'a Seeds,
        set: &'a Migrations,
        options: &'a SeedOptions,
        files: Vec<&'a SeedFile>,
        hashes: Vec<String>,
    ) -> Seeding<'a> {
        Seeding {
            seeds,
            set,
            options,
            hashes,
            files,
            ends: false,
            each_row: false,
            seen: Seen::default(),
        }
    }

    /// What is in the way.
    pub(super) fn problems(&self) -> &[Diagnostic] {
        &self.seen.problems
    }

    /// The records whose texts are needed.
    pub(super) fn texts(&self, history: &History) -> Vec<Key> {
        lineage::texts(self.seeds, &self.files, &self.hashes, history)
    }

    async fn with_texts(&self, db: &Db, history: History) -> Result<History, HistoryError> {
        history::add_texts(db, history, |history| self.texts(history)).await
    }

    pub(super) fn basis<'s>(&'s self, history: &'s History) -> Basis<'s> {
        Basis {
            files: &self.files,
            shape: &self.seen.shape,
            rows: &self.seen.rows,
            found: &self.seen.found,
            looked: self.seen.looked,
            history,
            hashes: &self.hashes,
            environment: &self.options.choice.environment,
            refresh: self.options.refresh,
            past: &self.seen.past,
            memory: &self.seen.memory,
            seeds: self.seeds,
            mark: self.options.mark.as_deref(),
            triggers: &self.seen.triggers,
            moves: &self.seen.moves,
            each_row: self.each_row || self.options.variables == Variables::Unknown,
        }
    }

    /// Reads the schema, and what there is of the rows: a request for each generation of references by value, and one
    /// for obstacles.
    pub(super) async fn look(&mut self, db: &Db, history: &History) -> Result<(), HistoryError> {
        self.seen = Seen::default();
        self.seen.problems = self.seeds.problems.clone();
        let lineage = Lineage::of(self.seeds, &self.files, history);
        if !self.ends {
            let recorded = (history, &lineage);
            let guards = guards(self.seeds, &self.files, self.set, recorded, self.options);
            self.seen.problems.extend(guards);
        }
        let recorded = (history, lineage);
        // A schema that is not the one that was meant would only add problems that are none.
        if self.seen.problems.iter().any(is_about_the_database) {
            let (files, hashes) = (&self.files, &self.hashes);
            let texts = Texts::read(self.seeds, files, hashes, &self.seen.shape, recorded);
            self.seen.past = Past::of(texts);
            return Ok(());
        }
        let numbers = super::numbered::numbers(&self.files, self.seeds.shared.as_ref());
        let (shape, empty, entries, counted, triggers) =
            schema(db, &self.files, history, numbers).await?;
        self.seen.triggers = Triggers::read(&triggers, &shape);
        let texts = Texts::read(self.seeds, &self.files, &self.hashes, &shape, recorded);
        self.seen.shape = shape;
        let times: Vec<&SeedFile> = self.files.iter().copied().chain(texts.texts()).collect();
        let clock = Clock::at(self.options.now, &times, self.seeds.shared.as_ref()).await?;
        let others: Vec<&SeedFile> = self
            .seeds
            .files
            .iter()
            .filter(|file| !self.files.iter().any(|it| it.name == file.name))
            .collect();
        let given = Given {
            variables: &self.options.variables,
            clock: &clock,
            attachments: &self.seeds.attachments,
            shared: self.seeds.shared.as_ref(),
            others: &others,
            made_as: &texts.made_as.clone(),
            columns: &texts.columns.clone(),
            gone: None,
            unsure: &[],
            drawn: &texts.drawn.clone(),
            recorded: None,
        };
        let gone = super::ledger::ids(&entries);
        let recorded = Given {
            gone: Some(&gone),
            ..given
        };
        let mut past = Past::new(texts, &self.files, &self.seen.shape, &recorded);
        let labels = past.labels();
        let given = Given {
            recorded: Some(&labels),
            ..given
        };
        let (mut rows, problems) = expand(&self.files, &self.seen.shape, &given);
        drop(labels);
        self.seen.problems.extend(problems);
        let problems = renames::problems(self.seeds, &self.files, &rows, &self.seen.shape);
        self.seen.problems.extend(problems);
        rows.counted = counted;
        link(&mut rows, &self.seen.shape);
        past.compare(&rows);
        self.seen.past = past;
        self.seen.found = Found::new(&rows);
        self.seen.rows = rows;
        if self.seen.problems.iter().any(Diagnostic::is_error) {
            let mut clashes = clashes(&self.basis(history));
            // What is wrong in a cell is not its value.
            clashes.retain(|clash| !follows_from(clash, &self.seen.problems));
            self.seen.problems.extend(clashes);
            return Ok(());
        }
        self.find(db, &empty).await?;
        self.recognise(db, &empty, entries).await?;
        self.seen.looked = true;
        let clashes = clashes(&self.basis(history));
        self.seen.problems.extend(clashes);
        self.obstacles(db, history, &empty).await?;
        Ok(())
    }

    /// Finds the rows that are there, until no reference leads to another key.
    async fn find(&mut self, db: &Db, empty: &[usize]) -> Result<(), HistoryError> {
        let Seen {
            shape, rows, found, ..
        } = &mut self.seen;
        // Each round settles one more generation of rows whose keys refer to others.
        for _ in 0..64 {
            let mut wanted = found.wanted(rows, shape, empty);
            if wanted.is_empty() {
                break;
            }
            let key = |rows: &Rows, at: usize| found.key(rows, shape, at);
            let many = find_many(db, shape, rows, &mut wanted, &key).await?;
            found.take_rows(many);
            found.take(rows, db.ask(questions(shape, wanted)).await?)?;
        }
        Ok(())
    }

    /// Finds rows by what was made for their labels, where their keys do not find them.
    async fn recognise(
        &mut self,
        db: &Db,
        empty: &[usize],
        recorded: Vec<[Value; 5]>,
    ) -> Result<(), HistoryError> {
        let mut memory = Memory::read(recorded, look_at(&self.files, &self.seen));
        loop {
            self.recognise_declared(db, empty, &mut memory).await?;
            let mut found = std::mem::take(&mut self.seen.found);
            let is_any = memory.add_waiting(look_at(&self.files, &self.seen), &mut found);
            self.seen.found = found;
            if !is_any {
                break;
            }
        }
        let scene = look_at(&self.files, &self.seen);
        memory.judge(scene, &self.seen.found);
        let doubles = match self.options.refresh {
            Refresh::Yes => memory.doubles(scene, &self.seen.found),
            Refresh::No => Vec::new(),
        };
        let (counts, doubles) = db.ask((memory.counts(scene), doubles)).await?;
        memory.counted(scene, &self.seen.found, counts)?;
        memory.doubled(scene, &self.seen.found, doubles)?;
        self.seen.memory = memory;
        Ok(())
    }

    /// Finds declared rows by what is known of them so far.
    async fn recognise_declared(
        &mut self,
        db: &Db,
        empty: &[usize],
        memory: &mut Memory,
    ) -> Result<(), HistoryError> {
        // A row that is found leads to the keys of those that refer to it.
        for _ in 0..64 {
            let scene = look_at(&self.files, &self.seen);
            memory.add(scene, &self.seen.found);
            let scans = memory.scans(scene, &self.seen.found);
            for (about, reply) in db.ask(scans).await? {
                memory.scanned(&about, reply, &self.seen.shape)?;
            }
            let lookups = memory.lookups(scene, &self.seen.found);
            memory.take(db.ask(lookups).await?)?;
            let mut found = std::mem::take(&mut self.seen.found);
            let moved = memory.recognise(look_at(&self.files, &self.seen), &mut found);
            self.seen.found = found;
            if !moved {
                break;
            }
            self.find(db, empty).await?;
        }
        Ok(())
    }

    /// Asks for everything that would make the rows fail.
    async fn obstacles(
        &mut self,
        db: &Db,
        history: &History,
        empty: &[usize],
    ) -> Result<(), HistoryError> {
        let (of_children, late) = self.obstacles_to_deletions(db, history).await?;
        self.seen.memory.late = late;
        let Seen {
            shape, rows, found, ..
        } = &self.seen;
        let basis = self.basis(history);
        // Most runs meet nothing in the way, and plan each row once.
        let written = LazyCell::new(|| writes(&basis));
        let taken = taken(&basis, empty, &written);
        let parents = parents(rows, shape, found);
        let memory = &self.seen.memory;
        let memberships = memberships(&basis, &written);
        let (taken, (parents, memberships)) = db.ask((taken, (parents, memberships))).await?;
        let (mut problems, mut moves) = taken_problems(&basis, taken, memory, &written)?;
        problems.extend(parents_problems(&basis, parents, &written)?);
        moves.extend(handed_over(&basis, memberships, &written)?);
        let indexed = indexed(&basis, &written);
        problems.extend(indexed_problems(&basis, db.ask(indexed).await?)?);
        let referred = referred(&basis, &written);
        let answers = db.ask(referred).await?;
        let (refused, released) = referred_problems(&basis, answers, &written)?;
        problems.extend(refused);
        moves.extend(released);
        moves.extend(follows(&basis, &written));
        problems.extend(of_children);
        self.seen.problems.extend(problems);
        self.seen.moves = moves;
        Ok(())
    }

    /// Asks for everything that would go with rows that are declared no longer, or keeps them; and which of them go last, as
    /// [`Memory::late`].
    async fn obstacles_to_deletions(
        &self,
        db: &Db,
        history: &History,
    ) -> Result<(Vec<Diagnostic>, Option<usize>), HistoryError> {
        let Seen { shape, memory, .. } = &self.seen;
        let (mut problems, mut late) = (Vec::new(), None);
        if memory.orphans().next().is_none() {
            return Ok((problems, late));
        }
        let basis = self.basis(history);
        let written = LazyCell::new(|| writes(&basis));
        for (children, reply) in db.ask(children(memory, shape)).await? {
            let answer = reply.rows_of(children.names.len() + 1)?;
            let state = (&written as &Planned<'_>, &mut late);
            problems.extend(children_problems(
                &basis, &children, answer, state, self.ends,
            ));
        }
        let triggers: Vec<[Value; 3]> = db.rows(super::fired::triggers()).await?;
        for (about, reply) in db.ask(fired(memory, shape, &triggers)).await? {
            let answer = if_accepted(reply.rows_of(about.width + 1))?;
            problems.extend(fired_problem(&basis, &about, answer, self.ends));
        }
        Ok((problems, late))
    }

    fn stand_ins(&self) -> Vec<StandIns> {
        let Seen {
            shape, rows, found, ..
        } = &self.seen;
        let all = rows.rows.iter().enumerate().filter_map(|(at, row)| {
            let of = &shape.tables[rows.rules(row).table];
            let unknown = row
                .columns()
                .filter(|column| found.is_unknown(rows, at, *column));
            let columns: Vec<String> = unknown
                .map(|column| of.columns[column].name.clone())
                .collect();
            (!columns.is_empty()).then(|| StandIns {
                origin: rows.origin(row, &row.span, &self.files),
                columns,
            })
        });
        all.collect()
    }

    /// The values of the rows that are written move into the plan.
    fn plan(&mut self, history: &History) -> SeedPlan {
        let (mut plan, inserts) = plan(&self.basis(history), self.seen.problems.clone());
        if let Some(script) = &mut plan.script {
            bind(script, inserts, &mut self.seen.rows);
        }
        in_order(&mut plan.problems);
        plan
    }
}

fn look_at<'s>(files: &'s [&'s SeedFile], seen: &'s Seen) -> Scene<'s> {
    Scene {
        files,
        shape: &seen.shape,
        rows: &seen.rows,
        past: &seen.past,
    }
}

/// Whether it is about the database as a whole, and nothing runs because of it.
fn is_about_the_database(problem: &Diagnostic) -> bool {
    problem.location.is_none() && problem.is_error()
}

/// Whether something else is wrong where a problem is.
fn follows_from(problem: &Diagnostic, others: &[Diagnostic]) -> bool {
    let Some(here) = problem.origin() else {
        return false;
    };
    let is_here = |other: &Diagnostic| {
        other.is_error()
            && other.origin().is_some_and(|it| {
                it.source.name == here.source.name
                    && it.span.start < here.span.end
                    && here.span.start < it.span.end
            })
    };
    others.iter().any(is_here)
}

/// Puts problems as one reads: those about the database first, then by file and place.
pub(super) fn in_order(problems: &mut [Diagnostic]) {
    problems.sort_by(|one, other| place(one).cmp(&place(other)));
}

fn place(problem: &Diagnostic) -> Option<(&str, usize)> {
    let origin = problem.origin()?;
    Some((origin.source.name.as_str(), origin.span.start))
}

/// The schema, the places of those tables of the files in which there is no row, the table of remembered rows, the tables
/// in which no number is given twice, and the triggers.
type Looked = (
    Shape,
    Vec<usize>,
    Vec<[Value; 5]>,
    Vec<usize>,
    Vec<[Value; 3]>,
);

/// Reads what holds for all rows. `numbers`: whether the database numbers rows of a file.
async fn schema(
    db: &Db,
    files: &[&SeedFile],
    history: &History,
    numbers: bool,
) -> Result<Looked, DbError> {
    let mut tables: Vec<&str> = files
        .iter()
        .flat_map(|file| file.tables.iter().map(|table| table.name.value.as_str()))
        .collect();
    tables.sort_unstable();
    tables.dedup();
    let first_row = |table| Query::new(format!("SELECT 1 FROM {} LIMIT 1", identifier(table)));
    let tables: Vec<_> = tables.iter().map(|it| (*it, first_row(it))).collect();
    let counted = numbers.then(super::numbered::counted);
    let (((shape, tables), ledger), (counted, triggers)) = db
        .ask((
            ((shape_queries(), tables), ledger::query(files, history)),
            (counted, super::fired::triggers()),
        ))
        .await?;
    let shape = shaped(shape, db.engine())?;
    let mut empty = Vec::new();
    for (table, reply) in tables {
        let rows = if_accepted(reply.rows::<1>())?;
        if rows.is_some_and(|rows| rows.is_empty()) {
            empty.extend(shape.position(table));
        }
    }
    let recorded = ledger.map_or(Ok(Vec::new()), Reply::rows)?;
    let counted = counted.map_or(Ok(Vec::new()), Reply::rows::<2>)?;
    let counted = super::numbered::take_counted(&counted, &shape);
    Ok((shape, empty, recorded, counted, triggers.rows()?))
}
