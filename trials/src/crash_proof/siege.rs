//! One world under siege: a node and a broker that are killed and started again, orders all the while, and the
//! evidence read on and judged each time everything is up and quiet.

use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crash_point::{Arm, Point};
use node::config::Durability;
use rustix::process::{Pid, Signal, kill_process};

use super::plan::Planned;
use super::report::{Report, Tally};
use super::rows::{Place, Row};
use super::{CrashProofOptions, Durabilities, TrialError};
use crate::acknowledged;
use crate::driver::Driver;
use crate::evidence::Evidence;
use crate::findings::Findings;
use crate::flow::Dice;
use crate::progress::Progress;
use crate::world::{Setting, Who, World};

/// How far the trading is after a kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The node does not answer yet.
    Away,
    /// It answers; a session is not ready, or what the kill left is not judged yet.
    Clearing,
    /// Orders flow.
    Trading,
}

pub(super) struct Siege {
    world: World,
    driver: Driver,
    evidence: Evidence,
    durability: Durabilities,
    dice: Dice,
    phase: Phase,
    /// The row whose kill was the last: what is found is found after it.
    last: &'static str,
    /// What was told to the report already.
    told: Tally,
}

/// A place is come to within this, or it is not.
const LIFE: Duration = Duration::from_secs(15);
/// And within so many requests.
const MOST_REQUESTS: u32 = 2_500;
/// Requests in a row, and the pause behind them: some two thousand a second.
const MOST_AT_ONCE: u64 = 8;
const PAUSE: Duration = Duration::from_millis(2);
/// A broker with a long log needs a while to read it.
const BROKER_UP_WITHIN: Duration = Duration::from_secs(30);
/// Sessions are ready, and everything that is on its way arrives, within this, also on a busy machine.
const SETTLED_WITHIN: Duration = Duration::from_mins(1);
/// What did not arrive before will not now: later looks are shorter.
const KNOWN_UNSETTLED: Duration = Duration::from_secs(2);
/// A random kill strikes within this after the start of a process.
const RANDOM_WITHIN_MS: u64 = 700;
/// The second of two random kills follows within this.
const SECOND_WITHIN_MS: u64 = 40;
/// A place that was not come to gets so many more chances.
const MORE_CHANCES: u32 = 3;

impl Siege {
    /// A world of its own, with money in it.
    pub(super) fn begin(options: &CrashProofOptions, name: &str, number: u64) -> Result<Self, TrialError> {
        let seed = options.seed.wrapping_add(number);
        let durability = match options.durability {
            Durabilities::Disk => Durability::Disk,
            Durabilities::Process | Durabilities::Both => Durability::Process,
        };
        let mut world = World::start(Setting {
            keep: options.keep.as_ref().map(|keep| keep.join(name)),
            quotes: None,
            speed: String::new(),
            seed,
            // Two where kills strike anywhere: whatever one shard does then, the other is in the middle of.
            shards: if name == "random" { 2 } else { 1 },
            durability,
            restless: true,
            slow_broker: options.slow_broker,
            trace: false,
        })?;
        let mut driver = Driver::connect(seed, &world)?;
        driver.deposit(&mut world)?;
        driver.wait_quotes(&world)?;
        let evidence = Evidence::new(&world.config, &world.root);
        Ok(Self {
            world,
            driver,
            evidence,
            durability: options.durability,
            dice: Dice::new(seed ^ 0x6b69_6c6c),
            phase: Phase::Clearing,
            last: "",
            told: Tally::default(),
        })
    }

    /// Every strike that is planned in this world.
    pub(super) fn hold(
        &mut self,
        strikes: &[Planned],
        report: &mut Report,
        progress: &mut Progress,
    ) -> Result<(), TrialError> {
        for Planned { row, strikes } in strikes {
            let mut strike = 0;
            while strike < *strikes || (!report.was_reached(row.name) && strike < strikes + MORE_CHANCES) {
                self.strike_row(row, self.durability.of(row, strike), report)?;
                strike += 1;
                let (done, all) = report.progress();
                progress.bar(done, all, &report.line(row.name));
            }
        }
        Ok(())
    }

    fn strike_row(
        &mut self,
        row: &Row,
        durability: Durability,
        report: &mut Report,
    ) -> Result<(), TrialError> {
        if let Some(before) = row.before(durability) {
            self.strike(before, row.name, 60, durability, report)?;
        }
        let reached = self.strike(row.place, row.name, row.most, durability, report)?;
        report.struck(row.name, reached);
        // A broker seldom dies alone.
        if row.kills_broker() && !self.world.has_ended(Who::Node) && self.dice.below(2) == 0 {
            std::thread::sleep(Duration::from_millis(self.dice.below(SECOND_WITHIN_MS)));
            self.world.kill(Who::Node)?;
            self.bury(Who::Node)?;
        }
        Ok(())
    }

    /// One kill; true where it struck at its place.
    fn strike(
        &mut self,
        place: Place,
        name: &'static str,
        most: u64,
        durability: Durability,
        report: &mut Report,
    ) -> Result<bool, TrialError> {
        let nth = 1 + self.dice.below(most);
        let arm = |point| Arm { point, nth };
        let (node, broker, victims): (_, _, &[Who]) = match place {
            Place::Point(point) if is_broker(point) => (None, Some(arm(point)), &[Who::Broker]),
            Place::Point(point) => (Some(arm(point)), None, &[Who::Node]),
            Place::Node => (None, None, &[Who::Node]),
            Place::Broker => (None, None, &[Who::Broker]),
            Place::Both => (None, None, &[Who::Broker, Who::Node]),
        };
        self.arrange(durability, node, broker)?;
        let killers = if matches!(place, Place::Point(_)) { Vec::new() } else { self.send_killers(victims) };
        let reached = self.trade_until_death(victims, report);
        for killer in killers {
            // It only sleeps and kills.
            drop(killer.join());
        }
        let reached = reached?;
        self.last = name;
        for who in victims {
            self.bury(*who)?;
        }
        report.killed(name);
        Ok(reached)
    }

    /// Kills at random instants, by threads of their own: whatever this one is doing then.
    fn send_killers(&mut self, victims: &[Who]) -> Vec<JoinHandle<()>> {
        let mut delay = Duration::from_millis(self.dice.below(RANDOM_WITHIN_MS));
        let mut killers = Vec::new();
        for who in victims {
            if let Some(pid) = self.world.pid(*who) {
                killers.push(killer(pid, delay));
            }
            delay += Duration::from_millis(self.dice.below(SECOND_WITHIN_MS));
        }
        killers
    }

    /// Both processes up, armed as asked; who must be armed and runs already dies for it.
    fn arrange(
        &mut self,
        durability: Durability,
        node: Option<Arm>,
        broker: Option<Arm>,
    ) -> Result<(), TrialError> {
        if broker.is_some() && !self.world.has_ended(Who::Broker) {
            self.world.kill(Who::Broker)?;
        }
        if self.world.has_ended(Who::Broker) {
            self.world.start_again(Who::Broker, broker)?;
            self.phase = self.phase.min_clearing();
        }
        if node.is_some() && !self.world.has_ended(Who::Node) {
            self.world.kill(Who::Node)?;
            self.bury(Who::Node)?;
        }
        if self.world.has_ended(Who::Node) {
            self.world.set_durability(durability)?;
            self.world.start_again(Who::Node, node)?;
        }
        let deadline = Instant::now() + BROKER_UP_WITHIN;
        while !self.world.broker_listens() && !self.world.has_ended(Who::Broker) {
            if Instant::now() >= deadline {
                let (what, logs) = ("the broker's start".to_owned(), self.world.root.clone());
                return Err(TrialError::Late { what, seconds: BROKER_UP_WITHIN.as_secs(), logs });
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        // One that is dead again already quotes nothing.
        if !self.driver.market_has_ended() || self.driver.listen_again(&self.world).is_ok() {
            return Ok(());
        }
        if self.world.has_ended(Who::Broker) { Ok(()) } else { self.driver.listen_again(&self.world) }
    }

    /// Sees that it was SIGKILL, and takes what the dead had still said.
    fn bury(&mut self, who: Who) -> Result<(), TrialError> {
        self.world.ended_by_kill(who)?;
        if who == Who::Node {
            self.driver.take_last_answers(&mut self.world);
            self.phase = Phase::Away;
        }
        Ok(())
    }

    /// Orders, until all victims are dead; false where they had to be killed because they did not come to their place.
    fn trade_until_death(&mut self, victims: &[Who], report: &mut Report) -> Result<bool, TrialError> {
        let (deadline, mut sent) = (Instant::now() + LIFE, 0);
        loop {
            let dead = victims.iter().filter(|who| self.world.has_ended(**who)).count();
            if dead == victims.len() {
                return Ok(true);
            }
            if Instant::now() >= deadline || sent >= MOST_REQUESTS {
                for who in victims {
                    if !self.world.has_ended(*who) {
                        self.world.kill(*who)?;
                    }
                }
                return Ok(false);
            }
            sent += self.advance(victims, report)?;
        }
    }

    /// The next thing to do; gives how many requests were sent.
    fn advance(&mut self, victims: &[Who], report: &mut Report) -> Result<u32, TrialError> {
        for who in [Who::Node, Who::Broker] {
            if self.world.has_ended(who) && !victims.contains(&who) {
                self.world.ended_by_kill(who)?;
            }
        }
        let done = match self.phase {
            Phase::Away => self.driver.reconnect(Duration::from_millis(10)).map(|()| {
                self.phase = Phase::Clearing;
                0
            }),
            Phase::Clearing => self.clear(victims, report).map(|()| 0),
            Phase::Trading => self.trade(),
        };
        match done {
            // The node is dead, or dying, or not there yet.
            Err(TrialError::Client(_)) => {
                self.phase = Phase::Away;
                std::thread::sleep(Duration::from_millis(1));
                Ok(0)
            }
            done => done,
        }
    }

    /// A few requests at once, then a pause: what waits for QuickFIX must not grow from kill to kill.
    fn trade(&mut self) -> Result<u32, TrialError> {
        let mut sent = 0;
        for _ in 0..=self.dice.below(MOST_AT_ONCE) {
            sent += u32::from(self.driver.send_next(&mut self.world)?);
        }
        self.driver.flush()?;
        std::thread::sleep(PAUSE);
        Ok(sent)
    }

    /// Once the sessions are ready and nothing is on its way: judges, and asks again what was not answered.
    fn clear(&mut self, victims: &[Who], report: &mut Report) -> Result<(), TrialError> {
        let (pause, started) = (Duration::from_millis(4), Instant::now());
        let patience = if self.evidence.findings.is_empty() { SETTLED_WITHIN } else { KNOWN_UNSETTLED };
        let is_alive = |world: &mut World| !victims.iter().any(|who| world.has_ended(*who));
        while is_alive(&mut self.world) {
            let status = self.driver.status(&mut self.world)?;
            self.evidence.note_shown(&status);
            if !Driver::is_ready(&self.world, &status) {
                std::thread::sleep(pause);
                if started.elapsed() < SETTLED_WITHIN {
                    continue;
                }
                let (what, logs) = ("a session ready for orders".to_owned(), self.world.root.clone());
                return Err(TrialError::Late { what, seconds: SETTLED_WITHIN.as_secs(), logs });
            }
            self.evidence.read_on()?;
            if self.evidence.is_settled() || started.elapsed() >= patience {
                // What dies in the middle of the last look left nothing settled.
                if is_alive(&mut self.world) {
                    self.evidence.judge(&self.driver.acknowledged);
                    self.tell(report);
                    self.driver.ask_again(&mut self.world)?;
                    self.phase = Phase::Trading;
                }
                return Ok(());
            }
            std::thread::sleep(pause);
        }
        Ok(())
    }

    /// What is new since the last time belongs to the last kill.
    fn tell(&mut self, report: &mut Report) {
        let now = Tally {
            orders: self.driver.acknowledged.len() as u64,
            fills: self.evidence.executions().0 as u64,
            findings: self.evidence.findings.clone(),
            ..Tally::default()
        };
        let new = Tally {
            orders: now.orders - self.told.orders,
            fills: now.fills - self.told.fills,
            findings: now.findings.since(&self.told.findings),
            ..Tally::default()
        };
        report.add(self.last, &new);
        self.told = now;
    }

    /// Cancels what is open, stops both as an operator would, and judges everything they leave.
    pub(super) fn end(&mut self, report: &mut Report) -> Result<(), TrialError> {
        let durability = self.durability;
        let first = if durability == Durabilities::Disk { Durability::Disk } else { Durability::Process };
        self.arrange(first, None, None)?;
        let deadline = Instant::now() + SETTLED_WITHIN + LIFE;
        while self.phase != Phase::Trading {
            self.advance(&[], report)?;
            if Instant::now() >= deadline {
                let (what, logs) = ("the last start".to_owned(), self.world.root.clone());
                return Err(TrialError::Late { what, seconds: (SETTLED_WITHIN + LIFE).as_secs(), logs });
            }
        }
        self.driver.drain(&mut self.world)?;
        match self.driver.wind_up(&mut self.world) {
            // Orders that do not end are found below, each by its name.
            Ok(()) | Err(TrialError::Late { .. }) => {}
            Err(error) => return Err(error),
        }
        let status = self.driver.status(&mut self.world)?;
        self.evidence.note_shown(&status);
        acknowledged::write(&self.driver.acknowledged, &self.world.root)?;
        self.world.stop()?;
        self.evidence.read_on()?;
        self.evidence.judge_end(&self.driver.acknowledged);
        self.tell(report);
        Ok(())
    }

    /// Keeps the world where something is to be looked at; false where nothing more can be proved.
    pub(super) fn conclude(mut self, held: Result<(), TrialError>, report: &mut Report) -> bool {
        let findings: &Findings = &self.evidence.findings;
        if held.is_err() || !findings.is_empty() {
            let root = self.world.keep();
            // Best effort: the report says it too.
            let _ = acknowledged::write(&self.driver.acknowledged, root);
            let lines: Vec<String> = findings.lines().map(|line| line + "\n").collect();
            let _ = std::fs::write(root.join("findings.txt"), lines.concat());
            report.keep(root, self.last);
        }
        match held {
            Ok(()) => true,
            Err(error) => {
                report.broken(&error, self.last);
                false
            }
        }
    }
}

impl Phase {
    /// The broker is new: what it left is judged before orders flow on.
    const fn min_clearing(self) -> Self {
        match self {
            Self::Away => Self::Away,
            Self::Clearing | Self::Trading => Self::Clearing,
        }
    }
}

fn is_broker(point: Point) -> bool {
    point.name().starts_with("broker.")
}

fn killer(pid: Pid, delay: Duration) -> JoinHandle<()> {
    std::thread::spawn(move || {
        std::thread::sleep(delay);
        // One that has ended meanwhile is not waited for before this thread is: nobody else has its number.
        let _ = kill_process(pid, Signal::KILL);
    })
}
