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

/// Whether a request that failed was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It was not, and sending it again may help.
    NotDone,
    /// Nobody knows.
    Unknown,
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
            RemoteError::Lost { .. } => Fate::Unknown,
            // A gateway says so of a server that it may have passed the request on to.
            RemoteError::Status { status, .. } if *status >= 500 => Fate::Unknown,
            // The server's answer was replaced on its way.
            RemoteError::NotHrana { .. } => Fate::Unknown,
            _ => Fate::Refused,
        }
    }
}
