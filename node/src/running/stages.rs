//! Where the time goes: stage times of commands, collected beside the path and written where they survive a kill.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actors::Core;
use crossbeam::queue::ArrayQueue;
use engine::{Lane, Shard, StageTimes, TraceReader, monotonic_ns, monotonic_ns_at};
use fix_gateway::{Probe, Stage};
use hdrhistogram::Histogram;
use model::Position;
use wire::LatencyReport;

use super::NodeError;
use super::outliers::{self, Traced};

/// The collecting thread.
pub(super) struct Stages {
    stopping: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    sent: Arc<ArrayQueue<(Position, u64)>>,
    kept: Option<Kept>,
}

/// The last inputs of every shard, for whoever asks why one was slow.
#[derive(Clone)]
pub(crate) struct Kept {
    shards: Arc<Mutex<Vec<VecDeque<Traced>>>>,
    most: usize,
}

impl Kept {
    fn of(shards: usize, most: usize) -> Option<Self> {
        let empty = || VecDeque::with_capacity(most);
        let shards = std::iter::repeat_with(empty).take(shards).collect();
        (most > 0).then(|| Self { shards: Arc::new(Mutex::new(shards)), most })
    }

    fn lock(&self) -> MutexGuard<'_, Vec<VecDeque<Traced>>> {
        self.shards.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, times: StageTimes) {
        let mut shards = self.lock();
        let Some(shard) = shards.get_mut(times.position.shard.slot()) else { return };
        if shard.len() == self.most {
            shard.pop_front();
        }
        shard.push_back(Traced { times, sent_ns: None });
    }

    fn was_sent(&self, position: Position, sent_ns: u64) {
        let mut shards = self.lock();
        let Some(shard) = shards.get_mut(position.shard.slot()) else { return };
        let at = shard.partition_point(|traced| traced.times.position.seq < position.seq);
        if let Some(traced) = shard.get_mut(at).filter(|traced| traced.times.position == position) {
            traced.sent_ns = Some(sent_ns);
        }
    }

    /// The worst `worst` of them. They are copied out first: the collecting thread must not wait for the sorting.
    pub(crate) fn report(&self, worst: usize) -> LatencyReport {
        let shards: Vec<Vec<Traced>> =
            self.lock().iter().map(|shard| shard.iter().copied().collect()).collect();
        outliers::report(&shards, worst, monotonic_ns())
    }
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
    /// Where the histograms are written; absent, they are not.
    path: Option<PathBuf>,
    kept: Option<Kept>,
}

impl Stages {
    /// Starts the thread where anything is wanted of it: histograms in `folder`, or the last `keep` inputs of each
    /// shard.
    pub(super) fn start(
        shards: &mut [Shard<Core>],
        folder: Option<&Path>,
        keep: usize,
    ) -> Result<Option<Self>, NodeError> {
        if folder.is_none() && keep == 0 {
            return Ok(None);
        }
        let kept = Kept::of(shards.len(), keep);
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
            path: folder.map(|folder| folder.join(format!("latency-{incarnation}.json"))),
            kept: kept.clone(),
        };
        let stopping = Arc::new(AtomicBool::new(false));
        let thread = std::thread::Builder::new()
            .name("stage-times".to_owned())
            .spawn({
                let stopping = Arc::clone(&stopping);
                move || collector.run(&stopping)
            })
            .map_err(|source| NodeError::Io { what: "cannot start the stage times".to_owned(), source })?;
        Ok(Some(Self { stopping, thread: Some(thread), sent, kept }))
    }

    /// What is kept, where it is.
    pub(super) fn kept(&self) -> Option<Kept> {
        self.kept.clone()
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
                if let Some(path) = &self.path
                    && let Err(error) = self.write(path)
                {
                    tracing::warn!(%error, path = %path.display(), "stage times cannot be written");
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
                if let Some(kept) = &self.kept {
                    kept.keep(times);
                }
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
            if let Some(kept) = &self.kept {
                kept.was_sent(position, sent_ns);
            }
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
    fn write(&self, path: &Path) -> std::io::Result<()> {
        let stages: BTreeMap<&str, Vec<(u64, u64)>> = self
            .histograms
            .iter()
            .map(|(stage, histogram)| {
                let pairs =
                    histogram.iter_recorded().map(|step| (step.value_iterated_to(), step.count_at_value()));
                (*stage, pairs.collect())
            })
            .collect();
        let beside = path.with_extension("tmp");
        std::fs::write(&beside, serde_json::to_vec(&stages)?)?;
        std::fs::rename(&beside, path)
    }
}
