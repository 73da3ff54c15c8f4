//! `{n}_{words}.sql`: sqlx and wrangler, whose files only apply, and goose, dbmate and sql-migrate, whose files hold both
//! directions. Pure.

use std::sync::Arc;

use super::sections::{Rules, divide};
use super::text::{obeyed, unmarked, whole_file};
use super::{Claim, File, LaidOut, Layout, Part, name};
use crate::script::{Atomicity, Source};

/// The digits and the words of a file.
pub(super) fn parse(layout: Layout, path: &str) -> Option<(&str, &str)> {
    let stem = name::stem(name::last(path))?;
    match layout {
        Layout::Dbmate | Layout::SqlMigrate => name::loosely_numbered(stem),
        _ => name::numbered(stem),
    }
}

/// Reads them. Other names were sorted out before.
pub(super) fn read(layout: Layout, files: Vec<File>, out: &mut LaidOut) {
    for file in files {
        let Some((digits, words)) = parse(layout, &file.path) else {
            continue;
        };
        let words = words.to_owned();
        match name::version(&file.path, digits) {
            Err(problem) => out.problems.push(*problem),
            Ok(version) => {
                if let Some((up, down)) = parts(layout, file, out) {
                    out.claims.push(Claim {
                        version,
                        words,
                        up,
                        down,
                        generated_at: None,
                    });
                }
            }
        }
    }
}

fn parts(layout: Layout, file: File, out: &mut LaidOut) -> Option<(Part, Option<Part>)> {
    if layout == Layout::Numbered {
        let (text, atomicity) = unmarked(&file.text, obeyed(layout));
        return Some((whole_file(file, text, atomicity), None));
    }
    // It has a problem of its own: an empty file.
    if file.text.trim().is_empty() {
        return Some((whole_file(file, None, Atomicity::default()), None));
    }
    let source = Arc::new(Source {
        name: file.path.clone(),
        text: file.text.clone(),
    });
    let divided = divide(&source, &Rules::of(layout));
    let is_right = divided.problems.is_empty();
    out.problems.extend(divided.problems);
    let up = divided.up.filter(|_| is_right)?;
    let down = divided.down.map(|down| Part {
        recorded: down.recorded().into(),
        raw: None,
        source: Arc::new(Source {
            name: file.path.clone(),
            text: down.text.into(),
        }),
        atomicity: down.atomicity,
    });
    Some((whole_file(file, Some(up.text), up.atomicity), down))
}
