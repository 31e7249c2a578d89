//! `MoveCash`: deposits and withdrawals, booked once for each reference.

use model::{CashMove, CashMoveKind, ClOrdId, Denial, DenyReason, Event, Invariant, Money, there};

use crate::ledger::Prepared;
use crate::{Asset, Bucket, Core, Leg, Outcome};

pub(crate) fn apply(core: &mut Core, cash_move: &CashMove, out: &mut Outcome) {
    match check(core, cash_move) {
        Ok(Some(prepared)) => apply_booked(core, cash_move, &prepared, out),
        Ok(None) => out.event(Event::CashMoveExists),
        Err(denial) => out.denied(ClOrdId::EMPTY, denial),
    }
}

fn check(core: &Core, cash_move: &CashMove) -> Result<Option<Prepared>, Denial> {
    let account = core.account(cash_move.account).ok_or(Denial::of(DenyReason::UnknownAccount))?;
    if cash_move.reference.is_empty() {
        return Err(Denial::of(DenyReason::MissingIdentifier));
    }
    if let Some(known) = account.cash_moves.get(&cash_move.reference) {
        let same = known == cash_move;
        return if same { Ok(None) } else { Err(Denial::of(DenyReason::DuplicateReference)) };
    }
    if core.is_set_aside(account, None) {
        return Err(Denial::of(DenyReason::AccountSetAside));
    }
    let Money { amount, currency } = cash_move.money;
    if !amount.is_positive() {
        return Err(Denial::beyond(DenyReason::AmountNotPositive, model::Amount::ZERO, amount));
    }
    let asset = Asset::Cash(currency);
    let signed = match cash_move.kind {
        CashMoveKind::Deposit => amount,
        CashMoveKind::Withdrawal => {
            let settled = account.ledger().book(asset).map_or(model::Amount::ZERO, crate::Book::settled);
            let free = settled.at_most(account.ledger().available(asset)?).at_least(model::Amount::ZERO);
            if amount > free {
                return Err(Denial::beyond(DenyReason::AvailableCash, free, amount));
            }
            amount.negated()
        }
    };
    let legs = [
        Leg { asset, bucket: Bucket::External, amount: signed.negated() },
        Leg { asset, bucket: Bucket::Settled, amount: signed },
    ];
    account.ledger().prepare(&legs).map(Some).map_err(|_| Denial::of(DenyReason::Arithmetic))
}

fn apply_booked(core: &mut Core, cash_move: &CashMove, prepared: &Prepared, out: &mut Outcome) {
    let account = there(core.accounts.get_mut(cash_move.account.slot()), Invariant::AccountIsThere);
    prepared.tell(cash_move.account, &mut core.changes);
    account.ledger.commit(prepared, &mut core.settlements.rooms);
    account.cash_moves.insert(cash_move.reference, *cash_move);
    let Money { amount, currency } = cash_move.money;
    let amount = if cash_move.kind == CashMoveKind::Deposit { amount } else { amount.negated() };
    out.event(Event::CashMoved { account: cash_move.account, money: Money { amount, currency } });
}
