//! What must hold before any row is looked at: the mark of the database, its schema, and the files that belong together.
//! Pure.

use super::lineage::Lineage;
use super::model::{SeedFile, Spanned};
use super::set::{Choice, Seeds};
use super::{Refresh, SeedOptions};
use crate::db::Engine;
use crate::diagnostic::{Diagnostic, typed};
use crate::history::{History, ROWS, State};
use crate::migrations::{self, Migrations, PlanOptions};
use crate::nearest::nearest;
use crate::script::Key;

/// All of it.
pub(super) fn guards(
    seeds: &Seeds,
    files: &[&SeedFile],
    set: &Migrations,
    (history, lineage): (&History, &Lineage),
    options: &SeedOptions,
) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    problems.extend(mark(history, options));
    problems.extend(schema(set, history, options));
    problems.extend(choice(seeds, files, options));
    for file in files {
        problems.extend(requires(file, history, set));
        problems.extend(depends_on(file, files, seeds, &options.choice.environment));
    }
    problems.extend(missing(seeds, history, lineage));
    problems
}

/// What is known before any migration runs to stand in the way of the seeds: what is wrong with the files and with the
/// choice of them.
pub fn before_migrating(
    seeds: &Seeds,
    set: &Migrations,
    history: &History,
    options: &SeedOptions,
) -> Vec<Diagnostic> {
    let files = seeds.select(&options.choice);
    let mut problems = seeds.problems.clone();
    problems.extend(mark(history, options));
    problems.extend(choice(seeds, &files, options));
    for file in &files {
        // No migration helps against these two.
        let fit = fit(file, history, set);
        if matches!(fit, Fit::NoSuchVersion(_) | Fit::TooNew) {
            problems.extend(requires(file, history, set));
        }
        problems.extend(depends_on(file, &files, seeds, &options.choice.environment));
    }
    problems.retain(Diagnostic::is_error);
    problems
}

/// A database that is marked as another environment takes no rows of this one.
fn mark(history: &History, options: &SeedOptions) -> Option<Diagnostic> {
    let wanted = &options.choice.environment;
    if let Some(mark) = options.mark.as_ref().filter(|mark| *mark != wanted) {
        let message =
            format!("the database cannot be marked `{mark}` and get the seeds for `{wanted}`");
        let help = format!("`seed --env {mark} --mark {mark}`");
        return Some(Diagnostic::problem("other-environment", message).help(help));
    }
    let mark = history
        .environment
        .as_ref()
        .filter(|mark| *mark != wanted)?;
    if options.mark.is_some() {
        return None;
    }
    let message = format!("this database is marked `{mark}`, and these seeds are for `{wanted}`");
    Some(
        Diagnostic::problem("other-environment", message).help(format!(
            "check whether this is the database that you meant; `seed --env {wanted} --mark {wanted}` marks it as \
             `{wanted}`, and it gets rows that `{mark}` should not have"
        )),
    )
}

/// The `no-transaction` migration that another process may still run.
pub(super) fn under_way(history: &History) -> Option<&Key> {
    let mut rows = history.rows.iter();
    let started = rows.find(|row| row.state == State::Started);
    started.map(|row| &row.key)
}

/// Rows are written for the schema that the migrations make.
fn schema(set: &Migrations, history: &History, options: &SeedOptions) -> Option<Diagnostic> {
    if let Some(key) = under_way(history) {
        let message = format!("{key} was begun and not finished");
        return Some(
            Diagnostic::problem("started", message)
                .about(key)
                .help(format!(
                    "`repair {key} --applied` or `--retry`, if no process runs it any more"
                )),
        );
    }
    let plan = migrations::plan(set, history, &PlanOptions::default());
    if plan.problems.iter().any(Diagnostic::is_error) {
        let message = "the migrations and this database do not fit together";
        return Some(
            Diagnostic::problem("migrations", message).help("`status` says what is wrong"),
        );
    }
    let pending: Vec<String> = plan
        .scripts
        .iter()
        .flat_map(|script| &script.units)
        .map(|unit| unit.record.key().to_string())
        .collect();
    let (first, last) = (pending.first()?, pending.last()?);
    let which = match pending.len() {
        1 => format!("{first} is pending"),
        2 => format!("{first} and {last} are pending"),
        more => format!("{first} to {last} are pending, {more} migrations"),
    };
    Some(
        Diagnostic::problem(
            "pending",
            format!("{which}, and rows are written for the schema after them"),
        )
        .help(migrate_and_seed(history, options)),
    )
}

/// The commands that come before these seeds, or do both. `migrate --seed` without the choice of this run would write
/// other rows, and mark the database as another environment.
fn migrate_and_seed(history: &History, options: &SeedOptions) -> String {
    let first = "`migrate` first";
    // What `migrate` has no option for.
    if options.mark.is_some() || options.refresh != Refresh::default() {
        return format!("{first}, then run this again");
    }
    let Choice { environment, tags } = &options.choice;
    let mut command = format!("migrate --seed --env {}", typed([environment].into_iter()));
    for tag in tags {
        command.push_str(&format!(" --tag {}", typed([tag].into_iter())));
    }
    if history.engine != Engine::Local && environment != "prod" {
        command.push_str(" --allow-remote-seed");
    }
    format!("{first}, or `{command}` for both")
}

/// There is something to seed, and every tag means something.
fn choice(seeds: &Seeds, files: &[&SeedFile], options: &SeedOptions) -> Vec<Diagnostic> {
    let environment = &options.choice.environment;
    let mut problems: Vec<Diagnostic> = seeds
        .unknown_tags(&options.choice)
        .into_iter()
        .map(|(tag, nearest)| {
            let message = format!("no seed for `{environment}` has tag `{tag}`");
            let mut problem = Diagnostic::problem("unknown-tag", message);
            problem
                .help
                .extend(nearest.map(|it| format!("did you mean `{it}`?")));
            problem
        })
        .collect();
    if files.is_empty() && !seeds.problems.iter().any(Diagnostic::is_error) {
        let known = seeds.environments();
        let names: Vec<&str> = known.iter().map(String::as_str).collect();
        let message = format!("no seed is for environment `{environment}`");
        let mut problem = Diagnostic::problem("no-seeds", message);
        problem.help.push(match nearest(environment, &names) {
            Some(it) => format!("did you mean `{it}`?"),
            None if names.is_empty() => {
                "write a first seed into the folder of the seeds".to_owned()
            }
            None => format!("there are seeds for {}", names.join(", ")),
        });
        problems.push(problem);
    }
    problems
}

/// How the schema of a database stands to the versions that a seed is for.
enum Fit {
    Fits,
    /// Migrations that are pending lead there.
    TooOld,
    /// No migration leads there; the newest has this version.
    NoSuchVersion(Option<i64>),
    TooNew,
}

fn fit(file: &SeedFile, history: &History, set: &Migrations) -> Fit {
    let Some(requires) = &file.settings.requires else {
        return Fit::Fits;
    };
    let version = history.version().unwrap_or(0);
    if requires.value.to.is_some_and(|to| version > to) {
        return Fit::TooNew;
    }
    match version < requires.value.from {
        true if set.newest().is_some_and(|it| it >= requires.value.from) => Fit::TooOld,
        true => Fit::NoSuchVersion(set.newest()),
        false => Fit::Fits,
    }
}

pub(super) fn requires(file: &SeedFile, history: &History, set: &Migrations) -> Option<Diagnostic> {
    let requires = file.settings.requires.as_ref()?;
    let help = match fit(file, history, set) {
        Fit::Fits => return None,
        Fit::TooOld => "`migrate` first".to_owned(),
        Fit::NoSuchVersion(Some(newest)) => {
            format!("the newest migration is V{newest}: correct `requires`, or add the migration")
        }
        Fit::NoSuchVersion(None) => {
            "there is no migration: correct `requires`, or add the migration".to_owned()
        }
        Fit::TooNew => "bring the seed up to the schema, then say so in `requires`".to_owned(),
    };
    let wanted = match requires.value.to {
        Some(to) => format!("V{} to V{to}", requires.value.from),
        None => format!("V{} or later", requires.value.from),
    };
    let at = match history.version() {
        Some(version) => format!("is at V{version}"),
        None => "has no migration".to_owned(),
    };
    Some(
        Diagnostic::problem(
            "requires",
            format!("this seed fits {wanted}, and the database {at}"),
        )
        .at(file.origin(&requires.span()))
        .help(help),
    )
}

/// Seeds of an environment that one tag chooses without a seed on which they depend.
pub(super) fn left_out(seeds: &Seeds, environment: &str) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for file in seeds.files.iter().filter(|file| file.is_for(environment)) {
        let own = &file.settings.tags;
        for name in &file.settings.depends_on {
            let there = seeds.files.iter().find(|it| it.name == name.value);
            let there = there.filter(|it| it.is_for(environment));
            let Some(([first, ..], there)) = there.map(|it| (it.settings.tags.as_slice(), it))
            else {
                continue;
            };
            let is_shared =
                |tag: &&Spanned<String>| there.settings.tags.iter().any(|it| it.value == tag.value);
            let (command, both) = match own.iter().find(|tag| !is_shared(tag)) {
                Some(tag) => {
                    let tag = &tag.value;
                    (
                        format!("seed --tag {tag}"),
                        format!("seed --tag {tag} --tag {}", first.value),
                    )
                }
                None if own.is_empty() => {
                    ("seed".to_owned(), format!("seed --tag {}", first.value))
                }
                None => continue,
            };
            let message = format!(
                "`{command}` would take {} and leave `{}` out, on which it depends",
                file.name, name.value
            );
            let help = format!(
                "`{both}` takes both; or give {} the tags of `{}` and no others",
                file.name, name.value
            );
            let problem = Diagnostic::problem("depends-on", message).warning();
            problems.push(problem.at(file.origin(&name.span())).help(help));
        }
    }
    problems
}

fn depends_on(
    file: &SeedFile,
    files: &[&SeedFile],
    seeds: &Seeds,
    environment: &str,
) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    for name in &file.settings.depends_on {
        if files.iter().any(|it| it.name == name.value) {
            continue;
        }
        let known: Vec<&str> = seeds.files.iter().map(|it| it.name.as_str()).collect();
        let there = seeds.files.iter().find(|it| it.name == name.value);
        let tags = there
            .filter(|it| it.is_for(environment))
            .map(|it| it.settings.tags.as_slice());
        let message = match (there, tags) {
            (_, Some([tag, ..])) => {
                format!(
                    "`{}` has tags, and is seeded only with `--tag {}`",
                    name.value, tag.value
                )
            }
            (Some(_), _) => format!("`{}` is not for environment {environment}", name.value),
            (None, _) => format!("there is no seed `{}`", name.value),
        };
        let mut problem = Diagnostic::problem("depends-on", message).at(file.origin(&name.span()));
        problem.help.extend(match (there, tags) {
            (_, Some([tag, ..])) => Some(format!(
                "add `--tag {}`, or give {} the same tags",
                tag.value, file.name
            )),
            (Some(_), _) => Some(format!(
                "give {} the environments of `{}`, or `{}` this one",
                file.name, name.value, name.value
            )),
            (None, _) => nearest(&name.value, &known).map(|it| format!("did you mean `{it}`?")),
        });
        problems.push(problem);
    }
    problems
}

/// Files that were applied and are gone, and that no other file continues.
fn missing(seeds: &Seeds, history: &History, lineage: &Lineage) -> Vec<Diagnostic> {
    let rows = history.rows.iter().filter_map(|row| match &row.key {
        Key::Seed(name) => Some((name, row)),
        _ => None,
    });
    let is_gone = |(name, _): &(&String, _)| !seeds.files.iter().any(|file| file.name == **name);
    rows.filter(is_gone)
        .filter(|(name, _)| !lineage.continues(name))
        .map(|(name, row)| {
            // A file that only overrides rows of others has none of its own.
            let has_rows = row.detail.get(ROWS).and_then(serde_json::Value::as_u64) != Some(0);
            let rows = if has_rows { "; its rows stay" } else { "" };
            let message = format!("seed {name} was applied, and its file is gone{rows}");
            let help = format!(
                "`seed forget {name}` ends the seed; a file with another name continues it with `_seed: {{_was: {name}}}`"
            );
            Diagnostic::problem("missing", message).warning().help(help)
        })
        .collect()
}
