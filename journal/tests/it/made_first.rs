//! What the writer will wait for is made before a sealed segment is put to rest: a sync of one can take longer than the
//! next one lasts.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::common::{Word, input, options, time};
use crate::observed::{Observed, Observer, Seen};
use journal::{Durability, Options, Writer};

/// What was seen of the background thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// This segment has its name.
    Made(u64),
    /// It begins to put a segment to rest.
    Resting,
    /// A segment's content is on disk.
    Synced,
}

/// Holds the first segment that is put to rest until it is let go.
#[derive(Debug, Default)]
struct Gate {
    steps: Mutex<(Vec<Step>, bool)>,
    changed: Condvar,
}

impl Gate {
    fn saw(&self, step: Step) {
        self.steps.lock().unwrap().0.push(step);
        self.changed.notify_all();
    }

    fn wait_until(&self, what: &str, is_so: impl Fn(&[Step], bool) -> bool) -> Vec<Step> {
        let deadline = Instant::now() + Duration::from_mins(1);
        let mut steps = self.steps.lock().unwrap();
        while !is_so(&steps.0, steps.1) {
            assert!(Instant::now() < deadline, "waited a minute until {what}: {:?}", steps.0);
            steps = self.changed.wait_timeout(steps, Duration::from_millis(100)).unwrap().0;
        }
        steps.0.clone()
    }

    fn let_go(&self) {
        self.steps.lock().unwrap().1 = true;
        self.changed.notify_all();
    }
}

impl Observer for Gate {
    fn sees(&self, seen: Seen, path: &Path) {
        match seen {
            Seen::Renamed => {
                if let Some(segment) = path.file_stem().and_then(|name| name.to_str()?.parse().ok()) {
                    self.saw(Step::Made(segment));
                }
            }
            Seen::BeginSync => {
                self.saw(Step::Resting);
                self.wait_until("it is let go", |_, is_let_go| is_let_go);
            }
            Seen::SyncBegins => {}
            Seen::Synced => self.saw(Step::Synced),
        }
    }
}

/// Appends until this segment is written to; how many records there are then.
fn fill_up_to(writer: &mut Writer, segment: u64) -> u64 {
    while writer.segment_index() < segment {
        let seq = writer.next_seq();
        writer.ensure_room().unwrap();
        writer.append(time(seq), &input(seq)).unwrap();
    }
    writer.next_seq() - 1
}

#[test]
fn the_next_segment_is_made_before_a_sealed_one_is_synced() {
    let (dir, gate) = (tempfile::tempdir().unwrap(), Arc::new(Gate::default()));
    let disk = Arc::new(Observed(Arc::clone(&gate)));
    let options = Options { disk, ..options(dir.path(), Durability::Process) };
    let mut writer = journal::open(&options).unwrap().writer;
    fill_up_to(&mut writer, 2);
    gate.wait_until("the first is put to rest", |steps, _| steps.contains(&Step::Resting));
    // While that takes its time, the third is begun, and the fourth is wanted.
    fill_up_to(&mut writer, 3);
    gate.let_go();
    let is_synced = |steps: &[Step], _| steps.iter().filter(|step| **step == Step::Synced).count() >= 2;
    let steps = gate.wait_until("two are at rest", is_synced);
    // The first sync was that of the opening.
    let after = steps.iter().skip_while(|step| **step != Step::Resting).skip(1).collect::<Vec<_>>();
    assert_eq!(after.first(), Some(&&Step::Made(4)), "{steps:?}");
    // A writer that goes on waits for nothing that does not come, and nothing is lost.
    let records = fill_up_to(&mut writer, 20);
    writer.close().unwrap();
    assert_eq!(journal::verify::<Word>(dir.path()).unwrap().records, records);
}
