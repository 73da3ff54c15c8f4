//! Views and triggers that read a column by a name in double quotes. Where the column goes, they still compile: the engine
//! takes the name for text. So each is looked at before the units of a script and behind them. Pure.
//!
//! The Turso engine has no statement that tells which names are texts. There the query of a view is compiled with one of its
//! names in backticks, which are never a text; of a trigger nothing is known.

use std::collections::{BTreeMap, HashSet};

use super::created::created;
use super::guards::unless;
use super::known::Known;
use super::left_broken::LeftBroken;
use super::purposes::Purpose;
use super::trigger::Probes;
use super::write::Steps;
use crate::db::Engine;
use crate::schema::{TO_SINGLE_QUOTES, text_in_quotes};
use crate::script::{Record, Script, Step, Unit, When};
use crate::sql::{
    Kind, Token, TokenKind, Value, What, has_name, kind, literal, significant, unquote,
};

/// A view or a trigger that has a name in double quotes.
#[derive(Debug, Clone)]
pub(crate) struct Quoting {
    sort: &'static str,
    name: String,
    /// Its statement.
    sql: String,
    /// The names in double quotes, in lower case.
    names: HashSet<String>,
    /// One of its names, where each is asked for.
    asked: Option<Asked>,
}

/// A name in double quotes in a view.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Asked {
    /// The same view with the name as the text that it would be.
    as_text: String,
    /// Compiles where the name is no text.
    compiles: String,
}

/// Those of a schema.
fn quoting(known: &Known, engine: Engine) -> Vec<Quoting> {
    if engine == Engine::Turso {
        let views = known.views.iter().filter_map(|[_, name, _, sql, _]| {
            let view = Quoting::of("view", name.as_str().unwrap_or_default(), sql.as_str()?)?;
            let asked = asked(&view.sql).into_iter();
            Some(asked.map(move |asked| Quoting {
                asked: Some(asked),
                ..view.clone()
            }))
        });
        return views.flatten().collect();
    }
    let views = known.views.iter().map(|it| ("view", it));
    let triggers = known.triggers.iter().map(|it| ("trigger", it));
    let quoting = views.chain(triggers).filter_map(|(sort, object)| {
        let [_, name, _, sql, _] = object;
        Quoting::of(sort, name.as_str().unwrap_or_default(), sql.as_str()?)
    });
    quoting.collect()
}

/// Those that the statements of a script create.
fn created_in(script: &Script) -> impl Iterator<Item = Quoting> {
    let sorts = [("view", What::View), ("trigger", What::Trigger)];
    let has_quotes = |unit: &&Unit| unit.steps.iter().any(|step| step.sql.contains('"'));
    let units = script.units.iter().filter(has_quotes);
    units.flat_map(move |unit| {
        let created = sorts.map(|(sort, what)| {
            created(unit, what).filter_map(move |(it, _, sql)| Quoting::of(sort, &it.name, sql))
        });
        created.into_iter().flatten()
    })
}

/// What the guards of one script look at.
#[derive(Debug, Clone, Default)]
pub(super) struct Quoted {
    /// Those that are there before the script.
    before: Vec<Quoting>,
    /// Those that it creates and may cost a column, by unit and statement.
    created: BTreeMap<(usize, usize), Quoting>,
}

impl Quoted {
    pub(super) const NONE: Quoted = Quoted {
        before: Vec::new(),
        created: BTreeMap::new(),
    };

    /// Of each of these scripts, of which the first meets those that are `known`.
    pub(super) fn of(known: &Known, engine: Engine, scripts: &[Script]) -> Vec<Quoted> {
        let mut there = quoting(known, engine);
        let mut all = Vec::with_capacity(scripts.len());
        // Those of earlier scripts of the run.
        let mut new: Vec<Quoting> = Vec::new();
        for script in scripts {
            let made: Vec<Quoting> = match engine {
                Engine::Turso => Vec::new(),
                _ => created_in(script).collect(),
            };
            let mut before = there.clone();
            if !new.is_empty() {
                let steps = script.units.iter().flat_map(|unit| unit.steps.iter());
                let takes: Vec<&str> = steps
                    .map(|step| &*step.sql)
                    .filter(|sql| takes_columns(sql))
                    .collect();
                let may_lose = |it: &&Quoting| takes.iter().any(|sql| it.may_lose_a_column(sql));
                before.extend(new.iter().filter(may_lose).cloned());
            }
            // What is made again with other names in double quotes may have texts by intent.
            before.retain(|it| {
                let mut again = made.iter().filter(|made| made.is_of(it));
                again.all(|made| made.names_no_other(it))
            });
            all.push(Quoted {
                before,
                created: match made.is_empty() {
                    true => BTreeMap::new(),
                    false => looks(script),
                },
            });
            for made in made {
                there.retain(|it| !it.is_of(&made));
                new.retain(|it| !it.is_of(&made));
                new.push(made);
            }
        }
        all
    }

    /// Whether one of those that this unit creates is looked at behind its statement.
    pub(super) fn looks_in(&self, unit: usize) -> bool {
        self.created.keys().any(|(number, _)| *number == unit)
    }
}

/// Whether a statement may take away a column.
fn takes_columns(statement: &str) -> bool {
    matches!(kind(statement), Kind::Alter | Kind::Drop(_))
}

/// Those that a script creates before a statement that may cost one of them a column.
fn looks(script: &Script) -> BTreeMap<(usize, usize), Quoting> {
    let mut open: Vec<((usize, usize), Quoting)> = Vec::new();
    let mut looks = BTreeMap::new();
    for (number, unit) in script.units.iter().enumerate() {
        // Its statements may not run.
        if matches!(unit.record, Record::Restore(_)) || !unit.record.key().is_migration() {
            continue;
        }
        for (at, step) in unit.steps.iter().enumerate() {
            if !open.is_empty() && takes_columns(&step.sql) {
                let (lost, kept): (Vec<_>, Vec<_>) = open
                    .into_iter()
                    .partition(|(_, it)| it.may_lose_a_column(&step.sql));
                looks.extend(lost);
                open = kept;
            }
            let Kind::Create(object) = kind(&step.sql) else {
                continue;
            };
            let sort = match object.what {
                What::View => "view",
                What::Trigger => "trigger",
                _ => continue,
            };
            if let Some(it) = Quoting::of(sort, &object.name, &step.sql) {
                // It is judged as it was made last.
                open.retain(|(_, other)| !other.is_of(&it));
                looks.retain(|_, other: &mut Quoting| !other.is_of(&it));
                open.push(((number, at), it));
            }
        }
    }
    looks
}

/// Each name in double quotes behind the `AS` of a view.
fn asked(sql: &str) -> Vec<Asked> {
    let mut tokens = significant(sql);
    let Some(query) = tokens.find(|token| token.is_word(sql, "AS")) else {
        return Vec::new();
    };
    let is_quoted =
        |token: &Token| token.kind == TokenKind::QuotedName && token.text(sql).starts_with('"');
    let quoted: Vec<Token> = tokens.filter(is_quoted).collect();
    let mut asked: Vec<Asked> = Vec::new();
    for (number, token) in quoted.iter().enumerate() {
        let name = unquote(token.text(sql));
        let is_it = |other: &&Token| unquote(other.text(sql)).eq_ignore_ascii_case(&name);
        if quoted[..number].iter().any(|it| is_it(&it)) {
            continue;
        }
        let mut compiles = "EXPLAIN ".to_owned();
        let mut copied = query.span.end;
        for it in quoted.iter().filter(is_it) {
            compiles.push_str(&sql[copied..it.span.start]);
            compiles.push_str(&format!("`{}`", name.replace('`', "``")));
            copied = it.span.end;
        }
        compiles.push_str(&sql[copied..]);
        let text = literal(&Value::from(name.as_str()));
        asked.push(Asked {
            as_text: format!(
                "{}{text}{}",
                &sql[..token.span.start],
                &sql[token.span.end..]
            ),
            compiles,
        });
    }
    asked
}

const SAVEPOINT: &str = "SAVEPOINT _seedbed_quotes";

impl Quoting {
    /// None where its statement has no name in double quotes.
    pub(crate) fn of(sort: &'static str, name: &str, sql: &str) -> Option<Quoting> {
        if !sql.contains('"') {
            return None;
        }
        let is_quoted =
            |token: &Token| token.kind == TokenKind::QuotedName && token.text(sql).starts_with('"');
        let names = significant(sql).filter(is_quoted);
        let names: HashSet<String> = names
            .map(|token| unquote(token.text(sql)).to_ascii_lowercase())
            .collect();
        (!names.is_empty()).then(|| Quoting {
            sort,
            name: name.to_owned(),
            sql: sql.to_owned(),
            names,
            asked: None,
        })
    }

    fn is_of(&self, other: &Quoting) -> bool {
        self.sort == other.sort && self.name.eq_ignore_ascii_case(&other.name)
    }

    /// Whether all of its names in double quotes are names of the other one, too.
    pub(crate) fn names_no_other(&self, other: &Quoting) -> bool {
        self.names.is_subset(&other.names)
    }

    /// Whether a statement may take away a column that has one of its names: it drops such a column, or a table or a view
    /// that it reads.
    pub(crate) fn may_lose_a_column(&self, statement: &str) -> bool {
        match kind(statement) {
            Kind::Alter => {
                let mut tokens = significant(statement);
                let drops = tokens.any(|token| token.is_word(statement, "DROP"));
                let names = tokens.map(|token| unquote(token.text(statement)).to_ascii_lowercase());
                drops && names.into_iter().any(|name| self.names.contains(&name))
            }
            Kind::Drop(object) => match object.what {
                What::View => !self.name.eq_ignore_ascii_case(&object.name),
                What::Table | What::VirtualTable => has_name(&self.sql, &object.name),
                _ => false,
            },
            _ => false,
        }
    }

    /// Where the statements before have run: it has a text in double quotes.
    fn has_text(&self) -> String {
        format!("EXISTS ({})", self.texts("1"))
    }

    fn texts(&self, columns: &str) -> String {
        format!(
            "SELECT {columns} FROM _seedbed_quoted JOIN sqlite_schema ON type = sort AND name = object \
             WHERE sql <> text AND sort = '{}' AND object = {} COLLATE NOCASE",
            self.sort,
            literal(&Value::from(self.name.as_str()))
        )
    }

    fn is_left(&self, left: &[LeftBroken]) -> bool {
        left.iter().any(|it| it.is_object(&self.name))
    }
}

impl Steps {
    /// Looks before the units of a script for those that have no text in double quotes. Returns the number of the first
    /// step that tells it of one.
    pub(super) fn quoted_before(&mut self, probes: &Probes<'_>) -> usize {
        let before = &probes.quoted.before;
        let asked = before.iter().filter_map(|it| it.asked.as_ref());
        let asked: Vec<Step> = asked.map(|it| Step::own(&*it.compiles, vec![])).collect();
        if !asked.is_empty() {
            return self.attempts(Purpose::Around, asked);
        }
        match before.is_empty() {
            true => self.steps.len(),
            false => self.have_no_text(before),
        }
    }

    /// Looks behind a statement whether what it creates has no text in double quotes.
    pub(super) fn quoted_behind(&mut self, unit: usize, statement: usize) {
        if let Some(it) = self.quoted.created.remove(&(unit, statement)) {
            let had_none = self.have_no_text(std::slice::from_ref(&it));
            self.looked.push((it, had_none));
        }
    }

    /// Fails where one has a text in double quotes, and had none before. `before` is what [`Steps::quoted_before`]
    /// returned.
    pub(super) fn quoted_after(&mut self, probes: &Probes<'_>, before: usize) {
        if probes.quoted.before.iter().any(|it| it.asked.is_some()) {
            return self.asked_after(probes, before);
        }
        let looked = std::mem::take(&mut self.looked);
        let old = probes.quoted.before.iter().enumerate();
        let old = old.map(|(number, it)| (it, before + number));
        let old = old.filter(|(it, _)| !looked.iter().any(|(new, _)| new.is_of(it)));
        let new = looked.iter().map(|(it, had_none)| (it, *had_none));
        let all: Vec<(&Quoting, usize)> = old.chain(new).collect();
        if all.is_empty() {
            return;
        }
        self.write_single_quotes();
        for (it, had_none) in all {
            if it.is_left(probes.left_broken) && !probes.is_last {
                continue;
            }
            let had_none = When::Succeeded(self.steps.len() - had_none);
            self.compiles_where(
                &it.has_text(),
                it.texts("object, sort, text, sql"),
                unless("0"),
                vec![had_none],
            );
        }
        self.as_they_were();
    }

    /// A step for each that succeeds where it has no text in double quotes. Returns the number of the first.
    fn have_no_text(&mut self, quoting: &[Quoting]) -> usize {
        self.write_single_quotes();
        let are_written =
            "NOT EXISTS (SELECT 1 FROM pragma_table_info('_seedbed_quoted') WHERE name = 'x')";
        let looks = quoting.iter().map(|it| {
            let has_none = format!("{are_written} AND NOT {}", it.has_text());
            Step::own(unless(&has_none), vec![])
        });
        let first = self.attempts(Purpose::Around, looks.collect());
        self.as_they_were();
        first
    }

    /// Only where the view has the text that it had: one that is made again is judged by that text.
    fn asked_after(&mut self, probes: &Probes<'_>, before: usize) {
        for (number, it) in probes.quoted.before.iter().enumerate() {
            let Some(asked) = &it.asked else {
                continue;
            };
            if it.is_left(probes.left_broken) && !probes.is_last {
                continue;
            }
            let text = |text: &str| literal(&Value::from(text));
            let had_none = When::Succeeded(self.steps.len() - (before + number));
            self.compiles_where(
                &format!(
                    "EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'view' AND name = {} COLLATE NOCASE AND sql = {})",
                    text(&it.name),
                    text(&it.sql)
                ),
                format!(
                    "SELECT {}, 'view', {}, {}",
                    text(&it.name),
                    text(&it.sql),
                    text(&asked.as_text)
                ),
                asked.compiles.clone(),
                vec![had_none],
            );
        }
    }

    fn write_single_quotes(&mut self) {
        self.push(Purpose::Around, Step::own(SAVEPOINT, vec![]));
        let statements = TO_SINGLE_QUOTES.map(|sql| Step::own(sql, vec![]));
        self.attempts(Purpose::Around, statements.to_vec());
    }

    fn as_they_were(&mut self) {
        for sql in ["ROLLBACK TO _seedbed_quotes", "RELEASE _seedbed_quotes"] {
            self.push(Purpose::Around, Step::own(sql, vec![]));
        }
    }
}

/// Sort, name and the first text in double quotes of the view or trigger that a script was refused for.
pub(super) fn became_text(rows: &[Vec<Value>]) -> Option<(&'static str, &str, String)> {
    match rows.first().map(Vec::as_slice) {
        Some(
            [
                Value::Text(name),
                Value::Text(sort),
                Value::Text(before),
                Value::Text(after),
            ],
        ) => {
            let sort = ["view", "trigger"].into_iter().find(|it| it == sort)?;
            Some((sort, name, text_in_quotes(before, after)?))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_of_a_view_is_asked_for_in_backticks() {
        let sql = "CREATE VIEW \"a as\" (\"x\") AS SELECT \"c`\", 'c', \"C`\" AS \"y\" FROM t";
        let compiles: Vec<_> = asked(sql).into_iter().map(|it| it.compiles).collect();
        assert_eq!(
            compiles,
            [
                "EXPLAIN  SELECT `c```, 'c', `c``` AS \"y\" FROM t",
                "EXPLAIN  SELECT \"c`\", 'c', \"C`\" AS `y` FROM t"
            ]
        );
        let view = "CREATE VIEW v AS SELECT 'a', \"it's\" FROM t";
        let rows = asked(view);
        let row = [
            Value::from("v"),
            Value::from("view"),
            Value::from(view),
            Value::from(&*rows[0].as_text),
        ];
        let told = ("view", "v", "it's".to_owned());
        assert_eq!(became_text(&[row.to_vec()]), Some(told));
        assert_eq!(asked("CREATE VIEW v AS SELECT 'a' FROM [t]"), []);
    }
}
