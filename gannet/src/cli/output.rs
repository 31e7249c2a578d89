//! Where answers go: tables for people, JSON for programs.

use std::io::{ErrorKind, IsTerminal, Write};

use serde::Serialize;

use super::Failure;
use crate::table::{Style, Table};

/// Standard output, and how to write on it.
pub(super) struct Output {
    to: Box<dyn Write>,
    style: Style,
}

impl Output {
    pub(super) fn stdout() -> Self {
        let stdout = std::io::stdout();
        let colour = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { to: Box::new(stdout), style: Style { colour } }
    }

    pub(super) fn line(&mut self, text: &str) -> Result<(), Failure> {
        self.write(&format!("{text}\n"))
    }

    pub(super) fn table(&mut self, table: &Table) -> Result<(), Failure> {
        let text = table.render(self.style);
        self.write(&text)
    }

    pub(super) fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(Failure::new)?;
        self.line(&text)
    }

    /// One object on a line of its own, for streams.
    pub(super) fn json_line<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(Failure::new)?;
        self.line(&text)
    }

    fn write(&mut self, text: &str) -> Result<(), Failure> {
        self.to.write_all(text.as_bytes()).and_then(|()| self.to.flush()).map_err(|error| {
            match error.kind() {
                ErrorKind::BrokenPipe => Failure::OutputClosed,
                _ => Failure::Said(format!("cannot write the answer: {error}")),
            }
        })
    }
}
