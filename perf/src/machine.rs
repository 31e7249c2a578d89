//! The machine and how quiet it was: numbers mean nothing without it.

use std::time::Instant;

use crate::usage::Usage;

/// Counters at one moment.
pub(crate) struct Conditions {
    at: Instant,
    usage: Usage,
    /// Ticks of all cores: everything, and what the host took.
    ticks: u64,
    stolen_ticks: u64,
    load: String,
}

impl Conditions {
    pub(crate) fn now() -> Self {
        let stat = read("/proc/stat");
        let all = stat.lines().next().unwrap_or_default();
        let ticks: Vec<u64> = all.split_whitespace().skip(1).filter_map(|tick| tick.parse().ok()).collect();
        Self {
            at: Instant::now(),
            usage: Usage::now(),
            // proc(5): user nice system idle iowait irq softirq steal; what follows is counted in these already.
            ticks: ticks.iter().take(8).sum(),
            stolen_ticks: ticks.get(7).copied().unwrap_or(0),
            load: read("/proc/loadavg").split_whitespace().take(3).collect::<Vec<_>>().join(" "),
        }
    }
}

/// What a run ran on, as pairs of a name and a value.
pub(crate) struct Run {
    pub(crate) facts: Vec<(&'static str, String)>,
}

impl Run {
    pub(crate) fn between(before: &Conditions, after: &Conditions) -> Self {
        let usage = after.usage.since(&before.usage);
        let stolen = percent(after.stolen_ticks - before.stolen_ticks, after.ticks - before.ticks);
        let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
        let facts = vec![
            ("processor", format!("{} ({cores} cores usable)", processor())),
            ("kernel", read("/proc/sys/kernel/osrelease").trim().to_owned()),
            ("governor", governor()),
            ("clock", crate::ticks::name().to_owned()),
            ("duration", format!("{:.0} s", after.at.duration_since(before.at).as_secs_f64())),
            ("load before, after", format!("{} | {}", before.load, after.load)),
            ("quiet", quiet(&before.load, cores)),
            ("stolen by the host", stolen),
            (
                "context switches",
                format!("{} voluntary, {} forced", usage.voluntary_switches, usage.involuntary_switches),
            ),
            ("page faults", format!("{} minor, {} major", usage.minor_faults, usage.major_faults)),
        ];
        Self { facts }
    }
}

/// Whether other programs wanted the cores when the run began: then the rows of threads show the scheduler.
fn quiet(load: &str, cores: usize) -> String {
    let last_minute =
        load.split_whitespace().next().and_then(|load| load.split('.').next()?.parse::<usize>().ok());
    match last_minute {
        Some(running) if running >= cores.max(1) => {
            format!(
                "NO: {running} threads wanted {cores} cores; only p50 and ratios of single threads mean much"
            )
        }
        Some(_) => "yes, as far as the load average tells".to_owned(),
        None => "unknown".to_owned(),
    }
}

fn percent(part: u64, of: u64) -> String {
    format!("{:.2} %", crate::row::ratio(part * 100, of.max(1)))
}

fn processor() -> String {
    let about = read("/proc/cpuinfo");
    let model = about.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.to_owned())
}

fn governor() -> String {
    let governor = read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
    if governor.is_empty() { "not readable (the host's)".to_owned() } else { governor.trim().to_owned() }
}

/// Empty where it cannot be read.
fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The kind of file system under a path: a sync to memory would prove nothing.
pub(crate) fn file_system(path: &std::path::Path) -> String {
    match rustix::fs::statfs(path).map(|found| found.f_type) {
        Ok(0xef53) => "ext4".to_owned(),
        Ok(0x5846_5342) => "xfs".to_owned(),
        Ok(0x9123_683e) => "btrfs".to_owned(),
        Ok(0x0102_1994) => "tmpfs: in memory, so the rows about disks mean nothing".to_owned(),
        Ok(0x794c_7630) => "overlayfs".to_owned(),
        Ok(other) => format!("file system {other:#x}"),
        Err(error) => error.to_string(),
    }
}
