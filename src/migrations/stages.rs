//! What each new file does to the schema: the schema before and after it, from a rehearsal in memory. What is not new runs
//! too, and is not looked at.

use std::collections::HashSet;
use std::sync::Arc;

use super::again::Repeatable;
use super::made::{self, made};
use super::plan::entry;
use super::reading::Reading;
use super::rehearse::{Act, Problem, Rehearsal, Stopped, Way};
use super::set::{Migration, Migrations};
use crate::db::{Db, DbError, MadeAgain, stale_object};
use crate::diagnostic::Diagnostic;
use crate::schema::{
    Broken, Catalogue, Difference, Object, ObjectKind, Schema, Snapshot, TextInQuotes, additions,
    broken, changes, compare, may_have_text, texts_in_quotes,
};
use crate::script::{Key, Made, Record, Step};
use crate::sql::{Kind, What, identifier, kind, renamed_table};

/// One new file.
#[derive(Debug, Clone)]
pub struct Stage<'a> {
    /// Its migration.
    pub migration: &'a Migration,
    /// Its statements, and what its directives say.
    pub reading: Reading,
    /// The schema before the first of the new files that run with it, one behind another.
    pub first: Option<Arc<Catalogue>>,
    /// The schema before it; `None` where a file before it did not run.
    pub before: Option<Arc<Catalogue>>,
    /// The schema after it; `None` where it did not run.
    pub after: Option<Arc<Catalogue>>,
    /// Whether its down file leaves another schema than the one before it; `None` where that was not tried.
    pub down_differs: Option<bool>,
    /// The names in double quotes that the engine takes for text, in bytes of the file; `None` where it did not run.
    pub texts: Option<Vec<TextInQuotes>>,
}

/// A view or trigger that does not compile at the end, and did before the new files.
#[derive(Debug, Clone)]
pub struct LeftBroken {
    /// `view` or `trigger`.
    pub kind: ObjectKind,
    /// Its name.
    pub name: String,
    /// Its text.
    pub sql: String,
    /// The engine's words.
    pub message: String,
}

/// All new files, in the order in which they run.
#[derive(Debug, Clone)]
pub struct Stages<'a> {
    /// The files.
    pub stages: Vec<Stage<'a>>,
    /// The schema before the first of them.
    pub first: Option<Arc<Catalogue>>,
    /// The schema after the last of them.
    pub last: Option<Arc<Catalogue>>,
    /// What does not compile at the end.
    pub broken: Vec<LeftBroken>,
    /// Why the files from some place on did not run.
    pub stopped: Option<Diagnostic>,
    /// The databases in memory before the first and after the last of them.
    pub(crate) databases: Option<(Db, Db)>,
}

/// When the new files run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// Behind all others, as where all others are applied.
    BehindOthers,
    /// Each at its place among the others. What comes behind the last of them does not run, but for the repeatable
    /// migrations that run without it: a database at that version has what they make.
    InPlace,
}

/// Runs all files in memory. `beside` are objects that a database has and no file makes: they are there before the new
/// files.
///
/// # Errors
/// [`DbError`] where the engine in memory cannot be used.
pub async fn stages<'a>(
    set: &'a Migrations,
    is_new: &(dyn Fn(&Migration) -> bool + Sync),
    placement: Placement,
    beside: &[Object],
) -> Result<Stages<'a>, DbError> {
    let all: Vec<One<'a>> = set
        .iter()
        .map(|migration| One {
            migration,
            act: Act::new(&migration.up, &set.history_table),
            is_new: is_new(migration),
        })
        .collect();
    let (mut old, run) = divided(&all, placement);
    let mut found = Stages {
        stages: Vec::with_capacity(run.len()),
        first: None,
        last: None,
        broken: Vec::new(),
        stopped: None,
        databases: None,
    };
    let repeatables = old
        .iter()
        .filter(|it| matches!(it.migration.key, Key::Repeatable(_)));
    let remade: Vec<Made> = repeatables
        .flat_map(|it| made(&it.migration.up.source.text))
        .collect();
    let mut rehearsal = Rehearsal::judged_at_the_end(&set.history_table).await?;
    let mut now = None;
    match replay(&mut rehearsal, &mut old, placement).await? {
        Some(problem) => found.stopped = Some(problem),
        None => {
            put_beside(&rehearsal, &all, beside).await?;
            now = Some(Arc::new(Catalogue::read(rehearsal.db()).await?));
            found.first.clone_from(&now);
        }
    }
    let base = match now {
        Some(_) => Some(rehearsal.fork().await?),
        None => None,
    };
    let mut before = rehearsal.snapshot().await?;
    let mut first_of_run = now.clone();
    let acts = with_set_aside(&rehearsal, &run, &old).await?;
    for (number, (one, act)) in run.iter().zip(&acts).enumerate() {
        let migration = one.migration;
        let mut stage = Stage {
            migration,
            reading: one.act.reading().clone(),
            first: first_of_run.clone(),
            before: now.clone(),
            after: None,
            down_differs: None,
            texts: None,
        };
        if let Some(catalogue) = now.take() {
            let later = || acts[number + 1..].iter().collect();
            let texts = texts_of(&rehearsal, act).await?;
            let problem = match act.cannot_run() {
                Some(problem) => Some(problem),
                None => match rehearsal.up_before(migration, act, Way::Up, &later).await {
                    Ok(()) => None,
                    Err(stopped) => Some(with_its_maker(stopped, set)?),
                },
            };
            match problem {
                Some(problem) => found.stopped = Some(problem),
                None => {
                    let is_undone = one.is_new && migration.down.is_some();
                    let first = is_undone.then(|| before.clone());
                    let changed = changed(&rehearsal, &mut before, act.steps()).await?;
                    let next = match changed.is_empty() {
                        true => catalogue,
                        false => Arc::new(catalogue.after(rehearsal.db(), changed).await?),
                    };
                    if let (Some(down), Some(first)) = (&migration.down, first) {
                        let down = Act::new(down, &set.history_table);
                        let left = undone(&rehearsal, migration, &down).await?;
                        stage.down_differs = left.map(|left| {
                            let changed = changes(&first, &left);
                            changed.iter().any(|it| !is_of_a_repeatable(it, &remade))
                        });
                    }
                    stage.texts = Some(texts);
                    stage.after = Some(next.clone());
                    now = Some(next);
                }
            }
        }
        match one.is_new {
            true => found.stages.push(stage),
            // What is behind it is another run, of a schema of its own.
            false => first_of_run = now.as_deref().cloned().map(Arc::new),
        }
    }
    if let Some(catalogue) = now.take() {
        let changed = match made_again(&mut rehearsal, &old).await? {
            true => changes(&before, &rehearsal.snapshot().await?),
            false => Vec::new(),
        };
        now = Some(match changed.is_empty() {
            true => catalogue,
            false => Arc::new(catalogue.after(rehearsal.db(), changed).await?),
        });
    }
    if let (Some(_), Some(base)) = (&now, base) {
        found.broken = left_broken(&base, &rehearsal).await?;
        found.databases = Some((base.into_db(), rehearsal.into_db()));
    }
    found.last = now;
    Ok(found)
}

/// What these files run as behind the old ones: `migrate` drops views and triggers of repeatable migrations that are in their
/// way.
async fn with_set_aside(
    rehearsal: &Rehearsal,
    run: &[&One<'_>],
    old: &[&One<'_>],
) -> Result<Vec<Act>, DbError> {
    let acts: Vec<&Act> = run.iter().map(|it| &it.act).collect();
    let applied = old.iter().filter(|it| !it.is_version());
    let applied = applied.map(|it| Repeatable::of_file(it.migration, None));
    let applied: Vec<Repeatable> = applied.collect();
    rehearsal.with_set_aside(&acts, &applied).await
}

/// The names in double quotes of a file that are text where they are. Its statements run in a copy, one by one, as far as
/// one is asked about.
async fn texts_of(before: &Rehearsal, act: &Act) -> Result<Vec<TextInQuotes>, DbError> {
    let mut found = Vec::new();
    let steps = act.steps();
    let last = steps.iter().rposition(|step| may_have_text(&step.sql));
    let Some(last) = last.filter(|_| act.cannot_run().is_none()) else {
        return Ok(found);
    };
    let copy = before.fork().await?;
    for (at, step) in steps[..=last].iter().enumerate() {
        if let Some(origin) = step.origin() {
            let texts = texts_in_quotes(copy.db(), &step.sql).await?.into_iter();
            found.extend(texts.map(|it| TextInQuotes {
                span: origin.span.start + it.span.start..origin.span.start + it.span.end,
                ..it
            }));
        }
        if at < last {
            match copy.execute([step.sql.to_string()]).await {
                Ok(()) => {}
                // The file itself fails there too, or only with its transaction.
                Err(DbError::Read(_)) => return Ok(found),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(found)
}

/// A file.
struct One<'a> {
    migration: &'a Migration,
    act: Act,
    is_new: bool,
}

impl One<'_> {
    fn is_version(&self) -> bool {
        matches!(self.migration.key, Key::Migration(_))
    }
}

/// The files that run first, and those from the first new one on.
fn divided<'o, 'a>(
    all: &'o [One<'a>],
    placement: Placement,
) -> (Vec<&'o One<'a>>, Vec<&'o One<'a>>) {
    let first = all.iter().position(|it| it.is_new);
    let last = all.iter().rposition(|it| it.is_new);
    match (placement, first.zip(last)) {
        (Placement::InPlace, Some((first, last))) => {
            let behind = all[last + 1..].iter().filter(|it| !it.is_version());
            let old = all[..first].iter().chain(behind);
            (old.collect(), all[first..=last].iter().collect())
        }
        _ => {
            let (new, old) = all.iter().partition(|it| it.is_new);
            (old, new)
        }
    }
}

/// What a file that ran has changed; `before` is the schema behind it then. The whole schema is compared only where the
/// file may have changed what was there: that costs by all that there is.
async fn changed(
    rehearsal: &Rehearsal,
    before: &mut Snapshot,
    steps: &[Step],
) -> Result<Vec<Difference>, DbError> {
    let kinds: Vec<Kind> = steps.iter().map(|step| kind(&step.sql)).collect();
    let is_of_rows = |kind: &Kind| {
        matches!(
            kind,
            Kind::Insert | Kind::Update | Kind::Delete | Kind::Select | Kind::Explain
        )
    };
    if kinds.iter().all(is_of_rows) {
        return Ok(Vec::new());
    }
    let creates = |kind: &Kind| matches!(kind, Kind::Create(_));
    if kinds.iter().all(|kind| creates(kind) || is_of_rows(kind)) {
        return Ok(additions(before.grow(rehearsal.db()).await?));
    }
    let after = rehearsal.snapshot().await?;
    let changed = changes(before, &after);
    *before = after;
    Ok(changed)
}

/// Makes what only a database has. What cannot be made without the rest of that database is left out.
async fn put_beside(
    rehearsal: &Rehearsal,
    all: &[One<'_>],
    beside: &[Object],
) -> Result<(), DbError> {
    if beside.is_empty() {
        return Ok(());
    }
    let there = rehearsal.names().await?;
    let mut made: HashSet<String> = there.into_iter().map(|(_, name)| name).collect();
    for step in all.iter().flat_map(|it| it.act.steps()) {
        made.extend(names_given(&step.sql));
    }
    for object in beside {
        if made.contains(&object.name.to_ascii_lowercase()) {
            continue;
        }
        match rehearsal.execute([object.sql.clone()]).await {
            Ok(()) | Err(DbError::Read(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The name that a statement gives to an object, in lower case.
fn names_given(sql: &str) -> Option<String> {
    let name = match kind(sql) {
        Kind::Create(object) => object.name,
        Kind::Alter => renamed_table(sql)?.1,
        _ => return None,
    };
    Some(name.to_ascii_lowercase())
}

/// Runs what comes before the new files. Repeatable migrations that need what only a later version makes are taken out.
async fn replay(
    rehearsal: &mut Rehearsal,
    old: &mut Vec<&One<'_>>,
    placement: Placement,
) -> Result<Option<Diagnostic>, DbError> {
    let is_needed = |it: &One<'_>| placement == Placement::BehindOthers || it.is_version();
    old.retain(|it| is_needed(it) || it.act.cannot_run().is_none());
    if let Some(problem) = old.iter().find_map(|it| it.act.cannot_run()) {
        return Ok(Some(problem));
    }
    let versions = old.iter().filter(|it| it.is_version());
    let ran = rehearsal
        .ups(versions.map(|it| (it.migration, &it.act)), &Vec::new)
        .await;
    if let Err(stopped) = ran {
        return stopped.diagnostic().map(Some);
    }
    let mut left_out = Vec::new();
    for one in old.iter().filter(|it| !it.is_version()) {
        if let Err(stopped) = rehearsal.up(one.migration, &one.act, Way::Up).await {
            let problem = stopped.diagnostic()?;
            if is_needed(one) {
                return Ok(Some(problem));
            }
            left_out.push(&one.migration.key);
        }
    }
    if placement == Placement::InPlace {
        left_out.extend(without_their_tables(rehearsal, old).await?);
        old.retain(|it| !left_out.contains(&&it.migration.key));
    }
    Ok(None)
}

/// The repeatable migrations that made a view or a trigger of what is not there, without what they made: the engine takes it,
/// and refuses the next `RENAME` for it.
async fn without_their_tables<'a>(
    rehearsal: &Rehearsal,
    old: &[&One<'a>],
) -> Result<Vec<&'a Key>, DbError> {
    let mut found = Vec::new();
    let broken = broken(rehearsal.db(), &rehearsal.schema().await?).await?;
    let mut drops = Vec::new();
    for it in broken.into_iter().map(|it| it.object) {
        let makes = |one: &&&One<'_>| {
            let mut all = made(&one.migration.up.source.text).into_iter();
            !one.is_version() && all.any(|made| made.name.eq_ignore_ascii_case(&it.name))
        };
        if let Some(one) = old.iter().find(makes) {
            found.push(&one.migration.key);
            let (what, name) = (it.kind.word(), identifier(&it.name));
            drops.push(format!("DROP {what} IF EXISTS {name}"));
        }
    }
    rehearsal.execute(drops).await?;
    Ok(found)
}

/// Applies the repeatable migrations again that are not new and have lost an object, as `migrate` does behind the new files.
/// One that fails is left out: `check` reports it. Returns whether one ran.
async fn made_again(rehearsal: &mut Rehearsal, old: &[&One<'_>]) -> Result<bool, DbError> {
    let mut there = None;
    let mut ran = false;
    for One { migration, act, .. } in old {
        let Key::Repeatable(_) = migration.key else {
            continue;
        };
        let names = match there.take() {
            Some(names) => names,
            None => rehearsal.names().await?,
        };
        let is_gone = made(&migration.up.source.text).iter().any(|object| {
            let what = match object.what {
                What::VirtualTable => What::Table,
                what => what,
            };
            !names.contains(&(what.word().to_owned(), object.name.to_ascii_lowercase()))
        });
        if !is_gone {
            there = Some(names);
            continue;
        }
        match rehearsal.up(migration, act, Way::Again).await {
            Ok(()) => ran = true,
            Err(stopped) => {
                stopped.diagnostic()?;
            }
        }
    }
    Ok(ran)
}

/// Whether an object is there on one side only because a repeatable migration makes it: `migrate` and `undo` make such an
/// object again where it is gone, with the triggers on a view.
fn is_of_a_repeatable(difference: &Difference, remade: &[Made]) -> bool {
    let object = match difference {
        Difference::Missing { expected } => expected,
        Difference::Unexpected { found } => found,
        Difference::Different { .. } => return false,
    };
    remade.iter().any(|made| {
        let is_it =
            made.what.word() == object.kind.word() && made.name.eq_ignore_ascii_case(&object.name);
        let is_on_it = made.what == What::View
            && object.kind == ObjectKind::Trigger
            && made.name.eq_ignore_ascii_case(&object.table);
        is_it || is_on_it
    })
}

/// Why a file did not run, with what the set knows of the object that the engine names.
fn with_its_maker(stopped: Stopped, set: &Migrations) -> Result<Diagnostic, DbError> {
    let problem = match stopped {
        Stopped::Db(error) => return Err(error),
        Stopped::Problem(problem) => *problem,
    };
    let Problem {
        mut diagnostic,
        error,
        ..
    } = problem;
    let of = |made_again: &MadeAgain| stale_object(&error.message, made_again);
    let (unknown, known) = (
        of(&MadeAgain::Unknown),
        of(&made::made_again(set, &error.message)),
    );
    for help in &mut diagnostic.help {
        if let (true, Some(known)) = (Some(&*help) == unknown.as_ref(), &known) {
            help.clone_from(known);
        }
    }
    Ok(diagnostic)
}

/// The schema that a down file leaves in a copy; `None` where it does not run, which `check` reports.
async fn undone(
    rehearsal: &Rehearsal,
    migration: &Migration,
    down: &Act,
) -> Result<Option<Snapshot>, DbError> {
    if !down.is_sound() || down.obstacle().is_some() {
        return Ok(None);
    }
    let mut copy = rehearsal.fork_for_trials().await?;
    let record = Record::Delete(entry(migration).key);
    match copy.act(record, down, Way::Down).await {
        Ok(()) => copy.snapshot().await.map(Some),
        Err(stopped) => stopped.diagnostic().map(|_| None),
    }
}

/// What does not compile in the second and compiles, or is not there, in the first.
async fn left_broken(base: &Rehearsal, last: &Rehearsal) -> Result<Vec<LeftBroken>, DbError> {
    let of = async |rehearsal: &Rehearsal| -> Result<(Schema, Vec<Broken>), DbError> {
        let schema = rehearsal.schema().await?;
        let mut found = broken(rehearsal.db(), &schema).await?;
        found.retain(|it| it.object.kind != ObjectKind::Table);
        Ok((schema, found))
    };
    let (schema, found) = of(last).await?;
    if found.is_empty() || compare(&base.schema().await?, &schema).is_empty() {
        return Ok(Vec::new());
    }
    let (_, known) = of(base).await?;
    let was = |it: &Broken| {
        let mut known = known.iter().map(|known| &known.object);
        known.any(|known| known.kind == it.object.kind && known.name == it.object.name)
    };
    let new = found.into_iter().filter(|it| !was(it));
    Ok(new
        .map(|it| LeftBroken {
            kind: it.object.kind,
            name: it.object.name,
            sql: it.object.sql,
            message: it.error.message,
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(files: &[(&str, &str)]) -> Migrations {
        let files = files.iter();
        Migrations::from_files(
            files.map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())),
        )
    }

    /// All objects and shapes, as text.
    fn described(catalogue: &Catalogue) -> String {
        let kinds = [
            ObjectKind::Table,
            ObjectKind::Index,
            ObjectKind::View,
            ObjectKind::Trigger,
        ];
        let objects = kinds.into_iter().flat_map(|kind| catalogue.objects(kind));
        let objects: Vec<_> = objects.map(|it| &it.normal).collect();
        let shapes: Vec<_> = catalogue.tables().collect();
        format!("{objects:#?}{shapes:#?}")
    }

    #[tokio::test]
    async fn what_is_followed_from_file_to_file_is_what_is_there() {
        let set = set(&[
            (
                "V1__a.sql",
                "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT);",
            ),
            (
                "V2__b.sql",
                "INSERT INTO a (x) VALUES ('y'); CREATE TABLE b (a REFERENCES a (id));",
            ),
            ("V3__rows.sql", "UPDATE a SET x = 'z'; DELETE FROM b;"),
            (
                "V4__view.sql",
                "CREATE VIEW v AS SELECT * FROM a; CREATE INDEX i ON b (a);",
            ),
            (
                "V5__alter.sql",
                "ALTER TABLE a ADD COLUMN y TEXT DEFAULT 'n';",
            ),
            (
                "V6__search.sql",
                "CREATE VIRTUAL TABLE s USING fts5 (body); CREATE TEMP TABLE t (x);",
            ),
            (
                "V7__gone.sql",
                "DROP TABLE b; CREATE TABLE c (id INTEGER PRIMARY KEY) STRICT;",
            ),
            (
                "V8__more.sql",
                "CREATE UNIQUE INDEX u ON c (id); CREATE TABLE b (x, y);",
            ),
            (
                "R__v.sql",
                "DROP VIEW IF EXISTS w; CREATE VIEW w AS SELECT * FROM c;",
            ),
        ]);
        let found = stages(&set, &|_| true, Placement::BehindOthers, &[])
            .await
            .unwrap();
        assert!(found.stopped.is_none(), "{:?}", found.stopped);
        let (_, last) = found.databases.unwrap();
        let there = Catalogue::read(&last).await.unwrap();
        assert_eq!(described(&found.last.unwrap()), described(&there));
    }

    #[tokio::test]
    async fn a_file_in_its_place_has_what_runs_before_it() {
        let set = set(&[
            ("V1__a.sql", "CREATE TABLE a (id INTEGER PRIMARY KEY);"),
            ("V2__x.sql", "ALTER TABLE a ADD COLUMN x TEXT;"),
            ("V3__b.sql", "ALTER TABLE a RENAME TO b;"),
            ("V4__gone.sql", "DROP TABLE b;"),
            (
                "R__old.sql",
                "DROP VIEW IF EXISTS old; CREATE VIEW old AS SELECT id FROM a;",
            ),
            (
                "R__new.sql",
                "DROP VIEW IF EXISTS new; CREATE VIEW new AS SELECT id FROM b;",
            ),
        ]);
        let of = async |versions: &[i64]| {
            let is_new = |it: &Migration| it.version().is_some_and(|it| versions.contains(&it));
            let found = stages(&set, &is_new, Placement::InPlace, &[])
                .await
                .unwrap();
            assert!(found.stopped.is_none(), "{:?}", found.stopped);
            let names = |it: &Option<Arc<Catalogue>>| {
                let tables = it.as_ref().unwrap().tables().map(|it| it.name.clone());
                tables.collect::<Vec<_>>().join(" ")
            };
            (found.stages.len(), names(&found.first), names(&found.last))
        };
        // The view of a table that only V3 makes is not there yet.
        assert_eq!(of(&[2]).await, (1, "a old".to_owned(), "a old".to_owned()));
        assert_eq!(of(&[1]).await, (1, String::new(), "a".to_owned()));
        assert_eq!(of(&[4]).await.1, "b new");
        let (stages, first, _) = of(&[2, 4]).await;
        assert_eq!((stages, first.as_str()), (2, "a old"));
        // V3 is between them, and none of them.
        let is_new = |it: &Migration| [Some(2), Some(4)].contains(&it.version());
        let found = super::stages(&set, &is_new, Placement::InPlace, &[])
            .await
            .unwrap();
        let firsts = found.stages.iter().map(|it| {
            let first = it.first.as_ref().unwrap();
            (first.table("a").is_some(), first.table("b").is_some())
        });
        assert_eq!(firsts.collect::<Vec<_>>(), [(true, false), (false, true)]);
    }
}
