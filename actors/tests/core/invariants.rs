//! What must hold after every input, whatever came in.

use std::collections::BTreeMap;

use actors::{Asset, Core, Outcome};
use model::{Amount, Certainty, Event, Input, InstrumentId, Quantity, Side};

/// A command is answered first; nothing sends more than the egress ring has room for.
pub(crate) fn of_outcome(input: &Input, outcome: &Outcome) {
    assert!(outcome.outbound.len() <= Outcome::MAX_OUTBOUND);
    if !matches!(input, Input::Command { .. }) {
        return;
    }
    let is_answer = |event: &Event| {
        matches!(
            event,
            Event::Done
                | Event::Denied { .. }
                | Event::OrderAccepted { .. }
                | Event::OrderExists { .. }
                | Event::RequestAccepted { .. }
                | Event::CashMoved { .. }
                | Event::CashMoveExists
                | Event::HaltChanged { .. }
                | Event::Released { .. }
                | Event::CancelsAsked { .. }
                | Event::AskRepeated { .. }
        )
    };
    assert!(outcome.events.first().is_some_and(is_answer), "{outcome:?}");
    assert_eq!(outcome.events.iter().filter(|event| is_answer(event)).count(), 1, "{outcome:?}");
}

/// Books balance; reservations, open quantities and exposure are the sums over what they stand for.
pub(crate) fn of_state(core: &Core) {
    counts(core);
    for account in core.accounts() {
        let mut reserved: BTreeMap<Asset, Amount> = BTreeMap::new();
        let mut open: BTreeMap<(InstrumentId, bool), Quantity> = BTreeMap::new();
        for order in core.open_orders(account.definition.id) {
            assert!(!order.is_finished());
            let currency = core.instrument(order.instrument).unwrap().definition.currency;
            let (asset, promised) = match order.side {
                Side::Buy => (Asset::Cash(currency), order.reservation.cash),
                Side::Sell => (Asset::Units(order.instrument), Amount::new(order.reservation.open.get())),
            };
            let sum = reserved.entry(asset).or_default();
            *sum = sum.plus(promised).unwrap();
            let sum = open.entry((order.instrument, order.side == Side::Buy)).or_default();
            *sum = sum.plus(order.reservation.open).unwrap();
        }
        for (asset, book) in account.ledger().books() {
            assert!(book.sum().unwrap().is_zero(), "{asset:?} {book:?}");
            assert!(book.available().is_ok());
            assert_eq!(book.reserved(), reserved.remove(asset).unwrap_or_default(), "{asset:?}");
        }
        assert!(reserved.values().all(|promised| promised.is_zero()));
        for (instrument, holding) in account.holdings() {
            let of = |buys| open.get(&(*instrument, buys)).copied().unwrap_or_default();
            assert_eq!((holding.open_buy, holding.open_sell), (of(true), of(false)));
            let owned = account.ledger().book(Asset::Units(*instrument)).map(|book| book.owned().unwrap());
            assert_eq!(owned.unwrap_or_default(), Amount::new(holding.position.get()));
        }
        for order in core.orders(account.definition.id).filter(actors::Order::is_finished) {
            assert!(order.reservation.open.is_zero() && order.reservation.cash.is_zero(), "{order:?}");
            assert!(order.reservation.notional.is_zero() && order.pending.is_none(), "{order:?}");
        }
    }
    of_exposure(core);
}

fn of_exposure(core: &Core) {
    for portfolio in core.portfolios() {
        let accounts = || core.accounts().filter(|a| a.definition.portfolio == portfolio.definition.id);
        let mut positions: BTreeMap<_, Amount> = BTreeMap::new();
        for book in core.instruments() {
            let id = book.definition.id;
            let gross = accounts()
                .fold(Quantity::ZERO, |sum, account| sum.plus(account.holding(id).position.abs()).unwrap());
            assert_eq!(portfolio.gross_units(id), gross);
            let value = match book.mark {
                Some(mark) => mark.notional(gross, book.definition.factor()).unwrap(),
                None => Amount::ZERO,
            };
            let sum = positions.entry(book.definition.currency).or_default();
            *sum = sum.plus(value).unwrap();
        }
        for (currency, exposure) in portfolio.exposures() {
            assert!(exposure.gross().is_ok());
            assert_eq!(exposure.positions, positions[currency]);
            let in_currency = |order: &actors::Order| {
                core.instrument(order.instrument).unwrap().definition.currency == *currency
            };
            let open = accounts()
                .flat_map(|account| core.open_orders(account.definition.id))
                .filter(in_currency)
                .fold(Amount::ZERO, |sum, order| sum.plus(order.reservation.notional).unwrap());
            assert_eq!(exposure.open_orders, open);
        }
    }
}

/// What is counted as it comes and goes is what there is.
fn counts(core: &Core) {
    let open = || core.accounts().flat_map(|account| core.open_orders(account.definition.id));
    assert_eq!(core.count_open_orders(), u64::try_from(open().count()).unwrap());
    for session in core.sessions().map(|session| session.definition.id) {
        let doubts = open().filter(|order| order.session == session && order.certainty == Certainty::InDoubt);
        assert_eq!(core.orders_in_doubt(session), u64::try_from(doubts.count()).unwrap());
    }
}
