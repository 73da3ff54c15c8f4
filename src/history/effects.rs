//! What the text of a unit can do to the schema: which guards it needs. Pure, and by the first tokens of its statements
//! alone; it never decides whether something is right.

use crate::script::Unit;
use crate::sql::{
    Kind, Token, TokenKind, Value, What, altered, has_name, kind, literal, may_have_name,
    significant, unquote,
};

/// What the text of a unit can do to the schema, read from the first tokens of its statements.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Effects {
    /// The tables that it creates, by their names at its end. In lower case, as all names here.
    pub(super) made: Vec<String>,
    /// The tables that it renames: name before, name at its end.
    renamed: Vec<(String, String)>,
    /// What it renames, in order.
    pub(super) renames: Vec<Rename>,
    /// The tables of which it changes a column with libSQL's `ALTER COLUMN`, which does not look at the rows.
    retyped: Vec<String>,
    /// The tables with their rows that it drops, without those to whose names it renames another one.
    pub(super) lost: Vec<String>,
    /// The views and triggers that it creates, and those that it drops.
    pub(super) created: Vec<String>,
    pub(super) dropped: Vec<String>,
    /// Whether a view or a trigger may fail to compile afterwards.
    pub(super) may_break: bool,
    /// Whether any foreign key may lose its parent table, or the key that it refers to.
    pub(super) may_lose_parents: bool,
    /// The tables that it drops or alters, by each name that they have. Only a foreign key that names one of them may lose
    /// its parent, unless `may_lose_any`.
    pub(super) changed: Vec<String>,
    /// Whether its text does not name all parents that it may take: it drops an index, or writes the schema by hand.
    pub(super) may_lose_any: bool,
    /// The tables that it creates, `IF NOT EXISTS` too.
    pub(super) new: Vec<String>,
    /// Whether it may write rows of any table.
    pub(super) writes_rows: bool,
    /// Whether the schema may have one of its names in another form, as in `"a""b"`, or it writes the schema by hand.
    pub(super) has_hidden_names: bool,
    /// The tables that get a foreign key.
    pub(super) refers: Vec<String>,
    /// Whether a foreign key may lose its parent table.
    pub(super) may_lose_tables: bool,
    /// Whether it sets `PRAGMA writable_schema`.
    pub(super) writes_schema: bool,
    /// Whether it sets `PRAGMA legacy_alter_table`.
    pub(super) is_legacy: bool,
    /// Whether it sets `PRAGMA ignore_check_constraints`.
    pub(super) ignores_checks: bool,
    /// Whether its statements are not looked at: it may be a dump with tables.
    is_unread: bool,
}

/// The tables that these units drop one after the other, without those to whose names they rename another one.
pub(super) fn lost_tables(units: &[Unit]) -> Vec<String> {
    let mut effects = Effects::default();
    for unit in units {
        effects.unit(unit);
    }
    effects.lost
}

/// A table or a column gets another name. The names are those at that time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rename {
    pub(super) table: String,
    /// None where the table itself is renamed.
    pub(super) column: Option<String>,
    pub(super) to: String,
}

/// What the engine has to check behind a unit.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Checked {
    /// Nothing.
    Nothing,
    /// These tables, by each name that they have in the unit.
    Tables(Vec<String>),
    /// The CHECK constraints of all tables.
    Constraints,
    /// The whole database.
    Database,
}

impl Effects {
    pub(super) fn of(unit: &Unit) -> Effects {
        let mut effects = Effects::default();
        effects.unit(unit);
        effects
    }

    pub(super) fn of_statement(sql: &str) -> Effects {
        let mut effects = Effects::default();
        effects.statement(sql);
        effects
    }

    /// Seeds and imports change no schema that the guards are about: a dump is restored as it was.
    fn unit(&mut self, unit: &Unit) {
        if !unit.record.key().is_migration() {
            self.writes_rows = true;
            self.is_unread = true;
            return;
        }
        for step in unit.steps.iter() {
            self.statement(&step.sql);
        }
    }

    fn statement(&mut self, sql: &str) {
        let kind = kind(sql);
        self.writes_rows |= !matches!(
            kind,
            Kind::Create(_) | Kind::Drop(_) | Kind::Alter | Kind::Pragma(_)
        );
        match kind {
            Kind::Create(object) => match object.what {
                What::Table | What::VirtualTable => {
                    let name = object.name.to_ascii_lowercase();
                    if refers(sql) {
                        self.refers.push(name.clone());
                    }
                    self.has_hidden_names |= is_hidden(&name);
                    self.new.push(name.clone());
                    // It may be there already, with its rows.
                    if !object.if_exists {
                        self.made.push(name);
                    }
                }
                What::View | What::Trigger => {
                    self.may_break = true;
                    self.created.push(object.name.to_ascii_lowercase());
                }
                What::Index | What::Other => {}
            },
            Kind::Drop(object) => {
                self.may_break |= object.what != What::Trigger;
                self.may_lose_parents |= matches!(object.what, What::Table | What::Index);
                self.may_lose_any |= object.what == What::Index;
                let name = object.name.to_ascii_lowercase();
                self.has_hidden_names |= is_hidden(&name);
                if object.what == What::Table {
                    self.changed.push(name.clone());
                    self.may_lose_tables = true;
                    let is_temporary = object.is_temporary();
                    if !is_temporary && !self.made.contains(&name) && !self.lost.contains(&name) {
                        self.lost.push(name.clone());
                    }
                    self.made.retain(|made| *made != name);
                    self.renamed.retain(|(_, to)| *to != name);
                } else {
                    self.dropped.push(name);
                }
            }
            Kind::Alter => self.alter(sql),
            Kind::Pragma(pragma) if pragma.value.is_some() => match pragma.name.as_str() {
                "writable_schema" => {
                    self.writes_schema = true;
                    self.has_hidden_names = true;
                    self.writes_rows = true;
                    self.may_break = true;
                    self.may_lose_parents = true;
                    self.may_lose_tables = true;
                }
                "legacy_alter_table" => self.is_legacy = true,
                "ignore_check_constraints" => self.ignores_checks = true,
                _ => {}
            },
            _ => {}
        }
    }

    /// `ALTER TABLE [schema.]name …`.
    fn alter(&mut self, sql: &str) {
        self.may_break = true;
        let mut tokens = significant(sql).skip(2).peekable();
        let name = |token: Token| unquote(token.text(sql)).to_ascii_lowercase();
        let Some(mut table) = tokens.next().map(name) else {
            return;
        };
        if tokens.next_if(|token| token.text(sql) == ".").is_some() {
            table = tokens.next().map(name).unwrap_or_default();
        }
        self.has_hidden_names |= is_hidden(&table);
        self.changed.push(table.clone());
        let Some(verb) = tokens.next() else { return };
        if verb.is_word(sql, "ALTER") {
            self.may_lose_parents = true;
            self.retyped.push(table);
        } else if verb.is_word(sql, "RENAME") {
            self.may_lose_parents = true;
            self.may_lose_tables = true;
            let is_table = tokens.next_if(|token| token.is_word(sql, "TO")).is_some();
            if is_table {
                if let Some(to) = tokens.next().map(name) {
                    self.lost.retain(|lost| *lost != to);
                    self.has_hidden_names |= is_hidden(&to);
                    self.changed.push(to.clone());
                    self.renames.push(Rename {
                        table: table.clone(),
                        column: None,
                        to: to.clone(),
                    });
                    self.rename(table, to);
                }
                return;
            }
            // A column may be called `column`.
            let names: Vec<Token> = tokens.collect();
            let to = names.iter().rposition(|token| token.is_word(sql, "TO"));
            if let Some(at) = to.filter(|at| *at > 0)
                && let (Some(from), Some(to)) = (names.get(at - 1), names.get(at + 1))
            {
                self.renames.push(Rename {
                    table,
                    column: Some(name(from.clone())),
                    to: name(to.clone()),
                });
            }
        } else {
            if refers(sql) {
                self.refers.push(table);
            }
        }
    }

    /// Whether a foreign key may be without its parent afterwards, or without the key that it refers to.
    pub(super) fn may_break_references(&self) -> bool {
        self.may_lose_parents || !self.refers.is_empty() || !self.new.is_empty()
    }

    /// Whether it may make a foreign key, or give one other names.
    pub(super) fn may_change_references(&self) -> bool {
        self.is_unread
            || !self.refers.is_empty()
            || !self.renames.is_empty()
            || !self.retyped.is_empty()
            || self.has_hidden_names
            || self.writes_schema
    }

    /// Whether this foreign key, or a row of it, may be another one behind the unit.
    pub(super) fn touches(&self, child: &str, parent: &str) -> bool {
        let mut names = self.changed.iter().chain(&self.new);
        let mut objects = self.created.iter().chain(&self.dropped);
        let is_one =
            |it: &String| it.eq_ignore_ascii_case(child) || it.eq_ignore_ascii_case(parent);
        self.writes_rows || self.may_lose_any || names.any(is_one) || objects.any(is_one)
    }

    /// The objects that it drops or alters, where only a view or a trigger that names one of them may stop compiling.
    pub(super) fn at_risk(&self) -> Option<impl Iterator<Item = &str>> {
        let is_known = !self.has_hidden_names && self.created.is_empty();
        let names = self.changed.iter().chain(&self.dropped);
        is_known.then(|| names.map(String::as_str))
    }

    /// The tables that may lose a key, or their rows, or be gone; beside them those of the indexes that it drops. None
    /// where it may do more to foreign keys than that.
    pub(super) fn parents_at_risk(&self) -> Option<impl Iterator<Item = &str>> {
        let is_known = !self.writes_rows
            && !self.has_hidden_names
            && self.refers.is_empty()
            && self.retyped.is_empty();
        let names = self.changed.iter().chain(&self.new);
        is_known.then(|| names.map(String::as_str))
    }

    /// What the engine has to check behind it.
    pub(super) fn checked(&self) -> Checked {
        if self.writes_schema {
            return Checked::Database;
        }
        let mut tables = self.retyped.clone();
        match (tables.is_empty(), self.ignores_checks) {
            (true, true) => return Checked::Constraints,
            (true, false) => return Checked::Nothing,
            (false, true) => return Checked::Database,
            (false, false) => {}
        }
        self.add_other_names(&mut tables);
        Checked::Tables(tables)
    }

    /// An SQL expression: what `fault`, a line of the integrity check in lower case with a dot behind it, is called
    /// after the unit.
    pub(super) fn fault_afterwards(&self, fault: &str) -> String {
        self.renames.iter().fold(fault.to_owned(), |fault, it| {
            let (from, to) = match &it.column {
                None => (format!(" in {}.", it.table), format!(" in {}.", it.to)),
                Some(column) => (
                    format!(" in {}.{column}.", it.table),
                    format!(" in {}.{}.", it.table, it.to),
                ),
            };
            format!(
                "replace({fault}, {}, {})",
                literal(&from.into()),
                literal(&to.into())
            )
        })
    }

    /// An SQL expression: what `columns`, `a, b` of the table `child`, are called after the unit. All in lower case, and
    /// `child` by its name after the unit.
    pub(super) fn columns_afterwards(&self, child: &str, columns: &str) -> String {
        let mut renamed = format!("' ' || {columns} || ','");
        for (table, column, to) in self.renamed_columns() {
            let text = |text: String| literal(&text.into());
            renamed = format!(
                "replace({renamed}, CASE {child} WHEN {} THEN {} ELSE '' END, {})",
                text(table.to_owned()),
                text(format!(" {column},")),
                text(format!(" {to},")),
            );
        }
        format!("trim({renamed}, ' ,')")
    }

    /// What a column is called after the unit; `table` by its name after the unit.
    pub(super) fn column_afterwards(&self, table: &str, column: &str) -> String {
        let of_table = self
            .renamed_columns()
            .filter(|it| table.eq_ignore_ascii_case(it.0));
        let column = of_table.fold(column, |column, (_, from, to)| {
            match column.eq_ignore_ascii_case(from) {
                true => to,
                false => column,
            }
        });
        column.to_owned()
    }

    /// What a column of a table with this name at the end of the unit was called before.
    pub(super) fn column_before(&self, table: &str, column: &str) -> String {
        let of_table = self
            .renamed_columns()
            .filter(|it| table.eq_ignore_ascii_case(it.0));
        let all: Vec<_> = of_table.collect();
        let column = all.iter().rev().fold(column, |column, (_, from, to)| {
            match column.eq_ignore_ascii_case(to) {
                true => from,
                false => column,
            }
        });
        column.to_ascii_lowercase()
    }

    /// What a table that is there before the unit is called after it.
    pub(super) fn table_afterwards(&self, table: &str) -> String {
        let mut renamed = self.renamed.iter();
        let renamed = renamed.find(|(from, _)| from.eq_ignore_ascii_case(table));
        renamed.map_or(table, |(_, to)| to).to_owned()
    }

    /// Every name that a table has at some time in the unit which has this one at some time.
    pub(super) fn names_of(&self, table: &str) -> Vec<String> {
        let mut names = vec![table.to_ascii_lowercase()];
        self.add_other_names(&mut names);
        names
    }

    fn add_other_names(&self, tables: &mut Vec<String>) {
        loop {
            let renames = self.renames.iter().filter(|it| it.column.is_none());
            let more = renames.flat_map(|it| {
                let pairs = [(&it.table, &it.to), (&it.to, &it.table)];
                let new = pairs
                    .into_iter()
                    .filter(|(one, other)| tables.contains(one) && !tables.contains(other));
                new.map(|(_, other)| other.clone())
            });
            let more: Vec<String> = more.collect();
            if more.is_empty() {
                return;
            }
            tables.extend(more);
        }
    }

    /// All names that these columns of a table have in the unit; the table by all of its names.
    pub(super) fn columns_of(&self, names: &[String], columns: &[String]) -> Vec<String> {
        let columns = columns.iter().map(|it| it.to_ascii_lowercase());
        let mut columns: Vec<String> = columns.collect();
        for it in self.renames.iter().filter(|it| names.contains(&it.table)) {
            if let Some(column) = &it.column {
                for (one, other) in [(column, &it.to), (&it.to, column)] {
                    if columns.contains(one) && !columns.contains(other) {
                        columns.push(other.clone());
                    }
                }
            }
        }
        columns
    }

    /// What a table with this name at the end of the unit, or when it was dropped, was called before.
    pub(super) fn table_before(&self, table: &str) -> String {
        let renames = self.renames.iter().rev();
        renames.fold(table.to_ascii_lowercase(), |name, it| {
            match it.column.is_none() && it.to == name {
                true => it.table.clone(),
                false => name,
            }
        })
    }

    /// The renamed columns, in order: the name of the table after the unit, the name of the column before and after.
    fn renamed_columns(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        let renames = self.renames.iter().enumerate();
        renames.filter_map(|(number, it)| {
            let column = it.column.as_deref()?;
            let later = self.renames[number..]
                .iter()
                .filter(|it| it.column.is_none());
            let table = later.fold(&it.table, |table, later| match later.table == *table {
                true => &later.to,
                false => table,
            });
            Some((table.as_str(), column, it.to.as_str()))
        })
    }

    /// What it renames, for the records of seeds; none where it renames nothing.
    pub(super) fn renames_for_seeds(&self) -> Option<serde_json::Value> {
        let tables: serde_json::Map<String, serde_json::Value> = self
            .renamed
            .iter()
            .map(|(from, to)| (from.clone(), to.as_str().into()))
            .collect();
        let columns: Vec<[&str; 3]> = self
            .renamed_columns()
            .map(|(table, from, to)| [table, from, to])
            .collect();
        let is_empty = tables.is_empty() && columns.is_empty();
        (!is_empty).then(|| serde_json::json!({ "tables": tables, "columns": columns }))
    }

    fn rename(&mut self, from: String, to: String) {
        if let Some(made) = self.made.iter_mut().find(|made| **made == from) {
            *made = to;
        } else if let Some((_, now)) = self.renamed.iter_mut().find(|(_, now)| *now == from) {
            *now = to;
        } else {
            self.renamed.push((from, to));
        }
    }

    /// The renamed tables, as a JSON object.
    pub(super) fn renamed(&self) -> Value {
        let pairs = self.renamed.iter();
        let pairs: serde_json::Map<String, serde_json::Value> = pairs
            .map(|(from, to)| (from.clone(), to.as_str().into()))
            .collect();
        Value::Text(serde_json::Value::Object(pairs).to_string())
    }
}

/// Whether a name may be written in another form where it is quoted.
fn is_hidden(name: &str) -> bool {
    name.is_empty() || name.contains(['"', '\'', '`', ']'])
}

/// Whether a statement has a foreign key.
fn refers(sql: &str) -> bool {
    may_have_name(sql, "REFERENCES")
        && significant(sql).any(|token| token.is_word(sql, "REFERENCES"))
}

/// `ALTER TABLE table ALTER COLUMN column TO column …`, its names as written.
pub(super) struct Retyping<'a> {
    pub(super) table: &'a str,
    pub(super) column: &'a str,
    /// What a row without a value in the column reads afterwards, as SQL.
    pub(super) default: String,
}

/// The column that a statement changes.
pub(super) fn retyping(sql: &str) -> Option<Retyping<'_>> {
    let altered = altered(sql).filter(|it| it.is("ALTER"))?;
    Some(Retyping {
        table: altered.table,
        column: altered.rest.first()?.text(sql),
        // Behind `TO`.
        default: default(sql, altered.rest.get(2..)?),
    })
}

/// The value behind `DEFAULT`, as SQL. The engine takes what is no constant for `NULL`.
pub(super) fn default(sql: &str, tokens: &[Token]) -> String {
    let mut depth = 0_i32;
    let mut at = None;
    for (number, token) in tokens.iter().enumerate() {
        match token.text(sql) {
            "(" => depth += 1,
            ")" => depth -= 1,
            // The first token is the name of the column.
            _ if number > 0 && depth == 0 && token.is_word(sql, "DEFAULT") => {
                at = Some(number + 1);
                break;
            }
            _ => {}
        }
    }
    let Some(value) = at.and_then(|at| tokens.get(at..)) else {
        return "NULL".to_owned();
    };
    let length = match value.first().map(|it| it.text(sql)) {
        Some("(") => {
            let mut depth = 0_i32;
            let end = value.iter().position(|it| {
                depth += match it.text(sql) {
                    "(" => 1,
                    ")" => -1,
                    _ => 0,
                };
                depth == 0
            });
            end.map_or(value.len(), |end| end + 1)
        }
        Some("+" | "-") => 2,
        _ => 1,
    };
    let value = &value[..length.min(value.len())];
    let constant = |token: &Token| {
        use TokenKind::{Blob, Number, String};
        matches!(token.kind, Blob | Number | String)
            || matches!(token.text(sql), "(" | ")" | "+" | "-")
            || token.is_word(sql, "NULL")
    };
    let inner: Vec<&Token> = value
        .iter()
        .filter(|it| !matches!(it.text(sql), "(" | ")"))
        .collect();
    let is_cast = inner.first().is_some_and(|it| it.is_word(sql, "CAST"));
    match (value, inner.as_slice()) {
        ([first, .., last], _) if is_cast || value.iter().all(constant) => {
            sql[first.span.start..last.span.end].to_owned()
        }
        (_, [token]) if constant(token) => token.text(sql).to_owned(),
        // `IS TRUE` is another operator.
        (_, [token]) if token.is_word(sql, "TRUE") => "1".to_owned(),
        (_, [token]) if token.is_word(sql, "FALSE") => "0".to_owned(),
        ([token], _) if !token.text(sql).to_ascii_uppercase().starts_with("CURRENT_") => {
            literal(&unquote(token.text(sql)).into())
        }
        _ => "NULL".to_owned(),
    }
}

/// Whether a statement of a unit may write to the rows of a table: all that have its name, but `DROP`.
pub(super) fn writes_to(unit: &Unit, table: &str) -> bool {
    let mut steps = unit.steps.iter();
    steps.any(|step| !matches!(kind(&step.sql), Kind::Drop(_)) && has_name(&step.sql, table))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn effects(statements: &[&str]) -> Effects {
        let mut effects = Effects::default();
        for sql in statements {
            effects.statement(sql);
        }
        effects
    }

    #[test]
    fn names_are_followed_through_a_rebuild() {
        let right = effects(&[
            "CREATE TABLE c_new (x)",
            "DROP TABLE c",
            "ALTER TABLE main.c_new RENAME TO \"C\"",
        ]);
        assert_eq!((right.made, right.renamed), (vec!["c".to_owned()], vec![]));
        let wrong = effects(&[
            "ALTER TABLE c RENAME TO old",
            "CREATE TABLE c (x)",
            "DROP TABLE old",
        ]);
        assert_eq!((wrong.made, wrong.renamed), (vec!["c".to_owned()], vec![]));
        let twice = effects(&[
            "ALTER TABLE a RENAME TO b",
            "ALTER TABLE b RENAME TO [c]",
            "ALTER TABLE c RENAME COLUMN x TO y",
        ]);
        let renamed = vec![("a".to_owned(), "c".to_owned())];
        assert_eq!((twice.made, twice.renamed), (vec![], renamed));
    }

    #[test]
    fn what_cannot_break_anything_needs_no_guard() {
        let harmless = effects(&[
            "CREATE TABLE a (x)",
            "CREATE INDEX i ON a (x)",
            "INSERT INTO a SELECT 'DROP TABLE a; ALTER TABLE a RENAME TO b'",
            "DROP TRIGGER r",
            "PRAGMA writable_schema",
        ]);
        assert!(!harmless.may_break && !harmless.may_lose_parents);
        assert!(!harmless.writes_schema && harmless.checked() == Checked::Nothing);
    }

    #[test]
    fn the_objects_at_risk_are_known_where_the_schema_has_their_names_as_written() {
        let names = |statements: &[&str]| {
            let effects = effects(statements);
            let names = effects.at_risk()?.collect::<Vec<_>>();
            Some(names.join(" "))
        };
        let known = names(&[
            "DROP TABLE main.A",
            "ALTER TABLE b RENAME TO \"C c\"",
            "DROP VIEW v",
            "DROP INDEX i",
        ]);
        assert_eq!(known.as_deref(), Some("a b c c v i"));
        for hidden in [
            "DROP TABLE \"a\"\"b\"",
            "ALTER TABLE a RENAME TO [it's]",
            "CREATE VIEW v AS SELECT 1",
            "PRAGMA writable_schema = 1",
        ] {
            assert_eq!(names(&[hidden]), None, "{hidden}");
        }
    }

    #[test]
    fn a_table_whose_column_changes_is_checked_by_all_of_its_names() {
        let tables = |statements: &[&str]| match effects(statements).checked() {
            Checked::Tables(tables) => tables.join(" "),
            other => format!("{other:?}"),
        };
        let alter = "ALTER TABLE b ALTER COLUMN x TO x INT";
        let (first, second) = ("ALTER TABLE a RENAME TO b", "ALTER TABLE b RENAME TO c");
        assert_eq!(tables(&[first, alter, second]), "b a c");
        assert_eq!(tables(&[alter, "ALTER TABLE b RENAME x TO y"]), "b");
        let by_hand = effects(&["PRAGMA writable_schema = 1", alter]);
        assert_eq!(by_hand.checked(), Checked::Database);
    }

    #[test]
    fn the_default_of_a_changed_column_is_read_as_the_engine_reads_it() {
        for (behind, expected) in [
            ("TEXT DEFAULT 'a, b' NOT NULL", "'a, b'"),
            ("TEXT CHECK (x <> 'DEFAULT 1')", "NULL"),
            ("INT DEFAULT - 5", "- 5"),
            ("INT DEFAULT (-(5))", "(-(5))"),
            ("INT DEFAULT TRUE", "1"),
            ("TEXT DEFAULT free", "'free'"),
            ("TEXT DEFAULT \"it's\"", "'it''s'"),
            ("TEXT DEFAULT CURRENT_TIMESTAMP", "NULL"),
            ("TEXT DEFAULT (datetime('now'))", "NULL"),
            (
                "INT DEFAULT (CAST('5' AS INTEGER))",
                "(CAST('5' AS INTEGER))",
            ),
        ] {
            let sql = format!("ALTER TABLE main.t ALTER COLUMN x TO x {behind};");
            let found = retyping(&sql).unwrap();
            assert_eq!((found.table, found.column), ("main.t", "x"));
            assert_eq!(found.default, expected);
        }
    }
}
