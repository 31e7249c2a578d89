//! Where the order of a submitter's identifier is: hashes and places only, so that an entry takes nine bytes.

use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

use hashbrown::HashTable;
use model::{AccountId, ClOrdId};
use rustc_hash::FxHasher;

/// Places by account and ClOrdID. Nothing iterates over it.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// Many small tables instead of a large one: each is rehashed at a time of its own, which no order notices.
    parts: Vec<HashTable<Entry>>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    hash: u32,
    place: u32,
}

/// How many tables, by the upper bits of the hash.
const PARTS: usize = 1 << 8;

impl Default for Names {
    fn default() -> Self {
        Self { parts: (0..PARTS).map(|_| HashTable::new()).collect() }
    }
}

#[inline]
fn hash(account: AccountId, cl_ord_id: &ClOrdId) -> u32 {
    let mut hasher = FxHasher::default();
    (account.index, cl_ord_id).hash(&mut hasher);
    let hash = hasher.finish();
    #[expect(clippy::cast_possible_truncation, reason = "both halves take part")]
    let folded = (hash ^ (hash >> 32)) as u32;
    folded
}

/// The table takes its bits from both ends of 64; the part took the upper bits of the hash.
#[inline]
const fn spread(hash: u32) -> u64 {
    (hash as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[inline]
const fn part(hash: u32) -> usize {
    (hash >> 24) as usize
}

impl Names {
    /// The place under that name of which `is_it` holds.
    #[inline]
    pub(crate) fn find(
        &self,
        account: AccountId,
        cl_ord_id: &ClOrdId,
        is_it: impl Fn(u32) -> bool,
    ) -> Option<u32> {
        let hash = hash(account, cl_ord_id);
        let same = |entry: &Entry| entry.hash == hash && is_it(entry.place);
        Some(self.parts.get(part(hash))?.find(spread(hash), same)?.place)
    }

    #[inline]
    pub(crate) fn add(&mut self, account: AccountId, cl_ord_id: &ClOrdId, place: u32) {
        let hash = hash(account, cl_ord_id);
        if let Some(table) = self.parts.get_mut(part(hash)) {
            table.insert_unique(spread(hash), Entry { hash, place }, |entry| spread(entry.hash));
        }
    }

    pub(crate) fn remove(&mut self, account: AccountId, cl_ord_id: &ClOrdId, place: u32) {
        let hash = hash(account, cl_ord_id);
        let Some(table) = self.parts.get_mut(part(hash)) else { return };
        if let Ok(entry) = table.find_entry(spread(hash), |entry| entry.place == place) {
            entry.remove();
        }
    }
}
