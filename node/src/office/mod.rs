//! The office of a node: what people and the node itself say to it, and what it answers.
//!
//! * `words.rs` makes words of requests, `answers.rs` answers of events, `rows.rs` rows of its state;
//! * `told.rs` is what a start tells it: which configuration came into force, and what needs a second person.
//!
//! The running node (`node/src/running/office/`) hosts it. The state is `office/`; `docs/office.md` says what it is for.

pub(crate) mod answers;
pub(crate) mod rows;
pub(crate) mod told;
pub(crate) mod words;

use model::Position;

/// The office's state as queries see it.
#[derive(Clone, Copy, Debug)]
pub struct OfficeBooks<'a> {
    /// The state.
    pub office: &'a office::Office,
    /// The last record in it.
    pub position: Position,
}
