//! From the text of a seed file to a tree in which every scalar has its text, how it was quoted, its tag and its place.
//! The only file that knows the parser.
//!
//! It decides no types: `007` and `no` are texts until a column says otherwise. Anchors, aliases and merge keys are
//! expanded here, within a budget, so that nothing behind this file knows of them. One document, no directives, no key
//! twice: what another loader might read differently is a problem.

mod entries;
mod node;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, ScanError, Span};

use super::model::{Spanned, Style};
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::script::{Origin, Source};
use entries::is_merge;
pub(super) use node::{Kind, Node, is_null};
use node::{Weight, weigh};

/// A longer text is not read: 64 MB.
const MAX_BYTES: usize = 64_000_000;
/// How deep maps and lists may be nested. Code that walks a tree may recurse: it is no deeper than this.
const MAX_DEPTH: usize = 64;
/// How many nodes a text may hold before aliases are expanded.
const MAX_NODES: usize = 10_000_000;
/// How many nodes anchors and aliases may add.
const MAX_COPIES: usize = 1_000_000;
/// How many bytes of scalars anchors and aliases may add.
const MAX_COPIED_BYTES: usize = 64 << 20;

/// Reads a text. There is no tree where the text is no YAML, and none where it is empty.
pub(super) fn read(source: &Arc<Source>) -> (Option<Node<'_>>, Vec<Diagnostic>) {
    let mut builder = Builder::new(source);
    let root = builder.document();
    (root, builder.problems)
}

/// Why reading ends here; the problem is reported already.
struct Stop;

/// A map or a list whose end has not come yet.
struct Open<'a> {
    collection: Collection<'a>,
    tag: Option<Box<Spanned<String>>>,
    start: usize,
    /// 0 without one.
    anchor: usize,
}

enum Collection<'a> {
    Sequence(Vec<Node<'a>>),
    /// The entries, and a key that waits for its value.
    Mapping(Vec<(Node<'a>, Node<'a>)>, Option<Node<'a>>),
}

/// What an alias stands for.
struct Anchored<'a> {
    node: Node<'a>,
    weight: Weight,
}

struct Builder<'a> {
    source: &'a Arc<Source>,
    problems: Vec<Diagnostic>,
    open: Vec<Open<'a>>,
    root: Option<Node<'a>>,
    anchors: HashMap<usize, Anchored<'a>>,
    anchor_names: Vec<String>,
    nodes: usize,
    copied: Weight,
}

impl<'a> Builder<'a> {
    fn new(source: &'a Arc<Source>) -> Self {
        Builder {
            source,
            problems: Vec::new(),
            open: Vec::new(),
            root: None,
            anchors: HashMap::new(),
            anchor_names: Vec::new(),
            nodes: 0,
            copied: Weight::default(),
        }
    }

    fn problem(&mut self, code: &'static str, span: Range<usize>, message: String, help: &str) {
        let problem = Diagnostic::problem(code, message).at(self.origin(span));
        self.problems.push(problem.help(help));
    }

    fn origin(&self, span: Range<usize>) -> Origin {
        Origin {
            source: self.source.clone(),
            span,
        }
    }

    fn document(&mut self) -> Option<Node<'a>> {
        let text: &'a str = &self.source.text;
        if text.len() > MAX_BYTES {
            self.problem(
                "seed-too-large",
                0..0,
                format!(
                    "the file has {} bytes, and a seed file at most {MAX_BYTES}",
                    text.len()
                ),
                "split it into several files",
            );
            return None;
        }
        let options = granit_parser::options! {
            disallow_directives: true,
            emit_unresolved_aliases: true,
            emit_anchor_events: true,
            emit_comments: false,
            flow_nesting_limit: MAX_DEPTH + 1,
            block_nesting_limit: MAX_DEPTH + 1,
        };
        for event in Parser::new_from_str_with_options(text, options) {
            let went = match event {
                Ok((event, span)) => self.event(event, &span),
                Err(error) => {
                    self.scan_error(&error);
                    Err(Stop)
                }
            };
            if went.is_err() {
                return None;
            }
        }
        let root = self.root.take();
        let nothing = |node: &Node<'_>| node.noun() == "nothing" && node.tag.is_none();
        if self.problems.is_empty() && root.as_ref().is_none_or(nothing) {
            self.problem(
                "empty-seed",
                0..0,
                "the file holds nothing".to_owned(),
                "write the rows of a table, or remove the file",
            );
            return None;
        }
        root
    }

    fn event(&mut self, event: Event<'a>, span: &Span) -> Result<(), Stop> {
        let range = bytes(span);
        if event.is_node() {
            self.indented_by_tab(range.start);
        }
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                self.problem(
                    "several-documents",
                    range,
                    "a second document begins here, and a seed file is one".to_owned(),
                    "put it into a file of its own, or remove the `---`",
                );
                return Err(Stop);
            }
            Event::Scalar(text, style, anchor, tag) => {
                // The parser gives `~` for what was not written.
                let text = match style == ScalarStyle::Plain && range.is_empty() {
                    true => Cow::default(),
                    false => text,
                };
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    _ => Style::Quoted,
                };
                let node = Node {
                    kind: Kind::Scalar(text, style),
                    tag: tag.map(|tag| name_of(&tag, span)),
                    span: range,
                };
                return self.close(node, anchor);
            }
            Event::SequenceStart(_, anchor, tag) => {
                let tag = tag.map(|tag| name_of(&tag, span));
                return self.open(Collection::Sequence(Vec::new()), tag, range, anchor);
            }
            Event::MappingStart(_, anchor, tag) => {
                let tag = tag.map(|tag| name_of(&tag, span));
                return self.open(Collection::Mapping(Vec::new(), None), tag, range, anchor);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                if let Some(open) = self.open.pop() {
                    return self.end(open, range);
                }
            }
            Event::Anchor(_, name) => self.anchor_names.push(name.into_owned()),
            Event::Alias(id) => return self.alias(id, range),
            Event::UnresolvedAlias(name) => {
                self.unknown_alias(&name, range.clone());
                return self.add(self.instead(range));
            }
            _ => {}
        }
        Ok(())
    }

    fn open(
        &mut self,
        collection: Collection<'a>,
        tag: Option<Box<Spanned<String>>>,
        range: Range<usize>,
        anchor: usize,
    ) -> Result<(), Stop> {
        if self.open.len() >= MAX_DEPTH {
            return self.too_deep(range);
        }
        self.open.push(Open {
            collection,
            tag,
            start: range.start,
            anchor,
        });
        Ok(())
    }

    fn too_deep(&mut self, range: Range<usize>) -> Result<(), Stop> {
        self.problem(
            "yaml-too-much",
            range,
            format!("maps and lists are nested deeper than {MAX_DEPTH} here"),
            "a column can hold deeper JSON as text in quotes",
        );
        Err(Stop)
    }

    fn end(&mut self, open: Open<'a>, range: Range<usize>) -> Result<(), Stop> {
        let (kind, last) = match open.collection {
            Collection::Sequence(mut items) => {
                items.shrink_to_fit();
                let last = items.last().map(|item| item.whole().end);
                (Kind::Sequence(items), last)
            }
            // What is kept of a map is another list, no larger than it has to be.
            Collection::Mapping(entries, _) => {
                let last = entries.last().map(|(_, value)| value.whole().end);
                (Kind::Mapping(self.entries(entries)), last)
            }
        };
        // A block ends where the next thing begins; what belongs to it ends with its last part.
        let end = match range.is_empty() {
            true => last.unwrap_or(open.start),
            false => range.end,
        };
        let node = Node {
            kind,
            tag: open.tag,
            span: open.start..end.max(open.start),
        };
        self.close(node, open.anchor)
    }

    /// A node is whole: remembers it where it has an anchor, and puts it where it belongs.
    fn close(&mut self, node: Node<'a>, anchor: usize) -> Result<(), Stop> {
        if anchor != 0 {
            let weight = weigh(&node);
            self.copy(weight, node.whole())?;
            let node = node.clone();
            self.anchors.insert(anchor, Anchored { node, weight });
        }
        self.add(node)
    }

    fn add(&mut self, node: Node<'a>) -> Result<(), Stop> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            self.problem(
                "yaml-too-much",
                node.span,
                format!("the file holds more than {MAX_NODES} values"),
                "split it into several files",
            );
            return Err(Stop);
        }
        match self.open.last_mut().map(|open| &mut open.collection) {
            None => self.root = Some(node),
            Some(Collection::Sequence(items)) => items.push(node),
            Some(Collection::Mapping(entries, key)) => match key.take() {
                None => *key = Some(node),
                Some(key) => entries.push((key, node)),
            },
        }
        Ok(())
    }

    fn alias(&mut self, id: usize, range: Range<usize>) -> Result<(), Stop> {
        let Some(anchored) = self.anchors.get(&id) else {
            let name = self.source.text.get(range.clone()).unwrap_or_default();
            self.problem(
                "yaml-alias",
                range.clone(),
                format!("`{name}` stands inside of what it stands for"),
                "write out what is meant",
            );
            return self.add(self.instead(range));
        };
        let (mut node, weight) = (anchored.node.clone(), anchored.weight);
        let open = self.open.last().map(|open| &open.collection);
        if matches!(open, Some(Collection::Mapping(_, None))) {
            // A name is one where it is used.
            node.span = range.clone();
        }
        self.copy(weight, range.clone())?;
        if self.open.len() + weight.height > MAX_DEPTH {
            return self.too_deep(range);
        }
        self.add(node)
    }

    /// The node for an alias without an anchor, which is reported already.
    fn instead(&self, span: Range<usize>) -> Node<'a> {
        let kind = match self.open.last().map(|open| &open.collection) {
            Some(Collection::Mapping(_, Some(key))) if is_merge(key) => Kind::Mapping(Vec::new()),
            _ => Kind::Scalar(Cow::default(), Style::Plain),
        };
        Node {
            kind,
            tag: None,
            span,
        }
    }

    /// Takes a copy from the budget.
    fn copy(&mut self, weight: Weight, range: Range<usize>) -> Result<(), Stop> {
        self.copied.nodes = self.copied.nodes.saturating_add(weight.nodes);
        self.copied.bytes = self.copied.bytes.saturating_add(weight.bytes);
        if self.copied.nodes > MAX_COPIES || self.copied.bytes > MAX_COPIED_BYTES {
            self.problem(
                "yaml-too-much",
                range,
                format!(
                    "with this anchor or alias, copies make more than 1,000,000 values or {} MB",
                    MAX_COPIED_BYTES >> 20
                ),
                "use `_defaults` for what rows have in common, and `name_{1..500}` for many rows",
            );
            return Err(Stop);
        }
        Ok(())
    }

    fn unknown_alias(&mut self, name: &str, range: Range<usize>) {
        let known: Vec<&str> = self.anchor_names.iter().map(String::as_str).collect();
        let help = match nearest(name, &known) {
            Some(meant) => format!("did you mean `*{meant}`?"),
            None => format!("write `&{name}` before what it stands for, or quotes around a text"),
        };
        self.problem(
            "yaml-alias",
            range,
            format!("`*{name}` refers to an anchor that is not above it"),
            &help,
        );
    }

    fn tab(&mut self, at: usize) {
        // A map begins where its first key does.
        let last = self.problems.last().and_then(Diagnostic::origin);
        if last.is_some_and(|origin| origin.span == (at..at + 1)) {
            return;
        }
        let message = "a tab stands where only spaces can indent".to_owned();
        self.problem("yaml-tab", at..at + 1, message, "indent with spaces");
    }

    /// The parser lets tabs pass in some places where they are not told from spaces.
    fn indented_by_tab(&mut self, at: usize) {
        let before = &self.source.text.as_bytes()[..at];
        let indent = before.iter().rev().take_while(|byte| b" \t".contains(byte));
        let start = at - indent.count();
        let begins = start == 0 || before[start - 1] == b'\n';
        let tab = before[start..].iter().position(|byte| *byte == b'\t');
        if let (true, Some(tab)) = (begins, tab) {
            self.tab(start + tab);
        }
    }

    fn scan_error(&mut self, error: &ScanError) {
        let text = &*self.source.text;
        let marker = error.marker();
        let at = marker.byte_offset().unwrap_or_else(|| {
            let mut starts = text.char_indices().map(|(at, _)| at);
            starts.nth(marker.index()).unwrap_or(text.len())
        });
        let at = text.floor_char_boundary(at);
        match error.kind() {
            ErrorKind::DirectiveDisallowed => self.problem(
                "yaml-directive",
                at..line_end(text, at),
                "a line that begins with `%` is a directive of YAML, and a seed file has none"
                    .to_owned(),
                "remove the line",
            ),
            ErrorKind::RecursionLimitExceeded => {
                // Only the way out is the same: the text is not read on.
                let _ = self.too_deep(at..at);
            }
            kind => match tab(text, at, kind) {
                Some(at) => self.tab(at),
                None => {
                    let words = kind.to_string();
                    let words: Vec<&str> = words.split_whitespace().collect();
                    self.problem(
                        "yaml",
                        at..at,
                        format!("this is not YAML: {}", words.join(" ")),
                        &unquoted(text, at).unwrap_or_else(|| hint(kind).to_owned()),
                    );
                }
            },
        }
    }
}

/// What to write where a text with `${…}`, or a label such as `load_{1..9}`, has no quotes in a map or list between
/// brackets: there `{` begins a map.
fn unquoted(text: &str, at: usize) -> Option<String> {
    let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = line_end(text, at);
    let brace = (line..end).find(|brace| {
        let before = &text.as_bytes()[line..*brace];
        text.as_bytes()[*brace] == b'{'
            && before
                .last()
                .is_some_and(|it| it.is_ascii_alphanumeric() || b"$_-.".contains(it))
            && before.iter().any(|it| b"{[".contains(it))
            && before.iter().filter(|it| **it == b'"').count() % 2 == 0
            && before.iter().filter(|it| **it == b'\'').count() % 2 == 0
    })?;
    let start = text[line..brace].rfind([' ', ',', '{', '[', ':']);
    let start = start.map_or(line, |start| line + start + 1);
    let close = brace + text[brace..end].find('}')? + 1;
    let rest = text[close..end].find([',', '}', ']', ' ', ':']);
    let close = rest.map_or(end, |rest| close + rest);
    let written = &text[start..close];
    Some(format!(
        "put it in quotes between `{{` and `}}`: `\"{written}\"`"
    ))
}

/// What to look for where the text is no YAML.
fn hint(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::UnclosedQuotedScalar | ErrorKind::InvalidQuotedScalarIndent => {
            "close the quote above, or indent the lines of the text"
        }
        ErrorKind::InvalidTrailingSingleQuotedScalar
        | ErrorKind::InvalidTrailingDoubleQuotedScalar => {
            "put quotes around the whole text; a quote inside of it is `''` between single and `\\\"` between double quotes"
        }
        ErrorKind::UndeclaredTagHandle | ErrorKind::InvalidTagTerminator => {
            "a tag is `!` and letters; a text that begins with `!` needs quotes"
        }
        ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::MismatchedFlowCollectionEnd { .. }
        | ErrorKind::MisplacedFlowCollectionEnd => {
            "close each `[` with `]` and each `{` with `}`; put a text with `${…}` in quotes between them"
        }
        _ => {
            "look at the indentation and for a missing `: `; a text with special characters needs quotes"
        }
    }
}

/// The tab in the indentation of the line of `at`, or of the line before, where the parser may have noticed it late, or
/// of a line below, where the parser says that there is one.
fn tab(text: &str, at: usize, kind: &ErrorKind) -> Option<usize> {
    let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let before = text[..start.saturating_sub(1)].rfind('\n');
    let before = before.map_or(0, |newline| newline + 1);
    let below = match kind {
        ErrorKind::TabInPlainScalar | ErrorKind::TabAtBlockScalarStart => text.len(),
        _ => start,
    };
    let below = text[start..below].match_indices('\n');
    let below = below.map(|(newline, _)| start + newline + 1);
    [start, before].into_iter().chain(below).find_map(|start| {
        let indent = text[start..]
            .bytes()
            .take_while(|byte| b" \t".contains(byte));
        let tab = indent.enumerate().find(|(_, byte)| *byte == b'\t');
        tab.map(|(at, _)| start + at)
    })
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |end| at + end)
}

/// A tag as people write it.
fn name_of(tag: &granit_parser::Tag, span: &Span) -> Box<Spanned<String>> {
    let name = match tag.suffix_in_namespace("tag:yaml.org,2002:") {
        Some(name) => format!("!!{name}"),
        None => tag.to_string(),
    };
    let span = span.tag_span().as_ref().map_or(bytes(span), bytes);
    Box::new(Spanned::new(name, span))
}

fn bytes(span: &Span) -> Range<usize> {
    // A text that lies in memory has byte offsets everywhere.
    let start = span.start.byte_offset().unwrap_or_default();
    start..span.end.byte_offset().unwrap_or(start).max(start)
}

#[cfg(test)]
pub(super) mod tests;
