//! The rows of foreign keys that a script left broken for a later one to repair: behind each later script, those whose parent
//! table is there must have their parents, but for the rows that had none before. Pure.

use serde_json::json;

use super::effects::Effects;
use super::guards::{LISTED, MEMORY, Scope, Tables, is_none_of, refuse};
use super::keeping::{Keeping, keeping, with_rowid};
use super::known::Reference;
use super::row_guards::{COMPARED, rows};
use crate::script::{Script, Step, Unit};
use crate::sql::{identifier, literal};

/// A foreign key that a script of the run left broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LeftRows {
    /// The number of the script, from the first of the run.
    script: usize,
    /// The foreign key by the names that it was found broken by.
    of: Names,
    /// The foreign key before that script.
    before: Names,
    /// Whether an earlier run has recorded which of its rows had no parent.
    is_recorded: bool,
    /// Behind that script and each later one.
    behind: Vec<Behind>,
    /// The table that has to have the parents already, and how rows refer to it: the one that a later script renames to the
    /// missing one, or the parent that lacks only the index of its key.
    stand_in: Option<StandIn>,
}

/// The names of a foreign key in lower case: its table, and its columns, `a, b`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Names {
    child: String,
    columns: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Behind {
    names: Names,
    /// Whether the rows are known by the rowids that they had before.
    is_kept: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct StandIn {
    table: String,
    /// The columns that refer, and those that they refer to.
    columns: Vec<(String, String)>,
}

impl LeftRows {
    /// Of a foreign key by its names behind this unit of the script, which is followed by others.
    pub(super) fn new(
        (child, columns): (&str, &str),
        (number, script, unit): (usize, &Script, usize),
        later: &[Script],
        references: &[std::sync::Arc<Reference>],
        stand_in: Option<String>,
    ) -> LeftRows {
        let behind_unit = Names {
            child: child.to_ascii_lowercase(),
            columns: columns.to_ascii_lowercase(),
        };
        let units = script.units.iter().take(unit + 1).rev().map(Effects::of);
        let before = units.fold(behind_unit.clone(), |names, effects| names.before(&effects));
        let known = references.iter().find(|it| {
            let names: Vec<&str> = it.columns.iter().map(|it| it.name.as_str()).collect();
            it.child.eq_ignore_ascii_case(&before.child)
                && names.join(", ").eq_ignore_ascii_case(&before.columns)
        });
        let without_rowid = known.is_some_and(|it| it.child_without_rowid);
        let now = Behind {
            names: before.clone(),
            is_kept: !without_rowid,
        };
        let key = known.map(|it| it.child_key.clone()).unwrap_or_default();
        let behind = now.behind_each(std::iter::once(script).chain(later), &key);
        let is_unchanged = before == behind_unit;
        let stand_in = stand_in.zip(known).map(|(table, known)| StandIn {
            table,
            columns: known
                .columns
                .iter()
                .map(|it| (it.name.clone(), it.target.clone()))
                .collect(),
        });
        LeftRows {
            script: number,
            of: behind_unit,
            before,
            is_recorded: false,
            behind,
            stand_in: stand_in.filter(|_| is_unchanged && !without_rowid),
        }
    }

    fn behind(&self, script: usize) -> Option<&Behind> {
        self.behind.get(script.checked_sub(self.script)?)
    }

    /// Adds to what the history keeps of a foreign key what is needed to find its rows again behind a script.
    pub(super) fn record(left: &[LeftRows], script: usize, recorded: &mut serde_json::Value) {
        let name = |key: &str| {
            recorded[key]
                .as_str()
                .unwrap_or_default()
                .to_ascii_lowercase()
        };
        let names = Names {
            child: name("name"),
            columns: name("columns"),
        };
        let found = left.iter().find(|it| it.of == names);
        if let Some((it, behind)) = found.and_then(|it| Some((it, it.behind(script)?))) {
            recorded["name"] = behind.names.child.as_str().into();
            recorded["columns"] = behind.names.columns.as_str().into();
            recorded["before"] = json!([it.before.child, it.before.columns]);
            recorded["is_kept"] = behind.is_kept.into();
        }
    }

    /// Of a foreign key that an earlier run has left broken, and these scripts of the next run.
    pub(super) fn of_an_earlier_run(
        recorded: &serde_json::Value,
        scripts: &[Script],
        references: &[std::sync::Arc<Reference>],
    ) -> Option<LeftRows> {
        let names = |child: &serde_json::Value, columns: &serde_json::Value| {
            Some(Names {
                child: child.as_str()?.to_ascii_lowercase(),
                columns: columns.as_str()?.to_ascii_lowercase(),
            })
        };
        let before = recorded.get("before")?;
        let of = names(&recorded["name"], &recorded["columns"])?;
        let known = references
            .iter()
            .find(|it| it.child.eq_ignore_ascii_case(&of.child));
        let key = known.map(|it| it.child_key.clone()).unwrap_or_default();
        let now = Behind {
            names: of.clone(),
            is_kept: recorded["is_kept"] == true,
        };
        Some(LeftRows {
            script: 0,
            before: names(&before[0], &before[1])?,
            is_recorded: true,
            behind: now.behind_each(scripts, &key),
            of,
            stand_in: None,
        })
    }
}

impl Names {
    /// A table that is made again is the one that had its name.
    fn before(&self, effects: &Effects) -> Names {
        if effects.made.contains(&self.child) {
            return self.clone();
        }
        let columns = self.columns.split(", ");
        let columns: Vec<String> = columns
            .map(|it| effects.column_before(&self.child, it))
            .collect();
        Names {
            child: effects.table_before(&self.child),
            columns: columns.join(", "),
        }
    }
}

impl Behind {
    /// Behind each of these scripts.
    fn behind_each<'a>(
        mut self,
        scripts: impl IntoIterator<Item = &'a Script>,
        key: &[String],
    ) -> Vec<Behind> {
        let scripts = scripts.into_iter();
        let behind = scripts.map(|script| {
            for unit in &script.units {
                self = self.behind(unit, key);
            }
            self.clone()
        });
        behind.collect()
    }

    fn behind(&self, unit: &Unit, key: &[String]) -> Behind {
        let effects = Effects::of(unit);
        let child = effects.table_afterwards(&self.names.child);
        let columns = self.names.columns.split(", ");
        let columns: Vec<String> = columns
            .map(|it| effects.column_afterwards(&child, it))
            .collect();
        let names = effects.names_of(&self.names.child);
        let key = with_rowid(effects.columns_of(&names, key));
        Behind {
            is_kept: self.is_kept
                && !effects.made.contains(&child)
                && keeping(unit, &names, &key) != Keeping::Replaced,
            names: Names {
                child,
                columns: columns.join(", "),
            },
        }
    }
}

fn text(name: &str) -> String {
    literal(&name.into())
}

/// Records which rows had no parent before this script, of the foreign keys that it leaves broken.
pub(super) fn record(left: &[LeftRows], script: usize) -> Option<Step> {
    let left = left
        .iter()
        .filter(|it| it.script == script && !it.is_recorded);
    let names: Vec<&Names> = left.map(|it| &it.before).collect();
    let children = names.iter().map(|it| it.child.clone());
    let pairs: Vec<_> = names
        .iter()
        .map(|it| (it.child.as_str(), it.columns.as_str()))
        .collect();
    let step = Step::own(
        format!(
            "UPDATE _migrations SET down = json_set(coalesce(down, '{{\"lost\":[]}}'), '$.orphans', json((WITH {}, \
             old AS MATERIALIZED (SELECT lower(child) AS c, lower(columns) AS k, number FROM broken WHERE NOT {}) \
             SELECT json_group_array(json(entry)) FROM (\
             SELECT value AS entry FROM json_each(down, '$.orphans') UNION ALL \
             SELECT json_array(c, k, number, 1) FROM old WHERE (SELECT count(*) FROM old) <= {COMPARED} UNION ALL \
             SELECT json_array(c, k, NULL, count(*)) FROM old GROUP BY c, k \
             HAVING (SELECT count(*) FROM old) > {COMPARED})))) WHERE {MEMORY}",
            rows(&Scope::Of(Tables::children(children))),
            is_none_of(&pairs, "child", "columns"),
        ),
        vec![],
    );
    (!names.is_empty()).then_some(step)
}

/// What was recorded.
fn base() -> String {
    format!(
        "base AS MATERIALIZED (SELECT json_extract(o.value, '$[0]') AS c, json_extract(o.value, '$[1]') AS k, \
         json_extract(o.value, '$[2]') AS number, json_extract(o.value, '$[3]') AS found \
         FROM _migrations, json_each(down, '$.orphans') AS o WHERE {MEMORY})"
    )
}

/// Fails where a row of these foreign keys is without its parent behind this script, and had it before: where the parent
/// table is there.
pub(super) fn refuses(left: &[LeftRows], script: usize) -> Vec<Step> {
    let mut steps = Vec::new();
    let entries: Vec<(&Names, &Behind)> = left
        .iter()
        .filter_map(|it| Some((&it.before, it.behind(script)?)))
        .collect();
    if entries.is_empty() {
        return steps;
    }
    let values = entries.iter().map(|(before, behind)| {
        format!(
            "({}, {}, {}, {}, {})",
            text(&behind.names.child),
            text(&behind.names.columns),
            text(&before.child),
            text(&before.columns),
            i32::from(behind.is_kept)
        )
    });
    let values: Vec<String> = values.collect();
    let children = entries.iter().map(|(_, behind)| behind.names.child.clone());
    let fresh = format!(
        "WITH {}, {}, left_rows (child, columns, c, k, kept) AS MATERIALIZED (VALUES {}), \
         now AS MATERIALIZED (SELECT b.child AS child, b.number AS number, b.parent AS parent, b.columns AS columns, \
         b.on_delete AS on_delete, l.c AS c, l.k AS k, l.kept AND b.number IS NOT NULL \
         AND NOT EXISTS (SELECT 1 FROM base WHERE base.c = l.c AND base.k = l.k AND base.number IS NULL) AS kept \
         FROM broken AS b JOIN left_rows AS l ON l.child = lower(b.child) AND l.columns = lower(b.columns) \
         WHERE b.parent COLLATE NOCASE IN (SELECT name FROM names)), \
         fresh AS MATERIALIZED (SELECT child, now.number AS number, parent, columns, on_delete, 1 AS found FROM now \
         LEFT JOIN base ON base.c = now.c AND base.k = now.k AND base.number = now.number WHERE kept AND base.c IS NULL \
         UNION ALL SELECT * FROM (SELECT child, NULL, parent, columns, on_delete, count(*) - coalesce((\
         SELECT sum(found) FROM base WHERE base.c = now.c AND base.k = now.k), 0) AS found FROM now WHERE NOT kept \
         GROUP BY child, columns, c, k) WHERE found > 0)",
        rows(&Scope::Of(Tables::children(children))),
        base(),
        values.join(", "),
    );
    steps.push(refuse(
        &format!("{fresh} SELECT 1 FROM fresh"),
        &format!(
            "{fresh} SELECT child, number, parent, columns, on_delete, 1, found, (SELECT sum(found) FROM fresh) \
             FROM fresh LIMIT {LISTED}"
        ),
    ));
    let left = left.iter().filter(|it| it.script == script);
    steps.extend(left.filter_map(|it| it.stand_in(it.stand_in.as_ref()?)));
    steps
}

impl LeftRows {
    /// Fails where a row has no parent in the table that has to have it already.
    fn stand_in(&self, StandIn { table, columns }: &StandIn) -> Option<Step> {
        let behind = self.behind(self.script)?;
        let each = |of: &dyn Fn(&(String, String)) -> String| {
            let all: Vec<String> = columns.iter().map(of).collect();
            all.join(" AND ")
        };
        let fresh = format!(
            "WITH {}, fresh AS MATERIALIZED (SELECT child.rowid AS number FROM {} AS child \
             LEFT JOIN base ON base.c = {} AND base.k = {} AND base.number = child.rowid \
             WHERE {} AND NOT EXISTS (SELECT 1 FROM {} AS parent WHERE {}) AND base.c IS NULL \
             AND NOT EXISTS (SELECT 1 FROM base WHERE c = {} AND k = {} AND number IS NULL))",
            base(),
            identifier(&self.before.child),
            text(&self.before.child),
            text(&self.before.columns),
            each(&|(name, _)| format!("child.{} IS NOT NULL", identifier(name))),
            identifier(table),
            each(&|(name, target)| format!(
                "parent.{} = +child.{}",
                identifier(target),
                identifier(name)
            )),
            text(&self.before.child),
            text(&self.before.columns),
        );
        let step = refuse(
            &format!("{fresh} SELECT 1 FROM fresh"),
            &format!(
                "{fresh} SELECT {}, number, {}, {}, NULL, 1, 1, (SELECT count(*) FROM fresh) FROM fresh LIMIT {LISTED}",
                text(&self.before.child),
                text(table),
                text(&self.before.columns),
            ),
        );
        behind.is_kept.then_some(step)
    }
}
