//! A wall clock that jumps: people and daemons who set it, an operator who accepts it, and what must hold meanwhile.
//!
//! That no order passes and no date rolls under a clock that is not trusted, the twin says. Here stands what it cannot know:
//! that a jump is found, and that the shard's time goes as time goes, but for the steps that somebody accepted.

use model::{ClockAcceptance, Command};

use crate::world::World;

const MINUTE_NS: i64 = 60_000_000_000;
const DAY_NS: i64 = 24 * 60 * MINUTE_NS;

impl World {
    /// Somebody sets the wall clock: by whole minutes, either way, or back to where it was trusted.
    pub(crate) fn set_wall_clock(&mut self) {
        let off_ns = if self.dice.once_in(3) {
            self.clock_checks.trusted_off_ns
        } else {
            let most = if self.dice.once_in(2) { 30 } else { 4 * 24 * 60 };
            let minutes = i64::try_from(self.dice.between(1, most)).unwrap_or(1);
            let sign = if self.dice.once_in(2) { 1 } else { -1 };
            self.clock.off_ns() + sign * minutes * MINUTE_NS
        };
        let minutes = (off_ns - self.clock.off_ns()) / MINUTE_NS;
        if minutes != 0 {
            self.history.fault("wall clock set", || format!("by {minutes} min"));
            self.clock.set_off(off_ns);
        }
    }

    /// An operator who looks now and then, and sometimes too late.
    pub(crate) fn accept_clock(&mut self) {
        let Some(node) = &mut self.node else { return };
        let Some(known) = node.shard.core().clock().suspicion() else { return };
        let mut found = known.found;
        if !self.broker.calm && self.dice.once_in(5) {
            found.seq -= 1;
        }
        let command = Command::AcceptClock(ClockAcceptance { found });
        if node.submit(command).is_ok() {
            self.history.tell(|| format!("operator: {command:?}"));
        }
    }

    /// After the shard had its turn; `is_idle` where it found nothing to do, so that it has looked at the clock.
    pub(crate) fn check_clock(&mut self, is_idle: bool) -> Result<(), String> {
        let Some(node) = &self.node else { return Ok(()) };
        let (time_ns, now_ns) = (node.shard.time().nanos, self.clock.now_ns());
        let suspicion = node.shard.core().clock().suspicion();
        let checks = &mut self.clock_checks;
        match suspicion {
            Some(known) => checks.suspected_off_ns = Some(known.jump.off_ns()),
            None => {
                if let Some(accepted_ns) = checks.suspected_off_ns.take() {
                    checks.credit_ns += accepted_ns.max(0);
                    // Whole minutes, whatever was worked off meanwhile.
                    let minutes = (accepted_ns + MINUTE_NS / 2).div_euclid(MINUTE_NS);
                    checks.trusted_off_ns += minutes * MINUTE_NS;
                }
            }
        }
        if is_idle && suspicion.is_none() && node.shard.takes_records() {
            self.check_found()?;
        }
        let checks = &self.clock_checks;
        let Some((from_ns, then_ns, _)) = checks.from else { return Ok(()) };
        let passed_ns = now_ns - then_ns;
        let most_ns = passed_ns + passed_ns / 1_000 + checks.credit_ns + 5_000_000_000;
        let went_ns = time_ns - from_ns;
        if went_ns > most_ns {
            return Err(format!("the shard's time went by {went_ns} ns while {passed_ns} ns passed"));
        }
        Ok(())
    }

    fn check_found(&self) -> Result<(), String> {
        let off_ns = self.clock.off_ns() - self.clock_checks.trusted_off_ns;
        if off_ns.abs() < MINUTE_NS {
            return Ok(());
        }
        Err(format!("the wall clock is off by {} s, and nobody has found it", off_ns / 1_000_000_000))
    }

    /// After a start. On the same boot a jump is found whatever it is. On another one the shard may take for time that
    /// passed what lies ahead of its last record, for a week; then it goes by the wall clock as that is.
    pub(crate) fn check_start_of_clock(&mut self, last_ns: i64, was_suspect: bool) -> Result<(), String> {
        let Some(node) = &self.node else { return Ok(()) };
        let is_suspect = node.shard.core().clock().is_suspect();
        let (time_ns, now_ns, boot) = (node.shard.time().nanos, self.clock.now_ns(), self.clock.boots());
        let suspicion = node.shard.core().clock().suspicion();
        // What was found or accepted last may have been lost with the end of the journal.
        self.clock_checks.suspected_off_ns = suspicion.map(|known| known.jump.off_ns());
        if let Some(known) = suspicion.filter(|_| !self.disk.is_full()) {
            // What it found is what it is off by; the rest was trusted, or is not known any more.
            self.clock_checks.trusted_off_ns = self.clock.off_ns() - known.jump.off_ns();
        }
        let is_same_boot = self.clock_checks.from.is_some_and(|(_, _, then)| then == boot);
        if is_same_boot {
            return self.check_clock(true);
        }
        let step_ns = time_ns - last_ns;
        if last_ns > 0 && (was_suspect || is_suspect) && step_ns > 5_000_000_000 {
            return Err(format!("a start stepped by {step_ns} ns under a clock that is not trusted"));
        }
        if last_ns > 0 && step_ns > 8 * DAY_NS {
            return Err(format!("a start stepped by {step_ns} ns without a word"));
        }
        self.clock_checks.from = Some((time_ns, now_ns, boot));
        self.clock_checks.credit_ns = 0;
        if !is_suspect {
            self.clock_checks.trusted_off_ns = self.clock.off_ns();
        }
        Ok(())
    }
}
