//! The files of backups: how they are called, what their checksums say, which are old. Names and times are pure;
//! reading and removing is at the end.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use super::location::Location;
use crate::{hex, regular};

/// The ending of a backup's name.
const ENDING: &str = ".sql.gz";

/// The ending of the name of one that is not proven.
const UNPROVEN: &str = ".unproven.sql.gz";

/// A backup in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Kept {
    /// The file.
    pub file: PathBuf,
    /// What its name begins with.
    pub name: String,
    /// Which database it is of; none where it does not record that.
    pub location: Option<Location>,
    /// The id that the history of this database had; none where it had none.
    pub database_id: Option<String>,
    /// When it was taken, by the clock of the machine that took it.
    pub taken_at: SystemTime,
    /// Its length, packed as it is.
    pub bytes: u64,
    /// Whether it is as it was when it was taken.
    pub state: Condition,
}

/// What the checksum beside a backup says of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Condition {
    /// It is as it was when it was taken.
    Good,
    /// It is as it was when it was taken, and is not known to restore.
    Unproven,
    /// It has no checksum: the process that took it did not finish, or the checksum was lost.
    Unsigned,
    /// It is not what the checksum says.
    Damaged,
    /// It, or its checksum, cannot be read.
    Unreadable,
}

impl Condition {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Condition::Good => "good",
            Condition::Unproven => "unproven",
            Condition::Unsigned => "no checksum",
            Condition::Damaged => "damaged",
            Condition::Unreadable => "unreadable",
        }
    }
}

/// `NAME-20261121T221251Z.sql.gz`; for another one of the same second, by its number from 2 to 99,
/// `NAME-20261121T221251Z_02.sql.gz`. Names in order are times in order.
pub(super) fn file_name(name: &str, taken_at: SystemTime, number: u32) -> String {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    // Only a year beyond 9999 cannot be written.
    let time = OffsetDateTime::from(taken_at)
        .format(format)
        .unwrap_or_default();
    let number = match number {
        ..=1 => String::new(),
        number => format!("_{number:02}"),
    };
    format!("{}-{time}{number}{ENDING}", plain(name))
}

/// The name of a backup that is not proven: `NAME-20261121T221251Z.unproven.sql.gz`.
pub(super) fn unproven(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.strip_suffix(ENDING).unwrap_or(&name);
    path.with_file_name(format!("{name}{UNPROVEN}"))
}

/// `name` as it may stand in the name of a file.
pub(super) fn plain(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| match c.is_ascii_alphanumeric() || "._-".contains(c) {
            true => c,
            false => '-',
        })
        .collect();
    match plain.trim_start_matches(['.', '-']) {
        "" => "database".to_owned(),
        plain => plain.to_owned(),
    }
}

/// What the name of a backup says: its database, when it was taken, and which one of that second it is, from 1.
pub(super) fn parsed(file: &str) -> Option<(&str, SystemTime, u32)> {
    let stem = file.strip_suffix(UNPROVEN).or(file.strip_suffix(ENDING))?;
    let (name, taken) = stem.rsplit_once('-')?;
    let (time, number) = match taken.split_once('_') {
        None => (taken, 1),
        Some((time, digits)) => {
            let number = digits.parse().ok().filter(|number| *number > 1)?;
            (format!("{number:02}") == digits).then_some((time, number))?
        }
    };
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    let time = PrimitiveDateTime::parse(time, format).ok()?.assume_utc();
    (!name.is_empty()).then_some((name, time.into(), number))
}

/// The file beside a backup that holds its checksum, as `sha256sum` writes and checks it.
pub fn sum_file(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".sha256");
    name.into()
}

/// The text of that file.
pub(super) fn sum_text(sha256: &str, file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    format!("{sha256}  {name}\n")
}

/// sha256 of a file, lower-case hexadecimal.
///
/// # Errors
/// The system's.
pub fn sha256_of(file: &Path) -> io::Result<String> {
    let mut file = File::open(file)?;
    let mut hash = Sha256::new();
    let mut space = vec![0; 1 << 16];
    loop {
        match file.read(&mut space) {
            Ok(0) => return Ok(hex::encode(&hash.finalize())),
            Ok(read) => hash.update(&space[..read]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// What the checksum beside a file says of it; it reads all of it.
pub fn condition(file: &Path) -> Condition {
    let sum = match regular::text(&sum_file(file)) {
        Ok(sum) => sum,
        Err(error) if error.kind() == ErrorKind::NotFound => return Condition::Unsigned,
        Err(_) => return Condition::Unreadable,
    };
    let expected = sum.split_whitespace().next().unwrap_or_default();
    match sha256_of(file) {
        Ok(found) if found.eq_ignore_ascii_case(expected) => signed(file, &sum),
        Ok(_) => Condition::Damaged,
        Err(_) => Condition::Unreadable,
    }
}

/// What a backup is whose checksum is right. One that is not proven stays so under any name: the checksum has the name that
/// it was given.
fn signed(file: &Path, sum: &str) -> Condition {
    let is_unproven = |name: &str| name.ends_with(UNPROVEN);
    match is_unproven(&file.to_string_lossy()) || is_unproven(sum.trim_end()) {
        true => Condition::Unproven,
        false => Condition::Good,
    }
}

/// The backups in a folder, the newest first; each is read. Where `name` is given, those whose names begin with it only.
/// A folder that is not there has none.
///
/// # Errors
/// The system's.
pub fn backups(folder: &Path, name: Option<&str>) -> io::Result<Vec<Kept>> {
    let mut all = listed(folder, name)?;
    for kept in &mut all {
        kept.state = condition(&kept.file);
    }
    Ok(all)
}

/// What the backups of a database are called: as its file where links lead to it by other names, else `name`.
pub(super) fn name_of(name: &str, location: Option<&Location>) -> String {
    let stem = match location {
        Some(Location::File { path, .. }) => Path::new(path).file_stem(),
        _ => None,
    };
    stem.map_or_else(|| plain(name), |stem| plain(&stem.to_string_lossy()))
}

/// The backups that may be of this database, by their names. One that was given another name is kept for ever.
///
/// # Errors
/// The system's.
pub(crate) fn of_database(
    folder: &Path,
    name: &str,
    location: Option<&Location>,
) -> io::Result<Vec<Kept>> {
    listed(folder, Some(&name_of(name, location)))
}

/// As [`backups`], and only their first lines are read: all count as good that have a checksum.
fn listed(folder: &Path, name: Option<&str>) -> io::Result<Vec<Kept>> {
    let name = name.map(plain);
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut all = Vec::new();
    for entry in entries {
        let entry = entry?;
        let file_name = entry.file_name();
        let Some((of, taken_at, number)) = file_name.to_str().and_then(parsed) else {
            continue;
        };
        if name.as_deref().is_some_and(|name| name != of) {
            continue;
        }
        let file = entry.path();
        // Nothing else is a backup, whatever its name.
        if !file.is_file() {
            continue;
        }
        let state = match regular::text(&sum_file(&file)) {
            Ok(sum) => signed(&file, &sum),
            Err(_) => Condition::Unsigned,
        };
        let (location, database_id) = Location::recorded(&file).unzip();
        let kept = Kept {
            name: of.to_owned(),
            location,
            database_id: database_id.flatten(),
            taken_at,
            bytes: entry.metadata().map_or(0, |metadata| metadata.len()),
            state,
            file,
        };
        all.push((number, kept));
    }
    // Of one second, the one with the higher number came later.
    all.sort_by(|(number, one), (other_number, other)| {
        let newest = (other.taken_at, other_number).cmp(&(one.taken_at, number));
        newest.then_with(|| one.file.cmp(&other.file))
    });
    Ok(all.into_iter().map(|(_, kept)| kept).collect())
}

/// Those of `all` that were taken more than `days` before `now`. The caller has just taken a good one.
pub(super) fn old(all: &[Kept], days: u32, now: SystemTime) -> Vec<&Kept> {
    let kept_for = Duration::from_secs(u64::from(days) * 24 * 60 * 60);
    let is_old = |kept: &&Kept| {
        let age = now.duration_since(kept.taken_at);
        age.is_ok_and(|age| age > kept_for)
    };
    all.iter().filter(is_old).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_name_tells_its_database_and_its_time() {
        let name = file_name("my-app", at(1_795_299_171), 1);
        assert_eq!(name, "my-app-20261121T221251Z.sql.gz");
        assert_eq!(parsed(&name), Some(("my-app", at(1_795_299_171), 1)));
        let second = file_name("my-app", at(1_795_299_171), 12);
        assert_eq!(second, "my-app-20261121T221251Z_12.sql.gz");
        assert_eq!(parsed(&second), Some(("my-app", at(1_795_299_171), 12)));
        for other in [
            "my-app.sql.gz",
            "my-app-20261121T221251Z.sql",
            "my-app-20261121T221251Z.sql.gz.sha256",
            "my-app-20261321T221251Z.sql.gz",
            "my-app-20261121T221251Z_01.sql.gz",
            "my-app-20261121T221251Z_2.sql.gz",
            "my-app-20261121T221251Z_02_02.sql.gz",
            "-20261121T221251Z_02.sql.gz",
            "-20261121T221251Z.sql.gz",
            ".my-app-20261121T221251Z.sql.gz.0.partial",
        ] {
            assert_eq!(parsed(other), None, "{other}");
        }
        let unproven = unproven(Path::new("backups").join(name).as_path());
        let unproven = unproven.file_name().unwrap().to_str().unwrap();
        assert_eq!(unproven, "my-app-20261121T221251Z.unproven.sql.gz");
        assert_eq!(parsed(unproven), Some(("my-app", at(1_795_299_171), 1)));
    }

    #[test]
    fn names_of_databases_become_names_of_files() {
        for (name, expect) in [
            ("app", "app"),
            ("../a b/ü", "a-b--"),
            (":memory:", "memory-"),
            ("", "database"),
            ("..", "database"),
        ] {
            assert_eq!(plain(name), expect);
        }
    }

    #[test]
    fn what_is_older_than_its_days_is_old() {
        let kept = |days: u64| Kept {
            file: PathBuf::from(format!("{days}")),
            name: "app".to_owned(),
            location: None,
            database_id: None,
            taken_at: at(100 * 86_400) - Duration::from_secs(days * 86_400),
            bytes: 1,
            state: Condition::Good,
        };
        let all = [kept(0), kept(30), kept(31), kept(99)];
        let old = old(&all, 30, at(100 * 86_400));
        let names: Vec<_> = old.iter().map(|kept| kept.file.to_str().unwrap()).collect();
        assert_eq!(names, ["31", "99"]);
    }
}
