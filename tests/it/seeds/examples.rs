//! The seeds of whole projects, as they come from other frameworks (`tests/it/examples`): they are written once, and a
//! second run changes nothing.

use std::path::Path;
use std::time::Duration;

use seedbed::script::Source;
use seedbed::seeds::{Seeds, parse};

use super::{Bed, told, words};

async fn seeded(name: &str) -> Bed {
    let folder = Path::new(crate::ROOT).join("tests/it/examples").join(name);
    let schema = std::fs::read_to_string(folder.join("schema.sql")).unwrap();
    let bed = Bed::memory(&schema).await;
    let seeds = Seeds::read_dir(folder.join("seeds")).unwrap();
    let run = async || match bed.try_seed(&seeds).await {
        Ok(plan) => told(&plan),
        Err(error) => panic!("{name}\n{}", words(&error)),
    };
    run().await;
    let before = (bed.revision().await, bed.dump().await);
    assert_eq!(run().await, "", "{name}");
    assert_eq!((bed.revision().await, bed.dump().await), before, "{name}");
    bed
}

/// An edit of one value writes this value, and no time of another row.
#[tokio::test]
async fn an_edit_of_the_kanban_board_changes_one_row() {
    let mut bed = seeded("rails_kanban").await;
    let read = |name: &str| {
        let path = format!("tests/it/examples/rails_kanban/seeds/{name}.yaml");
        let path = Path::new(crate::ROOT).join(path);
        std::fs::read_to_string(path).unwrap()
    };
    let text = read("010_writebook").replace("title: web}", "title: the web}");
    bed.options.now += Duration::from_secs(60);
    let files = [("_tables", &*read("_tables")), ("010_writebook", &*text)];
    assert_eq!(
        bed.seed(&files).await,
        "010_writebook edited ~tags.web(title: web → the web)"
    );
}

#[tokio::test]
async fn a_kanban_board_of_rails() {
    let bed = seeded("rails_kanban").await;
    assert_eq!(
        bed.ask(
            "SELECT c.title, group_concat(t.title, ' ') FROM taggings AS g JOIN cards AS c ON c.id = g.card_id \
             JOIN (SELECT * FROM tags ORDER BY title) AS t ON t.id = g.tag_id GROUP BY 1 ORDER BY 1"
        )
        .await,
        "Layout is broken|mobile web The logo is not big enough|web"
    );
    assert_eq!(
        bed.ask(
            "SELECT c.title, u.name FROM assignees_cards AS a JOIN cards AS c ON c.id = a.card_id \
             JOIN users AS u ON u.id = a.assignee_id ORDER BY 1, 2"
        )
        .await,
        "Layout is broken|JZ The logo is not big enough|JZ The logo is not big enough|Kevin"
    );
    assert_eq!(
        bed.ask(
            "SELECT action, eventable_type, CASE eventable_type WHEN 'Card' THEN (SELECT title FROM cards WHERE id = eventable_id) \
             WHEN 'Board' THEN (SELECT name FROM boards WHERE id = eventable_id) \
             ELSE (SELECT body FROM comments WHERE id = eventable_id) END FROM events ORDER BY 1"
        )
        .await,
        "board_created|Board|Writebook card_assigned|Card|The logo is not big enough \
         card_published|Card|The logo is not big enough comment_created|Comment|I agree."
    );
    assert_eq!(
        bed.ask(
            "SELECT u.name FROM events AS e, json_each(e.particulars, '$.assignee_ids') AS i \
             JOIN users AS u ON u.id = i.value ORDER BY 1"
        )
        .await,
        "JZ Kevin"
    );
}

#[tokio::test]
async fn a_blog_of_django() {
    let bed = seeded("django_blog").await;
    assert_eq!(
        bed.ask(
            "SELECT u.username, g.name FROM auth_user_groups AS j JOIN auth_user AS u ON u.id = j.user_id \
             JOIN auth_group AS g ON g.id = j.group_id ORDER BY 1, 2"
        )
        .await,
        "ada|editors ada|readers bo|readers"
    );
    assert_eq!(
        bed.ask("SELECT max(id) FROM auth_user_groups").await,
        "3",
        "ids are small"
    );
    assert_eq!(
        bed.ask(
            "SELECT p.slug, j.tag_id FROM blog_post_tags AS j JOIN blog_post AS p ON p.id = j.post_id ORDER BY 1, 2"
        )
        .await,
        "draft|rust hello|rust hello|sqlite"
    );
    assert_eq!(
        bed.ask(
            "SELECT t.model, p.title FROM blog_comment AS c JOIN django_content_type AS t ON t.id = c.content_type_id \
             JOIN blog_post AS p ON p.id = c.object_pk"
        )
        .await,
        "post|Hello"
    );
}

#[tokio::test]
async fn a_shop_of_prisma() {
    let bed = seeded("prisma_shop").await;
    assert_eq!(
        bed.ask("SELECT (SELECT count(*) FROM _CategoryToProduct), (SELECT count(*) FROM \"Order\"), (SELECT count(*) FROM AuditLog)")
            .await,
        "63|40|1"
    );
    assert_eq!(
        bed.ask("SELECT DISTINCT n FROM (SELECT count(*) AS n FROM \"Order\" GROUP BY userId)")
            .await,
        "4"
    );
    assert_eq!(
        bed.ask("SELECT DISTINCT n FROM (SELECT count(*) AS n FROM OrderItem GROUP BY orderId)")
            .await,
        "3"
    );
}

/// The examples in docs/seeds.md: blocks of `yaml`, and blocks that are indented.
#[test]
fn every_example_of_the_documented_grammar_is_read_without_a_problem() {
    let docs = Path::new(crate::ROOT).join("docs/seeds.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    let (mut examples, mut fence) = (vec![String::new()], None);
    for line in docs.lines() {
        let open = fence.is_some_and(|language| language == "yaml");
        match (line.strip_prefix("```"), line.strip_prefix("    ")) {
            (Some(language), _) => {
                fence = fence.is_none().then_some(language);
                examples.push(String::new());
            }
            (None, Some(code)) if fence.is_none() => {
                examples.last_mut().unwrap().extend([code, "\n"]);
            }
            // A comment with a path begins another file.
            _ if open && line.starts_with("# seeds/") => examples.push(String::new()),
            _ if open => examples.last_mut().unwrap().extend([line, "\n"]),
            _ => examples.push(String::new()),
        }
    }
    examples.retain(|text| !text.trim().is_empty());
    assert!(examples.len() >= 9, "{examples:#?}");
    for text in examples {
        let source = Source {
            name: "seeds/example.yaml".to_owned(),
            text: text.as_str().into(),
        };
        let (_, problems) = parse("example", source.into());
        assert!(problems.is_empty(), "{text}{problems:#?}");
    }
}
