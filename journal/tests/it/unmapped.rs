//! A sealed segment is given back before it is synced. Were it still mapped, the kernel would interrupt the appending
//! core for each of its pages, and no other test would notice.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::common::{input, options, time};
use crate::observed::{Observed, Observer, Seen};
use journal::{Background, Durability, Options};

/// The segments whose records are mapped in this process, as the kernel says.
fn mapped(dir: &Path) -> Vec<u64> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let segment = |line: &str| -> Option<u64> {
        let (addresses, path) = (line.split_once(' ')?.0, Path::new(line.split_whitespace().last()?));
        let (from, to) = addresses.split_once('-')?;
        let len = u64::from_str_radix(to, 16).ok()? - u64::from_str_radix(from, 16).ok()?;
        // A header page stays mapped as long as somebody has the segment.
        let is_here = path.parent() == Some(dir) && len > 4096;
        path.file_stem().filter(|_| is_here)?.to_str()?.parse().ok()
    };
    maps.lines().filter_map(segment).collect()
}

/// Each look at what is mapped when a file's content is synced.
#[derive(Debug, Default)]
struct Looks(Mutex<Vec<Vec<u64>>>);

impl Observer for Looks {
    fn sees(&self, seen: Seen, path: &Path) {
        if matches!(seen, Seen::BeginSync | Seen::SyncBegins) {
            self.0.lock().unwrap().push(mapped(path.parent().unwrap_or(path)));
        }
    }
}

#[test]
fn a_sealed_segment_is_unmapped_before_it_is_synced() {
    let (dir, looks) = (tempfile::tempdir().unwrap(), Arc::new(Looks::default()));
    let disk = Arc::new(Observed(Arc::clone(&looks)));
    let options =
        Options { disk, background: Background::Stepped, ..options(dir.path(), Durability::Process) };
    let mut writer = journal::open(&options).unwrap().writer;
    let mut synced = 0;
    for seq in 1..=5_000 {
        let before = writer.segment_index();
        writer.ensure_room().unwrap();
        writer.append(time(seq), &input(seq)).unwrap();
        if writer.segment_index() == before {
            continue;
        }
        looks.0.lock().unwrap().clear();
        while writer.step_preparer() {}
        let seen = std::mem::take(&mut *looks.0.lock().unwrap());
        for mapped in seen {
            assert!(mapped.contains(&writer.segment_index()), "the one that is written to is: {mapped:?}");
            assert!(!mapped.contains(&before), "segment {before}: {mapped:?}");
            synced += 1;
        }
    }
    assert!(synced > 4, "{synced}");
    writer.close().unwrap();
}
