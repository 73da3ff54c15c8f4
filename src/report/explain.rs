//! A query plan as a tree, and what is wrong with a text that has none.

use serde_json::{Value, json};

use super::Report;
use super::json::{Call, Document};
use super::style::{BAD, FAINT, Style, WAITS};
use super::words::printable;
use crate::diagnostic::{Class, Diagnostic};
use crate::schema::{ExplainError, Node, Uses};

/// The tree, each step with how it finds its rows.
pub fn explain(plan: &[Node], style: Style<'_>) -> String {
    if plan.is_empty() {
        return "the statement reads no table\n".to_owned();
    }
    let mut text = String::new();
    draw(plan, "", style, &mut text);
    text
}

fn draw(nodes: &[Node], before: &str, style: Style<'_>, text: &mut String) {
    for (at, node) in nodes.iter().enumerate() {
        let (branch, below) = match at + 1 == nodes.len() {
            true => ("└─ ", "   "),
            false => ("├─ ", "│  "),
        };
        text.push_str(&style.paint.paint(FAINT, &format!("{before}{branch}")));
        text.push_str(&printable(&node.detail));
        // The engine's own words name an index.
        let lacks = match &node.uses {
            Some(Uses::Automatic) => Some(("no index: the engine makes one each time", WAITS)),
            Some(Uses::EveryRow) => Some(("no index: every row is read", BAD)),
            Some(Uses::Index(_) | Uses::PrimaryKey) | None => None,
        };
        if let Some((words, colour)) = lacks {
            text.push_str("  ");
            text.push_str(&style.paint.paint(colour, words));
        }
        text.push('\n');
        draw(&node.children, &format!("{before}{below}"), style, text);
    }
}

impl Document {
    /// `explain`.
    pub fn explain(call: Call<'_>, plan: &[Node]) -> Document {
        let plan: Vec<Value> = plan.iter().map(node).collect();
        Document::done(call).with("plan", plan)
    }
}

fn node(node: &Node) -> Value {
    let (uses, index) = match &node.uses {
        Some(Uses::Index(name)) => (Some("index"), Some(name)),
        Some(Uses::PrimaryKey) => (Some("primary-key"), None),
        Some(Uses::Automatic) => (Some("automatic-index"), None),
        Some(Uses::EveryRow) => (Some("every-row"), None),
        None => (None, None),
    };
    let children: Vec<Value> = node.children.iter().map(self::node).collect();
    json!({"detail": node.detail, "uses": uses, "index": index, "children": children})
}

impl Report {
    /// A text that has no query plan.
    pub fn explain(error: &ExplainError) -> Report {
        let (class, code, message, help) = match error {
            ExplainError::NotOne(_) => (
                Class::Usage,
                "not-one-statement",
                error.to_string(),
                Some("pass one statement as one argument: `explain \"SELECT …\"`"),
            ),
            ExplainError::Refused(_) => (Class::Usage, "refused", error.to_string(), None),
            ExplainError::Engine(engine) => {
                (Class::Failed, "statement-failed", engine.to_string(), None)
            }
            ExplainError::Db(error) => {
                return Report::of(vec![super::database::database(error)]);
            }
        };
        Report::of(vec![
            Diagnostic::error(code, message).class(class).helps(help),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Paint;
    use expect_test::expect;

    const STYLE: Style<'_> = Style {
        paint: Paint::Plain,
        program: "cargo xtask",
        columns: None,
    };

    fn step(detail: &str, uses: Option<Uses>, children: Vec<Node>) -> Node {
        Node {
            detail: detail.to_owned(),
            uses,
            children,
        }
    }

    #[test]
    fn a_plan_is_drawn_as_a_tree() {
        let plan = [
            step(
                "COMPOUND QUERY",
                None,
                vec![
                    step(
                        "LEFT-MOST SUBQUERY",
                        None,
                        vec![step("SCAN usage", Some(Uses::EveryRow), vec![])],
                    ),
                    step("UNION ALL", None, vec![]),
                ],
            ),
            step(
                "SEARCH users USING INDEX by_email (email=?)",
                Some(Uses::Index("by_email".to_owned())),
                vec![],
            ),
        ];
        expect![[r#"
            ├─ COMPOUND QUERY
            │  ├─ LEFT-MOST SUBQUERY
            │  │  └─ SCAN usage  no index: every row is read
            │  └─ UNION ALL
            └─ SEARCH users USING INDEX by_email (email=?)
        "#]]
        .assert_eq(&explain(&plan, STYLE));
    }

    #[test]
    fn a_statement_may_have_no_plan() {
        expect![[r#"
            the statement reads no table
        "#]]
        .assert_eq(&explain(&[], STYLE));
    }
}
