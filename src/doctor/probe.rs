//! The edge: files, names, connections and clocks. It decides nothing, and writes nothing.

use std::fs;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Check;
use crate::config::{RemoteUrl, Setting};
#[cfg(feature = "remote")]
use crate::db;
use crate::db::{Db, DbError, Draft, Proxy, Query};

/// What a local database is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) contents: Contents,
    /// What the files beside it end with: `-wal`.
    pub(super) beside: Vec<&'static str>,
    /// What runs that were killed have left of a database for this place, with its bytes.
    pub(super) abandoned: Vec<(PathBuf, u64)>,
}

/// What is in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Contents {
    NoFolder,
    Missing,
    Folder,
    /// A pipe, a socket or a device.
    NoFile,
    Unreadable(String),
    /// Something else than a database.
    Foreign,
    ReadOnly,
    Empty,
    Database {
        bytes: u64,
        journal: &'static str,
    },
}

/// Looks at a file without opening it as a database.
pub(super) fn file(path: &Path) -> File {
    let beside = ["-wal", "-shm", "-journal"]
        .into_iter()
        .filter(|ending| {
            let mut name = path.as_os_str().to_owned();
            name.push(ending);
            Path::new(&name).exists()
        })
        .collect();
    File {
        path: path.to_owned(),
        contents: contents(path),
        beside,
        abandoned: abandoned(path),
    }
}

fn abandoned(path: &Path) -> Vec<(PathBuf, u64)> {
    let mut files = Draft::abandoned(path);
    files.sort();
    files
        .into_iter()
        .map(|file| {
            let bytes = fs::metadata(&file).map_or(0, |metadata| metadata.len());
            (file, bytes)
        })
        .collect()
}

fn contents(path: &Path) -> Contents {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let folder = path.parent().filter(|it| !it.as_os_str().is_empty());
            return match folder.is_none_or(Path::is_dir) {
                true => Contents::Missing,
                false => Contents::NoFolder,
            };
        }
        Err(error) => return Contents::Unreadable(error.to_string()),
    };
    if metadata.is_dir() {
        return Contents::Folder;
    }
    if !metadata.is_file() {
        return Contents::NoFile;
    }
    if metadata.len() == 0 {
        return Contents::Empty;
    }
    // The header: https://sqlite.org/fileformat.html#the_database_header
    let mut header = [0_u8; 20];
    match fs::File::open(path).and_then(|mut file| file.read_exact(&mut header)) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Contents::Foreign,
        Err(error) => return Contents::Unreadable(error.to_string()),
    }
    if !header.starts_with(b"SQLite format 3\0") {
        return Contents::Foreign;
    }
    if metadata.permissions().readonly() {
        return Contents::ReadOnly;
    }
    Contents::Database {
        bytes: metadata.len(),
        journal: match header[18] {
            2 => "wal",
            _ => "delete",
        },
    }
}

/// Which others may do what with a file, by the bits of its permissions; none where there is no such file.
pub(super) fn others(path: &Path) -> Option<Others> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(path).ok()?.permissions().mode();
        Some(Others {
            may_read: mode & 0o004 != 0,
            may_write: mode & 0o022 != 0,
            mode: mode & 0o777,
        })
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

/// What other users of this machine may do with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Others {
    pub(super) may_read: bool,
    pub(super) may_write: bool,
    pub(super) mode: u32,
}

/// The nearest `Cargo.lock` of a folder and those above it, where it can be read.
pub(super) fn lock_file(folder: &Path) -> Option<String> {
    let files = folder.ancestors().map(|folder| folder.join("Cargo.lock"));
    let file = files.into_iter().find(|file| file.is_file())?;
    std::fs::read_to_string(file).ok()
}

/// The median of three round trips.
pub(super) async fn latency(db: &Db) -> Result<Duration, DbError> {
    let mut times = [Duration::ZERO; 3];
    for time in &mut times {
        let since = Instant::now();
        db.rows::<1>(Query::new("SELECT 1")).await?;
        *time = since.elapsed();
    }
    times.sort();
    Ok(times[1])
}

/// From the name of a server to what it says of itself; the first step that fails is the last.
#[cfg(feature = "remote")]
pub(super) async fn network(
    url: &RemoteUrl,
    proxy: Option<&Setting<Proxy>>,
    db: &Db,
) -> Vec<Check> {
    use super::network as words;

    /// How long each step may take.
    const STEP: Duration = Duration::from_secs(10);
    let late = || format!("no answer within {} s", STEP.as_secs());
    let mut checks: Vec<Check> = proxy.map(words::proxy).into_iter().collect();
    let (host, port, peer) = match proxy {
        Some(proxy) => (proxy.value.host(), proxy.value.port(), words::Peer::Proxy),
        None => (url.host(), url.port(), words::Peer::Server),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');

    let addresses: Vec<_> = if db::is_loopback_name(host) {
        checks.push(words::this_machine(host));
        db::LOOPBACK.map(|address| (address, port).into()).into()
    } else {
        let found = tokio::time::timeout(STEP, tokio::net::lookup_host((host, port))).await;
        let addresses: Vec<_> = match found {
            Ok(Ok(addresses)) => addresses.collect(),
            Ok(Err(error)) => {
                checks.push(words::no_name(host, &error.to_string(), peer));
                return checks;
            }
            Err(_) => {
                checks.push(words::no_name(host, &late(), peer));
                return checks;
            }
        };
        checks.push(words::name(host, &addresses, peer));
        addresses
    };

    let mut refused = "it has no address".to_owned();
    let mut connected = None;
    for address in addresses {
        match tokio::time::timeout(STEP, tokio::net::TcpStream::connect(address)).await {
            Ok(Ok(_)) => {
                connected = Some(address);
                break;
            }
            Ok(Err(error)) => refused = format!("{address}: {error}"),
            Err(_) => refused = format!("{address}: {}", late()),
        }
    }
    let Some(address) = connected else {
        checks.push(words::no_connection(url, &refused, peer));
        return checks;
    };
    checks.push(words::connection(address, peer));

    let version = match tokio::time::timeout(STEP, db.server_version()).await {
        Ok(version) => version,
        Err(_) => {
            checks.push(words::silent(url, &late()));
            return checks;
        }
    };
    checks.extend(words::answer(url, version, peer));
    checks
}

/// This build has no network.
#[cfg(not(feature = "remote"))]
pub(super) async fn network(
    _url: &RemoteUrl,
    _proxy: Option<&Setting<Proxy>>,
    _db: &Db,
) -> Vec<Check> {
    Vec::new()
}
