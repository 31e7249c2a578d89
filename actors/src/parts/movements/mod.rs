//! Cash movements: deposits and withdrawals, booked once for each reference.

use borsh::io::{Read, Result, Write};
use borsh::{BorshDeserialize, BorshSerialize};
use machine::Violation;
use model::{Amount, CashMove, CashMoveKind, Denial, DenyReason, Event, Money};

use crate::books::ledger::Prepared;
use crate::hands::Hands;
use crate::must::must;
use crate::part::{Obeys, Part};
use crate::{Account, Asset, Bucket, Core, Leg, Outcome};

mod state;

pub(crate) use state::{Movements, References};

/// What becomes of a movement that is not refused.
pub(crate) enum Movement {
    /// It was booked before.
    Known,
    /// It is booked now.
    New(Prepared),
}

impl Part for Movements {
    const SECTION: &'static str = "movements";
    const VERSION: u16 = 1;

    fn save(&self, mut writer: &mut dyn Write) -> Result<()> {
        self.serialize(&mut writer)
    }

    fn load(_: u16, mut reader: &mut dyn Read) -> Result<Self> {
        Self::deserialize_reader(&mut reader)
    }

    /// Each stands under its own reference with an account that is there, and moved something.
    fn verify(&self, see: &Core) -> core::result::Result<(), Violation> {
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
    type Plan = Movement;

    fn check(&self, see: &Core, cash_move: &CashMove) -> core::result::Result<Movement, Denial> {
        let account = see.account(cash_move.account).ok_or(Denial::of(DenyReason::UnknownAccount))?;
        if cash_move.reference.is_empty() {
            return Err(Denial::of(DenyReason::MissingIdentifier));
        }
        if let Some(known) = self.get(cash_move.account, &cash_move.reference) {
            let same = known == cash_move;
            return if same { Ok(Movement::Known) } else { Err(Denial::of(DenyReason::DuplicateReference)) };
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
        Ok(Movement::New(prepared))
    }

    fn commit(&mut self, hands: &mut Hands<'_>, cash_move: &CashMove, plan: Movement, out: &mut Outcome) {
        let Movement::New(prepared) = plan else { return out.event(Event::CashMoveExists) };
        hands.post(cash_move.account, &prepared);
        self.insert(cash_move);
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
