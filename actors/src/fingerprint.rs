//! A rolling fingerprint of every change of the state, and of every message that a change sent out.
//!
//! Each place that commits a change folds in what it changed: whose books stand how now, which order has which status and
//! quantities, which message left. A replay that comes to the same fingerprint has made the same changes in the same
//! order. What is folded, and in which order, is fixed for good by the functions here: it stands in the digests of every
//! journal. Events and messages are only told; they may grow new fields, and no digest notices.
//!
//! It finds a difference; it is no defence against somebody who makes one up.

use borsh::{BorshDeserialize, BorshSerialize};
use model::{
    AccountId, Actor, Amount, CausedBy, Currency, Date, InstrumentId, LimitKind, Outbound, OutboundKind,
    PendingKind, PortfolioId, Price, Quantity, WireId,
};

use crate::{Asset, Exposure, Holding, Order};

/// What changed. The numbers are for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Changed {
    /// A definition was taken in: its kind, its number.
    Definition = 1,
    /// A limit was set or lifted.
    Limit = 2,
    /// A halt began or ended.
    Halt = 3,
    /// The journal was opened, or a session changed.
    Session = 4,
    /// The price that an instrument is valued at.
    Mark = 5,
    /// An order stands as it is told.
    Order = 6,
    /// Orders came to be in doubt: how many.
    Doubt = 7,
    /// A finished order was retired.
    Retired = 8,
    /// The balances of one book.
    Book = 9,
    /// What is reserved of one asset.
    Reserved = 10,
    /// What was unsettled is settled.
    Settled = 11,
    /// What an account holds of an instrument.
    Holding = 12,
    /// A portfolio's exposure in a currency.
    Exposure = 13,
    /// An execution was put in suspense.
    Suspense = 14,
    /// A message leaves for a broker.
    Message = 15,
    /// The highest number of a message of a broker that is journalled.
    Inbound = 16,
    /// Something is asked for: which of its record's consequences, of which shard or session.
    Asked = 17,
    /// An ask is a record, here or of another shard: its cause.
    AskTaken = 18,
    /// Somebody was set aside after a broken invariant, or released: whom, and which.
    SetAside = 19,
    /// What an account has due on a date is held.
    Held = 20,
    /// What a broker counts of an order and has not told, as part of how the order stands.
    Unexplained = 21,
    /// The wall clock is not trusted, is trusted again, or the shard's time stands otherwise to the boot.
    Clock = 22,
    /// For how many days identifiers are remembered.
    Remember = 23,
    /// The identifier of a retired order is remembered: its number, and the day.
    Remembered = 24,
    /// An identifier is forgotten: its number.
    Forgotten = 25,
    /// A reference of a cash movement is forgotten: its number.
    MovementForgotten = 26,
}

/// The fingerprint of all changes so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, BorshSerialize, BorshDeserialize)]
pub struct Fingerprint {
    state: u64,
}

/// An odd number without pattern: the fraction of the golden ratio.
const MIXER: u64 = 0x9e37_79b9_7f4a_7c15;
const START: u64 = 0x6a09_e667_f3bc_c908;

impl Fingerprint {
    /// As a number, to be folded into a digest.
    pub const fn get(self) -> u64 {
        self.state
    }

    /// Two words at once: multiplied to 128 bits and folded to 64, so that each moves every bit, and their order counts.
    #[inline]
    fn fold(&mut self, first: u64, second: u64) {
        let product = u128::from((self.state ^ first).wrapping_add(START)) * u128::from(second ^ MIXER);
        #[expect(clippy::cast_possible_truncation, reason = "the two halves are folded into one another")]
        let folded = (product as u64) ^ ((product >> 64) as u64);
        self.state = folded.rotate_left(23);
    }

    /// One change by its words.
    #[inline]
    pub(crate) fn note(&mut self, changed: Changed, first: u64, second: u64) {
        self.fold(changed as u64 | 1 << 63, first);
        self.fold(second, 0);
    }

    #[inline]
    fn amount(&mut self, amount: Amount) {
        let [low, top] = amount.words();
        self.fold(low, top);
    }

    #[inline]
    fn quantity(&mut self, quantity: Quantity) {
        self.amount(quantity.into());
    }

    #[inline]
    fn id(&mut self, id: WireId) {
        self.fold(id.seq, u64::from(id.incarnation) << 16 | u64::from(id.shard));
    }

    /// A change of an account's asset.
    #[inline]
    fn of_asset(&mut self, changed: Changed, account: AccountId, asset: Asset) {
        let asset = match asset {
            Asset::Cash(currency) => currency.number(),
            Asset::Units(instrument) => u64::from(instrument.index) << 1 | 1 << 63,
        };
        self.note(changed, account.index.into(), asset);
    }

    /// Where an order stands: its three axes, its terms, what was executed.
    #[inline]
    pub(crate) fn order(&mut self, order: &Order) {
        self.fold(Changed::Order as u64 | 1 << 63, axes(order));
        self.id(order.id);
        if order.wire_id != order.id {
            self.id(order.wire_id);
        }
        self.quantity(order.quantity);
        if let Some(price) = order.limit_price {
            self.amount(price.into());
        }
        // Most orders that change have executed nothing yet.
        if !order.cum_quantity.is_zero() {
            self.quantity(order.cum_quantity);
            self.amount(order.cum_notional);
        }
        if let Some(pending) = order.pending {
            self.id(pending.request);
            self.quantity(pending.quantity);
        }
        if let Some(unexplained) = order.unexplained {
            self.note(Changed::Unexplained, 0, 0);
            self.quantity(unexplained.quantity);
            self.amount(unexplained.unit_price.into());
        }
    }

    /// What is reserved of an asset from now on.
    #[inline]
    pub(crate) fn reserved(&mut self, account: AccountId, asset: Asset, reserved: Amount) {
        self.of_asset(Changed::Reserved, account, asset);
        self.amount(reserved);
    }

    /// The balances of a book from now on, and what is unsettled of one date. What is settled follows: the sum is zero.
    #[inline]
    pub(crate) fn book(
        &mut self,
        account: AccountId,
        asset: Asset,
        balances: [Amount; 3],
        unsettled: Option<(Date, Amount)>,
    ) {
        self.of_asset(Changed::Book, account, asset);
        for balance in balances {
            self.amount(balance);
        }
        if let Some((date, amount)) = unsettled {
            self.fold(day(date), 0);
            self.amount(amount);
        }
    }

    /// What was unsettled for a date is in hand.
    #[inline]
    pub(crate) fn settled(&mut self, account: AccountId, asset: Asset, date: Date, amount: Amount) {
        self.of_asset(Changed::Settled, account, asset);
        self.fold(day(date), 0);
        self.amount(amount);
    }

    /// What an account holds from now on. Its fees stand in its cash book.
    #[inline]
    pub(crate) fn holding(&mut self, account: AccountId, instrument: InstrumentId, holding: &Holding) {
        self.note(Changed::Holding, account.index.into(), instrument.index.into());
        self.quantity(holding.position);
        self.amount(holding.cost);
        self.amount(holding.realised);
    }

    /// What a portfolio is exposed to from now on.
    #[inline]
    pub(crate) fn exposure(&mut self, portfolio: PortfolioId, currency: Currency, exposure: &Exposure) {
        self.note(Changed::Exposure, portfolio.index.into(), currency.number());
        self.amount(exposure.positions);
        self.amount(exposure.open_orders);
    }

    /// A limit from now on; no value where it was lifted.
    pub(crate) fn limit(
        &mut self,
        whose: Actor,
        kind: LimitKind,
        currency: Option<Currency>,
        value: Option<Amount>,
    ) {
        let whose = match whose {
            Actor::Account(id) => u64::from(id.index),
            Actor::Portfolio(id) => 1 << 32 | u64::from(id.index),
        };
        self.note(Changed::Limit, whose, kind.number());
        self.fold(currency.map_or(0, Currency::number), value.is_some().into());
        self.amount(value.unwrap_or_default());
    }

    /// The price an instrument is valued at from now on.
    pub(crate) fn mark(&mut self, instrument: InstrumentId, price: Price) {
        self.note(Changed::Mark, instrument.index.into(), 0);
        self.amount(price.into());
    }

    /// What is known of the clocks from now on.
    pub(crate) fn clock(&mut self, what: u64, ns: i64) {
        self.note(Changed::Clock, what, ns.cast_unsigned());
    }

    /// What is asked for, or is a record now.
    pub(crate) fn ask(&mut self, changed: Changed, cause: CausedBy) {
        self.note(
            changed,
            cause.position.seq,
            u64::from(cause.position.shard.index) << 32 | u64::from(cause.index),
        );
    }

    /// A message that leaves: which request it is, on which session.
    #[inline]
    pub(crate) fn message(&mut self, message: &Outbound) {
        let (kind, id) = match message.kind {
            OutboundKind::NewOrderSingle { cl_ord_id, .. } => (1, cl_ord_id),
            OutboundKind::OrderCancelRequest { cl_ord_id, .. } => (2, cl_ord_id),
            OutboundKind::OrderCancelReplaceRequest { cl_ord_id, .. } => (3, cl_ord_id),
            OutboundKind::Sweep => (4, WireId::default()),
            OutboundKind::OrderStatusRequest { cl_ord_id, .. } => (5, cl_ord_id),
        };
        self.fold(Changed::Message as u64 | 1 << 63, kind << 16 | u64::from(message.session.index));
        self.id(id);
    }
}

/// The three axes of an order in one word.
#[inline]
fn axes(order: &Order) -> u64 {
    let pending = match order.pending.map(|pending| pending.kind) {
        None => 0,
        Some(PendingKind::Cancel) => 1,
        Some(PendingKind::Replace) => 2,
    };
    let certainty = match order.certainty {
        model::Certainty::Certain => 0,
        model::Certainty::InDoubt => 1,
    };
    u64::from(u32::from(order.status.fix_code())) | pending << 8 | certainty << 16
}

#[inline]
const fn day(date: Date) -> u64 {
    date.days.cast_unsigned() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands in journals: the same words lead to the same number for good.
    #[test]
    fn the_folding_is_fixed() {
        let mut changes = Fingerprint::default();
        changes.note(Changed::Halt, 3, 0);
        changes.amount("-12.50".parse().unwrap());
        changes.id(WireId { seq: 7, incarnation: 2, shard: 1 });
        assert_eq!(changes.get(), 0xe0d7_de81_e566_14ad, "{:#x}", changes.get());
    }

    #[test]
    fn order_and_number_of_words_count() {
        let of = |words: &[u64]| {
            let mut changes = Fingerprint::default();
            for word in words {
                changes.fold(*word, 0);
            }
            changes.get()
        };
        let all = [of(&[]), of(&[0]), of(&[0, 0]), of(&[1]), of(&[1, 2]), of(&[2, 1]), of(&[1, 2, 0])];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(one), "{at}: {all:?}");
        }
    }
}
