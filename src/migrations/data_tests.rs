//! Data tests: what the migrations do to rows. A file brings rows into a database in memory that is at some version,
//! migrates it, and says which rows a query returns then. Reading the folder is the only thing here that touches a disk;
//! no database of the project is opened.

mod parse;
mod run;

use std::path::Path;
use std::sync::Arc;

use super::file::canonical;
use super::listing::{TESTS, is_sql, listing, on_disk};
use super::misfit::not_text_problem;
use super::set::{Migrations, ReadError, slashes, unreadable};
use crate::db::DbError;
use crate::diagnostic::{Class, Diagnostic};
use crate::layouts::is_named_as_a_migration;
use crate::script::Source;

use self::parse::{Case, parse};

/// The data tests of a project.
#[derive(Debug, Clone, Default)]
pub struct DataTests {
    files: Vec<DataTest>,
    /// What is wrong with the files, whatever the migrations are.
    problems: Vec<Diagnostic>,
}

/// One file.
#[derive(Debug, Clone)]
struct DataTest {
    source: Arc<Source>,
    cases: Vec<Case>,
}

/// What running data tests came to.
#[derive(Debug, Clone, Default)]
pub(super) struct Tried {
    pub(super) problems: Vec<Diagnostic>,
    /// How many files were run to their end.
    pub(super) tests: usize,
    /// How many of their expectations hold.
    pub(super) expectations: usize,
}

impl DataTests {
    /// Reads every file under `folder` whose name ends in `.sql`. A folder that is not there holds none.
    ///
    /// # Errors
    /// [`ReadError`] where the folder or a file cannot be read. What is wrong with their texts is found by
    /// [`check`](super::check()).
    pub fn read_dir(folder: impl AsRef<Path>) -> Result<DataTests, ReadError> {
        let folder = folder.as_ref();
        let listed = match listing(folder) {
            Err(ReadError::NoDirectory { .. }) if !on_disk(folder).exists() => {
                return Ok(DataTests::default());
            }
            listed => listed?,
        };
        let mut paths = listed.files;
        paths.extend(listed.tests);
        paths.retain(|path| is_sql(path));
        let mut files = Vec::new();
        for path in paths {
            let bytes = std::fs::read(&path).map_err(unreadable(&path))?;
            files.push((slashes(&path), bytes));
        }
        let mut tests = DataTests::from_files(files);
        tests.problems.extend(listed.problems);
        Ok(tests)
    }

    /// Makes data tests of file names and contents, in any order.
    pub fn from_files(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> DataTests {
        let mut files: Vec<(String, Vec<u8>)> = files.into_iter().collect();
        files.sort();
        let mut tests = DataTests::default();
        for (name, bytes) in files {
            let text: Arc<str> = match canonical(&bytes) {
                Ok(text) => text.into(),
                Err(not_text) => {
                    let problem = not_text_problem(name, not_text, &bytes);
                    tests.problems.push(problem);
                    continue;
                }
            };
            let source = Arc::new(Source { name, text });
            let (cases, problems) = parse(&source);
            tests.problems.extend(problems);
            tests.files.push(DataTest { source, cases });
        }
        tests
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// What is wrong with the files before anything runs.
    fn faults(&self, set: &Migrations) -> Vec<Diagnostic> {
        let files = self.files.iter().map(|file| file.source.name.as_str());
        let mut faults = named_as_migrations(set, files);
        let named: Vec<Option<&str>> = faults.iter().map(Diagnostic::file).collect();
        // A migration in the wrong folder is no test with faults.
        let of_texts = self.problems.iter();
        let of_texts = of_texts.filter(|problem| !named.contains(&problem.file()));
        let of_texts: Vec<Diagnostic> = of_texts.cloned().collect();
        faults.extend(of_texts);
        faults.retain(|fault| !set.problems.contains(fault));
        faults
    }

    /// Runs the tests, unless something is wrong with the migrations already.
    pub(super) async fn run(
        &self,
        set: &Migrations,
        known: &[Diagnostic],
    ) -> Result<Tried, DbError> {
        let mut tried = Tried {
            problems: self.faults(set),
            ..Tried::default()
        };
        // What a rule finds does not keep the files from running.
        let is_fault = |it: &Diagnostic| it.is_error() && it.class != Class::Lint;
        if known.iter().any(is_fault) {
            return Ok(tried);
        }
        let faulty = std::mem::take(&mut tried.problems);
        let is_sound = |file: &&DataTest| {
            let file = Some(file.source.name.as_str());
            !faulty.iter().any(|it| it.is_error() && it.file() == file)
        };
        let sound: Vec<&DataTest> = self.files.iter().filter(is_sound).collect();
        run::run(set, &sound, &mut tried).await?;
        tried.problems.splice(0..0, faulty);
        Ok(tried)
    }
}

/// That these files of the folder of data tests are named as migrations: `migrate` would not run them.
pub(super) fn named_as_migrations<'a>(
    set: &Migrations,
    files: impl IntoIterator<Item = &'a str>,
) -> Vec<Diagnostic> {
    let named = files.into_iter();
    let named = named.filter(|file| is_named_as_a_migration(set.layout, file));
    let problem = |file: &str| {
        let message = "this file is named as a migration, and the folder of the data tests holds no migrations";
        Diagnostic::problem("migration-among-tests", message)
            .in_file(file)
            .help(format!(
                "if it is a migration, move it out of `{TESTS}`; if it is a data test, give it a name without a version"
            ))
    };
    named.map(problem).collect()
}

#[cfg(test)]
mod tests;
