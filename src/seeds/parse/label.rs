//! What names a row or many: `admin`, `load_{001..500}`, `now_{users.load_*}`, `post_{users.*}_{1..3}`.

use crate::seeds::model::{Each, Label, Numbers};

/// How many rows a range may make.
const MAX_ROWS: u64 = 1_000_000;

/// How many digits a number of a range may have, with the zeros in front.
const MAX_DIGITS: usize = 255;

/// Why a text is no label.
pub(super) struct Bad {
    pub(super) why: String,
    pub(super) help: &'static str,
}

/// Reads a label.
pub(super) fn label(text: &str) -> Result<Label, Bad> {
    let bad = |why: String, help| Err(Bad { why, help });
    if text.is_empty() {
        return bad(
            "the label of a row is missing here".to_owned(),
            "write a name before the `:`, or make the table a list of rows",
        );
    }
    let Some((before, rest)) = text.split_once('{') else {
        plain(text, text)?;
        return Ok(Label::One(text.into()));
    };
    if before.ends_with('$') {
        return bad(
            format!("nothing is replaced in the label `{text}`"),
            EXAMPLES,
        );
    }
    let Some((inside, after)) = rest.split_once('}') else {
        return bad(
            format!("`{{` is not closed in the label `{text}`"),
            EXAMPLES,
        );
    };
    plain(before, text)?;
    if inside.contains("..") {
        if after.contains('{') {
            return bad(
                format!("something stands behind the range in the label `{text}`"),
                "the range comes last: `post_{users.*}_{1..3}`",
            );
        }
        plain(after, text)?;
        return Ok(Label::Range {
            before: before.into(),
            numbers: Box::new(numbers(inside, after)?),
        });
    }
    match inside.split_once('.') {
        Some((table, pattern))
            if !table.is_empty() && !pattern.is_empty() && !pattern.contains(['.', '{']) =>
        {
            let (between, children) = match after.split_once('{') {
                None => (after, None),
                Some((between, range)) => {
                    let Some((inside, after)) = range.split_once('}') else {
                        return bad(
                            format!("`{{` is not closed in the label `{text}`"),
                            EXAMPLES,
                        );
                    };
                    plain(after, text)?;
                    (between, Some(numbers(inside, after)?))
                }
            };
            plain(between, text)?;
            Ok(Label::Each(Box::new(Each {
                before: before.into(),
                table: table.into(),
                pattern: pattern.into(),
                after: between.into(),
                children,
            })))
        }
        _ => bad(
            format!("`{{{inside}}}` is neither a range nor labels of a table"),
            EXAMPLES,
        ),
    }
}

const EXAMPLES: &str =
    "write for example `load_{001..500}`, `now_{users.load_*}` or `post_{users.*}_{1..3}`";

/// `001..500`, and the text after it.
fn numbers(inside: &str, after: &str) -> Result<Numbers, Bad> {
    let bad = |why: String, help| Err(Bad { why, help });
    let (first, last) = inside.split_once("..").unwrap_or((inside, ""));
    let (Some(from), Some(to)) = (number(first), number(last)) else {
        let why = format!(
            "`{{{inside}}}` is no range of numbers from 0 to {}",
            u64::MAX
        );
        return bad(why, EXAMPLES);
    };
    if from > to {
        return bad(
            format!("the range `{{{inside}}}` ends before it begins"),
            "write the smaller number first",
        );
    }
    if to - from >= MAX_ROWS {
        return bad(
            format!("the range `{{{inside}}}` makes more than {MAX_ROWS} rows"),
            "one range makes at most a million rows",
        );
    }
    if first.len() > MAX_DIGITS {
        return bad(
            format!("the range begins with a number of more than {MAX_DIGITS} digits"),
            "remove zeros: every number is written with as many digits as the first one",
        );
    }
    Ok(Numbers {
        first: from,
        last: to,
        width: first.len(),
        after: after.to_owned(),
    })
}

/// Whether a `!ref` could name it.
fn plain(part: &str, label: &str) -> Result<(), Bad> {
    match part.chars().find(|c| ".{}*".contains(*c) || c.is_control()) {
        Some(c) => Err(Bad {
            why: format!("the label `{}` holds {c:?}", label.escape_debug()),
            help: "a label holds no `.`, by which `!ref` finds the column, no `*`, and braces only around a range",
        }),
        None => Ok(()),
    }
}

fn number(digits: &str) -> Option<u64> {
    let digits = Some(digits).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    digits.parse().ok()
}
