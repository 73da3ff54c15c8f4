//! The labels of a template, as they are kept beside it: which row each of them names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::TestingError;
use crate::nearest::nearest;
use crate::seeds::Labelled;
use crate::sql::Value;

/// Columns and values by which a row is found.
type Key = Vec<(String, Value)>;

/// By table and label: the key of the row.
#[derive(Debug, Default)]
pub(super) struct Labels(BTreeMap<String, BTreeMap<String, Key>>);

/// A value in the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kept {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

/// Table, label and key.
type Line = (String, String, Vec<(String, Kept)>);

/// The text of the file for these rows.
pub(super) fn written(rows: Vec<Labelled>) -> Result<String, serde_json::Error> {
    let mut lines: Vec<Line> = rows
        .into_iter()
        .map(|Labelled { table, label, key }| {
            let key = key.into_iter().map(|(column, value)| {
                let kept = match value {
                    Value::Null => Kept::Null,
                    Value::Integer(number) => Kept::Integer(number),
                    Value::Real(number) => Kept::Real(number),
                    Value::Text(text) => Kept::Text(text),
                    Value::Blob(bytes) => Kept::Blob(bytes),
                };
                (column, kept)
            });
            (table, label, key.collect())
        })
        .collect();
    lines.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    serde_json::to_string(&lines)
}

impl Labels {
    /// Reads the text of the file.
    pub(super) fn read(text: &str) -> Result<Labels, serde_json::Error> {
        let lines: Vec<Line> = serde_json::from_str(text)?;
        let mut labels = Labels::default();
        for (table, label, key) in lines {
            let key = key.into_iter().map(|(column, kept)| {
                let value = match kept {
                    Kept::Null => Value::Null,
                    Kept::Integer(number) => Value::Integer(number),
                    Kept::Real(number) => Value::Real(number),
                    Kept::Text(text) => Value::Text(text),
                    Kept::Blob(bytes) => Value::Blob(bytes),
                };
                (column, value)
            });
            labels
                .0
                .entry(table)
                .or_default()
                .insert(label, key.collect());
        }
        Ok(labels)
    }

    /// The table as it was made, and the key of the row.
    pub(super) fn find(&self, table: &str, label: &str) -> Result<(&str, &Key), TestingError> {
        let mut tables = self.0.iter();
        let Some((name, labels)) = tables.find(|(name, _)| name.eq_ignore_ascii_case(table)) else {
            let known: Vec<&str> = self.0.keys().map(String::as_str).collect();
            return Err(TestingError::UnknownTable {
                table: table.to_owned(),
                nearest: nearest(table, &known).map(str::to_owned),
            });
        };
        let Some(key) = labels.get(label) else {
            let known: Vec<&str> = labels.keys().map(String::as_str).collect();
            return Err(TestingError::UnknownLabel {
                table: name.clone(),
                label: label.to_owned(),
                nearest: nearest(label, &known).map(str::to_owned),
            });
        };
        Ok((name, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_key_is_read_as_it_was_written() {
        let key = vec![
            ("a".to_owned(), Value::Integer(i64::MIN)),
            ("b".to_owned(), Value::Real(0.1)),
            ("c".to_owned(), Value::Text("x\0\"ü".to_owned())),
            ("d".to_owned(), Value::Blob(vec![0, 255])),
        ];
        let row = Labelled {
            table: "Users".to_owned(),
            label: "admin".to_owned(),
            key: key.clone(),
        };
        let labels = Labels::read(&written(vec![row]).unwrap()).unwrap();
        assert_eq!(labels.find("users", "admin").unwrap(), ("Users", &key));
    }
}
