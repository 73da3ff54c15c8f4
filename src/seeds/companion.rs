//! Texts that belong to a seed file: files of rows that it names, and seeds that override rows of it.

use std::sync::Arc;

use crate::script::Source;

/// A text that belongs to a seed file. Its places in the declarations follow those of the file itself.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Companion {
    /// The path as the seed names it; the name of a seed that overrides.
    pub path: String,
    /// What it is for.
    pub kind: Kind,
    /// The place of its first byte.
    pub start: usize,
    /// Path as it is shown, and canonical text.
    pub source: Arc<Source>,
    /// The text that is recorded, where it is another one: without secrets.
    pub recorded: Option<Arc<str>>,
}

/// What a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// It holds rows.
    Rows,
    /// It is a seed that overrides rows.
    Override,
}
