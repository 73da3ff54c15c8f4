//! What a script of a run leaves broken although it is committed, because a later script of the same run may repair it.
//! Pure, but for the last look at whether it is broken still.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::json;

use super::effects::Effects;
use super::error::{Failed, Part};
use super::guards::{ForeignKey, Scope, mismatched};
use super::outside::Fault;
use super::quoted::became_text;
use super::read::History;
use super::refusal::suspects;
use super::trigger::suspected;
use super::view::read_view;
use crate::db::{Db, DbError, Failure, Query};
use crate::diagnostic::Diagnostic;
use crate::script::{Key, Record, Script, Unit};
use crate::sql::{
    Kind, TokenKind, Value, What, has_name, identifier, kind, renamed_table, significant, targets,
    unquote,
};

/// A view or trigger that does not compile, or a table with a foreign key whose parent table does not exist or has no such
/// key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LeftBroken {
    /// `view`, `trigger` or `table`.
    sort: &'static str,
    name: String,
    /// The columns of the foreign key, `a, b`; none of a view or a trigger.
    columns: String,
    missing: Missing,
    /// The names in the text of a view or a trigger, and in those of the views that it names, in lower case; none where
    /// the text is not known.
    names: HashSet<String>,
    /// What is wrong, as in `no such table: main.t`.
    words: String,
    /// The number of the script, from the first of the run; none where an earlier run left it.
    pub(super) script: Option<usize>,
    /// The units of that script that may be the cause, as in `V2`.
    since: Vec<String>,
    /// Of a foreign key: whether rows refer to the missing table.
    has_rows: bool,
}

/// What an object misses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Missing {
    Table(String),
    /// A column of one of the tables that the object names.
    Column(String),
    /// A key of a table: these columns, `a, b`; the primary key where there are none.
    Key(String, String),
    Other,
}

impl Missing {
    /// `no such table: main.t`, `no such column: new.b`, `table t has no column named b`.
    pub(super) fn of(words: &str) -> Missing {
        let behind = |what| {
            let (_, name) = words.split_once(what)?;
            let name = name.rsplit('.').next().unwrap_or_default();
            Some(name.trim_matches('"').to_owned())
        };
        let table = behind("no such table: ").map(Missing::Table);
        let column = || behind("no such column: ").or_else(|| behind(" has no column named "));
        table
            .or_else(|| column().map(Missing::Column))
            .unwrap_or(Missing::Other)
    }

    /// What a foreign key misses, and the words about what it refers to: a table, or these columns as a key of it.
    pub(super) fn parent(parent: &str, key: Option<&str>) -> (Missing, String) {
        let words = match key {
            None => format!("{parent}, which does not exist"),
            Some("") => {
                format!("the primary key of {parent}, which has none with as many columns")
            }
            Some(key) => format!("{parent} ({key}), which is no key of it"),
        };
        let missing = match key {
            None => Missing::Table(parent.to_owned()),
            Some(key) => Missing::Key(parent.to_owned(), key.to_owned()),
        };
        (missing, words)
    }
}

/// The texts of the views and triggers that a run may meet: name and statement.
pub(super) type Texts = [(String, String)];

/// The names in the texts of an object, and in those of the objects that it names, in lower case.
fn names_of(object: &str, texts: &Texts) -> HashSet<String> {
    let mut names = HashSet::new();
    let mut left = vec![object.to_ascii_lowercase()];
    while let Some(object) = left.pop() {
        let of_object = texts
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(&object));
        for (_, sql) in of_object {
            let tokens = significant(sql).filter(|token| token.kind != TokenKind::Symbol);
            for token in tokens {
                let name = unquote(token.text(sql)).to_ascii_lowercase();
                if names.insert(name.clone()) {
                    left.push(name);
                }
            }
        }
    }
    names
}

impl LeftBroken {
    /// What a guard found that refused a script; nothing where it was no guard over the schema as a whole.
    pub(super) fn of(
        failed: &Failed,
        script: &Script,
        number: usize,
        texts: &Texts,
    ) -> Vec<LeftBroken> {
        let Failure::Step {
            error, explanation, ..
        } = &failed.failure
        else {
            return Vec::new();
        };
        let suspects = suspects(&failed.part, &failed.failure, script).into_iter();
        let since: Vec<String> = suspects
            .map(|unit| script.units[unit].record.key().to_string())
            .collect();
        let left = |sort, name: &str, missing: Missing, words: String| LeftBroken {
            sort,
            name: name.to_owned(),
            columns: String::new(),
            missing,
            names: names_of(name, texts),
            words,
            script: Some(number),
            since: since.clone(),
            has_rows: false,
        };
        let since_unit = |left: LeftBroken| match failed.unit {
            Some(unit) => LeftBroken {
                since: vec![script.units[unit].record.key().to_string()],
                ..left
            },
            None => left,
        };
        match failed.part {
            Part::Mismatch => {
                let rows = explanation.iter().filter_map(|row| {
                    let text = |at: usize| row.get(at).and_then(Value::as_str);
                    let (child, columns, parent) = (text(0)?, text(1)?, text(2)?);
                    let (missing, words) = Missing::parent(parent, text(3).or(Some("")));
                    let words = format!("({columns}) refers to {words}");
                    let columns = columns.to_owned();
                    let left = left("table", child, missing, words);
                    Some(since_unit(LeftBroken { columns, ..left }))
                });
                rows.collect()
            }
            // Only where the table is missing that the rows refer to.
            Part::ForeignKeysAfter => {
                let mut found: Vec<LeftBroken> = Vec::new();
                for row in explanation {
                    let text = |at: usize| row.get(at).and_then(Value::as_str);
                    let (Some(child), Some(parent), Some(columns), Some(Value::Integer(0))) =
                        (text(0), text(2), text(3), row.get(5))
                    else {
                        return Vec::new();
                    };
                    let (missing, words) = Missing::parent(parent, None);
                    let words = format!("({columns}) refers to {words}");
                    let it = since_unit(LeftBroken {
                        columns: columns.to_owned(),
                        has_rows: true,
                        ..left("table", child, missing, words)
                    });
                    if !found.iter().any(|known| known.is_of(&it)) {
                        found.push(it);
                    }
                }
                found
            }
            Part::Compiles => {
                let objects = objects(explanation, &error.message);
                let left = objects
                    .map(|it| left(it.sort, it.name, Missing::of(&it.words), it.words.into()));
                left.collect()
            }
            Part::References => {
                let rows = explanation.iter().filter_map(|row| {
                    let text = |at: usize| row.get(at).and_then(Value::as_str);
                    let (child, columns, parent) = (text(1)?, text(2)?, text(4)?);
                    let key = match text(0) {
                        Some(_) => None,
                        None => Some(text(5).unwrap_or_default()),
                    };
                    let (missing, words) = Missing::parent(parent, key);
                    let words = format!("({columns}) refers to {words}");
                    let columns = columns.to_owned();
                    Some(LeftBroken {
                        columns,
                        ..left("table", child, missing, words)
                    })
                });
                rows.collect()
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn is_of(&self, other: &LeftBroken) -> bool {
        self.sort == other.sort
            && self.name.eq_ignore_ascii_case(&other.name)
            && self.columns.eq_ignore_ascii_case(&other.columns)
    }

    /// What a look at the schema found behind a script.
    pub(super) fn found(fault: &Fault, since: &Key, texts: &Texts) -> LeftBroken {
        LeftBroken {
            sort: match fault.sort.as_str() {
                "view" => "view",
                "table" => "table",
                _ => "trigger",
            },
            name: fault.name.clone(),
            columns: fault.columns.clone(),
            missing: fault.missing.clone(),
            names: names_of(&fault.name, texts),
            words: fault.words.clone(),
            script: Some(0),
            since: vec![since.to_string()],
            has_rows: false,
        }
    }

    /// It as the history keeps it, until a later run has repaired it.
    pub(super) fn recorded(&self) -> serde_json::Value {
        let (parent, key) = match &self.missing {
            Missing::Table(parent) => (Some(parent), None),
            Missing::Key(parent, key) => (Some(parent), Some(key)),
            Missing::Column(_) | Missing::Other => (None, None),
        };
        json!({
            "sort": self.sort, "name": self.name, "columns": self.columns, "parent": parent, "key": key,
            "words": self.words, "since": self.since, "has_rows": self.has_rows,
        })
    }

    /// What an earlier run has left, from what the history keeps of it.
    pub(super) fn of_an_earlier_run(
        recorded: &serde_json::Value,
        texts: &Texts,
    ) -> Option<LeftBroken> {
        let text = |key: &str| recorded.get(key)?.as_str();
        let (name, words) = (text("name")?, text("words")?);
        let sort = ["view", "trigger", "table"]
            .into_iter()
            .find(|it| text("sort") == Some(it))?;
        let missing = match text("parent") {
            Some(parent) if sort == "table" => Missing::parent(parent, text("key")).0,
            _ => Missing::of(words),
        };
        let since = recorded.get("since")?.as_array()?.iter();
        Some(LeftBroken {
            sort,
            name: name.to_owned(),
            columns: text("columns")?.to_owned(),
            missing,
            names: names_of(name, texts),
            words: words.to_owned(),
            script: None,
            since: since
                .filter_map(|it| Some(it.as_str()?.to_owned()))
                .collect(),
            has_rows: recorded.get("has_rows") == Some(&true.into()),
        })
    }

    /// Whether it is this view or trigger.
    pub(super) fn is_object(&self, name: &str) -> bool {
        self.sort != "table" && self.name.eq_ignore_ascii_case(name)
    }

    /// Whether a statement of a unit is about this object, or may bring what it misses. What a conditional unit creates
    /// was dropped before, so it repairs only what misses it. Rows need a table that has rows too.
    pub(super) fn may_be_repaired_by<'a>(
        &self,
        later: impl Iterator<Item = &'a Unit> + Clone,
    ) -> bool {
        let mut units = later.clone();
        units.any(|unit| {
            let is_conditional = matches!(unit.record, Record::Restore(_));
            let mut steps = unit.steps.iter();
            steps.any(|step| {
                self.is_repaired_by(&step.sql, is_conditional)
                    && (!self.has_rows || self.brings_rows(&step.sql, later.clone()))
            })
        })
    }

    /// Whether a statement that repairs this may be no loss of rows: it makes no empty table of the parent.
    fn brings_rows<'a>(&self, sql: &str, mut later: impl Iterator<Item = &'a Unit>) -> bool {
        let (Missing::Table(parent), Kind::Create(created)) = (&self.missing, kind(sql)) else {
            return true;
        };
        let is_parent = |name: &str| name.eq_ignore_ascii_case(parent);
        let selects = significant(sql).any(|token| token.is_word(sql, "SELECT"));
        let inserts = |sql: &str| {
            !matches!(kind(sql), Kind::Create(_) | Kind::Drop(_) | Kind::Alter)
                && targets(sql).first().is_some_and(|it| is_parent(&it.name))
        };
        !is_parent(&created.name)
            || selects
            || later.any(|unit| unit.steps.iter().any(|step| inserts(&step.sql)))
    }

    /// The table that has to have the parents of rows already: the one that a statement of these units renames to the
    /// missing one, where none of them makes it, or the parent, where they change nothing of it but its indexes.
    pub(super) fn stand_in<'a>(
        &self,
        later: impl Iterator<Item = &'a Unit> + Clone,
    ) -> Option<String> {
        let steps = || later.clone().flat_map(|unit| unit.steps.iter());
        if let Missing::Key(parent, key) = &self.missing {
            let parent = parent.to_ascii_lowercase();
            let changes = |sql: &str| {
                let effects = Effects::of_statement(sql);
                effects.changed.contains(&parent) || effects.new.contains(&parent)
            };
            let is_as_now = !steps().any(|step| changes(&step.sql));
            return (!key.is_empty() && is_as_now).then_some(parent);
        }
        let Missing::Table(parent) = &self.missing else {
            return None;
        };
        let name = steps().find_map(|step| {
            let (from, to) = renamed_table(&step.sql)?;
            to.eq_ignore_ascii_case(parent).then_some(from)
        })?;
        let is_made = steps().any(|step| {
            let effects = Effects::of_statement(&step.sql);
            let name = name.to_ascii_lowercase();
            effects.new.contains(&name) || effects.renames.iter().any(|it| it.to == name)
        });
        (self.has_rows && !is_made).then_some(name)
    }

    fn is_repaired_by(&self, sql: &str, is_conditional: bool) -> bool {
        let is_this = |name: &str| name.eq_ignore_ascii_case(&self.name) && !is_conditional;
        let is_foreign_key = self.sort == "table";
        match kind(sql) {
            Kind::Create(object) if object.temporary => false,
            Kind::Create(object) => match object.what {
                What::Trigger => is_this(&object.name),
                What::Table | What::VirtualTable | What::View => {
                    is_this(&object.name) || self.needs(&object.name)
                }
                // An upsert needs the index of its columns, and so does a foreign key.
                What::Index => {
                    let table = object.table.as_deref().unwrap_or_default();
                    let needs_index = matches!(self.missing, Missing::Key(..) | Missing::Other);
                    let has_key = match &self.missing {
                        Missing::Key(_, key) => key.split(", ").all(|column| has_name(sql, column)),
                        _ => true,
                    };
                    object.unique && needs_index && has_key && self.needs(table)
                }
                What::Other => false,
            },
            // A trigger goes with its table.
            Kind::Drop(object) => match object.what {
                What::Table | What::View if self.sort == "trigger" => {
                    self.names.is_empty() || self.names.contains(&object.name.to_ascii_lowercase())
                }
                What::Table | What::VirtualTable | What::View | What::Trigger => {
                    is_this(&object.name)
                }
                What::Index | What::Other => false,
            },
            Kind::Alter => {
                if let Some((_, to)) = renamed_table(sql) {
                    return self.needs(&to);
                }
                let effects = Effects::of_statement(sql);
                let table = effects.changed.first().map_or("", String::as_str);
                let changes_column = significant(sql)
                    .skip(3)
                    .take(3)
                    .any(|token| token.is_word(sql, "DROP") || token.is_word(sql, "ALTER"));
                match &self.missing {
                    _ if is_foreign_key && changes_column && is_this(table) => true,
                    Missing::Table(_) => false,
                    Missing::Column(column) => self.needs(table) && has_name(sql, column),
                    Missing::Key(_, key) => {
                        self.needs(table) && key.split(", ").any(|column| has_name(sql, column))
                    }
                    Missing::Other => self.needs(table),
                }
            }
            Kind::Pragma(pragma) => pragma.name == "writable_schema" && pragma.value.is_some(),
            _ => false,
        }
    }

    /// Whether a table or view of this name may be what is missing, or have it.
    fn needs(&self, table: &str) -> bool {
        match &self.missing {
            Missing::Table(missing) | Missing::Key(missing, _) => {
                missing.eq_ignore_ascii_case(table)
            }
            Missing::Column(_) | Missing::Other => {
                self.names.is_empty() || self.names.contains(&table.to_ascii_lowercase())
            }
        }
    }

    /// The statement that drops it, where it is a view or a trigger.
    pub(super) fn drop(&self) -> Option<String> {
        let name = identifier(&self.name);
        let sort = self.sort;
        (sort != "table").then(|| format!("DROP {sort} IF EXISTS {name}"))
    }

    /// The foreign key, where it is one.
    pub(super) fn foreign_key(&self) -> Option<ForeignKey<'_>> {
        (self.sort == "table").then_some((self.name.as_str(), self.columns.as_str()))
    }

    /// Whether it is a foreign key whose parent table has no such key.
    pub(super) fn misses_key(&self) -> bool {
        matches!(self.missing, Missing::Key(..))
    }

    /// The view, where it is one.
    pub(super) fn view(&self) -> Option<&str> {
        (self.sort == "view").then_some(self.name.as_str())
    }

    /// The trigger, where it is one.
    pub(super) fn trigger(&self) -> Option<&str> {
        (self.sort == "trigger").then_some(self.name.as_str())
    }

    /// Whether it is what a guard found later.
    pub(crate) fn is_what_failed(&self, failed: &Failed) -> bool {
        match (&failed.part, &failed.failure) {
            (
                Part::Compiles,
                Failure::Step {
                    error, explanation, ..
                },
            ) => objects(explanation, &error.message)
                .any(|it| self.sort == it.sort && self.name.eq_ignore_ascii_case(it.name)),
            (Part::References, Failure::Step { explanation, .. }) => {
                let is = |value: Option<&Value>, text: &str| {
                    let value = value.and_then(Value::as_str);
                    value.is_some_and(|value| value.eq_ignore_ascii_case(text))
                };
                let is_it =
                    |row: &Vec<Value>| is(row.get(1), &self.name) && is(row.get(2), &self.columns);
                self.sort == "table" && explanation.iter().any(is_it)
            }
            _ => false,
        }
    }

    /// `view v does not compile since V2, which is committed: no such table: main.t`.
    pub(crate) fn in_words(&self) -> String {
        let LeftBroken {
            sort, name, words, ..
        } = self;
        let since = match self.since.as_slice() {
            [] => "an earlier file of this run".to_owned(),
            keys => keys.join(" or "),
        };
        match *sort {
            "table" => format!("since {since}, which is committed, {name} {words}"),
            _ => {
                format!("{sort} {name} does not compile since {since}, which is committed: {words}")
            }
        }
    }

    /// What a file does that repairs it.
    pub(crate) fn repair(&self) -> String {
        match self.sort {
            "table" => match &self.missing {
                Missing::Table(parent) => {
                    format!("create {parent}, or drop {} or create it again", self.name)
                }
                Missing::Key(parent, _) => format!(
                    "create a UNIQUE index of these columns of {parent}, or drop {} or create it again",
                    self.name
                ),
                Missing::Column(_) | Missing::Other => {
                    format!("drop {} or create it again", self.name)
                }
            },
            sort => format!(
                "drop {sort} {} or create it again, or create what it refers to",
                self.name
            ),
        }
    }

    /// Whether the database has it still, as broken as it was left; it is taken for broken where that cannot be read.
    pub(crate) async fn is_still(&self, db: &Db) -> bool {
        self.still(db).await.unwrap_or(true)
    }

    /// The same.
    pub(super) async fn still(&self, db: &Db) -> Result<bool, DbError> {
        if let Missing::Key(..) = self.missing {
            let mut query = Query::new(format!(
                "WITH {} SELECT 1 FROM mismatched WHERE child = ?1 COLLATE NOCASE AND columns = ?2 COLLATE NOCASE",
                mismatched(&Scope::All)
            ));
            query.args = vec![self.name.as_str().into(), self.columns.as_str().into()];
            return Ok(!db.rows::<1>(query).await?.is_empty());
        }
        if self.sort == "table" {
            let mut query = Query::new(
                "SELECT 1 FROM pragma_foreign_key_list(?1) AS f WHERE NOT EXISTS (SELECT 1 FROM sqlite_schema AS s \
                 WHERE s.type IN ('table', 'view') AND s.name = f.\"table\" COLLATE NOCASE)",
            );
            query.args = vec![self.name.as_str().into()];
            return Ok(!db.rows::<1>(query).await?.is_empty());
        }
        let broken = super::run::broken(db).await?;
        let is_this = |value: &Value, text: &str| matches!(value, Value::Text(value) if value.eq_ignore_ascii_case(text));
        Ok(broken
            .iter()
            .any(|[sort, name, ..]| is_this(sort, self.sort) && is_this(name, &self.name)))
    }
}

/// Warnings of what an earlier run left broken for its later files, and no file has repaired.
pub async fn left_broken(db: &Db, history: &History) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    for recorded in &history.left_broken {
        let left = LeftBroken::of_an_earlier_run(recorded, &[]);
        if let Some(left) = left
            && left.is_still(db).await
        {
            let help = format!("{}, in a pending or a new migration", left.repair());
            let problem = Diagnostic::problem("left-broken", left.in_words());
            warnings.push(problem.warning().help(help));
        }
    }
    warnings
}

/// A view or a trigger that does not compile.
pub(super) struct Uncompiled<'a> {
    sort: &'static str,
    pub(super) name: &'a str,
    pub(super) words: Cow<'a, str>,
}

/// The objects that a statement was refused for, by its explanation and the words of the engine.
pub(super) fn objects<'a>(
    explanation: &'a [Vec<Value>],
    words: &'a str,
) -> impl Iterator<Item = Uncompiled<'a>> {
    let compiled = move |sort| {
        move |(name, _)| Uncompiled {
            sort,
            name,
            words: words.into(),
        }
    };
    let quoted = became_text(explanation).map(|(sort, name, text)| Uncompiled {
        sort,
        name,
        words: format!("no such column: {text}").into(),
    });
    let fired = suspected(explanation, words).into_iter();
    let read = read_view(explanation).into_iter();
    let named = named(words).into_iter();
    fired
        .map(compiled("trigger"))
        .chain(read.map(compiled("view")))
        .chain(named)
        .chain(quoted)
}

/// `error in view v: no such table: main.t`.
fn named(message: &str) -> Option<Uncompiled<'_>> {
    let (_, object) = message.split_once("error in ")?;
    let (sort, rest) = [("view", "view "), ("trigger", "trigger ")]
        .into_iter()
        .find_map(|(sort, prefix)| Some((sort, object.strip_prefix(prefix)?)))?;
    let (name, words) = rest.split_once(": ")?;
    let name = name.strip_suffix(" after rename").unwrap_or(name);
    Some(Uncompiled {
        sort,
        name,
        words: words.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_and_what_it_misses_are_read_from_the_words_of_the_engine() {
        let read = |words| named(words).map(|it| (it.sort, it.name, Missing::of(&it.words)));
        assert_eq!(
            read("error in view my v: no such table: main.t"),
            Some(("view", "my v", Missing::Table("t".to_owned())))
        );
        assert_eq!(
            read("SQLite error: error in trigger r after rename: no such column: new.b"),
            Some(("trigger", "r", Missing::Column("b".to_owned())))
        );
        assert_eq!(read("near \"x\": syntax error"), None);
        assert_eq!(
            Missing::of("table t has no column named b"),
            Missing::Column("b".to_owned())
        );
        assert_eq!(Missing::of("ambiguous column name: b"), Missing::Other);
    }

    #[test]
    fn only_a_statement_about_the_object_or_about_what_it_misses_may_repair_it() {
        let texts = [
            (
                "v".to_owned(),
                "CREATE VIEW v AS SELECT b FROM w".to_owned(),
            ),
            (
                "w".to_owned(),
                "CREATE VIEW w AS SELECT * FROM main.\"T\"".to_owned(),
            ),
            (
                "tg".to_owned(),
                "CREATE TRIGGER tg AFTER INSERT ON t BEGIN DELETE FROM u; END".to_owned(),
            ),
        ];
        let repairs = |sort: &str, name: &str, words: &str, sql: &str| {
            let fault = Fault {
                sort: sort.to_owned(),
                name: name.to_owned(),
                columns: String::new(),
                missing: Missing::of(words),
                words: words.to_owned(),
            };
            let broken = LeftBroken::found(&fault, &Key::Migration(1), &texts);
            broken.is_repaired_by(sql, false)
        };
        let (column, table) = ("no such column: b", "no such table: main.t");
        for (words, sql, expected) in [
            (column, "CREATE VIEW V AS SELECT 1", true),
            (column, "DROP VIEW IF EXISTS v", true),
            (column, "CREATE VIEW w AS SELECT 1 AS b", true),
            (column, "ALTER TABLE main.t ADD COLUMN b", true),
            (column, "ALTER TABLE t RENAME COLUMN a TO b", true),
            (column, "ALTER TABLE t_new RENAME TO t", true),
            (column, "ALTER TABLE t ADD COLUMN c", false),
            (column, "ALTER TABLE other ADD COLUMN b", false),
            (column, "CREATE TABLE other (b)", false),
            (column, "CREATE INDEX b ON t (b)", false),
            (column, "DROP TABLE b", false),
            (
                column,
                "CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT new.b; END",
                false,
            ),
            (table, "CREATE TABLE T (x)", true),
            (table, "ALTER TABLE x RENAME TO t", true),
            (table, "ALTER TABLE t RENAME TO x", false),
            (table, "CREATE TABLE x (t)", false),
            (table, "CREATE TEMP TABLE t (x)", false),
            (
                "ambiguous column name: b",
                "ALTER TABLE t DROP COLUMN c",
                true,
            ),
            (
                "ambiguous column name: b",
                "ALTER TABLE x DROP COLUMN b",
                false,
            ),
        ] {
            assert_eq!(repairs("view", "v", words, sql), expected, "{words}: {sql}");
        }
        for (sql, expected) in [
            ("DROP TRIGGER tg", true),
            ("DROP TABLE t", true),
            ("DROP TABLE x", false),
            ("CREATE UNIQUE INDEX i ON u (x)", true),
            ("CREATE INDEX i ON u (x)", false),
            (
                "CREATE TRIGGER other AFTER INSERT ON t BEGIN SELECT 1; END",
                false,
            ),
        ] {
            let words = "ON CONFLICT clause does not match any PRIMARY KEY or UNIQUE constraint";
            assert_eq!(repairs("trigger", "tg", words, sql), expected, "{sql}");
        }
    }
}
