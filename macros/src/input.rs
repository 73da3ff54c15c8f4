//! The text between the parentheses of `embed!(…)`.

use proc_macro::{TokenStream, TokenTree};

/// What `embed!` was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Input {
    /// The directory, from the package's root.
    pub(crate) directory: String,
    /// Who sees to it that new files are noticed.
    pub(crate) rebuild: Rebuild,
}

/// Who sees to it that new files are noticed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Rebuild {
    /// The package's build script, so there must be one.
    BuildScript,
    /// Another caller.
    Manual,
}

const USAGE: &str = "embed! takes the path of a directory, from this package's Cargo.toml: \
                     embed!(\"migrations\") or embed!(\"migrations\", rebuild = manual)";

pub(crate) fn read(input: TokenStream) -> Result<Input, String> {
    let words: Vec<String> = input.into_iter().flat_map(words).collect();
    of_words(&words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The tokens as texts; a macro that hands a literal on wraps it in an invisible group.
fn words(token: TokenTree) -> Vec<String> {
    match token {
        TokenTree::Group(group) if group.delimiter() == proc_macro::Delimiter::None => {
            group.stream().into_iter().flat_map(words).collect()
        }
        token => vec![token.to_string()],
    }
}

fn of_words(words: &[&str]) -> Result<Input, String> {
    let (path, rebuild) = match words {
        [path] | [path, ","] => (path, Rebuild::BuildScript),
        [path, ",", "rebuild", "=", "manual"] | [path, ",", "rebuild", "=", "manual", ","] => {
            (path, Rebuild::Manual)
        }
        _ => return Err(USAGE.to_owned()),
    };
    let directory = literal(path).ok_or_else(|| USAGE.to_owned())?;
    if directory.is_empty() {
        return Err(USAGE.to_owned());
    }
    Ok(Input { directory, rebuild })
}

/// What a string literal says: raw, or plain with no other escapes than of `\` and `"`.
fn literal(text: &str) -> Option<String> {
    if let Some(raw) = text.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let quotes = raw.get(hashes..raw.len().checked_sub(hashes)?)?;
        return Some(quotes.strip_prefix('"')?.strip_suffix('"')?.to_owned());
    }
    let escaped = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut plain = String::new();
    let mut chars = escaped.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => plain.push(chars.next().filter(|c| matches!(c, '\\' | '"'))?),
            c => plain.push(c),
        }
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(words: &[&str], expect: Option<(&str, Rebuild)>) {
        let expect = expect.map(|(directory, rebuild)| Input {
            directory: directory.to_owned(),
            rebuild,
        });
        assert_eq!(of_words(words).ok(), expect, "{words:?}");
    }

    #[test]
    fn a_directory_and_perhaps_who_sees_to_rebuilding() {
        check(
            &["\"migrations\""],
            Some(("migrations", Rebuild::BuildScript)),
        );
        check(&["r\"a\\b\"", ","], Some(("a\\b", Rebuild::BuildScript)));
        check(&["r#\"a\"b\"#"], Some(("a\"b", Rebuild::BuildScript)));
        check(&["\"a\\\\b\""], Some(("a\\b", Rebuild::BuildScript)));
        let manual = ["\"m\"", ",", "rebuild", "=", "manual"];
        check(&manual, Some(("m", Rebuild::Manual)));
    }

    #[test]
    fn anything_else_is_refused() {
        check(&[], None);
        check(&["\"\""], None);
        check(&["1"], None);
        check(&["b\"a\""], None);
        check(&["\"a\\n\""], None);
        check(&["\"m\"", ",", "rebuild", "=", "never"], None);
        check(&["\"m\"", "\"n\""], None);
    }
}
