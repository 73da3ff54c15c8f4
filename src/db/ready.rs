//! Transactions that are to run, and the request that carries them to a server, which can be made while another one is
//! under way. It knows nothing of either.

#[cfg(feature = "remote")]
use super::Mode;
use super::{Db, Transaction};

/// Transactions, ready to be sent as often as it takes.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) transactions: Vec<Transaction>,
    /// Made as they are sent where it is not made yet.
    #[cfg(feature = "remote")]
    pub(super) request: Option<std::sync::Arc<super::remote::Request>>,
}

impl From<Vec<Transaction>> for Ready {
    fn from(transactions: Vec<Transaction>) -> Ready {
        Ready {
            transactions,
            #[cfg(feature = "remote")]
            request: None,
        }
    }
}

impl Db {
    /// Makes the request for transactions, where they go to a server. It may take a while and blocks the thread.
    pub(crate) fn ready(&self, transactions: Vec<Transaction>) -> Ready {
        #[cfg(feature = "remote")]
        let request = match &self.mode {
            Mode::Local(_) | Mode::Memory(_) => None,
            Mode::Remote(_) => Some(super::remote::Request::of(&transactions)),
            #[cfg(feature = "replica")]
            Mode::Replica(_) => Some(super::remote::Request::of(&transactions)),
        };
        Ready {
            #[cfg(feature = "remote")]
            request: request.map(std::sync::Arc::new),
            ..transactions.into()
        }
    }
}
