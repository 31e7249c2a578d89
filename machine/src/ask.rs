//! What a record asks for beyond itself.

use borsh::{BorshDeserialize, BorshSerialize};

use crate::{CausedBy, Origin};

/// A command that a record asks for, of its own machine or of another one. It is state until it is a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Ask<C> {
    /// What it follows from.
    pub cause: CausedBy,
    /// Who asked for the cause.
    pub origin: Origin,
    /// What is asked for.
    pub command: C,
}
