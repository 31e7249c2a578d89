//! What exists: portfolios, accounts, sessions.

use crate::{AccountId, BrokerId, FeeSchedule, Name, PortfolioId, SessionId};

journalled! {
    /// A portfolio's definition.
    pub struct PortfolioDefinition {
        /// Its identity.
        pub id: PortfolioId,
        /// Its name, unique in the node.
        pub name: Name,
    }

    /// An account's definition.
    pub struct AccountDefinition {
        /// Its identity.
        pub id: AccountId,
        /// Its name, unique in the node; FIX tag 1 on the wire.
        pub name: Name,
        /// The portfolio it belongs to, for good.
        pub portfolio: PortfolioId,
        /// The session its orders go out on.
        pub session: SessionId,
        /// What its executions cost where the broker states no commission.
        pub fees: FeeSchedule,
    }

    /// A FIX session's definition, as far as the core must know it.
    pub struct SessionDefinition {
        /// Its identity.
        pub id: SessionId,
        /// Its name.
        pub name: Name,
        /// The broker behind it.
        pub broker: BrokerId,
    }
}
