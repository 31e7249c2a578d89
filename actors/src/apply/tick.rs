//! `Tick`: what is due settles.

use alloc::vec::Vec;

use model::{AccountId, Date, Event, Money};

use crate::{Asset, Bucket, Core, Leg, Outcome, Stamp};

pub(crate) fn apply(core: &mut Core, stamp: Stamp, out: &mut Outcome) {
    let today = stamp.time.date();
    while let Some(entry) = core.settlements.first_entry() {
        if *entry.key() > today {
            return;
        }
        let (date, accounts) = entry.remove_entry();
        for account in accounts {
            settle(core, account, date, out);
        }
    }
}

/// Moves everything of one date from unsettled to settled, cash and units alike.
fn settle(core: &mut Core, id: AccountId, date: Date, out: &mut Outcome) {
    let Some(account) = core.accounts.get_mut(id.slot()) else { return };
    let due: Vec<_> = account
        .ledger
        .books()
        .filter_map(|(asset, book)| {
            let (_, amount) = book.unsettled().iter().find(|(day, _)| *day == date)?;
            Some((*asset, *amount))
        })
        .collect();
    for (asset, amount) in due {
        let legs = [
            Leg { asset, bucket: Bucket::Unsettled(date), amount: amount.negated() },
            Leg { asset, bucket: Bucket::Settled, amount },
        ];
        // Exact to the digit that `owned` was when the trade was booked; were it not, the entry would stay visible
        // as unsettled of a past date.
        let Ok(prepared) = account.ledger.prepare(&legs) else { continue };
        account.ledger.commit(&prepared);
        if let Asset::Cash(currency) = asset {
            out.event(Event::CashSettled { account: id, money: Money { amount, currency }, date });
        }
    }
}
