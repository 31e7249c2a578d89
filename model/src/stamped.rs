//! Facts that the shard alone knows when it takes a command. They stand beside the command in its record, so that a
//! replay decides with what the shard decided with.

use crate::Quote;

journalled! {
    /// What the shard stamps beside a command.
    #[derive(Default)]
    pub struct Stamped {
        /// The instrument's latest quote, where the command is about an order that the gate judges.
        pub quote: Option<Quote>,
        /// Why the command cannot go out now: absent where there is room for it.
        pub backlog: Option<Backlog>,
    }

    /// What waits on the way to a session's gateway, where a command finds too much of it.
    pub struct Backlog {
        /// Messages that wait.
        pub waiting: u32,
        /// With so many or more, nothing of the command's kind is taken: more may wait where a cancel comes than where
        /// a new order does.
        pub most: u32,
    }
}

impl Stamped {
    /// With this quote and nothing else.
    pub const fn with(quote: Quote) -> Self {
        Self { quote: Some(quote), backlog: None }
    }
}
