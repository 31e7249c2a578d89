//! What a live shard asks of a machine beyond its state: which lane a command takes, what is stamped beside it, and where
//! what it leads to goes.
//!
//! A replay asks none of this. What of it decides something stands in the record of the input.

use core::convert::Infallible;
use core::fmt::Debug;

use crate::{ClockAnchor, ClockJump, EventOf, KnownClock, Machine, Timestamp};

journalled! {
    /// What waits on a way out, where a command finds too much of it.
    pub struct Backlog {
        /// Messages that wait.
        pub waiting: u32,
        /// With so many or more, nothing of the command's kind is taken: more may wait where a cancel comes than where
        /// a new order does.
        pub most: u32,
    }
}

/// When a shard takes a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Behind what its client submitted before.
    InTurn,
    /// Before what is in turn, its own client's included.
    Overtakes,
    /// Before everything else.
    First,
}

/// How much of a way out a command may use: what each leaves is kept for those behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomClaim {
    /// It begins something: a quarter of the places is not for it.
    Begins,
    /// It changes what has begun: an eighth is not for it.
    Changes,
    /// It ends what has begun.
    Ends,
}

/// What a shard sees beside its journal: no state, and gone when the shard stops. What of it decides something is
/// journalled with the decision.
pub trait Outlook<M: Machine>: Debug + Default + Send + 'static {
    /// What comes in.
    type Fact: Send + 'static;

    /// Takes a fact in, with the shard's time at which it came.
    fn see(&mut self, fact: Self::Fact, received: Timestamp);

    /// The shard's time steps by so much: what is there is as old afterwards as it was before.
    fn step(&mut self, step_ns: i64);

    /// The next of it that the journal is to hold by itself; `None` where there is nothing new for this state.
    fn next_mark(&mut self, machine: &M) -> Option<M::Input>;
}

/// For a machine that sees nothing beside its journal.
impl<M: Machine> Outlook<M> for () {
    type Fact = Infallible;

    fn see(&mut self, fact: Infallible, _: Timestamp) {
        match fact {}
    }

    fn step(&mut self, _: i64) {}

    fn next_mark(&mut self, _: &M) -> Option<M::Input> {
        None
    }
}

/// What comes in beside a machine's journal.
pub type FactOf<M> = <<M as Hosted>::Outlook as Outlook<M>>::Fact;

/// A machine that a live shard can host. A *way out* is a number: that of a broker's session, of a bank, of whatever takes
/// the messages that the state leads to.
pub trait Hosted: Machine {
    /// What leaves because of an input: [`Infallible`] for a machine that sends nothing.
    type Message: Clone + Debug + Send + 'static;
    /// What the shard sees beside the journal: `()` for nothing.
    type Outlook: Outlook<Self>;

    /// The most messages that one input leads to.
    const MOST_MESSAGES: usize;

    /// What is stamped beside a command that is taken now.
    fn stamped(&self, command: &Self::Command, outlook: &Self::Outlook) -> Self::Stamped;

    /// The way out that a command needs, and its claim on it; `None` where it sends nothing. Asked only where some way out
    /// is not clear.
    fn way_out(&self, _command: &Self::Command) -> Option<(u16, RoomClaim)> {
        None
    }

    /// Stamps that the way out has no room: the machine refuses the command by it.
    fn hold_up(_stamped: &mut Self::Stamped, _backlog: Backlog) {}

    /// What leaves, in order.
    fn messages(outcome: &Self::Outcome) -> &[Self::Message];

    /// The way out that a message takes.
    fn way_of(message: &Self::Message) -> u16;

    /// The highest number that came in from the other end of a way out and is on record.
    fn received(&self, _way: u16) -> u64 {
        0
    }

    /// When a command is taken.
    fn urgency(_command: &Self::Command) -> Urgency {
        Urgency::InTurn
    }

    /// True for what is not taken any more once the read side has found another state than the shard's.
    fn raises_risk(_command: &Self::Command) -> bool {
        false
    }

    /// What the host says by itself where the state is in question: it stops everything that raises risk.
    fn halt() -> Option<Self::Command> {
        None
    }

    /// What the state knows of the clocks. A machine that keeps none of it follows a wall clock that jumps at once.
    fn clock(&self) -> KnownClock {
        KnownClock::default()
    }

    /// What is recorded of a wall clock that is not trusted; `None` for a machine that keeps no clock.
    fn clock_jumped(_jump: ClockJump) -> Option<Self::Input> {
        None
    }

    /// What is recorded of where the clocks stand; `None` for a machine that keeps no clock.
    fn clock_anchored(_anchor: ClockAnchor) -> Option<Self::Input> {
        None
    }

    /// What is answered to who asked for an input that broke an invariant.
    fn answer_to_broken(input: &Self::Input) -> EventOf<Self>;
}
