//! Finding the earlier entry that a later one belongs to, in bounded memory.

use serde::{Deserialize, Serialize};

/// Entries kept at most, 16 bytes each.
const CAPACITY: usize = SETS * WAYS;
const SETS: usize = 25_600;
const WAYS: usize = 8;

/// Times by the hash of a key: a cache of sets with eight places each, in which the oldest entry of
/// a full set makes room. The same entries after a restart give the same table.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub struct JoinTable {
    /// `(key, time)`; key 0 is a free place. Empty until the first insertion.
    places: Vec<(u64, i64)>,
    evicted: u64,
}

impl JoinTable {
    /// Remembers `time` for a key that is not there yet, or [`JoinTable::replace`]s it.
    pub fn insert(&mut self, key: u64, time: i64) {
        if self.get(key).is_none() {
            self.replace(key, time);
        }
    }

    /// Remembers `time` for a key, whatever was there.
    pub fn replace(&mut self, key: u64, time: i64) {
        let key = key.max(1);
        if self.places.is_empty() {
            self.places = vec![(0, 0); CAPACITY];
        }
        let set = &mut self.places[set_of(key)];
        let own = set.iter().position(|place| place.0 == key);
        let free = own.or_else(|| set.iter().position(|place| place.0 == 0));
        let place = free.unwrap_or_else(|| {
            self.evicted += 1;
            let oldest = set.iter().enumerate().min_by_key(|(_, place)| (place.1, place.0));
            oldest.map_or(0, |(index, _)| index)
        });
        set[place] = (key, time);
    }

    /// The time remembered for a key.
    pub fn get(&self, key: u64) -> Option<i64> {
        let key = key.max(1);
        let set = self.places.get(set_of(key))?;
        set.iter().find(|place| place.0 == key).map(|place| place.1)
    }

    /// How many entries made room for others.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }
}

fn set_of(key: u64) -> std::ops::Range<usize> {
    let set = usize::try_from(key % SETS as u64).unwrap_or(0) * WAYS;
    set..set + WAYS
}

/// What is saved: the places that are taken.
#[derive(Serialize, Deserialize)]
struct Saved {
    entries: Vec<(u64, i64)>,
    evicted: u64,
}

impl From<JoinTable> for Saved {
    fn from(table: JoinTable) -> Self {
        let entries = table.places.into_iter().filter(|place| place.0 != 0).collect();
        Self { entries, evicted: table.evicted }
    }
}

impl From<Saved> for JoinTable {
    fn from(saved: Saved) -> Self {
        let mut table = Self::default();
        for (key, time) in saved.entries {
            table.replace(key, time);
        }
        table.evicted = saved.evicted;
        table
    }
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, JoinTable, SETS, WAYS};

    #[test]
    fn the_first_time_stays_and_replacing_replaces() {
        let mut table = JoinTable::default();
        table.insert(7, 100);
        table.insert(7, 200);
        assert_eq!((table.get(7), table.get(8)), (Some(100), None));
        table.replace(7, 300);
        assert_eq!(table.get(7), Some(300));
        table.insert(0, 5);
        assert_eq!(table.get(0), Some(5));
    }

    #[test]
    fn the_oldest_of_a_set_makes_room() {
        let mut table = JoinTable::default();
        let key = |way: usize| (way * SETS + 3) as u64;
        for way in 0..=WAYS {
            table.insert(key(way), 100 + i64::try_from(way).expect("small"));
        }
        assert_eq!((table.get(key(0)), table.evicted()), (None, 1));
        assert!((1..=WAYS).all(|way| table.get(key(way)).is_some()));
    }

    #[test]
    fn saving_keeps_what_is_found() {
        let mut table = JoinTable::default();
        let mut key = 1_u64;
        for time in 0..i64::try_from(CAPACITY * 2).expect("small") {
            key = key.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            table.insert(key, time);
        }
        let saved = rmp_serde::to_vec_named(&table).expect("encoded");
        let loaded: JoinTable = rmp_serde::from_slice(&saved).expect("decoded");
        assert_eq!(loaded.evicted(), table.evicted());
        let mut taken = table.places.iter().filter(|place| place.0 != 0);
        assert!(taken.all(|&(key, time)| loaded.get(key) == Some(time)));
    }
}
