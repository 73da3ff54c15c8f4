//! The labels that rows had before a row was renamed (`_was`): its own, and those of rows that are named after it, by a
//! pattern, a list of labels or a key that refers to it. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use super::super::labels::Named;
use super::super::model::Label;
use super::Expansion;
use super::through::names_of;

/// The old label of each named row that has one.
pub(super) type OldLabels = HashMap<usize, Arc<str>>;

impl<'a> Expansion<'a> {
    /// Finds the old labels of all named rows.
    pub(super) fn find_old_labels(&mut self, named: &[Named<'a>]) {
        if !named.iter().any(|row| row.decl.was.is_some()) {
            return;
        }
        let mut known = HashMap::new();
        for at in 0..named.len() {
            self.old_label_of(named, at, &mut known);
        }
        let found = known.into_iter();
        self.old_labels = Arc::new(found.filter_map(|(at, old)| Some((at, old?))).collect());
    }

    fn old_label_of(
        &self,
        named: &[Named<'a>],
        at: usize,
        known: &mut HashMap<usize, Option<Arc<str>>>,
    ) -> Option<Arc<str>> {
        if let Some(old) = known.get(&at) {
            return old.clone();
        }
        known.insert(at, None);
        let row = &named[at];
        let label = row.decl.label.as_ref().map(|label| &label.value);
        let old: Option<Arc<str>> = match (&row.decl.was, label, &row.each) {
            (Some(was), ..) => {
                let label = self.labels.label_of(row, at).unwrap_or_default();
                let names = names_of(row, &label, &self.files[row.file].settings.vars);
                names.fill(&was.value).ok().map(|old| (*old).into())
            }
            (None, Some(Label::Each(pattern)), Some(each)) => {
                let parent = self.labels.find(&pattern.table, each);
                let old = parent.and_then(|it| self.old_label_of(named, it, known));
                old.map(|old| pattern.label_for(&old, row.number).into())
            }
            _ => None,
        };
        known.insert(at, old.clone());
        old
    }

    /// The label that a row of a table had before; none where it has always had this one.
    pub(super) fn old_label(&self, table: &str, label: &str) -> Option<&str> {
        if self.old_labels.is_empty() {
            return None;
        }
        let at = self.labels.find(table, label)?;
        self.old_labels.get(&at).map(|old| &**old)
    }
}
