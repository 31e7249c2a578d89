//! Definitions: what exists. Ids are for good; what would change the past is refused.

use model::{
    AccountDefinition, ClOrdId, Denial, DenyReason, Event, Instrument, PortfolioDefinition,
    SessionDefinition, SessionState,
};

use crate::fact::Fact;
use crate::fingerprint::Changed;
use crate::{Account, Core, InstrumentBook, Outcome, Portfolio, SessionBook};

/// What is defined: its kind, as a number that stays, and which one.
#[derive(Clone, Copy)]
enum Defined {
    Instrument(u32),
    Portfolio(u32),
    Account(u32),
    Session(u16),
}

fn answer(core: &mut Core, defined: Defined, result: Result<(), DenyReason>, out: &mut Outcome) {
    match result {
        Ok(()) => {
            let (kind, id) = match defined {
                Defined::Instrument(id) => (1, id),
                Defined::Portfolio(id) => (2, id),
                Defined::Account(id) => (3, id),
                Defined::Session(id) => (4, id.into()),
            };
            core.changes.note(Changed::Definition, kind, id.into());
            core.tell(Fact::Defined);
            out.event(Event::Done);
        }
        Err(reason) => out.denied(ClOrdId::EMPTY, Denial::of(reason)),
    }
}

fn stored(inserted: bool) -> Result<(), DenyReason> {
    if inserted { Ok(()) } else { Err(DenyReason::BadDefinition) }
}

pub(crate) fn instrument(core: &mut Core, definition: &Instrument, out: &mut Outcome) {
    let defined = define_instrument(core, definition);
    answer(core, Defined::Instrument(definition.id.index), defined, out);
}

/// Currency and multiplier are part of every booked trade, the symbol of what brokers report.
fn define_instrument(core: &mut Core, definition: &Instrument) -> Result<(), DenyReason> {
    definition.check().map_err(|_| DenyReason::BadDefinition)?;
    let taken = core
        .instruments()
        .any(|book| book.definition.symbol == definition.symbol && book.definition.id != definition.id);
    let slot = definition.id.slot();
    let changes_past = core.instruments.get(slot).is_some_and(|book| {
        book.definition.currency != definition.currency
            || book.definition.multiplier != definition.multiplier
            || book.definition.symbol != definition.symbol
    });
    if taken || changes_past || definition.symbol.is_empty() {
        return Err(DenyReason::BadDefinition);
    }
    if let Some(book) = core.instruments.get_mut(slot) {
        book.definition = *definition;
        return Ok(());
    }
    let book = InstrumentBook { definition: *definition, halted: false, set_aside: false, mark: None };
    stored(core.instruments.insert(slot, book))
}

pub(crate) fn portfolio(core: &mut Core, definition: &PortfolioDefinition, out: &mut Outcome) {
    let defined = define_portfolio(core, definition);
    answer(core, Defined::Portfolio(definition.id.index), defined, out);
}

fn define_portfolio(core: &mut Core, definition: &PortfolioDefinition) -> Result<(), DenyReason> {
    let taken = core.portfolios().any(|portfolio| {
        portfolio.definition.name == definition.name && portfolio.definition.id != definition.id
    });
    if taken || definition.name.is_empty() {
        return Err(DenyReason::BadDefinition);
    }
    let slot = definition.id.slot();
    if let Some(portfolio) = core.portfolios.get_mut(slot) {
        portfolio.definition = *definition;
        return Ok(());
    }
    stored(core.portfolios.insert(slot, Portfolio::new(*definition)))
}

pub(crate) fn account(core: &mut Core, definition: &AccountDefinition, out: &mut Outcome) {
    let defined = define_account(core, definition);
    answer(core, Defined::Account(definition.id.index), defined, out);
}

/// The portfolio of an account never changes: its exposure would have to move with it.
fn define_account(core: &mut Core, definition: &AccountDefinition) -> Result<(), DenyReason> {
    core.portfolio(definition.portfolio).ok_or(DenyReason::UnknownPortfolio)?;
    core.session(definition.session).ok_or(DenyReason::UnknownSession)?;
    let fees = &definition.fees;
    let taken =
        core.account_named(&definition.name).is_some_and(|account| account.definition.id != definition.id);
    let bad =
        taken || definition.name.is_empty() || fees.rate_bps.is_negative() || fees.per_unit.is_negative();
    if bad {
        return Err(DenyReason::BadDefinition);
    }
    let slot = definition.id.slot();
    match core.accounts.get_mut(slot) {
        Some(account) if account.definition.portfolio != definition.portfolio => {
            Err(DenyReason::BadDefinition)
        }
        Some(account) => {
            core.account_names.remove(&account.definition.name);
            account.definition = *definition;
            core.account_names.insert(definition.name, definition.id);
            Ok(())
        }
        None => {
            stored(core.accounts.insert(slot, Account::new(*definition)))?;
            core.account_names.insert(definition.name, definition.id);
            Ok(())
        }
    }
}

pub(crate) fn session(core: &mut Core, definition: &SessionDefinition, out: &mut Outcome) {
    let defined = define_session(core, definition);
    answer(core, Defined::Session(definition.id.index), defined, out);
}

/// The broker of a session never changes: its ExecIDs are unique for a broker.
fn define_session(core: &mut Core, definition: &SessionDefinition) -> Result<(), DenyReason> {
    let taken = core
        .sessions()
        .any(|session| session.definition.name == definition.name && session.definition.id != definition.id);
    if taken || definition.name.is_empty() {
        return Err(DenyReason::BadDefinition);
    }
    let slot = definition.id.slot();
    match core.sessions.get_mut(slot) {
        Some(book) if book.definition.broker != definition.broker => Err(DenyReason::BadDefinition),
        Some(book) => {
            book.definition = *definition;
            Ok(())
        }
        None => {
            let book =
                SessionBook { definition: *definition, state: SessionState::Down, inbound_high_water: 0 };
            stored(core.sessions.insert(slot, book))
        }
    }
}
