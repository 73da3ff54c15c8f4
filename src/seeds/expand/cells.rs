//! The content of one cell: a value of its own, a reference to another row, or JSON of both.

use std::ops::Range;
use std::sync::Arc;

use super::super::cell::{Names, evaluate};
use super::super::draw::{chosen, dice, drawn, is_drawn};
use super::super::generate::Dice;
use super::super::held::Held;
use super::super::instead::Instead;
use super::super::labels::names;
use super::super::model::{Expr, Json, Ref, Spanned, Style, Template};
use super::super::parse::core;
use super::super::row::{self, Cell, Composed, Content, Nature};
use super::super::slug::slug;
use super::super::typed::{Unfit, typed};
use crate::schema::{Affinity, Column, ColumnKind, ForeignKey, Strictness, TableShape};
use crate::sql::Value;

use super::ids::made_id;
use super::names::short_name;
use super::{Expansion, Found, LabelOf};

/// Where a value is to stand.
#[derive(Clone, Copy)]
pub(super) struct Place<'p, 'a> {
    /// The file of the row.
    pub(super) file: usize,
    pub(super) of: &'p TableShape,
    pub(super) found: &'p Found<'a>,
    pub(super) names: &'p Names<'p>,
}

impl Place<'_, '_> {
    pub(super) fn column(&self) -> &Column {
        &self.of.columns[self.found.column]
    }

    pub(super) fn strictness(&self) -> Strictness {
        self.of.strictness_of(self.found.column)
    }
}

impl Place<'_, '_> {
    /// The column by which values are drawn: the type of a reference follows the draw of the reference.
    fn drawn_in(&self) -> &Column {
        match self.found.label_of {
            Some(LabelOf::Type { column, .. }) => &self.of.columns[column],
            _ => self.column(),
        }
    }
}

/// What a part of JSON adds to the whole.
#[derive(Default)]
struct Parts {
    volatile: bool,
    hides: bool,
    refers: bool,
    unknown: bool,
}

impl<'a> Expansion<'a> {
    pub(super) fn cell(&mut self, place: &Place<'_, 'a>) -> Option<(Content, Nature)> {
        let expr = place.found.value;
        match is_drawn(&expr.value) {
            true => self.value(place, expr, Some(&mut self.dice(place, 0))),
            false => self.value(place, expr, None),
        }
    }

    /// The dice of a cell.
    pub(super) fn dice(&self, place: &Place<'_, 'a>, attempt: u32) -> Dice {
        dice(
            self.files[place.file],
            self.given.made_as(place.file, place.of),
            place.names.label.unwrap_or_default(),
            self.given
                .drawn_as(place.file, place.of, &place.drawn_in().name),
            attempt,
        )
    }

    /// What an expression comes to in a cell. What is drawn needs dice.
    pub(super) fn value(
        &mut self,
        place: &Place<'_, 'a>,
        expr: &'a Spanned<Expr>,
        mut dice: Option<&mut Dice>,
    ) -> Option<(Content, Nature)> {
        let expr = match &mut dice {
            Some(dice) => chosen(expr, dice),
            None => expr,
        };
        let Place { of, found, .. } = *place;
        let span = &expr.span();
        let soft = self.soft_of(found, of);
        let typed = match found.label_of {
            Some(LabelOf::Soft { typed, .. }) => typed,
            Some(LabelOf::Type { .. }) => return self.type_value(place, soft?, expr),
            _ => None,
        };
        let done = |(row, column)| (Content::Reference { row, column }, Nature::Fixed);
        match (&expr.value, found.label_of) {
            (Expr::Scalar { text, .. }, Some(LabelOf::Key(key))) => {
                let key = &of.foreign_keys[key];
                let target = key.parent_columns.first().map(String::as_str);
                let label = self.filled(place, text, span)?;
                return self
                    .reference(found.file, span, &key.parent, &label, target, false)
                    .map(done)
                    .or_else(|| self.gone(&key.parent, &label, target));
            }
            (Expr::Scalar { text, style }, Some(LabelOf::Soft { .. })) if *style != Style::Text => {
                return self.soft_label(place, soft?, text, span, typed).map(done);
            }
            (Expr::Ref(_) | Expr::Among(_), _) => {
                let table = expr.value.refers_to()?;
                let by_key = of.foreign_keys.iter().find_map(|key| {
                    let at = key.columns.iter().position(|it| *it == found.column)?;
                    let is_it = key.parent.eq_ignore_ascii_case(table);
                    is_it.then(|| key.parent_columns.get(at)).flatten()
                });
                let by_refs = match soft {
                    Some(soft) => self.fits_refs(place, soft, table, span, typed)?,
                    None => None,
                };
                let target = by_key.map(String::as_str).or(by_refs);
                let Expr::Ref(refers) = &expr.value else {
                    return self.among(place, expr, target, dice).map(done);
                };
                let label = self.filled(place, &refers.label, span)?;
                let target = refers.column.as_deref().or(target);
                return self
                    .reference(found.file, span, table, &label, target, true)
                    .map(done)
                    .or_else(|| self.gone(table, &label, target));
            }
            (Expr::Null | Expr::Env(_), _) => {}
            (_, Some(LabelOf::Key(key))) => {
                let parent = &of.foreign_keys[key].parent;
                let message = format!("a label of `{parent}` is expected here");
                let column = &place.column().name;
                let help = format!(
                    "write the label of a row of `{parent}`; `{column}` takes any other value"
                );
                self.error(found.file, span, "not-a-label", message, Some(help));
                return None;
            }
            (value, Some(LabelOf::Soft { .. })) if !matches!(value, Expr::Scalar { .. }) => {
                let help = "write a label, a `!ref`, or `!!str` before a value that is none";
                let unfit = Unfit {
                    code: "not-a-label",
                    message: "the label of a row is expected here".to_owned(),
                    help: Some(Instead::from(help).in_files("write a label", "write a label")),
                };
                self.unfit(found.file, span, unfit);
                return None;
            }
            _ => {}
        }
        let (column, strictness) = (place.column(), place.strictness());
        let file = self.files[place.file];
        let drawn = match &mut dice {
            Some(dice) => drawn(&expr.value, column, strictness, file, self.given, dice),
            None => None,
        };
        let done = match (drawn, &expr.value) {
            (Some(drawn), _) => drawn,
            (None, Expr::Composed(json)) => return self.composed(place, expr, json, dice),
            (None, _) => evaluate(expr, column, strictness, place.names, file, self.given),
        };
        match done {
            Ok(done) => Some(done),
            Err(unfit) => {
                self.misfit(place, expr, unfit);
                None
            }
        }
    }

    /// Reports a value that does not fit. The name of a row in a column that refers to rows is a label.
    fn misfit(&mut self, place: &Place<'_, 'a>, expr: &Spanned<Expr>, mut unfit: Unfit) {
        let keys = &place.of.foreign_keys;
        let key = keys.iter().find(|key| key.columns == [place.found.column]);
        if let (Some(key), Expr::Scalar { text, .. }) = (key, &expr.value)
            && let Ok(text) = place.names.fill(text)
            && unfit.code == "wrong-type"
        {
            let parent = &key.parent;
            let help = match self.labels.find(parent, &text) {
                Some(_) => format!("did you mean `!ref {parent}.{text}`?"),
                None => format!("a row of `{parent}` is named by its label: `!ref {parent}.label`"),
            };
            let in_files = by_short_name(place.of, key);
            unfit.help = Some(Instead::from(help).in_files(in_files.clone(), in_files));
        }
        self.unfit(place.found.file, &expr.span(), unfit);
    }

    /// A text with its names replaced; none where one has no value, which is reported.
    pub(super) fn filled(
        &mut self,
        place: &Place<'_, 'a>,
        text: &Template,
        span: &Range<usize>,
    ) -> Option<String> {
        match place.names.fill(text) {
            Ok(text) => Some(text.into_owned()),
            Err(unfit) => {
                self.unfit(place.found.file, span, unfit);
                None
            }
        }
    }

    /// JSON in which a row fills in parts.
    fn composed(
        &mut self,
        place: &Place<'_, 'a>,
        expr: &'a Spanned<Expr>,
        json: &'a Json,
        mut dice: Option<&mut Dice>,
    ) -> Option<(Content, Nature)> {
        let mut parts = Parts::default();
        let json = self.json(place, json, &expr.span(), &mut dice, &mut parts)?;
        let nature = match (parts.volatile, parts.hides) {
            (true, _) => Nature::Volatile,
            (false, true) => Nature::Environment,
            (false, false) => Nature::Fixed,
        };
        if parts.unknown {
            return Some((Content::Unknown, nature));
        }
        // Whatever it comes to, the column must take it.
        let known = json.filled(&|_, _| Some(Value::Null)).unwrap_or_default();
        let constant = Spanned::new(Expr::Json(Box::new(known)), expr.span());
        let file = self.files[place.file];
        let (column, strictness) = (place.column(), place.strictness());
        match evaluate(&constant, column, strictness, place.names, file, self.given) {
            Ok((content, _)) if !(parts.refers || parts.volatile && parts.hides) => {
                Some((content, nature))
            }
            Ok(_) => {
                let hides = parts.hides;
                Some((Content::Json(Arc::new(Composed { json, hides })), nature))
            }
            Err(unfit) => {
                self.misfit(place, expr, unfit);
                None
            }
        }
    }

    fn json(
        &mut self,
        place: &Place<'_, 'a>,
        json: &'a Json,
        span: &Range<usize>,
        dice: &mut Option<&mut Dice>,
        parts: &mut Parts,
    ) -> Option<row::Json> {
        Some(match json {
            Json::Constant(value) => row::Json::Value(value.clone()),
            Json::Text { text, style } => {
                let text = self.filled(place, text, span)?;
                row::Json::Value(json_of_text(text, *style))
            }
            Json::List(items) => {
                let mut all = Vec::with_capacity(items.len());
                for item in items {
                    all.push(self.json(place, item, span, dice, parts));
                }
                row::Json::List(all.into_iter().collect::<Option<_>>()?)
            }
            Json::Map(entries) => {
                let mut all = Vec::with_capacity(entries.len());
                for (name, value) in entries {
                    let value = self.json(place, value, span, dice, parts);
                    all.push(value.map(|value| (name.clone(), value)));
                }
                row::Json::Map(all.into_iter().collect::<Option<_>>()?)
            }
            Json::Tag(expr) => self.tag(place, expr, dice, parts)?,
        })
    }

    /// A tag in JSON.
    fn tag(
        &mut self,
        place: &Place<'_, 'a>,
        expr: &'a Spanned<Expr>,
        dice: &mut Option<&mut Dice>,
        parts: &mut Parts,
    ) -> Option<row::Json> {
        let expr = match dice {
            Some(dice) => chosen(expr, dice),
            None => expr,
        };
        let constant = |value| Some(row::Json::Value(value));
        match &expr.value {
            Expr::Null => return constant(serde_json::Value::Null),
            Expr::Json(value) => return constant((**value).clone()),
            Expr::Composed(json) => return self.json(place, json, &expr.span(), dice, parts),
            Expr::Scalar { text, style } => {
                let text = self.filled(place, text, &expr.span())?;
                return constant(json_of_text(text, *style));
            }
            Expr::Ref(it) => {
                let Ref {
                    table,
                    label,
                    column,
                } = &**it;
                parts.refers = true;
                let label = self.filled(place, label, &expr.span())?;
                let (file, column) = (place.found.file, column.as_deref());
                return self
                    .reference(file, &expr.span(), table, &label, column, true)
                    .map(|(row, column)| row::Json::Reference { row, column });
            }
            Expr::Among(_) => {
                parts.refers = true;
                return self
                    .among(place, expr, None, dice.as_deref_mut())
                    .map(|(row, column)| row::Json::Reference { row, column });
            }
            _ => {}
        }
        // Times and what comes from outside are texts, and numbers that are drawn are numbers.
        let affinity = match expr.value {
            Expr::Int(..) => Affinity::Integer,
            Expr::Decimal(_) => Affinity::Real,
            _ => Affinity::Text,
        };
        let column = Column {
            declared: String::new(),
            affinity,
            ..place.column().clone()
        };
        let file = self.files[place.file];
        let flexible = Strictness::Flexible;
        let drawn = match dice {
            Some(dice) => drawn(&expr.value, &column, flexible, file, self.given, dice),
            None => None,
        };
        let done = drawn
            .unwrap_or_else(|| evaluate(expr, &column, flexible, place.names, file, self.given));
        match done {
            Ok((content, nature)) => {
                parts.volatile |= nature == Nature::Volatile;
                parts.hides |= nature == Nature::Environment;
                match content {
                    Content::Known(value) => row::as_json(value.into()).map(row::Json::Value),
                    _ => {
                        parts.unknown = true;
                        constant(serde_json::Value::Null)
                    }
                }
            }
            Err(unfit) => {
                self.unfit(place.found.file, &expr.span(), unfit);
                None
            }
        }
    }

    /// The slug of another column of the row. Where another row has it, a few characters are added.
    pub(super) fn slug(
        &mut self,
        place: &Place<'_, 'a>,
        row: usize,
        of: &str,
        attempt: u32,
        dice: &mut Dice,
    ) -> Option<(Content, Nature)> {
        let span = &place.found.value.span();
        let source = self.column(place.found.file, place.of, of, span, &[])?;
        let cell = self.rows.rows[row].cell(source).cloned();
        let name = &place.of.columns[source].name;
        let label = place.names.label.unwrap_or_default();
        let why = match cell {
            _ if source == place.found.column => "is the column itself",
            None => "has no value in the seed",
            Some(Cell {
                content, nature, ..
            }) => {
                let text = match content {
                    Content::Unknown => return Some((Content::Unknown, nature)),
                    Content::Known(Held::Integer(number)) => number.to_string(),
                    Content::Known(held) => held.as_str().map(slug).unwrap_or_default(),
                    _ => String::new(),
                };
                if !text.is_empty() {
                    let text = match attempt {
                        0 => text,
                        _ => format!("{text}-{}", dice.base36(4)),
                    };
                    let (column, strictness) = (place.column(), place.strictness());
                    return match typed(text.into(), Style::Quoted, column, strictness) {
                        Ok(value) => Some((Content::Known(value.into()), nature)),
                        Err(unfit) => {
                            self.unfit(place.found.file, span, unfit);
                            None
                        }
                    };
                }
                "holds no text of letters or digits"
            }
        };
        let message = format!("row `{label}` has no slug: column `{name}` {why}");
        let help = "give the row a text there, or write the slug out".to_owned();
        self.error(place.found.file, span, "no-slug", message, Some(help));
        None
    }

    /// Reports what is wrong with the values of a `!pick`, those that other rows choose too.
    pub(super) fn choices(&mut self, place: &Place<'_, 'a>, expr: &'a Spanned<Expr>) {
        match &expr.value {
            Expr::Pick(items) => {
                for (item, _) in items {
                    self.choices(place, item);
                }
            }
            _ => {
                let mut dice = self.dice(place, 0);
                self.value(place, expr, Some(&mut dice));
            }
        }
    }

    pub(super) fn reference(
        &mut self,
        file: usize,
        span: &Range<usize>,
        table: &str,
        label: &str,
        column: Option<&str>,
        written: bool,
    ) -> Option<(usize, usize)> {
        let shape = self.shape;
        let part = |at: usize| match written {
            true => self.part(file, span, at),
            false => span.clone(),
        };
        let [of_table, of_label, of_column] = [0, 1, 2].map(part);
        let Some(of) = shape.table(table) else {
            self.unknown_table(file, &of_table, table);
            return None;
        };
        let column = self.target_column(file, (span, &of_column), of, column, label)?;
        let Some(row) = self.labels.find(table, label) else {
            // It may be in a file of rows that could not be read, which is reported there.
            if self.lacks_rows(table) {
                return None;
            }
            let help = match self.elsewhere(table, label) {
                Some(words) => Some(words),
                None => {
                    let nearest = self.labels.nearest(table, label);
                    Some(nearest.map_or_else(
                        || format!("declare a row `{label}` below `{table}`, or name another one"),
                        |it| format!("did you mean `{it}`?"),
                    ))
                }
            };
            let message = format!("`{table}` has no label `{label}`");
            self.error(file, &of_label, "unknown-label", message, help);
            return None;
        };
        // A row of a table that is not understood has had its problem.
        Some((self.place[row]?, column))
    }

    /// In a recorded text, the id of a row that no text declares any more: what is remembered of it, or what was made for its
    /// label.
    fn gone(&self, table: &str, label: &str, column: Option<&str>) -> Option<(Content, Nature)> {
        let gone = self.given.gone?;
        let of = self.shape.table(table)?;
        let [key] = of.primary_key[..] else {
            return None;
        };
        let is_key = column.is_none_or(|column| of.column(column) == Some(key));
        if !is_key || self.labels.find(table, label).is_some() {
            return None;
        }
        let remembered = gone.get(&(of.name.to_ascii_lowercase(), label.to_owned()));
        let id = remembered.cloned();
        let id = id.or_else(|| made_id(of, key, &of.name, label))?;
        let id = of.columns[key].affinity.stored(id);
        Some((Content::Known(id.into()), Nature::Fixed))
    }

    /// The column to which a reference leads. `of_column` is where its name stands.
    pub(super) fn target_column(
        &mut self,
        file: usize,
        (span, of_column): (&Range<usize>, &Range<usize>),
        of: &TableShape,
        column: Option<&str>,
        label: &str,
    ) -> Option<usize> {
        Some(match column {
            Some(name) => {
                let column = self.column(file, of, name, of_column, &[])?;
                if of.columns[column].origin != ColumnKind::Plain {
                    let message = format!(
                        "column `{name}` is computed by the table, and cannot be referred to"
                    );
                    let help = Some("refer to a column that the row itself writes".to_owned());
                    self.error(file, of_column, "computed-column", message, help);
                    return None;
                }
                column
            }
            None => match of.primary_key[..] {
                [key] => key,
                _ => {
                    let message = format!("`{}` has no primary key of one column", of.name);
                    let help = format!("name the column: `{}.{label}.column`", of.name);
                    self.error(file, span, "which-column", message, Some(help));
                    return None;
                }
            },
        })
    }

    /// Whether rows of this table could not be read.
    pub(super) fn lacks_rows(&self, table: &str) -> bool {
        self.files.iter().any(|file| file.lacks_rows(table))
    }

    /// One of the parts of `table.label.column`, where they stand; all of it where they are written otherwise.
    pub(super) fn part(&self, file: usize, span: &Range<usize>, part: usize) -> Range<usize> {
        let origin = self.origin(file, span);
        let written = origin
            .as_ref()
            .and_then(|it| it.source.text.get(it.span.clone()))
            .unwrap_or_default();
        // The span begins with the tag.
        let tags = ["!ref", "!pick", "!each"];
        let tag = tags.into_iter().find(|tag| written.starts_with(tag));
        let name = written
            .trim_start_matches(tag.unwrap_or("!ref"))
            .trim_start();
        let mut start = span.start + (written.len() - name.len());
        let written = name;
        for (at, text) in written.split('.').enumerate() {
            if at == part && !written.starts_with(['"', '\'', '&', '*']) {
                return start..start + text.len();
            }
            start += text.len() + 1;
        }
        span.clone()
    }

    /// Where a label is that no chosen file has.
    pub(super) fn elsewhere(&self, table: &str, label: &str) -> Option<String> {
        let (_, labels) = names(self.given.others, &mut Vec::new());
        labels.find(table, label)?;
        let file = self.given.others.iter().find(|file| {
            let (_, labels) = names(&[file], &mut Vec::new());
            labels.find(table, label).is_some()
        })?;
        let tags: Vec<&str> = file
            .settings
            .tags
            .iter()
            .map(|it| it.value.as_str())
            .collect();
        Some(match tags.first() {
            Some(tag) => format!(
                "it is in {}, which comes with `--tag {tag}`",
                file.source.name
            ),
            None => format!(
                "it is in {}, which is for another environment",
                file.source.name
            ),
        })
    }
}

/// How a file of rows refers to a row of another table.
pub(in crate::seeds) fn by_short_name(of: &TableShape, key: &ForeignKey) -> String {
    match short_name(of, key) {
        Some(short) => format!(
            "the label of a row of `{}` stands under the name `{short}`",
            key.parent
        ),
        None => format!(
            "declare `_refs: {{{}: {}}}` in the seed, and the label of a row stands here",
            of.columns[key.columns[0]].name, key.parent
        ),
    }
}

/// A filled text as JSON: without quotes, as if it had been written so.
fn json_of_text(text: String, style: Style) -> serde_json::Value {
    let core = match style {
        Style::Plain => core(&text).ok().flatten(),
        Style::Quoted | Style::Text => None,
    };
    core.unwrap_or_else(|| text.into())
}
