//! `ClockJumped`, `ClockAnchored` and `AcceptClock`: while the wall clock is not trusted no order passes and no date rolls.

use model::{
    AlertKind, Amount, ClOrdId, ClockAcceptance, ClockAnchor, ClockJump, Denial, DenyReason, Event, Timestamp,
};

use crate::clock::ClockSuspicion;
use crate::{Core, Outcome, Stamp};

// In line, these would have every other input pay for their room on the stack.

#[inline(never)]
pub(crate) fn jumped(core: &mut Core, stamp: Stamp, jump: ClockJump, out: &mut Outcome) {
    let since = core.clock.suspicion.map_or(stamp.time, |known| known.since);
    core.clock.suspicion = Some(ClockSuspicion { since, found: stamp.position, jump });
    core.changes.clock(jump.finding.number() << 1 | 1, jump.off_ns());
    out.event(Event::ClockJumped { jump });
    out.alert(AlertKind::ClockSuspect, None, None, Some(whole_seconds(jump.off_ns())));
}

/// Rounded away from zero, so that what is off is never told as nothing.
fn whole_seconds(ns: i64) -> Amount {
    let seconds = Amount::from(u32::try_from(ns.unsigned_abs().div_ceil(1_000_000_000)).unwrap_or(u32::MAX));
    if ns < 0 { seconds.negated() } else { seconds }
}

#[inline(never)]
pub(crate) fn anchored(core: &mut Core, anchor: ClockAnchor) {
    core.clock.anchor = Some(anchor);
    core.clock.ahead_ns = anchor.ahead_ns;
    core.changes.clock(anchor.since_boot_ns.cast_unsigned(), anchor.time.nanos);
}

/// Only the newest finding is accepted: whoever asks has seen what follows from that one.
#[inline(never)]
pub(crate) fn accept(core: &mut Core, acceptance: ClockAcceptance, out: &mut Outcome) {
    let ClockAcceptance { found } = acceptance;
    let Some(known) = core.clock.suspicion.filter(|known| known.found == found) else {
        return out.denied(ClOrdId::EMPTY, Denial::of(DenyReason::NothingToAccept));
    };
    let (step_ns, ahead_ns) = known.jump.accepted(core.clock.ahead_ns);
    core.clock.suspicion = None;
    core.clock.ahead_ns = ahead_ns;
    if let Some(anchor) = &mut core.clock.anchor {
        // The shard's time steps, the other clock does not.
        let time = Timestamp::from_nanos(anchor.time.nanos.saturating_add(step_ns));
        *anchor = ClockAnchor { time, ahead_ns, ..*anchor };
    }
    core.changes.clock(0, step_ns);
    out.event(Event::ClockAccepted { found, step_ns });
}
