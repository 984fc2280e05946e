//! Finding the earlier entry that a later one belongs to, in bounded memory.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

/// 204,800 places of 20 bytes.
const SETS: usize = 25_600;
const WAYS: usize = 8;

/// Something that recipients wait for: a file in a queue, or a message on this host.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Place {
    /// Not 0, which is a free place.
    key: u64,
    /// When it began.
    since: i64,
    /// Recipients that have not come to their end.
    waiting: u32,
}

/// Eight places, a row of each field: keys are looked for in one cache line.
#[derive(Clone, Debug, PartialEq, Default)]
struct Set {
    keys: [u64; WAYS],
    since: [i64; WAYS],
    waiting: [u32; WAYS],
}

impl Set {
    fn way(&self, key: u64) -> Option<usize> {
        self.keys.iter().position(|&taken| taken == key)
    }

    fn put(&mut self, way: usize, place: Place) {
        (self.keys[way], self.since[way], self.waiting[way]) = (place.key, place.since, place.waiting);
    }

    fn at(&self, way: usize) -> Place {
        Place { key: self.keys[way], since: self.since[way], waiting: self.waiting[way] }
    }

    /// Where room is made: for the oldest that nobody waits for, else for the oldest.
    fn oldest(&self) -> usize {
        let age = |way: usize| (self.waiting[way] > 0, self.since[way]);
        (1..WAYS).fold(0, |oldest, way| if age(way) < age(oldest) { way } else { oldest })
    }
}

/// When things began, by the hash of a key: a cache of sets with eight places each. In a full set the
/// oldest makes room, first of those that nobody waits for. The same entries after a restart give the
/// same table.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub struct JoinTable {
    /// Empty until the first insertion.
    sets: Vec<Set>,
    evicted: u64,
}

impl JoinTable {
    /// A recipient begins to wait. The first one's time stays while anybody waits; after that it is a
    /// new beginning, such as a message that comes back to this host from a mailing list.
    pub fn begin(&mut self, key: NonZeroU64, at: i64) {
        if self.sets.is_empty() {
            self.sets = vec![Set::default(); SETS];
        }
        let set = &mut self.sets[set_of(key)];
        if let Some(way) = set.way(key.get()) {
            if set.waiting[way] == 0 {
                set.since[way] = at;
            }
            set.waiting[way] = set.waiting[way].saturating_add(1);
            return;
        }
        let way = set.way(0).unwrap_or_else(|| set.oldest());
        self.evicted += u64::from(set.waiting[way] > 0);
        set.put(way, Place { key: key.get(), since: at, waiting: 1 });
    }

    /// One more recipient waits for something that began before; nothing where that is not known.
    pub fn go_on(&mut self, key: NonZeroU64) {
        if let Some((set, way)) = self.find(key) {
            set.waiting[way] = set.waiting[way].saturating_add(1);
        }
    }

    /// A recipient waits no longer; when it began to, if that is known.
    pub fn end(&mut self, key: NonZeroU64) -> Option<i64> {
        let (set, way) = self.find(key)?;
        set.waiting[way] = set.waiting[way].saturating_sub(1);
        Some(set.since[way])
    }

    /// Looks at the places of keys that come next. The table is larger than a processor's cache: to fetch
    /// from memory what many entries need at once takes hardly longer than for one.
    pub fn fetch(&self, keys: impl Iterator<Item = NonZeroU64>) {
        let seen = keys.filter_map(|key| self.sets.get(set_of(key))).fold(0, |seen, set| {
            seen ^ set.keys[0] ^ set.since[0].cast_unsigned() ^ u64::from(set.waiting[WAYS - 1])
        });
        std::hint::black_box(seen);
    }

    fn find(&mut self, key: NonZeroU64) -> Option<(&mut Set, usize)> {
        let set = self.sets.get_mut(set_of(key))?;
        let way = set.way(key.get())?;
        Some((set, way))
    }

    /// How many made room for others while somebody waited for them.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }
}

fn set_of(key: NonZeroU64) -> usize {
    usize::try_from(key.get() % SETS as u64).unwrap_or(0)
}

/// What is saved: the places that are taken.
#[derive(Serialize, Deserialize)]
struct Saved {
    entries: Vec<Place>,
    evicted: u64,
}

impl From<JoinTable> for Saved {
    fn from(table: JoinTable) -> Self {
        let places = table.sets.iter().flat_map(|set| (0..WAYS).map(|way| set.at(way)));
        Self { entries: places.filter(|place| place.key != 0).collect(), evicted: table.evicted }
    }
}

impl From<Saved> for JoinTable {
    fn from(saved: Saved) -> Self {
        let mut table = Self::default();
        for entry in saved.entries {
            let Some(key) = NonZeroU64::new(entry.key) else { continue };
            table.begin(key, entry.since);
            if let Some((set, way)) = table.find(key) {
                set.put(way, entry);
            }
        }
        table.evicted = saved.evicted;
        table
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::num::NonZeroU64;

    use super::{JoinTable, SETS, Set, WAYS};

    const CAPACITY: usize = SETS * WAYS;

    fn key(number: u64) -> NonZeroU64 {
        NonZeroU64::new(number).expect("not 0")
    }

    #[test]
    fn the_first_time_stays_while_somebody_waits() {
        let mut table = JoinTable::default();
        assert_eq!(table.end(key(7)), None);
        table.begin(key(7), 100);
        table.begin(key(7), 200);
        table.go_on(key(7));
        table.go_on(key(8));
        assert_eq!([(); 3].map(|()| table.end(key(7))), [Some(100); 3]);
        // An end that has no beginning in the log finds the time all the same.
        assert_eq!((table.end(key(7)), table.end(key(8))), (Some(100), None));
        table.begin(key(7), 900);
        assert_eq!(table.end(key(7)), Some(900));
    }

    #[test]
    fn the_oldest_of_a_set_makes_room_and_the_finished_before_it() {
        let mut table = JoinTable::default();
        let way = |way: usize| key((way * SETS + 3) as u64);
        for number in 0..WAYS {
            table.begin(way(number), 100 + i64::try_from(number).expect("small"));
        }
        assert_eq!(table.end(way(5)), Some(105));
        table.begin(way(WAYS), 200);
        assert_eq!((table.end(way(5)), table.evicted()), (None, 0));
        table.begin(way(WAYS + 1), 201);
        assert_eq!((table.end(way(0)), table.evicted()), (None, 1));
        assert!([1, 2, 3, 4, 6, 7, 8, 9].iter().all(|&number| table.end(way(number)).is_some()));
    }

    #[test]
    fn entries_are_small() {
        assert!(size_of::<Set>() <= 20 * WAYS && CAPACITY >= 200_000);
    }

    #[test]
    fn saving_keeps_what_is_found() {
        let mut table = JoinTable::default();
        let mut number = 1_u64;
        let mut numbers = Vec::new();
        for time in 0..i64::try_from(CAPACITY + CAPACITY / 8).expect("small") {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            table.begin(key(number), time);
            // Of every set some.
            if number.is_multiple_of(16) {
                numbers.push(number);
            }
        }
        let saved = rmp_serde::to_vec_named(&table).expect("encoded");
        let mut loaded: JoinTable = rmp_serde::from_slice(&saved).expect("decoded");
        assert_eq!(loaded.evicted(), table.evicted());
        let found = |table: &mut JoinTable| -> HashMap<u64, Option<i64>> {
            numbers.iter().map(|&number| (number, table.end(key(number)))).collect()
        };
        assert_eq!(found(&mut loaded), found(&mut table));
    }
}
