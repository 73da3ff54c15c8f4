//! Generated values: each cell has dice of its own, thrown by nothing but its table, label and column, so that no other
//! row or column changes what it gets. Pure.

use super::cell::nature_of_time;
use super::generate::{Dice, fake};
use super::given::Given;
use super::inputs::as_kept;
use super::model::{Away, Choose, Decimal, Expr, SeedFile, Spanned, Style};
use super::row::{Content, Nature};
use super::typed::{Unfit, takes, typed};
use crate::schema::{Column, Strictness};
use crate::sql::Value;

/// How often a value that another row has already is drawn again.
pub(super) const ATTEMPTS: u32 = 1000;

/// Whether a value is drawn with dice.
pub(super) fn is_drawn(expr: &Expr) -> bool {
    match expr {
        Expr::Fake(_)
        | Expr::Pick(_)
        | Expr::Int(..)
        | Expr::Decimal(_)
        | Expr::Ago(_)
        | Expr::In(_) => true,
        Expr::Among(it) => it.choice == Choose::Random,
        Expr::Composed(_) => expr.inner().iter().any(|it| is_drawn(&it.value)),
        _ => false,
    }
}

/// The dice of a cell. Where no two rows may have the same, the next attempt is other dice.
pub(super) fn dice(file: &SeedFile, table: &str, label: &str, column: &str, attempt: u32) -> Dice {
    let settings = &file.settings;
    let faker = settings.faker.max(1);
    Dice::new(faker, &settings.random, table, label, column, attempt)
}

/// The value that is chosen of those of `!pick`, which may be one of another `!pick`.
pub(super) fn chosen<'e>(mut expr: &'e Spanned<Expr>, dice: &mut Dice) -> &'e Spanned<Expr> {
    while let Expr::Pick(items) = &expr.value {
        // The reader lets no `!pick` pass that has nothing to pick from.
        match dice.pick_weighted(items) {
            Some(item) => expr = item,
            None => break,
        }
    }
    expr
}

/// Why no value is drawn for a unique column.
pub(super) fn not_enough(column: &Column) -> Unfit {
    Unfit {
        code: "not-enough-values",
        message: format!(
            "column `{}` is unique, and there are not enough different values",
            column.name
        ),
        help: Some("draw from a wider range, or make the value of `${label}`".into()),
    }
}

/// What the tags that generate a value come to; none for other expressions.
pub(super) fn drawn(
    expr: &Expr,
    column: &Column,
    strictness: Strictness,
    file: &SeedFile,
    given: &Given<'_>,
    dice: &mut Dice,
) -> Option<Result<(Content, Nature), Unfit>> {
    let (value, nature) = match expr {
        Expr::Fake(kind) => {
            let text = fake(*kind, dice).into();
            match typed(text, Style::Plain, column, strictness) {
                Ok(value) => (value, Nature::Fixed),
                Err(unfit) => return Some(Err(unfit)),
            }
        }
        Expr::Int(least, most) => {
            let value = Value::Integer(dice.within(*least, *most));
            (column.affinity.stored(value), Nature::Fixed)
        }
        Expr::Decimal(it) => {
            let Decimal { least, most, scale } = &**it;
            let text = decimal(dice.within(*least, *most), *scale).into();
            match typed(text, Style::Plain, column, strictness) {
                Ok(value) => (value, Nature::Fixed),
                Err(unfit) => return Some(Err(unfit)),
            }
        }
        Expr::Ago(it) | Expr::In(it) => {
            let Away { count, unit } = &**it;
            let (least, most) = (count.0.saturating_mul(*unit), count.1.saturating_mul(*unit));
            let span = most.saturating_sub(least).saturating_add(1);
            let away = least.saturating_add(dice.below(span));
            let away = i64::try_from(away).unwrap_or(i64::MAX);
            let now = given.clock.moment(file, &[]).unwrap_or_default();
            let then = match expr {
                Expr::In(_) => now.saturating_add(away),
                _ => now.saturating_sub(away),
            };
            let value = column.affinity.stored(as_kept(then, column));
            (value, nature_of_time(file))
        }
        _ => return None,
    };
    Some(match takes(&value, column, strictness) {
        true => Ok((Content::Known(value.into()), nature)),
        false => Err(Unfit {
            code: "wrong-type",
            message: format!(
                "the generated value does not fit into column `{}` of type {}",
                column.name, column.declared
            ),
            help: Some(
                "generate another kind of value, or write the values out: `!pick [1, 2]`".into(),
            ),
        }),
    })
}

/// `1234` in units of the second place is `12.34`.
fn decimal(units: i64, scale: u32) -> String {
    let width = scale as usize + 1;
    let digits = format!("{:0width$}", units.unsigned_abs());
    let (whole, places) = digits.split_at(digits.len() - scale as usize);
    let sign = if units < 0 { "-" } else { "" };
    match places {
        "" => format!("{sign}{whole}"),
        places => format!("{sign}{whole}.{places}"),
    }
}

#[cfg(test)]
mod tests {
    use super::decimal;

    #[test]
    fn a_decimal_has_all_of_its_places() {
        for (units, scale, expect) in [
            (1234, 2, "12.34"),
            (5, 2, "0.05"),
            (-5, 2, "-0.05"),
            (0, 3, "0.000"),
            (7, 0, "7"),
        ] {
            assert_eq!(decimal(units, scale), expect);
        }
    }
}
