//! The real program as a process: it is waited for, listened to, stopped; and what it printed, without what differs
//! from run to run.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use expect_test::Expect;

/// No process of a test runs longer.
const LONGEST: Duration = Duration::from_secs(60);

enum Heard {
    /// All of standard output.
    Out(String),
    /// One line of standard error.
    Error(String),
}

/// A process under way. It is killed where the value goes before it ended.
pub(crate) struct Running {
    child: Child,
    heard: Receiver<Heard>,
    until: Instant,
    ran: Ran,
}

impl Running {
    /// Starts a command, which is shown as `line`. What it prints of `root` is shown as `[root]`.
    pub(crate) fn start(mut command: Command, line: &str, root: &Path) -> Running {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (send, heard) = channel();
        let stdout = child.stdout.take().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let send_out = send.clone();
        std::thread::spawn(move || {
            let _ = send_out.send(Heard::Out(all(stdout)));
        });
        std::thread::spawn(move || {
            let mut line = Vec::new();
            while stderr
                .read_until(b'\n', &mut line)
                .is_ok_and(|read| read > 0)
            {
                let text = String::from_utf8_lossy(&std::mem::take(&mut line)).into_owned();
                if send.send(Heard::Error(text)).is_err() {
                    break;
                }
            }
        });
        Running {
            child,
            heard,
            until: Instant::now() + LONGEST,
            ran: Ran {
                line: line.to_owned(),
                root: root.to_owned(),
                code: None,
                status: None,
                stdout: String::new(),
                stderr: String::new(),
            },
        }
    }

    /// Returns once a line of standard error has these words in it.
    pub(crate) fn wait_for(&mut self, words: &str) {
        let mut from = 0;
        loop {
            if self.ran.stderr[from..].contains(words) {
                return;
            }
            from = self.ran.stderr.len();
            assert!(self.listen(), "it ended without {words:?}: {}", self.ran);
        }
    }

    /// Takes in what the process says next; false once it has nothing more to say.
    fn listen(&mut self) -> bool {
        let left = self.until.saturating_duration_since(Instant::now());
        match self.heard.recv_timeout(left) {
            Ok(Heard::Out(text)) => self.ran.stdout = text,
            Ok(Heard::Error(line)) => self.ran.stderr.push_str(&line),
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => panic!("it runs for ever: {}", self.ran),
        }
        true
    }

    #[cfg(unix)]
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -{name} {}", self.id())])
            .status();
        assert!(sent.unwrap().success());
    }

    #[cfg(unix)]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL.
    #[cfg(unix)]
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> Ran {
        while self.listen() {}
        let status = self.child.wait().unwrap();
        self.ran.code = status.code();
        self.ran.status = Some(status);
        std::mem::take(&mut self.ran)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A process that ended, and what it printed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ran {
    line: String,
    root: PathBuf,
    /// `None` where a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) status: Option<ExitStatus>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// What it was called with.
    pub(crate) fn line(&self) -> &str {
        &self.line
    }

    /// The one JSON document that it printed.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// Compares what it printed, and its exit code, with what is expected.
    pub(crate) fn check(&self, expect: Expect) {
        expect.assert_eq(&self.to_string());
    }

    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn exits(&self, code: i32) {
        assert_eq!(self.code, Some(code), "{self}");
    }

    fn plain(&self, text: &str) -> String {
        let root = self.root.display().to_string();
        let text = text.replace(&root, "[root]");
        let version = format!("seedbed {}", env!("CARGO_PKG_VERSION"));
        let text = text.replace(&version, "seedbed [version]");
        milliseconds(&times(&text))
    }
}

/// The command, what it printed with what differs from run to run taken out, and its exit code.
impl std::fmt::Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{}", format!("$ seedbed {}", self.line).trim_end())?;
        f.write_str(&narrow(&self.plain(&self.stdout)))?;
        for line in self.plain(&self.stderr).lines() {
            writeln!(f, "{}", format!("2> {line}").trim_end())?;
        }
        match self.code {
            Some(0) => Ok(()),
            Some(code) => writeln!(f, "exit {code}"),
            None => writeln!(f, "{:?}", self.status),
        }
    }
}

/// Replaces `2026-01-02T03:04:05.678Z`, the same for people, and the version of a file that was named by the time.
fn times(text: &str) -> String {
    const SHAPES: [(&str, &str); 3] = [
        ("dddd-dd-ddTdd:dd:dd.dddZ", "[time]"),
        ("dddd-dd-dd dd:dd:dd", "[time]"),
        ("Vdddddddddddddd__", "V[time]__"),
    ];
    SHAPES.iter().fold(text.to_owned(), |text, (shape, word)| {
        let mut rest = text.as_str();
        let mut plain = String::new();
        while let Some(first) = rest.chars().next() {
            if fits(rest, shape) {
                plain.push_str(word);
                rest = &rest[shape.len()..];
            } else {
                plain.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        plain
    })
}

fn fits(text: &str, shape: &str) -> bool {
    text.len() >= shape.len()
        && text
            .bytes()
            .zip(shape.bytes())
            .all(|(byte, of_shape)| match of_shape {
                b'd' => byte.is_ascii_digit(),
                _ => byte == of_shape,
            })
}

/// What follows on ` ms`, ` s` or `.5 s` behind a number.
fn after_duration(after: &str) -> Option<&str> {
    let whole = after.strip_prefix(" ms");
    let tenths = || {
        after
            .strip_prefix('.')?
            .strip_prefix(|c: char| c.is_ascii_digit())
    };
    let seconds = || tenths().unwrap_or(after).strip_prefix(" s");
    let is_word = |rest: &&str| rest.starts_with(|c: char| c.is_ascii_alphanumeric());
    whole.or_else(|| seconds().filter(|rest| !is_word(rest)))
}

/// Replaces `12 ms`, `1.2 s` and the values of `duration_ms`.
fn milliseconds(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(at);
        let digits = number
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(number.len());
        let (number, after) = number.split_at(digits);
        plain.push_str(before);
        rest = after;
        if let Some(after) = after_duration(after) {
            plain.push_str("[ms]");
            rest = after;
        } else if before.ends_with("\"duration_ms\": ") {
            plain.push_str("[ms]");
        } else {
            plain.push_str(number);
        }
    }
    plain + rest
}

/// Takes the width out of the columns of a table of migrations, or of imported tables: it depends on how long each took. Lines end with text.
fn narrow(text: &str) -> String {
    let mut within = false;
    let mut plain = String::new();
    for line in text.lines() {
        within = line.starts_with("state ")
            || (line.starts_with("table ") && line.ends_with("verified"))
            || (within && !line.is_empty());
        if within {
            let cells = line.split("  ").map(str::trim).filter(|it| !it.is_empty());
            plain.push_str(&cells.collect::<Vec<_>>().join("  "));
        } else {
            plain.push_str(line.trim_end());
        }
        plain.push('\n');
    }
    plain
}

fn all(mut from: impl Read) -> String {
    let mut bytes = Vec::new();
    let _ = from.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}
