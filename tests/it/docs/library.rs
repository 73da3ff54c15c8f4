//! The examples of `docs/guides/library.md` that name their database themselves: they run here, and the page shows the
//! same lines.

use std::error::Error;

use super::page;
use crate::project::Project;

const HERE: &str = include_str!("library.rs");

type Ran = Result<(), Box<dyn Error>>;

#[tokio::test]
async fn an_application_migrates_queries_seeds_and_undoes() -> Ran {
    let project = Project::new()
        .migration(
            "V1__users",
            "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL UNIQUE);\n",
        )
        .down("V1__users", "DROP TABLE users;\n")
        .file(
            "seeds/010_users.yaml",
            "users:\n  _key: email\n  admin:\n    email: admin@example.com\n",
        );
    let database = project.path("app.db");
    let migrations = project.path("migrations");
    let folder = project.path("seeds");
    {
        use seedbed::db::{Db, Options};
        use seedbed::migrations::{self, Migrations};

        let db = Db::local(&database, Options::default())?;
        let set = Migrations::read_dir(&migrations)?;
        migrations::up(&db, &set).await?;

        // page: query
        let database = db.clone().for_application(None); // to keep and to share
        let connection = database.connect().await?; // a `libsql::Connection`
        let mut rows = connection.query("SELECT email FROM users", ()).await?;
        while let Some(row) = rows.next().await? {
            println!("{}", row.get::<String>(0)?);
        }
        // end
        drop(rows);

        let seeds = seedbed::seeds::Seeds::read_dir(&folder)?;
        {
            // page: seed
            use seedbed::migrations::ignore;
            use seedbed::script::Run;
            use seedbed::seeds::{self, Choice, SeedOptions, Variables};

            let variables = Variables::Known(std::env::vars().collect()); // what `!env` finds
            let options = SeedOptions::new(Choice::new("dev"), std::time::SystemTime::now())
                .variables(variables);
            let run = Run::new("my-app"); // who changed the database, in its records
            let (outcome, _plan) =
                seeds::apply(&db, &seeds, &set, &options, &run, &ignore()).await?;
            for done in &outcome.done {
                println!("{}", done.key);
            }
            // end
            assert!(!outcome.done.is_empty());
        }
        {
            // page: undo
            use seedbed::migrations::{Back, UndoOptions, ignore, undo};
            use seedbed::script::Run;

            let options = UndoOptions::default().back(Back::To(0)); // every version above 0
            let outcome = undo(&db, &options, &Run::new("my-app"), &ignore()).await?;
            println!("{} undone", outcome.done.len());
            // end
            assert!(!outcome.done.is_empty());
        }
    }
    Ok(())
}

/// The text of an example.
fn example(name: &str) -> String {
    let begin = format!("// page: {name}\n");
    let (_, rest) = HERE.split_once(&begin).unwrap();
    let (text, _) = rest.split_once("// end\n").unwrap();
    without_spaces(text)
}

/// A page breaks lines, and aligns comments, in another way than rustfmt.
fn without_spaces(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn the_page_shows_these_examples() {
    let page = without_spaces(&page("docs/guides/library.md".to_owned()).text);
    for name in ["query", "seed", "undo"] {
        let example = example(name);
        assert!(page.contains(&example), "docs/guides/library.md: {example}");
    }
}
