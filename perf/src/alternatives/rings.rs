//! One hop between two threads on two cores, through each queue that could carry a command.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use crossbeam::queue::ArrayQueue;
use model::NewOrder;
use workload::Orders;

use crate::error::PerfError;
use crate::lab::{Lab, Pinned};
use crate::row::Row;
use crate::rows::ring;
use crate::samples::Samples;
use crate::ticks::now_ns;

const ENTRIES: usize = 16 * 1024;
const SPINNING: &str = "one hop of a new order, both ends polling (half of a round trip)";
const BLOCKING: &str = "one hop of a new order, the receiver asleep until it is woken (half of a round trip)";

/// One end of a pair of queues. `receive` gives `None` where there is nothing yet; a blocking one waits.
trait RingEnd: Send + 'static {
    fn send(&mut self, order: NewOrder);
    fn receive(&mut self) -> Option<NewOrder>;
}

/// A pair of ends, connected both ways.
type Pair = (Box<dyn RingEnd>, Box<dyn RingEnd>);

/// Its row, what the row means, and how to make one.
type Contender = (&'static str, &'static str, fn() -> Pair);

pub(crate) fn measure(lab: &mut Lab) -> Result<(), PerfError> {
    let floor = ring::hop(lab)?;
    let contenders: &[Contender] = &[
        ("alternatives.rings.rtrb", SPINNING, rtrb_pair),
        ("alternatives.rings.crossbeam", SPINNING, crossbeam_pair),
        ("alternatives.rings.flume", SPINNING, || flume_pair(false)),
        ("alternatives.rings.flume_blocking", BLOCKING, || flume_pair(true)),
        ("alternatives.rings.std", SPINNING, || std_pair(false)),
        ("alternatives.rings.std_blocking", BLOCKING, || std_pair(true)),
        ("alternatives.rings.tokio", SPINNING, tokio_pair),
        #[cfg(feature = "disruptor")]
        ("alternatives.rings.disruptor", SPINNING, disruptor_pair),
    ];
    #[cfg(not(feature = "disruptor"))]
    lab.not_run.push("alternatives.rings.disruptor: built without the feature of that name".to_owned());
    for (name, note, pair) in contenders {
        let best = lab.best_of(|| hops(lab, pair()))?;
        lab.rows.push(Row::new(*name, best, note).beside(floor));
    }
    Ok(())
}

fn hops(lab: &Lab, (mut near, mut far): Pair) -> Result<Samples, PerfError> {
    let stop = Arc::new(AtomicBool::new(false));
    let echo = std::thread::spawn({
        let (stop, core) = (Arc::clone(&stop), lab.far_core());
        move || {
            let _pinned = Pinned::to(core);
            while !stop.load(Ordering::Acquire) {
                match far.receive() {
                    Some(order) => far.send(order),
                    None => std::hint::spin_loop(),
                }
            }
        }
    });
    let _pinned = lab.pinned();
    let (count, mut samples) = (lab.sized(20_000, 200_000), Samples::new());
    let order = Orders::default().next();
    for turn in 0..count + count / 10 {
        let start = now_ns();
        near.send(order);
        while near.receive().is_none() {
            std::hint::spin_loop();
        }
        let elapsed = now_ns() - start;
        if turn >= count / 10 {
            samples.record(lab.net(elapsed) / 2);
        }
    }
    stop.store(true, Ordering::Release);
    // Wakes one that sleeps.
    near.send(order);
    echo.join().map_err(|_| PerfError::Unexpected("the echoing thread died".to_owned()))?;
    Ok(samples)
}

struct Rtrb(rtrb::Producer<NewOrder>, rtrb::Consumer<NewOrder>);

impl RingEnd for Rtrb {
    fn send(&mut self, order: NewOrder) {
        // One is under way at a time: there is room.
        let _ = self.0.push(order);
    }

    fn receive(&mut self) -> Option<NewOrder> {
        self.1.pop().ok()
    }
}

fn rtrb_pair() -> Pair {
    let (there, arrived) = rtrb::RingBuffer::new(ENTRIES);
    let (back, returned) = rtrb::RingBuffer::new(ENTRIES);
    (Box::new(Rtrb(there, returned)), Box::new(Rtrb(back, arrived)))
}

struct Crossbeam(Arc<ArrayQueue<NewOrder>>, Arc<ArrayQueue<NewOrder>>);

impl RingEnd for Crossbeam {
    fn send(&mut self, order: NewOrder) {
        let _ = self.0.push(order);
    }

    fn receive(&mut self) -> Option<NewOrder> {
        self.1.pop()
    }
}

fn crossbeam_pair() -> Pair {
    let (there, back) = (Arc::new(ArrayQueue::new(ENTRIES)), Arc::new(ArrayQueue::new(ENTRIES)));
    (Box::new(Crossbeam(Arc::clone(&there), Arc::clone(&back))), Box::new(Crossbeam(back, there)))
}

struct Flume(flume::Sender<NewOrder>, flume::Receiver<NewOrder>, bool);

impl RingEnd for Flume {
    fn send(&mut self, order: NewOrder) {
        let _ = self.0.send(order);
    }

    fn receive(&mut self) -> Option<NewOrder> {
        if self.2 { self.1.recv().ok() } else { self.1.try_recv().ok() }
    }
}

fn flume_pair(blocking: bool) -> Pair {
    let ((there, arrived), (back, returned)) = (flume::bounded(ENTRIES), flume::bounded(ENTRIES));
    (Box::new(Flume(there, returned, blocking)), Box::new(Flume(back, arrived, blocking)))
}

struct Std(SyncSender<NewOrder>, Receiver<NewOrder>, bool);

impl RingEnd for Std {
    fn send(&mut self, order: NewOrder) {
        let _ = self.0.send(order);
    }

    fn receive(&mut self) -> Option<NewOrder> {
        if self.2 { self.1.recv().ok() } else { self.1.try_recv().ok() }
    }
}

fn std_pair(blocking: bool) -> Pair {
    let ((there, arrived), (back, returned)) = (sync_channel(ENTRIES), sync_channel(ENTRIES));
    (Box::new(Std(there, returned, blocking)), Box::new(Std(back, arrived, blocking)))
}

struct Tokio(tokio::sync::mpsc::Sender<NewOrder>, tokio::sync::mpsc::Receiver<NewOrder>);

impl RingEnd for Tokio {
    fn send(&mut self, order: NewOrder) {
        let _ = self.0.try_send(order);
    }

    fn receive(&mut self) -> Option<NewOrder> {
        self.1.try_recv().ok()
    }
}

fn tokio_pair() -> Pair {
    let ((there, arrived), (back, returned)) =
        (tokio::sync::mpsc::channel(ENTRIES), tokio::sync::mpsc::channel(ENTRIES));
    (Box::new(Tokio(there, returned)), Box::new(Tokio(back, arrived)))
}

#[cfg(feature = "disruptor")]
mod disruptors {
    use disruptor::{
        BusySpin, EventPoller, Polling, Producer, SingleConsumerBarrier, SingleProducer,
        SingleProducerBarrier,
    };

    use super::{ENTRIES, NewOrder, Pair, RingEnd};

    type Poller = EventPoller<Option<NewOrder>, SingleProducerBarrier>;
    type Sender = SingleProducer<Option<NewOrder>, SingleConsumerBarrier>;

    struct Disruptor(Sender, Poller);

    impl RingEnd for Disruptor {
        fn send(&mut self, order: NewOrder) {
            self.0.publish(|slot| *slot = Some(order));
        }

        fn receive(&mut self) -> Option<NewOrder> {
            match self.1.poll() {
                Ok(mut events) => (&mut events).last().copied().flatten(),
                Err(Polling::NoEvents | Polling::Shutdown) => None,
            }
        }
    }

    pub(super) fn pair() -> Pair {
        let one = || {
            let (poller, builder) =
                disruptor::build_single_producer(ENTRIES, || None, BusySpin).new_event_poller();
            (builder.build(), poller)
        };
        let ((there, arrived), (back, returned)) = (one(), one());
        (Box::new(Disruptor(there, returned)), Box::new(Disruptor(back, arrived)))
    }
}

#[cfg(feature = "disruptor")]
use disruptors::pair as disruptor_pair;
