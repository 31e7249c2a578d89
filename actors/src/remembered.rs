//! Identifiers of orders that are retired: for so many days as the firm says they are refused, whatever their content.
//!
//! Of each only a number of 64 bits stays, under the day of the order's last change. Two identifiers have the same number
//! once in 2^64 pairs: then one that is new is refused, and none that is old passes. An identifier takes 8 bytes in a
//! snapshot and some 30 in memory (`perf/tests/allocation.rs`).

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use borsh::io::{Error, ErrorKind, Read, Result, Write};
use borsh::{BorshDeserialize, BorshSerialize};
use model::Date;

use crate::store::names::Names;

/// What is remembered, by the day from which it counts.
#[derive(Clone, Debug)]
pub(crate) struct Remembered {
    /// For so many days behind the one from which it counts.
    for_days: u16,
    names: Names,
    /// Oldest first.
    days: VecDeque<RememberedDay>,
    /// Where the next one will stand; counted on and on.
    next: u32,
}

impl Default for Remembered {
    fn default() -> Self {
        let for_days = model::Remember::default().orders_days;
        Self { for_days, names: Names::default(), days: VecDeque::new(), next: 0 }
    }
}

/// The numbers of one day, in the order they came.
#[derive(Clone, Debug)]
struct RememberedDay {
    date: Date,
    /// Where its first one stands.
    first: u32,
    keys: Vec<u64>,
    /// So many of them are forgotten.
    forgotten: usize,
}

/// By what the table finds it: half of a number that is spread is as spread.
const fn hash_of_key(key: u64) -> u32 {
    (key >> 32) as u32
}

impl Remembered {
    pub(crate) const fn for_days(&self) -> u16 {
        self.for_days
    }

    /// What is older is forgotten by the ticks to come.
    pub(crate) const fn set_for_days(&mut self, days: u16) {
        self.for_days = days;
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// True where the identifier of this number is remembered.
    pub(crate) fn has(&self, key: u64) -> bool {
        self.names.find(hash_of_key(key), |place| self.key_at(place) == Some(key)).is_some()
    }

    fn key_at(&self, place: u32) -> Option<u64> {
        let base = self.days.front()?.first;
        let offset = place.wrapping_sub(base);
        let behind = self.days.partition_point(|day| day.first.wrapping_sub(base) <= offset);
        let day = self.days.get(behind.checked_sub(1)?)?;
        day.keys.get(place.wrapping_sub(day.first) as usize).copied()
    }

    /// One more, of that day or a later one.
    pub(crate) fn add(&mut self, key: u64, date: Date) {
        let place = self.next;
        if let Some(day) = self.days.back_mut().filter(|day| day.date >= date) {
            day.keys.push(key);
        } else {
            let keys = alloc::vec![key];
            self.days.push_back(RememberedDay { date, first: place, keys, forgotten: 0 });
        }
        self.next = place.wrapping_add(1);
        self.names.add(hash_of_key(key), place);
    }

    /// The day on which the next one is forgotten.
    pub(crate) fn next_forgotten(&self) -> Option<Date> {
        let first = self.days.front()?.date;
        Some(Date { days: first.days.saturating_add(i32::from(self.for_days) + 1) })
    }

    /// Forgets the oldest; its number.
    pub(crate) fn forget_first(&mut self) -> Option<u64> {
        let day = self.days.front_mut()?;
        let key = *day.keys.get(day.forgotten)?;
        let at = u32::try_from(day.forgotten).unwrap_or(u32::MAX);
        self.names.remove(hash_of_key(key), day.first.wrapping_add(at));
        day.forgotten += 1;
        if day.forgotten == day.keys.len() {
            self.days.pop_front();
        }
        Some(key)
    }

    /// How many identifiers are remembered.
    pub(crate) fn len(&self) -> u64 {
        self.days.iter().map(|day| day.rest().len() as u64).sum()
    }
}

impl RememberedDay {
    fn rest(&self) -> &[u64] {
        self.keys.get(self.forgotten..).unwrap_or(&[])
    }
}

impl PartialEq for Remembered {
    fn eq(&self, other: &Self) -> bool {
        let of = |one: &Self| one.days.iter().map(|day| (day.date, day.rest().to_vec())).collect::<Vec<_>>();
        self.for_days == other.for_days && of(self) == of(other)
    }
}

impl Eq for Remembered {}

// For how long, and the days, each with its numbers.
impl BorshSerialize for Remembered {
    fn serialize<W: Write>(&self, writer: &mut W) -> Result<()> {
        let len = u32::try_from(self.days.len()).map_err(|_| Error::from(ErrorKind::InvalidInput))?;
        (self.for_days, len).serialize(writer)?;
        self.days.iter().try_for_each(|day| (day.date, day.rest()).serialize(writer))
    }
}

impl BorshDeserialize for Remembered {
    fn deserialize_reader<R: Read>(reader: &mut R) -> Result<Self> {
        let (for_days, days) = <(u16, u32)>::deserialize_reader(reader)?;
        let mut remembered = Self { for_days, ..Self::default() };
        for _ in 0..days {
            let (date, keys) = <(Date, Vec<u64>)>::deserialize_reader(reader)?;
            if keys.is_empty() || remembered.days.back().is_some_and(|day| day.date >= date) {
                return Err(Error::new(ErrorKind::InvalidData, "days are not in order"));
            }
            for key in keys {
                remembered.add(key, date);
            }
        }
        Ok(remembered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: RngSeed::Fixed(41), failure_persistence: None, ..ProptestConfig::default()
        })]

        /// A list is the twin, through days that come and go, and places that are counted past their end.
        #[test]
        fn it_is_a_queue_that_is_looked_up(steps in proptest::collection::vec((0u8..5, 0u64..40), 0..400)) {
            let mut remembered = Remembered { next: u32::MAX - 30, ..Remembered::default() };
            let mut twin: VecDeque<(Date, u64)> = VecDeque::new();
            let mut date = Date { days: 1 };
            for (kind, key) in steps {
                match kind {
                    0 => date.days += 1,
                    1 => prop_assert_eq!(remembered.forget_first(), twin.pop_front().map(|(_, key)| key)),
                    _ => {
                        let key = key << 32 | key;
                        remembered.add(key, date);
                        twin.push_back((date, key));
                    }
                }
                let first = twin.front().map(|(date, _)| Date { days: date.days + 2 });
                prop_assert_eq!(remembered.next_forgotten(), first);
                prop_assert_eq!(remembered.len(), twin.len() as u64);
                for key in (0..40).map(|key| key << 32 | key) {
                    prop_assert_eq!(remembered.has(key), twin.iter().any(|(_, known)| *known == key));
                }
            }
            let bytes = borsh::to_vec(&remembered).unwrap();
            let read: Remembered = borsh::from_slice(&bytes).unwrap();
            prop_assert!(read == remembered && borsh::to_vec(&read).unwrap() == bytes);
        }
    }

    #[test]
    fn one_takes_eight_bytes_in_a_snapshot() {
        let mut remembered = Remembered::default();
        let empty = borsh::to_vec(&remembered).unwrap().len();
        (0..1_000).for_each(|key| remembered.add(key, Date { days: 1 }));
        let day = size_of::<i32>() + size_of::<u32>();
        assert_eq!(borsh::to_vec(&remembered).unwrap().len() - empty - day, 8_000);
    }
}
