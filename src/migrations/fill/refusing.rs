//! Triggers that refuse every statement of their event: `SELECT RAISE(ABORT, …)` without any condition. Pure.

use super::form::Form;
use crate::schema::{Event, Trigger};
use crate::sql::{Token, TokenKind, significant, unquote};

/// The words with which a trigger refuses a statement of this form, whatever the rows hold.
pub(super) fn refusal(form: &Form<'_>, triggers: &[[String; 3]]) -> Option<String> {
    let (event, table) = match form {
        Form::Update { table, .. } => (Event::Update, table),
        Form::Insert { table, .. } => (Event::Insert, table),
        Form::Delete { table } => (Event::Delete, table),
        Form::AddColumn { .. } | Form::AlterColumn { .. } => return None,
    };
    let sets = |column: &str| match form {
        Form::Update { assignments, .. } => {
            let mut set = assignments.iter();
            set.any(|(it, _)| it.eq_ignore_ascii_case(column))
        }
        _ => true,
    };
    triggers.iter().find_map(|[name, of, sql]| {
        let trigger = Trigger {
            name,
            table: of,
            sql,
            key: None,
        };
        let mut firings = trigger.firings().into_iter();
        let fires = of.eq_ignore_ascii_case(table)
            && firings.any(|it| it.event == event && it.column.as_deref().is_none_or(sets));
        fires.then(|| raises(sql)).flatten()
    })
}

/// The text of the `RAISE` with which the body of a trigger begins, where nothing is a condition of it.
fn raises(sql: &str) -> Option<String> {
    let tokens: Vec<Token> = significant(sql).collect();
    let is = |at: usize, word: &str| {
        let token = tokens.get(at);
        token.is_some_and(|it| it.is_word(sql, word) || it.text(sql) == word)
    };
    let begin = (0..tokens.len()).find(|at| is(*at, "BEGIN"))?;
    let when = (0..begin).any(|at| is(at, "WHEN"));
    let raises = is(begin + 1, "SELECT") && is(begin + 2, "RAISE") && is(begin + 3, "(");
    let ends = is(begin + 5, ",") && is(begin + 7, ")") && is(begin + 8, ";");
    let undoes = ["ABORT", "FAIL", "ROLLBACK"];
    let undoes = undoes.iter().any(|word| is(begin + 4, word));
    let text = tokens.get(begin + 6)?;
    let is_text = text.kind == TokenKind::String;
    (!when && raises && undoes && ends && is_text).then(|| unquote(text.text(sql)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_raise_without_conditions_refuses_all() {
        let body = |body: &str| raises(&format!("CREATE TRIGGER r BEFORE UPDATE ON t {body} END"));
        assert_eq!(
            body("BEGIN SELECT RAISE(ABORT, 'it''s closed'); SELECT 1;").as_deref(),
            Some("it's closed")
        );
        for conditional in [
            "WHEN NEW.x IS NULL BEGIN SELECT RAISE(ABORT, 'no');",
            "BEGIN SELECT RAISE(ABORT, 'no') WHERE NEW.x IS NULL;",
            "BEGIN SELECT RAISE(ABORT, 'no') FROM u;",
            "BEGIN SELECT RAISE(IGNORE);",
            "BEGIN SELECT CASE WHEN NEW.x THEN RAISE(ABORT, 'no') END;",
            "BEGIN SELECT 1; SELECT RAISE(ABORT, 'no');",
        ] {
            assert_eq!(body(conditional), None, "{conditional}");
        }
    }
}
