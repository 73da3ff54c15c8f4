//! The signs of infinities, which a server's JSON has no word for: it gives each as a real without a sign, and one column
//! more, asked for behind the others, tells which are negative. Local engines need none of it.

use crate::sql::ValueRef;

/// An expression that is `NULL` in most rows; where a negative infinity is among `columns`, a text with a `1` for each that
/// is one and a `0` for each that is not.
pub(super) fn negative<'a>(columns: impl Iterator<Item = &'a str> + Clone) -> String {
    let all: Vec<&str> = columns.clone().collect();
    let digits: Vec<String> = columns.map(|it| format!("({it} IS -9e999)")).collect();
    format!(
        "CASE WHEN -9e999 IN ({}) THEN ''||{} END",
        all.join(","),
        digits.join("||")
    )
}

/// A value with its sign: `signs` is what [`negative`] gave, and `place` the value's among its columns.
pub(super) fn signed<'a>(value: ValueRef<'a>, signs: ValueRef<'_>, place: usize) -> ValueRef<'a> {
    match (value, signs) {
        (ValueRef::Real(number), ValueRef::Text(digits))
            if number.is_infinite() && digits.get(place) == Some(&b'1') =>
        {
            ValueRef::Real(f64::NEG_INFINITY)
        }
        _ => value,
    }
}
