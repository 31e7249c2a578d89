//! What a command was answered, for people and for programs.

use wire::{Answer, CancelsAsked, Carried, WaitingApproval};

use super::Failure;
use super::named::place;
use super::output::Output;

/// Shows the answer to a command. A denial or refusal is an answer like any other, but the exit code is 1.
pub(super) fn show(answer: &Answer, json: bool, out: &mut Output) -> Result<(), Failure> {
    if json {
        out.json(answer)?;
        return if is_no(answer) { Err(Failure::Answered) } else { Ok(()) };
    }
    match answer {
        Answer::Accepted(accepted) => {
            out.line(&format!("accepted {} at {}", accepted.order, accepted.position))
        }
        Answer::Exists(existing) => out.line(&format!(
            "exists {} {}: submitted before, nothing was done again",
            existing.order, existing.status
        )),
        Answer::Requested(requested) => out.line(&format!(
            "requested {} about {} at {}",
            requested.request, requested.order, requested.position
        )),
        Answer::CancelsAsked(cancels) => out.line(&asked(cancels)),
        Answer::Done(carried) => out.line(&done(carried)),
        Answer::Waiting(waiting) => out.line(&waits(waiting)),
        other => Err(failure(other)),
    }
}

fn asked(cancels: &CancelsAsked) -> String {
    let CancelsAsked { position, asked, left, shards_asked } = cancels;
    let left = if *left == 0 { String::new() } else { format!(", {left} have a request out already") };
    let others = match shards_asked {
        0 => String::new(),
        1 => "; another shard is asked to do the same".to_owned(),
        more => format!("; {more} other shards are asked to do the same"),
    };
    format!("{asked} cancels are asked for at {position}{left}{others}")
}

fn waits(waiting: &WaitingApproval) -> String {
    let WaitingApproval { number, standing, repeated, .. } = waiting;
    let before = if *repeated { ": asked for before, nothing was done again" } else { "" };
    match standing.as_str() {
        "waiting" => {
            format!("waiting for approval {number}: a second person runs `gannet approve {number}`{before}")
        }
        standing => format!("approval {number} is {standing}{before}"),
    }
}

fn done(carried: &Carried) -> String {
    let positions: Vec<String> = carried.positions.iter().copied().map(place).collect();
    let repeated = if carried.repeated { ": done before, nothing was done again" } else { "" };
    format!("done at {}{repeated}", positions.join(", "))
}

fn is_no(answer: &Answer) -> bool {
    matches!(answer, Answer::Denied(_) | Answer::Refused(_))
}

/// An answer that is not what was asked for, as a failure.
pub(super) fn failure(answer: &Answer) -> Failure {
    match answer {
        Answer::Denied(denied) => Failure::new(denied),
        Answer::Refused(refusal) => Failure::new(refusal),
        other => Failure::Said(format!("the node answered something else: {other:?}")),
    }
}
