//! The line to the broker: a session engine with its store, the network, and the broker's session layer.
//!
//! It behaves as `QuickFIX` does around a crash (see the crate `fix-gateway`): the store survives the process, the end
//! of it may not survive the power; what was numbered is never numbered again; what the broker asks to have resent is
//! gap-filled; before a logon the next expected number is set from the journal.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fix_gateway::{Draft, Inbox, Incident, Link, SendOutcome, SentMessage, SentRecord};
use model::{QuarantineCause, WireId};

use crate::clock::SimClock;
use crate::dice::Dice;
use crate::plant::Plant;

/// A message of ours on its way to the broker.
#[derive(Clone, Debug)]
pub(crate) struct Transmission {
    /// The connection it was numbered in: it must not go out in a later one.
    connection: u64,
    pub(crate) msg_type: u8,
    pub(crate) fields: Vec<(u32, String)>,
}

impl Transmission {
    pub(crate) fn get(&self, tag: u32) -> Option<&str> {
        self.fields.iter().find(|(found, _)| *found == tag).map(|(_, value)| value.as_str())
    }
}

#[derive(Clone, Debug)]
enum ToBroker {
    Message(u64, Transmission),
    /// Send again from this number on.
    Resend(u64),
}

#[derive(Clone, Debug)]
enum ToUs {
    Application {
        seq: u64,
        again: bool,
        body: String,
    },
    /// Nothing but a number.
    Admin {
        seq: u64,
    },
    LoggedOn,
}

/// Our engine's files.
#[derive(Debug)]
struct SentFiles {
    next_out: u64,
    /// What was numbered, with the text of it: as the body file.
    body: Vec<(u64, SentMessage, Transmission)>,
    trusted: bool,
    /// What may have been lost with the end, and was unanswered; synced when it is noted.
    unproven: BTreeSet<WireId>,
}

#[derive(Debug)]
pub(crate) struct LineState {
    clock: SimClock,
    dice: Dice,
    plant: Option<Plant>,
    store: SentFiles,
    /// The number of the broker's that we take next.
    next_in: u64,
    asked_resend: bool,
    connections: u64,
    connected: bool,
    logged_on: bool,
    to_broker: VecDeque<(i64, ToBroker)>,
    to_us: VecDeque<(i64, ToUs)>,
    /// The broker's session layer.
    broker_expects: u64,
    broker_next_out: u64,
    /// What it said, by number: `None` where that was nothing to resend.
    said: Vec<Option<String>>,
    /// Faults, for the count.
    pub(crate) dropped: u64,
    pub(crate) delayed: u64,
    /// Every order or request that we numbered, and whether its record was durable then.
    pub(crate) numbered: Vec<WireId>,
}

/// The line. Clones are the same one.
#[derive(Clone, Debug)]
pub(crate) struct SimLine {
    wire: Arc<Mutex<LineState>>,
}

impl SimLine {
    pub(crate) fn new(clock: SimClock, seed: u64, plant: Option<Plant>) -> Self {
        let wire = LineState {
            clock,
            dice: Dice::new(seed),
            plant,
            store: SentFiles { next_out: 1, body: Vec::new(), trusted: true, unproven: BTreeSet::new() },
            next_in: 1,
            asked_resend: false,
            connections: 0,
            connected: false,
            logged_on: false,
            to_broker: VecDeque::new(),
            to_us: VecDeque::new(),
            broker_expects: 1,
            broker_next_out: 1,
            said: Vec::new(),
            dropped: 0,
            delayed: 0,
            numbered: Vec::new(),
        };
        Self { wire: Arc::new(Mutex::new(wire)) }
    }

    pub(crate) fn wire(&self) -> MutexGuard<'_, LineState> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands the next message that has arrived to the gateway; false where there is none.
    pub(crate) fn deliver(&self, inbox: &dyn Inbox) -> bool {
        let arrived = self.wire().arrive();
        match arrived {
            None => return false,
            Some(Arrived::LoggedOn) => inbox.logged_on(),
            Some(Arrived::Application(raw)) => inbox.received(&raw),
            Some(Arrived::Nothing) => {}
        }
        true
    }
}

enum Arrived {
    LoggedOn,
    Application(Vec<u8>),
    Nothing,
}

impl LineState {
    fn due(&mut self, behind: Option<i64>) -> i64 {
        let slow = self.dice.once_in(50);
        self.delayed += u64::from(slow);
        let delay_us =
            if slow { self.dice.between(100_000, 3_000_000) } else { self.dice.between(20, 2_000) };
        let due = self.clock.now_ns() + i64::try_from(delay_us * 1_000).unwrap_or(0);
        behind.map_or(due, |behind| due.max(behind))
    }

    fn put_to_broker(&mut self, message: ToBroker) {
        let behind = self.to_broker.back().map(|(due, _)| *due);
        let due = self.due(behind);
        self.to_broker.push_back((due, message));
    }

    fn put_to_us(&mut self, message: ToUs) {
        let behind = self.to_us.back().map(|(due, _)| *due);
        let due = self.due(behind);
        self.to_us.push_back((due, message));
    }

    pub(crate) const fn is_connected(&self) -> bool {
        self.connected
    }

    /// Nothing is on its way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.to_broker.is_empty() && self.to_us.is_empty() && !self.has_gap()
    }

    /// The broker has said something that we do not have.
    pub(crate) const fn has_gap(&self) -> bool {
        self.next_in != self.broker_next_out
    }

    /// The broker has more of ours than our store: it refuses the logon and says what it expects, which is what we take.
    /// `None` where it does not.
    pub(crate) fn refuse(&mut self) -> Option<Incident> {
        let (sent, expected) = (self.store.next_out, self.broker_expects);
        if sent >= expected {
            return None;
        }
        self.store.next_out = expected;
        let raw = format!("MsgSeqNum too low, expecting {expected} but received {sent}").into_bytes();
        Some(Incident { cause: QuarantineCause::NumberTooLow, number: expected, raw })
    }

    /// An older copy of the store is put back while the node is down: nothing in it says so.
    pub(crate) fn restore_older_copy(&mut self) {
        self.forget_the_end();
    }

    /// Logon, by both sides. What we numbered and the broker never got is gap-filled; what the broker said and we do not
    /// have comes again first.
    pub(crate) fn log_on(&mut self) {
        self.connected = true;
        self.connections += 1;
        let missed: Vec<Transmission> = self
            .store
            .body
            .iter()
            .filter(|(seq, ..)| *seq >= self.broker_expects)
            .map(|(.., message)| message.clone())
            .collect();
        self.store.next_out += 1;
        self.broker_expects = self.store.next_out;
        if self.plant == Some(Plant::ResendsOrders) {
            for message in missed {
                self.put_to_broker(ToBroker::Message(0, message));
            }
        }
        self.say_nothing();
        self.resend(self.next_in);
        self.put_to_us(ToUs::LoggedOn);
    }

    /// A number of the broker's that stands for no application message.
    fn say_nothing(&mut self) -> u64 {
        let seq = self.broker_next_out;
        self.broker_next_out += 1;
        self.said.push(None);
        seq
    }

    fn resend(&mut self, from: u64) {
        let skipped = usize::try_from(from.saturating_sub(1)).unwrap_or(0);
        let again: Vec<(u64, Option<String>)> =
            (from..).zip(self.said.iter().skip(skipped).cloned()).collect();
        for (seq, body) in again {
            self.put_to_us(match body {
                Some(body) => ToUs::Application { seq, again: true, body },
                None => ToUs::Admin { seq },
            });
        }
    }

    /// The connection ends. Of what is on its way to the broker, a beginning arrives; see [`LineState::take_for_broker`].
    pub(crate) fn disconnect(&mut self) {
        (self.connected, self.logged_on, self.asked_resend) = (false, false, false);
        self.to_us.clear();
        let arriving = self.dice.index(self.to_broker.len() + 1);
        self.to_broker.truncate(arriving);
        let now = self.clock.now_ns();
        for (due, _) in &mut self.to_broker {
            *due = now;
        }
    }

    /// The process starts: its engine's number is set from the journal.
    pub(crate) fn prepare(&mut self, high_water: u64) {
        self.next_in = self.next_in.min(high_water + 1);
    }

    /// The machine lost its power: the store's end may be gone, and proves nothing until it is trusted again.
    pub(crate) fn lose_power(&mut self) {
        self.forget_the_end();
        self.store.trusted = false;
    }

    fn forget_the_end(&mut self) {
        let kept = self.store.body.len() - self.dice.index(self.store.body.len().min(12) + 1);
        self.store.body.truncate(kept);
        self.store.next_out = self.store.body.last().map_or(1, |(seq, ..)| seq + 1);
    }

    /// The broker says something.
    pub(crate) fn say(&mut self, body: &str) {
        let seq = self.broker_next_out;
        self.broker_next_out += 1;
        self.said.push(Some(body.to_owned()));
        if !self.connected {
            return;
        }
        if self.dice.once_in(60) {
            // Lost on the way: the next number shows the gap.
            self.dropped += 1;
            return;
        }
        self.put_to_us(ToUs::Application { seq, again: false, body: body.to_owned() });
    }

    /// The broker's heartbeat: shows a gap at the end.
    pub(crate) fn heartbeat(&mut self) {
        if self.connected {
            let seq = self.say_nothing();
            self.put_to_us(ToUs::Admin { seq });
        }
    }

    /// The next of our messages that has arrived at the broker.
    pub(crate) fn take_for_broker(&mut self) -> Option<Transmission> {
        let (due, _) = self.to_broker.front()?;
        if *due > self.clock.now_ns() {
            return None;
        }
        match self.to_broker.pop_front()?.1 {
            ToBroker::Resend(from) => {
                if self.connected {
                    self.resend(from);
                }
                self.take_for_broker()
            }
            ToBroker::Message(0, message) => Some(message),
            ToBroker::Message(seq, message) => {
                // Numbers of a connection arrive in order, or the connection ends.
                self.broker_expects = self.broker_expects.max(seq + 1);
                Some(message)
            }
        }
    }

    /// True for a message of an earlier connection.
    pub(crate) const fn is_stale(&self, message: &Transmission) -> bool {
        message.connection != self.connections
    }

    fn arrive(&mut self) -> Option<Arrived> {
        let (due, _) = self.to_us.front()?;
        if *due > self.clock.now_ns() {
            return None;
        }
        let (seq, body) = match self.to_us.pop_front()?.1 {
            ToUs::LoggedOn => {
                self.logged_on = true;
                return Some(Arrived::LoggedOn);
            }
            ToUs::Admin { seq } => (seq, None),
            ToUs::Application { seq, again, body } => (seq, Some((again, body))),
        };
        if seq > self.next_in {
            if !self.asked_resend {
                self.asked_resend = true;
                let from = self.next_in;
                self.put_to_broker(ToBroker::Resend(from));
            }
            return Some(Arrived::Nothing);
        }
        if seq < self.next_in {
            return Some(Arrived::Nothing);
        }
        self.next_in += 1;
        self.asked_resend = false;
        let Some((again, body)) = body else { return Some(Arrived::Nothing) };
        if self.plant == Some(Plant::LostReport) && self.dice.once_in(20) {
            return Some(Arrived::Nothing);
        }
        let again = if again { "43=Y|" } else { "" };
        let (msg_type, rest) = body.split_once('|').unwrap_or((&body, ""));
        Some(Arrived::Application(
            format!("8=FIX.4.4|{msg_type}|34={seq}|{again}{rest}").replace('|', "\x01").into_bytes(),
        ))
    }

    fn send(&mut self, draft: &Draft) -> SendOutcome {
        if !self.connected || !self.logged_on {
            return SendOutcome::NotSent;
        }
        let seq = self.store.next_out;
        let msg_type = draft.msg_type().bytes().next().unwrap_or(0);
        let mut fields: Vec<(u32, String)> =
            draft.fields().map(|(tag, value)| (tag, value.to_owned())).collect();
        if self.plant == Some(Plant::ForgedId) && self.dice.once_in(20) {
            for (_, value) in fields.iter_mut().filter(|(tag, _)| *tag == 11) {
                value.push('7');
            }
        }
        let message = Transmission { connection: self.connections, msg_type, fields };
        self.store.next_out += 1;
        self.store.body.push((seq, SentMessage { msg_type, cl_ord_id: draft.request() }, message.clone()));
        if msg_type != b'H'
            && let Some(id) = draft.request()
        {
            self.numbered.push(id);
        }
        self.put_to_broker(ToBroker::Message(seq, message));
        SendOutcome::Sent { seq }
    }
}

impl Link for SimLine {
    fn send(&mut self, draft: &Draft) -> SendOutcome {
        self.wire().send(draft)
    }
}

impl SentRecord for SimLine {
    fn which_were_sent(&self, wanted: &BTreeSet<WireId>) -> io::Result<BTreeSet<WireId>> {
        let wire = self.wire();
        if wire.plant == Some(Plant::ForgetfulRecord) {
            return Ok(BTreeSet::new());
        }
        let sent = wire.store.body.iter().filter(|(_, message, _)| message.msg_type != b'H');
        let sent =
            sent.filter_map(|(_, message, _)| message.cl_ord_id).chain(wire.store.unproven.iter().copied());
        Ok(sent.filter(|id| wanted.contains(id)).collect())
    }

    fn by_seq(&self, seq: u64) -> io::Result<Option<SentMessage>> {
        let wire = self.wire();
        Ok(wire.store.body.iter().rev().find(|(found, ..)| *found == seq).map(|(_, message, _)| *message))
    }

    fn absence_proves(&self) -> bool {
        self.wire().store.trusted
    }

    fn distrust(&self) -> io::Result<()> {
        let mut wire = self.wire();
        if wire.plant != Some(Plant::CredulousRecord) {
            wire.store.trusted = false;
        }
        Ok(())
    }

    fn trust(&self, unproven: &BTreeSet<WireId>) -> io::Result<()> {
        let mut wire = self.wire();
        wire.store.unproven.extend(unproven);
        wire.store.trusted = true;
        Ok(())
    }
}
