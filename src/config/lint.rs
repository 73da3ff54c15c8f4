//! `[lint]` in `config.toml`: severities by the codes of rules, and who runs the migrations on what.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::origin::Setting;
use super::problem::problem;
use super::toml::{File, Table, is_slip};
use crate::lint::{Runner, Target};
use crate::nearest::nearest;
use crate::rules::{Level, Levels, RULES, known, rule};

/// What `[lint]` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lint {
    /// The severities of rules that are not those of the table.
    pub levels: Setting<Levels>,
    /// `runner`: the tool that runs the files, where that is not the tool of the layout.
    pub runner: Option<Setting<Runner>>,
    /// `target`: the engine that they are for.
    pub target: Option<Setting<Target>>,
}

impl Default for Lint {
    fn default() -> Lint {
        Lint {
            levels: Setting::default(Levels::new()),
            runner: None,
            target: None,
        }
    }
}

/// The keys beside the codes.
pub(super) const KEYS: [&str; 2] = ["runner", "target"];

pub(super) fn lint(file: &mut File<'_>, root: Table<'_>) -> Lint {
    let mut found = Lint::default();
    let Some((key, value)) = root.and_then(|root| root.get_key_value("lint")) else {
        return found;
    };
    let DeValue::Table(table) = value.get_ref() else {
        file.wrong_table(key.span(), "[lint]", value);
        return found;
    };
    read(file, table, &mut found);
    found
}

fn read(file: &mut File<'_>, table: &DeTable<'_>, found: &mut Lint) {
    for (key, value) in table {
        let word: &str = key.get_ref();
        let place = file.place(key.span().start);
        let text = text(value);
        let refused = |what: String, help: String| Some(problem(what).help(help));
        let wrong = match (word, text) {
            ("runner", Some(text)) => match Runner::of_word(text) {
                Some(value) => {
                    let origin = file.origin(key.span(), "[lint] runner");
                    found.runner = Some(Setting { value, origin });
                    None
                }
                None => refused(
                    format!("[lint] runner is no runner: {text:?}"),
                    format!("the runners are: {}", Runner::WORDS.join(", ")),
                ),
            },
            ("target", Some(text)) => match Target::of_word(text) {
                Some(value) => {
                    let origin = file.origin(key.span(), "[lint] target");
                    found.target = Some(Setting { value, origin });
                    None
                }
                None => refused(
                    format!("[lint] target is no target: {text:?}"),
                    format!("the targets are: {}", Target::WORDS.join(", ")),
                ),
            },
            (word, text) => match (known(word), text.and_then(Level::of_word)) {
                (Some(code), Some(level)) => {
                    if found.levels.value.is_empty() {
                        found.levels.origin = file.origin(key.span(), "[lint]");
                    }
                    found.levels.value.insert(code, level);
                    None
                }
                (Some(_), None) => refused(
                    format!("[lint] {word} is no severity"),
                    format!("the severities are: {}", Level::WORDS.join(", ")),
                ),
                (None, _) if KEYS.contains(&word) => {
                    refused(format!("[lint] {word} must be a string"), String::new())
                }
                (None, _) => match meant(word) {
                    Some(meant) => refused(
                        format!("unknown key `{word}` in [lint]"),
                        format!("did you mean `{meant}`?"),
                    ),
                    None => {
                        file.warn(format!("{place}: `{word}` in [lint] is not read; known: the codes of rules, {}", KEYS.join(", ")));
                        None
                    }
                },
            },
        };
        if let Some(mut wrong) = wrong {
            wrong.help.retain(|help| !help.is_empty());
            file.refuse_here(wrong.at(place));
        }
    }
}

fn text<'t>(value: &'t Spanned<DeValue<'_>>) -> Option<&'t str> {
    value.get_ref().as_str().map(str::trim)
}

/// The code or key that a word is a slip of. A word of the form of a code is one.
fn meant(word: &str) -> Option<&'static str> {
    if let Some(rule) = rule(word) {
        return Some(rule.code);
    }
    let codes: Vec<&'static str> = RULES.iter().map(|rule| rule.code).collect();
    let is_code = word.len() <= 7 && word.bytes().any(|it| it.is_ascii_digit());
    match is_code {
        true => nearest(word, &codes).or_else(|| codes.first().copied()),
        false => is_slip(word, &KEYS),
    }
}
