//! What the lab measures with and the budgets count with: one ready session, one portfolio, accounts with every limit set,
//! quoted instruments, orders that pass, and what a broker says of them.

mod feed;
mod orders;
mod reports;

use model::{
    AccountDefinition, AccountId, Actor, Amount, AssetClass, BrokerId, CashMove, CashMoveKind, Command,
    Currency, Decimal, FeeSchedule, Instrument, InstrumentId, LimitKind, Money, Name, PortfolioDefinition,
    PortfolioId, Price, Quote, Reference, SessionDefinition, SessionId, Symbol, TextError, Timestamp,
};

pub use feed::{Feed, START_NS, asked, opening};
pub use orders::Orders;
pub use reports::{acknowledged, ended, filled};

/// What makes a workload useless.
#[derive(Debug, thiserror::Error)]
pub enum WorkloadError {
    /// A name of it.
    #[error("a name of the workload {0}")]
    Name(#[from] TextError),
    /// A report was asked for about something else.
    #[error("what left is not an order")]
    NoOrder,
    /// A definition was not taken.
    #[error("the set-up was denied: {0}")]
    Denied(String),
}

/// The session that the orders go to.
pub const SESSION: SessionId = SessionId::new(0);
/// The portfolio of every account.
pub const PORTFOLIO: PortfolioId = PortfolioId::new(0);
/// How many accounts the orders go round over, where nothing else is said.
pub const ACCOUNTS: u32 = 16;
/// How many instruments they go round over.
pub const INSTRUMENTS: u32 = 10;
/// Hundredths as a price.
pub fn cents(cents: i64) -> Price {
    Price::new(Decimal::new(cents, 2))
}

/// Hundredths as an amount.
pub fn amount(cents: i64) -> Amount {
    Amount::new(Decimal::new(cents, 2))
}

/// The only currency.
pub fn usd() -> Result<Currency, WorkloadError> {
    Ok(Currency::new("USD")?)
}

/// The instrument with this index.
pub fn instrument(index: u32) -> Result<Instrument, WorkloadError> {
    Ok(Instrument {
        id: InstrumentId::new(index),
        symbol: Symbol::new(&format!("SYM{index}"))?,
        asset_class: AssetClass::Equity,
        currency: usd()?,
        tick: cents(1),
        lot: 1u32.into(),
        multiplier: 1u32.into(),
        settlement_days: 2,
    })
}

/// Basis points of the notional and a part for each share, as an equity broker charges.
pub fn fees() -> FeeSchedule {
    FeeSchedule { rate_bps: Amount::new(Decimal::new(15, 1)), per_unit: Amount::new(Decimal::new(5, 3)) }
}

/// Every limit there is, far enough away to let everything pass.
pub const ACCOUNT_LIMITS: [(LimitKind, i64); 6] = [
    (LimitKind::MaxOrderQuantity, 1_000_000),
    (LimitKind::MaxOrderNotional, 1_000_000_000),
    (LimitKind::PriceBandBps, 500),
    (LimitKind::MaxPosition, 1_000_000_000_000),
    // There is one quote, at the start.
    (LimitKind::MaxQuoteAgeMs, 86_400_000),
    (LimitKind::ShortSale, 0),
];

/// The account with this index.
pub fn account(index: u32) -> Result<AccountDefinition, WorkloadError> {
    Ok(AccountDefinition {
        id: AccountId::new(index),
        name: Name::new(&format!("ACC-{index}"))?,
        portfolio: PORTFOLIO,
        session: SESSION,
        fees: fees(),
    })
}

/// The opening deposit of an account, far beyond what a run reserves.
pub fn deposit(account: AccountId) -> Result<Command, WorkloadError> {
    let money = Money { amount: amount(100_000_000_000_000), currency: usd()? };
    let reference = Reference::new("opening")?;
    Ok(Command::MoveCash(CashMove { account, kind: CashMoveKind::Deposit, money, reference }))
}

/// What must be defined before `accounts` accounts can trade.
pub fn definitions(accounts: u32) -> Result<Vec<Command>, WorkloadError> {
    let session = SessionDefinition { id: SESSION, name: Name::new("BROKER")?, broker: BrokerId::new(0) };
    let portfolio = PortfolioDefinition { id: PORTFOLIO, name: Name::new("GROWTH")? };
    let mut commands = vec![Command::DefineSession(session), Command::DefinePortfolio(portfolio)];
    for index in 0..INSTRUMENTS {
        commands.push(Command::DefineInstrument(instrument(index)?));
    }
    commands.push(Command::SetLimit {
        actor: Actor::Portfolio(PORTFOLIO),
        kind: LimitKind::MaxGrossExposure,
        currency: Some(usd()?),
        value: Some(amount(1_000_000_000_000_000_000)),
    });
    for index in 0..accounts {
        let definition = account(index)?;
        commands.push(Command::DefineAccount(definition));
        for (kind, value) in ACCOUNT_LIMITS {
            let (actor, value) = (Actor::Account(definition.id), Some(amount(value * 100)));
            commands.push(Command::SetLimit { actor, kind, currency: None, value });
        }
        commands.push(deposit(definition.id)?);
    }
    Ok(commands)
}

/// Lifts every limit that arms a rule.
pub fn unlimited(accounts: u32) -> Result<Vec<Command>, WorkloadError> {
    let mut commands = vec![Command::SetLimit {
        actor: Actor::Portfolio(PORTFOLIO),
        kind: LimitKind::MaxGrossExposure,
        currency: Some(usd()?),
        value: None,
    }];
    for actor in (0..accounts).map(AccountId::new).map(Actor::Account) {
        let lifted = [LimitKind::MaxOrderQuantity, LimitKind::MaxOrderNotional, LimitKind::MaxPosition];
        let lift = |kind| Command::SetLimit { actor, kind, currency: None, value: None };
        commands.extend(lifted.map(lift));
        let (kind, value) = (LimitKind::ShortSale, Some(1u32.into()));
        commands.push(Command::SetLimit { actor, kind, currency: None, value });
    }
    Ok(commands)
}

/// A quote that every order here passes with.
pub fn quote(received: Timestamp) -> Quote {
    Quote {
        bid: cents(4850),
        bid_quantity: 100u32.into(),
        ask: cents(4852),
        ask_quantity: 100u32.into(),
        received,
    }
}
