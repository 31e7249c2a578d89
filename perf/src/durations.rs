//! Latency histograms, to the maximum.

use hdrhistogram::Histogram;

use crate::ratio::as_f64;

/// Durations in nanoseconds, to three significant figures.
#[derive(Clone, Debug)]
pub(crate) struct Durations {
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

impl Durations {
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

    /// Quantile and duration at each, from the median into the tail, the maximum last: for drawing.
    pub(crate) fn curve(&self) -> Vec<(f64, u64)> {
        let steps = [0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9998, 0.9999, 0.99999];
        // Beyond one sample in so many there is only the maximum.
        let count = self.histogram.len();
        let resolved = |quantile: &f64| as_f64(count) * (1.0 - quantile) >= 1.0;
        let mut curve: Vec<(f64, u64)> =
            steps.into_iter().filter(resolved).map(|at| (at, self.histogram.value_at_quantile(at))).collect();
        if count > 1 {
            curve.push((1.0 - 1.0 / as_f64(count), self.histogram.max()));
        }
        curve
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
