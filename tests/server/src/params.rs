//! Values for the parameters of a statement, bound by sqld's rules and refused in its words (`query.rs`).

use rusqlite::types::Value;
use std::collections::HashMap;

/// By position or by name, never both.
#[derive(Debug)]
pub(crate) enum Params {
    Positional(Vec<Value>),
    Named(HashMap<String, Value>),
}

impl Params {
    /// Binds every parameter of `statement`; one without a value is an error, except in an `EXPLAIN`.
    pub(crate) fn bind(&self, statement: &mut rusqlite::Statement<'_>) -> Result<(), String> {
        let count = statement.parameter_count();
        let given = self.len();
        if count < given {
            return Err(format!(
                "too many parameters, expected {count} found {given}"
            ));
        }
        for index in 1..=count {
            let name = statement.parameter_name(index).map(str::to_owned);
            let value = match &name {
                None => self.position(index),
                Some(name) => match name.strip_prefix('?') {
                    // The braces are sqld's own slip.
                    Some(number) => self.position(number.parse().map_err(
                        |_| "invalid parameter {name}: expected a numerical position after `?`",
                    )?),
                    None => self.name(name),
                },
            };
            match value {
                Some(value) => statement
                    .raw_bind_parameter(index, value)
                    .map_err(|error| error.to_string())?,
                None if statement.is_explain() > 0 => return Ok(()),
                None => {
                    let name = name.unwrap_or_else(|| index.to_string());
                    return Err(format!("value for parameter {name} not found"));
                }
            }
        }
        Ok(())
    }

    fn len(&self) -> usize {
        match self {
            Params::Positional(values) => values.len(),
            Params::Named(values) => values.len(),
        }
    }

    fn position(&self, position: usize) -> Option<&Value> {
        match self {
            Params::Positional(values) => values.get(position.checked_sub(1)?),
            Params::Named(_) => None,
        }
    }

    /// By the full name, else by the name without its `:`, `@` or `$`.
    fn name(&self, name: &str) -> Option<&Value> {
        match self {
            Params::Positional(_) => None,
            Params::Named(values) => values.get(name).or_else(|| values.get(&name[1..])),
        }
    }
}
