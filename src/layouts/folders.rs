//! Which files of a folder are migrations of its layout. Nothing is skipped silently: a name that fits no rule is an
//! error, and a file that its tool does not read is named. Pure.

use super::{File, Layout, name, numbered, pairs, prisma};
use crate::diagnostic::Diagnostic;

/// Migrations that are programs: only their own tool can run them.
const PROGRAMS: [(&str, &str); 9] = [
    (".go", "Go"),
    (".ts", "TypeScript"),
    (".mts", "TypeScript"),
    (".js", "JavaScript"),
    (".mjs", "JavaScript"),
    (".cjs", "JavaScript"),
    (".py", "Python"),
    (".rb", "Ruby"),
    (".rs", "Rust"),
];

/// Whether a file is a migration that is a program, by its name: `00002_fill.go`.
pub(super) fn is_program(path: &str) -> bool {
    language(path).is_some()
}

fn language(path: &str) -> Option<&'static str> {
    let last = name::last(path);
    let (_, language) = PROGRAMS
        .into_iter()
        .find(|(ending, _)| last.ends_with(ending))?;
    let is_test = last.contains("_test.") || last.contains(".test.") || last.ends_with(".d.ts");
    (!is_test && name::numbered(last).is_some()).then_some(language)
}

/// Whether the tools of a layout run programs in this language: the others leave such files alone.
fn may_be_of(layout: Layout, language: &str) -> bool {
    match layout {
        Layout::Goose => language == "Go",
        Layout::Numbered => language != "Go" && language != "Rust",
        _ => false,
    }
}

/// Whether a path has the name of a migration, or of what belongs to one.
pub(super) fn fits(layout: Layout, path: &str) -> bool {
    let last = name::last(path);
    match layout {
        Layout::Seedbed => true,
        Layout::Pairs => pairs::parse(path).is_some(),
        Layout::Numbered | Layout::Goose | Layout::Dbmate | Layout::SqlMigrate => {
            numbered::parse(layout, path).is_some() || numbered::goes_by_name(layout, path)
        }
        Layout::Diesel => {
            ["up.sql", "down.sql", "metadata.toml"].contains(&last)
                && super::diesel::parse(name::folder(path)).is_some()
        }
        Layout::Prisma => {
            last == "migration_lock.toml"
                || ["migration.sql", "down.sql"].contains(&last)
                    && prisma::parse(name::folder(path)).is_some()
        }
        Layout::Drizzle => true,
    }
}

/// The folder that all migrations of a layout stand in; `None` where folders nest.
fn home(layout: Layout, path: &str) -> Option<&str> {
    let folder = name::folder(path);
    match layout {
        Layout::Seedbed | Layout::Drizzle => None,
        Layout::Diesel | Layout::Prisma => Some(name::folder(folder)),
        _ => Some(folder),
    }
}

/// The files that the layout reads.
pub(super) fn only_migrations(
    layout: Layout,
    files: Vec<File>,
    problems: &mut Vec<Diagnostic>,
) -> Vec<File> {
    let is_sql = |path: &str| name::stem(name::last(path)).is_some();
    let fitting = files
        .iter()
        .filter(|file| is_sql(&file.path) && fits(layout, &file.path));
    let homes = fitting.filter_map(|file| home(layout, &file.path));
    let root = homes.min_by_key(|home| home.len()).map(str::to_owned);
    let is_below = |path: &str| {
        let home = home(layout, path).zip(root.as_deref());
        home.is_some_and(|(home, root)| home.len() > root.len())
    };
    let tools = layout.tools();
    let mut read = Vec::new();
    for file in files {
        let path = file.path.as_str();
        if let Some(language) = language(path) {
            if !is_below(path) && may_be_of(layout, language) {
                let message =
                    format!("this migration is written in {language}, and Seedbed runs SQL alone");
                problems.push(
                    Diagnostic::problem("not-sql", message).in_file(path).help(
                        "write what it does as SQL under the same number, in place of this file; where databases have it \
                         already, `adopt` records that text and compares the schema",
                    ),
                );
            }
        } else if !is_sql(path) {
            if fits(layout, path) {
                read.push(file);
            }
        } else if name::last(path) == "schema.sql" && layout != Layout::Drizzle {
            let message = "this is the name of a schema that a tool has written, so this file is no migration";
            problems.push(
                Diagnostic::problem("not-read", message)
                    .warning()
                    .in_file(path)
                    .help("if it is one, rename it; if not, move it out of the folder of the migrations"),
            );
        } else if is_below(path) {
            let message = format!(
                "{tools} does not read folders in the folder of the migrations, so this file is no migration"
            );
            problems.push(Diagnostic::problem("not-read", message).warning().in_file(path).help(
                "if it is one, move it up; if not, move it out of the folder of the migrations",
            ));
        } else if fits(layout, path) {
            read.push(file);
        } else {
            let message = format!(
                "this is not the name of a migration of {tools}: those are called {}",
                layout.pattern()
            );
            problems.push(
                Diagnostic::problem("bad-name", message)
                    .in_file(path)
                    .help("rename it; or, if it is no migration, move it out of this folder"),
            );
        }
    }
    read
}
