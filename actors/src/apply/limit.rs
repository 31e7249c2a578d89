//! `SetLimit`.

use model::{Actor, Amount, ClOrdId, Currency, Denial, DenyReason, Event, LimitKind};

use crate::{Core, Outcome};

pub(crate) fn apply(
    core: &mut Core,
    actor: Actor,
    kind: LimitKind,
    currency: Option<Currency>,
    value: Option<Amount>,
    out: &mut Outcome,
) {
    match apply_limit(core, actor, kind, currency, value) {
        Ok(()) => {
            core.changes.limit(actor, kind, currency, value);
            out.event(Event::Done);
        }
        Err(reason) => out.denied(ClOrdId::EMPTY, Denial { actual: value, ..Denial::of(reason) }),
    }
}

fn apply_limit(
    core: &mut Core,
    actor: Actor,
    kind: LimitKind,
    currency: Option<Currency>,
    value: Option<Amount>,
) -> Result<(), DenyReason> {
    match actor {
        Actor::Account(id) => {
            let account = core.accounts.get_mut(id.slot()).ok_or(DenyReason::UnknownAccount)?;
            let set = account.limits.set(kind, value.map(Amount::get));
            account.arm();
            if set { Ok(()) } else { Err(DenyReason::BadLimit) }
        }
        Actor::Portfolio(id) => {
            let portfolio = core.portfolios.get_mut(id.slot()).ok_or(DenyReason::UnknownPortfolio)?;
            let (LimitKind::MaxGrossExposure, Some(currency)) = (kind, currency) else {
                return Err(DenyReason::BadLimit);
            };
            match value {
                Some(limit) if limit.is_negative() => return Err(DenyReason::BadLimit),
                Some(limit) => portfolio.gross_limits.insert(currency, limit),
                None => drop(portfolio.gross_limits.remove(&currency)),
            }
            portfolio.arm();
            Ok(())
        }
    }
}
