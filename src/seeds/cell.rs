//! The content of a cell becomes the value of its column, where that needs no other row and no dice. Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::arithmetic::{self, Fault, is_arithmetic};
use super::given::Given;
use super::held::Held;
use super::inputs::{Variables, as_kept};
use super::model::{Env, Expr, PROD, Part, SeedFile, Spanned, Style, Template};
use super::row::{Content, Nature};
use super::secret::{WELL_KNOWN_WORDS, weakness};
use super::typed::{Family, Unfit, family, takes, typed};
use crate::schema::{Affinity, Column, Strictness};
use crate::sql::Value;

/// What `${…}` stands for in one row.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    /// None while the label of a row is not known yet.
    pub(super) label: Option<&'a str>,
    pub(super) number: Option<u64>,
    pub(super) each: Option<&'a str>,
    pub(super) vars: &'a BTreeMap<String, String>,
}

impl Names<'_> {
    /// A text with all names replaced by their values. A name without a value in this row is an error.
    pub(super) fn fill<'t>(&self, template: &'t Template) -> Result<Cow<'t, str>, Unfit> {
        if let Some(text) = template.as_text() {
            return Ok(text.into());
        }
        let mut filled = String::with_capacity(48);
        for part in template.parts() {
            match part {
                Part::Text(text) => filled.push_str(text),
                Part::Name(name) if is_arithmetic(name) => {
                    let number = self.number.ok_or_else(|| self.unknown("i"))?;
                    let value = arithmetic::evaluate(name, number);
                    filled += &value
                        .map_err(|fault| self.no_number(name, fault))?
                        .to_string();
                }
                Part::Name(name) => match self.value(name) {
                    Some(value) => filled.push_str(&value),
                    None => return Err(self.unknown(name)),
                },
            }
        }
        Ok(filled.into())
    }

    fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        match name {
            "label" => self.label.map(Cow::from),
            "i" => self.number.map(|number| number.to_string().into()),
            "each" => self.each.map(Cow::from),
            name => self.vars.get(name).map(Cow::from),
        }
    }

    fn no_number(&self, text: &str, fault: Fault) -> Unfit {
        let what = match fault {
            Fault::Division => "divides by zero",
            Fault::Overflow => "is larger than 64 bits",
            Fault::Syntax => "is no arithmetic",
        };
        let number = self.number.unwrap_or_default();
        Unfit {
            code: "no-number",
            message: format!("`${{{text}}}` {what} where `i` is {number}"),
            help: Some("change the expression, or the range of the rows".into()),
        }
    }

    fn unknown(&self, name: &str) -> Unfit {
        let row = match self.label {
            Some(label) => format!("row `{label}`"),
            None => "a row without a label".to_owned(),
        };
        let help = match name {
            "i" => {
                "`${i}` is the number of a row in a range like `load_{001..500}` or `post_{users.*}_{1..3}`; give the other rows a value of their own"
            }
            "each" => {
                "`${each}` is the label that a row like `now_{users.load_*}` was made for; give the other rows a value of their own"
            }
            "label" => "give each row a label: `admin: {…}` instead of `- {…}`",
            _ => "define it under `_seed` as `vars: {name: …}`",
        };
        Unfit {
            code: "unknown-name",
            message: format!("`${{{name}}}` has no value in {row}"),
            help: Some(help.into()),
        }
    }
}

/// The value of a cell in its column.
pub(super) fn evaluate(
    expr: &Spanned<Expr>,
    column: &Column,
    strictness: Strictness,
    names: &Names<'_>,
    file: &SeedFile,
    given: &Given<'_>,
) -> Result<(Content, Nature), Unfit> {
    let (content, nature) = untested(expr, column, strictness, names, file, given)?;
    match content {
        Content::Known(held) => {
            let value = column.affinity.stored(held.into());
            if takes(&value, column, strictness) {
                return Ok((Content::Known(Held::of_cell(value, &expr.value)), nature));
            }
            let what = match value {
                Value::Null => "NULL",
                Value::Integer(_) | Value::Real(_) => "a number",
                Value::Text(_) => "text",
                Value::Blob(_) => "a blob",
            };
            Err(wrong(what, column))
        }
        Content::Secret(_) if !takes(&Value::from(""), column, strictness) => {
            Err(wrong("a hash", column))
        }
        content => Ok((content, nature)),
    }
}

fn untested(
    expr: &Spanned<Expr>,
    column: &Column,
    strictness: Strictness,
    names: &Names<'_>,
    file: &SeedFile,
    given: &Given<'_>,
) -> Result<(Content, Nature), Unfit> {
    let fixed = |value: Value| Ok((Content::Known(value.into()), Nature::Fixed));
    match &expr.value {
        Expr::Unread => Ok((Content::Unknown, Nature::Fixed)),
        Expr::Null => fixed(Value::Null),
        Expr::Scalar { text, style } => {
            // A text with names in it is what it comes to, as if it had been written.
            let value = typed(names.fill(text)?, *style, column, strictness)?;
            // In this order, since nearly every file is for others: a hundred thousand cells come by here.
            if file.is_for(PROD)
                && sounds_secret(&column.name)
                && let Value::Text(text) = &value
                && let Some(why) = weakness(text).filter(|why| *why == WELL_KNOWN_WORDS)
            {
                return Err(weak("this", why));
            }
            fixed(value)
        }
        Expr::Json(json) => match column.affinity {
            Affinity::Integer | Affinity::Real => Err(wrong("a map or a list", column)),
            Affinity::Numeric
                if family(column).is_some() && (json.is_object() || json.is_array()) =>
            {
                Err(wrong("a map or a list", column))
            }
            // There a number in JSON is one.
            Affinity::Numeric => {
                let text = json.to_string();
                fixed(typed(text.into(), Style::Quoted, column, strictness)?)
            }
            _ => fixed(Value::Text(json.to_string())),
        },
        Expr::Now(modifiers) => {
            let Some(seconds) = given.clock.moment(file, modifiers) else {
                return Err(Unfit {
                    code: "no-date",
                    message: format!("`!now [{}]` is no time", modifiers.join(", ")),
                    help: Some(
                        "modifiers are those of SQLite: `-90 days`, `start of month`, `+1 month`, `weekday 1`"
                            .into(),
                    ),
                });
            };
            let nature = nature_of_time(file);
            match family(column) {
                Some(Family::Boolean | Family::Decimal)
                    if !column.declared.eq_ignore_ascii_case("NUMERIC") =>
                {
                    Err(wrong("a time", column))
                }
                _ => Ok((Content::Known(as_kept(seconds, column).into()), nature)),
            }
        }
        Expr::Env(env) => {
            let Env { name, default } = &**env;
            let Some(value) = variable(name, default.as_deref(), given.variables)? else {
                return Ok((Content::Unknown, Nature::Environment));
            };
            // The value itself must not be told.
            let value =
                typed(value.into(), Style::Plain, column, strictness).map_err(|unfit| Unfit {
                    message: format!(
                        "the value of {name} does not fit into column `{}` of type {}",
                        column.name, column.declared
                    ),
                    // A variable cannot be written with quotes, and its value is in no help.
                    help: Some("set the variable to a value of the type of the column".into()),
                    ..unfit
                })?;
            if let (Value::Text(text), true) = (&value, sounds_secret(&column.name)) {
                refuse_weak(text, name, file)?;
            }
            Ok((Content::Known(value.into()), Nature::Environment))
        }
        Expr::File(path) => {
            let Some(bytes) = given.attachments.get(&**path) else {
                // That it is missing is a problem of the set.
                return Ok((Content::Unknown, Nature::Fixed));
            };
            match (column.affinity, std::str::from_utf8(bytes)) {
                (Affinity::Text, Ok(text)) => fixed(Value::Text(text.to_owned())),
                (Affinity::Text, Err(_)) => Err(wrong("a file that is no text", column)),
                (Affinity::Integer | Affinity::Real, _) => Err(wrong("a file", column)),
                _ => fixed(Value::Blob(bytes.to_vec())),
            }
        }
        Expr::Binary(bytes) => match column.affinity {
            Affinity::Integer | Affinity::Real => Err(wrong("a blob", column)),
            Affinity::Text if strictness == Strictness::Strict => Err(wrong("a blob", column)),
            _ => fixed(Value::Blob(bytes.to_vec())),
        },
        Expr::Hash(inner) => {
            if matches!(column.affinity, Affinity::Integer | Affinity::Real)
                || family(column).is_some()
            {
                return Err(wrong("a hash", column));
            }
            let secret = match &inner.value {
                Expr::Env(env) => {
                    let Env { name, default } = &**env;
                    let value = variable(name, default.as_deref(), given.variables)?;
                    let Some(value) = value else {
                        return Ok((Content::Unknown, Nature::Volatile));
                    };
                    refuse_weak(&value, name, file)?;
                    value
                }
                Expr::Scalar { text, .. } => {
                    let value = names.fill(text)?;
                    refuse_weak(&value, "this secret", file)?;
                    value.into_owned()
                }
                _ => return Err(wrong("what `!hash` holds", column)),
            };
            Ok((Content::Secret(secret.into()), Nature::Volatile))
        }
        // They are resolved, drawn or composed before, or stand in `_id` only.
        Expr::Ref(_)
        | Expr::Among(_)
        | Expr::Auto
        | Expr::Uuid
        | Expr::Fake(_)
        | Expr::Pick(_)
        | Expr::Int(..)
        | Expr::Decimal(_)
        | Expr::Ago(_)
        | Expr::In(_)
        | Expr::Slug(_)
        | Expr::Composed(_) => Err(wrong("this tag inside of another one", column)),
    }
}

/// A time that a file freezes is always the same.
pub(super) fn nature_of_time(file: &SeedFile) -> Nature {
    match file.settings.time {
        Some(_) => Nature::Fixed,
        None => Nature::Volatile,
    }
}

/// The value of a variable; none where it is unknown.
fn variable(
    name: &str,
    default: Option<&str>,
    variables: &Variables,
) -> Result<Option<String>, Unfit> {
    let Variables::Known(known) = variables else {
        return Ok(None);
    };
    match known.get(name).filter(|value| !value.is_empty()) {
        Some(value) => Ok(Some(value.clone())),
        None => match default {
            Some(default) => Ok(Some(default.to_owned())),
            None => Err(Unfit {
                code: "unset-variable",
                message: format!("{name} must be set"),
                help: Some(
                    "set it in the environment or in .env; it is never recorded or shown".into(),
                ),
            }),
        },
    }
}

/// A well-known secret is no secret; where it matters, it is refused.
fn refuse_weak(secret: &str, what: &str, file: &SeedFile) -> Result<(), Unfit> {
    if !file.is_for(PROD) {
        return Ok(());
    }
    match weakness(secret) {
        None => Ok(()),
        Some(why) => Err(weak(what, why)),
    }
}

fn weak(what: &str, why: &str) -> Unfit {
    Unfit {
        code: "weak-secret",
        message: format!("{what} is too weak for prod: it {why}"),
        help: Some("make one with `openssl rand -base64 24`".into()),
    }
}

/// Whether a column is likely to hold a secret.
pub(super) fn sounds_secret(column: &str) -> bool {
    let column = column.to_ascii_lowercase();
    ["password", "passwd", "secret", "token", "api_key", "apikey"]
        .iter()
        .any(|word| column.contains(word))
}

fn wrong(what: &str, column: &Column) -> Unfit {
    Unfit {
        code: "wrong-type",
        message: format!(
            "{what} does not fit into column `{}` of type {}",
            column.name, column.declared
        ),
        help: Some(
            "write a value of that type, or give the column another type in a migration".into(),
        ),
    }
}
