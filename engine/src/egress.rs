//! The way out to one session's gateway, and how much of it a command may use.
//!
//! ```text
//!  places of the ring  ├──────────── a new order ────────────┤── a replace ──┤── a cancel ──┤
//!                      0                                    3/4             7/8            all
//! ```
//!
//! A new order goes out while fewer than three quarters of the places are taken. The last quarter is kept for what is
//! asked about orders that are out there: behind a broker that takes nothing, with everything full, 4,096 of the usual
//! 16,384 places are still there, and the last 2,048 of them for cancels alone. So neither a flood of orders nor one of
//! replaces takes a cancel's place; and cancels cannot flood, as an order has one request out at a time.

use std::collections::VecDeque;

use crash_point::{Point, reach};
use machine::{Backlog, RoomClaim};

use crate::outlet::{Line, make_ready, put};

/// The places that a claim leaves to others.
const fn leaves(claim: RoomClaim, places: usize) -> usize {
    match claim {
        RoomClaim::Begins => places / 4,
        RoomClaim::Changes => places / 8,
        RoomClaim::Ends => 0,
    }
}

/// The way out to one session.
#[derive(Debug)]
pub(crate) struct Egress<T> {
    /// `None` where no gateway of this process has opened it: what would go there is not sent, and stays unanswered
    /// until one sweeps.
    ring: Option<rtrb::Producer<Line<T>>>,
    /// Messages that found the ring full. Only what the gateway itself caused can get here (it must not wait for its
    /// own ring); commands are refused.
    overflow: VecDeque<T>,
    /// Messages for it that wait for the disk.
    held: usize,
    /// At least this many places of the ring are free: looking at what its other end has taken costs a line of memory
    /// that both cores want, so it is done when this is used up.
    room: usize,
}

impl<T> Default for Egress<T> {
    fn default() -> Self {
        Self { ring: None, overflow: VecDeque::new(), held: 0, room: 0 }
    }
}

impl<T: Clone> Egress<T> {
    /// A gateway has opened it. What waited for a ring that nobody reads any more was never sent: the sweep will find
    /// so. Gives how many messages that were.
    pub(crate) fn open(&mut self, ring: rtrb::Producer<Line<T>>) -> usize {
        (self.ring, self.room) = (Some(ring), 0);
        std::mem::take(&mut self.overflow).len()
    }

    /// One more waits for the disk.
    pub(crate) const fn hold(&mut self) {
        self.held += 1;
    }

    /// One that waited for the disk is sent now.
    pub(crate) const fn let_go(&mut self) {
        self.held = self.held.saturating_sub(1);
    }

    /// So many commands more, whatever they are, find room.
    #[inline]
    pub(crate) fn is_clear_for(&mut self, commands: usize) -> bool {
        let Some(ring) = &self.ring else { return true };
        let wanted = self.held + commands + leaves(RoomClaim::Begins, ring.buffer().capacity());
        if self.room < wanted {
            self.room = ring.slots();
        }
        self.overflow.is_empty() && self.room >= wanted
    }

    /// What stands in the way of a command of this kind now.
    #[cold]
    pub(crate) fn backlog(&mut self, claim: RoomClaim) -> Option<Backlog> {
        let ring = self.ring.as_ref()?;
        let places = ring.buffer().capacity();
        self.room = ring.slots();
        let waiting = places - self.room + self.held + self.overflow.len();
        let most = places - leaves(claim, places);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        (waiting >= most).then(|| Backlog { waiting: count(waiting), most: count(most) })
    }

    /// Sends a message; false where it has to wait for a place.
    #[inline]
    pub(crate) fn send(&mut self, message: &T) -> bool {
        let Some(ring) = &mut self.ring else { return true };
        if self.overflow.is_empty() {
            reach(Point::HandoverBefore);
            if put(ring, || Line(message.clone())) {
                self.room = self.room.saturating_sub(1);
                reach(Point::HandoverAfter);
                return true;
            }
            self.room = 0;
        }
        self.overflow.push_back(message.clone());
        false
    }

    /// Sends what waited for places that are free now; gives how many messages that were.
    pub(crate) fn drain(&mut self) -> usize {
        let before = self.overflow.len();
        let Some(ring) = &mut self.ring else { return 0 };
        while ring.slots() > 0
            && let Some(message) = self.overflow.pop_front()
        {
            // There is room: it was asked just now, and only this thread pushes.
            let _ = put(ring, || Line(message));
        }
        before - self.overflow.len()
    }

    /// Asks for the memory that the next message is written to.
    #[inline]
    pub(crate) fn make_ready(&mut self) {
        if let Some(ring) = &mut self.ring {
            make_ready(ring);
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{Outbound, OutboundKind, Position, SessionId, Timestamp};

    use super::*;

    fn message() -> Outbound {
        let (position, time) = (Position::default(), Timestamp::default());
        Outbound { session: SessionId::new(0), position, time, kind: OutboundKind::Sweep }
    }

    fn most(egress: &mut Egress<Outbound>) -> [Option<(u32, u32)>; 3] {
        [RoomClaim::Begins, RoomClaim::Changes, RoomClaim::Ends]
            .map(|claim| egress.backlog(claim).map(|backlog| (backlog.waiting, backlog.most)))
    }

    #[test]
    fn orders_leave_a_quarter_to_replaces_and_these_an_eighth_to_cancels() {
        let (ring, mut taken) = rtrb::RingBuffer::new(16);
        let mut egress = Egress::default();
        assert_eq!((most(&mut egress), egress.is_clear_for(1000)), ([None; 3], true), "nobody is there");
        assert_eq!(egress.open(ring), 0);
        for waiting in 0..16 {
            let expected = [12, 14, 16].map(|most| (waiting >= most).then_some((waiting, most)));
            assert_eq!(most(&mut egress), expected);
            assert_eq!(egress.is_clear_for(1), waiting < 12);
            assert!(egress.send(&message()));
        }
        assert_eq!(most(&mut egress), [Some((16, 12)), Some((16, 14)), Some((16, 16))]);
        // What the gateway itself causes finds its place in any case, and is in the way of others until it is sent.
        assert!(!egress.send(&message()) && !egress.send(&message()));
        assert_eq!((most(&mut egress)[2], egress.drain()), (Some((18, 16)), 0));
        for _ in 0..8 {
            taken.pop().unwrap();
        }
        assert!(!egress.is_clear_for(1), "what waits goes first");
        assert_eq!((egress.drain(), most(&mut egress)), (2, [None; 3]));
    }

    #[test]
    fn what_waits_for_the_disk_has_its_place() {
        let (ring, _taken) = rtrb::RingBuffer::new(16);
        let mut egress = Egress::default();
        egress.open(ring);
        (0..12).for_each(|_| egress.hold());
        assert_eq!(most(&mut egress), [Some((12, 12)), None, None]);
        assert!(!egress.is_clear_for(1));
        egress.let_go();
        assert_eq!(most(&mut egress), [None; 3]);
    }
}
