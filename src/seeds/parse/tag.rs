//! What the tags take.

use super::settings::is_word;
use super::template::Scope;
use super::{Reader, did_you_mean, name};
use crate::seeds::model::{Choose, Decimal, Env, Expr, Fake, Ref, Spanned, Style};
use crate::seeds::yaml::{Kind, Node, is_null};

/// The units of `!ago` and `!in`, in seconds. A month has 30 days here and a year 365: they spread rows over a time.
const UNITS: [(&str, u64); 7] = [
    ("second", 1),
    ("minute", 60),
    ("hour", 60 * 60),
    ("day", 24 * 60 * 60),
    ("week", 7 * 24 * 60 * 60),
    ("month", 30 * 24 * 60 * 60),
    ("year", 365 * 24 * 60 * 60),
];

/// The longest time from now: before the year 0 and after 9999 there is no date as SQLite writes them.
const MAX_SECONDS: u64 = 2000 * 365 * 24 * 60 * 60;

impl Reader<'_> {
    pub(super) fn reference(&mut self, node: &Node, scope: Scope) -> Option<Expr> {
        let text = self.argument(node, "!ref", "takes `table.label` or `table.label.column`")?;
        let parts: Vec<&str> = text.split('.').collect();
        let (table, label, column) = match parts.as_slice() {
            [table, label] => (*table, *label, None),
            [table, label, column] => (*table, *label, Some(*column)),
            _ => ("", "", None),
        };
        if table.is_empty() || label.is_empty() || column == Some("") {
            let why =
                format!("takes `table.label` or `table.label.column`, and `{text}` is neither");
            self.bad_tag(node, "!ref", &why);
            return None;
        }
        Some(Expr::Ref(Box::new(Ref {
            table: self.literal(table, &node.span),
            label: self.template(label, &node.span, scope),
            column: column.map(|column| self.literal(column, &node.span).into()),
        })))
    }

    pub(super) fn now(&mut self, node: &Node) -> Option<Expr> {
        let items = match &node.kind {
            Kind::Sequence(items) => items.as_slice(),
            Kind::Scalar(text, Style::Plain) if text.is_empty() => &[],
            Kind::Scalar(..) => std::slice::from_ref(node),
            Kind::Mapping(_) => {
                self.bad_tag(node, "!now", "takes modifiers, and this is a map");
                return None;
            }
        };
        let mut modifiers = Vec::with_capacity(items.len());
        for item in items {
            let tagged = item.tag.is_some() && !std::ptr::eq(item, node);
            match &item.kind {
                Kind::Scalar(text, _) if !tagged && is_modifier(text) => {
                    modifiers.push(text.to_string())
                }
                Kind::Scalar(text, _) if !tagged => {
                    let why =
                        format!("takes modifiers of SQLite's date functions, and `{text}` is none");
                    self.bad_tag(item, "!now", &why);
                }
                _ => self.bad_tag(item, "!now", "takes modifiers, each a text"),
            }
        }
        (modifiers.len() == items.len()).then(|| Expr::Now(modifiers.into()))
    }

    /// `3 days`, `0..365 days`: least and most, and the seconds of the unit.
    pub(super) fn span_of_time(&mut self, node: &Node, tag: &str) -> Option<((u64, u64), u64)> {
        let text = self.argument(node, tag, "takes a number and a unit of time")?;
        let Some((numbers, unit)) = text.trim().split_once(char::is_whitespace) else {
            self.bad_tag(
                node,
                tag,
                &format!("takes a number and a unit of time, and `{text}` is not both"),
            );
            return None;
        };
        let unit = unit.trim();
        let singular = unit.strip_suffix('s').unwrap_or(unit);
        let Some((_, seconds)) = UNITS.iter().find(|(name, _)| *name == singular) else {
            let help = did_you_mean(singular, &UNITS.map(|(name, _)| name), "there are");
            self.error(
                "bad-tag",
                &node.whole(),
                format!("`{tag}` knows no unit `{unit}`"),
                help,
            );
            return None;
        };
        let (first, last) = numbers.split_once("..").unwrap_or((numbers, numbers));
        let number = |digits: &str| {
            let digits = Some(digits).filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()))?;
            digits.parse::<u64>().ok()
        };
        let count = number(first)
            .zip(number(last))
            .filter(|(first, last)| first <= last);
        let Some(count) = count else {
            let why = format!(
                "takes a number, or a range with the smaller one first, and `{numbers}` is neither"
            );
            self.bad_tag(node, tag, &why);
            return None;
        };
        if count
            .1
            .checked_mul(*seconds)
            .is_none_or(|most| most > MAX_SECONDS)
        {
            self.bad_tag(node, tag, "takes 2000 years at most");
            return None;
        }
        Some((count, *seconds))
    }

    pub(super) fn env(&mut self, node: &Node) -> Option<Expr> {
        let Kind::Mapping(entries) = &node.kind else {
            let variable = self.argument(node, "!env", "takes the name of a variable")?;
            return self.variable(node, variable, None);
        };
        let [variable, default] = self.arguments(entries, "!env", ["name", "default"])?;
        let Some(variable) = variable else {
            self.bad_tag(node, "!env", "has no `name`");
            return None;
        };
        let variable = self.text(variable, "the name of a variable", "name: SEED_KEY");
        // Both are looked at before either fails.
        let default = default.map(|node| self.text(node, "a default", "default: none"));
        let default = match default {
            Some(text) => Some(text?.value),
            None => None,
        };
        self.variable(node, &variable?.value, default)
    }

    fn variable(&mut self, node: &Node, variable: &str, default: Option<String>) -> Option<Expr> {
        if !is_word(variable) {
            let why = format!("takes the name of a variable, and `{variable}` is none");
            self.bad_tag(node, "!env", &why);
            return None;
        }
        Some(Expr::Env(Box::new(Env {
            name: variable.to_owned(),
            default,
        })))
    }

    pub(super) fn file_below(&mut self, node: &Node) -> Option<Expr> {
        let text = self.argument(node, "!file", "takes a path")?;
        let path = self.literal(text, &node.span);
        let odd = |part: &str| part.is_empty() || part == "." || part == "..";
        if path.split('/').any(odd) || path.contains(['\\', ':', '\0']) {
            let why = format!(
                "takes a path below the seeds folder with `/` between its parts, and `{text}` is none"
            );
            self.bad_tag(node, "!file", &why);
            return None;
        }
        Some(Expr::File(path.into()))
    }

    pub(super) fn hash(&mut self, node: &Node, scope: Scope) -> Option<Expr> {
        let secret = match &node.kind {
            Kind::Scalar(text, style) if !is_null(text, *style) => Spanned::new(
                Expr::Scalar {
                    text: self.template(text, &node.span, scope),
                    style: *style,
                },
                node.span.clone(),
            ),
            Kind::Mapping(entries) => {
                let [scheme, value] = self.arguments(entries, "!hash", ["scheme", "value"])?;
                if let Some(scheme) = scheme {
                    let text = self.text(scheme, "`scheme`", "scheme: argon2id")?;
                    if text.value != "argon2id" {
                        let why =
                            format!("knows no scheme `{}`: argon2id is the only one", text.value);
                        self.bad_tag(scheme, "!hash", &why);
                        return None;
                    }
                }
                let Some(value) = value else {
                    self.bad_tag(node, "!hash", "has no `value`");
                    return None;
                };
                let secret = self.expr(value, scope)?;
                if !matches!(secret.value, Expr::Scalar { .. } | Expr::Env(_)) {
                    self.bad_tag(value, "!hash", "takes a text or an `!env` as its `value`");
                    return None;
                }
                secret
            }
            _ => {
                self.bad_tag(
                    node,
                    "!hash",
                    &format!("takes a secret, and this is {}", node.noun()),
                );
                return None;
            }
        };
        Some(Expr::Hash(Box::new(secret)))
    }

    pub(super) fn fake(&mut self, node: &Node) -> Option<Expr> {
        let text = self.argument(node, "!fake", "takes a kind of value")?;
        match Fake::ALL.iter().find(|(name, _)| *name == text) {
            Some((_, fake)) => Some(Expr::Fake(*fake)),
            None => {
                let help = did_you_mean(text, &Fake::ALL.map(|(name, _)| name), "there are");
                self.error(
                    "bad-tag",
                    &node.whole(),
                    format!("`!fake` knows no kind `{text}`"),
                    help,
                );
                None
            }
        }
    }

    pub(super) fn pick(&mut self, node: &Node, scope: Scope) -> Option<Expr> {
        if matches!(&node.kind, Kind::Scalar(text, _) if text.contains('*')) {
            return self.among(Choose::Random, node, scope);
        }
        let mut picks = Vec::new();
        let mut whole = true;
        let mut sum: u64 = 0;
        match &node.kind {
            Kind::Sequence(items) => {
                for item in items {
                    let value = self.expr(item, scope);
                    whole &= value.is_some();
                    picks.extend(value.map(|value| (value, 1)));
                }
            }
            Kind::Mapping(entries) => {
                for (key, weight) in entries {
                    let value = self.expr(key, scope);
                    let weight = self.weight(weight, name(key)).filter(|weight| {
                        sum = sum.saturating_add(*weight);
                        sum < u64::MAX
                    });
                    whole &= value.is_some() && weight.is_some();
                    picks.extend(value.zip(weight));
                }
            }
            Kind::Scalar(..) => {}
        }
        if sum == u64::MAX {
            self.bad_tag(node, "!pick", "has weights whose sum 64 bits do not hold");
        } else if whole && picks.is_empty() {
            self.bad_tag(
                node,
                "!pick",
                "takes a list of values, a map with a weight for each, or labels of a table (`!pick users.*`), and there are none",
            );
        }
        (whole && !picks.is_empty()).then(|| Expr::Pick(picks.into()))
    }

    fn weight(&mut self, node: &Node, value: &str) -> Option<u64> {
        let weight = match &node.kind {
            Kind::Scalar(text, Style::Plain) if node.tag.is_none() => {
                let digits = Some(text).filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()));
                digits.and_then(|digits| digits.parse::<u64>().ok())
            }
            _ => None,
        };
        let weight = weight.filter(|weight| *weight > 0);
        if weight.is_none() {
            let why = format!("takes a whole number from 1 as the weight of `{value}`");
            self.bad_tag(node, "!pick", &why);
        }
        weight
    }

    pub(super) fn int(&mut self, node: &Node) -> Option<Expr> {
        let text = self.argument(node, "!int", "takes a range of whole numbers")?;
        let range = text.split_once("..").and_then(|(first, last)| {
            let first: i64 = first.trim().parse().ok()?;
            let last: i64 = last.trim().parse().ok()?;
            (first <= last).then_some(Expr::Int(first, last))
        });
        if range.is_none() {
            let why = format!(
                "takes two whole numbers of 64 bits, the smaller one first, and `{text}` is something else"
            );
            self.bad_tag(node, "!int", &why);
        }
        range
    }

    /// `0.50..99.99`: the end with more decimal places decides how many there are.
    pub(super) fn decimal(&mut self, node: &Node) -> Option<Expr> {
        let text = self.argument(node, "!decimal", "takes a range of numbers")?;
        let range = text.split_once("..").and_then(|(first, last)| {
            let (first, last) = (first.trim(), last.trim());
            let scale = places(first).max(places(last));
            let (least, most) = (units(first, scale)?, units(last, scale)?);
            (least <= most).then(|| Expr::Decimal(Box::new(Decimal { least, most, scale })))
        });
        if range.is_none() {
            let why = format!(
                "takes two decimal numbers of up to 18 digits, the smaller one first, and `{text}` is something else"
            );
            self.bad_tag(node, "!decimal", &why);
        }
        range
    }

    /// The arguments of a tag that takes them by name.
    pub(super) fn arguments<'n>(
        &mut self,
        entries: &'n [(Node<'n>, Node<'n>)],
        tag: &str,
        known: [&str; 2],
    ) -> Option<[Option<&'n Node<'n>>; 2]> {
        let mut found = [None, None];
        let mut whole = true;
        for (key, value) in entries {
            match known.iter().position(|known| *known == name(key)) {
                Some(at) => found[at] = Some(value),
                None => {
                    let message = format!("`{tag}` knows no `{}`", name(key));
                    let help = did_you_mean(name(key), &known, "there are");
                    self.error("bad-tag", &key.span, message, help);
                    whole = false;
                }
            }
        }
        whole.then_some(found)
    }
}

/// How many decimal places a number has.
fn places(number: &str) -> u32 {
    let places = number.split_once('.').map_or(0, |(_, places)| places.len());
    u32::try_from(places).unwrap_or(u32::MAX)
}

/// `12.3` with two decimal places is 1230.
fn units(number: &str, scale: u32) -> Option<i64> {
    const MOST_DIGITS: usize = 18;
    let digits = number.strip_prefix(['-', '+']).unwrap_or(number);
    let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_dangling = digits.ends_with('.') || whole.is_empty();
    let scale = scale as usize;
    if is_dangling || !is_number(whole) || !is_number(places) || whole.len() + scale > MOST_DIGITS {
        return None;
    }
    let units: i64 = format!("{whole}{places:0<scale$}").parse().ok()?;
    Some(if number.starts_with('-') {
        -units
    } else {
        units
    })
}

/// Whether SQLite's date functions take it: <https://sqlite.org/lang_datefunc.html#modifiers>. They answer NULL where
/// one is wrong. Those that say how the time before them is written (`unixepoch`, `auto`) mean nothing behind a time,
/// and `ceiling` and `floor` are newer than libSQL's engine.
fn is_modifier(text: &str) -> bool {
    const WORDS: [&str; 7] = [
        "localtime",
        "utc",
        "subsec",
        "subsecond",
        "start of month",
        "start of year",
        "start of day",
    ];
    const UNITS: [&str; 6] = ["day", "hour", "minute", "second", "month", "year"];
    let text = text.to_ascii_lowercase();
    if WORDS.contains(&text.as_str()) {
        return true;
    }
    if let Some(day) = text.strip_prefix("weekday ") {
        return day.len() == 1 && day.bytes().all(|day| (b'0'..=b'6').contains(&day));
    }
    // `+12:30`, `-0001-02-03 04:05`
    let number = text.trim_start_matches(['+', '-']);
    if number.contains([':', '-']) {
        return text.len() - number.len() <= 1
            && number
                .bytes()
                .all(|byte| byte.is_ascii_digit() || b":-. ".contains(&byte));
    }
    let Some((number, unit)) = text.split_once(' ') else {
        return false;
    };
    let unit = unit.trim_start();
    let unit = unit.strip_suffix('s').unwrap_or(unit);
    let number = number.strip_prefix(['+', '-']).unwrap_or(number);
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    let dots = number.bytes().filter(|byte| *byte == b'.').count();
    UNITS.contains(&unit) && digits > 0 && dots <= 1 && digits + dots == number.len()
}
