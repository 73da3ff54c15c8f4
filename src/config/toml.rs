//! `config.toml` text to settings with their places.
//!
//! The file may be the application's own, so tables that are not ours are passed over; within ours
//! an unknown key is a warning, an error where it is nearly one of ours, and known ones must be of
//! their type. A token is refused. No problem quotes a value.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::lint::{KEYS, Lint, lint};
use super::origin::{Origin, Place, Setting};
use super::problem::{problem, problem_with};
use crate::db::HistoryTable;
use crate::diagnostic::Diagnostic;
use crate::layouts::LayoutChoice;
use crate::nearest::nearest;

/// What `config.toml` sets.
#[derive(Default)]
pub(super) struct Toml {
    pub(super) local_path: Option<Setting<String>>,
    pub(super) database_url: Option<Setting<String>>,
    pub(super) database_name: Option<Setting<String>>,
    pub(super) organization: Option<Setting<String>>,
    pub(super) primary_region: Option<Setting<String>>,
    pub(super) replica_regions: Option<Setting<Vec<String>>>,
    pub(super) allow_plain_http: Option<Setting<bool>>,
    pub(super) replica_enabled: Option<Setting<bool>>,
    pub(super) replica_file: Option<Setting<String>>,
    pub(super) sync_interval: Option<Setting<Duration>>,
    pub(super) backup_enabled: Option<Setting<bool>>,
    pub(super) backup_days: Option<Setting<u32>>,
    pub(super) backup_dir: Option<Setting<String>>,
    pub(super) migrations_dir: Option<Setting<String>>,
    pub(super) tests_dir: Option<Setting<String>>,
    pub(super) out_of_order: Option<Setting<bool>>,
    pub(super) downs_from: Option<Setting<i64>>,
    pub(super) layout: Option<Setting<LayoutChoice>>,
    pub(super) ignore_tables: Option<Setting<Vec<String>>>,
    pub(super) history_table: Option<Setting<HistoryTable>>,
    pub(super) seeds_dir: Option<Setting<String>>,
    pub(super) seeds_env: Option<Setting<String>>,
    pub(super) lint: Lint,
}

/// The table of that name under `[turso]` is listed as a key of it.
const TABLES: [(&str, &[&str]); 7] = [
    ("[local]", &["path"]),
    (
        "[turso]",
        &[
            "database_name",
            "organization",
            "database_url",
            "primary_region",
            "replica_regions",
            "allow_plain_http",
            "local_replica",
            "backup",
        ],
    ),
    (
        "[turso.local_replica]",
        &["enabled", "sync_interval_seconds", "local_db_path"],
    ),
    ("[turso.backup]", &["enabled", "retention_days", "dir"]),
    (
        "[migrations]",
        &[
            "dir",
            "tests",
            "out_of_order",
            "downs_from",
            "layout",
            "ignore_tables",
            "table",
        ],
    ),
    ("[seeds]", &["dir", "env"]),
    // And the codes of rules.
    ("[lint]", &KEYS),
];

/// What was read, what is wrong, and what is only odd.
pub(super) struct Read {
    pub(super) toml: Toml,
    pub(super) problems: Vec<Diagnostic>,
    pub(super) warnings: Vec<String>,
}

/// Reads `text`; `path` is how messages name the file.
pub(super) fn read(path: &Path, text: &str) -> Read {
    let (document, errors) = DeTable::parse_recoverable(text);
    let mut file = File {
        path,
        text,
        problems: Vec::new(),
        warnings: Vec::new(),
    };
    for error in &errors {
        let start = error.span().map_or(0, |span| span.start);
        let problem = problem(error.message()).at(file.place(start));
        file.problems.push(problem);
    }
    // What recovery made of the rest is a guess.
    let toml = if errors.is_empty() {
        settings(&mut file, document.get_ref())
    } else {
        Toml::default()
    };
    file.problems.sort_by_key(|problem| {
        let location = problem.location.as_ref();
        location.map(|location| {
            let (_, line, column) = location.place();
            (line, column)
        })
    });
    Read {
        toml,
        problems: file.problems,
        warnings: file.warnings,
    }
}

fn settings(file: &mut File<'_>, root: &DeTable<'_>) -> Toml {
    let root = Some(root);
    let local = file.table(root, "[local]");
    let turso = file.table(root, "[turso]");
    let replica = file.table(turso, "[turso.local_replica]");
    let backup = file.table(turso, "[turso.backup]");
    let migrations = file.table(root, "[migrations]");
    let seeds = file.table(root, "[seeds]");
    let lint = lint(file, root);
    file.warn_of_misspelt_tables(root);
    Toml {
        local_path: file.text(local, "[local] path"),
        database_url: file.text(turso, "[turso] database_url"),
        database_name: file.text(turso, "[turso] database_name"),
        organization: file.text(turso, "[turso] organization"),
        primary_region: file.text(turso, "[turso] primary_region"),
        replica_regions: file.texts(turso, "[turso] replica_regions"),
        allow_plain_http: file.truth(turso, "[turso] allow_plain_http"),
        replica_enabled: file.truth(replica, "[turso.local_replica] enabled"),
        replica_file: file.text(replica, "[turso.local_replica] local_db_path"),
        sync_interval: file
            .count(replica, "[turso.local_replica] sync_interval_seconds")
            .map(|seconds| seconds.map(|n| Duration::from_secs(n.into()))),
        backup_enabled: file.truth(backup, "[turso.backup] enabled"),
        backup_days: file.count(backup, "[turso.backup] retention_days"),
        backup_dir: file.text(backup, "[turso.backup] dir"),
        migrations_dir: file.text(migrations, "[migrations] dir"),
        tests_dir: file.text(migrations, "[migrations] tests"),
        out_of_order: file.truth(migrations, "[migrations] out_of_order"),
        downs_from: file.version(migrations, "[migrations] downs_from"),
        layout: file.layout(migrations, "[migrations] layout"),
        ignore_tables: file.texts(migrations, "[migrations] ignore_tables"),
        history_table: file.history_table(migrations, "[migrations] table"),
        seeds_dir: file.text(seeds, "[seeds] dir"),
        seeds_env: file.text(seeds, "[seeds] env"),
        lint,
    }
}

pub(super) struct File<'a> {
    path: &'a Path,
    text: &'a str,
    problems: Vec<Diagnostic>,
    warnings: Vec<String>,
}

pub(super) type Table<'t> = Option<&'t DeTable<'t>>;

impl File<'_> {
    /// The table called `name`, its unknown keys reported.
    fn table<'t>(&mut self, parent: Table<'t>, name: &'static str) -> Table<'t> {
        let (key, value) = parent?.get_key_value(last_word(name))?;
        let DeValue::Table(table) = value.get_ref() else {
            let origin = self.origin(key.span(), name);
            self.problems.push(wrong_type(&origin, "a table", value));
            return None;
        };
        let known = TABLES.iter().find(|(table, _)| *table == name);
        let known = known.map_or(&[][..], |(_, keys)| keys);
        for key in table.keys() {
            let word: &str = key.get_ref();
            if !known.contains(&word) {
                let place = self.place(key.span().start);
                match unknown_key(name, word, known) {
                    Some(problem) => self.problems.push(problem.at(place)),
                    None => self.warnings.push(format!(
                        "{place}: `{word}` in {name} is not read; known: {}",
                        known.join(", ")
                    )),
                }
            }
        }
        Some(table)
    }

    /// A table that is not ours is passed over, but not one that has keys of ours and a name that
    /// is nearly ours.
    fn warn_of_misspelt_tables(&mut self, root: Table<'_>) {
        let top: Vec<&str> = TABLES
            .iter()
            .filter(|(name, _)| !name.contains('.'))
            .map(|(name, _)| last_word(name))
            .collect();
        let mut tables: Vec<_> = root.into_iter().flatten().collect();
        tables.sort_by_key(|(key, _)| key.span().start);
        for (key, value) in tables {
            let word: &str = key.get_ref();
            let (false, DeValue::Table(table)) = (top.contains(&word), value.get_ref()) else {
                continue;
            };
            let Some(meant) = nearest(word, &top) else {
                continue;
            };
            let ours = TABLES.iter().find(|(name, _)| last_word(name) == meant);
            if ours
                .is_some_and(|(_, keys)| table.keys().any(|key| keys.contains(&&**key.get_ref())))
            {
                let place = self.place(key.span().start);
                self.warnings.push(format!(
                    "{place}: [{word}] is not read; did you mean [{meant}]?"
                ));
            }
        }
    }

    /// Reports a value that is to be a table.
    pub(super) fn wrong_table(
        &mut self,
        key: Range<usize>,
        name: &'static str,
        value: &Spanned<DeValue<'_>>,
    ) {
        let origin = self.origin(key, name);
        self.problems.push(wrong_type(&origin, "a table", value));
    }

    /// Reports what is odd.
    pub(super) fn warn(&mut self, warning: String) {
        self.warnings.push(warning);
    }

    /// Reports what is wrong.
    pub(super) fn refuse_here(&mut self, problem: Diagnostic) {
        self.problems.push(problem);
    }

    fn text(&mut self, table: Table<'_>, key: &'static str) -> Option<Setting<String>> {
        let (origin, value) = self.value(table, key)?;
        match value.get_ref().as_str().map(str::trim) {
            Some("") => {
                let problem =
                    problem_with(&origin, "is empty").help("leave the key out to have the default");
                self.problems.push(problem);
                None
            }
            Some(text) => Some(Setting {
                value: text.to_owned(),
                origin,
            }),
            None => self.refuse(&origin, "a string", value),
        }
    }

    fn texts(&mut self, table: Table<'_>, key: &'static str) -> Option<Setting<Vec<String>>> {
        let (origin, value) = self.value(table, key)?;
        let Some(items) = value.get_ref().as_array() else {
            return self.refuse(&origin, "an array of strings", value);
        };
        let texts = items.iter().map(|item| item.get_ref().as_str());
        match texts.map(|text| text.map(str::to_owned)).collect() {
            Some(value) => Some(Setting { value, origin }),
            None => {
                let problem = problem_with(&origin, "holds something that is no string");
                self.problems.push(problem);
                None
            }
        }
    }

    fn layout(&mut self, table: Table<'_>, key: &'static str) -> Option<Setting<LayoutChoice>> {
        let Setting { value, origin } = self.text(table, key)?;
        match value.parse::<LayoutChoice>() {
            Ok(value) => Some(Setting { value, origin }),
            Err(error) => {
                let problem = problem_with(&origin, format!("names no layout: {:?}", error.name));
                self.problems.push(problem.help(error.help));
                None
            }
        }
    }

    fn history_table(
        &mut self,
        table: Table<'_>,
        key: &'static str,
    ) -> Option<Setting<HistoryTable>> {
        let Setting { value, origin } = self.text(table, key)?;
        match HistoryTable::new(&value) {
            Ok(value) => Some(Setting { value, origin }),
            Err(why) => {
                let default = HistoryTable::DEFAULT;
                let help = format!("leave the key out to have the default, {default}");
                self.problems.push(problem_with(&origin, why).help(help));
                None
            }
        }
    }

    fn truth(&mut self, table: Table<'_>, key: &'static str) -> Option<Setting<bool>> {
        let (origin, value) = self.value(table, key)?;
        match value.get_ref().as_bool() {
            Some(value) => Some(Setting { value, origin }),
            None => self.refuse(&origin, "true or false", value),
        }
    }

    /// A whole number from 1: 0 could mean "never" as well as "at once".
    fn count(&mut self, table: Table<'_>, key: &'static str) -> Option<Setting<u32>> {
        let (origin, value) = self.value(table, key)?;
        let Some(integer) = value.get_ref().as_integer() else {
            return self.refuse(&origin, "a whole number from 1", value);
        };
        match u32::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(value) if value > 0 => Some(Setting { value, origin }),
            _ => {
                let what = format!("is not a whole number from 1 to {}", u32::MAX);
                let problem =
                    problem_with(&origin, what).help("leave the key out to have the default");
                self.problems.push(problem);
                None
            }
        }
    }

    fn version(&mut self, table: Table<'_>, key: &'static str) -> Option<Setting<i64>> {
        let (origin, value) = self.value(table, key)?;
        let integer = value.get_ref().as_integer();
        let version = integer.and_then(|it| i64::from_str_radix(it.as_str(), it.radix()).ok());
        match version {
            Some(value) => Some(Setting { value, origin }),
            None => self.refuse(&origin, "the version of a migration, a whole number", value),
        }
    }

    fn value<'t>(
        &self,
        table: Table<'t>,
        key: &'static str,
    ) -> Option<(Origin, &'t Spanned<DeValue<'t>>)> {
        let (word, value) = table?.get_key_value(last_word(key))?;
        Some((self.origin(word.span(), key), value))
    }

    fn refuse<T>(
        &mut self,
        origin: &Origin,
        expected: &str,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<T> {
        self.problems.push(wrong_type(origin, expected, value));
        None
    }

    pub(super) fn origin(&self, span: Range<usize>, key: &'static str) -> Origin {
        let (line, column) = line_and_column(self.text, span.start);
        Origin::Toml {
            path: self.path.to_owned(),
            line,
            column,
            key,
        }
    }

    pub(super) fn place(&self, offset: usize) -> Place {
        let (line, column) = line_and_column(self.text, offset);
        Place {
            file: self.path.to_owned(),
            line: Some(line),
            column: Some(column),
        }
    }
}

/// `path` of `[local] path`, `backup` of `[turso.backup]`.
fn last_word(name: &str) -> &str {
    let name = name.trim_end_matches(']');
    name.rsplit(['[', '.', ' ']).next().unwrap_or(name)
}

fn wrong_type(origin: &Origin, expected: &str, value: &Spanned<DeValue<'_>>) -> Diagnostic {
    let found = value.get_ref().type_str();
    let article = if found.starts_with(['a', 'i']) {
        "an"
    } else {
        "a"
    };
    problem_with(origin, format!("must be {expected}, not {article} {found}"))
}

/// Why a key stops the command; none where it may be the application's own.
fn unknown_key(table: &str, key: &str, known: &[&str]) -> Option<Diagnostic> {
    if key.to_lowercase().contains("token") {
        let refused = problem(format!(
            "`{key}` in {table} is refused: config.toml is committed, and a token would be in every copy of the repository"
        ))
        .help("put the token into TURSO_AUTH_TOKEN, in the environment or .env, and name a file that holds it in TURSO_AUTH_TOKEN_FILE otherwise; if this one was ever committed, revoke it");
        return Some(refused);
    }
    let meant = is_slip(key, known)?;
    Some(
        problem(format!("unknown key `{key}` in {table}")).help(format!("did you mean `{meant}`?")),
    )
}

/// The key that a word is a slip of.
pub(super) fn is_slip<'k>(key: &str, known: &[&'k str]) -> Option<&'k str> {
    // `directory` for `dir` and `regions` for `replica_regions` are slips too.
    let is_part = |ours: &&&str| (key.len() > 2 && ours.contains(key)) || key.contains(**ours);
    let part = || known.iter().find(is_part).copied();
    nearest(key, known).or_else(part)
}

/// Line and column from 1, the column in characters.
fn line_and_column(text: &str, offset: usize) -> (u32, u32) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = before[start..]
        .trim_start_matches('\u{feff}')
        .chars()
        .count()
        + 1;
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    (number(line), number(column))
}

#[cfg(test)]
mod tests {
    use super::TABLES;
    use crate::config::variables;

    #[test]
    fn the_examples_name_every_key_and_variable() {
        let toml = include_str!("../../config.example.toml");
        for (table, keys) in TABLES {
            assert!(toml.contains(table), "{table}");
            for key in keys
                .iter()
                .filter(|key| !["local_replica", "backup"].contains(key))
            {
                assert!(toml.contains(&format!("{key} = ")), "{table} {key}");
            }
        }
        let dotenv = include_str!("../../.env.example");
        for name in variables::IN_DOTENV {
            let is_named = |line: &str| {
                line.trim_start_matches("# ")
                    .starts_with(&format!("{name}="))
            };
            let ours = name != variables::DATABASE_URL;
            assert_eq!(dotenv.lines().any(is_named), ours, "{name}");
        }
    }
}
