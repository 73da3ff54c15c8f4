//! The names of the rowid. Pure; whether a table has one is its schema's to say.

/// The names of the rowid, where no column has them: <https://sqlite.org/lang_createtable.html#rowid>.
pub(crate) const ROWID: [&str; 3] = ["rowid", "_rowid_", "oid"];

/// Whether the rowid has this name.
pub(crate) fn is_rowid(name: &str) -> bool {
    ROWID.iter().any(|rowid| rowid.eq_ignore_ascii_case(name))
}

/// A name of the rowid that no column has.
pub(crate) fn free_rowid(is_column: impl Fn(&str) -> bool) -> Option<&'static str> {
    ROWID.into_iter().find(|name| !is_column(name))
}
