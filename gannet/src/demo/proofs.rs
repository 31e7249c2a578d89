//! The four proofs: the node's journal against the broker's own log, the books against zero, the replay against
//! what was recorded live.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use actors::Core;
use engine::{EngineError, Recovered, Replay, state_hash};
use journal::Reader;
use model::{Amount, Certainty, Event, OrderId, Position, Price, Quantity, Side, WireId};
use paper_broker::{Entry, Report as BrokerReport};

use super::DemoError;
use super::driver::Driver;
use super::world::World;
use crate::wire::Status;

/// One proof: does it hold, of what, and if not, what speaks against it.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Proof {
    /// True where nothing speaks against it.
    pub holds: bool,
    /// What was compared.
    pub of: String,
    /// The first few things that speak against it.
    pub against: Vec<String>,
}

/// The four.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Proofs {
    /// Every execution in the broker's log is in our books exactly once, and ours in its.
    pub executions_once: Proof,
    /// Each ClOrdID reached the broker at most once, and every acknowledged order has a fate.
    pub orders_once: Proof,
    /// The ledger sums to zero for every account and asset.
    pub ledger_zero: Proof,
    /// Replaying gives the digests that were recorded and shown live, and the same state twice.
    pub replay_equal: Proof,
}

/// One execution, as either side tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Execution {
    order: Option<OrderId>,
    symbol: String,
    side: Side,
    quantity: Quantity,
    price: Price,
}

/// What the journals say.
pub(super) struct Ours {
    pub(super) shards: Vec<Recovered>,
    executions: BTreeMap<String, Vec<Execution>>,
    /// The digest at each shard's live position, by replay.
    at_live: Vec<Option<(Position, String)>>,
    hashes: Vec<([u8; 32], [u8; 32])>,
}

/// What the broker's log says.
pub(super) struct Theirs {
    fills: BTreeMap<String, Vec<BrokerReport>>,
    /// How often each ClOrdID of an order or request arrived.
    pub(super) received: BTreeMap<String, u32>,
    pub(super) orders: u64,
}

const SHOWN: usize = 5;

impl Proof {
    fn new(of: String, mut against: Vec<String>) -> Self {
        let holds = against.is_empty();
        if against.len() > SHOWN {
            let more = against.len() - SHOWN;
            against.truncate(SHOWN);
            against.push(format!("... and {more} more"));
        }
        Self { holds, of, against }
    }
}

impl Proofs {
    /// True where all hold.
    pub const fn hold(&self) -> bool {
        self.executions_once.holds
            && self.orders_once.holds
            && self.ledger_zero.holds
            && self.replay_equal.holds
    }

    pub(super) fn new(ours: &Ours, theirs: &Theirs, driver: &Driver, live: &Status) -> Self {
        Self {
            executions_once: executions_once(ours, theirs),
            orders_once: orders_once(ours, theirs, driver),
            ledger_zero: ledger_zero(ours),
            replay_equal: replay_equal(ours, live),
        }
    }
}

impl Ours {
    pub(super) fn read(world: &World, live: &Status) -> Result<Self, DemoError> {
        let mut ours =
            Self { shards: Vec::new(), executions: BTreeMap::new(), at_live: Vec::new(), hashes: Vec::new() };
        for dir in world.journals() {
            ours.read_shard(&dir, live)?;
        }
        Ok(ours)
    }

    fn read_shard(&mut self, dir: &Path, live: &Status) -> Result<(), DemoError> {
        let mut reader = Reader::open(dir).map_err(EngineError::from)?;
        let mut replay = Replay::new(reader.shard());
        let watched =
            live.shards.iter().map(|row| row.position).find(|position| position.shard == reader.shard());
        let mut at_live = None;
        while let Some(record) = reader.next().map_err(EngineError::from)? {
            let events = replay.step(&record)?.events.clone();
            for event in &events {
                if let Event::Executed { order, exec_id, side, quantity, price, instrument, .. } = event {
                    let symbol =
                        replay.core().instrument(*instrument).map(|book| book.definition.symbol.to_string());
                    self.executions.entry(exec_id.to_string()).or_default().push(Execution {
                        order: Some(*order),
                        symbol: symbol.unwrap_or_default(),
                        side: *side,
                        quantity: *quantity,
                        price: *price,
                    });
                }
            }
            if Some(record.position) == watched {
                at_live = Some((record.position, replay.digest().to_string()));
            }
        }
        let recovered = replay.finish();
        let again = engine::replay(dir)?;
        self.hashes.push((state_hash(&recovered.core), state_hash(&again.core)));
        self.at_live.push(at_live);
        self.shards.push(recovered);
        Ok(())
    }

    pub(super) fn cores(&self) -> impl Iterator<Item = &Core> {
        self.shards.iter().map(|shard| &shard.core)
    }

    fn order(&self, id: WireId) -> Option<&actors::Order> {
        self.cores().find_map(|core| core.order(id))
    }

    pub(super) fn orders(&self) -> impl Iterator<Item = &actors::Order> {
        self.cores().flat_map(|core| core.accounts().flat_map(|account| core.orders(account.definition.id)))
    }

    pub(super) fn executions_len(&self) -> usize {
        self.executions.len()
    }
}

impl Theirs {
    pub(super) fn read(world: &World) -> Result<Self, DemoError> {
        let lines = paper_broker::read_log(&world.broker_log())
            .map_err(|error| DemoError::BrokerLog(error.to_string()))?;
        let mut theirs = Self { fills: BTreeMap::new(), received: BTreeMap::new(), orders: 0 };
        for line in lines {
            match line.entry {
                Entry::ReceivedNew(new) => {
                    theirs.orders += 1;
                    *theirs.received.entry(new.cl_ord_id).or_default() += 1;
                }
                Entry::ReceivedCancel(change) | Entry::ReceivedReplace(change) => {
                    *theirs.received.entry(change.cl_ord_id).or_default() += 1;
                }
                Entry::Fill(report) => theirs.fills.entry(report.exec_id.clone()).or_default().push(report),
                _ => {}
            }
        }
        Ok(theirs)
    }
}

fn executions_once(ours: &Ours, theirs: &Theirs) -> Proof {
    let mut against = Vec::new();
    for (exec_id, fills) in &theirs.fills {
        let booked = ours.executions.get(exec_id).map_or(&[][..], Vec::as_slice);
        match (fills.as_slice(), booked) {
            ([fill], [booked]) => {
                let told = told(ours, fill);
                if told.as_ref() != Some(booked) {
                    against.push(format!("{exec_id}: the broker says {told:?}, our books {booked:?}"));
                }
            }
            (fills, booked) => {
                against.push(format!(
                    "{exec_id}: {} times in the broker's log, {} in our books",
                    fills.len(),
                    booked.len()
                ));
            }
        }
    }
    for exec_id in ours.executions.keys().filter(|exec_id| !theirs.fills.contains_key(*exec_id)) {
        against.push(format!("{exec_id}: in our books, not in the broker's log"));
    }
    Proof::new(
        format!(
            "{} executions in the broker's log, {} in our books",
            theirs.fills.len(),
            ours.executions.len()
        ),
        against,
    )
}

fn told(ours: &Ours, fill: &BrokerReport) -> Option<Execution> {
    let order = fill.cl_ord_id.parse::<WireId>().ok().and_then(|id| ours.order(id)).map(|order| order.id);
    Some(Execution {
        order,
        symbol: fill.symbol.clone(),
        side: match fill.side? {
            paper_broker::Side::Buy => Side::Buy,
            paper_broker::Side::Sell => Side::Sell,
        },
        quantity: fill.last_qty.to_string().parse().ok()?,
        price: fill.last_px.to_string().parse().ok()?,
    })
}

fn orders_once(ours: &Ours, theirs: &Theirs, driver: &Driver) -> Proof {
    let mut against = Vec::new();
    for (cl_ord_id, times) in theirs.received.iter().filter(|(_, times)| **times > 1) {
        against.push(format!("{cl_ord_id} reached the broker {times} times"));
    }
    for cl_ord_id in theirs.received.keys() {
        if cl_ord_id.parse::<WireId>().ok().and_then(|id| ours.order(id)).is_none() {
            against.push(format!("{cl_ord_id} reached the broker and is not in the journal"));
        }
    }
    let mut known = BTreeSet::new();
    for order in ours.orders() {
        known.insert(order.id);
        if !order.is_finished() || order.certainty == Certainty::InDoubt {
            against.push(format!("{} has no fate: {}", order.id, order.shown_status()));
        }
        if order.cum_quantity.is_positive() && !theirs.received.contains_key(&order.id.to_string()) {
            against.push(format!("{} was executed and never reached the broker", order.id));
        }
    }
    for ((account, cl_ord_id), order) in &driver.acknowledged {
        if !known.contains(order) {
            against.push(format!("{order} ({account} {cl_ord_id}) was acknowledged and is lost"));
        }
    }
    let of = format!(
        "{} ClOrdIDs at the broker, {} orders acknowledged, {} in the journal",
        theirs.received.len(),
        driver.acknowledged.len(),
        known.len()
    );
    Proof::new(of, against)
}

fn ledger_zero(ours: &Ours) -> Proof {
    let mut against = Vec::new();
    let mut books = 0;
    for account in ours.cores().flat_map(Core::accounts) {
        for (asset, book) in account.ledger().books() {
            books += 1;
            match book.sum() {
                Ok(sum) if sum.is_zero() => {}
                sum => against.push(format!("{} {asset:?} sums to {sum:?}", account.definition.name)),
            }
            if book.reserved() != Amount::ZERO {
                against.push(format!(
                    "{} {asset:?} has {} reserved for nothing",
                    account.definition.name,
                    book.reserved()
                ));
            }
        }
    }
    Proof::new(format!("{books} books, nothing reserved at the end"), against)
}

fn replay_equal(ours: &Ours, live: &Status) -> Proof {
    let mut against = Vec::new();
    for (row, at_live) in live.shards.iter().zip(&ours.at_live) {
        match at_live {
            Some((_, digest)) if *digest == row.digest => {}
            other => against
                .push(format!("at {} the node showed {}, the replay {other:?}", row.position, row.digest)),
        }
    }
    if live.shards.len() != ours.shards.len() {
        against.push(format!("{} shards live, {} replayed", live.shards.len(), ours.shards.len()));
    }
    for (once, again) in ours.hashes.iter().filter(|(once, again)| once != again) {
        against.push(format!("two replays differ: {once:02x?} and {again:02x?}"));
    }
    let digests: u64 = ours.shards.iter().map(|shard| shard.digests).sum();
    let records: u64 = ours.shards.iter().map(|shard| shard.records).sum();
    Proof::new(format!("{records} records, {digests} digests recorded on the way"), against)
}
