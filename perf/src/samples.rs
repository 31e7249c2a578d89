//! Latency histograms, to the maximum.

use hdrhistogram::Histogram;

/// Durations in nanoseconds, to three significant figures.
#[derive(Clone, Debug)]
pub(crate) struct Samples {
    histogram: Histogram<u64>,
}

/// What is shown of a histogram, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) p999: u64,
    pub(crate) max: u64,
    pub(crate) count: u64,
}

/// A longer one is recorded as this.
const LONGEST_NS: u64 = 60_000_000_000;

impl Samples {
    /// None yet.
    #[expect(
        clippy::expect_used,
        reason = "the bounds are constants, and valid: 1 <= LONGEST_NS / 2, 3 <= 5"
    )]
    pub(crate) fn new() -> Self {
        Self { histogram: Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("valid bounds") }
    }

    /// One more.
    #[inline]
    pub(crate) fn record(&mut self, ns: u64) {
        self.histogram.saturating_record(ns);
    }

    pub(crate) fn summary(&self) -> Summary {
        let at = |quantile| self.histogram.value_at_quantile(quantile);
        Summary {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            max: self.histogram.max(),
            count: self.histogram.len(),
        }
    }
}
