//! What a dump consists of, in order: texts, and rows that a query gives. Pure.

use std::collections::{HashMap, HashSet};

use super::catalogue::{Catalogue, OBJECTS, Object, Table};
use super::keywords::name;
use super::{Contents, ExportError, ExportOptions, Records};
use crate::db::{Engine, Order, Query, Question, Scan, ScanColumn};
use crate::history;
use crate::nearest::nearest;
use crate::sql::{Kind, TokenKind, Value, identifier, is_autoincrement, kind, text, tokens};

/// Both numbers that an application may keep in the header: <https://sqlite.org/pragma.html#pragma_user_version>.
const NUMBERS: &str = "\
SELECT (SELECT user_version FROM pragma_user_version), (SELECT application_id FROM pragma_application_id)";

/// How a file is laid out: <https://sqlite.org/pragma.html#pragma_encoding>.
const LAYOUT: &str = "\
SELECT (SELECT encoding FROM pragma_encoding), (SELECT page_size FROM pragma_page_size), (SELECT auto_vacuum FROM pragma_auto_vacuum)";

/// A dump to be written.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Plan {
    /// The engine of the database.
    pub(super) engine: Engine,
    /// The schema that it is made for.
    pub(super) objects: Vec<Object>,
    pub(super) parts: Vec<Part>,
    /// See [`super::Exported::of_other_tools`].
    pub(super) of_other_tools: Vec<String>,
}

/// A piece of a dump.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Part {
    Text(String),
    /// The numbers of the header, where they are not 0.
    Numbers,
    /// How the file is laid out, where that is not as usual.
    Layout,
    Rows(TableRows),
}

/// The rows of one table.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TableRows {
    pub(super) table: String,
    question: Question,
    /// The text before the values: `INSERT INTO t VALUES(`.
    pub(super) before: String,
    /// How many values a row has.
    pub(super) width: usize,
}

impl TableRows {
    /// Whether the engine made the table for itself.
    pub(super) fn is_of_the_engine(&self) -> bool {
        self.table.starts_with("sqlite_")
    }
}

impl Plan {
    /// The questions to be asked, all of one state: the schema, then those of the parts that are no text.
    pub(super) fn questions(&self) -> Vec<Question> {
        let of_parts = self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Numbers => Some(Query::new(NUMBERS).into()),
            Part::Layout => Some(Query::new(LAYOUT).into()),
            Part::Rows(rows) => Some(rows.question.clone()),
        });
        std::iter::once(Query::new(OBJECTS).into())
            .chain(of_parts)
            .collect()
    }

    /// How many columns the answer to each question has.
    pub(super) fn widths(&self) -> Vec<usize> {
        let of_parts = self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Numbers => Some(2),
            Part::Layout => Some(3),
            Part::Rows(rows) => Some(rows.width),
        });
        std::iter::once(4).chain(of_parts).collect()
    }
}

/// Plans a dump.
pub(super) fn plan(
    catalogue: &Catalogue,
    options: &ExportOptions,
    engine: Engine,
) -> Result<Plan, ExportError> {
    let chosen = Chosen::of(catalogue, options)?;
    let mut parts = Parts::default();
    let is_plain = options.what == Contents::Schema && options.history == Records::Without;
    if !is_plain {
        // They are the whole database's.
        let is_whole = options.what != Contents::Data && options.tables.is_empty();
        parts.text("PRAGMA foreign_keys=OFF;\n");
        if is_whole && !engine.is_server() {
            parts.0.push(Part::Layout);
        }
        parts.text("BEGIN TRANSACTION;\n");
        if is_whole {
            parts.0.push(Part::Numbers);
        }
    }
    for object in tables_in_order(catalogue) {
        if chosen.has(&object.name) {
            tables(catalogue, options, object, &mut parts);
        }
    }
    sequence(catalogue, options, &chosen, engine, &mut parts);
    if options.what != Contents::Data {
        // The engine opens no database that has a trigger before its view, or an index before its table.
        for object in &catalogue.objects {
            let is_other = matches!(object.kind.as_str(), "index" | "trigger" | "view");
            if is_other && chosen.has_object(object) {
                parts.statement(object);
            }
        }
        if !is_plain {
            statistics(catalogue, options, &chosen, &mut parts);
        }
    }
    if !is_plain {
        parts.text("COMMIT;\n");
    }
    Ok(Plan {
        engine,
        objects: catalogue.objects.clone(),
        parts: parts.0,
        of_other_tools: chosen.of_other_tools,
    })
}

/// The tables in an order in which they can be rebuilt: each virtual table before the tables that it keeps its content
/// in, since it makes them itself, and behind all others, since it may read one of them when it is made. `VACUUM` moves
/// virtual tables to the end of the schema, so the order there does not tell.
fn tables_in_order(catalogue: &Catalogue) -> Vec<&Object> {
    let mut ordered = Vec::new();
    let mut virtual_tables = Vec::new();
    let mut of: HashMap<&str, Vec<&Object>> = HashMap::new();
    for object in catalogue.objects.iter().filter(|it| it.kind == "table") {
        let owner = || catalogue.owner(&object.name);
        match catalogue.table(&object.name) {
            Some(table) if table.is_virtual => virtual_tables.push(object),
            Some(table) if table.is_shadow => match owner() {
                Some(owner) => of.entry(owner).or_default().push(object),
                None => ordered.push(object),
            },
            _ => ordered.push(object),
        }
    }
    for object in virtual_tables {
        ordered.push(object);
        ordered.extend(of.remove(object.name.as_str()).unwrap_or_default());
    }
    ordered
}

#[derive(Default)]
struct Parts(Vec<Part>);

impl Parts {
    fn text(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Part::Text(before)) => before.push_str(text),
            _ => self.0.push(Part::Text(text.to_owned())),
        }
    }

    fn statement(&mut self, object: &Object) {
        if let Some(sql) = &object.sql {
            self.text(sql);
            self.text(end(sql));
        }
    }

    /// An entry of the schema, as shells write it: a virtual table whose module is missing, which nothing can create.
    fn entry(&mut self, object: &Object) {
        let name = text(&object.name);
        let sql = text(object.sql.as_deref().unwrap_or_default());
        self.text(&format!(
            "PRAGMA writable_schema=ON;\n\
             INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)VALUES('table',{name},{name},0,{sql});\n\
             PRAGMA writable_schema=OFF;\n"
        ));
    }
}

/// What ends a statement: a semicolon that stands in no comment.
fn end(sql: &str) -> &'static str {
    match tokens(sql).last() {
        Some(Ok(last)) if last.kind == TokenKind::Comment && last.text(sql).starts_with("--") => {
            "\n;\n"
        }
        // Engines take a comment that does not end.
        Some(Err(_)) => "*/;\n",
        _ => ";\n",
    }
}

/// A table, and its rows.
fn tables(catalogue: &Catalogue, options: &ExportOptions, object: &Object, parts: &mut Parts) {
    let Some(table) = catalogue.table(&object.name) else {
        return;
    };
    let is_record = is_record(object);
    let with_rows = match options.what {
        Contents::Everything | Contents::Data => true,
        Contents::Schema => is_record,
    };
    if table.is_shadow {
        // The virtual table makes it, and puts something into some.
        if with_rows {
            parts.text(&format!("DELETE FROM {};\n", name(&object.name)));
        }
    } else if options.what != Contents::Data {
        match catalogue.lacks_module(&object.name) {
            true => parts.entry(object),
            false => parts.statement(object),
        }
    }
    if with_rows && !table.is_virtual {
        if !table.has_room_for_rowid() && table.integer_key().is_none() && table.rowid().is_some() {
            parts.text("-- The next table has as many columns as a row may have values: its rowids are not written.\n");
        }
        parts.0.push(Part::Rows(rows(&object.name, table)));
    }
}

fn rows(table_name: &str, table: &Table) -> TableRows {
    let written: Vec<&super::catalogue::Column> = table
        .columns
        .iter()
        .filter(|column| !column.is_generated)
        .collect();
    let key = table.integer_key();
    // Where no name is free, no statement can set the rowid or ask for it; and no row has one value more than a table
    // has columns at the most.
    let rowid = match key {
        Some(_) => None,
        None => table.rowid().filter(|_| table.has_room_for_rowid()),
    };
    let rowids = rowid.into_iter().map(|name| ScanColumn {
        name: name.to_owned(),
        is_real: false,
    });
    let columns = written.iter().map(|column| ScanColumn {
        name: column.name.clone(),
        is_real: table.is_real(column),
    });
    let columns: Vec<ScanColumn> = rowids.chain(columns).collect();
    let mut before = format!("INSERT INTO {}", name(table_name));
    if let Some(rowid) = rowid {
        let names = written.iter().map(|column| name(&column.name));
        let names: Vec<String> = std::iter::once(rowid.to_owned()).chain(names).collect();
        before.push_str(&format!("({})", names.join(",")));
    }
    before.push_str(" VALUES(");
    let order = match (key, rowid) {
        (Some(key), _) => Order::Rowid(key.name.clone()),
        (None, Some(rowid)) => Order::Rowid(rowid.to_owned()),
        (None, None) => {
            let terms = table.key.iter().filter(|_| table.without_rowid).map(|key| {
                let way = if key.is_descending { " DESC" } else { "" };
                let collation = identifier(&key.collation);
                format!("{} COLLATE {collation}{way}", identifier(&key.name))
            });
            Order::Terms(terms.collect())
        }
    };
    TableRows {
        table: table_name.to_owned(),
        width: columns.len(),
        question: Question::Scan(Scan {
            table: table_name.to_owned(),
            columns,
            order,
        }),
        before,
    }
}

/// The highest rowids of tables with `AUTOINCREMENT`: <https://sqlite.org/autoinc.html>. The engine makes the table.
fn sequence(
    catalogue: &Catalogue,
    options: &ExportOptions,
    chosen: &Chosen,
    engine: Engine,
    parts: &mut Parts,
) {
    const SEQUENCE: &str = "sqlite_sequence";
    let wanted = match options.what {
        Contents::Everything => true,
        // What is there may have tables that are not in the dump.
        Contents::Data => options.tables.is_empty(),
        Contents::Schema => false,
    };
    // The engine makes the table with the first table that counts, and keeps it when the last of them is dropped.
    let counts = |object: &Object| {
        let sql = object.sql.as_deref().unwrap_or_default();
        object.kind == "table" && chosen.has(&object.name) && is_autoincrement(sql)
    };
    let is_there = catalogue.table(SEQUENCE).is_some();
    if !wanted || !is_there || !catalogue.objects.iter().any(counts) {
        return;
    }
    let counting = catalogue.objects.iter().filter(|object| counts(object));
    let name = match engine {
        Engine::Turso => spelled(counting),
        Engine::Local | Engine::Memory | Engine::Server => "name".to_owned(),
    };
    parts.text("DELETE FROM sqlite_sequence;\n");
    parts.0.push(Part::Rows(TableRows {
        table: SEQUENCE.to_owned(),
        question: chosen
            .rows_of(&format!("SELECT {name}, seq FROM sqlite_sequence"), "name")
            .into(),
        before: "INSERT INTO sqlite_sequence VALUES(".to_owned(),
        width: 2,
    }));
}

/// The name of a counted table as SQL: as its `CREATE TABLE` spells it, because other engines look for it by that name. The
/// Turso engine writes all of them in lower case.
fn spelled<'a>(tables: impl Iterator<Item = &'a Object>) -> String {
    let cases = tables.filter_map(|object| {
        let Kind::Create(created) = kind(object.sql.as_deref()?) else {
            return None;
        };
        let is_other = created.name != object.name;
        is_other.then(|| format!(" WHEN {} THEN {}", text(&object.name), text(&created.name)))
    });
    match cases.collect::<String>() {
        cases if cases.is_empty() => "name".to_owned(),
        cases => format!("CASE name{cases} ELSE name END"),
    }
}

/// What the planner knows of the rows: <https://sqlite.org/lang_analyze.html>. Not all builds of the engine have
/// `sqlite_stat4`, and those that have it compute it again.
fn statistics(catalogue: &Catalogue, options: &ExportOptions, chosen: &Chosen, parts: &mut Parts) {
    const STATISTICS: &str = "sqlite_stat1";
    if options.what != Contents::Everything || catalogue.table(STATISTICS).is_none() {
        return;
    }
    parts.text("ANALYZE sqlite_schema;\n");
    parts.0.push(Part::Rows(TableRows {
        table: STATISTICS.to_owned(),
        question: chosen
            .rows_of("SELECT tbl, idx, stat FROM sqlite_stat1", "tbl")
            .into(),
        before: "INSERT INTO sqlite_stat1 VALUES(".to_owned(),
        width: 3,
    }));
}

/// Whether Seedbed keeps its records there.
fn is_record(object: &Object) -> bool {
    object.sql.as_deref().is_some_and(history::makes_ours)
        || ["_seedbed_rows", history::UNFINISHED]
            .iter()
            .any(|name| object.name.eq_ignore_ascii_case(name))
}

/// The tables in which other migration tools keep their records.
fn of_other_tools(catalogue: &Catalogue) -> Vec<String> {
    let tables = catalogue.objects.iter().filter(|it| it.kind == "table");
    history::of_other_tools(tables.filter_map(|object| {
        let table = catalogue.table(&object.name)?;
        let columns = table.columns.iter().map(|column| column.name.as_str());
        Some((object.name.as_str(), columns.collect()))
    }))
}

/// The tables and views that are written.
struct Chosen {
    /// In lower case.
    names: HashSet<String>,
    /// Their names as they were made.
    tables: Vec<String>,
    all: bool,
    /// The tables of other migration tools that are left out with the records.
    of_other_tools: Vec<String>,
}

impl Chosen {
    fn of(catalogue: &Catalogue, options: &ExportOptions) -> Result<Chosen, ExportError> {
        let of_vectors = catalogue.of_vectors();
        let is_own = |object: &&Object| {
            let lower = object.name.to_ascii_lowercase();
            matches!(object.kind.as_str(), "table" | "view")
                && !lower.starts_with("sqlite_")
                && !of_vectors.contains(&lower)
        };
        let own: Vec<&Object> = catalogue.objects.iter().filter(is_own).collect();
        let is_shadow = |object: &Object| {
            let table = catalogue.table(&object.name);
            object.kind == "table" && table.is_some_and(|table| table.is_shadow)
        };
        let nameable: Vec<&str> = own
            .iter()
            .filter(|object| !is_shadow(object))
            .map(|object| object.name.as_str())
            .collect();
        let unknown: Vec<_> = options
            .tables
            .iter()
            .filter(|name| {
                !nameable
                    .iter()
                    .any(|known| known.eq_ignore_ascii_case(name))
            })
            .map(|name| (name.clone(), nearest(name, &nameable).map(str::to_owned)))
            .collect();
        if !unknown.is_empty() {
            return Err(ExportError::Unknown { names: unknown });
        }
        let is_named = |name: &str| {
            options.tables.is_empty()
                || options
                    .tables
                    .iter()
                    .any(|named| named.eq_ignore_ascii_case(name))
        };
        // A table that was named is wanted, whatever it is.
        let of_other_tools = match (options.history, options.tables.as_slice()) {
            (Records::Without, []) => of_other_tools(catalogue),
            _ => Vec::new(),
        };
        let chosen = own.iter().filter(|object| {
            let owner = match is_shadow(object) {
                true => catalogue.owner(&object.name).unwrap_or(&object.name),
                false => &object.name,
            };
            is_named(owner)
                && (options.history == Records::With || !is_record(object))
                && !of_other_tools.contains(&object.name)
        });
        let chosen: Vec<&&Object> = chosen.collect();
        Ok(Chosen {
            names: chosen
                .iter()
                .map(|object| object.name.to_ascii_lowercase())
                .collect(),
            tables: chosen
                .iter()
                .filter(|object| object.kind == "table")
                .map(|object| object.name.clone())
                .collect(),
            all: chosen.len() == own.len(),
            of_other_tools,
        })
    }

    fn has(&self, name: &str) -> bool {
        self.names.contains(&name.to_ascii_lowercase())
    }

    /// An index or trigger goes with its table.
    fn has_object(&self, object: &Object) -> bool {
        match object.kind.as_str() {
            "view" => self.has(&object.name),
            _ => self.has(&object.table),
        }
    }

    /// Those rows of one of the engine's tables that concern what is written.
    fn rows_of(&self, select: &str, column: &str) -> Query {
        if self.all {
            return Query::new(format!("{select} ORDER BY rowid"));
        }
        let marks = vec!["?"; self.tables.len()].join(",");
        Query {
            sql: format!("{select} WHERE {column} IN ({marks}) ORDER BY rowid"),
            args: self.tables.iter().cloned().map(Value::Text).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_comment_swallows_the_end_of_its_statement() {
        for (sql, expect) in [
            ("CREATE TABLE t (x)", ";\n"),
            ("CREATE TABLE t (x -- y\n)", ";\n"),
            ("CREATE VIEW v AS SELECT 1 -- one", "\n;\n"),
            ("CREATE VIEW v AS SELECT 1 -- one\n", ";\n"),
            ("CREATE VIEW v AS SELECT 1 /* one */", ";\n"),
            ("CREATE VIEW v AS SELECT 1 /* one", "*/;\n"),
            ("CREATE VIEW v AS SELECT '-- one'", ";\n"),
        ] {
            assert_eq!(end(sql), expect, "{sql}");
        }
    }

    #[test]
    fn a_counted_table_has_the_name_that_its_statement_spells() {
        let object = |name: &str, sql: &str| Object {
            kind: "table".to_owned(),
            name: name.to_owned(),
            table: name.to_owned(),
            sql: Some(sql.to_owned()),
        };
        let plain = object("t", "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT)");
        let upper = object(
            "it's",
            "CREATE TABLE \"It's\" (id INTEGER PRIMARY KEY AUTOINCREMENT)",
        );
        assert_eq!(spelled([&plain].into_iter()), "name");
        assert_eq!(
            spelled([&plain, &upper].into_iter()),
            "CASE name WHEN 'it''s' THEN 'It''s' ELSE name END"
        );
    }
}
