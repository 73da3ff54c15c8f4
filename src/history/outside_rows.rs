//! The rows without their parent before and behind a file without a transaction: which of them are new. They are compared as
//! the guards of a transaction compare them, but for what needs all tables at once: rows that move to another table.

use std::collections::HashMap;
use std::fmt;

use super::effects::Effects;
use super::guards::{LISTED, Scope};
use super::keeping::{Keeping, keeping, with_rowid, writes};
use super::known::{Known, Reference, references};
use super::orphans::orphans_of;
use super::refusal::listed;
use super::row_guards::{COMPARED, rows};
use crate::db::{Db, DbError, Query, if_accepted};
use crate::script::Unit;
use crate::sql::{Value, has_name, literal};

/// The rows of a foreign key without their parent, whose table is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Orphans {
    pub(super) child: String,
    /// `a, b`.
    pub(super) columns: String,
    parent: String,
    count: usize,
    /// Which rows they are; none where they are too many, or where the engine finds others.
    rows: Option<(Reference, Vec<Orphan>)>,
}

/// A row without its parent.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Orphan {
    /// The values of the foreign key, as they are compared.
    key: String,
    /// The same, as SQL.
    shown: String,
    /// The rowid, or the primary key of a table without one.
    number: String,
}

/// The rows that have lost their parent in a unit.
#[derive(Debug, Clone)]
pub(super) struct Lost {
    before: Option<Orphans>,
    now: Orphans,
    count: usize,
    /// Which ones; none where they were counted.
    rows: Option<Vec<Orphan>>,
}

/// The rows without their parent in tables whose parent table is there.
pub(super) async fn orphans(db: &Db) -> Result<Vec<Orphans>, DbError> {
    let query = Query::new(format!(
        "WITH {} SELECT child, columns, parent, count(*) FROM broken \
         WHERE parent COLLATE NOCASE IN (SELECT name FROM names) GROUP BY 1, 2, 3",
        rows(&Scope::All)
    ));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let counts = db.rows::<4>(query).await?.into_iter();
    let mut all: Vec<Orphans> = counts
        .map(|[child, columns, parent, count]| Orphans {
            child: text(&child),
            columns: text(&columns),
            parent: text(&parent),
            count: usize::try_from(count.as_i64().unwrap_or_default()).unwrap_or_default(),
            rows: None,
        })
        .collect();
    if all.iter().all(|it| it.count > COMPARED) {
        return Ok(all);
    }
    let columns = db.rows::<9>(Query::new(references())).await?;
    let references = Known::new(Vec::new(), &columns).references;
    let mut queries = Vec::new();
    for (number, orphans) in all.iter().enumerate() {
        let reference = references.iter().find(|it| orphans.are_of(it));
        if let Some(reference) = reference.filter(|_| orphans.count <= COMPARED) {
            let query = format!("{} LIMIT {}", orphans_of(reference), COMPARED + 1);
            queries.push(((number, reference), Query::new(query)));
        }
    }
    for ((number, reference), reply) in db.ask(queries).await? {
        let found = if_accepted(reply.rows::<3>())?.unwrap_or_default();
        if found.len() == all[number].count {
            let found = found.into_iter().map(|[key, shown, number]| Orphan {
                key: text(&key),
                shown: text(&shown),
                number: literal(&number),
            });
            all[number].rows = Some((reference.clone(), found.collect()));
        }
    }
    Ok(all)
}

impl Orphans {
    fn are_of(&self, reference: &Reference) -> bool {
        let columns: Vec<&str> = reference.columns.iter().map(|it| &*it.name).collect();
        reference.child.eq_ignore_ascii_case(&self.child)
            && reference.parent.eq_ignore_ascii_case(&self.parent)
            && columns.join(", ").eq_ignore_ascii_case(&self.columns)
    }
}

impl Lost {
    /// The rows that had a parent before the unit.
    pub(super) fn since(
        before: Option<Orphans>,
        now: Orphans,
        unit: &Unit,
        effects: &Effects,
    ) -> Option<Lost> {
        let old = before.as_ref();
        let rows = match (&now.rows, old.map(|old| &old.rows)) {
            (Some((_, rows)), None) => Some(rows.clone()),
            (Some((reference, rows)), Some(Some((_, old)))) => {
                match kept(reference, unit, effects) {
                    Kept::ByKey => Some(without(rows, old, |it| &it.number)),
                    Kept::ByValue => Some(without(rows, old, |it| &it.key)),
                    Kept::No => None,
                }
            }
            _ => None,
        };
        let count = match &rows {
            Some(rows) => rows.len(),
            None => now.count.saturating_sub(old.map_or(0, |old| old.count)),
        };
        (count > 0).then_some(Lost {
            before,
            now,
            count,
            rows,
        })
    }

    /// Whether a statement may repair it.
    pub(super) fn is_named_in(&self, sql: &str) -> bool {
        has_name(sql, &self.now.child) || has_name(sql, &self.now.parent)
    }

    /// Whether some of them have no parent still.
    pub(super) fn is_still_in(&self, now: &[Orphans]) -> bool {
        let is_it = |it: &&Orphans| {
            it.child.eq_ignore_ascii_case(&self.now.child)
                && it.columns.eq_ignore_ascii_case(&self.now.columns)
        };
        let Some(now) = now.iter().find(is_it) else {
            return false;
        };
        let before = self.before.as_ref();
        match (&self.rows, &now.rows, before.map(|it| &it.rows)) {
            (Some(lost), Some((_, now)), None | Some(Some(_))) => {
                let old = before.and_then(|it| it.rows.as_ref());
                let old = old.map_or(&[][..], |(_, rows)| rows);
                let new = without(now, old, |it| &it.key);
                new.iter()
                    .any(|it| lost.iter().any(|lost| lost.key == it.key))
            }
            _ => now.count > before.map_or(0, |it| it.count),
        }
    }

    /// Which rows they are, or that they were counted.
    pub(super) fn note(&self) -> Option<String> {
        let Orphans {
            child,
            columns,
            parent,
            ..
        } = &self.now;
        let Some(rows) = &self.rows else {
            let before = self.before.as_ref().map_or(0, |it| it.count);
            return Some(format!(
                "the rows without a parent were counted, not compared: {before} before, {} behind it",
                self.now.count
            ));
        };
        let rows = rows.iter().take(LISTED).map(|row| {
            vec![
                child.as_str().into(),
                row.number.parse().map_or(Value::Null, Value::Integer),
                parent.as_str().into(),
                columns.as_str().into(),
                Value::Null,
                Value::Integer(1),
                Value::Integer(1),
                Value::Integer(i64::try_from(self.count).unwrap_or(i64::MAX)),
                row.shown.as_str().into(),
            ]
        });
        Some(listed(&rows.collect::<Vec<_>>()))
    }
}

/// `1 row of c (pid), without a parent in p`
impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Orphans {
            child,
            columns,
            parent,
            ..
        } = &self.now;
        match self.count {
            1 => write!(f, "1 row of {child}")?,
            more => write!(f, "{more} rows of {child}")?,
        }
        write!(f, " ({columns}), without a parent in {parent}")
    }
}

/// How the rows of a foreign key are found again behind a unit.
enum Kept {
    ByKey,
    ByValue,
    /// Neither their keys nor the values that they refer to tell them.
    No,
}

fn kept(reference: &Reference, unit: &Unit, effects: &Effects) -> Kept {
    let names = effects.names_of(&reference.child);
    let key = effects.columns_of(&names, &reference.child_key);
    let without_key = reference.child_without_rowid && key.is_empty();
    let is_made = effects
        .made
        .iter()
        .any(|it| it.eq_ignore_ascii_case(&reference.child));
    let key = match reference.child_without_rowid {
        true => key,
        false => with_rowid(key),
    };
    if !is_made && !without_key && keeping(unit, &names, &key) != Keeping::Replaced {
        return Kept::ByKey;
    }
    let parents = effects.names_of(&reference.parent);
    let targets: Vec<String> = reference
        .columns
        .iter()
        .map(|it| it.target.clone())
        .collect();
    match writes(unit, &parents, &effects.columns_of(&parents, &targets)) {
        true => Kept::No,
        false => Kept::ByValue,
    }
}

/// The rows of `all` but for as many of each as there were before.
fn without<'a>(
    all: &'a [Orphan],
    before: &'a [Orphan],
    by: impl Fn(&'a Orphan) -> &'a String,
) -> Vec<Orphan> {
    let mut old: HashMap<&String, usize> = HashMap::new();
    for it in before {
        *old.entry(by(it)).or_default() += 1;
    }
    let is_new = |it: &&'a Orphan| match old.get_mut(by(it)) {
        Some(left @ 1..) => {
            *left -= 1;
            false
        }
        _ => true,
    };
    all.iter().filter(is_new).cloned().collect()
}
