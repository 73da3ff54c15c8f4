//! What a pull request must not do to migrations that others may have applied. Pure.

use super::file::{Order, meaning};
use super::made::made;
use super::problem::{Edit, diff, file_name};
use super::rehearse::drop_in_words;
use super::same_text::same_texts_as_in;
use super::set::{Migration, Migrations};
use crate::diagnostic::Diagnostic;
use crate::script::{Key, Made};
use crate::sql::{Kind, Object, What, kind, split};

/// The migrations that a branch is to be merged into.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Base {
    /// What it is called: a branch, a commit.
    pub name: String,
    /// The folder of the migrations, as it is shown.
    pub folder: String,
    /// The folder that the base has them in, from the top of the repository, where that is another one.
    pub elsewhere: Option<String>,
    /// Its migrations where the branch left it: what the branch must not change.
    pub common: Migrations,
    /// Its migrations now: what the branch must come after.
    pub tip: Migrations,
}

impl Base {
    /// Whether it has this file under the same version: its text, or its words.
    pub(super) fn has(&self, file: &Migration) -> bool {
        let same = |known: &Migration| known.words == file.words || has_meaning_of(known, file);
        let of = |set: &Migrations| set.get(&file.key).is_some_and(same);
        of(&self.tip) || of(&self.common)
    }

    /// Whether it has a file of this version and these words. Of several files with one text, it is this one that it has.
    pub(super) fn has_name_of(&self, file: &Migration) -> bool {
        let same = |known: &Migration| known.words == file.words;
        let of = |set: &Migrations| set.get(&file.key).is_some_and(same);
        of(&self.tip) || of(&self.common)
    }
}

/// What is wrong with a set as a successor of `base`: migrations that were there and are gone or changed, and new ones
/// that come too late. What the set alone tells is not repeated.
pub fn check_against(set: &Migrations, base: &Base) -> Vec<Diagnostic> {
    let mut problems: Vec<Diagnostic> = what_is_compared(set, base).into_iter().collect();
    for old in base.common.iter() {
        match set.get(&old.key) {
            Some(now) if is_other(old, now) => problems.extend(gone(old, set, base)),
            Some(now) => {
                problems.extend(edited(old, now, base));
                problems.extend(down_removed(old, now, base));
            }
            // Its file is there, and does not fit.
            None if old
                .version()
                .is_some_and(|version| set.misfits.contains(&version)) => {}
            None => problems.extend(gone(old, set, base)),
        }
    }
    for new in &set.versioned {
        if base.common.get(&new.key).is_none() {
            problems.extend(behind(new, base));
        }
    }
    problems.extend(same_texts_as_in(set, base));
    problems
}

/// Where nothing, or not the same folder, is compared, an empty list of problems would prove nothing.
fn what_is_compared(set: &Migrations, base: &Base) -> Option<Diagnostic> {
    let Base { name, folder, .. } = base;
    if let Some(elsewhere) = &base.elsewhere {
        let message = format!(
            "{name} has these migrations in {elsewhere}, and not in {folder}: the two folders were compared"
        );
        return Some(Diagnostic::problem("base-moved", message).warning());
    }
    if set.is_empty() {
        return None;
    }
    if base.tip.is_empty() && base.common.is_empty() {
        let message =
            format!("{name} has no migrations in {folder}, so nothing was compared with it");
        return Some(Diagnostic::problem("base-empty", message).warning().help(
            "nothing has to be done where these are the first migrations; otherwise check whether `--base` and \
             `--migrations` name what you mean",
        ));
    }
    let unchanged = |old: &Migration| {
        let mut files = set.get(&old.key).into_iter().chain(set.claims(&old.key));
        files.any(|now| has_meaning_of(now, old))
    };
    let several = base.common.iter().nth(1).is_some();
    let nothing_is = several && !base.common.iter().any(unchanged);
    nothing_is.then(|| {
        let message = format!("no migration of {name} is in {folder} as it was");
        Diagnostic::problem("base-differs", message)
            .warning()
            .help("check whether `--base` and `--migrations` name what you mean")
    })
}

/// Whether a file has taken the version of another migration: its name and its meaning are other ones.
fn is_other(old: &Migration, now: &Migration) -> bool {
    old.version().is_some() && old.words != now.words && !has_meaning_of(now, old)
}

/// A down file that is no more, unless it is gone where it is to be merged too.
fn down_removed(old: &Migration, now: &Migration, base: &Base) -> Option<Diagnostic> {
    let file = &old.down.as_ref()?.source.name;
    let merged = base.tip.get(&old.key);
    if now.down.is_some() || merged.is_none_or(|merged| merged.down.is_none()) {
        return None;
    }
    let message = format!(
        "{} has a down file for {}, {file}, and it is gone",
        base.name, old.key
    );
    Some(
        Diagnostic::problem("down-removed", message)
            .warning()
            .about(&old.key)
            .in_file(&now.up.source.name)
            .help(format!(
                "bring it back, or `undo` will not work for {} in databases that apply it from now on; those that have \
                 applied it keep the down text that was recorded",
                old.key
            )),
    )
}

/// A versioned migration that is another now, unless it is the same as where it is to be merged.
fn edited(old: &Migration, now: &Migration, base: &Base) -> Option<Diagnostic> {
    old.version()?;
    let edit = edit(old, now)?;
    let merged = base.tip.get(&old.key);
    if merged.is_some_and(|merged| self::edit(merged, now).is_none()) {
        return None;
    }
    let (key, base) = (&old.key, &base.name);
    let message = match edit {
        Edit::Meaning => format!("{key} is in {base} and was changed since"),
        Edit::Wording => format!("comments or spaces of {key}, which is in {base}, were changed"),
        Edit::Name => format!("{key} is in {base} and was renamed since"),
        Edit::Down => format!(
            "the {} of {key}, which is in {base}, was changed",
            now.down_words()
        ),
    };
    let help = match edit {
        Edit::Meaning => "put the file back as it was and write the change as a new migration",
        Edit::Wording | Edit::Name | Edit::Down => {
            "databases that applied it keep their record until `repair`"
        }
    };
    let file = match (edit, &now.down) {
        (Edit::Down, Some(down)) => down.source.clone(),
        _ => now.up.whole(),
    };
    let diff = diff(format!("{key} in {base}"), &old.up.recorded, &file);
    Some(edit.diagnostic(key, &file, message, Some(diff)).help(help))
}

fn edit(old: &Migration, now: &Migration) -> Option<Edit> {
    if old.up.checksum != now.up.checksum {
        return Some(match has_meaning_of(now, old) {
            true if now.has_sections() && is_down_edited(old, now) => Edit::Down,
            true => Edit::Wording,
            false => Edit::Meaning,
        });
    }
    if old.words != now.words {
        return Some(Edit::Name);
    }
    is_down_edited(old, now).then_some(Edit::Down)
}

/// A down file that is gone is no edit: what was recorded still undoes.
fn is_down_edited(old: &Migration, now: &Migration) -> bool {
    let checksum = |it: &Migration| it.down.as_ref().map(|down| down.checksum.clone());
    now.down.is_some() && checksum(old) != checksum(now)
}

fn has_meaning_of(one: &Migration, other: &Migration) -> bool {
    one.up.checksum == other.up.checksum
        || meaning(&one.up.source.text) == meaning(&other.up.source.text)
}

/// Whether versions of the base have no file of their own any more, which [`check_against`] reports: a database that
/// exists has run what the set has under another version, or does not have at all.
pub(super) fn lacks_versions(set: &Migrations, base: &Base) -> bool {
    let old = base.common.versioned.iter();
    let mut without_file = old.filter(|old| set.get(&old.key).is_none_or(|now| is_other(old, now)));
    without_file.any(|old| gone(old, set, base).is_some())
}

/// A migration without a file of its own, unless it has none where it is to be merged either.
fn gone(old: &Migration, set: &Migrations, base: &Base) -> Option<Diagnostic> {
    let published = &base.common;
    let merged = base.tip.get(&old.key)?;
    if !has_meaning_of(merged, old) {
        return None;
    }
    let now = set
        .versioned
        .iter()
        .filter(|new| {
            base.common
                .get(&new.key)
                .is_none_or(|same| !has_meaning_of(new, same))
        })
        .find(|new| matches!(old.key, Key::Migration(_)) && has_meaning_of(new, old));
    let in_its_place = set.get(&old.key);
    let base_set = &base.common;
    let (key, name, base) = (&old.key, &old.words, &base.name);
    let problem = |message| Diagnostic::problem("missing", message).about(key);
    if let Key::Repeatable(_) = key {
        return repeatable_gone(old, set, published).map(|help| {
            problem(format!("{key} is in {base} and has no file any more"))
                .warning()
                .help(help)
        });
    }
    let file = &old.up.source.name;
    let message = match now {
        Some(now) => format!(
            "{key}__{name} is in {base}, and {} has its statements now",
            now.up.source.name
        ),
        None => format!("{key}__{name} is in {base} and has no file any more"),
    };
    let back = match now {
        Some(now) => format!("rename {} back to {file}", now.up.source.name),
        None => format!("bring {file} back; to undo what it does, write a new migration"),
    };
    let mut problem = problem(message);
    // The file that the base knows keeps its version.
    let is_new = |other: &&Migration| {
        let mut known = base_set.iter();
        !known.any(|known| has_meaning_of(known, other))
    };
    let taken_by = in_its_place.filter(is_new);
    if let Some(other) = taken_by {
        let other = &other.up.source.name;
        problem = problem.in_file(other).help(format!(
            "{} has taken its version: `renumber {}` gives it the next free one",
            file_name(other),
            file_name(other)
        ));
    }
    Some(problem.help(back))
}

/// What to do about a repeatable migration whose file is gone, unless new versions drop all that it made, or another
/// repeatable one makes it now.
fn repeatable_gone(old: &Migration, set: &Migrations, base: &Migrations) -> Option<String> {
    let of_old = made(&old.up.source.text);
    if of_old.is_empty() {
        return Some("if what it did is to go, reverse it in a new migration".to_owned());
    }
    let made_now: Vec<Made> = set
        .iter()
        .filter(|it| matches!(it.key, Key::Repeatable(_)))
        .flat_map(|it| made(&it.up.source.text))
        .collect();
    let new = set.versioned.iter();
    let new = new.filter(|it| base.get(&it.key).is_none());
    let dropped: Vec<Object> = new
        .flat_map(|it| {
            let text = &it.up.source.text;
            let statements = split(text).unwrap_or_default().into_iter();
            statements.filter_map(|statement| match kind(statement.text(text)) {
                Kind::Drop(object) => Some(*object),
                _ => None,
            })
        })
        .collect();
    let is_left = |it: &&Made| {
        let is_same =
            |other: &Made| it.what == other.what && it.name.eq_ignore_ascii_case(&other.name);
        let goes = |drop: &Object| {
            let is_it =
                drop.name.eq_ignore_ascii_case(&it.name) && drop.what.word() == it.what.word();
            let is_on_it = it.table.as_ref().is_some_and(|table| {
                drop.name.eq_ignore_ascii_case(table)
                    && matches!(drop.what, What::Table | What::View)
            });
            is_it || is_on_it
        };
        !made_now.iter().any(is_same) && !dropped.iter().any(goes)
    };
    let drops: Vec<String> = of_old
        .iter()
        .filter(is_left)
        .map(|it| drop_in_words(it.what, &it.name))
        .collect();
    (!drops.is_empty())
        .then(|| format!("drop what it made in a new migration: {}", drops.join(" ")))
}

/// A new migration that would be merged below others, or onto another of its version.
fn behind(new: &Migration, base: &Base) -> Option<Diagnostic> {
    let version = new.version()?;
    let other = match base.tip.get(&new.key) {
        // Under another name it would be merged beside this one.
        Some(same) if same.words == new.words && has_meaning_of(new, same) => return None,
        Some(other) => other,
        None => base
            .tip
            .versioned
            .last()
            .filter(|newest| new.order == Order::Strict && newest.version() > Some(version))?,
    };
    let (file, other_file) = (&new.up.source.name, &other.up.source.name);
    let (base, newest) = (&base.name, other.version()?);
    let message = if version == newest {
        format!("{base} has another V{version}: {other_file}")
    } else {
        format!("V{version} is new, but {base} has V{newest}, which comes after it: {other_file}")
    };
    Some(
        Diagnostic::problem("out-of-order", message)
            .about(&new.key)
            .in_file(file)
            .help(format!(
                "merge {base} in first, then give this file the next free version: `renumber {}`",
                file_name(file)
            )),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    type Files<'a> = &'a [(&'a str, &'a str)];

    fn set(files: Files<'_>) -> Migrations {
        Migrations::from_files(
            files
                .iter()
                .map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())),
        )
    }

    fn check(files: Files<'_>, common: Files<'_>, tip: Files<'_>, expect: Expect) {
        use std::fmt::Write;
        let base = Base {
            name: "main".to_owned(),
            common: set(common),
            tip: set(tip),
            ..Base::default()
        };
        let mut found = String::new();
        for problem in check_against(&set(files), &base) {
            let severity = format!("{:?}", problem.severity).to_lowercase();
            writeln!(found, "{severity} {}: {}", problem.code, problem.message).unwrap();
        }
        expect.assert_eq(&found);
    }

    const BASE: Files<'_> = &[
        ("V1__a.sql", "CREATE TABLE a (x); -- one"),
        ("V2__b.sql", "CREATE TABLE b (x);"),
        ("V2__b.down.sql", "DROP TABLE b;"),
        ("R__v.sql", "SELECT 1;"),
    ];

    fn with(other: Files<'static>) -> Vec<(&'static str, &'static str)> {
        BASE.iter().chain(other).copied().collect()
    }

    fn without(name: &str) -> Vec<(&'static str, &'static str)> {
        BASE.iter()
            .copied()
            .filter(|(file, _)| *file != name)
            .collect()
    }

    #[test]
    fn new_migrations_above_and_edited_repeatables_are_what_a_branch_is_for() {
        check(
            &[
                ("V1__a.sql", "CREATE TABLE a (x); -- one"),
                ("sub/V2__b.sql", "CREATE TABLE b (x);"),
                ("sub/V2__b.down.sql", "DROP TABLE b;"),
                ("V3__c.sql", "SELECT 1;"),
                ("R__v.sql", "SELECT 2;"),
                ("R__w.sql", "SELECT 1;"),
            ],
            BASE,
            BASE,
            expect![[r#""#]],
        );
    }

    #[test]
    fn an_edit_is_an_error_unless_it_changes_no_statement() {
        check(
            &[
                ("V1__a.sql", "CREATE TABLE a (x); -- two"),
                ("V2__b.sql", "CREATE TABLE b (x, y);"),
                ("V2__b.down.sql", "DROP TABLE b;"),
                ("R__v.sql", "SELECT 1;"),
            ],
            BASE,
            BASE,
            expect![[r#"
                warning comments-edited: comments or spaces of V1, which is in main, were changed
                error edited: V2 is in main and was changed since
            "#]],
        );
        check(
            &[
                ("V1__one.sql", "CREATE TABLE a (x); -- one"),
                ("V2__b.sql", "CREATE TABLE b (x);"),
                ("V2__b.down.sql", "DROP TABLE IF EXISTS b;"),
                ("R__v.sql", "SELECT 1;"),
            ],
            BASE,
            BASE,
            expect![[r#"
                warning renamed: V1 is in main and was renamed since
                warning down-edited: the down file of V2, which is in main, was changed
            "#]],
        );
    }

    #[test]
    fn a_migration_that_is_gone_is_told_with_the_file_that_has_its_statements_now() {
        check(
            &without("V1__a.sql"),
            BASE,
            BASE,
            expect![[r#"
            error missing: V1__a is in main and has no file any more
        "#]],
        );
        let mut renumbered = without("V1__a.sql");
        renumbered.push(("V3__a.sql", "create table a (x);"));
        check(
            &renumbered,
            BASE,
            BASE,
            expect![[r#"
            error missing: V1__a is in main, and V3__a.sql has its statements now
        "#]],
        );
        check(
            &without("R__v.sql"),
            BASE,
            BASE,
            expect![[r#"
            warning missing: R__v is in main and has no file any more
        "#]],
        );
    }

    #[test]
    fn a_repeatable_that_is_gone_is_not_reported_where_a_new_version_drops_what_it_made() {
        let base: Files<'_> = &[
            ("V1__t.sql", "CREATE TABLE t (x);"),
            (
                "R__v.sql",
                "DROP VIEW IF EXISTS v; CREATE VIEW v AS SELECT x FROM t; CREATE INDEX IF NOT EXISTS i ON t (x);",
            ),
        ];
        let missing = || {
            expect![[r#"
                warning missing: R__v is in main and has no file any more
            "#]]
        };
        for (file, text, expect) in [
            (
                "V2__d.sql",
                "DROP VIEW IF EXISTS v; -- and\nDROP INDEX i;",
                expect![""],
            ),
            (
                "V2__d.sql",
                "DROP VIEW main.V; DROP TABLE t; CREATE VIEW v AS SELECT 1;",
                expect![""],
            ),
            (
                "R__w.sql",
                "CREATE VIEW v AS SELECT 2; CREATE INDEX IF NOT EXISTS i ON t (x);",
                expect![""],
            ),
            ("V2__d.sql", "DROP VIEW v;", missing()),
            ("R__w.sql", "DROP VIEW v; DROP INDEX i;", missing()),
        ] {
            check(&[base[0], (file, text)], base, base, expect);
        }
        let base = Base {
            common: set(base),
            tip: set(base),
            ..Base::default()
        };
        let problems = check_against(&set(&[("V1__t.sql", "CREATE TABLE t (x);")]), &base);
        assert_eq!(
            problems[0].help,
            [
                "drop what it made in a new migration: `DROP VIEW IF EXISTS v;` `DROP INDEX IF EXISTS i;`"
            ]
        );
    }

    #[test]
    fn of_two_files_with_one_text_the_one_whose_name_the_base_has_is_published() {
        let base = Base {
            name: "main".to_owned(),
            common: set(&[("V2__y_col.sql", "SELECT 2;")]),
            tip: set(&[("V2__y_col.sql", "SELECT 2;")]),
            ..Base::default()
        };
        let both = set(&[("V2__y.sql", "SELECT 2;"), ("V2__y_col.sql", "SELECT 2;")]);
        let published = crate::migrations::clash::Published::of(&both, &base);
        assert_eq!(
            Vec::from_iter(&published.files),
            ["V2__y_col.sql"],
            "the other one is a copy"
        );
        let renamed = set(&[("V2__y.sql", "SELECT 2;")]);
        let published = crate::migrations::clash::Published::of(&renamed, &base);
        assert_eq!(Vec::from_iter(&published.files), ["V2__y.sql"]);
    }

    #[test]
    fn a_version_that_several_files_claim_is_not_gone() {
        check(
            &with(&[("V1__z.sql", "SELECT 1;")]),
            BASE,
            BASE,
            expect![[r#""#]],
        );
    }

    #[test]
    fn what_was_merged_since_the_branch_began_is_not_gone_and_must_be_come_after() {
        let tip = with(&[("V4__theirs.sql", "SELECT 4;")]);
        check(BASE, BASE, &tip, expect![[r#""#]]);
        check(
            &with(&[("V3__ours.sql", "SELECT 3;")]),
            BASE,
            &tip,
            expect![[r#"
                error out-of-order: V3 is new, but main has V4, which comes after it: V4__theirs.sql
            "#]],
        );
        check(
            &with(&[("U3__ours.sql", "SELECT 3;")]),
            BASE,
            &tip,
            expect![[r#""#]],
        );
        check(
            &with(&[("V4__ours.sql", "SELECT 3;")]),
            BASE,
            &tip,
            expect![[r#"
                error out-of-order: main has another V4: V4__theirs.sql
            "#]],
        );
        check(
            &with(&[("V5__ours.sql", "SELECT 3;")]),
            BASE,
            &tip,
            expect![[r#""#]],
        );
        check(
            &with(&[("V4__ours.sql", "SELECT 4;")]),
            BASE,
            &tip,
            expect![[r#"
                error out-of-order: main has another V4: V4__theirs.sql
            "#]],
        );
        check(&tip, BASE, &tip, expect![[r#""#]]);
    }

    #[test]
    fn what_was_done_there_too_is_fine() {
        let removed = without("V1__a.sql");
        check(&removed, BASE, &removed, expect![[r#""#]]);
        let mut edited = removed;
        edited.push(("V1__a.sql", "CREATE TABLE a (y);"));
        check(&edited, BASE, &edited, expect![[r#""#]]);
    }
}
