//! One hop between actors on two threads that sleep until they are woken: actix, and plain tokio tasks.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use actix::{Actor, Arbiter, Context, Handler, Message, System};
use model::NewOrder;
use workload::Orders;

use crate::error::PerfError;
use crate::lab::{Lab, Pinned};
use crate::row::Row;
use crate::rows::ring;
use crate::samples::Samples;
use crate::ticks::now_ns;

const ACTIX: &str =
    "half of a round trip of a new order between an actor in an arbiter of its own and the asking task";
const SAME: &str = "the same with both on one arbiter: no thread is woken";
const TOKIO: &str =
    "half of a round trip of a new order between two tokio runtimes of one thread each, over mpsc";

pub(crate) fn measure(lab: &mut Lab) -> Result<(), PerfError> {
    let floor = ring::hop(lab)?;
    for (name, note, other_thread) in
        [("alternatives.actors.actix", ACTIX, true), ("alternatives.actors.actix_same_arbiter", SAME, false)]
    {
        let best = lab.best_of(|| actix_hops(lab, other_thread))?;
        lab.rows.push(Row::new(name, best, note).beside(floor));
    }
    let best = lab.best_of(|| tokio_hops(lab))?;
    lab.rows.push(Row::new("alternatives.actors.tokio_tasks", best, TOKIO).beside(floor));
    Ok(())
}

struct ActorOrder(NewOrder);

impl Message for ActorOrder {
    type Result = u64;
}

struct Echo;

impl Actor for Echo {
    type Context = Context<Self>;
}

impl Handler<ActorOrder> for Echo {
    type Result = u64;

    fn handle(&mut self, order: ActorOrder, _: &mut Self::Context) -> u64 {
        u64::from(order.0.account.index)
    }
}

fn actix_hops(lab: &Lab, other_thread: bool) -> Result<Samples, PerfError> {
    let count = lab.sized(5_000u32, 50_000);
    let (core, _pinned) = (lab.far_core(), lab.pinned());
    let system = System::new();
    system.block_on(async {
        let arbiter = other_thread.then(Arbiter::new);
        let echo = match &arbiter {
            Some(arbiter) => Echo::start_in_arbiter(&arbiter.handle(), move |_| {
                // On the arbiter's own thread, and for as long as it lives.
                std::mem::forget(Pinned::to(core));
                Echo
            }),
            None => Echo.start(),
        };
        let (order, mut samples) = (Orders::default().next(), Samples::new());
        for turn in 0..count + count / 10 {
            let start = now_ns();
            let answered = echo.send(ActorOrder(order)).await;
            answered.map_err(|error| PerfError::Unexpected(format!("the actor is gone: {error}")))?;
            if turn >= count / 10 {
                samples.record(lab.net(now_ns() - start) / 2);
            }
        }
        drop(echo);
        if let Some(arbiter) = arbiter {
            arbiter.stop();
            arbiter.join().map_err(|_| PerfError::Unexpected("the arbiter's thread died".to_owned()))?;
        }
        Ok(samples)
    })
}

fn runtime() -> Result<tokio::runtime::Runtime, PerfError> {
    tokio::runtime::Builder::new_current_thread().build().map_err(PerfError::io("start a runtime"))
}

fn tokio_hops(lab: &Lab) -> Result<Samples, PerfError> {
    let count = lab.sized(5_000u32, 50_000);
    let (there, mut arrived) = tokio::sync::mpsc::channel::<NewOrder>(64);
    let (back, mut returned) = tokio::sync::mpsc::channel::<NewOrder>(64);
    let core = lab.far_core();
    let (started, is_started): (SyncSender<()>, Receiver<()>) = sync_channel(1);
    let echo = std::thread::spawn(move || {
        let _pinned = Pinned::to(core);
        let runtime = runtime()?;
        let _ = started.send(());
        runtime.block_on(async {
            while let Some(order) = arrived.recv().await {
                if back.send(order).await.is_err() {
                    break;
                }
            }
        });
        Ok::<(), PerfError>(())
    });
    let _pinned = lab.pinned();
    is_started.recv().map_err(|_| PerfError::Late("the other runtime"))?;
    let samples = runtime()?.block_on(async {
        let (order, mut samples) = (Orders::default().next(), Samples::new());
        for turn in 0..count + count / 10 {
            let start = now_ns();
            let sent = there.send(order).await.is_ok();
            if !sent || returned.recv().await.is_none() {
                return Err(PerfError::Unexpected("the other task is gone".to_owned()));
            }
            if turn >= count / 10 {
                samples.record(lab.net(now_ns() - start) / 2);
            }
        }
        Ok(samples)
    });
    drop(there);
    echo.join().map_err(|_| PerfError::Unexpected("the echoing thread died".to_owned()))??;
    samples
}
