//! The layout of a folder, found by its files. Pure.

use std::collections::{BTreeMap, HashSet};

use super::text::of_dbmate;
use super::{File, Instruction, Layout, LayoutChoice, marker, name, numbered, pairs, prisma};
use crate::diagnostic::Diagnostic;
use crate::sql::{Form, comment_lines, mentions};

/// How many files of a layout are named where a folder mixes several.
const NAMED: usize = 5;

/// Whether a name is meant as one of Seedbed's own: `V…`, `U…` or `R…` and two underscores.
pub(crate) fn is_ours(path: &str) -> bool {
    let last = name::last(path);
    let Some((prefix, _)) = last.split_once("__") else {
        return false;
    };
    let number = prefix.strip_prefix(['V', 'U']);
    prefix == "R"
        || number.is_some_and(|it| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The layout of these files. The problem is a folder that mixes several.
pub(crate) fn detect(files: &[File], choice: Option<LayoutChoice>) -> (Layout, Option<Diagnostic>) {
    let folder = Folder::of(files);
    let journal = files
        .iter()
        .find(|file| name::last(&file.path) == "_journal.json");
    let journal = journal.map(|file| name::folder(name::folder(&file.path)));
    let mut found: BTreeMap<Layout, Vec<&str>> = BTreeMap::new();
    let mut unmarked = Vec::new();
    for file in files {
        let path = file.path.as_str();
        if name::stem(name::last(path)).is_none() {
            continue;
        }
        let layout = match journal {
            Some(root) if name::folder(path) == root => Some(Layout::Drizzle),
            _ => folder.layout(file),
        };
        match layout {
            // Where other files of the folder are marked, the mark is missing here.
            Some(Layout::Numbered) => unmarked.push(path),
            Some(layout) => found.entry(layout).or_default().push(path),
            None => {}
        }
    }
    if !unmarked.is_empty() {
        let marked = [Layout::Goose, Layout::Dbmate, Layout::SqlMigrate];
        let mut marked = found
            .keys()
            .copied()
            .filter(|layout| marked.contains(layout));
        let layout = match (marked.next(), marked.next()) {
            (Some(one), None) => one,
            _ => Layout::Numbered,
        };
        found.entry(layout).or_default().extend(unmarked);
    }
    if let Some(choice) = choice {
        let mut allowed = found
            .keys()
            .copied()
            .filter(|layout| choice.allows(*layout));
        return match (allowed.next(), allowed.next()) {
            (Some(_), Some(_)) => (choice.first(), Some(mixed(&found))),
            (layout, _) => (layout.unwrap_or_else(|| choice.first()), None),
        };
    }
    let ours = found.get(&Layout::Seedbed).map_or(0, Vec::len);
    let others: usize = found.values().map(Vec::len).sum::<usize>() - ours;
    match found.len() {
        0 => (Layout::Seedbed, None),
        1 => (found.keys().next().copied().unwrap_or_default(), None),
        // Among files of Seedbed's own, each other name is reported with the right one.
        _ if ours >= others => (Layout::Seedbed, None),
        _ => (
            found.keys().next().copied().unwrap_or_default(),
            Some(mixed(&found)),
        ),
    }
}

/// What is asked of the folder for each file.
struct Folder<'a> {
    paths: HashSet<&'a str>,
    /// Whether any file has drizzle's breakpoints.
    breaks: bool,
}

impl Folder<'_> {
    fn of(files: &[File]) -> Folder<'_> {
        let is_migration = |file: &&File| name::last(&file.path) == "migration.sql";
        let mut of_folders = files.iter().filter(is_migration);
        Folder {
            paths: files.iter().map(|file| file.path.as_str()).collect(),
            breaks: of_folders.any(|file| file.text.contains(super::drizzle::BREAKPOINT)),
        }
    }

    fn layout(&self, file: &File) -> Option<Layout> {
        let path = file.path.as_str();
        let (folder, last) = (name::folder(path), name::last(path));
        if is_ours(path) {
            return Some(Layout::Seedbed);
        }
        let is_of_diesel = || super::diesel::parse(folder).is_some();
        match last {
            "migration.sql" if prisma::parse(folder).is_some() => {
                return Some(self.with_folders(folder));
            }
            "up.sql" if is_of_diesel() => return Some(Layout::Diesel),
            "down.sql" if self.has(folder, "up.sql") && is_of_diesel() => {
                return Some(Layout::Diesel);
            }
            _ => {}
        }
        if pairs::parse(path).is_some() {
            return Some(Layout::Pairs);
        }
        let layout = marked(&file.text).unwrap_or(Layout::Numbered);
        let is_one =
            numbered::parse(layout, path).is_some() || numbered::goes_by_name(layout, path);
        is_one.then_some(layout)
    }

    fn has(&self, folder: &str, name: &str) -> bool {
        match folder {
            "" => self.paths.contains(name),
            folder => self.paths.contains(format!("{folder}/{name}").as_str()),
        }
    }

    /// Whose a folder with a `migration.sql` is: Prisma keeps a lock file beside the folders, drizzle a snapshot in each
    /// and breakpoints in the files. Both give the same migrations.
    fn with_folders(&self, folder: &str) -> Layout {
        if self.has(name::folder(folder), "migration_lock.toml") {
            return Layout::Prisma;
        }
        match self.breaks || self.has(folder, "snapshot.json") {
            true => Layout::Drizzle,
            false => Layout::Prisma,
        }
    }
}

/// The layout whose sections a text has.
fn marked(text: &str) -> Option<Layout> {
    if !mentions(text, &["+goose", "migrate:", "migrate :", "+migrate"]) {
        return None;
    }
    let lines = comment_lines(text);
    let mut lines = lines
        .iter()
        .filter(|line| line.form == Form::Line && line.starts_line);
    lines.find_map(|line| {
        if of_dbmate(line).is_some_and(|found| found.contains(&Instruction::Up)) {
            return Some(Layout::Dbmate);
        }
        let (tool, found) = marker(line)?;
        let is_direction = |it: &Instruction| matches!(it, Instruction::Up | Instruction::Down);
        let layout = match tool {
            "goose" => Layout::Goose,
            "dbmate" => Layout::Dbmate,
            "sql-migrate" => Layout::SqlMigrate,
            _ => return None,
        };
        found.iter().any(is_direction).then_some(layout)
    })
}

fn mixed(found: &BTreeMap<Layout, Vec<&str>>) -> Diagnostic {
    let belongs = found.iter().map(|(layout, files)| {
        let more = match files.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let mut files = files.clone();
        files.sort_unstable();
        let named = files
            .iter()
            .take(NAMED)
            .copied()
            .collect::<Vec<_>>()
            .join(", ");
        format!("{}: {named}{more}", layout.tools())
    });
    let belongs: Vec<String> = belongs.collect();
    let words: Vec<&str> = found.keys().map(|layout| layout.word()).collect();
    Diagnostic::problem(
        "mixed-layouts",
        "this folder holds migrations of more than one tool",
    )
    .note(belongs.join("\n"))
    .help("keep those of one tool in this folder, and move the others out of it")
    .help(format!(
        "or say which layout is meant, and each file that does not fit is reported: `--layout {}`",
        words.join("` or `--layout ")
    ))
}

#[cfg(test)]
mod tests;
