//! The entries of a map: names that stand once, and what it merges from others.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::{Builder, Kind, Node};
use crate::diagnostic::Diagnostic;
use crate::seeds::model::Style;

impl Builder<'_> {
    /// The entries of a map: keys that are none and keys that stand twice are told and left out, merges expanded.
    pub(super) fn entries(&mut self, entries: Vec<(Node, Node)>) -> Vec<(Node, Node)> {
        let mut kept: Vec<(Node, Node)> = Vec::with_capacity(entries.len());
        let mut seen: HashMap<String, Range<usize>> = HashMap::with_capacity(entries.len());
        let mut merges = false;
        for (mut key, value) in entries {
            let Kind::Scalar(text, _) = &key.kind else {
                let noun = key.noun();
                self.problem(
                    "yaml-key",
                    key.span.clone(),
                    format!("{noun} stands where a name is expected"),
                    "a text that begins with `[`, `{` or `? ` needs quotes",
                );
                continue;
            };
            if let Some(first) = seen.get(text) {
                let other = self.origin(first.clone());
                let problem = Diagnostic::problem(
                    "duplicate-key",
                    format!("`{text}` stands twice in this map"),
                )
                .at(self.origin(key.span.clone()));
                self.problems.push(
                    problem
                        .related("first here", other)
                        .help("keep one of the two"),
                );
                continue;
            }
            seen.insert(text.clone(), key.span.clone());
            if let Some(tag) = key.tag.take() {
                self.problem(
                    "yaml-key",
                    tag.span,
                    format!("`{}` stands at a name, which takes no tag", tag.value),
                    "remove the tag",
                );
            }
            merges |= is_merge(&key);
            kept.push((key, value));
        }
        if merges { self.merge(kept, seen) } else { kept }
    }

    /// What a map says itself comes before what it merges, and of several that are merged the first:
    /// <https://yaml.org/type/merge.html>.
    fn merge(
        &mut self,
        entries: Vec<(Node, Node)>,
        seen: HashMap<String, Range<usize>>,
    ) -> Vec<(Node, Node)> {
        let mut names: HashSet<String> = seen.into_keys().collect();
        let mut merged = Vec::new();
        for (key, value) in entries {
            if !is_merge(&key) {
                merged.push((key, value));
                continue;
            }
            let whole = value.whole();
            let sources = match (value.tag, value.kind) {
                (None, Kind::Sequence(items)) => items,
                (tag, kind) => vec![Node {
                    kind,
                    tag,
                    span: value.span,
                }],
            };
            for source in sources {
                match (source.tag, source.kind) {
                    (None, Kind::Mapping(entries)) => {
                        for (key, value) in entries {
                            if let Kind::Scalar(text, _) = &key.kind
                                && names.insert(text.clone())
                            {
                                merged.push((key, value));
                            }
                        }
                    }
                    _ => {
                        self.problem(
                            "yaml-merge",
                            whole.clone(),
                            "`<<` merges a map, or a list of maps, and this is none".to_owned(),
                            "write `<<: *name` below a map that begins with `&name`",
                        );
                    }
                }
            }
        }
        merged
    }
}

/// Whether a key merges: `<<` without quotes.
pub(super) fn is_merge(key: &Node) -> bool {
    matches!(&key.kind, Kind::Scalar(text, Style::Plain) if text == "<<")
}
