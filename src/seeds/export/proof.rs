//! The file is read back as any seed is, for a database that has no row yet: what it amounts to must be what was read.
//! Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::mask::Masked;
use super::plain;
use super::refusal::Refusal;
use super::render::{Rendered, Taken};
use super::trial::MadeUp;
use crate::diagnostic::Diagnostic;
use crate::schema::Shape;
use crate::script::Source;
use crate::seeds::expand::expand;
use crate::seeds::found::Found;
use crate::seeds::given::Given;
use crate::seeds::identity::word;
use crate::seeds::inputs::{Clock, Variables};
use crate::seeds::link::link;
use crate::seeds::order::{Loop, order, references};
use crate::seeds::parse::parse;
use crate::sql::Value;

/// How many reasons are reported.
const TOLD: usize = 5;

/// The stand-ins for masked values; or why the file does not give the rows.
///
/// # Errors
/// All reasons, so many at most.
pub(super) fn prove(
    rendered: &Rendered,
    shape: &Shape,
    taken: &[Taken],
    masks: &[Masked],
) -> Result<Vec<MadeUp>, Vec<Refusal>> {
    let source = Arc::new(Source {
        name: "export".to_owned(),
        text: rendered.yaml.as_str().into(),
    });
    let (file, problems) = parse("export", source);
    if !problems.is_empty() {
        return Err(told(&problems));
    }
    let given = Given {
        variables: &Variables::Unknown,
        clock: &Clock::default(),
        attachments: &BTreeMap::new(),
        shared: None,
        others: &[],
        made_as: &[],
        columns: &[],
        gone: None,
        unsure: &[],
        drawn: &[],
        recorded: None,
    };
    let (mut rows, problems) = expand(&[&file], shape, &given);
    if !problems.is_empty() {
        return Err(told(&problems));
    }
    link(&mut rows, shape);
    let nothing = Found::new(&rows);
    let mut refusals = Vec::new();
    let labels = taken.iter().zip(&rendered.labels);
    let expected = labels.flat_map(|(it, labels)| {
        it.rows
            .iter()
            .zip(labels)
            .map(move |(values, label)| (it.table, values, label))
    });
    let mut made_up: Vec<MadeUp> = masks
        .iter()
        .map(|mask| MadeUp {
            mask: mask.clone(),
            values: Vec::new(),
        })
        .collect();
    let mut count = 0;
    for (at, (table, values, label)) in expected.enumerate() {
        count += 1;
        let of = &shape.tables[table];
        let name = format!("{}.{label}", of.name);
        if rows.rows.get(at).map(|row| rows.name(row, shape)) != Some(name.clone()) {
            refusals.push(Refusal::Unproven(format!("`{name}` is missing")));
            break;
        }
        for column in plain(of) {
            let (value, cell) = (&values[column], rows.rows[at].cell(column));
            let mut masks = made_up.iter_mut();
            let made_up = masks.find(|it| (it.mask.table, it.mask.column) == (table, column));
            let is_same = match cell {
                None => value.is_null() && of.columns[column].default.is_none(),
                Some(_) => match nothing.value(&rows, shape, at, column) {
                    Some(new) => match made_up {
                        Some(made_up) => {
                            let is_same = new.is_null() == value.is_null();
                            made_up.values.push(new);
                            is_same
                        }
                        None => same(&new, value),
                    },
                    None => false,
                },
            };
            if !is_same && refusals.len() < TOLD {
                let column = &of.columns[column].name;
                refusals.push(Refusal::Unproven(format!(
                    "`{column}` of `{name}` becomes another value"
                )));
            }
        }
    }
    if refusals.is_empty() && rows.rows.len() != count {
        refusals.push(Refusal::Unproven(
            "there are more rows than were read".to_owned(),
        ));
    }
    if refusals.is_empty() {
        let all: Vec<usize> = (0..rows.rows.len()).collect();
        let loops = order(&rows, shape, &all, &references(&rows, shape)).err();
        for Loop(path) in loops.unwrap_or_default() {
            let path = path.iter().chain(path.first());
            let names = path.map(|at| rows.name(&rows.rows[*at], shape));
            refusals.push(Refusal::Loop(names.collect()));
        }
    }
    match refusals.is_empty() {
        true => Ok(made_up),
        false => Err(refusals),
    }
}

fn same(one: &Value, other: &Value) -> bool {
    word(one) == word(other)
}

fn told(problems: &[Diagnostic]) -> Vec<Refusal> {
    let told = problems.iter().take(TOLD);
    told.map(|problem| Refusal::Unproven(problem.message.clone()))
        .collect()
}
