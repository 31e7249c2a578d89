//! Where the time goes: stage times of commands, collected beside the path and written where they survive a kill.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam::queue::ArrayQueue;
use engine::{Lane, Shard, TraceReader, monotonic_ns_at};
use fix_gateway::{Probe, Stage};
use hdrhistogram::Histogram;
use model::Position;

use super::NodeError;

/// The collecting thread.
pub(super) struct Stages {
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    sent: Arc<ArrayQueue<(Position, u64)>>,
}

/// The stages, in order, with what each spans.
pub const STAGES: [(&str, &str); 6] = [
    ("ring_in", "from the submitter into the shard"),
    ("journal", "stamped and appended"),
    ("decide", "risk rules, order, ledger"),
    ("release", "answer and message handed over"),
    ("gateway", "translated, numbered, handed to the socket"),
    ("total", "from the submitter to the socket"),
];

/// Messages whose sending is waited for.
const MOST_UNSENT: usize = 100_000;
/// How often the histograms are written.
const WRITE_EVERY: Duration = Duration::from_millis(50);
const PAUSE: Duration = Duration::from_millis(5);
/// Whatever takes longer counts as this: a minute.
const LONGEST_NS: u64 = 60_000_000_000;

struct Collector {
    traces: Vec<TraceReader>,
    sent: Arc<ArrayQueue<(Position, u64)>>,
    unsent: BTreeMap<Position, (u64, u64)>,
    histograms: BTreeMap<&'static str, Histogram<u64>>,
    path: PathBuf,
}

impl Stages {
    pub(super) fn start(shards: &mut [Shard], folder: &Path) -> Result<Self, NodeError> {
        let sent = Arc::new(ArrayQueue::new(64 * 1024));
        let incarnation = shards.first().map_or(0, |shard| shard.recovery().incarnation.count);
        let mut histograms = BTreeMap::new();
        for (stage, _) in STAGES {
            // From a nanosecond to a minute at three digits: bounds that make sense cannot fail.
            let Ok(histogram) = Histogram::new_with_bounds(1, LONGEST_NS, 3) else { continue };
            histograms.insert(stage, histogram);
        }
        let collector = Collector {
            traces: shards.iter_mut().filter_map(Shard::take_trace).collect(),
            sent: Arc::clone(&sent),
            unsent: BTreeMap::new(),
            histograms,
            path: folder.join(format!("latency-{incarnation}.json")),
        };
        let stopping = Arc::new(AtomicBool::new(false));
        let thread = std::thread::Builder::new()
            .name("stage-times".to_owned())
            .spawn({
                let stopping = Arc::clone(&stopping);
                move || collector.run(&stopping)
            })
            .map_err(|source| NodeError::Io { what: "cannot start the stage times".to_owned(), source })?;
        Ok(Self { stopping, thread: Some(thread), sent })
    }

    /// For the gateways: tells when a message was handed to the socket.
    pub(super) fn probe(&self) -> Probe {
        let sent = Arc::clone(&self.sent);
        Arc::new(move |position, stage, at| {
            if stage == Stage::Sent {
                // A full queue loses a time, never a message.
                let _ = sent.push((position, monotonic_ns_at(at)));
            }
        })
    }
}

impl Drop for Stages {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the stage times died");
        }
    }
}

impl Collector {
    fn run(mut self, stopping: &AtomicBool) {
        let mut written = Instant::now();
        loop {
            let stop = stopping.load(Ordering::Acquire);
            self.collect();
            if stop || written.elapsed() >= WRITE_EVERY {
                written = Instant::now();
                if let Err(error) = self.write() {
                    tracing::warn!(%error, path = %self.path.display(), "stage times cannot be written");
                }
            }
            if stop {
                return;
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn collect(&mut self) {
        for trace in &mut self.traces {
            while let Some(times) = trace.poll() {
                if times.lane != Lane::Command {
                    continue;
                }
                let mut record = |stage, from: u64, to: u64| {
                    if let Some(histogram) = self.histograms.get_mut(stage) {
                        histogram.saturating_record(to.saturating_sub(from));
                    }
                };
                record("ring_in", times.submitted_ns, times.taken_ns);
                record("journal", times.taken_ns, times.appended_ns);
                record("decide", times.appended_ns, times.applied_ns);
                record("release", times.applied_ns, times.released_ns);
                if self.unsent.len() >= MOST_UNSENT {
                    self.unsent.pop_first();
                }
                self.unsent.insert(times.position, (times.submitted_ns, times.released_ns));
            }
        }
        while let Some((position, sent_ns)) = self.sent.pop() {
            let Some((submitted_ns, released_ns)) = self.unsent.remove(&position) else { continue };
            for (stage, from) in [("gateway", released_ns), ("total", submitted_ns)] {
                if let Some(histogram) = self.histograms.get_mut(stage) {
                    histogram.saturating_record(sent_ns.saturating_sub(from));
                }
            }
        }
    }

    /// Value and count pairs, so that the histograms of several lives of a node can be added up. Written beside and
    /// renamed: a reader never sees half a file.
    fn write(&self) -> std::io::Result<()> {
        let stages: BTreeMap<&str, Vec<(u64, u64)>> = self
            .histograms
            .iter()
            .map(|(stage, histogram)| {
                let pairs =
                    histogram.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value()));
                (*stage, pairs.collect())
            })
            .collect();
        let beside = self.path.with_extension("tmp");
        std::fs::write(&beside, serde_json::to_vec(&stages)?)?;
        std::fs::rename(&beside, &self.path)
    }
}
