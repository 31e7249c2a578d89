//! The whole path of an input, on the shard's own thread.
//!
//! ```text
//! lanes ─▶ 1 stamp ─▶ 2 journal ─▶ 3 apply ─▶ 4 release, once durable ─▶ answer rings, session rings
//!                                             5 digest
//! ```
//!
//! The digest of an input comes behind its release: nobody who waits for the input waits for it. It proves afterwards
//! what came of some thousand inputs, and is recorded with them; until then it is this thread's own.

mod asks;
mod clock_watch;

use std::sync::Arc;

use crash_point::{Point, reach};
use journal::{JournalError, Writer};
use machine::{Consequences, Hosted, Journalled, Origin, Outlook, Position, Recorded, Stamp, Timestamp};

pub(crate) use asks::Peers;
pub(crate) use clock_watch::ClockWatch;

use crate::broken::{Breakage, OnBroken, decide};
use crate::clock::Clock;
use crate::cores::Claim;
use crate::digest::{Digest, Digester};
use crate::envelope::{Asked, Envelope, Urgent};
use crate::error::EngineError;
use crate::idle::{LONGEST_SLEEP, Patience, Rest, Wait};
use crate::lanes::attach::Attach;
use crate::lanes::{Intake, Lanes, next};
use crate::recovery::recover_in_turn;
use crate::release::Release;
use crate::round::Round;
use crate::supply::Supply;
use crate::timeline::Timeline;
use crate::trace::{Lane, Stamps, Tracer, Untraced};

/// Everything the shard's thread owns.
pub(crate) struct Pipeline<M: Hosted, C> {
    pub(crate) lanes: Arc<Lanes<M>>,
    pub(crate) clock: Timeline<C>,
    pub(crate) watch: ClockWatch,
    pub(crate) writer: Writer,
    pub(crate) core: M,
    /// None in a shard without threads.
    pub(crate) supply: Option<Supply<M::Growth>>,
    pub(crate) digester: Digester,
    pub(crate) release: Release<M>,
    pub(crate) last: Stamp,
    pub(crate) patience: Patience,
    /// None in a shard without threads.
    pub(crate) claim: Claim,
    pub(crate) mark_interval_ns: i64,
    pub(crate) tracer: Option<Box<Tracer>>,
    pub(crate) outlook: M::Outlook,
    pub(crate) round: Round<M::Command>,
    pub(crate) peers: Peers<M>,
    pub(crate) outcome: M::Outcome,
    pub(crate) on_broken: OnBroken,
    pub(crate) journal: journal::Folder,
    /// Found at the start, and not recorded yet.
    pub(crate) found_broken: Option<M::Input>,
    pub(crate) undigested: u64,
    pub(crate) next_mark: Timestamp,
    pub(crate) next_digest: Timestamp,
    pub(crate) turns: u32,
    /// True where the last rest gave the core to nobody.
    pub(crate) is_spinning: bool,
}

/// Where a shard stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stopped {
    pub(crate) position: Position,
    pub(crate) digest: Digest,
}

/// Inputs taken from one lane before the others are looked at.
pub(crate) const LANE_SHARE: usize = 64;
/// Inputs between two recorded digests.
const DIGEST_EVERY: u64 = 1024;
/// And the longest time that what came of an input stays unproven.
const DIGEST_AFTER_NS: i64 = 1_000_000_000;
/// Turns between two looks at the clock for timers, while there is work.
const TURNS_PER_LOOK: u32 = 1024;
/// The same while there is none and the thread spins: some microseconds, so that it is quick to see what comes.
const SPINS_PER_LOOK: u32 = 32;
/// Looks at clients' and brokers' lanes alone, before a thread that spins does a whole turn: what comes is seen sooner.
const LOOKS_PER_TURN: u32 = 64;

impl<M: Hosted, C: Clock> Pipeline<M, C> {
    /// Runs until it is told to stop and has taken everything that was handed to it.
    pub(crate) fn run(mut self) -> Result<Stopped, EngineError> {
        let result = self.begin().and_then(|()| self.turn_until_stopped());
        // Nobody waits for a shard that is gone.
        self.lanes.set_intake(Intake::Stopping);
        result?;
        self.close()
    }

    /// The first input of an opening.
    pub(crate) fn begin(&mut self) -> Result<(), EngineError> {
        if let Some(broken) = self.found_broken.take() {
            self.process(&broken, None, Lane::Own)?;
        }
        let incarnation = self.writer.incarnation();
        let opened = M::Input::opened(incarnation, M::LOGIC_VERSION, self.clock.anchor());
        self.process(&opened, None, Lane::Own)?;
        // Before anything else is taken: no order passes under a clock that jumped while the node was down.
        self.look_at_the_wall_clock()?;
        self.next_digest = self.digest_due();
        Ok(())
    }

    fn turn_until_stopped(&mut self) -> Result<(), EngineError> {
        let mut idle_turns = 0u32;
        loop {
            // Asked before the look at the lanes: what was handed over before the stop is seen by that look.
            let stopping = self.lanes.intake() == Intake::Stopping;
            if stopping {
                self.round.wake_all();
            }
            if self.turn()? {
                idle_turns = 0;
                continue;
            }
            if stopping {
                return Ok(());
            }
            idle_turns = idle_turns.saturating_add(1);
            self.rest(idle_turns);
            if let Some(tracer) = &mut self.tracer {
                tracer.idle();
            }
        }
    }

    /// One look at every lane; true where there was something to do.
    pub(crate) fn turn(&mut self) -> Result<bool, EngineError> {
        let mut worked = self.release.release_durable();
        if let Some(tracer) = &mut self.tracer {
            tracer.left(self.release.waits_for());
        }
        worked |= self.take_clients();
        worked |= self.take_facts();
        if !self.journal_has_room()? {
            return Ok(worked);
        }
        worked |= self.take_halts()?;
        worked |= self.take_asks()?;
        worked |= self.take_reports()?;
        worked |= self.take_commands()?;
        self.turns = self.turns.wrapping_add(1);
        if let Some(supply) = &mut self.supply {
            supply.refill(&mut self.core);
        }
        let turns_per_look = match (worked, self.is_spinning) {
            (true, _) => TURNS_PER_LOOK,
            (false, true) => SPINS_PER_LOOK,
            (false, false) => 1,
        };
        if self.turns.is_multiple_of(turns_per_look) {
            worked |= self.keep_time()?;
        }
        Ok(worked)
    }

    fn take_clients(&mut self) -> bool {
        let mut worked = false;
        if !self.lanes.is_attaching() {
            return false;
        }
        while let Ok(attach) = self.lanes.attach.try_recv() {
            self.attach(attach);
            worked = true;
        }
        worked
    }

    pub(crate) fn attach(&mut self, attach: Attach<M>) {
        // Whoever gave up waiting for `attached` is not there to be told.
        match attach {
            Attach::Client { inlet, sink, attached } => {
                self.release.answer_to(inlet.client, sink);
                self.round.join(inlet);
                let _ = attached.send(());
            }
            Attach::ClientAwake { client } => self.round.wake(client),
            Attach::ClientGone { client } => {
                self.round.leave(client);
                self.release.forget(client);
            }
            Attach::Peer { port } => self.peers.join(port),
            Attach::Session { way, ring, attached } => {
                self.release.open(way, ring);
                let _ = attached.send(());
            }
        }
    }

    fn take_facts(&mut self) -> bool {
        if self.lanes.facts.is_empty() {
            return false;
        }
        let received = self.clock.now();
        for _ in 0..LANE_SHARE {
            let Some(fact) = self.lanes.facts.pop() else { break };
            self.outlook.see(fact, received);
        }
        true
    }

    /// What brokers say comes before what others ask, and never waits for room on the way out.
    fn take_reports(&mut self) -> Result<bool, EngineError> {
        for taken in 0..LANE_SHARE {
            if self.lanes.reports.is_empty() || !self.next_fits()? {
                return Ok(taken > 0);
            }
            let Some(input) = self.lanes.reports.pop() else { return Ok(taken > 0) };
            self.process(&input, None, Lane::Report)?;
        }
        Ok(true)
    }

    /// Halts come first of all.
    fn take_halts(&mut self) -> Result<bool, EngineError> {
        let mut worked = false;
        if self.lanes.is_halt_wanted() && self.next_fits()? {
            self.lanes.take_wanted_halt();
            self.halt()?;
            worked = true;
        }
        for _ in 0..LANE_SHARE {
            if self.lanes.halts.is_empty() || !self.next_fits()? {
                break;
            }
            let Some(Urgent { client, envelope }) = self.lanes.halts.pop() else { break };
            self.take(client, envelope, true)?;
            worked = true;
        }
        Ok(worked)
    }

    /// Cancels between the others, as soon as they come. Each kind has its share of a turn: a flood of one holds up the
    /// other for a turn at most. Nobody waits for room on a way out: where there is none, that is stamped, and refused.
    fn take_commands(&mut self) -> Result<bool, EngineError> {
        let is_clear = self.release.is_clear_for(2 * LANE_SHARE);
        let mut urgent_left = self.release.admits_urgent(LANE_SHARE);
        let most = self.release.admits(LANE_SHARE);
        let mut visit = self.round.begin(most);
        let (mut left, mut worked) = (most, false);
        while self.next_fits()? {
            let urgent = if urgent_left > 0 { next(&self.lanes.urgent) } else { None };
            let (client, envelope) = if let Some(Urgent { client, envelope }) = urgent {
                urgent_left -= 1;
                (client, envelope)
            } else if left > 0
                && let Some(taken) = self.round.take(&mut visit)
            {
                left -= 1;
                taken
            } else {
                break;
            };
            self.take(client, envelope, is_clear)?;
            worked = true;
        }
        Ok(worked)
    }

    #[inline]
    fn take(
        &mut self,
        client: u32,
        envelope: Envelope<M::Command>,
        is_clear: bool,
    ) -> Result<(), EngineError> {
        let Envelope { ticket, submitted_ns, origin, command } = envelope;
        let stamped = self.stamped_for(&command, is_clear);
        let input = M::asked(origin, None, stamped, command);
        self.process(&input, Some(&Asked { client, ticket, submitted_ns }), Lane::Command)
    }

    /// What is stamped beside a command that is taken now. Where every way out is clear, nobody looks which one it needs.
    #[inline]
    pub(crate) fn stamped_for(&mut self, command: &M::Command, is_clear: bool) -> M::Stamped {
        let mut stamped = self.core.stamped(command, &self.outlook);
        if !is_clear
            && let Some((way, claim)) = self.core.way_out(command)
            && let Some(backlog) = self.release.backlog(way, claim)
        {
            M::hold_up(&mut stamped, backlog);
        }
        stamped
    }

    /// Traced or not is decided here, and nowhere on the path itself.
    #[inline]
    pub(crate) fn process(
        &mut self,
        input: &M::Input,
        asked: Option<&Asked>,
        lane: Lane,
    ) -> Result<(), EngineError> {
        let Some(mut tracer) = self.tracer.take() else {
            return self.path(input, asked, lane, &mut Untraced);
        };
        let result = self.path(input, asked, lane, &mut *tracer);
        self.tracer = Some(tracer);
        result
    }

    /// The path itself.
    #[inline]
    fn path(
        &mut self,
        input: &M::Input,
        asked: Option<&Asked>,
        lane: Lane,
        stamps: &mut impl Stamps,
    ) -> Result<(), EngineError> {
        stamps.taken();
        // What the core will look up comes from memory while the record is written.
        self.core.anticipate(input);

        // 1 stamp: the next position, and a time that never goes back
        let time = self.last.time.max(self.clock.now());
        let position = Position { seq: self.writer.next_seq(), ..self.last.position };
        self.last = Stamp { position, time };

        // 2 journal: from here on it has happened
        let appended = self.writer.append(time, input)?;
        stamps.appended(self.writer.segment_index());

        // 3 apply: the core decides
        self.outcome.clear();
        if let Err(failure) = decide(&mut self.core, self.last, input, &mut self.outcome) {
            return self.set_aside(input, asked, *failure);
        }
        reach(Point::ApplyAfter);
        stamps.applied();

        // 4 release: answer and messages, once the record is durable
        self.release.take(position, asked, &self.outcome);
        let submitted_ns = asked.map_or(0, |asked| asked.submitted_ns);
        stamps.released(position, lane, submitted_ns, !self.release.is_empty());

        // Nobody waits any more: what the next input will write to is fetched.
        self.release.make_ready();
        self.core.make_ready();
        self.writer.make_ready();

        // 5 digest: what will prove all this
        self.digester.fold(appended.crc, self.core.fingerprint(), self.outcome.refusal());
        self.undigested += 1;
        // On a full disk the digest waits: the next input that fits brings it along.
        if self.undigested >= DIGEST_EVERY && self.next_fits()? { self.record_digest() } else { Ok(()) }
    }

    /// An invariant broke while the last input was applied: that is recorded directly behind it, and the state is taken
    /// from the journal again, without that input. It takes as long as a start.
    #[cold]
    #[inline(never)]
    fn set_aside(
        &mut self,
        input: &M::Input,
        asked: Option<&Asked>,
        failure: Breakage<M::Input>,
    ) -> Result<(), EngineError> {
        let Breakage { broken, text, panic } = failure;
        if self.on_broken == OnBroken::Panic {
            std::panic::resume_unwind(panic);
        }
        let position = self.last.position;
        tracing::error!(%position, text, ?broken,
            "AN INVARIANT BROKE: the input has no effect, whom it concerns is set aside");
        let failed = || EngineError::Broken { position, text: text.clone() };
        if input.logic_version().is_some() || input.passes_over().is_some() {
            // Without these no state is worth going on from.
            return Err(failed());
        }
        self.writer.ensure_room()?;
        self.last.position.seq = self.writer.next_seq();
        self.writer.append(self.last.time, &broken)?;
        self.writer.flush()?;
        let recovered = recover_in_turn(&self.journal)?;
        if recovered.position != self.last.position {
            return Err(failed());
        }
        (self.core, self.digester) = (recovered.core, Digester::from(recovered.digest));
        self.undigested += 2;
        if let Some(asked) = asked {
            self.release.answer(self.last.position, asked, M::answer_to_broken(input));
        }
        Ok(())
    }

    /// Ticks and marks: inputs of the shard itself.
    fn keep_time(&mut self) -> Result<bool, EngineError> {
        let now = self.look_at_the_wall_clock()?;
        let mut worked = false;
        if self.core.next_deadline().is_some_and(|deadline| deadline <= now) && self.next_fits()? {
            self.process(&M::Input::tick(), None, Lane::Own)?;
            worked = true;
        }
        if self.undigested > 0 && now >= self.next_digest && self.next_fits()? {
            self.record_digest()?;
            worked = true;
        }
        if now >= self.next_mark {
            self.next_mark = Timestamp::from_nanos(now.nanos.saturating_add(self.mark_interval_ns));
            while self.next_fits()?
                && let Some(mark) = self.outlook.next_mark(&self.core)
            {
                self.process(&mark, None, Lane::Own)?;
                worked = true;
            }
        }
        Ok(worked)
    }

    /// By the node itself.
    #[cold]
    fn halt(&mut self) -> Result<(), EngineError> {
        let Some(halt) = M::halt() else { return Ok(()) };
        let input = M::asked(Origin::default(), None, M::Stamped::default(), halt);
        self.process(&input, None, Lane::Own)
    }

    /// Nothing is taken from a lane that could not be recorded: it would be lost, and the shard with it.
    #[inline]
    pub(crate) fn next_fits(&mut self) -> Result<bool, EngineError> {
        match self.writer.ensure_room() {
            Ok(()) => Ok(true),
            Err(JournalError::Full { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// A full disk stops the intake before anything is taken, and lets it go on when there is space again.
    fn journal_has_room(&mut self) -> Result<bool, EngineError> {
        match self.writer.ensure_room() {
            Ok(()) => {
                if self.lanes.intake() == Intake::Stalled {
                    tracing::warn!("the journal takes records again: trading goes on");
                    self.lanes.set_intake(Intake::Open);
                }
                Ok(true)
            }
            Err(error @ JournalError::Full { .. }) => {
                if self.lanes.intake() == Intake::Open {
                    tracing::error!(%error, "nothing is accepted until there is space");
                    self.lanes.set_intake(Intake::Stalled);
                }
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    const fn digest_due(&self) -> Timestamp {
        Timestamp::from_nanos(self.last.time.nanos.saturating_add(DIGEST_AFTER_NS))
    }

    fn record_digest(&mut self) -> Result<(), EngineError> {
        self.undigested = 0;
        self.next_digest = self.digest_due();
        self.writer
            .append(self.last.time, &Recorded::<M::Input>::Digest(self.digester.digest().to_bytes()))?;
        Ok(())
    }

    fn rest(&mut self, idle_turns: u32) {
        let wait = self.waits_for();
        let rest = self.patience.next(idle_turns, wait, || self.claim.leaves_a_spare());
        self.is_spinning = matches!(rest, Rest::LookOut | Rest::Pause);
        match rest {
            Rest::LookOut => self.look_out(),
            Rest::Pause => std::hint::spin_loop(),
            Rest::Yield => std::thread::yield_now(),
            Rest::Sleep => {
                let has_work = || self.release.is_due() || self.lanes.has_work() || self.round.has_work();
                self.lanes.bell.sleep(LONGEST_SLEEP, has_work);
            }
            // What is in the lanes cannot be taken: it is no reason to stay awake.
            Rest::Doze(time) => self.lanes.bell.sleep(time, || self.release.is_due()),
        }
    }

    /// Asked after a turn in which nothing could be done.
    #[inline]
    fn waits_for(&self) -> Wait {
        if self.lanes.has_inputs() || self.round.has_work() {
            Wait::Way
        } else if self.release.is_empty() {
            Wait::Inputs
        } else {
            Wait::Sync
        }
    }

    /// Until something comes or it is time for another turn.
    #[inline]
    fn look_out(&self) {
        // Without a pause between looks: it takes some 50 ns, and this core is the shard's.
        for _ in 0..LOOKS_PER_TURN {
            if self.round.look() || !self.lanes.reports.is_empty() {
                return;
            }
        }
    }

    /// Leaves a digest of everything, and everything durable and released.
    pub(crate) fn close(mut self) -> Result<Stopped, EngineError> {
        if self.next_fits()? {
            self.record_digest()?;
        } else {
            tracing::warn!(
                "no space for a last digest: what was recorded since the one before is not proved by it"
            );
        }
        self.writer.flush()?;
        self.release.release_durable();
        let digest = self.digester.digest();
        let position = Position { seq: self.writer.next_seq() - 1, ..self.last.position };
        self.writer.close()?;
        Ok(Stopped { position, digest })
    }
}
