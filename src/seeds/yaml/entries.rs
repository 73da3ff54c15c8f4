//! The entries of a map: names that stand once, and what it merges from others.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::{Builder, Kind, Node};
use crate::diagnostic::Diagnostic;
use crate::seeds::model::Style;

/// The content of a map.
type Entries<'a> = Vec<(Node<'a>, Node<'a>)>;

/// In a map of this many entries or fewer a name is found by looking at each: there may be a hundred thousand such maps.
const FEW: usize = 16;

impl<'a> Builder<'a> {
    /// The entries of a map. Invalid and duplicate keys are reported and left out; merges are expanded.
    pub(super) fn entries(&mut self, entries: Entries<'a>) -> Entries<'a> {
        let mut kept: Entries<'a> = Vec::with_capacity(entries.len());
        let is_large = entries.len() > FEW;
        // The places in `kept`.
        let mut seen: HashMap<Cow<'a, str>, usize> = HashMap::new();
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
            let first = match is_large {
                true => seen.get(text).copied(),
                false => kept.iter().position(|(it, _)| is_named(it, text)),
            };
            if let Some(first) = first {
                let other = self.origin(kept[first].0.span.clone());
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
            if is_large {
                seen.insert(text.clone(), kept.len());
            }
            if let Some(tag) = key.tag.take() {
                self.problem(
                    "yaml-key",
                    tag.span(),
                    format!("`{}` stands at a name, which takes no tag", tag.value),
                    "remove the tag",
                );
            }
            merges |= is_merge(&key);
            kept.push((key, value));
        }
        if merges { self.merge(kept) } else { kept }
    }

    /// What a map says itself comes before what it merges, and of several that are merged the first:
    /// <https://yaml.org/type/merge.html>.
    fn merge(&mut self, entries: Entries<'a>) -> Entries<'a> {
        let text = |(key, _): &(Node<'a>, Node<'a>)| match &key.kind {
            Kind::Scalar(text, _) => Some(text.clone()),
            _ => None,
        };
        let mut names: HashSet<Cow<'a, str>> = entries.iter().filter_map(text).collect();
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

/// Whether a key is this text.
fn is_named(key: &Node<'_>, name: &str) -> bool {
    matches!(&key.kind, Kind::Scalar(text, _) if text == name)
}

/// Whether a key merges: `<<` without quotes.
pub(super) fn is_merge(key: &Node<'_>) -> bool {
    matches!(&key.kind, Kind::Scalar(text, Style::Plain) if text == "<<")
}
