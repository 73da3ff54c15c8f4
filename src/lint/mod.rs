//! Lint: what migrations do to rows, to the programs that read them, and to the engines and tools that run them.
//!
//! A rule looks at the text of a file, at the schema before and after it (from a rehearsal in memory), at the program that
//! runs it, and, where one is at hand, at the answers of a database. Rules are pure; where one is not sure, it is silent.
//! Rules about rows, readers and removal are silent for a table that the same run makes.
//!
//! It prints nothing, writes nothing, and reads rows only by `asked`, which counts.

mod adding;
mod asking;
mod cascading;
mod copying;
mod definition;
mod depending;
mod explanation;
mod file;
mod indexing;
mod keeping;
mod leaving_out;
mod managing;
mod moves;
mod needless;
mod question;
mod readers;
mod rebuilding;
mod recipe;
mod removing;
mod runner;
mod same_values;
mod seeding;
mod selecting;
mod shaping;
mod statement;
mod targets;
mod transactions;

#[cfg(test)]
mod tests;

pub use explanation::explanation;
pub use runner::{Runner, Target};
pub use seeding::{Environment, Seed};

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::db::{Db, DbError, locate};
use crate::diagnostic::{Class, Diagnostic};
pub use crate::migrations::Placement;
use crate::migrations::{Migration, Migrations, Stages, stages, unused_allow};
use crate::rules::{Level, Levels, known};
use crate::schema::inspect;
use crate::script::{Origin, Source};
use crate::sql::{Kind, What, kind, split};
use file::{File, finding};
use managing::Downs;
use question::Question;

/// The options of a lint.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The program that runs the files; without it the tool of the layout.
    pub runner: Option<Runner>,
    /// The engine that they are for.
    pub target: Target,
    /// The severities that the project has changed.
    pub levels: &'a Levels,
    /// Which files are one run.
    pub runs: Runs,
    /// Where they run among the other files.
    pub placement: Placement,
    /// Files with statements of the project, which have to compile on the schema.
    pub queries: &'a [Arc<Source>],
    /// Files of seeds that are looked at.
    pub seeds: &'a [Seed],
}

/// Which files are one run. The tables that a run makes have no rows and no readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runs {
    /// All that are looked at.
    Together,
    /// Each one: as if the others were applied before.
    EachFile,
}

/// The result of a lint.
#[derive(Debug)]
pub struct Linted {
    /// The findings, in the order of the files.
    pub findings: Vec<Diagnostic>,
    /// How many files were looked at.
    pub files: usize,
    /// How many questions a database was asked.
    pub questions: usize,
}

/// Looks at the files that `is_new` names. Tables that the database has and no file makes are there before them.
///
/// # Errors
/// [`DbError`] where the engine in memory cannot be used, or `database` cannot be read.
pub async fn lint(
    set: &Migrations,
    is_new: &(dyn Fn(&Migration) -> bool + Sync),
    options: &Options<'_>,
    database: Option<&Db>,
) -> Result<Linted, DbError> {
    let beside = match database {
        Some(db) => inspect(db).await?.objects,
        None => Vec::new(),
    };
    let stages = stages(set, is_new, options.placement, &beside).await?;
    let runner = options
        .runner
        .unwrap_or_else(|| Runner::of_layout(set.layout, options.target));
    let mut files: Vec<File<'_>> = stages
        .stages
        .iter()
        .map(|stage| File::new(stage, &stages, runner, options.target))
        .collect();
    if options.runs == Runs::EachFile {
        for file in &mut files {
            (file.first, file.last) = (file.before, file.after);
        }
    }
    let downs = downs(set);
    let mut of_files: Vec<Vec<Diagnostic>> =
        files.iter().map(|file| of_file(file, downs)).collect();
    for (number, diagnostic) in depending::broken(&files, &stages.broken) {
        of_files[number].push(diagnostic);
    }
    let mut of_values: Vec<Vec<Question>> = files.iter().map(|_| Vec::new()).collect();
    for (number, question) in same_values::check(&files, options.runs) {
        of_values[number].push(question);
    }
    let mut questions = 0;
    for ((file, of_values), found) in files.iter().zip(of_values).zip(&mut of_files) {
        let Some(db) = database else {
            found.extend(of_values.into_iter().map(Question::unasked));
            continue;
        };
        let mut all = asking::questions(file);
        all.extend(of_values);
        let (asked, answers) = asked(db, all).await?;
        questions += asked;
        found.extend(answers);
    }
    let mut findings = Vec::new();
    for (file, of_file) in files.iter().zip(of_files) {
        findings.extend(allowed(file, of_file));
    }
    if let Some((first, last)) = &stages.databases {
        findings.extend(queries(options.queries, first, last).await?);
    }
    findings.extend(options.seeds.iter().flat_map(seeding::check));
    findings.extend(stopped(&stages));
    at_levels(&mut findings, options.levels);
    Ok(Linted {
        findings,
        files: files.len() + options.seeds.len(),
        questions,
    })
}

/// Gives findings the severities that a project has set.
pub fn at_levels(findings: &mut Vec<Diagnostic>, levels: &Levels) {
    findings.retain_mut(|it| match levels.get(it.code) {
        Some(Level::Off) => false,
        Some(Level::On(severity)) => {
            it.severity = *severity;
            true
        }
        None => true,
    });
}

/// A migration of the base that was changed, as a finding.
pub fn changed_in_base(problem: &Diagnostic) -> Diagnostic {
    Diagnostic {
        code: "MG901",
        class: Class::Lint,
        ..problem.clone()
    }
}

fn of_file(file: &File<'_>, downs: Downs) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    removing::check(file, &mut found);
    adding::check(file, &mut found);
    cascading::check(file, &mut found);
    rebuilding::check(file, &mut found);
    copying::check(file, &mut found);
    leaving_out::check(file, &mut found);
    depending::check(file, &mut found);
    transactions::check(file, &mut found);
    targets::check(file, &mut found);
    readers::check(file, &mut found);
    shaping::check(file, &mut found);
    indexing::check(file, &mut found);
    seeding::repeatable(file, &mut found);
    managing::check(file, downs, &mut found);
    found.sort_by_key(|it| it.origin().map(|origin| origin.span.start));
    found
}

fn downs(set: &Migrations) -> Downs {
    let all = set.versioned.len();
    let with = set.versioned.iter().filter(|it| it.down.is_some()).count();
    match with * 2 > all && with > 1 {
        true => Downs::Usual,
        false => Downs::None,
    }
}

/// Counts rows: read-only questions of one request. A question that the database cannot answer has no finding.
async fn asked(db: &Db, questions: Vec<Question>) -> Result<(usize, Vec<Diagnostic>), DbError> {
    if questions.is_empty() {
        return Ok((0, Vec::new()));
    }
    let queries = questions
        .iter()
        .map(|question| question.query.clone())
        .collect();
    let answers = db.query(queries).await?;
    let asked = questions.len();
    let counts = answers.into_iter().map(|answer| {
        let rows = answer.ok()?;
        let count = rows.first()?.first()?.as_i64()?;
        u64::try_from(count).ok()
    });
    let found = questions.into_iter().zip(counts);
    let found = found.filter_map(|(question, count)| question.answered(count?));
    Ok((asked, found.collect()))
}

/// Statements of the project that compile before the run and not behind it.
async fn queries(
    sources: &[Arc<Source>],
    first: &Db,
    last: &Db,
) -> Result<Vec<Diagnostic>, DbError> {
    let mut found = Vec::new();
    for source in sources {
        for statement in split(&source.text).unwrap_or_default() {
            let sql = statement.text(&source.text);
            let is_query = matches!(
                kind(sql),
                Kind::Select | Kind::Insert | Kind::Update | Kind::Delete
            );
            if !is_query || first.objection(sql).await?.is_some() {
                continue;
            }
            let Some(error) = last.objection(sql).await? else {
                continue;
            };
            let origin = Origin {
                source: source.clone(),
                span: statement.span,
            };
            let message = format!(
                "this query does not compile behind the migrations: {}",
                error.message
            );
            let help =
                "change the query with the migration, and deploy what does not need it first";
            let at = origin.token_at(locate(last, sql, &error).await);
            found.push(finding("BC704", message).at(at).help(help));
        }
    }
    Ok(found)
}

/// Without what the file allows, and with what it allows for nothing.
fn allowed(file: &File<'_>, findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let allowed = &file.stage.reading.allowed;
    let used: BTreeSet<&str> = findings.iter().map(|it| it.code).collect();
    let mut found: Vec<Diagnostic> = findings;
    found.retain(|it| !allowed.contains(it.code));
    // Of a view, only `check` reports it.
    let drops_a_view = file
        .statements
        .iter()
        .any(|it| matches!(&it.kind, Kind::Drop(drop) if drop.what == What::View));
    let is_whole = file.after.is_some();
    let unused = allowed
        .iter()
        .filter_map(|code| known(code))
        .filter(|code| !used.contains(code) && is_whole && !needs_rows(code))
        .filter(|code| !(drops_a_view && *code == "RB306"));
    for code in unused {
        let message = format!("nothing in this file is {code}: the directive allows nothing");
        let origin = unused_allow(&file.stage.migration.up.source, code);
        let diagnostic = finding("MG904", message).help("remove the directive");
        found.push(match origin {
            Some(origin) => diagnostic.at(origin),
            None => diagnostic.in_file(&file.stage.migration.up.source.name),
        });
    }
    found
}

/// Whether only a database can decide the rule.
fn needs_rows(code: &str) -> bool {
    [
        "DD203", "DD204", "DD205", "DD209", "RB305", "TX505", "BC704",
    ]
    .contains(&code)
}

/// Why the rules about the schema were not asked from some file on.
fn stopped(stages: &Stages<'_>) -> Option<Diagnostic> {
    let problem = stages.stopped.as_ref()?;
    let message = format!(
        "this file does not run in memory, so the rules about the schema were not asked from here on: {}",
        problem.message
    );
    let mut found = Diagnostic::problem("not-rehearsed", message)
        .warning()
        .helps(problem.help.clone());
    found.location.clone_from(&problem.location);
    Some(found)
}
