//! The floor of the core's path: one hop over the rings that it uses, between two threads on two cores.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam::queue::ArrayQueue;
use model::{Command, NewOrder, Origin, Outbound, OutboundKind, Position, SessionId, Timestamp};

use crate::error::PerfError;
use crate::lab::{Lab, Pinned};
use crate::rig::Orders;
use crate::row::Floor;
use crate::samples::Samples;
use crate::ticks::now_ns;

/// As large as what a client hands to a shard.
type There = (Origin, Command, u32, u64, u64);

/// Entries of both rings: the shard's default.
const ENTRIES: usize = 16 * 1024;
const NOTE: &str = "half of a round trip: a command there (crossbeam ArrayQueue), a message back (rtrb)";

/// One hop; measured once in a run.
pub(crate) fn hop(lab: &mut Lab) -> Result<Floor, PerfError> {
    lab.floor("ring.hop", NOTE, |lab| {
        let count = lab.sized(100_000, 500_000);
        lab.best_of(|| hops(lab, count))
    })
}

fn hops(lab: &Lab, count: usize) -> Result<Samples, PerfError> {
    let there: Arc<ArrayQueue<There>> = Arc::new(ArrayQueue::new(ENTRIES));
    let (mut out, mut back) = rtrb::RingBuffer::<Outbound>::new(ENTRIES);
    let stop = Arc::new(AtomicBool::new(false));
    let echo = std::thread::spawn({
        let (there, stop, core) = (Arc::clone(&there), Arc::clone(&stop), lab.far_core());
        move || {
            let _pinned = Pinned::to(core);
            while !stop.load(Ordering::Relaxed) {
                match there.pop() {
                    Some((_, command, ..)) => drop(out.push(answer(&command))),
                    None => std::hint::spin_loop(),
                }
            }
        }
    });
    let _pinned = lab.pinned();
    let order = Command::NewOrder(Orders::default().next());
    let mut samples = Samples::new();
    for turn in 0..count + count / 10 {
        let start = now_ns();
        let pushed = there.push((Origin::default(), order, 1, 1, 1)).is_ok();
        while pushed && back.pop().is_err() {
            std::hint::spin_loop();
        }
        let elapsed = now_ns() - start;
        if turn >= count / 10 {
            samples.record(lab.net(elapsed) / 2);
        }
    }
    stop.store(true, Ordering::Relaxed);
    echo.join().map_err(|_| PerfError::Unexpected("the echoing thread died".to_owned()))?;
    Ok(samples)
}

/// A message of the size and the content that an order leads to, so that both are copied.
pub(crate) fn answer(command: &Command) -> Outbound {
    let kind = match command {
        Command::NewOrder(NewOrder { side, order_type, time_in_force, quantity, limit_price, .. }) => {
            OutboundKind::NewOrderSingle {
                cl_ord_id: model::WireId::default(),
                account: model::Name::EMPTY,
                symbol: model::Symbol::EMPTY,
                side: *side,
                order_type: *order_type,
                time_in_force: *time_in_force,
                quantity: *quantity,
                limit_price: *limit_price,
            }
        }
        _ => OutboundKind::Sweep,
    };
    Outbound { session: SessionId::new(0), position: Position::default(), time: Timestamp::default(), kind }
}
