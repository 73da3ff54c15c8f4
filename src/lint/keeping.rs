//! Which rows and columns of a table a file keeps: a copy counts where it has every row and the column, and is still there at
//! the end of the file. A TEMP table, one that is emptied and one that is dropped count where their rows went on. Pure.

use super::definition::created;
use super::moves::{Copied, Identity, Moves};
use super::rebuilding::has_word;
use super::selecting::{Rows, Selected};
use super::statement::Statement;
use crate::schema::{ColumnKind, TableShape};
use crate::sql::{Kind, TokenKind, significant, unquote};

/// The columns of an old table whose values are nowhere at the end, once its rows go with the statement `until`.
pub(super) fn lost<'t>(
    statements: &[Statement<'_>],
    moves: &Moves,
    table: &'t TableShape,
    is_referred: bool,
    until: usize,
) -> Vec<&'t str> {
    let old = Identity::old(&table.name);
    let keeping = Keeping { statements, moves };
    if keeping.updates(&old, until) {
        return Vec::new();
    }
    let plain = table
        .columns
        .iter()
        .enumerate()
        .filter(|(_, it)| it.origin == ColumnKind::Plain);
    let plain: Vec<(usize, &str)> = plain.map(|(at, it)| (at, it.name.as_str())).collect();
    let lost = plain
        .iter()
        .filter(|(_, name)| !keeping.keeps(&old, name, 0..until));
    let lost: Vec<(usize, &str)> = lost.copied().collect();
    // A number that only this table has means nothing elsewhere.
    let is_only_key = lost.len() == 1 && plain.len() > 1 && !is_referred;
    if is_only_key && table.integer_key() == Some(lost[0].0) {
        return Vec::new();
    }
    lost.into_iter().map(|(_, name)| name).collect()
}

/// Whether the values of a column are kept before `until`, or something was made of them.
pub(super) fn keeps_column(
    statements: &[Statement<'_>],
    moves: &Moves,
    table: &str,
    column: &str,
    until: usize,
) -> bool {
    let keeping = Keeping { statements, moves };
    statements.iter().take(until).any(|it| computes(it, column))
        || keeping.keeps(&Identity::old(table), column, 0..until)
}

/// Whether an UPDATE makes other values of a column.
fn computes(statement: &Statement<'_>, column: &str) -> bool {
    let Some(set) = statement
        .find(0, &["SET"])
        .filter(|_| statement.kind == Kind::Update)
    else {
        return false;
    };
    let is_it = |at: &usize| {
        let token = &statement.tokens[*at];
        matches!(token.kind, TokenKind::Word | TokenKind::QuotedName)
            && unquote(token.text(statement.sql)).eq_ignore_ascii_case(column)
    };
    // `SET a = 1, b = 2` and `SET (a, b) = (…)`: what stands before `=` is written.
    let is_target = |at: usize| {
        statement.text(at + 1) == "=" && {
            let before = statement.text(at - 1);
            before == "," || statement.is(at - 1, "SET")
        }
    };
    let mut targets = (set + 1..statement.tokens.len()).filter(|at| is_target(*at));
    let sets_another = statement.text(set + 1) == "(" || targets.any(|at| !is_it(&at));
    let mut named = (set + 1..statement.tokens.len()).filter(is_it);
    sets_another && named.any(|at| !is_target(at))
}

struct Keeping<'f, 'a> {
    statements: &'f [Statement<'a>],
    moves: &'f Moves,
}

impl Keeping<'_, '_> {
    /// Whether an UPDATE reads rows of the table, other than to count them.
    fn updates(&self, of: &Identity, until: usize) -> bool {
        let mut copies = self.moves.copies.iter().filter(|copy| copy.at < until);
        copies.any(|copy| {
            let statement = &self.statements[copy.at];
            let counts = ["count", "sum", "total", "avg"];
            statement.kind == Kind::Update
                && copy.from.contains(of)
                && !counts.iter().any(|name| statement.has(&[name]))
        })
    }

    /// Whether the values of a column are somewhere at the end, by statements in this range.
    fn keeps(&self, of: &Identity, column: &str, within: std::ops::Range<usize>) -> bool {
        let mut conditions: Vec<&str> = Vec::new();
        let mut is_distinct = false;
        let copies = self.moves.copies.iter();
        for copy in copies.filter(|copy| within.contains(&copy.at)) {
            let statement = &self.statements[copy.at];
            // What a subquery or a WITH makes of the values cannot be told.
            let is_nested = (0..statement.tokens.len())
                .filter(|at| statement.is(*at, "SELECT"))
                .count()
                > 1
                && !statement.has(&["UNION"]);
            if is_nested && copy.from.contains(of) && statement.names(column) {
                return true;
            }
            for (source, selected) in &copy.parts {
                if source != of || !self.goes_on(copy, selected, column) {
                    continue;
                }
                match &selected.rows {
                    Rows::All => return true,
                    Rows::Where(condition) if is_not_null(condition, column) => return true,
                    Rows::Where(condition) if is_about_its_values(condition, column) => {
                        return true;
                    }
                    // The parts of a table that is split.
                    Rows::Where(condition) => {
                        if conditions.iter().any(|it| it != condition) {
                            return true;
                        }
                        conditions.push(condition);
                    }
                    Rows::Distinct => is_distinct = true,
                    Rows::Fewer(_) => {}
                }
            }
        }
        // Each value is kept once, and another statement says which row had it.
        is_distinct && {
            let mut others = self
                .moves
                .copies
                .iter()
                .filter(|copy| within.contains(&copy.at));
            others.any(|copy| {
                let reads = copy.from.contains(of) && self.statements[copy.at].names(column);
                let is_distinct = |(_, it): &(Identity, Selected)| it.rows == Rows::Distinct;
                reads && !copy.parts.iter().any(is_distinct)
            })
        }
    }

    /// Whether a copy has the column, and its table has it until the end or until it went on.
    fn goes_on(&self, copy: &Copied, selected: &Selected, column: &str) -> bool {
        let Some(into) = &copy.into else {
            return false;
        };
        let names = self.outputs(copy, into, selected, column);
        if names.is_empty() {
            return false;
        }
        match self.moves.until(into, copy.at) {
            None => true,
            Some(gone) => names.iter().any(|name| match name {
                Some(name) => self.keeps(into, name, copy.at + 1..gone),
                None => self.any_goes_on(into, copy.at + 1..gone),
            }),
        }
    }

    fn any_goes_on(&self, of: &Identity, within: std::ops::Range<usize>) -> bool {
        let mut copies = self.moves.copies.iter();
        copies.any(|copy| {
            let is_whole =
                |(source, it): &(Identity, Selected)| source == of && it.rows == Rows::All;
            let into = copy.into.as_ref();
            within.contains(&copy.at)
                && copy.parts.iter().any(is_whole)
                && into.is_some_and(|into| match self.moves.until(into, copy.at) {
                    None => true,
                    Some(gone) => self.any_goes_on(into, copy.at + 1..gone),
                })
        })
    }

    /// The columns of the target that have values of the column; none of those where a name cannot be told.
    fn outputs(
        &self,
        copy: &Copied,
        into: &Identity,
        selected: &Selected,
        column: &str,
    ) -> Vec<Option<String>> {
        let statement = &self.statements[copy.at];
        let is_made = matches!(statement.kind, Kind::Create(_));
        let declared = match into {
            Identity::New(at) => created(self.statements[*at].sql).map(|it| it.columns),
            Identity::Old(_) => None,
        };
        let has_star = selected.items.iter().any(|it| stars(it));
        let mut found = Vec::new();
        for (place, item) in selected.items.iter().enumerate() {
            if stars(item) {
                found.push(is_made.then(|| column.to_owned()));
            } else if has_word(item, column) {
                let name = match (&copy.columns, is_made) {
                    _ if !selected.is_by_column || has_star => None,
                    (Some(names), _) => names.get(place).cloned(),
                    (None, true) => result_name(item),
                    (None, false) => declared
                        .as_ref()
                        .and_then(|it| it.get(place))
                        .map(|it| it.name.clone()),
                };
                found.push(name);
            }
        }
        found
    }
}

/// Whether a part of a SELECT has every column of a table.
fn stars(item: &str) -> bool {
    let tokens: Vec<_> = significant(item).collect();
    let text = |at: usize| tokens.get(at).map_or("", |it| it.text(item));
    (0..tokens.len()).any(|at| {
        let before = if at == 0 { "" } else { text(at - 1) };
        let begins = ["", ".", ","].contains(&before) || before.eq_ignore_ascii_case("SELECT");
        text(at) == "*" && begins
    })
}

/// The name of a column of a result.
fn result_name(item: &str) -> Option<String> {
    let tokens: Vec<_> = significant(item).collect();
    let last = tokens.last()?;
    let is_alias = tokens.len() > 1 && tokens[tokens.len() - 2].is_word(item, "AS");
    let is_column = tokens.len() == 1 || (tokens.len() == 3 && tokens[1].text(item) == ".");
    (is_alias || is_column).then(|| unquote(last.text(item)))
}

/// Whether each part of a condition is about the column, and one of them is `c IS NOT NULL`: then what is left out is a
/// decision about its values, such as those that another column has, too.
fn is_about_its_values(condition: &str, column: &str) -> bool {
    let tokens: Vec<_> = significant(condition).collect();
    let mut parts = tokens.split(|it| it.is_word(condition, "AND"));
    let is_about_it = parts.all(|part| {
        let mut words = part.iter().map(|it| unquote(it.text(condition)));
        words.any(|word| word.eq_ignore_ascii_case(column))
    });
    let has_value = tokens.windows(3).any(|it| {
        let words = ["IS", "NOT", "NULL"].iter();
        it.iter()
            .zip(words)
            .all(|(it, word)| it.is_word(condition, word))
    });
    is_about_it && has_value
}

/// Whether a condition leaves out only rows in which the column has nothing: `c IS NOT NULL`, `c IS NOT NULL OR d <> ''`.
fn is_not_null(condition: &str, column: &str) -> bool {
    const WORDS: [&str; 12] = [
        "IS", "NOT", "NULL", "OR", "AND", "<>", "!=", ">", "''", "trim", "length", "0",
    ];
    let tokens: Vec<_> = significant(condition).collect();
    let mut is_named = false;
    let mut is_of_others = false;
    let mut is_narrowed = false;
    for (at, token) in tokens.iter().enumerate() {
        let text = token.text(condition);
        let is_table = tokens
            .get(at + 1)
            .is_some_and(|it| it.text(condition) == ".");
        if ["(", ")", "."].contains(&text) || is_table {
            continue;
        }
        if WORDS.iter().any(|word| text.eq_ignore_ascii_case(word)) {
            is_narrowed |= text.eq_ignore_ascii_case("AND");
            let is_null = token.is_word(condition, "NULL");
            if is_null && !(at > 0 && tokens[at - 1].is_word(condition, "NOT")) {
                return false;
            }
        } else if unquote(text).eq_ignore_ascii_case(column) {
            is_named = true;
        } else if matches!(token.kind, TokenKind::Word | TokenKind::QuotedName) {
            is_of_others = true;
        } else {
            return false;
        }
    }
    is_named && !(is_of_others && is_narrowed)
}
