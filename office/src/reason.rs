//! Why the office says no: closed, with stable numbers that go on from those of [`model::DenyReason`].

use core::fmt;

use borsh::{BorshDeserialize, BorshSerialize};
use model::Amount;

/// Each reason: variant = stable number, the field it is about, its text.
macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $field:literal, $text:literal;)*) => {
        /// Why a word was refused. Nothing changed then. Numbers, once used, are never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum OfficeReason { $($(#[$doc])* $variant,)* }

        impl OfficeReason {
            /// Every reason, by number.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable number.
            pub const fn number(self) -> u16 {
                match self { $(Self::$variant => $number,)* }
            }

            /// Its name, for programs.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)* }
            }

            /// The field of the word that it is about.
            pub const fn field(self) -> &'static str {
                match self { $(Self::$variant => $field,)* }
            }

            /// One sentence.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

reasons! {
    // 60x: any part.
    /// A text that must say something is empty.
    TextMissing = 601, "word", "a word is needed: say why";
    /// A text is too long to be kept.
    TextTooLong = 602, "word", "the text is too long, in bytes";
    /// A text holds a line break or another control character.
    TextUnprintable = 603, "word", "the text must be one line without control characters";

    /// An invariant broke in this part since the node was started.
    PartSetAside = 604, "part", "an invariant broke in this part of the office: it takes no word until the next start";

    // 61x: configuration history.
    /// A piece of a configuration does not follow the one before.
    PieceOutOfOrder = 611, "offset", "the piece does not begin where the one before ended, in bytes";
    /// A configuration is longer than what is kept.
    ConfigurationTooLong = 612, "bytes", "the configuration is longer than what is kept, in bytes";
    /// The pieces do not have the digest that was told.
    ConfigurationDiffers = 613, "digest", "the text that came is not the one with this digest";
    /// A configuration is a text.
    ConfigurationUnreadable = 614, "bytes", "the configuration is not UTF-8";
    /// More changes were told than are kept of one configuration.
    TooManyChanges = 615, "changes", "more changes than are kept of one configuration";

    // 62x: alerts.
    /// No alert has this number, or it is retired.
    UnknownAlert = 621, "number", "there is no such alert, or it was acknowledged so long ago that it is retired";
    /// Somebody was faster.
    AlertAcknowledged = 622, "number", "the alert is acknowledged already";

    // 63x: approvals.
    /// No request has this number, or it is retired.
    UnknownApproval = 631, "number", "there is no such request, or it ended so long ago that it is retired";
    /// Who asked does not decide.
    SamePerson = 632, "approver", "who asked for it cannot approve it: a second person must";
    /// It was approved, refused or carried out, or is too old.
    ApprovalEnded = 633, "number", "the request does not wait for an approval any more";
    /// It needs no second person.
    NotAboveThreshold = 634, "amount", "the amount is not above approvals.cash_above: it needs no approval";
    /// The reference stands for another move that waits or was carried out.
    ReferenceTaken = 635, "reference", "the reference was used before, with other content";
    /// As many wait as may.
    TooManyWait = 636, "approval", "as many requests wait for an approval as may";
    /// A reference is what makes a move happen once.
    ReferenceMissing = 637, "reference", "a reference is needed";
    /// What came of a move can only be told of one that was approved.
    NotApproved = 638, "number", "the request is not approved";
    /// The policy contradicts itself.
    BadPolicy = 639, "approvals", "a threshold below zero, or a request that expires at once";
}

/// A refusal: the reason, and what was allowed and asked where a number decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfficeDenial {
    /// Why.
    pub reason: OfficeReason,
    /// What was allowed.
    pub limit: Option<Amount>,
    /// What was asked.
    pub actual: Option<Amount>,
}

impl OfficeDenial {
    /// Without a number.
    pub const fn of(reason: OfficeReason) -> Self {
        Self { reason, limit: None, actual: None }
    }

    /// By a number.
    pub const fn beyond(reason: OfficeReason, limit: Amount, actual: Amount) -> Self {
        Self { reason, limit: Some(limit), actual: Some(actual) }
    }

    /// By a length or a count; one beyond 32 bits is told as the largest there.
    pub(crate) fn beyond_count(reason: OfficeReason, limit: usize, actual: usize) -> Self {
        let amount = |count: usize| Amount::from(u32::try_from(count).unwrap_or(u32::MAX));
        Self::beyond(reason, amount(limit), amount(actual))
    }
}

impl fmt::Display for OfficeDenial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.reason.number(), self.reason.field(), self.reason.text())?;
        match (self.limit, self.actual) {
            (Some(limit), Some(actual)) => write!(f, " (limit {limit}, actual {actual})"),
            _ => Ok(()),
        }
    }
}

/// The number stands in journals and snapshots.
impl BorshSerialize for OfficeReason {
    fn serialize<W: borsh::io::Write>(&self, writer: &mut W) -> borsh::io::Result<()> {
        self.number().serialize(writer)
    }
}

impl BorshDeserialize for OfficeReason {
    fn deserialize_reader<R: borsh::io::Read>(reader: &mut R) -> borsh::io::Result<Self> {
        let number = u16::deserialize_reader(reader)?;
        let known = Self::ALL.iter().copied().find(|reason| reason.number() == number);
        known.ok_or_else(|| borsh::io::ErrorKind::InvalidData.into())
    }
}

/// A text of a person or of the node: one line, not empty, of at most `limit` bytes.
pub(crate) fn check_text(text: &str, limit: usize) -> Result<(), OfficeDenial> {
    if text.trim().is_empty() {
        return Err(OfficeDenial::of(OfficeReason::TextMissing));
    }
    if text.len() > limit {
        return Err(OfficeDenial::beyond_count(OfficeReason::TextTooLong, limit, text.len()));
    }
    if text.chars().any(char::is_control) {
        return Err(OfficeDenial::of(OfficeReason::TextUnprintable));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rising_and_apart_from_the_cores() {
        assert!(OfficeReason::ALL.is_sorted_by(|a, b| a.number() < b.number()));
        let core = |number| model::DenyReason::ALL.iter().any(|reason| reason.number() == number);
        assert!(OfficeReason::ALL.iter().all(|reason| !core(reason.number())));
    }

    #[test]
    fn a_text_is_one_line_that_says_something() {
        assert_eq!(check_text("seen, € late", 16), Ok(()));
        for (text, reason) in [
            ("", OfficeReason::TextMissing),
            ("  ", OfficeReason::TextMissing),
            ("seventeen bytes !", OfficeReason::TextTooLong),
            ("two\nlines", OfficeReason::TextUnprintable),
            ("\u{1b}[2J", OfficeReason::TextUnprintable),
        ] {
            assert_eq!(check_text(text, 16).map_err(|denial| denial.reason), Err(reason), "{text:?}");
        }
    }
}
