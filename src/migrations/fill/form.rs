//! The forms of statements that may fail for what they fix themselves, read by their tokens.

use crate::sql::{Token, unquote};

/// A statement that may fail for what it fixes itself.
#[derive(Debug)]
pub(super) enum Form<'a> {
    AddColumn {
        table: String,
        definition: &'a str,
    },
    AlterColumn {
        table: String,
        column: String,
        definition: &'a str,
    },
    Update {
        table: String,
        assignments: Vec<(String, &'a str)>,
    },
    /// Of all rows.
    Delete {
        table: String,
    },
    /// Of all rows of one table.
    Insert {
        table: String,
        /// The table whose rows they are.
        source: String,
        /// None where all are meant.
        columns: Option<Vec<String>>,
        /// None where they are not listed.
        items: Option<Vec<&'a str>>,
    },
}

impl Form<'_> {
    pub(super) fn table(&self) -> &str {
        match self {
            Form::AddColumn { table, .. }
            | Form::AlterColumn { table, .. }
            | Form::Update { table, .. }
            | Form::Delete { table }
            | Form::Insert { table, .. } => table,
        }
    }

    /// The table without whose rows it does nothing.
    pub(super) fn rows_of(&self) -> &str {
        match self {
            Form::Insert { source, .. } => source,
            _ => self.table(),
        }
    }
}

/// The tokens of a statement.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<'a> {
    pub(super) sql: &'a str,
    pub(super) tokens: &'a [Token],
}

impl<'a> Words<'a> {
    fn is(self, at: usize, word: &str) -> bool {
        let token = self.tokens.get(at);
        token.is_some_and(|token| token.is_word(self.sql, word) || token.text(self.sql) == word)
    }

    /// The first place behind `name` or `schema.name`, and the name.
    fn name(self, at: usize) -> Option<(usize, String)> {
        let at = if self.is(at + 1, ".") { at + 2 } else { at };
        let token = self.tokens.get(at)?;
        Some((at + 1, unquote(token.text(self.sql))))
    }

    /// The first place behind `OR …`.
    fn behind_or(self, at: usize) -> usize {
        if self.is(at, "OR") { at + 2 } else { at }
    }

    /// The text of some tokens.
    fn text(self, from: usize, to: usize) -> Option<&'a str> {
        let first = self.tokens.get(from)?;
        let last = self.tokens.get(to.checked_sub(1)?)?;
        self.sql.get(first.span.start..last.span.end)
    }

    /// The places outside parentheses from here on.
    fn outside(self, from: usize) -> impl Iterator<Item = usize> + use<'a> {
        let mut depth = 0;
        (from..self.tokens.len()).filter(move |at| {
            let text = self.tokens[*at].text(self.sql);
            if text == ")" {
                depth -= 1;
            }
            let is_outside = depth == 0;
            if text == "(" {
                depth += 1;
            }
            is_outside
        })
    }

    /// The texts between commas, from one place to another.
    pub(super) fn listed(self, from: usize, to: usize) -> Option<Vec<&'a str>> {
        let commas = self
            .outside(from)
            .filter(|at| *at < to && self.is(*at, ","));
        let mut items = Vec::new();
        let mut begin = from;
        for end in commas.chain([to]) {
            items.push(self.text(begin, end)?);
            begin = end + 1;
        }
        Some(items)
    }

    /// Whether one of these words is outside parentheses from here on.
    fn has(self, from: usize, words: &[&str]) -> bool {
        self.outside(from)
            .any(|at| words.iter().any(|word| self.is(at, word)))
    }

    /// `ALTER TABLE t ADD [COLUMN] …`
    pub(super) fn added_column(self) -> Option<Form<'a>> {
        let (at, table) = self.name(2)?;
        if !self.is(at, "ADD") {
            return None;
        }
        let at = if self.is(at + 1, "COLUMN") {
            at + 2
        } else {
            at + 1
        };
        let definition = self.text(at, self.tokens.len())?;
        Some(Form::AddColumn { table, definition })
    }

    /// `ALTER TABLE t ALTER [COLUMN] c TO …`
    pub(super) fn altered_column(self) -> Option<Form<'a>> {
        let (at, table) = self.name(2)?;
        let at = if self.is(at + 1, "COLUMN") {
            at + 2
        } else {
            at + 1
        };
        let column = unquote(self.text(at, at + 1)?);
        if !self.is(at + 1, "TO") {
            return None;
        }
        let definition = self.text(at + 2, self.tokens.len())?;
        Some(Form::AlterColumn {
            table,
            column,
            definition,
        })
    }

    /// `UPDATE [OR …] t SET …` of all rows.
    pub(super) fn update(self) -> Option<Form<'a>> {
        let (at, table) = self.name(self.behind_or(1))?;
        let conditions = ["WHERE", "FROM", "ORDER", "LIMIT", "RETURNING"];
        if !self.is(0, "UPDATE") || !self.is(at, "SET") || self.has(at, &conditions) {
            return None;
        }
        let items = self.listed(at + 1, self.tokens.len())?;
        let assignments = items.into_iter().filter_map(|item| {
            let (column, value) = item.split_once('=')?;
            Some((unquote(column.trim()), value.trim()))
        });
        Some(Form::Update {
            table,
            assignments: assignments.collect(),
        })
    }

    /// `DELETE FROM t`
    pub(super) fn delete(self) -> Option<Form<'a>> {
        let (at, table) = self.name(2)?;
        let is_whole = self.is(1, "FROM") && (at == self.tokens.len() || self.is(at, ";"));
        is_whole.then_some(Form::Delete { table })
    }

    /// `INSERT [OR …] INTO t [(…)] SELECT … FROM u` of all rows of `u`.
    pub(super) fn insert(self) -> Option<Form<'a>> {
        let at = self.behind_or(1);
        if !self.is(at, "INTO") {
            return None;
        }
        let (mut at, table) = self.name(at + 1)?;
        let mut columns = None;
        if self.is(at, "(") {
            let close = self.outside(at + 1).find(|place| self.is(*place, ")"));
            let close =
                close.or_else(|| (at..self.tokens.len()).find(|place| self.is(*place, ")")))?;
            let names = self.listed(at + 1, close)?;
            columns = Some(names.into_iter().map(unquote).collect());
            at = close + 1;
        }
        let from = self.outside(at).find(|place| self.is(*place, "FROM"))?;
        let (behind, source) = self.name(from + 1)?;
        let conditions = [
            ",",
            "WHERE",
            "JOIN",
            "ON",
            "USING",
            "GROUP",
            "HAVING",
            "LIMIT",
            "UNION",
            "EXCEPT",
            "INTERSECT",
            "RETURNING",
            "(",
        ];
        let is_plain = self.is(at, "SELECT") && !self.is(at + 1, "DISTINCT");
        if !is_plain || self.is(from + 1, "(") || self.has(behind, &conditions) {
            return None;
        }
        let items = self.listed(at + 1, from)?;
        let is_listed = !items.iter().any(|item| item.ends_with('*'));
        Some(Form::Insert {
            table,
            source,
            columns,
            items: is_listed.then_some(items),
        })
    }
}
