//! Views and triggers that read a column by a name in double quotes. Where the column goes, they still compile: the engine
//! takes the name for text. So each is looked at before the units of a script and behind them. Pure.

use super::guards::unless;
use super::known::Known;
use super::left_broken::LeftBroken;
use super::trigger::Probes;
use super::write::{Purpose, Steps};
use crate::db::Engine;
use crate::schema::{TO_SINGLE_QUOTES, text_in_quotes};
use crate::script::{Step, When};
use crate::sql::{TokenKind, Value, literal, significant};

/// A view or a trigger that is there before the run and has a name in double quotes.
#[derive(Debug, Clone)]
pub(super) struct Quoting {
    sort: &'static str,
    name: String,
}

/// Those of a schema. The Turso engine takes no such name for text.
pub(super) fn quoting(known: &Known, engine: Engine) -> Vec<Quoting> {
    if engine == Engine::Turso {
        return Vec::new();
    }
    let views = known.views.iter().map(|it| ("view", it));
    let triggers = known.triggers.iter().map(|it| ("trigger", it));
    let quoting = views.chain(triggers).filter_map(|(sort, object)| {
        let [_, name, _, sql, _] = object;
        let sql = sql.as_str()?;
        let is_quoted = |token: crate::sql::Token| {
            token.kind == TokenKind::QuotedName && token.text(sql).starts_with('"')
        };
        (sql.contains('"') && significant(sql).any(is_quoted)).then(|| Quoting {
            sort,
            name: name.as_str().unwrap_or_default().to_owned(),
        })
    });
    quoting.collect()
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
        if probes.quoting.is_empty() {
            return self.steps.len();
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
