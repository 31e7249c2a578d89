//! Where answers go: tables for people, JSON for programs.

use std::io::{ErrorKind, IsTerminal, Write};

use readable::table::{Style, Table};
use serde::Serialize;
use serde_json::{Value, json};

use super::Failure;
use super::up_to_gap::UpToGap;

/// The key under which JSON says up to where it holds.
const KEY: &str = "up_to_gap";

/// Standard output, and how to write on it.
pub(super) struct Output {
    to: Box<dyn Write>,
    style: Style,
    /// What the answer begins with where it was read up to a gap: until it was said.
    up_to_gap: Option<UpToGap>,
}

impl Output {
    pub(super) fn stdout() -> Self {
        let stdout = std::io::stdout();
        let colour = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { to: Box::new(stdout), style: Style { colour }, up_to_gap: None }
    }

    /// Everything that follows was read up to a gap: it begins with these words, and JSON has the key `up_to_gap`.
    pub(super) fn holds_up_to(&mut self, up_to_gap: UpToGap) {
        self.up_to_gap = Some(up_to_gap);
    }

    pub(super) fn line(&mut self, text: &str) -> Result<(), Failure> {
        self.say_up_to_gap()?;
        self.write(&format!("{text}\n"))
    }

    /// A text as it is, whole lines of it.
    pub(super) fn text(&mut self, text: &str) -> Result<(), Failure> {
        self.say_up_to_gap()?;
        self.write(text)
    }

    pub(super) fn table(&mut self, table: &Table) -> Result<(), Failure> {
        self.say_up_to_gap()?;
        let text = table.render(self.style);
        self.write(&text)
    }

    /// A list that was read up to a gap stands under the key `answer`, beside `up_to_gap`.
    pub(super) fn json<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        let Some(up_to_gap) = self.take_up_to_gap_for_programs() else {
            let text = serde_json::to_string_pretty(value).map_err(Failure::new)?;
            return self.write(&format!("{text}\n"));
        };
        let mut value = serde_json::to_value(value).map_err(Failure::new)?;
        match value.as_object_mut() {
            Some(object) => {
                object.insert(KEY.to_owned(), up_to_gap);
            }
            None => value = json!({ KEY: up_to_gap, "answer": value }),
        }
        self.json(&value)
    }

    /// One object on a line of its own, for streams; before the first, one of what it was read up to.
    pub(super) fn json_line<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Failure> {
        if let Some(up_to_gap) = self.take_up_to_gap_for_programs() {
            self.json_line(&json!({ KEY: up_to_gap }))?;
        }
        let text = serde_json::to_string(value).map_err(Failure::new)?;
        self.write(&format!("{text}\n"))
    }

    /// A refusal may come from what is missing: then that is said on stderr.
    pub(super) fn say_unsaid(&mut self) {
        self.take_up_to_gap_for_programs();
    }

    /// Where nothing was there to be said, what it would have begun with.
    pub(super) fn end(&mut self, json: bool) -> Result<(), Failure> {
        if !json {
            return self.say_up_to_gap();
        }
        match self.take_up_to_gap_for_programs() {
            Some(up_to_gap) => self.json_line(&json!({ KEY: up_to_gap })),
            None => Ok(()),
        }
    }

    fn say_up_to_gap(&mut self) -> Result<(), Failure> {
        let said = self.up_to_gap.take().map(|up_to_gap| up_to_gap.lines).unwrap_or_default();
        said.iter().try_for_each(|line| self.write(&format!("{line}\n")))
    }

    /// People who watch a program at work see it too.
    fn take_up_to_gap_for_programs(&mut self) -> Option<Value> {
        let UpToGap { lines, json } = self.up_to_gap.take()?;
        for line in lines {
            eprintln!("gannet: {line}");
        }
        Some(json)
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
