//! `gannet journal repair`: gives up everything behind a good record, on purpose.

use std::io::{BufRead, IsTerminal, Write};
use std::path::Path;

use journal::{AtGap, Folder, JournalError, Reader, Repaired};
use model::{RecordBody, Timestamp};
use serde_json::json;

use super::Failure;
use super::output::Output;
use super::which::Which;

/// Cut a damaged journal behind its last good record. It shows what it would cut and asks; copies are kept beside it.
///
/// Everything behind that record is given up: orders and fills in there are known only to the broker, who must be
/// asked. Never done by itself; a node that runs on the journal is not disturbed, the repair is refused.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    which: Which,
    /// The last record to keep; it and all before it must be good.
    #[arg(long, value_name = "SEQ")]
    to: u64,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

/// What a cut would give up.
struct Loss {
    records: u64,
    last: Option<(u64, Timestamp)>,
    damage: Option<JournalError>,
}

pub(super) fn run(args: &Args, out: &mut Output) -> Result<(), Failure> {
    let dirs = args.which.dirs()?;
    let [dir] = dirs.as_slice() else {
        return Err(Failure::Said("there are several journals: say which by --shard".to_owned()));
    };
    let loss = loss(dir, args.to).map_err(Failure::new)?;
    if loss.records == 0 && loss.damage.is_none() {
        return Err(Failure::Said(format!("there is nothing behind record {}: nothing was done", args.to)));
    }
    if !args.yes {
        ask(dir, args.to, &loss)?;
    }
    let repaired = journal::repair_to(dir, args.to).map_err(Failure::new)?;
    if args.which.json { out.json(&as_json(&repaired, &loss)) } else { told(&repaired, &loss, out) }
}

/// Reads behind record `to` as far as it goes; that record itself must be readable.
fn loss(dir: &Path, to: u64) -> Result<Loss, JournalError> {
    let mut loss = Loss { records: 0, last: None, damage: None };
    // What is missing is what a repair may be for: it is a loss like what is damaged.
    let missing = match journal::lacking(dir) {
        Ok(gap) => gap.map(JournalError::Gap),
        Err(_) => None,
    };
    let mut reader = match Reader::from_seq(Folder::from(dir).reading(AtGap::End), to.max(1)) {
        Err(error) if to == 0 => return Ok(Loss { damage: Some(error), ..loss }),
        reader => reader?,
    };
    if to > 0 && reader.next::<RecordBody>()?.is_none() {
        return Err(JournalError::NotHere { seq: to, first: 1 });
    }
    loop {
        match reader.next::<RecordBody>() {
            Ok(Some(record)) => {
                loss.records += 1;
                loss.last = Some((record.position.seq, record.time));
            }
            Ok(None) => return Ok(Loss { damage: missing, ..loss }),
            Err(error) => return Ok(Loss { damage: Some(error), ..loss }),
        }
    }
}

impl Loss {
    fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some((seq, time)) = self.last {
            lines.push(format!("{} readable records, up to {seq} of {time}", self.records));
        }
        if let Some(damage) = &self.damage {
            lines.push(format!("and whatever is behind what is damaged or missing: {damage}"));
        }
        lines
    }
}

/// Says what will be lost, and goes on only on a plain yes.
fn ask(dir: &Path, to: u64, loss: &Loss) -> Result<(), Failure> {
    let refused = || Failure::Said("nothing was done".to_owned());
    let mut stderr = std::io::stderr().lock();
    let lost: Vec<String> = loss.lines().iter().map(|line| format!("  {line}\n")).collect();
    let text = format!(
        "{}: to be cut behind record {to}:\n{}{}\n",
        dir.display(),
        lost.concat(),
        "The broker may know of orders and fills in there. Copies are kept beside the journal."
    );
    stderr.write_all(text.as_bytes()).map_err(Failure::new)?;
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Said("nothing was done: --yes does it without asking".to_owned()));
    }
    stderr.write_all(b"Cut it? Type yes: ").and_then(|()| stderr.flush()).map_err(Failure::new)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(Failure::new)?;
    if answer.trim() == "yes" { Ok(()) } else { Err(refused()) }
}

fn told(repaired: &Repaired, loss: &Loss, out: &mut Output) -> Result<(), Failure> {
    out.line(&format!("The journal now ends with record {}.", repaired.last_seq))?;
    out.line("Given up:")?;
    loss.lines().iter().try_for_each(|line| out.line(&format!("  {line}")))?;
    out.line(&format!("{} was zeroed from byte {} on.", repaired.segment.display(), repaired.offset))?;
    repaired.removed.iter().try_for_each(|path| out.line(&format!("{} was removed.", path.display())))?;
    out.line(&format!("The files as they were are in {}", repaired.kept_in.display()))
}

fn as_json(repaired: &Repaired, loss: &Loss) -> serde_json::Value {
    json!({
        "last_seq": repaired.last_seq,
        "segment": repaired.segment,
        "offset": repaired.offset,
        "removed": repaired.removed,
        "kept_in": repaired.kept_in,
        "readable_records_cut": loss.records,
        "damage": loss.damage.as_ref().map(ToString::to_string),
    })
}
