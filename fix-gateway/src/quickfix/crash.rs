//! Crash points inside QuickFIX's store.
//!
//! QuickFIX calls back before a message is stored and after it is counted, not in between. What a kill in between
//! leaves is made from what is there afterwards: libquickfix `FileStore::set` flushes the message's text, then its
//! index entry; then `incrNextSenderMsgSeqNum` writes the numbers.
#![cfg(any(debug_assertions, feature = "crash-points"))]

use std::fs::{self, File};

use crash_point::{Point, is_due, reach};

use super::store::{SeqNums, StoreFiles};

/// To be called once the message with number `seq` is stored and counted, and not written to the socket.
pub(super) fn when_stored(files: &StoreFiles, seq: u64) {
    if is_due(Point::FixHalfStored) {
        tear_index(files);
        uncount(files, seq);
        crash_point::die();
    }
    if is_due(Point::FixStoredNotCounted) {
        uncount(files, seq);
        crash_point::die();
    }
    reach(Point::FixStored);
}

/// The numbers as before the message.
fn uncount(files: &StoreFiles, seq: u64) {
    let Some(now) = files.seq_nums() else { return };
    // A crash that leaves less behind than it could is still a crash.
    let _ = fs::write(files.path("seqnums"), SeqNums { sender: seq, ..now }.print());
}

/// Half of the last entry.
fn tear_index(files: &StoreFiles) {
    let path = files.path("header");
    let Ok(header) = fs::read(&path) else { return };
    let entry_bytes = header.iter().rev().skip(1).take_while(|&&byte| byte != b' ').count() + 1;
    let left = header.len().saturating_sub(entry_bytes / 2);
    let _ = File::options().write(true).open(&path).and_then(|file| file.set_len(left as u64));
}
