//! What a broken invariant does to a shard: it is caught here, and nowhere else.
//!
//! The core panics where it would have to compute from a state that is wrong. What it has changed by then is not looked
//! at: the state is taken from the journal again, without the input that failed, and with a record that says so.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use machine::{Journalled, Machine, Position, Recorded, Stamp};

use crate::records::RecordOf;

/// What a shard does where an invariant breaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnBroken {
    /// Records it, sets aside whom it concerns, and goes on for all others.
    #[default]
    SetAside,
    /// The panic goes on: for tests and simulations, which must not miss it.
    Panic,
}

/// A panic of the machine, and what is to be recorded of it.
#[derive(Debug)]
pub(crate) struct Breakage<I> {
    /// What says that the input had no effect.
    pub(crate) broken: I,
    /// The panic's words.
    pub(crate) text: String,
    pub(crate) panic: Box<dyn Any + Send>,
}

/// Has the machine decide. Where it panics, its state is in question from here on.
#[inline]
pub(crate) fn decide<M: Machine>(
    machine: &mut M,
    stamp: Stamp,
    input: &M::Input,
    outcome: &mut M::Outcome,
) -> Result<(), Box<Breakage<M::Input>>> {
    let decided = catch_unwind(AssertUnwindSafe(|| {
        machine.apply(stamp, input, outcome);
        if crash_point::COMPILED_IN {
            // A plant breaks an invariant after all of the input was changed in memory.
            M::break_where_planted(input, crash_point::is_planted);
        }
    }));
    decided.map_err(|panic| Box::new(failed(machine, stamp, input, panic)))
}

#[cold]
#[inline(never)]
fn failed<M: Machine>(
    machine: &M,
    stamp: Stamp,
    input: &M::Input,
    panic: Box<dyn Any + Send>,
) -> Breakage<M::Input> {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned();
    // Only looked at; where even that fails, a state that knows nobody is asked.
    let said = catch_unwind(AssertUnwindSafe(|| machine.broken(stamp.position, input, &text)));
    let broken = said.unwrap_or_else(|_| M::default().broken(stamp.position, input, &text));
    Breakage { broken, text, panic }
}

/// The record behind an input says that it had no effect.
pub(crate) fn is_passed_over<I: Journalled>(at: Position, following: Option<&RecordOf<I>>) -> bool {
    let body = following.map(|record| &record.body);
    matches!(body, Some(Recorded::Input(input)) if input.passes_over() == Some(at))
}
