//! Why an input was slow: from its own stamps, the kernel's counters, and what the shard did before it.

use engine::{StageTimes, ThreadUsage};
use wire::{Cause, Lane, LatencyReport, LatencyRow};

/// An input with what became of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Traced {
    pub(super) times: StageTimes,
    /// When the session's engine had handed its message to the socket.
    pub(super) sent_ns: Option<u64>,
}

impl Traced {
    fn began_ns(&self) -> u64 {
        if self.times.submitted_ns == 0 { self.times.taken_ns } else { self.times.submitted_ns }
    }

    fn total_ns(&self) -> u64 {
        self.sent_ns.unwrap_or(0).max(self.times.released_ns).saturating_sub(self.began_ns())
    }
}

/// The worst `worst` of what each shard keeps, in the order in which the shard took them.
pub(super) fn report(shards: &[Vec<Traced>], worst: usize, now_ns: u64) -> LatencyReport {
    let mut all: Vec<(u64, &[Traced], &Traced)> = Vec::new();
    for shard in shards {
        for (index, traced) in shard.iter().enumerate() {
            all.push((traced.total_ns(), shard.get(..index).unwrap_or_default(), traced));
        }
    }
    all.sort_by_key(|(total_ns, _, traced)| (std::cmp::Reverse(*total_ns), traced.times.position));
    let oldest = shards.iter().filter_map(|shard| shard.first()).map(Traced::began_ns).min();
    LatencyReport {
        kept: u64::try_from(all.len()).unwrap_or(u64::MAX),
        oldest_ns: oldest.map_or(0, |oldest_ns| now_ns.saturating_sub(oldest_ns)),
        median_ns: all.get(all.len() / 2).map_or(0, |(total_ns, ..)| *total_ns),
        rows: all.iter().take(worst).map(|(_, before, traced)| row(before, traced)).collect(),
    }
}

fn row(before: &[Traced], traced: &Traced) -> LatencyRow {
    let times = &traced.times;
    let ring_ns = (times.submitted_ns > 0).then(|| times.taken_ns.saturating_sub(times.submitted_ns));
    let journal_ns = times.appended_ns.saturating_sub(times.taken_ns);
    let decide_ns = times.applied_ns.saturating_sub(times.appended_ns);
    let release_ns = times.released_ns.saturating_sub(times.applied_ns);
    let gateway_ns = traced.sent_ns.map(|sent_ns| sent_ns.saturating_sub(times.released_ns));
    let spans = [ring_ns.unwrap_or(0), journal_ns, decide_ns, release_ns, gateway_ns.unwrap_or(0)];
    let longest = spans.iter().copied().max().unwrap_or(0);
    let (cause, detail) = match spans.iter().position(|span| *span == longest) {
        Some(0) => waited(before, times),
        Some(1) if times.rolled => (Cause::SegmentRoll, "the first record of a segment".to_owned()),
        Some(1) => on_the_core(Cause::Append, times.usage),
        Some(2) => on_the_core(Cause::Decide, times.usage),
        Some(3) if times.held => (Cause::SyncWait, "released when its record was on disk".to_owned()),
        Some(3) => on_the_core(Cause::Release, times.usage),
        _ => (Cause::Gateway, "translation, numbering, the engine's store and its socket".to_owned()),
    };
    LatencyRow {
        position: times.position,
        lane: lane(times.lane),
        total_ns: traced.total_ns(),
        ring_ns,
        journal_ns,
        decide_ns,
        release_ns,
        gateway_ns,
        cause,
        detail,
    }
}

/// What a stage on the shard's own thread was spent on.
fn on_the_core(stage: Cause, usage: ThreadUsage) -> (Cause, String) {
    let ThreadUsage { minor_faults, major_faults, slept, preempted } = usage;
    if major_faults > 0 {
        (Cause::PageFault, format!("{major_faults} from disk, {minor_faults} from memory"))
    } else if preempted > 0 {
        (Cause::Scheduler, format!("the core was taken away {preempted} ×"))
    } else if minor_faults > 0 {
        (Cause::PageFault, format!("{minor_faults} from memory"))
    } else if slept > 0 {
        (stage, format!("the thread waited in the kernel {slept} ×"))
    } else {
        (stage, "no fault, no lost core: the work itself, or the machine".to_owned())
    }
}

/// What the shard did while an input waited in its ring.
fn waited(before: &[Traced], times: &StageTimes) -> (Cause, String) {
    let ahead = before.iter().rev().take_while(|other| other.times.applied_ns > times.submitted_ns);
    let busy: Vec<&Traced> = ahead.collect();
    let busy_ns = |other: &&&Traced| other.times.applied_ns.saturating_sub(other.times.taken_ns);
    if let Some(slowest) = busy.iter().max_by_key(busy_ns) {
        let (took_ns, at) = (busy_ns(&slowest), slowest.times.position);
        let detail = format!(
            "{} before it; the slowest, {at}, took {}",
            busy.len(),
            readable::short_duration(took_ns)
        );
        return (Cause::Behind, detail);
    }
    match times.usage {
        ThreadUsage { preempted, .. } if preempted > 0 => {
            (Cause::Scheduler, format!("an idle shard; its core was taken away {preempted} ×"))
        }
        ThreadUsage { slept, .. } if slept > 0 => {
            (Cause::Asleep, "an idle shard that slept, as node.idle has it".to_owned())
        }
        _ => (Cause::RingWait, "an idle shard that was awake: from core to core".to_owned()),
    }
}

const fn lane(lane: engine::Lane) -> Lane {
    match lane {
        engine::Lane::Command => Lane::Command,
        engine::Lane::Report => Lane::Report,
        engine::Lane::Own => Lane::Own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Position, ShardId};

    /// Submitted at 1000, and then after so many nanoseconds each: taken, appended, applied, released.
    fn traced(seq: u64, submitted_ns: u64, spans: [u64; 4]) -> Traced {
        let mut at = submitted_ns;
        let [taken_ns, appended_ns, applied_ns, released_ns] = spans.map(|span| {
            at += span;
            at
        });
        let position = Position::new(ShardId::new(0), seq);
        let lane = engine::Lane::Command;
        let stages = StageTimes {
            submitted_ns,
            taken_ns,
            appended_ns,
            applied_ns,
            released_ns,
            ..StageTimes::default()
        };
        Traced { times: StageTimes { position, lane, ..stages }, sent_ns: None }
    }

    fn with(mut traced: Traced, change: impl FnOnce(&mut StageTimes)) -> Traced {
        change(&mut traced.times);
        traced
    }

    fn cause_of(before: &[Traced], traced: &Traced) -> Cause {
        row(before, traced).cause
    }

    #[test]
    fn each_cause_is_told_from_the_others() {
        let usage = |minor_faults, major_faults, slept, preempted| ThreadUsage {
            minor_faults,
            major_faults,
            slept,
            preempted,
        };
        let append = traced(1, 1_000, [100, 90_000, 100, 100]);
        let decide = traced(1, 1_000, [100, 100, 90_000, 100]);
        let release = traced(1, 1_000, [100, 100, 100, 90_000]);
        let wait = traced(1, 1_000, [90_000, 100, 100, 100]);
        let sent = Traced { sent_ns: Some(500_000), ..traced(1, 1_000, [100; 4]) };
        for (traced, cause) in [
            (append, Cause::Append),
            (with(append, |times| times.rolled = true), Cause::SegmentRoll),
            (with(append, |times| times.usage = usage(3, 0, 0, 0)), Cause::PageFault),
            (with(append, |times| times.usage = usage(3, 0, 0, 1)), Cause::Scheduler),
            (with(append, |times| times.usage = usage(3, 1, 1, 1)), Cause::PageFault),
            (decide, Cause::Decide),
            (with(decide, |times| times.usage = usage(0, 0, 0, 2)), Cause::Scheduler),
            (release, Cause::Release),
            (with(release, |times| times.held = true), Cause::SyncWait),
            (wait, Cause::RingWait),
            (with(wait, |times| times.usage = usage(0, 0, 1, 0)), Cause::Asleep),
            (with(wait, |times| times.usage = usage(0, 0, 1, 1)), Cause::Scheduler),
            (sent, Cause::Gateway),
        ] {
            assert_eq!(cause_of(&[], &traced), cause, "{traced:?}");
        }
    }

    #[test]
    fn one_that_waits_behind_a_slow_one_names_it() {
        let slow = traced(7, 1_000, [100, 100, 2_000_000, 100]);
        let quick = traced(8, 1_500, [2_000_700, 100, 100, 100]);
        let last = traced(9, 2_000, [2_000_600, 100, 100, 100]);
        let row = row(&[traced(6, 100, [1; 4]), slow, quick], &last);
        assert_eq!(row.cause, Cause::Behind);
        assert_eq!(row.detail, "2 before it; the slowest, 0:7, took 2.0 ms");
    }

    #[test]
    fn the_worst_come_first_and_spans_add_up() {
        let shards = [
            vec![traced(1, 1_000, [10, 20, 30, 40]), traced(2, 9_000, [10, 20, 30, 4_000])],
            vec![traced(1, 2_000, [10, 20, 3_000, 40])],
        ];
        let report = report(&shards, 2, 100_000);
        assert_eq!((report.kept, report.oldest_ns, report.median_ns), (3, 99_000, 3_070));
        assert_eq!(report.rows.iter().map(|row| row.total_ns).collect::<Vec<_>>(), [4_060, 3_070]);
        for row in report.rows {
            let sum = row.ring_ns.unwrap_or(0) + row.journal_ns + row.decide_ns + row.release_ns;
            assert_eq!(sum, row.total_ns);
        }
    }

    #[test]
    fn nothing_kept_is_an_empty_report() {
        assert_eq!(report(&[Vec::new()], 20, 5), LatencyReport::default());
    }
}
