//! Lines of comments that are instructions to other tools, by the tool. What follows from one is not decided here. Pure.

use crate::sql::{CommentLine, Form};

/// What a marker tells its tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Instruction {
    /// What follows is applied.
    Up,
    /// What follows undoes the migration.
    Down,
    /// The file runs outside of a transaction.
    NoTransaction,
    /// Variables in what follows are replaced by values.
    Substitute,
    /// Another file is read in its place.
    Include,
    /// A condition decides whether what follows is applied.
    Condition,
    /// It holds itself what undoes the migration.
    Rollback,
    /// The file stands for all before it, and runs in new databases only.
    Checkpoint,
    /// A statement follows that holds semicolons.
    StatementBegin,
    /// It ends here.
    StatementEnd,
    /// Something that is not known here.
    Other,
}

/// What a line of a comment tells another tool. The words are read without regard to case and spaces.
pub(crate) fn marker(line: &CommentLine<'_>) -> Option<(&'static str, Vec<Instruction>)> {
    use Instruction::{
        Checkpoint, Down, Include, NoTransaction, Other, StatementBegin, StatementEnd, Substitute,
        Up,
    };
    let text = line.text.to_ascii_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let one = |tool, instruction| Some((tool, vec![instruction]));
    let direction = |word: &str| match word {
        "up" => Up,
        "down" => Down,
        "envsub" => Substitute,
        "statementbegin" => StatementBegin,
        "statementend" => StatementEnd,
        _ => Other,
    };
    match words.as_slice() {
        // https://pressly.github.io/goose/documentation/annotations/
        ["+goose", "no", "transaction", ..] => one("goose", NoTransaction),
        ["+goose", rest @ ..] => one("goose", rest.first().map_or(Other, |word| direction(word))),
        // https://github.com/rubenv/sql-migrate#writing-migrations
        ["+migrate", rest @ ..] => {
            let mut instructions = vec![rest.first().map_or(Other, |word| direction(word))];
            if rest.contains(&"notransaction") {
                instructions.push(NoTransaction);
            }
            Some(("sql-migrate", instructions))
        }
        ["+micrate", rest @ ..] => one(
            "micrate",
            rest.first().map_or(Other, |word| direction(word)),
        ),
        ["rambler", word @ ("up" | "down")] => one("rambler", direction(word)),
        ["!ups"] => one("Play", Up),
        ["!downs"] => one("Play", Down),
        ["@undo"] | ["//@undo", ..] | ["//", "@undo", ..] => one("MyBatis Migrations", Down),
        ["atlas:txmode", "none"] => one("Atlas", NoTransaction),
        ["atlas:txtar"] => one("Atlas", Other),
        // https://atlasgo.io/versioned/checkpoint
        ["atlas:checkpoint", ..] => one("Atlas", Checkpoint),
        // https://github.com/graphile/migrate#readme
        ["!", "no-transaction", ..] => one("graphile-migrate", NoTransaction),
        ["!include", _] | ["!", "include", _] => one("graphile-migrate", Include),
        // https://github.com/yogthos/migratus#readme
        [":disable-transaction"] => one("migratus", NoTransaction),
        // https://github.com/lecaillon/Evolve/releases/tag/2.4.0
        ["evolve-tx-off"] => one("Evolve", NoTransaction),
        // https://github.com/jackc/tern#migrations
        ["create", "above", "/", "drop", "below"] => one("tern", Down),
        ["tern:", "disable-tx"] | ["tern:disable-tx"] => one("tern", NoTransaction),
        // https://ollycope.com/software/yoyo/latest/#transactions
        ["transactional:", "false"] | ["transactional:false"] | ["transactional", ":", "false"] => {
            one("yoyo", NoTransaction)
        }
        ["liquibase", "formatted", "sql", ..] => one(LIQUIBASE, Other),
        ["changeset", author_and_id, attributes @ ..] => changeset(author_and_id, attributes),
        _ => dbmate(&words.concat()).or_else(|| sqlx(line, &text)),
    }
}

/// The tool of `--liquibase formatted sql`: <https://docs.liquibase.com/concepts/changelogs/sql-format.html>
pub(crate) const LIQUIBASE: &str = "Liquibase";

/// `--changeset author:id attribute:value …`
fn changeset(author_and_id: &str, attributes: &[&str]) -> Option<(&'static str, Vec<Instruction>)> {
    const CONDITIONS: [&str; 4] = ["context:", "contextfilter:", "labels:", "dbms:"];
    let has_both = |(author, id): (&str, &str)| !author.is_empty() && !id.is_empty();
    if !author_and_id.split_once(':').is_some_and(has_both) {
        return None;
    }
    let mut instructions = Vec::new();
    if attributes.contains(&"runintransaction:false") {
        instructions.push(Instruction::NoTransaction);
    }
    let is_condition = |it: &&str| CONDITIONS.iter().any(|begin| it.starts_with(begin));
    if attributes.iter().any(is_condition) {
        instructions.push(Instruction::Condition);
    }
    if instructions.is_empty() {
        instructions.push(Instruction::Other);
    }
    Some((LIQUIBASE, instructions))
}

/// What stands in a file of Liquibase below the line that makes it one: elsewhere such a line is a comment.
pub(crate) fn within_liquibase(line: &CommentLine<'_>) -> Option<(&'static str, Vec<Instruction>)> {
    let text = line.text.to_ascii_lowercase();
    let instruction = match text.split_whitespace().next()? {
        "rollback" => Instruction::Rollback,
        "preconditions" => Instruction::Condition,
        word if word.starts_with("precondition-") => Instruction::Condition,
        "property" => Instruction::Substitute,
        _ => return None,
    };
    Some((LIQUIBASE, vec![instruction]))
}

/// `-- migration.sql --` and its like, which begin a file within a file of Atlas:
/// <https://atlasgo.io/versioned/checks>
pub(crate) fn file_of_an_archive(
    line: &CommentLine<'_>,
) -> Option<(&'static str, Vec<Instruction>)> {
    let name = line.text.to_ascii_lowercase();
    let instruction = match name.as_str() {
        "migration.sql" => Instruction::Up,
        "down.sql" => Instruction::Down,
        name if name.ends_with(".sql") && !name.contains(' ') => Instruction::Other,
        _ => return None,
    };
    Some(("Atlas", vec![instruction]))
}

/// `migrate:up transaction:false`, and geni's `transaction: no`. `text` is without spaces.
/// <https://github.com/amacneil/dbmate#migration-options>
fn dbmate(text: &str) -> Option<(&'static str, Vec<Instruction>)> {
    const OFF: [&str; 4] = [
        "transaction:false",
        "transaction:no",
        "transaction:off",
        "transaction:0",
    ];
    if OFF.contains(&text) {
        let tool = if text == OFF[0] { "dbmate" } else { "geni" };
        return Some((tool, vec![Instruction::NoTransaction]));
    }
    let (direction, options) = match (
        text.strip_prefix("migrate:up"),
        text.strip_prefix("migrate:down"),
    ) {
        (Some(options), _) => (Instruction::Up, options),
        (_, Some(options)) => (Instruction::Down, options),
        _ => return None,
    };
    let mut instructions = vec![direction];
    // A sentence goes on in another way.
    if !options.is_empty() && !options.contains(':') {
        return None;
    }
    if OFF.iter().any(|off| options.contains(off)) {
        instructions.push(Instruction::NoTransaction);
    }
    Some(("dbmate", instructions))
}

/// sqlx runs a file outside of a transaction that begins with the bytes `-- no-transaction`, whatever is behind them
/// (`sqlx-core/src/migrate/source.rs`). Where the line goes on with a word it is a sentence, as a file for Seedbed may
/// begin with one; a statement that does not run in a transaction is found by itself. Alone in its line it is meant so
/// below other comments too.
fn sqlx(line: &CommentLine<'_>, text: &str) -> Option<(&'static str, Vec<Instruction>)> {
    let behind = text.strip_prefix("no-transaction")?;
    let is_first = line.span.start == 0 && line.form == Form::Line;
    let is_sentence = behind.trim_start().starts_with(char::is_alphanumeric);
    let ends = !behind.starts_with(['-', '_']);
    let is_meant =
        ends && !line.below_a_statement && (behind.is_empty() || is_first && !is_sentence);
    is_meant.then(|| ("sqlx", vec![Instruction::NoTransaction]))
}
