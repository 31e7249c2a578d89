//! `Broken` and `Release`: who is set aside after a broken invariant, and comes back.

use model::{
    AccountId, Actor, AlertKind, Aside, Broken, CancelAll, ClOrdId, Command, Denial, DenyReason, Event,
    Input, InstrumentId, OrderId, Scope, WireId,
};

use crate::apply::asks;
use crate::fact::Fact;
use crate::fingerprint::Changed;
use crate::{Account, Core, Outcome, Stamp};

/// The input that it names had no effect, but for this: what asked for it does not ask again.
#[inline(never)]
pub(crate) fn apply(core: &mut Core, stamp: Stamp, broken: &Broken, out: &mut Outcome) {
    if let Some(cause) = broken.cause {
        asks::end(core, stamp, cause);
    }
    set(core, broken.aside, true);
    core.broken.retain(|known| known.aside != broken.aside);
    core.broken.push(*broken);
    out.event(Event::SetAside { broken: *broken });
    out.alert(AlertKind::SetAside, None, None, None);
}

/// An operator has looked at it.
pub(crate) fn release(core: &mut Core, aside: Aside, out: &mut Outcome) {
    if let Some(reason) = unknown(core, aside) {
        return out.denied(ClOrdId::EMPTY, Denial::of(reason));
    }
    set(core, aside, false);
    core.broken.retain(|known| known.aside != aside);
    core.tell(Fact::Released);
    out.event(Event::Released { aside });
}

fn unknown(core: &Core, aside: Aside) -> Option<DenyReason> {
    match aside {
        Aside::Account(id) => core.account(id).is_none().then_some(DenyReason::UnknownAccount),
        Aside::Portfolio(id) => core.portfolio(id).is_none().then_some(DenyReason::UnknownPortfolio),
        Aside::Instrument(id) => core.instrument(id).is_none().then_some(DenyReason::UnknownInstrument),
        Aside::Ticks | Aside::Firm => None,
    }
}

/// What failed for one who is not there, or for all, is the firm's.
fn set(core: &mut Core, aside: Aside, set_aside: bool) {
    let known = match aside {
        Aside::Account(id) => core.accounts.get_mut(id.slot()).map(|account| &mut account.set_aside),
        Aside::Portfolio(id) => core.portfolios.get_mut(id.slot()).map(|portfolio| &mut portfolio.set_aside),
        Aside::Instrument(id) => core.instruments.get_mut(id.slot()).map(|book| &mut book.set_aside),
        Aside::Ticks => Some(&mut core.ticks_set_aside),
        Aside::Firm => None,
    };
    *known.unwrap_or(&mut core.firm_halted) = set_aside;
    let (kind, id) = match aside {
        Aside::Account(id) => (1, id.index.into()),
        Aside::Portfolio(id) => (2, id.index.into()),
        Aside::Instrument(id) => (3, id.index.into()),
        Aside::Ticks => (4, 0),
        Aside::Firm => (5, 0),
    };
    core.changes.note(Changed::SetAside, kind << 1 | u64::from(set_aside), id);
}

impl Core {
    /// Whom an input is about that could not be applied: who is set aside for it.
    pub fn concerned(&self, input: &Input) -> Aside {
        let of_account = |id: AccountId| self.account(id).map_or(Aside::Firm, |_| Aside::Account(id));
        let of_order = |ids: &[Option<OrderId>]| {
            let mut routes = ids.iter().flatten().filter_map(|id: &WireId| self.route(*id));
            routes.next().map_or(Aside::Firm, |route| of_account(route.account))
        };
        match input {
            Input::Command { command, .. } => self.concerned_by(command),
            Input::ExecutionReport(report) => of_order(&[report.cl_ord_id, report.orig_cl_ord_id]),
            Input::CancelReject(reject) => of_order(&[reject.cl_ord_id, reject.orig_cl_ord_id]),
            Input::MessageReject(reject) => of_order(&[reject.refused]),
            Input::Quarantined(message) => of_order(&[message.cl_ord_id]),
            Input::Evidence(evidence) => of_order(&[Some(evidence.request)]),
            Input::Mark { instrument, .. } => Aside::Instrument(*instrument),
            Input::Tick => self.at_work.map_or(Aside::Ticks, Aside::Account),
            Input::Opened { .. }
            | Input::Session(_)
            | Input::AsksTaken { .. }
            | Input::Broken(_)
            | Input::ClockJumped(_)
            | Input::ClockAnchored(_) => Aside::Firm,
        }
    }

    fn concerned_by(&self, command: &Command) -> Aside {
        let of_account = |id: AccountId| self.account(id).map_or(Aside::Firm, |_| Aside::Account(id));
        match command {
            Command::NewOrder(order) => of_account(order.account),
            Command::CancelOrder(cancel) => of_account(cancel.account),
            Command::ReplaceOrder(replace) => of_account(replace.account),
            Command::MoveCash(cash) => of_account(cash.account),
            Command::SetLimit { actor: Actor::Account(id), .. }
            | Command::Halt(Scope::Account(id))
            | Command::Resume(Scope::Account(id))
            | Command::CancelAll(CancelAll { scope: Scope::Account(id), .. })
            | Command::Release(Aside::Account(id)) => of_account(*id),
            Command::SetLimit { actor: Actor::Portfolio(id), .. }
            | Command::Halt(Scope::Portfolio(id) | Scope::Strategy(id, _))
            | Command::Resume(Scope::Portfolio(id) | Scope::Strategy(id, _))
            | Command::CancelAll(CancelAll {
                scope: Scope::Portfolio(id) | Scope::Strategy(id, _), ..
            })
            | Command::Release(Aside::Portfolio(id)) => Aside::Portfolio(*id),
            Command::Halt(Scope::Instrument(id))
            | Command::Resume(Scope::Instrument(id))
            | Command::CancelAll(CancelAll { scope: Scope::Instrument(id), .. })
            | Command::Release(Aside::Instrument(id)) => Aside::Instrument(*id),
            Command::DefineInstrument(instrument) => Aside::Instrument(instrument.id),
            Command::DefinePortfolio(portfolio) => Aside::Portfolio(portfolio.id),
            Command::DefineStrategy(strategy) => Aside::Portfolio(strategy.portfolio),
            Command::DefineAccount(account) => of_account(account.id),
            Command::Release(Aside::Ticks) => Aside::Ticks,
            Command::Halt(Scope::Firm)
            | Command::Resume(Scope::Firm)
            | Command::CancelAll(CancelAll { scope: Scope::Firm, .. })
            | Command::DefineSession(_)
            | Command::AcceptClock(_)
            | Command::DefineBroker(_)
            | Command::Remember(_)
            | Command::Release(Aside::Firm) => Aside::Firm,
        }
    }

    /// True where the account, its portfolio or that instrument is set aside.
    pub(crate) fn is_set_aside(&self, account: &Account, instrument: Option<InstrumentId>) -> bool {
        let portfolio = self.portfolio(account.definition.portfolio);
        let instrument = instrument.and_then(|id| self.instrument(id));
        account.set_aside
            || portfolio.is_some_and(|portfolio| portfolio.set_aside)
            || instrument.is_some_and(|book| book.set_aside)
    }

    /// What broke, of whom is still set aside.
    pub fn broken(&self) -> &[Broken] {
        &self.broken
    }
}
