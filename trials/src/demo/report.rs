//! What was seen: a table for people, the same numbers as JSON for programs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use front::definitions::Definitions;
use front::directory::Directory;
use hdrhistogram::Histogram;
use model::OrdStatus;
use node::books::{Books, ShardBooks};
use node::running::STAGES;
use readable::table::{Cell, Table};
use serde::Serialize;
use serde_json::{Value, json};
use wire::{CashRow, PositionRow};

use super::proofs::{Proof, Proofs};
use super::{DemoError, DemoOptions};
use crate::driver::{Counts, Driver};
use crate::evidence::Evidence;
use crate::world::World;

/// What the demo showed.
pub struct Report {
    /// The four proofs.
    pub proofs: Proofs,
    kills: u32,
    /// How many orders were to be submitted.
    asked: u64,
    counts: Counts,
    orders: Orders,
    executions: u64,
    alerts: u64,
    positions: Vec<PositionRow>,
    cash: Vec<CashRow>,
    latency: BTreeMap<&'static str, Percentiles>,
    kept: Option<std::path::PathBuf>,
}

/// Orders by where they ended.
#[derive(Clone, Debug, Default, Serialize)]
struct Orders {
    submitted: u64,
    denied: u64,
    sent: u64,
    filled: u64,
    partially_filled_then_ended: u64,
    cancelled: u64,
    rejected: u64,
    expired: u64,
    replaced: u64,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Percentiles {
    p50_ns: u64,
    p99_ns: u64,
    max_ns: u64,
    count: u64,
}

impl Report {
    pub(super) fn new(
        options: &DemoOptions,
        world: &World,
        driver: &Driver,
        evidence: &Evidence,
    ) -> Result<Self, DemoError> {
        let proofs = Proofs::new(evidence, driver);
        let shards = || evidence.shards.iter().map(|shard| &shard.replay);
        let definitions = Definitions::of(
            shards().map(|replay| (replay.position().shard, replay.core())),
            &world.config.currencies,
        );
        let ids = shards().map(|replay| replay.position().shard);
        let directory = Directory::new(ids, &definitions);
        let books = books(evidence, &directory);
        let inexact = |error: model::ArithmeticError| DemoError::Unexpected(error.to_string());
        Ok(Self {
            kills: world.kills,
            asked: options.orders.into(),
            counts: driver.counts.clone(),
            orders: orders(evidence, &driver.counts),
            executions: count(evidence.executions().0),
            alerts: shards().map(engine::Replay::alerts).sum(),
            positions: books.positions(None).map_err(inexact)?,
            cash: books.cash(None).map_err(inexact)?,
            latency: latency(world),
            kept: options.keep.clone(),
            proofs,
        })
    }

    /// The numbers, under the documented keys.
    pub fn to_json(&self) -> Value {
        let reasons = |reasons: &BTreeMap<(u16, String), u64>| -> Value {
            reasons
                .iter()
                .map(|((_, name), count)| (name.clone(), json!(count)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        };
        json!({
            "kills": self.kills,
            "orders": self.orders,
            "denied_by_reason": reasons(&self.counts.denied),
            "requests_denied_by_reason": reasons(&self.counts.requests_denied),
            "executions": self.executions,
            "alerts": self.alerts,
            "proofs": {
                "executions_once": self.proofs.executions_once.holds,
                "orders_once": self.proofs.orders_once.holds,
                "ledger_zero": self.proofs.ledger_zero.holds,
                "replay_equal": self.proofs.replay_equal.holds,
            },
            "proof_details": self.proofs,
            "latency": self.latency,
            "positions": self.positions,
            "cash": self.cash,
        })
    }
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn books<'a>(evidence: &'a Evidence, directory: &'a Directory) -> Books<'a> {
    let shards = evidence
        .shards
        .iter()
        .map(|shard| ShardBooks {
            shard: shard.replay.position().shard,
            core: shard.replay.core(),
            position: shard.replay.position(),
            digest: shard.replay.digest().to_string(),
            alerts: shard.replay.alerts(),
            diverged_at: None,
            behind: 0,
        })
        .collect();
    Books { shards, office: None, directory }
}

fn orders(evidence: &Evidence, counts: &Counts) -> Orders {
    let mut orders = Orders {
        submitted: counts.submitted,
        denied: counts.denied.values().sum(),
        sent: evidence.received().1,
        ..Orders::default()
    };
    for order in evidence.orders() {
        match order.status {
            OrdStatus::Filled => orders.filled += 1,
            OrdStatus::Canceled => orders.cancelled += 1,
            OrdStatus::Rejected => orders.rejected += 1,
            OrdStatus::Expired => orders.expired += 1,
            _ => {}
        }
        if order.status != OrdStatus::Filled && order.cum_quantity.is_positive() {
            orders.partially_filled_then_ended += 1;
        }
        if order.wire_id != order.id {
            orders.replaced += 1;
        }
    }
    orders
}

/// Adds up the stage times of every life of the node.
fn latency(world: &World) -> BTreeMap<&'static str, Percentiles> {
    let mut sums: BTreeMap<&'static str, Histogram<u64>> = BTreeMap::new();
    let files = std::fs::read_dir(&world.config.node.journal).into_iter().flatten().flatten();
    for file in files.filter(|file| file.file_name().to_string_lossy().starts_with("latency-")) {
        let Ok(bytes) = std::fs::read(file.path()) else { continue };
        let Ok(stages) = serde_json::from_slice::<BTreeMap<String, Vec<(u64, u64)>>>(&bytes) else {
            continue;
        };
        for (stage, _) in STAGES {
            let Some(pairs) = stages.get(stage) else { continue };
            let Ok(empty) = Histogram::new(3) else { continue };
            let sum = sums.entry(stage).or_insert(empty);
            for (value, times) in pairs {
                // A histogram that resizes itself takes every value.
                let _ = sum.record_n(*value, *times);
            }
        }
    }
    sums.into_iter().map(|(stage, histogram)| (stage, percentiles(&histogram))).collect()
}

fn percentiles(histogram: &Histogram<u64>) -> Percentiles {
    Percentiles {
        p50_ns: histogram.value_at_quantile(0.5),
        p99_ns: histogram.value_at_quantile(0.99),
        max_ns: histogram.max(),
        count: histogram.len(),
    }
}

impl Report {
    /// Positions at the end, as the node's own queries give them.
    pub fn positions(&self) -> &[PositionRow] {
        &self.positions
    }

    /// Cash at the end.
    pub fn cash(&self) -> &[CashRow] {
        &self.cash
    }

    /// Orders by where they ended.
    pub fn orders_table(&self) -> Table {
        let orders = &self.orders;
        let mut table =
            Table::new(format!("Orders ({} kills of the node on the way)", self.kills), &["WHAT", "NUMBER"]);
        for (what, number) in [
            ("submitted", orders.submitted),
            ("cancels and replaces besides", self.counts.cancels + self.counts.replaces),
            ("denied by our own checks", orders.denied),
            ("received by the broker", orders.sent),
            ("filled", orders.filled),
            ("cancelled", orders.cancelled),
            ("rejected by the broker", orders.rejected),
            ("expired", orders.expired),
            ("ended partly filled", orders.partially_filled_then_ended),
            ("replaced at least once", orders.replaced),
            ("executions", self.executions),
            ("found again after a kill", self.counts.found_again),
            ("alerts raised", self.alerts),
        ] {
            table.row(vec![Cell::text(what), Cell::count(number)]);
        }
        table
    }

    /// Why commands were denied.
    pub fn denied_table(&self) -> Table {
        let mut table = Table::new("Denied, by reason", &["REASON", "NAME", "ORDERS", "REQUESTS"]);
        let reasons: BTreeSet<_> =
            self.counts.denied.keys().chain(self.counts.requests_denied.keys()).collect();
        for reason in reasons {
            let (orders, requests) =
                (self.counts.denied.get(reason), self.counts.requests_denied.get(reason));
            table.row(vec![
                Cell::text(reason.0),
                Cell::text(&reason.1),
                Cell::number(orders.map(|count| (*count).into())),
                Cell::number(requests.map(|count| (*count).into())),
            ]);
        }
        table
    }

    /// Where the time went inside the node.
    pub fn latency_table(&self) -> Table {
        let title = "Latency of commands inside the node, in microseconds; broker, node and strategies share this machine";
        let mut table = Table::new(title, &["STAGE", "P50", "P99", "MAX", "COUNT", "WHAT"]);
        for (stage, what) in STAGES {
            let Some(row) = self.latency.get(stage) else { continue };
            let [p50, p99, max] = [row.p50_ns, row.p99_ns, row.max_ns].map(micros);
            table.row(vec![Cell::text(stage), p50, p99, max, Cell::count(row.count), Cell::text(what)]);
        }
        table
    }
}

fn micros(nanos: u64) -> Cell {
    Cell::Number(model::Decimal::new(i64::try_from(nanos).unwrap_or(i64::MAX), 3).round_dp(1))
}

/// The proofs: what holds, of what, and what speaks against it.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.orders.submitted < self.asked {
            let Orders { submitted, .. } = self.orders;
            writeln!(f, "The quotes ended after {submitted} of {} orders.\n", self.asked)?;
        }
        writeln!(f, "Proofs")?;
        for (what, proof) in [
            ("every execution is in both books exactly once", &self.proofs.executions_once),
            ("no order reached the broker twice, none is lost", &self.proofs.orders_once),
            ("the ledger sums to zero", &self.proofs.ledger_zero),
            ("the replay equals what was recorded live", &self.proofs.replay_equal),
        ] {
            write_proof(f, what, proof)?;
        }
        if let Some(kept) = &self.kept {
            writeln!(f, "\nKept in {0}; try: gannet orders --journal {0}/journal", kept.display())?;
        }
        Ok(())
    }
}

fn write_proof(f: &mut fmt::Formatter<'_>, what: &str, proof: &Proof) -> fmt::Result {
    let mark = if proof.holds { "✔" } else { "✘" };
    writeln!(f, "  {mark} {what:<50} {}", proof.of)?;
    for against in &proof.against {
        writeln!(f, "      {against}")?;
    }
    Ok(())
}
