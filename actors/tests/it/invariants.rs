//! What must hold after every input, whatever came in.

use actors::Outcome;
use model::{Event, Input};

/// A command is answered first; nothing sends more than the egress ring has room for.
pub(crate) fn of_outcome(input: &Input, outcome: &Outcome) {
    assert!(outcome.outbound.len() <= Outcome::MAX_OUTBOUND);
    if !matches!(input, Input::Command { .. }) {
        return;
    }
    let is_answer = |event: &Event| {
        matches!(
            event,
            Event::Done
                | Event::Denied { .. }
                | Event::OrderAccepted { .. }
                | Event::OrderExists { .. }
                | Event::RequestAccepted { .. }
                | Event::CashMoved { .. }
                | Event::CashMoveExists
                | Event::HaltChanged { .. }
                | Event::Released { .. }
                | Event::ClockAccepted { .. }
                | Event::CancelsAsked { .. }
                | Event::AskRepeated { .. }
        )
    };
    assert!(outcome.events.first().is_some_and(is_answer), "{outcome:?}");
    assert_eq!(outcome.events.iter().filter(|event| is_answer(event)).count(), 1, "{outcome:?}");
}
