//! `gannet clock`: whether the wall clock is trusted, what accepting it would do, and accepting it.

use std::io::{BufRead, IsTerminal, Write};

use super::output::Output;
use super::source::Socket;
use super::{Failure, answers};
use wire::{Answer, ClockPreview, ClockRow, Request};

/// Show whether the wall clock is trusted, and what accepting it would do.
#[derive(Debug, clap::Args)]
pub(super) struct ClockArgs {
    #[command(subcommand)]
    verb: Option<ClockVerb>,
    /// Answer as JSON.
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    socket: Socket,
}

#[derive(Debug, clap::Subcommand)]
enum ClockVerb {
    /// Trust the clock as it is shown: orders and dates go on with it. It shows what follows and asks.
    Accept {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

pub(super) fn run(args: &ClockArgs, out: &mut Output) -> Result<(), Failure> {
    let rows = match args.socket.call(&Request::Clock {})? {
        Answer::Clock(report) if args.json && args.verb.is_none() => return out.json(&report),
        Answer::Clock(report) => report.rows,
        other => return Err(answers::failure(&other)),
    };
    match &args.verb {
        None if rows.is_empty() => out.line("The clock is trusted."),
        None => rows.iter().flat_map(preview).try_for_each(|line| out.line(&line)),
        Some(ClockVerb::Accept { .. }) if rows.is_empty() => {
            Err(Failure::Said("the clock is trusted: there is nothing to accept".to_owned()))
        }
        Some(ClockVerb::Accept { yes }) => {
            ask(&rows, *yes)?;
            rows.iter().try_for_each(|row| accept(args, row, out))
        }
    }
}

/// Exactly what was shown: where the clock was found elsewhere meanwhile, the node refuses.
fn accept(args: &ClockArgs, row: &ClockPreview, out: &mut Output) -> Result<(), Failure> {
    let answer = args.socket.call(&Request::ClockAccept { found: row.clock.found })?;
    answers::show(&answer, args.json, out)
}

/// Says what will follow, and goes on only on a plain yes.
fn ask(rows: &[ClockPreview], yes: bool) -> Result<(), Failure> {
    let mut stderr = std::io::stderr().lock();
    for line in rows.iter().flat_map(preview) {
        writeln!(stderr, "{line}").map_err(Failure::new)?;
    }
    if yes {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Said("nothing was done: --yes does it without asking".to_owned()));
    }
    stderr.write_all(b"Accept it? Type yes: ").and_then(|()| stderr.flush()).map_err(Failure::new)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(Failure::new)?;
    if answer.trim() == "yes" { Ok(()) } else { Err(Failure::Said("nothing was done".to_owned())) }
}

fn preview(row: &ClockPreview) -> Vec<String> {
    let ClockPreview { clock, step_ns, goes_on_at, settles, retires } = row;
    let mut lines = vec![
        format!("Shard {}: {}, since {}", clock.found.shard, how_far(clock), clock.since),
        format!("  it showed {}, and should have shown {}", clock.shown, clock.due),
        "  Accepting it:".to_owned(),
    ];
    lines.push(if *step_ns > 0 {
        format!("    the shard's time steps ahead to {goes_on_at}, for good")
    } else {
        format!("    the shard's time goes on as it is, at {goes_on_at}")
    });
    lines.extend(settles.iter().map(|due| {
        format!("    what {} accounts have due on {} settles at once, for good", due.accounts, due.date)
    }));
    if *retires > 0 {
        lines.push(format!("    {retires} finished orders are no longer kept"));
    }
    lines.push("    new orders pass again".to_owned());
    lines
}

/// `the clock is 3 d 0 h 0 min 5 s ahead`.
pub(super) fn how_far(row: &ClockRow) -> String {
    if row.direction == "right" {
        return "the clock jumped, and is back where it should be".to_owned();
    }
    let seconds = row.off_ns.unsigned_abs().div_ceil(1_000_000_000);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    format!("the clock is {days} d {hours} h {minutes} min {} s {}", seconds % 60, row.direction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::DueRow;

    #[test]
    fn a_preview_says_what_follows() {
        let clock = ClockRow {
            found: "0:17".parse().unwrap(),
            since: "2026-11-20T16:00:00Z".to_owned(),
            finding: "jumped".to_owned(),
            direction: "ahead".to_owned(),
            off_ns: 273_906_000_000_001,
            due: "2026-11-20T16:00:00Z".to_owned(),
            shown: "2026-11-23T20:05:06Z".to_owned(),
        };
        let settles = vec![DueRow { date: "2026-11-23".to_owned(), accounts: 12 }];
        let goes_on_at = "2026-11-23T20:05:07Z".to_owned();
        let row = ClockPreview { clock, step_ns: 1, goes_on_at, settles, retires: 340 };
        let text = preview(&row).join("\n");
        assert!(
            text.contains("Shard 0: the clock is 3 d 4 h 5 min 7 s ahead, since 2026-11-20T16:00"),
            "{text}"
        );
        assert!(text.contains("steps ahead to 2026-11-23T20:05:07Z, for good"), "{text}");
        assert!(text.contains("what 12 accounts have due on 2026-11-23 settles at once"), "{text}");
        assert!(text.contains("340 finished orders are no longer kept"), "{text}");
        let right = ClockRow { direction: "right".to_owned(), off_ns: 5, ..row.clock };
        assert_eq!(how_far(&right), "the clock jumped, and is back where it should be");
    }
}
