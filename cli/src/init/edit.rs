//! What has to be added to files that a project has already. Pure: a text in, a text out; nothing that is there is
//! removed or moved, but for lines that an earlier version added.

use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// What comes of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Edit {
    /// It has what is needed.
    Fine,
    /// With what is needed.
    To(String),
    /// It is its owner's to change; the words for that.
    Tell(String),
}

/// The alias that makes `cargo xtask` work: <https://doc.rust-lang.org/cargo/reference/config.html#alias>.
pub(super) const ALIAS: &str = "xtask = \"run --quiet --package xtask --\"";

/// The engine does the work of every command, so a dev build of it must not crawl.
pub(super) const PROFILE: &str = "[profile.dev.package.libsql-ffi]\nopt-level = 3";

/// The comment above the lines that say which files are text.
pub(super) const ATTRIBUTES_ARE: &str = "# Checksums are of texts with LF, on every system.";

/// An earlier version added this line below the comment, after `*.sql text eol=lf`.
pub(super) const OLD_ATTRIBUTE: &str = "seeds/** text eol=lf";

const WORKSPACE: &str = "[workspace]\nmembers = [\"xtask\"]";

/// A `Cargo.toml` of nothing but the workspace, for a project that has no Rust yet. The packages `below` stay outside of
/// it.
pub(super) fn new_cargo_toml(below: &[PathBuf]) -> String {
    format!("{}\nresolver = \"3\"\n\n{PROFILE}\n", new_workspace(below))
}

/// A workspace of `xtask`, without the packages below its folder: they stay what they are.
fn new_workspace(below: &[PathBuf]) -> String {
    if below.is_empty() {
        return WORKSPACE.to_owned();
    }
    let below = below.iter().map(|folder| {
        let folder = folder.to_string_lossy().replace('\\', "/");
        format!("\"{}\"", folder.replace('"', "\\\""))
    });
    let below: Vec<String> = below.collect();
    format!("{WORKSPACE}\nexclude = [{}]", below.join(", "))
}

/// Makes `xtask` a member of the workspace, or the package the root of one, without the packages `below`.
pub(super) fn with_member(text: &str, below: &[PathBuf]) -> Edit {
    let root = match DeTable::parse(text) {
        Ok(root) => root,
        Err(error) => return unreadable(&error, "`\"xtask\"` to the members of the workspace"),
    };
    let Some(workspace) = table(root.get_ref(), "workspace") else {
        let workspace = new_workspace(below);
        return checked(
            appended(text, &workspace),
            "workspace",
            &one_line(&workspace),
        );
    };
    let Some(members) = workspace.get("members") else {
        let line = "members = [\"xtask\"]";
        return match below_header(text, "[workspace]", line) {
            Some(text) => checked(text, "workspace", &one_line(line)),
            None => Edit::Tell(format!("add `{line}` to the workspace")),
        };
    };
    let tell = || Edit::Tell("add `\"xtask\"` to the members of the workspace".to_owned());
    let DeValue::Array(array) = members.get_ref() else {
        return tell();
    };
    let is_xtask = |member: &Spanned<DeValue<'_>>| {
        let path = member.get_ref().as_str();
        path.is_some_and(|path| path.trim_start_matches("./").trim_end_matches('/') == "xtask")
    };
    if array.iter().any(is_xtask) {
        return Edit::Fine;
    }
    let inserted = |text: String| match default_members(root.get_ref(), array) {
        Some(line) => below_header(&text, "[workspace]", &line).unwrap_or(text),
        None => text,
    };
    let (at, added) = match array.iter().last() {
        // Behind the last one, before whatever comma, comment or line end follows it.
        Some(last) => (last.span().end, ", \"xtask\""),
        None => (members.span().start + 1, "\"xtask\""),
    };
    match text.split_at_checked(at) {
        Some((before, after)) => checked(
            inserted(format!("{before}{added}{after}")),
            "workspace",
            "`\"xtask\"` to the members of the workspace",
        ),
        None => tell(),
    }
}

/// The line that keeps `cargo run` in a workspace without a package of its own what it was before `xtask` came: cargo has
/// to know which program is meant.
fn default_members(root: &DeTable<'_>, members: &DeArray<'_>) -> Option<String> {
    let workspace = table(root, "workspace")?;
    if root.contains_key("package") || workspace.contains_key("default-members") {
        return None;
    }
    let members = members.iter().map(|member| member.get_ref().as_str());
    let members: Vec<&str> = members.collect::<Option<_>>()?;
    let is_plain = |member: &&str| !member.contains(['*', '?', '[', '"', '\\']);
    if members.is_empty() || !members.iter().all(is_plain) {
        return None;
    }
    Some(format!(
        "default-members = [\"{}\"]",
        members.join("\", \"")
    ))
}

/// Keeps folders without a package out of a workspace that takes in every folder: cargo looks for a manifest in each.
pub(super) fn with_excluded(text: &str, folders: &[String]) -> Edit {
    let Ok(root) = DeTable::parse(text) else {
        return Edit::Fine;
    };
    let Some(workspace) = table(root.get_ref(), "workspace") else {
        return Edit::Fine;
    };
    let list = |key: &str| -> Vec<&str> {
        let list = workspace.get(key).and_then(|it| it.get_ref().as_array());
        let list = list.into_iter().flat_map(|list| list.iter());
        list.filter_map(|it| it.get_ref().as_str()).collect()
    };
    let takes_all = |member: &&str| matches!(member.trim_start_matches("./"), "*" | "*/");
    let excluded = list("exclude");
    let missing = folders
        .iter()
        .filter(|folder| !excluded.contains(&folder.as_str()));
    let missing: Vec<String> = missing.map(|folder| format!("\"{folder}\"")).collect();
    if !list("members").iter().any(takes_all) || missing.is_empty() {
        return Edit::Fine;
    }
    let line = format!("exclude = [{}]", missing.join(", "));
    let tell = || {
        Edit::Tell(format!(
            "add {} to `exclude` of the workspace",
            missing.join(" and ")
        ))
    };
    if workspace.contains_key("exclude") {
        return tell();
    }
    below_header(text, "[workspace]", &line).map_or_else(tell, Edit::To)
}

/// The folder of the workspace that a package names.
pub(super) fn workspace_of(text: &str) -> Option<String> {
    let root = DeTable::parse(text).ok()?;
    let package = table(root.get_ref(), "package")?;
    package
        .get("workspace")?
        .get_ref()
        .as_str()
        .map(str::to_owned)
}

/// Whether a `Cargo.toml` is of a package of this name.
pub(super) fn is_package(text: &str, name: &str) -> bool {
    let root = DeTable::parse(text);
    let package = root
        .as_ref()
        .ok()
        .and_then(|root| table(root.get_ref(), "package"));
    package.and_then(|it| it.get("name")?.get_ref().as_str()) == Some(name)
}

/// Lets dev builds optimise the engine.
pub(super) fn with_profile(text: &str) -> Edit {
    let root = match DeTable::parse(text) {
        Ok(root) => root,
        Err(error) => return unreadable(&error, &one_line(PROFILE)),
    };
    let mut table = Some(root.get_ref());
    for key in ["profile", "dev", "package", "libsql-ffi"] {
        table = table.and_then(|table| self::table(table, key));
    }
    match table {
        // Whatever it contains, its owner chose it.
        Some(_) => Edit::Fine,
        None => checked(appended(text, PROFILE), "profile", &one_line(PROFILE)),
    }
}

/// Adds the alias to a `.cargo/config.toml`.
pub(super) fn with_alias(text: &str) -> Edit {
    let root = match DeTable::parse(text) {
        Ok(root) => root,
        Err(error) => return unreadable(&error, &format!("`{ALIAS}` to `[alias]`")),
    };
    let Some(aliases) = table(root.get_ref(), "alias") else {
        let block = format!("[alias]\n{ALIAS}");
        return checked(appended(text, &block), "alias", &one_line(&block));
    };
    match aliases.get("xtask").map(Spanned::get_ref) {
        Some(value) if runs_xtask(value) => Edit::Fine,
        Some(_) => Edit::Tell(format!(
            "the alias xtask is taken: give it another name, or make it `{ALIAS}`"
        )),
        None => match below_header(text, "[alias]", ALIAS) {
            Some(text) => checked(text, "alias", &one_line(ALIAS)),
            None => Edit::Tell(format!("add `{ALIAS}` to the aliases")),
        },
    }
}

/// Whether an alias, a text or a list of words, runs the package.
fn runs_xtask(alias: &DeValue<'_>) -> bool {
    let words: Vec<&str> = match alias {
        DeValue::String(text) => text.split_whitespace().collect(),
        DeValue::Array(words) => words
            .iter()
            .filter_map(|word| word.get_ref().as_str())
            .collect(),
        _ => Vec::new(),
    };
    words
        .windows(2)
        .any(|pair| matches!(pair, ["-p" | "--package", "xtask"]))
        || words.contains(&"--package=xtask")
}

/// Adds those of `lines` that a text does not have, below a comment that says what they are for. A `/` at the start
/// makes no difference.
pub(super) fn with_lines(text: &str, comment: &str, lines: &[String]) -> Edit {
    let bare = |line: &str| line.trim().trim_start_matches('/').to_owned();
    let there: Vec<String> = text.lines().map(bare).collect();
    let missing: Vec<&str> = lines
        .iter()
        .map(String::as_str)
        .filter(|line| !there.contains(&bare(line)))
        .collect();
    if missing.is_empty() {
        return Edit::Fine;
    }
    Edit::To(appended(
        text,
        &format!("{comment}\n{}", missing.join("\n")),
    ))
}

/// A `.gitattributes` with the lines `new` in the place of the lines that an earlier version added; none where it has
/// none of those.
pub(super) fn without_old_attributes(text: &str, new: &[String]) -> Option<String> {
    let mut after = String::new();
    let mut added = false;
    let mut before = "";
    for line in text.split_inclusive('\n') {
        match line.trim() {
            OLD_ATTRIBUTE if added => {}
            OLD_ATTRIBUTE => {
                let there: Vec<&str> = text.lines().map(str::trim).collect();
                let new = new.iter().filter(|line| !there.contains(&line.as_str()));
                for new in new {
                    after.push_str(&as_in(text, &format!("{new}\n")));
                }
                added = true;
            }
            "*.sql text eol=lf" if before == ATTRIBUTES_ARE => {}
            _ => after.push_str(line),
        }
        before = line.trim();
    }
    added.then_some(after)
}

/// Whether a `Cargo.toml` is the root of a workspace to which a package at `below` (from its folder) belongs, as far as
/// it says.
pub(super) fn is_workspace_of(text: &str, below: &Path) -> bool {
    let Ok(root) = DeTable::parse(text) else {
        return false;
    };
    let Some(workspace) = table(root.get_ref(), "workspace") else {
        return false;
    };
    let excluded = workspace
        .get("exclude")
        .and_then(|value| value.get_ref().as_array());
    let mut excluded = excluded
        .into_iter()
        .flat_map(|paths| paths.iter())
        .filter_map(|path| path.get_ref().as_str());
    !excluded.any(|path| below.starts_with(path))
}

/// Whether a `Cargo.toml` is the root of a workspace.
pub(super) fn has_workspace(text: &str) -> bool {
    DeTable::parse(text).is_ok_and(|root| root.get_ref().contains_key("workspace"))
}

fn table<'t, 'i>(table: &'t DeTable<'i>, key: &str) -> Option<&'t DeTable<'i>> {
    table.get(key)?.get_ref().as_table()
}

/// `text` with a block below it, an empty line between them.
fn appended(text: &str, block: &str) -> String {
    let block = format!("{block}\n");
    let between = match text {
        "" => "",
        text if text.ends_with("\n\n") || text.ends_with("\n\r\n") => "",
        text if text.ends_with('\n') => "\n",
        _ => "\n\n",
    };
    format!("{text}{}", as_in(text, &format!("{between}{block}")))
}

/// `text` with a line right below the line that holds a table's header, if there is such a line.
fn below_header(text: &str, header: &str, line: &str) -> Option<String> {
    let mut at = 0;
    for found in text.split_inclusive('\n') {
        at += found.len();
        let code = found.split('#').next().unwrap_or_default();
        if code.trim() == header {
            let (before, after) = text.split_at(at);
            let start = if before.ends_with('\n') { "" } else { "\n" };
            return Some(format!(
                "{before}{}{after}",
                as_in(text, &format!("{start}{line}\n"))
            ));
        }
    }
    None
}

/// An addition with the line ends of the text that it is for.
fn as_in(text: &str, addition: &str) -> String {
    match text.contains("\r\n") {
        true => addition.replace('\n', "\r\n"),
        false => addition.to_owned(),
    }
}

/// Takes an edited text only if it still is TOML and has the table: there are more ways to write one than are known
/// here.
fn checked(text: String, key: &str, otherwise: &str) -> Edit {
    match DeTable::parse(&text) {
        Ok(root) if root.get_ref().contains_key(key) => Edit::To(text),
        _ => Edit::Tell(format!("add {otherwise}")),
    }
}

fn unreadable(error: &toml::de::Error, otherwise: &str) -> Edit {
    Edit::Tell(format!(
        "it cannot be read ({}); when it can, add {otherwise}",
        error.message()
    ))
}

fn one_line(block: &str) -> String {
    format!("`{}`", block.replace('\n', " "))
}

#[cfg(test)]
mod tests {
    use super::super::Places;
    use super::*;

    /// `→` stands between the text and what it becomes.
    #[track_caller]
    fn check(edit: impl Fn(&str) -> Edit, before: &str, expect: &str) {
        let Edit::To(after) = edit(before) else {
            panic!("{:?}", edit(before));
        };
        assert_eq!(after, expect);
        assert_eq!(edit(&after), Edit::Fine, "a second time");
    }

    #[test]
    fn a_package_becomes_the_root_of_a_workspace() {
        check(
            |text| with_member(text, &[]),
            "[package]\nname = \"a\"\n",
            "[package]\nname = \"a\"\n\n[workspace]\nmembers = [\"xtask\"]\n",
        );
        check(
            |text| with_member(text, &[]),
            "[package]\r\nname = \"a\"",
            "[package]\r\nname = \"a\"\r\n\r\n[workspace]\r\nmembers = [\"xtask\"]\r\n",
        );
    }

    #[test]
    fn xtask_joins_the_members_however_they_are_written() {
        let all = [
            (
                "[workspace]\nmembers = []\n",
                "[workspace]\nmembers = [\"xtask\"]\n",
            ),
            (
                "[workspace]\nmembers = [\"a\", 'crates/*'] # all\n",
                "[workspace]\nmembers = [\"a\", 'crates/*', \"xtask\"] # all\n",
            ),
            (
                "workspace.members = [\n  \"a\", # the first\n  \"b\", # the last ]\n]\n",
                "workspace.members = [\n  \"a\", # the first\n  \"b\", \"xtask\", # the last ]\n]\n",
            ),
            (
                "[workspace] # root\nresolver = \"3\"\n",
                "[workspace] # root\nmembers = [\"xtask\"]\nresolver = \"3\"\n",
            ),
            ("[workspace]", "[workspace]\nmembers = [\"xtask\"]\n"),
            (
                "workspace = { members = [\"\u{e9}\"] }",
                "workspace = { members = [\"\u{e9}\", \"xtask\"] }",
            ),
        ];
        for (before, after) in all {
            check(|text| with_member(text, &[]), before, after);
        }
        for there in ["[\"xtask\"]", "[\"a\", './xtask/']"] {
            let text = format!("[workspace]\nmembers = {there}");
            assert_eq!(with_member(&text, &[]), Edit::Fine);
        }
    }

    #[test]
    fn old_attributes_are_replaced_and_the_lines_of_others_stay() {
        let attributes = Places::default().attributes();
        let new = attributes.join("\n");
        let all = [
            (
                format!("{ATTRIBUTES_ARE}\n*.sql text eol=lf\n{OLD_ATTRIBUTE}\n"),
                format!("{ATTRIBUTES_ARE}\n{new}\n"),
            ),
            (
                format!("*.sql text eol=lf\n\n{ATTRIBUTES_ARE}\n{OLD_ATTRIBUTE}\n*.png binary"),
                format!("*.sql text eol=lf\n\n{ATTRIBUTES_ARE}\n{new}\n*.png binary"),
            ),
            (
                format!("{}\r\n* -text\r\n{OLD_ATTRIBUTE}", attributes[0]),
                format!(
                    "{}\r\n* -text\r\n{}\r\n{}\r\n",
                    attributes[0], attributes[1], attributes[2]
                ),
            ),
        ];
        for (before, after) in all {
            assert_eq!(
                without_old_attributes(&before, &attributes),
                Some(after.clone())
            );
            assert_eq!(without_old_attributes(&after, &attributes), None);
            assert_eq!(with_lines(&after, ATTRIBUTES_ARE, &attributes), Edit::Fine);
        }
        assert_eq!(
            without_old_attributes("seeds/** -text\n*.sql text eol=lf\n", &attributes),
            None
        );
    }

    #[test]
    fn what_cannot_be_edited_safely_is_told() {
        for text in [
            "workspace = { resolver = \"3\" }",
            "[workspace]\nmembers = \"a\"",
            "[workspace",
        ] {
            assert!(matches!(with_member(text, &[]), Edit::Tell(_)), "{text}");
        }
        for text in ["[profile]\ndev = {}", "profile = {}", "= 1"] {
            assert!(matches!(with_profile(text), Edit::Tell(_)), "{text}");
        }
        for text in ["alias = {}", "[alias]\nxtask = \"run -p tasks\"", "[alias"] {
            assert!(matches!(with_alias(text), Edit::Tell(_)), "{text}");
        }
    }

    #[test]
    fn the_engine_is_optimised_unless_somebody_decided_otherwise() {
        check(
            with_profile,
            "[profile.dev]\ndebug = 1\n",
            "[profile.dev]\ndebug = 1\n\n[profile.dev.package.libsql-ffi]\nopt-level = 3\n",
        );
        let theirs = "[profile.dev.package]\nlibsql-ffi = { opt-level = 1 }";
        assert_eq!(with_profile(theirs), Edit::Fine);
    }

    #[test]
    fn the_alias_is_added_to_those_that_are_there() {
        check(
            with_alias,
            "",
            "[alias]\nxtask = \"run --quiet --package xtask --\"\n",
        );
        check(
            with_alias,
            "[alias]\nt = \"test\"\n\n[net]\noffline = true\n",
            "[alias]\nxtask = \"run --quiet --package xtask --\"\nt = \"test\"\n\n[net]\noffline = true\n",
        );
        for theirs in [
            "'run -p xtask --'",
            "[\"run\", \"--package=xtask\", \"--\"]",
        ] {
            assert_eq!(
                with_alias(&format!("[alias]\nxtask = {theirs}")),
                Edit::Fine
            );
        }
    }

    #[test]
    fn lines_that_are_missing_are_added_and_no_others() {
        let lines = ["/.env", "/local.db*"].map(str::to_owned);
        let edit = |text: &str| with_lines(text, "# Seedbed", &lines);
        check(edit, "", "# Seedbed\n/.env\n/local.db*\n");
        check(
            edit,
            "target\n.env",
            "target\n.env\n\n# Seedbed\n/local.db*\n",
        );
    }

    #[test]
    fn a_workspace_has_the_packages_below_it_but_for_those_it_excludes() {
        let below = |text: &str| is_workspace_of(text, Path::new("services/a"));
        assert!(below("[workspace]\nmembers = [\"services/*\"]"));
        assert!(!below("[workspace]\nexclude = [\"services\"]"));
        assert!(!below("[package]\nname = \"x\""));
    }
}
