//! Why a replica could not be synced, by the words of the `libsql` crate: it gives all that it met as one error, which is
//! printed with the headers of the answer. Pure.

/// The kind of reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyncFault {
    /// The primary is busy with its log, as while it is compacted. The same succeeds a little later.
    Busy,
    /// Another connection holds a lock on the file of the replica.
    Locked,
    /// There is no room for the replica.
    Full,
    /// The files of the replica may not be written.
    ReadOnly,
    /// Reading or writing failed in the operating system.
    Io,
    /// Everything else.
    Other,
}

impl SyncFault {
    /// Whether the same may succeed a little later.
    pub(crate) fn may_pass(self) -> bool {
        matches!(self, SyncFault::Busy | SyncFault::Locked)
    }
}

/// The kinds by the words of the engine, the system and gRPC.
#[cfg(feature = "replica")]
const WORDS: [(&str, SyncFault); 18] = [
    ("database is locked", SyncFault::Locked),
    ("database table is locked", SyncFault::Locked),
    ("database or disk is full", SyncFault::Full),
    ("No space left on device", SyncFault::Full),
    ("There is not enough space on the disk", SyncFault::Full),
    ("Disk quota exceeded", SyncFault::Full),
    ("File too large", SyncFault::Full),
    ("readonly database", SyncFault::ReadOnly),
    ("Read-only file system", SyncFault::ReadOnly),
    ("Permission denied", SyncFault::ReadOnly),
    ("Access is denied", SyncFault::ReadOnly),
    ("unable to open database file", SyncFault::ReadOnly),
    ("disk I/O error", SyncFault::Io),
    ("error occured injecting frames", SyncFault::Io),
    ("wal_insert_frame failed", SyncFault::Io),
    ("Snapshot not ready yet", SyncFault::Busy),
    ("status: Unavailable", SyncFault::Busy),
    ("status: ResourceExhausted", SyncFault::Busy),
];

/// The kind of a reason, and the reason without what is no word on it.
#[cfg(feature = "replica")]
pub(super) fn classify(words: &str) -> (SyncFault, String) {
    let fault = WORDS.iter().find(|(part, _)| words.contains(part));
    let fault = match fault {
        // A gateway that does not reach the server is not waited for as long as a server that asks for it.
        Some((_, SyncFault::Busy)) if words.contains("from HTTP status code") => SyncFault::Other,
        Some((_, fault)) => *fault,
        None => SyncFault::Other,
    };
    (fault, plain(words))
}

/// `status: Unavailable, message: "snapshot not found", details: [], metadata: MetadataMap { … }` is what `tonic` prints;
/// the crate puts its own words before it.
#[cfg(feature = "replica")]
fn plain(words: &str) -> String {
    let status = words.split_once("status: ").and_then(|(before, rest)| {
        let (code, rest) = rest.split_once(", message: \"")?;
        let (message, _) = rest.split_once("\", details: ")?;
        Some((before, code, message))
    });
    let text = match status {
        Some((_, code, "")) => format!("the primary answered {code}"),
        Some((_, code, message)) => format!("the primary answered {code}: {message}"),
        None => {
            let own = [
                "replication error: ",
                "sync error: ",
                "Replicator client error: ",
                "Injector error: ",
            ];
            let mut text = words;
            while let Some(rest) = own.iter().find_map(|own| text.strip_prefix(own)) {
                text = rest;
            }
            text.to_owned()
        }
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(all(test, feature = "replica"))]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_a_kind_and_is_told_without_headers() {
        let status = |code: &str, message: &str| {
            format!(
                "replication error: Replicator client error: status: {code}, message: \"{message}\", details: [], \
                 metadata: MetadataMap {{ headers: {{\"x-authorization\": \"secret\"}} }}"
            )
        };
        for (words, fault, expect) in [
            (
                status("Unavailable", "snapshot not found"),
                SyncFault::Busy,
                "the primary answered Unavailable: snapshot not found",
            ),
            (
                status("Unavailable", "grpc-status header missing, mapped from HTTP status code 502"),
                SyncFault::Other,
                "the primary answered Unavailable: grpc-status header missing, mapped from HTTP status code 502",
            ),
            (
                status("Internal", ""),
                SyncFault::Other,
                "the primary answered Internal",
            ),
            (
                "replication error: Injector error: SQLite error: database is locked".to_owned(),
                SyncFault::Locked,
                "SQLite error: database is locked",
            ),
            (
                "sync error: io: msg=metadata write failed, err=No space left on device (os error 28)"
                    .to_owned(),
                SyncFault::Full,
                "io: msg=metadata write failed, err=No space left on device (os error 28)",
            ),
            (
                "replication error: Timeout performing handshake with primary".to_owned(),
                SyncFault::Other,
                "Timeout performing handshake with primary",
            ),
        ] {
            assert_eq!(classify(&words), (fault, expect.to_owned()), "{words}");
        }
    }
}
