//! QuickFIX's types and ours.

use quickfix::{FieldMap, Message, QuickFixError};

use crate::error::EngineError;
use crate::{fields, tags};

/// The crate's tags are signed.
pub(super) const fn tag(number: u32) -> i32 {
    number.cast_signed()
}

#[expect(clippy::needless_pass_by_value, reason = "for map_err")]
pub(super) fn failed(error: QuickFixError) -> EngineError {
    EngineError { engine: "QuickFIX", problem: error.to_string() }
}

/// Heartbeat, `TestRequest`, `ResendRequest`, `Reject`, `SequenceReset`, Logout, Logon.
pub(super) fn is_admin(msg_type: &str) -> bool {
    matches!(msg_type, "0" | "1" | "2" | "3" | "4" | "5" | "A")
}

pub(super) fn type_of(message: &Message) -> Option<String> {
    message.with_header(|header| header.get_field(tag(tags::MSG_TYPE)))
}

pub(super) fn seq_of(message: &Message) -> Option<u64> {
    message.with_header(|header| header.get_field(tag(tags::MSG_SEQ_NUM)))?.parse().ok()
}

/// The message as QuickFIX prints it: with a NUL behind it.
pub(super) fn raw_of(message: &Message) -> Result<Vec<u8>, QuickFixError> {
    let mut raw = message.to_fix_raw_bytes()?;
    if raw.last() == Some(&0) {
        raw.pop();
    }
    Ok(raw)
}

/// The message with `34=0`.
pub(super) fn without_number(raw: &[u8]) -> Vec<u8> {
    let fields = raw.split_inclusive(|&byte| byte == fields::SOH);
    fields
        .flat_map(|field| if field.starts_with(b"34=") { &b"34=0\x01"[..] } else { field })
        .copied()
        .collect()
}
