//! How a shard deals with a wall clock that jumped: what it finds is recorded, and what a person accepts is followed.
//!
//! While the clock is not trusted the core denies new orders and rolls no date, by what is recorded here. The shard's time
//! goes on by the monotonic clock.

use machine::{ClockFinding, ClockJump, Hosted, Outlook, Timestamp};

use super::Pipeline;
use crate::clock::Clock;
use crate::error::EngineError;
use crate::trace::Lane;

/// What the shard remembers between two looks.
#[derive(Debug, Default)]
pub(crate) struct ClockWatch {
    /// What was found last of a clock that is not trusted.
    found: Option<ClockJump>,
    /// When that was recorded, by the monotonic clock.
    recorded_ns: Option<i64>,
}

/// The least time between two records of a clock that is not trusted: one that flickers fills no journal.
const LEAST_BETWEEN_NS: i64 = 1_000_000_000;

impl<M: Hosted, C: Clock> Pipeline<M, C> {
    /// Looks at the wall clock: gives the shard's time.
    pub(crate) fn look_at_the_wall_clock(&mut self) -> Result<Timestamp, EngineError> {
        self.follow_acceptance();
        match self.clock.follow() {
            Ok(_) if self.watch.found.is_some() => self.note_clock(self.clock.returned())?,
            Ok(_) => {}
            Err(jump) => self.note_clock(jump)?,
        }
        if self.clock.has_left(self.core.clock().anchor.as_ref()) {
            self.record_anchor()?;
        }
        Ok(self.clock.now())
    }

    /// Somebody has accepted what was found: time goes on from there, and the quotes that are there grow no older by it.
    #[inline]
    pub(crate) fn follow_acceptance(&mut self) {
        let suspicion = self.core.clock().suspicion;
        if suspicion.is_some() {
            self.watch.found = suspicion;
        } else if let Some(accepted) = self.watch.found.take() {
            let step_ns = self.clock.accept(&accepted);
            self.outlook.step(step_ns);
            tracing::warn!(step_s = step_ns / 1_000_000_000, "the clock is accepted: orders and dates go on");
        }
    }

    /// Records where the clock is, unless the newest record says so already.
    #[cold]
    fn note_clock(&mut self, jump: ClockJump) -> Result<(), EngineError> {
        let monotonic_ns = self.clock.monotonic_ns();
        let is_too_soon = self
            .watch
            .recorded_ns
            .is_some_and(|recorded_ns| monotonic_ns.saturating_sub(recorded_ns) < LEAST_BETWEEN_NS);
        let is_known = self.watch.found.is_some_and(|known| self.clock.is_as(&known, &jump));
        if is_known || (is_too_soon && self.watch.found.is_some()) || !self.next_fits()? {
            return Ok(());
        }
        say(&jump);
        if let Some(jumped) = M::clock_jumped(jump) {
            self.process(&jumped, None, Lane::Own)?;
        }
        self.clock.noted();
        self.watch = ClockWatch { found: Some(jump), recorded_ns: Some(monotonic_ns) };
        Ok(())
    }

    #[cold]
    fn record_anchor(&mut self) -> Result<(), EngineError> {
        let Some(anchored) = self.clock.anchor().and_then(M::clock_anchored) else { return Ok(()) };
        if self.next_fits()? { self.process(&anchored, None, Lane::Own) } else { Ok(()) }
    }
}

fn say(jump: &ClockJump) {
    let off_s = jump.off_ns() / 1_000_000_000;
    let (due, shown) = (jump.due, jump.shown);
    if jump.finding == ClockFinding::Returned {
        tracing::warn!(%due, %shown, "the clock is back where it should be; orders wait until it is accepted");
    } else {
        tracing::error!(
            off_s, %due, %shown, finding = jump.finding.word(),
            "THE CLOCK JUMPED: new orders are denied and dates do not roll until it is accepted; set the clock right, \
             or leave it, then say `gannet clock accept`"
        );
    }
}
