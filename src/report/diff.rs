//! What was changed in a text: a unified diff.

/// A text as it was and as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texts {
    /// As it was.
    pub before: String,
    /// As it is.
    pub after: String,
}
