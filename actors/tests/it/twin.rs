//! A naive twin of the core: plain maps and 128-bit integers, no code shared with it. It takes the core's word for
//! what was accepted, checks that it could be, and works out everything else by itself.

use std::collections::{BTreeMap, BTreeSet};

use model::{ClOrdId, Date, Decimal, Input, Position, Reference, Timestamp, WireId};

/// Account and currency, or account and instrument, by index.
pub(crate) type Key = (u32, u32);
/// Prices and quantities by 10^7 and 10^2; money by 10^13, so that every product and fee is whole.
pub(crate) type Whole = i128;

pub(crate) const MONEY: u32 = 13;
pub(crate) const PRICE: u32 = 7;
pub(crate) const UNITS: u32 = 2;

/// A decimal as a whole number of 10^-scale.
pub(crate) fn whole(value: Decimal, scale: u32) -> Whole {
    let value = value.normalize();
    assert!(value.scale() <= scale, "{value}");
    value.mantissa() * 10i128.pow(scale - value.scale())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    PendingNew,
    Working,
    Filled,
    Ended,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) request: WireId,
    pub(crate) cancel: bool,
    pub(crate) quantity: Whole,
    pub(crate) price: Whole,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct TwinOrder {
    pub(crate) account: u32,
    pub(crate) instrument: u32,
    pub(crate) buy: bool,
    pub(crate) quantity: Whole,
    pub(crate) price: Whole,
    pub(crate) filled: Whole,
    pub(crate) status: Status,
    pub(crate) asked: Option<Asked>,
    pub(crate) doubt: bool,
    pub(crate) wire_id: WireId,
    pub(crate) created: i64,
    /// Counted by the broker and not told, and the dearest price since.
    pub(crate) missing: Whole,
    pub(crate) dear: Whole,
    /// The day on which it ended, and the last on which a broker spoke of it.
    pub(crate) ended: Option<i32>,
    pub(crate) heard: i32,
    pub(crate) name: ClOrdId,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TwinHolding {
    pub(crate) position: Whole,
    pub(crate) cost: Whole,
    pub(crate) realised: Whole,
    pub(crate) fees: Whole,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Twin {
    pub(crate) orders: BTreeMap<WireId, TwinOrder>,
    /// Every id on the wire, and the order it is about.
    pub(crate) ids: BTreeMap<WireId, WireId>,
    /// What every replace asked for.
    pub(crate) replaces: BTreeMap<WireId, Asked>,
    pub(crate) settled: BTreeMap<Key, Whole>,
    pub(crate) unsettled: BTreeMap<(Key, i32), Whole>,
    pub(crate) holdings: BTreeMap<Key, TwinHolding>,
    pub(crate) marks: BTreeMap<u32, Whole>,
    /// Every ExecID heard, by session.
    pub(crate) executions: BTreeSet<(u16, String)>,
    pub(crate) session_down: bool,
    pub(crate) halted: bool,
    /// Accounts that are set aside after a broken invariant, and what was executed of their orders meanwhile: it is kept.
    pub(crate) aside: BTreeSet<u32>,
    pub(crate) kept: BTreeMap<WireId, Whole>,
    /// For how many days identifiers of retired orders are refused, less one.
    pub(crate) remembers: i32,
    /// Those identifiers, by account: the first day that may be the one of the order's last change, and the fewest days
    /// that were said since.
    pub(crate) names: BTreeMap<(u32, ClOrdId), (i32, i32)>,
    /// Cash movements by account and reference: the day they were booked, and the fewest days that were said since.
    pub(crate) moves: BTreeMap<(u32, Reference), (i32, i32)>,
    /// For how many days their references are said to be remembered; 0 where nobody has said.
    pub(crate) cash_days: i32,
    /// The wall clock is not trusted, and the record that says so.
    pub(crate) suspect: Option<Position>,
}

/// 10 for EURO, whose currency is 2; ACME and US dollars are 1.
pub(crate) fn multiplier(instrument: u32) -> Whole {
    if instrument == 2 { 10 } else { 1 }
}

pub(crate) fn notional(price: Whole, quantity: Whole, instrument: u32) -> Whole {
    price * quantity * multiplier(instrument) * 10_000
}

/// BETA pays 10 basis points and 0.005 a unit, kept to 4 decimals.
pub(crate) fn fee(account: u32, notional: Whole, quantity: Whole, up: bool) -> Whole {
    if account == 1 {
        return 0;
    }
    let exact = notional / 1_000 + quantity * 500_000_000;
    let unit = 1_000_000_000;
    let rest = exact % unit;
    let add = if up { rest > 0 } else { rest * 2 >= unit };
    exact - rest + if add { unit } else { 0 }
}

fn half_even(numerator: Whole, denominator: Whole) -> Whole {
    let (sign, numerator) = (numerator.signum(), numerator.abs());
    let (quotient, rest) = (numerator / denominator, numerator % denominator);
    let up = rest * 2 > denominator || (rest * 2 == denominator && quotient % 2 == 1);
    sign * (quotient + Whole::from(up))
}

impl TwinOrder {
    pub(crate) fn is_open(&self) -> bool {
        self.may_go_on() || self.missing > 0
    }

    fn may_go_on(&self) -> bool {
        match self.status {
            Status::PendingNew | Status::Working => true,
            Status::Filled => self.asked.is_some_and(|asked| !asked.cancel),
            Status::Ended => false,
        }
    }

    fn is_awaiting(&self) -> bool {
        self.may_go_on() && (self.status == Status::PendingNew || self.asked.is_some())
    }

    pub(crate) fn end(&mut self, status: Status) {
        self.status = status;
        self.asked = None;
        self.settle_doubt();
    }

    pub(crate) fn settle_doubt(&mut self) {
        self.doubt &= self.is_awaiting();
    }

    /// Units, cash and notional that stay reserved.
    pub(crate) fn worst(&self) -> (Whole, Whole, Whole) {
        let costs = |open: Whole, price: Whole| {
            let notional = notional(price, open, self.instrument);
            let cash = if self.buy { notional + fee(self.account, notional, open, true) } else { 0 };
            (open, cash, notional)
        };
        let missing = costs(self.missing, self.dear);
        if !self.may_go_on() {
            return missing;
        }
        let under = |quantity: Whole, price: Whole| {
            let open = costs((quantity - self.filled - self.missing).max(0), price);
            (open.0 + missing.0, open.1 + missing.1, open.2 + missing.2)
        };
        let now = under(self.quantity, self.price);
        let then = self.asked.map_or(now, |asked| under(asked.quantity, asked.price));
        (now.0.max(then.0), now.1.max(then.1), now.2.max(then.2))
    }
}

impl Twin {
    /// Orders leave at a tick, two days after they ended at the earliest, and no later than that at the next tick.
    pub(crate) fn retire(&mut self, now: i64, input: &Input, is_there: impl Fn(WireId) -> bool) {
        let today = Timestamp::from_nanos(now).date().days;
        let is_tick = matches!(input, Input::Tick);
        let mut gone = Vec::new();
        for (id, order) in &mut self.orders {
            order.ended = if order.is_open() { None } else { order.ended.or(Some(today)) };
            let due = order.ended.is_some_and(|day| today - day >= 2);
            if is_there(*id) {
                // What is heard after the end may change it once more.
                assert!(
                    !due || !is_tick || self.suspect.is_some() || today - order.heard < 2,
                    "{id} should be retired"
                );
            } else {
                assert!(due && is_tick, "{id} is retired too early");
                assert!(self.suspect.is_none(), "{id} is retired under a clock that is not trusted");
                gone.push(*id);
            }
        }
        for id in gone {
            let Some(order) = self.orders.remove(&id) else { continue };
            if self.remembers > 0 {
                let day = order.ended.unwrap_or(today);
                self.names.insert((order.account, order.name), (day, self.remembers + 1));
            }
            self.ids.retain(|_, order| *order != id);
        }
    }

    pub(crate) fn order_of(&self, ids: [Option<WireId>; 2]) -> Option<WireId> {
        ids.into_iter().flatten().find_map(|id| self.ids.get(&id)).copied()
    }

    pub(crate) fn owned(&self, key: Key) -> Whole {
        let unsettled: Whole =
            self.unsettled.iter().filter(|((other, _), _)| *other == key).map(|(_, amount)| amount).sum();
        self.settled.get(&key).copied().unwrap_or_default() + unsettled
    }

    pub(crate) fn reserved_cash(&self, (account, currency): Key) -> Whole {
        let of = |order: &&TwinOrder| order.account == account && order.instrument == currency;
        self.orders.values().filter(of).map(|order| order.worst().1).sum()
    }

    pub(crate) fn open_units(&self, (account, instrument): Key, buy: bool) -> Whole {
        let of = |order: &&TwinOrder| {
            order.account == account && order.instrument == instrument && order.buy == buy
        };
        self.orders.values().filter(of).map(|order| order.worst().0).sum()
    }

    /// Positions at the mark, and open orders, over both accounts.
    pub(crate) fn exposure(&self, instrument: u32) -> (Whole, Whole) {
        let mark = self.marks.get(&instrument).copied().unwrap_or_default();
        let held = self.holdings.iter().filter(|((_, id), _)| *id == instrument);
        let units: Whole = held.map(|(_, holding)| holding.position.abs()).sum();
        let open = self.orders.values().filter(|order| order.instrument == instrument);
        (notional(mark, units, instrument), open.map(|order| order.worst().2).sum())
    }

    /// Average cost; a fill through zero closes first.
    pub(crate) fn book(&mut self, id: WireId, quantity: Whole, price: Whole, settles: Date) {
        let order = self.orders.get_mut(&id).unwrap();
        order.filled += quantity;
        if matches!(order.status, Status::PendingNew | Status::Working) {
            order.status = if order.filled >= order.quantity { Status::Filled } else { Status::Working };
            if !order.may_go_on() {
                order.asked = None;
            }
        }
        order.settle_doubt();
        let key = (order.account, order.instrument);
        let value = notional(price, quantity, order.instrument);
        let fee = fee(order.account, value, quantity, false);
        let sign = if order.buy { 1 } else { -1 };
        let holding = self.holdings.entry(key).or_default();
        let closed =
            if holding.position.signum() == -sign { quantity.min(holding.position.abs()) } else { 0 };
        let out = if closed == holding.position.abs() {
            if closed == 0 { 0 } else { holding.cost }
        } else {
            // Kept to 8 decimals.
            half_even(holding.cost * closed, holding.position.abs() * 100_000) * 100_000
        };
        holding.realised += -sign * notional(price, closed, key.1) - out;
        holding.cost += sign * notional(price, quantity - closed, key.1) - out;
        holding.position += sign * quantity;
        holding.fees += fee;
        self.marks.entry(key.1).or_insert(price);
        *self.unsettled.entry((key, settles.days)).or_default() -= sign * value + fee;
    }
}
