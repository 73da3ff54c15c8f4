//! `${name}` in a text, and which names mean something where.

use std::ops::Range;

use super::Reader;
use crate::nearest::nearest;
use crate::seeds::arithmetic::{self, Fault, is_arithmetic};
use crate::seeds::model::{Part, Template};

/// Whose text it is: `${i}` has a value only in a range of rows, `${each}` only in rows for each of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// What all rows of a table have in common; some of them may be of any kind.
    Table,
    /// A row with a label.
    One,
    /// A range of rows.
    Range,
    /// A row for each of others.
    Each,
    /// Several rows for each of others.
    Children,
    /// A row of a list.
    Item,
}

impl Reader<'_> {
    /// A text with `${name}` in it. What is wrong stays as it is written.
    pub(super) fn template(&mut self, text: &str, span: &Range<usize>, scope: Scope) -> Template {
        if !text.contains("${") {
            return Template::read(text, self.source, span);
        }
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, from) = rest.split_at(at);
            if let Some(before) = before.strip_suffix('$') {
                plain.push_str(before);
                plain.push_str("${");
                rest = &from[2..];
                continue;
            }
            plain.push_str(before);
            let Some(end) = from.find('}') else {
                self.error(
                    "bad-template",
                    &self.within(span, from),
                    "`${` has no `}` behind it",
                    "close it, or write `$${` for the text `${` itself",
                );
                rest = from;
                break;
            };
            let (written, behind) = from.split_at(end + 1);
            let name = &written[2..end];
            rest = behind;
            if self.knows(name, &self.within(span, written), scope) {
                if !plain.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                }
                parts.push(Part::Name(name.to_owned()));
            } else {
                plain.push_str(written);
            }
        }
        plain.push_str(rest);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Template::of(parts)
    }

    /// A text in which nothing is replaced: `$${` means `${` as everywhere, and `${` itself is a mistake.
    pub(super) fn literal(&mut self, text: &str, span: &Range<usize>) -> String {
        let mut wrong = text.match_indices("${").map(|(at, _)| at);
        if let Some(at) = wrong.find(|at| !text[..*at].ends_with('$')) {
            let end = text[at..].find('}').map_or(text.len(), |end| at + end + 1);
            self.error(
                "bad-template",
                &self.within(span, &text[at..end]),
                format!("`{}` is not replaced here", &text[at..end]),
                "write what is meant, or `$${` for the text `${` itself",
            );
        }
        text.replace("$${", "${")
    }

    /// Whether the name has a value there; tells it where it has none.
    fn knows(&mut self, name: &str, span: &Range<usize>, scope: Scope) -> bool {
        // What it comes to is known once the number is.
        let counts = is_arithmetic(name);
        if counts && arithmetic::evaluate(name, 1) == Err(Fault::Syntax) {
            let message = format!("`{name}` is no arithmetic on `i`");
            let help = "write whole numbers, `i`, `+ - * / %` and parentheses: `${i * 100 + 1}`";
            self.error("bad-template", span, message, help);
            return false;
        }
        let (message, help) = match (if counts { "i" } else { name }, scope) {
            ("label", Scope::Item) => (
                "the rows of a list have no `${label}`".to_owned(),
                "give each row a label: `admin: {…}` instead of `- {…}`".to_owned(),
            ),
            ("i", Scope::One | Scope::Each | Scope::Item) => (
                "`${i}` is the number of one row of many, and this row is alone".to_owned(),
                "it has a value in rows with a label like `load_{001..500}` or `post_{users.*}_{1..3}`"
                    .to_owned(),
            ),
            ("each", Scope::One | Scope::Range | Scope::Item) => (
                "`${each}` is the label that a row was made for, and this row is for none"
                    .to_owned(),
                "it has a value in rows with a label like `now_{users.load_*}`".to_owned(),
            ),
            ("label" | "i" | "each", _) => return true,
            ("", _) => (
                "`${}` names nothing".to_owned(),
                "write `${label}`, or `$${` for the text `${` itself".to_owned(),
            ),
            _ if self.settings.vars.contains_key(name) => return true,
            _ => {
                let vars = self.settings.vars.keys().map(String::as_str);
                // One letter is a slip of any other.
                let vars = vars.filter(|var| var.len() > 1);
                let known: Vec<&str> = ["label", "each"].into_iter().chain(vars).collect();
                let help = match nearest(name.trim(), &known) {
                    Some(meant) => format!("did you mean `${{{meant}}}`?"),
                    None => format!(
                        "define it under `_seed` as `vars: {{{}: …}}`; environment variables come only through `!env`",
                        name.trim()
                    ),
                };
                (format!("nothing is named `{name}`"), help)
            }
        };
        self.error("unknown-name", span, message, help);
        false
    }

    /// Where a part of a scalar stands; the scalar, where it is written otherwise there.
    fn within(&self, span: &Range<usize>, part: &str) -> Range<usize> {
        let scalar = self.source.text.get(span.clone()).unwrap_or_default();
        match scalar.find(part) {
            Some(at) => span.start + at..span.start + at + part.len(),
            None => span.clone(),
        }
    }
}
