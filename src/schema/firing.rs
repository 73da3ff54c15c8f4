//! Triggers, read from their texts: the statements that fire one, and those of its own that delete. Compiling a statement
//! that fires a trigger compiles it as a whole; none is ever run. Pure.

use crate::sql::{Token, Value, identifier, significant, unquote};

/// A view or a trigger as [`OBJECTS`] lists them: type, name, table, text, and the column of [`Trigger::key`].
pub(crate) type SchemaObject = [Value; 5];

/// The views and triggers. No pragma is asked about a view: it fails where the view does not compile.
pub(crate) const OBJECTS: &str = "\
SELECT s.type, s.name, s.tbl_name, s.sql, CASE WHEN t.sql LIKE '%WITHOUT%ROWID%' \
THEN (SELECT name FROM pragma_table_info(t.name) WHERE pk = 1) END \
FROM sqlite_schema AS s LEFT JOIN sqlite_schema AS t ON s.type = 'trigger' AND t.type = 'table' AND t.name = s.tbl_name \
WHERE s.type IN ('view', 'trigger') ORDER BY s.type, s.name";

/// A trigger.
#[derive(Debug, Clone)]
pub(crate) struct Trigger<'a> {
    pub(crate) name: &'a str,
    pub(crate) table: &'a str,
    pub(crate) sql: &'a str,
    /// A column of a table without rowid.
    pub(crate) key: Option<&'a str>,
}

/// A statement that fires the triggers of a table for one event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Firing {
    pub(crate) table: String,
    pub(crate) event: Event,
    /// The column that an `UPDATE` sets; the rowid where there is none.
    pub(crate) column: Option<String>,
}

/// The event of a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Delete,
    Insert,
    Update,
}

/// A statement of a trigger that deletes.
pub(crate) struct Deletion<'a> {
    /// The table.
    pub(crate) from: String,
    pub(crate) condition: &'a str,
    /// The condition of the trigger.
    pub(crate) when: &'a str,
}

impl Event {
    /// The keyword.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Event::Delete => "DELETE",
            Event::Insert => "INSERT",
            Event::Update => "UPDATE",
        }
    }
}

impl<'a> Trigger<'a> {
    /// None where the object is a view.
    pub(crate) fn of([sort, name, table, sql, key]: &'a SchemaObject) -> Option<Trigger<'a>> {
        (sort.as_str() == Some("trigger")).then_some(Trigger {
            name: name.as_str()?,
            table: table.as_str()?,
            sql: sql.as_str()?,
            key: key.as_str(),
        })
    }

    /// The statements that fire it. An `UPDATE` of the rowid fires each trigger without `OF`, also those of a view, and
    /// does not depend on a column that a migration may drop.
    pub(crate) fn firings(&self) -> Vec<Firing> {
        let (event, of) = self.event();
        let columns = match (event, of.is_empty(), self.key) {
            (Event::Update, false, _) => of.into_iter().map(Some).collect(),
            (Event::Update, true, Some(key)) => vec![Some(key.to_owned())],
            _ => vec![None],
        };
        let firing = |column| Firing {
            table: self.table.to_owned(),
            event,
            column,
        };
        columns.into_iter().map(firing).collect()
    }

    /// Whether it is a trigger of a view: `INSTEAD OF`.
    pub(crate) fn is_of_view(&self) -> bool {
        self.head()
            .iter()
            .any(|token| token.is_word(self.sql, "INSTEAD"))
    }

    /// The column that it names first as `new.column` or `old.column`.
    pub(crate) fn named_column(&self) -> Option<String> {
        let mut tokens = significant(self.sql).peekable();
        while let Some(token) = tokens.next() {
            let is_row = token.is_word(self.sql, "NEW") || token.is_word(self.sql, "OLD");
            if is_row && tokens.next_if(|it| it.text(self.sql) == ".").is_some() {
                return tokens.next().map(|it| unquote(it.text(self.sql)));
            }
        }
        None
    }

    /// The event, and the columns behind `UPDATE OF`: <https://sqlite.org/lang_createtrigger.html>.
    fn event(&self) -> (Event, Vec<String>) {
        let head = self.head();
        let is = |token: &Token, word| token.is_word(self.sql, word);
        match head.as_slice() {
            [.., last] if is(last, "DELETE") => (Event::Delete, Vec::new()),
            [.., last] if is(last, "INSERT") => (Event::Insert, Vec::new()),
            [.., last] if is(last, "UPDATE") => (Event::Update, Vec::new()),
            // The name of the trigger may be one of these words, so the last one counts.
            _ => {
                let of = head.iter().rposition(|token| is(token, "OF"));
                let columns = head.iter().skip(of.map_or(head.len(), |of| of + 1));
                let columns = columns.map(|token| token.text(self.sql));
                let columns = columns.filter(|text| *text != ",").map(unquote);
                (Event::Update, columns.collect())
            }
        }
    }

    /// Its text from the columns behind `UPDATE OF` to its end; none where it names no columns. The engine keeps the text as
    /// it was written, until it renames something in it.
    pub(crate) fn text_from_columns(&self) -> Option<&'a str> {
        if self.event().1.is_empty() {
            return None;
        }
        let head = self.head();
        let of = head.iter().rfind(|token| token.is_word(self.sql, "OF"))?;
        let end = significant(self.sql)
            .filter(|token| token.text(self.sql) != ";")
            .last()?;
        self.sql.get(of.span.end..end.span.end)
    }

    /// Its `DELETE` statements, where it runs when a row is deleted.
    pub(crate) fn deletions(&self) -> Vec<Deletion<'a>> {
        if self.event().0 != Event::Delete {
            return Vec::new();
        }
        let sql = self.sql;
        let tokens: Vec<Token> = significant(sql).collect();
        let is = |at: usize, word: &str| tokens.get(at).is_some_and(|it| it.is_word(sql, word));
        let position = |from: usize, word: &str| (from..tokens.len()).find(|at| is(*at, word));
        let text = |range: std::ops::Range<usize>| match tokens.get(range) {
            Some([first, .., last]) => &sql[first.span.start..last.span.end],
            Some([one]) => one.text(sql),
            _ => "1",
        };
        // Behind `ON` and the name of the table, which may be any word.
        let body = self.head().len() + 2;
        let Some(begin) = position(body, "BEGIN") else {
            return Vec::new();
        };
        let when = match (body..begin).find(|at| is(*at, "WHEN")) {
            Some(when) => text(when + 1..begin),
            None => "1",
        };
        let mut all = Vec::new();
        let mut start = begin + 1;
        for end in (start..tokens.len()).filter(|at| tokens[*at].text(sql) == ";") {
            if is(start, "DELETE")
                && let Some(from) = tokens.get(start + 2)
            {
                let condition = match is(start + 3, "WHERE") {
                    true => text(start + 4..end),
                    false => "1",
                };
                all.push(Deletion {
                    from: unquote(from.text(sql)),
                    condition,
                    when,
                });
            }
            start = end + 1;
        }
        all
    }

    /// `OF`, the columns behind it and `ON`, as [`plain_text`] makes them of the text that an engine keeps: one that prints
    /// the statement itself has other blanks, quotes and cases.
    pub(crate) fn plain_columns(&self) -> Option<String> {
        let columns = self.event().1;
        (!columns.is_empty()).then(|| {
            let mut text = format!("of{}on", columns.join(","));
            text.make_ascii_lowercase();
            text.retain(|it| !IN_NO_NAME.contains(&it));
            text
        })
    }

    /// The tokens before its `ON`.
    fn head(&self) -> Vec<Token> {
        let tokens = significant(self.sql);
        tokens
            .take_while(|token| !token.is_word(self.sql, "ON"))
            .collect()
    }
}

/// Characters around names, and seldom in them.
const IN_NO_NAME: [char; 8] = [' ', '\n', '\t', '\r', '"', '`', '[', ']'];

/// An expression: a text in lower case and without the characters around names.
pub(crate) fn plain_text(expression: &str) -> String {
    let without =
        |text: String, it: &char| format!("replace({text}, char({}), '')", u32::from(*it));
    IN_NO_NAME
        .iter()
        .fold(format!("lower({expression})"), without)
}

impl Firing {
    /// The statement.
    pub(crate) fn sql(&self) -> String {
        let table = identifier(&self.table);
        match (self.event, &self.column) {
            (Event::Delete, _) => format!("DELETE FROM {table}"),
            (Event::Insert, _) => format!("INSERT INTO {table} DEFAULT VALUES"),
            (Event::Update, None) => format!("UPDATE {table} SET rowid = 1"),
            (Event::Update, Some(column)) => {
                let column = identifier(column);
                format!("UPDATE {table} SET {column} = {column}")
            }
        }
    }

    /// Whether the engine refuses the statement because its table has no such column.
    pub(crate) fn misses_its_column(&self, words: &str) -> bool {
        let name = words.strip_prefix("no such column: ");
        let column = self.column.as_deref();
        column.is_some_and(|column| name.is_some_and(|it| it.eq_ignore_ascii_case(column)))
    }

    /// The statement, so that it is compiled and not run.
    pub(crate) fn explain(&self) -> String {
        format!("EXPLAIN {}", self.sql())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_of_a_trigger_stands_before_its_table() {
        let statements = |sql: &str, key| {
            let trigger = Trigger {
                name: "r",
                table: "t",
                sql,
                key,
            };
            let firings = trigger.firings().into_iter();
            firings.map(|it| it.sql()).collect::<Vec<_>>().join("; ")
        };
        for (sql, key, expected) in [
            (
                "CREATE TRIGGER \"delete\" AFTER INSERT ON t BEGIN DELETE FROM x; END",
                None,
                "INSERT INTO \"t\" DEFAULT VALUES",
            ),
            (
                "create trigger if not exists r delete on t begin select 1; end",
                None,
                "DELETE FROM \"t\"",
            ),
            (
                "CREATE TRIGGER \"of\" INSTEAD OF UPDATE OF a, \"b c\" ON t BEGIN SELECT 1; END",
                None,
                "UPDATE \"t\" SET \"a\" = \"a\"; UPDATE \"t\" SET \"b c\" = \"b c\"",
            ),
            (
                "CREATE TRIGGER r INSTEAD OF UPDATE ON t BEGIN SELECT 1; END",
                None,
                "UPDATE \"t\" SET rowid = 1",
            ),
            (
                "CREATE TRIGGER r UPDATE ON t BEGIN SELECT new.a; END",
                Some("k"),
                "UPDATE \"t\" SET \"k\" = \"k\"",
            ),
        ] {
            assert_eq!(statements(sql, key), expected, "{sql}");
        }
    }

    #[test]
    fn the_text_of_a_trigger_is_read_from_its_columns() {
        let read = |sql| {
            let trigger = Trigger {
                name: "r",
                table: "t",
                sql,
                key: None,
            };
            trigger.text_from_columns()
        };
        assert_eq!(
            read("CREATE TRIGGER \"of\" UPDATE OF a ON t BEGIN SELECT 1; END ; -- an end"),
            Some(" a ON t BEGIN SELECT 1; END")
        );
        assert_eq!(
            read("CREATE TRIGGER \"of\" UPDATE ON t BEGIN SELECT 1; END"),
            None
        );
        assert_eq!(
            read("CREATE TRIGGER r INSERT ON t BEGIN SELECT 1; END"),
            None
        );
    }

    #[test]
    fn a_column_of_the_row_that_fires_it_is_found_in_its_text() {
        let sql = "CREATE TRIGGER new UPDATE ON t BEGIN SELECT renew.a, old . \"b c\"; END";
        let trigger = Trigger {
            name: "new",
            table: "t",
            sql,
            key: None,
        };
        assert_eq!(trigger.named_column().as_deref(), Some("b c"));
    }

    #[test]
    fn the_deletions_of_a_trigger_are_its_statements_that_delete() {
        let read = |sql| -> Vec<(String, String, String)> {
            let trigger = Trigger {
                name: "t",
                table: "a",
                sql,
                key: None,
            };
            let all = trigger.deletions().into_iter();
            all.map(|it| (it.from, it.condition.to_owned(), it.when.to_owned()))
                .collect()
        };
        let words = |words: [&str; 3]| {
            let [from, condition, when] = words.map(str::to_owned);
            (from, condition, when)
        };
        let sql = "CREATE TRIGGER t AFTER DELETE ON \"a\" FOR EACH ROW WHEN OLD.n > 1 BEGIN \
                   UPDATE c SET n = 1; DELETE FROM [b] WHERE n = OLD.n AND CASE n WHEN 1 THEN 1 END; DELETE FROM d; END";
        let condition = "n = OLD.n AND CASE n WHEN 1 THEN 1 END";
        assert_eq!(
            read(sql),
            [
                words(["b", condition, "OLD.n > 1"]),
                words(["d", "1", "OLD.n > 1"]),
            ]
        );
        let sql = "CREATE TRIGGER t AFTER INSERT ON a BEGIN DELETE FROM b; END";
        assert_eq!(read(sql), []);
    }
}
