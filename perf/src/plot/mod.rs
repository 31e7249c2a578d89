//! The pictures of a run, as SVG: percentile curves, latency against load, scaling, the pause of a snapshot, and where
//! the microseconds of a FIX round trip go.

mod bars;
mod chart;
mod scale;

use std::path::{Path, PathBuf};

use crate::error::PerfError;
use crate::goals::LONGEST_GAP;
use crate::row::{Row, as_f64};

use bars::Bars;
use chart::{Chart, Series};
use scale::Scale;

/// A picture: its file's name, what it shows, and itself.
pub(crate) struct Picture {
    pub(crate) file: &'static str,
    pub(crate) about: &'static str,
    svg: String,
}

/// Those that the rows of this run are enough for.
pub(crate) fn pictures(rows: &[Row]) -> Vec<Picture> {
    let drawn = [
        ("percentiles.svg", "Latency by percentile, into the tail", percentiles(rows)),
        ("load.svg", "Submit to gateway against the offered load, open loop", load(rows)),
        ("scaling.svg", "Submit to gateway with more accounts and more open orders", scaling(rows)),
        ("snapshot.svg", "Gaps in the shard's loop while a snapshot is written", snapshot(rows)),
        ("quickfix.svg", "Where the time of a FIX round trip goes", quickfix(rows)),
    ];
    drawn.into_iter().filter_map(|(file, about, svg)| Some(Picture { file, about, svg: svg? })).collect()
}

/// Writes them into `folder`.
pub(crate) fn write(pictures: &[Picture], folder: &Path) -> Result<(), PerfError> {
    let failed = |path: PathBuf| move |source| PerfError::Write { path, source };
    std::fs::create_dir_all(folder).map_err(failed(folder.to_path_buf()))?;
    for picture in pictures {
        let path = folder.join(picture.file);
        std::fs::write(&path, &picture.svg).map_err(failed(path))?;
    }
    Ok(())
}

fn named<'a>(rows: &'a [Row], name: &str) -> Option<&'a Row> {
    rows.iter().find(|row| row.name == name)
}

fn percentiles(rows: &[Row]) -> Option<String> {
    let curves = [
        ("ring.hop", "ring hop (floor)"),
        ("journal.append.load.process", "append, process"),
        ("journal.append.load.disk", "append, disk"),
        ("core.submit_to_gateway.closed_loop", "submit → gateway, one by one"),
        ("core.submit_to_gateway", "submit → gateway, 100 k/s"),
        ("wire.echo", "raw TCP echo (floor)"),
        ("wire.quickfix.round_trip", "FIX round trip, QuickFIX"),
    ];
    let series: Vec<Series> = curves.iter().filter_map(|(name, label)| curve(rows, name, label)).collect();
    (series.len() > 1).then(|| {
        Chart {
            title: "Latency by percentile",
            subtitle: "best repetition of each path; log scales; dashed lines are floors of the same run",
            x_label: "percentile",
            x: Scale::Nines,
            y_label: "latency",
            series,
        }
        .svg()
    })
}

fn curve(rows: &[Row], name: &str, label: &str) -> Option<Series> {
    let row = named(rows, name)?;
    let points: Vec<(f64, f64)> = row.curve.iter().map(|(at, ns)| (*at, as_f64(*ns))).collect();
    let dashed = label.ends_with("(floor)");
    (points.len() > 1).then(|| Series { label: label.to_owned(), points, dashed })
}

fn load(rows: &[Row]) -> Option<String> {
    let mut of_path: Vec<&Row> = rows.iter().filter(|row| row.name == "core.submit_to_gateway").collect();
    of_path.sort_by(|one, other| one.rate.unwrap_or(0.0).total_cmp(&other.rate.unwrap_or(0.0)));
    let line = |label: &str, value: fn(&Row) -> u64| Series {
        label: label.to_owned(),
        points: of_path.iter().filter_map(|row| Some((row.rate?, as_f64(value(row))))).collect(),
        dashed: false,
    };
    let mut series = vec![
        line("max", |row| row.max),
        line("p99.9", |row| row.p999),
        line("p99", |row| row.p99),
        line("p50", |row| row.p50),
    ];
    let floor = |row: &&Row| Some((row.rate?, as_f64(row.floor_p50?)));
    let points: Vec<(f64, f64)> = of_path.iter().filter_map(floor).collect();
    series.push(Series { label: "ring hop p50 (floor)".to_owned(), points, dashed: true });
    (of_path.len() > 1).then(|| {
        Chart {
            title: "Submit to gateway against load",
            subtitle: "open loop: every order counts from the time it was meant to be sent; log scales",
            x_label: "orders offered per second",
            x: Scale::Count,
            y_label: "latency",
            series,
        }
        .svg()
    })
}

fn scaling(rows: &[Row]) -> Option<String> {
    let mut series = Vec::new();
    for (kind, label) in [("accounts", "accounts"), ("open_orders", "open orders an account")] {
        let prefix = format!("core.submit_to_gateway.{kind}.");
        let of_kind: Vec<(f64, &Row)> = rows
            .iter()
            .filter_map(|row| Some((as_f64(row.name.strip_prefix(&prefix)?.parse().ok()?), row)))
            .collect();
        for (percentile, value) in [("p50", (|row| row.p50) as fn(&Row) -> u64), ("p99", |row| row.p99)] {
            let points: Vec<(f64, f64)> =
                of_kind.iter().map(|(many, row)| (*many, as_f64(value(row)))).collect();
            if points.len() > 1 {
                series.push(Series {
                    label: format!("{percentile}, {label}"),
                    points,
                    dashed: percentile == "p99",
                });
            }
        }
    }
    (!series.is_empty()).then(|| {
        Chart {
            title: "Submit to gateway as the books grow",
            subtitle: "open loop at a fixed rate; solid lines are medians, dashed ones p99; log scales",
            x_label: "how many",
            x: Scale::Count,
            y_label: "latency",
            series,
        }
        .svg()
    })
}

fn snapshot(rows: &[Row]) -> Option<String> {
    let mut series: Vec<Series> =
        [("shard.gap.idle", "idle (floor)"), ("shard.gap.during_snapshot", "while a snapshot is written")]
            .iter()
            .filter_map(|(name, label)| curve(rows, name, label))
            .collect();
    let end = series.iter().filter_map(|one| one.points.last()).map(|point| point.0).fold(0.9, f64::max);
    let longest = rows.iter().find(|row| row.name == "shard.gap.idle").map(|row| as_f64(row.max))?;
    let most = longest * LONGEST_GAP;
    let goal = vec![(0.5, most), (end, most)];
    (series.len() == 2).then(|| {
        let label = format!("goal: {LONGEST_GAP} × the longest without");
        series.push(Series { label, points: goal, dashed: true });
        Chart {
            title: "Gaps in the shard's loop",
            subtitle: "time between two turns, with and without a snapshot under way; log scales",
            x_label: "percentile",
            x: Scale::Nines,
            y_label: "gap",
            series,
        }
        .svg()
    })
}

fn quickfix(rows: &[Row]) -> Option<String> {
    let stages: Vec<(String, f64, f64)> = rows
        .iter()
        .filter_map(|row| {
            let (_, name) = row.name.strip_prefix("wire.quickfix.stage.")?.split_once('_')?;
            Some((name.replace('_', " "), as_f64(row.p50), as_f64(row.p99)))
        })
        .collect();
    (!stages.is_empty()).then(|| {
        Bars {
            title: "Where the time of a FIX round trip goes",
            subtitle: "median of each stage, p99 beside it; QuickFIX on both sides over loopback",
            rows: stages,
        }
        .svg()
    })
}

/// Of a text inside SVG.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// `850 ns`, `1.2 µs`, `35 ms`.
pub(crate) fn duration(ns: f64) -> String {
    let (value, unit) = match ns {
        _ if ns < 1e3 => (ns, "ns"),
        _ if ns < 1e6 => (ns / 1e3, "µs"),
        _ if ns < 1e9 => (ns / 1e6, "ms"),
        _ => (ns / 1e9, "s"),
    };
    if value < 10.0 && value.fract() > 0.049 && unit != "ns" {
        format!("{value:.1} {unit}")
    } else {
        format!("{value:.0} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::Best;
    use crate::samples::Samples;

    fn row(name: &str, rate: f64) -> Row {
        let mut samples = Samples::new();
        (1..=1_000).for_each(|ns| samples.record(ns * 10));
        Row::new(name, Best::one(&samples), "").rate(rate)
    }

    #[test]
    fn a_run_with_few_rows_has_few_pictures() {
        assert!(pictures(&[]).is_empty());
        let rows =
            [row("core.submit_to_gateway", 1e5), row("core.submit_to_gateway", 1e6), row("ring.hop", 1.0)];
        let files: Vec<_> = pictures(&rows).iter().map(|picture| picture.file).collect();
        assert_eq!(files, ["percentiles.svg", "load.svg"]);
    }

    #[test]
    fn every_picture_is_whole() {
        let rows: Vec<Row> = [
            "core.submit_to_gateway",
            "ring.hop",
            "core.submit_to_gateway.accounts.1",
            "core.submit_to_gateway.accounts.100",
            "shard.gap.idle",
            "shard.gap.during_snapshot",
            "wire.quickfix.stage.1_ring_in",
        ]
        .iter()
        .map(|name| row(name, 1e5))
        .chain([row("core.submit_to_gateway", 1e6)])
        .collect();
        let pictures = pictures(&rows);
        assert_eq!(pictures.len(), 5);
        for Picture { svg, .. } in pictures {
            assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }

    #[test]
    fn durations_are_short() {
        let shown = [850.0, 1_000.0, 1_240.0, 35_000_000.0, 2e9].map(duration);
        assert_eq!(shown, ["850 ns", "1 µs", "1.2 µs", "35 ms", "2 s"]);
    }
}
