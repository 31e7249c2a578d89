//! A map of few keys, kept sorted: the keys stand side by side, so that a look-up touches one or two lines of memory.

use alloc::vec::Vec;

use borsh::io::{Error, ErrorKind, Read, Result, Write};
use borsh::{BorshDeserialize, BorshSerialize};
use model::{Invariant, there};

/// Keys in order, each with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sorted<K, V> {
    keys: Vec<K>,
    values: Vec<V>,
}

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Self { keys: Vec::new(), values: Vec::new() }
    }
}

impl<K: Ord + Copy, V> Sorted<K, V> {
    pub(crate) const fn new() -> Self {
        Self { keys: Vec::new(), values: Vec::new() }
    }

    /// Where the key is, or where it belongs.
    #[inline]
    fn place(&self, key: &K) -> core::result::Result<usize, usize> {
        // The first is asked for most: an account's own currency.
        if self.keys.first() == Some(key) {
            return Ok(0);
        }
        self.keys.binary_search(key)
    }

    #[inline]
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.values.get(self.place(key).ok()?)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let place = self.place(key).ok()?;
        self.values.get_mut(place)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) {
        match self.place(&key) {
            Ok(place) => *there(self.values.get_mut(place), Invariant::PlaceIsTaken) = value,
            Err(place) => self.insert_at(place, key, value),
        }
    }

    /// The value of the key, made first where there is none.
    #[inline]
    pub(crate) fn entry(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let place = match self.place(&key) {
            Ok(place) => place,
            Err(place) => {
                self.insert_at(place, key, V::default());
                place
            }
        };
        there(self.values.get_mut(place), Invariant::PlaceIsTaken)
    }

    /// Grows by a quarter: most maps here stay at a handful, and there are hundreds of thousands of them.
    #[cold]
    fn insert_at(&mut self, place: usize, key: K, value: V) {
        if self.keys.len() == self.keys.capacity() {
            let more = (self.keys.len() / 4).max(2);
            self.keys.reserve_exact(more);
            self.values.reserve_exact(more);
        }
        self.keys.insert(place, key);
        self.values.insert(place, value);
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let place = self.place(key).ok()?;
        self.keys.remove(place);
        Some(self.values.remove(place))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.keys.iter().zip(&self.values)
    }

    /// The entry that so many are before.
    pub(crate) fn nth(&self, before: usize) -> Option<(&K, &V)> {
        Some((self.keys.get(before)?, self.values.get(before)?))
    }
}

// As a `BTreeMap`: the number of entries, then each key with its value.
impl<K: BorshSerialize, V: BorshSerialize> BorshSerialize for Sorted<K, V> {
    fn serialize<W: Write>(&self, writer: &mut W) -> Result<()> {
        let len = u32::try_from(self.keys.len()).map_err(|_| Error::from(ErrorKind::InvalidInput))?;
        len.serialize(writer)?;
        self.keys.iter().zip(&self.values).try_for_each(|entry| entry.serialize(writer))
    }
}

impl<K: BorshDeserialize + Ord, V: BorshDeserialize> BorshDeserialize for Sorted<K, V> {
    fn deserialize_reader<R: Read>(reader: &mut R) -> Result<Self> {
        let entries = Vec::<(K, V)>::deserialize_reader(reader)?;
        let (keys, values): (Vec<K>, Vec<V>) = entries.into_iter().unzip();
        if keys.is_sorted_by(|one, next| one < next) {
            Ok(Self { keys, values })
        } else {
            Err(Error::new(ErrorKind::InvalidData, "keys are not in order"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    proptest! {
        #![proptest_config(ProptestConfig {
            rng_seed: RngSeed::Fixed(11), failure_persistence: None, ..ProptestConfig::default()
        })]

        /// A `BTreeMap` is the twin, in what it holds and in how it is encoded.
        #[test]
        fn it_is_a_sorted_map(steps in proptest::collection::vec((0u8..4, 0u16..24, any::<u32>()), 0..120)) {
            let (mut map, mut twin) = (Sorted::default(), BTreeMap::new());
            for (kind, key, value) in steps {
                match kind {
                    0 => {
                        prop_assert_eq!(map.remove(&key), twin.remove(&key));
                    }
                    1 => {
                        *map.entry(key) ^= value;
                        *twin.entry(key).or_default() ^= value;
                    }
                    _ => {
                        map.insert(key, value);
                        twin.insert(key, value);
                    }
                }
                prop_assert_eq!(map.get(&key), twin.get(&key));
            }
            prop_assert!(map.iter().eq(twin.iter()));
            prop_assert!((0..=twin.len()).all(|before| map.nth(before) == twin.iter().nth(before)));
            let bytes = borsh::to_vec(&map).unwrap();
            prop_assert_eq!(&bytes, &borsh::to_vec(&twin).unwrap());
            prop_assert_eq!(borsh::from_slice::<Sorted<u16, u32>>(&bytes).unwrap(), map);
        }
    }

    #[test]
    fn keys_out_of_order_are_not_read() {
        let bytes = borsh::to_vec(&[(2u16, 0u32), (1, 0)].to_vec()).unwrap();
        assert!(borsh::from_slice::<Sorted<u16, u32>>(&bytes).is_err());
    }
}
