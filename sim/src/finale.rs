//! How a history ends: a clean stop, damage that must be refused by name, and a start that finds everything again.

use std::path::PathBuf;

use actors::Core;
use engine::{recover_in_turn, replay, snapshots_dir, state_hash};
use journal::disk::Disk;
use journal::{JournalError, Reader, repair_to, stat, verify};
use model::RecordBody;

use crate::plant::Plant;
use crate::world::World;

/// Where a record stands.
struct RecordPlace {
    segment: PathBuf,
    offset: u64,
    len_bytes: u64,
}

impl World {
    /// Stops, looks, damages, repairs, and looks again.
    pub(crate) fn end(&mut self) -> Result<(), String> {
        let Some(node) = self.node.take() else { return Err("there is no node to stop".into()) };
        let stopped = node.shard.stop().map_err(|error| format!("it does not stop: {error}"))?;
        drop(node.session);
        self.auditor.follow()?;
        if stopped.position.seq != self.auditor.seq() {
            return Err(format!(
                "stopped at {}, the journal ends with {}",
                stopped.position,
                self.auditor.seq()
            ));
        }
        self.auditor.detach();
        self.check_replays()?;
        self.damage_snapshot()?;
        if self.plant_altered_record() {
            return self.auditor.attach(&self.folder());
        }
        match self.dice.below(3) {
            0 => self.damage(true),
            1 => self.damage(false),
            _ => self.check_start(),
        }
    }

    fn check_replays(&mut self) -> Result<(), String> {
        let report = verify::<RecordBody>(self.folder());
        let report = report.map_err(|error| format!("a good journal is not verified: {error}"))?;
        self.segments = report.segments;
        let whole = replay::<Core>(self.folder()).map_err(|error| error.to_string())?;
        let quick = recover_in_turn::<Core>(self.folder()).map_err(|error| error.to_string())?;
        if whole.digest != self.auditor.digest() || quick.digest != whole.digest {
            return Err("a replay leads to another digest".into());
        }
        if state_hash(&whole.core) != state_hash(self.auditor.core())
            || state_hash(&quick.core) != state_hash(&whole.core)
        {
            return Err("a replay leads to another state".into());
        }
        Ok(())
    }

    /// One bit of a snapshot is turned over: it is passed over, and the state is found all the same.
    fn damage_snapshot(&mut self) -> Result<(), String> {
        let folder = snapshots_dir(&self.folder().path);
        let names = self.disk.list(&folder).unwrap_or_default();
        let Some(path) = self.dice.pick(&names).map(|name| folder.join(name)) else { return Ok(()) };
        let len = self.disk.content(&path).len() as u64;
        let (byte, bit) = (self.dice.below(len), u8::try_from(self.dice.below(8)).unwrap_or(0));
        self.disk.flip(&path, byte, bit);
        self.history.fault("snapshot damaged", || format!("{} byte {byte}", path.display()));
        let recovered = recover_in_turn::<Core>(self.folder()).map_err(|error| error.to_string())?;
        let believed = recovered.snapshot.map(|seq| format!("{seq:020}.snapshot"));
        if believed.is_some() && believed.as_deref() == path.file_name().and_then(|name| name.to_str()) {
            return Err(format!("{} is damaged, and is believed", path.display()));
        }
        if recovered.digest != self.auditor.digest() {
            return Err("past a damaged snapshot, a start leads to another digest".into());
        }
        self.disk.flip(&path, byte, bit);
        Ok(())
    }

    fn check_start(&mut self) -> Result<(), String> {
        self.boot()?;
        if self.disk.is_dead() || self.node.is_none() {
            return Ok(());
        }
        let Some(node) = &self.node else { return Ok(()) };
        let recovered = node.shard.recovered();
        let at = usize::try_from(recovered.position.seq).unwrap_or(0).checked_sub(1);
        let known = at.and_then(|at| self.auditor.known.get(at)).map(|known| known.digest);
        if known.is_some_and(|known| known != recovered.digest) {
            return Err(format!("at record {} a start leads to another digest", recovered.position.seq));
        }
        Ok(())
    }

    fn place(&self, seq: u64) -> Result<RecordPlace, String> {
        let told = |error: JournalError| error.to_string();
        let stat = stat(self.folder()).map_err(told)?;
        let segment = stat.segments.iter().rev().find(|segment| segment.first_seq <= seq);
        let segment = segment.ok_or("the journal has no segment for a record it has")?;
        let mut reader = Reader::from_seq(self.folder(), segment.first_seq).map_err(told)?;
        let mut offset = 4_096;
        while let Some(record) = reader.next::<model::RecordBody>().map_err(told)? {
            let len_bytes = u64::from(record.len_bytes);
            if record.position.seq == seq {
                return Ok(RecordPlace { segment: segment.path.clone(), offset, len_bytes });
            }
            offset += len_bytes;
        }
        Err(format!("record {seq} is not there"))
    }

    /// One bit of a record that is provably durable is turned over. It must be refused by name, or, where a start does
    /// not read that far back, be found by whoever verifies. Then the bit is turned back, or the journal cut.
    fn damage(&mut self, is_restored: bool) -> Result<(), String> {
        if self.proven == 0 {
            return Ok(());
        }
        let seq = self.dice.between(1, self.proven);
        let place = self.place(seq)?;
        let (byte, bit) = (place.offset + self.dice.below(place.len_bytes), self.dice.index(8));
        let bit = u8::try_from(bit).unwrap_or(0);
        self.disk.flip(&place.segment, byte, bit);
        self.history.fault("bit flip", || format!("record {seq}, {} byte {byte}", place.segment.display()));
        match verify::<RecordBody>(self.folder()) {
            Err(JournalError::Corrupt { seq: named, .. }) if named == seq => {}
            Err(error) => return Err(format!("record {seq} is damaged, and this is said: {error}")),
            Ok(_) => return Err(format!("record {seq} is damaged, and nobody notices")),
        }
        if let Ok(recovered) = recover_in_turn::<Core>(self.folder())
            && recovered.snapshot.is_none_or(|snapshot| snapshot < seq)
        {
            return Err(format!("record {seq} is damaged, and a start passes over it"));
        }
        if is_restored {
            self.disk.flip(&place.segment, byte, bit);
            self.auditor.attach(&self.folder())?;
            return self.check_start();
        }
        self.cut_before(seq)
    }

    fn cut_before(&mut self, seq: u64) -> Result<(), String> {
        let repaired = repair_to(self.folder(), seq - 1).map_err(|error| format!("no repair: {error}"))?;
        self.history.tell(|| format!("repaired: {repaired:?}"));
        let report = verify::<RecordBody>(self.folder())
            .map_err(|error| format!("repaired, and not good: {error}"))?;
        if report.last_seq != seq - 1 {
            return Err(format!("repaired to {}, and ends with {}", seq - 1, report.last_seq));
        }
        // What is left leads to what it led to.
        let before = usize::try_from(seq - 1).ok().and_then(|kept| kept.checked_sub(1));
        let before = before.and_then(|last| self.auditor.known.get(last)).map(|known| known.digest);
        let again = replay::<Core>(self.folder()).map_err(|error| error.to_string())?;
        if before.is_some_and(|before| before != again.digest) {
            return Err(format!("cut behind record {}, and its digest is another one", seq - 1));
        }
        self.auditor = self.auditor.anew();
        self.check_start()
    }

    /// The planted one: a record is replaced by another that looks good.
    fn plant_altered_record(&mut self) -> bool {
        let (true, Ok(place)) = (self.is_planted(Plant::AlteredRecord), self.place(self.auditor.seq()))
        else {
            return false;
        };
        let content = self.disk.content(&place.segment);
        let range = usize::try_from(place.offset).unwrap_or(0)
            ..usize::try_from(place.offset + place.len_bytes).unwrap_or(0);
        let Some(record) = content.get(range) else { return false };
        let mut altered = record.to_vec();
        if let Some(last) = altered.last_mut() {
            *last ^= 1;
        }
        let len = u32::try_from(altered.len()).unwrap_or(0);
        let crc = crc32c::crc32c_append(len, altered.get(8..).unwrap_or_default());
        if let Some(slot) = altered.get_mut(4..8) {
            slot.copy_from_slice(&crc.to_le_bytes());
        }
        self.disk.overwrite(&place.segment, place.offset, &altered);
        true
    }
}
