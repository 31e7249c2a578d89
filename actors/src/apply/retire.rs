//! What was finished long ago is retired, a few orders at each tick.

use model::Date;

use crate::Core;
use crate::fingerprint::Changed;

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
    let last_change = core.orders.first_finished()?.updated.date();
    Some(Date { days: last_change.days.saturating_add(KEPT_DAYS + 1) })
}
