//! What was finished long ago is retired, a few orders at each tick.

use model::Date;

use crate::fingerprint::Changed;
use crate::store::key::key_of;
use crate::{Core, Order};

/// A finished order stays for the rest of its last day (UTC) and this many days more: for questions, and for what a
/// broker says late. Then it is retired, and its ClOrdID may be used again; FIX asks for uniqueness within a day.
const KEPT_DAYS: i32 = 1;
/// Orders that one tick retires: so that the end of a day takes no order's way for long. The next tick goes on.
const RETIRED_AT_ONCE: usize = 256;

/// Identifiers that one tick forgets.
const FORGOTTEN_AT_ONCE: usize = 1024;

pub(crate) fn apply(core: &mut Core, today: Date) {
    for _ in 0..RETIRED_AT_ONCE {
        let due = core.orders.first_finished().filter(|order| retires_on(order) <= today);
        let Some(order) = due else { break };
        if let Some(retired) = core.orders.retire_first() {
            core.changes.note(Changed::Retired, retired.seq, 0);
            remember(core, &order);
        }
    }
    for _ in 0..FORGOTTEN_AT_ONCE {
        if core.remembered.next_forgotten().is_none_or(|date| date > today) {
            break;
        }
        if let Some(key) = core.remembered.forget_first() {
            core.changes.note(Changed::Forgotten, key, 0);
        }
    }
}

/// Where the firm refuses identifiers for longer than it keeps orders.
fn remember(core: &mut Core, order: &Order) {
    if i32::from(core.remembered.for_days()) > KEPT_DAYS {
        let (key, day) = (key_of(order.account.index, order.cl_ord_id.as_str()), order.updated.date());
        core.remembered.add(key, day);
        core.changes.note(Changed::Remembered, key, u64::from(day.days.cast_unsigned()));
    }
}

/// The day on which the next order is retired.
pub(crate) fn next_retirement(core: &Core) -> Option<Date> {
    core.orders.first_finished().map(|order| retires_on(&order))
}

fn retires_on(order: &Order) -> Date {
    Date { days: order.updated.date().days.saturating_add(KEPT_DAYS + 1) }
}

/// How many orders are retired by the ticks of that day. They stand in the order in which they were finished.
pub(crate) fn count_retirements(core: &Core, today: Date) -> u64 {
    core.orders.every_finished().take_while(|order| retires_on(order) <= today).fold(0, |count, _| count + 1)
}
