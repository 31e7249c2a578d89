//! What an alert of a shard says to a person: who it is about, and what happened.

use model::{Alert, AlertKind, ShardId};

use front::directory::Directory;

/// Who or what the alert is about, the nearest first.
pub(super) fn subject(directory: &Directory, shard: ShardId, alert: &Alert) -> String {
    match (alert.order, alert.session) {
        (Some(order), _) => format!("order {order}"),
        (None, Some(session)) => format!("session {}", directory.session_name(session)),
        (None, None) => format!("shard {shard}"),
    }
}

/// What happened.
pub(super) fn text(directory: &Directory, alert: &Alert) -> String {
    let session = alert.session.filter(|_| alert.order.is_some());
    let by = session.map(|id| format!(", session {}", directory.session_name(id))).unwrap_or_default();
    let value = alert.value.map(|value| format!(" ({value})")).unwrap_or_default();
    format!("{}{value}{by}", sentence(alert.kind))
}

/// The word for it, as events have it.
pub(super) fn kind(kind: AlertKind) -> &'static str {
    told(kind).0
}

fn sentence(kind: AlertKind) -> &'static str {
    told(kind).1
}

/// The word for each kind, as events have it, and what happened.
const fn told(kind: AlertKind) -> (&'static str, &'static str) {
    match kind {
        AlertKind::UnknownOrder => {
            ("unknown_order", "a broker reported on an order that we do not have; a fill is in suspense")
        }
        AlertKind::UnsolicitedCancel => {
            ("unsolicited_cancel", "the broker cancelled an order that nobody asked to cancel")
        }
        AlertKind::Overfill => ("overfill", "more was executed than was ordered; it is booked"),
        AlertKind::FillAfterTerminal => {
            ("fill_after_terminal", "an execution came for an order that was finished; it is booked")
        }
        AlertKind::ExecutionConflict => {
            ("execution_conflict", "an execution came again with other economics; it is not booked again")
        }
        AlertKind::CumQuantityMismatch => {
            ("cum_quantity_mismatch", "the broker's cumulated quantity is not ours")
        }
        AlertKind::ReportMismatch => {
            ("report_mismatch", "a report names another symbol or side than the order")
        }
        AlertKind::MissingExecId => {
            ("missing_exec_id", "an execution came without an ExecID; it is kept and not booked")
        }
        AlertKind::MessageQuarantined => {
            ("message_quarantined", "a message could not be translated; it is kept raw")
        }
        AlertKind::UnusualReport => ("unusual_report", "a report came of a type that changes nothing here"),
        AlertKind::StillInDoubt => {
            ("still_in_doubt", "it is still not certain what the broker knows of the order")
        }
        AlertKind::MessageRejected => ("message_rejected", "the broker refused a message of ours"),
        AlertKind::BookingFailed => {
            ("booking_failed", "a fill could not be booked exactly; it is in suspense")
        }
        AlertKind::ExecutionTooOld => (
            "execution_too_old",
            "an execution is dated before the days that are remembered; it is not booked",
        ),
        AlertKind::CompIdProblem => (
            "comp_id_problem",
            "a message has the names of another session; it is kept raw, and the session ended",
        ),
        AlertKind::RecordDistrusted => (
            "record_distrusted",
            "our record of what was sent is older than the truth; the broker is asked about what is in doubt",
        ),
        AlertKind::SequenceReset => ("sequence_reset", "the broker began its numbers at 1 again"),
        AlertKind::GapUnfilled => {
            ("gap_unfilled", "the broker does not send again what we miss; the session ended")
        }
        AlertKind::SetAside => {
            ("set_aside", "an invariant broke: somebody is set aside, and an operator releases them")
        }
        AlertKind::ClockSuspect => {
            ("clock_suspect", "the wall clock is not trusted: no new orders until a person accepts it")
        }
        AlertKind::AnswerOverdue => {
            ("answer_overdue", "the broker has not answered a request in the time it has")
        }
        AlertKind::SettlementHeld => {
            ("settlement_held", "something due could not be settled; it is tried again")
        }
        AlertKind::ExecutionMissing => {
            ("execution_missing", "the broker counts as executed what it has not told")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_events_and_fit_what_the_office_keeps() {
        let kinds = [
            AlertKind::UnknownOrder,
            AlertKind::SetAside,
            AlertKind::RecordDistrusted,
            AlertKind::CompIdProblem,
        ];
        for kind in kinds {
            let (word, sentence) = told(kind);
            assert_eq!(serde_json::to_value(kind).unwrap(), word);
            assert!(word.len() <= 24 && sentence.len() <= 150, "{word}");
        }
    }
}
