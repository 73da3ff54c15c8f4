//! The statement of a migration that runs now, shown while it takes long: on a terminal a line that changes, elsewhere a
//! line now and then, nothing with `--quiet`.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError, Weak};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;
use tokio::runtime::Handle;

use super::terminal::Terminal;
use seedbed::migrations::{Event, Statement};
use seedbed::report;

/// How often the shown time is updated.
const TICK: Duration = Duration::from_secs(1);

/// A shorter statement is not shown on a terminal.
const ON_A_TERMINAL: Duration = Duration::from_secs(2);

/// A shorter statement is not reported where there is no terminal.
const ELSEWHERE: Duration = Duration::from_secs(30);

/// Two lines are not closer than this.
const BETWEEN_LINES: Duration = Duration::from_secs(60);

/// Follows the events of a run. On drop nothing is shown any more.
pub(super) struct Running {
    terminal: Terminal,
    is_shown: bool,
    state: Mutex<State>,
    watch: Once,
    runtime: Handle,
}

#[derive(Default)]
struct State {
    now: Option<(Statement, Instant)>,
    bar: Option<ProgressBar>,
    line: Option<Instant>,
}

impl Running {
    /// Within the runtime of the command.
    pub(super) fn new(terminal: Terminal) -> Arc<Running> {
        Arc::new(Running {
            terminal,
            is_shown: std::io::stderr().is_terminal(),
            state: Mutex::default(),
            watch: Once::new(),
            runtime: Handle::current(),
        })
    }

    /// Takes in an event, before anything else is printed about it.
    pub(super) fn event(self: &Arc<Running>, event: &Event) {
        let mut state = self.state();
        if let Event::Begins(statement) = event {
            state.now = Some((statement.clone(), Instant::now()));
            self.watch
                .call_once(|| drop(self.runtime.spawn(watch(Arc::downgrade(self)))));
        } else {
            state.now = None;
            state.hide();
        }
    }

    fn tick(&self) {
        let state = &mut *self.state();
        let Some((statement, begun)) = &state.now else {
            return;
        };
        let elapsed = begun.elapsed();
        if self.is_shown {
            if elapsed >= ON_A_TERMINAL {
                let bar = state.bar.get_or_insert_with(ProgressBar::new_spinner);
                bar.set_message(report::running(statement, elapsed));
                bar.tick();
            }
        } else if is_due(elapsed, state.line.map(|line| line.elapsed())) {
            state.line = Some(Instant::now());
            self.terminal.words(&report::running(statement, elapsed));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn hide(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.state().hide();
    }
}

/// Whether a line is written about a statement that runs for this long, where the last one is so old.
fn is_due(elapsed: Duration, line: Option<Duration>) -> bool {
    elapsed >= ELSEWHERE && line.is_none_or(|line| line >= BETWEEN_LINES)
}

/// Ticks until the run is over.
async fn watch(running: Weak<Running>) {
    loop {
        tokio::time::sleep(TICK).await;
        match running.upgrade() {
            Some(running) => running.tick(),
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_statement_is_reported_after_half_a_minute_and_then_once_a_minute() {
        let seconds = Duration::from_secs;
        assert!(!is_due(seconds(29), None));
        assert!(is_due(seconds(30), None));
        assert!(!is_due(seconds(80), Some(seconds(50))));
        assert!(is_due(seconds(90), Some(seconds(60))));
        // The line before may be about another statement.
        assert!(!is_due(seconds(31), Some(seconds(45))));
    }
}
