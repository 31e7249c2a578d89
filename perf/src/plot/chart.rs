//! Lines over two axes, each named at its end instead of in a legend.

use std::fmt::Write;

use super::escaped;
use super::scale::{Axis, Scale};

/// A line.
pub(super) struct Series {
    pub(super) label: String,
    pub(super) points: Vec<(f64, f64)>,
    pub(super) dashed: bool,
}

/// A picture of lines; the vertical axis is a duration.
pub(super) struct Chart {
    pub(super) title: &'static str,
    pub(super) subtitle: &'static str,
    pub(super) x_label: &'static str,
    pub(super) x: Scale,
    pub(super) y_label: &'static str,
    pub(super) series: Vec<Series>,
}

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 520.0;
const LEFT: f64 = 78.0;
/// Where the lines end, and their names begin.
const RIGHT: f64 = 712.0;
const TOP: f64 = 84.0;
const BOTTOM: f64 = 456.0;
/// The least distance between two names.
const LINE_HEIGHT: f64 = 17.0;
/// Told apart also by those who see colours differently (Okabe and Ito).
const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#333333"];

pub(super) const STYLE: &str =
    "font-family=\"system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif\"";

impl Chart {
    pub(super) fn svg(&self) -> String {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let x = Axis::over(self.x, points().map(|point| point.0));
        let y = Axis::over(Scale::Duration, points().map(|point| point.1));
        let mut svg = head(WIDTH, HEIGHT, self.title, self.subtitle);
        self.grid(&mut svg, &x, &y);
        let mut ends = Vec::new();
        for (series, colour) in self.series.iter().zip(COLOURS.iter().cycle()) {
            ends.extend(line(&mut svg, series, colour, &x, &y));
        }
        names(&mut svg, ends);
        svg.push_str("</svg>\n");
        svg
    }

    fn grid(&self, svg: &mut String, x: &Axis, y: &Axis) {
        for (at, text) in y.ticks() {
            let height = BOTTOM - at * (BOTTOM - TOP);
            add(
                svg,
                format_args!(
                    "<line x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{height:.1}\" y2=\"{height:.1}\" stroke=\"#e4e4e4\"/>"
                ),
            );
            add(
                svg,
                format_args!(
                    "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#555\">{text}</text>",
                    LEFT - 8.0,
                    height + 4.0
                ),
            );
        }
        for (at, text) in x.ticks() {
            let place = LEFT + at * (RIGHT - LEFT);
            add(
                svg,
                format_args!(
                    "<line x1=\"{place:.1}\" x2=\"{place:.1}\" y1=\"{TOP}\" y2=\"{BOTTOM}\" stroke=\"#f0f0f0\"/>"
                ),
            );
            add(
                svg,
                format_args!(
                    "<text x=\"{place:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#555\">{text}</text>",
                    BOTTOM + 20.0
                ),
            );
        }
        add(
            svg,
            format_args!(
                "<line x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{BOTTOM}\" y2=\"{BOTTOM}\" stroke=\"#888\"/>"
            ),
        );
        let middle = f64::midpoint(LEFT, RIGHT);
        add(
            svg,
            format_args!(
                "<text x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#222\">{}</text>",
                BOTTOM + 44.0,
                escaped(self.x_label)
            ),
        );
        add(
            svg,
            format_args!(
                "<text x=\"{LEFT}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#222\">{}</text>",
                TOP - 12.0,
                escaped(self.y_label)
            ),
        );
    }
}

/// A picture's beginning: white ground, title, what it shows.
pub(super) fn head(width: f64, height: f64, title: &str, subtitle: &str) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" font-size=\"13\" {STYLE}>\n"
    );
    add(&mut svg, format_args!("<title>{}</title>", escaped(title)));
    add(&mut svg, format_args!("<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>"));
    add(
        &mut svg,
        format_args!(
            "<text x=\"24\" y=\"32\" font-size=\"19\" font-weight=\"600\" fill=\"#111\">{}</text>",
            escaped(title)
        ),
    );
    add(&mut svg, format_args!("<text x=\"24\" y=\"53\" fill=\"#666\">{}</text>", escaped(subtitle)));
    svg
}

/// Where a line ends, and what it is.
struct LineEnd {
    height: f64,
    place: f64,
    label: String,
    colour: &'static str,
}

fn line(svg: &mut String, series: &Series, colour: &'static str, x: &Axis, y: &Axis) -> Option<LineEnd> {
    let place = |(at, value): &(f64, f64)| {
        (LEFT + x.at(*at) * (RIGHT - LEFT), BOTTOM - y.at(*value) * (BOTTOM - TOP))
    };
    let places: Vec<(f64, f64)> = series.points.iter().map(place).collect();
    let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let dashes = if series.dashed { " stroke-dasharray=\"5 4\"" } else { "" };
    add(
        svg,
        format_args!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" stroke-linejoin=\"round\"{dashes}/>",
            path.join(" ")
        ),
    );
    for (x, y) in places.iter().filter(|_| !series.dashed) {
        add(svg, format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.6\" fill=\"{colour}\"/>"));
    }
    let (place, height) = *places.last()?;
    Some(LineEnd { height, place, label: series.label.clone(), colour })
}

/// Names from the top down, none over another, with a thin line where a name had to make room.
fn names(svg: &mut String, mut ends: Vec<LineEnd>) {
    ends.sort_by(|one, other| one.height.total_cmp(&other.height));
    let mut heights: Vec<f64> = ends.iter().map(|end| end.height).collect();
    let mut least = TOP;
    for height in &mut heights {
        *height = height.max(least);
        least = *height + LINE_HEIGHT;
    }
    // Pushed out at the bottom: all of them move up again.
    let mut most = BOTTOM + 8.0;
    for height in heights.iter_mut().rev() {
        *height = height.min(most);
        most = *height - LINE_HEIGHT;
    }
    for (end, height) in ends.iter().zip(heights) {
        let (x, from, colour) = (RIGHT + 18.0, end.place + 4.0, end.colour);
        add(
            svg,
            format_args!(
                "<polyline points=\"{from:.1},{:.1} {:.1},{height:.1}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"0.8\" stroke-opacity=\"0.55\"/>",
                end.height,
                x - 4.0
            ),
        );
        add(
            svg,
            format_args!(
                "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{colour}\">{}</text>",
                height + 4.5,
                escaped(&end.label)
            ),
        );
    }
}

pub(super) fn add(svg: &mut String, element: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(svg, "{element}");
}
