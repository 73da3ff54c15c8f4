//! Views and triggers that read a column by a name in double quotes. Where the column goes, they still compile: the engine
//! takes the name for text. So each is looked at before the units of a script and behind them. Pure.
//!
//! The Turso engine has no statement that tells which names are texts. There the query of a view is compiled with one of its
//! names in backticks, which are never a text; of a trigger nothing is known.

use super::guards::unless;
use super::known::Known;
use super::left_broken::LeftBroken;
use super::trigger::Probes;
use super::write::{Purpose, Steps};
use crate::db::Engine;
use crate::schema::{TO_SINGLE_QUOTES, text_in_quotes};
use crate::script::{Step, When};
use crate::sql::{Token, TokenKind, Value, literal, significant, unquote};

/// A view or a trigger that is there before the run and has a name in double quotes.
#[derive(Debug, Clone)]
pub(super) struct Quoting {
    sort: &'static str,
    name: String,
    /// One of its names, where each is asked for.
    asked: Option<Asked>,
}

/// A name in double quotes in a view.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    /// The text of the view.
    text: String,
    /// The same with the name as the text that it would be.
    as_text: String,
    /// Compiles where the name is no text.
    compiles: String,
}

/// Those of a schema.
pub(super) fn quoting(known: &Known, engine: Engine) -> Vec<Quoting> {
    if engine == Engine::Turso {
        let views = known.views.iter().filter_map(|[_, name, _, sql, _]| {
            let asked = asked(sql.as_str()?).into_iter();
            Some(asked.map(|asked| Quoting {
                sort: "view",
                name: name.as_str().unwrap_or_default().to_owned(),
                asked: Some(asked),
            }))
        });
        return views.flatten().collect();
    }
    let views = known.views.iter().map(|it| ("view", it));
    let triggers = known.triggers.iter().map(|it| ("trigger", it));
    let quoting = views.chain(triggers).filter_map(|(sort, object)| {
        let [_, name, _, sql, _] = object;
        let sql = sql.as_str()?;
        let is_quoted =
            |token: Token| token.kind == TokenKind::QuotedName && token.text(sql).starts_with('"');
        (sql.contains('"') && significant(sql).any(is_quoted)).then(|| Quoting {
            sort,
            name: name.as_str().unwrap_or_default().to_owned(),
            asked: None,
        })
    });
    quoting.collect()
}

/// Each name in double quotes behind the `AS` of a view.
fn asked(sql: &str) -> Vec<Asked> {
    let mut tokens = significant(sql);
    let Some(query) = tokens.find(|token| token.is_word(sql, "AS")) else {
        return Vec::new();
    };
    let is_quoted =
        |token: &Token| token.kind == TokenKind::QuotedName && token.text(sql).starts_with('"');
    let quoted: Vec<Token> = tokens.filter(is_quoted).collect();
    let mut asked: Vec<Asked> = Vec::new();
    for (number, token) in quoted.iter().enumerate() {
        let name = unquote(token.text(sql));
        let is_it = |other: &&Token| unquote(other.text(sql)).eq_ignore_ascii_case(&name);
        if quoted[..number].iter().any(|it| is_it(&it)) {
            continue;
        }
        let mut compiles = "EXPLAIN ".to_owned();
        let mut copied = query.span.end;
        for it in quoted.iter().filter(is_it) {
            compiles.push_str(&sql[copied..it.span.start]);
            compiles.push_str(&format!("`{}`", name.replace('`', "``")));
            copied = it.span.end;
        }
        compiles.push_str(&sql[copied..]);
        let text = literal(&Value::from(name.as_str()));
        asked.push(Asked {
            text: sql.to_owned(),
            as_text: format!(
                "{}{text}{}",
                &sql[..token.span.start],
                &sql[token.span.end..]
            ),
            compiles,
        });
    }
    asked
}

const SAVEPOINT: &str = "SAVEPOINT _seedbed_quotes";

impl Quoting {
    /// Where the statements before have run: it has a text in double quotes.
    fn has_text(&self) -> String {
        format!("EXISTS ({})", self.texts("1"))
    }

    fn texts(&self, columns: &str) -> String {
        format!(
            "SELECT {columns} FROM _seedbed_quoted JOIN sqlite_schema ON type = sort AND name = object \
             WHERE sql <> text AND sort = '{}' AND object = {} COLLATE NOCASE",
            self.sort,
            literal(&Value::from(self.name.as_str()))
        )
    }

    fn is_left(&self, left: &[LeftBroken]) -> bool {
        left.iter().any(|it| it.is_object(&self.name))
    }
}

impl Steps {
    /// Looks before the units of a script for those that have no text in double quotes. Returns the number of the first
    /// step that tells it of one.
    pub(super) fn quoted_before(&mut self, probes: &Probes<'_>) -> usize {
        let asked = probes.quoting.iter().filter_map(|it| it.asked.as_ref());
        let asked: Vec<Step> = asked.map(|it| Step::own(&*it.compiles, vec![])).collect();
        if probes.quoting.is_empty() || !asked.is_empty() {
            return self.attempts(Purpose::Around, asked);
        }
        self.write_single_quotes();
        let are_written =
            "NOT EXISTS (SELECT 1 FROM pragma_table_info('_seedbed_quoted') WHERE name = 'x')";
        let looks = probes.quoting.iter().map(|it| {
            let has_none = format!("{are_written} AND NOT {}", it.has_text());
            Step::own(unless(&has_none), vec![])
        });
        let first = self.attempts(Purpose::Around, looks.collect());
        self.as_they_were();
        first
    }

    /// Fails where one has a text in double quotes, and had none before. `before` is what [`Steps::quoted_before`]
    /// returned.
    pub(super) fn quoted_after(&mut self, probes: &Probes<'_>, before: usize) {
        if probes.quoting.iter().any(|it| it.asked.is_some()) {
            return self.asked_after(probes, before);
        }
        if probes.quoting.is_empty() {
            return;
        }
        self.write_single_quotes();
        for (number, it) in probes.quoting.iter().enumerate() {
            if it.is_left(probes.left_broken) && !probes.is_last {
                continue;
            }
            let had_none = When::Succeeded(self.steps.len() - (before + number));
            self.compiles_where(
                &it.has_text(),
                it.texts("object, sort, text, sql"),
                unless("0"),
                vec![had_none],
            );
        }
        self.as_they_were();
    }

    /// Only where the view has the text that it had: one that is made again is judged by that text.
    fn asked_after(&mut self, probes: &Probes<'_>, before: usize) {
        for (number, it) in probes.quoting.iter().enumerate() {
            let Some(asked) = &it.asked else {
                continue;
            };
            if it.is_left(probes.left_broken) && !probes.is_last {
                continue;
            }
            let text = |text: &str| literal(&Value::from(text));
            let had_none = When::Succeeded(self.steps.len() - (before + number));
            self.compiles_where(
                &format!(
                    "EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'view' AND name = {} COLLATE NOCASE AND sql = {})",
                    text(&it.name),
                    text(&asked.text)
                ),
                format!(
                    "SELECT {}, 'view', {}, {}",
                    text(&it.name),
                    text(&asked.text),
                    text(&asked.as_text)
                ),
                asked.compiles.clone(),
                vec![had_none],
            );
        }
    }

    fn write_single_quotes(&mut self) {
        self.push(Purpose::Around, Step::own(SAVEPOINT, vec![]));
        let statements = TO_SINGLE_QUOTES.map(|sql| Step::own(sql, vec![]));
        self.attempts(Purpose::Around, statements.to_vec());
    }

    fn as_they_were(&mut self) {
        for sql in ["ROLLBACK TO _seedbed_quotes", "RELEASE _seedbed_quotes"] {
            self.push(Purpose::Around, Step::own(sql, vec![]));
        }
    }
}

/// Sort, name and the first text in double quotes of the view or trigger that a script was refused for.
pub(super) fn became_text(rows: &[Vec<Value>]) -> Option<(&'static str, &str, String)> {
    match rows.first().map(Vec::as_slice) {
        Some(
            [
                Value::Text(name),
                Value::Text(sort),
                Value::Text(before),
                Value::Text(after),
            ],
        ) => {
            let sort = ["view", "trigger"].into_iter().find(|it| it == sort)?;
            Some((sort, name, text_in_quotes(before, after)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_of_a_view_is_asked_for_in_backticks() {
        let sql = "CREATE VIEW \"a as\" (\"x\") AS SELECT \"c`\", 'c', \"C`\" AS \"y\" FROM t";
        let compiles: Vec<_> = asked(sql).into_iter().map(|it| it.compiles).collect();
        assert_eq!(
            compiles,
            [
                "EXPLAIN  SELECT `c```, 'c', `c``` AS \"y\" FROM t",
                "EXPLAIN  SELECT \"c`\", 'c', \"C`\" AS `y` FROM t"
            ]
        );
        let rows = asked("CREATE VIEW v AS SELECT 'a', \"it's\" FROM t");
        let row = [
            Value::from("v"),
            Value::from("view"),
            Value::from(&*rows[0].text),
            Value::from(&*rows[0].as_text),
        ];
        let told = ("view", "v", "it's".to_owned());
        assert_eq!(became_text(&[row.to_vec()]), Some(told));
        assert_eq!(asked("CREATE VIEW v AS SELECT 'a' FROM [t]"), []);
    }
}
