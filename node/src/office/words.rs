//! Words of requests: what a local client says to the office.

use model::{CashMove, ShardId};
use office::OfficeWord;
use office::alerts::{AcknowledgeAlert, AlertWord};
use office::approvals::{ApprovalWord, Approve, AskApproval, RefuseApproval};
use wire::OfficeNote;

/// Somebody has seen an alert.
pub(crate) fn acknowledge(note: OfficeNote) -> OfficeWord {
    let OfficeNote { number, word } = note;
    OfficeWord::Alert(AlertWord::Acknowledge(AcknowledgeAlert { number, word }))
}

/// A second person says yes.
pub(crate) const fn approve(number: u64) -> OfficeWord {
    OfficeWord::Approval(ApprovalWord::Approve(Approve { number }))
}

/// Somebody says no.
pub(crate) fn refuse(note: OfficeNote) -> OfficeWord {
    let OfficeNote { number, word } = note;
    OfficeWord::Approval(ApprovalWord::Refuse(RefuseApproval { number, word }))
}

/// Asks for an approval of a move.
pub(crate) const fn ask(shard: ShardId, cash_move: CashMove) -> OfficeWord {
    OfficeWord::Approval(ApprovalWord::Ask(AskApproval { shard, cash_move }))
}
