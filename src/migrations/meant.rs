//! What a file was probably meant as whose name fits no rule: a migration or a down file of another tool, or a copy that
//! an editor or a merge left. By names alone. Pure.

use super::file::{parse_name, words};

/// What other tools call the files that undo a migration by.
const DOWN: [&str; 5] = ["down", "undo", "rollback", "revert", "downgrade"];

/// How many bytes of a stem precede its last word, where that word is one of [`DOWN`]: `V1__a.undo`, `001_a_down`.
fn before_down(stem: &str) -> Option<usize> {
    let (before, word) = stem.rsplit_once(['.', '_', '-'])?;
    let is_down = DOWN.iter().any(|down| word.eq_ignore_ascii_case(down));
    is_down.then(|| before.trim_end_matches(['.', '_', '-']).len())
}

/// Whether words of a file name say that it undoes the migration with the other words: `users_undo` and `rollback_users`
/// of `users`. By itself such a word says nothing: `undo_log` may be a table.
pub(super) fn undoes(words: &str, other: &str) -> bool {
    let is_down = |word: &str| DOWN.iter().any(|down| word.eq_ignore_ascii_case(down));
    let is = |rest: &str| rest.eq_ignore_ascii_case(other);
    let first = words.split_once('_');
    let last = words.rsplit_once('_');
    first.is_some_and(|(word, rest)| is_down(word) && is(rest))
        || last.is_some_and(|(rest, word)| is_down(word) && is(rest))
}

/// Whether a path is that of a down file, by Seedbed's name or by that of another tool. A record of one has more behind
/// its ending.
pub(super) fn is_down_name(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = lower.strip_suffix(".sql");
    let is_other_tools = || parse_name(name).is_err() && stem.and_then(before_down).is_some();
    lower.contains(".down.sql") || is_other_tools()
}

/// The name that was probably meant: `v2_add-column.SQL` → `V2__add_column.sql`. What undoes a migration does not become
/// one.
pub(super) fn suggest(file_name: &str) -> Option<String> {
    let lower = file_name.to_ascii_lowercase();
    let stem = &file_name[..lower.strip_suffix(".sql")?.len()];
    let (stem, ending) = match before_down(stem) {
        Some(length) => (&stem[..length], ".down.sql"),
        None if lower.ends_with(".up.sql") => (&stem[..stem.len() - 3], ".sql"),
        None => (stem, ".sql"),
    };
    let first = stem.chars().next()?;
    let letter = match first {
        'u' | 'U' if ending == ".down.sql" => 'V',
        'u' | 'U' => 'U',
        'r' | 'R' if stem[1..].starts_with('_') => 'R',
        c if c == 'v' || c == 'V' || c.is_ascii_digit() => 'V',
        _ => return None,
    };
    let rest = stem
        .trim_start_matches(|c: char| c.is_ascii_alphabetic() && c.eq_ignore_ascii_case(&first));
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    if rest[digits.len()..].starts_with('.') {
        // Half a version cannot be kept, and dropping it could make it another's.
        return None;
    }
    let words: String = words(&rest[digits.len()..]);
    let named = match letter {
        'R' => format!("R__{words}{ending}"),
        _ => format!("{letter}{digits}__{words}{ending}"),
    };
    // A suggestion that would be refused again is useless.
    (named != file_name && parse_name(&named).is_ok()).then_some(named)
}

/// The same for a file whose folder has the words: `2024-01-01-000000_users/up.sql` of Diesel and
/// `20240101000000_users/migration.sql` of Prisma.
pub(super) fn suggest_for_folder(path: &str) -> Option<String> {
    let (folders, name) = path.rsplit_once('/')?;
    let folder = folders.rsplit('/').next()?;
    let ending = match name.to_ascii_lowercase().as_str() {
        "up.sql" | "migration.sql" => ".sql",
        "down.sql" => ".down.sql",
        _ => return None,
    };
    let (number, rest) = folder.split_once('_')?;
    let digits = number.replace('-', "");
    let named = format!("V{digits}__{}{ending}", words(rest));
    parse_name(&named).is_ok().then_some(named)
}

/// The stem of the file that a merge tool left this one beside: `V1__a_LOCAL_4711` of `V1__a`
/// (<https://git-scm.com/docs/git-mergetool>), and `V1__a.sql.LOCAL` or `V1__a.LOCAL.4711` of other tools.
pub(super) fn merged(stem: &str) -> Option<&str> {
    const SEPARATORS: [char; 2] = ['_', '.'];
    let is_process = |word: &str| !word.is_empty() && word.bytes().all(|it| it.is_ascii_digit());
    let numbered = stem.rsplit_once(SEPARATORS);
    let numbered = numbered.filter(|(_, process)| is_process(process));
    let before = numbered.map_or(stem, |(before, _)| before);
    let (of, side) = before.rsplit_once(SEPARATORS)?;
    // Without a number and a dot it may be a word of the name.
    let is_of_a_tool = numbered.is_some() || before[of.len()..].starts_with('.');
    (is_of_a_tool && ["BACKUP", "BASE", "LOCAL", "REMOTE"].contains(&side))
        .then(|| of.strip_suffix(".sql").unwrap_or(of))
}

/// What editors and tools put behind the name of a file that they keep a copy of.
const OF_COPIES: [&str; 6] = ["orig", "bak", "backup", "old", "copy", "tmp"];

/// The name of the file that this one is a copy of, by its name: `V1__a copy.sql`, `V1__a (1).sql`, `V1__a - Copy (2).sql`,
/// `Copy of V1__a.sql`, `V1__a.orig.sql`.
pub(super) fn copied(file_name: &str) -> Option<String> {
    let stem = file_name.strip_suffix(".sql")?;
    let is_rest = |c: char| c.is_ascii_digit() || "()- ".contains(c);
    let of_tool = stem
        .rsplit_once('.')
        .filter(|(_, word)| OF_COPIES.iter().any(|it| word.eq_ignore_ascii_case(it)))
        .map(|(of, _)| of.strip_suffix(".sql").unwrap_or(of));
    let of = match stem.strip_prefix("Copy of ").or(of_tool) {
        Some(of) => of,
        None => {
            let (of, rest) = stem.split_once(' ')?;
            let rest = rest.to_ascii_lowercase().replacen("copy", "", 1);
            rest.chars().all(is_rest).then_some(of)?
        }
    };
    let of = format!("{of}.sql");
    parse_name(&of).is_ok().then_some(of)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_and_what_a_merge_left_are_known_by_their_names() {
        for name in [
            "V1__a copy.sql",
            "V1__a copy 2.sql",
            "V1__a (copy).sql",
            "V1__a (1).sql",
            "V1__a - Copy (2).sql",
            "Copy of V1__a.sql",
        ] {
            assert_eq!(copied(name).as_deref(), Some("V1__a.sql"), "{name}");
        }
        assert_eq!(copied("V1__a b.sql"), None);
        assert_eq!(merged("V1__a_LOCAL_123"), Some("V1__a"));
        assert_eq!(merged("a_BACKUP_1"), Some("a"));
        for left in [
            "R__a.sql.LOCAL",
            "R__a.BASE",
            "R__a.sql.REMOTE.77",
            "R__a_BACKUP_7",
        ] {
            assert_eq!(merged(left), Some("R__a"), "{left}");
        }
        assert_eq!(merged("to_LOCAL_x"), None);
        assert_eq!(merged("to_LOCAL"), None);
        assert_eq!(merged("to_2"), None);
        assert_eq!(merged("a_local_1"), None);
    }

    #[test]
    fn the_folder_of_another_tool_gives_the_name() {
        for (path, expect) in [
            (
                "m/2024-01-01-000000_create_users/up.sql",
                Some("V20240101000000__create_users.sql"),
            ),
            (
                "m/2024-01-01-000000_create_users/down.sql",
                Some("V20240101000000__create_users.down.sql"),
            ),
            (
                "m/00000000000001_diesel-setup/up.sql",
                Some("V00000000000001__diesel_setup.sql"),
            ),
            (
                "m/20240101120000_init/migration.sql",
                Some("V20240101120000__init.sql"),
            ),
            ("m/0_init/migration.sql", None),
            ("m/users/up.sql", None),
            ("m/2024_users/schema.sql", None),
            ("up.sql", None),
        ] {
            assert_eq!(suggest_for_folder(path).as_deref(), expect, "{path}");
        }
    }
}
