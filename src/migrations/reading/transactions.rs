//! `BEGIN` and `COMMIT` in a file: which of them can be taken out so that its meaning is kept. Pure.

use super::pragmas::means_on;
use super::{Class, Reader, Written};
use crate::diagnostic::Diagnostic;
use crate::script::{Atomicity, ForeignKeys};
use crate::sql::{Kind, Pragma, significant};

/// The code of a statement that begins or ends a transaction.
pub(crate) const TRANSACTION_CONTROL: &str = "transaction-control";

/// Whether the statements that begin and end transactions run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Control {
    /// The file manages its own transactions.
    Runs,
    /// They are taken out, and the file runs in one transaction of Seedbed.
    TakenOut,
}

/// Why the statements that begin and end transactions cannot stay.
enum Fault {
    /// A `ROLLBACK`.
    Rollback,
    /// Something follows the keyword before the semicolon.
    Semicolon,
    /// There is no `BEGIN` for it.
    NotBegun,
    /// There is a `BEGIN` already.
    Nested,
    /// There is no `COMMIT` for it.
    NotEnded,
    /// It stands outside of every transaction.
    Outside,
}

impl Reader<'_> {
    /// Reports the statements that begin and end transactions, all of them together.
    pub(super) fn transactions(&mut self) -> Control {
        let control = match self.atomicity {
            Atomicity::Transaction => Control::TakenOut,
            Atomicity::Bare => Control::Runs,
        };
        let controls = self.statements.iter().filter(Written::is_control).count();
        if let Some((at, fault)) = self.fault(control) {
            let problem = self.refused(at, &fault, controls);
            self.problems.push(problem);
        }
        control
    }

    /// The first statement that keeps the transactions of the file from being as they are, or from being taken out.
    fn fault(&self, control: Control) -> Option<(usize, Fault)> {
        let controls = self.statements.iter().enumerate();
        let controls: Vec<_> = controls.filter(|(_, it)| it.is_control()).collect();
        let first = controls.first()?;
        if let Some((at, _)) = controls.iter().find(|(_, it)| it.kind() == Kind::Rollback) {
            return Some((*at, Fault::Rollback));
        }
        if let Some((at, _)) = controls.iter().find(|(_, it)| !is_whole(it.text())) {
            return Some((*at, Fault::Semicolon));
        }
        // Files for tools that open a transaction themselves end it first, and open another one at their end.
        let begun = first.1.kind() == Kind::Commit && control == Control::TakenOut;
        let mut open = begun.then_some(first.0);
        for (at, statement) in self.statements.iter().enumerate() {
            open = match (statement.kind(), open) {
                (Kind::Begin, None) => Some(at),
                (Kind::Begin, Some(_)) => return Some((at, Fault::Nested)),
                (Kind::Commit, Some(_)) => None,
                (Kind::Commit, None) => return Some((at, Fault::NotBegun)),
                (_, None) if control == Control::TakenOut && !statement.may_be_outside() => {
                    return Some((at, Fault::Outside));
                }
                (_, open) => open,
            };
        }
        match (open, begun) {
            (Some(at), false) => Some((at, Fault::NotEnded)),
            (None, true) => Some((first.0, Fault::NotBegun)),
            _ => None,
        }
    }

    fn refused(&self, at: usize, fault: &Fault, controls: usize) -> Diagnostic {
        let statement = &self.statements.get(at);
        let keyword = statement.keyword();
        let why = match fault {
            Fault::Rollback => "ROLLBACK would undo what the file did before".to_owned(),
            Fault::Semicolon => format!("a semicolon is missing behind this {keyword}"),
            Fault::NotBegun => format!("no BEGIN comes before this {keyword}"),
            Fault::Nested => "a transaction is open at this BEGIN already".to_owned(),
            Fault::NotEnded => "no COMMIT ends the transaction of this BEGIN".to_owned(),
            Fault::Outside => "this statement is outside of BEGIN and COMMIT".to_owned(),
        };
        let help = match (fault, self.atomicity) {
            (Fault::Semicolon, _) => "end the statement with a semicolon",
            (Fault::Rollback, _) => "remove what is rolled back, with its BEGIN and ROLLBACK",
            (_, Atomicity::Bare) => "each BEGIN needs its COMMIT in the same file",
            (_, Atomicity::Transaction) => {
                "remove every BEGIN and COMMIT: the statements of a file run in one transaction already. What cannot run \
                 in one goes into a file of its own with `-- seedbed: no-transaction` at its top"
            }
        };
        let more = match controls - 1 {
            0 => String::new(),
            more => format!(" (and {more} more in this file)"),
        };
        let first = match fault {
            Fault::Rollback => None,
            _ => self.statements.iter().find(Written::is_control),
        };
        let first = first.as_ref().unwrap_or(statement);
        let message = format!(
            "{} in a migration: {}{more}",
            first.keyword(),
            match self.atomicity {
                Atomicity::Transaction => "Seedbed itself begins and commits the transaction",
                Atomicity::Bare => "each BEGIN needs its COMMIT",
            }
        );
        let problem = Diagnostic::problem(TRANSACTION_CONTROL, message)
            .at(first.origin())
            .help(help);
        match first.span == statement.span {
            true => problem.note(why),
            false => problem.related(why, statement.origin()),
        }
    }

    /// What is so instead of the transactions that were taken out.
    pub(super) fn taken_out(&self, foreign_keys: ForeignKeys) -> Option<Diagnostic> {
        let first = self.statements.iter().find(Written::is_control)?;
        let are = match foreign_keys {
            ForeignKeys::On => "on",
            ForeignKeys::Off | ForeignKeys::Unchecked => "off",
        };
        let (pragma, keys) = match self.foreign_keys.is_empty() {
            true => ("", String::new()),
            false => (
                " and PRAGMA foreign_keys",
                format!(", and foreign keys are {are} meanwhile"),
            ),
        };
        let controls = self.statements.iter().filter(Written::is_control).count();
        let and = if pragma.is_empty() { " and" } else { "," };
        let message = format!(
            "BEGIN{and} COMMIT{pragma} were taken out ({controls} statements begin or end a transaction): the whole file \
             runs in one transaction{keys}"
        );
        Some(
            Diagnostic::problem(TRANSACTION_CONTROL, message)
                .warning()
                .at(first.origin())
                .help("remove them: Seedbed itself begins and commits the transaction"),
        )
    }
}

impl Written<'_> {
    /// Whether it begins or ends a transaction.
    pub(super) fn is_control(&self) -> bool {
        self.class == Class::Control
    }

    /// Whether it means the same inside of a transaction, or is taken out there.
    fn may_be_outside(&self) -> bool {
        const PRAGMAS: [&str; 4] = [
            "defer_foreign_keys",
            "foreign_key_check",
            "foreign_keys",
            "legacy_alter_table",
        ];
        PRAGMAS.iter().any(|name| self.is_pragma(name))
    }

    /// Whether foreign keys are off for a file that holds it, unless a directive says otherwise.
    pub(super) fn turns_foreign_keys_off(&self) -> bool {
        let is_off = |pragma: &Pragma| {
            pragma.name == "foreign_keys"
                && pragma
                    .value
                    .as_deref()
                    .is_some_and(|value| !means_on(value))
        };
        match self.class {
            Class::DropTable => true,
            Class::Pragma => matches!(self.kind(), Kind::Pragma(pragma) if is_off(&pragma)),
            Class::Control | Class::Plain | Class::Other => false,
        }
    }

    /// Whether it is this pragma, with or without a value.
    pub(super) fn is_pragma(&self, name: &str) -> bool {
        self.class == Class::Pragma
            && matches!(self.kind(), Kind::Pragma(pragma) if pragma.name == name)
    }

    fn keyword(&self) -> String {
        let keyword = self.text().split(|c: char| !c.is_ascii_alphabetic()).next();
        keyword.unwrap_or_default().to_ascii_uppercase()
    }
}

/// Whether a statement that begins or ends a transaction is that and no more:
/// <https://sqlite.org/lang_transaction.html>.
fn is_whole(text: &str) -> bool {
    const BEHIND: [&str; 6] = [
        "deferred",
        "immediate",
        "exclusive",
        "concurrent",
        "readonly",
        "transaction",
    ];
    significant(text)
        .skip(1)
        .all(|token| BEHIND.iter().any(|word| token.is_word(text, word)))
}
