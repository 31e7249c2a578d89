//! What goes wrong with a session itself, as the engine tells it: journalled, so that it is an alert and stays known.

use model::{Input, QuarantineCause, QuarantinedMessage, SessionId};

/// Something is wrong with the session; a person must look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// What.
    pub cause: QuarantineCause,
    /// The number it is about, or 0.
    pub number: u64,
    /// What the broker sent, where it is about a message.
    pub raw: Vec<u8>,
}

impl Incident {
    /// True where it shows that the record of what was sent may be older than the truth: absence from it proves nothing.
    pub const fn accuses_record(&self) -> bool {
        matches!(
            self.cause,
            QuarantineCause::NumberTooLow
                | QuarantineCause::RecordIncomplete
                | QuarantineCause::SequenceReset
        )
    }

    /// As the shard journals it.
    pub(crate) fn into_input(mut self, session: SessionId) -> Input {
        let len_bytes = u32::try_from(self.raw.len()).unwrap_or(u32::MAX);
        self.raw.truncate(QuarantinedMessage::KEPT_BYTES);
        Input::Quarantined(QuarantinedMessage {
            session,
            msg_seq_num: self.number,
            cause: self.cause,
            cl_ord_id: None,
            len_bytes,
            raw: self.raw,
        })
    }
}
