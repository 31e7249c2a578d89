//! Facts that the shard alone knows when it takes a command. They stand beside the command in its record, so that a
//! replay decides with what the shard decided with.

use crate::{Backlog, Quote};

journalled! {
    /// What the shard stamps beside a command.
    #[derive(Default)]
    pub struct Stamped {
        /// The instrument's latest quote, where the command is about an order that the gate judges.
        pub quote: Option<Quote>,
        /// Why the command cannot go out now: absent where there is room for it.
        pub backlog: Option<Backlog>,
    }
}

impl Stamped {
    /// With this quote and nothing else.
    pub const fn with(quote: Quote) -> Self {
        Self { quote: Some(quote), backlog: None }
    }
}
