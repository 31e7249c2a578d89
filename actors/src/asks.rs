//! What a record asks for beyond itself: commands that nobody has to submit.
//!
//! One record stays at most one order and one message. What causes more (a cancel of everything open, the legs of a
//! bracket, a word to another shard) *asks*: the ask is state, with its cause, the record it follows from and which of its
//! consequences it is. The shard takes what it asks of itself before its lanes; each becomes a record of its own, with its
//! own stamp, gate, id, message and explanation. What it asks of another shard is handed over once its cause is durable,
//! and stands here until that shard has it on record.
//!
//! ```text
//!   record 40  cancel_all ──▶ asks (40, 0) (40, 1) (40, 2) …       state of this shard
//!   record 41  cancel  cause (40, 0)     the ask is gone: its record is there
//!   record 42  cancel  cause (40, 1)
//!   ── killed ──  started again: (40, 2) is still asked, and becomes a record now
//!
//!   another shard:  cause (0:40, 7) comes in ──▶ heard before? nothing : carried out     then  ask_taken (0:40, 7) ──▶ here
//! ```
//!
//! So an ask is carried out exactly once, whoever dies when: it is made again until its record is there, and whoever takes
//! it drops a cause it has seen. Causes of one shard reach another in their order, so the last one seen is all it must
//! know.

use alloc::collections::{BTreeMap, VecDeque};

use borsh::{BorshDeserialize, BorshSerialize};
use machine::Ask;
use model::{CausedBy, Command, SessionId, ShardId};

/// Everything asked for that is no record yet, and what was taken of other shards.
#[derive(Clone, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub(crate) struct Asks {
    /// Of this shard, in order for each session that they go out on: one whose way out is full holds up no other.
    own: BTreeMap<SessionId, VecDeque<Ask<Command>>>,
    /// Of others, by shard, in order.
    away: BTreeMap<ShardId, VecDeque<Ask<Command>>>,
    /// The last cause of each other shard that is on record here.
    heard: BTreeMap<ShardId, CausedBy>,
}

impl Asks {
    /// Nothing is asked for.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.own.is_empty() && self.away.is_empty()
    }

    /// Asks this shard, for something that goes out on that session.
    pub(crate) fn ask(&mut self, session: SessionId, ask: Ask<Command>) {
        self.own.entry(session).or_default().push_back(ask);
    }

    /// Asks another shard.
    pub(crate) fn ask_of(&mut self, shard: ShardId, ask: Ask<Command>) {
        self.away.entry(shard).or_default().push_back(ask);
    }

    /// What this shard is to take next, of sessions that `has_room` says yes to.
    pub(crate) fn next(&self, mut has_room: impl FnMut(SessionId) -> bool) -> Option<&Ask<Command>> {
        self.own.iter().find(|(session, _)| has_room(**session))?.1.front()
    }

    /// What is asked of another shard, in order.
    pub(crate) fn of(&self, shard: ShardId) -> impl Iterator<Item = &Ask<Command>> {
        self.away.get(&shard).into_iter().flatten()
    }

    /// The ask with this cause is a record now. False where there is none: its record was there before.
    pub(crate) fn take(&mut self, cause: CausedBy) -> bool {
        let is_next = |asks: &VecDeque<Ask<Command>>| asks.front().is_some_and(|ask| ask.cause == cause);
        let Some(session) = self.own.iter().find(|(_, asks)| is_next(asks)).map(|(session, _)| *session)
        else {
            return false;
        };
        if let Some(asks) = self.own.get_mut(&session) {
            asks.pop_front();
            // Nothing empty stays, so that equal states have equal encodings.
            if asks.is_empty() {
                self.own.remove(&session);
            }
        }
        true
    }

    /// A cause of another shard is on record here. False where it, or a later one, was before.
    pub(crate) fn hear(&mut self, cause: CausedBy) -> bool {
        let heard = self.heard.get(&cause.position.shard).is_some_and(|heard| *heard >= cause);
        if !heard {
            self.heard.insert(cause.position.shard, cause);
        }
        !heard
    }

    /// Another shard has everything up to this cause on record. How many asks that ends.
    pub(crate) fn taken_by(&mut self, shard: ShardId, cause: CausedBy) -> u32 {
        let Some(asks) = self.away.get_mut(&shard) else { return 0 };
        let mut ended = 0;
        while asks.front().is_some_and(|ask| ask.cause <= cause) {
            asks.pop_front();
            ended += 1;
        }
        if asks.is_empty() {
            self.away.remove(&shard);
        }
        ended
    }

    /// How many are no record yet, here and of other shards.
    pub(crate) fn len(&self) -> usize {
        self.own.values().chain(self.away.values()).map(VecDeque::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Origin, Position, Scope};

    fn cause(shard: u16, seq: u64, index: u32) -> CausedBy {
        CausedBy { position: Position::new(ShardId::new(shard), seq), index }
    }

    fn ask(cause: CausedBy) -> Ask<Command> {
        Ask { cause, origin: Origin::default(), command: Command::Halt(Scope::Firm) }
    }

    #[test]
    fn an_ask_is_taken_once_and_in_its_turn() {
        let (mut asks, one) = (Asks::default(), SessionId::new(1));
        asks.ask(one, ask(cause(0, 4, 0)));
        asks.ask(one, ask(cause(0, 4, 1)));
        assert!(!asks.take(cause(0, 4, 1)), "not in its turn");
        assert!(asks.take(cause(0, 4, 0)));
        assert!(!asks.take(cause(0, 4, 0)), "its record is there");
        assert!(asks.take(cause(0, 4, 1)));
        assert!(asks.is_empty());
    }

    #[test]
    fn a_session_without_room_holds_up_no_other() {
        let (mut asks, full, free) = (Asks::default(), SessionId::new(1), SessionId::new(2));
        asks.ask(full, ask(cause(0, 4, 0)));
        asks.ask(free, ask(cause(0, 4, 1)));
        let next = asks.next(|session| session == free).map(|ask| ask.cause);
        assert_eq!(next, Some(cause(0, 4, 1)));
        assert!(asks.take(cause(0, 4, 1)));
        assert!(asks.next(|session| session == free).is_none());
        assert!(asks.next(|_| true).is_some());
    }

    #[test]
    fn a_cause_of_another_shard_is_heard_once() {
        let mut asks = Asks::default();
        assert!(asks.hear(cause(1, 4, 0)));
        assert!(!asks.hear(cause(1, 4, 0)), "made again after a crash");
        assert!(asks.hear(cause(1, 4, 2)));
        assert!(!asks.hear(cause(1, 4, 1)), "before what was heard");
        assert!(asks.hear(cause(2, 1, 0)), "another shard counts for itself");
    }

    #[test]
    fn what_another_shard_has_taken_is_no_longer_asked() {
        let (other, mut asks) = (ShardId::new(1), Asks::default());
        for index in 0..3 {
            asks.ask_of(other, ask(cause(0, 4, index)));
        }
        assert_eq!((asks.taken_by(other, cause(0, 4, 1)), asks.len()), (2, 1));
        assert_eq!(asks.taken_by(other, cause(0, 4, 1)), 0, "told again");
        assert_eq!((asks.taken_by(other, cause(0, 9, 0)), asks.is_empty()), (1, true));
    }
}
