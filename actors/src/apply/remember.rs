//! `Remember`: for how long identifiers are remembered.

use model::{ClOrdId, Denial, DenyReason, Event, Remember};

use crate::fact::Fact;
use crate::fingerprint::Changed;
use crate::{Core, Outcome};

/// A year, and its day: each identifier takes memory for so long.
const MOST_ORDER_DAYS: u16 = 366;
/// A month: whoever sends a payment again, does so within it.
const LEAST_CASH_DAYS: u16 = 30;
/// Ten years.
const MOST_CASH_DAYS: u16 = 3_660;

pub(crate) fn apply(core: &mut Core, remember: Remember, out: &mut Outcome) {
    let Remember { orders_days, cash_days } = remember;
    let bounds = [(orders_days, 1, MOST_ORDER_DAYS), (cash_days, LEAST_CASH_DAYS, MOST_CASH_DAYS)];
    for (days, least, most) in bounds {
        if days < least || days > most {
            let limit = if days < least { least } else { most };
            let denial =
                Denial::beyond(DenyReason::BadLimit, u32::from(limit).into(), u32::from(days).into());
            return out.denied(ClOrdId::EMPTY, denial);
        }
    }
    core.remembered.set_for_days(orders_days);
    core.tell(Fact::CashRemembered { days: cash_days });
    core.changes.note(Changed::Remember, orders_days.into(), cash_days.into());
    out.event(Event::Done);
}
