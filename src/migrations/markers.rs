//! Instructions to other tools: files of goose, dbmate, sql-migrate and others hold both directions in one file, and
//! comments divide them. To Seedbed they are comments, so it would run a file and then what undoes it. Pure.

use std::sync::Arc;

use super::headings::{self, Direction, headings};
use super::meant::is_down_name;
use super::problem::{AS_RECORDED, file_name};
use crate::diagnostic::{Diagnostic, Location};
use crate::layouts::{Instruction, LIQUIBASE, file_of_an_archive, marker, within_liquibase};
use crate::script::{Origin, Source};
use crate::sql::{CommentLine, Form, comment_lines, mentions};

/// A file that holds instructions to another tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WrittenFor {
    /// The tool.
    tool: &'static str,
    /// At least one, in order.
    markers: Vec<Marker>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Marker {
    instructions: Vec<Instruction>,
    origin: Origin,
}

/// Every marker holds one of these, in lower case.
const WORDS: &[&str] = &[
    "+goose",
    "+migrate",
    "+micrate",
    "migrate:",
    "migrate :",
    "transaction",
    "txmode",
    "rambler",
    "!ups",
    "@undo",
    "drop below",
    "tern:",
    "atlas:txtar",
    "atlas:checkpoint",
    "liquibase",
    "changeset",
    "evolve-tx",
    "!include",
    "! include",
];

/// How many markers are named.
const NAMED: usize = 8;

/// The code of a file that is written for another tool.
pub(super) const OTHER_TOOL: &str = "other-tool";

/// The tool that a file holds instructions to, if it holds any. Strings and quoted names are not looked at.
pub(super) fn written_for(source: &Arc<Source>) -> Option<WrittenFor> {
    if !mentions(&source.text, WORDS) && !mentions(&source.text, headings::WORDS) {
        return None;
    }
    let lines = comment_lines(&source.text);
    let is_archive = |line: &CommentLine<'_>| line.text.eq_ignore_ascii_case("atlas:txtar");
    let archive = lines.iter().any(is_archive);
    let is_liquibase = lines
        .iter()
        .any(|line| marker(line).is_some_and(|(tool, _)| tool == LIQUIBASE));
    let mut tool = None;
    let mut markers: Vec<Marker> = Vec::new();
    for line in lines.iter().filter(|line| could_be_a_marker(line)) {
        let found = marker(line).or_else(|| archive.then(|| file_of_an_archive(line)).flatten());
        let found = found.or_else(|| is_liquibase.then(|| within_liquibase(line)).flatten());
        let Some((of, instructions)) = found else {
            continue;
        };
        tool.get_or_insert(of);
        markers.push(Marker::new(source, line, instructions));
    }
    let divides = |marker: &Marker| {
        let is_direction = |it: &Instruction| matches!(it, Instruction::Up | Instruction::Down);
        marker.instructions.iter().any(is_direction)
    };
    if !markers.iter().any(divides) {
        let headings = headings(&source.text, &lines, is_down_name(&source.name));
        markers.extend(headings.into_iter().map(|(line, direction)| {
            let instruction = match direction {
                Direction::Up => Instruction::Up,
                Direction::Down => Instruction::Down,
            };
            Marker::new(source, line, vec![instruction])
        }));
        markers.sort_by_key(|marker| marker.origin.span.start);
    }
    (!markers.is_empty()).then(|| WrittenFor {
        tool: tool.unwrap_or("another tool"),
        markers,
    })
}

/// Tools look for their markers at the beginning of a line. In a block comment, a marker is all that it has: among other
/// words it is a mention.
fn could_be_a_marker(line: &CommentLine<'_>) -> bool {
    let whole = line.alone && line.text.split_whitespace().count() <= 2;
    line.starts_line && (line.form == Form::Line || whole)
}

impl Marker {
    fn new(source: &Arc<Source>, line: &CommentLine<'_>, instructions: Vec<Instruction>) -> Marker {
        let whole = &source.text[line.comment.clone()];
        let span = match whole.contains('\n') {
            true => &line.span,
            false => &line.comment,
        };
        Marker {
            instructions,
            origin: Origin {
                source: source.clone(),
                span: span.clone(),
            },
        }
    }

    fn text(&self) -> &str {
        let Origin { source, span } = &self.origin;
        source.text[span.clone()].trim_end()
    }
}

impl WrittenFor {
    fn first(&self, instruction: Instruction) -> Option<&Marker> {
        self.markers
            .iter()
            .find(|marker| marker.instructions.contains(&instruction))
    }

    /// A file that would not run as its author meant.
    pub(super) fn diagnostic(&self) -> Diagnostic {
        let file = self.file();
        let help = match file.strip_suffix(AS_RECORDED) {
            Some(file) => format!(
                "correct the down file ({}); then `repair` records it",
                self.cure(file_name(file))
            ),
            None => self.cure(file_name(file)),
        };
        let first = self.markers.first();
        Diagnostic {
            location: first.map(|marker| Location::Source(marker.origin.clone())),
            ..Diagnostic::problem(OTHER_TOOL, self.why())
        }
        .notes(self.listed("further markers at", 1))
        .help(help)
    }

    /// The markers behind the first `skipped`, one a line.
    pub(super) fn listed(&self, title: &str, skipped: usize) -> Option<String> {
        let rest = self.markers.get(skipped..).unwrap_or_default();
        let place = |marker: &Marker| {
            let location = Location::Source(marker.origin.clone());
            format!("{location} {}", marker.text())
        };
        let mut lines: Vec<String> = rest.iter().take(NAMED).map(place).collect();
        if let more @ 1.. = rest.len().saturating_sub(NAMED) {
            lines.push(format!("and {more} more"));
        }
        (!lines.is_empty()).then(|| format!("{title}\n{}", lines.join("\n")))
    }

    /// The file.
    fn file(&self) -> &str {
        self.markers
            .first()
            .map_or("", |marker| &marker.origin.source.name)
    }

    fn is_down(&self) -> bool {
        is_down_name(self.file())
    }

    /// What would go wrong, as a sentence about the file.
    pub(super) fn why(&self) -> String {
        let tool = self.tool;
        let has = |instruction| self.first(instruction).is_some();
        if has(Instruction::Down) && (has(Instruction::Up) || !self.is_down()) {
            return format!(
                "this file is written for {tool}: its markers are comments to Seedbed, so the statements that apply the \
                 migration and those that undo it would all run"
            );
        }
        if let Some(marker) = self.first(Instruction::NoTransaction) {
            return format!(
                "this file is written for {tool}: `{}` is a comment to Seedbed, so the file would run in a transaction",
                marker.text()
            );
        }
        if let Some(marker) = self.first(Instruction::Include) {
            return format!(
                "this file is written for {tool}: `{}` is a comment to Seedbed, so the file that it names would not run",
                marker.text()
            );
        }
        if let Some(marker) = self.first(Instruction::Checkpoint) {
            return format!(
                "this file is written for {tool}: `{}` makes it a checkpoint, which creates the whole schema and runs in new \
                 databases only. It is a comment to Seedbed, so the file would also run after the migrations before it",
                marker.text()
            );
        }
        if let Some(marker) = self.first(Instruction::Condition) {
            return format!(
                "this file is written for {tool}: `{}` is a comment to Seedbed, so the statements below it would run in every \
                 database",
                marker.text()
            );
        }
        if self.first(Instruction::Substitute).is_some() {
            return format!(
                "this file is written for {tool}: its markers are comments to Seedbed, and variables are not replaced"
            );
        }
        format!("this file is written for {tool}: its markers are comments to Seedbed")
    }

    /// What to do, where the file is to be called `up`.
    pub(super) fn cure(&self, up: &str) -> String {
        let mut steps = Vec::new();
        let alone = self.is_down() && self.first(Instruction::Up).is_none();
        if let Some(marker) = self.first(Instruction::Down)
            && !alone
        {
            let statements = match self.first(Instruction::Up) {
                Some(up) if up.origin.span.start > marker.origin.span.start => {
                    format!("between `{}` and `{}`", marker.text(), up.text())
                }
                _ => format!("below `{}`", marker.text()),
            };
            steps.push(match up.strip_suffix(".sql") {
                _ if self.is_down() => "keep only the statements that undo the migration".to_owned(),
                _ if up.starts_with("R__") => format!("remove the statements {statements}"),
                Some("up") => format!(
                    "put the statements {statements} into down.sql and the others into {up}"
                ),
                Some(stem) if stem.ends_with(".up") => format!(
                    "put the statements {statements} into {}.down.sql and the others into {up}",
                    stem.trim_end_matches(".up")
                ),
                Some(stem) => format!(
                    "put the statements {statements} into {stem}.down.sql and the others into {up}"
                ),
                None => format!(
                    "put the statements {statements} into V{{n}}__{{words}}.down.sql and the others into {up}"
                ),
            });
        }
        if self.first(Instruction::Substitute).is_some() {
            steps.push("write each value in place of its variable".to_owned());
        }
        if self.first(Instruction::Include).is_some() {
            steps.push("put the statements of each included file in its place".to_owned());
        }
        if self.first(Instruction::Checkpoint).is_some() {
            return "delete this file: the migrations before it make the same schema".to_owned();
        }
        if self.first(Instruction::Condition).is_some() {
            steps.push("remove the statements that not every database is to run".to_owned());
        }
        if self.first(Instruction::Rollback).is_some() {
            let down = match up.strip_suffix(".sql") {
                Some(stem) => format!("{stem}.down.sql"),
                None => "V{n}__{words}.down.sql".to_owned(),
            };
            steps.push(format!(
                "put the statements of each `rollback` into {down}, the last one first"
            ));
        }
        if self.first(Instruction::NoTransaction).is_some() {
            steps.push("write `-- seedbed: no-transaction` as the first line".to_owned());
        }
        steps.push(match self.markers.len() {
            1 => "delete the marker".to_owned(),
            _ => "delete the markers".to_owned(),
        });
        match steps.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{}, and {last}", others.join(", ")),
            None => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<WrittenFor> {
        written_for(&Arc::new(Source {
            name: "V1__a.sql".to_owned(),
            text: text.into(),
        }))
    }

    #[test]
    fn every_marker_names_its_tool_and_what_it_asks() {
        use Instruction::{
            Checkpoint, Condition, Down, Include, NoTransaction, Other, StatementBegin,
            StatementEnd, Substitute, Up,
        };
        for (text, tool, instructions) in [
            ("-- +goose Up", "goose", vec![Up]),
            ("--+goose up", "goose", vec![Up]),
            ("  --   +GOOSE    DOWN  ", "goose", vec![Down]),
            ("/* +goose Down */", "goose", vec![Down]),
            ("/*\n * +goose Down\n */", "goose", vec![Down]),
            ("-- +goose StatementBegin", "goose", vec![StatementBegin]),
            ("-- +goose statementend", "goose", vec![StatementEnd]),
            ("-- +goose NO TRANSACTION", "goose", vec![NoTransaction]),
            ("-- +goose no  transaction", "goose", vec![NoTransaction]),
            ("-- +goose ENVSUB ON", "goose", vec![Substitute]),
            ("-- +goose ENVSUB OFF", "goose", vec![Substitute]),
            ("-- migrate:up", "dbmate", vec![Up]),
            ("--migrate:down", "dbmate", vec![Down]),
            ("-- Migrate: Up", "dbmate", vec![Up]),
            (
                "-- migrate:up transaction:false",
                "dbmate",
                vec![Up, NoTransaction],
            ),
            (
                "-- migrate:down  transaction:FALSE",
                "dbmate",
                vec![Down, NoTransaction],
            ),
            ("-- migrate:up transaction:true", "dbmate", vec![Up]),
            ("-- transaction:false", "dbmate", vec![NoTransaction]),
            ("-- transaction: no", "geni", vec![NoTransaction]),
            ("-- +migrate Up", "sql-migrate", vec![Up]),
            ("-- +migrate Down", "sql-migrate", vec![Down]),
            (
                "-- +migrate Up notransaction",
                "sql-migrate",
                vec![Up, NoTransaction],
            ),
            (
                "-- +migrate StatementBegin",
                "sql-migrate",
                vec![StatementBegin],
            ),
            ("-- no-transaction", "sqlx", vec![NoTransaction]),
            ("-- no-transaction: VACUUM", "sqlx", vec![NoTransaction]),
            ("-- no-transaction (VACUUM)", "sqlx", vec![NoTransaction]),
            ("--no-transaction", "sqlx", vec![NoTransaction]),
            ("-- +micrate Down", "micrate", vec![Down]),
            ("-- rambler down", "rambler", vec![Down]),
            ("-- !Downs", "Play", vec![Down]),
            ("-- //@UNDO", "MyBatis Migrations", vec![Down]),
            ("--@UNDO", "MyBatis Migrations", vec![Down]),
            ("-- @undo", "MyBatis Migrations", vec![Down]),
            ("-- atlas:txmode none", "Atlas", vec![NoTransaction]),
            ("-- atlas:txtar", "Atlas", vec![Other]),
            ("---- create above / drop below ----", "tern", vec![Down]),
            ("---- tern: disable-tx ----", "tern", vec![NoTransaction]),
            ("-- transactional: false", "yoyo", vec![NoTransaction]),
            (
                "--! no-transaction",
                "graphile-migrate",
                vec![NoTransaction],
            ),
            ("--!include views/a.sql", "graphile-migrate", vec![Include]),
            ("--! include views/a.sql", "graphile-migrate", vec![Include]),
            ("-- :disable-transaction", "migratus", vec![NoTransaction]),
            ("-- evolve-tx-off", "Evolve", vec![NoTransaction]),
            (
                "--changeset me:1 runInTransaction:false",
                "Liquibase",
                vec![NoTransaction],
            ),
            ("--liquibase formatted sql", "Liquibase", vec![Other]),
            ("-- changeset ann:users-1", "Liquibase", vec![Other]),
            (
                "--changeset ann:2 context:test",
                "Liquibase",
                vec![Condition],
            ),
            ("-- atlas:checkpoint", "Atlas", vec![Checkpoint]),
        ] {
            let found = found(&format!("{text}\nSELECT 1;")).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(found.tool, tool, "{text}");
            assert_eq!(found.markers[0].instructions, instructions, "{text}");
        }
    }

    #[test]
    fn a_file_of_liquibase_names_what_would_run_everywhere_and_where_its_rollbacks_go() {
        let found = found(
            "--liquibase formatted sql\n--changeset ann:1\nCREATE TABLE a (x);\n--rollback DROP TABLE a;\n\
             --changeset ann:2\n--preconditions onFail:MARK_RAN\nDELETE FROM a;\n-- the end of ann:2",
        );
        let found = found.unwrap();
        assert_eq!((found.tool, found.markers.len()), ("Liquibase", 5));
        assert_eq!(
            found.why(),
            "this file is written for Liquibase: `--preconditions onFail:MARK_RAN` is a comment to Seedbed, so the statements \
             below it would run in every database"
        );
        assert_eq!(
            found.cure("V1__a.sql"),
            "remove the statements that not every database is to run, put the statements of each `rollback` into \
             V1__a.down.sql, the last one first, and delete the markers"
        );
    }

    #[test]
    fn headings_stand_beside_a_marker_of_no_direction() {
        let found = found(
            "-- transactional: false\n-- ==== UP ====\nCREATE TABLE a (x);\n-- ==== DOWN ====\nDROP TABLE a;",
        );
        let found = found.unwrap();
        assert_eq!(
            (found.tool, found.markers.len()),
            ("yoyo", 3),
            "{}",
            found.why()
        );
        assert!(found.why().contains("would all run"), "{}", found.why());
    }

    #[test]
    fn the_section_that_undoes_may_stand_first() {
        let found = found("-- migrate:down\nDROP TABLE a;\n-- migrate:up\nCREATE TABLE a (x);");
        assert_eq!(
            found.unwrap().cure("V1__a.sql"),
            "put the statements between `-- migrate:down` and `-- migrate:up` into V1__a.down.sql and the others into \
             V1__a.sql, and delete the markers"
        );
    }

    #[test]
    fn a_comment_that_mentions_a_marker_is_a_comment() {
        for text in [
            "-- this file had +goose Up in it",
            "-- see +migrate Down in the old repository",
            "-- migrate:down is what dbmate calls it",
            "-- changeset 12: adds the users",
            "-- rollback is by hand, see the changeset ann:1",
            "-- was a file in the Liquibase formatted SQL",
            "-- migrate the users up to the new table",
            "-- the transaction:false of the old tool is gone",
            "-- no transaction here",
            "-- no-transactional reads",
            "-- no-transaction needed here, the statement is atomic",
            "-- no-transaction files are listed in the manual",
            "/* no-transaction needed here */",
            "-- a file that says no-transaction",
            "/* see\n +goose Down of the old file\n*/",
            "/* see\n +goose Down\n of the old file */",
            "/* +goose Down of the old file */",
            "/*\n migrate:down\n was here */",
            "SELECT 1; -- +goose Down",
            "SELECT 1; /* migrate:down */",
            "-- transactional: true",
            "-- down.sql --",
            "-- goose",
            "-- --> statement-breakpoint",
            "--> statement-breakpoint",
            "-- atlas:nolint DS102",
            "SELECT '-- +goose Down';",
            "SELECT '\n-- +goose Down\n';",
            "SELECT 1 AS \"-- migrate:down\";",
            "SELECT 1; -- no-transaction: this one stands behind a statement",
        ] {
            assert_eq!(found(&format!("SELECT 0;\n{text}")), None, "{text}");
            if !text.starts_with("SELECT 1;") {
                assert_eq!(found(text), None, "{text}");
            }
        }
    }
}
