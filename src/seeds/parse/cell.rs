//! The content of a cell: a text, JSON, or one of the tags.

use super::json::core;
use super::template::Scope;
use super::{Reader, list};
use crate::base64;
use crate::nearest::nearest;
use crate::seeds::model::{Away, Choose, Expr, Spanned, Style};
use crate::seeds::yaml::{Kind, Node, is_null};

/// The tags, each with an example of how it is written.
const TAGS: [(&str, &str); 23] = [
    ("!ref", "!ref users.admin"),
    ("!now", "!now [start of month, +1 month]"),
    ("!ago", "!ago 0..365 days"),
    ("!in", "!in 1..90 days"),
    ("!env", "!env {name: SEED_KEY, default: none}"),
    ("!file", "!file images/admin.png"),
    ("!json", "!json [1, 2]"),
    (
        "!hash",
        "!hash {scheme: argon2id, value: !env ADMIN_PASSWORD}",
    ),
    ("!fake", "!fake email"),
    ("!pick", "!pick {free: 70, pro: 30}"),
    ("!each", "!each users.*"),
    ("!int", "!int 0..500"),
    ("!decimal", "!decimal 0.50..99.99"),
    ("!slug", "!slug title"),
    ("!!binary", "!!binary aGVsbG8="),
    ("!!str", "!!str 007"),
    ("!!int", "!!int 7"),
    ("!!float", "!!float 7.5"),
    ("!!bool", "!!bool true"),
    ("!!null", "!!null null"),
    ("!csv", "users: !csv users.csv"),
    ("!auto", "_id: !auto"),
    ("!uuid", "_id: !uuid"),
];

impl Reader<'_> {
    /// What a cell holds; none where its problem was reported.
    pub(super) fn expr(&mut self, node: &Node, scope: Scope) -> Option<Spanned<Expr>> {
        let value = match &node.tag {
            Some(tag) => self.tagged(&tag.value, node, scope)?,
            None => match &node.kind {
                Kind::Scalar(text, style) => self.scalar(text, *style, node, scope),
                Kind::Sequence(_) | Kind::Mapping(_) => self.json(node, scope)?,
            },
        };
        Some(Spanned::new(value, node.whole()))
    }

    fn scalar(&mut self, text: &str, style: Style, node: &Node, scope: Scope) -> Expr {
        if is_null(text, style) {
            return Expr::Null;
        }
        Expr::Scalar {
            text: self.template(text, &node.span, scope),
            style,
        }
    }

    fn tagged(&mut self, tag: &str, node: &Node, scope: Scope) -> Option<Expr> {
        match tag {
            "!ref" => self.reference(node, scope),
            "!now" => self.now(node),
            "!ago" => {
                let (count, unit) = self.span_of_time(node, tag)?;
                Some(Expr::Ago(Box::new(Away { count, unit })))
            }
            "!in" => {
                let (count, unit) = self.span_of_time(node, tag)?;
                Some(Expr::In(Box::new(Away { count, unit })))
            }
            "!env" => self.env(node),
            "!file" => self.file_below(node),
            "!json" => self.json(node, scope),
            "!hash" => self.hash(node, scope),
            "!fake" => self.fake(node),
            "!pick" => self.pick(node, scope),
            "!each" => self.among(Choose::InTurn, node, scope),
            "!int" => self.int(node),
            "!decimal" => self.decimal(node),
            "!slug" => {
                let column = self.argument(node, tag, "takes the name of a column")?;
                Some(Expr::Slug(self.literal(column, &node.span).into()))
            }
            // No byte at all is written in quotes: without them something is missing.
            "!!binary" if node.kind == Kind::Scalar("".into(), Style::Quoted) => {
                Some(Expr::Binary(Box::default()))
            }
            "!!binary" => {
                let text = self.argument(node, tag, "takes base64")?;
                // White space is how YAML folds a long scalar.
                let bytes = base64::decode(&text.replace(|c: char| c.is_ascii_whitespace(), ""));
                if bytes.is_none() {
                    self.bad_tag(node, tag, "takes base64, and this is none");
                }
                bytes.map(|bytes| Expr::Binary(bytes.into()))
            }
            "!!str" => match &node.kind {
                Kind::Scalar(text, _) => Some(Expr::Scalar {
                    text: self.template(text, &node.span, scope),
                    style: Style::Text,
                }),
                _ => {
                    self.bad_tag(
                        node,
                        tag,
                        &format!("takes a text, and this is {}", node.noun()),
                    );
                    None
                }
            },
            "!!int" | "!!float" | "!!bool" | "!!null" => self.typed(tag, node, scope),
            "!auto" | "!uuid" => {
                self.bad_tag(
                    node,
                    tag,
                    "makes the primary keys of a table, below its name",
                );
                None
            }
            "!csv" => {
                self.bad_tag(node, tag, "names the rows of a table, below its name");
                None
            }
            _ => {
                self.unknown_tag(tag, node);
                None
            }
        }
    }

    /// A scalar that YAML's own tags say the type of. The column decides all the same.
    fn typed(&mut self, tag: &str, node: &Node, scope: Scope) -> Option<Expr> {
        if let Kind::Scalar(text, _) = &node.kind {
            // A number that 64 bits do not hold is one to YAML, and the column's business.
            let fits = match (tag, core(text)) {
                ("!!null", Ok(Some(value))) => value.is_null(),
                ("!!bool", Ok(Some(value))) => value.is_boolean(),
                ("!!int", Ok(Some(value))) => value.is_i64() || value.is_u64(),
                ("!!float", Ok(Some(value))) => value.is_number(),
                ("!!int" | "!!float", Err(_)) => true,
                _ => false,
            };
            if fits {
                return Some(self.scalar(text, Style::Plain, node, scope));
            }
        }
        let what = match tag {
            "!!int" => "takes a whole number",
            "!!float" => "takes a number",
            "!!bool" => "takes `true` or `false`",
            _ => "takes `null` or nothing",
        };
        self.bad_tag(node, tag, &format!("{what}, and this is something else"));
        None
    }

    fn unknown_tag(&mut self, tag: &str, node: &Node) {
        let names = TAGS.map(|(name, _)| name);
        let help = match nearest(tag, &names).and_then(example) {
            Some(example) => format!("did you mean `{example}`?"),
            None => format!(
                "the tags are {}; `!csv` and `!json` name the file of a table, `!auto` and `!uuid` stand in `_id`; a text \
                 that begins with `!` needs quotes",
                list(&names[..15])
            ),
        };
        let span = node.tag.as_ref().map_or(node.whole(), |tag| tag.span());
        self.error(
            "unknown-tag",
            &span,
            format!("there is no tag `{tag}`"),
            help,
        );
    }

    /// An argument that a tag does not take; `why` completes "the tag …".
    pub(super) fn bad_tag(&mut self, node: &Node, tag: &str, why: &str) {
        let help = format!("write for example `{}`", example(tag).unwrap_or(tag));
        self.error("bad-tag", &node.whole(), format!("`{tag}` {why}"), help);
    }

    /// The text behind a tag that takes nothing but one.
    pub(super) fn argument<'n>(
        &mut self,
        node: &'n Node,
        tag: &str,
        what: &str,
    ) -> Option<&'n str> {
        match &node.kind {
            Kind::Scalar(text, _) if !text.is_empty() => Some(text),
            _ => {
                self.bad_tag(node, tag, &format!("{what}, and this is {}", node.noun()));
                None
            }
        }
    }
}

fn example(tag: &str) -> Option<&'static str> {
    let found = TAGS.iter().find(|(name, _)| *name == tag);
    found.map(|(_, example)| *example)
}
