//! Where the order of a submitter's identifier is, or the execution of a broker's: hashes and places only, a cache line
//! for a handful of them.
//!
//! Linear hashing (Litwin, VLDB 1980): the table grows by one bucket for every few names, so that nothing ever waits for
//! a table to be copied, and its memory can be made ahead.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

use rustc_hash::FxHasher;

use crate::store::growth::{Piece, Spare};

/// Places by the hash of a name. Nothing iterates over it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    segments: Vec<Box<Segment>>,
    /// Buckets in use: hashes end in the bits of the power of two below, those of buckets that were split in one more.
    buckets: usize,
    len: usize,
    /// What did not fit its bucket.
    overflow: Vec<Box<Segment>>,
    /// Buckets of `overflow` that were ever used.
    overflowed: usize,
    /// Those of them that nothing stands in.
    vacant: Vec<u32>,
    spare: Spare<Box<Segment>>,
}

/// Buckets that are made together.
#[derive(Clone, Debug)]
pub(crate) struct Segment([Bucket; SEGMENT]);

/// One cache line.
#[repr(align(64))]
#[derive(Clone, Copy, Debug, Default)]
struct Bucket {
    entries: [Entry; ENTRIES],
    len: u32,
    /// Where the rest of it stands in `overflow`, counted from 1; 0 where that is all.
    more: u32,
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    hash: u32,
    place: u32,
}

const ENTRIES: usize = 7;
/// Buckets of a segment: 16 KiB.
const SEGMENT: usize = 256;
/// Names for each bucket, on average: few enough that nearly every bucket holds its own.
const LOAD: usize = 3;

impl Piece for Box<Segment> {
    const AHEAD: usize = 16;

    fn make() -> Self {
        Self::new(Segment([Bucket::default(); SEGMENT]))
    }
}

/// The hash of a name: of all that a value is known by.
#[inline]
pub(crate) fn hash_of(name: &impl Hash) -> u32 {
    let mut hasher = FxHasher::default();
    name.hash(&mut hasher);
    // The low bits choose the bucket: all of the hash must take part in them.
    let spread = hasher.finish().wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (spread >> 32) as u32
}

impl Bucket {
    fn entries(&self) -> &[Entry] {
        self.entries.get(..self.len as usize).unwrap_or(&[])
    }

    /// False where it is full.
    #[inline]
    fn push(&mut self, entry: Entry) -> bool {
        let Some(free) = self.entries.get_mut(self.len as usize) else { return false };
        *free = entry;
        self.len += 1;
        true
    }
}

impl Names {
    /// The place under a name of that hash of which `is_it` holds. It is asked of every such place until it says so.
    #[inline]
    pub(crate) fn find(&self, hash: u32, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let mut bucket = self.bucket(self.index(hash))?;
        loop {
            let found = bucket.entries().iter().find(|entry| entry.hash == hash && is_it(entry.place));
            if let Some(entry) = found {
                return Some(entry.place);
            }
            bucket = self.after(bucket)?;
        }
    }

    /// Has the bucket of a name fetched.
    #[inline]
    pub(crate) fn prefetch(&self, hash: u32) {
        if let Some(bucket) = self.bucket(self.index(hash)) {
            prefetch::to_read(bucket);
        }
    }

    #[inline]
    pub(crate) fn add(&mut self, hash: u32, place: u32) {
        if self.len >= self.buckets * LOAD {
            self.grow();
        }
        self.len += 1;
        self.put(self.index(hash), Entry { hash, place });
    }

    pub(crate) fn remove(&mut self, hash: u32, place: u32) {
        let index = self.index(hash);
        let mut next = self.bucket_mut(index);
        while let Some(bucket) = next {
            if let Some(at) = bucket.entries().iter().position(|entry| entry.place == place) {
                bucket.len -= 1;
                bucket.entries.swap(at, bucket.len as usize);
                self.len -= 1;
                return;
            }
            let more = bucket.more;
            next = self.behind(more);
        }
    }

    /// True where segments should be made ahead.
    #[inline]
    pub(crate) const fn is_short(&self) -> bool {
        self.spare.is_short()
    }

    pub(crate) fn provide(&mut self, segments: Vec<Box<Segment>>) {
        self.spare.provide(segments);
    }

    /// Which bucket a hash belongs to, of those in use.
    #[inline]
    const fn index(&self, hash: u32) -> usize {
        let upper = self.buckets.next_power_of_two();
        let index = hash as usize & (upper - 1);
        if index < self.buckets { index } else { index & (upper / 2).saturating_sub(1) }
    }

    #[inline]
    fn bucket(&self, index: usize) -> Option<&Bucket> {
        self.segments.get(index / SEGMENT)?.0.get(index % SEGMENT)
    }

    #[inline]
    fn bucket_mut(&mut self, index: usize) -> Option<&mut Bucket> {
        self.segments.get_mut(index / SEGMENT)?.0.get_mut(index % SEGMENT)
    }

    #[inline]
    fn after(&self, bucket: &Bucket) -> Option<&Bucket> {
        let at = bucket.more.checked_sub(1)? as usize;
        self.overflow.get(at / SEGMENT)?.0.get(at % SEGMENT)
    }

    /// By what stands in `more`.
    fn behind(&mut self, more: u32) -> Option<&mut Bucket> {
        let at = more.checked_sub(1)? as usize;
        self.overflow.get_mut(at / SEGMENT)?.0.get_mut(at % SEGMENT)
    }

    #[inline]
    fn put(&mut self, index: usize, entry: Entry) {
        if !self.bucket_mut(index).is_some_and(|bucket| bucket.push(entry)) {
            self.put_behind(index, entry);
        }
    }

    /// Into the first bucket behind that has room; a new one stands first.
    #[cold]
    fn put_behind(&mut self, index: usize, entry: Entry) {
        let Some(first) = self.bucket(index).map(|bucket| bucket.more) else { return };
        let mut more = first;
        while let Some(bucket) = self.behind(more) {
            if bucket.push(entry) {
                return;
            }
            more = bucket.more;
        }
        let mut bucket = Bucket { more: first, ..Bucket::default() };
        bucket.push(entry);
        let at = self.overflowing(bucket);
        if let Some(bucket) = self.bucket_mut(index) {
            bucket.more = at;
        }
    }

    /// What leads to it then.
    fn overflowing(&mut self, bucket: Bucket) -> u32 {
        let more = self.vacant.pop().unwrap_or_else(|| self.one_more_overflows());
        if let Some(place) = self.behind(more) {
            *place = bucket;
        }
        more
    }

    fn one_more_overflows(&mut self) -> u32 {
        if self.overflowed == self.overflow.len() * SEGMENT {
            let segment = self.spare.take();
            self.overflow.push(segment);
        }
        self.overflowed += 1;
        u32::try_from(self.overflowed).unwrap_or(0)
    }

    /// One bucket more: what belongs there is taken out of the one that held it.
    fn grow(&mut self) {
        if self.buckets == self.segments.len() * SEGMENT {
            let segment = self.spare.take();
            self.segments.push(segment);
        }
        self.buckets += 1;
        let new = self.buckets - 1;
        let Some(split) = Self::source(new) else { return };
        // What belongs to the new one has its number in one bit more.
        let mask = self.buckets.next_power_of_two() - 1;
        let mut next = self.bucket_mut(split).map(core::mem::take);
        while let Some(bucket) = next {
            for entry in bucket.entries() {
                let belongs = entry.hash as usize & mask == new;
                self.put(if belongs { new } else { split }, *entry);
            }
            next = self.behind(bucket.more).map(core::mem::take);
            if next.is_some() {
                self.vacant.push(bucket.more);
            }
        }
        self.prefetch_next_split();
    }

    /// The next buckets to be parted are known long before: by then they are there.
    fn prefetch_next_split(&self) {
        let split = Self::source(self.buckets).and_then(|split| self.bucket(split));
        for bucket in split.into_iter().chain(self.bucket(self.buckets)) {
            prefetch::to_read(bucket);
        }
    }

    /// The bucket that a new one takes its part of; none for the very first.
    const fn source(index: usize) -> Option<usize> {
        match index.checked_ilog2() {
            Some(bits) => Some(index - (1 << bits)),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    fn name(account: u32, number: u32) -> u32 {
        let name = model::ClOrdId::new(&alloc::format!("N{number}")).unwrap();
        hash_of(&(model::AccountId::new(account), name))
    }

    fn found(names: &Names, account: u32, number: u32, place: Option<u32>) -> bool {
        names.find(name(account, number), |found| Some(found) == place) == place
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 64, rng_seed: RngSeed::Fixed(23), failure_persistence: None, ..ProptestConfig::default()
        })]

        /// A map is the twin, through growth, removal and segments that are there or are not.
        #[test]
        fn names_are_found_until_they_are_removed(
            steps in proptest::collection::vec((0u8..8, 0u32..3, 0u32..600), 1..2_000),
        ) {
            let (mut names, mut twin) = (Names::default(), BTreeMap::new());
            for (at, (kind, account, number)) in (0u32..).zip(&steps) {
                let key = (*account, *number);
                match kind {
                    0 => {
                        if let Some(place) = twin.remove(&key) {
                            names.remove(name(*account, *number), place);
                        }
                    }
                    1 if names.is_short() => names.provide(alloc::vec![Piece::make(), Piece::make()]),
                    _ if !twin.contains_key(&key) => {
                        names.add(name(*account, *number), at);
                        twin.insert(key, at);
                    }
                    _ => {}
                }
                prop_assert!(found(&names, *account, *number, twin.get(&key).copied()));
            }
            for account in 0..3 {
                for number in 0..600 {
                    prop_assert!(found(&names, account, number, twin.get(&(account, number)).copied()));
                }
            }
            prop_assert_eq!(names.len, twin.len());
        }
    }

    /// Nearly every name is found in its bucket's own line; the rest is a line further.
    #[test]
    fn few_names_overflow() {
        let mut names = Names::default();
        let count = 100_000;
        (0..count).for_each(|number| names.add(name(number % 16, number), number));
        let buckets = names.overflow.iter().flat_map(|segment| &segment.0);
        let behind: usize = buckets.map(|bucket| bucket.len as usize).sum();
        assert!(behind < count as usize / 20, "{behind} of {count} names");
        assert!(names.overflowed - names.vacant.len() < names.buckets / 10);
        assert!((0..count).all(|number| found(&names, number % 16, number, Some(number))));
        assert_eq!(size_of::<Bucket>(), 64);
    }
}
