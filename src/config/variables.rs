//! The names of the variables that are read from the environment and from `.env`. No others are.

/// Path of the local database file.
pub const DATABASE_FILE: &str = "DATABASE_FILE";
/// Switch: the database is the Turso remote.
pub const USE_TURSO: &str = "USE_TURSO";
/// Switch: the database is an embedded replica of the Turso remote.
pub const USE_EMBEDDED_REPLICA: &str = "USE_EMBEDDED_REPLICA";
/// URL of the remote.
pub const TURSO_DATABASE_URL: &str = "TURSO_DATABASE_URL";
/// Token of the remote.
pub const TURSO_AUTH_TOKEN: &str = "TURSO_AUTH_TOKEN";
/// Path of a file that holds the token and nothing else.
pub const TURSO_AUTH_TOKEN_FILE: &str = "TURSO_AUTH_TOKEN_FILE";
/// Key of a remote that its owner encrypts.
pub const TURSO_DB_REMOTE_ENCRYPTION_KEY: &str = "TURSO_DB_REMOTE_ENCRYPTION_KEY";
/// Token of the database that `copy` reads.
pub const SEEDBED_FROM_TOKEN: &str = "SEEDBED_FROM_TOKEN";
/// Token of the database that `copy` writes.
pub const SEEDBED_TO_TOKEN: &str = "SEEDBED_TO_TOKEN";
/// Path of the replica's local file.
pub const EMBEDDED_REPLICA_FILE: &str = "EMBEDDED_REPLICA_FILE";
/// Name of the seed environment.
pub const SEEDBED_ENV: &str = "SEEDBED_ENV";
/// The file that each request and each transaction is logged to: from the environment only.
pub const SEEDBED_LOG: &str = "SEEDBED_LOG";
/// Of other tools: the local file where it is the URL of one, and a warning that it is not used otherwise.
pub const DATABASE_URL: &str = "DATABASE_URL";
/// The home folder, for paths that start with `~/`: from the environment only.
pub const HOME: &str = if cfg!(windows) { "USERPROFILE" } else { "HOME" };

/// Proxies for https URLs, for http URLs and for both, and hosts that are reached without one: from the environment
/// only. The first that is set counts.
pub const HTTPS_PROXY: [&str; 2] = ["https_proxy", "HTTPS_PROXY"];
/// See [`HTTPS_PROXY`].
pub const HTTP_PROXY: [&str; 1] = ["http_proxy"];
/// See [`HTTPS_PROXY`].
pub const ALL_PROXY: [&str; 2] = ["all_proxy", "ALL_PROXY"];
/// See [`HTTPS_PROXY`].
pub const NO_PROXY: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// Every name above that `.env` may set.
pub(super) const IN_DOTENV: [&str; 12] = [
    DATABASE_FILE,
    USE_TURSO,
    USE_EMBEDDED_REPLICA,
    TURSO_DATABASE_URL,
    TURSO_AUTH_TOKEN,
    TURSO_AUTH_TOKEN_FILE,
    TURSO_DB_REMOTE_ENCRYPTION_KEY,
    SEEDBED_FROM_TOKEN,
    SEEDBED_TO_TOKEN,
    EMBEDDED_REPLICA_FILE,
    SEEDBED_ENV,
    DATABASE_URL,
];
