//! Whether a program may open a database whose migrations are not its own: an application that carries its database along
//! may be older than the file that it is given. It never writes.

use super::directive::is_breaking;
use super::plan::{MigrationPlan, PlanOptions, State, plan};
use super::ran;
use super::set::Migrations;
use crate::db::Db;
use crate::history::{self, History, HistoryError};
use crate::script::Key;

/// How a database fits a set of migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compatibility {
    /// It has each migration of the set, and no other one.
    Current,
    /// It has no other migration than those of the set, and some are still to be applied: see [`up`](super::up).
    Pending,
    /// It has migrations that the set does not know, and none of them says `-- seedbed: breaking`: the program may read
    /// and write it, and must not migrate it.
    NewerButReadable,
    /// It has a migration that the set does not know and that says `-- seedbed: breaking`: the program must not use it. A
    /// newer program can, or [`undo`](super::undo()) undoes what is newer, by the down texts that the database has
    /// recorded.
    NewerBreaking,
}

/// Compares the recorded migrations with a set. A migration is known by its text, so one that was renumbered is no other
/// one; what a file itself says counts, as it was recorded, so an old program knows what a newer one has applied.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use seedbed::db::Db;
/// use seedbed::migrations::{self, Compatibility, Migrations};
///
/// # let set = Migrations::read_dir("migrations")?;
/// # let db = Db::memory(Default::default()).await?;
/// match migrations::compatible(&db, &set).await? {
///     Compatibility::Pending => drop(migrations::up(&db, &set).await?),
///     Compatibility::Current | Compatibility::NewerButReadable => {}
///     _ => return Err("this database is of a newer version of the program".into()),
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`history::read`]: a database that cannot be read, or whose history another tool wrote.
pub async fn compatible(db: &Db, set: &Migrations) -> Result<Compatibility, HistoryError> {
    let history = super::observe(db, set).await?;
    let unknown_now = |history: &History| unknown(&plan(set, history, &PlanOptions::default()));
    let history = history::add_texts(db, history, unknown_now).await?;
    let plan = plan(set, &history, &PlanOptions::default());
    let unknown = unknown(&plan);
    if unknown.is_empty() {
        let is_pending = |state| matches!(state, State::Pending | State::Started);
        let pending = plan.items.iter().any(|item| is_pending(item.state));
        return Ok(match pending {
            true => Compatibility::Pending,
            false => Compatibility::Current,
        });
    }
    let texts = unknown
        .iter()
        .filter_map(|key| ran::text(history.row(key)?));
    Ok(match texts.into_iter().any(|text| is_breaking(&text)) {
        true => Compatibility::NewerBreaking,
        false => Compatibility::NewerButReadable,
    })
}

/// The recorded migrations that the set of a plan does not know.
fn unknown(plan: &MigrationPlan) -> Vec<Key> {
    let is_unknown = |state| matches!(state, State::Ahead | State::Missing | State::Edited);
    let items = plan.items.iter();
    let unknown =
        items.filter(|item| is_unknown(item.state) && matches!(item.key, Key::Migration(_)));
    unknown.map(|item| item.key.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::Options;
    use crate::drive::ignore;
    use crate::migrations::{Back, Grouping, UndoOptions, undo, up};
    use crate::script::Run;

    const FILES: [(&str, &str); 5] = [
        ("V1__a.sql", "CREATE TABLE a (x);"),
        ("V2__b.sql", "CREATE TABLE b (x);"),
        ("V2__b.down.sql", "DROP TABLE b;"),
        (
            "V3__c.sql",
            "-- seedbed: breaking\nALTER TABLE a RENAME COLUMN x TO y;",
        ),
        ("V3__c.down.sql", "ALTER TABLE a RENAME COLUMN y TO x;"),
    ];

    /// The files of the versions up to this one.
    fn program(last: usize) -> Migrations {
        let known = |name: &str| name[1..2].parse::<usize>().unwrap() <= last;
        let files = FILES.iter().filter(|(name, _)| known(name));
        Migrations::from_files(
            files.map(|(name, text)| (name.to_string(), text.as_bytes().to_vec())),
        )
    }

    #[tokio::test]
    async fn an_old_program_knows_whether_it_may_use_a_newer_database_and_can_go_back() {
        let db = Db::memory(Options::default()).await.unwrap();
        let fits = async |last| compatible(&db, &program(last)).await.unwrap();
        assert_eq!(fits(1).await, Compatibility::Pending);
        up(&db, &program(1)).await.unwrap();
        assert_eq!(fits(1).await, Compatibility::Current);
        assert_eq!(fits(2).await, Compatibility::Pending);
        up(&db, &program(2)).await.unwrap();
        assert_eq!(fits(1).await, Compatibility::NewerButReadable);
        up(&db, &program(3)).await.unwrap();
        assert_eq!(fits(3).await, Compatibility::Current);
        assert_eq!(fits(2).await, Compatibility::NewerBreaking);
        assert_eq!(fits(1).await, Compatibility::NewerBreaking);
        // By what the database has recorded: the old program has no file of V2 or V3.
        let options = UndoOptions::default()
            .back(Back::To(1))
            .grouping(Grouping::default());
        undo(&db, &options, &Run::new("old"), &ignore())
            .await
            .unwrap();
        assert_eq!(fits(1).await, Compatibility::Current);
    }

    #[tokio::test]
    async fn a_file_with_another_text_is_a_migration_that_the_program_does_not_know() {
        let db = Db::memory(Options::default()).await.unwrap();
        up(&db, &program(1)).await.unwrap();
        let other =
            Migrations::from_files([("V1__a.sql".to_owned(), b"CREATE TABLE a (x, z);".to_vec())]);
        let fits = compatible(&db, &other).await.unwrap();
        assert_eq!(fits, Compatibility::NewerButReadable);
    }

    #[tokio::test]
    async fn the_mark_changes_nothing_of_what_a_file_means() {
        let db = Db::memory(Options::default()).await.unwrap();
        up(&db, &program(1)).await.unwrap();
        let marked = Migrations::from_files([(
            "V1__a.sql".to_owned(),
            b"-- seedbed: breaking\nCREATE TABLE a (x);".to_vec(),
        )]);
        let outcome = up(&db, &marked).await.unwrap();
        assert_eq!(outcome.done, []);
        assert_eq!(
            compatible(&db, &marked).await.unwrap(),
            Compatibility::Current
        );
    }
}
