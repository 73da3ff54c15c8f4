//! Checking a set of migrations without the database that it is for: files, statements, and a rehearsal in memory.
//!
//! Two databases are built. The new one runs everything from nothing. The one that exists has the versions and the
//! repeatable migrations that are published, and rows in every table, before it runs what is new; new down files are tried
//! on a copy of it too. Both must end with the same schema, in which every view and trigger compiles. Nothing here touches a database of the project.

use std::collections::{BTreeMap, HashSet};

use self::compiles::{Uncompiled, uncompiled};
use self::existing::{Existing, Published};
use self::fresh::Fresh;
use super::against::{Base, lacks_versions};
use super::data_tests::DataTests;
use super::directive::{DEPENDS_ON_ROWS, DOWN_NO_INVERSE};
use super::file::meaning;
use super::rehearse::{Act, Rehearsal, Way};
use super::same_object::{created_only_once, made_twice};
use super::set::{Migration, Migrations, Text};
use crate::db::{Db, DbError, Engine};
use crate::diagnostic::Diagnostic;
use crate::schema::{Difference, Object, Snapshot, changes, described};
use crate::script::Key;
use crate::setters::setters;

mod compiles;
mod existing;
mod fresh;
mod lost;
mod reverted;
mod server;
mod taken;
mod texts;
mod undone;

/// What a check compares with.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct CheckOptions<'a> {
    /// The migrations that the set is to be merged into. Without them the newest version counts as the new one.
    pub base: Option<&'a Base>,
    /// Without a base: the migrations as they were before the newest version, where that is known
    /// ([`read_before_newest`](super::read_before_newest)). A database that exists has the repeatable ones among them.
    pub earlier: Option<&'a Migrations>,
    /// Without a base: down files of versions below this one are not tried.
    pub downs_from: Option<i64>,
    /// The engines of servers that the migrations are for too: statements that one of them does not take are warnings.
    pub servers: &'a [Engine],
    /// What the migrations do to rows. They run where nothing else is wrong.
    pub data_tests: Option<&'a DataTests>,
}

setters!(CheckOptions<'a> {
    base: Option<&'a Base>,
    earlier: Option<&'a Migrations>,
    downs_from: Option<i64>,
    servers: &'a [Engine],
    data_tests: Option<&'a DataTests>,
});

/// The result of a check.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Checked {
    /// Errors and warnings.
    pub problems: Vec<Diagnostic>,
    /// How many migrations were applied in memory.
    pub applied: usize,
    /// How many of them were undone and applied again.
    pub reversed: usize,
    /// How many down files were accepted without a trial: they are published, or below
    /// [`CheckOptions::downs_from`].
    pub accepted_downs: usize,
    /// How many new migrations were applied to a database with the published ones and with rows.
    pub applied_to_existing: usize,
    /// How many data tests passed.
    pub data_tests: usize,
    /// How many expectations of all data tests hold.
    pub expectations: usize,
    /// The database in memory that the migrations make, for further checks; `None` where they do not
    /// get to their end.
    pub database: Option<Db>,
}

/// Checks every file and its down file, then applies all in memory: to a new database, each up, and where its down file
/// is new, down and up again, the repeatable ones last, and twice; and the new ones to a database that exists, unless the
/// set lacks versions of the base: then [`check_against`](super::check_against) names them.
///
/// # Errors
/// [`DbError`] where the engine in memory cannot be used. Whatever is wrong with the files is in
/// [`Checked::problems`].
pub async fn check(set: &Migrations, options: &CheckOptions<'_>) -> Result<Checked, DbError> {
    let rules = Rules::new(set, options);
    let parts: Vec<Part<'_>> = set.iter().map(|it| Part::new(it, set, &rules)).collect();
    let mut checked = Checked {
        problems: set.problems.clone(),
        applied: 0,
        reversed: 0,
        accepted_downs: 0,
        applied_to_existing: 0,
        data_tests: 0,
        expectations: 0,
        database: None,
    };
    for act in parts.iter().flat_map(Part::acts) {
        checked.problems.extend_from_slice(act.problems());
    }
    let is_new = |it: &&Migration| !rules.published.contains(it.up.checksum.as_str());
    let unwritten = set.iter().filter(is_new);
    checked
        .problems
        .extend(unwritten.filter_map(Migration::unwritten));
    for migration in set.iter().filter(|it| !rules.has_no_down(it)) {
        checked.problems.extend(migration.undoes_nothing());
    }
    checked.problems.extend(made_twice(set));
    for part in parts.iter().filter(|part| part.is_repeatable()) {
        checked.problems.extend(created_only_once(part.up.steps()));
    }
    // A version that no file or several files have is a gap, and what comes after would fail for that alone.
    if !set.problems.iter().any(Diagnostic::is_error) {
        rehearse(set, &parts, &rules, &mut checked).await?;
    }
    for engine in options.servers {
        let refused = server::refused(set, *engine, &rules.published, &checked.problems);
        checked.problems.extend(refused);
    }
    let allows = parts.iter().flat_map(Part::acts);
    let allows: BTreeMap<&str, &Act> = allows.map(|act| (act.file(), act)).collect();
    checked.problems.retain(|problem| {
        let act = problem.file().and_then(|file| allows.get(file));
        !act.is_some_and(|act| act.allows(problem.code))
    });
    if let Some(tests) = options.data_tests {
        let tried = tests.run(set, &checked.problems).await?;
        checked.problems.extend(tried.problems);
        checked.data_tests = tried.tests;
        checked.expectations = tried.expectations;
    }
    Ok(checked)
}

/// Builds both databases and compares them.
async fn rehearse(
    set: &Migrations,
    parts: &[Part<'_>],
    rules: &Rules<'_>,
    checked: &mut Checked,
) -> Result<(), DbError> {
    let same = rules.published_versions(parts);
    let (mut fresh, mut whole) = Fresh::rehearsed(parts, same, &set.history_table).await?;
    let copy = fresh.copy.take();
    checked.problems.append(&mut fresh.problems);
    let outside = fresh.rehearsal.broken_outside().await;
    whole &= outside.is_empty();
    checked.problems.extend(outside);
    let broken = fresh.rehearsal.broken();
    whole &= broken.is_none();
    checked.applied = fresh.applied;
    checked.reversed = fresh.reversed;
    let downs = parts.iter().filter_map(|part| part.down.as_ref());
    checked.accepted_downs = downs.filter(|down| !down.judged).count();

    let base = rules.base;
    let old = base.or(rules.earlier);
    let old: Option<Vec<Part<'_>>> = old.map(|old| {
        let old = old.iter();
        old.map(|it| Part::published(it, set)).collect()
    });
    let ran: HashSet<&Key> = fresh.ran.iter().map(|(part, _)| part.key()).collect();
    let published = match (&old, base) {
        (Some(of_base), Some(_)) => Published::of_base(of_base, parts, &ran),
        (earlier, _) => Published::all_but_the_newest(parts, earlier.as_deref(), &ran),
    };
    let copy = copy.filter(|_| published.versions().count() == same);
    let mut existing = None;
    if published.is_worth_it() && !rules.lacks_versions {
        let mut built = Existing::new(published, set, copy).await?;
        if built.all().await? {
            // What a new database shows too is reported once.
            checked
                .problems
                .extend(built.rehearsal.broken().filter(|_| whole));
            existing = Some(built);
        } else {
            checked.problems.append(&mut built.problems);
        }
    }
    if let Some(existing) = &mut existing {
        // What the file does to a new database too is reported once.
        let is_of_it = |it: &Diagnostic| broken.as_ref().is_some_and(|of| of.subject == it.subject);
        let known = &checked.problems;
        existing.problems.retain(|it| {
            let is_of_file =
                |known: &Diagnostic| known.code == "fails" && known.file() == it.file();
            match it.code {
                DEPENDS_ON_ROWS => !is_of_it(it) && !known.iter().any(is_of_file),
                "fails" => !known.iter().any(is_of_file),
                _ => true,
            }
        });
        checked.problems.append(&mut existing.problems);
        checked.applied_to_existing = existing.applied;
    }
    checked.problems.extend(broken);
    if let Some(existing) = &existing {
        let new = &existing.published.new;
        let reverted = reverted::reverted(parts, new, &set.history_table).await?;
        checked.problems.extend(reverted);
    }
    if whole {
        let named = judge(&fresh, existing.as_ref(), checked).await?;
        let of_fresh = texts::became_text(&fresh.rehearsal, &fresh.ran).await?;
        let of_existing = match &existing {
            Some(it) => Some((texts::became_text(&it.rehearsal, &it.ran).await?, it.late())),
            None => None,
        };
        checked
            .problems
            .extend(texts::reported(of_fresh, of_existing));
        let intact = base.is_none_or(|base| is_intact(base, set));
        if let (Some(existing), true) = (&existing, intact) {
            let of_fresh = fresh.rehearsal.snapshot().await?;
            let of_existing = existing.rehearsal.snapshot().await?;
            let differences = differences(&of_fresh, &of_existing, &named, existing);
            if !differences.is_empty() {
                let problem = match is_for_unchanged_texts(&of_fresh, &named, existing).await? {
                    true => differ_if_unchanged(&differences, existing),
                    false => differ(&differences, existing),
                };
                checked.problems.push(problem);
            }
        }
        if fresh.skipped.is_empty() {
            checked.database = Some(fresh.rehearsal.into_db());
        }
    }
    Ok(())
}

/// A migration and its files, read.
struct Part<'a> {
    migration: &'a Migration,
    up: Act,
    down: Option<Down>,
}

/// A down file, read.
struct Down {
    act: Act,
    /// Whether it is tried. One that is published cannot be corrected any more.
    judged: bool,
}

/// What is old.
struct Rules<'a> {
    base: Option<&'a Migrations>,
    /// Without a base: the migrations before the newest version.
    earlier: Option<&'a Migrations>,
    /// Whether the set lacks versions of the base. What is new to a database that exists is not known then.
    lacks_versions: bool,
    /// Checksums of the texts of the base. Databases may have applied them, so their comments are as they are.
    published: HashSet<&'a str>,
    downs_from: Option<i64>,
}

impl<'a> Rules<'a> {
    fn new(set: &Migrations, options: &CheckOptions<'a>) -> Rules<'a> {
        let base = options.base.map(|base| &base.common);
        let migrations = base.into_iter().flat_map(Migrations::iter);
        let texts = migrations.flat_map(|it| {
            let downs = it.down.iter().chain(&it.no_down);
            std::iter::once(&it.up).chain(downs)
        });
        Rules {
            base,
            earlier: options
                .earlier
                .filter(|earlier| base.is_none() && has_all_but_the_newest(earlier, set)),
            lacks_versions: options.base.is_some_and(|base| lacks_versions(set, base)),
            published: texts.map(|text| text.checksum.as_str()).collect(),
            downs_from: options.downs_from,
        }
    }

    /// How many of the first versions a database that exists has and a new one has too, as the same texts: those of the base,
    /// or all but the newest. None where one of the base is missing or another text.
    fn published_versions(&self, parts: &[Part<'_>]) -> usize {
        let versions = parts.iter().filter(|part| !part.is_repeatable());
        let Some(base) = self.base else {
            return versions.count().saturating_sub(1);
        };
        let is_same = |(old, part): (&Migration, &Part<'_>)| {
            let new = part.migration;
            old.key == new.key && old.up.checksum == new.up.checksum
        };
        let of_base = base.versioned.len();
        let same = base
            .versioned
            .iter()
            .zip(versions)
            .filter(|it| is_same(*it));
        match same.count() == of_base {
            true => of_base,
            false => 0,
        }
    }

    /// Whether a down file without a statement is published.
    fn has_no_down(&self, migration: &Migration) -> bool {
        let down = migration.no_down.as_ref();
        down.is_some_and(|down| self.published.contains(down.checksum.as_str()))
    }

    /// Whether a down file is not to be judged.
    fn is_old(&self, migration: &Migration, down: &Text) -> bool {
        let of_base = |base: &Migrations| {
            let old = base.get(&migration.key).and_then(|it| it.down.as_ref());
            old.is_some_and(|old| old.checksum == down.checksum)
        };
        let is_below = || migration.version() < self.downs_from;
        self.base.map_or_else(is_below, of_base)
    }
}

impl<'a> Part<'a> {
    fn new(migration: &'a Migration, set: &Migrations, rules: &Rules<'_>) -> Part<'a> {
        let act = |text: &Text| match rules.published.contains(text.checksum.as_str()) {
            true => Act::new(text, &set.history_table).published(),
            false => Act::new(text, &set.history_table),
        };
        let down = migration.down.as_ref().map(|down| Down {
            act: act(down),
            judged: !rules.is_old(migration, down),
        });
        Part {
            migration,
            up: act(&migration.up),
            down,
        }
    }

    /// A migration that databases have applied.
    fn published(migration: &'a Migration, set: &Migrations) -> Part<'a> {
        Part {
            migration,
            up: Act::new(&migration.up, &set.history_table).published(),
            down: None,
        }
    }

    fn acts(&self) -> impl Iterator<Item = &Act> {
        let down = self.down.as_ref().map(|down| &down.act);
        [Some(&self.up), down].into_iter().flatten()
    }

    fn key(&self) -> &'a Key {
        &self.migration.key
    }

    fn is_repeatable(&self) -> bool {
        matches!(self.migration.key, Key::Repeatable(_))
    }
}

/// Whether the migrations as they were before the newest version have the one before that: where several versions came at
/// once, no database was ever at the one before the newest.
fn has_all_but_the_newest(earlier: &Migrations, set: &Migrations) -> bool {
    let mut versions = set.versioned.iter().rev();
    let (newest, older) = (versions.next(), versions.next());
    let has = |it: &Migration| earlier.get(&it.key).is_some();
    newest.is_some_and(|newest| !has(newest)) && older.is_some_and(has)
}

/// Whether all that is published is still there and does the same. Where it is not, that is reported by itself, and both
/// databases differ for it.
fn is_intact(base: &Migrations, set: &Migrations) -> bool {
    base.versioned.iter().all(|old| {
        set.get(&old.key).is_some_and(|now| {
            now.up.checksum == old.up.checksum
                || meaning(&now.up.source.text) == meaning(&old.up.source.text)
        })
    })
}

/// Reports the views and triggers that do not compile at the end, and returns them.
async fn judge(
    fresh: &Fresh<'_>,
    existing: Option<&Existing<'_>>,
    checked: &mut Checked,
) -> Result<Vec<Object>, DbError> {
    let mut of_fresh = uncompiled(&fresh.rehearsal, &fresh.ran).await?;
    let mut of_existing = match existing {
        Some(existing) => uncompiled(&existing.rehearsal, &existing.ran).await?,
        None => Uncompiled::default(),
    };
    let named = of_fresh
        .objects()
        .chain(of_existing.objects())
        .cloned()
        .collect();
    of_existing.broken.retain_mut(|other| {
        let same = of_fresh.broken.iter_mut().find(|it| it.is_as(other));
        same.map(|same| same.everywhere = true).is_none()
    });
    let was = |it: &compiles::Culprit<'_>| existing.is_some_and(|existing| existing.was_broken(it));
    let problems = of_fresh
        .broken
        .iter()
        .map(|it| (it, it.diagnostic("a new database", existing.is_some())))
        .chain(
            of_existing
                .broken
                .iter()
                .map(|it| (it, it.diagnostic("a database that exists", true))),
        );
    for (it, problem) in problems {
        checked.problems.push(match was(it) {
            true => problem.warning(),
            false => problem,
        });
    }
    checked.problems.extend(of_fresh.unknown());
    Ok(named)
}

/// In what the two databases differ at the end. `named` are objects that are reported already.
fn differences(
    fresh: &Snapshot,
    existing: &Snapshot,
    named: &[Object],
    built: &Existing<'_>,
) -> Vec<Difference> {
    let mut differences = changes(fresh, existing);
    differences.retain(|difference| {
        let object = difference.object();
        let is_it = |named: &Object| {
            (named.kind, named.name.to_ascii_lowercase())
                == (object.kind, object.name.to_ascii_lowercase())
        };
        // What a deleted file has made and nothing drops is reported against the base.
        let is_left = matches!(difference, Difference::Unexpected { .. })
            && built.is_of_a_deleted_file(object);
        !is_left && !named.iter().any(is_it)
    });
    differences
}

/// Whether the two databases differ only where the repeatable migrations are unchanged, and that is a guess.
async fn is_for_unchanged_texts(
    fresh: &Snapshot,
    named: &[Object],
    existing: &Existing<'_>,
) -> Result<bool, DbError> {
    if !existing.is_guess() {
        return Ok(false);
    }
    let Some(again) = existing.with_repeatables_again().await? else {
        return Ok(false);
    };
    let again = again.snapshot().await?;
    Ok(differences(fresh, &again, named, existing).is_empty())
}

/// The two databases end with the same schema only where the repeatable migrations run again behind the newest version.
fn differ_if_unchanged(differences: &[Difference], built: &Existing<'_>) -> Diagnostic {
    let makers = makers(differences, built);
    let problem = differ(differences, built);
    let problem = Diagnostic {
        message: format!(
            "{} unless the text of {} has changed too: a repeatable migration runs again only then",
            problem.message,
            in_words(&makers)
        ),
        help: vec![runs_again(&makers)],
        ..problem.warning()
    };
    let problem = match makers.first() {
        Some(maker) => problem.about(maker.key()).in_file(maker.up.file()),
        None => problem,
    };
    problem.help("`seedbed check --base REF` knows what has changed, where REF is what is deployed")
}

/// The repeatable migrations that make what differs, and did not run behind the new versions.
fn makers<'e>(differences: &[Difference], built: &'e Existing<'_>) -> Vec<&'e Part<'e>> {
    let late = built.late();
    let mut makers: Vec<&Part<'_>> = Vec::new();
    for maker in differences
        .iter()
        .flat_map(|it| built.makers_of(it.object()))
    {
        let is_known = |known: &&Part<'_>| known.key() == maker.key();
        if !late.contains(maker.key()) && !makers.iter().any(is_known) {
            makers.push(maker);
        }
    }
    makers
}

fn in_words(makers: &[&Part<'_>]) -> String {
    let keys: Vec<String> = makers.iter().map(|part| part.key().to_string()).collect();
    match keys.as_slice() {
        [] => "the repeatable migrations".to_owned(),
        keys => keys.join(", "),
    }
}

/// What lets them run behind the new versions.
fn runs_again(makers: &[&Part<'_>]) -> String {
    format!(
        "to run {} again behind the newest version, change its text, a comment for example",
        in_words(makers)
    )
}

/// The two databases do not end with the same schema.
fn differ(differences: &[Difference], built: &Existing<'_>) -> Diagnostic {
    let lines = differences.iter().take(10).map(|difference| {
        let object = difference.object();
        let which = match difference {
            Difference::Missing { .. } => "is only in a new database",
            Difference::Unexpected { .. } => "is only in a database that exists",
            Difference::Different { .. } => "is different in the two",
        };
        format!("{} {} {which}", object.kind.word(), object.name)
    });
    let mut lines: Vec<String> = lines.collect();
    if differences.len() > lines.len() {
        lines.push(format!("and {} more", differences.len() - lines.len()));
    }
    let problem = Diagnostic::problem(
        "schemas-differ",
        "a new database and a database that exists do not end with the same schema",
    );
    let mut problem = described(problem, differences, "in a new database");
    if let Some(diff) = &mut problem.diff {
        diff.after_name = "in a database that exists".to_owned();
    }
    problem.notes = vec![lines.join("\n")];
    if let Some(file) = built.newest_file() {
        problem = problem.in_file(file);
    }
    let makers = makers(differences, built);
    problem
        .help(format!(
            "a new database runs all versions, then the repeatable migrations; a database that exists has {}: make both \
             orders come to the same",
            built.order()
        ))
        .helps((!makers.is_empty()).then(|| runs_again(&makers)))
}

#[cfg(test)]
mod tests;
