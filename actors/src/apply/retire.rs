//! What was finished long ago is retired, a few orders at each tick.

use model::Date;

use crate::fingerprint::Changed;
use crate::{Core, Order};

/// A finished order stays for the rest of its last day (UTC) and this many days more: for questions, and for what a
/// broker says late. Then it is retired, and its ClOrdID may be used again; FIX asks for uniqueness within a day.
const KEPT_DAYS: i32 = 1;
/// Orders that one tick retires: so that the end of a day takes no order's way for long. The next tick goes on.
const RETIRED_AT_ONCE: usize = 256;

pub(crate) fn apply(core: &mut Core, today: Date) {
    for _ in 0..RETIRED_AT_ONCE {
        if next_retirement(core).is_none_or(|date| date > today) {
            break;
        }
        if let Some(retired) = core.orders.retire_first() {
            core.changes.note(Changed::Retired, retired.seq, 0);
        }
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
