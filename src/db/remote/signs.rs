//! The signs of infinities, which a server's JSON has no word for: it gives each as a real without a sign. So a negative
//! one is asked for as a text, and a text that begins like that one gets one character more. This needs no further column,
//! which a table of the most columns that the engine takes would not leave room for. Local engines need none of it.

use crate::sql::ValueRef;

/// What a text begins with that stands for something else.
const ESCAPE: u8 = 1;

/// The text that stands for a negative infinity.
const NEGATIVE: &[u8] = &[ESCAPE, b'-'];

/// An expression that gives the value of `column` so that [`given`] finds its sign. The type is asked first: a column of
/// texts would compare the infinity as the text `-Inf`.
pub(super) fn asked(column: &str) -> String {
    format!(
        "CASE WHEN typeof({column})='real' AND {column} IS -9e999 THEN char({ESCAPE},45) \
         WHEN typeof({column})='text' AND substr({column},1,1)=char({ESCAPE}) THEN char({ESCAPE})||{column} \
         ELSE {column} END"
    )
}

/// The value that the answer to [`asked`] stands for.
pub(in crate::db) fn given(value: ValueRef<'_>) -> ValueRef<'_> {
    match value {
        ValueRef::Text(NEGATIVE) => ValueRef::Real(f64::NEG_INFINITY),
        ValueRef::Text([ESCAPE, text @ ..]) => ValueRef::Text(text),
        value => value,
    }
}
