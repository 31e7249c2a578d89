//! Sessions and openings: when nobody is connected, what was unanswered is in doubt.

use model::{AlertKind, Event, Incarnation, Outbound, OutboundKind, SessionChange, SessionState};

use crate::fingerprint::Changed;
use crate::{Core, Outcome, Stamp};

// In line, these would have every other input pay for their room on the stack.

/// The journal was opened for writing: this process has no connection yet.
#[inline(never)]
pub(crate) fn opened(core: &mut Core, incarnation: Incarnation, logic_version: u32, out: &mut Outcome) {
    core.incarnation = incarnation;
    core.logic_version = logic_version;
    for session in core.sessions.iter_mut() {
        session.state = SessionState::Down;
    }
    let in_doubt = doubt_unanswered(core, |_| true);
    core.changes.note(Changed::Session, u64::from(incarnation.count) << 32 | u64::from(in_doubt), 0);
    out.event(Event::Opened { incarnation, in_doubt });
}

/// A session went up or down, or was cleared up.
#[inline(never)]
pub(crate) fn change(core: &mut Core, stamp: Stamp, change: SessionChange, out: &mut Outcome) {
    let Some(book) = core.sessions.get_mut(change.session.slot()) else {
        return out.alert(AlertKind::UnknownOrder, None, Some(change.session), None);
    };
    book.state = change.state;
    core.changes.note(Changed::Session, u64::from(change.session.index), state_number(change.state));
    out.event(Event::SessionChanged { session: change.session, state: change.state });
    match change.state {
        SessionState::Down => {
            let doubted = doubt_unanswered(core, |session| session == change.session);
            core.changes.note(Changed::Doubt, doubted.into(), 0);
        }
        SessionState::Up => out.outbound.push(Outbound {
            session: change.session,
            position: stamp.position,
            time: stamp.time,
            kind: OutboundKind::Sweep,
        }),
        SessionState::Ready if change.unresolved > 0 => {
            out.alert(AlertKind::StillInDoubt, None, Some(change.session), Some(change.unresolved.into()));
        }
        SessionState::Ready => {}
    }
}

const fn state_number(state: SessionState) -> u64 {
    match state {
        SessionState::Down => 0,
        SessionState::Up => 1,
        SessionState::Ready => 2,
    }
}

/// Marks what the brokers behind these sessions have not answered; gives how many orders that is. Doubt moves no
/// money: the worst case is reserved already.
fn doubt_unanswered(core: &mut Core, concerns: impl Fn(model::SessionId) -> bool) -> u32 {
    core.orders.doubt(|order| concerns(order.session) && order.is_awaiting())
}
