//! Rows that are not found and may be there all the same: where every row of a table is known, they are not. Questions and
//! what the answers mean. Pure.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::found::Found;
use super::identity::whole_row;
use super::memory::{Memory, Scene};
use super::there::There;
use crate::db::{DbError, Query, Reply};
use crate::schema::ColumnKind;
use crate::sql::identifier;

impl Memory {
    /// Counts the rows of tables in which rows may stay whose keys nothing tells any more.
    pub(super) fn counts(&self, scene: Scene<'_>) -> Vec<(usize, Query)> {
        let of_lost = |old: &usize| scene.past.rows.rules(&scene.past.rows.rows[*old]).table;
        let tables: BTreeSet<usize> = self.lost.iter().map(of_lost).collect();
        let count = |table: usize| {
            let name = identifier(&scene.shape.tables[table].name);
            (table, Query::new(format!("SELECT count(*) FROM {name}")))
        };
        tables.into_iter().map(count).collect()
    }

    /// Where every row of a table is known, none of those stays: they were deleted by hand.
    pub(super) fn counted(
        &mut self,
        scene: Scene<'_>,
        found: &Found,
        answers: Vec<(usize, Reply)>,
    ) -> Result<(), DbError> {
        for (table, reply) in answers {
            let known = self.known(scene, found, table);
            let [count] = reply.row()?;
            let is_all = |count| usize::try_from(count) == Ok(known.len());
            if count.as_i64().is_some_and(is_all) {
                let of_lost =
                    |old: &usize| scene.past.rows.rules(&scene.past.rows.rows[*old]).table;
                self.lost.retain(|old| of_lost(old) != table);
            }
        }
        Ok(())
    }

    /// The rows of a table that are known.
    fn known(&self, scene: Scene<'_>, found: &Found, table: usize) -> HashSet<String> {
        let declared = scene.rows.rows.iter().enumerate();
        let declared = declared
            .filter(|(_, row)| scene.rows.rules(row).table == table)
            .filter_map(|(at, _)| found.row(scene.rows, at));
        let items = self.items.iter().filter(|item| item.table == table);
        let items = items.filter_map(|item| Some(There::Whole(item.row.as_ref()?.as_deref()?)));
        declared.chain(items).map(whole_row).collect()
    }

    /// Asks for rows that have all values of a numbered row that is missing, but those of its key: it may be there under
    /// another key.
    pub(super) fn doubles(&self, scene: Scene<'_>, found: &Found) -> Vec<(usize, Query)> {
        let Scene {
            shape, rows, past, ..
        } = scene;
        let mut all = Vec::new();
        for (at, row) in rows.rows.iter().enumerate() {
            let is_missing = rows.may_lose_number(at) && !found.is_there(at);
            if !is_missing || !self.knows(past, at) {
                continue;
            }
            let rules = rows.rules(row);
            let of = &shape.tables[rules.table];
            let name = |column: usize| identifier(&of.columns[column].name);
            let mut conditions = vec!["TRUE".to_owned()];
            let mut args = Vec::new();
            for cell in row
                .cells
                .iter()
                .filter(|it| !rules.key.contains(&it.column()))
            {
                if let Some(value) = found.cell(rows, shape, at, cell) {
                    conditions.push(format!("{} IS ?", name(cell.column())));
                    args.push(value);
                }
            }
            let column = |column: usize| match of.columns[column].origin {
                ColumnKind::Plain => name(column),
                ColumnKind::Generated | ColumnKind::Hidden => "NULL".to_owned(),
            };
            let columns: Vec<String> = (0..of.columns.len()).map(column).collect();
            let sql = format!(
                "SELECT {} FROM {} WHERE {}",
                columns.join(", "),
                identifier(&of.name),
                conditions.join(" AND ")
            );
            all.push((at, Query { sql, args }));
        }
        all
    }

    /// Keeps the missing rows that may be there.
    pub(super) fn doubled(
        &mut self,
        scene: Scene<'_>,
        found: &Found,
        answers: Vec<(usize, Reply)>,
    ) -> Result<(), DbError> {
        let mut known: HashMap<usize, HashSet<String>> = HashMap::new();
        for (at, reply) in answers {
            let table = scene.rows.rules(&scene.rows.rows[at]).table;
            let known = known
                .entry(table)
                .or_insert_with(|| self.known(scene, found, table));
            let rows = reply.rows_of(scene.shape.tables[table].columns.len())?;
            if rows.iter().any(|row| !known.contains(&whole_row(row))) {
                self.may_be_there.insert(at);
            }
        }
        Ok(())
    }

    /// Whether a missing row may be there under a key that was changed by hand.
    pub(super) fn may_be_there(&self, at: usize) -> bool {
        self.may_be_there.contains(&at)
    }
}
