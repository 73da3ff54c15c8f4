//! The tree: what a text says, without what its scalars mean.

use std::borrow::Cow;
use std::ops::Range;

use crate::seeds::model::{Spanned, Style};

/// A scalar, a list or a map.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::seeds) struct Node<'a> {
    /// What it is.
    pub(in crate::seeds) kind: Kind<'a>,
    /// Its tag: `!ref`, or `!!str` for those of YAML itself.
    pub(in crate::seeds) tag: Option<Box<Spanned<String>>>,
    /// Its content, without the tag.
    pub(in crate::seeds) span: Range<usize>,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::seeds) enum Kind<'a> {
    /// A text; empty and plain where nothing was written. Most texts stand in the file as they are.
    Scalar(Cow<'a, str>, Style),
    /// A list.
    Sequence(Vec<Node<'a>>),
    /// A map in the order of the text. Keys are scalars without tags, and no text stands twice.
    Mapping(Vec<(Node<'a>, Node<'a>)>),
}

impl Node<'_> {
    /// The node with its tag.
    pub(in crate::seeds) fn whole(&self) -> Range<usize> {
        match &self.tag {
            Some(tag) => {
                let of_tag = tag.span();
                of_tag.start..self.span.end.max(of_tag.end)
            }
            None => self.span.clone(),
        }
    }

    /// "a list", to say that it is none of what was expected.
    pub(in crate::seeds) fn noun(&self) -> &'static str {
        match &self.kind {
            Kind::Scalar(text, Style::Plain) if text.is_empty() => "nothing",
            Kind::Scalar(text, style) if is_null(text, *style) => "null",
            Kind::Scalar(..) => "a text",
            Kind::Sequence(_) => "a list",
            Kind::Mapping(_) => "a map",
        }
    }
}

/// The null of the YAML core schema: <https://yaml.org/spec/1.2.2/#103-core-schema>.
pub(in crate::seeds) fn is_null(text: &str, style: Style) -> bool {
    style == Style::Plain && matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// What a copy costs.
#[derive(Clone, Copy, Default)]
pub(super) struct Weight {
    pub(super) nodes: usize,
    pub(super) bytes: usize,
    pub(super) height: usize,
}

/// What a copy of the node costs.
pub(super) fn weigh(node: &Node<'_>) -> Weight {
    let mut sum = Weight {
        nodes: 1,
        ..Weight::default()
    };
    let parts: Vec<&Node<'_>> = match &node.kind {
        Kind::Scalar(text, _) => {
            sum.bytes = text.len();
            return sum;
        }
        Kind::Sequence(items) => items.iter().collect(),
        Kind::Mapping(entries) => entries
            .iter()
            .flat_map(|(key, value)| [key, value])
            .collect(),
    };
    for part in parts.into_iter().map(weigh) {
        sum.nodes += part.nodes;
        sum.bytes += part.bytes;
        sum.height = sum.height.max(part.height);
    }
    sum.height += 1;
    sum
}
