//! The kinds of records: the one table of their numbers.
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

            pub(crate) const fn from_code(code: u8) -> Option<Self> {
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
    /// The rolling digest of everything before it: 16 plain bytes.
    2 Digest "digest";
    /// Time has passed a deadline: no payload, its stamp says it all.
    3 Tick "tick";
    /// An instrument and the quote its positions are valued at.
    4 Mark "mark";
    /// [`model::Broken`]: the input of the record before had no effect.
    5 Broken "broken";
    /// Another shard and the cause up to which it has asks of this one on record.
    6 AsksTaken "asks_taken";
    /// [`model::Command::NewOrder`], behind who asked for it and what was stamped, as every command is.
    10 NewOrder "new_order";
    /// [`model::Command::CancelOrder`].
    11 CancelOrder "cancel_order";
    /// [`model::Command::ReplaceOrder`].
    12 ReplaceOrder "replace_order";
    /// [`model::Command::MoveCash`].
    13 MoveCash "move_cash";
    /// [`model::Command::Halt`].
    14 Halt "halt";
    /// [`model::Command::Resume`].
    15 Resume "resume";
    /// [`model::Command::SetLimit`].
    16 SetLimit "set_limit";
    /// [`model::Command::DefineInstrument`].
    17 DefineInstrument "define_instrument";
    /// [`model::Command::DefinePortfolio`].
    18 DefinePortfolio "define_portfolio";
    /// [`model::Command::DefineAccount`].
    19 DefineAccount "define_account";
    /// [`model::Command::DefineSession`].
    20 DefineSession "define_session";
    /// [`model::Command::Release`].
    21 Release "release";
    /// [`model::CancelAll`].
    22 CancelAll "cancel_all";
    /// [`model::ExecutionReport`].
    30 ExecutionReport "execution_report";
    /// [`model::CancelReject`].
    31 CancelReject "cancel_reject";
    /// [`model::MessageReject`].
    32 MessageReject "message_reject";
    /// [`model::QuarantinedMessage`]: the one payload whose length varies.
    33 Quarantined "quarantined";
    /// [`model::SessionChange`].
    34 Session "session";
    /// [`model::DeliveryEvidence`].
    35 Evidence "evidence";
}

impl std::fmt::Display for RecordKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
