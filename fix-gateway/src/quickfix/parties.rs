//! Whether a message comes from the session's counterparty and is meant for it: FIX tags 8, 49 and 56.
//!
//! QuickFIX looks at this itself, but last: a message whose tags it dislikes is rejected for those, and one without the
//! tags at all gets a business reject. So it is looked at here first, in the bytes as they came.

use crate::fields::{Fields, SOH};
use crate::settings::SessionSettings;
use crate::tags;

/// The two parties of a session.
#[derive(Clone, Debug)]
pub(super) struct Parties {
    begin_string: String,
    ours: String,
    theirs: String,
}

impl Parties {
    pub(super) fn of(settings: &SessionSettings) -> Self {
        Self {
            begin_string: settings.begin_string.clone(),
            ours: settings.sender_comp_id.clone(),
            theirs: settings.target_comp_id.clone(),
        }
    }

    /// True for a whole message of somebody else, or for somebody else. A garbled one is nobody's: FIX asks to ignore it.
    pub(super) fn are_wrong_in(&self, raw: &[u8]) -> bool {
        !self.are_right_in(raw) && is_whole(raw)
    }

    fn are_right_in(&self, raw: &[u8]) -> bool {
        let mut seen = [false; 3];
        for (tag, value) in Fields::of(raw) {
            let (slot, expected) = match tag {
                tags::BEGIN_STRING => (0, &self.begin_string),
                tags::SENDER_COMP_ID => (1, &self.theirs),
                tags::TARGET_COMP_ID => (2, &self.ours),
                _ => continue,
            };
            if value != expected.as_bytes() {
                return false;
            }
            if let Some(seen) = seen.get_mut(slot) {
                *seen = true;
            }
        }
        seen == [true; 3]
    }
}

/// Its length (FIX tag 9) and checksum (FIX tag 10) are right.
fn is_whole(raw: &[u8]) -> bool {
    let Some(trailer) = raw.len().checked_sub(b"10=000\x01".len()) else { return false };
    let (Some(content), Some(end)) = (raw.get(..trailer), raw.get(trailer..)) else { return false };
    let sum = content.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
    end == format!("10={sum:03}\x01").as_bytes()
        && body_bytes(content).is_some_and(|(stated, found)| stated == found)
}

/// The length that is stated, and the one that there is.
fn body_bytes(content: &[u8]) -> Option<(usize, usize)> {
    let begins = content.iter().position(|&byte| byte == SOH)? + 1;
    let length = content.get(begins..)?.strip_prefix(b"9=")?;
    let digits = length.iter().position(|&byte| byte == SOH)?;
    let stated = std::str::from_utf8(length.get(..digits)?).ok()?.parse().ok()?;
    Some((stated, length.len() - digits - 1))
}

#[cfg(test)]
mod tests {
    use model::{Name, SessionId};

    use super::*;

    fn parties() -> Parties {
        let name = Name::new("broker-a").unwrap();
        Parties::of(&SessionSettings::new(SessionId::new(1), name, "US", "THEM", ("127.0.0.1", 1), "unused"))
    }

    fn message(begin: &str, body: &str) -> Vec<u8> {
        let content = body.replace('|', "\x01");
        let mut raw = format!("8={begin}\x019={}\x01{content}", content.len()).into_bytes();
        let sum = raw.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        raw.extend(format!("10={sum:03}\x01").bytes());
        raw
    }

    #[test]
    fn the_session_s_own_messages_are_right() {
        assert!(!parties().are_wrong_in(&message("FIX.4.4", "35=8|34=3|49=THEM|52=x|56=US|11=A|")));
    }

    #[test]
    fn whoever_else_is_named_or_nobody_is_wrong() {
        for (begin, body) in [
            ("FIX.4.4", "35=8|34=3|49=MALLORY|52=x|56=US|11=A|"),
            ("FIX.4.4", "35=8|34=3|49=THEM|52=x|56=YOU|11=A|"),
            ("FIX.4.4", "35=8|34=3|49=THEM|52=x|11=A|"),
            ("FIX.4.4", "35=8|34=3|56=US|11=A|"),
            ("FIX.4.4", "35=8|34=3|49=|56=US|11=A|"),
            ("FIX.4.4", "35=8|34=3|49=THEM|56=US|49=MALLORY|11=A|"),
            ("FIX.4.2", "35=8|34=3|49=THEM|56=US|11=A|"),
        ] {
            assert!(parties().are_wrong_in(&message(begin, body)), "{begin} {body}");
        }
    }

    #[test]
    fn a_garbled_message_is_nobody_s() {
        let whole = message("FIX.4.4", "35=8|34=3|49=MALLORY|52=x|56=US|11=A|");
        for at in 0..whole.len() {
            let mut garbled = whole.clone();
            garbled[at] ^= 1;
            assert!(!parties().are_wrong_in(&garbled), "byte {at}");
            assert!(!parties().are_wrong_in(&whole[..at]), "cut at {at}");
        }
    }
}
