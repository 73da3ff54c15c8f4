//! Why a server gave no answer, and whether it can have carried the request out: what is safe to send again depends on
//! that and on nothing else. It is there in every build, so that no module above has to ask which features there are.

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// No connection: nothing was sent.
    #[error("cannot reach {host}: {why}")]
    Unreachable {
        /// Host and port.
        host: String,
        /// The system's words.
        why: String,
    },
    /// A server answers, but not over TLS, or with a certificate that does not hold: nothing was sent.
    #[error("no encrypted connection to {host}: {why}")]
    NotEncrypted {
        /// Host and port.
        host: String,
        /// The message of the check.
        why: String,
    },
    /// This machine has no certificates of authorities, so no server can show who it is: nothing was sent.
    #[error(
        "no encrypted connection to {host}: no CA certificates were found{} ({why})",
        looked(named)
    )]
    NoCertificates {
        /// Host and port.
        host: String,
        /// The variables that name where they are looked for, with their values; empty where none is set.
        named: String,
        /// The message of the system.
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
    /// The caller did not wait for the answer any longer.
    #[error("the answer of {host} was not waited for any longer")]
    GivenUp {
        /// Host and port.
        host: String,
    },
    /// 401.
    #[error("{host} {}: {words}", sent.refusal())]
    Unauthorized {
        /// Host and port.
        host: String,
        /// Whether the request had a token.
        sent: Sent,
        /// The server's words.
        words: String,
    },
    /// 403: a token that may only read, or a firewall before the server.
    #[error("{host} does not allow this: {words}")]
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
    /// The answer would be larger than the server gives at once. The server ended the request, and transactions before
    /// that are committed.
    #[error("the answer is larger than {host} gives at once")]
    TooLarge {
        /// Host and port.
        host: String,
    },
    /// The answer is larger than any answer that a server gives.
    #[error("the answer of {host} is larger than {} MB, and was not read to its end", most >> 20)]
    Oversized {
        /// Host and port.
        host: String,
        /// The bytes that are read at the most.
        most: usize,
    },
    /// The server ended the request with an error of no statement. Transactions before that are committed.
    #[error("{host} ended the request: {words}")]
    Ended {
        /// Host and port.
        host: String,
        /// The kind of the error.
        code: super::Code,
        /// The server's words.
        words: String,
    },
}

fn looked(named: &str) -> String {
    match named {
        "" => String::new(),
        named => format!(" where {named} says"),
    }
}

/// Whether a request had a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sent {
    /// It had one.
    Token,
    /// It had none.
    NoToken,
}

impl Sent {
    fn refusal(self) -> &'static str {
        match self {
            Sent::Token => "refused the token",
            Sent::NoToken => "wants a token, and none is set",
        }
    }
}

fn place(location: &str) -> &str {
    match location {
        "" => "a place that it does not name",
        location => location,
    }
}

/// Whether a request that failed was carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// It was not, and sending it again may help.
    NotDone,
    /// It is unknown.
    Unknown,
    /// It is unknown, and the run must not be sent again: only reading can tell.
    Unrepeatable,
    /// It was not, and sending it again would not help.
    Refused,
}

/// Whether a request was carried out whose answer has this status, and is not 200.
///
/// [`Fate::Refused`] is for statuses that a server or a gateway gives instead of carrying a request out. All others may
/// come from a gateway that had passed the request on: it gave up waiting (408, 499, 502, 504), disliked the answer (406,
/// 451), or replaced it (2xx, 3xx).
fn of_status(status: u16) -> Fate {
    match status {
        425 | 429 => Fate::NotDone,
        300..=399 => Fate::Unrepeatable,
        400..=405 | 407 | 409..=415 | 417 | 421 | 422 | 426 | 428 | 431 => Fate::Refused,
        _ => Fate::Unknown,
    }
}

impl RemoteError {
    /// Whether the request was carried out.
    pub fn fate(&self) -> Fate {
        match self {
            RemoteError::Unreachable { .. } | RemoteError::NotEncrypted { .. } => Fate::NotDone,
            RemoteError::NoCertificates { .. } => Fate::Refused,
            // The server's answer was lost or replaced on its way.
            RemoteError::Lost { .. }
            | RemoteError::Incomplete { .. }
            | RemoteError::NotHrana { .. } => Fate::Unknown,
            RemoteError::TooLarge { .. }
            | RemoteError::Oversized { .. }
            | RemoteError::GivenUp { .. }
            | RemoteError::Ended { .. } => Fate::Unrepeatable,
            RemoteError::Unauthorized { .. } => of_status(401),
            RemoteError::Forbidden { .. } => of_status(403),
            RemoteError::NotFound { .. } => of_status(404),
            RemoteError::TooMany { .. } => of_status(429),
            RemoteError::Redirected { status, .. } | RemoteError::Status { status, .. } => {
                of_status(*status)
            }
        }
    }

    /// Whether the request is over: the server does not carry it out later. Then reading tells whether it did.
    pub fn is_over(&self) -> bool {
        let ended = matches!(
            self,
            RemoteError::TooLarge { .. } | RemoteError::Ended { .. }
        );
        ended || self.fate() == Fate::Refused
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
    fn each_status_has_a_class() {
        // Certainly not carried out; all others may have been.
        let refused = [
            400, 401, 402, 403, 404, 405, 407, 409, 410, 411, 412, 413, 414, 415, 417, 421, 422,
            426, 428, 431,
        ];
        for status in 100..=999 {
            let expect = match status {
                300..=399 => Fate::Unrepeatable,
                425 | 429 => Fate::NotDone,
                status if refused.contains(&status) => Fate::Refused,
                _ => Fate::Unknown,
            };
            assert_eq!(of_status(status), expect, "{status}");
        }
        let may_have_run = [
            101, 201, 202, 204, 206, 406, 408, 416, 418, 423, 424, 444, 451, 460, 499, 500, 501,
            502, 503, 504, 520, 524, 529, 530, 599, 999,
        ];
        for status in may_have_run {
            assert_eq!(of_status(status), Fate::Unknown, "{status}");
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
