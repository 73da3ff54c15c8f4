//! The names and first texts of new files, new numbers for files that are there, and what to write where something is
//! missing. Pure: it names files and writes none.

use super::pairs::Way;
use super::{Layout, diesel, name, numbered, pairs, prisma};

/// What the name of a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// The number, with the zeros before it.
    pub(crate) digits: String,
    /// The words.
    pub(crate) words: String,
    /// Whether the file undoes.
    pub(crate) is_down: bool,
}

impl Named {
    /// The number.
    pub(crate) fn version(&self) -> Option<i64> {
        self.digits.parse().ok()
    }
}

/// Reads a path of a layout other than Seedbed's.
pub(crate) fn named(layout: Layout, path: &str) -> Option<Named> {
    let (digits, words, is_down) = match layout {
        Layout::Seedbed | Layout::Drizzle => return None,
        Layout::Numbered | Layout::Goose | Layout::Dbmate | Layout::SqlMigrate => {
            let (digits, words) = numbered::parse(layout, path)?;
            (digits.to_owned(), words, false)
        }
        Layout::Pairs => {
            let (digits, words, way) = pairs::parse(path)?;
            (digits.to_owned(), words, way == Way::Down)
        }
        Layout::Diesel => {
            let (digits, words) = diesel::parse(name::folder(path))?;
            (digits, words, name::last(path) == "down.sql")
        }
        Layout::Prisma => {
            let (digits, words) = prisma::parse(name::folder(path))?;
            (digits.to_owned(), words, name::last(path) == "down.sql")
        }
    };
    Some(Named {
        digits,
        words: words.to_owned(),
        is_down,
    })
}

/// A file to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewFile {
    /// Below the folder of the migrations.
    pub(crate) path: String,
    /// What it begins with.
    pub(crate) text: String,
}

/// Only the tool itself can write its files: the command that does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unnamable(pub(crate) &'static str);

/// What writes and numbers the files of a layout that keeps a journal of them.
const OF_DRIZZLE: Unnamable = Unnamable("drizzle-kit generate --custom");

/// What a new file says where its statements go.
const UP: &str =
    "-- Below this line, the statements of this migration. They run in one transaction.\n";

/// Whether what runs of a file is still what [`new_files`] wrote.
pub(crate) fn is_unwritten(text: &str) -> bool {
    text.trim() == UP.trim()
}

/// The files of a new migration. `width` is how many digits the numbers of the others have.
pub(crate) fn new_files(
    layout: Layout,
    version: i64,
    words: &str,
    width: usize,
    with_down: bool,
) -> Result<Vec<NewFile>, Unnamable> {
    let down = format!("-- Below this line, the statements that undo V{version}.\n");
    let digits = digits(layout, version, width);
    let one = |path: String, text: String| NewFile { path, text };
    let sections = |up: &str, of_down: &str| {
        let text = format!("{up}\n{UP}\n{of_down}\n{down}");
        Ok(vec![one(format!("{digits}_{words}.sql"), text)])
    };
    let pair = |up: String, of_down: String, always: bool| {
        let mut files = vec![one(up, UP.to_owned())];
        if with_down || always {
            files.push(one(of_down, down.clone()));
        }
        Ok(files)
    };
    match layout {
        Layout::Drizzle => Err(OF_DRIZZLE),
        Layout::Seedbed => pair(
            format!("V{version}__{words}.sql"),
            format!("V{version}__{words}.down.sql"),
            false,
        ),
        Layout::Numbered => Ok(vec![one(format!("{digits}_{words}.sql"), UP.to_owned())]),
        Layout::Goose => sections("-- +goose Up", "-- +goose Down"),
        Layout::Dbmate => sections("-- migrate:up", "-- migrate:down"),
        Layout::SqlMigrate => sections("-- +migrate Up", "-- +migrate Down"),
        Layout::Pairs => pair(
            format!("{digits}_{words}.up.sql"),
            format!("{digits}_{words}.down.sql"),
            true,
        ),
        Layout::Diesel => pair(
            format!("{digits}_{words}/up.sql"),
            format!("{digits}_{words}/down.sql"),
            true,
        ),
        Layout::Prisma => pair(
            format!("{digits}_{words}/migration.sql"),
            format!("{digits}_{words}/down.sql"),
            false,
        ),
    }
}

/// A number as the layout writes it: Diesel divides times.
fn digits(layout: Layout, version: i64, width: usize) -> String {
    let digits = format!("{version:0width$}");
    match layout {
        Layout::Diesel if digits.len() == 14 => format!(
            "{}-{}-{}-{}",
            &digits[..4],
            &digits[4..6],
            &digits[6..8],
            &digits[8..]
        ),
        _ => digits,
    }
}

/// What is to be renamed so that a migration gets another number, and how: a file, or the folder of one.
pub(crate) fn renamed(
    layout: Layout,
    path: &str,
    version: i64,
) -> Result<(String, String), Unnamable> {
    let (whole, digits_end) = match layout {
        Layout::Drizzle => return Err(OF_DRIZZLE),
        Layout::Diesel | Layout::Prisma => {
            let folder = name::folder(path);
            (folder, name::last(folder).find('_'))
        }
        _ => {
            let last = name::last(path);
            (path, last.find(|c: char| !c.is_ascii_digit()))
        }
    };
    let last = name::last(whole);
    let (number, rest) = last.split_at(digits_end.unwrap_or(last.len()));
    let before = &whole[..whole.len() - last.len()];
    let width = number.bytes().filter(u8::is_ascii_digit).count();
    let digits = digits(layout, version, width);
    Ok((whole.to_owned(), format!("{before}{digits}{rest}")))
}

/// The path below the folder of the migrations that a migration would have; `None` where only the tool can write it.
pub(crate) fn file_of(layout: Layout, version: i64, words: &str, width: usize) -> Option<String> {
    let files = new_files(layout, version, words, width, false).ok()?;
    Some(files.into_iter().next()?.path)
}

/// Where what undoes a migration is written, as the end of "write …"; `None` where the layout has no place for it.
pub(crate) fn down_hint(layout: Layout, version: &str, words: &str) -> Option<String> {
    Some(match layout {
        Layout::Seedbed => format!("{version}__{words}.down.sql"),
        Layout::Numbered | Layout::Drizzle => return None,
        Layout::Pairs => format!(
            "its file {}_{words}.down.sql",
            version.trim_start_matches('V')
        ),
        Layout::Diesel | Layout::Prisma => "down.sql in its folder".to_owned(),
        Layout::Goose => "the section `-- +goose Down` of its file".to_owned(),
        Layout::Dbmate => "the section `-- migrate:down` of its file".to_owned(),
        Layout::SqlMigrate => "the section `-- +migrate Down` of its file".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(layout: Layout, path: &str, expect: &str) {
        let (from, to) = renamed(layout, path, 12).unwrap();
        assert_eq!(format!("{from} -> {to}"), expect);
    }

    #[test]
    fn a_new_number_keeps_the_form_of_the_old_one() {
        check(
            Layout::Goose,
            "m/00003_add_users.sql",
            "m/00003_add_users.sql -> m/00012_add_users.sql",
        );
        check(
            Layout::Pairs,
            "m/3_a.up.sql",
            "m/3_a.up.sql -> m/12_a.up.sql",
        );
        check(
            Layout::Prisma,
            "m/0003_a/migration.sql",
            "m/0003_a -> m/0012_a",
        );
        let (_, to) = renamed(
            Layout::Diesel,
            "m/2024-01-02-030405_a/up.sql",
            20_250_102_030_405,
        )
        .unwrap();
        assert_eq!(to, "m/2025-01-02-030405_a");
        assert_eq!(renamed(Layout::Drizzle, "m/0001_a.sql", 2), Err(OF_DRIZZLE));
    }

    #[test]
    fn what_new_files_are_called_is_read_again() {
        for layout in Layout::ALL {
            let Ok(files) = new_files(layout, 20_250_102_030_405, "add_users", 4, true) else {
                continue;
            };
            for file in files.iter().filter(|_| layout != Layout::Seedbed) {
                let named = named(layout, &file.path).unwrap();
                assert_eq!(named.version(), Some(20_250_102_030_405), "{}", file.path);
                assert_eq!(named.words, "add_users");
            }
        }
    }
}
