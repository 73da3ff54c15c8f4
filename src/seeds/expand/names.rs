//! The names in a file and those of the schema: tables, keys, columns, and foreign keys by their short names.

use std::ops::Range;

use uuid::Uuid;

use super::super::labels::Named;
use super::super::model::{Expr, Label, Mode, Spanned, Table};
use super::super::row::Rules;
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::schema::{Column, ColumnKind, ForeignKey, Nullability, TableKind, TableShape};
use std::sync::Arc;

use super::ids::{makes_id, uuid_of};
use super::places::is_plain;
use super::{Compiled, Expansion, Found, LabelOf};

impl<'a> Expansion<'a> {
    /// `now_{usrs.load_*}`: the table of a pattern is one.
    pub(super) fn pattern_tables(&mut self, file: usize, table: &'a Table) {
        for row in &table.rows {
            let Some(label) = &row.label else { continue };
            let Label::Each(each) = &label.value else {
                continue;
            };
            let of = &*each.table;
            if self.shape.table(of).is_some() {
                continue;
            }
            let source = self.files[file].source.clone();
            // That no label matches follows from it.
            self.problems.retain(|problem| {
                let place = problem.origin();
                problem.code != "no-match"
                    || place.is_none_or(|it| it.span != label.span() || it.source != source)
            });
            let written = source.text.get(label.span()).unwrap_or_default();
            let span = match written.find(&format!("{{{of}.")) {
                Some(at) => label.span().start + at + 1..label.span().start + at + 1 + of.len(),
                None => label.span(),
            };
            self.unknown_table(file, &span, of);
        }
    }

    pub(super) fn unknown_table(&mut self, file: usize, span: &Range<usize>, name: &str) {
        let tables: Vec<&str> = self
            .shape
            .tables
            .iter()
            .map(|it| it.name.as_str())
            .collect();
        let help = match nearest(name, &tables) {
            Some(it) => format!("did you mean `{it}`?"),
            None if tables.is_empty() => {
                "the migrations make no table: write the one that makes it first".to_owned()
            }
            None => format!(
                "write the migration that makes it; there is {}",
                some(&tables)
            ),
        };
        let message = format!("there is no table `{name}`");
        self.error(file, span, "unknown-table", message, Some(help));
    }

    /// What `_tables.yaml` names must be there, whether a chosen file has rows of it or not.
    pub(super) fn shared_tables(&mut self) {
        let Some(shared) = self.given.shared else {
            return;
        };
        let (shape, file) = (self.shape, self.shared_file());
        for table in &shared.tables {
            let Some(of) = shape.table(&table.name.value) else {
                self.unknown_table(file, &table.name.span(), &table.name.value);
                continue;
            };
            if let Some(key) = &table.key {
                self.key(file, of, key);
            }
            for name in &table.keep {
                self.column(file, of, &name.value, &name.span(), &[]);
            }
            for field in &table.defaults {
                self.field(file, of, field);
            }
        }
    }

    /// Defaults for all tables are for a column that one of them has: of the file, or of the schema for the shared file.
    pub(super) fn defaults_for_all(&mut self) {
        let shape = self.shape;
        for (at, file) in self
            .files
            .iter()
            .copied()
            .chain(self.given.shared)
            .enumerate()
        {
            let tables: Vec<&TableShape> = match at == self.shared_file() {
                true => shape.tables.iter().collect(),
                false => file
                    .tables
                    .iter()
                    .filter_map(|table| shape.table(&table.name.value))
                    .collect(),
            };
            for field in &file.settings.defaults {
                let name = &field.name.value;
                if tables.is_empty() || tables.iter().any(|of| self.has_plain(at, of, name)) {
                    continue;
                }
                let columns = tables.iter().flat_map(|of| &of.columns);
                let columns = columns.filter(|it| it.origin == ColumnKind::Plain);
                let known: Vec<&str> = columns.map(|it| it.name.as_str()).collect();
                let help = match nearest(name, &known) {
                    Some(it) => format!("did you mean `{it}`?"),
                    None => "remove it, or give it to the tables that are meant".to_owned(),
                };
                let message = format!("no table of the file has a column `{name}` to write");
                let span = &field.name.span();
                self.error(at, span, "unknown-column", message, Some(help));
            }
        }
    }

    /// What holds for a table of a file; none where there is no such table.
    pub(super) fn rules(&mut self, file: usize, table: &'a Table) -> Option<usize> {
        let name = &table.name.value;
        let shape = self.shape;
        let Some(found) = shape.position(name) else {
            // A join table of `_tables.yaml` is reported there.
            if !table.name.span().is_empty() {
                self.unknown_table(file, &table.name.span(), name);
            }
            return None;
        };
        let of = &shape.tables[found];
        if of.kind != TableKind::Ordinary {
            let what = match of.kind {
                TableKind::View => "a view",
                _ => "a virtual table",
            };
            let message = format!("`{name}` is {what}, and rows are seeded into tables");
            let help = match of.kind {
                TableKind::View => "seed the tables that it reads",
                _ => "remove it from the file, and fill it by a migration or by the application",
            };
            let help = Some(help.to_owned());
            self.error(file, &table.name.span(), "not-a-table", message, help);
            return None;
        }
        let mut key: Vec<usize> = Vec::new();
        let shared = self.shared(name).and_then(|it| it.key.as_ref());
        match (&table.key, shared) {
            (Some(names), _) => key = self.key(file, of, names),
            // A problem there is reported once, at its place.
            (None, Some(names)) => {
                let columns = names.value.iter();
                key.extend(columns.filter_map(|name| self.column_of(file, of, &name.value)));
            }
            (None, None) if self.join_keys.contains_key(&(file, found)) => {
                key.clone_from(&self.join_keys[&(file, found)]);
            }
            // A row that is made once is never looked for.
            (None, None) if self.is_keyless(file, table, of) => {}
            (None, None) if of.primary_key.is_empty() && !table.rows.is_empty() => {
                let message = format!(
                    "table `{name}` has no primary key, by which its rows could be found again"
                );
                let help = keys_of(of);
                self.error(file, &table.name.span(), "no-key", message, Some(help));
            }
            (None, None) => key.clone_from(&of.primary_key),
        }
        if self.files[file].settings.mode == Mode::Sync && of.condition_of(&key).is_some() {
            let message = format!(
                "`_key` of `{}` names columns of an index of some rows only, and `mode: sync` deletes rows by their keys",
                of.name
            );
            let help = "name the columns of an index of all rows, or use another mode".to_owned();
            let span = match &table.key {
                Some(key) => key.span(),
                None => table.name.span(),
            };
            self.error(file, &span, "key-not-unique", message, Some(help));
        }
        for field in &table.defaults {
            self.field(file, of, field);
        }
        let mut keep = Vec::new();
        let shared = self.shared(name).into_iter().flat_map(|it| &it.keep);
        keep.extend(shared.filter_map(|name| self.column_of(file, of, &name.value)));
        for name in &table.keep {
            keep.extend(self.column(file, of, &name.value, &name.span(), &[]));
        }
        let numbered = self.id_rule(file, table, of, &key);
        self.rows.rules.push(Arc::new(Rules {
            numbered,
            file,
            table: found,
            name: of.name.as_str().into(),
            key,
            keep,
            mode: self.files[file].settings.mode,
        }));
        Some(self.rows.rules.len() - 1)
    }

    /// Whether rows of a table are made once and have nothing by which they could be found again: there is no primary
    /// key, or the database makes it.
    fn is_keyless(&self, file: usize, table: &Table, of: &TableShape) -> bool {
        let shared = || self.shared(&table.name.value)?.id.as_ref();
        let id = table.id.as_ref().or_else(shared);
        let is_numbered = id.is_some_and(|id| id.value == Expr::Auto);
        self.files[file].settings.mode == Mode::Insert
            && (of.primary_key.is_empty() || is_numbered && of.integer_key().is_some())
    }

    /// The primary key that the database numbers. What is wrong with `_id` is reported, once for a place.
    fn id_rule(
        &mut self,
        file: usize,
        table: &'a Table,
        of: &TableShape,
        key: &[usize],
    ) -> Option<usize> {
        let shared = self.shared(&table.name.value);
        let (id, file) = match (&table.id, shared.and_then(|it| it.id.as_ref())) {
            (Some(id), _) => (id, file),
            (None, shared) => (shared?, self.shared_file()),
        };
        let column = match (of.primary_key.as_slice(), &id.value) {
            ([column], Expr::Auto | Expr::Uuid) => *column,
            (_, Expr::Auto | Expr::Uuid) => {
                let message = format!("`{}` has no primary key of one column", of.name);
                let help = "leave `_id` out, and give each row its key".to_owned();
                self.error(file, &id.span(), "bad-id", message, Some(help));
                return None;
            }
            _ => return None,
        };
        let Column { name, declared, .. } = &of.columns[column];
        let (message, help) = match id.value {
            Expr::Auto if of.integer_key() != Some(column) => (
                format!("the database numbers no column `{name}` of type {declared}"),
                "it numbers INTEGER PRIMARY KEY only; leave `_id` out, or write `_id: !uuid`"
                    .to_owned(),
            ),
            Expr::Auto if key.contains(&column) => (
                format!(
                    "the database makes `{name}`, so the rows of `{}` cannot be found again by it",
                    of.name
                ),
                keys_of(of),
            ),
            Expr::Uuid if uuid_of(&of.columns[column], Uuid::nil()).is_none() => (
                format!("column `{name}` of type {declared} holds no UUID"),
                "leave `_id` out: a number is made for each label; or write `_id: !auto`"
                    .to_owned(),
            ),
            Expr::Auto => return Some(column),
            _ => return None,
        };
        self.error(file, &id.span(), "bad-id", message, Some(help));
        None
    }

    /// What `_tables.yaml` says of a table.
    pub(super) fn shared(&self, name: &str) -> Option<&'a Table> {
        let tables = &self.given.shared?.tables;
        tables
            .iter()
            .find(|table| table.name.value.eq_ignore_ascii_case(name))
    }

    pub(super) fn key(
        &mut self,
        file: usize,
        of: &TableShape,
        names: &Spanned<Vec<Spanned<String>>>,
    ) -> Vec<usize> {
        let mut key = Vec::new();
        for name in &names.value {
            key.extend(self.column(file, of, &name.value, &name.span(), &[]));
        }
        if key.len() == names.value.len()
            && !of.tells_apart(&key)
            && of.condition_of(&key).is_none()
        {
            let message = format!(
                "`_key` of `{}` names columns that no primary key and no unique index has",
                of.name
            );
            let unique = keys(of, 4);
            let help = match unique.is_empty() {
                true => "make a unique index of these columns in a migration".to_owned(),
                false => format!(
                    "write {}, or make a unique index of these columns in a migration",
                    unique.join(" or ")
                ),
            };
            self.error(file, &names.span(), "key-not-unique", message, Some(help));
        }
        key
    }

    /// A column by its name, or a problem with the nearest one.
    pub(super) fn column(
        &mut self,
        file: usize,
        of: &TableShape,
        name: &str,
        span: &Range<usize>,
        others: &[String],
    ) -> Option<usize> {
        if let Some(column) = self.column_of(file, of, name) {
            return Some(column);
        }
        let mut known: Vec<&str> = of.columns.iter().map(|it| it.name.as_str()).collect();
        known.extend(others.iter().map(String::as_str));
        let help = match nearest(name, &known) {
            Some(it) => format!("did you mean `{it}`?"),
            None => format!("it has {}", some(&known)),
        };
        let message = format!("table `{}` has no column `{name}`", of.name);
        self.error(file, span, "unknown-column", message, Some(help));
        None
    }

    /// The column of this name, or the one that refers to other rows under this short name.
    fn column_of(&self, file: usize, of: &TableShape, name: &str) -> Option<usize> {
        let short = |key: &&ForeignKey| {
            short_name(of, key).is_some_and(|short| short.eq_ignore_ascii_case(name))
        };
        let referring = || of.foreign_keys.iter().find(short)?.columns.first().copied();
        let declared = || Some(self.soft(file, of, name)?.1.column);
        of.column(name).or_else(referring).or_else(declared)
    }

    /// Whether a table has such a column, and rows write it.
    fn has_plain(&self, file: usize, of: &TableShape, name: &str) -> bool {
        let column = self.column_of(file, of, name);
        column.is_some_and(|column| of.columns[column].origin == ColumnKind::Plain)
    }

    /// Finds the names of a declaration in the schema, once for all of its rows.
    pub(super) fn compile(&mut self, row: &Named<'a>, rules: usize) -> Compiled<'a> {
        let problems = (self.problems.len(), self.tells);
        let of = &self.shape.tables[self.rows.rules[rules].table];
        let shared = self.shared(&row.table.name.value);
        let seeds_shared = self.given.shared.map(|it| &it.settings.defaults);
        let own = self.shared_file();
        /// The level of the fields of the row itself.
        const OWN: usize = 4;
        // The weakest first. Defaults for all tables hold where a table has such a column.
        let sources: [(usize, bool, &'a [crate::seeds::Field]); 6] = [
            (
                own,
                true,
                seeds_shared.map(Vec::as_slice).unwrap_or_default(),
            ),
            (row.file, true, &self.files[row.file].settings.defaults),
            (
                own,
                false,
                shared.map(|it| it.defaults.as_slice()).unwrap_or_default(),
            ),
            (row.file, false, &row.table.defaults),
            (row.file, false, &row.decl.fields),
            (row.file, false, &row.decl.over),
        ];
        let mut fields: Vec<Found<'a>> = Vec::new();
        let mut unknown = Vec::new();
        for (level, (file, is_for_all, source)) in sources.into_iter().enumerate() {
            let mut here: Vec<Found<'a>> = Vec::new();
            for (at, field) in source.iter().enumerate() {
                if is_for_all && !self.has_plain(file, of, &field.name.value) {
                    continue;
                }
                let found = self.field(file, of, field);
                let Some(found) = found else {
                    if !self.is_join(file, of, &field.name.value) {
                        unknown.push(field.name.value.as_str());
                    }
                    continue;
                };
                if found.value.value == Expr::Unread {
                    unknown.push(&of.columns[found.column].name);
                    continue;
                }
                if here.iter().any(|it| it.column == found.column) {
                    let column = &of.columns[found.column].name;
                    let message = format!("column `{column}` has two values in one row");
                    let help =
                        "remove one of them: a short name such as `user` stands for `user_id`";
                    let help = Some(help.to_owned());
                    self.error(file, &field.name.span(), "column-twice", message, help);
                }
                here.push(Found {
                    own: (level == OWN).then_some(at),
                    ..found
                });
            }
            if level > 0 || !here.is_empty() {
                fields.retain(|it| !here.iter().any(|new| new.column == it.column));
                let columns: Vec<usize> = here.iter().map(|it| it.column).collect();
                fields.extend(here);
                self.type_columns(of, &mut fields, &columns);
            }
        }
        fields.sort_by_key(|it| it.column);
        let id = row
            .table
            .id
            .as_ref()
            .or(shared.and_then(|it| it.id.as_ref()));
        let mut compiled = Compiled {
            rules,
            fields,
            id,
            decl: row.decl,
            is_shared: false,
            unknown,
        };
        self.required(row, &compiled, of);
        let is_named = |it: &Found<'_>| matches!(it.label_of, None | Some(LabelOf::Key(_)));
        compiled.is_shared = (self.problems.len(), self.tells) == problems
            && compiled.fields.iter().all(is_named)
            && is_plain(row.decl);
        compiled
    }

    pub(super) fn field(
        &mut self,
        file: usize,
        of: &TableShape,
        field: &'a crate::seeds::Field,
    ) -> Option<Found<'a>> {
        let name = &field.name.value;
        if self.is_join(file, of, name) {
            return None;
        }
        let references: Vec<(String, usize)> = of
            .foreign_keys
            .iter()
            .enumerate()
            .filter_map(|(at, key)| Some((short_name(of, key)?, at)))
            .collect();
        let (column, label_of) = match (self.soft(file, of, name), of.column(name)) {
            (Some((at, soft)), _) => (soft.column, Some(LabelOf::Soft { at, typed: None })),
            (None, Some(column)) => (column, None),
            (None, None) => {
                let short = |(short, _): &&(String, usize)| short.eq_ignore_ascii_case(name);
                match references.iter().find(short) {
                    Some((_, key)) => (of.foreign_keys[*key].columns[0], Some(LabelOf::Key(*key))),
                    // What is wrong stands in `_refs`.
                    None if self.is_broken_ref(file, of, name) => return None,
                    None => {
                        let others = self.short_names(file, of);
                        self.column(file, of, name, &field.name.span(), &others);
                        return None;
                    }
                }
            }
        };
        if of.columns[column].origin != ColumnKind::Plain {
            let message =
                format!("column `{name}` is computed by the table, and cannot be written");
            let help = Some("remove it from the row".to_owned());
            self.error(file, &field.name.span(), "computed-column", message, help);
            return None;
        }
        Some(Found {
            file,
            column,
            value: &field.value,
            label_of,
            is_unique: of.is_unique(&[column]),
            turn: 0,
            own: None,
        })
    }

    /// Columns that must have a value, and have none.
    pub(super) fn required(&mut self, row: &Named<'a>, compiled: &Compiled<'a>, of: &TableShape) {
        for (at, column) in of.columns.iter().enumerate() {
            let in_key = of.primary_key.contains(&at);
            let needs = column.nullability == Nullability::NotNull || in_key;
            let given = compiled.fields.iter().any(|it| it.column == at);
            let made = of.primary_key == [at] && (compiled.id.is_some() || makes_id(of, at));
            let by_itself = column.default.is_some() || column.origin != ColumnKind::Plain;
            // A name that is none of a column, and was meant to be this one; or its value could not be read.
            let is_misspelt = |name: &&str| nearest(name, &[column.name.as_str()]).is_some();
            if needs && !given && !made && !by_itself && !compiled.unknown.iter().any(is_misspelt) {
                let name = &column.name;
                let message = match &row.label {
                    Some(label) => {
                        format!("`{label}` has no value for `{name}`, which takes no NULL")
                    }
                    None => format!("the row has no value for `{name}`, which takes no NULL"),
                };
                // Once for each column, all at one place.
                if let Some(origin) = self.origin(row.file, &row.span()) {
                    let problem = Diagnostic::problem("missing-value", message)
                        .at(origin)
                        .help(format!(
                            "give `{name}` a value there, or one for all rows under `_defaults`"
                        ));
                    self.problems.push(problem);
                }
            }
        }
    }
}

/// The keys by which rows of a table can be found again, as they are written; so many at most.
fn keys(of: &TableShape, most: usize) -> Vec<String> {
    let all = super::super::identity::unique_columns(of).map(|columns| {
        let names = columns.iter().map(|it| of.columns[*it].name.as_str());
        format!("`_key: [{}]`", names.collect::<Vec<_>>().join(", "))
    });
    all.take(most).collect()
}

/// How rows of a table without a key that is known can be found again.
fn keys_of(of: &TableShape) -> String {
    let numbered = of
        .integer_key()
        .map(|key| format!("`_key: [{}]`", of.columns[key].name));
    let mut keys = keys(of, 4);
    keys.retain(|key| Some(key) != numbered.as_ref());
    match keys.is_empty() {
        true => "make a unique index in a migration, and name its columns in `_key`; in `mode: insert` rows need no key"
            .to_owned(),
        false => format!("write {}; in `mode: insert` rows need no key", keys.join(" or ")),
    }
}

/// The short name of a foreign key of one column: `user` for `user_id`, which refers to `id`.
pub(in crate::seeds) fn short_name(of: &TableShape, key: &ForeignKey) -> Option<String> {
    let [column] = key.columns[..] else {
        return None;
    };
    let name = &of.columns[column].name;
    let ends = key
        .parent_columns
        .first()
        .into_iter()
        .flat_map(|parent| [format!("_{parent}"), parent.clone()])
        .chain(["_id".to_owned(), "Id".to_owned()]);
    for end in ends {
        if let Some(short) = name.strip_suffix(end.as_str())
            && !short.is_empty()
            && of.column(short).is_none()
        {
            return Some(short.to_owned());
        }
    }
    None
}

/// The first of these names.
fn some(names: &[&str]) -> String {
    const SHOWN: usize = 8;
    let quoted = names.iter().take(SHOWN).map(|name| format!("`{name}`"));
    let mut all = quoted.collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        all.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    all
}
