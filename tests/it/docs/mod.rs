//! The documentation: `README.md` and `docs/`. Its sessions and commands are run, its links followed, and the pages that
//! the program writes are compared. `UPDATE_EXPECT=1` writes what was found into the pages.

#[cfg(unix)]
mod commands;
#[cfg(unix)]
mod folder;
mod help;
mod library;
mod links;
#[cfg(unix)]
mod picture;
mod rules;
#[cfg(unix)]
mod sessions;

use std::path::{Path, PathBuf};

/// A page of the documentation.
struct Page {
    /// From the root of the repository, with `/` between its parts.
    path: String,
    text: String,
}

/// The text between two fences.
struct Block {
    language: String,
    text: String,
    /// The line of its first fence.
    line: usize,
}

impl Page {
    fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<Block> = None;
        for (at, line) in self.text.lines().enumerate() {
            match (&mut open, line.strip_prefix("```")) {
                (None, Some(language)) => {
                    open = Some(Block {
                        language: language.to_owned(),
                        text: String::new(),
                        line: at + 1,
                    });
                }
                (Some(_), Some(_)) => blocks.extend(open.take()),
                (Some(block), None) => block.text.extend([line, "\n"]),
                (None, None) => assert!(
                    !line.trim_start().starts_with("```"),
                    "{}:{}: an indented fence is not seen by the tests",
                    self.path,
                    at + 1
                ),
            }
        }
        assert!(open.is_none(), "{}: a block does not end", self.path);
        blocks
    }

    /// The project that the commands of the page are run in, as its first lines name it: `<!-- project: NAME -->`.
    fn project(&self) -> Option<&str> {
        let line = self
            .text
            .lines()
            .find_map(|line| line.strip_prefix("<!-- project: "))?;
        line.strip_suffix(" -->")
    }
}

/// Every page, in the order of their paths.
fn pages() -> Vec<Page> {
    let mut paths = vec!["README.md".to_owned()];
    let mut folders = vec!["docs".to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(Path::new(crate::ROOT).join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{folder}/{}", entry.file_name().to_str().unwrap());
            if entry.file_type().unwrap().is_dir() {
                folders.push(path);
            } else if path.ends_with(".md") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    paths.into_iter().map(page).collect()
}

fn page(path: String) -> Page {
    let text = std::fs::read_to_string(file(&path)).unwrap();
    Page { path, text }
}

fn file(path: &str) -> PathBuf {
    Path::new(crate::ROOT).join(path)
}

/// Whether the pages are to be written and not compared.
fn writes() -> bool {
    std::env::var_os("UPDATE_EXPECT").is_some()
}

/// Compares a file with what it is to be, or writes it.
fn compare(path: &str, found: &str, comparable: impl Fn(&str) -> String) -> Result<(), String> {
    let there = std::fs::read_to_string(file(path)).unwrap_or_default();
    let (old, new) = (comparable(&there), comparable(found));
    if old == new {
        return Ok(());
    }
    if writes() {
        // What differs from run to run is no reason to write; where something else differs, all of it is written.
        std::fs::write(file(path), found).unwrap();
        return Ok(());
    }
    let mut lines = old.lines().zip(new.lines()).enumerate();
    let (at, lines) = match lines.find(|(_, (old, new))| old != new) {
        Some((at, (old, new))) => (at, format!("- {old}\n+ {new}")),
        None => (old.lines().count().min(new.lines().count()), String::new()),
    };
    let line = at + 1;
    Err(format!(
        "{path}:{line} is not current; `UPDATE_EXPECT=1` writes it\n{lines}"
    ))
}
