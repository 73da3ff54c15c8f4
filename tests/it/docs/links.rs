//! Links between the pages hold, every page is in the table of contents, and the pages keep their size.

use std::collections::BTreeMap;

use super::{Page, file, pages};

#[test]
fn every_link_leads_to_a_file_and_to_a_heading_of_it() {
    let mut faults = Vec::new();
    let mut anchors: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let architecture = super::page("ARCHITECTURE.md".to_owned());
    for page in pages().into_iter().chain([architecture]) {
        let headings = prose(&page).filter(|(_, line)| line.starts_with('#'));
        let headings = headings.map(|(_, line)| anchor(line)).collect();
        anchors.insert(page.path, headings);
    }
    for page in pages() {
        for (at, line) in prose(&page) {
            for target in targets(line) {
                let fault = fault(&page.path, target, &anchors);
                faults.extend(fault.map(|it| format!("{}:{at}: {target}: {it}", page.path)));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_page_is_in_the_table_of_contents_once() {
    let pages = pages();
    let contents = pages.iter().find(|page| page.path == "docs/SUMMARY.md");
    let contents = &contents.unwrap().text;
    for page in &pages {
        if let Some(path) = page.path.strip_prefix("docs/")
            && path != "SUMMARY.md"
        {
            assert_eq!(contents.matches(&format!("({path})")).count(), 1, "{path}");
        }
    }
}

#[test]
fn the_readme_and_the_pages_of_the_tools_are_short() {
    for page in pages() {
        let most = match &*page.path {
            "README.md" => 200,
            path if path.starts_with("docs/from/") => 60,
            _ => continue,
        };
        let lines = page.text.lines().count();
        assert!(lines <= most, "{} has {lines} lines", page.path);
    }
}

#[test]
fn every_cell_of_the_comparison_has_a_source() {
    let table = |path: &str, from: &str| -> Vec<Vec<String>> {
        let text = super::page(path.to_owned()).text;
        let (_, text) = text.split_once(from).unwrap();
        let lines = text.lines().skip_while(|line| !line.starts_with('|'));
        let rows = lines.take_while(|line| line.starts_with('|'));
        rows.map(|row| {
            row.trim_matches('|')
                .split('|')
                .map(str::trim)
                .map(str::to_owned)
                .collect()
        })
        .collect()
    };
    let claims = table("README.md", "## How it compares");
    let sources = table("docs/explanations/why-not.md", "## Sources");
    assert_eq!(claims.len(), sources.len());
    for (claims, sources) in claims.iter().zip(&sources) {
        assert_eq!(claims.len(), sources.len(), "{claims:?}");
        assert_eq!(claims[0], sources[0]);
        assert!(
            claims
                .iter()
                .zip(sources)
                .skip(1)
                .all(|(claim, source)| !claim.is_empty() && !source.is_empty()),
            "{sources:?}"
        );
    }
    // The further rows have their sources in their cells.
    let detail = table("docs/explanations/why-not.md", "## In detail");
    let cells = detail.iter().skip(2).flat_map(|row| &row[1..]);
    for cell in cells {
        assert!(cell.contains("](https://"), "{cell}");
    }
}

/// Why a link leads nowhere.
fn fault(
    path: &str,
    target: &str,
    anchors: &BTreeMap<String, Vec<String>>,
) -> Option<&'static str> {
    if target.starts_with("https://") {
        return None;
    }
    let (to, heading) = target.split_once('#').unwrap_or((target, ""));
    let to = match to {
        "" => path.to_owned(),
        _ => resolved(path, to)?,
    };
    if path.starts_with("docs/") && !to.starts_with("docs/") {
        return Some("the book has pages below docs/ only");
    }
    if !file(&to).exists() {
        return Some("there is no such file");
    }
    let known = || {
        anchors
            .get(&to)
            .is_some_and(|known| known.iter().any(|it| it == heading))
    };
    (!heading.is_empty() && !known()).then_some("there is no such heading")
}

/// A path that starts at the folder of a page, from the root. None where it leaves the repository.
fn resolved(page: &str, to: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in to.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The lines outside of blocks, with their numbers.
fn prose(page: &Page) -> impl Iterator<Item = (usize, &str)> {
    let mut within = false;
    let lines = page.text.lines().enumerate();
    lines.filter_map(move |(at, line)| {
        let fence = line.starts_with("```");
        within ^= fence;
        (!within && !fence).then_some((at + 1, line))
    })
}

/// Where the links of a line lead.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let parts = line.split("](").skip(1);
    parts.filter_map(|part| part.split_once(')').map(|(target, _)| target))
}

/// The anchor that Markdown gives a heading.
fn anchor(heading: &str) -> String {
    let words = heading.trim_start_matches('#').trim().to_lowercase();
    let words = words.chars().filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        _ => c.is_alphanumeric().then_some(c),
    });
    words.collect()
}
