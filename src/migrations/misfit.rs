//! Files that do not fit into a set: what is wrong with each, and what to do about it. Pure.

use std::collections::BTreeSet;

use super::file::{BadName, NotText, Order, parse_name};
use super::markers::WrittenFor;
use super::meant::{copied, merged, undoes};
use super::problem::{UNDO_PREFIX, duplicate, file_name, renumber};
use super::set::Text;
use crate::diagnostic::Diagnostic;
use crate::script::Key;

/// Several files claim one version.
pub(super) fn contested(version: i64, claims: &[(Order, String, Text)]) -> Diagnostic {
    if let [(Order::Any, _, undo), (Order::Strict, words, up)]
    | [(Order::Strict, words, up), (Order::Any, _, undo)] = claims
    {
        return Diagnostic::problem(
            UNDO_PREFIX,
            format!(
                "a U file beside the V file of the same version, {}: U means that a migration may be applied out of \
                 order, not that it undoes another",
                up.source.name
            ),
        )
        .about(&Key::Migration(version))
        .in_file(&undo.source.name)
        .help(format!(
            "if it undoes the other, rename it to V{version}__{words}.down.sql"
        ));
    }
    if let [(_, words, one), (_, other_words, other)] = claims
        && (undoes(words, other_words) || undoes(other_words, words))
    {
        let (undo, up, words) = match undoes(words, other_words) {
            true => (one, other, other_words),
            false => (other, one, words),
        };
        let message = format!(
            "V{version} is claimed by two files, and the name of this one says that it undoes the other, {}",
            up.source.name
        );
        return Diagnostic::problem("duplicate", message)
            .in_file(&undo.source.name)
            .help(format!("rename it to V{version}__{words}.down.sql"));
    }
    let files: Vec<&str> = claims
        .iter()
        .map(|(_, _, text)| text.source.name.as_str())
        .collect();
    let is_left = |words: &str| {
        let of = merged(words);
        of.is_some_and(|of| claims.iter().any(|(_, other, _)| other == of))
    };
    let left: Vec<&str> = std::iter::zip(claims, &files)
        .filter(|((_, words, _), _)| is_left(words))
        .map(|(_, file)| *file)
        .collect();
    if !left.is_empty() {
        return duplicate(&format!("V{version}"), &files).help(format!(
            "a merge tool left these files: delete them ({})",
            left.join(", ")
        ));
    }
    let choice: Vec<String> = files.iter().map(|file| renumber(file, &files)).collect();
    duplicate(&format!("V{version}"), &files)
        .about(&Key::Migration(version))
        .help(format!(
            "keep the one that a database or another branch has, and give a new one the next free version: {}",
            choice.join(" or ")
        ))
}

/// The words of the repeatable migration that a merge tool left this one beside: as `R__x_LOCAL_77.sql` it would run as
/// one of its own. `names` are all of them in lower case.
pub(super) fn left_beside<'a>(words: &'a str, names: &BTreeSet<String>) -> Option<&'a str> {
    merged(words).filter(|of| names.contains(&of.to_lowercase()))
}

pub(super) fn left_by_merging(file: &str, stem: &str) -> Diagnostic {
    let prefix = match stem.contains("__") {
        true => "",
        false => "R__",
    };
    let message = format!("a merge tool left this file beside {prefix}{stem}.sql");
    Diagnostic::problem("bad-name", message)
        .in_file(file)
        .help("delete it")
}

/// A name that fits no rule. Where the file is written for another tool, another name alone is not enough.
pub(super) fn bad_name(file: String, bad: BadName, written_for: Option<&WrittenFor>) -> Diagnostic {
    let BadName { why, suggestion } = bad;
    let stem = file_name(&file).strip_suffix(".sql");
    if let Some(of) = stem.and_then(merged) {
        return left_by_merging(&file, of);
    }
    if let Some(of) = copied(file_name(&file)) {
        let renamed = suggestion.map(|name| {
            let renumber = match parse_name(&name).map(|name| name.version()) {
                Ok(Some(_)) => format!(", and run `renumber {name}`"),
                _ => String::new(),
            };
            format!("; if it is a new migration, rename it to {name}{renumber}")
        });
        return Diagnostic::problem("bad-name", format!("the name is that of a copy of {of}"))
            .in_file(file)
            .help(format!("delete it{}", renamed.unwrap_or_default()));
    }
    let message = match written_for {
        Some(written) => format!("the name {why}; and {}", written.why()),
        None => format!("the name {why}"),
    };
    let cure = written_for.map(|it| it.cure(suggestion.as_deref().unwrap_or("V{n}__{words}.sql")));
    let help = match (suggestion, cure) {
        (Some(name), Some(cure)) if !cure.contains(&name) => format!("rename it to {name}, {cure}"),
        (_, Some(cure)) => cure,
        (Some(name), None) => format!("rename it to {name}"),
        (None, None) => "names are V{n}__{words}.sql, U{n}__{words}.sql, R__{words}.sql and \
                         V{n}__{words}.down.sql"
            .to_owned(),
    };
    Diagnostic::problem("bad-name", message)
        .in_file(file)
        .notes(written_for.and_then(|written| written.listed("markers at", 0)))
        .help(help)
}

pub(super) fn not_text_problem(file: String, not_text: NotText, bytes: &[u8]) -> Diagnostic {
    let line = |at: usize| 1 + bytes[..at].iter().filter(|byte| **byte == b'\n').count();
    let (message, help) = match not_text {
        NotText::Utf16 => ("this file is UTF-16".to_owned(), "save it as UTF-8"),
        NotText::NotUtf8(at) => (
            format!(
                "this file is not UTF-8 from byte {at} on, in line {}",
                line(at)
            ),
            "save it as UTF-8",
        ),
        NotText::Nul(at) => (
            format!("there is a NUL byte at byte {at}, in line {}", line(at)),
            "remove it: the engine would read no further, without a word",
        ),
    };
    Diagnostic::problem("not-text", message)
        .in_file(file)
        .help(help)
}

#[cfg(test)]
mod tests {
    use super::super::Migrations;
    use super::*;

    fn problems(files: &[&str]) -> Vec<String> {
        let files = files
            .iter()
            .map(|name| ((*name).to_owned(), b"SELECT 1;".to_vec()));
        let set = Migrations::from_files(files);
        let shown = |it: &Diagnostic| format!("{} {}", it.file().unwrap(), it.help.concat());
        set.problems.iter().map(shown).collect()
    }

    #[test]
    fn copies_and_what_a_merge_left_are_to_be_deleted() {
        assert_eq!(
            problems(&["V1__a.sql", "V1__a_LOCAL_12.sql", "V1__a_REMOTE_12.sql"]),
            [
                "V1__a.sql a merge tool left these files: delete them (V1__a_LOCAL_12.sql, V1__a_REMOTE_12.sql)"
            ]
        );
        assert_eq!(
            problems(&["V1__a.sql", "V1__a.down.sql", "V1__a.down_BASE_12.sql"]),
            ["V1__a.down_BASE_12.sql delete it"]
        );
        for left in [
            "R__v_LOCAL_12.sql",
            "R__V_BASE_1.sql",
            "R__v.sql.REMOTE.sql",
            "R__v.BACKUP.7.sql",
        ] {
            assert_eq!(problems(&["R__v.sql", left]), [format!("{left} delete it")]);
        }
        // Its words may say so.
        assert_eq!(
            problems(&["R__from_LOCAL_1.sql", "R__to.sql", "R__to_LOCAL.sql"]),
            [""; 0]
        );
        assert_eq!(
            problems(&[
                "R__v.sql",
                "R__v copy.sql",
                "R__v.orig.sql",
                "V1__a.bak.sql"
            ]),
            [
                "R__v copy.sql delete it; if it is a new migration, rename it to R__v_copy.sql",
                "R__v.orig.sql delete it; if it is a new migration, rename it to R__v_orig.sql",
                "V1__a.bak.sql delete it; if it is a new migration, rename it to V1__a_bak.sql, and run `renumber \
                 V1__a_bak.sql`"
            ]
        );
        assert_eq!(
            problems(&["V1__a.sql", "V1__a copy.sql"]),
            [
                "V1__a copy.sql delete it; if it is a new migration, rename it to V1__a_copy.sql, and run `renumber \
                 V1__a_copy.sql`"
            ]
        );
    }

    #[test]
    fn a_file_that_undoes_a_migration_is_not_proposed_as_one() {
        assert_eq!(
            problems(&["V1__a.up.sql", "V1__a.down.sql"]),
            ["V1__a.up.sql rename it to V1__a.sql"]
        );
        for undo in [
            "V1__a_undo.sql",
            "V1__rollback_a.sql",
            "V1__a.undo.sql",
            "1_a_down.sql",
        ] {
            assert_eq!(
                problems(&["V1__a.sql", undo]),
                [format!("{undo} rename it to V1__a.down.sql")]
            );
        }
        // A table or a subject may be called so.
        for other in [
            "V1__undo_log.sql",
            "V1__down_payments.sql",
            "V1__revert_drift.sql",
            "V1__slow_down.sql",
        ] {
            let found = problems(&["V1__a.sql", other]);
            let names = ["renumber", other, "V1__a.sql"];
            assert!(
                matches!(&found[..], [found] if names.iter().all(|it| found.contains(it))),
                "{found:?}"
            );
        }
    }
}
