//! Where a database is: the identity that a backup records in its first line, so that retention removes only backups
//! of the same database. A file name cannot be that: two databases may have the same.
//!
//! It never holds a user, a password, a token or a query of a URL, and it is never guessed: without a location nothing
//! is known to be of the same database.

use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};

use crate::db::Db;

/// The place of a database, as it is compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Location {
    /// A local file.
    File {
        /// The name of the machine.
        host: String,
        /// The path without symbolic links.
        path: String,
    },
    /// A database on a server; of a replica, its primary.
    Server {
        /// The URL, without what may be secret.
        url: String,
        /// The name of the machine, where the URL means "this machine".
        host: Option<String>,
    },
}

/// How the first line of a backup begins. What follows is one line of JSON.
const HEADER: &str = "-- seedbed backup of ";

/// The key of the id of the database in that line, as the history of the database has it.
const DATABASE_ID: &str = "database_id";

/// The longest first line that is read.
const LONGEST: u64 = 16 * 1024;

impl Location {
    /// Of an open database; none of one in memory, and where this machine or the path has no name.
    pub fn of(db: &Db) -> Option<Location> {
        if let Some(path) = db.path() {
            return Some(Location::File {
                host: host()?,
                path: canonical(&path)?.to_str()?.to_owned(),
            });
        }
        let (url, is_this_machine) = server(db.base_url()?);
        let host = match is_this_machine {
            true => Some(host()?),
            false => None,
        };
        Some(Location::Server { url, host })
    }

    /// The first line of a backup of the database that is here now and has this id.
    pub(super) fn header(&self, database_id: Option<&str>) -> String {
        let mut json = match self {
            Location::File { host, path } => json!({"host": host, "path": path}),
            Location::Server { url, host: None } => json!({"url": url}),
            Location::Server { url, host } => json!({"host": host, "url": url}),
        };
        if let Some(id) = database_id {
            json[DATABASE_ID] = id.into();
        }
        format!("{HEADER}{json}\n")
    }

    /// The location and the id that a first line records; none where it is another line, or records what this version does
    /// not know.
    fn parse(line: &str) -> Option<(Location, Option<String>)> {
        let Value::Object(record) = serde_json::from_str(line.strip_prefix(HEADER)?).ok()? else {
            return None;
        };
        let (mut texts, mut id) = (Vec::new(), None);
        for (key, value) in &record {
            let value = value.as_str()?.to_owned();
            match key.as_str() {
                DATABASE_ID => id = Some(value),
                key => texts.push((key, value)),
            }
        }
        texts.sort();
        let location = match texts.as_slice() {
            [("host", host), ("path", path)] => Location::File {
                host: host.clone(),
                path: path.clone(),
            },
            [("host", host), ("url", url)] => Location::Server {
                url: url.clone(),
                host: Some(host.clone()),
            },
            [("url", url)] => Location::Server {
                url: url.clone(),
                host: None,
            },
            _ => return None,
        };
        Some((location, id))
    }

    /// What a backup records; none where it records nothing, as those of earlier versions, or cannot be read. Only its
    /// first line is read.
    pub(super) fn recorded(backup: &Path) -> Option<(Location, Option<String>)> {
        let text = MultiGzDecoder::new(File::open(backup).ok()?).take(LONGEST);
        let mut line = String::new();
        BufReader::new(text).read_line(&mut line).ok()?;
        Location::parse(line.trim_end())
    }

    /// Whether this is a file that is there: its own backups are removed when it is backed up.
    pub(super) fn is_present(&self) -> bool {
        match self {
            Location::File { host, path } => {
                let here = self::host();
                let path = Path::new(path);
                here.as_ref() == Some(host)
                    && path.is_file()
                    && path.canonicalize().is_ok_and(|found| found == path)
            }
            Location::Server { .. } => false,
        }
    }
}

/// The path or URL, and the machine.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (place, host) = match self {
            Location::File { host, path } => (path, Some(host)),
            Location::Server { url, host } => (url, host.as_ref()),
        };
        // A backup may come from anywhere.
        let plain = |text: &str| text.replace(char::is_control, "\u{fffd}");
        match host {
            Some(host) => write!(f, "{} on {}", plain(place), plain(host)),
            None => f.write_str(&plain(place)),
        }
    }
}

/// The name of this machine: what the kernel says, what Windows says, or what the program prints that tells it. Not
/// `HOSTNAME`, which a shell sets and cron does not.
fn host() -> Option<String> {
    let one = |text: String| {
        let name = text.trim();
        (!name.is_empty()).then(|| name.to_owned())
    };
    let kernel = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let windows = || std::env::var("COMPUTERNAME").ok();
    let program = || {
        let output = std::process::Command::new("hostname").output().ok()?;
        String::from_utf8(output.stdout).ok()
    };
    kernel()
        .and_then(one)
        .or_else(|| windows().and_then(one))
        .or_else(|| program().and_then(one))
}

/// The path without symbolic links, also of a file that is not there.
fn canonical(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    path.canonicalize().ok().or_else(|| {
        let folder = path.parent()?.canonicalize().ok()?;
        Some(folder.join(path.file_name()?))
    })
}

/// The URL of a server in its one spelling, and whether it means this machine.
fn server(base: &str) -> (String, bool) {
    let (scheme, rest) = base.split_once("://").unwrap_or(("https", base));
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let authority = authority.to_ascii_lowercase();
    let usual = match scheme {
        "http" => ":80",
        _ => ":443",
    };
    let authority = authority.strip_suffix(usual).unwrap_or(&authority);
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let inside = host.trim_start_matches('[').trim_end_matches(']');
    let is_this_machine = host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|it| it.is_loopback())
        || inside.parse::<Ipv6Addr>().is_ok_and(|it| it.is_loopback());
    let path = path.trim_end_matches('/');
    (format!("{scheme}://{authority}{path}"), is_this_machine)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_has_one_spelling_without_secrets() {
        for (base, expect) in [
            (
                "https://App-Org.turso.io",
                ("https://app-org.turso.io", false),
            ),
            ("https://app.turso.io:443/", ("https://app.turso.io", false)),
            ("http://db:80", ("http://db", false)),
            ("http://db:8080/a", ("http://db:8080/a", false)),
            (
                "https://u:p@app.turso.io?authToken=x#y",
                ("https://app.turso.io", false),
            ),
            ("http://127.0.0.1:8080", ("http://127.0.0.1:8080", true)),
            ("http://[::1]:8080", ("http://[::1]:8080", true)),
            ("http://[::1]", ("http://[::1]", true)),
            ("http://a.localhost:1", ("http://a.localhost:1", true)),
        ] {
            let (url, is_this_machine) = server(base);
            assert_eq!((url.as_str(), is_this_machine), expect, "{base}");
        }
    }

    #[test]
    fn what_is_recorded_is_read_as_it_was() {
        for location in [
            Location::File {
                host: "h".to_owned(),
                path: "/a \"b\"\n--/c.db".to_owned(),
            },
            Location::Server {
                url: "https://app.turso.io".to_owned(),
                host: None,
            },
            Location::Server {
                url: "http://127.0.0.1:8080".to_owned(),
                host: Some("h".to_owned()),
            },
        ] {
            for id in [None, Some("0af1".to_owned())] {
                let header = location.header(id.as_deref());
                assert_eq!(header.matches('\n').count(), 1, "{header}");
                let parsed = Location::parse(header.trim_end());
                assert_eq!(parsed, Some((location.clone(), id)));
            }
        }
    }

    #[test]
    fn a_record_of_another_version_says_nothing() {
        for line in [
            "",
            "PRAGMA foreign_keys=OFF;",
            "-- seedbed backup of ",
            "-- seedbed backup of {}",
            "-- seedbed backup of {\"path\":\"/a\"}",
            "-- seedbed backup of {\"host\":\"h\",\"id\":\"1\",\"path\":\"/a\"}",
            "-- seedbed backup of {\"host\":\"h\",\"path\":1}",
        ] {
            assert_eq!(Location::parse(line), None, "{line}");
        }
    }

    #[test]
    fn a_location_is_shown_without_what_a_terminal_would_act_on() {
        let file = Location::File {
            host: "b".to_owned(),
            path: "/a\u{1b}.db".to_owned(),
        };
        assert_eq!(file.to_string(), "/a\u{fffd}.db on b");
    }
}
