//! The whole way to a broker and back through QuickFIX: in process submit, risk, journal, gateway, QuickFIX, loopback
//! TCP, QuickFIX at the broker's side, and the report's way back to the shard's ring. One order at a time.
//!
//! * `trip`: one run over a whole node's parts, in one configuration; the engine of the session is a parameter.
//! * `memory_engine`: QuickFIX with a memory store, for comparison: the node's own needs the file store.
//! * `broker`: the other side. * `bare`: QuickFIX on both sides and nothing else.

mod bare;
mod broker;
mod memory_engine;
mod stores;
mod trip;

use journal::Durability;

use crate::error::PerfError;
use crate::lab::Lab;
use crate::row::{Best, Floor, Row};
use crate::samples::{Samples, Summary};

use stores::Store;
use trip::{Configuration, Span, Waiting};

const ROUND_TRIP: &str = "Client::submit until the broker's acknowledgement is on the shard's ring; QuickFIX in its best configuration: \
     memory stores, NODELAY, process durability, threads sleeping or yielding, whichever is faster here; five threads \
     on the cores there are";
const OUT: &str = "Client::submit until the broker's QuickFIX hands the order to its application";
const IN: &str = "the broker's send until the report is translated and on the shard's ring";
const OTHER: &str = "round trip in another configuration: store and durability in its name";
const BARE: &str = "an order and its acknowledgement between two QuickFIX applications, without risk, journal or shard: what a user \
     of QuickFIX alone has";
const STAGE: &str = "where the time of one round trip goes, by stamps of a run of its own with tracing on";

/// Store, durability, and whether a quick run has it.
const OTHERS: [(&str, Store, Durability, bool); 3] = [
    ("file.process", Store::File, Durability::Process, true),
    ("memory.disk", Store::Memory, Durability::Disk, false),
    ("file.disk", Store::File, Durability::Disk, true),
];

pub(crate) fn session(lab: &mut Lab) -> Result<(), PerfError> {
    let (best, runs) = best(lab)?;
    let names = [("round_trip", ROUND_TRIP), ("out", OUT), ("in", IN)];
    for (index, (name, note)) in names.into_iter().enumerate() {
        let of_span: Vec<Samples> =
            runs.iter().filter_map(|spans| Some(spans.get(index)?.samples.clone())).collect();
        push(lab, format!("wire.quickfix.{name}"), &of_span, note)?;
    }
    // One that fails costs no other.
    let outcomes = [others(lab, best), alone(lab), stages(lab, best)];
    outcomes.into_iter().collect()
}

fn others(lab: &mut Lab, best: Configuration) -> Result<(), PerfError> {
    for (name, store, durability, quick) in OTHERS {
        if !quick && !lab.is_full() {
            continue;
        }
        let configuration = Configuration { store, durability, ..best };
        let runs = repeat(lab, lab.sized(1, 3), |lab| trip::run(lab, configuration))?;
        let whole: Vec<Samples> =
            runs.into_iter().filter_map(|spans| Some(spans.into_iter().next()?.samples)).collect();
        push(lab, format!("wire.quickfix.round_trip.{name}"), &whole, OTHER)?;
    }
    Ok(())
}

fn alone(lab: &mut Lab) -> Result<(), PerfError> {
    for (name, store) in [("memory", Store::Memory), ("file", Store::File)] {
        let runs = repeat(lab, lab.sized(1, 3), |lab| bare::run(lab, store))?;
        push(lab, format!("wire.quickfix.bare.{name}"), &runs, BARE)?;
    }
    Ok(())
}

fn stages(lab: &mut Lab, best: Configuration) -> Result<(), PerfError> {
    for Span { name, samples } in trip::run(lab, Configuration { traced: true, ..best })? {
        lab.rows.push(Row::new(format!("wire.quickfix.stage.{name}"), Best::one(&samples), STAGE));
    }
    Ok(())
}

type Runs = Vec<Vec<Span>>;

/// The better of two ways to wait, and its runs.
fn best(lab: &Lab) -> Result<(Configuration, Runs), PerfError> {
    let mut tried = Vec::new();
    for waiting in [Waiting::Sleeping, Waiting::Yielding] {
        let configuration =
            Configuration { waiting, store: Store::Memory, durability: Durability::Process, traced: false };
        tried.push((configuration, repeat(lab, lab.sized(1, 5), |lab| trip::run(lab, configuration))?));
    }
    let of_run = |spans: &Vec<Span>| spans.first().map(|span| span.samples.summary().p50);
    let p50 = |(_, runs): &(Configuration, Runs)| runs.iter().filter_map(of_run).min();
    tried.into_iter().min_by_key(p50).ok_or(PerfError::Late("a round trip"))
}

fn repeat<T>(
    lab: &Lab,
    times: usize,
    run: impl Fn(&Lab) -> Result<T, PerfError>,
) -> Result<Vec<T>, PerfError> {
    (0..times).map(|_| run(lab)).collect()
}

fn push(lab: &mut Lab, name: String, runs: &[Samples], note: &'static str) -> Result<(), PerfError> {
    let best = Best::of(runs).ok_or(PerfError::Late("a round trip"))?;
    let floor = lab.rows.iter().find(|row| row.name == "wire.echo").map(|row| Floor {
        name: "wire.echo",
        summary: Summary { p50: row.p50, p999: row.p999, ..Summary::default() },
    });
    let row = Row::new(name, best, note);
    lab.rows.push(match floor {
        Some(floor) => row.beside(floor),
        None => row,
    });
    Ok(())
}
