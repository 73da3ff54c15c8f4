//! All statements of a schema as one text: cheap to take, to keep and to compare.

use super::inspect::{Schema, of_statements};
use crate::db::{Db, DbError, Query};
use crate::sql::Value;

/// All statements behind a row in one value: a row for each object costs several times as much.
const TEXTS: &str =
    "SELECT group_concat(sql, char(30, 31)), max(rowid) FROM sqlite_schema WHERE rowid > ?1";

/// A separator that no written text contains.
const BETWEEN: &str = "\u{1e}\u{1f}";

/// The statements of a schema, all in one text and in no particular order. It is there to be kept, and to be
/// compared with another one by [`changes`](super::compare::changes).
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshot {
    text: String,
    /// The last row of the schema. The engine puts what is created behind it.
    last: i64,
}

impl PartialEq for Snapshot {
    fn eq(&self, other: &Snapshot) -> bool {
        self.text == other.text
    }
}

/// Takes a snapshot: cheaper by far than [`inspect`].
///
/// # Errors
/// As [`Db::query`].
pub(crate) async fn snapshot(db: &Db) -> Result<Snapshot, DbError> {
    let mut snapshot = Snapshot::default();
    snapshot.read_on(db).await?;
    Ok(snapshot)
}

impl Snapshot {
    /// Adds what was created behind it, and returns that: the objects of a database in memory whose other objects are as
    /// they were. It costs by these alone.
    ///
    /// # Errors
    /// As [`Db::query`].
    pub(crate) async fn grow(&mut self, db: &Db) -> Result<Schema, DbError> {
        let known = self.text.len();
        self.read_on(db).await?;
        Ok(of_statements(statements(&self.text[known..])))
    }

    async fn read_on(&mut self, db: &Db) -> Result<(), DbError> {
        let question = Query {
            sql: TEXTS.to_owned(),
            args: vec![Value::Integer(self.last)],
        };
        let [text, last] = db.ask(question).await?.row()?;
        if let Value::Text(text) = text {
            if !self.text.is_empty() {
                self.text.push_str(BETWEEN);
            }
            self.text.push_str(&text);
        }
        if let Value::Integer(last) = last {
            self.last = last;
        }
        Ok(())
    }

    /// The statements.
    #[cfg(test)]
    pub(super) fn statements(&self) -> impl Iterator<Item = &str> {
        statements(&self.text)
    }

    /// The statements of both, without those at the beginning and at the end that are the same: most of them are, and
    /// comparing bytes is cheap.
    pub(super) fn apart<'s>(
        &'s self,
        other: &'s Snapshot,
    ) -> [impl Iterator<Item = &'s str> + use<'s>; 2] {
        let (one, other) = (self.text.as_str(), other.text.as_str());
        let (a, b) = (one.as_bytes(), other.as_bytes());
        let between = BETWEEN.as_bytes();
        let same = longest(a.len().min(b.len()), |count| a[..count] == b[..count]);
        let begin = a[..same]
            .windows(between.len())
            .rposition(|it| it == between)
            .map_or(0, |at| at + between.len());
        let (a, b) = (&a[begin..], &b[begin..]);
        let same = longest(a.len().min(b.len()), |count| {
            a[a.len() - count..] == b[b.len() - count..]
        });
        let end = a[a.len() - same..]
            .windows(between.len())
            .position(|it| it == between)
            .map_or(0, |at| same - at);
        [one, other].map(|text| statements(&text[begin..text.len() - end]))
    }
}

fn statements(text: &str) -> impl Iterator<Item = &str> {
    text.split(BETWEEN).filter(|text| !text.is_empty())
}

/// The largest count up to `most` for which this holds; it holds for all smaller ones too.
fn longest(most: usize, holds: impl Fn(usize) -> bool) -> usize {
    let (mut yes, mut no) = (0, most + 1);
    while no - yes > 1 {
        let middle = yes + (no - yes) / 2;
        match holds(middle) {
            true => yes = middle,
            false => no = middle,
        }
    }
    yes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::inspect;
    use crate::schema::tests::database;

    #[test]
    fn two_snapshots_are_compared_by_the_statements_that_differ() {
        let snapshot = |statements: &[&str]| Snapshot {
            text: statements.join(BETWEEN),
            last: 0,
        };
        for (one, other, expect) in [
            (&["ab", "cd", "ef"][..], &["ab", "ef"][..], ["cd", ""]),
            (&["ab", "cd"], &["ab", "cd", "ef"], ["", "ef"]),
            (&["ab", "cd"], &["ab", "xd"], ["cd", "xd"]),
            (&["é", "cd"], &["è", "cd"], ["é", "è"]),
            (&[], &["a", "b"], ["", "a b"]),
            (&["a"], &["a"], ["", ""]),
        ] {
            let (one, other) = (snapshot(one), snapshot(other));
            let [of_one, of_other] = one.apart(&other).map(Iterator::collect::<Vec<_>>);
            let only = |these: &[&str], those: &[&str]| {
                let only = these.iter().filter(|it| !those.contains(it));
                only.copied().collect::<Vec<_>>().join(" ")
            };
            let found = [only(&of_one, &of_other), only(&of_other, &of_one)];
            assert_eq!(found, expect, "{one:?} {other:?}");
            // What both begin with is not looked at.
            assert!(!of_one.contains(&"ab"), "{one:?} {other:?}");
        }
    }

    #[tokio::test]
    async fn a_snapshot_grows_by_what_was_created_behind_it() {
        let db = database("CREATE TABLE a (x)").await;
        let mut grown = snapshot(&db).await.unwrap();
        let made = "CREATE TABLE b (x UNIQUE); CREATE INDEX i ON a (x); CREATE VIEW v AS SELECT 1";
        crate::schema::tests::run(&db, made).await;
        let objects = grown.grow(&db).await.unwrap().objects;
        let names: Vec<&str> = objects.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["b", "i", "v"]);
        assert_eq!(grown, snapshot(&db).await.unwrap());
        assert_eq!(grown.grow(&db).await.unwrap(), Schema::default());
        let mut empty = Snapshot::default();
        assert_eq!(empty.grow(&db).await.unwrap(), inspect(&db).await.unwrap());
    }

    #[tokio::test]
    async fn a_snapshot_holds_what_an_inspection_finds() {
        let db = database(
            "CREATE TABLE b (x TEXT DEFAULT 'a;\n b'); CREATE INDEX z ON b (x);
             CREATE TRIGGER t AFTER INSERT ON b BEGIN SELECT 1\n;\nSELECT 2; END;
             CREATE VIEW v AS SELECT x FROM b -- all of it\n",
        )
        .await;
        let snapshot = snapshot(&db).await.unwrap();
        assert_eq!(
            of_statements(snapshot.statements()),
            inspect(&db).await.unwrap()
        );
    }
}
