//! Which file each row of another tool's history is about, and whether the file still is what the tool applied. Pure.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256, Sha384};

use super::super::problem::{argument, file_name};
use super::super::set::{Migration, Migrations};
use crate::diagnostic::Diagnostic;
use crate::hex;
use crate::history::{Called, Checksums, OtherRow, OtherRows};
use crate::layouts::Layout;
use crate::script::Key;

/// The files that the tool has applied, by ascending version, with its time.
#[derive(Debug, Default)]
pub(super) struct Matched<'a> {
    pub(super) applied: Vec<(&'a Migration, Option<String>)>,
    pub(super) problems: Vec<Diagnostic>,
}

/// Reads the rows of a tool against the files.
pub(super) fn matched<'a>(set: &'a Migrations, other: &OtherRows) -> Matched<'a> {
    let OtherRows { of, table, rows } = other;
    let tool = of.tool;
    let mut matched = Matched::default();
    let unfinished: Vec<&OtherRow> = rows.iter().filter(|row| !row.finished).collect();
    for row in &unfinished {
        let message = format!(
            "{tool} began {} and did not finish it, or it failed: what of it is in the database is not known",
            row.called
        );
        matched.problems.push(
            Diagnostic::problem("unfinished", message)
                .helps(
                    file(set, of.called, row)
                        .map(|it| format!("its file is {}", it.up.source.name)),
                )
                .help(format!(
                    "finish it with {tool}, or settle it there, then run `adopt` again"
                )),
        );
    }
    if !unfinished.is_empty() {
        return matched;
    }
    let mut applied: BTreeMap<i64, (&Migration, Option<String>)> = BTreeMap::new();
    // The schema has what all rows made.
    let versions = rows.iter().filter_map(|row| file(set, of.called, row));
    let newest = versions.max_by_key(|it| it.version());
    for row in rows {
        let Some(migration) = file(set, of.called, row) else {
            matched.problems.push(without_file(set, tool, table, row));
            continue;
        };
        let problem = edited(migration, other, row, newest.unwrap_or(migration));
        matched.problems.extend(problem);
        let Some(version) = migration.version() else {
            continue;
        };
        applied.insert(version, (migration, row.applied_at.clone()));
        if of.newest_only {
            let below = set
                .versioned
                .iter()
                .filter(|it| it.version() < Some(version));
            let below = below.filter_map(|it| Some((it.version()?, (it, None))));
            applied.extend(below);
        }
    }
    matched.applied = applied.into_values().collect();
    matched
}

/// The file of a row: by its name, and else by the number that it begins with, as the files may have been renamed.
fn file<'a>(set: &'a Migrations, called: Called, row: &OtherRow) -> Option<&'a Migration> {
    let by_number = || {
        let digits = row.called.bytes().take_while(u8::is_ascii_digit).count();
        let number = row.called[..digits].parse().ok()?;
        set.get(&Key::Migration(number))
    };
    match called {
        Called::Number => {
            let number = row.called.parse().ok()?;
            set.get(&Key::Migration(number))
        }
        Called::File => set
            .versioned
            .iter()
            .find(|it| has_name(it, &row.called))
            // Seedbed's own names are not those of the tool.
            .or_else(|| by_number().filter(|it| it.layout == Layout::Seedbed)),
        Called::Time => {
            let time: i64 = row.called.parse().ok()?;
            let of_time = set
                .versioned
                .iter()
                .find(|it| it.generated_at == Some(time));
            let checksum = row.checksum.as_deref()?;
            let is_text = |it: &&Migration| sha256(it).any(|hash| hash == checksum);
            of_time.or_else(|| set.versioned.iter().find(is_text))
        }
    }
}

/// Whether a file, or the folder that holds it, has this name.
fn has_name(migration: &Migration, name: &str) -> bool {
    let path = migration.up.source.name.as_str();
    let last = file_name(path);
    let folder = path
        .strip_suffix(last)
        .unwrap_or_default()
        .trim_end_matches('/');
    last == name || matches!(last, "migration.sql" | "up.sql") && file_name(folder) == name
}

fn without_file(set: &Migrations, tool: &str, table: &str, row: &OtherRow) -> Diagnostic {
    let number = row.called.parse().ok().map(Key::Migration);
    let claim = number.as_ref().and_then(|key| set.claims(key).next());
    if let Some(claim) = claim {
        let message = format!(
            "{tool} has applied {}, and several files have that number",
            row.called
        );
        return Diagnostic::problem("missing", message)
            .in_file(&claim.up.source.name)
            .help(
                "keep the file that was applied under its number, and give the others another one",
            );
    }
    Diagnostic::problem(
        "missing",
        format!("{tool} has applied {} (in {table}), and no file is called so", row.called),
    )
    .help("bring the file back with git; or, where the files begin later, `baseline V` records what the schema has")
}

/// That the file is not what the tool applied. It may have had other ends of lines then. The schema is what the files up to
/// the newest applied one make.
fn edited(
    migration: &Migration,
    other: &OtherRows,
    row: &OtherRow,
    newest: &Migration,
) -> Option<Diagnostic> {
    let recorded = row.checksum.as_deref()?;
    let is_same = match other.of.checksums {
        Checksums::None => true,
        Checksums::Sha384 => {
            forms(migration).any(|bytes| hex::encode(&Sha384::digest(&*bytes)) == recorded)
        }
        Checksums::Sha256 => sha256(migration).any(|hash| hash == recorded),
        Checksums::Refinery => refinery(migration, recorded),
    };
    let tool = other.of.tool;
    let argument = argument(&newest.key);
    (!is_same).then(|| {
        Diagnostic::problem(
            "edited",
            format!(
                "{} was changed after {tool} applied it: its checksum is not the one in {}",
                migration.key, other.table
            ),
        )
        .about(&migration.key)
        .in_file(&migration.up.source.name)
        .help("put the file back as it was applied, with git")
        .help(format!(
            "if the schema is as the files say it now, `baseline {argument}` compares them and records the files up to it"
        ))
    })
}

/// The bytes that a file may have had: as it is, with LF, with CRLF.
fn forms(migration: &Migration) -> impl Iterator<Item = Vec<u8>> {
    let text = &migration.up.recorded;
    let raw = migration.up.raw.as_ref().map(|raw| raw.to_vec());
    let mut forms = raw.into_iter().chain([text.as_bytes().to_vec()]);
    let mut crlf = Some(text.clone());
    std::iter::from_fn(move || {
        forms
            .next()
            .or_else(|| Some(crlf.take()?.replace('\n', "\r\n").into_bytes()))
    })
}

fn sha256(migration: &Migration) -> impl Iterator<Item = String> {
    forms(migration).map(|bytes| hex::encode(&Sha256::digest(&bytes)))
}

/// refinery hashes name, version and text.
#[cfg(feature = "refinery")]
fn refinery(migration: &Migration, recorded: &str) -> bool {
    let stem = file_name(&migration.up.source.name);
    let stem = stem.strip_suffix(".sql").unwrap_or(stem);
    forms(migration).any(|bytes| {
        let text = String::from_utf8(bytes).unwrap_or_default();
        refinery_core::Migration::unapplied(stem, &text).is_ok_and(|it| {
            let long = with_version(it.name(), migration.version().unwrap_or_default(), &text);
            it.checksum().to_string() == recorded || long.to_string() == recorded
        })
    })
}

/// What refinery computes of a version of some width: 64 bits with its feature `int8-versions`. The hash of the standard
/// library is the same SipHash-1-3; a test compares it with refinery's for 32 bits.
#[cfg(feature = "refinery")]
fn with_version<V: std::hash::Hash>(name: &str, version: V, text: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    version.hash(&mut hasher);
    text.hash(&mut hasher);
    hasher.finish()
}

/// Without refinery-core its checksums cannot be computed; the schema is compared all the same.
#[cfg(not(feature = "refinery"))]
fn refinery(_migration: &Migration, _recorded: &str) -> bool {
    true
}

#[cfg(all(test, feature = "refinery"))]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_of_refinery_is_computed_as_refinery_does() {
        let text = "CREATE TABLE a (x);";
        let theirs = refinery_core::Migration::unapplied("V7__add_users", text).unwrap();
        assert_eq!(theirs.checksum(), with_version(theirs.name(), 7_i32, text));
    }
}
