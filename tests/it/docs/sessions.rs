//! The sessions of the pages, run. Each block marked `console` is a session: lines that begin with `$ ` are typed, the
//! lines below are what came of it. A block of YAML that begins with `# seeds/…` is that file. The sessions of a page are
//! in one project, one after the other.

use super::folder::Folder;
use super::{Page, compare, pages};

#[test]
fn the_sessions_on_the_pages_are_what_the_program_prints() {
    let mut faults = Vec::new();
    for page in pages() {
        if !page.blocks().iter().any(|it| it.language == "console") {
            continue;
        }
        let found = run(&page);
        faults.extend(compare(&page.path, &found, without_times).err());
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// The text of the page with what the program prints now.
fn run(page: &Page) -> String {
    let folder = Folder::of(page);
    let mut found = String::new();
    let mut lines = page.text.lines().peekable();
    while let Some(line) = lines.next() {
        found.extend([line, "\n"]);
        if line == "```yaml" {
            let path = lines.peek().and_then(|line| line.strip_prefix("# seeds/"));
            let mut text = String::new();
            while let Some(line) = lines.next_if(|line| *line != "```") {
                text.extend([line, "\n"]);
            }
            found.push_str(&text);
            if let Some(name) = path {
                folder.write(&format!("seeds/{name}"), &text);
            }
        } else if line == "```console" {
            while let Some(line) = lines.next_if(|line| *line != "```") {
                if let Some(command) = line.strip_prefix("$ ") {
                    found.extend([line, "\n"]);
                    found.push_str(&folder.typed(command));
                }
            }
        }
    }
    found
}

/// Times of day, durations and the sizes of packed files, which differ from run to run, brought to one form. Other numbers stay.
pub(super) fn without_times(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        // Columns are padded to the widest, and that depends on the durations.
        let words: Vec<&str> = line.split_whitespace().collect();
        for (at, word) in words.iter().enumerate() {
            let is_duration = words
                .get(at + 1)
                .is_some_and(|unit| ["ms", "s"].contains(&unit.trim_matches([')', ','])));
            let is_size = line.contains(".sql.gz")
                && words
                    .get(at + 1)
                    .is_some_and(|unit| ["B", "KB"].contains(&unit.trim_matches(',')));
            let shape: String = word
                .chars()
                .map(|c| if c.is_ascii_digit() { '0' } else { c })
                .collect();
            let dates = ["0000-00-00", "00:00:00", "00000000T000000Z"];
            let is_date = dates.iter().any(|date| shape.contains(date));
            out.push_str(match (is_duration || is_size, is_date) {
                (true, _) => "0",
                (_, true) => &shape,
                _ => word,
            });
            out.push(' ');
        }
        out.push('\n');
    }
    out
}
