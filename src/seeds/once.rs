//! Texts that many rows have, each of them in memory once. Pure.

use std::collections::HashMap;
use std::sync::Arc;

/// The texts so far.
#[derive(Default)]
pub(super) struct Once(HashMap<String, Arc<String>>);

impl Once {
    /// The one text that is equal to this one.
    pub(super) fn of(&mut self, text: &str) -> Arc<String> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let shared = Arc::new(text.to_owned());
        self.0.insert(text.to_owned(), shared.clone());
        shared
    }
}
