//! Values that are drawn once all other cells are known: those that no two rows may have, and slugs. Pure.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::super::cell::Names;
use super::super::draw::{ATTEMPTS, not_enough};
use super::super::held::Held;
use super::super::identity::{keyed, word_of};
use super::super::model::{Expr, Spanned};
use super::super::row::{Cell, Content, Nature, Redrawn};
use super::cells::Place;
use super::{Expansion, Found};

/// A cell that is drawn once all others are known.
pub(super) struct Generated<'a> {
    pub(super) found: Found<'a>,
    pub(super) row: usize,
    pub(super) number: Option<u64>,
    pub(super) each: Option<Arc<str>>,
    /// Whether its row is not recorded.
    pub(super) is_new: bool,
}

impl Expansion<'_> {
    /// How often a value is drawn again: one of few rows is not drawn soon.
    fn attempts(&self, file: usize, value: &Spanned<Expr>) -> u32 {
        let rows = match &value.value {
            Expr::Among(it) => self.labelled(file, &it.table, "*").len(),
            _ => 0,
        };
        let attempts = u32::try_from(rows.saturating_mul(32)).unwrap_or(u32::MAX);
        attempts.max(ATTEMPTS)
    }

    /// Draws what must not stand twice, in an order that does not depend on that of the files: rows that are recorded first,
    /// and each with the dice that it had.
    pub(super) fn generate(&mut self) {
        let mut generated = std::mem::take(&mut self.generated);
        let rows = &self.rows;
        for it in &mut generated {
            let row = &rows.rows[it.row];
            let rules = rows.rules(row);
            let labels = rows.was.get(&it.row).into_iter().chain([&row.label]);
            let labels = labels.map(|label| &**label);
            it.is_new = self.given.is_new(rules.file, rules.table, labels);
        }
        generated.sort_by(|a, b| {
            let key = |it: &Generated<'_>| {
                let row = &rows.rows[it.row];
                // A slug is of a value that is drawn before it.
                let is_slug = matches!(it.found.value.value, Expr::Slug(_));
                let table = rows.rules(row).table;
                (
                    is_slug,
                    table,
                    it.found.column,
                    it.is_new,
                    row.label.clone(),
                )
            };
            key(a).cmp(&key(b))
        });
        // Columns in which no two rows may have the same, and what they have already.
        let mut taken: HashMap<(usize, usize), HashSet<String>> = HashMap::new();
        for it in &generated {
            let rules = self.rows.rules(&self.rows.rows[it.row]);
            let of = &self.shape.tables[rules.table];
            if of.is_unique(&[it.found.column]) {
                taken.entry((rules.table, it.found.column)).or_default();
            }
        }
        for row in &self.rows.rows {
            if taken.is_empty() {
                break;
            }
            let table = self.rows.rules(row).table;
            let of = &self.shape.tables[table];
            for cell in &row.cells {
                if let (Some(taken), Content::Known(value)) =
                    (taken.get_mut(&(table, cell.column())), &cell.content)
                {
                    taken.insert(word_of(of, cell.column(), &value.value()));
                }
            }
        }
        for it in generated {
            let row = &self.rows.rows[it.row];
            let rules = self.rows.rules(row);
            let (table, file) = (rules.table, rules.file);
            let (label, span) = (row.label.clone(), row.span.clone());
            let of = &self.shape.tables[table];
            let Found { column, value, .. } = it.found;
            let settings_of = match it.found.file == self.shared_file() {
                true => self.given.shared.unwrap_or(self.files[file]),
                false => self.files[file],
            };
            let names = Names {
                label: Some(&label),
                number: it.number,
                each: it.each.as_deref(),
                vars: &settings_of.settings.vars,
            };
            let place = Place {
                file,
                of,
                found: &it.found,
                names: &names,
            };
            let mut attempts = 0..self.attempts(file, value);
            let given = self.given;
            let cell = || given.cell_drawn(file, of, column, &label);
            let recorded = given.drawn.get(file).filter(|it| !it.is_empty());
            let mut recorded = recorded.and_then(|it| it.get(&cell()));
            let drawn = loop {
                let before = recorded.take();
                let next = before.map(|(attempt, _)| *attempt);
                let Some(attempt) = next.or_else(|| attempts.next()) else {
                    let unfit = not_enough(&of.columns[column]);
                    self.unfit(it.found.file, &value.span(), unfit);
                    break None;
                };
                let mut dice = self.dice(&place, attempt);
                let drawn = match &value.value {
                    Expr::Slug(of) => self.slug(&place, it.row, of, attempt, &mut dice),
                    _ => self.value(&place, value, Some(&mut dice)),
                };
                let word = drawn.as_ref().and_then(|(content, _)| match content {
                    Content::Known(Held::Null) => None,
                    Content::Known(held) => Some(word_of(of, column, &held.value())),
                    Content::Reference { row, column } => Some(format!("\0{row} {column}")),
                    _ => None,
                });
                let hash = match (drawn.as_ref(), &word) {
                    _ if attempt == 0 => String::new(),
                    // Another run may have the row at another place.
                    (Some((Content::Reference { row, .. }, _)), _) => {
                        keyed(&[&self.rows.rows[*row].label], 8)
                    }
                    (_, Some(word)) => keyed(&[word], 8),
                    _ => String::new(),
                };
                // It is drawn from something else by now.
                if before.is_some_and(|(_, before)| word.is_some() && *before != hash) {
                    continue;
                }
                let is_free = |word| {
                    let taken = taken.get_mut(&(table, column));
                    taken.is_none_or(|taken| taken.insert(word))
                };
                if word.is_none_or(is_free) {
                    if let (1.., Some((_, Nature::Fixed))) = (attempt, &drawn) {
                        self.rows.redrawn.push(Redrawn {
                            row: it.row,
                            cell: cell(),
                            attempt,
                            hash,
                        });
                    }
                    break drawn;
                }
            };
            if let Some((content, nature)) = drawn {
                let cells = &mut self.rows.rows[it.row].cells;
                let at = cells.partition_point(|cell| cell.column() < column);
                let span = match it.found.file == file {
                    true => &value.span(),
                    false => &span,
                };
                let cell = Cell::new(column, content, nature, span);
                cells.insert(at, cell);
            }
        }
    }
}
