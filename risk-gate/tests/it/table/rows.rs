//! The rows of the table: for each rule and reason, facts that just pass and facts that just fail.

use model::DenyReason::{
    self, Arithmetic, AvailableCash, ClockSuspect, GrossExposure, Halted, NoFreshQuote, OrderNotional,
    OrderQuantity, PositionLimit, PriceBand, PriceMissing, PriceNotAllowed, PriceNotInTicks,
    PriceNotPositive, QuantityBelowFilled, QuantityNotInLots, QuantityNotPositive, SessionBacklogged,
    SessionNotReady, ShortSale,
};
use model::{Backlog, FeeSchedule, OrderType, Price, Quote, SessionState, Side};
use risk_gate::{Facts, Terms};

use super::n;

pub(crate) struct Row {
    pub(crate) rule: &'static str,
    pub(crate) reason: DenyReason,
    pub(crate) passes: fn(&mut Facts),
    pub(crate) fails: fn(&mut Facts),
    /// Limit and actual.
    pub(crate) numbers: Option<(&'static str, &'static str)>,
}

const fn row(
    rule: &'static str,
    reason: DenyReason,
    passes: fn(&mut Facts),
    fails: fn(&mut Facts),
    numbers: Option<(&'static str, &'static str)>,
) -> Row {
    Row { rule, reason, passes, fails, numbers }
}

fn quantity(case: &mut Facts, text: &str) {
    case.terms.quantity = n(text);
}

fn limit(case: &mut Facts, text: &str) {
    case.terms.limit_price = Some(n(text));
}

pub(crate) fn market(case: &mut Facts, side: Side) {
    case.terms = Terms { side, order_type: OrderType::Market, limit_price: None, ..case.terms };
}

pub(crate) fn sell(case: &mut Facts, position: &str) {
    case.terms.side = Side::Sell;
    case.position = n(position);
}

const LARGEST: &str = "79228162514264337593543950335";

/// In the order of [`RULES`], and of the reasons of each.
pub(crate) const TABLE: &[Row] = &[
    row("not_halted", Halted, |_| {}, |case| case.halted.firm = true, None),
    row("clock_trusted", ClockSuspect, |_| {}, |case| case.clock_suspect = true, None),
    row("session_ready", SessionNotReady, |_| {}, |case| case.session = SessionState::Up, None),
    row(
        "session_backlog",
        SessionBacklogged,
        |_| {},
        |case| case.backlog = Some(Backlog { waiting: 12_290, most: 12_288 }),
        Some(("12288", "12290")),
    ),
    row(
        "quantity_well_formed",
        QuantityNotPositive,
        |c| quantity(c, "1"),
        |c| quantity(c, "0"),
        Some(("0", "0")),
    ),
    row(
        "quantity_well_formed",
        QuantityNotPositive,
        |c| quantity(c, "1"),
        |c| quantity(c, "-1"),
        Some(("0", "-1")),
    ),
    row(
        "quantity_well_formed",
        QuantityNotInLots,
        |c| quantity(c, "1.0"),
        |c| quantity(c, "1.5"),
        Some(("1", "1.5")),
    ),
    row(
        "quantity_well_formed",
        QuantityBelowFilled,
        |c| c.filled = n("9"),
        |c| c.filled = n("10"),
        Some(("10", "10")),
    ),
    row(
        "quantity_well_formed",
        Arithmetic,
        |c| c.filled = n("0.5"),
        |c| {
            quantity(c, LARGEST);
            c.filled = n("0.5");
        },
        None,
    ),
    row("price_well_formed", PriceMissing, |_| {}, |c| c.terms.limit_price = None, None),
    row(
        "price_well_formed",
        PriceNotAllowed,
        |c| market(c, Side::Buy),
        |c| c.terms.order_type = OrderType::Market,
        None,
    ),
    row("price_well_formed", PriceNotPositive, |c| limit(c, "0.01"), |c| limit(c, "0"), Some(("0", "0"))),
    row(
        "price_well_formed",
        PriceNotInTicks,
        |c| limit(c, "99.99"),
        |c| limit(c, "99.995"),
        Some(("0.01", "99.995")),
    ),
    row(
        "order_quantity",
        OrderQuantity,
        |c| c.limits.max_order_quantity = Some(n("10")),
        |c| c.limits.max_order_quantity = Some(n("9.5")),
        Some(("9.5", "10")),
    ),
    row("fresh_quote", NoFreshQuote, |_| {}, |c| c.quote = None, None),
    row(
        "fresh_quote",
        NoFreshQuote,
        |c| c.now.nanos += 5_000_000_000,
        |c| c.now.nanos += 5_001_000_000,
        Some(("5000", "5001")),
    ),
    row(
        "fresh_quote",
        NoFreshQuote,
        |c| c.quote.as_mut().unwrap().bid = Price::ZERO,
        |c| *c.quote.as_mut().unwrap() = Quote { received: c.now, ..Quote::default() },
        None,
    ),
    row(
        "fresh_quote",
        NoFreshQuote,
        |c| {
            market(c, Side::Buy);
            c.quote.as_mut().unwrap().bid = Price::ZERO;
        },
        |c| {
            market(c, Side::Buy);
            c.quote.as_mut().unwrap().ask = Price::ZERO;
        },
        None,
    ),
    row(
        "fresh_quote",
        NoFreshQuote,
        |c| c.quote.as_mut().unwrap().bid = c.quote.unwrap().ask,
        |c| c.quote.as_mut().unwrap().bid = c.quote.unwrap().ask.plus(Price::from(1)).unwrap(),
        None,
    ),
    row("price_band", PriceBand, |c| limit(c, "111.1"), |c| limit(c, "111.11"), Some(("111.1", "111.11"))),
    row(
        "price_band",
        PriceBand,
        |c| {
            sell(c, "10");
            limit(c, "89.1");
        },
        |c| {
            sell(c, "10");
            limit(c, "89.09");
        },
        Some(("89.1", "89.09")),
    ),
    row(
        "price_band",
        Arithmetic,
        |c| c.limits.price_band_bps = 1,
        |c| {
            c.limits.price_band_bps = 1;
            let quote = c.quote.as_mut().unwrap();
            (quote.bid, quote.ask) = (Price::ZERO, n("1.000000000000000000000000001"));
        },
        None,
    ),
    row(
        "order_notional",
        OrderNotional,
        |c| c.limits.max_order_notional = Some(n("1000")),
        |c| c.limits.max_order_notional = Some(n("999.99")),
        Some(("999.99", "1000")),
    ),
    row(
        "order_notional",
        OrderNotional,
        |c| {
            c.filled = n("4");
            c.limits.max_order_notional = Some(n("1000"));
        },
        |c| {
            c.filled = n("4");
            c.limits.max_order_notional = Some(n("999"));
        },
        Some(("999", "1000")),
    ),
    row("order_notional", Arithmetic, |_| {}, |c| quantity(c, LARGEST), None),
    row(
        "position_limit",
        PositionLimit,
        |c| {
            (c.position, c.open_buy) = (n("5"), n("5"));
            c.limits.max_position = Some(n("20"));
        },
        |c| {
            (c.position, c.open_buy) = (n("5"), n("6"));
            c.limits.max_position = Some(n("20"));
        },
        Some(("20", "21")),
    ),
    row(
        "position_limit",
        PositionLimit,
        |c| {
            sell(c, "-5");
            c.limits.short_sale = true;
            (c.open_sell, c.limits.max_position) = (n("5"), Some(n("20")));
        },
        |c| {
            sell(c, "-6");
            c.limits.short_sale = true;
            (c.open_sell, c.limits.max_position) = (n("5"), Some(n("20")));
        },
        Some(("20", "-21")),
    ),
    row(
        "position_limit",
        Arithmetic,
        |c| c.limits.max_position = Some(n("20")),
        |c| {
            c.limits.max_position = Some(n("20"));
            (c.position, c.open_buy) = (n(LARGEST), n("0.5"));
        },
        None,
    ),
    row("short_sale", ShortSale, |c| sell(c, "10"), |c| sell(c, "9"), Some(("9", "10"))),
    row(
        "short_sale",
        ShortSale,
        |c| {
            sell(c, "15");
            c.open_sell = n("5");
        },
        |c| {
            sell(c, "15");
            c.open_sell = n("16");
        },
        Some(("0", "10")),
    ),
    row(
        "short_sale",
        Arithmetic,
        |c| sell(c, LARGEST),
        |c| {
            sell(c, LARGEST);
            c.open_sell = n("0.5");
        },
        None,
    ),
    row(
        "available_cash",
        AvailableCash,
        |c| c.available_cash = n("1000"),
        |c| c.available_cash = n("999.9999"),
        Some(("999.9999", "1000")),
    ),
    row(
        "available_cash",
        AvailableCash,
        |c| {
            c.fees = FeeSchedule { rate_bps: n("1"), per_unit: n("0.005") };
            c.available_cash = n("1000.15");
        },
        |c| {
            c.fees = FeeSchedule { rate_bps: n("1"), per_unit: n("0.005") };
            c.available_cash = n("1000.1499");
        },
        Some(("1000.1499", "1000.15")),
    ),
    row(
        "available_cash",
        AvailableCash,
        |c| {
            market(c, Side::Buy);
            c.available_cash = n("1111");
        },
        |c| {
            market(c, Side::Buy);
            c.available_cash = n("1110.99");
        },
        Some(("1110.99", "1111")),
    ),
    row(
        "gross_exposure",
        GrossExposure,
        |c| (c.gross_exposure, c.max_gross_exposure) = (n("500"), Some(n("1500"))),
        |c| (c.gross_exposure, c.max_gross_exposure) = (n("500.01"), Some(n("1500"))),
        Some(("1500", "1500.01")),
    ),
    row(
        "gross_exposure",
        GrossExposure,
        |c| {
            sell(c, "10");
            (c.gross_exposure, c.max_gross_exposure) = (n("1500"), Some(n("1500")));
        },
        |c| {
            sell(c, "9");
            c.limits.short_sale = true;
            (c.gross_exposure, c.max_gross_exposure) = (n("1500"), Some(n("1500")));
        },
        Some(("1500", "2500")),
    ),
    row(
        "gross_exposure",
        GrossExposure,
        |c| {
            (c.position, c.open_buy) = (n("-15"), n("5"));
            (c.gross_exposure, c.max_gross_exposure) = (n("1500"), Some(n("1500")));
        },
        |c| {
            (c.position, c.open_buy) = (n("-15"), n("6"));
            (c.gross_exposure, c.max_gross_exposure) = (n("1500"), Some(n("1500")));
        },
        Some(("1500", "2500")),
    ),
    row(
        "gross_exposure",
        Arithmetic,
        |c| c.max_gross_exposure = Some(n(LARGEST)),
        |c| {
            limit(c, "100.01");
            (c.gross_exposure, c.max_gross_exposure) = (n(LARGEST), Some(n(LARGEST)));
        },
        None,
    ),
];
