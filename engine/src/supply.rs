//! Memory made ahead. The state's tables grow with every order, request and execution; what they grow by is allocated and
//! touched on a thread of its own, so that the shard's thread neither allocates nor takes a page fault for it.

use std::time::{Duration, Instant};

use machine::{Machine, MadeAhead};
use rtrb::{Consumer, Producer, RingBuffer};

use crate::error::EngineError;
use crate::memory;

/// The shard's end.
#[derive(Debug)]
pub(crate) struct Supply<G: MadeAhead> {
    wants: Producer<G::Want>,
    made: Consumer<G>,
    /// One thing is asked for at a time.
    is_waiting: bool,
}

/// How long the maker sleeps between two looks. It is never woken, because to wake a thread costs the shard a call of the
/// system: what it makes lasts for some ten thousand orders.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// The same once nobody has wanted anything for some looks.
const LOOK_EVERY_AT_REST: Duration = Duration::from_millis(20);
const LOOKS_UNTIL_REST: u32 = 100;
/// How long it works without a pause. By the clock: what a page costs differs by a factor of ten where a host has to find
/// it first.
const TURN: Duration = Duration::from_micros(40);
/// Between two looks at the clock: some 5 µs of work.
const PIECE_BYTES: usize = 16 * 1024;
/// Between two turns: a shelf is made in 10 ms, which is less than the fastest shard fills one in.
const BREATH: Duration = Duration::from_micros(50);

impl<G: MadeAhead> Supply<G> {
    /// Starts the maker. It ends by itself when the shard's end is gone.
    pub(crate) fn start(name: String) -> Result<Self, EngineError> {
        let (wants, asked) = RingBuffer::new(1);
        let (maker, made) = RingBuffer::new(1);
        std::thread::Builder::new()
            .name(name.clone())
            .spawn(move || {
                journal::take_short_turns();
                make(asked, maker);
            })
            .map_err(|source| EngineError::Thread { name, source })?;
        Ok(Self { wants, made, is_waiting: false })
    }

    /// Takes what was made and asks for what is wanted next. Where nothing is made in time, the core makes it itself.
    #[inline]
    pub(crate) fn refill<M: Machine<Growth = G>>(&mut self, machine: &mut M) {
        if self.is_waiting {
            let Ok(provision) = self.made.pop() else { return };
            machine.provide(provision);
            self.is_waiting = false;
        }
        if let Some(want) = machine.wants() {
            self.is_waiting = self.wants.push(want).is_ok();
        }
    }
}

fn make<G: MadeAhead>(mut asked: Consumer<G::Want>, mut made: Producer<G>) {
    let mut idle_looks = 0u32;
    while !asked.is_abandoned() {
        if let Ok(want) = asked.pop() {
            // The other end is gone where this fails: so is the need.
            let _ = made.push(touched(want));
            idle_looks = 0;
        }
        idle_looks = idle_looks.saturating_add(1);
        std::thread::sleep(if idle_looks < LOOKS_UNTIL_REST { LOOK_EVERY } else { LOOK_EVERY_AT_REST });
    }
}

/// Made, and its memory provided by the kernel, a turn at a time: where there is no core to spare, each is time that a
/// thread in a hurry does not have. Of usual pages: memory that a replay had large ones for comes back from the allocator
/// with that wish, and to clear one of those was a turn of 4.5 ms.
fn touched<G: MadeAhead>(want: G::Want) -> G {
    let mut provision = G::make(want);
    let mut turn = Instant::now();
    for (start, bytes) in provision.untouched() {
        memory::use_usual_pages(start, bytes);
        // From the first whole page on, so that no page stands across two pieces.
        for at in (start.align_offset(memory::PAGE_BYTES)..bytes).step_by(PIECE_BYTES) {
            memory::populate(start.wrapping_add(at), PIECE_BYTES.min(bytes - at));
            if turn.elapsed() >= TURN {
                std::thread::sleep(BREATH);
                turn = Instant::now();
            }
        }
    }
    provision
}

/// For whoever replays: what comes by the megabyte, of large pages as far as the kernel has some, so that there are few page
/// faults.
pub(crate) fn provide_large<M: Machine>(machine: &mut M) {
    if let Some(want) = machine.wants().filter(|want| M::Growth::is_large(*want)) {
        let mut provision = M::Growth::make(want);
        for (start, bytes) in provision.untouched() {
            memory::use_large_pages(start, bytes);
        }
        machine.provide(provision);
    }
}

#[cfg(test)]
mod tests {
    use actors::Core;

    use super::*;

    #[test]
    fn everything_that_is_wanted_is_made() {
        let mut supply = Supply::start("supply-test".to_owned()).unwrap();
        let mut core = Core::new();
        let deadline = Instant::now() + Duration::from_mins(1);
        while core.wants().is_some() {
            supply.refill(&mut core);
            assert!(Instant::now() < deadline, "{:?} is not made", core.wants());
        }
        assert_eq!(core, Core::new(), "it changes nothing of the state");
    }
}
