//! The commands that need no database: they read and write the files of a project.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::json;

use crate::args::{self, Format};
use crate::exit::Exit;
use crate::init::{
    self, Dependency, Existing, InitError, InitOptions, Kind, Places, Survey, Wrote,
};
use crate::session::{Ending, Session, Stopped};
use seedbed::config::{self, Database, DotEnv, Project, Sources, TomlText};
use seedbed::diagnostic::{Class, Diagnostic};
use seedbed::history::History;
use seedbed::layouts::Layout;
use seedbed::lint;
use seedbed::migrations::{
    self, Base, CheckOptions, CreateError, DataTests, Fetchable, Files, GitError, Known,
    Migrations, NewOptions, Numbering, ReadError, Rename, RenumberError, Renumbered, Which,
};
use seedbed::report::{self, Call, Document, Report, Style};
use seedbed::seeds;

/// `check`
pub(crate) async fn check(session: &Session, flags: &args::Check) -> Ending {
    let project = session.project()?;
    let mut set = session.migrations(&project.migrations.value, project.layout.as_ref())?;
    let base = match &flags.base {
        Some(reference) => Some(self::base(session, &project, reference)?),
        None => None,
    };
    if let Some(base) = &base {
        set.keep_numbers_of(base);
    }
    set.history_table = project.history_table.value.clone();
    let data_tests = data_tests(session, &project)?;
    // Where git does not tell, check takes the repeatable migrations to be unchanged.
    let earlier = match &base {
        Some(_) => None,
        None => before_newest(session, &project, &set),
    };
    let options = CheckOptions::default()
        .data_tests(Some(&data_tests))
        .base(base.as_ref())
        .earlier(earlier.as_ref())
        .downs_from(project.downs_from.as_ref().map(|version| version.value))
        .servers(session.named_servers());
    let checked = migrations::check(&set, &options)
        .await
        .map_err(|error| session.stopped(Report::history(&error.into())))?;
    // A file that the base has and this folder lacks is why others fail: the cause comes first.
    let mut problems = match &base {
        Some(base) => migrations::check_against(&set, base),
        None => Vec::new(),
    };
    problems.extend_from_slice(&checked.problems);
    if base.is_none() {
        problems.extend(migrations::same_texts(&set));
    }
    lint::at_levels(&mut problems, &project.lint.levels.value);
    // With a version of no file or of several, what comes after it would fail for that alone.
    if !set.problems.iter().any(Diagnostic::is_error) {
        problems.extend(
            super::lint::of_check(session, &project, &set, base.as_ref(), &problems).await?,
        );
    }
    let seeds = super::seeds::read(session, &project.seeds.value)?;
    let seeds = seeds::check(&seeds, &set, checked.database.as_ref(), SystemTime::now())
        .await
        .map_err(|error| session.stopped(Report::history(&error)))?;
    let mut report = Report::problems(&problems);
    let of_seeds = Report::problems(&seeds.problems);
    report.diagnostics.extend(of_seeds.diagnostics);
    if report.class().is_some() {
        return Err(session.stopped(report));
    }
    let count = set.iter().count();
    let document = |call: Call<'_>| Document::checked(call, count, &checked, &seeds);
    let text = |_: Style<'_>| report::checked(count, &checked, &seeds);
    session.result(None, Exit::Done, document, text);
    session.warn(&problems);
    session.warn(&seeds.problems);
    Ok(Exit::Done)
}

/// The data tests of a project. A folder that the settings name has to be there.
fn data_tests(session: &Session, project: &Project) -> Result<DataTests, Stopped> {
    let folder = &project.data_tests;
    let unread = |error: &ReadError| session.stopped(Report::files(error));
    if folder.value != project.migrations.value.join("tests") && !folder.value.is_dir() {
        let path = shown(session, &folder.value).to_path_buf();
        return Err(unread(&ReadError::NoDirectory { path }));
    }
    DataTests::read_dir(shown(session, &folder.value)).map_err(|error| unread(&error))
}

fn git(session: &Session, error: &GitError) -> Stopped {
    let fetch;
    let (class, help) = match error {
        GitError::NoGit(_) => (Class::Failed, "--base needs the git program: install it"),
        GitError::NoRepository { .. } => (
            Class::Usage,
            "run it inside of a repository, or leave --base away",
        ),
        GitError::UnknownRef {
            reference,
            fetchable,
        } => {
            fetch = unknown_commit(reference, *fetchable);
            (Class::Usage, fetch.as_str())
        }
        GitError::Shallow { .. } => (
            Class::Usage,
            "fetch the rest: `git fetch --unshallow`; with actions/checkout, set `fetch-depth: 0`",
        ),
        GitError::Partial { .. } => (
            Class::Failed,
            "fetch all files while the remote can be reached: `git fetch --refetch --no-filter`; with actions/checkout, \
             leave `filter` away",
        ),
        _ => (Class::Failed, "run that git command by hand to see more"),
    };
    let diagnostic = Diagnostic::error("git", with_cause(error)).class(class);
    session.stopped(diagnostic.help(help))
}

/// What to do about a commit that git does not know.
fn unknown_commit(reference: &str, fetchable: Fetchable) -> String {
    if fetchable == Fetchable::Nowhere {
        return "this repository has no remote to fetch it from: name a branch that `git branch` lists, or a commit".to_owned();
    }
    let name = reference.strip_prefix("origin/").unwrap_or(reference);
    if fetchable == Fetchable::BehindShallow {
        if let Some(number) = commits_back(reference) {
            return format!(
                "this is a shallow clone: `git fetch --deepen={number}` fetches the commits before; with actions/checkout, \
                 set `fetch-depth: {}`",
                number + 1
            );
        }
        if name.len() >= 7 && name.chars().all(|c| c.is_ascii_hexdigit()) {
            return "this is a shallow clone: `git fetch --unshallow` fetches all commits; with actions/checkout, set \
                    `fetch-depth: 0`"
                .to_owned();
        }
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    let branch = Some(name).filter(|it| it.chars().all(is_plain));
    let branch = branch.unwrap_or("main");
    // A clone of one branch would only write FETCH_HEAD without the second half.
    format!(
        "fetch it first: `git fetch origin {branch}:refs/remotes/origin/{branch}`, then `--base origin/{branch}`"
    )
}

/// How many commits a reference goes back: 3 for `HEAD~2^`. None where it names a commit without such a step.
fn commits_back(reference: &str) -> Option<u32> {
    let at = reference.find(['~', '^'])?;
    let mut back: u32 = 0;
    for step in reference[at..]
        .split_inclusive(['~', '^'])
        .skip(1)
        .chain([""])
    {
        let number = step.trim_end_matches(['~', '^']);
        back = back.saturating_add(number.parse().unwrap_or(1));
    }
    Some(back)
}

/// `new`
pub(crate) fn new(session: &Session, flags: &args::New) -> Ending {
    let project = session.project()?;
    let options = NewOptions::new(flags.name.join(" "))
        .layout(layout(session, &project)?)
        .numbering(if flags.timestamp {
            Numbering::Timestamp
        } else {
            Numbering::AsNewest
        })
        .files(if flags.down {
            Files::UpAndDown
        } else {
            Files::Up
        });
    let directory = shown(session, &project.migrations.value);
    let paths = migrations::create(directory, &options, SystemTime::now())
        .map_err(|error| not_created(session, &error))?;
    let paths: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let document = |call: Call<'_>| Document::done(call).with("files", paths.as_slice());
    session.result(None, Exit::Done, document, |_| paths.join("\n"));
    Ok(Exit::Done)
}

/// The layout of the folder; of one that is not there yet, the chosen one.
fn layout(session: &Session, project: &Project) -> Result<Layout, Stopped> {
    let choice = project.layout.as_ref().map(|it| it.value);
    let folder = shown(session, &project.migrations.value);
    match migrations::layout_of(folder, choice) {
        Ok(layout) => Ok(layout),
        Err(error) => Err(session.stopped(Report::files(&error))),
    }
}

fn not_created(session: &Session, error: &CreateError) -> Stopped {
    match error {
        CreateError::NoWords { .. } => session.usage(
            "bad-name",
            error,
            Some("say what it does, in words: `new add users`".to_owned()),
        ),
        CreateError::OnlyItsTool { command, .. } => {
            session.usage("only-its-tool", error, Some(only_its_tool(command)))
        }
        CreateError::NoDownFiles { .. } => session.usage(
            "no-down-files",
            error,
            Some("leave `--down` out; what undoes it can be a new migration".to_owned()),
        ),
        CreateError::OrderOfNames { .. } => session.usage("order-of-names", error, None),
        CreateError::Read(error) => session.stopped(Report::files(error)),
        CreateError::NoVersion { .. } => {
            session.stopped(Diagnostic::problem("no-version", error.to_string()))
        }
        error => session.stopped(Diagnostic::error("write", with_cause(error))),
    }
}

/// A journal beside the files would not know what was written here.
fn only_its_tool(command: &str) -> String {
    format!("`{command}` writes an empty one and its entry in the journal")
}

/// `renumber`
pub(crate) async fn renumber(session: &Session, flags: &args::Renumber) -> Ending {
    let project = session.project()?;
    let which = match args::version(&flags.which) {
        Ok(version) => Which::Version(version),
        Err(_) => Which::File(flags.which.clone()),
    };
    let directory = shown(session, &project.migrations.value);
    let layout = layout(session, &project)?;
    if !flags.allow_applied {
        let set = session.migrations(&project.migrations.value, project.layout.as_ref())?;
        let known = Known {
            base: base_of(session, &project, flags.base.as_deref())?,
            history: applied_here(session, &set, flags.lock.lock_timeout).await,
        };
        let file = migrations::file_to_renumber(directory, layout, &which)
            .map_err(|error| not_renumbered(session, &error, Some((&known, &set))))?;
        let problems = known.keeps(&set, &file);
        if !problems.is_empty() {
            return Err(session.stopped(Report::problems(&problems)));
        }
    }
    let Renumbered { renamed, left, .. } =
        migrations::renumber(directory, layout, &which, SystemTime::now())
            .map_err(|error| not_renumbered(session, &error, None))?;
    let left: Vec<Diagnostic> = left.iter().map(left_down).collect();
    let document = |call: Call<'_>| {
        let names = renamed.iter();
        let names = names.map(|rename| json!({"from": rename.from, "to": rename.to}));
        Document::done_with(call, &left).with("renamed", names.collect::<Vec<_>>())
    };
    let text = |_: Style<'_>| {
        let lines = renamed.iter();
        let lines =
            lines.map(|rename| format!("{} -> {}", rename.from.display(), rename.to.display()));
        lines.collect::<Vec<_>>().join("\n")
    };
    session.result(None, Exit::Done, document, text);
    session.warn(&left);
    Ok(Exit::Done)
}

/// A down file that was not renamed.
fn left_down(left: &Rename) -> Diagnostic {
    let (from, to) = (left.from.display(), left.to.display());
    let message =
        format!("{from} keeps its name: its words are not those of the file that was renamed");
    Diagnostic::problem("down-left", message)
        .warning()
        .in_file(left.from.to_string_lossy())
        .help(format!(
            "if it undoes the migration that was renamed, rename it to {to}"
        ))
}

fn keeps(known: &Known, set: &Migrations, file: &str) -> bool {
    !known.keeps(set, file).is_empty()
}

/// The base whose files keep their versions. Where none is named, it is the branch that others usually work on, if there
/// is one.
fn base_of(
    session: &Session,
    project: &Project,
    named: Option<&str>,
) -> Result<Option<Base>, Stopped> {
    match named {
        Some(reference) => read_base(session, project, reference)
            .map(Some)
            .map_err(|error| git(session, &error)),
        None => {
            let directory = shown(session, &project.migrations.value);
            let layout = project.layout.as_ref().map(|it| it.value);
            Ok(migrations::read_default_base(directory, layout))
        }
    }
}

/// The base of this reference.
pub(super) fn base(session: &Session, project: &Project, reference: &str) -> Result<Base, Stopped> {
    read_base(session, project, reference).map_err(|error| git(session, &error))
}

fn before_newest(session: &Session, project: &Project, set: &Migrations) -> Option<Migrations> {
    let layout = project.layout.as_ref().map(|it| it.value);
    let directory = shown(session, &project.migrations.value);
    migrations::read_before_newest(directory, layout, set)
        .ok()
        .flatten()
}

/// The files below a folder that are new or changed against a reference of git.
pub(super) fn changed_since(
    session: &Session,
    folder: &Path,
    reference: &str,
) -> Result<Vec<String>, Stopped> {
    migrations::changed_since(folder, reference).map_err(|error| git(session, &error))
}

fn read_base(session: &Session, project: &Project, reference: &str) -> Result<Base, GitError> {
    let layout = project.layout.as_ref().map(|it| it.value);
    migrations::read_base(shown(session, &project.migrations.value), layout, reference)
}

/// The history of the database of the settings, with the recorded texts. Files can be renumbered where it cannot be read.
async fn applied_here(
    session: &Session,
    set: &Migrations,
    lock_timeout: Option<Duration>,
) -> Option<History> {
    let not_read = |why: &str| {
        session.terminal.words(&format!(
            "warning: the database of the settings was not read, so it is not known whether it has applied this \
             migration: {why}"
        ));
    };
    let opened = match session.resolved.config() {
        Ok(config) if config.database.value == Database::Memory => return None,
        Ok(_) => session.open(lock_timeout).await,
        Err(error) => {
            not_read(&error.to_string());
            return None;
        }
    };
    let opened = match opened {
        Ok(opened) => opened,
        Err(_) => {
            not_read("it cannot be opened");
            return None;
        }
    };
    // What a replica has applied is in its file.
    let db = opened.db.offline().unwrap_or(opened.db);
    match migrations::observe(&db, set).await {
        Ok(history) => Some(history),
        Err(error) => {
            not_read(&error.to_string());
            None
        }
    }
}

fn not_renumbered(
    session: &Session,
    error: &RenumberError,
    known: Option<(&Known, &Migrations)>,
) -> Stopped {
    match error {
        RenumberError::NotFound { .. } => session.stopped(
            Diagnostic::problem("no-such-version", error.to_string()).help("`status` lists them"),
        ),
        RenumberError::Several { files, .. } => {
            let keeps = |file: &&String| known.is_some_and(|(known, set)| keeps(known, set, file));
            let choice: Vec<String> = files
                .iter()
                .filter(|file| !keeps(file))
                .map(|file| format!("`renumber {file}`"))
                .collect();
            let help = match (choice.is_empty(), known) {
                (true, Some((known, set))) => known.instead_of(set, files),
                _ => vec![format!("name the file: {}", choice.join(" or "))],
            };
            let diagnostic = Diagnostic::error("several", error.to_string()).class(Class::Usage);
            session.stopped(diagnostic.helps(help))
        }
        RenumberError::NoVersion { .. } | RenumberError::NoHigher { .. } => {
            session.usage("no-version", error, None)
        }
        RenumberError::OrderOfNames { .. } => session.usage("order-of-names", error, None),
        RenumberError::OnlyItsTool { .. } => {
            let help = "`drizzle-kit drop` takes it out of the journal, and `drizzle-kit generate` writes it again with the \
                        next number";
            session.usage("only-its-tool", error, Some(help.to_owned()))
        }
        RenumberError::Read(error) => session.stopped(Report::files(error)),
        error => session.stopped(Diagnostic::error("rename", with_cause(error))),
    }
}

/// `init`
pub(crate) fn init(session: &Session, flags: &args::Init) -> Ending {
    let mut places = places(session)?;
    let existing = existing(session, &mut places);
    let survey = Survey::of(&session.cwd);
    let (seems, why) = survey.found().kind();
    let kind = match flags.kind {
        Some(kind) => kind,
        None => asked(session, seems)?,
    };
    let dependency = match (&flags.git, &flags.path) {
        (Some(url), _) => Dependency::Git(url.clone()),
        (None, Some(path)) => Dependency::Path(path.clone()),
        (None, None) => Dependency::Registry,
    };
    if kind == Kind::Program
        && flags.workflow == init::Workflow::None
        && let Some(flag) = dependency.flag()
    {
        let message = format!(
            "{flag} says from where an xtask or a workflow takes Seedbed, and this writes neither"
        );
        let help = format!("leave {flag} out, or add `--kind xtask` or `--workflow github`");
        return Err(session.usage("flag", message, Some(help)));
    }
    let options = InitOptions {
        kind,
        dependency,
        workflow: flags.workflow,
        places,
    };
    // A project that is being set up has no migrations folder and no config.toml to be found by.
    let has_settings = session.cwd.join("config.toml").exists();
    let mut wrote =
        init::init(&session.cwd, &survey, &options).map_err(|error| not_set_up(session, &error))?;
    wrote.extend(to_name(&existing, has_settings));
    let mut lines = Vec::new();
    let mut items = Vec::new();
    for (path, wrote) in &wrote {
        let path = shown(session, path).display().to_string();
        let (word, tell) = match wrote {
            Wrote::Written => ("written", None),
            Wrote::Extended => ("extended", None),
            Wrote::Replaced(why) => ("replaced", Some(why)),
            Wrote::Kept => ("kept", None),
            Wrote::TellUser(text) => ("to do", Some(text)),
        };
        match tell {
            Some(text) => lines.push(format!("{word:<9} {path}: {text}")),
            None => lines.push(format!("{word:<9} {path}")),
        }
        items.push(json!({"path": path, "did": word, "tell": tell}));
    }
    let document = |call: Call<'_>| {
        Document::done(call)
            .with("kind", kind.to_string())
            .with("files", items.as_slice())
    };
    session.result(None, Exit::Done, document, |_| lines.join("\n"));
    if session.terminal.format == Format::Json {
        return Ok(Exit::Done);
    }
    let run = match kind {
        Kind::Xtask => "cargo xtask",
        Kind::Program => "seedbed",
    };
    let told = match flags.kind {
        Some(_) => String::new(),
        None if kind != seems => String::new(),
        None => format!("kind: {kind} ({why}); `--kind` sets up another one\n"),
    };
    let next = next(run, &existing);
    session.terminal.words(&format!("\n{told}{next}"));
    Ok(Exit::Done)
}

/// The migrations that a project has before it is set up.
enum Before {
    /// None.
    Nothing,
    /// Those of the folder that its settings name.
    There(Existing),
    /// Those of another folder, which becomes the one that the settings name.
    Elsewhere(Existing),
    /// Those of several other folders.
    Several(Vec<Existing>),
}

/// Looks for migrations. Where only one other folder has some, it is the one of the project.
fn existing(session: &Session, places: &mut Places) -> Before {
    let root = &session.cwd;
    if let Some(there) = Existing::of(root, &places.migrations) {
        return Before::There(there);
    }
    let is_chosen = places.migrations != Places::default().migrations;
    if is_chosen || root.join(&places.migrations).exists() {
        return Before::Nothing;
    }
    let mut usual = Existing::usual(root);
    match usual.pop() {
        None => Before::Nothing,
        Some(only) if usual.is_empty() => {
            places.migrations.clone_from(&only.folder);
            Before::Elsewhere(only)
        }
        Some(last) => {
            usual.push(last);
            Before::Several(usual)
        }
    }
}

/// What is left to do where the settings do not name the folder that has migrations.
fn to_name(before: &Before, has_settings: bool) -> Option<(PathBuf, Wrote)> {
    let words = match before {
        Before::Elsewhere(only) if has_settings => format!(
            "write `dir = \"{}\"` under [migrations]: that folder has migrations",
            shown_folder(only)
        ),
        Before::Several(all) => {
            let all: Vec<String> = all.iter().map(shown_folder).collect();
            format!(
                "several folders have migrations ({}): to use one of them, write `dir = \"{}\"` under [migrations]",
                all.join(", "),
                all[0]
            )
        }
        Before::Nothing | Before::There(_) | Before::Elsewhere(_) => return None,
    };
    Some((PathBuf::from("config.toml"), Wrote::TellUser(words)))
}

fn shown_folder(existing: &Existing) -> String {
    existing.folder.to_string_lossy().replace('\\', "/")
}

/// What to type after a project is set up.
fn next(run: &str, before: &Before) -> String {
    let (Before::There(found) | Before::Elsewhere(found)) = before else {
        return format!("next: `{run} new create users`, write the SQL, `{run} migrate`");
    };
    let count = report::count(found.count, "migration");
    let folder = shown_folder(found);
    match found.layout {
        Layout::Seedbed => format!(
            "{folder} has {count}\nnext: `{run} status` shows which are applied, `{run} migrate` applies the others"
        ),
        layout => format!(
            "{folder} has {count} (layout: {})\nnext: `{run} status` shows which are applied; in a database that another \
             tool has migrated, `{run} adopt` takes its history over",
            layout.word()
        ),
    }
}

/// Where the settings of the working folder keep what, as a project of its own. What the environment says is about this
/// machine, and files are for all.
fn places(session: &Session) -> Result<Places, Stopped> {
    let root = &session.cwd;
    let text = |name: &str| seedbed::regular::text(&root.join(name)).ok();
    let toml = text("config.toml").map(|text| TomlText {
        path: "config.toml".into(),
        text,
    });
    let sources = Sources::default()
        .flags(session.flags.clone())
        .toml(toml)
        .dotenv(text(".env").map(|text| DotEnv::parse(".env", &text)))
        .root(root.clone())
        .cwd(root.clone());
    let resolved = config::resolve(&sources);
    let project = resolved.project();
    let project = project.map_err(|error| session.stopped(Report::config(&error)))?;
    let below = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_owned();
    Ok(Places {
        migrations: below(&project.migrations.value),
        seeds: below(&project.seeds.value),
        local: below(resolved.local_file()),
        replica: below(resolved.replica_file()),
        backups: below(&project.backup.dir.value),
    })
}

/// The kind that the person at the terminal chooses; without a terminal, what it seems to be.
fn asked(session: &Session, seems: Kind) -> Result<Kind, Stopped> {
    if !session.terminal.can_ask() || session.yes {
        return Ok(seems);
    }
    let default = match seems {
        Kind::Xtask => 1,
        Kind::Program => 2,
    };
    let question = format!(
        "How will this project run Seedbed?\n  1  a Rust package `xtask`: `cargo xtask migrate`\n  \
         2  the installed program, for a project in any language: `seedbed migrate`\n1 or 2 [{default}]: "
    );
    loop {
        match session.terminal.answer(&question).as_deref() {
            Some("") => return Ok(seems),
            Some("1" | "xtask") => return Ok(Kind::Xtask),
            Some("2" | "program") => return Ok(Kind::Program),
            Some("q" | "quit") | None => {
                return Err(session.usage("declined", "nothing was written", None));
            }
            Some(_) => {}
        }
    }
}

fn not_set_up(session: &Session, error: &InitError) -> Stopped {
    let diagnostic = Diagnostic::error("init", with_cause(error));
    let left = match error {
        InitError::Write { left, .. } => left.as_slice(),
        _ => &[],
    };
    let left: Vec<String> = left.iter().map(|path| path.display().to_string()).collect();
    session.stopped(diagnostic.note(match left.is_empty() {
        true => "every file is as it was".to_owned(),
        false => format!(
            "these were written before, and could not be changed back: {}",
            left.join(", ")
        ),
    }))
}

/// A path as it is clicked on from the working folder.
fn shown<'a>(session: &Session, path: &'a Path) -> &'a Path {
    path.strip_prefix(&session.cwd).unwrap_or(path)
}

/// An error and what lies beneath it, in one line.
fn with_cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
