//! One line of the table, and of the JSON file.

use serde::Serialize;

pub(crate) use crate::ratio::{as_f64, ratio};
use crate::samples::{Samples, Summary};
use crate::stalls::Tail;

/// What was measured of one path. The fields of the JSON file; durations in nanoseconds.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// The path.
    pub(crate) name: String,
    /// Of the percentiles.
    pub(crate) unit: Unit,
    /// Offered (open loop) or reached, per second.
    pub(crate) rate: Option<f64>,
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) p999: u64,
    pub(crate) max: u64,
    /// Samples behind the percentiles.
    pub(crate) count: u64,
    /// What it is held against, measured in the same run.
    pub(crate) floor_name: Option<&'static str>,
    pub(crate) floor_p50: Option<u64>,
    pub(crate) ratio_p50: Option<f64>,
    /// What made the tail, where that was looked into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tail: Option<Box<Tail>>,
    /// p50 of each repetition, in order; the row is the best of them.
    #[serde(skip)]
    pub(crate) repetitions: Vec<u64>,
    /// Quantile and value, into the tail.
    #[serde(skip)]
    pub(crate) curve: Vec<(f64, u64)>,
    /// What the number means, and what ran where.
    #[serde(skip)]
    pub(crate) note: &'static str,
}

/// What the percentiles count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    /// Nanoseconds.
    Ns,
    /// Nanoseconds for each, averaged over a window; the number looked for is `rate`, per second.
    PerSecond,
    /// Bytes.
    Bytes,
}

/// A floor to hold a row against.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Floor {
    pub(crate) name: &'static str,
    pub(crate) summary: Summary,
}

impl Row {
    /// A latency, from the best of several repetitions.
    pub(crate) fn new(name: impl Into<String>, best: Best, note: &'static str) -> Self {
        let Summary { p50, p90, p99, p999, max, count } = best.summary;
        Self {
            name: name.into(),
            unit: Unit::Ns,
            rate: None,
            p50,
            p90,
            p99,
            p999,
            max,
            count,
            floor_name: None,
            floor_p50: None,
            ratio_p50: None,
            tail: best.tail,
            repetitions: best.repetitions,
            curve: best.curve,
            note,
        }
    }

    pub(crate) fn unit(self, unit: Unit) -> Self {
        Self { unit, ..self }
    }

    pub(crate) fn rate(self, per_second: f64) -> Self {
        Self { rate: Some(per_second), ..self }
    }

    pub(crate) fn beside(self, floor: Floor) -> Self {
        let floor_p50 = floor.summary.p50;
        Self {
            floor_name: Some(floor.name),
            floor_p50: Some(floor_p50),
            ratio_p50: (floor_p50 > 0).then(|| ratio(self.p50, floor_p50)),
            ..self
        }
    }
}

/// `count` in `ns` nanoseconds, per second.
pub(crate) fn per_second(count: u64, ns: u64) -> f64 {
    ratio(count, ns.max(1)) * 1e9
}

/// The best repetition: the machine is shared, and what disturbs only ever adds.
#[derive(Clone, Debug)]
pub(crate) struct Best {
    pub(crate) summary: Summary,
    pub(crate) repetitions: Vec<u64>,
    pub(crate) curve: Vec<(f64, u64)>,
    pub(crate) tail: Option<Box<Tail>>,
}

impl Best {
    /// Of one repetition.
    pub(crate) fn only(summary: Summary) -> Self {
        Self { repetitions: vec![summary.p50], summary, curve: Vec::new(), tail: None }
    }

    /// Of one repetition, with its curve.
    pub(crate) fn one(samples: &Samples) -> Self {
        Self { curve: samples.curve(), tail: samples.tail.clone(), ..Self::only(samples.summary()) }
    }

    /// By p50, then p99; `None` of none.
    pub(crate) fn of(repetitions: &[Samples]) -> Option<Self> {
        let best = repetitions.iter().min_by_key(|samples| (samples.summary().p50, samples.summary().p99))?;
        let all = repetitions.iter().map(|samples| samples.summary().p50).collect();
        Some(Self { repetitions: all, ..Self::one(best) })
    }
}
