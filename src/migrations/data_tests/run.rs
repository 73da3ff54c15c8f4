//! Running data tests: each case in a database in memory of its own, a copy of one that has the versions that it begins
//! with.

use std::sync::Arc;

use super::parse::{Block, Case, DATA_TEST, Line};
use super::{DataTest, Tried};
use crate::db::{At, DbError, EngineError, Failure, Query, Transaction, locate, missing_semicolon};
use crate::diagnostic::Diagnostic;
use crate::migrations::rehearse::{Act, Rehearsal, Stopped, Way};
use crate::migrations::set::{Migration, Migrations};
use crate::schema::printed;
use crate::script::{Atomicity, ForeignKeys, Origin, Step};

/// The most rows of one expectation that are reported.
const MOST: usize = 5;

/// A statement of a test, or a migration on its rows, failed.
const FAILED: &str = "data-test-failed";

/// What a query returns is not what is expected.
const DIFFERS: &str = "data-test-differs";

/// Runs the cases of these files.
pub(super) async fn run(
    set: &Migrations,
    files: &[&DataTest],
    tried: &mut Tried,
) -> Result<(), DbError> {
    let versions: Vec<(&Migration, Act)> = set
        .versioned
        .iter()
        .map(|it| (it, Act::new(&it.up, &set.history_table)))
        .collect();
    let repeatable: Vec<(&Migration, Act)> = set
        .repeatable
        .iter()
        .map(|it| (it, Act::new(&it.up, &set.history_table)))
        .collect();
    let runner = Runner {
        set,
        versions,
        repeatable,
    };
    let mut cases: Vec<(usize, &Case)> = Vec::new();
    for (number, file) in files.iter().enumerate() {
        cases.extend(file.cases.iter().map(|case| (number, case)));
    }
    // In the order of their versions, so that each migration of the base runs once.
    cases.sort_by_key(|(_, case)| case.at);
    let mut problems: Vec<(usize, usize, Vec<Diagnostic>)> = Vec::new();
    let mut base = Some(Base {
        rehearsal: Rehearsal::new(&set.history_table).await?,
        applied: 0,
    });
    for (file, case) in cases {
        let start = case.origin.span.start;
        let mut found = runner.faults(case);
        if found.is_empty()
            && let Some(ready) = &mut base
        {
            match runner.advance(ready, case.at).await? {
                None => {
                    let rehearsal = ready.rehearsal.fork().await?;
                    let mut trial = Trial {
                        runner: &runner,
                        rehearsal,
                        applied: ready.applied,
                        problems: Vec::new(),
                        held: 0,
                    };
                    trial.all(case).await?;
                    tried.expectations += trial.held;
                    found = trial.problems;
                }
                Some(problem) => {
                    found.push(problem);
                    base = None;
                }
            }
        }
        problems.push((file, start, found));
    }
    problems.sort_by_key(|(file, start, _)| (*file, *start));
    let is_good = |file: usize| problems.iter().all(|it| it.0 != file || it.2.is_empty());
    tried.tests = (0..files.len()).filter(|file| is_good(*file)).count();
    tried
        .problems
        .extend(problems.into_iter().flat_map(|(_, _, found)| found));
    Ok(())
}

struct Runner<'a> {
    set: &'a Migrations,
    versions: Vec<(&'a Migration, Act)>,
    repeatable: Vec<(&'a Migration, Act)>,
}

/// A database with the first so many versions.
struct Base {
    rehearsal: Rehearsal,
    applied: usize,
}

impl Runner<'_> {
    /// How many versions there are up to this one, where it is one.
    fn up_to(&self, version: i64) -> Option<usize> {
        let of = |it: &(&Migration, Act)| it.0.version();
        let at = self.versions.iter().position(|it| of(it) == Some(version));
        at.map(|at| at + 1)
    }

    /// Versions that are not among the files. A database at 0 has none, where there is no version 0.
    fn faults(&self, case: &Case) -> Vec<Diagnostic> {
        let begins = case.at.filter(|at| *at != 0);
        let begins = begins.map(|at| (at, &case.origin));
        let versions = case.blocks.iter().filter_map(|block| match block {
            Block::Migrate { to, origin } => Some(((*to)?, origin)),
            _ => None,
        });
        begins
            .into_iter()
            .chain(versions)
            .filter(|(version, _)| self.up_to(*version).is_none())
            .map(|(version, origin)| self.no_such_version(version, origin))
            .collect()
    }

    fn no_such_version(&self, version: i64, origin: &Origin) -> Diagnostic {
        let mut known = self.versions.iter().filter_map(|(it, _)| it.version());
        let help = match (known.next(), known.next_back()) {
            (Some(first), Some(last)) => format!("the files have V{first} to V{last}"),
            (Some(only), None) => format!("the files have V{only} only"),
            (None, _) => "there is no migration".to_owned(),
        };
        let message = format!("there is no migration V{version}");
        Diagnostic::problem(DATA_TEST, message)
            .at(origin.clone())
            .help(help)
    }

    /// Applies the versions up to this one. What fails is a problem.
    async fn advance(
        &self,
        base: &mut Base,
        at: Option<i64>,
    ) -> Result<Option<Diagnostic>, DbError> {
        let end = at.and_then(|at| self.up_to(at)).unwrap_or(0);
        let Some(next) = self.versions.get(base.applied..end) else {
            return Ok(None);
        };
        if next.is_empty() {
            return Ok(None);
        }
        if let Some(obstacle) = next.iter().find_map(|(_, act)| act.obstacle()) {
            return Ok(Some(obstacle));
        }
        let later = || self.versions[end..].iter().map(|(_, act)| act).collect();
        let ups = next.iter().map(|(migration, act)| (*migration, act));
        let ran = base.rehearsal.ups(ups, &later).await;
        base.applied = end;
        problem_of(ran)
    }
}

/// A migration that failed, as a problem.
fn problem_of(ran: Result<(), Stopped>) -> Result<Option<Diagnostic>, DbError> {
    match ran {
        Ok(()) => Ok(None),
        Err(Stopped::Problem(problem)) => Ok(Some(problem.diagnostic)),
        Err(Stopped::Db(error)) => Err(error),
    }
}

/// One case that runs.
struct Trial<'a> {
    runner: &'a Runner<'a>,
    rehearsal: Rehearsal,
    /// How many versions are applied.
    applied: usize,
    problems: Vec<Diagnostic>,
    /// The expectations that held.
    held: usize,
}

impl Trial<'_> {
    async fn all(&mut self, case: &Case) -> Result<(), DbError> {
        for block in &case.blocks {
            let goes_on = match block {
                Block::Given(statements) => self.given(statements).await?,
                Block::Migrate { to, origin } => self.migrate(*to, origin).await?,
                Block::Undo { origin } => self.undo(origin).await?,
                Block::Expect { query, rows } => {
                    self.expect(query, rows).await?;
                    true
                }
                Block::Refuse { statement, words } => {
                    self.refuse(statement, words).await?;
                    true
                }
            };
            if !goes_on {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn given(&mut self, statements: &[Origin]) -> Result<bool, DbError> {
        let steps: Vec<Step> = statements.iter().cloned().map(Step::written).collect();
        let Some((error, at)) = self.execute(steps, Atomicity::Bare).await? else {
            return Ok(true);
        };
        let statement = statements.get(at).or(statements.last());
        if let Some(statement) = statement {
            let problem = self.failed(statement, error).await;
            self.problems
                .push(problem.note(format!("the database is at {}", self.version())));
        }
        Ok(false)
    }

    /// Runs statements. What the engine refuses comes with the number of its statement.
    async fn execute(
        &self,
        steps: Vec<Step>,
        atomicity: Atomicity,
    ) -> Result<Option<(EngineError, usize)>, DbError> {
        let last = steps.len().saturating_sub(1);
        let transaction = Transaction {
            foreign_keys: ForeignKeys::On,
            atomicity,
            steps: steps.into(),
        };
        let db = self.rehearsal.db();
        match db.run(vec![transaction], Arc::new(|_| {})).await {
            Ok(_) => Ok(None),
            Err(Failure::Open(error)) => Err(error),
            Err(Failure::Lost(error)) => Err(error.into()),
            Err(Failure::Step { error, at, .. }) => match at {
                At::Begin => Err(DbError::Read(error)),
                At::Step(number) => Ok(Some((error, number))),
                At::Commit => Ok(Some((error, last))),
            },
        }
    }

    /// The problem of a statement that the engine refuses, at the token that its error is about.
    async fn failed(&self, statement: &Origin, error: EngineError) -> Diagnostic {
        let offset = locate(self.rehearsal.db(), statement.text(), &error).await;
        let help = missing_semicolon(statement, &error.message, offset);
        Diagnostic::problem(FAILED, error.message)
            .at(statement.token_at(offset))
            .helps(help)
    }

    fn version(&self) -> String {
        let newest = self.applied.checked_sub(1);
        let newest = newest.and_then(|at| self.runner.versions.get(at));
        newest.map_or("no version".to_owned(), |(it, _)| it.key.to_string())
    }

    async fn migrate(&mut self, to: Option<i64>, origin: &Origin) -> Result<bool, DbError> {
        let end = match to {
            Some(version) => self.runner.up_to(version).unwrap_or(0),
            None => self.runner.versions.len(),
        };
        if let Some(version) = to
            && end <= self.applied
        {
            let message = format!(
                "the database is at {} here, so there is nothing to migrate to V{version}",
                self.version()
            );
            let problem = Diagnostic::problem(DATA_TEST, message).at(origin.clone());
            self.problems
                .push(problem.help("`-- undo` goes back by one version"));
            return Ok(false);
        }
        let runner = self.runner;
        let repeatable = match to {
            Some(_) => &[][..],
            None => &runner.repeatable,
        };
        let versions = &runner.versions[self.applied..end];
        for (number, (migration, act)) in versions.iter().chain(repeatable).enumerate() {
            let behind = runner.versions.iter().skip(self.applied + 1);
            let behind: Vec<&Act> = behind.map(|(_, act)| act).collect();
            let later = || behind.clone();
            let ran = match act.obstacle() {
                Some(obstacle) => Ok(Some(obstacle)),
                None => {
                    let up = self
                        .rehearsal
                        .up_before(migration, act, Way::Existing, &later);
                    problem_of(up.await)
                }
            };
            if let Some(problem) = ran? {
                self.in_a_test(problem, origin);
                return Ok(false);
            }
            if number < versions.len() {
                self.applied += 1;
            }
        }
        if let Some(broken) = self.rehearsal.broken() {
            self.in_a_test(broken, origin);
            return Ok(false);
        }
        Ok(true)
    }

    /// A problem of a migration, with the line of the test that ran it.
    fn in_a_test(&mut self, problem: Diagnostic, origin: &Origin) {
        let (file, line) = (&origin.source.name, origin.place().line);
        let note = format!("it ran for the data test {file}:{line}");
        self.problems.push(problem.note(note));
    }

    async fn undo(&mut self, origin: &Origin) -> Result<bool, DbError> {
        let newest = self.applied.checked_sub(1);
        let Some((migration, _)) = newest.and_then(|at| self.runner.versions.get(at)) else {
            let message = "no version is applied here, so there is nothing to undo";
            let problem = Diagnostic::problem(DATA_TEST, message);
            self.problems.push(problem.at(origin.clone()));
            return Ok(false);
        };
        let Some(down) = &migration.down else {
            let message = format!(
                "{} has no {}, so it cannot be undone",
                migration.key,
                migration.down_words()
            );
            let problem = Diagnostic::problem(DATA_TEST, message).about(&migration.key);
            self.problems.push(problem.at(origin.clone()));
            return Ok(false);
        };
        let act = Act::new(down, &self.runner.set.history_table);
        let undone = match act.obstacle() {
            Some(obstacle) => Some(obstacle),
            None => problem_of(self.rehearsal.undo(migration, &act).await)?,
        };
        if let Some(problem) = undone {
            self.in_a_test(problem, origin);
            return Ok(false);
        }
        self.applied -= 1;
        Ok(true)
    }

    async fn expect(&mut self, query: &Origin, rows: &[Line]) -> Result<(), DbError> {
        let question = vec![Query::new(query.text())];
        let answer = match self.rehearsal.db().query(question).await {
            Ok(mut answers) => answers.pop(),
            // A query that writes.
            Err(DbError::Read(error)) => Some(Err(error)),
            Err(error) => return Err(error),
        };
        let found = match answer {
            Some(Ok(rows)) => rows,
            Some(Err(error)) => {
                let problem = self.failed(query, error).await;
                let note = format!("the database is at {}", self.version());
                self.problems.push(problem.note(note));
                return Ok(());
            }
            None => return Ok(()),
        };
        let found = found.iter().map(|row| {
            let values: Vec<String> = row.iter().map(printed).collect();
            values.join("|")
        });
        // As the shell prints them: a value with a line break takes several lines.
        let found: Vec<String> = found
            .flat_map(|row| row.split('\n').map(str::to_owned).collect::<Vec<_>>())
            .collect();
        let differences = differences(query, rows, &found);
        if differences.is_empty() {
            self.held += 1;
        }
        let note = format!("the database is at {}", self.version());
        let differences = differences.into_iter();
        self.problems
            .extend(differences.map(|it| it.note(note.clone())));
        Ok(())
    }

    async fn refuse(&mut self, statement: &Origin, words: &[Line]) -> Result<(), DbError> {
        let steps = vec![Step::written(statement.clone())];
        let refused = self.execute(steps, Atomicity::Transaction).await?;
        let Some((error, _)) = refused else {
            let message = "an error is expected of this statement, and it ran";
            let problem = Diagnostic::problem(DIFFERS, message).at(statement.clone());
            let note = format!("the database is at {}", self.version());
            self.problems.push(problem.note(note));
            return Ok(());
        };
        // What no engine can read proves nothing about the schema.
        if error.message.contains("syntax error") || error.message == "incomplete input" {
            let problem = self.failed(statement, error).await;
            self.problems.push(
                problem
                    .help("correct it: an error of its syntax says nothing about the migrations"),
            );
            return Ok(());
        }
        let missing = words
            .iter()
            .find(|line| !error.message.contains(&line.text));
        match missing {
            None => self.held += 1,
            Some(line) => {
                let message = "the engine refuses this statement with other words";
                self.problems.push(
                    Diagnostic::problem(DIFFERS, message)
                        .at(line.origin.clone())
                        .note(format!("expected: {}", line.text))
                        .note(format!("found:    {}", error.message)),
                );
            }
        }
        Ok(())
    }
}

/// The lines that differ, each at its place.
fn differences(query: &Origin, expected: &[Line], found: &[String]) -> Vec<Diagnostic> {
    let mut differences = Vec::new();
    let mut left = 0;
    for at in 0..expected.len().max(found.len()) {
        let (line, row) = (expected.get(at), found.get(at));
        if line.map(|line| &line.text) == row {
            continue;
        }
        if differences.len() == MOST {
            left += 1;
            continue;
        }
        let number = at + 1;
        let (message, origin) = match (line, row) {
            (Some(line), Some(_)) => (
                format!("row {number} of this query is not the expected one"),
                &line.origin,
            ),
            (Some(line), None) => (
                format!(
                    "row {number} is expected, and the query returns {}",
                    found.len()
                ),
                &line.origin,
            ),
            (None, _) => (
                format!(
                    "the query returns row {number}, and {} expected",
                    match expected.len() {
                        0 => "none is".to_owned(),
                        1 => "1 is".to_owned(),
                        many => format!("{many} are"),
                    }
                ),
                query,
            ),
        };
        let mut problem = Diagnostic::problem(DIFFERS, message).at(origin.clone());
        let text = line.map(|line| line.text.as_str());
        problem = problem.note(format!("expected: {}", text.unwrap_or("(no row)")));
        let text = row.map(String::as_str);
        problem = problem.note(format!("found:    {}", text.unwrap_or("(no row)")));
        if let (Some(line), Some(row)) = (line, row)
            && line.text.trim() == row.trim()
        {
            problem =
                problem.help("they differ in blanks at the beginning or the end, which count");
        }
        differences.push(problem);
    }
    if left > 0
        && let Some(last) = differences.pop()
    {
        let more = match left {
            1 => "1 more row differs".to_owned(),
            left => format!("{left} more rows differ"),
        };
        differences.push(last.note(more));
    }
    differences
}
