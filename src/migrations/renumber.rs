//! Giving a migration the next free version, before a database has applied it. What is renamed is decided purely; then
//! the files are renamed, and never over another one.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::file::{FileName, Order};
use super::listing::sql_files;
use super::numbering::{Numbering, next_version, parsed, version};
use super::problem::file_name;
use super::set::{ReadError, slashes};
use crate::layouts::{Layout, Unnamable, goes_by_name, named as name_of, renamed as rename_in};

/// Which migration.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Which {
    /// The one with this version.
    Version(i64),
    /// The one in this file, by its name or path.
    File(String),
}

/// A file and its new name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rename {
    /// The file as it was called.
    pub from: PathBuf,
    /// As it is called now.
    pub to: PathBuf,
}

/// What was renamed, and what was left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Renumbered {
    /// The files with new names.
    pub renamed: Vec<Rename>,
    /// Down files of the old version that have other words than the migration. They keep their names; `to` is the name
    /// of one that undoes it.
    pub left: Vec<Rename>,
}

/// The migration keeps its version.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RenumberError {
    /// There is no such migration.
    #[error("there is no {what} among the files")]
    NotFound {
        /// The version or file.
        what: String,
    },
    /// Several files have this version, or this name.
    #[error("{} files are {what}: {}", files.len(), files.join(", "))]
    Several {
        /// The version or name.
        what: String,
        /// The files.
        files: Vec<String>,
    },
    /// The file has no version.
    #[error("{file} has no version to change")]
    NoVersion {
        /// The file.
        file: String,
    },
    /// There is no higher version.
    #[error("there is no version above V{newest}")]
    NoHigher {
        /// The newest.
        newest: i64,
    },
    /// The files of the folder have no numbers.
    #[error(
        "the files of this folder have no numbers, and run in the order of their names: rename the one that is to run last \
         so that its name comes behind {last}"
    )]
    OrderOfNames {
        /// The last of them.
        last: String,
    },
    /// The tool keeps a journal of its files, and has to number them itself.
    #[error("only {} can number a file of this folder", layout.tools())]
    OnlyItsTool {
        /// The layout.
        layout: Layout,
    },
    /// The directory cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// A file cannot be renamed; those before it were given their old names again.
    #[error("cannot rename {} to {}", from.display(), to.display())]
    Rename {
        /// The file.
        from: PathBuf,
        /// Its new name.
        to: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Gives a migration and its down file the next free version, or the time where versions are times. A down file with
/// other words may be that of another migration, and is left.
///
/// # Errors
/// [`RenumberError`]; every file has its old name then.
pub fn renumber(
    directory: &Path,
    layout: Layout,
    which: &Which,
    now: SystemTime,
) -> Result<Renumbered, RenumberError> {
    let files = sql_files(directory)?;
    let mut names: Vec<String> = files.iter().map(|file| slashes(file)).collect();
    names.sort_unstable();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let renumbered = match layout {
        Layout::Seedbed => renames(&names, which, now)?,
        layout => renames_in(layout, &names, which, now)?,
    };
    let renames = &renumbered.renamed;
    for (number, rename) in renames.iter().enumerate() {
        if let Err(source) = rename_to_new(&rename.from, &rename.to) {
            for done in renames[..number].iter().rev() {
                // Where this fails too, `check` tells of a down file without its migration.
                let _ = rename_to_new(&done.to, &done.from);
            }
            return Err(RenumberError::Rename {
                from: rename.from.clone(),
                to: rename.to.clone(),
                source,
            });
        }
    }
    Ok(renumbered)
}

/// The file of a migration that a renumbering would rename.
///
/// # Errors
/// [`RenumberError`].
pub fn file_to_renumber(
    directory: &Path,
    layout: Layout,
    which: &Which,
) -> Result<String, RenumberError> {
    let files = sql_files(directory)?;
    let mut names: Vec<String> = files.iter().map(|file| slashes(file)).collect();
    names.sort_unstable();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    match layout {
        Layout::Seedbed => Ok(the_one(&names, which)?.to_owned()),
        layout => Ok(the_one_in(layout, &names, which)?.0.to_owned()),
    }
}

/// What is to be renamed. Pure.
fn renames(files: &[&str], which: &Which, now: SystemTime) -> Result<Renumbered, RenumberError> {
    let file = the_one(files, which)?;
    let Some(FileName::Versioned {
        version: old,
        words,
        order,
    }) = parsed(file)
    else {
        return Err(RenumberError::NoVersion {
            file: file.to_owned(),
        });
    };
    let newest = files.iter().filter_map(|file| version(file)).max();
    let newest = newest.unwrap_or_default();
    let new =
        next_version(newest, Numbering::AsNewest, now).ok_or(RenumberError::NoHigher { newest })?;
    let letter = match order {
        Order::Strict => 'V',
        Order::Any => 'U',
    };
    let mut renames = vec![in_its_folder(file, &format!("{letter}{new}__{words}.sql"))];
    let mut left = Vec::new();
    let others = migrations_of(files, old);
    let others = others.into_iter().filter(|other| *other != file);
    let others: Vec<FileName> = others.filter_map(parsed).collect();
    for down in files {
        if let Some(FileName::Down {
            version,
            words: of_down,
        }) = parsed(down)
            && version == old
        {
            let rename = in_its_folder(down, &format!("V{new}__{words}.down.sql"));
            let is_other = |other: &FileName| matches!(other, FileName::Versioned { words, .. } if *words == of_down);
            match of_down.eq_ignore_ascii_case(&words) {
                true => renames.push(rename),
                false if others.iter().any(is_other) => {}
                false => left.push(rename),
            }
        }
    }
    Ok(Renumbered {
        renamed: renames,
        left,
    })
}

/// What is to be renamed in the folder of another tool. Pure.
fn renames_in(
    layout: Layout,
    files: &[&str],
    which: &Which,
    now: SystemTime,
) -> Result<Renumbered, RenumberError> {
    let (file, old) = the_one_in(layout, files, which)?;
    let all = || {
        files
            .iter()
            .filter_map(|file| Some((*file, name_of(layout, file)?)))
    };
    let newest = all().filter_map(|(_, it)| it.version()).max();
    let newest = newest.unwrap_or_default();
    let new =
        next_version(newest, Numbering::AsNewest, now).ok_or(RenumberError::NoHigher { newest })?;
    // Both files of a pair are renamed; a folder keeps what it holds.
    let of_it = all().filter(|(path, it)| {
        *path == file || it.is_down && it.version() == Some(old.0) && it.words == old.1
    });
    let mut renamed = Vec::new();
    for (path, _) in of_it {
        let only_its_tool = |_: Unnamable| RenumberError::OnlyItsTool { layout };
        let (from, to) = rename_in(layout, path, new).map_err(only_its_tool)?;
        let rename = Rename {
            from: from.into(),
            to: to.into(),
        };
        if !renamed.contains(&rename) {
            renamed.push(rename);
        }
    }
    Ok(Renumbered {
        renamed,
        left: Vec::new(),
    })
}

/// The file that is meant in the folder of another tool, with its number and words.
fn the_one_in<'a>(
    layout: Layout,
    files: &[&'a str],
    which: &Which,
) -> Result<(&'a str, (i64, String)), RenumberError> {
    if layout == Layout::Drizzle {
        return Err(RenumberError::OnlyItsTool { layout });
    }
    let by_name = files.iter().filter(|it| goes_by_name(layout, it));
    if let Some(last) = by_name.map(|it| file_name(it)).max() {
        let last = last.to_owned();
        return Err(RenumberError::OrderOfNames { last });
    }
    let ups = files.iter().filter_map(|file| {
        let name = name_of(layout, file).filter(|name| !name.is_down)?;
        Some((*file, (name.version()?, name.words)))
    });
    let (what, found): (String, Vec<_>) = match which {
        Which::Version(version) => (
            format!("V{version}"),
            ups.filter(|(_, (number, _))| number == version).collect(),
        ),
        Which::File(name) => {
            let wanted = name.replace('\\', "/");
            let wanted = wanted.trim_start_matches("./").trim_end_matches('/');
            let is_it = |file: &str| {
                let mut path = Some(file);
                // The file, or the folder that holds it.
                std::iter::from_fn(|| {
                    let now = path?;
                    path = now.rsplit_once('/').map(|(folder, _)| folder);
                    Some(now)
                })
                .take(2)
                .any(|path| path == wanted || path.ends_with(&format!("/{wanted}")))
            };
            (name.clone(), ups.filter(|(file, _)| is_it(file)).collect())
        }
    };
    match <[_; 1]>::try_from(found) {
        Ok([one]) => Ok(one),
        Err(found) if found.is_empty() => Err(RenumberError::NotFound { what }),
        Err(found) => Err(RenumberError::Several {
            what,
            files: found.iter().map(|(file, _)| (*file).to_owned()).collect(),
        }),
    }
}

/// The file that is meant.
fn the_one<'a>(files: &[&'a str], which: &Which) -> Result<&'a str, RenumberError> {
    let (what, found) = match which {
        Which::Version(version) => (format!("V{version}"), migrations_of(files, *version)),
        Which::File(name) => (name.clone(), named(files, name)),
    };
    match found.as_slice() {
        [] => Err(RenumberError::NotFound { what }),
        [file] => Ok(file),
        several => Err(RenumberError::Several {
            what,
            files: several.iter().map(|file| (*file).to_owned()).collect(),
        }),
    }
}

/// The migrations that claim a version.
fn migrations_of<'a>(files: &[&'a str], wanted: i64) -> Vec<&'a str> {
    let claims = |file: &&str| matches!(parsed(file), Some(FileName::Versioned { version, .. }) if version == wanted);
    files.iter().copied().filter(claims).collect()
}

/// The files with this name, or at the end of whose path it stands; of a down file, its migration.
fn named<'a>(files: &[&'a str], name: &str) -> Vec<&'a str> {
    let name = name.replace('\\', "/");
    let name = name.trim_start_matches("./");
    let is_end = |long: &str, short: &str| {
        long.strip_suffix(short)
            .is_some_and(|before| before.is_empty() || before.ends_with('/'))
    };
    let found = files
        .iter()
        .copied()
        .filter(|file| is_end(file, name) || is_end(name, file.trim_start_matches("./")));
    let found = found.flat_map(|file| match parsed(file) {
        Some(FileName::Down { version, words }) => {
            let claims = migrations_of(files, version);
            let own = |file: &&str| matches!(parsed(file), Some(FileName::Versioned { words: of_up, .. }) if of_up == words);
            match claims.as_slice() {
                [_] => claims,
                _ => claims.into_iter().filter(own).collect(),
            }
        }
        _ => vec![file],
    });
    found.collect()
}

fn in_its_folder(file: &str, name: &str) -> Rename {
    Rename {
        from: PathBuf::from(file),
        to: Path::new(file).with_file_name(name),
    }
}

/// Renames a file to a name that is not taken: a plain rename would overwrite the file that has it.
fn rename_to_new(from: &Path, to: &Path) -> std::io::Result<()> {
    // A folder takes a name that is free, and the system refuses one that holds files.
    if from.is_dir() {
        std::fs::create_dir(to)?;
    } else {
        OpenOptions::new().write(true).create_new(true).open(to)?;
    }
    std::fs::rename(from, to).inspect_err(|_| {
        // This process took the name a moment ago.
        let _ = match to.is_dir() {
            true => std::fs::remove_dir(to),
            false => std::fs::remove_file(to),
        };
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrations::Migrations;

    fn which(text: &str) -> Which {
        text.parse()
            .map_or_else(|_| Which::File(text.to_owned()), Which::Version)
    }

    /// Renames as `from -> to`, or the error.
    #[track_caller]
    fn check(files: &[&str], text: &str, expect: &[&str]) {
        let found = match renames(files, &which(text), SystemTime::UNIX_EPOCH) {
            Ok(Renumbered { renamed, left }) => {
                let shown = |arrow: &'static str| {
                    move |rename: &Rename| {
                        format!("{}{arrow}{}", rename.from.display(), rename.to.display())
                    }
                };
                let renamed = renamed.iter().map(shown(" -> "));
                renamed
                    .chain(left.iter().map(shown(" is left, and not ")))
                    .collect()
            }
            Err(error) => vec![error.to_string()],
        };
        assert_eq!(found, expect, "renumber {text}");
    }

    #[test]
    fn a_migration_and_its_down_file_get_the_next_free_version_and_stay_in_their_folder() {
        check(
            &["m/2026/V2__a.sql", "m/V2__a.down.sql", "m/U9__b.sql"],
            "2",
            &[
                "m/2026/V2__a.sql -> m/2026/V10__a.sql",
                "m/V2__a.down.sql -> m/V10__a.down.sql",
            ],
        );
        check(&["m/U9__b.sql"], "9", &["m/U9__b.sql -> m/U10__b.sql"]);
    }

    #[test]
    fn of_two_with_one_version_the_file_must_be_named() {
        let files = [
            "m/V2__a.down.sql",
            "m/V2__a.sql",
            "m/V2__b.down.sql",
            "m/V2__b.sql",
        ];
        check(&files, "2", &["2 files are V2: m/V2__a.sql, m/V2__b.sql"]);
        let b = [
            "m/V2__b.sql -> m/V3__b.sql",
            "m/V2__b.down.sql -> m/V3__b.down.sql",
        ];
        for name in [
            "V2__b.sql",
            "m/V2__b.sql",
            "./m/V2__b.sql",
            "m\\V2__b.sql",
            "/home/me/m/V2__b.sql",
        ] {
            check(&files, name, &b);
        }
        check(&files, "V2__b.down.sql", &b);
    }

    #[test]
    fn a_down_file_with_other_words_is_left() {
        check(
            &["V2__a.sql", "V2__undo_it.down.sql"],
            "V2__undo_it.down.sql",
            &[
                "V2__a.sql -> V3__a.sql",
                "V2__undo_it.down.sql is left, and not V3__a.down.sql",
            ],
        );
        // It is that of a migration whose number was changed by hand.
        check(
            &["V2__n.sql", "V2__t.down.sql", "V3__t.sql"],
            "V2__n.sql",
            &[
                "V2__n.sql -> V4__n.sql",
                "V2__t.down.sql is left, and not V4__n.down.sql",
            ],
        );
        // It is that of the other file, which keeps the version.
        check(
            &["V2__n.sql", "V2__t.down.sql", "V2__t.sql"],
            "V2__n.sql",
            &["V2__n.sql -> V3__n.sql"],
        );
    }

    #[test]
    fn what_is_not_there_or_has_no_version_is_an_error() {
        check(&["V2__a.sql"], "3", &["there is no V3 among the files"]);
        check(
            &["V2__a.sql"],
            "2__a.sql",
            &["there is no 2__a.sql among the files"],
        );
        check(
            &["R__v.sql"],
            "R__v.sql",
            &["R__v.sql has no version to change"],
        );
        check(
            &["oops.sql"],
            "oops.sql",
            &["oops.sql has no version to change"],
        );
        check(
            &["V9223372036854775807__a.sql"],
            "9223372036854775807",
            &["there is no version above V9223372036854775807"],
        );
        check(
            &["a/V2__a.sql", "b/V2__a.sql"],
            "V2__a.sql",
            &["2 files are V2__a.sql: a/V2__a.sql, b/V2__a.sql"],
        );
    }

    #[test]
    fn files_are_renamed_and_never_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["V1__a.sql", "V2__b.sql", "V2__c.sql", "V2__c.down.sql"] {
            std::fs::write(at(name), name).unwrap();
        }
        let done = renumber(
            folder.path(),
            Layout::Seedbed,
            &which("V2__c.sql"),
            SystemTime::UNIX_EPOCH,
        )
        .unwrap();
        assert_eq!((done.renamed.len(), done.left.len()), (2, 0));
        assert_eq!(
            std::fs::read_to_string(at("V3__c.sql")).unwrap(),
            "V2__c.sql"
        );
        assert_eq!(
            std::fs::read_to_string(at("V3__c.down.sql")).unwrap(),
            "V2__c.down.sql"
        );
        assert!(!at("V2__c.sql").exists() && !at("V2__c.down.sql").exists());
        assert_eq!(Migrations::read_dir(folder.path()).unwrap().problems, []);

        let error = rename_to_new(&at("V1__a.sql"), &at("V2__b.sql")).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
        assert_eq!(
            std::fs::read_to_string(at("V2__b.sql")).unwrap(),
            "V2__b.sql"
        );
    }

    #[test]
    fn where_the_down_file_cannot_be_renamed_the_migration_keeps_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("V1__a.sql"), "").unwrap();
        std::fs::write(at("V1__a.down.sql"), "").unwrap();
        // A directory has the name that the down file is to get.
        std::fs::create_dir(at("V2__a.down.sql")).unwrap();
        let error = renumber(
            folder.path(),
            Layout::Seedbed,
            &Which::Version(1),
            SystemTime::UNIX_EPOCH,
        )
        .unwrap_err();
        assert!(matches!(error, RenumberError::Rename { .. }), "{error}");
        assert!(
            at("V1__a.sql").is_file()
                && at("V1__a.down.sql").is_file()
                && !at("V2__a.sql").exists()
        );
    }
}
