//! The whole schema of a database as one value that is cheap to copy: objects and shapes by name, shared between the
//! states before and after a file. Reading one looks and never writes.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::compare::Difference;
use super::inspect::{Object, ObjectKind, inspect};
use super::shadows;
use super::shape::{ForeignKey, TableShape, shape, shapes_of};
use super::shared_map::SharedMap;
use crate::db::{Db, DbError};
use crate::sql::{Kind, TokenKind, What, kind, significant, unquote};

/// A schema. All names in it are in lower case.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    tables: SharedMap<String, Arc<TableShape>>,
    objects: SharedMap<(ObjectKind, String), Arc<Object>>,
    /// The objects of each table.
    of_tables: SharedMap<String, Arc<BTreeSet<(ObjectKind, String)>>>,
    /// The tables that refer to each table.
    children: SharedMap<String, Arc<BTreeSet<String>>>,
    /// The views in which each word stands.
    words: SharedMap<String, Arc<BTreeSet<String>>>,
    /// Whether there was a virtual table: then the engine is asked which tables keep the content of one.
    has_virtual: bool,
    /// The tables and views that were read for this state; all others are as they were in the state before it.
    touched: Arc<BTreeSet<String>>,
}

impl Catalogue {
    /// Reads that of a database.
    ///
    /// # Errors
    /// As [`Db::query`].
    pub async fn read(db: &Db) -> Result<Catalogue, DbError> {
        let mut read = Catalogue::default();
        for object in inspect(db).await?.objects {
            read.add(object);
        }
        for table in shape(db).await?.tables {
            read.set_shape(table);
        }
        Ok(read)
    }

    /// The same after these changes, of which only the tables that they concern are read: it costs by these, not by all
    /// that there are.
    ///
    /// # Errors
    /// As [`Db::query`].
    pub(crate) async fn after(
        &self,
        db: &Db,
        changes: Vec<Difference>,
    ) -> Result<Catalogue, DbError> {
        let mut next = self.clone();
        let mut changed = BTreeSet::new();
        for change in changes {
            let object = change.object();
            changed.insert(folded(&object.table));
            match change {
                Difference::Missing { expected } => next.remove(&expected),
                Difference::Unexpected { found } | Difference::Different { found, .. } => {
                    next.add(found);
                }
            }
        }
        if next.has_virtual {
            for shadow in shadows(db).await? {
                next.remove_named(ObjectKind::Table, &folded(&shadow));
            }
        }
        let mut asked = changed.clone();
        for table in &changed {
            asked.extend(
                next.children
                    .get(table)
                    .into_iter()
                    .flat_map(|it| &**it)
                    .cloned(),
            );
        }
        // A view of a view has other columns too.
        let mut behind: Vec<String> = changed.into_iter().collect();
        while let Some(name) = behind.pop() {
            for view in next.words.get(&name).into_iter().flat_map(|it| &**it) {
                if asked.insert(view.clone()) {
                    behind.push(view.clone());
                }
            }
        }
        let kinds = [ObjectKind::Table, ObjectKind::View];
        let object = |name: &String| {
            let mut of_kinds = kinds.iter();
            of_kinds.find_map(|kind| next.objects.get(&(*kind, name.clone())))
        };
        let objects: Vec<&Object> = asked.iter().filter_map(object).map(|it| &**it).collect();
        let shapes = shapes_of(db, &objects, &|name| next.table(name)).await?;
        for table in shapes {
            next.set_shape(table);
        }
        next.touched = Arc::new(asked);
        Ok(next)
    }

    fn add(&mut self, object: Object) {
        let key = (object.kind, folded(&object.name));
        self.remove(&object);
        self.has_virtual |= is_virtual(&object);
        change(&mut self.of_tables, folded(&object.table), |all| {
            all.insert(key.clone());
        });
        if object.kind == ObjectKind::View {
            for word in words(&object.sql) {
                change(&mut self.words, word, |all| {
                    all.insert(key.1.clone());
                });
            }
        }
        self.objects.insert(key, Arc::new(object));
    }

    fn remove(&mut self, object: &Object) {
        self.remove_named(object.kind, &folded(&object.name));
    }

    fn remove_named(&mut self, kind: ObjectKind, name: &str) {
        let key = (kind, name.to_owned());
        let Some(object) = self.objects.get(&key).cloned() else {
            return;
        };
        self.objects.remove(&key);
        change(&mut self.of_tables, folded(&object.table), |all| {
            all.remove(&key);
        });
        if kind == ObjectKind::View {
            for word in words(&object.sql) {
                change(&mut self.words, word, |all| {
                    all.remove(name);
                });
            }
        }
        if matches!(kind, ObjectKind::Table | ObjectKind::View) {
            self.remove_shape(name);
        }
    }

    fn set_shape(&mut self, table: TableShape) {
        let name = folded(&table.name);
        self.remove_shape(&name);
        for key in &table.foreign_keys {
            change(&mut self.children, folded(&key.parent), |all| {
                all.insert(name.clone());
            });
        }
        self.tables.insert(name, Arc::new(table));
    }

    fn remove_shape(&mut self, name: &str) {
        let Some(table) = self.tables.get(name).cloned() else {
            return;
        };
        self.tables.remove(name);
        for key in &table.foreign_keys {
            change(&mut self.children, folded(&key.parent), |all| {
                all.remove(name);
            });
        }
    }

    /// The table or view of this name.
    pub fn table(&self, name: &str) -> Option<&TableShape> {
        self.tables.get(&folded(name)).map(|table| &**table)
    }

    /// All tables and views.
    pub fn tables(&self) -> impl Iterator<Item = &TableShape> {
        self.tables.iter().map(|(_, table)| &**table)
    }

    /// The tables and views that were read again for this state, as far as they are there: all others are as they were in
    /// the state before it.
    pub(crate) fn touched(&self) -> impl Iterator<Item = &TableShape> {
        self.touched.iter().filter_map(|name| self.table(name))
    }

    /// The object of this kind and name.
    pub fn object(&self, kind: ObjectKind, name: &str) -> Option<&Object> {
        self.objects.get(&(kind, folded(name))).map(|it| &**it)
    }

    /// All objects of a kind.
    pub fn objects(&self, kind: ObjectKind) -> impl Iterator<Item = &Object> {
        let from = self.objects.iter_from(&(kind, String::new()));
        from.map(|(_, object)| &**object)
            .take_while(move |object| object.kind == kind)
    }

    /// The indexes or triggers of a table.
    pub fn of_table<'c>(
        &'c self,
        kind: ObjectKind,
        table: &str,
    ) -> impl Iterator<Item = &'c Object> + use<'c> {
        let all = self.of_tables.get(&folded(table));
        let all = all.into_iter().flat_map(|it| &**it);
        all.filter(move |(it, _)| *it == kind)
            .filter_map(|key| self.objects.get(key))
            .map(|object| &**object)
    }

    /// The foreign keys that refer to a table, with the tables that have them; that table's own too.
    pub fn references<'c>(&'c self, parent: &str) -> Vec<(&'c TableShape, &'c ForeignKey)> {
        let children = self.children.get(&folded(parent));
        let children = children.into_iter().flat_map(|it| &**it);
        let mut found = Vec::new();
        for table in children.filter_map(|name| self.table(name)) {
            let keys = table.foreign_keys.iter();
            let keys = keys.filter(|key| key.parent.eq_ignore_ascii_case(parent));
            found.extend(keys.map(|key| (table, key)));
        }
        found
    }
}

/// Changes the set of a key, and forgets one that is empty.
fn change<T: Ord + Clone>(
    sets: &mut SharedMap<String, Arc<BTreeSet<T>>>,
    key: String,
    change: impl FnOnce(&mut BTreeSet<T>),
) {
    let mut set = sets.get(&key).cloned().unwrap_or_default();
    change(Arc::make_mut(&mut set));
    match set.is_empty() {
        true => sets.remove(&key),
        false => sets.insert(key, set),
    }
}

fn is_virtual(object: &Object) -> bool {
    object.kind == ObjectKind::Table
        && matches!(kind(&object.sql), Kind::Create(it) if it.what == What::VirtualTable)
}

fn folded(name: &str) -> String {
    name.to_ascii_lowercase()
}

/// The names and words of a statement, in lower case.
fn words(sql: &str) -> impl Iterator<Item = String> {
    let is_word = |kind| matches!(kind, TokenKind::Word | TokenKind::QuotedName);
    significant(sql)
        .filter(move |token| is_word(token.kind))
        .map(|token| folded(&unquote(token.text(sql))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::changes;
    use crate::schema::snapshot;
    use crate::schema::tests::{database, run};

    /// All that a catalogue answers, as text.
    fn described(catalogue: &Catalogue) -> String {
        let kinds = [
            ObjectKind::Table,
            ObjectKind::Index,
            ObjectKind::View,
            ObjectKind::Trigger,
        ];
        let mut lines: Vec<String> = Vec::new();
        for kind in kinds {
            lines.extend(
                catalogue
                    .objects(kind)
                    .map(|it| format!("{} {}", it.name, it.normal)),
            );
        }
        for table in catalogue.tables() {
            lines.push(format!("{table:?}"));
            for kind in kinds {
                let of_it = catalogue
                    .of_table(kind, &table.name)
                    .map(|it| it.name.as_str());
                lines.push(format!("{}: {:?}", kind.word(), of_it.collect::<Vec<_>>()));
            }
            let refer = catalogue.references(&table.name).into_iter();
            let refer = refer.map(|(child, _)| child.name.as_str());
            lines.push(format!("references: {:?}", refer.collect::<Vec<_>>()));
        }
        lines.join("\n")
    }

    #[tokio::test]
    async fn the_state_behind_a_file_is_the_one_that_reading_all_gives() {
        let db = database("").await;
        let mut known = Catalogue::read(&db).await.unwrap();
        let mut before = snapshot(&db).await.unwrap();
        for file in [
            "CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT UNIQUE COLLATE NOCASE, y INT NOT NULL DEFAULT 3) STRICT",
            "CREATE TABLE c (id INTEGER PRIMARY KEY, a INTEGER REFERENCES a ON DELETE CASCADE, b REFERENCES b (k))",
            "CREATE TABLE B (k TEXT PRIMARY KEY, z AS (k || 1)) WITHOUT ROWID; CREATE INDEX bz ON b (z)",
            "CREATE VIEW v AS SELECT * FROM a; CREATE VIEW w AS SELECT * FROM v",
            "CREATE UNIQUE INDEX part ON a (y) WHERE y > 0; CREATE UNIQUE INDEX expr ON a (lower(x))",
            "ALTER TABLE a ADD COLUMN w TEXT",
            "ALTER TABLE a RENAME TO aa",
            "ALTER TABLE aa RENAME COLUMN x TO xx",
            "CREATE TABLE n (k TEXT PRIMARY KEY, z INT); DROP TABLE b; ALTER TABLE n RENAME TO b",
            "CREATE VIRTUAL TABLE docs USING fts5 (body); CREATE TRIGGER t AFTER INSERT ON c BEGIN SELECT 1; END",
            "CREATE TABLE docs_more (x)",
            "DROP VIEW w; DROP TABLE docs; DROP INDEX part",
            "CREATE TABLE copy AS SELECT 1 AS one, 'x' AS two",
            "DROP TRIGGER t; DROP TABLE c",
        ] {
            run(&db, file).await;
            let after = snapshot(&db).await.unwrap();
            known = known.after(&db, changes(&before, &after)).await.unwrap();
            let read = Catalogue::read(&db).await.unwrap();
            assert_eq!(described(&known), described(&read), "{file}");
            before = after;
        }
    }

    #[tokio::test]
    async fn only_what_a_change_is_about_is_read_again() {
        let db = database(
            "CREATE TABLE a (id INTEGER PRIMARY KEY); CREATE TABLE c (a REFERENCES a); CREATE TABLE d (x);
             CREATE VIEW v AS SELECT * FROM a; CREATE VIEW w AS SELECT * FROM v; CREATE VIEW u AS SELECT * FROM d",
        )
        .await;
        let first = Catalogue::read(&db).await.unwrap();
        let before = snapshot(&db).await.unwrap();
        run(&db, "ALTER TABLE a ADD COLUMN y").await;
        let changes = changes(&before, &snapshot(&db).await.unwrap());
        let next = first.after(&db, changes).await.unwrap();
        let touched: Vec<&str> = next.touched().map(|it| it.name.as_str()).collect();
        assert_eq!(touched, ["a", "c", "v", "w"]);
        assert!(std::ptr::eq(
            first.table("d").unwrap(),
            next.table("d").unwrap()
        ));
        assert_eq!(next.table("w").unwrap().columns.len(), 2);
    }
}
