//! Bars with their numbers: parts of a whole, one under the other.

use super::chart::{add, head};
use super::{duration, escaped};

/// Name, median and p99 of each.
pub(super) struct Bars {
    pub(super) title: &'static str,
    pub(super) subtitle: &'static str,
    pub(super) rows: Vec<(String, f64, f64)>,
}

const WIDTH: f64 = 960.0;
const LEFT: f64 = 172.0;
const RIGHT: f64 = 760.0;
const TOP: f64 = 84.0;
const EACH: f64 = 34.0;

impl Bars {
    pub(super) fn svg(&self) -> String {
        let longest = self.rows.iter().map(|(_, median, _)| *median).fold(1.0, f64::max);
        let at = |value: f64| LEFT + (value / longest).clamp(0.0, 1.0) * (RIGHT - LEFT);
        let count = crate::row::as_f64(u64::try_from(self.rows.len()).unwrap_or(0));
        let bottom = TOP + EACH * count;
        let mut svg = head(WIDTH, bottom + 48.0, self.title, self.subtitle);
        for tick in ticks(longest) {
            let (place, text) = (at(tick), duration(tick));
            add(
                &mut svg,
                format_args!(
                    "<line x1=\"{place:.1}\" x2=\"{place:.1}\" y1=\"{TOP}\" y2=\"{bottom:.1}\" stroke=\"#e4e4e4\"/>"
                ),
            );
            add(
                &mut svg,
                format_args!(
                    "<text x=\"{place:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#555\">{text}</text>",
                    bottom + 22.0
                ),
            );
        }
        let mut top = TOP;
        for (name, median, tail) in &self.rows {
            let (end, middle) = (at(*median), top + EACH / 2.0);
            let width = (end - LEFT).max(1.0);
            add(
                &mut svg,
                format_args!(
                    "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#222\">{}</text>",
                    LEFT - 10.0,
                    middle + 4.5,
                    escaped(name)
                ),
            );
            add(
                &mut svg,
                format_args!(
                    "<rect x=\"{LEFT}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\" rx=\"2\" fill=\"#0072b2\"/>",
                    top + 7.0,
                    EACH - 14.0
                ),
            );
            add(
                &mut svg,
                format_args!(
                    "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"#333\">{}<tspan fill=\"#888\">  p99 {}</tspan></text>",
                    end + 10.0,
                    middle + 4.5,
                    duration(*median),
                    duration(*tail)
                ),
            );
            top += EACH;
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// From zero on, a few round numbers.
fn ticks(longest: f64) -> Vec<f64> {
    let decade = 10f64.powf(longest.log10().floor());
    let step = [0.2, 0.5, 1.0, 2.0].map(|part| part * decade).into_iter().find(|step| longest / step <= 6.0);
    let step = step.unwrap_or(decade);
    std::iter::successors(Some(0.0), |tick| Some(tick + step)).take_while(|tick| *tick <= longest).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_few_and_round() {
        assert_eq!(ticks(8_775.0), [0.0, 2_000.0, 4_000.0, 6_000.0, 8_000.0]);
        assert_eq!(ticks(130.0), [0.0, 50.0, 100.0]);
        assert!(ticks(1.0).len() <= 7);
    }
}
