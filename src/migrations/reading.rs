//! Reading one text for an engine: its statements, how they are to be run, and what is wrong with them. Pure.

use std::sync::Arc;

use super::directive::{Directives, directives};
use super::markers::written_for;
use super::set::Text;
use crate::db::{Engine, HistoryTable, row_level_security};
use crate::diagnostic::Diagnostic;
use crate::script::{Atomicity, ForeignKeys, Origin, Source, Step};
use crate::sql::{Kind, TokenKind, What, kind, significant, split, unquote};

/// What a record needs beside the texts of a migration and its down file, at the most.
const RECORD: usize = 4096;

/// Whether what is recorded of a migration has room in a row: its text and its down file's.
pub(super) fn too_large(
    up: &Arc<Source>,
    down: Option<&Source>,
    engine: Engine,
) -> Option<Diagnostic> {
    let limit = engine.largest_row()?;
    let bytes = up.text.len() + down.map_or(0, |down| down.text.len());
    let origin = Origin {
        source: up.clone(),
        span: 0..0,
    };
    (bytes + RECORD > limit).then(|| {
        larger("what is recorded of this migration has", bytes, limit)
            .at(origin)
            .help(
                "divide the file: the text of a migration and of its down file is recorded with it",
            )
    })
}

/// The code of a value or text for which a row has no room.
pub(super) const TOO_LARGE: &str = "too-large";

fn larger(what: &str, bytes: usize, limit: usize) -> Diagnostic {
    Diagnostic::problem(
        TOO_LARGE,
        format!("{what} {bytes} bytes, and a libSQL server takes {limit} for a value or a row"),
    )
}

/// What a text amounts to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// Its statements.
    pub steps: Vec<Step>,
    /// Whether they run in a transaction.
    pub atomicity: Atomicity,
    /// Whether foreign keys are enforced meanwhile.
    pub foreign_keys: ForeignKeys,
    /// What is wrong with it, and what should be known.
    pub problems: Vec<Diagnostic>,
}

/// What the comments of a text tell Seedbed, and what is wrong with them: directives that are none, and instructions to
/// another tool.
fn instructions(source: &Arc<Source>, problems: &mut Vec<Diagnostic>) -> Directives {
    let directives = directives(source, problems);
    problems.extend(written_for(source).map(|written| written.diagnostic()));
    directives
}

/// What is wrong with the comments of a down file, which is recorded now and may run one day.
pub(super) fn of_down(down: Option<&Text>) -> Vec<Diagnostic> {
    let mut problems = Vec::new();
    if let Some(down) = down {
        instructions(&down.source, &mut problems);
    }
    problems
}

/// Reads a text for a database whose history is in `history`.
pub(super) fn read(source: &Arc<Source>, engine: Engine, history: &HistoryTable) -> Reading {
    let mut problems = Vec::new();
    let directives = instructions(source, &mut problems);
    let statements = split(&source.text).unwrap_or_else(|errors| {
        problems.extend(errors.iter().map(|error| {
            let at = error.offset();
            Diagnostic::problem("syntax", error.to_string()).at(Origin {
                source: source.clone(),
                span: at..at,
            })
        }));
        Vec::new()
    });
    if statements.is_empty() && problems.is_empty() {
        problems.push(
            Diagnostic::problem("empty", "there is no statement in this file")
                .in_file(&source.name)
                .help(
                    "write at least one statement (`SELECT 1;` for a version that is to do nothing), or remove the file",
                ),
        );
    }
    let mut reader = Reader {
        engine,
        history: history.clone(),
        problems,
        ..Reader::default()
    };
    for statement in statements {
        let origin = Origin {
            source: source.clone(),
            span: statement.span.clone(),
        };
        reader.statement(statement.text(&source.text), origin);
    }
    reader.done(&directives)
}

#[derive(Default)]
struct Reader {
    engine: Engine,
    history: HistoryTable,
    problems: Vec<Diagnostic>,
    steps: Vec<Step>,
    savepoints: Vec<(String, Origin)>,
    pragmas: Vec<(Origin, bool)>,
    first_drop: Option<Origin>,
}

impl Reader {
    fn statement(&mut self, text: &str, origin: Origin) {
        let kind = kind(text);
        if let Some(table) = reserved(&kind, text, &self.history) {
            let message = format!("this changes {table}, where Seedbed keeps its records");
            self.problems.push(
                Diagnostic::problem("reserved-table", message)
                    .at(origin.clone())
                    .help("these tables are Seedbed's own: use `repair`, `undo` or `baseline`"),
            );
        }
        match &kind {
            Kind::Begin | Kind::Commit | Kind::Rollback => {
                let keyword = text.split(|c: char| !c.is_ascii_alphabetic()).next();
                let message = format!(
                    "{} in a migration: Seedbed itself begins and commits the transaction",
                    keyword.unwrap_or_default().to_ascii_uppercase()
                );
                self.problems.push(
                    Diagnostic::problem("transaction-control", message)
                        .at(origin)
                        .help(
                            "remove it: the statements of a file run in one transaction already. What cannot run in \
                             one goes into a file of its own with `-- seedbed: no-transaction` at its top",
                        ),
                );
                return;
            }
            Kind::Savepoint(name) => self.savepoints.push((name.clone(), origin.clone())),
            Kind::Release(name) => self.release(name, &origin),
            Kind::RollbackTo(name) if self.savepoint(name).is_none() => {
                self.no_savepoint(name, &origin);
            }
            // It would be a no-op in the transaction, so it becomes part of how the transaction begins.
            Kind::Pragma(pragma) if pragma.name == "foreign_keys" => {
                if let Some(value) = &pragma.value {
                    self.pragmas.push((origin, means_on(value)));
                    return;
                }
            }
            Kind::Drop(object) if object.what == What::Table => {
                self.first_drop.get_or_insert_with(|| origin.clone());
            }
            _ => {}
        }
        if let Some(why) = self.engine.refusal(text) {
            // No database of any mode takes row-level security, and its own words say what to do instead.
            let help = row_level_security(text)
                .is_none()
                .then_some("take it out, or use a database in a file: `--database FILE`");
            self.problems.push(
                Diagnostic::problem("refused", why)
                    .at(origin.clone())
                    .helps(help),
            );
        }
        self.values(text, &origin);
        self.steps.push(Step {
            origin: Some(origin),
            ..Step::own(text, Vec::new())
        });
    }

    /// Texts and blobs that are larger than a row may be.
    fn values(&mut self, text: &str, origin: &Origin) {
        let Some(limit) = self
            .engine
            .largest_row()
            .filter(|limit| text.len() > *limit)
        else {
            return;
        };
        for token in significant(text) {
            let literal = &text[token.span.clone()];
            let bytes = match token.kind {
                TokenKind::String => unquote(literal).len(),
                TokenKind::Blob => literal.len().saturating_sub(3) / 2,
                _ => continue,
            };
            if bytes > limit {
                let at = origin.span.start + token.span.start;
                self.problems.push(
                    larger("this value has", bytes, limit)
                        .at(Origin {
                            source: origin.source.clone(),
                            span: at..at,
                        })
                        .help("divide it among several rows, or keep it outside of the database"),
                );
            }
        }
    }

    fn savepoint(&self, name: &str) -> Option<usize> {
        self.savepoints
            .iter()
            .rposition(|(open, _)| open.eq_ignore_ascii_case(name))
    }

    /// Releases this savepoint and all within it: <https://sqlite.org/lang_savepoint.html>.
    fn release(&mut self, name: &str, origin: &Origin) {
        match self.savepoint(name) {
            Some(at) => self.savepoints.truncate(at),
            None => self.no_savepoint(name, origin),
        }
    }

    fn no_savepoint(&mut self, name: &str, origin: &Origin) {
        self.unbalanced(format!("there is no open savepoint {name} here"), origin);
    }

    fn unbalanced(&mut self, message: String, origin: &Origin) {
        self.problems.push(
            Diagnostic::problem("savepoint", message)
                .at(origin.clone())
                .help("each SAVEPOINT needs its RELEASE in the same file"),
        );
    }

    fn done(mut self, directives: &Directives) -> Reading {
        for (name, origin) in std::mem::take(&mut self.savepoints) {
            self.unbalanced(format!("the savepoint {name} is never released"), &origin);
        }
        let off = self.first_drop.is_some() || self.pragmas.iter().any(|(_, on)| !on);
        let foreign_keys = directives.foreign_keys.unwrap_or(if off {
            ForeignKeys::Off
        } else {
            ForeignKeys::On
        });
        for (origin, _) in std::mem::take(&mut self.pragmas) {
            let message = format!(
                "PRAGMA foreign_keys has no effect inside a transaction, so it was taken out; foreign keys are {} while \
                 this file runs",
                match foreign_keys {
                    ForeignKeys::On => "on",
                    ForeignKeys::Off | ForeignKeys::Unchecked => "off",
                }
            );
            self.problems.push(
                Diagnostic::problem("foreign-keys-pragma", message)
                    .warning()
                    .at(origin)
                    .help(
                        "remove it; to decide yourself, write `-- seedbed: foreign-keys=off` (or `=on`) at the top of \
                         the file",
                    ),
            );
        }
        if let (ForeignKeys::On, Some(origin)) = (foreign_keys, self.first_drop) {
            let message = "DROP TABLE with foreign keys on deletes or changes the rows that refer to the table";
            self.problems.push(
                Diagnostic::problem("drop-with-foreign-keys", message)
                    .warning()
                    .at(origin)
                    .help(
                        "remove `-- seedbed: foreign-keys=on`, unless the rows that refer to the table are to go with it",
                    ),
            );
        }
        Reading {
            steps: self.steps,
            atomicity: directives.atomicity,
            foreign_keys,
            problems: self.problems,
        }
    }
}

/// What the pragma takes for "on": <https://sqlite.org/pragma.html#syntax>.
fn means_on(value: &str) -> bool {
    let value = value.trim_matches(|c| c == '\'' || c == '"');
    ["on", "yes", "true"]
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word))
        || value.parse::<i64>().is_ok_and(|number| number != 0)
}

/// One of our own tables that a statement would make, change or take away.
fn reserved(kind: &Kind, text: &str, history: &HistoryTable) -> Option<String> {
    let name = match kind {
        Kind::Create(object) | Kind::Drop(object) => object.name.clone(),
        Kind::Alter | Kind::Insert | Kind::Update | Kind::Delete => target(text)?,
        _ => return None,
    };
    let lower = name.to_ascii_lowercase();
    (history.is(&name) || lower.starts_with("_seedbed_")).then_some(name)
}

/// The table that an `ALTER`, `INSERT`, `UPDATE` or `DELETE` names: the first name behind its keywords.
fn target(text: &str) -> Option<String> {
    const KEYWORDS: &[&str] = &[
        "alter", "table", "insert", "replace", "update", "delete", "or", "abort", "fail", "ignore",
        "rollback", "into", "from", "main",
    ];
    significant(text)
        .filter(|token| token.kind != TokenKind::Symbol)
        .find(|token| !KEYWORDS.iter().any(|word| token.is_word(text, word)))
        .map(|token| unquote(token.text(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diagnostic::Severity;
    use expect_test::{Expect, expect};

    fn check(text: &str, engine: Engine, expected: Expect) {
        let source = Arc::new(Source {
            name: "V1__x.sql".to_owned(),
            text: text.to_owned(),
        });
        let reading = read(&source, engine, &HistoryTable::default());
        let mut shown = format!(
            "{} steps, {:?}, foreign keys {:?}\n",
            reading.steps.len(),
            reading.atomicity,
            reading.foreign_keys
        );
        for problem in &reading.problems {
            let place = problem.origin().map_or("-".to_owned(), |origin| {
                let place = origin.place();
                format!("{}:{}", place.line, place.column)
            });
            let severity = match problem.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            shown.push_str(&format!(
                "{place} {severity} {}: {}\n",
                problem.code, problem.message
            ));
        }
        expected.assert_eq(&shown);
    }

    #[test]
    fn a_plain_file_runs_in_a_transaction_with_foreign_keys_on() {
        check(
            "CREATE TABLE a (x);\nINSERT INTO a VALUES (';'); -- done\n",
            Engine::Local,
            expect![[r#"
                2 steps, Transaction, foreign keys On
            "#]],
        );
    }

    #[test]
    fn a_file_that_drops_a_table_runs_with_foreign_keys_off() {
        check(
            "DROP TABLE IF EXISTS a;",
            Engine::Local,
            expect![[r#"
                1 steps, Transaction, foreign keys Off
            "#]],
        );
        check(
            "-- seedbed: foreign-keys=on\nSELECT 1;\n  DROP TABLE a;",
            Engine::Local,
            expect![[r#"
                2 steps, Transaction, foreign keys On
                3:3 warning drop-with-foreign-keys: DROP TABLE with foreign keys on deletes or changes the rows that refer to the table
            "#]],
        );
        // A word in a string or a comment drops nothing.
        check(
            "SELECT 'DROP TABLE a'; -- DROP TABLE a",
            Engine::Local,
            expect![[r#"
                1 steps, Transaction, foreign keys On
            "#]],
        );
    }

    #[test]
    fn a_foreign_keys_pragma_is_taken_out_and_told() {
        check(
            "PRAGMA foreign_keys=OFF;\nUPDATE a SET x = 1;\nPRAGMA foreign_keys=ON;\nPRAGMA foreign_keys;",
            Engine::Local,
            expect![[r#"
                2 steps, Transaction, foreign keys Off
                1:1 warning foreign-keys-pragma: PRAGMA foreign_keys has no effect inside a transaction, so it was taken out; foreign keys are off while this file runs
                3:1 warning foreign-keys-pragma: PRAGMA foreign_keys has no effect inside a transaction, so it was taken out; foreign keys are off while this file runs
            "#]],
        );
    }

    #[test]
    fn statements_that_begin_or_end_transactions_are_refused() {
        check(
            "begin immediate;\nINSERT INTO a VALUES (1);\nEND;\nROLLBACK;\nCOMMIT TRANSACTION;",
            Engine::Local,
            expect![[r#"
                1 steps, Transaction, foreign keys On
                1:1 error transaction-control: BEGIN in a migration: Seedbed itself begins and commits the transaction
                3:1 error transaction-control: END in a migration: Seedbed itself begins and commits the transaction
                4:1 error transaction-control: ROLLBACK in a migration: Seedbed itself begins and commits the transaction
                5:1 error transaction-control: COMMIT in a migration: Seedbed itself begins and commits the transaction
            "#]],
        );
    }

    #[test]
    fn savepoints_must_balance() {
        check(
            "SAVEPOINT a; SAVEPOINT b; ROLLBACK TO b; RELEASE a;",
            Engine::Local,
            expect![[r#"
                4 steps, Transaction, foreign keys On
            "#]],
        );
        check(
            "SAVEPOINT a;\nRELEASE b;\nROLLBACK TO c;",
            Engine::Local,
            expect![[r#"
                3 steps, Transaction, foreign keys On
                2:1 error savepoint: there is no open savepoint b here
                3:1 error savepoint: there is no open savepoint c here
                1:1 error savepoint: the savepoint a is never released
            "#]],
        );
    }

    #[test]
    fn directives_stand_at_the_top_and_are_known() {
        check(
            "-- what it does\n-- seedbed: no-transaction\n-- seedbed: foreign-keys=off\nVACUUM;",
            Engine::Local,
            expect![[r#"
                1 steps, Bare, foreign keys Off
            "#]],
        );
        check(
            "-- seedbed: no-transactions\n-- seedbed: foreign-keys=on\n-- seedbed: foreign-keys=off\nSELECT 1;\n-- seedbed: no-transaction",
            Engine::Local,
            expect![[r#"
                1 steps, Transaction, foreign keys Off
                1:1 error directive: there is no directive `no-transactions`
                3:1 error directive: this directive contradicts the one above
                5:1 error directive: this directive stands below a statement
            "#]],
        );
    }

    #[test]
    fn our_own_tables_are_not_a_migrations_to_change() {
        check(
            "DROP TABLE _migrations;\nCREATE TABLE IF NOT EXISTS \"_Migrations\" (x);\nALTER TABLE _migrations ADD x;\nDELETE FROM _seedbed_rows;\nSELECT * FROM _migrations;",
            Engine::Local,
            expect![[r#"
                5 steps, Transaction, foreign keys Off
                1:1 error reserved-table: this changes _migrations, where Seedbed keeps its records
                2:1 error reserved-table: this changes _Migrations, where Seedbed keeps its records
                3:1 error reserved-table: this changes _migrations, where Seedbed keeps its records
                4:1 error reserved-table: this changes _seedbed_rows, where Seedbed keeps its records
            "#]],
        );
    }

    #[test]
    fn memory_refuses_what_would_outlive_the_script() {
        let text = "CREATE TEMP TABLE t (x);\nPRAGMA synchronous = OFF;\nATTACH 'x.db' AS x;\nPRAGMA user_version = 3;\nPRAGMA journal_mode;";
        check(
            text,
            Engine::Memory,
            expect![[r#"
                5 steps, Transaction, foreign keys On
                1:1 error refused: TEMP objects outlive the script: a database in memory keeps its one connection
                2:1 error refused: PRAGMA synchronous outlives the script: a database in memory keeps its one connection
                3:1 error refused: ATTACH and DETACH outlive the script: a database in memory keeps its one connection
            "#]],
        );
        check(
            text,
            Engine::Local,
            expect![[r#"
                5 steps, Transaction, foreign keys On
            "#]],
        );
    }

    #[test]
    fn row_level_security_is_refused_in_every_mode() {
        let text = "CREATE POLICY user_isolation ON users\n  USING (auth.user_id() = id);\nALTER TABLE users ENABLE ROW LEVEL SECURITY;";
        for engine in [Engine::Local, Engine::Memory, Engine::Server] {
            check(
                text,
                engine,
                expect![[r#"
                    2 steps, Transaction, foreign keys On
                    1:1 error refused: libSQL has no row-level security: enforce policies in the application, or give each tenant a database of its own
                    3:1 error refused: libSQL has no row-level security: enforce policies in the application, or give each tenant a database of its own
                "#]],
            );
        }
    }

    #[test]
    fn what_cannot_be_split_or_is_empty_is_a_problem() {
        check(
            "SELECT 1;\nSELECT 'never closed;\n",
            Engine::Local,
            expect![[r#"
                0 steps, Transaction, foreign keys On
                2:8 error syntax: the string is never closed: a ' is missing
            "#]],
        );
        check(
            "-- nothing\n;;\n",
            Engine::Local,
            expect![[r#"
                0 steps, Transaction, foreign keys On
                - error empty: there is no statement in this file
            "#]],
        );
    }
}
