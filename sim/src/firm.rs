//! The firm: two accounts of one fund, strategies that ask for anything, and operators who mistype. As the twin of the
//! core's own tests knows it: ALPHA without fees or short sales, BETA with both.

use model::{
    AccountDefinition, AccountId, Actor, AssetClass, BrokerId, CancelAll, CancelOrder, CashMove,
    CashMoveKind, ClOrdId, Command, Currency, Decimal, FeeSchedule, Instrument, InstrumentId, LimitKind,
    Money, Name, NewOrder, OrderId, OrderType, PortfolioDefinition, PortfolioId, Price, Quantity, Quote,
    Reference, Remember, ReplaceOrder, Scope, SessionDefinition, SessionId, Side, StrategyId, Symbol,
    TimeInForce, Timestamp,
};

use crate::dice::Dice;

pub(crate) const SESSION: SessionId = SessionId::new(1);
pub(crate) const FUND: PortfolioId = PortfolioId::new(1);
/// An order of this name breaks an invariant, in histories in which that sets its account aside.
pub(crate) const SETS_ASIDE: &str = "sets-aside";
const NAMES: [&str; 2] = ["ALPHA", "BETA"];

/// 1 is US dollars, 2 euros: as the instruments.
#[expect(clippy::expect_used, reason = "both are codes of three letters")]
pub(crate) fn currency(index: u32) -> Currency {
    Currency::new(if index == 1 { "USD" } else { "EUR" }).expect("a currency code")
}

fn number(mantissa: i64, places: u32) -> Decimal {
    Decimal::new(mantissa, places)
}

fn instrument(index: u32) -> Instrument {
    let dollars = index == 1;
    Instrument {
        id: InstrumentId::new(index),
        symbol: Symbol::cut(if dollars { "ACME" } else { "EURO" }),
        asset_class: AssetClass::Equity,
        currency: currency(index),
        tick: Price::new(if dollars { number(1, 2) } else { number(5, 3) }),
        lot: Quantity::new(if dollars { number(1, 0) } else { number(1, 2) }),
        multiplier: Quantity::new(number(if dollars { 1 } else { 10 }, 0)),
        settlement_days: if dollars { 1 } else { 2 },
    }
}

fn account(index: u32) -> AccountDefinition {
    let fees = if index == 1 {
        FeeSchedule::FREE
    } else {
        FeeSchedule {
            rate_bps: model::Amount::new(number(10, 0)),
            per_unit: model::Amount::new(number(5, 3)),
        }
    };
    AccountDefinition {
        id: AccountId::new(index),
        name: Name::cut(NAMES.get(index as usize - 1).copied().unwrap_or_default()),
        portfolio: FUND,
        session: SESSION,
        fees,
    }
}

fn limit(actor: Actor, kind: LimitKind, currency: Option<Currency>, value: i64) -> Command {
    Command::SetLimit { actor, kind, currency, value: Some(model::Amount::new(number(value, 0))) }
}

fn cash(account: u32, kind: CashMoveKind, currency_index: u32, cents: i64, reference: &str) -> Command {
    let money = Money { amount: model::Amount::new(number(cents, 2)), currency: currency(currency_index) };
    let account = AccountId::new(account);
    Command::MoveCash(CashMove { account, kind, money, reference: Reference::cut(reference) })
}

/// Everything that must be there before anybody trades. The core takes it again without harm.
pub(crate) fn definitions() -> Vec<Command> {
    let mut commands = vec![
        Command::DefineInstrument(instrument(1)),
        Command::DefineInstrument(instrument(2)),
        Command::DefineSession(SessionDefinition {
            id: SESSION,
            name: Name::cut("S1"),
            broker: BrokerId::new(1),
        }),
        Command::DefinePortfolio(PortfolioDefinition { id: FUND, name: Name::cut("FUND") }),
    ];
    for index in 1..3 {
        commands.push(Command::DefineAccount(account(index)));
        for money in 1..3 {
            commands.push(cash(index, CashMoveKind::Deposit, money, 10_000_000, &format!("opening-{money}")));
        }
    }
    commands.push(Command::Remember(Remember { orders_days: 4, cash_days: 30 }));
    commands.push(limit(Actor::Account(AccountId::new(1)), LimitKind::MaxPosition, None, 400));
    commands.push(limit(Actor::Account(AccountId::new(2)), LimitKind::ShortSale, None, 1));
    commands.push(limit(Actor::Portfolio(FUND), LimitKind::MaxGrossExposure, Some(currency(1)), 60_000));
    commands
}

/// 10, and this many hundredths more.
fn near(hundredths: i64) -> Price {
    Price::new(number(1_000 + hundredths, 2))
}

/// The market moves a little.
pub(crate) fn quote(dice: &mut Dice) -> (InstrumentId, Quote) {
    let bid = i64::try_from(dice.below(20)).unwrap_or(0) - 10;
    let size = Quantity::from(100u32);
    let quote = Quote {
        bid: near(bid),
        bid_quantity: size,
        ask: near(bid + 2),
        ask_quantity: size,
        received: Timestamp::default(),
    };
    (InstrumentId::new(u32::from(dice.once_in(2)) + 1), quote)
}

/// The strategies, and those who move cash and halt things.
#[derive(Debug, Default)]
pub(crate) struct Firm {
    submitted: Vec<NewOrder>,
    moved: Vec<Command>,
    /// Orders of which they were told.
    pub(crate) known: Vec<(OrderId, NewOrder)>,
    count: u64,
}

impl Firm {
    /// What somebody asks for next.
    pub(crate) fn command(&mut self, dice: &mut Dice) -> Command {
        self.count += 1;
        match dice.below(100) {
            0..45 => self.new_order(dice),
            45..50 => self.submit_again(dice),
            50..64 => self.cancel(dice),
            64..80 => self.replace(dice),
            80..88 => self.move_cash(dice),
            _ => Self::operate(dice),
        }
    }

    /// An order that breaks an invariant, whoever else trades.
    pub(crate) fn breaking_order(dice: &mut Dice) -> Command {
        Command::NewOrder(NewOrder {
            account: AccountId::new(u32::from(dice.once_in(2)) + 1),
            strategy: StrategyId::new(0),
            cl_ord_id: ClOrdId::cut(SETS_ASIDE),
            instrument: InstrumentId::new(1),
            side: Side::Buy,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Day,
            quantity: Quantity::from(1u32),
            limit_price: Some(near(0)),
        })
    }

    fn new_order(&mut self, dice: &mut Dice) -> Command {
        let index = u32::from(dice.once_in(3)) + 1;
        let market = dice.once_in(6);
        let offset = i64::try_from(dice.below(60)).unwrap_or(0) - 30;
        let lots = i64::try_from(dice.between(1, 150)).unwrap_or(1);
        let mut order = NewOrder {
            account: AccountId::new(u32::from(dice.once_in(2)) + 1),
            strategy: StrategyId::new(u16::from(dice.once_in(2))),
            cl_ord_id: ClOrdId::cut(&format!("o{}", self.count)),
            instrument: InstrumentId::new(index),
            side: if dice.once_in(3) { Side::Sell } else { Side::Buy },
            order_type: if market { OrderType::Market } else { OrderType::Limit },
            time_in_force: *dice.pick(TimeInForce::ALL).unwrap_or(&TimeInForce::Day),
            quantity: Quantity::new(number(lots, if index == 1 { 0 } else { 2 })),
            limit_price: (!market).then(|| near(offset)),
        };
        if dice.once_in(8) {
            spoil(&mut order, dice);
        }
        self.submitted.push(order);
        Command::NewOrder(order)
    }

    /// The same again, as after a lost answer; or the same identifier for something else.
    fn submit_again(&mut self, dice: &mut Dice) -> Command {
        let Some(mut order) = dice.pick(&self.submitted).copied() else { return self.new_order(dice) };
        if dice.once_in(3) {
            order.quantity = Quantity::from(7u32);
        }
        Command::NewOrder(order)
    }

    fn cancel(&self, dice: &mut Dice) -> Command {
        let Some((id, order)) = dice.pick(&self.known) else { return unknown_cancel() };
        let by_id = dice.once_in(2);
        Command::CancelOrder(CancelOrder {
            account: order.account,
            order: by_id.then_some(*id),
            cl_ord_id: order.cl_ord_id,
        })
    }

    fn replace(&self, dice: &mut Dice) -> Command {
        // Mostly a recent one: those still work.
        let recent = self.known.len().saturating_sub(12);
        let Some((id, order)) = dice.pick(self.known.get(recent..).unwrap_or_default()) else {
            return unknown_cancel();
        };
        let lots = i64::try_from(dice.below(180)).unwrap_or(0);
        let offset = i64::try_from(dice.below(60)).unwrap_or(0) - 30;
        Command::ReplaceOrder(ReplaceOrder {
            account: order.account,
            order: Some(*id),
            cl_ord_id: order.cl_ord_id,
            quantity: Quantity::new(number(lots, if order.instrument.index == 1 { 0 } else { 2 })),
            limit_price: order.limit_price.map(|_| near(offset)),
        })
    }

    fn move_cash(&mut self, dice: &mut Dice) -> Command {
        if dice.once_in(4)
            && let Some(again) = dice.pick(&self.moved)
        {
            return *again;
        }
        let kind = if dice.once_in(2) { CashMoveKind::Deposit } else { CashMoveKind::Withdrawal };
        let most = if dice.once_in(5) { 900_000_000 } else { 500_000 };
        let cents = i64::try_from(dice.below(most)).unwrap_or(0);
        let account = u32::from(dice.once_in(2)) + 1;
        let money = u32::from(dice.once_in(3)) + 1;
        let moved = cash(account, kind, money, cents, &format!("m{}", self.count));
        self.moved.push(moved);
        moved
    }

    /// An operator; some of it makes no sense.
    fn operate(dice: &mut Dice) -> Command {
        let account = Actor::Account(AccountId::new(u32::from(dice.once_in(2)) + 1));
        let value = i64::try_from(dice.below(2_000)).unwrap_or(0);
        match dice.below(13) {
            12 => cancel_all(dice),
            0 => Command::Halt(Scope::Firm),
            1..5 => Command::Resume(Scope::Firm),
            5 => limit(account, LimitKind::MaxOrderQuantity, None, 50 + value),
            6 => limit(account, LimitKind::MaxOrderNotional, None, 500 + value),
            7 => limit(account, LimitKind::PriceBandBps, None, 20_000 + value),
            8 => Command::Halt(Scope::Account(AccountId::new(99))),
            9 => Command::DefineAccount(AccountDefinition {
                portfolio: PortfolioId::new(77),
                ..self::account(1)
            }),
            10 => Command::DefineInstrument(instrument(u32::from(dice.once_in(2)) + 1)),
            _ => limit(account, LimitKind::MaxQuoteAgeMs, None, 3_000 + value),
        }
    }
}

/// Everything, what one account has open, or what an account has that nobody knows.
fn cancel_all(dice: &mut Dice) -> Command {
    let scope = match dice.below(4) {
        0 => Scope::Firm,
        1 => Scope::Account(AccountId::new(9)),
        account => Scope::Account(AccountId::new(u32::try_from(account).unwrap_or(1) - 1)),
    };
    Command::CancelAll(CancelAll { scope, shards: 0 })
}

fn unknown_cancel() -> Command {
    let cl_ord_id = ClOrdId::cut("nobody's");
    Command::CancelOrder(CancelOrder { account: AccountId::new(1), order: None, cl_ord_id })
}

/// What is mistyped, or meant badly.
fn spoil(order: &mut NewOrder, dice: &mut Dice) {
    match dice.below(10) {
        0 => order.quantity = Quantity::ZERO,
        1 => order.quantity = order.quantity.negated(),
        2 => order.quantity = Quantity::new(number(1_005, 3)),
        3 => order.limit_price = Some(Price::new(number(10_001, 3))),
        4 => order.limit_price = order.limit_price.is_none().then(|| near(0)),
        5 => order.account = AccountId::new(9),
        6 => order.instrument = InstrumentId::new(9),
        7 => order.cl_ord_id = ClOrdId::EMPTY,
        8 => order.quantity = Quantity::new(number(1_000_000_000_000, 0)),
        _ => order.limit_price = Some(near(5_000)),
    }
}
