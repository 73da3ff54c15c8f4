//! The forms that name a database: a path, `file:`, `:memory:`, or the URL of a remote.
//!
//! Pure text: nothing is resolved or connected to. No error quotes the text that it refuses, which
//! may hold a password or a token.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::db::is_loopback_name;

/// What a `--database` names.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// A file, as it was written, without `file:`.
    File(String),
    /// `:memory:`.
    Memory,
    /// A libSQL server.
    Remote(RemoteUrl),
}

impl Form {
    /// Reads `app.db`, `file:app.db`, `sqlite:app.db`, `:memory:`, or a URL as [`RemoteUrl::parse`] does. `sqlite://app.db`
    /// is relative, as sqlx and Prisma read it: <https://docs.rs/sqlx/latest/sqlx/sqlite/struct.SqliteConnectOptions.html>.
    /// `sqlite3:` is the word of golang-migrate and dbmate for the same.
    ///
    /// # Errors
    /// Anything else that looks like a URL, and the path of a file with escapes or with parameters that could name
    /// another database than the path does.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(UrlError::Empty);
        }
        if text.starts_with("eyJ") && text.matches('.').count() == 2 {
            return Err(UrlError::Token);
        }
        if text == ":memory:" || text == "file::memory:" {
            return Ok(Self::Memory);
        }
        if let Some(rest) = strip_scheme(text, "file:") {
            return file_of_uri(rest).map(|path| Self::File(path.to_owned()));
        }
        if let Some(rest) = strip_scheme(text, "sqlite:").or_else(|| strip_scheme(text, "sqlite3:"))
        {
            return match rest.strip_prefix("//").unwrap_or(rest) {
                ":memory:" => Ok(Self::Memory),
                path => file_of_uri(path).map(|path| Self::File(path.to_owned())),
            };
        }
        if text.contains("://") {
            return RemoteUrl::parse(text).map(Self::Remote);
        }
        if NETWORK_SCHEMES
            .iter()
            .any(|(scheme, _)| strip_scheme(text, scheme).is_some_and(|rest| rest.starts_with(':')))
        {
            return Err(UrlError::NoSlashes);
        }
        if text.starts_with(':') {
            return Err(UrlError::Colon);
        }
        if text.trim_end_matches('/').ends_with(".turso.io") {
            return Err(UrlError::TursoHost);
        }
        if RemoteUrl::parse(text) == Err(UrlError::LoopbackScheme) {
            return Err(UrlError::LoopbackScheme);
        }
        Ok(Self::File(text.to_owned()))
    }
}

/// Parameters of a `file:` or `sqlite:` URI that say how a driver opens a file, and not which: of SQLite
/// (<https://www.sqlite.org/uri.html>), sqlx, Prisma (<https://www.prisma.io/docs/orm/overview/databases/sqlite>), and those
/// of Go's drivers, which begin with `_`.
const HOW_TO_OPEN: [&str; 7] = [
    "mode=rwc",
    "mode=rw",
    "cache=shared",
    "cache=private",
    "connection_limit=",
    "socket_timeout=",
    "_",
];

/// The path in a `file:` URI: <https://www.sqlite.org/uri.html>, without parameters that only say how to open it.
fn file_of_uri(rest: &str) -> Result<&str, UrlError> {
    let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let is_known = |it: &str| match HOW_TO_OPEN.iter().find(|known| it.starts_with(*known)) {
        Some(known) => known.ends_with(['=', '_']) || it == *known,
        None => it.is_empty(),
    };
    // With parameters it would be memory that connections share.
    if rest == ":memory:" || rest.contains(['#', '%']) || !parameters.split('&').all(is_known) {
        return Err(UrlError::FileExtras);
    }
    let path = match rest.strip_prefix("//") {
        None => rest,
        Some(after) => {
            let after = strip_scheme(after, "localhost").unwrap_or(after);
            if !after.starts_with('/') {
                return Err(UrlError::FileHost);
            }
            // `file:///C:/app.db` names a drive.
            match after.strip_prefix('/') {
                Some(drive) if cfg!(windows) && drive.get(1..2) == Some(":") => drive,
                _ => after,
            }
        }
    };
    if path.is_empty() {
        return Err(UrlError::Empty);
    }
    Ok(path)
}

/// What follows `prefix`, written in whatever case.
fn strip_scheme<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let start = text.get(..prefix.len())?;
    start
        .eq_ignore_ascii_case(prefix)
        .then(|| &text[prefix.len()..])
}

/// The schemes of libSQL's clients, and whether the connection is encrypted:
/// <https://github.com/tursodatabase/libsql-client-ts#supported-urls>.
const NETWORK_SCHEMES: [(&str, bool); 6] = [
    ("libsql", true),
    ("turso", true),
    ("https", true),
    ("http", false),
    ("wss", true),
    ("ws", false),
];

/// The URL of a libSQL server, without credentials: it can be printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteUrl {
    scheme: &'static str,
    encrypted: bool,
    host: String,
    port: Option<u16>,
    path: String,
    loopback: bool,
}

impl RemoteUrl {
    /// Reads `libsql://`, `turso://`, `https://`, `http://`, `wss://` or `ws://`, or a host alone, which means
    /// `libsql://`, as in libSQL's own clients. A path is kept, a slash at its end is not.
    ///
    /// # Errors
    /// Other schemes, credentials, parameters, hosts that are no hosts, file paths.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(UrlError::Empty);
        }
        if text.starts_with(['"', '\'']) {
            return Err(UrlError::Quotes);
        }
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (Some(scheme), rest),
            None => (None, text),
        };
        let (scheme, encrypted) = match scheme {
            Some(scheme) => known_scheme(scheme)?,
            None if looks_like_a_file(text) => return Err(UrlError::File),
            None => ("libsql", true),
        };
        // Before the rest, so that no later error can be about a piece of a password.
        let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or(rest);
        if authority.contains('@') {
            return Err(UrlError::Credentials);
        }
        if rest.contains(['?', '#']) {
            return Err(UrlError::Parameters);
        }
        // The base64 of `{"`, which every token starts with.
        if rest.split('/').any(|part| part.starts_with("eyJ")) {
            return Err(UrlError::Token);
        }
        let path = rest[authority.len()..].trim_end_matches('/');
        if !path.chars().all(|c| c.is_ascii_graphic() && c != '\\') {
            return Err(UrlError::Path);
        }
        let (host, port) = split_port(authority)?;
        let (host, loopback) = read_host(host)?;
        if !text.contains("://") && loopback {
            return Err(UrlError::LoopbackScheme);
        }
        Ok(Self {
            scheme,
            encrypted,
            host,
            port,
            path: path.to_owned(),
            loopback,
        })
    }

    /// The URL that HTTP requests start with: `https://host:port/path`, no slash at the end.
    pub fn base(&self) -> String {
        let scheme = if self.encrypted { "https" } else { "http" };
        format!("{scheme}://{}", self.after_scheme())
    }

    /// The host: a name in lower case, or an address, IPv6 in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The first label of a host that is a name: `my-app-my-org` of `my-app-my-org.turso.io`.
    pub fn label(&self) -> Option<&str> {
        let is_address = self.host.starts_with('[') || self.host.parse::<Ipv4Addr>().is_ok();
        (!is_address).then(|| self.host.split('.').next())?
    }

    /// The port, by the scheme where none was given.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.encrypted {
            true => 443,
            false => 80,
        })
    }

    /// Whether both are the same database of the same server, whatever their schemes.
    pub fn is_same_server(&self, other: &RemoteUrl) -> bool {
        (&self.host, self.port(), &self.path) == (&other.host, other.port(), &other.path)
    }

    /// Whether it was given with the scheme `turso`.
    pub(super) fn is_turso(&self) -> bool {
        self.scheme == "turso"
    }

    /// Whether what is sent is encrypted.
    pub fn is_encrypted(&self) -> bool {
        self.encrypted
    }

    /// Whether the server is this machine: `localhost` and the names below it, `127.0.0.0/8` or `[::1]`.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Whether the host may be in a private network: a private address, or a name that is not Turso's. What a name stands
    /// for is not looked up.
    pub(super) fn may_be_private(&self) -> bool {
        let host = self.host.trim_start_matches('[').trim_end_matches(']');
        match host.parse::<IpAddr>() {
            Ok(IpAddr::V4(it)) => {
                // The last one is shared by carriers and overlay networks: RFC 6598.
                let [a, b, ..] = it.octets();
                let is_shared = a == 100 && (64..128).contains(&b);
                it.is_private() || it.is_link_local() || it.is_loopback() || is_shared
            }
            Ok(IpAddr::V6(it)) => {
                it.is_unique_local() || it.is_unicast_link_local() || it.is_loopback()
            }
            Err(_) => {
                let name = host.strip_suffix('.').unwrap_or(host);
                name != "turso.io" && !name.ends_with(".turso.io")
            }
        }
    }

    fn after_scheme(&self) -> String {
        let Self { host, path, .. } = self;
        match self.port {
            Some(port) => format!("{host}:{port}{path}"),
            None => format!("{host}{path}"),
        }
    }
}

/// The URL with the scheme that it was given with.
impl fmt::Display for RemoteUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.after_scheme())
    }
}

fn known_scheme(scheme: &str) -> Result<(&'static str, bool), UrlError> {
    let lower = scheme.to_ascii_lowercase();
    if let Some(known) = NETWORK_SCHEMES.iter().find(|(name, _)| *name == lower) {
        return Ok(*known);
    }
    if lower == "file" {
        return Err(UrlError::File);
    }
    let is_one = lower.starts_with(|c: char| c.is_ascii_lowercase())
        && lower.len() <= 20
        && lower
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if is_one {
        Err(UrlError::Scheme(lower))
    } else {
        Err(UrlError::Host)
    }
}

/// Text without a scheme that is more likely a path than a host.
fn looks_like_a_file(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    strip_scheme(text, "file:").is_some()
        || text.starts_with(['/', '.', '~', ':', '\\'])
        || [".db", ".sqlite", ".sqlite3", ".db3"]
            .iter()
            .any(|ending| lower.ends_with(ending))
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), UrlError> {
    // The colons of an IPv6 address stand inside its brackets.
    let after_host = match authority.starts_with('[') {
        true => authority.rfind(']').ok_or(UrlError::Host)? + 1,
        false => 0,
    };
    let Some(colon) = authority[after_host..].find(':') else {
        return Ok((authority, None));
    };
    let (host, port) = authority.split_at(after_host + colon);
    let digits = &port[1..];
    if authority.parse::<Ipv6Addr>().is_ok() {
        return Err(UrlError::Brackets);
    }
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(UrlError::Port);
    }
    match digits.parse::<u16>() {
        Ok(port) if port > 0 => Ok((host, Some(port))),
        _ => Err(UrlError::Port),
    }
}

/// The host in its one spelling, and whether it is loopback.
fn read_host(host: &str) -> Result<(String, bool), UrlError> {
    if let Some(inside) = host.strip_prefix('[') {
        let address = inside
            .strip_suffix(']')
            .and_then(|inside| inside.parse::<Ipv6Addr>().ok())
            .ok_or(UrlError::Host)?;
        return Ok((format!("[{address}]"), address.is_loopback()));
    }
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Ok((address.to_string(), address.is_loopback()));
    }
    let name = host.to_ascii_lowercase();
    let labels: Vec<&str> = name.strip_suffix('.').unwrap_or(&name).split('.').collect();
    let is_label = |label: &&str| {
        !label.is_empty()
            && label.len() <= 63
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    // `127.1` and `0x7f.1` are addresses to some resolvers, so they are no names:
    // https://url.spec.whatwg.org/#ends-in-a-number-checker
    let ends_in_number = labels
        .last()
        .is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x"));
    if name.len() > 253 || !labels.iter().all(is_label) || ends_in_number {
        return Err(UrlError::Host);
    }
    let loopback = is_loopback_name(&name);
    Ok((name, loopback))
}

/// Why a text names no database: what to say after the name of the setting. Never quotes the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// Nothing was given.
    #[error("is empty")]
    Empty,
    /// A user name or password stands in the URL.
    #[error("holds a user name or password, which a URL must not")]
    Credentials,
    /// A query or fragment stands in the URL.
    #[error("holds parameters (`?…` or `#…`), which a URL must not")]
    Parameters,
    /// A token as the host or in the path.
    #[error("holds a token, which a URL must not")]
    Token,
    /// Another kind of database, or none.
    #[error("names no libSQL database by `{0}://`")]
    Scheme(String),
    /// `https:host`.
    #[error("lacks `//` after its scheme")]
    NoSlashes,
    /// Quotes around it, as `docker --env-file` passes them on.
    #[error("has quotes around it")]
    Quotes,
    /// No host, or not one.
    #[error("has no valid host")]
    Host,
    /// Not a port.
    #[error("has a port that is not a number from 1 to 65535")]
    Port,
    /// A bare IPv6 address.
    #[error("holds an IPv6 address without brackets")]
    Brackets,
    /// Spaces, control characters or the like in the path.
    #[error("has a path with a character that cannot stand in a URL")]
    Path,
    /// A file where a remote is meant.
    #[error("holds the path of a file, not the URL of a remote")]
    File,
    /// `localhost:8080`: encrypted or not?
    #[error("names a server on this machine without a scheme")]
    LoopbackScheme,
    /// The host of a Turso database where a path is meant.
    #[error("looks like a Turso host, but without a scheme it names a file")]
    TursoHost,
    /// `file:app.db?mode=ro`.
    #[error(
        "is a path with parameters or `%` escapes, which would name another database than it seems to"
    )]
    FileExtras,
    /// `file://app.db`: the URI of a file on the host `app.db`.
    #[error("names a host after `file://`, where a relative path has no slashes")]
    FileHost,
    /// `:memory`.
    #[error("starts with `:`, as no path does")]
    Colon,
}

impl UrlError {
    /// What to write instead.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Credentials | Self::Token => {
                "leave it out of the URL; the token goes into TURSO_AUTH_TOKEN, in the environment or .env"
            }
            Self::Parameters => {
                "take them out: a token goes into TURSO_AUTH_TOKEN, and `?tls=0` is written http://"
            }
            Self::Quotes => "take the quotes away",
            Self::Brackets => "write http://[::1]:8080",
            Self::File => "a local database goes into DATABASE_FILE, or --database app.db",
            Self::LoopbackScheme => "write http://localhost:8080, or https:// if it speaks TLS",
            Self::TursoHost => "write libsql:// before it, or ./ if a file is meant",
            Self::FileExtras => {
                "write the path itself, without `file:` or `sqlite:` and what follows `?`"
            }
            Self::FileHost => "write file:app.db, file:/folder/app.db, or the path alone",
            Self::Colon => "write :memory: for a database in memory, ./ before the name of a file",
            Self::Empty
            | Self::Scheme(_)
            | Self::NoSlashes
            | Self::Host
            | Self::Port
            | Self::Path => {
                "a remote is libsql://host, https://host or http://127.0.0.1:8080; a local file is its path"
            }
        }
    }
}
