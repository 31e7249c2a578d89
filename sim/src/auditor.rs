//! The auditor: follows the journal as anybody may, with a naive twin of the core at its side, and compares.
//!
//! The twin is the one of the core's own tests: plain maps and 128-bit integers, no code shared with the core. It
//! takes the journal's inputs, the core's word for what was accepted, checks that it could be, and works out the rest.

use std::collections::{BTreeMap, BTreeSet};

use actors::{Asset, Core};
use engine::{Digest, Replay};
use journal::{Folder, Follower, Reader, Record};
use model::{
    AccountId, CashMoveKind, Command, Denial, DenyReason, Event, ExecId, ExecType, Input, InstrumentId,
    RecordBody, Scope, ShardId, Timestamp, WireId,
};

use crate::firm::{FUND, SETS_ASIDE, currency};
use crate::invariants;
use crate::plant::Plant;
use crate::twin::{MONEY, PRICE, Twin, UNITS, whole};

/// What is known of a record that was durable.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    crc: u32,
    /// The digest behind it.
    pub(crate) digest: Digest,
    /// A command's answer, and the command.
    pub(crate) answered: Option<(Command, Event)>,
}

/// Follows the journal of one shard.
pub(crate) struct Auditor {
    replay: Replay<Core>,
    pub(crate) twin: Twin,
    follower: Option<Follower>,
    /// A record that has no effect, as the next one says.
    held: Option<Record<RecordBody>>,
    /// The command of the last one.
    failed: Option<Command>,
    pub(crate) known: Vec<Known>,
    /// Every id an order or request was given.
    pub(crate) issued: BTreeSet<WireId>,
    plant: Option<Plant>,
}

impl Auditor {
    pub(crate) fn new(shard: ShardId, plant: Option<Plant>) -> Self {
        Self {
            replay: Replay::<Core>::new(shard),
            twin: Twin::default(),
            follower: None,
            held: None,
            failed: None,
            known: Vec::new(),
            issued: BTreeSet::new(),
            plant,
        }
    }

    /// One that has read nothing yet.
    pub(crate) fn anew(&self) -> Self {
        Self::new(self.replay.position().shard, self.plant)
    }

    /// Up to which record it has come.
    pub(crate) fn seq(&self) -> u64 {
        self.known.len() as u64
    }

    pub(crate) const fn core(&self) -> &Core {
        self.replay.core()
    }

    pub(crate) const fn digest(&self) -> Digest {
        self.replay.digest()
    }

    /// A new opening: every record that was durable must be what it was.
    pub(crate) fn attach(&mut self, journal: &Folder) -> Result<(), String> {
        let mut reader = Reader::open(journal).map_err(|error| error.to_string())?;
        for (seq, known) in (1u64..).zip(&self.known) {
            match reader.next::<RecordBody>() {
                Ok(Some(record)) if record.crc == known.crc => {}
                Ok(Some(_)) => return Err(format!("record {seq} was durable, and is another one now")),
                Ok(None) => return Err(format!("record {seq} was durable, and is gone")),
                Err(error) => return Err(format!("record {seq} was durable, and cannot be read: {error}")),
            }
        }
        let follower = Follower::open(journal, self.seq() + 1).map_err(|error| error.to_string())?;
        self.follower = Some(follower);
        Ok(())
    }

    /// The machine died: whoever followed, did so in that machine.
    pub(crate) fn detach(&mut self) {
        (self.follower, self.held) = (None, None);
    }

    /// Takes every record that is durable by now.
    pub(crate) fn follow(&mut self) -> Result<u64, String> {
        let mut taken = 0;
        while let Some(follower) = &mut self.follower {
            let polled =
                follower.poll().map_err(|error| format!("the journal cannot be followed: {error}"))?;
            let Some(record) = polled else { break };
            if let Some(held) = self.held.take() {
                self.take(&held, Some(&record))?;
            }
            if sets_aside(&record) {
                self.held = Some(record);
            } else {
                self.take(&record, None)?;
            }
            taken += 1;
        }
        if taken > 0 {
            self.replay.core().verify().map_err(|found| found.to_string())?;
            compare(self.replay.core(), &self.twin)?;
        }
        Ok(taken)
    }

    fn take(
        &mut self,
        record: &Record<RecordBody>,
        following: Option<&Record<RecordBody>>,
    ) -> Result<(), String> {
        if record.position.seq != self.seq() + 1 {
            return Err(format!("record {} follows record {}", record.position.seq, self.seq()));
        }
        let planted = self.planted(record);
        let outcome = self.replay.step_before(&planted, following).map_err(|error| error.to_string())?;
        let answer = outcome.events.first().copied();
        for id in outcome.events.iter().filter_map(issued) {
            if !self.issued.insert(id) {
                return Err(format!("the id {id} was issued twice"));
            }
        }
        let mut answered = None;
        if following.is_some() {
            // It had no effect: its answer stands with the record that says so.
            self.failed = command_of(record);
        } else if let RecordBody::Input(input) = &record.body {
            invariants::of_outcome(input, outcome);
            if let (Input::Broken(_), Some(Command::NewOrder(order))) = (input, self.failed.take()) {
                let denial = Denial::of(DenyReason::AccountSetAside);
                let denied = Event::Denied { cl_ord_id: order.cl_ord_id, denial };
                answered = Some((Command::NewOrder(order), denied));
            }
            if is_of_interest(input, answer.as_ref()) {
                self.twin.hear(record.position, record.time.nanos, input, answer.as_ref());
            }
            let core = self.replay.core();
            self.twin.retire(record.time.nanos, input, |id| core.order(id).is_some());
            if let (Input::Command { command, .. }, Some(event)) = (input, answer) {
                check_cash(command, &event)?;
                answered = Some((*command, event));
            }
        }
        self.known.push(Known { crc: record.crc, digest: self.replay.digest(), answered });
        Ok(())
    }

    /// The record as a broken core would take it.
    fn planted(&mut self, record: &Record<RecordBody>) -> Record<RecordBody> {
        let mut planted = record.clone();
        match (self.plant, &mut planted.body) {
            (Some(Plant::DoubleBooking), RecordBody::Input(Input::ExecutionReport(report)))
                if report.exec_type == ExecType::Trade =>
            {
                let again = model::ExecutionReport { exec_id: ExecId::cut("twice"), ..*report };
                let body = RecordBody::Input(Input::ExecutionReport(again));
                // Its effect is what is planted; that it is refused or not is the core's business.
                let _ = self.replay.step(&Record { body, ..record.clone() });
            }
            (
                Some(Plant::WrongCashSign),
                RecordBody::Input(Input::Command { command: Command::MoveCash(moved), .. }),
            ) => {
                moved.kind = match moved.kind {
                    CashMoveKind::Deposit if record.position.seq > 20 => CashMoveKind::Withdrawal,
                    kind => kind,
                };
            }
            (Some(Plant::UnrepeatableCore), RecordBody::Input(Input::Command { .. }))
                if record.position.seq.is_multiple_of(10) =>
            {
                planted.time = Timestamp::from_nanos(record.time.nanos + 1);
            }
            _ => {}
        }
        planted
    }
}

/// An order of the name that breaks an invariant.
fn sets_aside(record: &Record<RecordBody>) -> bool {
    matches!(command_of(record), Some(Command::NewOrder(order)) if order.cl_ord_id.as_str() == SETS_ASIDE)
}

fn command_of(record: &Record<RecordBody>) -> Option<Command> {
    match &record.body {
        RecordBody::Input(Input::Command { command, .. }) => Some(*command),
        _ => None,
    }
}

fn issued(event: &Event) -> Option<WireId> {
    match event {
        Event::OrderAccepted { order, .. } => Some(*order),
        Event::RequestAccepted { request, .. } => Some(*request),
        _ => None,
    }
}

/// The twin takes the core's word for how much cash moved: here it is compared with what was asked for.
fn check_cash(command: &Command, event: &Event) -> Result<(), String> {
    let (Command::MoveCash(moved), Event::CashMoved { account, money }) = (command, event) else {
        return Ok(());
    };
    let asked = match moved.kind {
        CashMoveKind::Deposit => moved.money.amount,
        CashMoveKind::Withdrawal => moved.money.amount.negated(),
    };
    same(
        "cash that moved",
        &(*account, money.amount, money.currency),
        &(moved.account, asked, moved.money.currency),
    )
}

/// The twin knows the rules about cash, positions and exposure; what others deny changes nothing, and it has no word
/// for numbers it could not hold. Of halts it knows those of the whole firm.
fn is_of_interest(input: &Input, answer: Option<&Event>) -> bool {
    match (input, answer) {
        (Input::Command { .. }, Some(Event::Denied { denial, .. })) => {
            denial.reason.number() >= DenyReason::PositionLimit.number()
        }
        (Input::Command { command: Command::Halt(scope) | Command::Resume(scope), .. }, _) => {
            *scope == Scope::Firm
        }
        _ => true,
    }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, core: &T, twin: &T) -> Result<(), String> {
    if core == twin { Ok(()) } else { Err(format!("{what}: the core has {core:?}, its twin {twin:?}")) }
}

/// The currency of an instrument has its index.
fn compare(core: &Core, twin: &Twin) -> Result<(), String> {
    for account in core.accounts() {
        for index in 1..3 {
            compare_account(account, index, twin)?;
        }
    }
    for index in 1..3 {
        let Some(portfolio) = core.portfolio(FUND) else { continue };
        let exposure = portfolio.exposure(currency(index));
        let (positions, open) = twin.exposure(index);
        same("exposure of positions", &whole(exposure.positions.get(), MONEY), &positions)?;
        same("exposure of open orders", &whole(exposure.open_orders.get(), MONEY), &open)?;
    }
    for (id, expected) in &twin.orders {
        let Some(order) = core.order(*id) else { return Err(format!("order {id} is gone")) };
        same(&format!("worst price of {id}"), &whole(order.unit_price.get(), PRICE), &expected.price)?;
        same(&format!("executed of {id}"), &whole(order.cum_quantity.get(), UNITS), &expected.filled)?;
        let doubt = order.certainty == model::Certainty::InDoubt;
        same(&format!("doubt about {id}"), &doubt, &expected.doubt)?;
        let missing = order.unexplained.map_or(0, |unexplained| whole(unexplained.quantity.get(), UNITS));
        same(&format!("missing of {id}"), &missing, &expected.missing)?;
        let pending = order.pending.map(|pending| pending.request);
        same(&format!("request about {id}"), &pending, &expected.asked.map(|asked| asked.request))?;
        same(&format!("whether {id} is finished"), &order.is_finished(), &!expected.is_open())?;
        same(&format!("the name of {id}"), &order.wire_id, &expected.wire_id)?;
    }
    Ok(())
}

fn compare_account(account: &actors::Account, index: u32, twin: &Twin) -> Result<(), String> {
    let key = (account.definition.id.index, index);
    let holding = account.holding(InstrumentId::new(index));
    let expected = twin.holdings.get(&key).copied().unwrap_or_default();
    let what = |name: &str| format!("{name} of account {} in instrument {index}", key.0);
    same(&what("position"), &whole(holding.position.get(), UNITS), &expected.position)?;
    same(&what("cost"), &whole(holding.cost.get(), MONEY), &expected.cost)?;
    same(&what("profit"), &whole(holding.realised.get(), MONEY), &expected.realised)?;
    same(&what("fees"), &whole(holding.fees.get(), MONEY), &expected.fees)?;
    same(&what("open to buy"), &whole(holding.open_buy.get(), UNITS), &twin.open_units(key, true))?;
    same(&what("open to sell"), &whole(holding.open_sell.get(), UNITS), &twin.open_units(key, false))?;
    let Some(book) = account.ledger().book(Asset::Cash(currency(index))) else { return Ok(()) };
    let settled = twin.settled.get(&key).copied().unwrap_or_default();
    same(&what("settled cash"), &whole(book.settled().get(), MONEY), &settled)?;
    let owned = book.owned().map_err(|error| error.to_string())?;
    same(&what("cash"), &whole(owned.get(), MONEY), &twin.owned(key))?;
    same(&what("reserved cash"), &whole(book.reserved().get(), MONEY), &twin.reserved_cash(key))
}

/// The orders of a core that may still do something.
pub(crate) fn open_orders(core: &Core) -> BTreeMap<WireId, AccountId> {
    let open = core.accounts().flat_map(|account| core.open_orders(account.definition.id));
    open.map(|order| (order.id, order.account)).collect()
}
