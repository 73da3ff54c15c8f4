//! What one look at the database has shown of the rows of seeds.

use super::basis::Move;
use super::found::Found;
use super::memory::Memory;
use super::past::Past;
use super::row::Rows;
use super::triggers::Triggers;
use crate::diagnostic::Diagnostic;
use crate::schema::Shape;

/// What one look at the database has shown.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) shape: Shape,
    pub(super) rows: Rows,
    pub(super) found: Found,
    /// Whether the rows have been looked for.
    pub(super) looked: bool,
    pub(super) past: Past,
    pub(super) memory: Memory,
    pub(super) triggers: Triggers,
    pub(super) moves: Vec<Move>,
    pub(super) problems: Vec<Diagnostic>,
}
