//! Bugs to plant, at the edges of the world: a check that cannot fail is no check.

/// One bug. Each is what a broken part would do, seen from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plant {
    /// The disk says that it has synced, and has not.
    LyingDisk,
    /// A record in the journal is another one than was written, with a right checksum: what a tail that is accepted
    /// without its checksum would let through.
    AlteredRecord,
    /// An execution is booked twice.
    DoubleBooking,
    /// A report that the broker repeats is taken for a new one.
    SkippedDedupe,
    /// Cash that goes in is booked as going out.
    WrongCashSign,
    /// The engine sends again what the broker asks to have resent.
    ResendsOrders,
    /// The engine's record of what was sent has forgotten it.
    ForgetfulRecord,
    /// The broker shows that the record is older than the truth, and it is trusted all the same.
    CredulousRecord,
    /// A report of the broker's is dropped, and its number counted.
    LostReport,
    /// An order goes out under an id that was never issued.
    ForgedId,
    /// The same inputs lead elsewhere the second time.
    UnrepeatableCore,
    /// A client is told of an order that is not in the journal.
    PhantomAnswer,
    /// A message leaves before its record is durable.
    EarlyRelease,
    /// While the gateway takes nothing, the shard takes nothing either.
    StandingShard,
    /// An invariant of the core breaks.
    BrokenInvariant,
    /// What measures time follows whoever sets the wall clock.
    FollowedClock,
    /// Nothing tells one boot of the machine from another.
    NamelessBoot,
    /// The gateway never asks about what is not answered.
    SleepingVigil,
    /// What the broker counts above ours is not looked at.
    UnseenCount,
}

impl Plant {
    /// Every one.
    pub const ALL: [Self; 19] = [
        Self::LyingDisk,
        Self::AlteredRecord,
        Self::DoubleBooking,
        Self::SkippedDedupe,
        Self::WrongCashSign,
        Self::ResendsOrders,
        Self::ForgetfulRecord,
        Self::CredulousRecord,
        Self::LostReport,
        Self::ForgedId,
        Self::UnrepeatableCore,
        Self::PhantomAnswer,
        Self::EarlyRelease,
        Self::StandingShard,
        Self::BrokenInvariant,
        Self::FollowedClock,
        Self::NamelessBoot,
        Self::SleepingVigil,
        Self::UnseenCount,
    ];
}
