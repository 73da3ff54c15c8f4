//! The only file that prints: data on standard output, words on standard error.
//!
//! Colours are in the texts already and are removed where they would not be shown. A reader that went away (`| head`)
//! is no error; a result that cannot be written is one, and [`unwritten`] has it until the command ends.

use std::borrow::Cow;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use seedbed::db::Stop;

use super::args::{Color, Format, Global};

/// Where a command prints, and how much.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terminal {
    color: ColorChoice,
    /// How the result is printed.
    pub(super) format: Format,
    quiet: bool,
    /// Whether each step is reported.
    pub(super) verbose: bool,
}

impl Terminal {
    pub(super) fn new(global: &Global) -> Terminal {
        Terminal {
            color: match global.color {
                Color::Auto => ColorChoice::Auto,
                Color::Always => ColorChoice::Always,
                Color::Never => ColorChoice::Never,
            },
            format: global.format,
            quiet: global.quiet,
            verbose: global.verbose,
        }
    }

    /// The result of a command.
    pub(super) fn data(&self, text: &str) {
        let text = match self.format {
            Format::Table => in_order(text),
            Format::Json | Format::Sarif => Cow::Borrowed(text),
        };
        keep(write_to(
            &mut AutoStream::new(io::stdout(), self.color),
            &text,
        ));
    }

    /// A text that is the result, byte for byte.
    pub(super) fn verbatim(&self, text: &str) {
        let mut stdout = io::stdout();
        keep(
            stdout
                .write_all(text.as_bytes())
                .and_then(|()| stdout.flush()),
        );
    }

    /// Words about the result, unless `--quiet`.
    pub(super) fn words(&self, text: &str) {
        if !self.quiet {
            self.error(text);
        }
    }

    /// Whether messages about the result are printed.
    pub(super) fn tells(&self) -> bool {
        !self.quiet
    }

    /// Words that are always told: what went wrong.
    pub(super) fn error(&self, text: &str) {
        let mut stderr = AutoStream::new(std::io::stderr(), self.color);
        let _ = write_to(&mut stderr, &in_order(text));
    }

    /// Whether a user can answer.
    pub(super) fn can_ask(&self) -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Asks for a yes; anything else is a no, and so is Ctrl-C.
    pub(super) fn ask(&self, question: &str, stop: &Stop) -> bool {
        let (terminal, question) = (*self, question.to_owned());
        let (answers, answer) = std::sync::mpsc::channel();
        // Nothing ends the read but a line; the thread ends with the process.
        std::thread::spawn(move || answers.send(terminal.answer(&question)));
        loop {
            match answer.recv_timeout(ASKED) {
                Err(RecvTimeoutError::Timeout) if !stop.is_raised() => {}
                Ok(Some(answer)) => {
                    return matches!(answer.to_ascii_lowercase().as_str(), "y" | "yes");
                }
                Ok(None) | Err(_) => return false,
            }
        }
    }

    /// Asks, and reads a line; none where that fails or the input ends.
    pub(super) fn answer(&self, question: &str) -> Option<String> {
        let mut stderr = AutoStream::new(std::io::stderr(), self.color);
        let asked = write!(stderr, "{question}").and_then(|()| stderr.flush());
        let mut answer = String::new();
        let read = asked.and_then(|()| std::io::stdin().read_line(&mut answer));
        // An answer has a line end; without one, the input has ended.
        (read.ok()? > 0).then(|| answer.trim().to_owned())
    }
}

/// The columns of the terminal that standard output is; none where it is a file or a pipe.
pub(super) fn columns() -> Option<usize> {
    let (terminal_size::Width(width), _) = terminal_size::terminal_size_of(io::stdout())?;
    Some(width.into())
}

/// How often a question looks whether Ctrl-C was pressed.
const ASKED: Duration = Duration::from_millis(100);

/// Why standard output could not be written: of the process, as standard output is.
static UNWRITTEN: OnceLock<io::Error> = OnceLock::new();

/// Keeps why something could not be written to standard output, unless its reader has closed it.
pub(super) fn keep(written: io::Result<()>) {
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        let _ = UNWRITTEN.set(error);
    }
}

/// A JSON document where there are no flags that say how to print.
pub(super) fn document(text: &str) {
    keep(write_to(&mut io::stdout(), text));
}

/// Words about what went wrong where there are no flags that say how to print.
pub(super) fn failed(text: &str) {
    let _ = write_to(&mut AutoStream::auto(io::stderr()), text);
}

/// Why a result could not be written, if that happened.
pub(super) fn unwritten() -> Option<&'static io::Error> {
    UNWRITTEN.get()
}

/// A text without the characters that make a terminal show others in another order: a name that holds one could look like
/// another name.
fn in_order(text: &str) -> Cow<'_, str> {
    let reorders = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    match text.contains(reorders) {
        true => Cow::Owned(text.replace(reorders, "\u{fffd}")),
        false => Cow::Borrowed(text),
    }
}

fn write_to(stream: &mut impl Write, text: &str) -> std::io::Result<()> {
    if text.is_empty() {
        return Ok(());
    }
    stream.write_all(text.as_bytes())?;
    if !text.ends_with('\n') {
        stream.write_all(b"\n")?;
    }
    stream.flush()
}
