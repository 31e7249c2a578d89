//! What the office answers, in the words of the local protocol.

use model::{Amount, Position};
use office::alerts::MOST_WORD_BYTES;
use office::{OfficeDenial, OfficeEvent, OfficeReason};
use wire::{Answer, Carried, Denied, OfficeNote, Refusal, RefusalKind, WaitingApproval};

use super::rows::standing_word;
use crate::node_api::{NodeApi, OfficeReply};

/// The answer to a word that somebody said.
pub(crate) fn answer(api: &dyn NodeApi, reply: &OfficeReply) -> Answer {
    let position = reply.position;
    match &reply.event {
        OfficeEvent::Denied { denial } => Answer::Denied(denied(Some(position), denial)),
        OfficeEvent::AlertAcknowledged { .. }
        | OfficeEvent::Approved { .. }
        | OfficeEvent::ApprovalRefused { .. } => {
            Answer::Done(Carried { positions: vec![position], repeated: false })
        }
        OfficeEvent::ApprovalWaits { number, .. } => waits(position, *number, "waiting", false),
        OfficeEvent::ApprovalExists { number } => waits(position, *number, stands(api, *number), true),
        // Only the node says what is answered by these.
        other => {
            tracing::error!(%position, ?other, "a word to the office was answered by what is no answer");
            let text = format!("the word was recorded at {position}, but what came of it cannot be told");
            Answer::Refused(Refusal::new(RefusalKind::AnswerLost, text))
        }
    }
}

fn waits(position: Position, number: u64, standing: &str, repeated: bool) -> Answer {
    Answer::Waiting(WaitingApproval { position, number, standing: standing.to_owned(), repeated })
}

/// Where a request stands that was asked for before.
fn stands(api: &dyn NodeApi, number: u64) -> &'static str {
    let mut standing = "waiting";
    api.read_office(&mut |books| {
        if let Some(request) = books.office.approvals().get(number) {
            standing = standing_word(request);
        }
    });
    standing
}

/// The answer to a word about a row that is longer than one may be; nothing is recorded.
pub(crate) fn too_long(note: &OfficeNote) -> Option<Answer> {
    let amount = |count: usize| Amount::from(u32::try_from(count).unwrap_or(u32::MAX));
    let len_bytes = note.word.len();
    (len_bytes > MOST_WORD_BYTES).then(|| {
        let (limit, actual) = (amount(MOST_WORD_BYTES), amount(len_bytes));
        Answer::Denied(denied(None, &OfficeDenial::beyond(OfficeReason::TextTooLong, limit, actual)))
    })
}

fn denied(position: Option<Position>, denial: &OfficeDenial) -> Denied {
    Denied {
        position,
        number: denial.reason.number(),
        name: denial.reason.name().to_owned(),
        field: denial.reason.field().to_owned(),
        text: denial.reason.text().to_owned(),
        limit: denial.limit,
        actual: denial.actual,
    }
}
