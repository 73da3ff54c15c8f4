//! Views that stop compiling. Renaming a table resolves the names in a view and counts no columns; a statement that reads
//! the view does. So each is compiled before the units of a script and behind them. Pure.

use super::created::{Created, created};
use super::known::Known;
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

impl Steps {
    /// Compiles the views that are there before the units of a script. Returns the number of the first step.
    pub(super) fn read_before(&mut self, probes: &Probes<'_>) -> usize {
        let views = probes.views.standing.iter();
        let steps = views.map(|name| Step::own(read(name), vec![])).collect();
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
