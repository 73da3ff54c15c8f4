//! Which rows of its tables a SELECT returns, by its tokens. Pure.

use std::ops::Range;

use super::statement::Statement;

/// One SELECT of a statement, and the table that it goes through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selected {
    /// The place of the name of the table.
    pub(super) table: usize,
    /// Which of its rows are in the result.
    pub(super) rows: Rows,
    /// What it returns, by column, as written. The whole text where that cannot be told apart.
    pub(super) items: Vec<String>,
    /// Whether `items` are the columns of the result.
    pub(super) is_by_column: bool,
}

/// Which rows of a table are in a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Rows {
    /// Each one.
    All,
    /// Those that meet a condition.
    Where(String),
    /// Each value once, or one row of each group.
    Distinct,
    /// Those that have a partner in another table, or a part by number.
    Fewer(Fewer),
}

/// What leaves rows out beside a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fewer {
    Join,
    Limit,
    Aggregate,
    /// EXCEPT, INTERSECT, or a query in a query that chooses.
    Other,
}

/// The SELECTs of a statement that writes what it selects.
pub(super) fn selected(statement: &Statement<'_>) -> Vec<Selected> {
    let depths = depths(statement);
    let top = |at: &usize| depths[*at] == 0;
    let end = statement.tokens.len();
    let Some(begin) = (0..end).filter(top).find(|at| statement.is(*at, "SELECT")) else {
        return unsure(statement);
    };
    if (0..begin).any(|at| statement.is(at, "WITH")) {
        return unsure(statement);
    }
    let end = (begin..end)
        .filter(top)
        .find(|at| statement.are(*at, &["ON", "CONFLICT"]) || statement.is(*at, "RETURNING"));
    let end = end.unwrap_or(statement.tokens.len());
    let is_less = (begin..end)
        .filter(top)
        .any(|at| statement.is(at, "EXCEPT") || statement.is(at, "INTERSECT"));
    let has_limit = (begin..end).filter(top).any(|at| statement.is(at, "LIMIT"));
    let mut starts: Vec<usize> = (begin..end)
        .filter(top)
        .filter(|at| statement.is(*at, "SELECT"))
        .collect();
    starts.push(end);
    let mut found = Vec::new();
    for two in starts.windows(2) {
        let core = Core {
            statement,
            depths: &depths,
            span: two[0]..two[1],
        };
        let Some(mut one) = core.selected() else {
            return unsure(statement);
        };
        for selected in &mut one {
            if is_less {
                selected.rows = Rows::Fewer(Fewer::Other);
            } else if has_limit {
                selected.rows = Rows::Fewer(Fewer::Limit);
            }
        }
        found.extend(one);
    }
    found
}

/// How deep each token stands in parentheses.
fn depths(statement: &Statement<'_>) -> Vec<usize> {
    let mut depth = 0_usize;
    let all = (0..statement.tokens.len()).map(|at| match statement.text(at) {
        "(" => {
            depth += 1;
            depth
        }
        ")" => {
            depth = depth.saturating_sub(1);
            depth + 1
        }
        _ => depth,
    });
    all.collect()
}

/// A statement whose queries are not taken apart: its rows count as all unless a word in it leaves rows out.
fn unsure(statement: &Statement<'_>) -> Vec<Selected> {
    let chooses = [
        "WHERE",
        "LIMIT",
        "GROUP",
        "DISTINCT",
        "JOIN",
        "EXCEPT",
        "INTERSECT",
    ];
    let rows = match chooses.iter().any(|word| statement.has(&[word])) {
        true => Rows::Fewer(Fewer::Other),
        false => Rows::All,
    };
    let sources = (0..statement.tokens.len())
        .filter(|at| statement.is(*at, "FROM") && statement.name(at + 1).is_some());
    let sources = sources.map(|at| Selected {
        table: at + 1,
        rows: rows.clone(),
        items: vec![statement.sql.to_owned()],
        is_by_column: false,
    });
    sources.collect()
}

/// One SELECT of a compound.
struct Core<'s, 'a> {
    statement: &'s Statement<'a>,
    depths: &'s [usize],
    span: Range<usize>,
}

impl Core<'_, '_> {
    /// The first place from `from` on where one of these words stands outside of parentheses.
    fn top(&self, from: usize, words: &[&str]) -> Option<usize> {
        (from..self.span.end).find(|at| {
            self.depths[*at] == 0 && words.iter().any(|word| self.statement.is(*at, word))
        })
    }

    fn text(&self, span: Range<usize>) -> String {
        let tokens = self.statement.tokens.get(span).unwrap_or_default();
        let span = tokens.first().zip(tokens.last());
        span.map_or(String::new(), |(first, last)| {
            self.statement.sql[first.span.start..last.span.end].to_owned()
        })
    }

    /// None where it reads a query.
    fn selected(&self) -> Option<Vec<Selected>> {
        let statement = self.statement;
        let Some(from) = self.top(self.span.start, &["FROM"]) else {
            return Some(Vec::new());
        };
        statement.name(from + 1)?;
        let first = self.span.start + 1;
        let is_distinct = statement.is(first, "DISTINCT");
        let first = first + usize::from(is_distinct || statement.is(first, "ALL"));
        let mut items = Vec::new();
        let mut begin = first;
        for at in first..=from {
            if at == from || (self.depths[at] == 0 && statement.text(at) == ",") {
                items.push(begin..at);
                begin = at + 1;
            }
        }
        const BEHIND: [&str; 7] = [
            "WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "UNION",
        ];
        let tables = self.top(from, &BEHIND).unwrap_or(self.span.end);
        let others: Vec<usize> = (from + 1..tables)
            .filter(|at| self.depths[*at] == 0)
            .filter(|at| statement.is(*at, "JOIN") || statement.text(*at) == ",")
            .collect();
        let is_left = |at: &usize| {
            let outer = usize::from(statement.is(at - 1, "OUTER"));
            statement.is(*at, "JOIN") && statement.is(at - 1 - outer, "LEFT")
        };
        let condition = self.top(from, &["WHERE"]).map(|at| {
            let end = self.top(at + 1, &BEHIND[1..]).unwrap_or(self.span.end);
            at + 1..end
        });
        let condition = condition.filter(|it| !is_always(statement, it.clone()));
        let is_whole = items.iter().any(|it| is_star(statement, it.clone()));
        let groups = self.top(from, &["GROUP"]).is_some();
        let rows = if !groups && items.iter().any(|it| self.is_aggregate(it.clone())) {
            Rows::Fewer(Fewer::Aggregate)
        } else if !others.iter().all(is_left) {
            Rows::Fewer(Fewer::Join)
        } else if let Some(condition) = condition {
            Rows::Where(self.text(condition))
        } else if groups || (is_distinct && !is_whole) {
            Rows::Distinct
        } else {
            Rows::All
        };
        let mut texts: Vec<String> = items.into_iter().map(|it| self.text(it)).collect();
        // A column that a join compares is kept as what it was compared with.
        if let Some(join) = others.first().filter(|_| others.iter().all(is_left)) {
            texts.push(self.text(*join..tables));
        }
        let mut found = vec![Selected {
            table: from + 1,
            rows,
            items: texts.clone(),
            is_by_column: true,
        }];
        found.extend(others.iter().map(|at| Selected {
            table: at + 1,
            rows: Rows::Fewer(Fewer::Join),
            items: texts.clone(),
            is_by_column: true,
        }));
        Some(found)
    }

    /// Whether one value is made of many rows.
    fn is_aggregate(&self, item: Range<usize>) -> bool {
        let statement = self.statement;
        if item.clone().any(|at| statement.is(at, "SELECT")) {
            return false;
        }
        item.clone().any(|at| {
            if statement.text(at + 1) != "(" {
                return false;
            }
            let end = statement.behind(at + 1);
            let inside = self.depths[at] + 1;
            let has_comma =
                (at + 2..end).any(|at| self.depths[at] == inside && statement.text(at) == ",");
            let is_of_many = ["count", "sum", "total", "avg"]
                .iter()
                .any(|name| statement.is(at, name))
                || (!has_comma && ["min", "max"].iter().any(|name| statement.is(at, name)));
            is_of_many && !statement.is(end, "OVER") && !statement.is(end, "FILTER")
        })
    }
}

/// Whether these tokens have every column: `*`, `t.*`.
fn is_star(statement: &Statement<'_>, item: Range<usize>) -> bool {
    let begin = item.start;
    item.into_iter()
        .any(|at| statement.text(at) == "*" && (at == begin || statement.text(at - 1) == "."))
}

/// Whether a condition is met by every row: `1`, `TRUE`, `1 = 1`.
pub(super) fn is_always(statement: &Statement<'_>, condition: Range<usize>) -> bool {
    let words: Vec<&str> = condition.map(|at| statement.text(at)).collect();
    match words.as_slice() {
        [one] => *one == "1" || one.eq_ignore_ascii_case("true"),
        [left, "=" | "==", right] => left == right && left.chars().all(|it| it.is_ascii_digit()),
        _ => false,
    }
}

/// The table that a DELETE empties, and the place of its name.
pub(super) fn emptied(statement: &Statement<'_>) -> Option<(usize, String)> {
    let depths = depths(statement);
    let delete = (0..statement.tokens.len())
        .find(|at| depths[*at] == 0 && statement.are(*at, &["DELETE", "FROM"]))?;
    let (name, behind) = statement.name(delete + 2)?;
    let rest = (behind..statement.tokens.len()).filter(|at| depths[*at] == 0);
    let mut words = rest.filter(|at| {
        ["WHERE", "LIMIT", "RETURNING"]
            .iter()
            .any(|word| statement.is(*at, word))
    });
    let reaches_all = match words.next() {
        None => true,
        Some(at) if statement.is(at, "RETURNING") => true,
        Some(at) if statement.is(at, "WHERE") => {
            let end = words.find(|at| statement.is(*at, "RETURNING"));
            is_always(statement, at + 1..end.unwrap_or(statement.tokens.len()))
        }
        Some(_) => false,
    };
    reaches_all.then_some((delete + 2, name))
}
