//! The template: a migrated and seeded file that every test copies. It is made once, for the first test that asks, and
//! never changed: other content has another name.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::OnceCell;

use super::labels::{Labels, written};
use super::seal::{is_whole, seal_of, sealed};
use super::{Options, TestingError};
use crate::db::{Db, DbError, Transaction, publish, refuse_side_files, remove_local};
use crate::drive::ignore;
use crate::migrations::{self, Migrations, PlanOptions, checksum, checksum_bytes};
use crate::script::{Atomicity, ForeignKeys, Run, Step};
use crate::seeds::{self, Choice, Refresh, SeedOptions, Seeds, Variables, labelled};

/// Templates that are kept: one for each of so many environments, branches and days.
const KEPT: usize = 8;

/// A day: what is left over is removed once it is older.
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A template that is there.
#[derive(Debug)]
pub(super) struct Template {
    /// Its file.
    pub(super) database: PathBuf,
    /// The text of the labels beside it.
    text: String,
    labels: OnceLock<Labels>,
}

type Known = HashMap<Options, Arc<OnceCell<Arc<Template>>>>;

/// The templates of this process, so that files are read once and not for every test.
static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

fn all_known() -> MutexGuard<'static, Known> {
    // Nothing can be half done with the map.
    KNOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The template for these options, which is made where it is missing.
pub(super) async fn known(options: &Options) -> Result<Arc<Template>, TestingError> {
    let cell = all_known().entry(options.clone()).or_default().clone();
    let template = cell
        .get_or_try_init(async || ready(options).await.map(Arc::new))
        .await?;
    Ok(template.clone())
}

/// Looks for the template again the next time.
pub(super) fn forget(options: &Options, template: &Arc<Template>) {
    let mut known = all_known();
    let is_it = |cell: &Arc<OnceCell<Arc<Template>>>| {
        cell.get().is_some_and(|known| Arc::ptr_eq(known, template))
    };
    // Another test may have made it again already.
    if known.get(options).is_some_and(is_it) {
        known.remove(options);
    }
}

impl Template {
    pub(super) fn labels(&self) -> Result<&Labels, TestingError> {
        if let Some(labels) = self.labels.get() {
            return Ok(labels);
        }
        let labels = Labels::read(&self.text).map_err(|source| TestingError::Labels {
            path: labels_of(&self.database),
            source,
        })?;
        Ok(self.labels.get_or_init(|| labels))
    }

    /// A template that was made before, and is as it was then. Its labels and its seal were there before it was.
    fn find(database: &Path) -> Option<Template> {
        let text = std::fs::read_to_string(labels_of(database)).ok()?;
        let seal = std::fs::read_to_string(seal_of(database)).ok()?;
        is_whole(database, &text, &seal).then(|| Template {
            database: database.to_owned(),
            text,
            labels: OnceLock::new(),
        })
    }
}

fn labels_of(database: &Path) -> PathBuf {
    database.with_extension("labels.json")
}

async fn ready(options: &Options) -> Result<Template, TestingError> {
    let now = SystemTime::now();
    let set = Migrations::read_dir_as(shown(&options.migrations), options.layout)?;
    let seeds = Seeds::read_dir(shown(&options.seeds))?;
    let folder = options.templates();
    let database = folder.join(format!("{}.db", hash(&set, &seeds, options, now)));
    if let Some(template) = Template::find(&database) {
        return Ok(template);
    }
    std::fs::create_dir_all(&folder).map_err(cannot_write(&folder))?;
    let lock = lock(&options.lock()).await?;
    if let Some(template) = Template::find(&database) {
        return Ok(template);
    }
    // What is there under its name is damaged, or of a version that had no seals.
    remove(&database)?;
    let template = make(&database, &set, &seeds, options, now).await?;
    prune(&folder, &database, now);
    prune_tests(&options.folder.join("tests"), now);
    drop(lock);
    Ok(template)
}

/// The name of what these files amount to.
fn hash(set: &Migrations, seeds: &Seeds, options: &Options, now: SystemTime) -> String {
    let mut lines = vec![
        format!("seedbed {}", env!("CARGO_PKG_VERSION")),
        // So no time in a template is older than a day.
        format!("day {}", since_1970(now).as_secs() / DAY.as_secs()),
        format!("environment {:?}", options.environment),
        format!("tags {:?}", options.tags),
        format!("history {}", options.history_table),
    ];
    for migration in set.iter() {
        let down = migration.down.as_ref().map(|down| &down.checksum);
        let up = &migration.up.checksum;
        lines.push(format!(
            "{} {:?} {up} {down:?}",
            migration.key, migration.words
        ));
    }
    let choice = choice(options);
    for file in seeds.select(&choice).into_iter().chain(&seeds.shared) {
        lines.push(format!("seed {:?} {}", file.name, file.checksum));
    }
    for (path, bytes) in &seeds.attachments {
        lines.push(format!("file {path:?} {}", checksum_bytes(bytes)));
    }
    checksum(&lines.join("\n"))
}

fn since_1970(now: SystemTime) -> Duration {
    now.duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn choice(options: &Options) -> Choice {
    Choice {
        environment: options.environment.clone(),
        tags: options.tags.clone(),
    }
}

/// A path as it is shown with problems: from the working folder, which is the package's for a test.
fn shown(folder: &Path) -> &Path {
    static CWD: LazyLock<Option<PathBuf>> = LazyLock::new(|| std::env::current_dir().ok());
    let below = CWD.as_ref().and_then(|cwd| folder.strip_prefix(cwd).ok());
    below
        .filter(|below| !below.as_os_str().is_empty())
        .unwrap_or(folder)
}

/// Makes a template beside its place, and moves it there whole.
async fn make(
    database: &Path,
    set: &Migrations,
    seeds: &Seeds,
    options: &Options,
    now: SystemTime,
) -> Result<Template, TestingError> {
    refuse_side_files(database)?;
    let building = Building::new(database);
    let rows = fill(&building.0, set, seeds, options, now).await?;
    let labels = labels_of(database);
    let text = written(rows).map_err(|source| TestingError::Labels {
        path: labels.clone(),
        source,
    })?;
    let unnamed = labels_of(&building.0);
    std::fs::write(&unnamed, &text)
        .and_then(|()| std::fs::rename(&unnamed, &labels))
        .map_err(cannot_write(&labels))?;
    let (seal, unnamed) = (seal_of(database), seal_of(&building.0));
    sealed(&building.0, &text)
        .and_then(|text| std::fs::write(&unnamed, text))
        .and_then(|()| std::fs::rename(&unnamed, &seal))
        .map_err(cannot_write(&seal))?;
    match publish(&building.0, database) {
        // Where files cannot be locked, another process may have made the same.
        Ok(()) | Err(DbError::Appeared(_)) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(Template {
        database: database.to_owned(),
        text,
        labels: OnceLock::new(),
    })
}

/// A template under construction: whatever is still there at the end is removed.
struct Building(PathBuf);

impl Building {
    fn new(database: &Path) -> Building {
        let id = uuid::Uuid::now_v7().simple();
        Building(database.with_extension(format!("{id}.building")))
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        let _ = remove_local(&self.0);
        let _ = std::fs::remove_file(labels_of(&self.0));
        let _ = std::fs::remove_file(seal_of(&self.0));
    }
}

async fn fill(
    path: &Path,
    set: &Migrations,
    seeds: &Seeds,
    options: &Options,
    now: SystemTime,
) -> Result<Vec<seeds::Labelled>, TestingError> {
    let db = Db::local(path, options.of_database())?;
    let run = Run::new(concat!("seedbed ", env!("CARGO_PKG_VERSION"), " (testing)"));
    let migrated = migrations::apply(&db, set, &PlanOptions::default(), &run, &ignore()).await;
    migrated.map_err(|error| TestingError::Migrations(Box::new(error)))?;
    let mut rows = Vec::new();
    // A project without seeds has migrated databases; one with seeds for other environments only has a problem.
    if !seeds.files.is_empty() || !seeds.problems.is_empty() {
        let options = SeedOptions {
            choice: choice(options),
            refresh: Refresh::No,
            mark: None,
            variables: Variables::Known(BTreeMap::new()),
            now,
        };
        let seeded = seeds::apply(&db, seeds, set, &options, &run, &ignore()).await;
        seeded.map_err(|error| TestingError::Seeds(Box::new(error)))?;
        rows = labelled(&db, seeds, set, &options).await?;
    }
    // A migration may have chosen a write-ahead log, of which a copy of the file alone would lack the rest.
    let close = Transaction {
        foreign_keys: ForeignKeys::On,
        atomicity: Atomicity::Bare,
        steps: [Step::own("PRAGMA journal_mode = DELETE", Vec::new())].into(),
    };
    db.run(vec![close], Arc::new(|_| {})).await?;
    Ok(rows)
}

/// Waits until no other process makes a template. A process that dies loses its lock. Where files cannot be locked,
/// several make the same template, and the first one is kept.
async fn lock(path: &Path) -> Result<Option<File>, TestingError> {
    let mut options = File::options();
    let file = options.create(true).truncate(false).write(true).open(path);
    let file = file.map_err(cannot_write(path))?;
    let locking = tokio::task::spawn_blocking(move || file.lock().map(|()| file));
    match locking
        .await
        .map_err(|error| DbError::Thread(error.into()))?
    {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(None),
        Err(error) => Err(cannot_write(path)(error)),
    }
}

/// Removes a template, and what belongs to it.
fn remove(database: &Path) -> Result<(), TestingError> {
    for path in [database.to_owned(), labels_of(database), seal_of(database)] {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(cannot_write(&path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

fn cannot_write(path: &Path) -> impl FnOnce(std::io::Error) -> TestingError {
    let path = path.to_owned();
    move |source| TestingError::Write { path, source }
}

/// Removes templates beyond the newest ones, and what was left under construction. What cannot be removed stays.
fn prune(folder: &Path, newest: &Path, now: SystemTime) {
    let files = files(folder);
    let mut templates: Vec<&(PathBuf, SystemTime)> = files
        .iter()
        .filter(|(path, _)| path.extension().is_some_and(|it| it == "db") && path != newest)
        .collect();
    templates.sort_by_key(|(_, modified)| std::cmp::Reverse(*modified));
    for (database, _) in templates.iter().skip(KEPT - 1) {
        let _ = remove(database);
    }
    for (path, modified) in &files {
        let name = path.to_string_lossy();
        if name.contains(".building") && is_old(*modified, now) {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Removes what tests left behind that failed or were killed.
fn prune_tests(folder: &Path, now: SystemTime) {
    for (path, modified) in files(folder) {
        if is_old(modified, now) {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn is_old(modified: SystemTime, now: SystemTime) -> bool {
    now.duration_since(modified).is_ok_and(|age| age > DAY)
}

/// The files in a folder, with the time of their last change. A folder that is not there has none.
fn files(folder: &Path) -> Vec<(PathBuf, SystemTime)> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| Some((entry.path(), entry.metadata().ok()?.modified().ok()?)))
        .collect()
}
