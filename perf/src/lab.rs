//! What every measurement gets: options, cores, a place for journals, and floors measured once in this run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::PerfError;
use crate::options::Options;
use crate::row::{Best, Floor, Row};
use crate::samples::{Samples, Summary};
use crate::ticks;

/// The state of one run.
pub(crate) struct Lab {
    pub(crate) options: Options,
    pub(crate) cores: Vec<usize>,
    pub(crate) dir: PathBuf,
    pub(crate) clock_ns: u64,
    pub(crate) rows: Vec<Row>,
    /// What this machine could not show, and why.
    pub(crate) not_run: Vec<String>,
    scratch: tempfile::TempDir,
    floors: BTreeMap<&'static str, Summary>,
}

impl Lab {
    pub(crate) fn open(options: Options) -> Result<Self, PerfError> {
        let dir = options.dir.clone().unwrap_or_else(default_dir);
        std::fs::create_dir_all(&dir).map_err(PerfError::io("make the directory of the report"))?;
        let scratch = tempfile::Builder::new().prefix("journals-").tempdir_in(&dir);
        let scratch = scratch.map_err(PerfError::io("make a directory for journals"))?;
        let cores = core_affinity::get_core_ids().unwrap_or_default();
        Ok(Self {
            options,
            cores: cores.into_iter().map(|core| core.id).collect(),
            dir,
            clock_ns: ticks::overhead_ns(),
            rows: Vec::new(),
            not_run: Vec::new(),
            scratch,
            floors: BTreeMap::new(),
        })
    }

    pub(crate) const fn is_full(&self) -> bool {
        self.options.full
    }

    /// One of two numbers, by how long the run may take.
    pub(crate) const fn sized<T: Copy>(&self, quick: T, full: T) -> T {
        if self.options.full { full } else { quick }
    }

    /// How often each measurement is repeated.
    pub(crate) const fn repetitions(&self) -> usize {
        self.sized(3, 5)
    }

    /// The core for the measuring thread, where there are at least two.
    pub(crate) fn near_core(&self) -> Option<usize> {
        self.cores.first().copied().filter(|_| self.cores.len() > 1)
    }

    /// The core for the thread that is measured, where there are at least two.
    pub(crate) fn far_core(&self) -> Option<usize> {
        self.cores.get(1).copied()
    }

    /// Pins the calling thread beside the measured one, until the guard goes.
    pub(crate) fn pinned(&self) -> Pinned {
        Pinned::to(self.near_core())
    }

    /// An empty directory for a journal.
    pub(crate) fn fresh_dir(&self) -> Result<tempfile::TempDir, PerfError> {
        tempfile::tempdir_in(self.scratch.path()).map_err(PerfError::io("make a directory for a journal"))
    }

    /// Where journals are put.
    pub(crate) fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// Runs `measure` again and again and keeps the best. On a machine too busy for all repetitions fewer are made.
    pub(crate) fn best_of(
        &self,
        mut measure: impl FnMut() -> Result<Samples, PerfError>,
    ) -> Result<Best, PerfError> {
        let repetitions = self.repeat(&mut measure)?;
        Best::of(&repetitions).ok_or(PerfError::Late("a repetition"))
    }

    /// As [`Self::best_of`] with fewer repetitions: for rows that are one point of a curve.
    pub(crate) fn best_of_some(
        &self,
        mut measure: impl FnMut() -> Result<Samples, PerfError>,
    ) -> Result<Best, PerfError> {
        let repetitions: Result<Vec<_>, _> = (0..self.sized(1, 3)).map(|_| measure()).collect();
        Best::of(&repetitions?).ok_or(PerfError::Late("a repetition"))
    }

    /// Runs `measure` as often as is asked for, or until the time for one row is over.
    pub(crate) fn repeat<T>(
        &self,
        mut measure: impl FnMut() -> Result<T, PerfError>,
    ) -> Result<Vec<T>, PerfError> {
        let (started, patience) = (Instant::now(), Duration::from_secs(self.sized(3, 60)));
        let mut results = Vec::new();
        while results.len() < self.repetitions() && (results.is_empty() || started.elapsed() < patience) {
            results.push(measure()?);
        }
        Ok(results)
    }

    /// The floor of this name; measured, and shown as a row, the first time it is asked for.
    pub(crate) fn floor(
        &mut self,
        name: &'static str,
        note: &'static str,
        measure: impl FnOnce(&Self) -> Result<Best, PerfError>,
    ) -> Result<Floor, PerfError> {
        if let Some(summary) = self.floors.get(name) {
            return Ok(Floor { name, summary: *summary });
        }
        let best = measure(self)?;
        let summary = best.summary;
        self.floors.insert(name, summary);
        self.rows.push(Row::new(name, best, note));
        Ok(Floor { name, summary })
    }

    /// A duration of a call without the clock's own part.
    #[inline]
    pub(crate) const fn net(&self, ns: u64) -> u64 {
        ns.saturating_sub(self.clock_ns)
    }
}

/// `perf` in the target directory this program was built into.
fn default_dir() -> PathBuf {
    let named = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let built_into = || Some(std::env::current_exe().ok()?.parent()?.parent()?.to_path_buf());
    named.or_else(built_into).unwrap_or_else(|| PathBuf::from("target")).join("perf")
}

/// The calling thread stays on one core while this lives.
pub(crate) struct Pinned {
    before: Option<rustix::thread::CpuSet>,
}

impl Pinned {
    pub(crate) fn to(core: Option<usize>) -> Self {
        let before = core.and_then(|_| rustix::thread::sched_getaffinity(None).ok());
        if let Some(id) = core {
            // Where it is not allowed the numbers are noisier, and nothing else.
            let _ = core_affinity::set_for_current(core_affinity::CoreId { id });
        }
        Self { before }
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            let _ = rustix::thread::sched_setaffinity(None, before);
        }
    }
}
