//! The floor of the core's path: one hop over the rings that it uses, between two threads on two cores.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use model::{Command, NewOrder, Outbound, OutboundKind, Position, SessionId, Timestamp};
use workload::Orders;

use crate::error::PerfError;
use crate::lab::{Lab, Pinned};
use crate::rig::WINDOW;
use crate::row::Floor;
use crate::samples::Samples;
use crate::ticks::now_ns;

/// As large, and in as many lines of memory, as what a client hands to a shard.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct There([u64; 16]);

/// What leaves, as it stands in the ring to a session.
#[repr(align(64))]
struct Back(Outbound);

const _: () = assert!(size_of::<Back>() == 192);

/// Entries of the ring to a session: the shard's default.
const ENTRIES: usize = 16 * 1024;
const NOTE: &str = "half of a round trip: an order there, a message back, both through rtrb";

/// One hop; measured once in a run.
pub(crate) fn hop(lab: &mut Lab) -> Result<Floor, PerfError> {
    lab.floor("ring.hop", NOTE, |lab| {
        let count = lab.sized(100_000, 500_000);
        lab.best_of(|| hops(lab, count))
    })
}

fn hops(lab: &Lab, count: usize) -> Result<Samples, PerfError> {
    let (mut there, mut arrived) = rtrb::RingBuffer::<There>::new(WINDOW);
    let (mut out, mut back) = rtrb::RingBuffer::<Back>::new(ENTRIES);
    let stop = Arc::new(AtomicBool::new(false));
    let message = answer(&Command::NewOrder(Orders::default().next()));
    let echo = std::thread::spawn({
        let (stop, core) = (Arc::clone(&stop), lab.far_core());
        move || {
            let _pinned = Pinned::to(core);
            while !stop.load(Ordering::Relaxed) {
                match arrived.pop() {
                    Ok(There(order)) => {
                        std::hint::black_box(order);
                        drop(out.push(Back(message)));
                        make_ready(&mut out);
                    }
                    Err(_) => std::hint::spin_loop(),
                }
            }
        }
    });
    let _pinned = lab.pinned();
    let order = There(std::array::from_fn(|word| word as u64));
    let mut samples = Samples::new();
    for turn in 0..count + count / 10 {
        let start = now_ns();
        let pushed = there.push(order).is_ok();
        make_ready(&mut there);
        let returned = pushed.then(|| {
            loop {
                match back.pop() {
                    Ok(Back(message)) => break message,
                    Err(_) => std::hint::spin_loop(),
                }
            }
        });
        std::hint::black_box(returned);
        let elapsed = now_ns() - start;
        if turn >= count / 10 {
            samples.record(lab.net(elapsed) / 2);
        }
    }
    stop.store(true, Ordering::Relaxed);
    echo.join().map_err(|_| PerfError::Unexpected("the echoing thread died".to_owned()))?;
    Ok(samples)
}

/// Asks for the next place, as the rings of a shard do.
fn make_ready<T>(ring: &mut rtrb::Producer<T>) {
    if let Ok(mut chunk) = ring.write_chunk_uninit(1) {
        prefetch::to_write(chunk.as_mut_slices().0);
    }
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
