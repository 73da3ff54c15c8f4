//! What a rule means, from the page of the documentation. Pure.

/// The page: a section for each rule.
const PAGE: &str = include_str!("../../docs/lint.md");

/// The section about a rule, without its heading.
pub fn explanation(code: &str) -> Option<&'static str> {
    let heading = format!("\n### {code}: ");
    let begin = PAGE.find(&heading)? + heading.len();
    let section = &PAGE[begin..];
    let body = section.find('\n')?;
    let end = ["\n### ", "\n## "]
        .iter()
        .filter_map(|it| section.find(it))
        .min();
    Some(section[body..end.unwrap_or(section.len())].trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RULES;

    #[test]
    fn the_page_has_a_section_for_each_rule_with_its_title() {
        for rule in RULES {
            let heading = format!("\n### {}: {}\n", rule.code, rule.title);
            assert!(PAGE.contains(&heading), "{heading}");
            let text = explanation(rule.code).unwrap_or_default();
            for part in ["**What happens.**", "**The safe way.**"] {
                assert!(text.contains(part), "{}: {part}", rule.code);
            }
        }
    }
}
