//! RB306 to RB308 and RB310: what a table loses when it is created again.

use super::definition::{Created, Definition, Generated, created, normal};
use super::file::{File, finding};
use super::moves::Rebuilt;
use super::needless;
use super::recipe::block;
use crate::diagnostic::Diagnostic;
use crate::schema::{Catalogue, ObjectKind, RowId, TableKind, TableShape};
use crate::sql::{Kind, identifier, is_autoincrement, normal_form, significant, unquote};

pub(super) fn check(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    for one in rebuilds(file) {
        one.lost(found);
        one.sequence(found);
        one.rowids(found);
        one.clauses(found);
        needless::check(&one, found);
    }
}

/// The old tables that a file rebuilds with their rows, where it ran. Without a copy the rows are gone, which DS101 reports.
pub(super) fn rebuilds<'f, 'a>(file: &'f File<'a>) -> impl Iterator<Item = One<'f, 'a>> {
    let with_rows = file.moves.rebuilt.iter();
    let with_rows = with_rows.filter(|rebuilt| !rebuilt.copies.is_empty());
    with_rows.filter_map(move |rebuilt| {
        Some(One {
            file,
            rebuilt,
            before: file.old(&rebuilt.name)?,
            after: file.after?.table(&rebuilt.name)?,
            was: file.before?,
            is: file.after?,
        })
    })
}

/// One table that is rebuilt.
pub(super) struct One<'f, 'a> {
    pub(super) file: &'f File<'a>,
    pub(super) rebuilt: &'f Rebuilt,
    pub(super) before: &'f TableShape,
    pub(super) after: &'f TableShape,
    pub(super) was: &'f Catalogue,
    pub(super) is: &'f Catalogue,
}

impl One<'_, '_> {
    /// The statement that creates the new one.
    pub(super) fn create(&self) -> crate::script::Origin {
        self.file.statements[self.rebuilt.create].origin()
    }

    fn at_drop(&self) -> crate::script::Origin {
        let at = self.rebuilt.drop.unwrap_or(self.rebuilt.create);
        self.file.statements[at].origin()
    }

    /// Its `CREATE TABLE` in a schema.
    pub(super) fn sql<'c>(&self, catalogue: &'c Catalogue) -> &'c str {
        let object = catalogue.object(ObjectKind::Table, &self.before.name);
        object.map_or("", |object| &object.sql)
    }

    /// The columns of the old table that the new one does not have.
    fn gone(&self) -> Vec<&str> {
        let columns = self.before.columns.iter();
        let gone = columns.filter(|column| self.after.column(&column.name).is_none());
        gone.map(|column| column.name.as_str()).collect()
    }

    fn lost(&self, found: &mut Vec<Diagnostic>) {
        let mut lost = Vec::new();
        let gone = self.gone();
        let last = self.file.last.unwrap_or(self.is);
        for kind in [ObjectKind::Index, ObjectKind::Trigger] {
            for object in self.was.of_table(kind, &self.before.name) {
                let behind = |sql: &str| {
                    let normal = normal_form(sql);
                    normal
                        .find(" on ")
                        .or(normal.find(" ON "))
                        .map(|at| normal[at..].to_owned())
                };
                let same = |it: &crate::schema::Object| {
                    it.name.eq_ignore_ascii_case(&object.name)
                        || behind(&it.sql).is_some_and(|it| Some(it) == behind(&object.sql))
                };
                let is_there = [self.is, last]
                    .iter()
                    .any(|it| it.of_table(kind, &self.before.name).any(same));
                let is_dropped = self.file.statements.iter().any(|it| {
                    matches!(&it.kind, Kind::Drop(drop) if drop.name.eq_ignore_ascii_case(&object.name))
                });
                let of_gone = gone.iter().any(|name| has_word(&object.sql, name));
                // A constraint of the new table does what the index did.
                let is_held = kind == ObjectKind::Index && self.held(&object.sql);
                if !is_there && !is_dropped && !of_gone && !is_held {
                    lost.push(object);
                }
            }
        }
        if lost.is_empty() {
            return;
        }
        let names: Vec<String> = lost
            .iter()
            .map(|it| format!("the {} {}", it.kind.word(), it.name))
            .collect();
        let message = format!(
            "dropping {} drops {}, and nothing creates {} again",
            self.before.name,
            names.join(", "),
            if lost.len() == 1 { "it" } else { "them" }
        );
        let lines: Vec<String> = lost
            .iter()
            .map(|object| format!("{};", object.sql))
            .collect();
        found.push(
            finding("RB306", message)
                .at(self.at_drop())
                .help(block("at the end of the rebuild, write:", &lines)),
        );
    }

    /// Whether a unique constraint of the new table has the columns of a unique index.
    fn held(&self, index: &str) -> bool {
        let Kind::Create(object) = crate::sql::kind(index) else {
            return false;
        };
        if !object.unique || has_word(index, "WHERE") {
            return false;
        }
        let columns: Option<Vec<usize>> = super::indexing::index_columns(index).map(|names| {
            names
                .iter()
                .filter_map(|name| self.after.column(name))
                .collect()
        });
        columns.is_some_and(|columns| self.after.is_unique(&columns))
    }

    fn sequence(&self, found: &mut Vec<Diagnostic>) {
        let name = &self.before.name;
        if !is_autoincrement(self.sql(self.was)) {
            return;
        }
        if !is_autoincrement(self.sql(self.is)) {
            let message = format!(
                "{name} had AUTOINCREMENT and has none after this: ids of deleted rows are given out again"
            );
            found.push(finding("RB307", message).at(self.create()).help(format!(
                    "write `{} INTEGER PRIMARY KEY AUTOINCREMENT` in the new table",
                    self.before
                        .integer_key()
                        .map_or("id".to_owned(), |key| identifier(
                            &self.before.columns[key].name
                        ))
                )));
            return;
        }
        if self
            .file
            .statements
            .iter()
            .any(|it| it.names("sqlite_sequence"))
            || self.rebuilt.away.is_some()
        {
            return;
        }
        let Kind::Create(new) = &self.file.statements[self.rebuilt.create].kind else {
            return;
        };
        let message = format!(
            "the new {name} counts from its highest row: ids of deleted rows above that are given out again"
        );
        let quote = |name: &str| name.replace('\'', "''");
        found.push(finding("RB307", message).at(self.at_drop()).help(block(
            "before the old table is dropped, keep its count:",
            &[
                format!("UPDATE sqlite_sequence SET seq = (SELECT seq FROM sqlite_sequence WHERE name = '{}') WHERE name = '{}';", quote(name), quote(&new.name)),
            ],
        )));
    }

    /// A search index that names rows by their rowid.
    fn rowids(&self, found: &mut Vec<Diagnostic>) {
        if self.before.rowid == RowId::Without || self.before.integer_key().is_some() {
            return;
        }
        let name = &self.before.name;
        let is_of_it = |sql: &str| {
            let tokens: Vec<String> = significant(sql)
                .map(|it| unquote(it.text(sql)).to_ascii_lowercase())
                .collect();
            let content = tokens
                .windows(3)
                .any(|it| it[0] == "content" && it[1] == "=" && it[2].eq_ignore_ascii_case(name));
            content && !tokens.iter().any(|it| it == "content_rowid")
        };
        let mut searches = self.was.objects(ObjectKind::Table).filter(|it| {
            self.was
                .table(&it.name)
                .is_some_and(|table| table.kind == TableKind::Virtual)
                && is_of_it(&it.sql)
        });
        let Some(search) = searches.next() else {
            return;
        };
        let copies = self
            .rebuilt
            .copies
            .iter()
            .map(|at| &self.file.moves.copies[*at]);
        let copies_rowid = copies.into_iter().any(|copy| {
            let columns = copy.columns.as_deref().unwrap_or_default();
            columns.iter().any(|name| {
                ["rowid", "oid", "_rowid_"].contains(&name.to_ascii_lowercase().as_str())
            })
        });
        let is_built_again = self.file.statements.iter().any(|it| it.names(&search.name));
        if (copies_rowid && self.after.rowid == RowId::Has) || is_built_again {
            return;
        }
        let quoted = identifier(&search.name);
        let message = format!(
            "{} names the rows of {name} by their rowid, and the copies of the rows get other ones: searches find the wrong rows",
            search.name
        );
        found.push(finding("RB308", message).at(self.create()).help(block(
            "copy the rowid too, or build the search index again at the end:",
            &[format!(
                "INSERT INTO {quoted} ({quoted}) VALUES ('rebuild');"
            )],
        )));
    }

    /// Clauses of columns that both tables have.
    fn clauses(&self, found: &mut Vec<Diagnostic>) {
        let (Some(was), Some(is)) = (created(self.sql(self.was)), created(self.sql(self.is)))
        else {
            return;
        };
        if was.columns.is_empty() || is.columns.is_empty() {
            return;
        }
        let mut lost = Vec::new();
        for column in &was.columns {
            let Some(now) = is.column(&column.name) else {
                continue;
            };
            let name = &column.name;
            let collate = column.collate.as_deref().filter(|it| *it != "BINARY");
            if let (Some(collate), None) = (collate, &now.collate) {
                lost.push(format!("{} COLLATE {collate}", identifier(name)));
            }
            if column.generated.is_some() && now.generated.is_none() {
                let how = if column.generated == Some(Generated::Stored) {
                    "STORED"
                } else {
                    "VIRTUAL"
                };
                lost.push(format!(
                    "{} GENERATED ALWAYS AS (…) {how}",
                    identifier(name)
                ));
            }
            if column.deferrable && !now.deferrable && now.references.is_some() {
                lost.push(format!("{} REFERENCES … DEFERRABLE", identifier(name)));
            }
        }
        lost.extend(self.checks(&was, &is));
        if was.deferrable > is.deferrable
            && !has_word(self.sql(self.is), "DEFERRABLE")
            && has_word(self.sql(self.is), "REFERENCES")
        {
            lost.push("FOREIGN KEY … DEFERRABLE INITIALLY DEFERRED".to_owned());
        }
        if lost.is_empty() {
            return;
        }
        let message = format!(
            "the new {} does not have everything that the old one had",
            self.before.name
        );
        found.push(
            finding("RB310", message)
                .at(self.create())
                .help(block("if it is to stay, write in the new table:", &lost)),
        );
    }

    fn checks(&self, was: &Created, is: &Created) -> Vec<String> {
        let now = is.all_checks();
        let gone = self.gone();
        let originals = was
            .checks
            .iter()
            .chain(was.columns.iter().flat_map(|it| &it.checks));
        // A table of the values may have taken its place.
        let refers = |column: &&Definition| {
            let old = was.column(&column.name);
            column.references.is_some() && old.is_some_and(|it| it.references.is_none())
        };
        let refers: Vec<&str> = is
            .columns
            .iter()
            .filter(refers)
            .map(|it| it.name.as_str())
            .collect();
        let lost: Vec<&String> = originals
            .filter(|check| {
                let mut names = gone.iter().chain(&refers);
                !now.contains(&normal(check)) && !names.any(|name| has_word(check, name))
            })
            .collect();
        // One that was written in another way is no loss.
        let new = now
            .iter()
            .filter(|it| !was.all_checks().contains(it))
            .count();
        match lost.len() > new {
            true => lost
                .into_iter()
                .map(|check| format!("CHECK {check}"))
                .collect(),
            false => Vec::new(),
        }
    }
}

/// Whether a text has this word or name.
pub(super) fn has_word(sql: &str, word: &str) -> bool {
    significant(sql).any(|token| unquote(token.text(sql)).eq_ignore_ascii_case(word))
}
