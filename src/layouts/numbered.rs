//! `{n}_{words}.sql`: sqlx and wrangler, whose files only apply, and goose, dbmate and sql-migrate, whose files hold both
//! directions. Pure.

use std::sync::Arc;

use super::sections::{Rules, divide};
use super::text::{obeyed, unmarked, whole_file};
use super::{Claim, File, LaidOut, Layout, Part, name};
use crate::diagnostic::Diagnostic;
use crate::script::{Atomicity, Source};

/// The digits and the words of a file.
pub(super) fn parse(layout: Layout, path: &str) -> Option<(&str, &str)> {
    let stem = name::stem(name::last(path))?;
    match layout {
        Layout::Dbmate | Layout::SqlMigrate => name::loosely_numbered(stem),
        _ => name::numbered(stem),
    }
}

/// Whether the name of a file tells no number, and its tool goes by the whole name then: sql-migrate, by its code
/// (`Migration.Less` in `migrate.go`).
pub(super) fn goes_by_name(layout: Layout, path: &str) -> bool {
    let is_sql = name::stem(name::last(path)).is_some();
    layout == Layout::SqlMigrate && is_sql && parse(layout, path).is_none()
}

/// Reads them. Other names were sorted out before.
pub(super) fn read(layout: Layout, mut files: Vec<File>, out: &mut LaidOut) {
    let is_by_name = |file: &File| goes_by_name(layout, &file.path);
    let all_by_name = files.iter().all(is_by_name);
    if all_by_name {
        // Their numbers are their places.
        files.sort_by(|one, other| name::last(&one.path).cmp(name::last(&other.path)));
    } else {
        let mixed = files.iter().filter(|file| is_by_name(file));
        out.problems
            .extend(mixed.map(|file| without_number(&file.path)));
    }
    for (place, file) in (1..).zip(files) {
        let (version, words) = match parse(layout, &file.path) {
            Some((digits, words)) => (name::version(&file.path, digits), words),
            None if all_by_name => (
                Ok(place),
                name::stem(name::last(&file.path)).unwrap_or_default(),
            ),
            None => continue,
        };
        let words = words.to_owned();
        match version {
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

/// A number given to it would change whenever a file with a number is added.
fn without_number(file: &str) -> Diagnostic {
    let message = "this name begins with no number, and others in the folder do: sql-migrate runs it behind all of those";
    Diagnostic::problem("bad-name", message)
        .in_file(file)
        .help("give it a number above theirs; where sql-migrate has applied it, rename it in `gorp_migrations` too: `UPDATE gorp_migrations SET id = NEW WHERE id = OLD`")
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
