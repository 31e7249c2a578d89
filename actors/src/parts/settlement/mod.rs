//! Settlement: what is due on a day moves from unsettled to settled, cash and units alike.

use borsh::io::{Read, Result, Write};
use borsh::{BorshDeserialize, BorshSerialize};
use machine::Violation;
use model::{AccountId, AlertKind, Date, Event, Invariant, Money, Timestamp, there};

use crate::fact::Fact;
use crate::fingerprint::Changed;
use crate::hands::Hands;
use crate::must::must;
use crate::part::Part;
use crate::{Asset, Core, Outcome};

mod state;

pub(crate) use state::Settlements;

impl Part for Settlements {
    const SECTION: &'static str = "settlements";
    const VERSION: u16 = 1;

    #[inline]
    fn hear(&mut self, fact: &Fact) {
        match *fact {
            Fact::Unsettled { account, date } => self.insert(date, account),
            Fact::Released => self.release(),
            Fact::Defined | Fact::CashRemembered { .. } => {}
        }
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        self.next_date().map(Date::start)
    }

    fn due(&mut self, hands: &mut Hands<'_>, out: &mut Outcome) {
        let today = hands.now.date();
        if self.next_date().is_some_and(|date| date <= today) {
            // What could not be settled before may be settled now: it comes first, since its dates are earlier.
            self.release();
        }
        while let Some(date) = self.next_date().filter(|date| *date <= today) {
            let accounts = there(self.take(date), Invariant::DateIsThere);
            for account in accounts.iter() {
                hands.work_for(Some(account));
                self.settle(hands, account, date, out);
            }
            hands.work_for(None);
            self.give_back(accounts);
        }
    }

    fn save(&self, mut writer: &mut dyn Write) -> Result<()> {
        self.serialize(&mut writer)
    }

    fn load(_: u16, mut reader: &mut dyn Read) -> Result<Self> {
        Self::deserialize_reader(&mut reader)
    }

    /// Nothing is unsettled that no date leads to.
    fn verify(&self, see: &Core) -> core::result::Result<(), Violation> {
        see.accounts().try_for_each(|account| {
            let id = account.definition.id;
            let mut unsettled = account.ledger().books().flat_map(|(_, book)| book.unsettled());
            unsettled.try_for_each(|(date, amount)| {
                must(
                    self.is_listed(*date, id),
                    "a tick will settle what is unsettled, or it is held",
                    format_args!("account {}: {amount} on {date}", id.index),
                )
            })
        })
    }
}

impl Settlements {
    /// What cannot be moved, and what is due to an account that is set aside, is kept for a later tick and told of.
    fn settle(&mut self, hands: &mut Hands<'_>, id: AccountId, date: Date, out: &mut Outcome) {
        let is_settled = !hands.is_set_aside(id)
            && hands.settle(id, date, |asset, amount| {
                if let Asset::Cash(currency) = asset {
                    out.event(Event::CashSettled { account: id, money: Money { amount, currency }, date });
                }
            });
        if !is_settled {
            self.hold(date, id);
            hands.note(Changed::Held, id.index.into(), u64::from(date.days.cast_unsigned()));
            out.event(Event::SettlementHeld { account: id, date });
            out.alert(AlertKind::SettlementHeld, None, None, None);
        }
    }
}
