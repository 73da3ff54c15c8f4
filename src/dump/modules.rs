//! Which tables a virtual table keeps its content in. The engine is asked: the virtual table is made in memory, and the
//! tables that come with it are its own. A name alone does not tell, since `email_content` may be a user's table beside
//! a virtual table `email`.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, PoisonError};

use crate::db::{Access, EngineError, Raw};
use crate::sql::{self, TokenKind, ValueRef};

/// An engine with nothing in it, which is asked what its modules make.
#[derive(Debug, Clone)]
pub(super) struct Modules(Arc<Mutex<Raw>>);

/// A virtual table, and what is known of the tables that belong to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct VirtualTable {
    pub(super) name: String,
    own: Own,
    /// Whether the engine here lacks its module.
    pub(super) lacks_module: bool,
    /// The tables that the engine made for it.
    new: Vec<NewTable>,
}

/// A table of a virtual table that was just made, in lower case, and the rows that its module writes to it at once.
#[derive(Debug, Clone, PartialEq, Eq)]
struct NewTable {
    name: String,
    /// Each as a statement that inserts it.
    rows: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Own {
    /// Those that the engine made.
    Made,
    /// The engine could not make it: it lacks the module, or the table that the virtual table reads. Its tables have the
    /// name of the virtual table, an underscore and one of these; any ending where the module is not known.
    Named(&'static [&'static str]),
}

/// The tables of the known modules, without the name that they begin with:
/// <https://sqlite.org/fts5.html>, <https://sqlite.org/fts3.html>, <https://sqlite.org/rtree.html>.
const ENDINGS: &[(&str, &[&str])] = &[
    ("fts5", &["data", "idx", "content", "docsize", "config"]),
    ("fts4", FTS3),
    ("fts3", FTS3),
    ("rtree", RTREE),
    ("rtree_i32", RTREE),
    ("geopoly", RTREE),
];

const FTS3: &[&str] = &["content", "segments", "segdir", "docsize", "stat"];

/// Of one whose rows are in another table.
const FTS3_EXTERNAL: &[&str] = &["segments", "segdir", "docsize", "stat"];

const RTREE: &[&str] = &["node", "rowid", "parent"];

impl Modules {
    /// # Errors
    /// The engine's, where there is no memory.
    pub(super) async fn new() -> Result<Modules, EngineError> {
        let raw = Raw::open(":memory:", Access::Create).await?;
        Ok(Modules(Arc::new(Mutex::new(raw))))
    }

    /// The virtual table that this `CREATE VIRTUAL TABLE` makes.
    pub(super) fn virtual_table(&self, name: &str, sql: &str) -> VirtualTable {
        let raw = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (own, lacks_module, new) = match made(&raw, name, sql) {
            Ok(new) => (Own::Made, false, new),
            Err(error) => (Own::Named(endings(sql)), lacks_module(&error), Vec::new()),
        };
        // Where nothing was begun there is nothing to roll back.
        let _ = raw.execute("ROLLBACK");
        VirtualTable {
            name: name.to_owned(),
            own,
            lacks_module,
            new,
        }
    }
}

/// Whether the engine cannot create a virtual table because it lacks the module.
pub(super) fn lacks_module(error: &EngineError) -> bool {
    error.message.starts_with("no such module: ")
}

fn made(raw: &Raw, name: &str, sql: &str) -> Result<Vec<NewTable>, EngineError> {
    raw.execute("BEGIN")?;
    raw.execute(sql)?;
    let mut tables = Vec::new();
    let mut query = raw.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
    query.rows([], |row| {
        if let ValueRef::Text(table) = row.value(0) {
            let table = String::from_utf8_lossy(table).to_ascii_lowercase();
            if !table.eq_ignore_ascii_case(name) {
                tables.push(table);
            }
        }
        ControlFlow::Continue(())
    })?;
    let new = tables.into_iter().map(|name| {
        let rows = rows(raw, &name)?;
        Ok(NewTable { name, rows })
    });
    new.collect()
}

/// The rows of a table, each as a statement that inserts it.
fn rows(raw: &Raw, table: &str) -> Result<Vec<String>, EngineError> {
    let table = sql::identifier(table);
    let mut query = raw.prepare(&format!("SELECT * FROM {table}"))?;
    let mut rows = Vec::new();
    query.rows([], |row| {
        let values: Vec<String> = (0..row.width())
            .map(|at| sql::literal(row.value(at)))
            .collect();
        rows.push(format!(
            "INSERT INTO {table} VALUES ({})",
            values.join(", ")
        ));
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

impl VirtualTable {
    /// The statements that insert what this table of its content holds when the virtual table has just been made; none
    /// where the engine has made no such table for it.
    pub(super) fn new_rows(&self, table: &str) -> Option<&[String]> {
        let mut new = self.new.iter();
        let found = new.find(|new| new.name.eq_ignore_ascii_case(table));
        found.map(|new| new.rows.as_slice())
    }

    /// Whether it keeps its content in this table. `is_ordinary` says whether a user has certainly made the table, as far
    /// as its `CREATE TABLE` shows that; it is asked only where the engine cannot tell.
    pub(super) fn owns(&self, table: &str, is_ordinary: impl FnOnce() -> bool) -> bool {
        match &self.own {
            Own::Made => self.new_rows(table).is_some(),
            Own::Named(endings) => {
                let begin = table.get(..self.name.len());
                let ending = table.get(self.name.len()..);
                let ending = ending.and_then(|ending| ending.strip_prefix('_'));
                begin.is_some_and(|begin| begin.eq_ignore_ascii_case(&self.name))
                    && ending.is_some_and(|ending| {
                        let mut endings = endings.iter();
                        endings.len() == 0 || endings.any(|it| it.eq_ignore_ascii_case(ending))
                    })
                    && !is_ordinary()
            }
        }
    }
}

/// Whether no module has written this `CREATE TABLE`: all of them quote the name.
pub(super) fn is_ordinary(sql: &str) -> bool {
    let mut names = sql::significant(sql).skip_while(|token| !token.is_word(sql, "TABLE"));
    names.next();
    let quoted = names.find(|token| {
        let is_word = ["IF", "NOT", "EXISTS"]
            .iter()
            .any(|word| token.is_word(sql, word));
        !is_word
    });
    !quoted.is_some_and(|token| matches!(token.kind, TokenKind::QuotedName | TokenKind::String))
}

/// The words of a `CREATE VIRTUAL TABLE` from the name of its module on.
fn from_module(sql: &str) -> impl Iterator<Item = &str> {
    let words = sql::significant(sql).map(|token| &sql[token.span]);
    words
        .skip_while(|word| !word.eq_ignore_ascii_case("USING"))
        .skip(1)
}

/// The module of a `CREATE VIRTUAL TABLE`.
pub(super) fn module_of(sql: &str) -> String {
    let name = from_module(sql).next();
    name.map(sql::unquote).unwrap_or_default()
}

/// How the tables of a virtual table end that the engine could not make.
fn endings(sql: &str) -> &'static [&'static str] {
    let mut words = from_module(sql);
    let module = words.next().map(sql::unquote).unwrap_or_default();
    let known = ENDINGS
        .iter()
        .find(|(name, _)| module.eq_ignore_ascii_case(name));
    let endings = known.map_or(&[] as &[_], |(_, endings)| endings);
    let words: Vec<&str> = words.collect();
    let is_external = words
        .windows(2)
        .any(|pair| pair[0].eq_ignore_ascii_case("content") && pair[1] == "=");
    match endings == FTS3 && is_external {
        true => FTS3_EXTERNAL,
        false => endings,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_table_belongs_to_a_virtual_table_where_the_engine_makes_it() {
        let modules = Modules::new().await.unwrap();
        for (sql, own, not) in [
            (
                "CREATE VIRTUAL TABLE t USING fts5(a)",
                "t_data T_content t_idx",
                "t_node t_x t t_",
            ),
            (
                "CREATE VIRTUAL TABLE t USING fts5(a, content='t_content')",
                "t_data t_docsize",
                "t_content",
            ),
            (
                "CREATE VIRTUAL TABLE t USING fts5(a, content='')",
                "t_data t_docsize",
                "t_content",
            ),
            (
                "CREATE VIRTUAL TABLE main.t USING fts4(a)",
                "t_content t_stat",
                "t_data",
            ),
            (
                "CREATE VIRTUAL TABLE t USING fts4(content=\"t_content\", a)",
                "t_segdir",
                "t_content",
            ),
            // It reads the columns of a table that is not there.
            (
                "CREATE VIRTUAL TABLE t USING fts4(content=\"t_content\")",
                "t_segdir",
                "t_content",
            ),
            (
                "CREATE VIRTUAL TABLE t USING rtree(id, a, b)",
                "t_node t_parent t_rowid",
                "t_data t_content",
            ),
            (
                "CREATE VIRTUAL TABLE t USING fts5vocab('u', 'row')",
                "",
                "t_data t_content",
            ),
            (
                "CREATE VIRTUAL TABLE t USING unknown(a)",
                "t_anything",
                "u_data",
            ),
        ] {
            let table = modules.virtual_table("t", sql);
            for name in own.split_whitespace() {
                assert!(table.owns(name, || false), "{sql}: {name}");
            }
            for name in not.split_whitespace() {
                assert!(!table.owns(name, || false), "{sql}: {name}");
            }
        }
    }

    #[tokio::test]
    async fn of_an_unknown_module_only_quoted_names_are_taken_for_its_tables() {
        let modules = Modules::new().await.unwrap();
        let table = modules.virtual_table("t", "CREATE VIRTUAL TABLE t USING unknown(a)");
        let owns = |sql| table.owns("t_x", || is_ordinary(sql));
        assert!(owns("CREATE TABLE 't_x'(a)"));
        assert!(owns("CREATE TABLE IF NOT EXISTS \"t_x\"(a)"));
        assert!(!owns("CREATE TABLE t_x(a)"));
        assert!(!owns("CREATE TABLE IF NOT EXISTS t_x(a TEXT DEFAULT 'x')"));
    }
}
