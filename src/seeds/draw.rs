//! Generated values: each cell has dice of its own, thrown by nothing but its table, label and column, so that no other
//! row or column changes what it gets. Pure.

use super::cell::{Names, evaluate, nature_of_time};
use super::expand::Given;
use super::generate::{Dice, fake};
use super::inputs::as_kept;
use super::model::{Expr, SeedFile, Spanned, Style};
use super::row::{Content, Nature};
use super::typed::{Unfit, takes as may_hold, typed};
use crate::schema::{Column, Strictness};
use crate::sql::Value;

/// How often a value that another row has already is drawn anew.
const ATTEMPTS: u32 = 1000;

/// Where a value is drawn for.
pub(super) struct Place<'a> {
    pub(super) file: &'a SeedFile,
    pub(super) table: &'a str,
    pub(super) names: Names<'a>,
    pub(super) column: &'a Column,
    pub(super) strictness: Strictness,
}

/// Draws a value that `takes` takes: where no two rows may have the same, the next attempt is other dice.
pub(super) fn draw(
    expr: &Spanned<Expr>,
    place: &Place<'_>,
    given: &Given<'_>,
    mut takes: impl FnMut(&Value) -> bool,
) -> Result<(Content, Nature), Unfit> {
    for attempt in 0..ATTEMPTS {
        let mut dice = Dice::new(
            place.file.settings.faker.max(1),
            &place.file.settings.random,
            place.table,
            place.names.label.unwrap_or_default(),
            &place.column.name,
            attempt,
        );
        let (content, nature) = once(expr, place, given, &mut dice)?;
        if let Content::Known(value) = &content
            && !may_hold(value, place.column, place.strictness)
        {
            return Err(Unfit {
                code: "wrong-type",
                message: format!(
                    "what is drawn does not fit into column `{}` of type {}",
                    place.column.name, place.column.declared
                ),
                help: None,
            });
        }
        match &content {
            Content::Known(value) if !takes(value) => {}
            _ => return Ok((content, nature)),
        }
    }
    Err(Unfit {
        code: "not-enough-values",
        message: format!(
            "column `{}` is unique, and there are not enough different values",
            place.column.name
        ),
        help: Some("draw from a wider range, or make the value of `${label}`"),
    })
}

fn once(
    expr: &Spanned<Expr>,
    place: &Place<'_>,
    given: &Given<'_>,
    dice: &mut Dice,
) -> Result<(Content, Nature), Unfit> {
    let column = place.column;
    match &expr.value {
        Expr::Fake(kind) => {
            let value = typed(
                fake(*kind, dice).into(),
                Style::Plain,
                column,
                place.strictness,
            )?;
            Ok((Content::Known(value), Nature::Fixed))
        }
        Expr::Int(least, most) => {
            let value = Value::Integer(dice.within(*least, *most));
            let value = column.affinity.stored(value);
            Ok((Content::Known(value), Nature::Fixed))
        }
        Expr::Ago { count, unit } => {
            let (least, most) = (count.0.saturating_mul(*unit), count.1.saturating_mul(*unit));
            let span = most.saturating_sub(least).saturating_add(1);
            let ago = least.saturating_add(dice.below(span));
            let now = given.clock.moment(place.file, &[]).unwrap_or_default();
            let then = now.saturating_sub(i64::try_from(ago).unwrap_or(i64::MAX));
            let value = column.affinity.stored(as_kept(then, column));
            Ok((Content::Known(value), nature_of_time(place.file)))
        }
        Expr::Pick(items) => {
            // The reader lets no `!pick` pass that has nothing to pick from.
            let item = dice.pick_weighted(items).unwrap_or(expr);
            let (names, file) = (&place.names, place.file);
            evaluate(item, column, place.strictness, names, file, given)
        }
        _ => evaluate(
            expr,
            column,
            place.strictness,
            &place.names,
            place.file,
            given,
        ),
    }
}
