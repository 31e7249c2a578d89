//! What a person sees while it runs: one line a step, and a bar where stderr is a terminal.

use std::io::{IsTerminal, Write};
use std::time::Instant;

/// Writes to stderr; a terminal gets a moving bar, a file gets a line a step.
pub(crate) struct Progress {
    quiet: bool,
    terminal: bool,
    started: Instant,
    shown: u64,
}

const BAR: u64 = 30;

impl Progress {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet, terminal: std::io::stderr().is_terminal(), started: Instant::now(), shown: u64::MAX }
    }

    pub(crate) fn step(&mut self, what: &str) {
        if !self.quiet {
            let end = if self.terminal { "\x1b[K\n" } else { "\n" };
            write(&format!("\r{:6.1} s  {what}{end}", self.started.elapsed().as_secs_f64()));
        }
    }

    pub(crate) fn bar(&mut self, done: u64, all: u64, what: &str) {
        let percent = done.saturating_mul(100) / all.max(1);
        if self.quiet || percent == self.shown {
            return;
        }
        self.shown = percent;
        let elapsed = self.started.elapsed().as_secs_f64();
        if self.terminal {
            let filled = usize::try_from(percent * BAR / 100).unwrap_or(0);
            let empty = usize::try_from(BAR).unwrap_or(0).saturating_sub(filled);
            let (full, rest) = ("█".repeat(filled), "░".repeat(empty));
            write(&format!("\r{elapsed:6.1} s  {full}{rest} {percent:3} %  {what}\x1b[K"));
        } else if percent.is_multiple_of(25) {
            write(&format!("{elapsed:6.1} s  {percent:3} %  {what}\n"));
        }
    }

    pub(crate) fn done(&mut self) {
        if !self.quiet && self.terminal {
            write("\r\x1b[K\n");
        }
    }
}

/// A closed stderr is no reason to stop.
fn write(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
