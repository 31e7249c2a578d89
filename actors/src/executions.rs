//! Which executions are booked, so that none is booked twice: by broker, trade date and ExecID.
//!
//! They stand on shelves, each day's as a list in the order they were booked, and are found by the hash of broker and
//! ExecID, whatever their day. Of a day that is forgotten nothing is found any more; its places are given back a few at a
//! time, as others come, so that no execution waits for a whole day to be cleared away.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use model::{BrokerId, Date, ExecId, Invariant, OrderId, Price, Quantity, there};

use crate::store::growth::Grows;
use crate::store::names::{Names, Segment, hash_of};
use crate::store::shelves::{NOWHERE, Shelf, Shelves};
use crate::want::Want;

mod encoding;
#[cfg(test)]
mod tests;

/// Executions on a shelf: some 400 KB.
const ROOM: usize = 4096;
const AHEAD: usize = 8;

pub(crate) type BookedShelf = Shelf<Booked, ROOM, AHEAD>;

/// By whom an execution is named how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    broker: BrokerId,
    exec_id: ExecId,
    hash: u32,
}

impl Key {
    #[inline]
    pub(crate) fn new(broker: BrokerId, exec_id: ExecId) -> Self {
        Self { broker, exec_id, hash: hash_of(&(broker, exec_id)) }
    }
}

/// The economics of one execution, to tell a repetition from a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, borsh::BorshSerialize, borsh::BorshDeserialize)]
pub(crate) struct Execution {
    pub order: Option<OrderId>,
    pub quantity: Quantity,
    pub price: Price,
}

/// One that is remembered.
#[derive(Clone, Debug)]
pub(crate) struct Booked {
    broker: BrokerId,
    date: Date,
    exec_id: ExecId,
    /// Of sequence number 0 where there is none.
    order: OrderId,
    quantity: Quantity,
    price: Price,
    /// The next one of its day.
    next: u32,
}

/// The executions of one day, in the order they were booked.
#[derive(Clone, Copy, Debug)]
struct Day {
    first: u32,
    last: u32,
    len: u32,
}

const EMPTY: Day = Day { first: NOWHERE, last: NOWHERE, len: 0 };

/// What is known of an execution that comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Never before.
    Never,
    /// Before, the same.
    Same,
    /// Before, with other economics.
    Otherwise,
    /// Dated before what is remembered: it cannot be told.
    TooOld,
}

/// How many days back executions are remembered: a week of resends and a long weekend.
const REMEMBERED_DAYS: i32 = 14;

/// How many forgotten executions are cleared away when one comes: more than come, so that they do not pile up.
const CLEARED_AT_ONCE: usize = 2;

/// Those that are remembered.
#[derive(Clone, Debug)]
pub(crate) struct Executions {
    booked: Shelves<Booked, ROOM, AHEAD>,
    names: Names,
    days: BTreeMap<Date, Day>,
    /// Nothing before is remembered.
    first_day: Date,
    /// What is not, and not cleared away yet: the first of it, each with the next.
    forgotten: u32,
}

impl Default for Executions {
    fn default() -> Self {
        let (booked, names, days) = (Shelves::default(), Names::default(), BTreeMap::new());
        Self { booked, names, days, first_day: Date { days: i32::MIN }, forgotten: NOWHERE }
    }
}

impl Booked {
    fn execution(&self) -> Execution {
        let order = (self.order.seq > 0).then_some(self.order);
        Execution { order, quantity: self.quantity, price: self.price }
    }
}

impl Executions {
    /// What should be made ahead.
    #[inline]
    pub(crate) const fn wants(&self) -> Option<Want> {
        if self.booked.is_short() {
            Some(Want::Executions)
        } else if self.names.is_short() {
            Some(Want::ExecutionNames)
        } else {
            None
        }
    }

    /// Has fetched what is looked at first when an execution comes in.
    #[inline]
    pub(crate) fn anticipate(&self, broker: BrokerId, exec_id: ExecId) {
        self.names.prefetch(Key::new(broker, exec_id).hash);
    }

    /// `stated` is the broker's trade date; without one, every remembered day is searched, since a resend after
    /// midnight would otherwise look new.
    pub(crate) fn seen(&self, key: &Key, stated: Option<Date>, today: Date, execution: &Execution) -> Seen {
        if stated.is_some_and(|date| date.days < today.days - REMEMBERED_DAYS) {
            return Seen::TooOld;
        }
        match self.find(key, stated) {
            None => Seen::Never,
            Some(known) if known.execution() == *execution => Seen::Same,
            Some(_) => Seen::Otherwise,
        }
    }

    /// Of several days, the earliest.
    #[inline]
    fn find(&self, key: &Key, stated: Option<Date>) -> Option<&Booked> {
        let mut found: Option<&Booked> = None;
        self.names.find(key.hash, |place| {
            let known = self.booked.get(place).filter(|known| {
                known.exec_id == key.exec_id
                    && known.broker == key.broker
                    && known.date >= self.first_day
                    && stated.is_none_or(|date| date == known.date)
            });
            if let Some(known) = known.filter(|known| found.is_none_or(|found| known.date < found.date)) {
                found = Some(known);
            }
            false
        });
        found
    }

    /// The order that this execution was booked for, whatever the report calls it.
    pub(crate) fn booked(
        &self,
        key: &Key,
        stated: Option<Date>,
        today: Date,
        (quantity, price): (Quantity, Price),
    ) -> Option<OrderId> {
        let execution = self.find(key, stated)?.execution();
        let is_same = execution.quantity == quantity && execution.price == price;
        let is_remembered = stated.is_none_or(|date| date.days >= today.days - REMEMBERED_DAYS);
        execution.order.filter(|_| is_same && is_remembered)
    }

    /// One that was seen never before.
    pub(crate) fn remember(&mut self, key: &Key, stated: Option<Date>, today: Date, execution: Execution) {
        let horizon = Date { days: today.days - REMEMBERED_DAYS };
        if horizon > self.first_day {
            self.forget_before(horizon);
        }
        self.clear_away();
        self.add(key, stated.unwrap_or(today), execution);
    }

    fn add(&mut self, key: &Key, date: Date, execution: Execution) {
        let Key { broker, exec_id, hash } = *key;
        let Execution { order, quantity, price } = execution;
        let order = order.unwrap_or_default();
        let place = self.booked.put(Booked { broker, date, exec_id, order, quantity, price, next: NOWHERE });
        self.names.add(hash, place);
        let day = self.days.entry(date).or_insert(EMPTY);
        match self.booked.get_mut(day.last) {
            Some(last) => last.next = place,
            None => day.first = place,
        }
        (day.last, day.len) = (place, day.len + 1);
    }

    /// From here on nothing before that day is found.
    #[cold]
    fn forget_before(&mut self, horizon: Date) {
        self.first_day = horizon;
        while let Some(day) = self.days.first_entry().filter(|day| *day.key() < horizon) {
            let day = day.remove();
            let last = there(self.booked.get_mut(day.last), Invariant::PlaceIsTaken);
            last.next = core::mem::replace(&mut self.forgotten, day.first);
        }
    }

    #[inline]
    fn clear_away(&mut self) {
        for _ in 0..CLEARED_AT_ONCE {
            // Nearly always there is nothing.
            if self.forgotten == NOWHERE {
                return;
            }
            self.clear_first();
        }
    }

    fn clear_first(&mut self) {
        let place = self.forgotten;
        let known = there(self.booked.get(place), Invariant::PlaceIsTaken);
        self.forgotten = known.next;
        self.names.remove(Key::new(known.broker, known.exec_id).hash, place);
        self.booked.leave(place);
    }
}

impl Grows<BookedShelf> for Executions {
    fn provide(&mut self, shelves: Vec<BookedShelf>) {
        self.booked.provide(shelves);
    }
}

impl Grows<Box<Segment>> for Executions {
    fn provide(&mut self, segments: Vec<Box<Segment>>) {
        self.names.provide(segments);
    }
}
