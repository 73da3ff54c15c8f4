//! What was found, in words. Pure.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::probe::{Contents, File, Others};
use super::{Check, lock_file};
use crate::config::{self, Access, Claims, Config, Mode, Origin, RemoteUrl, Row, Setting, Turso};
use crate::db::{Code, DbError, Engine, EngineError, ReplicaFacts};
use crate::dump::integrity::{Depth, FaultKind, Integrity, ROW_HELP, repairs};
use crate::dump::{Condition, Kept, Location};
use crate::history::History;
use crate::migrations::{self, MigrationPlan, ReadError};
use crate::schema::SchemaObject;
use crate::script::Revision;
use crate::sql::{Value, identifier};

/// How old the newest backup may be where the project wants backups: the job that takes one a day has missed one.
const BACKED_UP: Duration = Duration::from_secs(2 * 24 * 60 * 60);

/// Checks without which nothing of the database can be read.
pub(super) const STOPS: [&str; 5] = ["file", "dns", "tcp", "tls", "server"];

/// How long before its end a token is warned of.
const SOON: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The mode and the settings that matter, each with where it came from.
pub(super) fn settings(config: &Config, rows: &[Row]) -> Vec<Check> {
    let origin = |name: &str| {
        let row = rows.iter().find(|row| row.name == name);
        row.map(|row| row.origin.as_str())
            .filter(|it| !it.is_empty())
    };
    let mode = config.database.value.mode();
    let from = |name: &str| {
        origin(name)
            .map(|it| format!(" ({it})"))
            .unwrap_or_default()
    };
    let mut checks = vec![
        Check::ok("mode", format!("{mode}{}", from("mode"))),
        Check::ok(
            "database",
            format!("{} ({})", config.database_name(), config.database.origin),
        ),
    ];
    checks.extend(
        config
            .warnings
            .iter()
            .map(|warning| Check::warning("settings", warning)),
    );
    if mode == Mode::Memory {
        checks.push(Check::warning(
            "file",
            "a database in memory is gone when the command ends",
        ));
    }
    checks
}

/// A `.env` that other users may change, or from which they may read the token.
pub(super) fn env_file(name: &str, others: Others, config: &Config) -> Option<Check> {
    let holds_token = config
        .token()
        .is_some_and(|token| matches!(token.origin, Origin::DotEnv { .. }));
    let what = match (others.may_write, others.may_read && holds_token) {
        (true, _) => "other users of this machine may change it",
        (false, true) => "other users of this machine may read the token in it",
        (false, false) => return None,
    };
    let message = format!("{name} has mode {:04o}: {what}", others.mode);
    Some(Check::warning("env file", message).help(format!("chmod 600 {name}")))
}

/// The form of the URL. One that is wrong is a problem of the settings.
pub(super) fn url(url: &RemoteUrl) -> Check {
    let how = match (url.is_encrypted(), url.is_loopback()) {
        (true, _) => "encrypted",
        (false, true) => "not encrypted, on this machine",
        (false, false) => "not encrypted",
    };
    let message = format!("{url}: host {}, port {}, {how}", url.host(), url.port());
    match url.is_encrypted() || url.is_loopback() {
        true => Check::ok("url", message),
        false => Check::warning("url", message).help(
            "anyone on the way can read and change what is sent: use https:// or libsql:// where the network is not private",
        ),
    }
}

/// Whether the URL names what `[turso]` says. Hosts are `NAME-ORGANIZATION.turso.io`, with a region before `turso.io`
/// or without.
pub(super) fn turso(url: &RemoteUrl, turso: &Turso) -> Option<Check> {
    if turso.database_name.is_none() && turso.organization.is_none() {
        return None;
    }
    let label = match url.label() {
        Some(label) if url.host().ends_with(".turso.io") => label,
        _ => {
            let message = "the host is none of Turso's, so [turso] database_name and organization are not compared";
            return Some(Check::skipped("turso", message));
        }
    };
    let differs = |setting: &Option<Setting<String>>, fits: &dyn Fn(&str) -> bool| {
        let setting = setting.as_ref()?;
        let value = setting.value.to_ascii_lowercase();
        (!fits(&value)).then(|| format!("{} says {value}", setting.origin))
    };
    let organization = turso.organization.as_ref();
    let owner = organization.map(|it| format!("-{}", it.value.to_ascii_lowercase()));
    let owned = owner.and_then(|owner| label.strip_suffix(&owner));
    let wrong: Vec<String> = [
        differs(&turso.database_name, &|name| match owned {
            Some(owned) => owned == name,
            None => label == name || label.starts_with(&format!("{name}-")),
        }),
        differs(&turso.organization, &|_| owned.is_some()),
    ]
    .into_iter()
    .flatten()
    .collect();
    Some(match wrong.as_slice() {
        [] => Check::ok("turso", "the URL names the database of [turso]"),
        _ => Check::warning(
            "turso",
            format!("the URL names {label}, but {}", wrong.join(" and ")),
        )
        .help("compare with `turso db show NAME --url`; nothing connects by [turso] database_name and organization"),
    })
}

/// How old the newest backup of this database is that has its checksum. A project that wants none and has none gets
/// nothing.
pub(super) fn backup(
    config: &Config,
    backups: std::io::Result<Vec<Kept>>,
    identity: Option<(&Location, Option<&str>)>,
    now: SystemTime,
) -> Option<Check> {
    let folder = config::relative(&config.root, &config.backup.dir.value);
    let wanted = config.backup.enabled.value;
    // Without backups, a project that wants them is not well. A database that Seedbed has not changed yet has no id.
    let is_in_use = identity.is_some_and(|(_, id)| id.is_some());
    let lacking = |message: String| match wanted && is_in_use {
        true => Check::error("backup", message),
        false => Check::warning("backup", message),
    };
    let backups = match backups {
        Ok(backups) => backups,
        Err(error) => {
            let message = format!("{} cannot be read: {error}", folder.display());
            return Some(lacking(message));
        }
    };
    let help = "take one with `backup`, and let a job do so every day";
    let is_ours = |kept: &&Kept| {
        let location = kept.location.as_ref();
        location.is_some_and(|it| identity == Some((it, kept.database_id.as_deref())))
    };
    let ours = || backups.iter().filter(is_ours);
    let age = |taken_at| now.duration_since(taken_at).unwrap_or_default();
    let newest = ours().find(|kept| kept.state == Condition::Good);
    let is_newer = |kept: &&Kept| newest.is_none_or(|newest| kept.taken_at > newest.taken_at);
    let is_unproven = |kept: &&Kept| kept.state == Condition::Unproven;
    if let Some(unproven) = ours().filter(is_unproven).find(is_newer) {
        let name = unproven.file.file_name().unwrap_or_default().display();
        let message = format!("the newest, {name}, is unproven: it is not known to restore");
        let is_old = newest.is_none_or(|newest| age(newest.taken_at) > BACKED_UP);
        let check = match is_old {
            true => lacking(message),
            false => Check::warning("backup", message),
        };
        return Some(check.help("`backup` says why"));
    }
    let Some(newest) = newest else {
        let unknown = backups.iter().filter(|kept| kept.location.is_none());
        let unknown = match unknown.count() {
            0 => String::new(),
            1 => "; of 1 backup there the database is not recorded".to_owned(),
            more => format!("; of {more} backups there the database is not recorded"),
        };
        let message = format!(
            "{} has no backup of this database{unknown}",
            folder.display()
        );
        return wanted.then(|| lacking(message).help(help));
    };
    let age = age(newest.taken_at);
    let hours = age.as_secs() / 3600;
    let ago = match hours {
        0 => "less than an hour".to_owned(),
        1 => "1 hour".to_owned(),
        2..48 => format!("{hours} hours"),
        _ => format!("{} days", hours / 24),
    };
    let name = newest.file.file_name().unwrap_or_default();
    let message = format!("the newest, {}, is {ago} old", name.display());
    Some(match wanted && age > BACKED_UP {
        true => lacking(message).help(help),
        false => Check::ok("backup", message),
    })
}

/// What the token of this server allows, as far as it tells.
pub(super) fn access(config: &Config) -> Access {
    config
        .token()
        .and_then(|token| config::claims(&token.value))
        .map_or(Access::Full, |claims| claims.access)
}

/// Whether there is a token, and what it says of itself.
pub(super) fn token(config: &Config, now: SystemTime) -> Check {
    let Some(token) = config.token() else {
        return Check::ok(
            "token",
            "none is set; a server on this machine or in a private network may need none",
        );
    };
    let origin = &token.origin;
    let Some(claims) = config::claims(&token.value) else {
        return Check::warning(
            "token",
            format!(
                "{origin}; it is no JWT, as Turso's are, so it does not tell until when it holds"
            ),
        );
    };
    claimed(claims, &origin.to_string(), &config.turso_name(), now)
}

fn claimed(claims: Claims, origin: &str, name: &str, now: SystemTime) -> Check {
    let renew = format!(
        "make a new one with `turso db tokens create {name}`, and put it where the old one is: {origin}"
    );
    let holds = match claims.expires.map(|expires| (expires, expires.after(now))) {
        None => "does not expire".to_owned(),
        Some((expires, None)) => {
            return Check::error("token", format!("{origin}; it expired on {expires}")).help(renew);
        }
        Some((expires, Some(left))) if left <= SOON => {
            let days = left.as_secs() / (24 * 60 * 60);
            let in_days = match days {
                0 => "in less than a day".to_owned(),
                1 => "in 1 day".to_owned(),
                days => format!("in {days} days"),
            };
            return Check::warning(
                "token",
                format!("{origin}; it expires {in_days}, on {expires}"),
            )
            .help(renew);
        }
        Some((expires, Some(_))) => format!("holds until {expires}"),
    };
    match claims.access {
        Access::Full => Check::ok("token", format!("{origin}; it {holds}")),
        Access::ReadOnly => Check::warning(
            "token",
            format!("{origin}; it {holds}, and allows reading only"),
        )
        .help("that is enough for `status`, `migrate --dry-run`, `inspect` and `doctor`; whatever writes needs another"),
    }
}

/// The file of a local database.
pub(super) fn file(file: &File) -> Check {
    let path = file.path.display();
    let beside = |check: Check| {
        if file.beside.contains(&"-journal") {
            return Check::warning(
                "file",
                format!(
                    "{}; a journal is beside it: a run is under way, or was killed",
                    check.message
                ),
            )
            .help("the next write rolls it back; keep the two files together");
        }
        check
    };
    match &file.contents {
        Contents::NoFolder => Check::error("file", format!("the folder of {path} does not exist"))
            .help("create it, or name another file with `--database FILE`"),
        Contents::Missing => Check::ok("file", "it does not exist yet; the first run makes it"),
        Contents::Folder => Check::error("file", format!("{path} is a folder"))
            .help("name another file with `--database FILE`"),
        Contents::NoFile => Check::error("file", format!("{path} is not a regular file"))
            .help("name another file with `--database FILE`"),
        Contents::Unreadable(why) => Check::error("file", format!("{path} cannot be read: {why}")),
        Contents::Foreign => Check::error(
            "file",
            format!("{path} is not a SQLite database, or encrypted"),
        )
        .help(
            "check whether it is the file that you meant, or name another with `--database FILE`",
        ),
        Contents::ReadOnly => Check::error(
            "file",
            format!("{path} may not be written: only commands that read work"),
        )
        .help("give yourself the right to write the file and its folder"),
        Contents::Empty => Check::ok("file", "it is empty"),
        Contents::Database { bytes, journal } => beside(Check::ok(
            "file",
            format!("{bytes} bytes, journal mode {journal}"),
        )),
    }
}

/// What runs that were killed have left beside a database.
pub(super) fn abandoned(file: &File) -> Option<Check> {
    let name = |(path, bytes): &(PathBuf, u64)| {
        let name = path.file_name().unwrap_or_default();
        format!("{} ({bytes} bytes)", name.display())
    };
    let names: Vec<String> = file.abandoned.iter().map(name).collect();
    if names.is_empty() {
        return None;
    }
    let message = format!("left by a run that was killed: {}", names.join(", "));
    Some(
        Check::warning("left over", message)
            .help("the next command that changes the database removes it"),
    )
}

/// The files of a replica that are as they should be, or not there yet.
pub(super) fn replica(facts: Option<&ReplicaFacts>, now: SystemTime) -> Check {
    let Some(facts) = facts else {
        return Check::ok("replica", "there is no file yet; the first `sync` makes it");
    };
    let frame = facts
        .frame
        .map_or("no frame yet".to_owned(), |frame| format!("frame {frame}"));
    let unfinished = match facts.is_unfinished {
        true => ", and a later sync did not end",
        false => "",
    };
    let synced = match facts.synced_at {
        Some(at) => format!(
            "synced {} ago",
            ago(now.duration_since(at).unwrap_or_default())
        ),
        None => "synced at an unknown time".to_owned(),
    };
    let protocol = facts.protocol.as_str();
    let message = format!(
        "{} bytes in all its files, protocol {protocol}, {frame}, {synced}{unfinished}",
        facts.bytes
    );
    match facts.is_unfinished {
        true => Check::warning("replica", message).help("`sync` brings the rest"),
        false => Check::ok("replica", message),
    }
}

fn ago(age: Duration) -> String {
    match age.as_secs() {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7200 => format!("{} minutes", seconds / 60),
        seconds @ ..172_800 => format!("{} hours", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// The engine's version and what it can do.
pub(super) fn read(version: Option<&str>, modules: Option<&str>, engine: Engine) -> Check {
    let accepts = match engine {
        Engine::Local => "takes every statement",
        Engine::Memory => "takes no TEMP objects, no ATTACH and no pragmas that outlive a script",
        Engine::Server => {
            "takes no VACUUM, ANALYZE, ATTACH, TEMP objects and few pragmas with a value"
        }
        Engine::Turso => {
            "the Turso engine takes no WITHOUT ROWID, generated columns, VACUUM, ATTACH, FTS5 and INSTEAD OF triggers"
        }
    };
    let version = version.unwrap_or("of an unknown version");
    let has = modules.map(|it| format!("; has {it}")).unwrap_or_default();
    Check::ok("read", format!("SQLite {version}; {accepts}{has}"))
}

/// What the Turso engine does for applications.
pub(super) fn foreign_keys_are_off() -> Check {
    let message = "the Turso engine does not enforce foreign keys by default: migrations and seeds turn them on, \
                   connections of applications do not";
    Check::warning("foreign keys", message).help(
        "send `PRAGMA foreign_keys = ON` on each connection of the application before its first statement",
    )
}

/// How long a round trip takes.
pub(super) fn latency(median: Duration) -> Check {
    let microseconds = median.as_micros();
    let message = format!(
        "{}.{} ms for a round trip, the median of 3",
        microseconds / 1000,
        microseconds % 1000 / 100
    );
    Check::ok("latency", message)
}

/// The state of the history.
pub(super) fn records(history: &History) -> Check {
    // One that was taken over is no news.
    let other = history.others.first().filter(|_| !history.has_migrations());
    if let Some(other) = other {
        let message = format!(
            "no migration is recorded, and {} has migrated this database (newest: {}, in its table {})",
            other.tool, other.newest, other.table
        );
        return Check::warning("records", message).help(match other.is_adoptable() {
            true => "`adopt` takes its history over; `adopt --dry-run` shows what it would record",
            false => "`baseline V` records what the database has already, without running it",
        });
    }
    let is_new = history.rows.is_empty() && history.revision == Revision::NONE;
    let message = match history.version() {
        Some(version) => format!("{} is at V{version}", history.table),
        None if is_new => {
            format!("there is no {} yet; the first run makes it", history.table)
        }
        None => format!("{} is there, and no version is applied", history.table),
    };
    Check::ok("records", message)
}

/// The mark of the database, and the seed environment of the settings.
pub(super) fn environment(history: &History, config: &Config) -> Check {
    let set = config.seed_env.as_ref();
    match (&history.environment, set) {
        (None, None) => Check::ok(
            "environment",
            "the database has no mark, and no seed environment is set",
        ),
        (None, Some(set)) => Check::ok(
            "environment",
            format!(
                "the database has no mark; seeds of {} ({})",
                set.value, set.origin
            ),
        ),
        (Some(mark), Some(set)) if *mark != set.value => Check::warning(
            "environment",
            format!(
                "the database is marked {mark}, the seed environment is {} ({})",
                set.value, set.origin
            ),
        )
        .help("check whether this is the database that you meant"),
        (Some(mark), _) => Check::ok("environment", format!("the database is marked {mark}")),
    }
}

/// The folder of the migrations cannot be read.
pub(super) fn no_files(error: &ReadError) -> Check {
    let check = match std::error::Error::source(error) {
        Some(cause) => Check::error("migrations", format!("{error}: {cause}")),
        None => Check::error("migrations", error.to_string()),
    };
    check.help(
        "`new NAME` creates the folder with a first migration; `--migrations DIR` names another",
    )
}

/// What `migrate` would do.
pub(super) fn migrations(plan: &MigrationPlan, access: Access) -> Check {
    let pending = plan
        .items
        .iter()
        .filter(|item| item.state == migrations::State::Pending)
        .count();
    let errors = plan.errors().count();
    if errors > 0 {
        let problems = match errors {
            1 => "a problem stands in the way".to_owned(),
            n => format!("{n} problems stand in the way"),
        };
        return Check::error("migrations", problems).help("`status` lists what is wrong");
    }
    let found = match pending {
        0 => "nothing is pending".to_owned(),
        n => format!("{n} pending"),
    };
    let warnings: Vec<&str> = plan.warnings().map(|it| it.message.as_str()).collect();
    match (pending, access) {
        (n @ 1.., Access::ReadOnly) => Check::error(
            "migrations",
            format!("{n} pending, and the token allows reading only"),
        )
        .help("make a token that may write: `turso db tokens create NAME`"),
        _ if !warnings.is_empty() => {
            Check::warning("migrations", format!("{found}; {}", warnings.join("; ")))
                .help("`status` shows where, and what to do")
        }
        _ => Check::ok("migrations", found),
    }
}

/// Whether pages and indexes are as they should be; none of a server, which keeps its pages to itself.
pub(super) fn integrity(
    found: Result<Integrity, DbError>,
    depth: Depth,
    size: Option<i64>,
) -> Option<Check> {
    let name = "integrity";
    let pragma = depth.pragma();
    Some(match found {
        Ok(Integrity::NotAsked) => return None,
        Ok(Integrity::Sound) if depth == Depth::Full => {
            Check::ok(name, "integrity_check finds no damage in pages or indexes")
        }
        Ok(Integrity::Sound) => {
            let bytes = size.map_or("many".to_owned(), |bytes| bytes.to_string());
            Check::ok(
                name,
                format!("quick_check finds no damage in pages; integrity_check, which reads the indexes too, was not run: the database has {bytes} bytes"),
            )
            .help("`sqlite3 FILE 'PRAGMA integrity_check'` runs it, and can take long")
        }
        Ok(Integrity::Damaged(faults)) => {
            let (rows, damage) = FaultKind::split(&faults);
            let what = match (rows.is_empty(), damage.is_empty()) {
                (true, _) => "damage",
                (false, true) => "rows that break constraints",
                (false, false) => "damage, and rows that break constraints",
            };
            let mut help = Vec::new();
            if !damage.is_empty() {
                help.push(format!(
                    "{}; otherwise `restore` a backup: `backup list` shows which are good",
                    repairs(&damage, "FILE").join("; ")
                ));
            }
            help.extend((!rows.is_empty()).then(|| ROW_HELP.to_owned()));
            Check::error(
                name,
                format!("{pragma} finds {what}: {}", faults.join("; ")),
            )
            .help(help.join("; "))
        }
        Ok(Integrity::Unchecked(error)) if is_damage(error.code) => {
            Check::failed(name, DbError::Read(error).into())
        }
        Ok(Integrity::Unchecked(error)) => {
            Check::warning(name, format!("{pragma} cannot be run: {error}"))
        }
        Err(error) if error.code().is_some_and(is_damage) => Check::failed(name, error.into()),
        Err(error) => Check::warning(name, format!("{pragma} cannot be run: {error}")),
    })
}

/// Whether the engine has met a page that is not as it should be: then other pages may be lost too.
fn is_damage(code: Code) -> bool {
    matches!(code, Code::Corrupt | Code::NotADatabase | Code::Io)
}

/// Foreign keys without an answer to them all: the rows of each that have no parent, as a query. A row for each column:
/// table, number of the foreign key, parent, column, the column that it refers to.
pub(super) fn listing(columns: &[[Value; 5]]) -> Vec<String> {
    let name = |value: &Value| identifier(value.as_str().unwrap_or_default());
    let keys = columns.chunk_by(|a, b| a[..2] == b[..2]);
    let queries = keys.map(|key| {
        let ([table, _, parent, ..], is_whole) = (&key[0], key.iter().all(|it| !it[4].is_null()));
        let filled = key
            .iter()
            .map(|it| format!("c.{} IS NOT NULL", name(&it[3])));
        let same = key
            .iter()
            .map(|it| format!("p.{} = c.{}", name(&it[4]), name(&it[3])));
        let same: Vec<String> = same.collect();
        let lacking = is_whole.then(|| {
            let same = same.join(" AND ");
            format!(
                "NOT EXISTS (SELECT 1 FROM {} AS p WHERE {same})",
                name(parent)
            )
        });
        let conditions: Vec<String> = filled.chain(lacking).collect();
        format!(
            "SELECT * FROM {} AS c WHERE {}",
            name(table),
            conditions.join(" AND ")
        )
    });
    queries.collect()
}

/// Rows that refer to a row that is not there. `queries` list them where the engine has no table of them.
pub(super) fn foreign_keys(
    answer: Result<[Value; 2], DbError>,
    engine: Engine,
    queries: &[String],
) -> Check {
    const CHECK: &str = "`SELECT * FROM pragma_foreign_key_check`";
    let name = "foreign keys";
    let [count, bytes] = match answer {
        Ok(row) => row,
        Err(error) if error.code().is_some_and(is_damage) => {
            return Check::failed(name, error.into());
        }
        // The engine's words are enough.
        Err(DbError::Read(error)) => {
            return Check::warning(name, format!("they cannot be checked: {error}"));
        }
        Err(error) => return Check::warning(name, format!("they cannot be checked: {error}")),
    };
    match count.as_i64() {
        Some(0) => Check::ok(name, "no row lacks the row that it refers to"),
        Some(count) => {
            let many = match count {
                1000.. => "1000 rows or more refer to rows that are not there".to_owned(),
                1 => "a row refers to a row that is not there".to_owned(),
                count => format!("{count} rows refer to rows that are not there"),
            };
            let help = match (engine, queries) {
                (Engine::Turso, []) => None,
                (Engine::Turso, queries) => {
                    let queries: Vec<String> = queries.iter().map(|it| format!("`{it}`")).collect();
                    let list = if queries.len() == 1 { "lists" } else { "list" };
                    Some(format!("{} {list} them", queries.join(" and ")))
                }
                _ => Some(format!("{CHECK} lists them")),
            };
            let fewer = "migrations keep them from becoming more".to_owned();
            let help = help.into_iter().chain([fewer]);
            Check::warning(name, many).help(help.collect::<Vec<_>>().join("; "))
        }
        None => match bytes.as_i64() {
            Some(bytes) => {
                let why =
                    format!("the database has {bytes} bytes, and to check them reads every row");
                let skipped = Check::skipped(name, why);
                match engine {
                    Engine::Turso => skipped,
                    _ => skipped.help(format!("{CHECK} checks them, and can take long")),
                }
            }
            None => Check::skipped(name, "the engine does not tell"),
        },
    }
}

/// Views and triggers that do not compile, where there are any.
pub(super) fn not_compiling(broken: &[(SchemaObject, EngineError)]) -> Option<Check> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let each = broken.iter().map(|([sort, name, ..], error)| {
        let (sort, name) = (text(sort), text(name));
        format!("{sort} {name}: {error}")
    });
    let each: Vec<String> = each.collect();
    let many = match each.len() {
        0 => return None,
        1 => "one does not compile".to_owned(),
        count => format!("{count} do not compile"),
    };
    let message = format!("{many}: {}", each.join("; "));
    Some(
        Check::warning("views and triggers", message)
            .help("drop each or create it again in a migration; runs do not look at those that are broken before them"),
    )
}

/// Programs of the project that link two versions of the engine.
pub(super) fn engines(cargo_lock: &str) -> impl Iterator<Item = Check> {
    let twice = lock_file::with_two_engines(cargo_lock).into_iter();
    twice.map(|(package, versions)| {
        let message = format!(
            "the package {package} links libsql-ffi {}: two versions in one program end in duplicate symbols",
            versions.join(" and ")
        );
        let help = format!("give {package} the libsql crate in version {}", lock_file::SERIES);
        Check::warning("libsql", message).help(help)
    })
}

#[cfg(test)]
mod tests;
