//! Files that hold both directions, divided by comments: goose, dbmate, sql-migrate. What a tool would refuse is refused.
//! Pure.

use std::ops::Range;
use std::sync::Arc;

use super::text::{Blanked, as_recorded, instructions};
use super::{Instruction, Layout, marker};
use crate::diagnostic::Diagnostic;
use crate::script::{Atomicity, Origin, Source};
use crate::sql::{Form, comment_lines, split};

/// How a tool divides its files.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// The tool, by its name in messages.
    tool: &'static str,
    /// Its marker of what applies.
    up: &'static str,
    /// Its marker of what undoes.
    down: &'static str,
    /// Whether a section may be continued further below.
    repeats: bool,
}

impl Rules {
    /// Those of a layout. goose: <https://pressly.github.io/goose/documentation/annotations/>; dbmate:
    /// <https://github.com/amacneil/dbmate#creating-migrations>; sql-migrate:
    /// <https://github.com/rubenv/sql-migrate#writing-migrations>.
    pub(super) fn of(layout: Layout) -> Rules {
        let (tool, up, down) = match layout {
            Layout::Dbmate => ("dbmate", "-- migrate:up", "-- migrate:down"),
            Layout::SqlMigrate => ("sql-migrate", "-- +migrate Up", "-- +migrate Down"),
            _ => ("goose", "-- +goose Up", "-- +goose Down"),
        };
        Rules {
            tool,
            up,
            down,
            repeats: layout == Layout::SqlMigrate,
        }
    }
}

/// One direction of a file.
#[derive(Debug)]
pub(super) struct Section {
    /// As long as the file.
    pub(super) text: String,
    pub(super) atomicity: Atomicity,
}

/// A file that was divided.
#[derive(Debug, Default)]
pub(super) struct Divided {
    pub(super) up: Option<Section>,
    pub(super) down: Option<Section>,
    pub(super) problems: Vec<Diagnostic>,
}

impl Section {
    /// What is recorded of it where it undoes.
    pub(super) fn recorded(&self) -> String {
        as_recorded(&self.text, self.atomicity)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Up,
    Down,
}

/// Divides a file. Comments above the first section belong to the one that applies: directives stand there.
pub(super) fn divide(source: &Arc<Source>, rules: &Rules) -> Divided {
    let Rules { tool, up, down, .. } = *rules;
    let whole = &*source.text;
    let mut problems = Vec::new();
    let mut problem = |span: &Range<usize>, message: String, help: String| {
        let origin = Origin {
            source: source.clone(),
            span: span.clone(),
        };
        problems.push(
            Diagnostic::problem("bad-section", message)
                .at(origin)
                .help(help),
        );
    };
    let lines = comment_lines(whole);
    let tools = [tool];
    let mut spans: Vec<(Direction, Range<usize>)> = Vec::new();
    let mut marks: Vec<(Range<usize>, &str)> = Vec::new();
    let mut bare = [false, false];
    let mut open: Option<Range<usize>> = None;
    for (line, found) in instructions(&lines, &tools) {
        let span = &line.span;
        let mut kept = "--";
        for instruction in found {
            match instruction {
                Instruction::Up | Instruction::Down => {
                    let (direction, marker) = match instruction {
                        Instruction::Up => (Direction::Up, up),
                        _ => (Direction::Down, down),
                    };
                    let before = spans.iter().any(|(it, _)| *it == direction);
                    match spans.last_mut() {
                        Some((_, last)) => last.end = span.start,
                        None if line.below_a_statement => {
                            let first = split(whole).ok().and_then(|all| all.into_iter().next());
                            problem(
                                &first.map_or(0..0, |first| first.span),
                                format!(
                                    "this statement stands above `{marker}`, so {tool} does not run it"
                                ),
                                format!("move it below `{up}`"),
                            );
                        }
                        None => {}
                    }
                    if before && !rules.repeats {
                        problem(
                            span,
                            format!("`{marker}` stands a second time in this file, which {tool} refuses"),
                            "put the statements below it into the section above, and remove this line".to_owned(),
                        );
                    }
                    if direction == Direction::Down && spans.is_empty() && !rules.repeats {
                        problem(
                            span,
                            format!("`{down}` stands above `{up}`, which {tool} refuses"),
                            format!("move the section `{down}` to the end of the file"),
                        );
                    }
                    spans.push((direction, span.start..whole.len()));
                }
                // goose takes both directions out of their transactions, the others the section that says so.
                Instruction::NoTransaction => match (tool, spans.last()) {
                    ("goose", _) | (_, None) => bare = [true, true],
                    (_, Some((Direction::Up, _))) => bare[0] = true,
                    (_, Some((Direction::Down, _))) => bare[1] = true,
                },
                Instruction::StatementBegin => open = Some(span.clone()),
                Instruction::StatementEnd => {
                    kept = ";";
                    if open.take().is_none() {
                        problem(
                            span,
                            "this StatementEnd has no StatementBegin above it".to_owned(),
                            "write StatementBegin above the statement, or remove this line"
                                .to_owned(),
                        );
                    }
                }
                Instruction::Substitute => {
                    let off = line.text.to_ascii_lowercase().ends_with("off");
                    if !off {
                        problem(
                            span,
                            format!("{tool} replaces variables of the environment here, and Seedbed does not"),
                            "write the values into the file, or apply this migration with goose before `adopt`".to_owned(),
                        );
                    }
                }
                Instruction::Include
                | Instruction::Condition
                | Instruction::Rollback
                | Instruction::Checkpoint
                | Instruction::Other => problem(
                    span,
                    format!(
                        "`{}` is an instruction that {tool} does not have",
                        line.text
                    ),
                    format!(
                        "the sections begin with `{up}` and `{down}`; correct the line, or remove it"
                    ),
                ),
            }
        }
        marks.push((span.clone(), kept));
    }
    // In a block comment a marker is none, to its tool as to a reader.
    for line in lines.iter().filter(|line| line.form == Form::Block) {
        if marker(line).is_some_and(|(of, _)| of == tool) {
            marks.push((line.span.clone(), ""));
        }
    }
    if let Some(begin) = open {
        problem(
            &begin,
            "this StatementBegin has no StatementEnd".to_owned(),
            "write StatementEnd below the statement".to_owned(),
        );
    }
    if !spans
        .iter()
        .any(|(direction, _)| *direction == Direction::Up)
    {
        problem(
            &(0..0),
            format!("this file has no section `{up}`, so {tool} would not apply it"),
            format!("write `{up}` above the statements that apply the migration"),
        );
    }
    let head = 0..spans.first().map_or(0, |(_, first)| first.start);
    let section = |wanted: Direction| {
        let mut of_it = spans
            .iter()
            .filter(|(direction, _)| *direction == wanted)
            .peekable();
        of_it.peek()?;
        let mut text = Blanked::nothing(whole);
        if wanted == Direction::Up {
            text.show(head.clone());
        }
        let of_it: Vec<&Range<usize>> = of_it.map(|(_, span)| span).collect();
        for span in &of_it {
            text.show((*span).clone());
        }
        let is_shown = |mark: &Range<usize>| {
            of_it.iter().any(|span| span.contains(&mark.start))
                || wanted == Direction::Up && head.contains(&mark.start)
        };
        for (mark, kept) in marks.iter().filter(|(mark, _)| is_shown(mark)) {
            text.replace(mark.clone(), kept);
        }
        let is_bare = match wanted {
            Direction::Up => bare[0],
            Direction::Down => bare[1],
        };
        Some(Section {
            text: text.text(),
            atomicity: match is_bare {
                true => Atomicity::Bare,
                false => Atomicity::default(),
            },
        })
    };
    Divided {
        up: section(Direction::Up),
        down: section(Direction::Down),
        problems,
    }
}

#[cfg(test)]
mod tests;
