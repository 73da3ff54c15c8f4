//! `_seed`: what a file says about itself.

use std::collections::BTreeMap;

use super::template::Scope;
use super::{Reader, did_you_mean, is_nothing, name};
use crate::seeds::model::{Mode, Requires, Spanned};
use crate::seeds::yaml::{Kind, Node, is_null};

pub(super) const SETTINGS: [&str; 12] = [
    "format",
    "envs",
    "tags",
    "requires",
    "depends_on",
    "mode",
    "random",
    "faker",
    "vars",
    "time",
    "_defaults",
    "_was",
];

const MODES: [(&str, Mode); 3] = [
    ("insert", Mode::Insert),
    ("upsert", Mode::Upsert),
    ("sync", Mode::Sync),
];

/// Names in a template that are not the file's own.
const RESERVED: [&str; 3] = ["label", "i", "each"];

impl Reader<'_> {
    pub(super) fn settings(&mut self, node: &Node) {
        if is_nothing(node) {
            return;
        }
        let Some(entries) = self.map(node, "`_seed`", "_seed: {format: 1}") else {
            return;
        };
        for (key, value) in entries {
            match name(key) {
                "format" => self.only_one(value, "format", "format of seed files"),
                "envs" => self.envs(value),
                "tags" => self.settings.tags = self.names(value, "`tags`", "[load]"),
                "requires" => self.settings.requires = self.requires(value),
                "depends_on" => self.depends_on(value),
                "mode" => self.mode(value),
                "random" => {
                    if let Some(random) = self.text(value, "`random`", "random: 42") {
                        self.settings.random = random.value;
                    }
                }
                "faker" => self.only_one(value, "faker", "version of the generators"),
                "vars" => self.settings.vars = self.vars(value),
                "time" => self.settings.time = self.time(value),
                // They may use the variables, which may stand below them.
                "_defaults" => {}
                "_was" => self.settings.was = self.names(value, "`_was`", "[010_users]"),
                unknown => {
                    let message = format!("`_seed` has no setting `{unknown}`");
                    let help = did_you_mean(unknown, &SETTINGS, "there are");
                    self.error("unknown-setting", &key.span, message, help);
                }
            }
        }
        if let Some((_, value)) = entries.iter().find(|(key, _)| name(key) == "_defaults") {
            self.settings.defaults = self.fields(value, "`_defaults`", Scope::Table);
        }
    }

    fn bad(&mut self, node: &Node, message: String, help: impl Into<String>) {
        self.error("bad-value", &node.span, message, help);
    }

    fn only_one(&mut self, node: &Node, key: &str, what: &str) {
        let example = format!("{key}: 1");
        let Some(text) = self.text(node, &format!("`{key}`"), &example) else {
            return;
        };
        if text.value != "1" {
            let message = format!(
                "`{}` is no {what} that is known here: 1 is the only one",
                text.value
            );
            let help = format!("write `{example}`; a newer Seedbed may know more");
            self.bad(node, message, help);
        }
    }

    fn envs(&mut self, node: &Node) {
        let found = self.problems.len();
        let envs = self.names(node, "`envs`", "[dev, test]");
        if envs.is_empty() && self.problems.len() == found {
            let message =
                "`envs` names no environment, so the file would never be seeded".to_owned();
            self.bad(node, message, "name one, or leave `envs` out");
        }
        self.settings.envs = Some(envs);
    }

    fn depends_on(&mut self, node: &Node) {
        let names = self.names(node, "`depends_on`", "[010_users]");
        for name in &names {
            if let Some(stem) = name.value.strip_suffix(".yaml") {
                self.error(
                    "bad-value",
                    &name.span(),
                    format!(
                        "`{}` is a file, and a seed goes by its name without the ending",
                        name.value
                    ),
                    format!("write `{stem}`"),
                );
            }
        }
        self.settings.depends_on = names;
    }

    fn mode(&mut self, node: &Node) {
        let Some(text) = self.text(node, "`mode`", "mode: insert") else {
            return;
        };
        match MODES.iter().find(|(name, _)| *name == text.value) {
            Some((_, mode)) => self.settings.mode = *mode,
            None => {
                let help = did_you_mean(&text.value, &MODES.map(|(name, _)| name), "there are");
                // It asks least of the tables, so nothing that is reported follows from the mode.
                self.settings.mode = Mode::Insert;
                self.bad(node, format!("there is no mode `{}`", text.value), help);
            }
        }
    }

    fn requires(&mut self, node: &Node) -> Option<Spanned<Requires>> {
        let text = self.text(node, "`requires`", "requires: 3")?;
        let Some(value) = requires(&text.value) else {
            self.bad(
                node,
                format!("`{}` is no version of a schema", text.value),
                "write the number of a migration, from 1: `3`, `0003_usage`, or `3..7` where later ones do not fit",
            );
            return None;
        };
        let span = text.span();
        Some(Spanned::new(value, span))
    }

    fn vars(&mut self, node: &Node) -> BTreeMap<String, String> {
        let mut vars = BTreeMap::new();
        if is_nothing(node) {
            return vars;
        }
        let Some(entries) = self.map(node, "`vars`", "vars: {domain: example.test}") else {
            return vars;
        };
        for (key, value) in entries {
            let var = name(key);
            if RESERVED.contains(&var) {
                self.error(
                    "reserved-name",
                    &key.span,
                    format!("`${{{var}}}` has a meaning of its own"),
                    "take another name",
                );
            } else if !is_word(var) {
                self.error(
                    "bad-value",
                    &key.span,
                    format!("`{}` cannot be written as `${{name}}`", var.escape_debug()),
                    "a name is made of letters, digits and `_`, and begins with no digit",
                );
            }
            // One that is wrong is defined all the same: where it is used nothing else is wrong.
            let text = match &value.kind {
                Kind::Scalar(text, style) if is_null(text, *style) && value.tag.is_none() => {
                    let message = format!("the variable `{var}` has no value");
                    self.bad(value, message, "write one; `\"\"` is the empty text");
                    None
                }
                _ => self.text(value, "a variable", "domain: example.test"),
            };
            let text = text.map_or_else(String::new, |text| text.value);
            vars.insert(var.to_owned(), text);
        }
        vars
    }

    fn time(&mut self, node: &Node) -> Option<Spanned<String>> {
        let text = self.text(node, "`time`", "time: 2026-01-31T12:00:00Z")?;
        let Some(value) = time(&text.value) else {
            self.bad(
                node,
                format!("`{}` is no date and time in UTC", text.value),
                "write for example `2026-01-31T12:00:00Z`",
            );
            return None;
        };
        let span = text.span();
        Some(Spanned::new(value, span))
    }
}

/// Letters, digits and `_`, as the names of variables are everywhere.
pub(super) fn is_word(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn requires(text: &str) -> Option<Requires> {
    let version = |digits: &str| {
        let digits = Some(digits).filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()))?;
        digits.parse::<i64>().ok().filter(|version| *version > 0)
    };
    if let Some((from, to)) = text.split_once("..") {
        let (from, to) = (version(from)?, version(to)?);
        return (from <= to).then_some(Requires { from, to: Some(to) });
    }
    let number = text.split_once('_').map_or(text, |(number, _)| number);
    Some(Requires {
        from: version(number)?,
        to: None,
    })
}

/// `2026-01-31T12:00:00Z` as SQLite writes it, `2026-01-31 12:00:00`; none where there is no such time.
fn time(text: &str) -> Option<String> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    let small = |number: u16| u8::try_from(number).ok();
    let month = time::Month::try_from(small(month)?).ok()?;
    time::Date::from_calendar_date(i32::from(year), month, small(day)?).ok()?;
    time::Time::from_hms(small(hour)?, small(minute)?, small(second)?).ok()?;
    Some(format!("{date} {clock}"))
}

fn numbers(text: &str, separator: char, widths: [usize; 3]) -> Option<[u16; 3]> {
    let parts: Vec<&str> = text.split(separator).collect();
    let parts: [&str; 3] = parts.try_into().ok()?;
    let mut numbers = [0; 3];
    for ((number, part), width) in numbers.iter_mut().zip(parts).zip(widths) {
        let fits = part.len() == width && part.bytes().all(|byte| byte.is_ascii_digit());
        *number = part.parse().ok().filter(|_| fits)?;
    }
    Some(numbers)
}
