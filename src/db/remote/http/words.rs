//! What a body says that is no answer, in one line. Pure.

/// How much of what a server says that is no libSQL server is shown.
const SHOWN: usize = 200;

/// The words of an error body: `{"error": …}`, or how it begins.
pub(super) fn words(body: &[u8]) -> String {
    let said = serde_json::from_slice::<serde_json::Value>(body).ok();
    let said = said.as_ref().and_then(|json| json.get("error")?.as_str());
    let text = match said {
        Some(said) => said.to_owned(),
        None => plain(&String::from_utf8_lossy(body)),
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None if line.is_empty() => "without a word".to_owned(),
        None => line,
    }
}

/// A web page by its title: its tags say nothing about the error.
fn plain(text: &str) -> String {
    if !text.trim_start().starts_with('<') {
        return text.to_owned();
    }
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title>").and_then(|at| {
        let from = at + "<title>".len();
        let to = from + lower[from..].find("</title>")?;
        Some(text[from..to].trim()).filter(|title| !title.is_empty())
    });
    match title {
        Some(title) => format!("a web page, \"{title}\""),
        None => "a web page".to_owned(),
    }
}

/// The words of a server's parser in those of a status: a cursor answers 500 before it runs anything, where a pipeline has
/// an error with a code.
pub(super) fn refused_by_parser(words: &str) -> Option<&str> {
    let words = words.strip_prefix("Internal Error: `")?;
    let words = words.strip_suffix('`').unwrap_or(words);
    words
        .starts_with("SQL string could not be parsed: ")
        .then_some(words)
}
