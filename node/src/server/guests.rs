//! Who is inside, and in which place. No socket and no clock: the door and the connections ask.
//!
//! ```text
//! connected ─▶ waiting ─ first request ─┬─▶ ordinary place
//!                 │                     ├─▶ urgent place, where all ordinary ones are taken
//!                 │                     └─▶ refused
//!                 └─ too long, or too many wait: turned out, the oldest first
//! ```
//! So a client that says nothing takes no place from one that speaks. An urgent place is for words that lower risk or
//! show it ([`is_urgent`]), said by the node's own user; it is held for as long as nobody newer needs it.

use std::collections::BTreeMap;

use tokio::sync::oneshot;
use wire::{Refusal, RefusalKind, Request};

/// How many clients may be inside at once, by place. Each holds a file descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Clients that do anything.
    pub ordinary: usize,
    /// Clients that only do what is urgent, once the ordinary places are taken.
    pub urgent: usize,
    /// Clients that have not said anything yet.
    pub waiting: usize,
    /// Clients that were turned out and are being closed.
    pub leaving: usize,
}

impl Room {
    /// With fewer nobody could be let in.
    pub const FEWEST_DESCRIPTORS: usize = 11;

    /// What `descriptors` have room for, with at most `connections` ordinary places; `None` where they are too few
    /// for anybody.
    pub fn within(descriptors: usize, connections: usize) -> Option<Self> {
        let urgent = (descriptors / 4).clamp(4, 16);
        let waiting = (descriptors / 8).clamp(4, 64);
        let leaving = (descriptors / 16).clamp(2, 8);
        let left = descriptors.checked_sub(urgent + waiting + leaving).filter(|left| *left > 0)?;
        Some(Self { ordinary: left.min(connections), urgent, waiting, leaving })
    }

    fn total(self) -> usize {
        self.ordinary + self.urgent + self.waiting + self.leaving
    }

    /// What a client is told for whom there is no place.
    pub(super) fn full(self) -> Refusal {
        let text = format!("all {} places for local clients are taken", self.ordinary);
        let limit = u64::try_from(self.ordinary).unwrap_or(u64::MAX);
        Refusal::beyond(RefusalKind::TooManyConnections, text, limit)
    }
}

/// Words that lower risk, and what is needed to say them: how the node stands, and which orders are open.
pub(super) fn is_urgent(request: &Request) -> bool {
    match request {
        Request::Halt(_) | Request::Cancel(_) | Request::CancelAll(_) | Request::Status {} => true,
        Request::Orders(filter) => filter.open || filter.order.is_some(),
        _ => false,
    }
}

/// Where a client that spoke is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Ordinary,
    Urgent,
}

/// Tells a client that it must leave, and why.
pub(super) type TurnedOut = oneshot::Receiver<Refusal>;

/// See the module.
#[derive(Debug)]
pub(super) struct Guests {
    room: Room,
    /// By number, which is by age.
    inside: BTreeMap<u32, Guest>,
}

#[derive(Debug)]
struct Guest {
    stand: Stand,
    leave: Option<oneshot::Sender<Refusal>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    Waiting,
    Seated(Place),
    Leaving,
}

impl Guests {
    pub(super) const fn new(room: Room) -> Self {
        Self { room, inside: BTreeMap::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.inside.is_empty()
    }

    pub(super) const fn room(&self) -> Room {
        self.room
    }

    /// Lets a client wait for its first request. Where too many wait already, the oldest of them has to go.
    pub(super) fn come(&mut self, client: u32) -> Result<TurnedOut, Refusal> {
        if self.inside.len() >= self.room.total() {
            return Err(self.room.full());
        }
        if self.count(Stand::Waiting) >= self.room.waiting {
            self.turn_out_oldest(Stand::Waiting, "said nothing yet, and others came");
        }
        let (leave, turned_out) = oneshot::channel();
        self.inside.insert(client, Guest { stand: Stand::Waiting, leave: Some(leave) });
        Ok(turned_out)
    }

    /// Gives a client that spoke a place, or a better one. Where too many urgent ones are there, the oldest has to go.
    pub(super) fn seat(&mut self, client: u32, urgent: bool) -> Result<Place, Refusal> {
        let place = if self.count(Stand::Seated(Place::Ordinary)) < self.room.ordinary {
            Place::Ordinary
        } else if urgent {
            Place::Urgent
        } else {
            return Err(self.room.full());
        };
        if place == Place::Urgent && self.count(Stand::Seated(place)) >= self.room.urgent {
            self.turn_out_oldest(Stand::Seated(place), "made room for another urgent request");
        }
        if let Some(guest) = self.inside.get_mut(&client)
            && guest.stand != Stand::Leaving
        {
            guest.stand = Stand::Seated(place);
        }
        Ok(place)
    }

    pub(super) fn gone(&mut self, client: u32) {
        self.inside.remove(&client);
    }

    fn count(&self, stand: Stand) -> usize {
        self.inside.values().filter(|guest| guest.stand == stand).count()
    }

    fn turn_out_oldest(&mut self, stand: Stand, why: &str) {
        let Some(guest) = self.inside.values_mut().find(|guest| guest.stand == stand) else { return };
        guest.stand = Stand::Leaving;
        if let Some(leave) = guest.leave.take() {
            let refusal = Refusal::new(RefusalKind::TooManyConnections, format!("this connection {why}"));
            // A client that is on its way out does not listen.
            let _ = leave.send(refusal);
        }
    }
}

#[cfg(test)]
mod tests {
    use wire::{OrderFilter, ScopeName};

    use super::*;
    use proptest::prelude::*;

    const ROOM: Room = Room { ordinary: 2, urgent: 2, waiting: 2, leaving: 2 };

    #[test]
    fn silent_clients_make_room_for_each_other_and_for_nobody_who_spoke() {
        let mut guests = Guests::new(ROOM);
        let _spoke = guests.come(1).unwrap();
        assert_eq!(guests.seat(1, false), Ok(Place::Ordinary));
        let mut silent: Vec<TurnedOut> = (2..=4).map(|client| guests.come(client).unwrap()).collect();
        let refusal = silent[0].try_recv().unwrap();
        assert_eq!((refusal.kind, refusal.retry), (RefusalKind::TooManyConnections, true));
        assert!(silent[1].try_recv().is_err() && silent[2].try_recv().is_err());
        assert_eq!(guests.seat(3, false), Ok(Place::Ordinary));
    }

    #[test]
    fn a_full_house_still_takes_what_is_urgent() {
        let mut guests = Guests::new(ROOM);
        for client in 1..=2 {
            guests.come(client).unwrap();
            assert_eq!(guests.seat(client, false), Ok(Place::Ordinary));
        }
        guests.come(3).unwrap();
        let refusal = guests.seat(3, false).unwrap_err();
        assert_eq!((refusal.kind, refusal.limit), (RefusalKind::TooManyConnections, Some(2)));
        guests.gone(3);
        // One that is greedy for urgent places only takes them from itself.
        let mut greedy = Vec::new();
        for client in 4..=6 {
            greedy.push(guests.come(client).unwrap());
            assert_eq!(guests.seat(client, true), Ok(Place::Urgent));
        }
        assert!(greedy[0].try_recv().is_ok());
        assert!(greedy[2].try_recv().is_err());
        // With an ordinary place free, an urgent client gets that one.
        guests.gone(1);
        assert_eq!(guests.seat(6, false), Ok(Place::Ordinary));
    }

    #[test]
    fn nothing_but_what_lowers_or_shows_risk_is_urgent() {
        assert!(is_urgent(&Request::Halt(ScopeName::Firm {})));
        assert!(is_urgent(&Request::Status {}));
        assert!(is_urgent(&Request::Orders(OrderFilter { open: true, ..OrderFilter::default() })));
        assert!(!is_urgent(&Request::Orders(OrderFilter::default())));
        assert!(!is_urgent(&Request::Resume(ScopeName::Firm {})));
        assert!(!is_urgent(&Request::Ping {}));
    }

    #[test]
    fn few_descriptors_leave_few_places_and_too_few_none() {
        assert_eq!(Room::within(Room::FEWEST_DESCRIPTORS - 1, 256), None);
        assert_eq!(Room::within(Room::FEWEST_DESCRIPTORS, 256).unwrap().ordinary, 1);
        let small = Room::within(19, 256).unwrap();
        assert_eq!((small.total(), small.urgent), (19, 4));
        assert_eq!(Room::within(1_000_000, 256).unwrap().ordinary, 256);
    }

    proptest! {
        /// Whatever clients do, no place is given twice, an urgent word never hears no, and one that says it at once
        /// is let in unless the clients that were turned out are still being closed.
        #[test]
        fn places_hold(steps in prop::collection::vec((0u8..4, 0usize..12, any::<bool>()), 1..200)) {
            let mut guests = Guests::new(ROOM);
            let mut open: Vec<(u32, TurnedOut)> = Vec::new();
            let mut next = 1;
            for (step, which, urgent) in steps {
                let client = open.get(which % open.len().max(1)).map(|(client, _)| *client);
                match (step, client) {
                    (0 | 1, _) => {
                        if let Ok(turned_out) = guests.come(next) {
                            open.push((next, turned_out));
                        } else {
                            prop_assert_eq!(guests.inside.len(), ROOM.total());
                        }
                        next += 1;
                    }
                    (2, Some(client)) => prop_assert!(guests.seat(client, urgent).is_ok() || !urgent),
                    (_, Some(client)) => {
                        guests.gone(client);
                        open.retain(|(other, _)| *other != client);
                    }
                    _ => {}
                }
                prop_assert!(guests.inside.len() <= ROOM.total());
                for (stand, most) in [
                    (Stand::Waiting, ROOM.waiting),
                    (Stand::Seated(Place::Ordinary), ROOM.ordinary),
                ] {
                    prop_assert!(guests.count(stand) <= most);
                }
            }
        }
    }
}
