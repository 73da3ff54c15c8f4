//! A script that failed: the statement, the engine's message, what was rolled back, what is committed, what to type
//! next.

use super::annotations::RECORDED;
use super::committed::{NOTHING, before};
use super::database::database;
use super::engine::{code_class, code_help, code_name};
use super::words::{database_is_at, keys};
use super::{Item, Report};
use crate::db::{
    At as Point, Code, Failure, Left, TWO_PARSERS, instead, missing_semicolon, runs_alone,
    stale_object, unknown_function,
};
use crate::diagnostic::{Diagnostic, Location};
use crate::history::{LeftBroken, Part, Refusal};
use crate::migrations::ScriptError;
use crate::script::{Entry, Key, Record, Restore, Step, Unit};
use crate::seeds::{EXCHANGE_HELP, RefusedRows, is_exchange, refused_by_place};
use crate::sql::{Kind, What, identifier, kind};

/// The report of a failed script.
pub(super) fn script(error: &ScriptError) -> Report {
    if let Failure::Open(cannot) = &error.failed.failure {
        let at = database_is_at(error.version);
        return Report {
            database: Some(before(&error.done).unwrap_or_else(|| format!("{NOTHING}; {at}"))),
            items: error.done.iter().map(Item::done).collect(),
            version: Some(error.version),
            ..Report::of(vec![database(cannot)])
        };
    }
    let failing = Failing::new(error);
    let diagnostic = Diagnostic {
        location: failing.location(),
        notes: failing.notes(),
        help: failing.help(),
        class: code_class(failing.code),
        subject: failing.key().cloned(),
        ..Diagnostic::error(failing.code_name(), failing.message())
    };
    let rows = error.refused_rows();
    let others = rows.iter().skip(1).filter_map(refused_row);
    Report {
        database: Some(failing.database()),
        items: failing.items(),
        version: Some(error.version),
        ..Report::of(std::iter::once(diagnostic).chain(others).collect())
    }
}

impl ScriptError {
    /// The rows of seeds that are refused, by place: first the one that failed.
    fn refused_rows(&self) -> Vec<RefusedRows<'_>> {
        refused_by_place(std::iter::once(&self.failed).chain(&self.other_rows))
    }
}

/// Other rows of the seeds that the engine refuses.
fn refused_row(rows: &RefusedRows<'_>) -> Option<Diagnostic> {
    let failed = rows.first;
    let (Part::Step(step), Failure::Step { error, .. }) = (&failed.part, &failed.failure) else {
        return None;
    };
    let message = rows.in_words(&error.message);
    let diagnostic = Diagnostic {
        class: code_class(Some(error.code)),
        ..Diagnostic::error(code_name(error.code), message)
    };
    Some(diagnostic.at(step.origin()?))
}

/// What a script was doing when it failed.
struct Failing<'a> {
    error: &'a ScriptError,
    part: &'a Part,
    code: Option<Code>,
    /// The engine's words.
    words: &'a str,
    doing: Doing,
    /// Why a guard refused, where it was a guard.
    refusal: Option<Refusal>,
    /// How much of a unit that runs outside of a transaction stands; it is recorded as started then.
    half_done: Option<HalfDone>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doing {
    Applying,
    Undoing,
    /// Only `_migrations` was to be changed.
    Recording,
}

#[derive(Debug, Clone, Copy)]
struct HalfDone {
    stand: usize,
    of: usize,
}

impl<'a> Failing<'a> {
    fn new(error: &'a ScriptError) -> Failing<'a> {
        let failure = &error.failed.failure;
        let doing = match error.unit.as_ref().or(error.suspects.first()) {
            Some(unit) if unit.steps.is_empty() => Doing::Recording,
            Some(Unit {
                record: Record::Delete(_),
                ..
            }) => Doing::Undoing,
            Some(_) => Doing::Applying,
            None => Doing::Recording,
        };
        let mut failing = Failing {
            error,
            part: &error.failed.part,
            code: failure.code(),
            words: match failure {
                Failure::Open(_) | Failure::Lost(_) => "",
                Failure::Step { error, .. } => &error.message,
            },
            doing,
            refusal: error.refusal(),
            half_done: None,
        };
        failing.half_done = failing.half_done();
        failing
    }

    /// Only scripts outside of a transaction have more than one transaction: the record that says `started`, the
    /// statements, the record that says `applied`.
    fn half_done(&self) -> Option<HalfDone> {
        let Failure::Step {
            committed, left, ..
        } = &self.error.failed.failure
        else {
            return None;
        };
        if self.error.set_back {
            return None;
        }
        let of = self.unit().map_or(0, Unit::statements);
        let stand = match (committed, left, self.before_a_guard()) {
            (0, Left::Nothing, _) => return None,
            (2.., ..) => of,
            (_, _, Some(stand)) => stand,
            // Other guards look behind the last statement.
            _ if matches!(self.part, Part::Schema | Part::OldRows) => of,
            // The first one failed, or the server refused the request before it ran any.
            (_, Left::Nothing, _) => 0,
            _ => self.statement().map_or(0, |failed| self.committed(failed)),
        };
        Some(HalfDone { stand, of })
    }

    /// How many statements are before the guard of a new column that refused: see [`Part::OldRows`].
    fn before_a_guard(&self) -> Option<usize> {
        let Failure::Step { explanation, .. } = &self.error.failed.failure else {
            return None;
        };
        let looked_behind = match explanation.first()?.first()?.as_str()? {
            "CHECK" => 1,
            "REFERENCES" => 0,
            _ => return None,
        };
        let origin = self.refusal.as_ref()?.origin.as_ref()?;
        let mut steps = self.unit()?.steps.iter().filter_map(|step| step.origin());
        Some(steps.position(|it| it == *origin)? + looked_behind)
    }

    /// How many of the file's statements before the failed one stand: those of a transaction that it had begun do not.
    fn committed(&self, failed: usize) -> usize {
        let steps = self.unit().map_or(&[][..], |unit| &unit.steps[..failed]);
        let steps = || steps.iter().filter(|step| step.is_written());
        let mut open = None;
        for (number, step) in steps().enumerate() {
            match kind(&step.sql) {
                Kind::Begin => open = Some(number),
                Kind::Commit => open = None,
                _ => {}
            }
        }
        open.unwrap_or(steps().count())
    }

    fn unit(&self) -> Option<&'a Unit> {
        self.error.unit.as_ref()
    }

    fn key(&self) -> Option<&'a Key> {
        self.unit().map(|unit| unit.record.key())
    }

    fn is_of_seeds(&self) -> bool {
        matches!(self.key(), Some(Key::Seed(_) | Key::Environment))
    }

    fn step(&self) -> Option<&'a Step> {
        match self.part {
            Part::Step(step) => Some(step),
            _ => None,
        }
    }

    /// The number of the failed statement in its unit, from 0.
    fn statement(&self) -> Option<usize> {
        let step = self.step()?;
        let mut steps = self.unit()?.steps.iter();
        steps.position(|other| other.origin() == step.origin() && other.sql == step.sql)
    }

    fn code_name(&self) -> &'static str {
        match &self.refusal {
            Some(refusal) => refusal.code,
            None => self.code.map_or("cannot-open", code_name),
        }
    }

    fn message(&self) -> String {
        let words = match self.code {
            Some(Code::Unsupported) => &format!("the server refuses the statement: {}", self.words),
            _ => self.words,
        };
        let source = self.step().and_then(Step::source);
        let key = match (self.key(), source) {
            // Rows of several seeds stand in one order: only the step knows whose this one is.
            (Some(Key::Seed(_)), Some(source)) => source.name.clone(),
            (key, _) => key.map(Key::to_string).unwrap_or_default(),
        };
        if self.code == Some(Code::Interrupted) {
            return match self.step() {
                Some(_) => format!("interrupted while {key} ran"),
                None => "interrupted".to_owned(),
            };
        }
        if let Some(refusal) = &self.refusal {
            let unit = match self.doing {
                Doing::Undoing => format!("undoing {key}"),
                Doing::Applying | Doing::Recording => key,
            };
            return refusal.message(Some(unit.as_str()).filter(|unit| !unit.is_empty()));
        }
        if let (Part::Step(_), Doing::Undoing, Some(Key::Seed(name))) =
            (self.part, self.doing, self.key())
        {
            return format!("the rows of seed {name} cannot be deleted: {words}");
        }
        match (self.part, self.doing) {
            (Part::Step(_), Doing::Undoing) => format!("undoing {key} failed: {words}"),
            // Rows of all files stand in one order.
            (Part::Step(_), _) if self.is_of_seeds() => match self.error.refused_rows().first() {
                Some(rows) => rows.in_words(words),
                None => words.to_owned(),
            },
            (Part::Step(_), _) => format!("{key} failed: {words}"),
            (Part::Record, _) if !key.is_empty() => {
                format!("{key} could not be recorded: {words}")
            }
            (Part::Commit, _) => format!("the transaction could not be committed: {words}"),
            _ => format!("the database cannot be changed: {words}"),
        }
    }

    fn location(&self) -> Option<Location> {
        if let Some(origin) = self.error.origin() {
            return Some(Location::Source(origin));
        }
        self.refusal.as_ref()?;
        self.unit().and_then(Unit::file).map(Location::file)
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let (Some(number), Some(unit)) = (self.statement(), self.unit())
            && unit.statements() > 1
            && !self.is_of_seeds()
        {
            let before = unit.steps[..number].iter();
            let before = before.filter(|step| step.is_written()).count();
            let of = unit.statements();
            notes.push(format!("this is statement {} of {of}", before + 1));
        }
        if self.code == Some(Code::Unsupported) {
            notes.push(TWO_PARSERS.to_owned());
        }
        if self.restores().is_some() {
            notes.push("it ran again because this run drops what it makes".to_owned());
        }
        if let Some(refusal) = &self.refusal {
            notes.extend(refusal.notes.iter().cloned());
            if self.error.suspects.len() > 1 && refusal.names_files() {
                notes.push(format!("the files that may be the cause: {}", self.files()));
            }
        }
        match &self.half_done {
            Some(half) => notes.push(self.stands(half)),
            None if self.error.set_back => notes.push(self.is_set_back()),
            None => notes.extend(self.rolled_back()),
        }
        let left = self.error.left_broken.iter();
        let others = left.filter(|it| !it.is_what_failed(&self.error.failed));
        notes.extend(others.map(LeftBroken::in_words));
        notes
    }

    fn rolled_back(&self) -> Option<String> {
        if self.never_began() {
            return None;
        }
        if self.is_of_seeds() {
            return Some("every row of this run was rolled back".to_owned());
        }
        let back = self.error.rolled_back.iter().map(|unit| unit.record.key());
        let mut back: Vec<&Key> = back.chain(self.key()).collect();
        let mut seen = std::collections::HashSet::new();
        back.retain(|key| seen.insert(*key));
        // The unit at fault need not be the last that ran.
        if self.doing == Doing::Applying {
            back.sort();
        }
        let back = keys(back);
        Some(match back.as_str() {
            "" => "the transaction was rolled back".to_owned(),
            _ => format!("rolled back: {back}"),
        })
    }

    /// Nothing was there to be rolled back.
    fn never_began(&self) -> bool {
        match &self.error.failed.failure {
            Failure::Open(_) => true,
            Failure::Step { at, error, .. } => {
                *at == Point::Begin || error.code == Code::Unsupported
            }
            Failure::Lost(_) => true,
        }
    }

    fn stands(&self, half: &HalfDone) -> String {
        let key = self.key().map(Key::to_string).unwrap_or_default();
        let HalfDone { stand, of } = half;
        let what = match stand {
            0 => "none of its statements has happened".to_owned(),
            1 if *of == 1 => "its statement has happened".to_owned(),
            _ if stand == of => format!("all {of} statements have happened"),
            1 => format!("statement 1 of {of} has happened"),
            2 => format!("statements 1 and 2 of {of} have happened"),
            _ => format!("statements 1 to {stand} of {of} have happened"),
        };
        format!("{key} runs outside of a transaction: {what}, and it is recorded as started")
    }

    fn is_set_back(&self) -> String {
        let key = self.key().map(Key::to_string).unwrap_or_default();
        let recorded = match self.doing {
            Doing::Undoing => "applied",
            Doing::Applying | Doing::Recording => "pending",
        };
        format!(
            "{key} runs outside of a transaction: none of its statements has had an effect, and it is {recorded} as before"
        )
    }

    fn help(&self) -> Vec<String> {
        let again = match self.doing {
            Doing::Applying | Doing::Recording if self.is_of_seeds() => "run `seed` again",
            _ if !self.error.redone.is_empty() => "run `redo` again",
            _ if self.is_of_an_undo() => "run `undo` again",
            Doing::Applying => "run `migrate` again",
            Doing::Undoing => "run `undo` again",
            Doing::Recording => "run the command again",
        };
        let again = match (self.doing, self.key()) {
            (Doing::Undoing, Some(Key::Seed(name))) => format!("run `seed forget {name}` again"),
            _ => again.to_owned(),
        };
        if *self.part == Part::Schema && self.half_done.is_some() {
            return vec!["this database cannot be opened any more: restore a backup".to_owned()];
        }
        if *self.part == Part::OldRows
            && let (Some(half), Some(key)) = (&self.half_done, self.key())
            && half.stand == half.of
        {
            return vec![
                "correct these rows in the database".to_owned(),
                format!("then {}", settle(key, half, self.doing)),
            ];
        }
        let code = self.code.unwrap_or(Code::CannotOpen);
        let next = match (&self.half_done, self.key()) {
            (Some(half), Some(key)) => settle(key, half, self.doing),
            _ if code == Code::Interrupted => format!("{again} to go on"),
            _ => again,
        };
        let engine = code_help(code).filter(|_| self.refusal.is_none());
        let mut help = match (engine, self.fix()) {
            (Some(first), _) => vec![first.to_owned(), format!("then {next}")],
            (None, Some(fix)) if self.half_done.is_none() => vec![format!("{fix}, then {next}")],
            (None, Some(fix)) => vec![fix, format!("then {next}")],
            (None, None) => vec![next],
        };
        if let (Code::Unsupported, Some(step)) = (code, self.step()) {
            help.insert(0, instead(&step.sql, self.words, self.error.offset));
        }
        if let Some(statement) = self.step().and_then(Step::origin) {
            help.extend(missing_semicolon(&statement, self.words, self.error.offset));
        }
        help.extend(self.meant().map(str::to_owned));
        help.extend(self.made_later());
        help.extend(self.on_the_turso_engine().map(str::to_owned));
        help.extend(unknown_function(self.words));
        help.extend(
            stale_object(self.words, &self.error.made_again).filter(|_| self.refusal.is_none()),
        );
        if let Some(restore) = self.restores()
            && matches!(code, Code::Other(_))
        {
            help.push(format!(
                "if what it makes is not wanted any more, delete the file of {}",
                restore.entry.key
            ));
        }
        help
    }

    /// Whether it was a repeatable that an `undo` was to make again.
    fn is_of_an_undo(&self) -> bool {
        let undoes = |unit: &Unit| matches!(unit.record, Record::Delete(_));
        self.restores().is_some() && self.error.rolled_back.iter().any(undoes)
    }

    /// The repeatable that failed, where it was to be made again.
    fn restores(&self) -> Option<&'a Restore> {
        match &self.unit()?.record {
            Record::Restore(restore) => Some(restore),
            _ => None,
        }
    }

    /// What a user who gets this message may have meant.
    fn meant(&self) -> Option<&'static str> {
        let first = self.error.version.is_none() && self.error.done.is_empty();
        let exists =
            self.words.ends_with("already exists") || self.words.contains("duplicate column name");
        if self.doing == Doing::Applying && first && exists {
            return Some(
                "if this database has the schema already, `baseline V` records the migrations up to V without running \
                 them; if another tool keeps its records in a table of another name, \
                 `adopt --from TOOL --table NAME` takes them over",
            );
        }
        let statement = self.step().map(|step| kind(&step.sql));
        match statement {
            Some(Kind::Detach) if self.code == Some(Code::Other(1)) => {
                return Some(
                    "an attached database is detached at the end of its file: leave DETACH out",
                );
            }
            Some(Kind::Attach) => return None,
            _ => {}
        }
        runs_alone(self.words, self.code.filter(|_| self.half_done.is_none()))
    }

    /// What to do about a `DROP` of what a repeatable migration may make behind the versions.
    fn made_later(&self) -> Option<String> {
        let Kind::Drop(object) = kind(&self.step()?.sql) else {
            return None;
        };
        let what = object.what.word();
        let may_be_one = matches!(object.what, What::View | What::Trigger | What::Index);
        let is_missing = self.words.starts_with(&format!("no such {what}"));
        (self.doing == Doing::Applying && may_be_one && is_missing).then(|| {
            format!(
                "a repeatable migration runs behind the versions, so a new database has no {what} of one here: write \
                 `DROP {} IF EXISTS {};`",
                what.to_ascii_uppercase(),
                identifier(&object.name)
            )
        })
    }

    /// What libSQL takes and this engine does not, by its words about a statement.
    fn on_the_turso_engine(&self) -> Option<&'static str> {
        let is_of_a_step = matches!(self.part, Part::Step(_));
        if !is_of_a_step || !self.error.engine.checks_each_row() {
            return None;
        }
        if self.code == Some(Code::Constraint) && self.words.contains("FOREIGN KEY") {
            return Some(
                "the Turso engine checks foreign keys at each row, not at the end of the statement, and does not act on \
                 PRAGMA defer_foreign_keys: insert parents before their children and delete children first, or declare the \
                 foreign key DEFERRABLE INITIALLY DEFERRED",
            );
        }
        self.words.contains("in foreign key definition").then_some(
            "the Turso engine drops no column with a foreign key: rebuild the table with CREATE TABLE, INSERT … SELECT, DROP \
             TABLE and ALTER TABLE … RENAME TO",
        )
    }

    /// The files that a guard is about.
    fn files(&self) -> String {
        let units = self.error.suspects.iter();
        let files = units.filter_map(Unit::file);
        let files: Vec<&str> = files
            .map(|file| file.strip_suffix(RECORDED).unwrap_or(file).trim_end())
            .collect();
        match files.as_slice() {
            [] => "the file".to_owned(),
            files => files.join(", "),
        }
    }

    /// The commands that take a corrected file for a text that was recorded and ran: a down file, or a repeatable.
    fn records_the_correction(&self) -> Vec<String> {
        let units = self.error.suspects.iter();
        let recorded = units.filter(|unit| {
            let file = unit.file();
            file.is_some_and(|file| file.ends_with(RECORDED))
        });
        let mut commands: Vec<String> = recorded
            .map(|unit| match (&unit.record, unit.record.key()) {
                (Record::Delete(_), Key::Migration(version)) => {
                    format!("record the down file with `repair {version}`")
                }
                _ => "run `migrate`".to_owned(),
            })
            .collect();
        commands.dedup();
        commands
    }

    /// What to change in a file.
    fn fix(&self) -> Option<String> {
        if let Some(refusal) = &self.refusal {
            let mut fix = refusal.help(&self.files());
            if refusal.names_files() {
                for record in self.records_the_correction() {
                    fix.push_str(", then ");
                    fix.push_str(&record);
                }
            }
            return Some(fix);
        }
        if is_exchange(&self.error.failed) {
            return Some(EXCHANGE_HELP.to_owned());
        }
        let unit = self.unit()?;
        let file = unit.file()?;
        match (self.part, self.doing) {
            (Part::Step(_), Doing::Undoing) => match (unit.record.key(), &self.half_done) {
                (Key::Seed(_), _) if self.code == Some(Code::Constraint) => Some(
                    "delete first what refers to its rows, or leave out `--with-rows` so that they stay".to_owned(),
                ),
                (Key::Migration(version), None) => Some(format!(
                    "fix the down file of V{version} and record it with `repair {version}`"
                )),
                (_, _) => None,
            },
            (Part::Step(step), _) => {
                let place = self.error.origin().map(|origin| origin.place());
                let line = place.map_or(String::new(), |place| format!(":{}", place.line));
                let file = step.source().map_or(file, |it| &it.name);
                Some(match self.code {
                    Some(Code::Constraint) => {
                        format!("correct {file}{line}, or the rows that are in the database")
                    }
                    Some(Code::Interrupted) => return None,
                    _ => format!("fix {file}{line}"),
                })
            }
            _ => None,
        }
    }

    fn database(&self) -> String {
        let at = database_is_at(self.error.version);
        match before(&self.error.done) {
            Some(before) => format!("{before}; {at}"),
            None if self.half_done.is_some() => at,
            None if self.never_began() => format!("{NOTHING}; {at}"),
            None => format!("nothing of this run is in the database; {at}"),
        }
    }

    fn items(&self) -> Vec<Item> {
        let done = self.error.done.iter().map(Item::done);
        let redone = &self.error.redone;
        let back = self.error.rolled_back.iter();
        let state = match (&self.half_done, self.unit().map(|unit| &unit.record)) {
            (Some(_), _) | (None, Some(Record::Settle(_))) => "started",
            (None, Some(Record::Delete(_) | Record::Amend(_) | Record::Move { .. })) => "applied",
            (None, Some(record)) if redone.contains(record.key()) => "applied",
            (None, _) => "pending",
        };
        let back_state = |key: &Key| match self.doing {
            Doing::Undoing => "applied",
            _ if redone.contains(key) => "applied",
            Doing::Applying | Doing::Recording => "pending",
        };
        let failing = self.unit().map(|unit| unit.record.key());
        let mut seen = std::collections::HashSet::new();
        let item = |unit: &Unit, state| match &unit.record {
            // Rows of all seeds are one unit, and may stand in a CSV file.
            Record::Replace(Entry {
                key: Key::Seed(name),
                ..
            }) => Item {
                file: file_of_seed(unit, name),
                ..Item::of_record(&unit.record, "edited")
            },
            record => Item {
                file: match record.key() {
                    Key::Seed(name) => file_of_seed(unit, name),
                    _ => unit.file().map(str::to_owned),
                },
                ..Item::of_record(record, state)
            },
        };
        // What is recorded of the database itself is nothing that a file declares.
        let back = back.filter(|unit| {
            let key = unit.record.key();
            Some(key) != failing && key.kind() != "meta" && seen.insert(key)
        });
        let back = back.map(|unit| item(unit, back_state(unit.record.key())));
        let failed = self.unit().map(|unit| item(unit, state));
        // What is still recorded has the time at which it was applied.
        let timed = |item: Item| {
            let is_there = matches!(item.state, "applied" | "edited");
            let mut recorded = self.error.recorded.iter();
            match recorded.find(|(key, ..)| is_there && item.is_of(key)) {
                Some((_, applied_at, duration_ms)) => Item {
                    applied_at: Some(applied_at.clone()),
                    duration_ms: *duration_ms,
                    ..item
                },
                None => item,
            }
        };
        done.chain(back.chain(failed).map(timed)).collect()
    }
}

/// The file of a seed, where a row in it was to be written: the unit has rows of other seeds and of CSV files too.
fn file_of_seed(unit: &Unit, name: &str) -> Option<String> {
    let mut files = unit.steps.iter().filter_map(Step::source);
    let is_its = |file: &str| {
        let path = std::path::Path::new(file);
        let is_data = path.extension().is_some_and(|it| it == "csv");
        !is_data && path.file_stem().is_some_and(|it| it == name)
    };
    let source = files.find(|it| is_its(&it.name))?;
    Some(source.name.clone())
}

/// How to settle a migration that is recorded as started.
fn settle(key: &Key, half: &HalfDone, doing: Doing) -> String {
    let argument = match key {
        Key::Migration(version) => version.to_string(),
        other => other.to_string(),
    };
    match (doing, half.stand) {
        (Doing::Undoing, _) => format!(
            "do the rest by hand and settle it: `repair {argument} --retry` if {key} is gone from the database, \
             `repair {argument} --applied` if it is still there"
        ),
        (_, 0) => format!("let it run again: `repair {argument} --retry`, and `migrate`"),
        (_, stand) if stand == half.of => format!("record it: `repair {argument} --applied`"),
        _ => format!(
            "resolve it: do the rest by hand and `repair {argument} --applied`; or undo what has happened and \
             `repair {argument} --retry`, and `migrate` runs all of it again"
        ),
    }
}
