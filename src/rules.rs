//! The rules of `lint`: code, severity, title. It knows no SQL: what a rule looks at is in [`lint`](crate::lint), and what
//! it means in `docs/lint.md`.

use crate::diagnostic::Severity;

/// One rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// Its code, which never changes: `DS101`.
    pub code: &'static str,
    /// How much a finding matters, where `[lint]` in config.toml does not set another severity.
    pub severity: Severity,
    /// What it finds, in words.
    pub title: &'static str,
}

/// What `[lint]` in config.toml sets for a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Its findings are left out.
    Off,
    /// They have this severity.
    On(Severity),
}

impl Level {
    /// The words of all levels.
    pub const WORDS: [&'static str; 4] = ["error", "warning", "note", "off"];

    /// The level of a word.
    pub fn of_word(word: &str) -> Option<Level> {
        Some(match word {
            "error" => Level::On(Severity::Error),
            "warning" => Level::On(Severity::Warning),
            "note" => Level::On(Severity::Note),
            "off" => Level::Off,
            _ => return None,
        })
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Level::Off => "off",
            Level::On(severity) => severity.word(),
        }
    }
}

/// The severities that a project has changed.
pub type Levels = std::collections::BTreeMap<&'static str, Level>;

const fn error(code: &'static str, title: &'static str) -> Rule {
    let severity = Severity::Error;
    Rule {
        code,
        severity,
        title,
    }
}

const fn warning(code: &'static str, title: &'static str) -> Rule {
    let severity = Severity::Warning;
    Rule {
        code,
        severity,
        title,
    }
}

const fn note(code: &'static str, title: &'static str) -> Rule {
    let severity = Severity::Note;
    Rule {
        code,
        severity,
        title,
    }
}

/// All of them, by code within each family.
pub const RULES: &[Rule] = &[
    error("DS101", "a table and its rows are dropped"),
    error("DS102", "a column and its values are dropped"),
    warning("DS103", "every row is changed or deleted"),
    error(
        "DS104",
        "dropping a table deletes or changes the rows that refer to it",
    ),
    warning(
        "DS105",
        "a view, a trigger or a unique index is dropped and not created again",
    ),
    error(
        "DD201",
        "ADD COLUMN NOT NULL without a default fails where the table has rows",
    ),
    error(
        "DD202",
        "ADD COLUMN with a computed default fails where the table has rows",
    ),
    error("DD203", "a unique index on columns that hold duplicates"),
    error("DD204", "NOT NULL on a column that holds NULL"),
    error(
        "DD205",
        "ADD COLUMN with a CHECK that existing rows violate",
    ),
    error(
        "DD206",
        "ADD COLUMN REFERENCES with a default fails where the table has rows",
    ),
    error("DD207", "ADD COLUMN STORED fails where the table has rows"),
    error(
        "DD208",
        "ADD COLUMN with UNIQUE or PRIMARY KEY always fails",
    ),
    warning(
        "DD209",
        "ALTER COLUMN adds a constraint that existing rows violate",
    ),
    error(
        "RB301",
        "PRAGMA foreign_keys has no effect inside a transaction",
    ),
    error(
        "RB302",
        "renaming a table away changes the foreign keys of other tables",
    ),
    error(
        "RB303",
        "PRAGMA defer_foreign_keys does not keep rows from being deleted",
    ),
    error(
        "RB304",
        "a table that refers to itself loses rows while it is rebuilt",
    ),
    warning(
        "RB305",
        "values change when they are copied into a column of another type",
    ),
    error("RB306", "a rebuilt table loses indexes or triggers"),
    error("RB307", "a rebuilt table gives ids out again"),
    error(
        "RB308",
        "a rebuilt table gets other rowids than its search index has",
    ),
    warning("RB309", "a rebuild copies columns by position"),
    warning("RB310", "a rebuilt table loses a clause of its definition"),
    warning("RB311", "a rebuild leaves the values of a column behind"),
    note("RB312", "a rebuild does what ALTER TABLE can do"),
    warning(
        "RB313",
        "CREATE TABLE AS SELECT has no keys, no NOT NULL and no defaults",
    ),
    warning("RB314", "a rebuild leaves out rows that do not fit"),
    error("DP401", "a view or trigger uses what is gone"),
    error("DP402", "a foreign key loses the key that it refers to"),
    warning("DP403", "a view of SELECT * has other columns"),
    error("DP404", "a foreign key refers to columns that are no key"),
    error("TX501", "a transaction or savepoint is not balanced"),
    error("TX502", "a statement that cannot run inside a transaction"),
    warning(
        "TX503",
        "a file without a transaction writes more than once",
    ),
    warning("TX504", "IF NOT EXISTS leaves another object as it is"),
    warning("TX505", "a statement that holds the write lock for long"),
    error("RM601", "a libSQL server refuses the statement"),
    error("RM602", "a libSQL server cannot parse the statement"),
    error("RM603", "the syntax is newer than the target"),
    warning("RM604", "the Turso engine does not have this"),
    error("RM605", "only libSQL has this"),
    warning(
        "BC701",
        "a table or column is renamed while older programs run",
    ),
    warning("BC702", "older programs cannot insert rows any more"),
    warning(
        "BC703",
        "a constraint is tightened while older programs run",
    ),
    warning("BC704", "a query of the project uses what is gone"),
    warning("SC801", "a foreign key has no index"),
    note("SC802", "a table has no primary key"),
    warning(
        "SC803",
        "a primary key that is no INTEGER PRIMARY KEY takes NULL",
    ),
    note("SC804", "a type has another affinity than it seems"),
    warning("SC805", "a string in double quotes"),
    note("SC806", "an index that another one makes redundant"),
    warning(
        "SC807",
        "INSERT OR REPLACE deletes the rows that refer to the old one",
    ),
    error("MG901", "a migration of the base was changed"),
    warning(
        "MG902",
        "a migration cannot be undone, or its down file does not undo it",
    ),
    error(
        "MG903",
        "a file holds a secret, a placeholder or other line ends",
    ),
    warning("MG904", "an allow directive that allows nothing"),
    warning("SD001", "a file that runs again inserts its rows again"),
    warning("SD002", "a seed changes the schema"),
    warning("SD003", "a seed of production deletes rows"),
];

/// The rule of a code, in any letter case.
pub fn rule(code: &str) -> Option<&'static Rule> {
    RULES
        .iter()
        .find(|rule| rule.code.eq_ignore_ascii_case(code))
}

/// Whether this is the code of a rule, as it is written.
pub(crate) fn known(code: &str) -> Option<&'static str> {
    let known = RULES.iter().find(|rule| rule.code == code);
    known.map(|rule| rule.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_there_once_and_in_order_within_its_family() {
        for pair in RULES.windows(2) {
            let same_family = pair[0].code[..2] == pair[1].code[..2];
            assert!(
                !same_family || pair[0].code < pair[1].code,
                "{}",
                pair[1].code
            );
        }
        for rule in RULES {
            assert_eq!(super::rule(&rule.code.to_lowercase()), Some(rule));
        }
    }
}
