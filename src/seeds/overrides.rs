//! Rows that the file of an environment overrides: `_override: true` gives a row of another file other values where both
//! are seeded. The row stays that of its own file, which is another text in that environment. Pure.

use std::collections::BTreeMap;
use std::ops::Range;

use super::companion::{Companion, Kind};
use super::files::{end, with_companions};
use super::model::{Expr, Json, Label, Part, RowDecl, SeedFile, Spanned, Table, Template};
use super::secret;
use super::set::Seeds;
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;

/// A file as it is in one environment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Overridden {
    pub(super) environment: String,
    pub(super) file: SeedFile,
}

/// The files that other ones override, for each environment; and what cannot be meant.
pub(super) fn overridden(seeds: &Seeds) -> (Vec<Overridden>, Vec<Diagnostic>) {
    let mut all: Vec<Overridden> = Vec::new();
    let mut problems: Vec<Diagnostic> = Vec::new();
    let has_any = |file: &&SeedFile| file.tables.iter().any(|it| !it.overrides.is_empty());
    for over in seeds.files.iter().filter(has_any) {
        for environment in over.environments() {
            let bases = seeds
                .files
                .iter()
                .filter(|base| base.name != over.name && base.is_for(environment));
            let mut open: Vec<(&Table, &RowDecl)> = rows(over).collect();
            for base in bases {
                let is_meant = |(table, row): &(&Table, &RowDecl)| find(base, table, row).is_some();
                let (meant, others): (Vec<_>, Vec<_>) = open.into_iter().partition(is_meant);
                open = others;
                if meant.is_empty() {
                    continue;
                }
                let is_it =
                    |it: &Overridden| it.environment == environment && it.file.name == base.name;
                let at = all.iter().position(is_it).unwrap_or_else(|| {
                    all.push(Overridden {
                        environment: environment.to_owned(),
                        file: base.clone(),
                    });
                    all.len() - 1
                });
                let twice = merge(&mut all[at].file, over);
                problems.extend(twice.into_iter().map(|(span, label)| {
                    let message = format!("another file overrides row `{label}` too");
                    let problem = Diagnostic::problem("overridden-twice", message);
                    problem
                        .at(over.origin(&span))
                        .help("give the row all of its values in one of the two files")
                }));
            }
            let mut others = seeds.files.iter().filter(|it| it.is_for(environment));
            let name = |table: &Table| table.name.value.clone();
            open.retain(|(table, _)| !others.any(|it| it.lacks_rows(&name(table))));
            for (table, row) in open {
                problems.push(nothing(seeds, over, environment, table, row));
            }
        }
    }
    for it in &mut all {
        it.file.checksum = with_companions(&it.file, it.file.source.text.clone()).checksum();
    }
    // One row is wrong in several environments.
    let mut once: Vec<Diagnostic> = Vec::new();
    for problem in problems {
        let is_known = |it: &Diagnostic| it.code == problem.code && it.origin() == problem.origin();
        if !once.iter().any(is_known) {
            once.push(problem);
        }
    }
    (all, once)
}

/// The rows with which a file overrides others.
fn rows(file: &SeedFile) -> impl Iterator<Item = (&Table, &RowDecl)> {
    let tables = file.tables.iter();
    tables.flat_map(|table| table.overrides.iter().map(move |row| (table, row)))
}

fn label(row: &RowDecl) -> Option<&Label> {
    row.label.as_ref().map(|label| &label.value)
}

/// The row that another one overrides: its table, and its place in it.
fn find(base: &SeedFile, of: &Table, over: &RowDecl) -> Option<(usize, usize)> {
    let name = &of.name.value;
    let mut tables = base.tables.iter().enumerate();
    tables.find_map(|(at, table)| {
        let is_it = |row: &RowDecl| label(row).is_some() && label(row) == label(over);
        let is_table = table.name.value.eq_ignore_ascii_case(name);
        let row = is_table.then(|| table.rows.iter().position(is_it))??;
        Some((at, row))
    })
}

/// Gives rows of a file the values with which another one overrides them. What is overridden already stays, and comes
/// back with its label.
pub(super) fn merge(base: &mut SeedFile, over: &SeedFile) -> Vec<(Range<usize>, String)> {
    let start = end(base) + 1;
    let mut twice = Vec::new();
    for (table, row) in rows(over) {
        let Some((of, at)) = find(base, table, row) else {
            continue;
        };
        let declared = &mut base.tables[of].rows[at];
        if !declared.over.is_empty() {
            let written = over.source.text.get(row.span.clone()).unwrap_or_default();
            twice.push((row.span.clone(), written.to_owned()));
            continue;
        }
        declared.over.clone_from(&row.fields);
        for field in &mut declared.over {
            field.name.move_by(start);
            field.value.moved(start);
            field.value.value.with_vars(&over.settings.vars);
        }
    }
    base.companions.push(Companion {
        path: over.name.clone(),
        kind: Kind::Override,
        start,
        source: over.source.clone(),
        recorded: Some(secret::masked(over).into()),
    });
    twice
}

/// An override of a row that is in no other file.
fn nothing(
    seeds: &Seeds,
    over: &SeedFile,
    environment: &str,
    table: &Table,
    row: &RowDecl,
) -> Diagnostic {
    let written = over.source.text.get(row.span.clone()).unwrap_or_default();
    let others = seeds
        .files
        .iter()
        .filter(|base| base.name != over.name && base.is_for(environment));
    let tables = others.flat_map(|base| &base.tables);
    let tables = tables.filter(|it| it.name.value.eq_ignore_ascii_case(&table.name.value));
    let labels = tables.flat_map(|it| &it.rows).filter_map(label);
    let (mut plain, mut has_patterns) = (Vec::new(), false);
    for label in labels {
        match label {
            Label::One(label) => plain.push(&**label),
            Label::Range { .. } | Label::Each(_) => has_patterns = true,
        }
    }
    let help = match nearest(written, &plain) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if has_patterns => {
            "a row of a pattern is overridden with all of its rows, under the same pattern; a new row has no `_override`"
                .to_owned()
        }
        None => "remove `_override`, where the row is new".to_owned(),
    };
    let message = format!(
        "no other file for environment {environment} has a row `{written}` of `{}`",
        table.name.value
    );
    let problem = Diagnostic::problem("nothing-to-override", message);
    problem.at(over.origin(&row.span)).help(help)
}

impl Spanned<Expr> {
    /// Lets its places be those of a text that begins there.
    fn moved(&mut self, by: usize) {
        self.move_by(by);
        for inner in self.value.inner_mut() {
            inner.moved(by);
        }
    }
}

impl Expr {
    /// Replaces the variables of a file, which another file does not have.
    fn with_vars(&mut self, vars: &BTreeMap<String, String>) {
        match self {
            Expr::Scalar { text, .. } => text.with_vars(vars),
            Expr::Ref(it) => it.label.with_vars(vars),
            Expr::Among(it) => it.pattern.with_vars(vars),
            Expr::Composed(json) => json.with_vars(vars),
            _ => {
                for inner in self.inner_mut() {
                    inner.value.with_vars(vars);
                }
            }
        }
    }
}

impl Json {
    fn with_vars(&mut self, vars: &BTreeMap<String, String>) {
        match self {
            Json::Constant(_) => {}
            Json::Text { text, .. } => text.with_vars(vars),
            Json::List(items) => items.iter_mut().for_each(|it| it.with_vars(vars)),
            Json::Map(entries) => entries.iter_mut().for_each(|(_, it)| it.with_vars(vars)),
            Json::Tag(expr) => expr.value.with_vars(vars),
        }
    }
}

impl Template {
    fn with_vars(&mut self, vars: &BTreeMap<String, String>) {
        if self.as_text().is_some() {
            return;
        }
        let part = |part: &Part| match part {
            Part::Name(name) => match vars.get(name) {
                Some(value) => Part::Text(value.clone()),
                None => part.clone(),
            },
            Part::Text(_) => part.clone(),
        };
        *self = Template::of(self.parts().iter().map(part).collect());
    }
}
