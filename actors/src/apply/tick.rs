//! `Tick`: what is due settles; what was finished long ago is retired.

use model::{AccountId, AlertKind, Date, Event, Invariant, Money, there};

use crate::fingerprint::Changed;
use crate::{Asset, Core, Outcome, Stamp};

/// A finished order stays for the rest of its last day (UTC) and this many days more: for questions, and for what a
/// broker says late. Then it is retired, and its ClOrdID may be used again; FIX asks for uniqueness within a day.
const KEPT_DAYS: i32 = 1;
/// Orders that one tick retires: so that the end of a day takes no order's way for long. The next tick goes on.
const RETIRED_AT_ONCE: usize = 256;

// In line it would have every other input pay for its room on the stack.
#[inline(never)]
pub(crate) fn apply(core: &mut Core, stamp: Stamp, out: &mut Outcome) {
    let today = stamp.time.date();
    if core.settlements.next_date().is_some_and(|date| date <= today) {
        // What could not be settled before may be settled now: it comes first, since its dates are earlier.
        core.settlements.release();
    }
    while let Some(date) = core.settlements.next_date().filter(|date| *date <= today) {
        let accounts = there(core.settlements.take(date), Invariant::DateIsThere);
        for account in accounts.iter() {
            settle(core, account, date, out);
        }
        core.settlements.give_back(accounts);
    }
    for _ in 0..RETIRED_AT_ONCE {
        if next_retirement(core).is_none_or(|date| date > today) {
            break;
        }
        if let Some(retired) = core.orders.retire_first() {
            core.changes.note(Changed::Retired, retired.seq, 0);
        }
    }
    core.at_work = None;
}

/// The day on which the next order is retired.
pub(crate) fn next_retirement(core: &Core) -> Option<Date> {
    let last_change = core.orders.first_finished()?.updated.date();
    Some(Date { days: last_change.days.saturating_add(KEPT_DAYS + 1) })
}

/// Moves everything of one date from unsettled to settled, cash and units alike. What cannot be moved, and what is due to
/// an account that is set aside, is kept for a later tick and told of.
fn settle(core: &mut Core, id: AccountId, date: Date, out: &mut Outcome) {
    core.at_work = Some(id);
    let is_set_aside = core.is_set_aside(there(core.account(id), Invariant::AccountIsThere), None);
    let account = there(core.accounts.get_mut(id.slot()), Invariant::AccountIsThere);
    let changes = &mut core.changes;
    let is_settled = !is_set_aside
        && account.ledger.settle(date, &mut core.settlements.rooms, |asset, amount| {
            changes.settled(id, asset, date, amount);
            if let Asset::Cash(currency) = asset {
                out.event(Event::CashSettled { account: id, money: Money { amount, currency }, date });
            }
        });
    if !is_settled {
        core.settlements.hold(date, id);
        core.changes.note(Changed::Held, id.index.into(), u64::from(date.days.cast_unsigned()));
        out.event(Event::SettlementHeld { account: id, date });
        out.alert(AlertKind::SettlementHeld, None, None, None);
    }
    core.at_work = None;
}
