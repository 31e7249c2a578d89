//! A file of the simulated disk: memory that may be mapped, beside the image of it that is durable.
#![allow(unsafe_code, reason = "a file's memory is shared with its mappings; each block names its invariant")]

use std::collections::BTreeMap;
use std::io;

use journal::disk::Words;

use crate::dice::Dice;

/// What a disk writes as a whole.
pub(crate) const SECTOR_BYTES: usize = 512;

/// One file.
#[derive(Debug, Default)]
pub(crate) struct Inode {
    /// What is seen; as long as the space taken so far, rounded up.
    words: Option<Words>,
    len: usize,
    durable: Vec<u8>,
    /// After a sync that failed: sectors that the kernel takes for written, until somebody writes to them again.
    believed: BTreeMap<usize, Vec<u8>>,
}

impl Inode {
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The whole content.
    pub(crate) fn content(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len];
        self.read(0, &mut bytes);
        bytes
    }

    /// Copies from `offset` on; how much there was.
    pub(crate) fn read(&self, offset: usize, out: &mut [u8]) -> usize {
        let Some(words) = &self.words else { return 0 };
        let count = self.len.saturating_sub(offset).min(out.len());
        if let Some(out) = out.get_mut(..count).filter(|out| !out.is_empty()) {
            // SAFETY: the world has one thread, and it is here: nobody stores meanwhile. Fails: every history whose
            // journal is read while a writer has it.
            unsafe { words.read(offset, out) }
        }
        count
    }

    /// Stores within the length.
    pub(crate) fn write(&mut self, offset: usize, bytes: &[u8]) {
        let fits = offset.checked_add(bytes.len()).is_some_and(|end| end <= self.len);
        if let (Some(words), true, false) = (&self.words, fits, bytes.is_empty()) {
            // SAFETY: the world has one thread, and it is here: no slice of this memory is alive, since the journal
            // keeps none over a call of the disk but of memory that no file has. Fails: as above.
            unsafe { words.write(offset, bytes) }
            let (first, last) = (offset / SECTOR_BYTES, (offset + bytes.len() - 1) / SECTOR_BYTES);
            self.believed.retain(|sector, _| !(first..=last).contains(sector));
        }
    }

    /// Longer, the rest zeros.
    pub(crate) fn grow(&mut self, len: usize) {
        if len <= self.len {
            return;
        }
        if self.words.as_ref().is_none_or(|words| words.len() < len) {
            // Twice as much as asked where it grows step by step; a file that is mapped was allocated as a whole.
            let room = if self.len == 0 { len } else { 2 * len };
            let old = self.content();
            self.words = Words::anonymous(room.next_multiple_of(4096)).ok();
            self.len = len;
            self.write(0, &old);
        }
        self.len = len;
    }

    /// Empty.
    pub(crate) fn truncate(&mut self) {
        (self.words, self.len) = (None, 0);
        self.believed.clear();
    }

    pub(crate) fn map(&mut self, len: usize) -> io::Result<Words> {
        match &self.words {
            Some(words) if words.len() >= len && self.len >= len => Ok(words.first(len)),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    }

    /// What is seen becomes durable, but for what an earlier failure made the kernel believe.
    pub(crate) fn sync(&mut self) {
        let content = self.content();
        if self.believed.is_empty() {
            self.durable = content;
            return;
        }
        self.durable.resize(content.len(), 0);
        let sectors = self.durable.chunks_mut(SECTOR_BYTES).zip(content.chunks(SECTOR_BYTES));
        for (index, (kept, seen)) in sectors.enumerate() {
            // What a store through a mapping changed since is written.
            if self.believed.get(&index).is_none_or(|believed| believed != seen) {
                kept.copy_from_slice(seen);
                self.believed.remove(&index);
            }
        }
    }

    /// The sync fails: nothing is durable that was not, and all of it counts as written.
    pub(crate) fn fail_sync(&mut self) {
        let content = self.content();
        let durable = self.durable.chunks(SECTOR_BYTES).chain(std::iter::repeat(&[][..]));
        for (index, (seen, kept)) in content.chunks(SECTOR_BYTES).zip(durable).enumerate() {
            if seen != kept {
                self.believed.insert(index, seen.to_vec());
            }
        }
    }

    /// The power fails: each sector that is not durable stays or not. How many did not.
    pub(crate) fn lose(&mut self, dice: &mut Dice) -> u64 {
        let seen = self.content();
        if seen == self.durable {
            return 0;
        }
        // All, none, or by chance.
        let kept_in_8 = *dice.pick(&[0, 4, 7, 8]).unwrap_or(&4);
        let mut left = std::mem::take(&mut self.durable);
        if seen.len() > left.len() && dice.once_in(2) {
            left.resize(seen.len(), 0);
        }
        let mut lost = 0;
        for (kept, seen) in left.chunks_mut(SECTOR_BYTES).zip(seen.chunks(SECTOR_BYTES)) {
            if kept.get(..seen.len()) == Some(seen) || kept.len() != seen.len() {
                continue;
            }
            if dice.below(8) < kept_in_8 {
                kept.copy_from_slice(seen);
            } else {
                lost += 1;
            }
        }
        self.truncate();
        self.grow(left.len());
        self.write(0, &left);
        self.durable = left;
        lost
    }

    /// New memory with the same content: mappings of the old one are of no file any more. The kernel of a machine
    /// that goes on still believes what it believed.
    pub(crate) fn detach(&mut self) {
        let (content, believed) = (self.content(), std::mem::take(&mut self.believed));
        self.truncate();
        self.grow(content.len());
        self.write(0, &content);
        self.believed = believed;
    }

    pub(crate) fn flip(&mut self, byte: usize, bit: u8) {
        let mut one = [0];
        if self.read(byte, &mut one) == 1 {
            let flipped = one.map(|byte| byte ^ (1 << (bit % 8)));
            self.write(byte, &flipped);
            if let (Some(kept), [flipped]) = (self.durable.get_mut(byte), flipped) {
                *kept = flipped;
            }
        }
    }
}
