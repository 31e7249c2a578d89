//! QuickFIX's rejects: which may be overruled, and what becomes of the others.
//!
//! QuickFIX rejects application messages by itself, fills included, and counts them as received. "A fill is never
//! rejected" holds for what comes from the right counterparty; so a reject is overruled only where it is in this list.

use quickfix::{FieldMap, Message};

use crate::tags;

use super::adapt::tag;

/// One `SessionRejectReason` (FIX tag 373) that is overruled.
pub(super) struct Overruled {
    pub(super) reason: u32,
    /// Why the message is taken all the same.
    #[cfg_attr(not(test), expect(dead_code, reason = "for people; a test asks for it"))]
    pub(super) because: &'static str,
}

/// Every reject that is overruled. `fix-gateway/tests/it/quickfix_rejects.rs` has a case for each.
pub(super) const OVERRULED: [Overruled; 3] = [
    Overruled {
        reason: 4,
        because: "a tag without a value: the translation takes it as absent and knows which tags it needs",
    },
    Overruled {
        reason: 13,
        because: "a tag that comes twice: without a data dictionary that is every repeating group (parties, fees)",
    },
    Overruled {
        reason: 14,
        because: "tags out of order, as a header tag in the body: each tag says what it is, wherever it stands",
    },
];

/// `SessionRejectReason` 9, "CompID problem".
pub(super) const COMP_ID_PROBLEM: u32 = 9;

/// True where this reject of ours must not go out: the message is taken.
pub(super) fn may_overrule(reject: &Message) -> bool {
    let reason = reject.get_field(tag(tags::SESSION_REJECT_REASON)).and_then(|text| text.parse::<u32>().ok());
    reason.is_some_and(|reason| OVERRULED.iter().any(|entry| entry.reason == reason))
}

/// QuickFIX looks at tags before it looks at names: whatever else is wrong with a foreign message, its names are.
pub(super) fn become_comp_id_problem(reject: &mut Message) {
    // Setting a field fails only where memory does.
    let _ = reject.remove_field(tag(tags::REF_TAG_ID));
    let _ = reject.set_field(tag(tags::SESSION_REJECT_REASON), COMP_ID_PROBLEM.to_string());
    let _ = reject.set_field(tag(tags::TEXT), "CompID problem");
}

/// The reject has a number by now, so something must go out with it.
pub(super) fn become_heartbeat(reject: &mut Message) {
    // Removing a field that is not there, or setting one, fails only where memory does.
    let _ = reject.with_header_mut(|header| header.set_field(tag(tags::MSG_TYPE), "0"));
    for number in
        [tags::REF_SEQ_NUM, tags::REF_MSG_TYPE, tags::SESSION_REJECT_REASON, tags::REF_TAG_ID, tags::TEXT]
    {
        let _ = reject.remove_field(tag(number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reject(reason: u32) -> Message {
        let mut message = Message::new();
        message.with_header_mut(|header| header.set_field(tag(tags::MSG_TYPE), "3")).unwrap();
        message.set_field(tag(tags::SESSION_REJECT_REASON), reason.to_string()).unwrap();
        message
    }

    #[test]
    fn only_what_is_listed_is_overruled() {
        let overruled: Vec<u32> = (0..=99).filter(|reason| may_overrule(&reject(*reason))).collect();
        assert_eq!(overruled, [4, 13, 14]);
        assert!(OVERRULED.iter().all(|entry| !entry.because.is_empty()));
        let mut without = reject(4);
        without.remove_field(tag(tags::SESSION_REJECT_REASON)).unwrap();
        assert!(!may_overrule(&without));
    }
}
