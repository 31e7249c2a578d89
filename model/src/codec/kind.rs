//! The kinds of trading's records: the one table that says which number is which word.
//!
//! A number, once used, means the same for good. A word whose payload must change gets a new number for its new
//! form, and what stands under the old number stays readable as it was; the other kinds never notice.

macro_rules! kinds {
    ($($(#[$doc:meta])* $number:literal $name:ident $word:literal;)*) => {
        /// What a record holds.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RecordKind {
            $($(#[$doc])* $name,)*
        }

        impl RecordKind {
            /// Every kind, by number.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its number in a record's header.
            pub const fn code(self) -> u8 {
                match self {
                    $(Self::$name => $number,)*
                }
            }

            /// Its name, for people and programs.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// The kind with this number.
            pub const fn from_code(code: u8) -> Option<Self> {
                match code {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

// 1-9 the node itself, 10-29 commands, 30-39 what comes from brokers and their sessions.
kinds! {
    /// The journal was opened for writing: incarnation and version of the logic.
    1 Opened "opened";
    /// The host's, no input: the rolling digest of everything before it, 16 plain bytes.
    2 Digest "digest";
    /// Time has passed a deadline: no payload, its stamp says it all.
    3 Tick "tick";
    /// An instrument and the quote its positions are valued at.
    4 Mark "mark";
    /// [`crate::Broken`]: the input of the record before had no effect.
    5 Broken "broken";
    /// Another shard and the cause up to which it has asks of this one on record.
    6 AsksTaken "asks_taken";
    /// As [`RecordKind::Opened`], with a [`crate::ClockAnchor`].
    7 OpenedOnBoot "opened_on_boot";
    /// [`crate::ClockJump`]: the wall clock is not trusted.
    8 ClockJumped "clock_jumped";
    /// [`crate::ClockAnchor`]: the shard's time stands otherwise to the machine's boot.
    9 ClockAnchored "clock_anchored";
    /// [`crate::Command::NewOrder`], behind who asked for it and what was stamped, as every command is.
    10 NewOrder "new_order";
    /// [`crate::Command::CancelOrder`].
    11 CancelOrder "cancel_order";
    /// [`crate::Command::ReplaceOrder`].
    12 ReplaceOrder "replace_order";
    /// [`crate::Command::MoveCash`].
    13 MoveCash "move_cash";
    /// [`crate::Command::Halt`].
    14 Halt "halt";
    /// [`crate::Command::Resume`].
    15 Resume "resume";
    /// [`crate::Command::SetLimit`].
    16 SetLimit "set_limit";
    /// [`crate::Command::DefineInstrument`].
    17 DefineInstrument "define_instrument";
    /// [`crate::Command::DefinePortfolio`].
    18 DefinePortfolio "define_portfolio";
    /// [`crate::Command::DefineAccount`].
    19 DefineAccount "define_account";
    /// [`crate::Command::DefineSession`].
    20 DefineSession "define_session";
    /// [`crate::Command::Release`].
    21 Release "release";
    /// [`crate::CancelAll`].
    22 CancelAll "cancel_all";
    /// [`crate::ClockAcceptance`].
    23 AcceptClock "accept_clock";
    /// [`crate::Remember`].
    24 Remember "remember";
    /// [`crate::Command::DefineStrategy`].
    25 DefineStrategy "define_strategy";
    /// [`crate::Command::DefineBroker`].
    26 DefineBroker "define_broker";
    /// [`crate::ExecutionReport`].
    30 ExecutionReport "execution_report";
    /// [`crate::CancelReject`].
    31 CancelReject "cancel_reject";
    /// [`crate::MessageReject`].
    32 MessageReject "message_reject";
    /// [`crate::QuarantinedMessage`]: the one payload whose length varies.
    33 Quarantined "quarantined";
    /// [`crate::SessionChange`].
    34 Session "session";
    /// [`crate::DeliveryEvidence`].
    35 Evidence "evidence";
}

impl core::fmt::Display for RecordKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands in journals. Whoever has to change a line here is about to make old journals unreadable.
    const FOR_GOOD: [(u8, &str); 32] = [
        (1, "opened"),
        (2, "digest"),
        (3, "tick"),
        (4, "mark"),
        (5, "broken"),
        (6, "asks_taken"),
        (7, "opened_on_boot"),
        (8, "clock_jumped"),
        (9, "clock_anchored"),
        (10, "new_order"),
        (11, "cancel_order"),
        (12, "replace_order"),
        (13, "move_cash"),
        (14, "halt"),
        (15, "resume"),
        (16, "set_limit"),
        (17, "define_instrument"),
        (18, "define_portfolio"),
        (19, "define_account"),
        (20, "define_session"),
        (21, "release"),
        (22, "cancel_all"),
        (23, "accept_clock"),
        (24, "remember"),
        (25, "define_strategy"),
        (26, "define_broker"),
        (30, "execution_report"),
        (31, "cancel_reject"),
        (32, "message_reject"),
        (33, "quarantined"),
        (34, "session"),
        (35, "evidence"),
    ];

    #[test]
    fn a_number_never_changes() {
        for (code, word) in FOR_GOOD {
            assert_eq!(RecordKind::from_code(code).map(RecordKind::as_str), Some(word));
        }
        assert_eq!(RecordKind::Digest.code(), machine::DIGEST_KIND);
    }

    #[test]
    fn numbers_are_given_once_and_found_again() {
        assert!(RecordKind::ALL.is_sorted_by(|a, b| a.code() < b.code()));
        for kind in RecordKind::ALL {
            assert_eq!(RecordKind::from_code(kind.code()), Some(*kind));
        }
        let known = (0..=u8::MAX).filter(|code| RecordKind::from_code(*code).is_some()).count();
        assert_eq!((known, RecordKind::from_code(0)), (RecordKind::ALL.len(), None));
    }
}
