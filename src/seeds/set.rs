//! The seed files of a project, and the choice of those that an environment asks for. Reading the folder is the only
//! thing here that touches a disk.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::files::{Found, fill};
use super::model::{Expr, PROD, SeedFile, Spanned, Table, declares};
use super::overrides::{Overridden, overridden};
use super::parse::parse;
use crate::diagnostic::Diagnostic;
use crate::migrations::{NotText, ReadError, canonical, on_disk};
use crate::nearest::nearest;
use crate::regular::regular;
use crate::script::{Origin, Source};
use crate::setters::setters;

/// The name of the file that says for all others what the keys of tables are.
const SHARED: &str = "_tables";

/// Environments that a file in the seeds folder itself is for, where it does not say otherwise.
const DEFAULT_ENVS: [&str; 2] = ["dev", "test"];

/// The largest seed file, and the largest file that `!file` names, in bytes.
const LARGEST: u64 = 64 << 20;

/// All seed files, and what is wrong with them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Seeds {
    /// By name.
    pub files: Vec<SeedFile>,
    /// Keys and defaults that hold for all files: `_tables.yaml`.
    pub shared: Option<SeedFile>,
    /// What `!file` names, by the path as it is written.
    pub attachments: BTreeMap<String, Arc<[u8]>>,
    /// What does not fit. Nothing is seeded while there is any.
    pub problems: Vec<Diagnostic>,
    /// Files as they are where others override their rows.
    pub(super) overridden: Vec<Overridden>,
}

impl Seeds {
    /// Reads a folder with everything below it. A folder that is not there holds no seeds.
    ///
    /// # Errors
    /// [`ReadError::Unreadable`] where the folder or a file cannot be read. What is wrong with a file is a problem of
    /// the set.
    pub fn read_dir(folder: impl AsRef<Path>) -> Result<Seeds, ReadError> {
        let folder = folder.as_ref();
        let mut paths = Vec::new();
        if on_disk(folder).exists() {
            walk(folder, &mut paths)?;
        }
        paths.sort();
        let mut seeds = Seeds::default();
        let mut unread = Vec::new();
        let mut files = RowsFiles::below(folder);
        let mut all_whole = true;
        for path in paths {
            let extension = path.extension().and_then(|it| it.to_str());
            let folded = extension.map(str::to_ascii_lowercase);
            let shown = shown(&path);
            match folded.as_deref() {
                Some("yaml") if extension == Some("yaml") => {}
                Some("yaml" | "yml") => {
                    let source = Arc::new(Source {
                        name: shown,
                        text: "".into(),
                    });
                    let here = Origin { source, span: 0..0 };
                    seeds.problems.push(
                        Diagnostic::problem("bad-name", "seed files end with .yaml")
                            .at(here)
                            .help("rename it: a file with another ending is not read"),
                    );
                    continue;
                }
                Some("sql" | "json" | "csv") => {
                    unread.push((path, shown));
                    continue;
                }
                // Whatever `!file` names.
                _ => continue,
            }
            let name = name(folder, &path);
            let text = match bytes(&path)? {
                Some(bytes) => match canonical(&bytes) {
                    Ok(text) => Ok(text.into()),
                    Err(error) => Err(not_text(&error)),
                },
                None => Err(too_large()),
            };
            match text {
                Ok(text) => {
                    let source = Arc::new(Source { name: shown, text });
                    let (mut file, problems) = parse(&name, source);
                    seeds.problems.extend(problems);
                    all_whole &= file.is_whole && file.tables.iter().all(|it| it.is_whole);
                    let beside = path.parent().unwrap_or(folder);
                    let problems = fill(&mut file, &mut |path| files.read(beside, path));
                    seeds.problems.extend(problems);
                    seeds.add(file);
                }
                Err(what) => {
                    all_whole = false;
                    let source = Arc::new(Source {
                        name: shown,
                        text: "".into(),
                    });
                    let here = Origin { source, span: 0..0 };
                    seeds
                        .problems
                        .push(Diagnostic::problem("not-text", what).at(here));
                }
            }
        }
        seeds.join_tables();
        seeds.attach(folder);
        seeds.find_overridden();
        let named = |path: &Path| seeds.attachments.keys().any(|it| folder.join(it) == path);
        unread.retain(|(path, _)| !named(path) && !files.names(path));
        // What a seed names that cannot be read to its end is not known.
        if let (Some((_, first)), true) = (unread.first(), all_whole) {
            let what = match unread.len() {
                1 => format!("{first} is not read"),
                2 => format!("{first} and {} are not read", unread[1].1),
                more => format!("{first} and {} other files are not read", more - 1),
            };
            seeds.problems.push(
                Diagnostic::problem("not-read", format!("{what}: a seed is a .yaml file"))
                    .warning()
                    .help("name its table in a seed, `users: !csv users.csv` or `!json users.json`, or move the file out of the folder of the seeds; statements belong in a migration"),
            );
        }
        Ok(seeds)
    }

    /// A set of texts by their names, for programs that embed them: `("010_users", text)`. A name with an ending is that of
    /// a file which a seed takes its rows from: `("users.csv", text)`.
    pub fn of_texts<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Seeds {
        let mut seeds = Seeds::default();
        let (files, texts): (Vec<_>, Vec<_>) = texts
            .into_iter()
            .partition(|(name, _)| name.ends_with(".csv") || name.ends_with(".json"));
        for (name, text) in texts {
            let source = Arc::new(Source {
                name: format!("seeds/{name}.yaml"),
                text: text.replace("\r\n", "\n").into(),
            });
            let (mut file, problems) = parse(name, source);
            seeds.problems.extend(problems);
            let problems = fill(&mut file, &mut |path| {
                let beside = name.rsplit_once('/').map_or("", |(folder, _)| folder);
                let whole = below(beside, path);
                match files
                    .iter()
                    .find(|(name, _)| Some(*name) == whole.as_deref())
                {
                    Some((name, text)) => Ok(Arc::new(Source {
                        name: format!("seeds/{name}"),
                        text: text.replace("\r\n", "\n").into(),
                    })),
                    None => Err((
                        "no-such-file",
                        "it is none of the texts that were given as files".to_owned(),
                    )),
                }
            });
            seeds.problems.extend(problems);
            for expr in file.exprs() {
                if let Expr::File(path) = &expr.value {
                    let here = file.origin(&expr.span());
                    let message =
                        format!("{path}: seeds that are given as texts have no files beside them");
                    let problem = Diagnostic::problem("no-such-file", message).at(here);
                    let help = "write the content into the seed (`!!binary` for bytes), or read the seeds from their folder";
                    seeds.problems.push(problem.help(help));
                }
            }
            seeds.add(file);
        }
        seeds.files.sort_by(|a, b| a.name.cmp(&b.name));
        seeds.join_tables();
        seeds.find_overridden();
        seeds
    }

    fn find_overridden(&mut self) {
        let (overridden, problems) = overridden(self);
        self.overridden = overridden;
        self.problems.extend(problems);
    }

    fn add(&mut self, file: SeedFile) {
        if file.name == SHARED {
            for table in &file.tables {
                if let Some(row) = table.rows.first() {
                    self.problems.push(
                        Diagnostic::problem(
                            "rows-in-tables",
                            "_tables.yaml says how tables are keyed, and holds no rows",
                        )
                        .at(file.origin(&row.span))
                        .help("move the row into another file"),
                    );
                }
            }
            self.shared = Some(file);
            return;
        }
        // A file of another environment may not claim to be for this one.
        if let (Some(folder), Some(envs)) = (file.folder(), &file.settings.envs)
            && let Some(other) = envs.iter().find(|env| env.value != folder)
        {
            self.problems.push(
                Diagnostic::problem(
                    "other-environment",
                    format!(
                        "a file in {folder}/ is for environment {folder}, and not for {}",
                        other.value
                    ),
                )
                .at(file.origin(&other.span()))
                .help("move it into the seeds folder itself to share it"),
            );
        }
        if file.folder() == Some(PROD) && file.settings.envs.is_none() {
            self.problems.push(
                Diagnostic::problem("prod-unsaid", "a seed reaches prod only if it says so")
                    .at(file.origin(&(0..0)))
                    .help("write `_seed: {envs: [prod]}` at the top, if that is meant"),
            );
        }
        self.files.push(file);
    }

    /// Adds the join tables that files fill by what `_tables.yaml` declares.
    fn join_tables(&mut self) {
        let Some(shared) = &self.shared else { return };
        for file in &mut self.files {
            for table in shared.tables.iter().filter(|it| !it.through.is_empty()) {
                if declares(file, &table.name.value) {
                    for through in &table.through {
                        if !declares(file, &through.table.value) {
                            // It stands in the other file.
                            let name = Spanned::new(through.table.value.clone(), 0..0);
                            file.tables.push(Table::empty(name));
                        }
                    }
                }
            }
        }
    }

    /// Reads what `!file` names.
    fn attach(&mut self, folder: &Path) {
        let mut wanted = Vec::new();
        for file in self.files.iter().chain(&self.shared) {
            for expr in file.exprs() {
                if let Expr::File(path) = &expr.value {
                    wanted.push((path.to_string(), file.origin(&expr.span())));
                }
            }
        }
        for (path, origin) in wanted {
            if self.attachments.contains_key(&path) {
                continue;
            }
            match attachment(folder, &path) {
                Ok(bytes) => {
                    self.attachments.insert(path, bytes.into());
                }
                Err((code, what)) => {
                    let help = match code {
                        "no-such-file" => "`!file` takes a path below the folder of the seeds",
                        "large-file" => "keep it outside of the database, and store its path",
                        _ => "copy it into the folder of the seeds",
                    };
                    let problem = Diagnostic::problem(code, format!("{path}: {what}")).at(origin);
                    self.problems.push(problem.help(help));
                }
            }
        }
    }

    /// The files that an environment and tags ask for, by name. Files with tags come only where one of theirs is asked
    /// for.
    pub fn select(&self, choice: &Choice) -> Vec<&SeedFile> {
        self.files
            .iter()
            .filter(|file| file.is_for(&choice.environment))
            .filter(|file| {
                let tags = &file.settings.tags;
                tags.is_empty() || tags.iter().any(|tag| choice.tags.contains(&tag.value))
            })
            .map(|file| {
                let mut overridden = self.overridden.iter();
                let is_it = |it: &&Overridden| {
                    it.environment == choice.environment && it.file.name == file.name
                };
                overridden.find(is_it).map_or(file, |it| &it.file)
            })
            .collect()
    }

    /// Tags that no file of this environment has.
    pub fn unknown_tags(&self, choice: &Choice) -> Vec<(String, Option<String>)> {
        let known: Vec<&str> = self
            .files
            .iter()
            .filter(|file| file.is_for(&choice.environment))
            .flat_map(|file| file.settings.tags.iter().map(|tag| tag.value.as_str()))
            .collect();
        let unknown = choice
            .tags
            .iter()
            .filter(|tag| !known.contains(&tag.as_str()));
        unknown
            .map(|tag| (tag.clone(), nearest(tag, &known).map(str::to_owned)))
            .collect()
    }

    /// Every environment that some file is for.
    pub fn environments(&self) -> Vec<String> {
        let mut envs: Vec<String> = Vec::new();
        for file in &self.files {
            envs.extend(file.environments().into_iter().map(str::to_owned));
        }
        envs.sort();
        envs.dedup();
        envs
    }
}

/// Which files are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Choice {
    /// `dev`
    pub environment: String,
    /// Files with one of these tags come too.
    pub tags: Vec<String>,
}

setters!(Choice {
    environment: String,
    tags: Vec<String>,
});

impl Choice {
    /// The files of an environment, and no tags.
    #[must_use]
    pub fn new(environment: impl Into<String>) -> Choice {
        Choice {
            environment: environment.into(),
            tags: Vec::new(),
        }
    }
}

impl SeedFile {
    /// The folder below the seeds folder: the environment that the file belongs to.
    pub fn folder(&self) -> Option<&str> {
        self.name.split_once('/').map(|(folder, _)| folder)
    }

    /// The environments that the file is for.
    pub fn environments(&self) -> Vec<&str> {
        match (&self.settings.envs, self.folder()) {
            (Some(envs), _) => envs.iter().map(|env| env.value.as_str()).collect(),
            (None, Some(folder)) => vec![folder],
            (None, None) => DEFAULT_ENVS.to_vec(),
        }
    }

    /// Whether the file is for an environment.
    pub fn is_for(&self, environment: &str) -> bool {
        match (&self.settings.envs, self.folder()) {
            (Some(envs), _) => envs.iter().any(|env| env.value == environment),
            (None, Some(folder)) => folder == environment,
            (None, None) => DEFAULT_ENVS.contains(&environment),
        }
    }
}

/// A path from a folder, without `..`; none where it leaves everything.
fn below(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Reads the files of rows that seeds name.
struct RowsFiles {
    /// The project, out of which no seed reads; links followed.
    root: Option<PathBuf>,
    /// What seeds name, links followed.
    named: Vec<PathBuf>,
}

impl RowsFiles {
    fn below(folder: &Path) -> RowsFiles {
        let seeds = on_disk(folder).canonicalize();
        RowsFiles {
            root: seeds.ok().map(|it| crate::config::project_root(&it)),
            named: Vec::new(),
        }
    }

    fn names(&self, path: &Path) -> bool {
        let real = on_disk(path).canonicalize();
        real.is_ok_and(|real| self.named.contains(&real))
    }

    fn read(&mut self, beside: &Path, path: &str) -> Found {
        let whole = beside.join(path);
        let real = on_disk(&whole).canonicalize().map_err(missing)?;
        self.named.push(real.clone());
        if self
            .root
            .as_ref()
            .is_none_or(|root| !real.starts_with(root))
        {
            return Err(("file-outside", "it is not in the project".to_owned()));
        }
        let bytes = content(&real)?;
        let text = canonical(&bytes).map_err(|error| ("not-text", not_text(&error)))?;
        // As a person would name it: `data/users.csv`, and not `seeds/../data/users.csv`.
        let folder = shown(beside);
        let root = if folder.starts_with('/') { "/" } else { "" };
        let name = below(&folder, path).map(|name| format!("{root}{name}"));
        Ok(Arc::new(Source {
            name: name.unwrap_or_else(|| shown(&whole)),
            text: text.into(),
        }))
    }
}

fn walk(folder: &Path, paths: &mut Vec<PathBuf>) -> Result<(), ReadError> {
    let unreadable = |path: &Path| {
        let path = path.to_path_buf();
        move |source| ReadError::Unreadable { path, source }
    };
    for entry in std::fs::read_dir(on_disk(folder)).map_err(unreadable(folder))? {
        let path = folder.join(entry.map_err(unreadable(folder))?.file_name());
        let hidden = path
            .file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.starts_with('.'));
        if hidden {
            continue;
        }
        if path.is_dir() {
            walk(&path, paths)?;
        } else {
            paths.push(path);
        }
    }
    Ok(())
}

/// None where a file is too large to be meant.
fn bytes(path: &Path) -> Result<Option<Vec<u8>>, ReadError> {
    let unreadable = |source| ReadError::Unreadable {
        path: path.to_path_buf(),
        source,
    };
    if regular(path).map_err(unreadable)?.len() > LARGEST {
        return Ok(None);
    }
    std::fs::read(path).map(Some).map_err(unreadable)
}

/// The path of a file below the folder, without its extension.
fn name(folder: &Path, path: &Path) -> String {
    let below = path.strip_prefix(folder).unwrap_or(path).with_extension("");
    shown(&below)
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

fn not_text(error: &NotText) -> String {
    match error {
        NotText::Utf16 => "it is UTF-16, and seeds are UTF-8".to_owned(),
        NotText::NotUtf8(at) => format!("byte {at} is no UTF-8"),
        NotText::Nul(at) => format!("byte {at} is NUL: that is no text"),
    }
}

fn attachment(folder: &Path, path: &str) -> Result<Vec<u8>, (&'static str, String)> {
    let relative = Path::new(path);
    let stays = relative
        .components()
        .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    let leaves = || {
        (
            "file-outside",
            "it is not below the seeds folder".to_owned(),
        )
    };
    if !stays {
        return Err(leaves());
    }
    let whole = folder.join(relative);
    // A link could lead out of the folder.
    let real = whole.canonicalize().map_err(missing)?;
    if !real.starts_with(on_disk(folder).canonicalize().map_err(missing)?) {
        return Err(leaves());
    }
    content(&real)
}

/// Why a file that a seed names cannot be opened.
fn missing(error: std::io::Error) -> (&'static str, String) {
    ("no-such-file", error.to_string())
}

/// The bytes of a file that a seed names; a code and why there are none.
fn content(path: &Path) -> Result<Vec<u8>, (&'static str, String)> {
    if regular(path).map_err(missing)?.len() > LARGEST {
        return Err(("large-file", too_large()));
    }
    std::fs::read(path).map_err(missing)
}

fn too_large() -> String {
    format!("it is larger than {} MB", LARGEST >> 20)
}
