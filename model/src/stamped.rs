//! Facts that the shard alone knows when it takes a command. They stand beside the command in its record, so that a
//! replay decides with what the shard decided with.

use crate::Quote;

journalled! {
    /// What the shard stamps beside a command.
    #[derive(Default)]
    pub struct Stamped {
        /// The instrument's latest quote, where the command is about an order that the gate judges.
        pub quote: Option<Quote>,
    }
}

impl Stamped {
    /// With this quote and nothing else.
    pub const fn with(quote: Quote) -> Self {
        Self { quote: Some(quote) }
    }
}
