//! The whole schema of a database as one value that is cheap to copy: objects and shapes by name, shared between the
//! states before and after a file. Reading one looks and never writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::compare::Difference;
use super::inspect::{Object, ObjectKind, inspect};
use super::shape::{ForeignKey, TableShape, shape, shape_of};
use crate::db::{Db, DbError};
use crate::sql::{TokenKind, significant, unquote};

/// A schema.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    tables: BTreeMap<String, Arc<TableShape>>,
    objects: BTreeMap<(ObjectKind, String), Arc<Object>>,
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
            read.tables.insert(folded(&table.name), Arc::new(table));
        }
        Ok(read)
    }

    /// The same after these changes, of which only the tables that they concern are read.
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
                Difference::Missing { expected } => {
                    let name = folded(&expected.name);
                    if matches!(expected.kind, ObjectKind::Table | ObjectKind::View) {
                        next.tables.remove(&name);
                    }
                    next.objects.remove(&(expected.kind, name));
                }
                Difference::Unexpected { found } | Difference::Different { found, .. } => {
                    next.add(found);
                }
            }
        }
        let refer = |table: &TableShape| {
            let mut parents = table.foreign_keys.iter();
            parents.any(|key| changed.contains(&folded(&key.parent)))
        };
        let children = next.tables.values().filter(|table| refer(table));
        let views = next.objects.values().filter(|object| {
            object.kind == ObjectKind::View && words(&object.sql).any(|it| changed.contains(&it))
        });
        let mut asked: BTreeSet<String> = children.map(|table| folded(&table.name)).collect();
        asked.extend(views.map(|view| folded(&view.name)));
        asked.extend(changed);
        let asked: Vec<String> = asked.into_iter().collect();
        for table in shape_of(db, &asked).await?.tables {
            next.tables.insert(folded(&table.name), Arc::new(table));
        }
        Ok(next)
    }

    fn add(&mut self, object: Object) {
        let key = (object.kind, folded(&object.name));
        self.objects.insert(key, Arc::new(object));
    }

    /// The table or view of this name.
    pub fn table(&self, name: &str) -> Option<&TableShape> {
        self.tables.get(&folded(name)).map(|table| &**table)
    }

    /// All tables and views.
    pub fn tables(&self) -> impl Iterator<Item = &TableShape> {
        self.tables.values().map(|table| &**table)
    }

    /// The object of this kind and name.
    pub fn object(&self, kind: ObjectKind, name: &str) -> Option<&Object> {
        self.objects.get(&(kind, folded(name))).map(|it| &**it)
    }

    /// All objects of a kind.
    pub fn objects(&self, kind: ObjectKind) -> impl Iterator<Item = &Object> {
        let all = self.objects.values().map(|object| &**object);
        all.filter(move |object| object.kind == kind)
    }

    /// The indexes or triggers of a table.
    pub fn of_table<'c>(
        &'c self,
        kind: ObjectKind,
        table: &'c str,
    ) -> impl Iterator<Item = &'c Object> {
        self.objects(kind)
            .filter(move |object| object.table.eq_ignore_ascii_case(table))
    }

    /// The foreign keys that refer to a table, with the tables that have them; that table's own too.
    pub fn references<'c>(
        &'c self,
        parent: &'c str,
    ) -> impl Iterator<Item = (&'c TableShape, &'c ForeignKey)> {
        self.tables().flat_map(move |table| {
            let keys = table.foreign_keys.iter();
            keys.filter(|key| key.parent.eq_ignore_ascii_case(parent))
                .map(move |key| (table, key))
        })
    }
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
