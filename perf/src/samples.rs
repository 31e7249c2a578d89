//! What one measurement found: durations, and what made their tail.

use crate::durations::Durations;
pub(crate) use crate::durations::Summary;
use crate::stalls::Tail;

/// Durations with what is known of them.
#[derive(Clone, Debug)]
pub(crate) struct Samples {
    durations: Durations,
    /// What made their tail, where that was looked into.
    pub(crate) tail: Option<Box<Tail>>,
}

impl Samples {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self { durations: Durations::new(), tail: None }
    }

    /// One more.
    #[inline]
    pub(crate) fn record(&mut self, ns: u64) {
        self.durations.record(ns);
    }

    /// See [`Durations::curve`].
    pub(crate) fn curve(&self) -> Vec<(f64, u64)> {
        self.durations.curve()
    }

    /// See [`Durations::summary`].
    pub(crate) fn summary(&self) -> Summary {
        self.durations.summary()
    }
}
