//! The items of a list of labels: which rows a row of a join table joins. Pure.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use serde_json::Value;

use super::super::super::cell::Names;
use super::super::super::draw::{ATTEMPTS, chosen, dice};
use super::super::super::generate::Dice;
use super::super::super::model::{Among, Choose, Expr, Field, Json, Ref, Spanned, Style, Template};
use super::super::Expansion;
use super::{End, Item, Parent, names_of};
use crate::schema::TableShape;

impl<'a> Expansion<'a> {
    /// The items of a list. What is wrong with one is reported.
    pub(super) fn items(
        &mut self,
        parent: &Parent<'_, 'a>,
        of: &'a TableShape,
        file: usize,
        field: &'a Field,
        to: &End<'a>,
    ) -> Vec<Item> {
        let expr = &field.value;
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(is) => Some(is.to_string()),
            _ => None,
        };
        let mut items: Vec<Option<Spanned<Expr>>> = Vec::new();
        let label = |text: String| {
            let span = self.within(file, &expr.span(), &text);
            Some(Spanned::new(
                Expr::Scalar {
                    text: Template::text(text),
                    style: Style::Quoted,
                },
                span,
            ))
        };
        let part = |it: &Json| match it {
            Json::Constant(value) => text(value).and_then(label),
            Json::Text { text, style } => Some(Spanned::new(
                Expr::Scalar {
                    text: text.clone(),
                    style: *style,
                },
                expr.span(),
            )),
            Json::Tag(expr) => Some((**expr).clone()),
            Json::List(_) | Json::Map(_) => None,
        };
        let whole = || Some(expr.clone());
        match &expr.value {
            Expr::Unread | Expr::Null => {}
            Expr::Json(json) => match &**json {
                Value::Array(all) => items.extend(all.iter().map(|it| text(it).and_then(label))),
                _ => items.push(whole()),
            },
            Expr::Composed(json) => match &**json {
                Json::List(all) => items.extend(all.iter().map(part)),
                _ => items.push(whole()),
            },
            _ => items.push(whole()),
        }
        let mut done: Vec<Item> = Vec::new();
        let count = items.len();
        // What is drawn is none of the labels that are written, wherever in the list they stand.
        let names = self.names_of_list(parent, file);
        let written = items.iter().flatten().filter_map(|it| label_in(&names, it));
        let written: HashSet<String> = written.collect();
        for (number, item) in items.into_iter().enumerate() {
            let place = (number, count);
            let item = match item {
                Some(item) => self.item(
                    parent,
                    of,
                    file,
                    field,
                    to,
                    (item, place),
                    (done.as_slice(), &written),
                ),
                None => {
                    self.no_label(file, &expr.span(), field);
                    None
                }
            };
            done.extend(item);
        }
        done
    }

    fn no_label(&mut self, file: usize, span: &Range<usize>, field: &Field) {
        let name = &field.name.value;
        let message = format!("`{name}` is a list of labels, and this is none");
        let help = format!(
            "write `{name}: [first, second]`; rows with more columns stand below the join table"
        );
        self.error(file, span, "not-a-label", message, Some(help));
    }

    #[expect(clippy::too_many_arguments)]
    fn item(
        &mut self,
        parent: &Parent<'_, 'a>,
        of: &'a TableShape,
        file: usize,
        field: &'a Field,
        to: &End<'a>,
        (item, (number, count)): (Spanned<Expr>, (usize, usize)),
        (done, written): (&[Item], &HashSet<String>),
    ) -> Option<Item> {
        let names = self.names_of_list(parent, file);
        let mut dice = self.dice_of_list(parent, of, field, number);
        // No label is drawn twice in a list.
        let is_new =
            |label: &str| !written.contains(label) && !done.iter().any(|it| it.label == label);
        let mut drawn = chosen(&item, &mut dice);
        let is_drawn = matches!(item.value, Expr::Pick(_));
        for _ in 0..ATTEMPTS {
            match label_in(&names, drawn).filter(|_| is_drawn) {
                Some(label) if !is_new(&label) => drawn = chosen(&item, &mut dice),
                _ => break,
            }
        }
        let item = drawn;
        let span = item.span();
        let (table, text) = match &item.value {
            Expr::Scalar { text, .. } => (None, text),
            Expr::Ref(it) if it.column.is_none() => (Some(&it.table), &it.label),
            Expr::Among(it) if it.column.is_none() => (Some(&it.table), &it.pattern),
            _ => {
                self.no_label(file, &span, field);
                return None;
            }
        };
        let text = match names.fill(text) {
            Ok(text) => text.into_owned(),
            Err(unfit) => {
                self.unfit(file, &span, unfit);
                return None;
            }
        };
        let label = match &item.value {
            Expr::Among(among) => {
                let Among { choice, table, .. } = &**among;
                if self.shape.table(table).is_none() {
                    self.unknown_table(file, &span, table);
                    return None;
                }
                let all = self.labelled(parent.named.file, table, &text);
                let turn = parent.turn * count as u64 + number as u64;
                let mut attempts = 0..64 + 32 * all.len() as u64;
                let label = attempts.find_map(|attempt| {
                    let turn = match choice {
                        Choose::InTurn => turn + attempt,
                        Choose::Random => 0,
                    };
                    let (label, _) = all.choose(*choice, turn, Some(&mut dice))?;
                    is_new(label).then(|| label.to_string())
                });
                let Some(label) = label else {
                    if self.lacks_rows(table) {
                        return None;
                    }
                    let message = match all.len() {
                        0 => format!("no label of `{table}` looks like `{text}`"),
                        many => format!(
                            "`{table}` has only {many} labels like `{text}`, and this list wants more"
                        ),
                    };
                    let help = Some(format!("declare more rows of `{table}`"));
                    self.error(file, &span, "no-match", message, help);
                    return None;
                };
                label
            }
            _ => text,
        };
        let table = match to {
            End::Key { parent, .. } => table.or(Some(parent)),
            End::Soft(_) => table,
        };
        let value = match table {
            Some(table) if !to.refers_to(table) => {
                let name = &field.name.value;
                let message = format!("`{name}` does not refer to rows of `{table}`");
                let help = Some("refer to a row of the other table of the join table".to_owned());
                self.error(file, &span, "wrong-table", message, help);
                return None;
            }
            Some(table) => Expr::Ref(Box::new(Ref {
                table: table.clone(),
                label: Template::text(label.as_str()),
                column: None,
            })),
            None => Expr::Scalar {
                text: Template::text(label.as_str()),
                style: Style::Quoted,
            },
        };
        Some(Item { label, value, span })
    }

    /// What names in the items of a list stand for.
    fn names_of_list<'n>(&self, parent: &Parent<'n, 'a>, file: usize) -> Names<'n>
    where
        'a: 'n,
    {
        let vars = match (file == self.shared_file(), self.given.shared) {
            (true, Some(shared)) => &shared.settings.vars,
            _ => &self.files[parent.named.file].settings.vars,
        };
        names_of(parent.named, parent.label, vars)
    }

    /// The dice of an item of a list.
    fn dice_of_list(
        &self,
        parent: &Parent<'_, 'a>,
        of: &TableShape,
        field: &Field,
        number: usize,
    ) -> Dice {
        let file = parent.named.file;
        let made_as = self.given.made_as(file, of);
        let column = format!("{}[{number}]", field.name.value);
        dice(self.files[file], made_as, parent.label, &column, 0)
    }

    /// Where an item of a list stands: the list itself has no places of its items.
    fn within(&self, file: usize, span: &Range<usize>, item: &str) -> Range<usize> {
        let origin = self.origin(file, span);
        let written = origin
            .as_ref()
            .and_then(|it| it.source.text.get(it.span.clone()))
            .unwrap_or_default();
        let is_edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
        let whole = |(at, text): &(usize, &str)| {
            is_edge(written[..*at].chars().next_back())
                && is_edge(written[at + text.len()..].chars().next())
        };
        match written.match_indices(item).find(whole) {
            Some((at, _)) if !item.is_empty() => span.start + at..span.start + at + item.len(),
            _ => span.clone(),
        }
    }
}

/// The label that an item says by itself; none where it is drawn or is none.
fn label_in(names: &Names<'_>, item: &Spanned<Expr>) -> Option<String> {
    let text = match &item.value {
        Expr::Scalar { text, .. } => text,
        Expr::Ref(it) if it.column.is_none() => &it.label,
        _ => return None,
    };
    names.fill(text).ok().map(Cow::into_owned)
}
