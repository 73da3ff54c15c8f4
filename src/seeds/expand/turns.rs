//! Whose turn it is where rows take labels of a table in turn (`!each users.*`). Pure.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::labels::Named;
use super::super::model::{Choose, Expr, Spanned};
use super::among::natural;
use super::{Compiled, Expansion, Found};

impl<'a> Expansion<'a> {
    /// Finds out whose turn it is, where labels of a table are taken in turn: the rows of one declaration, or of a file
    /// with one default, by their labels.
    pub(super) fn take_turns(
        &mut self,
        named: &[Named<'a>],
        work: &[(usize, usize)],
        compiled: &[Compiled<'a>],
    ) {
        let takes: Vec<Vec<&Found<'a>>> = compiled
            .iter()
            .map(|it| {
                it.fields
                    .iter()
                    .filter(|it| takes_turns(&it.value.value))
                    .collect()
            })
            .collect();
        if takes.iter().all(Vec::is_empty) {
            return;
        }
        type Turn = (Arc<str>, usize, usize);
        let mut groups: HashMap<(usize, *const Spanned<Expr>), Vec<Turn>> = HashMap::new();
        for (place, (at, decl)) in work.iter().enumerate() {
            for found in &takes[*decl] {
                let row = &named[*at];
                let label = self.labels.label_of(row, *at).unwrap_or_default();
                let group = groups.entry((row.file, std::ptr::from_ref(found.value)));
                group.or_default().push((label, place, found.column));
            }
        }
        let mut turns = HashMap::new();
        for mut group in groups.into_values() {
            group.sort_by(|(one, ..), (other, ..)| natural(one, other));
            for (turn, (_, place, column)) in (0..).zip(group) {
                turns.insert((place, column), turn);
            }
        }
        self.turns = Arc::new(turns);
    }
}

/// Whether a value takes labels of a table in turn.
fn takes_turns(expr: &Expr) -> bool {
    match expr {
        Expr::Among(it) => it.choice == Choose::InTurn,
        _ => expr.inner().iter().any(|it| takes_turns(&it.value)),
    }
}
