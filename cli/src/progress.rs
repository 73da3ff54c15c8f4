//! How far an import is: a bar on a terminal, a line every few seconds elsewhere, nothing with `--quiet`.

use std::fmt::Write;
use std::io::{IsTerminal, Read};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

use super::terminal::Terminal;
use seedbed::dump::import::{ImportEvent, Input, OnImport};
use seedbed::report;

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// What is shown while an import runs.
pub(super) struct Progress {
    terminal: Terminal,
    bar: Option<ProgressBar>,
    on_event: OnImport,
}

impl Progress {
    /// `done` is the verb for the rows that have arrived.
    pub(super) fn new(terminal: Terminal, input: &Input, done: &'static str) -> Progress {
        let total = length(input);
        let bar = (terminal.tells() && std::io::stderr().is_terminal()).then(|| bar(total));
        let on_event: OnImport = match &bar {
            Some(bar) => shown(bar.clone()),
            None => lines(terminal, total, done),
        };
        Progress {
            terminal,
            bar,
            on_event,
        }
    }

    /// Prints lines above the bar.
    pub(super) fn say(&self) -> impl Fn(&str) + Send + Sync + use<> {
        let (terminal, bar) = (self.terminal, self.bar.clone());
        move |line| match &bar {
            Some(bar) => bar.println(line),
            None => terminal.words(line),
        }
    }

    pub(super) fn on_event(&self) -> OnImport {
        self.on_event.clone()
    }
}

/// The bar leaves no trace.
impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Bytes of the text; for a packed one they are unknown before its end.
fn length(input: &Input) -> Option<u64> {
    let Input::File(path) = input else {
        return None;
    };
    input.length().filter(|_| !is_packed(path))
}

fn is_packed(path: &Path) -> bool {
    let mut begin = [0; 2];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut begin));
    read.is_err() || begin == [0x1f, 0x8b]
}

fn bar(total: Option<u64>) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => (
            ProgressBar::new(total),
            "{msg} {wide_bar} {bytes} of {total_bytes}, {eta} left",
        ),
        None => (ProgressBar::new_spinner(), "{msg} {spinner} {bytes}"),
    };
    let style = ProgressStyle::with_template(template);
    let bar = match style {
        // As all sizes are written.
        Ok(style) => bar.with_style(
            style
                .with_key("bytes", |state: &ProgressState, to: &mut dyn Write| {
                    let _ = to.write_str(&report::bytes(state.pos()));
                })
                .with_key(
                    "total_bytes",
                    |state: &ProgressState, to: &mut dyn Write| {
                        let _ = to.write_str(&report::bytes(state.len().unwrap_or_default()));
                    },
                ),
        ),
        Err(_) => bar,
    };
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

fn shown(bar: ProgressBar) -> OnImport {
    let begun: Mutex<Option<Instant>> = Mutex::new(None);
    Arc::new(move |event| match event {
        ImportEvent::Checked { bytes } => {
            bar.set_message("checking");
            bar.set_position(bytes);
        }
        ImportEvent::Written { bytes, rows } => {
            bar.set_message(pace(&begun, rows));
            bar.set_position(bytes);
        }
        ImportEvent::Index(name) => bar.set_message(format!("making index {name}")),
        ImportEvent::Trigger(fired) => bar.println(report::trigger_warning(&fired)),
        ImportEvent::NoModule(lacking) => bar.println(report::module_warning(&lacking)),
        ImportEvent::Finishing => bar.set_message("checking and recording"),
        ImportEvent::Waiting => bar.set_message("waiting for another connection"),
        ImportEvent::Again => bar.set_message("no answer, sending again"),
        // What was left out, an import says at its end.
        _ => {}
    })
}

fn many_rows(rows: u64) -> String {
    report::count(usize::try_from(rows).unwrap_or(usize::MAX), "row")
}

/// `1,200,000 rows, 310,000 rows/s`
fn pace(begun: &Mutex<Option<Instant>>, rows: u64) -> String {
    let since = match begun.lock() {
        Ok(mut begun) => begun.get_or_insert_with(Instant::now).elapsed(),
        Err(_) => Duration::ZERO,
    };
    let mut words = many_rows(rows);
    if since > Duration::from_millis(500) {
        let speed = rows as f64 / since.as_secs_f64();
        words.push_str(&format!(", {}/s", many_rows(speed as u64)));
    }
    words
}

fn lines(terminal: Terminal, total: Option<u64>, done: &'static str) -> OnImport {
    let begun: Mutex<Option<Instant>> = Mutex::new(None);
    let last = Mutex::new(Instant::now());
    Arc::new(move |event| {
        if let ImportEvent::Trigger(fired) = &event {
            terminal.words(&report::trigger_warning(fired));
        }
        if let ImportEvent::NoModule(lacking) = &event {
            terminal.words(&report::module_warning(lacking));
        }
        let (ImportEvent::Checked { bytes } | ImportEvent::Written { bytes, .. }) = event else {
            return;
        };
        // Speed is counted from the first rows on.
        let doing = match event {
            ImportEvent::Written { rows, .. } => format!("{done} {}", pace(&begun, rows)),
            _ => "checking".to_owned(),
        };
        let Ok(mut last) = last.lock() else { return };
        if last.elapsed() < EVERY {
            return;
        }
        *last = Instant::now();
        let of = total.map(|total| format!(" of {}", report::bytes(total)));
        let of = of.unwrap_or_default();
        terminal.words(&format!("{doing}: {}{of}", report::bytes(bytes)));
    })
}
