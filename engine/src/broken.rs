//! What a broken invariant does to a shard: it is caught here, and nowhere else.
//!
//! The core panics where it would have to compute from a state that is wrong. What it has changed by then is not looked
//! at: the state is taken from the journal again, without the input that failed, and with a record that says so.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use actors::{Core, Outcome, Stamp};
use model::{Aside, Broken, Input, Invariant, RecordBody, Reference};

/// What a shard does where an invariant breaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnBroken {
    /// Records it, sets aside whom it concerns, and goes on for all others.
    #[default]
    SetAside,
    /// The panic goes on: for tests and simulations, which must not miss it.
    Panic,
}

/// A panic of the core, and what is to be recorded of it.
#[derive(Debug)]
pub(crate) struct Breakage {
    pub(crate) broken: Broken,
    pub(crate) panic: Box<dyn Any + Send>,
}

/// Has the core decide. Where it panics, its state is in question from here on.
#[inline]
pub(crate) fn decide(
    core: &mut Core,
    stamp: Stamp,
    input: &Input,
    outcome: &mut Outcome,
) -> Result<(), Box<Breakage>> {
    let decided = catch_unwind(AssertUnwindSafe(|| {
        core.apply(stamp, input, outcome);
        break_where_planted(input);
    }));
    decided.map_err(|panic| Box::new(failed(core, stamp, input, panic)))
}

#[cold]
#[inline(never)]
fn failed(core: &Core, stamp: Stamp, input: &Input, panic: Box<dyn Any + Send>) -> Breakage {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic");
    let invariant = Invariant::of_panic(text);
    // Only looked up; where even that fails, nobody in particular is concerned.
    let aside = catch_unwind(AssertUnwindSafe(|| core.concerned(input))).unwrap_or(Aside::Firm);
    let cause = if let Input::Command { cause, .. } = input { *cause } else { None };
    let broken = Broken { position: stamp.position, invariant, text: Reference::cut(text), aside, cause };
    Breakage { broken, panic }
}

/// The record behind an input says that it had no effect.
pub(crate) fn is_passed_over(at: model::Position, following: Option<&journal::Record<RecordBody>>) -> bool {
    let body = following.map(|record| &record.body);
    matches!(body, Some(model::RecordBody::Input(Input::Broken(broken))) if broken.position == at)
}

/// A plant: an input under a name that was planted breaks an invariant, after all of it was changed in memory. An ask has
/// the name of its number among what its record asks for.
#[inline]
fn break_where_planted(input: &Input) {
    if !crash_point::COMPILED_IN {
        return;
    }
    let is_planted = match input {
        Input::Command { cause: Some(cause), .. } => crash_point::is_planted(&format!("ask {}", cause.index)),
        Input::Command { command: model::Command::NewOrder(order), .. } => {
            crash_point::is_planted(order.cl_ord_id.as_str())
        }
        Input::ExecutionReport(report) => crash_point::is_planted(report.exec_id.as_str()),
        _ => false,
    };
    model::holds(!is_planted, Invariant::BooksBalance);
}
