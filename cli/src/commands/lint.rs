//! `lint`: what migrations do to rows, readers and other engines.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::files;
use crate::args::{self, Format};
use crate::exit::Exit;
use crate::session::{Ending, Session, Stopped};
use seedbed::config::Project;
use seedbed::diagnostic::{Class, Diagnostic, Severity};
use seedbed::lint::{self, Environment, Options, Placement, Runs, Seed, Target};
use seedbed::migrations::{self, Base, Migration, Migrations, PlanOptions, State};
use seedbed::nearest::nearest;
use seedbed::report::{self, Document, Report};
use seedbed::rules::{RULES, rule};
use seedbed::script::{Key, Source};

/// `lint`
pub(crate) async fn lint(session: &Session, flags: &args::Lint) -> Ending {
    if let Some(code) = &flags.explain {
        return explain(session, code);
    }
    let project = session.project()?;
    let mut set = session.migrations(&project.migrations.value, project.layout.as_ref())?;
    set.history_table = project.history_table.value.clone();
    let base = match &flags.base {
        Some(reference) => Some(files::base(session, &project, reference)?),
        None => None,
    };
    if let Some(base) = &base {
        set.keep_numbers_of(base);
    }
    let faults: Vec<Diagnostic> = set
        .problems
        .iter()
        .filter(|it| it.is_error())
        .cloned()
        .collect();
    if !faults.is_empty() {
        return Err(session.stopped(Report::problems(&faults)));
    }
    let opened = match session.names_a_database() {
        true => Some(session.open(None).await?),
        false => None,
    };
    let db = opened
        .as_ref()
        .map(|opened| opened.db.offline().unwrap_or_else(|| opened.db.clone()));
    let mut seeds = seeds(session, &project)?;
    let chosen = match (flags.files.as_slice(), &base, &db) {
        ([], Some(base), _) => Some(changed(&set, base)),
        ([], None, Some(db)) => Some(pending(session, &set, db).await?),
        ([], None, None) => None,
        (named, ..) => Some(by_name(session, &set, &mut seeds, named)?),
    };
    if let ([], Some(reference)) = (flags.files.as_slice(), &flags.base) {
        let changed = files::changed_since(session, &project.seeds.value, reference)?;
        seeds.retain(|seed| {
            let mut changed = changed.iter();
            changed.any(|path| {
                real(session, seed.name()) == project.seeds.value.join(path).canonicalize().ok()
            })
        });
    }
    let queries = queries(session, &project);
    let is_new = |it: &Migration| {
        chosen
            .as_ref()
            .is_none_or(|chosen| chosen.contains(&it.key))
    };
    let options = options(session, &project, flags.target, &queries);
    let options = Options {
        runner: flags.runner.or(options.runner),
        runs: match flags.each {
            true => Runs::EachFile,
            false => Runs::Together,
        },
        placement: match flags.files.is_empty() {
            true => Placement::BehindOthers,
            false => Placement::InPlace,
        },
        seeds: &seeds,
        ..options
    };
    let linted = lint::lint(&set, &is_new, &options, db.as_ref()).await;
    let mut linted = linted.map_err(|error| session.stopped(Report::history(&error.into())))?;
    if let Some(base) = &base {
        let problems = migrations::check_against(&set, base);
        let mut of_base: Vec<Diagnostic> = problems
            .iter()
            .filter(|it| it.is_error())
            .map(lint::changed_in_base)
            .collect();
        lint::at_levels(&mut of_base, &project.lint.levels.value);
        linted.findings.splice(0..0, of_base);
    }
    let exit = shown(session, &linted, flags.strict);
    if chosen.is_none() && !flags.each && linted.findings.is_empty() && set.versioned.len() > 1 {
        session.terminal.words(&format!(
            "all files were looked at as one run on a new database: `{} lint --each` looks at each as if it were new",
            session.program
        ));
    }
    Ok(exit)
}

/// The errors of `lint` for the files that `check` treats as new. What it reports of the same place under a code of its own
/// is not repeated.
pub(super) async fn of_check(
    session: &Session,
    project: &Project,
    set: &Migrations,
    base: Option<&Base>,
    known: &[Diagnostic],
) -> Result<Vec<Diagnostic>, Stopped> {
    let newest = set.versioned.last().map(|it| it.key.clone());
    let chosen = match base {
        Some(base) => changed(set, base),
        None => newest.into_iter().collect(),
    };
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let is_new = |it: &Migration| chosen.contains(&it.key);
    let linted = lint::lint(set, &is_new, &options(session, project, None, &[]), None).await;
    let linted = linted.map_err(|error| session.stopped(Report::history(&error.into())))?;
    let place = |it: &Diagnostic| {
        let (file, line, column) = it.location.as_ref()?.place();
        Some((file.to_owned(), line?, column))
    };
    let is_new = |it: &Diagnostic| {
        let is_same = |known: &Diagnostic| {
            let same_place = place(known).is_some_and(|known| Some(known) == place(it));
            let same_rule = known.code == it.code && known.file() == it.file();
            let same_matter = SAME_MATTER.contains(&(known.code, it.code));
            same_place || same_rule || same_matter || fails_there(known, it)
        };
        it.is_error() && !known.iter().any(is_same)
    };
    Ok(linted.findings.into_iter().filter(is_new).collect())
}

/// Codes of `check` that are about the same matter as a rule, wherever they report it.
const SAME_MATTER: [(&str, &str); 5] = [
    ("does-not-compile", "DP401"),
    ("foreign-key-mismatch", "DP402"),
    ("lost-parent", "DP402"),
    ("foreign-key-mismatch", "DP404"),
    ("lost-parent", "DP404"),
];

/// Whether a statement fails in memory that a rule is about: one points at the statement, or at a token of it.
fn fails_there(known: &Diagnostic, it: &Diagnostic) -> bool {
    let (Some(failed), Some(found)) = (known.origin(), it.origin()) else {
        return false;
    };
    known.code == "fails"
        && failed.source.name == found.source.name
        && failed.span.start < found.span.end
        && found.span.start < failed.span.end
}

/// The files of the folder `queries` in the project, where there is one.
fn queries(session: &Session, project: &Project) -> Vec<Arc<Source>> {
    sources(session, &project.root.join("queries"))
}

/// The files of seeds that rules are about: those of SQL, which other tools run, and Seedbed's own that delete rows.
fn seeds(session: &Session, project: &Project) -> Result<Vec<Seed>, Stopped> {
    let folder = &project.seeds.value;
    let ours = super::seeds::read(session, folder)?;
    let mut found = Vec::new();
    for source in sources(session, folder) {
        let path = session.cwd.join(&source.name);
        let below = path.strip_prefix(folder).unwrap_or(&path);
        // What a seed takes a value from is no file that runs.
        let is_value = ours.attachments.keys().any(|it| below == Path::new(it));
        let first = below.components().next().map(|it| it.as_os_str());
        let environment = match first.and_then(|it| it.to_str()) {
            Some("prod" | "production") => Environment::Production,
            _ => Environment::Other,
        };
        if !is_value {
            found.push(Seed::Sql {
                source,
                environment,
            });
        }
    }
    found.extend(ours.files.iter().filter_map(Seed::of));
    Ok(found)
}

/// The files of SQL below a folder.
fn sources(session: &Session, folder: &Path) -> Vec<Arc<Source>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for path in entries.flatten().map(|entry| entry.path()) {
            let is_sql = path.extension().is_some_and(|it| it == "sql");
            if path.is_dir() {
                folders.push(path);
            } else if is_sql && let Ok(text) = seedbed::regular::text(&path) {
                let shown = path.strip_prefix(&session.cwd).unwrap_or(&path);
                let name = shown.to_string_lossy().replace('\\', "/");
                let text = text.into();
                found.push(Arc::new(Source { name, text }));
            }
        }
    }
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found
}

fn options<'a>(
    session: &Session,
    project: &'a Project,
    target: Option<Target>,
    queries: &'a [Arc<Source>],
) -> Options<'a> {
    let of_settings = match session.named_servers().is_empty() {
        true => Target::Local,
        false => Target::Libsql,
    };
    let named = project.lint.target.as_ref().map(|it| it.value);
    Options {
        runner: project.lint.runner.as_ref().map(|it| it.value),
        target: target.or(named).unwrap_or(of_settings),
        levels: &project.lint.levels.value,
        runs: Runs::Together,
        placement: Placement::BehindOthers,
        queries,
        seeds: &[],
    }
}

/// The migrations that are new or changed since the base.
fn changed(set: &Migrations, base: &Base) -> HashSet<Key> {
    let is_as_it_was = |it: &Migration| {
        base.common
            .get(&it.key)
            .is_some_and(|old| old.up.checksum == it.up.checksum)
    };
    set.iter()
        .filter(|it| !is_as_it_was(it))
        .map(|it| it.key.clone())
        .collect()
}

/// The migrations that a database has not applied.
async fn pending(
    session: &Session,
    set: &Migrations,
    db: &seedbed::db::Db,
) -> Result<HashSet<Key>, Stopped> {
    let history = migrations::observe(db, set).await;
    let history = history.map_err(|error| session.stopped(Report::history(&error)))?;
    let plan = migrations::plan(set, &history, &PlanOptions::default());
    let is_pending = |state: State| !matches!(state, State::Applied | State::Ahead);
    let pending = plan.items.iter().filter(|item| is_pending(item.state));
    Ok(pending.map(|item| item.key.clone()).collect())
}

/// A path as the file system has it.
fn real(session: &Session, path: &str) -> Option<PathBuf> {
    session.cwd.join(path).canonicalize().ok()
}

/// The migrations of these files. Of the seeds, those that are named are left.
fn by_name(
    session: &Session,
    set: &Migrations,
    seeds: &mut Vec<Seed>,
    named: &[String],
) -> Result<HashSet<Key>, Stopped> {
    let mut found = HashSet::new();
    let mut of_seeds = HashSet::new();
    for name in named {
        let real = |path: &str| real(session, path);
        let wanted = real(name);
        let is_it = |file: &str| {
            file == name
                || Path::new(file)
                    .file_name()
                    .is_some_and(|it| it == name.as_str())
                || (wanted.is_some() && real(file) == wanted)
        };
        let mut those = set
            .iter()
            .filter(|it| {
                let down = it
                    .down
                    .as_ref()
                    .is_some_and(|down| is_it(&down.source.name));
                is_it(&it.up.source.name) || down
            })
            .peekable();
        let is_seed = |seed: &&Seed| wanted.is_some() && real(seed.name()) == wanted;
        if let Some(seed) = seeds.iter().find(is_seed) {
            of_seeds.insert(seed.name().to_owned());
            continue;
        }
        if those.peek().is_none() {
            let message = format!("{name} is no migration of the folder, and no seed in SQL");
            let help =
                "name a file of the migrations folder; another folder is named by --migrations"
                    .to_owned();
            return Err(session.usage("no-such-file", message, Some(help)));
        }
        found.extend(those.map(|it| it.key.clone()));
    }
    seeds.retain(|seed| of_seeds.contains(seed.name()));
    Ok(found)
}

fn shown(session: &Session, linted: &lint::Linted, strict: bool) -> Exit {
    let findings = &linted.findings;
    let severity = if strict {
        Severity::Warning
    } else {
        Severity::Error
    };
    let exit = match findings.iter().any(|it| it.severity <= severity) {
        true => Exit::Stopped(Class::Lint),
        false => Exit::Done,
    };
    let report = Report::problems(findings);
    match session.terminal.format {
        Format::Json => {
            let call = session.call(None, exit);
            session.print(&Document::done_with(call, findings).with("files", json!(linted.files)));
        }
        Format::Sarif => session
            .terminal
            .data(&report::sarif(&report.diagnostics, session.style())),
        Format::Table => {
            if !findings.is_empty() {
                session
                    .terminal
                    .error(&report.text_uncounted(session.style()));
            }
            session
                .terminal
                .data(&report::linted(linted.files, findings, linted.questions));
        }
    }
    session.annotate(&report);
    exit
}

fn explain(session: &Session, code: &str) -> Ending {
    let Some(rule) = rule(code) else {
        let codes: Vec<&str> = RULES.iter().map(|rule| rule.code).collect();
        let help = match nearest(code, &codes) {
            Some(near) => format!("did you mean `lint --explain {near}`?"),
            None => format!("the codes are: {}", codes.join(", ")),
        };
        return Err(session.usage(
            "no-such-rule",
            format!("there is no rule {code}"),
            Some(help),
        ));
    };
    let text = report::explained(rule);
    if session.terminal.format == Format::Json {
        let document = Document::done(session.call(None, Exit::Done))
            .with("code", rule.code)
            .with("severity", rule.severity.word())
            .with("title", rule.title)
            .with("text", lint::explanation(rule.code));
        session.print(&document);
    } else {
        session.terminal.data(&text);
    }
    Ok(Exit::Done)
}
