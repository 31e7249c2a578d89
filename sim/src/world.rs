//! The world of one history: it draws what happens next, makes it happen, and checks.
//!
//! ```text
//!   firm ─▶ client ─▶ ┌──────────── the node ────────────┐ ─▶ line ─▶ broker
//!                     │ real shard, real gateway, stepped │ ◀─      ◀─
//!                     └───────────────┬──────────────────┘
//!                                 journal on the simulated disk ─▶ auditor with the twin
//! ```

mod misfortune;

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::{Answer, EngineError, OnBroken, ShardConfig, SnapshotPolicy};
use journal::{Background, Durability, Folder, JournalError, Options};
use model::{ClOrdId, Command, Event, ShardId, WireId};

use crate::auditor::Auditor;
use crate::broker::Broker;
use crate::clock::{ClockChecks, SimClock};
use crate::dice::Dice;
use crate::disk::{Death, SimDisk};
use crate::firm::{Firm, SETS_ASIDE, definitions, quote};
use crate::history::History;
use crate::line::SimLine;
use crate::node::Node;
use crate::plant::Plant;

const SHARD: ShardId = ShardId::new(0);
/// An order of this name breaks an invariant, where that is planted.
const BREAKS: &str = "breaks";
const JOURNAL: &str = "/journal";
/// Steps of a history before it is let come to rest.
const STEPS: u64 = 1_500;

/// What a history is run with.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Everything follows from it.
    pub seed: u64,
    /// A bug to be found.
    pub plant: Option<Plant>,
    /// The story is kept, to be read.
    pub told: bool,
}

/// The world.
pub(crate) struct World {
    pub(crate) history: History,
    pub(crate) dice: Dice,
    pub(crate) clock: SimClock,
    pub(crate) disk: SimDisk,
    pub(crate) line: SimLine,
    pub(crate) broker: Broker,
    firm: Firm,
    pub(crate) auditor: Auditor,
    pub(crate) node: Option<Node>,
    pub(crate) config: ShardConfig,
    plant: Option<Plant>,
    /// In some histories orders break an invariant, and operators release whom that sets aside. These have chances of
    /// their own.
    breaks: Option<Dice>,
    /// Answers that the auditor has not come to yet.
    pub(crate) answers: Vec<(Command, Answer<Event>)>,
    /// What left that the auditor has not come to yet.
    pub(crate) left: Vec<WireId>,
    /// What the gateway called never sent, and the broker had then.
    pub(crate) denied: Vec<WireId>,
    /// What came in at the broker, as far as it was looked at.
    pub(crate) arrived: BTreeSet<String>,
    /// A record that was appended, and what was durable then: once it is durable itself, it proves that.
    pub(crate) provers: Vec<(u64, u64)>,
    /// Records up to here are provably durable: their loss must be refused.
    pub(crate) proven: u64,
    /// The failures a start may have for: they were injected.
    excused: Excuse,
    pub(crate) segments: u64,
    /// Until then the gateway takes nothing from the shard.
    pub(crate) stalled_until: u64,
    pub(crate) clock_checks: ClockChecks,
}

#[derive(Clone, Copy, Debug, Default)]
struct Excuse {
    sync: bool,
}

impl World {
    pub(crate) fn new(setting: Setting) -> Self {
        let mut dice = Dice::new(setting.seed);
        let clock = SimClock::new(setting.plant);
        let disk = SimDisk::new(dice.next(), clock.clone());
        disk.state().lies_about_sync = setting.plant == Some(Plant::LyingDisk);
        let durability = if dice.once_in(3) { Durability::Process } else { Durability::Disk };
        let journal = Options {
            segment_bytes: Options::MIN_SEGMENT_BYTES,
            durability,
            disk: Arc::new(disk.clone()),
            background: Background::Stepped,
            ..Options::new(JOURNAL, SHARD)
        };
        let every_records = *dice.pick(&[0, 100, 400]).unwrap_or(&0);
        let snapshots = SnapshotPolicy { every_records, keep: 2 };
        let ring = *dice.pick(&[8, 32, 1_024]).unwrap_or(&1_024);
        let mut chances = Dice::new(!setting.seed);
        let breaks = (setting.plant.is_none() && chances.once_in(4)).then_some(chances);
        // A simulation must not go on behind what it is there to find: only what is broken on purpose sets aside.
        let on_broken = if breaks.is_some() { OnBroken::SetAside } else { OnBroken::Panic };
        crash_point::plant(SETS_ASIDE);
        let config = ShardConfig { ring, snapshots, on_broken, ..ShardConfig::new(journal) };
        if setting.plant == Some(Plant::BrokenInvariant) {
            crash_point::plant(BREAKS);
        }
        Self {
            history: History::new(clock.clone(), setting.told),
            line: SimLine::new(clock.clone(), dice.next(), setting.plant),
            broker: Broker::new(dice.next()),
            firm: Firm::default(),
            auditor: Auditor::new(SHARD, setting.plant),
            node: None,
            config,
            plant: setting.plant,
            breaks,
            answers: Vec::new(),
            left: Vec::new(),
            denied: Vec::new(),
            arrived: BTreeSet::new(),
            provers: Vec::new(),
            proven: 0,
            excused: Excuse::default(),
            segments: 0,
            stalled_until: 0,
            clock_checks: ClockChecks::default(),
            dice,
            clock,
            disk,
        }
    }

    pub(crate) fn folder(&self) -> Folder {
        self.config.journal.folder()
    }

    fn on_disk(&self) -> bool {
        self.config.journal.durability == Durability::Disk
    }

    /// A whole history.
    pub(crate) fn run(&mut self) -> Result<(), String> {
        let (durability, snapshots) = (self.config.journal.durability, self.config.snapshots.every_records);
        self.history.tell(|| format!("durability {durability:?}, a snapshot every {snapshots} records"));
        self.set_up()?;
        for _ in 0..STEPS {
            self.step()?;
        }
        self.come_to_rest()?;
        self.check_the_end()?;
        self.end()
    }

    /// The firm is defined before anything goes wrong.
    fn set_up(&mut self) -> Result<(), String> {
        self.boot()?;
        for command in definitions() {
            let Some(node) = &mut self.node else {
                return Err("the node is gone before anything began".into());
            };
            node.submit(command).map_err(|refused| format!("a definition is refused: {refused}"))?;
            self.turn()?;
        }
        self.flush()?;
        self.check()
    }

    fn step(&mut self) -> Result<(), String> {
        self.history.events += 1;
        self.pass_time();
        if self.node.is_none() {
            return self.step_without_node();
        }
        if !self.line.wire().is_connected() && self.dice.once_in(12) {
            self.connect();
        }
        match self.dice.below(1_000) {
            0..230 => self.turn()?,
            230..330 => self.flush_step(),
            330..350 => self.prepare_step(),
            350..400 => self.read_step()?,
            400..540 => self.gateway(),
            540..640 => self.deliver(),
            640..720 => self.arrive()?,
            720..800 => self.broker_acts(),
            800..900 => {
                // Now and then more at once than a small ring takes.
                let commands = if self.dice.once_in(60) { self.dice.between(10, 40) } else { 1 };
                for _ in 0..commands {
                    self.submit();
                }
            }
            900..950 => self.quote(),
            950..970 => self.check()?,
            970..980 => self.connection(),
            _ => self.go_wrong(),
        }
        if self.dice.once_in(40) {
            self.accept_clock();
        }
        if self.disk.is_dead() {
            self.node_died("in the middle of an operation of the disk");
        }
        if self.history.events.is_multiple_of(8) {
            self.check()?;
        }
        Ok(())
    }

    /// Mostly microseconds, now and then seconds, seldom hours.
    fn pass_time(&mut self) {
        let us = match self.dice.below(400) {
            0 => self.dice.between(600, 14_400) * 1_000_000,
            1..12 => self.dice.between(1, 9) * 1_000_000,
            12..120 => self.dice.between(1_000, 200_000),
            _ => self.dice.between(1, 500),
        };
        self.clock.pass(us * 1_000);
    }

    fn step_without_node(&mut self) -> Result<(), String> {
        match self.dice.below(20) {
            0..6 => self.boot(),
            6..12 => {
                self.broker_acts();
                Ok(())
            }
            12..16 => self.arrive(),
            16 => {
                self.disk.set_full(false);
                Ok(())
            }
            18 if self.dice.once_in(3) => {
                self.set_wall_clock();
                Ok(())
            }
            17 if !self.broker.calm => {
                self.history.fault("older store put back", String::new);
                self.line.wire().restore_older_copy();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Starts the node. What may be refused, is refused for a reason that was injected.
    pub(crate) fn boot(&mut self) -> Result<(), String> {
        self.disk.start();
        if self.history.events > 0 && !self.broker.calm && self.dice.once_in(6) {
            let (operations, death) = (self.dice.below(40), self.some_death());
            self.disk.arm(operations, death);
        }
        match Node::start(&self.config, &self.clock, &self.line, self.plant) {
            Ok(node) => {
                let recovery = node.shard.recovery();
                let text = format!(
                    "started: incarnation {}, last {}",
                    recovery.incarnation.count, recovery.last_seq
                );
                let cut = recovery.cut.clone();
                self.history.tell(|| format!("{text}, cut {cut:?}"));
                let (last_ns, was_suspect) = node.started_behind;
                self.node = Some(node);
                self.excused = Excuse::default();
                self.check_start_of_clock(last_ns, was_suspect)?;
                self.auditor.attach(&self.folder())?;
                self.check()
            }
            Err(_) if self.disk.is_dead() => {
                self.history.fault("death while starting", String::new);
                self.died();
                Ok(())
            }
            Err(EngineError::Journal(JournalError::Full { path })) if self.disk.is_full() => {
                self.history.tell(|| format!("not started: no space for {}", path.display()));
                Ok(())
            }
            Err(EngineError::Journal(error)) if self.excused.sync => {
                self.history.tell(|| format!("not started: {error}"));
                self.excused.sync = false;
                Ok(())
            }
            Err(error) => Err(format!("a journal that nobody damaged is refused: {error}")),
        }
    }

    fn some_death(&mut self) -> Death {
        if self.on_disk() && self.dice.once_in(2) { Death::Power } else { Death::Process }
    }

    /// The shard's thread.
    pub(crate) fn turn(&mut self) -> Result<(), String> {
        let Some(node) = &mut self.node else { return Ok(()) };
        let (before, durable) = (node.shard.position().seq, node.shard.durable_seq());
        let is_waited_for = node.shard.has_commands() && !self.disk.is_full();
        let stands = self.plant == Some(Plant::StandingShard) && self.history.events < self.stalled_until;
        let turned = if stands { Ok(false) } else { node.shard.turn() };
        let (after, takes_records) = (node.shard.position().seq, node.shard.takes_records());
        if after > before {
            self.provers.push((after, durable.min(before)));
            self.history.tell(|| format!("shard: records {} to {after}", before + 1));
        }
        if !stands
            && !self.disk.is_dead()
            && let Ok(worked) = &turned
        {
            self.check_clock(!worked)?;
        }
        match turned {
            // Whatever a gateway does: a command that was handed over is taken, if the journal has room for it.
            Ok(_) if is_waited_for && after == before && takes_records => {
                Err("commands wait, and the shard takes none".into())
            }
            Ok(_) => self.take_answers(),
            Err(_) if self.disk.is_dead() => Ok(()),
            Err(EngineError::Journal(JournalError::FlushFailed { .. })) => {
                self.history.tell(|| "the shard stops: a sync has failed".into());
                self.disk.die(Death::Process);
                Ok(())
            }
            Err(EngineError::Journal(error)) if self.excused.sync => {
                self.history.tell(|| format!("the shard stops: {error}"));
                self.disk.die(Death::Process);
                Ok(())
            }
            Err(error) => Err(format!("the shard stopped by itself: {error}")),
        }
    }

    fn take_answers(&mut self) -> Result<(), String> {
        let Some(node) = &mut self.node else { return Ok(()) };
        let durable = node.shard.durable_seq();
        while let Some((command, mut answer)) = node.answer()? {
            if answer.position.seq > durable {
                return Err(format!("record {} was answered before it was durable", answer.position.seq));
            }
            if let (Command::NewOrder(order), Event::OrderAccepted { order: id, .. }) =
                (&command, &answer.event)
            {
                self.firm.known.push((*id, *order));
            }
            if self.plant == Some(Plant::PhantomAnswer) && answer.position.seq > 60 {
                answer.event = Event::Done;
            }
            self.answers.push((command, answer));
        }
        Ok(())
    }

    pub(crate) fn flush_step(&mut self) {
        if let Some(node) = &mut self.node {
            node.shard.step_flusher();
        }
    }

    pub(crate) fn prepare_step(&mut self) {
        if let Some(node) = &mut self.node {
            node.shard.step_preparer();
        }
    }

    pub(crate) fn read_step(&mut self) -> Result<(), String> {
        let Some(node) = &mut self.node else { return Ok(()) };
        match node.shard.replica().step() {
            Ok(_) => Ok(()),
            Err(_) if self.disk.is_dead() => Ok(()),
            Err(error) => Err(format!("the read side cannot follow: {error}")),
        }
    }

    /// Everything that was handed to the shard becomes durable and leaves.
    fn flush(&mut self) -> Result<(), String> {
        for _ in 0..3 {
            while self.node.as_mut().is_some_and(|node| node.shard.step_flusher()) {}
            self.turn()?;
        }
        Ok(())
    }

    pub(crate) fn gateway(&mut self) {
        if self.history.events < self.stalled_until {
            return;
        }
        let Some(node) = &mut self.node else { return };
        node.gateway();
        let never_sent = node.called_never_sent().into_iter();
        self.denied.extend(never_sent.filter(|id| self.broker.received.contains_key(&id.to_string())));
        let durable = node.shard.durable_seq();
        let early = self.plant == Some(Plant::EarlyRelease) && node.shard.position().seq > durable;
        let mut wire = self.line.wire();
        let numbered = std::mem::take(&mut wire.numbered);
        drop(wire);
        for id in &numbered {
            self.history.tell(|| format!("gateway: {id} is numbered"));
        }
        self.left.extend(numbered);
        if early && let Some((id, _)) = self.firm.known.last() {
            self.left.push(WireId { seq: node.shard.position().seq, ..*id });
        }
    }

    pub(crate) fn deliver(&mut self) {
        if let Some(node) = &mut self.node {
            node.deliver();
        }
    }

    /// What has come over the line to the broker.
    pub(crate) fn arrive(&mut self) -> Result<(), String> {
        let message = self.line.wire().take_for_broker();
        let Some(message) = message else { return Ok(()) };
        if self.line.wire().is_stale(&message) {
            let id = message.get(11).unwrap_or_default();
            return Err(format!("{id} was sent again in a later connection"));
        }
        self.history.tell(|| {
            let id = message.get(11).unwrap_or_default();
            format!("broker: 35={} 11={id}", char::from(message.msg_type))
        });
        self.broker.receive(&message);
        let twice = self.broker.received.iter().find(|(_, times)| **times > 1);
        match twice {
            Some((id, times)) => Err(format!("the broker received {id} {times} times")),
            None => Ok(()),
        }
    }

    fn broker_acts(&mut self) {
        if self.dice.once_in(2) {
            self.broker.act();
        }
        if self.dice.once_in(30) {
            self.line.wire().heartbeat();
        }
        if self.dice.once_in(12) {
            self.broker.ramble();
        }
        for _ in 0..self.dice.below(4) {
            let Some(body) = self.broker.to_say.pop_front() else { break };
            self.history.tell(|| format!("broker says {}", body.get(..300).unwrap_or(&body)));
            self.line.wire().say(&body);
        }
    }

    fn submit(&mut self) {
        let mut command = match self.breaking() {
            Some(command) => command,
            None => self.firm.command(&mut self.dice),
        };
        if let Command::NewOrder(order) = &mut command
            && self.plant == Some(Plant::BrokenInvariant)
        {
            order.cl_ord_id = ClOrdId::cut(BREAKS);
        }
        let Some(node) = &mut self.node else { return };
        match node.submit(command) {
            Ok(()) => self.history.tell(|| format!("firm: {command:?}")),
            Err(refused) => self.history.fault("command refused", || format!("{refused}: {command:?}")),
        }
    }

    /// What breaks an invariant, or takes back whom that has set aside.
    fn breaking(&mut self) -> Option<Command> {
        let dice = self.breaks.as_mut()?;
        match dice.below(60) {
            0..2 => {
                self.history.fault("invariant broken", String::new);
                Some(Firm::breaking_order(dice))
            }
            2..4 => self.release(),
            _ => None,
        }
    }

    /// Takes back the first who is set aside.
    pub(crate) fn release(&self) -> Option<Command> {
        let core = self.node.as_ref()?.shard.core();
        core.broken().first().map(|broken| Command::Release(broken.aside))
    }

    pub(crate) fn submit_release(&mut self) {
        let release = self.release();
        if let (Some(node), Some(command)) = (&mut self.node, release)
            && node.unanswered() == 0
        {
            // Where there is no room, the next round asks again.
            let _ = node.submit(command);
        }
    }

    fn quote(&mut self) {
        let (instrument, quote) = quote(&mut self.dice);
        if let Some(node) = &self.node {
            node.quote(instrument, quote);
        }
    }
}

impl World {
    pub(crate) fn is_planted(&self, plant: Plant) -> bool {
        self.plant == Some(plant)
    }

    pub(crate) fn verdict(mut self, seed: u64, failure: Option<String>) -> crate::Verdict {
        let (dropped, delayed) = {
            let wire = self.line.wire();
            (wire.dropped, wire.delayed)
        };
        let (torn, full, sync) = {
            let disk = self.disk.state();
            (disk.torn_sectors, disk.refused_full, disk.refused_sync)
        };
        for (kind, times) in [
            ("message dropped", dropped),
            ("message delayed", delayed),
            ("report repeated", self.broker.repeated),
            ("report reordered", self.broker.reordered),
            ("question unanswered", self.broker.unanswered_questions),
            ("request lost by the broker", self.broker.lost),
            ("fill only counted", self.broker.counted_only),
            ("sector lost", torn),
            ("refused for space", full),
            ("sync refused", sync),
        ] {
            self.history.count(kind, times);
        }
        crate::Verdict {
            seed,
            events: self.history.events,
            simulated_ns: self.clock.elapsed_ns(),
            records: self.auditor.seq(),
            segments: self.segments,
            executions: self.broker.log.len() as u64,
            faults: std::mem::take(&mut self.history.faults),
            failure,
            digest: self.auditor.digest(),
            story: self.history.story().to_owned(),
        }
    }
}
