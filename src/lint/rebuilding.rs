//! RB301 to RB313: what a table loses when it is created again.

use super::definition::{Created, DefaultValue, Generated, created, normal};
use super::file::{File, changes_children, finding, list};
use super::moves::Rebuilt;
use super::recipe::block;
use super::removing::without_keys;
use crate::diagnostic::Diagnostic;
use crate::schema::{Catalogue, ColumnKind, ObjectKind, RowId, TableKind, TableShape};
use crate::sql::{Kind, What, identifier, is_autoincrement, normal_form, significant, unquote};

pub(super) fn check(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    pragmas(file, found);
    away(file, found);
    from_select(file, found);
    for rebuilt in &file.moves.rebuilt {
        let Some(before) = file.old(&rebuilt.name) else {
            continue;
        };
        of_itself(file, rebuilt, before, found);
        let (Some(was), Some(is), Some(after)) = (
            file.before,
            file.after,
            file.after.and_then(|it| it.table(&rebuilt.name)),
        ) else {
            continue;
        };
        // Without a copy the rows are gone, which DS101 says.
        if rebuilt.copies.is_empty() {
            continue;
        }
        let one = One {
            file,
            rebuilt,
            before,
            after,
            was,
            is,
        };
        one.lost(found);
        one.sequence(found);
        one.rowids(found);
        one.positions(found);
        one.clauses(found);
        one.left_behind(found);
        one.needless(found);
    }
}

/// Pragmas that do nothing where they stand.
fn pragmas(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    for (at, statement) in file.numbered() {
        let Kind::Pragma(pragma) = &statement.kind else {
            continue;
        };
        let value = pragma
            .value
            .as_deref()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let on = ["on", "1", "true", "yes"].contains(&value.as_str());
        let (code, message) = match pragma.name.as_str() {
            "foreign_keys" if !on && !value.is_empty() => (
                "RB301",
                format!(
                    "{} runs this file with foreign keys on, and this pragma does not change that",
                    file.runner.name()
                ),
            ),
            "defer_foreign_keys" if on => (
                "RB303",
                "this pragma puts off the check until COMMIT, and does not keep rows from being deleted or changed"
                    .to_owned(),
            ),
            _ => continue,
        };
        // The next DROP TABLE with rows that refer to the table is what it was written for.
        let mut drops = file
            .moves
            .drops
            .iter()
            .filter(|(_, drop)| *drop > at && file.enforces(*drop));
        let hurt = drops.find_map(|(name, drop)| {
            let table = file.old(name)?;
            let children = file.followers(name);
            let own = table
                .foreign_keys
                .iter()
                .any(|key| key.parent.eq_ignore_ascii_case(name) && changes_children(key));
            let child = children
                .iter()
                .find(|(_, key)| code == "RB301" || changes_children(key));
            match child {
                Some((child, _)) => Some((&table.name, child.name.clone(), *drop)),
                None if own => Some((&table.name, table.name.clone(), *drop)),
                None => None,
            }
        });
        let Some((table, child, drop)) = hurt else {
            continue;
        };
        found.push(
            finding(code, message)
                .at(statement.origin())
                .related(
                    format!("{child} refers to {table}, which is dropped here"),
                    file.statements[drop].origin(),
                )
                .help(without_keys(file)),
        );
    }
}

/// The old table is renamed away, and the foreign keys of other tables follow it.
fn away(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    if file
        .statements
        .iter()
        .any(|it| matches!(&it.kind, Kind::Pragma(pragma) if pragma.name == "legacy_alter_table"))
    {
        return;
    }
    for rebuilt in &file.moves.rebuilt {
        let (Some((at, to)), Some(table)) = (&rebuilt.away, file.old(&rebuilt.name)) else {
            continue;
        };
        let is_again = |child: &TableShape| {
            let other = file.moves.rebuild(&child.name);
            other.is_some_and(|other| other.create > rebuilt.create)
        };
        let children = file.followers(&rebuilt.name);
        let mut children = children.iter().filter(|(child, _)| {
            let drops = file.moves.drops.iter();
            let is_gone = drops
                .clone()
                .any(|(it, _)| it.eq_ignore_ascii_case(&child.name));
            // Where the file ran, its end tells: a second rename may have led them back.
            let followed = file.after.is_none_or(|after| {
                let keys = after.table(&child.name).map(|it| it.foreign_keys.iter());
                keys.into_iter()
                    .flatten()
                    .any(|key| key.parent.eq_ignore_ascii_case(to))
            });
            !is_again(child) && !is_gone && followed
        });
        let Some((child, _)) = children.next() else {
            continue;
        };
        let name = &table.name;
        let (new, quoted) = (identifier(&format!("_new_{name}")), identifier(name));
        let columns = table
            .columns
            .iter()
            .filter(|it| it.origin == ColumnKind::Plain);
        let columns = list(columns.map(|column| column.name.as_str()));
        let message = format!(
            "renaming {name} takes the foreign keys of {} along: they refer to {to} from here on",
            child.name
        );
        found.push(
            finding("RB302", message).at(file.statements[*at].origin()).help(block(
                "create the new table under another name, drop the old one, and rename the new one last:",
                &[
                    format!("CREATE TABLE {new} (…);"),
                    format!("INSERT INTO {new} ({columns}) SELECT {columns} FROM {quoted};"),
                    format!("DROP TABLE {quoted};"),
                    format!("ALTER TABLE {new} RENAME TO {quoted};"),
                ],
            )),
        );
    }
}

fn from_select(file: &File<'_>, found: &mut Vec<Diagnostic>) {
    const KEPT: [&str; 10] = [
        "backup", "bak", "old", "before", "tmp", "temp", "archive", "copy", "snapshot", "save",
    ];
    for statement in &file.statements {
        let Kind::Create(object) = &statement.kind else {
            continue;
        };
        if object.what != What::Table || object.is_temporary() || !statement.has(&["AS"]) {
            continue;
        }
        if !created(statement.sql).is_some_and(|it| it.from_select) {
            continue;
        }
        let end = match file.after {
            None => continue,
            Some(after) => after,
        };
        // Renamed or not, the table that it makes is there at the end.
        let sql = end
            .objects(ObjectKind::Table)
            .find(|it| it.name.eq_ignore_ascii_case(&object.name));
        let renamed = file.statements.iter().any(|it| {
            it.alter().is_some_and(|alter| {
                alter.table.eq_ignore_ascii_case(&object.name)
                    && matches!(alter.action, super::statement::Action::Rename(_))
            })
        });
        let name = object.name.to_ascii_lowercase();
        let is_kept = KEPT.iter().any(|word| name.contains(word));
        if !renamed && (sql.is_none() || is_kept) {
            continue;
        }
        let message = format!(
            "{} is made from a SELECT: it has no primary key, no NOT NULL, no default and no index",
            object.name
        );
        let shape = end.table(&object.name);
        let columns = shape.map(|shape| list(shape.columns.iter().map(|it| it.name.as_str())));
        let columns = columns.unwrap_or_else(|| "…".to_owned());
        let quoted = identifier(&object.name);
        found.push(finding("RB313", message).at(statement.origin()).help(block(
            "declare the table, then fill it:",
            &[
                format!("CREATE TABLE {quoted} (…);"),
                format!("INSERT INTO {quoted} ({columns}) SELECT …;"),
            ],
        )));
    }
}

/// The rows of the copy refer to the old table, and go with its rows.
fn of_itself(file: &File<'_>, rebuilt: &Rebuilt, before: &TableShape, found: &mut Vec<Diagnostic>) {
    let Some(drop) = rebuilt
        .drop
        .filter(|drop| file.enforces(*drop) && rebuilt.create < *drop)
    else {
        return;
    };
    if rebuilt.away.is_some() {
        return;
    }
    let keys = before.foreign_keys.iter();
    let mut own =
        keys.filter(|key| key.parent.eq_ignore_ascii_case(&before.name) && changes_children(key));
    let new = &file.statements[rebuilt.create];
    let (Some(key), true) = (own.next(), new.names(&before.name)) else {
        return;
    };
    let what = match key.on_delete.eq_ignore_ascii_case("CASCADE") {
        true => "are deleted",
        false => "lose their values",
    };
    let columns = list(super::file::columns_of(before, &key.columns));
    found.push(
        finding("RB304", format!("foreign keys are on here, and the rows in the copy of {} refer to the old table: dropping it, they {what}", before.name))
            .at(file.statements[drop].origin())
            .note(format!("{} ({columns}) refers to {} itself ON DELETE {}", before.name, before.name, key.on_delete))
            .help(without_keys(file)),
    );
}

/// One table that is rebuilt.
struct One<'f, 'a> {
    file: &'f File<'a>,
    rebuilt: &'f Rebuilt,
    before: &'f TableShape,
    after: &'f TableShape,
    was: &'f Catalogue,
    is: &'f Catalogue,
}

impl One<'_, '_> {
    fn create(&self) -> crate::script::Origin {
        self.file.statements[self.rebuilt.create].origin()
    }

    fn at_drop(&self) -> crate::script::Origin {
        let at = self.rebuilt.drop.unwrap_or(self.rebuilt.create);
        self.file.statements[at].origin()
    }

    fn sql<'c>(&self, catalogue: &'c Catalogue) -> &'c str {
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
        let columns: Option<Vec<usize>> = super::shaping::index_columns(index).map(|names| {
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
            "copy the rowid along, or build the search index again at the end:",
            &[format!(
                "INSERT INTO {quoted} ({quoted}) VALUES ('rebuild');"
            )],
        )));
    }

    fn positions(&self, found: &mut Vec<Diagnostic>) {
        for copy in self
            .rebuilt
            .copies
            .iter()
            .map(|at| &self.file.moves.copies[*at])
        {
            let is_star = copy
                .selected
                .as_ref()
                .is_some_and(|it| it.iter().any(|it| it.trim() == "*"));
            if !is_star || copy.columns.is_some() {
                continue;
            }
            let names = |table: &TableShape| -> Vec<String> {
                let plain = table
                    .columns
                    .iter()
                    .filter(|it| it.origin == ColumnKind::Plain);
                plain
                    .map(|column| column.name.to_ascii_lowercase())
                    .collect()
            };
            // In the same order, the values get to where they were.
            if names(self.before) == names(self.after) {
                continue;
            }
            let after = names(self.after);
            let both: Vec<&str> = self
                .before
                .columns
                .iter()
                .map(|it| it.name.as_str())
                .filter(|it| after.contains(&it.to_ascii_lowercase()))
                .collect();
            let columns = list(both);
            let statement = &self.file.statements[copy.at];
            let into = statement
                .find(0, &["INTO"])
                .and_then(|at| statement.name(at + 1));
            let into = into.map_or(String::new(), |(name, _)| identifier(&name));
            found.push(
                finding("RB309", format!("the columns of {} are copied by position, and the new table has others or another order", self.before.name))
                    .at(statement.origin())
                    .help(block("name them:", &[format!("INSERT INTO {into} ({columns}) SELECT {columns} FROM {};", identifier(&self.before.name))])),
            );
        }
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
        let lost: Vec<&String> = originals
            .filter(|check| {
                !now.contains(&normal(check)) && !gone.iter().any(|name| has_word(check, name))
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

    /// Columns that both tables have and no copy fills.
    fn left_behind(&self, found: &mut Vec<Diagnostic>) {
        let copies: Vec<_> = self
            .rebuilt
            .copies
            .iter()
            .map(|at| &self.file.moves.copies[*at])
            .collect();
        if copies.iter().any(|copy| copy.columns.is_none()) {
            return;
        }
        let is_copied = |name: &str| {
            let mut columns = copies.iter().flat_map(|copy| copy.columns.iter().flatten());
            columns.any(|it| it.eq_ignore_ascii_case(name))
        };
        let is_updated = |name: &str| {
            let mut updates = self.file.statements.iter().skip(self.rebuilt.create);
            updates.any(|it| it.kind == Kind::Update && it.names(name))
        };
        let left: Vec<&str> = self
            .before
            .columns
            .iter()
            .filter(|it| it.origin == ColumnKind::Plain)
            .filter(|it| {
                self.after
                    .column(&it.name)
                    .is_some_and(|at| self.after.columns[at].origin == ColumnKind::Plain)
            })
            .map(|it| it.name.as_str())
            .filter(|name| !is_copied(name) && !is_updated(name))
            .collect();
        let Some(copy) = copies.first().filter(|_| !left.is_empty()) else {
            return;
        };
        let message = format!(
            "the values of {} are not copied: the new {} has its default there",
            list(left.iter().copied()),
            self.before.name
        );
        found.push(
            finding("RB311", message)
                .at(self.file.statements[copy.at].origin())
                .help(format!(
                    "add {} to both lists of columns",
                    list(left.iter().copied())
                )),
        );
    }

    /// Only columns that ALTER TABLE can add have come.
    fn needless(&self, found: &mut Vec<Diagnostic>) {
        let (was, is) = (self.sql(self.was), self.sql(self.is));
        let (Some(was), Some(is)) = (
            created(was).map(|it| (it, was)),
            created(is).map(|it| (it, is)),
        ) else {
            return;
        };
        let texts = |(created, sql): &(Created, &str)| -> Vec<String> {
            created
                .columns
                .iter()
                .map(|it| normal(&sql[it.span.clone()]))
                .collect()
        };
        let (old, new) = (texts(&was), texts(&is));
        if new.len() <= old.len()
            || old.is_empty()
            || new[..old.len()] != old[..]
            || was.0.options != is.0.options
        {
            return;
        }
        let of_table = |created: &Created| {
            (
                created
                    .checks
                    .iter()
                    .map(|it| normal(it))
                    .collect::<Vec<_>>(),
                created.deferrable,
            )
        };
        let keys = |table: &TableShape| (table.foreign_keys.len(), table.unique.len());
        let addable = is.0.columns[old.len()..].iter().all(|column| {
            let value = column.default.as_ref().map(|it| it.value);
            !column.unique
                && !column.primary_key
                && column.generated.is_none()
                && column.checks.is_empty()
                && column.references.is_none()
                && (!column.not_null || value == Some(DefaultValue::Constant))
                && matches!(
                    value,
                    None | Some(DefaultValue::Constant | DefaultValue::Null)
                )
        });
        if !addable || of_table(&was.0) != of_table(&is.0) || keys(self.before) != keys(self.after)
        {
            return;
        }
        let lines: Vec<String> = is.0.columns[old.len()..]
            .iter()
            .map(|column| {
                format!(
                    "ALTER TABLE {} ADD COLUMN {};",
                    identifier(&self.before.name),
                    &is.1[column.span.clone()]
                )
            })
            .collect();
        let message = format!(
            "{} is rebuilt only to get columns that ALTER TABLE can add",
            self.before.name
        );
        found.push(
            finding("RB312", message)
                .at(self.create())
                .help(block("write instead:", &lines)),
        );
    }
}

/// Whether a text has this word or name.
pub(super) fn has_word(sql: &str, word: &str) -> bool {
    significant(sql).any(|token| unquote(token.text(sql)).eq_ignore_ascii_case(word))
}
