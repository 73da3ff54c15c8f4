//! `{n}_{words}.up.sql` and `{n}_{words}.down.sql`: golang-migrate, geni and sqlx with reversible migrations. Pure.
//!
//! golang-migrate takes anything behind the direction (`1_a.up.sqlite.sql`, `1_a.up..sql`): its expression is
//! `^([0-9]+)_(.*)\.(down|up)\.(.*)$` (`source/parse.go`).

use std::collections::BTreeMap;

use super::text::{down_file, obeyed, unmarked, whole_file};
use super::{Claim, File, LaidOut, Layout, name};
use crate::diagnostic::Diagnostic;

/// What a name says: digits, words, and whether the file applies.
pub(super) fn parse(path: &str) -> Option<(&str, &str, Way)> {
    let stem = name::stem(name::last(path))?;
    let (digits, rest) = name::numbered(stem)?;
    let ways = [(Way::Up, ".up"), (Way::Down, ".down")];
    ways.into_iter().find_map(|(way, ending)| {
        let at = rest.rfind(ending)?;
        let behind = &rest[at + ending.len()..];
        (behind.is_empty() || behind.starts_with('.')).then(|| (digits, &rest[..at], way))
    })
}

/// Which way a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
}

/// Reads them. Other names were sorted out before.
pub(super) fn read(files: Vec<File>, out: &mut LaidOut) {
    let tools = obeyed(Layout::Pairs);
    let mut downs: BTreeMap<i64, Vec<File>> = BTreeMap::new();
    let mut ups = Vec::new();
    for file in files {
        let Some((digits, words, way)) = parse(&file.path) else {
            continue;
        };
        match (name::version(&file.path, digits), way) {
            (Err(problem), _) => out.problems.push(*problem),
            (Ok(version), Way::Down) => downs.entry(version).or_default().push(file),
            (Ok(version), Way::Up) => ups.push((version, words.to_owned(), file)),
        }
    }
    ups.sort_by(|a, b| (a.0, &a.2.path).cmp(&(b.0, &b.2.path)));
    for (version, words, file) in ups {
        let mut of_it = downs.remove(&version).unwrap_or_default();
        if let [_, _, ..] = of_it[..] {
            let files: Vec<&str> = of_it.iter().map(|file| file.path.as_str()).collect();
            let message = format!(
                "V{version} has {} down files: {}",
                files.len(),
                files.join(", ")
            );
            out.problems.push(
                Diagnostic::problem("duplicate", message)
                    .in_file(files[0])
                    .help("keep one of them"),
            );
        }
        let down = of_it.pop().map(|file| down_file(file, tools));
        let (text, atomicity) = unmarked(&file.text, tools);
        let up = whole_file(file, text, atomicity);
        out.claims.push(Claim {
            version,
            words,
            up,
            down,
            generated_at: None,
        });
    }
    for file in downs.into_values().flatten() {
        let up = file.path.replacen(".down", ".up", 1);
        out.problems.push(
            Diagnostic::problem(
                "down-without-up",
                "there is no file that applies what this one undoes",
            )
            .in_file(file.path)
            .help(format!("add {up}, or remove this file")),
        );
    }
}
