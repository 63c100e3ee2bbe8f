//! Which offset is the latest of each key, in memory that is bounded beforehand.
//!
//! Keys are not kept, but 128 bits of hash each, under a secret of this process: nobody who chooses keys can make two of
//! them meet, by which a value would be taken for another key's. An entry takes 24 bytes, as in Apache Kafka. The table
//! is one allocation of zeros, so the system gives memory only to the pages that are used.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Two words of hash, and the offset plus one, so that a slot of zeros is an empty one.
type Slot = [u64; 3];

/// Keys and their latest offsets.
#[derive(Debug)]
pub(super) struct OffsetMap {
    slots: Vec<Slot>,
    secrets: [RandomState; 2],
    len: usize,
    max_len: usize,
}

impl OffsetMap {
    /// Bytes an entry takes.
    const SLOT_BYTES: u64 = size_of::<Slot>() as u64;

    /// More than this is not taken, whatever is allowed: a wrong setting must not take all memory.
    const MOST_BYTES: u64 = 2 << 30;

    /// Room for at most `keys`, in `bytes` at the most, of which `load` in 1,000 are used: a full table is slow. There is always room for one key, or compaction would never come to an end.
    pub(super) fn new(keys: u64, bytes: u64, load: u16) -> OffsetMap {
        let load = u64::from(load.clamp(100, 990));
        let wanted = keys.saturating_mul(1000).div_ceil(load).saturating_add(1);
        let slots = wanted
            .min(bytes.min(OffsetMap::MOST_BYTES) / OffsetMap::SLOT_BYTES)
            .max(2);
        OffsetMap {
            slots: vec![[0; 3]; slots as usize],
            secrets: [RandomState::new(), RandomState::new()],
            len: 0,
            max_len: (slots.saturating_mul(load) / 1000).max(1) as usize,
        }
    }

    /// Takes note of a later offset of `key`. `false` if the key is new and there is no room for it.
    pub(super) fn put(&mut self, key: &[u8], offset: i64) -> bool {
        let hash = self.hash(key);
        let at = self.find(hash);
        if self.slots[at][2] == 0 {
            if self.len == self.max_len {
                return false;
            }
            self.len += 1;
        }
        self.slots[at] = [hash[0], hash[1], offset as u64 + 1];
        true
    }

    /// The latest offset of `key`.
    pub(super) fn get(&self, key: &[u8]) -> Option<i64> {
        match self.slots[self.find(self.hash(key))][2] {
            0 => None,
            offset => Some((offset - 1) as i64),
        }
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    fn hash(&self, key: &[u8]) -> [u64; 2] {
        self.secrets.each_ref().map(|secret| {
            let mut hasher = secret.build_hasher();
            hasher.write(key);
            hasher.finish()
        })
    }

    /// The slot of this hash, or the empty one where it belongs. There is one: the table never fills up.
    fn find(&self, hash: [u64; 2]) -> usize {
        let slots = self.slots.len();
        // The upper half of the product is evenly below the number of slots, without a division.
        let mut at = ((u128::from(hash[0]) * slots as u128) >> 64) as usize;
        loop {
            let [first, second, offset] = self.slots[at];
            if offset == 0 || [first, second] == hash {
                return at;
            }
            at += 1;
            if at == slots {
                at = 0;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    #[test]
    fn it_is_a_map_of_the_latest_offsets() {
        let mut map = OffsetMap::new(1000, u64::MAX, 900);
        let mut model = HashMap::new();
        for offset in 0..5000 {
            let key = (offset * 7919 % 1000).to_string();
            assert!(map.put(key.as_bytes(), offset));
            model.insert(key, offset);
        }
        assert_eq!(map.len(), model.len());
        for (key, offset) in model {
            assert_eq!(map.get(key.as_bytes()), Some(offset));
        }
        assert_eq!((map.get(b"another"), map.get(b"")), (None, None));
        assert!(map.put(b"", 0));
        assert_eq!(map.get(b""), Some(0));
    }

    #[test]
    fn a_full_map_takes_known_keys_only() {
        let mut map = OffsetMap::new(u64::MAX >> 8, 24 * 100, 900);
        let taken = (0..1000_i64).filter(|n| map.put(&n.to_be_bytes(), *n));
        assert_eq!(taken.count(), 90);
        assert!(map.put(&3_i64.to_be_bytes(), 2000));
        assert_eq!(map.get(&3_i64.to_be_bytes()), Some(2000));
        assert!(!map.put(&500_i64.to_be_bytes(), 2001));
        assert_eq!(map.get(&500_i64.to_be_bytes()), None);
    }

    #[test]
    fn there_is_room_for_one_key_however_little_memory_is_allowed() {
        let mut map = OffsetMap::new(10, 0, 900);
        assert!(map.put(b"one", 1));
        assert!(!map.put(b"two", 2));
        assert_eq!(map.get(b"two"), None);
    }
}
