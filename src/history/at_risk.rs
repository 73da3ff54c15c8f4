//! Whether a script can break anything of one database: questions about its schema, for who alone writes to it. The
//! guards of a run that shares its database do not depend on them.

use super::effects::Effects;
use super::guards::{NAMES, Scope};
use super::watch::{Watch, in_transactions};
use crate::db::Query;
use crate::script::Script;
use crate::sql::literal;

impl Watch {
    /// The query whose answer has a row where a view or a trigger may stop compiling in these scripts. None where that
    /// cannot be asked.
    pub(crate) fn breaks_objects(&self, scripts: &[Script]) -> Option<Query> {
        let mut names = Vec::new();
        for unit in in_transactions(scripts).filter(|_| self.compiles) {
            names.extend(Effects::of(unit).at_risk()?.map(literal_of));
        }
        let named = names.iter().map(|it| format!("instr(lower(sql), {it})"));
        (!names.is_empty() && names.len() <= NAMES).then(|| {
            Query::new(format!(
                "SELECT 1 FROM sqlite_schema WHERE type IN ('view', 'trigger') AND lower(name) NOT IN ({}) AND ({}) LIMIT 1",
                list(self.dropped.iter().map(literal_of)),
                named.collect::<Vec<_>>().join(" OR ")
            ))
        })
    }

    /// The answer to [`Watch::breaks_objects`] has no row.
    pub(crate) fn breaks_no_object(&mut self) {
        self.compiles = false;
    }

    /// The query whose answer has a row where a foreign key of another table may lose its parent table, its key or the
    /// parents of its rows in these scripts. None where that cannot be asked: they write rows, or make foreign keys.
    pub(crate) fn breaks_references(&self, scripts: &[Script]) -> Option<Query> {
        let (mut parents, mut gone) = (Vec::new(), Vec::new());
        for unit in in_transactions(scripts) {
            let effects = Effects::of(unit);
            parents.extend(effects.parents_at_risk()?.map(literal_of));
            gone.extend(effects.lost.iter().map(literal_of));
        }
        let named = parents
            .iter()
            .map(|it| format!("instr(lower(sql), {it}) OR "));
        let named: String = named.collect();
        // A text may have the name of the table of an index in another form where it needs quotes.
        let sql = format!(
            "WITH indexed AS MATERIALIZED (SELECT lower(tbl_name) AS name FROM sqlite_schema \
             WHERE type = 'index' AND lower(name) IN ({indexes})), \
             children AS MATERIALIZED (SELECT name FROM sqlite_schema WHERE type = 'table' \
             AND instr(lower(sql), 'references') AND lower(name) NOT IN ({gone}) \
             AND ({named}EXISTS (SELECT 1 FROM indexed \
             WHERE instr(lower(sql), indexed.name) OR indexed.name GLOB '*[]\"''`]*'))) \
             SELECT 1 FROM children CROSS JOIN pragma_foreign_key_list(children.name) AS f \
             WHERE lower(f.\"table\") IN ({parents}) OR lower(f.\"table\") IN (SELECT name FROM indexed) LIMIT 1",
            indexes = list(self.dropped.iter().map(literal_of)),
            gone = list(gone),
            parents = list(parents.iter().cloned()),
        );
        let is_due = !(parents.is_empty() && self.dropped.is_empty()) && parents.len() <= NAMES;
        is_due.then(|| Query::new(sql))
    }

    /// The answer to [`Watch::breaks_references`] has no row.
    pub(crate) fn breaks_no_reference(&mut self) {
        self.references = Scope::default();
    }
}

fn literal_of(name: &String) -> String {
    literal(&name.as_str().into())
}

fn list(literals: impl IntoIterator<Item = String>) -> String {
    literals.into_iter().collect::<Vec<_>>().join(", ")
}
