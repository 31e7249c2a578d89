//! From values to places on an axis, 0 to 1, and where the ticks are.

use super::duration;

/// How an axis runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// Percentiles, each nine as wide as the one before.
    Nines,
    /// Counts, logarithmic.
    Count,
    /// Nanoseconds, logarithmic.
    Duration,
}

/// A scale with its ends.
pub(super) struct Axis {
    scale: Scale,
    from: f64,
    to: f64,
}

impl Axis {
    /// Wide enough for all of `values`.
    pub(super) fn over(scale: Scale, values: impl Iterator<Item = f64>) -> Self {
        let places = values.map(|value| scale.place(value)).filter(|place| place.is_finite());
        let (low, high) =
            places.fold((f64::MAX, f64::MIN), |(low, high), place| (low.min(place), high.max(place)));
        let (low, high) = if low > high { (0.0, 1.0) } else { (low, high) };
        let (from, to) = match scale {
            Scale::Nines => (Scale::Nines.place(0.5), high.max(1.0)),
            Scale::Count => (low, high.max(low + 0.5)),
            Scale::Duration => (low.floor(), high.ceil().max(low.floor() + 1.0)),
        };
        Self { scale, from, to }
    }

    /// Where a value is, from 0 to 1.
    pub(super) fn at(&self, value: f64) -> f64 {
        ((self.scale.place(value) - self.from) / (self.to - self.from)).clamp(0.0, 1.0)
    }

    /// Decades, and where there are only few of them, what lies between.
    fn counts(&self) -> Box<dyn Iterator<Item = f64>> {
        if self.to - self.from >= 2.0 {
            Box::new(decades(1.0))
        } else {
            Box::new(decades(1.0).flat_map(|decade| [decade, decade * 2.0, decade * 5.0]))
        }
    }

    /// Where the ticks are, and what they say.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let all: Vec<(f64, String)> = match self.scale {
            Scale::Nines => [
                (0.5, "50 %"),
                (0.9, "90 %"),
                (0.99, "99 %"),
                (0.999, "99.9 %"),
                (0.9999, "99.99 %"),
                (0.99999, "99.999 %"),
            ]
            .map(|(at, text)| (at, text.to_owned()))
            .to_vec(),
            Scale::Count => self.counts().map(|value| (value, count(value))).collect(),
            Scale::Duration => decades(1.0).map(|value| (value, duration(value))).collect(),
        };
        let inside = |value: f64| {
            let place = self.scale.place(value);
            place >= self.from - 1e-9 && place <= self.to + 1e-9
        };
        all.into_iter()
            .filter(|(value, _)| inside(*value))
            .map(|(value, text)| (self.at(value), text))
            .collect()
    }
}

impl Scale {
    fn place(self, value: f64) -> f64 {
        match self {
            Self::Nines => -(1.0 - value).max(1e-12).log10(),
            Self::Count | Self::Duration => value.max(1.0).log10(),
        }
    }
}

fn decades(first: f64) -> impl Iterator<Item = f64> {
    std::iter::successors(Some(first), |value| Some(value * 10.0)).take(12)
}

fn count(value: f64) -> String {
    match value {
        _ if value < 1e3 => format!("{value:.0}"),
        _ if value < 1e6 => format!("{:.0} k", value / 1e3),
        _ => format!("{:.0} M", value / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_nine_and_every_decade_is_as_wide_as_the_one_before() {
        let nines = Axis::over(Scale::Nines, [0.5, 0.9999].into_iter());
        let (one, two) = (nines.at(0.99) - nines.at(0.9), nines.at(0.999) - nines.at(0.99));
        assert!((one - two).abs() < 1e-9);
        let counts = Axis::over(Scale::Count, [1.0, 10_000.0].into_iter());
        assert!((counts.at(100.0) - 0.5).abs() < 1e-9);
        let ticks: Vec<String> = counts.ticks().into_iter().map(|(_, text)| text).collect();
        assert_eq!(ticks, ["1", "10", "100", "1 k", "10 k"]);
    }

    #[test]
    fn durations_begin_and_end_at_a_decade() {
        let axis = Axis::over(Scale::Duration, [250.0, 7_000_000.0].into_iter());
        let ticks = axis.ticks();
        assert_eq!(ticks.first(), Some(&(0.0, "100 ns".to_owned())));
        assert_eq!(ticks.last().map(|tick| tick.1.as_str()), Some("10 ms"));
    }

    #[test]
    fn nothing_to_show_is_still_an_axis() {
        let axis = Axis::over(Scale::Duration, std::iter::empty());
        assert!(axis.at(5.0).is_finite());
    }
}
