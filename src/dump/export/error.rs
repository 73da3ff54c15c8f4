//! Why there is no dump.

use crate::db::DbError;

/// Why there is no dump.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database cannot be read, or not to its end.
    #[error(transparent)]
    Db(#[from] DbError),
    /// There are no such tables or views.
    #[error("{}", unknown(names))]
    Unknown {
        /// Each name, and one that is there and may have been meant.
        names: Vec<(String, Option<String>)>,
    },
    /// The schema was changed again and again while it was read. Nothing was written.
    #[error("the schema of the database does not stand still")]
    Changing,
    /// The text cannot be written.
    #[error("cannot write the dump")]
    Write(#[source] std::io::Error),
}

fn unknown(names: &[(String, Option<String>)]) -> String {
    let names: Vec<String> = names
        .iter()
        .map(|(name, meant)| match meant {
            Some(meant) => format!("`{name}` (did you mean `{meant}`?)"),
            None => format!("`{name}`"),
        })
        .collect();
    format!("no table or view is called {}", names.join(", "))
}
