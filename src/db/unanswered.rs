//! Why a server gave no answer, and whether it can have carried the request out: what is safe to send again depends on
//! that and on nothing else. It is there in every build, so that no room above has to ask which features there are.

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// No connection: nothing was sent.
    #[error("cannot reach {host}: {why}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// The system's words.
        why: String,
    },
    /// Somebody answers, and not over TLS, or with a certificate that does not hold: nothing was sent.
    #[error("no encrypted connection to {host}: {why}")]
    NotEncrypted {
        /// Host and port.
        host: String,
        /// The words of whoever checked it.
        why: String,
    },
    /// The connection broke after something was sent: the server may carry it out, now or later.
    #[error("the connection to {host} broke before the answer came: {why}")]
    Lost {
        /// Host and port.
        host: String,
        /// The system's words.
        why: String,
    },
    /// 401.
    #[error("{host} refused the token: {words}")]
    Unauthorized {
        /// Host and port.
        host: String,
        /// The server's words.
        words: String,
    },
    /// 403: the token allows reading only.
    #[error("{host} does not allow this token to write: {words}")]
    Forbidden {
        /// Host and port.
        host: String,
        /// The server's words.
        words: String,
    },
    /// 404.
    #[error("{host} has no database there: {words}")]
    NotFound {
        /// Host and port.
        host: String,
        /// The server's words.
        words: String,
    },
    /// 429: nothing was carried out.
    #[error("{host} has too many requests at the moment: {words}")]
    TooMany {
        /// Host and port.
        host: String,
        /// The server's words.
        words: String,
    },
    /// 3xx. The protocol has no redirects, so none is followed.
    #[error(
        "{host} redirects to {} (status {status}), and redirects are not followed",
        place(location)
    )]
    Redirected {
        /// Host and port.
        host: String,
        /// The number.
        status: u16,
        /// Where to, without secrets and control characters; empty where the answer does not say.
        location: String,
        /// The URL of the database at that place, where it is one.
        database: Option<String>,
    },
    /// An answer without an error that lacks results.
    #[error("the answer of {host} is incomplete: {lacks}")]
    Incomplete {
        /// Host and port.
        host: String,
        /// What it lacks.
        lacks: String,
    },
    /// Another status.
    #[error("{host} answered with status {status}: {words}")]
    Status {
        /// Host and port.
        host: String,
        /// The number.
        status: u16,
        /// The server's words.
        words: String,
    },
    /// The answer is none of a libSQL server.
    #[error("{host} does not answer as a libSQL server does: {words}")]
    NotHrana {
        /// Host and port.
        host: String,
        /// How its answer begins.
        words: String,
    },
    /// The answer would be larger than the server gives at once.
    #[error("the answer is larger than {host} gives at once")]
    TooLarge {
        /// Host and port.
        host: String,
    },
}

fn place(location: &str) -> &str {
    match location {
        "" => "a place that it does not name",
        location => location,
    }
}

/// Whether a request that failed was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was not, and sending it again may help.
    NotDone,
    /// Nobody knows.
    Unknown,
    /// Nobody knows, and it must not be sent again: only reading can tell.
    Unrepeatable,
    /// It was not, and sending it again would not help.
    Refused,
}

impl RemoteError {
    /// Whether the request was carried out.
    pub fn fate(&self) -> Fate {
        match self {
            RemoteError::Unreachable { .. }
            | RemoteError::NotEncrypted { .. }
            | RemoteError::TooMany { .. } => Fate::NotDone,
            RemoteError::Lost { .. } | RemoteError::Incomplete { .. } => Fate::Unknown,
            RemoteError::Redirected { .. } => Fate::Unrepeatable,
            // A gateway may have passed the request on to a server before it gave up, or lost the answer.
            RemoteError::Status {
                status: 408 | 499, ..
            } => Fate::Unknown,
            RemoteError::Status {
                status: 400..=499, ..
            } => Fate::Refused,
            RemoteError::Status { .. } => Fate::Unknown,
            // The server's answer was replaced on its way.
            RemoteError::NotHrana { .. } => Fate::Unknown,
            RemoteError::Unauthorized { .. }
            | RemoteError::Forbidden { .. }
            | RemoteError::NotFound { .. }
            | RemoteError::TooLarge { .. } => Fate::Refused,
        }
    }

    /// Whether the same may succeed a little later.
    pub fn may_pass(&self) -> bool {
        matches!(self.fate(), Fate::NotDone | Fate::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_tells_that_nothing_was_done_only_where_the_server_itself_refused() {
        let fate = |status: u16| {
            let (host, words) = (String::new(), String::new());
            RemoteError::Status {
                host,
                status,
                words,
            }
            .fate()
        };
        for status in [400, 405, 409, 413, 422] {
            assert_eq!(fate(status), Fate::Refused, "{status}");
        }
        for status in [201, 202, 204, 206, 408, 499, 500, 502, 503, 504, 524] {
            assert_eq!(fate(status), Fate::Unknown, "{status}");
        }
    }

    #[test]
    fn a_redirect_is_never_sent_again_and_names_its_place() {
        let redirected = |location: &str| RemoteError::Redirected {
            host: "a:1".to_owned(),
            status: 307,
            location: location.to_owned(),
            database: None,
        };
        assert_eq!(redirected("").fate(), Fate::Unrepeatable);
        assert!(!redirected("").may_pass());
        assert_eq!(
            redirected("https://b/").to_string(),
            "a:1 redirects to https://b/ (status 307), and redirects are not followed"
        );
        assert_eq!(
            redirected("").to_string(),
            "a:1 redirects to a place that it does not name (status 307), and redirects are not followed"
        );
    }
}
