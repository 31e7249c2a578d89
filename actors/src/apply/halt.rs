//! `Halt` and `Resume`: new orders and replaces stop; cancels and fills go on.

use model::{ClOrdId, Denial, DenyReason, Event, Scope};

use crate::{Core, Outcome};

pub(crate) fn apply(core: &mut Core, scope: Scope, halted: bool, out: &mut Outcome) {
    match apply_flag(core, scope, halted) {
        Ok(()) => out.event(Event::HaltChanged { scope, halted }),
        Err(reason) => out.denied(ClOrdId::EMPTY, Denial::of(reason)),
    }
}

fn apply_flag(core: &mut Core, scope: Scope, halted: bool) -> Result<(), DenyReason> {
    match scope {
        Scope::Firm => core.firm_halted = halted,
        Scope::Portfolio(id) => {
            core.portfolios.get_mut(id.slot()).ok_or(DenyReason::UnknownPortfolio)?.halted = halted;
        }
        Scope::Account(id) => {
            core.accounts.get_mut(id.slot()).ok_or(DenyReason::UnknownAccount)?.halted = halted;
        }
        Scope::Strategy(id, strategy) => {
            let portfolio = core.portfolios.get_mut(id.slot()).ok_or(DenyReason::UnknownPortfolio)?;
            if halted {
                portfolio.halted_strategies.insert(strategy);
            } else {
                portfolio.halted_strategies.remove(&strategy);
            }
        }
        Scope::Instrument(id) => {
            core.instruments.get_mut(id.slot()).ok_or(DenyReason::UnknownInstrument)?.halted = halted;
        }
    }
    Ok(())
}
