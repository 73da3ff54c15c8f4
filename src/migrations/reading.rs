//! Reading one text for an engine: its statements, how they are to be run, and what is wrong with them. Pure.

mod pragmas;
mod text;
mod transactions;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use super::directive::{Directives, directives};
use super::markers::written_for;
use super::set::Text;
use crate::db::{Engine, HistoryTable, row_level_security};
use crate::diagnostic::{Diagnostic, Location};
use crate::layouts::Layout;
use crate::script::{Atomicity, ForeignKeys, Origin, Source, Step};
use crate::sql::{
    Kind, Statement, TokenKind, What, drops_of_temporary, kind, may_have_name, significant,
    split_tokens, targets, tokens, unquote,
};

pub(super) use pragmas::PRAGMA_VALUE;
use pragmas::{ForeignKeysPragma, Left, Verdict, left_by, means_on};
use transactions::Control;
pub(crate) use transactions::TRANSACTION_CONTROL;

/// What a record needs beside the texts of a migration and its down file, at the most.
const RECORD: usize = 4096;

/// Whether what is recorded of a migration has room in a row: its text and its down file's.
pub(super) fn too_large(
    up: &Arc<Source>,
    down: Option<&Source>,
    engine: Engine,
) -> Option<Diagnostic> {
    let limit = engine.largest_row()?;
    let bytes = up.text.len() + down.map_or(0, |down| down.text.len());
    let origin = Origin {
        source: up.clone(),
        span: 0..0,
    };
    (bytes + RECORD > limit).then(|| {
        larger("what is recorded of this migration has", bytes, limit)
            .at(origin)
            .help(
                "divide the file: the text of a migration and of its down file is recorded with it",
            )
    })
}

/// The code of a statement that the engine does not take.
pub(super) const REFUSED: &str = "refused";

/// The code of a value or text for which a row has no room.
pub(super) const TOO_LARGE: &str = "too-large";

fn larger(what: &str, bytes: usize, limit: usize) -> Diagnostic {
    Diagnostic::problem(
        TOO_LARGE,
        format!("{what} {bytes} bytes, and a libSQL server takes {limit} for a value or a row"),
    )
}

/// What a text amounts to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Reading {
    /// Its statements.
    pub steps: Vec<Step>,
    /// Whether they run in a transaction.
    pub atomicity: Atomicity,
    /// Whether foreign keys are enforced meanwhile.
    pub foreign_keys: ForeignKeys,
    /// What it leaves on the connection.
    pub leaves: Leaves,
    /// The codes of the diagnostics that it accepts (`-- seedbed: allow CODE: REASON`).
    pub allowed: BTreeSet<&'static str>,
    /// What is wrong with it, and what should be known.
    pub problems: Vec<Diagnostic>,
}

/// What a file leaves on its connection. The next file must not notice it, however files are grouped.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Leaves {
    /// Steps that set back the settings of the connection; none for most files.
    pub resets: Vec<Step>,
    /// What else has to end before the next file.
    pub until: Until,
}

/// What has to end before a file has left nothing behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Until {
    /// The file.
    #[default]
    File,
    /// The script: it leaves TEMP objects, an attached database, or a setting that only ends with the transaction or the
    /// connection.
    Script,
}

/// What the comments of a text tell Seedbed, and what is wrong with them: directives that are none, and instructions to
/// another tool.
fn instructions(source: &Arc<Source>, problems: &mut Vec<Diagnostic>) -> Directives {
    let directives = directives(source, problems);
    problems.extend(written_for(source).map(|written| written.diagnostic()));
    directives
}

/// What is wrong with a down file, which is recorded now and may run one day.
pub(super) fn of_down(
    down: Option<&Text>,
    engine: Engine,
    history: &HistoryTable,
) -> Vec<Diagnostic> {
    let problems = down.map(|down| read_text(down, engine, history).problems);
    let problems = problems.into_iter().flatten();
    problems.filter(Diagnostic::is_error).collect()
}

/// Whether a text holds comments and nothing else, so that it does nothing, by intent. Where lines end with CR alone, a
/// comment may hold statements.
pub(super) fn is_comments_only(text: &str) -> bool {
    let mut comments = 0;
    if text.contains('\r') {
        return false;
    }
    tokens(text).all(|token| match token.map(|token| token.kind) {
        Ok(TokenKind::Comment) => {
            comments += 1;
            true
        }
        Ok(TokenKind::Space | TokenKind::Semicolon) => true,
        _ => false,
    }) && comments > 0
}

/// The statements of a file. There may be millions, so of each only its place and its class are kept.
struct Statements<'a> {
    source: &'a Arc<Source>,
    spans: Vec<Statement>,
    classes: Vec<Class>,
}

impl<'a> Statements<'a> {
    fn new(source: &'a Arc<Source>, spans: Vec<Statement>) -> Statements<'a> {
        let classes = spans.iter().map(|it| Class::of(it.text(&source.text)));
        Statements {
            source,
            classes: classes.collect(),
            spans,
        }
    }

    fn len(&self) -> usize {
        self.spans.len()
    }

    fn get(&self, at: usize) -> Written<'a> {
        Written {
            class: self.classes[at],
            span: self.spans[at].span.clone(),
            source: self.source,
        }
    }

    fn iter(&self) -> impl Iterator<Item = Written<'a>> {
        (0..self.len()).map(|at| self.get(at))
    }

    /// From this one on.
    fn behind(&self, at: usize) -> impl Iterator<Item = Written<'a>> {
        (at..self.len()).map(|at| self.get(at))
    }
}

/// A statement as its author wrote it.
#[derive(Clone)]
struct Written<'a> {
    class: Class,
    span: Range<usize>,
    source: &'a Arc<Source>,
}

/// What is asked of each statement of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// It begins or ends a transaction.
    Control,
    Pragma,
    DropTable,
    /// It writes or reads rows, or changes the schema of the file: nothing but its text matters.
    Plain,
    Other,
}

impl Class {
    fn of(statement: &str) -> Class {
        match kind(statement) {
            Kind::Begin | Kind::Commit | Kind::Rollback => Class::Control,
            Kind::Pragma(_) => Class::Pragma,
            Kind::Drop(object) if object.what == What::Table => Class::DropTable,
            Kind::Create(object) if object.is_temporary() => Class::Other,
            Kind::Create(_) | Kind::Alter => Class::Plain,
            Kind::Insert | Kind::Update | Kind::Delete | Kind::Select => Class::Plain,
            _ => Class::Other,
        }
    }
}

impl<'a> Written<'a> {
    fn kind(&self) -> Kind {
        kind(self.text())
    }

    fn text(&self) -> &'a str {
        &self.source.text[self.span.clone()]
    }

    fn origin(&self) -> Origin {
        Origin {
            source: self.source.clone(),
            span: self.span.clone(),
        }
    }
}

/// Reads a text for a database whose history is in `history`.
pub(super) fn read(source: &Arc<Source>, engine: Engine, history: &HistoryTable) -> Reading {
    read_as(source, Atomicity::default(), engine, history)
}

/// The same of a text of the files.
pub(super) fn read_text(text: &Text, engine: Engine, history: &HistoryTable) -> Reading {
    let mut reading = read_as(&text.source, text.atomicity, engine, history);
    reading
        .problems
        .retain(|problem| is_news(problem, text.layout));
    if !Arc::ptr_eq(&text.source.text, &text.recorded) {
        reading.points_into(&text.whole());
    }
    reading
}

impl Reading {
    /// Lets all places be in the whole file, where what runs is a text of the same length in which all else is blank: a line
    /// of it is shown as it is written.
    fn points_into(&mut self, whole: &Arc<Source>) {
        let move_into = |origin: &mut Origin| {
            let source = &origin.source;
            let is_it = source.name == whole.name && source.text.len() == whole.text.len();
            if is_it {
                origin.source = whole.clone();
            }
            is_it
        };
        for step in &mut self.steps {
            if let Some(mut origin) = step.origin()
                && move_into(&mut origin)
            {
                *step = step.clone().at(origin);
            }
        }
        for problem in &mut self.problems {
            if let Some(Location::Source(origin)) = &mut problem.location {
                move_into(origin);
            }
        }
    }
}

/// Whether a warning can be acted on: a file of another tool stays as its tool has written and hashed it, and what is taken
/// out of it changes nothing of what it does.
fn is_news(problem: &Diagnostic, layout: Layout) -> bool {
    layout == Layout::Seedbed || problem.is_error() || problem.code != TRANSACTION_CONTROL
}

/// The same of a text that its layout may take out of its transaction.
pub(super) fn read_as(
    source: &Arc<Source>,
    atomicity: Atomicity,
    engine: Engine,
    history: &HistoryTable,
) -> Reading {
    let mut problems = Vec::new();
    let mut directives = instructions(source, &mut problems);
    if atomicity == Atomicity::Bare {
        directives.atomicity = atomicity;
    }
    // A text may be large, and its tokens are read once for both.
    let mut looking = text::Looking::new(source);
    let each = tokens(&source.text).inspect(|item| looking.at(item));
    let statements = split_tokens(&source.text, each);
    let faults = looking.faults();
    problems.extend(faults.problems);
    let statements = match statements {
        _ if faults.is_no_sql => Vec::new(),
        Ok(statements) => statements,
        Err(errors) => {
            problems.extend(errors.iter().map(|error| {
                let at = error.offset();
                Diagnostic::problem("syntax", error.to_string()).at(Origin {
                    source: source.clone(),
                    span: at..at,
                })
            }));
            Vec::new()
        }
    };
    if statements.is_empty() && problems.is_empty() && !is_comments_only(&source.text) {
        problems.push(
            Diagnostic::problem("empty", "this file holds neither a statement nor a comment")
                .in_file(&source.name)
                .help(
                    "write its statements, or a comment if it is to do nothing; or remove the file",
                ),
        );
    }
    let statements = Statements::new(source, statements);
    let reader = Reader {
        engine,
        history: history.clone(),
        atomicity: directives.atomicity,
        statements: &statements,
        problems,
        steps: Vec::with_capacity(statements.len()),
        savepoints: Vec::new(),
        foreign_keys: Vec::new(),
        first_drop: None,
        keys_are_off: match directives.foreign_keys {
            Some(directed) => directed != ForeignKeys::On,
            None => statements.iter().any(|it| it.turns_foreign_keys_off()),
        },
        leaves: Leaves::default(),
    };
    reader.read(&directives)
}

/// Of the problems of one kind in one file, the first one, and how many more there are.
fn once_for_each_kind(problems: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut kinds: Vec<(Diagnostic, usize)> = Vec::new();
    for problem in problems {
        let is_same =
            |other: &Diagnostic| (other.code, &other.message) == (problem.code, &problem.message);
        match kinds.iter_mut().find(|(first, _)| is_same(first)) {
            Some((_, more)) => *more += 1,
            None => kinds.push((problem, 0)),
        }
    }
    let kinds = kinds.into_iter().map(|(mut first, more)| {
        if more > 0 {
            first.message = format!("{} (and {more} more in this file)", first.message);
        }
        first
    });
    kinds.collect()
}

struct Reader<'a> {
    engine: Engine,
    atomicity: Atomicity,
    /// The whole file.
    statements: &'a Statements<'a>,
    history: HistoryTable,
    problems: Vec<Diagnostic>,
    /// What runs of it.
    steps: Vec<Step>,
    savepoints: Vec<(String, Origin)>,
    foreign_keys: Vec<ForeignKeysPragma>,
    first_drop: Option<Origin>,
    /// Whether foreign keys are off while the file runs.
    keys_are_off: bool,
    leaves: Leaves,
}

impl Reader<'_> {
    fn read(mut self, directives: &Directives) -> Reading {
        let control = self.transactions();
        let statements = self.statements;
        let mut controls = statements.iter().filter(|it| it.is_control());
        let mut inside = controls.next().is_none_or(|it| it.kind() == Kind::Commit);
        for (at, statement) in statements.iter().enumerate() {
            if control == Control::TakenOut {
                if statement.is_control() {
                    inside = statement.kind() == Kind::Begin;
                    continue;
                }
                // There it ends at once, and inside `OFF` would forget the violations so far.
                if !inside && statement.is_pragma("defer_foreign_keys") {
                    continue;
                }
            }
            self.statement(at, &statement);
        }
        self.done(directives, control)
    }

    fn statement(&mut self, at: usize, statement: &Written<'_>) {
        let kind = match statement.class {
            Class::Plain => Kind::Other,
            _ => statement.kind(),
        };
        let (kind, text, origin) = (&kind, statement.text(), &statement.origin());
        self.reserved(text, origin);
        match kind {
            Kind::Savepoint(name) => self.savepoints.push((name.clone(), origin.clone())),
            Kind::Release(name) => self.release(name, origin),
            Kind::RollbackTo(name) if self.savepoint(name).is_none() => {
                self.no_savepoint(name, origin);
            }
            Kind::Drop(object) if object.what == What::Table => {
                self.first_drop.get_or_insert_with(|| origin.clone());
            }
            _ => {}
        }
        // It would be a no-op in the transaction, so it becomes part of how the transaction begins.
        if let Kind::Pragma(pragma) = kind
            && pragma.name == "foreign_keys"
            && let Some(value) = &pragma.value
        {
            self.pragma(at, pragma, origin);
            self.foreign_keys.push(ForeignKeysPragma {
                origin: origin.clone(),
                on: means_on(value),
                before: self.steps.len(),
            });
            return;
        }
        let refusal = self.engine.refusal(text);
        // What memory cannot set back is no matter where it is taken out.
        let is_judged = refusal.is_none() || self.engine == Engine::Memory;
        if is_judged
            && let Kind::Pragma(pragma) = kind
            && self.pragma(at, pragma, origin) == Verdict::TakenOut
        {
            return;
        }
        if let Some(why) = refusal {
            let meant = match kind {
                Kind::Pragma(pragma) => pragmas::meant(&pragma.name),
                _ => None,
            };
            let help = match meant {
                Some(meant) => Some(format!("did you mean `PRAGMA {meant}`?")),
                // No database of any mode takes row-level security, and its own words say what to do instead.
                None => row_level_security(text).is_none().then(|| {
                    "take it out, or use a database in a file: `--database FILE`".to_owned()
                }),
            };
            self.problems.push(
                Diagnostic::problem(REFUSED, why)
                    .at(origin.clone())
                    .helps(help),
            );
        }
        self.remember(kind);
        self.values(text, origin);
        self.steps.push(Step::written(origin.clone()));
    }

    /// What the connection would remember of a statement.
    fn remember(&mut self, kind: &Kind) {
        let left = match kind {
            Kind::Attach | Kind::Detach => Left::UntilTheEnd,
            // The one connection of a database in memory stays: there they are dropped at the end of the file.
            Kind::Create(object) if object.is_temporary() && self.engine != Engine::Memory => {
                Left::UntilTheEnd
            }
            Kind::Pragma(pragma) => left_by(pragma),
            _ => Left::Nothing,
        };
        match left {
            Left::Nothing => {}
            Left::Setting(step) => {
                if !self.leaves.resets.contains(&step) {
                    self.leaves.resets.push(step);
                }
            }
            Left::UntilTheEnd => self.leaves.until = Until::Script,
        }
    }

    /// A statement that writes to one of our own tables, or makes an object that is called like one.
    fn reserved(&mut self, text: &str, origin: &Origin) {
        const OURS: &str = "_seedbed_";
        if ![self.history.name(), OURS]
            .iter()
            .any(|name| may_have_name(text, name))
        {
            return;
        }
        let is_ours =
            |name: &str| self.history.is(name) || name.to_ascii_lowercase().starts_with(OURS);
        let Some(target) = targets(text).into_iter().find(|it| is_ours(&it.name)) else {
            return;
        };
        let message = format!(
            "this changes {}, where Seedbed keeps its records",
            target.name
        );
        self.problems.push(
            Diagnostic::problem("reserved-table", message)
                .at(origin.token_at(Some(target.span.start)))
                .help("these tables are Seedbed's own: use `repair`, `undo` or `baseline`"),
        );
    }

    /// Texts and blobs that are larger than a row may be.
    fn values(&mut self, text: &str, origin: &Origin) {
        let Some(limit) = self
            .engine
            .largest_row()
            .filter(|limit| text.len() > *limit)
        else {
            return;
        };
        for token in significant(text) {
            let literal = &text[token.span.clone()];
            let bytes = match token.kind {
                TokenKind::String => unquote(literal).len(),
                TokenKind::Blob => literal.len().saturating_sub(3) / 2,
                _ => continue,
            };
            if bytes > limit {
                let at = origin.span.start + token.span.start;
                self.problems.push(
                    larger("this value has", bytes, limit)
                        .at(Origin {
                            source: origin.source.clone(),
                            span: at..at,
                        })
                        .help("divide it among several rows, or keep it outside of the database"),
                );
            }
        }
    }

    fn savepoint(&self, name: &str) -> Option<usize> {
        self.savepoints
            .iter()
            .rposition(|(open, _)| open.eq_ignore_ascii_case(name))
    }

    /// Releases this savepoint and all within it: <https://sqlite.org/lang_savepoint.html>.
    fn release(&mut self, name: &str, origin: &Origin) {
        match self.savepoint(name) {
            Some(at) => self.savepoints.truncate(at),
            None => self.no_savepoint(name, origin),
        }
    }

    fn no_savepoint(&mut self, name: &str, origin: &Origin) {
        self.unbalanced(format!("there is no open savepoint {name} here"), origin);
    }

    fn unbalanced(&mut self, message: String, origin: &Origin) {
        self.problems.push(
            Diagnostic::problem("savepoint", message)
                .at(origin.clone())
                .help("each SAVEPOINT needs its RELEASE in the same file"),
        );
    }

    fn done(mut self, directives: &Directives, control: Control) -> Reading {
        for (name, origin) in std::mem::take(&mut self.savepoints) {
            self.unbalanced(format!("the savepoint {name} is never released"), &origin);
        }
        let foreign_keys = directives.foreign_keys.unwrap_or(match self.keys_are_off {
            true => ForeignKeys::Off,
            false => ForeignKeys::On,
        });
        if !self.problems.iter().any(Diagnostic::is_error) {
            let taken_out = match control {
                Control::TakenOut => self.taken_out(foreign_keys),
                Control::Runs => None,
            };
            let warning = taken_out.or_else(|| self.contradicted(foreign_keys));
            self.problems.extend(warning);
        }
        if let (ForeignKeys::On, Some(origin)) = (foreign_keys, self.first_drop) {
            let message = "DROP TABLE with foreign keys on deletes or changes the rows that refer to the table";
            self.problems.push(
                Diagnostic::problem("drop-with-foreign-keys", message)
                    .warning()
                    .at(origin)
                    .help(
                        "remove `-- seedbed: foreign-keys=on`, unless the rows that refer to the table are to go with it",
                    ),
            );
        }
        // With query_only, the migration could not be recorded; and memory has one connection for all files and scripts.
        let ends_now =
            |step: &&Step| self.engine == Engine::Memory || step.sql.contains("query_only");
        let resets = self.leaves.resets.iter().filter(ends_now).cloned();
        self.steps.extend(resets);
        if self.engine == Engine::Memory {
            let drops = drops_of_temporary(self.steps.iter().map(|step| &*step.sql));
            self.steps
                .extend(drops.into_iter().map(|drop| Step::own(drop, Vec::new())));
            self.leaves.resets.clear();
        }
        Reading {
            steps: self.steps,
            atomicity: directives.atomicity,
            foreign_keys,
            leaves: self.leaves,
            allowed: directives.allowed.clone(),
            problems: once_for_each_kind(self.problems),
        }
    }
}

#[cfg(test)]
mod tests;
