//! The smallest firm that can trade: one portfolio, one account, one instrument, one session.
#![allow(dead_code, reason = "each example uses a part")]

use actors::{Asset, Core, Outcome, Stamp};
use model::{
    AccountDefinition, AccountId, AssetClass, BrokerId, CashMove, CashMoveKind, Command, Currency, ExecType,
    ExecutionReport, FeeSchedule, Incarnation, Input, Instrument, InstrumentId, Money, Name, NewOrder,
    OrdStatus, OrderType, Origin, PortfolioDefinition, PortfolioId, Position, Quote, Reference,
    SessionChange, SessionDefinition, SessionId, SessionState, ShardId, Side, Stamped, StrategyId, Symbol,
    Text, TimeInForce, Timestamp, WireId,
};

type Failure = Box<dyn std::error::Error>;

pub(crate) const ACCOUNT: AccountId = AccountId::new(1);
pub(crate) const PLENTY: &str = "100000";
const SESSION: SessionId = SessionId::new(1);
const ACME: InstrumentId = InstrumentId::new(1);

pub(crate) struct Firm {
    pub(crate) core: Core,
    pub(crate) now: Timestamp,
    pub(crate) currency: Currency,
    seq: u64,
}

impl Firm {
    /// Defines everything, pays in `cash` US dollars, and lets the session come up.
    pub(crate) fn open(cash: &str) -> Result<Self, Failure> {
        let currency = Currency::new("USD")?;
        // Friday, 2026-11-20, 14:00 UTC.
        let now = Timestamp::from_nanos(1_795_183_200_000_000_000);
        let mut firm = Self { core: Core::new(), now, currency, seq: 0 };
        firm.apply(Input::Opened {
            incarnation: Incarnation { count: 1 },
            logic_version: actors::LOGIC_VERSION,
            anchor: None,
        });
        let symbol = Symbol::new("ACME")?;
        let (tick, lot, multiplier) = ("0.01".parse()?, 1u32.into(), 1u32.into());
        let asset_class = AssetClass::Equity;
        for command in [
            Command::DefineInstrument(Instrument {
                id: ACME,
                symbol,
                asset_class,
                currency,
                tick,
                lot,
                multiplier,
                settlement_days: 1,
            }),
            Command::DefineSession(SessionDefinition {
                id: SESSION,
                name: Name::new("BROKER-1")?,
                broker: BrokerId::new(1),
            }),
            Command::DefinePortfolio(PortfolioDefinition {
                id: PortfolioId::new(1),
                name: Name::new("FUND")?,
            }),
            Command::DefineAccount(AccountDefinition {
                id: ACCOUNT,
                name: Name::new("ALPHA")?,
                portfolio: PortfolioId::new(1),
                session: SESSION,
                fees: FeeSchedule::FREE,
            }),
            Command::MoveCash(CashMove {
                account: ACCOUNT,
                kind: CashMoveKind::Deposit,
                money: Money { amount: cash.parse()?, currency },
                reference: Reference::new("opening")?,
            }),
        ] {
            firm.apply(Input::command(Origin::default(), Stamped::default(), command));
        }
        for state in [SessionState::Up, SessionState::Ready] {
            firm.apply(Input::Session(SessionChange { session: SESSION, state, unresolved: 0 }));
        }
        Ok(firm)
    }

    /// Stamps and applies one input, as a shard does after it journalled it.
    #[expect(clippy::needless_pass_by_value, reason = "inputs are made in place")]
    pub(crate) fn apply(&mut self, input: Input) -> Outcome {
        self.seq += 1;
        let stamp = Stamp { position: Position::new(ShardId::new(0), self.seq), time: self.now };
        let mut outcome = Outcome::default();
        self.core.apply(stamp, &input, &mut outcome);
        outcome
    }

    /// A limit order to buy, decided with a quote of 10.00 to 10.05.
    pub(crate) fn buy(&self, cl_ord_id: &str, quantity: &str, limit: &str) -> Result<Input, Failure> {
        let quote = Quote {
            bid: "10".parse()?,
            bid_quantity: 500u32.into(),
            ask: "10.05".parse()?,
            ask_quantity: 500u32.into(),
            received: self.now,
        };
        let order = NewOrder {
            account: ACCOUNT,
            strategy: StrategyId::new(0),
            cl_ord_id: Text::new(cl_ord_id)?,
            instrument: ACME,
            side: Side::Buy,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Day,
            quantity: quantity.parse()?,
            limit_price: Some(limit.parse()?),
        };
        Ok(Input::command(Origin::default(), Stamped::with(quote), Command::NewOrder(order)))
    }

    /// What the broker says of a buy order.
    pub(crate) fn report(
        &self,
        id: WireId,
        exec_type: ExecType,
        exec_id: &str,
        quantity: &str,
        price: &str,
        total: &str,
    ) -> Result<Input, Failure> {
        Ok(Input::ExecutionReport(ExecutionReport {
            session: SESSION,
            msg_seq_num: self.seq,
            poss_dup: false,
            cl_ord_id: Some(id),
            orig_cl_ord_id: None,
            broker_order_id: Text::EMPTY,
            exec_id: Text::new(exec_id)?,
            exec_type,
            ord_status: OrdStatus::New,
            symbol: Symbol::new("ACME")?,
            side: Side::Buy,
            last_quantity: quantity.parse()?,
            last_price: price.parse()?,
            cum_quantity: total.parse()?,
            leaves_quantity: 0u32.into(),
            commission: None,
            trade_date: None,
            settlement_date: None,
            reject_code: 0,
            text: Text::EMPTY,
        }))
    }

    /// Settled, reserved and available, for people.
    pub(crate) fn cash(&self) -> Result<String, Failure> {
        let account = self.core.account(ACCOUNT).ok_or("defined above")?;
        let book = account.ledger().book(Asset::Cash(self.currency)).ok_or("paid in above")?;
        let (settled, reserved, available) = (book.settled(), book.reserved(), book.available()?);
        Ok(format!("{settled} settled, {reserved} reserved, {available} available"))
    }
}
