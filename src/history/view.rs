//! Views that stop compiling, and full-text indexes that lose the table that they are about. Renaming a table resolves the
//! names in a view and counts no columns; a statement that reads the view does. Of a full-text index it resolves nothing:
//! the engine looks for its content when it is read. So each is read before the units of a script and behind them. Pure.

use super::created::{Created, created};
use super::known::{Known, SearchIndex};
use super::left_broken::LeftBroken;
use super::purposes::Purpose;
use super::trigger::Probes;
use super::write::Steps;
use crate::db::Engine;
use crate::script::{Step, Unit, When};
use crate::sql::{Value, What, identifier, literal, significant};

/// The views that the guards compile.
#[derive(Debug, Clone, Default)]
pub(super) struct Views {
    /// Those that are there before the run and that another number of columns may break; on the Turso engine, where
    /// renaming a table resolves no names in views, all.
    standing: Vec<String>,
    /// Those that the run creates.
    created: Vec<Created>,
    /// The full-text indexes that are there before the run.
    indexes: Vec<SearchIndex>,
}

impl Views {
    /// Adds the views that a unit creates.
    pub(super) fn extend(&mut self, unit: &Unit) {
        self.created
            .extend(created(unit, What::View).map(|(created, ..)| created));
    }

    /// These views are there before the run. `dropped` are the names that the run drops.
    pub(super) fn knows(&mut self, known: &Known, engine: Engine, dropped: &[String]) {
        self.created
            .retain(|it| !it.is_there_already(&known.views, dropped));
        let standing = known
            .views
            .iter()
            .filter(|view| engine == Engine::Turso || view[3].as_str().is_some_and(counts_columns));
        let standing = standing.filter_map(|[_, name, ..]| name.as_str());
        let standing = standing.filter(|name| !self.created.iter().any(|it| it.has_name(name)));
        self.standing = standing.map(str::to_owned).collect();
        self.indexes.clone_from(&known.indexes);
    }
}

/// Whether a view depends on how many columns a table has: it has a `*`, or `IN table`.
fn counts_columns(sql: &str) -> bool {
    let mut tokens = significant(sql);
    tokens.any(|token| token.text(sql) == "*" || token.is_word(sql, "IN"))
}

fn read(view: &str) -> String {
    format!("EXPLAIN SELECT * FROM {}", identifier(view))
}

/// Compiling it does not tell: it has to run. It looks for one row by its number.
fn read_index(index: &SearchIndex) -> String {
    format!("SELECT 1 FROM {} WHERE rowid = 0", identifier(&index.name))
}

impl Steps {
    /// Compiles the views that are there before the units of a script. Returns the number of the first step.
    pub(super) fn read_before(&mut self, probes: &Probes<'_>) -> usize {
        let views = probes.views.standing.iter();
        let views = views.map(|name| read(name));
        let indexes = probes.views.indexes.iter().filter(|_| probes.is_only);
        let reads = views.chain(indexes.map(read_index));
        let steps = reads.map(|sql| Step::own(sql, vec![])).collect();
        self.attempts(Purpose::Around, steps)
    }

    /// Fails where a view that compiled before does not compile, and where a new one does not. `before` is what
    /// [`Steps::read_before`] returned.
    pub(super) fn read_after(&mut self, probes: &Probes<'_>, before: usize) {
        let is_left = |name: &str| {
            let mut left = probes.left_broken.iter().filter_map(LeftBroken::view);
            left.any(|it| it.eq_ignore_ascii_case(name))
        };
        let created = probes.views.created.iter().map(|it| (&it.name, None));
        let standing = probes.views.standing.iter().enumerate();
        let standing = standing.map(|(number, name)| (name, Some(before + number)));
        for (name, before) in created.chain(standing) {
            let is_left = is_left(name);
            if is_left && !probes.is_last {
                continue;
            }
            let before = before.filter(|_| !is_left);
            let due = before.map(|step| When::Succeeded(self.steps.len() - step));
            let is_it = format!(
                "FROM sqlite_schema WHERE type = 'view' AND name = {} COLLATE NOCASE",
                literal(&Value::from(name.as_str()))
            );
            self.compiles_where(
                &format!("EXISTS (SELECT 1 {is_it})"),
                format!("SELECT name, type, sql {is_it}"),
                read(name),
                due.into_iter().collect(),
            );
        }
        if probes.is_last {
            self.indexes_after(probes, before + probes.views.standing.len());
        }
    }

    /// Fails where a full-text index cannot be read at the end of a run, and could be before. Of a run of several scripts only
    /// the table of its content is looked for, since its last script does not know whether it could be read before the first.
    fn indexes_after(&mut self, probes: &Probes<'_>, before: usize) {
        for (number, index) in probes.views.indexes.iter().enumerate() {
            let text = |name: &str| literal(&Value::from(name));
            let is_it = format!(
                "FROM sqlite_schema WHERE type = 'table' AND name = {} COLLATE NOCASE",
                text(&index.name)
            );
            let due = probes
                .is_only
                .then(|| When::Succeeded(self.steps.len() - (before + number)));
            let lacks_content = match due {
                Some(_) => String::new(),
                None => format!(
                    " AND NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE type IN ('table', 'view') \
                     AND name = {} COLLATE NOCASE)",
                    text(&index.content)
                ),
            };
            self.compiles_where(
                &format!("EXISTS (SELECT 1 {is_it}){lacks_content}"),
                format!("SELECT name, type, sql {is_it}"),
                read_index(index),
                due.into_iter().collect(),
            );
        }
    }
}

/// Name of the full-text index that a statement read. None where none was read.
pub(super) fn searched(rows: &[Vec<Value>]) -> Option<(&str, &str)> {
    match rows.first().map(Vec::as_slice) {
        Some([Value::Text(name), Value::Text(sort), Value::Text(sql)]) if sort == "table" => {
            Some((name, sql))
        }
        _ => None,
    }
}

/// Name and text of the view that a statement compiled. None where no view was compiled.
pub(super) fn read_view(rows: &[Vec<Value>]) -> Option<(&str, &str)> {
    match rows.first().map(Vec::as_slice) {
        Some([Value::Text(name), Value::Text(sort), Value::Text(sql)]) if sort == "view" => {
            Some((name, sql))
        }
        _ => None,
    }
}
