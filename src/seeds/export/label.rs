//! Names for rows that have none: the shortest text that tells them apart. Pure.

use std::collections::{HashMap, HashSet};

use crate::hex;
use crate::schema::{ColumnKind, TableShape};
use crate::sql::Value;

/// Longer labels are cut.
const LONGEST: usize = 40;

/// A label for each row, in their order. `hidden` are columns of which nothing may be told.
pub(super) fn labels(
    of: &TableShape,
    rows: &[Vec<Value>],
    key: &[usize],
    hidden: &[usize],
) -> Vec<String> {
    let by_key = || {
        let joined = |row: &Vec<Value>| {
            let parts: Vec<String> = key.iter().map(|at| of_value(&row[*at])).collect();
            parts.join("_")
        };
        rows.iter().map(joined).collect::<Vec<String>>()
    };
    // One column names all rows of a table, or else it would be unclear where a label comes from.
    let texts = unique_texts(of).filter(|at| !hidden.contains(at));
    let best = texts
        .filter_map(|at| told_by(rows, at))
        .min_by_key(|texts| texts.iter().map(|text| text.chars().count()).sum::<usize>());
    distinct(best.unwrap_or_else(by_key), &of.name)
}

/// Columns that have another value in each row.
fn unique_texts(of: &TableShape) -> impl Iterator<Item = usize> {
    let keys = of.unique.iter().map(|index| index.columns.as_slice());
    keys.chain([of.primary_key.as_slice()])
        .filter_map(|columns| match columns {
            [column] => Some(*column),
            _ => None,
        })
        .filter(|column| of.columns[*column].origin == ColumnKind::Plain)
}

/// What a column says of each row, if it is a text that people read in every one of them.
fn told_by(rows: &[Vec<Value>], column: usize) -> Option<Vec<String>> {
    let texts: Option<Vec<&str>> = rows
        .iter()
        .map(|row| row[column].as_str().filter(|text| is_readable(text)))
        .collect();
    let texts = texts?;
    // Of addresses the first part is enough, where it is another one in each row.
    let before: Option<Vec<&str>> = texts
        .iter()
        .map(|text| text.split_once('@').map(|(before, _)| before))
        .collect();
    let is_distinct = |texts: &[&str]| {
        let mut seen = HashSet::new();
        texts.iter().all(|text| seen.insert(clean(text)))
    };
    let texts = match before {
        Some(before) if is_distinct(&before) => before,
        _ => texts,
    };
    Some(texts.into_iter().map(str::to_owned).collect())
}

/// A word that people write, and no id or number of a machine.
fn is_readable(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    letters > 0 && digits <= letters.max(4) && text.chars().count() <= 64
}

fn of_value(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Integer(number) => number.to_string(),
        Value::Real(real) => real.to_string(),
        Value::Text(text) => text.clone(),
        Value::Blob(bytes) => hex::encode(&bytes[..bytes.len().min(8)]),
    }
}

/// Labels as the grammar has them, each once.
fn distinct(texts: Vec<String>, table: &str) -> Vec<String> {
    let mut seen: HashSet<String> = HashSet::with_capacity(texts.len());
    let mut last: HashMap<String, usize> = HashMap::new();
    let mut labels = Vec::with_capacity(texts.len());
    for text in texts {
        let mut base = clean(&text);
        let has_letter = base.chars().any(char::is_alphabetic);
        if !has_letter {
            // A number where a label stands would be read as an id.
            base = clean(&format!("{table}_{base}"));
        }
        if base.is_empty() {
            base.push_str("row");
        }
        let number = last.entry(base.clone()).or_insert(0);
        let label = loop {
            *number += 1;
            let label = match *number {
                1 => base.clone(),
                number => format!("{base}_{number}"),
            };
            if seen.insert(label.clone()) {
                break label;
            }
        };
        labels.push(label);
    }
    labels
}

/// Letters, digits, `-` and single `_`: no label has `.`, `*` or braces, and none begins with `_`.
fn clean(text: &str) -> String {
    let mut label = String::new();
    for c in text.chars() {
        let keeps = c.is_alphanumeric() || c == '-';
        if keeps {
            label.push(c);
        } else if !label.ends_with('_') {
            label.push('_');
        }
    }
    let cut: String = label
        .trim_matches(['_', '-'])
        .chars()
        .take(LONGEST)
        .collect();
    cut.trim_end_matches(['_', '-']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::distinct;

    #[test]
    fn labels_are_words_that_stand_once() {
        let check = |texts: &[&str], expect: &[&str]| {
            let texts = texts.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(distinct(texts, "users"), expect);
        };
        check(&["ann", "bob"], &["ann", "bob"]);
        check(
            &["ann", "ann", "ann_2", "ann"],
            &["ann", "ann_2", "ann_2_2", "ann_3"],
        );
        check(&["a.b{c}*d", "_x_", "--"], &["a_b_c_d", "x", "users"]);
        check(&["7", "-3", ""], &["users_7", "users_3", "users"]);
        check(&["ünï çode"], &["ünï_çode"]);
    }
}
