//! Cash movements: deposits and withdrawals, booked once for each reference.

use borsh::io::{Read, Result, Write};
use borsh::{BorshDeserialize, BorshSerialize};
use machine::Violation;
use model::{Amount, CashMove, CashMoveKind, Date, Denial, DenyReason, Event, Money, Timestamp};

use crate::books::ledger::Prepared;
use crate::fact::Fact;
use crate::fingerprint::Changed;
use crate::hands::Hands;
use crate::must::must;
use crate::part::{Obeys, Part};
use crate::store::key::key_of;
use crate::store::table::Table;
use crate::{Account, Asset, Bucket, Core, Leg, Outcome};

mod state;

pub(crate) use state::{Movements, References, UNDATED};

/// References that one tick forgets: so that no order waits for long. The next tick goes on.
const FORGOTTEN_AT_ONCE: usize = 256;

impl Part for Movements {
    const SECTION: &'static str = "movements";
    const VERSION: u16 = 2;

    fn hear(&mut self, fact: &Fact) {
        if let Fact::CashRemembered { days } = *fact {
            self.set_for_days(days);
        }
    }

    fn next_deadline(&self) -> Option<Timestamp> {
        self.next_forgotten().map(Date::start)
    }

    /// Forgets what is too old, some at each tick.
    fn due(&mut self, hands: &mut Hands<'_>, _: &mut Outcome) {
        let today = hands.now.date();
        self.begin_to_count(today);
        for _ in 0..FORGOTTEN_AT_ONCE {
            if self.next_forgotten().is_none_or(|date| date > today) {
                return;
            }
            if let Some((account, reference)) = self.forget_first() {
                hands.note(
                    Changed::MovementForgotten,
                    account.index.into(),
                    key_of(account.index, reference.as_str()),
                );
            }
        }
    }

    fn save(&self, mut writer: &mut dyn Write) -> Result<()> {
        self.serialize(&mut writer)
    }

    fn load(version: u16, mut reader: &mut dyn Read) -> Result<Self> {
        match version {
            // That one knew no days, and remembered for good.
            1 => Table::deserialize_reader(&mut reader).map(Self::undated),
            _ => Self::deserialize_reader(&mut reader),
        }
    }

    /// Each stands under its own reference with an account that is there, and moved something.
    fn verify(&self, see: &Core) -> core::result::Result<(), Violation> {
        let dated: usize = self.dated().count();
        must(dated == self.iter().count(), "each movement has its day", format_args!("{dated} have"))?;
        self.dated().try_for_each(|(account, reference)| {
            let of = format_args!("account {}: {reference}", account.index);
            must(self.get(account, &reference).is_some(), "a day names movements that are there", of)
        })?;
        self.iter().try_for_each(|(reference, cash_move)| {
            let is_sound = cash_move.reference == *reference
                && cash_move.money.amount.is_positive()
                && see.account(cash_move.account).is_some();
            must(
                is_sound,
                "a movement moved something, of an account that is there",
                format_args!("{reference}: {cash_move:?}"),
            )
        })
    }
}

impl Obeys<CashMove> for Movements {
    /// What is posted; nothing where the movement was booked before.
    type Plan = Option<Prepared>;

    fn check(&self, see: &Core, cash_move: &CashMove) -> core::result::Result<Option<Prepared>, Denial> {
        let account = see.account(cash_move.account).ok_or(Denial::of(DenyReason::UnknownAccount))?;
        if cash_move.reference.is_empty() {
            return Err(Denial::of(DenyReason::MissingIdentifier));
        }
        if let Some(known) = self.get(cash_move.account, &cash_move.reference) {
            let same = known == cash_move;
            return if same { Ok(None) } else { Err(Denial::of(DenyReason::DuplicateReference)) };
        }
        if see.is_set_aside(account, None) {
            return Err(Denial::of(DenyReason::AccountSetAside));
        }
        let Money { amount, currency } = cash_move.money;
        if !amount.is_positive() {
            return Err(Denial::beyond(DenyReason::AmountNotPositive, Amount::ZERO, amount));
        }
        let asset = Asset::Cash(currency);
        if cash_move.kind == CashMoveKind::Withdrawal {
            check_free(account, asset, amount)?;
        }
        let signed = signed(cash_move);
        let legs = [
            Leg { asset, bucket: Bucket::External, amount: signed.negated() },
            Leg { asset, bucket: Bucket::Settled, amount: signed },
        ];
        let prepared = account.ledger().prepare(&legs).map_err(|_| Denial::of(DenyReason::Arithmetic))?;
        Ok(Some(prepared))
    }

    fn commit(
        &mut self,
        hands: &mut Hands<'_>,
        cash_move: &CashMove,
        plan: Option<Prepared>,
        out: &mut Outcome,
    ) {
        let Some(prepared) = plan else { return out.event(Event::CashMoveExists) };
        hands.post(cash_move.account, &prepared);
        self.insert(cash_move, hands.now.date());
        let money = Money { amount: signed(cash_move), ..cash_move.money };
        out.event(Event::CashMoved { account: cash_move.account, money });
    }
}

/// What comes to the account, or goes from it.
fn signed(cash_move: &CashMove) -> Amount {
    let amount = cash_move.money.amount;
    if cash_move.kind == CashMoveKind::Deposit { amount } else { amount.negated() }
}

/// What is withdrawn is in hand and promised to nobody.
fn check_free(account: &Account, asset: Asset, amount: Amount) -> core::result::Result<(), Denial> {
    let settled = account.ledger().book(asset).map_or(Amount::ZERO, crate::Book::settled);
    let free = settled.at_most(account.ledger().available(asset)?).at_least(Amount::ZERO);
    if amount > free { Err(Denial::beyond(DenyReason::AvailableCash, free, amount)) } else { Ok(()) }
}
