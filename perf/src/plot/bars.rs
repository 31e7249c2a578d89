//! Bars with their numbers: parts of a whole, one under the other.

use super::chart::{add, head};
use super::scale::{Axis, Scale};
use super::{duration, escaped};

/// Name, median and p99 of each.
pub(super) struct Bars {
    pub(super) title: &'static str,
    pub(super) subtitle: &'static str,
    pub(super) rows: Vec<(String, f64, f64)>,
}

const WIDTH: f64 = 960.0;
const LEFT: f64 = 172.0;
const RIGHT: f64 = 800.0;
const TOP: f64 = 84.0;
const EACH: f64 = 34.0;

impl Bars {
    pub(super) fn svg(&self) -> String {
        let values = self.rows.iter().flat_map(|(_, median, tail)| [*median, *tail]);
        let axis = Axis::over(Scale::Duration, values.filter(|value| *value > 0.0));
        let count = crate::row::as_f64(u64::try_from(self.rows.len()).unwrap_or(0));
        let bottom = TOP + EACH * count;
        let mut svg = head(WIDTH, bottom + 48.0, self.title, self.subtitle);
        for (at, text) in axis.ticks() {
            let place = LEFT + at * (RIGHT - LEFT);
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
            let (end, tick) =
                (LEFT + axis.at(*median) * (RIGHT - LEFT), LEFT + axis.at(*tail) * (RIGHT - LEFT));
            let (middle, width) = (top + EACH / 2.0, (end - LEFT).max(1.0));
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
                    "<line x1=\"{end:.1}\" x2=\"{tick:.1}\" y1=\"{middle:.1}\" y2=\"{middle:.1}\" stroke=\"#0072b2\" stroke-opacity=\"0.45\"/>"
                ),
            );
            add(
                &mut svg,
                format_args!(
                    "<line x1=\"{tick:.1}\" x2=\"{tick:.1}\" y1=\"{:.1}\" y2=\"{:.1}\" stroke=\"#0072b2\" stroke-width=\"2\"/>",
                    middle - 6.0,
                    middle + 6.0
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
                    "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"#333\">{}  (p99 {})</text>",
                    tick.max(end) + 10.0,
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
