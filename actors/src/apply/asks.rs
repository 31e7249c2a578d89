//! Asks: `CancelAll`, which makes them, and what becomes of an ask once it is on record.

use model::{
    CancelAll, CancelOrder, CausedBy, ClOrdId, Command, Denial, DenyReason, Event, Origin, Scope, ShardId,
};

use crate::fingerprint::Changed;
use crate::{Account, Ask, Core, Order, Outcome, Stamp};

/// An ask comes as a command. False, and told, where it was on record before: then nothing is done again.
// In line it would have every other input pay for its room on the stack.
#[inline(never)]
pub(crate) fn take(core: &mut Core, stamp: Stamp, cause: CausedBy, out: &mut Outcome) -> bool {
    let is_new = end(core, stamp, cause);
    if !is_new {
        out.event(Event::AskRepeated { cause });
    }
    is_new
}

/// An ask of this shard or of another is on record here. False where it was before.
pub(crate) fn end(core: &mut Core, stamp: Stamp, cause: CausedBy) -> bool {
    let is_own = cause.position.shard == stamp.position.shard;
    let is_new = if is_own { core.asks.take(cause) } else { core.asks.hear(cause) };
    if is_new {
        core.changes.ask(Changed::AskTaken, cause);
    }
    is_new
}

/// Another shard has everything up to this cause on record.
pub(crate) fn taken_by(core: &mut Core, by: ShardId, cause: CausedBy, out: &mut Outcome) {
    let ended = core.asks.taken_by(by, cause);
    if ended > 0 {
        core.changes.ask(Changed::AskTaken, cause);
    }
    out.event(Event::AsksEnded { by, ended });
}

/// Asks for the cancel of every open order in the scope, here, and of the other shards to do the same.
#[inline(never)]
pub(crate) fn cancel_all(
    core: &mut Core,
    stamp: Stamp,
    origin: Origin,
    cancel: CancelAll,
    out: &mut Outcome,
) {
    if let Err(reason) = check_scope(core, cancel.scope) {
        return out.denied(ClOrdId::EMPTY, Denial::of(reason));
    }
    let mut asking = Asking { stamp, origin, next: 0 };
    let mut left = 0;
    let accounts = core.accounts.iter().filter(|account| concerns(cancel.scope, account));
    let orders = accounts.flat_map(|account| core.orders.open(account.definition.id));
    let mut asked = alloc::vec::Vec::new();
    for order in orders.filter(|order| is_in(cancel.scope, order) && !order.is_over()) {
        if order.pending.is_some() { left += 1 } else { asked.push(order) }
    }
    for order in &asked {
        let command =
            CancelOrder { account: order.account, order: Some(order.id), cl_ord_id: ClOrdId::EMPTY };
        let ask = asking.ask(Command::CancelOrder(command));
        core.changes.ask(Changed::Asked, ask.cause);
        core.asks.ask(order.session, ask);
    }
    let mut others = 0;
    for index in (0..cancel.shards).filter(|index| *index != stamp.position.shard.index) {
        let ask = asking.ask(Command::CancelAll(CancelAll { shards: 0, ..cancel }));
        core.changes.ask(Changed::Asked, ask.cause);
        core.asks.ask_of(ShardId::new(index), ask);
        others += 1;
    }
    let asked = u32::try_from(asked.len()).unwrap_or(u32::MAX);
    out.event(Event::CancelsAsked { scope: cancel.scope, asked, left, others });
}

/// Makes the asks of one record.
struct Asking {
    stamp: Stamp,
    origin: Origin,
    next: u32,
}

impl Asking {
    fn ask(&mut self, command: Command) -> Ask<Command> {
        let cause = CausedBy { position: self.stamp.position, index: self.next };
        self.next += 1;
        Ask { cause, origin: self.origin, command }
    }
}

fn check_scope(core: &Core, scope: Scope) -> Result<(), DenyReason> {
    match scope {
        Scope::Firm => Ok(()),
        Scope::Portfolio(id) | Scope::Strategy(id, _) => {
            core.portfolio(id).map(drop).ok_or(DenyReason::UnknownPortfolio)
        }
        Scope::Account(id) => core.account(id).map(drop).ok_or(DenyReason::UnknownAccount),
        Scope::Instrument(id) => core.instrument(id).map(drop).ok_or(DenyReason::UnknownInstrument),
    }
}

/// The account may have orders in the scope.
fn concerns(scope: Scope, account: &Account) -> bool {
    match scope {
        Scope::Firm | Scope::Instrument(_) => true,
        Scope::Portfolio(id) | Scope::Strategy(id, _) => account.definition.portfolio == id,
        Scope::Account(id) => account.definition.id == id,
    }
}

fn is_in(scope: Scope, order: &Order) -> bool {
    match scope {
        Scope::Firm | Scope::Portfolio(_) | Scope::Account(_) => true,
        Scope::Strategy(_, strategy) => order.strategy == strategy,
        Scope::Instrument(instrument) => order.instrument == instrument,
    }
}
