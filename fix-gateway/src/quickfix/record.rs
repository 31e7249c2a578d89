//! What QuickFIX's `body` file says was sent, read without QuickFIX.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use model::WireId;

use crate::engine::{SentMessage, SentRecord};
use crate::fields::SOH;
use crate::locked::locked;

use super::proof;
use super::store::{StoreFiles, replace_file};

/// How many of our latest messages are kept in memory, for rejects that name only a number.
const RECENT: usize = 65_536;

/// The record of one session's store.
pub(super) struct BodyRecord {
    files: StoreFiles,
    begin: Vec<u8>,
    proves: AtomicBool,
    recent: Mutex<VecDeque<(u64, SentMessage)>>,
    /// Read from the file when first needed: messages that are not in `recent`.
    older: Mutex<Option<BTreeMap<u64, SentMessage>>>,
}

impl BodyRecord {
    /// Absence proves while the machine that wrote the files has not crashed since: they are not synced.
    pub(super) fn new(files: StoreFiles, begin_string: &str) -> Self {
        let proves = proof::stands(&files.path("boot"));
        Self {
            files,
            begin: format!("8={begin_string}").into_bytes(),
            proves: AtomicBool::new(proves),
            recent: Mutex::default(),
            older: Mutex::default(),
        }
    }

    /// A message was numbered and is about to be recorded.
    pub(super) fn remember(&self, seq: u64, message: SentMessage) {
        let mut recent = locked(&self.recent);
        if recent.len() >= RECENT {
            recent.pop_front();
        }
        recent.push_back((seq, message));
    }

    /// QuickFIX deletes the file: numbers begin at 1 again, so none of the old ones names anything any more.
    pub(super) fn forget(&self) {
        locked(&self.recent).clear();
        *locked(&self.older) = None;
    }

    /// What may have been in the body file when it lost its end, and was unanswered: an id a line.
    fn unproven(&self) -> io::Result<BTreeSet<WireId>> {
        match fs::read_to_string(self.files.path("unproven")) {
            Ok(lines) => Ok(lines.lines().filter_map(|line| line.parse().ok()).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeSet::new()),
            Err(error) => Err(error),
        }
    }

    fn recent(&self, seq: u64) -> Option<SentMessage> {
        let recent = locked(&self.recent);
        let at = recent.binary_search_by_key(&seq, |(seq, _)| *seq).ok()?;
        recent.get(at).map(|(_, message)| *message)
    }

    /// Reads the file from its start; each application message goes to `see`, in the order of sending.
    fn scan(&self, see: &mut dyn FnMut(u64, SentMessage)) -> io::Result<()> {
        match File::open(self.files.path("body")) {
            Ok(file) => scan(BufReader::with_capacity(1 << 16, file), &self.begin, see),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl SentRecord for BodyRecord {
    fn which_were_sent(&self, wanted: &BTreeSet<WireId>) -> io::Result<BTreeSet<WireId>> {
        let mut sent = self.unproven()?;
        sent.retain(|id| wanted.contains(id));
        self.scan(&mut |_, message| {
            // A status request names an order too, but does not place it.
            if let (b'D' | b'F' | b'G', Some(id)) = (message.msg_type, message.cl_ord_id)
                && wanted.contains(&id)
            {
                sent.insert(id);
            }
        })?;
        Ok(sent)
    }

    fn by_seq(&self, seq: u64) -> io::Result<Option<SentMessage>> {
        if let Some(message) = self.recent(seq) {
            return Ok(Some(message));
        }
        let mut older = locked(&self.older);
        if let Some(known) = older.as_ref()
            && known.last_key_value().is_some_and(|(last, _)| seq <= *last)
        {
            return Ok(known.get(&seq).copied());
        }
        let mut all = BTreeMap::new();
        self.scan(&mut |seq, message| {
            all.insert(seq, message);
        })?;
        let found = all.get(&seq).copied();
        *older = Some(all);
        Ok(found)
    }

    fn absence_proves(&self) -> bool {
        self.proves.load(Ordering::Acquire)
    }

    fn distrust(&self) -> io::Result<()> {
        self.proves.store(false, Ordering::Release);
        self.files.remove("boot")
    }

    fn trust(&self, unproven: &BTreeSet<WireId>) -> io::Result<()> {
        // Without a boot id a crash of the machine cannot be told: absence never proves.
        let Some(boot) = proof::boot_id() else { return Ok(()) };
        if !unproven.is_empty() {
            let mut all = self.unproven()?;
            all.extend(unproven);
            let mut lines = String::new();
            for id in &all {
                lines.push_str(&id.to_string());
                lines.push('\n');
            }
            replace_file(&self.files.path("unproven"), lines.as_bytes())?;
        }
        replace_file(&self.files.path("boot"), boot.as_bytes())?;
        self.proves.store(true, Ordering::Release);
        Ok(())
    }
}

/// What has been read of the current message.
#[derive(Default)]
struct Reading {
    seq: Option<u64>,
    msg_type: Option<u8>,
    cl_ord_id: Option<WireId>,
}

impl Reading {
    fn take(&mut self, field: &[u8]) {
        let text = std::str::from_utf8(field).unwrap_or("");
        let Some((tag, value)) = text.split_once('=') else { return };
        match tag {
            "34" => self.seq = value.parse().ok(),
            "35" => self.msg_type = value.bytes().next().filter(|_| value.len() == 1),
            "11" => self.cl_ord_id = value.parse().ok(),
            _ => {}
        }
    }

    /// Also a message without its end counts: it may have been sent whole, its end lost with the machine.
    fn finish(&mut self, see: &mut dyn FnMut(u64, SentMessage)) {
        let read = std::mem::take(self);
        if let (Some(seq), Some(msg_type)) = (read.seq, read.msg_type)
            && matches!(msg_type, b'D' | b'F' | b'G' | b'H')
        {
            see(seq, SentMessage { msg_type, cl_ord_id: read.cl_ord_id });
        }
    }
}

/// Field by field, so that a torn message in the middle (a crash, then a new start) costs nothing but itself: its
/// last field runs into the next message's `8=FIX.4.4`.
fn scan(mut body: impl BufRead, begin: &[u8], see: &mut dyn FnMut(u64, SentMessage)) -> io::Result<()> {
    let (mut field, mut reading) = (Vec::new(), Reading::default());
    loop {
        field.clear();
        if body.read_until(SOH, &mut field)? == 0 {
            reading.finish(see);
            return Ok(());
        }
        match field.pop() {
            Some(SOH) if field.ends_with(begin) => reading.finish(see),
            Some(SOH) => reading.take(&field),
            // The file's end is torn.
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "record_tests.rs"]
mod tests;
