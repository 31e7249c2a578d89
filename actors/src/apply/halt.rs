//! `Halt` and `Resume`: new orders and replaces stop; cancels and fills go on.

use model::{ClOrdId, Denial, DenyReason, Event, Scope};

use crate::fingerprint::Changed;
use crate::{Core, Outcome};

pub(crate) fn apply(core: &mut Core, scope: Scope, halted: bool, out: &mut Outcome) {
    match apply_flag(core, scope, halted) {
        Ok(()) => {
            let [kind, id] = numbers_of(scope);
            core.changes.note(Changed::Halt, kind << 1 | u64::from(halted), id);
            out.event(Event::HaltChanged { scope, halted });
        }
        Err(reason) => out.denied(ClOrdId::EMPTY, Denial::of(reason)),
    }
}

/// A scope as two numbers that stay.
fn numbers_of(scope: Scope) -> [u64; 2] {
    match scope {
        Scope::Firm => [1, 0],
        Scope::Portfolio(id) => [2, id.index.into()],
        Scope::Account(id) => [3, id.index.into()],
        Scope::Strategy(id, strategy) => [4, u64::from(id.index) << 16 | u64::from(strategy.index)],
        Scope::Instrument(id) => [5, id.index.into()],
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
