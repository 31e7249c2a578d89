//! What a broker means by the text of its Logout (FIX tag 58) when it refuses a logon.
//!
//! FIX 4.4 (volume 2, "Logon") asks for a Logout that says why, in prose. Engines agree on "too low" and on a number
//! behind "expect…"; some write "less than expected". Anything else is a refusal for another reason.

/// The highest number that is believed: nine digits, as engines with 32 bits have them. A text that names more is odd.
const HIGHEST: u64 = 999_999_999;

/// What a refusal says of our number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LogonRefusal {
    /// Our number is too low. The number that is expected, where it is said and can be meant.
    TooLow(Option<u64>),
    /// Something else.
    Other,
}

/// Reads the text. `sent` is the number of our logon: a broker to which it was too low expects a higher one.
pub(crate) fn read(text: &str, sent: u64) -> LogonRefusal {
    let text = text.to_ascii_lowercase();
    let says_low =
        ["too low", "less than expected", "lower than expected"].iter().any(|words| text.contains(words));
    let stated = text.match_indices("expect").find_map(|(at, _)| first_number(text.get(at..)?));
    let expected = stated.filter(|expected| *expected > sent && *expected <= HIGHEST);
    if says_low || (text.contains("seq") && expected.is_some()) {
        LogonRefusal::TooLow(expected)
    } else {
        LogonRefusal::Other
    }
}

fn first_number(text: &str) -> Option<u64> {
    let start = text.find(|letter: char| letter.is_ascii_digit())?;
    let digits = text.get(start..)?;
    let end = digits.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(digits.len());
    digits.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_engines_write_is_understood() {
        for text in [
            "MsgSeqNum too low, expecting 14 but received 9",
            "MsgSeqNum(34) too low, expected 14, received 9",
            "Sequence number is too low. Expected: 14, actual: 9",
            "Incoming sequence number (9) less than expected (14)",
            "msgseqnum 9 TOO LOW (expected MsgSeqNum=14)",
            "Wrong sequence number: expected 14, got 9",
        ] {
            assert_eq!(read(text, 9), LogonRefusal::TooLow(Some(14)), "{text}");
        }
    }

    #[test]
    fn a_number_that_cannot_be_meant_is_no_number() {
        for text in [
            "MsgSeqNum too low",
            "MsgSeqNum too low, expecting 9 but received 9",
            "MsgSeqNum too low, expecting 3",
            "MsgSeqNum too low, expecting 99999999999",
            "MsgSeqNum too low, expecting 99999999999999999999999999",
            "MsgSeqNum too low, 14 received, more is expected",
        ] {
            assert_eq!(read(text, 9), LogonRefusal::TooLow(None), "{text}");
        }
    }

    #[test]
    fn other_refusals_say_nothing_of_our_number() {
        for text in [
            "",
            "invalid password",
            "outside of session time, expecting 08:00",
            "too many sessions",
            "sequence expected 3",
        ] {
            assert_eq!(read(text, 9), LogonRefusal::Other, "{text}");
        }
    }

    proptest! {
        #![proptest_config(crate::seeded(512))]

        #[test]
        fn any_text_is_read(text in "\\PC*", sent in 0..u64::MAX) {
            if let LogonRefusal::TooLow(Some(expected)) = read(&text, sent) {
                prop_assert!(expected > sent && expected <= HIGHEST);
            }
        }
    }
}
