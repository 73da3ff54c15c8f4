//! Objects of a dump that the engine cannot create, found by creating its schema in memory: what belongs to an
//! application (a collation, a function, a tokenizer) is reported before the first row is written.

use super::backup_error::Doubt;
use super::modules::lacks_module;
use super::{Block, Item, Object, What};
use crate::db::{Access, EngineError, Raw};

/// The schema of a dump in memory.
#[derive(Debug)]
pub(super) struct Creating {
    raw: Raw,
    /// The tables that were refused, in lower case.
    tables: Vec<String>,
    refused: Vec<Doubt>,
}

impl Creating {
    /// # Errors
    /// The engine's, where there is no memory.
    pub(super) async fn begin() -> Result<Creating, EngineError> {
        Ok(Creating {
            raw: Raw::open(":memory:", Access::Create).await?,
            tables: Vec::new(),
            refused: Vec::new(),
        })
    }

    /// Creates what the next block of the dump does.
    pub(super) fn block(&mut self, block: &Block) {
        for item in &block.items {
            let Item::Statement(statement) = item else {
                continue;
            };
            let What::Create {
                object,
                name,
                table,
                sql,
            } = &statement.what
            else {
                continue;
            };
            let error = match self.raw.execute(sql) {
                // It is restored without its module.
                Err(error) if !lacks_module(&error) => error,
                _ => continue,
            };
            if matches!(object, Object::Table | Object::VirtualTable) {
                self.tables.push(name.to_ascii_lowercase());
            } else if self.tables.contains(&table.to_ascii_lowercase()) {
                continue;
            }
            self.refused.push(Doubt::Object {
                kind: object.word(),
                name: name.clone(),
                line: Some(statement.line),
                error,
            });
        }
    }

    /// All objects that the engine refuses, without those on a table that it refuses.
    pub(super) fn refused(self) -> Vec<Doubt> {
        self.refused
    }

    /// Those of them that only the engine of an application can create.
    pub(super) fn lacking(mut self) -> Vec<Doubt> {
        self.refused.retain(|doubt| {
            matches!(doubt, Doubt::Object { error, .. } if lacking_name(&error.message).is_some())
        });
        self.refused
    }
}

/// Whether the shells of SQLite have it, although this engine does not: their
/// [mathematical functions](https://sqlite.org/lang_mathfunc.html).
#[cfg(feature = "report")]
pub(crate) fn is_in_shells(lacking: &str) -> bool {
    const FUNCTIONS: [&str; 29] = [
        "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "ceil", "ceiling", "cos",
        "cosh", "degrees", "exp", "floor", "ln", "log", "log10", "log2", "mod", "pi", "pow",
        "power", "radians", "sin", "sinh", "sqrt", "tan", "tanh", "trunc",
    ];
    let name = lacking.strip_prefix("the function ");
    name.is_some_and(|name| {
        FUNCTIONS
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known))
    })
}

/// What an application would have to bring, by the engine's words: `the collation nat`.
pub(crate) fn lacking_name(words: &str) -> Option<String> {
    const LACKS: [(&str, &str); 6] = [
        ("no such collation sequence: ", "collation"),
        ("no such function: ", "function"),
        ("unknown function: ", "function"),
        ("no such module: ", "module"),
        ("no such tokenizer: ", "tokenizer"),
        ("unknown tokenizer: ", "tokenizer"),
    ];
    LACKS.iter().find_map(|(begin, what)| {
        let lacking = words.strip_prefix(begin)?;
        Some(format!("the {what} {lacking}"))
    })
}
