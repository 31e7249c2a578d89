//! What followed from an input.

use core::fmt::Debug;

/// What one input led to, in buffers that are used again and again, so that the hot path does not allocate.
pub trait Consequences: Default + Debug + Send + Sync + 'static {
    /// What happened, told to whoever listens.
    type Event: Clone + Debug + PartialEq + Send + Sync + 'static;

    /// Forgets everything, keeps the memory.
    fn clear(&mut self);

    /// What happened, in order. For a command the first is its answer.
    fn events(&self) -> &[Self::Event];

    /// The number of the reason that a command was refused for; 0 where it was not. Numbers stand in digests: they are
    /// for good.
    fn refusal(&self) -> u16;

    /// True for an event that somebody has to look at. A replay counts them.
    fn is_alert(event: &Self::Event) -> bool;
}
