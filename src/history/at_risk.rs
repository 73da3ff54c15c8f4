//! Whether a script can break anything of one database: questions about its schema, for its only writer. The
//! guards of a run that shares its database do not depend on them.

use super::effects::Effects;
use super::guards::{NAMES, Scope};
use super::watch::{Watch, in_transactions};
use crate::db::Query;
use crate::script::{Script, Unit};
use crate::sql::literal;

/// Queries whose answers have a row where guards are needed. None where that cannot be asked.
pub(crate) struct AtRisk {
    /// Whether a view or a trigger may stop compiling.
    pub(crate) objects: Option<Query>,
    /// Whether a foreign key of another table may lose its parent table, its key or the parents of its rows.
    pub(crate) references: Option<Query>,
}

impl Watch {
    /// The guards of these scripts, and which of them may be left out.
    pub(crate) fn at_risk(scripts: &[Script]) -> (Watch, AtRisk) {
        let units = in_transactions(scripts);
        let watch = Watch::of(scripts, &units);
        let at_risk = AtRisk {
            objects: watch.breaks_objects(&units),
            references: watch.breaks_references(&units),
        };
        (watch, at_risk)
    }

    fn breaks_objects(&self, units: &[(&Unit, Effects)]) -> Option<Query> {
        let mut names = Vec::new();
        for (_, effects) in units.iter().filter(|_| self.compiles) {
            names.extend(effects.at_risk()?.map(literal_of));
        }
        let named = names.iter().map(|it| format!("instr(lower(sql), {it})"));
        (!names.is_empty() && names.len() <= NAMES).then(|| {
            Query::new(format!(
                "SELECT 1 FROM sqlite_schema WHERE type IN ('view', 'trigger') AND lower(name) NOT IN ({}) AND ({}) LIMIT 1",
                self.literals_of_dropped(),
                named.collect::<Vec<_>>().join(" OR ")
            ))
        })
    }

    /// The answer to [`AtRisk::objects`] has no row.
    pub(crate) fn breaks_no_object(&mut self) {
        self.compiles = false;
    }

    /// Units that write rows, or make foreign keys, may do more than the schema tells.
    fn breaks_references(&self, units: &[(&Unit, Effects)]) -> Option<Query> {
        let (mut parents, mut gone) = (Vec::new(), Vec::new());
        for (_, effects) in units {
            parents.extend(effects.parents_at_risk()?.map(literal_of));
            gone.extend(effects.lost.iter().map(|it| literal_of(it)));
        }
        let named = parents
            .iter()
            .map(|it| format!("instr(lower(sql), {it}) OR "));
        let named: String = named.collect();
        // A text may have the name of the table of an index in another form where it needs quotes.
        let sql = if self.dropped.is_empty() {
            format!(
                "WITH children AS MATERIALIZED (SELECT name FROM sqlite_schema WHERE type = 'table' \
                 AND ({named}0) AND instr(lower(sql), 'references') AND lower(name) NOT IN ({gone})) \
                 SELECT 1 FROM children CROSS JOIN pragma_foreign_key_list(children.name) AS f \
                 WHERE lower(f.\"table\") IN ({parents}) LIMIT 1",
                gone = gone.join(", "),
                parents = parents.join(", "),
            )
        } else {
            format!(
                "WITH indexed AS MATERIALIZED (SELECT lower(tbl_name) AS name FROM sqlite_schema \
             WHERE type = 'index' AND lower(name) IN ({indexes})), \
             children AS MATERIALIZED (SELECT name FROM sqlite_schema WHERE type = 'table' \
             AND instr(lower(sql), 'references') AND lower(name) NOT IN ({gone}) \
             AND ({named}EXISTS (SELECT 1 FROM indexed \
             WHERE instr(lower(sql), indexed.name) OR indexed.name GLOB '*[]\"''`]*'))) \
             SELECT 1 FROM children CROSS JOIN pragma_foreign_key_list(children.name) AS f \
             WHERE lower(f.\"table\") IN ({parents}) OR lower(f.\"table\") IN (SELECT name FROM indexed) LIMIT 1",
                indexes = self.literals_of_dropped(),
                gone = gone.join(", "),
                parents = parents.join(", "),
            )
        };
        let is_due = !(parents.is_empty() && self.dropped.is_empty()) && parents.len() <= NAMES;
        is_due.then(|| Query::new(sql))
    }

    /// The answer to [`AtRisk::references`] has no row.
    pub(crate) fn breaks_no_reference(&mut self) {
        self.references = Scope::default();
    }

    fn literals_of_dropped(&self) -> String {
        let dropped = self.dropped.iter().map(|it| literal_of(it));
        dropped.collect::<Vec<_>>().join(", ")
    }
}

fn literal_of(name: &str) -> String {
    literal(&name.into())
}
