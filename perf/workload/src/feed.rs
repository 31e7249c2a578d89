//! A core that is fed directly, without a shard.

use actors::{Core, LOGIC_VERSION, Outcome, Stamp};
use model::{
    Command, Door, Event, Incarnation, Input, Origin, Position, SessionChange, SessionState, ShardId,
    Stamped, Timestamp,
};

use crate::{SESSION, WorkloadError, definitions, quote};

/// When it begins.
pub const START_NS: i64 = 1_763_629_323_456_789_000;

/// The core, and what came of its last input.
pub struct Feed {
    /// Defined, funded, its session ready.
    pub core: Core,
    /// Of the last input.
    pub outcome: Outcome,
    /// Of the last input.
    pub time: Timestamp,
    seq: u64,
}

/// Everything before the first order, as a shard would record it.
pub fn opening(accounts: u32) -> Result<Vec<Input>, WorkloadError> {
    let opened =
        Input::Opened { incarnation: Incarnation { count: 1 }, logic_version: LOGIC_VERSION, anchor: None };
    let command = |command: Command| Input::command(Origin::default(), Stamped::default(), command);
    let states = [SessionState::Up, SessionState::Ready]
        .map(|state| Input::Session(SessionChange { session: SESSION, state, unresolved: 0 }));
    let definitions = definitions(accounts)?.into_iter().map(command);
    Ok(std::iter::once(opened).chain(definitions).chain(states).collect())
}

/// A command as a shard records it at `time`: with a fresh quote beside it, where it needs one.
pub fn asked(command: Command, time: Timestamp) -> Input {
    let origin = Origin { principal: 0, uid: 1000, client: 1, door: Door::InProcess };
    let is_judged = matches!(command, Command::NewOrder(_) | Command::ReplaceOrder(_));
    let stamped = if is_judged { Stamped::with(quote(time)) } else { Stamped::default() };
    Input::command(origin, stamped, command)
}

impl Feed {
    /// With so many accounts.
    pub fn ready(accounts: u32) -> Result<Self, WorkloadError> {
        let time = Timestamp::from_nanos(START_NS);
        let mut feed = Self { core: Core::new(), outcome: Outcome::default(), time, seq: 0 };
        for input in opening(accounts)? {
            feed.take(&input);
            if let Some(Event::Denied { denial, .. }) = feed.outcome.events.first() {
                return Err(WorkloadError::Denied(format!("{denial:?}")));
            }
        }
        Ok(feed)
    }

    /// The next position; one microsecond later.
    pub fn stamp(&mut self) -> Stamp {
        self.seq += 1;
        self.time = Timestamp::from_nanos(self.time.nanos + 1_000);
        Stamp { position: Position::new(ShardId::new(0), self.seq), time: self.time }
    }

    /// Applies one input; what follows is in `outcome`.
    pub fn take(&mut self, input: &Input) {
        let stamp = self.stamp();
        self.outcome.clear();
        self.core.apply(stamp, input, &mut self.outcome);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ACCOUNTS, Orders, filled};

    /// What is measured must be what happens on a good day.
    #[test]
    fn every_order_leaves_and_every_fill_is_booked() {
        let (mut feed, mut orders) = (Feed::ready(ACCOUNTS).unwrap(), Orders::default());
        for _ in 0..100 {
            let order = asked(Command::NewOrder(orders.next()), feed.time);
            feed.take(&order);
            let message = *feed.outcome.outbound.first().unwrap();
            feed.take(&Input::ExecutionReport(filled(&message).unwrap()));
            assert!(
                matches!(feed.outcome.events.first(), Some(Event::Executed { .. })),
                "{:?}",
                feed.outcome.events
            );
        }
    }
}
