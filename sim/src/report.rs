//! What came of many histories, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::Serialize;
use sim::Verdict;

/// Events shown of a history that failed, the last one first.
const SHOWN: usize = 60;

/// One history that failed.
#[derive(Debug, Serialize)]
pub(crate) struct FailedHistory {
    seed: u64,
    problem: String,
    /// How to see it again.
    command: String,
}

/// All of them together.
#[derive(Debug, Serialize)]
pub(crate) struct SimReport {
    seeds: usize,
    events: u64,
    records: u64,
    segments: u64,
    executions: u64,
    faults: BTreeMap<&'static str, u64>,
    simulated_s: u64,
    real_s: f64,
    /// Seconds simulated for each second that passed.
    speed: u64,
    pub(crate) failures: Vec<FailedHistory>,
}

impl SimReport {
    pub(crate) fn of(verdicts: &[Verdict], elapsed: Duration) -> Self {
        let mut faults = BTreeMap::new();
        for (kind, times) in verdicts.iter().flat_map(|verdict| &verdict.faults) {
            *faults.entry(*kind).or_default() += times;
        }
        let simulated_s: i64 = verdicts.iter().map(|verdict| verdict.simulated_ns / 1_000_000_000).sum();
        let simulated_s = u64::try_from(simulated_s).unwrap_or(0);
        let real_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
        let failed = verdicts.iter().filter_map(|verdict| Some((verdict.seed, verdict.failure.clone()?)));
        let failures = failed.map(|(seed, problem)| FailedHistory {
            seed,
            problem,
            command: format!("cargo xtask sim --seed {seed}"),
        });
        Self {
            seeds: verdicts.len(),
            events: verdicts.iter().map(|verdict| verdict.events).sum(),
            records: verdicts.iter().map(|verdict| verdict.records).sum(),
            segments: verdicts.iter().map(|verdict| verdict.segments).sum(),
            executions: verdicts.iter().map(|verdict| verdict.executions).sum(),
            faults,
            simulated_s,
            real_s: elapsed.as_secs_f64(),
            speed: simulated_s.saturating_mul(1_000) / real_ms,
            failures: failures.collect(),
        }
    }

    pub(crate) fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }
}

impl fmt::Display for SimReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{:<24}{:>14}", "histories", self.seeds)?;
        writeln!(f, "{:<24}{:>14}", "events", self.events)?;
        writeln!(f, "{:<24}{:>14}", "records journalled", self.records)?;
        writeln!(f, "{:<24}{:>14}", "segments", self.segments)?;
        writeln!(f, "{:<24}{:>14}", "executions", self.executions)?;
        writeln!(f, "{:<24}{:>12} h", "simulated", self.simulated_s / 3_600)?;
        writeln!(f, "{:<24}{:>12.1} s", "in", self.real_s)?;
        writeln!(f, "{:<24}{:>14}", "times faster", self.speed)?;
        writeln!(f, "\n{:<24}{:>14}", "fault", "times")?;
        for (kind, times) in &self.faults {
            writeln!(f, "{kind:<24}{times:>14}")?;
        }
        writeln!(f, "\n{:<24}{:>14}", "failures", self.failures.len())?;
        for failure in &self.failures {
            writeln!(f, "  seed {}: {}", failure.seed, failure.problem)?;
        }
        Ok(())
    }
}

/// The end of a story, the last event first.
pub(crate) fn last_events(verdict: &Verdict) -> String {
    let lines: Vec<&str> = verdict.story.lines().rev().take(SHOWN).collect();
    let problem = verdict.failure.as_deref().unwrap_or_default();
    format!("\nThe end of seed {}, the last event first:\n\n{problem}\n{}\n", verdict.seed, lines.join("\n"))
}
