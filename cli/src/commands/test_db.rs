//! `test-db`: the database of a test, for suites that are not written in Rust.

use std::ffi::OsString;
use std::time::Duration;

use crate::args;
use crate::exit::Exit;
use crate::session::{Ending, Session, Stopped};
use seedbed::report::{Call, Document, Report};
use seedbed::testing::{self, Options, TestingError};

/// So long a wait needs no words.
const PATIENCE: Duration = Duration::from_secs(2);

/// `test-db`
pub(crate) async fn test_db(session: &Session, flags: &args::TestDb) -> Ending {
    let project = session.project()?;
    let target = session.env.get("CARGO_TARGET_DIR").map(OsString::from);
    let layout = project.layout.as_ref().map(|it| it.value);
    let options = Options::new(
        project.migrations.value,
        project.seeds.value,
        flags.env.clone(),
        Options::folder_of(&project.root, target),
    )
    .layout(layout)
    .tags(flags.tag.clone())
    .history_table(project.history_table.value);
    let making = testing::database_with(&options);
    let mut making = std::pin::pin!(making);
    let made = match tokio::time::timeout(PATIENCE, making.as_mut()).await {
        Ok(made) => made,
        Err(_) => {
            session.terminal.error(&format!(
                "the template is being made, here or by another process that has locked {}; waiting",
                options.lock().display()
            ));
            making.await
        }
    };
    let database = made.map_err(|error| failed(session, &error))?;
    let path = database.keep().display().to_string();
    let document = |call: Call<'_>| {
        Document::done(call)
            .with("path", path.as_str())
            .with("environment", flags.env.as_str())
    };
    session.result(None, Exit::Done, document, |_| path.clone());
    Ok(Exit::Done)
}

fn failed(session: &Session, error: &TestingError) -> Stopped {
    session.stopped(Report::testing(error).within("test-db"))
}
